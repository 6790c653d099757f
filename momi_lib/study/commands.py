"""What ``python -m momi_lib study`` can do, as dataclasses whose fields are its options; nothing heavy is imported."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

log = logging.getLogger("momi_lib")


@dataclass(frozen=True)
class Ablations:
    """Train the ablations and the sweep of γ, score them, and count the paper's orderings.

    Started again it goes on: runs that are finished in OUT are not trained again. Several processes may share the
    runs, as a job array with another --only each; the results have the runs of all.

    Attributes:
        preset: of which networks; the paper's parts and losses at its size.
        steps: of each run.
        seeds: runs a variant.
        start: weights whose student all runs take; without it the committed ones for `lookup` on the embedded data,
            and else each run distils its own.
        pairs: swaps that each run is scored on.
        out: folder of the runs.
        results: JSON to write after every run.
        data: `None` is `$MOMI_DATA` or the embedded set.
        only: these variants.
        batch: triplets a step; `None` is the preset's.
        teacher: pose network that is distilled and that judges poses; `None` learned mannequins.
        teacher_input: height and width that an official checkpoint was trained on, where its name does not say so.
        judge: network of IS, FID and KID.
        affinity: networks of APS: `heldout`, `paper` or files; without, the committed ones that learned these data.
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
    batch: int | None = None
    teacher: Path | None = None
    teacher_input: tuple[int, int] | None = None
    judge: Literal["mannequin", "inception", "resnet50"] = "mannequin"
    affinity: tuple[str, ...] = ()

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
        result = run.run_study(run.Study(start=start, **options))
        for ordering in result["orderings"]:
            log.info("%s: in %d of %d seeds", ordering["says"], ordering["holds"], ordering["seeds"])
        log.info("%s", self.results)


@dataclass(frozen=True)
class Experiments:
    """Train short runs that differ in one option, and score them on true swaps of held-out people.

    Started again it goes on: runs that are finished in OUT are not trained again. Several processes may share the
    runs, as a job array with another --only each.

    Attributes:
        only: these experiments, in this order.
        out: folder of the runs.
        results: folder of a JSON and a picture of each run.
    """

    only: tuple[str, ...] = ()
    out: Path = Path("runs/experiments")
    results: Path = Path("benchmarks/results/experiments")

    def __call__(self) -> None:
        """Run them."""
        from momi_lib.study.experiments import run_experiments

        found = run_experiments(self.only, self.out, self.results)
        log.info("%d of %d runs are scored in %s", sum(map(bool, found.values())), len(found), self.results)


@dataclass(frozen=True)
class ExperimentsPage:
    """Write the page that compares the experiments, from their results.

    Attributes:
        results: folder of their JSON files.
        page: Markdown to write.
    """

    results: Path = Path("benchmarks/results/experiments")
    page: Path = Path("benchmarks/experiments.md")

    def __call__(self) -> None:
        """Write it."""
        from momi_lib.study.experiments_page import write_page

        log.info("%s", write_page(self.page, self.results))
