"""A study's pictures are read back as they were drawn, and others are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from momi_lib.data import load_truth
from momi_lib.evaluate.pairs import Pairs
from momi_lib.metrics.true_swaps import masked_l1
from momi_lib.study import pictures as module
from momi_lib.study.pictures import GIVEN, draw_pictures, load_pictures


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict, Pairs]:
    """Two variants whose networks draw the source darker, and the target."""
    results = tmp_path_factory.mktemp("results") / "some.json"
    truth = load_truth()
    pairs = Pairs(truth.people, truth.source, truth.target)
    patch = pytest.MonkeyPatch()
    patch.setattr(module, "load_network", lambda file, device: file.name)
    patch.setattr(module, "swap_all", lambda name, source, target: target if name == "copy" else source // 2)
    entry = draw_pictures({"full": Path("dark"), "gamma-1": Path("copy")}, pairs, results, seed=3, count=4)
    patch.undo()
    results.write_text(json.dumps({"pictures": entry}))
    return results, {"pictures": entry}, pairs


def test_pictures_come_back_in_their_places(study) -> None:
    results, _, pairs = study
    pictures = load_pictures(results, json.loads(results.read_text()))
    assert pictures.columns == (*GIVEN, "full", "gamma-1") and pictures.variants == ("full", "gamma-1")
    assert pictures.pictures.shape == (4, 5, 3, 128, 64) and pictures.seed == 3 and len(pictures) == 4
    files = pairs.people.files
    source = pairs.people.pictures[[files.index(a) for a, _ in pictures.pairs]]
    target = pairs.people.pictures[[files.index(b) for _, b in pictures.pairs]]
    for column, expected in (("source", source), ("full", source // 2), ("target", target), ("gamma-1", target)):
        off = (pictures.of(column).float() - expected.float()).abs().mean()
        assert off < 4, column  # a JPEG is not exact; another person would be off by dozens
    assert len({int(pairs.people.persons[files.index(a)]) for a, _ in pictures.pairs}) == 4


def test_scores_are_those_of_the_drawn_pictures(study) -> None:
    results, said, pairs = study
    truth = load_truth()
    rows = {(int(a), int(b)): row for row, (a, b) in enumerate(zip(truth.source, truth.target, strict=True))}
    files = pairs.people.files
    some = truth.select(torch.tensor([rows[files.index(a), files.index(b)] for a, b in said["pictures"]["pairs"]]))
    expected = masked_l1(some.people.pictures[some.target], some.pictures, some.masks)
    assert load_pictures(results, said).l1["gamma-1"] == pytest.approx(expected.tolist())


def test_pictures_that_are_too_large_are_written_coarser(study, monkeypatch: pytest.MonkeyPatch) -> None:
    results, said, _ = study
    pictures = load_pictures(results, said).pictures
    size = results.with_suffix(".jpg").stat().st_size
    assert size < module.MOST
    monkeypatch.setattr(module, "MOST", size * 2 // 3)
    file = results.with_name("smaller.jpg")
    module._write(file, pictures)
    assert file.stat().st_size <= size * 2 // 3


def test_what_does_not_fit_is_refused(study, tmp_path: Path) -> None:
    results, said, _ = study
    here = tmp_path / "some.json"
    with pytest.raises(ValueError, match="expected an entry 'pictures'"):
        load_pictures(here, {})
    with pytest.raises(FileNotFoundError, match=r"some\.jpg: no such file, though some\.json names it"):
        load_pictures(here, said)
    content = results.with_suffix(".jpg").read_bytes()
    (tmp_path / "some.jpg").write_bytes(content)
    assert len(load_pictures(here, said)) == 4
    fewer = {"pictures": said["pictures"] | {"pairs": said["pictures"]["pairs"][:3]}}
    with pytest.raises(ValueError, match="expected 3 × 5 pictures of 128 × 64 pixels, got 512 × 320"):
        load_pictures(here, fewer)
    Image.new("RGB", (320, 512)).save(tmp_path / "some.jpg")
    with pytest.raises(ValueError, match=r"not the picture that some\.json was written with"):
        load_pictures(here, said)


def test_a_column_that_is_not_there_is_named(study) -> None:
    results, said, _ = study
    with pytest.raises(ValueError, match="expected one of source, target, truth, full, gamma-1, got 'luck'"):
        load_pictures(results, said).of("luck")


def test_without_true_swaps_the_first_pairs_are_drawn(study, tmp_path: Path, monkeypatch) -> None:
    from dataclasses import replace

    _, _, pairs = study
    elsewhere = Pairs(replace(pairs.people, folder=tmp_path), pairs.source, pairs.target)
    monkeypatch.setattr(module, "load_network", lambda file, device: None)
    monkeypatch.setattr(module, "swap_all", lambda network, source, target: source)
    entry = draw_pictures({"full": Path("x")}, elsewhere, tmp_path / "a.json", seed=0, count=2)
    assert entry["columns"] == ["source", "target", "full"] and "l1" not in entry
    pictures = load_pictures(tmp_path / "a.json", {"pictures": entry})
    assert pictures.pairs == tuple(elsewhere.files[:2]) and pictures.l1 == {}
