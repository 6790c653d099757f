"""Put the measured table into the README: ``python tools/readme.py`` (after ``python -m momi_lib truth``)."""

from __future__ import annotations

from pathlib import Path

import tyro

from momi_lib.evaluate.table import write_into

ROOT = Path(__file__).resolve().parents[1]


def main(readme: Path = ROOT / "README.md", results: Path = ROOT / "benchmarks/results/truth.json") -> None:
    """Write the table of ``results`` between the marks in ``readme``."""
    write_into(readme, results)


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
