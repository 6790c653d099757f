"""An exercise: a right answer, hidden cases, and the wrong answers that one usually meets."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from momi_lib.lessons.compare import describe, diagnose, difference

__all__ = ["Exercise"]

Cases = Callable[..., Sequence[tuple]]


@dataclass(frozen=True)
class Exercise:
    """Judges a learner's function (or value) on cases that it has not seen.

    Attributes:
        title: shown with the verdict.
        reference: the right function.
        cases: makes the list of argument tuples when it is called, so that importing costs nothing. If it takes a
            `seed` (0 in the notebook), a grade can ask for cases that nobody has seen. For an exercise whose answer is
            a value, leave it out: `reference` then takes no argument.
        wrong: hint → a function that makes the mistake which the hint explains. An answer that agrees with
            one of them on every case gets its hint instead of a bare difference.
        atol: absolute tolerance of the comparison.

    >>> half = Exercise(
    ...     title="Centre of a cell",
    ...     reference=lambda i: i + 0.5,
    ...     cases=lambda: [(0,), (3,)],
    ...     wrong={"A cell is one wide: its centre lies half a cell from its edge.": lambda i: i},
    ... )
    >>> half.judge(lambda i: i + 0.5)
    2
    >>> half.judge(lambda i: i)
    Traceback (most recent call last):
    AssertionError: Centre of a cell: A cell is one wide: its centre lies half a cell from its edge.
    >>> half.judge(lambda i: ...) is None
    True
    """

    title: str
    reference: Callable[..., Any]
    cases: Cases = field(default=lambda: [()])
    wrong: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    atol: float = 1e-5

    @property
    def seeded(self) -> bool:
        """Whether a seed gives other cases."""
        return "seed" in inspect.signature(self.cases).parameters

    def judge(self, attempt: Any, seed: int = 0) -> int | None:
        """The number of cases that are right, which is all of them; None when nothing was attempted.

        Args:
            attempt: the learner's function or value.
            seed: of the cases, where these take one.

        Raises:
            AssertionError: the answer is wrong; the message has the hint.
        """
        function = attempt if callable(attempt) else lambda *_: attempt
        answers: list[Any] = []
        cases = list(self.cases(seed=seed) if self.seeded else self.cases())
        for number, arguments in enumerate(cases, 1):
            given = copy.deepcopy(arguments)
            try:
                answers.append(function(*given))
            except Exception as error:
                inputs = ", ".join(map(describe, arguments))
                what = f"your function raised {type(error).__name__} on case {number} ({inputs}): {error}"
                raise AssertionError(f"{self.title}: {what}") from error
            if answers[-1] is None or answers[-1] is ...:
                if number == 1:
                    return None
                raise AssertionError(f"{self.title}: your function returns nothing on case {number}")
            if difference(given, arguments, 0.0) is not None:
                what = "your function changes its argument; work on a copy (.clone())"
                raise AssertionError(f"{self.title}: {what}")
        self._compare(cases, answers)
        return len(cases)

    def _compare(self, cases: Sequence[tuple], answers: Sequence[Any]) -> None:
        for number, (arguments, answer) in enumerate(zip(cases, answers, strict=True), 1):
            right = self.reference(*copy.deepcopy(arguments))
            gap = difference(answer, right, self.atol)
            if gap is None:
                continue
            hint = self.recognise(cases, answers)
            if hint is not None:
                raise AssertionError(f"{self.title}: {hint}")
            guess = diagnose(answer, right, self.atol)
            inputs = ", ".join(map(describe, arguments))
            raise AssertionError(
                f"{self.title}: case {number} of {len(cases)}{f' ({inputs})' if inputs else ''}: {gap}"
                + (f". It looks as if {guess}." if guess else "")
            )

    def recognise(self, cases: Sequence[tuple], answers: Sequence[Any]) -> str | None:
        """The hint of the known mistake that gives these answers, if there is one."""
        for hint, mistake in self.wrong.items():
            if all(
                _agrees(mistake, arguments, answer, self.atol)
                for arguments, answer in zip(cases, answers, strict=True)
            ):
                return hint
        return None

    def verify(self, seed: int = 0) -> None:
        """Show that the exercise can do its work: the reference passes, and each mistake gets its own hint.

        Args:
            seed: of the cases.

        Raises:
            AssertionError: the cases do not tell two of the functions apart.
        """
        if not self.judge(self.reference, seed):
            raise AssertionError(f"{self.title}: the reference gives no answer, or there are no cases")
        for hint, mistake in self.wrong.items():
            try:
                self.judge(mistake, seed)
            except AssertionError as error:
                if str(error) == f"{self.title}: {hint}":
                    continue
                what = f"the mistake {hint!r} is answered with {str(error)!r}"
                raise AssertionError(f"{self.title}: {what}") from error
            raise AssertionError(f"{self.title}: no case tells the mistake {hint!r} from the right answer")


def _agrees(mistake: Callable[..., Any], arguments: tuple, answer: Any, atol: float) -> bool:
    try:
        return difference(answer, mistake(*copy.deepcopy(arguments)), atol) is None
    except Exception:  # a mistake that fails on this case did not give this answer
        return False
