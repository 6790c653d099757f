"""Folding batch norms changes the speed and not the picture."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from momi_lib.train import preset
from momi_lib.translate import MomiNet, folded, network_of


def trained(name: str = "lookup", **changes) -> MomiNet:
    """A network whose batch norms have seen something, with all scales and shifts unlike 1 and 0."""
    torch.manual_seed(0)
    usual = {"width": 32, "encoder": (16, 32)}
    network = network_of(replace(preset(name).network, **usual | changes))
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
            nn.init.normal_(part.weight, 1.0, 0.3)
            nn.init.normal_(part.bias)
    return network.eval()


@pytest.mark.parametrize(
    "changes", [{}, {"transfer": "join"}, {"pose_detail": 4}, {"stem": "paper", "upsampling": "resize"}]
)
def test_the_folded_network_draws_the_same(changes):
    network = trained(**changes)
    fast = folded(network)
    source = torch.rand(2, 3, 128, 64) * 2 - 1
    with torch.no_grad():
        for ours, theirs in zip(fast.pose(source), network.pose(source), strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)
        codes = network.encode_pose(network.reproject(torch.rand(4, 17, 2) * 60, torch.ones(4, 17, dtype=torch.bool)))
        drawn = [part.decode(part.encode_appearance(source, codes[:2]), codes[2:]) for part in (network, fast)]
    torch.testing.assert_close(*drawn, atol=1e-3, rtol=1e-3)
    assert drawn[0].std() > 0.01
    assert not any(isinstance(part, nn.BatchNorm2d) for part in fast.modules())
    assert any(isinstance(part, nn.BatchNorm2d) for part in network.modules())  # the original is untouched


@pytest.mark.parametrize("changes", [{}, {"stem": "paper", "upsampling": "resize", "pose_detail": 0}])
def test_a_folded_network_that_carries_draws_the_same(changes):
    bodies = {"body_source": (8, 8, 8, 16), "body_target": (8, 8, 8, 8), "painter": 8}
    network = trained("small", **bodies, **changes)
    fast = folded(network)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in fast.modules())
    pictures = torch.rand(2, 3, 128, 64) * 2 - 1
    with torch.no_grad():
        pose = network.pose(pictures)
        for ours, theirs in zip(fast.pose(pictures), pose, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)
        (ours, _), (theirs, _) = (part.body_maps.source(pictures, pose.maps) for part in (fast, network))
        for mine, yours in zip(ours, theirs, strict=True):
            torch.testing.assert_close(mine, yours, atol=1e-3, rtol=1e-3)
        drawn = [part.draw(part.meet(pictures, pose), pose.maps.flip(0)) for part in (fast, network)]
        apart = (drawn[0] - drawn[1]).abs()
    # A place that lies as near to one place of the source as to another may be fetched from either.
    assert apart.median() < 1e-4 and (apart > 0.01).float().mean() < 0.02
    assert drawn[1].std() > 0.01


def test_a_training_network_is_refused():
    with pytest.raises(ValueError, match=r"network\.eval\(\)"):
        folded(trained().train())


def test_what_is_folded_does_not_learn():
    assert not any(weight.requires_grad for weight in folded(trained()).parameters())
