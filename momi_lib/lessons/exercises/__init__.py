"""The hidden cases of the exercises: one file a notebook, `lesson03.py` with its `EXERCISES`.

They live outside the notebooks so that a solution is not on the page below the question.
"""

from __future__ import annotations

import importlib
import pkgutil

from momi_lib.lessons.exercise import Exercise
from momi_lib.lessons.series import Number, key

__all__ = ["exercises_of", "numbers"]


def numbers() -> list[Number]:
    """The notebooks that have exercises.

    >>> numbers()[:3]
    [0, 1, 2]
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name.startswith("lesson"))
    found = [name.removeprefix("lesson") for name in names]
    return [int(each) if each.isdecimal() else each.lstrip("0") for each in found]


def exercises_of(number: Number) -> dict[str, Exercise]:
    """Name → exercise of one notebook; empty where it has none.

    >>> list(exercises_of(0))
    ['mirrored_x', 'to_bytes', 'bytes_needed']
    """
    if number not in numbers():
        return {}
    return importlib.import_module(f"{__name__}.lesson{key(number)}").EXERCISES
