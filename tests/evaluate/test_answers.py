"""Whatever has ``swap`` is an answer: in the table of true swaps, in the store of swaps and in the figure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from momi_lib.data import People, Truth, load_truth, to_float, to_uint8
from momi_lib.data.pictures import save_picture
from momi_lib.evaluate import truth_table as module
from momi_lib.evaluate.answers import (
    draw_together,
    folder_answer,
    named_methods,
    network_answer,
    pictures_there,
    poses_of,
    swap_all,
    swap_pairs,
)
from momi_lib.evaluate.cache import SwapStore
from momi_lib.evaluate.figure import swap_figure
from momi_lib.evaluate.pairs import Pairs
from momi_lib.evaluate.table_one import Table, table_one
from momi_lib.evaluate.truth_table import markdown, truth_table
from momi_lib.metrics import score_truth
from momi_lib.rivals.base import Landmarks, PoseGuided, RivalConfig
from momi_lib.rivals.posed import FoundPoses, LabelledPoses, Posed
from momi_lib.translate.swaps import SOURCE_POSE, TARGET_POSE


class Echo:
    """The source, darker by a factor."""

    config, needs = SimpleNamespace(size=(128, 64)), frozenset()

    def __init__(self, name: str | None = None, factor: float = 1.0) -> None:
        self.name, self.factor, self.asked = name, factor, 0

    def swap(self, source: Tensor, target: Tensor) -> Tensor:
        self.asked += len(source)
        return source * self.factor


class Ring(PoseGuided):
    """The source with a white pixel at the target's nose."""

    method = "ring"

    def __init__(self) -> None:
        super().__init__()
        self.config, self.asked = RivalConfig(), 0

    def draw(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> Tensor:
        self.asked += len(source)
        drawn = source.clone()
        for picture, (x, y) in zip(drawn, target_pose.places[:, 0].round().long().tolist(), strict=True):
            picture[:, y, x] = 1
        return drawn


class Corner(nn.Module):
    """Sees all joints in the cell of four pixels at (4, 4)."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, pictures: Tensor) -> Tensor:
        maps = pictures.new_zeros(len(pictures), 17, 32, 16)
        maps[:, :, 1, 1] = self.gain
        return maps


@pytest.fixture(scope="module")
def truth() -> Truth:
    return load_truth().select(slice(8))


@pytest.fixture(scope="module")
def pairs(truth: Truth) -> Pairs:
    return Pairs(truth.people, truth.source, truth.target)


def noses(people: People, index: Tensor) -> list[list[int]]:
    return people.joints[index, 0].round().long().tolist()


def corners(posed: Posed, gain: float) -> Posed:
    return Posed(posed.rival, FoundPoses("teacher", Corner(gain), decoder="argmax"))


def test_swaps_of_pairs_are_those_of_their_pictures(truth: Truth) -> None:
    pictures = truth.people.pictures
    given = pictures[truth.source], pictures[truth.target]
    expected = to_uint8(to_float(given[0]) * 0.5)
    for drawn in (swap_pairs(Echo(factor=0.5), truth, batch=3), swap_all(Echo(factor=0.5), *given, batch=3)):
        assert torch.equal(drawn, expected)


def test_labels_reach_a_rival_through_its_pairs(truth: Truth, pairs: Pairs, tmp_path: Path) -> None:
    posed = Posed(Ring(), LabelledPoses())
    answer = network_answer("ring@joints", posed, "ab" * 32)
    assert answer.given["given"] == "RGB + both poses (joints)" and answer.given["poses_sha256"] == posed.poses.sha256
    for drawn in (swap_pairs(posed, truth), answer.pictures(pairs, tmp_path)):
        for picture, (x, y) in zip(drawn, noses(truth.people, truth.target), strict=True):
            assert picture[:, y, x].tolist() == [255] * 3
    pictures = truth.people.pictures
    with pytest.raises(ValueError, match="poses 'joints' are labels of a data set"):
        swap_all(posed, pictures[truth.source], pictures[truth.target])


def test_swaps_of_one_pose_source_are_never_served_for_another(pairs: Pairs, tmp_path: Path) -> None:
    labelled = Posed(Ring(), LabelledPoses())
    found = [corners(labelled, gain) for gain in (1.0, 2.0)]
    first = network_answer("ring", labelled, "ab" * 32).pictures(pairs, tmp_path)
    second, third = (network_answer("ring", each, "ab" * 32).pictures(pairs, tmp_path) for each in found)
    assert labelled.rival.asked == 3 * len(pairs) and len(list((tmp_path / "swaps").iterdir())) == 3
    assert not torch.equal(first, second) and torch.equal(second, third)
    assert torch.equal(network_answer("ring", found[1], "ab" * 32).pictures(pairs, tmp_path), third)
    assert labelled.rival.asked == 3 * len(pairs)  # kept
    people = replace(pairs.people, joints=(pairs.people.joints + 3).clamp(0, 60))
    moved = Pairs(people, pairs.source, pairs.target)
    assert not torch.equal(network_answer("ring", labelled, "ab" * 32).pictures(moved, tmp_path), first)
    assert poses_of(Echo(), people) == "" and poses_of(labelled, people) != poses_of(labelled, pairs.people)


def test_processes_share_the_swaps_that_the_answer_reads(pairs: Pairs, tmp_path: Path) -> None:
    posed = corners(Posed(Ring(), LabelledPoses()), 1.0)
    for rank in (0, 1):
        draw_together(posed, "ring", "ab" * 32, [pairs], tmp_path, rank, 2)
    assert posed.rival.asked == len(pairs)
    network_answer("ring", posed, "ab" * 32).pictures(pairs, tmp_path)
    assert posed.rival.asked == len(pairs)


def test_an_object_without_a_file_is_asked_every_time(pairs: Pairs, tmp_path: Path) -> None:
    echo = Echo()
    answer = network_answer("echo", echo, None)
    assert torch.equal(answer.pictures(pairs, tmp_path), pairs.people.pictures[pairs.source])
    answer.pictures(pairs, tmp_path)
    assert echo.asked == 2 * len(pairs) and not list(tmp_path.iterdir()) and answer.given == {"given": "RGB"}


class FewJudges:
    """Scores that need no network, under the names that the table prints."""

    def __init__(self, truth: Truth, *_: object, **__: object) -> None:
        self.truth, self.conditions = truth, {"features": "f", "teacher": "t"}

    def score(self, pictures: Tensor) -> dict[str, float]:
        none = dict.fromkeys(("perceptual", "pck", "rank1", "frechet"), 0.0)
        return {**vars(score_truth(pictures, self.truth)), **none}


def test_the_table_of_true_swaps_says_who_was_given_a_pose(truth: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Judges", FewJudges)
    monkeypatch.setattr(module, "load_truth", lambda folder: truth)
    monkeypatch.setattr(module, "load", lambda folder, split: truth.people.select(slice(20)))
    posed = Posed(Ring(), LabelledPoses())
    table = truth_table(["small", Echo("echo"), posed], limit=5, named=False)
    rows = {row["answer"]: row for row in table["rows"]}
    assert list(rows) == ["copy source", "copy target", "mean picture", "momi-small", "echo", "Posed", "true swap"]
    given = [row.get("given") for row in rows.values()]
    assert given == [None] * 3 + ["RGB"] * 2 + ["RGB + both poses (joints)", None]
    assert rows["Posed"]["poses_sha256"] == posed.poses.sha256 and "poses_sha256" not in rows["echo"]
    assert rows["echo"]["l1"] == rows["copy source"]["l1"] and rows["echo"]["weights_sha256"] is None
    assert rows["Posed"]["l1"] != rows["copy source"]["l1"] and len(rows["momi-small"]["weights_sha256"]) == 64
    beside = {(row["answer"], row["beside"]) for row in table["differences"]}
    assert {("Posed", "momi-small"), ("echo", "copy target")} <= beside
    lines = markdown(table).splitlines()
    assert lines[0].startswith("| answer | given | masked L1 ↓") and "| Posed | RGB + both poses (joints) |" in lines[7]
    assert "| copy source | – |" in lines[2] and {line.count("|") for line in lines[:9]} == {9}
    unlabelled = replace(truth, people=replace(truth.people, joints=None))
    monkeypatch.setattr(module, "load_truth", lambda folder: unlabelled)
    with pytest.raises(ValueError, match="expected labelled people for poses 'joints', got pictures without joints"):
        truth_table([posed])
    plain = markdown({**table, "rows": [row for row in table["rows"] if row["answer"] != "Posed"], "differences": []})
    assert "given" not in plain
    for row in table["rows"]:  # results of earlier versions do not say it
        row.pop("given", None)
    assert "given" not in markdown({**table, "differences": []})


def test_without_people_to_train_on_there_is_no_mean_picture(
    truth: Truth, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "Judges", FewJudges)
    monkeypatch.setattr(module, "load_truth", lambda folder: truth)
    monkeypatch.setattr(module, "load", MagicMock(side_effect=FileNotFoundError("no bounding_box_train")))
    rows = truth_table([Echo("echo")], limit=2, named=False)["rows"]
    assert [row["answer"] for row in rows] == ["copy source", "copy target", "echo", "true swap"]
    assert "mean picture of the training people is left out: no bounding_box_train" in caplog.text


def test_one_true_swap_is_no_set_and_refused_before_any_work(truth: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("momi_lib.evaluate.truth_table.Judges", None)
    monkeypatch.setattr("momi_lib.evaluate.truth_table.load", lambda *_: truth.people)
    monkeypatch.setattr("momi_lib.evaluate.truth_table.load_truth", lambda _: truth)
    with pytest.raises(ValueError, match=f"^limit: expected 2 to {len(truth)} swaps, got 1$"):
        truth_table([], limit=1)
    monkeypatch.setattr("momi_lib.evaluate.truth_table.load_truth", lambda _: truth.select(slice(1)))
    with pytest.raises(ValueError, match=f"^{truth.people.folder}: expected at least 2 true swaps, .* got 1; "):
        truth_table([])


def test_what_an_object_lacks_is_named(truth: Truth) -> None:
    pictures = truth.people.pictures[:2]
    for missing, words in (("swap", "swap"), ("config", r"config\.size"), ("needs", "needs")):
        parts = {"swap": lambda source, target: source, "config": Echo.config, "needs": frozenset()}
        parts.pop(missing)
        for ask in (
            lambda method: swap_all(method, pictures, pictures),
            lambda method: network_answer("x", method, None),
            lambda method: truth_table([method], limit=2),
        ):
            with pytest.raises(TypeError, match=f"SimpleNamespace: expected what satisfies .*Swaps; it lacks {words}$"):
                ask(SimpleNamespace(**parts))
    with pytest.raises(TypeError, match="it lacks swap; a network that draws from poses gets them from a pose source"):
        swap_all(Ring(), pictures, pictures)
    with pytest.raises(TypeError, match="Echo: expected an object, got a class"):
        named_methods([Echo])
    strange = SimpleNamespace(swap=Echo().swap, config=Echo.config, needs={"depth"})
    with pytest.raises(ValueError, match=r"needs: expected a subset of source pose, target pose, got \['depth'\]"):
        named_methods([strange])


def test_other_sizes_and_answers_are_named(truth: Truth) -> None:
    pictures, echo = truth.people.pictures[:2], Echo()
    echo.config = SimpleNamespace(size=(64, 32))
    with pytest.raises(ValueError, match="Echo: swaps pictures of 64 × 32 .* got pictures of 128 × 64"):
        swap_all(echo, pictures, pictures)
    for answer in (pictures, to_float(pictures)[:1], None):
        lost = SimpleNamespace(swap=lambda source, target, a=answer: a, config=Echo.config, needs=frozenset())
        with pytest.raises(ValueError, match=r"swap: expected float pictures \(2, 3, 128, 64\) in \[-1, 1\]"):
            swap_all(lost, pictures, pictures)
    with pytest.raises(ValueError, match="as many of each, got 2 and 1"):
        swap_all(Echo(), pictures, pictures[:1])


def test_another_size_is_found_out_before_any_work(
    truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = Echo("momi-t64")
    echo.config = SimpleNamespace(size=(64, 32))
    for place in ("truth_table", "figure", "table_one"):
        at = f"momi_lib.evaluate.{place}"
        monkeypatch.setattr(f"{at}.load_truth", lambda folder: truth)
        monkeypatch.setattr(f"{at}.load", lambda *_, **__: truth.people, raising=False)
    for work in ("truth_table.Judges", "table_one.open_table", "figure.swap_pairs"):
        monkeypatch.setattr(f"momi_lib.evaluate.{work}", None)
    said = r"^momi-t64: swaps pictures of 64 × 32 .* got pictures of 128 × 64; .* --network.size 128 64\), or load"
    with pytest.raises(ValueError, match=said):
        truth_table([echo])
    with pytest.raises(ValueError, match=said):
        swap_figure(tmp_path / "swaps.png", [echo])
    with pytest.raises(ValueError, match=said):
        table_one([echo], out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_background_is_asked_for_only_where_it_is_another(pairs: Pairs, tmp_path: Path) -> None:
    class Streets(Echo):
        backgrounds = ("target", "drawn")

        def swap(self, source: Tensor, target: Tensor, **options: str) -> Tensor:
            return source * {"{}": 1, "{'background': 'drawn'}": 0}[str(options)]

    pictures = pairs.people.pictures[pairs.source]
    usual = network_answer("streets", Streets(), "ab" * 32).pictures(pairs, tmp_path)
    drawn = SwapStore(tmp_path, "streets", "ab" * 32, pairs, "drawn").pictures(Streets())
    assert torch.equal(usual, pictures) and drawn.unique().tolist() == [128]


def test_names_tell_methods_apart() -> None:
    every = named_methods([Echo("a"), Echo("b"), Echo()])
    assert [each.name for each in every] == ["a", "b", "Echo"]
    with pytest.raises(ValueError, match="expected different methods, got 'a' twice"):
        named_methods([Echo("a"), Echo("a")])


def test_a_folder_of_pictures_is_an_answer_to_its_pairs_alone(
    truth: Truth, pairs: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = pairs.people.pictures
    with pytest.raises(FileNotFoundError, match=r"expected pictures named 00000\.png to 00007\.png, found none"):
        folder_answer("theirs", tmp_path, pairs)
    for number, index in enumerate(pairs.target.tolist()):
        if number != 5:
            save_picture(pictures[index], tmp_path / f"{number:05}.png")
    there, some = pictures_there(tmp_path, ["00004.png", "00005.png", "00006.png"])
    assert there.tolist() == [0, 2] and torch.equal(some, pictures[pairs.target[[4, 6]]])
    with pytest.raises(FileNotFoundError, match="one for each pair, found 7 of 8"):
        folder_answer("theirs", tmp_path, pairs)
    save_picture(pictures[pairs.target[5]], tmp_path / "00005.png")
    answer = folder_answer("theirs", tmp_path, pairs)
    assert torch.equal(answer.pictures(pairs, tmp_path), pictures[pairs.target]) and answer.given == {}
    others = Pairs(pairs.people, pairs.target, pairs.source)
    with pytest.raises(ValueError, match="holds answers to other pairs"):
        answer.pictures(others, tmp_path)
    table = SimpleNamespace(pairs=pairs, folder=tmp_path, perceptual=None)
    table._put = lambda scores, column, compute, answer: scores.update({column: compute()})
    monkeypatch.setattr("momi_lib.evaluate.table_one.load_truth", lambda folder: truth.select(slice(3)))
    assert Table._truth(table, answer) == {}  # these are not the true swaps that the table knows
    assert Table._truth(table, network_answer("echo", Echo(), None))["truth"].count == 3
    monkeypatch.setattr("momi_lib.evaluate.table_one.load_truth", lambda folder: truth)
    assert Table._truth(table, answer)["truth"].count == 8


def test_the_figure_has_a_column_for_every_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = load_truth().select(slice(None, None, 100))
    monkeypatch.setattr("momi_lib.evaluate.figure.load_truth", lambda folder: some)
    posed = Posed(Ring(), LabelledPoses())
    sizes = []
    for methods in (Echo(), [Echo()], [Echo("a"), posed]):
        with Image.open(swap_figure(tmp_path / "swaps.png", methods, rows=2)) as image:
            sizes.append(image.size)
    assert sizes[0] == sizes[1] and sizes[2][0] < sizes[0][0] and sizes[2][1] > sizes[0][1]  # one block of two rows
    assert posed.rival.asked == 2 and posed.needs == {SOURCE_POSE, TARGET_POSE}
