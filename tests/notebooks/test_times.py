"""The times that the series gives are those that were measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from momi_lib.lessons import SERIES
from tools.notebooks.budgets import used

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "notebooks.json"


@pytest.mark.parametrize("entry", SERIES, ids=lambda entry: entry.file)
@pytest.mark.parametrize(("place", "mode"), [(0, "quick"), (1, "full")])
def test_minutes_are_measured(entry, place: int, mode: str) -> None:
    measured = used(json.loads(RESULTS.read_text(encoding="utf-8"))[f"notebooks/{entry.file}"][mode])
    assert entry.minutes[place] == pytest.approx(measured.seconds / 60, rel=0.5, abs=0.1)
