"""What ``python -m momi_lib`` can do; each function's arguments are its options."""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import tyro

from momi_lib.files import matching
from momi_lib.rivals.methods import WHERE
from momi_lib.rivals.run_config import RivalRunConfig
from momi_lib.study.commands import Ablations, Experiments, ExperimentsPage, Rivals
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


@dataclass(frozen=True, kw_only=True)
class RivalRun(RivalRunConfig):
    """A rival's training run and how to start it.

    Attributes:
        resume: go on from the newest checkpoint in the run's folder.
        minutes: stop with a checkpoint and weights after so much time.
    """

    method: tyro.conf.Suppress[str]
    resume: bool = False
    minutes: float | None = None

    def __post_init__(self) -> None:
        """Nothing: options are checked when the run starts, and the files of all methods need not be loaded before."""


def _fields(config: TrainConfig | RivalRunConfig, kind: type) -> dict:
    return {f.name: getattr(config, f.name) for f in fields(kind)}


Preset = Annotated[
    tyro.extras.subcommand_type_from_defaults(
        {name: TrainRun(**_fields(config, TrainConfig)) for name, config in PRESETS.items()}
        | {name: RivalRun(method=name, out=Path("runs") / name) for name in WHERE},
        prefix_names=False,
    ),
    tyro.conf.arg(name=""),
]
Positional = tyro.conf.Positional
ANEW = "this training keeps no checkpoints; the same command begins anew"
Config = TypeVar("Config")
Unprefixed = Annotated[Config, tyro.conf.arg(name="")]


def train(run: Preset) -> None:
    """Train MOMI-Net from a preset, `train small --out runs/small`, or a rival, `train pg2 --preset small`.

    On several GPUs or machines: `accelerate launch -m momi_lib train base …`, or `torchrun`. Ctrl-C, SIGTERM and SIGHUP
    end a run after its step with a checkpoint, from which the same command with --resume goes on.

    Args:
        run: the preset or the rival; every field of it is an option after its name.
    """
    from momi_lib.train.run import WEIGHTS

    if isinstance(run, RivalRun):
        from momi_lib.rivals.run import train_rival

        config = RivalRunConfig(**_fields(run, RivalRunConfig))
        trainer = train_rival(config, resume=run.resume, minutes=run.minutes)
    else:
        from momi_lib.train.run import train as start

        trainer = start(TrainConfig(**_fields(run, TrainConfig)), resume=run.resume, minutes=run.minutes)
    log.info("%d of %d steps done; weights in %s", trainer.step, trainer.steps, Path(str(run.out)) / WEIGHTS)


@contextmanager
def _saying_how_to_go_on(words: str, out: Path) -> Iterator[None]:
    """Let a Ctrl-C, a SIGTERM or a full disk under ``out`` say how to go on."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        stopped.args = stopped.args or (words,)
        raise
    except OSError as error:
        if error.errno not in (errno.ENOSPC, getattr(errno, "EDQUOT", None), errno.EROFS, errno.EIO):
            raise
        file = error.filename or out
        raise OSError(f"{file}: cannot be written ({error.strerror}); make room; {words}") from error


def _refuse_existing(weights: Path) -> None:
    """Refuse to train over weights that are there, the committed ones among them."""
    if weights.exists():
        raise FileExistsError(f"{weights}: is there already; choose another --out, or delete it first")


def train_teacher(config: Unprefixed[TeacherConfig]) -> None:
    """Train the teacher ψ from the joints of the mannequins."""
    from momi_lib.train.teacher import WEIGHTS
    from momi_lib.train.teacher import train_teacher as run

    _refuse_existing(config.out / WEIGHTS)
    with _saying_how_to_go_on(ANEW, config.out):
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

    out = default_out(config)
    _refuse_existing(out)
    with _saying_how_to_go_on(ANEW, out):
        card = run(config)
    log.info("rank-1 on held-out people: %.4f; weights in %s", card["scores"]["rank1"], out)


def train_affinity(config: Unprefixed[AffinityConfig]) -> None:
    """Train the network of APS, which says whether two pictures show the same person."""
    from momi_lib.train.affinity import default_out
    from momi_lib.train.affinity import train_affinity as run

    out = default_out(config)
    _refuse_existing(out)
    with _saying_how_to_go_on(ANEW, out):
        scores = run(config)["scores"]
    log.info(
        "affinity of real pictures of one person %.4f, of two %.4f, AUC %.4f (%s); weights in %s",
        *(scores[name] for name in ("same", "different", "auc", "people")),
        out,
    )


def swap(
    pictures: Positional[tuple[Path, ...]],
    /,
    out: Path,
    pose: Path | None = None,
    weights: str = "small",
    background: str | None = None,
    crop: Literal["none", "centre", "auto"] = "none",
) -> None:
    """Draw the person of one picture in the pose of another. RGB in, RGB out.

    `swap SOURCE TARGET --out FILE`, or many at once: `swap SOURCES… --pose TARGET --out FOLDER`.

    Args:
        pictures: source and target, the pictures of the person and of the pose; with --pose, sources alone. A source
            may be a folder of pictures, or a pattern such as `people/*.jpg`. Any size; a person filling a 1:2 frame
            works best.
        out: PNG or JPEG to write, and for many swaps a folder. No input is overwritten.
        pose: target of all sources.
        weights: a name of committed weights, or a file.
        background: `target` or `source`, the street of that picture; `drawn`, what the network draws; a colour
            `#rrggbb`; or a picture. Without it, `target` where the network can put a street behind a person.
        crop: `none` squeezes pictures into 1:2; `centre` cuts the largest central box; `auto` cuts around the person,
            where torchvision's Keypoint R-CNN has its weights on this machine, and else as `centre`.
    """
    from momi_lib.translate.from_files import ordered, swap_to_files

    swap_to_files(ordered(pictures, pose, out, background), weights=weights, background=background, crop=crop)


def _all(names: Sequence[str]) -> list[str]:
    """Names, and files that match a pattern; a name with the file of a teacher behind its @ is no pattern."""
    from momi_lib.rivals.weights import split_name

    def found(name: str) -> list[str]:
        try:
            return [name] if isinstance(split_name(name)[1], Path) else matching(name)
        except ValueError:
            return matching(name)

    return [each for name in names for each in found(name)]


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
        weights: names of committed weights (`small`, `lookup`, `pg2`, `pn-gan`, `patn`, `dg-net`), or files. After a
            pose-guided rival, `@teacher` (the default), `@student`, `@joints`, `@canonical` (the nearest of eight
            poses) or `@FILE`, another teacher's, says where its poses come from.
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
        affinity: networks of APS: `heldout`, `paper` or files; by default, the committed ones trained on these data.
        pose_pairs: on how many pairs it measures; it is the slowest network here.
    """
    from momi_lib.arguments import whole
    from momi_lib.evaluate.markdown import TABLE
    from momi_lib.evaluate.table_one import table_one
    from momi_lib.files import refuse_unwritable

    whole("pairs", pairs)  # the table calls it otherwise
    refuse_unwritable(out, folder=True)
    with _saying_how_to_go_on("the same command goes on where it was", out):
        table_one(
            _all(weights), data, out, count=pairs, seed=seed, paper_literal=paper_literal, pairs_file=pairs_file,
            judge=judge, judge_weights=judge_weights, teacher=teacher, teacher_input=teacher_input,
            affinity=_all(affinity), pose_pairs=pose_pairs,
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
        weights: names of committed weights (`small`, `lookup`, `pg2`, `pn-gan`, `patn`, `dg-net`), or files. After a
            pose-guided rival, `@teacher` (the default), `@student`, `@joints`, `@canonical` (the nearest of eight
            poses) or `@FILE`, another teacher's, says where its poses come from.
        data: folder with true swaps; `None` is `$MOMI_DATA` or the embedded set.
        out: JSON to write. Until then the scores of each answer are kept in a folder beside it, `….parts`, so that a
            run that was stopped goes on where it was. A run that ends deletes what is kept there.
        limit: only the first so many swaps, 2 or more.
        named: also ask the judges of the extra `judges`, where they are installed; they take most of the time.
    """
    from momi_lib.evaluate.pairs import FEW
    from momi_lib.evaluate.truth_judges import forget
    from momi_lib.evaluate.truth_table import truth_table
    from momi_lib.files import NAME, refuse_unwritable, shortened, write_json

    refuse_unwritable(out)
    keep = out.with_name(f"{shortened(out.name, NAME - len('.parts'))}.parts")
    with _saying_how_to_go_on("the same command goes on where it was", keep):
        table = truth_table(_all(weights), data, limit=limit, named=named, download=True, keep=keep)
        write_json(out, table)
    forget(keep)
    for column, why in table.get("missing", {}).items():
        log.info("no column %s: %s", column, why)
    if table["swaps"] < FEW:
        log.warning("%d swaps are very few: rank-1, Fréchet distances and KID of them say little", table["swaps"])
    log.info("%s", out)


Studies = Annotated[
    Annotated[Ablations, tyro.conf.subcommand("ablations", prefix_name=False)]
    | Annotated[Experiments, tyro.conf.subcommand("experiments", prefix_name=False)]
    | Annotated[Rivals, tyro.conf.subcommand("rivals", prefix_name=False)]
    | Annotated[ExperimentsPage, tyro.conf.subcommand("experiments-page", prefix_name=False)],
    tyro.conf.arg(name=""),
]


def study(run: Studies) -> None:
    """Train networks that differ in one thing, or in their method: `study ablations`, `experiments`, `rivals`.

    Args:
        run: which study; every field of it is an option after its name.
    """
    run()


def figure(
    out: Path = Path("runs/swaps.png"),
    weights: tuple[str, ...] = ("small",),
    data: Path | None = None,
    rows: int = 8,
    seed: int = 0,
) -> None:
    """Draw source → target → truth → swap rows for the README.

    Args:
        out: PNG to write.
        weights: names of committed weights or files, as for `truth`; each gets a column.
        data: folder with true swaps.
        rows: how many swaps.
        seed: which swaps; they are drawn at random and not chosen.
    """
    from momi_lib.evaluate.figure import swap_figure
    from momi_lib.files import refuse_unwritable

    if out.suffix.lower() != ".png":
        raise ValueError(f"--out {out}: expected a file that ends in .png, the format that is written")
    refuse_unwritable(out)
    swap_figure(out, _all(weights), data, rows=rows, seed=seed)
    log.info("%s", out)


def info(weights: str | None = None) -> None:
    """Say what is installed, where the data are, and what weights there are; versions first, whatever is wrong.

    Args:
        weights: also print the card of these weights: a name of those listed, a file, or the folder of a run.
    """
    from momi_lib.data import data_folder, load
    from momi_lib.devices import gpus
    from momi_lib.files import broken, missing_weights_folder, weights_folder
    from momi_lib.provenance import environment

    facts = environment()
    facts.pop("command")
    presets = {name: asdict(config.network)["width"] for name, config in PRESETS.items()}
    log.info(json.dumps({**facts, "GPUs": gpus(), "presets (width d)": presets}, indent=1))
    cards = sorted({path.with_suffix(".json") for end in ("safetensors", "json") for path in
                    weights_folder().glob(f"*.{end}")})  # fmt: skip
    for card in cards:
        file = card.with_suffix(".safetensors")
        wrong = broken(file) if file.is_file() else "the weights themselves are missing"
        log.info("weights %s: %s%s", card.stem, _what(card), f" ({wrong})" if wrong else "")
    if not cards:
        log.info("weights: none in %s%s", weights_folder(), missing_weights_folder())
    trouble, counts = None, {}
    try:
        folder = data_folder()
        log.info("data: %s", folder)
        for split in ("train", "gallery", "query"):
            counts[split] = len(load(folder, split))
    except (ValueError, OSError) as error:  # said last, and not instead of all the rest
        trouble = error
    log.info(json.dumps({"pictures": counts}, indent=1))
    if weights is not None:
        card = _card(weights)
        log.info(card.read_text(encoding="utf-8", errors="replace"))
        if trouble is not None:
            log.error("data: %s", trouble)
        _refuse_damaged(weights, card)
    if trouble is not None:
        raise trouble


def _what(card: Path) -> str:
    """What a card says of its weights, in one line."""
    try:
        told = json.loads(card.read_text(encoding="utf-8"))
        return told.get("what") or told.get("name") or f"{card.name} does not say what they are"
    except FileNotFoundError:
        return "no card"
    except (OSError, ValueError, AttributeError) as error:
        return f"{card.name} cannot be read as a card ({error})"


def _refuse_damaged(weights: str, card: Path) -> None:
    """Refuse weights of a card that are no weights, or do not fit the card's hash; the card alone will do, too."""
    from momi_lib.files import sha256, tensor_metadata

    given = Path(weights)
    file = given if given.is_file() and given.suffix != ".json" else card.with_suffix(".safetensors")
    if not file.is_file():
        return
    tensor_metadata(file)
    try:
        told = json.loads(card.read_bytes()).get("sha256")
    except (ValueError, AttributeError):  # it is on the screen
        return
    if told is not None and told != sha256(file):
        raise ValueError(f"{file}: does not fit the SHA-256 in {card.name}; copy or download both again")


def _card(weights: str) -> Path:
    """The card of weights, by the name that a table, the list of `info` or the disk gives them."""
    from momi_lib.files import absent, missing_weights_folder, tensor_metadata, weights_folder

    folder, path = weights_folder(), Path(weights)
    places = [folder / f"{kind}{weights}.json" for kind in ("momi-", "rival-", "")] + [path / "weights.json"]
    if path.name:
        places += [path.with_suffix(".json"), path.with_name(f"{path.name}.json")]
    for place in places:
        if place.is_file():
            return place
    if path.is_file():
        tensor_metadata(path)  # what is no weights is named as what it is
    what = "no card of such weights" if path.is_file() or not path.exists() else f"{absent(path)}, without a card"
    known = ", ".join(sorted(card.stem for card in folder.glob("*.json")))
    raise FileNotFoundError(
        f"{weights}: {what}; expected weights with a card, a .json of the same name, the folder of a "
        f"run, or one of {known or f'the committed ones, which are missing{missing_weights_folder()}'}"
    )


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
