"""People: every layer of every person poses without holes in the numbers, stands on the ground, and left is left."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the extra mannequins")

from tools.mannequins.body.attributes import identity_attributes
from tools.mannequins.body.body import turn
from tools.mannequins.body.template import template_path
from tools.mannequins.body.wardrobe import BOTTOMS, HAIRS, HEADWEAR, OUTERS, TOPS
from tools.mannequins.photograph.person import Person
from tools.mannequins.render.mesh import Layer, Part

pytestmark = pytest.mark.skipif(not template_path().is_file(), reason="the body template is not baked here (minutes)")

STRIDE = {
    "upperleg01.L": turn("x", -0.6), "upperleg01.R": turn("x", 0.4), "lowerleg01.R": turn("x", 0.6),
    "upperarm01.L": turn("y", 0.6), "upperarm01.R": turn("y", -0.6),
}  # fmt: skip
KINDS = {"top": TOPS, "outer": OUTERS, "bottom": BOTTOMS, "hair": HAIRS, "headwear": HEADWEAR}


def _variants() -> list:
    return [
        pytest.param(name, kind, number, id=f"{name}-{kind}")
        for name, kinds in KINDS.items()
        for number, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize(("name", "kind", "number"), _variants())
def test_every_kind_can_be_built_and_posed(name: str, kind: str, number: int) -> None:
    record = replace(identity_attributes(3, number), **{name: kind})
    posed = Person.of(record).posed(STRIDE)
    mesh = posed.mesh
    for values in (mesh.positions, mesh.normals, mesh.canonical, mesh.aux):
        assert values.dtype == np.float32 and np.isfinite(values).all()
    assert mesh.faces.max() < len(mesh.positions)
    assert mesh.positions[mesh.aux[:, 0] == Layer.SHOE, 2].min() == pytest.approx(0, abs=1e-5)
    assert 1.2 < posed.height < 2.2
    assert (posed.joints[1::2, 0] > posed.joints[2::2, 0]).all()


def test_same_record_same_mesh_and_scale_scales() -> None:
    record = identity_attributes(0, 0)
    first, second = Person.of(record).posed(STRIDE), Person.of(record).posed(STRIDE, scale=0.5)
    assert (first.mesh.positions * np.float32(0.5) == second.mesh.positions).all()
    assert second.height == pytest.approx(0.5 * first.height)


def test_a_skirt_encloses_the_thighs_at_a_long_stride() -> None:
    record = replace(identity_attributes(0, 0), top="tee", outer="none", bottom="skirt", bottom_hem=-0.45)
    person = Person.of(record)
    mesh = person.posed(STRIDE).mesh
    skirt = mesh.positions[mesh.aux[:, 0] == Layer.SKIRT]
    rows = skirt.reshape(-1, 80, 3)
    knees = person.posed(STRIDE).joints[13:15]
    lowest = rows[-1]
    for knee in knees:  # both knees are within the hem's outline, a hand's breadth allowed
        assert lowest[:, 1].min() - 0.1 < knee[1] < lowest[:, 1].max() + 0.1
    gaps = np.linalg.norm(np.diff(rows, axis=1), axis=2)
    assert gaps.max() < 0.15  # no column is torn from its neighbour


def test_uniforms_are_floats_and_colours() -> None:
    values = Person.of(identity_attributes(0, 1)).uniforms
    assert all(value.dtype == np.float32 and value.shape in ((), (3,)) for value in values.values())


def test_bags_are_things_and_hands_are_hands() -> None:
    record = replace(identity_attributes(0, 0), bag="backpack", outer="none", sleeve=0.3)
    mesh = Person.of(record).posed({}).mesh
    assert (mesh.aux[mesh.aux[:, 0] == Layer.BAG, 1] == Part.THING).all()
    assert (mesh.positions[mesh.aux[:, 1] == Part.HAND_L, 0] > 0).all()
