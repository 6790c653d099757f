"""Moving a skeleton: one joint by hand with limb lengths kept or free, and all joints from one pose to another.

The rule for kept lengths, in the picture's two dimensions:

- a joint of a limb (elbow, wrist, knee, ankle) turns about its parent and takes along what hangs on it, turned by the
  same angle;
- the nose turns about the middle of the shoulders and takes the face along; an eye turns about the nose, with its ear;
- a shoulder or a hip takes the whole figure along;
- where the parent was not found, there is nothing to turn about: the joint moves freely and takes along what hangs
  on it.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from momi_lib.skeleton import JOINTS

__all__ = ["HANGING", "PARENT", "Way", "between", "move"]

Way = Literal["turning", "straight"]

#: joint → the joints whose middle it turns about. Shoulders and hips have none: they are the trunk.
PARENT: dict[int, tuple[int, ...]] = {
    0: (5, 6),
    1: (0,),
    2: (0,),
    3: (1,),
    4: (2,),
    **{7: (5,), 8: (6,), 9: (7,), 10: (8,), 13: (11,), 14: (12,), 15: (13,), 16: (14,)},
}
LIMB_JOINTS = (7, 8, 9, 10, 13, 14, 15, 16)  # parents before children


def _hanging(joint: int) -> tuple[int, ...]:
    if joint not in PARENT:
        return tuple(other for other in range(len(JOINTS)) if other != joint)
    found = [other for other, parents in PARENT.items() if parents == (joint,)]
    return tuple(found + [below for other in found for below in _hanging(other)])


#: joint → what moves with it where lengths are kept.
HANGING: dict[int, tuple[int, ...]] = {joint: _hanging(joint) for joint in range(len(JOINTS))}


def move(
    landmarks: Tensor,
    valid: Tensor,
    joint: int,
    to: tuple[float, float],
    *,
    keep_lengths: bool,
    size: tuple[int, int] = (128, 64),
) -> tuple[Tensor, Tensor]:
    """Move one joint towards a point; a joint that was not found is found from then on.

    Args:
        landmarks: (17, 2) as (x, y) in pixels.
        valid: (17,) bool.
        joint: index of the joint.
        to: (x, y) in pixels; outside the picture counts as on its edge.
        keep_lengths: True: the rule above. False: the joint alone moves.
        size: (H, W) of the picture.

    Returns:
        new landmarks and valid; the arguments stay as they are.

    Raises:
        ValueError: for another shape, no such joint or a point that is not finite.

    >>> landmarks, valid = torch.zeros(17, 2), torch.ones(17, dtype=torch.bool)
    >>> landmarks[5], landmarks[7], landmarks[9] = (torch.tensor([30.0, y]) for y in (30, 50, 70))
    >>> moved, _ = move(landmarks, valid, 7, (60, 30), keep_lengths=True)  # the elbow, level with the shoulder
    >>> moved[[7, 9]].round().tolist()
    [[50.0, 30.0], [70.0, 30.0]]
    """
    if landmarks.shape != (len(JOINTS), 2) or valid.shape != (len(JOINTS),):
        shapes = f"{tuple(landmarks.shape)} and {tuple(valid.shape)}"
        raise ValueError(f"move: expected landmarks (17, 2) and valid (17,), got {shapes}")
    if joint not in range(len(JOINTS)):
        raise ValueError(f"joint: expected an index from 0 to {len(JOINTS) - 1}, got {joint!r}")
    point = torch.tensor(to, dtype=torch.float32)
    if not torch.isfinite(point).all():
        raise ValueError(f"to: expected a finite point (x, y), got {to}")
    point = torch.minimum(point.clamp_min(0), torch.tensor([size[1] - 1.0, size[0] - 1.0]))
    moved, found = landmarks.float().clone(), valid.bool().clone()
    was_found = bool(found[joint])
    found[joint] = True
    if not keep_lengths or not was_found:
        moved[joint] = point
        return moved, found
    together = [joint, *HANGING[joint]]
    parents = list(PARENT.get(joint, ()))
    if not parents or not valid[parents].all():
        moved[together] += point - landmarks[joint]
        return moved, found
    pivot = landmarks[parents].float().mean(0)
    before, after = landmarks[joint] - pivot, point - pivot
    if before.norm() > 0 and after.norm() > 0:
        moved[together] = pivot + (moved[together] - pivot) @ _rotation(_angle(after) - _angle(before)).mT
    return moved, found


def between(
    start: tuple[Tensor, Tensor], end: tuple[Tensor, Tensor], share: float, *, way: Way = "turning"
) -> tuple[Tensor, Tensor]:
    """The pose at a share of the way from one pose to another.

    ``"straight"`` moves every joint on a straight line, so an arm that goes from hanging to raised is short half way.
    ``"turning"`` does so for head and trunk only; elbows, wrists, knees and ankles turn about their parents by the
    shorter way round, while the length of the limb goes from one to the other.

    Args:
        start, end: landmarks (17, 2) in pixels, and valid (17,).
        share: 0 is the start, exactly; 1 the end, exactly.
        way: "turning" or "straight".

    Returns:
        landmarks (17, 2); valid (17,): joints found in both poses, at the ends those of the end.

    Raises:
        ValueError: for a share outside [0, 1] or an unknown way.

    >>> down, up = torch.zeros(17, 2), torch.zeros(17, 2)
    >>> down[7, 1], up[7, 1], up[7, 0] = 20.0, 0.0, 20.0  # an elbow below its shoulder, and beside it
    >>> everything = torch.ones(17, dtype=torch.bool)
    >>> [round(between((down, everything), (up, everything), 0.5, way=w)[0][7].norm().item()) for w in get_args(Way)]
    [20, 14]
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share: expected a number from 0 to 1, got {share}")
    if way not in get_args(Way):
        raise ValueError(f"way: expected one of {get_args(Way)}, got {way!r}")
    if share in (0, 1):
        landmarks, valid = (start, end)[int(share)]
        return landmarks.float().clone(), valid.clone()
    valid = start[1] & end[1]
    landmarks = torch.lerp(start[0].float(), end[0].float(), share)
    for joint in LIMB_JOINTS if way == "turning" else ():
        (parent,) = PARENT[joint]
        if not (valid[joint] and valid[parent]):
            continue
        first, last = (pose[0][joint].float() - pose[0][parent].float() for pose in (start, end))
        turn = torch.remainder(_angle(last) - _angle(first) + torch.pi, 2 * torch.pi) - torch.pi
        angle, length = _angle(first) + share * turn, torch.lerp(first.norm(), last.norm(), share)
        landmarks[joint] = landmarks[parent] + length * torch.stack([angle.cos(), angle.sin()])
    return landmarks, valid


def _angle(vector: Tensor) -> Tensor:
    return torch.atan2(vector[1], vector[0])


def _rotation(angle: Tensor) -> Tensor:
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cosine, -sine]), torch.stack([sine, cosine])])
