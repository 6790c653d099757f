"""What `tests/test_public_functions.py` walks over: each public function with a valid call, and what can be wrong with
each of its arguments.

A `Wrong` makes one wrong argument of a right one, and says what may come of it:

- ``REFUSED``: one of our own errors that names the argument, nothing else;
- ``SAME``: the answer of the valid call, as for float64, a copy with other strides, or an array of NumPy;
- ``RIGHT``: an answer that is finite and passes the function's own test;
- ``NAN``: an answer that is not finite, as a NaN in a loss must not get lost;
- ``FREE``: an answer that passes the function's own test, finite or not.

A refusal is allowed instead of any of them.
"""

from __future__ import annotations

import copy
import random
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

REFUSED, SAME, RIGHT, NAN, FREE = "refused", "same", "right", "nan", "free"


@dataclass(frozen=True)
class Wrong:
    """One way in which an argument can be wrong."""

    name: str
    make: Callable[[Any, random.Random], Any]
    then: str = REFUSED


@dataclass(frozen=True)
class Argument:
    """A right value, what can be wrong with it, and what a refusal may call it beside its own name."""

    value: Any
    wrongs: tuple[Wrong, ...]
    called: tuple[str, ...] = ()


@dataclass(frozen=True)
class Door:
    """A public function: how it is called, its arguments, and whether an answer to them can be right."""

    call: Callable[..., Any]
    arguments: dict[str, Argument]
    right: Callable[..., bool] = lambda answer, **_: True
    #: Whether the valid call is made: not of what trains.
    calls: bool = True
    #: Whether a right answer may hold NaN.
    holes: bool = False


def constant(value: Any) -> Callable[[Any, random.Random], Any]:
    """Makes always the same."""
    return lambda _, __: value


class Anything:
    """An object that is nothing at all."""


def things(*, none: str = REFUSED, text: str = REFUSED) -> list[Wrong]:
    """What no tensor, number, network or table is."""
    return [
        Wrong("None", constant(None), none),
        Wrong("a word", constant("pictures"), text),
        Wrong("an object", constant(Anything())),
        Wrong("a class", constant(Anything)),
        Wrong("a dict", constant({"pictures": 3})),
    ]


def _without(value: Tensor, axis: int) -> Tensor:
    return value.narrow(axis, 0, 0)


def _longer(value: Tensor, axis: int) -> Tensor:
    return torch.cat([value, value.narrow(axis, 0, 1)], dim=axis)


def _with(value: Tensor, what: float, rng: random.Random) -> Tensor:
    changed = value.clone()
    changed.view(-1)[rng.randrange(changed.numel())] = what
    return changed


def _strided(value: Tensor) -> Tensor:
    return value.mT.contiguous().mT if value.ndim > 1 else value.repeat_interleave(2)[::2]


def tensor(
    value: Tensor,
    axes: str,
    *,
    kind: str = "float",
    fewer: str = REFUSED,
    more: str = REFUSED,
    empty: str = REFUSED,
    ints: str = REFUSED,
    nan: str = REFUSED,
    bytes_range: str = REFUSED,
    unit: str = RIGHT,
    none: str = REFUSED,
    listed: str = SAME,
    half: str = RIGHT,
    bools: str = REFUSED,
    called: tuple[str, ...] = (),
    lists: bool = False,
) -> Argument:
    """A tensor argument.

    Args:
        axes: a letter an axis: ``N`` may have another length alone, ``n`` may not as another argument has it too,
            ``f`` has this length only, ``h`` any from 1 up, ``-`` any.
        kind: ``float``, ``uint8``, ``bool`` or ``whole``.
        fewer, more: with an axis less or more in front.
        empty: with 0 rows.
        ints, bools, half: of another type.
        nan, bytes_range: with a NaN or infinity somewhere, and in 0…255 where [-1, 1] is expected.
        unit: in 0…1 where [-1, 1] is expected.
        none: where it is left out.
        listed: as nested lists or an array of NumPy.
    """
    wrongs = [each for each in things(none=none)]
    wrongs += [
        Wrong("a number", constant(0.5)),
        Wrong("an array", lambda v, _: v.detach().numpy(), listed),
        Wrong("lists", lambda v, _: v.tolist(), listed),
        Wrong("other strides", lambda v, _: _strided(v), SAME),
        Wrong("complex", lambda v, _: v.to(torch.complex64)),
        Wrong("an axis more", lambda v, _: v[None], more),
        Wrong("an axis less", lambda v, _: v[0], fewer),
    ]
    for axis, letter in enumerate(axes):
        rows = empty if axis == 0 and letter in "Nn" else REFUSED
        if letter == "-":
            continue
        wrongs.append(Wrong(f"axis {axis} is 0", lambda v, _, axis=axis: _without(v, axis), rows))
        if letter in "fn":
            wrongs.append(Wrong(f"axis {axis} is longer", lambda v, _, axis=axis: _longer(v, axis)))
    if kind == "float":
        wrongs += [
            Wrong("int64", lambda v, _: v.long(), ints),
            Wrong("uint8", lambda v, _: v.abs().byte(), ints),
            Wrong("bool", lambda v, _: v > 0, bools),
            Wrong("float64", lambda v, _: v.double(), SAME),
            Wrong("float16", lambda v, _: v.half(), half),
            Wrong("with gradients", lambda v, _: v.detach().clone().requires_grad_(), SAME),
            Wrong("a NaN", lambda v, rng: _with(v, torch.nan, rng), nan),
            Wrong("an infinity", lambda v, rng: _with(v, rng.choice((torch.inf, -torch.inf)), rng),
                  REFUSED if nan == REFUSED else FREE),
            Wrong("0 to 255", lambda v, _: (v + 1) * 127.5 + 100, bytes_range),
            Wrong("0 to 1", lambda v, _: (v.clamp(-1, 1) + 1) / 2, unit),
        ]  # fmt: skip
    elif kind == "uint8":
        wrongs += [
            Wrong("float in [-1, 1]", lambda v, _: v.float() / 127.5 - 1),
            Wrong("float in 0 to 255", lambda v, _: v.float()),
            Wrong("int64", lambda v, _: v.long()),
            Wrong("bool", lambda v, _: v > 128),
        ]
    elif kind == "bool":
        wrongs += [
            Wrong("float", lambda v, _: v.float(), bools if bools != REFUSED else SAME),
            Wrong("float with NaN", lambda v, rng: _with(v.float(), torch.nan, rng), bools),
            Wrong("0 and 1", lambda v, _: v.byte(), SAME),
            Wrong("0 and 255", lambda v, _: v.byte() * 255, SAME),
        ]
    else:
        wrongs += [
            Wrong("float", lambda v, _: v.float() + 0.5),
            Wrong("a NaN", lambda v, rng: _with(v.float(), torch.nan, rng)),
            Wrong("bool", lambda v, _: v > 0, bools),
            Wrong("int32", lambda v, _: v.int(), SAME),
        ]
    return Argument(value, tuple(wrongs), called)


def tensors(value: Iterable[Tensor], *, count: bool = False, called: tuple[str, ...] = (), nan: str = NAN) -> Argument:
    """A list or tuple of tensors."""
    value = tuple(value)
    wrongs = [
        *things(),
        Wrong("a tensor", lambda v, _: torch.stack(v)),
        Wrong("nothing in it", constant(())),
        Wrong("a None in it", lambda v, _: (None, *v[1:])),
        Wrong("an array in it", lambda v, _: (v[0].detach().numpy(), *v[1:]), SAME),
        Wrong("whole numbers in it", lambda v, _: (v[0].long(), *v[1:])),
        Wrong("as a list", lambda v, _: list(v), SAME),
        Wrong("a NaN in it", lambda v, rng: (_with(v[0].detach(), torch.nan, rng), *v[1:]), nan),
        Wrong("another shape in it", lambda v, _: (_longer(v[0], v[0].ndim - 1), *v[1:])),
        Wrong("an empty one in it", lambda v, _: (_without(v[0], v[0].ndim - 1), *v[1:])),
    ]
    if count:
        wrongs.append(Wrong("one more", lambda v, _: (*v, v[0])))
        wrongs.append(Wrong("one less", lambda v, _: v[:-1]))
    return Argument(value, tuple(wrongs), called)


def _numbers(none: str) -> list[Wrong]:
    return [
        *things(none=none),
        Wrong("a list", lambda v, _: [v]),
        Wrong("a numeral", lambda v, _: str(v)),
        Wrong("NaN", constant(float("nan"))),
        Wrong("infinity", constant(float("inf"))),
        Wrong("minus infinity", constant(float("-inf"))),
        Wrong("complex", constant(1j)),
    ]


def real(
    value: float,
    *,
    least: float | None = 0,
    most: float | None = None,
    zero: bool = True,
    none: str = REFUSED,
    called: tuple[str, ...] = (),
) -> Argument:
    """A number, from ``least`` to ``most``; with ``zero`` 0 is one of them."""
    wrongs = [
        *_numbers(none),
        Wrong("of NumPy", lambda v, _: np.float64(v), SAME),
        Wrong("a bool", constant(True)),
    ]
    if least is not None:
        wrongs.append(Wrong("negative", lambda v, rng: least - rng.choice((1e-3, 1, 1e9))))
    if most is not None:
        wrongs.append(Wrong("too large", lambda v, rng: most + rng.choice((1e-3, 1, 1e9))))
    if not zero:
        wrongs.append(Wrong("zero", constant(0)))
    return Argument(value, tuple(wrongs), called)


def whole(
    value: int,
    *,
    least: int | None = 1,
    most: int | None = 2**40,
    none: str = REFUSED,
    called: tuple[str, ...] = (),
    zero_is: str = REFUSED,
) -> Argument:
    """A whole number from ``least`` to ``most``."""
    wrongs = [
        *_numbers(none),
        Wrong("of NumPy", lambda v, _: np.int64(v), SAME),
        Wrong("a bool", constant(True)),
        Wrong("a fraction", lambda v, _: v + 0.5),
        Wrong("huge", constant(2**70)),
    ]
    if least is not None:
        wrongs.append(Wrong("too small", lambda v, rng: least - rng.choice((1, 2, 2**40)), zero_is))
    return Argument(value, tuple(wrongs), called)


def words(value: str, *, none: str = REFUSED, called: tuple[str, ...] = ()) -> Argument:
    """One of some words."""
    return Argument(
        value,
        (
            *things(none=none),
            Wrong("a number", constant(3)),
            Wrong("capitals", lambda v, _: v.upper() + "!"),
            Wrong("no letters", constant("")),
            Wrong("a list of it", lambda v, _: [v]),
        ),
        called,
    )


def flag(value: bool, *, called: tuple[str, ...] = ()) -> Argument:
    """True or False."""
    return Argument(
        value,
        (
            *things(),
            Wrong("no", constant("no")),
            Wrong("a list", constant([])),
            Wrong("a number", constant(0.5)),
            Wrong("of NumPy", lambda v, _: np.bool_(v), SAME),
        ),
        called,
    )


def size(value: tuple[int, int], *, none: str = REFUSED, called: tuple[str, ...] = ()) -> Argument:
    """(rows, columns)."""
    return Argument(
        value,
        (
            *things(none=none),
            Wrong("a number", lambda v, _: v[0]),
            Wrong("rows are 0", lambda v, _: (0, v[1])),
            Wrong("columns are 0", lambda v, _: (v[0], 0)),
            Wrong("negative", lambda v, rng: (-rng.randint(1, 9), v[1])),
            Wrong("huge", lambda v, _: (2**70, v[1])),
            Wrong("one", lambda v, _: (v[0],)),
            Wrong("three", lambda v, _: (3, *v)),
            Wrong("NaN", lambda v, _: (float("nan"), v[1])),
            Wrong("a fraction", lambda v, _: (v[0], v[1] + 0.5)),
            Wrong("bools", constant((True, True))),
            Wrong("words", lambda v, _: tuple(map(str, v))),
            Wrong("Nones", constant((None, None))),
            Wrong("a list", lambda v, _: list(v), SAME),
        ),
        called,
    )


def file(value: Any, *, none: str = REFUSED, absent: str = REFUSED, called: tuple[str, ...] = ()) -> Argument:
    """A path; a refusal names the file, or the argument."""
    return Argument(
        value,
        (
            *[each for each in things(none=none) if each.name != "a word"],
            Wrong("a number", constant(3)),
            Wrong("bytes", constant(b"weights.safetensors")),
            Wrong("a list", constant(["small"])),
            Wrong("not there", constant("no/such/file.safetensors" if absent == REFUSED else "new/file"), absent),
            Wrong("a folder", lambda v, _: tempfile.gettempdir(), absent),
            Wrong("a NUL in it", constant("a\0b"), absent),
        ),
        ("no/such/file", str(Path("no/such/file")), tempfile.gettempdir(), "a\0b", r"a\x00b", *called),
    )


def device(value: str = "cpu", *, called: tuple[str, ...] = ()) -> Argument:
    """A device."""
    return Argument(
        value,
        (
            *things(),
            Wrong("a list", constant(["cpu"])),
            Wrong("nonsense", constant("cpus:x")),
            Wrong("a device", lambda v, _: torch.device(v), SAME),
            *([] if torch.cuda.is_available() else [Wrong("not there", constant("cuda"))]),
        ),
        called,
    )


def thing(
    value: Any, *others: Wrong, none: str = REFUSED, text: str = REFUSED, called: tuple[str, ...] = ()
) -> Argument:
    """An object of a certain kind: people, a config, a network, an index, or words."""
    return Argument(value, (*things(none=none, text=text), Wrong("a number", constant(3)), *others), called)


def network(
    value: nn.Module, *others: Wrong, none: str = REFUSED, busy: str = REFUSED, called: tuple[str, ...] = ()
) -> Argument:
    """A network that must be in evaluation mode; one without batch norms and dropout says the same in any."""
    return thing(
        value,
        Wrong("in training mode", lambda v, _: training(v), busy),
        Wrong("a class of networks", constant(nn.Linear)),
        *others,
        none=none,
        called=called,
    )


def training(value: Any) -> Any:
    """A copy in training mode, however much it wants to rest."""
    value = copy.deepcopy(value)
    for part in value.modules():
        part.training = True
    return value


def flat(answer: Any) -> list[Tensor]:
    """All tensors and numbers of an answer."""
    if isinstance(answer, Tensor):
        return [answer]
    if isinstance(answer, bool | int | float | np.number):
        return [torch.tensor(float(answer))]
    if isinstance(answer, dict):
        return [each for key in sorted(answer, key=str) for each in flat(answer[key])]
    if isinstance(answer, list | tuple):
        return [each for part in answer for each in flat(part)]
    if hasattr(answer, "__dataclass_fields__"):
        return [each for name in answer.__dataclass_fields__ for each in flat(getattr(answer, name, None))]
    return []


def finite(answer: Any) -> bool:
    """Whether nothing in an answer is NaN or infinite."""
    return all(bool(each.isfinite().all()) for each in flat(answer) if each.is_floating_point())


def same(one: Any, other: Any) -> bool:
    """Whether two answers are the same up to rounding."""
    first, second = flat(one), flat(other)
    return len(first) == len(second) and all(
        a.shape == b.shape
        and torch.allclose(a.detach().double(), b.detach().double(), atol=1e-4, rtol=1e-3, equal_nan=True)
        for a, b in zip(first, second, strict=True)
    )
