"""The exercises of notebook 7: a smoothed label, where a logit looks, and the learning rate over a run."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import softplus

from momi_lib.lessons.exercise import Exercise

Layers = Sequence[tuple[int, int, int]]


def smoothed_loss(real: Tensor, fake: Tensor, target: float) -> Tensor:
    """The real pairs are called real with probability `target` only; the fakes stay fakes."""
    return (target * softplus(-real) + (1 - target) * softplus(real)).mean() + softplus(fake).mean()


def both_sides(real: Tensor, fake: Tensor, target: float) -> Tensor:
    smoothed = target * softplus(fake) + (1 - target) * softplus(-fake)
    return (target * softplus(-real) + (1 - target) * softplus(real)).mean() + smoothed.mean()


def rest_forgotten(real: Tensor, fake: Tensor, target: float) -> Tensor:
    return (target * softplus(-real)).mean() + softplus(fake).mean()


def logit_cases(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(seed)
    draw = [3 * torch.randn(2, 5, 1, 4, 2, generator=generator) for _ in range(3)]
    return [(real, fake, target) for (real, fake), target in zip(draw, (0.9, 0.8, 1.0), strict=True)]


def rows_seen(row: int, layers: Layers) -> tuple[int, int]:
    """The first and last row of the picture that a row of the output depends on."""
    first = last = row
    for kernel, stride, padding in reversed(layers):
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last


def without_padding(row: int, layers: Layers) -> tuple[int, int]:
    return rows_seen(row, [(kernel, stride, 0) for kernel, stride, _ in layers])


def front_to_back(row: int, layers: Layers) -> tuple[int, int]:
    return rows_seen(row, layers[::-1])


def one_too_many(row: int, layers: Layers) -> tuple[int, int]:
    first = last = row
    for kernel, stride, padding in reversed(layers):
        first, last = first * stride - padding, last * stride - padding + kernel
    return first, last


def layer_cases(seed: int = 0) -> list[tuple]:
    if seed:
        draw = random.Random(seed)
        kinds = [(3, 1, 1), (4, 2, 1), (3, 2, 1), (5, 1, 2), (7, 1, 3)]
        deep = [[*draw.choices(kinds, k=count), (4, 2, 1), (3, 1, 1)] for count in (1, 2, 3, 4)]
        return [(draw.randrange(1, 20), layers) for layers in deep]
    small = [(4, 2, 1), (4, 2, 1), (4, 2, 1), (3, 1, 1)]
    return [(0, [(3, 1, 1)]), (5, [(4, 2, 1)]), (8, small), (15, small), (3, [(7, 1, 3), (3, 2, 1), (3, 2, 1)])]


def rate(step: int, warm_up: int, steps: int, start: float) -> float:
    """1, then linearly down to 0, from the share `start` of the steps after the warm-up on."""
    done = max(0, step - warm_up) / steps
    return 1.0 if done <= start else max(0.0, (1 - done) / (1 - start))


def too_steep(step: int, warm_up: int, steps: int, start: float) -> float:
    done = max(0, step - warm_up) / steps
    return 1.0 if done <= start else max(0.0, 1 - done)


def too_flat(step: int, warm_up: int, steps: int, start: float) -> float:
    done = max(0, step - warm_up) / steps
    return 1.0 if done <= start else max(0.0, 1 - (done - start))


def warm_up_counted(step: int, warm_up: int, steps: int, start: float) -> float:
    return rate(step, 0, steps, start)


def rate_cases(seed: int = 0) -> list[tuple]:
    draw = random.Random(seed)
    first, last = (100, 1000) if not seed else (10 * draw.randrange(5, 20), 100 * draw.randrange(8, 20))
    steps = [0, first // 2, first] + [round(share * last) for share in (0.35, 0.6, 0.7, 0.85, 1.1, 1.2)]
    return [(step, first, last, start) for start in (0.5, 0.25) for step in steps]


EXERCISES = {
    "smoothed_loss": Exercise(
        title="A smoothed label",
        reference=smoothed_loss,
        cases=logit_cases,
        wrong={
            "You smoothed the fakes as well. Then D is told that one fake in ten is real, and G learns from D to make "
            "such fakes: smooth one side only.": both_sides,
            "The label has two sides: with probability 1 − target the real pair counts as fake, which costs "
            "softplus(real). You left that part out.": rest_forgotten,
            "The sign: D minimises its loss, and softplus is −log already. You return the value of Eq. 5, which D "
            "maximises.": lambda *case: -smoothed_loss(*case),
        },
    ),
    "rows_seen": Exercise(
        title="Where a logit looks",
        reference=rows_seen,
        cases=layer_cases,
        wrong={
            "Padding: output 0 of a layer with padding 1 starts at input −1, so each layer shifts both ends by its "
            "padding.": without_padding,
            "Walk from the last layer to the first: you start from a row of the output, and the layer that made it is "
            "the last one.": front_to_back,
            "One too many: a kernel of 3 that starts at row 5 ends at row 7, which is 5 + 3 − 1.": one_too_many,
        },
        atol=0,
    ),
    "rate": Exercise(
        title="The learning rate over a run",
        reference=rate,
        cases=rate_cases,
        wrong={
            "There is a jump at the start of the fall: 1 − done is below 1 there already. Divide by what is left, "
            "1 − start.": too_steep,
            "It does not reach 0 at the end of the run: the fall has to fit into what is left, 1 − start.": too_flat,
            "The warm-up is counted as a part of `steps`: subtract it first.": warm_up_counted,
        },
    ),
}
