"""Pictures, skeletons and maps as PNG bytes: what a widget shows, a few milliseconds each.

A figure of matplotlib takes a hundred; too long for somebody who holds down an arrow key.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image, ImageColor, ImageDraw
from torch import Tensor

from momi_lib import skeleton
from momi_lib.data import to_uint8

__all__ = [
    "heat_png",
    "map_png",
    "origins_png",
    "picture_png",
    "shares_png",
    "skeleton_png",
    "thumbnail_sheet",
    "viridis",
]

SCALE = 3  # how much larger than the picture a PNG is
FINE = 2  # lines are drawn this much finer and then averaged, which takes their stairs away
DASH = 5.0  # pixels of the PNG
PAPER = (240.0, 240.0, 240.0)  # where a picture has nothing to show


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
    values: Tensor,
    *,
    low: float = 0.0,
    high: float = 1.0,
    picture: Tensor | None = None,
    mask: Tensor | None = None,
    scale: int = SCALE,
) -> bytes:
    """A map (H, W) in viridis, dark at `low` and yellow from `high` on.

    Args:
        values: (H, W).
        low: the value at the dark end.
        high: the value at the bright end.
        picture: (3, H, W); shown in grey where `mask` is False.
        mask: (H, W) bool; None colours all.
        scale: size of the result.

    >>> map_png(torch.rand(128, 64))[1:4]
    b'PNG'
    """
    colours = viridis((values - low) / (high - low))
    if mask is not None and picture is not None:
        grey = (picture if picture.dtype == torch.uint8 else to_uint8(picture)).float().mean(0).cpu().numpy()
        pale = (170 + grey * (85 / 255)).astype(np.uint8)  # pale, so that the person stands out
        colours = np.where(mask.cpu().numpy()[..., None], colours, pale[..., None])
    image = Image.fromarray(np.ascontiguousarray(colours))
    return _bytes(image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST))


def heat_png(
    picture: Tensor,
    heat: Tensor,
    landmarks: Tensor | None = None,
    valid: Tensor | None = None,
    *,
    low: float = 0.0,
    high: float = 1.0,
    scale: int = SCALE,
) -> bytes:
    """A map over a pale grey picture, in viridis where it is high, with the landmarks as rings.

    Args:
        picture: (3, H, W), uint8 or float in [-1, 1].
        heat: (h, w), of any size that covers the picture.
        landmarks: (17, 2), pixels of the picture; None draws none.
        valid: (17,) bool; what is not valid is not drawn.
        low, high: values at the ends of the colours; the map is the more opaque the higher.
        scale: size of the result.

    >>> heat_png(torch.zeros(3, 128, 64), torch.rand(32, 16))[1:4]
    b'PNG'
    """
    image = _image(picture, scale).convert("L").convert("RGB")
    shares = ((heat.detach().cpu().float() - low) / max(high - low, 1e-6)).clamp(0, 1)
    colours = Image.fromarray(np.ascontiguousarray(viridis(shares))).resize(image.size, Image.Resampling.BILINEAR)
    opacity = Image.fromarray((50 + 180 * shares).byte().numpy()).resize(image.size, Image.Resampling.BILINEAR)
    image = Image.composite(colours, image, opacity)
    if landmarks is not None and valid is not None:
        pen = ImageDraw.Draw(image)
        for (x, y), found in zip(((landmarks.cpu().float() + 0.5) * scale).tolist(), valid.tolist(), strict=True):
            if found:
                for radius, colour in ((scale + 2, "black"), (scale + 1, "white")):
                    pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour)
    return _bytes(image)


def shares_png(picture: Tensor, opacity: Tensor, *, scale: int = SCALE) -> bytes:
    """A picture (3, H, W), uint8 or float in [-1, 1], as opaque as `opacity` (H, W) from 0 to 1, over light grey.

    >>> shares_png(torch.zeros(3, 128, 64), torch.rand(128, 64))[1:4]
    b'PNG'
    """
    picture = (picture if picture.dtype == torch.uint8 else to_uint8(picture)).float()
    ground = torch.tensor(PAPER)[:, None, None]
    return picture_png(torch.lerp(ground, picture, opacity.float().clamp(0, 1)).round().byte(), scale=scale)


def origins_png(
    shares: Tensor, silhouette: Tensor, picture: Tensor, colours: Sequence[str], *, scale: int = SCALE
) -> bytes:
    """Each pixel of a person in the mixture of colours that says where it came from, the rest in pale grey.

    Args:
        shares: (N, H, W) of N origins, which sum to 1 at each pixel.
        silhouette: (H, W) in [0, 1], how much of each pixel is the person.
        picture: (3, H, W) uint8, whose brightness shines through, so that the person can be recognised.
        colours: N colours as CSS writes them.
        scale: size of the result.

    >>> origins_png(torch.ones(1, 4, 2), torch.ones(4, 2), torch.zeros(3, 4, 2).byte(), ["#0072b2"])[1:4]
    b'PNG'
    """
    known = torch.tensor([ImageColor.getrgb(colour)[:3] for colour in colours], dtype=torch.float32)
    grey = picture.float().mean(0)
    mixed = torch.einsum("nc,nhw->chw", known, shares.float()) * (0.75 + grey / 255 * 0.35)
    pale = (170 + grey * (85 / 255)).expand(3, -1, -1)
    return picture_png(torch.lerp(pale, mixed, silhouette.float()).clamp(0, 255).round().byte(), scale=scale)


def viridis(shares: Tensor) -> np.ndarray:
    """Numbers in [0, 1] as colours (..., 3) uint8.

    >>> viridis(torch.tensor([0.0, 1.0])).tolist()
    [[68, 1, 84], [253, 231, 36]]
    """
    return colormaps["viridis"](shares.detach().cpu().float().clamp(0, 1).numpy(), bytes=True)[..., :3]


def thumbnail_sheet(pictures: Tensor, *, columns: int = 20) -> bytes:
    """Pictures (N, 3, H, W) uint8 side by side, each half as large, as one JPEG of `columns` a row.

    One file for all, because hundreds of small ones take a browser long.

    >>> thumbnail_sheet(torch.zeros(3, 3, 128, 64, dtype=torch.uint8), columns=2)[:2]
    b'\\xff\\xd8'
    """
    height, width = (side // 2 for side in pictures.shape[-2:])
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height))
    for place, picture in enumerate(pictures):
        small = _image(picture, 1).resize((width, height), Image.Resampling.BOX)
        sheet.paste(small, (place % columns * width, place // columns * height))
    buffer = io.BytesIO()
    sheet.save(buffer, format="JPEG", quality=85)
    return buffer.getvalue()
