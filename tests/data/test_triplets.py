"""Triplets: the rules hold for every draw, the draws are uniform, fast, and go on exactly."""

from __future__ import annotations

import io
import logging
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from momi_lib.data import Triplets, TripletSampler

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@given(
    st.lists(st.integers(-1, 5), min_size=0, max_size=30),
    st.integers(0, 2**31),
    st.integers(1, 200),
)
@settings(max_examples=80, deadline=None)
def test_every_triplet_keeps_the_rules(others, seed, n):
    persons = torch.tensor([*others, 1, 8, 8, 1])  # two usable identities at least
    triplets = TripletSampler(persons, seed=seed).draw(n)
    assert all(index.shape == (n,) and index.dtype == torch.int64 for index in triplets)
    x, positive, negative = (persons[index] for index in triplets)
    assert bool((x == positive).all()) and bool((triplets.source != triplets.positive).all())
    assert bool((x != negative).all())
    counts = torch.bincount(persons + 1, minlength=10)
    assert bool((counts[x + 1] > 1).all())
    assert min(x.min(), positive.min(), negative.min()) >= 0  # junk shows anybody


def test_draws_are_uniform():
    persons = torch.tensor([4, 9, 4, 2, 9, 4, 7])  # 2 and 7 have one picture each
    n = 60_000
    x, positive, negative = TripletSampler(persons, seed=3).draw(n)
    usable = torch.tensor([0, 1, 2, 4, 5])
    share = torch.bincount(x, minlength=7) / n
    assert torch.allclose(share[usable], torch.full((5,), 1 / 5), atol=0.01) and share[[3, 6]].sum() == 0
    for picture in usable.tolist():
        mine = x == picture
        others = [i for i in range(7) if persons[i] == persons[picture] and i != picture]
        share = torch.bincount(positive[mine], minlength=7) / mine.sum()
        assert torch.allclose(share[others], torch.full((len(others),), 1 / len(others)), atol=0.02)
        strangers = [i for i in range(7) if persons[i] != persons[picture]]
        share = torch.bincount(negative[mine], minlength=7) / mine.sum()
        assert torch.allclose(share[strangers], torch.full((len(strangers),), 1 / len(strangers)), atol=0.02)


def test_positive_and_negative_are_drawn_independently():
    persons = torch.tensor([1, 1, 1, 2, 2])
    x, positive, negative = TripletSampler(persons, seed=1).draw(40_000)
    at_0 = x == 0
    table = torch.bincount(positive[at_0] * 5 + negative[at_0], minlength=25).view(5, 5)[1:3, 3:5] / at_0.sum()
    assert torch.allclose(table, torch.full((2, 2), 1 / 4), atol=0.02)


def test_x_and_positive_are_drawn_independently():
    x, positive, _ = TripletSampler([1, 1, 1, 2, 2, 2], seed=1).draw(40_000)  # six for x, two for each positive
    table = torch.bincount(x * 6 + positive, minlength=36).view(6, 6) / 40_000
    others = 1 - torch.eye(3)
    assert torch.allclose(table, torch.block_diag(others, others) / 12, atol=0.01)


@pytest.mark.parametrize("device", DEVICES)
def test_a_sampler_goes_on_exactly(device):
    persons = torch.arange(50).repeat_interleave(4)
    sampler = TripletSampler(persons, seed=5, device=device)
    sampler.draw(17)
    file = io.BytesIO()
    torch.save(sampler.state_dict(), file)
    expected = [sampler.draw(33) for _ in range(3)]
    file.seek(0)
    other = TripletSampler(persons, seed=99, device=device)
    other.load_state_dict(torch.load(file, weights_only=True))
    for triplets in expected:
        assert all(torch.equal(a, b) for a, b in zip(triplets, other.draw(33), strict=True))
        assert triplets.source.device.type == device


def test_seeds_and_global_randomness():
    persons = torch.arange(50).repeat_interleave(4)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, two = TripletSampler(persons, seed=1).draw(64), TripletSampler(persons, seed=1).draw(64)
    assert torch.equal(one.negative, two.negative)
    assert not torch.equal(one.negative, TripletSampler(persons, seed=2).draw(64).negative)
    assert torch.equal(before, torch.get_rng_state())


def test_a_state_of_other_pictures_or_another_device_is_refused():
    state = TripletSampler([1, 1, 2, 2]).state_dict()
    with pytest.raises(ValueError, match="other pictures"):
        TripletSampler([1, 1, 3, 3]).load_state_dict(state)
    with pytest.raises(ValueError, match="'cuda'"):
        TripletSampler([1, 1, 2, 2]).load_state_dict({**state, "device": "cuda"})


def test_an_identity_with_one_picture_is_named_and_serves_as_negative(caplog):
    with caplog.at_level(logging.WARNING):
        sampler = TripletSampler(torch.tensor([3, 3, 1234, 5, 5]))
    (record,) = caplog.records
    assert "1234" in record.getMessage() and "1 of 3" in record.getMessage()
    x, positive, negative = sampler.draw(2000)
    assert 2 not in x and 2 not in positive and 2 in negative


def test_many_such_identities_are_one_warning(caplog):
    TripletSampler([1, 1, 2, 2, *range(100, 150)])
    (record,) = caplog.records
    assert "50 of 52" in record.getMessage() and "and 30 more" in record.getMessage()
    caplog.clear()
    TripletSampler([1, 1, 2, 2])
    assert not caplog.records


@pytest.mark.parametrize("persons", [[1, 1, 1], [1, 2, 3], [1, 1, 2], [-1, -1, 4, 4]])
def test_fewer_than_two_usable_identities_is_an_error(persons):
    with pytest.raises(ValueError, match="at least two identities"):
        TripletSampler(persons)


def test_arguments_are_checked():
    for wrong in (torch.zeros(3), torch.zeros(2, 2, dtype=torch.int64), torch.ones(4, dtype=torch.bool), []):
        with pytest.raises(ValueError, match=r"persons: expected \(N,\) integers"):
            TripletSampler(wrong)
    sampler = TripletSampler([1, 1, 2, 2])
    for wrong in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="n: expected"):
            sampler.draw(wrong)


def test_at_least_10_000_triplets_a_second():
    sampler = TripletSampler(torch.arange(751).repeat_interleave(17))
    sampler.draw(32)
    start = time.perf_counter()
    for _ in range(100):
        triplets = sampler.draw(32)
    assert isinstance(triplets, Triplets)
    assert 3200 / (time.perf_counter() - start) > 10_000


def test_the_same_camera_where_there_is_another_picture_of_it():
    persons = torch.tensor([4, 9, 4, 4, 9, 4, 9])
    cameras = torch.tensor([1, 1, 2, 1, 2, 3, 2])
    sampler = TripletSampler(persons, seed=0, cameras=cameras, same_camera=1.0)
    n = 20_000
    x, positive, negative = sampler.draw(n)
    assert bool((persons[x] == persons[positive]).all()) and bool((x != positive).all())
    assert bool((persons[x] != persons[negative]).all())
    pairs = {(0, 3), (3, 0), (4, 6), (6, 4)}  # two pictures of a person and a camera
    expected = dict(pairs)
    for picture in range(7):
        drawn = positive[x == picture]
        others = [i for i in range(7) if persons[i] == persons[picture] and i != picture]
        assert set(drawn.tolist()) == ({expected[picture]} if picture in expected else set(others))
    share = torch.bincount(x, minlength=7) / n
    assert torch.allclose(share, torch.full((7,), 1 / 7), atol=0.01)


def test_the_same_camera_as_often_as_asked():
    persons, cameras = torch.tensor([1, 1, 1, 1, 2, 2, 2, 2]), torch.tensor([1, 1, 2, 2, 1, 1, 2, 2])
    sampler = TripletSampler(persons, seed=5, cameras=cameras, same_camera=0.7)
    x, positive, _ = sampler.draw(60_000)
    same = (cameras[x] == cameras[positive]).float().mean()
    assert float(same) == pytest.approx(0.7 + 0.3 / 3, abs=0.01)  # one of three others is there by chance


def test_cameras_alone_change_no_draw():
    persons, cameras = torch.tensor([1, 1, 1, 2, 2]), torch.tensor([2, 1, 1, 2, 1])
    plain = TripletSampler(persons, seed=2).draw(100)
    told = TripletSampler(persons, seed=2, cameras=cameras).draw(100)
    assert all(torch.equal(a, b) for a, b in zip(plain, told, strict=True))


@pytest.mark.parametrize(
    ("cameras", "share", "message"),
    [
        (None, 1.0, "cameras: expected the camera of each picture"),
        (torch.tensor([1, 1]), 1.0, "cameras: expected"),
        (torch.ones(4), 1.0, "cameras: expected"),
        (torch.ones(4, dtype=torch.long), 1.5, "same_camera: expected a probability"),
    ],
)
def test_bad_cameras_are_refused(cameras, share, message):
    with pytest.raises(ValueError, match=message):
        TripletSampler([1, 1, 2, 2], cameras=cameras, same_camera=share)


def test_the_usual_seed_is_0_and_no_camera_is_preferred():
    persons, cameras = torch.arange(20).repeat_interleave(4), torch.arange(80) % 2
    usual, zero = TripletSampler(persons, cameras=cameras).draw(64), TripletSampler(persons, seed=0).draw(64)
    assert all(torch.equal(a, b) for a, b in zip(usual, zero, strict=True))
    with pytest.raises(ValueError, match="same_camera: expected a probability"):
        TripletSampler(persons, cameras=cameras, same_camera=-0.5)


def test_person_0_is_a_person():
    drawn = TripletSampler([0, 0, 3, 3]).draw(200)
    assert set(drawn.source.tolist()) == {0, 1, 2, 3}


def test_twenty_identities_with_one_picture_are_all_named(caplog):
    TripletSampler([1, 1, 2, 2, *range(100, 120)])
    assert caplog.records[0].getMessage().endswith("118, 119")
    caplog.clear()
    TripletSampler([1, 1, 2, 2, *range(100, 121)])
    assert caplog.records[0].getMessage().endswith("118, 119 and 1 more")


def test_of_three_in_a_camera_both_others_are_drawn_as_often_and_independently():
    persons, cameras = torch.tensor([1] * 4 + [2] * 4), torch.tensor([1, 1, 1, 2] * 2)
    x, positive, negative = TripletSampler(persons, seed=1, cameras=cameras, same_camera=1.0).draw(40_000)
    assert bool((x != positive).all())
    at_0 = x == 0
    table = torch.bincount(positive[at_0] * 8 + negative[at_0], minlength=64).view(8, 8)[1:3, 4:] / at_0.sum()
    assert torch.allclose(table, torch.full((2, 4), 1 / 8), atol=0.02)


def test_only_the_order_of_each_persons_pictures_in_a_camera_matters_for_what_a_seed_draws():
    persons, cameras = torch.arange(2).repeat_interleave(50), torch.arange(2).repeat_interleave(25).repeat(2)
    mixed = torch.arange(100).view(2, 2, 25).permute(2, 1, 0).flatten()  # persons and cameras take turns
    one = TripletSampler(persons, seed=3, cameras=cameras, same_camera=0.5).draw(500)
    other = TripletSampler(persons[mixed], seed=3, cameras=cameras[mixed], same_camera=0.5).draw(500)
    assert all(torch.equal(a, mixed[b]) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "state: expected what state_dict returned"),
        ({"generator": 1}, "state: expected what state_dict returned"),
        ("no tensor", "state: expected as its generator"),
        ("of another type", "state: expected as its generator"),
        ("of another length", "state: expected as its generator"),
    ],
)
def test_a_state_that_is_none_is_refused(state, said):
    sampler = TripletSampler([1, 1, 2, 2])
    if isinstance(state, str):
        good = sampler.state_dict()
        now = good["generator"]
        bad = {"no tensor": [1, 2], "of another type": now.long(), "of another length": now[1:]}
        state = {**good, "generator": bad[state]}
    with pytest.raises(ValueError, match=f"^{said}"):
        sampler.load_state_dict(state)
