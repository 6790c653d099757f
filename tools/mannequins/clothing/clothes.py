"""Clothes: which sheets and drapes dress a body, and how much of what lies under them is left out.

Three kinds of cloth: close ones are shells around the body (the template's tights, see cloth.py); loose ones are a
shell over shoulders and arms and a drape from the chest down; skirts, dresses' skirts and coats' tails are drapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import vstack

from tools.mannequins.body.attributes import Attributes
from tools.mannequins.body.body import Body
from tools.mannequins.clothing.cloth import Piece, arm_parameter, cut_out, sheet, shell, smoothstep
from tools.mannequins.clothing.drape import Drape, Inside
from tools.mannequins.render.mesh import Layer

__all__ = ["Outfit", "dress"]

CHEST = 0.31  # canonical height where loose tops begin to hang
WAIST = 0.085  # canonical height of a waistband


@dataclass(frozen=True)
class Cut:
    """How a garment is cut: metres off the body, rounds of smoothing, and, of a loose one, its drape's taper."""

    offset: float
    rounds: int
    taper: float = 0.25
    hangs: bool = False


TOPS = {
    "tee": Cut(0.009, 14), "longsleeve": Cut(0.008, 12), "shirt": Cut(0.012, 18), "polo": Cut(0.010, 14),
    "blouse": Cut(0.012, 18), "tank": Cut(0.005, 6), "hoodie": Cut(0.019, 26, 0.3, True),
    "sweater": Cut(0.015, 22, 0.4), "turtleneck": Cut(0.008, 10), "tracksuit": Cut(0.015, 22, 0.3, True),
    "dress": Cut(0.007, 8),
}  # fmt: skip
OUTERS = {
    "jacket": Cut(0.021, 28, 0.25, True), "denim": Cut(0.017, 24, 0.4, True), "bomber": Cut(0.025, 28, 0.5, True),
    "puffer": Cut(0.036, 30, 0.4, True), "blazer": Cut(0.018, 26, 0.5, True), "cardigan": Cut(0.016, 22, 0.3, True),
    "vest": Cut(0.026, 28, 0.3, True), "coat": Cut(0.024, 30, 0.25, True), "raincoat": Cut(0.022, 28, 0.15, True),
}  # fmt: skip
# offset, rounds, widening at the hem as a share of the leg's radius
BOTTOMS = {
    "jeans": (0.008, 7, 0.16), "slim": (0.005, 5, 0.0), "chinos": (0.008, 8, 0.14), "wide": (0.012, 10, 0.5),
    "joggers": (0.012, 9, 0.18), "leggings": (0.002, 2, 0.0), "cargo": (0.012, 9, 0.28), "shorts": (0.013, 9, 0.3),
}  # fmt: skip


@dataclass(frozen=True)
class Outfit:
    """What dresses a person: skinned pieces, drapes from the innermost to the outermost, and what they hide.

    Attributes:
        bare: (V,) of the skin's sheet, True where it must be drawn.
        bulk: metres that clothes add at the chest, for what is worn over them.
    """

    pieces: tuple[Piece, ...]
    drapes: tuple[Drape, ...]
    bare: np.ndarray
    bulk: float


def dress(person: Attributes, body: Body) -> Outfit:
    """The clothes of a person on their body at rest."""
    tights = sheet("tights")
    pieces, drapes = [], []
    top, outer = TOPS[person.top], OUTERS.get(person.outer)
    hangs_below = _bottom(person, body, pieces, drapes)
    # a top worn over trousers lies outside them
    over = BOTTOMS.get(person.bottom, (0.006,))[0] * smoothstep(0.2, 0.1, tights.canonical[:, 2]) * (tights.arm < 0.1)
    top_cloth, canonical = shell(body, "tights", top.rounds, top.offset + 0.006 * person.fit + over)
    trunk = _inside(top_cloth, canonical, (tights.arm < 0.2) & (canonical[:, 2] > -0.02) & (canonical[:, 2] < 0.45))
    below = hangs_below if hangs_below is not None else trunk
    hangs = top.hangs or person.fit > 0.3 or person.bottom == "skirt"  # close cloth cannot lie over a skirt
    loose = person.top_hem < 0.03 and hangs and person.top not in ("tank", "dress")
    if loose:
        inside = _both(trunk, below)
        drapes.append(
            Drape.of(
                body, inside, layer=Layer.TOP, top=CHEST, hem=person.top_hem, ease=0.004 + 0.010 * person.fit,
                taper=top.taper + 0.3 * (1 - person.fit), fold=0.012, folds=7, phase=person.wrinkles,
            )
        )  # fmt: skip
    at = arm_parameter(canonical)
    on_arm = tights.arm > 0.15
    keep = np.where(on_arm, at < person.sleeve + 0.08, canonical[:, 2] > (CHEST - 0.05 if loose else person.top_hem))
    if outer is not None:
        keep &= ~_hidden_by_outer(person, canonical, tights.arm, at)
    pieces.append(_piece(Layer.TOP, top_cloth, canonical, keep))
    if outer is not None:
        _outer(person, body, outer, _both(trunk, below), pieces, drapes)
    _feet(person, body, pieces)
    bulk = (outer.offset if outer else 0.0) + top.offset
    return Outfit(tuple(pieces), tuple(drapes), _bare(person), bulk)


def _bottom(person: Attributes, body: Body, pieces: list[Piece], drapes: list[Drape]) -> Inside | None:
    """Trousers, skirt or dress, and what is worn on the legs; returns what a top hangs over."""
    tights = sheet("tights")
    legs = tights.arm < 0.1
    below = None
    if person.bottom in BOTTOMS:
        offset, rounds, widening = BOTTOMS[person.bottom]
        cloth, canonical = shell(body, "tights", rounds, offset)
        cloth = _widened(body, cloth, canonical, widening, person.bottom)
        z = canonical[:, 2]
        pieces.append(_piece(Layer.BOTTOM, cloth, canonical, legs & (z < 0.14) & (z > person.bottom_hem - 0.05)))
        below = _inside(cloth, canonical, legs & (z < 0.12))
    if person.bottom in ("skirt", "none", "shorts") and person.legwear != "bare":
        cloth, canonical = shell(body, "tights", 2, 0.002)
        pieces.append(_piece(Layer.LEGWEAR, cloth, canonical, legs & (canonical[:, 2] < 0.05)))
    if person.bottom in ("skirt", "none"):
        cloth, canonical = shell(body, "tights", 4, 0.004)
        below = _inside(cloth, canonical, legs & (canonical[:, 2] < 0.16))
        wide = (person.wrinkles * 7.3) % 1  # how much the skirt flares: its own draw, from 0 to 1
        wide *= 0.5 if person.outer_hem < -0.2 else 1.0
        drapes.append(
            Drape.of(
                body, below, layer=Layer.SKIRT, top=WAIST + 0.03, hem=person.bottom_hem, ease=0.006,
                taper=0.45 - 0.4 * wide, flare=0.02 + 0.22 * wide**2, fold=0.008 + 0.035 * wide,
                folds=7 + int(7 * ((person.wrinkles * 3.1) % 1)), phase=person.wrinkles,
            )
        )  # fmt: skip
    return below


def _outer(person: Attributes, body: Body, cut: Cut, inside: Inside, pieces: list[Piece], drapes: list[Drape]) -> None:
    tights = sheet("tights")
    offset = max(cut.offset + 0.004, TOPS[person.top].offset + 0.006 * person.fit + 0.010)  # outside the top
    cloth, canonical = shell(body, "tights", cut.rounds, offset)
    at = arm_parameter(canonical)
    sleeve = 0.02 if person.outer == "vest" else 1.0
    keep = np.where(tights.arm > 0.15, at < sleeve + 0.08, canonical[:, 2] > CHEST - 0.05)
    pieces.append(_piece(Layer.OUTER, cloth, canonical, keep))
    trunk = _inside(cloth, canonical, (tights.arm < 0.2) & (canonical[:, 2] > CHEST - 0.1) & (canonical[:, 2] < 0.45))
    long = person.outer_hem < -0.15
    drapes.append(
        Drape.of(
            body, _both(trunk, inside), layer=Layer.OUTER, top=CHEST, hem=person.outer_hem, ease=0.012,
            taper=cut.taper, flare=0.02 if long else 0.0, fold=0.02 if long else 0.008, folds=6,
            phase=person.wrinkles + 1.0,
        )
    )  # fmt: skip


def _feet(person: Attributes, body: Body, pieces: list[Piece]) -> None:
    """Shoes: the tights' feet, flattened to a sole."""
    thick = {"trainers": 0.012, "hightops": 0.012, "boots": 0.014, "wellingtons": 0.018, "sandals": 0.005}
    cloth, canonical = shell(body, "tights", 3, thick.get(person.shoes, 0.008))
    foot = canonical[:, 2] < -0.88
    sole = cloth[:, 2].min()
    lowered = np.maximum(cloth[:, 2], sole + 0.004) - 0.012 * smoothstep(-0.93, -0.97, canonical[:, 2])
    cloth[:, 2] = np.where(foot, lowered, cloth[:, 2])
    pieces.append(_piece(Layer.SHOE, cloth, canonical, canonical[:, 2] < shoe_top(person) + 0.06))


def shoe_top(person: Attributes) -> float:
    """Canonical height up to which shoes reach."""
    tops = {"boots": -0.80, "wellingtons": -0.66, "hightops": -0.855, "sandals": -0.925, "slipons": -0.91}
    return tops.get(person.shoes, -0.89)


def _widened(body: Body, cloth: np.ndarray, canonical: np.ndarray, widening: float, kind: str) -> np.ndarray:
    """Each leg widened about its own axis, most at the hem; joggers narrow again above the ankle."""
    if not widening:
        return cloth
    z = canonical[:, 2]
    grow = smoothstep(0.0, -0.35, z)
    if kind == "wide":
        grow *= 1 + 0.8 * smoothstep(-0.45, -0.88, z)
    elif kind == "joggers":
        grow *= 1 - 1.2 * smoothstep(-0.7, -0.88, z)
    grow = (grow * widening)[:, None]
    for side, sign in (("L", 1), ("R", -1)):
        hip, knee, ankle = (body.head(f"{bone}.{side}") for bone in ("upperleg01", "lowerleg01", "foot"))
        upper = np.clip((hip[2] - cloth[:, 2]) / (hip[2] - knee[2]), 0, 1)[:, None]
        lower = np.clip((knee[2] - cloth[:, 2]) / (knee[2] - ankle[2]), 0, 1)[:, None]
        axis = hip + (knee - hip) * upper + (ankle - knee) * lower
        axis[:, 2] = cloth[:, 2]
        leg = (canonical[:, 0] * sign > 0) & (z < 0.02)
        cloth = np.where(leg[:, None], axis + (cloth - axis) * (1 + grow), cloth).astype(np.float32)
    return cloth


def _hidden_by_outer(person: Attributes, canonical: np.ndarray, arm: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(N,) what of a top lies well under the outer garment."""
    hidden_arm = (arm > 0.15) & (at < 0.9) & (at > -0.05)
    if person.outer == "vest":
        hidden_arm = np.zeros_like(hidden_arm)
    side = (np.abs(canonical[:, 0]) > 0.15) | (canonical[:, 1] > 0.0) | (person.outer_open == 0)
    high = np.where(canonical[:, 1] > 0, 0.52, 0.42)
    trunk = (arm < 0.1) & (canonical[:, 2] > person.outer_hem + 0.05) & (canonical[:, 2] < high) & side
    shoulder = (np.abs(canonical[:, 0]) > 0.13) & (canonical[:, 2] > 0.3) & (person.outer != "vest")
    return hidden_arm | trunk | shoulder


def _bare(person: Attributes) -> np.ndarray:
    """(N,) of the skin's sheet: False where clothes cover it with room to spare."""
    skin = sheet("skin")
    z, at = skin.canonical[:, 2], arm_parameter(skin.canonical)
    trunk = skin.arm < 0.3
    neck = 0.34 if person.top == "tank" or person.neckline == "v" else 0.42
    covered = trunk & (z > max(person.top_hem, 0.0) + 0.03) & (z < neck)
    if person.top == "dress":
        covered |= trunk & (z > 0) & (z < neck)
    covered |= (skin.arm > 0.45) & (at < person.sleeve - 0.07) & (person.sleeve > 0.1)
    if person.outer not in ("none", "vest"):
        covered |= (skin.arm > 0.45) & (at < 0.92)
    legs = skin.arm < 0.1
    hem = person.bottom_hem + (0.12 if person.bottom in ("skirt", "none") else 0.06)
    covered |= legs & (z < 0.06) & (z > hem)
    if person.legwear != "bare" and person.bottom in ("skirt", "none", "shorts"):
        covered |= legs & (z < (0.05 if person.legwear == "tights" else -0.75))
    if person.shoes != "sandals":
        covered |= legs & (z < shoe_top(person) - 0.04)
    return ~covered


def _piece(layer: int, positions: np.ndarray, canonical: np.ndarray, keep: np.ndarray) -> Piece:
    """The tights' vertices in `keep`, with all faces that touch them."""
    tights = sheet("tights")
    return cut_out(tights, layer, positions, canonical, keep[tights.faces].any(1), tights.parts)


def _inside(positions: np.ndarray, canonical: np.ndarray, where: np.ndarray) -> Inside:
    return Inside(positions[where], canonical[where], sheet("tights").weights[where])


def _both(first: Inside, second: Inside) -> Inside:
    return Inside(
        np.concatenate([first.positions, second.positions]),
        np.concatenate([first.canonical, second.canonical]),
        vstack([first.weights, second.weights]).tocsr(),
    )
