"""The pages in benchmarks/ say what the results beside them say, and every experiment can be run."""

from __future__ import annotations

import doctest
import importlib
import json
from pathlib import Path

import pytest

from momi_lib.train.card import plain

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    """Import a script of benchmarks/ as its command would."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.mark.parametrize("name", ["drag_latency", "experiments", "experiments_page", "swap_speed"])
def test_examples_in_scripts(module, name):
    result = doctest.testmod(module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted and not result.failed


def test_every_experiment_is_one_change_of_another(module):
    experiments = module("experiments")
    for name, experiment in experiments.EXPERIMENTS.items():
        config = experiments.config_of(name)
        assert config.out.name == name
        if experiment.against is not None:
            assert list(experiments.EXPERIMENTS).index(experiment.against) < list(experiments.EXPERIMENTS).index(name)
            assert config != experiments.config_of(experiment.against)
    with pytest.raises(ValueError, match="experiment 'none'"):
        experiments.config_of("none")


def test_results_are_those_of_their_experiments(module):
    """Whoever changes an experiment must run it again, or give it another name."""
    experiments = module("experiments")
    for path in experiments.RESULTS.glob("*.json"):
        result = json.loads(path.read_text())
        change = experiments.plain_change(experiments.EXPERIMENTS[path.stem].change)
        assert result["change"].keys() == change.keys()
        for key, value in change.items():
            assert key == "start" or result["change"][key] == value, (path.stem, key)
        assert path.with_suffix(".jpg").is_file()


def test_no_result_names_a_folder_of_the_machine_that_made_it():
    results = sorted(FOLDER.glob("results/**/*.json"))
    assert results and not [path.name for path in results if '": "/' in path.read_text()]


def test_paths_of_a_config_are_relative_to_the_project():
    assert plain(FOLDER / "results") == "benchmarks/results"
    assert plain([Path("runs/small"), Path("/elsewhere")]) == ["runs/small", "/elsewhere"]


def test_the_experiments_page_is_made_from_the_results(module, tmp_path):
    experiments, page = module("experiments"), module("experiments_page")
    page.write_page(tmp_path / "page.md", experiments.RESULTS, experiments.EXPERIMENTS, experiments.small())
    assert (tmp_path / "page.md").read_text() == experiments.PAGE.read_text()


def test_the_table_of_swap_times_is_made_from_its_result(module):
    speed = module("swap_speed")
    result = json.loads((FOLDER / "results" / "swap-cpu.json").read_text())
    assert speed.markdown(result) == (FOLDER / "swap-speed.md").read_text()
