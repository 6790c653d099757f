"""Arms and hands from where they point: directions in the chest's frame → bone rotations in rest axes.

A bone's rotation R acts in rest axes below its parent's: turned(child) = turned(parent) · R. Directions are given as
(out, front, up): away from the body on that arm's side, towards the face, upwards.
"""

from __future__ import annotations

import numpy as np

__all__ = ["Pose", "arm", "axis_rotation", "fingers", "forearm_at_rest", "hanging", "reaching"]

# The reference body's left arm at rest, unit vectors (X left, -Y front, Z up): arms held off at 42°, forearms forward.
_UPPER = np.array([0.660, -0.020, -0.751])
_FOREARM = np.array([0.511, -0.695, -0.506])
_KNUCKLES = np.array([0.395, 0.816, -0.422])  # from the index finger's to the little finger's: fingers bend about it
_PALM = np.array([-0.72, 0.01, -0.65])  # out of the palm
_SHOULDER = np.array([0.186, 0.009, 0.482])  # (out, front, up) from the root, metres
_UPPER_LENGTH, _FOREARM_LENGTH = 0.286, 0.335  # shoulder to elbow, elbow to the middle of the palm, metres
_MOST_ROLL = 1.7  # radians a forearm turns about itself, either way
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


def arm(side: str, upper: tuple, flexion: float, towards: tuple, palm: tuple, *, wrist: float = 0.0) -> Pose:
    """Rotations of one arm's bones. Directions are (out, front, up), of any length.

    Args:
        side: "L" or "R".
        upper: along the upper arm.
        flexion: of the elbow, radians; 0 is straight.
        towards: to which side of the upper arm the forearm bends.
        palm: where the palm looks; the forearm turns as far as it can.
        wrist: bend of the hand towards its palm, radians.
    """
    along = _OUT_FRONT_UP @ np.asarray(upper, float)
    along /= np.linalg.norm(along)
    bend = _OUT_FRONT_UP @ np.asarray(towards, float)
    rest_hinge = np.cross(_UPPER, _FOREARM)
    shoulder = _frame(along, np.cross(along, bend)) @ _frame(_UPPER, rest_hinge).T
    rest_flexion = np.arccos(_UPPER @ _FOREARM / np.linalg.norm(_UPPER) / np.linalg.norm(_FOREARM))
    elbow = axis_rotation(rest_hinge, flexion - rest_flexion)
    roll = _roll((shoulder @ elbow).T @ _OUT_FRONT_UP @ np.asarray(palm, float))
    turns = {
        "upperarm01": shoulder,
        "lowerarm01": elbow,
        "lowerarm02": axis_rotation(_FOREARM, roll / 2),
        "wrist": axis_rotation(_FOREARM, roll / 2) @ axis_rotation(_KNUCKLES, wrist),
    }
    return {f"{bone}.{side}": _sided(turn, side) for bone, turn in turns.items()}


def _roll(wanted: np.ndarray) -> float:
    """By how much the forearm turns about itself until the palm looks towards `wanted` (3,), rest axes."""
    axis = _FOREARM / np.linalg.norm(_FOREARM)
    start, end = _PALM - axis * (axis @ _PALM), wanted - axis * (axis @ wanted)
    angle = np.arctan2(axis @ np.cross(start, end), start @ end)
    return float(np.clip(angle, -_MOST_ROLL, _MOST_ROLL))


def forearm_at_rest(side: str) -> np.ndarray:
    """(3,) of unit length, where the forearm of the reference body points.

    >>> bool(forearm_at_rest("R")[0] < 0 < forearm_at_rest("L")[0])
    True
    """
    along = _FOREARM / np.linalg.norm(_FOREARM)
    return along if side == "L" else _MIRROR @ along


def reaching(side: str, place: tuple, elbow: tuple, palm: tuple, *, wrist: float = 0.0) -> Pose:
    """An arm whose palm is at `place` (out, front, up; metres from the root of the reference body's upright trunk).

    `elbow` is the direction in which the elbow points. What is out of reach is reached for.
    """
    to_place = np.asarray(place, float) - _SHOULDER
    shortest, longest = abs(_UPPER_LENGTH - _FOREARM_LENGTH) + 0.04, _UPPER_LENGTH + _FOREARM_LENGTH - 0.005
    distance = float(np.clip(np.linalg.norm(to_place), shortest, longest))
    line = to_place / np.linalg.norm(to_place)
    aside = np.asarray(elbow, float) - line * (line @ np.asarray(elbow, float))
    aside /= np.linalg.norm(aside)
    cosine = (_UPPER_LENGTH**2 + distance**2 - _FOREARM_LENGTH**2) / (2 * _UPPER_LENGTH * distance)
    upper = cosine * line + np.sqrt(1 - cosine**2) * aside
    forearm = (line * distance - upper * _UPPER_LENGTH) / _FOREARM_LENGTH
    return arm(side, upper, float(np.arccos(np.clip(upper @ forearm, -1, 1))), forearm, palm, wrist=wrist)


def hanging(side: str, rng: np.random.Generator, *, swing: float = 0.0, bend: float = 0.0) -> Pose:
    """A relaxed arm: `swing` forwards (radians from the vertical), the elbow never quite straight, plus `bend`."""
    out = rng.uniform(0.10, 0.20)
    upper = (np.sin(out), np.sin(swing) * np.cos(out), -np.cos(swing) * np.cos(out))
    flexion = rng.uniform(0.16, 0.36) + bend
    palm = (-1, rng.uniform(-0.8, 0.2), 0)
    return arm(side, upper, flexion, (rng.uniform(-0.5, -0.15), 1, 0), palm, wrist=rng.uniform(0.0, 0.2))


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
