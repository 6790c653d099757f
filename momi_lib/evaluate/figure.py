"""The picture of swaps: source, target, truth and what one or several methods drew, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from momi_lib.arguments import check_has, seed_of, whole
from momi_lib.data import Truth, load_truth
from momi_lib.evaluate.answers import named_methods, poses_of, swap_pairs
from momi_lib.files import write_atomically
from momi_lib.rivals.methods import TITLES
from momi_lib.translate.swaps import Swaps

COLUMNS = ("source", "target", "truth")
#: Columns up to which there is room for two blocks beside each other.
NARROW = 4


def choose(truth: Truth, count: int, seed: int) -> torch.Tensor:
    """``count`` swaps at random, all of different source identities: what is shown is not what looks best."""
    check_has("truth", truth, "a Truth, as momi_lib.data.load_truth gives it", "people", "source", "target")
    count, seed = whole("rows", count), seed_of("seed", seed)
    order = torch.randperm(len(truth), generator=torch.Generator().manual_seed(seed)).tolist()
    chosen, seen = [], set()
    for index in order:
        person = int(truth.people.persons[truth.source[index]])
        if person not in seen:
            seen.add(person)
            chosen.append(index)
    if not 1 <= count <= len(chosen):
        raise ValueError(f"rows: expected 1 to {len(chosen)} (one a source identity), got {count}")
    return torch.tensor(sorted(chosen[:count]))


def swap_figure(
    out: Path,
    weights: str | Path | Swaps | Sequence[str | Path | Swaps],
    folder: Path | None = None,
    *,
    rows: int = 8,
    seed: int = 0,
) -> Path:
    """Draw ``rows`` swaps of test identities as a PNG: source → target → truth → swap, with a column for each method.

    Of one method there are two blocks beside each other, where the number of rows is even.

    Args:
        out: PNG to write.
        weights: one or several methods: names of committed weights, files, or objects that satisfy
            :class:`~momi_lib.translate.swaps.Swaps`, as :func:`~momi_lib.evaluate.answers.named_methods` takes them.
        folder: data with true swaps.
        rows, seed: how many swaps and which, see :func:`choose`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    asked = list(weights) if isinstance(weights, Sequence) and not isinstance(weights, str) else [weights]
    methods, truth = named_methods(asked), load_truth(folder)
    for each in methods:
        poses_of(each.method, truth.people, each.name)  # pictures of another size, or missing labels, are found out now
    some = truth.select(choose(truth, rows, seed))
    source, target = (truth.people.pictures[index] for index in (some.source, some.target))
    drawn = [swap_pairs(each.method, some) for each in methods]
    titles = (*COLUMNS, *(["swap"] if len(methods) == 1 else [TITLES.get(each.name, each.name) for each in methods]))
    count = len(titles)
    blocks = 2 if rows % 2 == 0 and count <= NARROW else 1
    high, wide = rows // blocks, count * blocks
    canvas = Figure(figsize=(1.02 * wide + 0.2 * blocks, 2.02 * high + 0.3), dpi=110, facecolor="white")
    FigureCanvasAgg(canvas)
    grid = canvas.add_gridspec(
        high, wide + blocks - 1, width_ratios=([1] * count + [0.12]) * (blocks - 1) + [1] * count,
        left=0.005, right=0.995, bottom=0.005, top=1 - 0.3 / (2.02 * high + 0.3), wspace=0.03, hspace=0.02,
    )  # fmt: skip
    for index, pictures in enumerate(zip(source, target, some.pictures, *drawn, strict=True)):
        block, row = divmod(index, high)
        for column, (title, picture) in enumerate(zip(titles, pictures, strict=True)):
            axes = canvas.add_subplot(grid[row, (count + 1) * block + column])
            axes.imshow(picture.permute(1, 2, 0).numpy(), interpolation="bicubic")
            axes.set_axis_off()
            if row == 0:
                axes.set_title(title, fontsize=10)
    return write_atomically(out, lambda file: canvas.savefig(file, format="png"))
