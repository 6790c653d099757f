"""A pose-guided network behind the RGB door: where its poses come from, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from momi_lib import data
from momi_lib.data import load, to_float
from momi_lib.rivals.base import Landmarks, PoseGuided, RivalConfig
from momi_lib.rivals.pn_gan import nearest_canonical
from momi_lib.rivals.posed import CanonicalPoses, FoundPoses, LabelledPoses, Posed, pose_source
from momi_lib.translate import load_network
from momi_lib.translate.swaps import SOURCE_POSE, TARGET_POSE, Swaps, SwapsPeople, device_of, given_to


class Marks(PoseGuided):
    """Draws the darkened source, and keeps which poses it was given."""

    method = "marks"

    def __init__(self, *needs: str) -> None:
        super().__init__()
        self.config, self.shade = RivalConfig(), nn.Parameter(torch.tensor(0.5))
        self.needs = frozenset(needs or (TARGET_POSE,))
        self.asked: list[tuple[Landmarks | None, Landmarks]] = []

    def draw(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> Tensor:
        self.asked.append((source_pose, target_pose))
        return source * self.shade


class Brightest(nn.Module):
    """Sees all 17 joints at the brightest of the cells of 4 × 4 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(1.0))

    def forward(self, pictures: Tensor) -> Tensor:
        cells = nn.functional.avg_pool2d(pictures.mean(1, keepdim=True), 4) + 1
        return self.factor * cells.expand(-1, 17, -1, -1)


def bright_at(*places: tuple[int, int]) -> Tensor:
    """Black pictures (N, 3, 128, 64), each with one white cell."""
    pictures = torch.full((len(places), 3, 128, 64), -1.0)
    for picture, (x, y) in zip(pictures, places, strict=True):
        picture[:, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4] = 1
    return pictures


@pytest.fixture
def poses() -> FoundPoses:
    return FoundPoses("teacher", Brightest(), decoder="argmax")


def test_the_pose_of_the_target_is_found_and_drawn(poses: FoundPoses) -> None:
    rival = Marks()
    posed = Posed(rival, poses).eval()
    assert isinstance(posed, Swaps) and isinstance(posed, SwapsPeople)
    assert given_to(posed) == "RGB + target pose (teacher)"
    assert (posed.needs, posed.config.size) == ({TARGET_POSE}, (128, 64)) and device_of(posed).type == "cpu"
    source, target = bright_at((1, 2), (3, 4)), bright_at((5, 6), (7, 8))
    assert torch.equal(posed.swap(source, target), posed(source, target))
    torch.testing.assert_close(posed.swap(source, target), source / 2)
    own, wanted = rival.asked[-1]
    assert own is None and wanted.valid.all()
    assert wanted.places[:, 0].tolist() == [[21.5, 25.5], [29.5, 33.5]]  # the middle of a cell of four pixels


def test_a_rival_that_needs_both_poses_is_given_both(poses: FoundPoses) -> None:
    rival = Marks(SOURCE_POSE, TARGET_POSE)
    Posed(rival, poses).swap(bright_at((1, 2), (3, 4)), bright_at((5, 6), (7, 8)))
    own, wanted = rival.asked[-1]
    assert own is not None and own.places[:, 0].tolist() == [[5.5, 9.5], [13.5, 17.5]]
    assert wanted.places[:, 0].tolist() == [[21.5, 25.5], [29.5, 33.5]]


def test_the_pose_network_is_a_frozen_copy(poses: FoundPoses) -> None:
    posed = Posed(Marks(), poses).train()
    assert posed.rival.training and not any(part.training for part in poses.network.modules())
    live = nn.Sequential(Brightest(), nn.BatchNorm2d(17)).train()
    kept = FoundPoses("student", live)
    assert live.training and all(p.requires_grad for p in live.parameters())
    assert not any(p.requires_grad for p in kept.parameters())
    before = kept.find(bright_at((3, 3))).places
    live[0].factor.data.neg_()
    assert torch.equal(kept.find(bright_at((3, 3))).places, before)
    posed.draw(bright_at((1, 1)), None, poses.find(bright_at((2, 2)))).sum().backward()
    assert posed.rival.shade.grad is not None and poses.network.factor.grad is None


def test_the_hash_knows_weights_and_settings() -> None:
    network = Brightest()
    same = [FoundPoses("teacher", network).sha256 for _ in range(2)]
    options = ({"decoder": "argmax"}, {"threshold": 0.5})
    other = [FoundPoses("teacher", network, **changed).sha256 for changed in options]
    network.factor.data.mul_(2)
    other.append(FoundPoses("teacher", network).sha256)
    assert same[0] == same[1] and len({same[0], *other, LabelledPoses().sha256}) == 5


def test_a_student_sees_what_its_network_sees() -> None:
    network = load_network("small")
    pictures = to_float(load(None, "query").pictures[:3])
    with torch.no_grad():
        expected = network.pose(pictures)
    found = pose_source("student", network=network).find(pictures)
    assert torch.equal(found.places, expected.landmarks) and torch.equal(found.valid, expected.valid)
    committed = pose_source("student")
    assert committed.name == "student" and committed.sha256 == pose_source("student", network=network).sha256
    alone = pose_source("student", network=network.student)
    assert torch.equal(alone.find(pictures).places, expected.landmarks)
    assert pose_source("student", network=load_network("lookup")).sha256 != committed.sha256


def test_the_teacher_finds_most_labelled_joints_and_is_read_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path))
    people = load(None, "query", cache=False).select(slice(8))
    source = pose_source("teacher")
    assert isinstance(source, FoundPoses)
    found = source.of_people(people)
    again = source.find(to_float(people.pictures))
    assert torch.equal(found.valid, again.valid)
    apart = (found.places - again.places).norm(dim=-1)[found.valid]
    assert apart.median() < 0.1  # kept in half precision
    seen = people.visibility == 2
    assert ((found.places - people.joints).norm(dim=-1) < 12.8)[seen].float().mean() > 0.9
    monkeypatch.setattr(source.network, "forward", lambda pictures: pytest.fail("the heatmaps were kept"))
    assert torch.equal(source.of_people(people).places, found.places)


def test_labels_are_drawn_of_people_and_not_of_pictures(poses: FoundPoses) -> None:
    people, rival = load(None, "query").select(slice(12)), Marks(SOURCE_POSE, TARGET_POSE)
    people.visibility[3] = torch.tensor([0, 1, 2] * 6)[:17]
    posed = Posed(rival, pose_source("joints"))
    source, target = torch.tensor([0, 5]), torch.tensor([3, 7])
    drawn = posed.swap_people(people, source, target)
    torch.testing.assert_close(drawn, to_float(people.pictures[source]) / 2)
    own, wanted = rival.asked[-1]
    assert own is not None and torch.equal(own.places[own.valid], people.joints[source][own.valid])
    assert wanted.valid[0].tolist() == [value > 0 for value in [0, 1, 2] * 6][:17]  # hidden joints are known, too
    assert torch.equal(wanted.places[0, 1], people.joints[3, 1])
    with pytest.raises(ValueError, match="poses 'joints' are labels of a data set"):
        posed.swap(to_float(people.pictures[source]), to_float(people.pictures[target]))
    found = Posed(Marks(), poses)
    with torch.no_grad():
        expected = found.swap(to_float(people.pictures[source]), to_float(people.pictures[target]))
        assert torch.equal(found.swap_people(people, source, target), expected)


def test_other_labels_have_another_key(poses: FoundPoses) -> None:
    people, posed = load(None, "query").select(slice(4)), Posed(Marks(), pose_source("joints"))
    moved = replace(people, joints=people.joints + 1)
    assert posed.key(people) == posed.key(people) != posed.key(moved)
    assert Posed(Marks(), poses).key(people) == Posed(Marks(), poses).key(moved) == poses.sha256


def test_people_without_labels_are_refused() -> None:
    people = replace(load(None, "query").select(slice(4)), joints=None, visibility=None)
    posed = Posed(Marks(), pose_source("joints"))
    for refused in (lambda: posed.key(people), lambda: posed.swap_people(people, torch.tensor([0]), torch.tensor([1]))):
        with pytest.raises(ValueError, match="expected labelled people for poses 'joints', got pictures without"):
            refused()


def test_canonical_poses_are_few_and_the_nearest(poses: FoundPoses) -> None:
    pictures = bright_at((1, 2), (9, 8), (60, 120))
    found = poses.find(pictures)
    eight = Landmarks(64 * torch.rand(8, 17, 2, generator=torch.Generator().manual_seed(0)),
                      torch.ones(8, 17, dtype=torch.bool))  # fmt: skip
    canonical = CanonicalPoses(poses, eight)
    rows = nearest_canonical(found, eight)
    for part, known in zip(canonical.find(pictures), eight, strict=True):
        assert torch.equal(part, known[rows])
    posed, own = Posed(Marks(), canonical).eval(), Posed(Marks(), poses).eval()
    assert posed.given == "RGB + target pose (canonical)"
    assert torch.equal(posed.swap(pictures, pictures), own.draw(pictures, None, canonical.find(pictures)))
    people = load(None, "query").select(slice(5))
    rows = nearest_canonical(poses.of_people(people), eight)
    assert torch.equal(canonical.of_people(people).places, eight.places[rows])
    others = CanonicalPoses(poses, Landmarks(eight.places + 1, eight.valid))
    assert len({canonical.key(people), others.key(people), poses.key(people)}) == 3
    with pytest.raises(ValueError, match="marks is given the source's own pose, too, which canonical poses would"):
        Posed(Marks(SOURCE_POSE, TARGET_POSE), canonical)


def test_the_canonical_poses_of_the_training_people_are_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    people, asked = load(None, "query"), []
    monkeypatch.setattr(data, "load", lambda folder, split: asked.append(split) or people.select(slice(150)))
    source = pose_source("canonical")
    assert asked == ["train"] and isinstance(source, CanonicalPoses) and source.places.shape == (8, 17, 2)
    assert len(source.of_people(people.select(slice(150))).places.unique(dim=0)) == 8


def test_what_cannot_be_posed_is_refused(poses: FoundPoses) -> None:
    with pytest.raises(TypeError, match="marks draws from poses, expected a pose source, got NoneType"):
        Posed(Marks(), None)
    with pytest.raises(TypeError, match="expected a PoseGuided network, got Brightest"):
        Posed(Brightest(), poses)
    with pytest.raises(ValueError, match="poses: expected one of teacher, student, joints, canonical, got 'detector'"):
        pose_source("detector")
    with pytest.raises(ValueError, match="expected None with poses 'joints'"):
        pose_source("joints", network=Brightest())


def test_wrong_pictures_and_poses_are_named(poses: FoundPoses) -> None:
    posed, good = Posed(Marks(SOURCE_POSE, TARGET_POSE), poses), bright_at((1, 1), (2, 2))
    found = poses.find(good)
    for bad, words in ((good[..., :32], "source: expected float pictures"), (good * 100, "colours in"),
                       ((good * 127).byte(), "momi_lib.data.to_float"), ("a.png", "got 'a.png'")):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            posed.swap(bad, good)
    with pytest.raises(ValueError, match="as many of each, got 2 and 1"):
        posed.swap(good, good[:1])
    with pytest.raises(ValueError, match="source_pose: marks needs the pose of the source"):
        posed.draw(good, None, found)
    with pytest.raises(ValueError, match=r"target_pose: expected places \(2, 17, 2\)"):
        posed.draw(good, found, Landmarks(found.places[:1], found.valid[:1]))
