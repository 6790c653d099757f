"""The Inception Score: extremes, a loop by hand, parity with torchmetrics, and its conditions."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import pytest
import torch
from torch import nn
from torchmetrics.image.inception import InceptionScore as Reference

from momi_lib.metrics.features import Features, NetworkCard
from momi_lib.metrics.inception_score import inception_score, split_scores

CARD = NetworkCard("inception-v3-torchvision", 64 * "a", "299 x 299", "bytes to [-1, 1]")


def some_logits(n, c, seed=0):
    return 2 * torch.randn(n, c, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def described(logits, **others):
    return Features(CARD, "swaps", (128, 64), torch.zeros(len(logits), 2), logits, **others)


def test_one_where_all_predictions_are_equal():
    score = inception_score(described(some_logits(1, 7).expand(40, 7)))
    assert score.value == pytest.approx(1, abs=1e-12) and score.deviation == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 10])
def test_the_number_of_classes_where_each_is_certain_and_as_frequent(classes):
    logits = 1e4 * torch.eye(classes).repeat(6, 1)
    assert split_scores(logits, splits=3).tolist() == pytest.approx([classes] * 3, rel=1e-12)
    unused = torch.cat([logits, torch.full((len(logits), 3), -1e4)], dim=1)  # classes that nobody has are no NaN
    assert split_scores(unused, splits=3).tolist() == pytest.approx([classes] * 3, rel=1e-12)


def test_by_hand():
    logits, scores = some_logits(23, 5), []
    for start, stop in ((0, 5), (5, 11), (11, 17), (17, 23)):
        rows = []
        for row in logits[start:stop].tolist():
            total = sum(math.exp(value) for value in row)
            rows.append([math.exp(value) / total for value in row])
        mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        divergence = [sum(p * math.log(p / q) for p, q in zip(row, mean, strict=True)) for row in rows]
        scores.append(math.exp(sum(divergence) / len(rows)))
    assert split_scores(logits, splits=4).tolist() == pytest.approx(scores, rel=1e-12)
    score = inception_score(described(logits), splits=4)
    average = sum(scores) / 4
    assert score.value == pytest.approx(average, rel=1e-12)
    assert score.deviation == pytest.approx((sum((s - average) ** 2 for s in scores) / 4) ** 0.5, rel=1e-9)


class Given(nn.Module):
    """A network that answers with given logits."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, pictures):
        assert len(pictures) == len(self.logits)
        return self.logits


@pytest.mark.parametrize("splits", [1, 4])
@pytest.mark.filterwarnings("ignore:Metric `InceptionScore` will save")
@pytest.mark.filterwarnings("ignore:std")  # of one split, which torchmetrics takes all the same
def test_agrees_with_torchmetrics(splits):
    logits = some_logits(40, 6, seed=splits)
    metric = Reference(feature=Given(logits), splits=splits)
    metric.update(torch.zeros(40, 3, 2, 2, dtype=torch.uint8))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        order = torch.randperm(40)
        torch.manual_seed(0)  # it shuffles by the global generator
        mean, deviation = metric.compute()
    ours = inception_score(described(logits[order]), splits=splits)
    assert ours.value == pytest.approx(float(mean), rel=1e-9)
    if splits > 1:  # theirs is divided by one less
        assert ours.deviation * (splits / (splits - 1)) ** 0.5 == pytest.approx(float(deviation), rel=1e-9)


def test_the_order_counts_and_the_seed_shuffles():
    logits = 50 * torch.eye(4).repeat_interleave(5, 0)  # sorted by class: each split knows one class
    assert inception_score(described(logits), splits=4).value == pytest.approx(1)
    shuffled = [inception_score(described(logits), splits=4, seed=seed) for seed in (0, 0, 1)]
    assert shuffled[0] == shuffled[1] != shuffled[2] and shuffled[0].value > 1.5
    whole = [inception_score(described(logits), splits=1, seed=seed).value for seed in (None, 0)]
    assert whole == pytest.approx([4, 4])


def test_it_is_computed_in_double_precision():
    logits = some_logits(30, 5).float()
    assert torch.equal(split_scores(logits, splits=3), split_scores(logits.double(), splits=3))


def test_the_conditions_stand_beside_it():
    score = inception_score(described(some_logits(20, 3)), seed=5)
    assert score.name == "IS[inception-v3-torchvision]"
    assert (score.splits, score.seed, score.count, score.network) == (10, 5, 20, CARD)
    for condition in ("10 splits of 20 pictures 128 x 64, shuffled by seed 5: swaps", "weights aaaaaaaa", "299 x 299"):
        assert condition in str(score)
    masked = inception_score(described(some_logits(20, 3), masks="limbs"))
    assert masked.name == "mask-IS[inception-v3-torchvision]" and "masks limbs" in str(masked)


def test_refusals():
    with pytest.raises(ValueError, match="gives no logits.*evaluation_network"):
        inception_score(Features(CARD, "swaps", (128, 64), torch.zeros(20, 2)))
    for splits in (0, 21, 2.0):
        with pytest.raises(ValueError, match="splits: expected"):
            split_scores(torch.zeros(20, 3), splits=splits)
    with pytest.raises(ValueError, match=r"logits: expected logits \(N, C\) float"):
        split_scores(torch.zeros(20, 3, dtype=torch.int64))
    with pytest.raises(ValueError, match="logits: expected finite numbers"):
        split_scores(torch.full((20, 3), torch.nan))


def test_ten_splits_are_usual_and_a_score_stays_what_it_is():
    assert len(split_scores(some_logits(20, 3))) == 10
    with pytest.raises(FrozenInstanceError):
        inception_score(described(some_logits(20, 3))).value = 9.0


def test_every_picture_may_be_a_split_of_its_own():
    assert split_scores(some_logits(5, 3), splits=5).tolist() == pytest.approx(5 * [1.0])
