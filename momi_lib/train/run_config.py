"""What every training is told: which data, where to write, chance, device and number format."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch

from momi_lib.arguments import MOST, flag, path_of, told
from momi_lib.data import data_folder
from momi_lib.data.records import EMBEDDED
from momi_lib.devices import Device, check_device, multiplies_bf16, pick

Precision = Literal["fp32", "bf16", "auto"]


def expect(group: str, options: object, kind: str, *names: str) -> None:
    """Refuse options that are not numbers of a ``kind``, one of :data:`_KINDS` (ValueError).

    >>> expect("", RunConfig(seed=3), "count", "seed")
    >>> expect("run.", RunConfig(seed=0), "count", "seed")
    Traceback (most recent call last):
    ...
    ValueError: run.seed: expected a whole number from 1 up, got 0
    """
    fits, expected = _KINDS[kind]
    hints = hints_of(type(options))
    for name in names:
        value, count = getattr(options, name), _count(hints[name])
        if count is not None and (not isinstance(value, tuple | list) or len(value) != (count or len(value))):
            raise ValueError(f"{group}{name}: expected {count or 'some'} numbers, each {expected}, got {value!r}")
        for number in (value,) if count is None else value:
            if isinstance(number, bool) or not isinstance(number, int | float) or not fits(number):
                raise ValueError(f"{group}{name}: expected {expected}, got {value!r}")


@cache
def hints_of(kind: type) -> dict[str, Any]:
    """The annotations of a class of options, evaluated once."""
    return get_type_hints(kind)


def _count(hint: Any) -> int | None:
    """How many numbers an option is, 0 for any number of them; ``None`` for a single one."""
    for each in (hint, *get_args(hint)):
        if get_origin(each) is tuple:
            return 0 if ... in get_args(each) else len(get_args(each))
    return None


def expect_types(group: str, options: object) -> None:
    """Refuse what is no path, switch or group of options where an annotation says so; strings become paths (TypeError).

    >>> expect_types("", RunConfig(out=3))
    Traceback (most recent call last):
    ...
    TypeError: out: expected a path, got 3
    """
    for name, hint in hints_of(type(options)).items():
        value, kinds = getattr(options, name), get_args(hint) or (hint,)
        if value is None and NoneType in kinds:
            continue
        if bool in kinds:
            object.__setattr__(options, name, flag(f"{group}{name}", value))  # they are frozen
        elif Path in kinds and str not in kinds and not isinstance(value, Path):
            object.__setattr__(options, name, path_of(f"{group}{name}", value))
        elif isinstance(hint, type) and is_dataclass(hint) and not isinstance(value, hint):
            raise TypeError(f"{group}{name}: expected a {hint.__name__}, got {told(value)}")


#: Kinds of numbers: the test, and the words of the message.
_KINDS: dict[str, tuple[Callable[[float], bool], str]] = {
    "count": (lambda x: isinstance(x, int) and 1 <= x <= MOST, "a whole number from 1 up"),
    "count or none": (lambda x: isinstance(x, int) and 0 <= x <= MOST, "a whole number from 0 up"),
    "weight": (lambda x: 0 <= x < math.inf, "a number from 0 up"),
    "rate": (lambda x: 0 < x < math.inf, "a number above 0"),
    "share": (lambda x: 0 <= x <= 1, "a number in [0, 1]"),
    "decay": (lambda x: 0 <= x < 1, "a number in [0, 1)"),
    "seed": (lambda x: isinstance(x, int) and -(2**63) <= x < 2**63 - 2, "a whole number of 64 bits"),
}


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """The options that all trainings share, by the same names and of the same types.

    Attributes:
        data: data folder; ``None`` is ``$MOMI_DATA`` or the embedded set.
        out: where to write; each training says what.
        seed: of first weights and of all draws.
        device: ``"auto"``, a GPU of CUDA where there is one, ``"cpu"``, or ``"mps"``, the GPU of a Mac.
        precision: ``"fp32"``, ``"bf16"`` (autocast), or ``"auto"``: bf16 where the device has instructions for it.

    >>> RunConfig(device="cpu").where
    device(type='cpu')
    """

    data: Path | None = None
    out: Path | None = None
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "fp32"

    def weights_out(self, committed: Path) -> Path:
        """Where weights go: ``out``; else the ``committed`` file for the embedded data, and ``runs`` for any other.

        Other data never write over the committed networks, whose names say mannequins.

        >>> RunConfig().weights_out(Path("weights/a.safetensors")).as_posix()
        'weights/a.safetensors'
        """
        if self.out is not None:
            return self.out
        folder = data_folder(self.data)
        return committed if folder.resolve() == EMBEDDED.resolve() else Path("runs") / f"{folder.name}-{committed.name}"

    @property
    def where(self) -> torch.device:
        """The device of a training in one process."""
        return pick(self.device)

    def in_bf16(self, device: torch.device) -> bool:
        """Whether to compute in bfloat16 on a device."""
        return self.precision == "bf16" or (self.precision == "auto" and multiplies_bf16(device))

    def check(self) -> None:
        """Refuse a device or precision that there is not, and a seed that no generator takes (ValueError)."""
        if self.precision not in (known := get_args(Precision)):
            raise ValueError(f"precision: expected one of {', '.join(known)}, got {self.precision!r}")
        check_device(self.device)
        expect("", self, "seed", "seed")
