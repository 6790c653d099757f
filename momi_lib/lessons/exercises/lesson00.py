"""Notebook 00: one small exercise, to meet the checker."""

from __future__ import annotations

from momi_lib.lessons.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = {
    "mirrored_x": Exercise(
        title="The column of a mirrored pixel",
        reference=lambda x, width: width - 1 - x,
        cases=lambda: [(0, 64), (63, 64), (20.25, 64), (5, 11)],
        wrong={
            "that is one pixel too far right. Pixel centres lie at integers, so the first column is 0 and the last "
            "is width - 1: try column 0 by hand.": lambda x, width: width - x,
            "x comes out as it went in. Which column does the first one become?": lambda x, width: x,
            "that mirrors about 0, so the person leaves the picture. Shift it back.": lambda x, width: -x,
        },
    ),
}
