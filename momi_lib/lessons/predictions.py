"""What the reader predicts before a cell shows the answer: ``lesson.predict`` asks, ``lesson.reveal`` compares.

A prediction is chosen from radio buttons, or typed into a field. The line under the field says what was predicted; it
is an output of the cell, so it is saved with the notebook and can be read without a kernel. The predictions are also
kept in a small file in the folder of the notebook, so that they are still there after a restart.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from momi_lib.files import write_json
from momi_lib.lessons.aside import aside, replace
from momi_lib.lessons.series import Number

__all__ = ["FILE", "Predictions"]

#: In the folder of the notebook. git ignores it.
FILE = ".momi-predictions.json"

Answer = str | float


@dataclass
class Question:
    """One question, and what was predicted.

    Attributes:
        name: short, unique in its notebook.
        choices: what can be chosen; empty for a number or a text.
        unit: written after numbers.
        text: whether the answer is a sentence.
        answer: what was predicted; ``None``: nothing yet.
        right: whether the prediction was right or close; ``None``: not revealed, or it cannot be judged.
    """

    name: str
    choices: tuple[str, ...] = ()
    unit: str = ""
    text: bool = False
    answer: Answer | None = None
    right: bool | None = None

    @property
    def line(self) -> str:
        """What stands under the field."""
        if self.answer is None:
            return "Your prediction: none yet."
        return f"Your prediction: {self.said(self.answer)}"

    def said(self, value: Any) -> str:
        """A number with its unit, or the text."""
        if isinstance(value, str):
            return value
        return f"{value:.4g} {self.unit}".strip()

    def read(self, written: str) -> Answer | None:
        """What somebody wrote: a number with a point or a comma, a fraction or a percentage; a text as it is.

        Raises:
            ValueError: it is no number, and a number is asked for.
        """
        written = written.strip()
        if not written:
            return None
        if self.text or self.choices:
            return written
        plain = written.removesuffix(self.unit).strip() if self.unit else written
        percent = plain.endswith("%")
        top, _, bottom = plain.rstrip("% ").replace(",", ".").replace("−", "-").partition("/")
        try:
            value = float(top) / (float(bottom) if bottom else 1.0)
        except (ValueError, ZeroDivisionError):
            raise ValueError(f"{self.name}: expected a number such as 0.5, 1/2 or 50 %, got {written!r}") from None
        if not math.isfinite(value):
            raise ValueError(f"{self.name}: expected a finite number, got {written!r}")
        return value / 100 if percent and self.unit != "%" else value


class Predictions:
    """The predictions of one notebook.

    >>> predictions = Predictions(7, folder=None)
    >>> predictions.ask("side of the square", unit="pixels")
    Your prediction: none yet.
    >>> predictions.reveal("side of the square", 38)
    The answer is 38 pixels. You made no prediction.
    >>> predictions.write("side of the square", "20")
    Your prediction: 20 pixels
    >>> predictions.reveal("side of the square", 38)
    You predicted 20 pixels, and the answer is 38 pixels: 47 % too low.
    """

    def __init__(self, number: Number, folder: Path | None = Path()) -> None:
        self.number = number
        self.questions: dict[str, Question] = {}
        self._file = None if folder is None else folder / FILE

    def ask(self, name: str, choices: Sequence[str] = (), *, unit: str = "", text: bool = False) -> None:
        """Show radio buttons or a field, and under it the prediction that was made so far.

        Args:
            name: of the question, as :meth:`reveal` calls it.
            choices: two or more answers to choose from; without any, a field for a number.
            unit: of the number.
            text: a field for a sentence instead.

        Raises:
            ValueError: one choice alone, the same choice twice, or choices for a text.
        """
        choices = tuple(choices)
        if len(choices) == 1 or len(set(choices)) < len(choices):
            raise ValueError(f"choices: expected none, or two or more different ones, got {list(choices)}")
        if choices and text:
            raise ValueError("choices, text: a text has no choices; leave one of the two away")
        question = Question(name, choices, unit, text, self._kept().get(name))
        if choices and question.answer not in choices:
            question.answer = None  # the choices have changed since
        self.questions[name] = question
        self._show_field(question)
        aside(question.line, self._line(name))

    def write(self, name: str, written: str) -> None:
        """Take a prediction as the field does.

        Raises:
            KeyError: no such question.
            ValueError: see :meth:`Question.read`; or it is none of the choices.
        """
        question = self._question(name)
        answer = question.read(written)
        if question.choices and answer is not None and answer not in question.choices:
            raise ValueError(f"{name}: expected one of {list(question.choices)}, got {written!r}")
        question.answer = answer
        self._keep()
        replace(question.line, self._line(name))

    def reveal(self, name: str, value: Any, *, close: float = 0.2, unit: str | None = None) -> None:
        """Say what was predicted, what the answer is, and how far off the prediction was.

        Args:
            name: of the question.
            value: the answer: a number, one of the choices, or a text for comparison. For choices with several right
                answers, a collection of them.
            close: a number that is off by at most this share counts as right.
            unit: instead of the question's.

        Raises:
            KeyError: no such question.
            ValueError: the answer is none of the choices.
        """
        question = self._question(name)
        if unit is not None:
            question.unit = unit
        if question.choices:
            right = (value,) if isinstance(value, str) else tuple(value)
            if missing := [each for each in right if each not in question.choices]:
                raise ValueError(f"{name}: the answer {missing[0]!r} is none of the choices {list(question.choices)}")
            found = " or ".join(right)
            if question.answer is None:
                aside(f"The answer: {found}. You made no prediction.")
            elif question.answer in right:
                question.right = True
                aside(f"You predicted: {question.answer}. That is right.")
            else:
                question.right = False
                aside(f"You predicted: {question.answer}. The answer: {found}.")
        elif question.text:
            said = question.answer if question.answer is not None else "nothing"
            aside(f"You wrote: {said}")
            aside(f"One answer: {value}")
        else:
            self._compare(question, float(value), close)

    def summary(self) -> str:
        """How many predictions were made, and how many of them were right or close; empty without questions."""
        if not self.questions:
            return ""
        made = [question for question in self.questions.values() if question.answer is not None]
        right = sum(question.right is True for question in made)
        return f"Predictions: {len(made)} of {len(self.questions)} made, {right} right or close."

    def _compare(self, question: Question, value: float, close: float) -> None:
        truth = question.said(value)
        if not isinstance(question.answer, int | float):
            aside(f"The answer is {truth}. You made no prediction.")
            return
        guess, gap = float(question.answer), float(question.answer) - value
        question.right = abs(gap) <= close * abs(value) if value else gap == 0
        begin = f"You predicted {question.said(guess)}, and the answer is {truth}"
        way = "high" if gap > 0 else "low"
        if gap == 0 or math.isclose(guess, value, rel_tol=0.005):
            aside(f"{begin}: exactly right." if gap == 0 else f"{begin}: right.")
        elif value == 0 or guess * value <= 0:
            aside(f"{begin}: {question.said(abs(gap))} too {way}.")
        elif not 0.5 <= guess / value <= 2:
            ratio = max(guess / value, value / guess)
            size = "large" if abs(guess) > abs(value) else "small"
            aside(f"{begin}: too {size} by a factor of {ratio:.2g}.")
        else:
            ending = " That is close." if question.right else ""
            aside(f"{begin}: {100 * abs(gap / value):.0f} % too {way}.{ending}")

    def _question(self, name: str) -> Question:
        if name not in self.questions:
            known = sorted(self.questions) or "none yet: run the cell with lesson.predict first"
            raise KeyError(f"no question {name!r}; asked so far: {known}")
        return self.questions[name]

    def _line(self, name: str) -> str:
        return f"momi-prediction-{self.number}-{name}"

    def _content(self) -> dict[str, Any]:
        """What the file holds; empty where there is none, or where it is not ours."""
        try:
            content = json.loads(self._file.read_text(encoding="utf-8")) if self._file is not None else {}
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _kept(self) -> dict[str, Answer]:
        mine = self._content().get(str(self.number))
        items = mine.items() if isinstance(mine, dict) else ()
        return {name: answer for name, answer in items if isinstance(answer, str | int | float)}

    def _keep(self) -> None:
        if self._file is None:
            return
        answers: dict[str, Any] = self._kept() | {name: each.answer for name, each in self.questions.items()}
        mine = {name: answer for name, answer in answers.items() if answer is not None}
        try:
            write_json(self._file, {**self._content(), str(self.number): mine})
        except OSError:
            pass  # a read-only folder: the prediction is still saved with the notebook

    def _show_field(self, question: Question) -> None:
        from IPython import get_ipython

        if get_ipython() is None:
            return
        import ipywidgets as widgets
        from IPython.display import display

        wide = widgets.Layout(width="auto", max_width="60em")
        note = widgets.HTML()
        field: Any
        if question.choices:
            field = widgets.RadioButtons(options=question.choices, value=question.answer, layout=wide)
        elif question.text:
            field = widgets.Textarea(value=str(question.answer or ""), placeholder="in your own words", rows=2,
                                     continuous_update=False, layout=wide)  # fmt: skip
        else:
            shown = "" if question.answer is None else f"{question.answer:.6g}"
            field = widgets.Text(value=shown, placeholder=f"a number{question.unit and ', in ' + question.unit}",
                                 continuous_update=False, layout=widgets.Layout(width="22em"))  # fmt: skip
        field.tooltip = question.name

        def take(change: dict[str, Any]) -> None:
            note.value = ""
            try:
                self.write(question.name, "" if change["new"] is None else str(change["new"]))
            except ValueError as error:
                note.value = str(error).replace("<", "&lt;")

        field.observe(take, "value")
        box = widgets.VBox([field, note])
        view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
        # Without a text for pages that have no kernel: these show the line below.
        display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
