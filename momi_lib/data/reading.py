"""Reading a picture file as a person sees it: which files are pictures, how they are opened, and the box that is cut.

What a viewer shows is what is read: upright where a camera stored the picture on its side, 16 bits scaled to 8, colours
in sRGB, transparent places over a neutral grey and not the colours that are hidden under them.
"""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageCms, WebPImagePlugin  # noqa: F401  (the import makes Image.open know WebP)
from torch import Tensor

from momi_lib.data.names import PictureError

__all__ = ["MAX_PIXELS", "NAMES", "Box", "Opened", "as_seen", "cut", "kind_of", "opened", "read_picture", "several"]

#: What is read, told from the content and not from the name. Few decoders, few surprises: PIL has some forty more.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
NAMES = "JPEG, PNG, WebP or BMP"
# A crop of a person needs far less. Both limits hold before anything is decoded.
MAX_PIXELS = 4096 * 4096
MAX_BYTES = 64 * 2**20
GROUND = (128, 128, 128)  # under transparent places: 0 in [-1, 1]
ORIENTATION = 0x0112  # EXIF's tag
#: How a picture is set upright, for each orientation but 1, which is upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
log = logging.getLogger("momi_lib")

# The beginnings of files that are handed in as pictures and are none of those that are read.
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer; run `git lfs pull` to fetch the picture itself"),
    (b"GIF8", "a GIF"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"%PDF", "a PDF"),
    (b"PK\3\4", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"8BPS", "a Photoshop file"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (b"\0\0\1\0", "an icon (ICO)"),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)"),
)
_BRANDS = {b"avif": "an AVIF", b"avis": "an AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "an HEIC, as iPhones store photographs"
)


def kind_of(beginning: bytes) -> str:
    """What a file is that is no picture of those that are read, by its first bytes; "" where that is not known.

    >>> kind_of(b"GIF89a"), kind_of(b"<svg xmlns=''>"), kind_of(b"milk, bread"), kind_of(bytes(99))
    ('a GIF', 'an SVG drawing', 'text', '')
    """
    for mark, kind in _BEGINNINGS:
        if beginning.startswith(mark):
            return kind
    if beginning[4:8] == b"ftyp":
        return _BRANDS.get(beginning[8:12], "a video (MP4 or MOV)")
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"AVI ":
        return "a video (AVI)"
    text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text[:400]:
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    readable = all(32 <= byte < 127 or byte in b"\t\r\n" for byte in beginning)
    return "text" if beginning and readable else ""


def as_seen(image: Image.Image) -> Image.Image:
    """A picture of PIL as a viewer shows it: RGB, 8 bits, upright; of several frames the first.

    EXIF's orientation is applied, 16 bits are scaled, RGB with an ICC profile is brought to sRGB, and alpha, a colour
    key or a transparent palette is laid over grey (128, 128, 128). An opaque RGB picture without these stays as it is,
    bit for bit. `image` may be changed.

    Raises what PIL raises for damaged content.

    >>> as_seen(Image.new("RGBA", (1, 1), (255, 0, 0, 0))).getpixel((0, 0))
    (128, 128, 128)
    >>> as_seen(Image.fromarray(np.full((1, 1), 65535, np.uint16))).getpixel((0, 0))
    (255, 255, 255)
    """
    image.load()
    if image.format == "BMP" and image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
        image = image.convert("RGB")  # some programs leave the fourth byte of a BMP empty
    if (way := UPRIGHT.get(_orientation(image))) is not None:
        image = image.transpose(way)  # of EXIF nothing else is read, so that nothing else in it can be wrong
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        seen = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", seen.size, (*GROUND, 255)), seen)
        image.info = seen.info
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA", "P") else None
    image = image if image.mode == "RGB" else image.convert("RGB")
    return _in_srgb(image, profile) if profile else image


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged EXIF says nothing; PIL raises SyntaxError, struct.error, ValueError, ...
        return 1


def _eight_bits(image: Image.Image) -> Image.Image:
    """16 bits of grey, which PIL would clip, as 8; a key colour becomes alpha."""
    values = np.asarray(image).clip(0, 65535)
    grey = Image.fromarray((values / 257).round().astype(np.uint8))
    key = image.info.get("transparency")
    if isinstance(key, int):
        grey.putalpha(Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
    return grey


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """An RGB picture of another colour space, such as a phone's Display P3, in sRGB."""
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(given).lower():
            return image
        return ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # a damaged profile, or one of another kind of picture, says nothing


def several(image: Image.Image) -> bool:
    """Whether a picture is animated. A phone's MPO holds a second view or a depth map, which is no frame."""
    return image.format != "MPO" and getattr(image, "is_animated", False)


class Opened(NamedTuple):
    """A picture as it is seen, whether it is the first frame of several, and the (rows, columns) of the file, upright.

    A large JPEG is decoded smaller, and then the file has more pixels than the picture.
    """

    image: Image.Image
    animated: bool
    size: tuple[int, int]


@contextmanager
def without_pils_warning() -> Iterator[None]:
    """For the time of :func:`opened`: PIL warns from 89 million pixels on, without the file's name.

    Not within it, because several threads may not change at once what is warned of.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def opened(file: str | BinaryIO) -> Opened:
    """A picture file as :func:`as_seen` shows it, whether it is animated, and its size.

    A JPEG with more than `MAX_PIXELS`, up to PIL's own limit of 89 million, is decoded smaller.

    Raises PictureError without the file's name, in words that follow one: "is empty".

    >>> opened(io.BytesIO(b"GIF89a"))
    Traceback (most recent call last):
    ...
    momi_lib.data.names.PictureError: is not a JPEG, PNG, WebP or BMP picture but a GIF
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            columns, rows = image.size
            most = max(MAX_PIXELS, _limit()) if image.format in ("JPEG", "MPO") else MAX_PIXELS
            if MAX_PIXELS < rows * columns <= most:
                image.draft("RGB", (columns // 4, rows // 4))
            if rows * columns > most or image.size[0] * image.size[1] > MAX_PIXELS:
                raise PictureError(f"is {columns}x{rows} pixels by its header, refused undecoded; {_smaller(most)}")
            image.load()  # before EXIF, for which PIL decodes a PNG, too, and then no longer says that it is damaged
            size = (columns, rows) if _orientation(image) > 4 else (rows, columns)
            return Opened(as_seen(image), several(image), size)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:  # of PIL, from twice its own limit on
        more = f"has more than {2 * _limit():,} pixels by its header, refused undecoded"
        raise PictureError(f"{more}; {_smaller(MAX_PIXELS)}") from error
    except FileNotFoundError as error:
        raise PictureError("does not exist") from error
    except IsADirectoryError as error:
        raise PictureError("is a folder, expected a picture") from error
    except Image.UnidentifiedImageError as error:
        raise PictureError(_unlike(file)) from error
    except Exception as error:  # PIL raises OSError, SyntaxError, struct.error, ... for damaged files
        reason = getattr(error, "strerror", None) or error or type(error).__name__
        raise PictureError(f"cannot be decoded ({reason})") from error


def _limit() -> int:
    return Image.MAX_IMAGE_PIXELS or MAX_PIXELS


def _smaller(most: int) -> str:
    return f"make it smaller, to {most:,} pixels or fewer"


def _unlike(file: str | BinaryIO) -> str:
    if isinstance(file, str):
        with open(file, "rb") as content:
            beginning = content.read(512)
    else:
        file.seek(0)
        beginning = file.read(512)
    if not beginning:
        return f"is not a {NAMES} picture: it is empty"
    kind = kind_of(beginning)
    return f"is not a {NAMES} picture" + (f" but {kind}" if kind else "")


def read_picture(path: str | os.PathLike[str]) -> Image.Image:
    """A picture file in full, as :func:`as_seen` shows it; of an animated one the first frame, which a warning says.

    Raises PictureError, which names the file.

    >>> import tempfile; from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "red.webp"
    >>> Image.new("RGB", (4, 8), (255, 0, 0)).save(path)
    >>> read_picture(path).size
    (4, 8)
    """
    try:
        if os.path.isfile(path) and os.path.getsize(path) > MAX_BYTES:
            raise PictureError(f"is larger than {MAX_BYTES >> 20} MiB, refused unread")
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            raise PictureError("is a pipe or a device; save the picture to a file first")
        with without_pils_warning():
            found = opened(os.fspath(path))
        if found.animated:
            log.warning("%s is animated; the first frame is read.", path)
        return found.image
    except PictureError as error:
        raise PictureError(f"{path} {error}.") from error


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


def cut(image: Image.Image, box: Box | tuple[int, int, int, int], size: tuple[int, int] = (128, 64)) -> Tensor:
    """What the network sees: the box as a picture (3, H, W) uint8.

    A box as left, top, right, bottom may lie partly outside: there the picture's edge goes on.

    >>> cut(Image.new("RGB", (200, 300), (255, 0, 0)), Box())[:, 0, 0].tolist()
    [255, 0, 0]
    >>> cut(Image.new("RGB", (10, 100), (255, 0, 0)), (-20, 0, 30, 100))[:, 0, 0].tolist()
    [255, 0, 0]
    """
    left, top, right, bottom = box.of(*image.size) if isinstance(box, Box) else box
    if left < 0 or top < 0 or right > image.width or bottom > image.height:
        room = max(-left, 0), max(right - image.width, 0), max(-top, 0), max(bottom - image.height, 0)
        pixels = np.pad(np.asarray(image), (room[2:], room[:2], (0, 0)), mode="edge")
        image = Image.fromarray(pixels)
        left, top, right, bottom = left + room[0], top + room[2], right + room[0], bottom + room[2]
    small = image.resize(
        (size[1], size[0]), Image.Resampling.BICUBIC, box=(left, top, right, bottom), reducing_gap=3.0
    )
    pixels = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8)
    return pixels.view(size[0], size[1], 3).permute(2, 0, 1).contiguous()
