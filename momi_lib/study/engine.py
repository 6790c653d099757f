"""The engine of all studies: each run is trained once and scored once, by the process that reaches it first.

A run has a folder of its own, and its scores have a file of their own, which is never left half-written. A study can be
stopped and started again at any time, and several processes can share it, such as a job array in which each has its
own ``--only``: a lock in the run's folder keeps two of them from the same run, and the summary of a study is read from
the files of all runs, whichever process made them. Processes that were launched together, by ``accelerate launch`` or
``torchrun``, train each run together: the first of them holds the lock and decides for all.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from momi_lib.data import data_folder, load
from momi_lib.files import sha256, write_json
from momi_lib.provenance import plain
from momi_lib.study.locks import held, holder
from momi_lib.train import TrainConfig, train
from momi_lib.train.presets import flat
from momi_lib.train.processes import meet_on_cpu
from momi_lib.train.run import CONFIG, WEIGHTS
from momi_lib.translate import weights_file

log = logging.getLogger(__name__)
T = TypeVar("T")

LOCK = "study.lock"
#: Options that do not make it a different run: its folder, how often it reports, and how and where it is computed.
FREE = ("out", "log.", "device", "precision", "channels_last", "compile")


def run_once(
    config: TrainConfig,
    kept: Path,
    conditions: Mapping[str, Any],
    score: Callable[[Path], Mapping[str, Any]],
    about: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    free: tuple[str, ...] = FREE,
    *,
    beside: Sequence[Path] = (),
    facts: Sequence[str] = (),
) -> dict[str, Any] | None:
    """Train a run and score it, unless this has been done.

    Args:
        config: the run; ``config.out`` is its folder.
        kept: JSON of its scores, which it shares with no other run.
        conditions: data and judges of the scores, JSON-ready.
        score: the run's weights → its scores, JSON-ready.
        about: the run's card → what else the JSON contains; this is updated even if the scores are kept.
        free: see :func:`difference`.
        beside: what else ``score`` writes; if one of these files is missing, the run is scored again.
        facts: names of all entries that ``about`` may return; kept entries that it no longer returns are dropped.

    Returns:
        the content of ``kept``; ``None`` if a different process is working on this run, which the log says.

    Raises:
        ValueError: if the folder contains a run of a different config, finished or not.
        and as :func:`~momi_lib.train.train` does.
    """
    check(config, free)

    def known() -> dict[str, Any] | None:
        return agreed(config, lambda: kept_scores(config, kept, conditions, beside))

    def written(found: Mapping[str, Any]) -> dict[str, Any]:
        return agreed(config, lambda: _written(kept, about(card(config)), found, facts))

    found = known()
    if found is not None:
        return written(found)
    weights, lock = config.out / WEIGHTS, config.out / LOCK
    with _held_by_all(config, lock) as ours:
        if not ours:
            log.info("%s: left to %s which is working on it; delete %s if it is not", config.out, holder(lock), lock)
            return None
        _trained(config, free)
        found = known()  # another process may have been faster
        return written({**score(weights), **conditions, "weights_sha256": sha256(weights)} if found is None else found)


def _trained(config: TrainConfig, free: tuple[str, ...]) -> None:
    """Train a run that is not finished, from where it stopped."""
    check(config, free)  # another process may have started it meanwhile
    if not agreed(config, lambda: finished(config)):
        train(config, resume=True)
        check(config, free)


def together(config: TrainConfig) -> PartialState | None:
    """The processes that were launched together, on the devices of the run; ``None`` for a single process."""
    if int(os.environ.get("WORLD_SIZE", 1)) < 2:
        return None
    return PartialState(cpu=meet_on_cpu(config.device))


def agreed(config: TrainConfig, ask: Callable[[], T]) -> T:
    """One answer for all processes launched together: that of the first one, even if it is an error.

    Each of them would look at the files at a different moment, and might decide differently.
    """
    processes = together(config)
    if processes is None:
        return ask()
    told: list[Any] = [None, None]
    if processes.is_main_process:
        try:
            told[0] = ask()
        except Exception as error:
            told[1] = error
    broadcast_object_list(told)
    if told[1] is not None:
        raise told[1]
    return told[0]


@contextmanager
def _held_by_all(config: TrainConfig, lock: Path) -> Iterator[bool]:
    """A lock, held by the first of the processes launched together for all of them."""
    processes = together(config)
    first = processes is None or processes.is_main_process
    with held(lock) if first else nullcontext(False) as ours:
        yield agreed(config, lambda: ours)


def _written(kept: Path, about: Mapping[str, Any], found: Mapping[str, Any], facts: Sequence[str]) -> dict[str, Any]:
    """Write the scores and the other entries to their file, unless it already contains them."""
    found = {name: value for name, value in found.items() if name not in facts}
    row = json.loads(json.dumps({**about, **found, **about}))
    if not kept.is_file() or json.loads(kept.read_text(encoding="utf-8")) != row:
        write_json(kept, row)
    return row


def card(config: TrainConfig) -> dict[str, Any]:
    """The card of a finished run."""
    return json.loads((config.out / WEIGHTS).with_suffix(".json").read_text(encoding="utf-8"))


def finished(config: TrainConfig) -> bool:
    """Whether the run's folder contains its final weights and their card."""
    weights = config.out / WEIGHTS
    return weights.is_file() and weights.with_suffix(".json").is_file()


def kept_scores(
    config: TrainConfig, kept: Path, conditions: Mapping[str, Any], beside: Sequence[Path] = ()
) -> dict[str, Any] | None:
    """The content of ``kept``, if it is about the present weights of a finished run and about these data and judges.

    ``None`` also if one of the files ``beside`` it is missing.
    """
    if not (finished(config) and kept.is_file() and all(file.is_file() for file in beside)):
        return None
    known = json.loads(kept.read_text(encoding="utf-8"))
    wanted = {**json.loads(json.dumps(conditions)), "weights_sha256": sha256(config.out / WEIGHTS)}
    return known if all(known.get(name) == value for name, value in wanted.items()) else None


def begun(config: TrainConfig) -> tuple[Path, dict[str, Any]] | None:
    """The file that says which run is in the folder, and its content: the card of a finished run, otherwise the config.

    ``None`` if no run was started there.
    """
    if finished(config):
        return (config.out / WEIGHTS).with_suffix(".json"), card(config)
    file = config.out / CONFIG
    return (file, json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def difference(config: TrainConfig, free: tuple[str, ...] = FREE) -> str | None:
    """How the run in ``config.out`` differs from ``config``, in words; ``None`` if it does not, or if there is no run.

    Args:
        config: the requested run.
        free: prefixes of the options that may differ.
    """
    there = begun(config)
    if there is None:
        return None
    _, found = there
    return (
        _other_options(config, found["config"], free) or _other_beginning(config, found) or _other_data(config, found)
    )


def _other_options(config: TrainConfig, found: Mapping[str, Any], free: tuple[str, ...]) -> str | None:
    if not isinstance(found.get("loss"), Mapping):
        return "the option names of an earlier version, which cannot be compared"
    known, wanted, default = flat(found), _options(config), _options(TrainConfig())
    for name, value in wanted.items():
        # An option that was added after the run had its default.
        had = known.get(name, default.get(name))
        if not name.startswith(free) and had != value:
            return f"{name} {had}, and this study asks for {value}"
    unknown = [name for name in known if name not in wanted and not name.startswith(free)]
    return f"{unknown[0]} {known[unknown[0]]}, an option that runs no longer have" if unknown else None


def _options(config: TrainConfig) -> dict[str, Any]:
    """All options as they are in a card."""
    return flat(json.loads(json.dumps(plain(config))))


def _other_beginning(config: TrainConfig, found: Mapping[str, Any]) -> str | None:
    """The weights that a finished run started from, if they are different now."""
    starts = {
        "begun_with": ("init.start", config.init.start),
        "student_begun_with": ("init.student", config.init.student),
        "body_maps_of": ("body_labels", "small"),
    }
    for fact, (option, start) in starts.items():
        if fact not in found or start is None:
            continue
        try:
            began, begins = found[fact]["sha256"], sha256(weights_file(start))
        except FileNotFoundError as error:
            log.warning("%s: not compared with the weights that it began with: %s", config.out, error)
            continue
        if began != begins:
            return f"{option} {began[:8]}…, and the weights in {plain(start)} are {begins[:8]}… now"
    return None


def _other_data(config: TrainConfig, found: Mapping[str, Any]) -> str | None:
    """The training pictures of a finished run, if they are different now."""
    if "data" not in found:
        return None
    try:
        folder = data_folder(config.data)
        now = _fingerprint(folder.resolve(), config.network.size)
    except FileNotFoundError as error:
        log.warning("%s: not compared with the pictures that it was trained on: %s", config.out, error)
        return None
    if found["data"] == now:
        return None
    return f"training pictures {found['data'][:8]}…, and those in {plain(folder)} are {now[:8]}… now"


@cache
def _fingerprint(folder: Path, size: tuple[int, int]) -> str:
    return load(folder, "train", size=size, memory_map=True).fingerprint


def check(config: TrainConfig, free: tuple[str, ...] = FREE) -> None:
    """Refuse a run, finished or not, that is not the requested one (ValueError)."""
    told = agreed(config, lambda: difference(config, free))
    if told is not None:
        file, _ = begun(config) or (config.out, None)
        raise ValueError(f"{file}: a run with {told}. Give the study another --out, or move the run away.")
