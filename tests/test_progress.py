"""Progress bars ask the environment: TQDM_DISABLE=1 hides all of them."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "momi_lib"


def test_no_bar_overrules_the_environment() -> None:
    """tqdm takes `disable=False` for more than TQDM_DISABLE=1, so bars are hidden by `hidden_if` alone."""
    bars = {path: re.findall(r"\btqdm\((.*)", path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
    assert sum(map(len, bars.values())) >= 12
    assert [call for calls in bars.values() for call in calls if "disable" in call] == []
