"""Is the person of the swap still the source's, and is the pose the target's? Two networks that know are asked."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib.data import Truth
from momi_lib.evaluate.pose import BODY, find_joints
from momi_lib.pose import Score, left_right_confusion, pck, person_heights
from momi_lib.skeleton import JOINTS


def rank1(descriptors: Tensor, gallery: Tensor, truth: Truth) -> Tensor:
    """Whether a re-identification network finds each swap's source person among the test people.

    The nearest descriptor (cosine) among all test pictures decides. The source picture itself is left out, or copying
    it would be perfect; the target picture as well, or a swap would be punished for keeping the target's street.

    Args:
        descriptors: (M, D) of the swaps, one for each of ``truth``'s, by
            :func:`~momi_lib.evaluate.descriptors.describe` with a network that was trained to tell *other* people
            apart.
        gallery: (N, D) of ``truth.people.pictures``, by the same network.
        truth: with the people among whom to look.

    Returns:
        (M,) bool.

    Raises:
        ValueError: for another number of descriptors.
    """
    _check(descriptors, truth)
    people = truth.people
    if len(gallery) != len(people):
        raise ValueError(f"gallery: expected one descriptor for each of {len(people)} pictures, got {len(gallery)}")
    likeness = functional.normalize(descriptors, dim=1) @ functional.normalize(gallery, dim=1).T
    rows = torch.arange(len(likeness))
    likeness[rows, truth.source] = likeness[rows, truth.target] = -2
    return people.persons[likeness.argmax(1)] == people.persons[truth.source]


@torch.inference_mode()
def pose_score(network: nn.Module, pictures: Tensor, truth: Truth, *, decoder: str = "quarter") -> dict[str, float]:
    """How well the joints that a pose network finds on the swaps are those of the true swaps.

    Args:
        network: pictures (N, 3, H, W) in [-1, 1] → heatmaps (N, 17, h, w): the teacher, or any detector.
        pictures: (M, 3, H, W) uint8, one for each of ``truth``'s swaps.
        decoder: ``"argmax"``, ``"quarter"`` or ``"dark"``.

    Returns:
        ``pck``: share of the visible body joints, shoulders to ankles, within a tenth of the person's height;
        ``confusion``: share found at the place of their mirror joint.
    """
    _check(pictures, truth)
    landmarks = find_joints(network, "a pose network", pictures, decoder=decoder).landmarks
    visible = truth.visibility == 2
    head = torch.ones(len(JOINTS), dtype=torch.bool)
    head[list(BODY)] = False
    visible = visible & ~head
    options = {"height": person_heights(truth.joints, truth.visibility, truth.masks), "threshold": 0.1}
    scores: dict[str, Score] = {
        "pck": pck(landmarks, truth.joints, visible, **options),
        "confusion": left_right_confusion(landmarks, truth.joints, visible, **options),
    }
    return {name: score.mean for name, score in scores.items()}


def _check(given: Tensor, truth: Truth) -> None:
    if len(given) != len(truth):
        raise ValueError(f"expected one picture or descriptor for each of {len(truth)} swaps, got {len(given)}")
