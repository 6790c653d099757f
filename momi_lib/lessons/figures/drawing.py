"""Drawing into one pair of axes, the style, and showing a figure with its description.

Colour never carries a meaning alone: maps use viridis, curves differ in line style as well, and so do left
and right limbs.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

from momi_lib import skeleton

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

__all__ = ["as_image", "draw_map", "draw_picture", "draw_skeleton", "show", "use_style"]

# Okabe and Ito's colours, which differ for readers with any colour vision, each with its own line style.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 3)))
STYLE: dict[RcKeyType, Any] = {
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "image.cmap": "viridis",
    "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=LINES),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "legend.frameon": False,
    "font.size": 9,
}


def use_style() -> None:
    """Make the style of the series matplotlib's default; :func:`momi_lib.lessons.start` calls it.

    >>> use_style()
    >>> plt.rcParams["image.cmap"]
    'viridis'
    """
    plt.rcParams.update(STYLE)


def show(figure: Figure, description: str) -> None:
    """Show a figure once, here, with a description for readers who do not see it; then close it.

    Figures with photographs are stored as JPEG, all others as PNG: a notebook stays small, and lines stay sharp.
    Outside a notebook the figure is only closed.

    >>> figure, _ = plt.subplots()
    >>> show(figure, "an empty plot")
    """
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is not None:
        images = [image for ax in figure.axes for image in ax.images]
        # A map over a picture counts too: its picture is drawn in grey.
        photographs = any(map(_is_photograph, images))
        kind = "jpeg" if photographs else "png"
        options: dict[str, Any] = {"pil_kwargs": {"quality": 88, "subsampling": 0, "optimize": True}}
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, bbox_inches="tight", **(options if photographs else {}))
        data = {f"image/{kind}": base64.b64encode(buffer.getvalue()).decode(), "text/plain": repr(figure)}
        display(data, raw=True, metadata={f"image/{kind}": {"alt": description}})
    plt.close(figure)


def _is_photograph(image: AxesImage) -> bool:
    array = image.get_array()
    return (array is not None and array.ndim == 3) or image.get_cmap().name == "gray"


def as_image(picture: Any) -> np.ndarray:
    """(3, H, W) uint8 or float in [-1, 1], or (H, W), as what `imshow` takes.

    Raises:
        ValueError: another shape.

    >>> as_image(torch.full((3, 4, 2), -1.0))[0, 0].tolist()
    [0.0, 0.0, 0.0]
    """
    tensor = torch.as_tensor(picture).detach().cpu()
    if tensor.ndim == 2:
        return tensor.float().numpy()
    if tensor.ndim != 3 or tensor.shape[0] != 3:
        raise ValueError(f"picture: expected (3, H, W) or (H, W), got {tuple(tensor.shape)}")
    if tensor.dtype == torch.uint8:
        return tensor.permute(1, 2, 0).numpy()
    return ((tensor.float() + 1) / 2).clamp(0, 1).permute(1, 2, 0).numpy()


def draw_picture(ax: Axes, picture: Any, title: str | None = None) -> None:
    """Draw a picture without axes; pixel centres are at integers, as everywhere in the library.

    >>> figure, ax = plt.subplots()
    >>> draw_picture(ax, torch.zeros(3, 128, 64))
    >>> plt.close(figure)
    """
    image = as_image(picture)
    ax.imshow(image, interpolation="bicubic" if image.ndim == 3 else "nearest")
    ax.set_axis_off()
    if title is not None:
        ax.set_title(title)


def draw_skeleton(ax: Axes, landmarks: Tensor, valid: Tensor | None = None, *, width: float = 1.5) -> None:
    """Draw one skeleton over a picture: the person's left with solid lines, right dashed, middle dotted.

    Args:
        landmarks: (17, 2) as (x, y) in pixels of the picture drawn in `ax`.
        valid: (17,) bool; what is not valid is not drawn. None draws all that is finite.
        width: of the lines, in points.

    >>> figure, ax = plt.subplots()
    >>> draw_skeleton(ax, torch.rand(17, 2))
    >>> plt.close(figure)
    """
    given = torch.as_tensor(landmarks).detach().cpu().float()
    points, shown = given.numpy(), given.isfinite().all(-1).numpy()
    if valid is not None:
        shown &= torch.as_tensor(valid).detach().cpu().bool().numpy()
    lines = {"left": "-", "right": (0, (2, 1))}
    for start, end in skeleton.LIMBS:
        if shown[start] and shown[end]:
            sides = {skeleton.JOINTS[joint].split("_")[0] for joint in (start, end)}
            line = lines.get(sides.pop(), ":") if len(sides) == 1 else ":"
            pair = points[[start, end]]
            # White underneath keeps a line visible on clothes of its own colour.
            ax.plot(*pair.T, color="white", linewidth=width + 1, linestyle="-", alpha=0.6)
            ax.plot(*pair.T, color=skeleton.COLOURS[end], linewidth=width, linestyle=line)
    colours = [skeleton.COLOURS[joint] for joint in np.flatnonzero(shown)]
    ax.scatter(*points[shown].T, s=8 * width, c=colours, edgecolors="white", linewidths=0.5, zorder=3)


def draw_map(ax: Axes, values: Tensor, picture: Any = None, *, limits: tuple[float, float] = (0, 1)) -> Any:
    """Draw one map (h, w) in viridis, over a grey picture (3, H, W) if there is one, on the same area.

    Returns what `figure.colorbar` takes.

    >>> figure, ax = plt.subplots()
    >>> image = draw_map(ax, torch.rand(32, 16), torch.zeros(3, 128, 64))
    >>> plt.close(figure)
    """
    array = torch.as_tensor(values).detach().cpu().float().numpy()
    low, high = limits
    if picture is None:
        image = ax.imshow(array, vmin=low, vmax=high, interpolation="nearest")
    else:
        base = as_image(picture)
        grey = base.mean(-1) / (255 if base.dtype == np.uint8 else 1)
        height, width = grey.shape
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        ax.imshow(grey, cmap="gray", vmin=0, vmax=1, extent=extent)
        opacity = 0.35 + 0.65 * np.clip((array - low) / (high - low), 0, 1)
        image = ax.imshow(array, vmin=low, vmax=high, extent=extent, alpha=opacity, interpolation="nearest")
    ax.set_axis_off()
    return image
