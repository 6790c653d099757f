"""The drawn figure of every lesson: up to date, well-formed, readable, described."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from momi_lib.lessons.figures.ideas import WORDS, idea, show_idea
from momi_lib.lessons.series import SERIES, key
from tools.figures.ideas import FOLDER, IDEAS, figure, main
from tools.figures.svg import SMALLEST, text_width

SVG = "{http://www.w3.org/2000/svg}"
SPARE = 1.08  # a font may be broader than the one that widths are estimated with
KEYS = sorted(IDEAS)


class Line(NamedTuple):
    """A line of text of a figure: the words, and where they are."""

    words: str
    left: float
    right: float
    top: float
    bottom: float


def parsed(key: str) -> ElementTree.Element:
    return ElementTree.fromstring((FOLDER / f"{key}.svg").read_text(encoding="utf-8"))


def pieces(text: ElementTree.Element) -> list[tuple[str, float]]:
    """The words of a text and the size of each."""
    size = float(text.attrib["font-size"])
    found = [(text.text or "", size)]
    for span in text:
        assert span.tag == f"{SVG}tspan"
        found += [(span.text or "", float(span.get("font-size", size))), (span.tail or "", size)]
    return [(words, each) for words, each in found if words]


def lines(root: ElementTree.Element, spare: float = 1.0) -> list[Line]:
    """All lines of text, `spare` times as long as estimated; none may be in a group, whose transform would move it."""
    found = []
    for text in root.findall(f"{SVG}text"):
        mono = "monospace" in text.get("font-family", "")
        broad = spare * (1.07 if text.get("font-weight") == "bold" else 1.0)
        wide = sum(broad * text_width(words.replace("*", "x"), size, mono) for words, size in pieces(text))
        x, y, size = (float(text.attrib[name]) for name in ("x", "y", "font-size"))
        left = x - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[text.get("text-anchor", "start")]
        found.append(Line("".join(text.itertext()), left, left + wide, y - 0.75 * size, y + 0.22 * size))
    return found


def test_every_lesson_has_a_figure() -> None:
    assert sorted(WORDS) == KEYS == sorted(path.stem for path in FOLDER.glob("*.svg"))
    assert {key(entry.number) for entry in SERIES} <= set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_a_file_is_what_the_command_writes(key: str) -> None:
    assert (FOLDER / f"{key}.svg").read_bytes() == figure(key).encode(), "run python -m tools.figures.ideas"


def test_the_command_writes_only_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path, check=True) == len(KEYS)
    assert main(tmp_path) == 0
    (tmp_path / "03.svg").write_text("another", encoding="utf-8")
    capsys.readouterr()
    assert main(tmp_path, check=True) == 1
    assert "03.svg: out of date" in capsys.readouterr().out
    assert main(tmp_path) == 0
    assert main(tmp_path, check=True) == 0


@pytest.mark.parametrize("key", KEYS)
def test_a_figure_is_small_and_described(key: str) -> None:
    assert (FOLDER / f"{key}.svg").stat().st_size < 40_000
    root = parsed(key)
    title, words = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None and title.text == IDEAS[key].title
    assert words is not None and words.text == WORDS[key]
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], words.attrib["id"]]
    assert len(WORDS[key]) >= 60 and WORDS[key].endswith(".")
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert width == 900 and 260 <= height <= 390
    assert (root.attrib["width"], root.attrib["height"]) == (f"{width:g}", f"{height:g}")
    first = next(each for each in root if each.tag == f"{SVG}rect")
    assert first.attrib["fill"] == "#ffffff" and first.attrib["width"] == f"{width:g}"


@pytest.mark.parametrize("key", KEYS)
def test_everything_that_is_used_is_defined_once(key: str) -> None:
    text = (FOLDER / f"{key}.svg").read_text(encoding="utf-8")
    names = [each.attrib["id"] for each in parsed(key).iter() if "id" in each.attrib]
    assert len(names) == len(set(names)) and all(name.startswith(f"f{key}-") for name in names)
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', text))
    assert {one or other for one, other in used} <= set(names)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")  # nothing is loaded from elsewhere


@pytest.mark.parametrize("key", KEYS)
def test_text_can_be_read(key: str) -> None:
    root = parsed(key)
    assert len(root.findall(f"{SVG}text")) == len(list(root.iter(f"{SVG}text")))
    small = [(words, size) for text in root.iter(f"{SVG}text") for words, size in pieces(text) if size < SMALLEST]
    assert small == []
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    outside = [
        line for line in lines(root, SPARE)
        if line.left < 0 or line.right > width or line.top < 0 or line.bottom > height
    ]  # fmt: skip
    assert outside == []


@pytest.mark.parametrize("key", KEYS)
def test_no_line_lies_on_another(key: str) -> None:
    found = lines(parsed(key))
    overlaps = [
        (one.words, other.words)
        for i, one in enumerate(found)
        for other in found[i + 1 :]
        if min(one.right, other.right) - max(one.left, other.left) > 1
        and min(one.bottom, other.bottom) - max(one.top, other.top) > 1
    ]
    assert overlaps == []


def test_a_lesson_by_its_number() -> None:
    assert idea(4) == idea("4") == idea("04") != idea("04b") == idea("4b")
    for wrong in (13, "05b", "", -1, "x"):
        message = f"number: expected a lesson from 0 to 12 or '04b', got {wrong!r}"
        with pytest.raises(ValueError, match=re.escape(message)):
            idea(wrong)


def test_a_figure_is_shown_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: shown.append((data, options)))
    show_idea(3)
    assert shown == []  # outside a notebook
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    show_idea(3)
    ((data, options),) = shown
    assert data == {"image/svg+xml": idea(3), "text/plain": WORDS["03"]}
    assert options == {"raw": True, "metadata": {"image/svg+xml": {"alt": WORDS["03"]}}}
