"""Shapes of a body: limbs and trunks as hulls of discs, which can be drawn, and asked whether they hold a point."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from tools.figures.svg import Point, element, points


def at(pairs: Iterable[Point]) -> str:
    """Coordinates with one decimal, which is enough for a body of 128 px."""
    return points([(round(x, 1), round(y, 1)) for x, y in pairs])


class Shape(NamedTuple):
    """Discs whose hull is filled: two make a limb, more a trunk. `ink` is drawn over it."""

    discs: tuple[tuple[float, float, float], ...]
    fill: str
    part: str
    ink: str = ""

    def path(self) -> str:
        """The hull as a path of straight lines and arcs."""
        if len(self.discs) == 1:
            ((x, y, r),) = self.discs
            return f"M{at([(x - r, y)])}{_arc(r, 2 * r, 0)}{_arc(r, -2 * r, 0)}z"
        ring = list(self.discs)
        if len(ring) > 2 and _area(ring) < 0:
            ring.reverse()
        tangents = []
        for (x0, y0, r0), (x1, y1, r1) in zip(ring, ring[1:] + ring[:1], strict=True):
            distance = math.hypot(x1 - x0, y1 - y0)
            along = math.atan2(y1 - y0, x1 - x0) - math.acos(max(-1, min(1, (r0 - r1) / distance)))
            a, b = math.cos(along), math.sin(along)
            tangents.append([(round(x + r * a, 1), round(y + r * b, 1)) for x, y, r in ((x0, y0, r0), (x1, y1, r1))])
        d = f"M{at(tangents[0][:1])}"
        for i, ((x0, y0), (x1, y1)) in enumerate(tangents):
            (x2, y2), r = tangents[(i + 1) % len(ring)][0], ring[(i + 1) % len(ring)][2]
            large = len(ring) == 2 and r > ring[i][2]
            d += f"l{_tenths(x1 - x0, y1 - y0)}{_arc(r, x2 - x1, y2 - y1, large)}"
        return d + "z"

    def contains(self, x: float, y: float) -> bool:
        """Whether a point is inside."""
        ring = list(self.discs)
        if len(ring) > 2 and inside(x, y, [(a, b) for a, b, _ in ring]):
            return True
        return any(_near(x, y, one, other) for one, other in zip(ring, [*ring[1:], ring[0]], strict=True))


def _tenths(*values: float) -> str:
    """Numbers of a path with one decimal, as short as can be."""
    words = ""
    for value in values:
        short = (
            f"{value:.1f}".removesuffix(".0").replace("0.", ".", 1)
            if abs(value) < 1
            else f"{value:.1f}".removesuffix(".0")
        )
        short = "0" if short in ("-0", "") else short
        words += short if not words or short.startswith("-") else f" {short}"
    return words


def _arc(radius: float, dx: float, dy: float, large: bool = False) -> str:
    """A clockwise arc to a point that is so far away."""
    ends = _tenths(dx, dy)
    return f"a{_tenths(radius, radius)} 0 {int(large)} 1{'' if ends.startswith('-') else ' '}{ends}"


def _area(ring: Sequence[tuple[float, float, float]]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))


def inside(x: float, y: float, ring: Sequence[Point]) -> bool:
    """Whether a point is inside a polygon."""
    odd = False
    for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            odd = not odd
    return odd


def _near(x: float, y: float, a: tuple[float, float, float], b: tuple[float, float, float]) -> bool:
    dx, dy = b[0] - a[0], b[1] - a[1]
    long = dx * dx + dy * dy
    t = max(0.0, min(1.0, ((x - a[0]) * dx + (y - a[1]) * dy) / long)) if long else 0.0
    return math.hypot(x - a[0] - t * dx, y - a[1] - t * dy) <= a[2] + t * (b[2] - a[2])


def limb(a: Point, b: Point, ra: float, rb: float, fill: str, part: str, ink: str = "") -> Shape:
    """A limb from a point to another, with its radius at both ends."""
    return Shape(((*a, ra), (*b, rb)), fill, part, ink=ink)


def between(a: Point, b: Point, t: float) -> Point:
    """The point at a share of the way."""
    return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])


def bands(a: Point, b: Point, ra: float, rb: float, shares: Sequence[float], colour: str, width: float) -> str:
    """Stripes across a limb."""
    long = math.dist(a, b)
    across = (-(b[1] - a[1]) / long, (b[0] - a[0]) / long)
    d = ""
    for t in shares:
        (x, y), r = between(a, b, t), ra + t * (rb - ra) - 0.2
        d += f"M{at([(x - across[0] * r, y - across[1] * r), (x + across[0] * r, y + across[1] * r)])}"
    return element("path", d=d, stroke=colour, stroke_width=width, stroke_opacity=1)


def paths(shapes: Sequence[Shape]) -> str:
    """Shapes as elements, one path for neighbours of one colour: their outline is never drawn across a joint."""
    drawn: list[str] = []
    for (fill, _), same in groupby(shapes, key=lambda shape: (shape.fill, shape.part)):
        group = list(same)
        drawn.append(element("path", d="".join(each.path() for each in group), fill=fill))
        drawn += [each.ink for each in group]
    return "".join(drawn)
