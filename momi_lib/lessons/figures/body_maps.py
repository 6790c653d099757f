"""Figures of body maps: what B_s and B_t say of a person, beside the labels, and how far they are off."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from momi_lib.data import to_float
from momi_lib.lessons.figures.drawing import draw_picture, draw_skeleton, show
from momi_lib.lessons.figures.layout import make_grid
from momi_lib.pose.body_maps import BodyMap, body_map_scores
from momi_lib.translate import CarryNet

__all__ = ["body_map_figure", "place_colours", "show_body_maps"]

# Okabe and Ito's orange and sky blue, alike in lightness, which readers with any colour vision tell apart.
RIGHT, MIDDLE, LEFT = np.array([[0.90, 0.60, 0.00], [0.80, 0.80, 0.76], [0.34, 0.71, 0.91]])
SIDE = 0.40  # metres from the middle to where a side's colour is full; it grows fastest near the middle
FEET, HEAD = -1.0, 0.75  # metres over the root: darkest and brightest
BAND = 0.2  # metres: every other band of this height is a little darker
FAR = 20.0  # centimetres at the end of the scale
TITLES = ("picture", "its label", "$B_s$", "off, cm"), ("pose wanted", "its label", "$B_t$", "off, cm")


def place_colours(places: Tensor) -> Tensor:
    """Places on the reference body as colours, the same for the same place in every picture.

    The person's right is orange, the left blue, the middle pale; feet are dark and the head is bright, in bands of
    20 cm; what lies behind is greyer than what lies in front.

    Args:
        places: (3, h, w) metres, NaN where there is nothing.

    Returns:
        (3, h, w) in [0, 1], white where there is nothing.

    >>> colours = place_colours(torch.tensor([[0.45, -0.45], [0.0, 0.0], [0.7, 0.7]]).view(3, 1, 2))
    >>> ["left" if blue > red else "right" for red, _, blue in colours[:, 0].T.tolist()]
    ['left', 'right']
    """
    x, y, z = places.detach().cpu().float().double().numpy()
    known = np.isfinite(x + y + z)
    x, y, z = np.nan_to_num(x), np.nan_to_num(y), np.nan_to_num(z)
    side = (np.sign(x) * np.clip(np.abs(x) / SIDE, 0, 1) ** 0.5)[..., None]
    colour = np.where(side > 0, MIDDLE + side * (LEFT - MIDDLE), MIDDLE - side * (RIGHT - MIDDLE))
    light = 0.4 + 0.6 * np.clip((z - FEET) / (HEAD - FEET), 0, 1)
    light = light * np.where(np.floor(z / BAND) % 2 == 0, 1.0, 0.85)
    behind = 0.5 * np.clip((y + 0.1) / 0.3, 0, 1)[..., None]
    colour = (colour + behind * (colour.mean(-1, keepdims=True) - colour)) * light[..., None]
    return torch.from_numpy(np.where(known[..., None], colour, 1.0)).permute(2, 0, 1).float()


@torch.inference_mode()
def body_map_figure(
    network: CarryNet,
    sources: Tensor,
    targets: Tensor,
    labels: Tensor,
    answers: Tensor | None = None,
    *,
    width: float = 1.0,
) -> tuple[Figure, str]:
    """A row for each of N people: picture, label, B_s's map and its error; then the same of B_t in another pose.

    Maps are shown inside their own silhouettes, errors inside the label's: the distance on the body, in centimetres.

    Args:
        network: in evaluation mode.
        sources, targets: (N, 3, H, W) uint8, or float in [-1, 1]: the people, and pictures of the poses wanted.
        labels: (N, 3, H/2, W/2) metres, NaN outside: of the sources.
        answers: the same of the sources' people in the targets' poses; None leaves out B_t's label and error.
        width: of a picture in inches.

    Returns:
        the figure, and a description with the median distances.

    Raises:
        ValueError: for other numbers of pictures or labels.
    """
    count = len(sources)
    if any(len(some) != count for some in (targets, labels) + (() if answers is None else (answers,))):
        raise ValueError(
            f"expected as many targets and labels as sources, got {count}, {len(targets)} and {len(labels)}"
            + ("" if answers is None else f" (answers: {len(answers)})")
        )
    people, wanted = (to_float(some) if some.dtype == torch.uint8 else some for some in (sources, targets))
    pose = network.pose(torch.cat([people, wanted]))
    source, build = network.body_maps.source(people, pose.maps[:count])
    target = network.body_maps.target(pose.maps[count:], build)
    columns = [*TITLES[0], *(TITLES[1] if answers is not None else TITLES[1][::2])]
    figure, axes = make_grid([[sources[0]] * len(columns)] * count, width, beside=0.8, titles=len(columns))
    for title, ax in zip(columns, axes[0], strict=True):
        ax.set_title(title, fontsize=9)
    images = []
    for row, line in enumerate(axes):
        draw_picture(line[0], sources[row])
        images.append(_draw_maps(line[1:4], _one(source, row), labels[row]))
        draw_picture(line[4], targets[row])
        draw_skeleton(line[4], pose.landmarks[count + row], pose.valid[count + row])
        if answers is None:
            _draw_places(line[5], _drawn(_one(target, row)))
        else:
            _draw_maps(line[5:], _one(target, row), answers[row])
    figure.colorbar(
        images[-1], ax=axes, shrink=0.6, aspect=30, pad=0.02, label="distance on the body, cm", extend="max"
    )
    off = [body_map_scores(source, labels)["median_cm"]]
    off += [] if answers is None else [body_map_scores(target, answers)["median_cm"]]
    places = ("in their pictures", "in other poses")
    said = " and ".join(f"{value:.1f} cm {place}" for value, place in zip(off, places, strict=False))
    return figure, f"Body maps of {count} people, each place in its own colour. The median place is off by {said}."


def show_body_maps(
    network: CarryNet,
    sources: Tensor,
    targets: Tensor,
    labels: Tensor,
    answers: Tensor | None = None,
    *,
    width: float = 1.0,
    description: str | None = None,
) -> None:
    """Show :func:`body_map_figure` with its description, or another one.

    >>> from momi_lib.train.presets import preset
    >>> network = CarryNet(preset("tiny-carry").network).eval()
    >>> pictures = torch.zeros(1, 3, 128, 64)
    >>> show_body_maps(network, pictures, pictures, torch.zeros(1, 3, 64, 32))
    """
    figure, told = body_map_figure(network, sources, targets, labels, answers, width=width)
    show(figure, description or told)


def _one(body: BodyMap, row: int) -> BodyMap:
    return BodyMap(body.places[row], body.silhouette[row])


def _drawn(body: BodyMap) -> Tensor:
    """Places (3, h, w) of one body map, NaN outside its silhouette."""
    return torch.where(body.silhouette > 0, body.places, torch.nan)


def _draw_maps(axes: np.ndarray, body: BodyMap, label: Tensor) -> Any:
    """A label, a body map and the distance between them; returns what the colour bar takes."""
    _draw_places(axes[0], label)
    _draw_places(axes[1], _drawn(body))
    off = 100 * (body.places - label.to(body.places.device)).norm(dim=0)
    axes[2].set_axis_off()
    return axes[2].imshow(off.cpu().numpy(), vmin=0, vmax=FAR, cmap="viridis", interpolation="nearest")


def _draw_places(ax: Axes, places: Tensor) -> None:
    ax.imshow(place_colours(places).permute(1, 2, 0).numpy(), interpolation="nearest")
    ax.set_axis_off()
