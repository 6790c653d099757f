"""The truth score: a swap beside the rendered answer, on the person's pixels alone.

Only a data set whose people can be drawn again in any pose has such answers; the mannequins do. The background is
left out, because a target's background is not in its pose and nobody could know it. Scores that look at more than one
pixel at a time see the answer's person before the truth's background, so that no background reaches them over the
silhouette.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.arguments import Sizes, check_bytes, check_has, check_tensor
from momi_lib.data import Truth
from momi_lib.devices import at_a_time
from momi_lib.metrics.uncertainty import standard_error

#: What is expected as true swaps.
TRUTH = "a Truth, as momi_lib.data.load_truth gives it"


def _check(pictures: Tensor, truth: Tensor, masks: Tensor) -> None:
    sizes: Sizes = {}
    check_bytes("pictures", pictures, sizes=sizes, empty=True)
    check_bytes("truth", truth, sizes=sizes, empty=True)
    check_tensor("masks", masks, "N H W", "masks", "bool", sizes=sizes, empty=True)


def masked_l1(pictures: Tensor, truth: Tensor, masks: Tensor) -> Tensor:
    """Mean absolute difference on the masked pixels, per picture, pictures counted from 0 to 1.

    Args:
        pictures, truth: (N, 3, H, W) uint8.
        masks: (N, H, W) bool; a picture with an empty mask scores NaN.

    Returns:
        (N,) float32 in [0, 1]; 0 is best.

    >>> zero, white = torch.zeros(1, 3, 16, 16, dtype=torch.uint8), torch.full((1, 3, 16, 16), 255).byte()
    >>> masked_l1(white, zero, torch.ones(1, 16, 16, dtype=torch.bool))
    tensor([1.])
    """
    _check(pictures, truth, masks)
    return _few_at_a_time(lambda x, y, _: (x - y).abs(), pictures, truth, masks)


def masked_ssim(pictures: Tensor, truth: Tensor, masks: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004) of the person, averaged over the masked pixels, per picture.

    First the answer's person is pasted before the truth's background: the answer where the mask is, the truth
    elsewhere. The window is wider than many an arm, and at the silhouette it would compare backgrounds otherwise. What
    the answer shows outside the mask therefore counts nothing, and an answer that differs from the truth nowhere
    inside scores 1. The map comes from torchmetrics: Gaussian window σ = 1.5, 11 × 11, k₁ = 0.01, k₂ = 0.03, range 1,
    mean over channels.

    Args:
        pictures, truth: (N, 3, H, W) uint8.
        masks: (N, H, W) bool; a picture with an empty mask scores NaN.

    Returns:
        (N,) float32, at most 1, which is best.

    >>> noise = (torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 255).byte()
    >>> masked_ssim(noise, noise, torch.ones(1, 32, 32, dtype=torch.bool))
    tensor([1.])
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    _check(pictures, truth, masks)

    def similarity(x: Tensor, y: Tensor, mask: Tensor) -> Tensor:
        x = torch.where(mask[:, None], x, y)
        found = structural_similarity_index_measure(x, y, data_range=1.0, reduction="none", return_full_image=True)[1]
        # 1 by definition where the window sees no difference: rounding would miss it by 0.0001 where colours are flat.
        return found.masked_fill(functional.max_pool2d((x != y).float(), 11, stride=1, padding=5) == 0, 1.0)

    return _few_at_a_time(similarity, pictures, truth, masks)


def sharpness(pictures: Tensor, truth: Tensor, masks: Tensor) -> float:
    """How much the person's colours change from pixel to pixel, as a share of what they do in the truth.

    Squared differences of horizontal and of vertical neighbours that are both masked, added up over channels, places
    and all pictures; the answers' sum divided by the truth's. The truth has 1, a blurred picture less. It does not ask
    where the changes are: noise and wrong folds count as much as right ones, and make it rise above 1.

    Args:
        pictures, truth: (N, 3, H, W) uint8.
        masks: (N, H, W) bool.

    Returns:
        from 0 up; NaN where the truth does not change at all.

    >>> generator = torch.Generator().manual_seed(0)
    >>> noise = torch.randint(256, (1, 3, 16, 16), generator=generator, dtype=torch.uint8)
    >>> mask = torch.ones(1, 16, 16, dtype=torch.bool)
    >>> sharpness(noise, noise, mask), sharpness(noise // 2, noise, mask) < 0.3
    (1.0, True)
    """
    _check(pictures, truth, masks)
    few, energies = at_a_time(pictures.device), [0, 0]  # of answers and of the truth, in whole numbers: exact
    for *both, mask in zip(*(tensor.split(few) for tensor in (pictures, truth, masks)), strict=True):
        for which, some in enumerate(both):
            for axis in (-1, -2):
                inside = mask.narrow(axis, 1, mask.shape[axis] - 1) & mask.narrow(axis, 0, mask.shape[axis] - 1)
                change = some.int().diff(dim=axis).square() * inside[:, None]
                energies[which] += int(change.sum())
    return energies[0] / energies[1] if energies[1] else float("nan")


def _few_at_a_time(
    compare: Callable[[Tensor, Tensor, Tensor], Tensor], pictures: Tensor, truth: Tensor, masks: Tensor
) -> Tensor:
    """(N,): the mean over masked pixels and channels of what ``compare`` says of pictures in [0, 1] and their masks.

    12,000 pictures as floats, several times over, would not fit in a laptop's memory.
    """
    if not len(pictures):
        return torch.zeros(0, device=masks.device)
    means: list[Tensor] = []
    few = at_a_time(pictures.device)
    for x, y, mask in zip(*(tensor.split(few) for tensor in (pictures, truth, masks)), strict=True):
        values = compare(x.float() / 255, y.float() / 255, mask).mean(1)
        means.append((values * mask).sum((1, 2)) / mask.sum((1, 2)))
    return torch.cat(means)


@dataclass(frozen=True)
class TruthScores:
    """Means over the swaps and their standard errors, resampled by person
    (:func:`~momi_lib.metrics.uncertainty.standard_error`).

    Attributes:
        l1, l1_error: masked L1 in [0, 1], lower is better.
        ssim, ssim_error: masked SSIM, the person pasted before the truth's background; higher is better.
        count: number of swaps that could be judged: those whose mask is not empty.
    """

    l1: float
    l1_error: float
    ssim: float
    ssim_error: float
    count: int


def score_truth(pictures: Tensor, truth: Truth) -> TruthScores:
    """Masked L1 and SSIM of ``pictures`` (M, 3, H, W) uint8 against ``truth.pictures``, row by row.

    >>> from types import SimpleNamespace
    >>> answer = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    >>> two, people = torch.tensor([0, 1]), SimpleNamespace(persons=torch.tensor([7, 9]))
    >>> masks = torch.ones(2, 16, 16, dtype=torch.bool)
    >>> truth = SimpleNamespace(pictures=answer, masks=masks, people=people, source=two, target=1 - two)
    >>> score_truth(answer, truth)
    TruthScores(l1=0.0, l1_error=0.0, ssim=1.0, ssim_error=0.0, count=2)
    """
    check_has("truth", truth, TRUTH, "pictures", "masks", "people", "source", "target")
    check_bytes("pictures", pictures)
    l1 = masked_l1(pictures, truth.pictures, truth.masks)
    ssim = masked_ssim(pictures, truth.pictures, truth.masks)

    persons = [truth.people.persons[index] for index in (truth.source, truth.target)]
    errors = (standard_error(values, *persons) for values in (l1, ssim))
    # A swap whose mask is empty cannot be judged.
    count = int(l1.isfinite().sum())
    return TruthScores(float(l1.nanmean()), next(errors), float(ssim.nanmean()), next(errors), count)
