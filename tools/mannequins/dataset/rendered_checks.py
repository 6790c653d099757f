"""Checks that render: labels come back when bodies are projected again, and truth is what it says it is.

A few people, spread over the data set, are looked at; that takes seconds, not the hours of the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from tools.mannequins.dataset.checks import DataSet
from tools.mannequins.dataset.labels import read_attributes, taken_from
from tools.mannequins.dataset.truth import Taken, true_swap, without_obstacle
from tools.mannequins.dataset.work import jpeg
from tools.mannequins.photograph.person import Person
from tools.mannequins.photograph.picture import Studio, to_picture, world_joints

__all__ = ["RENDERED_CHECKS", "project_again"]

PEOPLE, PICTURES = 12, 6
REPROJECTION = 0.1  # pixels
ROUNDING = 0.001  # grey levels, pixels and shares of a mask: another processor rounds a body's height otherwise
OTHER_MACHINE = 3.0  # grey levels, mean over a picture: another driver, or another JPEG library


def project_again(taken: Taken, person: Person, height: float | None = None) -> np.ndarray:
    """(17, 2) joints in the picture from the parameters alone; `height` as for `Studio.picture`."""
    joints = world_joints(taken.scene, person, height)
    return to_picture(taken.scene.view.project(joints), taken.crop)


def projecting_the_body_again_gives_the_joints(data: DataSet) -> str:
    """To 0.1 pixel, and the same for true swaps."""
    worst, count = 0.0, 0
    labels = _labels(data)
    for number in _spread(sorted(read_attributes(data.folder)), PEOPLE):
        person = _person(data.folder, number)
        for file, row in data.scenes.items():
            if row["person"] == number:
                off = _off(labels[file], project_again(taken_from(row), person))
                worst, count = max(worst, off), count + 1
                assert off < REPROJECTION, f"{file}: a joint lies {off:.2f} px off"
    for pair in _spread(data.pairs, PEOPLE):
        person = _person(data.folder, data.scenes[pair["from"]]["person"])
        target = taken_from(data.scenes[pair["to"]])
        off = _off(labels[pair["picture"]], project_again(target, person, target.height))
        worst, count = max(worst, off), count + 1
        assert off < REPROJECTION, f"{pair['picture']}: a joint lies {off:.2f} px off"
    return f"{count} pictures, {worst:.3f} px at most"


def pictures_come_back_when_rendered_again(data: DataSet) -> str:
    """Byte for byte where the machine and the versions are the same, else to a few grey levels."""
    same, files = 0, _spread(list(data.scenes), PICTURES)
    for file in files:
        taken = taken_from(data.scenes[file])
        picture = _studio(taken.scene.seed).picture(taken.scene, _person(data.folder, taken.person))
        data_again = jpeg(picture)
        same += data_again == (data.folder / file).read_bytes()
        stored = cv2.imread(str(data.folder / file)).astype(float)
        off = np.abs(cv2.imdecode(np.frombuffer(data_again, np.uint8), 1) - stored).mean()
        assert off < OTHER_MACHINE, f"{file} differs by {off:.1f} grey levels"
    return f"{same} of {len(files)} to the byte"


def truth_with_itself_is_the_picture_without_its_occluder(data: DataSet) -> str:
    """To the pixel on the machine that made them; half of the pictures looked at have something in the way."""
    rows = list(data.scenes.values())
    blocked = [row for row in rows if row["scene"]["obstacle"] is not None]
    free = [row for row in rows if row["scene"]["obstacle"] is None]
    chosen = _spread(blocked, PICTURES // 2) + _spread(free, PICTURES // 2)
    same = 0
    for row in chosen:
        taken, person = taken_from(row), _person(data.folder, row["person"])
        studio = _studio(taken.scene.seed)
        swap, plain = true_swap(studio, taken, person, taken), without_obstacle(studio, taken, person)
        for name in ("image", "joints", "mask"):
            off = np.abs(getattr(swap, name).astype(float) - getattr(plain, name).astype(float)).mean()
            assert off < ROUNDING, f"{taken.file}: {name} differs by {off:.3f} on average"
        same += np.array_equal(swap.image, plain.image)
        if taken.scene.obstacle is None:
            shown = jpeg(plain) == jpeg(studio.picture(taken.scene, person))
            assert shown, f"{taken.file}: a free picture changed when nothing was taken away"
    return f"{same} of {len(chosen)} pictures to the pixel"


RENDERED_CHECKS: tuple[Callable[[DataSet], str], ...] = (
    projecting_the_body_again_gives_the_joints,
    pictures_come_back_when_rendered_again,
    truth_with_itself_is_the_picture_without_its_occluder,
)


def _labels(data: DataSet) -> dict[str, np.ndarray]:
    return {
        file: joints for name in data.names for file, joints in zip(data.files[name], data.joints[name], strict=True)
    }


def _off(labelled: np.ndarray, again: np.ndarray) -> float:
    """Greatest distance in pixels over the joints inside the picture."""
    inside = labelled[:, 2] > 0
    return float(np.abs(labelled[inside, :2] - again[inside]).max()) if inside.any() else 0.0


def _spread(items: list, count: int) -> list:
    """`count` of the items, evenly spread."""
    return [items[index] for index in np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).astype(int))]


@lru_cache(maxsize=16)
def _person(folder: Path, number: int) -> Person:
    return Person.of(_attributes(folder)[number])


@lru_cache(maxsize=1)
def _attributes(folder: Path) -> dict:
    return read_attributes(folder)


@lru_cache(maxsize=1)
def _studio(seed: int) -> Studio:
    return Studio(seed)
