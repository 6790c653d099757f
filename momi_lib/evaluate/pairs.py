"""Which pictures are swapped with which: the test identities, their two halves, and the 12,000 pairs.

Nothing here asks a generator of random numbers: what comes first is decided by SHA-256 of the seed and a name, so the
same folder and the same seed give the same pairs on every machine and with every version of every library.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from momi_lib.arguments import check_has, file_to_write, flag, path_of, told, whole, whole_numbers
from momi_lib.data import People
from momi_lib.files import absent, likest, read_table, write_atomically

#: As many swaps as the paper scores.
PAIRS = 12_000
#: Fewer pairs, or true swaps, than these say next to nothing, and tables warn.
FEW = 100
#: Fewer are no set whose distance from another one could be measured.
SET = 2
COLUMNS = ["from", "to"]
PEOPLE = "People, as momi_lib.data.load gives them"
JUNK, DISTRACTORS = -1, 0

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, repr=False)
class Pairs:
    """M swaps to draw: the person of picture ``source`` in the pose of picture ``target``.

    Attributes:
        people: which ``source`` and ``target`` index.
        source: (M,) int64, who.
        target: (M,) int64, in which pose.

    >>> people = People(Path("folder"), "test", ("a", "b"), *[torch.tensor([3, 5])] * 3, None, None, None, "0")
    >>> pairs = Pairs(people, torch.tensor([0]), torch.tensor([1]))
    >>> len(pairs), pairs.files
    (1, [('a', 'b')])
    """

    people: People
    source: Tensor
    target: Tensor

    def __len__(self) -> int:
        return len(self.source)

    def __repr__(self) -> str:
        return f"Pairs({len(self)} of {self.people!r})"

    @property
    def files(self) -> list[tuple[str, str]]:
        """(from, to) of every pair, relative to the data folder."""
        files = self.people.files
        return [(files[a], files[b]) for a, b in zip(self.source.tolist(), self.target.tolist(), strict=True)]

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the table that `save_pairs` writes: what must stand beside a score made with these pairs."""
        return hashlib.sha256(_table(self.files)).hexdigest()


def identity_halves(
    persons: Tensor | Sequence[int], *, seed: int = 0, paper_literal: bool = False
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The test identities in two halves that share nobody; an odd one belongs to the first.

    The paper splits "751 test identities" into 376 + 375. Market-1501 has 751 identities to train with and 750 to
    test with, besides 0000 (distractors) and -1 (junk), which are nobody: without these two it is 375 + 375.

    Args:
        persons: identities, one a picture, repeated as often as they come.
        seed: which halves.
        paper_literal: count 0000 as an identity, which gives 376 + 375 on Market-1501. Junk never counts.

    Returns:
        Two tuples of identities, sorted.

    Raises:
        ValueError: for fewer than two identities; with ``paper_literal`` where there is no 0000.

    Source: the paper's section on experiments, as far as it goes; notebook 08.

    >>> first, second = identity_halves([-1, 0, 4, 4, 7, 9, 9])
    >>> sorted(first + second), len(first), len(second)
    ([4, 7, 9], 2, 1)
    """
    seed, paper_literal = whole("seed", seed, 0), flag("paper_literal", paper_literal)
    known = {*whole_numbers("persons", persons).tolist()} - {JUNK}
    if paper_literal and DISTRACTORS not in known:
        raise ValueError(
            "paper_literal: expected pictures of 0000 (distractors) among the people, found none. Load the people "
            "with junk=True, or leave paper_literal out where the folder has no distractors."
        )
    people = sorted(known if paper_literal else known - {DISTRACTORS})
    if len(people) < 2:
        raise ValueError(
            f"persons: expected pictures of at least 2 identities besides 0000 and -1, found {len(people)}. "
            "Take the whole split 'test' of a data folder."
        )
    order = sorted(people, key=lambda person: _key(seed, f"identity {person}"))
    middle = (len(order) + 1) // 2
    return tuple(sorted(order[:middle])), tuple(sorted(order[middle:]))


def choose_pairs(
    files: Sequence[str],
    persons: Tensor | Sequence[int],
    *,
    count: int = PAIRS,
    seed: int = 0,
    paper_literal: bool = False,
) -> list[tuple[str, str]]:
    """(from, to) of ``count`` different pairs whose source is of the first half and whose target of the second.

    The paper says no more than "751 test identities", 376 + 375, 12,000 pairs. Taking sources from one half and
    targets from the other is this project's reading: the two people of a pair then differ by themselves, and nobody
    is both. Sources and targets stand in an order of their own, drawn by the seed; the first round pairs source i
    with target i, the next with target i + 1, and so on, so that no pair comes twice and every source as often as
    every other one, give or take one.

    Args:
        files: names relative to the data folder; their order does not matter.
        persons: as many identities.
        count: how many pairs; where there are fewer, all of them, and a note is logged.
        seed: which halves and which pairs.
        paper_literal: see `identity_halves`.

    Raises:
        ValueError: for too few identities, names that come twice, or a count below 1.

    >>> files, persons = ["a", "b", "c", "d", "e", "f"], [1, 1, 2, 2, 3, 4]
    >>> pairs = choose_pairs(files, persons, count=3)
    >>> len(set(pairs)), {persons[files.index(a)] for a, b in pairs} & {persons[files.index(b)] for a, b in pairs}
    (3, set())
    """
    count = whole("count", count)
    if not isinstance(files, tuple | list) or not all(isinstance(file, str) for file in files):
        raise TypeError(f"files: expected a list or tuple of names, got {told(files)}")
    persons = whole_numbers("persons", persons).tolist()
    if len(files) != len(persons) or len(set(files)) != len(files):
        raise ValueError(
            f"files and persons: expected different files and as many persons, got {len(files)} files, of which "
            f"{len(set(files))} are different, and {len(persons)} persons"
        )
    first, second = (set(half) for half in identity_halves(persons, seed=seed, paper_literal=paper_literal))
    order = sorted(zip(files, persons, strict=True), key=lambda entry: _key(seed, entry[0]))
    sources = [file for file, person in order if person in first]
    targets = [file for file, person in order if person in second]
    most = len(sources) * len(targets)
    if most < count:
        log.warning("%d pairs asked for, and the pictures make no more than %d: all of them are taken", count, most)
    pairs = []
    for number in range(min(count, most)):
        turn, place = divmod(number, len(sources))
        pairs.append((sources[place], targets[(place + turn) % len(targets)]))
    return pairs


def test_pairs(people: People, *, count: int = PAIRS, seed: int = 0, paper_literal: bool = False) -> Pairs:
    """The pairs of the protocol among ``people``: `choose_pairs` with their names.

    Args:
        people: the split "test"; with ``junk=True`` for ``paper_literal``.
        count, seed, paper_literal: see `choose_pairs`.

    Raises:
        ValueError: as `choose_pairs` does.
    """
    check_has("people", people, PEOPLE, "files", "persons")
    chosen = choose_pairs(people.files, people.persons, count=count, seed=seed, paper_literal=paper_literal)
    place = {file: index for index, file in enumerate(people.files)}
    source, target = (torch.tensor([place[pair[end]] for pair in chosen]) for end in (0, 1))
    return Pairs(people, source, target)


vars(test_pairs)["__test__"] = False  # a name that pytest would take for a test where it is imported


def save_pairs(path: str | os.PathLike[str], pairs: Pairs) -> Path:
    """Write the pairs as CSV with the columns ``from,to``, paths relative to the data folder; atomically."""
    check_has("pairs", pairs, "Pairs", "files", "people")
    return write_atomically(file_to_write("path", path), lambda file: file.write(_table(pairs.files)))


def load_pairs(path: str | os.PathLike[str], people: People) -> Pairs:
    """Read pairs that `save_pairs` wrote, or that somebody else published in the same form.

    Args:
        path: CSV with the columns ``from,to``, separated by commas, semicolons or tabulators, with a byte order mark or
            without.
        people: who must have every picture that the file names.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: for other columns, a row that is none, a picture that ``people`` do not have, a picture with itself
            or another of the same person, or a pair that comes twice; the message names the file and the line.
    """
    path = path_of("path", path)
    check_has("people", people, PEOPLE, "files", "persons")
    if not path.is_file():
        what = absent(path, "*.csv")
        raise FileNotFoundError(f"{path}: {what}; expected pairs as CSV. Make them with test_pairs, save_pairs.")
    columns, rows = read_table(path)
    if columns != COLUMNS:
        raise ValueError(
            f"{path}, line 1: expected the columns from,to, got {','.join(columns) or 'nothing'}. "
            "Rename them, and remove the others."
        )
    if not rows:
        raise ValueError(f"{path}: expected at least one pair, found none below the columns. Save the pairs again.")
    place = {file: index for index, file in enumerate(people.files)}
    seen: dict[tuple[str, ...], int] = {}
    for line, row in rows:
        where = f"{path}, line {line}"
        if len(row) != 2:
            raise ValueError(f"{where}: expected two entries, from,to, got {len(row)}. Correct or remove the line.")
        for column, file in zip(COLUMNS, row, strict=True):
            if file not in place:
                raise ValueError(
                    f"{where}: expected under {column!r} one of the {len(place)} pictures of the split "
                    f"{people.split!r} in {people.folder}, got {file!r}. Load the folder and the split that the pairs "
                    "were made from (with junk=True where 0000 was counted), or write the names as they are there, for "
                    f"example {likest(file, place)!r}, or make the pairs again."
                )
        persons = {int(people.persons[place[file]]) for file in row}
        if len(persons) == 1:
            same = f"; from and to are the same picture, {row[0]}" if row[0] == row[1] else ""
            raise ValueError(
                f"{where}: expected pictures of two people, got two of person {persons.pop()}{same}. "
                "Correct or remove the line."
            )
        if seen.setdefault(tuple(row), line) != line:
            raise ValueError(
                f"{where}: the pair {','.join(row)} occurs twice, first in line {seen[tuple(row)]}, and would count "
                "twice. Remove one of the lines."
            )
    source, target = (torch.tensor([place[row[end]] for _, row in rows]) for end in (0, 1))
    return Pairs(people, source, target)


def _key(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{name}".encode()).digest()


def _table(files: Sequence[tuple[str, str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *files])
    return text.getvalue().encode()
