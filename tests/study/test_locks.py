"""Locks between processes: one at a time has it, and none is lost with a process that was killed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from momi_lib.study.locks import UNWRITTEN, held, holder

HOLD = """
import os, sys
from pathlib import Path
from momi_lib.study.locks import held
lock = Path(sys.argv[1])
for _ in range(20):
    with held(lock, 60) as ours:
        assert ours
        inside = lock.with_name("inside")
        inside.touch(exist_ok=False)
        inside.unlink()
"""


def ended_process() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def leave(lock: Path, pid: int, host: str | None = None) -> None:
    lock.write_text(json.dumps({"pid": pid, "host": host or socket.gethostname(), "since": "2026-01-01"}))


def test_a_lock_is_let_go_of_in_the_end_and_after_an_error(tmp_path):
    lock = tmp_path / "folder" / "a.lock"
    with held(lock) as ours, held(lock) as theirs:
        assert ours and not theirs and lock.is_file()
        assert holder(lock).startswith(f"process {os.getpid()} on {socket.gethostname()}, since ")
    with pytest.raises(RuntimeError), held(lock):
        raise RuntimeError
    assert list(lock.parent.iterdir()) == []


def test_a_running_process_keeps_its_lock_and_one_that_has_ended_does_not(tmp_path):
    lock = tmp_path / "a.lock"
    leave(lock, os.getppid())
    with held(lock) as ours:
        assert not ours
    assert lock.is_file()
    for pid in (ended_process(), os.getpid()):  # ours by chance: this process holds nothing
        leave(lock, pid)
        with held(lock) as ours:
            assert ours
        assert list(tmp_path.iterdir()) == []


def test_of_another_machine_nobody_knows_whether_its_process_runs(tmp_path):
    lock = tmp_path / "a.lock"
    leave(lock, ended_process(), "elsewhere")
    with held(lock) as ours:
        assert not ours
    assert holder(lock).endswith("on elsewhere, since 2026-01-01,")


def test_a_lock_without_a_name_is_new_or_of_a_process_that_was_killed(tmp_path):
    lock = tmp_path / "a.lock"
    lock.touch()
    with held(lock) as ours:
        assert not ours and holder(lock) == "another process"
    os.utime(lock, (time.time() - UNWRITTEN - 1,) * 2)
    with held(lock) as ours:
        assert ours


def test_of_many_processes_one_at_a_time_has_it(tmp_path):
    """They begin with the lock of a process that has ended: two of them may find it at the same time."""
    lock = tmp_path / "a.lock"
    leave(lock, ended_process())
    root = Path(__file__).resolve().parents[2]
    processes = [subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], cwd=root) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert list(tmp_path.iterdir()) == []
