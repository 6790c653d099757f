"""Poses: rotations, left and right in step, hands where they should be, and no dependence on the order of calls."""

import numpy as np
import pytest

from tools.mannequins.body.arms import arm, axis_rotation, fingers, reaching
from tools.mannequins.body.poses import KINDS, POSES, draw_pose

UPPER, FOREARM = np.array([0.660, -0.020, -0.751]), np.array([0.511, -0.695, -0.506])
SHOULDER = np.array([0.186, -0.009, 0.482])


def palm_of(pose: dict, side: str) -> np.ndarray:
    """Where an arm's palm is in the chest's frame, metres from the root."""
    mirror = np.diag([1.0 if side == "L" else -1.0, 1.0, 1.0])
    upper = pose[f"upperarm01.{side}"]
    forearm = upper @ pose[f"lowerarm01.{side}"]
    return mirror @ SHOULDER + upper @ mirror @ UPPER * 0.286 + forearm @ mirror @ FOREARM * 0.335


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", ["L", "R"])
def test_every_kind_gives_rotations_and_depends_on_its_generator_alone(kind: str, side: str) -> None:
    pose = draw_pose(kind, np.random.default_rng([1, 2]), side)
    again = draw_pose(kind, np.random.default_rng([1, 2]), side)
    for bone, turn in pose.items():
        assert turn.shape == (3, 3)
        assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-9) and np.linalg.det(turn) > 0, bone
        assert (turn == again[bone]).all()


def test_frequencies_are_shares_and_most_people_walk() -> None:
    assert sum(kind.frequency for kind in POSES.values()) == pytest.approx(1, abs=0.05)
    walking = sum(kind.frequency for kind in POSES.values() if kind.legs == "walk")
    assert walking > 0.7


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_hand_reaches_its_place(side: str) -> None:
    sign = 1 if side == "L" else -1
    pose = reaching(side, (0.1, 0.3, 0.3), (0.4, -0.3, -1), (0, -1, 0.5))
    assert palm_of(pose, side) == pytest.approx([0.1 * sign, -0.3, 0.3], abs=0.006)


def test_the_two_arms_mirror_each_other() -> None:
    mirror = np.diag([-1.0, 1.0, 1.0])
    left, right = (arm(side, (0.2, 0.3, -1), 0.8, (-0.2, 1, 0), (-1, 0, 0)) for side in "LR")
    for bone, turn in left.items():
        assert right[bone.replace(".L", ".R")] == pytest.approx(mirror @ turn @ mirror)


def test_a_straight_elbow_is_straight() -> None:
    pose = arm("L", (0, 0, -1), 0.0, (0, 1, 0), (-1, 0, 0))
    assert pose["upperarm01.L"] @ UPPER == pytest.approx([0, 0, -1], abs=2e-3)
    assert pose["upperarm01.L"] @ pose["lowerarm01.L"] @ FOREARM == pytest.approx([0, 0, -1], abs=2e-3)


def test_fingers_bend_towards_the_palm() -> None:
    palm, hand = np.array([-0.72, 0.01, -0.65]), np.array([0.42, -0.767, -0.485])
    for turn in fingers("L", 0.6).values():
        assert palm @ (turn @ hand) >= palm @ hand - 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_arms_swing_against_the_legs(seed: int) -> None:
    """Walking, the left hand is in front when the right thigh is."""
    pose = draw_pose("walk", np.random.default_rng(seed))
    hands = palm_of(pose, "R")[1] - palm_of(pose, "L")[1]
    thighs = [(pose[f"upperleg01.{side}"] @ np.array([0, 0, -1.0]))[1] for side in "LR"]
    if abs(thighs[0] - thighs[1]) > 0.25:
        assert hands * (thighs[0] - thighs[1]) > 0


@pytest.mark.parametrize("kind", ["walk", "run", "stand"])
def test_knees_bend_one_way_only(kind: str) -> None:
    for seed in range(30):
        pose = draw_pose(kind, np.random.default_rng(seed))
        for side in "LR":
            shin = pose[f"lowerleg01.{side}"] @ np.array([0, 0, -1.0])
            assert shin[1] >= 0  # backwards is +Y


def test_axis_rotation_turns_right_handed() -> None:
    assert axis_rotation("x", np.pi / 2) @ [0, 1, 0] == pytest.approx([0, 0, 1])
