"""What people do in the street: kinds of pose with their frequencies, and what the hands hold.

A pose is a dict: bone of the body model → rotation (3, 3) in rest axes (X the person's left, -Y front, Z up).

>>> pose = draw_pose("walk", np.random.default_rng(0))
>>> pose["lowerleg01.L"].shape
(3, 3)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.mannequins.body.arms import Pose, arm, axis_rotation, fingers, hanging, reaching
from tools.mannequins.body.gait import head, stance, stride, trunk

__all__ = ["KINDS", "POSES", "PoseKind", "draw_pose"]


@dataclass(frozen=True)
class PoseKind:
    """One kind of pose.

    Attributes:
        frequency: share of the pictures.
        legs: "walk", "run" or "stand".
        holds: what the hands hold (see things.py), or None.
        busy: arms that are not free to carry a bag: "" none, "side" the drawn side, "both".
    """

    frequency: float
    legs: str
    holds: str | None = None
    busy: str = ""


POSES: dict[str, PoseKind] = {
    "walk": PoseKind(0.500, "walk"),
    "walk_pocket": PoseKind(0.050, "walk", busy="side"),
    "walk_phone": PoseKind(0.055, "walk", "phone", "side"),
    "walk_call": PoseKind(0.030, "walk", "call", "side"),
    "walk_box": PoseKind(0.025, "walk", "box", "both"),
    "walk_umbrella": PoseKind(0.025, "walk", "umbrella", "side"),
    "walk_trolley": PoseKind(0.025, "walk", "trolley", "side"),
    "walk_bicycle": PoseKind(0.025, "walk", "bicycle", "both"),
    "walk_strap": PoseKind(0.020, "walk", busy="side"),
    "look_back": PoseKind(0.025, "walk"),
    "run": PoseKind(0.015, "run"),
    "stand": PoseKind(0.080, "stand"),
    "stand_pockets": PoseKind(0.030, "stand", busy="both"),
    "stand_phone": PoseKind(0.035, "stand", "phone", "side"),
    "stand_call": PoseKind(0.015, "stand", "call", "side"),
    "arms_crossed": PoseKind(0.015, "stand", busy="both"),
    "wave": PoseKind(0.015, "stand", busy="side"),
    "hips": PoseKind(0.015, "stand", busy="both"),
}
KINDS: tuple[str, ...] = tuple(POSES)


def draw_pose(kind: str, rng: np.random.Generator, side: str = "R") -> Pose:
    """One pose of a kind; `side` ("L" or "R") is the hand that holds, waves or hides.

    Raises KeyError for an unknown kind.
    """
    legs = POSES[kind].legs
    if legs == "stand":
        pose, swing = stance(rng), dict.fromkeys("LR", 0.0)
    else:
        pose, swing = stride(rng, running=legs == "run")
    for each in "LR":
        pose |= fingers(each, rng.uniform(0.15, 0.55))
        if legs == "run":
            pose |= _running_arm(each, rng, swing[each])
        else:
            forward = rng.uniform(-0.05, 0.12) if legs == "stand" else swing[each]
            pose |= hanging(each, rng, swing=forward, bend=0.45 * max(forward, 0))
    if kind in _GESTURES:
        pose |= _GESTURES[kind](side, rng)
    return pose


def _running_arm(side: str, rng: np.random.Generator, swing: float) -> Pose:
    upper = (0.18, np.sin(swing - 0.2), -np.cos(swing - 0.2))
    return arm(side, upper, rng.uniform(1.3, 1.7) + 0.2 * swing, (-0.35, 1, 0.2), (-1, 0, 0)) | fingers(side, 0.9)


def _reading(side: str, rng: np.random.Generator) -> Pose:
    """A phone held before the chest, the head bent to it."""
    place = (rng.uniform(0.0, 0.10), rng.uniform(0.24, 0.34), rng.uniform(0.28, 0.40))
    pose = reaching(side, place, (0.45, -0.3, -1), (-0.25, -1, 0.6), wrist=0.2) | fingers(side, 0.6)
    return pose | head(turn=_sign(side) * rng.uniform(0.0, 0.12), nod=rng.uniform(0.3, 0.6))


def _calling(side: str, rng: np.random.Generator) -> Pose:
    """A phone at the ear, that shoulder a little up."""
    place = (rng.uniform(0.11, 0.13), rng.uniform(0.08, 0.12), rng.uniform(0.62, 0.66))
    pose = reaching(side, place, (rng.uniform(0.4, 1.0), rng.uniform(0.4, 0.9), -1), (-1, -0.3, 0.1), wrist=0.25)
    pose |= {f"clavicle.{side}": axis_rotation("y", -_sign(side) * 0.12)} | fingers(side, 0.75)
    return pose | head(turn=rng.normal(0, 0.2), nod=rng.normal(0.06, 0.06), tilt=_sign(side) * rng.uniform(0.05, 0.2))


def _pocket(side: str, rng: np.random.Generator) -> Pose:
    place = (rng.uniform(0.19, 0.21), rng.uniform(0.05, 0.09), rng.uniform(-0.10, -0.05))
    return reaching(side, place, (0.8, rng.uniform(-1.0, -0.6), 0), (-1, -0.3, 0), wrist=-0.1) | fingers(side, 0.15)


def _pockets(side: str, rng: np.random.Generator) -> Pose:
    return _pocket("L", rng) | _pocket("R", rng)


def _box(side: str, rng: np.random.Generator) -> Pose:
    """Both forearms forwards and nearly level, palms up and inwards at a box."""
    place = (rng.uniform(0.15, 0.21), rng.uniform(0.30, 0.36), rng.uniform(0.06, 0.18))
    pose = trunk(lean=-0.06)
    for each in "LR":
        pose |= reaching(each, place, (0.35, -0.6, -1), (-1, 0, 0.8)) | fingers(each, 0.3)
    return pose


def _umbrella(side: str, rng: np.random.Generator) -> Pose:
    place = (rng.uniform(0.08, 0.16), rng.uniform(0.18, 0.26), rng.uniform(0.34, 0.44))
    return reaching(side, place, (0.35, -0.3, -1), (-1, -0.3, 0)) | fingers(side, 1.25, spread=0)


def _trolley(side: str, rng: np.random.Generator) -> Pose:
    upper = (rng.uniform(0.2, 0.3), rng.uniform(-0.45, -0.3), -1)
    return arm(side, upper, rng.uniform(0.1, 0.2), (-0.2, 1, 0), (-0.6, -1, 0)) | fingers(side, 1.25, spread=0)


def _bicycle(side: str, rng: np.random.Generator) -> Pose:
    """Both hands at the handlebar of a bicycle that is pushed along on `side`."""
    other = "R" if side == "L" else "L"
    pose = reaching(side, (0.56, 0.36, 0.12), (0.5, -0.6, -0.6), (0, 0.3, -1)) | fingers(side, 1.2, spread=0)
    pose |= reaching(other, (-0.14, 0.36, 0.12), (0.7, -0.3, -0.6), (0, 0.3, -1)) | fingers(other, 1.2, spread=0)
    return pose | trunk(turn=_sign(side) * 0.15, lean=0.1)


def _strap(side: str, rng: np.random.Generator) -> Pose:
    """A hand at the strap over its shoulder."""
    place = (rng.uniform(0.10, 0.14), rng.uniform(0.15, 0.17), rng.uniform(0.33, 0.42))
    return reaching(side, place, (0.6, -0.2, -1), (-0.3, -1, 0)) | fingers(side, 1.2, spread=0)


def _looking_back(side: str, rng: np.random.Generator) -> Pose:
    turn = _sign(side) * rng.uniform(0.9, 1.3)
    return head(turn=turn, nod=rng.normal(0.05, 0.06)) | trunk(turn=0.35 * turn, lean=0.04)


def _crossed(side: str, rng: np.random.Generator) -> Pose:
    """Forearms over each other before the chest; `side` lies on top."""
    other = "R" if side == "L" else "L"
    pose = reaching(side, (-0.10, 0.20, 0.25), (0.8, 0.35, -0.9), (0, -1, 0.2)) | fingers(side, 0.25)
    return pose | reaching(other, (-0.09, 0.14, 0.21), (0.8, 0.2, -0.9), (0, -1, 0)) | fingers(other, 0.4)


def _waving(side: str, rng: np.random.Generator) -> Pose:
    place = (rng.uniform(0.35, 0.5), rng.uniform(0.1, 0.25), rng.uniform(0.62, 0.85))
    pose = reaching(side, place, (1, -0.2, -0.7), (0, 1, 0)) | fingers(side, 0.1)
    return pose | {f"clavicle.{side}": axis_rotation("y", -_sign(side) * 0.15)}


def _on_hips(side: str, rng: np.random.Generator) -> Pose:
    pose = {}
    for each in "LR":
        place = (0.20, rng.uniform(-0.02, 0.04), rng.uniform(0.06, 0.10))
        pose |= reaching(each, place, (1, -0.35, 0), (-1, 0, -0.3), wrist=0.3)
    return pose | fingers("L", 0.6) | fingers("R", 0.6)


def _sign(side: str) -> int:
    return 1 if side == "L" else -1


_GESTURES = {
    "walk_pocket": _pocket,
    "walk_phone": _reading,
    "walk_call": _calling,
    "walk_box": _box,
    "walk_umbrella": _umbrella,
    "walk_trolley": _trolley,
    "walk_bicycle": _bicycle,
    "walk_strap": _strap,
    "look_back": _looking_back,
    "stand_pockets": _pockets,
    "stand_phone": _reading,
    "stand_call": _calling,
    "arms_crossed": _crossed,
    "wave": _waving,
    "hips": _on_hips,
}
