"""A training as one figure, pictures beside losses, that is drawn again in its place while the training goes on."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from momi_lib.lessons.figures.drawing import draw_picture

__all__ = ["LiveFigure", "draw_progress"]

GAP = 2  # pixels around a picture
#: The losses of the upper and of the lower panel.
PANELS = ("recon", "perceptual", "patch"), ("discriminator", "adversarial")
#: Where they are while D knows nothing: what D pays, and what G pays, for each pair.
IGNORANT = {"discriminator": 2 * math.log(2), "adversarial": math.log(2)}


class LiveFigure:
    """A place in a notebook for one figure after the other.

    >>> screen = LiveFigure()
    >>> screen.show(plt.figure(), "an empty figure")
    """

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, figure: Figure, description: str) -> None:
        """Show a figure where the last one was, and close it; outside a notebook it is only closed.

        Args:
            figure: with photographs, so it is stored as JPEG.
            description: for readers who do not see it.
        """
        from IPython import get_ipython
        from IPython.display import display

        if get_ipython() is not None:
            buffer = io.BytesIO()
            options = {"quality": 80, "subsampling": 0, "optimize": True}
            figure.savefig(buffer, format="jpeg", bbox_inches="tight", pil_kwargs=options)
            data = {"image/jpeg": base64.b64encode(buffer.getvalue()).decode(), "text/plain": repr(figure)}
            about = {"image/jpeg": {"alt": description}}
            if self._handle is None:
                self._handle = display(data, raw=True, metadata=about, display_id=True)
            else:
                self._handle.update(data, raw=True, metadata=about)
        plt.close(figure)


def draw_progress(columns: Mapping[str, Tensor | None], log: Sequence[Mapping[str, float]]) -> Figure:
    """Swaps in rows, with a column for each moment of a training, beside the losses over the steps.

    Args:
        columns: title → (N, 3, H, W) uint8; None for what is not drawn yet.
        log: of every step, its number and its losses; may be empty.

    >>> plt.close(draw_progress({"source": torch.zeros(4, 3, 128, 64, dtype=torch.uint8), "0": None}, []))
    """
    first = next(some for some in columns.values() if some is not None)
    tiles = [torch.full_like(first, 255) if some is None else some for some in columns.values()]
    rows = first.shape[0]
    figure, panels = plt.subplot_mosaic(
        [["pictures", "upper"], ["pictures", "lower"]], figsize=(9.6, 1.25 * rows + 0.3), layout="constrained",
        width_ratios=[0.78 * len(columns), 4.6],
    )  # fmt: skip
    pictures = panels["pictures"]
    spaced = [functional.pad(column, (GAP, GAP, GAP, GAP), value=255) for column in tiles]
    draw_picture(pictures, torch.cat([column.permute(1, 0, 2, 3).flatten(1, 2) for column in spaced], dim=2))
    for place, title in enumerate(columns):
        middle = (place + 0.5) * spaced[0].shape[-1]
        pictures.text(middle, -4, title.replace(" ", "\n"), ha="center", va="bottom", fontsize=9)
    _draw_losses(panels["upper"], log, PANELS[0])
    _draw_losses(panels["lower"], log, PANELS[1])
    panels["lower"].set_xlabel("step")
    return figure


def _draw_losses(ax: Axes, log: Sequence[Mapping[str, float]], names: Sequence[str]) -> None:
    ax.set(ylabel="loss")
    for number, name in enumerate(names):
        lines = [line for line in log if name in line]
        colour = f"C{number}"
        steps, values = [line["step"] for line in lines], [line[name] for line in lines]
        ax.plot(steps, values, color=colour, linestyle=("-", "--", "-.")[number], label=name)
        if name in IGNORANT:
            ax.axhline(IGNORANT[name], color=colour, linewidth=0.8, linestyle=":")
    ax.set_ylim(bottom=0)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
