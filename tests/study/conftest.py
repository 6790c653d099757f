"""Runs of a study without a training: a folder with weights and their card, as a training leaves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from momi_lib.files import sha256, write_atomically, write_json
from momi_lib.provenance import plain
from momi_lib.study import engine
from momi_lib.train import TrainConfig
from momi_lib.train.run import CONFIG, WEIGHTS
from momi_lib.translate import weights_file


def begin(config: TrainConfig) -> None:
    """Leave what a run of a config leaves that was stopped before its end."""
    write_json(config.out / CONFIG, {"config": plain(config)})


def finish(config: TrainConfig) -> None:
    """Leave what a finished run of a config leaves, without its network."""
    weights = config.out / WEIGHTS
    write_atomically(weights, lambda file: file.write(config.out.name.encode()))
    card = {"config": plain(config), "steps": config.steps, "hours": 0.5, "device": "none", "date": "2026-01-01"}
    for fact, start in (("begun_with", config.init.start), ("student_begun_with", config.init.student)):
        if start is not None:
            card[fact] = {"sha256": sha256(weights_file(start))}
    write_json(weights.with_suffix(".json"), card)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the runs that were trained, none of which takes any time."""
    names: list[str] = []

    def train(config: TrainConfig, *, resume: bool) -> None:
        assert resume and not engine.finished(config)
        names.append(config.out.name)
        finish(config)

    monkeypatch.setattr(engine, "train", train)
    yield names


@pytest.fixture
def stopped() -> Callable[[TrainConfig], None]:
    """Leaves a run that was stopped before its end."""
    return begin
