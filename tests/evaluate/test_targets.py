"""The committed weights against their targets: true swaps of people that nobody trained on.

The targets are read from the results, which hold all swaps and all judges; floors under some of them are tested here
and now, on 64 swaps, so that worse weights are noticed before anybody measures again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import momi_lib as momi
from momi_lib.data import load, load_truth
from momi_lib.evaluate.answers import swap_all, trivial_answers
from momi_lib.evaluate.truth_judges import Judges
from momi_lib.evaluate.truth_table import TRUE
from momi_lib.files import sha256, weights_folder
from momi_lib.metrics import score_truth

#: Targets that are not reached yet, with what was reached; the mark is strict, so it must go once one is.
MISSED: dict[str, str] = {
    "l1": "0.63",
    "ssim": "0.48",
    "st-lpips": "0.76",
    "sharpness": "0.66",
    "frechet": "1.91",
    "PCK": "0.945",
    "rank-1": "0.85",
}

#: What to reach: how it is computed from the rows of our weights, of the copied source and of the true swaps, and the
#: lowest and highest value. tools/readme.py shows the same.
TARGETS: dict[str, tuple[Callable[[dict, dict, dict], float], float, float]] = {
    "l1": (lambda ours, copy, true: ours["l1"] / copy["l1"], 0, 0.56),
    "ssim": (lambda ours, copy, true: ours["ssim"], 0.55, 1),
    "st-lpips": (lambda ours, copy, true: ours["st_lpips_vgg"] / copy["st_lpips_vgg"], 0, 0.68),
    "sharpness": (lambda ours, copy, true: ours["sharpness"], 0.75, 1.15),
    "frechet": (lambda ours, copy, true: ours["frechet"] / true["frechet"], 0, 1.5),
    "PCK": (lambda ours, copy, true: ours["pck"], 0.95, 1),
    "rank-1": (lambda ours, copy, true: ours["rank1"] / true["rank1"], 0.97, 2),
}

COUNT = 64
# Under what the weights reach on these swaps; beside the best answer that needs no network.
FLOORS = {"l1 share": 0.70, "ssim gain": 0.10, "PCK": 0.92, "rank-1 share": 0.75}


def _marked(name: str) -> object:
    missed = pytest.mark.xfail(reason=MISSED.get(name, ""), strict=True, raises=AssertionError)
    return pytest.param(name, marks=[missed] if name in MISSED else [], id=name)


@pytest.fixture(scope="module")
def rows():
    results = Path(__file__).parents[2] / "benchmarks" / "results" / "truth.json"
    return {row["answer"]: row for row in json.loads(results.read_text(encoding="utf-8"))["rows"]}


@pytest.fixture(scope="module")
def scores():
    truth = load_truth()
    truth = truth.select(torch.linspace(0, len(truth) - 1, COUNT).long())
    judges, people = Judges(truth), truth.people
    network = momi.load("small")
    swaps = swap_all(network, people.pictures[truth.source], people.pictures[truth.target])
    trivial = [score_truth(answer, truth) for answer in trivial_answers(truth, load(None, "train")).values()]
    ours, real = judges.score(swaps), judges.score(truth.pictures)
    return {
        "l1 share": ours["l1"] / min(row.l1 for row in trivial),
        "ssim gain": ours["ssim"] - max(row.ssim for row in trivial),
        "PCK": ours["pck"],
        "rank-1 share": ours["rank1"] / real["rank1"],
    }


@pytest.mark.parametrize("name", [_marked(name) for name in TARGETS])
def test_a_target_is_reached_on_people_never_seen_in_training(rows, name):
    reached, lowest, highest = TARGETS[name]
    value = reached(rows["momi-small"], rows["copy source"], rows[TRUE])
    assert lowest <= value <= highest, f"{name}: {value:.3f}"


def test_the_results_are_of_the_committed_weights_and_only_targets_are_missed(rows):
    assert rows["momi-small"]["weights_sha256"] == sha256(weights_folder() / "momi-small.safetensors")
    assert set(MISSED) <= set(TARGETS)


def test_no_score_falls_below_its_floor(scores):
    assert scores["l1 share"] <= FLOORS["l1 share"], scores
    assert all(scores[name] >= floor for name, floor in FLOORS.items() if name != "l1 share"), scores


@pytest.mark.parametrize("name", ["momi-small", "momi-lookup"])
def test_teacher_and_student(name):
    """From the cards: all held-out pictures take minutes."""
    known, own = (
        json.loads((weights_folder() / f"{each}.json").read_text())["scores"] for each in ("mannequin-teacher", name)
    )
    teacher, student = known["pck_height"], own["student"]["pck_height"]
    assert teacher >= 0.97
    assert student >= 0.97 * teacher


def test_weights_are_small():
    sizes = [path.stat().st_size for path in weights_folder().glob("*.safetensors")]
    assert max(sizes) < 15e6 and sum(sizes) < 56e6
    assert all(path.stat().st_size <= 6e6 for path in weights_folder().glob("rival-*.safetensors"))
