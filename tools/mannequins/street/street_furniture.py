"""Things that stand in a street: bins, bollards, benches, lamps, planters, boxes, signs, trees.

Each function draws one object (a list of `Piece`s, standing on z = 0 around the origin) from a generator.
"""

from __future__ import annotations

import numpy as np

from tools.mannequins.street.pieces import Piece, box, disc, lathe, leaves, moved, rod

__all__ = ["bench", "bin_", "board", "bollard", "boxes", "bush", "hydrant", "lamp", "planter", "post", "shrubs", "tree"]

DARK, STEEL, CONCRETE, WHITE = (0.12, 0.12, 0.13), (0.55, 0.56, 0.57), (0.60, 0.59, 0.56), (0.88, 0.88, 0.86)
WOOD = (0.45, 0.31, 0.20)
LEAVES = ((0.20, 0.32, 0.12), (0.26, 0.38, 0.14), (0.16, 0.27, 0.13), (0.33, 0.40, 0.17), (0.22, 0.30, 0.10))
BARK = ((0.27, 0.21, 0.16), (0.36, 0.31, 0.26), (0.22, 0.18, 0.15))


def varied(colour, rng: np.random.Generator, spread: float = 0.04) -> tuple[float, ...]:
    """A colour a little lighter or darker, and a little off."""
    return tuple(np.clip(np.asarray(colour) * rng.normal(1, 2 * spread) + rng.normal(0, spread / 2, 3), 0.02, 0.97))


def chosen(colours, rng: np.random.Generator) -> tuple[float, ...]:
    """One of the colours at random, made a little lighter or darker."""
    return varied(colours[rng.integers(len(colours))], rng)


def bin_(rng: np.random.Generator) -> list[Piece]:
    """A litter bin: a round one, or a pair of boxes with slots for sorted waste, or one on wheels."""
    kind = rng.integers(3)
    if kind == 0:
        colour = chosen((STEEL, (0.16, 0.28, 0.20), DARK, (0.35, 0.30, 0.26)), rng)
        body = lathe([(0, 0.04), (0.19, 0.04), (0.24, 0.75), (0.26, 0.78), (0.22, 0.80)], colour)
        return [body, lathe([(0.27, 0.78), (0.27, 0.86), (0.18, 0.95), (0, 0.96)], DARK)]
    if kind == 1:
        parts = []
        for x, colour in ((-0.26, (0.15, 0.35, 0.22)), (0.26, (0.55, 0.42, 0.12))):
            parts += [
                box((0.24, 0.2, 0.42), (x, 0, 0.5), varied(colour, rng)),
                box((0.15, 0.01, 0.05), (x, -0.2, 0.8), DARK),
            ]
        return [*parts, box((0.55, 0.24, 0.03), (0, 0, 0.96), STEEL), box((0.5, 0.18, 0.04), (0, 0, 0.05), DARK)]
    colour = chosen(((0.12, 0.30, 0.20), (0.15, 0.2, 0.32), (0.25, 0.26, 0.27)), rng)
    body = [
        moved([box((0.26, 0.28, 0.42), (0, 0, 0.55), colour)])[0],
        box((0.29, 0.32, 0.04), (0, 0, 1.0), varied(colour, rng)),
    ]
    return [*body, rod([(-0.27, 0.32, 1.0), (0.27, 0.32, 1.0)], 0.02, DARK), disc((0.22, 0.28, 0.1), 0.1, 0.06, DARK)]


def bollard(rng: np.random.Generator) -> list[Piece]:
    """A knee- to hip-high post, with a band or a ball on top."""
    height, radius = rng.uniform(0.65, 1.0), rng.uniform(0.045, 0.09)
    colour = chosen((DARK, STEEL, (0.75, 0.62, 0.12), CONCRETE, (0.5, 0.1, 0.1)), rng)
    top = [(radius * 0.8, height + 0.03), (0, height + 0.05)]
    post_ = lathe([(radius * 1.3, 0), (radius * 1.3, 0.05), (radius, 0.07), (radius, height), *top], colour, 0.2)
    band = chosen((WHITE, (0.75, 0.12, 0.1), STEEL), rng)
    return [post_, lathe([(radius + 0.004, height - 0.18), (radius + 0.004, height - 0.08)], band)]


def post(rng: np.random.Generator) -> list[Piece]:
    """The lower four metres of a pole: of steel, painted, of wood, perhaps with a box or a poster on it."""
    radius = rng.uniform(0.04, 0.11)
    colour = chosen((STEEL, (0.3, 0.33, 0.33), DARK, WOOD, (0.7, 0.7, 0.66)), rng)
    foot = [(radius * 1.7, 0), (radius * 1.7, 0.25), (radius, 0.32)] if rng.random() < 0.5 else [(radius, 0)]
    parts = [lathe([*foot, (radius, 4.2)], colour, 0.2)]
    if rng.random() < 0.4:
        z = rng.uniform(1.0, 1.8)
        paper = chosen((WHITE, (0.8, 0.75, 0.4), (0.3, 0.45, 0.6)), rng)
        parts.append(lathe([(radius + 0.004, z), (radius + 0.004, z + rng.uniform(0.2, 0.5))], paper))
    return parts


def lamp(rng: np.random.Generator) -> list[Piece]:
    """A street lamp."""
    height, colour = rng.uniform(4, 7), chosen((DARK, STEEL, (0.2, 0.26, 0.24)), rng)
    arm = [(0, 0, height), (0.4, 0, height + 0.25), (1.1, 0, height + 0.25)]
    parts = [lathe([(0.12, 0), (0.12, 0.5), (0.07, 0.55), (0.045, height)], colour, 0.2), rod(arm, 0.03, colour)]
    return [*parts, box((0.3, 0.1, 0.05), (1.1, 0, height + 0.22), (0.8, 0.8, 0.78))]


def bench(rng: np.random.Generator) -> list[Piece]:
    """A slatted bench, with or without a back."""
    wood, frame, half = varied(WOOD, rng, 0.08), chosen((DARK, STEEL, CONCRETE), rng), rng.uniform(0.7, 0.95)
    parts = [box((half, 0.045, 0.02), (0, y, 0.45), wood) for y in (-0.18, -0.06, 0.06, 0.18)]
    parts += [box((0.04, 0.2, 0.215), (x, 0, 0.215), frame) for x in (-0.75 * half, 0.75 * half)]
    if rng.random() < 0.6:
        parts += [box((half, 0.015, 0.045), (0, 0.25, z), wood) for z in (0.62, 0.75, 0.87)]
        parts += [rod([(x, 0.2, 0.4), (x, 0.28, 0.9)], 0.025, frame) for x in (-0.75 * half, 0.75 * half)]
    return parts


def board(rng: np.random.Generator) -> list[Piece]:
    """A board on the pavement or on two legs, with a few coloured fields."""
    face = chosen((WHITE, (0.15, 0.17, 0.2), (0.7, 0.15, 0.12), (0.2, 0.35, 0.6)), rng)
    tall = rng.random() < 0.4
    low, high, half = (0.7, 1.9, 0.6) if tall else (0.05, 1.0, 0.3)
    middle, rise = (low + high) / 2, (high - low) / 2
    parts = [box((half, 0.03, rise), (0, 0, middle), face)]
    for _ in range(3):
        size, at = rng.uniform(0.1, 0.6), rng.uniform(-0.7, 0.7)
        field = chosen((WHITE, DARK, (0.75, 0.6, 0.15), (0.2, 0.4, 0.3), (0.65, 0.2, 0.2)), rng)
        parts.append(box((half * size, 0.034, rise * 0.12), (half * 0.3 * at, 0, middle + rise * at), field))
    if tall:
        parts += [rod([(x, 0, 0), (x, 0, high + 0.1)], 0.035, STEEL) for x in (-half, half)]
    return parts


def boxes(rng: np.random.Generator) -> list[Piece]:
    """A stack of cartons or crates."""
    parts, z, turn = [], 0.0, rng.uniform(-0.4, 0.4)
    colour = chosen(((0.62, 0.47, 0.31), (0.58, 0.45, 0.33), (0.2, 0.35, 0.5), (0.5, 0.52, 0.5)), rng)
    for _ in range(rng.integers(1, 4)):
        half = rng.uniform((0.18, 0.15, 0.1), (0.3, 0.25, 0.2))
        one = [
            box(half, (0, 0, half[2]), colour),
            box((0.03, half[1] + 0.002, half[2] + 0.002), (0, 0, half[2]), (0.7, 0.6, 0.42)),
        ]
        parts += moved(one, rng.normal(0, 0.03), rng.normal(0, 0.03), turn + rng.normal(0, 0.15), z)
        z += 2 * half[2]
    return parts


def hydrant(rng: np.random.Generator) -> list[Piece]:
    """A switch box of a utility, as tall as a hip to a chest."""
    half = rng.uniform((0.3, 0.18, 0.4), (0.6, 0.25, 0.65))
    colour = chosen(((0.55, 0.58, 0.54), (0.42, 0.46, 0.44), (0.66, 0.64, 0.58)), rng)
    parts = [
        box(half, (0, 0, half[2] + 0.1), colour),
        box(half * [1.04, 1.06, 0.05], (0, 0, 2 * half[2] + 0.1), varied(colour, rng)),
    ]
    parts += [box((half[0] * 0.9, half[1] * 0.9, 0.05), (0, 0, 0.05), CONCRETE)]
    return [*parts, box((0.006, half[1] + 0.004, half[2] * 0.9), (0, 0, half[2] + 0.1), DARK)]


def shrubs(width: float, depth: float, height: float, rng: np.random.Generator, density: float = 1.0) -> list[Piece]:
    """Low green of a given size, in two tones, with a dark core."""
    count = max(int(4 * width), 2)
    centers = rng.uniform((-width / 2, -depth / 2, height * 0.35), (width / 2, depth / 2, height * 0.7), (count, 3))
    radii = np.array([0.35, 0.3, 0.38]) * [1, 1, height] * rng.uniform(0.7, 1.1, (count, 1))
    number = int(260 * width * density)
    colour = np.array(chosen(LEAVES, rng))
    return [
        box((width * 0.36, depth * 0.3, height * 0.28), (0, 0, height * 0.3), tuple(colour * 0.4)),
        leaves(centers * [1, 1, 0.8], radii * 0.8, number, 0.15, colour * 0.6, rng),
        leaves(centers, radii, number, 0.10, colour, rng),
        leaves(centers, radii * 1.03, number // 2, 0.08, colour * 1.35, rng),
    ]


def bush(rng: np.random.Generator) -> list[Piece]:
    """One round bush."""
    return shrubs(rng.uniform(0.7, 1.4), 0.8, rng.uniform(0.6, 1.3), rng)


def planter(rng: np.random.Generator) -> list[Piece]:
    """A tub of concrete, wood or clay with a shrub in it."""
    half, height = rng.uniform(0.35, 0.8), rng.uniform(0.4, 0.6)
    colour = chosen((CONCRETE, (0.42, 0.30, 0.22), (0.55, 0.33, 0.25), (0.3, 0.3, 0.32)), rng)
    tub = [
        box((half, 0.3, height / 2), (0, 0, height / 2), colour),
        box((half + 0.03, 0.33, 0.03), (0, 0, height), varied(colour, rng)),
    ]
    return tub + moved(shrubs(2 * half * 0.9, 0.5, rng.uniform(0.4, 0.9), rng), z=height - 0.1)


def tree(rng: np.random.Generator, detail: float = 1.0) -> list[Piece]:
    """A broad-leaved street tree, 5 to 9 m tall."""
    height, thick = rng.uniform(5, 9), rng.uniform(0.10, 0.2)
    fork = height * rng.uniform(0.3, 0.42)
    sway = rng.normal(0, 0.12, 2)
    bark = chosen(BARK, rng)
    knee = (sway[0], sway[1], fork)
    parts = [
        rod([(0, 0, 0), (sway[0] * 0.4, sway[1] * 0.4, fork * 0.5), knee], [thick * 1.25, thick, thick * 0.8], bark, 0)
    ]
    centers = []
    for turn in rng.uniform(0, 2 * np.pi) + np.arange(7) * 2.4:
        reach, rise = rng.uniform(0.6, 0.24 * height), rng.uniform(fork * 1.15, height * 0.92)
        tip = (knee[0] + reach * np.cos(turn), knee[1] + reach * np.sin(turn), rise)
        middle = (
            knee[0] + 0.4 * reach * np.cos(turn),
            knee[1] + 0.4 * reach * np.sin(turn),
            fork + 0.5 * (rise - fork),
        )
        parts.append(rod([knee, middle, tip], [thick * 0.6, thick * 0.4, 0.02], bark, 0))
        centers += [tip, middle + rng.normal(0, 0.25, 3) + [0, 0, 0.5]]
    centers = np.array(centers)
    radii = np.array([1, 1, 0.8]) * rng.uniform(0.55, 1.1, (len(centers), 1)) * height / 7
    colour, count = np.array(chosen(LEAVES, rng)), int(2600 * detail)
    size = 0.22 / np.sqrt(detail)
    parts.append(leaves(centers, radii, count, size, colour, rng))
    parts.append(leaves(centers + np.array([0, 0, 0.12]), radii, count // 2, size * 0.9, colour * 1.3, rng))
    return [*parts, leaves(centers, radii * 0.75, count // 2, size * 1.4, colour * 0.6, rng)]
