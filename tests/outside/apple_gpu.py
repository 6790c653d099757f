"""The GPU of a Mac, simulated on the CPU: tensors that say that they are on "mps", and the rules that hold there.

What is computed is what the CPU computes, number by number. What is checked is what goes wrong first on such a GPU: a
tensor in float64, tensors of two devices in one operation, an array of NumPy made without ``.cpu()``, and a result that
comes from or goes to the wrong device. Not simulated: operations that Metal lacks, its rounding, bfloat16, its speed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch._dynamo  # it looks at the real `is_available` when it is first imported
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

MPS = torch.device("mps", 0)
#: Operations that take tensors of another device, as on a GPU.
MIXED = {"copy_", "index", "index_put", "index_put_", "_index_put_impl_"}
LARGE = (torch.float64, torch.complex128)
_device = Tensor.device.__get__


class OnGpu(Tensor):
    """A tensor on the simulated GPU; ``inner`` has its numbers."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> OnGpu:
        if inner.dtype in LARGE:
            raise TypeError(f"Cannot convert a MPS Tensor to {inner.dtype}: the MPS framework doesn't support float64")
        return Tensor._make_wrapper_subclass(
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            layout=inner.layout, device=inner.device,
        )  # fmt: skip

    def __init__(self, inner: Tensor) -> None:
        self.inner = inner

    def __repr__(self, **_: Any) -> str:
        return f"OnGpu({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, ours, others = func.overloadpacket.__name__, {}, []

        def inside(value: Any) -> Any:
            if isinstance(value, OnGpu):
                ours[id(value.inner)] = value
                return value.inner
            if isinstance(value, Tensor) and value.ndim:  # a single number may come from the CPU
                others.append(value)
            return value

        def outside(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            return ours[id(value)] if id(value) in ours else OnGpu(value)

        args, kwargs = tree_map(inside, args), tree_map(inside, dict(kwargs or {}))
        if others and name not in MIXED:
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, found mps:0 and cpu")
        return tree_map(outside, func(*args, **kwargs))


class _ToGpu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        return OnGpu(tensor.detach())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.inner if isinstance(gradient, OnGpu) else gradient


class _ToCpu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: OnGpu) -> Tensor:
        return tensor.inner.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return OnGpu(gradient)


class _Generator(torch.Generator):
    """A generator that says that it is where it was asked to be."""

    def __new__(cls, device: torch.device | str = "cpu") -> _Generator:
        made = super().__new__(cls, "cpu")
        made.said = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return self.said

    def manual_seed(self, seed: int) -> _Generator:
        super().manual_seed(seed)
        return self


def _is(kind: str, value: Any) -> bool:
    return isinstance(value, str | torch.device) and str(value).split(":")[0] == kind


class _Placing(TorchFunctionMode):
    """Lets tensors move between the CPU and the simulated GPU, and be made there."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = dict(kwargs or {}), getattr(func, "__name__", "")
        first = args[0] if args else None
        ours = isinstance(first, OnGpu)
        if func == _device:
            return MPS if ours else func(*args)
        if name == "to":
            return _moved(func, first, [*args[1:], *kwargs.values()], kwargs.get("memory_format"))
        if ours and name in ("cpu", "tolist"):
            return _ToCpu.apply(first) if name == "cpu" else first.inner.tolist()
        if ours and name == "__reduce_ex__":  # what torch.save writes; it is read with map_location="cpu"
            return first.inner.__reduce_ex__(*args[1:])
        if ours and name in ("numpy", "__array__"):
            raise TypeError("can't convert mps:0 device type tensor to numpy. Use Tensor.cpu() first.")
        if ours and name in ("as_tensor", "asarray") and _is("cpu", kwargs.get("device")):
            return _ToCpu.apply(first)
        if ours and name == "new_tensor":
            return OnGpu(torch.tensor(*args[1:], dtype=kwargs.get("dtype", first.dtype)))
        if _is("mps", kwargs.get("device")):
            del kwargs["device"]
            made = func(*args, **kwargs)
            return tree_map(lambda x: OnGpu(x) if isinstance(x, Tensor) and not isinstance(x, OnGpu) else x, made)
        return func(*args, **kwargs)


def _moved(func: Any, tensor: Tensor, asked: list[Any], layout: torch.memory_format | None) -> Tensor:
    like = next((value for value in asked if isinstance(value, Tensor)), None)
    dtype = next((value for value in asked if isinstance(value, torch.dtype)), None if like is None else like.dtype)
    ours = isinstance(tensor, OnGpu)
    if any(_is("mps", value) for value in asked) or isinstance(like, OnGpu):
        tensor = tensor if ours else _ToGpu.apply(tensor)
    elif ours and (any(_is("cpu", value) for value in asked) or like is not None):
        tensor = _ToCpu.apply(tensor)
    tensor = tensor if dtype in (None, tensor.dtype) else func(tensor, dtype)
    return tensor if layout is None else func(tensor, memory_format=layout)


@contextmanager
def apple_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Tensor]]:
    """A Mac's GPU is there; yields the states to which its global generator was set."""
    states: list[Tensor] = []
    with monkeypatch.context() as patch:
        patch.setattr(torch.backends.mps, "is_available", lambda: True)
        patch.setattr(torch, "Generator", _Generator)
        patch.setattr(torch.mps, "manual_seed", lambda seed: None)
        patch.setattr(torch.mps, "get_rng_state", lambda device=None: torch.full((16,), 7, dtype=torch.uint8))
        patch.setattr(torch.mps, "set_rng_state", lambda state, device=None: states.append(state))
        replace = torch.__future__.get_overwrite_module_params_on_conversion()
        torch.__future__.set_overwrite_module_params_on_conversion(True)  # as for any tensor of another kind
        try:
            with _Placing():
                yield states
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(replace)
