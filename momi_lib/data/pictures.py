"""Pictures: from files to one uint8 tensor, safely and in parallel; and back into files.

A folder of pictures comes from somewhere else, so nothing about a file is believed before it is checked: its
size on disk, the size that its header states, and that every byte decodes. `verify()` of PIL passes a
truncated JPEG, which is why each picture is decoded in full. What a file's content means is said in
:mod:`momi_lib.data.reading`.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from momi_lib.arguments import check_bytes, check_range, check_tensor, check_tensors, path_of, told, whole
from momi_lib.data.names import PictureError
from momi_lib.data.reading import MAX_BYTES, opened, without_pils_warning
from momi_lib.data.records import refuse
from momi_lib.files import temporary_prefix, write_atomically

__all__ = [
    "STANDARD",
    "check_out",
    "check_writable",
    "decode_pictures",
    "picture_grid",
    "report_resized",
    "save_picture",
    "size_of",
    "to_float",
    "to_uint8",
]

log = logging.getLogger(__name__)

#: Rows and columns of a picture of Market-1501, and of the mannequins.
STANDARD = (128, 64)
CHUNK = 64  # pictures a thread takes at a time
BEYOND = 10.0  # a colour that a network draws beyond [-1, 1] is clipped; one beyond this is of another range
LONG = 4000  # from here on a progress bar shows
#: Endings that are written, and what PIL calls their formats.
WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def _decode(path: str, size: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int], bool]:
    """One picture as (H, W, 3) uint8, its own (rows, columns) and whether it is animated.

    Raises PictureError without the path.
    """
    if os.path.isfile(path) and os.path.getsize(path) > MAX_BYTES:
        raise PictureError(f"is larger than {MAX_BYTES >> 20} MiB, refused unread")
    image, animated, (rows, columns) = opened(path)
    if image.size != (size[1], size[0]):
        image = image.resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(image), (rows, columns), animated


def decode_pictures(
    folder: Path, files: Sequence[str], *, size: tuple[int, int] = STANDARD, workers: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Decode files into one array, on several threads (PIL releases the interpreter lock while it decodes).

    Each is read as a person sees it (:func:`~momi_lib.data.reading.as_seen`); of an animated one the first frame, which
    one logged warning says. Pictures of another size are resized (bicubic).

    Args:
        folder: what `files` are relative to.
        size: (rows, columns) of the result.
        workers: number of threads; one a core when None.

    Returns:
        pictures (N, 3, H, W) uint8 and the (rows, columns) that each file had when upright, (N, 2) int64.

    Raises PictureError, one for all bad files, that names the first few.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (64, 128), (255, 0, 0)).save(root / "red.png")
    >>> pictures, sizes = decode_pictures(root, ["red.png"])
    >>> pictures.shape, pictures[0, :, 0, 0].tolist(), sizes.tolist()
    ((1, 3, 128, 64), [255, 0, 0], [[128, 64]])
    """
    pictures = np.empty((len(files), 3, *size), dtype=np.uint8)
    sizes = np.empty((len(files), 2), dtype=np.int64)
    animated = np.zeros(len(files), dtype=bool)

    def work(start: int) -> list[tuple[str, str]]:
        bad = []
        for index in range(start, min(start + CHUNK, len(files))):
            try:
                picture, sizes[index], animated[index] = _decode(os.path.join(folder, files[index]), size)
                pictures[index] = picture.transpose(2, 0, 1)
            except PictureError as error:
                bad.append((files[index], str(error)))
        return bad

    pool = ThreadPoolExecutor(max_workers=workers or _cores(), thread_name_prefix="decode")
    try:
        with without_pils_warning():
            chunks = range(0, len(files), CHUNK)
            done = pool.map(work, chunks)
            if len(files) >= LONG:
                done = tqdm(done, total=len(chunks), desc="decode")
            bad = [failure for part in done for failure in part]
    finally:
        pool.shutdown(cancel_futures=True)
    refuse(folder, bad, len(files))
    if animated.any():
        log.warning(
            "%d of %d pictures are animated; of these the first frame is read. The first is %s.",
            *(animated.sum(), len(files), files[int(animated.argmax())]),
        )
    return pictures, sizes


def _cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def report_resized(files: Sequence[str], sizes: np.ndarray, size: tuple[int, int]) -> None:
    """Log one warning that says how many pictures were resized and which was the first.

    Standard pictures that the caller asked for at another size are no surprise: logged as information.

    >>> report_resized(["a.jpg"], np.array([[128, 64]]), (128, 64))
    """
    wrong = np.flatnonzero((sizes != size).any(axis=1))
    if len(wrong) == 0:
        return
    rows, columns = sizes[wrong[0]].tolist()
    level = logging.INFO if (sizes == STANDARD).all() else logging.WARNING
    log.log(
        level,
        "%d of %d pictures were resized to %dx%d (rows x columns); the first is %s, which has %dx%d.",
        *(len(wrong), len(files), *size, files[wrong[0]], rows, columns),
    )


def size_of(pictures: Tensor) -> tuple[int, int]:
    """(H, W) of pictures or maps (..., H, W).

    >>> size_of(torch.zeros(2, 3, 128, 64))
    (128, 64)
    """
    check_tensor("pictures", pictures, "... H W", "pictures or maps", "any", empty=True)
    height, width = pictures.shape[-2:]
    return height, width


def to_float(pictures: Tensor) -> Tensor:
    """uint8 pictures (..., 3, H, W) in 0..255 as float32 in [-1, 1], the range of the paper's G.

    Raises TypeError when the pictures are not uint8.

    >>> to_float(torch.tensor([0, 255], dtype=torch.uint8))
    tensor([-1.,  1.])
    """
    if not isinstance(pictures, Tensor) or pictures.dtype != torch.uint8:
        raise TypeError(f"pictures: expected uint8 in 0..255, got {told(pictures)}.")
    if 0 in pictures.shape[-2:]:
        raise ValueError(f"pictures: expected sides from 1 pixel, got {tuple(pictures.shape)}.")
    return pictures.float().div_(127.5).sub_(1.0)


def to_uint8(pictures: Tensor) -> Tensor:
    """Float pictures (..., 3, H, W) in [-1, 1] as uint8, rounded; what lies a little outside the range is clipped.

    Raises TypeError when the pictures are not floating point, ValueError for NaN and for colours beyond ±10, as in
    pictures in 0..255. On a GPU this waits for the device.

    >>> to_uint8(torch.tensor([-1.0, 0.0, 1.0, 7.0]))
    tensor([  0, 128, 255, 255], dtype=torch.uint8)
    """
    if not isinstance(pictures, Tensor) or not pictures.is_floating_point():
        raise TypeError(f"pictures: expected floating point in [-1, 1], got {told(pictures)}.")
    if 0 in pictures.shape[-2:]:
        raise ValueError(f"pictures: expected sides from 1 pixel, got {tuple(pictures.shape)}.")
    if pictures.numel():
        check_range("pictures", pictures, beyond=BEYOND, bright=True)
    return pictures.detach().float().add(1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)


def picture_grid(rows: list[Tensor], *, padding: int = 2) -> Tensor:
    """Rows of pictures (N, 3, H, W) in [-1, 1] → one uint8 picture (3, ·, ·), row under row.

    >>> picture_grid([torch.zeros(4, 3, 8, 4)] * 2).shape
    torch.Size([3, 22, 26])
    """
    from torchvision.utils import make_grid

    check_tensors("rows", rows, "N 3 H W", "pictures in [-1, 1]", sizes={})
    for index, row in enumerate(rows):
        check_range(f"rows[{index}]", row, beyond=BEYOND, bright=True)
    padding = whole("padding", padding, 0, 4096)
    pictures = torch.cat([row.detach().float().cpu() for row in rows]).clamp(-1, 1)
    return (make_grid(pictures, nrow=len(rows[0]), padding=padding, pad_value=1.0) * 127.5 + 127.5).round().byte()


def save_picture(picture: Tensor, path: Path) -> None:
    """Write a uint8 picture (3, H, W) as PNG or JPEG by the ending of ``path``, atomically.

    Raises ValueError for another ending, OSError for what cannot be written.
    """
    check_bytes("picture", picture, "3 H W")
    path = path_of("path", path)
    ending = _written_as(path)
    image = Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy())
    write_atomically(path, lambda file: image.save(file, format=WRITTEN[ending]))


def _written_as(path: Path) -> str:
    if path.suffix.lower() not in WRITTEN:
        raise ValueError(f"{path}: expected a name ending in {', '.join(WRITTEN)}")
    return path.suffix.lower()


def check_out(path: Path, inputs: Iterable[tuple[str, Path]] = ()) -> None:
    """Refuse a picture file that could not be written, or that is one of the inputs, before any work is done.

    Nothing is left behind, neither a file nor a folder.

    Args:
        path: what :func:`save_picture` shall write; folders that are missing are made then.
        inputs: names and files that must stay as they are, also where a link leads to them.

    Raises ValueError, one sentence that names `path` as ``--out``.

    >>> check_out(Path("swap.gif"))
    Traceback (most recent call last):
    ...
    ValueError: --out swap.gif: expected a name ending in .png, .jpg, .jpeg
    """
    if os.path.isdir(path):
        raise ValueError(f"--out {path} is a folder; expected the name of a file ending in {', '.join(WRITTEN)}")
    try:
        _written_as(path)
    except ValueError as error:
        raise ValueError(f"--out {error}") from error
    for name, file in inputs:
        if _same(path, file):
            raise ValueError(
                f"--out {path} is the {name} itself ({file}), which would be overwritten; choose another name"
            )
    check_writable(path)


def check_writable(path: Path) -> None:
    """Refuse a file that cannot be written: below a file, in a place without permission, with an impossible name.

    Raises ValueError that names `path` as ``--out``.

    >>> check_writable(Path(__file__) / "swap.png")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: --out .../swap.png cannot be written: ... is a file and no folder; choose another place
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise ValueError(f"--out {path} is a folder or a special file; expected the name of a file to write")
        there = next(folder for folder in path.absolute().parents if folder.exists())
        if not there.is_dir():
            raise ValueError(f"--out {path} cannot be written: {there} is a file and no folder; choose another place")
        longest = max(path.absolute().relative_to(there).parts, key=len)
        with suppress(FileNotFoundError):
            os.lstat(there / longest)
        # As write_atomically will do, with the longest of the names; it is removed at once.
        handle, probe = tempfile.mkstemp(dir=there, prefix=temporary_prefix(longest))
        os.close(handle)
        os.unlink(probe)
    except OSError as error:
        raise ValueError(
            f"--out {path} cannot be written: {error.strerror or error}; choose another name or place"
        ) from error


def _same(path: Path, other: Path) -> bool:
    if os.path.realpath(path) == os.path.realpath(other):  # also by a folder that will only be made for it
        return True
    try:
        return os.path.samefile(path, other)
    except OSError:  # one of them is not there
        return False
