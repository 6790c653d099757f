"""Pictures, skeletons and maps as PNG bytes: what a widget shows, a few milliseconds each.

A figure of matplotlib takes a hundred; too long for somebody who holds down an arrow key.
"""

from __future__ import annotations

import io

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image, ImageDraw
from torch import Tensor

from momi_lib import skeleton
from momi_lib.data import to_uint8

__all__ = ["blank_png", "map_png", "picture_png", "skeleton_png"]

SCALE = 3  # how much larger than the picture a PNG is
FINE = 2  # lines are drawn this much finer and then averaged, which takes their stairs away
DASH = 5.0  # pixels of the PNG


def _image(picture: Tensor, scale: int) -> Image.Image:
    if picture.ndim != 3 or picture.shape[0] != 3:
        raise ValueError(f"picture: expected (3, H, W), got {tuple(picture.shape)}")
    picture = picture if picture.dtype == torch.uint8 else to_uint8(picture)
    image = Image.fromarray(picture.detach().cpu().permute(1, 2, 0).contiguous().numpy())
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)


def _bytes(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=1)  # quick rather than small: it travels only once
    return buffer.getvalue()


def picture_png(picture: Tensor, *, scale: int = SCALE) -> bytes:
    """A picture (3, H, W), uint8 or float in [-1, 1], as PNG bytes, `scale` times as large.

    >>> picture_png(torch.zeros(3, 128, 64))[1:4]
    b'PNG'
    """
    return _bytes(_image(picture, scale))


def blank_png(size: tuple[int, int], *, scale: int = SCALE) -> bytes:
    """A light grey picture of (H, W) times `scale`: the place of something that is not there.

    >>> blank_png((128, 64))[1:4]
    b'PNG'
    """
    return _bytes(Image.new("RGB", (size[1] * scale, size[0] * scale), (240, 240, 240)))


def skeleton_png(picture: Tensor, landmarks: Tensor, valid: Tensor, *, scale: int = SCALE) -> bytes:
    """A picture with its skeleton: the person's left with solid lines, right dashed, middle solid and grey.

    Args:
        picture: (3, H, W), uint8 or float in [-1, 1].
        landmarks: (17, 2) as (x, y) in pixels of the picture.
        valid: (17,) bool; what is not valid is not drawn.
        scale: size of the result.

    >>> skeleton_png(torch.zeros(3, 128, 64), torch.rand(17, 2) * 60, torch.ones(17, dtype=torch.bool))[1:4]
    b'PNG'
    """
    scale *= FINE
    image = _image(picture, scale)
    pen = ImageDraw.Draw(image)
    # The centre of pixel 0 lies half a pixel inside of the picture's edge.
    points = ((landmarks.detach().cpu().float() + 0.5) * scale).numpy()
    shown = valid.detach().cpu().bool().numpy() & np.isfinite(points).all(1)
    for start, end in skeleton.LIMBS:
        if shown[start] and shown[end]:
            sides = {skeleton.JOINTS[joint].split("_")[0] for joint in (start, end)}
            colour = skeleton.COLOURS[end] if len(sides) == 1 else skeleton.COLOURS[0]
            a, b = points[start], points[end]
            pen.line([*a, *b], fill="white", width=4 * FINE)
            _line(pen, a, b, colour, dashed=sides == {"right"})
    for joint in np.flatnonzero(shown):
        (x, y), radius = points[joint], 3 * FINE
        box = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(box, fill=skeleton.COLOURS[joint], outline="white", width=FINE)
    return _bytes(image.reduce(FINE))


def _line(pen: ImageDraw.ImageDraw, a: np.ndarray, b: np.ndarray, colour: str, *, dashed: bool) -> None:
    if not dashed:
        pen.line([*a, *b], fill=colour, width=2 * FINE)
        return
    pieces = max(1, round(float(np.linalg.norm(b - a)) / (DASH * FINE)))
    for piece in range(0, pieces, 2):
        start, end = a + (b - a) * piece / pieces, a + (b - a) * (piece + 1) / pieces
        pen.line([*start, *end], fill=colour, width=2 * FINE)


def map_png(
    values: Tensor, *, high: float = 1.0, picture: Tensor | None = None, mask: Tensor | None = None, scale: int = SCALE
) -> bytes:
    """A map (H, W) in viridis, dark at 0 and yellow from `high` on.

    Args:
        values: (H, W).
        high: the value at the bright end.
        picture: (3, H, W); shown in grey where `mask` is False.
        mask: (H, W) bool; None colours all.
        scale: size of the result.

    >>> map_png(torch.rand(128, 64))[1:4]
    b'PNG'
    """
    levels = (values.detach().cpu().float() / high).clamp(0, 1).numpy()
    colours = colormaps["viridis"](levels, bytes=True)[..., :3]
    if mask is not None and picture is not None:
        grey = (picture if picture.dtype == torch.uint8 else to_uint8(picture)).float().mean(0).cpu().numpy()
        pale = (170 + grey * (85 / 255)).astype(np.uint8)  # pale, so that the person stands out
        colours = np.where(mask.cpu().numpy()[..., None], colours, pale[..., None])
    image = Image.fromarray(np.ascontiguousarray(colours))
    return _bytes(image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST))
