"""True swaps: whose they are, and that a swap with oneself changes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("moderngl", reason="needs the extra mannequins")
pytest.importorskip("cv2", reason="needs the extra mannequins")
pytest.importorskip("scipy", reason="needs the extra mannequins")

from tools.mannequins.body.attributes import identity_attributes
from tools.mannequins.dataset.truth import Taken, draw_pairs, true_swap, without_obstacle
from tools.mannequins.photograph.person import Person
from tools.mannequins.photograph.picture import Studio, to_picture, world_joints
from tools.mannequins.photograph.scene import Obstacle, draw_scene


def taken(person: int, index: int, blocked: bool = False) -> Taken:
    scene = replace(draw_scene(0, person, index, index % 6), obstacle=Obstacle("bin", 0, 0, 5, 0) if blocked else None)
    return Taken(f"query/{person:04d}_c1s1_{index:06d}_00.jpg", person, person, scene, (0, 0, 64, 128), 1.7)


def test_pairs_are_of_two_people_unique_even_and_unoccluded() -> None:
    pictures = [taken(person, index, blocked=index == 3) for person in range(8) for index in range(6)]
    pairs = draw_pairs(pictures, 70, seed=0)
    assert len(set(pairs)) == len(pairs) == 70
    assert all(pictures[a].person != pictures[b].person for a, b in pairs)
    assert all(pictures[i].scene.obstacle is None for pair in pairs for i in pair)
    for end in (0, 1):  # 40 free pictures for 70 pairs
        assert max(Counter(pair[end] for pair in pairs).values()) == 2
    assert pairs == draw_pairs(pictures, 70, seed=0) != draw_pairs(pictures, 70, seed=1)


def test_too_many_pairs_are_refused() -> None:
    pictures = [taken(person, index) for person in range(2) for index in range(2)]
    assert len(draw_pairs(pictures, 8, seed=0)) == 8
    with pytest.raises(ValueError, match="9 pairs"):
        draw_pairs(pictures, 9, seed=0)


@pytest.fixture(scope="module")
def studio(can_render) -> Studio:
    return Studio(0)


def shot(studio: Studio, number: int, obstacle: Obstacle | None) -> tuple[Taken, Person]:
    person = Person.of(identity_attributes(0, number))
    scene = replace(draw_scene(0, number, 0, number % 6), obstacle=obstacle)
    picture = studio.picture(scene, person)
    return Taken("a.jpg", number, number, scene, picture.crop, picture.height), person


@pytest.mark.parametrize("number", [0, 1])
def test_a_swap_with_oneself_is_the_picture_without_its_occluder(studio: Studio, number: int) -> None:
    scene = draw_scene(0, number, 0, number % 6)
    source, person = shot(studio, number, Obstacle("bin", 5, scene.x, scene.y - 0.8, 0.0))
    swap, plain = true_swap(studio, source, person, source), without_obstacle(studio, source, person)
    blocked = studio.picture(source.scene, person)
    for name in ("image", "joints", "visibility", "mask", "parts"):
        assert np.array_equal(getattr(swap, name), getattr(plain, name)), name
    assert np.array_equal(swap.canonical, plain.canonical, equal_nan=True)
    assert not np.array_equal(swap.image, blocked.image) and swap.mask.sum() > blocked.mask.sum()


def test_a_swap_has_the_targets_joints_and_the_sources_look(studio: Studio) -> None:
    (source, person), (target, other) = shot(studio, 2, None), shot(studio, 3, None)
    assert source.scene.look != target.scene.look
    swap, seen = true_swap(studio, source, person, target), studio.picture(target.scene, other)
    assert swap.crop == seen.crop and swap.height == pytest.approx(seen.height)
    assert np.linalg.norm(swap.joints - seen.joints, axis=1).max() < 10
    again = to_picture(target.scene.view.project(world_joints(target.scene, person, target.height)), target.crop)
    assert np.abs(again - swap.joints).max() < 1e-6
    in_targets_look = studio.picture(target.scene, person, crop=target.crop, height=target.height)
    assert np.array_equal(in_targets_look.mask, swap.mask) and not np.array_equal(in_targets_look.image, swap.image)


def test_pictures_do_not_depend_on_what_was_drawn_before(studio: Studio) -> None:
    (first, person), (second, other) = shot(studio, 4, None), shot(studio, 5, None)
    before = studio.picture(first.scene, person).image
    studio.picture(second.scene, other)
    assert np.array_equal(before, studio.picture(first.scene, person).image)
    assert np.array_equal(before, Studio(0).picture(first.scene, person).image)
