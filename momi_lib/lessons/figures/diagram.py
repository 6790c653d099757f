"""The whole system in one picture: what flows from a picture to a swapped person, and what trains it."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

__all__ = ["PARTS", "Part", "draw_diagram"]


@dataclass(frozen=True)
class Part:
    """A box of the diagram: its centre, its text and whether it only exists while training."""

    x: float
    y: float
    text: str
    words: str
    training: bool = False


#: Every part by its name in code.
PARTS: dict[str, Part] = {
    "data": Part(0.0, 1.0, "pictures\n$x,\\ x^+,\\ x^-$", "pictures"),
    "teacher": Part(1.5, 2.2, "teacher\n$\\psi$", "teacher", training=True),
    "student": Part(1.5, 1.0, "student\n$F_p$", "student"),
    "heatmaps": Part(2.8, 1.0, "heatmaps\n$h$", "heatmaps"),
    "landmarks": Part(4.1, 1.0, "landmarks\n$(x, y)$", "landmarks"),
    "pose_maps": Part(5.4, 1.0, "pose maps\n$p$", "pose maps"),
    "pose_encoder": Part(6.7, 1.0, "pose code\n$E_p \\to z_p$", "pose encoder"),
    "appearance_encoder": Part(5.4, -0.2, "appearance\n$E_a$", "appearance encoder"),
    "attention": Part(6.7, -0.2, "attention\n$\\varphi \\to z_a$", "attention"),
    "generator": Part(8.1, 0.4, "generator\n$G$", "generator"),
    "result": Part(9.4, 0.4, "results\n$\\hat x,\\ \\hat x^+,\\ \\hat x^-$", "results"),
    "adversarial": Part(11.0, 2.2, "adversarial\n$D$ · Eq. 5", "adversarial loss", training=True),
    "reconstruction": Part(11.0, 1.3, "reconstruction\nEq. 3", "reconstruction loss", training=True),
    "perceptual": Part(11.0, 0.4, "perceptual\nEq. 4", "perceptual loss", training=True),
    "patches": Part(11.0, -0.5, "patches\nEq. 6", "patch loss", training=True),
    "evaluation": Part(9.4, -1.1, "scores\nTable I", "evaluation"),
}

#: From a side of a part to a side of another: left, right, top or bottom.
ARROWS: tuple[tuple[str, str, str, str], ...] = (
    ("data", "right", "student", "left"),
    ("data", "top", "teacher", "left"),
    ("teacher", "right", "heatmaps", "top"),
    ("student", "right", "heatmaps", "left"),
    ("heatmaps", "right", "landmarks", "left"),
    ("landmarks", "right", "pose_maps", "left"),
    ("pose_maps", "right", "pose_encoder", "left"),
    ("data", "bottom", "appearance_encoder", "left"),
    ("appearance_encoder", "right", "attention", "left"),
    ("pose_encoder", "bottom", "attention", "top"),
    ("pose_encoder", "right", "generator", "left"),
    ("attention", "right", "generator", "left"),
    ("generator", "right", "result", "left"),
    ("result", "right", "adversarial", "left"),
    ("result", "right", "reconstruction", "left"),
    ("result", "right", "perceptual", "left"),
    ("result", "right", "patches", "left"),
    ("result", "bottom", "evaluation", "top"),
)
SIDES = {"left": (-0.5, 0), "right": (0.5, 0), "top": (0, 0.5), "bottom": (0, -0.5)}
WIDTH, HEIGHT = 1.16, 0.66
INK, QUIET, STRONG = "#333333", "#F2F2F2", "#FFD166"


def draw_diagram(highlight: tuple[str, ...]) -> tuple[Figure, str]:
    """The figure, with some parts highlighted (filled, with a thick edge and bold text), and its description.

    Raises:
        ValueError: there is no such part.

    >>> figure, text = draw_diagram(("student",))
    >>> text.endswith("Highlighted: student.")
    True
    >>> plt.close(figure)
    """
    unknown = [name for name in highlight if name not in PARTS]
    if unknown:
        raise ValueError(f"highlight: expected names among {', '.join(PARTS)}; got {', '.join(unknown)}")
    figure, ax = plt.subplots(figsize=(10.5, 3.6), layout="constrained")
    for start, leaving, end, entering in ARROWS:
        _arrow(ax, (start, leaving), (end, entering), strong=start in highlight and end in highlight)
    for name, part in PARTS.items():
        chosen = name in highlight
        ax.add_patch(
            FancyBboxPatch(
                (part.x - WIDTH / 2, part.y - HEIGHT / 2),
                WIDTH,
                HEIGHT,
                boxstyle="round,pad=0.0,rounding_size=0.1",
                facecolor=STRONG if chosen else QUIET,
                edgecolor=INK,
                linewidth=2.2 if chosen else 0.8,
                linestyle="--" if part.training else "-",
            )
        )
        weight = "bold" if chosen else "normal"
        # Bold letters are wider: a size smaller, the longest word stays inside its box.
        size = 7.3 if chosen else 8.6
        ax.text(part.x, part.y, part.text, ha="center", va="center", fontsize=size, color=INK, weight=weight)
    ax.text(2.85, 1.62, "Eq. 1", fontsize=8, color=INK, ha="left")
    ax.text(-0.55, -1.25, "dashed: only while training", fontsize=8, color=INK)
    ax.set(xlim=(-0.65, 11.65), ylim=(-1.5, 2.6), aspect="equal")
    ax.set_axis_off()
    return figure, _words(highlight)


def _words(highlight: tuple[str, ...]) -> str:
    text = (
        "Data flow of the system. Pictures go to the student, which a teacher trains; its heatmaps give "
        "landmarks, these give pose maps, and the pose encoder makes the pose code of them. The pictures "
        "also go to the appearance encoder, whose result the attention joins with the pose code to the "
        "appearance code. The generator makes the result of both codes. Adversarial, reconstruction, "
        "perceptual and patch losses train it, and scores judge it."
    )
    if highlight:
        text += f" Highlighted: {', '.join(PARTS[name].words for name in highlight)}."
    return text


def _arrow(ax: Axes, start: tuple[str, str], end: tuple[str, str], *, strong: bool) -> None:
    (tail, leaving), (head, entering) = (_point(*start), _point(*end))
    # Leaving upright and entering from the side, or the reverse, takes one corner; all else is straight.
    corner = {
        ("top", "left"): "angle,angleA=90,angleB=180,rad=4",
        ("bottom", "left"): "angle,angleA=-90,angleB=180,rad=4",
        ("right", "top"): "angle,angleA=0,angleB=90,rad=4",
    }
    training = PARTS[start[0]].training or PARTS[end[0]].training
    ax.add_patch(
        FancyArrowPatch(
            tail,
            head,
            arrowstyle="-|>",
            mutation_scale=10,
            linewidth=2.0 if strong else 0.9,
            linestyle="--" if training else "-",
            color=INK,
            shrinkA=1,
            shrinkB=1,
            connectionstyle=corner.get((leaving, entering), "arc3"),
        )
    )


def _point(name: str, side: str) -> tuple[tuple[float, float], str]:
    (dx, dy), part = SIDES[side], PARTS[name]
    return (part.x + dx * WIDTH, part.y + dy * HEIGHT), side
