"""Hidden cases of notebook 04: one attention update, the parameters of φ, and how far gates open on the person."""

from __future__ import annotations

import random

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.data import size_of
from momi_lib.lessons.exercise import Exercise


def update(x1: Tensor, h1: Tensor, h2: Tensor) -> tuple[Tensor, Tensor]:
    """x₁ + h₁ · σ(h₂), and [h₂, x₁] with the new x₁."""
    new = x1 + h1 * torch.sigmoid(h2)
    return new, torch.cat([h2, new], dim=1)


def _gate_of_the_appearance(x1: Tensor, h1: Tensor, h2: Tensor) -> tuple[Tensor, Tensor]:
    new = x1 + h2 * torch.sigmoid(h1)
    return new, torch.cat([h2, new], dim=1)


def _without_the_old(x1: Tensor, h1: Tensor, h2: Tensor) -> tuple[Tensor, Tensor]:
    new = h1 * torch.sigmoid(h2)
    return new, torch.cat([h2, new], dim=1)


def _without_sigmoid(x1: Tensor, h1: Tensor, h2: Tensor) -> tuple[Tensor, Tensor]:
    new = x1 + h1 * h2
    return new, torch.cat([h2, new], dim=1)


def _joined_too_early(x1: Tensor, h1: Tensor, h2: Tensor) -> tuple[Tensor, Tensor]:
    return update(x1, h1, h2)[0], torch.cat([h2, x1], dim=1)


def _joined_the_other_way(x1: Tensor, h1: Tensor, h2: Tensor) -> tuple[Tensor, Tensor]:
    new = update(x1, h1, h2)[0]
    return new, torch.cat([new, h2], dim=1)


def _gate_goes_on(x1: Tensor, h1: Tensor, h2: Tensor) -> tuple[Tensor, Tensor]:
    new = update(x1, h1, h2)[0]
    return new, torch.cat([torch.sigmoid(h2), new], dim=1)


def _streams(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(4 + seed)
    return [tuple(torch.randn(n, d, 4, 3, generator=generator) for _ in range(3)) for n, d in ((1, 2), (2, 8))]


def _count(width: int, blocks: int, lean: bool, *, norm: int = 2, bias: int = 0, first: int = 1, later: int = 2) -> int:
    """Parameters of φ, with `norm` a channel, `bias` a channel, and the pose stream that many times d wide."""

    def layer(inputs: int, kernel: int) -> int:
        return (kernel**2 * inputs + norm + bias) * width

    total = 0
    for block in range(blocks):
        inputs = (later if block else first) * width
        total += 2 * layer(width, 3)
        if lean:
            total += layer(width, 3) + (layer(inputs, 1) if inputs != width else 0)
        else:
            total += layer(inputs, 3) + layer(width, 3)
    return total


def attention_parameters(width: int, blocks: int, lean: bool) -> int:
    """Parameters of `PoseAttention(width, blocks, lean=lean)` with batch norm."""
    return _count(width, blocks, lean)


def gate_contrast(gates: Tensor, masks: Tensor) -> Tensor:
    """Mean gate on the person minus mean gate beside it, cells weighted with their share of person."""
    return _contrast(gates, functional.adaptive_avg_pool2d(masks.float(), size_of(gates)))


def _contrast(gates: Tensor, inside: Tensor) -> Tensor:
    def mean(share: Tensor) -> Tensor:
        return (gates * share[:, None]).sum((0, 2, 3)) / share.sum()

    return mean(inside) - mean(1 - inside)


def _one_pixel_a_cell(gates: Tensor, masks: Tensor) -> Tensor:
    return _contrast(gates, masks[:, ::8, ::8].float())


def _any_pixel(gates: Tensor, masks: Tensor) -> Tensor:
    return _contrast(gates, functional.adaptive_max_pool2d(masks.float(), gates.shape[2:]))


def _against_everything(gates: Tensor, masks: Tensor) -> Tensor:
    inside = functional.adaptive_avg_pool2d(masks.float(), size_of(gates))
    return (gates * inside[:, None]).sum((0, 2, 3)) / inside.sum() - gates.mean((0, 2, 3))


def _not_divided(gates: Tensor, masks: Tensor) -> Tensor:
    inside = functional.adaptive_avg_pool2d(masks.float(), size_of(gates))[:, None]
    return (gates * inside).mean((0, 2, 3)) - (gates * (1 - inside)).mean((0, 2, 3))


def _picture_by_picture(gates: Tensor, masks: Tensor) -> Tensor:
    return torch.stack([gate_contrast(gates[n : n + 1], masks[n : n + 1]) for n in range(len(gates))]).mean(0)


def _people(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(5 + seed)
    y, x = torch.arange(128).view(-1, 1), torch.arange(64)
    masks = torch.stack([(abs(x - 30) < 5 + 4 * n) & (abs(y - 66) < 35 + 9 * n) for n in range(3)])
    return [(torch.rand(n, d, 16, 8, generator=generator), masks[:n]) for n, d in ((3, 8), (2, 4))]


def _blocks(seed: int = 0) -> list[tuple]:
    if not seed:
        return [(8, 1, False), (8, 3, False), (16, 1, True), (16, 4, True), (256, 9, False)]
    draw = random.Random(seed)
    counts = 1, draw.randrange(2, 12)
    return [(8 * draw.randrange(1, 40), blocks, lean) for blocks in counts for lean in (True, False)]


EXERCISES = {
    "update": Exercise(
        title="One update",
        reference=update,
        cases=_streams,
        wrong={
            "the streams are exchanged: the pose's h₂ makes the gate, the appearance's h₁ passes it.": (
                _gate_of_the_appearance
            ),
            "the old x₁ is missing: the block adds a correction to it.": _without_the_old,
            "h₂ is no gate yet: the sigmoid brings it between 0 and 1.": _without_sigmoid,
            "the pose stream was joined to the old x₁; the next gate has to know what was just written.": (
                _joined_too_early
            ),
            "joined the other way round: h₂ comes first, and the next block's weights rely on the order.": (
                _joined_the_other_way
            ),
            "the pose stream goes on with h₂ itself, not with the gate σ(h₂).": _gate_goes_on,
        },
    ),
    "attention_parameters": Exercise(
        title="Count before you build",
        reference=attention_parameters,
        cases=_blocks,
        wrong={
            "the norms are missing: a scale and a shift for every channel.": lambda w, b, lean: _count(
                w, b, lean, norm=0
            ),
            "the convolutions have no bias: a norm follows, which would subtract it again.": lambda w, b, lean: _count(
                w, b, lean, bias=1
            ),
            "from the second block on the pose stream enters 2d wide.": lambda w, b, lean: _count(w, b, lean, later=1),
            "in the first block the pose stream is z_p alone, d wide.": lambda w, b, lean: _count(w, b, lean, first=2),
            "with lean=True the pose stream has one 3 × 3 convolution, not two.": (
                lambda w, b, lean: _count(w, b, False)
            ),
        },
        atol=0,
    ),
    "gate_contrast": Exercise(
        title="How much more a gate opens on the person",
        reference=gate_contrast,
        cases=_people,
        wrong={
            "one pixel stands for a whole cell: average the mask over the 8 × 8 pixels of each cell.": (
                _one_pixel_a_cell
            ),
            "a cell with a single pixel of the person counts as person: take the share, the mean of the mask.": (
                _any_pixel
            ),
            "compared with the mean of all places: beside the person means weighted with 1 − share.": (
                _against_everything
            ),
            "divided by all cells: divide by the sum of the weights, or a small person has small gates.": _not_divided,
            "averaged picture by picture: all cells of all pictures count together.": _picture_by_picture,
        },
    ),
}
