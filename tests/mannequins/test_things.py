"""What hands hold is at the hands; what stands in the way stands on the ground with few colours."""

from dataclasses import replace

import numpy as np
import pytest

from tools.mannequins.body.attributes import identity_attributes
from tools.mannequins.body.poses import POSES
from tools.mannequins.render.mesh import Layer, Part
from tools.mannequins.street.pieces import MAX_PAINTS, box, leaves, moved, painted, rod
from tools.mannequins.street.things import OCCLUDERS, held_things, occluder

LEFT_WRIST, RIGHT_WRIST = 9, 10
# somebody who stands with both forearms forwards, metres
JOINTS = np.array(
    [
        *[(0, -0.12, 1.6), (0.03, -0.1, 1.63), (-0.03, -0.1, 1.63), (0.08, 0, 1.6), (-0.08, 0, 1.6)],
        *[(0.18, 0, 1.4), (-0.18, 0, 1.4), (0.22, 0.05, 1.12), (-0.22, 0.05, 1.12)],
        *[(0.18, -0.2, 1.1), (-0.18, -0.2, 1.1), (0.1, 0, 0.92), (-0.1, 0, 0.92)],
        *[(0.1, 0, 0.5), (-0.1, 0, 0.5), (0.1, 0, 0.1), (-0.1, 0, 0.1)],
    ]
)
NOBODY = replace(identity_attributes(0, 0), bag="none", side="R")


@pytest.mark.parametrize("kind", [kind for kind, pose in POSES.items() if pose.holds])
@pytest.mark.parametrize("side", ["L", "R"])
def test_held_things_touch_the_hand(kind: str, side: str) -> None:
    mesh = held_things(JOINTS, NOBODY, kind, side, np.random.default_rng(0))
    wrist = JOINTS[LEFT_WRIST if side == "L" else RIGHT_WRIST]
    assert np.linalg.norm(mesh.positions - wrist, axis=1).min() < 0.2
    assert (mesh.aux[:, 1] == Part.THING).all()
    assert mesh.faces.max() < len(mesh.positions)
    assert np.isfinite(mesh.positions).all() and np.isfinite(mesh.normals).all()


def test_empty_hands_hold_nothing() -> None:
    assert held_things(JOINTS, NOBODY, "walk", "R", np.random.default_rng(0)) is None


@pytest.mark.parametrize("bag", ["handbag", "tote", "plastic"])
def test_a_bag_hangs_from_the_free_hand(bag: str) -> None:
    mesh = held_things(JOINTS, replace(NOBODY, bag=bag), "walk_phone", "R", np.random.default_rng(0))
    carried = mesh.positions[mesh.aux[:, 0] == Layer.BAG]
    assert carried[:, 0].mean() > 0.1  # the left is free
    assert carried[:, 2].min() > 0  # and clears the ground
    assert held_things(JOINTS, replace(NOBODY, bag=bag), "arms_crossed", "R", np.random.default_rng(0)) is None


@pytest.mark.parametrize("kind", OCCLUDERS)
def test_occluders_stand_on_the_ground(kind: str) -> None:
    for seed in range(8):
        mesh, paint = occluder(kind, np.random.default_rng(seed))
        assert paint.shape == (MAX_PAINTS, 3) and paint.min() >= 0 and paint.max() <= 1
        assert (mesh.aux[:, 0] == Layer.OCCLUDER).all()
        assert mesh.aux[:, 2].max() < MAX_PAINTS
        assert -0.1 < mesh.positions[:, 2].min() < 0.1
        again, _ = occluder(kind, np.random.default_rng(seed))
        assert (again.positions == mesh.positions).all()


def test_too_many_colours_are_refused() -> None:
    many = [box((1, 1, 1), (0, 0, 0), (shade / 10, 0, 0)) for shade in range(9)]
    with pytest.raises(ValueError, match="at most 8 colours, got 9"):
        painted(many)


def test_boxes_and_rods_face_outwards_and_moving_turns_counter_clockwise() -> None:
    for each in (box((0.1, 0.2, 0.3), (0, 0, 0), (1, 1, 1)), rod([(0, 0, -1), (0, 0, 1)], 0.1, (1, 1, 1))):
        corners = each.positions[each.faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert ((normals * corners.mean(1)).sum(1) >= -1e-9).all()
    turned = moved([box((0.1, 0.1, 0.1), (1, 0, 0), (1, 1, 1))], x=5, yaw=np.pi / 2)[0]
    assert turned.positions.mean(0) == pytest.approx([5, 1, 0], abs=1e-6)


def test_leaves_stay_near_their_crown() -> None:
    crown = leaves(
        np.array([[0.0, 0, 3]]), np.array([[1.0, 1, 1]]), 200, 0.1, (0.2, 0.4, 0.1), np.random.default_rng(0)
    )
    assert np.linalg.norm(crown.positions - [0, 0, 3], axis=1).max() < 1.2
    assert crown.leafy
