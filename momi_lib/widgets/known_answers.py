"""What the explorer's menu offers where nobody says what: networks whose weights are there, and two copies."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple, get_args

from torch import Tensor

from momi_lib.files import weights_folder
from momi_lib.rivals.methods import TITLES
from momi_lib.rivals.weights import MOMI, RIVAL
from momi_lib.translate.swaps import Swaps

__all__ = ["Copied", "Copy", "known_answers"]

Copied = Literal["source", "target"]


class _Config(NamedTuple):
    size: tuple[int, int]


class Copy:
    """An answer that needs no network: one of the two pictures as it is. No score should like it, and some do.

    Args:
        which: "source" or "target".
        size: (H, W) of the pictures, in pixels.

    Attributes:
        name: "copy source" or "copy target", as in the tables. copied: which.
        config, needs: as :class:`momi_lib.translate.swaps.Swaps` asks for them.

    Raises:
        ValueError: for another picture than these two.

    >>> copy = Copy("source")
    >>> copy.name, isinstance(copy, Swaps)
    ('copy source', True)
    """

    needs: frozenset[str] = frozenset()

    def __init__(self, which: Copied, size: tuple[int, int] = (128, 64)) -> None:
        if which not in get_args(Copied):
            raise ValueError(f"which: expected one of {', '.join(get_args(Copied))}, got {which!r}")
        self.copied, self.name, self.config = which, f"copy {which}", _Config(size)

    def swap(self, source: Tensor, target: Tensor) -> Tensor:
        """`source` or `target`, each (N, 3, H, W) in [-1, 1]."""
        return source if self.copied == "source" else target


def known_answers(size: tuple[int, int] = (128, 64)) -> list[Swaps | str | Path]:
    """Our networks and the rivals whose weights are in the folder of weights, and the two copies.

    Args:
        size: (H, W) of the pictures that are copied, in pixels.

    Returns:
        names for :func:`momi_lib.rivals.weights.load_answer`, ours before rivals, and two :class:`Copy`.

    >>> names = [getattr(answer, "name", answer) for answer in known_answers()]
    >>> names[0], names[-2:]
    ('small', ['copy source', 'copy target'])
    """
    folder = weights_folder()
    ours, rivals = (
        [file.stem.removeprefix(kind) for file in sorted(folder.glob(f"{kind}*.safetensors"))] for kind in (MOMI, RIVAL)
    )
    ours.sort(key=lambda name: name != "small")  # the one that is loaded where nobody asks for another
    order = list(TITLES)
    rivals.sort(key=lambda name: order.index(name) if name in order else len(order))
    return [*ours, *rivals, Copy("source", size), Copy("target", size)]
