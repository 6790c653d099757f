"""Other pictures than the mannequins': one line says that their teacher never saw photographs, and what to pass."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from momi_lib.__main__ import main
from momi_lib.data import load
from momi_lib.data.records import EMBEDDED
from momi_lib.evaluate.table_one import table_one
from momi_lib.pose.other_pictures import warn_of_other_pictures
from momi_lib.rivals import run as running
from momi_lib.rivals.run import find_poses
from momi_lib.rivals.run_config import RivalRunConfig
from momi_lib.study.run import FULL, Study, run_study
from momi_lib.train import train

NEVER, CHECKPOINT = "never saw a photograph", "--teacher pose_resnet_50_256x192.pth.tar"


@pytest.fixture
def others(crowd: Path, tmp_path: Path) -> Path:
    """A folder of which nothing has been said yet: a line comes once a folder."""
    return Path(shutil.copytree(crowd, tmp_path / "others"))


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if NEVER in record.getMessage()]


class Echo:
    """A method that needs no weights: it answers with the target."""

    config, needs = SimpleNamespace(size=(128, 64)), frozenset()

    def swap(self, source, target):
        return target


def test_it_is_said_once_a_folder_and_only_of_others(others: Path, caplog: pytest.LogCaptureFixture) -> None:
    warn_of_other_pictures(EMBEDDED, None)
    warn_of_other_pictures(others, Path("official.pth.tar"))
    assert said(caplog) == []
    for folder in (others, others / ".." / others.name):
        warn_of_other_pictures(folder, None)
    (line,) = said(caplog)
    assert str(others) in line and CHECKPOINT in line and "\n" not in line
    assert caplog.records[0].levelno == logging.WARNING


def test_training_says_it_unless_a_teacher_is_passed(others, short_run, caplog) -> None:
    train(short_run(data=others))
    assert said(caplog) == []
    train(short_run("another", data=others, teacher=None))
    (line,) = said(caplog)
    assert line.startswith(str(others)) and CHECKPOINT in line


def test_training_a_rival_says_what_it_can_take_instead(others: Path, unsure_teacher: Path, caplog) -> None:
    people = load(others)
    find_poses(RivalRunConfig(method="dg-net", data=others), people)
    _, own = find_poses(RivalRunConfig(method="pg2", data=others, device="cpu", teacher=unsure_teacher), people)
    assert said(caplog) == []
    _, committed = find_poses(RivalRunConfig(method="pg2", data=others, device="cpu"), people)
    (line,) = said(caplog)
    assert "--poses joints" in line and "train dg-net" in line and CHECKPOINT in line
    with pytest.raises(ValueError, match="teacher_input: .* leave the option out"):
        find_poses(RivalRunConfig(method="pg2", data=others, device="cpu", teacher_input=(64, 32)), people)
    assert own is not None and committed is not None
    assert own.name == committed.name == "teacher" and own.sha256 != committed.sha256


def test_each_process_asks_the_teacher_of_a_rival_on_its_own_gpu(others: Path, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(running, "own_gpu", lambda device: asked.append(device) or torch.device("cpu"))
    find_poses(RivalRunConfig(method="pg2", data=others), load(others))
    assert len(asked) == 1


def test_a_teacher_that_is_not_there_is_one_sentence(others: Path, tmp_path: Path, capsys) -> None:
    gone, out = tmp_path / "gone_256x192.pth.tar", tmp_path / "run"
    for size in ([], ["--teacher-input", "256", "192"]):
        options = ["--data", str(others), "--out", str(out), "--teacher", str(gone), *size]
        assert main(["train", "pg2", *options]) == 1
        said = capsys.readouterr().err
        assert said.startswith("error: ") and str(gone) in said and said.count("\n") == 1 and not out.exists()


def test_scoring_says_it_unless_a_teacher_is_passed(others, unsure_teacher, tmp_path, caplog) -> None:
    table_one([Echo()], others, tmp_path / "table", count=4, teacher=unsure_teacher)
    assert said(caplog) == []
    table_one([Echo()], others, tmp_path / "table", count=4)
    (line,) = said(caplog)
    assert CHECKPOINT in line


@pytest.mark.slow
def test_a_study_says_it_once_however_many_runs_it_has(others, tmp_path, caplog) -> None:
    few = {"distil_steps": 1, "batch": 2, "distil_batch": 2, "device": "cpu"}
    study = Study("tiny", steps=1, seeds=1, pairs=4, only=(FULL, "gamma-0"), data=others, options=few,
                  out=tmp_path / "runs", results=tmp_path / "results.json")  # fmt: skip
    assert set(run_study(study)["runs"]) == {FULL, "gamma-0"}
    (line,) = said(caplog)
    assert CHECKPOINT in line
