"""Label files as people have them: exported by other programs, merged, of other pictures, in other units, misnamed."""

from __future__ import annotations

import copy
import gzip
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from momi_lib.data import LabelError, load, load_truth
from momi_lib.data.body_maps import encode_body_maps, load_any_poses, load_body_labels, load_true_maps
from momi_lib.data.labels import encode_mask, read_labels
from momi_lib.skeleton import JOINTS

A, B = (f"bounding_box_train/{person:04d}_c1s1_000000_00.jpg" for person in (1, 2))


def stood(index: int) -> list[float]:
    """Keypoints of somebody who stands in a picture of 64 x 128: all 17, in COCO's order."""
    return [value for k in range(17) for value in (20 + k + index, 10 + 6.5 * k, k % 3)]


def content() -> dict[str, Any]:
    """Labels of the two pictures, as a COCO keypoints file has them."""
    mask = np.zeros((128, 64), dtype=bool)
    mask[10:110, 20:40] = True
    images = [{"id": k + 1, "file_name": name, "width": 64, "height": 128} for k, name in enumerate((A, B))]
    annotations = [
        {"id": k + 7, "image_id": k + 1, "category_id": 1, "iscrowd": 0, "keypoints": stood(k),
         "segmentation": encode_mask(mask)}
        for k in range(2)
    ]  # fmt: skip
    categories = [{"id": 1, "name": "person", "keypoints": list(JOINTS)}]
    return {"images": images, "annotations": annotations, "categories": categories}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a picture of each of two people, to train with, and no labels."""
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "people"
    for name in (A, B):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 128)).save(root / name)
    (root / "annotations").mkdir()
    return root


def put(root: Path, labels: Any, name: str = "annotations/train.json", encoding: str = "utf-8") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(labels), encoding=encoding)
    return path


# What is another way to say the same is read.


def crowd(c: dict[str, Any]) -> None:
    c["annotations"].insert(0, {"image_id": 1, "category_id": 1, "iscrowd": 1, "segmentation": {"counts": [9]}})


def bicycle(c: dict[str, Any]) -> None:
    c["categories"].insert(0, {"id": 2, "name": "bicycle"})
    c["annotations"].insert(0, {"image_id": 1, "category_id": 2, "bbox": [0, 0, 9, 9]})
    c["annotations"].append({"image_id": 2, "category_id": 2, "bbox": [0, 0, 9, 9]})


def nested(c: dict[str, Any]) -> None:
    for entry in c["annotations"]:
        entry["keypoints"] = np.reshape(entry["keypoints"], (17, 3)).tolist()


def no_polygon(value: Any) -> Callable[[dict[str, Any]], None]:
    def change(c: dict[str, Any]) -> None:
        for entry in c["annotations"]:
            entry["segmentation"] = value

    return change


def nowhere(c: dict[str, Any]) -> None:
    """A joint that is not in the picture may have any coordinates."""
    c["annotations"][0]["keypoints"][:3] = [-5000, 1e6, 0]


def beside(c: dict[str, Any]) -> None:
    """A joint may lie beside the picture, where the picture cuts the person off."""
    for entry in c["annotations"]:
        entry["keypoints"][15 * 3 : 17 * 3] = [30, 135, 1, 40, 140, 1]


def along_the_edge(c: dict[str, Any]) -> None:
    """Of somebody whom the picture cuts off, an arm may hang along its edge, and joints may have been moved there."""
    person(c, 0)["keypoints"] = [v for k in range(17) for v in (0.3 * k, 20 + k, 2 * (k < 4))]
    person(c, 1)["keypoints"] = [v for k in range(17) for v in (0, 20 + k, 2)]


def other_pictures(c: dict[str, Any]) -> None:
    c["images"] += [{"id": 9, "file_name": "elsewhere.jpg", "width": -1, "height": -1}]
    c["annotations"] += [{"image_id": 9, "keypoints": [0.5, 0.5, 2] * 3}, {"image_id": 77}]


def categories(*value: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    return lambda c: c.update(categories=list(value))


def no_categories(c: dict[str, Any]) -> None:
    del c["categories"]
    for entry in c["annotations"]:
        del entry["category_id"], entry["iscrowd"]


READ: dict[str, Callable[[dict[str, Any]], None]] = {
    "as it should be": lambda c: None,
    "a crowd": crowd,
    "another category": bicycle,
    "triples": nested,
    "no polygon, an empty list": no_polygon([]),
    "no polygon, null": no_polygon(None),
    "a joint of visibility 0 far away": nowhere,
    "joints a little beside the picture": beside,
    "joints along the picture's edge": along_the_edge,
    "labels of other pictures too": other_pictures,
    "a category without a name": categories({"id": 1}),
    "a category of another name": categories({"id": 1, "name": "mannequin"}),
    "a category in capitals": categories({"id": 1, "name": "Person"}),
    "joints in other words": categories(
        {"id": 1, "name": "person", "keypoints": [name.replace("_", " ").title() for name in JOINTS]}
    ),
    "joints of unknown names": categories({"id": 1, "name": "person", "keypoints": [f"k{k}" for k in range(17)]}),
    "no categories": no_categories,
    "categories that are null": lambda c: c.update(categories=None),
    "info and licences of other kinds": lambda c: c.update(info=[None], licenses=3),
    "ids as texts": lambda c: [
        [image.update(id=str(image["id"])) for image in c["images"]],
        [entry.update(image_id=str(entry["image_id"])) for entry in c["annotations"]],
    ],
    "sizes with a decimal point": lambda c: [image.update(width=64.0, height=128.0) for image in c["images"]],
}


@pytest.mark.parametrize("case", READ)
def test_what_says_the_same_is_read(root, case):
    labels = content()
    READ[case](labels)
    put(root, labels)
    people = load(root)
    expected = torch.tensor([stood(0), stood(1)]).view(2, 17, 3)
    mine = {str(entry["image_id"]): entry for entry in labels["annotations"] if "keypoints" in entry}
    known = torch.stack([as_they_were(mine[str(k + 1)], k) for k in range(2)])
    assert torch.equal(people.visibility[known], expected[..., 2].byte()[known])
    assert torch.equal(people.joints[known], expected[..., :2][known])
    assert (people.masks is None) == case.startswith("no polygon")


def as_they_were(entry: dict[str, Any], index: int) -> torch.Tensor:
    """Which joints a case leaves as they are: (17,) bool."""
    found, before = (torch.tensor(each).view(17, 3) for each in (np.ravel(entry["keypoints"]).tolist(), stood(index)))
    return (found == before).all(1)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_byte_order_marks_and_unicode_of_other_widths_are_read(root, encoding):
    put(root, content(), encoding=encoding)
    assert load(root).joints[1, 0].tolist() == [21.0, 10.0]


# What is wrong is refused, with the file and the entry.


def person(c: dict[str, Any], index: int = 1) -> dict[str, Any]:
    return c["annotations"][index]


def scaled(factor: float, only: slice = slice(None)) -> Callable[[dict[str, Any]], None]:
    def change(c: dict[str, Any]) -> None:
        for entry in c["annotations"][only]:
            entry["keypoints"] = [v if k % 3 == 2 else v * factor for k, v in enumerate(entry["keypoints"])]

    return change


def normalised(
    only: slice = slice(None), low: float = 0, width: int = 64, height: int = 128
) -> Callable[[dict[str, Any]], None]:
    def change(c: dict[str, Any]) -> None:
        for entry in c["annotations"][only]:
            points = np.reshape(entry["keypoints"], (17, 3)) / [width, height, 1]
            points[:, :2] = points[:, :2] * (1 - low) + low
            entry["keypoints"] = points.ravel().tolist()

    return change


def exchanged(c: dict[str, Any]) -> None:
    for entry in c["annotations"]:
        entry["keypoints"] = np.reshape(entry["keypoints"], (17, 3))[:, [1, 0, 2]].ravel().tolist()


def moved(x: float, y: float) -> Callable[[dict[str, Any]], None]:
    def change(c: dict[str, Any]) -> None:
        for entry in c["annotations"]:
            entry["keypoints"] = (np.reshape(entry["keypoints"], (17, 3)) + np.array([x, y, 0])).ravel().tolist()

    return change


def at(value: Any, place: int) -> Callable[[dict[str, Any]], None]:
    return lambda c: person(c)["keypoints"].__setitem__(place, value)


def keypoints(value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda c: person(c).update(keypoints=value)


def drop(part: str, index: int, key: str) -> Callable[[dict[str, Any]], None]:
    return lambda c: c[part][index].__delitem__(key)


def renamed(change: Callable[[str], str]) -> Callable[[dict[str, Any]], None]:
    return lambda c: [image.update(file_name=change(image["file_name"])) for image in c["images"]]


def order(*names: str) -> Callable[[dict[str, Any]], None]:
    return lambda c: c["categories"][0].update(keypoints=list(names))


LEFT_RIGHT = [name.replace("left", "x").replace("right", "left").replace("x", "right") for name in JOINTS]
WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    # ids
    "two images of one id": (lambda c: c["images"][1].update(id=1), f"{A}.*{B}.*id 1"),
    "two images of one id, which no annotation has": (
        lambda c: c["images"].extend([{"id": 9, "file_name": n, "width": 1, "height": 1} for n in "ab"]),
        "a.*b.*id 9",
    ),
    "an image twice": (lambda c: c["images"].append(copy.deepcopy(c["images"][1])), f"{B} occurs twice"),
    "two people in a picture": (
        lambda c: c["annotations"].append(copy.deepcopy(person(c))), f"{B}.*two annotations"
    ),
    "an id as a text, the other as a number": (
        lambda c: [entry.update(image_id=str(entry["image_id"])) for entry in c["annotations"]],
        f"2 of 2 pictures have no label.*{A}.*image_id.*text",
    ),
    "only a crowd": (lambda c: person(c).update(iscrowd=1), f"1 of 2.*{B}.*only annotation is .*iscrowd.*1 in all"),
    "only another category": (
        lambda c: [c["categories"].append({"id": 2, "name": "cat"}), person(c).update(category_id=2)],
        f"1 of 2.*{B}.*only annotation is .*categor.*1 in all",
    ),
    "a category's id as a text, the other as a number": (
        lambda c: c["categories"][0].update(id="1"),
        f"2 of 2.*{A}: the id of its category in categories.. is the text '1', its category_id in annotations.. is 1",
    ),
    # coordinates
    "twice as large and more": (scaled(4), f"{A}.*lies at.*64 x 128"),
    "of one picture only": (scaled(40, slice(1, 2)), f"{B}.*lies at.*64 x 128"),
    "far to the left": (moved(-200, 0), f"{A}.*nose lies at|{A}.*lies at"),
    "within 0 to 1": (normalised(), f"{A}.*0.*1.*pixels"),
    "within 0 to 1 in one picture": (normalised(slice(1, 2)), f"{B}.*0.*1.*pixels"),
    "x within 0 to 1": (normalised(slice(1, 2), height=1), f"{B}.*all x coordinates .* -1 and 1.*width .* is 64"),
    "y within 0 to 1": (normalised(width=1), f"{A}.*all y coordinates .* -1 and 1, but not all x.*height .* is 128"),
    "within -1 to 1": (normalised(low=-1), f"{A}.*1.*pixels"),
    "all zero and visible": (keypoints([0, 0, 2] * 17), f"{B}.*0.*1.*pixels"),
    "y before x": (exchanged, "outside.*y before x"),
    "of the whole photograph": (moved(60, 0), "outside"),
    # texts for numbers
    "a text for a number": (at("12", 3), f"keypoints of {B}.*text '12' for x of left_eye"),
    "texts for all numbers": (lambda c: keypoints([str(v) for v in stood(1)])(c), f"keypoints of {B}.*text"),
    "one text with all numbers": (keypoints(" ".join(map(str, stood(1)))), f"keypoints of {B}.*text"),
    "true for a number": (at(True, 3), f"keypoints of {B}.*true for x of left_eye"),
    "null for a number": (at(None, 4), f"keypoints of {B}.*null for y of left_eye"),
    "a number of 400 digits": (at(10**400, 3), f"keypoints of {B}.*left_eye"),
    "infinity": (at(float("inf"), 3), f"keypoints of {B}.*left_eye"),
    "a text for a width": (lambda c: c["images"][1].update(width="64"), f"{B}.*width.*text '64'"),
    "a text for a mask's size": (
        lambda c: person(c)["segmentation"].update(size=["128", "64"]), f"segmentation of {B}.*size"
    ),
    # other forms of keypoints
    "a confidence for a visibility": (at(0.87, 5), f"keypoints of {B}.*0.87 for visibility of left_eye.*confidence"),
    "no visibilities": (keypoints([5.0] * 34), f"keypoints of {B}.*34"),
    "a whole body of 133": (keypoints([5, 5, 2] * 133), f"keypoints of {B}.*399"),
    "coordinate by coordinate": (
        lambda c: keypoints(np.reshape(stood(1), (17, 3)).T.tolist())(c), f"keypoints of {B}.*17 times"
    ),
    "by name": (keypoints({"nose": [1, 2, 2]}), f"keypoints of {B}.*object"),
    "nothing": (keypoints(None), f"keypoints of {B}"),
    "left and right exchanged": (order(*LEFT_RIGHT), "categories.*right_eye.*left_eye|categories.*left_eye.*right_eye"),
    "another order": (order(*reversed(JOINTS)), "categories.*right_ankle.*nose|categories.*nose.*right_ankle"),
    # entries that lack something
    "no id": (drop("images", 1, "id"), f"images.*{B}.*id"),
    "no height": (drop("images", 1, "height"), f"{B}.*height"),
    "no file_name": (drop("images", 1, "file_name"), r"images\[1\].*file_name"),
    "no image_id": (drop("annotations", 1, "image_id"), r"annotations\[1\].*image_id"),
    "no keypoints": (drop("annotations", 1, "keypoints"), f"{B}.*keypoints"),
    **{
        f"{name} that hold {each!r}": (
            lambda c, name=name, each=each: c[name].append(each), rf"{name}\[{place}\][^(]*{expected}"
        )
        for name, place, expected in (
            ("images", 2, "text"), ("annotations", 2, "text"), ("categories", 1, "expected an object")
        )
        for each in (None, 3, "x", [1])
    },
    "categories that are a text": (lambda c: c.update(categories="person"), "categories is the text 'person'"),
    "a category whose id is a list": (lambda c: c["categories"][0].update(id=[1]), r"categories\[0\].*id is a list"),
    "a category_id that is a list": (lambda c: person(c).update(category_id=[1]), r"annotations\[1\].*category_id"),
    # masks of other programs
    "polygons": (no_polygon([[1, 2, 3, 4, 5, 6]]), f"segmentation of {A}.*got polygons.*optional.*remove"),
    "a compressed mask": (
        no_polygon({"size": [128, 64], "counts": "abc"}), f"segmentation of {A}.*compressed.*optional.*remove"
    ),
    "a mask of one person": (drop("annotations", 1, "segmentation"), f"1 of 2 .*no segmentation.*{B}.*optional"),
    "an image that is a text": (lambda c: c["images"].insert(0, A), r"images\[0\]"),
    "an annotation that is a list": (lambda c: c["annotations"].insert(0, [1]), r"annotations\[0\]"),
    "a file_name that is a number": (lambda c: c["images"][1].update(file_name=3), r"images\[1\].*file_name"),
    "an id that is a list": (lambda c: c["images"][1].update(id=[1]), f"{B}.*id"),
    # names that do not match
    "names without their folder": (
        renamed(lambda name: name.rpartition("/")[2]), f"2 of 2.*{A}.*'0001_c1s1_000000_00.jpg'"
    ),
    "names of Windows": (renamed(lambda name: name.replace("/", "\\")), rf"2 of 2.*{A}.*bounding_box_train.*\\"),
    "names in capitals": (renamed(str.upper), f"2 of 2.*{A}.*'BOUNDING_BOX_TRAIN/0001_C1S1_000000_00.JPG'"),
    "names of other pictures": (renamed(lambda name: "coco/" + name[22:]), f"2 of 2.*{A}.*'coco/1_c1"),
    "no image at all": (lambda c: c.update(images=[]), f"2 of 2.*{A}.*no images"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_labels_that_are_wrong_are_refused_with_file_and_entry(root, case):
    change, message = WRONG[case]
    labels = content()
    change(labels)
    path = put(root, labels)
    with pytest.raises(LabelError, match=f"(?s){path}.*({message})") as caught:
        load(root)
    assert len(str(caught.value)) < 900 and "\n" not in str(caught.value)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """Every place in what JSON holds, as the keys that lead there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


ANYTHING = st.sampled_from([None, True, 0, -1, 3.5, 1e30, 10**400, float("nan"), "", "1", [], {}, [1], {"id": 1}, [[]]])


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_other_value_anywhere_is_a_label_error_or_makes_no_difference(data, tmp_path_factory):
    labels = content()
    place = data.draw(st.sampled_from([each for each in places(labels) if each and len(each) < 6]))
    inner = labels
    for key in place[:-1]:
        inner = inner[key]
    if data.draw(st.booleans()):
        inner[place[-1]] = data.draw(ANYTHING)
    else:
        del inner[place[-1]]
    path = tmp_path_factory.mktemp("labels") / "train.json"
    path.write_text(json.dumps(labels))
    try:
        found = read_labels(path, [A, B], np.array([[128, 64]] * 2), (128, 64))
    except LabelError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    else:
        assert found.joints.isfinite().all() and found.joints.abs().max() < 300


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a" * 16 + b"\nsize 97872736\n"
NO_LABELS: dict[str, tuple[bytes, str]] = {
    "results of a detector": (json.dumps(content()["annotations"]).encode(), "list.*images.*annotations"),
    "a number": (b"3", "images.*annotations"),
    "a pointer of Git LFS": (LFS, "Git LFS.*git lfs pull"),
    "gzip": (gzip.compress(json.dumps(content()).encode()), "gzip"),
    "a web page": (b"<!DOCTYPE html><html></html>", "web page"),
    "nothing": (b"", "empty"),
    "half a file": (json.dumps(content()).encode()[:-40], "JSON"),
    "one entry a line": (b'{"id": 1}\n{"id": 2}\n', "JSON"),
    "a table": (b"name,x,y\na.jpg,3,4\n", "JSON"),
    "not Unicode": (b'{"images": "\xe9"}', "JSON"),
}


@pytest.mark.parametrize("case", NO_LABELS)
def test_a_file_without_labels_is_named_as_what_it_is(root, case):
    raw, message = NO_LABELS[case]
    path = root / "annotations" / "train.json"
    path.write_bytes(raw)
    with pytest.raises(LabelError, match=f"(?s){path}.*({message})") as caught:
        load(root)
    assert "\n" not in str(caught.value)


# A file of labels that is not read is pointed at.


@pytest.mark.parametrize(
    "name",
    [
        "annotations/Train.json", "annotations/train.JSON", "annotations/train.json.txt", "annotations/train (1).json",
        "annotations/train.json.gz", "annotations/train_keypoints.json", "annotations/person_keypoints_train2017.json",
        "annotations/trian.json", "annotations/training.json", "annotations/bounding_box_train.json",
        "annotation/train.json", "Annotations/train.json", "labels/train.json", "train.json", "annotations/.train.json",
        "annotations/instances_default.json", "annotations/result.json", "annotations/project-1-at-2024.json",
        "annotations/_annotations.coco.json", "bounding_box_train/_annotations.coco.json", "annotations.json",
        "labels/labels.json", "annotations/person_keypoints_default.json",
    ],
)  # fmt: skip
def test_a_label_file_under_a_near_name_is_pointed_at(root, name, caplog):
    put(root, content(), name)
    assert load(root).joints is None
    (record,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert name in record.getMessage() and "annotations/train.json" in record.getMessage()


@pytest.mark.parametrize("name", [
    "annotations/train.csv", "annotations/train.txt", "annotations/annotations.xml", "labels/Train.CSV",
    "annotations/0001_c1s1_000000_00.xml",
])  # fmt: skip
def test_labels_of_another_form_are_pointed_at(root, name, caplog):
    put(root, content(), name)
    assert load(root).joints is None
    (record,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert f"{name} is not read" in record.getMessage() and "convert it to COCO keypoints" in record.getMessage()


def test_it_is_pointed_at_once_a_file(root, caplog):
    put(root, content(), "train.json")
    for _ in range(3):
        load(root)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("name", ["query", "gallery", "val"])
def test_the_test_split_has_one_file_of_labels(root, name, caplog):
    for part in ("bounding_box_test", "query"):
        os.makedirs(root / part)
        os.replace(root / (A if part == "query" else B), root / part / "0001_c1s1_000000_00.jpg")
    put(root, content(), f"annotations/{name}.json")
    assert load(root, "test").joints is None
    assert f"{name}.json" in caplog.text and "annotations/test.json" in caplog.text


@pytest.mark.parametrize("name", [
    "manifest.json", "annotations/test.json", "annotations/truth.json", "notes.json",
    "annotations/person_keypoints_val2017.json", "query/_annotations.coco.json", "annotations/test.csv",
    "annotations/README.txt", "annotations/README.md", "annotations/instances_test.json", "train.txt", "list_train.txt",
])  # fmt: skip
def test_nothing_is_said_of_other_files(root, name, caplog):
    put(root, content(), name)
    assert load(root).joints is None and not caplog.records


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links here")
def test_a_broken_link_and_a_folder_are_no_missing_labels(root):
    path = root / "annotations" / "train.json"
    os.symlink(root / "nowhere.json", path)
    with pytest.raises(LabelError, match=r"train\.json.*link"):
        load(root)
    path.unlink()
    path.mkdir()
    with pytest.raises(LabelError, match=r"train\.json.*folder"):
        load(root)


# True swaps.

G, Q, H = "bounding_box_test/0001_c1s1_000000_00.jpg", "query/0001_c2s1_000000_00.jpg", "query/0002_c1s1_000000_00.jpg"
T1, T2 = "truth/a.png", "truth/b.png"


@pytest.fixture
def swaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three pictures of two people, two true swaps and their labels."""
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "people"
    for name in (G, Q, H, T1, T2):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 128)).save(root / name)
    labels = content()
    labels["images"] = [image | {"file_name": name} for image, name in zip(labels["images"], (T1, T2), strict=True)]
    put(root, labels, "annotations/truth.json")
    return root


def table(root: Path, text: str, encoding: str = "utf-8") -> Path:
    path = root / "truth" / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "text",
    [
        f"from,to,picture\n{G},{H},{T1}\n{H},{Q},{T2}\n",
        f"from;to;picture\r\n{G};{H};{T1}\r\n{H};{Q};{T2}\r\n",
        f"from\tto\tpicture\n{G}\t{H}\t{T1}\n{H}\t{Q}\t{T2}\n",
        f"sep=;\nfrom;to;picture\n{G};{H};{T1}\n{H};{Q};{T2}\n",
        f"from, to, picture\n{G}, {H}, {T1}\n{H}, {Q}, {T2}\n",
        f'"from","to","picture"\n"{G}","{H}","{T1}"\n"{H}","{Q}","{T2}"\n',
        f"picture,note,to,from\n{T1},x,{H},{G}\n{T2},,{Q},{H}\n",
    ],
)
def test_tables_of_true_swaps_as_spreadsheets_write_them(swaps, text, encoding):
    table(swaps, text, encoding)
    truth = load_truth(swaps)
    files = truth.people.files
    assert [(files[a], files[b]) for a, b in zip(truth.source, truth.target, strict=True)] == [(G, H), (H, Q)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"from,to,picture\n{G},{H},{T1}\n{G},{G},{T2}\n", "line 3: .*from.*to.*same picture"),
        (f"from,to,picture\n{G},{H},{T1}\n{G},{H},{T2}\n", "line 3: .*twice.*line 2"),
        (f"from,to,picture\n{G},{H},{T1}\n{H},{G},{T1}\n", f"line 3: .*{T1}.*twice.*line 2"),
        (f"from,to,picture\n\n{G},{H},{T1}\n{G},nobody.jpg,{T2}\n", "line 4: 'nobody.jpg'"),
        (f"from,to,picture\n{G[18:]},{H},{T1}\n", f"line 2: '{G[18:]}' .*'{G}'"),
        (f"from,to,picture\n{G},{H},truth\\a.png\n", r"line 2: 'truth\\\\a.png'.*/"),
        (f"from,to,picture\n{G},{H},..\\..\\secret.png\n", "line 2: "),
        (f"from,to,picture\n{G},{H},C:\\secret.png\n", "line 2: "),
        (f"from|to|picture\n{G}|{H}|{T1}\n", r"columns from,to,picture.*from\|to\|picture"),
        (f"source,target,picture\n{G},{H},{T1}\n", "columns from,to,picture.*source,target,picture"),
        (f"from,to,picture\n{G},{H}\n", "line 2: expected three entries"),
        (f"from,to,picture\n{G},{H},{T1},more\n", "line 2: expected three entries"),
    ],
)  # fmt: skip
def test_tables_of_true_swaps_that_are_wrong(swaps, text, message):
    path = table(swaps, text)
    with pytest.raises(ValueError, match=f"(?s){path}.*({message})"):
        load_truth(swaps)


def test_a_table_of_true_swaps_that_is_no_table(swaps):
    path = swaps / "truth" / "pairs.csv"
    for raw, message in ((LFS, "Git LFS"), (b"PK\x03\x04" + bytes(40), "ZIP|Excel"), (b"\xe9\xff", "UTF-8")):
        path.write_bytes(raw)
        with pytest.raises(ValueError, match=f"(?s){path}.*({message})"):
            load_truth(swaps)


def test_labels_of_true_swaps_under_a_near_name_are_pointed_at(swaps):
    table(swaps, f"from,to,picture\n{G},{H},{T1}\n{H},{Q},{T2}\n")
    os.replace(swaps / "annotations" / "truth.json", swaps / "annotations" / "Truth.json")
    with pytest.raises(LabelError, match=r"truth\.json.*Truth\.json"):
        load_truth(swaps)


# Body maps.


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """A data folder with the body maps of two pictures."""
    for part in ("query", "body_maps"):
        (tmp_path / "data" / part).mkdir(parents=True)
    write_maps(tmp_path / "data", "test", 2, files=np.array(["query/a.jpg", "query/b.jpg"]), whole=np.ones(2, bool))
    return tmp_path / "data"


def write_maps(root: Path, name: str, count: int, **facts: np.ndarray) -> None:
    (root / "body_maps" / f"{name}.png").write_bytes(encode_body_maps(np.zeros((count, 64, 32, 3), np.float32)))
    np.savez(root / "body_maps" / f"{name}.npz", **facts)


def test_body_maps_of_other_names_show_one_of_each_side(maps):
    with pytest.raises(LabelError, match=r"no body map of 1 of 1.*query/z\.jpg; .*'query/a\.jpg'"):
        load_body_labels(maps, "test", ("query/z.jpg",))
    with pytest.raises(LabelError, match=r"bounding_box_test/b\.jpg; .*'query/b\.jpg'"):
        load_body_labels(maps, "test", ("bounding_box_test/b.jpg",))


def test_a_picture_with_two_body_maps_is_named(maps):
    write_maps(maps, "test", 2, files=np.array(["query/a.jpg"] * 2), whole=np.ones(2, bool))
    with pytest.raises(LabelError, match=r"query/a\.jpg.*twice"):
        load_body_labels(maps, "test", ("query/a.jpg",))


@pytest.mark.parametrize(
    ("shape", "mode", "message"),
    [((64, 64), "RGB", "64 x 64"), ((128, 32), "RGBA", "RGBA"), ((384, 32), "L", "L")],
)
def test_body_maps_of_another_shape(maps, shape, mode, message):
    Image.new(mode, shape[::-1]).save(maps / "body_maps" / "test.png")
    with pytest.raises(LabelError, match=f"test.png.*{message}"):
        load_body_labels(maps, "test", ("query/a.jpg",))


@pytest.mark.parametrize("suffix", [".png", ".npz"])
def test_body_maps_that_are_something_else(maps, suffix):
    for raw, message in ((LFS, "Git LFS"), (gzip.compress(b"a"), "gzip"), (b"", "empty")):
        (maps / "body_maps" / f"test{suffix}").write_bytes(raw)
        with pytest.raises(LabelError, match=f"(?s)test{suffix}.*{message}"):
            load_body_labels(maps, "test", ("query/a.jpg",))


def any_poses(count: int = 2) -> dict[str, np.ndarray]:
    return {
        "joints": np.full((count, 17, 2), 20, np.float16),
        "inside": np.ones((count, 17), bool),
        "persons": np.arange(count, dtype=np.int16) + 1,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joints": np.full((2, 17, 2), np.nan, np.float16)}, "joints.*finite"),
        ({"joints": np.full((2, 17, 2), 0.5, np.float16)}, "joints.*0.*1.*pixels"),
        ({"joints": np.full((2, 17, 2), 900, np.float16)}, "joints.*outside"),
        ({"persons": np.array(["1", "2"])}, "persons"),
    ],
)
def test_bodies_in_any_pose_whose_joints_are_wrong(maps, change, message):
    write_maps(maps, "any_pose", 2, **any_poses())
    assert load_any_poses(maps).persons.tolist() == [1, 2]
    write_maps(maps, "any_pose", 2, **any_poses() | change)
    with pytest.raises(LabelError, match=f"any_pose.npz.*{message}"):
        load_any_poses(maps)


@pytest.mark.parametrize("rows", [[0, 0, 10], [0, 10, 10, 0], [0, 0, 0, 0], [-1, -1, 3, 3]])
def test_true_maps_that_belong_to_no_swaps(maps, rows):
    write_maps(maps, "truth", 4, rows=np.array([0, 0, 10, 10], np.int16))
    assert load_true_maps(maps)[0].tolist() == [0, 10]
    write_maps(maps, "truth", len(rows), rows=np.array(rows, np.int16))
    with pytest.raises(LabelError, match="truth.npz.*rows"):
        load_true_maps(maps)


def test_visibilities_that_are_all_zero_are_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    labels = content()
    for entry in labels["annotations"]:
        entry["keypoints"][2::3] = 17 * [0]
    put(root, labels)
    with caplog.at_level(logging.WARNING):
        load(root, "train", cache=False)
    assert any("every keypoint has the visibility 0" in message for message in caplog.messages)


def test_joints_of_another_skeleton_are_not_taken_for_cocos(root: Path) -> None:
    labels = content()
    labels["categories"][0]["keypoints"] = ["pelvis", "right_hip", "right_knee", "right_ankle", *17 * ["other"]][:17]
    put(root, labels)
    with pytest.raises(LabelError, match="keypoint 1 is right_hip, expected left_eye: the order of COCO"):
        load(root, "train", cache=False)
