from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from momi_lib.data import People
from momi_lib.metrics import left_right_confusion, pck, person_heights
from momi_lib.metrics.pose import (
    Joints,
    PoseScore,
    find_joints,
    labelled_joints,
    pose_agreement,
    pose_score,
    score_landmarks,
)
from momi_lib.metrics.uncertainty import standard_error
from momi_lib.skeleton import MIRROR


@pytest.fixture
def joints() -> torch.Tensor:
    return torch.rand(3, 17, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([63.0, 127.0])


def test_the_radius_grows_with_the_person(joints):
    moved = joints + torch.tensor([6.0, 8.0])
    score = pck(moved, joints, torch.ones(3, 17), height=torch.tensor([99.0, 101.0, 40.0]))
    assert score.mean == pytest.approx(1 / 3)
    assert torch.allclose(score.joints, torch.full((17,), 1 / 3)) and score.count.tolist() == [3] * 17
    assert pck(moved, joints, torch.ones(3, 17), height=1, threshold=10.01).mean == 1


def test_only_known_joints_are_judged(joints):
    moved, visibility = joints.clone(), torch.full((3, 17), 2)
    moved[:, 0] += 100
    moved[1, 4] = float("nan")
    visibility[:, 0] = 0
    visibility[1, 4] = 0
    score = pck(moved, joints, visibility, height=100)
    assert score.mean == 1 and score.joints[0].isnan() and score.count[[0, 4]].tolist() == [0, 2]
    assert torch.tensor(pck(moved, joints, visibility * 0, height=100).mean).isnan()


def test_swapped_sides_are_confusion_and_not_merely_wrong(joints):
    joints[..., 0] = torch.where(torch.arange(17) % 2 == 0, 10.0, 50.0)  # the sides lie apart
    swapped = joints[:, list(MIRROR)]
    visibility = torch.ones(3, 17)
    arguments = {"height": 1, "threshold": 6}
    assert left_right_confusion(joints, joints, visibility, **arguments).mean == 0
    score = left_right_confusion(swapped, joints, visibility, **arguments)
    assert score.mean == 1 and score.count[0] == 0, "the nose has no side"
    assert left_right_confusion(joints + 60, joints, visibility, **arguments).mean == 0
    visibility[:, 5] = 0  # without its partner the other shoulder cannot be judged
    assert left_right_confusion(swapped, joints, visibility, **arguments).count[[5, 6]].tolist() == [0, 0]


def test_joints_of_both_sides_in_one_place_are_not_judged(joints):
    joints[:, 11] = joints[:, 12]
    score = left_right_confusion(joints, joints, torch.ones(3, 17), height=1, threshold=6)
    assert score.count[[11, 12]].tolist() == [0, 0]


def test_heights_from_masks_and_from_joints():
    masks = torch.zeros(2, 10, 4, dtype=torch.bool)
    masks[0, 2:9, 1] = True
    joints = torch.zeros(2, 17, 2)
    joints[:, 3, 1] = 5
    visibility = torch.zeros(2, 17)
    visibility[0, 2:4] = 1
    assert person_heights(joints, visibility, masks).tolist() == [7, 0]
    assert person_heights(joints, visibility).tolist() == [6, 0]
    none = masks[:0]
    assert person_heights(joints[:0], visibility[:0]).shape == (0,)
    assert person_heights(joints[:0], visibility[:0], none).shape == (0,)
    joints[0, 2, 1] = float("nan")
    with pytest.raises(ValueError, match="joints: expected finite numbers, got NaN"):
        person_heights(joints, visibility)
    for wrong in (masks[:1], masks.float(), none):
        with pytest.raises(ValueError, match=r"masks: expected masks \(N, H, W\) bool"):
            person_heights(joints, visibility, wrong)


def test_shapes_are_checked(joints):
    with pytest.raises(ValueError, match=r"visibility \(N, K\)"):
        pck(joints, joints, torch.ones(3, 16), height=100)
    for heights, got in ((torch.ones(2), r"\(2,\)"), (torch.ones(3, 1), r"\(3, 1\)")):
        with pytest.raises(ValueError, match=rf"height: expected \(N,\) with N = 3 or a number, got {got}"):
            pck(joints, joints, torch.ones(3, 17), height=heights)
    with pytest.raises(ValueError, match=r"landmarks: expected the 17 joints of COCO, got \(3, 16, 2\)"):
        left_right_confusion(joints[:, :16], joints[:, :16], torch.ones(3, 16), height=100)


@pytest.mark.parametrize("height", [True, None, "100", b"abc", {}, object()])
def test_what_is_no_height_is_refused(joints, height):
    with pytest.raises(TypeError, match=r"height: expected \(N,\) heights or a number above 0, got "):
        pck(joints, joints, torch.ones(3, 17), height=height)


def test_heights_and_thresholds_from_where_on(joints):
    seen = torch.ones(3, 17)
    moved = joints + torch.tensor([0.03, 0.0])
    assert pck(moved, joints, seen, height=0.5).mean == 1
    assert pck(moved, joints, seen, height=[0.5, 0.0, 0.0]).mean == pytest.approx(1 / 3)  # nobody's height may be 0
    for height in (0, -1.0):
        with pytest.raises(ValueError, match=f"height: expected a number above 0, got {height}"):
            pck(joints, joints, seen, height=height)
    with pytest.raises(ValueError, match="height: expected numbers in .*, got values from -0.5 to 9"):
        pck(joints, joints, seen, height=torch.tensor([9.0, -0.5, 9.0]))
    for threshold in (0, -0.5):
        with pytest.raises(ValueError, match=f"threshold: expected a number above 0, got {threshold}"):
            pck(joints, joints, seen, height=100, threshold=threshold)


@pytest.mark.parametrize("name", ["landmarks", "joints"])
def test_joints_that_are_judged_must_be_known(joints, name):
    places = {"landmarks": joints, "joints": joints.clone()}
    places[name][1, 4] = float("nan")
    with pytest.raises(ValueError, match=f"{name}: expected finite numbers, got NaN"):
        pck(*places.values(), torch.ones(3, 17), height=100)


def test_a_joint_at_the_very_radius_is_found_and_not_apart():
    truth = torch.zeros(1, 17, 2)
    truth[0, 5], truth[0, 6] = torch.tensor([10.0, 10.0]), torch.tensor([13.0, 14.0])
    seen = torch.zeros(1, 17)
    seen[0, 5:7] = 1
    swapped = truth[:, list(MIRROR)]
    assert pck(swapped, truth, seen, height=1, threshold=5).mean == 1.0
    assert pck(swapped, truth, seen, height=1, threshold=4.9).mean == 0.0
    near = {"height": 1, "threshold": 5}
    assert left_right_confusion(swapped, truth, seen, **near).count.sum() == 0  # as far apart as the radius
    assert left_right_confusion(swapped, truth, seen, height=1, threshold=4.9).mean == 1.0
    moved = swapped + torch.tensor([-3.0, -4.0])  # five from the mirror joint: still there
    assert left_right_confusion(moved, truth, seen, height=1, threshold=4.9).mean == 0.0
    between = truth.clone()
    between[0, 5], truth[0, 6] = torch.tensor([14.0, 13.0]), torch.tensor([18.0, 16.0])  # five from either place
    assert left_right_confusion(between, truth, seen, **near).joints[5] == 0.0  # at its own, too


def test_a_joint_at_the_very_radius_from_its_mirror_joint_is_confused_with_it():
    truth, seen = torch.zeros(1, 17, 2), torch.zeros(1, 17)
    truth[0, 5:7], seen[0, 5:7] = torch.tensor([[10.0, 10.0], [50.0, 10.0]]), 1
    found = truth.clone()
    found[0, 5] = torch.tensor([47.0, 14.0])  # five away from the other shoulder
    assert left_right_confusion(found, truth, seen, height=1, threshold=5).joints[5:7].tolist() == [1, 0]
    assert left_right_confusion(found, truth, seen, height=1, threshold=4.9).joints[5:7].tolist() == [0, 0]


class Flat(torch.nn.Module):
    """A network that is as sure of each joint as it is told."""

    def __init__(self, peaks):
        super().__init__()
        self.peaks = torch.tensor(peaks)

    def forward(self, pictures):
        maps = torch.zeros(len(pictures), 17, 32, 16)
        maps[:, :, 8, 8] = self.peaks
        return maps


def test_a_joint_is_seen_from_its_threshold_on():
    pictures = torch.zeros(2, 3, 128, 64, dtype=torch.uint8)
    network = Flat([0.5, 0.499, 0.3, 0.1] + [0.0] * 13)
    assert find_joints(network, "flat", pictures, threshold=0.5).seen[1].tolist() == [True] + [False] * 16
    assert find_joints(network, "flat", pictures).seen[0].tolist() == [True] * 3 + [False] * 14
    for wrong in (pictures.float(), pictures[0], pictures[:, :2], pictures[:0]):
        with pytest.raises(ValueError, match=r"pictures: expected pictures \(N, 3, H, W\) uint8"):
            find_joints(network, "flat", wrong)


def test_agreement_is_within_a_tenth_of_the_height_and_needs_as_many_swaps_as_targets():
    landmarks = torch.stack([torch.full((17,), 30.0), torch.linspace(10, 109, 17)], dim=1)[None]  # 100 pixels high
    wanted = Joints(landmarks, torch.ones(1, 17, dtype=torch.bool), "made up")
    for away, share in ((9.9, 1.0), (10.1, 0.0)):
        found = wanted._replace(landmarks=landmarks + torch.tensor([away, 0.0]))
        score = pose_agreement(found, wanted, network="n[1]", pictures="swaps", size=(128, 64))
        assert (score.value, score.count, score.threshold) == (share, 1, 0.1)
    two = wanted._replace(landmarks=landmarks.repeat(2, 1, 1), seen=wanted.seen.repeat(2, 1))
    with pytest.raises(ValueError, match="as many swaps as targets, got 1 and 2"):
        pose_agreement(wanted, two, network="n", pictures="swaps", size=(128, 64))


def test_a_joint_at_the_very_radius_counts_in_the_error_as_well():
    landmarks = torch.stack([torch.full((17,), 30.0), torch.linspace(10, 89, 17)], dim=1).repeat(2, 1, 1)
    wanted = Joints(landmarks, torch.ones(2, 17, dtype=torch.bool), "made up")  # 80 pixels high
    found = wanted._replace(landmarks=landmarks + torch.tensor([8.0, 0.0]) * torch.tensor([1.0, 0.0])[:, None, None])
    score = pose_agreement(found, wanted, network="n[1]", pictures="swaps", size=(128, 64))
    assert (score.value, score.error) == (1.0, 0.0)


def test_the_conditions_of_a_pose_score_stand_beside_it():
    score = PoseScore(0.9, 0.01, 0.02, 0.1, 4000, "teacher[01234567]", "swaps", "labelled joints", (128, 64))
    assert str(score) == (
        "PCK@0.1[teacher] 0.900 ± 0.010, left for right 0.020 (4,000 pictures 128 x 64: swaps; body joints; against "
        "labelled joints; found by teacher[01234567])"
    )


def test_landmarks_are_scored_on_visible_joints_to_four_digits():
    one, pictures = torch.ones(1, dtype=torch.int64), torch.zeros(1, 3, 128, 64, dtype=torch.uint8)
    joints, visibility = torch.tensor([60.0, 120.0]).repeat(1, 17, 1), torch.ones(1, 17, dtype=torch.int64)
    joints[0, :2], visibility[0, :7] = 33.5, 2  # two of seven are where the network finds them all
    people = People(Path("f"), "test", ("a.jpg",), pictures, one, one, joints, visibility, None, "0")
    scores = score_landmarks(Flat([1.0] * 17), people)
    assert (scores["visible_joints"], scores["pck_height"], scores["decoder"]) == (7, 0.2857, "argmax")


def test_confusion_is_scored_to_four_digits_and_the_very_place_without_upsampling():
    one, pictures = torch.ones(1, dtype=torch.int64), torch.zeros(1, 3, 128, 64, dtype=torch.uint8)
    joints, visibility = torch.zeros(1, 17, 2), torch.zeros(1, 17, dtype=torch.int64)
    visibility[0, 5:11] = 2
    # All are found at the first place: one of six at that of its mirror joint.
    joints[0, 5:11] = torch.tensor([[33.5, 33.5], [9, 9], [50, 5], [5, 50], [60, 99], [9, 70]])
    people = People(Path("f"), "test", ("a.jpg",), pictures, one, one, joints, visibility, None, "0")
    assert score_landmarks(Flat([1.0] * 17), people)["confusion_height"] == 0.1667
    joints[0, 5:11] = 33.5  # the height is 1, the radius a tenth of a pixel
    assert score_landmarks(Flat([1.0] * 17), people)["pck_height"] == 1
    assert score_landmarks(Flat([1.0] * 17), people, upsample=True)["pck_height"] == 0


def test_without_labels_there_are_no_joints():
    one, pictures = torch.ones(1, dtype=torch.int64), torch.zeros(1, 3, 128, 64, dtype=torch.uint8)
    joints, visibility = torch.zeros(1, 17, 2), torch.arange(17)[None] % 3
    people = People(Path("f"), "test", ("a.jpg",), pictures, one, one, joints, visibility, None, "0")
    assert torch.equal(labelled_joints(people).seen, visibility == 2)
    for lacking in ({"joints": None}, {"visibility": None}):
        assert labelled_joints(replace(people, **lacking)) is None
        with pytest.raises(ValueError, match="f: expected labelled people, got pictures without joints"):
            score_landmarks(Flat([1.0] * 17), replace(people, **lacking))


def test_pose_scores_are_shares_of_the_visible_body_joints_within_a_tenth_of_the_height():
    joints, visibility = torch.full((2, 17, 2), 33.5), torch.ones(2, 17, dtype=torch.int64)
    visibility[:, :9] = 2  # a visible head is not judged, and no hidden hips and legs
    joints[:, 6], joints[:, 7], joints[:, 8] = torch.tensor([[42.5, 33.5], [44.5, 33.5], [5, 5]])[:, None]
    masks = torch.zeros(2, 128, 64, dtype=torch.bool)
    masks[:, 11:111, 3] = True  # 100 pixels high
    truth = SimpleNamespace(
        pictures=torch.zeros(2, 3, 128, 64, dtype=torch.uint8), joints=joints, visibility=visibility, masks=masks
    )
    # Shoulders 9 apart, closer than the radius: no confusion to judge. Elbows: 11 away, and far away.
    assert pose_score(Flat([1.0] * 17), truth.pictures, truth, decoder="argmax") == {"pck": 0.5, "confusion": 0.0}
    joints[0, 7] = 33.5
    scores = pose_score(Flat([1.0] * 17), truth.pictures, truth, decoder="argmax")
    assert scores == {"pck": 0.625, "confusion": 0.25}  # of eight, and of four
    expected = r"pictures: expected one picture for each of 2 swaps, \(2, 3, 128, 64\), got \(1, 3, 128, 64\)"
    with pytest.raises(ValueError, match=expected):
        pose_score(Flat([1.0] * 17), truth.pictures[:1], truth)


CONDITIONS = {"network": "n[1]", "pictures": "swaps", "size": (128, 64)}


def standing(count: int) -> Joints:
    """Joints of people who are 100 pixels high."""
    landmarks = torch.stack([torch.full((17,), 30.0), torch.linspace(10, 109, 17)], dim=1).repeat(count, 1, 1)
    return Joints(landmarks, torch.ones(count, 17, dtype=torch.bool), "made up")


@pytest.mark.parametrize("kind", [tuple, list])
def test_the_error_of_an_agreement_is_resampled_by_person(kind):
    wanted, people = standing(4), [torch.tensor([1, 1, 2, 2]), torch.tensor([3, 4, 5, 5])]
    found = wanted._replace(landmarks=wanted.landmarks.clone())
    found.landmarks[:2, 11:] += 20  # six of twelve
    shares = torch.tensor([0.5, 0.5, 1, 1])
    for persons in (kind(people), kind(people[:1]), kind([])):
        score = pose_agreement(found, wanted, persons=persons, **CONDITIONS)
        assert (score.value, score.error) == (0.75, pytest.approx(standard_error(shares, *persons)))
    alone = pose_agreement(found, wanted, **CONDITIONS)
    assert standard_error(shares, *people) != pytest.approx(alone.error) == standard_error(shares)
    with pytest.raises(FrozenInstanceError):
        score.value = 1.0


def test_an_agreement_refuses_what_it_cannot_compare():
    wanted, people = standing(2), torch.tensor([1, 2])
    for found, other, name in ((wanted.landmarks, wanted, "found"), (wanted, None, "wanted")):
        with pytest.raises(TypeError, match=f"{name}: expected Joints, as find_joints returns them, got "):
            pose_agreement(found, other, **CONDITIONS)
    short, numbers = wanted._replace(landmarks=wanted.landmarks[:, :16]), wanted._replace(seen=wanted.seen.float())
    for wrong, said in ((short, r"landmarks: expected landmarks \(N, 17, 2\)"),
                        (numbers, r"seen: expected seen landmarks \(N, 17\) bool")):  # fmt: skip
        for found, other, name in ((wrong, wanted, "found"), (wanted, wrong, "wanted")):
            with pytest.raises(ValueError, match=rf"{name}\.{said}"):
                pose_agreement(found, other, **CONDITIONS)
    for persons, got in ((people, r"\(2,\) torch.int64"), ((people, people, people), "a tuple"), ("ab", "'ab'")):
        with pytest.raises(TypeError, match=f"persons: expected two tensors, of sources and targets, got {got}"):
            pose_agreement(wanted, wanted, persons=persons, **CONDITIONS)
    with pytest.raises(ValueError, match=r"swaps: no body joint is seen on any target \(made up\); nothing can"):
        pose_agreement(wanted, wanted._replace(seen=torch.arange(17).expand(2, 17) < 5), **CONDITIONS)
