"""Several processes share a study: no run is made twice, and the summary has the runs of all."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from momi_lib.files import sha256
from momi_lib.study import run as module
from momi_lib.study.engine import LOCK
from momi_lib.study.run import FULL, Study, run_study
from momi_lib.study.summary import load_study


class FakeTable:
    """Scores a run by its name, with nothing computed."""

    def __init__(self, judge: str = "a") -> None:
        people = SimpleNamespace(folder=Path("people"), fingerprint="f")
        self.judge = torch.nn.Linear(1, 1)
        self.judge.card = SimpleNamespace(name=judge)
        self.pairs = type("Pairs", (list,), {"people": people, "sha256": "p"})()
        self.teacher_name, self.pose_pairs, self.affinity, self.perceptual = "t", 1, [], None
        self.scored: list[str] = []

    def real_row(self) -> dict:
        return {"answer": "real pictures", "scores": {}}

    def row(self, answer) -> dict:
        self.scored.append(answer.name)
        return {"answer": answer.name, "scores": {"FID": {"value": float(len(answer.name))}}}


@pytest.fixture
def tables(trained, monkeypatch) -> list[FakeTable]:
    """The tables that studies open, which score without a network; their pictures are texts."""
    opened: list[FakeTable] = []

    def open_table(study: Study) -> FakeTable:
        opened.append(FakeTable(study.judge))
        return opened[-1]

    def draw(weights, pairs, results, seed):
        file = results.with_suffix(".jpg")
        file.write_text(" ".join(weights))
        return {"file": file.name, "sha256": sha256(file), "columns": list(weights), "seed": seed}

    monkeypatch.setattr(module, "_table", open_table)
    monkeypatch.setattr(module, "answers_without_network", list)
    monkeypatch.setattr(module, "load_network", lambda weights, device: None)
    monkeypatch.setattr(module, "network_answer", lambda name, network, digest: SimpleNamespace(name=name))
    monkeypatch.setattr(module, "draw_pictures", draw)
    return opened


@pytest.fixture
def shared(tmp_path) -> Study:
    return Study("tiny", seeds=2, out=tmp_path / "runs", results=tmp_path / "results.json")


def test_two_processes_share_a_study_and_neither_loses_the_others_rows(shared, tables, trained):
    one, two = (replace(shared, only=names) for names in ((FULL, "gamma-2"), ("without-patch",)))
    assert list(run_study(one)["runs"]) == [FULL, "gamma-2"]
    result = run_study(replace(two, seeds=1))
    assert {name: [row["seed"] for row in rows] for name, rows in result["runs"].items()} == {
        FULL: [0, 1], "without-patch": [0], "gamma-2": [0, 1]
    }  # fmt: skip
    assert json.loads(shared.results.read_text()) == json.loads(json.dumps(result))
    assert load_study(shared.results)["changes"]["gamma-2"] == {"loss.weights.adversarial": 2.0}
    assert result["pictures"]["columns"] == [FULL, "without-patch", "gamma-2"]
    assert "only" not in result["study"] and tables[1].scored == ["without-patch-seed0"]
    count = len(trained)
    again = run_study(one)  # whoever comes last: nothing is trained or scored again, and nothing is lost
    assert again["runs"] == result["runs"] and again["pictures"] == result["pictures"]
    assert len(trained) == count and tables[2].scored == []
    assert sorted(path.name for path in shared.results.parent.iterdir()) == ["results.jpg", "results.json", "runs"]


def test_a_run_that_ends_while_another_process_scores_is_in_both_summaries(shared, tables, monkeypatch):
    row, others = FakeTable.row, []

    def slow(table: FakeTable, answer) -> dict:
        if not others:
            others.append(None)  # meanwhile another process does all of its own
            others[0] = run_study(replace(shared, only=("gamma-1",)))
        return row(table, answer)

    monkeypatch.setattr(FakeTable, "row", slow)
    result = run_study(replace(shared, only=(FULL,), seeds=1))
    assert list(others[0]["runs"]) == ["gamma-1"] and list(result["runs"]) == [FULL, "gamma-1"]


def test_a_variant_that_another_process_trains_is_left_to_it(shared, tables, trained):
    study = replace(shared, only=(FULL, "gamma-1"), seeds=1)
    lock = study.config(FULL, 0).out / LOCK
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"pid": os.getppid(), "host": socket.gethostname(), "since": "2026-01-01"}))
    result = run_study(study)
    assert list(result["runs"]) == ["gamma-1"] and trained == ["gamma-1-seed0"]
    assert module.missing_runs(study, result) == ["full-seed0"]
    lock.unlink()
    assert list(run_study(study)["runs"]) == [FULL, "gamma-1"]
    assert trained == ["gamma-1-seed0", "full-seed0"]


def test_runs_of_another_study_are_refused_or_left_out(shared, tables, trained, caplog):
    run_study(replace(shared, only=(FULL,), seeds=1))
    with pytest.raises(ValueError, match=r"full-seed0.*a run with steps 900, and this study asks for 7\. Give"):
        run_study(replace(shared, only=(FULL, "gamma-1"), seeds=1, steps=7))
    assert trained == ["full-seed0"] and len(tables) == 1  # before anything is loaded
    result = run_study(replace(shared, only=("gamma-1",), seeds=1, steps=7))
    assert list(result["runs"]) == ["gamma-1"] and "full-seed0: not in the summary, a run with steps 900" in caplog.text


def test_runs_are_scored_again_by_another_judge(shared, tables, trained):
    study = replace(shared, only=(FULL,), seeds=1)
    run_study(study)
    result = run_study(replace(study, judge="b"))
    assert tables[1].scored == ["full-seed0"] and len(trained) == 1
    assert result["runs"][FULL][0]["networks"]["judge"] == "b"


def test_a_summary_that_another_process_holds_for_too_long_is_named(shared, tables, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    monkeypatch.setattr(module, "BETWEEN", 0.0)
    lock = shared.results.with_suffix(".lock")
    lock.write_text(json.dumps({"pid": os.getppid(), "host": socket.gethostname(), "since": "2026-01-01"}))
    with pytest.raises(TimeoutError, match=r"results\.lock: held by process \d+ on .*delete it if that process"):
        run_study(replace(shared, only=(FULL,)))
    for seed in range(shared.seeds):  # nothing is lost, and no run waits for a summary
        assert (shared.config(FULL, seed).out / module.SCORED).is_file()
