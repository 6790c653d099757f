"""A picture from outside: opened with care, cropped to 1:2, and compared with what the network knows.

Nothing is written to a disk or sent on: a picture lives in the memory of the kernel.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import torch
from PIL import Image, ImageOps
from torch import Tensor

from momi_lib.data.pictures import MAX_PIXELS

__all__ = ["Box", "Sureness", "UploadError", "cut", "open_picture"]

MAX_BYTES = 8 * 2**20  # Jupyter's servers cut the connection from 10 MiB on
SMALLEST = (64, 32)  # rows and columns; half of what the network sees
DOUBTFUL = 0.05  # this share of the known people is less sure than what counts as sure


class UploadError(ValueError):
    """A file that cannot be used; the message names it and says what to do."""


def open_picture(name: str, content: bytes) -> Image.Image:
    """The picture in a file's bytes as RGB, upright also where a camera stored it on its side.

    Raises:
        UploadError: for what is no JPEG or PNG, is damaged, too large or too small.

    >>> open_picture("notes.txt", b"milk, bread")
    Traceback (most recent call last):
    ...
    momi_lib.widgets.upload.UploadError: notes.txt: is not a JPEG or PNG picture; save it as one of them and try again.
    """
    if len(content) > MAX_BYTES:
        raise UploadError(f"{name}: is larger than {MAX_BYTES >> 20} MiB; make it smaller and try again.")
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            columns, rows = image.size
            if rows * columns > MAX_PIXELS:
                raise UploadError(
                    f"{name}: has {columns} × {rows} pixels, more than {MAX_PIXELS // 10**6} million; "
                    "make it smaller and try again."
                )
            if rows < SMALLEST[0] or columns < SMALLEST[1]:
                least = f"{SMALLEST[1]} × {SMALLEST[0]}"
                raise UploadError(f"{name}: has {columns} × {rows} pixels; at least {least} (width × height) needed.")
            return ImageOps.exif_transpose(image).convert("RGB")
    except UploadError:
        raise
    except Image.UnidentifiedImageError:
        raise UploadError(f"{name}: is not a JPEG or PNG picture; save it as one of them and try again.") from None
    except Exception as error:  # PIL raises OSError, SyntaxError, struct.error, ... for damaged files
        raise UploadError(f"{name}: cannot be decoded ({error}); save or copy it again.") from None


@dataclass(frozen=True)
class Box:
    """A box of 1:2 inside a picture, each number a share from 0 to 1.

    Attributes:
        across: place from left (0) to right (1) within what the size leaves free.
        down: place from top (0) to bottom (1), likewise.
        size: of the largest such box.

    >>> Box().of(100, 100)
    (25, 0, 75, 100)
    >>> Box(across=1.0, down=0.5, size=0.5).of(100, 100)
    (75, 25, 100, 75)
    """

    across: float = 0.5
    down: float = 0.5
    size: float = 1.0

    def of(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in pixels of a picture of that width and height."""
        largest = min(width, height / 2)
        columns = max(1, min(round(largest * self.size), width, height // 2))
        rows = 2 * columns
        left, top = round((width - columns) * self.across), round((height - rows) * self.down)
        return left, top, left + columns, top + rows


def cut(image: Image.Image, box: Box, size: tuple[int, int] = (128, 64)) -> Tensor:
    """What the network sees: the box as a picture (3, H, W) uint8.

    >>> cut(Image.new("RGB", (200, 300), (255, 0, 0)), Box())[:, 0, 0].tolist()
    [255, 0, 0]
    """
    small = image.resize((size[1], size[0]), Image.Resampling.BICUBIC, box=box.of(*image.size), reducing_gap=3.0)
    pixels = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8)
    return pixels.view(size[0], size[1], 3).permute(2, 0, 1).contiguous()


@dataclass(frozen=True)
class Sureness:
    """How sure the student usually is, measured on people that it is meant for.

    Attributes:
        confidence: of one in twenty of them the mean over joints is below this.
        joints: of one in twenty fewer are found.

    >>> usual = Sureness.of(torch.full((40, 17), 0.8), threshold=0.2)
    >>> usual.verdict(torch.full((17,), 0.9), 0.2)
    (True, '17 of 17 joints found, mean confidence 0.90.')
    >>> usual.verdict(torch.full((17,), 0.1), 0.2)[0]
    False
    """

    confidence: float
    joints: float

    @classmethod
    def of(cls, confidences: Tensor, *, threshold: float) -> Sureness:
        """From the confidences (N, 17) of known people."""
        found = (confidences >= threshold).float().sum(1)
        return cls(float(confidences.mean(1).quantile(DOUBTFUL)), float(found.quantile(DOUBTFUL)))

    def verdict(self, confidence: Tensor, threshold: float) -> tuple[bool, str]:
        """Whether a picture with these confidences (17,) is as sure as the known ones, and a sentence."""
        mean, found = float(confidence.mean()), int((confidence >= threshold).sum())
        told = f"{found} of {len(confidence)} joints found, mean confidence {mean:.2f}."
        if mean >= self.confidence and found >= self.joints:
            return True, told
        return False, (
            f"{told} The student is out of its depth: of 100 pictures that it knows how to read, 95 have a mean of at "
            f"least {self.confidence:.2f} and {self.joints:.0f} joints. Expect wrong joints and a wrong swap; try a "
            "tighter box around one whole, upright person."
        )
