"""Losses that stay on the device until they are read, and a guard that keeps non-finite losses from the weights.

Reading a number back makes the CPU wait for the GPU. Therefore the losses of a step are read only when they are used,
and the guard works on the device in the meantime.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

__all__ = ["Guard", "Losses", "TrainingDiverged"]


class TrainingDiverged(RuntimeError):
    """A loss is not finite; ``loss`` names it, and ``step`` says when."""

    def __init__(self, loss: str, step: int, value: float) -> None:
        super().__init__(
            f"step {step}: the loss {loss!r} is {value}; stopped before it reached the weights. Resume from the last "
            "checkpoint, which is good, with a lower learning rate or with --precision fp32."
        )
        self.loss, self.step = loss, step


class Losses(Mapping[str, float]):
    """The losses of a step by name. They are read back from the device, all together, when one is first used.

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
        """These losses followed by those of ``other``."""
        return Losses(self.names + other.names, torch.cat([self.values_on_device, other.values_on_device]))

    @property
    def are_read(self) -> bool:
        """Whether the losses have been read back from the device."""
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
    """Keeps the gradients of a loss that is not finite from the weights, and reports it when it is next asked.

    If reading costs nothing (``wait`` is 1), a bad loss raises at once. Otherwise its gradients, and those of all
    steps after it, are set to zero on the device, and :meth:`ask`, which the loop calls every ``wait`` steps and before
    anything is saved, raises.

    Args:
        device: of the losses.
        wait: steps between two calls of :meth:`ask`.
    """

    def __init__(self, device: torch.device, wait: int) -> None:
        self.wait, self.device = wait, device
        self._names: list[str] = []
        self.reset()

    def reset(self) -> None:
        """Forget earlier losses, because weights were loaded or the error was reported."""
        self._good = torch.ones((), dtype=torch.bool, device=self.device)
        self._value = torch.zeros((), device=self.device)
        self._which = torch.zeros(2, dtype=torch.long, device=self.device)  # the step, and the index of the loss

    def watch(self, losses: Losses, step: int) -> None:
        """Check the losses of ``step`` on the device; raises :class:`TrainingDiverged` at once if ``wait`` is 1."""
        if self.wait == 1:
            for name, value in losses.items():
                if not math.isfinite(value):
                    raise TrainingDiverged(name, step, value)
            return
        values = losses.values_on_device
        bad = ~values.isfinite()
        first = bad.int().argmax().view(1)
        new = self._good & bad.any()
        number = first + self._offset(losses.names)
        self._which = torch.where(new, torch.cat([torch.full_like(number, step), number]), self._which)
        # Not values[first]: indexing with a number on the device would wait for it.
        self._value = torch.where(new, values.gather(0, first)[0], self._value)
        self._good = self._good & ~bad.any()

    def _offset(self, names: Sequence[str]) -> int:
        """The position of these names in the list of all names so far."""
        for start in range(len(self._names) - len(names) + 1):
            if self._names[start : start + len(names)] == list(names):
                return start
        self._names += names
        return len(self._names) - len(names)

    def hold_back(self, parameters: Sequence[nn.Parameter]) -> None:
        """Set gradients to zero, in place and on the device, if a loss was not finite."""
        if self.wait == 1:
            return
        bad = ~self._good
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.masked_fill_(bad, 0.0)

    def ask(self) -> None:
        """Wait for the device and raise (:class:`TrainingDiverged`) if a loss was not finite since the last time."""
        if self.wait == 1 or bool(self._good):
            return
        (step, number), value = self._which.tolist(), float(self._value)
        self.reset()
        raise TrainingDiverged(self._names[number], step, value)
