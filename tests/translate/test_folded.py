"""Folding batch norms changes the speed and not the picture."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from momi_lib.train import preset
from momi_lib.translate import MomiNet, folded


def trained(**changes) -> MomiNet:
    """A network whose batch norms have seen something, with all scales and shifts unlike 1 and 0."""
    torch.manual_seed(0)
    network = MomiNet(replace(preset("small").network, width=32, encoder=(16, 32), **changes))
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


def test_a_training_network_is_refused():
    with pytest.raises(ValueError, match=r"network\.eval\(\)"):
        folded(trained().train())
