"""Cloth that hangs: a tube around the trunk and both legs, computed anew in every pose.

Skinned cloth tears between striding legs. Hanging cloth does not follow a leg, it spans what it hangs over: at every
height its outline is about the convex hull of what is inside, and lower rows are hardly narrower than the rows above,
because cloth falls. Outlines are kept as support functions h(φ) = max of p · (cos φ, sin φ) over the inside points p:
their hulls, eases and falls are then maxima and sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_matrix

from tools.mannequins.body.body import Body, skinned
from tools.mannequins.body.template import template
from tools.mannequins.clothing.cloth import smoothstep
from tools.mannequins.render.mesh import sheet_faces, vertex_normals

__all__ = ["DIRECTIONS", "Drape", "Inside", "heights_at_rest"]

DIRECTIONS = 40  # of the support function
COLUMNS = 80  # of the cloth's mesh
WRAP = 0.13  # metres below the top over which the cloth comes off what it hangs from
SLAB = 0.035  # metres above and below a row that count as its height
# bones whose heads tell how a body's heights differ from the reference body's
LADDER = ("toe1-1.L", "foot.L", "lowerleg01.L", "upperleg01.L", "spine04", "spine03", "spine02", "spine01", "neck01")
LADDER += ("head",)


@dataclass(frozen=True, eq=False)
class Inside:
    """Points that cloth hangs over, skinned: rest places (P, 3), canonical places (P, 3), weights (P, B)."""

    positions: np.ndarray
    canonical: np.ndarray
    weights: csr_matrix


@dataclass(frozen=True, eq=False)
class Drape:
    """One hanging garment, R rows from top to hem.

    Attributes:
        layer: of its mesh.
        inside: what it hangs over.
        rows: (R,) canonical heights, falling; heights: (R,) the same on this body at rest.
        ease: metres of air between the hull and the cloth.
        taper: metres that the cloth may narrow in a metre of fall; 0 is a bell, 1 follows the body.
        flare: metres that it widens in a metre of fall.
        fold, folds, phase: depth of the folds at the hem (metres), their number, and where they begin (radians).
        canonical: (R * COLUMNS, 3).
    """

    layer: int
    inside: Inside
    rows: np.ndarray
    heights: np.ndarray
    ease: float
    taper: float
    flare: float
    fold: float
    folds: int
    phase: float
    canonical: np.ndarray

    @classmethod
    def of(
        cls,
        body: Body,
        inside: Inside,
        *,
        layer: int,
        top: float,
        hem: float,
        ease: float = 0.008,
        taper: float = 0.3,
        flare: float = 0.0,
        fold: float = 0.0,
        folds: int = 9,
        phase: float = 0.0,
    ) -> Drape:
        """Cloth from canonical height `top` down to `hem`, over `inside` points (legs below the hem are no matter)."""
        near = (inside.canonical[:, 2] > hem - 0.06) & (inside.canonical[:, 2] < top + 0.06)
        inside = Inside(inside.positions[near], inside.canonical[near], inside.weights[near])
        rows = np.linspace(top, hem, max(int((top - hem) / 0.026), 3) + 1)
        standing = _outline(inside.canonical, rows, ease, taper, flare)
        return cls(
            layer=layer, inside=inside, rows=rows, heights=heights_at_rest(body, rows), ease=ease, taper=taper,
            flare=flare, fold=fold, folds=folds, phase=phase, canonical=standing.astype(np.float32),
        )  # fmt: skip

    def posed(self, transforms: np.ndarray, more: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Positions and normals (R * COLUMNS, 3) in a pose; `more` (M, 3) are further posed points inside."""
        points, _ = skinned(self.inside.weights, transforms, self.inside.positions)
        if more is not None:
            points = np.concatenate([points, more])
        depth = self.fold * np.clip((self.rows[0] - self.rows) / max(np.ptp(self.rows), 0.3), 0, 1) ** 0.8
        positions = _outline(points, self.heights, self.ease, self.taper, self.flare, depth, self._waves())
        return positions.astype(np.float32), vertex_normals(positions, self.faces)

    @property
    def faces(self) -> np.ndarray:
        """(F, 3), outwards."""
        return sheet_faces(len(self.rows), COLUMNS, closed=True)[:, ::-1]

    def _waves(self) -> np.ndarray:
        """(R, COLUMNS) folds between 0 and 1 that wander a little on their way down, none like its neighbour."""
        angle = np.linspace(-np.pi, np.pi, COLUMNS, endpoint=False)[None]
        fall = (self.rows[0] - self.rows)[:, None]
        bent = angle + 0.35 * np.sin(2 * angle + self.phase) + 0.12 * np.sin(5 * angle + 3 * self.phase + 2 * fall)
        main = np.sin(self.folds * bent + self.phase)
        return 0.5 + 0.35 * main + 0.15 * np.sin((self.folds // 2) * angle - 2 * self.phase)


def heights_at_rest(body: Body, canonical: np.ndarray) -> np.ndarray:
    """Heights on the reference body → heights on this body at rest, by the heads of its bones."""
    numbers = [template().bone(bone) for bone in LADDER]
    reference, here = _reference_heads()[numbers, 2], body.heads[numbers, 2]
    inner = np.interp(canonical, reference, here)
    below, above = canonical < reference[0], canonical > reference[-1]
    inner = np.where(below, canonical - reference[0] + here[0], inner)
    return np.where(above, canonical - reference[-1] + here[-1], inner)


@lru_cache(1)
def _reference_heads() -> np.ndarray:
    return Body.of({"age": 0.66}).heads


@lru_cache(1)
def _directions() -> tuple[np.ndarray, np.ndarray]:
    """Directions (DIRECTIONS, 2), and 1 / cos from each column to each of them (COLUMNS, DIRECTIONS), ∞ when wide."""
    across = np.linspace(-np.pi, np.pi, DIRECTIONS, endpoint=False)
    along = np.linspace(-np.pi, np.pi, COLUMNS, endpoint=False)
    cos = np.cos(along[:, None] - across[None])
    return np.stack([np.cos(across), np.sin(across)], 1), np.where(cos > 0.15, 1 / np.maximum(cos, 0.15), np.inf)


def _wrapped(
    points: np.ndarray, heights: np.ndarray, centre: np.ndarray, radius: np.ndarray, fallen: np.ndarray
) -> np.ndarray:
    """The radii with the top rows drawn close around the points, so that the cloth begins on what it hangs from."""
    along = np.linspace(-np.pi, np.pi, COLUMNS, endpoint=False)
    radius = radius.copy()
    for row in np.flatnonzero(fallen[:, 0] < WRAP):
        near = points[np.abs(points[:, 2] - heights[row]) < 0.02, :2] - centre[row]
        if len(near) < 8:
            continue
        angle = np.arctan2(near[:, 1], near[:, 0])
        bins = ((angle + np.pi) / (2 * np.pi) * 36).astype(int) % 36
        outer = np.full(36, -1.0)
        np.maximum.at(outer, bins, np.hypot(near[:, 0], near[:, 1]))
        full = np.flatnonzero(outer > 0)
        close = np.interp(along, (full + 0.5) / 36 * 2 * np.pi - np.pi, outer[full], period=2 * np.pi) + 0.002
        share = smoothstep(0.0, WRAP, fallen[row])
        radius[row] = (1 - share) * np.minimum(close, radius[row]) + share * radius[row]
    return radius


def _outline(
    points: np.ndarray,
    heights: np.ndarray,
    ease: float,
    taper: float,
    flare: float,
    depth: np.ndarray | None = None,
    waves: np.ndarray | None = None,
) -> np.ndarray:
    """(R * COLUMNS, 3) the hanging cloth around points (P, 3): rows at `heights`, columns by angle."""
    directions, over_cos = _directions()
    reach = points[:, :2] @ directions.T.astype(np.float32)
    support = np.full((len(heights), DIRECTIONS), -np.inf, np.float32)
    for row, height in enumerate(heights):
        near = np.abs(points[:, 2] - height) < SLAB
        if near.any():
            support[row] = reach[near].max(0)
        if row:
            fall = heights[row - 1] - height
            support[row] = np.maximum(support[row], support[row - 1] - taper * fall)
    fallen = (heights[0] - heights)[:, None]
    support = support + ease * np.minimum(1, 0.3 + fallen / 0.1) + flare * fallen
    # about the middle of each row, where every support is positive; opposite directions are half the circle apart
    half = DIRECTIONS // 2
    middle_x = (support[:, half] - support[:, 0]) / 2
    middle_y = (support[:, half + half // 2] - support[:, half // 2]) / 2
    centre = np.stack([middle_x, middle_y], 1)
    around = np.maximum(support - centre @ directions.T, 0.02)
    radius = (around[:, None] * over_cos[None]).min(2)
    radius = (np.roll(radius, 1, 1) + 2 * radius + np.roll(radius, -1, 1)) / 4  # corners of the hull rounded
    radius = _wrapped(points, heights, centre, radius, fallen)
    if depth is not None:
        radius = radius + depth[:, None] * waves
    along = np.linspace(-np.pi, np.pi, COLUMNS, endpoint=False)
    x = centre[:, :1] + radius * np.cos(along)
    y = centre[:, 1:] + radius * np.sin(along)
    z = np.broadcast_to(heights[:, None], x.shape)
    return np.stack([x, y, z], -1).reshape(-1, 3)
