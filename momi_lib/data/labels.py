"""Labels: joints, visibility and masks from a COCO keypoints file.

One file labels all pictures of a split; Market-1501 has none. A mask is COCO's uncompressed run-length
encoding: the picture read column by column, runs of background and of person in turn, background first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from momi_lib.skeleton import JOINTS

__all__ = ["LabelError", "Labels", "decode_masks", "encode_mask", "read_labels"]


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
    x' = (x + 0.5) * W / w - 0.5. A joint of visibility 0 has no place: its coordinates mean nothing.

    Args:
        files: picture names, as `file_name` in the label file has them.
        sizes: (N, 2) rows and columns that the files have on disk.
        size: rows and columns that the pictures have now.

    Raises LabelError for what is malformed, missing or does not fit the pictures. Labels of other pictures
    are not looked at.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "labels.json"
    >>> entry = {"image_id": 1, "keypoints": [2, 3, 2] + [0, 0, 0] * 16}
    >>> image = {"id": 1, "file_name": "a.jpg", "width": 4, "height": 8}
    >>> _ = path.write_text(json.dumps({"images": [image], "annotations": [entry]}))
    >>> read_labels(path, ["a.jpg"], np.array([[8, 4]]), (16, 8)).joints[0, 0]
    tensor([4.5000, 6.5000])
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise LabelError(f"{path}: expected a COCO keypoints file in JSON ({error}).") from error
    try:
        stated, entries = _match(content, files)
        keypoints = [entry["keypoints"] for entry in entries]
        for file, said, real in zip(files, stated, sizes.tolist(), strict=True):
            if said != real:
                raise LabelError(f"{file} is labelled as {said} rows and columns, the picture has {real}.")
        joints, visibility = _joints(files, keypoints)
        masks = _masks(files, entries, sizes, size)
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise LabelError(
            f"{path}: not COCO keypoints ({type(error).__name__}: {error}). Expected images[] with id, "
            "file_name, width, height and annotations[] with image_id, keypoints."
        ) from error
    scale = np.array(size) / sizes  # of rows and columns
    joints = (joints + 0.5) * scale[:, None, ::-1] - 0.5
    return Labels(torch.from_numpy(joints.astype(np.float32)), torch.from_numpy(visibility), masks)


def _match(content: dict[str, Any], files: Sequence[str]) -> tuple[list[list[int]], list[dict[str, Any]]]:
    """The stated [rows, columns] and the one annotation of each file."""
    images = {image["file_name"]: image for image in content["images"]}
    if len(images) != len(content["images"]):
        raise LabelError("a file_name occurs twice in images[], expected once.")
    entries: dict[Any, dict[str, Any]] = {}
    for entry in content["annotations"]:
        if entries.setdefault(entry["image_id"], entry) is not entry:
            raise LabelError(f"image_id {entry['image_id']} has two annotations, expected one.")
    missing = [file for file in files if file not in images or images[file]["id"] not in entries]
    if missing:
        raise LabelError(
            f"{len(missing)} of {len(files)} pictures have no label, the first is {missing[0]}. Label them, "
            "or remove them, or move the label file away to go without labels."
        )
    chosen = [images[file] for file in files]
    stated = [[image["height"], image["width"]] for image in chosen]
    return stated, [entries[image["id"]] for image in chosen]


def _joints(files: Sequence[str], keypoints: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    def parsed(part: list[Any]) -> np.ndarray | None:
        try:
            values = np.array(part, dtype=np.float64).reshape(len(part), len(JOINTS), 3)
        except (TypeError, ValueError):  # not numbers, or not 51 each
            return None
        good = np.isfinite(values).all() and np.isin(values[..., 2], (0, 1, 2)).all()
        return values if good else None

    values = parsed(keypoints)
    if values is None:
        for file, one in zip(files, keypoints, strict=True):
            if parsed([one]) is None:
                raise LabelError(f"keypoints of {file}: expected 17 times x, y, visibility (0, 1 or 2).")
        raise LabelError("keypoints: expected 17 times x, y, visibility (0, 1 or 2) in every annotation.")
    return values[..., :2], values[..., 2].astype(np.uint8)


def _masks(
    files: Sequence[str], entries: list[dict[str, Any]], sizes: np.ndarray, size: tuple[int, int]
) -> Tensor | None:
    without = [file for file, entry in zip(files, entries, strict=True) if "segmentation" not in entry]
    if len(without) == len(files):
        return None
    if without:
        raise LabelError(f"{len(without)} pictures have no segmentation, the first is {without[0]}.")
    codes = [entry["segmentation"] for entry in entries]
    for file, code, real in zip(files, codes, sizes.tolist(), strict=True):
        if not isinstance(code, dict) or not isinstance(code.get("counts"), list):
            raise LabelError(
                f"segmentation of {file}: expected an uncompressed run-length encoding, "
                '{"size": [rows, columns], "counts": [integers]}; polygons and strings are not read.'
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
