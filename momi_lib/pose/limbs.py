"""Roughly where a person is, from landmarks alone: thick limbs and a filled trunk."""

from __future__ import annotations

import torch
from torch import Tensor

from momi_lib.arguments import LONGEST, Sizes, check_tensor, number, size_from
from momi_lib.skeleton import JOINTS, LIMBS

_LEFT, _RIGHT = (tuple(JOINTS.index(f"{side}_{name}") for name in ("shoulder", "hip")) for side in ("left", "right"))
#: Limbs, the face's included, with the trunk's diagonals and what joins the head to the shoulders.
SEGMENTS: tuple[tuple[int, int], ...] = (
    *LIMBS,
    (_LEFT[0], _RIGHT[1]),
    (_RIGHT[0], _LEFT[1]),
    (0, _LEFT[0]),
    (0, _RIGHT[0]),
)


def limb_masks(landmarks: Tensor, valid: Tensor, *, size: tuple[int, int] = (128, 64), radius: float = 6.0) -> Tensor:
    """Masks of thick limbs: 1 within ``radius`` of a line between two found landmarks, falling to 0 over two pixels.

    Args:
        landmarks: (N, 17, 2), pixels.
        valid: (N, 17) bool; a line needs both its ends.
        size: (H, W) of the picture.
        radius: pixels.

    Returns:
        (N, 1, H, W) float in [0, 1]; all 0 for a person without landmarks.

    Source: the pose mask of PG² (Ma et al. 2017), which joins and widens landmarks to weigh its loss.

    >>> landmarks = torch.full((1, 17, 2), 20.0)
    >>> mask = limb_masks(landmarks, torch.ones(1, 17, dtype=torch.bool), size=(64, 32), radius=3)
    >>> mask.shape, float(mask[0, 0, 20, 20]), float(mask[0, 0, 50, 20])
    (torch.Size([1, 1, 64, 32]), 1.0, 0.0)
    """
    sizes: Sizes = {}
    check_tensor("landmarks", landmarks, f"N {len(JOINTS)} 2", "landmarks", sizes=sizes, empty=True)
    check_tensor("valid", valid, f"N {len(JOINTS)}", "valid landmarks", "bool", sizes=sizes, empty=True)
    height, width = size_from("size", size)
    radius = number("radius", radius, -2, LONGEST)
    first, second = (torch.tensor(end, device=landmarks.device) for end in zip(*SEGMENTS, strict=True))
    start, along = landmarks[:, first], landmarks[:, second] - landmarks[:, first]
    usable = valid[:, first] & valid[:, second]
    rows = torch.arange(height, device=landmarks.device, dtype=landmarks.dtype)[:, None]
    columns = torch.arange(width, device=landmarks.device, dtype=landmarks.dtype)[None]
    nearest = landmarks.new_full((len(landmarks), height, width), torch.inf)
    for k in range(len(SEGMENTS)):  # one limb after the other: all at once would be 23 pictures wide
        x0, y0, dx, dy = (part[:, None, None] for part in (*start[:, k].T, *along[:, k].T))
        share = ((columns - x0) * dx + (rows - y0) * dy) / (dx**2 + dy**2).clamp_min(1e-6)
        share = share.clamp(0, 1)
        square = (columns - x0 - share * dx) ** 2 + (rows - y0 - share * dy) ** 2
        nearest = torch.minimum(nearest, square.masked_fill(~usable[:, k, None, None], torch.inf))
    return ((radius + 2 - nearest.sqrt()) / 2).clamp(0, 1)[:, None]
