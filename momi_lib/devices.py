"""The number formats and kernels with which a device computes fast, how many pictures it should take at a time, and how
many cannot fit into its memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

#: What a user may ask for: ``"auto"``, a GPU of CUDA where there is one and else the CPU, ``"cpu"``, or ``"mps"``, the
#: GPU of a Mac. "auto" never takes the latter, because nobody has measured or compared anything on one.
Device = Literal["auto", "cpu", "mps"]
DEVICES: tuple[str, ...] = get_args(Device)
#: What to say to who asks for "cuda".
CUDA = "auto takes a GPU of CUDA where there is one, and CUDA_VISIBLE_DEVICES=0 chooses the first"


def pick(wanted: str = "auto") -> torch.device:
    """The device that a user's word means here.

    Raises:
        ValueError: for a word that is none of :data:`DEVICES`, and for ``"mps"`` where there is no such GPU.

    >>> pick("cpu")
    device(type='cpu')
    >>> pick("tpu")
    Traceback (most recent call last):
    ...
    ValueError: device: expected one of auto, cpu, mps, got 'tpu'
    """
    check_device(wanted)
    if wanted == "mps":
        if not torch.backends.mps.is_available():
            raise ValueError("device: mps is the GPU of a Mac, and PyTorch finds none here; take auto or cpu")
        return torch.device("mps")
    return torch.device("cuda" if wanted == "auto" and torch.cuda.is_available() else "cpu")


def check_device(wanted: object) -> None:
    """Refuse what is none of :data:`DEVICES` (ValueError).

    >>> check_device("cuda:0")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: device: expected one of auto, cpu, mps, got 'cuda:0'; auto takes a GPU of CUDA where there is ...
    """
    if wanted not in DEVICES:
        hint = f"; {CUDA}" if str(wanted).startswith("cuda") else ""
        raise ValueError(f"device: expected one of {', '.join(DEVICES)}, got {wanted!r}{hint}")


def in_float64(values: Tensor) -> Tensor:
    """The same values in float64, which the GPU of a Mac does not have: from there they come to the CPU first.

    >>> in_float64(torch.ones(1)).dtype
    torch.float64
    """
    return (values.cpu() if values.device.type == "mps" else values).double()


def multiplies_bf16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16 products; without them they are slower than fp32.

    >>> multiplies_bf16(torch.device("cpu")) in (True, False)
    True
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False  # nobody has measured it on another device
    known = getattr(torch.cpu, "get_capabilities", dict)()  # PyTorch before 2.12 does not say, and then fp32 is used
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))


def at_a_time(device: torch.device | str) -> int:
    """How many pictures a network takes at a time: a CPU is as fast with few, which need less memory.

    >>> at_a_time("cpu"), at_a_time("cuda")
    (16, 64)
    """
    return 16 if torch.device(device).type == "cpu" else 64


def gpus() -> list[str]:
    """Names of the GPUs that PyTorch can use; empty without one, and where the driver is broken.

    >>> isinstance(gpus(), list)
    True
    """
    try:
        found = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    except (RuntimeError, AssertionError):  # PyTorch without CUDA, a driver that is too old
        found = []
    return [*found, "Apple GPU (MPS)"] if torch.backends.mps.is_available() else found


def kernels_of(device: torch.device) -> dict[str, Any]:
    """What :func:`fast_kernels` chooses on a device, for a card of weights; nothing on a CPU.

    >>> kernels_of(torch.device("cpu"))
    {}
    """
    return {"tf32": True, "cudnn_benchmark": True} if device.type == "cuda" else {}


#: Where Linux says how much memory a container may use, in its second and first version of control groups.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory_of(device: torch.device | str) -> int | None:
    """Bytes of memory that a device has; a CPU has what its machine or container has. ``None`` where nobody says.

    >>> memory_of("cpu") is None or memory_of("cpu") > 2**20
    True
    """
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    if device.type != "cpu" or not hasattr(os, "sysconf"):
        return None
    there: list[int] = []
    with suppress(OSError, ValueError):
        there.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for limit in LIMITS:
        with suppress(OSError, ValueError):  # no container, or the word "max"
            there.append(int(Path(limit).read_text(encoding="utf-8")))
    return min((size for size in there if size > 0), default=None)


def refuse_batch(option: str, count: int, floats: float, device: torch.device | str) -> None:
    """Refuse a batch of which a part alone is larger than the memory of its device.

    Args:
        option: name of the option that says how many.
        count: pictures, pairs or triplets that one process takes at a time.
        floats: numbers of 4 bytes that each of them takes at least.
        device: where they are computed.

    Raises:
        ValueError: with what they take and what there is.

    >>> refuse_batch("batch", 10**12, 1000, "cpu")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: batch: 1,000,000,000,000 at a time take at least 3,725,290 GiB of memory, and cpu has ...
    """
    needed, there = 4 * count * floats, memory_of(device)
    if there is not None and needed > there:
        raise ValueError(
            f"{option}: {count:,} at a time take at least {needed / 2**30:,.0f} GiB of memory, and {device} has "
            f"{there / 2**30:,.1f} GiB; take a smaller --{option.replace('_', '-')}, or share it among more processes"
        )


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
