"""Names: what the file name of one picture says, and which files are pictures.

Pictures are named as in Market-1501 (Zheng et al., 2015), `PPPP_cCsS_FFFFFF_BB.jpg`: person, camera and sequence,
frame, box. DukeMTMC-reID (Zheng et al., 2017) and MSMT17 (Wei et al., 2018) have forms of their own.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

__all__ = [
    "CAMERA",
    "ENDINGS",
    "NAMINGS",
    "Naming",
    "PictureError",
    "is_picture",
    "left_out",
    "parse_name",
    "parsed_name",
]

#: Endings of files that are read, in any case.
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".jfif", ".jpe")
#: Endings of pictures that are not read: named where they are left out.
UNREAD = (
    ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".psd", ".mp4", ".mov", ".avi", ".webm",
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".ppm", ".pgm", ".ico", ".mpo", ".pdf",
)  # fmt: skip


class Naming(NamedTuple):
    """How a data set names its pictures; `first` is the number of its first person, where 0 means one."""

    of: str
    form: str
    pattern: re.Pattern[str]
    first: int = 0


_END = "(?:" + "|".join(re.escape(ending) for ending in ENDINGS) + ")"


def _naming(of: str, form: str, pattern: str, first: int = 0) -> Naming:
    # `.jpg.jpg` occurs in some copies of Market-1501.
    return Naming(of, form, re.compile(rf"{pattern}{_END}(?:\.jpg)?", re.IGNORECASE | re.ASCII), first)


NAMINGS = (
    _naming("Market-1501", "PPPP_cCsS_FFFFFF_BB.jpg", r"(?P<person>-1|\d{4})_c(?P<camera>\d+)s\d+_\d+_\d+"),
    _naming("DukeMTMC-reID", "PPPP_cC_fFFFFFFF.jpg", r"(?P<person>-1|\d{4})_c(?P<camera>\d+)_f\d+"),
    # In MSMT17, 0000 is a person like any other.
    _naming(
        "MSMT17",
        "PPPP_III_CC_MMDDtime_FFFF_B.jpg",
        r"(?P<person>\d{4})_\d{3}_(?P<camera>\d{2})_\d{4}[a-z]+_\d+_\d+(?:_ex)?",
        first=1,
    ),
)

# In a folder of one person names are free; a camera is looked for.
CAMERA = re.compile(r"(?:^|[_-])c(?:am(?:era)?)?[_-]?(\d+)(?=s\d|[_.-]|$)", re.IGNORECASE | re.ASCII)


class PictureError(ValueError):
    """A picture, or a folder of them, cannot be used; the message names it and says what is wrong."""


def parse_name(name: str) -> tuple[int, int]:
    """Person and camera number that a file name of Market-1501, DukeMTMC-reID or MSMT17 states.

    MSMT17's persons are counted from 1 here: its 0000 is a person, and 0 means nobody of interest elsewhere.

    Raises PictureError when the name has none of these forms.

    >>> parse_name("0002_c1s1_000451_03.jpg"), parse_name("-1_c3s2_000451_03.jpg.jpg")
    ((2, 1), (-1, 3))
    >>> parse_name("0005_c2_f0046985.jpg"), parse_name("0000_000_01_0303morning_0015_0.jpg")
    ((5, 2), (1, 1))
    """
    parsed = parsed_name(name)
    if parsed is None:
        raise PictureError(
            f"{name} is not named like 0002_c1s1_000451_03.jpg (person, camera and sequence, frame, box), nor as "
            "DukeMTMC-reID or MSMT17 name their pictures"
        )
    return parsed[:2]


def parsed_name(name: str, folder: str | None = None) -> tuple[int, int, Naming] | None:
    """As :func:`parse_name`, with the naming; None for other forms and names that contradict their folder.

    >>> parsed_name("0005_c2_f0046985.jpg", "0007"), parsed_name("0005_c2_f0046985.jpg")[2].of
    (None, 'DukeMTMC-reID')
    """
    for naming in NAMINGS:
        match = naming.pattern.fullmatch(name)
        if match is not None and (folder is None or (folder.isdecimal() and int(folder) == int(match["person"]))):
            return int(match["person"]) + naming.first, int(match["camera"]), naming
    return None


def is_picture(name: str) -> bool:
    """Whether a file's name says that it is a picture to read: one of `ENDINGS`, and not hidden.

    >>> is_picture("a.JPG"), is_picture("._a.jpg"), is_picture("Thumbs.db")
    (True, False, False)
    """
    return name.lower().endswith(ENDINGS) and not name.startswith(".")


def left_out(names: Iterable[str], of_another_naming: Iterable[str] = ()) -> str:
    """Which of a folder's files are left out and why, as part of a sentence; "" where none looks like a picture.

    >>> left_out(["a.heic", "Thumbs.db", "b.jpg"], ["holiday.webp"])
    '1 .webp file of another naming (holiday.webp), 1 .heic file, which is not read'
    """
    other = sorted(of_another_naming)
    unread = [name for name in sorted(names) if name.lower().endswith(UNREAD) and not name.startswith(".")]

    def counted(files: list[str]) -> list[tuple[str, int, str]]:
        endings = [os.path.splitext(name)[1].lower() for name in files]
        return [
            (f"{count} {ending} file" + "s" * (count > 1), count, files[endings.index(ending)])
            for ending, count in sorted(Counter(endings).items())
        ]

    parts = [f"{said} of another naming ({first})" for said, _, first in counted(other)]
    parts += [f"{said}, which {'are' if count > 1 else 'is'} not read" for said, count, _ in counted(unread)]
    return ", ".join(parts)
