"""Slides of the lessons, for a browser and for paper: ``python -m tools.slides``, or ``make slides``.

The text of a deck is Markdown, ``docs/slides/NN.md``. The figures are those of the notebooks, so there is one source:

    # A first slide                     a line with three dashes starts the next slide
    ![the idea](idea:07)                the drawn figure of lesson 7
    ![](notebook:07#3)                  the third figure that is stored in notebook 7; its description comes along
    ![a picture](../images/x.jpg)       a file
    $$L = …$$ and $z_a$                 formulas
    ::: beside                          text at the left, a figure at the right, until a line that is ::: alone
    ::: notes                           what the lecturer says, until a line that is ::: alone; not on the slide

Each deck becomes one HTML file, without links to other files or the network: arrow keys turn pages, N shows the notes
below smaller slides, and printing gives one slide a page. With Chromium (through Playwright) it becomes a PDF, too.
"""

from __future__ import annotations

import base64
import html
import mimetypes
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import tyro

from momi_lib.files import write_atomically
from momi_lib.lessons import SERIES

ROOT = Path(__file__).resolve().parents[1]
DECKS = ROOT / "docs/slides"

STYLE = """
@page { size: 13.333in 7.5in; margin: 0 }
* { box-sizing: border-box }
html { font: 26px/1.4 "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; color: #1a1a1a; background: #555 }
body { margin: 0 }
section { width: 1280px; height: 720px; padding: 44px 64px; background: white; margin: 16px auto; overflow: hidden;
  position: relative; display: flex; flex-direction: column; gap: 10px; page-break-after: always; break-inside: avoid }
section > * { margin: 0 }
h1 { font-size: 40px; line-height: 1.15; color: #003a5d }
h2 { font-size: 34px; color: #003a5d }
ul, ol { padding-left: 1.2em } li { margin: 4px 0 }
p.figure { flex: 1; min-height: 0; display: flex; justify-content: center; align-items: center; gap: 24px }
p.figure img { flex: 1; min-width: 0; height: 100%; object-fit: contain }
p.figure svg { flex: 1; min-width: 0; height: 100% !important }
.beside { flex: 1; min-height: 0; position: relative; padding-right: 52%; display: flex; flex-direction: column;
  gap: 12px; justify-content: safe center }
.beside > * { margin: 0 }
.beside > p.figure { position: absolute; right: 0; top: 0; width: 50%; height: 100% }
table { border-collapse: collapse; font-size: 22px }
th, td { border-bottom: 1px solid #bbb; padding: 4px 14px; text-align: left }
pre { background: #f3f3f3; padding: 10px 16px; font-size: 20px; line-height: 1.3; white-space: pre-wrap }
code { font-family: "DejaVu Sans Mono", monospace; font-size: 0.86em }
pre code { font-size: 1em }
section:not(:has(.figure)) { font-size: 28px; gap: 18px }
section:not(:has(.figure)) > :is(h1, h2), section:not(:has(.figure))::after { content: ""; margin-bottom: auto }
section:not(:has(.figure)) :is(table, pre) { font-size: 24px }
section:not(:has(.figure)) math[display=block] { font-size: 36px }
blockquote { border-left: 8px solid #e69f00; padding-left: 16px }
math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", "DejaVu Math TeX Gyre", math }
math[display=block] { font-size: 30px; margin: 6px 0 }
footer { position: absolute; bottom: 12px; right: 24px; font-size: 15px; color: #555 }
aside.notes { display: none; width: 1280px; margin: -8px auto 16px; font-size: 30px; padding: 12px 24px;
  background: #fff7dd }
aside.notes p { margin: 0 0 8px }
body.notes { zoom: 0.6 }
body.notes aside.notes { display: block }
@media print {
  html { background: white } section { margin: 0 }
  body.notes { zoom: 0.55 } body.notes section { break-after: avoid; break-before: page } aside.notes { margin: 0 auto }
}
"""

SCRIPT = """
document.addEventListener('keydown', event => {
  const notes = event.key === 'n' || event.key === 'N';
  const way = notes ? 0 : {ArrowRight: 1, PageDown: 1, ' ': 1, ArrowLeft: -1, PageUp: -1}[event.key];
  if (way === undefined) return;
  event.preventDefault();
  const all = [...document.querySelectorAll('section')];
  const here = all.findIndex(one => one.getBoundingClientRect().bottom > innerHeight / 3);
  if (notes) document.body.classList.toggle('notes');
  all[Math.min(all.length - 1, Math.max(0, here + way))].scrollIntoView();
});
"""


class SlideError(ValueError):
    """A deck that cannot be made; the message names its file and slide."""


@dataclass(frozen=True)
class Figure:
    """A picture and its description: ``source`` is a data address, or SVG as text."""

    source: str
    alt: str

    def html(self) -> str:
        """As an element of a page."""
        if self.source.startswith("<svg"):
            return self.source
        return f'<img src="{self.source}" alt="{html.escape(self.alt, quote=True)}">'


def notebook_figures(path: Path) -> list[Figure]:
    """The figures that are stored in a notebook, in order, with their descriptions."""
    found = []
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            for kind in ("image/png", "image/jpeg"):
                if data := output.get("data", {}).get(kind):
                    alt = output.get("metadata", {}).get(kind, {}).get("alt", "")
                    found.append(Figure(f"data:{kind};base64,{''.join(data.split())}", alt))
    return found


def figure(address: str, alt: str, deck: Path) -> Figure:
    """The picture that an address of a deck names.

    Raises:
        SlideError: for a lesson, figure or file that is not there.
    """
    kind, _, rest = address.partition(":")
    if kind == "idea":
        from momi_lib.lessons.figures.ideas import WORDS, idea
        from momi_lib.lessons.series import key

        try:
            return Figure(idea(rest), alt or WORDS[key(rest)])
        except ValueError as error:
            raise SlideError(f"{deck.name}: {address}: there is no drawn figure of that lesson") from error
    if kind == "notebook":
        number, _, place = rest.partition("#")
        files = sorted((ROOT / "notebooks").glob(f"{number}_*.ipynb"))
        if not files or not place.isdecimal():
            raise SlideError(f"{deck.name}: {address}: expected notebook:NN#K, the K-th figure of notebook NN")
        figures = notebook_figures(files[0])
        if not 1 <= int(place) <= len(figures):
            raise SlideError(f"{deck.name}: {address}: {files[0].name} stores {len(figures)} figures")
        found = figures[int(place) - 1]
        return Figure(found.source, alt or found.alt)
    file = deck.parent / address
    if not file.is_file():
        raise SlideError(f"{deck.name}: {address}: no such file beside the deck")
    if not alt:
        raise SlideError(f"{deck.name}: {address}: a picture from a file needs a description")
    if file.suffix == ".svg":
        return Figure(file.read_text(encoding="utf-8"), alt)
    mime = mimetypes.guess_type(file.name)[0] or "image/png"
    return Figure(f"data:{mime};base64,{base64.b64encode(file.read_bytes()).decode()}", alt)


def slide_html(text: str, deck: Path, label: str = "", footer: str = "") -> str:
    """One slide's Markdown as HTML: figures inline, formulas as MathML, and notes below the slide."""
    import latex2mathml.converter
    import mistune

    kept: list[str] = []

    def keep(piece: str) -> str:
        kept.append(piece)
        return f"\x02{len(kept) - 1}\x03"

    def formula(match: re.Match[str]) -> str:
        display = "block" if match[0].startswith("$$") else "inline"
        source = match[1].strip().replace(r"\arg\max", r"\operatorname{argmax}")
        source = source.replace(r"\operatorname*", r"\operatorname")
        made = latex2mathml.converter.convert(source, display=display)
        if unknown := re.search(r"<m[iot][^>]*>(\\[A-Za-z]+)", made):
            raise SlideError(f"{deck.name}: the formula {match[1].strip()!r} has {unknown[1]}, which cannot be drawn")
        return keep(made)

    def code(match: re.Match[str]) -> str:
        return keep(match[0])

    def back(text: str) -> str:
        return re.sub("\x02(\\d+)\x03", lambda match: kept[int(match[1])], text)

    text = re.sub(r"```.*?```|`[^`\n]+`", code, text, flags=re.DOTALL)  # a dollar sign in code is no formula
    text = re.sub(r"\$\$(.+?)\$\$", formula, text, flags=re.DOTALL)
    text = re.sub(r"\$([^$\n]+?)\$", formula, text)
    text = re.sub(r"!\[([^\]]*)\]\(([^)\s]+)\)", lambda match: keep(figure(match[2], match[1], deck).html()), text)
    text = re.sub("\x02(\\d+)\x03", lambda m: kept[int(m[1])] if kept[int(m[1])].startswith("`") else m[0], text)
    notes = "\n\n".join(re.findall(r"^::: notes\n(.*?)^:::\s*$", text, flags=re.DOTALL | re.MULTILINE))
    text = re.sub(r"^::: notes\n.*?^:::\s*$", "", text, flags=re.DOTALL | re.MULTILINE)
    beside = r'<div class="beside">\n\n\1\n</div>\n'
    text = re.sub(r"^::: beside\n(.*?)^:::\s*$", beside, text, flags=re.DOTALL | re.MULTILINE)
    markdown: Any = mistune.create_markdown(plugins=["table"], escape=False)
    made = back(str(markdown(text)))
    alone = r"<p>((?:\s*(?:<img [^>]*>|<svg.*?</svg>))+\s*)</p>"
    made = re.sub(alone, r'<p class="figure">\1</p>', made, flags=re.DOTALL)
    made = f'<section aria-label="{label}">{made}<footer>{footer}</footer></section>'
    return made + (f'<aside class="notes">{back(str(markdown(notes)))}</aside>' if notes else "")


def deck_html(deck: Path) -> str:
    """A whole deck as one page.

    Raises:
        SlideError: for a deck without a title, or with a figure that is not there.
    """
    text = deck.read_text(encoding="utf-8")
    slides = [part.strip() for part in re.split(r"^---\s*$", text, flags=re.MULTILINE)]
    if not slides[0].startswith("# "):
        raise SlideError(f"{deck.name}: the first slide begins with '# ' and the title of the lesson")
    title = slides[0].splitlines()[0].removeprefix("# ")
    sections = [
        slide_html(slide, deck, f"slide {number}", f"{html.escape(title)} · {number} of {len(slides)}")
        for number, slide in enumerate(slides, 1)
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(sections)}<script>{SCRIPT}</script></body></html>\n"
    )


def too_full(page: Any) -> list[int]:
    """The slides of an open browser page whose content is cut off."""
    found: list[int] = page.evaluate(
        "() => [...document.querySelectorAll('section')].flatMap((one, i) => {"
        "  const cut = one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1;"
        "  const tiny = [...one.querySelectorAll('p.figure')].some(each => each.clientHeight < 120);"
        "  return cut || tiny ? [i + 1] : []; })"
    )
    return found


def main(out: Path = ROOT / "runs/slides", pdf: bool = True, decks: Path = DECKS) -> int:
    """Make all decks.

    Args:
        out: folder of the pages.
        pdf: also print each deck; needs Playwright and Chromium.
        decks: folder of the Markdown files.
    """
    files = sorted(decks.glob("[0-9]*.md"))
    if not files:
        raise SlideError(f"{decks}: no decks, which are named as the lessons are, 07.md")
    known = {f"{entry.file.split('_')[0]}" for entry in SERIES}
    for file in files:
        if file.stem not in known:
            raise SlideError(f"{file.name}: no lesson has that number; lessons are {', '.join(sorted(known))}")
        made = deck_html(file)
        write_atomically(out / f"{file.stem}.html", lambda stream, made=made: stream.write(made.encode()))
        print(out / f"{file.stem}.html")
    if not pdf:
        return 0
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        print("No Chromium: the PDFs were left out. Open a page in a browser and print it, or install chromium.")
        return 0
    from playwright.sync_api import sync_playwright

    faults = 0
    with sync_playwright() as playwright:
        with playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]) as chromium:
            page = chromium.new_page(viewport={"width": 1366, "height": 768})
            for file in files:
                page.goto((out / f"{file.stem}.html").resolve().as_uri())
                if full := too_full(page):
                    faults += 1
                    print(f"{file.name}: cut off on the slides {full}")
                page.pdf(path=str(out / f"{file.stem}.pdf"), prefer_css_page_size=True, print_background=True)
                print(out / f"{file.stem}.pdf")
    return faults


if __name__ == "__main__":
    sys.exit(min(1, tyro.cli(main, description=__doc__)))
