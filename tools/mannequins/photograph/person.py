"""A person: a body with clothes, hair and bags, built once at rest, then posed for every picture.

`Person.of(identity_attributes(seed, number)).posed(pose)` is a mesh with its joints; `uniforms` paint it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, vstack

from tools.mannequins.body.attributes import Attributes, identity_attributes
from tools.mannequins.body.body import Body, Pose, bone_parts, joint_regressor, skinned, skinning_weights, turn
from tools.mannequins.clothing.bags import carry
from tools.mannequins.clothing.cloth import Piece, cut_out, sheet
from tools.mannequins.clothing.clothes import Outfit, dress
from tools.mannequins.clothing.drape import Drape
from tools.mannequins.clothing.hair import grow
from tools.mannequins.clothing.headwear import wear
from tools.mannequins.photograph.paint import uniforms
from tools.mannequins.render.mesh import Layer, Mesh, Part, join, vertex_normals

__all__ = ["Person", "Posed", "identity_attributes"]


@dataclass(frozen=True, eq=False)
class Posed:
    """A person in a pose: feet on z = 0, facing -Y, root above the origin.

    Attributes:
        mesh: what to draw.
        joints: (17, 3) COCO joints, metres.
        height: of body, hair and shoes from the ground to the highest point, metres.
    """

    mesh: Mesh
    joints: np.ndarray
    height: float


class Person:
    """Attributes made flesh. `uniforms` are the shader's values by name. Building takes under 0.1 s: callers cache."""

    def __init__(self, attributes: Attributes, body: Body, outfit: Outfit, pieces: list[Piece]) -> None:
        self.attributes = attributes
        self.uniforms: dict[str, np.ndarray] = uniforms(attributes)
        self._body = body
        self._drapes: tuple[Drape, ...] = outfit.drapes
        self._bulk = outfit.bulk
        self._weights: csr_matrix = vstack([piece.weights for piece in pieces]).tocsr()
        self._positions = np.concatenate([piece.positions for piece in pieces])
        self._normals = np.concatenate([vertex_normals(piece.positions, piece.faces) for piece in pieces])
        self._canonical = np.concatenate([piece.canonical for piece in pieces]).astype(np.float32)
        self._aux = _aux(pieces, self._weights)
        starts = np.cumsum([0] + [len(piece.positions) for piece in pieces[:-1]])
        self._faces = np.concatenate([piece.faces + start for piece, start in zip(pieces, starts, strict=True)])
        self._faces = self._faces.astype(np.int32)
        # joints need body vertices that clothes hide and the mesh therefore lacks
        needed = np.unique(joint_regressor().indices)
        self._regressor = joint_regressor()[:, needed]
        self._joint_weights = skinning_weights()[needed]
        self._joint_positions = body.vertices[needed]

    @classmethod
    def of(cls, attributes: Attributes) -> Person:
        """The person of a record."""
        body = Body.of(attributes.phenotype())
        outfit = dress(attributes, body)
        pieces = [_skin(body, outfit.bare), *outfit.pieces]
        pieces += grow(attributes, body, outfit.bulk)
        pieces += wear(attributes, body, outfit.bulk)
        pieces += carry(attributes, body, outfit.bulk)
        return cls(attributes, body, outfit, [piece for piece in pieces if len(piece.faces)])

    def posed(self, pose: Pose, scale: float = 1.0) -> Posed:
        """The person in a pose, everything scaled by `scale`."""
        transforms = self._body.transforms(self._with_room(pose))
        positions, normals = skinned(self._weights, transforms, self._positions, self._normals)
        meshes = [Mesh(positions, normals, self._canonical, self._aux, self._faces)]
        under: list[np.ndarray] = []
        for drape in self._drapes:
            places, outwards = drape.posed(transforms, np.concatenate(under) if under else None)
            under.append(places)
            meshes.append(Mesh(places, outwards, drape.canonical, _drape_aux(drape), drape.faces.astype(np.int32)))
        mesh = join(meshes)
        joints, _ = skinned(self._joint_weights, transforms, self._joint_positions)
        ground = positions[self._aux[:, 0] == Layer.SHOE, 2].min()
        lift = np.array([0, 0, -ground], np.float32)
        placed = Mesh((mesh.positions + lift) * np.float32(scale), mesh.normals, mesh.canonical, mesh.aux, mesh.faces)
        worn = self._aux[:, 1] != Part.THING
        height = float((positions[worn, 2].max() - ground) * scale)
        return Posed(placed, (self._regressor @ joints + lift) * scale, height)

    def _with_room(self, pose: Pose) -> dict[str, np.ndarray]:
        """The pose with arms held off by what clothes add at the sides (thick cloth pushes arms outwards)."""
        out = min(2.2 * max(self._bulk - 0.012, 0), 0.12)
        pose = dict(pose)
        for side, sign in (("L", 1), ("R", -1)):
            bone = f"upperarm01.{side}"
            pose[bone] = turn("y", -sign * out) @ pose.get(bone, np.eye(3))
        return pose


def _skin(body: Body, bare: np.ndarray) -> Piece:
    skin = sheet("skin")
    keep = bare[skin.faces].any(1)
    return cut_out(skin, Layer.SKIN, body.vertices[skin.source], skin.canonical, keep, skin.parts)


def _aux(pieces: list[Piece], weights: csr_matrix) -> np.ndarray:
    parts = bone_parts()
    arm = np.isin(parts, (2, 3, 4, 5, 6, 7)).astype(np.float32)
    hand = np.isin(parts, (Part.HAND_L, Part.HAND_R)).astype(np.float32)
    layers = np.concatenate([np.full(len(piece.positions), piece.layer) for piece in pieces])
    return np.stack(
        [layers, np.concatenate([piece.parts for piece in pieces]), weights @ arm, weights @ hand], 1
    ).astype(np.float32)


def _drape_aux(drape: Drape) -> np.ndarray:
    aux = np.zeros((len(drape.canonical), 4), np.float32)
    aux[:, 0] = drape.layer
    z, x = drape.canonical[:, 2], drape.canonical[:, 0]
    leg = np.where(z > -0.45, np.where(x > 0, Part.THIGH_L, Part.THIGH_R), np.where(x > 0, Part.SHIN_L, Part.SHIN_R))
    aux[:, 1] = np.where(z > -0.08, Part.TORSO, leg)
    return aux
