"""Locks between processes, as files: each says which process made it, and is taken over if that process has ended.

Creating a file that must not exist yet is atomic, also on most disks that machines share. A lock of another machine
is never taken over, because this machine cannot tell whether its process still runs. Another container, and this
machine before its last restart, count as another machine: containers of the same name may share a disk.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from momi_lib import files

log = logging.getLogger(__name__)

UNWRITTEN = 60.0  # seconds after which an empty lock must have been left by a process that was killed
#: Locks that this process holds or is taking, with its process number, because a forked child holds none of them.
_OURS: set[tuple[int, Path]] = set()
_CLAIMING = threading.Lock()
#: The content of the files that this process has made.
_WRITTEN: dict[Path, str] = {}


@contextmanager
def held(path: Path, patience: float = 0.0) -> Iterator[bool]:
    """Hold a lock until the end of the context, even if it ends with an error.

    Args:
        path: its file; the folder is created.
        patience: seconds to wait for another process to release it.

    Yields:
        whether it is held; ``False`` if another process has it.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "some.lock"
    >>> with held(path) as first, held(path) as second:
    ...     first, second
    (True, False)
    >>> path.exists()
    False
    """
    path, end = Path(path).resolve(), time.monotonic() + patience
    while not (ours := _claim(path)) and time.monotonic() < end:
        time.sleep(0.1)
    if not ours:
        yield False
        return
    try:
        yield True
    finally:
        _let_go(path)
        _OURS.discard((os.getpid(), path))


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


def _claim(path: Path) -> bool:
    """Take a lock, unless another thread of this process has it or is taking it."""
    claim = os.getpid(), path
    with _CLAIMING:
        if claim in _OURS:
            return False
        _OURS.add(claim)
    taken = False
    try:
        taken = _take(path)
    finally:
        if not taken:
            _OURS.discard(claim)
    return taken


def _take(path: Path) -> bool:
    """Create a lock, and replace one whose process has ended."""
    if _create(path):
        return True
    if not _left(path):
        return not path.exists() and _create(path)  # it may have just been released
    # Only the holder of the guard may remove the lock of another process: otherwise, of two processes that find it old,
    # one could remove the new lock of the other.
    guard = path.with_name(f"{path.name}.guard")
    if not (_create(guard) or (_put_away(guard) and _create(guard))):
        return False
    try:
        if _left(path):
            log.info("%s: taken over, because its process has ended", path)
            files.remove(path)
        return _create(path)
    finally:
        _let_go(guard)


def _put_away(guard: Path) -> bool:
    """Remove a guard whose process was killed while it held it, but never the new guard of another process."""
    if not _left(guard):
        return False
    aside = guard.with_name(f"{guard.name}.{socket.gethostname()}.{os.getpid()}")
    with suppress(OSError):
        os.replace(guard, aside)  # Windows refuses to rename to a name that is taken
        old = _left(aside)
        if not old:  # another process was faster, and this is its guard
            with suppress(OSError):
                os.link(aside, guard)
        aside.unlink()
        return old
    return False


def _create(path: Path) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    except PermissionError:
        if files.WINDOWS and path.exists():  # there it says so of a file that another process is just removing
            return False
        raise
    since = datetime.now(UTC).isoformat(timespec="seconds")
    _WRITTEN[path] = json.dumps({**_process(), "since": since, "mark": secrets.token_hex(8)})
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(_WRITTEN[path])
    return True


def _let_go(path: Path) -> None:
    """Remove a lock of this process, unless it belongs to another process by now."""
    written = _WRITTEN.pop(path, None)
    try:
        ours = path.read_text(encoding="utf-8") == written
    except FileNotFoundError:
        log.warning("%s: gone while it was held; another process may have done the same work", path)
        return
    if ours:
        files.remove(path)
    else:
        log.warning("%s: taken by %s while it was held; it stays", path, holder(path))


def _machine() -> dict[str, str | None]:
    """Identifies this machine: its name, its last start, and the container."""
    boot = namespace = None
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = os.readlink("/proc/self/ns/pid")
    return {"host": socket.gethostname(), "boot": boot, "namespace": namespace}


def _process() -> dict[str, int | str | None]:
    """The entry of a lock about this process."""
    return {"pid": os.getpid(), **_machine(), "started": _started(os.getpid())}


def _started(pid: int) -> str | None:
    """When a process of this machine was started, in the system's units; ``None`` if the system does not say."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return told.rpartition(")")[2].split()[19]  # the name in parentheses may contain anything
    except (OSError, IndexError):
        return None


def _left(path: Path) -> bool:
    """Whether a lock exists and was left by a process of this machine that has ended."""
    try:
        text, age = path.read_text(encoding="utf-8"), time.time() - path.stat().st_mtime
    except (FileNotFoundError, PermissionError):  # on Windows the latter, where another process is just removing it
        return False
    try:
        told = json.loads(text)
        here = all(told.get(name) == value for name, value in _machine().items())
        return here and not _runs(int(told["pid"]), told.get("started"))
    except (ValueError, KeyError, TypeError, AttributeError):  # being written, or its process was killed before
        return age > UNWRITTEN


def _runs(pid: int, started: str | None) -> bool:
    """Whether the process of this machine that made a lock still runs, and not a later one with the same number."""
    if pid == os.getpid():
        return False  # not held by this process: it has the number by chance, as after a restart of a container
    if sys.platform == "win32":
        return True  # the call below would end the process there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # the process of a different user
        pass
    return started is None or _started(pid) in (None, started)
