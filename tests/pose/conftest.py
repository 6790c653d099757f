from __future__ import annotations

import pytest
import torch
from torch import nn

from momi_lib.pose import SimpleBaseline


def lively(network: nn.Module) -> nn.Module:
    """A network whose answers are of size one: the official initial weights answer almost 0."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if value.ndim > 1:
                fan = value[0].numel() if "deconv" not in name else value[:, 0].numel() / 4
                value.copy_(torch.randn(value.shape, generator=generator) * (2 / fan) ** 0.5)
    return network.eval()


@pytest.fixture(scope="session")
def network18() -> SimpleBaseline:
    """One ResNet-18 for all tests that only read it."""
    return lively(SimpleBaseline(18))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
