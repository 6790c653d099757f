"""Intervals and tests for a handful of seeds, against tables, by hand and by simulation."""

from __future__ import annotations

import math

import pytest
import torch

from momi_lib.study.statistics import Change, changes, holm, inside_t, reach, t_multiplier
from momi_lib.study.statistics import verdict as judge


@pytest.mark.parametrize(
    ("freedom", "level", "expected"),
    [(1, 0.95, 12.706), (2, 0.95, 4.303), (3, 0.99, 5.841), (7, 0.95, 2.365), (8, 0.9, 1.860), (30, 0.95, 2.042)],
)
def test_multipliers_are_those_of_the_tables(freedom: int, level: float, expected: float) -> None:
    assert t_multiplier(freedom, level) == pytest.approx(expected, abs=6e-4)
    assert inside_t(t_multiplier(freedom, level), freedom) == pytest.approx(level)


def test_an_interval_of_a_mean_by_hand() -> None:
    assert reach(torch.tensor([1.0, 2.0, 3.0])) == pytest.approx(4.303 / math.sqrt(3), abs=1e-3)
    assert reach(torch.tensor([1.0, 2.0, 3.0]), level=0.9) < reach(torch.tensor([1.0, 2.0, 3.0]))


def test_two_variants_are_the_paired_t_test() -> None:
    values = torch.tensor([[1.0, 2.0, 3.0], [4.0, 6.0, 5.0]])
    full, other = changes(values)
    assert (full.mean, full.p, full.clear) == (0.0, 1.0, False)
    assert other.mean == pytest.approx(3) and other.clear
    assert other.reach == pytest.approx(4.303 * 1 / math.sqrt(3), abs=1e-3)
    assert other.p == pytest.approx(1 - inside_t(3 * math.sqrt(3), 2))


def test_a_seed_that_lifts_all_alike_changes_nothing() -> None:
    rng = torch.Generator().manual_seed(0)
    values = torch.randn(4, 3, generator=rng, dtype=torch.float64)
    lifted = values + torch.tensor([0.0, 50.0, -7.0])
    assert [c.mean for c in changes(values)] == pytest.approx([c.mean for c in changes(lifted)])
    assert [c.p for c in changes(values)] == pytest.approx([c.p for c in changes(lifted)])


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", [1.0, 4.0])
def test_where_nothing_changed_one_in_twenty_is_found(seeds: int, spread: float) -> None:
    """Also where one variant scatters four times as far as the others: a spread common to all would find 27 %."""
    rng = torch.Generator().manual_seed(0)
    draws = torch.randn(1500, 4, seeds, generator=rng, dtype=torch.float64)
    draws += 3 * torch.randn(1500, 1, seeds, generator=rng, dtype=torch.float64)  # what a seed does to all alike
    draws[:, 1] += (spread**2 - 1) ** 0.5 * torch.randn(1500, seeds, generator=rng, dtype=torch.float64)
    found = torch.tensor([[change.clear for change in changes(values)[1:]] for values in draws]).double().mean(0)
    assert ((found > 0.03) & (found < 0.07)).all(), found
    below = torch.tensor([[change.p < 0.05 for change in changes(values)[1:]] for values in draws[:200]])
    assert below.tolist() == [[change.clear for change in changes(values)[1:]] for values in draws[:200]]


@pytest.mark.parametrize("spread", [1.0, 4.0])
def test_holm_finds_something_in_at_most_one_study_of_nothing_in_twenty(spread: float) -> None:
    rng = torch.Generator().manual_seed(1)
    draws = torch.randn(1500, 8, 3, generator=rng, dtype=torch.float64)
    draws[:, 1] *= spread
    found = [any(holm([change.p for change in changes(values)[1:]])) for values in draws]
    assert sum(found) / len(found) < 0.07


def test_holm_stops_at_the_first_that_fails() -> None:
    assert holm([0.001, 0.03, 0.9, 0.024]) == [True, False, False, False]
    assert holm([0.012, 0.016, 0.02, 0.04]) == [True, True, True, True]
    assert holm([]) == []


def test_verdicts_tell_side_and_spread_apart() -> None:
    up, slightly = Change(2.0, 1.0, 0.01), Change(0.5, 1.0, 0.4)
    assert judge(up, True) == "it came out so" and judge(up, False) == "the opposite came out"
    assert "within the spread" in judge(slightly, True) and "other way" in judge(slightly, False)
    assert judge(Change(0.0, 1.0, 1.0), True) == "nothing changed"


@pytest.mark.parametrize("values", [torch.ones(3, 1), torch.ones(3), torch.ones(1, 2)])
def test_too_few_are_refused(values: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="expected \\(variants, seeds\\), at least 2 variants and 2 seeds"):
        changes(values)


def test_a_missing_score_is_refused() -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        changes(torch.tensor([[1.0, 2.0], [3.0, float("nan")]]))
    with pytest.raises(ValueError, match="freedom: expected a whole number"):
        inside_t(1.0, 0)
