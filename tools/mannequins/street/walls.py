"""Fronts of buildings behind the people: walls with windows, doors, signs, shop fronts, hedges and fences.

A front stands on y = 0 and faces -Y (the camera); `streets.py` moves it into place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.mannequins.street.pieces import Piece, box, loft, rod
from tools.mannequins.street.street_furniture import CONCRETE, DARK, STEEL, WHITE, chosen, varied

__all__ = ["Surface", "curtain_wall", "facade", "fence", "shop_row"]

GLASS, DARK_GLASS = (0.14, 0.17, 0.19), (0.18, 0.20, 0.21)
SHOP_PAINTS = ((0.68, 0.62, 0.52), (0.52, 0.50, 0.48), (0.40, 0.30, 0.26), (0.76, 0.73, 0.68), (0.35, 0.38, 0.36))
FRAMES = (WHITE, (0.5, 0.5, 0.5), (0.2, 0.2, 0.22), (0.36, 0.28, 0.22))
SIGNS = (
    (0.62, 0.14, 0.12),
    (0.12, 0.30, 0.52),
    (0.10, 0.38, 0.26),
    (0.75, 0.55, 0.12),
    (0.82, 0.81, 0.78),
    (0.2, 0.2, 0.22),
)


@dataclass(frozen=True, eq=False)
class Surface:
    """A piece whose paint comes from a procedure of the shader: kind 10 + k is ground k, 20 + k is wall k."""

    piece: Piece
    kind: int


def wall(kind: int, low: tuple, high: tuple, colour) -> Surface:
    """A box-shaped piece of wall between two corners; kind: 0 render, 1 bricks, 2 panels, 3 a shop's inside."""
    low, high = np.array(low, float), np.array(high, float)
    return Surface(box((high - low) / 2, (low + high) / 2, colour), 20 + kind)


def window(x: float, z: float, width: float, height: float, frame, rng: np.random.Generator) -> list[Piece]:
    """A window with a frame, a bar or two, a sill, and now and then a curtain or an open blind behind the glass."""
    half_w, half_h, t = width / 2, height / 2, 0.045
    parts = [box((half_w, 0.02, half_h), (x, -0.005, z), GLASS, 1.0)]
    if rng.random() < 0.5:
        share = rng.uniform(0.2, 0.7)
        parts.append(
            box(
                (half_w, 0.004, half_h * share),
                (x, -0.028, z + half_h * (1 - share)),
                varied((0.6, 0.58, 0.53), rng),
                0.4,
            )
        )
    for side in (-1, 1):
        parts += [
            box((t, 0.05, half_h), (x + side * half_w, -0.03, z), frame),
            box((half_w, 0.05, t), (x, -0.03, z + side * half_h), frame),
        ]
    for cut in np.linspace(-1, 1, int(width / 0.8) + 2)[1:-1]:
        parts.append(box((t * 0.6, 0.04, half_h), (x + cut * half_w, -0.03, z), frame))
    return [*parts, box((half_w + 0.08, 0.09, 0.03), (x, -0.06, z - half_h - 0.03), CONCRETE)]


def door(x: float, width: float, height: float, rng: np.random.Generator) -> list[Piece]:
    """A door with its frame and handle at `x` along a wall; metres."""
    colour = chosen(
        ((0.30, 0.22, 0.17), (0.24, 0.30, 0.28), (0.45, 0.46, 0.47), (0.42, 0.14, 0.12), (0.16, 0.2, 0.3)), rng
    )
    parts = [box((width / 2 + 0.08, 0.04, height / 2 + 0.05), (x, 0, height / 2 + 0.05), CONCRETE)]
    parts.append(box((width / 2, 0.03, height / 2), (x, -0.03, height / 2), colour, 0.1))
    parts.append(box((0.02, 0.05, 0.08), (x + width * 0.38, -0.05, 1.02), STEEL, 0.3))
    if rng.random() < 0.5:
        parts.append(box((width * 0.32, 0.01, height * 0.17), (x, -0.055, height * 0.72), GLASS, 1.0))
    return [*parts, box((width / 2 + 0.3, 0.35, 0.07), (x, -0.35, 0.07), CONCRETE)]


def facade(width: float, height: float, kind: int, paint, rng: np.random.Generator) -> list[Piece | Surface]:
    """A building with a plinth, rows of windows, doors, a drainpipe, air conditioners."""
    parts: list[Piece | Surface] = [wall(kind, (-width / 2, 0, 0), (width / 2, 0.3, height), paint)]
    plinth = varied((0.45, 0.44, 0.42), rng)
    parts.append(wall(0, (-width / 2, -0.05, 0), (width / 2, 0.1, rng.uniform(0.35, 0.8)), plinth))
    frame, pitch = chosen(FRAMES, rng), rng.uniform(2.4, 3.6)
    size = (rng.uniform(1.1, min(2.0, pitch - 0.6)), rng.uniform(1.2, 1.6))
    first = -width / 2 + rng.uniform(0.5, 1.0) * pitch
    for column, x in enumerate(np.arange(first, width / 2 - 0.8, pitch)):
        if rng.random() < 0.16:
            parts += door(x, 1.0, 2.1, rng)
        else:
            parts += window(x, 1.05 + size[1] / 2, *size, frame, rng)
        parts += [p for z in np.arange(4.0, height - 1, 3.0) for p in window(x, z + size[1] / 2, *size, frame, rng)]
        if rng.random() < 0.3:
            z = rng.choice([0.45, 2.75])
            parts += [box((0.4, 0.14, 0.28), (x + pitch / 2, -0.2, z), varied((0.78, 0.77, 0.73), rng))]
        if column % 3 == 1:
            pipe = [(x + pitch / 2, -0.1, 0.0), (x + pitch / 2, -0.1, height)]
            parts.append(rod(pipe, 0.05, varied((0.6, 0.6, 0.58), rng)))
        if rng.random() < 0.25:
            at = (x + rng.uniform(-1, 1), -0.02, rng.uniform(1.3, 1.8))
            parts.append(box((rng.uniform(0.15, 0.5), 0.01, rng.uniform(0.15, 0.35)), at, chosen(SIGNS, rng)))
    return parts


def curtain_wall(width: float, height: float, rng: np.random.Generator) -> list[Piece | Surface]:
    """The glass front of a supermarket or an office: mullions, double doors, a canopy, posters, goods behind."""
    frame = chosen(((0.66, 0.67, 0.68), (0.25, 0.26, 0.28), (0.8, 0.8, 0.78)), rng)
    parts: list[Piece | Surface] = [wall(3, (-width / 2, 0.5, 0), (width / 2, 0.6, height), (0.75, 0.75, 0.75))]
    parts.append(wall(2, (-width / 2, -0.05, 0), (width / 2, 0.2, 0.3), (0.42, 0.41, 0.4)))
    parts.append(
        wall(2, (-width / 2, -0.1, 2.9), (width / 2, 0.3, height), chosen(((0.7, 0.69, 0.66), (0.5, 0.5, 0.52)), rng))
    )
    pitch = rng.uniform(1.3, 1.9)
    entrance = rng.uniform(-width / 4, width / 4)
    for x in np.arange(-width / 2, width / 2, pitch):
        parts.append(box((0.045, 0.06, 1.5), (x, 0.0, 1.5), frame, 0.2))
        pane = varied((0.17, 0.20, 0.21), rng, 0.06)
        luck = rng.random()
        if luck < 0.55:
            parts.append(box((pitch / 2, 0.004, 1.25), (x + pitch / 2, 0.05, 1.6), pane, 1.0))
        elif luck < 0.7:
            parts.append(
                box((pitch * 0.42, 0.006, rng.uniform(0.4, 0.8)), (x + pitch / 2, 0.02, 1.3), chosen(SIGNS, rng), 0.3)
            )
        parts.append(box((pitch / 2, 0.05, 0.035), (x + pitch / 2, 0.0, 2.2), frame, 0.2))
    for side in (-1, 1):  # doors, with handles
        parts.append(box((0.55, 0.02, 1.1), (entrance + side * 0.57, -0.08, 1.12), (0.2, 0.24, 0.26), 1.0))
        parts += [box((0.035, 0.05, 1.12), (entrance + side * q, -0.09, 1.12), frame, 0.2) for q in (0.05, 1.1)]
        parts.append(
            rod([(entrance + side * 0.15, -0.16, 0.8), (entrance + side * 0.15, -0.16, 1.5)], 0.02, STEEL, 0.4)
        )
    parts.append(box((2.4, 0.8, 0.12), (entrance, -0.8, 2.85), frame))
    parts.append(box((2.0, 0.03, 0.3), (entrance, -1.62, 2.95), chosen(SIGNS, rng)))
    parts.append(box((0.9, 0.35, 0.012), (entrance, -0.75, 0.012), (0.16, 0.15, 0.15)))
    return parts


def shop_row(width: float, height: float, rng: np.random.Generator) -> list[Piece | Surface]:
    """Small shops side by side, each with its colour, its front or a shutter, a sign and perhaps an awning."""
    parts: list[Piece | Surface] = []
    x = -width / 2
    while x < width / 2:
        shop = rng.uniform(3.0, 4.6)
        paint = chosen(SHOP_PAINTS, rng)
        parts.append(wall(int(rng.choice([0, 2])), (x, 0.05, 2.5), (x + shop, 0.4, height), paint))
        parts.append(wall(2, (x - 0.18, -0.05, 0), (x + 0.18, 0.4, 2.6), varied(paint, rng)))
        parts += _shutter(x, shop, rng) if rng.random() < 0.2 else _shop_front(x, shop, paint, rng)
        parts += _sign(x, shop, rng)
        if rng.random() < 0.45:
            edge = [[x + 0.1, 0, 2.5], [x + shop - 0.1, 0, 2.5], [x + shop - 0.1, -1.0, 2.15], [x + 0.1, -1.0, 2.15]]
            low = np.array(edge)
            high = low + np.array([0, 0, 0.03])
            parts.append(loft([low, high], chosen(SIGNS, rng)))
        x += shop
    return parts


def _shutter(x: float, width: float, rng: np.random.Generator) -> list[Piece]:
    """Slats rolled down over a whole front."""
    paint = varied((0.55, 0.56, 0.56), rng)
    middle, half = x + width / 2, width / 2 - 0.2
    slats = [box((half, 0.012, 0.045), (middle, 0.1, z), paint) for z in np.arange(0.1, 2.5, 0.11)]
    return [*slats, box((half, 0.01, 1.25), (middle, 0.12, 1.25), tuple(0.6 * np.array(paint)))]


def _shop_front(x: float, width: float, paint, rng: np.random.Generator) -> list[Piece | Surface]:
    """A display above a sill, glazed or open to the goods, with a door at its right and posters."""
    frame, sill = chosen(FRAMES, rng), rng.uniform(0.25, 0.6)
    parts: list[Piece | Surface] = [
        wall(3, (x + 0.2, 0.55, 0), (x + width - 0.2, 0.6, 2.5), varied((0.85, 0.78, 0.66), rng)),
        wall(0, (x + 0.2, 0.0, 0), (x + width - 1.3, 0.25, sill), varied(paint, rng)),
        box((0.42, 0.015, 1.05), (x + width - 0.75, 0.12, 1.1), DARK_GLASS, 1.0),
    ]
    if rng.random() < 0.5:
        parts.append(box((width / 2 - 0.75, 0.006, 1.0), (x + width / 2 - 0.55, 0.12, 1.2 + sill), DARK_GLASS, 1.0))
    parts += [box((0.04, 0.05, 1.25), (x + q, 0.08, 1.25), frame) for q in (0.2, width - 1.25, width - 0.25)]
    for _ in range(rng.integers(1, 4)):
        at = (x + rng.uniform(0.5, width - 1.6), 0.09, rng.uniform(1.0, 1.9))
        parts.append(box((rng.uniform(0.12, 0.3), 0.004, rng.uniform(0.15, 0.35)), at, chosen(SIGNS, rng)))
    return parts


def _sign(x: float, width: float, rng: np.random.Generator) -> list[Piece]:
    """A board over the front, with blocks for letters."""
    paint = chosen(SIGNS, rng)
    letters = WHITE if sum(paint) < 1.8 else DARK
    parts = [box((width / 2 - 0.15, 0.08, 0.32), (x + width / 2, -0.05, 2.85), paint)]
    at = x + 0.5
    while at < x + width - 0.7:
        size = rng.uniform(0.08, 0.2)
        parts.append(box((size * 0.7, 0.01, rng.uniform(0.08, 0.16)), (at, -0.14, 2.85), letters))
        at += 2 * size
    return parts


def fence(width: float, rng: np.random.Generator) -> list[Piece]:
    """Railings on a low wall."""
    colour = chosen((DARK, (0.2, 0.3, 0.26), STEEL), rng)
    parts = [box((width / 2, 0.12, 0.2), (0, 0, 0.2), CONCRETE)]
    parts += [rod([(x, 0, 0.4), (x, 0, 1.6)], 0.012, colour) for x in np.arange(-width / 2, width / 2, 0.14)]
    return parts + [rod([(-width / 2, 0, z), (width / 2, 0, z)], 0.02, colour) for z in (0.55, 1.5)]
