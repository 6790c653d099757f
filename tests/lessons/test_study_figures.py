"""Figures and widget of a study, with invented numbers."""

from __future__ import annotations

import base64

import matplotlib.pyplot as plt
import pytest
import torch

from momi_lib.lessons.figures import study as study_figures
from momi_lib.study.pictures import GIVEN, StudyPictures
from momi_lib.study.run import FULL, VARIANTS
from momi_lib.study.summary import SCORES, means, orderings
from momi_lib.widgets.study_explorer import StudyExplorer


def invented(seeds: int = 2, worse: float = 50.0) -> dict:
    """A study in which only FID changes, and only without the perceptual loss."""
    rng = torch.Generator().manual_seed(0)
    runs = {}
    for name in VARIANTS:
        runs[name] = []
        for seed in range(seeds):
            values = torch.rand(len(SCORES), generator=rng).tolist()
            scores = {"APS held out" if k == "APS" else k: {"value": v} for k, v in zip(SCORES, values, strict=True)}
            scores["FID"]["value"] += worse * (name == "without-perceptual")
            scores["truth"] = {"l1": scores.pop("L1")["value"], "ssim": scores.pop("SSIM")["value"]}
            runs[name].append({"seed": seed, "scores": scores})
    return {
        "runs": runs,
        "means": {name: means(some) for name, some in runs.items()},
        "orderings": orderings(runs),
        "changes": VARIANTS,
    }


@pytest.fixture
def result():
    yield invented()
    plt.close("all")


def test_gammas_run_upwards_with_the_full_network_among_them(result: dict) -> None:
    expected = {0.0: "gamma-0", 0.1: "gamma-0.1", 0.5: FULL, 1.0: "gamma-1", 2.0: "gamma-2"}
    assert study_figures.gammas(result) == expected
    assert list(study_figures.gammas(result)) == sorted(expected)


def test_every_run_is_a_ring(result: dict) -> None:
    figure = study_figures.draw_runs(result, ["FID", "L1"], columns=2)
    for ax in figure.axes:
        rings = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
        assert sum(len(line.get_xdata()) for line in rings) == 18
        assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(VARIANTS)


def test_orderings_are_judged_as_they_come_out(result: dict) -> None:
    figure, found = study_figures.draw_orderings(result)
    verdicts = {says: words for says, _, words in found}
    assert verdicts["FID rises without the perceptual loss"] == "it came out so"
    assert "within the spread" in verdicts["APS falls without attention"]
    assert [ax.get_yticklabels()[0].get_text() for ax in figure.axes] == [says for says, _, _ in found]
    _, found = study_figures.draw_orderings(invented(worse=-50.0))
    assert found[-1][-1] == "the opposite came out"


def test_holm_keeps_the_one_change_that_was_made() -> None:
    figure, clear, kept = study_figures.draw_changes(invented(seeds=4), SCORES)
    plt.close("all")
    assert kept == 1 and clear >= 1
    assert sum(text.get_weight() == "bold" for text in figure.axes[0].texts) == clear
    assert len(figure.axes[0].texts) == 72 and len(figure.axes[0].patches) == kept


def test_gamma_and_trade_draw_every_variant(result: dict) -> None:
    assert len(study_figures.draw_gamma(result).axes) == 4
    ax = study_figures.draw_trade(result).axes[0]
    named = {text.get_text() for text in ax.texts} | {text.get_text() for text in ax.get_legend().get_texts()}
    assert {"0", "0.1", "0.5", "1", "2"} <= named
    assert {"without-patch", "without-perceptual", "without-attention", "patn-block"} <= named


def test_an_unfinished_study_is_refused(result: dict) -> None:
    result["runs"]["gamma-2"].pop()
    with pytest.raises(ValueError, match=r"gamma-2: expected FID of the seeds \[0, 1\]"):
        study_figures.matrix(result, "FID")


@pytest.mark.parametrize("given", [GIVEN, GIVEN[:2]])
def test_the_widget_shows_what_is_chosen(result: dict, given: tuple[str, ...]) -> None:
    rng = torch.Generator().manual_seed(0)
    columns = (*given, *VARIANTS)
    tiles = torch.randint(0, 256, (3, len(columns), 3, 16, 8), generator=rng).byte()
    scores = {name: torch.rand(3, generator=rng).tolist() for name in VARIANTS} if "truth" in given else {}
    pictures = StudyPictures(columns, (("a", "b"),) * 3, tiles, 0, scores, scores)
    explorer = StudyExplorer(pictures, result)
    assert ("difference" in explorer.panels) == ("truth" in given)
    before = {name: panel.png for name, panel in explorer.panels.items()}
    explorer.variant.value = "gamma-1"
    assert explorer.panels["drawn"].png != before["drawn"] and explorer.panels["source"].png == before["source"]
    assert explorer.panels["drawn"].alternative == "swap 1 by gamma-1"
    assert base64.b64encode(explorer.panels["drawn"].png).decode() in explorer.panels["drawn"].value
    explorer.pair.value = 2
    assert explorer.panels["source"].png != before["source"]
    mean = result["means"]["gamma-1"]["FID"]["mean"]
    assert "gamma-1 over all swaps and seeds: L1" in explorer.message.value and f"FID {mean:.3f}" in explorer.said
    if scores:
        rank = sorted(scores, key=lambda name: scores[name][2]).index("gamma-1") + 1
        assert f"L1 {scores['gamma-1'][2]:.3f} (place {rank} of 9)" in explorer.said
