"""Checks print what was expected and nothing measured; when they fail, they say what came and why."""

from __future__ import annotations

import pytest
import torch

from momi_lib.lessons import Checks, Exercise


@pytest.fixture
def check() -> Checks:
    return Checks(0)


def test_lines_do_not_depend_on_the_measured_value(check: Checks, capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for noise in (0.0, 3e-7, -4e-7):
        check.close("mean row sum", 1 + noise, 1.0, atol=1e-5)
        check.same("maps", torch.ones(4) + noise, torch.ones(4), atol=1e-5)
        check.between("share", 0.7 + noise, 0.5, 0.9)
        lines.append(capsys.readouterr().out)
    assert len(set(lines)) == 1
    assert lines[0].splitlines() == [
        "✓ mean row sum: expected 1 (± 1e-05)",
        "✓ maps: mine and the library's agree within 1e-05",
        "✓ share: between 0.5 and 0.9",
        "measured: 0.7",  # in a notebook, an output that strict comparison leaves out
    ]


def test_exact_checks(check: Checks, capsys: pytest.CaptureFixture[str]) -> None:
    check.equal("joints", 17, 17)
    check.shape("heatmaps", torch.zeros(8, 17, 32, 16), (None, 17, 32, 16))
    check.true("inside", torch.tensor(True))
    check.same("copy", torch.ones(2), torch.ones(2), atol=0)
    assert capsys.readouterr().out.splitlines() == [
        "✓ joints: expected 17",
        "✓ heatmaps: shape (any, 17, 32, 16)",
        "✓ inside",
        "✓ copy: mine and the library's agree exactly",
    ]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c: c.close("sum", 0.5, 1.0, atol=0.1), r"✗ sum: expected 1, got 0\.5 \(tolerance 0\.1\)"),
        (lambda c: c.equal("joints", 16, 17, hint="COCO has a nose"), "got 16. Hint: COCO has a nose"),
        (lambda c: c.shape("h", torch.zeros(17, 8), (8, 17)), r"got \(17, 8\). Hint: the axes stand in"),
        (lambda c: c.shape("h", torch.zeros(8), (8, 17)), r"expected shape \(8, 17\), got \(8,\)$"),
        (lambda c: c.true("inside", False, hint="look at x"), "does not. Hint: look at x"),
        (lambda c: c.between("share", 0.2, 0.5, 0.9), "between 0.5 and 0.9, got 0.2"),
        (lambda c: c.between("share", float("nan"), 0.5, 0.9), "got nan"),
        (
            lambda c: c.same("landmarks", torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0, 1.0]])),
            "2 of 2 values differ.*Hint: x and y are exchanged",
        ),
    ],
)
def test_failures_say_what_came(check: Checks, call: object, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        call(check)
    assert check.passed == 0


def double() -> Exercise:
    return Exercise("Double", lambda x: 2 * x, lambda: [(torch.ones(2),)], {"That is half.": lambda x: x / 2})


def test_exercises_and_the_summary(check: Checks, capsys: pytest.CaptureFixture[str]) -> None:
    check.exercise(double(), lambda x: None)
    check.summary()
    check.exercise(double(), lambda x: x + x)
    check.equal("one", 1, 1)
    check.summary()
    with pytest.raises(AssertionError, match="✗ Double: That is half"):
        check.exercise(double(), lambda x: x * 0.5)
    assert capsys.readouterr().out.splitlines() == [
        "· Double: not attempted yet",
        "✓ 0 checks passed · 1 exercise not attempted yet",
        "✓ Double: right",
        "✓ one: expected 1",
        "✓ 1 check passed · 1 exercise right",
    ]


def test_a_goal_is_answered_by_the_check_that_is_marked(check: Checks, capsys: pytest.CaptureFixture[str]) -> None:
    check.goal(2).equal("two", 2, 2)
    check.true("between", True)
    check.goal(1).close("one", 1.0, 1.0)
    check.goal(2).exercise(double(), lambda x: None)  # an exercise is the learner's, not an answer to a goal
    with pytest.raises(AssertionError, match="✗ three"):
        check.goal(3).equal("three", 3, 4)
    check.summary()
    assert capsys.readouterr().out.splitlines() == [
        "✓ two: expected 2 · goal 2",
        "✓ between",
        "✓ one: expected 1 (± 1e-06) · goal 1",
        "· Double: not attempted yet",
        "✓ goal 1: one",
        "✓ goal 2: two",
        "✓ 3 checks passed · 1 exercise not attempted yet",
    ]
    with pytest.raises(ValueError, match="expected a goal from 1 on, got 0"):
        check.goal(0)


def test_an_unknown_exercise_is_named(check: Checks) -> None:
    with pytest.raises(KeyError, match="lesson 0 has no exercise 'half'"):
        check.exercise("half", lambda: 1)


def test_a_notebook_shows_the_sentence_and_the_learners_own_line(check: Checks) -> None:
    def attempt(x: torch.Tensor) -> torch.Tensor:
        return x[7]

    with pytest.raises(AssertionError) as failed:
        check.exercise(double(), attempt)
    sentence, line = failed.value._render_traceback_()
    assert sentence.startswith("✗ Double: your function raised IndexError on case 1 ([1, 1])")
    assert line.startswith("  in attempt, line ") and line.endswith(": return x[7]")
