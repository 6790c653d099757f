"""Which number formats and kernels a device computes fast with, and how many pictures at once."""

from __future__ import annotations

from typing import Any

import torch


def multiplies_bf16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16 products; without them they are slower than fp32.

    >>> multiplies_bf16(torch.device("cpu")) in (True, False)
    True
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known = getattr(torch.cpu, "get_capabilities", dict)()  # PyTorch before 2.12 does not say: then fp32
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))


def at_a_time(device: torch.device | str) -> int:
    """How many pictures a network looks at in one go: a processor is as fast with few, and they need less memory.

    >>> at_a_time("cpu"), at_a_time("cuda")
    (16, 64)
    """
    return 16 if torch.device(device).type == "cpu" else 64


def choose_kernels(device: torch.device) -> dict[str, Any]:
    """Let a GPU multiply fp32 numbers as TF32 and try its convolutions out; a processor has no such choice.

    Shapes stay the same from step to step, so trying out pays. Both hold for the whole Python process. TF32 keeps eight
    bits of exponent and ten of mantissa, as PyTorch does by default in convolutions alone.

    Returns:
        what was chosen, for a card; nothing on a processor.

    >>> choose_kernels(torch.device("cpu"))
    {}
    """
    if device.type != "cuda":
        return {}
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    return {"tf32": True, "cudnn_benchmark": True}
