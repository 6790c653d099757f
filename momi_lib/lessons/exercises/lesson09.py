"""Hidden cases of notebook 09: the Inception Score, Gaussians without correlation, and infinitely many pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from momi_lib.lessons.exercise import Exercise


def inception_score(logits: Tensor) -> Tensor:
    """exp of the mean divergence of p(y|x) from p(y), from logits (N, C)."""
    given = logits.softmax(1)
    return (given * (given / given.mean(0)).log()).sum(1).mean().exp()


def over_the_pictures(logits: Tensor) -> Tensor:
    given = logits.softmax(0)
    return (given * (given / given.mean(0)).log()).sum(1).mean().exp()


def without_exp(logits: Tensor) -> Tensor:
    return inception_score(logits).log()


def exp_first(logits: Tensor) -> Tensor:
    given = logits.softmax(1)
    return (given * (given / given.mean(0)).log()).sum(1).exp().mean()


def wrong_way_round(logits: Tensor) -> Tensor:
    given = logits.softmax(1)
    marginal = given.mean(0)
    return (marginal * (marginal / given).log()).sum(1).mean().exp()


def logits_cases(seed: int = 0) -> list[tuple]:
    rng = torch.Generator().manual_seed(seed)
    return [(scale * torch.randn(count, 5, generator=rng),) for count, scale in ((3, 1), (8, 2), (20, 3))]


def diagonal_distance(
    first_mean: Tensor, first_variance: Tensor, second_mean: Tensor, second_variance: Tensor
) -> Tensor:
    """Fréchet distance of two Gaussians whose covariances are diagonal: one dimension's formula, added up."""
    means = (first_mean - second_mean).square().sum()
    return means + (first_variance.sqrt() - second_variance.sqrt()).square().sum()


def variances_for_deviations(m: Tensor, v: Tensor, n: Tensor, w: Tensor) -> Tensor:
    return (m - n).square().sum() + (v - w).square().sum()


def means_not_squared(m: Tensor, v: Tensor, n: Tensor, w: Tensor) -> Tensor:
    return (m - n).norm() + (v.sqrt() - w.sqrt()).square().sum()


def averaged(m: Tensor, v: Tensor, n: Tensor, w: Tensor) -> Tensor:
    return diagonal_distance(m, v, n, w) / len(m)


def gaussian_cases(seed: int = 0) -> list[tuple]:
    rng = torch.Generator().manual_seed(seed)
    cases = []
    for size in (2, 3, 6):
        means, variances = torch.randn(2, size, generator=rng), 3 * torch.rand(2, size, generator=rng) + 0.1
        cases.append((means[0], variances[0], means[1], variances[1]))
    return cases


def _line(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    return y.mean() - slope * x.mean(), slope


def endless(counts: Tensor, distances: Tensor) -> Tensor:
    """Where the straight line through the distances over 1 / N meets 1 / N = 0."""
    return _line(1 / counts, distances)[0]


def line_over_the_count(counts: Tensor, distances: Tensor) -> Tensor:
    return _line(counts, distances)[0]


def the_slope(counts: Tensor, distances: Tensor) -> Tensor:
    return _line(1 / counts, distances)[1]


def the_last(counts: Tensor, distances: Tensor) -> Tensor:
    return distances[counts.argmax()]


def curve_cases(seed: int = 0) -> list[tuple]:
    rng = torch.Generator().manual_seed(seed)
    counts = [torch.tensor([10.0, 20.0, 40.0]), torch.tensor([50.0, 400.0, 100.0, 200.0])]
    return [(n, limit + steep / n + 0.05 * torch.rand(len(n), generator=rng))
            for n in counts for limit, steep in ((0.5, 30.0), (3.0, 80.0))]  # fmt: skip


EXERCISES = {
    "inception_score": Exercise(
        title="Inception Score",
        reference=inception_score,
        cases=logits_cases,
        wrong={
            "Your softmax runs over the pictures; it must run over the classes, dimension 1.": over_the_pictures,
            "This is the mean divergence. The score is its exponential.": without_exp,
            "The mean comes before the exponential: exp(mean), not mean(exp).": exp_first,
            "KL(p ‖ q) weights by p. You weight by the marginal: the two have changed places.": wrong_way_round,
        },
    ),
    "diagonal_distance": Exercise(
        title="Gaussians without correlation",
        reference=diagonal_distance,
        cases=gaussian_cases,
        wrong={
            "You subtract variances. The formula subtracts deviations: take the roots first.": variances_for_deviations,
            "The distance of the means is squared, too.": means_not_squared,
            "The dimensions are added up; you divide by their number.": averaged,
        },
        atol=1e-4,
    ),
    "endless": Exercise(
        title="Infinitely many pictures",
        reference=endless,
        cases=curve_cases,
        wrong={
            "The distance is no straight line over N. Over 1 / N it is nearly one.": line_over_the_count,
            "This is the slope, the strength of the bias. Return where the line meets 1 / N = 0.": the_slope,
            "Even the distance with the most pictures is biased. Follow the line to 1 / N = 0.": the_last,
        },
        atol=1e-3,
    ),
}
