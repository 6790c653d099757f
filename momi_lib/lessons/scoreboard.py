"""A table of answers and scores as a figure: which answer each score likes best (notebook 09)."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

__all__ = ["draw_scores", "ranking"]


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
            style = {"color": "white" if places[i][j] < 2 else "black", "weight": "normal" if places[i][j] else "bold"}
            ax.text(j, i, f"{table[answer][score]:.3g}", ha="center", va="center", **style)
    ax.set(xticks=range(len(scores)), xticklabels=scores, yticks=range(len(answers)), yticklabels=answers)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    return figure
