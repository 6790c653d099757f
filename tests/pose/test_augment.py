from __future__ import annotations

import pytest
import torch

from momi_lib.pose import decode
from momi_lib.pose.augment import augment, move, move_with_maps


def blobs(joints: torch.Tensor, height: int = 128, width: int = 64) -> torch.Tensor:
    rows, columns = torch.arange(height).view(-1, 1), torch.arange(width).view(1, -1)
    x, y = joints[..., 0, None, None], joints[..., 1, None, None]
    return torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 3.0**2))


@pytest.mark.parametrize("angle", [0.0, 0.4, -0.5])
@pytest.mark.parametrize("scale", [0.8, 1.25])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.1, -0.05)])
def test_joints_follow_the_picture(angle, scale, shift):
    joints = torch.tensor([[[32.0, 64.0], [25.0, 50.0], [40.3, 80.6]]])
    moved, expected = move(blobs(joints), joints, torch.tensor([angle]), torch.tensor([scale]), torch.tensor([shift]))
    landmarks, confidence = decode(moved, method="newton")
    assert (confidence > 0.9).all()
    assert torch.allclose(landmarks, expected, atol=0.1)


def test_heatmaps_follow_the_picture_as_joints_do():
    joints = torch.tensor([[[30.0, 60.0], [25.5, 50.0]]])
    change = torch.tensor([0.3]), torch.tensor([1.1]), torch.tensor([[0.05, -0.04]])
    picture = blobs(joints)
    moved, maps = move_with_maps(picture, torch.nn.functional.avg_pool2d(picture, 4), *change)
    _, expected = move(picture, joints, *change)
    assert torch.allclose(decode(moved, method="newton")[0], expected, atol=0.1)
    assert torch.allclose(decode(maps, method="newton", size=(128, 64))[0], expected, atol=0.4)


def test_the_same_seed_changes_the_same_way_and_another_does_not():
    pictures, joints = torch.rand(4, 3, 128, 64), torch.rand(4, 17, 2) * 60

    def result(seed: int) -> tuple[torch.Tensor, ...]:
        return augment(pictures, joints, torch.ones(4, 17), torch.Generator().manual_seed(seed))

    assert all(torch.equal(*pair) for pair in zip(result(1), result(1), strict=True))
    assert not torch.equal(result(1)[0], result(2)[0])
    changed = result(1)[0]
    assert changed.shape == pictures.shape and changed.abs().max() <= 1


def test_a_mirrored_person_has_its_sides_exchanged():
    joints = torch.zeros(64, 17, 2)
    joints[:, 5], joints[:, 6] = torch.tensor([45.0, 40.0]), torch.tensor([18.0, 40.0])
    visibility = torch.zeros(64, 17)
    visibility[:, 5] = 1  # the left shoulder alone is known
    _, _, after = augment(torch.zeros(64, 3, 128, 64), joints, visibility, torch.Generator().manual_seed(0))
    assert set(after[:, 5].tolist()) == {0.0, 1.0}
    assert torch.equal(after[:, 5] + after[:, 6], torch.ones(64))
