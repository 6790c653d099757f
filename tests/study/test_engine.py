"""The engine of studies: a run is trained and scored once, whoever comes to it, and no other run is taken for it."""

from __future__ import annotations

import json
import os
import socket
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from momi_lib.data import load
from momi_lib.files import write_json
from momi_lib.provenance import plain
from momi_lib.study import engine
from momi_lib.study.engine import LOCK, card, check, difference, kept_scores, run_once
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


def rewrite(run: TrainConfig, **facts) -> None:
    """Change what the card of a finished run says."""
    write_json((run.out / WEIGHTS).with_suffix(".json"), card(run) | facts)


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


def test_what_is_no_longer_said_beside_kept_scores_is_dropped(config, trained):
    kept, score, facts = config.out.parent / "some.json", Scorer(), ("seed", "hours")
    first = run_once(config, kept, {}, score, lambda card: {"seed": 1, "hours": 2}, facts=facts)
    again = run_once(config, kept, {}, score, lambda card: {"seed": 1}, facts=facts)
    assert "hours" in first and "hours" not in again and again["l1"] == 0.1 and score.asked == 1


def test_a_file_beside_the_scores_is_made_again(config, trained):
    score, picture = Scorer(), config.out.parent / "some.jpg"
    for _ in range(2):  # this scorer never makes it
        run_once(config, config.out.parent / "some.json", {}, score, lambda card: {}, beside=[picture])
    picture.touch()
    run_once(config, config.out.parent / "some.json", {}, score, lambda card: {}, beside=[picture])
    assert score.asked == 2 and trained == ["some"]


def test_an_unfinished_run_of_another_config_is_refused_and_not_gone_on_with(config, trained, stopped):
    stopped(changed(config, {"loss.patch_radius": 4.0, "log.every": 7}))
    asked = r"some/config\.json: a run with loss\.patch_radius 4\.0, and this study asks for 10\.0\. Give"
    with pytest.raises(ValueError, match=asked):
        check(config)  # before the first run of a study
    with pytest.raises(ValueError, match=asked):
        once(config, Scorer())
    assert trained == []
    stopped(config)
    assert once(config, Scorer())["l1"] == 0.1 and trained == ["some"]


def test_a_run_that_another_process_begins_meanwhile_is_compared_too(config, trained, stopped, monkeypatch):
    held = engine.held

    def held_late(lock):
        stopped(changed(config, {"seed": 3}))
        return held(lock)

    monkeypatch.setattr(engine, "held", held_late)
    with pytest.raises(ValueError, match="a run with seed 3, and this study asks for 0"):
        once(config, Scorer())
    assert trained == [] and not (config.out / LOCK).exists()


def test_an_option_that_a_card_lacks_had_its_default(config, trained):
    once(config, Scorer())
    options = plain(config)
    default = TrainConfig().loss.patch_radius
    del options["loss"]["patch_radius"]
    rewrite(config, config=options)
    assert config.loss.patch_radius == default and difference(config) is None
    other = changed(config, {"loss.patch_radius": default / 2})
    assert difference(other) == f"loss.patch_radius {default}, and this study asks for {default / 2}"


def test_options_that_are_unknown_or_of_an_earlier_version_are_refused(config, trained):
    once(config, Scorer())
    rewrite(config, config=plain(config) | {"luck": 3})
    with pytest.raises(ValueError, match="a run with luck 3, an option that runs no longer have. Give the study anoth"):
        once(config, Scorer())
    rewrite(config, config={"seed": 0, "steps": config.steps, "draw_all": 0.0})
    with pytest.raises(ValueError, match="a run with the option names of an earlier version, .* Give the study"):
        once(config, Scorer())


def test_a_run_on_other_pictures_is_refused(config, trained, monkeypatch, caplog):
    once(config, Scorer())
    rewrite(config, data="a" * 64)
    monkeypatch.setattr(engine, "_fingerprint", lambda folder, size: "a" * 64)
    assert difference(config) is None
    monkeypatch.setattr(engine, "_fingerprint", lambda folder, size: "b" * 64)
    with pytest.raises(ValueError, match=r"a run with training pictures aaaaaaaa…, and those in .* are bbbbbbbb… now"):
        once(config, Scorer())
    gone = changed(config, {"data": config.out / "nowhere"})
    monkeypatch.undo()
    assert engine._other_data(gone, card(config)) is None and "not compared with the pictures" in caplog.text


def test_todays_pictures_are_looked_at_once(config, monkeypatch):
    asked = []

    def load_once(folder: Path, split: str, *, size: tuple, memory_map: bool) -> SimpleNamespace:
        asked.append((split, size))
        return SimpleNamespace(fingerprint="a")

    monkeypatch.setattr(engine, "load", load_once)
    engine._fingerprint.cache_clear()
    try:
        told = [engine._other_data(config, {"data": data}) for data in "aba"]
    finally:
        engine._fingerprint.cache_clear()
    assert told[0] is told[2] is None and told[1].startswith("training pictures b…")
    assert asked == [("train", config.network.size)]


def test_the_pictures_of_a_run_are_those_that_a_training_loads(config):
    people = load(config.data, "train", size=config.network.size)  # its fingerprint is what a card says
    assert engine._other_data(config, {"data": people.fingerprint}) is None


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


def test_a_run_that_began_with_another_student_or_other_body_maps_is_refused(config, trained, tmp_path):
    student = tmp_path / "student.safetensors"
    student.write_text("old")
    config = changed(config, {"init.student": student})
    once(config, Scorer())
    assert difference(config) is None
    student.write_text("new")
    assert difference(config).startswith("init.student ")
    student.write_text("old")
    rewrite(config, body_maps_of={"sha256": "0" * 64})
    assert difference(config).startswith("body_labels 00000000…, and the weights in small are ")


def test_a_finished_run_outlives_the_weights_that_it_began_with(config, trained, tmp_path, caplog):
    start = tmp_path / "start.safetensors"
    start.write_text("old")
    config, score = changed(config, {"init.start": start}), Scorer()
    first = once(config, score)
    start.unlink()
    assert once(config, score) == first and score.asked == 1
    assert "not compared with the weights that it began with: weights " in caplog.text


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


class Together:
    """Two threads in the place of two processes that were launched together; an answer waits for both."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.barrier, self.told, self.ends = threading.Barrier(2, timeout=20), [], {}
        monkeypatch.setenv("WORLD_SIZE", "2")
        monkeypatch.setattr(engine, "together", lambda config: SimpleNamespace(is_main_process=self.first()))
        monkeypatch.setattr(engine, "broadcast_object_list", self.broadcast)

    def first(self) -> bool:
        return threading.current_thread().name == "first"

    def broadcast(self, told: list) -> None:
        if self.first():
            self.told = list(told)
        self.barrier.wait()
        told[:] = self.told
        self.barrier.wait()

    def run(self, work) -> dict:
        """What each of them returns or raises."""

        def one(name: str) -> None:
            try:
                self.ends[name] = work(name)
            except Exception as error:
                self.ends[name] = error

        threads = [threading.Thread(target=one, args=(name,), name=name) for name in ("first", "second")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.ends


def test_processes_that_were_launched_together_hold_one_lock_and_decide_alike(config, trained, monkeypatch):
    """The second looks later than the first, and finds the run finished; it must train all the same."""
    both, train, score, locked = Together(monkeypatch), engine.train, Scorer(), []

    def train_together(own: TrainConfig, *, resume: bool) -> None:
        locked.append((config.out / LOCK).is_file())
        if both.first():
            train(own, resume=resume)
        both.barrier.wait()

    monkeypatch.setattr(engine, "train", train_together)
    ends = both.run(lambda name: once(config, score))
    assert ends["first"] == ends["second"] and ends["first"]["l1"] == 0.1
    assert locked == [True, True] and trained == ["some"] and score.asked == 2 and not (config.out / LOCK).exists()


def test_processes_that_were_launched_together_leave_a_run_to_another(config, trained, monkeypatch):
    config.out.mkdir(parents=True)
    (config.out / LOCK).write_text(json.dumps({"pid": os.getppid(), "host": socket.gethostname(), "since": "now"}))
    ends = Together(monkeypatch).run(lambda name: once(config, Scorer()))
    assert ends == {"first": None, "second": None} and trained == []


def test_an_error_of_the_first_is_one_of_all(config, monkeypatch):
    def ask() -> None:
        raise OSError("no disk")

    ends = Together(monkeypatch).run(lambda name: engine.agreed(config, ask))
    assert [str(error) for error in ends.values()] == ["no disk"] * 2


def test_one_process_alone_asks_nobody(config, monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(engine, "broadcast_object_list", None)
    assert engine.together(config) is None and engine.agreed(config, lambda: 3) == 3
