"""Losses that stay on the device until somebody looks, and a guard that keeps what is no number from the weights.

Reading a number back makes a processor wait for its GPU. So the losses of a step are read when they are asked for, and
the guard works on the device in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

__all__ = ["Guard", "Losses", "TrainingDiverged"]


class TrainingDiverged(RuntimeError):
    """A loss is no longer a number; ``loss`` names it, ``step`` says when."""

    def __init__(self, loss: str, step: int, value: float) -> None:
        super().__init__(
            f"step {step}: the loss {loss!r} is {value}; stopped before it reached the weights. The last checkpoint "
            "is good: resume from it with a lower learning rate, or with --precision fp32."
        )
        self.loss, self.step = loss, step


class Losses(Mapping[str, float]):
    """The losses of a step by name. They are read back from the device, all at once, at the first look.

    Args:
        names: of the losses.
        values: (L,) fp32, on any device.

    >>> losses = Losses(("recon", "patch"), torch.tensor([0.5, 0.25]))
    >>> losses["patch"], list(losses)
    (0.25, ['recon', 'patch'])
    """

    def __init__(self, names: Sequence[str], values: Tensor) -> None:
        self.names, self.values_on_device = tuple(names), values
        self._read: dict[str, float] | None = None

    def joined(self, other: Losses) -> Losses:
        """These losses and ``other`` ones."""
        return Losses(self.names + other.names, torch.cat([self.values_on_device, other.values_on_device]))

    @property
    def are_read(self) -> bool:
        """Whether somebody has looked, and the device has been waited for."""
        return self._read is not None

    def _all(self) -> dict[str, float]:
        if self._read is None:
            self._read = dict(zip(self.names, self.values_on_device.tolist(), strict=True))
        return self._read

    def __getitem__(self, name: str) -> float:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"Losses({self._all()})"


class Guard:
    """Keeps gradients of a loss that is no number from the weights, and says so when it is next asked.

    Where looking costs nothing (``wait`` is 1) a bad loss raises at once. Elsewhere its gradients, and those of all
    steps after it, are set to zero on the device, and :meth:`ask`, which the loop calls every ``wait`` steps and before
    anything is kept, raises.

    Args:
        device: of the losses.
        wait: steps between two questions.
    """

    def __init__(self, device: torch.device, wait: int) -> None:
        self.wait = wait
        self._steps = 0
        self._good = torch.ones((), dtype=torch.bool, device=device)
        self._value = torch.zeros((), device=device)
        self._which = torch.zeros(2, dtype=torch.long, device=device)  # step, and number of the loss
        self._names: list[str] = []

    def watch(self, losses: Losses, step: int) -> None:
        """Look at the losses of ``step``, on the device; raises (:class:`TrainingDiverged`) if that costs nothing."""
        if self.wait == 1:
            for name, value in losses.items():
                if not math.isfinite(value):
                    raise TrainingDiverged(name, step, value)
            return
        values = losses.values_on_device
        bad = ~values.isfinite()
        first = bad.int().argmax()
        new = self._good & bad.any()
        number = first + self._offset(losses.names)
        which = torch.stack([torch.full_like(number, step), number])
        self._which = torch.where(new, which, self._which)
        self._value = torch.where(new, values[first], self._value)
        self._good = self._good & ~bad.any()

    def _offset(self, names: Sequence[str]) -> int:
        """Where these names begin in the list of all that were seen."""
        for start in range(len(self._names) - len(names) + 1):
            if self._names[start : start + len(names)] == list(names):
                return start
        self._names += names
        return len(self._names) - len(names)

    def hold_back(self, parameters: Sequence[nn.Parameter]) -> None:
        """Set gradients to zero, in place and on the device, if a loss was no number."""
        if self.wait > 1:
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.grad.masked_fill_(~self._good, 0.0)

    def step_done(self, *, now: bool = False) -> None:
        """Count a step; every ``wait`` steps, or ``now``, ask."""
        self._steps += 1
        if self.wait > 1 and (now or self._steps % self.wait == 0):
            self.ask()

    def ask(self) -> None:
        """Wait for the device and raise (:class:`TrainingDiverged`) if a loss was no number since the last time."""
        if self.wait > 1 and not bool(self._good):
            step, number = self._which.tolist()
            raise TrainingDiverged(self._names[number], step, float(self._value))
