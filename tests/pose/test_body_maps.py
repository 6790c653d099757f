"""Body maps: what they are given, what their losses count, and that both learn."""

from __future__ import annotations

import pytest
import torch

from momi_lib.pose.body_maps import PARTS, BodyMap, BodyMaps, body_map_loss, body_map_scores, body_parts

LEAN = (8, 8, 8, 16)


def labels(count: int = 2) -> torch.Tensor:
    """Somebody who fills the middle of the picture."""
    y, x = torch.meshgrid(torch.linspace(0.8, -0.95, 64), torch.linspace(-0.4, 0.4, 32), indexing="ij")
    one = torch.stack([x, 0 * x, y])
    one[:, :, :8] = one[:, :, 24:] = torch.nan
    return one.expand(count, -1, -1, -1).clone()


def exact(wanted: torch.Tensor) -> BodyMap:
    inside = torch.isfinite(wanted).all(1, keepdim=True)
    return BodyMap(torch.nan_to_num(wanted), 20 * inside.float() - 10)


def test_an_exact_map_loses_nothing():
    silhouette, metres = body_map_loss(exact(labels()), labels())
    assert silhouette < 1e-4 and metres == 0
    scores = body_map_scores(exact(labels()), labels())
    assert scores["iou"] == 1 and scores["error_cm"] == 0 and scores["median_cm/head"] == 0


def test_a_place_on_the_wrong_limb_counts_as_half_a_metre_at_most():
    wanted, body = labels(1), exact(labels(1))
    wrong = BodyMap(body.places + 9.0, body.silhouette)
    assert body_map_loss(wrong, wanted)[1] == pytest.approx(0.5)


def test_what_lies_outside_the_person_does_not_count():
    body = exact(labels())
    body.places[:, :, :, :8] += 5.0
    assert body_map_loss(body, labels())[1] == 0 and body_map_scores(body, labels())["error_cm"] == 0


def test_three_centimetres_are_three_centimetres():
    body = exact(labels())
    body.places[:, 2] += 0.03
    scores = body_map_scores(body, labels())
    assert scores["median_cm"] == pytest.approx(3.0, abs=1e-3)
    assert {f"median_cm/{part}" for part in ("head", "trunk", "thigh", "shin", "foot")} <= set(scores)


def test_labels_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"body maps \(2, 3, 64, 32\)"):
        body_map_loss(exact(labels()), torch.zeros(2, 3, 128, 64))


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ((0.0, 0.0, 0.7), "head"),
        ((0.05, 0.1, 0.3), "trunk"),
        ((-0.3, 0.0, 0.35), "upper arm"),
        ((0.45, -0.1, 0.2), "forearm and hand"),
        ((0.1, 0.0, -0.2), "thigh"),
        ((-0.1, 0.0, -0.7), "shin"),
        ((0.1, -0.1, -0.93), "foot"),
    ],
)
def test_parts_of_the_body_lie_where_they_are_looked_for(place, part):
    assert PARTS[int(body_parts(torch.tensor(place).view(1, 3, 1, 1)))] == part


@pytest.mark.slow
def test_both_maps_learn_two_pictures_by_heart():
    torch.manual_seed(0)
    maps = BodyMaps(LEAN, LEAN)
    pictures, poses = torch.rand(2, 3, 128, 64) * 2 - 1, torch.rand(2, 17, 128, 64)
    optimiser = torch.optim.AdamW(maps.parameters(), 3e-3)
    totals = []
    for _ in range(90):
        body, build = maps.source(pictures, poses)
        losses = (*body_map_loss(body, labels()), *body_map_loss(maps.target(poses, build), labels()))
        total = losses[0] + losses[2] + 8 * (losses[1] + losses[3])
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        totals.append(float(total.detach()))
    assert totals[-1] < 0.3 * totals[0]


def test_the_build_of_the_source_reaches_the_map_of_the_answer():
    maps = BodyMaps(LEAN, LEAN)
    poses = torch.rand(1, 17, 128, 64)
    thin, broad = (maps.target(poses, build).places for build in (torch.zeros(1, 16), torch.ones(1, 16)))
    assert (thin - broad).abs().max() > 1e-3


def test_the_ends_of_limbs_count_more_where_asked():
    labels = torch.full((1, 3, 2, 2), torch.nan)
    labels[0, :, 0, 0] = torch.tensor([0.0, 0.0, 0.2])  # trunk
    labels[0, :, 0, 1] = torch.tensor([0.45, 0.0, 0.1])  # a hand
    wrong = BodyMap(labels.nan_to_num(), torch.full((1, 1, 2, 2), 20.0))
    wrong.places[0, 0, 0, 1] += 0.1  # the hand alone is 10 cm off
    plain, weighed = body_map_loss(wrong, labels), body_map_loss(wrong, labels, ends=3.0)
    assert float(plain[1]) == pytest.approx(0.1 / 2) and float(weighed[1]) == pytest.approx(0.3 / 4)
    # The silhouette says "here" everywhere: 20 too much at the two places outside, whose weight stays 1.
    assert float(plain[0]) == pytest.approx(40 / 4) and float(weighed[0]) == pytest.approx(40 / 6)
    same = body_map_loss(wrong, labels, ends=1.0 + 1e-7)
    assert [float(each) for each in same] == pytest.approx([float(each) for each in plain], rel=1e-5)
