"""Figures of the notebooks: pictures, skeletons, maps and curves in one style.

Every one takes a `description`, which becomes the alternative text of the stored image. An author's own
figure is shown with `show(figure, description)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from torch import Tensor

from momi_lib import skeleton
from momi_lib.lessons.figures.diagram import PARTS, draw_diagram
from momi_lib.lessons.figures.drawing import draw_map, draw_picture, draw_skeleton, show, use_style
from momi_lib.lessons.figures.grids import show_bars, show_over, show_tables
from momi_lib.lessons.figures.layout import as_rows, listed, make_grid, name_rows

__all__ = [
    "PARTS",
    "curves",
    "diagram",
    "draw_map",
    "draw_picture",
    "draw_skeleton",
    "show",
    "show_bars",
    "show_looks",
    "show_maps",
    "show_over",
    "show_pictures",
    "show_skeletons",
    "show_tables",
    "show_triplet",
    "use_style",
]


def show_pictures(
    pictures: Any,
    titles: Sequence[str] | None = None,
    row_titles: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    width: float = 1.2,
    description: str | None = None,
) -> None:
    """Show a grid of pictures.

    Args:
        pictures: (N, 3, H, W), (R, C, 3, H, W), or a list or list of lists of (3, H, W) or (H, W); None
            leaves a place empty. uint8, or float in [-1, 1].
        titles: over the pictures: as many as pictures, or as many as columns for the first row.
        row_titles: to the left of each row.
        columns: pictures in a row where there are no rows yet.
        width: of a picture in inches (100 pixels each).
        description: alternative text; by default made from the titles.

    >>> show_pictures(torch.zeros(3, 3, 128, 64), ["x", "x⁺", "x⁻"])
    """
    rows = as_rows(pictures, columns)
    figure, axes = make_grid(rows, width, titles=len(titles or ()))
    names = iter(titles or ())
    for row, line in zip(rows, axes, strict=True):
        for picture, ax in zip(row, line, strict=False):
            title = next(names, None)
            if picture is not None:
                draw_picture(ax, picture, title)
    name_rows(axes, row_titles)
    count = sum(picture is not None for row in rows for picture in row)
    show(figure, description or f"{count} pictures" + listed(titles) + listed(row_titles, "rows"))


TRIPLET = ("source x", "positive x⁺", "negative x⁻")


def show_triplet(source: Any, positive: Any, negative: Any, titles: Sequence[str] = TRIPLET) -> None:
    """Show triplets: each argument (3, H, W) or (N, 3, H, W); one row a triplet.

    >>> picture = torch.zeros(3, 128, 64)
    >>> show_triplet(picture, picture, picture)
    """
    pictures = map(torch.as_tensor, (source, positive, negative))
    parts = [part[None] if part.ndim == 3 else part for part in pictures]
    rows = [list(row) for row in zip(*parts, strict=True)]
    show_pictures(rows, titles, description=f"{len(rows)} rows of pictures: {', '.join(titles)}")


def show_skeletons(
    pictures: Any,
    landmarks: Tensor,
    valid: Tensor | None = None,
    titles: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    width: float = 1.2,
    description: str | None = None,
) -> None:
    """Show pictures (N, 3, H, W) with their skeletons: landmarks (N, 17, 2) in pixels, valid (N, 17).

    >>> show_skeletons(torch.zeros(2, 3, 128, 64), torch.rand(2, 17, 2) * 60)
    """
    rows = as_rows(pictures, columns)
    figure, axes = make_grid(rows, width, titles=len(titles or ()))
    for i, ax in zip(range(len(pictures)), axes.flat, strict=False):
        draw_picture(ax, pictures[i], titles[i] if titles else None)
        draw_skeleton(ax, landmarks[i], None if valid is None else valid[i])
    show(figure, description or f"{len(pictures)} pictures with their skeletons" + listed(titles))


def show_maps(
    picture: Any,
    maps: Tensor,
    names: Sequence[str] | None = None,
    *,
    columns: int = 6,
    width: float = 1.2,
    limits: tuple[float, float] = (0, 1),
    description: str | None = None,
) -> None:
    """Show maps (K, h, w) over one picture (3, H, W) (None: alone), with a scale.

    Args:
        names: K titles; by default the joints' names when there are 17 maps.
        limits: values at the two ends of the scale.

    >>> show_maps(torch.zeros(3, 128, 64), torch.rand(17, 32, 16))
    """
    if names is None and len(maps) == len(skeleton.JOINTS):
        names = [name.replace("_", " ") for name in skeleton.JOINTS]
    rows = as_rows(maps, min(columns, len(maps)))
    figure, axes = make_grid(rows, width, beside=0.8, titles=len(names or ()))
    images = []
    for i, ax in zip(range(len(maps)), axes.flat, strict=False):
        images.append(draw_map(ax, maps[i], picture, limits=limits))
        ax.set_title(names[i] if names else "", fontsize=8)
    figure.colorbar(images[-1], ax=axes, shrink=0.6, aspect=30, pad=0.02)
    over = "" if picture is None else " over the picture"
    show(figure, description or f"{len(maps)} maps{over}" + listed(names))


def show_looks(
    source: Any,
    target: Any,
    looks: Tensor,
    asking: Tensor,
    answers: Tensor,
    names: Sequence[str],
    *,
    width: float = 1.2,
    description: str | None = None,
) -> None:
    """Show where some places of a target look in a source: both pictures, then a map over the source for each place.

    Args:
        source, target: (3, H, W).
        looks: (K, h, w), weights over the places of the source; a square marks the largest.
        asking: (K, 2) as (x, y) in pixels, the points of the target that ask; they are numbered.
        answers: (K, 2), the same joints in the source; a ring in each map.
        names: K titles.
        width: of a picture in inches.

    >>> picture = torch.zeros(3, 128, 64)
    >>> show_looks(picture, picture, torch.rand(1, 16, 8), torch.ones(1, 2), torch.ones(1, 2), ["head"])
    """
    figure, axes = make_grid([[source, target, *[source] * len(looks)]], width, beside=0.8, titles=1)
    first, second, *others = axes[0]
    draw_picture(first, source, "source")
    draw_picture(second, target, "target")
    badge = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": "black"}
    images = []
    for number, (name, ax) in enumerate(zip(names, others, strict=True)):
        x, y = asking[number].tolist()
        second.text(x, y, str(number + 1), fontsize=8, ha="center", va="center", bbox=badge)
        images.append(draw_map(ax, looks[number], source))
        row, column = divmod(int(looks[number].argmax()), looks.shape[-1])
        side = source.shape[-1] / looks.shape[-1]
        corner = column * side - 0.5, row * side - 0.5
        for colour, line in (("black", 2.5), ("white", 1.2)):  # visible on bright and on dark
            ax.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=colour, linewidth=line))
            ax.plot(*answers[number].tolist(), "o", color=colour, markersize=11, fillstyle="none", markeredgewidth=line)
        ax.set_title(f"{number + 1} {name}", fontsize=8)
    figure.colorbar(images[-1], ax=axes, shrink=0.6, aspect=30, pad=0.02, label="weight")
    show(figure, description or f"Where {len(looks)} places of a target look in a source" + listed(names))


def curves(
    lines: Mapping[str, Sequence[float]],
    x: Sequence[float] | None = None,
    *,
    xlabel: str = "step",
    ylabel: str = "",
    log: bool = False,
    description: str | None = None,
) -> None:
    """Plot named curves in one pair of axes; they differ in colour and in line style.

    >>> curves({"train": [3.0, 2.0, 1.0], "test": [3.0, 2.5, 2.2]}, ylabel="loss")
    """
    figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
    for name, values in lines.items():
        array = torch.as_tensor(values).detach().cpu().float().numpy()
        ax.plot(np.arange(len(array)) if x is None else x, array, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    if len(lines) > 1:
        ax.legend()
    show(figure, description or f"{ylabel or 'values'} over {xlabel}" + listed(list(lines)))


def diagram(highlight: str | Sequence[str] = ()) -> None:
    """Show the whole system in one picture, with some parts highlighted; their names are in `PARTS`.

    Raises:
        ValueError: there is no such part.

    >>> diagram("pose_maps")
    """
    figure, description = draw_diagram((highlight,) if isinstance(highlight, str) else tuple(highlight))
    show(figure, description)
