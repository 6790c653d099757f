"""What every test needs: no windows, no shared cache, and a reason when there is no GPU."""

from __future__ import annotations

import matplotlib
import pytest
import torch

matplotlib.use("Agg")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need a GPU where there is none."""
    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device, and there is none"))
