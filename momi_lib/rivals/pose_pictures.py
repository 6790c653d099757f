"""Poses as PG² and PN-GAN are given them: discs, a drawing of the skeleton, and the mask of PG²'s loss.

All three are drawn from landmarks by tensor operations, on whatever device the landmarks are. What the pose pictures
of the published systems look like, and where these differ, stands at each function.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.pose.limbs import limb_masks
from momi_lib.rivals.base import Landmarks, RivalBatch
from momi_lib.skeleton import COLOURS, JOINTS, LIMBS

CLOSING = 5  # side of the square with which PG²'s mask is closed, in pixels


def disc_maps(landmarks: Tensor, valid: Tensor, size: tuple[int, int], radius: float = 4) -> Tensor:
    """A disc at each landmark, a channel a joint: +1 up to ``radius`` away from it, -1 elsewhere.

    Args:
        landmarks: (N, 17, 2), (x, y) in pixels.
        valid: (N, 17) bool; the map of an invalid landmark is -1 everywhere, whatever its coordinates (NaN included).
        size: (H, W) of the maps.
        radius: pixels.

    Returns:
        (N, 17, H, W) float32, each value -1 or 1.

    Raises:
        ValueError: for another shape, a size that is not two positive whole numbers, or a radius that is not positive.

    Source: the pose input of PG² (Ma et al. 2017), read in its official code. Theirs has the 18 keypoints of OpenPose,
    ours the 17 of COCO: OpenPose adds the neck, and orders the others differently.

    >>> maps = disc_maps(torch.full((1, 17, 2), 8.0), torch.ones(1, 17, dtype=torch.bool), (16, 16))
    >>> maps.shape, int((maps[0, 0] == 1).sum()), maps[0, 0, 8, 12].item(), maps[0, 0, 8, 13].item()
    (torch.Size([1, 17, 16, 16]), 49, 1.0, -1.0)
    """
    landmarks, valid = _checked("disc_maps", landmarks, valid, size, radius)
    rows, columns = _pixels(landmarks, size)
    across = (columns - landmarks[..., :1]).square()  # (N, 17, W)
    down = (rows - landmarks[..., 1:]).square()  # (N, 17, H)
    inside = down[..., :, None] + across[..., None, :] <= radius**2
    return 2 * (inside & valid[..., None, None]).float() - 1


def stick_pictures(landmarks: Tensor, valid: Tensor, size: tuple[int, int], radius: float = 1.5) -> Tensor:
    """The skeleton drawn in colour on black: each limb of ``LIMBS`` a line, each joint a dot on top of the lines.

    A line has the colour of its second joint, a dot that of its own joint (``COLOURS``), so that left and right
    differ. Edges are smooth: a pixel whose centre is ``radius`` from a line is half covered.

    Args:
        landmarks: (N, 17, 2), (x, y) in pixels.
        valid: (N, 17) bool; a line needs both its ends, a dot its joint.
        size: (H, W) of the pictures.
        radius: half the width of a line and the radius of a dot, in pixels.

    Returns:
        (N, 3, H, W) float32 in [-1, 1]; -1, black, where nothing is drawn.

    Raises:
        ValueError: as :func:`disc_maps`.

    Source: PN-GAN (Qian et al. 2018) is given the pose as an RGB drawing in [-1, 1]. Theirs is OpenPose's drawing of
    18 keypoints in its own colours; this one has COCO's 17, this library's limbs and its colours.

    >>> landmarks, valid = torch.full((1, 17, 2), 8.0), torch.zeros(1, 17, dtype=torch.bool)
    >>> valid[0, 0] = True  # a nose alone, which is grey
    >>> picture = stick_pictures(landmarks, valid, (16, 16))
    >>> picture.shape, [round(value, 3) for value in picture[0, :, 8, 8].tolist()], picture[0, 0, 0, 0].item()
    (torch.Size([1, 3, 16, 16]), [-0.004, -0.004, -0.004], -1.0)
    """
    landmarks, valid = _checked("stick_pictures", landmarks, valid, size, radius)
    rows, columns = _pixels(landmarks, size)
    colours = _colours(landmarks.device)
    pictures = landmarks.new_full((len(landmarks), 3, *size), -1.0)
    for start, end in (*LIMBS, *((joint, joint) for joint in range(len(JOINTS)))):  # a dot is a line of length 0
        x0, y0, x1, y1 = (part[:, None, None] for part in (*landmarks[:, start].T, *landmarks[:, end].T))
        dx, dy = x1 - x0, y1 - y0
        share = ((columns - x0) * dx + (rows[:, None] - y0) * dy) / (dx**2 + dy**2).clamp_min(1e-6)
        share = share.clamp(0, 1)
        away = ((columns - x0 - share * dx) ** 2 + (rows[:, None] - y0 - share * dy) ** 2).sqrt()
        covered = (radius + 0.5 - away).clamp(0, 1) * (valid[:, start] & valid[:, end])[:, None, None]
        pictures = torch.lerp(pictures, colours[end][:, None, None], covered[:, None])
    return pictures


def pose_masks(landmarks: Tensor, valid: Tensor, size: tuple[int, int], radius: float = 4) -> Tensor:
    """PG²'s mask M of a person: everything within ``radius`` of a limb, closed by a square of 5 × 5 pixels.

    Closing (dilation, then erosion with the same square) fills holes and slits up to 4 pixels wide, and never takes
    a pixel away. The limbs are the segments of :func:`momi_lib.pose.limbs.limb_masks`, the trunk's diagonals included.

    Args:
        landmarks: (N, 17, 2), (x, y) in pixels.
        valid: (N, 17) bool; a limb needs both its ends.
        size: (H, W) of the masks.
        radius: pixels.

    Returns:
        (N, 1, H, W) float32, each value 0 or 1; all 0 for a person without landmarks.

    Raises:
        ValueError: as :func:`disc_maps`.

    Source: PG² (Ma et al. 2017), read in its official code: limbs of radius 4, closed by 5 × 5.

    >>> landmarks, valid = torch.zeros(1, 17, 2), torch.zeros(1, 17, dtype=torch.bool)
    >>> valid[0, [7, 9]] = True  # a forearm alone, 10 pixels long
    >>> landmarks[0, 7], landmarks[0, 9] = torch.tensor([10.0, 16.0]), torch.tensor([20.0, 16.0])
    >>> mask = pose_masks(landmarks, valid, (32, 32))
    >>> mask.shape, mask[0, 0, 10:23, 15].int().tolist()
    (torch.Size([1, 1, 32, 32]), [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0])
    """
    landmarks, valid = _checked("pose_masks", landmarks, valid, size, radius)
    limbs = (limb_masks(landmarks, valid, size=size, radius=radius) >= 1).float()
    dilated = functional.max_pool2d(limbs, CLOSING, stride=1, padding=CLOSING // 2)
    return -functional.max_pool2d(-dilated, CLOSING, stride=1, padding=CLOSING // 2)


def check_guided(source: Tensor, target_pose: Landmarks, size: tuple[int, int]) -> None:
    """Refuse what a pose-guided network of pictures ``size`` = (H, W) cannot draw from.

    Raises:
        ValueError: for a source that is not (N, 3, H, W) float, or another number of poses than of pictures.

    >>> nobody = Landmarks(torch.zeros(1, 17, 2), torch.zeros(1, 17, dtype=torch.bool))
    >>> check_guided(torch.zeros(2, 3, 128, 64), nobody, (128, 64))
    Traceback (most recent call last):
    ...
    ValueError: target_pose: expected as many poses as pictures, got 1 for 2; repeat one that is meant for all
    """
    expected = (3, *size)
    if source.ndim != 4 or tuple(source.shape[1:]) != expected or not source.is_floating_point():
        raise ValueError(
            f"source: expected float pictures (N, {', '.join(map(str, expected))}) in [-1, 1], got "
            f"{tuple(source.shape)} {source.dtype}; momi_lib.data.to_float converts uint8 pictures"
        )
    if len(target_pose.places) != len(source):
        raise ValueError(
            f"target_pose: expected as many poses as pictures, got {len(target_pose.places)} for {len(source)}; "
            "repeat one that is meant for all"
        )


def positive_pose(batch: RivalBatch) -> Landmarks:
    """The pose of x⁺ in a batch.

    Raises:
        ValueError: for a batch without poses.

    >>> pictures, persons = torch.zeros(1, 3, 8, 8), torch.zeros(2, 1, dtype=torch.long)
    >>> positive_pose(RivalBatch(pictures, pictures, pictures, None, persons))
    Traceback (most recent call last):
    ...
    ValueError: batch.poses: a pose-guided method is trained with the landmarks of x, x⁺ and x⁻, got None
    """
    if batch.poses is None:
        raise ValueError(
            "batch.poses: a pose-guided method is trained with the landmarks of x, x⁺ and x⁻, got None"
        )
    return batch.poses[1]


def _checked(
    name: str, landmarks: Tensor, valid: Tensor, size: tuple[int, int], radius: float
) -> tuple[Tensor, Tensor]:
    """Landmarks in float32, at (0, 0) where they are invalid, and their validity; ValueError for anything else."""
    if landmarks.ndim != 3 or landmarks.shape[1:] != (len(JOINTS), 2) or valid.shape != landmarks.shape[:2]:
        raise ValueError(
            f"{name}: expected landmarks (N, {len(JOINTS)}, 2) and valid (N, {len(JOINTS)}), got "
            f"{tuple(landmarks.shape)} and {tuple(valid.shape)}"
        )
    if len(size) != 2 or any(not isinstance(side, int) or side < 1 for side in size):
        raise ValueError(f"{name}: size must be (H, W), two whole numbers from 1 up, got {size!r}")
    if not 0 < radius < float("inf"):
        raise ValueError(f"{name}: radius must be a positive number of pixels, got {radius!r}")
    valid = valid.bool()
    return landmarks.detach().float().masked_fill(~valid[..., None], 0), valid


def _pixels(landmarks: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Coordinates of rows (H,) and columns (W,)."""
    rows, columns = (torch.arange(side, device=landmarks.device, dtype=landmarks.dtype) for side in size)
    return rows, columns


@cache
def _colours(device: torch.device) -> Tensor:
    """``COLOURS`` as (17, 3) in [-1, 1]."""
    values = [[int(colour[at : at + 2], 16) / 127.5 - 1 for at in (1, 3, 5)] for colour in COLOURS]
    return torch.tensor(values, device=device)
