"""Legs, pelvis and trunk: a step of walking or running, and standing with the weight on one leg.

Joint angles over a stride follow the curves of gait laboratories (Winter, *Biomechanics and Motor Control of Human
Movement*): heel strike with a nearly straight knee, loading, push-off, swing with a bent knee.
"""

from __future__ import annotations

import numpy as np

from tools.mannequins.body.arms import Pose, axis_rotation

__all__ = ["head", "leg", "stance", "stride", "trunk"]

# Share of the stride, degrees; the stride begins with that leg's heel strike. Flexion and toes-up are positive.
_HIP = [(0, 28), (0.12, 22), (0.25, 10), (0.40, -4), (0.50, -11), (0.60, -6), (0.70, 10), (0.80, 24), (0.90, 30)]
_KNEE = [(0, 4), (0.07, 13), (0.14, 17), (0.25, 11), (0.40, 5), (0.50, 14), (0.60, 38), (0.70, 60), (0.75, 61)]
_KNEE += [(0.85, 38), (0.95, 6)]
_ANKLE = [(0, 2), (0.07, -6), (0.20, 3), (0.45, 10), (0.55, 0), (0.62, -18), (0.70, -10), (0.80, 0)]
_TOES = [(0, 5), (0.10, 0), (0.40, 0), (0.50, 18), (0.60, 28), (0.68, 0)]
_RUN_HIP = [(0, 32), (0.15, 15), (0.30, -10), (0.40, -14), (0.60, 20), (0.75, 48), (0.90, 42)]
_RUN_KNEE = [(0, 18), (0.12, 42), (0.30, 18), (0.40, 25), (0.60, 95), (0.70, 105), (0.85, 50), (0.95, 18)]
_RUN_ANKLE = [(0, 4), (0.15, 18), (0.35, -18), (0.42, -22), (0.60, -8), (0.85, 2)]

_ADDUCTION = 0.09  # radians that bring the reference body's parted legs to the vertical
_TURNS_OF_SPINE = ("spine05", "spine03", "spine02")


def _angle(curve: list[tuple[float, float]], phase: float) -> float:
    share, degrees = zip(*curve, strict=True)
    return float(np.radians(np.interp(phase % 1, share, degrees, period=1)))


def leg(side: str, *, hip: float, knee: float, ankle: float, toes: float = 0, out: float = 0, turn: float = 0) -> Pose:
    """One leg: flexions of hip and knee, toes-up of ankle and toes, leg held out sideways, foot turned out."""
    sign = 1 if side == "L" else -1
    thigh = axis_rotation("z", sign * turn) @ axis_rotation("x", -hip) @ axis_rotation("y", sign * (_ADDUCTION - out))
    pose = {
        f"upperleg01.{side}": thigh,
        f"lowerleg01.{side}": axis_rotation("x", knee),
        f"foot.{side}": axis_rotation("x", -ankle),
    }
    if toes:
        pose |= {f"toe{toe}-1.{side}": axis_rotation("x", -toes) for toe in range(1, 6)}
    return pose


def trunk(*, turn: float = 0, lean: float = 0, side: float = 0) -> Pose:
    """The spine turned to the person's left, bent forwards and to the left (radians in all), shared by its bones."""
    one = axis_rotation("z", turn / 3) @ axis_rotation("x", lean / 3) @ axis_rotation("y", side / 3)
    return dict.fromkeys(_TURNS_OF_SPINE, one)


def head(*, turn: float = 0, nod: float = 0, tilt: float = 0) -> Pose:
    """Head and neck turned to the person's left, nodded down, tilted to the left (radians in all)."""
    one = axis_rotation("z", turn / 3) @ axis_rotation("x", nod / 3) @ axis_rotation("y", tilt / 3)
    return dict.fromkeys(("neck01", "neck03", "head"), one)


def stride(rng: np.random.Generator, *, running: bool = False) -> tuple[Pose, dict[str, float]]:
    """Legs, pelvis and trunk at a random moment of a stride.

    Returns the pose and each arm's swing (radians, forwards positive): opposite to the leg of its side.
    """
    phase, vigour = rng.uniform(), rng.uniform(0.9, 1.15) if running else np.clip(rng.normal(0.95, 0.15), 0.6, 1.25)
    hip, knee, ankle = (_RUN_HIP, _RUN_KNEE, _RUN_ANKLE) if running else (_HIP, _KNEE, _ANKLE)
    toed_out, base = rng.uniform(-0.02, 0.16), rng.uniform(-0.03, 0.03)
    twist = np.radians(rng.uniform(3, 7)) * vigour * np.cos(2 * np.pi * phase)  # pelvis forward on the striking side
    sway = np.radians(rng.uniform(1, 4)) * np.sin(2 * np.pi * phase)  # the pelvis drops on the swinging side
    pose = {"root": axis_rotation("z", -twist) @ axis_rotation("y", -sway)}
    for side, at in (("L", phase), ("R", phase + 0.5)):
        sign = 1 if side == "L" else -1
        pose |= leg(
            side,
            hip=_angle(hip, at) * vigour + 0.02,
            knee=_angle(knee, at) * min(vigour, 1.1),
            ankle=_angle(ankle, at),
            toes=0 if running else _angle(_TOES, at) * vigour,
            out=base - sign * sway,
            turn=toed_out + sign * twist,
        )
    lean = rng.uniform(0.12, 0.25) if running else rng.uniform(0.0, 0.09)
    pose |= trunk(turn=twist * rng.uniform(1.6, 2.2), lean=lean, side=sway)
    pose |= head(turn=-twist * 0.8 + rng.normal(0, 0.12), nod=rng.normal(0.02, 0.08) - 0.6 * lean)
    reach = rng.uniform(0.12, 0.36) * vigour * (1.9 if running else 1)
    forward = rng.uniform(-0.10, 0.04)
    swing = {side: forward - reach * np.cos(2 * np.pi * at) for side, at in (("L", phase), ("R", phase + 0.5))}
    return pose, swing


def stance(rng: np.random.Generator) -> Pose:
    """Standing: weight on one leg (mostly) or on both, the free knee bent, trunk upright above it."""
    weight = str(rng.choice(["L", "R"]))
    sign = 1 if weight == "L" else -1
    drop = np.radians(rng.uniform(1.5, 5)) * (rng.random() < 0.75)  # the pelvis falls towards the free side
    shift = rng.uniform(0.0, 0.05)
    # the free leg is too long by 0.2 m · sin(drop): its knee bends until it fits (thigh and shin 0.45 m each)
    bend = 2 * np.arccos(1 - 0.2 * np.sin(drop) / 0.9) + rng.uniform(0.0, 0.06)
    out, turned = rng.uniform(0.0, 0.10), rng.uniform(0.05, 0.35)
    pose = {"root": axis_rotation("y", -sign * drop)}
    free = "R" if weight == "L" else "L"
    ahead = rng.uniform(-0.04, 0.12)
    pose |= leg(weight, hip=0.01, knee=0.03, ankle=0.02, out=-drop - shift + 0.04, turn=rng.uniform(0.0, 0.15))
    pose |= leg(free, hip=bend / 2 + ahead, knee=bend, ankle=bend / 2 - ahead, out=out + drop, turn=turned)
    pose |= trunk(turn=rng.normal(0, 0.08), lean=rng.uniform(-0.03, 0.08), side=sign * drop)
    return pose | head(turn=rng.normal(0, 0.25), nod=rng.normal(0.08, 0.12), tilt=rng.normal(0, 0.03))
