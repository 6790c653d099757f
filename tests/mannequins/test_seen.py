"""Visibility and masks on buffers made by hand: one flat surface a metre wide, 8 m away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("moderngl", reason="needs the extra mannequins")
pytest.importorskip("cv2", reason="needs the extra mannequins")

from momi_lib.skeleton import JOINTS
from tools.mannequins.photograph.seen import HELD, OBSTACLE, PERSON, see
from tools.mannequins.render.mesh import Layer, Part
from tools.mannequins.render.renderer import Buffers

SHAPE, SAMPLES = (32, 16), 4
KNEE, OTHER_KNEE, HIP = (JOINTS.index(name) for name in ("left_knee", "right_knee", "left_hip"))


def buffers() -> Buffers:
    """A left thigh on the picture's left half, at 8 m."""
    height, width = SHAPE[0] * SAMPLES, SHAPE[1] * SAMPLES
    on = np.zeros((height, width), bool)
    on[:, : width // 2] = True
    return Buffers(
        colour=np.zeros((height, width, 4), np.uint8),
        layer=np.where(on, Layer.BOTTOM + 1, 0).astype(np.uint8),
        part=np.where(on, Part.THIGH_L + 1, 0).astype(np.uint8),
        object_id=np.where(on, PERSON, 0).astype(np.uint8),
        canonical=np.where(on[..., None], [0.1, 0.2, 0.3], 0).astype(np.float32),
        depth=np.where(on, 8.0, np.inf).astype(np.float32),
    )


def visibility(seen_by: Buffers, joint: int, depth: float, place: tuple[float, float] = (4.0, 10.0)) -> int:
    joints, depths = np.full((17, 2), -50.0), np.full(17, 8.0)
    joints[joint], depths[joint] = place, depth
    return int(see(seen_by, joints, depths, SHAPE).visibility[joint])


def test_a_joint_behind_its_own_surface_is_visible_and_deep_inside_is_not() -> None:
    assert visibility(buffers(), KNEE, 8.05) == 2
    assert visibility(buffers(), KNEE, 8.5) == 1
    assert visibility(buffers(), KNEE, 8.05, (-0.6, 10.0)) == 0
    assert visibility(buffers(), KNEE, 8.05, (-0.4, 10.0)) == 2


def test_the_other_leg_hides_a_knee_however_near() -> None:
    assert visibility(buffers(), OTHER_KNEE, 8.02) == 1


def test_a_skirt_hangs_before_both_knees() -> None:
    skirt = replace(buffers(), layer=np.where(buffers().layer, Layer.SKIRT + 1, 0).astype(np.uint8))
    assert visibility(skirt, KNEE, 8.2) == visibility(skirt, OTHER_KNEE, 8.2) == 2


@pytest.mark.parametrize("what", [HELD, OBSTACLE])
def test_things_hide(what: int) -> None:
    with_thing = buffers()
    box = (slice(20, 60), slice(4, 28))
    with_thing.object_id[box], with_thing.depth[box], with_thing.part[box] = what, 7.99, Part.THING + 1
    assert visibility(with_thing, KNEE, 8.02) == 1
    seen = see(with_thing, np.zeros((17, 2)), np.full(17, 8.0), SHAPE)
    assert not seen.mask[8, 3] and seen.mask[0, 0]
    assert seen.parts[8, 3] == (Part.THING + 1 if what == HELD else 0)


def test_mask_parts_and_places() -> None:
    seen = see(buffers(), np.zeros((17, 2)), np.full(17, 8.0), SHAPE)
    assert seen.mask[:, :8].all() and not seen.mask[:, 8:].any()
    assert (seen.parts == np.where(seen.mask, Part.THIGH_L + 1, 0)).all()
    assert np.allclose(seen.canonical[seen.mask], [0.1, 0.2, 0.3]) and np.isnan(seen.canonical[~seen.mask]).all()


def test_specks_are_dropped() -> None:
    speck = buffers()
    speck.object_id[40:48, 48:56] = PERSON  # four pixels of their own
    speck.part[40:48, 48:56] = Part.FOOT_L + 1
    assert not see(speck, np.zeros((17, 2)), np.full(17, 8.0), SHAPE).mask[:, 8:].any()
