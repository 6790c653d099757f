"""Is a difference larger than the spread between seeds? Intervals and tests for a handful of runs.

A study has values (V, S): V variants, each trained with the same S seeds. What all variants of one seed have in common
(initial weights, batches) moves them together, and cancels in a change against the full variant that is taken seed by
seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


def inside_t(t: float, freedom: int) -> float:
    """The probability that Student's t is between -t and t.

    Args:
        t: from 0 up.
        freedom: degrees of freedom, a whole number from 1 up.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.

    >>> round(inside_t(1.0, 1), 6), round(inside_t(2.365, 7), 3), round(inside_t(1.96, 10_000), 3)
    (0.5, 0.95, 0.95)
    """
    if freedom < 1 or freedom != int(freedom):
        raise ValueError(f"freedom: expected a whole number from 1 up, got {freedom}")
    if not t >= 0:
        raise ValueError(f"t: expected a number from 0 up, got {t}")
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
    for k in range(odd, freedom - 1, 2):
        total += term
        term *= math.cos(angle) ** 2 * (k + 1) / (k + 2)
    total *= math.sin(angle)
    return 2 / math.pi * (angle + total) if odd else total


def t_multiplier(freedom: int, level: float = 0.95) -> float:
    """How many standard errors a two-sided interval of ``level`` extends to either side.

    >>> [round(t_multiplier(freedom), 3) for freedom in (1, 2, 7)]
    [12.706, 4.303, 2.365]
    """
    if not 0 < level < 1:
        raise ValueError(f"level: expected a number between 0 and 1, got {level}")
    low, high = 0.0, 1.0
    while inside_t(high, freedom) < level:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if inside_t(middle, freedom) < level else (low, middle)
    return (low + high) / 2


def reach(values: Tensor, level: float = 0.95) -> float:
    """Half the width of the interval of a mean over seeds, only from the spread of these values.

    Args:
        values: (S,), S from 2 up.
        level: how often such an interval contains the true mean.

    >>> round(reach(torch.tensor([1.0, 3.0])), 3)
    12.706
    """
    values = _checked(torch.as_tensor(values)[None], variants=1)[0]
    return t_multiplier(len(values) - 1, level) * _error(values)


def _error(values: Tensor) -> float:
    return float(values.std() / len(values) ** 0.5)


@dataclass(frozen=True)
class Change:
    """The change of a variant against the full one.

    Attributes:
        mean: over the seeds.
        reach: half the width of its 95 % interval.
        p: probability of a change at least this large, in either direction, if only chance is at work.
        error: standard error of the mean.
    """

    mean: float
    reach: float
    p: float
    error: float = 0.0

    @property
    def clear(self) -> bool:
        """Whether the interval excludes 0."""
        return abs(self.mean) > self.reach


def verdict(change: Change, above: bool) -> str:
    """Compare a claim that a score rises (``above``) or falls with the observed change, in words.

    >>> verdict(Change(2.0, 0.5, 0.01), above=True), verdict(Change(0.2, 0.5, 0.4), above=False)
    ('it came out so', 'it came out the other way, within the spread of the seeds')
    """
    if change.mean == 0:
        return "nothing changed"
    if (change.mean > 0) == above:
        return "it came out so" if change.clear else "it came out so, within the spread of the seeds"
    return "the opposite came out" if change.clear else "it came out the other way, within the spread of the seeds"


def changes(values: Tensor, reference: int = 0) -> list[Change]:
    """Every variant against row ``reference``, seed by seed: the paired t interval of each variant's own changes.

    An effect of the seed on both cancels. Nothing is taken from other variants, because variants differ in how
    far their seeds scatter: a common spread would find changes of a variant that scatters four times as far in a
    quarter of all studies in which nothing changed. The interval assumes that changes are normally distributed.

    Args:
        values: (V, S), both from 2 up.
        reference: row of the full variant; its own change is 0 with p = 1.

    Source: Student, "The probable error of a mean", Biometrika 6(1), 1908.

    >>> some = changes(torch.tensor([[1.0, 2.0, 3.0], [5.0, 6.1, 6.9], [0.9, 2.3, 2.9]]))
    >>> [(round(change.mean, 2), change.clear) for change in some]
    [(0.0, False), (4.0, True), (0.03, False)]
    """
    values = _checked(values, variants=2)
    factor = t_multiplier(values.shape[1] - 1)
    found = []
    for own in values - values[reference]:
        mean, error = float(own.mean()), _error(own)
        found.append(Change(mean, factor * error, _p(mean, error, len(own) - 1), error))
    return found


def _p(mean: float, error: float, freedom: int) -> float:
    if error == 0:
        return 0.0 if mean else 1.0
    return 1 - inside_t(abs(mean) / error, freedom)


def holm(p: Sequence[float], level: float = 0.05) -> list[bool]:
    """Which of many tests are significant, with a probability of at most ``level`` that even one is so by chance.

    The smallest p is compared with level / m, the next with level / (m - 1), and so on to the first that fails.

    Source: Holm, A simple sequentially rejective multiple test procedure, 1979.

    >>> holm([0.01, 0.04, 0.02])
    [True, True, True]
    >>> holm([0.01, 0.04, 0.03])
    [True, False, False]
    """
    survive = [False] * len(p)
    for place, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[index] > level / (len(p) - place):
            break
        survive[index] = True
    return survive


def _checked(values: Tensor, variants: int) -> Tensor:
    values = torch.as_tensor(values, dtype=torch.float64)
    if values.ndim != 2 or values.shape[0] < variants or values.shape[1] < 2:
        raise ValueError(
            f"values: expected (variants, seeds), at least {variants} variant{'s' * (variants > 1)} and 2 seeds, "
            f"got {tuple(values.shape)}"
        )
    if not values.isfinite().all():
        raise ValueError("values: expected finite numbers; a run without this score has none to compare")
    return values
