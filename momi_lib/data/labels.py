"""Labels: joints, visibility and masks from a COCO keypoints file.

One file labels all pictures of a split; Market-1501 has none. A mask is COCO's uncompressed run-length
encoding: the picture read column by column, runs of background and of person in turn, background first.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from momi_lib.files import likest, what_is
from momi_lib.skeleton import JOINTS

__all__ = [
    "LabelError",
    "Labels",
    "check_places",
    "decode_masks",
    "encode_mask",
    "read_labels",
]

log = logging.getLogger(__name__)
NOT_COCO = (
    "not COCO keypoints ({}). Expected images[] with id, file_name, width, height and annotations[] with image_id, "
    "keypoints."
)
MASKS = (
    "Masks are optional except for true swaps: remove segmentation from all annotations, or give each of them an "
    "uncompressed one."
)
#: How often a joint may lie outside of its picture before all labels are doubted: in their units, and turned around.
MOST_OUTSIDE, TURNED_OUTSIDE = 0.5, 0.1


class LabelError(ValueError):
    """A label file does not fit its pictures or its form; the message names the file and the entry."""


class Labels(NamedTuple):
    """joints (N, 17, 2) float32 in pixels, visibility (N, 17) uint8 0/1/2, masks (N, H, W) bool or None."""

    joints: Tensor
    visibility: Tensor
    masks: Tensor | None


def encode_mask(mask: np.ndarray) -> dict[str, list[int]]:
    """A mask (H, W) as COCO's uncompressed run-length encoding.

    >>> encode_mask(np.array([[0, 1], [0, 1], [1, 1]], dtype=bool))
    {'size': [3, 2], 'counts': [2, 4]}
    """
    flat = np.asarray(mask, dtype=bool).T.ravel()
    changes = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return {"size": list(mask.shape), "counts": [0, *runs] if flat.size and flat[0] else runs}


def decode_masks(
    counts: Sequence[Sequence[int]], size: tuple[int, int], names: Sequence[str] | None = None
) -> np.ndarray:
    """Masks (N, H, W) from the run lengths of N masks of one size, all at once.

    Raises LabelError for runs that are no counts or do not add up to H * W; it names the mask by `names`, or
    by its index.

    >>> decode_masks([[2, 4]], (3, 2)).astype(int).tolist()
    [[[0, 1], [0, 1], [1, 1]]]
    """
    rows, columns = size
    for index, runs in enumerate(counts):
        name = names[index] if names else str(index)
        # A bool is an int to isinstance(); type() is exact, and fast.
        if not isinstance(runs, list) or any(type(run) is not int or run < 0 for run in runs):
            raise LabelError(f"mask of {name}: expected run lengths, a list of integers from 0.")
        if sum(runs) != rows * columns:
            raise LabelError(f"mask of {name}: its runs add up to {sum(runs)}, expected {rows} x {columns}.")
    lengths = np.array([len(runs) for runs in counts], dtype=np.int64)
    flat_runs = np.fromiter((run for runs in counts for run in runs), dtype=np.int64, count=lengths.sum())
    # Every mask starts with background: a run is person where its place within its mask is odd.
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    person = (np.arange(len(flat_runs)) - first) % 2 == 1
    flat = np.repeat(person, flat_runs)
    return np.ascontiguousarray(flat.reshape(len(counts), columns, rows).transpose(0, 2, 1))


def read_labels(path: Path, files: Sequence[str], sizes: np.ndarray, size: tuple[int, int]) -> Labels:
    """Labels of `files` from a COCO keypoints file.

    Coordinates are (x, y), pixel centres at integers. Where a picture was resized its joints and mask follow:
    x' = (x + 0.5) * W / w - 0.5. A joint of visibility 0 has no place: its coordinates mean nothing. Annotations of a
    crowd (``iscrowd``) and of categories other than the person are passed over. The file may be UTF-8, 16 or 32, with
    a byte order mark or without.

    Args:
        files: picture names, as `file_name` in the label file has them.
        sizes: (N, 2) rows and columns that the files have on disk.
        size: rows and columns that the pictures have now.

    Raises LabelError for what is malformed, missing, ambiguous (an id or a name twice) or does not fit the pictures:
    texts for numbers, coordinates that lie outside of the picture by more than its size, and those that are fractions
    of the picture. Labels of other pictures are not looked at.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "labels.json"
    >>> entry = {"image_id": 1, "keypoints": [2, 3, 2] + [0, 0, 0] * 16}
    >>> image = {"id": 1, "file_name": "a.jpg", "width": 4, "height": 8}
    >>> _ = path.write_text(json.dumps({"images": [image], "annotations": [entry]}))
    >>> read_labels(path, ["a.jpg"], np.array([[8, 4]]), (16, 8)).joints[0, 0]
    tensor([4.5000, 6.5000])
    """
    try:
        content = json.loads(path.read_bytes())  # notices the kind of Unicode by itself
    except (OSError, ValueError, RecursionError) as error:
        other = what_is(path, "JSON", "text")
        why = error if other is None else f"this is {other}"
        raise LabelError(f"{path}: expected a COCO keypoints file in JSON ({why}).") from error
    try:
        stated, entries = _match(content, files)
        for file, said, real in zip(files, stated, sizes.tolist(), strict=True):
            if said != real:
                raise LabelError(f"{file} is labelled as {said} rows and columns, the picture has {real}.")
        joints, visibility = _joints(files, [entry["keypoints"] for entry in entries])
        check_places(joints, visibility > 0, sizes[:, ::-1], [f"keypoints of {file}" for file in files])
        if not (visibility > 0).any() and (joints != 0).any():
            log.warning(
                "%s: every keypoint has the visibility 0, not labelled, so none of them counts; COCO's 2 is seen and 1 "
                "is hidden.", path
            )  # fmt: skip
        masks = _masks(files, entries, sizes, size)
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise LabelError(f"{path}: {NOT_COCO.format(f'{type(error).__name__}: {error}')}") from error
    scale = np.array(size) / sizes  # of rows and columns
    joints = (joints + 0.5) * scale[:, None, ::-1] - 0.5
    return Labels(torch.from_numpy(joints.astype(np.float32)), torch.from_numpy(visibility), masks)


def _match(content: Any, files: Sequence[str]) -> tuple[list[list[int]], list[dict[str, Any]]]:
    """The stated [rows, columns] and the one annotation of each file."""
    if not isinstance(content, dict):
        what = f"a {type(content).__name__}, as results of a detector are" if isinstance(content, list) else "no object"
        raise LabelError(NOT_COCO.format(f"the file holds {what}"))
    images, owners = _images(content), {}
    for name, image in images.items():
        owner = owners.setdefault(_key(image, "id", name), name)
        if owner != name:
            raise LabelError(f"{owner} and {name} in images[] both have the id {image['id']}, expected one each.")
    persons = _person_categories(_categories(content))
    entries, skipped = _annotations(content, owners, set(files), persons)
    missing = [file for file in files if file not in images or images[file]["id"] not in entries]
    if missing:
        raise LabelError(_missing(missing, len(files), images, entries, skipped, persons))
    for category in _categories(content):
        _check_order(category)
    chosen = [(file, images[file]) for file in files]
    stated = [[_whole(image, side, file) for side in ("height", "width")] for file, image in chosen]
    return stated, [entries[image["id"]] for _, image in chosen]


def _images(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries of images[] by their file_name."""
    if not isinstance(content.get("images"), list):
        raise LabelError(NOT_COCO.format("it has no list images"))
    images: dict[str, dict[str, Any]] = {}
    for place, image in enumerate(content["images"]):
        if not isinstance(image, dict) or not isinstance(image.get("file_name"), str):
            raise LabelError(NOT_COCO.format(f"images[{place}] has no file_name that is a text"))
        if images.setdefault(image["file_name"], image) is not image:
            raise LabelError(f"{image['file_name']} occurs twice in images[], expected once.")
    return images


def _key(entry: dict[str, Any], name: str, of: str) -> int | float | str:
    """An id, a number or a text."""
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise LabelError(f"images[]: {of} has no {name} that is a number or a text, got {_said(value)}.")
    return value


def _annotations(
    content: dict[str, Any], owners: dict[Any, str], wanted: set[str], persons: set[Any] | None
) -> tuple[dict[Any, dict[str, Any]], dict[Any, list[dict[str, Any]]]]:
    """The one annotation of a person of each image_id, and the others of each, which were passed over."""
    if not isinstance(content.get("annotations"), list):
        raise LabelError(NOT_COCO.format("it has no list annotations"))
    entries: dict[Any, dict[str, Any]] = {}
    skipped: dict[Any, list[dict[str, Any]]] = {}
    for place, entry in enumerate(content["annotations"]):
        if not isinstance(entry, dict) or not isinstance(entry.get("image_id"), (int, float, str)):
            raise LabelError(NOT_COCO.format(f"annotations[{place}] has no image_id that is a number or a text"))
        number = entry["image_id"]
        if not isinstance(entry.get("category_id"), (int, float, str, type(None))):
            raise LabelError(NOT_COCO.format(f"annotations[{place}] has a category_id that is no number and no text"))
        crowd = str(entry.get("iscrowd", 0)).casefold() in ("1", "true")
        if crowd or (persons is not None and "category_id" in entry and entry["category_id"] not in persons):
            skipped.setdefault(number, []).append(entry)
        elif entries.setdefault(number, entry) is not entry and owners.get(number) in wanted:
            raise LabelError(f"{owners[number]} (image_id {number}) has two annotations, expected one of one person.")
    for number, entry in entries.items():
        if owners.get(number) in wanted and "keypoints" not in entry:
            raise LabelError(NOT_COCO.format(f"the annotation of {owners[number]} has no keypoints"))
    return entries, skipped


def _categories(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of categories[], which may be missing."""
    categories = content.get("categories")
    if categories is None:
        return []
    if not isinstance(categories, list):
        raise LabelError(NOT_COCO.format(f"categories is {_said(categories)}, expected a list or nothing"))
    for place, each in enumerate(categories):
        if not isinstance(each, dict) or not isinstance(each.get("id"), (int, float, str, type(None))):
            got = f"its id is {_said(each['id'])}" if isinstance(each, dict) else f"got {_said(each)}"
            what = f"categories[{place}]: expected an object with an id that is a number or a text, {got}"
            raise LabelError(NOT_COCO.format(what))
    return categories


def _person_categories(categories: list[dict[str, Any]]) -> set[Any] | None:
    """The ids of the categories that are people; None where the categories do not say."""
    people = ("person", "people", "pedestrian", "human")
    ids = {each["id"] for each in categories if str(each.get("name")).casefold() in people and "id" in each}
    return ids or None


def _check_order(category: dict[str, Any]) -> None:
    """Refuse a category in which a joint of COCO stands at another place; other names say nothing."""
    told = category.get("keypoints")
    if not isinstance(told, list):
        return
    names = [re.sub(r"[^a-z]+", "_", str(name).casefold()).strip("_") for name in told]
    for place, (name, expected) in enumerate(zip(names, JOINTS, strict=False)):
        if name in JOINTS and name != expected:
            raise LabelError(f"categories[]: keypoint {place} is {name}, expected {expected}: the order of COCO.")


def _missing(
    missing: list[str], total: int, images: dict, entries: dict, skipped: dict, persons: set[Any] | None
) -> str:
    """What to say of pictures without a label."""
    first = missing[0]
    image = images.get(first)
    if image is None:
        near = likest(first, images)
        why = f"the file has, for example, {near!r}" if near is not None else "the file lists no images"
    elif image["id"] in skipped:
        passed, told = skipped[image["id"]], {str(each): each for each in persons or ()}
        why = (
            f"its only annotation{'s are' if len(passed) > 1 else ' is'} of a crowd (iscrowd) or of another category "
            f"({len(passed)} in all)"
        )
        for number in (each.get("category_id") for each in passed):
            if str(number) in told and number not in told.values():
                why = (
                    f"the id of its category in categories[] is {_said(told[str(number)])}, its category_id in "
                    f"annotations[] is {_said(number)}"
                )
    elif str(image["id"]) in map(str, entries):
        other = next(number for number in entries if str(number) == str(image["id"]))
        why = f"its id in images[] is {_said(image['id'])}, its image_id in annotations[] is {_said(other)}"
    else:
        why = "it is listed in images[], and no annotation has its id"
    return (
        f"{len(missing)} of {total} pictures have no label, the first is {first}: {why}. Label them under this name, "
        "or remove them, or move the label file away to go without labels."
    )


def _whole(image: dict[str, Any], side: str, file: str) -> int:
    value = image.get(side)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or value is None or not whole:
        raise LabelError(f"{file}: expected a {side} that is a whole number of pixels, got {_said(value)}.")
    return int(value)


def _said(value: Any) -> str:
    """A value of JSON as it is called there, not too long."""
    words = {str: f"the text {str(value)[:40]!r}", dict: "an object", list: "a list"}
    return words.get(type(value)) or ("null" if value is None else f"{value!r}"[:40].replace("True", "true"))


def _joints(files: Sequence[str], keypoints: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Joints (N, 17, 2) float64 and visibility (N, 17) uint8."""
    values = np.array([_numbers(file, one) for file, one in zip(files, keypoints, strict=True)], dtype=np.float64)
    values = values.reshape(len(files), len(JOINTS), 3)
    return values[..., :2], values[..., 2].astype(np.uint8)


def _numbers(file: str, given: Any) -> list[float]:
    """The 51 numbers of one person, given in one list or as 17 triples."""
    expected = f"keypoints of {file}: expected 17 times x, y, visibility (0, 1 or 2)"
    if not isinstance(given, list):
        raise LabelError(f"{expected}, got {_said(given)}.")
    flat = given
    if len(given) == len(JOINTS) and all(isinstance(each, list) and len(each) == 3 for each in given):
        flat = [value for triple in given for value in triple]
    if len(flat) != 3 * len(JOINTS):
        what = f"{len(flat)} lists" if flat and isinstance(flat[0], list) else f"{len(flat)} values"
        raise LabelError(f"{expected}, got {what}.")
    for place, value in enumerate(flat):
        joint, field = JOINTS[place // 3], ("x", "y", "visibility")[place % 3]
        # A bool is an int to isinstance(); type() is exact, and fast.
        if type(value) not in (int, float) or not abs(value) < 1e9:
            raise LabelError(f"{expected}, got {_said(value)} for {field} of {joint}.")
        if place % 3 == 2 and value not in (0, 1, 2):
            confidence = "; this looks like a confidence: state what can be seen" if 0 < value < 1 else ""
            raise LabelError(f"{expected}, got {_said(value)} for {field} of {joint}{confidence}.")
    return flat


def check_places(places: np.ndarray, known: np.ndarray, extents: np.ndarray, names: Sequence[str]) -> None:
    """Refuse joints that cannot be pixels of their pictures.

    Args:
        places: (N, 17, 2) x, y.
        known: (N, 17) bool, which joints have a place at all.
        extents: (N, 2) width, height of the pictures.
        names: how to call each of the N in a message.

    Raises LabelError where a joint lies outside of its picture by more than the picture's size, where all joints of a
    person (three and more) or of all people lie within -1 to 1, where this is so of x or of y alone for a person (six
    joints and more, with three values and more), and where most joints of all people lie outside: of other pictures, of
    a larger photograph, or y before x.

    >>> check_places(np.full((1, 17, 2), 0.5), np.ones((1, 17), bool), np.array([[64, 128]]), ["joints of a.jpg"])
    Traceback (most recent call last):
    ...
    momi_lib.data.labels.LabelError: joints of a.jpg: all coordinates lie between 0 and 1, expected pixels of 64 x 128.
    """
    box = extents[:, None, :]
    far = known & ((places < -box) | (places > 2 * box)).any(-1)
    small = (np.abs(places) <= 1).all(-1) & known & (box > 2).any(-1)
    counts = known.sum(1)
    fractions = (small.sum(1) == counts) & (counts > 2)
    if counts.sum() > 1 and small.sum() == counts.sum():
        fractions |= counts > 0
    for row in np.flatnonzero(fractions)[:1]:
        width, height = extents[row].tolist()
        low = "between 0 and 1" if places[row][known[row]].min() >= 0 else "between -1 and 1"
        raise LabelError(f"{names[row]}: all coordinates lie {low}, expected pixels of {width} x {height}.")
    for axis, side in enumerate(("width", "height")):
        # Along the edge of a picture lie at most a limb or a face, and joints that were moved into it, of one value.
        within = np.where(known, np.abs(places[..., axis]) <= 1, True).all(1) & (counts > 5) & (extents[:, axis] > 2)
        for row in np.flatnonzero(within).tolist():
            if len(np.unique(places[row, :, axis][known[row]])) > 2:
                raise LabelError(
                    f"{names[row]}: all {'xy'[axis]} coordinates lie between -1 and 1, but not all {'yx'[axis]} "
                    f"coordinates; expected both in pixels (the {side} of the picture is {extents[row, axis]:g})."
                )
    for row in np.flatnonzero(far.any(1))[:1]:
        joint = int(np.flatnonzero(far[row])[0])
        (x, y), (width, height) = places[row, joint].tolist(), extents[row].tolist()
        raise LabelError(
            f"{names[row]}: {JOINTS[joint]} lies at ({x:g}, {y:g}), far outside of its picture of {width} x {height} "
            "pixels. Expected pixels of this picture, not of a larger one that it was cut from."
        )
    outside, turned = (
        float((known & ((each < -1) | (each > box)).any(-1)).sum() / max(1, known.sum()))
        for each in (places, places[..., ::-1])
    )
    if outside > MOST_OUTSIDE or (outside > TURNED_OUTSIDE and turned < outside / 10):
        why = "expected pixels of these pictures, not of larger ones that they were cut from"
        if turned < outside / 10:
            why = "they would fit with x and y exchanged: the file has y before x, expected x before y"
        raise LabelError(f"{outside:.0%} of all joints lie outside of their pictures, {names[0]} and others; {why}.")


def _masks(
    files: Sequence[str], entries: list[dict[str, Any]], sizes: np.ndarray, size: tuple[int, int]
) -> Tensor | None:
    # Programs that know no masks write an empty list of polygons, or null.
    without = [file for file, entry in zip(files, entries, strict=True) if entry.get("segmentation") in (None, [])]
    if len(without) == len(files):
        return None
    if without:
        raise LabelError(
            f"{len(without)} of {len(files)} pictures have no segmentation, the first is {without[0]}. {MASKS}"
        )
    codes = [entry["segmentation"] for entry in entries]
    for file, code, real in zip(files, codes, sizes.tolist(), strict=True):
        if not isinstance(code, dict) or not isinstance(code.get("counts"), list):
            packed = isinstance(code, dict) and isinstance(code.get("counts"), str)
            got = "polygons" if isinstance(code, list) else "a compressed one" if packed else _said(code)
            raise LabelError(
                f"segmentation of {file}: expected an uncompressed run-length encoding, "
                f'{{"size": [rows, columns], "counts": [integers]}}, got {got}. {MASKS}'
            )
        if code.get("size") != real:
            raise LabelError(
                f"segmentation of {file}: its size is {code.get('size')}, the picture has {real}."
            )
    masks = torch.empty((len(files), *size), dtype=torch.bool)
    for rows, columns in np.unique(sizes, axis=0).tolist():  # usually one size, so one call
        which = np.flatnonzero((sizes == (rows, columns)).all(axis=1)).tolist()
        part = decode_masks([codes[i]["counts"] for i in which], (rows, columns), [files[i] for i in which])
        # The pixel that holds the centre of the new pixel: the convention of the joints.
        y = ((np.arange(size[0]) + 0.5) * rows / size[0]).astype(np.int64)
        x = ((np.arange(size[1]) + 0.5) * columns / size[1]).astype(np.int64)
        masks[which] = torch.from_numpy(part[:, y[:, None], x])
    return masks
