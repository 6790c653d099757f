"""The series: number, title, file and time of every notebook, in one place.

`start` prints the title from here, notebook 00 draws its map from here, and a test compares it with the
files.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SERIES", "Entry"]


@dataclass(frozen=True)
class Entry:
    """One notebook. `minutes` is the time to run it on two CPU cores: (quick, full).

    >>> Entry(3, "Two words", "03_two_words.ipynb", "what it shows", (1, 2)).heading
    '3 · Two words'
    """

    number: int
    title: str
    file: str
    promise: str
    minutes: tuple[float, float]

    @property
    def heading(self) -> str:
        """The text of the notebook's H1."""
        return f"{self.number} · {self.title}"


SERIES: tuple[Entry, ...] = (
    Entry(0, "Check your setup", "00_check_your_setup.ipynb", "all is in place", (0.2, 0.2)),
)
