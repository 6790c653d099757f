"""Cars, vans, bicycles and scooters as lists of `Piece`s: they stand on z = 0 and look along +X, metres."""

from __future__ import annotations

import numpy as np

from tools.mannequins.street.pieces import Piece, box, disc, loft, ring, rod
from tools.mannequins.street.street_furniture import DARK, STEEL, WHITE, chosen, varied

__all__ = ["bicycle", "car", "scooter", "van"]

CAR_PAINTS = (WHITE, (0.75, 0.76, 0.77), (0.45, 0.46, 0.48), (0.14, 0.14, 0.15), (0.08, 0.09, 0.12), (0.42, 0.09, 0.09))
CAR_PAINTS += ((0.13, 0.2, 0.36), (0.55, 0.5, 0.42), (0.12, 0.24, 0.2), WHITE, (0.75, 0.76, 0.77))
GLASS, TYRE, RIM = (0.10, 0.12, 0.14), (0.07, 0.07, 0.07), (0.55, 0.56, 0.58)
HEADLIGHT, TAIL_LIGHT = (0.82, 0.84, 0.85), (0.5, 0.06, 0.06)
BICYCLE_PAINTS = ((0.1, 0.1, 0.11), (0.5, 0.1, 0.1), (0.12, 0.22, 0.42), (0.6, 0.62, 0.62), (0.12, 0.35, 0.25))
BICYCLE_PAINTS += ((0.75, 0.5, 0.1), (0.15, 0.5, 0.6), (0.8, 0.8, 0.78))


def _outline(x: float, half: float, low: float, high: float, tuck: float) -> np.ndarray:
    """A cross-section (14, 3) of a car's body at x: half as wide as `half` at the belt, tucked in above and below."""
    belt = low + 0.55 * (high - low)
    y = [0, 0.86, 0.97, 1.0, 1.0 - 0.2 * tuck, 0.94 - tuck, 0.80 - tuck, 0]
    z = [low, low, low + 0.06, belt, belt + 0.3 * (high - belt), high - 0.05, high, high + 0.015]
    right = np.stack([np.full(8, x), -half * np.array(y), np.array(z)], 1)
    left = right[1:-1][::-1] * [1, -1, 1]
    return np.concatenate([right, left])[::-1]


def _wheels(places: list[tuple[float, float]], radius: float) -> list[Piece]:
    parts = []
    for x, y in places:
        side = np.sign(y)
        parts.append(disc((x, y - side * 0.02, radius), radius * 1.16, 0.06, TYRE))
        parts.append(disc((x, y - side * 0.02, radius), radius, 0.16, TYRE))
        parts.append(disc((x, y - side * 0.015, radius), radius * 0.66, 0.17, RIM, 0.3))
        parts.append(disc((x, y - side * 0.01, radius), radius * 0.2, 0.17, DARK))
    return parts


def car(rng: np.random.Generator) -> list[Piece]:
    """A saloon, a hatchback or a tall car, 3.9 to 4.7 m long."""
    paint = chosen(CAR_PAINTS, rng)
    length, half, tall = rng.uniform(3.9, 4.7), rng.uniform(0.83, 0.9), rng.uniform(1.42, 1.68)
    booted = rng.random() < 0.5
    nose, tail = length / 2, -length / 2
    belt = tall * 0.61
    # x, half-width factor, bottom, top of the lower body
    stations = [
        (tail, 0.78, 0.42, belt * 0.86), (tail + 0.08, 0.93, 0.28, belt * 0.98), (tail + 0.6, 1.0, 0.22, belt),
        (0.0, 1.0, 0.20, belt), (nose - 1.35, 1.0, 0.20, belt * 0.98), (nose - 0.5, 0.98, 0.22, belt * 0.86),
        (nose - 0.12, 0.9, 0.28, belt * 0.74), (nose, 0.76, 0.38, belt * 0.62),
    ]  # fmt: skip
    body = loft([_outline(x, half * w, low, high, 0.04) for x, w, low, high in stations], paint, 0.6)
    rear = tail + (0.85 if booted else 0.12)
    roof_rear, roof_front, screen = rear + (0.55 if booted else 0.42), nose - 1.95, nose - 1.2

    def cabin(grow: float, low: float, high: float) -> list[np.ndarray]:
        """Sections from the rear to the windscreen's foot, between two shares of the cabin's height."""
        sections = []
        for x, top in (
            (rear, 0.03),
            (roof_rear, 0.96),
            ((roof_rear + roof_front) / 2, 1.0),
            (roof_front, 0.95),
            (screen, 0.03),
        ):
            share = np.clip(top, low + 0.01, high)
            width = half * (0.93 - 0.17 * share) + grow
            bottom, upper = belt - 0.05 + low * (tall - belt), belt - 0.02 + share * (tall - belt)
            y, z = [width + 0.1 * low * 0, width * 0.99, width * 0.86, 0], [bottom, upper - 0.06, upper, upper + 0.02]
            right = np.stack([np.full(4, x), -np.array(y), np.maximum(np.array(z), bottom)], 1)
            left = right[:-1][::-1] * [1, -1, 1]
            sections.append(np.concatenate([right, left])[::-1])
        return sections

    glass = loft(cabin(0.0, 0.0, 1.0), GLASS, 1.0)
    roof = [
        box(
            ((roof_front - roof_rear) / 2 + 0.1, half * 0.70, 0.035),
            ((roof_front + roof_rear) / 2, 0, tall - 0.01),
            paint,
            0.5,
        )
    ]
    for side in (-1, 1):  # pillars
        lower, upper = half * 0.93, half * 0.74
        for foot, head in ((rear, roof_rear), (0.0, 0.0), (screen, roof_front)):
            roof.append(rod([(foot, side * lower, belt - 0.03), (head, side * upper, tall - 0.03)], 0.04, paint, 0.5))
        roof.append(box((0.09, 0.06, 0.055), (screen - 0.25, side * (half + 0.07), belt + 0.06), paint, 0.4))
        roof.append(box((0.08, 0.01, 0.012), (-0.3, side * half * 0.995, belt * 0.88), DARK))
        roof.append(box((0.1, 0.16, 0.06), (nose - 0.13, side * half * 0.66, belt * 0.68), HEADLIGHT, 0.6))
        roof.append(box((0.06, 0.15, 0.08), (tail + 0.06, side * half * 0.70, belt * 0.82), TAIL_LIGHT, 0.4))
    plate = [box((0.02, 0.24, 0.06), (x, 0, 0.48), WHITE) for x in (nose - 0.01, tail + 0.01)]
    grille = box((0.04, 0.45, 0.07), (nose - 0.03, 0, 0.62 * belt), DARK)
    axle = length * 0.295
    wheels = _wheels([(x, s * half * 0.99) for x in (-axle, axle + 0.05) for s in (-1, 1)], 0.31)
    return [body, glass, *roof, *plate, grille, *wheels]


def van(rng: np.random.Generator) -> list[Piece]:
    """A delivery van or a small bus, about 5 m long and 2 m tall."""
    paint = chosen((WHITE, WHITE, (0.75, 0.76, 0.77), (0.6, 0.5, 0.12), (0.2, 0.3, 0.45)), rng)
    half, tall, tail, nose = 0.93, rng.uniform(1.95, 2.3), -2.5, 2.5
    stations = [(tail, 0.96, 0.3, tall - 0.03), (tail + 0.1, 1.0, 0.25, tall), (1.1, 1.0, 0.25, tall)]
    stations += [
        (1.35, 1.0, 0.25, tall * 0.95),
        (2.05, 0.97, 0.25, tall * 0.56),
        (2.4, 0.93, 0.3, tall * 0.47),
        (nose, 0.8, 0.4, tall * 0.4),
    ]
    parts = [loft([_outline(x, half * w, low, high, 0.05) for x, w, low, high in stations], paint, 0.4)]
    slope = [(1.42, tall * 0.90), (2.02, tall * 0.58)]
    width = 0.75 * half
    screen = np.array([(x + 0.05, y, z + 0.04) for (x, z) in slope for y in (-width, width)])[[0, 1, 3, 2]]
    parts.append(loft([screen, screen - np.array([0.04, 0, 0.04])], GLASS, 1.0))
    windows = rng.random() < 0.4
    for side in (-1, 1):
        parts.append(box((0.38, 0.02, 0.22), (1.1, side * half * 0.965, tall * 0.68), GLASS, 1.0))
        if windows:
            parts += [box((0.5, 0.02, 0.24), (x, side * half * 0.965, tall * 0.68), GLASS, 1.0) for x in (-0.2, -1.5)]
        parts.append(box((0.05, 0.14, 0.1), (nose - 0.1, side * half * 0.62, tall * 0.36), HEADLIGHT, 0.5))
        parts.append(box((0.03, 0.08, 0.18), (tail, side * half * 0.82, tall * 0.4), TAIL_LIGHT, 0.3))
    if not windows:
        stripe = chosen(((0.2, 0.35, 0.55), (0.6, 0.15, 0.12), (0.15, 0.4, 0.25), (0.3, 0.3, 0.32)), rng)
        parts.append(box((1.3, half + 0.004, 0.16), (-0.9, 0, tall * 0.5), stripe))
    parts.append(box((0.02, 0.7, 0.25), (tail - 0.01, 0, tall * 0.72), GLASS, 1.0))
    return parts + _wheels([(x, s * half * 0.98) for x in (-1.5, 1.6) for s in (-1, 1)], 0.34)


def bicycle(rng: np.random.Generator) -> list[Piece]:
    """A city bicycle, perhaps with a basket."""
    paint, metal = chosen(BICYCLE_PAINTS, rng), (0.5, 0.5, 0.5)
    rear, front, hub = (-0.52, 0, 0.33), (0.55, 0, 0.33), 0.33
    crank, seat, neck = (-0.06, 0, 0.30), (-0.22, 0, 0.82), (0.40, 0, 0.86)
    parts = [ring(rear, hub - 0.02, 0.022, TYRE), ring(front, hub - 0.02, 0.022, TYRE)]
    for a, b in ((seat, crank), (crank, rear), (rear, (-0.2, 0, 0.72)), (neck, crank), (neck, front)):
        parts.append(rod([a, b], 0.02, paint))
    if rng.random() < 0.5:
        parts.append(rod([(0.39, 0, 0.80), (-0.19, 0, 0.74)], 0.019, paint))
    handle = [(0.22, -0.29, 1.02), (0.38, -0.22, 1.03), (0.39, 0, 1.0), (0.38, 0.22, 1.03), (0.22, 0.29, 1.02)]
    parts += [rod([neck, (0.39, 0, 1.0)], 0.016, metal), rod(handle, 0.014, metal)]
    parts += [rod([seat, (-0.23, 0, 0.92)], 0.015, metal), box((0.13, 0.07, 0.03), (-0.24, 0, 0.95), DARK)]
    for center in (rear, front):  # spokes
        for turn in np.arange(8) * np.pi / 8:
            along = 0.3 * np.array([np.cos(turn), 0, np.sin(turn)])
            parts.append(rod([np.array(center) - along, np.array(center) + along], 0.0025, metal))
        turns = np.linspace(0.3, np.pi - 0.2, 9)
        guard = [(center[0] + 0.35 * np.cos(t), 0, hub + 0.35 * np.sin(t)) for t in turns]
        parts.append(rod(guard, 0.018, paint))
    parts += [rod([(-0.06, -0.1, 0.14), (-0.06, 0, 0.30), (-0.06, 0.1, 0.46)], 0.012, metal)]
    if rng.random() < 0.5:
        basket = varied((0.25, 0.25, 0.26), rng)
        for z in (0.74, 0.84, 0.95):
            parts.append(
                rod([(0.5, -0.15, z), (0.78, -0.17, z), (0.78, 0.17, z), (0.5, 0.15, z), (0.5, -0.15, z)], 0.01, basket)
            )
        parts.append(box((0.13, 0.14, 0.005), (0.63, 0, 0.73), basket))
    if rng.random() < 0.5:
        parts.append(box((0.18, 0.07, 0.012), (-0.52, 0, 0.72), metal))
    return parts


def scooter(rng: np.random.Generator) -> list[Piece]:
    """An electric scooter with a seat, as parked on campuses."""
    paint = chosen(BICYCLE_PAINTS, rng)
    parts = [disc((x, 0, 0.22), 0.22, 0.1, TYRE) for x in (-0.6, 0.62)]
    parts += [disc((x, 0, 0.22), 0.12, 0.11, STEEL) for x in (-0.6, 0.62)]
    back = [(-0.85, 0.08, 0.52, 0.66), (-0.6, 0.14, 0.36, 0.72), (-0.2, 0.15, 0.3, 0.7), (-0.05, 0.13, 0.25, 0.6)]
    shield = [(0.3, 0.16, 0.25, 0.62), (0.4, 0.18, 0.3, 0.95), (0.52, 0.1, 0.34, 0.9), (0.62, 0.06, 0.4, 0.55)]
    for stations in (back, shield):
        parts.append(loft([_outline(x, half, low, high, 0.05) for x, half, low, high in stations], paint, 0.5))
    parts += [box((0.3, 0.13, 0.05), (0.12, 0, 0.25), DARK), box((0.34, 0.13, 0.05), (-0.42, 0, 0.77), DARK)]
    parts += [
        rod([(0.62, 0, 0.22), (0.42, 0, 0.95)], 0.025, DARK),
        rod([(0.36, -0.32, 1.03), (0.36, 0.32, 1.03)], 0.018, DARK),
    ]
    parts += [
        box((0.05, 0.12, 0.09), (0.42, 0, 1.0), paint, 0.4),
        box((0.02, 0.06, 0.05), (0.48, 0, 1.0), HEADLIGHT, 0.5),
    ]
    return [*parts, box((0.02, 0.05, 0.04), (-0.86, 0, 0.6), TAIL_LIGHT)]
