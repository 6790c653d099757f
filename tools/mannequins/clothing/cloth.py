"""Cloth that is skinned as the body is: sheets of the template's mesh, smoothed, pushed outside the body and offset.

>>> arm_parameter(np.array([[0.186, -0.009, 0.482], [0.507, -0.191, 0.134]])).round(2).tolist()
[0.0, 1.0]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags

from tools.mannequins.body.body import Body, bone_parts
from tools.mannequins.body.template import template
from tools.mannequins.render.mesh import vertex_normals

__all__ = ["Piece", "Sheet", "arm_parameter", "bone_weights", "cut_out", "rigid", "sheet", "shell", "smoothstep"]

SHOULDER, ELBOW, WRIST = (0.186, -0.009, 0.482), (0.376, -0.016, 0.268), (0.507, -0.191, 0.134)  # canonical, left


@dataclass(frozen=True, eq=False)
class Sheet:
    """A part of the template's mesh that garments are cut from: N vertices, F triangles.

    Attributes:
        source: (N,) the template's vertices; faces: (F, 3) of the sheet's own numbers.
        canonical: (N, 3); weights: (N, B) sparse; parts: (N,); arm: (N,) weight of an arm's bones.
        spread: (N, N) sparse, one round of Laplacian smoothing that keeps the border where it is.
    """

    source: np.ndarray
    faces: np.ndarray
    canonical: np.ndarray
    weights: csr_matrix
    parts: np.ndarray
    arm: np.ndarray
    spread: csr_matrix

    def smoothed(self, values: np.ndarray, rounds: int, strength: float = 0.8) -> np.ndarray:
        """Values (N, k) at the vertices, smoothed."""
        for _ in range(rounds):
            values = (1 - strength) * values + strength * (self.spread @ values)
        return values


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of a dressed person at rest, skinned: V vertices, F triangles; frames as in `Body` and `Mesh`."""

    layer: int
    positions: np.ndarray
    faces: np.ndarray
    canonical: np.ndarray
    weights: csr_matrix
    parts: np.ndarray


@lru_cache(None)
def sheet(name: str) -> Sheet:
    """The sheet called "skin" (body and eyes), "tights" or "scalp"."""
    mould = template()
    if name == "skin":
        faces = np.concatenate([mould.body, mould.eyes])
    elif name == "tights":
        faces = mould.tights
    else:
        on_head = np.isin(bone_parts()[mould.weights.argmax(1)], (1,))
        faces = mould.body[on_head[mould.body].all(1) | (mould.canonical[mould.body][:, :, 2] > 0.62).all(1)]
    source, numbers = np.unique(faces, return_inverse=True)
    faces = numbers.reshape(faces.shape).astype(np.int32)
    weights = mould.weights[source].astype(np.float32)
    main = bone_parts()[weights.argmax(1)]
    arms = np.isin(bone_parts(), (2, 3, 4, 5, 6, 7))
    return Sheet(
        source=source,
        faces=faces,
        canonical=mould.canonical[source].astype(np.float32),
        weights=csr_matrix(weights),
        parts=main,
        arm=weights[:, arms].sum(1),
        spread=_spread(faces, len(source), pinned=name == "tights"),
    )


def _spread(faces: np.ndarray, count: int, *, pinned: bool) -> csr_matrix:
    """Each vertex to the mean of its neighbours; border vertices stay where `pinned` (or sleeves would shrink)."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    both = np.concatenate([edges, edges[:, ::-1]])
    neighbours = coo_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), (count, count)).tocsr()
    neighbours.data[:] = 1
    mean = diags(1 / np.maximum(np.asarray(neighbours.sum(1)).ravel(), 1)) @ neighbours
    if pinned:
        unique, times = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
        border = np.zeros(count)
        border[unique[times == 1].ravel()] = 1
        mean = diags(1 - border) @ mean + diags(border)
    return mean.tocsr().astype(np.float32)


@lru_cache(None)
def smoothed_canonical(name: str, rounds: int) -> np.ndarray:
    """Canonical places smoothed as the cloth is: otherwise hems and stripes zigzag."""
    return sheet(name).smoothed(sheet(name).canonical, rounds)


def shell(body: Body, name: str, rounds: int, offset: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cloth around a body at rest: positions (N, 3) and canonical places (N, 3).

    Args:
        name: of the sheet.
        rounds: of smoothing: 4 follows the body, 40 bridges its hollows.
        offset: metres outside the body, for all or for each vertex.
    """
    cut = sheet(name)
    skin = body.vertices[cut.source]
    cloth = cut.smoothed(skin, rounds)
    outwards = vertex_normals(cloth, cut.faces)
    inside = ((skin - cloth) * outwards).sum(1)
    cloth = cloth + outwards * (np.maximum(inside, 0) + offset)[:, None]
    return cut.smoothed(cloth, 2, 0.6).astype(np.float32), smoothed_canonical(name, rounds)


def cut_out(
    cut: Sheet, layer: int, positions: np.ndarray, canonical: np.ndarray, keep: np.ndarray, parts: np.ndarray
) -> Piece:
    """A piece of a sheet: the faces in `keep` (F,), with positions, canonical places and parts for all N vertices."""
    faces = cut.faces[keep]
    used = np.zeros(len(positions), bool)
    used[faces.ravel()] = True
    numbers = np.cumsum(used) - 1
    return Piece(
        layer=layer,
        positions=positions[used].astype(np.float32),
        faces=numbers[faces].astype(np.int32),
        canonical=canonical[used].astype(np.float32),
        weights=cut.weights[np.flatnonzero(used)],
        parts=parts[used],
    )


def arm_parameter(canonical: np.ndarray) -> np.ndarray:
    """How far along an arm a canonical place is: 0 the shoulder joint, 0.5 the elbow, 1 the wrist."""
    place = canonical * np.array([1, 1, 1]) if canonical.ndim == 1 else canonical.copy()
    place[..., 0] = np.abs(place[..., 0])
    shoulder, elbow, wrist = map(np.array, (SHOULDER, ELBOW, WRIST))
    upper, lower = elbow - shoulder, wrist - elbow
    first = (place - shoulder) @ upper / (upper @ upper)
    second = (place - elbow) @ lower / (lower @ lower)
    return np.where(first < 1, 0.5 * first, 0.5 + 0.5 * np.maximum(second, 0))


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 at `low`, 1 at `high`, smooth between; as GLSL's, and `low` may be the greater one."""
    ratio = np.clip((value - low) / (high - low), 0, 1)
    return ratio * ratio * (3 - 2 * ratio)


def bone_weights(count: int, shares: dict[str, float | np.ndarray]) -> csr_matrix:
    """(count, B) sparse weights of a few bones by name; a share is one number or one for each vertex."""
    weights = np.zeros((count, len(template().bones)), np.float32)
    for bone, share in shares.items():
        weights[:, template().bone(bone)] = share
    return csr_matrix(weights)


def rigid(layer: int, solid: tuple[np.ndarray, np.ndarray], shares: dict[str, float | np.ndarray], part: int) -> Piece:
    """A solid that moves with some bones; its canonical place is its place at rest."""
    positions, faces = solid
    return Piece(
        layer=layer,
        positions=positions.astype(np.float32),
        faces=faces,
        canonical=positions.astype(np.float32),
        weights=bone_weights(len(positions), shares),
        parts=np.full(len(positions), part),
    )
