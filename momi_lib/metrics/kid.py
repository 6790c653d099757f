"""KID as a score: the number of :func:`~momi_lib.metrics.distances.polynomial_mmd` with its conditions.

It stands beside FID because it is not biased: few pictures make it uncertain, not larger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from momi_lib.metrics.distances import polynomial_mmd
from momi_lib.metrics.features import Features, Named, NetworkCard, check_features, same_conditions


@dataclass(frozen=True)
class KID(Named):
    """The distance, how much it varies, and the conditions under which it holds.

    Attributes:
        value: mean over random subsets; about 0 for like sets and then also below it; lower is better.
        deviation: standard deviation over the subsets; NaN for one.
        subsets, subset_size, seed: how many were drawn, how large, and which.
        count, reference_count: number of pictures and of real ones.
        network: whose features were compared.
        pictures, reference: in words, which.
        size: (H, W) of the pictures before they were resized.
        masks: in words, what hid the background, or None.

    >>> card = NetworkCard("mannequin-vgg", "0123456789abcdef", "none", "[-1, 1]")
    >>> KID(0.5, 0.1, 100, 1000, 0, 12000, 1280, card, "swaps", "test people", (128, 64)).name
    'KID[mannequin-vgg]'
    """

    kind: ClassVar[str] = "KID"
    value: float
    deviation: float
    subsets: int
    subset_size: int
    seed: int
    count: int
    reference_count: int
    network: NetworkCard
    pictures: str
    reference: str
    size: tuple[int, int]
    masks: str | None = None

    def __str__(self) -> str:
        return (
            f"{self.name} {self.value:.4g} ± {self.deviation:.2g} ({self.subsets} subsets of {self.subset_size:,}, "
            f"seed {self.seed}; {self.count:,} pictures {self.size[0]} x {self.size[1]}: {self.pictures}; against "
            f"{self.reference_count:,}: {self.reference}{self._conditions()})"
        )


def kid(pictures: Features, reference: Features, *, subsets: int = 100, size: int = 1000, seed: int = 0) -> KID:
    """KID of pictures: how far their features are from those of real ones.

    Args:
        pictures: of the pictures to judge.
        reference: of real pictures, described by the same network, in the same size, both masked or neither.
        subsets, size, seed: how many random subsets are compared, of how many pictures at most, and which.

    Raises:
        ValueError: for features that were not made alike, or of fewer than 2 pictures; for no subset.

    Source: Bińkowski et al. 2018.

    >>> import torch
    >>> card = NetworkCard("mannequin-vgg", "0123456789abcdef", "none", "[-1, 1]")
    >>> values = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    >>> score = kid(Features(card, "moved", (128, 64), values + 3), Features(card, "real", (128, 64), values))
    >>> score.subset_size, score.value > 5
    (50, True)
    """
    check_features("pictures", pictures)
    check_features("reference", reference)
    same_conditions(pictures, reference)
    discrepancy = polynomial_mmd(pictures.values, reference.values, subsets=subsets, size=size, seed=seed)
    return KID(
        value=discrepancy.mean,
        deviation=discrepancy.deviation,
        subsets=discrepancy.subsets,
        subset_size=discrepancy.size,
        seed=seed,
        count=len(pictures),
        reference_count=len(reference),
        network=pictures.network,
        pictures=pictures.pictures,
        reference=reference.pictures,
        size=pictures.size,
        masks=pictures.masks,
    )
