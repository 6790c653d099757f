"""The pictures that lesson 10 shows of networks that differ in one option.

Runs of a few hundred steps from random weights do not draw people yet, so their pictures show nothing. A longer study
is shown if its files lie in the folder of results; otherwise the experiments with carrying, which draw people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from momi_lib.data import Truth, load_truth
from momi_lib.data.records import EMBEDDED
from momi_lib.files import project_file
from momi_lib.metrics.true_swaps import masked_l1, masked_ssim
from momi_lib.study.experiments import SHOWN, SWAPS
from momi_lib.study.pictures import StudyPictures, load_pictures
from momi_lib.study.summary import load_study

#: A study of runs that are long enough to draw people, made with --results benchmarks/results/ablations-long.json.
LONG = "ablations-long.json"
#: Title → experiment. The third repeats the first in 32 bits. The others change one option of the first, except the
#: last, which changes one option of the third and was therefore computed in 32 bits, too.
EXPERIMENTS = {
    "as it is": "carry",
    "without D": "carry-gamma-0",
    "repeated": "carry-fp32",
    "keep 0.3": "carry-keep",
    "sharpness 0.4": "carry-sharpness",
}
PADDING = 2  # pixels between the pictures of an experiment's grid


@dataclass(frozen=True, eq=False)
class Shown:
    """What is shown, and what is known of it.

    Attributes:
        pictures: a few swaps, as every network drew them.
        result: as the JSON of a study has it: ``means`` of each network, by score.
        says: which runs these are, in a sentence.
    """

    pictures: StudyPictures
    result: Mapping[str, Any]
    says: str


def shown_study(folder: Path | None = None) -> Shown:
    """The longer study, if it is in the folder, or else the experiments.

    Args:
        folder: of results; ``None`` is benchmarks/results.

    Raises:
        NotInstalledError: for a copy of the library without benchmarks/results.
    """
    folder = project_file("benchmarks/results") if folder is None else folder
    if (folder / LONG).is_file():
        result = load_study(folder / LONG)
        steps = {run["steps"] for runs in result["runs"].values() for run in runs}
        says = f"networks of the study, {max(steps):,} steps from random weights (and a trained student)"
        return Shown(load_pictures(folder / LONG, result), result, says)
    return shown_experiments(folder / "experiments")


def shown_experiments(folder: Path, names: Mapping[str, str] = EXPERIMENTS) -> Shown:
    """Experiments of one kind as columns of a study.

    Args:
        folder: of the experiments' results.
        names: title → experiment.
    """
    cards = {title: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for title, name in names.items()}
    grids = {title: _tiles(folder / f"{name}.jpg") for title, name in names.items()}
    source, target, _, known = next(iter(grids.values()))
    drawn = {title: grid[2] for title, grid in grids.items()}
    truth = _truth()
    columns = {"source": source, "target": target, "truth": known, **drawn}
    files = truth.people.files
    pairs = tuple((files[a], files[b]) for a, b in zip(truth.source.tolist(), truth.target.tolist(), strict=True))
    pictures = StudyPictures(
        tuple(columns), pairs, torch.stack(list(columns.values()), 1), next(iter(cards.values()))["seed"],
        {title: masked_l1(some, truth.pictures, truth.masks).tolist() for title, some in drawn.items()},
        {title: masked_ssim(some, truth.pictures, truth.masks).tolist() for title, some in drawn.items()},
    )  # fmt: skip
    scores = {"L1": "l1", "SSIM": "ssim", "FID": "frechet", "KID": "kid", "PCK": "pck", "rank-1": "rank1"}
    means = {
        title: {score: {"mean": card["scores"][name]} for score, name in scores.items()}
        for title, card in cards.items()
    }
    steps = max(card["steps"] for card in cards.values())
    says = f"networks that carry, after {steps} steps of their last stage, one seed each"
    return Shown(pictures, {"means": means}, says)


def _truth() -> Truth:
    """The true swaps in the grids of the experiments."""
    truth = load_truth(EMBEDDED).select(slice(SWAPS))
    return truth.select(torch.linspace(0, len(truth) - 1, SHOWN).long())


def _tiles(path: Path, size: tuple[int, int] = (128, 64)) -> Tensor:
    """The pictures of a grid, (rows, columns, 3, H, W) uint8."""
    with Image.open(path) as image:
        pixels = torch.frombuffer(bytearray(image.convert("RGB").tobytes()), dtype=torch.uint8)
        high, wide = image.height, image.width
    (height, width), step = size, PADDING
    inner = pixels.view(high, wide, 3)[step:, step:]
    rows, columns = inner.shape[0] // (height + step), inner.shape[1] // (width + step)
    cells = inner.unflatten(0, (rows, height + step)).unflatten(2, (columns, width + step))
    return cells[:, :height, :, :width].permute(0, 2, 4, 1, 3).contiguous()
