"""Hidden cases of notebook 05: growing pictures, the picture that L1 likes best, and Eq. 4 as printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def _lines(seed: int = 0) -> list[tuple]:
    n = 7 + seed % 50
    return [(4, 3, 2, 1), (16, 4, 2, 1), (n, 5, 3, 2), (n + 2, 2, 2, 0)]


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


def _answers(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(5 + seed)
    return [(torch.rand(count, 3, 6, 4, generator=generator) * 2 - 1,) for count in (3, 5, 9)]


Phi = Callable[[Tensor], tuple[Tensor, Tensor]]


def _difference(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean()


def _reconstruction(source: Tensor, source_hat: Tensor, positive: Tensor, positive_hat: Tensor) -> Tensor:
    return _difference(source, source_hat) + _difference(positive, positive_hat)


def _of_features(phi: Phi, real: Tensor, fake: Tensor, weights: Sequence[float]) -> Tensor:
    return added(w * _difference(a, b) for w, a, b in zip(weights, phi(real), phi(fake), strict=True))


def translation_loss(
    source: Tensor, source_hat: Tensor, positive: Tensor, positive_hat: Tensor, phi: Phi, weights: Sequence[float]
) -> Tensor:
    """Eq. 4 as the paper prints it: Eq. 3, and the features of x alone with a weight for each block."""
    pixels = _reconstruction(source, source_hat, positive, positive_hat)
    return pixels + _of_features(phi, source, source_hat, weights)


def _loss_of_both_pairs(source, source_hat, positive, positive_hat, phi, weights):
    loss = translation_loss(source, source_hat, positive, positive_hat, phi, weights)
    return loss + _of_features(phi, positive, positive_hat, weights)


def _loss_of_one_batch(source, source_hat, positive, positive_hat, phi, weights):
    real, fake = torch.cat([source, positive]), torch.cat([source_hat, positive_hat])
    return _reconstruction(source, source_hat, positive, positive_hat) + _of_features(phi, real, fake, weights)


def _loss_of_positive(source, source_hat, positive, positive_hat, phi, weights):
    pixels = _reconstruction(source, source_hat, positive, positive_hat)
    return pixels + _of_features(phi, positive, positive_hat, weights)


def _loss_unweighted(source, source_hat, positive, positive_hat, phi, weights):
    return translation_loss(source, source_hat, positive, positive_hat, phi, (1.0, 1.0))


def _loss_with_one_weight(source, source_hat, positive, positive_hat, phi, weights):
    return translation_loss(source, source_hat, positive, positive_hat, phi, (weights[0], weights[0]))


def _loss_with_weights_exchanged(source, source_hat, positive, positive_hat, phi, weights):
    return translation_loss(source, source_hat, positive, positive_hat, phi, (weights[1], weights[0]))


def _loss_without_pixels(source, source_hat, positive, positive_hat, phi, weights):
    return _of_features(phi, source, source_hat, weights)


def _loss_squared(source, source_hat, positive, positive_hat, phi, weights):
    pixels = functional.mse_loss(source, source_hat) + functional.mse_loss(positive, positive_hat)
    blocks = zip(weights, phi(source), phi(source_hat), strict=True)
    return pixels + added(w * functional.mse_loss(a, b) for w, a, b in blocks)


def _edges(pictures: Tensor) -> tuple[Tensor, Tensor]:
    second = functional.relu(pictures.diff(dim=-1))
    return second, functional.max_pool2d(second, 2)


def _cells(pictures: Tensor) -> tuple[Tensor, Tensor]:
    second = functional.avg_pool2d(pictures, 2).square()
    return second, second.mean((-2, -1))


def _batches(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(4 + seed)

    def draw() -> list[Tensor]:
        return [torch.rand(2, 3, 8, 6, generator=generator) * 2 - 1 for _ in range(4)]

    return [(*draw(), _edges, (0.5, 1.5)), (*draw(), _cells, (2.0, 0.25))]


EXERCISES = {
    "transposed_size": Exercise(
        title="How long it gets",
        reference=transposed_size,
        cases=_lines,
        wrong={
            "This is the formula of a convolution; a transposed one grows.": _size_of_convolution,
            "The padding is missing: it is cut off at both ends of the output.": _size_without_padding,
            "The padding is cut off at both ends; you subtract it once.": _size_padded_once,
            "n · stride is right only if kernel = stride + 2 · padding.": _size_times_stride,
            "Between n copies of the kernel there are n − 1 steps.": _size_of_n_steps,
        },
    ),
    "best_for_l1": Exercise(
        title="The picture that L1 likes best",
        reference=best_for_l1,
        cases=_answers,
        wrong={
            "The mean minimises the squared error, not the absolute error.": _best_mean,
            "This is the best of the answers; each pixel may choose for itself.": _best_of_the_answers,
            "The value half-way between the extremes minimises the largest error, not the mean error.": _best_middle,
            "You took one median over everything; take it over the answers (dim=0).": _best_constant,
        },
    ),
    "translation_loss": Exercise(
        title="Eq. 4 as the paper prints it",
        reference=translation_loss,
        cases=_batches,
        wrong={
            "The paper compares features of x and x̂ alone; those of x⁺ are the library's own.": _loss_of_both_pairs,
            "You compare features of x and x⁺ in one batch; the paper compares those of x alone.": _loss_of_one_batch,
            "The features of x⁺ and x̂⁺ are not in the paper's equation; those of x and x̂ are.": _loss_of_positive,
            "λ₂ and λ₅ are missing in front of the features.": _loss_unweighted,
            "You weigh both blocks with λ₂; each has a weight of its own.": _loss_with_one_weight,
            "λ₂ and λ₅ are exchanged: phi returns block 2 first.": _loss_with_weights_exchanged,
            "Eq. 3 is a part of Eq. 4; you return the features alone.": _loss_without_pixels,
            "The bars are absolute values; you squared.": _loss_squared,
        },
    ),
}
