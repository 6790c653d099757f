"""What every test needs: no windows, no shared cache, a reason when there is no GPU, and networks that draw.

Tests that need Chromium or OpenGL skip where there is none. Where it was installed a skip would hide that nothing was
tested: of the parts that $MOMI_NO_SKIPS names, such as "browser renderer", a skip is a failure. .ci/run sets it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path

import matplotlib
import pytest
import torch
from torch import Tensor, nn

from momi_lib.translate import MomiNet

matplotlib.use("Agg")

FOLDER = Path(__file__).parent
#: Parts that $MOMI_NO_SKIPS may name, and where their tests are.
PARTS = {"browser": FOLDER / "browser", "renderer": FOLDER / "mannequins"}


def pytest_configure() -> None:
    """Refuse a part that does not exist, of which every test would be free to skip."""
    if unknown := _unskippable() - PARTS.keys():
        known = " and ".join(PARTS)
        raise pytest.UsageError(f"MOMI_NO_SKIPS: expected some of {known}, got {', '.join(sorted(unknown))}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that may not skip fails instead."""
    report = yield
    return without_skips(item.path, report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """So does a file of such tests."""
    report = yield
    return without_skips(collector.path, report)


def without_skips(
    path: Path, report: pytest.TestReport | pytest.CollectReport
) -> pytest.TestReport | pytest.CollectReport:
    """The report, in which a skip in a part that $MOMI_NO_SKIPS names has become a failure; it keeps its reason."""
    parts = [part for part, folder in PARTS.items() if part in _unskippable() and path.is_relative_to(folder)]
    if parts and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = (
            f"{str(reason).removeprefix('Skipped: ')} - and MOMI_NO_SKIPS says that tests of the {parts[0]} run here."
        )
    return report


def _unskippable() -> set[str]:
    return set(os.environ.get("MOMI_NO_SKIPS", "").replace(",", " ").split())


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
