"""The exercises of notebook 10: the error of a paired change, a sign test, and how many seeds a difference needs."""

from __future__ import annotations

import math
import random

import torch
from torch import Tensor

from momi_lib.lessons.exercise import Exercise


def paired_error(full: Tensor, variant: Tensor) -> Tensor:
    """Standard error of the mean change, from two scores (S,) of the same seeds in the same order."""
    change = variant - full
    return change.std() / len(change) ** 0.5


def as_if_strangers(full: Tensor, variant: Tensor) -> Tensor:
    return ((full.var() + variant.var()) / len(full)) ** 0.5


def spread_of_one(full: Tensor, variant: Tensor) -> Tensor:
    return (variant - full).std()


def all_of_them_known(full: Tensor, variant: Tensor) -> Tensor:
    return (variant - full).std(correction=0) / len(full) ** 0.5


def paired_cases(seed: int = 0) -> list[tuple]:
    rng = torch.Generator().manual_seed(seed)
    cases = []
    for seeds in (2, 3, 5):
        luck = torch.randn(seeds, generator=rng)
        cases.append((luck, 0.5 + luck + 0.3 * torch.randn(seeds, generator=rng)))
    return cases


def sign_test(changes: list[float], above: bool) -> float:
    """How probable so many changes on the claimed side, or more, are for a fair coin; changes of 0 do not count."""
    moved = [change for change in changes if change != 0]
    right = sum((change > 0) == above for change in moved)
    return sum(math.comb(len(moved), k) for k in range(right, len(moved) + 1)) / 2 ** len(moved)


def exactly_so_many(changes: list[float], above: bool) -> float:
    moved = [change for change in changes if change != 0]
    return math.comb(len(moved), sum((change > 0) == above for change in moved)) / 2 ** len(moved)


def ties_count(changes: list[float], above: bool) -> float:
    right = sum(change > 0 if above else change < 0 for change in changes)
    return sum(math.comb(len(changes), k) for k in range(right, len(changes) + 1)) / 2 ** len(changes)


def always_above(changes: list[float], above: bool) -> float:
    return sign_test(changes, True)


def both_ways(changes: list[float], above: bool) -> float:
    return min(1.0, 2 * sign_test(changes, above))


def sign_cases(seed: int = 0) -> list[tuple]:
    if not seed:
        return [
            ([0.2, 0.1], True),
            ([-0.2, 0.1, -0.4], False),
            ([0.3, 0.0, 0.2, -0.1, 0.5], True),
            ([0.3, 0.2, -0.1, 0.0], False),
            ([0.1] * 6, True),
        ]
    draw = random.Random(seed)
    sizes = [[draw.randrange(1, 9) / 10 for _ in range(count)] for count in (4, 5, 7)]
    changes = [[*ups[1:], -ups[0], 0.0] for ups in sizes]
    return [(change, above) for change in changes for above in (True, False)]


def seeds_needed(difference: float, deviation: float) -> int:
    """The fewest seeds for which 1.96 standard errors of a difference of two means are no more than the difference."""
    return math.ceil(2 * (1.96 * deviation / difference) ** 2)


def one_mean_only(difference: float, deviation: float) -> int:
    return math.ceil((1.96 * deviation / difference) ** 2)


def without_the_square(difference: float, deviation: float) -> int:
    return math.ceil(2 * 1.96 * deviation / difference)


def one_too_few(difference: float, deviation: float) -> int:
    return math.floor(2 * (1.96 * deviation / difference) ** 2)


def needed_cases(seed: int = 0) -> list[tuple]:
    if not seed:
        return [(0.02, 0.01), (1.0, 1.0), (0.5, 1.3), (3.0, 0.9), (0.01, 0.04)]
    draw = random.Random(seed)
    return [(draw.randrange(1, 40) / 10, draw.randrange(1, 40) / 10) for _ in range(6)]


EXERCISES = {
    "paired_error": Exercise(
        title="The error of a paired change",
        reference=paired_error,
        cases=paired_cases,
        wrong={
            "You add two variances, as if the runs had nothing to do with each other. Subtract seed by seed first; "
            "what a seed does to both falls out.": as_if_strangers,
            "That is the spread of one change. The mean of S changes is √S times as sure.": spread_of_one,
            "You divide by S. The mean was taken from the same few values, so S - 1 are left.": all_of_them_known,
        },
    ),
    "sign_test": Exercise(
        title="Sign test",
        reference=sign_test,
        cases=sign_cases,
        wrong={
            "That is the probability of exactly so many. Asked for is so many or more.": exactly_so_many,
            "A change of 0 lies on neither side: leave it out of the number of throws as well.": ties_count,
            "You look upward always. With above=False the claim is that the score falls.": always_above,
            "The paper names the side, so only that side counts: one tail, not two.": both_ways,
        },
    ),
    "seeds_needed": Exercise(
        title="How many seeds",
        reference=seeds_needed,
        cases=needed_cases,
        wrong={
            "Both means are uncertain: the variance of their difference is twice that of one.": one_mean_only,
            "The error falls with the root of the number of seeds, so the ratio must be squared.": without_the_square,
            "Rounded down, the interval is still a little too wide: round up.": one_too_few,
        },
    ),
}
