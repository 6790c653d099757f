"""COCO labels: run lengths, joints, and every way in which a label file can be wrong."""

from __future__ import annotations

import copy
import json
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from momi_lib.data import LabelError, load, load_truth
from momi_lib.data.labels import decode_masks, encode_mask


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_masks_survive_the_round_trip(data):
    rows, columns, n = (data.draw(st.integers(1, 9)) for _ in range(3))
    bits = data.draw(st.lists(st.booleans(), min_size=n * rows * columns, max_size=n * rows * columns))
    masks = np.array(bits).reshape(n, rows, columns)
    codes = [encode_mask(mask) for mask in masks]
    assert all(
        sum(code["counts"]) == rows * columns and min(code["counts"][1:], default=1) > 0 for code in codes
    )
    assert (decode_masks([code["counts"] for code in codes], (rows, columns)) == masks).all()


def test_masks_run_down_the_columns_background_first():
    mask = np.zeros((4, 3), dtype=bool)
    mask[1:3, 0] = mask[0, 2] = True
    assert encode_mask(mask) == {"size": [4, 3], "counts": [1, 2, 5, 1, 3]}
    assert encode_mask(~mask)["counts"][0] == 0
    assert (decode_masks([[1, 2, 5, 1, 3]], (4, 3))[0] == mask).all()
    assert (decode_masks([[1, 0, 0, 2, 5, 1, 3]], (4, 3))[0] == mask).all()  # empty runs are allowed


def test_1800_masks_decode_well_below_a_second():
    y, x = np.mgrid[:128, :64]
    wavy = (x - 32) ** 2 * 4 + (y - 64) ** 2 + 400 * np.sin(x * y) < 3000
    counts = [encode_mask(wavy)["counts"]] * 1800
    times = []
    for _ in range(3):  # of this process alone: the machine may be busy with something else
        start = time.process_time()
        masks = decode_masks(counts, (128, 64))
        times.append(time.process_time() - start)
    assert min(times) < 0.5
    assert (masks == wavy).all()


@pytest.mark.parametrize("runs", [[5], [5, 8], [-1, 13], [6.0, 6], [True, 11], "12", None, [[12]]])
def test_run_lengths_that_do_not_fit_are_refused(runs):
    with pytest.raises(LabelError, match=r"mask of a\.jpg"):
        decode_masks([runs], (4, 3), ["a.jpg"])


@pytest.fixture
def labelled(tmp_path, monkeypatch):
    """Two pictures of one person in each folder, two true swaps, and labels of all of them."""
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "people"
    for split, parts in (
        ("train", ["bounding_box_train"]),
        ("test", ["bounding_box_test", "query"]),
        ("truth", ["truth"]),
    ):
        images, annotations = [], []
        for part in parts:
            (root / part).mkdir(parents=True, exist_ok=True)
            for index in range(2):
                name = f"{part}/{index + 1:04d}_c1s1_00000{index}_00.jpg"
                Image.new("RGB", (64, 128), (40 * index, 0, 0)).save(root / name)
                mask = np.zeros((128, 64), dtype=bool)
                mask[10:20, 5 + index : 9] = True
                number = len(images) + 1
                images.append({"id": number, "file_name": name, "width": 64, "height": 128})
                keypoints = [value for k in range(17) for value in (k + index, 2 * k + 0.25, k % 3)]
                annotations.append(
                    {
                        "image_id": number,
                        "category_id": 1,
                        "keypoints": keypoints,
                        "segmentation": encode_mask(mask),
                    }
                )
        annotations.reverse()  # the order of a label file means nothing
        (root / "annotations").mkdir(exist_ok=True)
        content = {"images": images, "annotations": annotations, "categories": [{"id": 1}]}
        (root / "annotations" / f"{split}.json").write_text(json.dumps(content))
    gallery, query = (f"{part}/0001_c1s1_000000_00.jpg" for part in ("bounding_box_test", "query"))
    (root / "truth" / "pairs.csv").write_text(
        f"from,to,picture\n{gallery},{query},truth/0002_c1s1_000001_00.jpg\n"
        f"{query},{gallery},truth/0001_c1s1_000000_00.jpg\n"
    )
    return root


def test_labels_follow_their_pictures(labelled):
    people = load(labelled)
    assert people.joints.shape == (2, 17, 2) and people.joints.dtype == torch.float32
    assert people.joints[1, 4].tolist() == [5.0, 8.25]
    assert people.visibility.dtype == torch.uint8 and people.visibility[0, :4].tolist() == [0, 1, 2, 0]
    assert people.masks.shape == (2, 128, 64) and people.masks.dtype == torch.bool
    assert people.masks.sum((1, 2)).tolist() == [40, 30] and bool(people.masks[1, 10, 6])
    assert people.select([1]).joints[0, 4].tolist() == [5.0, 8.25]
    assert len(load(labelled, "query").joints) == 2 and len(load(labelled, "test").masks) == 4


def test_resized_pictures_take_their_joints_and_masks_along(labelled):
    half = load(labelled, size=(64, 32))
    x, y = half.joints[1, 4].tolist()
    assert (x, y) == ((5 + 0.5) / 2 - 0.5, (8.25 + 0.5) / 2 - 0.5)
    assert half.masks.shape == (2, 64, 32)
    double = load(labelled, size=(256, 128))
    assert torch.equal(double.masks[:, ::2, ::2], load(labelled).masks)
    assert double.masks.sum((1, 2)).tolist() == [160, 120]


def test_one_picture_of_another_size_is_scaled_by_its_own(labelled, caplog):
    path = labelled / "annotations" / "train.json"
    content = json.loads(path.read_text())
    image = content["images"][1]
    image.update(width=32, height=32)
    Image.new("RGB", (32, 32)).save(labelled / image["file_name"])
    entry = next(e for e in content["annotations"] if e["image_id"] == image["id"])
    entry["segmentation"] = encode_mask(np.eye(32, dtype=bool))
    path.write_text(json.dumps(content))
    people = load(labelled)
    assert people.joints[0, 4].tolist() == [4.0, 8.25]
    assert people.joints[1, 4].tolist() == [(5 + 0.5) * 2 - 0.5, (8.25 + 0.5) * 4 - 0.5]
    assert int(people.masks[1].sum()) == 32 * 2 * 4 and len(caplog.records) == 1


def test_without_a_label_file_or_masks(labelled):
    path = labelled / "annotations" / "train.json"
    content = json.loads(path.read_text())
    for entry in content["annotations"]:
        del entry["segmentation"]
    path.write_text(json.dumps(content))
    people = load(labelled)
    assert people.masks is None and people.joints is not None
    path.unlink()
    assert load(labelled).joints is None


def _drop(content, *keys):
    part = content
    for key in keys[:-1]:
        part = part[key]
    del part[keys[-1]]


def _put(content, value, *keys):
    part = content
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value


RLE = ("annotations", 0, "segmentation")
WRONG = {
    "a picture without annotation": (
        lambda c: _drop(c, "annotations", 0),
        "1 of 2 pictures have no label.*0002",
    ),
    "a picture not listed": (lambda c: _drop(c, "images", 0), "1 of 2 pictures have no label.*0001"),
    "no images": (lambda c: _drop(c, "images"), "not COCO keypoints.*images"),
    "images is no list": (lambda c: _put(c, 3, "images"), "not COCO keypoints"),
    "annotations of text": (lambda c: _put(c, ["a"], "annotations"), "not COCO keypoints"),
    "no keypoints": (lambda c: _drop(c, "annotations", 0, "keypoints"), "not COCO keypoints.*keypoints"),
    "two annotations": (
        lambda c: c["annotations"].append(copy.deepcopy(c["annotations"][0])),
        "two annotations",
    ),
    "a picture twice": (lambda c: c["images"].append(c["images"][0]), "occurs twice"),
    "another width": (lambda c: _put(c, 63, "images", 1, "width"), "0002.*labelled as"),
    "16 joints": (lambda c: _put(c, [1, 1, 2] * 16, "annotations", 0, "keypoints"), "keypoints of .*0002"),
    "not a number": (
        lambda c: _put(c, float("nan"), "annotations", 0, "keypoints", 3),
        "keypoints of .*0002",
    ),
    "text": (lambda c: _put(c, "left", "annotations", 0, "keypoints", 3), "keypoints of .*0002"),
    "visibility 3": (lambda c: _put(c, 3, "annotations", 0, "keypoints", 2), "keypoints of .*0002"),
    "one mask missing": (lambda c: _drop(c, *RLE), "1 of 2 pictures have no segmentation.*0002"),
    "polygon": (lambda c: _put(c, [[1, 2, 3, 4, 5, 6]], *RLE), "0002.*uncompressed"),
    "compressed": (lambda c: _put(c, "abc", *RLE, "counts"), "0002.*uncompressed"),
    "mask size": (lambda c: _put(c, [64, 128], *RLE, "size"), "segmentation of .*0002.*size"),
    "counts": (lambda c: _put(c, [1, 2], *RLE, "counts"), "0002.*add up to 3"),
    "huge counts": (lambda c: _put(c, [10**30], *RLE, "counts"), "0002.*add up"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_label_file_that_is_wrong_is_named_and_the_entry_too(labelled, case):
    change, message = WRONG[case]
    path = labelled / "annotations" / "train.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(LabelError, match=message) as caught:
        load(labelled)
    assert isinstance(caught.value, ValueError) and str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_label_file_that_is_no_json_object_is_named(labelled, content):
    path = labelled / "annotations" / "train.json"
    path.write_bytes(content)
    with pytest.raises(LabelError, match=r"train\.json"):
        load(labelled)


def test_truth(labelled):
    truth = load_truth(labelled)
    assert len(truth) == 2 and truth.people.split == "test"
    assert truth.people.files[truth.source[0]] == "bounding_box_test/0001_c1s1_000000_00.jpg"
    assert truth.people.files[truth.target[0]] == "query/0001_c1s1_000000_00.jpg"
    assert truth.source.dtype == truth.target.dtype == torch.int64
    assert truth.pictures.shape == (2, 3, 128, 64) and truth.masks.shape == (2, 128, 64)
    assert int(truth.pictures[0, 0].min()) > 30 > int(truth.pictures[1, 0].max())  # in the table's order
    assert truth.joints[:, 4, 0].tolist() == [5.0, 4.0] and truth.visibility.shape == (2, 17)
    assert load_truth(labelled, size=(64, 32)).masks.shape == (2, 64, 32)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "columns from,to,picture"),
        ("a,b\n1,2\n", "columns from,to,picture"),
        ("from,to,picture\n", "one row a swap"),
        ("from,to,picture\nquery/0001_c1s1_000000_00.jpg\n", "line 2: expected three"),
        ("from,to,picture\nnobody.jpg,query/0001_c1s1_000000_00.jpg,truth/a.jpg\n", "line 2: 'nobody.jpg'"),
        ("from,to,picture\na.jpg,b.jpg,../secret.jpg\n", "no path inside"),
        ("from,to,picture\na.jpg,b.jpg,/etc/passwd\n", "no path inside"),
    ],
)
def test_a_table_of_swaps_that_is_wrong_is_named(labelled, table, message):
    path = labelled / "truth" / "pairs.csv"
    path.write_text(table)
    with pytest.raises(ValueError, match=message) as caught:
        load_truth(labelled)
    assert str(path) in str(caught.value)


def test_truth_that_is_not_there(labelled):
    picture = labelled / "truth" / "0001_c1s1_000000_00.jpg"
    content = picture.read_bytes()
    picture.unlink()
    with pytest.raises(ValueError, match="truth/0001"):
        load_truth(labelled)
    picture.write_bytes(content)
    (labelled / "annotations" / "truth.json").unlink()
    with pytest.raises(LabelError, match=r"truth\.json"):
        load_truth(labelled)
    (labelled / "truth" / "pairs.csv").unlink()
    with pytest.raises(FileNotFoundError, match="true swaps are known of rendered people alone"):
        load_truth(labelled)
