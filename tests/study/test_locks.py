"""Locks between processes: one at a time has it, and none is lost with a process that was killed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from momi_lib.study import locks
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


def leave(lock: Path, pid: int, host: str | None = None, **more: str) -> None:
    told = {**locks._machine(), "pid": pid, "started": locks._started(pid), "since": "2026-01-01"}
    lock.write_text(json.dumps(told | ({"host": host} if host else {}) | more))


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


@pytest.mark.parametrize("unlike", [{"boot": "another"}, {"namespace": "pid:[1]"}])
def test_a_container_of_the_same_name_is_another_machine(tmp_path, unlike):
    """Its processes have numbers of their own, so nobody here can tell whether one of them runs."""
    lock = tmp_path / "a.lock"
    leave(lock, ended_process(), **unlike)
    with held(lock) as ours:
        assert not ours
    assert lock.is_file()


@pytest.mark.skipif(locks._started(os.getpid()) is None, reason="nobody says here when a process was started")
def test_a_number_that_another_process_has_by_now_is_not_the_process_of_the_lock(tmp_path):
    lock = tmp_path / "a.lock"
    leave(lock, os.getppid(), started="1")
    with held(lock) as ours:
        assert ours


def test_of_many_threads_one_at_a_time_has_it(tmp_path, monkeypatch):
    """The second comes when the first has made the file and nothing else."""
    lock, others, create = tmp_path / "a.lock", [], locks._create

    def second() -> None:
        with held(lock) as ours:
            others.append(ours)

    def slow(path: Path) -> bool:
        made = create(path)
        if not others:
            others.append(None)
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()
        return made

    monkeypatch.setattr(locks, "_create", slow)
    with held(lock) as ours:
        assert ours and others == [None, False]
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_is_somebody_elses_by_now_stays(tmp_path, caplog):
    lock = tmp_path / "a.lock"
    with held(lock) as ours:
        assert ours
        leave(lock, os.getppid())
    assert lock.is_file() and f"taken by process {os.getppid()} on " in caplog.text


def test_a_guard_does_not_outlive_its_process_for_long(tmp_path):
    lock, guard = tmp_path / "a.lock", tmp_path / "a.lock.guard"
    leave(lock, ended_process())
    leave(guard, os.getppid())
    with held(lock) as ours:
        assert not ours and guard.is_file()
    leave(guard, ended_process())
    with held(lock) as ours:
        assert ours
    assert list(tmp_path.iterdir()) == []


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
