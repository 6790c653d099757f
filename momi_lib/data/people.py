"""People: the pictures of one split with everything known about them, and the true swaps.

`load` reads the embedded mannequins and a folder of Market-1501 through the same lines; labels are there or None.
Notebook 01 begins with it.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from momi_lib.data.cache import fingerprint, load_pictures
from momi_lib.data.labels import Labels, read_labels
from momi_lib.data.pictures import STANDARD, decode_pictures, report_resized
from momi_lib.data.records import PictureError, data_folder, scan, stamp

__all__ = ["People", "Truth", "load", "load_truth"]


@dataclass(frozen=True, eq=False)
class People:
    """N pictures of people.

    Attributes:
        folder: the data folder.
        split: "train", "gallery", "query" or "test".
        files: N names relative to `folder`.
        pictures: (N, 3, H, W) uint8, RGB.
        persons: (N,) int64 identities as the names state them.
        cameras: (N,) int64, from 1.
        joints: (N, 17, 2) float32 (x, y) in pixels, centres at integers; None without labels.
        visibility: (N, 17) uint8: 0 not in the picture (its coordinates mean nothing), 1 hidden, 2 visible.
        masks: (N, H, W) bool, the person's silhouette; None without labels.
        fingerprint: SHA-256 of names and pixels, the same wherever the same content is loaded.

    >>> people = People(Path("."), "train", ("a.jpg", "b.jpg"), torch.zeros(2, 3, 8, 4, dtype=torch.uint8),
    ...                 torch.tensor([7, 3]), torch.tensor([1, 2]), None, None, None, "0")
    >>> len(people), people.identities.tolist(), people.select([1]).files
    (2, [3, 7], ('b.jpg',))
    """

    folder: Path
    split: str
    files: tuple[str, ...]
    pictures: Tensor
    persons: Tensor
    cameras: Tensor
    joints: Tensor | None
    visibility: Tensor | None
    masks: Tensor | None
    fingerprint: str

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        return (
            f"People({self.split!r} of {self.folder}: {len(self)} pictures of {len(self.identities)} persons, "
            f"{tuple(self.pictures.shape)} on {self.pictures.device}, {'with' if self.labelled else 'no'} labels)"
        )

    @property
    def labelled(self) -> bool:
        """Whether the joints are known."""
        return self.joints is not None

    @cached_property
    def identities(self) -> Tensor:
        """Sorted unique persons, int64."""
        return torch.unique(self.persons)

    def to(self, device: torch.device | str) -> People:
        """The same people with every tensor on `device`."""
        moved = {
            name: value.to(device)
            for name, value in vars(self).items()
            if name in _TENSORS and value is not None
        }
        return replace(self, **moved)

    def select(self, indices: Tensor | Sequence[int] | slice) -> People:
        """The people at `indices` (integers, a slice, or one bool a picture), in that order.

        Raises IndexError for an index outside 0..N-1.
        """
        every = torch.arange(len(self))
        index = indices.cpu() if isinstance(indices, Tensor) else indices
        if not isinstance(index, Tensor | slice):
            index = torch.as_tensor(index, dtype=None if len(index) else torch.int64)
        chosen = every[index]
        taken = {
            name: value[chosen.to(value.device)]
            for name, value in vars(self).items()
            if name in _TENSORS and value is not None
        }
        mark = hashlib.sha256(self.fingerprint.encode() + chosen.numpy().tobytes()).hexdigest()
        return replace(self, files=tuple(self.files[i] for i in chosen.tolist()), fingerprint=mark, **taken)


_TENSORS = ("pictures", "persons", "cameras", "joints", "visibility", "masks")


def load(
    folder: str | os.PathLike[str] | None = None,
    split: str = "train",
    *,
    size: tuple[int, int] = STANDARD,
    junk: bool = False,
    device: torch.device | str = "cpu",
    memory_map: bool = False,
    cache: bool = True,
    workers: int | None = None,
) -> People:
    """Load one split of a folder in Market-1501's layout.

    Args:
        folder: the data folder; None takes $MOMI_DATA, else the embedded mannequins.
        split: "train", "gallery", "query", or "test", which is the gallery and then the queries.
        size: (rows, columns) of the pictures; those of another size are resized, with one logged warning.
        junk: keep the pictures of person -1 (junk) and 0000 (distractors).
        device: where the tensors live.
        memory_map: leave the pictures on disk and read them as they are used (needs the cache and the CPU).
        cache: keep the decoded pictures under $MOMI_CACHE or ~/.cache/momi; a changed folder is noticed by the
            names, sizes and modification times of its files.
        workers: decoding threads; None takes one a core.

    Raises FileNotFoundError for a missing folder, PictureError for what is no usable picture, LabelError for
    labels that do not fit, ValueError for an argument outside what is listed here.

    >>> import tempfile; from PIL import Image
    >>> root = Path(tempfile.mkdtemp()); (root / "query").mkdir()
    >>> Image.new("RGB", (64, 128)).save(root / "query" / "0007_c2s1_000451_00.jpg")
    >>> people = load(root, "query", cache=False)
    >>> people.pictures.shape, people.persons, people.cameras, people.joints
    (torch.Size([1, 3, 128, 64]), tensor([7]), tensor([2]), None)
    """
    size = _checked_size(size)
    if workers is not None and (not isinstance(workers, int) or workers < 1):
        raise ValueError(f"workers: expected None or a whole number from 1, got {workers!r}.")
    if memory_map and (not cache or torch.device(device).type != "cpu"):
        raise ValueError(
            f"memory_map=True maps the cached file into the CPU's memory: it needs cache=True and device='cpu', "
            f"got cache={cache} and device={str(device)!r}."
        )
    root = data_folder(folder)
    records = scan(root, split, junk=junk)
    files = tuple(record.file for record in records)
    stamps = [(record.bytes, record.mtime_ns) for record in records]
    place = f"{root.resolve()}|{split}|{junk}"
    pictures, sizes, mark = _pictures(root, files, stamps, place, size, memory_map, cache, workers)
    labels = _labels(root, "train" if split == "train" else "test", files, sizes, size)
    people = People(
        folder=root,
        split=split,
        files=files,
        pictures=pictures,
        persons=torch.tensor([record.person for record in records]),
        cameras=torch.tensor([record.camera for record in records]),
        joints=labels.joints if labels else None,
        visibility=labels.visibility if labels else None,
        masks=labels.masks if labels else None,
        fingerprint=mark,
    )
    return people if torch.device(device).type == "cpu" else people.to(device)


@dataclass(frozen=True, eq=False)
class Truth:
    """M true swaps: what the person of picture `source` looks like in the scene of picture `target`.

    Attributes:
        people: the split "test", which `source` and `target` index.
        source, target: (M,) int64.
        pictures: (M, 3, H, W) uint8, the true answers.
        masks: (M, H, W) bool. joints: (M, 17, 2) float32. visibility: (M, 17) uint8, all of the true answers.

    >>> Truth(None, torch.tensor([3]), torch.tensor([8]), None, None, None, None).__len__()
    1
    """

    people: People
    source: Tensor
    target: Tensor
    pictures: Tensor
    masks: Tensor
    joints: Tensor
    visibility: Tensor

    def __len__(self) -> int:
        return len(self.source)


def load_truth(folder: str | os.PathLike[str] | None = None, *, size: tuple[int, int] = STANDARD) -> Truth:
    """Load the true swaps of the embedded mannequins.

    Reads `truth/pairs.csv` (columns from, to, picture: paths relative to the data folder) and
    `annotations/truth.json`. Raises FileNotFoundError for a folder without them (photographs have no true swap),
    PictureError and LabelError as `load` does, ValueError for a table that does not fit.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp()); (root / "query").mkdir()
    >>> load_truth(root)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...pairs.csv does not exist...
    """
    size = _checked_size(size)
    root = data_folder(folder)
    table = root / "truth" / "pairs.csv"
    if not table.is_file():
        raise FileNotFoundError(
            f"{table} does not exist. True swaps come with the embedded mannequins only: call load_truth() without "
            "a folder and with MOMI_DATA unset, or judge swaps without truth."
        )
    with open(table, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    if not rows or not {"from", "to", "picture"} <= set(reader.fieldnames or ()):
        raise ValueError(
            f"{table}: expected the columns from,to,picture and a row a swap, got {reader.fieldnames}."
        )
    people = load(root, "test", size=size)
    place = {file: index for index, file in enumerate(people.files)}
    for number, row in enumerate(rows, start=2):
        for column in ("from", "to"):
            if row[column] not in place:
                raise ValueError(
                    f"{table}, line {number}: {column} {row[column]!r} is no picture of the split 'test'."
                )
        name = row["picture"] or ""
        if not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise PictureError(f"{table}, line {number}: {name!r} is no path inside the data folder.")
    files = tuple(row["picture"] for row in rows)
    pictures, sizes, _ = _pictures(root, files, stamp(root, files), f"{root.resolve()}|truth", size)
    labels = _labels(root, "truth", files, sizes, size)
    if labels is None or labels.masks is None:
        raise FileNotFoundError(
            f"{root / 'annotations' / 'truth.json'}: expected joints and masks of the true swaps."
        )
    return Truth(
        people=people,
        source=torch.tensor([place[row["from"]] for row in rows]),
        target=torch.tensor([place[row["to"]] for row in rows]),
        pictures=pictures,
        masks=labels.masks,
        joints=labels.joints,
        visibility=labels.visibility,
    )


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    if len(size) != 2 or any(int(side) != side or not 1 <= side <= 4096 for side in size):
        raise ValueError(f"size: expected (rows, columns) between 1 and 4096, got {size!r}.")
    return int(size[0]), int(size[1])


def _pictures(
    root: Path,
    files: tuple[str, ...],
    stamps: list[tuple[int, int]],
    place: str,
    size: tuple[int, int],
    memory_map: bool = False,
    cache: bool = True,
    workers: int | None = None,
) -> tuple[Tensor, np.ndarray, str]:
    def decode() -> tuple[np.ndarray, np.ndarray]:
        return decode_pictures(root, files, size=size, workers=workers)

    if cache:
        pictures, sizes, mark = load_pictures(
            decode, files, stamps, place=place, size=size, memory_map=memory_map
        )
    else:
        pictures, sizes = decode()
        mark = fingerprint(files, pictures)
    report_resized(files, sizes, size)
    return torch.from_numpy(pictures), sizes, mark


def _labels(
    root: Path, name: str, files: tuple[str, ...], sizes: np.ndarray, size: tuple[int, int]
) -> Labels | None:
    path = root / "annotations" / f"{name}.json"
    return read_labels(path, files, sizes, size) if path.is_file() else None
