"""Mirrored twice is where it began; mirrored once, left is right."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from momi_lib.data import mirror_joints, mirror_maps, mirror_pictures, to_float, to_uint8
from momi_lib.skeleton import MIRROR, PAIRS


@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_twice_is_the_identity(seed, n, height, width):
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 256, (n, 3, height, width), generator=generator, dtype=torch.uint8)
    maps = torch.randn(n, 17, height, width, generator=generator)
    joints = torch.randint(0, width, (n, 17, 2), generator=generator).float()
    visibility = torch.randint(0, 3, (n, 17), generator=generator, dtype=torch.uint8)
    assert torch.equal(mirror_pictures(mirror_pictures(pictures)), pictures)
    assert torch.equal(mirror_maps(mirror_maps(maps)), maps)
    again = mirror_joints(*mirror_joints(joints, visibility, width), width)
    assert torch.equal(again[0], joints) and torch.equal(again[1], visibility)


@given(st.integers(0, 16), st.integers(0, 15), st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_pictures_joints_and_maps_agree(joint, y, x):
    """A white pixel at a joint is at the mirrored joint after mirroring, in the picture and in its map."""
    picture, maps = torch.zeros(3, 16, 8), torch.zeros(17, 16, 8)
    joints, visibility = torch.zeros(17, 2), torch.zeros(17, dtype=torch.uint8)
    picture[:, y, x] = maps[joint, y, x] = 1
    joints[joint], visibility[joint] = torch.tensor([x, y]).float(), 2
    joints, visibility = mirror_joints(joints, visibility, 8)
    (now,) = visibility.nonzero().squeeze(1).tolist()
    x, y = joints[now].long().tolist()
    assert mirror_pictures(picture)[0, y, x] == 1 and mirror_maps(maps)[now, y, x] == 1
    assert now == MIRROR[joint]


def test_left_becomes_right():
    maps = torch.arange(17.0).view(17, 1, 1).expand(17, 2, 2)
    mirrored = mirror_maps(maps)
    for left, right in PAIRS:
        assert mirrored[left, 0, 0] == right and mirrored[right, 0, 0] == left
    assert mirrored[0, 0, 0] == 0


def test_a_missing_joint_is_not_moved_and_a_mask_of_bools_will_do():
    joints, valid = torch.zeros(2, 17, 2), torch.zeros(2, 17, dtype=torch.bool)
    valid[0, 1] = True
    mirrored, now = mirror_joints(joints, valid, 64)
    assert now.dtype == torch.bool and now[0].nonzero().tolist() == [[2]]
    assert mirrored[0, 2].tolist() == [63.0, 0.0] and mirrored.abs().sum() == 63
    assert not joints.any()  # the arguments are left alone


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"17, h, w"):
        mirror_maps(torch.zeros(3, 8, 4))
    with pytest.raises(ValueError, match=r"17, 2"):
        mirror_joints(torch.zeros(16, 2), torch.zeros(16), 4)
    with pytest.raises(ValueError, match=r"visibility"):
        mirror_joints(torch.zeros(5, 17, 2), torch.zeros(17), 4)


def test_floats_and_bytes_are_inverse_over_all_values():
    every = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    floats = to_float(every)
    assert floats.dtype == torch.float32 and floats.min() == -1 and floats.max() == 1
    assert torch.equal(to_uint8(floats), every)
    assert to_uint8(torch.tensor([-9.0, 9.0])).tolist() == [0, 255]
    assert to_uint8(torch.zeros(3, dtype=torch.bfloat16, requires_grad=True)).tolist() == [128] * 3
    with pytest.raises(TypeError, match="uint8"):
        to_float(floats)
    with pytest.raises(TypeError, match="floating"):
        to_uint8(every)
