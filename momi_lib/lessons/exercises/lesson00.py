"""Notebook 00: three small exercises, to meet the checker."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from momi_lib.lessons.exercise import Exercise

__all__ = ["EXERCISES"]


def to_bytes(x: Tensor) -> Tensor:
    """[-1, 1] → the nearest of 0 … 255, and what lies outside to the nearer end."""
    return ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def _not_rounded(x: Tensor) -> Tensor:
    return ((x + 1) * 127.5).clamp(0, 255).to(torch.uint8)


def _wrapped(x: Tensor) -> Tensor:
    return ((x + 1) * 127.5).round().to(torch.int64).to(torch.uint8)


def _from_zero(x: Tensor) -> Tensor:
    return (x * 255).round().clamp(0, 255).to(torch.uint8)


def _still_floats(x: Tensor) -> Tensor:
    return (x + 1) * 127.5


def _numbers(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(seed)
    inside = 2 * torch.rand(3, 5, 4, generator=generator) - 1
    return [(inside,), (torch.tensor([-1.3, -1.0, 0.0, 0.3, 1.0, 1.2]),)]


def _columns(seed: int = 0) -> list[tuple]:
    if not seed:
        return [(0, 64), (63, 64), (20.25, 64), (5, 11)]
    draw = random.Random(seed)
    widths = [draw.randrange(8, 200) for _ in range(4)]
    return [(draw.randrange(4 * width) / 4, width) for width in widths]


def _sizes(seed: int = 0) -> list[tuple]:
    if not seed:
        return [(1, 128, 64), (32, 128, 64), (7, 6, 3)]
    draw = random.Random(seed)
    return [tuple(draw.randrange(2, 300) for _ in range(3)) for _ in range(3)]


EXERCISES = {
    "mirrored_x": Exercise(
        title="The column of a mirrored pixel",
        reference=lambda x, width: width - 1 - x,
        cases=_columns,
        wrong={
            "that is one pixel too far right. Pixel centres lie at integers, so the first column is 0 and the last "
            "is width - 1: try column 0 by hand.": lambda x, width: width - x,
            "x comes out as it went in. Which column does the first one become?": lambda x, width: x,
            "that mirrors about 0, so the person leaves the picture. Shift it back.": lambda x, width: -x,
        },
    ),
    "to_bytes": Exercise(
        title="From numbers back to bytes",
        reference=to_bytes,
        cases=_numbers,
        wrong={
            "the fraction was cut off instead of rounded: half of the values are too small by 1.": _not_rounded,
            "values outside of [-1, 1] came out at the other end, white as black: clamp before you change the type.": (
                _wrapped
            ),
            "that would be right for numbers in [0, 1]; here, -1 is black.": _from_zero,
            "these are still floats: the answer has the type torch.uint8.": _still_floats,
        },
        atol=0,
    ),
    "bytes_needed": Exercise(
        title="The memory of pictures as floats",
        reference=lambda count, height, width: count * 3 * height * width * 4,
        cases=_sizes,
        wrong={
            "a pixel has three colours.": lambda count, height, width: count * height * width * 4,
            "that is one byte per number, as the pictures are stored; a 32-bit float has four.": (
                lambda count, height, width: count * 3 * height * width
            ),
            "those are bits: a byte has eight of them.": lambda count, height, width: count * 3 * height * width * 32,
        },
        atol=0,
    ),
}
