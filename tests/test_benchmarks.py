"""The pages in benchmarks/ say what the results beside them say, and its scripts measure what they say."""

from __future__ import annotations

import doctest
import importlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from momi_lib.files import sha256, weights_folder
from momi_lib.provenance import plain
from momi_lib.study.experiments_page import write_page

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    """Import a script of benchmarks/ as its command would."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.mark.parametrize("name", ["drag_latency", "swap_speed"])
def test_examples_in_scripts(module, name):
    result = doctest.testmod(module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted and not result.failed


def test_body_maps_are_measured_on_people_that_nobody_trained_on(module, monkeypatch, tmp_path):
    from momi_lib.data import load
    from momi_lib.train.presets import preset
    from momi_lib.translate import network_of, save_network

    body_maps, people = module("body_maps"), load(None, "test")
    monkeypatch.setattr(body_maps, "load", lambda folder, split: people.select(torch.arange(24)))
    network = network_of(preset("tiny-carry").network).eval()
    result = body_maps.measure(network)
    assert result["source"]["pictures"] == 24 and 0 < result["answer"]["pictures"] <= 24
    assert result["fingerprint"] and result["command"] and result["device"]
    save_network(network_of(preset("tiny").network), tmp_path / "tiny.safetensors")
    with pytest.raises(ValueError, match="these weights have no body maps"):
        body_maps.main(body_maps.Config(str(tmp_path / "tiny.safetensors")))


def test_no_result_names_a_folder_of_the_machine_that_made_it():
    results = sorted(FOLDER.glob("results/**/*.json"))
    assert results and not [path.name for path in results if '": "/' in path.read_text()]


def test_paths_of_a_config_are_relative_to_the_project():
    assert plain(FOLDER / "results") == "benchmarks/results"
    assert plain([Path("runs/small"), Path("/elsewhere")]) == ["runs/small", "/elsewhere"]


@pytest.mark.thorough
def test_steps_are_timed_in_the_last_stage(module, tmp_path, monkeypatch):
    from momi_lib.train.presets import preset

    steps = module("steps")
    asking = preset("tiny-carry", augment=dict(any_pose=0.5), loss=dict(keep=0.1))  # as `small` and `base` do
    monkeypatch.setitem(steps.PRESETS, "tiny-carry", asking)
    for name in ("tiny", "tiny-carry"):
        run = steps.in_last_stage(steps.PRESETS[name], tmp_path)
        assert (run.distil_steps, run.body_steps) == (0, 0) and (run.init.start is None) == (name == "tiny")
    assert [options["compile"] for options in steps.variants("cuda")] == [False, False, True, True]
    out = tmp_path / "steps.json"
    steps.main(steps.Config(("tiny-carry",), out, steps=1, warm_up=0, perceptual="random"))
    rows = json.loads(out.read_text())["rows"]
    assert [row["precision"] for row in rows] == ["fp32", "bf16"]
    assert all(row["gflop_per_step"] > 0 and row["seconds_per_step"] > 0 for row in rows)
    steps.main(steps.Config(("tiny-carry",), out, steps=1, warm_up=0, perceptual="random", minutes=1e-9))
    found = json.loads(out.read_text())
    assert found["rows"] == [] and [row["precision"] for row in found["left_out"]] == ["fp32", "bf16"]


def test_the_experiments_page_is_made_from_the_results(tmp_path):
    page = write_page(tmp_path / "page.md", FOLDER / "results" / "experiments")
    assert page.read_text(encoding="utf-8") == (FOLDER / "experiments.md").read_text(encoding="utf-8")


def test_the_table_of_swap_times_is_made_from_its_result(module):
    speed = module("swap_speed")
    result = json.loads((FOLDER / "results" / "swap-cpu.json").read_text())
    assert speed.markdown(result) == (FOLDER / "swap-speed.md").read_text()


@pytest.mark.parametrize("name", ["drag-cpu", "drag-obedience", "body-maps"])
def test_what_is_said_of_the_committed_weights_was_measured_with_them(name):
    weights = sha256(weights_folder() / "momi-small.safetensors")
    assert weights in (FOLDER / "results" / f"{name}.json").read_text(encoding="utf-8")


def test_table_one_and_the_truth_table_are_of_the_committed_weights():
    weights = sha256(weights_folder() / "momi-small.safetensors")
    for name in ("table-one", "truth"):
        rows = json.loads((FOLDER / "results" / f"{name}.json").read_text(encoding="utf-8"))["rows"]
        assert [row["answer"] for row in rows if row.get("weights_sha256") == weights] == ["momi-small"]


@pytest.mark.thorough
def test_what_grows_with_the_data_is_measured_and_drawn(module, tmp_path):
    scale = module("scale")
    rows = [scale.measure(count) for count in (240, 480)]
    assert all(set(row) == {"pictures", *scale.MEASURES} for row in rows)
    scale.draw(rows, tmp_path / "scale.png")
    assert (tmp_path / "scale.png").stat().st_size > 10_000
    stored = json.loads((FOLDER / "results" / "scale-cpu.json").read_text(encoding="utf-8"))["rows"]
    assert [row["pictures"] for row in stored] == [10_000, 100_000, 1_000_000]
    # A step and its memory do not grow with the data, which is a hundredfold here.
    assert stored[-1]["step_s"] < 3 * stored[0]["step_s"] and stored[-1]["peak_mib"] < 3 * stored[0]["peak_mib"]


def test_rivals_steps_are_timed_at_the_shares_that_were_asked_for(module, tmp_path):
    rival_steps = module("rival_steps")
    config = rival_steps.Config(methods=("pg2",), steps=1, warm_up=0, at=(0.1, 0.9), batch=2, device="cpu",
                                out=tmp_path / "steps.json")  # fmt: skip
    assert rival_steps.main(config) == 0
    found = json.loads(config.out.read_text())
    rows = found["rows"]
    assert [(row["method"], row["at"], row["batch"]) for row in rows] == [("pg2", 0.1, 2), ("pg2", 0.9, 2)]
    assert found["missing"] == []
    # Only the coarse generator learns at first; the difference map's generator and D learn afterwards.
    assert all(row["seconds_per_step"] > 0 and row["parameters_trained"] > row["parameters"] for row in rows)
    assert all(row["pictures_per_second"] == pytest.approx(2 / row["seconds_per_step"], rel=0.1) for row in rows)


def test_a_rival_that_cannot_be_timed_does_not_stop_the_others(module, tmp_path, monkeypatch):
    rival_steps = module("rival_steps")
    config = rival_steps.Config(methods=("patn", "pg2"), steps=1, warm_up=0, at=(0.1,), batch=2, device="cpu",
                                perceptual="random-vgg19", out=tmp_path / "steps.json")  # fmt: skip
    assert rival_steps.main(config) == 0  # PATN, too, with a VGG-19 that is not downloaded
    monkeypatch.setattr(rival_steps, "measure", refused)
    assert rival_steps.main(config) == 1
    found = json.loads(config.out.read_text())
    assert [(row["method"], row["why"]) for row in found["missing"]] == [("patn", "no VGG-19"), ("pg2", "no VGG-19")]
    assert rival_steps.main(replace(config, minutes=1e-9)) == 1
    assert "no time was left" in json.loads(config.out.read_text())["missing"][0]["why"]


def refused(*_):
    raise RuntimeError("no VGG-19")
