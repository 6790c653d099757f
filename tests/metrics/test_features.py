"""What stands beside a score: names, refusals of what was made differently, and the distances that carry it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from momi_lib.metrics.distances import frechet_distance, polynomial_mmd
from momi_lib.metrics.features import Features, NetworkCard, distinct, rows, same_conditions
from momi_lib.metrics.fid import fid
from momi_lib.metrics.kid import kid

HASH = "0cc3c7bd" + 56 * "a"
CARD = NetworkCard("inception-v3-torchvision", HASH, "299 x 299", "bytes to [-1, 1]")


def features(values, pictures="swaps", card=CARD, **others):
    return Features(card, pictures, (128, 64), values, **others)


def noise(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_the_name_carries_backend_and_weights():
    assert CARD.name == "inception-v3-torchvision[0cc3c7bd]"
    assert replace(CARD, weights="seed 3").name == "inception-v3-torchvision[seed 3]"  # words are not cut


@pytest.mark.parametrize("score", [fid, kid])
def test_a_score_goes_by_the_name_of_the_network_that_was_asked(score):
    kind = score.__name__.upper()
    real, drawn = noise(30, 4), noise(20, 4, 1)
    first = score(features(drawn), features(real, "people"))
    offline = replace(CARD, backend="mannequin-vgg", weights="1234abcd" + 56 * "0", resize="none")
    second = score(features(drawn, card=offline), features(real, "people", card=offline))
    assert first.value == second.value  # the same features: the name alone tells them apart
    assert (first.name, second.name) == (f"{kind}[inception-v3-torchvision]", f"{kind}[mannequin-vgg]")
    text = str(first)
    for condition in ("20 pictures 128 x 64: swaps", "30: people", "weights 0cc3c7bd", "resize 299 x 299"):
        assert condition in text
    masked = score(features(drawn, masks="limbs"), features(real, "people", masks="limbs"))
    assert masked.name == f"mask-{kind}[inception-v3-torchvision]" and "masks limbs" in str(masked)
    assert (first.count, first.reference_count, first.pictures, first.reference) == (20, 30, "swaps", "people")
    with pytest.raises(FrozenInstanceError):
        first.value = 0.0


def test_the_values_are_those_of_the_distances():
    drawn, real = noise(20, 4, 1) * 2, noise(30, 4)
    assert fid(features(drawn), features(real)).value == frechet_distance(drawn, real)
    expected = polynomial_mmd(drawn, real, subsets=5, size=10, seed=3)
    score = kid(features(drawn), features(real), subsets=5, size=10, seed=3)
    assert (score.value, score.deviation) == (expected.mean, expected.deviation)
    assert (score.subsets, score.subset_size, score.seed) == (5, 10, 3)
    assert "5 subsets of 10, seed 3" in str(score)
    assert kid(features(drawn), features(real), subsets=1).subset_size == 20  # no more than there are


@pytest.mark.parametrize("count", [40, 5])  # more pictures than dimensions, and fewer
def test_the_distance_of_moved_pictures_is_the_move(count):
    real = noise(count, 8)
    move = torch.arange(8.0)
    assert fid(features(real + move), features(real)).value == pytest.approx(float(move.square().sum()), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backend": "mannequin-vgg"}, "backend inception-v3-torchvision and mannequin-vgg"),
        ({"weights": 64 * "b"}, "weights 0cc3c7bd"),
        ({"resize": "none"}, "resize 299 x 299 and none"),
        ({"normalise": "other"}, "normalise"),
    ],
)
def test_features_of_two_networks_are_not_compared(change, message):
    other = features(noise(9, 4), "people", card=replace(CARD, **change))
    for score in (fid, kid):
        with pytest.raises(ValueError, match=f"swaps and people: expected features made alike, got {message}"):
            score(features(noise(9, 4)), other)


def test_neither_are_sizes_nor_masked_with_whole_pictures():
    plain = features(noise(9, 4))
    with pytest.raises(ValueError, match="masks None and limbs"):
        same_conditions(plain, features(noise(9, 4), masks="limbs"))
    with pytest.raises(ValueError, match=r"size \(128, 64\) and \(256, 128\)"):
        same_conditions(plain, replace(plain, size=(256, 128)))
    same_conditions(plain, features(noise(3, 4), "others"))


@pytest.mark.parametrize(
    ("values", "logits", "message"),
    [
        (torch.zeros(3), None, "values of swaps: expected one row a picture"),
        (torch.zeros(0, 4), None, "values of swaps: expected one row"),
        (torch.zeros(3, 0), None, "values of swaps: expected one row"),
        (torch.full((3, 4), torch.nan), None, "values of swaps: expected finite"),
        (torch.zeros(3, 4, dtype=torch.int64), None, "got torch.int64"),
        (torch.zeros(3, 4), torch.zeros(2, 5), r"logits of swaps: .*\(2, 5\) for 3 pictures"),
        (torch.zeros(3, 4), torch.full((3, 5), torch.inf), "logits of swaps: expected finite"),
    ],
)
def test_features_that_are_none(values, logits, message):
    with pytest.raises(ValueError, match=message):
        features(values, logits=logits)


def test_pictures_that_differ_only_where_they_are_hidden_are_one():
    pictures = torch.zeros(4, 3, 2, 2, dtype=torch.uint8)
    pictures[1, 0, 0, 0], pictures[3, 2, 1, 1] = 9, 7
    masks = torch.ones(4, 2, 2, dtype=torch.bool)
    masks[:, 0, 0] = False
    assert [part.tolist() for part in distinct(pictures)] == [[0, 1, 3], [0, 1, 0, 2]]
    assert [part.tolist() for part in distinct(pictures, masks)] == [[0, 3], [0, 0, 0, 1]]


def test_features_are_themselves_and_no_others_and_stay_as_they_are():
    one = features(noise(3, 4))
    assert one == one and one != replace(one) and len({one, replace(one)}) == 2
    with pytest.raises(FrozenInstanceError):
        one.pictures = "others"
    with pytest.raises(FrozenInstanceError):
        CARD.weights = "others"


def test_kid_usually_compares_a_hundred_subsets_of_a_thousand_by_seed_0():
    usual = kid(features(noise(30, 4)), features(noise(30, 4, 1)))
    assert (usual.subsets, usual.seed) == (100, 0)
    many = kid(features(noise(1001, 1)), features(noise(1001, 1, 1)), subsets=1)
    assert many.subset_size == 1000


@pytest.mark.parametrize("words", [{"pictures": None}, {"pictures": 3}, {"masks": 3}])
def test_pictures_and_masks_are_said_in_words(words):
    (name,) = words
    with pytest.raises(TypeError, match=f"^{name}: expected words"):
        features(noise(3, 4), **words)


def test_the_conditions_of_a_score_name_eight_digits_of_the_weights():
    assert "; weights 0cc3c7bd; resize 299 x 299" in str(fid(features(noise(9, 2)), features(noise(9, 2, 1))))


def test_only_features_are_compared():
    some = features(noise(3, 4))
    for pair, name in (((3, some), "first"), ((some, None), "second")):
        with pytest.raises(TypeError, match=f"^{name}: expected Features"):
            same_conditions(*pair)


def test_of_no_pictures_none_are_different():
    none = torch.zeros(0, 3, 16, 8, dtype=torch.uint8)
    for masks in (None, torch.zeros(0, 16, 8, dtype=torch.bool)):
        first, place = distinct(none, masks)
        assert len(first) == len(place) == 0
    assert rows(torch.zeros(0, 4), first).shape == (0, 4)
