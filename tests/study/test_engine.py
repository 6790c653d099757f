"""The engine of studies: a run is trained and scored once, whoever comes to it, and no other run is taken for it."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from momi_lib.study import engine
from momi_lib.study.engine import LOCK, difference, kept_scores, run_once
from momi_lib.train import TrainConfig
from momi_lib.train.presets import changed, preset
from momi_lib.train.run import WEIGHTS


class Scorer:
    """Counts how often it is asked; its scores are JSON after a round trip only."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, weights: Path) -> dict:
        self.asked += 1
        return {"l1": 0.1, "pair": (1, 2)}


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    return preset("tiny", out=tmp_path / "runs" / "some")


def once(config: TrainConfig, score: Scorer, conditions: dict | None = None, about: dict | None = None) -> dict | None:
    kept = config.out.parent / "some.json"
    return run_once(config, kept, conditions or {"judge": "a"}, score, lambda card: about or {"steps": card["steps"]})


def test_a_run_is_trained_and_scored_once(config, trained):
    score = Scorer()
    first = once(config, score)
    assert first["l1"] == 0.1 and first["pair"] == [1, 2] and first["steps"] == config.steps
    assert once(config, score) == first == json.loads((config.out.parent / "some.json").read_text())
    assert trained == ["some"] and score.asked == 1 and not (config.out / LOCK).exists()


def test_kept_scores_are_of_the_same_weights_data_and_judges(config, trained):
    score = Scorer()
    once(config, score)
    once(config, score, {"judge": "b"})
    assert score.asked == 2
    (config.out / WEIGHTS).write_text("other weights")
    once(config, score, {"judge": "b"})
    assert score.asked == 3 and trained == ["some"]
    assert kept_scores(config, config.out.parent / "some.json", {"judge": "a"}) is None


def test_what_stands_beside_kept_scores_is_said_anew(config, trained):
    score = Scorer()
    once(config, score, about={"asks": "Why?"})
    assert once(config, score, about={"asks": "How?"})["asks"] == "How?" and score.asked == 1
    assert json.loads((config.out.parent / "some.json").read_text())["asks"] == "How?"


def test_a_finished_run_of_another_config_is_refused(config, trained, tmp_path):
    score = Scorer()
    once(config, score)
    once(changed(config, {"log.every": 7, "precision": "bf16"}), score)  # what does not make it another run
    with pytest.raises(ValueError, match=r"some/weights\.json: a run with loss\.patch_radius 10\.0, and this study"):
        once(changed(config, {"loss.patch_radius": 4.0}), score)
    precision = changed(config, {"precision": "bf16"})
    assert difference(precision) is None
    assert difference(precision, ("out", "log.")) == "precision fp32, and this study asks for bf16"
    assert trained == ["some"]


def test_a_run_that_began_with_other_weights_is_refused(config, trained, tmp_path):
    start = tmp_path / "start.safetensors"
    start.write_text("old")
    config = changed(config, {"init.start": start})
    once(config, Scorer())
    start.write_text("new")
    with pytest.raises(ValueError, match=r"a run with init\.start [0-9a-f]{8}…, and the weights in .*start"):
        once(config, Scorer())


def test_weights_without_their_card_are_no_finished_run(config, trained):
    config.out.mkdir(parents=True)
    (config.out / WEIGHTS).write_text("half")
    assert once(config, Scorer())["l1"] == 0.1 and trained == ["some"]


def test_a_run_that_another_process_trains_is_left_to_it(config, trained, caplog):
    config.out.mkdir(parents=True)
    told = {"pid": os.getppid(), "host": socket.gethostname(), "since": "2026-01-01"}
    (config.out / LOCK).write_text(json.dumps(told))
    with caplog.at_level("INFO"):
        assert once(config, Scorer()) is None
    assert trained == [] and f"left to process {os.getppid()} on " in caplog.text and LOCK in caplog.text
    (config.out / LOCK).unlink()
    assert once(config, Scorer()) is not None and trained == ["some"]


def test_a_run_is_nobody_elses_while_it_is_trained_and_scored(config, trained, monkeypatch):
    """Two processes come to it at the same time: the second comes while the first trains, and while it scores."""
    train, score, others = engine.train, Scorer(), []

    def train_meanwhile(own: TrainConfig, *, resume: bool) -> None:
        others.append(once(config, score))
        train(own, resume=resume)

    def score_meanwhile(weights: Path) -> dict:
        others.append(once(config, score))
        return {"l1": 0.2}

    monkeypatch.setattr(engine, "train", train_meanwhile)
    assert once(config, score_meanwhile)["l1"] == 0.2
    assert others == [None, None] and trained == ["some"] and score.asked == 0


def test_a_training_that_fails_lets_go_of_the_run(config, monkeypatch):
    def train(config: TrainConfig, *, resume: bool) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(engine, "train", train)
    with pytest.raises(RuntimeError, match="no memory"):
        once(replace(config), Scorer())
    assert not (config.out / LOCK).exists()


def test_processes_that_were_launched_together_come_to_the_same_runs(config, trained, monkeypatch):
    """They train each run together: one of them may not be told that another is at it."""
    config.out.mkdir(parents=True)
    (config.out / LOCK).write_text(json.dumps({"pid": os.getppid(), "host": socket.gethostname(), "since": "now"}))
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert once(config, Scorer())["l1"] == 0.1 and trained == ["some"]
