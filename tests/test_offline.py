"""Nothing asks for another computer: data, weights, teacher, judges, a swap and a lesson, with the network cut off."""

from __future__ import annotations

import socket

import pytest

import momi_lib as momi
from momi_lib.data import load, load_truth, to_float
from momi_lib.features import feature_network
from momi_lib.lessons import start
from momi_lib.metrics.judges import evaluation_network
from momi_lib.pose import load_teacher


@pytest.fixture(autouse=True)
def cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*address: object, **options: object) -> None:
        pytest.fail(f"the network was asked for: {address}")

    monkeypatch.delenv("MOMI_DATA", raising=False)
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


def test_the_cut_bites() -> None:
    from urllib.request import urlopen

    with pytest.raises(pytest.fail.Exception, match="the network was asked for"):
        urlopen("http://example.org", timeout=1)


def test_people_weights_and_judges_are_here() -> None:
    people, truth = load(split="test"), load_truth()
    assert len(people) and len(truth)
    swap = momi.load("small").swap(to_float(people.pictures[:1]), to_float(people.pictures[1:2]))
    assert swap.shape == (1, 3, 128, 64)
    assert load_teacher(None)(to_float(people.pictures[:1])).shape[:2] == (1, 17)
    assert feature_network("mannequin") is not None and evaluation_network("mannequin") is not None


def test_a_lesson_starts(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(start(0).data("query")) > 0
    assert "Lesson 0" in capsys.readouterr().out
