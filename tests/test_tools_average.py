"""tools/average_weights.py: half of two runs, with a card that says so."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from momi_lib.train.presets import preset
from momi_lib.translate import MomiNet, load_network, save_network

SPEC = importlib.util.spec_from_file_location(
    "average_weights", Path(__file__).resolve().parents[1] / "tools" / "average_weights.py"
)
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)


def run(folder: Path, seed: int, **changes: object) -> Path:
    torch.manual_seed(seed)
    network = MomiNet(replace(preset("tiny").network, norm="batch", **changes))
    save_network(network, folder / "weights.safetensors", {"steps": seed, "command": f"run {seed}"})
    (folder / "log.jsonl").write_text(json.dumps({"step": seed}) + "\n")
    return folder


@pytest.fixture
def runs(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    return run(tmp_path / "first", 1), run(tmp_path / "second", 2)


def test_the_average_is_one_and_its_card_says_of_what(runs, tmp_path):
    path = tool.average(*runs, out=tmp_path / "out", share=0.25)
    first, second, mean = (load_network(f).state_dict() for f in (*(r / "weights.safetensors" for r in runs), path))
    for name, value in mean.items():
        expected = second[name]
        if value.is_floating_point() and not name.startswith("student."):
            expected = 0.75 * first[name] + 0.25 * expected
        assert torch.allclose(value.float(), expected.float(), rtol=2e-3, atol=1e-4), name
    assert not torch.equal(mean["generator.picture.weight"], second["generator.picture.weight"])
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["steps"] == 2 and card["averaged"]["share"] == 0.25
    assert [card["averaged"][which]["command"] for which in ("first", "second")] == ["run 1", "run 2"]
    assert (tmp_path / "out" / "log.jsonl").read_text() == '{"step": 2}\n'
    with pytest.raises(FileExistsError, match="is there already"):
        tool.average(*runs, out=tmp_path / "out")


def test_strangers_are_refused(runs, tmp_path):
    with pytest.raises(ValueError, match=r"share: expected a number in \[0, 1\], got 2"):
        tool.average(*runs, out=tmp_path / "out", share=2)
    (tmp_path / "wide").mkdir()
    wide = run(tmp_path / "wide", 3, width=32)
    with pytest.raises(ValueError, match="networks of one shape"):
        tool.average(runs[0], wide, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
