"""Figures of a study: every run as a point, γ on a line, changes with their intervals (notebook 10).

A shape of marker goes with every colour, and what is claimed is written beside what came out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from momi_lib.evaluate.spread import Change, changes, holm, paired_deviation, pooled_deviation, t_multiplier, verdict
from momi_lib.evaluate.study_summary import FULL, LESS, ORDERINGS, value

__all__ = ["draw_changes", "draw_gamma", "draw_orderings", "draw_runs", "draw_trade", "gammas", "matrix"]

# The full one, an ablation, another γ: colour and marker.
LOOKS = {"full": ("#000000", "*"), "without": ("#D55E00", "o"), "gamma": ("#0072B2", "s")}


def matrix(result: Mapping[str, Any], score: str) -> Tensor:
    """The score of every run, (V, S): variants in the study's order, seeds in theirs.

    Raises:
        ValueError: a run has no such score, or variants have different seeds.

    >>> run = lambda seed, l1: {"seed": seed, "scores": {"truth": {"l1": l1}}}
    >>> matrix({"runs": {"full": [run(0, 0.5), run(1, 0.25)]}}, "L1")
    tensor([[0.5000, 0.2500]], dtype=torch.float64)
    """
    rows = {name: {run["seed"]: value(run, score) for run in runs} for name, runs in result["runs"].items()}
    seeds = sorted(next(iter(rows.values())))
    for name, row in rows.items():
        if sorted(row) != seeds or None in row.values():
            raise ValueError(f"{name}: expected {score} of the seeds {seeds}, got {row}; let the study finish")
    return torch.tensor([[row[seed] for seed in seeds] for row in rows.values()], dtype=torch.float64)


def gammas(result: Mapping[str, Any]) -> dict[float, str]:
    """γ → variant, from the smallest γ; the full one among them.

    >>> gammas({"changes": {"full": {}, "gamma-2": {"weights": {"adversarial": 2.0}}, "without-patch": {}}})
    {0.5: 'full', 2.0: 'gamma-2'}
    """
    known = {0.5: FULL}
    for name, change in result["changes"].items():
        if "adversarial" in change.get("weights", {}):
            known[change["weights"]["adversarial"]] = name
    return dict(sorted(known.items()))


def _look(variant: str) -> tuple[str, str]:
    return LOOKS[variant.split("-")[0]]


def _title(score: str) -> str:
    return f"{score} ({'less' if score in LESS else 'more'} is better)"


def _reach(values: Tensor) -> float:
    """Half the 95 % interval of one variant's mean, with the spread of all."""
    deviation, freedom = pooled_deviation(values)
    return t_multiplier(freedom) * deviation / values.shape[1] ** 0.5


def draw_runs(result: Mapping[str, Any], scores: Sequence[str], columns: int = 3) -> Figure:
    """A panel a score, a line a variant: every seed a small mark, the mean a large one with its interval."""
    names = list(result["runs"])
    rows = -(-len(scores) // columns)
    size = (1.3 + 2.5 * columns, rows * (0.75 + 0.2 * len(names)))
    figure, axes = plt.subplots(rows, columns, figsize=size, sharey=True, squeeze=False, layout="constrained")
    for ax in axes.flat[len(scores) :]:
        ax.set_axis_off()
    for score, ax in zip(scores, axes.flat, strict=False):
        values = matrix(result, score)
        ax.axvline(values[names.index(FULL)].mean(), color="grey", linewidth=0.8, linestyle=":")
        for place, (name, row) in enumerate(zip(names, values, strict=True)):
            colour, marker = _look(name)
            ax.errorbar(row.mean(), place, xerr=_reach(values), color=colour, marker=marker, markersize=7,
                        linestyle="none", linewidth=1.3, capsize=2)  # fmt: skip
            ax.plot(row, [place] * len(row), linestyle="none", marker="|", markersize=9, color=colour)
        ax.set(title=_title(score), yticks=range(len(names)), yticklabels=names)
        ax.grid(axis="y", linewidth=0.3)
        ax.margins(y=0.08)
    axes[0, 0].invert_yaxis()
    return figure


def draw_gamma(result: Mapping[str, Any], scores: Sequence[str] = ("L1", "FID", "APS", "pose")) -> Figure:
    """The scores over γ: seeds as small marks, means with intervals; the full network's γ is starred."""
    known = gammas(result)
    names, places = list(result["runs"]), list(range(len(known)))
    size = (2.3 * len(scores), 2.5)
    figure, axes = plt.subplots(1, len(scores), figsize=size, squeeze=False, layout="constrained")
    for score, ax in zip(scores, axes[0], strict=True):
        values = matrix(result, score)
        rows = values[[names.index(name) for name in known.values()]]
        ax.errorbar(places, rows.mean(1), yerr=_reach(values), color="#0072B2", linewidth=1.3, capsize=2, marker="s")
        for seed in range(rows.shape[1]):
            ax.plot(places, rows[:, seed], linestyle="none", marker="_", color="#0072B2")
        star = list(known.values()).index(FULL)
        ax.plot(star, rows[star].mean(), linestyle="none", marker="*", markersize=12, color="black")
        ax.set(title=_title(score), xticks=places, xticklabels=[f"{gamma:g}" for gamma in known], xlabel="γ")
        ax.margins(x=0.08)
    return figure


def draw_orderings(result: Mapping[str, Any]) -> tuple[Figure, list[tuple[str, Change, str]]]:
    """What the paper says, and the change that came out with its interval, in units of the spread between seeds.

    Returns:
        the figure, and for every ordering its sentence, the change in the score's own units and a verdict in words.
    """
    names, found = list(result["runs"]), []
    figure, ax = plt.subplots(figsize=(7.2, 0.9 + 0.5 * len(ORDERINGS)), layout="constrained")
    for place, ordering in enumerate(ORDERINGS):
        values = matrix(result, ordering.score)
        change = changes(values, names.index(FULL))[names.index(ordering.variant)]
        unit = paired_deviation(values)[0] or 1.0
        seeds = (values[names.index(ordering.variant)] - values[names.index(FULL)]) / unit
        ax.errorbar(change.mean / unit, place, xerr=change.reach / unit, color="#D55E00", marker="o", capsize=3)
        ax.plot(seeds, [place] * len(seeds), linestyle="none", marker="|", markersize=12, color="#D55E00")
        found.append((ordering.says, change, verdict(change, ordering.above)))
    limit = 1.05 * max(abs(edge) for edge in ax.get_xlim())
    for place, ordering in enumerate(ORDERINGS):
        side = limit if ordering.above else -limit
        ax.fill_betweenx([place - 0.4, place + 0.4], 0, side, color="#009E73", alpha=0.15, linewidth=0)
        ax.text(side * 0.98, place - 0.32, "the paper's side", fontsize=7, va="center", color="#00694D",
                ha="right" if ordering.above else "left")  # fmt: skip
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set(xlim=(-limit, limit), yticks=range(len(ORDERINGS)), yticklabels=[o.says for o in ORDERINGS],
           xlabel="change against the full network, in units of the spread between seeds")  # fmt: skip
    ax.invert_yaxis()
    return figure, found


def draw_trade(result: Mapping[str, Any], first: str = "L1", second: str = "FID") -> Figure:
    """One score against another, a point a variant with both intervals, its name beside it."""
    figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
    x, y = matrix(result, first), matrix(result, second)
    for name, across, up in zip(result["runs"], x, y, strict=True):
        colour, marker = _look(name)
        ax.errorbar(across.mean(), up.mean(), xerr=_reach(x), yerr=_reach(y), color=colour, marker=marker,
                    markersize=8, linewidth=0.6)  # fmt: skip
        ax.annotate(name, (across.mean(), up.mean()), xytext=(6, 5), textcoords="offset points", color=colour)
    ax.set(xlabel=_title(first), ylabel=_title(second))
    return figure


def draw_changes(result: Mapping[str, Any], scores: Sequence[str]) -> tuple[Figure, int, int]:
    """Every variant and score: the change in standard errors, bold beyond its interval, boxed where Holm keeps it.

    Returns:
        the figure, how many changes leave their interval, and how many Holm's correction keeps.
    """
    names = list(result["runs"])
    others = [name for name in names if name != FULL]
    found: dict[tuple[str, str], tuple[Change, float]] = {}
    for score in scores:
        values = matrix(result, score)
        factor = t_multiplier(paired_deviation(values)[1])
        for name, change in zip(names, changes(values, names.index(FULL)), strict=True):
            if name != FULL:
                found[name, score] = change, change.mean * factor / change.reach if change.reach else 0.0
    kept = dict(zip(found, holm([change.p for change, _ in found.values()]), strict=True))
    figure, ax = plt.subplots(figsize=(1.8 + 0.75 * len(scores), 0.8 + 0.36 * len(others)), layout="constrained")
    sizes = torch.tensor([[abs(found[name, score][1]) for score in scores] for name in others])
    ax.imshow(sizes, cmap="cividis_r", vmin=0, vmax=12, aspect="auto")
    for i, name in enumerate(others):
        for j, score in enumerate(scores):
            change, t = found[name, score]
            ax.text(j, i, f"{t:+.1f}", ha="center", va="center", color="white" if abs(t) > 6 else "black",
                    weight="bold" if change.clear else "normal")  # fmt: skip
            if kept[name, score]:
                ax.add_patch(plt.Rectangle((j - 0.45, i - 0.42), 0.9, 0.84, fill=False, edgecolor="#D55E00", lw=1.8))
    _label(ax, scores, others)
    return figure, sum(change.clear for change, _ in found.values()), sum(kept.values())


def _label(ax: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    ax.set(xticks=range(len(columns)), yticks=range(len(rows)), yticklabels=rows)
    ax.set_xticklabels([f"{name} {'↓' if name in LESS else '↑'}" for name in columns])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
