"""Grades with private cases: ``lesson.grade("a secret")``, where the secret chooses the cases of the exercises.

The cases of the notebook are those of seed 0 and can be read in `momi_lib/lessons/exercises`, as the references can. A
grade draws other cases of the same kind. It refuses the package's own functions, and does not tell what was wrong. It
cannot tell who wrote a function: somebody who copies a solution's text gets the points. So let the open exercises
count, too.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from momi_lib.lessons.exercises import exercises_of
from momi_lib.lessons.series import Number

__all__ = ["Grade", "Mark", "grade"]

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Mark:
    """One exercise: its name and title, whether it is right (``None``: not attempted), and a word of explanation."""

    name: str
    title: str
    right: bool | None
    why: str = ""

    def __str__(self) -> str:
        sign = {True: "✓", False: "✗", None: "·"}[self.right]
        return f"{sign} {self.title}" + (f": {self.why}" if self.why else "")


@dataclass(frozen=True)
class Grade:
    """The marks of one notebook.

    >>> print(Grade(0, (Mark("a", "A sum", True), Mark("b", "A mean", None, "not attempted"))))
    ✓ A sum
    · A mean: not attempted
    Lesson 0: 1 of 2
    """

    lesson: Number
    marks: tuple[Mark, ...]

    @property
    def points(self) -> int:
        """How many exercises are right."""
        return sum(mark.right is True for mark in self.marks)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.marks), f"Lesson {self.lesson}: {self.points} of {len(self.marks)}"])


def grade(lesson: Number, attempts: Mapping[str, Any], salt: str) -> Grade:
    """Judge what was attempted on private cases.

    Args:
        lesson: number of the notebook.
        attempts: name of the exercise → the learner's function or value, as :attr:`Checks.attempts` has them.
        salt: any text that the learners do not know; the same text gives the same cases.

    Raises:
        ValueError: an empty salt.
    """
    if not salt:
        raise ValueError('salt: expected a text that only you know, as in lesson.grade("spring"), got an empty one')
    marks = []
    for name, exercise in exercises_of(lesson).items():
        attempt = attempts.get(name)
        if attempt is None:
            marks.append(Mark(name, exercise.title, None, "not attempted"))
            continue
        if _of_the_package(attempt):
            marks.append(Mark(name, exercise.title, False, "this function is the package's own"))
            continue
        try:
            with _without_references():
                right = exercise.judge(attempt, seed_of(salt, lesson, name))
        except AssertionError as error:
            raised = isinstance(error.__cause__, Exception)
            why = f"raised {type(error.__cause__).__name__}" if raised else "wrong on a private case"
            marks.append(Mark(name, exercise.title, False, why))
        else:
            marks.append(Mark(name, exercise.title, None, "not attempted") if right is None
                         else Mark(name, exercise.title, True))  # fmt: skip
    return Grade(lesson, tuple(marks))


def seed_of(salt: str, lesson: Number, name: str) -> int:
    """The seed of an exercise's private cases: never 0, which is that of the notebook."""
    digest = hashlib.sha256(f"{salt}|{lesson}|{name}".encode()).digest()
    return 1 + int.from_bytes(digest[:4], "big") % (2**31 - 2)


def _of_the_package(attempt: Any) -> bool:
    """Whether a function was written in momi_lib, also where it is wrapped by ``functools.partial``."""
    function: Callable[..., Any] = inspect.unwrap(getattr(attempt, "func", attempt))
    code = getattr(function, "__code__", None)
    return code is not None and _PACKAGE in Path(code.co_filename).resolve().parents


@contextmanager
def _without_references() -> Iterator[None]:
    """While learners' functions run, the package's exercises cannot be imported."""
    hidden = {name: module for name, module in sys.modules.items() if name.startswith("momi_lib.lessons.exercises")}
    sys.modules.update(dict.fromkeys(hidden, None))  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.modules.update(hidden)
