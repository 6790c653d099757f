"""Bodies in any pose: what no pedestrian does is among them, and the generator alone decides."""

from __future__ import annotations

import numpy as np
import pytest

from tools.mannequins.body.any_pose import LIMBS, any_pose, dragged
from tools.mannequins.body.gait import stance

COUNT = 400
# The reference body's left arm at rest, (X left, -Y front, Z up), and how long its two halves are, metres.
UPPER, FOREARM = np.array([0.660, -0.020, -0.751]), np.array([0.511, -0.695, -0.506])
UPPER_LENGTH, FOREARM_LENGTH, SHOULDER = 0.286, 0.335, 0.482
HEAD_TOP = 0.76  # metres over the root


@pytest.fixture(scope="module")
def poses() -> list[dict[str, np.ndarray]]:
    return [any_pose(np.random.default_rng([5, number])) for number in range(COUNT)]


def palm_height(pose: dict[str, np.ndarray], side: str) -> float:
    """Metres over the root, in the chest's frame."""
    mirror = np.diag([1.0 if side == "L" else -1.0, 1.0, 1.0])
    upper = pose[f"upperarm01.{side}"]
    forearm = upper @ pose[f"lowerarm01.{side}"]
    return float(SHOULDER + (UPPER_LENGTH * upper @ mirror @ UPPER + FOREARM_LENGTH * forearm @ mirror @ FOREARM)[2])


def hip(pose: dict[str, np.ndarray], side: str) -> float:
    """By how many radians a thigh is lifted forwards, against the pelvis."""
    thigh = pose[f"upperleg01.{side}"] @ [0, 0, -1]
    return float(np.arctan2(-thigh[1], -thigh[2]))


def knee(pose: dict[str, np.ndarray], side: str) -> float:
    """By how many radians a knee is bent."""
    turn = pose[f"lowerleg01.{side}"]
    return float(np.arctan2(turn[2, 1], turn[2, 2]))


def share(found: list[bool]) -> float:
    return sum(found) / len(found)


def test_every_bone_is_turned_and_nothing_else(poses) -> None:
    for pose in poses[:200]:
        for bone, turn in pose.items():
            assert turn.shape == (3, 3)
            assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-9) and np.linalg.det(turn) > 0, bone


def test_the_generator_alone_decides(poses) -> None:
    again = any_pose(np.random.default_rng([5, 3]))
    assert again.keys() == poses[3].keys() and all((turn == poses[3][bone]).all() for bone, turn in again.items())
    assert any((turn != poses[4][bone]).any() for bone, turn in again.items())


@pytest.mark.parametrize("sides", ["L", "R", "LR"])
def test_hands_are_held_over_the_head(poses, sides: str) -> None:
    assert share([all(palm_height(pose, side) > HEAD_TOP for side in sides) for pose in poses]) > 0.01


@pytest.mark.parametrize(("side", "other"), ["LR", "RL"])
def test_one_leg_kicks_while_the_other_stands(poses, side: str, other: str) -> None:
    kicks = [hip(pose, side) > 0.9 and knee(pose, side) < 0.5 and abs(hip(pose, other)) < 0.6 for pose in poses]
    assert share(kicks) > 0.01


def test_some_sit_and_some_crouch(poses) -> None:
    bent = [(*(hip(pose, side) for side in "LR"), *(knee(pose, side) for side in "LR")) for pose in poses]
    assert share([all(1.0 < angle < 2.1 for angle in angles) for angles in bent]) > 0.05  # as on a chair
    assert share([min(angles[:2]) > 1.2 and min(angles[2:]) > 1.7 for angles in bent]) > 0.02  # deep


def test_many_are_pedestrians_but_for_a_limb_or_two(poses) -> None:
    """A walker's arm hangs and a walker's leg stands: of most poses at least two limbs are such."""
    calm = [
        sum(palm_height(pose, side) < 0.15 for side in "LR") + sum(-0.6 < hip(pose, side) < 0.6 for side in "LR")
        for pose in poses
    ]
    assert share([limbs >= 2 for limbs in calm]) > 0.5
    assert share([limbs == 4 for limbs in calm]) < 0.5  # but few are pedestrians altogether

def along(pose: dict[str, np.ndarray], limb: str) -> np.ndarray:
    """Where a forearm or a shin points, in the person's own frame; the trunk of these poses is upright."""
    bone = LIMBS[limb]
    mirror = np.diag([1.0 if limb[-1] == "L" else -1.0, 1.0, 1.0])
    above = pose.get(f"upper{bone.partition('.')[0].removeprefix('lower')}.{limb[-1]}", np.eye(3))
    rest = mirror @ FOREARM / np.linalg.norm(FOREARM) if limb.startswith("arm") else np.array([0.0, 0.0, -1.0])
    return above @ pose.get(bone, np.eye(3)) @ rest


@pytest.mark.parametrize("limb", LIMBS)
@pytest.mark.parametrize("angle", [-2.0, 0.5, np.pi])
def test_a_drag_turns_a_limb_in_the_picture_and_nothing_else(limb: str, angle: float) -> None:
    camera = np.array([0.6, -0.8, 0.0])
    across, up = np.array([0.8, 0.6, 0.0]), np.array([0.0, 0.0, 1.0])  # to the right of the picture and upwards
    pose = stance(np.random.default_rng(3))
    pose = {bone: turn for bone, turn in pose.items() if bone.startswith(("upper", "lower"))}
    before, turned = along(pose, limb), dragged(pose, limb, angle, camera, 0.3)
    after = along(turned, limb)
    seen = [np.arctan2(each @ up, each @ across) for each in (before, after)]
    assert np.cos(seen[1] - seen[0] - angle) == pytest.approx(1, abs=1e-9)
    assert np.arcsin(after @ camera) >= 0.3 - 1e-9
    assert {bone for bone in turned if not np.array_equal(turned[bone], pose.get(bone, np.eye(3)))} == {LIMBS[limb]}
    assert np.allclose(turned[LIMBS[limb]] @ turned[LIMBS[limb]].T, np.eye(3))
