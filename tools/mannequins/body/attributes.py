"""What one person looks like: one flat record, drawn at random, written to CSV, enough to build the person again.

Whatever can be drawn independently of the rest is: clothes, colours and hair know nothing of the body's gender, nor
of its skin. What life ties together stays tied: beards need a masculine body, grey hair is likelier in age, and one
does not wear two things in one place.

>>> identity_attributes(seed=0, number=7) == identity_attributes(seed=0, number=7)
True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from tools.mannequins.body import colours
from tools.mannequins.body.wardrobe import BOTTOMS, HAIRS, HEADWEAR, LONG_SLEEVES, OUTERS, PATTERNS, SHOES, TOPS, TUCKED

__all__ = ["Attributes", "distance", "draw_attributes", "identity_attributes"]


@dataclass(frozen=True)
class Attributes:
    """Body shape in anny's phenotypes (0..1), then hair, face, clothes and things; colours are #rrggbb.

    Lengths are canonical: metres above the root of the reference body (knee -0.45, ankle -0.90, waist 0.10).
    Sleeves: 0 shoulder, 0.5 elbow, 1 wrist.
    """

    gender: float
    age: float
    muscle: float
    weight: float
    height: float
    proportions: float
    skin: str
    hair: str
    hair_colour: str
    hair_volume: float
    fringe: str
    parting: float
    beard: str
    glasses: str
    mask: str
    headwear: str
    headwear_colour: str
    top: str
    top_colour: str
    top_second: str
    top_pattern: str
    top_scale: float
    top_hem: float
    sleeve: float
    fit: float
    neckline: str
    outer: str
    outer_colour: str
    outer_second: str
    outer_hem: float
    outer_open: float
    bottom: str
    bottom_colour: str
    bottom_second: str
    bottom_pattern: str
    bottom_hem: float
    legwear: str
    legwear_colour: str
    shoes: str
    shoe_colour: str
    sole_colour: str
    scarf: str
    bag: str
    bag_colour: str
    side: str
    umbrella_colour: str
    wrinkles: float

    def phenotype(self) -> dict[str, float]:
        """The body's shape, as `Body.of` takes it."""
        names = ("gender", "age", "muscle", "weight", "height", "proportions")
        return {name: getattr(self, name) for name in names}

    def to_row(self) -> dict[str, str | float]:
        """A flat row for CSV or JSON; `Attributes.from_row` reads it back."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: Mapping[str, str | float]) -> Attributes:
        """The record of a row, whose numbers may be text."""
        kinds = {field.name: float if field.type == "float" else str for field in fields(cls)}
        return cls(**{name: kind(row[name]) for name, kind in kinds.items()})

    def _settled(self, rng: np.random.Generator) -> Attributes:
        """Contradictions of the draw resolved."""
        changes: dict[str, str | float] = {}
        if self.gender > 0.5 or self.age < 0.62:
            changes["beard"] = "none"
        if self.hair == "receding" and (self.gender > 0.5 or self.age < 0.7):
            changes["hair"] = "short"
        grey = rng.random() < np.interp(self.age, (0.74, 0.98), (0.0, 0.7))
        if grey:
            changes["hair_colour"] = colours.jittered(rng, colours.HAIR[-4:], 0.02)
        if self.headwear == "hood" and self.top != "hoodie" and self.outer != "raincoat":
            changes["headwear"] = "none"
        if self.headwear == "headscarf":
            changes["scarf"] = "none"
        if self.bottom == "skirt" and self.top in ("tee", "shirt", "blouse", "tank", "polo", "longsleeve"):
            tucked = self.top == "tank" or rng.random() < 0.6
            changes["top_hem"] = TUCKED if tucked else self.top_hem
        elif self.top in ("tee", "shirt", "polo", "blouse", "longsleeve") and rng.random() < 0.18:
            changes["top_hem"] = _number(rng.uniform(0.045, 0.065))  # tucked into trousers, or short
        if self.top == "dress":
            hem = rng.choice([rng.uniform(-0.42, -0.24), rng.uniform(-0.6, -0.42), rng.uniform(-0.84, -0.66)])
            changes |= {"bottom": "none", "bottom_hem": _number(hem), "bottom_pattern": "plain"}
        if self.bottom == "jeans" and self.bottom_pattern != "stripe":
            changes["bottom_pattern"] = "plain"
        if self.outer == "none":
            changes["outer_open"] = 0.0
        for name in ("top_colour", "outer_colour", "bottom_colour"):  # cloth like skin would pass for none
            while colours.difference(changes.get(name, getattr(self, name)), self.skin) < 0.11:
                changes[name] = _cloth(rng)
        return replace(self, **changes)


def distance(first: Attributes, second: Attributes) -> float:
    """How differently two people look, 0 (the same) to about 1: shares of a picture that differ, weighted by size.

    Below about 0.08 a person could be taken for another.
    """

    def kinds(*names: str) -> float:
        return float(np.mean([getattr(first, name) != getattr(second, name) for name in names]))

    def paint(name: str) -> float:
        return min(2 * colours.difference(getattr(first, name), getattr(second, name)), 1.0)

    outer = [person.outer != "none" and person.outer_open == 0 for person in (first, second)]
    upper = [
        person.outer_colour if covered else person.top_colour
        for person, covered in zip((first, second), outer, strict=True)
    ]
    lower = [person.top_colour if person.top == "dress" else person.bottom_colour for person in (first, second)]
    shape = [abs(getattr(first, name) - getattr(second, name)) for name in ("gender", "weight", "height")]
    return (
        0.24 * min(2 * colours.difference(*upper), 1.0)
        + 0.20 * min(2 * colours.difference(*lower), 1.0)
        + 0.14 * kinds("top", "outer", "bottom", "top_pattern")
        + 0.08 * min(abs(first.bottom_hem - second.bottom_hem) * 3 + abs(first.sleeve - second.sleeve), 1.0)
        + 0.08 * paint("hair_colour")
        + 0.08 * kinds("hair", "headwear", "beard", "glasses")
        + 0.06 * paint("skin")
        + 0.06 * kinds("bag", "scarf")
        + 0.03 * paint("shoe_colour")
        + 0.03 * float(np.mean(shape))
    )


def identity_attributes(seed: int, number: int) -> Attributes:
    """The person with a number in the data set of a seed: independent of all other numbers."""
    return draw_attributes(np.random.default_rng([seed, number, 7]))


def draw_attributes(rng: np.random.Generator) -> Attributes:
    """One person at random."""
    return Attributes(**_draw_body(rng), **_draw_head(rng), **_draw_clothes(rng), **_draw_things(rng))._settled(rng)


def _draw(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    share = np.array(list(weights.values()), float)
    return str(rng.choice(list(weights), p=share / share.sum()))


def _draw_body(rng: np.random.Generator) -> dict:
    # 2/3 is a young adult to anny, 1 is old; a few are teenagers
    low, high = ((0.50, 0.62), (0.62, 0.76), (0.76, 0.88), (0.88, 0.99))[rng.choice(4, p=[0.07, 0.53, 0.25, 0.15])]
    gender = rng.choice([0.1, 0.9]) + rng.normal(0, 0.07)
    return {
        "gender": _number(np.clip(gender, 0, 1)),
        "age": _number(rng.uniform(low, high)),
        "muscle": _number(rng.uniform(0.35, 0.68)),
        "weight": _number(np.clip(rng.normal(0.48, 0.16), 0.2, 0.95)),
        "height": _number(np.clip(rng.normal(0.38, 0.065), 0.22, 0.56)),
        "proportions": _number(rng.uniform(0.4, 0.75)),
    }


def _draw_head(rng: np.random.Generator) -> dict:
    # dark hair is the commonest everywhere; dyed hair is rare
    weights = np.array([20, 18, 14, 10, 8, 6, 4, 4, 2, 3, 4, 3, 2], float)
    dyed = rng.random() < 0.025
    return {
        "skin": colours.jittered(rng, colours.SKIN, 0.015),
        "hair": _draw(rng, HAIRS),
        "hair_colour": colours.jittered(rng, colours.BRIGHT, 0.05)
        if dyed
        else colours.jittered(rng, [colours.HAIR[rng.choice(len(colours.HAIR), p=weights / weights.sum())]], 0.012),
        "hair_volume": _number(rng.beta(2, 2.5)),
        "fringe": _draw(rng, {"none": 6, "straight": 1.5, "side": 2.5}),
        "parting": _number(rng.choice([0, -1, 1]) * rng.uniform(0.2, 0.6)),
        "beard": _draw(rng, {"none": 62, "stubble": 14, "short": 11, "full": 8, "moustache": 5}),
        "glasses": _draw(rng, {"none": 76, "clear": 16, "dark": 8}),
        "mask": _draw(rng, {"none": 95, "white": 2, "blue": 2, "black": 1}),
        "headwear": _draw(rng, HEADWEAR),
        "headwear_colour": _cloth(rng),
    }


def _draw_clothes(rng: np.random.Generator) -> dict:
    top, outer, bottom = _draw(rng, TOPS), _draw(rng, OUTERS), _draw(rng, BOTTOMS)
    outer_hem = {"coat": rng.uniform(-0.62, -0.28), "raincoat": rng.uniform(-0.45, -0.2)}.get(
        outer, rng.uniform(-0.11, -0.02)
    )
    skirt = rng.choice([rng.uniform(-0.32, -0.2), rng.uniform(-0.6, -0.36), rng.uniform(-0.82, -0.66)])
    denim = bottom == "jeans" or (bottom in ("slim", "shorts", "skirt") and rng.random() < 0.4)
    return {
        "top": top,
        "top_colour": _cloth(rng),
        "top_second": _cloth(rng),
        "top_pattern": _draw(rng, PATTERNS),
        "top_scale": _number(rng.choice([0.6, 1.0, 1.5])),
        "top_hem": _number(rng.uniform(-0.11, -0.01)),
        "sleeve": _number(_sleeve(rng, top)),
        "fit": _number(rng.beta(2, 2)),
        "neckline": _draw(rng, {"round": 6, "v": 2, "wide": 1.2}),
        "outer": outer,
        "outer_colour": _cloth(rng, neutral=0.62, bright=0.12),
        "outer_second": _cloth(rng),
        "outer_hem": _number(outer_hem),
        "outer_open": _number(rng.choice([0, rng.uniform(0.05, 0.12)], p=[0.45, 0.55])),
        "bottom": bottom,
        "bottom_colour": colours.jittered(rng, colours.DENIM, 0.02)
        if denim
        else colours.jittered(rng, colours.DARK, 0.02)
        if rng.random() < 0.4
        else _cloth(rng, neutral=0.5, bright=0.06 if bottom != "skirt" else 0.2),
        "bottom_second": _cloth(rng),
        "bottom_pattern": _draw(rng, {"plain": 88, "stripe": 5, "check": 3, "floral": 2, "camouflage": 1, "dots": 1}),
        "bottom_hem": _number(_bottom_hem(rng, bottom, skirt)),
        "legwear": _draw(rng, {"bare": 60, "tights": 25, "socks": 15}),
        "legwear_colour": colours.jittered(rng, ("#16161a", "#16161a", "#2a2a30", "#e8e6e2", "#4c3a34", "#7c3a3a")),
    }


def _draw_things(rng: np.random.Generator) -> dict:
    return {
        "shoes": _draw(rng, SHOES),
        "shoe_colour": colours.jittered(rng, (*colours.NEUTRAL, *colours.LEATHER))
        if rng.random() < 0.8
        else colours.jittered(rng, colours.BRIGHT),
        "sole_colour": colours.jittered(rng, ("#f0eeea", "#e4e2dc", "#1a1a1c", "#8a6c4c"), 0.02),
        "scarf": "none" if rng.random() < 0.93 else _cloth(rng),
        "bag": _draw(rng, {"none": 46, "backpack": 20, "sling": 12, "handbag": 10, "tote": 7, "belt": 2, "plastic": 3}),
        "bag_colour": _cloth(rng) if rng.random() < 0.5 else colours.jittered(rng, colours.LEATHER),
        "side": _draw(rng, {"L": 1, "R": 1}),
        "umbrella_colour": _cloth(rng),
        "wrinkles": _number(rng.uniform(0, 100)),
    }


def _sleeve(rng: np.random.Generator, top: str) -> float:
    if top == "tank":
        return 0.02
    if top in LONG_SLEEVES:
        return rng.uniform(0.55, 0.75) if rng.random() < 0.12 else rng.uniform(0.94, 1.0)  # some are pushed up
    if top in ("shirt", "blouse", "dress"):
        return float(rng.choice([rng.uniform(0.3, 0.45), rng.uniform(0.55, 0.8), rng.uniform(0.93, 1.0)]))
    return rng.uniform(0.3, 0.48)


def _bottom_hem(rng: np.random.Generator, bottom: str, skirt: float) -> float:
    if bottom == "skirt":
        return skirt
    if bottom == "shorts":
        return rng.uniform(-0.5, -0.26)
    return rng.uniform(-0.84, -0.74) if rng.random() < 0.2 else rng.uniform(-0.93, -0.88)


def _cloth(rng: np.random.Generator, neutral: float = 0.45, bright: float = 0.22) -> str:
    palette = (colours.NEUTRAL, colours.BRIGHT, colours.MUTED)[rng.choice(3, p=[neutral, bright, 1 - neutral - bright])]
    return colours.jittered(rng, palette)


def _number(value: float) -> float:
    return round(float(value), 4)
