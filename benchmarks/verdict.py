"""How often the verdict on a picture is right, kind by kind: ``python -m benchmarks.verdict``.

For each kind of picture that people hand to a swap (tools/kinds_of_pictures.py; the seated are rendered, which needs
OpenGL), counts how many pass as "a picture that the network knows how to read", and how many are called what they are.
Writes benchmarks/results/verdict.json.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from PIL import Image

from momi_lib.files import sha256, write_json
from momi_lib.provenance import environment
from momi_lib.translate import MomiNet, load_network
from momi_lib.translate.verdict import Usual, judged, usual_of
from momi_lib.translate.weights import weights_file
from tools.kinds_of_pictures import KINDS, framed, seated, whole_people


@dataclass(frozen=True)
class Config:
    """What to judge.

    Attributes:
        weights: of the network whose student looks.
        count: pictures of each kind.
        out: JSON to write.
        render: also render people who sit.
    """

    weights: str = "small"
    count: int = 100
    out: Path = Path("benchmarks/results/verdict.json")
    render: bool = True


def row(kind: str, expected: str, images: Iterable[Image.Image], network: MomiNet, usual: Usual) -> dict[str, Any]:
    """How many pictures of one kind pass, and how many are called by their kind."""
    verdicts = [judged(network, framed(image), usual, pixels=image.size) for image in images]
    kinds = sorted({each for verdict in verdicts for each in verdict.kinds})
    return {
        "pictures": kind,
        "count": len(verdicts),
        "pass": sum(verdict.sure for verdict in verdicts),
        "called as expected": sum(
            expected in verdict.kinds if expected else verdict.sure for verdict in verdicts
        ),
        "called": {each: sum(each in verdict.kinds for verdict in verdicts) for each in kinds},
    }


def main(config: Config) -> None:
    """Judge all kinds, and write the JSON."""
    network = load_network(config.weights)
    usual, people = usual_of(network), whole_people(config.count)
    rows = []
    for kind, (make, expected) in KINDS.items():
        images = (make(people, index) for index in range(len(people.pictures)))
        rows.append(row(kind, expected, images, network, usual))
        print(rows[-1])
    if config.render:
        rows.append(row("somebody who sits", "unusual", seated(config.count), network, usual))
        print(rows[-1])
    write_json(config.out, {"weights": config.weights, "weights_sha256": sha256(weights_file(config.weights)),
                            **environment("cpu"), "rows": rows})  # fmt: skip


if __name__ == "__main__":
    main(tyro.cli(Config))
