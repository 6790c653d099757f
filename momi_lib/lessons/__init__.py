"""What the notebooks stand on: a start, checks, exercises and figures.

Only this part of the library draws and prints; whoever trains never imports it.
"""

from __future__ import annotations

from momi_lib.lessons.checks import Checks
from momi_lib.lessons.context import Lesson, start
from momi_lib.lessons.exercise import Exercise
from momi_lib.lessons.figures import pictures as figures
from momi_lib.lessons.series import SERIES, Entry, table

__all__ = ["SERIES", "Checks", "Entry", "Exercise", "Lesson", "figures", "start", "table"]
