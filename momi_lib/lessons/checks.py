"""Checks in a notebook: one stable line when they pass, the actual value and a hint when they fail.

A float is never printed as it came out: the last digits differ between machines, and a stored output would no
longer compare. Each check prints what was expected, which is the same everywhere.
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from momi_lib.data import People, Truth
from momi_lib.lessons.aside import aside
from momi_lib.lessons.compare import describe, diagnose, difference
from momi_lib.lessons.exercise import Exercise
from momi_lib.lessons.exercises import exercises_of
from momi_lib.lessons.people import are_mannequins
from momi_lib.lessons.series import Number

__all__ = ["CheckFailed", "Checks"]


class CheckFailed(AssertionError):
    """A check that failed. A notebook shows the sentence alone, and of the learner's own error where it stood.

    >>> raise CheckFailed("✗ sum: expected 1, got 2")
    Traceback (most recent call last):
    momi_lib.lessons.checks.CheckFailed: ✗ sum: expected 1, got 2
    """

    def _render_traceback_(self) -> list[str]:
        lines = [str(self)]
        if self.__cause__ is not None:
            for frame in traceback.extract_tb(self.__cause__.__traceback__):
                if Path(frame.filename).parent != Path(__file__).parent:
                    lines.append(f"  in {frame.name}, line {frame.lineno}: {frame.line}")
        return lines


@dataclass
class Ledger:
    """What a notebook has shown so far: checks passed, exercises by title, and the check that answers each goal."""

    passed: int = 0
    left: int = 0  # checks that were not compared, because they hold for the mannequins only
    exercises: dict[str, bool] = field(default_factory=dict)  # title → right; not attempted is False
    attempts: dict[str, Any] = field(default_factory=dict)  # name of an exercise → what was judged last
    goals: dict[int, str] = field(default_factory=dict)  # number of the goal → mark and name of its check


class Checks:
    """The checks of one notebook, at `lesson.check`. All raise CheckFailed, an AssertionError, when they fail.

    >>> check = Checks()
    >>> check.close("mean row sum", 0.99999999, 1.0, atol=1e-5)
    ✓ mean row sum: expected 1 (± 1e-05)
    >>> check.close("mean row sum", 0.5, 1.0, atol=1e-5)
    Traceback (most recent call last):
    momi_lib.lessons.checks.CheckFailed: ✗ mean row sum: expected 1, got 0.5 (tolerance 1e-05)
    >>> check.goal(1).equal("number of joints", 17, 17)
    ✓ number of joints: expected 17 · goal 1
    >>> check.summary()
    ✓ goal 1: number of joints
    ✓ 2 checks passed
    """

    def __init__(self, number: Number | None = None) -> None:
        self.number = number
        self._ledger = Ledger()
        self._goal: int | None = None
        self._others = False

    @property
    def passed(self) -> int:
        """How many checks have passed."""
        return self._ledger.passed

    @property
    def exercises(self) -> dict[str, bool]:
        """Title of an exercise → whether the answer was right; not attempted is False."""
        return self._ledger.exercises

    @property
    def attempts(self) -> dict[str, Any]:
        """Name of an exercise → the function or value that was judged last."""
        return self._ledger.attempts

    def goal(self, number: int) -> Checks:
        """The same checks, of which the next one answers the goal of this number at the top of the notebook.

        Args:
            number: of the goal, from 1.

        Raises:
            ValueError: there can be no goal of that number.

        >>> Checks().goal(0)
        Traceback (most recent call last):
        ValueError: number: expected a goal from 1 on, got 0
        """
        if number < 1:
            raise ValueError(f"number: expected a goal from 1 on, got {number}")
        marked = copy.copy(self)  # the ledger is shared
        marked._goal = number
        return marked

    def of(self, people: People | Truth) -> Checks:
        """The same checks, of which the next one was measured on these people and is expected of the mannequins alone.

        For other people it says what was measured, compares nothing, and does not fail. A check of what holds for
        everybody, such as the library's version beside the notebook's, does without this.

        Args:
            people: those on whom the value was measured, or the true swaps.

        >>> from momi_lib.data import load
        >>> from momi_lib.data.records import EMBEDDED
        >>> Checks().of(load(EMBEDDED, "query")).true("most of them stand", 0.7 > 0.5)
        ✓ most of them stand
        """
        marked = copy.copy(self)  # the ledger is shared
        marked._others = not are_mannequins(people)
        return marked

    def _report(self, name: str, gap: str | None, hint: str, passed: str, measured: str) -> None:
        mark = "" if self._goal is None else f" · goal {self._goal}"
        if self._others:
            self._ledger.left += 1
            sign, line = "·", f"{name}: {measured}; not compared, because these are other pictures"
        elif gap is not None:
            raise CheckFailed(f"✗ {name}: {gap}" + (f". Hint: {hint}" if hint else ""))
        else:
            self._ledger.passed += 1
            sign, line = "✓", f"{name}{passed}"
        if self._goal is not None:
            self._ledger.goals[self._goal] = f"{sign} goal {self._goal}: {name}"
        print(f"{sign} {line}{mark}")

    def close(self, name: str, value: Any, expected: Any, atol: float = 1e-6, hint: str = "") -> None:
        """`value` equals `expected` within `atol`; both numbers or tensors. Prints the expected value."""
        gap = difference(value, expected, atol)
        gap = gap and f"{gap} (tolerance {atol:g})"
        hint = hint or diagnose(value, expected, atol)
        self._report(name, gap, hint, f": expected {describe(expected)} (± {atol:g})", describe(value))

    def equal(self, name: str, value: Any, expected: Any, hint: str = "") -> None:
        """`value` equals `expected` exactly: counts, names, booleans, integer tensors, tuples of them."""
        hint = hint or diagnose(value, expected, 0.0)
        passed = f": expected {describe(expected)}"
        self._report(name, difference(value, expected, 0.0), hint, passed, describe(value))

    def shape(self, name: str, tensor: Tensor, expected: Sequence[int | None]) -> None:
        """The tensor's shape is `expected`; None stands for any length."""
        got = tuple(tensor.shape)
        fits = len(got) == len(expected) and all(e in (None, g) for e, g in zip(expected, got, strict=True))
        wanted = "(" + ", ".join("any" if e is None else str(e) for e in expected) + ")"
        gap = None if fits else f"expected shape {wanted}, got {got}"
        permuted = sorted(got) == sorted(length or 0 for length in expected)
        hint = "the axes stand in another order: permute" if permuted else ""
        self._report(name, gap, hint, f": shape {wanted}", f"shape {got}")

    def true(self, name: str, condition: Any, hint: str = "") -> None:
        """The condition holds."""
        gap = None if bool(condition) else "expected this to hold, and it does not"
        self._report(name, gap, hint, "", "holds" if gap is None else "does not hold")

    def between(self, name: str, value: float, low: float, high: float, hint: str = "") -> None:
        """`low` ≤ `value` ≤ `high`: for what is random or measured.

        The value itself is shown below, in a line that strict comparison leaves out.
        """
        gap = f"expected a value between {low:g} and {high:g}, got {float(value):g}"
        inside, measured = low <= float(value) <= high, f"{float(value):.3g}"
        self._report(name, None if inside else gap, hint, f": between {low:g} and {high:g}", measured)
        if not self._others:  # for others the line itself says it
            aside(f"measured: {float(value):.4g}")

    def same(self, name: str, mine: Any, theirs: Any, atol: float = 1e-6, hint: str = "") -> None:
        """The notebook's version and the library's agree within `atol`. Prints no measured value."""
        gap = difference(mine, theirs, atol)
        gap = gap and f"mine and the library's differ (tolerance {atol:g}): {gap}"
        how = "exactly" if atol == 0 else f"within {atol:g}"
        hint = hint or diagnose(mine, theirs, atol)
        measured = "agree" if gap is None else "differ"
        self._report(name, gap, hint, f": mine and the library's agree {how}", measured)

    def exercise(self, exercise: str | Exercise, attempt: Any) -> None:
        """Judge the learner's function (or value); a body of `...` counts as not attempted yet.

        Args:
            exercise: its name in this notebook's `momi_lib/lessons/exercises/lessonNN.py`, or the exercise.
            attempt: the function or value.

        Raises:
            CheckFailed: wrong; the message tells the typical mistake where it is one.
            KeyError: the notebook has no exercise of that name.
        """
        if isinstance(exercise, str):
            known = exercises_of(self.number) if self.number is not None else {}
            if exercise not in known:
                raise KeyError(f"lesson {self.number} has no exercise {exercise!r}; it has {sorted(known)}")
            self.attempts[exercise] = attempt
            exercise = known[exercise]
        try:
            right = exercise.judge(attempt)
        except AssertionError as error:
            raise CheckFailed(f"✗ {error}") from error.__cause__
        self.exercises[exercise.title] = right is not None
        if right is None:
            print(f"· {exercise.title}: not attempted yet")
        else:
            cases = "" if right == 1 else f" on {right} cases"
            print(f"✓ {exercise.title}: right{cases}")

    def summary(self) -> None:
        """Print which check answered each goal, how many checks passed and how the exercises stand."""
        for _, line in sorted(self._ledger.goals.items()):
            print(line)
        parts = [f"✓ {self.passed} check{'' if self.passed == 1 else 's'} passed"]
        if self._ledger.left:
            parts.append(f"{self._ledger.left} not compared")
        if right := sum(self.exercises.values()):
            parts.append(f"{right} exercise{'' if right == 1 else 's'} right")
        if missing := len(self.exercises) - right:
            parts.append(f"{missing} exercise{'' if missing == 1 else 's'} not attempted yet")
        print(" · ".join(parts))
