"""Truth: swaps whose right answer is known, because the same renderer can dress anybody in any scene.

No photograph has one. Notebook 08 judges by it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from momi_lib.arguments import index_of
from momi_lib.data.labels import LabelError
from momi_lib.data.near_labels import near_label_files
from momi_lib.data.people import People, checked_size, load, read_pictures, split_labels
from momi_lib.data.pictures import STANDARD
from momi_lib.data.records import data_folder, stamp
from momi_lib.files import likest, read_table

__all__ = ["Truth", "load_truth"]

COLUMNS = ("from", "to", "picture")


@dataclass(frozen=True, eq=False, repr=False)
class Truth:
    """M true swaps: what the person of picture `source` looks like in the scene of picture `target`.

    Attributes:
        people: the split "test", which `source` and `target` index.
        source: (M,) int64, who.
        target: (M,) int64, in which pose and scene.
        pictures: (M, 3, H, W) uint8, the true answers.
        masks: (M, H, W) bool, of the true answers, as are the next two.
        joints: (M, 17, 2) float32 (x, y) in pixels, centres at integers.
        visibility: (M, 17) uint8 0/1/2.

    >>> len(Truth(None, torch.tensor([3]), torch.tensor([8]), None, None, None, None))
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

    def __repr__(self) -> str:
        return f"Truth({len(self)} true swaps among {self.people!r})"

    def select(self, index: Tensor | slice) -> Truth:
        """The swaps at `index` (integers, one bool a swap, or a slice), in that order; the people stay.

        Raises IndexError for an index outside of the M swaps, ValueError for what is no index.
        """
        rows = ("source", "target", "pictures", "masks", "joints", "visibility")
        chosen = index_of("index", index, len(self))
        return replace(self, **{name: (each := getattr(self, name))[chosen.to(each.device)] for name in rows})


def load_truth(folder: str | os.PathLike[str] | None = None, *, size: tuple[int, int] = STANDARD) -> Truth:
    """Load the true swaps of the embedded mannequins.

    Reads `truth/pairs.csv` (columns from, to, picture: paths relative to the data folder) and
    `annotations/truth.json`.

    The table may be separated by commas, semicolons or tabulators, with a byte order mark or without.

    Raises FileNotFoundError for a folder without them, ValueError for a table that does not fit or has a swap or a
    picture twice, PictureError and LabelError as `load` does.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp()); (root / "query").mkdir()
    >>> load_truth(root)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...pairs.csv does not exist...
    """
    size = checked_size(size)
    root = data_folder(folder)
    table = root / "truth" / "pairs.csv"
    if not table.is_file():
        raise FileNotFoundError(
            f"{table} does not exist: true swaps are known of rendered people alone. For the embedded mannequins, name "
            "no folder (--data) and unset MOMI_DATA; `python -m momi_lib evaluate` has the scores that need no truth."
        )
    rows = _read_table(table)
    people = load(root, "test", size=size)
    place = {file: index for index, file in enumerate(people.files)}
    for line, row in rows:
        for column in ("from", "to"):
            if row[column] not in place:
                raise ValueError(
                    f"{table}, line {line}: {row[column]!r} is no picture of the split 'test', which has, for example, "
                    f"{likest(row[column], people.files)!r}."
                )
    files = tuple(row["picture"] for _, row in rows)
    pictures, sizes, _ = read_pictures(root, files, stamp(root, files), "truth", size)
    labels = split_labels(root, "truth", files, sizes, size)
    if labels is None or labels.masks is None:
        path = root / "annotations" / "truth.json"
        near = [each.name for each in near_label_files(path)] if labels is None else []
        hint = f" {near[0]} lies near by: rename it if it holds them." if near else ""
        raise LabelError(f"{path}: expected a file with the joints and masks of the true swaps.{hint}")
    return Truth(
        people=people,
        source=torch.tensor([place[row["from"]] for _, row in rows]),
        target=torch.tensor([place[row["to"]] for _, row in rows]),
        pictures=pictures,
        masks=labels.masks,
        joints=labels.joints,
        visibility=labels.visibility,
    )


def _read_table(table: Path) -> list[tuple[int, dict[str, str]]]:
    """Each row by column, with its line in the file."""
    names, rows = read_table(table)
    filled = [(line, row) for line, row in rows if row]
    if not filled or not set(COLUMNS) <= set(names):
        got = ",".join(names) or "nothing"
        raise ValueError(f"{table}: expected the columns from,to,picture and one row a swap, got {got}.")
    found: list[tuple[int, dict[str, str]]] = []
    seen: dict[tuple[str, ...], int] = {}
    for line, entries in filled:
        row = dict(zip(names, entries, strict=False))
        where = f"{table}, line {line}"
        if len(entries) != len(names) or not all(row[column] for column in COLUMNS):
            expected = "three entries, from,to,picture" if len(names) == 3 else f"{len(names)} entries"
            raise ValueError(f"{where}: expected {expected}, got {len(entries)}, of which none may be empty.")
        path = PurePosixPath(row["picture"])
        if path.is_absolute() or ".." in path.parts or set(row["picture"]) & {"\\", ":"}:
            # A table never makes us read elsewhere, on no system.
            raise ValueError(f"{where}: {row['picture']!r} is no path inside the data folder, written with /.")
        if row["from"] == row["to"]:
            raise ValueError(f"{where}: from and to are the same picture, {row['from']}. Correct or remove the line.")
        for key in ((row["from"], row["to"]), (row["picture"],)):
            if seen.setdefault(key, line) != line:
                raise ValueError(
                    f"{where}: {','.join(key)} occurs twice, first in line {seen[key]}. Remove one of the lines."
                )
        found.append((line, row))
    return found
