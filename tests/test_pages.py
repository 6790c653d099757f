"""The pages for readers: links lead somewhere, pictures have a description, commands and make targets exist."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from momi_lib.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def links(text: str) -> list[str]:
    """Targets of Markdown links and pictures, and of HTML ones."""
    found = re.findall(r"\]\(<?([^)>\s]+)", text)
    return found + re.findall(r"(?:src|srcset|href)=\"([^\"]+)\"", text)


def anchors(text: str) -> set[str]:
    """What GitHub makes of the headings."""
    titles = re.findall(r"^#+ +(.+)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page: Path) -> list[str]:
    """Links of a page that lead nowhere."""
    wrong = []
    for link in links(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert links(page.read_text(encoding="utf-8")) and broken(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('# A title: here\n[a](page.md) [b](gone.md) [c](#a-title-here) [d](#gone) <img src="gone.png">\n')
    assert broken(page) == ["gone.md", "#gone", "gone.png"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pictures_have_a_description_and_are_our_own(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)\s]+)", text)
    pictures += [(re.search(r'alt="([^"]*)"', tag)[1], re.search(r'src="([^"]+)"', tag)[1])
                 for tag in re.findall(r"<img\b[^>]*>", text)]  # fmt: skip
    assert all(len(alt) > 20 and "://" not in source for alt, source in pictures), pictures


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"-m momi_lib ([a-z][a-z-]*)", text)) <= set(COMMANDS)
    for file in re.findall(r"python ((?:tools|benchmarks)/\w+\.py)", text):
        assert (ROOT / file).is_file(), file


def test_readers_who_want_no_motion_get_the_still() -> None:
    """Who asks for less motion gets the still, and everybody has a link to it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert '<source media="(prefers-reduced-motion: reduce)" srcset="docs/images/one-pose-for-all.jpg">' in text
    assert "](docs/images/one-pose-for-all.jpg)" in text


def test_the_readme_is_short() -> None:
    """A visitor reads it in ten minutes; details stand on the pages in docs."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150


def test_the_minutes_of_the_rivals_are_those_of_their_cards_and_of_the_races_pace() -> None:
    """They stand in prose: what they took on one core, and what as many steps take at the pace of the race."""
    pace = json.loads((ROOT / "benchmarks/results/rivals/pace.json").read_text(encoding="utf-8"))["seconds"]
    took, paced = [], []
    for name in ("pg2", "pn-gan", "patn", "dg-net"):
        card = json.loads((ROOT / f"data/weights/rival-{name}.json").read_text(encoding="utf-8"))
        seconds = pace[name] if isinstance(pace[name], list) else [pace[name]]
        took.append(60 * card["hours"])
        paced.append(card["steps"] * sum(seconds) / len(seconds) / 60)
    words = [f"{min(some):.0f} to {max(some):.0f} minutes" for some in (paced, took)]
    readme, results = (" ".join((ROOT / page).read_text(encoding="utf-8").split())
                       for page in ("README.md", "docs/results.md"))  # fmt: skip
    assert words[0] in readme and all(each in results for each in words)


@pytest.mark.slow
def test_the_thirty_lines_of_the_readme_train_all_parts() -> None:
    """They run as they stand, and the total reaches every network but D."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(code.splitlines()) <= 30 and max(map(len, code.splitlines())) < 100
    for equation in "1234567":
        assert re.search(rf"# Eq\. (\d, )*(\d and )?{equation}\b|# Eq\. {equation}\b", code), equation
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    network = names["net"]
    for part in ("student", "pose_encoder", "appearance_encoder", "attention", "generator"):
        slopes = [weight.grad for weight in getattr(network, part).parameters()]
        assert any(slope is not None and slope.abs().sum() > 0 for slope in slopes), part
    assert names["swap"].shape == names["x"].shape
