"""Arms and hands from where they point: directions in the chest's frame → bone rotations in rest axes.

A bone's rotation R acts in rest axes below its parent's: turned(child) = turned(parent) · R. Directions are given as
(out, front, up): away from the body on that arm's side, towards the face, upwards.
"""

from __future__ import annotations

import numpy as np

__all__ = ["arm", "axis_rotation", "fingers", "hanging"]

# The reference body's left arm at rest, unit vectors (X left, -Y front, Z up): arms held off at 42°, forearms forward.
_UPPER = np.array([0.660, -0.020, -0.751])
_FOREARM = np.array([0.511, -0.695, -0.506])
_KNUCKLES = np.array([-0.395, -0.816, 0.422])  # from the little finger's to the index finger's
_MIRROR = np.diag([-1.0, 1.0, 1.0])
_OUT_FRONT_UP = np.diag([1.0, -1.0, 1.0])  # (out, front, up) → (X, Y, Z) of the left side

Pose = dict[str, np.ndarray]


def axis_rotation(axis: np.ndarray | str, angle: float) -> np.ndarray:
    """(3, 3) right-handed rotation by `angle` radians about "x", "y", "z" or an axis (3,).

    >>> axis_rotation("z", np.pi / 2).round(6) @ [1, 0, 0]
    array([0., 1., 0.])
    """
    if isinstance(axis, str):
        axis = np.eye(3)["xyz".index(axis)]
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _frame(along: np.ndarray, hinge: np.ndarray) -> np.ndarray:
    along, hinge = along / np.linalg.norm(along), hinge / np.linalg.norm(hinge)
    return np.stack([along, hinge, np.cross(along, hinge)], 1)


def arm(side: str, upper: tuple, flexion: float, towards: tuple, *, roll: float = 0.0, wrist: float = 0.0) -> Pose:
    """Rotations of one arm's bones.

    Args:
        side: "L" or "R".
        upper: (out, front, up) along the upper arm, any length.
        flexion: of the elbow, radians; 0 is straight.
        towards: (out, front, up) to which side of the upper arm the forearm bends.
        roll: of the forearm about itself, radians; positive turns the left thumb inwards.
        wrist: bend of the hand towards its palm, radians.
    """
    along = _OUT_FRONT_UP @ np.asarray(upper, float)
    along /= np.linalg.norm(along)
    bend = _OUT_FRONT_UP @ np.asarray(towards, float)
    rest_hinge = np.cross(_UPPER, _FOREARM)
    shoulder = _frame(along, np.cross(along, bend)) @ _frame(_UPPER, rest_hinge).T
    rest_flexion = np.arccos(_UPPER @ _FOREARM / np.linalg.norm(_UPPER) / np.linalg.norm(_FOREARM))
    turns = {
        "upperarm01": shoulder,
        "lowerarm01": axis_rotation(rest_hinge, flexion - rest_flexion),
        "lowerarm02": axis_rotation(_FOREARM, roll / 2),
        "wrist": axis_rotation(_FOREARM, roll / 2) @ axis_rotation(_KNUCKLES, wrist),
    }
    return {f"{bone}.{side}": _sided(turn, side) for bone, turn in turns.items()}


def hanging(side: str, rng: np.random.Generator, *, swing: float = 0.0, bend: float = 0.0) -> Pose:
    """A relaxed arm: `swing` forwards (radians from the vertical), the elbow never quite straight, plus `bend`."""
    out = rng.uniform(0.10, 0.20)
    upper = (np.sin(out), np.sin(swing) * np.cos(out), -np.cos(swing) * np.cos(out))
    flexion = rng.uniform(0.16, 0.36) + bend
    return arm(side, upper, flexion, (rng.uniform(-0.5, -0.15), 1, 0), roll=rng.uniform(-0.1, 0.35), wrist=0.08)


def fingers(side: str, curl: float, *, spread: float = 0.15) -> Pose:
    """All four fingers bent by about `curl` radians a joint, the little finger more than the index finger."""
    turns = {}
    for finger, more in zip((2, 3, 4, 5), (-spread, 0.0, 0.5 * spread, spread), strict=True):
        for joint, share in zip((1, 2, 3), (0.8, 1.2, 0.8), strict=True):
            turn = axis_rotation(_KNUCKLES, max(share * curl + more, 0.0))
            turns[f"finger{finger}-{joint}.{side}"] = _sided(turn, side)
    turns[f"finger1-2.{side}"] = _sided(axis_rotation(_KNUCKLES, 0.3 * curl), side)
    return turns


def _sided(turn: np.ndarray, side: str) -> np.ndarray:
    return turn if side == "L" else _MIRROR @ turn @ _MIRROR
