"""How well landmarks are found: PCK, and how often left and right are confused."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from momi_lib.skeleton import MIRROR


class Score(NamedTuple):
    """A share for each joint (K,), NaN where none was judged; over all that were; and their `count` (K,)."""

    joints: Tensor
    mean: float
    count: Tensor


def pck(
    landmarks: Tensor,
    joints: Tensor,
    visibility: Tensor,
    *,
    height: Tensor | float,
    threshold: float = 0.1,
) -> Score:
    """Percentage of correct key points: the share that lies within `threshold` x `height` of the truth.

    After Yang and Ramanan, "Articulated human detection with flexible mixtures of parts", 2013. For a fixed
    radius in pixels give ``height=1, threshold=6``. See notebook 02.

    Args:
        landmarks: (N, K, 2) found, pixels.
        joints: (N, K, 2) true, pixels.
        visibility: (N, K); only joints with a value other than 0 are judged. To judge visible joints alone,
            give ``visibility == 2``.
        height: (N,) or one number: the height of each person in pixels.
        threshold: radius as a share of the height.

    Returns:
        Score(joints (K,) in [0, 1], mean in [0, 1], count (K,)).

    Raises:
        ValueError: for shapes that do not fit.

    >>> truth = torch.tensor([[[10.0, 10.0], [20.0, 20.0]]])
    >>> pck(truth + torch.tensor([[[3.0, 4.0], [30.0, 0.0]]]), truth, torch.ones(1, 2), height=100).mean
    0.5
    """
    radius = _radius(landmarks, joints, visibility, height, threshold)
    judged = visibility != 0
    correct = (landmarks - joints).norm(dim=-1) <= radius
    return _share(correct, judged)


def left_right_confusion(
    landmarks: Tensor,
    joints: Tensor,
    visibility: Tensor,
    *,
    height: Tensor | float,
    threshold: float = 0.1,
) -> Score:
    """The share of paired joints found not at their own place but at that of their mirror joint.

    A joint is judged when it and its mirror joint both have a visibility other than 0 and lie further apart
    than the radius, so that the two can be told from each other. Arguments as `pck`, with the 17 joints of
    COCO.

    >>> truth = torch.zeros(1, 17, 2)
    >>> truth[0, 5], truth[0, 6] = torch.tensor([40.0, 30.0]), torch.tensor([10.0, 30.0])
    >>> seen = torch.zeros(1, 17)
    >>> seen[0, 5:7] = 1
    >>> found = truth.clone()
    >>> found[0, 5] = found[0, 6]
    >>> left_right_confusion(found, truth, seen, height=100).mean
    0.5
    """
    radius = _radius(landmarks, joints, visibility, height, threshold)
    mirror = torch.tensor(MIRROR, device=joints.device)
    other = joints[:, mirror]
    apart = (joints - other).norm(dim=-1) > radius
    judged = (visibility != 0) & (visibility[:, mirror] != 0) & apart
    confused = ((landmarks - joints).norm(dim=-1) > radius) & ((landmarks - other).norm(dim=-1) <= radius)
    return _share(confused, judged)


def person_heights(joints: Tensor, visibility: Tensor, masks: Tensor | None = None) -> Tensor:
    """Heights of people in pixels, (N,): of the mask if given, else of the box around the known joints.

    >>> person_heights(torch.tensor([[[5.0, 10.0], [5.0, 90.0]]]), torch.ones(1, 2)).tolist()
    [81.0]
    """
    if masks is not None:
        rows = masks.any(dim=2)
        height = masks.shape[1]
        first = rows.int().argmax(dim=1)
        last = height - 1 - rows.flip(1).int().argmax(dim=1)
        return torch.where(rows.any(dim=1), last - first + 1, 0).float()
    known, y = visibility != 0, joints[..., 1]
    top = y.masked_fill(~known, float("inf")).amin(dim=1)
    bottom = y.masked_fill(~known, float("-inf")).amax(dim=1)
    return (bottom - top + 1).clamp_min(0)


def _radius(landmarks: Tensor, joints: Tensor, visibility: Tensor, height: Tensor | float, threshold: float) -> Tensor:
    if landmarks.ndim != 3 or landmarks.shape != joints.shape or visibility.shape != joints.shape[:2]:
        raise ValueError(
            "expected landmarks (N, K, 2), joints (N, K, 2) and visibility (N, K), got "
            f"{tuple(landmarks.shape)}, {tuple(joints.shape)} and {tuple(visibility.shape)}"
        )
    height = torch.as_tensor(height, dtype=torch.float32, device=joints.device)
    if height.ndim > 1 or (height.ndim == 1 and len(height) != len(joints)):
        raise ValueError(f"expected height (N,) with N = {len(joints)} or a number, got {tuple(height.shape)}")
    return (height * threshold).reshape(-1, 1)


def _share(hit: Tensor, judged: Tensor) -> Score:
    count = judged.sum(dim=0)
    hits = (hit & judged).sum(dim=0)
    total = int(count.sum())
    return Score(hits / count, float(hits.sum()) / total if total else float("nan"), count)
