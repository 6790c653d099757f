"""How tables are written in Markdown; and Table I as JSON with every condition, as CSV and as Markdown.

The paper's own numbers are printed under ours, in grey and marked: they are of other data and of other feature
networks, and compare with nothing here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from momi_lib.files import write_atomically, write_json
from momi_lib.translate.swaps import RGB

TABLE = "table"
#: What is counted, by which judge and within which threshold, for the columns whose names do not say it.
EXPLAINED = {
    "KID": "kernel inception distance, the squared maximum mean discrepancy with a cubic kernel between the judge's "
    "features of the swaps and those of real pictures; ± is the standard deviation over random subsets",
    "PCK": "percentage of correct key points, the share of the target's visible joints, shoulders to ankles, that the "
    "judge, a pose network, finds in the swap within a tenth of the person's height",
}
#: Table I of the paper, on Market-1501: IS, mask-IS, FID, APS. Other data, other networks: not comparable.
PAPER: dict[str, tuple[float | None, ...]] = {
    "real": (3.51, 3.25, None, None),
    "PG²": (2.95, 3.34, 131.56, 0.8160),
    "PN-GAN": (3.17, 3.21, 45.10, 0.7220),
    "DG-Net": (3.62, 3.26, 17.01, 0.8880),
    "MOMI-Net": (2.44, 2.98, 57.50, 0.9026),
    "without patch loss": (2.33, 2.93, 54.32, 0.8677),
    "without perceptual loss": (3.33, 3.16, 110.64, 0.9106),
    "without attention": (2.08, 2.85, 78.20, 0.8619),
}


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """The lines of a Markdown table: titles, the rule under them, and a line a row. All tables here are written by it.

    A | in a cell, as a name of weights may have one, is escaped.

    >>> table(["answer", "L1"], [["copy", 0.15]])
    ['| answer | L1 |', '| --- | --- |', '| copy | 0.15 |']
    """
    lines = [titles, ["---"] * len(titles), *rows]
    return [f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |" for cells in lines]


def row(
    answer: str, scores: Mapping[str, Any], weights: str | None = None, given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One line of the table with everything that was measured, JSON-ready.

    ``given``: entries on what the answer's method was given, see :func:`~momi_lib.evaluate.answers.given_entries`.
    """
    plain = {
        name: score if isinstance(score, dict) else {"name": getattr(score, "name", name), **asdict(score)}
        for name, score in scores.items()
    }
    return {"answer": answer, "weights_sha256": weights, **(given or {}), "scores": plain}


def given_column(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The cells of the column "given", a row each; empty where every method was given pictures alone.

    >>> given_column([{"given": "RGB"}, {}]), given_column([{"given": "RGB + target pose (teacher)"}, {}])
    ([], ['RGB + target pose (teacher)', '–'])
    """
    if all(row.get("given", RGB) == RGB for row in rows):
        return []
    return [row.get("given", "–") for row in rows]


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Table I's columns first, then what was measured beside them, in the order in which it came."""
    every = dict.fromkeys(name for line in rows for name in line["scores"])
    first = ["IS", "mask-IS", "FID", *(name for name in every if name.startswith("APS"))]
    return [name for name in first if name in every] + [name for name in every if name not in first]


def _cell(column: str, scores: Mapping[str, Any]) -> str:
    score = scores.get(column)
    if score is None:
        return "–"
    if column == "truth":
        return f"{score['l1']:.4f}, {score['ssim']:.3f}"
    digits = {"FID": 2, "IS": 2, "mask-IS": 2, "KID": 4}.get(column, 3)
    spread = score.get("deviation", score.get("error"))
    return f"{score['value']:.{digits}f}" + ("" if spread is None else f" ± {spread:.{digits}f}")


def _title(column: str, rows: Sequence[Mapping[str, Any]]) -> str:
    arrows = {"FID": "↓", "KID": "↓", "perceptual": "↓"}
    if column == "truth":
        return "masked L1 ↓, SSIM ↑"
    name = next(line["scores"][column].get("name", column) for line in rows if column in line["scores"])
    return f"{name} {arrows.get(column, '↑')}"


def markdown(result: Mapping[str, Any], *, explained: bool = False) -> str:
    """The table as Markdown; under our rows those of the paper, in grey and marked.

    Args:
        result: of :func:`~momi_lib.evaluate.table_one.table_one`.
        explained: say under the table what `EXPLAINED` says of its columns, for a page that says it nowhere else.

    >>> rows = [row("real", {}), row("momi-x", {"FID": {"name": "FID[net]", "value": 3.0}})]
    >>> facts = {"command": "c", "device": "d", "date": "2026-01-01", "pairs": 9, "pairs_sha256": "0" * 64, "seed": 0}
    >>> print(markdown({"rows": rows, **facts}).splitlines()[3])
    | momi-x | 3.00 |
    """
    rows = result["rows"]
    names, given = columns(rows), [[cell] for cell in given_column(rows)]
    cells = [
        [line["answer"], *told, *(_cell(name, line["scores"]) for name in names)]
        for line, told in zip(rows, given or [[]] * len(rows), strict=True)
    ]
    for answer, values in PAPER.items():
        theirs: dict[str, float | None] = dict(zip(("IS", "mask-IS", "FID", "APS"), values, strict=True))
        found = [theirs.get("APS" if name == "APS as in the paper" else name) for name in names]
        shown = ("" if value is None else _grey(f"{value:g}") for value in found)
        cells.append([_grey(f"the paper: {answer}"), *([""] if given else []), *shown])
    lines = table(["answer", *(["given"] if given else []), *(_title(name, rows) for name in names)], cells)
    for score in (next(line["scores"][name] for line in rows if name in line["scores"]) for name in names):
        if "real" in score:
            real = score["real"]
            lines += ["", f"{score['name']} of real pairs: {real['same']:.3f} of one person, {real['different']:.3f} "
                          f"of two; of a copy: {score['copy']:.3f}."]  # fmt: skip
    for name, why in result.get("missing", {}).items():
        lines += ["", f"{name} is left out: {why.rstrip('.')}."]
    if explained:
        for name in (name for name in EXPLAINED if name in names):
            lines += ["", f"{name}: {EXPLAINED[name]}."]
    if "errors" in result:
        lines += ["", f"± of APS, PCK and the columns to the right of PCK: standard errors, {result['errors']}."]
    lines += [
        "",
        "Grey, *the paper*: Market-1501 and other networks: **other data, not comparable.**",
        "",
        f"{result['pairs']:,} pairs of test people (seed {result['seed']}, SHA-256 {result['pairs_sha256'][:8]}) · "
        f"`{result['command']}` · {result['device']} · {result['date']}",
    ]
    return "\n".join(lines) + "\n"


def _grey(text: str) -> str:
    return f'<span style="color:gray">*{text}*</span>'


def comma_separated(table: Mapping[str, Any]) -> str:
    """One line an answer and score: answer, weights, score, name, value, spread.

    What each answer's method was given comes last, where one was given more than pictures.

    >>> rows = [row("momi-x", {"FID": {"name": "FID[net]", "value": 3.0}}, "ab")]
    >>> print(comma_separated({"rows": rows}).splitlines()[1])
    momi-x,ab,FID,FID[net],3.0,
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    given = [[cell] for cell in given_column(table["rows"])]
    writer.writerow(["answer", "weights_sha256", "score", "name", "value", "spread", *(["given"] if given else [])])
    for line, told in zip(table["rows"], given or [[]] * len(table["rows"]), strict=True):
        for column, score in line["scores"].items():
            start = [line["answer"], line["weights_sha256"] or ""]
            if column == "truth":
                writer.writerow([*start, "truth L1", "masked L1", score["l1"], score["l1_error"], *told])
                writer.writerow([*start, "truth SSIM", "masked SSIM", score["ssim"], score["ssim_error"], *told])
            else:
                spread = score.get("deviation", score.get("error", ""))
                writer.writerow([*start, column, score.get("name", column), score["value"], spread, *told])
    for answer, values in PAPER.items():
        for column, value in zip(("IS", "mask-IS", "FID", "APS"), values, strict=True):
            if value is not None:
                name = f"{column} in the paper: other data, not comparable"
                writer.writerow([f"the paper: {answer}", "", column, name, value, "", *([""] if given else [])])
    return text.getvalue()


def write(table: Mapping[str, Any], out: Path) -> list[Path]:
    """``table.json``, ``table.csv`` and ``table.md`` in ``out``, each in one step."""
    texts = {"csv": comma_separated(table), "md": markdown(table, explained=True)}
    written = [write_json(out / f"{TABLE}.json", dict(table))]
    for ending, text in texts.items():
        content = text.encode()
        written.append(write_atomically(out / f"{TABLE}.{ending}", lambda file, c=content: file.write(c)))
    return written
