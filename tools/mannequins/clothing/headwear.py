"""What is worn on the head and around the neck: caps, beanies, brimmed hats, headscarves, hoods, scarves."""

from __future__ import annotations

import numpy as np

from tools.mannequins.body.attributes import Attributes
from tools.mannequins.body.body import Body
from tools.mannequins.clothing.bags import surface
from tools.mannequins.clothing.cloth import Piece, bone_weights, cut_out, rigid, sheet, shell, smoothstep
from tools.mannequins.clothing.hair import CUTS, scalp_top
from tools.mannequins.render.mesh import Layer, Part, rounded_box, sheet_faces, tube

__all__ = ["wear"]

BAND = 0.775  # canonical height of a hat's lower edge at the forehead


def wear(person: Attributes, body: Body, bulk: float) -> list[Piece]:
    """The pieces of a person's headwear and scarf at rest; `bulk` is what clothes add at the neck, metres."""
    pieces = []
    if person.headwear in ("cap", "backwards", "beanie", "bucket", "brim"):
        pieces.append(_crown(person, body))
    if person.headwear in ("cap", "backwards"):
        pieces.append(_visor(body, backwards=person.headwear == "backwards"))
    if person.headwear in ("bucket", "brim"):
        pieces.append(_brim(body, person.headwear))
    if person.headwear in ("headscarf", "hood"):
        pieces += _veil(person, body, bulk)
    if person.scarf != "none":
        pieces += _scarf(person, body, bulk)
    if (person.top == "hoodie" and person.outer == "none") or person.outer == "raincoat":
        if person.headwear != "hood":
            pieces.append(_hood_down(person, body, bulk))
    return pieces


def _crown(person: Attributes, body: Body) -> Piece:
    """The scalp, smoothed, outside the hair, higher for soft hats."""
    scalp = sheet("scalp")
    z = scalp.canonical[:, 2]
    hair = min(CUTS[person.hair].top, 0.012) + 0.012
    rise = {"beanie": 0.022, "bucket": 0.02, "brim": 0.035, "cap": 0.012, "backwards": 0.012}[person.headwear]
    thick = hair + rise * smoothstep(0.79, 0.84, z) + 0.005 * (person.headwear == "beanie") * smoothstep(0.79, 0.78, z)
    crown, _ = shell(body, "scalp", 30, thick)
    if person.headwear in ("brim", "bucket"):  # a flat top
        top = crown[:, 2].max()
        crown[:, 2] = np.where(crown[:, 2] > top - 0.03, top - 0.03 + 0.35 * (crown[:, 2] - top + 0.03), crown[:, 2])
    keep = (z[scalp.faces] > 0.70).any(1)
    return cut_out(scalp, Layer.HAT, crown, scalp.canonical, keep, np.full(len(crown), Part.HEAD))


def _head(body: Body, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Middle (3,) and half width and depth (2,) of the head at a canonical height."""
    scalp = sheet("scalp")
    near = np.abs(scalp.canonical[:, 2] - height) < 0.012
    ring = body.vertices[scalp.source[near]]
    low, high = ring.min(0), ring.max(0)
    return (low + high) / 2, (high - low)[:2] / 2


def _visor(body: Body, *, backwards: bool) -> Piece:
    """A cap's peak: a curved plate before the forehead, or behind."""
    middle, half = _head(body, BAND + 0.01)
    rows, columns = 4, 13
    out = np.linspace(0, 1, rows)[:, None] * np.ones(columns)
    angle = np.linspace(-1.05, 1.05, columns)[None] * np.ones((rows, 1))
    reach = out * 0.075 * np.cos(angle) ** 0.6
    x = np.sin(angle) * (half[0] + 0.004 + 0.014 * np.minimum(3 * out, 1))
    y = -np.cos(angle) * (half[1] + 0.002) - reach
    z = 0.004 - 0.014 * out - 0.018 * np.sin(angle) ** 2
    if backwards:
        y = -y
    positions = np.stack([middle[0] + x, middle[1] + y, middle[2] + z], -1).reshape(-1, 3)
    return rigid(Layer.BRIM, (positions, sheet_faces(rows, columns)), {"head": 1.0}, Part.HEAD)


def _brim(body: Body, kind: str) -> Piece:
    """The ring of a hat: hanging for a bucket hat, level for others."""
    middle, half = _head(body, BAND + 0.008)
    rows, columns = 4, 28
    width, drop = (0.05, 0.035) if kind == "bucket" else (0.065, 0.008)
    out = np.linspace(0, 1, rows)[:, None] * np.ones(columns)
    angle = np.linspace(-np.pi, np.pi, columns, endpoint=False)[None] * np.ones((rows, 1))
    x = np.cos(angle) * (half[0] - 0.006 + (width + 0.02) * out)
    y = np.sin(angle) * (half[1] - 0.006 + (width + 0.02) * out)
    z = -drop * out + 0.006 * np.cos(2 * angle) * out
    positions = np.stack([middle[0] + x, middle[1] + y, middle[2] + z], -1).reshape(-1, 3)
    return rigid(Layer.BRIM, (positions, sheet_faces(rows, columns, closed=True)), {"head": 1.0}, Part.HEAD)


def _veil(person: Attributes, body: Body, bulk: float) -> list[Piece]:
    """A headscarf, or a hood that is up: a shell about the head, open at the face, and cloth about the neck."""
    scalp = sheet("scalp")
    y, z = scalp.canonical[:, 1], scalp.canonical[:, 2]
    hood = person.headwear == "hood"
    bun = 0.02 * np.exp(-((z - 0.76) ** 2) / 0.004) * smoothstep(0.0, 0.06, y)  # hair tied behind
    thick = (0.026 if hood else 0.013) + bun + 0.012 * smoothstep(0.80, 0.845, z) * hood
    layer = Layer.HAT if hood else Layer.SCARF
    cloth, _ = shell(body, "scalp", 24, thick)
    parts = np.full(len(cloth), Part.HEAD)
    pieces = [cut_out(scalp, layer, cloth, scalp.canonical, np.ones(len(scalp.faces), bool), parts)]
    # from under the chin over the neck to the shoulders
    rows, columns = 9, 36
    chin, half = _head(body, 0.655)
    base = body.head("neck01")
    share = np.linspace(0, 1, rows)[:, None] * np.ones(columns)
    angle = np.linspace(-np.pi, np.pi, columns, endpoint=False)[None] * np.ones((rows, 1))
    low = -0.02 if hood else -0.05 - 0.03 * person.hair_volume
    wide = np.interp(share, [0, 0.35, 1], [half[0] * 0.98 + 0.006, 0.088, 0.115 if hood else 0.145 + bulk])
    deep = np.interp(share, [0, 0.35, 1], [half[1] * 0.80, 0.088, 0.10 if hood else 0.118 + bulk])
    fold = 0.008 * np.sin(7 * angle + 9 * share + person.wrinkles) * smoothstep(0.1, 0.5, share)
    middle_y = chin[1] + 0.012 + (base[1] - 0.005 - chin[1]) * share**0.7
    x, y = np.cos(angle) * (wide + fold), middle_y + np.sin(angle) * (deep + fold)
    front = smoothstep(0.2, -1.0, np.sin(angle))
    z = chin[2] - 0.004 + (base[2] + low - chin[2]) * share - 0.03 * front * share + 0.035 * (1 - front) * (1 - share)
    z = z - 0.02 * np.abs(np.cos(angle)) * smoothstep(0.6, 1.0, share)
    positions = np.stack([x, y, z], -1).reshape(-1, 3).astype(np.float32)
    up = (1 - share.ravel()) ** 1.2
    canonical = positions + np.array([0, 0, 0.60 - chin[2]], np.float32) * 0
    canonical[:, 2] += scalp_top() - body.vertices[scalp.source, 2].max()
    pieces.append(
        Piece(
            layer=Layer.SCARF if not hood else Layer.HAT,
            positions=positions,
            faces=sheet_faces(rows, columns, closed=True)[:, ::-1],
            canonical=canonical,
            weights=bone_weights(len(positions), {"head": 0.9 * up, "neck01": 0.1 * up + 0.3 * (1 - up),
                                                  "spine01": 0.7 * (1 - up)}),
            parts=np.full(len(positions), Part.NECK),
        )
    )  # fmt: skip
    return pieces


def _scarf(person: Attributes, body: Body, bulk: float) -> list[Piece]:
    """A scarf wound about the neck, one end hanging over the chest."""
    base = body.head("neck01")
    turn = np.linspace(0, 4 * np.pi, 57)
    first, wobble = turn < 2 * np.pi, 0.006 * np.sin(3.7 * turn + person.wrinkles)
    wide = np.where(first, 0.072, 0.080) + 0.5 * bulk + wobble
    deep = np.where(first, 0.076, 0.084) + 0.5 * bulk + wobble
    height = base[2] + np.where(first, 0.022, -0.016) + 0.026 * np.sin(turn + 0.4) + wobble
    path = np.stack([wide * np.cos(turn), base[1] - 0.012 + deep * np.sin(turn), height], 1)
    thickness = 0.021 + 0.005 * np.sin(5 * turn + person.wrinkles)
    shares = {"neck01": 0.5, "spine01": 0.5}
    pieces = [rigid(Layer.SCARF, tube(path, thickness, segments=8), shares, Part.NECK)]
    if person.wrinkles % 1 < 0.6:
        front = surface(body, 0.28, 0.42, lowest=True) - 0.010 - 1.2 * bulk
        sign = 1 if person.side == "L" else -1
        end = rounded_box((0.042, 0.012, 0.13), (0.045 * sign, front, base[2] - 0.18), power=0.5)
        pieces.append(rigid(Layer.SCARF, end, {"spine01": 0.6, "spine02": 0.4}, Part.TORSO))
    return pieces


def _hood_down(person: Attributes, body: Body, bulk: float) -> Piece:
    """A hood that lies on the back of the shoulders."""
    base = body.head("neck01")
    share = np.linspace(0, 1, 25)
    turn = np.pi * (-0.12 + 1.24 * share)  # from one collarbone around the back to the other
    path = np.stack(
        [(0.085 + 0.4 * bulk) * np.cos(turn), base[1] - 0.01 + (0.085 + 0.5 * bulk) * np.sin(turn),
         base[2] - 0.03 + 0.0 * turn + 0.018 * np.sin(turn)], 1,
    )  # fmt: skip
    thickness = 0.014 + 0.030 * np.maximum(np.sin(np.pi * share), 0) ** 1.2
    layer = Layer.TOP if person.top == "hoodie" and person.outer == "none" else Layer.OUTER
    piece = rigid(layer, tube(path, thickness, segments=10), {"neck01": 0.3, "spine01": 0.7}, Part.TORSO)
    canonical = piece.canonical.copy()
    canonical[:, 2] = 0.50  # below the neckline, or the shader would cut it off
    canonical[:, 1] = np.maximum(canonical[:, 1], 0.0)
    return Piece(layer, piece.positions, piece.faces, canonical, piece.weights, piece.parts)
