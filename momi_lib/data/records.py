"""Records: which pictures a folder holds, and whom they show.

The layout is that of Market-1501 (Zheng et al., 2015): three folders of pictures named
`PPPP_cCsS_FFFFFF_BB.jpg`: person, camera and sequence, frame, box. Person `-1` is junk (a bad detection) and
`0000` a distractor (a box without a person of interest). The embedded mannequins have the same layout, so one
piece of code reads both. Notebook 01 looks at such a folder.

DukeMTMC-reID (Zheng et al., 2017) and MSMT17 (Wei et al., 2018) are read as they are unpacked, too, and so is one
folder a person, inside each of the three.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from momi_lib.arguments import path_of, word
from momi_lib.data.names import CAMERA, NAMINGS, Naming, PictureError, is_picture, left_out, parsed_name
from momi_lib.files import NotInstalledError, expanded, missing_home, project_folder

__all__ = [
    "EMBEDDED",
    "FOLDERS",
    "LAYOUT",
    "SPLITS",
    "Record",
    "data_folder",
    "deeper",
    "refuse",
    "scan",
    "split_folder",
    "stamp",
]

log = logging.getLogger(__name__)

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
#: The mannequins that come with the repository; $MOMI_HOME is read once, here.
EMBEDDED = project_folder() / "data" / "mannequins"
NAMED = 3  # how many bad files an error names
#: What other data sets call Market-1501's folders; the first that is there is read.
CALLED: dict[str, tuple[str, ...]] = {
    "bounding_box_train": ("bounding_box_train", "train", "mask_train_v2"),
    "bounding_box_test": ("bounding_box_test", "gallery"),
    "query": ("query",),
}
#: MSMT17 keeps gallery and queries in one folder, and says which is which in two lists.
LISTED = {"bounding_box_test": "list_gallery.txt", "query": "list_query.txt"}
LISTED_IN = ("test", "mask_test_v2")
#: Endings of archives, which are not looked into.
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar")
LOOKED_INTO = 1000  # how many folders at most are looked into for a hint
#: What numbers people, beside names: the folder of a person, by its own number or in the order of all of them.
BY_FOLDER, BY_ORDER = "the number of its folder", "the order of the folders"


@dataclass(frozen=True)
class Record:
    """One picture file, relative to the data folder; a changed file has other `bytes` or `mtime_ns`."""

    file: str
    person: int
    camera: int
    bytes: int
    mtime_ns: int


def deeper(folder: Path) -> str | None:
    """The first picture in the sub-folders of a folder, down to the third level, relative to it; None without one.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp()); (root / "a" / "b").mkdir(parents=True)
    >>> _ = (root / "a" / "b" / "c.jpg").write_bytes(b"")
    >>> deeper(root), deeper(root / "a" / "b")
    ('a/b/c.jpg', None)
    """
    for at, folders, files in os.walk(folder):
        inside = Path(at).relative_to(folder)
        level = len(inside.parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if level < 3 else []
        pictures = sorted(filter(is_picture, files))
        if pictures and level:
            return (inside / pictures[0]).as_posix()
    return None


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

    Raises FileNotFoundError when it does not exist or holds none of the folders of Market-1501's layout, PictureError
    when it may not be read.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "bounding_box_train").mkdir()
    >>> data_folder(root) == root
    True
    """
    if folder is not None:
        path, origin = expanded(path_of("folder", folder)), "the argument folder"
    elif os.environ.get("MOMI_DATA"):
        path, origin = expanded(os.environ["MOMI_DATA"]), "the environment variable MOMI_DATA"
    else:
        path, origin = EMBEDDED, "the embedded data set (set MOMI_DATA to use another)"
    if not str(path).strip():
        raise FileNotFoundError(f"{str(path)!r} ({origin}) holds only blanks. Expected {LAYOUT}.")
    if path == EMBEDDED and not path.exists():
        how = missing_home(f"set MOMI_DATA to {LAYOUT}") or "; restore it with `git checkout -- data`"
        raise NotInstalledError(f"{path} (the embedded data set) does not exist{how}")
    with _permitted():
        if not path.is_dir():
            what = "is a file" if path.exists() else "does not exist"
            raise FileNotFoundError(f"{path} ({origin}) {what}. Expected {LAYOUT}.")
        if not _has_splits(path):
            raise FileNotFoundError(
                f"{path} ({origin}) holds none of {', '.join(FOLDERS)}. Expected {LAYOUT}.{_hint(path)}"
            )
    return path


@contextmanager
def _permitted() -> Iterator[None]:
    """Say of a folder that may not be looked into what to do."""
    try:
        yield
    except PermissionError as error:
        raise PictureError(
            f"{error.filename} may not be read ({error.strerror}). Expected folders and files that you may read: "
            "change their permissions, or copy them to where you may."
        ) from error


def _hint(path: Path) -> str:
    """What was probably meant by a folder without any of `FOLDERS`, as the end of a message."""
    near = [said for part in FOLDERS if (said := _near(path, part))]
    near += [f" {_absent(path, part)}." for part in FOLDERS if os.path.lexists(path / part)]
    if near:
        return near[0]
    # The commonest slips: the archive was unpacked into a folder of its own; one of its folders is given.
    if any(path.name in names for names in CALLED.values()) and _has_splits(path.parent):
        return f" Did you mean {path.parent}?"
    meant = _data_folder_inside(path)
    if meant is not None:
        return f" Did you mean {meant}?"
    names = sorted(entry.name for entry in os.scandir(path) if entry.is_file())
    loose = [name for name in names if is_picture(name)]
    if loose:
        return f" Its {len(loose)} pictures, such as {loose[0]}, would have to lie in bounding_box_train/PERSON/."
    inside = deeper(path)
    return _unpack(names) if inside is None else _move(inside, path, "bounding_box_train")


def _data_folder_inside(path: Path) -> Path | None:
    """The first data folder in the sub-folders of a folder, down to the third level and the nearest first."""
    queue = [(path, 0)]
    for folder, level in queue:
        try:
            if level and _has_splits(folder):
                return folder
            inside = sorted(e.name for e in os.scandir(folder) if e.is_dir()) if level < 3 else []
        except OSError:  # it may not be looked into
            continue
        names = [name for name in inside if not name.startswith(".")]
        queue += [(folder / name, level + 1) for name in names[: max(0, LOOKED_INTO - len(queue))]]
    return None


def _unpack(names: list[str]) -> str:
    """What to do with an archive among the files of a folder, as the end of a message; "" without one."""
    packed = [name for name in names if name.lower().endswith(ARCHIVES) and not name.startswith(".")]
    return f" {packed[0]} is not looked into: unpack it." if packed else ""


def _near(folder: Path, part: str) -> str:
    """A folder in other letters than those of a part that is missing, as the end of a message; "" without one."""

    def letters(name: str) -> str:
        return re.sub("[^a-z]", "", name.casefold())

    known = {letters(name) for name in CALLED[part]}
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if letters(entry.name) in known and entry.is_dir():
            return f" {entry.name} is not read: rename it to {part}."
    return ""


def _move(inside: str, folder: Path, part: str) -> str:
    """What to do with pictures that lie too deep, as the end of a message."""
    return (
        f" There are pictures in the sub-folders of {folder.name}, such as {inside}; move those of each person to "
        f"{part}/PERSON/."
    )


def _has_splits(folder: Path) -> bool:
    return any((folder / name).is_dir() for names in CALLED.values() for name in names)


def _absent(folder: Path, part: str) -> str:
    """How one of `FOLDERS` is missing, as the beginning of a message."""
    place = folder / part
    if place.exists():
        return f"{place} is a file, not a folder"
    if place.is_symlink():
        return f"{place} is a broken link"
    for name in LISTED_IN if part in LISTED else ():
        if (folder / name).is_dir():
            return (
                f"{place} does not exist, and neither does {folder / LISTED[part]}, the list in MSMT17's layout that "
                f"says which pictures in {name}/ belong to {part}"
            )
    return f"{place} does not exist"


def split_folder(folder: Path, part: str) -> Path:
    """Where the pictures of one of `FOLDERS` lie in a data folder, whatever its own data set calls it.

    Raises FileNotFoundError where it is missing.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "train").mkdir()
    >>> split_folder(root, "bounding_box_train").name
    'train'
    """
    for name in CALLED[part]:
        if (folder / name).is_dir():
            return folder / name
    if part in LISTED and (folder / LISTED[part]).is_file():
        for name in LISTED_IN:
            if (folder / name).is_dir():
                return folder / name
    raise FileNotFoundError(f"{_absent(folder, part)}. Expected {LAYOUT}.{_near(folder, part)}")


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

    Read are files that end in `names.ENDINGS` and are named as Market-1501, DukeMTMC-reID or MSMT17 name theirs; in a
    folder without such files, those of its sub-folders, each of which is one person: then names are free, a number as
    a folder's name is the person's, and other names are numbered from 1 in their order, over all splits. What is left
    out and looks like a picture is said in one logged warning. `Thumbs.db` and hidden files are ignored. Pictures of
    person -1 (junk) and 0000 (distractors) are left out unless `junk`.

    Raises ValueError for an unknown split, FileNotFoundError for a missing folder, PictureError for a folder
    without a usable picture, for one with such files and with pictures in sub-folders, for a person's folder with
    pictures that are named as those of several people or of another one, for two folders of one number, such as 1 and
    01, for what may not be read, and for a split whose people are numbered in two ways, as by the names of two data
    sets: there, one number could be two people.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp()); (root / "query").mkdir()
    >>> for name in ("0002_c1s1_000451_03.jpg", "-1_c1s1_000001_00.jpg", "Thumbs.db"):
    ...     _ = (root / "query" / name).write_bytes(b"")
    >>> [record.file for record in scan(root, "query")]
    ['query/0002_c1s1_000451_03.jpg']
    >>> len(scan(root, "query", junk=True))
    2
    """
    word("split", split, SPLITS)
    with _permitted():
        return _scan(folder, split, junk)


def _scan(folder: Path, split: str, junk: bool) -> list[Record]:
    records: list[Record] = []
    numbered: dict[str, str] = {}  # what numbers people → the first picture
    for part in SPLITS[split]:
        try:
            place = split_folder(folder, part)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{_absent(folder, part)}; split={split!r} needs it. Expected {LAYOUT}.{_near(folder, part)}"
            ) from None
        found = _named(folder, place, part) or _by_person(folder, place)
        for file, person, _, by in found:
            if person > 0:
                numbered.setdefault(by, file)
        _refuse_two_numberings(folder, numbered)
        kept = [(file, person, camera) for file, person, camera, _ in found if person > 0 or junk]
        if not kept:
            raise PictureError(_nothing(place, len(found)))
        stamps = stamp(folder, [file for file, _, _ in kept])
        records += [Record(*entry, *marks) for entry, marks in zip(kept, stamps, strict=True)]
    return records


Found = list[tuple[str, int, int, str]]  # file relative to the data folder, person, camera, what numbers the person


def _by_name(naming: Naming) -> str:
    return f"its name, as in {naming.of}"


def _refuse_two_numberings(folder: Path, numbered: dict[str, str]) -> None:
    """Refuse a split in which one number could be two people; a folder's number may be that of Market-1501's names."""
    others = [by for by in numbered if by != BY_FOLDER]
    alone = {BY_ORDER, *(_by_name(naming) for naming in NAMINGS if naming.first)}
    if len(others) > 1 or (len(numbered) > 1 and alone & {*others}):
        one, other = (others if len(others) > 1 else [*numbered])[:2]
        raise PictureError(
            f"{folder}: {numbered[one]} gets its person's number from {one}, and {numbered[other]} from {other}, so "
            "one number could be two people. Separate them, with a data folder for each, or number all in one way."
        )


def _named(folder: Path, place: Path, part: str) -> Found:
    """Pictures whose names say who and which camera; where a list says which files are of this part, those."""
    lines: list[str] = []
    if place.name in LISTED_IN:
        try:
            lines = (folder / LISTED[part]).read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise PictureError(f"{folder / LISTED[part]}: expected text in UTF-8 ({error}).") from error
        names = sorted({line.split()[0].replace("\\", "/") for line in lines if line.strip()})
    else:
        names = sorted(os.listdir(place))
    pictures = [name for name in names if is_picture(os.path.basename(name))]
    parsed = [(name, parsed_name(os.path.basename(name))) for name in pictures]
    good: Found = [
        (f"{place.name}/{name}", person, camera, _by_name(naming))
        for name, known in parsed if known is not None
        for person, camera, naming in [known]
    ]  # fmt: skip
    if not good and place.name in LISTED_IN:
        raise PictureError(
            f"{folder / LISTED[part]}: expected lines that begin with the name of a picture in {place}, such as "
            f"0000/0000_000_01_0303morning_0008_0.jpg, got {lines[0][:80]!r}" if lines else
            f"{folder / LISTED[part]} is empty; it says which pictures of {place} belong to {part}"
        )  # fmt: skip
    if good and place.name not in LISTED_IN:
        _refuse_folders_beside(place, [name for name, known in parsed if known is not None])
    if good:
        _say_left_out(place, left_out(names, [name for name, known in parsed if known is None]))
    return good


def _refuse_folders_beside(place: Path, named: list[str]) -> None:
    """Refuse pictures that are named as a data set names them and lie beside folders with pictures."""
    for person in _folders(place):
        inside = [name for name in sorted(os.listdir(place / person)) if is_picture(name)]
        first = next((name for name in inside if (place / person / name).is_file()), None) or deeper(place / person)
        if first is not None:
            count = f"{len(named)} picture" + "s" * (len(named) > 1)
            raise PictureError(
                f"{place} holds {count}, such as {named[0]}, beside folders with pictures, such as "
                f"{person}/{first}; expected all pictures in one folder, or a folder for each person. Move the "
                "pictures into the folders of their persons, or the folders elsewhere."
            )


def _by_person(folder: Path, place: Path) -> Found:
    """Pictures in sub-folders, of one person each."""
    numbers = _person_numbers(folder)
    free = BY_FOLDER if all(name == f"{number:0{len(name)}}" for name, number in numbers.items()) else BY_ORDER
    found: Found = []
    without: list[str] = []  # pictures whose names tell no camera
    others: list[str] = []
    inside: list[str] = []  # pictures that lie too deep, one for each person
    folders: dict[int, str] = {}  # of people by their number, as far as they are named by one
    for person in _folders(place):
        names = sorted(os.listdir(place / person))
        _refuse_other_people(place, person, names)
        if person.isdecimal() and any(map(is_picture, names)):
            other = folders.setdefault(int(person), person)
            if other != person:
                raise PictureError(
                    f"{place}: the folders {other} and {person} are both of person {int(person)}. Move their pictures "
                    "into one folder if they show one person, or give one of them another number."
                )
        others += names
        if any(os.path.isdir(place / person / name) for name in names if not is_picture(name)):
            inside += [f"{person}/{name}" for name in [deeper(place / person)] if name is not None]
        for name in filter(is_picture, names):
            file = f"{place.name}/{person}/{name}"
            parsed, camera = parsed_name(name, person), CAMERA.search(os.path.splitext(name)[0])
            without += [file] * (parsed is None and camera is None)
            if parsed is None:
                found.append((file, numbers[person], int(camera[1]) if camera else 1, free))
            else:
                number, seen_by, naming = parsed
                found.append((file, number, seen_by, _by_name(naming) if naming.first else BY_FOLDER))
    if without and found:
        log.warning(
            "%s: %d of %d pictures name no camera and are counted as of camera 1; the first is %s. Name them like "
            "0002_c1s1_000451_03.jpg to say which camera took them.",
            *(place, len(without), len(found), without[0]),
        )
    loose = [name for name in os.listdir(place) if is_picture(name) and (place / name).is_file()] if found else []
    said = [left_out(others, loose)]
    if inside and found:
        said.append(f"the pictures in folders inside of a person's folder, such as {inside[0]}")
    _say_left_out(place, ", ".join(filter(None, said)))
    return found


def _refuse_other_people(place: Path, person: str, names: list[str]) -> None:
    """Refuse a person's folder whose pictures state several people, or somebody other than the folder's number."""
    if person == "-1":  # junk may be of anybody
        return
    stated: dict[int, str] = {}  # the number in a name, from which MSMT17 counts one less → the first picture
    for name in names:
        if (known := parsed_name(name)) is not None:
            stated.setdefault(known[0] - known[2].first, name)
    if len(stated) > 1:
        one, other = list(stated.values())[:2]
        raise PictureError(
            f"{place / person} would be the folder of one person, but its pictures are named as those of several, such "
            f"as {one} and {other}. Move the pictures up into {place.name}, or those of each person into a folder of "
            "their own, or give them other names."
        )
    for number, name in stated.items():
        if person.isdecimal() and int(person) != number:
            raise PictureError(
                f"{place / person} is the folder of person {int(person)}, but {name} is named as one of person "
                f"{number}. Move such pictures into the folder of their person or up into {place.name}, or rename them "
                "or the folder."
            )


def _folders(place: Path) -> list[str]:
    entries = sorted(entry.name for entry in os.scandir(place) if entry.is_dir())
    return [name for name in entries if not name.startswith(".") and not is_picture(name)]


def _person_numbers(folder: Path) -> dict[str, int]:
    """The number of each person of whom any part of the data folder has a sub-folder."""
    places = [folder / name for names in CALLED.values() for name in names if (folder / name).is_dir()]
    people = sorted({name for place in places for name in _folders(place)})
    if all(name == "-1" or (name.isascii() and name.isdigit() and int(name) > 0) for name in people):
        return {name: int(name) for name in people}
    return {name: number for number, name in enumerate((name for name in people if name != "-1"), 1)} | {"-1": -1}


def _say_left_out(place: Path, said: str) -> None:
    if said:
        log.warning("%s: left out %s.", place, said)


def _nothing(place: Path, junk: int) -> str:
    """Why a folder has no usable picture."""
    if junk:
        return f"{place} holds only junk and distractors ({junk} pictures). Expected pictures named {NAMINGS[0].form}."
    names = sorted(os.listdir(place))
    other = [name for name in names if is_picture(name)]
    if not other:
        found = left_out(names)
        found = f"no pictures but {found}" if found else "no pictures"
        inside = deeper(place)
        move = _unpack(names) if inside is None else _move(inside, place, place.name)
        return f"{place} holds {found}. Expected pictures named {NAMINGS[0].form}.{move}"
    forms = " or ".join(f"{naming.form} ({naming.of})" for naming in NAMINGS)
    more = f", and so are {len(other) - 1} more" if len(other) > 1 else ""
    return (
        f"{place / other[0]} is not named {forms}{more}. Rename them, or give each person's pictures a folder of their "
        f"own: {place.name}/PERSON/{other[0]}."
    )
