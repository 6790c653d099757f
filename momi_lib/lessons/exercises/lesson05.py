"""Hidden cases of notebook 05: growing pictures, the picture that L1 likes best, and all of Eq. 4."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.lessons.exercise import Exercise
from momi_lib.losses import added


def transposed_size(n: int, kernel: int, stride: int, padding: int) -> int:
    """Output length of a transposed convolution."""
    return (n - 1) * stride - 2 * padding + kernel


def _size_of_convolution(n: int, kernel: int, stride: int, padding: int) -> int:
    return (n + 2 * padding - kernel) // stride + 1


def _size_without_padding(n: int, kernel: int, stride: int, padding: int) -> int:
    return (n - 1) * stride + kernel


def _size_padded_once(n: int, kernel: int, stride: int, padding: int) -> int:
    return (n - 1) * stride - padding + kernel


def _size_times_stride(n: int, kernel: int, stride: int, padding: int) -> int:
    return n * stride


def _size_of_n_steps(n: int, kernel: int, stride: int, padding: int) -> int:
    return n * stride - 2 * padding + kernel


def _lines() -> list[tuple]:
    return [(4, 3, 2, 1), (16, 4, 2, 1), (7, 5, 3, 2), (9, 2, 2, 0)]


def best_for_l1(answers: Tensor) -> Tensor:
    """The median of each pixel and channel."""
    return answers.median(0).values


def _best_mean(answers: Tensor) -> Tensor:
    return answers.mean(0)


def _best_of_the_answers(answers: Tensor) -> Tensor:
    costs = (answers[:, None] - answers[None]).abs().flatten(1).mean(1)
    return answers[costs.argmin()]


def _best_middle(answers: Tensor) -> Tensor:
    return (answers.amin(0) + answers.amax(0)) / 2


def _best_constant(answers: Tensor) -> Tensor:
    return answers.median().expand(answers.shape[1:])


def _answers() -> list[tuple]:
    generator = torch.Generator().manual_seed(5)
    return [(torch.rand(count, 3, 6, 4, generator=generator) * 2 - 1,) for count in (3, 5, 9)]


Phi = Callable[[Tensor], tuple[Tensor, Tensor]]


def _difference(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean()


def _reconstruction(source: Tensor, source_hat: Tensor, positive: Tensor, positive_hat: Tensor) -> Tensor:
    return _difference(source, source_hat) + _difference(positive, positive_hat)


def _of_features(phi: Phi, real: Tensor, fake: Tensor) -> Tensor:
    return added(_difference(a, b) for a, b in zip(phi(real), phi(fake), strict=True))


def translation_loss(
    source: Tensor, source_hat: Tensor, positive: Tensor, positive_hat: Tensor, phi: Phi, weight: float
) -> Tensor:
    """Eq. 4 with Eq. 3 in it, and our feature term of x⁺ beside the paper's of x."""
    features = _of_features(phi, source, source_hat) + _of_features(phi, positive, positive_hat)
    return _reconstruction(source, source_hat, positive, positive_hat) + weight * features


def _loss_without_pair(source, source_hat, positive, positive_hat, phi, weight):
    pixels = _reconstruction(source, source_hat, positive, positive_hat)
    return pixels + weight * _of_features(phi, source, source_hat)


def _loss_of_one_batch(source, source_hat, positive, positive_hat, phi, weight):
    real, fake = torch.cat([source, positive]), torch.cat([source_hat, positive_hat])
    return _reconstruction(source, source_hat, positive, positive_hat) + weight * _of_features(phi, real, fake)


def _loss_weighted_whole(source, source_hat, positive, positive_hat, phi, weight):
    return weight * translation_loss(source, source_hat, positive, positive_hat, phi, 1.0)


def _loss_unweighted(source, source_hat, positive, positive_hat, phi, weight):
    return translation_loss(source, source_hat, positive, positive_hat, phi, 1.0)


def _loss_without_pixels(source, source_hat, positive, positive_hat, phi, weight):
    pixels = _reconstruction(source, source_hat, positive, positive_hat)
    return translation_loss(source, source_hat, positive, positive_hat, phi, weight) - pixels


def _loss_squared(source, source_hat, positive, positive_hat, phi, weight):
    def pair(real: Tensor, fake: Tensor) -> Tensor:
        return added(functional.mse_loss(a, b) for a, b in zip(phi(real), phi(fake), strict=True))

    pixels = functional.mse_loss(source, source_hat) + functional.mse_loss(positive, positive_hat)
    return pixels + weight * (pair(source, source_hat) + pair(positive, positive_hat))


def _edges(pictures: Tensor) -> tuple[Tensor, Tensor]:
    second = functional.relu(pictures.diff(dim=-1))
    return second, functional.max_pool2d(second, 2)


def _cells(pictures: Tensor) -> tuple[Tensor, Tensor]:
    second = functional.avg_pool2d(pictures, 2).square()
    return second, second.mean((-2, -1))


def _batches() -> list[tuple]:
    generator = torch.Generator().manual_seed(4)

    def draw() -> list[Tensor]:
        return [torch.rand(2, 3, 8, 6, generator=generator) * 2 - 1 for _ in range(4)]

    return [(*draw(), _edges, 0.5), (*draw(), _cells, 2.0)]


EXERCISES = {
    "transposed_size": Exercise(
        title="How long it gets",
        reference=transposed_size,
        cases=_lines,
        wrong={
            "This is the formula of a convolution; a transposed one grows.": _size_of_convolution,
            "The padding is missing: it is cut off the output, at both ends.": _size_without_padding,
            "The padding is cut off at both ends, you subtract it once.": _size_padded_once,
            "n · stride is right only where kernel = stride + 2 · padding.": _size_times_stride,
            "Between n stamps there are n − 1 steps.": _size_of_n_steps,
        },
    ),
    "best_for_l1": Exercise(
        title="The picture that L1 likes best",
        reference=best_for_l1,
        cases=_answers,
        wrong={
            "The mean is what the squared error likes best.": _best_mean,
            "This is the best of the answers; each pixel may choose for itself.": _best_of_the_answers,
            "Half-way between the extremes is what the largest error likes best.": _best_middle,
            "You took one median over everything; take it over the answers (dim=0).": _best_constant,
        },
    ),
    "translation_loss": Exercise(
        title="All of Eq. 4",
        reference=translation_loss,
        cases=_batches,
        wrong={
            "The features of x⁺ and x̂⁺ are missing; only the paper's Eq. 4 goes without.": _loss_without_pair,
            "One mean over both pairs is half the sum of their two means.": _loss_of_one_batch,
            "λ weighs the features alone; you weigh Eq. 3 with it.": _loss_weighted_whole,
            "λ is missing in front of the features.": _loss_unweighted,
            "Eq. 3 is a part of Eq. 4; you return the features alone.": _loss_without_pixels,
            "The bars are absolute values; you squared.": _loss_squared,
        },
    ),
}
