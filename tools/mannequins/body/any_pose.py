"""Bodies in any pose: arms up, hands on hips, kicks, crouches, seats, reaches, turns, and limbs that were dragged.

The data set's people walk and stand (see poses.py). A hand that drags a joint in the explorer asks for poses that no
pedestrian takes, and the map from landmarks to a body has to know those, too.

>>> pose = any_pose(np.random.default_rng(0))
>>> pose["upperarm01.L"].shape
(3, 3)
"""

from __future__ import annotations

import numpy as np

from tools.mannequins.body.arms import Pose, arm, axis_rotation, forearm_at_rest, reaching
from tools.mannequins.body.gait import head, leg, trunk
from tools.mannequins.body.poses import KINDS, draw_pose
from tools.mannequins.body.template import template

__all__ = ["LIMBS", "any_pose", "dragged"]

ONE_LIMB = 0.45  # share of poses that are a pedestrian's but for one or two limbs, as a dragged joint makes them

#: Limbs whose end is dragged: name → the bone that turns.
LIMBS = {
    f"{kind} {side}": f"{bone}01.{side}" for kind, bone in (("arm", "lowerarm"), ("leg", "lowerleg")) for side in "LR"
}
_SHIN = np.array([0.0, 0.0, -1.0])


def any_pose(rng: np.random.Generator) -> Pose:
    """A pedestrian's pose in which one limb or two, or all of them, point anywhere they can."""
    pose = dict(draw_pose(str(rng.choice(KINDS)), rng, str(rng.choice(["L", "R"]))))
    if rng.random() < ONE_LIMB:
        for limb in rng.choice(["arm L", "arm R", "leg L", "leg R"], size=rng.integers(1, 3), replace=False):
            part, side = limb.split()
            pose |= _any_arm(side, rng) if part == "arm" else _any_leg(side, rng)
        return pose
    for side in "LR":
        if rng.random() < 0.8:
            pose |= _any_arm(side, rng)
    luck = rng.random()
    if luck < 0.15:
        pose |= _seated(rng)
    elif luck < 0.30:
        pose |= _crouching(rng)
    elif luck < 0.75:
        for side in "LR":
            if rng.random() < 0.65:
                pose |= _any_leg(side, rng)
    if rng.random() < 0.6:
        pose |= trunk(turn=rng.normal(0, 0.4), lean=rng.uniform(-0.25, 0.8), side=rng.normal(0, 0.18))
        pose |= head(turn=rng.normal(0, 0.4), nod=rng.normal(0.0, 0.25), tilt=rng.normal(0, 0.12))
    return pose


def dragged(pose: Pose, limb: str, angle: float, camera: np.ndarray, lift: float) -> Pose:
    """The pose with a forearm or a shin turned as a drag on the picture turns it: about its upper end, in the picture.

    It needs no joint that could do so. What the picture leaves open, how far the end comes towards the camera, is
    `lift`.

    Args:
        pose: of a person at yaw 0.
        limb: one of :data:`LIMBS`.
        angle: radians, as seen from the camera against the clock.
        camera: (3,) of unit length, from the person to the camera in the person's own frame.
        lift: radians that the limb points towards the camera at least.

    >>> camera = np.array([0.0, -1.0, 0.0])
    >>> turned = dragged({}, "leg L", np.pi / 2, camera, 0.0)["lowerleg01.L"] @ [0, 0, -1]
    >>> turned.round().astype(int).tolist()  # rightwards, as the left leg of somebody who faces us
    [1, 0, 0]
    """
    bone = LIMBS[limb]
    above = _turned(pose, bone)
    rest = _SHIN if limb.startswith("leg") else forearm_at_rest(limb[-1])
    turn = axis_rotation(camera, angle) @ above @ pose.get(bone, np.eye(3))
    along = turn @ rest
    towards = float(np.arcsin(np.clip(along @ camera, -1, 1)))
    if towards < lift and abs(towards) < 1.4:  # a limb that points at the camera has no direction in the picture
        turn = axis_rotation(np.cross(along, camera), max(lift, -towards) - towards) @ turn
    return dict(pose) | {bone: above.T @ turn}


def _turned(pose: Pose, bone: str) -> np.ndarray:
    """(3, 3) how the bone above this one is turned: its own rotation after all those it hangs on."""
    mould = template()
    turn, index = np.eye(3), mould.parents[mould.bone(bone)]
    while index >= 0:
        turn = pose.get(str(mould.bones[index]), np.eye(3)) @ turn
        index = mould.parents[index]
    return turn


def _direction(rng: np.random.Generator) -> np.ndarray:
    """(3,) of unit length, every direction alike."""
    vector = rng.standard_normal(3)
    return vector / np.linalg.norm(vector)


def _any_arm(side: str, rng: np.random.Generator) -> Pose:
    """An arm that points anywhere but through the body: (out, front, up)."""
    luck = rng.random()
    if luck < 0.12:  # a hand on the hip
        place = (0.20, rng.uniform(-0.02, 0.06), rng.uniform(0.05, 0.12))
        return reaching(side, place, (1, rng.uniform(-0.6, 0.1), 0), (-1, 0, -0.3), wrist=0.3)
    upper = _direction(rng)
    if luck < 0.24:  # straight up
        upper = np.array([0.25, 0.1, 1.0]) + 0.25 * _direction(rng)
    upper[0] = max(upper[0], -0.25)
    upper[1] = max(upper[1], -0.6)
    flexion = rng.uniform(0.05, 0.4) if rng.random() < 0.45 else rng.uniform(0.3, 2.3)
    towards, palm = tuple(_direction(rng)), tuple(_direction(rng))
    return arm(side, tuple(upper), flexion, towards, palm, wrist=rng.uniform(-0.2, 0.4))


def _any_leg(side: str, rng: np.random.Generator) -> Pose:
    """A leg that is lifted, kicked or set apart."""
    hip = rng.uniform(-0.6, 1.6)
    knee = rng.uniform(0.0, 0.3) if rng.random() < 0.4 else rng.uniform(0.2, 2.0)
    ankle, out = rng.uniform(-0.3, 0.3), rng.uniform(-0.1, 0.9)
    return leg(side, hip=hip, knee=knee, ankle=ankle, out=out, turn=rng.normal(0.1, 0.2))


def _seated(rng: np.random.Generator) -> Pose:
    hip, knee = rng.uniform(1.2, 1.7), rng.uniform(1.2, 1.8)
    legs = {}
    for side in "LR":
        bend = {"hip": hip + rng.normal(0, 0.08), "knee": knee + rng.normal(0, 0.12)}
        legs |= leg(side, **bend, ankle=rng.normal(0, 0.1), out=rng.uniform(0.0, 0.25), turn=rng.normal(0.05, 0.1))
    return legs


def _crouching(rng: np.random.Generator) -> Pose:
    deep = rng.uniform(0.4, 1.0)
    legs = {}
    for side in "LR":
        bend = {"hip": 1.9 * deep + rng.normal(0, 0.1), "knee": 2.2 * deep + rng.normal(0, 0.1)}
        legs |= leg(side, **bend, ankle=0.5 * deep, out=rng.uniform(0.0, 0.4), turn=rng.uniform(0.0, 0.4))
    return legs | trunk(lean=rng.uniform(0.1, 0.9) * deep)
