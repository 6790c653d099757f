"""Short training runs, most of which change one option, scored on true swaps of held-out people.

Each experiment but the first changes one option of a previous one. All can be started from the files in the repository:
they take the student and the body maps of the committed weights `small`, and start with random weights for everything
else. Experiments that can no longer be started are kept as records, which are on the same page
(:mod:`momi_lib.study.experiments_page`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from momi_lib.arguments import path_of, told
from momi_lib.data import load_truth, to_float
from momi_lib.data.pictures import picture_grid, save_picture
from momi_lib.devices import pick
from momi_lib.evaluate.answers import swap_all
from momi_lib.evaluate.truth_judges import Judges
from momi_lib.files import refuse_unwritable, weights_folder
from momi_lib.metrics.pose import score_landmarks
from momi_lib.provenance import plain
from momi_lib.study.drags import measure
from momi_lib.study.engine import FREE, check, run_once
from momi_lib.train import TrainConfig, preset
from momi_lib.train.log import read_log
from momi_lib.train.presets import changed
from momi_lib.train.run import LOG
from momi_lib.translate import load_network

log = logging.getLogger(__name__)

RUNS, RESULTS = Path("runs/experiments"), Path("benchmarks/results/experiments")
#: Swaps that are scored, swaps that are shown, and pairs in which joints are dragged, by :data:`ANGLE` degrees.
SWAPS, SHOWN, PAIRS, ANGLE = 400, 10, 20, 90
#: As :data:`~momi_lib.study.engine.FREE`, but a different number format makes a different run.
SAME = tuple(name for name in FREE if name != "precision")


@dataclass(frozen=True)
class Experiment:
    """One run.

    Attributes:
        asks: the question that it answers.
        against: the experiment that it changes; ``None`` is the preset ``small``.
        change: options of the training run by their dotted names.
    """

    asks: str
    against: str | None = None
    change: dict[str, Any] = field(default_factory=dict)


EXPERIMENTS: dict[str, Experiment] = {
    "carry": Experiment(
        "How far do 300 steps of the whole network get without the four options that belong to carrying?",
        None,
        {
            "init.start": weights_folder() / "momi-small.safetensors",
            "init.parts": "maps",
            "distil_steps": 0,
            "body_steps": 0,
            "steps": 300,
            "loss.draw_all": 0.0,
            "loss.keep": 0.0,
            "loss.light": 0.0,
            "augment.any_pose": 0.0,
            "log.checkpoint_every": 150,
            "log.grid_every": 10_000,
        },
    ),
    "carry-draw-all": Experiment(
        "Does it help to compare all that G draws with x and x⁺, before anything is carried over?",
        "carry",
        {"loss.draw_all": 0.3},
    ),
    "carry-keep": Experiment("Does a penalty on drawing what the source shows help?", "carry", {"loss.keep": 0.3}),
    "carry-any-pose": Experiment(
        "Does it help to draw a third of the x̂⁻ in poses that no pedestrian takes?", "carry", {"augment.any_pose": 0.35}
    ),
    "carry-light": Experiment(
        "Does a penalty on the light that is added to what is carried over help?", "carry", {"loss.light": 0.1}
    ),
    "carry-gamma-0": Experiment("Is it better without a discriminator?", "carry", {"loss.weights.adversarial": 0.0}),
    # The runs above used bfloat16; these did not, because they ran on a CPU without instructions for it.
    "carry-fp32": Experiment(
        "How large are differences by chance, as seen from a run in single precision on a different CPU?",
        "carry",
        {"precision": "fp32"},
    ),
    "carry-sharpness": Experiment(
        "Does it help to ask for edges as strong as the real ones?", "carry-fp32", {"loss.sharpness": 0.4}
    ),
    "carry-matching": Experiment(
        "Does it help to match D's activations on real pairs?", "carry-fp32", {"loss.feature_matching": 2.0}
    ),
    "carry-small-view": Experiment(
        "Does a discriminator that sees 18 pixels at a time, instead of 38, help?",
        "carry-fp32",
        {"loss.discriminator": (32, 64)},
    ),
}


def config_of(name: str, out: Path = RUNS) -> TrainConfig:
    """The run of an experiment, in a folder of its own: the run that it is compared with, changed.

    Raises:
        ValueError: for a name that is not one of the experiments.

    >>> config_of("carry-matching").precision, config_of("carry-matching").out.as_posix()
    ('fp32', 'runs/experiments/carry-matching')
    """
    if name not in list(EXPERIMENTS):
        raise ValueError(f"only: expected some of {', '.join(EXPERIMENTS)}, got {name!r}; leave --only away to run all")
    experiment = EXPERIMENTS[name]
    config = preset("small") if experiment.against is None else config_of(experiment.against, out)
    return replace(changed(config, experiment.change), out=Path(out) / name)


def run_experiments(
    only: Sequence[str] = (), out: Path = RUNS, results: Path = RESULTS
) -> dict[str, dict[str, Any] | None]:
    """Train the runs that are not trained, score those not scored, and write NAME.json and NAME.jpg after each.

    Several processes may share them, with the same ``only`` or with different ones: no run is made twice.

    Args:
        only: names of experiments, in the order in which to run them; empty: all.
        out: folder of the runs.
        results: folder of the JSON files and pictures.

    Returns:
        name → the content of its JSON; ``None`` if a different process is working on it.

    Raises:
        ValueError: for a name that is not one of the experiments, or if ``out`` contains a run of a different config,
            finished or not; and as :func:`~momi_lib.train.train` does.
        OSError: if ``out`` or ``results`` cannot be written and a run has no JSON yet, before any work.
    """
    out, results = path_of("out", out), path_of("results", results)
    if isinstance(only, str) or not isinstance(only, Sequence):
        raise TypeError(f"only: expected names of experiments as a tuple, got {told(only)}")
    configs = {name: config_of(name, out) for name in only or EXPERIMENTS}
    for config in configs.values():
        check(config, SAME)
    if not all((results / f"{name}.json").is_file() for name in configs):
        refuse_unwritable(results, "--results", folder=True)
        refuse_unwritable(out, folder=True)
    judges = Judges(load_truth().select(slice(SWAPS)), pick())
    conditions = {
        "scored_by": judges.conditions,
        "fingerprint": judges.truth.people.fingerprint,
        "scored_on": {"swaps": SWAPS, "pairs": PAIRS, "angle": ANGLE},
    }
    found = {}
    for name, config in configs.items():
        experiment = EXPERIMENTS[name]
        about = {"name": name, "asks": experiment.asks, "against": experiment.against}
        about["change"] = {option: plain(value) for option, value in experiment.change.items()}
        found[name] = run_once(
            config, Path(results) / f"{name}.json", conditions,
            lambda weights, name=name: score(weights, judges, Path(results) / f"{name}.jpg"),
            lambda card, about=about: about | {"begun_with": card.get("begun_with", {}).get("sha256")},
            SAME, beside=[Path(results) / f"{name}.jpg"],
        )  # fmt: skip
        if found[name] is not None:
            log.info("%s", Path(results) / f"{name}.json")
    return found


@torch.inference_mode()
def score(weights: Path, judges: Judges, picture: Path) -> dict[str, Any]:
    """Score the weights of a finished run, and write a grid: sources, targets, swaps, truth.

    Args:
        weights: in the run's folder, beside its log.
        judges: with their true swaps.
        picture: JPEG to write.

    Returns:
        how the run was made, its scores on true swaps, the student's PCK and, for a network that carries, how many
        dragged joints obey.
    """
    network, truth = load_network(weights), judges.truth
    pictures = truth.people.pictures
    drawn = swap_all(network, pictures[truth.source], pictures[truth.target])
    some = torch.linspace(0, len(truth) - 1, SHOWN).long()
    rows = pictures[truth.source[some]], pictures[truth.target[some]], drawn[some], truth.pictures[some]
    save_picture(picture_grid([to_float(row) for row in rows]), picture)
    found = _how_made(weights.parent) | {
        "scores": judges.score(drawn),
        "student": score_landmarks(
            network.student, truth.people, decoder=network.config.decoder, upsample=network.config.decode_at == "full"
        ),
    }
    return found | ({"drags": _drags(weights)} if network.config.carry else {})


def _how_made(folder: Path) -> dict[str, Any]:
    """The seed, steps, minutes, command, device and number of parts of a run, from its log."""
    journal = read_log(folder / LOG)
    lines, events = ([line for line in journal if ("event" in line) == told] for told in (False, True))
    return {
        "seed": events[0]["config"]["seed"],
        "steps": lines[-1]["step"],
        "minutes": round(lines[-1]["seconds"] / 60, 1),
        **{key: events[-1][key] for key in ("command", "date", "device", "threads", "versions")},
        "parts": len(events),
        "config": events[-1]["config"],
    }


def _drags(weights: Path) -> dict[str, Any]:
    """How many dragged joints obey: wrists and ankles of all pairs together."""
    rows = [row for row in measure(weights, PAIRS)["rows"] if row["angle"] == ANGLE]
    count = sum(row["drags"] for row in rows)
    obeys = sum(row["obeys"] * row["drags"] for row in rows) / count
    error = (obeys * (1 - obeys) / count) ** 0.5
    return {"pairs": PAIRS, "drags": count, "obeys": round(obeys, 4), "error": round(error, 4)}
