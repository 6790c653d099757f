"""The renderer: what is in front is seen, shadows fall, ids and places come back."""

from __future__ import annotations

import numpy as np
import pytest

moderngl = pytest.importorskip("moderngl", reason="needs the extra mannequins")
pytestmark = pytest.mark.usefixtures("can_render")

from tools.mannequins.render.mesh import Layer, Part, placed, rounded_box, thing  # noqa: E402
from tools.mannequins.render.renderer import Drawable, Light, Renderer, RendererError, light_matrix  # noqa: E402
from tools.mannequins.street.cameras import CAMERAS  # noqa: E402

CROP = (810.0, 380.0, 300.0, 600.0)
LIGHT = Light(np.array([0.6, 0.0, 0.8]), np.ones(3), np.full(3, 0.5), 0.6)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(64, 32)


def pillar(x: float, y: float, half: float = 0.25):
    return placed(thing(*rounded_box((half, half, 0.9), (0, 0, 0.9), power=0.1), Layer.OCCLUDER), 0, x, y)


def ground():
    corners = np.array([[-4, 3, 0], [4, 3, 0], [4, 11, 0], [-4, 11, 0]], np.float32)
    return thing(corners, np.array([[0, 1, 2], [0, 2, 3]]), Layer.GROUND)


def draw(renderer: Renderer, *drawables: Drawable):
    view = CAMERAS[0]
    return renderer.draw(drawables, view.matrix(CROP), view.eye, LIGHT, [(-0.1, 7, 0.1, 7)])


def test_the_nearer_hides_the_farther_in_any_order(renderer: Renderer) -> None:
    far, near = Drawable(pillar(0, 7), object_id=1), Drawable(pillar(0, 6, 0.1), object_id=2)
    first, second = draw(renderer, far, near), draw(renderer, near, far)
    assert np.array_equal(first.colour, second.colour) and np.array_equal(first.object_id, second.object_id)
    assert set(np.unique(first.object_id)) == {0, 1, 2}
    assert first.depth[first.object_id == 2].max() < first.depth[first.object_id == 1].min() + 0.5
    assert (first.layer[first.object_id > 0] == Layer.OCCLUDER + 1).all()
    assert (first.part[first.object_id > 0] == Part.THING + 1).all()


def test_places_and_depths_are_where_the_camera_projects_them(renderer: Renderer) -> None:
    seen = draw(renderer, Drawable(pillar(0, 7), object_id=1))
    rows, columns = np.nonzero(seen.object_id == 1)
    world = seen.canonical[rows, columns] + np.array([0, 7, 0])  # the pillar's own coordinates
    u, v, depth = CAMERAS[0].project(world).T
    samples = renderer.supersampling
    scale = CROP[2] / (renderer.width * samples)
    assert np.abs((u - CROP[0]) / scale - (columns + 0.5)).max() < 0.05
    assert np.abs((v - CROP[1]) / scale - (rows + 0.5)).max() < 0.05
    assert np.abs(depth - seen.depth[rows, columns]).max() < 1e-3


def test_a_shadow_falls_away_from_the_light(renderer: Renderer) -> None:
    alone = draw(renderer, Drawable(ground())).colour[..., 3].astype(float)
    seen = draw(renderer, Drawable(ground()), Drawable(pillar(0, 7), object_id=1))
    darker = (seen.colour[..., 3] - alone) * (seen.object_id == 0)
    middle = darker.shape[1] // 2
    assert darker[:, :middle].sum() > 10 * max(darker[:, middle:].sum(), 1)  # the light comes from the right


def test_nothing_drawn_is_nothing_seen(renderer: Renderer) -> None:
    seen = draw(renderer)
    assert not seen.colour.any() and np.isinf(seen.depth).all()


def test_the_shadow_map_looks_at_the_person() -> None:
    matrix = light_matrix(LIGHT.direction, (1, 5, 3, 5))
    assert np.allclose((matrix @ [2, 5, 0.9, 1])[:3], 0)


def test_without_opengl_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise Exception("libEGL.so not loaded")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(RendererError, match="apt-get install libegl1"):
        Renderer()
