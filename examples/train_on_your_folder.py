"""Train on a folder of your own in Market-1501's layout: ``python examples/train_on_your_folder.py FOLDER``.

Photographs have neither joints nor body maps: name an official pose network as the third argument, as in ``FOLDER 10000
pose_resnet_50_256x192.pth.tar``; without it the mannequins' teacher is used. The network draws everything itself.
``python -m momi_lib train lookup --data FOLDER --teacher FILE`` has every option.
"""

from __future__ import annotations

import sys
from pathlib import Path

from momi_lib.train import preset, train


def main(folder: str, steps: int = 10_000, teacher: str | None = None, size: str = "lookup") -> Path:
    """Train, go on where an earlier call stopped, and return the weights' file."""
    config = preset(
        size,
        data=Path(folder),
        out=Path("runs") / Path(folder).name,
        teacher=None if teacher is None else Path(teacher),  # such as pose_resnet_50_256x192.pth.tar
        steps=int(steps),
        distil_steps=min(2_000, int(steps)),
    )
    train(config, resume=config.out.is_dir())
    return config.out / "weights.safetensors"


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
