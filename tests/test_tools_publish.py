"""Weights are published with their card, scores, log and a page made from the cards."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from momi_lib.files import sha256, write_json
from momi_lib.pose import SimpleBaseline, Teacher
from momi_lib.rivals.pg2 import Pg2, Pg2Config
from momi_lib.rivals.weights import load_rival, save_rival
from momi_lib.train import preset
from momi_lib.translate import MomiNet, load_network, network_of, save_network
from tools import publish, rescore


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run folder with untrained weights, and an empty weights folder."""
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    card = {"command": "c", "config": {"batch": 4, "seed": 0, "precision": "fp32"}, "steps": 9, "hours": 0.5,
            "device": "d", "date": "2026-01-01", "perceptual": "none"}  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_network(MomiNet(preset("tiny").network), tmp_path / "run" / "weights.safetensors", card)
    lines = [{"step": 0, "event": "start"}, *({"step": step, "recon": 1.0} for step in range(1, 41))]
    (tmp_path / "run" / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path / "run"


def one_row(names):
    row = {"l1": 0.1, "ssim": 0.5, "count": 3}
    own = {**row, "answer": "some folder", "weights_sha256": sha256(Path(names[0]))}
    return {"rows": [{**row, "answer": "copy source"}, own, {**row, "answer": "true swap"}]}


def test_published_weights_load_by_name(run, monkeypatch):
    monkeypatch.setattr(publish, "truth_table", one_row)
    monkeypatch.setattr(publish, "score_landmarks", lambda *a, **k: {"pck_height": 0.25})
    publish.publish(run, "test", points=10)
    folder = run.parent / "weights"
    assert load_network("test").config == preset("tiny").network
    card = json.loads((folder / "momi-test.json").read_text())
    assert card["sha256"] == sha256(folder / "momi-test.safetensors")
    assert card["scores"]["student"]["pck_height"] == 0.25
    lines = [json.loads(line) for line in (folder / "momi-test.log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40]
    page = (folder / "README.md").read_text()
    assert "momi-test: masked L1 0.1" in page and "9 steps of 4, seed 0, 30 minutes on d" in page


def test_a_rival_is_published_like_the_rest(run, monkeypatch):
    monkeypatch.setattr(publish, "truth_table", one_row)
    card = json.loads((run / "weights.json").read_text())
    small = Pg2Config(size=(32, 16), width=4, levels=3, refiner_width=4, discriminator=(4, 8))
    save_rival(Pg2(small), run / "weights.safetensors", card)
    publish.publish(run, "pg2", points=10)
    folder = run.parent / "weights"
    assert load_rival("pg2").config == small
    written = json.loads((folder / "rival-pg2.json").read_text())
    assert written["sha256"] == sha256(folder / "rival-pg2.safetensors") and [*written["scores"]] == ["truth"]
    assert [row["answer"] for row in written["scores"]["truth"]] == ["copy source", "weights", "true swap"]
    assert len((folder / "rival-pg2.log.jsonl").read_text().splitlines()) == 11
    assert "rival-pg2: masked L1 0.1" in (folder / "README.md").read_text()
    monkeypatch.setattr(publish, "RIVAL_LIMIT", 1_000)
    with pytest.raises(ValueError, match="bytes, expected at most 1000"):
        publish.publish(run, "pg2")


def test_a_rival_may_be_scored_later(run):
    folder = run.parent / "weights"
    save_rival(Pg2(Pg2Config(size=(32, 16), width=4, levels=3, refiner_width=4)), folder / "rival-pg2.safetensors", {
        "command": "c", "config": {}, "device": "d", "date": "2026-01-01", "steps": 9})  # fmt: skip
    row = {"l1": 0.25, "ssim": 0.5, "count": 3}
    rows = [{**row, "answer": "copy source"},
            {**row, "answer": "pg2", "weights_sha256": sha256(folder / "rival-pg2.safetensors")},
            {**row, "answer": "true swap"}]  # fmt: skip
    write_json(run.parent / "truth.json", {"rows": rows, "command": "truth", "date": "2026-01-02"})
    rescore.rescore(("pg2",), scores=run.parent / "truth.json")
    card = json.loads((folder / "rival-pg2.json").read_text())
    assert [each["answer"] for each in card["scores"]["truth"]] == ["copy source", "weights", "true swap"]
    assert card["scored_by"]["command"] == "truth" and "rival-pg2: masked L1 0.25" in (folder / "README.md").read_text()


def test_scores_may_come_from_a_file_about_these_weights(run, monkeypatch):
    monkeypatch.setattr(publish, "score_landmarks", lambda *a, **k: {"pck_height": 0.25})
    rows = [{"answer": "mean picture", "l1": 0.2, "ssim": 0.1, "count": 3},
            {"answer": "momi-test", "l1": 0.125, "ssim": 0.5, "count": 3,
             "weights_sha256": sha256(run / "weights.safetensors")},
            {"answer": "true swap", "l1": 0.0, "ssim": 1.0, "count": 3}]  # fmt: skip
    write_json(run.parent / "truth.json", {"rows": rows})
    publish.publish(run, "test", scores=run.parent / "truth.json")
    card = json.loads((run.parent / "weights" / "momi-test.json").read_text())
    assert [row["answer"] for row in card["scores"]["truth"]] == ["mean picture", "weights", "true swap"]
    assert "momi-test: masked L1 0.125" in (run.parent / "weights" / "README.md").read_text()
    rows[1]["weights_sha256"] = "0" * 64
    write_json(run.parent / "truth.json", {"rows": rows})
    with pytest.raises(ValueError, match=r"truth\.json: expected one row with the SHA-256"):
        publish.publish(run, "test", scores=run.parent / "truth.json")


def test_a_network_that_carries_brings_its_stages_body_maps_and_progress(run, monkeypatch):
    card = json.loads((run / "weights.json").read_text())
    card["config"] |= {"distil_batch": 32, "body_batch": 16}
    card["stages"] = {"student": 2, "body maps": 3, "whole": 4}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = network_of(preset("tiny-carry").network)
    save_network(network, run / "weights.safetensors", card)
    Image.effect_noise((512, 1280), 60).save(run / "progress.jpg", quality=95)
    found = {"pictures": 7, "error_cm": 5.5, "median_cm": 2.5, "iou": 0.9, "median_cm/foot": 3.0}

    def score(network, people, labels):
        assert network.config.carry and len(people) == len(labels)
        return {"source": found, "answer": {**found, "median_cm": 3.5}}

    monkeypatch.setattr(publish, "truth_table", one_row)
    monkeypatch.setattr(publish, "score_landmarks", lambda *a, **k: {"pck_height": 0.25})
    monkeypatch.setattr(publish, "score_body_maps", score)
    publish.publish(run, "test")
    folder = run.parent / "weights"
    published = json.loads((folder / "momi-test.json").read_text())
    assert published["scores"]["body_maps"]["source"] == found and published["progress"] == "momi-test.progress.jpg"
    page = (folder / "README.md").read_text()
    assert "9 steps: student 2 of 32, body maps 3 of 16, whole network 4 of 4, seed 0" in page
    assert "B_t: 3.5 cm off (median), 5.5 cm (mean), IoU of silhouettes 0.9 (7 test pictures)" in page
    assert "[momi-test.progress.jpg](momi-test.progress.jpg)" in page
    picture = folder / "momi-test.progress.jpg"
    assert (run / "progress.jpg").stat().st_size > 400_000 >= picture.stat().st_size
    with Image.open(picture) as image:
        assert image.size == (512, 1280)
    (run / "progress.jpg").unlink()
    publish.publish(run, "test")
    assert not picture.exists()  # it would be of other weights


def test_a_picture_that_is_small_stays_as_it_is_and_one_that_cannot_be_is_refused(tmp_path):
    path = tmp_path / "a.jpg"
    Image.effect_noise((64, 64), 60).save(path)
    assert publish.small_jpeg(path) == path.read_bytes()
    with pytest.raises(ValueError, match=r"a\.jpg: \d+ bytes with the lowest quality, expected at most 100"):
        publish.small_jpeg(path, 100)


def test_landmarks_of_a_network_that_decodes_at_full_size_are_scored_as_it_decodes(run, monkeypatch):
    asked = []
    network = MomiNet(replace(preset("tiny").network, decode_at="full"))
    save_network(network, run / "weights.safetensors", json.loads((run / "weights.json").read_text()))
    monkeypatch.setattr(publish, "truth_table", one_row)
    monkeypatch.setattr(publish, "score_landmarks", lambda *a, **k: asked.append(k["upsample"]) or {"pck_height": 0.2})
    publish.publish(run, "test")
    assert asked == [True, True]


def test_weights_that_are_too_large_are_refused(run, monkeypatch):
    monkeypatch.setattr(publish, "LIMIT", 1000)
    with pytest.raises(ValueError, match="at most 1000"):
        publish.publish(run, "test")


def test_a_teacher_is_published_with_its_beginnings(tmp_path, monkeypatch):
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    first, run = tmp_path / "first.safetensors", tmp_path / "run"
    teacher = Teacher(SimpleBaseline(18, width=32), input_size=(128, 64), name="t")
    teacher.save(first)
    write_json(first.with_suffix(".json"), {"command": "old command", "seconds": 600, "date": "2026-01-01"})
    run.mkdir()
    teacher.save(run / "teacher.safetensors")
    card = {"command": "c", "config": {"start": str(first), "batch": 32, "seed": 0}, "steps": 9, "seconds": 60,
            "device": "d", "date": "2026-01-02", "sha256": sha256(run / "teacher.safetensors")}  # fmt: skip
    write_json(run / "teacher.json", card)
    publish.publish(run, "some-teacher")
    folder = tmp_path / "weights"
    published = json.loads((folder / "some-teacher.json").read_text())
    assert published["begun_with"]["sha256"] == sha256(first)
    assert sha256(folder / "some-teacher.safetensors") == published["sha256"]
    assert "of 2026-01-01, 10 minutes of `old command`" in (folder / "README.md").read_text()
    write_json(run / "teacher.json", {**card, "sha256": "0" * 64})
    with pytest.raises(ValueError, match="does not match the SHA-256"):
        publish.publish(run, "some-teacher")


def test_a_teacher_may_take_the_flip_test_from_now_on(tmp_path, monkeypatch):
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    run, folder = tmp_path / "run", tmp_path / "weights"
    run.mkdir()
    Teacher(SimpleBaseline(18, width=32), input_size=(128, 64), name="t").save(run / "teacher.safetensors", half=True)
    card = {"command": "c", "config": {"half": True, "seed": 0}, "steps": 9, "seconds": 60, "device": "d",
            "date": "2026-01-02", "sha256": sha256(run / "teacher.safetensors"),
            "scores": {"pck_height": 0.5}}  # fmt: skip
    write_json(run / "teacher.json", card)
    judged = []

    def score(teacher, people):
        judged.append(teacher)
        return {"pck_height": 0.75}

    monkeypatch.setattr(publish, "load", lambda *_: "people")
    monkeypatch.setattr(publish, "score_teacher", score)
    publish.publish(run, "t", flip=True)
    published = json.loads((folder / "t.json").read_text())
    assert judged[0].flip and Teacher.load(folder / "t.safetensors").flip
    assert sha256(folder / "t.safetensors") == published["sha256"] != card["sha256"]
    assert (published["scores"]["pck_height"], published["scores_without_flip"]["pck_height"]) == (0.75, 0.5)
    assert "PCK 0.5 without it" in (folder / "README.md").read_text()
    assert not Teacher.load(run / "teacher.safetensors").flip
