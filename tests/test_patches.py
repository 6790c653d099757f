"""Skeleton patches: where they look, what they return at borders, and what learns."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from momi_lib.patches import STRIPS, landmark_boxes, limb_patches, limb_points, skeleton_patches
from momi_lib.skeleton import JOINTS

YES = torch.tensor([[True]])


def ramp():
    """A picture whose red is x, whose green is y and whose blue is 1."""
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(64.0), indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)])[None]


@settings(max_examples=40, deadline=None)
@given(st.floats(11, 52), st.floats(11, 116))
def test_the_middle_of_a_patch_is_its_landmark(x, y):
    patches, valid = skeleton_patches(ramp(), torch.tensor([[[x, y]]]), YES)
    assert valid.all()
    assert patches[0, 0].mean((1, 2)).tolist() == pytest.approx([x, y, 1.0], abs=1e-3)


def test_samples_of_a_patch_are_spread_over_the_square():
    patches, _ = skeleton_patches(ramp(), torch.tensor([[[30.0, 60.0]]]), YES, radius=10, size=8)
    centres = 30 - 10 + (torch.arange(8) + 0.5) * 20 / 8  # the middles of eight columns of 2.5 pixels
    torch.testing.assert_close(patches[0, 0, 0, 0], centres, atol=1e-3, rtol=0)


def test_over_the_border_the_border_is_repeated():
    patches, valid = skeleton_patches(ramp(), torch.tensor([[[0.0, 60.0]]]), YES)
    assert valid.all()
    assert patches[0, 0, 0].min() == 0
    assert patches[0, 0, 2].tolist() == [[1.0] * 8] * 8  # nothing black comes in


@pytest.mark.parametrize("place", [(-1.0, 5.0), (64.0, 5.0), (5.0, 128.0), (float("nan"), 5.0)])
def test_outside_is_invalid(place):
    patches, valid = skeleton_patches(ramp(), torch.tensor([[place]]), YES)
    assert not valid.any()
    assert patches.isfinite().all()


def test_an_invalid_landmark_stays_invalid():
    _, valid = skeleton_patches(ramp(), torch.tensor([[[20.0, 20.0]]]), ~YES)
    assert not valid.any()


def test_pictures_learn_and_landmarks_do_not():
    picture = ramp().requires_grad_()
    landmarks = torch.tensor([[[20.0, 20.0]]], requires_grad=True)
    skeleton_patches(picture, landmarks, YES)[0].sum().backward()
    assert picture.grad.abs().sum() > 0
    assert landmarks.grad is None


def test_boxes_name_their_picture():
    boxes = landmark_boxes(torch.zeros(2, 3, 2), radius=5)
    assert boxes[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert boxes[0, 1:].tolist() == [-4.5, -4.5, 5.5, 5.5]


def test_half_precision_pictures_are_taken():
    patches, _ = skeleton_patches(ramp().bfloat16(), torch.tensor([[[20.0, 20.0]]]), YES)
    assert patches.dtype == torch.float32


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="landmarks"):
        skeleton_patches(ramp(), torch.zeros(2, 17, 2), torch.zeros(2, 17, dtype=torch.bool))


@pytest.mark.gpu
def test_cpu_and_gpu_agree():
    landmarks = torch.rand(1, 17, 2) * torch.tensor([63.0, 127.0])
    valid = torch.ones(1, 17, dtype=torch.bool)
    ours = skeleton_patches(ramp(), landmarks, valid)[0]
    theirs = skeleton_patches(ramp().cuda(), landmarks.cuda(), valid.cuda())[0].cpu()
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def limb(start, end, joints=(5, 7)):
    landmarks = torch.full((1, 17, 2), float("nan"))
    valid = torch.zeros(1, 17, dtype=torch.bool)
    landmarks[0, joints[0]], landmarks[0, joints[1]] = torch.tensor(start), torch.tensor(end)
    valid[0, list(joints)] = True
    return landmarks, valid


@settings(max_examples=40, deadline=None)
@given(*[st.floats(12, 50)] * 4)
def test_a_strip_runs_along_its_limb_and_to_both_sides(x0, y0, x1, y1):
    landmarks, valid = limb((x0, y0), (x1, y1))
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    patches, found = limb_patches(ramp(), landmarks, valid, radius=4, size=4)
    assert patches.shape == (1, len(STRIPS), 3, 4, 4) and patches.isfinite().all()
    assert found[0].tolist() == [length >= 1] + [False] * (len(STRIPS) - 1)
    if length >= 1:
        share, side = torch.tensor([1, 3, 5, 7]) / 8, torch.tensor([-3.0, -1.0, 1.0, 3.0])
        x = x0 + share[:, None] * (x1 - x0) - side * (y1 - y0) / length
        y = y0 + share[:, None] * (y1 - y0) + side * (x1 - x0) / length
        torch.testing.assert_close(patches[0, 0, :2], torch.stack([x, y]), atol=2e-3, rtol=0)


def test_a_strip_turns_with_its_limb():
    """A striped sleeve held level and then let down gives the same patch; a square does not."""
    level = torch.zeros(1, 3, 128, 64)
    for x in range(20, 40):
        level[..., 48:53, x] = 1.0 if (x - 20) // 5 % 2 else -1.0
    down = torch.zeros_like(level)
    down[..., 30:50, 28:33] = level[..., 48:53, 20:40].mT
    strips = [
        limb_patches(picture, *limb(*ends), radius=2.5)[0][0, 0]
        for picture, ends in ((level, ((19.5, 50.0), (39.5, 50.0))), (down, ((30.0, 29.5), (30.0, 49.5))))
    ]
    assert (strips[0] - strips[1]).abs().mean() < 0.02
    squares = [
        skeleton_patches(picture, torch.tensor([[place]]), YES, radius=6)[0]
        for picture, place in ((level, (30.0, 50.0)), (down, (30.0, 40.0)))
    ]
    assert (squares[0] - squares[1]).abs().mean() > 0.2


def test_strips_teach_pictures_and_not_landmarks():
    picture = ramp().requires_grad_()
    landmarks, valid = limb((20.0, 20.0), (30.0, 40.0))
    landmarks = landmarks.nan_to_num(0).requires_grad_()
    limb_patches(picture, landmarks, valid)[0][0, 0].sum().backward()
    assert picture.grad.abs().sum() > 0
    assert landmarks.grad is None
    with pytest.raises(ValueError, match=r"landmarks: expected landmarks \(N, 17, 2\)"):
        limb_patches(ramp(), torch.zeros(1, 16, 2), torch.zeros(1, 16))


@pytest.mark.parametrize(
    ("place", "inside"),
    [((-0.5, -0.5), True), ((63.5, 127.5), True), ((-0.6, 5.0), False), ((63.6, 5.0), False), ((5.0, 127.6), False)],
)
def test_the_picture_ends_at_the_edge_of_its_outer_pixels(place, inside):
    assert bool(skeleton_patches(ramp(), torch.tensor([[place]]), YES)[1]) is inside


def test_at_every_corner_nothing_black_comes_in():
    corners = torch.tensor([[[x, y] for x in (-0.5, 63.5) for y in (-0.5, 127.5)]])
    for radius in (10.0, 10.9):
        patches, _ = skeleton_patches(ramp(), corners, YES.expand(1, 4), radius=radius, size=32)
        torch.testing.assert_close(patches[:, :, 2], torch.ones(1, 4, 32, 32))


def test_an_invalid_landmark_is_looked_for_in_the_middle():
    picture = torch.rand(1, 3, 128, 64)
    nowhere, middle = torch.full((1, 1, 2), torch.nan), torch.tensor([[[31.5, 63.5]]])
    assert torch.equal(skeleton_patches(picture, nowhere, YES)[0], skeleton_patches(picture, middle, YES)[0])


def test_each_value_is_the_mean_of_two_by_two_samples():
    squares = torch.arange(64.0).square().expand(1, 3, 128, 64)
    patches, _ = skeleton_patches(squares, torch.tensor([[[30.0, 60.0]]]), YES, radius=10, size=8)

    def at(x):  # between two pixels
        low = int(x)
        return low**2 + (x - low) * (2 * low + 1)

    expected = [(at(20 + 2.5 * k + 0.625) + at(20 + 2.5 * k + 1.875)) / 2 for k in range(8)]
    assert patches[0, 0, 0, 0].tolist() == pytest.approx(expected, abs=1e-2)


def test_usual_squares_and_strips_have_their_size():
    picture, (landmarks, valid) = torch.rand(1, 3, 128, 64), limb((20.0, 20.0), (30.0, 40.0))
    for patches, radius in ((skeleton_patches, 10.0), (limb_patches, 4.0)):
        usual, same = patches(picture, landmarks, valid), patches(picture, landmarks, valid, radius=radius, size=8)
        assert torch.equal(usual[0], same[0])


def test_points_between_joints_divide_the_limb_evenly_and_need_both():
    landmarks = torch.stack([torch.arange(17.0), torch.zeros(17)], dim=-1)[None]
    valid = torch.ones(1, 17, dtype=torch.bool)
    valid[0, 9] = False
    points, known = limb_points(landmarks, valid, between=3)
    assert torch.equal(points[:, :17], landmarks) and torch.equal(known[:, :17], valid)
    for strip, (first, second) in enumerate(STRIPS):
        between = slice(17 + 3 * strip, 20 + 3 * strip)
        expected = [first + (second - first) * share for share in (0.25, 0.5, 0.75)]
        assert points[0, between, 0].tolist() == pytest.approx(expected)
        assert known[0, between].tolist() == [9 not in (first, second)] * 3


def test_a_strip_of_one_pixel_is_as_wide_as_any_other():
    patches, found = limb_patches(ramp(), *limb((20.0, 20.0), (21.0, 20.0)), radius=4, size=4)
    assert bool(found[0, 0])
    torch.testing.assert_close(patches[0, 0, 1, 0], torch.tensor([17.0, 19.0, 21.0, 23.0]), atol=2e-3, rtol=0)
    assert not bool(limb_patches(ramp(), *limb((20.0, 20.0), (20.9, 20.0)))[1][0, 0])


def test_refusals_say_what_was_expected():
    yes = torch.ones(3, 17, dtype=torch.bool)
    for pictures, landmarks, valid in (
        (torch.zeros(3, 128, 64), torch.zeros(3, 17, 2), yes),
        (torch.zeros(3, 3, 128, 64), torch.zeros(3, 17, 3), yes),
        (torch.zeros(3, 3, 128, 64), torch.zeros(3, 17, 2), yes[:2]),
    ):
        with pytest.raises(ValueError, match="(pictures|landmarks|valid): expected"):
            skeleton_patches(pictures, landmarks, valid)
    with pytest.raises(ValueError, match=r"landmarks: expected landmarks \(N, 17, 2\) float, got \(3, 16, 2\)"):
        limb_patches(torch.zeros(3, 3, 128, 64), torch.zeros(3, 16, 2), yes[:, :16])


def test_strips_lie_along_arms_legs_and_trunk_and_from_the_nose_to_the_shoulders():
    parts = [("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "hip")]
    expected = {(f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in parts}
    expected |= {(f"left_{part}", f"right_{part}") for part in ("shoulder", "hip")}
    expected |= {("nose", "left_shoulder"), ("nose", "right_shoulder")}
    assert len(STRIPS) == 14 and {(JOINTS[first], JOINTS[second]) for first, second in STRIPS} == expected


HALVES, ALL = torch.full((1, 17, 2), 20.0), torch.ones(1, 17, dtype=torch.bool)


@pytest.mark.parametrize(
    "call",
    [
        lambda radius, size=4: landmark_boxes(HALVES, radius=radius),
        lambda radius, size=4: skeleton_patches(ramp(), HALVES, ALL, radius=radius, size=size),
        lambda radius, size=4: limb_patches(ramp(), HALVES, ALL, radius=radius, size=size),
    ],
)
def test_half_a_pixel_and_one_sample_are_enough(call):
    call(0.5), call(0.5, 1)
    for radius in (0, -0.5):
        with pytest.raises(ValueError, match=r"^radius: expected a number (above 0|in \(0, )"):
            call(radius)


@pytest.mark.parametrize("patches_of", [skeleton_patches, limb_patches])
def test_a_patch_has_one_sample_or_more(patches_of):
    with pytest.raises(ValueError, match="^size: expected a whole number from 1"):
        patches_of(ramp(), HALVES, ALL, size=0)


def test_no_point_between_joints_is_possible_and_fewer_are_not():
    points, known = limb_points(HALVES, ALL, between=0)
    assert torch.equal(points, HALVES) and torch.equal(known, ALL)
    with pytest.raises(ValueError, match="^between: expected a whole number from 0"):
        limb_points(HALVES, ALL, between=-1)


def test_without_a_number_of_joints_the_refusal_says_k():
    with pytest.raises(ValueError, match=r"^valid: expected valid landmarks \(N, K\)"):
        skeleton_patches(ramp(), HALVES, torch.ones(1, 17))
