"""Grades: private cases, the package's own functions refused, nothing told that helps to guess."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from torch import Tensor

from momi_lib.lessons import grading
from momi_lib.lessons.exercise import Exercise
from tools.notebooks.grade import Config, grade_notebook, main


def double(x: Tensor) -> Tensor:
    return 2 * x


def seeded(seed: int = 0) -> list[tuple]:
    return [(torch.randn(3, generator=torch.Generator().manual_seed(seed)),)]


EXERCISE = Exercise("Twice", double, seeded, {"Half of it.": lambda x: x / 2})


@pytest.fixture(autouse=True)
def one_exercise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "exercises_of", lambda lesson: {"twice": EXERCISE})


def only(attempts: dict[str, Any], salt: str = "s") -> grading.Mark:
    (mark,) = grading.grade(7, attempts, salt).marks
    return mark


def test_right_wrong_and_nothing() -> None:
    assert only({"twice": double}).right is True
    assert only({"twice": lambda x: x}).right is False
    assert only({"twice": lambda x: ...}).right is None
    assert only({}).right is None


def test_known_answers_are_not_enough() -> None:
    (known,) = seeded()[0]

    def by_heart(x: Tensor) -> Tensor:
        return 2 * known

    EXERCISE.judge(by_heart)  # right in the notebook
    assert only({"twice": by_heart}).right is False


def test_a_salt_chooses_the_cases() -> None:
    seeds = {grading.seed_of(salt, 7, name) for salt in ("a", "b") for name in ("twice", "thrice")}
    assert len(seeds) == 4 and 0 not in seeds and seeds == {
        grading.seed_of(salt, 7, name) for salt in ("a", "b") for name in ("twice", "thrice")
    }
    with pytest.raises(ValueError, match="salt: expected a text"):
        grading.grade(7, {}, "")


def test_no_hint_is_given() -> None:
    assert "Half" not in str(grading.grade(7, {"twice": lambda x: x / 2}, "s"))
    assert only({"twice": lambda x: x.nothing}).why == "raised AttributeError"


def test_the_packages_functions_are_refused() -> None:
    from momi_lib.losses import distillation

    assert only({"twice": distillation}).why == "this function is the package's own"

    def looks_it_up(x: Tensor) -> Any:
        from momi_lib.lessons.exercises import exercises_of

        return exercises_of(7)["smoothed_loss"].reference(x)

    assert only({"twice": looks_it_up}).right is False


def notebook(path: Path, *cells: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(made, path)
    return path


START = "import momi_lib as momi\nlesson = momi.lessons.start(0)\ncheck = lesson.check"


@pytest.mark.slow
def test_a_folder_of_submissions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = notebook(tmp_path / "a b" / "anna [1].ipynb", START, "1 / 0",
                     "def to_bytes(x):\n    return 1\n\n\ncheck.exercise('to_bytes', to_bytes)",
                     "def needed(count, height, width):\n    return count * 3 * height * width * 4\n\n\n"
                     "check.exercise('bytes_needed', needed)",
                     )  # fmt: skip
    other = notebook(tmp_path / "a b" / "other.ipynb", "1 + 1")
    out = tmp_path / "marks.csv"
    assert main(Config((right, other), "a secret", out)) == 1  # one of them is none of the series
    lines = out.read_text("utf-8-sig").splitlines()
    assert lines[0] == "notebook,points,of,note,mirrored_x,to_bytes,bytes_needed"
    assert "anna [1].ipynb" in lines[1] and lines[1].endswith(",1,3,2 cells failed,,0,1"), lines[1]
    assert "no cell calls momi.lessons.start" in lines[2]
    assert "anna [1].ipynb: 1 of 3" in capsys.readouterr().out
    assert "outputs" not in json.dumps(json.loads(right.read_text("utf-8"))["cells"][0]["outputs"])


def test_a_file_that_is_no_notebook(tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_text("no notebook", "utf-8")
    assert "cannot be read" in grade_notebook(tmp_path / "x.ipynb", "s")["note"]
    with pytest.raises(SystemExit, match="no such file"):
        main(Config((tmp_path / "none.ipynb",), "s", tmp_path / "m.csv"))
