"""A notebook starts with the same lines on every CPU, and with its own random numbers."""

from __future__ import annotations

import pytest
import torch

from momi_lib.lessons import start


def test_start_prints_what_is_stable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOMI_MODE", "quick")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    lesson = start(0, seed=7)
    assert capsys.readouterr().out == "Lesson 0 · Check your setup\ndevice cpu · mode quick · seed 7\n"
    assert lesson.quick and lesson.pick(quick=1, full=2) == 1
    assert lesson.device == torch.device("cpu")


def test_full_mode_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOMI_MODE", raising=False)
    lesson = start(0)
    assert not lesson.quick and lesson.pick(quick=1, full=2) == 2


def test_errors_say_what_was_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="expected a notebook of the series"):
        start(99)
    monkeypatch.setenv("MOMI_MODE", "fast")
    with pytest.raises(ValueError, match="MOMI_MODE: expected quick or full, got 'fast'"):
        start(0)


def test_random_numbers_come_from_the_seed() -> None:
    lesson = start(0, seed=3)
    weights = torch.nn.Linear(2, 2).weight
    a = torch.rand(4, generator=lesson.generator())
    assert torch.equal(a, torch.rand(4, generator=lesson.generator()))
    assert not torch.equal(a, torch.rand(4, generator=lesson.generator(1)))
    other = start(0, seed=3)
    assert torch.equal(weights, torch.nn.Linear(2, 2).weight)
    assert lesson.rng.random() == other.rng.random()
    assert lesson.rng is lesson.rng
