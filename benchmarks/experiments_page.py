"""benchmarks/experiments.md from the JSON results of ``benchmarks/experiments.py``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from momi_lib.evaluate.markdown import table
from momi_lib.files import write_atomically

COLUMNS = {
    "masked L1 ↓": lambda r: f"{r['scores']['l1']:.4f} ± {r['scores']['l1_error']:.4f}",
    "masked SSIM ↑": lambda r: f"{r['scores']['ssim']:.3f} ± {r['scores']['ssim_error']:.3f}",
    "perceptual ↓": lambda r: f"{r['scores']['perceptual']:.3f}",
    "pose found ↑": lambda r: f"{r['scores']['pck']:.3f}",
    "person found ↑": lambda r: f"{r['scores']['rank1']:.3f}",
    "Fréchet ↓": lambda r: f"{r['scores']['frechet']:.2f}",
    "kernel ↓": lambda r: f"{r['scores']['kernel']:.3f}",
    "student PCK ↑": lambda r: f"{r['student']['pck_height']:.3f}",
}
#: Of networks that carry, measured since there are any.
CARRYING = COLUMNS | {
    "edges, of the truth's": lambda r: f"{r['scores']['sharpness']:.2f}",
    "drags obeyed, 90° ↑": lambda r: f"{r['drags']['obeys']:.2f} ± {r['drags']['error']:.2f}",
}
EARLIER = (
    "When these runs were made, the preset `lookup` and its weights were called `small`; `small` now carries clothes "
    "over. ± is the standard error of a mean over swaps taken as independent, which is too small. SSIM is that of the "
    "whole answer, averaged over the mask: its window saw backgrounds over the silhouette, so that it does not compare "
    "with the SSIM of the second table."
)
LATER = (
    "Networks that carry clothes over. All of these runs start from the student and body maps of the committed "
    "weights, and everything else from random weights. `drags obeyed`: wrists and ankles are turned by 90° about elbow "
    "and knee, and this is the share that the teacher finds within 6 pixels of their new place, as in "
    "`drag_obedience.py`. ± is resampled by person; that of drags takes them as independent. SSIM is that of the "
    "person pasted onto the truth's background."
)
Taken = dict[str, tuple[str, dict[str, Any]]]


def write_page(page: Path, folder: Path, taken: Taken) -> None:
    """Write ``page`` from the results in ``folder``, in the order of ``taken``.

    ``taken``: for each experiment the preset that took over from it, by name and as flat options.
    """
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    write_atomically(page, lambda file: file.write(markdown(results, taken).encode()))


def markdown(results: dict[str, dict[str, Any]], taken: Taken) -> str:
    """The page's text.

    >>> scores = dict(l1=0.1, l1_error=0.002, ssim=0.3, ssim_error=0.01, perceptual=1.2, pck=0.8, rank1=0.7, frechet=5,
    ...               kernel=0.1, count=400)
    >>> one = dict(asks="Which?", against=None, change={}, scores=scores, student=dict(pck_height=0.94), seed=0,
    ...            steps=9, minutes=2.0, device="CPU", threads=1, date="2026-01-01", command="c", scored_by={},
    ...            fingerprint="f", name="first", config={})
    >>> two = dict(one, against="first", change={"jitter": 0.0}, scores=dict(scores, l1=0.09, ssim=0.32))
    >>> text = markdown({"first": one, "second": two}, dict.fromkeys(("first", "second"), ("lookup", {"jitter": 0.4})))
    >>> print(text.splitlines()[-1])  # doctest: +NORMALIZE_WHITESPACE
    - **second** (`jitter` 0.0; against first): Which? L1 −0.0100, SSIM +0.020, pose found +0.000, Fréchet +0.00.
    The preset `lookup` has 0.4.
    """
    known = [name for name in taken if name in results]
    if not known:
        raise ValueError("no results yet: run `python benchmarks/experiments.py run NAME` first")
    counts = sorted({results[name]["scores"]["count"] for name in known})
    lines = [
        "# Experiments",
        "",
        "Made by `python benchmarks/experiments.py page` from `results/experiments/`. Each run is an earlier one with "
        f"one change; all are scored on the same {' or '.join(map(str, counts))} true swaps of people held out from "
        "training. Two runs share the swaps, so that smaller differences count between them than ± says, but a run "
        "with another seed differs, too. Short runs tell which way is better, not how good it gets.",
    ]
    for title, about, columns, preset in (
        ("Painting: before and with the preset `lookup`", EARLIER, COLUMNS, "lookup"),
        ("Carrying: the preset `small`", LATER, CARRYING, "small"),
    ):
        names = [name for name in known if taken[name][0] == preset]
        if names:
            lines += ["", f"## {title}", "", about, "", *_table(names, results, columns)]
            lines += ["", *_conditions([results[name] for name in names]), "", "### What each asks", ""]
            lines += [_sentence(name, results, *taken[name]) for name in names]
    return "\n".join(lines) + "\n"


def _table(names: list[str], results: dict[str, dict[str, Any]], columns: dict[str, Any]) -> list[str]:
    rows = []
    for name in names:
        result = results[name]
        cells = (show(result) for show in columns.values())
        link = f"[{name}](results/experiments/{name}.jpg)"
        rows.append([link, *cells, result["steps"], result["minutes"], result["seed"]])
    return table(["run", *columns, "steps", "minutes", "seed"], rows)


def _conditions(results: list[dict[str, Any]]) -> list[str]:
    """Where and when, once for each combination; and which results another judge gave."""
    kinds = sorted({f"{r['device']}, {r['threads']} thread(s), {r['date']}" for r in results})
    lines = ["Device: " + "; ".join(kinds) + ". Minutes are wall time, with other work on the machine."]
    judges = Counter("; ".join(f"{key} {value}" for key, value in r["scored_by"].items()) for r in results)
    (usual, _), *others = judges.most_common()
    lines.append(f"Scored by {usual}." if usual else "")
    for other, _ in others:
        names = [r["name"] for r in results if "; ".join(f"{k} {v}" for k, v in r["scored_by"].items()) == other]
        lines.append(f"Scored by {other}, and so not comparable in the columns of these networks: {', '.join(names)}.")
    lines += _earlier_starts({result["name"]: result for result in results})
    starts: dict[str, list[str]] = {}
    for result in results:
        if result["config"].get("start_with") == "maps":
            starts.setdefault(result["begun_with"][:8], []).append(result["name"])
    lines += [f"Begun with the weights {start}…: {', '.join(names)}." for start, names in starts.items()]
    return [line for line in lines if line]


def _earlier_starts(results: dict[str, dict[str, Any]]) -> list[str]:
    """Which runs began with weights of an experiment that has been run again since."""
    earlier: dict[str, list[str]] = {}
    for name, result in results.items():
        began = Path(result["config"].get("start") or "").parent.name
        if began in results and result.get("begun_with") != results[began].get("weights_sha256"):
            earlier.setdefault(began, []).append(name)
    return [f"Begun with an earlier run of {began} than the one above: {', '.join(n)}." for began, n in earlier.items()]


def _sentence(name: str, results: dict[str, dict[str, Any]], preset: str, options: dict[str, Any]) -> str:
    result = results[name]
    changed = ", ".join(f"`{key}` {value}" for key, value in result["change"].items())
    against = result["against"]
    about = f"{changed}; against {against}" if against else changed or "the preset"
    text = f"- **{name}** ({about}): {result['asks']}"
    if against in results:
        ours, theirs = result["scores"], results[against]["scores"]
        l1, ssim, pose, frechet = (ours[key] - theirs[key] for key in ("l1", "ssim", "pck", "frechet"))
        told = f" L1 {l1:+.4f}, SSIM {ssim:+.3f}"
        if result["scored_by"] == results[against]["scored_by"]:
            told += f", pose found {pose:+.3f}, Fréchet {frechet:+.2f}"
        if "drags" in result and "drags" in results[against]:
            edges = ours["sharpness"] - theirs["sharpness"]
            told += f", edges {edges:+.2f}, drags {result['drags']['obeys'] - results[against]['drags']['obeys']:+.2f}"
        text += f"{told}.".replace("-", "−")
        if len(result["change"]) == 1:
            ((key, tried),) = result["change"].items()
            if key in options:
                has = "it so" if options[key] == tried else options[key]
                text += f" The preset `{preset}` has {has}."
    return text
