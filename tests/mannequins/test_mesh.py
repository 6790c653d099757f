"""Solids face outwards, joining and placing keep what a vertex carries."""

import numpy as np
import pytest

from tools.mannequins.render.mesh import Layer, Part, cone, join, placed, rounded_box, thing, tube, vertex_normals

SOLIDS = {
    "box": rounded_box((0.1, 0.2, 0.3)),
    "ball": rounded_box((0.1, 0.1, 0.1), power=1.0),
    "cone": cone(0.2, 0.0, 0.1, 1.0),
    "tube": tube(np.array([[0.0, 0, -0.5], [0.02, 0, 0], [0, 0, 0.5]]), 0.1),
}


@pytest.mark.parametrize("name", SOLIDS)
def test_normals_point_outwards(name: str) -> None:
    positions, faces = SOLIDS[name]
    sideways = np.linalg.norm(positions[:, :2], axis=1) > 0.03  # poles have no sideways direction
    outwards = (vertex_normals(positions, faces)[:, :2] * positions[:, :2]).sum(1)[sideways]
    assert (outwards > 0).all()


def test_join_shifts_faces_and_placed_turns_left_to_front() -> None:
    box = thing(*SOLIDS["box"], Layer.BOX)
    pair = join([box, placed(box, np.pi / 2, 1.0, 2.0)])
    assert (pair.faces[len(box.faces) :] == box.faces + len(box.positions)).all()
    assert (pair.aux[:, 1] == Part.THING).all()
    # what was at +X (left) is at +Y after a quarter turn counter-clockwise
    left = box.positions[:, 0].argmax()
    moved = pair.positions[len(box.positions) + left]
    assert moved == pytest.approx([1.0 - box.positions[left, 1], 2.0 + box.positions[left, 0], box.positions[left, 2]])
