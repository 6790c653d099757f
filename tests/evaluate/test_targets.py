"""The committed weights against their targets, on 64 true swaps of people that nobody trained on.

A target that is not reached yet is marked with what was reached: `strict`, so that the mark must go once it is.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import momi_lib as momi
from momi_lib.data import load, load_truth
from momi_lib.evaluate.judges import Judges
from momi_lib.evaluate.truth import swap_all, trivial_answers
from momi_lib.files import weights_folder

COUNT = 64
# Floors under what the weights reach on these swaps, so that worse ones are noticed where a target is still open.
FLOORS = {"l1 share": 0.75, "ssim gain": 0.04, "pose": 0.90, "person share": 0.80}


@pytest.fixture(scope="module")
def scores():
    truth = load_truth()
    truth = truth.select(torch.linspace(0, len(truth) - 1, COUNT).long())
    judges, people = Judges(truth), truth.people
    network = momi.load("small")
    swaps = swap_all(network, people.pictures[truth.source], people.pictures[truth.target])
    trivial = [judges.score(answer) for answer in trivial_answers(truth, load(None, "train")).values()]
    ours, real = judges.score(swaps), judges.score(truth.pictures)
    return {
        "l1 share": ours["l1"] / min(row["l1"] for row in trivial),
        "ssim gain": ours["ssim"] - max(row["ssim"] for row in trivial),
        "pose": ours["pck"],
        "person share": ours["rank1"] / real["rank1"],
    }


@pytest.fixture(scope="module")
def cards():
    return {
        name: json.loads((weights_folder() / f"{name}.json").read_text())["scores"]
        for name in ("momi-small", "mannequin-teacher")
    }


@pytest.mark.xfail(reason="0.63 on all swaps (benchmarks/results/truth.json)", strict=True)
def test_masked_l1(scores):
    assert scores["l1 share"] <= 0.60


def test_masked_ssim(scores):
    assert scores["ssim gain"] >= 0.10


def test_the_teacher_finds_the_pose(scores):
    assert scores["pose"] >= 0.90


def test_the_person_is_found(scores):
    assert scores["person share"] >= 0.60


@pytest.mark.xfail(reason="0.60 on all swaps (benchmarks/results/truth.json)", strict=True)
def test_frechet():
    """From the results: of 64 swaps the distance says nothing."""
    folder = Path(__file__).parents[2] / "benchmarks" / "results"
    ours, first = (
        next(row for row in json.loads((folder / name).read_text())["rows"] if "weights_sha256" in row)
        for name in ("truth.json", "truth-first-light.json")
    )
    assert ours["frechet"] <= 0.50 * first["frechet"]


def test_no_score_falls_below_its_floor(scores):
    assert scores["l1 share"] <= FLOORS["l1 share"], scores
    assert all(scores[name] >= floor for name, floor in FLOORS.items() if name != "l1 share"), scores


def test_teacher_and_student(cards):
    """From the cards: all held-out pictures take minutes."""
    teacher, student = cards["mannequin-teacher"]["pck_height"], cards["momi-small"]["student"]["pck_height"]
    assert teacher >= 0.97
    assert student >= 0.97 * teacher


def test_weights_are_small():
    sizes = [path.stat().st_size for path in weights_folder().glob("*.safetensors")]
    assert max(sizes) < 15e6 and sum(sizes) < 32e6
