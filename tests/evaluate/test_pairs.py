"""The protocol: who is tested, which half, which pairs, the same everywhere; and files that do not fit."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from pathlib import Path

import pytest
import torch

from momi_lib.data import People, load
from momi_lib.evaluate import pairs as protocol
from momi_lib.evaluate.pairs import choose_pairs, identity_halves, load_pairs, save_pairs


def made_up(identities, pictures=3):
    """File names and identities of a folder that does not exist."""
    entries = [(p, k) for p in identities for k in range(pictures)]
    return [f"query/{p:04d}_c{k + 1}s1_{k:06d}_00.jpg" for p, k in entries], [p for p, _ in entries]


def people_of(identities, pictures=3):
    files, persons = made_up(identities, pictures)
    count = len(files)
    return People(
        Path("folder"), "test", tuple(files), torch.zeros(count, 3, 2, 1, dtype=torch.uint8), torch.tensor(persons),
        torch.ones(count, dtype=torch.int64), None, None, None, "0",
    )  # fmt: skip


def test_halves_of_market_1501():
    everyone = [-1, 0, *range(2, 1501, 2)]  # 750 people to test with, junk and distractors
    first, second = identity_halves(everyone)
    assert (len(first), len(second)) == (375, 375)
    assert sorted(first + second) == everyone[2:]
    literal = identity_halves(everyone, paper_literal=True)
    assert [len(half) for half in literal] == [376, 375]
    assert sorted(literal[0] + literal[1]) == everyone[1:]
    assert identity_halves(everyone, seed=1)[0] != first
    assert identity_halves(torch.tensor(everyone[::-1] * 2)) == (first, second)


def test_the_pairs_are_pinned():
    """They must never change: not with a library's version, not with the machine."""
    files, persons = made_up(range(1, 21), 5)
    text = "\n".join(f"{a},{b}" for a, b in choose_pairs(files, persons, count=200, seed=7))
    found = hashlib.sha256(text.encode()).hexdigest()
    assert found == "2db97605af3cb02a5ade892f0e997cdce92df68e4ecb4c8246107cc9d77654a3"


def test_the_order_of_the_files_does_not_matter():
    files, persons = made_up(range(1, 8))
    turned = choose_pairs(files[::-1], persons[::-1], count=50)
    assert turned == choose_pairs(files, persons, count=50) != choose_pairs(files, persons, count=50, seed=1)


def test_pairs_are_different_cross_the_halves_and_use_every_source_alike():
    files, persons = made_up(range(1, 10), 4)
    person = dict(zip(files, persons, strict=True))
    first, second = (set(half) for half in identity_halves(persons))
    pairs = choose_pairs(files, persons, count=70)
    assert len(pairs) == len(set(pairs)) == 70
    assert {person[a] for a, _ in pairs} == first and {person[b] for _, b in pairs} == second
    for end, pictures in ((0, 4 * len(first)), (1, 4 * len(second))):
        uses = Counter(pair[end] for pair in pairs)
        assert len(uses) == pictures
    uses = Counter(a for a, _ in pairs)
    assert max(uses.values()) - min(uses.values()) <= 1


def test_where_there_are_fewer_all_pairs_are_taken_and_it_is_said(caplog):
    files, persons = made_up([3, 4, 5], 2)
    with caplog.at_level(logging.WARNING):
        pairs = choose_pairs(files, persons)
    assert len(set(pairs)) == len(pairs) == 4 * 2
    assert "12000 pairs asked for" in caplog.text and "no more than 8" in caplog.text


def test_junk_is_never_paired_and_distractors_when_literal_alone():
    files, persons = made_up([-1, 0, 3, 4], 2)
    person = dict(zip(files, persons, strict=True))
    plain = {person[file] for pair in choose_pairs(files, persons, count=4) for file in pair}
    literal = {person[file] for pair in choose_pairs(files, persons, count=8, paper_literal=True) for file in pair}
    assert plain == {3, 4} and literal == {0, 3, 4}


def test_the_mannequins_give_twelve_thousand():
    people = load(None, "test")
    pairs = protocol.test_pairs(people)
    assert len(pairs) == 12_000 == len(set(pairs.files))
    source, target = (people.persons[index] for index in (pairs.source, pairs.target))
    assert len(source.unique()) == len(target.unique()) == 50
    assert not set(source.tolist()) & set(target.tolist())


def test_there_and_back(tmp_path):
    people = people_of(range(1, 9))
    pairs = protocol.test_pairs(people, count=20)
    path = save_pairs(tmp_path / "pairs.csv", pairs)
    assert path.read_bytes().startswith(b"from,to\nquery/")
    back = load_pairs(path, people)
    assert torch.equal(back.source, pairs.source) and torch.equal(back.target, pairs.target)
    assert back.sha256 == pairs.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    turned = people.select(list(range(len(people)))[::-1])
    assert load_pairs(path, turned).files == pairs.files  # by name, not by place
    assert protocol.test_pairs(people, count=19).sha256 != pairs.sha256
    assert repr(pairs).startswith("Pairs(20 of People('test' of folder")


A, B, C = (f"query/{p:04d}_c1s1_000000_00.jpg" for p in (1, 2, 9))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "pairs.csv, line 1: expected the columns from,to, got nothing"),
        (f"to,from\n{A},{B}\n", "line 1: expected the columns from,to, got to,from"),
        (f"from,to,picture\n{A},{B},{C}\n", "line 1: expected the columns from,to, got from,to,picture"),
        ("from,to\n", "expected at least one pair"),
        (f"from,to\n{A},{B}\n{A}\n", "line 3: expected two entries, from,to, got 1"),
        (f"from,to\n{A},{B}\n\n", "line 3: expected two entries, from,to, got 0"),
        (f"from,to\n{A},{B}\n{A},{C}\n", f"line 3: expected under 'to' one of the 6 .*folder, got '{C}'. Load the"),
        (f"from,to\n../{A},{B}\n", "line 2: expected under 'from'"),
        (f"from,to\n{A},{A}\n", "line 2: expected pictures of two people, got two of person 1"),
        (f'from,to\n"{A}"x,{B}\n', "expected comma-separated values"),
    ],
)
def test_tables_that_do_not_fit(tmp_path, text, message):
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_pairs(path, people_of([1, 2]))


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.csv: no such file; .*save_pairs"):
        load_pairs(tmp_path / "none.csv", people_of([1, 2]))
    (tmp_path / "bytes.csv").write_bytes(b"from,to\n\xff\xfe\n")
    with pytest.raises(ValueError, match="bytes.csv: expected comma-separated values in UTF-8"):
        load_pairs(tmp_path / "bytes.csv", people_of([1, 2]))


def test_refusals():
    with pytest.raises(ValueError, match="at least 2 identities besides 0000 and -1, found 1"):
        identity_halves([-1, 0, 5, 5])
    with pytest.raises(ValueError, match="paper_literal: .*junk=True"):
        identity_halves([-1, 5, 6], paper_literal=True)
    with pytest.raises(ValueError, match="seed: expected a whole number from 0 up, got 1.5"):
        identity_halves([5, 6], seed=1.5)
    with pytest.raises(ValueError, match="count: expected a whole number from 1 up, got 0"):
        choose_pairs(["a", "b"], [1, 2], count=0)
    with pytest.raises(ValueError, match="2 files, of which 1 are different"):
        choose_pairs(["a", "a"], [1, 2])
    with pytest.raises(ValueError, match="and 1 persons"):
        choose_pairs(["a", "b"], [1])
