"""Differences in words, and guesses at their cause."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from momi_lib.lessons.compare import describe, diagnose, difference

LANDMARKS = torch.tensor([[3.0, 40.0], [10.0, 60.0], [31.0, 100.0]])


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (1, 1.0),
        (torch.tensor(2.0), 2),
        (np.ones(3), torch.ones(3)),
        ([1.0, 2.0], torch.tensor([1.0, 2.0])),
        ((1, "a"), [1, "a"]),
        ({"a": torch.ones(2)}, {"a": np.ones(2)}),
        (torch.tensor([torch.nan, 1.0]), torch.tensor([torch.nan, 1.0])),
        (torch.tensor([True, False]), torch.tensor([1, 0])),
        (torch.empty(0, 2), torch.empty(0, 2)),
    ],
)
def test_equal_values_have_no_difference(mine: object, theirs: object) -> None:
    assert difference(mine, theirs, 1e-6) is None


@pytest.mark.parametrize(
    ("mine", "theirs", "words"),
    [
        (2, 3, "expected 3, got 2"),
        (torch.ones(2, 3), torch.ones(3, 2), "expected shape (3, 2), got (2, 3)"),
        (torch.tensor([1.0, 5.0]), torch.tensor([1.0, 2.0]), "1 of 2 values differ, most at [1]: expected 2"),
        (torch.tensor([1.0, torch.nan]), torch.tensor([1.0, 2.0]), "expected 2, got nan"),
        ((1,), (1, 2), "expected 2 values"),
        ({"a": 1}, {"b": 1}, "keys ['b']"),
        ({"a": (1, 2)}, {"a": (1, 3)}, "at ['a']: at [1]: expected 3, got 2"),
        ("left", "right", "expected 'right', got 'left'"),
        ("three", 3, "expected a number, got str"),
        (None, torch.ones(2), "expected a tensor, got NoneType"),
    ],
)
def test_a_difference_is_said_in_words(mine: object, theirs: object, words: str) -> None:
    assert words in str(difference(mine, theirs, 1e-6))


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        (LANDMARKS.flip(-1), "x and y are exchanged"),
        (LANDMARKS.T, "the last two axes are exchanged"),
        (LANDMARKS + 0.5, "every value is off by +0.5"),
        (LANDMARKS * 4, "every value is 4 times"),
        (-LANDMARKS, "every value is -1 times"),
        (LANDMARKS[None], "axis of length 1"),
        (torch.where(LANDMARKS > 50, torch.nan, LANDMARKS), "2 values are NaN"),
    ],
)
def test_the_cause_is_recognised(mine: torch.Tensor, words: str) -> None:
    assert words in diagnose(mine, LANDMARKS, 1e-6)


def test_no_cause_is_made_up() -> None:
    assert diagnose(torch.rand(3, 2, generator=torch.Generator().manual_seed(0)), LANDMARKS, 1e-6) == ""
    assert diagnose("a", LANDMARKS, 1e-6) == ""
    assert diagnose(torch.ones(4), torch.zeros(4), 1e-6) == ""


def test_short_values_are_described_in_full() -> None:
    assert describe(torch.tensor([1.0, 0.5])) == "[1, 0.5]"
    assert describe(True) == "True"
    assert describe("x" * 200).startswith("'xxx")
