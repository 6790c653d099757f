"""People: the pictures of one split with everything that is known about them.

`load` reads the embedded mannequins and a folder of Market-1501 through the same lines; labels are there or
None. Notebook 01 begins with it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from momi_lib.arguments import device_from, flag, index_of, size_from, whole
from momi_lib.data.cache import fingerprint, load_pictures
from momi_lib.data.labels import Labels, read_labels
from momi_lib.data.near_labels import no_labels
from momi_lib.data.pictures import STANDARD, decode_pictures, report_resized
from momi_lib.data.records import data_folder, scan

__all__ = ["People", "checked_size", "load", "read_pictures", "split_labels"]

TENSORS = ("pictures", "persons", "cameras", "joints", "visibility", "masks")


@dataclass(frozen=True, eq=False, repr=False)
class People:
    """N pictures of people.

    Attributes:
        folder: the data folder.
        split: "train", "gallery", "query" or "test".
        files: N names relative to `folder`.
        pictures: (N, 3, H, W) uint8, RGB.
        persons: (N,) int64 identities, as the names state them.
        cameras: (N,) int64, from 1.
        joints: (N, 17, 2) float32 (x, y) in pixels, centres at integers; None without labels.
        visibility: (N, 17) uint8: 0 not in the picture (its coordinates mean nothing), 1 hidden, 2 visible.
        masks: (N, H, W) bool, the person's silhouette; None without labels.
        fingerprint: SHA-256 of names and pixels, the same wherever the same content is loaded.

    >>> files, pictures = ("a.jpg", "b.jpg"), torch.zeros(2, 3, 8, 4).byte()
    >>> persons, cameras = torch.tensor([7, 3]), torch.tensor([1, 1])
    >>> people = People(Path("folder"), "train", files, pictures, persons, cameras, None, None, None, "0")
    >>> people
    People('train' of folder: 2 pictures of 2 persons, 8x4, cpu, no labels)
    >>> people.identities.tolist(), people.select([1]).files
    ([3, 7], ('b.jpg',))
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
        # The folder's name alone: the output of a notebook should not depend on where the reader keeps it.
        (rows, columns), labels = self.pictures.shape[-2:], "no" if self.joints is None else "with"
        return (
            f"People({self.split!r} of {self.folder.name}: {len(self)} pictures of {len(self.identities)} "
            f"persons, {rows}x{columns}, {self.pictures.device}, {labels} labels)"
        )

    @cached_property
    def identities(self) -> Tensor:
        """Sorted unique persons, int64."""
        return torch.unique(self.persons)

    def to(self, device: torch.device | str) -> People:
        """The same people with every tensor on `device`."""
        device = device_from("device", device)
        return replace(self, **{name: tensor.to(device) for name, tensor in self._tensors().items()})

    def select(self, indices: Tensor | Sequence[int] | slice) -> People:
        """The people at `indices` (integers, a slice, or one bool a picture), in that order.

        Raises IndexError for an index outside of the N pictures, ValueError for what is no index.
        """
        chosen = index_of("indices", indices, len(self))
        taken = {name: tensor[chosen.to(tensor.device)] for name, tensor in self._tensors().items()}
        mark = hashlib.sha256(self.fingerprint.encode() + chosen.numpy().tobytes()).hexdigest()
        return replace(self, files=tuple(self.files[i] for i in chosen.tolist()), fingerprint=mark, **taken)

    def _tensors(self) -> dict[str, Tensor]:
        return {name: getattr(self, name) for name in TENSORS if getattr(self, name) is not None}


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
        cache: keep the decoded pictures under $MOMI_CACHE or ~/.cache/momi; a changed folder is noticed by
            the names, sizes and modification times of its files.
        workers: decoding threads; None takes one a core.

    Raises FileNotFoundError for a missing folder, PictureError for what is no usable picture, LabelError for
    labels that do not fit (both are ValueErrors), ValueError for an argument outside what is listed here.

    >>> import tempfile; from PIL import Image
    >>> root = Path(tempfile.mkdtemp()); (root / "query").mkdir()
    >>> Image.new("RGB", (64, 128)).save(root / "query" / "0007_c2s1_000451_00.jpg")
    >>> people = load(root, "query", cache=False)
    >>> people.pictures.shape, people.persons, people.cameras, people.joints
    (torch.Size([1, 3, 128, 64]), tensor([7]), tensor([2]), None)
    """
    size = checked_size(size)
    for name, value in (("junk", junk), ("memory_map", memory_map), ("cache", cache)):
        flag(name, value)
    workers = None if workers is None else whole("workers", workers)
    if memory_map and (not cache or not str(device).startswith("cpu")):
        raise ValueError(
            "memory_map: a mapped file lies in the cache and in the CPU's memory; expected cache=True and "
            f"device='cpu' with it, got cache={cache} and device={str(device)!r}."
        )
    device = device_from("device", device)
    root = data_folder(folder)
    records = scan(root, split, junk=junk)
    files = tuple(record.file for record in records)
    stamps = [(record.bytes, record.mtime_ns) for record in records]
    pictures, sizes, mark = read_pictures(
        root, files, stamps, f"{split} {junk}", size, memory_map=memory_map, cache=cache, workers=workers
    )
    labels = split_labels(root, "train" if split == "train" else "test", files, sizes, size)
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
    return people if device.type == "cpu" else people.to(device)


def checked_size(size: tuple[int, int]) -> tuple[int, int]:
    """`size` as two ints; ValueError unless it is (rows, columns) between 1 and 4096.

    >>> checked_size((128, 64))
    (128, 64)
    """
    return size_from("size", size)


def read_pictures(
    root: Path,
    files: tuple[str, ...],
    stamps: list[tuple[int, int]],
    part: str,
    size: tuple[int, int],
    *,
    memory_map: bool = False,
    cache: bool = True,
    workers: int | None = None,
) -> tuple[Tensor, np.ndarray, str]:
    """Pictures (N, 3, H, W), the (rows, columns) they have on disk, and their fingerprint; cached as `part`.

    >>> import tempfile; from PIL import Image
    >>> root = Path(tempfile.mkdtemp()); Image.new("L", (4, 8)).save(root / "a.png")
    >>> read_pictures(root, ("a.png",), [(0, 0)], "", (8, 4), cache=False)[0].shape
    torch.Size([1, 3, 8, 4])
    """

    def decode() -> tuple[np.ndarray, np.ndarray]:
        return decode_pictures(root, files, size=size, workers=workers)

    if cache:
        place = f"{root.resolve()} {part}"
        pictures, sizes, mark = load_pictures(
            decode, files, stamps, place=place, size=size, memory_map=memory_map
        )
    else:
        pictures, sizes = decode()
        mark = fingerprint(files, pictures)
    report_resized(files, sizes, size)
    return torch.from_numpy(pictures), sizes, mark


def split_labels(
    root: Path, name: str, files: tuple[str, ...], sizes: np.ndarray, size: tuple[int, int]
) -> Labels | None:
    """Labels of `files` from annotations/`name`.json, or None where the folder has no such file.

    >>> split_labels(Path("no_such_folder"), "train", (), np.empty((0, 2)), (128, 64)) is None
    True
    """
    path = root / "annotations" / f"{name}.json"
    return read_labels(path, files, sizes, size) if path.is_file() else no_labels(path)
