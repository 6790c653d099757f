"""Colours: palettes of cloth, skin and hair, written as #rrggbb (sRGB) so that a CSV stays readable.

>>> to_rgb("#ff8000").tolist()
[1.0, 0.501960813999176, 0.0]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["BRIGHT", "DARK", "DENIM", "HAIR", "LEATHER", "MUTED", "NEUTRAL", "SKIN", "difference", "jittered", "to_rgb"]

NEUTRAL = ("#141418", "#1c1e24", "#2d2e34", "#50535a", "#80828a", "#b4b4b2", "#d8d8d6", "#ecece9", "#f4f2ec")
DARK = ("#141418", "#1c1e24", "#26272d", "#3a3c42", "#50535a", "#1c2646", "#26385e", "#3c4a36", "#5a4334")
MUTED = (
    "#1c2646", "#26385e", "#4b6a8c", "#7f9cb8", "#5c2230", "#7c3a3a", "#3c4a36", "#5e6b4a", "#7d8250", "#bfa27c",
    "#d6c3a0", "#8a6a4c", "#5a4334", "#a58474", "#9a8a9c", "#6d5a78", "#4c7070", "#ead9cc", "#c8b6b0",
)  # fmt: skip
BRIGHT = (
    "#c22a30", "#a01c34", "#e0574a", "#e88a34", "#efc04a", "#f0e08a", "#4c8c50", "#2a6a4c", "#84b890", "#1c78b8",
    "#2c4cb0", "#8cc0e4", "#7848a0", "#c85a9c", "#eeb2c4", "#d87894", "#40a0a0", "#b6d24c",
)  # fmt: skip
DENIM = ("#141a2c", "#22304e", "#34486e", "#4a6490", "#6f8cb2", "#a2b6cc", "#24262c", "#5c6068")
LEATHER = ("#17151a", "#241c1a", "#4a3020", "#7a5232", "#a87c50", "#5a1c22", "#d2c4b0", "#8c8c8e")
# from the lightest to the darkest, with warmer and cooler undertones between
SKIN = (
    "#f0cdb4", "#e6bd9f", "#dcae8c", "#d6a582", "#c8966e", "#bd875c", "#a8744c", "#94603e", "#7c4e34", "#65402c",
    "#4e3226", "#3a2620",
)  # fmt: skip
HAIR = ("#120f0e", "#1c1614", "#2a1d16", "#3e2a1c", "#573a24", "#7a5230", "#a2763e", "#c8a468", "#8a3a1e", "#57504c")
HAIR += ("#8e8c8a", "#c4c2be", "#e4e2de")  # grey to white


def to_rgb(colour: str) -> np.ndarray:
    """(3,) float32 in 0..1 of "#rrggbb"."""
    return np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)], np.float32) / np.float32(255)


def jittered(rng: np.random.Generator, palette: Sequence[str], spread: float = 0.03) -> str:
    """A colour of the palette, made a little lighter or darker and tinted."""
    colour = to_rgb(palette[rng.integers(len(palette))]) + rng.normal(0, spread) + rng.normal(0, spread / 2, 3)
    return "#" + "".join(f"{round(255 * float(value)):02x}" for value in np.clip(colour, 0.03, 0.97))


def difference(first: str, second: str) -> float:
    """How differently two colours look, 0 to about 1: distance in a rough luma and chroma space.

    >>> difference("#000000", "#000000"), difference("#000000", "#ffffff") > 0.9
    (0.0, True)
    """
    gap = to_rgb(first) - to_rgb(second)
    luma = float(gap @ np.array([0.299, 0.587, 0.114]))
    return float(np.sqrt(luma**2 + 0.5 * (gap[0] - luma) ** 2 + 0.4 * (gap[2] - luma) ** 2))
