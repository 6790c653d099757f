"""Standard errors that know who is who: they agree with what other people would show."""

from __future__ import annotations

import math

import pytest
import torch

from momi_lib.metrics.uncertainty import paired_difference, standard_error

PEOPLE, EACH = 40, 8


def swaps(generator, *, of_source=1.0, of_target=1.0, own=1.0):
    """Scores of PEOPLE × EACH swaps whose sources, targets and selves each bring something; and who they are."""
    sources = torch.arange(PEOPLE).repeat_interleave(EACH)
    targets = (sources + torch.randint(1, PEOPLE, sources.shape, generator=generator)) % PEOPLE
    source, target = (torch.randn(PEOPLE, generator=generator) for _ in range(2))
    noise = torch.randn(len(sources), generator=generator)
    return of_source * source[sources] + of_target * target[targets] + own * noise, sources, targets


@pytest.mark.parametrize(("of_source", "of_target"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_it_is_how_far_means_of_other_people_scatter(of_source, of_target):
    generator = torch.Generator().manual_seed(0)
    means, errors = [], []
    for _ in range(300):
        values, *people = swaps(generator, of_source=of_source, of_target=of_target)
        means.append(values.mean())
        if len(errors) < 30:
            errors.append(standard_error(values, *people))
    scatter = float(torch.stack(means).std())
    assert sum(errors) / len(errors) == pytest.approx(scatter, rel=0.15)
    naive = float(values.std() / len(values) ** 0.5)
    assert naive < 0.75 * scatter


def test_of_independent_values_it_is_the_usual_one():
    values = torch.randn(500, generator=torch.Generator().manual_seed(1))
    assert standard_error(values) == pytest.approx(float(values.std() / 500**0.5), rel=0.06)


def test_what_cannot_be_judged_does_not_count():
    values, sources, targets = swaps(torch.Generator().manual_seed(2))
    gaps = torch.cat([values, values.new_tensor([float("nan")])])
    more = [torch.cat([people, people[:1]]) for people in (sources, targets)]
    assert standard_error(gaps, *more) == standard_error(values, sources, targets)


def test_of_one_person_nothing_can_be_said():
    values = torch.randn(9, generator=torch.Generator().manual_seed(3))
    assert standard_error(values, torch.full((9,), 4)) != standard_error(values, torch.full((9,), 4))
    assert standard_error(values[:1]) != standard_error(values[:1])
    with pytest.raises(ValueError, match="sources: expected a person for each of 9 values"):
        standard_error(values, torch.arange(8))


def test_a_paired_difference_is_free_of_what_both_answers_share():
    rng = torch.Generator().manual_seed(4)
    first, *people = swaps(rng)
    second = first + 0.1 + 0.01 * torch.randn(len(first), generator=rng)
    change = paired_difference(second, first, *people)
    assert change.mean == pytest.approx(0.1, abs=3 * change.error)
    assert change.error < 0.1 * standard_error(first, *people)
    with pytest.raises(ValueError, match="expected scores of the same swaps"):
        paired_difference(first, first[1:])


def without_each(values, groups):
    """Variance of a mean by the jackknife, group by group in a loop."""
    names = sorted(set(groups))
    left = [[v for v, g in zip(values, groups, strict=True) if g != name] for name in names]
    means = [sum(some) / len(some) for some in left]
    middle = sum(means) / len(means)
    return (len(names) - 1) / len(names) * sum((one - middle) ** 2 for one in means)


def test_the_two_ways_are_added_and_the_pairs_own_chance_taken_off_once():
    values = [0.1, 0.9, 0.4, 0.3, 0.8, 0.2, 0.6, 0.7]
    sources, targets = [0, 0, 0, 5, 5, 5, 9, 9], [1, 2, 3, 1, 2, 3, 1, 1]
    ways = [without_each(values, groups) for groups in (sources, targets, list(zip(sources, targets, strict=True)))]
    told = standard_error(torch.tensor(values), torch.tensor(sources), torch.tensor(targets))
    assert told == pytest.approx(max(ways[0] + ways[1] - ways[2], ways[0], ways[1]) ** 0.5, rel=1e-5)
    alone = standard_error(torch.tensor(values), torch.tensor(sources))
    assert alone == pytest.approx(ways[0] ** 0.5, rel=1e-5)


def test_the_sum_counts_where_it_is_the_largest_and_a_part_where_that_is():
    values, sources, targets = swaps(torch.Generator().manual_seed(6))
    lists = [part.tolist() for part in (values, sources, targets)]
    ways = [without_each(lists[0], groups) for groups in (lists[1], lists[2], list(zip(*lists[1:], strict=True)))]
    assert ways[0] + ways[1] - ways[2] > max(ways[:2])
    told = standard_error(values, sources, targets)
    assert told == pytest.approx((ways[0] + ways[1] - ways[2]) ** 0.5, rel=1e-4)
    four = torch.tensor([0.0, 1.0, 1.0, 0.0]), torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    ways = [without_each(four[0].tolist(), part.tolist()) for part in four[1:]]
    assert ways == [0, 0] and standard_error(*four) == 0  # nothing but the pairs' own chance


def test_two_values_are_enough_and_two_people():
    assert standard_error(torch.tensor([0.0, 1.0])) == pytest.approx(0.5)
    assert standard_error(torch.tensor([0.0, 1.0, 1.0]), torch.tensor([3, 4, 4])) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="targets: expected a person for each of 3 values"):
        standard_error(torch.zeros(3), torch.arange(3), torch.arange(2))


def test_one_source_says_nothing_and_one_target_nothing_more_than_the_sources():
    values, many = torch.tensor([0.1, 0.9, 0.4, 0.3]), torch.tensor([0, 0, 1, 2])
    one = torch.zeros(4, dtype=torch.int64)
    assert math.isnan(standard_error(values, one, many))
    assert standard_error(values, many, one) == standard_error(values, many) > 0


def test_of_no_swaps_nothing_can_be_said():
    none, nobody = torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    assert math.isnan(standard_error(none)) and math.isnan(standard_error(none, nobody, nobody))
    assert all(math.isnan(number) for number in paired_difference(none, none, nobody, nobody))
