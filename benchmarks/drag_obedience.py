"""Whether a dragged limb is drawn where it was dragged: ``python benchmarks/drag_obedience.py``.

What is measured, and how, says :mod:`momi_lib.study.drags`.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import tyro

from momi_lib.files import write_json
from momi_lib.study.drags import measure

log = logging.getLogger("drag_obedience")
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Config:
    """What to measure.

    Attributes:
        weights: a name of committed weights, or a file.
        pairs: how many true swaps, drawn at random.
        seed: of the swaps and of the directions.
        out: JSON to write.
    """

    weights: str = "small"
    pairs: int = 60
    seed: int = 0
    out: Path = ROOT / "benchmarks" / "results" / "drag-obedience.json"


def main(config: Config) -> None:
    """Measure, and write the JSON."""
    result = measure(config.weights, config.pairs, config.seed)
    write_json(config.out, result)
    for row in result["rows"]:
        log.info("%s", json.dumps(row))
    log.info("left out: %s", json.dumps(result["left_out"]))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(tyro.cli(Config, description=__doc__))
