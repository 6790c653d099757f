"""A table of answers and scores as a figure: which answer each score likes best (notebook 09)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

__all__ = ["draw_scores", "load_scores", "ranking"]

#: Columns of `python -m momi_lib truth` → what a table calls them; the arrow says which way is better.
STORED = {
    "l1": "L1 ↓",
    "ssim": "SSIM ↑",
    "perceptual": "home-made\nfeatures ↓",
    "st_lpips_vgg": "ST-LPIPS,\nVGG ↓",
    "st_lpips_alex": "ST-LPIPS,\nAlexNet ↓",
    "frechet": "Fréchet,\nhome-made ↓",
    "frechet_lite0": "Fréchet,\nLite0 ↓",
}


def load_scores(path: str | Path) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """What `python -m momi_lib truth` has written, and of it the scores of `STORED` that are there, answer by answer.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "truth.json"
    >>> _ = path.write_text('{"rows": [{"answer": "copy source", "l1": 0.15, "pck": 0.4}]}')
    >>> load_scores(path)[1]
    {'copy source': {'L1 ↓': 0.15}}
    """
    stored = json.loads(Path(path).read_text(encoding="utf-8"))
    table = {row["answer"]: {STORED[name]: row[name] for name in STORED if name in row} for row in stored["rows"]}
    return stored, table


def ranking(table: Mapping[str, Mapping[str, float]], score: str) -> list[str]:
    """The answers by one score, the best first; a name that ends in ↑ says that more is better.

    Args:
        table: answer → score → value.
        score: one of its scores.

    >>> ranking({"a": {"L1 ↓": 0.3, "IS ↑": 2.0}, "b": {"L1 ↓": 0.1, "IS ↑": 1.0}}, "L1 ↓")
    ['b', 'a']
    """
    return sorted(table, key=lambda answer: table[answer][score], reverse=score.endswith("↑"))


def draw_scores(table: Mapping[str, Mapping[str, float]]) -> Figure:
    """A row an answer, a column a score; dark is good within a column, bold is its best.

    Args:
        table: answer → score → value, the same scores for each answer.

    >>> figure = draw_scores({"a": {"L1 ↓": 0.3}, "b": {"L1 ↓": 0.1}})
    >>> [text.get_weight() for text in figure.axes[0].texts]
    ['normal', 'bold']
    >>> plt.close(figure)
    """
    answers, scores = list(table), list(next(iter(table.values())))
    places = [[ranking(table, score).index(answer) for score in scores] for answer in answers]
    figure, ax = plt.subplots(figsize=(1.1 + 1.15 * len(scores), 0.5 + 0.42 * len(answers)), layout="constrained")
    ax.imshow(places, cmap="cividis", aspect="auto", vmin=-1, vmax=len(answers) - 0.5)
    for i, answer in enumerate(answers):
        for j, score in enumerate(scores):
            colour, weight = "white" if places[i][j] < 2 else "black", "normal" if places[i][j] else "bold"
            ax.text(j, i, f"{table[answer][score]:.3g}", ha="center", va="center", color=colour, weight=weight)
    ax.set(xticks=range(len(scores)), xticklabels=scores, yticks=range(len(answers)), yticklabels=answers)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    return figure
