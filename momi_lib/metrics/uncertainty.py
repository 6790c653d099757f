"""How sure a mean over swaps is: by leaving people out, because swaps that share a person are not independent.

1,500 swaps of 100 people are not 1,500 answers to the question how well a *new* person would be swapped: each person is
the source of fifteen of them and the target of others. A standard error that takes them as independent says how well
these very people are known, and is a third of what another hundred people would show.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from momi_lib.arguments import check_tensor
from momi_lib.devices import in_float64

BY_PERSON = "resampled by person"  # what results say of their errors


def standard_error(values: Tensor, sources: Tensor | None = None, targets: Tensor | None = None) -> float:
    """The standard error of a mean over swaps, resampled two ways by person.

    The mean is taken again without each source, and without each target (the jackknife, which needs no random draws).
    How far these means scatter says what other people would have changed. What the two ways have in common, a pair's
    own chance, is counted twice by them and taken off once.

    Args:
        values: (M,) one for each swap; NaN, where a swap cannot be judged, does not count.
        sources, targets: (M,) who the person and who the pose was taken from, as any whole numbers. Without targets
            only sources are left out, for pictures or joints of one person; without either each value stands for
            itself.

    Returns:
        NaN where there is only one source or only one value.

    Raises:
        ValueError: for people of another number of swaps.

    Source: Cameron, Gelbach and Miller, "Robust inference with multiway clustering", Journal of Business & Economic
    Statistics 29(2), 2011, with the jackknife's variances.

    >>> values = torch.arange(40.0) % 4
    >>> alone = standard_error(values)
    >>> by_person = standard_error(values, torch.arange(40) % 4)  # four people, each of whom always scores the same
    >>> round(alone, 2), round(by_person, 2)
    (0.18, 0.65)
    """
    check_tensor("values", values, "M", "values", "any", empty=True)
    values = in_float64(values.detach()).cpu()
    owners = [torch.arange(len(values)) if sources is None else sources]
    owners += [] if targets is None else [targets]
    for name, owner in zip(("sources", "targets"), owners, strict=False):
        check_tensor(name, owner, "M", "people, as numbers,", "whole", empty=True)
        if tuple(owner.shape) != tuple(values.shape):
            raise ValueError(f"{name}: expected a person for each of {len(values)} values, got {tuple(owner.shape)}")
    known = torch.isfinite(values)
    values = values[known]
    ways = [owner.detach().cpu()[known].unique(return_inverse=True)[1] for owner in owners]
    if len(values) < 2 or int(ways[0].max()) == 0:
        return float("nan")
    variances = [_jackknife(values, way) for way in ways]
    if len(ways) == 1:
        return variances[0] ** 0.5
    pairs = torch.stack(ways, dim=1).unique(dim=0, return_inverse=True)[1]
    # Few people can make the sum smaller than one of its parts, which no true variance is.
    return max(sum(variances) - _jackknife(values, pairs), *variances) ** 0.5


class Difference(NamedTuple):
    """By how much one answer's mean is above another's on the same swaps, and the standard error of that."""

    mean: float
    error: float


def paired_difference(
    first: Tensor, second: Tensor, sources: Tensor | None = None, targets: Tensor | None = None
) -> Difference:
    """The mean of ``first - second``, swap by swap, with its standard error, resampled by person.

    Two answers to the same swaps fail at the same hard ones, and what they share leaves the difference: its error is
    smaller than those of the two means say.

    Args:
        first, second: (M,) scores of two answers, swap by swap.
        sources, targets: (M,) as in :func:`standard_error`.

    Raises:
        ValueError: for different numbers of swaps.

    >>> hard = torch.arange(40.0) % 7
    >>> paired_difference(hard + 1, hard)
    Difference(mean=1.0, error=0.0)
    """
    check_tensor("first", first, "M", "scores", "any", empty=True)
    check_tensor("second", second, "M", "scores", "any", empty=True)
    if first.shape != second.shape:
        raise ValueError(
            f"first and second: expected scores of the same swaps, got {tuple(first.shape)} and {tuple(second.shape)}"
        )
    change = in_float64(first) - in_float64(second)
    return Difference(float(change.nanmean()), standard_error(change, sources, targets))


def _jackknife(values: Tensor, groups: Tensor) -> float:
    """Variance of the mean of values (M,) by leaving out one group after the other; 0 of a single group."""
    count = int(groups.max()) + 1
    if count == 1:
        return 0.0
    sums = torch.zeros(count, dtype=torch.double).index_add_(0, groups, values)
    sizes = torch.bincount(groups, minlength=count)
    means = (values.sum() - sums) / (len(values) - sizes)
    return float((means - means.mean()).square().sum() * (count - 1) / count)
