"""True pictures of dragged limbs: what turns, turns by the angle that is said, and is seen."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("moderngl", reason="needs the extra mannequins")
pytest.importorskip("cv2", reason="needs the extra mannequins")

from momi_lib.data.records import EMBEDDED
from tools.mannequins.body.poses import POSES
from tools.mannequins.dataset.labels import read_attributes, read_scenes
from tools.mannequins.photograph.person import Person
from tools.mannequins.photograph.picture import Studio


@pytest.fixture
def drag_truth(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    return importlib.import_module("drag_truth")


def test_a_limb_turns_in_the_picture_by_the_angle_that_is_said(can_render, drag_truth):
    free = [one for one in read_scenes(EMBEDDED) if one.scene.obstacle is None and not POSES[one.scene.kind].holds]
    target, people = free[3], read_attributes(EMBEDDED)
    found = drag_truth.drags(Studio(seed=0), Person.of(people[target.person]), target, np.random.default_rng(0))
    assert {drag.angle for drag, _ in found} == {0, *drag_truth.ANGLES}
    parents = {joint: parent for limbs in drag_truth.LIMBS.values() for joint, parent in limbs}
    plain = {drag.joint: drag.landmarks for drag, _ in found if drag.angle == 0}
    for drag, picture in found:
        assert picture.shape == (3, 128, 64)
        parent, before = parents[drag.joint], plain[drag.joint]
        along = [marks[drag.joint] - marks[parent] for marks in (before, drag.landmarks)]
        if drag.angle and min(float(each.norm()) for each in along) > 10:  # a short one has no direction
            first, second = (np.degrees(np.arctan2(float(each[1]), float(each[0]))) for each in along)
            turned = abs((second - first + 180) % 360 - 180)
            assert abs(turned - drag.angle) < 20  # of the plane to the camera's axis: perspective bends it a little
        assert (drag.landmarks[0] - before[0]).norm() < 3  # and the head stays
