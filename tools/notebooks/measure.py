"""A plugin of pytest that measures each notebook while nbval runs it: CI compares outputs and costs in one run.

    pytest -p tools.notebooks.measure --measure-notebooks FILE --nbval --nbval-current-env notebooks

FILE is made anew, also where pytest-xdist shares the work between processes, and is what
`python tools/notebooks/budgets.py compare FILE` reads.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.notebooks.run import Usage, record


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--measure-notebooks FILE`."""
    parser.addoption("--measure-notebooks", type=Path, metavar="FILE", help="JSON file for what notebooks use")


def pytest_configure(config: pytest.Config) -> None:
    """Measure where a file was named."""
    if file := config.getoption("--measure-notebooks"):
        config.pluginmanager.register(Measure(file.absolute(), config.rootpath), "notebook measure")


class Measure:
    """Watches the kernel of the notebook that this process runs, and writes what it used when its last cell is done."""

    def __init__(self, file: Path, root: Path) -> None:
        self.file, self.root = file, root
        self.path: Path | None = None
        self.usage, self.start = Usage(), 0.0

    @property
    def parts(self) -> Path:
        """Folder with a file a notebook; processes that work side by side do not meet there."""
        return self.file.with_name(f".{self.file.name}.parts")

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """The process that collects the results clears what an earlier run left behind."""
        if "PYTEST_XDIST_WORKER" not in os.environ:
            self.file.unlink(missing_ok=True)
            for part in self.parts.glob("*.json"):
                part.unlink()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
        """Start with a notebook's first cell; its kernel is started with it."""
        if item.path.suffix == ".ipynb" and item.path != self.path:
            self.path, self.usage, self.start = item.path, Usage(), time.perf_counter()
            self.usage.start()
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """After the last cell, while its kernel still runs, write what it used."""
        if item.path != self.path or (nextitem is not None and nextitem.path == self.path):
            return
        self.usage.look()
        self.usage.stop()
        inside = self.path.is_relative_to(self.root)
        part = {
            "name": self.path.relative_to(self.root).as_posix() if inside else self.path.name,
            "seconds": round(time.perf_counter() - self.start, 1),
            "cpu_seconds": round(self.usage.cpu, 1),
            "peak_mib": round(self.usage.peak / 2**20),
        }
        self.parts.mkdir(parents=True, exist_ok=True)
        whole = self.parts / f"{part['name'].replace('/', '_')}.json"
        unfinished = whole.with_suffix(".tmp")
        unfinished.write_text(json.dumps(part), encoding="utf-8")
        unfinished.replace(whole)
        self.path = None

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Join the parts."""
        if "PYTEST_XDIST_WORKER" in os.environ or not self.parts.is_dir():
            return
        parts = [json.loads(part.read_text(encoding="utf-8")) for part in sorted(self.parts.glob("*.json"))]
        record(self.file, "quick", {part.pop("name"): part for part in parts})
        for part in self.parts.glob("*.json"):
            part.unlink()
        self.parts.rmdir()
