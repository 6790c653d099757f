"""Carrying over: exact where the maps are exact, and never something from the street."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from momi_lib.data import load_truth, to_float, to_uint8
from momi_lib.data.body_maps import load_true_maps
from momi_lib.metrics.true_swaps import masked_l1
from momi_lib.pose.body_maps import BodyMap
from momi_lib.translate.background import filled, widened
from momi_lib.translate.carry import Flow, _spacing, correspond, enlarged, premultiplied, sample

# Masked L1 of exact correspondences over 150 true swaps, and how near 20 of them must come.
MEASURED, NEAR = 0.080, 0.003


def known(labels: torch.Tensor) -> BodyMap:
    """A label as a body map that is sure of itself."""
    inside = torch.isfinite(labels).all(1, keepdim=True)
    return BodyMap(torch.nan_to_num(labels), 20 * inside.float() - 10)


def ramp(count: int = 1) -> BodyMap:
    """A body that fills the picture: 3 cm a place."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(32.0), indexing="ij")
    places = torch.stack([0.03 * (x - 15.5), 0 * x, 0.03 * (31.5 - y)])
    return BodyMap(places.expand(count, -1, -1, -1).clone(), torch.full((count, 1, 64, 32), 5.0))


def carried(pictures: torch.Tensor, source: BodyMap, target: BodyMap) -> torch.Tensor:
    """Own side where the source shows it, else the mirrored side, else the nearest place there is."""
    alpha = functional.interpolate((source.silhouette > 0).float(), (128, 64), mode="bilinear")
    layers = premultiplied(pictures, alpha)
    flows = correspond(source, target)
    own, mirrored = (sample(layers, enlarged(flow, (128, 64))) for flow in flows)
    near, far = (functional.interpolate(flow.distance.nan_to_num(posinf=1.0), (128, 64)) for flow in flows)
    return torch.where(near < 0.03, own, torch.where(far < 0.03, mirrored, own))


def test_with_the_true_maps_it_is_as_good_as_exact_correspondences():
    rows, sources, answers = load_true_maps()
    truth = load_truth().select(rows)
    drawn = to_uint8(carried(to_float(truth.people.pictures[truth.source]), known(sources), known(answers)))
    errors = masked_l1(drawn, truth.pictures, truth.masks)
    assert abs(float(errors.mean()) - MEASURED) < NEAR
    some = torch.linspace(0, len(rows) - 1, 20).long()
    copied = masked_l1(truth.people.pictures[truth.source], truth.pictures, truth.masks)
    assert float(errors[some].mean()) < 0.6 * float(copied[some].mean())


def test_a_body_carried_onto_itself_stays_where_it_is():
    pictures = torch.rand(1, 3, 128, 64) * 2 - 1
    smooth = functional.avg_pool2d(pictures, 9, 1, 4)
    answer = carried(smooth, ramp(), ramp())
    assert (answer - smooth)[..., 8:-8, 8:-8].abs().max() < 0.02


def test_the_mirrored_side_is_the_other_side():
    flows = correspond(ramp(), ramp())
    assert torch.allclose(flows.mirrored.grid[:, 0, 8:-8, 8:-8], -flows.own.grid[:, 0, 8:-8, 8:-8], atol=0.02)
    assert torch.allclose(flows.mirrored.grid[:, 1, 8:-8, 8:-8], flows.own.grid[:, 1, 8:-8, 8:-8], atol=0.02)


def test_what_the_source_does_not_show_has_no_confidence():
    source, target = ramp(), ramp()
    source.silhouette[..., 32:, :] = -5.0  # the legs are hidden
    confidence = correspond(source, target).own.confidence
    assert confidence[..., :30, :].min() > 0.9 and confidence[..., 40:, :].max() < 0.01


def test_nobody_anywhere_is_no_error():
    nobody = BodyMap(torch.zeros(2, 3, 64, 32), torch.full((2, 1, 64, 32), -9.0))
    for source, target in ((nobody, ramp(2)), (ramp(2), nobody), (nobody, nobody)):
        flow = correspond(source, target).own
        assert torch.isfinite(flow.grid).all() and (flow.confidence == 0).all()


def test_gradients_reach_both_maps():
    source, target = (BodyMap(body.places.requires_grad_(), body.silhouette) for body in (ramp(), ramp()))
    correspond(source, target).own.grid[:, :, 20:40, 10:20].square().sum().backward()
    assert source.places.grad.abs().sum() > 0 and target.places.grad.abs().sum() > 0


def test_bodies_of_another_size_are_refused():
    small = BodyMap(torch.zeros(1, 3, 32, 16), torch.zeros(1, 1, 32, 16))
    with pytest.raises(ValueError, match="one shape"):
        correspond(ramp(), small)


def test_no_street_comes_along_at_the_edge():
    pictures = torch.full((1, 3, 8, 8), -1.0)  # a black street
    alpha = torch.zeros(1, 1, 8, 8)
    alpha[..., 2:6, 2:6] = 1.0
    pictures[..., 2:6, 2:6] = 1.0  # a white person
    # Between the street's last pixel and the person's first.
    grid = torch.tensor([[-0.5, 0.0]]).view(1, 2, 1, 1).clone()
    assert float(sample(premultiplied(pictures, alpha), grid)[0, 0, 0, 0]) == pytest.approx(1.0)


def test_an_arm_before_the_trunk_is_not_blended_with_it():
    flow = correspond(ramp(), ramp()).own
    flow.grid[:, 0, :, 16:] += 1  # the right half comes from half a picture farther right
    grid = enlarged(flow, (128, 64))
    steps = (grid[:, 0, :, 1:] - grid[:, 0, :, :-1]).abs() * 32
    assert ((steps < 1.5) | (steps > 30)).all() and (steps[:, 4:-4, 31] > 30).all()  # one clean jump at the seam


def test_a_hole_is_filled_from_around_and_the_rest_stays():
    picture = torch.rand(2, 3, 128, 64)
    hole = torch.zeros(2, 1, 128, 64, dtype=torch.bool)
    hole[..., 40:100, 20:44] = True
    answer = filled(picture, hole)
    assert torch.equal(answer[~hole.expand_as(answer)], picture[~hole.expand_as(answer)])
    assert answer.min() >= 0 and answer.max() <= 1 and torch.isfinite(answer).all()
    flat = filled(torch.full((1, 3, 128, 64), 0.3), hole[:1])
    assert torch.allclose(flat, torch.tensor(0.3))
    assert (filled(picture, torch.ones_like(hole)) == 0).all()


def test_a_mask_may_be_widened_by_nothing_and_not_by_less():
    mask = torch.eye(5)[None, None] > 0
    assert torch.equal(widened(mask, 0), mask)
    with pytest.raises(ValueError, match="^radius: expected a whole number from 0"):
        widened(mask, -1)


def test_a_large_hole_is_filled_level_by_level(known_side=32):
    """A long picture of one colour, of which only the first columns are known."""
    picture = torch.full((1, 3, 4, 256), 0.5)
    hole = torch.ones(1, 1, 4, 256, dtype=torch.bool)
    hole[..., :known_side] = False
    assert torch.allclose(filled(picture * ~hole, hole), picture, atol=1e-5)
    tall = filled((picture * ~hole).mT, hole.mT)
    assert torch.allclose(tall, picture.mT, atol=1e-5)


def test_a_widened_mask_reaches_so_many_pixels():
    mask = torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    mask[..., 8, 8] = True
    assert widened(mask, 3).sum() == 49


def test_what_is_filled_comes_from_the_nearest_that_is_known():
    """By hand: one white pixel is known of the first quarter, the three others are grey."""
    picture, hole = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    hole[..., :4, :4] = True
    picture[..., 0, 0], hole[..., 0, 0] = 1.0, False
    answer = filled(picture, hole)[0, 0]
    quarter = 0.75 / 49 + 0.25 * 1  # a sixteenth of it is known, which counts four times; the rest is the mean of all
    assert float(answer[3, 3]) == pytest.approx(0.5625**2 * quarter, rel=1e-5)
    assert float(answer[0, 1]) == pytest.approx(0.75 + 0.25 * 0.75 * quarter, rel=1e-5)


def test_places_are_looked_up_to_one_beyond_the_silhouette():
    target = ramp()
    target.silhouette.fill_(-5.0)
    target.silhouette[..., 20:30, 10:20] = 5.0
    found = torch.isfinite(correspond(ramp(), target).own.distance)[0, 0]
    expected = torch.zeros(64, 32, dtype=torch.bool)
    expected[19:31, 9:21] = True
    assert torch.equal(found, expected)


def test_confidence_falls_with_the_distance_on_the_body():
    flow = Flow(torch.zeros(1, 2, 1, 4), torch.tensor([0.0, 0.06, 0.12, math.inf]).view(1, 1, 1, 4))
    expected = [1.0, math.exp(-1), math.exp(-4), 0.0]
    assert flow.confidence.flatten().tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("scale", "rows", "spread"), [(1, 64, 0.03), (10, 64, 0.08), (0.1, 64, 0.015), (1, 1, 0.03)])
def test_places_around_the_nearest_are_averaged_by_a_gaussian_as_wide_as_a_place(scale, rows, spread):
    """The answer's points lie a quarter of a place to the side; the source shows one row alone, or all."""
    source, target = ramp(), ramp()
    step = 0.03 * scale
    source = BodyMap(source.places * scale, source.silhouette)
    target = BodyMap(target.places * scale + torch.tensor([step / 4, 0, 0]).view(1, 3, 1, 1), target.silhouette)
    if rows == 1:
        source.silhouette.fill_(-5.0)
        source.silhouette[..., 32, :] = 5.0
    shares = [math.exp(-(((k - 0.25) * step) ** 2) / (2 * (0.6 * spread) ** 2)) for k in range(-2, 3)]
    offset = sum(k * share for k, share in zip(range(-2, 3), shares, strict=True)) / sum(shares)
    x = correspond(source, target).own.grid[0, 0, 32, 16]
    assert float(x) == pytest.approx((16 + offset + 0.5) / 16 - 1, abs=1e-5)


@pytest.mark.parametrize(("axis", "pixels"), [(0, 32), (1, 64)])
@pytest.mark.parametrize(("step", "blended"), [(10, True), (14, False)])
def test_neighbours_from_up_to_twelve_pixels_apart_are_blended(axis, pixels, step, blended):
    """Between two places the grid is finer by four: a blend is a quarter of the way from the nearest, 3 px at most."""
    grid = torch.zeros(1, 2, 64, 32)
    grid[0, axis, :, 16:] = step / pixels  # from -1 to 1 over the picture
    row = enlarged(Flow(grid, torch.zeros(1, 1, 64, 32)), (128, 64))[0, axis, 60] * pixels
    between = row[31:33].tolist()
    assert between == pytest.approx([step / 4, 3 * step / 4] if blended else [0, step])


def test_where_nobody_is_nothing_is_fetched():
    layers = premultiplied(torch.rand(1, 3, 4, 4), torch.zeros(1, 1, 4, 4))
    assert (sample(layers, torch.zeros(1, 2, 2, 2)) == 0).all()


def test_what_lies_outside_the_silhouette_is_never_fetched():
    source = ramp()
    source.silhouette[..., 16:] = -5.0  # though its places would be the nearest there
    own = correspond(source, ramp()).own
    edge = (15 + 0.5) / 16 - 1  # the middle of the last column inside
    assert own.grid[:, 0].max() <= edge + 1e-6
    distance = 0.03 * torch.arange(16.0).expand(64, -1)
    torch.testing.assert_close(own.distance[0, 0, :, 15:-1], distance, atol=2e-6, rtol=0)


@pytest.mark.parametrize("known", ["rows", "columns"])
def test_half_a_picture_is_filled_from_the_other_half(known):
    hole = torch.zeros(1, 1, 128, 64, dtype=torch.bool)
    half = hole[:, :, :64] if known == "rows" else hole[..., :32]
    half.fill_(True)
    torch.testing.assert_close(filled(torch.ones(1, 3, 128, 64), hole), torch.ones(1, 3, 128, 64))


def test_what_fills_a_hole_has_gradients_that_are_numbers():
    picture = torch.rand(1, 3, 128, 64, requires_grad=True)
    hole = torch.zeros(1, 1, 128, 64, dtype=torch.bool)
    hole[..., 40:100, 20:44] = True
    filled(picture, hole)[..., 70, 32].sum().backward()  # from around it alone
    assert torch.isfinite(picture.grad).all() and picture.grad.abs().sum() > 0
    assert not picture.grad[hole.expand_as(picture)].any()


def test_each_body_map_is_looked_at():
    good = ramp()
    for index, name in enumerate(("source", "target")):
        with pytest.raises(TypeError, match=f"^{name}: expected a BodyMap"):
            correspond(*[None if index == each else good for each in range(2)])
        for part, bad in (("places", good.places[:, :2]), ("silhouette", good.silhouette[..., 1:])):
            both = [good._replace(**{part: bad}) if index == each else good for each in range(2)]
            with pytest.raises(ValueError, match=f"^{name}.{part}: "):
                correspond(*both)


def test_the_mirrored_side_keeps_height_and_depth():
    """Left and right change places; what is low stays low, and what is in front stays in front."""
    source = ramp()
    depth = torch.where(torch.arange(64)[:, None].expand(64, 32) < 32, 0.1, -0.1)
    source.places[:, 1] = depth
    for flow in correspond(source, source):
        rows = (flow.grid[0, 1].mean(1) + 1) * 32 - 0.5  # the row of the source that each row of the target asks for
        assert (rows - torch.arange(64)).abs()[2:-2].max() < 0.5
        assert float(flow.distance[0, 0, 8:-8, 4:-4].max()) < 0.005


def test_one_empty_silhouette_does_not_stop_the_others():
    first, second = ramp(2), ramp(2)
    first.silhouette[0] = -5.0
    flow = correspond(first, second).own
    assert torch.isinf(flow.distance[0]).all() and float(flow.distance[1].max()) < 1e-3


def test_a_silhouette_ends_at_even_odds():
    """A logit of -0.5 is outside: nothing is fetched from there, and nothing is looked up there."""
    source, target = ramp(), ramp()
    source.silhouette[..., 16:] = target.silhouette[..., 40:, :] = -0.5
    flow = correspond(source, target).own
    assert torch.isinf(flow.distance[0, 0, 42:]).all() and torch.isfinite(flow.distance[0, 0, :40]).all()
    assert float(flow.grid[0, 0, :40].max()) < 0.0  # the right half of the source is not there


def test_how_far_places_lie_apart_is_measured_within_the_silhouette():
    places = torch.full((3, 8, 4), 9.0)  # outside, a body map may say anything
    places[:, 3:5] = 0.0
    places[2, 4] = 0.03
    seen = torch.zeros(8, 4, dtype=torch.bool)
    seen[3:5] = True
    assert float(_spacing(places, seen)) == pytest.approx(0.03)
    seen[0] = True  # places apart, with nothing between
    assert float(_spacing(places, seen)) == pytest.approx(0.03)
    assert float(_spacing(places, torch.zeros_like(seen))) == pytest.approx(0.03)
    seen[0] = False
    places[2, 4], places[0, 5:] = 0.05, 0.5  # the latter below the silhouette, next to its last row
    assert float(_spacing(places, seen)) == pytest.approx(0.05)


def test_the_middle_of_a_hole_is_filled_from_what_is_near_and_not_from_all():
    """Black on the left and white on the right; in the hole on the left nothing but black is near."""
    picture = torch.zeros(1, 1, 64, 256)
    picture[..., 128:] = 1.0
    hole = torch.zeros(1, 1, 64, 256, dtype=torch.bool)
    hole[..., 16:48, 16:48] = True
    assert float(filled(picture, hole)[hole].max()) < 0.05
