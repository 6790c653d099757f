"""Scenes follow from four numbers, survive JSON to the bit and look like a detector's boxes."""

from collections import Counter

import numpy as np
import pytest

from tools.mannequins.body.poses import KINDS
from tools.mannequins.photograph.scene import Obstacle, Scene, draw_scene
from tools.mannequins.street.backdrop import VARIANTS
from tools.mannequins.street.cameras import CAMERAS, FRAME_WIDTH

SCENES = [draw_scene(0, identity, index, index % 6) for identity in range(60) for index in range(6)]


def test_json_keeps_every_bit() -> None:
    for scene in SCENES:
        assert Scene.from_json(scene.to_json()) == scene


def test_no_dependence_on_the_order_of_calls() -> None:
    for scene in SCENES[::-7]:
        assert draw_scene(scene.seed, scene.identity, scene.index, scene.camera) == scene


def test_seed_identity_index_camera_and_attempt_all_matter() -> None:
    scenes = {draw_scene(*arguments).to_json() for arguments in [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0)]}
    scenes |= {draw_scene(0, 0, 1, 0).to_json(), draw_scene(0, 0, 0, 1).to_json(), draw_scene(0, 0, 0, 0, 1).to_json()}
    assert len({text.split('"variant"')[1] for text in scenes}) == 6


def test_people_stand_where_they_walk() -> None:
    for scene in SCENES:
        view = CAMERAS[scene.camera]
        assert view.near <= scene.y <= view.far
        assert abs(scene.x) < 0.56 * scene.y * FRAME_WIDTH / 2 / view.focal
        assert scene.kind in KINDS and 0 <= scene.variant < VARIANTS and 0 <= scene.yaw < 2 * np.pi


def test_obstacles_are_the_exception_and_of_many_kinds() -> None:
    kinds = Counter(scene.obstacle.kind for scene in SCENES if scene.obstacle)
    assert 0.1 < kinds.total() / len(SCENES) < 0.3
    assert kinds["person"] > 0.25 * kinds.total() and len(kinds) > 5


def test_an_obstacle_is_drawn_the_same_again() -> None:
    obstacle = Obstacle("bicycle", seed=3, x=1.0, y=5.0, yaw=0.1)
    (mesh, paint), (again, _) = obstacle.mesh(), obstacle.mesh()
    assert (mesh.positions == again.positions).all() and paint.max() <= 1
    assert mesh.positions[:, :2].mean(0) == pytest.approx([1, 5], abs=0.3)
    walker = Obstacle("person", 3, 1.0, 5.0, 0.1, 1_000_000, "walk")
    assert (walker.pose()["upperleg01.L"] == walker.pose()["upperleg01.L"]).all()


def test_crops_are_twice_as_tall_as_wide_and_hold_most_of_the_body() -> None:
    held, centred = [], []
    body = np.random.default_rng(0).uniform((900, 300, 6), (1020, 620, 8), (400, 3))
    body[:2] = [(900, 300, 7), (1020, 620, 7)]
    for scene in SCENES:
        u0, v0, width, height = scene.crop(body)
        assert height == pytest.approx(2 * width)
        held.append(
            ((body[:, 0] > u0) & (body[:, 0] < u0 + width) & (body[:, 1] > v0) & (body[:, 1] < v0 + height)).mean()
        )
        centred.append((u0 + width / 2 - 960) / width)
    assert np.mean(held) > 0.93 and min(held) > 0.5
    assert np.std(centred) > 0.04  # but detectors are not exact


def test_faces_backs_and_sides_are_all_seen() -> None:
    towards = np.cos([scene.yaw for scene in SCENES])
    front, back = (towards > 0.7).mean(), (towards < -0.7).mean()
    assert front > 0.2 and back > 0.2 and 1 - front - back > 0.25
