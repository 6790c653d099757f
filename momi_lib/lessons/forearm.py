"""The poses of notebook 11 in which a forearm turns about its elbow."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from momi_lib.rivals.base import Landmarks
from momi_lib.skeleton import JOINTS

__all__ = ["turned_forearm"]


def turned_forearm(pose: Landmarks, degrees: Sequence[float]) -> Landmarks:
    """One pose with its left forearm turned about the elbow, away from the body and up, by each of several angles.

    Args:
        pose: landmarks (17, 2) in pixels (x, y), and which of them are valid (17,).
        degrees: the angles; 0 leaves the pose as it is.

    Returns:
        as many poses, (A, 17, 2) and (A, 17). The forearm keeps its length, so that the wrist may leave the picture.

    >>> places = torch.zeros(17, 2) + torch.tensor([30.0, 60.0])
    >>> places[7], places[9] = torch.tensor([40.0, 50.0]), torch.tensor([40.0, 60.0])  # left elbow and wrist
    >>> turned = turned_forearm(Landmarks(places, torch.ones(17, dtype=torch.bool)), [0, 90, 180])
    >>> turned.places[:, 9].round().tolist()
    [[40.0, 60.0], [50.0, 50.0], [40.0, 40.0]]
    """
    places, valid = pose
    elbow, wrist = (JOINTS.index(f"left_{name}") for name in ("elbow", "wrist"))
    arm, outwards = places[wrist] - places[elbow], (places[elbow, 0] - places[:, 0].mean()).sign()
    angles = torch.deg2rad(torch.as_tensor(degrees, dtype=torch.float32))
    c, s = angles.cos(), outwards * angles.sin()
    turned = places.repeat(len(angles), 1, 1)
    turned[:, wrist] = places[elbow] + torch.stack([c * arm[0] + s * arm[1], c * arm[1] - s * arm[0]], dim=1)
    return Landmarks(turned, valid.repeat(len(angles), 1))
