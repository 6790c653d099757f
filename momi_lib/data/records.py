"""Records: which pictures a folder holds, and what their names say.

The layout is that of Market-1501 (Zheng et al., 2015): three folders of pictures named
`PPPP_cCsS_FFFFFF_BB.jpg`: person, camera and sequence, frame, box. Person `-1` is junk (a bad detection) and
`0000` a distractor (a box without a person of interest). The embedded mannequins have the same layout, so one
piece of code reads both. Notebook 01 looks at such a folder.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "EMBEDDED",
    "FOLDERS",
    "LAYOUT",
    "SPLITS",
    "PictureError",
    "Record",
    "data_folder",
    "parse_name",
    "refuse",
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
#: The mannequins that come with the repository.
EMBEDDED = Path(__file__).resolve().parents[2] / "data" / "mannequins"
NAMED = 3  # how many bad files an error names
# `.jpg.jpg` occurs in some copies of Market-1501.
NAME = re.compile(r"(-1|\d{4})_c(\d+)s\d+_\d+_\d+\.jpg(?:\.jpg)?", re.IGNORECASE | re.ASCII)


class PictureError(ValueError):
    """A picture, or a folder of them, cannot be used; the message names it and says what is wrong."""


@dataclass(frozen=True)
class Record:
    """One picture file, relative to the data folder; a changed file has other `bytes` or `mtime_ns`."""

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
            f"{name} is not named like 0002_c1s1_000451_03.jpg (person, camera and sequence, frame, box)"
        )
    return int(match[1]), int(match[2])


def refuse(folder: Path, bad: Sequence[tuple[str, str]], total: int) -> None:
    """Raise one PictureError for all `bad` (file, reason), naming the first few; do nothing without any.

    >>> try: refuse(Path("query"), [("a.jpg", "is empty")], 9)
    ... except PictureError as error: print(error)
    1 of 9 pictures cannot be used: query/a.jpg is empty. Replace or remove it.
    """
    if bad:
        first = "; ".join(f"{(folder / file).as_posix()} {reason}" for file, reason in bad[:NAMED])
        more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        advice = "Replace or remove it." if len(bad) == 1 else "Replace or remove them."
        raise PictureError(f"{len(bad)} of {total} pictures cannot be used: {first}{more}. {advice}")


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
        path, origin = EMBEDDED, "the embedded data set (set MOMI_DATA to use another)"
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


def stamp(folder: Path, files: Sequence[str]) -> list[tuple[int, int]]:
    """(bytes, mtime_ns) of each file; links are followed.

    Raises PictureError for what is missing or not a regular file, before anything tries to read it.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "a.jpg").write_bytes(b"123")
    >>> stamp(root, ["a.jpg"])[0][0]
    3
    """
    stamps, bad = [], []
    for file in files:
        try:
            status = os.stat(os.path.join(folder, file))
        except OSError as error:
            bad.append((file, f"cannot be read ({error.strerror})"))
            continue
        if not stat.S_ISREG(status.st_mode):  # a named pipe would block the reader for ever
            bad.append((file, "is a folder or a special file"))
        stamps.append((status.st_size, status.st_mtime_ns))
    refuse(folder, bad, len(files))
    return stamps


def scan(folder: Path, split: str, *, junk: bool = False) -> list[Record]:
    """Records of a split, sorted by name within each folder.

    `Thumbs.db` and whatever else is not named `.jpg` is ignored, as are hidden files. Pictures of person -1
    (junk) and 0000 (distractors) are left out unless `junk`.

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
        wrong = [name for name in names if NAME.fullmatch(name) is None]
        refuse(folder / part, [(name, "is not named PPPP_cCsS_FFFFFF_BB.jpg") for name in wrong], len(names))
        parsed = [(f"{part}/{name}", *parse_name(name)) for name in names]
        parsed = [(file, person, camera) for file, person, camera in parsed if person > 0 or junk]
        if not parsed:
            found = f"only junk and distractors ({len(names)} pictures)" if names else "no pictures"
            raise PictureError(
                f"{folder / part} holds {found}. Expected pictures named PPPP_cCsS_FFFFFF_BB.jpg."
            )
        stamps = stamp(folder, [file for file, _, _ in parsed])
        records += [Record(*entry, *marks) for entry, marks in zip(parsed, stamps, strict=True)]
    return records
