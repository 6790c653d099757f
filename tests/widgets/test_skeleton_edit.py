"""Skeletons that are moved: what stays as long as it was, and what lies between two poses."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from momi_lib.skeleton import JOINTS, LIMBS
from momi_lib.widgets.skeleton_edit import HANGING, PARENT, between, move

ALL = torch.ones(17, dtype=torch.bool)


def pose(seed: int) -> torch.Tensor:
    return torch.rand(17, 2, generator=torch.Generator().manual_seed(seed)) * torch.tensor([63.0, 127.0])


def lengths(landmarks: torch.Tensor) -> torch.Tensor:
    first, second = zip(*((a, b) for b, (a, *_) in PARENT.items() if b), strict=True)
    return (landmarks[list(first)] - landmarks[list(second)]).norm(dim=1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 16), st.floats(-20, 90), st.floats(-20, 150), st.integers(0, 5))
def test_kept_lengths_are_kept_whatever_is_moved(joint: int, x: float, y: float, seed: int) -> None:
    landmarks = pose(seed)
    moved, valid = move(landmarks, ALL, joint, (x, y), keep_lengths=True)
    assert torch.allclose(lengths(moved), lengths(landmarks), atol=1e-3) and valid.all()
    still = [other for other in range(17) if other != joint and other not in HANGING[joint]]
    assert torch.equal(moved[still], landmarks[still])


def test_a_limb_points_to_where_it_was_pulled() -> None:
    landmarks = pose(0)
    moved, _ = move(landmarks, ALL, 9, (60.0, 3.0), keep_lengths=True)
    wanted, found = torch.tensor([60.0, 3.0]) - landmarks[7], moved[9] - landmarks[7]
    assert torch.allclose(wanted / wanted.norm(), found / found.norm(), atol=1e-4)


def test_a_free_joint_moves_alone_and_stays_in_the_picture() -> None:
    landmarks = pose(1)
    moved, _ = move(landmarks, ALL, 5, (-9.0, 400.0), keep_lengths=False)
    assert moved[5].tolist() == [0.0, 127.0]
    assert torch.equal(torch.cat([moved[:5], moved[6:]]), torch.cat([landmarks[:5], landmarks[6:]]))


def test_the_trunk_takes_the_whole_figure_along() -> None:
    landmarks = pose(2)
    moved, _ = move(landmarks, ALL, 11, (20.0, 60.0), keep_lengths=True)
    assert torch.allclose(moved - landmarks, (torch.tensor([20.0, 60.0]) - landmarks[11]).expand(17, 2), atol=1e-4)


def test_without_its_parent_a_joint_is_free_and_a_missing_joint_is_found_where_it_is_put() -> None:
    landmarks, valid = pose(3), ALL.clone()
    valid[[7, 15]] = False
    moved, found = move(landmarks, valid, 9, (10.0, 10.0), keep_lengths=True)
    assert moved[9].tolist() == [10.0, 10.0] and not found[7]
    moved, found = move(landmarks, valid, 15, (30.0, 99.0), keep_lengths=True)
    assert moved[15].tolist() == [30.0, 99.0] and found[15] and not valid[15]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joint": 17}, "joint: expected an index from 0 to 16"),
        ({"to": (float("nan"), 1.0)}, "finite point"),
        ({"valid": ALL[:3]}, r"valid \(17,\)"),
    ],
)
def test_nonsense_is_refused(change: dict, message: str) -> None:
    arguments = {"landmarks": pose(0), "valid": ALL, "joint": 3, "to": (1.0, 1.0), "keep_lengths": True} | change
    with pytest.raises(ValueError, match=message):
        move(**arguments)


@pytest.mark.parametrize("way", ["turning", "straight"])
def test_both_ends_of_a_way_are_the_two_poses(way: str) -> None:
    start, end = (pose(1), ALL.clone()), (pose(2), ALL.clone())
    start[1][3], end[1][4] = False, False
    for share, (landmarks, valid) in ((0, start), (1, end)):
        found = between(start, end, share, way=way)
        assert torch.equal(found[0], landmarks) and torch.equal(found[1], valid)
    near = between(start, end, 1e-6, way=way)
    assert torch.allclose(near[0][near[1]], start[0][near[1]], atol=1e-3)
    assert near[1].sum() == 15


def test_a_turning_limb_keeps_to_lengths_between_those_of_its_ends() -> None:
    start, end = pose(4), pose(5)
    for share in (0.25, 0.5, 0.75):
        landmarks, _ = between((start, ALL), (end, ALL), share)
        for parent, joint in LIMBS:
            if PARENT.get(joint) == (parent,) and JOINTS[joint].split("_")[-1] in ("elbow", "wrist", "knee", "ankle"):
                ends = [(p[joint] - p[parent]).norm() for p in (start, end)]
                expected = torch.lerp(*ends, share)
                assert torch.isclose((landmarks[joint] - landmarks[parent]).norm(), expected, atol=1e-3)


def test_a_share_outside_and_an_unknown_way_are_refused() -> None:
    with pytest.raises(ValueError, match="share: expected a number from 0 to 1"):
        between((pose(0), ALL), (pose(1), ALL), 1.5)
    with pytest.raises(ValueError, match="way: expected one of"):
        between((pose(0), ALL), (pose(1), ALL), 0.5, way="sideways")
