"""Fréchet distance as a score: the number of :func:`~momi_lib.metrics.distances.frechet_distance` with its conditions.

What the field calls FID takes one certain Inception network. The name of a score made here carries the network that
was really asked, so that a distance by the offline network never passes for FID.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from momi_lib.metrics.distances import frechet_distance
from momi_lib.metrics.features import Features, Named, NetworkCard, check_features, same_conditions


@dataclass(frozen=True)
class FID(Named):
    """The distance and the conditions under which it holds.

    Attributes:
        value: from 0 up; lower is better. Biased by about 1 / count: compare scores of equal counts alone.
        count, reference_count: number of pictures and of real ones.
        network: whose features were compared.
        pictures, reference: in words, which.
        size: (H, W) of the pictures before they were resized.
        masks: in words, what hid the background, or None.

    >>> card = NetworkCard("mannequin-vgg", "0123456789abcdef", "none", "[-1, 1]")
    >>> print(FID(57.5, 12000, 1280, card, "swaps", "people", (128, 64)))
    FID[mannequin-vgg] 57.50 (12,000 pictures 128 x 64: swaps; against 1,280: people; weights 01234567; resize none)
    """

    kind: ClassVar[str] = "FID"
    value: float
    count: int
    reference_count: int
    network: NetworkCard
    pictures: str
    reference: str
    size: tuple[int, int]
    masks: str | None = None

    def __str__(self) -> str:
        return (
            f"{self.name} {self.value:.2f} ({self.count:,} pictures {self.size[0]} x {self.size[1]}: {self.pictures}; "
            f"against {self.reference_count:,}: {self.reference}{self._conditions()})"
        )


def fid(pictures: Features, reference: Features) -> FID:
    """Fréchet distance of pictures from real ones.

    Args:
        pictures: of the pictures to judge.
        reference: of real pictures, described by the same network, in the same size, both masked or neither.

    Raises:
        ValueError: for features that were not made alike, or of fewer than 2 pictures.

    Source: Heusel et al. 2017.

    >>> import torch
    >>> card = NetworkCard("mannequin-vgg", "0123456789abcdef", "none", "[-1, 1]")
    >>> values = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    >>> score = fid(Features(card, "moved", (128, 64), values + 1), Features(card, "real", (128, 64), values))
    >>> score.name, round(score.value, 4)
    ('FID[mannequin-vgg]', 4.0)
    """
    check_features("pictures", pictures)
    check_features("reference", reference)
    same_conditions(pictures, reference)
    return FID(
        value=frechet_distance(pictures.values, reference.values),
        count=len(pictures),
        reference_count=len(reference),
        network=pictures.network,
        pictures=pictures.pictures,
        reference=reference.pictures,
        size=pictures.size,
        masks=pictures.masks,
    )
