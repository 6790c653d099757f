"""How well the student finds joints: PCK against the labels, beside its teacher."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from momi_lib.data import People
from momi_lib.evaluate.pose import find_joints
from momi_lib.pose import left_right_confusion, pck, person_heights


@torch.inference_mode()
def score_landmarks(
    network: nn.Module, people: People, *, decoder: str = "argmax", upsample: bool = False
) -> dict[str, Any]:
    """PCK@0.1 of the person's height over visible joints, and how often left and right are mixed up.

    Args:
        network: pictures (N, 3, H, W) in [-1, 1] → heatmaps (N, 17, h, w): a student or a teacher.
        people: with joints.
        decoder: ``"argmax"``, ``"quarter"`` or ``"dark"``.
        upsample: bring the heatmaps to the pictures' size first, as a network with ``decode_at="full"`` does.

    Returns:
        ``pck_height``, ``confusion_height`` and the number of visible joints.

    Raises:
        ValueError: for people without joints.
    """
    if people.joints is None or people.visibility is None:
        raise ValueError(f"{people.folder}: expected labelled people, got pictures without joints")
    landmarks = find_joints(network, "a pose network", people.pictures, decoder=decoder, upsample=upsample).landmarks
    visible = people.visibility == 2
    options = {"height": person_heights(people.joints, people.visibility, people.masks), "threshold": 0.1}
    return {
        "decoder": decoder,
        "visible_joints": int(visible.sum()),
        "pck_height": round(pck(landmarks, people.joints, visible, **options).mean, 4),
        "confusion_height": round(left_right_confusion(landmarks, people.joints, visible, **options).mean, 4),
    }
