"""The exponential moving average of a network's weights, which evaluation uses."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

N = TypeVar("N", bound=nn.Module)


class ModelEMA(Generic[N]):
    """A second network whose weights follow those of the first: w̄ ← m w̄ + (1 − m) w.

    The momentum m starts near zero and grows to ``decay``, so the random first weights are soon forgotten.
    Buffers (batch norm's statistics) are copied.

    >>> network = nn.Linear(1, 1, bias=False)
    >>> average = ModelEMA(network, decay=0.9)
    >>> _ = network.weight.data.add_(1.0)
    >>> average.update(network)
    >>> average.updates
    1
    """

    def __init__(self, network: N, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move a step towards the weights of ``network``."""
        momentum = min(self.decay, (1 + self.updates) / (10 + self.updates))
        ours: list[Tensor] = list(self.network.parameters())
        theirs: list[Tensor] = list(network.parameters())
        torch._foreach_lerp_(ours, theirs, 1 - momentum)  # pyright: ignore[reportPrivateImportUsage]  # no public name
        for mine, other in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(other)
        self.updates += 1

    def restart(self, network: nn.Module) -> None:
        """Forget what was averaged: the weights of ``network``, and a momentum that grows again."""
        self.network.load_state_dict(network.state_dict())
        self.updates = 0

    def state_dict(self) -> dict:
        """Weights and the number of updates."""
        return {"network": self.network.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict) -> None:
        """Take back what :meth:`state_dict` gave."""
        self.network.load_state_dict(state["network"])
        self.updates = state["updates"]
