"""A cache of decoded pictures: one memory-mappable .npy file and a JSON file beside it that vouches for it.

The key is made of what a change of the folder changes (names, sizes and modification times of the files), the
asked-for picture size and the version of this format. The JSON file is written last: an array without it does
not count. Caches live under $MOMI_CACHE or ~/.cache/momi (without a home that can be used, in the system's folder for
temporary files) and may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from momi_lib.files import write_atomically, write_json

__all__ = ["cache_folder", "fingerprint", "load_pictures"]

log = logging.getLogger(__name__)

FORMAT = 2  # raise it whenever decoding or the files' content change


def cache_folder(name: str) -> Path:
    """Where caches called `name` live: under $MOMI_CACHE, or ~/.cache/momi. Not created here.

    A user whom the system does not know, as in many containers, has no home, and one who inherited another's cannot
    write there. Their caches live in the system's folder for temporary files.

    Raises ValueError for a $MOMI_CACHE that begins with a ~ of nobody.

    >>> cache_folder("pictures").name
    'pictures'
    """
    given = os.environ.get("MOMI_CACHE")
    try:
        folder = Path(given or "~/.cache/momi").expanduser()
    except RuntimeError as error:  # neither $HOME nor an entry of the user
        if given:
            raise ValueError(
                f"MOMI_CACHE: expected a folder, got {given!r}, and there is no such home; give it without ~"
            ) from error
        return _temporary() / name
    return (folder if given or _usable(folder) else _temporary()) / name


def _usable(folder: Path) -> bool:
    """Whether a folder can be read, or made."""
    if os.path.exists(folder):
        return os.access(folder, os.R_OK | os.X_OK)
    above = folder.parent
    while not os.path.exists(above) and above != above.parent:  # a drive that is not there is its own parent
        above = above.parent
    return os.access(above, os.W_OK | os.X_OK)


def _temporary() -> Path:
    owner = os.getuid() if hasattr(os, "getuid") else "cache"
    with contextlib.suppress(OSError):
        return Path(tempfile.gettempdir()) / f"momi-{owner}"
    return Path(os.devnull)  # nothing can be written anywhere: whoever tries says so


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

    >>> import tempfile; from unittest import mock
    >>> def decode(): return np.zeros((1, 3, 8, 8), np.uint8), np.array([[8, 8]])
    >>> with mock.patch.dict(os.environ, MOMI_CACHE=tempfile.mkdtemp()):
    ...     pictures, sizes, mark = load_pictures(decode, ["a.jpg"], [(9, 9)], place="here", size=(8, 8))
    ...     again, _, same = load_pictures(None, ["a.jpg"], [(9, 9)], place="here", size=(8, 8))
    >>> bool((pictures == again).all()), mark == same
    (True, True)
    """
    stem = _digest([place, size])[:16]
    key = _digest([FORMAT, size, list(files), list(stamps)])[:32]
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
        log.warning("No pictures cached in %s (%s); set MOMI_CACHE to a writable folder.", path.parent, error)
    return pictures, sizes, mark


def _digest(content: list) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _read(
    path: Path, files: Sequence[str], size: tuple[int, int], memory_map: bool
) -> tuple[np.ndarray, np.ndarray, str] | None:
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        pictures = np.load(path, mmap_mode="c" if memory_map else None, allow_pickle=False)
        if pictures.shape != (len(files), 3, *size) or pictures.dtype != np.uint8:
            raise ValueError(f"it holds {pictures.dtype} {pictures.shape}")
        if not memory_map and fingerprint(files, pictures) != about["fingerprint"]:
            raise ValueError("its bytes changed since it was written")
        sizes = np.tile(np.array(size, dtype=np.int64), (len(files), 1))
        for index, rows, columns in about["resized"]:
            sizes[index] = rows, columns
        return pictures, sizes, str(about["fingerprint"])
    except (FileNotFoundError, NotADirectoryError, PermissionError):  # who writes it then says what is wrong
        return None
    except Exception as error:  # whatever is wrong with a cache, the pictures themselves are still there
        log.warning("The cache %s is damaged (%s); the pictures are decoded again.", path, error)
        return None


def _write(path: Path, pictures: np.ndarray, sizes: np.ndarray, mark: str, size: tuple[int, int]) -> None:
    resized = [[int(i), *map(int, sizes[i])] for i in np.flatnonzero((sizes != size).any(axis=1))]
    write_atomically(path, lambda file: np.save(file, pictures, allow_pickle=False))
    write_json(path.with_suffix(".json"), {"format": FORMAT, "fingerprint": mark, "resized": resized})
    # What the same place held before is of no more use: 0.3 GB a piece for Market-1501.
    stem = path.name.split("-")[0]
    for old in [*path.parent.glob(f"{stem}-*"), *path.parent.glob(f".{stem}-*")]:
        with contextlib.suppress(OSError):  # another process may be using or removing it
            # A hidden, temporary file may be another process at work, but after an hour it is debris.
            stale = not old.name.startswith(".") or time.time() - old.stat().st_mtime > 3600
            if stale and old.stem != path.stem:
                old.unlink()
