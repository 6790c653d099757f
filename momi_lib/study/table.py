"""A study as Table I: means and deviations over seeds, and under each row the paper's own numbers in grey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from momi_lib.evaluate.markdown import PAPER, table
from momi_lib.study.summary import FULL, LESS, SCORES, means

#: Variant → row of the paper's Table I, which has none for other values of γ.
IN_THE_PAPER = {
    FULL: "MOMI-Net",
    "without-patch": "without patch loss",
    "without-perceptual": "without perceptual loss",
    "without-attention": "without attention",
}
PAPER_SCORES = ("IS", "mask-IS", "FID", "APS")
DIGITS = {"IS": 2, "mask-IS": 2, "FID": 2, "KID": 3, "L1": 4}


def paper_value(variant: str, score: str) -> float | None:
    """The paper's number for a variant, or ``None`` if its Table I has none. Other data: not comparable.

    >>> paper_value("without-patch", "APS"), paper_value("gamma-2", "APS"), paper_value("full", "L1")
    (0.8677, None, None)
    """
    if variant not in IN_THE_PAPER or score not in PAPER_SCORES:
        return None
    return PAPER[IN_THE_PAPER[variant]][PAPER_SCORES.index(score)]


def study_table(result: Mapping[str, Any]) -> str:
    """Markdown: one row per variant, ``mean ± deviation`` over its seeds; then real pictures and copies.

    Args:
        result: of :func:`~momi_lib.study.run.run_study`; its entry ``earlier``, if it has one, says which scores of the
            runs have an earlier definition, and which one.

    >>> study = {"means": {"full": {"FID": {"mean": 3.0, "deviation": 0.5, "runs": 2}}}, "beside": []}
    >>> print(study_table(study).splitlines()[2])
    | full | 3.00 ± 0.50 |
    """
    scores = [score for score in SCORES if any(score in row for row in result["means"].values())]
    earlier = {score: said for score, said in result.get("earlier", {}).items() if score in scores}
    titles = [f"{score}{' (earlier)' if score in earlier else ''} {'↓' if score in LESS else '↑'}" for score in scores]
    lines = []
    for variant, row in result["means"].items():
        lines.append([variant, *(_cell(row.get(score), score) for score in scores)])
        paper = [paper_value(variant, score) for score in scores]
        if any(value is not None for value in paper):
            cells = ["" if value is None else _grey(f"{value:g}") for value in paper]
            lines.append([_grey(f"the paper's {IN_THE_PAPER[variant]}"), *cells])
    for row in result["beside"]:
        found = means([row])
        lines.append([f"*{row['answer']}*", *(_cell(found.get(score), score) for score in scores)])
    lines = table(["variant", *titles], lines)
    notes = [f"{_grey('Grey')}: Market-1501 and other networks, **other data, not comparable.**"]
    notes += [f"{score}: {said}" for score, said in earlier.items()]
    return "\n".join([*lines, "", "\n\n".join(notes)])


def _cell(entry: Mapping[str, Any] | None, score: str) -> str:
    if entry is None:
        return "–"
    digits, spread = DIGITS.get(score, 3), entry["deviation"]
    return f"{entry['mean']:.{digits}f}" + ("" if spread is None else f" ± {spread:.{digits}f}")


def _grey(text: str) -> str:
    return f'<span style="color:gray">*{text}*</span>'
