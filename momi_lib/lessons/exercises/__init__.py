"""The hidden cases of the exercises: one file a notebook, `lesson03.py` with its `EXERCISES`.

They live outside the notebooks so that a solution is not on the page below the question.
"""

from __future__ import annotations

import importlib
import pkgutil

from momi_lib.lessons.exercise import Exercise

__all__ = ["exercises_of", "numbers"]


def numbers() -> list[int]:
    """The notebooks that have exercises.

    >>> all(isinstance(number, int) for number in numbers())
    True
    """
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(int(name.removeprefix("lesson")) for name in names if name.startswith("lesson"))


def exercises_of(number: int) -> dict[str, Exercise]:
    """Name → exercise of one notebook; empty where it has none.

    >>> list(exercises_of(0))
    ['mirrored_x', 'to_bytes', 'bytes_needed']
    """
    if number not in numbers():
        return {}
    return importlib.import_module(f"{__name__}.lesson{number:02d}").EXERCISES
