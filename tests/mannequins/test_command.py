"""The command line: one clear error for each slip, and a card whose figures are the files'."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.mannequins import __main__ as command


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--out x", "either --identities N or --size"),
        ("--out x --identities 4 --size market", "either --identities N or --size"),
        ("--out x --size embedded --pictures-per-identity 4 5", "goes with --identities"),
        ("--out x --size embedded --test 4", "--test: goes with --identities"),
        ("--out x --identities 4 --test 4", "test identities: expected 1 to 3 of 4"),
        ("--out x --identities 4 --workers 0", "--workers: expected 1 or more, got 0"),
        ("--out x --identities 4 --seed -1", "--seed: expected 0 or more"),
        ("check /nowhere", "no manifest.json"),
        ("setup --workers 0", "--workers: expected 1 or more, got 0"),
        ("body-maps /nowhere --any-poses 0", "--any-poses: expected 1 or more"),
    ],
)
def test_slips_are_one_line_and_status_2(arguments: str, words: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(arguments.split())
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert words in error and len(error.strip().splitlines()) == 1
    assert not Path("x").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [("--out {} --identities 1", "at least 2"), ("--out {} --identities 2 --truth 3", "two test")],
)
def test_sizes_that_do_not_fit_are_refused(can_render, tmp_path: Path, capsys, arguments: str, words: str) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(arguments.format(tmp_path / "out").split())
    assert stop.value.code == 2 and words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None if name in ("anny", "cv2") else object())
    with pytest.raises(SystemExit) as stop:
        command.main(["--identities", "4", "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert "anny, opencv-python-headless not installed. Install the extra" in capsys.readouterr().err


def test_check_prints_and_the_card_tells_the_files_figures(small: Path, capsys) -> None:
    command.main(["check", str(small)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 8 and all(line.startswith("ok") for line in lines)
    text = (small / "README.md").read_text(encoding="utf-8")
    train = json.loads((small / "annotations" / "train.json").read_bytes())
    assert f"| `bounding_box_train` | 2 | {len(train['images'])} |" in text
    assert "4 swaps have a **true answer**" in text and "{" not in text and "<!--" not in text
    before = text
    command.main(["card", str(small)])
    assert (small / "README.md").read_text(encoding="utf-8") == before
    command.main(["check", str(small)])
