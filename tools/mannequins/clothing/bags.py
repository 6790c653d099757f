"""Bags that are worn: backpacks and sling and belt bags. Straps across the clothes are painted by the shader."""

from __future__ import annotations

import numpy as np

from tools.mannequins.body.attributes import Attributes
from tools.mannequins.body.body import Body
from tools.mannequins.clothing.cloth import Piece, rigid, sheet
from tools.mannequins.render.mesh import Layer, Part, rounded_box, tube

__all__ = ["WORN", "carry", "surface"]

WORN = ("backpack", "sling", "belt")  # bags on the body; the others hang from a hand


def carry(person: Attributes, body: Body, bulk: float) -> list[Piece]:
    """The pieces of a worn bag at rest; `bulk` is what clothes add at the chest, metres."""
    if person.bag not in WORN:
        return []
    sign = 1 if person.side == "L" else -1
    if person.bag == "backpack":
        return _backpack(person, body, bulk)
    hip = body.head("root")
    if person.bag == "belt":
        front = surface(body, 0.05, 0.12, lowest=True) - bulk
        solid = rounded_box((0.11, 0.035, 0.055), (0.05 * sign, front - 0.035, hip[2] + 0.05), power=0.5)
        return [rigid(Layer.BAG, solid, {"root": 1.0}, Part.THING)]
    side = np.abs(body.vertices[sheet("tights").source[np.abs(sheet("tights").canonical[:, 2]) < 0.04], 0])
    out = float(np.quantile(side, 0.97)) + bulk
    size = (0.045, 0.12, 0.09) if person.wrinkles % 2 < 1 else (0.05, 0.15, 0.12)
    solid = rounded_box(size, (-sign * (out + 0.03), 0.02, hip[2] - 0.02), power=0.35)
    return [rigid(Layer.BAG, solid, {"root": 1.0}, Part.THING)]


def surface(body: Body, low: float, high: float, *, lowest: bool) -> float:
    """The trunk's foremost or hindmost y between two canonical heights."""
    tights = sheet("tights")
    z = tights.canonical[:, 2]
    near = (tights.arm < 0.1) & (z > low) & (z < high) & (np.abs(tights.canonical[:, 0]) < 0.12)
    depth = body.vertices[tights.source[near], 1]
    return float(depth.min() if lowest else np.quantile(depth, 0.97))


def _backpack(person: Attributes, body: Body, bulk: float) -> list[Piece]:
    back = surface(body, 0.15, 0.42, lowest=False) + bulk
    spine = body.head("spine02")
    large = (person.wrinkles * 1.7) % 1  # its own draw, from 0 to 1
    half = np.array([0.125 + 0.03 * large, 0.065 + 0.03 * large, 0.17 + 0.06 * large])
    middle = np.array([0, back + half[1] + 0.004, spine[2] + 0.06 - 0.2 * (half[2] - 0.17)])
    shares = {"spine02": 0.5, "spine03": 0.5}
    pieces = [rigid(Layer.BAG, rounded_box(half, middle, power=0.4), shares, Part.THING)]
    pocket = rounded_box(
        (half[0] * 0.78, 0.03, half[2] * 0.42), middle + np.array([0, half[1] + 0.006, -half[2] * 0.4]), power=0.4
    )
    pieces.append(rigid(Layer.BAG, pocket, shares, Part.THING))
    handle = np.linspace(-1, 1, 9)
    loop = np.stack(
        [0.03 * handle, 0 * handle + middle[1] - half[1] * 0.5, 0.03 * (1 - handle**2) + middle[2] + half[2]], 1
    )
    pieces.append(rigid(Layer.BAG, tube(loop, 0.008, segments=6), shares, Part.THING))
    return pieces
