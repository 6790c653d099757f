"""Labels come back from their files as they went in."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("moderngl", reason="needs the extra mannequins")
pytest.importorskip("cv2", reason="needs the extra mannequins")
pytest.importorskip("scipy", reason="needs the extra mannequins")

from momi_lib.data.labels import encode_mask, read_labels
from tools.mannequins.body.attributes import Attributes, identity_attributes
from tools.mannequins.dataset.labels import (
    annotation,
    attributes_csv,
    coco,
    dense_npz,
    parts_png,
    read_attributes,
    read_dense,
    read_parts,
    read_scenes,
    scenes_gz,
)
from tools.mannequins.dataset.truth import Taken
from tools.mannequins.photograph.picture import Picture
from tools.mannequins.photograph.scene import draw_scene


@pytest.fixture
def picture() -> Picture:
    rng = np.random.default_rng(0)
    mask = np.zeros((128, 64), bool)
    mask[20:110, 10:50] = rng.random((90, 40)) < 0.9
    joints = rng.uniform((0, 0), (63, 127), (17, 2))
    joints[1], joints[2], joints[3] = (-0.4999, 127.4999), (63.4999, 0.0), (-9.0, 5.0)
    visibility = rng.integers(1, 3, 17).astype(np.uint8)
    visibility[3] = 0
    parts = np.where(mask, rng.integers(1, 17, mask.shape), 0).astype(np.uint8)
    canonical = np.where(mask[..., None], rng.normal(size=(128, 64, 3)), np.nan).astype(np.float32)
    return Picture(np.zeros((128, 64, 3), np.uint8), joints, visibility, mask, parts, canonical, (0, 0, 64, 128), 1.7)


def test_momi_lib_reads_what_is_written(picture: Picture, tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_bytes(coco("nobody", ["a.jpg"], [annotation(picture)], 0, (128, 64)))
    labels = read_labels(path, ["a.jpg"], np.array([[128, 64]]), (128, 64))
    assert (labels.masks[0].numpy() == picture.mask).all()
    assert (labels.visibility[0].numpy() == picture.visibility).all()
    inside = picture.visibility > 0
    assert np.abs(labels.joints[0].numpy() - picture.joints)[inside].max() < 0.011


def test_keypoints_stay_in_their_pixels_when_rounded(picture: Picture) -> None:
    keypoints = np.array(annotation(picture)["keypoints"]).reshape(17, 3)
    assert (keypoints[3] == 0).all()
    inside = keypoints[picture.visibility > 0]
    assert (inside[:, :2] >= -0.5).all() and (inside[:, 0] < 63.5).all() and (inside[:, 1] < 127.5).all()


def test_run_lengths_are_those_of_momi_lib(picture: Picture) -> None:
    assert annotation(picture)["segmentation"] == encode_mask(picture.mask)


def test_box_and_area_are_the_masks(picture: Picture) -> None:
    entry = annotation(picture)
    left, top, width, height = entry["bbox"]
    assert entry["area"] == picture.mask.sum() == picture.mask[top : top + height, left : left + width].sum()
    assert picture.mask[top].any() and picture.mask[:, left + width - 1].any()


def test_parts_come_back(picture: Picture, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "0007.png").write_bytes(parts_png([picture.parts * 0, picture.parts]))
    assert (read_parts(tmp_path, 7, 1) == picture.parts).all() and not read_parts(tmp_path, 7, 0).any()


def test_canonical_maps_come_back(picture: Picture, tmp_path: Path) -> None:
    (tmp_path / "dense").mkdir()
    data = dense_npz({"0007_c1s1_000001_00": picture.canonical})
    assert data == dense_npz({"0007_c1s1_000001_00": picture.canonical})  # no date in it
    (tmp_path / "dense" / "0007.npz").write_bytes(data)
    back = read_dense(tmp_path, "query/0007_c1s1_000001_00.jpg")
    assert back.dtype == np.float16
    assert np.allclose(back.astype(np.float32), picture.canonical, atol=2e-3, rtol=1e-3, equal_nan=True)


def test_scenes_come_back_to_the_bit(tmp_path: Path) -> None:
    scenes = [draw_scene(0, number, 0, number % 6) for number in range(40)]
    taken = [
        Taken(f"query/{number:04d}_c1s1_000001_00.jpg", number, number, scene, (0.1, 0.2, 1 / 3, 2 / 3), 1.7, 2)
        for number, scene in enumerate(scenes)
    ]
    (tmp_path / "scenes.jsonl.gz").write_bytes(scenes_gz(taken))
    assert read_scenes(tmp_path) == taken
    assert scenes_gz(taken) == scenes_gz(taken)


def test_attributes_come_back(tmp_path: Path) -> None:
    people = [(number + 1, number, "train", identity_attributes(0, number)) for number in range(20)]
    (tmp_path / "attributes.csv").write_bytes(attributes_csv(people))
    assert read_attributes(tmp_path) == {person: attributes for person, _, _, attributes in people}
    header = (tmp_path / "attributes.csv").read_text().splitlines()[0].split(",")
    assert header[3:] == [field.name for field in fields(Attributes)]
