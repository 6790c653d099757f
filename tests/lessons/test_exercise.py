"""Exercises tell a right answer, a typical mistake, another mistake and no answer apart."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from momi_lib.lessons import Exercise
from momi_lib.lessons.exercises import exercises_of, numbers
from momi_lib.lessons.series import key

HALF = "Centres are at integers: add half a cell before scaling and take half a pixel off after."
FLIP = "x comes first."


def to_picture(xy: Tensor, scale: float) -> Tensor:
    return (xy + 0.5) * scale - 0.5


def cases() -> list[tuple]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.rand(3, 2, generator=generator) * 10, scale) for scale in (4.0, 8.0)]


CENTRES = Exercise(
    "From map to picture",
    to_picture,
    cases,
    {HALF: lambda xy, scale: xy * scale, FLIP: lambda xy, scale: to_picture(xy, scale).flip(-1)},
)


def test_a_right_answer_passes_on_every_case() -> None:
    assert CENTRES.judge(lambda xy, scale: xy * scale + scale / 2 - 0.5) == 2


@pytest.mark.parametrize("nothing", [lambda xy, scale: None, lambda xy, scale: ..., None, ...])
def test_no_answer_is_no_mistake(nothing: object) -> None:
    assert CENTRES.judge(nothing) is None


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda xy, scale: scale * xy, HALF),
        (lambda xy, scale: ((xy + 0.5) * scale - 0.5)[:, [1, 0]], FLIP),
        (lambda xy, scale: (xy + 0.5) * scale, r"case 1 of 2 .*off by \+0.5"),
        (lambda xy, scale: (xy + 0.5) * 4 - 0.5, r"case 2 of 2 \(\[.*\], 8\)"),
        (lambda xy, scale: xy[0, 5], "raised IndexError on case 1"),
        (lambda xy, scale: "left", "expected a tensor"),
        (lambda xy, scale: to_picture(xy, scale) if scale == 4 else None, "returns nothing on case 2"),
        (lambda xy, scale: xy.add_(0.5).mul_(scale).sub_(0.5), "changes its argument"),
    ],
)
def test_mistakes_get_their_own_hint(attempt: object, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        CENTRES.judge(attempt)


def test_an_answer_can_be_a_value() -> None:
    question = Exercise("How many joints", lambda: 17, wrong={"That is without the nose.": lambda: 16})
    assert question.judge(17) == 1
    assert question.judge(...) is None
    with pytest.raises(AssertionError, match="without the nose"):
        question.judge(16)
    question.verify()


def test_verify_finds_what_the_cases_do_not_tell_apart() -> None:
    CENTRES.verify()
    with pytest.raises(AssertionError, match="no case tells the mistake 'same'"):
        Exercise("Square", lambda x: x * x, lambda: [(0,), (1,)], {"same": lambda x: x}).verify()
    twice = {"first": lambda x: x, "second": lambda x: x + 0.0}
    with pytest.raises(AssertionError, match="'second' is answered with 'Square: first'"):
        Exercise("Square", lambda x: x * x, lambda: [(3,)], twice).verify()
    with pytest.raises(AssertionError, match="no cases"):
        Exercise("Square", lambda x: x * x, list).verify()


REGISTERED = [(number, name) for number in numbers() for name in exercises_of(number)]


@pytest.mark.parametrize(("number", "name"), REGISTERED, ids=[f"{key(n)}-{name}" for n, name in REGISTERED])
def test_every_exercise_of_the_notebooks_can_do_its_work(number: int, name: str) -> None:
    exercise = exercises_of(number)[name]
    exercise.verify()
    assert exercise.seeded, "without a seed a grade has no private cases"
    for seed in (1, 2**40 + 1):
        exercise.verify(seed)
