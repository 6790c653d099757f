"""Work: one unit at a time, each complete in itself, so that any number of processes can share it in any order.

A unit is all pictures of one person, or all true swaps of one source person. It writes its pictures into the data
folder and then, last, its record (a JSON file under `.unfinished/`): a unit with a record is done, a unit without one
is done again, with the same result.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2

from tools.mannequins.body.attributes import Attributes
from tools.mannequins.dataset.labels import annotation, dense_npz, parts_png, scene_line, taken_from
from tools.mannequins.dataset.plan import Shot
from tools.mannequins.dataset.truth import Taken, true_swap
from tools.mannequins.photograph.person import Person
from tools.mannequins.photograph.picture import Picture, Studio
from tools.mannequins.photograph.scene import draw_scene

__all__ = ["UNFINISHED", "PersonUnit", "TruthUnit", "jpeg", "put", "take"]

UNFINISHED = ".unfinished"  # records of what is done; gone when the data set is complete
LEAST_VISIBLE = 8  # joints; a picture with fewer is drawn again
LEAST_MASK = 0.10  # share of the picture; likewise
ATTEMPTS = 100
QUALITY = 90  # of the JPEG files


@dataclass(frozen=True)
class PersonUnit:
    """All pictures of one person."""

    seed: int
    identity: int
    attributes: Attributes
    shots: tuple[Shot, ...]
    dense: bool

    @property
    def record(self) -> str:
        return f"{UNFINISHED}/person-{self.shots[0].person:04d}.json"

    def __len__(self) -> int:
        return len(self.shots)

    def run(self, folder: Path) -> None:
        """Take the pictures and write them, their parts and their record."""
        person = Person.of(self.attributes)
        taken, pictures = [], []
        for shot in self.shots:
            one, picture = take(_studio(self.seed), self.seed, self.identity, person, shot)
            put(folder / shot.file, jpeg(picture))
            taken.append(one)
            pictures.append(picture)
        number = self.shots[0].person
        put(folder / "parts" / f"{number:04d}.png", parts_png([picture.parts for picture in pictures]))
        if self.dense:
            maps = {Path(s.file).stem: p.canonical for s, p in zip(self.shots, pictures, strict=True)}
            put(folder / "dense" / f"{number:04d}.npz", dense_npz(maps))
        rows = [
            {"annotation": annotation(p), "scene": scene_line(t)} for t, p in zip(taken, pictures, strict=True)
        ]
        put(folder / self.record, json.dumps(rows).encode())


@dataclass(frozen=True)
class TruthUnit:
    """All true swaps whose source is one person: (number of the swap, source, target)."""

    seed: int
    attributes: Attributes
    swaps: tuple[tuple[int, Taken, Taken], ...]

    @property
    def record(self) -> str:
        return f"{UNFINISHED}/truth-{self.swaps[0][1].person:04d}.json"

    def __len__(self) -> int:
        return len(self.swaps)

    def run(self, folder: Path) -> None:
        """Render the swaps and write them and their record."""
        person = Person.of(self.attributes)
        rows = []
        for number, source, target in self.swaps:
            picture = true_swap(_studio(self.seed), source, person, target)
            file = f"truth/{number:06d}.jpg"
            put(folder / file, jpeg(picture))
            rows.append({"from": source.file, "to": target.file, "picture": file, "annotation": annotation(picture)})
        put(folder / self.record, json.dumps(rows).encode())


def take(studio: Studio, seed: int, identity: int, person: Person, shot: Shot) -> tuple[Taken, Picture]:
    """The picture of a shot: the first scene drawn for it that shows enough of the person."""
    for attempt in range(ATTEMPTS):
        scene = draw_scene(seed, identity, shot.index, shot.camera, attempt)
        picture = studio.picture(scene, person)
        if (picture.visibility == 2).sum() >= LEAST_VISIBLE and picture.mask.mean() >= LEAST_MASK:
            return Taken(shot.file, shot.person, identity, scene, picture.crop, picture.height, attempt), picture
    raise RuntimeError(f"{shot.file}: none of {ATTEMPTS} scenes shows enough of the person; choose another seed.")


def read_record(folder: Path, record: str) -> list[dict]:
    """A person's record; `scene` becomes a `Taken`."""
    rows = json.loads((folder / record).read_bytes())
    return [{**row, "scene": taken_from(row["scene"])} if "scene" in row else row for row in rows]


def jpeg(picture: Picture) -> bytes:
    """The picture as a JPEG file."""
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    done, data = cv2.imencode(".jpg", picture.image[..., ::-1], options)
    if not done:
        raise RuntimeError("OpenCV cannot write JPEG here: reinstall opencv-python-headless.")
    return data.tobytes()


def put(path: Path, data: bytes) -> None:
    """Write a file that is whole or not there. One writer a file: the temporary name is always the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    os.replace(part, path)


def start_process() -> None:
    """What a worker process does first: one thread each, or the workers would fight over the cores."""
    cv2.setNumThreads(1)


def run_unit(unit: PersonUnit | TruthUnit, folder: Path) -> int:
    """Do a unit in this process; how many pictures it was."""
    unit.run(folder)
    return len(unit)


@lru_cache(maxsize=1)
def _studio(seed: int) -> Studio:
    return Studio(seed)


def swaps_by_person(
    seed: int, taken: Sequence[Taken], pairs: Sequence[tuple[int, int]], people: dict[int, Attributes]
) -> list[TruthUnit]:
    """The pairs, numbered in order, as units."""
    by_person: dict[int, list[tuple[int, Taken, Taken]]] = {}
    for number, (source, target) in enumerate(pairs):
        by_person.setdefault(taken[source].person, []).append((number, taken[source], taken[target]))
    return [TruthUnit(seed, people[person], tuple(swaps)) for person, swaps in by_person.items()]
