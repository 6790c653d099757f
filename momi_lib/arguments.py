"""What a public function is given: checked at its door, and refused in one sentence with the argument's name, what was
expected, and what came.

Shapes, types and single numbers cost a few microseconds and no wait for a GPU, so losses and networks check them in
every training step. Values of tensors are looked at only by :func:`check_range` and :func:`check_values`, which wait
for a GPU: they stand where whole pictures come in (swaps, tables, scores), never in a training step. Inside
``torch.compile`` no tensor is checked.
"""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

T = TypeVar("T")

#: Sizes of a call that were seen already: letter → size, and the argument that it was seen in.
Sizes = dict[str, tuple[int, str]]

#: Kinds of tensors: the test, and the words of a message.
KINDS: dict[str, tuple[Callable[[torch.dtype], bool], str]] = {
    "float": (lambda dtype: dtype.is_floating_point, "float"),
    "uint8": (lambda dtype: dtype == torch.uint8, "uint8"),
    "bool": (lambda dtype: dtype == torch.bool, "bool"),
    "whole": (lambda dtype: not (dtype.is_floating_point or dtype.is_complex or dtype == torch.bool), "whole numbers"),
    "real": (lambda dtype: not (dtype.is_complex or dtype == torch.bool), ""),
    "any": (lambda dtype: not dtype.is_complex, ""),
}
#: The largest count: more pictures, samples or repetitions than this are a slip.
MOST = 2**31 - 1
#: The longest side of a picture in pixels.
LONGEST = 4096
#: What to do about pictures as bytes.
HINT = "momi_lib.data.to_float converts uint8 pictures"
#: How far outside [-1, 1] a colour may lie, for what interpolation and rounding leave.
TOLERANCE = 0.01


def told(value: Any) -> str:
    """What came, in a few words: the shape and type of a tensor, a number or a word as they are, else the class.

    >>> told(torch.zeros(2, 3)), told("a"), told([1, 2]), told(int)
    ('(2, 3) torch.float32', "'a'", 'a list', 'the class int')
    """
    if isinstance(value, Tensor):
        return f"{tuple(value.shape)} {value.dtype}"
    if value is None or isinstance(value, bool | int | float | complex | str | bytes | os.PathLike):
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:60]}…"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    kind = type(value).__name__
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{kind} {tuple(value.shape)} {value.dtype}"
    if isinstance(value, tuple) and len(value) <= 4 and all(isinstance(part, Real | str) for part in value):
        return repr(value)
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def check_tensor(
    name: str,
    value: Any,
    shape: str,
    what: str = "a tensor",
    kind: str = "float",
    *,
    sizes: Sizes | None = None,
    empty: bool = False,
    hint: str = "",
) -> None:
    """Refuse what is not a tensor of a shape and type. Looks at no value, so it never waits for a GPU.

    Args:
        name: of the argument.
        value: what came.
        shape: such as ``"N 3 H W"``: numbers are sizes, letters are any size from 1 up and the same wherever they come
            again in ``sizes``; ``"... H W"`` has any number of axes in front.
        what: what was expected, in words; ``{}`` in them stands for the shape, which else comes behind, with the type.
        kind: one of :data:`KINDS`.
        sizes: of the call's arguments so far; those of this one are added.
        empty: whether the first axis may be 0 long; after ``"..."``, those in front.
        hint: what to do, after a semicolon.

    Raises:
        TypeError: for what is no tensor.
        ValueError: for another shape or type.

    >>> sizes: Sizes = {}
    >>> check_tensor("pictures", torch.zeros(2, 3, 8, 4), "N 3 H W", "pictures", sizes=sizes)
    >>> check_tensor("masks", torch.ones(3, 8, 4).bool(), "N H W", "masks", "bool", sizes=sizes)
    Traceback (most recent call last):
    ...
    ValueError: masks: expected masks (N, H, W) bool with N = 2 as in pictures, got (3, 8, 4) torch.bool
    """
    if torch.compiler.is_compiling():
        return
    if isinstance(value, Tensor):
        fits, wanted = _fit(name, value.shape, shape, {} if sizes is None else sizes, empty)
        if fits and KINDS[kind][0](value.dtype):
            return
    else:
        wanted = ""
        if hasattr(value, "__array_interface__") and not hint:
            hint = "torch.from_numpy makes a tensor of an array"
    form = "of any shape" if shape == "..." else f"({', '.join(shape.split())})"
    expected = what.format(form) if "{}" in what else f"{what} {form} {KINDS[kind][1]}".rstrip()
    message = f"{name}: expected {expected}{wanted}, got {told(value)}{f'; {hint}' if hint else ''}"
    raise ValueError(message) if isinstance(value, Tensor) else TypeError(message)


def _fit(name: str, found: Sequence[int], shape: str, sizes: Sizes, empty: bool) -> tuple[bool, str]:
    """Whether a shape fits, and what else is expected of it; letters that are new enter `sizes` if it does."""
    tokens = shape.split()
    if tokens[0] == "...":
        tokens, free = tokens[1:], True
    else:
        free = False
    if len(found) < len(tokens) or (not free and len(found) > len(tokens)):
        return False, ""
    if free and not empty and 0 in found[: len(found) - len(tokens)]:
        return False, ", each size from 1"
    new: Sizes = {}
    for axis, (token, size) in enumerate(zip(tokens, found[len(found) - len(tokens) :], strict=True)):
        if token.isdecimal():
            if size != int(token):
                return False, ""
            continue
        known = sizes.get(token) or new.get(token)
        if known is not None and known[0] != size:
            where = "" if known[1] == name else f" as in {known[1]}"
            return False, f" with {token} = {known[0]}{where}"
        if size < 1 and not (empty and axis == 0 and not free):
            return False, f" with {token} from 1"
        new[token] = (size, name)
    sizes |= {token: size for token, size in new.items() if token not in sizes}
    return True, ""


def check_pictures(
    name: str,
    value: Any,
    shape: str = "N 3 H W",
    *,
    sizes: Sizes | None = None,
    empty: bool = False,
    values: bool = False,
) -> None:
    """Refuse what is not float pictures in [-1, 1]; their range is looked at only with ``values``, as that may wait.

    >>> check_pictures("source", torch.zeros(2, 3, 8, 4).byte())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: source: expected float pictures (N, 3, H, W) in [-1, 1], got (2, 3, 8, 4) torch.uint8; ...
    """
    hint = "" if isinstance(value, Tensor) and value.is_floating_point() else HINT
    check_tensor(name, value, shape, "float pictures {} in [-1, 1]", sizes=sizes, empty=empty, hint=hint)
    if values:
        check_range(name, value)


def check_sized(name: str, value: Any, size: tuple[int, int]) -> None:
    """Refuse what is not float pictures (N, 3, H, W) in [-1, 1] of a network's ``size`` (H, W), N from 1. It waits.

    >>> check_sized("source", torch.zeros(1, 3, 8, 4), (16, 8))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: source: expected float pictures (N, 3, 16, 8) in [-1, 1], N from 1, got (1, 3, 8, 4) torch.float32; ...
    """
    tensor = isinstance(value, Tensor)
    fits = tensor and value.ndim == 4 and tuple(value.shape[1:]) == (3, *size)
    if not fits or not value.is_floating_point() or not len(value):
        hint = f"; {HINT}"
        if tensor and value.is_floating_point():
            hint = f"; resize them, or load the data with size={size}" if value.shape[-2:] != (*size,) else ""
        expected = f"float pictures (N, 3, {size[0]}, {size[1]}) in [-1, 1], N from 1"
        raise ValueError(f"{name}: expected {expected}, got {told(value)}{hint}")
    check_range(name, value)


def check_input(
    name: str,
    value: Any,
    network: nn.Module,
    shape: str = "N 3 H W",
    what: str = "float pictures {} in [-1, 1]",
    *,
    divisor: int = 1,
    sizes: Sizes | None = None,
) -> None:
    """Refuse what a network cannot compute with: another shape, type or device than it takes, or sides that do not fit.

    Outside autocast the type must be that of the network's weights. Looks at no value, so it never waits for a GPU.

    Args:
        name, value, shape, what, sizes: as for :func:`check_tensor`.
        network: whose first weight says type and device.
        divisor: of the last two sizes.

    >>> check_input("pictures", torch.zeros(1, 3, 8, 6), nn.Conv2d(3, 1, 1), divisor=4)
    Traceback (most recent call last):
    ...
    ValueError: pictures: expected (N, 3, H, W) with H and W divisible by 4, got (1, 3, 8, 6)
    """
    if torch.compiler.is_compiling():
        return
    hint = "" if isinstance(value, Tensor) and value.is_floating_point() else HINT if "pictures" in what else ""
    check_tensor(name, value, shape, what, sizes=sizes, hint=hint)
    if divisor > 1 and any(side % divisor for side in value.shape[-2:]):
        *_, rows, columns = shape.split()
        raise ValueError(
            f"{name}: expected ({', '.join(shape.split())}) with {rows} and {columns} divisible by {divisor}, got "
            f"{tuple(value.shape)}"
        )
    weight = next(network.parameters(), None)
    if weight is None:
        return
    if value.device != weight.device:
        raise ValueError(
            f"{name}: expected a tensor on {weight.device}, where the network is, got one on {value.device}; "
            f"{name}.to({str(weight.device)!r}) moves it"
        )
    mixed = torch.is_autocast_enabled(value.device.type) and torch.float64 not in (value.dtype, weight.dtype)
    if value.dtype != weight.dtype and not mixed:
        raise ValueError(
            f"{name}: expected {weight.dtype}, as the network's weights, got {value.dtype}; {name}.to({weight.dtype})"
        )


def check_bytes(
    name: str, value: Any, shape: str = "N 3 H W", *, sizes: Sizes | None = None, empty: bool = False
) -> None:
    """Refuse what is not pictures as uint8.

    >>> check_bytes("pictures", torch.zeros(2, 3, 8, 4))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: pictures: expected pictures (N, 3, H, W) uint8, got (2, 3, 8, 4) torch.float32; momi_lib.data...
    """
    hint = ""
    if isinstance(value, Tensor) and value.is_floating_point():
        hint = "momi_lib.data.to_uint8 converts pictures in [-1, 1]"
    check_tensor(name, value, shape, "pictures", "uint8", sizes=sizes, empty=empty, hint=hint)


def check_tensors(
    name: str, value: Any, shape: str, what: str, kind: str = "float", *, count: int | None = None, **options: Any
) -> None:
    """Refuse what is not a list or tuple of tensors, each as :func:`check_tensor` says; ``count`` of them, or from 1.

    >>> check_tensors("fakes", torch.zeros(2, 1), "...", "logits")
    Traceback (most recent call last):
    ...
    TypeError: fakes: expected a list or tuple of tensors, got (2, 1) torch.float32
    """
    if not isinstance(value, list | tuple):
        raise TypeError(f"{name}: expected a list or tuple of tensors, got {told(value)}")
    if len(value) != count if count is not None else not value:
        wanted = "one tensor or more" if count is None else f"{count} tensors"
        raise ValueError(f"{name}: expected {wanted}, got {len(value)}")
    for number, each in enumerate(value):
        check_tensor(f"{name}[{number}]", each, shape, what, kind, **options)


def check_range(name: str, pictures: Tensor, *, beyond: float = 1 + TOLERANCE, bright: bool = False) -> None:
    """Refuse what cannot be pictures in [-1, 1]: colours ``beyond`` that, as up to 255, and NaN. Waits for a GPU.

    Pictures (…, H, W) without any colour below 0 are most likely in [0, 1]: they pass with one warning (UserWarning).
    It is not given where they are ``bright``, as a drawing or a street may be, nor of plain colours.

    >>> check_range("source", torch.tensor([255.0]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: source: expected colours in [-1, 1], got values from 255 to 255; ...
    """
    pictures = pictures.detach()
    least, most = (float(value) for value in torch.aminmax(pictures.float()))
    if math.isnan(least):
        raise ValueError(f"{name}: expected colours in [-1, 1], got NaN, which no colour is; look where it comes from")
    if not -beyond <= least <= most <= beyond:
        raise ValueError(
            f"{name}: expected colours in [-1, 1], got values from {least:g} to {most:g}; momi_lib.data.to_float "
            "converts uint8 pictures, and `2 * pictures - 1` those in [0, 1]"
        )
    if least < 0 or least == most or bright or pictures.ndim < 3:
        return
    if (pictures != pictures[..., :1, :1]).any():
        warnings.warn(
            f"{name}: expected colours in [-1, 1], got none below 0 (from {least:g} to {most:g}); if your pictures are "
            "in [0, 1], convert them with `2 * pictures - 1`",
            stacklevel=_level_of_caller(),
        )


def _level_of_caller() -> int:
    """Where the code that called this package stands, as :func:`warnings.warn` counts from the function before."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("momi_lib", "torch"):
        frame, level = frame.f_back, level + 1
    return level


def check_values(name: str, value: Tensor, low: float = -math.inf, high: float = math.inf) -> None:
    """Refuse NaN, infinities and numbers outside [low, high]; an empty tensor passes. Waits for a GPU.

    >>> check_values("maps", torch.tensor([0.5, torch.nan]), 0, 1)
    Traceback (most recent call last):
    ...
    ValueError: maps: expected numbers in [0, 1], got NaN
    """
    if not value.numel():
        return
    value = value.detach() if value.dtype == torch.float64 else value.detach().float()
    least, most = (float(each) for each in torch.aminmax(value))
    if math.isfinite(least) and math.isfinite(most) and low <= least <= most <= high:
        return
    wanted = "finite numbers" if math.isinf(low) and math.isinf(high) else f"numbers in [{low:g}, {high:g}]"
    got = "NaN" if math.isnan(least + most) and not math.isinf(least) else f"values from {least:g} to {most:g}"
    raise ValueError(f"{name}: expected {wanted}, got {got}")


def whole(name: str, value: Any, least: int = 1, most: int = MOST) -> int:
    """``value`` as an int; ValueError unless it is a whole number from ``least`` to ``most``, and no bool.

    >>> whole("count", 3)
    3
    >>> whole("count", True)
    Traceback (most recent call last):
    ...
    ValueError: count: expected a whole number from 1 up, got True
    """
    if isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) <= most:
        return int(value)
    limit = f"from {least} to {most}" if _more(value, most) else f"from {least} up"
    raise ValueError(f"{name}: expected a whole number {limit}, got {told(value)}")


def _more(value: Any, most: int) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and float_of(value) > most


def float_of(value: Any) -> float:
    """A number as a float; one beyond all floats is infinite.

    >>> float_of(10**400)
    inf
    """
    try:
        return float(value)
    except OverflowError:
        return math.inf if int(value) > 0 else -math.inf  # only a whole number is so large


def number(
    name: str,
    value: Any,
    least: float = -math.inf,
    most: float = math.inf,
    *,
    above: float | None = None,
    what: str = "a number",
) -> float:
    """``value`` as a float; ValueError unless it is a finite number in [least, most], above ``above``, and no bool.

    >>> number("threshold", 1, 0, 1)
    1.0
    >>> number("sigma", float("nan"), above=0)
    Traceback (most recent call last):
    ...
    ValueError: sigma: expected a number above 0, got nan
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        found = float_of(value)
        if math.isfinite(found) and least <= found <= most and (above is None or found > above):
            return found
    if above is not None:
        limit = f"{what} in ({above:g}, {most:g}]" if math.isfinite(most) else f"{what} above {above:g}"
    elif math.isinf(least):
        limit = "a finite number" + (f" up to {most:g}" if math.isfinite(most) else "")
    else:
        limit = f"{what} in [{least:g}, {most:g}]" if math.isfinite(most) else f"{what} from {least:g} up"
    raise ValueError(f"{name}: expected {limit}, got {told(value)}")


def wholes(name: str, value: Any, count: int | None = None, least: int = 1) -> tuple[int, ...]:
    """``value`` as ints; ValueError unless it is a tuple or list of whole numbers, ``count`` of them, or from one.

    >>> wholes("channels", [16, 32])
    (16, 32)
    >>> wholes("channels", (16, 0))
    Traceback (most recent call last):
    ...
    ValueError: channels: expected whole numbers from 1 up, got (16, 0)
    """
    if not isinstance(value, tuple | list) or (len(value) != count if count is not None else not value):
        many = "one or more" if count is None else f"{count}"
        got = repr(value)[:60] if isinstance(value, tuple | list) else told(value)
        raise ValueError(f"{name}: expected {many} whole numbers from {least} up, got {got}")
    for each in value:
        if isinstance(each, bool) or not isinstance(each, Integral) or not least <= int(each) <= MOST:
            raise ValueError(f"{name}: expected whole numbers from {least} up, got {repr(value)[:60]}")
    return tuple(int(each) for each in value)


def seed_of(name: str, value: Any) -> int:
    """``value`` as a seed of torch's generators; ValueError unless it is a whole number of 64 bits.

    >>> seed_of("seed", 3)
    3
    """
    if isinstance(value, Integral) and not isinstance(value, bool) and -(2**63) <= int(value) < 2**63 - 2:
        return int(value)
    raise ValueError(f"{name}: expected a whole number of 64 bits, got {told(value)}")


def flag(name: str, value: Any) -> bool:
    """``value``; TypeError unless it is True or False: every word is true to Python, ``"no"`` as well.

    >>> flag("junk", "no")
    Traceback (most recent call last):
    ...
    TypeError: junk: expected True or False, got 'no'
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise TypeError(f"{name}: expected True or False, got {told(value)}")


def text_of(name: str, value: Any) -> str:
    """``value``; TypeError unless it is a string.

    >>> text_of("of", "swaps")
    'swaps'
    """
    if isinstance(value, str):
        return value
    raise TypeError(f"{name}: expected words, got {told(value)}")


def word(name: str, value: T, known: Iterable[Any]) -> T:
    """``value``; ValueError unless it is one of the ``known`` ones.

    >>> word("method", "argmax", ("argmax", "dark"))
    'argmax'
    """
    known = tuple(known)
    if isinstance(value, str | int) and not isinstance(value, bool) and value in known:
        return value
    raise ValueError(f"{name}: expected one of {', '.join(map(str, known))}, got {told(value)}")


def size_from(name: str, value: Any, least: int = 1) -> tuple[int, int]:
    """``value`` as two ints; ValueError unless it is (rows, columns) between ``least`` and :data:`LONGEST`.

    >>> size_from("size", [128, 64])
    (128, 64)
    """
    if isinstance(value, tuple | list) and len(value) == 2:
        fits = (isinstance(part, Real) and not isinstance(part, bool) for part in value)
        if all(fits) and all(least <= float_of(part) <= LONGEST and part == int(part) for part in value):
            return int(value[0]), int(value[1])
    raise ValueError(
        f"{name}: expected (rows, columns), whole numbers from {least} to {LONGEST}, got "
        f"{repr(value)[:60] if isinstance(value, tuple | list) else told(value)}."
    )


def path_of(name: str, value: Any) -> Path:
    """``value`` as a path; TypeError unless it is a string or a path, and no bytes. Empty text is a ValueError.

    >>> path_of("folder", None)
    Traceback (most recent call last):
    ...
    TypeError: folder: expected a path, got None
    """
    if isinstance(value, str) and not value:  # to Python, it is the folder in which it runs
        raise ValueError(f"{name}: expected a path, got empty text; write '.' for this folder")
    if isinstance(value, str) or (isinstance(value, os.PathLike) and isinstance(os.fspath(value), str)):
        return Path(value)
    raise TypeError(f"{name}: expected a path, got {told(value)}")


def file_to_write(name: str, value: Any) -> Path:
    """``value`` as the path of a file that may be written: no folder, and a name that a disk can take.

    Raises:
        TypeError, ValueError: for what is no path, a folder, or a name with a NUL in it.

    >>> file_to_write("path", "a\\0b")
    Traceback (most recent call last):
    ...
    ValueError: path: expected the name of a file to write, got 'a\\x00b'
    """
    path = path_of(name, value)
    if "\0" in str(path) or path.is_dir():
        folder = ", which is a folder" if path.is_dir() else ""
        raise ValueError(f"{name}: expected the name of a file to write, got {str(path)!r}{folder}")
    return path


def device_from(name: str, value: Any) -> torch.device:
    """``value`` as a device that is there; ValueError for another.

    >>> device_from("device", "cpu")
    device(type='cpu')
    """
    try:
        if not isinstance(value, str | torch.device):
            raise RuntimeError("a string or a torch.device was expected")
        device = torch.device(value)
    except RuntimeError as error:
        raise ValueError(f"{name}: expected a device such as 'cpu' or 'cuda', got {told(value)}") from error
    there = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}.get(device.type)
    if there is not None and not there():
        raise ValueError(f"{name}: expected a device of this computer, got {str(device)!r}; take 'cpu'")
    return device


def check_network(name: str, value: Any, what: str, *, resting: bool = True) -> None:
    """Refuse what is not a network, and with ``resting`` one in training mode, as :func:`check_resting` does.

    Raises:
        TypeError: for what is no network.
        ValueError: for one in training mode.

    >>> check_network("network", nn.Linear, "a feature network")
    Traceback (most recent call last):
    ...
    TypeError: network: expected a feature network, got the class Linear
    """
    if not isinstance(value, nn.Module):
        raise TypeError(f"{name}: expected {what}, got {told(value)}")
    if resting:
        check_resting(name, value, what)


def check_resting(name: str, value: Any, what: str) -> None:
    """Refuse a network in training mode, if it has batch norms or dropout: there a picture's answer depends on chance
    and on the pictures beside it. A network without them, and anything that is none, passes.

    >>> check_resting("network", nn.BatchNorm2d(3), "a feature network")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: network: expected a feature network in evaluation mode, got a BatchNorm2d in training mode; call ...
    """
    if not isinstance(value, nn.Module) or not value.training:
        return
    if any(part.training and isinstance(part, _BatchNorm | _DropoutNd) for part in value.modules()):
        raise ValueError(
            f"{name}: expected {what} in evaluation mode, got {told(value)} in training mode; call "
            "network.eval() first"
        )


def check_has(name: str, value: Any, what: str, *attributes: str) -> None:
    """Refuse what lacks an attribute that is needed of it.

    >>> check_has("people", None, "People, as momi_lib.data.load gives them", "pictures")
    Traceback (most recent call last):
    ...
    TypeError: people: expected People, as momi_lib.data.load gives them, got None
    """
    missing = [each for each in attributes if not hasattr(value, each)]
    if missing or isinstance(value, type):
        without = "" if len(missing) == len(attributes) or isinstance(value, type) else f" without {', '.join(missing)}"
        raise TypeError(f"{name}: expected {what}, got {told(value)}{without}")


def index_of(name: str, value: Any, count: int) -> Tensor:
    """Which of ``count`` rows are meant, (M,) int64 on the CPU: whole numbers, a slice, or one bool for each row.

    Raises:
        IndexError: for a row that is not there.
        TypeError, ValueError: for what is no index, or another number of bools.

    >>> index_of("indices", [1, -1], 3), index_of("indices", slice(2), 3)
    (tensor([1, 2]), tensor([0, 1]))
    """
    if isinstance(value, slice):
        try:
            return torch.arange(count)[value]
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: expected a slice of whole numbers, got {value!r}") from error
    found = whole_numbers(name, value, bools=True)
    if found.dtype == torch.bool:
        if len(found) != count:
            raise ValueError(f"{name}: expected one bool for each of {count} rows, got {len(found)}")
        return found.nonzero()[:, 0]
    outside = found[(found < -count) | (found >= count)]
    if len(outside):
        raise IndexError(f"{name}: expected numbers of {count} rows, from 0 to {count - 1}, got {int(outside[0])}")
    return found % count if count else found


def whole_numbers(name: str, value: Any, count: int | None = None, *, bools: bool = False) -> Tensor:
    """``value``, a tensor, array or list of whole numbers, as (N,) int64 on the CPU (bool where those are welcome).

    Raises:
        ValueError: for anything else, or another number of them than ``count``.

    >>> whole_numbers("persons", [3, 5])
    tensor([3, 5])
    """
    expected = f"{name}: expected ({'N' if count is None else count},) integers"
    if value is None or isinstance(value, str | bytes | dict | set):
        raise ValueError(f"{expected}, got {told(value)}")
    try:
        found = torch.as_tensor(value, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ValueError(f"{expected}, got {told(value)} with other entries") from error
    if bools and not found.numel() and found.ndim == 1:
        found = found.long()  # [] arrives as floating point
    if found.ndim != 1 or not (KINDS["whole"][0](found.dtype) or (bools and found.dtype == torch.bool)):
        raise ValueError(f"{expected}, got {told(found)}")
    if count is not None and len(found) != count:
        raise ValueError(f"{expected}, got {len(found)}")
    return found if found.dtype == torch.bool else found.long()
