"""The race: PG², PN-GAN, PATN, DG-Net and MOMI-Net, trained on the same people, and scored alike.

Each run has as many steps as fit into 15 minutes at a pace that is measured before the first run. Those of DG-Net
have as many as fit into 30, and its networks after half of that time are a row of their own. The steps are then the
same for all seeds, also where a run takes place on a slower machine or beside other work.

Not everything can be alike. PN-GAN, PATN and DG-Net end with falling rates, as published. PG² has a constant rate, and
its small preset draws with averaged weights; MOMI-Net has both. Two first runs were repeated after they had been
scored, and do not count: PG²'s, because its preset was changed (see :mod:`momi_lib.rivals.pg2`), and DG-Net's, because
its pace had been measured wrongly. The grids that a run saves show test people, and we looked at them during training.
A run computes in 16 bits where the processor can, and in 32 bits elsewhere; its scores say which.

What is claimed was written down before the first run, in :mod:`momi_lib.study.rival_claims`. Every run is trained once
and scored once, and its scores are a file of their own, so that the race can be stopped and started again, and shared
by several processes.

Everybody's pose network is trained beforehand and costs nothing here: the teacher that the pose-guided rivals ask, and
MOMI-Net's student F_p, which is that of the committed weights ``small``.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from momi_lib.data import load, load_truth, to_float
from momi_lib.data.pictures import picture_grid, save_picture
from momi_lib.devices import Device, pick
from momi_lib.evaluate.answers import swap_all, trivial_answers
from momi_lib.evaluate.pairs import SET
from momi_lib.evaluate.truth_judges import Judges
from momi_lib.files import refuse_unwritable, sha256, weights_folder, write_json
from momi_lib.pose import TeacherMaps, load_teacher
from momi_lib.provenance import environment, plain
from momi_lib.rivals.base import PoseGuided
from momi_lib.rivals.loop import RivalTrainer
from momi_lib.rivals.methods import TITLES, method
from momi_lib.rivals.posed import Posed, pose_source
from momi_lib.rivals.run import find_poses, train_rival
from momi_lib.rivals.run_config import RivalRunConfig
from momi_lib.rivals.weights import load_answer
from momi_lib.study.locks import held, holder
from momi_lib.study.rival_claims import CLAIMS, MOMI, RUNS, decide, orders
from momi_lib.study.rival_scores import SamePersonPairs, copied, same_person_pairs, score_method
from momi_lib.train import TrainConfig, Trainer, preset, train
from momi_lib.train.presets import as_in_the_paper, changed
from momi_lib.train.run import WEIGHTS
from momi_lib.translate.weights import network_of

log = logging.getLogger(__name__)

SMALL = "momi-small"
NAMES = {**TITLES, MOMI: "MOMI-Net, the paper's parts", SMALL: "MOMI-Net, committed weights `small`"}
#: Minutes of training in the race; DG-Net also has a row after half of its time.
MINUTES = {"pg2": 15.0, "pn-gan": 15.0, "patn": 15.0, "dg-net": 30.0, MOMI: 15.0}
HALF, HALVED = "dg-net-15", "dg-net"
SWAPS, SHOWN = 400, 8
#: Moments of a run at which steps are timed, and at each of them the steps before that do not count, and those that do.
MOMENTS, WARM_UP, TIMED = 10, 2, 6
LOCK = "race.lock"


@dataclass(frozen=True)
class Race:
    """The options of the race.

    Attributes:
        out: folder of the runs.
        results: JSON of the summary; the scores of each run lie in a folder of the same name beside it.
        data: data folder with true swaps; ``None`` is ``$MOMI_DATA`` or the embedded set.
        seeds: runs of each method.
        only: names of methods; all by default.
        minutes: factor of all training times.
        steps: length of every run, instead of what fits into the minutes; ``None``: measure it.
        swaps: how many true swaps are scored.
        device: ``"auto"``, ``"cpu"`` or ``"mps"``.
    """

    out: Path = Path("runs/rivals")
    results: Path = Path("benchmarks/results/rivals.json")
    data: Path | None = None
    seeds: int = 3
    only: tuple[str, ...] = ()
    minutes: float = 1.0
    steps: int | None = None
    swaps: int = SWAPS
    device: Device = "auto"

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.only) - set(MINUTES)):
            known = ", ".join(MINUTES)
            raise ValueError(f"only: expected some of {known}, got {unknown[0]!r}; leave --only away to run all")
        if self.seeds < 1 or self.swaps < SET:
            raise ValueError(f"seeds and swaps: expected whole numbers from 1 and from {SET} up, because some scores "
                             f"compare sets of swaps, got {self.seeds} and {self.swaps}")  # fmt: skip
        if not 0 < self.minutes < math.inf:
            raise ValueError(f"minutes: expected a factor above 0, got {self.minutes}")

    @property
    def scores(self) -> Path:
        """Folder of the runs' scores."""
        return self.results.with_suffix("")

    @property
    def names(self) -> tuple[str, ...]:
        """Methods of this process's share."""
        return tuple(name for name in MINUTES if not self.only or name in self.only)

    def folder(self, name: str, seed: int) -> Path:
        """Of a run."""
        return self.out / f"{name}-seed{seed}"


def config(race: Race, name: str, seed: int, steps: int) -> TrainConfig | RivalRunConfig:
    """The run of a method: the same people, batch, mirroring and choice of x⁺ for all.

    MOMI-Net has the paper's parts and losses, and begins with a student that is distilled already.
    """
    out = race.folder(name, seed)
    if name != MOMI:
        return RivalRunConfig(
            method=name, data=race.data, out=out, seed=seed, device=race.device, precision="auto", steps=steps,
            batch=8, mirror=0.5, same_camera=1.0,
        )  # fmt: skip
    plain = as_in_the_paper(preset("small"))
    changes = {"init.start": weights_folder() / "momi-small.safetensors", "init.parts": "student", "distil_steps": 0,
               "augment.mirror": 0.5, "augment.same_camera": 1.0, "batch": 8, "steps": steps}  # fmt: skip
    return changed(replace(plain, data=race.data, out=out, seed=seed, device=race.device), changes)


def seconds_a_step(race: Race, name: str) -> list[float]:
    """Measured on this machine at evenly spread moments of a run, with everything that a step does; nothing is kept.

    A step of DG-Net takes several times as long at the end as at the beginning, when only its teacher learns.
    """
    some = config(race, name, 0, 10_000)
    people = load(race.data, "train", size=(128, 64))
    if isinstance(some, RivalRunConfig):
        poses, _ = find_poses(some, people)
        trainer: RivalTrainer | Trainer = RivalTrainer(some, people, poses)
    else:
        trainer = Trainer(some, people, TeacherMaps(load_teacher(None, "cpu"), people))
    found = []
    for moment in range(MOMENTS):
        if isinstance(trainer, RivalTrainer):  # MOMI-Net's steps are alike
            trainer.step = round((moment + 0.5) / MOMENTS * trainer.steps)
        for _ in range(WARM_UP):
            trainer.train_step()
        begun = time.monotonic()
        for _ in range(TIMED):
            float(next(iter(trainer.train_step().values())))  # a GPU has to be waited for
        found.append(float(f"{(time.monotonic() - begun) / TIMED:.4g}"))
    return found


def paces(race: Race) -> dict[str, Any]:
    """Seconds a step of every method, measured before the first run and kept beside the scores.

    All seeds of a method then have as many steps, also where the race goes on at another time or on another machine.
    Delete a method's line from the file to measure again.
    """
    file = race.scores / "pace.json"
    here = environment()
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {**here, "seconds": {}}
    if known["device"] != here["device"]:
        log.warning("%s: the pace was measured on %s and this is %s; the steps stay as they are", file,
                    known["device"], here["device"])  # fmt: skip
    for name in race.names:
        if name not in known["seconds"]:
            known["seconds"][name] = seconds_a_step(race, name)
            write_json(file, known)
            log.info("%s: %.3f s a step", name, fmean(known["seconds"][name]))
    return known


def steps_of(race: Race, name: str, pace: Mapping[str, Any] | None) -> int:
    """How many steps a run has: as many as fit into its minutes at the measured pace, an even number."""
    if race.steps is not None:
        return race.steps
    assert pace is not None
    return 2 * max(1, round(race.minutes * MINUTES[name] * 60 / fmean(_moments(pace, name)) / 2))


def speeds(race: Race, scorer: Scorer) -> dict[str, Any]:
    """Milliseconds of a swap with its pose network, measured once, with first weights, and kept beside the scores."""
    file = race.scores / "speed.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {**environment(), "ms_a_swap": {}}
    people, rows = scorer.truth.people, slice(64)
    pictures = people.pictures[scorer.truth.source[rows]], people.pictures[scorer.truth.target[rows]]
    for name in MINUTES:
        if name not in known["ms_a_swap"]:
            some = config(race, name, 0, 2)
            if isinstance(some, RivalRunConfig):
                network: Any = method(name).network(some.rival).to(scorer.device).eval()
                source = pose_source("teacher", device=scorer.device)
                network = Posed(network, source).eval() if isinstance(network, PoseGuided) else network
            else:
                network = network_of(some.network).to(scorer.device).eval()
            swap_all(network, *(part[:8] for part in pictures))
            begun = time.monotonic()
            swap_all(network, *pictures)
            known["ms_a_swap"][name] = float(f"{1e3 * (time.monotonic() - begun) / len(pictures[0]):.3g}")
            write_json(file, known)
    return known


def _moments(pace: Mapping[str, Any] | None, name: str) -> list[float]:
    found = [1.0] if pace is None else pace["seconds"][name]
    return found if isinstance(found, list) else [found]


def half_way(steps: int, moments: Sequence[float]) -> int:
    """The step at which half of a run's time is over, where steps take ``moments``, each for an equal part of the run.

    >>> half_way(100, [1.0]), half_way(100, [1.0, 3.0])
    (50, 67)
    """
    left = sum(moments) / 2
    for before, seconds in enumerate(moments):
        if seconds >= left:
            return round(steps * (before + left / seconds) / len(moments))
        left -= seconds
    return steps


def run_race(race: Race) -> dict[str, Any]:
    """Train what is not trained, score what is not scored, and write the summary after every run.

    Returns:
        the content of ``race.results``.

    Raises:
        FileNotFoundError: for data without true swaps.
        ValueError: where a run's folder holds another run.
        OSError: where ``race.results`` cannot be written, or ``race.out`` and a run has no scores, before any work.
    """
    refuse_unwritable(race.results, "--results")
    if missing_runs(race):
        refuse_unwritable(race.out, folder=True)
    truth = load_truth(race.data)
    truth = truth.select(torch.linspace(0, len(truth) - 1, min(race.swaps, len(truth))).long())
    device = pick(race.device)
    scorer = Scorer(truth, Judges(truth, device), same_person_pairs(truth), device)
    pose_source("teacher", device=device).of_people(load(race.data, "train"))  # in the cache, before any clock runs
    pace = None if race.steps is not None else paces(race)
    speeds(race, scorer)
    _beside(race, scorer)
    for seed in range(race.seeds):
        for name in race.names:
            steps = steps_of(race, name, pace)
            _run(race, name, seed, steps, half_way(steps, _moments(pace, name)), scorer)
            write_summary(race, scorer)
    return write_summary(race, scorer)


def missing_runs(race: Race) -> list[str]:
    """The runs of this process's share that have no scores."""
    asked = [f"{name}-seed{seed}" for seed in range(race.seeds) for name in race.names]
    return [run for run in asked if not (race.scores / f"{run}.json").is_file()]


@dataclass(frozen=True)
class Scorer:
    """What all runs are scored with."""

    truth: Any
    judges: Judges
    others: SamePersonPairs
    device: torch.device

    @property
    def conditions(self) -> dict[str, Any]:
        """What must stand beside the scores."""
        people = self.truth.people
        return {**self.judges.conditions, "data": people.folder.name, "fingerprint": people.fingerprint,
                "swaps": len(self.truth)}  # fmt: skip

    def score(self, weights: Path | str) -> dict[str, Any]:
        """All scores of a network, and how large it is with and without its pose network."""
        method = load_answer(weights, device=self.device)
        scores = score_method(method, self.truth, self.judges, self.others)
        whole: Any = method  # a Posed has a pose network beside the rival, a MomiNet has one in it
        sizes = {
            "parameters": sum(p.numel() for p in getattr(whole, "rival", whole).parameters()),
            "parameters_with_pose_network": sum(p.numel() for p in whole.parameters()),
        }
        return {**scores, "needs": sorted(method.needs), **sizes}

    def picture(self, weights: Path | str, file: Path) -> None:
        """The first shown swaps of a network, as one row."""
        some = torch.linspace(0, len(self.truth) - 1, SHOWN).long()
        pictures = self.truth.people.pictures
        method = load_answer(weights, device=self.device)
        drawn = swap_all(method, pictures[self.truth.source[some]], pictures[self.truth.target[some]])
        save_picture(picture_grid([to_float(drawn)], padding=0), file)


def options_of(some: TrainConfig | RivalRunConfig) -> dict[str, Any]:
    """What makes the run of a method what it is, apart from its length and seed."""
    if isinstance(some, RivalRunConfig):
        return {n: v for n, v in plain(some.rival).items() if n != "steps"} | {"same_camera": some.same_camera}
    parts = {"network": some.network, "loss": some.loss, "optim": some.optim, "augment": some.augment}
    return {**{part: plain(value) for part, value in parts.items()}, "batch": some.batch}


def _run(race: Race, name: str, seed: int, steps: int, half: int, scorer: Scorer) -> None:
    """Train and score one run, unless that has been done or another process does it."""
    kept = race.scores / f"{name}-seed{seed}.json"
    halves = [race.scores / f"{HALF}-seed{seed}.json"] if name == HALVED else []
    some = config(race, name, seed, steps)
    wanted = {"length": steps, "options": options_of(some)}
    if all(_known(file, scorer, wanted) for file in (kept, *halves)):
        return
    folder = race.folder(name, seed)
    with held(folder / LOCK) as ours:
        if not ours:
            log.info("%s: left to %s which is working on it", folder, holder(folder / LOCK))
            return
        if (folder / WEIGHTS).is_file():
            _refuse_another(folder, some)
        if not (folder / WEIGHTS).is_file() or _card(folder)["steps"] < steps:
            if isinstance(some, RivalRunConfig):
                if halves and not (folder / "half.safetensors").is_file():
                    train_rival(some, resume=True, until=half)
                    for end in (".json", ".safetensors"):
                        shutil.copy((folder / WEIGHTS).with_suffix(end), folder / f"half{end}")
                train_rival(some, resume=True)
            else:
                train(some, resume=True)
        for weights, file in zip((WEIGHTS, "half.safetensors"), (kept, *halves), strict=False):
            _score(folder / weights, file, scorer, wanted)


def _card(folder: Path) -> dict[str, Any]:
    return json.loads((folder / WEIGHTS).with_suffix(".json").read_text(encoding="utf-8"))


def _refuse_another(folder: Path, some: TrainConfig | RivalRunConfig) -> None:
    """Raise ValueError where the weights in a run's folder were trained with other options."""
    card, wanted = _card(folder), json.loads(json.dumps(options_of(some)))
    then = {**card.get("config", {}), **card.get("rival", {})}
    for name, value in wanted.items():
        if then.get(name, value) != value:
            raise ValueError(f"{folder}: holds a run with {name} {then[name]}, and now it is {value}; move it away, or "
                             "choose another --out")  # fmt: skip


def _known(file: Path, scorer: Scorer, run: Mapping[str, Any]) -> bool:
    """Whether a file has the scores of such a run, of its length and options, under the same conditions."""
    if not file.is_file():
        return False
    known = json.loads(file.read_text(encoding="utf-8"))
    wanted = json.loads(json.dumps({**scorer.conditions, **run}))
    return all(known.get(name) == value for name, value in wanted.items())


def _score(weights: Path, file: Path, scorer: Scorer, run: Mapping[str, Any]) -> None:
    if _known(file, scorer, run):
        return
    about = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    facts = {name: about[name] for name in ("seed", "steps", "triplets", "hours", "precision", "device", "date",
                                            "versions", "poses_of") if name in about}  # fmt: skip
    write_json(file, {**facts, **run, **scorer.conditions, **scorer.score(weights), "weights_sha256": sha256(weights)})
    scorer.picture(weights, file.with_suffix(".png"))


def _beside(race: Race, scorer: Scorer) -> None:
    """Score the committed network and the answers that need none."""
    file = race.scores / f"{SMALL}.json"
    weights = weights_folder() / "momi-small.safetensors"
    if file.is_file() and json.loads(file.read_text(encoding="utf-8")).get("weights_sha256") != sha256(weights):
        file.unlink()
    _score(weights, file, scorer, {})
    trivial = race.scores / "trivial.json"
    if not _known(trivial, scorer, {}):
        answers = trivial_answers(scorer.truth, load(race.data, "train"))
        rows = {name: scorer.judges.score(drawn) | copied(drawn, scorer.truth) for name, drawn in answers.items()}
        write_json(trivial, {**scorer.conditions, "rows": rows})


def write_summary(race: Race, scorer: Scorer) -> dict[str, Any]:
    """Means and spreads of all runs that are scored, the claims, and what each score puts first."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for name in (*MINUTES, HALF, SMALL):
        files = sorted(race.scores.glob(f"{name}-seed?*.json")) + sorted(race.scores.glob(f"{name}.json"))
        rows = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        rows = [row for row in rows if row["fingerprint"] == scorer.conditions["fingerprint"]]
        if name != SMALL:  # runs with options of an earlier day do not count
            options = json.loads(json.dumps(options_of(config(race, HALVED if name == HALF else name, 0, 2))))
            rows = [row for row in rows if row.get("options") == options]
        if rows:
            runs[name] = rows
    trivial = json.loads((race.scores / "trivial.json").read_text(encoding="utf-8"))["rows"]
    pace, speed = (race.scores / f"{name}.json" for name in ("pace", "speed"))
    result = {
        "what": "methods trained on the same people, as many steps as fit into the given minutes at the given pace, "
        "scored on true swaps of people never seen; means over seeds, _error the standard error resampled by person, "
        "_seeds the standard deviation over seeds",
        **scorer.conditions,
        **environment(scorer.device),
        "minutes": {name: race.minutes * minutes for name, minutes in MINUTES.items()},
        "pace": json.loads(pace.read_text(encoding="utf-8")) if pace.is_file() else None,
        "speed": json.loads(speed.read_text(encoding="utf-8")) if speed.is_file() else None,
        "rows": {name: means(rows) for name, rows in runs.items()},
        "trivial": trivial,
        "claims": [decide(claim, runs, max(RUNS, race.seeds)) for claim in CLAIMS],
        "orders": orders({name: means(rows) for name, rows in runs.items()} | trivial),
    }
    write_json(race.results, result)
    return result


def means(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means of all numbers of the runs of one method; of several, also their standard deviation, ``NAME_seeds``."""
    first: Mapping[str, Any] = rows[0]
    found: dict[str, float] = {"runs": len(rows)}
    for name, value in first.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or name in ("seed", "swaps", "count"):
            continue
        values = [row[name] for row in rows]
        found[name] = float(f"{fmean(values):.5g}")
        if len(values) > 1 and not name.endswith("_error"):
            found[f"{name}_seeds"] = float(f"{stdev(values):.3g}")
    names = ("device", "date", "precision", "poses_of")
    texts = {name: sorted({row[name] for row in rows}) for name in names if name in first}
    return {**found, **texts, "needs": first["needs"], "poses": _mean_poses(rows)}


def _mean_poses(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    return {
        pose: {name: float(f"{fmean(row['poses'][pose][name] for row in rows):.5g}") for name in found}
        for pose, found in rows[0]["poses"].items()
    }
