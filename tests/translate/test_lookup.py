"""The lookup brings a source's appearance to where the target's pose asks for it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from momi_lib.train import preset
from momi_lib.translate import AppearanceLookup, MomiNet, load_network, save_network
from momi_lib.translate.network import NetworkConfig


def identity(layer: nn.Conv2d, factor: float = 1.0) -> None:
    with torch.no_grad():
        layer.weight.copy_(factor * torch.eye(layer.weight.shape[0])[:, :, None, None])
        layer.bias.zero_()


def test_each_place_fetches_from_the_place_with_its_pose_code():
    lookup = AppearanceLookup(8, (4, 2), heads=1)
    for layer in (lookup.question, lookup.address):
        identity(layer, 10.0)
    for layer in (lookup.value, lookup.result):
        identity(layer)
    source_pose = torch.eye(8).view(1, 8, 4, 2)  # place i is marked in channel i
    moved = torch.tensor([3, 0, 7, 1, 6, 2, 5, 4])  # where the target has what the source has at i
    target_pose = source_pose.flatten(2)[:, :, moved].view(1, 8, 4, 2)
    appearance = torch.randn(1, 8, 4, 2)
    fetched = lookup(appearance, source_pose, target_pose) - appearance
    assert torch.allclose(fetched.flatten(2), appearance.flatten(2)[:, :, moved], atol=1e-4)
    weights = lookup.weights(source_pose, target_pose)[0, 0]
    assert weights.argmax(1).tolist() == moved.tolist()


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="not divisible by heads 3"):
        AppearanceLookup(8, (4, 2), heads=3)
    with pytest.raises(ValueError, match="'join' or 'lookup'"):
        NetworkConfig(transfer="carry")


def test_a_network_with_lookup_swaps_learns_and_survives_a_file(tmp_path):
    from dataclasses import replace

    network = MomiNet(replace(preset("tiny").network, transfer="lookup"))
    pictures = torch.rand(2, 3, 128, 64) * 2 - 1
    codes = network.encode_pose(torch.rand(4, 17, 128, 64))
    drawn = network.decode(network.encode_appearance(pictures, codes[:2]), codes[2:])
    drawn.square().mean().backward()
    assert network.lookup.question.weight.grad.abs().sum() > 0
    assert network.lookup.places in set(network.translation()[-1].parameters())
    save_network(network.eval(), tmp_path / "net.safetensors")
    again = load_network(tmp_path / "net.safetensors")
    with torch.no_grad():
        assert torch.allclose(again.swap(pictures, pictures), network.swap(pictures, pictures), atol=2e-2)
