"""The street behind the answer: the target's picture with its own person taken out.

Nothing here has weights. A hole is filled from its surroundings, coarse to fine: a push-pull pyramid (Gortler et al.,
"The Lumigraph", 1996, section 3.4).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.arguments import LONGEST, Sizes, check_tensor, whole
from momi_lib.data import size_of

__all__ = ["filled", "widened"]


def widened(mask: Tensor, radius: int) -> Tensor:
    """A mask (N, 1, H, W), bool, and all within `radius` pixels of it (a square).

    >>> int(widened(torch.eye(5)[None, None] > 2, 1).sum()), int(widened(torch.eye(3)[None, None, 1:2] > 0, 1).sum())
    (0, 3)
    """
    check_tensor("mask", mask, "N 1 H W", "a mask", "bool")
    radius = whole("radius", radius, 0, LONGEST)
    return functional.max_pool2d(mask.float(), 2 * radius + 1, 1, radius) > 0


def filled(pictures: Tensor, hole: Tensor) -> Tensor:
    """Pictures (N, C, H, W) whose `hole` (N, 1, H, W), bool, is filled with what stands around it.

    Outside the hole nothing changes. A picture that is all hole becomes 0, the middle grey.

    >>> picture = torch.tensor([[[[1.0, 0.0, 1.0, 1.0]]]])
    >>> filled(picture, picture == 0).tolist()
    [[[[1.0, 1.0, 1.0, 1.0]]]]
    """
    sizes: Sizes = {}
    check_tensor("pictures", pictures, "N C H W", "float pictures {}", sizes=sizes)
    check_tensor("hole", hole, "N 1 H W", "a mask", "bool", sizes=sizes)
    known = (~hole).to(pictures.dtype)
    levels = [(pictures * known, known)]
    while max(levels[-1][0].shape[-2:]) > 1:
        colours, weights = levels[-1]
        rows, columns = size_of(colours)
        size = (-(-rows // 2), -(-columns // 2))
        levels.append((functional.adaptive_avg_pool2d(colours, size), functional.adaptive_avg_pool2d(weights, size)))
    colours, weights = levels[-1]
    answer = colours / weights.clamp_min(1e-6)
    for colours, weights in levels[-2::-1]:
        answer = functional.interpolate(answer, size=colours.shape[-2:], mode="bilinear", align_corners=False)
        share = (4 * weights).clamp(max=1)  # a quarter of a place that is known says enough
        answer = torch.where(weights > 0, torch.lerp(answer, colours / weights.clamp_min(1e-6), share), answer)
    return torch.where(hole, answer, pictures)
