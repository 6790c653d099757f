"""Streets: drawn the same again, different from variant to variant, free of things where people walk."""

import numpy as np
import pytest

from tools.mannequins.street import backdrop as module
from tools.mannequins.street.backdrop import VARIANTS, backdrop, is_drawn, time_of
from tools.mannequins.street.cameras import CAMERAS, TIMES
from tools.mannequins.street.streets import GROUNDS, half_width, street
from tools.mannequins.street.walls import Surface

renderer = pytest.importorskip("moderngl", reason="the streets are drawn with moderngl (extra [mannequins])")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory):
    """One camera's frame, drawn twice without a cache in between."""
    from tools.mannequins.render.renderer import RendererError

    patch = pytest.MonkeyPatch()
    frames = []
    try:
        for again in range(2):
            patch.setenv("MOMI_CACHE", str(tmp_path_factory.mktemp(f"cache{again}")))
            module._frame.cache_clear()
            frames.append(backdrop(0, 1))
    except RendererError as error:
        pytest.skip(str(error))
    finally:
        patch.undo()
        module._frame.cache_clear()
    return frames


@pytest.mark.slow
def test_a_frame_is_drawn_the_same_again(drawn) -> None:
    first, second = drawn
    assert first.shape == (540, 960, 3) and first.dtype == np.float32
    assert (first == second).all()
    assert 40 < first.mean() < 215 and first.std() > 20  # a picture, neither black nor burnt out


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.wall)
def test_nothing_stands_where_people_walk(camera) -> None:
    for variant in range(VARIANTS):
        for part in street(camera, camera.look_at(time_of(camera.number, variant)), variant):
            points = (part.piece if isinstance(part, Surface) else part).positions
            low = points[points[:, 2] < 1.8]
            where = (low[:, 1] > camera.near - 0.3) & (low[:, 1] < camera.far + 0.1)
            inside = where & (np.abs(low[:, 0]) < 0.55 * half_width(camera, low[:, 1]))
            assert not inside.any(), (camera.wall, variant, low[inside][0])


def test_variants_differ_and_hours_change() -> None:
    assert {time_of(camera, variant) for camera in range(6) for variant in range(VARIANTS)} == set(TIMES)
    view = CAMERAS[0]
    first, second = (street(view, view.look_at("day"), variant) for variant in (0, 1))
    assert len(first) != len(second)
    assert all(camera.ground in GROUNDS for camera in CAMERAS)


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError, match="expected camera 0..5"):
        backdrop(6)
    with pytest.raises(IndexError, match="variant"):
        backdrop(0, VARIANTS)


def test_the_cache_knows_what_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path))
    assert not is_drawn(0, 0)
    file = module._file(0, 0)
    file.parent.mkdir(parents=True)
    np.save(file, np.zeros((2, 2, 3), np.uint8))
    assert is_drawn(0, 0) and not is_drawn(0, 1)
