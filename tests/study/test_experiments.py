"""The experiments: each can be started from the repository, differs in one thing, and is what its result says."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from momi_lib.data import load_truth
from momi_lib.evaluate.truth_judges import Judges
from momi_lib.files import weights_folder
from momi_lib.provenance import plain
from momi_lib.study import experiments
from momi_lib.study.experiments import EXPERIMENTS, config_of, run_experiments
from momi_lib.study.experiments_page import markdown, write_page
from momi_lib.train.log import JsonLog
from momi_lib.train.presets import preset
from momi_lib.train.run import LOG, WEIGHTS
from momi_lib.translate import network_of, save_network

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "experiments"


def stored() -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in RESULTS.glob("*.json")}


def test_every_experiment_is_one_change_of_another():
    names = list(EXPERIMENTS)
    for name, experiment in EXPERIMENTS.items():
        config = config_of(name)
        assert config.out.name == name and config.network.carry and config.init.parts == "maps"
        assert Path(config.init.start).parent == weights_folder() and Path(config.init.start).is_file()
        if experiment.against is not None:
            assert names.index(experiment.against) < names.index(name) and len(experiment.change) == 1
            assert config != config_of(experiment.against)


def test_results_are_those_of_their_experiments():
    """Whoever changes an experiment must run it again, or give it another name."""
    for name, result in stored().items():
        assert result["name"] == name and (RESULTS / f"{name}.jpg").is_file()
        if "ended" not in result:
            change = {option: plain(value) for option, value in EXPERIMENTS[name].change.items()}
            assert result["change"] == change and result["against"] == EXPERIMENTS[name].against, name


def test_what_ended_says_why_and_what_it_taught():
    records = {name: result for name, result in stored().items() if "ended" in result}
    assert records and not records.keys() & EXPERIMENTS.keys()
    for name, result in records.items():
        assert result["ended"].endswith(".") and result["answer"].endswith("."), name
        assert result["was"] not in EXPERIMENTS and not any(letter.isdigit() for letter in result["answer"].replace(
            "L1", "").replace("lookup-900-steps", "")), name  # fmt: skip


def test_an_unknown_name_is_refused_before_anything_is_loaded(monkeypatch):
    monkeypatch.setattr(experiments, "Judges", None)
    with pytest.raises(ValueError, match=r"only: expected some of carry, .*, got 'luck'; leave --only away to run all"):
        run_experiments(("carry", "luck"))


@pytest.fixture
def scored(monkeypatch, trained) -> list[str]:
    """Names of the runs that were scored, without a network."""
    names: list[str] = []
    truth = SimpleNamespace(people=SimpleNamespace(fingerprint="f"))
    judges = SimpleNamespace(conditions={"teacher": "t"}, truth=truth)

    def score(weights: Path, judges: SimpleNamespace, picture: Path) -> dict:
        names.append(weights.parent.name)
        picture.parent.mkdir(exist_ok=True)
        picture.touch()
        return {"scores": {"l1": 0.1}, "config": {}}

    monkeypatch.setattr(experiments, "load_truth", lambda: SimpleNamespace(select=lambda some: None))
    monkeypatch.setattr(experiments, "Judges", lambda truth, device: judges)
    monkeypatch.setattr(experiments, "score", score)
    return names


def test_experiments_are_run_once_and_each_has_a_file_of_its_own(tmp_path, trained, scored):
    out, results = tmp_path / "runs", tmp_path / "results"
    found = run_experiments(("carry-keep", "carry"), out, results)
    assert list(found) == trained == scored == ["carry-keep", "carry"]
    kept = json.loads((results / "carry-keep.json").read_text())
    assert kept == found["carry-keep"] and list(kept)[:4] == ["name", "asks", "against", "change"]
    assert kept["change"] == {"loss.keep": 0.3} and kept["scored_by"] == {"teacher": "t"} and kept["fingerprint"] == "f"
    assert kept["begun_with"] and kept["weights_sha256"]
    assert run_experiments(("carry",), out, results)["carry"] == found["carry"] and len(scored) == 2
    (results / "carry.json").unlink()
    run_experiments(("carry",), out, results)
    assert scored == ["carry-keep", "carry", "carry"] and len(trained) == 2
    (results / "carry.jpg").unlink()
    run_experiments(("carry",), out, results)
    assert scored[3:] == ["carry"] and (results / "carry.jpg").is_file() and len(trained) == 2


@pytest.mark.parametrize("constant", ["SWAPS", "PAIRS", "ANGLE"])
def test_experiments_are_scored_again_on_other_swaps_or_drags(tmp_path, trained, scored, monkeypatch, constant):
    run_experiments(("carry",), tmp_path / "runs", tmp_path)
    monkeypatch.setattr(experiments, constant, 7)
    run_experiments(("carry",), tmp_path / "runs", tmp_path)
    assert scored == ["carry", "carry"] and len(trained) == 1


def test_an_experiment_with_a_number_format_is_not_the_one_without(tmp_path, trained, scored):
    run_experiments(("carry",), tmp_path, tmp_path)
    (tmp_path / "carry").rename(tmp_path / "carry-fp32")
    with pytest.raises(ValueError, match="a run with precision auto, and this study asks for fp32"):
        run_experiments(("carry-fp32",), tmp_path, tmp_path)


@pytest.mark.slow
@pytest.mark.thorough
def test_a_finished_run_is_scored(tmp_path, monkeypatch):
    row = {"joint": "wrist", "angle": 90, "drags": 3, "obeys": 1 / 3}
    rows = [row, row | {"joint": "ankle", "drags": 1, "obeys": 1.0}, row | {"angle": 30, "obeys": 0.0}]
    monkeypatch.setattr(experiments, "measure", lambda weights, pairs: {"rows": rows})
    torch.manual_seed(0)
    weights = save_network(network_of(preset("tiny-carry").network), tmp_path / WEIGHTS)
    journal = JsonLog(tmp_path / LOG)
    facts = {"command": "c", "date": "d", "device": "e", "threads": 1, "versions": {}, "config": {"seed": 3}}
    journal.write({"step": 0, "event": "start", **facts})
    journal.write({"step": 6, "seconds": 90.0})
    judges = Judges(load_truth().select(slice(0, 1500, 60)))
    found = experiments.score(weights, judges, tmp_path / "some.jpg")
    assert (found["seed"], found["steps"], found["minutes"], found["parts"]) == (3, 6, 1.5, 1)
    assert {"l1", "ssim", "pck", "rank1", "frechet", "kid", "sharpness"} <= found["scores"].keys()
    assert found["scores"]["count"] == 25 and found["student"]["decoder"]
    assert found["drags"] == {"pairs": 20, "drags": 4, "obeys": 0.5, "error": 0.25}
    assert (tmp_path / "some.jpg").is_file()


def test_the_page_names_every_result_once_and_only_what_can_be_run_as_such():
    results = stored()
    _, now, earlier = markdown(results).split("\n## ")
    for name, result in results.items():
        link = f"| [{name}](results/experiments/{name}.jpg) |"
        assert (now.count(link), earlier.count(link)) == ((0, 1) if "ended" in result else (1, 0)), name
    assert "(`small` has 0.5)" in now  # carry-keep: read from the preset


def test_a_difference_between_two_judges_is_not_told():
    line = next(line for line in markdown(stored()).splitlines() if line.startswith("| [pose-consistency-50]"))
    assert line.split(" | ")[6] == "–" and "(no result)" not in line


def test_a_page_needs_results_that_are_known(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"results: expected JSON files of experiments in .*, found none; run"):
        write_page(tmp_path / "page.md", tmp_path)
    (tmp_path / "luck.json").write_text('{"name": "luck"}')
    with pytest.raises(ValueError, match=r"luck\.json: expected the name of an experiment, or a record that says why"):
        write_page(tmp_path / "page.md", tmp_path)
    assert not (tmp_path / "page.md").exists()
