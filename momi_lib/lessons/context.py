"""The start of a notebook: its number, device, mode and random numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import torch

from momi_lib.lessons.checks import Checks
from momi_lib.lessons.figures import pictures as figures
from momi_lib.lessons.grading import Grade, grade
from momi_lib.lessons.people import PeopleOfALesson
from momi_lib.lessons.predictions import Predictions
from momi_lib.lessons.series import SERIES, Number

__all__ = ["MODES", "Lesson", "start"]

#: quick: seconds a cell, what the stored outputs and the tests use. full: what a reader with time gets.
MODES = ("quick", "full")

T = TypeVar("T")


@dataclass(frozen=True)
class Lesson(PeopleOfALesson):
    """What a notebook needs from its first cell on; made by :func:`start`. People come from the base class.

    Attributes:
        number, title: as in the series.
        seed: of everything random in the notebook.
        quick: True in quick mode (`MOMI_MODE=quick`).
        device: CUDA if there is one, else the CPU.
        check: the checks and exercises, see :class:`momi_lib.lessons.checks.Checks`.

    >>> lesson = Lesson(3, "A title", seed=0, quick=True, device=torch.device("cpu"))
    >>> lesson.pick(quick=50, full=2000)
    50
    """

    number: Number
    title: str
    seed: int
    quick: bool
    device: torch.device
    check: Checks = field(default_factory=Checks)

    @property
    def figures(self) -> ModuleType:
        """The module :mod:`momi_lib.lessons.figures.pictures`."""
        return figures

    def idea(self) -> None:
        """Show the drawn figure of this lesson's idea, with a description for readers who do not see it."""
        from momi_lib.lessons.figures.ideas import show_idea

        show_idea(self.number)

    @cached_property
    def predictions(self) -> Predictions:
        """What the reader predicted, see :class:`momi_lib.lessons.predictions.Predictions`."""
        return Predictions(self.number)

    def predict(self, name: str, choices: Sequence[str] = (), *, unit: str = "", text: bool = False) -> None:
        """Ask for a prediction: radio buttons for `choices`, else a field for a number or, with `text`, a sentence.

        Args:
            name: of the question, for :meth:`reveal`.
            choices: two or more answers to choose from.
            unit: of a number.
            text: ask for a sentence.
        """
        self.predictions.ask(name, choices, unit=unit, text=text)

    def reveal(self, name: str, value: Any, *, close: float = 0.2, unit: str | None = None) -> None:
        """Show the answer beside what was predicted; strict comparison leaves these lines out.

        Args:
            name: of the question.
            value: the answer: a number, one of the choices (or several), or a text for comparison.
            close: a number that is off by at most this share counts as right.
            unit: instead of the question's.
        """
        self.predictions.reveal(name, value, close=close, unit=unit)

    def grade(self, salt: str, show: bool = True) -> Grade:
        """Judge this notebook's exercises on private cases, see :mod:`momi_lib.lessons.grading`.

        Args:
            salt: a text that the learners do not know; it chooses the cases.
            show: print the marks.
        """
        found = grade(self.number, self.check.attempts, salt)
        if show:
            print(found)
        return found

    @cached_property
    def rng(self) -> np.random.Generator:
        """NumPy's random numbers, one stream for the whole notebook."""
        return np.random.default_rng(self.seed)

    def generator(self, offset: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
        """A fresh `torch.Generator` with the lesson's seed (plus `offset`, for a second stream)."""
        return torch.Generator(device).manual_seed(self.seed + offset)

    def pick(self, *, quick: T, full: T) -> T:
        """The value for this mode: a few steps for a quick look, the real thing in full mode."""
        return quick if self.quick else full


def start(number: Number, seed: int = 0) -> Lesson:
    """Start a notebook: print its title, device and mode, seed PyTorch, set the style of figures.

    Args:
        number: of the notebook, as in its file name.
        seed: for `lesson.generator()`, `lesson.rng` and the initial weights of modules.

    Raises:
        ValueError: the series has no such notebook, or MOMI_MODE is neither "quick" nor "full".

    The mode comes from the environment (`MOMI_MODE=quick jupyter lab`), else it is "full".
    Used in every notebook.

    >>> import os
    >>> os.environ["MOMI_MODE"] = "quick"
    >>> lesson = start(0)  # doctest: +ELLIPSIS
    Lesson 0 · Check your setup
    device ... · mode quick · seed 0
    """
    titles = {entry.number: entry.title for entry in SERIES}
    if number not in titles:
        raise ValueError(f"number: expected a notebook of the series, {list(titles)}, got {number!r}")
    mode = os.environ.get("MOMI_MODE", "").strip().lower() or "full"
    if mode not in MODES:
        raise ValueError(f"MOMI_MODE: expected quick or full, got {mode!r}; unset it or set one of the two")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(seed)
    figures.use_style()
    lesson = Lesson(number, titles[number], seed, mode == "quick", device, Checks(number))
    print(f"Lesson {number} · {lesson.title}\ndevice {device.type} · mode {mode} · seed {seed}")
    return lesson
