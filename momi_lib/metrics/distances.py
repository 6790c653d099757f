"""How far apart two sets of pictures are, from features of both: the numbers of FID and of KID.

Neither looks at a single pair: both compare what is usual in one set with what is usual in the other. A number says
something only beside another one made with the same feature network, the same reference and the same counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from momi_lib.arguments import check_tensor, check_values, seed_of, whole
from momi_lib.devices import in_float64


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """Fréchet distance of two sets of features, each taken for a Gaussian: |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½).

    In float64. With more pictures than dimensions the trace of the root comes from the eigenvalues of L₁ᵀΣ₂L₁, where
    Σ₁ = L₁L₁ᵀ (Cholesky); with fewer, or where Σ₁ is singular, from the singular values of the centred features'
    product, which is the same number without a root of a matrix.

    Args:
        first, second: (N, D) and (M, D), from 2 rows up.

    Returns:
        From 0 (alike) up. It is biased: fewer pictures look further apart.

    Source: Heusel et al. 2017 (FID, which takes Inception's features).

    >>> features = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    >>> round(frechet_distance(features, features + 1), 6)  # moved by (1, 1, 1, 1)
    4.0
    """
    first, second = _checked(first, second)
    means = first.mean(0), second.mean(0)
    centred = [(f - m) / (len(f) - 1) ** 0.5 for f, m in zip((first, second), means, strict=True)]
    traces = sum(c.square().sum() for c in centred)
    return max(0.0, float((means[0] - means[1]).square().sum() + traces - 2 * _root_trace(*centred)))


def _root_trace(first: Tensor, second: Tensor) -> Tensor:
    """tr (Σ₁Σ₂)^½ of Σ = XᵀX, from the centred and scaled features X."""
    if min(len(first), len(second)) > first.shape[1]:
        lower, failed = torch.linalg.cholesky_ex(first.T @ first)
        if not failed:
            projected = second @ lower
            return torch.linalg.eigvalsh(projected.T @ projected).clamp_min(0).sqrt().sum()
    return torch.linalg.svdvals(first @ second.T).sum()


#: The most subsets that are compared: more say nothing more.
SUBSETS = 1_000_000


@dataclass(frozen=True)
class MeanDiscrepancy:
    """The squared maximum mean discrepancy of two sets: mean over subsets and their standard deviation."""

    mean: float
    deviation: float
    subsets: int
    size: int


def polynomial_mmd(
    first: Tensor, second: Tensor, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> MeanDiscrepancy:
    """The number of KID: squared maximum mean discrepancy (MMD²) with the kernel (xᵀy / D + 1)³, unbiased.

    Args:
        first, second: (N, D) and (M, D), from 2 rows up.
        subsets: how many random subsets of each set are compared.
        size: pictures a subset, at most N and M.
        seed: of the subsets.

    Returns:
        May come out slightly below 0 for like sets, because it is not biased.

    Source: Bińkowski et al. 2018 (KID).

    >>> features = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    >>> abs(polynomial_mmd(features[:100], features[100:], subsets=10).mean) < 0.1
    True
    >>> polynomial_mmd(features[:100], features[100:] + 3, subsets=10).mean > 5
    True
    """
    first, second = _checked(first, second)
    subsets, size, seed = whole("subsets", subsets, 1, SUBSETS), whole("size", size, 2), seed_of("seed", seed)
    size = min(size, len(first), len(second))
    rng = torch.Generator().manual_seed(seed)

    def some(features: Tensor) -> Tensor:
        return features[torch.randperm(len(features), generator=rng)[:size].to(features.device)]

    values = torch.stack([_discrepancy(some(first), some(second)) for _ in range(subsets)])
    deviation = float(values.std()) if subsets > 1 else float("nan")
    return MeanDiscrepancy(float(values.mean()), deviation, subsets, size)


def _discrepancy(first: Tensor, second: Tensor) -> Tensor:
    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: Tensor) -> Tensor:
        same = kernel(a, a)
        return (same.sum() - same.diagonal().sum()) / (len(a) * (len(a) - 1))

    return within(first) + within(second) - 2 * kernel(first, second).mean()


def _checked(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    for name, features, rows in (("first", first, "N"), ("second", second, "M")):
        check_tensor(name, features, f"{rows} D", "features")
        check_values(name, features)
    if first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise ValueError(
            "first and second: expected features (N, D) and (M, D) of at least two pictures each, got "
            f"{tuple(first.shape)} and {tuple(second.shape)}"
        )
    return in_float64(first), in_float64(second)
