"""Hair: a scalp grown outwards by a thickness that depends on the cut, and curtains, tails, buns and braids.

Every cut is one row of a table: how thick where, how lumpy, and what hangs from it. Which part of the scalp has hair
(the hairline) is decided in shaders/person.glsl by canonical places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.mannequins.body.attributes import Attributes
from tools.mannequins.body.body import Body
from tools.mannequins.body.template import template
from tools.mannequins.clothing.cloth import Piece, bone_weights, cut_out, rigid, sheet, shell, smoothstep
from tools.mannequins.render.mesh import Layer, Part, rounded_box, sheet_faces, tube, vertex_normals

__all__ = ["CUTS", "Cut", "grow"]


@dataclass(frozen=True)
class Cut:
    """One haircut.

    Attributes:
        side, top: thickness in metres above the ears and on the crown; front: more of it above the forehead.
        lump: depth of curls or tousles (metres), curl: how many of them in a metre.
        length: metres from the crown to the ends of a curtain of hair, 0 for none.
        ears: whether they show.
        wave: how much a curtain waves, metres.
    """

    side: float
    top: float
    front: float = 0.0
    lump: float = 0.002
    curl: float = 60.0
    length: float = 0.0
    ears: bool = True
    wave: float = 0.004


CUTS = {
    "bald": Cut(0.0, 0.0, lump=0),
    "receding": Cut(0.007, 0.006),
    "crop": Cut(0.004, 0.008, lump=0.001),
    "short": Cut(0.010, 0.022, 0.006, 0.004),
    "quiff": Cut(0.006, 0.026, 0.030, 0.005, 45),
    "curly": Cut(0.022, 0.040, 0.010, 0.011, 75, ears=False),
    "afro": Cut(0.024, 0.030, 0.005, 0.007, 60, ears=False),
    "bowl": Cut(0.020, 0.022, 0.012, 0.001, ears=False),
    "bob": Cut(0.016, 0.022, 0.002, 0.002, length=0.34, ears=False, wave=0.003),
    "long": Cut(0.012, 0.020, 0.002, 0.002, length=0.56, ears=False),
    "wavy": Cut(0.020, 0.028, 0.006, 0.006, 40, length=0.48, ears=False, wave=0.016),
    "ponytail": Cut(0.006, 0.012, 0.002, 0.001),
    "bun": Cut(0.006, 0.012, 0.002, 0.001),
    "topknot": Cut(0.004, 0.012, 0.0, 0.001),
    "braid": Cut(0.007, 0.012, 0.002, 0.001),
    "braids": Cut(0.007, 0.012, 0.002, 0.001, ears=False),
}


def grow(person: Attributes, body: Body, bulk: float) -> list[Piece]:
    """The pieces of a person's hair at rest; `bulk` is what clothes add at the neck, metres."""
    cut = CUTS[person.hair]
    if person.headwear in ("headscarf", "hood"):
        return []
    pieces = []
    if cut.top:
        pieces.append(_scalp(person, body, cut))
    if cut.length:
        pieces.append(_curtain(person, body, cut, bulk))
    extra = {"ponytail": _ponytail, "bun": _bun, "topknot": _topknot, "braid": _braid, "braids": _braids}
    if person.hair in extra:
        pieces += extra[person.hair](person, _Skull.of(body))
    return pieces


@dataclass(frozen=True)
class _Skull:
    """Where a head at rest has its crown, back, sides and neck, metres; `scale` against the reference head."""

    top: float
    back: float
    side: float
    middle: float
    scale: float

    @classmethod
    def of(cls, body: Body) -> _Skull:
        scalp = sheet("scalp")
        head = body.vertices[scalp.source[scalp.canonical[:, 2] > 0.74]]
        reference = scalp.canonical[scalp.canonical[:, 2] > 0.74]
        return cls(
            top=float(head[:, 2].max()),
            back=float(head[:, 1].max()),
            side=float(head[:, 0].max()),
            middle=float((head[:, 1].max() + head[:, 1].min()) / 2),
            scale=float(np.ptp(head[:, 1]) / np.ptp(reference[:, 1])),
        )


def _scalp(person: Attributes, body: Body, cut: Cut) -> Piece:
    scalp = sheet("scalp")
    x, y, z = scalp.canonical.T
    crown, front = smoothstep(0.76, 0.84, z), smoothstep(-0.06, -0.11, y) * smoothstep(0.76, 0.80, z)
    nape = smoothstep(0.72, 0.64, z)
    volume = 0.65 + 0.75 * person.hair_volume
    thick = (cut.side + (cut.top - cut.side) * crown + cut.front * front) * volume
    if person.hair not in ("afro", "curly"):
        thick = thick * (1 - 0.6 * nape)
        part = person.parting * 0.09
        thick = thick * (1 - 0.45 * np.exp(-(((x - part) / 0.012) ** 2)) * smoothstep(0.0, -0.05, y))
    thick = thick * (0.35 + 0.65 * smoothstep(0.64, 0.74, z))
    if person.headwear in ("cap", "backwards", "beanie", "bucket", "brim"):
        thick = np.minimum(thick, 0.006 + 0.03 * smoothstep(0.745, 0.70, z))  # pressed down under the hat
    grown, _ = shell(body, "scalp", 10, thick + 0.003)
    if person.hair == "afro" and person.headwear == "none":
        grown = _rounded(grown, scalp.canonical, _Skull.of(body), person.hair_volume)
    lumps = cut.lump * volume * _tousle(scalp.canonical, cut.curl, person.wrinkles) * np.minimum(thick / 0.02, 1)
    grown = grown + vertex_normals(grown, scalp.faces) * lumps[:, None].astype(np.float32)
    # the shader's hairline cuts finely; the face, which it would cut wholly, need not be drawn
    hairy = (z > 0.60) & ((y > -0.075) | (z > 0.745))
    return cut_out(scalp, Layer.HAIR, grown, scalp.canonical, hairy[scalp.faces].any(1), scalp.parts)


def _rounded(hair: np.ndarray, canonical: np.ndarray, skull: _Skull, volume: float) -> np.ndarray:
    """Hair drawn out to a ball about the head, less so at the forehead's edge and the nape."""
    centre = np.array([0, skull.middle + 0.02, skull.top - 0.085 * skull.scale], np.float32)
    out = hair - centre
    distance = np.linalg.norm(out, axis=1, keepdims=True)
    radius = (0.130 + 0.045 * volume) * skull.scale
    share = smoothstep(0.64, 0.74, canonical[:, 2]) * smoothstep(-0.125, -0.085, canonical[:, 1])
    grown = np.maximum(distance, distance + (radius - distance) * share[:, None])
    return (centre + out / distance * grown).astype(np.float32)


def _tousle(canonical: np.ndarray, curl: float, phase: float) -> np.ndarray:
    """(N,) between -1 and 1: lumps of a size, by sums of waves in three oblique directions."""
    directions = np.array([[0.7, 0.5, 0.5], [-0.6, 0.7, 0.4], [0.2, -0.5, 0.8], [0.8, -0.3, -0.5]])
    waves = np.sin(curl * 2 * np.pi / 2 * canonical @ directions.T + phase * np.array([1, 2, 3, 5]))
    return waves.sum(1) / 2.4


def _curtain(person: Attributes, body: Body, cut: Cut, bulk: float) -> Piece:
    """Hair that hangs from the crown behind the face, onto the shoulders and the back."""
    skull = _Skull.of(body)
    rows, columns = 18, 30
    hooded = person.top == "hoodie" or person.outer == "raincoat"
    length = cut.length * (0.85 + 0.35 * person.hair_volume) * skull.scale
    begin = 0.03 if person.headwear == "none" else 0.10  # under a hat
    down = np.linspace(begin, length, rows)[:, None] * np.ones(columns)
    angle = np.linspace(-2.25, 2.25, columns)[None] * np.ones((rows, 1))
    inwards = smoothstep(0.10, 0.20, down) * smoothstep(1.3, 2.2, np.abs(angle))  # closes in along the cheeks
    head = np.sqrt(np.clip(1 - np.clip((0.10 - down) / 0.12, 0, 1) ** 2, 0.05, 1))
    shoulder = smoothstep(0.17, 0.30, down)
    thick = (cut.side * 0.7 + 0.008) * (0.7 + 0.7 * person.hair_volume)
    neck = smoothstep(0.13, 0.24, down) * (1 - shoulder)
    wide = (skull.side * 0.98 + thick) * head * (1 - 0.10 * neck) + 0.012 * shoulder
    clothes = 0.030 + 1.3 * bulk + 0.03 * hooded
    deep = (skull.back - skull.middle + thick) * head * (1 - 0.25 * neck) + clothes * shoulder
    wave = cut.wave * np.sin(38 * down + 3 * np.sin(2.2 * angle + person.wrinkles)) * smoothstep(0.1, 0.25, down)
    lock = 0.004 * np.sin(9 * angle + person.wrinkles) * smoothstep(0.05, 0.2, down)
    x = np.sin(angle) * (wide + wave + lock)
    y = skull.middle + 0.012 + np.cos(angle) * (deep + wave + lock) + 0.012 * inwards
    y = np.where(shoulder > 0, np.maximum(y, y * (1 - 0.4 * shoulder) - 0.02 * shoulder), y)
    positions = np.stack([x, y, skull.top - down], -1).reshape(-1, 3)
    fall = smoothstep(0.2, 0.5, down.ravel())
    canonical = positions.copy()
    canonical[:, 2] += scalp_top() - skull.top
    return Piece(
        layer=Layer.LONG_HAIR,
        positions=positions.astype(np.float32),
        faces=sheet_faces(rows, columns),
        canonical=canonical.astype(np.float32),
        weights=bone_weights(len(positions), {"head": 1 - fall, "neck01": 0.4 * fall, "spine01": 0.6 * fall}),
        parts=np.full(len(positions), Part.HEAD),
    )


def scalp_top() -> float:
    """The reference body's crown, canonical metres."""
    return float(template().canonical[sheet("scalp").source, 2].max())


def _ponytail(person: Attributes, skull: _Skull) -> list[Piece]:
    low = person.hair_volume * 0.06
    length = 0.16 + 0.24 * ((person.wrinkles * 5.7) % 1)
    share = np.linspace(0, 1, 9)
    path = np.stack(
        [0 * share, skull.back + 0.012 + 0.055 * np.sin(np.pi * np.minimum(share * 1.1, 1)) * (1 - 0.5 * share),
         skull.top - 0.07 - low - length * share**1.2], 1,
    )  # fmt: skip
    radius = np.interp(share, [0, 0.12, 0.35, 0.8, 1], [0.016, 0.024, 0.030, 0.022, 0.004])
    fall = np.repeat(smoothstep(0.3, 1.0, share), 8)
    shares = {"head": 1 - 0.5 * fall, "spine01": 0.5 * fall}
    return [rigid(Layer.HAIR_PIECE, tube(path, radius), shares, Part.HEAD)]


def _bun(person: Attributes, skull: _Skull) -> list[Piece]:
    size = 0.034 + 0.02 * person.hair_volume
    low = 0.16 if person.parting < 0 else 0.08
    solid = rounded_box(
        (size, size * 0.85, size), (0, skull.back + 0.018 - (low > 0.1) * 0.02, skull.top - low), power=1
    )
    return [rigid(Layer.HAIR_PIECE, solid, {"head": 1.0}, Part.HEAD)]


def _topknot(person: Attributes, skull: _Skull) -> list[Piece]:
    size = 0.026 + 0.016 * person.hair_volume
    solid = rounded_box((size, size, size), (0, skull.middle + 0.03, skull.top + 0.022), power=1)
    return [rigid(Layer.HAIR_PIECE, solid, {"head": 1.0}, Part.HEAD)]


def _plait(start: np.ndarray, end: np.ndarray, thickness: float, back: float) -> tuple[np.ndarray, np.ndarray]:
    share = np.linspace(0, 1, 25)[:, None]
    path = start + (end - start) * share + np.array([0, back, 0]) * np.sin(np.pi * share)
    radius = thickness * (1.05 - 0.45 * share[:, 0]) * (0.82 + 0.18 * np.abs(np.sin(9 * np.pi * share[:, 0])))
    radius[-1] = 0.004
    return tube(path, radius)


def _braid(person: Attributes, skull: _Skull) -> list[Piece]:
    start = np.array([0, skull.back + 0.006, skull.top - 0.15])
    end = np.array([0, skull.back + 0.035, skull.top - 0.42 - 0.15 * person.hair_volume])
    fall = np.repeat(np.linspace(0, 1, 25), 8)
    shares = {"head": 1 - 0.8 * fall, "spine01": 0.8 * fall}
    return [rigid(Layer.HAIR_PIECE, _plait(start, end, 0.026, 0.02), shares, Part.HEAD)]


def _braids(person: Attributes, skull: _Skull) -> list[Piece]:
    fall = np.repeat(np.linspace(0, 1, 25), 8)
    shares = {"head": 1 - 0.8 * fall, "spine01": 0.8 * fall}
    pieces = []
    for sign in (1, -1):
        start = np.array([sign * skull.side * 0.95, skull.middle + 0.05, skull.top - 0.16])
        end = np.array([sign * skull.side * 1.15, skull.middle - 0.03, skull.top - 0.40 - 0.12 * person.hair_volume])
        pieces.append(rigid(Layer.HAIR_PIECE, _plait(start, end, 0.018, -0.01), shares, Part.HEAD))
    return pieces
