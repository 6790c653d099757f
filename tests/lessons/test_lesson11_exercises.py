"""The exercises about the rivals can do their work, and their answers are what the library computes."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from momi_lib.lessons.exercises.lesson11 import EXERCISES
from momi_lib.metrics.true_swaps import masked_l1
from momi_lib.rivals.dg_net import PRESETS
from momi_lib.rivals.dg_net.networks import AdaInDecoder
from momi_lib.rivals.pg2 import pose_mask_l1
from momi_lib.study.rival_scores import SamePersonPairs
from momi_lib.study.rival_scores import gap as gap_of_the_race
from momi_lib.translate.attention import PoseAttentionBlock


@pytest.mark.parametrize("name", EXERCISES)
def test_mistakes_are_told_apart(name: str) -> None:
    EXERCISES[name].verify()
    assert len({hint.lower() for hint in EXERCISES[name].wrong}) >= 5


def test_the_mask_loss_is_the_librarys() -> None:
    for case in EXERCISES["mask_l1"].cases():
        torch.testing.assert_close(EXERCISES["mask_l1"].reference(*case), pose_mask_l1(*case))


def test_the_blocks_are_the_decoders() -> None:
    """DG-Net's blocks, once their convolutions pass everything on."""
    features, scales, shifts = EXERCISES["adain_by_stripes"].cases()[-1]
    decoder = AdaInDecoder(replace(PRESETS["small"], width=1)).requires_grad_(False)  # 8 channels, 4 stripes
    theirs = features
    for k, block in enumerate(decoder.blocks):
        for layer in block.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.dirac_(layer.weight)
                nn.init.constant_(layer.bias, 0.0)
        theirs = block(theirs, scales[:, k], shifts[:, k])
    mine = EXERCISES["adain_by_stripes"].reference(features, scales, shifts)
    torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("block", ["pat", "normed"])
def test_the_gates_are_those_of_the_blocks(block) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = PoseAttentionBlock(4, first=False, block=block).requires_grad_(False)
        x1, x2 = torch.randn(3, 4, 6, 5), torch.randn(3, 8, 6, 5)
        torch.manual_seed(1)  # dropout
        expected = theirs(x1, x2)[:2]
        torch.manual_seed(1)
        h1 = theirs.appearance(x1)
        layers = theirs.pose[:-1] if block == "normed" else theirs.pose  # up to the norm before the gate
        found = EXERCISES["gate_step"].reference(x1, h1, layers(x2), block == "normed")
    for mine, right in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, right, atol=1e-5, rtol=1e-5)


def test_the_gap_is_the_races() -> None:
    for drawn, real, masks, strangers in EXERCISES["gap"].cases():
        each = masked_l1(drawn, real, masks)
        mine = EXERCISES["gap"].reference(drawn, real, masks, strangers)
        torch.testing.assert_close(mine, each[strangers].nanmean() - each[~strangers].nanmean())

        known = (~strangers).nonzero()[:, 0]
        numbers = torch.arange(len(drawn))
        people = SimpleNamespace(pictures=real, masks=masks, persons=numbers)
        truth = SimpleNamespace(people=people, pictures=real[strangers], masks=masks[strangers],
                                source=numbers[strangers], target=numbers[strangers])  # fmt: skip
        others = SamePersonPairs(known, known, torch.zeros(len(known)), torch.zeros(len(known)))
        theirs = gap_of_the_race(drawn[strangers], drawn[known], truth, others)
        assert theirs["gap"] == pytest.approx(float(mine), abs=2e-5)
