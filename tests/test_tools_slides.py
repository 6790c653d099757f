"""Slides: figures of the notebooks, formulas, notes, and clear refusals."""

from __future__ import annotations

import html
import shutil
from pathlib import Path

import pytest

from momi_lib.lessons import SERIES
from momi_lib.lessons.series import Entry
from tools import slides

pytest.importorskip("latex2mathml")

DECK = """# 3 · Title

Text with $z_a$ and `a $ sign`.

![](notebook:03#1)

---

## Second

$$L = \\sum_l \\lambda_l |x|_1$$

| a | b |
| --- | --- |
| $x^+$ | 2 |

::: notes
Say *this*.
:::
"""


def deck(folder: Path, text: str = DECK, name: str = "03.md") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_deck_is_one_page_without_links_to_elsewhere(tmp_path: Path) -> None:
    page = slides.deck_html(deck(tmp_path))
    assert page.count("<section") == 2 and "1 of 2" in page
    assert page.count("<math") == 3 and "<code>a $ sign</code>" in page
    assert '<p class="figure"><img src="data:image/' in page and 'alt="' in page
    assert '<aside class="notes"><p>Say <em>this</em>.</p>' in page and ":::" not in page
    assert "http://" not in page.replace("http://www.w3.org/1998/Math/MathML", "") and "https://" not in page


def test_a_figure_beside_its_text(tmp_path: Path) -> None:
    text = "# t\n\n::: beside\n\n- *one*\n\n![](notebook:03#1)\n\n:::\n\n::: notes\nSay.\n:::\n"
    page = slides.deck_html(deck(tmp_path, text))
    beside, _, after = page.partition('<div class="beside">')[2].partition("</div>")
    assert "<li><em>one</em></li>" in beside and '<p class="figure"><img' in beside
    assert '<aside class="notes"><p>Say.</p>' in after and ":::" not in page


def test_notes_may_have_formulas_and_code(tmp_path: Path) -> None:
    page = slides.deck_html(deck(tmp_path, "# t\n\n::: notes\nRead $z_a$ aloud, not `a $ sign`.\n:::\n"))
    notes = page.partition('<aside class="notes">')[2].partition("</aside>")[0]
    assert "<math" in notes and "<code>a $ sign</code>" in notes and "$z_a$" not in notes


@pytest.mark.parametrize("number", ["03", "4", "04b"])
def test_the_drawn_figure_of_a_lesson(tmp_path: Path, number: str) -> None:
    assert '<p class="figure"><svg' in slides.deck_html(deck(tmp_path, f"# t\n\n![](idea:{number})"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("## no title", "begins with '# '"),
        ("# t\n![](notebook:03#99)", "stores [0-9]+ figures"),
        ("# t\n![](notebook:77#1)", "expected notebook:NN#K"),
        ("# t\n![](notebook:03)", "expected notebook:NN#K"),
        ("# t\n![](idea:77)", "no drawn figure of that lesson"),
        ("# t\n![a picture](gone.png)", "no such file"),
        ("# t\n$\\nosuchcommand x$", "cannot be drawn"),
    ],
)
def test_what_cannot_be_made_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(slides.SlideError, match=rf"03\.md: .*{words}"):
        slides.deck_html(deck(tmp_path, text))


def test_a_picture_needs_a_description(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    with pytest.raises(slides.SlideError, match="needs a description"):
        slides.deck_html(deck(tmp_path, "# t\n![](x.png)"))


def test_a_deck_belongs_to_a_lesson(tmp_path: Path) -> None:
    with pytest.raises(slides.SlideError, match="no decks"):
        slides.main(tmp_path / "out", decks=tmp_path)
    deck(tmp_path, name="77.md")
    with pytest.raises(slides.SlideError, match="no lesson has that number"):
        slides.main(tmp_path / "out", decks=tmp_path)


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium")
def test_a_pdf_and_what_is_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deck(tmp_path)
    assert slides.main(tmp_path / "out", decks=tmp_path) == 0
    assert (tmp_path / "out/03.pdf").read_bytes().startswith(b"%PDF")
    deck(tmp_path, DECK + "\n---\n\n" + "\n\n".join(["A long line."] * 40))
    assert slides.main(tmp_path / "out", decks=tmp_path) == 1
    assert "cut off on the slides [3]" in capsys.readouterr().out


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium")
def test_no_slide_and_no_notes_of_any_deck_are_cut_off(tmp_path: Path) -> None:
    bottom = """each => {  // of a slide's notes, where the slide is at the top of the screen
        const notes = each.nextElementSibling?.className === 'notes' ? each.nextElementSibling : each;
        return notes.getBoundingClientRect().bottom - each.getBoundingClientRect().top; }"""
    sync_api = pytest.importorskip("playwright.sync_api")
    assert slides.main(tmp_path, pdf=False) == 0
    options = {"executable_path": shutil.which("chromium"), "args": ["--no-sandbox"]}
    full, height = {}, 0.0
    with sync_api.sync_playwright() as playwright, playwright.chromium.launch(**options) as chromium:
        page = chromium.new_page(viewport={"width": 1366, "height": 768})
        for file in sorted(tmp_path.glob("*.html")):
            page.goto(file.as_uri())
            full[file.stem] = slides.too_full(page)
            page.keyboard.press("ArrowRight")
            page.keyboard.press("n")
            top = page.locator("section").nth(1).evaluate("each => each.getBoundingClientRect().top")
            assert top == pytest.approx(0, abs=1)  # still slide 2
            height = max(height, *page.locator("section").evaluate_all(f"all => all.map({bottom})"))
    assert 432 < height <= 768  # a slide is 432 pixels high beside its notes
    assert len(full) == len(SERIES) and not {deck: numbers for deck, numbers in full.items() if numbers}


@pytest.mark.parametrize("lesson", SERIES, ids=lambda lesson: lesson.file)
def test_every_lesson_has_a_deck_with_its_title_and_notes(lesson: Entry) -> None:
    file = slides.DECKS / f"{lesson.file.split('_')[0]}.md"
    page = slides.deck_html(file)  # with figures that are there
    title, pages = page.split("<h1>")[1].split("</h1>")[0], page.split("<section ")[1:]
    assert html.unescape(title) == lesson.heading and 12 <= len(pages) <= 20
    assert sum("<aside" in each for each in pages) > 0.8 * len(pages)
    assert "arXiv" in page or "doi" in page.lower()  # references, as words: the page links to nothing
