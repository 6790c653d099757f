"""A training that is told to end, or that cannot go on: it leaves a checkpoint, and says how to continue.

Ctrl-C, a scheduler's SIGTERM and a closed terminal's SIGHUP ask a training to end. It finishes its step, writes a
checkpoint, and raises :class:`Interrupted`. A full disk, and a batch that does not fit into the memory, end it with one
sentence; the last checkpoint stays whole.
"""

from __future__ import annotations

import errno
import logging
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from momi_lib.arguments import number
from momi_lib.train.checkpoint import whole_checkpoints
from momi_lib.train.processes import mean_over

__all__ = ["Interrupted", "check_minutes", "run_in_order", "saying_how_to_go_on"]

log = logging.getLogger(__name__)

#: Signals that ask a program to end; a system has some of them.
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
#: Why a file cannot be written: no room, no right, nothing there, a damaged disk.
UNWRITABLE = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "ENOENT", "ENOTDIR", "EIO", "ESTALE")
    if hasattr(errno, name)  # Windows lacks some
}
AT_ONCE = 1.0  # seconds within which a second signal is the same one again, which launchers pass on


class Interrupted(KeyboardInterrupt):
    """A training was asked to end and has written a checkpoint; the message says how to go on.

    Attributes:
        signal: number of the signal that asked.
    """

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.signal = number


class _Ends(Exception):
    """Leaves the loop between two steps."""


class _Asked:
    """The callback that ends a loop after the step in which a signal came.

    With several processes each may get the signal at another step, or only one of them gets it: they ask each other
    after every ``log.every`` steps and end together.
    """

    def __init__(self) -> None:
        self.number, self.since = 0, 0.0

    def hear(self, number: int, frame: Any, *, alone: bool = True) -> None:
        """The handler of the signals; Ctrl-C once more, a second later or more, stops at once."""
        if self.number and alone and number == signal.SIGINT and time.monotonic() - self.since > AT_ONCE:
            raise KeyboardInterrupt("stopped at once, without a checkpoint of the last step")
        if not self.number:
            self.number, self.since = number, time.monotonic()
            log.warning("%s: finishing this step, then writing a checkpoint", signal.Signals(number).name)

    def __call__(self, trainer: Any, _: Mapping[str, float]) -> None:
        """After each step, in every process."""
        accelerator, asked = trainer.accelerator, self.number
        if accelerator.num_processes > 1:
            if trainer.step % trainer.config.log.every and trainer.step != trainer.steps:
                return
            told = mean_over(accelerator, torch.tensor([float(bool(asked))], device=trainer.device))
            asked = (asked or signal.SIGTERM) if float(told) else 0
        if asked:
            self.number = asked
            raise _Ends


@contextmanager
def _listening(asked: _Asked, alone: bool) -> Iterator[None]:
    """Let ``asked`` hear the signals until the end of the context.

    Only the main thread of a program can do this. A signal that is ignored, as SIGHUP under nohup, stays ignored.
    """
    before: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for name in SIGNALS:
                number = getattr(signal, name, None)
                if number is None or signal.getsignal(number) in (signal.SIG_IGN, None):
                    continue
                with suppress(OSError, ValueError):
                    before[number] = signal.signal(number, lambda n, frame: asked.hear(n, frame, alone=alone))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_minutes(minutes: float | None) -> None:
    """Refuse a time that is none (ValueError).

    >>> check_minutes(float("nan"))
    Traceback (most recent call last):
    ...
    ValueError: minutes: expected a number from 0 up, got nan
    """
    if minutes is not None:
        number("minutes", minutes, 0)


def run_in_order(trainer: Any, reporter: Any, *, until: int | None = None, minutes: float | None = None) -> None:
    """Train to the end, up to a step or for some minutes, and write a checkpoint.

    Args:
        trainer: a :class:`~momi_lib.train.loop.Trainer`, or another trainer with the same attributes.
        reporter: its callback, which writes the checkpoints in the first process.
        until, minutes: see the trainer's ``run``.

    Raises:
        Interrupted: if a signal asked the training to end. All processes end after the same step.
    """
    accelerator, asked = trainer.accelerator, _Asked()
    main = accelerator.is_main_process
    with _listening(asked, accelerator.num_processes == 1):
        try:
            trainer.run(until, minutes=minutes, callbacks=(reporter, asked) if main else (asked,))
        except _Ends:
            path = reporter.checkpoint() if main else None  # of this step, also if it was written a moment ago
            accelerator.wait_for_everyone()
            raise Interrupted(asked.number, _stopped(trainer, asked.number, path)) from None
        if main:
            reporter.checkpoint()


def _stopped(trainer: Any, number: int, path: Path | None) -> str:
    name, out = signal.Signals(number).name, trainer.config.out
    written = "" if path is None else f"; {path} is written"
    return (
        f"{out}: stopped by {name} after step {trainer.step} of {trainer.steps}{written}. "
        "The same command with --resume goes on from there."
    )


@contextmanager
def saying_how_to_go_on(trainer: Any) -> Iterator[None]:
    """End with one sentence that says how to go on, whatever ends a run before its end.

    Raises:
        Interrupted: for a Ctrl-C.
        OSError: if a file of the run cannot be written.
        RuntimeError: if a batch does not fit into the memory.
    """
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt as error:  # before the first step, after the last one, or the second Ctrl-C
        number = getattr(error, "signal", signal.SIGINT)
        said = f"{trainer.config.out}: {error or 'stopped'}. {_how_to_go_on(trainer)}"
        raise Interrupted(number, said) from None
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        file = error.filename or trainer.config.out
        raise OSError(
            f"{file}: cannot be written after step {trainer.step} of {trainer.steps} ({error.strerror or error}). "
            f"{_how_to_go_on(trainer, 'make room or give the right to write, and ')}"
        ) from error
    except (RuntimeError, MemoryError) as error:
        if not no_memory(error):
            raise
        name, size = _batch(trainer)
        raise RuntimeError(
            f"{name}: a step with {size} at a time does not fit into the memory of {trainer.device} "
            f"({_first_line(error)}). Take a smaller --{name.replace('_', '-')}, or share it among more processes. "
            f"{_how_to_go_on(trainer, 'with a smaller one, ')}"
        ) from error


def _how_to_go_on(trainer: Any, before: str = "") -> str:
    """What is left of the run, and the advice how to continue."""
    kept = whole_checkpoints(trainer.config.out)
    advice = f"{before}the same command with --resume"
    if kept:
        return f"{kept[0].name} is whole: {advice} goes on from there."
    return f"There is no checkpoint yet: {advice} begins anew."


def no_memory(error: BaseException) -> bool:
    """Whether an error says that memory is used up, on a GPU or a CPU.

    >>> no_memory(MemoryError()), no_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in said or "not enough memory" in said)


def _first_line(error: BaseException) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line.rpartition("DefaultCPUAllocator: ")[2].rstrip(". ")


def _batch(trainer: Any) -> tuple[str, int]:
    """The option that decides how many pictures this step takes, and its value."""
    options = getattr(trainer, "options", trainer.config)
    name = {"student": "distil_batch", "body": "body_batch"}.get(getattr(trainer, "stage", "whole"), "batch")
    return name, getattr(options, name)
