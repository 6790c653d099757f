"""A swap from picture files, for the command line."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from momi_lib.data import to_float, to_uint8
from momi_lib.data.pictures import decode_pictures
from momi_lib.translate.weights import load_network

__all__ = ["background_of", "swap_files"]

NAMES = ("target", "source", "drawn")


def swap_files(
    source: Path, target: Path, *, weights: str | Path = "small", background: str | None = None
) -> tuple[Tensor, list[int]]:
    """The person of one picture file in the pose of another.

    Args:
        source, target: JPEG or PNG of any size.
        weights: as for :func:`~momi_lib.translate.load_network`.
        background: as for :func:`background_of`; ``None`` is what the network usually puts behind a person.

    Returns:
        the swap (3, H, W) uint8, and how many landmarks were found on the source and on the target.

    Raises:
        FileNotFoundError, ValueError: for weights, pictures or a background that cannot be used.
    """
    network = load_network(weights)
    pictures = _read([source, target], network.config.size).split(1)
    asked = {} if background is None else {"background": background_of(background, network.config.size)}
    drawn = network.swap(*pictures, **asked)
    return to_uint8(drawn)[0], [int(network.pose(picture).valid.sum()) for picture in pictures]


def background_of(asked: str, size: tuple[int, int]) -> str | Tensor:
    """What a user calls a background, as networks take it.

    Args:
        asked: ``target``, ``source``, ``drawn``, a colour ``#rrggbb``, or a JPEG or PNG, which is resized.
        size: height and width.

    Returns:
        the name as it is, a colour (3,) or a picture (3, H, W) in [-1, 1].

    Raises:
        ValueError: for anything else, and for a file that cannot be read.

    >>> background_of("target", (128, 64)), background_of("#ff0000", (128, 64)).tolist()
    ('target', [1.0, -1.0, -1.0])
    """
    if asked in NAMES:
        return asked
    if asked.startswith("#") and not Path(asked).exists():
        if not re.fullmatch("#[0-9a-fA-F]{6}", asked):
            raise ValueError(f"background: expected a colour as #rrggbb, six hexadecimal digits, got {asked!r}")
        return to_float(torch.tensor(list(bytes.fromhex(asked[1:])), dtype=torch.uint8))
    if not Path(asked).is_file():
        names = ", ".join(NAMES)
        raise ValueError(f"background: expected {names}, a colour #rrggbb or a picture file, got {asked!r}")
    return _read([Path(asked)], size)[0]


def _read(files: list[Path], size: tuple[int, int]) -> Tensor:
    pictures, _ = decode_pictures(Path("."), [str(path) for path in files], size=size)
    return to_float(torch.from_numpy(pictures))
