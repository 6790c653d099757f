"""Figures of a study: every run as a point, γ on a line, changes with their intervals.

A shape of marker goes with every colour, and what is claimed is written beside what came out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import seaborn as sns
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from momi_lib.study.statistics import Change, changes, holm, reach, verdict
from momi_lib.study.summary import FULL, LESS, ORDERINGS, value

__all__ = ["draw_changes", "draw_gamma", "draw_orderings", "draw_runs", "draw_trade", "gammas", "matrix"]

# The full one, one without a part or with PATN's blocks in φ, another γ: colour and marker.
LOOKS = {"full": ("#000000", "*"), "without": ("#D55E00", "o"), "patn": ("#D55E00", "o"), "gamma": ("#0072B2", "s")}


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

    >>> gammas({"changes": {"full": {}, "gamma-2": {"loss.weights.adversarial": 2.0}, "without-patch": {}}})
    {0.5: 'full', 2.0: 'gamma-2'}
    """
    known = {0.5: FULL}
    for name, change in result["changes"].items():
        if "loss.weights.adversarial" in change:
            known[change["loss.weights.adversarial"]] = name
    return dict(sorted(known.items()))


def _look(variant: str) -> tuple[str, str]:
    return LOOKS[variant.split("-")[0]]


def _title(score: str) -> str:
    return f"{score} ({'less' if score in LESS else 'more'} is better)"


def _seeds(ax: Axes, x: Sequence[float] | Tensor, y: Sequence[float] | Tensor, colour: str) -> None:
    """Single runs: small open rings, which nobody takes for a mean or the end of an interval."""
    ax.plot(x, y, linestyle="none", marker="o", markersize=3.5, markerfacecolor="white", markeredgewidth=0.9,
            color=colour)  # fmt: skip


def draw_runs(result: Mapping[str, Any], scores: Sequence[str], columns: int = 3) -> Figure:
    """A panel a score, a line a variant: the mean with its interval, and under it a ring for every seed."""
    names = list(result["runs"])
    rows = -(-len(scores) // columns)
    size = (1.3 + 2.5 * columns, rows * (0.75 + 0.2 * len(names)))
    figure, axes = plt.subplots(rows, columns, figsize=size, sharey=True, squeeze=False, layout="constrained")
    for ax in axes.flat[len(scores) :]:
        ax.set_axis_off()
    for score, ax in zip(scores, axes.flat, strict=False):
        values = matrix(result, score)
        ax.axvline(values[names.index(FULL)].mean(), color="grey", linewidth=0.8, linestyle=":")
        runs = {"score": values.flatten().tolist(), "variant": [name for name in names for _ in range(values.shape[1])]}
        colours, markers = zip(*map(_look, names), strict=True)
        sns.pointplot(runs, x="score", y="variant", order=names, hue="variant", hue_order=names, palette=list(colours),
                      markers=list(markers), markersize=7, linestyle="none", errorbar=_interval,
                      err_kws={"linewidth": 1.5}, legend=False, ax=ax)  # fmt: skip
        for place, (colour, row) in enumerate(zip(colours, values, strict=True)):
            _seeds(ax, row, [place + 0.28] * len(row), colour)
        ax.set(title=_title(score), xlabel="", ylabel="", ylim=(len(names) - 0.4, -0.6))
    return figure


def _interval(values: Any) -> tuple[float, float]:
    """The two ends of the 95 % interval of a mean over seeds, as seaborn asks for them."""
    mean, half = float(values.mean()), reach(torch.tensor(values.to_numpy()))
    return mean - half, mean + half


def draw_gamma(result: Mapping[str, Any], scores: Sequence[str] = ("L1", "FID", "APS", "PCK")) -> Figure:
    """The scores over γ: means with intervals, beside each a ring for every seed; the full network's γ is starred."""
    known = gammas(result)
    names, places = list(result["runs"]), list(range(len(known)))
    size = (2.3 * len(scores), 2.5)
    figure, axes = plt.subplots(1, len(scores), figsize=size, squeeze=False, layout="constrained")
    for score, ax in zip(scores, axes[0], strict=True):
        values = matrix(result, score)
        rows = values[[names.index(name) for name in known.values()]]
        ax.errorbar(places, rows.mean(1), yerr=[reach(row) for row in rows], color="#0072B2", linewidth=1.3, marker="s")
        for seed in range(rows.shape[1]):
            _seeds(ax, [place + 0.22 for place in places], rows[:, seed], "#0072B2")
        star = list(known.values()).index(FULL)
        ax.plot(star, rows[star].mean(), linestyle="none", marker="*", markersize=12, color="black")
        ax.set(title=_title(score), xticks=places, xticklabels=[f"{gamma:g}" for gamma in known], xlabel="γ")
        ax.margins(x=0.08)
    return figure


def draw_orderings(result: Mapping[str, Any]) -> tuple[Figure, list[tuple[str, Change, str]]]:
    """What the paper says, a line each, and the change that came out with its interval and a ring for every seed.

    Returns:
        the figure, and for every ordering its sentence, the change and a verdict in words.
    """
    names, found = list(result["runs"]), []
    size = (7.2, 0.95 * len(ORDERINGS))
    figure, axes = plt.subplots(len(ORDERINGS), 1, figsize=size, squeeze=False, layout="constrained")
    for ordering, ax in zip(ORDERINGS, axes[:, 0], strict=True):
        values = matrix(result, ordering.score)
        full, row = names.index(FULL), names.index(ordering.variant)
        change = changes(values, full)[row]
        seeds = values[row] - values[full]
        limit = 1.15 * max(abs(change.mean) + change.reach, float(seeds.abs().max())) or 1.0
        side = limit if ordering.above else -limit
        ax.axvspan(min(0, side), max(0, side), color="#009E73", alpha=0.15, linewidth=0)
        ax.text(side * 0.98, 0.5, "the paper's side", fontsize=8, va="top", color="#00694D",
                ha="right" if ordering.above else "left")  # fmt: skip
        ax.axvline(0, color="black", linewidth=0.8)
        ax.errorbar(change.mean, 0, xerr=change.reach, color="#D55E00", marker="o", markersize=7)
        _seeds(ax, seeds, [-0.3] * len(seeds), "#D55E00")
        ax.set(xlim=(-limit, limit), ylim=(-0.6, 0.6), yticks=[0], yticklabels=[ordering.says])
        ax.tick_params(axis="y", length=0)
        found.append((ordering.says, change, verdict(change, ordering.above)))
    axes[-1, 0].set_xlabel("change against the full network, each line in its own score")
    return figure, found


def draw_trade(result: Mapping[str, Any], first: str = "L1", second: str = "FID") -> Figure:
    """One score against another, a point a variant with both intervals; the values of γ hang on a line."""
    figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
    x, y = matrix(result, first), matrix(result, second)
    known, points = gammas(result), {}
    markers = iter("ov^DPX")
    for name, across, up in zip(result["runs"], x, y, strict=True):
        points[name] = across.mean().item(), up.mean().item()
        colour, marker = _look(name)
        alone = name not in known.values()
        ax.errorbar(*points[name], xerr=reach(across), yerr=reach(up), color=colour, markersize=8, linewidth=0.6,
                    marker=next(markers) if alone else marker, linestyle="", label=name if alone else None)  # fmt: skip
    path = [points[name] for name in known.values()]
    ax.plot(*zip(*path, strict=True), color="#0072B2", linestyle="--", linewidth=1, label="γ, ★ the full network")
    for gamma, point in zip(known, path, strict=True):
        ax.annotate(f"{gamma:g}", point, xytext=(5, 6), textcoords="offset points", color="#0072B2", weight="bold")
    ax.set(xlabel=_title(first), ylabel=_title(second))
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def draw_changes(result: Mapping[str, Any], scores: Sequence[str]) -> tuple[Figure, int, int]:
    """Every variant and score: the change in standard errors, bold beyond its interval, boxed where Holm keeps it.

    Orange is worse, violet better; the arrow over a column says the same of a number's sign.

    Returns:
        the figure, how many changes leave their interval, and how many Holm's correction keeps.
    """
    names = list(result["runs"])
    others = [name for name in names if name != FULL]
    found: dict[tuple[str, str], tuple[Change, float]] = {}
    for score in scores:
        values = matrix(result, score)
        for name, change in zip(names, changes(values, names.index(FULL)), strict=True):
            if name != FULL:
                found[name, score] = change, change.mean / change.error if change.error else 0.0
    kept = dict(zip(found, holm([change.p for change, _ in found.values()]), strict=True))
    figure, ax = plt.subplots(figsize=(1.8 + 0.75 * len(scores), 0.8 + 0.36 * len(others)), layout="constrained")
    worse = [[found[name, score][1] * (1 if score in LESS else -1) for score in scores] for name in others]
    ax.imshow(worse, cmap="PuOr_r", vmin=-10, vmax=10, aspect="auto")
    for i, name in enumerate(others):
        for j, score in enumerate(scores):
            change, t = found[name, score]
            ax.text(j, i, f"{t:+.1f}", ha="center", va="center", color="white" if abs(t) > 7 else "black",
                    weight="bold" if change.clear else "normal")  # fmt: skip
            if kept[name, score]:
                ax.add_patch(Rectangle((j - 0.45, i - 0.42), 0.9, 0.84, fill=False, edgecolor="black", lw=1.6))
    _label(ax, scores, others)
    return figure, sum(change.clear for change, _ in found.values()), sum(kept.values())


def _label(ax: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    ax.set(xticks=range(len(columns)), yticks=range(len(rows)), yticklabels=rows)
    ax.set_xticklabels([f"{name} {'↓' if name in LESS else '↑'}" for name in columns])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
