"""What ``python -m momi_lib`` can do; each function's arguments are its options."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import tyro

from momi_lib.study.commands import Ablations, Experiments, ExperimentsPage
from momi_lib.train.affinity import AffinityConfig
from momi_lib.train.config import TrainConfig
from momi_lib.train.features import FeaturesConfig
from momi_lib.train.presets import PRESETS
from momi_lib.train.teacher import TeacherConfig

log = logging.getLogger("momi_lib")


@dataclass(frozen=True, kw_only=True)
class TrainRun(TrainConfig):
    """A training run and how to start it.

    Attributes:
        resume: go on from the newest checkpoint in the run's folder.
        minutes: stop with a checkpoint after so much time.
    """

    resume: bool = False
    minutes: float | None = None


def _fields(config: TrainConfig) -> dict:
    return {f.name: getattr(config, f.name) for f in fields(TrainConfig)}


Preset = Annotated[
    tyro.extras.subcommand_type_from_defaults(
        {name: TrainRun(**_fields(config)) for name, config in PRESETS.items()}, prefix_names=False
    ),
    tyro.conf.arg(name=""),
]
Positional = tyro.conf.Positional
Config = TypeVar("Config")
Unprefixed = Annotated[Config, tyro.conf.arg(name="")]


def train(run: Preset) -> None:
    """Train a network from a preset: `train small --out runs/small`.

    On several GPUs or machines: `accelerate launch -m momi_lib train base …`, or `torchrun`.

    Args:
        run: the preset; every field of it is an option after its name.
    """
    from momi_lib.train.run import WEIGHTS
    from momi_lib.train.run import train as start

    trainer = start(TrainConfig(**_fields(run)), resume=run.resume, minutes=run.minutes)
    log.info("%d of %d steps done; weights in %s", trainer.step, trainer.steps, run.out / WEIGHTS)


def train_teacher(config: Unprefixed[TeacherConfig]) -> None:
    """Train the teacher ψ from the joints of the mannequins."""
    from momi_lib.train.teacher import train_teacher as run

    card = run(config)
    log.info(
        "PCK@0.1 of the height on held-out people: %.4f; weights in %s",
        card["scores"]["pck_height"],
        config.out,
    )


def train_features(config: Unprefixed[FeaturesConfig]) -> None:
    """Train the offline feature network of Eq. 4."""
    from momi_lib.train.features import default_out
    from momi_lib.train.features import train_features as run

    card = run(config)
    out = default_out(config)
    log.info("rank-1 on held-out people: %.4f; weights in %s", card["scores"]["rank1"], out)


def train_affinity(config: Unprefixed[AffinityConfig]) -> None:
    """Train the network of APS, which says whether two pictures show the same person."""
    from momi_lib.train.affinity import default_out
    from momi_lib.train.affinity import train_affinity as run

    scores = run(config)["scores"]
    log.info(
        "affinity of real pictures of one person %.4f, of two %.4f, AUC %.4f (%s); weights in %s",
        *(scores[name] for name in ("same", "different", "auc", "people")),
        default_out(config),
    )


def swap(
    source: Positional[Path],
    target: Positional[Path],
    /,
    out: Path,
    weights: str = "small",
    background: str | None = None,
) -> None:
    """Draw the person of one picture in the pose of another. RGB in, RGB out.

    Args:
        source: picture of the person; any size, a person filling a 1:2 frame works best.
        target: picture of the pose.
        out: PNG or JPEG to write.
        weights: a name of committed weights, or a file.
        background: `target` or `source`, the street of that picture; `drawn`, what the network draws; a colour
            `#rrggbb`; or a picture. Without it, `target` where the network can put a street behind a person.
    """
    from momi_lib.data.pictures import save_picture
    from momi_lib.translate.from_files import swap_files

    drawn, found = swap_files(source, target, weights=weights, background=background)
    save_picture(drawn, out)
    log.info("%s: %d landmarks found on the source, %d of 17 on the target", out, *found)


def evaluate(
    weights: tuple[str, ...] = ("small",),
    data: Path | None = None,
    out: Path = Path("results"),
    pairs: int = 12_000,
    seed: int = 0,
    paper_literal: bool = False,
    pairs_file: Path | None = None,
    judge: Literal["mannequin", "inception", "resnet50"] = "mannequin",
    judge_weights: Path | None = None,
    teacher: Path | None = None,
    teacher_input: tuple[int, int] | None = None,
    affinity: tuple[str, ...] = (),
    pose_pairs: int = 2000,
) -> None:
    """Make the paper's Table I: translate the protocol's pairs and score them.

    Go on after an interruption by the same command: pictures and features are kept in OUT/cache. Several processes
    (`accelerate launch -m momi_lib evaluate …`, or `torchrun`) share the swaps.

    Args:
        weights: names of committed weights (`small`, `lookup`), or files.
        data: data in Market-1501's layout; `None` is `$MOMI_DATA` or the embedded set.
        out: folder for table.json, table.csv, table.md and pairs.csv.
        pairs: how many swaps; fewer where the data have fewer.
        seed: of the pairs.
        paper_literal: count 0000 as a person, as the paper's 376 + 375 do.
        pairs_file: CSV with the columns from,to to take instead.
        judge: network of IS, FID and KID.
        judge_weights: its weights, where they are not at their usual place.
        teacher: pose network that measures PCK.
        teacher_input: height and width that an official checkpoint was trained on, where its name does not say so.
        affinity: networks of APS: `heldout`, `paper` or files; without, the committed ones that learned these data.
        pose_pairs: on how many pairs it measures; it is the slowest network here.
    """
    from momi_lib.evaluate.markdown import TABLE
    from momi_lib.evaluate.table_one import table_one

    table_one(
        weights, data, out, count=pairs, seed=seed, paper_literal=paper_literal, pairs_file=pairs_file, judge=judge,
        judge_weights=judge_weights, teacher=teacher, teacher_input=teacher_input, affinity=affinity,
        pose_pairs=pose_pairs,
    )  # fmt: skip
    if int(os.environ.get("RANK", 0)) == 0:
        log.info((out / f"{TABLE}.md").read_text(encoding="utf-8"))


def truth(
    weights: tuple[str, ...] = ("small",),
    data: Path | None = None,
    out: Path = Path("runs/truth.json"),
    limit: int | None = None,
    named: bool = True,
) -> None:
    """Score swaps against the rendered truth on people never seen in training, beside trivial answers.

    Args:
        weights: names of committed weights (`small`, `lookup`), or files.
        data: folder with true swaps; `None` is `$MOMI_DATA` or the embedded set.
        out: JSON to write.
        limit: only the first so many swaps.
        named: also ask the judges of the extra `judges`, where they are installed; they take most of the time.
    """
    from momi_lib.evaluate.truth_table import FURTHER, truth_table
    from momi_lib.files import write_json

    table = truth_table(weights, data, limit=limit, named=named, download=True)
    write_json(out, table)
    for row in table["rows"]:
        log.info(
            "%-14s masked L1 %.4f   SSIM %.4f   perceptual %.3f   PCK %.3f   rank-1 %.3f   Fréchet %.2f",
            *(row[key] for key in ("answer", "l1", "ssim", "perceptual", "pck", "rank1", "frechet")),
        )
        log.info("%-14s %s", "", "   ".join(f"{name} {row[name]:.3f}" for name in FURTHER if name in row))
    for column, why in table.get("missing", {}).items():
        log.info("no column %s: %s", column, why)


Studies = Annotated[
    Annotated[Ablations, tyro.conf.subcommand("ablations", prefix_name=False)]
    | Annotated[Experiments, tyro.conf.subcommand("experiments", prefix_name=False)]
    | Annotated[ExperimentsPage, tyro.conf.subcommand("experiments-page", prefix_name=False)],
    tyro.conf.arg(name=""),
]


def study(run: Studies) -> None:
    """Train networks that differ in one thing, and compare them: `study ablations`, `study experiments`.

    Args:
        run: which study; every field of it is an option after its name.
    """
    run()


def figure(
    out: Path = Path("docs/swaps.png"),
    weights: str = "small",
    data: Path | None = None,
    rows: int = 8,
    seed: int = 0,
) -> None:
    """Draw source → target → truth → swap rows for the README.

    Args:
        out: PNG to write.
        weights: a name of committed weights (`small`, `lookup`), or a file.
        data: folder with true swaps.
        rows: how many swaps.
        seed: which swaps; they are drawn at random and not chosen.
    """
    from momi_lib.evaluate.figure import swap_figure

    swap_figure(out, weights, data, rows=rows, seed=seed)
    log.info("%s", out)


def info(weights: str | None = None) -> None:
    """Say what is installed, where the data are, and what weights there are.

    Args:
        weights: also print the card of these weights.
    """
    from momi_lib.data import data_folder, load
    from momi_lib.files import weights_folder
    from momi_lib.provenance import environment

    facts = environment()
    facts.pop("command")
    folder = data_folder()
    counts = {split: len(load(folder, split)) for split in ("train", "gallery", "query")}
    cards = sorted(weights_folder().glob("*.json"))
    presets = {name: asdict(config.network)["width"] for name, config in PRESETS.items()}
    log.info(
        json.dumps({**facts, "data": str(folder), "pictures": counts, "presets (width d)": presets}, indent=1)
    )
    for card in cards:
        log.info("weights %s: %s", card.stem, json.loads(card.read_text()).get("what", "no card"))
    if weights is not None:
        path = weights_folder() / f"momi-{weights}.json"
        path = path if path.is_file() else Path(weights).with_suffix(".json")
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no card of weights {weights!r}")
        log.info(path.read_text())


COMMANDS = {
    "train": train,
    "train-teacher": train_teacher,
    "train-features": train_features,
    "train-affinity": train_affinity,
    "swap": swap,
    "evaluate": evaluate,
    "truth": truth,
    "study": study,
    "figure": figure,
    "info": info,
}

__all__ = ["COMMANDS", "TrainConfig", *(name.replace("-", "_") for name in COMMANDS)]
