"""Distances of sets: closed forms, parity with torchmetrics, few pictures, refusals."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import pytest
import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from momi_lib.metrics.distances import MeanDiscrepancy, frechet_distance, polynomial_mmd


def noise(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def whitened(n: int, d: int, seed: int = 0) -> torch.Tensor:
    """Features whose mean is exactly 0 and whose covariance is exactly 1."""
    x = noise(n, d, seed)
    x = x - x.mean(0)
    return torch.linalg.qr(x)[0] * (n - 1) ** 0.5


def test_known_gaussians():
    x = whitened(300, 3)
    scale, move = torch.tensor([2.0, 3.0, 0.5]).double(), torch.tensor([1.0, -2.0, 0.0]).double()
    expected = float(move.square().sum() + (scale - 1).square().sum())  # diagonal covariances: per-axis formula
    assert frechet_distance(x, whitened(400, 3, 1) * scale + move) == pytest.approx(expected, rel=1e-9)


def test_both_ways_to_the_root_agree():
    x, y = noise(60, 8), noise(70, 8, 1) @ noise(8, 8, 2)
    padded = [torch.cat([f, torch.zeros(len(f), 92)], dim=1) for f in (x, y)]  # more dimensions than pictures
    assert frechet_distance(*padded) == pytest.approx(frechet_distance(x, y), rel=1e-9)


def test_singular_covariance_falls_back():
    x, y = noise(50, 4), noise(60, 4, 1)
    doubled = [torch.cat([f, f], dim=1) for f in (x, y)]  # Cholesky must fail, the distance is twice as large
    assert frechet_distance(*doubled) == pytest.approx(2 * frechet_distance(x, y), rel=1e-6)


@pytest.mark.parametrize("counts", [(80, 90), (20, 24)])
def test_it_is_the_trace_of_the_root(counts):
    x, y = noise(counts[0], 6), noise(counts[1], 6, 1) * 2 + 0.5
    a, b = torch.cov(x.T), torch.cov(y.T)
    roots = torch.linalg.eigvals(a @ b).real.clamp_min(0).sqrt().sum()
    expected = (x.mean(0) - y.mean(0)).square().sum() + a.trace() + b.trace() - 2 * roots
    assert frechet_distance(x, y) == pytest.approx(float(expected), rel=1e-9)


class Flat(nn.Module):
    """A feature network that hands the picture's numbers through."""

    num_features = 12

    def forward(self, pictures):
        return pictures.flatten(1)


def test_agrees_with_torchmetrics():
    x, y = noise(120, 12).float(), noise(150, 12, 1).float() * 1.5 + 0.3
    fid = FrechetInceptionDistance(feature=Flat(), normalize=True, input_img_size=(3, 2, 2)).set_dtype(torch.float64)
    kid = KernelInceptionDistance(feature=Flat(), normalize=True, subsets=3, subset_size=120)
    for real, features in ((True, x), (False, y)):
        fid.orig_dtype = torch.float64
        batch = features.view(-1, 3, 2, 2)
        fid.normalize = kid.normalize = False
        fid.update(batch, real=real)
        kid.update(batch, real=real)
    assert frechet_distance(x, y) == pytest.approx(float(fid.compute()), rel=1e-4)
    ours = polynomial_mmd(x, y, subsets=200, size=120)
    theirs = kid.compute()[0]  # other random subsets of y
    assert ours.mean == pytest.approx(float(theirs), abs=4 * ours.deviation)


def test_the_number_of_kid_by_hand():
    x, y = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    # (xᵀy/2 + 1)³: within x 1, within y 1, across 2³ and 1.
    assert polynomial_mmd(x, y, subsets=1, size=2).mean == pytest.approx(1 + 1 - 2 * (8 + 1 + 1 + 8) / 4)


def test_the_seed_decides():
    x, y = noise(60, 5), noise(60, 5, 1)
    assert polynomial_mmd(x, y, size=20, seed=1) == polynomial_mmd(x, y, size=20, seed=1)
    assert polynomial_mmd(x, y, size=20, seed=1) != polynomial_mmd(x, y, size=20, seed=2)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (torch.zeros(5, 3), torch.zeros(5, 4), "expected features"),
        (torch.zeros(1, 3), torch.zeros(5, 3), "at least two"),
        (torch.full((5, 3), torch.nan), torch.zeros(5, 3), "first: expected finite"),
    ],
)
def test_refusals(first, second, message):
    for distance in (frechet_distance, polynomial_mmd):
        with pytest.raises(ValueError, match=message):
            distance(first, second)


def test_like_sets_are_not_apart():
    for seed in range(20):  # rounding may go either way
        x = noise(40, 4, seed)
        assert 0 <= frechet_distance(x, x) < 1e-9
    assert 0 <= frechet_distance(x[:, :1], x[:, :1]) < 1e-9


def test_usual_subsets_are_a_hundred_of_a_thousand_by_seed_0():
    x, y = noise(30, 2), noise(30, 2, 1)
    usual = polynomial_mmd(x, y)
    assert (usual.subsets, usual.size) == (100, 30)
    assert polynomial_mmd(x, y, size=20) == polynomial_mmd(x, y, size=20, seed=0)
    assert [math.isnan(polynomial_mmd(x, y, size=20, subsets=n).deviation) for n in (1, 2)] == [True, False]
    assert polynomial_mmd(noise(1001, 1), noise(1002, 1), subsets=1).size == 1000
    for wrong, least in (({"subsets": 0}, 1), ({"size": 1}, 2)):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}: expected a whole number from {least} up"):
            polynomial_mmd(x, y, **wrong)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (torch.zeros(5), torch.zeros(5, 5), "expected features"),
        (torch.zeros(5, 5), torch.zeros(5, 5, 1), "expected features"),
        (torch.zeros(5, 3, 1), torch.zeros(5, 3), "expected features"),
        (torch.zeros(5, 3), torch.zeros(1, 3), "at least two"),
        (torch.zeros(5, 3), torch.full((5, 3), torch.inf), "second: expected finite"),
    ],
)
def test_either_set_is_checked(first, second, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(first, second)


def test_the_discrepancy_cannot_be_changed_afterwards():
    with pytest.raises(FrozenInstanceError):
        MeanDiscrepancy(0.0, 0.0, 1, 2).mean = 1.0


def test_at_most_a_million_subsets():
    features = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="^subsets: expected a whole number from 1 to 1000000, got 1000001$"):
        polynomial_mmd(features, features, subsets=1_000_001)


@pytest.mark.parametrize("seed", range(4))
def test_a_second_set_along_one_line_has_a_distance(seed):
    """Of its covariance all eigenvalues but one are zero, and rounding makes some of them negative."""
    first, line = noise(60, 8, seed), noise(60, 1, seed + 9) * noise(1, 8, seed + 5)
    means, variances = (first.mean(0) - line.mean(0)).square().sum(), first.var(0).sum() + line.var(0).sum()
    direction = line - line.mean(0)
    across = torch.linalg.svdvals((first - first.mean(0)) @ direction.T).sum() / 59
    assert frechet_distance(first, line) == pytest.approx(float(means + variances - 2 * across), rel=1e-6)
