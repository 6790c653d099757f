"""What several figures share: ribbons, codes, networks, maps, cells of a picture."""

from __future__ import annotations

import math
from statistics import NormalDist

from tools.figures.people import HEIGHT, WIDTH, Body, Pose
from tools.figures.svg import (
    BLUE,
    GREEN,
    INK,
    LINE,
    RED,
    WHITE,
    Drawing,
    Point,
    element,
    mix,
    points,
)

#: In every figure, what is known of a person's look is vermilion and what is known of a pose is blue.
LOOK, POSE = RED, BLUE
#: Some of the colours of matplotlib's viridis.
VIRIDIS = ("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725")
NIGHT = VIRIDIS[0]


def viridis(value: float) -> str:
    """A colour of viridis for a value from 0 to 1.

    >>> viridis(0), viridis(1)
    ('#440154', '#fde725')
    """
    place = max(0.0, min(1.0, value)) * (len(VIRIDIS) - 1)
    low = min(int(place), len(VIRIDIS) - 2)
    return mix(VIRIDIS[low], VIRIDIS[low + 1], place - low)


def ribbon(drawing: Drawing, start: Point, end: Point, colour: str, width: float = 18) -> None:
    """A broad band that swings from left to right and ends in an arrow."""
    (x0, y0), (x1, y1) = start, end
    middle, tip = (x0 + x1) / 2, x1 - width * 0.8
    d = f"M{points([start])}C{points([(middle, y0), (middle, y1), (tip, y1)])}"
    pale = mix(colour, WHITE, 0.62)
    head = [(tip - 0.5, y1 - width), (x1, y1), (tip - 0.5, y1 + width)]
    drawing.add(element("path", d=d, fill="none", stroke=pale, stroke_width=width))
    drawing.add(element("path", d=f"M{points(head)}z", fill=pale))


def code(drawing: Drawing, x: float, y: float, colour: str, *, rows: int = 8, columns: int = 4, cell: float = 7,
         layers: int = 3, phase: float = 0) -> None:  # fmt: skip
    """A code: layers of cells, the first in shades of one colour."""
    for layer in range(layers - 1, 0, -1):
        drawing.box(x + 5 * layer - 1, y - 5 * layer - 1, columns * cell + 2, rows * cell + 2, radius=2,
                    fill=mix(colour, WHITE, 0.62), stroke=mix(colour, WHITE, 0.3))  # fmt: skip
    levels = [[round(2 + 2 * math.sin(phase + 12.9 * i + 7.3 * j)) for j in range(columns)] for i in range(rows)]
    shades = [[mix(colour, WHITE, 0.1 + 0.19 * level) for level in row] for row in levels]
    drawing.grid(x, y, cell, shades, edge=mix(colour, WHITE, 0.3))


def network(
    drawing: Drawing, x: float, y: float, heights: list[float], colour: str, *, bar: float = 8, gap: float = 4
) -> float:
    """A network as its layers, bars centred at `y`, as high as what they compute is large; returns its right end."""
    for height in heights:
        drawing.box(x, y - height / 2, bar, height, fill=mix(colour, WHITE, 0.55), stroke=colour, radius=2.5)
        x += bar + gap
    return x - gap


def operator(drawing: Drawing, x: float, y: float, sign: str, radius: float = 13) -> None:
    """A circle with ``+``, ``×`` or ``=`` in it."""
    drawing.dot(x, y, radius, WHITE, INK, 1.8)
    arm = radius * 0.5
    if sign == "=":
        drawing.line((x - arm, y - 3.2), (x + arm, y - 3.2), width=2.2)
        drawing.line((x - arm, y + 3.2), (x + arm, y + 3.2), width=2.2)
        return
    turn = 0.707 if sign == "×" else 0
    for a, b in ((1, 0), (0, 1)) if not turn else ((turn, turn), (turn, -turn)):
        drawing.line((x - a * arm, y - b * arm), (x + a * arm, y + b * arm), width=2.2)


def tick(drawing: Drawing, x: float, y: float, right: bool = True, radius: float = 9) -> None:
    """A disc with a tick, or with a cross."""
    drawing.dot(x, y, radius, GREEN if right else "#a33b00")
    r = radius
    if right:
        drawing.line(
            (x - 0.45 * r, y + 0.02 * r),
            (x - 0.1 * r, y + 0.38 * r),
            (x + 0.48 * r, y - 0.36 * r),
            colour=WHITE,
            width=2,
        )
    else:
        drawing.line((x - 0.35 * r, y - 0.35 * r), (x + 0.35 * r, y + 0.35 * r), colour=WHITE, width=2)
        drawing.line((x - 0.35 * r, y + 0.35 * r), (x + 0.35 * r, y - 0.35 * r), colour=WHITE, width=2)


def tile(drawing: Drawing, x: float, y: float, width: float, fill: str = NIGHT, border: str = WHITE) -> None:
    """An empty map with the proportions of a picture."""
    drawing.box(x, y, width, 2 * width, fill=fill, stroke=border, radius=3 * width / WIDTH, line=1.5)


def pose_map(drawing: Drawing, pose: Pose, x: float, y: float, width: float, radius: float = 9) -> None:
    """All maps of a pose in one: a Gaussian at every joint."""
    tile(drawing, x, y, width)
    scale = width / WIDTH
    for a, b in pose.joints().values():
        drawing.blob(x + a * scale, y + b * scale, radius * scale)


def cells(
    body: Body, rows: int, wall: str | None, ground: str | None, *, columns: int | None = None
) -> list[list[str | None]]:
    """What a picture shows, one colour a cell: the person's where half of a cell is theirs, else what is behind."""
    columns = columns or rows // 2
    found: list[list[str | None]] = []
    for i in range(rows):
        row: list[str | None] = []
        for j in range(columns):
            colours = [body.colour((j + a) * WIDTH / columns, (i + b) * HEIGHT / rows)
                       for a in (0.2, 0.5, 0.8) for b in (0.2, 0.5, 0.8)]  # fmt: skip
            own = [each for each in colours if each]
            if len(own) >= 4:
                row.append(max(sorted(set(own)), key=own.count))
            else:
                row.append(wall if (i + 0.5) * HEIGHT / rows < 93 else ground)
        found.append(row)
    return found


def spread(count: int, skip: int = 0) -> list[Point]:
    """Points of a normal distribution in the plane, spread evenly rather than drawn by chance."""
    normal = NormalDist()
    found = []
    for i in range(1 + skip, count + 1 + skip):
        a, b = (0.5 + i * 0.7548776662) % 1, (0.5 + i * 0.5698402910) % 1
        found.append((normal.inv_cdf(0.02 + 0.96 * a), normal.inv_cdf(0.02 + 0.96 * b)))
    return found


def with_moments(cloud: list[Point], middle: Point, wide: float, high: float, slant: float = 0) -> list[Point]:
    """A cloud moved, scaled and slanted until its mean and covariance are exactly those asked for.

    >>> moved = with_moments([(0, 0), (2, 0), (0, 2), (2, 3)], (1, 1), 2, 1)
    >>> round(sum(x for x, _ in moved), 6), abs(sum((x - 1) * (y - 1) for x, y in moved)) < 1e-9
    (4.0, True)
    """
    count = len(cloud)
    mx, my = (sum(each[axis] for each in cloud) / count for axis in (0, 1))
    centred = [(x - mx, y - my) for x, y in cloud]
    sx = math.sqrt(sum(x * x for x, _ in centred) / count)
    tilt = sum(x * y for x, y in centred) / count / sx**2
    centred = [(x / sx, y - tilt * x) for x, y in centred]
    sy = math.sqrt(sum(y * y for _, y in centred) / count)
    a, b = math.cos(slant), math.sin(slant)
    scaled = [(x * wide, y / sy * high) for x, y in centred]
    return [(middle[0] + a * x - b * y, middle[1] + b * x + a * y) for x, y in scaled]


def rule(drawing: Drawing, x: float, y0: float, y1: float) -> None:
    """A thin line between two panels."""
    drawing.line((x, y0), (x, y1), colour=LINE, width=1.2)


def heading(drawing: Drawing, x: float, y: float, words: str) -> None:
    """What a panel is about."""
    drawing.text(x, y, words, size=15, bold=True)


def card(drawing: Drawing, x: float, y: float, width: float, height: float, colour: str) -> None:
    """A panel in a pale shade of a colour."""
    drawing.box(x, y, width, height, fill=mix(colour, WHITE, 0.92), stroke=mix(colour, WHITE, 0.45), line=1.4)
