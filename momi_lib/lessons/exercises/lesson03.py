"""Hidden cases of notebook 03: a soft argmax, the radius of a kernel, and the distance of two poses."""

from __future__ import annotations

import math
import random

import torch
from torch import Tensor

from momi_lib.lessons.exercise import Exercise


def _grid(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    h, w = heatmaps.shape[-2:]
    return torch.arange(w, dtype=torch.float32), torch.arange(h, dtype=torch.float32)[:, None]


def _mean_place(weights: Tensor) -> Tensor:
    x, y = _grid(weights)
    return torch.stack([(weights * x).sum((2, 3)), (weights * y).sum((2, 3))], dim=-1)


def soft_argmax(heatmaps: Tensor, beta: float) -> Tensor:
    """The mean (x, y) of all cells under a softmax of the whole map."""
    return _mean_place((beta * heatmaps).flatten(2).softmax(dim=2).view_as(heatmaps))


def _without_beta(heatmaps: Tensor, beta: float) -> Tensor:
    return soft_argmax(heatmaps, 1.0)


def _rows_first(heatmaps: Tensor, beta: float) -> Tensor:
    return soft_argmax(heatmaps, beta).flip(-1)


def _softmax_of_each_row(heatmaps: Tensor, beta: float) -> Tensor:
    return _mean_place((beta * heatmaps).softmax(dim=-1))


def _share_of_the_sum(heatmaps: Tensor, beta: float) -> Tensor:
    return _mean_place(beta * heatmaps / (beta * heatmaps).sum((2, 3), keepdim=True))


def _exponential_only(heatmaps: Tensor, beta: float) -> Tensor:
    return _mean_place((beta * heatmaps).exp())


def _maps(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(3 + seed)
    sizes = ((1, 1, 6, 3, 4.0), (2, 17, 8, 5, 10.0), (1, 2, 4, 4, 0.5))
    return [(torch.rand(n, k, h, w, generator=generator), beta) for n, k, h, w, beta in sizes]


def kernel_radius(sigma: float, smallest: float) -> int:
    """The first whole radius at which exp(-r² / 2σ²) is at most `smallest`."""
    return math.ceil(sigma * math.sqrt(2 * math.log(1 / smallest)))


def _rounded_down(sigma: float, smallest: float) -> int:
    return int(sigma * math.sqrt(2 * math.log(1 / smallest)))


def _without_the_two(sigma: float, smallest: float) -> int:
    return math.ceil(sigma * math.sqrt(math.log(1 / smallest)))


def _decimal_logarithm(sigma: float, smallest: float) -> int:
    return math.ceil(sigma * math.sqrt(2 * math.log10(1 / smallest)))


def _whole_kernel(sigma: float, smallest: float) -> int:
    return 2 * kernel_radius(sigma, smallest) + 1


def _kernels(seed: int = 0) -> list[tuple]:
    if not seed:
        return [(6.0, 0.01), (2.5, 0.001), (1.0, 0.5), (3.0, 0.1)]
    draw = random.Random(seed)
    return [(draw.randrange(40, 160) / 10, smallest) for smallest in (0.4, 0.1, 0.03, 0.01, 0.001)]


def pose_distance(first: Tensor, second: Tensor, first_valid: Tensor, second_valid: Tensor) -> Tensor:
    """The mean distance over the joints valid in both; 0 without one."""
    both = first_valid & second_valid
    return (first - second)[both].norm(dim=-1).sum() / both.sum().clamp(min=1)


def _times_the_mask(first: Tensor, second: Tensor, first_valid: Tensor, second_valid: Tensor) -> Tensor:
    both = first_valid & second_valid
    return ((first - second).norm(dim=-1) * both).sum() / both.sum().clamp(min=1)


def _over_all_joints(first: Tensor, second: Tensor, first_valid: Tensor, second_valid: Tensor) -> Tensor:
    both = first_valid & second_valid
    return (first - second)[both].norm(dim=-1).sum() / len(both)


def _no_joint_is_nan(first: Tensor, second: Tensor, first_valid: Tensor, second_valid: Tensor) -> Tensor:
    return (first - second)[first_valid & second_valid].norm(dim=-1).mean()


def _valid_in_either(first: Tensor, second: Tensor, first_valid: Tensor, second_valid: Tensor) -> Tensor:
    either = first_valid | second_valid
    return (first - second)[either].norm(dim=-1).sum() / either.sum().clamp(min=1)


def _missing_in_the_corner(first: Tensor, second: Tensor, first_valid: Tensor, second_valid: Tensor) -> Tensor:
    first, second = first.masked_fill(~first_valid[:, None], 0), second.masked_fill(~second_valid[:, None], 0)
    return (first - second).norm(dim=-1).mean()


def _poses(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(4 + seed)
    cases = []
    for share in (0.7, 0.5, 0.0):
        first, second = (60 * torch.rand(17, 2, generator=generator) for _ in range(2))
        valid = [torch.rand(17, generator=generator) < share for _ in range(2)]
        cases.append((first, second, *valid))
    first, second, *valid = cases[1]
    first[~valid[0]] = math.nan
    return cases


EXERCISES = {
    "soft_argmax": Exercise(
        title="A soft argmax",
        reference=soft_argmax,
        cases=_maps,
        wrong={
            "x and y are exchanged: x is the column and comes first.": _rows_first,
            "β is not used: it multiplies the heatmap before the softmax, and sharpens it.": _without_beta,
            "each row has a softmax of its own, so every row weighs the same: flatten the map first "
            "(.flatten(2)), so that all of its weights together sum to 1.": _softmax_of_each_row,
            "divided by the sum, but without the exponential: a softmax also turns values below zero into "
            "positive weights.": _share_of_the_sum,
            "the weights are not divided by their sum, so the mean lands far outside of the map.": _exponential_only,
        },
        atol=1e-4,
    ),
    "kernel_radius": Exercise(
        title="The radius of the kernel",
        reference=kernel_radius,
        cases=_kernels,
        wrong={
            "rounded down: at that radius the Gaussian is still above `smallest`; use math.ceil.": _rounded_down,
            "the 2 of 2σ² is missing: solve exp(-r² / (2σ²)) = smallest for r.": _without_the_two,
            "that is the logarithm to base 10; the inverse of exp is math.log.": _decimal_logarithm,
            "that is the width of the whole kernel, 2r + 1; asked is r.": _whole_kernel,
        },
    ),
    "pose_distance": Exercise(
        title="The distance of two poses",
        reference=pose_distance,
        cases=_poses,
        wrong={
            "a missing joint may hold NaN, and NaN · 0 is NaN: select the joints (distance[both]) or use "
            "torch.where, do not multiply by the mask.": _times_the_mask,
            "divided by all 17 joints: each missing one counts as a perfect hit; divide by how many count.": (
                _over_all_joints
            ),
            "without a joint in common the mean of nothing is NaN: clamp the number of joints to at least 1.": (
                _no_joint_is_nan
            ),
            "a joint counts only where it is valid in both poses (&, not |).": _valid_in_either,
            "missing joints were set to (0, 0) and then compared: a distance to the corner is no distance.": (
                _missing_in_the_corner
            ),
        },
        atol=1e-3,
    ),
}
