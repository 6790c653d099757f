"""What the race of the rivals claims, written down before its first run, and how its results decide it.

The claims that are decided are those of :data:`CLAIMS`. One was taken back before the race was over, because it could
not fail: that DG-Net, which is given no joints, does not depend on any.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, cast

from momi_lib.rivals.methods import TITLES
from momi_lib.study.statistics import t_multiplier

MOMI = "momi-paper"
#: Runs of each method that a claim needs.
RUNS = 3


@dataclass(frozen=True)
class Claim:
    """One sentence, and the number that decides it.

    Attributes:
        says: the claim.
        terms: the number is a sum of scores: (factor, method, score).
        sign: 1: the claim holds where the number is above 0; -1: below.
    """

    says: str
    terms: tuple[tuple[float, str, str], ...]
    sign: int = 1


_SHORT = {**TITLES, MOMI: "MOMI-Net"}


def _above(says: str, score: str, first: str, second: str) -> Claim:
    return Claim(says, ((1.0, first, score), (-1.0, second, score)))


_GUIDED = ("pg2", "pn-gan", "patn")
CLAIMS: tuple[Claim, ...] = (
    Claim("DG-Net's people have the edges of the target's person rather than those of the true swap",
          ((1.0, "dg-net", "edges_lean"),)),
    *(_above(f"DG-Net leans further towards the target's edges than {_SHORT[name]}", "edges_lean", "dg-net", name)
      for name in (*_GUIDED, MOMI)),
    Claim("DG-Net's colours at the joints are nearer to the source's than to the target's",
          ((1.0, "dg-net", "colour_lean"),)),
    *(_above(f"From same-person pairs to strangers, {_SHORT[name]}'s L1 rises more than MOMI-Net's", "gap", name, MOMI)
      for name in _GUIDED),
    *(Claim(f"{_SHORT[name]}'s L1 rises with 8 pixels of noise on the joints", ((1.0, name, "noise_rise"),))
      for name in (*_GUIDED, MOMI)),
    *(Claim(f"The Fréchet distance puts DG-Net before {_SHORT[name]}",
            ((1.0, "dg-net", "frechet"), (-1.0, name, "frechet")), -1) for name in (*_GUIDED, MOMI)),
    *(_above(f"The masked L1 of true swaps puts {_SHORT[name]} before DG-Net", "l1", "dg-net", name)
      for name in (*_GUIDED, MOMI)),
)  # fmt: skip


def decide(claim: Claim, runs: Mapping[str, Sequence[Mapping[str, Any]]], runs_wanted: int = RUNS) -> dict[str, Any]:
    """The number of a claim with its 95 % interval, and whether it ``"holds"``, is ``"refuted"`` or stays ``"open"``.

    As long as a method has fewer than ``runs_wanted`` runs, the verdict is ``"too few runs"``.

    The interval joins two errors: that of the people, from the scores' standard errors (as if methods were judged on
    independent swaps, which makes it wider), and that of the seeds, Student's t over the methods' means.
    """
    told = {"says": claim.says, "holds if": {1: "above 0", -1: "below 0"}[claim.sign]}
    if any(name not in runs for _, name, _ in claim.terms):
        return {**told, "verdict": "not run"}
    value, people, seeds, freedom = 0.0, 0.0, 0.0, math.inf
    for factor, name, score in claim.terms:
        values = [row[score] for row in runs[name]]
        value += factor * fmean(values)
        people += fmean(row.get(f"{score}_error", 0.0) for row in runs[name]) ** 2
        if len(values) > 1:
            seeds += stdev(values) ** 2 / len(values)
            freedom = min(freedom, len(values) - 1)
    several = math.isfinite(freedom)
    half = math.sqrt(1.96**2 * people + (t_multiplier(int(freedom)) ** 2 * seeds if several else 0.0))
    low, high = value - half, value + half
    low_side, high_side = (low, high) if claim.sign > 0 else (-high, -low)
    verdict = "holds" if low_side > 0 else "refuted" if high_side < 0 else "open"
    fewest = min(len(runs[name]) for _, name, _ in claim.terms)
    if fewest < runs_wanted:
        verdict = "too few runs"
    numbers = {"value": value, "low": low, "high": high}
    return {**told, **{n: float(f"{v:.4g}") for n, v in numbers.items()}, "verdict": verdict, "runs": fewest}


#: Scores by which answers are put in order, and what is best: the largest (True), the smallest, or nearest to a number.
BETTER: dict[str, bool | float] = {"l1": False, "ssim": True, "perceptual": False, "pck": True, "rank1": True,
                                   "frechet": False, "kid": False, "sharpness": 1.0}  # fmt: skip


def orders(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Who stands first by each score, and the rank correlation (Spearman) of its order with that of the masked L1."""
    from scipy.stats import spearmanr

    found = {}
    truth = [row["l1"] for row in rows.values()]
    for score, best in BETTER.items():
        values = [row[score] for row in rows.values()]
        values = [abs(v - best) if not isinstance(best, bool) else -v if best else v for v in values]
        order = [name for _, name in sorted(zip(values, rows, strict=True))]
        differ = len(rows) > 2 and len(set(values)) > 1 and len(set(truth)) > 1
        agreement = float(cast(Any, spearmanr(values, truth)).statistic) if differ else math.nan
        found[score] = {"order": order, "agreement": None if math.isnan(agreement) else float(f"{agreement:.3g}")}
    return found
