"""The report: what was noticed, and for each defect that was not, what it is and why no test need notice it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.mutation.runner import KILLED, SURVIVED, TIMED_OUT, Record

HEAD = """\
# Mutation tests

The operators of cosmic-ray built small defects into the library, one at a time. For each, the tests that run its lines
were run until one failed. *Killed*: a test failed. *Survived*: none did. *Timed out*: the tests did not end, which also
counts as noticed. *Explained*: survivors for which `explanations.toml` says why no test need notice them. Written by
`python -m tools.mutation report`; the README beside this file says how to run the tests.
"""


def read_explanations(file: Path) -> dict[str, str]:
    """Name of a mutant → why no test need notice it.

    Raises:
        ValueError: for an empty explanation.
    """
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    told = {name: why.strip() for part in tomllib.loads(text).values() for name, why in part.items()}
    if empty := [name for name, why in told.items() if not why]:
        raise ValueError(f"{file}: {', '.join(empty)} without an explanation")
    return told


def markdown(records: Mapping[str, Record], explanations: Mapping[str, str]) -> str:
    """The whole report; the keys of ``records`` are the paths of the files that were mutated."""
    tried = {path: record for path, record in records.items() if record.mutants}
    rows = [_row(f"`{path}`", [record], explanations) for path, record in tried.items()]
    rows.append(_row("**all**", tried.values(), explanations))
    head = ("file", "mutants", "tried", "killed", "timed out", "survived", "explained")
    lines = [HEAD, "| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1), *rows, ""]
    for path, record in tried.items():
        left = {name: outcome for name, outcome in record.outcomes.items() if outcome["status"] == SURVIVED}
        if left:
            lines += [f"## {path}", ""]
        for name, outcome in sorted(left.items(), key=lambda pair: (pair[1]["line"], pair[0])):
            lines += [*_survivor(name, outcome, explanations.get(name)), ""]
    if stale := explained_in_vain(tried, explanations):
        lines += ["## Unneeded explanations", "", *(f"- `{name}`: {explanations[name]}" for name in stale), ""]
    return "\n".join(lines)


def unexplained(records: Mapping[str, Record], explanations: Mapping[str, str]) -> list[str]:
    """Names of survivors that are not explained."""
    return [name for name in _with(records.values(), SURVIVED) if name not in explanations]


def explained_in_vain(records: Mapping[str, Record], explanations: Mapping[str, str]) -> list[str]:
    """Names of explanations whose mutant no longer exists, or is noticed now."""
    living = set(_with(records.values(), SURVIVED))
    waiting = {name for record in records.values() for name in record.mutants if name not in record.outcomes}
    return [name for name in explanations if name not in living | waiting]


def _with(records: Iterable[Record], status: str) -> list[str]:
    return [name for record in records for name, told in record.outcomes.items() if told["status"] == status]


def _row(title: str, records: Iterable[Record], explanations: Mapping[str, str]) -> str:
    records = list(records)
    numbers = [sum(len(record.mutants) for record in records), sum(len(record.outcomes) for record in records)]
    numbers += [len(_with(records, status)) for status in (KILLED, TIMED_OUT, SURVIVED)]
    numbers.append(sum(name in explanations for name in _with(records, SURVIVED)))
    return f"| {title} | " + " | ".join(f"{number:,}" for number in numbers) + " |"


def _survivor(name: str, told: Mapping[str, Any], why: str | None) -> list[str]:
    place = f", in `{told['place']}`" if told["place"] else ""
    asked = f"{told['tests']} tests ran it" if told["tests"] else "no test runs it"
    changed = [*(f"-{line}" for line in told["before"]), *(f"+{line}" for line in told["after"])]
    said = why or "**Not explained.**"
    return [f"`{name}`, line {told['line']}{place}; {asked}.", "", "```diff", *changed, "```", "", said]
