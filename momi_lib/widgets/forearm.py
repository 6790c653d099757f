"""The poses of notebook 11 in which a forearm turns about its elbow."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from momi_lib.rivals.base import Landmarks
from momi_lib.skeleton import JOINTS
from momi_lib.widgets.skeleton_edit import move

__all__ = ["turned_forearm"]


def turned_forearm(pose: Landmarks, degrees: Sequence[float], size: tuple[int, int] = (128, 64)) -> Landmarks:
    """One pose with its left forearm turned about the elbow, away from the body and up, by each of several angles.

    Args:
        pose: landmarks (17, 2) in pixels (x, y), and which of them are valid (17,).
        degrees: the angles; 0 leaves the pose as it is.
        size: (H, W) of the picture. A wrist that would leave it stops at its border.

    Returns:
        as many poses, (A, 17, 2) and (A, 17); the forearm keeps its length within the picture.

    >>> places = torch.zeros(17, 2) + torch.tensor([30.0, 60.0])
    >>> places[7], places[9] = torch.tensor([40.0, 50.0]), torch.tensor([40.0, 60.0])  # left elbow and wrist
    >>> turned = turned_forearm(Landmarks(places, torch.ones(17, dtype=torch.bool)), [0, 90, 180])
    >>> turned.places[:, 9].round().tolist()
    [[40.0, 60.0], [50.0, 50.0], [40.0, 40.0]]
    """
    places, valid = pose
    elbow, wrist = (JOINTS.index(f"left_{name}") for name in ("elbow", "wrist"))
    arm, outwards = places[wrist] - places[elbow], (places[elbow, 0] - places[:, 0].mean()).sign()
    turned = []
    for angle in torch.deg2rad(torch.as_tensor(degrees, dtype=torch.float32)):
        c, s = angle.cos(), outwards * angle.sin()
        x, y = (places[elbow] + _turned(arm, c, s)).tolist()
        turned.append(move(places, valid, wrist, (x, y), keep_lengths=True, size=size))
    return Landmarks(*(torch.stack(parts) for parts in zip(*turned, strict=True)))


def _turned(arm: Tensor, c: Tensor, s: Tensor) -> Tensor:
    return torch.stack([c * arm[0] + s * arm[1], c * arm[1] - s * arm[0]])
