"""Scores of body maps: which map meets which label, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from momi_lib.data import load, to_float
from momi_lib.data.body_maps import load_body_labels
from momi_lib.evaluate.body_maps import another_of, score_body_maps
from momi_lib.pose.body_maps import BodyMap
from momi_lib.train import preset
from momi_lib.translate import MomiNet, network_of


@pytest.fixture(scope="module")
def people():
    return load(None, "test").select(slice(12))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return network_of(preset("tiny-carry").network).eval().requires_grad_(False)


def test_scores_of_a_tiny_network(network, people):
    labels = load_body_labels(None, "test", people.files)
    scores = score_body_maps(network, people, labels)
    assert scores["source"]["pictures"] == 12 and 0 < scores["answer"]["pictures"] <= int(labels.whole.sum())
    for each in scores.values():
        assert each["error_cm"] > 10 and 0 <= each["iou"] < 0.7 and "median_cm/trunk" in each


def test_exact_maps_are_no_centimetre_off_and_b_t_is_given_the_build_of_another_picture(network, people, monkeypatch):
    labels = load_body_labels(None, "test", people.files)
    whole = torch.ones(12, dtype=torch.bool)
    whole[3] = False
    labels = replace(labels, whole=whole)
    wanted, other = labels.maps(torch.arange(12)), another_of(people.persons)
    exact = BodyMap(torch.nan_to_num(wanted), 20 * torch.isfinite(wanted[:, :1]).float() - 10)
    numbers = torch.arange(12.0)[:, None]
    asked = []

    def source(pictures, maps):
        assert torch.equal(pictures, to_float(people.pictures)) and maps.shape == (12, 17, 128, 64)
        return exact, numbers

    def target(maps, build):
        asked.extend(build.flatten().int().tolist())
        index = torch.nonzero(whole & (other >= 0)).flatten()
        return BodyMap(*(part[index] for part in exact))

    monkeypatch.setattr(network.body_maps, "source", source)
    monkeypatch.setattr(network.body_maps, "target", target)
    scores = score_body_maps(network, people, labels)
    assert all(each["error_cm"] == 0 and each["iou"] == 1 for each in scores.values())
    assert asked == [int(other[index]) for index in range(12) if index != 3 and other[index] >= 0]


def test_what_cannot_be_scored_is_refused(network, people):
    labels = load_body_labels(None, "test", people.files)
    with pytest.raises(ValueError, match="expected one with body maps"):
        score_body_maps(MomiNet(preset("tiny").network).eval(), people, labels)
    with pytest.raises(ValueError, match="each of the 11 pictures, got 12"):
        score_body_maps(network, people.select(slice(11)), labels)
    alone = people.select(slice(1))
    with pytest.raises(ValueError, match="somebody with a whole picture and another one"):
        score_body_maps(network, alone, load_body_labels(None, "test", alone.files))
