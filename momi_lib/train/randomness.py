"""Chance inside the network, such as dropout's, as a function of the seed and the step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(device: torch.device, *numbers: int) -> Iterator[None]:
    """Torch's global generators, on the CPU and on ``device``, begin with ``numbers``; after it, they are as before.

    Dropout can only draw from the global generators. So a resumed run drops what the whole one did, and every process
    something else, although no checkpoint holds a GPU's generator.

    >>> with seeded(torch.device("cpu"), 0, 7):
    ...     first = torch.rand(3)
    >>> with seeded(torch.device("cpu"), 0, 7):
    ...     print(torch.equal(first, torch.rand(3)))
    True
    """
    digest = hashlib.sha256(",".join(map(str, numbers)).encode()).digest()
    kind = "cuda" if device.type == "cpu" else device.type
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device], device_type=kind):
        torch.manual_seed(int.from_bytes(digest[:7], "big"))
        yield
