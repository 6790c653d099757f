"""Pictures that come more than once, as a source does in many pairs, are looked at once; how many at a time."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def distinct(pictures: Tensor, masks: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Which pictures are different, and which of those each picture is.

    Args:
        pictures: (N, 3, H, W) uint8.
        masks: (N, H, W) bool, what counts of them; None is all of them.

    Returns:
        first (K,) int64: where each different picture comes first; place (N,) int64 in [0, K):
        ``pictures[first][place]`` are all pictures again.

    >>> pictures = torch.tensor([1, 2, 1, 1], dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    >>> distinct(pictures)
    (tensor([0, 1]), tensor([0, 1, 0, 0]))
    """
    known: dict[bytes, int] = {}
    first, place = [], []
    pictures, masks = pictures.cpu(), None if masks is None else masks.cpu()
    for number, picture in enumerate(pictures):
        counts = picture if masks is None else picture * masks[number]
        # The hash is kept, not the picture: 12,000 pictures a second time are 280 MiB.
        content = hashlib.blake2b(counts.contiguous().numpy().data, digest_size=20).digest()
        if content not in known:
            known[content] = len(first)
            first.append(number)
        place.append(known[content])
    return torch.tensor(first, dtype=torch.int64), torch.tensor(place, dtype=torch.int64)


def at_a_time(device: torch.device | str) -> int:
    """How many pictures a network looks at in one go: a processor is as fast with few, and they need less memory.

    >>> at_a_time("cpu"), at_a_time("cuda")
    (16, 64)
    """
    return 16 if torch.device(device).type == "cpu" else 64


def rows(values: Tensor, first: Tensor) -> Tensor:
    """``values[first]`` for the ``first`` of `distinct`, without a copy where no two pictures are alike.

    >>> values = torch.arange(3)
    >>> rows(values, torch.tensor([0, 1, 2])) is values, rows(values, torch.tensor([0, 2]))
    (True, tensor([0, 2]))
    """
    return values if len(first) == len(values) else values[first]
