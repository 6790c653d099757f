"""Runs mutants, each in a forked process, and keeps the outcome of each as soon as it is known."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.mutation import inside
from tools.mutation.mutants import Mutant, lines_of
from tools.mutation.targets import LEFT_OUT

OURS = ("momi_lib", "tests", "tools", "conftest", "test_", "__main__", "__mp_main__")
LEAST, TIMES = 10.0, 4.0  # a mutant has at least LEAST CPU seconds, and TIMES what its tests take
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"


@dataclass
class Record:
    """The outcomes of the mutants of one file so far, kept as JSON.

    Attributes:
        file: the JSON file.
        source: SHA-256 of the file that is mutated.
        seconds: how long all its tests take without a mutant.
        mutants: names of all mutants of the file.
        outcomes: name → ``status``, ``by`` (the test that noticed), ``tests`` (how many ran it), ``seconds``, and
            ``line``, ``place``, ``operator``, ``before``, ``after`` of the mutant.
    """

    file: Path
    source: str = ""
    seconds: float = 0.0
    mutants: list[str] = field(default_factory=list)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, path: str) -> Record:
        """What is known of a file; an empty record if it was never mutated."""
        file = folder / f"{path.removesuffix('.py').replace('/', '.')}.json"
        return cls(file, **json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else cls(file)

    def write(self) -> None:
        """Write the JSON file; after an interruption it holds the earlier record or this one, never half of one."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        content = {name: value for name, value in vars(self).items() if name != "file"}
        part = self.file.with_suffix(".tmp")
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(self.file)

    def about(self, source: str, mutants: Iterable[Mutant]) -> None:
        """Record the file as it is now; outcomes of mutants that no longer exist are dropped."""
        self.source = hashlib.sha256(source.encode()).hexdigest()
        self.mutants = [mutant.name for mutant in mutants]
        self.outcomes = {name: self.outcomes[name] for name in self.mutants if name in self.outcomes}


def in_a_fork(work: Callable[[], dict[str, Any]], seconds: float) -> tuple[int, Path]:
    """Start work in a process of its own; returns the process number and the file that will hold the answer."""
    handle, name = tempfile.mkstemp(prefix="mutant-", suffix=".json")
    os.close(handle)
    process = os.fork()
    if process:
        return process, Path(name)
    try:
        inside.silence()
        inside.confine(seconds)
        answer = work()
        Path(name).write_text(json.dumps(answer), encoding="utf-8")
    finally:
        os._exit(0)  # without the clean-up of the parent process


def answer_of(status: int, file: Path) -> dict[str, Any]:
    """The answer of a process that has ended, or ``{"signal": number}``, or ``{}`` if it left no answer."""
    text = file.read_text(encoding="utf-8")
    file.unlink()
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return json.loads(text) if text else {}


def baseline(root: Path, path: str, tests: Sequence[str], left_out: Sequence[str] = LEFT_OUT) -> dict[str, Any]:
    """The tests of a file without any mutant, see :func:`tools.mutation.inside.trace`.

    Raises:
        RuntimeError: if one fails, or none is found: then mutants cannot be judged.
    """
    process, file = in_a_fork(lambda: inside.trace(root, path, tests, left_out), 24 * 3600)
    told = answer_of(os.waitpid(process, 0)[1], file)
    if told.get("status") != 0:
        said = ", ".join(told.get("failed", [])[:3]) or f"pytest said {told}"
        raise RuntimeError(f"{path}: its tests must pass without a mutant, but: {said}")
    return told


def load(modules: Iterable[str]) -> None:
    """Import the modules from outside the project once, here, so that the processes of the mutants need not."""
    for name in modules:
        if not name.startswith(OURS):
            try:
                importlib.import_module(name)
            except (Exception, SystemExit):  # some modules are made at run time and cannot be imported by name
                continue


def chosen_tests(mutant: Mutant, source: str, known: dict[str, Any]) -> list[str]:
    """The tests that run the mutant's lines, the quickest first."""
    lines = lines_of(source, mutant.line)
    chosen = [
        (test["seconds"], name)
        for name, test in known["tests"].items()
        if lines is None or any(line in lines for line in test["lines"])
    ]
    return [name for _, name in sorted(chosen)]


def verdict(told: dict[str, Any]) -> tuple[str, str]:
    """The status of a mutant, and what noticed it."""
    if told.get("signal") in (signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL):
        return TIMED_OUT, ""
    if "signal" in told:
        return KILLED, f"a crash, {signal.Signals(told['signal']).name}"
    if "by" not in told:
        return KILLED, "an end without an answer"
    return (KILLED, told["by"]) if told["by"] else (SURVIVED, "")


def run(
    root: Path,
    path: str,
    mutants: Sequence[Mutant],
    tests: Sequence[str],
    record: Record,
    *,
    workers: int = 1,
    until: float = float("inf"),
    least: float = LEAST,
    say: Callable[[str], None] = print,
) -> bool:
    """Try all mutants for which the record has no outcome; returns whether none is left.

    Args:
        root: of the project.
        path: the file, relative to the root.
        mutants: those of the file.
        tests: files of tests, relative to the root.
        record: gets each outcome, and is written after each.
        workers: how many processes at the same time.
        until: time (``time.monotonic``) from which no further mutant is started.
        least: CPU seconds that each mutant may take at least.
        say: is called with one line per outcome.
    """
    waiting = [mutant for mutant in mutants if mutant.name not in record.outcomes]
    if not waiting or time.monotonic() >= until:
        return not waiting
    source = (root / path).read_text(encoding="utf-8")
    known = baseline(root, path, tests)
    load(known["modules"])
    record.seconds = known["seconds"]
    running: dict[int, tuple[Mutant, list[str], float, Path]] = {}
    while running or (waiting and time.monotonic() < until):
        while waiting and len(running) < workers and time.monotonic() < until:
            mutant = waiting.pop(0)
            chosen = chosen_tests(mutant, source, known)
            if not chosen:
                _keep(record, mutant, SURVIVED, "", chosen, 0.0, say)
                continue
            alone = known["overhead"] + sum(known["tests"][name]["seconds"] for name in chosen)
            work = _work(root, path, mutant.text, chosen)
            process, file = in_a_fork(work, max(least, TIMES * alone))
            running[process] = mutant, chosen, time.monotonic(), file
        for process in list(running):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                mutant, chosen, begun, file = running.pop(process)
                _keep(record, mutant, *verdict(answer_of(status, file)), chosen, time.monotonic() - begun, say)
        time.sleep(0.02)
    return not waiting


def _work(root: Path, path: str, text: str, chosen: list[str]) -> Callable[[], dict[str, Any]]:
    return lambda: inside.judge(root, path, text, chosen)


def _keep(
    record: Record,
    mutant: Mutant,
    status: str,
    by: str,
    chosen: Sequence[str],
    seconds: float,
    say: Callable[[str], None],
) -> None:
    about = {name: getattr(mutant, name) for name in ("line", "place", "operator", "before", "after")}
    record.outcomes[mutant.name] = {"status": status, "by": by, "tests": len(chosen), "seconds": round(seconds, 2)}
    record.outcomes[mutant.name] |= about
    record.write()
    say(f"{mutant.name} {mutant.path}:{mutant.line} {status}{f' by {by}' if by else ''} ({seconds:.1f} s)")
