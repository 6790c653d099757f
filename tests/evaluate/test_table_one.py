"""Table I by one command: what is kept on disk, what is computed once, what is printed."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from momi_lib.data import load, load_truth, to_float
from momi_lib.evaluate import table_one as module
from momi_lib.evaluate.cache import SwapStore, stored_features
from momi_lib.evaluate.markdown import PAPER, columns, comma_separated, markdown, row
from momi_lib.evaluate.pairs import load_pairs, test_pairs
from momi_lib.evaluate.table_one import table_one
from momi_lib.metrics.features import Features, NetworkCard, distinct, rows
from momi_lib.metrics.identities import IdentityClassifier
from momi_lib.metrics.pose import Joints, find_joints, labelled_joints, pose_agreement, score_landmarks
from momi_lib.train.presets import preset
from momi_lib.translate import MomiNet, save_network


@pytest.fixture(scope="module")
def people():
    return load(None, "test")


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MomiNet(preset("tiny").network).eval()


class Counting(torch.nn.Module):
    """A network that says how many swaps it was asked for."""

    needs: frozenset[str] = frozenset()

    def __init__(self, network):
        super().__init__()
        self.network, self.config, self.asked = network, network.config, 0

    def swap(self, source, target, **options):
        assert len(source), "asked for no swap at all: some layers cannot take an empty batch"
        self.asked += len(source)
        return self.network.swap(source, target, **options)


def test_swaps_are_drawn_once_and_damaged_ones_again(tmp_path, people, network):
    pairs = test_pairs(people, count=9)
    counting = Counting(network)
    place = SwapStore(tmp_path, "tiny", "ab" * 32, pairs)
    first = place.pictures(counting, batch=4)
    assert counting.asked == 9 and first.shape == (9, 3, 128, 64)
    assert torch.equal(place.pictures(counting), first) and counting.asked == 9
    place.path(2).unlink()  # as if interrupted
    content = place.path(5).read_bytes()
    place.path(5).write_bytes(content[: len(content) // 2])
    Image.new("RGB", (8, 8)).save(place.path(7))
    again = place.pictures(counting)
    assert counting.asked == 12 and (again.int() - first.int()).abs().max() <= 1
    assert not list(tmp_path.rglob("*.tmp"))
    other = SwapStore(tmp_path, "tiny", "ab" * 32, test_pairs(people, count=9, seed=1))
    assert other.folder != place.folder != SwapStore(tmp_path, "tiny", "cd" * 32, pairs).folder
    streets = [SwapStore(tmp_path, "tiny", "ab" * 32, pairs, name).folder for name in ("drawn", "target", "source")]
    assert len(set(streets)) == 3 and streets[0] == place.folder


def test_an_interrupted_translation_goes_on(tmp_path, people, network):
    pairs = test_pairs(people, count=12)

    class Tired(Counting):
        def swap(self, source, target, **options):
            if self.asked >= 8:
                raise KeyboardInterrupt
            return super().swap(source, target, **options)

    place = SwapStore(tmp_path, "tiny", "ab" * 32, pairs)
    with pytest.raises(KeyboardInterrupt):
        place.pictures(Tired(network), batch=4)
    fresh = Counting(network)
    place.pictures(fresh, batch=4)
    assert fresh.asked == 4


def test_features_are_computed_once_and_damage_is_noticed(tmp_path):
    card = NetworkCard("net", "0" * 64, "none", "[-1, 1]")
    pictures = torch.randint(256, (6, 3, 16, 8), dtype=torch.uint8)
    calls = []

    def make() -> Features:
        calls.append(1)
        return Features(card, "noise", (16, 8), torch.arange(12.0).view(6, 2), torch.ones(6, 3), "circles")

    first, second = (stored_features(tmp_path, card, "noise", pictures, make) for _ in range(2))
    assert len(calls) == 1 and torch.equal(first.values, second.values) and torch.equal(first.logits, second.logits)
    assert (second.network, second.masks, second.size) == (card, "circles", (16, 8))
    stored_features(tmp_path, replace(card, weights="1" * 64), "noise", pictures, make)
    stored_features(tmp_path, card, "noise", 255 - pictures, make)
    assert len(calls) == 3
    for file in (tmp_path / "features").glob("*.safetensors"):
        content = bytearray(file.read_bytes())
        content[-3] ^= 64  # one bit of one number
        file.write_bytes(content)
    assert torch.equal(stored_features(tmp_path, card, "noise", pictures, make).values, first.values)
    assert len(calls) == 4


def test_stored_features_are_known_by_what_the_masks_leave(tmp_path, monkeypatch):
    card = NetworkCard("net", "0" * 64, "none", "[-1, 1]")
    rng = torch.Generator().manual_seed(0)
    pictures = torch.randint(1, 256, (5, 3, 16, 8), dtype=torch.uint8, generator=rng)
    masks = torch.rand(5, 16, 8, generator=rng) < 0.5
    features = Features(card, "noise", (16, 8), torch.zeros(5, 2))
    monkeypatch.setattr("momi_lib.evaluate.cache.TOGETHER", 2)  # in parts
    stored_features(tmp_path, card, "noise", pictures, lambda: features, masks)

    def fail() -> Features:
        raise AssertionError("computed a second time")

    shown = pictures * masks[:, None]
    stored_features(tmp_path, card, "noise", shown, fail)
    behind = 7 * (~masks[:, None]).byte()  # other colours where it is hidden
    stored_features(tmp_path, card, "noise", shown + behind, fail, masks)
    calls = []
    for changed in (masks.roll(1, 0), None):
        stored_features(tmp_path, card, "noise", pictures, lambda: calls.append(1) or features, changed)
    assert len(calls) == 2


def test_pictures_alike_where_the_mask_shows_them_are_one():
    pictures = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1).repeat(1, 3, 2, 2)
    masks = torch.ones(4, 2, 2, dtype=torch.bool)
    assert len(distinct(pictures, masks)[0]) == 4
    pictures[3, :, 0], masks[3, 1], masks[0, 1] = 0, False, False
    first, place = distinct(pictures, masks)
    assert first.tolist() == [0, 1, 2] and place.tolist() == [0, 1, 2, 0]
    assert rows(pictures, torch.arange(4)) is pictures


def test_identities_of_gaussian_people_are_told_apart_as_theory_says():
    """Two classes of unit variance at ±1: p(first | x) = sigmoid(-2x)."""
    rng = torch.Generator().manual_seed(0)
    values = torch.randn(40_000, 1, generator=rng)
    values[:20_000] -= 1
    values[20_000:] += 1
    classify = IdentityClassifier(values, torch.arange(2).repeat_interleave(20_000), shrinkage=1e-6)
    x = torch.tensor([[-1.0], [0.0], [0.5]])
    assert torch.allclose(classify(x).softmax(1)[:, 0], torch.sigmoid(-2 * x[:, 0]), atol=0.02)


@pytest.mark.parametrize("persons", [[1, 1, 1, 1], [1, 2, 3, 4]])
def test_identities_need_two_people_and_one_twice(persons):
    with pytest.raises(ValueError, match="at least two people and one of them twice"):
        IdentityClassifier(torch.rand(4, 3), torch.tensor(persons))


def test_with_all_shrinkage_the_nearest_mean_decides():
    """Means (0, 1) and (5, 1); the variance is 4 along x and 1 along y, so 2.5 in all directions."""
    values, persons = torch.tensor([[0.0, 0.0], [0.0, 2.0], [3.0, 1.0], [7.0, 1.0]]), torch.tensor([7, 7, 9, 9])
    first, second = IdentityClassifier(values, persons, shrinkage=1.0)(torch.tensor([[2.0, 3.0]]))[0].tolist()
    assert first - second == pytest.approx((13 - 8) / (2 * 2.5), abs=1e-5)
    for share in (0.0, 1.01):
        with pytest.raises(ValueError, match=r"shrinkage: expected a number in \(0, 1\]"):
            IdentityClassifier(values, persons, shrinkage=share)


def test_whom_there_are_more_pictures_of_is_expected_more_often():
    """As above, but three times as many pictures of the first: log(3) more for it, at every place."""
    values = torch.tensor(3 * [[0.0, 0.0], [0.0, 2.0]] + [[3.0, 1.0], [7.0, 1.0]])
    classify = IdentityClassifier(values, torch.tensor(6 * [7] + 2 * [9]), shrinkage=1.0)
    spread = (6 + 8) / 6 / 2  # of 8 pictures around 2 means, in 2 directions
    first, second = classify(torch.tensor([[2.0, 3.0]]))[0].tolist()
    assert first == pytest.approx((2 * 0 + 3 * 1) / spread - 1 / (2 * spread) + math.log(6 / 8), abs=1e-5)
    assert second == pytest.approx((2 * 5 + 3 * 1) / spread - 26 / (2 * spread) + math.log(2 / 8), abs=1e-5)
    assert classify(torch.zeros(0, 2)).shape == (0, 2)


def test_people_who_always_look_the_same_say_nothing_of_how_much_they_vary():
    values = torch.tensor([[0.0, 1.0], [0.0, 1.0], [3.0, 1.0], [3.0, 1.0]])
    with pytest.raises(ValueError, match="all alike; nothing says how much they vary"):
        IdentityClassifier(values, torch.tensor([7, 7, 9, 9]))


def test_pose_agreement_counts_what_is_off():
    landmarks = torch.stack([torch.linspace(10, 50, 17), torch.linspace(10, 110, 17)], dim=1).repeat(2, 1, 1)
    seen = torch.ones(2, 17, dtype=torch.bool)
    wanted = Joints(landmarks, seen, "made up")
    moved = landmarks.clone()
    moved[0, 5:11] += 50  # half of one picture's twelve body joints
    moved[:, :5] += 50  # the head is not judged
    score = pose_agreement(Joints(moved, seen, ""), wanted, network="n[1]", pictures="swaps", size=(128, 64))
    assert score.value == pytest.approx(0.75) and score.error == pytest.approx(0.25)
    with pytest.raises(ValueError, match="no body joint is seen"):
        pose_agreement(wanted, wanted._replace(seen=~seen), network="n", pictures="swaps", size=(128, 64))


def test_joints_are_found_and_read(people, network):
    joints = find_joints(network.student, "student", people.pictures[:3])
    assert joints.landmarks.shape == (3, 17, 2) and "student" in joints.origin
    assert torch.equal(labelled_joints(people).seen, people.visibility == 2)
    assert labelled_joints(replace(people, joints=None)) is None


def test_joints_are_found_where_the_network_itself_decodes_them(people):
    torch.manual_seed(0)
    network = MomiNet(replace(preset("tiny").network, decode_at="full")).eval()
    pictures = people.pictures[:3]
    with torch.no_grad():
        expected = network.pose(to_float(pictures)).landmarks
    found = {up: find_joints(network.student, "s", pictures, decoder="argmax", upsample=up) for up in (True, False)}
    torch.testing.assert_close(found[True].landmarks, expected)
    assert not torch.equal(found[False].landmarks, expected)
    scores = [score_landmarks(network.student, people.select(slice(3)), upsample=up) for up in (True, False)]
    assert scores[0]["visible_joints"] == scores[1]["visible_joints"]


def fewer(patch):
    """An eighth of the pictures and eight true swaps: all of them take minutes."""
    patch.setattr(module, "load_truth", lambda folder: load_truth(folder).select(slice(8)))
    patch.setattr(module, "load", lambda *args, **options: load(*args, **options).select(slice(None, None, 8)))


class Echo:
    """What anybody may bring along: it has a size, needs pictures alone, and answers with the target."""

    config, needs = SimpleNamespace(size=(128, 64)), frozenset()

    def swap(self, source, target):
        return target


@pytest.fixture(scope="module")
def results(tmp_path_factory, network):
    out = tmp_path_factory.mktemp("table")
    weights = save_network(network, out / "untrained.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        fewer(patch)
        table = table_one([str(weights), Echo()], out=out / "results", count=24, pose_pairs=6)
    return table, out / "results"


def test_the_table_is_written_three_ways_with_all_conditions(results):
    table, out = results
    answers = ["real pictures", "copy source", "copy target", "untrained", "Echo"]
    assert [line["answer"] for line in table["rows"]] == answers
    assert json.loads((out / "table.json").read_text()) == json.loads(json.dumps(table))
    ours = table["rows"][3]["scores"]
    assert ours["FID"]["name"] == "FID[mannequin-vgg]" and ours["FID"]["count"] == 24
    assert ours["mask-IS"]["name"] == "mask-IS[mannequin-vgg]" and "limb polygons" in ours["mask-IS"]["masks"]
    assert ours["PCK"]["count"] == 6 and ours["PCK"]["network"].startswith("mannequin-teacher[")
    known = {"APS trained on mannequins"}  # of an eighth of the people nobody has learned exactly these
    assert {name for name in ours if name.startswith("APS")} == known
    assert all(ours[name]["name"].startswith("APS[mannequin-vgg, ") and ours[name]["count"] == 24 for name in known)
    assert ours["truth"]["count"] == 8 and ours["perceptual"]["network"].startswith("mannequin-vgg[")
    assert "FID" not in table["rows"][0]["scores"]  # real pictures are the reference
    lines = list(csv.reader((out / "table.csv").open()))
    assert lines[0] == ["answer", "weights_sha256", "score", "name", "value", "spread"]
    assert {line[0] for line in lines[1:]} >= {"untrained", "the paper: MOMI-Net"}
    assert len(load_pairs(out / "pairs.csv", load(None, "test"))) == table["pairs"] == 24


def test_an_object_with_swap_is_a_row_like_any_other(results):
    table, out = results
    copied, echo = (table["rows"][place] for place in (2, 4))
    assert echo["given"] == "RGB" and echo["weights_sha256"] is None and "given" not in copied
    for name, score in echo["scores"].items():
        assert score.get("value", score.get("l1")) == copied["scores"][name].get("value", score.get("l1")), name
    assert not list((out / "cache").rglob("Echo*")) and list((out / "cache").rglob("untrained*"))
    assert "given" not in (out / "table.md").read_text()  # nobody was given more than pictures


def test_copies_are_told_from_swaps(results):
    """A copy of the target has its pose; a copy of the source has not."""
    table, _ = results
    scores = {line["answer"]: line["scores"] for line in table["rows"]}
    assert scores["copy target"]["PCK"]["value"] > 0.9 > scores["copy source"]["PCK"]["value"]
    assert scores["copy target"]["FID"]["value"] < scores["untrained"]["FID"]["value"]


def test_the_papers_numbers_are_there_grey_and_never_under_another_name(results):
    table, out = results
    text = (out / "table.md").read_text()
    assert "other data, not comparable" in text
    assert "KID: kernel inception distance" in text and "PCK: percentage of correct key points" in text
    for answer, values in PAPER.items():
        line = next(line for line in text.splitlines() if f"the paper: {answer}*" in line)
        shown = values if "APS as in the paper" in columns(table["rows"]) else values[:3]
        assert line.count("color:gray") == 1 + sum(v is not None for v in shown)
    assert columns(table["rows"])[:3] == ["IS", "mask-IS", "FID"]


def test_aps_stands_beside_the_papers():
    line = row("momi-x", {"APS held out": {"name": "APS[n, held out]", "value": 0.5},
                          "APS as in the paper": {"name": "APS[n, as in the paper]", "value": 0.9, "copy": 0.99,
                                                  "real": {"same": 0.8, "different": 0.1}}})  # fmt: skip
    facts = {"command": "c", "device": "d", "date": "2026-01-01", "pairs": 9, "pairs_sha256": "0" * 64, "seed": 0}
    text = markdown({"rows": [line], **facts})
    assert next(entry for entry in text.splitlines() if "MOMI-Net" in entry).endswith(
        '|  | <span style="color:gray">*0.9026*</span> |'
    )
    assert "APS[n, as in the paper] of real pairs: 0.800 of one person, 0.100 of two; of a copy: 0.990." in text
    assert "APS[n, held out]" in comma_separated({"rows": [line]})


def test_who_was_given_a_pose_has_it_said_in_every_form():
    scores = {"FID": {"name": "FID[net]", "value": 3.0}}
    lines = [row("real pictures", scores), row("momi-x", scores, "ab", {"given": "RGB"}),
             row("pg2", scores, "cd", {"given": "RGB + target pose (teacher)", "poses_sha256": "ef"})]  # fmt: skip
    facts = {"command": "c", "device": "d", "date": "2026-01-01", "pairs": 9, "pairs_sha256": "0" * 64, "seed": 0}
    text = markdown({"rows": lines, **facts}).splitlines()
    assert text[0] == "| answer | given | FID[net] ↓ |" and text[2] == "| real pictures | – | 3.00 |"
    assert text[3:5] == ["| momi-x | RGB | 3.00 |", "| pg2 | RGB + target pose (teacher) | 3.00 |"]
    assert {line.count("|") for line in text[: 5 + len(PAPER)]} == {4}
    table = list(csv.reader(comma_separated({"rows": lines}).splitlines()))
    assert [line[-1] for line in table[:4]] == ["given", "–", "RGB", "RGB + target pose (teacher)"]
    assert {len(line) for line in table} == {7}
    assert "given" not in markdown({"rows": lines[:2], **facts}) + comma_separated({"rows": lines[:2]})


def test_missing_weights_are_found_out_before_anything_is_drawn(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such weights"):
        table_one(["no such weights"], out=tmp_path)
    assert not list(tmp_path.iterdir())


TOGETHER = """
import sys
from pathlib import Path
import torch
from momi_lib.data import load, load_truth
from momi_lib.evaluate import table_one as module

torch.set_num_threads(1)
module.load_truth = lambda folder: load_truth(folder).select(slice(8))
module.load = lambda *args, **options: load(*args, **options).select(slice(None, None, 8))
module.table_one([sys.argv[1]], out=Path(sys.argv[2]), count=24, pose_pairs=6)
"""


@pytest.mark.slow
@pytest.mark.thorough
def test_two_processes_make_the_same_table(results, tmp_path):
    """Each draws its half of the swaps; the first scores all of them."""
    table, out = results
    script, weights = tmp_path / "together.py", out.parent / "untrained.safetensors"
    script.write_text(TOGETHER)
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0",
              "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", str(script)]  # fmt: skip
    done = subprocess.run([*launch, str(weights), str(tmp_path / "together")], capture_output=True, text=True,
                          timeout=600, env=os.environ | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    ours = json.loads((tmp_path / "together" / "table.json").read_text())
    assert ours["pairs_sha256"] == table["pairs_sha256"]
    alone = json.loads(json.dumps(table))["rows"][:-1]  # of weights in files, whose swaps can be shared
    for mine, theirs in zip(ours["rows"], alone, strict=True):
        assert mine["answer"] == theirs["answer"]
        for name, score in theirs["scores"].items():
            for key in ("value", "l1", "ssim"):
                if key in score:
                    assert mine["scores"][name][key] == pytest.approx(score[key], rel=1e-3, abs=1e-4), name
