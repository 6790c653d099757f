"""The picture of swaps: source, target, truth and what the network drew, row by row."""

from __future__ import annotations

from pathlib import Path

import torch

from momi_lib.data import Truth, load_truth
from momi_lib.evaluate.answers import swap_all
from momi_lib.files import write_atomically
from momi_lib.translate import load_network

COLUMNS = ("source", "target", "truth", "swap")


def choose(truth: Truth, count: int, seed: int) -> torch.Tensor:
    """``count`` swaps at random, all of different source identities: what is shown is not what looks best."""
    order = torch.randperm(len(truth), generator=torch.Generator().manual_seed(seed)).tolist()
    chosen, seen = [], set()
    for index in order:
        person = int(truth.people.persons[truth.source[index]])
        if person not in seen:
            seen.add(person)
            chosen.append(index)
    if len(chosen) < count:
        raise ValueError(f"rows: expected at most {len(chosen)} (one a source identity), got {count}")
    return torch.tensor(sorted(chosen[:count]))


def swap_figure(out: Path, weights: str, folder: Path | None = None, *, rows: int = 8, seed: int = 0) -> Path:
    """Draw ``rows`` swaps of test identities as a PNG: two blocks of source → target → truth → swap beside each other.

    Args:
        out: PNG to write.
        weights: name of committed weights, or a file.
        folder: data with true swaps.
        rows, seed: how many swaps and which, see :func:`choose`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    truth = load_truth(folder)
    some = choose(truth, rows, seed)
    source, target = (truth.people.pictures[index[some]] for index in (truth.source, truth.target))
    drawn = swap_all(load_network(weights), source, target)
    blocks = 2 if rows % 2 == 0 else 1
    high, wide = rows // blocks, 4 * blocks
    canvas = Figure(figsize=(1.02 * wide + 0.2 * blocks, 2.02 * high + 0.3), dpi=110, facecolor="white")
    FigureCanvasAgg(canvas)
    grid = canvas.add_gridspec(
        high, wide + blocks - 1, width_ratios=([1] * 4 + [0.12]) * (blocks - 1) + [1] * 4,
        left=0.005, right=0.995, bottom=0.005, top=1 - 0.3 / (2.02 * high + 0.3), wspace=0.03, hspace=0.02,
    )  # fmt: skip
    for index, pictures in enumerate(zip(source, target, truth.pictures[some], drawn, strict=True)):
        block, row = divmod(index, high)
        for column, (title, picture) in enumerate(zip(COLUMNS, pictures, strict=True)):
            axes = canvas.add_subplot(grid[row, 5 * block + column])
            axes.imshow(picture.permute(1, 2, 0).numpy(), interpolation="bicubic")
            axes.set_axis_off()
            if row == 0:
                axes.set_title(title, fontsize=10)
    return write_atomically(out, lambda file: canvas.savefig(file, format="png"))
