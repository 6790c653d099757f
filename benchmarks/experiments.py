"""Short training runs that differ in one thing, and the page that compares them.

    python benchmarks/experiments.py run join lookup     # train and score; goes on where it was stopped
    python benchmarks/experiments.py score               # score the finished runs again
    python benchmarks/experiments.py list                # what there is to run, and what has been run
    python benchmarks/experiments.py page                # write benchmarks/experiments.md from the results

Every experiment is an earlier one with one change. Each leaves benchmarks/results/experiments/NAME.json (config, seed,
steps, device, time and scores on true swaps of held-out people) and a grid of pictures, NAME.jpg.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
import tyro
from drag_obedience import Config as Drags
from drag_obedience import measure as measure_drags
from experiments_page import write_page

from momi_lib.data import load_truth, to_float
from momi_lib.data.pictures import picture_grid, save_picture
from momi_lib.evaluate import swap_all
from momi_lib.evaluate.truth_judges import Judges
from momi_lib.files import sha256, write_json
from momi_lib.metrics.pose import score_landmarks
from momi_lib.provenance import plain
from momi_lib.train import TrainConfig, preset, train
from momi_lib.train.log import read_log
from momi_lib.train.presets import as_in_the_paper, changed
from momi_lib.train.run import LOG, WEIGHTS
from momi_lib.translate import load_network

HERE = Path(__file__).resolve().parent
RESULTS, PAGE = HERE / "results" / "experiments", HERE / "experiments.md"
RUNS = Path("runs/experiments")
SWAPS, SHOWN, PAIRS = 400, 10, 20
log = logging.getLogger("experiments")


@dataclass(frozen=True)
class Experiment:
    """One run.

    Attributes:
        asks: the question it answers.
        against: the experiment that it changes; ``None`` starts from a preset.
        change: fields of :class:`TrainConfig`; those of its ``network`` and ``weights`` as dicts.
        preset: which one: ``lookup``, without what that took over from here, or ``small`` as it is.
    """

    asks: str
    against: str | None = None
    change: dict[str, Any] = field(default_factory=dict)
    preset: str = "lookup"


#: What the first experiments began with: weights of a network without a lookup, SHA-256 260ce9ea…, which
#: `git show 6b88a90:data/weights/momi-small.safetensors > runs/small-second.safetensors` brings back. The weights that
#: are called `lookup` now were called `small` then.
SMALL = Path("runs/small-second.safetensors")
#: What the `refine` experiments began with, SHA-256 751a0af9…:
#: `git show 805bf6e:data/weights/momi-small.safetensors > runs/small-ninth.safetensors`.
NINTH = Path("runs/small-ninth.safetensors")
SHORT = dict(start=SMALL, distil_steps=0, learning_rate=4e-4, checkpoint_every=250, grid_every=10_000)

#: All that a network that carries begins with, and none of the four options that only such a network has.
PLAIN = dict(
    start=Path("data/weights/momi-small.safetensors"), start_with="maps", distil_steps=0, body_steps=0, steps=300,
    draw_all=0.0, keep=0.0, light=0.0, any_pose=0.0, checkpoint_every=150, grid_every=10_000,
)  # fmt: skip

EXPERIMENTS: dict[str, Experiment] = {
    "join": Experiment(
        "How far does the paper's concatenation of codes get in a short run? G, encoders and attention start at "
        "random, the student is that of earlier weights.",
        None,
        dict(SHORT, start_with="student", steps=900, same_camera=1.0, pose_mask=3.0, jitter=0.4, patch_radius=6.0),
    ),
    "paper-losses": Experiment(
        "And with the paper's own losses and sampling: any camera for x⁺, no weight on the person, colours as they "
        "are, patches of 10 pixels?",
        "join",
        dict(same_camera=0.0, pose_mask=0.0, jitter=0.0, patch_radius=10.0),
    ),
    "paper-blocks": Experiment(
        "And with the paper's own blocks, at the width of `lookup`: stems of 7 × 7 at full size, nine attention blocks "
        "of two convolutions a stream, all residual blocks of G at H/8, and an output of 7 × 7 at full size?",
        "paper-losses",
        dict(
            network=dict(
                stem="paper",
                attention_blocks=9,
                lean_attention=False,
                generator_blocks=(4, 0, 0, 0),
                upsampling="transposed",
                kernel=7,
                output="full",
            )
        ),
    ),
    "lookup": Experiment(
        "Does it help to fetch the appearance by attention before G?", "join", dict(network=dict(transfer="lookup"))
    ),
    "on": Experiment(
        "How far do the weights that `join` took its student from get in 450 more steps, as they are?",
        "join",
        dict(start_with="all", steps=450),
    ),
    "on-lookup": Experiment("And with a lookup, new in them?", "on", dict(network=dict(transfer="lookup"))),
    "on-guided": Experiment(
        "Landmarks saying where to look, to a lookup that is new in trained weights?",
        "on-lookup",
        dict(lookup_guidance=0.2),
    ),
    "on-consistency": Experiment(
        "Asking F_p to find the wanted pose in x̂⁺ and x̂⁻? (The judge of `pose found` is the teacher.)",
        "on-lookup",
        dict(pose_consistency=100.0),
    ),
    "further": Experiment(
        "The lookup that began at random (`lookup`) knows better where to look than the one that began with trained "
        "weights (`on-lookup`). How far does it get in 450 more steps?",
        "lookup",
        dict(start=RUNS / "lookup" / WEIGHTS, start_with="all", steps=450),
    ),
    "further-consistency": Experiment(
        "Asking F_p to find the wanted pose, with half of that weight?", "further", dict(pose_consistency=50.0)
    ),
    "again": Experiment(
        "`further` once more, from a `lookup` that was trained again, on another processor and with another seed: how "
        "far apart are two runs of one config?",
        "further",
        dict(seed=1),
    ),
    "again-consistency": Experiment(
        "Asking F_p to find the wanted pose, with half of that weight?", "again", dict(pose_consistency=50.0)
    ),
    "further-strips": Experiment(
        "Eq. 6 with strips of 4 pixels to either side of limbs instead of squares around joints?",
        "further",
        dict(patch_shape="strip", patch_radius=4.0),
    ),
    "again-patch-10": Experiment("Eq. 6 with the usual radius of 10?", "again", dict(patch_radius=10.0)),
    "further-no-patch": Experiment("Without Eq. 6?", "further", dict(weights=dict(patch=0.0))),
    "again-patch-2": Experiment("With four times the β?", "again", dict(weights=dict(patch=2.0))),
    "again-plain-pixels": Experiment("Without more weight on the person's pixels?", "again", dict(pose_mask=0.0)),
    "further-any-camera": Experiment("With x⁺ from any camera?", "further", dict(same_camera=0.0)),
    "again-no-jitter": Experiment("With colours as they are?", "again", dict(jitter=0.0)),
    "again-no-mirror": Experiment("Without mirrored triplets?", "again", dict(mirror=0.0)),
    "further-perceptual-half": Experiment("With half of λ in Eq. 4?", "further", dict(weights=dict(perceptual=0.5))),
    "further-perceptual-2": Experiment("With twice λ?", "further", dict(weights=dict(perceptual=2.0))),
    "further-gamma-0": Experiment("Without the discriminator?", "further", dict(weights=dict(adversarial=0.0))),
    "again-gamma-0.1": Experiment("With a fifth of γ?", "again", dict(weights=dict(adversarial=0.1))),
    "further-r1": Experiment("With a gradient penalty on D (R1, weight 1)?", "further", dict(penalty=1.0)),
    "further-relativistic": Experiment(
        "With the relativistic form of Eq. 5 and R1 + R2?", "further", dict(adversarial="relativistic", penalty=1.0)
    ),
    "finish": Experiment(
        "Losses against the truth were best before D had grown. Weights that went 1,500 steps without D and without "
        "`pose_consistency`, with a student that was distilled from moved pictures, and G given the pose's detail at "
        "H/4: how far do they get in 450 more steps of that?",
        "lookup",
        dict(
            start=Path("runs/small-7a") / WEIGHTS,  # its card says how it was made
            start_with="all",
            start_student=Path("runs/student-1") / WEIGHTS,
            student_rate_after=0.02,
            teacher=Path("runs/teacher-4/flip.safetensors"),
            steps=450,
            lookup_guidance=0.2,
            network=dict(pose_detail=16),
            weights=dict(adversarial=0.0),
        ),
    ),
    "finish-consistency-10": Experiment("Asking F_p to find the wanted pose?", "finish", dict(pose_consistency=10.0)),
    "finish-gamma-0.1": Experiment(
        "With a discriminator, a fifth of γ?", "finish", dict(weights=dict(adversarial=0.1))
    ),
    "finish-consistency-30": Experiment(
        "Asking F_p three times as loudly?", "finish-consistency-10", dict(pose_consistency=30.0)
    ),
    "finish-no-detail": Experiment("Without the pose's detail?", "finish", dict(network=dict(pose_detail=0))),
    "finish-no-guidance": Experiment("Without telling the lookup where to look?", "finish", dict(lookup_guidance=0.0)),
    "finish-old-student": Experiment(
        "With the student of those weights, which never saw a moved picture?", "finish", dict(start_student=None)
    ),
    "refine": Experiment(
        "450 more steps of the preset `lookup` as it is, discriminator and all, from averaged weights: do they gain?",
        None,
        dict(
            SHORT,
            start=NINTH,
            start_with="all",
            student_rate_after=0.02,
            steps=450,
            network=dict(transfer="lookup", pose_detail=16),
            same_camera=1.0,
            jitter=0.4,
            pose_mask=6.0,
            patch_radius=6.0,
            pose_consistency=5.0,
            lookup_guidance=0.2,
            weights=dict(patch=0.1, adversarial=0.1),
        ),
    ),
    "refine-gamma-0": Experiment("Without the discriminator?", "refine", dict(weights=dict(adversarial=0.0))),
    "more-people": Experiment(
        "Ten times as long without D, with 1,000 other people to learn from (`python -m tools.mannequins --identities "
        "1001 --test 1 --pictures-per-identity 10 10 --seed 1 --out runs/more-people`)?",
        "refine-gamma-0",
        dict(data=Path("runs/more-people"), learning_rate=3e-4, decay_from=0.3, pose_consistency=2.0, steps=5200),
    ),
    "refine-perceptual-2": Experiment("With twice λ in Eq. 4?", "refine", dict(weights=dict(perceptual=2.0))),
    "refine-jitter-1": Experiment("With much stronger changes of colours?", "refine", dict(jitter=1.0)),
    "refine-r1": Experiment("With a gradient penalty on D (R1, weight 1)?", "refine", dict(penalty=1.0)),
    "refine-relativistic": Experiment(
        "With the relativistic form of Eq. 5 and R1 + R2?", "refine", dict(adversarial="relativistic", penalty=1.0)
    ),
    "refine-no-patch": Experiment("Without Eq. 6?", "refine", dict(weights=dict(patch=0.0))),
    "refine-patch-0.5": Experiment("With the paper's β?", "refine", dict(weights=dict(patch=0.5))),
    "refine-plain-pixels": Experiment("Without more weight on the person's pixels?", "refine", dict(pose_mask=0.0)),
    "refine-no-consistency": Experiment("Without F_p as a judge?", "refine", dict(pose_consistency=0.0)),
    "refine-no-mirror": Experiment("Without mirrored triplets?", "refine", dict(mirror=0.0)),
    "refine-any-camera": Experiment("With x⁺ from any camera?", "refine", dict(same_camera=0.0)),
    "refine-strips": Experiment(
        "Eq. 6 with strips of 4 pixels to either side of limbs instead of squares around joints?",
        "refine",
        dict(patch_shape="strip", patch_radius=4.0),
    ),
    "again-sigma-4": Experiment("With pose maps of σ = 4 pixels?", "again", dict(network=dict(sigma=4.0))),
    "again-ema-0.95": Experiment("With an average over 20 steps instead of the whole run?", "again", dict(ema=0.95)),
    "again-ema-0": Experiment("Without averaging the weights?", "again", dict(ema=0.0)),
    "again-decay-0": Experiment(
        "With learning rates that fall from the first step on, not from the middle?", "again", dict(decay_from=0.0)
    ),
    "again-constant": Experiment("With learning rates that never fall?", "again", dict(decay_from=1.0)),
    "lookup-paper-stem": Experiment(
        "With the paper's stem, 7 × 7 at full size, in both encoders?", "lookup", dict(network=dict(stem="paper"))
    ),
    "lookup-early": Experiment(
        "With all residual blocks of G at H/8, none at H/4?",
        "lookup",
        dict(network=dict(generator_blocks=(3, 0, 0, 0))),
    ),
    "lookup-late": Experiment(
        "With G's residual blocks one at each size?", "lookup", dict(network=dict(generator_blocks=(1, 1, 1, 0)))
    ),
    "lookup-wide": Experiment("With d = 128 instead of 96?", "lookup", dict(network=dict(width=128))),
    "carry": Experiment(
        "How far do 300 steps of the whole network get without the four options that carrying adds?",
        None, PLAIN, "small",
    ),
    "carry-draw-all": Experiment(
        "Asking G for the whole of x and x⁺, before anything is carried over?", "carry", dict(draw_all=0.3)
    ),
    "carry-keep": Experiment("A penalty on drawing what the source shows?", "carry", dict(keep=0.3)),
    "carry-any-pose": Experiment("A third of the x⁻ in poses that no pedestrian takes?", "carry", dict(any_pose=0.35)),
    "carry-light": Experiment("A penalty on light that is added to what is carried?", "carry", dict(light=0.1)),
    "carry-gamma-0": Experiment("Without a discriminator?", "carry", dict(weights=dict(adversarial=0.0))),
    # The runs above computed in bfloat16; these did not, on a processor without instructions for it.
    "carry-fp32": Experiment(
        "In single precision, on another processor: how much of a difference is chance?", "carry",
        dict(precision="fp32"),
    ),
    "carry-sharpness": Experiment("Asking for edges as strong as the real ones'?", "carry-fp32", dict(sharpness=0.4)),
    "carry-matching": Experiment("Matching D's activations on real pairs?", "carry-fp32", dict(feature_matching=2.0)),
    "carry-small-view": Experiment(
        "A discriminator that sees 18 pixels at a time, instead of 38?", "carry-fp32", dict(discriminator=(32, 64))
    ),
}


#: Runs whose option gained nothing and has left the library, after the experiments beside which they stand on the page.
ENDED = {
    "on-fine-lookup": "on-lookup",  # a second lookup inside G, at H/4
    "further-swap-in-d": "further-gamma-0",  # the pair (x, x̂⁻) shown to D
    "again-joints": "again-sigma-4",  # z_p⁻ and the patches of x̂⁻ from labelled joints
}


def config_of(name: str) -> TrainConfig:
    """The run of an experiment: that of the one it is compared with, changed.

    Raises:
        ValueError: for a name that is not one of the experiments.
    """
    if name not in EXPERIMENTS:
        raise ValueError(f"experiment {name!r}: expected one of {', '.join(EXPERIMENTS)}")
    experiment = EXPERIMENTS[name]
    if experiment.against is not None:
        config = config_of(experiment.against)
    else:
        config = preset(experiment.preset)
        if experiment.preset == "lookup":
            config = as_in_the_paper(config)
    return replace(changed(config, experiment.change), out=RUNS / name)


def taken_over(name: str) -> str:
    """The preset at the beginning of an experiment, which took over what helped.

    >>> taken_over("further-strips"), taken_over("carry-any-pose")
    ('lookup', 'small')
    """
    experiment = EXPERIMENTS[name]
    return experiment.preset if experiment.against is None else taken_over(experiment.against)


@cache
def _judges() -> Judges:
    return Judges(load_truth().select(slice(SWAPS)), "cuda" if torch.cuda.is_available() else "cpu")


@torch.inference_mode()
def score(name: str) -> Path:
    """Score the weights of a finished run and write its JSON and its grid."""
    out = RUNS / name
    network, judges = load_network(out / WEIGHTS), _judges()
    truth = judges.truth
    pictures = truth.people.pictures
    drawn = swap_all(network, pictures[truth.source], pictures[truth.target])
    journal = read_log(out / LOG)
    lines, events = ([line for line in journal if ("event" in line) == told] for told in (False, True))
    result = {
        "name": name,
        "asks": EXPERIMENTS[name].asks,
        "against": EXPERIMENTS[name].against,
        "change": plain_change(EXPERIMENTS[name].change),
        "seed": events[0]["config"]["seed"],
        "steps": lines[-1]["step"],
        "minutes": round(lines[-1]["seconds"] / 60, 1),
        **{key: events[-1][key] for key in ("command", "date", "device", "threads", "versions")},
        "parts": len(events),
        "scored_by": judges.conditions,
        "fingerprint": truth.people.fingerprint,
        "begun_with": json.loads((out / WEIGHTS).with_suffix(".json").read_text()).get("begun_with", {}).get("sha256"),
        "weights_sha256": sha256(out / WEIGHTS),
        "scores": judges.score(drawn),
        "student": score_landmarks(
            network.student, truth.people, decoder=network.config.decoder, upsample=network.config.decode_at == "full"
        ),
        "config": events[-1]["config"],
    }
    if network.config.carry:
        result["drags"] = _drags(out / WEIGHTS)
    some = torch.linspace(0, len(truth) - 1, SHOWN).long()
    rows = pictures[truth.source[some]], pictures[truth.target[some]], drawn[some], truth.pictures[some]
    save_picture(picture_grid([to_float(row) for row in rows]), RESULTS / f"{name}.jpg")
    write_json(RESULTS / f"{name}.json", result)
    return RESULTS / f"{name}.json"


def plain_change(change: dict[str, Any]) -> dict[str, Any]:
    """A change without nesting: ``{"network": {"sigma": 4}}`` → ``{"network.sigma": 4}``.

    >>> plain_change({"network": {"sigma": 4.0}, "jitter": 0.0})
    {'network.sigma': 4.0, 'jitter': 0.0}
    """
    flat: dict[str, Any] = {}
    for key, value in change.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": plain(entry) for inner, entry in value.items()}
        else:
            flat[key] = plain(value)
    return flat


def options(name: str) -> dict[str, Any]:
    """The preset of that name without nesting: what was taken over from here.

    >>> options("lookup")["jitter"], options("small")["weights.translate"]
    (0.4, 1.0)
    """
    return plain_change(plain(preset(name)))


def _drags(weights: Path) -> dict[str, Any]:
    """How many dragged joints obey, turned by 90°: wrists and ankles of :data:`PAIRS` pairs together."""
    rows = [row for row in measure_drags(Drags(str(weights), PAIRS))["rows"] if row["angle"] == 90]
    count = sum(row["drags"] for row in rows)
    obeys = sum(row["obeys"] * row["drags"] for row in rows) / count
    error = (obeys * (1 - obeys) / count) ** 0.5
    return {"pairs": PAIRS, "drags": count, "obeys": round(obeys, 4), "error": round(error, 4)}


@dataclass(frozen=True)
class Run:
    """Train and score experiments; what is trained or scored already is not done again."""

    names: tyro.conf.Positional[tuple[str, ...]]

    def __call__(self) -> None:
        """In the order given."""
        for name in self.names:
            config = config_of(name)
            if not (RESULTS / f"{name}.json").is_file():
                if not (config.out / WEIGHTS).is_file():
                    train(config, resume=True)
                log.info("%s", score(name))


@dataclass(frozen=True)
class Score:
    """Score finished runs again, as after a change of the networks that judge; without names, all that are here."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()

    def __call__(self) -> None:
        """In the order given."""
        for name in self.names or [name for name in EXPERIMENTS if (RUNS / name / WEIGHTS).is_file()]:
            log.info("%s", score(name))


@dataclass(frozen=True)
class List:
    """Name, state and question of every experiment."""

    def __call__(self) -> None:
        """One a line."""
        for name, experiment in EXPERIMENTS.items():
            state = "done" if (RESULTS / f"{name}.json").is_file() else "open"
            log.info("%-22s %s  %s", name, state, experiment.asks)


@dataclass(frozen=True)
class Page:
    """Write the page from the JSON results."""

    def __call__(self) -> None:
        """All experiments that have been run, in the order in which they are named."""
        names = list(EXPERIMENTS)
        for ended, place in ENDED.items():
            names.insert(names.index(place) + 1, ended)
        beginning = {name: taken_over(ENDED.get(name, name)) for name in names}
        write_page(PAGE, RESULTS, {name: (preset, options(preset)) for name, preset in beginning.items()})
        log.info("%s", PAGE)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    tyro.cli(Run | Score | List | Page, description=__doc__)()
