"""The line at the top of a notebook is what it uses, and a measurement that differs is found."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from momi_lib.lessons import SERIES
from tools.notebooks.budgets import Budget, budget_of, compare, line_for, slower, used, write
from tools.notebooks.run import merge_streams, reference_seconds

ROOT = Path(__file__).resolve().parents[2]
STORED = json.loads((ROOT / "benchmarks" / "results" / "notebooks.json").read_text(encoding="utf-8"))
LINE = (
    "# 3 · A title\n\n"
    "**Time** 40 seconds on one CPU core · **Memory** 1.2 GB · **Downloads** nothing · **Builds on** it"
)


@pytest.mark.parametrize("entry", SERIES, ids=lambda entry: entry.file)
@pytest.mark.parametrize("mode", ["quick", "full"])
def test_the_line_is_what_was_measured(entry, mode: str) -> None:
    measured = STORED[f"notebooks/{entry.file}"]
    if mode in measured:
        text = nbformat.read(ROOT / "notebooks" / entry.file, as_version=4).cells[0].source
        assert budget_of(text, mode).misses(used(measured[mode])) == []


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        (LINE, "quick", Budget(40, 1.2e9)),
        (LINE, "full", Budget(40, 1.2e9)),
        ("**Time** under 1 minute on\ntwo · **Memory** under 1.5 GB ·", "quick", Budget(60, 1.5e9)),
        ("**Time** 45 seconds (full mode:\n3 minutes) · **Memory** 1 GB (full mode: 4 GB) ·", "full", Budget(180, 4e9)),
    ],
)
def test_lines_are_read(text: str, mode: str, expected: Budget) -> None:
    assert budget_of(text, mode) == expected


def test_a_line_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="expected '..Time.. 40 seconds"):
        budget_of("**Time** half a minute · **Memory** little ·")


@pytest.mark.parametrize("budget", [Budget(3, 6e8), Budget(43, 1.13e9), Budget(250, 3.4e9)])
def test_what_is_written_can_be_read_and_is_near(budget: Budget) -> None:
    line = line_for(budget, Budget(3 * budget.seconds, 2 * budget.memory)) + "·"
    assert budget_of(line).misses(Budget(max(budget.seconds, 4), budget.memory)) == []
    assert budget_of(line, "full").misses(Budget(max(3 * budget.seconds, 4), 2 * budget.memory)) == []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one notebook and its solution."""
    for place in ("notebooks", "notebooks/solutions"):
        (tmp_path / place).mkdir()
        nbformat.write(new_notebook(cells=[new_markdown_cell(LINE)]), tmp_path / place / "03_a.ipynb")
    return tmp_path


def measurement(seconds: float = 40, mib: float = 1144, reference: float = 1.0) -> dict:
    entry = {"seconds": 999, "cpu_seconds": seconds, "peak_mib": mib}
    names = ("notebooks/03_a.ipynb", "notebooks/solutions/03_a.ipynb")
    return {name: {"quick": dict(entry)} for name in names} | {"how": {"quick": {"reference_seconds": reference}}}


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (measurement(), []),
        (measurement(seconds=59), []),
        (measurement(seconds=61), ["took 61 s, the line says 40 s"]),
        (measurement(seconds=19), ["took 19 s, the line says 40 s"]),
        (measurement(mib=1800), ["used 1.89 GB, the line says 1.20 GB"]),
        (measurement(mib=500), ["used 0.52 GB"]),
        (measurement(seconds=80, reference=2.0), []),  # a machine of half the speed
        (measurement(seconds=40, reference=3.0), []),  # of another processor, at most twice the time, or none of it
        (measurement(seconds=250, reference=3.0), ["took 83 s"]),
    ],
)
def test_what_is_off_by_more_than_half_is_found(root: Path, measured: dict, words: list[str]) -> None:
    found = list(compare(measured, measurement(), root))
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))


@pytest.mark.parametrize(("seconds", "device", "misses"), [(70, "a", 1), (70, "b", 0), (81, "b", 1), (70, None, 1)])
def test_another_processor_may_take_twice_as_long(root: Path, seconds: float, device: str, misses: int) -> None:
    measured, lines = measurement(seconds=seconds), measurement()
    lines["how"]["quick"]["device"] = "a"
    if device is not None:
        measured["notebooks/03_a.ipynb"]["quick"]["device"] = device
    assert len(list(compare(measured, lines, root))) == misses


@pytest.mark.parametrize(("line", "taken", "misses"), [(10, 24, 0), (10, 26, 1), (20, 34, 0), (20, 36, 1), (40, 59, 0), (40, 61, 1)])
def test_a_short_notebook_may_be_off_by_some_seconds(line: int, taken: int, misses: int) -> None:
    assert len(Budget(line, 1e9).misses(Budget(taken, 1e9))) == misses


def test_a_notebook_that_was_not_measured_is_named(root: Path) -> None:
    part = copy.deepcopy(measurement())
    del part["notebooks/solutions/03_a.ipynb"]
    assert list(compare(part, measurement(), root)) == ["notebooks/solutions/03_a.ipynb: was not measured"]


def test_a_line_that_cannot_be_read_is_named(root: Path) -> None:
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 3 · A title")]), root / "notebooks" / "03_a.ipynb")
    (found,) = compare(measurement(), measurement(), root)
    assert found.startswith("notebooks/03_a.ipynb: expected '**Time**")


def test_texts_on_one_stream_are_joined_but_not_across_a_figure() -> None:
    figure = new_output("display_data", {"text/plain": "a figure"})
    outputs = [new_output("stream", text="a"), new_output("stream", text="b"), figure, new_output("stream", text="c")]
    outputs += [new_output("stream", name="stderr", text="d")]
    merged = merge_streams(outputs)
    assert [output.get("text", "figure") for output in merged] == ["ab", "figure", "c", "d"]


def test_a_series_that_takes_too_long_is_found(root: Path) -> None:
    slow = measurement()
    slow["notebooks/solutions/03_a.ipynb"]["quick"]["cpu_seconds"] = 1500
    assert list(compare(slow, measurement(), root)) == ["the series takes 12.8 minutes on 2 cores, expected at most 12"]


def test_lines_are_written(root: Path) -> None:
    assert write(measurement(seconds=71, mib=2000), root) == ["03_a.ipynb"]
    text = nbformat.read(root / "notebooks" / "03_a.ipynb", as_version=4).cells[0].source
    assert "**Time** 70 seconds on one CPU core · **Memory** 2.1 GB · **Downloads** nothing" in text


@pytest.mark.thorough
def test_the_speed_is_measured() -> None:
    twice = [{"how": {"quick": {"reference_seconds": reference_seconds(rounds=1)}}} for _ in range(2)]
    assert 0.5 < slower(*twice) < 2
    assert slower({}, measurement()) == 1
    lines = measurement(reference=4.0)
    name = next(iter(lines))
    lines[name]["quick"]["reference_seconds"] = 2.0  # measured at another time than the rest
    assert slower(measurement(reference=3.0), lines, name=name) == 1.5
    assert slower(measurement(reference=3.0), lines, name="another") == 0.75


@pytest.mark.slow
@pytest.mark.thorough
def test_notebooks_are_measured_while_they_are_compared(tmp_path: Path) -> None:
    """What CI does: the plugin writes time and memory of each notebook, and the comparison reads them."""
    hog = "x = bytearray(400_000_000)\nfor i in range(0, len(x), 4096): x[i] = 1\nprint(len(x))"
    busy = "total = sum(i * i for i in range(12_000_000))\nprint('done')"
    for name, source, text in (("hog", hog, "400000000\n"), ("busy", busy, "done\n")):
        cells = [new_code_cell(source, execution_count=1, outputs=[new_output("stream", text=text)])]
        nbformat.write(new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    file = tmp_path / "measured.json"
    command = [sys.executable, "-m", "pytest", "-p", "tools.notebooks.measure", "--measure-notebooks", str(file)]
    options = ["--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-c", str(tmp_path / "pytest.ini")]
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    # Not as a worker of the pytest-xdist that may run this test.
    alone = {name: entry for name, entry in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    whole = [*command, *options, "-n", "2", "--dist", "loadscope", str(tmp_path)]
    ran = subprocess.run(whole, cwd=ROOT, env=alone, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    measured = json.loads(file.read_text(encoding="utf-8"))
    hog, busy = (measured[f"{name}.ipynb"]["quick"] for name in ("hog", "busy"))
    assert hog["peak_mib"] > busy["peak_mib"] + 200
    assert busy["cpu_seconds"] > hog["cpu_seconds"] and measured["how"]["quick"]["reference_seconds"] > 0
    assert not list(tmp_path.glob(".*.parts"))
