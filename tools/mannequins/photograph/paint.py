"""What the shader needs to paint a person: colours, hems, patterns, all by the names of person.glsl's uniforms."""

from __future__ import annotations

import numpy as np

from tools.mannequins.body.attributes import Attributes
from tools.mannequins.body.colours import to_rgb
from tools.mannequins.clothing.clothes import shoe_top

__all__ = ["uniforms"]

# numbers of the patterns in person.glsl
PATTERNS = {
    "plain": 0, "stripes": 1, "pinstripes": 2, "check": 3, "logo": 4, "print": 5, "block": 6, "band": 7, "dots": 8,
    "floral": 9, "camouflage": 10, "stripe": 11,
}  # fmt: skip
HAIRLINES = {"bald": 0, "receding": 1, "crop": 2, "short": 3, "quiff": 3, "topknot": 4, "ponytail": 4, "bun": 4}
BUTTONED = {"shirt": 1.0, "blouse": 1.0, "polo": 2.0, "tracksuit": 1.0}
OUTER_BUTTONED = {"raincoat": 1.0, "puffer": 1.0, "vest": 1.0}
WRINKLES = {"tee": 0.5, "longsleeve": 0.5, "shirt": 0.7, "blouse": 0.7, "hoodie": 0.6, "sweater": 0.35, "dress": 0.4}


def uniforms(person: Attributes) -> dict[str, np.ndarray]:
    """Values by uniform name, float32: numbers as (), colours as (3,) sRGB."""
    ribbed = person.top in ("hoodie", "sweater", "turtleneck", "tracksuit")
    has_skirt = person.bottom in ("skirt", "none")
    on_head = {"cap": 1, "backwards": 1, "beanie": 2, "bucket": 3, "brim": 4, "headscarf": 5, "hood": 6}
    values = {
        "hair_cut": HAIRLINES.get(person.hair, 5),
        "hair_fringe": {"none": 0, "straight": 1, "side": 2}[person.fringe],
        "hair_part": person.parting * 0.09,
        "beard": {"none": 0, "stubble": 1, "short": 2, "full": 3, "moustache": 4}[person.beard],
        "glasses": {"none": 0, "clear": 1, "dark": 2}[person.glasses],
        "mask": {"none": 0, "white": 1, "blue": 2, "black": 3}[person.mask],
        "headwear": on_head.get(person.headwear, 0),
        "lips": float(person.gender > 0.5) * ((person.wrinkles * 9.1) % 1),
        "age": person.age,
        "top_sleeve": person.sleeve,
        "top_hem": person.top_hem,
        "top_neck": {"round": 0.0, "v": 1.0, "wide": 2.0}[person.neckline],
        "top_collar": {"shirt": 1.0, "polo": 1.0, "turtleneck": 2.0, "tracksuit": 1.0}.get(person.top, 0.0),
        "top_strap": float(person.top == "tank" or (person.top == "dress" and person.sleeve < 0.4)),
        "top_buttons": BUTTONED.get(person.top, 0.0),
        "top_ribs": float(ribbed),
        "top_pocket": float(person.top == "hoodie"),
        "top_pattern": PATTERNS[person.top_pattern],
        "top_scale": person.top_scale,
        "top_wrinkle": WRINKLES.get(person.top, 0.5),
        "outer_sleeve": 0.02 if person.outer == "vest" else 1.04,
        "outer_hem": person.outer_hem,
        "outer_open": person.outer_open,
        "outer_quilt": float(person.outer == "puffer" or (person.outer == "vest" and person.wrinkles < 60)),
        "outer_lapel": float(person.outer in ("blazer", "coat")),
        "outer_ribs": float(person.outer in ("bomber", "cardigan")),
        "outer_denim": float(person.outer == "denim"),
        "outer_wrinkle": {"puffer": 0.2, "blazer": 0.3, "coat": 0.35, "cardigan": 0.4}.get(person.outer, 0.6),
        "bottom_hem": person.bottom_hem if not has_skirt else 9.0,
        "bottom_pattern": PATTERNS[person.bottom_pattern],
        "bottom_denim": float(person.bottom == "jeans"),
        "bottom_crease": float(person.bottom == "chinos"),
        "bottom_cargo": float(person.bottom == "cargo"),
        "bottom_cuff": float(person.bottom == "joggers"),
        "bottom_wrinkle": {"slim": 0.35, "leggings": 0.12, "wide": 0.5}.get(person.bottom, 0.6),
        "legwear": {"bare": 0, "tights": 1, "socks": 2}[person.legwear],
        "skirt_dress": float(person.top == "dress"),
        "shoe_top": shoe_top(person),
        "shoe_kind": {"trainers": 1, "hightops": 1, "boots": 2, "sandals": 3}.get(person.shoes, 0),
        "bag_straps": float(person.bag == "backpack"),
        "bag_sling": (1.0 if person.side == "L" else -1.0) * (person.bag == "sling"),
        "wrinkles": person.wrinkles,
    }
    paints = {
        "skin_colour": person.skin,
        "hair_colour": person.hair_colour,
        "headwear_colour": person.top_colour if person.headwear == "hood" else person.headwear_colour,
        "top_colour": person.top_colour,
        "top_second": person.top_second,
        "outer_colour": person.outer_colour,
        "outer_second": person.outer_second,
        "bottom_colour": person.bottom_colour,
        "bottom_second": person.bottom_second,
        "legwear_colour": person.legwear_colour,
        "shoe_colour": person.shoe_colour,
        "sole_colour": person.sole_colour,
        "scarf_colour": person.headwear_colour if person.headwear == "headscarf" else person.scarf,
        "bag_colour": person.bag_colour,
        "umbrella_colour": person.umbrella_colour,
    }
    if person.headwear == "hood" and person.top != "hoodie":
        paints["headwear_colour"] = person.outer_colour
    if paints["scarf_colour"] == "none":
        paints["scarf_colour"] = person.headwear_colour
    return {name: np.float32(value) for name, value in values.items()} | {
        name: to_rgb(colour) for name, colour in paints.items()
    }
