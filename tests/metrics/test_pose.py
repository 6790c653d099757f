from __future__ import annotations

import pytest
import torch

from momi_lib.metrics import left_right_confusion, pck, person_heights
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


def test_shapes_are_checked(joints):
    with pytest.raises(ValueError, match=r"visibility \(N, K\)"):
        pck(joints, joints, torch.ones(3, 16), height=100)
    with pytest.raises(ValueError, match="N = 3"):
        pck(joints, joints, torch.ones(3, 17), height=torch.ones(2))
