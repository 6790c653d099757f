"""CarryNet as a whole: swaps before all backgrounds, what explains them, what learns, and files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.files import load_tensors, save_tensors, tensor_metadata
from momi_lib.pose.body_maps import BodyMap
from momi_lib.train import preset
from momi_lib.translate import CarryNet, MomiNet, carrying, load_network, network_of, save_network
from momi_lib.translate.carry import REACH, Correspondence, Flow, correspond, sample
from momi_lib.translate.carrying import LIMB, MARGIN, composed
from momi_lib.translate.painter import Carried, Painted, Painter, _doubled, _smooth

SIZE = (128, 64)


@pytest.fixture(scope="module")
def network(visible: Callable[[MomiNet], MomiNet]) -> CarryNet:
    """An untrained network that finds all joints, and somebody in the middle."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = replace(preset("tiny-carry").network, transfer="lookup", pose_detail=4)
        return visible(network_of(config))


def pictures(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, *SIZE, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def alike(one: Tensor, other: Tensor) -> bool:
    """Equal but for rounding, which may choose another of two places of the source that are equally near."""
    apart = (one - other).abs()
    return bool(apart.median() < 1e-5 and (apart > 1e-3).float().mean() < 0.01)


def standing(network: CarryNet) -> None:
    """B_s and B_t of somebody who stands in the middle, whatever is asked."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(32.0), indexing="ij")
    places = torch.stack([0.03 * (x - 15.5), 0 * x, 0.03 * (31.5 - y)])
    logit = torch.where((x - 15.5).abs().lt(5) & (y - 32).abs().lt(12), 9.0, -9.0)

    def body(count: int) -> BodyMap:
        return BodyMap(places.expand(count, -1, -1, -1).clone(), logit.expand(count, 1, -1, -1).clone())

    network.body_maps.source = lambda given, maps: (body(len(given)), torch.zeros(len(given), network.body_maps.build))
    network.body_maps.target = lambda maps, build: body(len(maps))


@pytest.fixture
def middle(network: CarryNet, monkeypatch: pytest.MonkeyPatch) -> CarryNet:
    for name in ("source", "target"):
        monkeypatch.setattr(network.body_maps, name, getattr(network.body_maps, name))  # put back afterwards
    standing(network)
    return network


@pytest.mark.parametrize("background", ["target", "source", "drawn", "colour", "picture", "pictures"])
def test_a_swap_is_its_parts_put_together(network: CarryNet, background: str) -> None:
    source, target = pictures(2), pictures(2, seed=1)
    given = {"colour": torch.tensor([1.0, -1.0, 0.0]), "picture": pictures(1, 2)[0], "pictures": pictures(2, 2)}
    asked = given.get(background, background)
    swap, found = network.swap(source, target, background=asked), network.explain(source, target, background=asked)
    assert swap.shape == (2, 3, *SIZE) and swap.min() >= -1 and swap.max() <= 1
    assert torch.equal(swap, found.swap)
    torch.testing.assert_close(found.gates.sum(1), torch.ones(2, *SIZE))
    choices = (found.drawn, found.carried + found.light, found.mirrored + found.light)
    person = sum(found.gates[:, index : index + 1] * choice for index, choice in enumerate(choices))
    put_together = found.background + found.silhouette * (person - found.background)
    torch.testing.assert_close(swap, put_together.clamp(-1, 1), atol=1e-5, rtol=0)
    behind = {"drawn": found.drawn, "colour": torch.tensor([1.0, -1.0, 0.0])[:, None, None].expand(2, 3, *SIZE)}
    behind |= {"picture": pictures(1, 2).expand(2, -1, -1, -1), "pictures": pictures(2, 2)}
    if background in behind:
        assert torch.equal(found.background, behind[background])
    assert found.source_body.places.shape == found.target_body.places.shape == (2, 3, 64, 32)
    assert found.confidence.shape == (2, 2, 64, 32) and 0 <= found.confidence.min() <= found.confidence.max() <= 1


@pytest.mark.parametrize("background", ["source", "target"])
def test_the_street_stays_where_nobody_stands(
    middle: CarryNet, background: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = middle._pose  # behind the checks of pose, swap and backdrop
    monkeypatch.setattr(middle, "_pose", lambda given: find(given)._replace(valid=torch.zeros(len(given), 17).bool()))
    source, target = pictures(1), pictures(1, seed=1)
    street = {"source": source, "target": target}[background]
    far = torch.ones(SIZE, dtype=torch.bool)
    edge = MARGIN + 5  # beside the silhouette's 48 × 20 pixels; its own edge is soft
    far[40 - edge : 88 + edge, 22 - edge : 42 + edge] = False
    behind = middle.backdrop(street)
    assert torch.equal(behind[0, :, far], street[0, :, far]) and far.sum() > 3000
    assert not torch.isclose(behind[..., 50:80, 25:40], street[..., 50:80, 25:40]).any(1).all()
    swap = middle.swap(source, target, background=background)
    torch.testing.assert_close(swap[0, :, far], street[0, :, far], atol=1e-3, rtol=0)
    assert not torch.allclose(swap[..., 50:80, 25:40], street[..., 50:80, 25:40], atol=0.1)


def test_limbs_between_landmarks_are_taken_out_of_the_street_as_well(middle: CarryNet) -> None:
    street = pictures(1)
    pose = middle.pose(street)
    landmarks, valid = torch.zeros(1, 17, 2), torch.zeros(1, 17, dtype=torch.bool)
    landmarks[0, [13, 15]] = torch.tensor([[3.0, 20.0], [3.0, 60.0]])  # a shin far beside the silhouette
    without = middle.backdrop(street, pose._replace(landmarks=landmarks, valid=valid))
    valid[0, [13, 15]] = True
    changed = (middle.backdrop(street, pose._replace(landmarks=landmarks, valid=valid)) != without).any(1)[0]
    assert changed[22:58, : int(LIMB)].all() and not changed[:, 16:19].any()  # from 19 on the silhouette is taken out


def test_a_swap_is_a_drawing_of_who_was_met(network: CarryNet) -> None:
    both = pictures(2)
    pose = network.pose(both)
    people = network.meet(both, pose)
    streets = network.backdrop(both, pose, people.body)
    drawn = network.draw(people, pose.maps.flip(0), streets.flip(0))
    assert alike(drawn, network.swap(both, both.flip(0)))
    first = network.meet(both[:1])
    assert network.code(first) is first.code
    alone = network.draw(first, pose.maps, streets)  # one person in all poses
    assert alike(alone[1], drawn[0])
    shared = network.draw(people, pose.maps[1:], streets[1])  # all people in one pose and street
    assert alike(shared[0], drawn[0])


def test_between_two_people_the_ends_are_the_two(network: CarryNet) -> None:
    both = pictures(2)
    maps = network.pose(both).maps[1:]
    first, second = (network.meet(picture) for picture in both.split(1))
    drawn = [network.draw(first, maps, other=second, share=share) for share in (0, 1e-6, 0.5, 1 - 1e-6, 1)]
    assert torch.equal(drawn[0], network.draw(first, maps)) and torch.equal(drawn[-1], network.draw(second, maps))
    for end, near in ((0, 1), (4, 3)):
        torch.testing.assert_close(drawn[end], drawn[near], atol=1e-4, rtol=0)
    assert not torch.allclose(drawn[2], drawn[0]) and not torch.allclose(drawn[2], drawn[4])
    for share, other in ((0.5, None), (1.5, second), (-0.1, second)):
        with pytest.raises(ValueError, match="share: expected a number from 0 to 1"):
            network.draw(first, maps, other=other, share=share)


def test_nothing_is_carried_to_where_nothing_is_looked_up(middle: CarryNet) -> None:
    explained = middle.explain(pictures(2), pictures(2, seed=1))
    assert (explained.carried[..., :8] == 0).all() and (explained.mirrored[..., :8] == 0).all()
    assert (explained.carried[..., 60:68, 28:36] != 0).any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_a_background_may_be_of_any_float_type(network: CarryNet, dtype: torch.dtype) -> None:
    source, target, colour = pictures(1), pictures(1, seed=1), torch.tensor([0.5, -0.5, 0.25])
    swap = network.swap(source, target, background=colour.to(dtype))
    assert swap.dtype == torch.float32 and torch.equal(swap, network.swap(source, target, background=colour))


def test_two_at_once_are_one_after_the_other(network: CarryNet) -> None:
    source, target = pictures(2), pictures(2, seed=1)
    together = network.swap(source, target)
    for index in range(2):
        alone = network.swap(source[index : index + 1], target[index : index + 1])
        assert alike(alone[0], together[index])


def test_a_body_corresponds_to_itself_and_its_mirror_image_to_the_other_side(middle: CarryNet) -> None:
    body, _ = middle.body_maps.source(pictures(1), torch.zeros(1, 17, *SIZE))
    flows = correspond(body, body)
    inside = body.silhouette[0, 0] > 0
    y, x = torch.meshgrid((torch.arange(64) + 0.5) / 32 - 1, (torch.arange(32) + 0.5) / 16 - 1, indexing="ij")
    places = torch.tensor([16.0, 32.0])[:, None]  # from -1 to 1 to places
    for flow, across in ((flows.own, x), (flows.mirrored, -x)):
        away = (flow.grid[0] - torch.stack([across, y]))[:, inside] * places
        assert away.norm(dim=0).max() <= 0.5
        assert flow.confidence[0, 0, inside].min() > 0.9


@pytest.mark.parametrize("empty", ["source", "target", "both"])
def test_nobody_in_a_picture_is_no_nan(network: CarryNet, empty: str) -> None:
    maps, asked = network.body_maps, ["source", "target"] if empty == "both" else [empty]
    nets = [getattr(maps, f"of_{name}") for name in asked]
    before = [net.result.bias.clone() for net in nets]
    source = pictures(1).requires_grad_()
    try:
        for net in nets:
            net.result.bias[3] = -1000.0
        found = network.explain(source, pictures(1, seed=1))
    finally:
        for net, bias in zip(nets, before, strict=True):
            net.result.bias.copy_(bias)
    assert all(torch.isfinite(part).all() for part in found if isinstance(part, Tensor))
    assert found.confidence.max() == 0
    found.swap.square().mean().backward()
    assert torch.isfinite(source.grad).all()


def test_the_painter_learns_and_so_do_both_body_maps() -> None:
    torch.manual_seed(0)
    network = CarryNet(preset("tiny-carry").network).eval()
    standing_places = network.body_maps.of_source.result, network.body_maps.of_target.result
    with torch.no_grad():
        for result in standing_places:
            result.bias[3] = 2.0  # somebody everywhere
    network.swap(pictures(2), pictures(2, seed=1), background="drawn").square().mean().backward()
    for name, weight in network.painter.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name
    assert all(result.weight.grad.abs().sum() > 0 for result in standing_places)
    assert all(weight.grad is None for weight in network.student.parameters())
    assert network.painter in network.translation() and network.body_maps not in network.translation()


@pytest.mark.parametrize(
    "background", [torch.zeros(3, 64, 64), torch.zeros(3, 3, *SIZE), torch.zeros(2), torch.zeros(3).byte(), "beach"]
)
def test_a_background_that_cannot_be_is_one_sentence(network: CarryNet, background: str | Tensor) -> None:
    both = pictures(2)
    with pytest.raises(ValueError, match="^background: expected"):
        network.swap(both, both, background=background)
    if isinstance(background, Tensor):
        with pytest.raises(ValueError, match="^background: expected"):
            network.draw(network.meet(both), torch.zeros(2, 17, *SIZE), background)


def test_codes_alone_cannot_be_decoded(network: CarryNet) -> None:
    code = network.encode_pose(torch.zeros(1, 17, *SIZE))
    with pytest.raises(ValueError, match="decode: this network carries clothes over; use draw"):
        network.decode(code, code)
    with pytest.raises(ValueError, match="carry=True"):
        CarryNet(preset("tiny").network)


@pytest.mark.parametrize("stem", ["paper", "lean"])
def test_both_stems_carry(stem: str) -> None:
    network = CarryNet(replace(preset("tiny-carry").network, stem=stem)).eval().requires_grad_(False)
    assert network.swap(pictures(1), pictures(1)).shape == (1, 3, *SIZE)


def test_files_say_which_kind_they_hold(network: CarryNet, tmp_path) -> None:
    path = save_network(network, tmp_path / "net.safetensors")
    again = load_network(path)
    assert type(again) is CarryNet and again.config == network.config
    for name, value in again.state_dict().items():  # half precision
        torch.testing.assert_close(value, network.state_dict()[name], atol=1e-2, rtol=1e-2)
    plain = save_network(MomiNet(preset("tiny").network), tmp_path / "plain.safetensors")
    about = json.loads(tensor_metadata(plain)["momi"])
    for field in ("carry", "body_source", "body_target", "painter"):
        del about["network"][field]  # as in files from before
    save_tensors(tmp_path / "old.safetensors", load_tensors(plain), {"momi": json.dumps(about)})
    assert type(load_network(tmp_path / "old.safetensors")) is MomiNet


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda x: x[:0], "source: expected float pictures .* N from 1, got"),
        (lambda x: (x * 127.5 + 127.5).round(), r"source: expected colours in \[-1, 1\], got values from"),
        (lambda x: x * torch.nan, r"source: expected colours in \[-1, 1\], got NaN"),
        (lambda x: (x * 127).to(torch.int8), "source: expected float pictures"),
        (lambda x: x.numpy(), "source: expected float pictures .* got ndarray"),
    ],
)
def test_what_is_no_picture_is_refused(network: CarryNet, given: Callable, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        network.swap(given(pictures(1)), pictures(1))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_pictures_of_another_type_are_brought_to_that_of_the_weights(network: CarryNet, dtype: torch.dtype) -> None:
    both = (pictures(2) * 32).round() / 32
    assert torch.equal(network.swap(both.to(dtype), both.flip(0).to(dtype)), network.swap(both, both.flip(0)))


@pytest.mark.parametrize(
    ("background", "said"),
    [
        (torch.tensor([255.0, 0, 0]), r"background: expected colours in \[-1, 1\], got values from 0 to 255"),
        (torch.full((3,), torch.nan), r"background: expected colours in \[-1, 1\]"),
        (torch.zeros(3).numpy(), "background: expected one of target, source, drawn, or a picture .* got ndarray"),
        (None, "background: expected one of target, source, drawn, or a picture .* got NoneType"),
    ],
)
def test_what_is_no_background_is_refused(network: CarryNet, background: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        network.swap(pictures(1), pictures(1), background=background)


def test_a_drawing_needs_as_many_people_as_poses_and_a_tensor_behind(network: CarryNet) -> None:
    maps = network.pose(pictures(3)).maps
    people = network.meet(pictures(2))
    with pytest.raises(ValueError, match="draw: expected as many people .* as poses .* got 2 people and 3"):
        network.draw(people, maps)
    with pytest.raises(ValueError, match="background: expected a tensor, got 'source'; `swap` takes names, too"):
        network.draw(people, maps[:2], "source")


def test_a_limb_is_taken_out_no_wider_than_it_says(middle: CarryNet, monkeypatch: pytest.MonkeyPatch) -> None:
    street, pose = pictures(1), middle.pose(pictures(1))
    nobody = BodyMap(torch.zeros(1, 3, 64, 32), torch.full((1, 1, 64, 32), -9.0))
    landmarks, valid = torch.zeros(1, 17, 2), torch.zeros(1, 17, dtype=torch.bool)
    landmarks[0, [13, 15]] = torch.tensor([[32.0, 20.0], [32.0, 100.0]])
    valid[0, [13, 15]] = True
    changed = (middle.backdrop(street, pose._replace(landmarks=landmarks, valid=valid), nobody) != street).any(1)[0]
    columns = torch.where(changed[60])[0]
    widest = 2 * (2 * LIMB + MARGIN) + 1  # the limb, its soft edge, and the margin, on either side
    assert 2 * LIMB + 1 <= len(columns) <= widest and columns.min() >= 32 - widest / 2 - 1


def test_what_is_taken_out_of_the_street_is_this_wide(middle: CarryNet) -> None:
    """The body from a logit of -1.5 up and three pixels more; a limb four pixels to either side, and its soft edge."""
    street, pose = pictures(1), middle.pose(pictures(1))
    nobody = pose._replace(valid=torch.zeros(1, 17, dtype=torch.bool))
    body = BodyMap(torch.zeros(1, 3, 64, 32), torch.full((1, 1, 64, 32), -9.0))
    body.silhouette[..., 20:30, 10:15] = -1.4
    body.silhouette[..., 40:45, 20:25] = -1.6
    changed = (middle.backdrop(street, nobody, body) != street).any(1)[0]
    expected = torch.zeros(SIZE, dtype=torch.bool)
    expected[40 - 3 : 60 + 3, 20 - 3 : 30 + 3] = True
    assert torch.equal(changed, expected)
    limb = nobody._replace(landmarks=torch.zeros(1, 17, 2), valid=nobody.valid.clone())
    limb.landmarks[0, [13, 15]] = torch.tensor([[32.0, 20.0], [32.0, 100.0]])
    limb.valid[0, [13, 15]] = True
    changed = (middle.backdrop(street, limb, body._replace(silhouette=body.silhouette * 0 - 9)) != street).any(1)[0]
    assert torch.where(changed[60])[0].tolist() == list(range(21, 43))


def test_what_is_known_of_a_person_counts_by_the_silhouette(network: CarryNet) -> None:
    source = pictures(2)
    known = network.meet(source)
    alpha = torch.sigmoid(2 * known.body.silhouette)
    full = functional.interpolate(alpha, SIZE, mode="bilinear", align_corners=False)
    torch.testing.assert_close(known.colours, torch.cat([source * full, full], dim=1))
    torch.testing.assert_close(known.features[:, -1:], alpha)
    halved = network.appearance_encoder.halved(source)
    torch.testing.assert_close(known.features[:, :-1], halved * alpha)


def test_features_are_carried_by_how_likely_each_side_is_seen(network: CarryNet) -> None:
    both = pictures(2)
    pose = network.pose(both)
    known = network.meet(both, pose)
    target = network.body_maps.target(pose.maps.flip(0), known.build)
    carried = network._carried(known, target)
    flows = correspond(known.body, target)
    own, mirrored = (flow.confidence for flow in flows)
    fetched = [sample(known.features, flow.grid) for flow in flows]
    expected = (own * fetched[0] + mirrored * fetched[1]) / (own + mirrored).clamp_min(1e-3)
    torch.testing.assert_close(carried.features, expected, atol=1e-5, rtol=1e-4)
    assert torch.equal(carried.confidence, torch.cat([own, mirrored], dim=1))


def test_one_picture_stands_behind_all(network: CarryNet) -> None:
    source, target, street = pictures(2), pictures(2, seed=1), pictures(1, seed=2)
    swaps = [network.swap(source, target, background=given) for given in (street, street[0])]
    assert torch.equal(*swaps)
    with pytest.raises(ValueError, match="^background: expected"):
        network.swap(source, target, background=street[0, 0])


def test_a_picture_ends_at_black_and_white() -> None:
    person = torch.tensor([3.0, -3.0, 0.5]).view(1, 3, 1, 1)
    painted = Painted(person, torch.ones(1, 1, 1, 1), person * 0, person, person)
    assert composed(painted).flatten().tolist() == [1.0, -1.0, 0.5]
    half = painted._replace(silhouette=torch.full((1, 1, 1, 1), 0.25))
    assert composed(half, torch.full((1, 3, 1, 1), -0.1)).flatten().tolist() == pytest.approx([0.675, -0.825, 0.05])


def test_before_it_has_learned_the_painter_takes_what_the_source_shows() -> None:
    """Gates: the softmax of -1.5 drawn, 0 own and -0.3 mirrored, plus log(confidence + 0.03) of what is carried."""
    painter = Painter(4, 2).eval()
    torch.nn.init.zeros_(painter.decide.weight)
    confidence = torch.tensor([0.97, 0.47]).view(1, 2, 1, 1).expand(-1, -1, 8, 4)
    body = BodyMap(torch.zeros(1, 3, 8, 4), torch.full((1, 1, 8, 4), 0.25))
    own, mirrored = torch.rand(2, 1, 3, 16, 8).mul(2).sub(1).unbind(0)
    with torch.no_grad():
        painter.decide.bias[3:] = torch.tensor([0.1, 0.2, 0.3])
        painted = painter(torch.rand(1, 4, 8, 4), Carried(own, mirrored, confidence, torch.rand(1, 2, 8, 4), body))
    shares = torch.tensor([math.exp(-1.5), 1.0, 0.5 * math.exp(-0.3)])
    expected = (shares / shares.sum()).view(1, 3, 1, 1).expand(1, 3, 16, 8)
    torch.testing.assert_close(painted.gates, expected)
    torch.testing.assert_close(painted.silhouette, torch.sigmoid(torch.ones(1, 1, 16, 8)))  # four times the logit
    light = torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1).expand(1, 3, 16, 8)
    torch.testing.assert_close(painted.light, light)
    choices = torch.stack([painted.drawn, own + light, mirrored + light])
    torch.testing.assert_close(painted.person, (painted.gates[0, :, None] * choices[:, 0]).sum(0)[None])


def test_the_first_weights_of_the_painter_decide_little() -> None:
    torch.manual_seed(0)
    painter = Painter(64, 8, hidden=32)
    assert float(painter.decide.weight.detach().std()) == pytest.approx(0.002, rel=0.1)
    assert float(painter.colour.weight.detach().std()) == pytest.approx(0.02, rel=0.1)
    assert painter.decide.bias.tolist() == pytest.approx([-1.5, 0.0, -0.3, 0, 0, 0])


def test_a_chequerboard_is_smoothed_away_and_flat_features_stay() -> None:
    board = (torch.arange(8)[:, None] + torch.arange(4)).remainder(2).float().expand(1, 2, 8, 4)
    smooth = _smooth(board)
    assert smooth.shape == board.shape and (smooth[..., 1:-1, 1:-1] - 0.5).abs().max() < 1e-6
    torch.testing.assert_close(_smooth(torch.ones(1, 2, 8, 4)), torch.ones(1, 2, 8, 4))


def test_a_rehearsal_draws_each_source_in_the_three_poses_of_its_triplet(network: CarryNet) -> None:
    source, positive, negative = (pictures(2, seed) for seed in range(3))
    known = network.meet(source)
    expected = torch.cat([network.draw(known, network.pose(each).maps) for each in (source, positive, negative)])
    assert alike(network.rehearse(source, positive, negative), expected)


def test_the_painter_is_given_the_body_map_with_a_silhouette_from_minus_one_to_one() -> None:
    painter, seen = Painter(4, 2).eval(), []
    assert painter.shrink[0].out_channels == 16
    painter.join.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    body = BodyMap(torch.rand(1, 3, 8, 4), torch.linspace(-10, 10, 32).view(1, 1, 8, 4))
    carried = Carried(torch.zeros(1, 3, 16, 8), torch.zeros(1, 3, 16, 8), *torch.rand(2, 1, 2, 8, 4), body)
    painter(torch.rand(1, 4, 8, 4), carried)
    expected = torch.cat([body.places, (body.silhouette / 5).clamp(-1, 1)], dim=1)  # logits from -5 to 5
    torch.testing.assert_close(seen[0][:, -4:], expected)


def test_what_is_doubled_stays_where_it_is() -> None:
    """A pixel becomes four around its centre, not a grid stretched from corner to corner."""
    row = _doubled(torch.tensor([[[[0.0, 4.0]]]]))[0, 0, 0]
    assert row.tolist() == [0.0, 1.0, 3.0, 4.0]


def test_both_hypotheses_are_mixed_by_their_confidence(network: CarryNet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Own places are fetched from where they are and mirrored ones from one place beside; nothing is certain."""
    known = network.meet(pictures(2))
    rows, columns = torch.meshgrid((torch.arange(64) + 0.5) / 32 - 1, (torch.arange(32) + 0.5) / 16 - 1, indexing="ij")
    here = torch.stack([columns, rows]).expand(2, -1, -1, -1)
    beside = here + torch.tensor([1 / 16, 0.0])[:, None, None]
    certain = torch.linspace(0.02, 0.9, 2 * 64 * 32).view(2, 1, 64, 32)
    certain[:, 0, 0, 0] = 1e-6  # together below a thousandth: next to nothing is fetched
    far = torch.sqrt(-torch.log(certain)) * REACH
    flows = Correspondence(Flow(here, far), Flow(beside, far.flip(0) + 0.01))
    monkeypatch.setattr(carrying, "correspond", lambda source, target: flows)
    carried = network._carried(known, known.body)
    own, mirrored = (flow.confidence for flow in flows)
    weight = (own + mirrored).clamp_min(1e-3)
    expected = own / weight * sample(known.features, here) + mirrored / weight * sample(known.features, beside)
    torch.testing.assert_close(carried.features, expected, atol=1e-5, rtol=1e-4)
    assert float(known.features.std()) > 0.01 and not torch.allclose(own, mirrored)


def test_a_limb_in_the_middle_is_taken_out_evenly_to_both_sides(middle: CarryNet) -> None:
    street, pose = pictures(1), middle.pose(pictures(1))
    nobody = BodyMap(torch.zeros(1, 3, 64, 32), torch.full((1, 1, 64, 32), -9.0))
    limb = pose._replace(landmarks=torch.zeros(1, 17, 2), valid=torch.zeros(1, 17, dtype=torch.bool))
    limb.landmarks[0, [13, 15]] = torch.tensor([[31.5, 20.5], [31.5, 106.5]])  # the middle of 64 columns and 128 rows
    limb.valid[0, [13, 15]] = True
    changed = (middle.backdrop(street, limb, nobody) != street).any(1)[0]
    assert changed.any() and torch.equal(changed, changed.flip(0)) and torch.equal(changed, changed.flip(1))


def test_the_size_of_a_background_is_said(network: CarryNet) -> None:
    with pytest.raises(ValueError, match=r"a picture \(3, 128, 64\) or one for each source.*got \(3, 64, 128\)"):
        network.swap(pictures(1), pictures(1), background=torch.zeros(3, 64, 128))


def test_a_bright_street_is_a_background_like_any_other(network: CarryNet, recwarn: pytest.WarningsRecorder) -> None:
    network.swap(pictures(1), pictures(1), background=pictures(1)[0].abs())  # no colour below 0
    assert not recwarn.list
