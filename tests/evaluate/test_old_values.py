"""`truth` and `evaluate` say what they said before the metrics were moved, wherever a definition did not change.

tests/evaluate/old_values.json holds what earlier commits said of forty true swaps; ``tools/old_values.py`` wrote it
with the code of those commits, and computes the same here with today's. What did change stands in `CHANGED`, with its
reason and both values.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from tools import old_values

pytestmark = pytest.mark.slow

#: The last commit in which metrics were a part of `momi_lib.evaluate`.
MOVED = "1cb4048312c52541c42353e1c1b71ca724c7c0a6"
#: The last one before masked SSIM and the standard errors of swaps got the definitions that they have today.
REDEFINED = "db63ef1450c47eaae9161fbb794ff5606af156b3"

#: Scores that got another name and kept their definition: keys of the truth table, columns of Table I. The column of
#: APS says whom its network learned; of so few people nobody has learned exactly these.
RENAMED = {"kernel": "kid", "kernel_deviation": "kid_deviation"}
COLUMNS = {"pose": "PCK", "APS held out": "APS trained on mannequins"}


class Change(NamedTuple):
    """A definition that changed: the last commit without it, where it shows, why, and values before and today."""

    after: str
    part: str
    score: str
    reason: str
    values: dict[str, tuple[float, float]]


BORDERS = (
    "the decoder `quarter` no longer moves a joint in the first two rows and columns of a heatmap or in the last ones, "
    "as in the official evaluation: a pixel of the picture at most, and no hit among these joints"
)
CHANGED = (
    Change(
        REDEFINED, "true swaps", "ssim",
        "the answer's person is pasted before the truth's background first, so that the window sees no other "
        "background over the silhouette; the map is averaged over the mask, as before",
        {"copy source": (0.26297, 0.35158), "half truth": (0.71148, 0.72972)},
    ),
    Change(
        REDEFINED, "true swaps", "l1_error",
        "standard errors are resampled by person: swaps that share a person are not independent",
        {"copy source": (0.0085866, 0.014100), "half truth": (0.0042890, 0.0070435)},
    ),
    Change(
        REDEFINED, "true swaps", "ssim_error", "the same, and of the SSIM above",
        {"copy source": (0.020233, 0.034995), "half truth": (0.012055, 0.018192)},
    ),
    Change(
        MOVED, "truth", "pck", BORDERS,
        {"copy source": (0.38235, 0.38235), "half truth": (0.69786, 0.69786)},
    ),
    Change(
        MOVED, "table one", "PCK value", BORDERS,
        {"copy source": (0.34409, 0.34409), "half truth": (0.66129, 0.66129)},
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    return json.loads(old_values.STORED.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def today() -> dict[str, Any]:
    return old_values.values(old_values.code())


def renamed(scores: dict[str, float]) -> dict[str, float]:
    """Earlier scores of an answer by today's names."""
    found = {}
    for name, value in scores.items():
        column = next((column for column in COLUMNS if name.startswith(f"{column} ")), None)
        found[RENAMED.get(name, name) if column is None else COLUMNS[column] + name.removeprefix(column)] = value
    return found


def test_the_same_networks_judge(stored, today):
    """Others say other things; tools/old_values.py makes the values again, with new weights in the checkout."""
    assert today["judges"] == stored[MOVED]["judges"]


@pytest.mark.parametrize(
    ("commit", "part"),
    [(MOVED, "true swaps"), (MOVED, "truth"), (MOVED, "table one"), (REDEFINED, "true swaps")],
    ids=lambda name: name[:7],
)
def test_what_did_not_change_says_the_same(stored, today, commit, part):
    changed = {change.score for change in CHANGED if (change.after, change.part) == (commit, part)}
    assert list(stored[commit][part]) == list(today[part])
    for answer, scores in stored[commit][part].items():
        before, new = renamed(scores), today[part][answer]
        assert set(before) == set(new), answer
        kept = {name: value for name, value in before.items() if name not in changed}
        assert {name: new[name] for name in kept} == pytest.approx(kept, rel=1e-4, abs=1e-5, nan_ok=True), answer


@pytest.mark.parametrize("change", CHANGED, ids=lambda change: f"{change.part}, {change.score}")
def test_what_changed_has_a_reason_and_both_values(stored, today, change):
    for answer, (before, after) in change.values.items():
        assert renamed(stored[change.after][change.part][answer])[change.score] == pytest.approx(before, rel=1e-4)
        assert today[change.part][answer][change.score] == pytest.approx(after, rel=1e-4), change.reason
