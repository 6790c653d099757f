"""Write constraints.txt: the exact version of everything that the project needs, as installed here.

    .venv/bin/python tools/make_constraints.py > constraints.txt

Starts from pyproject.toml (with its extras) and follows the requirements of what is
installed, so other packages that happen to be in the environment stay out. A constraint for a package that a
platform does not need does nothing there; the parts of CUDA are marked all the same, so that the file says it.
A version that needs a later Python than the project's oldest is marked with it: an older one gets what fits.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

LINUX_ONLY = re.compile(r"^(nvidia-|cuda-|triton$|pytorch-triton)")
OLDEST_PYTHON = "3.11.0"
EXTRAS = ("app", "judges", "test", "docs", "mutation", "mannequins")
HEADER = """\
# Versions that are known to work together: python -m pip install -c constraints.txt -e .
# Made by: .venv/bin/python tools/make_constraints.py > constraints.txt"""


def needed(requirements: list[str]) -> dict[str, str]:
    """Name → installed version of all that the requirements need, directly or not, in this environment."""
    versions: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, parent_extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": parent_extra}):
            continue
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                found = distribution(name)
            except PackageNotFoundError:
                raise SystemExit(f"{requirement} is not installed: run make test once, then again") from None
            versions[name] = found.version.split("+")[0]  # a local build tag such as +cpu is not on an index
            waiting += [(Requirement(text), extra) for text in found.requires or ()]
    return versions


def marker(name: str) -> str:
    """Where the constraint holds: ' ; ...', or nothing for everywhere."""
    conditions = []
    if LINUX_ONLY.match(name):
        conditions.append('sys_platform == "linux"')
    python = SpecifierSet(distribution(name).metadata["Requires-Python"] or "")
    if OLDEST_PYTHON not in python:
        conditions += [f'python_full_version >= "{part.version}"' for part in python if part.operator == ">="]
    return f" ; {' and '.join(conditions)}" if conditions else ""


def main() -> None:
    """Print the constraints."""
    text = (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"]
    direct = project["dependencies"] + [entry for name in EXTRAS for entry in extras[name]]
    print(HEADER)
    for name, version in sorted(needed(direct).items()):
        print(f"{name}=={version}{marker(name)}")


if __name__ == "__main__":
    main()
