"""The study: which runs it makes, that it goes on where it was, and what it counts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from momi_lib.data import load, load_truth
from momi_lib.evaluate import table_one
from momi_lib.files import sha256, weights_folder
from momi_lib.provenance import plain
from momi_lib.study import engine
from momi_lib.study import pictures as study_pictures
from momi_lib.study import run as module
from momi_lib.study.commands import Ablations
from momi_lib.study.pictures import load_pictures
from momi_lib.study.run import FULL, VARIANTS, Study, run_study
from momi_lib.study.summary import load_study, means, orderings, value
from momi_lib.study.table import study_table
from momi_lib.train import train
from momi_lib.train.presets import flat, preset
from momi_lib.translate import MomiNet
from momi_lib.translate.attention import PoseAttention, ResidualBlocks


def test_every_variant_changes_one_thing():
    study = Study()
    full = study.config(FULL, 0)
    assert full.network.transfer == "join" and full.loss.pose_consistency == 0 and full.loss.weights.adversarial == 0.5
    for name in VARIANTS:
        config = study.config(name, 1)
        assert config.steps == full.steps and config.seed == 1
        known, mine = flat(plain(full)), flat(plain(config))
        changed = [key for key in mine if mine[key] != known[key] and key not in ("out", "seed")]
        together = {"network.lean_attention"} & set(changed)  # goes with the block that it is an option of
        assert len(changed) - len(together) == (name != FULL), (name, changed)
        assert bool(together) == (name == "patn-block")
    assert {study.config(name, 0).loss.weights.adversarial for name in VARIANTS} == {0, 0.1, 0.5, 1, 2}


def test_without_attention_the_pose_of_the_source_does_not_matter():
    config = preset("tiny").network
    assert isinstance(MomiNet(config).attention, PoseAttention)
    network = MomiNet(Study(preset="tiny").config("without-attention", 0).network).eval()
    assert isinstance(network.attention, ResidualBlocks) and len(network.attention.blocks) == config.attention_blocks
    pictures = torch.rand(2, 3, 128, 64) * 2 - 1
    with torch.no_grad():
        codes = [network.encode_appearance(pictures, torch.full((2, config.width, 16, 8), v)) for v in (0.0, 1.0)]
    assert torch.equal(*codes)


@pytest.mark.parametrize("preset", ["tiny", "lookup", "small"])
def test_with_the_block_of_patn_nothing_normalises_before_the_gate(preset):
    networks = {name: MomiNet(Study(preset).config(name, 0).network) for name in (FULL, "patn-block")}
    ours, published = (networks[name].attention.blocks for name in networks)
    assert len(ours) == len(published)
    for mine, theirs in zip(ours, published, strict=True):
        assert isinstance(mine.pose[-1], torch.nn.BatchNorm2d | torch.nn.GroupNorm)
        assert isinstance(theirs.pose[-1], torch.nn.Conv2d)
        assert [type(layer) for layer in theirs.pose].count(torch.nn.Dropout) == 1
    sizes = [sum(p.numel() for p in network.attention.parameters()) for network in networks.values()]
    assert sizes[0] < sizes[1]  # so the variant is larger, too


def test_the_committed_study_is_what_the_command_makes(monkeypatch):
    """It was made when the weights that are called lookup now were called small."""
    asked = []
    monkeypatch.setattr(module, "run_study", lambda study: asked.append(study) or {"orderings": [], "runs": {}})
    monkeypatch.setattr(module, "missing_runs", lambda study, result: [])
    Ablations()()
    Ablations(preset="tiny", batch=2)()
    assert (asked[0].preset, asked[0].start) == ("lookup", weights_folder() / "momi-lookup.safetensors")
    assert asked[1].start is None and asked[1].config(FULL, 0).batch == 2
    results = load_study(Path(__file__).parents[2] / "benchmarks/results/ablations.json")
    begun_with = {run["begun_with"]["sha256"] for runs in results["runs"].values() for run in runs}
    assert begun_with == {sha256(asked[0].start)}


def test_the_study_of_a_preset_that_carries_takes_plain_networks():
    config = Study("small").config("without-attention", 0)
    assert not config.network.carry and config.network.output == "half" and not config.body_steps
    assert config.network.attention == "residual" and config.network.width == preset("small").network.width


def test_bad_studies_are_refused():
    with pytest.raises(ValueError, match="only: expected some of full, without-patch, .* got 'without-luck'; leave"):
        Study(only=("without-luck",))
    with pytest.raises(ValueError, match="seeds: expected a whole number from 1 up, got 0"):
        Study(seeds=0)
    with pytest.raises(ValueError, match="batch: expected a whole number from 1 up, got 0"):
        Study(options={"batch": 0})


def run(score: float, seed: int, **more: float) -> dict:
    scores = {name: {"value": v} for name, v in {"FID": score, **more}.items()}
    return {"answer": "x", "scores": scores, "seed": seed}


def test_means_and_orderings_by_hand():
    rows = {
        FULL: [run(10.0, 0, **{"APS held out": 0.8}), run(12.0, 1, **{"APS held out": 0.7})],
        "without-perceptual": [run(30.0, 0), run(11.0, 1)],
        "without-patch": [run(1.0, 0, **{"APS held out": 0.7}), run(1.0, 1, **{"APS held out": 0.7})],
    }
    spread = pytest.approx(0.0707, abs=1e-4)
    assert means(rows[FULL])["APS"] == {"mean": pytest.approx(0.75), "deviation": spread, "runs": 2}
    found = {entry["says"]: entry for entry in orderings(rows)}
    assert found["FID rises without the perceptual loss"]["changes"] == [20.0, -1.0]
    assert found["FID rises without the perceptual loss"]["holds"] == 1
    assert found["APS falls without the patch loss"]["holds"] == 1  # a tie is no fall
    assert "FID rises without attention" not in found


def test_pck_of_runs_that_were_scored_as_pose_is_read():
    assert value(run(1.0, 0, pose=0.5), "PCK") == value(run(1.0, 0, PCK=0.5), "PCK") == 0.5
    assert value(run(1.0, 0), "PCK") is None


@pytest.mark.slow
@pytest.mark.thorough
def test_a_study_runs_and_goes_on(tmp_path, monkeypatch):
    def few(folder):
        return load_truth(folder).select(slice(0, 1500, 375))

    monkeypatch.setattr(table_one, "load_truth", few)
    monkeypatch.setattr(study_pictures, "load_truth", few)
    for each in (module, table_one):
        monkeypatch.setattr(each, "load", lambda *args: load(*args).select(slice(None, None, 8)))
    trained = []

    def counted(config, resume):
        trained.append(config.out.name)
        return train(config, resume=resume)

    monkeypatch.setattr(engine, "train", counted)
    study = Study("tiny", steps=1, seeds=1, pairs=20, out=tmp_path / "runs", results=tmp_path / "results.json",
                  only=(FULL, "without-attention"))  # fmt: skip
    result = run_study(study)
    assert trained == ["full-seed0", "without-attention-seed0"]
    assert json.loads(study.results.read_text()) == json.loads(json.dumps(result))
    assert list(result["means"]) == ["full", "without-attention"]
    assert [row["answer"] for row in result["beside"]] == ["real pictures", "copy source", "copy target"]
    assert result["orderings"][-1]["seeds"] == 1
    networks = result["networks"]
    assert networks["judge"].startswith("mannequin-vgg[") and networks["teacher"].startswith("mannequin-teacher[")
    (affinity,) = networks["affinity"]  # of an eighth of the people nobody has learned exactly these
    assert affinity.endswith(", trained on mannequins")
    assert {run["steps"] for runs in result["runs"].values() for run in runs} == {6}
    pictures = load_pictures(study.results, load_study(study.results))
    assert pictures.variants == (FULL, "without-attention") and len(pictures) == 4
    study.results.with_suffix(".jpg").unlink()
    again = run_study(study)
    assert len(trained) == 2 and again["runs"] == result["runs"] and again["pictures"] == result["pictures"]
    assert study.results.with_suffix(".jpg").is_file()
    with pytest.raises(ValueError, match=r"full-seed0.*a run with steps 1, and this study asks for 2\. Give the study"):
        run_study(replace(study, steps=2))


def test_a_study_that_does_not_add_up_is_refused(tmp_path):
    file = tmp_path / "some.json"
    runs = {FULL: [run(10.0, 0), run(12.0, 1)]}
    file.write_text(json.dumps({"runs": runs, "means": {FULL: means(runs[FULL])}}))
    assert load_study(file)["means"][FULL]["FID"]["mean"] == 11.0
    file.write_text(json.dumps({"runs": runs, "means": {FULL: means(runs[FULL][:1])}}))
    with pytest.raises(ValueError, match=r"some\.json: expected means that are those of its runs"):
        load_study(file)
    for text in ("[]", "{", '{"runs": 3}'):
        file.write_text(text)
        with pytest.raises(ValueError, match=r"some\.json: expected the JSON of a study"):
            load_study(file)


def test_the_table_puts_the_papers_rows_under_ours():
    runs = {FULL: [run(10.0, 0), run(12.0, 1)], "gamma-2": [run(9.0, 0)]}
    lines = study_table({"means": {name: means(some) for name, some in runs.items()}, "beside": [run(1.0, 0)]})
    rows = lines.splitlines()
    assert rows[2] == "| full | 11.00 ± 1.41 |" and "57.5" in rows[3] and "the paper's MOMI-Net" in rows[3]
    assert rows[4] == "| gamma-2 | 9.00 |" and rows[5] == "| *x* | 1.00 |"
    assert "not comparable" in rows[-1]
def test_a_score_by_an_earlier_definition_is_marked_and_explained():
    runs = [run(1.0, 0), run(2.0, 1)]
    for scored in runs:
        scored["scores"]["truth"] = {"l1": 0.1, "ssim": 0.4}
    study = {"means": {FULL: means(runs)}, "beside": []}
    assert "SSIM ↑" in study_table(study) and "earlier" not in study_table(study)
    study |= {"earlier": {"SSIM": "of the whole answer.", "LPIPS": "not in this study."}}
    lines = study_table(study).splitlines()
    assert "SSIM (earlier) ↑" in lines[0] and "FID ↓" in lines[0]
    assert lines[-1] == "SSIM: of the whole answer."
