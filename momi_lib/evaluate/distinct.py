"""Pictures that come more than once, as a source does in many pairs, are looked at once."""

from __future__ import annotations

import torch
from torch import Tensor


def distinct(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Which pictures are different, and which of those each picture is.

    Args:
        pictures: (N, 3, H, W) uint8.

    Returns:
        first (K,) int64: where each different picture comes first; place (N,) int64 in [0, K):
        ``pictures[first][place]`` are all pictures again.

    >>> pictures = torch.tensor([1, 2, 1, 1], dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    >>> distinct(pictures)
    (tensor([0, 1]), tensor([0, 1, 0, 0]))
    """
    known: dict[bytes, int] = {}
    first, place = [], []
    for number, picture in enumerate(pictures.cpu().contiguous().numpy()):
        content = picture.tobytes()
        if content not in known:
            known[content] = len(first)
            first.append(number)
        place.append(known[content])
    return torch.tensor(first, dtype=torch.int64), torch.tensor(place, dtype=torch.int64)
