"""What every test needs: no windows, no shared cache, a reason when there is no GPU, and networks that draw."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib
import pytest
import torch
from torch import Tensor, nn

from momi_lib.translate import MomiNet

matplotlib.use("Agg")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need a GPU where there is none."""
    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device, and there is none"))


@pytest.fixture(scope="session")
def visible() -> Callable[[MomiNet], MomiNet]:
    """Makes an untrained network find every joint and draw something; with body maps, somebody in the middle."""
    return _visible


def _visible(network: MomiNet) -> MomiNet:
    network.eval().requires_grad_(False)
    network.student.heatmaps.bias.fill_(0.5)  # every joint is found somewhere
    network.student.heatmaps.weight.mul_(100)
    last = network.painter.colour if network.config.carry else network.generator.picture
    last.weight.mul_(50)  # or all pictures would round to the same grey
    if network.config.carry:
        for net in (network.body_maps.of_source, network.body_maps.of_target):
            net.result.register_forward_hook(_in_the_middle)
    return network


def _in_the_middle(_: nn.Module, __: tuple, result: Tensor) -> Tensor:
    """What a body map's last convolution says, with a silhouette in the middle of the picture."""
    rows, columns = (torch.linspace(-1, 1, length)[:, None] for length in result.shape[-2:])
    logit = 6 * (1 - 3 * rows**2 - 3 * columns.T**2)
    # Places as far apart as a body's: rounding would choose another one where many are equally near.
    return torch.cat([5 * result[:, :3], result[:, 3:] + logit.to(result.dtype)], dim=1)
