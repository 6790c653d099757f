"""Score swaps that another program drew: ``python examples/score_a_folder.py FOLDER [PAIRS.csv]``.

FOLDER holds one PNG for each of the true swaps, by the name of its true answer: ``000000.png``, ``000001.png``, … The
columns ``from`` and ``to`` of ``data/mannequins/truth/pairs.csv`` say whose person and whose pose each shows. With
PAIRS.csv, which ``momi_lib.evaluate.pairs.save_pairs("pairs.csv", test_pairs(load(None, "test")))`` writes, it holds
``00000.png``, … for its pairs, scored as in Table I; for photographs, give ``open_table`` ``judge="inception"``, too.
"""

from __future__ import annotations

import sys
from pathlib import Path

from momi_lib.data import load, load_truth
from momi_lib.evaluate.answers import folder_answer, pictures_there
from momi_lib.evaluate.pairs import load_pairs
from momi_lib.evaluate.table_one import open_table
from momi_lib.metrics import score_truth, sharpness


def table_one(folder: Path, pairs_file: Path) -> str:
    """The scores of Table I, one a line."""
    pairs = load_pairs(pairs_file, load(None, "test"))
    scores = open_table(pairs, None, folder / "cache").row(folder_answer(folder.name, folder, pairs))["scores"]
    return "\n".join(f"{score['name']} {score['value']:.4f}" for score in scores.values())


def true_swaps(folder: Path) -> str:
    """Masked L1, masked SSIM and sharpness, with standard errors that are resampled by person."""
    truth = load_truth()
    there, answers = pictures_there(folder, [f"{number:06}.png" for number in range(len(truth))])
    some = truth.select(there)
    scores, sharp = score_truth(answers, some), sharpness(answers, some.pictures, some.masks)
    return (f"{scores.count} swaps: masked L1 {scores.l1:.4f} ± {scores.l1_error:.4f}, masked SSIM {scores.ssim:.3f} ± "
            f"{scores.ssim_error:.3f}, sharpness {sharp:.2f}")  # fmt: skip


if __name__ == "__main__":
    print(table_one(*map(Path, sys.argv[1:])) if len(sys.argv) > 2 else true_swaps(Path(sys.argv[1])))
