"""The ablations and the sweep of γ: the same network trained again and again with one thing missing.

Every run has the same seed for its variant, the same student, the same number of steps and the same pictures, and all
are judged alike. Seeds give the spread, and the paper's orderings are counted, seed by seed, as they come out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from momi_lib.data import load
from momi_lib.evaluate.answers import answers_without_network, network_answer
from momi_lib.evaluate.pairs import test_pairs
from momi_lib.evaluate.table_one import Table, open_table
from momi_lib.files import sha256, write_json
from momi_lib.provenance import environment, plain
from momi_lib.study.pictures import draw_pictures
from momi_lib.study.summary import FULL, SCORES, means, orderings, value
from momi_lib.train import TrainConfig, preset, train
from momi_lib.train.presets import as_in_the_paper, changed
from momi_lib.train.run import WEIGHTS
from momi_lib.translate import load_network

log = logging.getLogger(__name__)

#: What each variant changes; the fields of ``network`` and ``weights`` as dicts.
ABLATIONS: dict[str, dict[str, Any]] = {
    FULL: {},
    "without-patch": dict(weights=dict(patch=0.0)),
    "without-perceptual": dict(weights=dict(perceptual=0.0)),
    "without-attention": dict(network=dict(attention="residual")),
}
#: γ of Eq. 7; 0.5 is the paper's and so the full one.
GAMMAS: dict[str, dict[str, Any]] = {
    f"gamma-{gamma:g}": dict(weights=dict(adversarial=gamma)) for gamma in (0.0, 0.1, 1.0, 2.0)
}
VARIANTS = ABLATIONS | GAMMAS


@dataclass(frozen=True)
class Study:
    """A study and its length.

    Attributes:
        preset: of which networks.
        steps: of each run after the student is there; all runs alike.
        seeds: how many runs a variant.
        start: weights whose student every run takes, so that no run distils again; ``None`` distils in each.
        pairs: swaps that each run is scored on.
        out: folder of the runs; runs that are finished there are not trained again.
        results: JSON to write; a picture of the same name, ending in .jpg, is written beside it.
        data: ``None`` is ``$MOMI_DATA`` or the embedded set.
        only: names of variants; empty: all.
        options: further fields of the run's config, such as ``batch``.
        teacher: pose network that is distilled and that judges poses; ``None`` learned mannequins.
        teacher_input: see :func:`~momi_lib.pose.load_teacher`.
        judge: network of IS, FID and KID, see :func:`~momi_lib.metrics.judges.evaluation_network`.
        affinity: networks of APS, see :func:`~momi_lib.evaluate.table_one.affinity_networks`.
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
    options: Mapping[str, Any] = field(default_factory=dict)
    teacher: Path | None = None
    teacher_input: tuple[int, int] | None = None
    judge: str = "mannequin"
    affinity: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = set(self.only) - set(VARIANTS)
        if unknown:
            raise ValueError(f"variant {sorted(unknown)[0]!r}: expected some of {', '.join(VARIANTS)}")
        for name in ("steps", "seeds", "pairs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a whole number from 1 up, got {getattr(self, name)}")

    @property
    def variants(self) -> tuple[str, ...]:
        """Their names, the full one first."""
        return tuple(name for name in VARIANTS if not self.only or name in self.only)

    def config(self, variant: str, seed: int) -> TrainConfig:
        """The run of a variant: the preset with the paper's own parts and losses, and one thing changed."""
        config = replace(
            as_in_the_paper(preset(self.preset)),
            data=self.data,
            teacher=self.teacher,
            teacher_input=self.teacher_input,
            steps=self.steps,
            seed=seed,
            out=self.out / f"{variant}-seed{seed}",
            **self.options,
        )
        if self.start is not None:
            config = replace(config, start=self.start, start_with="student", distil_steps=0)
        return changed(config, VARIANTS[variant])


def run_study(study: Study) -> dict[str, Any]:
    """Train what is not trained, score what is not scored, and write the summary after every run.

    Returns:
        what ``study.results`` holds: every run's row of Table I, means and spreads, and the paper's orderings.

    Raises:
        as :func:`~momi_lib.train.train` and :func:`~momi_lib.evaluate.table_one.table_one` do.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    table = _table(study)
    beside = [table.real_row(), *(table.row(answer) for answer in answers_without_network())]
    result: dict[str, Any] = {}
    pictures: dict[str, Any] = {}
    for seed in range(study.seeds):  # seed by seed: an unfinished study has every variant equally often, or nearly
        for variant in study.variants:
            config = study.config(variant, seed)
            if not (config.out / WEIGHTS).is_file():
                train(config, resume=True)
            rows.setdefault(variant, []).append(_scored(table, variant, seed, config))
            result = summary(study, rows, beside, table) | pictures
            write_json(study.results, result)
            log.info("%s, seed %d: %s", variant, seed, _short(rows[variant][-1]))
        if not pictures:
            weights = {variant: study.config(variant, seed).out / WEIGHTS for variant in study.variants}
            pictures = {"pictures": draw_pictures(weights, table.pairs, study.results, seed)}
            result |= pictures
            write_json(study.results, result)
    return result


def _table(study: Study) -> Table:
    return open_table(
        test_pairs(load(study.data, "test"), count=study.pairs), study.data, study.out / "cache", judge=study.judge,
        teacher=study.teacher, teacher_input=study.teacher_input, affinity=study.affinity,
        pose_pairs=min(study.pairs, 500),
    )  # fmt: skip


def _scored(table: Table, variant: str, seed: int, config: TrainConfig) -> dict[str, Any]:
    """The row of a finished run, from its folder where it was scored before on the same pairs."""
    weights, kept = config.out / WEIGHTS, config.out / "scores.json"
    digest, card = sha256(weights), _card(config)
    said = {key: card[key] for key in ("steps", "hours", "device", "date", "precision", "begun_with") if key in card}
    if kept.is_file():
        known = json.loads(kept.read_text(encoding="utf-8"))
        scored = (digest, table.pairs.sha256, _networks(table))
        if (known["weights_sha256"], known["pairs_sha256"], known.get("networks")) == scored:
            return known | said
    network = load_network(weights, device=next(table.judge.parameters()).device)
    answer = network_answer(f"{variant}-seed{seed}", network, digest)
    conditions = {"seed": seed, "pairs_sha256": table.pairs.sha256, "networks": _networks(table)}
    write_json(kept, table.row(answer) | conditions | said)
    return json.loads(kept.read_text(encoding="utf-8"))


def _card(config: TrainConfig) -> dict[str, Any]:
    """The card of a finished run, which must be the run that this study would have made."""
    file = (config.out / WEIGHTS).with_suffix(".json")
    card = json.loads(file.read_text(encoding="utf-8"))
    known, wanted = card["config"], json.loads(json.dumps(plain(config)))
    for name in (
        "steps", "seed", "batch", "weights", "network", "data", "teacher", "teacher_input", "start", "distil_steps",
    ):  # fmt: skip
        mine = known.get(name, wanted[name])  # an option that is younger than the run had its default
        if _shared(mine, wanted[name]) != _shared(wanted[name], mine):
            raise ValueError(
                f"{file}: a run with {name} {mine}, and this study asks for {wanted[name]}. "
                "Give the study another --out, or move the run away."
            )
    return card


def _shared(mine: Any, yours: Any) -> Any:
    """What both know: a field that came later does not make an older run another one."""
    return {key: mine[key] for key in mine if key in yours} if isinstance(mine, dict) else mine


def _networks(table: Table) -> dict[str, Any]:
    """Who scores, by name: rows of a run that others scored are not taken for theirs."""
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
        **environment(next(table.judge.parameters()).device),
        "data": people.folder.name,
        "fingerprint": people.fingerprint,
        "pairs": len(table.pairs),
        "pairs_sha256": table.pairs.sha256,
        "networks": _networks(table),
        "study": {name: plain(entry) for name, entry in vars(study).items()},
        "changes": {name: VARIANTS[name] for name in rows},
        "means": {name: means(runs) for name, runs in rows.items()},
        "orderings": orderings(rows),
        "beside": list(beside),
        "runs": {name: list(runs) for name, runs in rows.items()},
    }


def _short(scored: Mapping[str, Any]) -> str:
    found = ((score, value(scored, score)) for score in SCORES)
    return ", ".join(f"{score} {number:.3f}" for score, number in found if number is not None)
