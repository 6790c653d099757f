"""Limb masks: where a person is, from landmarks alone."""

from __future__ import annotations

import pytest
import torch

from momi_lib.data import load
from momi_lib.pose.limbs import SEGMENTS, limb_masks


def test_distance_to_a_segment_is_exact():
    landmarks, valid = torch.zeros(1, 17, 2), torch.zeros(1, 17, dtype=torch.bool)
    valid[0, [7, 9]] = True  # a forearm alone
    landmarks[0, 7], landmarks[0, 9] = torch.tensor([10.0, 20.0]), torch.tensor([30.0, 20.0])
    mask = limb_masks(landmarks, valid, size=(40, 60), radius=4)[0, 0]
    for x, y, value in [(20, 20, 1), (20, 24, 1), (20, 25, 0.5), (20, 26, 0), (6, 20, 1), (5, 20, 0.5), (36, 20, 0)]:
        assert float(mask[y, x]) == pytest.approx(value, abs=1e-5), (x, y)


def test_a_line_needs_both_ends_and_nobody_has_no_mask():
    landmarks = torch.rand(2, 17, 2) * torch.tensor([64.0, 128.0])
    valid = torch.zeros(2, 17, dtype=torch.bool)
    valid[1, 9] = True
    assert limb_masks(landmarks, valid).count_nonzero() == 0
    assert all(0 <= a < 17 and 0 <= b < 17 for a, b in SEGMENTS)


def test_it_covers_the_people():
    people = load(split="test").select(slice(0, None, 40))
    known = (people.visibility > 0).all(dim=1)  # nobody cut off: then all limbs are known
    people = people.select(known.nonzero().squeeze(1))
    masks = limb_masks(people.joints, people.visibility > 0)[:, 0] > 0.5
    truth = people.masks.bool()
    overlap = (masks & truth).sum((1, 2)) / (masks | truth).sum((1, 2))
    assert len(people) > 5 and float(overlap.mean()) > 0.6


def test_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"(landmarks|valid): expected"):
        limb_masks(torch.zeros(2, 16, 2), torch.ones(2, 16, dtype=torch.bool))
