"""Locks between processes, as files: who made one stands in it, and one whose process has ended is taken over.

Creating a file that must not exist yet is one step, also on most disks that machines share. A lock of another machine
is never taken over, because nobody here can tell whether its process still runs.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)

UNWRITTEN = 60.0  # seconds after which a lock without a name in it was left by a process that was killed
_OURS: set[Path] = set()


@contextmanager
def held(path: Path, patience: float = 0.0) -> Iterator[bool]:
    """Hold a lock for as long as the context lasts, also where the context ends in an error.

    Args:
        path: its file; the folder is made.
        patience: seconds to wait for another process to let go.

    Yields:
        whether it is held; ``False`` where another process has it.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "some.lock"
    >>> with held(path) as first, held(path) as second:
    ...     first, second
    (True, False)
    >>> path.exists()
    False
    """
    path, end = Path(path).resolve(), time.monotonic() + patience
    while not (ours := _take(path)) and time.monotonic() < end:
        time.sleep(0.1)
    if not ours:
        yield False
        return
    _OURS.add(path)
    try:
        yield True
    finally:
        _OURS.remove(path)
        path.unlink(missing_ok=True)


def holder(path: Path) -> str:
    """Who holds a lock, in words.

    >>> holder(Path("nowhere.lock"))
    'another process'
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return f"process {told['pid']} on {told['host']}, since {told['since']},"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _take(path: Path) -> bool:
    """Create a lock, in the place of one whose process has ended if need be."""
    if _create(path):
        return True
    if not _ended(path):
        return False
    # Only who holds the guard may take another process's lock away: of two that find it old, one would else take
    # away the new lock of the other.
    guard = path.with_name(f"{path.name}.guard")
    if not _create(guard):
        return False
    try:
        if _ended(path):
            log.info("%s: taken over, because its process has ended", path)
            path.unlink(missing_ok=True)
        return _create(path)
    finally:
        guard.unlink(missing_ok=True)


def _create(path: Path) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    since = datetime.now(UTC).isoformat(timespec="seconds")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": since}, file)
    return True


def _ended(path: Path) -> bool:
    """Whether a lock is gone, or was left by a process of this machine that has ended."""
    try:
        text, age = path.read_text(encoding="utf-8"), time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return True
    try:
        told = json.loads(text)
        return told["host"] == socket.gethostname() and not _runs(int(told["pid"]), path)
    except (ValueError, KeyError, TypeError):  # it is just being written, or its process was killed before it was
        return age > UNWRITTEN


def _runs(pid: int, path: Path) -> bool:
    """Whether the process of this machine that made a lock runs."""
    if pid == os.getpid():
        return path in _OURS  # or its number is ours by chance, as after a restart of a container
    if sys.platform == "win32":
        return True  # asking as below would end it there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
