"""What is behind the people: full frames of six places in several variants, drawn once and kept.

A variant has its own hour (see cameras.TIMES), parked things, trees and passers-by. Frames are drawn in the light of
their hour, without the camera's colour cast, contrast, blur and noise: those belong to the finished picture.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np

from momi_lib.data.cache import cache_folder
from tools.mannequins.street.cameras import CAMERAS, TIMES
from tools.mannequins.street.streets import GROUNDS, street

__all__ = ["VARIANTS", "backdrop", "time_of"]

VARIANTS = 5  # of each camera
_SOURCES = ("pieces", "street_furniture", "vehicles", "passersby", "walls", "streets", "street_renderer", "cameras")


def time_of(camera: int, variant: int) -> str:
    """The hour of a variant, a key of TIMES: each camera starts the day elsewhere."""
    hours = list(TIMES)
    return hours[(variant + camera) % len(hours)]


@lru_cache(maxsize=len(CAMERAS) * VARIANTS)
def _frame(camera: int, variant: int) -> np.ndarray:
    """(540, 960, 3) uint8, from the cache's file or drawn and put there."""
    file = _file(camera, variant)
    if file.exists():
        return np.load(file)
    from tools.mannequins.street.street_renderer import draw_street  # needs OpenGL only where nothing is cached

    view = CAMERAS[camera]
    look = view.look_at(time_of(camera, variant))
    drawn = draw_street(street(view, look, variant), GROUNDS.index(view.ground), view, look, seed=1 + camera)
    frame = np.clip(np.rint(drawn), 0, 255).astype(np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".npy", delete=False) as part:
        np.save(part, frame)
    os.replace(part.name, file)
    return frame


def backdrop(camera: int, variant: int = 0) -> np.ndarray:
    """The empty street, (540, 960, 3) float32 in 0..255: the 1920 × 1080 full frame at half size.

    Raises IndexError for a camera or a variant that is not there.
    """
    if not (0 <= camera < len(CAMERAS) and 0 <= variant < VARIANTS):
        raise IndexError(
            f"expected camera 0..{len(CAMERAS) - 1} and variant 0..{VARIANTS - 1}, got {camera}, {variant}."
        )
    return _frame(camera, variant).astype(np.float32)


def is_drawn(camera: int, variant: int) -> bool:
    """Whether the cache holds this street."""
    return _file(camera, variant).exists()


def _file(camera: int, variant: int) -> Path:
    return cache_folder("mannequins") / f"backdrop-{_fingerprint()}-{camera}-{variant}.npy"


@lru_cache(maxsize=1)
def _fingerprint() -> str:
    """Of everything that frames are drawn from: a changed street is drawn again."""
    folder = resources.files("tools.mannequins")
    files = [folder / "street" / f"{name}.py" for name in _SOURCES]
    files += [
        folder / "shaders" / f"street{part}" for part in (".vert", ".frag", "_noise.glsl", "_ground.glsl", "_wall.glsl")
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
