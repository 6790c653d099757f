"""The lookup brings a source's appearance to where the target's pose asks for it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch

from momi_lib.files import load_tensors, save_tensors, tensor_metadata
from momi_lib.train import preset
from momi_lib.translate import AppearanceLookup, MomiNet, load_network, save_network
from momi_lib.translate.lookup import bilinear_shares
from momi_lib.translate.network import NetworkConfig


def mark(lookup: AppearanceLookup, factor: float) -> None:
    """Only pose codes decide, and sharply."""
    with torch.no_grad():
        lookup.places.zero_()
        for layer in (lookup.query, lookup.key):
            layer.weight.copy_(factor * torch.eye(8)[:, :, None, None])


def test_each_place_attends_to_the_place_with_its_pose_code():
    lookup = AppearanceLookup(8, (4, 2), heads=1)
    mark(lookup, 10.0)
    source_pose = torch.eye(8).view(1, 8, 4, 2)  # place i is marked in channel i
    moved = torch.tensor([3, 0, 7, 1, 6, 2, 5, 4])  # where the target has what the source has at i
    target_pose = source_pose.flatten(2)[:, :, moved].view(1, 8, 4, 2)
    appearance = torch.randn(1, 8, 4, 2)
    attended = lookup(appearance, source_pose, target_pose)
    assert torch.allclose(attended.flatten(2), appearance.flatten(2)[:, :, moved], atol=1e-4)
    weights = lookup.weights(source_pose, target_pose)[0, 0]
    assert weights.argmax(1).tolist() == moved.tolist()


def test_it_begins_by_looking_at_itself():
    torch.manual_seed(0)
    lookup = AppearanceLookup(96, (16, 8))
    pose = 0.3 * torch.randn(2, 96, 16, 8)
    itself = lookup.weights(pose, pose).diagonal(dim1=-2, dim2=-1)
    assert 0.7 < float(itself.detach().mean()) < 0.999  # sharp, and not so sharp that nothing else has a gradient
    appearance = torch.randn(2, 96, 16, 8)
    attended = lookup(appearance, pose, pose)
    assert float((attended - appearance).detach().square().mean()) < 0.2


def test_a_head_attends_to_the_whole_code():
    """With values split among heads, half of a code would come from one place and half from another."""
    lookup = AppearanceLookup(8, (4, 2), heads=2)
    appearance = torch.randn(1, 8, 4, 2)
    with torch.no_grad():
        lookup.result.weight[:, 8:].zero_()  # the second head is not heard
        mark(lookup, 10.0)
    pose = torch.zeros(1, 8, 4, 2)
    pose[0, :4] = 3 * torch.eye(8)[:4].view(4, 4, 2)  # the first head's queries can tell four places only
    attended = 2 * lookup(appearance, pose, pose)
    assert torch.allclose(attended[..., :2, :], appearance[..., :2, :], atol=1e-3)


def test_the_likelihood_is_one_where_all_look_right_and_grows_with_the_distance():
    lookup = AppearanceLookup(8, (4, 2), heads=1)
    mark(lookup, 10.0)
    source = torch.eye(8).view(1, 8, 4, 2)
    moved = torch.tensor([3, 0, 7, 1, 6, 2, 5, 4])
    target = source.flatten(2)[:, :, moved].view(1, 8, 4, 2)
    places = torch.stack([torch.arange(8) % 2, torch.arange(8) // 2], dim=-1).float()[None]
    yes = torch.ones(1, 8, dtype=torch.bool)
    right = lookup.negative_log_likelihood((source, target), (places[:, moved], places), yes)
    wrong = lookup.negative_log_likelihood((source, target), (places, places), yes)
    assert float(right.detach()) == pytest.approx(0, abs=1e-3) and float(wrong.detach()) > 5
    assert float(lookup.negative_log_likelihood((source, target), (places, places), ~yes).detach()) == 0
    half = places[:, moved].clone()
    half[0, 0, 0] = 0.5  # between two places: half of the weight can be right
    between = lookup.negative_log_likelihood((source, target), (half, places), yes)
    assert float(between.detach()) == pytest.approx(0.6931 / 8, abs=1e-3)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="not divisible by heads 3"):
        AppearanceLookup(8, (4, 2), heads=3)
    with pytest.raises(ValueError, match="one of join, lookup, got 'carry'"):
        NetworkConfig(transfer="carry")


def test_a_network_with_lookup_swaps_learns_and_survives_a_file(tmp_path):
    network = MomiNet(replace(preset("tiny").network, transfer="lookup"))
    pictures = torch.rand(2, 3, 128, 64) * 2 - 1
    codes = network.encode_pose(torch.rand(4, 17, 128, 64))
    drawn = network.decode(network.encode_appearance(pictures, codes[:2]), codes[2:])
    drawn.square().mean().backward()
    assert network.lookup.query.weight.grad.abs().sum() > 0
    assert network.translation()[-1] is network.lookup
    assert network.lookup.result.weight.grad.abs().sum() > 0
    save_network(network.eval(), tmp_path / "net.safetensors")
    again = load_network(tmp_path / "net.safetensors")
    with torch.no_grad():
        assert torch.allclose(again.swap(pictures, pictures), network.swap(pictures, pictures), atol=2e-2)


def test_names_in_earlier_files_are_read_as_those_of_today(tmp_path):
    """Files of the first format say question, address and dark; the committed weights are such files."""
    config = replace(preset("tiny").network, transfer="lookup", decoder="newton")
    network = MomiNet(config)
    path = save_network(network, tmp_path / "new.safetensors")
    about = json.loads(tensor_metadata(path)["momi"])
    old = {name.replace("lookup.query.", "lookup.question.").replace("lookup.key.", "lookup.address."): value
           for name, value in load_tensors(path).items()}  # fmt: skip
    assert "lookup.question.weight" in old
    about |= {"format": "momi-network-1", "network": {**about["network"], "decoder": "dark"}}
    save_tensors(tmp_path / "old.safetensors", old, {"momi": json.dumps(about)})
    again, today = load_network(tmp_path / "old.safetensors"), load_network(path)
    assert again.config == today.config and again.config.decoder == "newton"
    values = today.state_dict()
    assert all(torch.equal(value, values[name]) for name, value in again.state_dict().items())
    assert [load_network(name).config.decoder for name in ("small", "lookup")] == ["newton", "newton"]


@pytest.mark.parametrize("heads", [1, 2])
def test_at_first_a_place_scores_eight_for_itself_where_a_code_is_one(heads):
    """Before the softmax, summed over heads: 8 · heads · mean(code²)."""
    lookup, code = AppearanceLookup(8, (4, 2), heads=heads), torch.randn(3, 8, 4, 2)
    with torch.no_grad():
        scores = (lookup.query(code) * lookup.key(code)).sum(1) / (8 / heads) ** 0.5
    torch.testing.assert_close(scores, 8 * heads * code.square().mean(1), rtol=1e-4, atol=1e-4)


def test_what_is_fetched_is_what_the_weights_say():
    lookup = AppearanceLookup(8, (4, 2), heads=2)
    appearance, source, target = torch.randn(3, 2, 8, 4, 2)
    with torch.no_grad():
        weights = lookup.weights(source, target)
        values = lookup.value(torch.cat([appearance, source], dim=1)).flatten(2).unflatten(1, (2, 8))
        attended = torch.einsum("nhqk,nhck->nhcq", weights, values).flatten(1, 2).unflatten(2, (4, 2))
        torch.testing.assert_close(lookup(appearance, source, target), lookup.result(attended))


def test_the_likelihood_of_one_point_is_that_of_its_place():
    lookup = AppearanceLookup(8, (4, 2), heads=2)
    codes = torch.randn(1, 8, 4, 2), torch.randn(1, 8, 4, 2)
    points, valid = torch.tensor([[[1.0, 2.0], [0.0, 0.0]]]), torch.tensor([[True, False]])
    with torch.no_grad():
        weight = lookup.weights(*codes)[0, :, 5, 5].mean()  # in the third row the second place
        told = lookup.negative_log_likelihood(codes, (points, points), valid)
    assert float(told) == pytest.approx(-math.log(float(weight)), rel=1e-4)


def test_points_outside_count_as_on_the_border():
    outside, border = torch.tensor([[[-3.0, 9.0], [5.0, -1.0]]]), torch.tensor([[[0.0, 3.0], [1.0, 0.0]]])
    assert torch.equal(bilinear_shares(outside, (4, 2)), bilinear_shares(border, (4, 2)))


def test_codes_that_do_not_fit_are_named():
    lookup, code = AppearanceLookup(8, (4, 2), heads=1), torch.randn(1, 8, 4, 2)
    for place, name in enumerate(("appearance", "source_pose", "target_pose")):
        codes = [code, code, code]
        codes[place] = code[:, :7]
        with pytest.raises(ValueError, match=f"^{name}: "):
            lookup(*codes)


def test_a_place_that_is_as_good_as_ruled_out_costs_a_finite_amount():
    lookup = AppearanceLookup(8, (4, 2), heads=1)
    mark(lookup, 1000.0)
    code = torch.eye(8).view(1, 8, 4, 2)
    first, last = torch.tensor([[[0.0, 0.0]]]), torch.tensor([[[1.0, 3.0]]])
    likelihood = lookup.negative_log_likelihood((code, code), (first, last), torch.ones(1, 1, dtype=torch.bool))
    assert float(likelihood.detach()) == pytest.approx(-math.log(1e-6), rel=1e-4)
