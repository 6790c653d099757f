"""The ablations and the sweep of γ: the same network trained repeatedly, each time with one thing changed.

``without-…`` leaves something out: the patch loss, the perceptual loss, or, with ``without-attention``, the gates and
the pose in φ, which then consists of residual blocks. ``patn-block`` leaves nothing out: φ has the blocks published for
pose-attention transfer, in which nothing normalises the features before the gate, while ours normalise them. They also
have more weights and dropout. The paper does not say which blocks it means.

All variants are trained with the same seeds, the same student, the same number of steps and the same pictures, and are
judged in the same way. The seeds give the spread, and the paper's orderings are checked seed by seed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from momi_lib.arguments import size_from, text_of, told, whole, word
from momi_lib.data import load
from momi_lib.evaluate.answers import answers_without_network, network_answer
from momi_lib.evaluate.pairs import test_pairs
from momi_lib.evaluate.table_one import Table, open_table
from momi_lib.files import refuse_unwritable, sha256, write_json
from momi_lib.provenance import environment, plain
from momi_lib.study.commands import StudyOptions
from momi_lib.study.engine import check, difference, kept_scores, run_once
from momi_lib.study.locks import held, holder
from momi_lib.study.pictures import draw_pictures
from momi_lib.study.summary import FULL, SCORES, means, orderings, value
from momi_lib.train import TrainConfig, preset
from momi_lib.train.presets import PRESETS, as_in_the_paper, changed
from momi_lib.train.run import WEIGHTS
from momi_lib.train.run_config import expect_types
from momi_lib.translate import load_network

log = logging.getLogger(__name__)

#: What each variant changes: options of a training run by their dotted names.
ABLATIONS: dict[str, dict[str, Any]] = {
    FULL: {},
    "without-patch": {"loss.weights.patch": 0.0},
    "without-perceptual": {"loss.weights.perceptual": 0.0},
    "without-attention": {"network.attention": "residual"},
    # The published block has a given pose stream, so the lean one goes with ours.
    "patn-block": {"network.attention_block": "pat", "network.lean_attention": False},
}
#: γ of Eq. 7; 0.5 is the paper's, and so that of the full variant.
GAMMAS: dict[str, dict[str, Any]] = {
    f"gamma-{gamma:g}": {"loss.weights.adversarial": gamma} for gamma in (0.0, 0.1, 1.0, 2.0)
}
VARIANTS = ABLATIONS | GAMMAS
#: Entries of a run's card that are kept with its scores.
FACTS = ("steps", "hours", "device", "date", "precision", "begun_with")
SCORED = "scores.json"
PATIENCE = 600.0  # seconds to wait for another process that writes the summary, pictures included
BETWEEN = 30.0  # the same after each run: the next summary has its row, too


@dataclass(frozen=True)
class Study(StudyOptions):
    """A study: its options, and the config of each of its runs.

    Attributes:
        options: further options of the run, such as ``batch``, by their dotted names.
    """

    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        word("preset", self.preset, PRESETS)
        text_of("judge", self.judge)
        if self.judge == "resnet50":
            raise ValueError("judge: ResNet-50 has no classes, and a study reports IS; take 'mannequin' or 'inception'")
        expect_types("", self)
        if self.teacher_input is not None:
            size_from("teacher_input", self.teacher_input)
        if not isinstance(self.options, Mapping):
            raise TypeError(f"options: expected a mapping, got {told(self.options)}")
        for name, of in (("only", "variants"), ("affinity", "networks")):
            names = getattr(self, name)
            if not isinstance(names, tuple | list) or not all(isinstance(each, str | Path) for each in names):
                raise TypeError(f"{name}: expected names of {of} as a tuple, got {told(names)}")
        unknown = [name for name in self.only if name not in list(VARIANTS)]
        if unknown:
            known = ", ".join(VARIANTS)
            raise ValueError(f"only: expected some of {known}, got {unknown[0]!r}; leave --only away to run all")
        for name in ("steps", "seeds", "pairs"):
            whole(name, getattr(self, name))
        for variant in self.variants:
            self.config(variant, 0)  # what a run would refuse is refused before the first one

    @property
    def variants(self) -> tuple[str, ...]:
        """Their names, starting with the full one."""
        return tuple(name for name in VARIANTS if not self.only or name in self.only)

    def config(self, variant: str, seed: int) -> TrainConfig:
        """The run of a variant: the preset with the paper's own parts and losses, and one thing changed."""
        word("variant", variant, VARIANTS)
        config = replace(
            as_in_the_paper(preset(self.preset)),
            data=self.data,
            teacher=self.teacher,
            teacher_input=self.teacher_input,
            steps=self.steps,
            seed=seed,
            out=self.out / f"{variant}-seed{seed}",
        )
        if self.start is not None:
            config = changed(config, {"init.start": self.start, "init.parts": "student", "distil_steps": 0})
        return changed(config, {**self.options, **VARIANTS[variant]})


def run_study(study: Study) -> dict[str, Any]:
    """Train the runs that are not trained, score those that are not scored, and write the summary after every run.

    If another process keeps the summary from being written, the runs continue; only the last summary must be written.
    Several processes may share a study, with the same ``only`` or with different ones: no run is made twice, and
    the summary has the rows of all runs that are finished.

    Returns:
        the content of ``study.results``: every run's row of Table I, means and spreads, and the paper's orderings.

    Raises:
        ValueError: if ``study.out`` contains a run of a different config, finished or not.
        OSError: if ``study.out`` or ``study.results`` cannot be written, before any work.
        TimeoutError: if, at the end, another process has held ``study.results`` for :data:`PATIENCE` seconds.
        and as :func:`~momi_lib.train.train` and :func:`~momi_lib.evaluate.table_one.table_one` do.
    """
    if not isinstance(study, Study):
        raise TypeError(f"study: expected a Study, got {told(study)}")
    configs = [(variant, study.config(variant, seed)) for seed in range(study.seeds) for variant in study.variants]
    for _, config in configs:
        check(config)
    refuse_unwritable(study.results, "--results")
    if not all((config.out / SCORED).is_file() for _, config in configs):
        refuse_unwritable(study.out, folder=True)
    table = _table(study)
    beside = [table.real_row(), *(table.row(answer) for answer in answers_without_network())]
    # Seed by seed, so that an unfinished study has every variant (nearly) equally often.
    for variant, config in configs:
        row = _scored(table, variant, config)
        if row is not None:
            log.info("%s, seed %d: %s", variant, config.seed, _short(row))
            try:
                write_summary(study, beside, table, draw=variant == study.variants[-1], patience=BETWEEN)
            except TimeoutError as error:
                log.warning("no summary after this run: %s", error)
    return write_summary(study, beside, table, draw=True, patience=PATIENCE)


def missing_runs(study: Study, result: Mapping[str, Any]) -> list[str]:
    """The runs of a study's own variants and seeds that are missing in its summary."""
    there = {(variant, row["seed"]) for variant, rows in result["runs"].items() for row in rows}
    asked = ((variant, seed) for seed in range(study.seeds) for variant in study.variants)
    return [f"{variant}-seed{seed}" for variant, seed in asked if (variant, seed) not in there]


def _table(study: Study) -> Table:
    return open_table(
        test_pairs(load(study.data, "test"), count=study.pairs), study.data, study.out / "cache", judge=study.judge,
        teacher=study.teacher, teacher_input=study.teacher_input, affinity=study.affinity,
        pose_pairs=min(study.pairs, 500),
    )  # fmt: skip


def _scored(table: Table, variant: str, config: TrainConfig) -> dict[str, Any] | None:
    """The row of a run, which is trained and scored if necessary; ``None`` while another process is doing that."""

    def score(weights: Path) -> dict[str, Any]:
        assert table.judge is not None  # a study asks for its judge before the first run
        network = load_network(weights, device=next(table.judge.parameters()).device)
        return table.row(network_answer(f"{variant}-seed{config.seed}", network, sha256(weights)))

    def about(card: Mapping[str, Any]) -> dict[str, Any]:
        return {"seed": config.seed} | {name: card[name] for name in FACTS if name in card}

    return run_once(config, config.out / SCORED, _conditions(table), score, about, facts=("seed", *FACTS))


def _conditions(table: Table) -> dict[str, Any]:
    """The data and judges of the scores."""
    pairs = table.pairs
    return {"pairs_sha256": pairs.sha256, "fingerprint": pairs.people.fingerprint, "networks": _networks(table)}


def scored_runs(study: Study, table: Table) -> dict[str, list[dict[str, Any]]]:
    """The rows of all runs in the study's folder that are scored as this study scores, by variant and seed.

    All processes that share the study may have made them.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for variant in VARIANTS:
        found = (folder.name.removeprefix(f"{variant}-seed") for folder in study.out.glob(f"{variant}-seed*"))
        for seed in sorted(int(text) for text in found if text.isdecimal()):
            config = study.config(variant, seed)
            row = kept_scores(config, config.out / SCORED, _conditions(table))
            if row is None:
                continue
            told = difference(config)
            if told is None:
                rows.setdefault(variant, []).append(row)
            else:
                log.warning("%s: not in the summary, a run with %s", config.out, told)
    return rows


def write_summary(
    study: Study, beside: Sequence[Mapping[str, Any]], table: Table, *, draw: bool = False, patience: float = PATIENCE
) -> dict[str, Any]:
    """Write ``study.results`` from the files of the runs; one process at a time, so that no run is left out.

    Args:
        study: which one.
        beside: rows that are not of a run.
        table: the judges.
        draw: draw the study's pictures, if the runs are not those of the existing pictures.
        patience: seconds to wait for another process that writes it.

    Raises:
        TimeoutError: if another process has held the file for that long.
    """
    lock = study.results.with_suffix(".lock")
    with held(lock, patience) as ours:
        if not ours:
            raise TimeoutError(
                f"{lock}: held by {holder(lock)} for {patience:g} s and more; delete it if that process has ended, and "
                "start the study again: finished runs are kept"
            )
        rows = scored_runs(study, table)
        result = summary(study, rows, beside, table) | _pictures(study, rows, table, draw)
        write_json(study.results, result)
    return result


def _pictures(
    study: Study, rows: Mapping[str, Sequence[Mapping[str, Any]]], table: Table, draw: bool
) -> dict[str, Any]:
    """The summary's entry on the pictures, which show the runs of the first seed; the earlier one if it still fits."""
    seeds = [run["seed"] for runs in rows.values() for run in runs]
    if not seeds:
        return {}
    seed = min(seeds)
    weights = {name: run["weights_sha256"] for name, runs in rows.items() for run in runs if run["seed"] == seed}
    known = _known_pictures(study.results)
    if known.get("weights") == weights:
        return {"pictures": known}
    if draw:
        files = {name: study.config(name, seed).out / WEIGHTS for name in weights}
        return {"pictures": draw_pictures(files, table.pairs, study.results, seed) | {"weights": weights}}
    # Fewer variants than there are now, but still as these runs draw them.
    return {"pictures": known} if known and known["weights"].items() <= weights.items() else {}


def _known_pictures(results: Path) -> dict[str, Any]:
    """The entry that a summary already has, if its picture exists and is the one that it names."""
    file = results.with_suffix(".jpg")
    try:
        known = json.loads(results.read_text(encoding="utf-8"))["pictures"]
        return known if known["weights"] and known["sha256"] == sha256(file) else {}
    except (OSError, ValueError, KeyError, TypeError):  # there is none, or it is of a different kind
        return {}


def _networks(table: Table) -> dict[str, Any]:
    """The names of the judges, so that rows scored by different judges are not mixed up."""
    assert table.judge is not None
    return {
        "judge": table.judge.card.name,
        "teacher": table.teacher_name,
        "pose_pairs": table.pose_pairs,
        "affinity": [f"{network.card.name}, {real.learned}" for network, real in table.affinity],
        "perceptual": "none" if table.perceptual is None else table.perceptual.name,
    }


def summary(
    study: Study, rows: Mapping[str, Sequence[Mapping[str, Any]]], beside: Sequence[Mapping[str, Any]], table: Table
) -> dict[str, Any]:
    """The study as JSON."""
    people = table.pairs.people
    return {
        "what": "ablations and sweep of γ: the same network, student, steps and pictures, one thing changed",
        **environment("cpu" if table.judge is None else next(table.judge.parameters()).device),
        "data": people.folder.name,
        "fingerprint": people.fingerprint,
        "pairs": len(table.pairs),
        "pairs_sha256": table.pairs.sha256,
        "networks": _networks(table),
        "study": {name: plain(entry) for name, entry in vars(study).items() if name != "only"},
        "changes": {name: VARIANTS[name] for name in rows},
        "means": {name: means(runs) for name, runs in rows.items()},
        "orderings": orderings(rows),
        "beside": list(beside),
        "runs": {name: list(runs) for name, runs in rows.items()},
    }


def _short(scored: Mapping[str, Any]) -> str:
    found = ((score, value(scored, score)) for score in SCORES)
    return ", ".join(f"{score} {number:.3f}" for score, number in found if number is not None)
