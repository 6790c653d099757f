"""The one engine of all studies: each run is trained once and scored once, by the process that comes to it first.

A run has a folder of its own, and its scores have a file of their own that is whole or not there. So a study can be
stopped and started again at any time, and several processes can share one, such as a job array in which each has its
own ``--only``: a lock in the run's folder keeps two of them from the same run, and what a study says as a whole is
read from the files of all runs, whoever made them.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from momi_lib.files import sha256, write_json
from momi_lib.provenance import plain
from momi_lib.study.locks import held, holder
from momi_lib.train import TrainConfig, train
from momi_lib.train.presets import flat
from momi_lib.train.run import WEIGHTS
from momi_lib.translate import weights_file

log = logging.getLogger(__name__)

LOCK = "study.lock"
#: Options that do not make it another run: where it lies, how often it says something, on what it is computed.
FREE = ("out", "log.", "device", "precision", "channels_last", "compile")


def run_once(
    config: TrainConfig,
    kept: Path,
    conditions: Mapping[str, Any],
    score: Callable[[Path], Mapping[str, Any]],
    about: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    free: tuple[str, ...] = FREE,
) -> dict[str, Any] | None:
    """Train a run and score it, as far as neither has been done.

    Args:
        config: the run; ``config.out`` is its folder.
        kept: JSON of its scores, which no other run has.
        conditions: data and judges of the scores, JSON-ready.
        score: the run's weights → its scores, JSON-ready.
        about: the run's card → what else stands beside them; said anew where the scores are kept ones.
        free: see :func:`difference`.

    Returns:
        what ``kept`` holds; ``None`` where another process is at this run, and the log says so.

    Raises:
        ValueError: where the folder holds a finished run of another config.
        and as :func:`~momi_lib.train.train` does.
    """
    check(config, free)
    weights, lock = config.out / WEIGHTS, config.out / LOCK
    found = kept_scores(config, kept, conditions)
    if found is None:
        # Processes that were launched together train each run together, and so come to the same runs.
        together = int(os.environ.get("WORLD_SIZE", 1)) > 1
        with nullcontext(True) if together else held(lock) as ours:
            if not ours:
                log.info("%s: left to %s which is at this run; delete %s if it is not", config.out, holder(lock), lock)
                return None
            if not finished(config):
                train(config, resume=True)
                check(config, free)
            found = kept_scores(config, kept, conditions)  # another process may have been faster
            if found is None:
                found = {**score(weights), **conditions, "weights_sha256": sha256(weights)}
            return _written(kept, about(card(config)), found)
    return _written(kept, about(card(config)), found)


def _written(kept: Path, about: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Scores with what stands beside them, in their file; not written again where it holds them already."""
    row = json.loads(json.dumps({**about, **found, **about}))
    if not kept.is_file() or json.loads(kept.read_text(encoding="utf-8")) != row:
        write_json(kept, row)
    return row


def card(config: TrainConfig) -> dict[str, Any]:
    """The card of a finished run."""
    return json.loads((config.out / WEIGHTS).with_suffix(".json").read_text(encoding="utf-8"))


def finished(config: TrainConfig) -> bool:
    """Whether the run's folder holds its last weights and their card."""
    weights = config.out / WEIGHTS
    return weights.is_file() and weights.with_suffix(".json").is_file()


def kept_scores(config: TrainConfig, kept: Path, conditions: Mapping[str, Any]) -> dict[str, Any] | None:
    """What ``kept`` holds, if it is of a finished run's present weights and of these data and judges."""
    if not (finished(config) and kept.is_file()):
        return None
    known = json.loads(kept.read_text(encoding="utf-8"))
    wanted = {**json.loads(json.dumps(conditions)), "weights_sha256": sha256(config.out / WEIGHTS)}
    return known if all(known.get(name) == value for name, value in wanted.items()) else None


def difference(config: TrainConfig, free: tuple[str, ...] = FREE) -> str | None:
    """What makes the run that is finished in ``config.out`` another one than ``config``, in words; ``None``: nothing.

    Args:
        config: the run that is asked for.
        free: beginnings of the options that may differ.
    """
    found = card(config)
    known, wanted = flat(found["config"]), flat(json.loads(json.dumps(plain(config))))
    for name, value in wanted.items():
        # An option that is younger than the run had its default.
        if not name.startswith(free) and known.get(name, value) != value:
            return f"{name} {known[name]}, and this study asks for {value}"
    if config.init.start is not None and "begun_with" in found:
        began, begins = found["begun_with"]["sha256"], sha256(weights_file(config.init.start))
        if began != begins:
            return f"init.start {began[:8]}…, and the weights in {plain(config.init.start)} are {begins[:8]}… now"
    return None


def check(config: TrainConfig, free: tuple[str, ...] = FREE) -> None:
    """Refuse a finished run that is not the one asked for (ValueError)."""
    told = difference(config, free) if finished(config) else None
    if told is not None:
        file = (config.out / WEIGHTS).with_suffix(".json")
        raise ValueError(f"{file}: a run with {told}. Give the study another --out, or move the run away.")
