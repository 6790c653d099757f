"""APS, the appearance preserving score: is the person of the swap still the source's?

The mean affinity of each swap with the picture that it took the person from. A network that learned the very people
it judges (``paper``) is surer of them than one that did not (``heldout``), so the name of a score says which was
asked, and what the network says of real pictures, of one person and of two, stands beside it. **The score is fooled
by copying**: a "swap" that is its source picture, pose and all, has `APS.copy`, about the highest value there is.
Read it with a score of the pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from momi_lib.arguments import Sizes, check_bytes, check_has, text_of, told, whole
from momi_lib.data import People, TripletSampler, size_of
from momi_lib.devices import in_float64
from momi_lib.metrics.affinity import AffinityNetwork, Variant
from momi_lib.metrics.affinity import learned as whom
from momi_lib.metrics.features import Named, NetworkCard, distinct, rows
from momi_lib.metrics.uncertainty import standard_error

PEOPLE = "People, as momi_lib.data.load gives them"


@dataclass(frozen=True)
class RealAffinities:
    """What a network says of real pictures: the scale on which its APS is to be read.

    Attributes:
        same, different: mean affinity of two different pictures of one person, and of pictures of two.
        same_error, different_error: their standard errors, resampled by person.
        count: pairs of each kind.
        accuracy: share of all these pairs on the right side of 0.5.
        auc: how often a same-identity pair has more affinity than a different-identity one; 0.5 by chance.
        seed: which pairs.
        network, variant: who was asked.
        learned: whose identities it learned, see :func:`~momi_lib.metrics.affinity.learned`.
        pictures: in words, which people.
        size: (H, W) of the pictures before they were resized.

    >>> card = NetworkCard("mannequin-vgg", "0123456789abcdef", "none", "[-1, 1]")
    >>> RealAffinities(0.9, 0.1, 0, 0, 500, 0.9, 0.97, 0, card, "heldout", "held out", "people", (128, 64)).different
    0.1
    """

    same: float
    different: float
    same_error: float
    different_error: float
    count: int
    accuracy: float
    auc: float
    seed: int
    network: NetworkCard
    variant: Variant
    learned: str
    pictures: str
    size: tuple[int, int]


@dataclass(frozen=True)
class APS(Named):
    """The score and the conditions under which it holds.

    Attributes:
        value: mean affinity from 0 to 1; higher is better, up to what `real` has for one person.
        error: standard error of the mean, resampled by person where the persons are said, else as if the pictures were
            independent; NaN for one.
        count: number of pictures.
        variant: ``"heldout"`` or ``"paper"``: whom the network had learned.
        network: which, its weights, and what it does to pictures.
        pictures, reference: in words, which pictures, and what they were compared with.
        size: (H, W) of the pictures before they were resized.
        copy: what a copy of the source picture would have had.
        real: what the same network says of real pictures of the judged people.

    >>> card = NetworkCard("mannequin-vgg", "0123456789abcdef", "none", "[-1, 1]")
    >>> words = "as in the paper", "test people"
    >>> real = RealAffinities(0.9, 0.1, 0.01, 0.01, 500, 0.9, 0.97, 0, card, "paper", *words, (128, 64))
    >>> print(APS(0.8, 0.003, 12000, "paper", card, "swaps", "their sources", (128, 64), 0.99, real))
    APS[mannequin-vgg, as in the paper] 0.8000 ± 0.0030 (12,000 pictures 128 x 64: swaps; against their sources;
    500 real pairs each of one person 0.9000, of two 0.1000: test people, seed 0; a copy of the source 0.9900;
    weights 01234567; resize none)
    """

    kind: ClassVar[str] = "APS"
    masks = None  # no field: nothing is hidden from these networks
    value: float
    error: float
    count: int
    variant: Variant
    network: NetworkCard
    pictures: str
    reference: str
    size: tuple[int, int]
    copy: float
    real: RealAffinities

    @property
    def name(self) -> str:
        """``APS[backend, held out]``, ``APS[backend, as in the paper]`` or ``APS[backend, trained on DATA]``."""
        return f"{self.kind}[{self.network.backend}, {self.real.learned}]"

    @property
    def same(self) -> float:
        """Mean affinity of real pictures of one person."""
        return self.real.same

    @property
    def different(self) -> float:
        """Mean affinity of real pictures of two people."""
        return self.real.different

    def __str__(self) -> str:
        return (
            f"{self.name} {self.value:.4f} ± {self.error:.4f} ({self.count:,} pictures {self.size[0]} x "
            f"{self.size[1]}: {self.pictures}; against {self.reference}; {self.real.count:,} real pairs each of one "
            f"person {self.same:.4f}, of two {self.different:.4f}: {self.real.pictures}, seed {self.real.seed}; "
            f"a copy of the source {self.copy:.4f}{self._conditions()})"
        )


def real_pairs(people: People, pairs: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Real pairs, drawn with a generator of their own: the same for the same people and seed.

    Args:
        people: among whom; pictures of -1 (junk) and 0000 (distractors), who are nobody, are never drawn.
        pairs: how many of each kind; a pair may come more than once.
        seed: which.

    Returns:
        indices (pairs,) int64 on the CPU of a picture, of a different picture of its person, and of a picture of
        somebody else.

    Raises:
        ValueError: where fewer than two people have two pictures.
    """
    check_has("people", people, PEOPLE, "persons")
    pairs = whole("pairs", pairs)
    somebody = (people.persons.cpu() > 0).nonzero()[:, 0]
    drawn = TripletSampler(people.persons.cpu()[somebody], seed=seed).draw(pairs)
    first, same, different = (somebody[index] for index in drawn)
    return first, same, different


def real_affinities(
    network: AffinityNetwork,
    people: People,
    *,
    pairs: int = 6000,
    seed: int = 0,
    of: str | None = None,
    learned: str | None = None,
    batch: int | None = None,
) -> RealAffinities:
    """Same-identity and different-identity affinities of real pictures.

    Args:
        network: in evaluation mode.
        people: the people whose swaps are judged.
        pairs, seed: see `real_pairs`.
        of: in words, which people; None says how many of which split.
        learned: in words, whose identities the network learned, as :func:`~momi_lib.metrics.affinity.learned` says it
            of these people and their training split; None asks it of these people alone.
        batch: pictures at a time; None is what fits the device.

    Raises:
        ValueError: where fewer than two people have two pictures; for pairs below 1; in training mode.

    >>> from pathlib import Path
    >>> pictures, persons = torch.zeros(4, 3, 128, 64, dtype=torch.uint8), torch.tensor([7, 7, 9, 9])
    >>> people = People(Path("f"), "test", tuple("abcd"), pictures, persons, persons, None, None, None, "0")
    >>> real = real_affinities(AffinityNetwork("heldout").eval(), people, pairs=10)
    >>> real.auc, real.same == real.different, real.pictures  # all pictures are black
    (0.5, True, '2 people of the split test')
    """
    check_has("people", people, PEOPLE, "persons", "pictures", "identities", "split")
    _check_network(network)
    for name, words in (("of", of), ("learned", learned)):
        if words is not None:
            text_of(name, words)
    first, same, different = real_pairs(people, pairs, seed)
    features = network.describe(people.pictures, batch=batch)
    anchors = features[first]
    alike, unlike = (network.affinity(anchors, features[other]) for other in (same, different))
    ordered = unlike.sort().values
    below, up_to = (torch.searchsorted(ordered, alike, right=right) for right in (False, True))  # ties count half
    return RealAffinities(
        same=_mean(alike),
        different=_mean(unlike),
        same_error=standard_error(alike, people.persons[first]),
        different_error=standard_error(unlike, people.persons[first], people.persons[different]),
        count=pairs,
        accuracy=_mean(torch.cat([alike > 0.5, unlike <= 0.5])),
        auc=_mean(below + up_to) / (2 * pairs),
        seed=seed,
        network=network.card,
        variant=network.variant,
        learned=learned or whom(network, people),
        pictures=of or f"{int((people.identities > 0).sum())} people of the split {people.split}",
        size=size_of(people.pictures),
    )


def aps(
    network: AffinityNetwork,
    pictures: Tensor,
    sources: Tensor,
    real: RealAffinities,
    *,
    index: Tensor | None = None,
    persons: tuple[Tensor, Tensor] | None = None,
    of: str,
    reference: str = "their source pictures",
    batch: int | None = None,
) -> APS:
    """Appearance preserving score: the mean affinity of swaps with the pictures that they took the person from.

    A copy of the source scores as `APS.copy` says: about the highest value, for no work at all.

    Args:
        network: in evaluation mode.
        pictures: (M, 3, H, W) uint8, the swaps.
        sources: (M, 3, H, W) uint8, the source picture of each; or, with ``index``, all that there are.
        real: what `real_affinities` says of the judged people, by the same network in the same size.
        index: (M,) int64, which of ``sources`` each swap took; None is each its own, in this order.
        persons: (M,) each, who the person and who the pose of a swap was taken from: for the standard error.
        of: in words, which swaps.
        reference: in words, what they are compared with.
        batch: pictures at a time; None is what fits the device.

    Raises:
        ValueError: for other pictures, another number or size of sources, ``real`` of another network or size.

    Source: the paper's section on metrics.
    """
    _check_network(network)
    text_of("of", of)
    text_of("reference", reference)
    sizes: Sizes = {}
    check_bytes("pictures", pictures, sizes=sizes)
    check_bytes("sources", sources, "M 3 H W", sizes=sizes)
    if not isinstance(real, RealAffinities):
        raise TypeError(f"real: expected what real_affinities returns, got {told(real)}")
    if persons is not None and (not isinstance(persons, tuple | list) or len(persons) > 2):
        raise TypeError(f"persons: expected two tensors, of sources and targets, got {told(persons)}")
    if index is None:
        index = torch.arange(len(sources))
    elif not isinstance(index, Tensor):
        raise TypeError(f"index: expected which of the sources each swap took, (M,) int64, got {told(index)}")
    elif index.ndim != 1 or index.dtype != torch.int64 or not ((index >= 0) & (index < len(sources))).all():
        raise ValueError(
            f"index: expected which of the {len(sources)} sources each swap took, (M,) int64 from 0, got "
            f"{tuple(index.shape)} {index.dtype}, {index.flatten()[:5].tolist()} ..."
        )
    if pictures.shape != (len(index), *sources.shape[1:]):
        raise ValueError(
            f"sources: expected the source picture of each swap, {tuple(pictures.shape)}, got "
            f"{(len(index), *sources.shape[1:])}"
        )
    asked = (network.card, network.variant, size_of(pictures))
    if (real.network, real.variant, real.size) != asked:
        raise ValueError(
            "real: expected affinities of real pictures by the network and in the size of the swaps, "
            f"{asked[0].name}, {asked[1]}, {asked[2]}, got {real.network.name}, {real.variant}, {real.size}. Call "
            "real_affinities with this network."
        )
    needed, taken = index.cpu().unique(return_inverse=True)
    features = []
    for some, each in ((pictures, torch.arange(len(pictures))), (rows(sources, needed), taken)):
        first, place = distinct(some)
        described = network.describe(rows(some, first), batch=batch)
        features.append(described[place[each].to(described.device)])
    affinities = network.affinity(*features)
    return APS(
        value=_mean(affinities),
        error=standard_error(affinities, *persons or ()),
        count=len(affinities),
        variant=network.variant,
        network=network.card,
        pictures=of,
        reference=reference,
        size=asked[2],
        copy=network.copy_affinity,
        real=real,
    )


def _mean(values: Tensor) -> float:
    return float(in_float64(values).mean())


def _check_network(network: AffinityNetwork) -> None:
    if not isinstance(network, AffinityNetwork):
        raise TypeError(f"network: expected an AffinityNetwork, got {told(network)}")
