"""Records: which pictures a folder holds, and what their names say.

The layout is that of Market-1501 (Zheng et al., 2015): three folders of pictures named `PPPP_cCsS_FFFFFF_BB.jpg`,
person, camera and sequence, frame, box. Person `-1` is junk (a bad detection) and `0000` a distractor (a box
without a person of interest). The embedded mannequins have the same layout, so one piece of code reads both.
Notebook 01 looks at such a folder.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "FOLDERS",
    "LAYOUT",
    "SPLITS",
    "PictureError",
    "Record",
    "data_folder",
    "parse_name",
    "scan",
    "stamp",
]

#: The folders that each split reads, in this order.
SPLITS: dict[str, tuple[str, ...]] = {
    "train": ("bounding_box_train",),
    "gallery": ("bounding_box_test",),
    "query": ("query",),
    "test": ("bounding_box_test", "query"),
}
FOLDERS = ("bounding_box_train", "bounding_box_test", "query")
LAYOUT = (
    "a folder laid out as Market-1501: bounding_box_train/, bounding_box_test/ and query/, "
    "each with pictures named PPPP_cCsS_FFFFFF_BB.jpg"
)
# `.jpg.jpg` occurs in some copies of Market-1501.
NAME = re.compile(r"(-1|\d{4})_c(\d)s(\d)_\d+_\d+\.jpg(?:\.jpg)?", re.IGNORECASE | re.ASCII)


class PictureError(ValueError):
    """A picture (or a folder of pictures) cannot be used; the message names the file and says what is wrong."""


@dataclass(frozen=True)
class Record:
    """One picture file. `file` is relative to the data folder; `bytes` and `mtime_ns` notice a changed file."""

    file: str
    person: int
    camera: int
    bytes: int
    mtime_ns: int


def parse_name(name: str) -> tuple[int, int]:
    """Person and camera number that a Market-1501 file name states.

    Raises PictureError when the name does not have the form `PPPP_cCsS_FFFFFF_BB.jpg`.

    >>> parse_name("0002_c1s1_000451_03.jpg")
    (2, 1)
    >>> parse_name("-1_c3s2_000451_03.jpg.jpg")
    (-1, 3)
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise PictureError(
            f"{name}: expected a name like 0002_c1s1_000451_03.jpg (person, camera and sequence, frame, box). "
            "Rename the picture or move it out of the folder."
        )
    return int(match[1]), int(match[2])


def data_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """The data folder: `folder`, else the environment variable MOMI_DATA, else the embedded mannequins.

    Raises FileNotFoundError when it does not exist or holds none of the folders of Market-1501's layout.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "bounding_box_train").mkdir()
    >>> data_folder(root) == root
    True
    """
    if folder is not None:
        path, origin = Path(folder).expanduser(), "the argument folder"
    elif os.environ.get("MOMI_DATA"):
        path, origin = Path(os.environ["MOMI_DATA"]).expanduser(), "the environment variable MOMI_DATA"
    else:
        path = Path(__file__).resolve().parents[2] / "data" / "mannequins"
        origin = "the embedded data set (set MOMI_DATA to use another)"
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise FileNotFoundError(f"{path} ({origin}) {what}. Expected {LAYOUT}.")
    if not any((path / name).is_dir() for name in FOLDERS):
        # The commonest slip: the archive was unpacked into a folder of its own.
        inner = [p for p in sorted(path.iterdir()) if p.is_dir() and (p / FOLDERS[0]).is_dir()]
        hint = f" Did you mean {inner[0]}?" if inner else ""
        raise FileNotFoundError(
            f"{path} ({origin}) holds none of {', '.join(FOLDERS)}. Expected {LAYOUT}.{hint}"
        )
    return path


def stamp(folder: Path, files: Iterable[str]) -> list[tuple[int, int]]:
    """(bytes, mtime_ns) of each file; links are followed.

    Raises PictureError for what is missing or not a regular file, before anything tries to read it.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "a.jpg").write_bytes(b"123")
    >>> stamp(root, ["a.jpg"])[0][0]
    3
    """
    stamps = []
    for file in files:
        try:
            status = os.stat(os.path.join(folder, file))
        except OSError as error:
            reason = error.strerror or "cannot be read"
            raise PictureError(
                f"{folder / file}: {reason}. Restore the picture or remove its entry."
            ) from error
        if not stat.S_ISREG(status.st_mode):  # a named pipe would block the reader for ever
            raise PictureError(f"{folder / file}: expected a picture file, found a folder or a special file.")
        stamps.append((status.st_size, status.st_mtime_ns))
    return stamps


def scan(folder: Path, split: str, *, junk: bool = False) -> list[Record]:
    """Records of a split, sorted by name within each folder.

    `Thumbs.db` and whatever else is not named `.jpg` is ignored, as are hidden files. Pictures of person -1 (junk)
    and 0000 (distractors) are left out unless `junk`.

    Raises ValueError for an unknown split, FileNotFoundError for a missing folder, PictureError for a folder
    without a usable picture and for a `.jpg` whose name does not parse.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp()); (root / "query").mkdir()
    >>> for name in ("0002_c1s1_000451_03.jpg", "-1_c1s1_000001_00.jpg", "Thumbs.db"):
    ...     _ = (root / "query" / name).write_bytes(b"")
    >>> [record.file for record in scan(root, "query")]
    ['query/0002_c1s1_000451_03.jpg']
    >>> len(scan(root, "query", junk=True))
    2
    """
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}.")
    records: list[Record] = []
    for part in SPLITS[split]:
        if not (folder / part).is_dir():
            raise FileNotFoundError(
                f"{folder / part} does not exist, and split={split!r} needs it. Expected {LAYOUT}."
            )
        names = sorted(
            name
            for name in os.listdir(folder / part)
            if name.lower().endswith(".jpg") and not name.startswith(".")
        )
        parsed = []
        for name in names:
            try:
                person, camera = parse_name(name)
            except PictureError as error:
                raise PictureError(f"{folder / part}: {error}") from None
            if person > 0 or junk:
                parsed.append((f"{part}/{name}", person, camera))
        if not parsed:
            found = f"only junk and distractors ({len(names)} pictures)" if names else "no pictures"
            raise PictureError(
                f"{folder / part} holds {found}. Expected pictures named PPPP_cCsS_FFFFFF_BB.jpg."
            )
        stamps = stamp(folder, [file for file, _, _ in parsed])
        records += [Record(*entry, *marks) for entry, marks in zip(parsed, stamps, strict=True)]
    return records
