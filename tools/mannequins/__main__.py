"""`python -m tools.mannequins`: make the data set, check one, write its card again, or only set up.

    python -m tools.mannequins --identities 1501 --out FOLDER --seed 0 --workers 4
    python -m tools.mannequins --size embedded --out FOLDER
    python -m tools.mannequins --size market --out FOLDER --shard 3/16
    python -m tools.mannequins check FOLDER
    python -m tools.mannequins card FOLDER
    python -m tools.mannequins body-maps FOLDER --out data/body_maps
    python -m tools.mannequins setup --workers 2
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import tyro

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LP_NUM_THREADS")
EXTRA = {"anny": "anny", "moderngl": "moderngl", "scipy": "scipy", "cv2": "opencv-python-headless"}


@dataclass(frozen=True)
class Make:
    """Render clothed people, with exact labels, in Market-1501's layout.

    A run that was stopped goes on when the same command is given again. `check FOLDER` in place of the options checks
    what was made, `card FOLDER` writes its card and contact sheet again, `setup` only prepares this machine.
    """

    out: Path
    """The folder to write: new, empty, or begun by the same command."""
    identities: int | None = None
    """How many people, half of them for training; pictures in Market-1501's proportions (1501: its very numbers)."""
    test: int | None = None
    """With --identities: how many of them are for testing, in place of half."""
    size: Literal["embedded", "market"] | None = None
    """A whole data set in place of --identities: as in the repository, or of Market-1501's size, with true swaps."""
    seed: int = 0
    """Same seed, same pictures."""
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Processes, one thread each."""
    truth: int | None = None
    """How many true swaps among the test people; none unless --size says so."""
    dense: bool = False
    """Also write maps of canonical coordinates: where on the body each pixel lies (npz, float16)."""
    shard: str | None = None
    """k/n, such as 3/16: only this share of the people, for job arrays on one folder; without it, later, the rest."""
    pictures_per_identity: tuple[int, int] | None = None
    """With --identities: fewest and most pictures of one person, in place of Market-1501's proportions."""


@dataclass(frozen=True)
class Folder:
    """Check a data set, or write its card again."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The data set."""


@dataclass(frozen=True)
class BodyMaps:
    """Write the labels of the body maps: of every picture of a data set, and of bodies in any pose."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The data set, with its scenes.jsonl.gz."""
    out: Path | None = None
    """The folder to write; `body_maps` in the data set's own where it is not said."""
    any_poses: int = 9_000
    """Bodies in any pose."""
    seed: int = 0
    """Of the poses."""
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Processes, one thread each."""


@dataclass(frozen=True)
class Setup:
    """Bake the body template and draw the streets, which the first run would do: once a machine."""

    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Processes, one thread each."""


def main(arguments: list[str] | None = None) -> None:
    """The command line. Whatever is wrong with what was asked for is one line, and exit status 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    program = "python -m tools.mannequins"
    for name in THREADS:  # one a process: set before numpy and OpenGL are loaded, inherited by workers
        os.environ.setdefault(name, "1")
    try:
        if arguments and arguments[0] in ("check", "card"):
            folder = tyro.cli(Folder, args=arguments[1:], prog=f"{program} {arguments[0]}").folder
            {"check": _check, "card": _card}[arguments[0]](folder)
        elif arguments and arguments[0] == "body-maps":
            _body_maps(tyro.cli(BodyMaps, args=arguments[1:], prog=f"{program} body-maps"))
        elif arguments and arguments[0] == "setup":
            _set_up(tyro.cli(Setup, args=arguments[1:], prog=f"{program} setup"))
        else:
            _make(tyro.cli(Make, args=arguments, prog=program))
    except KeyboardInterrupt:
        raise SystemExit("\nStopped. The same command goes on from here.") from None
    except (ValueError, OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def _make(asked: Make) -> None:
    if (asked.size is None) == (asked.identities is None):
        raise ValueError("give either --identities N or --size embedded|market.")
    if asked.size is not None and asked.pictures_per_identity is not None:
        raise ValueError("--pictures-per-identity goes with --identities; --size has its own numbers.")
    if asked.size is not None and asked.test is not None:
        raise ValueError("--test: goes with --identities; --size has its own numbers.")
    if asked.workers < 1:
        raise ValueError(f"--workers: expected 1 or more, got {asked.workers}.")
    if asked.seed < 0:
        raise ValueError(f"--seed: expected 0 or more, got {asked.seed}.")
    shard = None if asked.shard is None else _shard(asked.shard)
    _need_extra()
    from tools.mannequins.dataset import plan
    from tools.mannequins.dataset.card import write_card
    from tools.mannequins.dataset.write import Request, make
    from tools.mannequins.render.renderer import Renderer

    if asked.size is None:
        sizes = plan.sizes_of(asked.identities, asked.pictures_per_identity, asked.truth, asked.test)
    else:
        sizes = plan.with_truth({"embedded": plan.EMBEDDED, "market": plan.MARKET}[asked.size], asked.truth)
    Renderer(8, 4, 1)  # no OpenGL: say so now, not from a worker
    make(Request(sizes, asked.seed, asked.dense), asked.out, asked.workers, finish=write_card, shard=shard)
    if shard is None:
        print(f"complete: {asked.out}")
    else:
        print(f"shard {asked.shard} is done; when all are, the same command without --shard completes {asked.out}")


def _shard(text: str) -> tuple[int, int]:
    """The two numbers of `3/16`.

    >>> _shard("3/16")
    (3, 16)
    """
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise ValueError(f"--shard: expected k/n with k from 1 to n, such as 3/16, got {text!r}.")
    return int(number), int(count)


def _set_up(asked: Setup) -> None:
    if asked.workers < 1:
        raise ValueError(f"--workers: expected 1 or more, got {asked.workers}.")
    _need_extra()
    from tools.mannequins.dataset.write import set_up
    from tools.mannequins.render.renderer import Renderer

    Renderer(8, 4, 1)
    set_up(asked.workers)


def _body_maps(asked: BodyMaps) -> None:
    if asked.workers < 1 or asked.any_poses < 1:
        raise ValueError("--workers, --any-poses: expected 1 or more.")
    _need_extra()
    from tools.mannequins.dataset.body_maps import write_body_maps
    from tools.mannequins.dataset.write import write_manifest
    from tools.mannequins.render.renderer import Renderer

    Renderer(8, 4, 1)
    out = asked.out or asked.folder / "body_maps"
    write_body_maps(asked.folder, out, any_poses=asked.any_poses, seed=asked.seed, workers=asked.workers)
    if out.resolve().is_relative_to(asked.folder.resolve()) and (asked.folder / "manifest.json").is_file():
        write_manifest(asked.folder)
    print(f"complete: {out}")


def _check(folder: Path) -> None:
    from tools.mannequins.dataset.checks import check

    failed = 0
    for result in check(folder):
        print(result)
        failed += not result.passed
    if failed:
        raise SystemExit(1)


def _card(folder: Path) -> None:
    _need_extra()
    from tools.mannequins.dataset.card import write_card
    from tools.mannequins.dataset.write import write_manifest

    write_card(folder)
    write_manifest(folder)


def _need_extra() -> None:
    missing = [package for module, package in EXTRA.items() if find_spec(module) is None]
    if missing:
        raise RuntimeError(f"{', '.join(missing)} not installed. Install the extra: pip install -e '.[mannequins]'")


if __name__ == "__main__":
    main()
