"""What the explorer saves: a row of pictures as PNG, a way between two poses as GIF, and a link to take it along."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from momi_lib.data.pictures import picture_grid
from momi_lib.files import write_atomically

__all__ = ["download_link", "gif", "gif_frame", "row_png", "write"]


def row_png(pictures: Sequence[Tensor]) -> bytes:
    """Pictures (3, H, W) in [-1, 1] side by side as one PNG.

    >>> row_png([torch.zeros(3, 128, 64)] * 2)[1:4]
    b'PNG'
    """
    row = picture_grid([torch.stack(list(pictures))]).permute(1, 2, 0).contiguous().numpy()
    buffer = io.BytesIO()
    Image.fromarray(row).save(buffer, format="PNG")
    return buffer.getvalue()


def gif_frame(row: Sequence[bytes], *, scale: int = 3) -> Image.Image:
    """PNGs of equal height side by side, `scale` times as large, in 128 colours of their own.

    >>> from momi_lib.widgets.png import picture_png
    >>> gif_frame([picture_png(torch.zeros(3, 128, 64), scale=1)] * 2).size
    (384, 384)
    """
    pixels = np.concatenate([np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for png in row], axis=1)
    image = Image.fromarray(pixels)
    colours = image.quantize(128)  # of the small picture, in a ninth of the time
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)
    return image.quantize(palette=colours, dither=Image.Dither.NONE)


def gif(frames: Sequence[Image.Image], *, milliseconds: int = 80) -> bytes:
    """Frames of equal size, as :func:`gif_frame` makes them, as a GIF that plays for ever.

    >>> from momi_lib.widgets.png import picture_png
    >>> frames = [gif_frame([picture_png(torch.full((3, 128, 64), value), scale=1)]) for value in (-1.0, 1.0)]
    >>> Image.open(io.BytesIO(gif(frames))).n_frames
    2
    """
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0, disposal=1
    )
    return buffer.getvalue()


def write(content: bytes, path: Path) -> Path:
    """Write a file, whole or not at all."""
    return write_atomically(path, lambda file: file.write(content))


def download_link(content: bytes, name: str) -> str:
    """HTML that lets a reader whose kernel runs elsewhere keep the file.

    >>> download_link(b"GIF89a", "walk.gif")
    '<a download="walk.gif" href="data:image/gif;base64,R0lGODlh">Download walk.gif</a>'
    """
    kind = f"image/{Path(name).suffix.removeprefix('.')}"
    address = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    return f'<a download="{html.escape(name)}" href="{address}">Download {html.escape(name)}</a>'
