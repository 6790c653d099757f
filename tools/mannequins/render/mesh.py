"""Triangle meshes as the shaders read them: what every vertex carries, and a few solids.

Frames: metres; X is the person's left, -Y the front, Z up. Every vertex carries its *canonical* place, which is where
it would lie on the standing reference body (root at 0): hems, patterns and the dense labels are functions of it.

>>> box = thing(*rounded_box((0.1, 0.1, 0.2)), Layer.BOX)
>>> turned = placed(box, yaw=0.5, x=1.0, y=5.0)
>>> join([box, turned]).positions.shape == (2 * len(box.positions), 3)
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

__all__ = [
    "Layer",
    "Mesh",
    "Part",
    "cone",
    "join",
    "placed",
    "rounded_box",
    "sheet_faces",
    "thing",
    "tube",
    "vertex_normals",
]


class Layer(IntEnum):
    """What a vertex is made of; the same numbers stand in shaders/person.glsl."""

    SKIN = 0
    BOTTOM = 1
    SKIRT = 2
    TOP = 3
    SHOE = 4
    HAIR = 5
    LONG_HAIR = 6
    HAIR_PIECE = 7
    BRIM = 8
    BAG = 9
    UMBRELLA = 10
    SHAFT = 11
    PHONE = 12
    BOX = 13
    SCARF = 14
    HAT = 15
    OUTER = 16
    LEGWEAR = 17
    GROUND = 30
    OCCLUDER = 31


class Part(IntEnum):
    """The part of the body a vertex belongs to. A thing has no place on the body, so no canonical place either."""

    TORSO = 0
    HEAD = 1
    UPPER_ARM_L = 2
    UPPER_ARM_R = 3
    FOREARM_L = 4
    FOREARM_R = 5
    HAND_L = 6
    HAND_R = 7
    THIGH_L = 8
    THIGH_R = 9
    SHIN_L = 10
    SHIN_R = 11
    FOOT_L = 12
    FOOT_R = 13
    NECK = 14
    THING = 15


@dataclass(frozen=True)
class Mesh:
    """V vertices and F triangles, all float32 but the faces.

    Attributes:
        positions: (V, 3) metres.
        normals: (V, 3) unit length, outwards.
        canonical: (V, 3) metres on the standing reference body, root at 0; a thing's own coordinates for things.
        aux: (V, 4) layer, part, weight of the arm's bones, weight of the hand's bones.
        faces: (F, 3) int32, counter-clockwise from outside.
    """

    positions: np.ndarray
    normals: np.ndarray
    canonical: np.ndarray
    aux: np.ndarray
    faces: np.ndarray


def vertex_normals(positions: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals: the mean of the touching faces' normals, weighted by their areas.

    >>> vertex_normals(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))[0].tolist()
    [0.0, 0.0, 1.0]
    """
    corners = positions[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.empty(positions.shape, np.float32)
    index = faces.ravel()
    for axis in range(3):
        normals[:, axis] = np.bincount(index, np.repeat(face_normals[:, axis], 3), len(positions))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


def join(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh of several, their vertices in order."""
    starts = np.cumsum([0] + [len(mesh.positions) for mesh in meshes[:-1]])
    return Mesh(
        *(
            np.concatenate([getattr(mesh, name) for mesh in meshes])
            for name in ("positions", "normals", "canonical", "aux")
        ),
        faces=np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]).astype(np.int32),
    )


def placed(mesh: Mesh, yaw: float, x: float, y: float) -> Mesh:
    """Turned about Z by `yaw` (radians, counter-clockwise from above), then moved on the ground by (x, y) metres."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]], np.float32)  # transposed: for rows
    return replace(
        mesh,
        positions=mesh.positions @ turn + np.array([x, y, 0], np.float32),
        normals=mesh.normals @ turn,
    )


def thing(positions: np.ndarray, faces: np.ndarray, layer: int, canonical: np.ndarray | None = None) -> Mesh:
    """A mesh of something that is no part of a body: part THING, its own coordinates as canonical ones."""
    aux = np.zeros((len(positions), 4), np.float32)
    aux[:, 0], aux[:, 1] = layer, Part.THING
    positions = positions.astype(np.float32)
    return Mesh(
        positions=positions,
        normals=vertex_normals(positions, faces),
        canonical=positions.copy() if canonical is None else canonical.astype(np.float32),
        aux=aux,
        faces=faces.astype(np.int32),
    )


def sheet_faces(rows: int, columns: int, *, closed: bool = False) -> np.ndarray:
    """(F, 3) triangles of a grid of rows × columns vertices (row-major); closed: the last column meets the first.

    Seen from the side where rows go up and columns go right, triangles turn counter-clockwise.

    >>> sheet_faces(2, 2).tolist()
    [[0, 1, 3], [0, 3, 2]]
    """
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns - (not closed)), indexing="ij")
    row, column = row.ravel(), column.ravel()
    after = (column + 1) % columns
    a, b, c, d = (
        row * columns + column,
        row * columns + after,
        (row + 1) * columns + after,
        (row + 1) * columns + column,
    )
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)


def rounded_box(
    half: Sequence[float], center: Sequence[float] = (0, 0, 0), *, power: float = 0.35, segments: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """A super-ellipsoid: positions (V, 3) and faces (F, 3).

    Args:
        half: half of its width, depth and height (x, y, z), metres.
        power: 1 is an ellipsoid, towards 0 a box with sharp edges.
        segments: rings from pole to pole; twice as many columns.
    """
    rise, turn = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, segments + 1),
        np.linspace(-np.pi, np.pi, 2 * segments, endpoint=False),
        indexing="ij",
    )

    def bent(value: np.ndarray) -> np.ndarray:
        return np.sign(value) * np.abs(value) ** power

    unit = np.stack(
        [bent(np.cos(rise)) * bent(np.cos(turn)), bent(np.cos(rise)) * bent(np.sin(turn)), bent(np.sin(rise))], -1
    )
    positions = unit.reshape(-1, 3) * np.asarray(half) + np.asarray(center)
    return positions.astype(np.float32), sheet_faces(segments + 1, 2 * segments, closed=True)


def cone(
    low_radius: float,
    low_z: float,
    high_radius: float,
    high_z: float,
    center: Sequence[float] = (0, 0),
    *,
    segments: int = 24,
) -> tuple[np.ndarray, np.ndarray]:
    """The open mantle of an upright (truncated) cone: positions (V, 3) and faces (F, 3). Equal radii: a cylinder."""
    turn = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], 1)
    rows = [
        np.column_stack([np.asarray(center) + radius * ring, np.full(segments, z)])
        for radius, z in ((low_radius, low_z), (high_radius, high_z))
    ]
    return np.concatenate(rows).astype(np.float32), sheet_faces(2, segments, closed=True)


def tube(path: np.ndarray, radius: float | np.ndarray, *, segments: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """A round tube along a path (N, 3), N ≥ 2, with one radius or one for each point: positions, faces. Ends open.

    >>> positions, faces = tube(np.array([[0.0, 0, 0], [0, 0, 1]]), 0.1)
    >>> positions.shape, faces.shape
    ((16, 3), (16, 3))
    """
    path = np.asarray(path, float)
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    # one helper axis, the least parallel to the path, keeps the rings from twisting
    helper = np.eye(3)[np.abs(along).mean(0).argmin()]
    right = np.cross(helper, along)
    right /= np.maximum(np.linalg.norm(right, axis=1, keepdims=True), 1e-9)
    up = np.cross(along, right)
    turn = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    radii = np.broadcast_to(np.asarray(radius, float), len(path))[:, None, None]
    ring = np.cos(turn)[None, :, None] * right[:, None] + np.sin(turn)[None, :, None] * up[:, None]
    positions = path[:, None] + radii * ring
    return positions.reshape(-1, 3).astype(np.float32), sheet_faces(len(path), segments, closed=True)
