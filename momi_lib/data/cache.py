"""A cache of decoded pictures: one memory-mappable .npy file and a JSON file beside it that vouches for it.

The key is made of what a change of the folder changes (names, sizes and modification times of the files), the
asked-for picture size and the version of this format. The JSON file is written last: an array without it does not
count. Caches live under $MOMI_CACHE or ~/.cache/momi and may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

__all__ = ["atomic_file", "cache_folder", "fingerprint", "load_pictures"]

log = logging.getLogger(__name__)

FORMAT = 1  # raise it whenever decoding or the files' content change


def cache_folder(name: str) -> Path:
    """Where caches called `name` live: under $MOMI_CACHE, or ~/.cache/momi. Not created here.

    >>> cache_folder("pictures").name
    'pictures'
    """
    return Path(os.environ.get("MOMI_CACHE") or "~/.cache/momi").expanduser() / name


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under `path` complete or not at all.

    It is a temporary file in the same folder, flushed to the disk and then renamed; after an exception it is gone.

    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_file(folder / "a.bin") as file:
    ...     _ = file.write(b"whole")
    >>> [p.name for p in folder.iterdir()]
    ['a.bin']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def fingerprint(files: Sequence[str], pictures: np.ndarray) -> str:
    """SHA-256 over names, shape and pixels: the same for the same content, wherever and whenever it was read.

    >>> fingerprint(["a.jpg"], np.zeros((1, 3, 8, 8), np.uint8))[:8]
    'f76ec223'
    """
    digest = hashlib.sha256(json.dumps([list(files), list(pictures.shape)]).encode())
    digest.update(np.ascontiguousarray(pictures).data)
    return digest.hexdigest()


def load_pictures(
    decode: Callable[[], tuple[np.ndarray, np.ndarray]],
    files: Sequence[str],
    stamps: Sequence[tuple[int, int]],
    *,
    place: str,
    size: tuple[int, int],
    memory_map: bool = False,
) -> tuple[np.ndarray, np.ndarray, str]:
    """Pictures from the cache, or from `decode()` and then into the cache.

    Args:
        decode: makes pictures (N, 3, H, W) uint8 and original sizes (N, 2).
        stamps: (bytes, mtime_ns) of each file.
        place: what the cache is of (folder and split); an older cache of the same place is removed.
        memory_map: map the file copy-on-write instead of reading it. A read checks every byte against the
            fingerprint, a map does not.

    Returns:
        pictures, original sizes (N, 2) and the fingerprint.

    >>> os.environ["MOMI_CACHE"] = tempfile.mkdtemp()
    >>> decode = lambda: (np.zeros((1, 3, 8, 8), np.uint8), np.array([[8, 8]]))
    >>> pictures, sizes, mark = load_pictures(decode, ["a.jpg"], [(9, 9)], place="here", size=(8, 8))
    >>> again, _, same = load_pictures(None, ["a.jpg"], [(9, 9)], place="here", size=(8, 8))
    >>> bool((pictures == again).all()), mark == same
    (True, True)
    >>> _ = os.environ.pop("MOMI_CACHE")
    """
    stem = hashlib.sha256(json.dumps([place, size]).encode()).hexdigest()[:16]
    key = hashlib.sha256(json.dumps([FORMAT, size, list(files), list(stamps)]).encode()).hexdigest()[:32]
    path = cache_folder("pictures") / f"{stem}-{key}.npy"
    found = _read(path, files, size, memory_map)
    if found is not None:
        return found
    pictures, sizes = decode()
    mark = fingerprint(files, pictures)
    try:
        _write(path, pictures, sizes, mark, size)
        if memory_map:
            pictures = np.load(path, mmap_mode="c")
    except OSError as error:  # a full or read-only disk makes the next start slower, nothing worse
        log.warning(
            "Pictures are not cached in %s (%s); set MOMI_CACHE to a writable folder.", path.parent, error
        )
    return pictures, sizes, mark


def _read(
    path: Path, files: Sequence[str], size: tuple[int, int], memory_map: bool
) -> tuple[np.ndarray, np.ndarray, str] | None:
    try:
        about = json.loads(path.with_suffix(".json").read_text())
        pictures = np.load(path, mmap_mode="c" if memory_map else None, allow_pickle=False)
        sizes = np.tile(np.array(size), (len(files), 1))
        for index, rows, columns in about["resized"]:
            sizes[index] = rows, columns
        if pictures.shape != (len(files), 3, *size) or pictures.dtype != np.uint8:
            raise ValueError(f"holds {pictures.dtype} {pictures.shape}")
        if not memory_map and fingerprint(files, pictures) != about["fingerprint"]:
            raise ValueError("its bytes changed since it was written")
        return pictures, sizes, about["fingerprint"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        log.warning("The cache %s is damaged (%s); the pictures are decoded again.", path, error)
        return None


def _write(path: Path, pictures: np.ndarray, sizes: np.ndarray, mark: str, size: tuple[int, int]) -> None:
    with atomic_file(path) as file:
        np.save(file, pictures, allow_pickle=False)
    resized = [[int(i), *map(int, sizes[i])] for i in np.flatnonzero((sizes != size).any(axis=1))]
    with atomic_file(path.with_suffix(".json")) as file:
        file.write(json.dumps({"format": FORMAT, "fingerprint": mark, "resized": resized}).encode())
    stem = path.name.split("-")[0]
    for old in path.parent.glob(
        f"{stem}-*"
    ):  # the same place as it was before: 0.3 GB a piece for Market-1501
        # A temporary file may be another process at work; after an hour it is one that was killed.
        with contextlib.suppress(OSError):  # another process may be using or removing it
            stale = old.suffix != ".tmp" or time.time() - old.stat().st_mtime > 3600
            if stale and not old.name.startswith(path.stem):
                old.unlink()
