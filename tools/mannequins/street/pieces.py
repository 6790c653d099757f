"""Objects of one colour each piece: what the street's furniture, vehicles and plants are put together from.

An object is a list of pieces, standing on z = 0 around the origin, metres; vehicles and benches look along +X.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tools.mannequins.render.mesh import Layer, Mesh, Part, sheet_faces, vertex_normals

__all__ = ["Piece", "box", "disc", "lathe", "leaves", "loft", "moved", "painted", "ring", "rod"]

Colour = Sequence[float]
MAX_PAINTS = 8  # colours of one mesh in the renderer's shader


@dataclass(frozen=True, eq=False)
class Piece:
    """Positions (V, 3), normals (V, 3), faces (F, 3), one sRGB colour (3,) in 0..1, a gloss of 0 (chalk) to 1 (glass).

    `leafy` pieces are crowds of leaves: light passes through them and their shade varies.
    """

    positions: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    colour: Colour
    gloss: float = 0.0
    leafy: bool = False


def piece(positions: np.ndarray, faces: np.ndarray, colour: Colour, gloss: float = 0.0) -> Piece:
    """A smooth piece: normals are averaged over the faces that share a vertex."""
    return Piece(positions.astype(np.float32), vertex_normals(positions, faces), faces, tuple(colour), gloss)


def box(half: Sequence[float], center: Sequence[float], colour: Colour, gloss: float = 0.0) -> Piece:
    """A box with sharp edges; `half` of its width, depth and height.

    >>> box((1, 1, 1), (0, 0, 1), (1, 0, 0)).positions.shape
    (24, 3)
    """
    corners, normals = [], []
    for axis in range(3):
        for sign in (-1, 1):
            u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
            normal = sign * np.eye(3)[axis]
            corners += [normal - sign * u - v, normal + sign * u - v, normal + sign * u + v, normal - sign * u + v]
            normals += [normal] * 4
    positions = np.array(corners) * np.asarray(half) + np.asarray(center)
    quads = np.arange(24).reshape(6, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    return Piece(positions.astype(np.float32), np.array(normals, np.float32), faces, tuple(colour), gloss)


def rod(path: Sequence[Sequence[float]], radius: float | Sequence[float], colour: Colour, gloss: float = 0.1) -> Piece:
    """A round bar along straight stretches of a path (N, 3); one radius, or one for each point; ends closed."""
    path = np.asarray(path, float)
    radii = np.broadcast_to(np.asarray(radius, float), len(path))
    stretches = [_stretch(*path[i : i + 2], *radii[i : i + 2]) for i in range(len(path) - 1)]
    starts = np.cumsum([0] + [len(p) for p, _ in stretches[:-1]])
    faces = np.concatenate([f + start for (_, f), start in zip(stretches, starts, strict=True)])
    return piece(np.concatenate([p for p, _ in stretches]), faces.astype(np.int32), colour, gloss)


def _stretch(low: np.ndarray, high: np.ndarray, low_radius: float, high_radius: float, segments: int = 8):
    along = (high - low) / max(np.linalg.norm(high - low), 1e-9)
    right = np.cross(np.eye(3)[np.abs(along).argmin()], along)
    right /= np.linalg.norm(right)
    up = np.cross(along, right)
    turn = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    around = np.cos(turn)[:, None] * right + np.sin(turn)[:, None] * up
    rings = [low[None] + 0 * around, low + low_radius * around, high + high_radius * around, high[None] + 0 * around]
    return np.concatenate(rings), sheet_faces(4, segments, closed=True)


def lathe(profile: Sequence[tuple[float, float]], colour: Colour, gloss: float = 0.05, segments: int = 16) -> Piece:
    """A solid of revolution about Z: (radius, z) from bottom to top."""
    radius, z = np.asarray(profile, float).T
    turn = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    positions = np.stack(
        [radius[:, None] * np.cos(turn), radius[:, None] * np.sin(turn), np.repeat(z[:, None], segments, 1)], -1
    )
    return piece(positions.reshape(-1, 3), sheet_faces(len(radius), segments, closed=True), colour, gloss)


def disc(center: Sequence[float], radius: float, thickness: float, colour: Colour, gloss: float = 0.1) -> Piece:
    """A flat cylinder whose axis is Y: a wheel, a sign."""
    center = np.asarray(center, float)
    half = np.array([0, thickness / 2, 0])
    positions, faces = _stretch(center - half, center + half, radius, radius, segments=18)
    positions = positions[faces.ravel()]  # own vertices a face: the rim keeps its edge
    return piece(positions, np.arange(len(positions), dtype=np.int32).reshape(-1, 3), colour, gloss)


def ring(center: Sequence[float], radius: float, thickness: float, colour: Colour) -> Piece:
    """A torus whose axis is Y: a bicycle's tyre."""
    turn = np.linspace(0, 2 * np.pi, 25)
    path = np.stack([radius * np.cos(turn), 0 * turn, radius * np.sin(turn)], 1) + np.asarray(center)
    return rod(path, thickness, colour)


def loft(sections: Sequence[np.ndarray], colour: Colour, gloss: float = 0.0, *, capped: bool = True) -> Piece:
    """A skin over closed outlines, each (N, 3), turning counter-clockwise when seen from the last one."""
    sections = [np.asarray(section, float) for section in sections]
    if capped:
        ends = [np.repeat(section.mean(0)[None], len(section), 0) for section in (sections[0], sections[-1])]
        sections = [ends[0], sections[0], *sections, sections[-1], ends[1]]
    count = len(sections[0])
    return piece(np.concatenate(sections), sheet_faces(len(sections), count, closed=True), colour, gloss)


def leaves(
    centers: np.ndarray, radii: np.ndarray, count: int, size: float, colour: Colour, rng: np.random.Generator
) -> Piece:
    """`count` leaves (two triangles each, `size` metres wide) on and in ellipsoids: centers (N, 3), radii (N, 3)."""
    radii = np.broadcast_to(radii, centers.shape)
    which = rng.choice(len(centers), count, p=radii.prod(1) ** (2 / 3) / (radii.prod(1) ** (2 / 3)).sum())
    outwards = rng.normal(size=(count, 3))
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    place = centers[which] + outwards * radii[which] * rng.uniform(0.55, 1.0, (count, 1))
    right = np.cross(outwards, rng.normal(size=(count, 3)))
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    up = np.cross(outwards, right) + 0.5 * outwards * rng.normal(size=(count, 1))
    half = size / 2 * rng.uniform(0.6, 1.3, (count, 1))
    corners = np.stack([place - half * right, place + half * up, place + half * right, place - half * up], 1)
    quads = np.arange(4 * count).reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    normals = outwards + np.array([0, 0, 0.35]) + 0.35 * rng.normal(size=(count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.repeat(normals, 4, 0).astype(np.float32)
    return Piece(corners.reshape(-1, 3).astype(np.float32), normals, faces, tuple(colour), 0.0, leafy=True)


def moved(
    pieces: Iterable[Piece], x: float = 0, y: float = 0, yaw: float = 0, z: float = 0, scale: float = 1
) -> list[Piece]:
    """The same object scaled, turned about Z by `yaw` (radians, counter-clockwise from above), then moved."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return [
        replace(
            each,
            positions=(scale * each.positions @ turn + [x, y, z]).astype(np.float32),
            normals=(each.normals @ turn).astype(np.float32),
        )
        for each in pieces
    ]


def painted(pieces: Sequence[Piece]) -> tuple[Mesh, np.ndarray]:
    """One mesh of layer OCCLUDER and its colours (MAX_PAINTS, 3): aux is layer, part, index of the colour, gloss.

    Raises ValueError when the pieces have more colours than the renderer's shader knows.
    """
    colours = list(dict.fromkeys(tuple(each.colour) for each in pieces))
    if len(colours) > MAX_PAINTS:
        raise ValueError(f"pieces: expected at most {MAX_PAINTS} colours, got {len(colours)}.")
    starts = np.cumsum([0] + [len(each.positions) for each in pieces[:-1]])
    aux = np.concatenate(
        [
            np.tile(
                [Layer.OCCLUDER, Part.THING, colours.index(tuple(each.colour)), each.gloss], (len(each.positions), 1)
            )
            for each in pieces
        ]
    ).astype(np.float32)
    positions = np.concatenate([each.positions for each in pieces])
    mesh = Mesh(
        positions=positions,
        normals=np.concatenate([each.normals for each in pieces]),
        canonical=positions.copy(),
        aux=aux,
        faces=np.concatenate([each.faces + start for each, start in zip(pieces, starts, strict=True)]).astype(np.int32),
    )
    paint = np.zeros((MAX_PAINTS, 3), np.float32)
    paint[: len(colours)] = colours
    return mesh, paint
