"""The commands of ``python -m momi_lib study``: dataclasses whose fields are the options; nothing heavy is imported."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from momi_lib.devices import Device

log = logging.getLogger("momi_lib")


@contextmanager
def stopped_in_order() -> Iterator[None]:
    """Let a SIGTERM, as job schedulers send it, end the context like an error, so that locks are released.

    Only the main thread of a program can do this; in other threads nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def tell_missing(missing: int, asked: int) -> None:
    """Exit with status 1 if requested runs have no scores yet, and say so."""
    if missing:
        log.warning("%d of %d runs left to others; start the study again when those have ended", missing, asked)
        raise SystemExit(1)


@dataclass(frozen=True)
class StudyOptions:
    """What a study of ablations trains, and how it is scored.

    Attributes:
        preset: gives the size of the networks, which have the paper's parts and losses.
        steps: training steps of each run, after its student is trained.
        seeds: runs per variant.
        start: weights whose student all runs take. By default, the command takes the committed ones for `lookup` on
            the embedded data; otherwise each run distils its own.
        pairs: number of swaps on which each run is scored.
        out: folder for the runs; runs that are finished there are not trained again.
        results: JSON that is written after every run; a picture of the same name, ending in .jpg, is written beside it.
        data: data folder; `None` is `$MOMI_DATA` or the embedded set.
        only: names of variants; all by default.
        teacher: pose network that is distilled and that judges poses; `None` is the one trained on mannequins.
        teacher_input: height and width that an official checkpoint was trained on, if its name does not say so.
        judge: network of IS, FID and KID. (ResNet-50, which `evaluate` also takes, has no classes for IS.)
        affinity: networks of APS: `heldout`, `paper` or files; by default the committed ones trained on these data.
    """

    preset: str = "lookup"
    steps: int = 900
    seeds: int = 3
    start: Path | None = None
    pairs: int = 1000
    out: Path = Path("runs/study")
    results: Path = Path("runs/study/ablations.json")
    data: Path | None = None
    only: tuple[str, ...] = ()
    teacher: Path | None = None
    teacher_input: tuple[int, int] | None = None
    judge: Literal["mannequin", "inception"] = "mannequin"
    affinity: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ablations(StudyOptions):
    """Train the ablations and the sweep of γ, score them, and count the paper's orderings.

    If started again, it continues: runs that are finished in OUT are not trained again. Several processes may share the
    runs, such as a job array in which each has its own --only; the results contain the runs of all. The exit status is
    1 if requested runs are left to other processes.

    Attributes:
        batch: triplets per step; `None` is the preset's number.
    """

    batch: int | None = None

    def __call__(self) -> None:
        """Run it."""
        from momi_lib.data import data_folder
        from momi_lib.data.records import EMBEDDED
        from momi_lib.files import weights_folder
        from momi_lib.study import run

        start, embedded = self.start, data_folder(self.data).resolve() == EMBEDDED.resolve()
        if start is None and self.preset == "lookup" and self.teacher is None and embedded:
            start = weights_folder() / "momi-lookup.safetensors"
        options = {name: value for name, value in vars(self).items() if name not in ("batch", "start")}
        options["options"] = {} if self.batch is None else {"batch": self.batch}
        study = run.Study(start=start, **options)
        with stopped_in_order():
            result = run.run_study(study)
        for ordering in result["orderings"]:
            log.info("%s: in %d of %d seeds", ordering["says"], ordering["holds"], ordering["seeds"])
        log.info("%s", self.results)
        tell_missing(len(run.missing_runs(study, result)), len(study.variants) * study.seeds)


@dataclass(frozen=True)
class Experiments:
    """Train short runs, most of which change one option, and score them on true swaps of held-out people.

    If started again, it continues: runs that are finished in OUT are not trained again. Several processes may share the
    runs, such as a job array in which each has its own --only. The exit status is 1 if requested runs are left to other
    processes.

    Attributes:
        only: names of experiments, in the order in which to run them; all by default.
        out: folder for the runs.
        results: folder for a JSON and a picture of each run.
    """

    only: tuple[str, ...] = ()
    out: Path = Path("runs/experiments")
    results: Path = Path("benchmarks/results/experiments")

    def __call__(self) -> None:
        """Run them."""
        from momi_lib.study.experiments import run_experiments

        with stopped_in_order():
            found = run_experiments(self.only, self.out, self.results)
        scored = sum(map(bool, found.values()))
        log.info("%d of %d runs are scored in %s", scored, len(found), self.results)
        tell_missing(len(found) - scored, len(found))


@dataclass(frozen=True)
class Rivals:
    """Train PG², PN-GAN, PATN and MOMI-Net for 15 minutes a run and DG-Net for 30, score them, and decide the claims.

    If started again, it continues: runs that are finished in OUT are not trained again, and runs that are scored in the
    folder beside RESULTS need not even be there. Several processes may share the runs. The exit status is 1 if
    requested runs are left to other processes. On two quiet CPU cores it takes about five hours.

    Attributes:
        out: folder for the runs.
        results: JSON that is written after every run; the scores of each run are in a folder of the same name.
        data: data folder with true swaps; `None` is `$MOMI_DATA` or the embedded set.
        seeds: runs per method.
        only: names of methods; all by default.
        minutes: factor of all training times.
        steps: length of every run, instead of what fits into the minutes.
        swaps: number of true swaps on which each run is scored.
        device: `auto`, `cpu` or `mps`.
    """

    out: Path = Path("runs/rivals")
    results: Path = Path("benchmarks/results/rivals.json")
    data: Path | None = None
    seeds: int = 3
    only: tuple[str, ...] = ()
    minutes: float = 1.0
    steps: int | None = None
    swaps: int = 400
    device: Device = "auto"

    def __call__(self) -> None:
        """Run it."""
        from momi_lib.study.rivals import Race, missing_runs, run_race

        race = Race(**vars(self))
        with stopped_in_order():
            result = run_race(race)
        for claim in result["claims"]:
            log.info("%s: %s", claim["says"], claim["verdict"])
        log.info("%s", self.results)
        tell_missing(len(missing_runs(race)), len(race.names) * race.seeds)


@dataclass(frozen=True)
class ExperimentsPage:
    """Write the page that compares the experiments, from their results.

    Attributes:
        results: folder of their JSON files.
        page: Markdown file to write.
    """

    results: Path = Path("benchmarks/results/experiments")
    page: Path = Path("benchmarks/experiments.md")

    def __call__(self) -> None:
        """Write it."""
        from momi_lib.study.experiments_page import write_page

        log.info("%s", write_page(self.page, self.results))
