"""A body of one shape: its rest, and its bones' transforms in a pose (anny's `local-ref` forward kinematics in numpy).

A pose is `{bone name: (3, 3) rotation}` in the rest body's axes; bones that are not named keep their rest.

>>> (turn("z", np.pi / 2) @ [1, 0, 0]).round(6).tolist()
[0.0, 1.0, 0.0]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_matrix

from tools.mannequins.body.template import PHENOTYPES, template
from tools.mannequins.render.mesh import Part

__all__ = ["Body", "Pose", "bone_parts", "joint_regressor", "skinned", "skinning_weights", "turn"]

Pose = Mapping[str, np.ndarray]

# what anny interpolates a phenotype between, in the order of the template's masks
AGES = np.linspace(-1 / 3, 1, 5)  # newborn, baby, child, young, old
ANCHORS = {
    "gender": np.linspace(0, 1, 2),  # male, female
    "age": AGES,
    "muscle": np.linspace(0, 1, 3),
    "weight": np.linspace(0, 1, 3),
    "height": np.linspace(0, 1, 2),
    "proportions": np.linspace(0, 1, 2),
    "cupsize": np.linspace(0, 1, 3),
    "firmness": np.linspace(0, 1, 3),
}


def turn(axis: str, angle: float) -> np.ndarray:
    """(3, 3) rotation about an axis by an angle (radians, right-handed)."""
    cos, sin = np.cos(angle), np.sin(angle)
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    rotation = np.eye(3)
    rotation[i, i] = rotation[j, j] = cos
    rotation[i, j], rotation[j, i] = -sin, sin
    return rotation


@dataclass(frozen=True)
class Body:
    """One body shape at rest.

    Attributes:
        vertices: (V, 3) float32 metres, root at 0 (all of the template's vertices, helpers too).
        heads: (B, 3) the bones' heads in the same frame.
        rests: (B, 3, 3) the bones' rest orientations.
        root: (3,) where anny has the root of this rest.
    """

    vertices: np.ndarray
    heads: np.ndarray
    rests: np.ndarray
    root: np.ndarray

    @classmethod
    def of(cls, phenotype: Mapping[str, float]) -> Body:
        """The body of a phenotype: gender (0 male, 1 female), age (1/3 child, 2/3 young, 1 old), muscle, weight,
        height, proportions, each 0..1; what is not named is 0.5.
        """
        mould = template()
        shapes = (_corner_weights(phenotype) @ mould.projection).astype(np.float32)
        vertices = mould.vertices + np.tensordot(shapes, mould.vertex_shapes, 1)
        heads = mould.heads + np.tensordot(shapes, mould.head_shapes, 1)
        rests = _nearest_rotations(mould.orientation + np.tensordot(shapes, mould.orientation_shapes, 1))
        rests[0] = np.eye(3)  # anny keeps the root upright
        return cls(vertices=vertices - heads[0], heads=heads - heads[0], rests=rests, root=heads[0])

    def head(self, bone: str) -> np.ndarray:
        """(3,) where a bone begins, at rest."""
        return self.heads[template().bone(bone)]

    def transforms(self, pose: Pose) -> np.ndarray:
        """(B, 3, 4) float32: what maps a point at rest to the pose, the root staying at 0, one for each bone.

        With rest R, h of a bone, reference orientation U, delta D and parent p: the posed bone is
        W = W_p [U_pᵀ D U | U_pᵀ A_p (h - h_p)], where A = U Rᵀ, and A_root = 1.
        """
        mould = template()
        reference = mould.reference.astype(float)
        parents = mould.parents
        deltas = np.tile(np.eye(3), (len(parents), 1, 1))
        for name, rotation in pose.items():
            deltas[mould.bone(name)] = rotation
        above = np.maximum(parents, 0)
        to_reference = reference @ self.rests.transpose(0, 2, 1)
        to_reference[0] = np.eye(3)
        above_reference = reference[above].transpose(0, 2, 1)
        local = above_reference @ deltas @ reference
        steps = self.heads - self.heads[above]
        offsets = np.einsum("bij,bjk,bk->bi", above_reference, to_reference[above], steps)
        turned, moved = np.empty_like(local), np.empty_like(offsets, dtype=float)
        turned[0] = reference[0].T @ deltas[0] @ reference[0]
        moved[0] = 0
        for bone in range(1, len(parents)):
            parent = parents[bone]
            turned[bone] = turned[parent] @ local[bone]
            moved[bone] = turned[parent] @ offsets[bone] + moved[parent]
        rotations = turned @ self.rests.transpose(0, 2, 1)
        translations = moved - np.einsum("bij,bj->bi", rotations, self.heads)
        return np.concatenate([rotations, translations[:, :, None]], 2).astype(np.float32)


def skinned(
    weights: csr_matrix, transforms: np.ndarray, positions: np.ndarray, normals: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Linear blend skinning: positions (V, 3) at rest to the pose, and normals likewise (not renormalised)."""
    blended = (weights @ transforms.reshape(len(transforms), 12)).reshape(-1, 3, 4)
    moved = np.einsum("vij,vj->vi", blended[:, :, :3], positions) + blended[:, :, 3]
    return moved, None if normals is None else np.einsum("vij,vj->vi", blended[:, :, :3], normals)


@lru_cache(1)
def skinning_weights() -> csr_matrix:
    """(V, B) of the template."""
    return csr_matrix(template().weights.astype(np.float32))


@lru_cache(1)
def joint_regressor() -> csr_matrix:
    """(17, V): COCO joints from the template's vertices."""
    return csr_matrix(template().regressor.astype(np.float32))


@lru_cache(1)
def bone_parts() -> np.ndarray:
    """(B,) the part each bone moves.

    >>> _part_of("lowerarm02.R").name
    'FOREARM_R'
    """
    return np.array([_part_of(str(bone)) for bone in template().bones])


def _part_of(bone: str) -> Part:
    starts = (
        (("head", "eye"), "HEAD"),
        (("neck",), "NECK"),
        (("upperarm",), "UPPER_ARM_"),
        (("lowerarm",), "FOREARM_"),
        (("wrist", "finger", "meta"), "HAND_"),
        (("upperleg",), "THIGH_"),
        (("lowerleg",), "SHIN_"),
        (("foot", "toe"), "FOOT_"),
    )
    for beginnings, part in starts:
        if bone.startswith(beginnings):
            return Part[part + bone[-1] if part.endswith("_") else part]
    return Part.TORSO


def _corner_weights(phenotype: Mapping[str, float]) -> np.ndarray:
    """(C,) how much of each corner of the phenotypes' box; every corner is a product of interpolation weights."""
    unknown = set(phenotype) - set(PHENOTYPES)
    if unknown:
        raise ValueError(f"unknown phenotypes {sorted(unknown)}; there are {PHENOTYPES}")
    values = [np.full(3, 1 / 3)]  # the mean of the three corners that anny leaves out by default
    for name, anchors in ANCHORS.items():
        value = float(np.clip(phenotype.get(name, 0.5), anchors[0], anchors[-1]))
        values.append(np.array([np.interp(value, anchors, row) for row in np.eye(len(anchors))]))
    masks = template().masks
    return np.prod(np.concatenate(values)[None] * masks + (1 - masks), axis=1)


def _nearest_rotations(matrices: np.ndarray) -> np.ndarray:
    """The rotation nearest to each (B, 3, 3) matrix, by singular values (Procrustes)."""
    left, _, right = np.linalg.svd(matrices.astype(float))
    left[:, :, 2] *= np.linalg.det(left @ right)[:, None]
    return left @ right
