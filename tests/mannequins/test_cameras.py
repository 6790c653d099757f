"""Cameras project as their clip matrices do, and looks keep what the light's two parts demand."""

import numpy as np
import pytest

from tools.mannequins.street.cameras import CAMERAS, FRAME_HEIGHT, FRAME_WIDTH, TIMES


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.ground)
def test_clip_matrix_agrees_with_projection(camera) -> None:
    points = np.array([[0.3, 6.0, 0.1], [-1.2, 8.0, 1.7], [2.0, 11.0, 0.0]])
    u0, v0, width, height = crop = (700.0, 300.0, 150.0, 300.0)
    clip = np.column_stack([points, np.ones(3)]) @ camera.matrix(crop).T
    projected = camera.project(points)
    assert clip[:, 3] == pytest.approx(projected[:, 2])
    assert u0 + (clip[:, 0] / clip[:, 3] + 1) / 2 * width == pytest.approx(projected[:, 0])
    assert v0 + (clip[:, 1] / clip[:, 3] + 1) / 2 * height == pytest.approx(projected[:, 1])


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.ground)
def test_people_who_walk_are_in_the_frame(camera) -> None:
    for y in (camera.near, camera.far):
        foot, crown = camera.project(np.array([[0, y, 0], [0, y, 1.75]]))
        assert 0 < crown[1] < foot[1] < FRAME_HEIGHT * 1.1
        assert foot[0] == pytest.approx(FRAME_WIDTH / 2)
        assert foot[1] - crown[1] > 128  # the frame is never enlarged much


def test_right_is_right_and_up_is_up() -> None:
    middle, right, above = CAMERAS[0].project(np.array([[0, 7, 1], [1, 7, 1], [0, 7, 2]]))
    assert right[0] > middle[0] and right[1] == pytest.approx(middle[1])
    assert above[1] < middle[1]


@pytest.mark.parametrize("time", TIMES)
def test_looks(time: str) -> None:
    for camera in CAMERAS:
        look = camera.look_at(time)
        assert np.linalg.norm(look.sun) == pytest.approx(1)
        assert look.sun[2] > 0.3
        assert 0.05 < look.shadow_alpha < 0.75
