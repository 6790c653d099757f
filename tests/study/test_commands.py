"""``python -m momi_lib study``: its three commands, and mistakes that are answered by one sentence."""

from __future__ import annotations

import pytest

from momi_lib.__main__ import main
from momi_lib.study import experiments, experiments_page, run


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
    monkeypatch.setattr(run, "run_study", lambda study: asked.append(study) or {"orderings": []})
    monkeypatch.setattr(experiments, "run_experiments", lambda *options: asked.append(options) or {})
    monkeypatch.setattr(experiments_page, "write_page", lambda *files: asked.append(files))
    assert main(["study", "ablations", "--only", "full", "gamma-1", "--steps", "5", "--judge", "inception"]) == 0
    assert asked[0].only == ("full", "gamma-1") and asked[0].steps == 5 and asked[0].judge == "inception"
    assert main(["study", "experiments", "--only", "carry", "carry-keep", "--out", str(tmp_path)]) == 0
    assert asked[1][0] == ("carry", "carry-keep") and asked[1][1] == tmp_path
    assert main(["study", "experiments-page", "--page", str(tmp_path / "page.md")]) == 0
    assert asked[2][0] == tmp_path / "page.md"


@pytest.mark.parametrize("name", ["ablations", "experiments", "experiments-page"])
def test_every_study_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["study", name, "--help"])
    assert stop.value.code == 0 and "--results" in capsys.readouterr().out
