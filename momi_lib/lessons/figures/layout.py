"""Rows of axes in the pictures' proportions, and names beside them: what the figures of pictures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

__all__ = ["as_rows", "listed", "make_grid", "name_rows"]


def as_rows(pictures: Any, columns: int | None) -> list[list[Any]]:
    """Rows of pictures from (N, 3, H, W), (R, C, 3, H, W), a list or a list of lists."""
    flat = not isinstance(pictures[0], list | tuple)
    if isinstance(pictures, Tensor):
        flat = pictures.ndim < 5
    if not flat:
        return [list(row) for row in pictures]
    columns = columns or min(len(pictures), 8)
    return [list(pictures[i : i + columns]) for i in range(0, len(pictures), columns)]


def make_grid(
    rows: Sequence[Sequence[Any]], width: float, beside: float = 0.3, titles: int = 0
) -> tuple[Figure, np.ndarray]:
    """A figure with one pair of axes a picture, in the pictures' proportions, `beside` inches wider.

    As many of them get a title as `titles` says, from the first on; rows without one stand close together.
    """
    first = next(picture for row in rows for picture in row if picture is not None)
    height, breadth = first.shape[-2:]
    count = max(map(len, rows))
    named = min(-(-titles // count), len(rows))  # rows
    size = (count * width + beside, len(rows) * (width * height / breadth + 0.04) + named * 0.2 + 0.1)
    figure, axes = plt.subplots(len(rows), count, figsize=size, squeeze=False, layout="constrained")
    figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.02, wspace=0, hspace=0)
    for ax in axes.flat:
        ax.set_axis_off()
    return figure, axes


def name_rows(axes: np.ndarray, names: Sequence[str] | None) -> None:
    """Write a name to the left of each row."""
    for ax, name in zip(axes[:, 0], names or (), strict=False):
        ax.text(-0.08, 0.5, name, transform=ax.transAxes, rotation=90, ha="right", va="center")


def listed(names: Sequence[str] | None, what: str = "") -> str:
    """The end of a description: the names that there are, after a word for what they are.

    A name in several lines is written in one, and an empty one is left out.

    >>> listed(["left\\nwrist", "", "nose"], "rows")
    ', rows: left wrist, nose'
    """
    there = [one for one in (" ".join(str(name).split()) for name in names or ()) if one]
    return f"{what and ', '}{what}: {', '.join(there)}" if there else ""
