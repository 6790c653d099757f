"""``python -m momi_lib study``: its three commands, and mistakes that are answered by one sentence."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from momi_lib.__main__ import main
from momi_lib.study import experiments, experiments_page, run
from momi_lib.study.commands import stopped_in_order


def whole(study: run.Study) -> dict:
    """The result of a study all of whose runs are scored."""
    return {"orderings": [], "runs": {name: [{"seed": n} for n in range(study.seeds)] for name in study.variants}}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["ablations", "--batch", "0"], "batch: expected a whole number from 1 up, got 0"),
        (["ablations", "--seeds", "0"], "seeds: expected a whole number from 1 up, got 0"),
        (["ablations", "--preset", "huge"], "preset: expected one of tiny, "),
        (["ablations", "--only", "luck"], "only: expected some of full, without-patch"),
        (["experiments", "--only", "carry", "luck"], "only: expected some of carry, carry-draw-all"),
        (["experiments-page", "--results", "nowhere"], "results: expected JSON files of experiments in nowhere"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_option(options, told, capsys):
    assert main(["study", *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {told}") and error.count("\n") == 1


def test_options_reach_the_study(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(run, "run_study", lambda study: asked.append(study) or whole(study))
    monkeypatch.setattr(experiments, "run_experiments", lambda *options: asked.append(options) or {})
    monkeypatch.setattr(experiments_page, "write_page", lambda *files: asked.append(files))
    assert main(["study", "ablations", "--only", "full", "gamma-1", "--steps", "5", "--judge", "inception"]) == 0
    assert asked[0].only == ("full", "gamma-1") and asked[0].steps == 5 and asked[0].judge == "inception"
    assert main(["study", "experiments", "--only", "carry", "carry-keep", "--out", str(tmp_path)]) == 0
    assert asked[1][0] == ("carry", "carry-keep") and asked[1][1] == tmp_path
    assert main(["study", "experiments-page", "--page", str(tmp_path / "page.md")]) == 0
    assert asked[2][0] == tmp_path / "page.md"


def test_runs_that_are_left_to_others_are_no_success(monkeypatch, caplog):
    monkeypatch.setattr(run, "run_study", lambda study: whole(study) | {"runs": {"full": [{"seed": 1}, {"seed": 7}]}})
    with pytest.raises(SystemExit) as stop:
        main(["study", "ablations", "--only", "full", "gamma-1", "--seeds", "2"])
    assert stop.value.code == 1 and "3 of 4 runs left to others" in caplog.text
    monkeypatch.setattr(experiments, "run_experiments", lambda *options: {"carry": {"l1": 0.1}, "carry-keep": None})
    with pytest.raises(SystemExit) as stop:
        main(["study", "experiments", "--only", "carry", "carry-keep"])
    assert stop.value.code == 1 and "1 of 2 runs left to others" in caplog.text


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")
def test_a_study_that_is_told_to_stop_lets_go_of_what_it_holds(monkeypatch):
    let_go, before = [], signal.getsignal(signal.SIGTERM)

    def run_study(study: run.Study) -> dict:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            let_go.append(True)
        return whole(study)

    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # without the command's own answer nothing is let go of, and we live
    monkeypatch.setattr(run, "run_study", run_study)
    try:
        with pytest.raises(SystemExit) as stop:
            main(["study", "ablations", "--only", "full"])
        assert stop.value.code == 128 + signal.SIGTERM and let_go == [True]
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_than_the_main_one_leaves_signals_alone():
    inside, before = [], signal.getsignal(signal.SIGTERM)

    def study() -> None:
        with stopped_in_order():
            inside.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=study)
    thread.start()
    thread.join()
    assert inside == [before]


@pytest.mark.parametrize("name", ["ablations", "experiments", "experiments-page"])
def test_every_study_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["study", name, "--help"])
    assert stop.value.code == 0 and "--results" in capsys.readouterr().out
