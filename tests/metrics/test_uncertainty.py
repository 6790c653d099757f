"""Standard errors that know who is who: they agree with what other people would show."""

from __future__ import annotations

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
