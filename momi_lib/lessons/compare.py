"""Are two results the same, and if not, what is the difference in words?

Used by the checks: a number in a failure is worth less than "x and y are exchanged".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["describe", "diagnose", "difference"]


def _array(value: Any) -> Tensor | None:
    """The value as a float64 tensor on the CPU, or None when it is not made of numbers."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", torch.float64)
    if isinstance(value, bool | int | float | np.ndarray | np.generic):
        return torch.as_tensor(value, dtype=torch.float64)
    return None


def describe(value: Any) -> str:
    """A value in a few words: short ones in full, tensors by shape.

    >>> describe(torch.zeros(2, 17)), describe(0.25), describe([1, 2])
    ('tensor (2, 17)', '0.25', '[1, 2]')
    """
    array = _array(value)
    if isinstance(value, bool | str) or value is None:
        return repr(value)
    if array is None:
        text = repr(value)
        return text if len(text) < 80 else f"{type(value).__name__} of {len(text)} characters"
    if array.ndim == 0:
        return f"{array.item():g}"
    if array.numel() <= 6:
        return "[" + ", ".join(f"{number:g}" for number in array.flatten().tolist()) + "]"
    return f"tensor {tuple(array.shape)}"


def difference(mine: Any, theirs: Any, atol: float) -> str | None:
    """None when both are equal within `atol`, else the difference in words. Containers: element by element.

    >>> difference(torch.ones(3), torch.ones(3), 1e-6)
    >>> difference((1, 2), (1, 5), 0)
    'at [1]: expected 5, got 2'
    """
    if isinstance(theirs, Mapping):
        if not isinstance(mine, Mapping) or set(mine) != set(theirs):
            return f"expected a dictionary with the keys {sorted(theirs)}, got {describe(mine)}"
        return _first((f"[{key!r}]", difference(mine[key], theirs[key], atol)) for key in theirs)
    if isinstance(theirs, Sequence) and not isinstance(theirs, str):
        if isinstance(mine, Tensor | np.ndarray):
            mine = list(mine)
        if not isinstance(mine, Sequence) or isinstance(mine, str) or len(mine) != len(theirs):
            return f"expected {len(theirs)} values, got {describe(mine)}"
        pairs = enumerate(zip(mine, theirs, strict=True))
        return _first((f"[{i}]", difference(a, b, atol)) for i, (a, b) in pairs)
    b = _array(theirs)
    if b is None:
        return None if mine == theirs else f"expected {describe(theirs)}, got {describe(mine)}"
    a = _array(mine)
    if a is None and isinstance(mine, Sequence) and not isinstance(mine, str):
        try:
            a = torch.as_tensor(mine, dtype=torch.float64)
        except (TypeError, ValueError):
            a = None
    if a is None:
        return f"expected {'a tensor' if b.ndim else 'a number'}, got {type(mine).__name__} {describe(mine)}"
    if a.shape != b.shape:
        return f"expected shape {tuple(b.shape)}, got {tuple(a.shape)}"
    return _numbers(a, b, atol)


def _first(parts: Any) -> str | None:
    for place, text in parts:
        if text is not None:
            return f"at {place}: {text}"
    return None


def _numbers(a: Tensor, b: Tensor, atol: float) -> str | None:
    wrong = ~torch.isclose(a, b, rtol=0, atol=atol, equal_nan=True)
    if not wrong.any():
        return None
    if b.ndim == 0:
        return f"expected {b.item():g}, got {a.item():g}"
    distance = torch.where(wrong, (a - b).abs().nan_to_num(nan=torch.inf), 0.0)
    place = np.unravel_index(int(distance.argmax()), b.shape)
    where = ", ".join(str(int(i)) for i in place)
    return (
        f"{int(wrong.sum())} of {b.numel()} values differ, most at [{where}]: "
        f"expected {b[place].item():g}, got {a[place].item():g}"
    )


def diagnose(mine: Any, theirs: Any, atol: float) -> str:
    """A guess at the cause of a difference between two tensors, or an empty string.

    >>> diagnose(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[2.0, 1.0], [4.0, 3.0]]), 1e-6)
    'x and y are exchanged'
    """
    a, b = _array(mine), _array(theirs)
    if a is None or b is None or b.numel() < 2:
        return ""

    def same(x: Tensor, y: Tensor) -> bool:
        return x.shape == y.shape and torch.allclose(x, y, rtol=1e-6, atol=atol)

    if a.isnan().any() and not b.isnan().any():
        return f"{int(a.isnan().sum())} values are NaN"
    if a.shape != b.shape:
        if same(a.squeeze(), b.squeeze()):
            return "the values are right, only an axis of length 1 is missing or left over (keepdim, squeeze)"
        if a.ndim >= 2 and a.transpose(-1, -2).shape == b.shape:
            return "the last two axes are exchanged (rows are y, columns are x)"
        return ""
    if b.shape[-1] == 2 and same(a.flip(-1), b):
        return "x and y are exchanged"
    if a.ndim >= 2 and a.shape[-1] == a.shape[-2] and same(a.transpose(-1, -2), b):
        return "the last two axes are exchanged (rows are y, columns are x)"
    if b.min() == b.max():
        return ""
    offset = (a - b).mean()
    if same(a - offset, b):
        return f"every value is off by {offset.item():+.4g}"
    factor = (a * b).sum() / (b * b).sum()
    if factor.abs() > 1e-12 and (factor - 1).abs() > 1e-3 and same(a / factor, b):
        return f"every value is {factor.item():.4g} times what it should be"
    return ""
