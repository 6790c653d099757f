"""Swaps from picture files: what is written where, what is said of many pictures, and what is cut."""

from __future__ import annotations

import logging
import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from PIL import Image

from momi_lib.__main__ import main
from momi_lib.data import PictureError
from momi_lib.train import preset
from momi_lib.translate import MomiNet, save_network
from momi_lib.translate import from_files as files_module
from momi_lib.translate.from_files import Order, ordered
from momi_lib.translate.verdict import ASSUMED, Verdict


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_network(MomiNet(preset("tiny").network), tmp_path_factory.mktemp("w") / "w.safetensors"))


@pytest.fixture(autouse=True)
def assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without looking at a hundred people first."""
    monkeypatch.setattr(files_module, "usual_of", lambda _: ASSUMED)


def picture(path: Path, size: tuple[int, int] = (64, 128)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 60, 30)).save(path)
    return path


def swap(*arguments: object) -> int:
    return main(["swap", *map(str, arguments)])


def only_error(capsys: pytest.CaptureFixture[str]) -> str:
    (error,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    return error


@pytest.mark.parametrize(
    ("sources", "with_pose", "out", "outs", "many"),
    [
        (["in/a.jpg"], False, "o.png", ["o.png"], False),
        (["in/a.jpg"], True, "o.png", ["o.png"], False),
        (["in/a.jpg"], True, "there", ["there/a.png"], True),
        (["in/a.jpg", "in/b.jpg"], True, "new", ["new/a.png", "new/b.png"], True),
        (["alone"], False, "new", ["new/me.png"], True),
    ],
)
def test_one_swap_is_a_file_and_others_are_in_a_folder(
    tmp_path: Path, sources: list[str], with_pose: bool, out: str, outs: list[str], many: bool
) -> None:
    target, alone = picture(tmp_path / "pose.png"), picture(tmp_path / "alone" / "me.jpg")
    given = [tmp_path / name for name in sources]
    files = [alone] if sources == ["alone"] else [picture(path) for path in given]
    (tmp_path / "there").mkdir()
    order = ordered(given if with_pose else [*given, target], target if with_pose else None, tmp_path / out)
    assert order == Order(tuple(files), target, tuple(tmp_path / name for name in outs), many)
    with pytest.raises(FrozenInstanceError):
        order.many = False


def test_a_folder_is_no_name_for_one_swap_without_pose(tmp_path: Path) -> None:
    one = picture(tmp_path / "one.png")
    with pytest.raises(ValueError, match=f"--out {re.escape(str(tmp_path))} is a folder; expected the name of a"):
        ordered([one, one], None, tmp_path)


@pytest.mark.parametrize(
    ("names", "but"), [(["notes.txt"], ""), (["a.gif"], " but 1 .gif file, which is not read")]
)
def test_a_folder_without_pictures_says_what_it_holds(tmp_path: Path, names: list[str], but: str) -> None:
    (tmp_path / "in").mkdir()
    for name in names:
        (tmp_path / "in" / name).write_bytes(b"x")
    with pytest.raises(PictureError) as caught:
        ordered([tmp_path / "in", picture(tmp_path / "pose" / "p.png")], None, tmp_path / "out")
    endings = "expected some that end in .jpg, .jpeg, .png, .webp, .bmp, .jfif, .jpe."
    assert str(caught.value) == f"{tmp_path / 'in'} holds no pictures{but}; {endings}"


def test_a_folder_of_folders_names_one_that_holds_pictures(tmp_path: Path) -> None:
    inside, target = picture(tmp_path / "all" / "anna" / "c1" / "a.jpg"), picture(tmp_path / "pose.png")
    with pytest.raises(PictureError) as caught:
        ordered([tmp_path / "all"], target, tmp_path / "out")
    assert str(caught.value) == (
        f"{tmp_path / 'all'} holds no pictures; there are some in its sub-folders, such as anna/c1/a.jpg. Name the "
        f"folders that hold them, such as {inside.parent}, as sources."
    )


def test_a_pattern_is_the_files_that_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows no shell replaces it."""
    b, a, _, d = (picture(tmp_path / "in [1]" / name) for name in ("b.jpg", "a.jpg", "c.png", "[d].jpg"))
    target, out = picture(tmp_path / "pose 1.png"), tmp_path / "out"
    assert ordered([tmp_path / "in [1]" / "?.jpg", d], tmp_path / "pose*", out).sources == (a, b, d)
    monkeypatch.chdir(tmp_path)
    assert ordered([Path("in*/a.jpg")], target, tmp_path / "o.png").sources == (Path("in [1]/a.jpg"),)
    assert ordered([Path("in*/a.jpg")], target, out).outs == (out / "a.png",)  # as of a folder with one picture
    assert len(ordered([Path("**/*.jpg")], target, out).sources) == 3
    with pytest.raises(FileNotFoundError, match=r"none\*\.jpg does not exist, and as a pattern it matches no file"):
        ordered([Path("none*.jpg")], target, out)
    with pytest.raises(ValueError, match=r"--pose in \[1\].*\*\.jpg matches 3 files, expected one picture"):
        ordered([a], Path("in [1]/*.jpg"), out)
    with pytest.raises(ValueError, match="expected SOURCE TARGET.*got 3 pictures and no --pose"):
        ordered([Path("in [1]/*.jpg")], None, out)


def test_another_name_of_an_input_is_not_overwritten(tmp_path: Path) -> None:
    source, target = picture(tmp_path / "in" / "a.png"), picture(tmp_path / "pose.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").hardlink_to(target)
    with pytest.raises(ValueError, match=r"a\.png in it is .*pose\.png, which would be overwritten"):
        ordered([source.parent], target, tmp_path / "out")


def test_what_is_judged_is_the_size_of_what_was_cut(
    tmp_path: Path, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []

    def judging(*_: object, pixels: tuple[int, int]) -> Verdict:
        judged.append(pixels)
        return Verdict(True, (), "")

    monkeypatch.setattr(files_module, "judged", judging)
    high, wide = picture(tmp_path / "high.png", (100, 400)), picture(tmp_path / "wide.png", (400, 300))
    assert swap(high, wide, "--out", tmp_path / "o.png", "--weights", weights, "--crop", "centre") == 0
    assert judged == [(150, 300), (100, 200)]  # the target first


def test_what_the_network_is_unsure_of_is_said_once_a_kind(
    tmp_path: Path, weights: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """At most three files are named. The verdict is stood in for: it depends on the width."""

    def judging(*_: object, pixels: tuple[int, int]) -> Verdict:
        kinds = {21: ("small", "shape"), 22: ("small", "shape"), 23: ("small", "shape"), 24: ("small",)}
        found = kinds.get(pixels[0], ())
        return Verdict(not found, found, f"{pixels[0]} columns")

    monkeypatch.setattr(files_module, "judged", judging)
    files = [picture(tmp_path / "in" / f"{width}.png", (width, 128)) for width in (21, 22, 23, 24, 64)]
    (tmp_path / "in" / "bad.png").write_text("hello")
    out = tmp_path / "out"
    with caplog.at_level(logging.INFO):
        assert swap(tmp_path / "in", picture(tmp_path / "pose.png"), "--out", out, "--weights", weights) == 1
    named = ", ".join(map(str, files[:3]))
    assert [line for line in caplog.messages if "sources" in line or "swaps" in line] == [
        f"3 of 6 sources (shape): {named}. Of the first: 21 columns",
        f"4 of 6 sources (small): {named} and 1 more. Of the first: 21 columns",
        f"5 swaps in {out}",
    ]


@pytest.mark.parametrize(
    ("good", "bad", "end"),
    [
        (2, 3, ". The other 2 swaps are in {}."),
        (2, 4, "; and 1 more. The other 2 swaps are in {}."),
        (1, 1, ". The other swap is in {}."),
        (0, 1, ". No swap was written."),
    ],
)
def test_of_pictures_that_cannot_be_read_three_are_named(
    tmp_path: Path, weights: str, capsys: pytest.CaptureFixture[str], good: int, bad: int, end: str
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(good):
        picture(folder / f"good{number}.png")
    for number in range(bad):
        (folder / f"bad{number}.png").write_text("hello")
    assert swap(folder, picture(tmp_path / "pose.png"), "--out", out, "--weights", weights) == 1
    reason = "is not a JPEG, PNG, WebP or BMP picture but text"
    named = "; ".join(f"{folder / f'bad{number}.png'} {reason}" for number in range(min(bad, 3)))
    assert only_error(capsys) == f"error: {bad} of {good + bad} pictures cannot be used: {named}{end.format(out)}"
