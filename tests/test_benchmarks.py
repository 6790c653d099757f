"""The pages in benchmarks/ say what the results beside them say, and every experiment can be run."""

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

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    """Import a script of benchmarks/ as its command would."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.mark.parametrize("name", ["drag_latency", "drag_obedience", "experiments", "experiments_page", "swap_speed"])
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


def test_a_dragged_limb_keeps_its_length_and_stays_in_the_picture(module):
    obedience = module("drag_obedience")
    landmarks = torch.full((17, 2), 30.0)
    landmarks[[9, 10]] = torch.tensor([[50.0, 30.0], [30.0, 31.0]])  # a wrist, and one too short
    landmarks[[13, 15]] = torch.tensor([[30.0, 110.0], [30.0, 125.0]])  # a foot near the lower border
    valid = torch.ones(17, dtype=torch.bool)
    valid[16] = False
    left_out = {kind: obedience.Counts() for kind in obedience.LIMBS}
    generator = torch.Generator().manual_seed(0)
    found = list(obedience.drags(landmarks, valid, (128, 64), generator, left_out))
    assert [(drag.kind, drag.angle) for drag in found] == [
        (kind, angle) for kind in ("wrist", "ankle") for angle in (0, *obedience.ANGLES)
    ]
    assert vars(left_out["wrist"]) == {"not_found": 0, "too_short": 1, "outside": 0}
    assert vars(left_out["ankle"]) == {"not_found": 1, "too_short": 0, "outside": 0}
    for drag in found:
        length = 20 if drag.kind == "wrist" else 15
        parent = {9: 7, 15: 13}[drag.joint]
        assert (drag.landmarks[drag.joint] - drag.landmarks[parent]).norm().item() == pytest.approx(length, rel=1e-4)
        assert obedience.inside(drag.landmarks[drag.joint], (128, 64))
        others = torch.arange(17) != drag.joint
        assert torch.equal(drag.landmarks[others], landmarks[others])
    # At the border one direction is left, at a corner none.
    landmarks[[13, 15]] = torch.tensor([[2.0, 110.0], [2.0, 125.0]])
    found = obedience.drags(landmarks, valid, (128, 64), generator, left_out)
    assert all(drag.landmarks[15, 0] >= -0.5 for drag in found)
    landmarks[[13, 15]] = torch.tensor([[1.0, 20.0], [1.0, 1.0]])
    list(obedience.drags(landmarks, valid, (30, 3), generator, left_out))
    assert left_out["ankle"].outside == 4


def test_a_pose_is_drawn_as_the_studio_draws_it(module):
    from momi_lib.data import to_uint8
    from momi_lib.train.presets import preset
    from momi_lib.translate import MomiNet
    from momi_lib.widgets.session import Studio

    torch.manual_seed(0)
    network = MomiNet(preset("tiny").network).eval()
    picture = torch.rand(3, 128, 64) * 2 - 1
    landmarks, valid = torch.rand(2, 17, 2) * 60, torch.ones(2, 17, dtype=torch.bool)
    with torch.inference_mode():
        drawn = to_uint8(module("drag_obedience").draw(network, picture, landmarks, valid)).int()
    studio = Studio(network)
    person = studio.meet(picture)
    for k in range(2):
        assert (studio.draw(person, landmarks[k], valid[k]).picture.int() - drawn[k]).abs().max() <= 1


def test_a_dragged_person_stands_before_the_targets_street(module):
    from momi_lib.train.presets import preset
    from momi_lib.translate import network_of

    torch.manual_seed(0)
    obedience = module("drag_obedience")
    network, plain = (network_of(preset(name).network).eval() for name in ("tiny-carry", "tiny"))
    picture, landmarks = torch.rand(3, 128, 64) * 2 - 1, torch.rand(2, 17, 2) * 60
    valid = torch.ones(2, 17, dtype=torch.bool)
    with torch.inference_mode():
        network.body_maps.of_target.result.bias[3] = -50.0  # nobody is drawn, so the street is all there is
        street = obedience.street(network, picture[None], network.pose(picture[None]))
        drawn = obedience.draw(network, picture, landmarks, valid, street)
        assert (drawn - street).abs().max() < 1e-5
        assert obedience.street(plain, picture[None], plain.pose(picture[None])) is None


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


def test_results_are_those_of_their_experiments(module):
    """Whoever changes an experiment must run it again, or give it another name."""
    experiments = module("experiments")
    for path in experiments.RESULTS.glob("*.json"):
        if path.stem in experiments.ENDED:
            continue  # its option has left the library
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


def test_experiments_that_carry_begin_with_maps_and_have_a_table_of_their_own(module):
    experiments = module("experiments")
    carry = {name for name in experiments.EXPERIMENTS if experiments.config_of(name).network.carry}
    assert carry and carry == {n for n in experiments.EXPERIMENTS if experiments.taken_over(n) == "small"}
    assert all(experiments.config_of(name).start_with == "maps" for name in carry)
    text = experiments.PAGE.read_text(encoding="utf-8")
    assert "were called `small`" in text.split("\n## ")[1]


def test_steps_are_timed_in_the_last_stage(module, tmp_path, monkeypatch):
    steps = module("steps")
    asking = replace(steps.PRESETS["tiny-carry"], any_pose=0.5, keep=0.1)  # as `small` and `base` do
    monkeypatch.setitem(steps.PRESETS, "tiny-carry", asking)
    for name in ("tiny", "tiny-carry"):
        run = steps.in_last_stage(steps.PRESETS[name], tmp_path)
        assert (run.distil_steps, run.body_steps) == (0, 0) and (run.start is None) == (name == "tiny")
    assert [options["compile"] for options in steps.variants("cuda")] == [False, False, True, True]
    out = tmp_path / "steps.json"
    steps.main(steps.Config(("tiny-carry",), out, steps=1, warm_up=0, perceptual="random"))
    rows = json.loads(out.read_text())["rows"]
    assert [row["precision"] for row in rows] == ["fp32", "bf16"]
    assert all(row["gflop_per_step"] > 0 and row["seconds_per_step"] > 0 for row in rows)
    steps.main(steps.Config(("tiny-carry",), out, steps=1, warm_up=0, perceptual="random", minutes=1e-9))
    found = json.loads(out.read_text())
    assert found["rows"] == [] and [row["precision"] for row in found["left_out"]] == ["fp32", "bf16"]


def test_the_experiments_page_is_made_from_the_results(module, tmp_path, monkeypatch):
    experiments = module("experiments")
    monkeypatch.setattr(experiments, "PAGE", tmp_path / "page.md")
    experiments.Page()()
    assert (tmp_path / "page.md").read_text() == (FOLDER / "experiments.md").read_text()


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
