"""A picture from outside: opened with care, and cropped to 1:2.

Nothing is written to a disk or sent on: a picture lives in the memory of the kernel.
"""

from __future__ import annotations

import io

from PIL import Image

from momi_lib.data import PictureError
from momi_lib.data.reading import MAX_PIXELS, Box, cut, opened, without_pils_warning
from momi_lib.translate.verdict import SMALLEST

__all__ = ["Box", "UploadError", "cut", "open_picture"]

MAX_BYTES = 8 * 2**20  # Jupyter's servers cut the connection from 10 MiB on


class UploadError(ValueError):
    """A file that cannot be used; the message names it and says what to do."""


def open_picture(name: str, content: bytes) -> Image.Image:
    """The picture in a file's bytes as RGB, as a person sees it: see :func:`momi_lib.data.reading.as_seen`.

    ``info["animated"]`` of it says whether it is the first frame of several.

    Raises:
        UploadError: for what is no JPEG, PNG, WebP or BMP, is damaged, too large or too small.

    >>> open_picture("notes.txt", b"milk, bread")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    momi_lib.widgets.upload.UploadError: notes.txt: is not a JPEG, PNG, WebP or BMP picture but text; save it as ...
    """
    if len(content) > MAX_BYTES:
        raise UploadError(f"{name}: is larger than {MAX_BYTES >> 20} MiB; make it smaller and try again.")
    try:
        with without_pils_warning():
            image, animated, _ = opened(io.BytesIO(content))
    except PictureError as error:
        raise UploadError(
            f"{name}: {error}; save it as JPEG or PNG of at most {MAX_PIXELS // 10**6} million pixels and try again."
        ) from None
    columns, rows = image.size
    if rows < SMALLEST[0] or columns < SMALLEST[1]:
        least = f"{SMALLEST[1]} × {SMALLEST[0]}"
        raise UploadError(f"{name}: has {columns} × {rows} pixels; at least {least} (width × height) needed.")
    image.info["animated"] = animated
    return image
