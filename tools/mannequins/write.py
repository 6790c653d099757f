"""Writing a data set: units to workers, records to label files, and a manifest that says it is complete.

A folder is in one of three states: absent or empty; with `.unfinished/`, which the same command continues; with
`manifest.json`, complete. Nothing else is touched.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import multiprocessing
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm.auto import tqdm

from tools.mannequins.attributes import Attributes
from tools.mannequins.backdrop import VARIANTS, backdrop, is_drawn
from tools.mannequins.cameras import CAMERAS
from tools.mannequins.labels import attributes_csv, coco, scenes_gz
from tools.mannequins.plan import Sizes, identities, plan
from tools.mannequins.template import template
from tools.mannequins.truth import Taken, draw_pairs
from tools.mannequins.work import (
    UNFINISHED,
    PersonUnit,
    TruthUnit,
    put,
    read_record,
    run_unit,
    start_process,
    swaps_by_person,
)

__all__ = ["FolderError", "Request", "make", "set_up", "write_manifest"]

Unit = PersonUnit | TruthUnit
PICTURE = (128, 64)


class FolderError(ValueError):
    """The folder cannot take the data set; the message says why."""


@dataclass(frozen=True)
class Request:
    """What to make: two equal requests make the same bytes, with any number of workers."""

    sizes: Sizes
    seed: int
    dense: bool = False

    def settings(self) -> dict:
        """For the folder's records: this request and the tool that carries it out."""
        return json.loads(json.dumps({**asdict(self), "tool": _fingerprint()}))


def make(
    request: Request, folder: Path, workers: int = 1, finish: Callable[[Path], None] | None = None
) -> Path:
    """Write the data set, or the rest of it, into `folder`.

    Args:
        workers: processes; 1 works in this one.
        finish: writes what goes beside the data (card, sheet) before the manifest is made.

    Raises FolderError for a folder with something else in it.
    """
    shots = plan(request.sizes, request.seed)  # first of all: sizes that do not fit are refused before any work
    settings = request.settings()  # once: whoever edits the tool meanwhile does not change what is running
    if _complete(settings, folder):
        return folder
    put(folder / UNFINISHED / "settings.json", json.dumps(settings).encode())
    set_up(workers)
    chosen = identities(request.sizes.train + request.sizes.test, request.seed)
    units = [
        PersonUnit(request.seed, number, attributes, tuple(group), request.dense)
        for (number, attributes), group in zip(chosen, _by_person(shots), strict=True)
    ]
    _run(units, folder, workers, "pictures")
    rows = [row for unit in units for row in read_record(folder, unit.record)]
    taken = [row["scene"] for row in rows]
    people = {unit.shots[0].person: unit.attributes for unit in units}
    _write_people(request, folder, rows)
    put(folder / "scenes.jsonl.gz", scenes_gz(taken))
    put(folder / "attributes.csv", attributes_csv(list(_attribute_rows(request, chosen))))
    if request.sizes.truth:
        _make_truth(request, folder, workers, taken, people)
    if finish is not None:
        finish(folder)
    write_manifest(folder, settings)
    shutil.rmtree(folder / UNFINISHED)
    return folder


def write_manifest(folder: Path, settings: dict | None = None) -> None:
    """`manifest.json`: SHA-256 of every other file, and what was asked for; None keeps what it says of that."""
    if settings is None:
        settings = json.loads((folder / "manifest.json").read_bytes()).get("settings", {})
    files = sorted(path for path in folder.rglob("*") if path.is_file() and UNFINISHED not in path.parts)
    hashes = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path != folder / "manifest.json"
    }
    put(folder / "manifest.json", (json.dumps({"settings": settings, "files": hashes}, indent=0) + "\n").encode())


def _complete(wanted: dict, folder: Path) -> bool:
    """Whether there is nothing left to do; raises FolderError where another data set is in the way."""
    for file, what in ((folder / "manifest.json", "is complete"), (folder / UNFINISHED / "settings.json", "was begun")):
        if file.is_file():
            found = json.loads(file.read_bytes())
            found = found.get("settings", {}) if file.name == "manifest.json" else found
            if found != wanted:
                names = sorted(key for key in wanted if found.get(key) != wanted[key])
                raise FolderError(
                    f"{folder} {what} with other settings or by another version of this tool ({', '.join(names)} "
                    "differ). Choose another folder, or remove this one."
                )
            if file.name == "manifest.json":
                shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
            return file.name == "manifest.json"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderError(f"{folder} holds something else. Choose an empty or new folder.")
    return False


def set_up(workers: int = 1) -> None:
    """Bake the body template and draw the streets, once a machine: minutes on one core, less with more workers."""
    places = [(camera, variant) for camera in range(len(CAMERAS)) for variant in range(VARIANTS)]
    missing = [place for place in places if not is_drawn(*place)]
    with tqdm(total=1 + len(missing), desc="setting up", unit="place", leave=False) as bar:
        template()
        bar.update()
        if workers == 1 or len(missing) < 2:
            for place in missing:
                backdrop(*place)
                bar.update()
            return
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(workers, len(missing)), context, initializer=start_process) as pool:
            for future in as_completed([pool.submit(_draw, *place) for place in missing]):
                future.result()
                bar.update()


def _draw(camera: int, variant: int) -> None:
    backdrop(camera, variant)  # into the cache; the picture itself need not travel back


def _run(units: Sequence[Unit], folder: Path, workers: int, what: str) -> None:
    """Do the units that have no record yet, in this process or in several."""
    open_units = [unit for unit in units if not (folder / unit.record).is_file()]
    total = sum(map(len, units))
    with tqdm(total=total, initial=total - sum(map(len, open_units)), desc=what, unit="picture") as bar:
        for done in _results(open_units, folder, workers):
            bar.update(done)


def _results(units: Sequence[Unit], folder: Path, workers: int) -> Iterator[int]:
    if workers == 1:
        start_process()
        yield from (run_unit(unit, folder) for unit in units)
        return
    context = multiprocessing.get_context("spawn")  # a fork would share one OpenGL context
    pool = ProcessPoolExecutor(min(workers, max(len(units), 1)), context, initializer=start_process)
    try:
        for future in as_completed([pool.submit(run_unit, unit, folder) for unit in units]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _by_person(shots: Sequence) -> list[list]:
    groups: dict[int, list] = {}
    for shot in shots:
        groups.setdefault(shot.person, []).append(shot)
    return list(groups.values())


def _attribute_rows(
    request: Request, chosen: Sequence[tuple[int, Attributes]]
) -> Iterator[tuple[int, int, str, Attributes]]:
    for person, (number, attributes) in enumerate(chosen, start=1):
        yield person, number, "train" if person <= request.sizes.train else "test", attributes


def _write_people(request: Request, folder: Path, rows: list[dict]) -> None:
    for name, what, last in (("train", "training people", False), ("test", "test people (gallery and query)", True)):
        some = [row for row in rows if (row["scene"].person > request.sizes.train) == last]
        files = [row["scene"].file for row in some]
        content = coco(what, files, [row["annotation"] for row in some], request.seed, PICTURE)
        put(folder / "annotations" / f"{name}.json", content)


def _make_truth(
    request: Request, folder: Path, workers: int, taken: Sequence[Taken], people: dict[int, Attributes]
) -> None:
    test = [each for each in taken if each.person > request.sizes.train]
    pairs = draw_pairs(test, request.sizes.truth, request.seed)
    units = swaps_by_person(request.seed, test, pairs, people)
    _run(units, folder, workers, "true swaps")
    rows = [row for unit in units for row in read_record(folder, unit.record)]
    files = [row["picture"] for row in rows]
    content = coco("true swaps", files, [row["annotation"] for row in rows], request.seed, PICTURE)
    put(folder / "annotations" / "truth.json", content)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["from", "to", "picture"])
    writer.writerows([row["from"], row["to"], row["picture"]] for row in rows)
    put(folder / "truth" / "pairs.csv", text.getvalue().encode())


def _fingerprint() -> str:
    """Of the tool's own files: another version of them may draw other pictures. Who only looks at them is left out."""
    here = Path(__file__).parent
    lookers = "__init__ __main__ any_pose body_maps card checks rendered_checks sheet statistics".split()
    files = sorted([*(each for each in here.glob("*.py") if each.stem not in lookers), *(here / "shaders").iterdir()])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
