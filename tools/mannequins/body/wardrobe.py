"""What there is to wear, and how common it is: kind → weight in the draw of attributes."""

from __future__ import annotations

__all__ = ["BOTTOMS", "HAIRS", "HEADWEAR", "LONG_SLEEVES", "OUTERS", "PATTERNS", "SHOES", "TOPS", "TUCKED"]

TOPS = {
    "tee": 24, "longsleeve": 9, "shirt": 13, "polo": 7, "blouse": 6, "tank": 5, "hoodie": 12, "sweater": 10,
    "turtleneck": 3, "tracksuit": 4, "dress": 11,
}  # fmt: skip
OUTERS = {
    "none": 62, "jacket": 8, "denim": 4, "bomber": 3, "puffer": 5, "blazer": 4, "cardigan": 4, "vest": 2, "coat": 6,
    "raincoat": 2,
}  # fmt: skip
BOTTOMS = {
    "jeans": 27, "slim": 13, "chinos": 12, "wide": 9, "joggers": 8, "leggings": 5, "cargo": 4, "shorts": 10, "skirt": 12
}  # fmt: skip
HAIRS = {
    "crop": 12, "short": 22, "quiff": 7, "curly": 6, "afro": 4, "bowl": 3, "bob": 10, "long": 13, "wavy": 6,
    "ponytail": 7, "bun": 5, "topknot": 2, "braid": 3, "braids": 2, "bald": 4, "receding": 3,
}  # fmt: skip
HEADWEAR = {"none": 76, "cap": 8, "backwards": 2, "beanie": 4, "bucket": 2, "brim": 2, "headscarf": 5, "hood": 1}
PATTERNS = {
    "plain": 50, "logo": 9, "print": 8, "stripes": 8, "pinstripes": 3, "check": 6, "block": 6, "band": 4, "dots": 3,
    "floral": 4,
}  # fmt: skip
SHOES = {"trainers": 48, "shoes": 18, "boots": 13, "hightops": 9, "sandals": 7, "wellingtons": 2, "slipons": 3}
TUCKED = 0.1  # canonical height of a hem that is tucked into a skirt
LONG_SLEEVES = {"longsleeve", "hoodie", "sweater", "turtleneck", "tracksuit"}
