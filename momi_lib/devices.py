"""The number formats and kernels with which a device computes fast, and how many pictures it should take at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


def multiplies_bf16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16 products; without them they are slower than fp32.

    >>> multiplies_bf16(torch.device("cpu")) in (True, False)
    True
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known = getattr(torch.cpu, "get_capabilities", dict)()  # PyTorch before 2.12 does not say, and then fp32 is used
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))


def at_a_time(device: torch.device | str) -> int:
    """How many pictures a network takes at a time: a CPU is as fast with few, which need less memory.

    >>> at_a_time("cpu"), at_a_time("cuda")
    (16, 64)
    """
    return 16 if torch.device(device).type == "cpu" else 64


def kernels_of(device: torch.device) -> dict[str, Any]:
    """What :func:`fast_kernels` chooses on a device, for a card of weights; nothing on a CPU.

    >>> kernels_of(torch.device("cpu"))
    {}
    """
    return {"tf32": True, "cudnn_benchmark": True} if device.type == "cuda" else {}


@contextmanager
def fast_kernels(device: torch.device) -> Iterator[None]:
    """On a GPU, multiply fp32 numbers as TF32 and let cuDNN pick the fastest convolutions; on a CPU, change nothing.

    For training, in which shapes stay the same from step to step, so that the search pays off. TF32 has eight bits of
    exponent and ten of mantissa; by default PyTorch uses it in convolutions only. Scores are computed without it.
    """
    if not kernels_of(device):
        yield
        return
    cudnn = torch.backends.cudnn
    before = torch.get_float32_matmul_precision(), cudnn.allow_tf32, cudnn.benchmark
    torch.set_float32_matmul_precision("high")
    cudnn.allow_tf32 = cudnn.benchmark = True
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        cudnn.allow_tf32, cudnn.benchmark = before[1:]
