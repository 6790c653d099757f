"""The explorer's menu of methods that can draw the swap."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets

from momi_lib.translate.swaps import Swaps, checked_method
from momi_lib.widgets.other_studios import title_of
from momi_lib.widgets.swap_state import Swapper

__all__ = ["AnswerMenu"]


class AnswerMenu(widgets.Dropdown):
    """Who draws; weights are loaded when they are first chosen.

    Args:
        swapper: that of the first method.
        first: the first method, or its name or file.
        others: more of them; one that is named twice stands there once.

    Attributes:
        value: a name or file as it was given; of a method that was given as an object, its title.

    Raises:
        TypeError: for an object that does not satisfy :class:`~momi_lib.translate.swaps.Swaps`, with what it lacks.

    >>> menu = AnswerMenu(Swapper(), "small", ["pg2", "dg-net@teacher", "small"])
    >>> menu.options
    (('MOMI-Net (small)', 'small'), ('PG²', 'pg2'), ('DG-Net (poses of the teacher)', 'dg-net@teacher'))
    """

    def __init__(self, swapper: Swapper, first: Swaps | str | Path, others: Sequence[Swaps | str | Path]) -> None:
        self._known: dict[str, Swapper] = {}
        self._answers: dict[str, Swaps | str | Path] = {}
        for answer in (first, *others):
            if isinstance(answer, str | Path):
                self._answers.setdefault(str(answer), answer)
            elif not any(answer is known for known in self._answers.values()):
                title, number = title_of(checked_method(answer)), 2
                name = title
                while name in self._answers:
                    name, number = f"{title} {number}", number + 1
                self._answers[name] = answer
        names = list(self._answers)
        self._first, self._known[names[0]] = swapper, swapper
        answers = self._answers.items()
        super().__init__(
            options=[(title_of(each) if isinstance(each, str | Path) else name, name) for name, each in answers],
            value=names[0],
            description="Drawn by",
            tooltip="The method that draws the swap; person, target and moved joints stay",
            layout={"width": "240px"},
            style={"description_width": "68px"},
        )

    def title(self, name: str) -> str:
        """What the menu calls a value."""
        return next(title for title, value in self.options if value == name)

    def swapper(self, name: str) -> Swapper:
        """The swapper of a value, made when it is first asked for.

        Raises as :meth:`momi_lib.widgets.swap_state.Swapper.beside`.
        """
        if name not in self._known:
            self._known[name] = self._first.beside(self._answers[name])
        if self._known[name].studio is None:
            raise FileNotFoundError(self._known[name].missing)
        return self._known[name]
