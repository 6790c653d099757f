"""The summary of a study's runs: means, spreads over seeds, the paper's orderings; and reading its JSON back."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FULL = "full"
SCORES = ("IS", "mask-IS", "FID", "KID", "APS", "PCK", "perceptual", "L1", "SSIM")
#: Names of scores in runs that were scored earlier.
EARLIER = {"PCK": "pose"}
#: Scores of which a lower value is better.
LESS = ("FID", "KID", "perceptual", "L1")


@dataclass(frozen=True)
class Ordering:
    """What the paper's Table I says of a variant: its ``score`` is below or above that of the full one."""

    variant: str
    score: str
    above: bool
    says: str


ORDERINGS = (
    Ordering("without-patch", "APS", False, "APS falls without the patch loss"),
    Ordering("without-attention", "APS", False, "APS falls without attention"),
    Ordering("without-attention", "FID", True, "FID rises without attention"),
    Ordering("without-perceptual", "FID", True, "FID rises without the perceptual loss"),
)


def value(scored: Mapping[str, Any], score: str) -> float | None:
    """The value of a score in a row; for APS, of the held-out network, which did not learn the judged people, or the
    first.

    >>> from momi_lib.evaluate.markdown import row
    >>> value(row("x", {"truth": {"l1": 0.1}}), "L1")
    0.1
    """
    scores = scored["scores"]
    if score in ("L1", "SSIM"):
        return scores["truth"][score.lower()] if "truth" in scores else None
    if score == "APS":
        every = [name for name in scores if name.startswith("APS")]
        score = "APS held out" if "APS held out" in every else next(iter(every), score)
    found = scores.get(score, scores.get(EARLIER.get(score, "")))
    return None if found is None else found["value"]


def means(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | int | None]]:
    """Mean and standard deviation (n - 1) over runs of one variant; no deviation for one run.

    >>> from momi_lib.evaluate.markdown import row
    >>> runs = [row("x", {"FID": {"value": v}}) for v in (1.0, 3.0)]
    >>> means(runs)["FID"]
    {'mean': 2.0, 'deviation': 1.4142135623730951, 'runs': 2}
    """
    found = {}
    for score in SCORES:
        values = [v for v in (value(run, score) for run in runs) if v is not None]
        if values:
            spread = statistics.stdev(values) if len(values) > 1 else None
            found[score] = {"mean": statistics.fmean(values), "deviation": spread, "runs": len(values)}
    return found


def orderings(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """What the paper says, and in how many seeds it holds.

    >>> from momi_lib.evaluate.markdown import row
    >>> def run(fid, seed): return row("x", {"FID": {"value": fid}}) | {"seed": seed}
    >>> rows = {"full": [run(5.0, 0), run(5.0, 1)], "without-attention": [run(6.0, 0), run(4.0, 1)]}
    >>> [(o["says"], o["holds"], o["seeds"]) for o in orderings(rows)]
    [('FID rises without attention', 1, 2)]
    """
    found = []
    for ordering in ORDERINGS:
        if ordering.variant not in rows or FULL not in rows:
            continue
        full = {run["seed"]: value(run, ordering.score) for run in rows[FULL]}
        pairs = [(value(run, ordering.score), full.get(run["seed"])) for run in rows[ordering.variant]]
        changes = [ours - theirs for ours, theirs in pairs if ours is not None and theirs is not None]
        if changes:
            found.append(
                {
                    "says": ordering.says,
                    "variant": ordering.variant,
                    "score": ordering.score,
                    "changes": changes,
                    "holds": sum((change > 0) == ordering.above and change != 0 for change in changes),
                    "seeds": len(changes),
                }
            )
    return found


def load_study(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the JSON of a study.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if the file is not a study, or its means are not those of its runs.

    >>> load_study("nowhere.json")
    Traceback (most recent call last):
    FileNotFoundError: nowhere.json: no such file; `python -m momi_lib study ablations` makes it.
    """
    path = Path(path)
    again = "`python -m momi_lib study ablations` makes it"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; {again}.")
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        said = {name: means(runs) for name, runs in result["runs"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: expected the JSON of a study ({error!r}); {again} again.") from error
    if result.get("means") != said:
        raise ValueError(f"{path}: expected means that are those of its runs; {again} again.")
    return result
