"""Writing a data set: units to workers, records to label files, and a manifest that says it is complete.

A folder is in one of three states: absent or empty; with `.unfinished/`, which the same command continues; with
`manifest.json`, complete. Nothing else is touched. Several machines can share one folder, each with a shard of the
units; whoever comes last writes the labels.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import multiprocessing
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm.auto import tqdm

from tools.mannequins.body.attributes import Attributes
from tools.mannequins.body.template import template
from tools.mannequins.dataset.labels import attributes_csv, coco, scenes_gz
from tools.mannequins.dataset.plan import Sizes, identities, plan
from tools.mannequins.dataset.truth import Taken, draw_pairs
from tools.mannequins.dataset.work import (
    UNFINISHED,
    PersonUnit,
    TruthUnit,
    put,
    read_record,
    run_unit,
    start_process,
    swaps_by_person,
)
from tools.mannequins.street.backdrop import VARIANTS, backdrop, is_drawn
from tools.mannequins.street.cameras import CAMERAS

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
    request: Request,
    folder: Path,
    workers: int = 1,
    finish: Callable[[Path], None] | None = None,
    shard: tuple[int, int] | None = None,
) -> Path:
    """Write the data set, or the rest of it, into `folder`.

    Args:
        workers: processes; 1 works in this one.
        finish: writes what goes beside the data (card, sheet) before the manifest is made.
        shard: (k, n): only every n-th unit, from the k-th on, k from 1 to n, and no labels or manifest. All shards
            may work on one folder at the same time, or on folders that are copied over each other afterwards. True
            swaps need all people, so a shard that finds some missing leaves them to a second call. The call without a
            shard does what is left and completes the set, which is the same bytes however it was shared out.

    Raises FolderError for a folder with something else in it, ValueError for a shard that cannot be.
    """
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise ValueError(f"shard: expected k/n with k from 1 to n, got {shard[0]}/{shard[1]}")
    shots = plan(request.sizes, request.seed)  # first of all: sizes that do not fit are refused before any work
    settings = request.settings()  # once: whoever edits the tool meanwhile does not change what is running
    if _complete(settings, folder):
        return folder
    _begin(folder, settings)
    set_up(workers)
    chosen = identities(request.sizes.train + request.sizes.test, request.seed)
    units = [
        PersonUnit(request.seed, number, attributes, tuple(group), request.dense)
        for (number, attributes), group in zip(chosen, _by_person(shots), strict=True)
    ]
    _run(_share(units, shard), folder, workers, "pictures")
    if shard is not None and not all((folder / unit.record).is_file() for unit in units):
        return folder
    rows = [row for unit in units for row in read_record(folder, unit.record)]
    taken = [row["scene"] for row in rows]
    people = {unit.shots[0].person: unit.attributes for unit in units}
    swaps = _truth_units(request, taken, people) if request.sizes.truth else []
    _run(_share(swaps, shard), folder, workers, "true swaps")
    if shard is not None:
        return folder
    _write_people(request, folder, rows)
    put(folder / "scenes.jsonl.gz", scenes_gz(taken))
    put(folder / "attributes.csv", attributes_csv(list(_attribute_rows(request, chosen))))
    if swaps:
        _write_truth(request, folder, swaps)
    if finish is not None:
        finish(folder)
    write_manifest(folder, settings)
    shutil.rmtree(folder / UNFINISHED)
    return folder


def _begin(folder: Path, settings: dict) -> None:
    """Say whose folder this is; other shards may be saying the same at this moment."""
    path = folder / UNFINISHED / "settings.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".settings.{uuid.uuid4().hex}.part")
    part.write_text(json.dumps(settings), encoding="utf-8")
    os.replace(part, path)


def _share(units: Sequence[Unit], shard: tuple[int, int] | None) -> Sequence[Unit]:
    return units if shard is None else units[shard[0] - 1 :: shard[1]]


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
    if folder.exists() and (not folder.is_dir() or any(each.name != UNFINISHED for each in folder.iterdir())):
        raise FolderError(f"{folder} holds something else. Choose an empty or new folder.")
    return False


def set_up(workers: int = 1) -> None:
    """Bake the body template and draw the streets, once a machine: minutes on one core, less with more workers."""
    places = [(camera, variant) for camera in range(len(CAMERAS)) for variant in range(VARIANTS)]
    missing = [place for place in places if not is_drawn(*place)]
    with tqdm(total=1 + len(missing), desc="setting up", unit="place", leave=False) as bar:
        if workers == 1 or len(missing) < 2:
            template()
            bar.update()
            for place in missing:
                backdrop(*place)
                bar.update()
            return
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(workers, 1 + len(missing)), context, initializer=start_process) as pool:
            # The template takes as long as all streets, and no street needs it.
            for future in as_completed([pool.submit(_bake), *(pool.submit(_draw, *place) for place in missing)]):
                future.result()
                bar.update()


def _bake() -> None:
    template()  # into the cache; the template itself need not travel back


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


def _truth_units(request: Request, taken: Sequence[Taken], people: dict[int, Attributes]) -> list[TruthUnit]:
    test = [each for each in taken if each.person > request.sizes.train]
    return swaps_by_person(request.seed, test, draw_pairs(test, request.sizes.truth, request.seed), people)


def _write_truth(request: Request, folder: Path, units: Sequence[TruthUnit]) -> None:
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
    here = Path(__file__).parents[1]
    lookers = "__init__ __main__ any_pose body_maps card checks rendered_checks sheet statistics".split()
    files = sorted([*(each for each in here.rglob("*.py") if each.stem not in lookers), *(here / "shaders").iterdir()])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
