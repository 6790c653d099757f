"""The embedded data set keeps what its card and its manifest promise."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(__file__).resolve().parents[2] / "data" / "mannequins"
HEIGHT, WIDTH = 128, 64
NAME = re.compile(r"(\d{4})_c([1-6])s1_(\d{6})_00\.jpg")
# Identities and pictures; a person has 12 to 16, of which up to one a camera is a query.
SPLITS = {"bounding_box_train": (300, 3840), "bounding_box_test": (100, 1080), "query": (100, 200)}
NOSE, FACE, LEFT_SHOULDER, RIGHT_SHOULDER = 0, [0, 1, 2], 5, 6


def read(name: str) -> dict:
    return json.loads((FOLDER / "annotations" / f"{name}.json").read_text())


def decode(segmentation: dict) -> np.ndarray:
    """The boolean mask (128, 64) of an uncompressed, column-major COCO run-length code."""
    values = np.arange(len(segmentation["counts"])) % 2 == 1
    return np.repeat(values, segmentation["counts"]).reshape(segmentation["size"], order="F")


@pytest.fixture(scope="module")
def coco() -> dict[str, dict]:
    return {name: read(name) for name in ("train", "test", "truth")}


@pytest.fixture(scope="module")
def labels(coco: dict[str, dict]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each annotation file: keypoints (N, 17, 3) and masks (N, 128, 64)."""
    return {
        name: (
            np.array([a["keypoints"] for a in file["annotations"]], dtype=float).reshape(-1, 17, 3),
            np.stack([decode(a["segmentation"]) for a in file["annotations"]]),
        )
        for name, file in coco.items()
    }


@pytest.fixture(scope="module")
def pairs() -> list[dict[str, str]]:
    with (FOLDER / "truth" / "pairs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def persons(split: str) -> set[str]:
    return {path.name[:4] for path in (FOLDER / split).glob("*.jpg")}


def test_manifest_names_every_file_with_its_hash():
    files = json.loads((FOLDER / "manifest.json").read_text())["files"]
    present = {p.relative_to(FOLDER).as_posix() for p in FOLDER.rglob("*") if p.is_file()}
    assert set(files) == present - {"manifest.json"}
    hashes = {name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in files}
    assert [name for name in files if hashes[name] != files[name]] == []


@pytest.mark.parametrize("split", SPLITS)
def test_split_has_its_people_and_pictures(split: str):
    people, pictures = SPLITS[split]
    matches = [NAME.fullmatch(path.name) for path in sorted((FOLDER / split).iterdir())]
    assert all(matches)
    assert (len(persons(split)), len(matches)) == (people, pictures)


def test_everybody_has_twelve_to_sixteen_pictures():
    counts = Counter(path.name[:4] for split in SPLITS for path in (FOLDER / split).glob("*.jpg"))
    assert len(counts) == 400 and min(counts.values()) >= 12 and max(counts.values()) <= 16


def test_all_fits_into_thirty_megabytes():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= 30e6


def test_frame_numbers_are_unique():
    frames = [NAME.fullmatch(p.name)[3] for split in SPLITS for p in (FOLDER / split).iterdir()]
    assert len(frames) == len(set(frames)) == sum(pictures for _, pictures in SPLITS.values())


def test_no_person_is_in_two_splits():
    assert not persons("bounding_box_train") & (persons("bounding_box_test") | persons("query"))
    assert persons("bounding_box_test") == persons("query")


def test_a_query_is_the_only_one_of_its_person_and_camera_and_can_be_found():
    gallery = {(p.name[:4], p.name[6]) for p in (FOLDER / "bounding_box_test").glob("*.jpg")}
    queries = [(p.name[:4], p.name[6]) for p in (FOLDER / "query").glob("*.jpg")]
    assert len(queries) == len(set(queries))
    for person, camera in queries:
        assert {other for name, other in gallery if name == person} - {camera}


def test_pictures_are_whole_and_of_one_size():
    for path in FOLDER.glob("*/*.jpg"):
        with Image.open(path) as picture:
            picture.load()
            assert (picture.size, picture.mode) == ((WIDTH, HEIGHT), "RGB"), path


def test_annotation_files_list_each_picture_once(coco: dict[str, dict]):
    folders = {"train": ["bounding_box_train"], "test": ["bounding_box_test", "query"], "truth": ["truth"]}
    for name, file in coco.items():
        listed = [image["file_name"] for image in file["images"]]
        present = {
            f"{folder}/{path.name}" for folder in folders[name] for path in (FOLDER / folder).glob("*.jpg")
        }
        assert len(listed) == len(set(listed)) and set(listed) == present
        assert [a["image_id"] for a in file["annotations"]] == [image["id"] for image in file["images"]]
        (category,) = file["categories"]
        assert len(category["keypoints"]) == 17 and min(min(limb) for limb in category["skeleton"]) == 1
        assert "CC0" in file["licenses"][0]["name"]


@pytest.mark.parametrize("name", ["train", "test", "truth"])
def test_labels_are_well_formed(name: str, coco, labels):
    keypoints, masks = labels[name]
    x, y, visibility = np.moveaxis(keypoints, 2, 0)
    assert set(np.unique(visibility)) <= {0, 1, 2}
    assert (keypoints[visibility == 0] == 0).all()
    inside = (x >= -0.5) & (x < WIDTH - 0.5) & (y >= -0.5) & (y < HEIGHT - 0.5)
    assert inside.all()
    for annotation, mask, points in zip(coco[name]["annotations"], masks, keypoints, strict=True):
        assert mask.shape == (HEIGHT, WIDTH)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = [columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert annotation["bbox"] == box and annotation["area"] == mask.sum()
        assert annotation["num_keypoints"] == (points[:, 2] > 0).sum()
        assert annotation["category_id"] == 1 and annotation["iscrowd"] == 0


@pytest.mark.parametrize("name", ["train", "test", "truth"])
def test_visible_joints_lie_on_the_person(name: str, labels):
    keypoints, masks = labels[name]
    near = []
    for points, mask in zip(keypoints, masks, strict=True):
        rows, columns = np.nonzero(mask)
        for x, y, _ in points[points[:, 2] == 2]:
            near.append(np.hypot(columns - x, rows - y).min() <= 3)
    assert np.mean(near) >= 0.98


@pytest.mark.parametrize("name", ["train", "test", "truth"])
def test_left_and_right_agree_with_the_view(name: str, labels):
    points = labels[name][0]
    apart = points[:, LEFT_SHOULDER, 0] - points[:, RIGHT_SHOULDER, 0]
    far = (points[:, [LEFT_SHOULDER, RIGHT_SHOULDER], 2] > 0).all(1) & (np.abs(apart) > 8)
    # The eyes too: a person seen obliquely from behind, head turned, may show the nose.
    front, back = far & (points[:, FACE, 2] == 2).all(1), far & (points[:, NOSE, 2] == 1)
    assert front.sum() > 30 and back.sum() > 30
    assert (apart[front] > 0).mean() > 0.95
    assert (apart[back] < 0).mean() > 0.95  # a nose may also be hidden by a hand or another person


@pytest.mark.parametrize("name", ["train", "test", "truth"])
def test_no_picture_is_nearly_empty(name: str, labels):
    keypoints, masks = labels[name]
    assert masks.mean((1, 2)).min() >= 0.08
    if name != "truth":
        assert (keypoints[:, :, 2] == 2).sum(1).min() >= 8


def test_true_swaps_join_two_people_of_the_test_split(pairs: list[dict[str, str]]):
    assert len(pairs) == 1500 and list(pairs[0]) == ["from", "to", "picture"]
    for pair in pairs:
        source, target = Path(pair["from"]), Path(pair["to"])
        assert source.name[:4] != target.name[:4]
        assert {source.parent.name, target.parent.name} <= {"bounding_box_test", "query"}
        assert all((FOLDER / pair[column]).is_file() for column in pair)
    assert len({pair["picture"] for pair in pairs}) == len({(p["from"], p["to"]) for p in pairs}) == 1500
    assert {pair["picture"] for pair in pairs} == {f"truth/{i:06d}.jpg" for i in range(1500)}
