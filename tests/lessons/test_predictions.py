"""Predictions: what is asked, what is kept, and how far off it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from momi_lib.lessons.predictions import FILE, Predictions


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("38", "exactly right"),
        ("38 pixels", "exactly right"),
        ("38,1", "is 38 pixels: right."),
        ("40", "5 % too high. That is close."),
        ("20", "47 % too low."),
        ("76", "100 % too high."),
        ("190", "too large by a factor of 5."),
        ("3.8", "too small by a factor of 10."),
        ("-38", "76 pixels too low."),
        ("0", "38 pixels too low."),
        ("", "You made no prediction"),
    ],
)
def test_a_number_is_compared(written: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    predictions = Predictions(7, None)
    predictions.ask("side", unit="pixels")
    predictions.write("side", written)
    said(capsys)
    predictions.reveal("side", 38)
    assert words in said(capsys)


def test_a_negative_answer_is_too_large_in_size(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = Predictions(7, None)
    predictions.ask("correlation")
    predictions.write("correlation", "−0.9")  # with a minus sign as it is printed
    predictions.reveal("correlation", -0.1)
    assert "too large by a factor of 9" in said(capsys)


def test_an_answer_of_zero_has_no_percentage(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = Predictions(7, None)
    predictions.ask("gradient")
    predictions.write("gradient", "1/4")
    predictions.reveal("gradient", 0)
    assert "0.25 too high" in said(capsys)


def test_percent_is_a_share_unless_it_is_the_unit() -> None:
    predictions = Predictions(7, None)
    predictions.ask("share")
    predictions.ask("percentage", unit="%")
    predictions.write("share", "50 %")
    predictions.write("percentage", "50 %")
    assert predictions.questions["share"].answer == 0.5
    assert predictions.questions["percentage"].answer == 50


@pytest.mark.parametrize("written", ["many", "1/0", "nan", "inf", "1 2"])
def test_what_is_no_number_is_refused_and_the_answer_stays(written: str) -> None:
    predictions = Predictions(7, None)
    predictions.ask("side")
    predictions.write("side", "3")
    with pytest.raises(ValueError, match="side: expected a (finite )?number"):
        predictions.write("side", written)
    assert predictions.questions["side"].answer == 3


def test_choices(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = Predictions(7, None)
    predictions.ask("who", ["alone", "in pairs", "both"])
    with pytest.raises(ValueError, match="who: expected one of"):
        predictions.write("who", "neither")
    predictions.reveal("who", "in pairs")
    assert "The answer: in pairs. You made no prediction." in said(capsys)
    predictions.write("who", "alone")
    predictions.reveal("who", "in pairs")
    assert "You predicted: alone. The answer: in pairs." in said(capsys)
    predictions.reveal("who", ["alone", "both"])
    assert "That is right" in said(capsys)
    with pytest.raises(ValueError, match="'neither' is none of the choices"):
        predictions.reveal("who", "neither")


@pytest.mark.parametrize("choices", [["one"], ["same", "same"]])
def test_a_choice_needs_alternatives(choices: list[str]) -> None:
    with pytest.raises(ValueError, match="choices"):
        Predictions(7, None).ask("who", choices)


def test_a_text_stands_beside_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = Predictions(7, None)
    predictions.ask("why", text=True)
    predictions.write("why", "because $x$ moves")
    predictions.reveal("why", "The gradient is 0 there.")
    assert said(capsys).splitlines()[-2:] == ["You wrote: because $x$ moves", "One answer: The gradient is 0 there."]


def test_a_question_that_was_not_asked() -> None:
    with pytest.raises(KeyError, match=r"run the cell with lesson\.predict first"):
        Predictions(7, None).reveal("side", 38)


def test_a_restart_keeps_predictions_and_other_lessons(tmp_path: Path) -> None:
    first, other = Predictions(7, tmp_path), Predictions(3, tmp_path)
    first.ask("side")
    first.ask("who", ["a", "b"])
    first.write("side", "12")
    first.write("who", "b")
    other.ask("side")
    other.write("side", "5")
    again = Predictions(7, tmp_path)
    again.ask("side")
    assert again.questions["side"].answer == 12
    again.write("side", "13")  # before the second question is asked again
    again.ask("who", ["a", "b"])
    assert again.questions["who"].answer == "b"
    assert json.loads((tmp_path / FILE).read_text("utf-8")) == {"7": {"side": 13.0, "who": "b"}, "3": {"side": 5.0}}
    again.ask("who", ["a", "c"])
    assert again.questions["who"].answer is None  # no longer one of the choices


def test_a_prediction_can_be_taken_back(tmp_path: Path) -> None:
    first = Predictions(7, tmp_path)
    first.ask("side")
    first.write("side", "12")
    first.write("side", "")
    again = Predictions(7, tmp_path)
    again.ask("side")
    assert again.questions["side"].answer is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"7": 3}', '{"7": {"side": [1]}}'])
def test_a_damaged_file_does_not_stop_a_lesson(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content, "utf-8")
    predictions = Predictions(7, tmp_path)
    predictions.ask("side")
    assert predictions.questions["side"].answer is None
    predictions.write("side", "2")
    again = Predictions(7, tmp_path)
    again.ask("side")
    assert again.questions["side"].answer == 2


def test_the_summary_counts() -> None:
    predictions = Predictions(7, None)
    assert predictions.summary() == ""
    for name, guess, value in (("a", "10", 11), ("b", "10", 30), ("c", "", 1)):
        predictions.ask(name)
        predictions.write(name, guess)
        predictions.reveal(name, value)
    assert predictions.summary() == "Predictions: 2 of 3 made, 1 right or close."
