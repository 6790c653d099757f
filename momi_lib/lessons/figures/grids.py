"""Figures with several panels: maps and skeletons over pictures in rows, tables of numbers, bars with errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from momi_lib.lessons.figures.drawing import draw_map, draw_picture, draw_skeleton, show
from momi_lib.lessons.figures.layout import listed, make_grid, name_rows
from momi_lib.metrics import standard_error

__all__ = ["show_bars", "show_over", "show_tables"]


def show_over(
    rows: Sequence[Sequence[Any]],
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
    *,
    limits: tuple[float, float] = (0, 1),
    label: str = "",
    width: float = 0.8,
    description: str | None = None,
) -> None:
    """Show rows of pictures, some with a map or a skeleton over them, and the scale of the maps.

    Args:
        rows: of (3, H, W) pictures; or (picture, map) with a map (h, w); or (picture, landmarks (17, 2), valid (17,)).
        titles: over the columns.
        row_titles: to the left of each row.
        limits: values at the two ends of the scale of all maps.
        label: of the scale.
        width: of a picture in inches.

    >>> picture = torch.zeros(3, 128, 64)
    >>> show_over([[picture, (picture, torch.rand(16, 8))]], ["picture", "map"])
    """
    bare = [[cell[0] if isinstance(cell, tuple) else cell for cell in row] for row in rows]
    figure, axes = make_grid(bare, width, beside=1.0, titles=len(titles))
    image = None
    for number, (row, line) in enumerate(zip(rows, axes, strict=True)):
        for column, (cell, ax) in enumerate(zip(row, line, strict=False)):
            picture, *over = cell if isinstance(cell, tuple) else (cell,)
            if len(over) == 1:
                image = draw_map(ax, over[0], picture, limits=limits)
            else:
                draw_picture(ax, picture)
            if len(over) == 2:
                draw_skeleton(ax, *over, width=1)
            if number == 0 and column < len(titles):
                ax.set_title(titles[column], fontsize=8)
    name_rows(axes, row_titles)
    if image is not None:
        figure.colorbar(image, ax=axes, shrink=0.5, aspect=30, pad=0.02, label=label)
    words = f"{len(rows)} rows of pictures and maps over them"
    show(figure, description or words + listed(titles) + listed(row_titles, "rows"))


def show_tables(
    tables: Mapping[str, Tensor],
    *,
    limits: tuple[float, float] = (0, 1),
    digits: int = 2,
    description: str | None = None,
) -> None:
    """Show small tables (h, w) side by side, each cell with its number and a colour.

    Args:
        tables: title → values.
        limits: values at the two ends of the colours.
        digits: behind the point.

    >>> show_tables({"$x$": torch.rand(6, 3), "$y$": torch.rand(6, 3)})
    """
    widths = [0.5 * table.shape[1] + 0.3 for table in tables.values()]
    height = max(0.38 * table.shape[0] for table in tables.values()) + 0.6
    figure, axes = plt.subplots(1, len(tables), figsize=(sum(widths), height), width_ratios=widths, squeeze=False)
    low, high = limits
    for ax, (title, table) in zip(axes[0], tables.items(), strict=True):
        ax.imshow(table.detach().cpu().float().numpy(), vmin=low, vmax=high, aspect="auto")
        for y, row in enumerate(table.tolist()):
            for x, value in enumerate(row):
                ink = "black" if value > low + 0.6 * (high - low) else "white"
                ax.text(x, y, f"{value:.{digits}f}", ha="center", va="center", color=ink)
        ax.set(title=title, xticks=range(table.shape[1]), yticks=range(table.shape[0]))
        ax.tick_params(length=0, labelsize=8)
    show(figure, description or f"{len(tables)} tables of numbers" + listed(list(tables)))


def show_bars(
    panels: Mapping[str, Mapping[str, Tensor]],
    *,
    people: tuple[Tensor, Tensor] | None = None,
    description: str | None = None,
) -> None:
    """Show means with their standard errors as bars: a panel a score, a bar a name.

    Args:
        panels: label of the score → name → values (N,), N at least 2.
        people: (N,) each, who the person and who the pose of each swap was taken from: errors are then resampled by
            person, as swaps that share somebody are not independent.

    >>> show_bars({"masked L1": {"first": torch.rand(9), "second": torch.rand(9)}})
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(3.8 * len(panels), 2.3), sharey=True, squeeze=False)
    for ax, (label, bars) in zip(axes[0], panels.items(), strict=True):
        values = [torch.as_tensor(one).double() for one in bars.values()]
        errors = [standard_error(one, *people or ()) for one in values]
        ax.barh(list(bars), [float(one.mean()) for one in values], xerr=errors, color="#0072B2", capsize=3)
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set_xlabel(label)
        ax.locator_params(axis="x", nbins=5)
    axes[0][0].invert_yaxis()
    words = "Bars of means with standard errors" + listed(list(panels))
    show(figure, description or words)
