"""Near labels: files that are likely meant to be the labels of a data folder, and are not where labels are read.

A folder without labels is no error, so a label file under another name would be passed over without a word.
"""

from __future__ import annotations

import logging
import os
import re
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

from momi_lib.data.labels import LabelError

__all__ = ["near_label_files", "no_labels"]

log = logging.getLogger(__name__)
#: What each file of labels is also called, for `near_label_files`.
ALSO = {"test": ("query", "gallery", "val", "valid", "validation")}
#: What programs call labels of any split, such as Roboflow's `_annotations.coco.json`.
ANY = {"annotation", "annotations", "label", "labels", "coco", "keypoints"}
#: Forms in which other programs write labels, none of which is read; as a text, other things are written, too.
FORMS = (".csv", ".tsv", ".xml", ".ndjson", ".yaml", ".yml", ".mat", ".npy", ".npz", ".pkl", ".zip")
TEXT = ".txt"
#: Folders of the pictures of each file, beside which other programs write their labels.
PICTURES = {
    "train": ("bounding_box_train", "train"),
    "test": ("bounding_box_test", "query", "gallery", "test", "valid"),
}


def near_label_files(path: Path) -> list[Path]:
    """Files beside or near the missing label file `path` that are likely meant to be it: another name or folder.

    In its own folder that is any .json that is not named after another split.

    >>> near_label_files(Path("no_such_folder/annotations/train.json"))
    []
    """
    root, own = path.parent.parent, path.stem
    first, *others = _folders_of_labels(path)
    folders = [first, root, *(root / name for name in PICTURES.get(own, ())), *others]
    taken = {path.parent / f"{name}.json" for name in ("train", "test", "truth")}
    found = []
    for folder in dict.fromkeys(folders):
        if not folder.is_dir():
            continue
        for file in sorted(os.listdir(folder)):  # one of pictures may hold many thousands
            name, dot, _ = file.casefold().partition(".json")
            each = folder / file
            if dot and each not in taken and _names(name, own, any_name=folder == path.parent) and each.is_file():
                found.append(each)
    return found


def _label_files_of_other_forms(path: Path) -> list[Path]:
    """Files beside the missing label file `path` that likely hold its labels in a form that is not read."""
    found = []
    for folder in filter(Path.is_dir, _folders_of_labels(path)):
        for file in sorted(os.listdir(folder)):
            name, ending = os.path.splitext(file.casefold())
            own = folder == path.parent and ending != TEXT
            if ending in (*FORMS, TEXT) and _names(name, path.stem, any_name=own) and (folder / file).is_file():
                found.append(folder / file)
    return found


def _folders_of_labels(path: Path) -> list[Path]:
    """The folder of a label file, and others of the data folder that are called like it."""
    root = path.parent.parent
    names = ("annotation", "annotations", "label", "labels")
    inside = sorted(root.iterdir()) if root.is_dir() else []
    return [path.parent, *(each for each in inside if each.name.casefold() in names and each.is_dir())]


def _names(name: str, own: str, any_name: bool = False) -> bool:
    """Whether the words of a file's name say that it holds the labels of a split, or labels and not of which.

    With `any_name`, they need not say that it holds labels.
    """
    words = re.findall("[a-z]+", name)
    if any(_meant(word, own) for word in words):
        return True
    others = {"train", "test", "truth"} - {own}
    labels = any_name or not ANY.isdisjoint(words)
    return labels and not any(_meant(word, other) for word in words for other in others)


def _meant(word: str, name: str) -> bool:
    """Whether a word of a file's name is another way to write the name of a split."""
    if word.startswith(name) or word in ALSO.get(name, ()):
        return True
    return sorted(word) == sorted(name) or SequenceMatcher(None, word, name).ratio() > 0.85


def no_labels(path: Path) -> None:
    """Answer None for labels that are not there, with a logged warning where a file near by is likely meant to be them.

    Raises LabelError where the name is taken by something that is no file, such as a folder or a broken link.

    >>> no_labels(Path("no_such_folder/annotations/train.json"))
    """
    if os.path.lexists(path):
        what = "a folder" if path.is_dir() else "a broken link" if path.is_symlink() else "a special file"
        raise LabelError(f"{path}: expected a COCO keypoints file in JSON, and this is {what}.")
    if near := near_label_files(path):
        _point_at(path, tuple(near), "If it holds the labels, rename it.")
    elif other := _label_files_of_other_forms(path):
        _point_at(path, tuple(other), "If it holds the labels, convert it to COCO keypoints in JSON.")


@cache  # once a file: data are loaded many times
def _point_at(path: Path, near: tuple[Path, ...], advice: str) -> None:
    log.warning(
        "%s is not read: the labels of these pictures are read only from %s. %s", " or ".join(map(str, near[:2])), path,
        advice,
    )
