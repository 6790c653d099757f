"""Put the rows of a truth table into the cards of committed weights: ``python tools/rescore.py small lookup``.

For a score whose definition has changed: cards that stand beside each other then mean the same by it. Writes
``data/weights/momi-NAME.json`` (of a rival ``rival-NAME.json``) and the folder's README.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tyro

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from momi_lib.files import weights_folder, write_json  # noqa: E402
from momi_lib.provenance import command_line  # noqa: E402
from momi_lib.rivals.weights import answer_file  # noqa: E402
from tools.publish import describe, rows_of  # noqa: E402


def rescore(
    names: tyro.conf.Positional[tuple[str, ...]],
    /,
    scores: Path = ROOT / "benchmarks" / "results" / "truth.json",
) -> None:
    """Replace the scores against true swaps in the cards.

    Args:
        names: of committed weights, such as `small` or `patn`.
        scores: JSON of ``python -m momi_lib truth``, with a row of each of them.

    Raises:
        ValueError: where a row is missing or was taken with other weights; then no card is changed.
    """
    rows = {name: rows_of(answer_file(name), scores) for name in names}
    table = json.loads(scores.read_text(encoding="utf-8"))
    for name, found in rows.items():
        path = answer_file(name).with_suffix(".json")
        card = json.loads(path.read_text(encoding="utf-8"))
        card.setdefault("scores", {})["truth"] = found
        card["scored_by"] = {"command": table["command"], "date": table["date"], "put_here_by": command_line()}
        write_json(path, card)
    describe(weights_folder())


if __name__ == "__main__":
    tyro.cli(rescore, description=__doc__)
