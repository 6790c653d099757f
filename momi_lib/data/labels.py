"""Labels: joints, visibility and masks from a COCO keypoints file.

One file labels all pictures of a split; Market-1501 has none. A mask is COCO's uncompressed run-length encoding:
the picture read column by column, run lengths in turn of background and person, background first.
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
    runs = np.diff(np.concatenate([[0], changes, [flat.size]]))
    counts = [0, *runs.tolist()] if flat.size and flat[0] else runs.tolist()
    return {"size": list(mask.shape), "counts": counts}


def decode_masks(counts: Sequence[Sequence[int]], size: tuple[int, int]) -> np.ndarray:
    """Masks (N, H, W) from the run lengths of N masks of one size, all at once.

    Raises ValueError, naming the index of the mask, when its runs are no counts or do not add up to H * W.

    >>> decode_masks([[2, 4]], (3, 2)).astype(int).tolist()
    [[[0, 1], [0, 1], [1, 1]]]
    """
    rows, columns = size
    for index, runs in enumerate(counts):
        # bool is an int to Python; type() is exact and fast.
        if not isinstance(runs, list | tuple) or any(type(run) is not int or run < 0 for run in runs):
            raise ValueError(f"mask {index}: expected a list of run lengths (integers >= 0)")
        if sum(runs) != rows * columns:
            raise ValueError(f"mask {index}: its runs add up to {sum(runs)}, expected {rows} x {columns}")
    lengths = [len(runs) for runs in counts]
    runs = np.fromiter((run for one in counts for run in one), dtype=np.int64, count=sum(lengths))
    # Every mask starts with background: a run is person where its place within the mask is odd.
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths).astype(np.int64)
    person = (np.arange(len(runs)) - starts) % 2 == 1
    flat = np.repeat(person, runs)
    return np.ascontiguousarray(flat.reshape(len(counts), columns, rows).transpose(0, 2, 1))


def read_labels(path: Path, files: Sequence[str], sizes: np.ndarray, size: tuple[int, int]) -> Labels:
    """Labels of `files` from a COCO keypoints file.

    Coordinates are (x, y), pixel centres at integers. Where a picture was resized its joints and mask follow:
    x' = (x + 0.5) * W / w - 0.5. A joint of visibility 0 has no place: its coordinates mean nothing.

    Args:
        files: picture names as `file_name` in the label file has them.
        sizes: (N, 2) rows and columns that the files have on disk.
        size: rows and columns that the pictures have now.

    Raises LabelError for what is malformed, missing or does not fit the pictures. Labels of other pictures are
    ignored.

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
        images = {image["file_name"]: image for image in content["images"]}
        entries: dict[Any, dict[str, Any]] = {}
        for entry in content["annotations"]:
            if entries.setdefault(entry["image_id"], entry) is not entry:
                raise LabelError(f"{path}: image_id {entry['image_id']} has two annotations, expected one.")
        missing = [f for f in files if f not in images or images[f]["id"] not in entries]
        if missing:
            raise LabelError(
                f"{path} does not label {len(missing)} of {len(files)} pictures; the first is {missing[0]}. "
                "Label them or remove them (or the label file, to go without labels)."
            )
        heights = np.array([[images[f]["height"], images[f]["width"]] for f in files])
        found = [entries[images[f]["id"]] for f in files]
        keypoints = [entry["keypoints"] for entry in found]
    except (KeyError, TypeError, AttributeError) as error:
        raise LabelError(
            f"{path}: not COCO keypoints, {type(error).__name__} {error}. Expected images[] with id, file_name, "
            "width, height and annotations[] with image_id, keypoints."
        ) from error
    if (wrong := np.flatnonzero((heights != sizes).any(axis=1))).size:
        file, said, real = files[wrong[0]], heights[wrong[0]].tolist(), sizes[wrong[0]].tolist()
        raise LabelError(f"{path}: {file} is labelled as {said} rows and columns, the picture has {real}.")
    joints, visibility = _joints(path, files, keypoints)
    scale = np.array(size) / sizes  # (rows, columns)
    joints = (joints + 0.5) * scale[:, None, ::-1] - 0.5
    return Labels(
        torch.from_numpy(joints.astype(np.float32)),
        torch.from_numpy(visibility.astype(np.uint8)),
        _masks(path, files, found, sizes, size),
    )


def _joints(path: Path, files: Sequence[str], keypoints: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    values = None
    try:
        values = np.array(keypoints, dtype=np.float64)
    except (TypeError, ValueError):
        pass  # ragged or not numbers: found one by one below
    good = values is not None and values.shape == (len(files), 3 * len(JOINTS)) and np.isfinite(values).all()
    if good:
        values = values.reshape(len(files), len(JOINTS), 3)
        good = bool(np.isin(values[..., 2], (0, 1, 2)).all())
    if not good:
        for file, row in zip(files, keypoints, strict=True):
            try:
                one = np.array(row, dtype=np.float64)
                if one.shape == (51,) and np.isfinite(one).all() and np.isin(one[2::3], (0, 1, 2)).all():
                    continue
            except (TypeError, ValueError):
                pass
            raise LabelError(f"{path}: keypoints of {file}: expected 17 times x, y, visibility (0, 1 or 2).")
    return values[..., :2], values[..., 2]


def _masks(
    path: Path, files: Sequence[str], found: list[dict[str, Any]], sizes: np.ndarray, size: tuple[int, int]
) -> Tensor | None:
    without = [file for file, entry in zip(files, found, strict=True) if "segmentation" not in entry]
    if len(without) == len(files):
        return None
    if without:
        raise LabelError(f"{path}: {len(without)} pictures have no segmentation; the first is {without[0]}.")
    for index, entry in enumerate(found):
        code = entry["segmentation"]
        if not isinstance(code, dict) or not isinstance(code.get("counts"), list):
            raise LabelError(
                f"{path}: segmentation of {files[index]}: expected an uncompressed run-length encoding, "
                '{"size": [rows, columns], "counts": [integers]}; polygons and compressed strings are not read.'
            )
        if code.get("size") != sizes[index].tolist():
            raise LabelError(
                f"{path}: segmentation of {files[index]} has size {code.get('size')}, "
                f"the picture has {sizes[index].tolist()}."
            )
    masks = torch.empty((len(files), *size), dtype=torch.bool)
    for own in np.unique(sizes, axis=0):  # usually one size, so one call
        which = np.flatnonzero((sizes == own).all(axis=1))
        try:
            part = decode_masks(
                [found[i]["segmentation"]["counts"] for i in which], (int(own[0]), int(own[1]))
            )
        except ValueError as error:
            names = f" ({files[which[int(str(error).split(':')[0].split()[1])]]})"
            raise LabelError(f"{path}: segmentation{names}: {error}.") from error
        # The pixel whose centre is nearest, with centres at integers: the convention of the joints.
        y = ((np.arange(size[0]) + 0.5) * own[0] / size[0]).astype(np.int64)
        x = ((np.arange(size[1]) + 0.5) * own[1] / size[1]).astype(np.int64)
        masks[torch.from_numpy(which)] = torch.from_numpy(part[:, y[:, None], x])
    return masks
