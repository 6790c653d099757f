"""What happens in the process of one mutant: the library's file is replaced in memory, and chosen tests run.

No file is ever written: one module is imported from a given text, under the file's own name. Tests that start other
Python processes do not see the mutant in those processes.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

OPTIONS = (
    "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:nbval",
    "--assert=plain",  # otherwise pytest reads its files from disk to rewrite them, also the mutated one
    "-m", "not slow and not browser and not gpu",
)  # fmt: skip
MEMORY = 4 * 2**30  # bytes beyond what is in use: a mutant that asks for more fails, and no other process does


class Exchanged(MetaPathFinder):
    """Imports one module from a text instead of from its file."""

    def __init__(self, root: Path, path: str, text: str) -> None:
        self.file, self.text = str(root / path), text
        self.package = path.endswith("/__init__.py")
        self.module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec of this module, and of no other."""
        if name != self.module:
            return None
        places = [str(Path(self.file).parent)] if self.package else None
        loader = _Loader(name, self.file, self.text)
        return importlib.util.spec_from_file_location(name, self.file, loader=loader, submodule_search_locations=places)


class _Loader(SourceFileLoader):
    def __init__(self, name: str, file: str, text: str) -> None:
        super().__init__(name, file)
        self.text = text

    def get_code(self, fullname: str) -> CodeType:  # neither reads nor writes a .pyc
        return compile(self.text, self.path, "exec", dont_inherit=True)


class Chosen:
    """A pytest plugin: only these tests run, in this order, and the first one that fails is recorded."""

    def __init__(self, names: Sequence[str]) -> None:
        self.order = {name: place for place, name in enumerate(names)}
        self.failed = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the others."""
        items[:] = sorted((item for item in items if item.nodeid in self.order), key=lambda it: self.order[it.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be imported."""
        if report.failed:
            self.failed = self.failed or f"import of {report.nodeid}"


class Traced:
    """A pytest plugin: which lines of a file each test runs, how long it takes, and which tests fail.

    What its fixtures and the import of its file run counts as the test's own, even if a different test was the first to
    need them.
    """

    def __init__(self, file: str, left_out: Sequence[str]) -> None:
        self.file, self.left_out = file, left_out
        self.tests: dict[str, dict[str, Any]] = {}
        self.failed: list[str] = []
        self._open: list[set[int]] = []  # what is running now: a test, and the fixtures that it waits for
        self._of_fixture: dict[Any, set[int]] = {}
        self._of_file: dict[Path, set[int]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the tests that cannot be relied on."""
        items[:] = [item for item in items if item.nodeid not in self.left_out]

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Any:
        """Note what the import of a file of tests runs."""
        with self._noting(self._of_file.setdefault(collector.path, set())):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Any:
        """Note what a fixture runs."""
        with self._noting(self._of_fixture.setdefault(fixturedef, set())):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Note what a test runs, and how long."""
        lines, start = set(), time.process_time()
        with self._noting(lines):
            result = yield
        lines |= self._of_file.get(item.path, set())
        needed = getattr(item, "_fixtureinfo", None)  # there is no public access to all fixtures of a test
        for fixtures in needed.name2fixturedefs.values() if needed else ():
            lines = lines.union(*(self._of_fixture.get(fixture, set()) for fixture in fixtures))
        seconds = round(time.process_time() - start, 4)
        self.tests[item.nodeid] = {"seconds": seconds, "lines": sorted(lines)}
        return result

    @contextlib.contextmanager
    def _noting(self, lines: set[int]) -> Iterator[None]:
        self._open.append(lines)
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)
            self._open.pop()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure; a test that is skipped says nothing about a mutant."""
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be imported."""
        if report.failed:
            self.failed.append(report.nodeid)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._line if frame.f_code.co_filename == self.file else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            for lines in self._open:
                lines.add(frame.f_lineno)
        return self._line


def confine(seconds: float) -> None:
    """Limit the CPU time of this process, and its memory, without taking memory from other processes."""
    limit = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(max(3600, 600 * limit))  # for a process that sleeps forever; a busy machine is slow
    with contextlib.suppress(OSError):  # only Linux has these
        status = Path("/proc/self/status").read_text(encoding="ascii")
        used = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData"))
        resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY, used + MEMORY))
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def silence() -> None:
    """Discard the output: nobody reads what hundreds of failing tests print."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def without_dice() -> None:
    """Let Hypothesis try the same examples for every mutant, store none, and not simplify one that fails."""
    with contextlib.suppress(ImportError):
        from hypothesis import Phase, settings

        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("mutation", derandomize=True, database=None, deadline=None, phases=phases)
        settings.load_profile("mutation")


def trace(root: Path, path: str, tests: Sequence[str], left_out: Sequence[str]) -> dict[str, Any]:
    """Run all tests of an unchanged file: the lines of each, their times, failures, and all modules loaded."""
    begun = time.process_time()
    os.chdir(root)
    without_dice()
    sys.meta_path.insert(0, Exchanged(root, path, (root / path).read_text(encoding="utf-8")))
    plugin = Traced(str(root / path), left_out)
    status = int(pytest.main([*OPTIONS, path, *tests], plugins=[plugin]))
    total = time.process_time() - begun
    return {
        "status": status,
        "failed": plugin.failed,
        "tests": plugin.tests,
        "seconds": round(total, 2),
        "overhead": round(total - sum(test["seconds"] for test in plugin.tests.values()), 2),
        "modules": list(sys.modules),
    }


def judge(root: Path, path: str, text: str, tests: Sequence[str]) -> dict[str, Any]:
    """Run the tests with the mutant until one fails; ``by`` says which, and is empty if none does."""
    os.chdir(root)
    without_dice()
    sys.meta_path.insert(0, Exchanged(root, path, text))
    plugin = Chosen(tests)
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    status = int(pytest.main([*OPTIONS, "-x", *files], plugins=[plugin]))
    return {"status": status, "by": plugin.failed or ("" if status == 0 else f"pytest's exit status {status}")}
