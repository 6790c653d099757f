"""Draw the person of one picture in the pose of another: ``python examples/swap_two_pictures.py person.jpg pose.jpg``.

It saves one row as ``swap.png``, or as the file that a third argument names: source, target, what was carried over
from the source, what the network drew itself, and the swap.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

import momi_lib as momi
from momi_lib.data.pictures import decode_pictures, picture_grid, save_picture


def main(person: str, pose: str, out: str = "swap.png") -> None:
    """Write ``out``: source, target, what was carried over, what was drawn, and the swap."""
    network = momi.load("small")
    pictures, _ = decode_pictures(Path("."), [person, pose], size=network.config.size)
    source, target = momi.data.to_float(torch.from_numpy(pictures)).split(1)
    with torch.inference_mode():
        parts = network.explain(source, target)  # parts.swap is what network.swap(source, target) returns
    shown = torch.cat([source, target, parts.carried[:, :3], parts.drawn, parts.swap])
    save_picture(picture_grid([shown]), Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
