"""The race: fair configs, measures that tell copying from moving, claims decided by hand, and that it can go on."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from momi_lib.data import load_truth
from momi_lib.evaluate.answers import trivial_answers
from momi_lib.rivals.base import Landmarks
from momi_lib.rivals.run_config import RivalRunConfig
from momi_lib.study import rivals
from momi_lib.study.rival_claims import BETTER, CLAIMS, Claim, decide, orders
from momi_lib.study.rival_scores import copied, drawn_with, gap, same_person_pairs
from momi_lib.study.rivals import MINUTES, Race, config, half_way, means, steps_of


@pytest.fixture(scope="module")
def truth():
    whole = load_truth()
    return whole.select(torch.linspace(0, len(whole) - 1, 60).long())


def test_copying_the_target_and_the_truth_lie_at_opposite_ends(truth):
    target = copied(trivial_answers(truth)["copy target"], truth)
    assert target["edges_target"] == 1 and target["background_copied"] == 1
    assert target["edges_lean"] > 0.1 and target["colour_lean"] < -0.05
    right = copied(truth.pictures, truth)
    assert right["edges_truth"] == 1 and right["edges_lean"] < -0.1 and right["colour_lean"] > 0.05


def test_recolouring_the_target_keeps_its_edges(truth):
    """Another hue everywhere: the edges stay the target's, the background's colours do not."""
    pictures = truth.people.pictures[truth.target]
    changed = (pictures.float() * 0.6 + 30).byte()
    found = copied(changed, truth)
    assert found["edges_target"] > 0.97 and found["edges_lean"] > 0.1 and found["background_copied"] < 0.9


def test_same_person_pairs_are_of_one_person_and_camera_and_change_the_pose_as_much(truth):
    people, found = truth.people, same_person_pairs(truth)
    assert len(found.source) == len(truth)
    assert torch.equal(people.persons[found.source], people.persons[found.target])
    assert torch.equal(people.cameras[found.source], people.cameras[found.target])
    assert not (found.source == found.target).any()
    pairs = set(zip(found.source.tolist(), found.target.tolist(), strict=True))
    assert len(pairs) == len(truth)  # no pair twice, where there are enough
    assert float((found.change - found.wanted).abs().median()) < 2


def test_the_gap_of_right_answers_is_nothing(truth):
    people, others = truth.people, same_person_pairs(truth)
    right = gap(truth.pictures, people.pictures[others.target], truth, others)
    assert right["gap"] == 0 and right["l1_known"] == 0
    # Who always shows the source is wrong in both, and the more so among strangers.
    source = gap(people.pictures[truth.source], people.pictures[others.source], truth, others)
    assert source["l1_known"] > 0.05 and source["gap_error"] > 0


def test_a_method_without_poses_is_not_drawn_with_any():
    method: Any = torch.nn.Identity()
    nobody = Landmarks(torch.zeros(1, 17, 2), torch.ones(1, 17, dtype=torch.bool))
    with pytest.raises(TypeError, match="method: expected a Posed or a MomiNet, which draw with poses, got Identity"):
        drawn_with(method, torch.zeros(1, 3, 8, 4, dtype=torch.uint8), nobody, nobody)


def test_all_methods_are_given_the_same(tmp_path):
    race = Race(out=tmp_path)
    found = {name: config(race, name, 2, 100) for name in MINUTES}
    for name, each in found.items():
        assert each.seed == 2 and each.out == tmp_path / f"{name}-seed2"
        if isinstance(each, RivalRunConfig):
            options = each.rival
            assert (options.batch, options.mirror, each.same_camera, options.steps) == (8, 0.5, 1.0, 100)
        else:
            assert (each.batch, each.augment.mirror, each.augment.same_camera, each.steps) == (8, 0.5, 1.0, 100)
            assert each.init.parts == "student" and not each.distil_steps and not each.network.carry
            weights = each.loss.weights
            assert (weights.translate, weights.patch, weights.adversarial) == (1, 0.5, 0.5)


def test_steps_fill_the_minutes():
    pace = {"seconds": {"pg2": 0.3, "dg-net": [0.25, 1.0, 1.0]}}
    assert steps_of(Race(), "pg2", pace) == 3000 and steps_of(Race(), "dg-net", pace) == 2400
    assert half_way(2400, pace["seconds"]["dg-net"]) == 1500  # 800 × 0.25 + 700 × 1 = 100 × 1 + 800 × 1
    assert steps_of(Race(minutes=0.5), "pg2", pace) == 1500 and steps_of(Race(steps=7), "pg2", None) == 7


def test_a_swap_is_timed_once_for_every_method(tmp_path, truth, monkeypatch):
    timed: list[int] = []
    monkeypatch.setattr(rivals, "swap_all", lambda network, source, target: timed.append(len(source)))
    nobody: Any = None
    race, scorer = Race(results=tmp_path / "rivals.json"), rivals.Scorer(truth, nobody, nobody, torch.device("cpu"))
    race.scores.mkdir()
    found = rivals.speeds(race, scorer)
    assert found["ms_a_swap"].keys() == MINUTES.keys() and timed == [8, 60] * len(MINUTES)
    assert rivals.speeds(race, scorer) == json.loads((race.scores / "speed.json").read_text())
    assert len(timed) == 2 * len(MINUTES)


def test_a_claim_by_hand():
    """Values 1, 2, 3 less 1: the mean is 1, the people's error 0.1, the seeds' 1/√3, and Student's t for 2 is 4.303."""
    claim = Claim("a is above b", ((1.0, "a", "l1"), (-1.0, "b", "l1")))
    runs = {"a": [{"l1": value, "l1_error": 0.1} for value in (1.0, 2.0, 3.0)], "b": [{"l1": 1.0}]}
    found = decide(claim, runs, 1)
    half = math.sqrt(1.96**2 * 0.01 + 4.3027**2 / 3)
    assert found["value"] == 1 and found["high"] == pytest.approx(1 + half, abs=1e-3) and found["verdict"] == "open"
    steady = {"a": [{"l1": value, "l1_error": 0.1} for value in (1.9, 2.0, 2.1)], "b": [{"l1": 1.0}]}
    assert decide(claim, steady, 1)["verdict"] == "holds"
    assert decide(Claim("below", claim.terms, -1), steady, 1)["verdict"] == "refuted"
    assert decide(claim, {"a": runs["a"]})["verdict"] == "not run"
    assert decide(claim, steady)["verdict"] == decide(claim, steady, 2)["verdict"] == "too few runs"  # b has one
    assert decide(claim, {"a": runs["a"], "b": 3 * runs["b"]})["verdict"] == "open"


def test_claims_speak_of_what_is_scored():
    known = {*MINUTES, rivals.SMALL}
    for claim in CLAIMS:
        assert claim.says[0].isupper() or claim.says.startswith("Beyond")
        assert {name for _, name, _ in claim.terms} <= known
    assert len({claim.says for claim in CLAIMS}) == len(CLAIMS)


def test_means_and_orders():
    rows = [
        {"l1": l1, "l1_error": l1 / 10, "seed": seed, "needs": [], "poses": {"joints": {"l1": l1}}, "device": device}
        for l1, seed, device in ((0.1, 0, "a"), (0.3, 1, "b"))
    ]
    found = means(rows)
    assert found["l1"] == pytest.approx(0.2) and found["l1_error"] == pytest.approx(0.02) and found["runs"] == 2
    assert found["l1_seeds"] == pytest.approx(0.141) and "seed" not in found and found["device"] == ["a", "b"]
    assert found["poses"]["joints"]["l1"] == pytest.approx(0.2)
    scores = dict.fromkeys(BETTER, 0.0)
    table = {
        name: scores | {"l1": l1, "ssim": ssim, "frechet": frechet, "sharpness": sharpness}
        for name, l1, ssim, frechet, sharpness in (
            ("good", 0.1, 0.9, 3.0, 1.1), ("bad", 0.3, 0.1, 1.0, 1.6), ("middle", 0.2, 0.5, 2.0, 0.7)
        )
    }  # fmt: skip
    order = orders(table)
    assert order["ssim"] == {"order": ["good", "middle", "bad"], "agreement": 1.0}
    assert order["frechet"] == {"order": ["bad", "middle", "good"], "agreement": -1.0}
    assert order["sharpness"]["order"] == ["good", "middle", "bad"]  # nearest to the truth's, which is 1


def test_refusals():
    with pytest.raises(ValueError, match="only: expected some of pg2"):
        Race(only=("vunet",))
    with pytest.raises(ValueError, match="minutes: expected a factor above 0"):
        Race(minutes=float("nan"))
    with pytest.raises(ValueError, match="seeds and swaps"):
        Race(seeds=0)
    with pytest.raises(ValueError, match="seeds and swaps: .* got 3 and 1$"):
        Race(swaps=1)


def test_the_race_goes_on_where_it_stopped(tmp_path, truth, monkeypatch):
    """Each run is trained and scored once; scores in the results' folder need no run beside them."""
    done: list[str] = []

    def finish(some, *, resume, until=None, **_):
        assert resume
        done.append(some.out.name if until is None else f"{some.out.name} to {until}")
        steps = some.rival.steps if isinstance(some, RivalRunConfig) else some.steps
        some.out.mkdir(parents=True, exist_ok=True)
        (some.out / "weights.safetensors").write_bytes(some.out.name.encode())
        card = {"seed": some.seed, "steps": until or steps, "hours": 0.1, "device": "none", "date": "2026-01-01"}
        (some.out / "weights.json").write_text(json.dumps(card))

    scored: list[str] = []

    def score(self, weights):
        scored.append(str(weights).rsplit("/", 2)[-2])
        return {**dict.fromkeys(BETTER, 0.5), "needs": [], "poses": {}, "count": 3,
                **{name: 0.1 for name in ("edges_lean", "colour_lean", "gap", "noise_rise")}}  # fmt: skip

    judges = SimpleNamespace(conditions={"teacher": "t"}, score=lambda drawn: dict.fromkeys(BETTER, 0.2))
    monkeypatch.setattr(rivals, "train", finish)
    monkeypatch.setattr(rivals, "train_rival", finish)
    monkeypatch.setattr(rivals.Scorer, "score", score)
    monkeypatch.setattr(rivals, "speeds", lambda race, scorer: {})
    monkeypatch.setattr(rivals.Scorer, "picture", lambda self, weights, file: None)
    monkeypatch.setattr(rivals, "Judges", lambda truth, device: judges)
    monkeypatch.setattr(rivals, "load_truth", lambda folder: truth)
    monkeypatch.setattr(rivals, "pose_source", lambda name, device: SimpleNamespace(of_people=lambda people: None))
    race = Race(out=tmp_path / "runs", results=tmp_path / "rivals.json", steps=6, seeds=2, device="cpu")
    result = rivals.run_race(race)
    assert done[:5] == ["pg2-seed0", "pn-gan-seed0", "patn-seed0", "dg-net-seed0 to 3", "dg-net-seed0"]
    assert len(done) == 12 and result["rows"].keys() == {*MINUTES, "dg-net-15", "momi-small"}
    verdicts = {claim["verdict"] for claim in result["claims"]}
    assert result["rows"]["pg2"]["runs"] == 2 and verdicts == {"too few runs"}
    assert rivals.missing_runs(race) == [] and json.loads(race.results.read_text()) == json.loads(json.dumps(result))
    done.clear(), scored.clear()
    (race.scores / "patn-seed1.json").unlink()
    shutil.rmtree(race.out / "pg2-seed0")
    rivals.run_race(race)
    assert done == [] and scored == ["patn-seed1"]
    # Other options make another run: old scores are not taken for its own, and old weights are refused.
    monkeypatch.setattr(rivals, "options_of", lambda some: {"l1_weight": 7.0})
    found = rivals.run_race(replace(race, only=("pg2",), out=tmp_path / "others"))
    assert done == ["pg2-seed0", "pg2-seed1"] and found["rows"].keys() == {"pg2", "momi-small"}
    card = json.loads((race.out / "pg2-seed1/weights.json").read_text())
    card["rival"] = {"l1_weight": 50.0}
    (race.out / "pg2-seed1/weights.json").write_text(json.dumps(card))
    (race.scores / "pg2-seed1.json").unlink()
    with pytest.raises(ValueError, match=r"pg2-seed1: holds a run with l1_weight 50.0, and now it is 7.0; move it"):
        rivals.run_race(replace(race, only=("pg2",)))
