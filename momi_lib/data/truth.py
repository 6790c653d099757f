"""Truth: swaps whose right answer is known, because the same renderer can dress anybody in any scene.

No photograph has one. Notebook 08 judges by it.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from momi_lib.data.labels import LabelError
from momi_lib.data.people import People, checked_size, load, read_pictures, split_labels
from momi_lib.data.pictures import STANDARD
from momi_lib.data.records import data_folder, stamp

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
        """The swaps at `index` (integers, one bool a swap, or a slice), in that order; the people stay."""
        rows = ("source", "target", "pictures", "masks", "joints", "visibility")
        return replace(self, **{name: getattr(self, name)[index] for name in rows})


def load_truth(folder: str | os.PathLike[str] | None = None, *, size: tuple[int, int] = STANDARD) -> Truth:
    """Load the true swaps of the embedded mannequins.

    Reads `truth/pairs.csv` (columns from, to, picture: paths relative to the data folder) and
    `annotations/truth.json`.

    Raises FileNotFoundError for a folder without them, ValueError for a table that does not fit, PictureError
    and LabelError as `load` does.

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
            f"{table} does not exist. Only the embedded mannequins have true swaps: call load_truth() "
            "without a folder and with MOMI_DATA unset, or use the scores that need no truth."
        )
    rows = _read_table(table)
    people = load(root, "test", size=size)
    place = {file: index for index, file in enumerate(people.files)}
    for line, row in enumerate(rows, start=2):
        for column in ("from", "to"):
            if row[column] not in place:
                raise ValueError(f"{table}, line {line}: {row[column]!r} is no picture of the split 'test'.")
    files = tuple(row["picture"] for row in rows)
    pictures, sizes, _ = read_pictures(root, files, stamp(root, files), "truth", size)
    labels = split_labels(root, "truth", files, sizes, size)
    if labels is None or labels.masks is None:
        path = root / "annotations" / "truth.json"
        raise LabelError(f"{path}: expected a file with the joints and masks of the true swaps.")
    return Truth(
        people=people,
        source=torch.tensor([place[row["from"]] for row in rows]),
        target=torch.tensor([place[row["to"]] for row in rows]),
        pictures=pictures,
        masks=labels.masks,
        joints=labels.joints,
        visibility=labels.visibility,
    )


def _read_table(table: Path) -> list[dict[str, str]]:
    try:
        with open(table, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{table}: expected a table of comma-separated values ({error}).") from error
    if not rows or not set(COLUMNS) <= set(reader.fieldnames or ()):
        raise ValueError(f"{table}: expected the columns from,to,picture and one row a swap.")
    for line, row in enumerate(rows, start=2):
        if not all(row[column] for column in COLUMNS):
            raise ValueError(f"{table}, line {line}: expected three entries, from,to,picture.")
        path = PurePosixPath(row["picture"])
        if path.is_absolute() or ".." in path.parts:  # a table never makes us read elsewhere
            raise ValueError(f"{table}, line {line}: {row['picture']!r} is no path inside the data folder.")
    return rows
