"""What an installation takes on the disk: ``python tools/measure_install.py``, in the environment that is measured.

Adds up the files of every package that momi_lib needs, directly or not, and of the repository itself, and writes
``benchmarks/results/install.json``. CUDA's libraries, which only Linux gets, are counted apart.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import tyro
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from momi_lib.files import write_json
from momi_lib.provenance import environment

ROOT = Path(__file__).resolve().parents[1]
CUDA = re.compile(r"(nvidia|cuda)-|triton$")


def needed(names: Iterable[str]) -> dict[str, Distribution]:
    """The installed distributions of ``names`` and of all that they need, by canonical name.

    >>> "numpy" in needed(["matplotlib"])
    True
    """
    found: dict[str, Distribution] = {}
    waiting = [Requirement(name) for name in names]
    asked: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in asked:
            continue
        asked.add((name, extras))
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # made for another system, or already part of this Python
        found[name] = package
        for inner in map(Requirement, package.requires or []):
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append(inner)
    return found


def megabytes(package: Distribution) -> float:
    """The size of a package's files, in 10⁶ bytes."""
    files = (Path(file.locate()) for file in package.files or [])
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def measure(root: Path = ROOT, name: str = "momi_lib") -> dict[str, object]:
    """Sizes in MB of the packages that ``name`` needs, and of what git keeps in ``root``."""
    sizes = {key: megabytes(package) for key, package in needed([name]).items()}
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", check=True).stdout
    tracked = [root / file for file in listed.split("\0") if file]
    cuda = sum(size for key, size in sizes.items() if CUDA.match(key))
    return {
        "what": "MB (10⁶ bytes) of the packages that momi_lib needs, of CUDA's among them, and of the repository",
        "packages": len(sizes),
        "packages_mb": round(sum(sizes.values())),
        "cuda_mb": round(cuda),
        "repository_mb": round(sum(file.stat().st_size for file in tracked if file.is_file()) / 1e6),
        "largest": {key: round(sizes[key]) for key in sorted(sizes, key=sizes.__getitem__, reverse=True)[:6]},
        **environment(),
    }


def main(out: Path = ROOT / "benchmarks/results/install.json") -> None:
    """Measure and write ``out``."""
    print(write_json(out, measure()))


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
