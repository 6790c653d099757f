"""Inception Score: pictures are good if a classifier is sure of each, and of all together names many classes.

It looks at no real picture. People on a street are no class of ImageNet, so on Market-1501 the real pictures
score about 3.5 and not a hundred: the score says something only beside that of real pictures, by the same network.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor

from momi_lib.arguments import check_tensor, check_values, seed_of, whole
from momi_lib.devices import in_float64
from momi_lib.metrics.features import Features, Named, NetworkCard, check_features


@dataclass(frozen=True)
class InceptionScore(Named):
    """The score, how much it varies, and under which conditions it holds.

    Attributes:
        value: mean over the splits, from 1 to the number of classes; higher is better.
        deviation: standard deviation over the splits, divided by their number as the original does; 0 for one.
        splits: into how many parts the pictures were divided.
        seed: of the shuffling before, or None where the order was kept.
        count: number of pictures.
        network: that classified.
        pictures: in words, which.
        size: (H, W) of the pictures before they were resized.
        masks: in words, what hid the background, or None.

    >>> card = NetworkCard("inception-v3-torchvision", "0123456789abcdef", "299 x 299", "[-1, 1]")
    >>> print(InceptionScore(3.5, 0.02, 10, None, 12000, card, "swaps", (128, 64)))
    IS[inception-v3-torchvision] 3.500 ± 0.020 (10 splits of 12,000 pictures 128 x 64: swaps; weights 01234567; \
resize 299 x 299)
    """

    kind: ClassVar[str] = "IS"
    value: float
    deviation: float
    splits: int
    seed: int | None
    count: int
    network: NetworkCard
    pictures: str
    size: tuple[int, int]
    masks: str | None = None

    def __str__(self) -> str:
        shuffled = "" if self.seed is None else f", shuffled by seed {self.seed}"
        return (
            f"{self.name} {self.value:.3f} ± {self.deviation:.3f} ({self.splits} splits of {self.count:,} pictures "
            f"{self.size[0]} x {self.size[1]}{shuffled}: {self.pictures}{self._conditions()})"
        )


def inception_score(features: Features, *, splits: int = 10, seed: int | None = None) -> InceptionScore:
    """The Inception Score of pictures that a classifier has described.

    Args:
        features: with logits, by :meth:`~momi_lib.metrics.judges.JudgeNetwork.describe`. If their background was
            hidden (:func:`~momi_lib.metrics.masks.mask_pictures`), this is the mask-IS.
        splits: 10 in the literature. The score of few pictures is too low, and a split has few.
        seed: shuffle before splitting; None keeps the order, as the original does. Pictures sorted by person are
            worth shuffling: splits with few people each say less than they could.

    Raises:
        ValueError: for features without logits, or with fewer pictures than splits.

    Source: Salimans et al. 2016, Eq. of section 4. The original's network is another one, with 1,008 outputs whose
    bias is left out; the paper does not say which it took.
    """
    check_features("features", features)
    if features.logits is None:
        raise ValueError(
            f"features: {features.network.name} gives no logits: expected features of a network that classifies. "
            "Take evaluation_network('inception'), or fid and kid, which need none."
        )
    scores = split_scores(features.logits, splits=splits, seed=seed)
    return InceptionScore(
        value=float(scores.mean()),
        deviation=float(scores.std(correction=0)),
        splits=splits,
        seed=seed,
        count=len(features),
        network=features.network,
        pictures=features.pictures,
        size=features.size,
        masks=features.masks,
    )


def split_scores(logits: Tensor, *, splits: int = 10, seed: int | None = None) -> Tensor:
    """exp(mean over a split's pictures of KL(p(y|x) ‖ p(y))), where p(y) is the split's own mean; in float64.

    Args:
        logits: (N, C), finite.
        splits: split k holds the pictures from ⌊kN / splits⌋ to before ⌊(k + 1)N / splits⌋.
        seed: shuffle before splitting; None keeps the order.

    Returns:
        (splits,) float64, each from 1 to C.

    Raises:
        ValueError: for other shapes, numbers that are not finite, or fewer pictures than splits.

    >>> split_scores(100 * torch.eye(5).repeat(2, 1), splits=2)  # sure of each, and every class as often
    tensor([5.0000, 5.0000], dtype=torch.float64)
    """
    check_tensor("logits", logits, "N C", "logits")
    if whole("splits", splits) > len(logits):
        raise ValueError(f"splits: expected 1 to {len(logits)}, as many as there are pictures, got {splits!r}")
    seed = None if seed is None else seed_of("seed", seed)
    check_values("logits", logits)
    given = in_float64(logits).log_softmax(1)
    if seed is not None:
        order = torch.randperm(len(given), generator=torch.Generator().manual_seed(seed))
        given = given[order.to(given.device)]
    bounds = [k * len(given) // splits for k in range(splits + 1)]
    scores = []
    for start, stop in pairwise(bounds):
        some = given[start:stop]
        # As a sum of exponentials: a class that no picture has would be log 0.
        mean = some.logsumexp(0) - torch.tensor(stop - start, dtype=some.dtype).log()
        scores.append((some.exp() * (some - mean)).sum(1).mean().exp())
    return torch.stack(scores)
