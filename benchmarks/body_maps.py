"""How far the body maps are off: ``python benchmarks/body_maps.py``.

B_s and B_t of trained weights against the labels of people whom no training saw, with the landmarks that the network's
own student finds: what a swap has to do with. Errors are distances on the standing reference body, inside the true
silhouette, in all and by part of the body; B_t is asked where nothing stands before the person, and is given the build
that B_s found in another picture of theirs. Numbers go to benchmarks/results/body-maps.json.

The figure shows both maps of a few true swaps, drawn at random and all of different people, and goes to
docs/body-maps.png.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from matplotlib.figure import Figure

from momi_lib.data import load, load_truth
from momi_lib.data.body_maps import load_body_labels, load_true_maps
from momi_lib.evaluate.body_maps import score_body_maps
from momi_lib.evaluate.figure import choose
from momi_lib.files import sha256, write_atomically, write_json
from momi_lib.lessons.figures.body_maps import body_map_figure
from momi_lib.provenance import environment
from momi_lib.translate import CarryNet, load_network, weights_file

log = logging.getLogger("body_maps")
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Config:
    """What to measure and to show.

    Attributes:
        weights: a name of committed weights, or a file; of a network that carries.
        rows: how many people the figure shows.
        seed: which ones; they are drawn at random and not chosen.
        out: JSON to write.
        figure: PNG to write.
    """

    weights: str = "small"
    rows: int = 6
    seed: int = 0
    out: Path = ROOT / "benchmarks" / "results" / "body-maps.json"
    figure: Path = ROOT / "docs" / "body-maps.png"


def measure(network: CarryNet) -> dict[str, Any]:
    """Scores of both maps on the test people, and what they were measured with, JSON-ready."""
    people = load(None, "test")
    return {
        "what": "body maps against the labels of people whom no training saw: distance on the reference body, inside "
        "the true silhouette, in cm (error_cm: mean, median_cm: median, also by part of the body) and intersection "
        "over union of the silhouettes; source: B_s on every picture; answer: B_t where nothing stands before the "
        "person",
        **environment(),
        "fingerprint": people.fingerprint,
        **score_body_maps(network, people, load_body_labels(None, "test", people.files)),
    }


def picture(network: CarryNet, rows: int, seed: int) -> tuple[Figure, str]:
    """The figure of as many true swaps whose labels are known, and its description.

    Raises:
        ValueError: for more rows than there are people.
    """
    numbers, sources, answers = load_true_maps()
    truth = load_truth().select(numbers)
    some = choose(truth, rows, seed)
    pictures = truth.people.pictures
    shown = pictures[truth.source[some]], pictures[truth.target[some]]
    return body_map_figure(network, *shown, sources[some], answers[some])


def main(config: Config) -> None:
    """Measure, draw, and write both."""
    network, path = load_network(config.weights), weights_file(config.weights)
    if not isinstance(network, CarryNet):
        raise ValueError(f"{path}: these weights have no body maps; take those of a network that carries")
    result = {**measure(network), "weights": path.stem, "sha256": sha256(path)}
    write_json(config.out, result)
    for which in ("source", "answer"):
        log.info("%s: %s", which, json.dumps(result[which]))
    figure, told = picture(network, config.rows, config.seed)
    write_atomically(config.figure, lambda file: figure.savefig(file, format="png", dpi=110))
    log.info("%s: %s", config.figure, told)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(tyro.cli(Config, description=__doc__))
