"""Simple figures for the far end of the street: too small for a face, so a handful of tapered limbs will do."""

from __future__ import annotations

import numpy as np

from tools.mannequins.street.pieces import Piece, lathe, loft, moved, rod
from tools.mannequins.street.street_furniture import chosen, varied

__all__ = ["passerby"]

SKINS = ((0.80, 0.64, 0.53), (0.72, 0.55, 0.43), (0.58, 0.42, 0.31), (0.38, 0.26, 0.19))
HAIR = ((0.07, 0.06, 0.05), (0.13, 0.09, 0.07), (0.3, 0.21, 0.13), (0.5, 0.49, 0.48))
TOPS = ((0.86, 0.86, 0.84), (0.12, 0.12, 0.14), (0.2, 0.26, 0.42), (0.5, 0.14, 0.15), (0.42, 0.44, 0.45))
TOPS += ((0.6, 0.53, 0.42), (0.2, 0.36, 0.3), (0.75, 0.6, 0.25), (0.45, 0.6, 0.75), (0.7, 0.45, 0.5))
BOTTOMS = ((0.12, 0.14, 0.22), (0.1, 0.1, 0.11), (0.28, 0.34, 0.46), (0.42, 0.38, 0.32), (0.3, 0.3, 0.31))
SHOES = ((0.1, 0.1, 0.1), (0.85, 0.85, 0.83), (0.3, 0.2, 0.15))


def _oval(x: float, y: float, z: float, half_width: float, half_depth: float) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    return np.stack([x + half_width * np.cos(turn), y + half_depth * np.sin(turn), np.full(12, z)], 1)


def passerby(rng: np.random.Generator) -> list[Piece]:
    """A walking or standing person of about 1.7 m, who looks along -Y."""
    skin, hair, top, bottom = (chosen(colours, rng) for colours in (SKINS, HAIR, TOPS, BOTTOMS))
    shoe = chosen(SHOES, rng)
    bare_arms, bare_legs, skirt = rng.random() < 0.5, rng.random() < 0.25, rng.random() < 0.18
    step = rng.uniform(0.1, 0.45) * rng.choice([-1, 1]) if rng.random() < 0.75 else 0.04
    broad = rng.uniform(0.9, 1.15)
    sections = [
        (0.86, 0.165, 0.12),
        (0.98, 0.155, 0.11),
        (1.1, 0.14, 0.105),
        (1.3, 0.175, 0.115),
        (1.4, 0.185, 0.1),
        (1.45, 0.10, 0.075),
    ]
    low = 0.55 if skirt else 0.84
    torso = loft([_oval(0, 0, max(z, low), w * broad, d * broad) for z, w, d in sections], top)
    parts = [torso, lathe([(0.055, 1.42), (0.05, 1.52)], skin)]
    if skirt:
        parts.append(loft([_oval(0, 0, z, w, 0.8 * w) for z, w in ((0.5, 0.25), (0.9, 0.165))], bottom))
    for side, swing in ((1, step), (-1, -step)):
        x = 0.085 * side
        knee, ankle = (x, -0.42 * np.sin(swing) - 0.02, 0.48), (x, -0.8 * np.sin(swing) + 0.12 * max(0, -swing), 0.09)
        legs = skin if bare_legs or skirt else bottom
        parts.append(rod([(x, 0, 0.9), knee], [0.088 * broad, 0.062], bottom))
        parts.append(rod([knee, ankle], [0.06, 0.045], legs))
        parts.append(rod([(ankle[0], ankle[1] + 0.05, 0.05), (ankle[0], ankle[1] - 0.15, 0.04)], [0.05, 0.04], shoe))
        shoulder = (0.19 * side * broad, 0, 1.38)
        elbow = (0.25 * side * broad, 0.22 * np.sin(swing), 1.1)
        hand = (0.26 * side * broad, 0.45 * np.sin(swing) - 0.1, 0.85)
        parts.append(rod([shoulder, elbow], [0.058, 0.045], top))
        parts.append(rod([elbow, hand], [0.042, 0.032], skin if bare_arms else top))
        parts.append(rod([hand, (hand[0], hand[1] - 0.02, hand[2] - 0.1)], [0.035, 0.03], skin))
    parts.append(lathe([(0, 1.48), (0.06, 1.5), (0.078, 1.6), (0.07, 1.68), (0, 1.7)], skin))
    long = rng.random() < 0.45
    cap = [(0.084, 1.62), (0.085, 1.67), (0.06, 1.72), (0, 1.735)]
    parts += moved([lathe(cap, hair)], y=0.012)
    if long:
        parts.append(loft([_oval(0, 0.05, z, w, 0.05) for z, w in ((1.35, 0.08), (1.5, 0.085), (1.66, 0.08))], hair))
    if rng.random() < 0.3:
        bag = varied(chosen(TOPS, rng), rng)
        parts.append(loft([_oval(0, 0.2, z, 0.14, 0.08) for z in (1.0, 1.05, 1.35, 1.4)], bag))
    return moved(parts, scale=float(rng.uniform(0.93, 1.06)))
