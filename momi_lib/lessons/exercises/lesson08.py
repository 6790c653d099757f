"""The exercises of notebook 8: what must be invented, every person in every pose, and a score inside a mask."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from momi_lib.lessons.exercise import Exercise


def to_invent(source: Tensor, target: Tensor) -> Tensor:
    """Joints that the target shows and the source does not, of each pair."""
    return ((target == 2) & (source != 2)).sum(1)


def hidden_counts_as_seen(source: Tensor, target: Tensor) -> Tensor:
    return ((target > 0) & (source == 0)).sum(1)


def either_way(source: Tensor, target: Tensor) -> Tensor:
    return ((target == 2) != (source == 2)).sum(1)


def exchanged(source: Tensor, target: Tensor) -> Tensor:
    return to_invent(target, source)


def visibility_cases(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(seed)
    return [tuple(torch.randint(0, 3, (2, count, 17), dtype=torch.uint8, generator=generator)) for count in (1, 5, 8)]


def grid_pairs(people: int, poses: int) -> tuple[Tensor, Tensor]:
    """Indices of a table's entries, row by row: a row is a person, a column a pose."""
    return torch.arange(people).repeat_interleave(poses), torch.arange(poses).repeat(people)


def columns_first(people: int, poses: int) -> tuple[Tensor, Tensor]:
    return torch.arange(people).repeat(poses), torch.arange(poses).repeat_interleave(people)


def diagonal_only(people: int, poses: int) -> tuple[Tensor, Tensor]:
    return torch.arange(people).repeat(poses), torch.arange(poses).repeat(people)


def score_inside(picture: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference on the mask, pictures counted from 0 to 1."""
    difference = (picture.float() - truth.float()).abs().mean(0) / 255
    return difference[mask].mean()


def wraps_around(picture: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    return ((picture - truth).float().mean(0) / 255)[mask].mean()


def whole_picture(picture: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    return ((picture.float() - truth.float()).abs().mean(0) / 255 * mask).mean()


def signs_cancel(picture: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    return ((picture.float() - truth.float()).mean(0) / 255)[mask].mean().abs()


def picture_cases(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(seed)
    cases = []
    for share in (0.2, 0.5, 0.9):
        pictures = torch.randint(0, 256, (2, 3, 12, 6), dtype=torch.uint8, generator=generator)
        cases.append((*pictures, torch.rand(12, 6, generator=generator) < share))
    return cases


def table_cases(seed: int = 0) -> list[tuple]:
    if not seed:
        return [(2, 3), (4, 4), (3, 1)]
    draw = random.Random(seed)
    return [(draw.randrange(2, 5), draw.randrange(5, 9)), (draw.randrange(5, 9), draw.randrange(2, 5)), (3, 1)]


EXERCISES = {
    "to_invent": Exercise(
        title="What must be invented",
        reference=to_invent,
        cases=visibility_cases,
        wrong={
            "A hidden joint (1) is in the picture and not to be seen: only 2 is visible.": hidden_counts_as_seen,
            "You also count the joints that the source shows and the target does not: those need not be "
            "drawn.": either_way,
            "The wrong way round: what the source does not show is missing, not what the target does not.": exchanged,
        },
        atol=0,
    ),
    "grid_pairs": Exercise(
        title="Every person in every pose",
        reference=grid_pairs,
        cases=table_cases,
        wrong={
            "You went down the columns: a row of the table is one person, so the person stays while the pose "
            "changes.": columns_first,
            "Both run at once, so a 4 × 4 table holds only its diagonal, four times. One of the two has to wait: "
            "repeat_interleave.": diagonal_only,
        },
        atol=0,
    ),
    "score_inside": Exercise(
        title="A score inside the mask",
        reference=score_inside,
        cases=picture_cases,
        wrong={
            "uint8 has no negative numbers: 5 − 250 is 11. Convert to float before you subtract.": wraps_around,
            "You divide by all pixels. A slim person would score better than a broad one: divide by the pixels of the "
            "mask.": whole_picture,
            "Too bright here and too dark there cancel: take the absolute value of each pixel before the "
            "mean.": signs_cancel,
        },
    ),
}
