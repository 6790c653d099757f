"""Hidden cases of notebook 02: from picture to map, soft-argmax, and joints that count."""

from __future__ import annotations

import torch
from torch import Tensor

from momi_lib.lessons.exercise import Exercise

Size = tuple[int, int]


def _scaled(landmarks: Tensor, size: Size, map_size: Size, before: float, after: float) -> Tensor:
    scale = landmarks.new_tensor([map_size[1] / size[1], map_size[0] / size[0]])
    return (landmarks + before) * scale + after


def to_map(landmarks: Tensor, size: Size, map_size: Size) -> Tensor:
    """Cells of a map under landmarks (…, 2) of a picture, centres at whole numbers in both."""
    return _scaled(landmarks, size, map_size, 0.5, -0.5)


def _to_map_without_halves(landmarks: Tensor, size: Size, map_size: Size) -> Tensor:
    return _scaled(landmarks, size, map_size, 0.0, 0.0)


def _to_map_without_last(landmarks: Tensor, size: Size, map_size: Size) -> Tensor:
    return _scaled(landmarks, size, map_size, 0.5, 0.0)


def _to_map_rows_first(landmarks: Tensor, size: Size, map_size: Size) -> Tensor:
    return to_map(landmarks, (size[1], size[0]), (map_size[1], map_size[0]))


def _to_map_other_way(landmarks: Tensor, size: Size, map_size: Size) -> Tensor:
    return to_map(landmarks, map_size, size)


def _landmarks(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(1 + seed)
    points = torch.rand(2, 5, 2, generator=generator) * 60
    corner = torch.tensor([[0.0, 0.0], [63.0, 127.0]])
    return [(corner, (128, 64), (32, 16)), (points, (128, 64), (64, 48)), (points[0], (256, 192), (64, 48))]


def _grid(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    h, w = heatmaps.shape[-2:]
    return torch.arange(w, dtype=torch.float32), torch.arange(h, dtype=torch.float32)


def _mean(weights: Tensor) -> Tensor:
    x, y = _grid(weights)
    return torch.stack([(weights.sum(2) * x).sum(-1), (weights.sum(3) * y).sum(-1)], dim=-1)


def soft_argmax(heatmaps: Tensor, beta: float) -> Tensor:
    """Mean cell of each map, weighted by a softmax of `beta` times the map: (N, K, 2) as (x, y)."""
    return _mean((beta * heatmaps).flatten(2).softmax(2).view_as(heatmaps))


def _soft_without_beta(heatmaps: Tensor, beta: float) -> Tensor:
    return soft_argmax(heatmaps, 1.0)


def _soft_rows_first(heatmaps: Tensor, beta: float) -> Tensor:
    return soft_argmax(heatmaps, beta).flip(-1)


def _soft_along_rows(heatmaps: Tensor, beta: float) -> Tensor:
    return _mean((beta * heatmaps).softmax(3))


def _soft_without_softmax(heatmaps: Tensor, beta: float) -> Tensor:
    return _mean(heatmaps / heatmaps.sum((2, 3), keepdim=True))


def _soft_without_sum(heatmaps: Tensor, beta: float) -> Tensor:
    return _mean((beta * heatmaps).exp())


def _heatmaps(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(2 + seed)
    return [
        (torch.rand(2, 3, 4, 6, generator=generator), 4.0),
        (torch.randn(1, 2, 8, 5, generator=generator), 2.0),
    ]


def weighted_distillation(student_maps: Tensor, teacher_maps: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean over joints of their mean squared errors."""
    error = (student_maps - teacher_maps).square().mean((2, 3))
    return (weight * error).sum() / weight.sum()


def _unweighted(student_maps: Tensor, teacher_maps: Tensor, weight: Tensor) -> Tensor:
    return (student_maps - teacher_maps).square().mean()


def _over_all(student_maps: Tensor, teacher_maps: Tensor, weight: Tensor) -> Tensor:
    return ((student_maps - teacher_maps).square().mean((2, 3)) * weight).mean()


def _weight_inside(student_maps: Tensor, teacher_maps: Tensor, weight: Tensor) -> Tensor:
    error = (weight[..., None, None] * (student_maps - teacher_maps)).square().mean((2, 3))
    return error.sum() / weight.sum()


def _summed(student_maps: Tensor, teacher_maps: Tensor, weight: Tensor) -> Tensor:
    error = (student_maps - teacher_maps).square().sum((2, 3))
    return (weight * error).sum() / weight.sum()


def _pairs(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(3 + seed)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    return [
        (draw(2, 3, 4, 2), draw(2, 3, 4, 2), torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])),
        (draw(3, 4, 2, 2), draw(3, 4, 2, 2), draw(3, 4)),
    ]


EXERCISES = {
    "to_map": Exercise(
        title="From picture to map",
        reference=to_map,
        cases=_landmarks,
        wrong={
            "Scaling alone forgets that centres are at whole numbers: add half a pixel before, take off half a cell "
            "after.": _to_map_without_halves,
            "The half pixel went in, but the half cell at the end did not come off.": _to_map_without_last,
            "x belongs to the width, which is the second number of a size.": _to_map_rows_first,
            "This goes from map to picture; the question is the way back.": _to_map_other_way,
        },
    ),
    "soft_argmax": Exercise(
        title="A landmark with a gradient",
        reference=soft_argmax,
        cases=_heatmaps,
        wrong={
            "`beta` multiplies the map before the softmax; it decides how sharp the weights are.": _soft_without_beta,
            "x comes first: columns, then rows.": _soft_rows_first,
            "Each row was normalised for itself; the softmax runs over all cells of a map (flatten first).": (
                _soft_along_rows
            ),
            "These weights are the map divided by its sum; take a softmax, which is never negative.": (
                _soft_without_softmax
            ),
            "The weights do not sum to one: exp alone is not yet a softmax.": _soft_without_sum,
        },
        atol=1e-4,
    ),
    "weighted_distillation": Exercise(
        title="Joints that count",
        reference=weighted_distillation,
        cases=_pairs,
        wrong={
            "The weights have no effect in your answer.": _unweighted,
            "Divide by the sum of the weights, not by the number of joints: joints that nobody labelled do not "
            "count.": _over_all,
            "The weight went inside the square, so it counts twice.": _weight_inside,
            "Each joint's error is a mean over its cells, not a sum.": _summed,
        },
    ),
}
