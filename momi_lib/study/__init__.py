"""Studies: networks that are trained repeatedly with one thing changed, and a comparison of the runs."""

from __future__ import annotations

import importlib
from typing import Any

_FROM = {"Study": "run", "run_study": "run", "run_experiments": "experiments"}

__all__ = ["Study", "run_experiments", "run_study"]


def __getattr__(name: str) -> Any:
    if name in _FROM:  # loaded on use: the command line needs only the options of this folder
        return getattr(importlib.import_module(f"{__name__}.{_FROM[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
