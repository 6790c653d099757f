"""Is the person of the swap still the source's? A network that tells people apart is asked: rank-1."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.arguments import Sizes, check_has, check_tensor, check_values
from momi_lib.data import Truth


def rank1(descriptors: Tensor, gallery: Tensor, truth: Truth) -> Tensor:
    """Whether a re-identification network finds each swap's source person among the test people.

    The nearest descriptor (cosine) among all test pictures decides. The source picture itself is left out, or copying
    it would be perfect; the target picture as well, or a swap would be punished for keeping the target's street.

    Args:
        descriptors: (M, D) of the swaps, one for each of ``truth``'s, by
            :func:`~momi_lib.metrics.perceptual.describe` with a network that was trained to tell *other* people
            apart.
        gallery: (N, D) of ``truth.people.pictures``, by the same network.
        truth: with the people among whom to look.

    Returns:
        (M,) bool.

    Raises:
        ValueError: for another number of descriptors.
    """
    check_has("truth", truth, "a Truth, as momi_lib.data.load_truth gives it", "people", "source", "target", "__len__")
    sizes: Sizes = {}
    for name, rows, each in (("descriptors", "M", descriptors), ("gallery", "N", gallery)):
        check_tensor(name, each, f"{rows} D", "descriptors", sizes=sizes)
        check_values(name, each)
    _check(descriptors, truth)
    people = truth.people
    if len(gallery) != len(people):
        raise ValueError(f"gallery: expected one descriptor for each of {len(people)} pictures, got {len(gallery)}")
    likeness = functional.normalize(descriptors.float(), dim=1) @ functional.normalize(gallery.float(), dim=1).T
    rows = torch.arange(len(likeness))
    likeness[rows, truth.source] = likeness[rows, truth.target] = -2
    return people.persons[likeness.argmax(1)] == people.persons[truth.source]


def _check(given: Tensor, truth: Truth) -> None:
    if len(given) != len(truth):
        raise ValueError(
            f"descriptors: expected one picture or descriptor for each of {len(truth)} swaps, got {len(given)}"
        )
