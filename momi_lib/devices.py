"""Which number format a device multiplies fast."""

from __future__ import annotations

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
