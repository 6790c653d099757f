"""What must stand beside a score: which network looked, with which weights, at which pictures, brought to which size.

Scores of different networks, weights or sizes share a scale only in appearance. So features carry their conditions
with them, and what compares two sets refuses features that were made differently.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import ClassVar

import torch
from torch import Tensor

from momi_lib.arguments import Sizes, check_bytes, check_has, check_tensor, index_of, size_from, told


@dataclass(frozen=True)
class NetworkCard:
    """A feature network, its weights, and what it does to pictures before it looks.

    Attributes:
        backend: what it is and whose, such as "inception-v3-torchvision".
        weights: SHA-256 of the weights' file as 64 hexadecimal digits, or words where there is no file.
        resize: how pictures are brought to the network's size.
        normalise: how bytes become the network's numbers.

    >>> NetworkCard("mannequin-vgg", "0123456789abcdef", "none", "[-1, 1]").name
    'mannequin-vgg[01234567]'
    """

    backend: str
    weights: str
    resize: str
    normalise: str

    @property
    def name(self) -> str:
        """Backend and the first 8 digits of the weights' SHA-256."""
        digits = set(self.weights) <= set("0123456789abcdef")
        return f"{self.backend}[{self.weights[:8] if digits else self.weights}]"


@dataclass(frozen=True, eq=False, repr=False)
class Features:
    """What a network said about N pictures: computed once, scored as often as wanted.

    Attributes:
        network: which.
        pictures: in words, which pictures: "12,000 swaps of momi-small".
        size: (H, W) of the pictures before they were resized.
        values: (N, D) float32, finite.
        logits: (N, C) float32 of a network that also classifies, or None.
        masks: in words, what hid the background, or None where it was seen.

    Raises:
        ValueError: for other shapes, NaN or infinity.

    >>> card = NetworkCard("mannequin-vgg", "0123456789abcdef", "none", "[-1, 1]")
    >>> Features(card, "5 zeros", (128, 64), torch.zeros(5, 3))
    Features(5 x 3 by mannequin-vgg[01234567] of 5 zeros)
    """

    network: NetworkCard
    pictures: str
    size: tuple[int, int]
    values: Tensor
    logits: Tensor | None = None
    masks: str | None = None

    def __post_init__(self) -> None:
        check_has("network", self.network, "a NetworkCard", "backend", "weights", "resize")
        size_from("size", self.size)
        for name, words in (("pictures", self.pictures), ("masks", self.masks)):
            if not isinstance(words, str) and (words is not None or name == "pictures"):
                raise TypeError(f"{name}: expected words, got {told(words)}")
        for name, tensor in (("values", self.values), ("logits", self.logits)):
            if tensor is None and name == "logits":
                continue
            if not isinstance(tensor, Tensor):
                raise TypeError(f"{name}: expected a tensor, got {told(tensor)}")
            if tensor.ndim != 2 or len(tensor) != len(self.values) or not len(tensor) or not tensor.shape[1]:
                raise ValueError(
                    f"{name} of {self.pictures}: expected one row a picture, (N, D) from 1 x 1 up, got "
                    f"{tuple(tensor.shape)} for {len(self.values)} pictures"
                )
            if not tensor.is_floating_point() or not bool(torch.isfinite(tensor).all()):
                raise ValueError(
                    f"{name} of {self.pictures}: expected finite floating-point numbers, got {tensor.dtype} "
                    "with NaN or infinity, or whole numbers; look at the pictures and at the network's precision"
                )

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        seen = "" if self.masks is None else f", background hidden by {self.masks}"
        rows, columns = self.values.shape
        return f"Features({rows} x {columns} by {self.network.name} of {self.pictures}{seen})"


class Named:
    """What the scores of features share: a name that says which network was asked, and the end of their sentence.

    >>> from types import SimpleNamespace
    >>> score = type("Example", (Named,), {"kind": "FID", "masks": "joints", "network": SimpleNamespace(backend="b")})()
    >>> score.name
    'mask-FID[b]'
    """

    kind: ClassVar[str]
    network: NetworkCard
    masks: str | None

    @property
    def name(self) -> str:
        """``KIND[backend]``, or ``mask-KIND[backend]`` where the background was hidden."""
        return f"{self.kind if self.masks is None else f'mask-{self.kind}'}[{self.network.backend}]"

    def _conditions(self) -> str:
        masks = "" if self.masks is None else f"; masks {self.masks}"
        return f"{masks}; weights {self.network.weights[:8]}; resize {self.network.resize}"


def check_features(name: str, value: object) -> None:
    """Refuse what is not :class:`Features` (TypeError)."""
    if not isinstance(value, Features):
        raise TypeError(f"{name}: expected Features, as a judge's describe returns them, got {told(value)}")


def same_conditions(first: Features, second: Features) -> None:
    """Refuse two sets of features that were not made alike: by network, weights, resize, picture size and masks.

    Raises:
        ValueError: which names everything that differs.

    >>> card = NetworkCard("mannequin-vgg", "0123456789abcdef", "none", "[-1, 1]")
    >>> a, b = (Features(card, "zeros", size, torch.zeros(5, 3)) for size in ((128, 64), (256, 128)))
    >>> same_conditions(a, a)
    >>> same_conditions(a, b)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: zeros and zeros: expected features made alike, got size (128, 64) and (256, 128). Describe ...
    """
    for name, each in (("first", first), ("second", second)):
        check_features(name, each)
    pairs = [(field.name, getattr(first.network, field.name), getattr(second.network, field.name))
             for field in fields(NetworkCard)]  # fmt: skip
    pairs += [(name, getattr(first, name), getattr(second, name)) for name in ("size", "masks")]
    differing = [f"{name} {a} and {b}" for name, a, b in pairs if a != b]
    if differing:
        raise ValueError(
            f"{first.pictures} and {second.pictures}: expected features made alike, got {'; '.join(differing)}. "
            "Describe both sets with one network, in one size, both masked or neither."
        )


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
    sizes: Sizes = {}
    check_bytes("pictures", pictures, sizes=sizes, empty=True)
    if masks is not None:
        check_tensor("masks", masks, "N H W", "masks", "bool", sizes=sizes, empty=True)
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


def rows(values: Tensor, first: Tensor) -> Tensor:
    """``values[first]`` for the ``first`` of `distinct`, without a copy where no two pictures are alike.

    >>> values = torch.arange(3)
    >>> rows(values, torch.tensor([0, 1, 2])) is values, rows(values, torch.tensor([0, 2]))
    (True, tensor([0, 2]))
    """
    check_tensor("values", values, "...", "values", "any", empty=True)
    first = index_of("first", first, len(values)).to(values.device)
    return values if len(first) == len(values) else values[first]
