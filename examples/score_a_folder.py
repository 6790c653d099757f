"""Score swaps that another program drew: ``python examples/score_a_folder.py FOLDER``.

FOLDER holds one PNG for each of the true swaps, by the name of its true answer: ``000000.png``, ``000001.png``, … The
columns ``from`` and ``to`` of ``data/mannequins/truth/pairs.csv`` say whose person and whose pose each shows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from momi_lib.data import load_truth
from momi_lib.data.pictures import decode_pictures
from momi_lib.metrics import score_truth, sharpness


def main(folder: str) -> None:
    """Print masked L1, masked SSIM and sharpness, with standard errors that are resampled by person."""
    truth = load_truth()
    there = [index for index in range(len(truth)) if (Path(folder) / f"{index:06}.png").is_file()]
    if not there:
        raise SystemExit(f"{folder}: expected pictures named 000000.png to {len(truth) - 1:06}.png, found none")
    pictures, _ = decode_pictures(Path(folder), [f"{index:06}.png" for index in there], size=(128, 64))
    answers, some = torch.from_numpy(pictures), truth.select(torch.tensor(there))
    scores = score_truth(answers, some)
    print(f"{scores.count} swaps: masked L1 {scores.l1:.4f} ± {scores.l1_error:.4f}, masked SSIM {scores.ssim:.3f} ± "
          f"{scores.ssim_error:.3f}, sharpness {sharpness(answers, some.pictures, some.masks):.2f}")  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
