"""Compare what notebooks use with the line at their top, or write that line from a measurement.

    python tools/notebooks/budgets.py compare FILE    # fails where a notebook is off its line by more than half
    python tools/notebooks/budgets.py write FILE      # writes the line of each notebook that FILE knows

FILE comes from `python tools/notebooks/run.py --measure FILE ...` or, measured while the outputs are compared, from
`pytest -p tools.notebooks.measure --measure-notebooks FILE --nbval notebooks`. Times are those of the processor. They
are brought to the speed of the machine on which the lines were measured by a piece of work that both machines did
(`reference_seconds` in tools/notebooks/run.py); its time stands in both files. A notebook is far off when its time
differs by more than half of the line (by more than the whole of it on another processor) and by more than 15 seconds,
or its memory by more than half.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from momi_lib.files import write_atomically

ROOT = Path(__file__).resolve().parents[2]
STORED = ROOT / "benchmarks" / "results" / "notebooks.json"
SLACK = 0.5  # of the line, in both directions
#: The same on another processor: one reference says how fast it is, and some notebooks fare better or worse than that.
ELSEWHERE = 1.0
#: Processors of several generations share a name. Where the reference took this many times as long, it is another one.
SAME_SPEED = 1.25
#: Seconds of the processor that nobody plans by. Notebooks that are compared side by side share a core and its cache,
#: which costs a short one several seconds that the reference, which runs alone, does not show.
UNNOTICED = 15
SERIES_SECONDS, CORES = 12 * 60, 2  # all notebooks and solutions, compared strictly, on two cores
UNITS = {"second": 1.0, "minute": 60.0}
NUMBER = r"(?:under |about )?(\d+(?:\.\d+)?)"
TIME = re.compile(rf"\*\*Time\*\*\s+{NUMBER}\s+(second|minute)s?([^·]*)·")
MEMORY = re.compile(rf"\*\*Memory\*\*\s+{NUMBER}\s+GB([^·]*)·")
FULL = re.compile(rf"full\s+mode:\s+{NUMBER}\s+(second|minute|GB)")
LINE = re.compile(r"\*\*Time\*\*.*?(?=·\s+\*\*Downloads\*\*)", flags=re.DOTALL)


@dataclass(frozen=True)
class Budget:
    """Seconds of the processor and bytes of memory in one mode.

    >>> Budget(60, 1.5e9).misses(Budget(95, 1.4e9))
    ['took 95 s, the line says 60 s']
    """

    seconds: float
    memory: float

    def misses(self, used: Budget, slack: float = SLACK) -> list[str]:
        """What of `used` is further away than half of the line; of the time, than its share `slack` and 15 seconds."""
        found = []
        if abs(used.seconds - self.seconds) > max(slack * self.seconds, UNNOTICED):
            found.append(f"took {used.seconds:.0f} s, the line says {self.seconds:.0f} s")
        if abs(used.memory - self.memory) > SLACK * self.memory:
            found.append(f"used {used.memory / 1e9:.2f} GB, the line says {self.memory / 1e9:.2f} GB")
        return found


def budget_of(text: str, mode: str = "quick") -> Budget:
    """The line at the top of a notebook; where it says nothing of full mode, that needs no more than quick mode.

    Raises:
        ValueError: there is no such line, or it cannot be read.

    >>> budget_of("**Time** 40 seconds on one CPU core · **Memory** 1.2 GB · **Downloads** nothing")
    Budget(seconds=40.0, memory=1200000000.0)
    """
    time, memory = TIME.search(text), MEMORY.search(text)
    if time is None or memory is None:
        raise ValueError("expected '**Time** 40 seconds … · **Memory** 1.2 GB … · **Downloads** …' under the title")
    quick = Budget(float(time[1]) * UNITS[time[2]], float(memory[1]) * 1e9)
    if mode == "quick":
        return quick
    times, memories = FULL.search(time[3]), FULL.search(memory[2])
    seconds = float(times[1]) * UNITS[times[2]] if times else quick.seconds
    return Budget(seconds, float(memories[1]) * 1e9 if memories else quick.memory)


def used(measured: Mapping[str, Any], speed: float = 1.0) -> Budget:
    """An entry of a measurement, with its seconds divided by how much slower its machine was."""
    return Budget(measured.get("cpu_seconds", measured["seconds"]) / speed, measured["peak_mib"] * 2**20)


def slower(measurement: Mapping[str, Any], lines: Mapping[str, Any], mode: str = "quick", name: str = "") -> float:
    """How many times as long the reference work took as where the lines were measured; 1 where one is unknown.

    A file may hold notebooks that were measured at several times: what stands beside the notebook ``name`` goes before
    what stands for all.

    >>> slower({"how": {"quick": {"reference_seconds": 3.0}}}, {"how": {"quick": {"reference_seconds": 2.0}}})
    1.5
    """
    times = [
        next((found["reference_seconds"] for place in (name, "how")
              if "reference_seconds" in (found := one.get(place, {}).get(mode, {}))), None)
        for one in (measurement, lines)
    ]  # fmt: skip
    return times[0] / times[1] if all(times) else 1.0


def _device(measurement: Mapping[str, Any], name: str) -> str | None:
    """The processor on which a notebook was measured in quick mode, or else all of them; None where nobody says."""
    entries = [measurement.get(place, {}).get("quick", {}) for place in (name, "how")]
    return next((entry["device"] for entry in entries if "device" in entry), None)


def compare(measurement: Mapping[str, Any], lines: Mapping[str, Any], root: Path = ROOT) -> Iterator[str]:
    """One sentence for each notebook that is off its line, and for the series where it takes too long.

    Args:
        measurement: what was measured now, in quick mode.
        lines: the measurement from which the lines were written, for the speed of its machine.
        root: folder that holds `notebooks`.
    """
    total = 0.0
    known = {name: entry["quick"] for name, entry in measurement.items() if "quick" in entry and name != "how"}
    for path in sorted((root / "notebooks").rglob("*.ipynb")):
        name = path.relative_to(root).as_posix()
        if ".ipynb_checkpoints" in path.parts:
            continue
        if name not in known:
            yield f"{name}: was not measured"
            continue
        speed = slower(measurement, lines, name=name)
        found = used(known[name], speed)
        total += found.seconds
        if path.parent.name != "solutions":
            try:
                line = budget_of(nbformat.read(path, as_version=4).cells[0].source)
            except ValueError as error:
                yield f"{name}: {error}"
                continue
            same = _device(measurement, name) in (None, _device(lines, name)) and 1 / SAME_SPEED < speed < SAME_SPEED
            slack = SLACK if same else ELSEWHERE
            yield from (f"{name}: {miss}" for miss in line.misses(found, slack))
    if total / CORES > SERIES_SECONDS:
        minutes = total / CORES / 60
        yield f"the series takes {minutes:.1f} minutes on {CORES} cores, expected at most {SERIES_SECONDS / 60:.0f}"


def line_for(quick: Budget, full: Budget | None) -> str:
    """The line of a notebook, rounded so that it can be read.

    >>> line_for(Budget(43, 1.13e9), Budget(250, 1.5e9))
    '**Time** 45 seconds on one CPU core (full mode: 4.2 minutes) · **Memory** 1.1 GB (full mode: 1.5 GB) '
    """

    def time(seconds: float) -> str:
        return f"{max(5, 5 * round(seconds / 5))} seconds" if seconds < 88 else f"{seconds / 60:.2g} minutes"

    def memory(bytes_: float) -> str:
        return f"{bytes_ / 1e9:.1f} GB"

    more = full is not None and full.seconds > quick.seconds and time(full.seconds) != time(quick.seconds)
    times = f"**Time** {time(quick.seconds)} on one CPU core" + (f" (full mode: {time(full.seconds)})" if more else "")
    most = full is not None and full.memory > quick.memory and memory(full.memory) != memory(quick.memory)
    extra = f" (full mode: {memory(full.memory)})" if most else ""
    return f"{times} · **Memory** {memory(quick.memory)}{extra} "


def write(measurement: Mapping[str, Any], root: Path = ROOT) -> list[str]:
    """Write the line of each lesson that was measured; their names."""
    written = []
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        entry = measurement.get(path.relative_to(root).as_posix(), {})
        if "quick" not in entry:
            continue
        notebook = nbformat.read(path, as_version=4)
        line = line_for(used(entry["quick"]), used(entry["full"]) if "full" in entry else None)
        cell = notebook.cells[0]
        cell.source, count = LINE.subn(lambda _, line=line: line, cell.source)
        if count != 1:
            raise ValueError(f"{path}: expected one line '**Time** … · **Memory** … · **Downloads** …', found {count}")
        text = nbformat.writes(notebook) + "\n"
        write_atomically(path, lambda file, text=text: file.write(text.encode()))
        written.append(path.name)
    return written


def main() -> None:
    """Compare or write, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("compare", "write"))
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    measurement = json.loads(arguments.file.read_text(encoding="utf-8"))
    if arguments.what == "write":
        print(*write(measurement), sep="\n")
        return
    found = list(compare(measurement, json.loads(STORED.read_text(encoding="utf-8"))))
    print(*found, sep="\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
