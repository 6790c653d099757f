"""Masks of people from their joints: limbs, trunk, closing, borders, scale; and pictures without background."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
import torch

from momi_lib.data import People, load
from momi_lib.metrics.masks import PersonMasks, mask_pictures, person_masks, polygon_masks
from momi_lib.skeleton import JOINTS


def posed(size=(128, 64), **places):
    """The mask of somebody whose named joints alone are known."""
    landmarks, valid = torch.full((1, 17, 2), torch.nan), torch.zeros(1, 17, dtype=torch.bool)
    for name, place in places.items():
        landmarks[0, JOINTS.index(name)] = torch.tensor(place, dtype=torch.float32)
        valid[0, JOINTS.index(name)] = True
    return polygon_masks(landmarks, valid, size=size).values[0]


def test_a_limb_is_what_lies_within_four_pixels():
    mask = posed(left_elbow=(20, 30), left_wrist=(40, 30))
    y, x = torch.meshgrid(torch.arange(128), torch.arange(64), indexing="ij")
    beyond = torch.where(x < 20, 20 - x, torch.where(x > 40, x - 40, 0))
    assert torch.equal(mask, beyond**2 + (y - 30) ** 2 <= 16)


TRUNK = {"left_shoulder": (12, 30), "right_shoulder": (52, 30), "left_hip": (12, 90), "right_hip": (52, 90)}


def test_the_trunk_is_filled():
    mask = posed(**TRUNK)
    assert mask[30:91, 12:53].all()
    assert not mask[:26].any() and not mask[95:].any() and not mask[:, :8].any() and not mask[:, 57:].any()


def test_also_where_its_sides_cross():
    crossed = {**TRUNK, "left_hip": TRUNK["right_hip"], "right_hip": TRUNK["left_hip"]}
    assert posed(**crossed)[30:91, 12:53].all()


def test_three_corners_fill_their_triangle():
    three = {name: place for name, place in TRUNK.items() if name != "left_hip"}
    mask = posed(**three)
    assert mask[50, 40] and not mask[70, 20]  # further from every limb than its radius, within and without
    assert not posed(left_shoulder=(12, 30), right_hip=(52, 30))[50].any()


def test_a_corner_that_was_not_found_may_be_anywhere():
    landmarks, valid = torch.zeros(1, 17, 2), torch.zeros(1, 17, dtype=torch.bool)
    for name, place in TRUNK.items():
        landmarks[0, JOINTS.index(name)] = torch.tensor(place, dtype=torch.float32)
        valid[0, JOINTS.index(name)] = name != "left_hip"
    mask = polygon_masks(landmarks, valid).values[0]
    assert torch.equal(mask, posed(**{name: place for name, place in TRUNK.items() if name != "left_hip"}))


@pytest.mark.parametrize(("x", "y"), [(0, 1), (1, 0), (1, 2), (-1, 2), (2, -1)])
def test_corners_on_a_line_fill_nothing_beyond_their_ends(x, y):
    places = [(32 + x * step, 64 + y * step) for step in (-8, -4, 6, 9)]
    mask = posed(**dict(zip(("left_shoulder", "right_shoulder", "left_hip", "right_hip"), places, strict=True)))
    rows, columns = mask.nonzero().unbind(1)
    for found, middle, along in ((columns, 32, x), (rows, 64, y)):
        ends = sorted((middle - 8 * along, middle + 9 * along))
        assert (found.min(), found.max()) == (ends[0] - 4, ends[1] + 4)
    assert all(mask[64 + y * step, 32 + x * step] for step in range(-8, 10))


@pytest.mark.parametrize("across", [1, -1])
def test_a_triangle_of_half_a_pixel_fills_nothing_beyond_its_corners(across):
    places = [(32 + across * x, y) for x, y in ((-12, 40), (-5, 60), (-11, 43))]
    mask = posed(**dict(zip(("left_shoulder", "right_shoulder", "right_hip"), places, strict=True)))
    rows, columns = mask.nonzero().unbind(1)
    assert (rows.min(), rows.max()) == (36, 64)
    assert sorted(abs(int(end) - 32) for end in (columns.min(), columns.max())) == [1, 16]


@pytest.mark.parametrize(("x", "closed"), [(23, True), (24, False)])
def test_gaps_of_four_pixels_are_closed_and_wider_ones_are_not(x, closed):
    forearms = {"left_elbow": (10, 20), "left_wrist": (10, 100), "right_elbow": (x, 20), "right_wrist": (x, 100)}
    mask = posed(**forearms)
    assert mask[60, 10] and mask[60, x]
    assert mask[60, 15 : x - 4].all() == mask[60, 15 : x - 4].any() == closed


def test_who_is_cut_by_the_border_keeps_the_edge():
    mask = posed(left_elbow=(2, -10), left_wrist=(2, 50))
    assert mask[:51, :7].all() and not mask[:, 7:].any()


@pytest.mark.parametrize(("height", "radius", "closing"), [(64, 2, 3), (128, 4, 5), (256, 8, 9)])
def test_the_measures_grow_with_the_picture(height, radius, closing):
    landmarks, valid = torch.zeros(1, 17, 2), torch.zeros(1, 17, dtype=torch.bool)
    landmarks[0, 7:10:2], valid[0, 7:10:2] = height / 4, True  # an elbow and a wrist in one place
    masks = polygon_masks(landmarks, valid, size=(height, height // 2))
    assert masks.values[0, height // 4].sum() == 2 * radius + 1
    assert masks.origin == f"limb polygons, radius {radius}, closed {closing} x {closing}"


def test_nobody_has_no_mask():
    assert not posed().any()
    assert not posed(left_wrist=(20, 20)).any()  # a limb needs both ends


def test_it_covers_the_mannequins():
    people = load(None, "test")
    whole = (people.visibility > 0).all(dim=1).nonzero().squeeze(1)
    people = people.select(whole[:: len(whole) // 20])
    true, found = person_masks(people), person_masks(replace(people, masks=None))
    assert true.origin == "true silhouettes" and torch.equal(true.values, people.masks)
    assert found.origin.startswith("limb polygons")
    overlap = (found.values & true.values).sum((1, 2)) / (found.values | true.values).sum((1, 2))
    assert len(people) >= 20 and float(overlap.mean()) > 0.55


def test_without_labels_it_is_said_what_to_do():
    one, pictures = torch.ones(1, dtype=torch.int64), torch.zeros(1, 3, 128, 64, dtype=torch.uint8)
    people = People(Path("market"), "test", ("a.jpg",), pictures, one, one, None, None, None, "0")
    for labels in ({}, {"joints": torch.zeros(1, 17, 2)}, {"visibility": torch.ones(1, 17, dtype=torch.int64)}):
        with pytest.raises(ValueError, match="market: expected people with masks or joints, .*polygon_masks"):
            person_masks(replace(people, **labels))


def test_pictures_keep_the_person_and_lose_the_rest():
    pictures = torch.randint(1, 256, (2, 3, 8, 4), dtype=torch.uint8)
    masks = torch.zeros(2, 8, 4, dtype=torch.bool)
    masks[0, :3], masks[1, :, 2] = True, True
    before = pictures.clone()
    shown = mask_pictures(pictures, masks)
    keep = masks[:, None].expand_as(pictures)
    assert torch.equal(shown[keep], pictures[keep]) and not shown[~keep].any() and shown.dtype == torch.uint8
    assert torch.equal(pictures, before)
    grey = mask_pictures(pictures, masks, colour=(124, 116, 104))
    assert grey[1, :, 0, 0].tolist() == [124, 116, 104]


def test_refusals():
    pictures, masks = torch.zeros(2, 3, 8, 4, dtype=torch.uint8), torch.zeros(2, 8, 4, dtype=torch.bool)
    with pytest.raises(ValueError, match="uint8"):
        mask_pictures(pictures.float(), masks)
    for wrong in (masks[:1], masks[:, :4], masks.float()):
        with pytest.raises(ValueError, match=r"masks: expected masks \(N, H, W\) bool"):
            mask_pictures(pictures, wrong)
    wrong_ones = ((0, 0), (0, 0, 0, 0), (0, 0, 256), (0, -1, 0), (0.5, 0, 0), (True, 0, 0), b"abc", {1, 2, 3}, "abc", 5)
    for colour in wrong_ones:
        with pytest.raises(ValueError, match="colour: expected three whole numbers from 0 to 255, got "):
            mask_pictures(pictures, masks, colour=colour)
    assert mask_pictures(pictures, masks, colour=[0, 254, 255])[0, :, 0, 0].tolist() == [0, 254, 255]
    with pytest.raises(ValueError, match=r"landmarks: expected landmarks \(N, 17, 2\)"):
        polygon_masks(torch.zeros(2, 16, 2), torch.ones(2, 16, dtype=torch.bool))


def test_joints_that_are_hidden_count_as_well():
    one, pictures = torch.ones(1, dtype=torch.int64), torch.zeros(1, 3, 128, 64, dtype=torch.uint8)
    landmarks = torch.rand(1, 17, 2, generator=torch.Generator().manual_seed(0)) * 60
    people = People(Path("market"), "test", ("a.jpg",), pictures, one, one, None, None, None, "0")
    hidden = person_masks(replace(people, joints=landmarks, visibility=torch.ones(1, 17, dtype=torch.int64)))
    usual = polygon_masks(landmarks, torch.ones(1, 17, dtype=torch.bool))
    assert usual.values.shape == (1, 128, 64) and torch.equal(hidden.values, usual.values)
    with pytest.raises(FrozenInstanceError):
        usual.origin = "others"
    assert usual != PersonMasks(usual.values.clone(), usual.origin)  # they are not compared by their pixels


def test_joints_without_a_label_do_not_count():
    one, pictures = torch.ones(1, dtype=torch.int64), torch.zeros(1, 3, 64, 48, dtype=torch.uint8)
    landmarks = torch.rand(1, 17, 2, generator=torch.Generator().manual_seed(0)) * 40
    visibility = torch.arange(17)[None] % 3
    people = People(Path("market"), "test", ("a.jpg",), pictures, one, one, landmarks, visibility, None, "0")
    found = person_masks(people).values
    assert torch.equal(found, polygon_masks(landmarks, visibility != 0, size=(64, 48)).values)
    assert 0 < found.sum() < polygon_masks(landmarks, visibility >= 0, size=(64, 48)).values.sum()


def test_of_nobody_there_are_no_masks():
    nobody = polygon_masks(torch.zeros(0, 17, 2), torch.zeros(0, 17, dtype=torch.bool))
    pictures = torch.zeros(0, 3, 128, 64, dtype=torch.uint8)
    assert len(nobody) == 0 and nobody.values.shape == (0, 128, 64)
    assert torch.equal(mask_pictures(pictures, nobody.values), pictures)
