"""Truth scores against numbers worked out by hand, and the table made of them."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from momi_lib.data import People, Truth
from momi_lib.evaluate import swap_all
from momi_lib.evaluate.figure import choose
from momi_lib.evaluate.truth_judges import Judges, forget
from momi_lib.evaluate.truth_table import TRUE, markdown, truth_table
from momi_lib.metrics import masked_l1, masked_ssim, score_truth, sharpness
from momi_lib.train import preset
from momi_lib.translate import MomiNet, save_network

ROOT = Path(__file__).resolve().parents[2]


def test_masked_l1_counts_the_mask_alone():
    truth = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    drawn = truth.clone()
    drawn[0, :, :8] = 51  # a fifth of the range, on the upper half
    drawn[1, 0] = 255  # one channel of three
    mask = torch.zeros(2, 16, 16, dtype=torch.bool)
    mask[:, :4] = True
    torch.testing.assert_close(masked_l1(drawn, truth, mask), torch.tensor([0.2, 1 / 3]))
    assert masked_l1(drawn, truth, ~mask)[0] == pytest.approx(0.2 * 4 / 12)


def test_masked_ssim_is_one_for_the_truth_and_falls_with_damage():
    rng = torch.Generator().manual_seed(0)
    truth = torch.randint(256, (1, 3, 32, 32), generator=rng, dtype=torch.uint8)
    mask = torch.ones(1, 32, 32, dtype=torch.bool)
    damaged = truth.clone()
    damaged[..., :16] = 128
    assert masked_ssim(truth, truth, mask).item() == pytest.approx(1)
    assert masked_ssim(damaged, truth, mask).item() < 0.7
    right = mask.clone()
    right[..., :22] = False  # the window of 11 pixels reaches over the damage by five
    assert masked_ssim(damaged, truth, right).item() == pytest.approx(1, abs=1e-4)


def test_what_lies_outside_the_mask_counts_nothing():
    rng = torch.Generator().manual_seed(0)
    truth = torch.randint(256, (3, 3, 32, 32), generator=rng, dtype=torch.uint8)
    truth[1] //= 8  # dark and flat
    truth[2] = 77
    mask = torch.zeros(3, 32, 32, dtype=torch.bool)
    mask[:, 3:30, 9:14] = True  # as wide as an arm: every window reaches over its silhouette
    drawn = torch.where(mask[:, None], truth, 255 - truth)
    assert (masked_ssim(drawn, truth, mask) == 1).all()
    assert (masked_l1(drawn, truth, mask) == 0).all() and sharpness(drawn, truth, mask) == 1
    damaged = drawn.clone()
    damaged[:, :, 10:20, 9:14] = 0
    assert (masked_ssim(damaged, truth, mask) < 0.95).all()


def test_ssim_of_the_person_before_the_truths_background():
    """The formula with a window of whole pictures pasted by hand."""
    rng = torch.Generator().manual_seed(1)
    truth, drawn = torch.randint(256, (2, 1, 3, 32, 32), generator=rng, dtype=torch.uint8)
    mask = torch.zeros(1, 32, 32, dtype=torch.bool)
    mask[:, 4:20, 8:20] = True
    pasted = torch.where(mask[:, None], drawn, truth)
    assert torch.equal(masked_ssim(drawn, truth, mask), masked_ssim(pasted, truth, mask))


def test_sharpness_counts_neighbours_that_are_both_inside():
    truth = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    mask = torch.zeros(2, 16, 16, dtype=torch.bool)
    mask[:, 4:8, 4:8] = True
    truth[0, :, 5, 5] = 10  # four neighbours inside: 4 · 100 a channel
    truth[:, :, :4] = 255  # outside
    drawn = truth.clone()
    drawn[0, :, 5, 5] = 5
    assert sharpness(truth, truth, mask) == 1
    assert sharpness(drawn, truth, mask) == 0.25
    drawn[1, 0, 4, 4] = 20  # a corner: two neighbours inside, in one channel, of another picture
    assert sharpness(drawn, truth, mask) == pytest.approx((4 * 25 * 3 + 2 * 400) / (4 * 100 * 3))
    assert sharpness(drawn[1:], truth[1:], mask[1:]) != sharpness(drawn[1:], truth[1:], mask[1:])  # NaN


def test_sharpness_counts_changes_along_rows_and_along_columns():
    truth = torch.zeros(1, 3, 2, 4, dtype=torch.uint8)
    drawn, mask = truth.clone(), torch.ones(1, 2, 4, dtype=torch.bool)
    truth[..., 1:] = 10  # a step in each of two rows
    drawn[..., 1:, :] = 10  # a step in each of four columns
    assert sharpness(drawn, truth, mask) == 2


@pytest.mark.parametrize("dark", [102, 3])  # where it is dark the constant counts
def test_ssim_of_constants_is_the_formula(dark):
    a, b = (torch.full((1, 3, 16, 16), value, dtype=torch.uint8) for value in (dark, 2 * dark))
    c1, x, y = 0.01**2, dark / 255, 2 * dark / 255
    expected = (2 * x * y + c1) / (x**2 + y**2 + c1)
    assert masked_ssim(a, b, torch.ones(1, 16, 16, dtype=torch.bool)).item() == pytest.approx(expected, abs=1e-4)


def test_wrong_inputs_are_named():
    picture, mask = torch.zeros(1, 3, 16, 16, dtype=torch.uint8), torch.ones(1, 16, 16, dtype=torch.bool)
    with pytest.raises(ValueError, match="uint8"):
        masked_l1(picture.float(), picture, mask)
    for truth, wrong, named in ((picture.float(), mask, "truth"), (picture, mask.float(), "masks")):
        with pytest.raises(ValueError, match=f"{named}: expected"):
            masked_l1(picture, truth, wrong)
    with pytest.raises(ValueError, match="masks"):
        masked_l1(picture, picture, mask[:, :8])


@pytest.mark.parametrize(("persons", "error"), [((1, 2, 3, 4), (1 / 3) ** 0.5 / 2), ((1, 1, 2, 2), 0.5)])
def test_errors_are_standard_errors_by_person(persons, error):
    index = torch.arange(4)
    truth = SimpleNamespace(
        pictures=torch.zeros(4, 3, 16, 16, dtype=torch.uint8), masks=torch.ones(4, 16, 16, dtype=torch.bool),
        people=SimpleNamespace(persons=torch.tensor(persons)), source=index, target=index,
    )  # fmt: skip
    drawn = truth.pictures.clone()
    drawn[:2] = 255
    scores = score_truth(drawn, truth)
    assert (scores.l1, scores.count) == (0.5, 4)
    assert scores.l1_error == pytest.approx(error)


def test_what_has_no_mask_is_not_judged():
    index = torch.arange(4)
    truth = SimpleNamespace(
        pictures=torch.zeros(4, 3, 16, 16, dtype=torch.uint8), masks=torch.ones(4, 16, 16, dtype=torch.bool),
        people=SimpleNamespace(persons=torch.tensor([3, 5, 7, 9])), source=index, target=index.flip(0),
    )  # fmt: skip
    truth.masks[2] = False
    drawn = truth.pictures.clone()
    drawn[1:3] = 255
    scores = score_truth(drawn, truth)
    assert masked_l1(drawn, truth.pictures, truth.masks).isnan().tolist() == [False, False, True, False]
    assert (scores.l1, scores.count) == (pytest.approx(1 / 3), 3) and 0 < scores.ssim < 1
    assert scores.l1_error == pytest.approx(1 / 3)  # means without each of three: 1/2, 0 and 1/2
    with pytest.raises(FrozenInstanceError):
        scores.l1 = 0.0


def test_of_no_pictures_there_are_no_scores():
    none, masks = torch.zeros(0, 3, 16, 16, dtype=torch.uint8), torch.zeros(0, 16, 16, dtype=torch.bool)
    assert masked_l1(none, none, masks).shape == masked_ssim(none, none, masks).shape == (0,)
    assert math.isnan(sharpness(none, none, masks))


def test_swap_all_is_swap_in_batches():
    from momi_lib.data import to_float, to_uint8

    torch.manual_seed(0)
    network = MomiNet(preset("tiny").network).eval()
    pictures = torch.randint(256, (5, 3, 128, 64), dtype=torch.uint8)
    expected = to_uint8(network.swap(to_float(pictures), to_float(pictures.flip(0)))).int()
    drawn = swap_all(network, pictures, pictures.flip(0), batch=2).int()
    assert (drawn - expected).abs().max() <= 1
    with pytest.raises(ValueError, match="as many"):
        swap_all(network, pictures, pictures[:2])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = MomiNet(preset("tiny").network)
    return save_network(network, tmp_path_factory.mktemp("w") / "untrained.safetensors")


@pytest.mark.thorough
def test_the_table_has_honest_baselines(weights):
    table = truth_table([str(weights)], limit=6, named=False)
    assert [row["answer"] for row in table["rows"]] == ["copy source", "copy target", "mean picture", "untrained", TRUE]
    *answers, real = table["rows"]
    assert all(0 < row["l1"] < 1 and row["count"] == 6 for row in answers)
    assert (real["l1"], real["perceptual"]) == (0, 0) and real["ssim"] == pytest.approx(1)
    assert real["sharpness"] == 1 and all(row["sharpness"] > 0 for row in answers) and "st_lpips_vgg" not in real
    assert all(0 <= row[name] <= 1 for row in table["rows"] for name in ("pck", "confusion", "rank1"))
    assert table["features"].startswith("mannequin-vgg[") and table["teacher"].startswith("mannequin-teacher[")
    text = markdown(table)
    assert "| copy source |" in text and "6 swaps of held-out identities" in text
    with pytest.raises(ValueError, match="limit"):
        truth_table([], limit=0)


def test_scores_are_kept_and_asked_for_once(tmp_path, monkeypatch, caplog):
    asked, keep, people = [], tmp_path / "truth.json.parts", SimpleNamespace(fingerprint="abc")
    monkeypatch.setattr(Judges, "_score", lambda _, pictures: asked.append(pictures) or {"l1": float(len(asked))})
    black, white = (torch.full((2, 3, 4, 4), value, dtype=torch.uint8) for value in (0, 255))
    usual = Truth(people, torch.arange(2), torch.arange(2), white, white[:, 0] > 0, torch.zeros(2, 17, 2),
                  torch.zeros(2, 17, dtype=torch.uint8))  # fmt: skip

    def score(pictures: Tensor, truth: Truth = usual, **conditions: Any) -> float:
        some = object.__new__(Judges)  # without the networks
        some.truth, some.device, some.keep, some.conditions = truth, "cpu", keep, conditions
        return some.score(pictures)["l1"]

    assert [score(one) for one in (black, white, black, white)] == [1, 2, 1, 2]
    assert score(black, missing={"lpips_alex": "no network today"}) == 1
    others = [{"masks": black[:, 0] > 0}, {"pictures": black}, {"joints": torch.ones(2, 17, 2)},
              {"target": torch.ones(2)}, {"people": SimpleNamespace(fingerprint="def")}]  # fmt: skip
    assert [score(black, replace(usual, **other)) for other in others] == [3, 4, 5, 6, 7]
    assert score(black, teacher="another") == 8 and score(black) == 1
    for file in keep.iterdir():
        file.write_text("{", encoding="utf-8")  # the disk kept half of it
    assert score(black) == 9 and "damaged; the judges are asked again" in caplog.text
    assert score(black) == 9
    (keep / f".{'0' * 16}.json.tmpx").write_text("{", encoding="utf-8")  # of a run that was killed
    (keep / "notes.txt").write_text("mine", encoding="utf-8")
    forget(keep)
    assert [file.name for file in keep.iterdir()] == ["notes.txt"]
    (keep / "notes.txt").unlink()
    forget(keep)
    assert not keep.exists()
    forget(keep)  # nothing was kept
    keep.write_text("a file", encoding="utf-8")
    assert score(black) == 10 and "not kept" in caplog.text and keep.is_file()


@pytest.mark.thorough
def test_a_table_that_was_stopped_goes_on(weights, tmp_path, monkeypatch):
    asked, keep = [], tmp_path / "truth.parts"
    score = Judges._score

    def stops(self: Judges, pictures: Tensor) -> dict:
        if len(asked) == 2:
            raise KeyboardInterrupt
        asked.append(pictures)
        return score(self, pictures)

    monkeypatch.setattr(Judges, "_score", stops)
    with pytest.raises(KeyboardInterrupt):
        truth_table([str(weights)], limit=6, named=False, keep=keep)
    monkeypatch.setattr(Judges, "_score", lambda self, pictures: asked.append(pictures) or score(self, pictures))
    rows = truth_table([str(weights)], limit=6, named=False, keep=keep)["rows"]
    assert len(asked) == len(rows) == 5  # each answer once
    monkeypatch.undo()
    never_stopped = truth_table([str(weights)], limit=6, named=False)["rows"]
    assert json.dumps(never_stopped) == json.dumps(rows)  # as text, because six swaps have errors that are no numbers


def test_shown_swaps_are_drawn_at_random_one_a_person():
    persons = torch.tensor([1, 1, 2, 2, 3, 3])
    people = People(Path(), "test", ("",) * 6, None, persons, None, None, None, None, "")
    truth = Truth(people, torch.arange(6), torch.arange(6), None, None, None, None)
    chosen = choose(truth, 3, seed=0)
    assert sorted(persons[chosen].tolist()) == [1, 2, 3]
    with pytest.raises(ValueError, match="rows: expected 1 to 3 "):
        choose(truth, 4, seed=0)


def test_the_page_of_results_shows_the_committed_ones():
    """The table is what the command wrote, and nobody typed it."""
    results = ROOT / "benchmarks/results/truth.json"
    text = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    assert markdown(json.loads(results.read_text(encoding="utf-8"))) in text
