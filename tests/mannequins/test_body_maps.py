"""Labels of the body maps: what the renderer says of the same scene elsewhere, to the centimetre, and the files."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("moderngl", reason="needs the extra mannequins")
pytest.importorskip("cv2", reason="needs the extra mannequins")
pytest.importorskip("scipy", reason="needs the extra mannequins")

from momi_lib.data.body_maps import STEP, load_any_poses, load_body_labels, load_true_maps
from momi_lib.data.records import EMBEDDED
from tools.mannequins import __main__ as command
from tools.mannequins.body.any_pose import LIMBS, dragged
from tools.mannequins.body.poses import POSES
from tools.mannequins.dataset import body_maps
from tools.mannequins.dataset.body_maps import SHAPE, _shows, any_body, body_map_of
from tools.mannequins.dataset.labels import read_attributes, read_scenes, scenes_gz
from tools.mannequins.dataset.truth import Taken
from tools.mannequins.photograph.person import Person
from tools.mannequins.photograph.picture import Studio
from tools.mannequins.photograph.seen import PERSON, body_map
from tools.mannequins.render.mesh import Part
from tools.mannequins.render.renderer import Buffers

TRAIN, TEST = "bounding_box_train", "bounding_box_test"
SETS = ("train", "test", "truth", "any_pose")


@pytest.fixture(scope="module")
def people():
    return read_attributes(EMBEDDED)


@pytest.fixture(scope="module")
def taken() -> list[Taken]:
    """Pictures with nothing in the way and nothing in a hand."""
    return [one for one in read_scenes(EMBEDDED) if one.scene.obstacle is None and not POSES[one.scene.kind].holds]


def halved(canonical: np.ndarray) -> np.ndarray:
    """A canonical map (128, 64, 3) at half its size: the median of each 2 × 2 pixels that show body or clothes."""
    blocks = canonical.reshape(64, 2, 32, 2, 3).transpose(0, 2, 1, 3, 4).reshape(64, 32, 4, 3)
    known = np.isfinite(blocks).all(-1).sum(-1) == 4
    return np.where(known[..., None], np.median(np.nan_to_num(blocks), axis=2), np.nan)


def test_a_label_is_what_the_picture_of_the_same_scene_shows(can_render, taken, people) -> None:
    bare = [one for one in taken if people[one.person].bag == "none"]
    studio = Studio(seed=0)
    for one in (bare[0], bare[len(bare) // 2]):
        person = Person.of(people[one.person])
        picture = studio.picture(one.scene, person, crop=one.crop)
        label = body_map_of(one.scene, person, one.crop)
        shown = np.isfinite(label).all(-1)
        outline = picture.mask.reshape(64, 2, 32, 2).mean((1, 3)) >= 0.5
        assert (shown & outline).sum() / (shown | outline).sum() > 0.93
        away = np.linalg.norm(label - halved(picture.canonical), axis=-1)
        assert np.isfinite(away).sum() > 150 and np.nanmedian(away) < 0.01


def test_what_stands_in_the_way_hides_the_person(can_render, people) -> None:
    hidden = next(one for one in read_scenes(EMBEDDED) if one.scene.obstacle and one.scene.obstacle.kind == "car")
    person = Person.of(people[hidden.person])
    seen, whole = (
        np.isfinite(body_map_of(hidden.scene, person, hidden.crop, obstacle=before)).all(-1) for before in (True, False)
    )
    assert not (seen & ~whole).any() and seen.sum() < whole.sum()


def test_a_backpack_lies_behind_the_back(can_render, taken, people) -> None:
    """Worn bags move with the body and are part of the map: their places stand off the back, Y points backwards."""
    one = next(
        one for one in taken if people[one.person].bag == "backpack" and abs(one.scene.yaw - np.pi) < 0.4
    )  # from behind
    who = people[one.person]
    worn, without = (body_map_of(one.scene, Person.of(replace(who, bag=bag)), one.crop) for bag in ("backpack", "none"))
    trunk = np.isfinite(without).all(-1) & (without[..., 2] > 0.1) & (np.abs(without[..., 0]) < 0.15)
    trunk &= without[..., 2] < 0.45
    assert trunk.sum() > 20
    off = worn[trunk][:, 1] - without[trunk][:, 1]
    assert np.nanmax(worn[trunk][:, 1]) > np.nanmax(without[trunk][:, 1]) + 0.08
    assert (off > 0.05).mean() > 0.3


def test_a_body_in_any_pose_depends_on_its_number_alone(can_render, people) -> None:
    who = people[3]
    places, joints, inside = any_body(0, 7, 3, who)
    again = any_body(0, 7, 3, who)
    assert np.array_equal(places, again[0], equal_nan=True)
    assert (joints == again[1]).all() and (inside == again[2]).all()
    other = any_body(0, 8, 3, who)
    assert not np.array_equal(places, other[0], equal_nan=True) and (joints != other[1]).any()
    assert places.shape == (*SHAPE, 3) and joints.shape == (17, 2) and inside.shape == (17,)


@pytest.mark.parametrize("number", range(4))
def test_joints_of_a_body_in_any_pose_lie_on_its_map(can_render, people, number: int) -> None:
    places, joints, inside = any_body(0, number, 1, people[1])
    shown = np.pad(np.isfinite(places).all(-1), 1)
    column, row = (np.floor((joints[inside] + 0.5) / 2).astype(int) + 1).T
    near = [shown[r - 1 : r + 2, c - 1 : c + 2].any() for r, c in zip(row, column, strict=True)]
    assert len(near) > 5 and all(near)


def test_what_is_written_is_read_to_half_a_step(can_render, taken, people, tmp_path: Path) -> None:
    train = [one for one in taken if one.file.startswith(TRAIN)][:2]
    test = [one for one in taken if one.file.startswith(TEST)]
    test = [test[0], next(one for one in test if one.person != test[0].person)]
    folder = tmp_path / "data"
    (folder / "query").mkdir(parents=True)
    (folder / "truth").mkdir()
    shutil.copy(EMBEDDED / "attributes.csv", folder)
    (folder / "scenes.jsonl.gz").write_bytes(scenes_gz([*train, *test]))
    with open(folder / "truth" / "pairs.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("from", "to", "picture"), (test[0].file, test[1].file, "truth/000000.jpg")])
    (folder / "manifest.json").write_text('{"settings": {}, "files": {}}')
    command.main(["body-maps", str(folder), "--any-poses", "2", "--workers", "1"])
    listed = json.loads((folder / "manifest.json").read_bytes())["files"]
    assert {f"body_maps/{name}.{kind}" for name in SETS for kind in ("png", "npz")} <= set(listed)
    for split, some in (("train", train), ("test", test)):
        labels = load_body_labels(folder, split, tuple(one.file for one in some[::-1]))
        assert labels.whole.all()
        for read, one in zip(labels.maps(torch.arange(2)), some[::-1], strict=True):
            same(read, body_map_of(one.scene, Person.of(people[one.person]), one.crop))
    rows, sources, answers = load_true_maps(folder)
    assert rows.tolist() == [0]
    source, target = test
    person = Person.of(people[source.person])
    same(sources[0], body_map_of(source.scene, person, source.crop))
    same(answers[0], body_map_of(target.scene, person, target.crop, obstacle=False, height=target.height))
    bodies = load_any_poses(folder)
    owner = int(bodies.persons[1])
    places, joints, inside = any_body(0, 1, owner, people[owner])
    same(bodies.maps(torch.tensor([1]))[0], places)
    assert np.allclose(bodies.joints[1], joints, atol=0.05) and (bodies.inside[1].numpy() == inside).all()


def same(read: torch.Tensor, rendered: np.ndarray) -> None:
    """A map that was read, (3, 64, 32), is the rendered one (64, 32, 3) but for rounding."""
    read = read.permute(1, 2, 0).numpy()
    assert (np.isnan(read) == np.isnan(rendered)).all()
    assert np.nanmax(np.abs(read - rendered)) <= STEP / 2 + 1e-6


def test_a_place_is_half_covered_and_lies_on_one_part() -> None:
    """A thigh beside a forearm: both share the places of column 2, and cover a quarter of those of column 3."""
    person = np.zeros((32, 32), bool)
    person[:, :13] = True
    part = np.where(person, Part.THIGH_L + 1, 0).astype(np.uint8)
    part[:, 11:13] = Part.FOREARM_L + 1
    place = np.where((part == Part.FOREARM_L + 1)[..., None], [0.5, 0.0, 0.1], [0.1, 0.0, -0.2]) * person[..., None]
    buffers = Buffers(
        colour=np.zeros((32, 32, 4), np.uint8),
        layer=part,
        part=part,
        object_id=np.where(person, PERSON, 0).astype(np.uint8),
        canonical=place.astype(np.float32),
        depth=np.where(person, 8.0, np.inf).astype(np.float32),
    )
    found = body_map(buffers, (8, 8))
    assert np.isfinite(found[:, :3]).all() and np.isnan(found[:, 3:]).all()
    assert found[4, 2] == pytest.approx([0.1, 0.0, -0.2])  # three thighs and one forearm: no mean of both
    buffers.object_id[:, 4:] = 0
    buffers.object_id[8:, :] = 0
    assert np.isnan(body_map(buffers, (8, 8))).all()  # two places alone are a speck


def test_dragged_ends_are_seen_where_their_joints_are(can_render, people, monkeypatch) -> None:
    """Whoever drags a hand onto a trunk means it to be seen."""
    ids, shown, last = sorted(people)[:4], [], []
    monkeypatch.setattr(body_maps, "DRAGGED", 1.0)
    monkeypatch.setattr(body_maps, "dragged", lambda pose, limb, *how: last.append(limb) or dragged(pose, limb, *how))
    for number in range(24):
        picture = any_body(0, number, ids[number % 4], people[ids[number % 4]])
        shown.append(_shows(*picture, last[-1]))
    assert set(last) == set(LIMBS) and np.mean(shown) > 0.9
