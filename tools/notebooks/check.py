"""Check notebooks for what a strict comparison of outputs does not see.

    python tools/notebooks/check.py notebooks/03_*.ipynb

tests/notebooks/test_hygiene.py runs the same rules on every notebook. A rule is a function that takes a Page
and yields one sentence for each thing that is wrong; its docstring says why it matters.
"""

from __future__ import annotations

import getpass
import platform
import re
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import nbformat

MAXIMUM_BYTES = 1_000_000
TAGS = {"nbval-ignore-output", "raises-exception"}


@dataclass(frozen=True)
class Page:
    """A notebook and where it lies."""

    path: Path
    notebook: nbformat.NotebookNode

    @classmethod
    def read(cls, path: Path) -> Page:
        """The notebook at a path."""
        return cls(path, nbformat.read(path, as_version=4))

    @property
    def code(self) -> list[nbformat.NotebookNode]:
        """Its code cells."""
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @property
    def prose(self) -> str:
        """Its markdown without code, which may hold anything."""
        text = "\n\n".join(cell.source for cell in self.notebook.cells if cell.cell_type == "markdown")
        return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))

    @property
    def is_solution(self) -> bool:
        """Solutions repeat only the exercises, so they may be short."""
        return self.path.parent.name == "solutions"

    @property
    def number(self) -> int | str | None:
        """The number that the file name starts with; "4b" for 04b_….ipynb."""
        match = re.match(r"(\d\d[a-z]?)_", self.path.name)
        if match is None:
            return None
        return int(match[1]) if match[1].isdecimal() else match[1].lstrip("0")


def tags(cell: nbformat.NotebookNode) -> set[str]:
    """The tags of a cell."""
    return set(cell.metadata.get("tags", []))


def texts(cell: nbformat.NotebookNode) -> Iterator[str]:
    """Every text in a cell's outputs, pictures left out."""
    for output in cell.get("outputs", []):
        yield output.get("text", "")
        yield "\n".join(output.get("traceback", []))
        yield from (
            str(data) for kind, data in output.get("data", {}).items() if not kind.startswith("image/")
        )


def only_asks(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell only asks for a prediction or shows the drawn idea."""
    last = [line for line in cell.source.splitlines() if line.strip()][-1:]
    return bool(last) and bool(re.match(r"lesson\.(predict|idea)\(", last[0])) and len(cell.source.splitlines()) <= 4


def counts_run_from_one(page: Page) -> Iterator[str]:
    """A cell without an execution count is not compared, and passes whatever it prints."""
    counts = [cell.execution_count for cell in page.code]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}, expected 1 to {len(counts)}: run tools/notebooks/run.py"


def no_errors(page: Page) -> Iterator[str]:
    """An error is stored only where the reader is meant to see it."""
    for cell in page.code:
        kinds = [output.output_type for output in cell.outputs]
        if "error" in kinds and "raises-exception" not in tags(cell):
            yield f"cell [{cell.execution_count}] stores an error"


def nothing_on_stderr(page: Page) -> Iterator[str]:
    """Warnings differ between versions, so they would make the comparison fail one day."""
    for cell in page.code:
        names = [output.get("name") for output in cell.outputs]
        if "stderr" in names and "nbval-ignore-output" not in tags(cell):
            yield f"cell [{cell.execution_count}] writes to stderr"


def no_trailing_semicolon(page: Page) -> Iterator[str]:
    """It silences nothing when the cell is run by the tests."""
    for cell in page.code:
        if cell.source.rstrip().endswith(";"):
            yield f"cell [{cell.execution_count}] ends with a semicolon"


def no_widget_state(page: Page) -> Iterator[str]:
    """A stored state is large, and stale as soon as the code changes."""
    if "widgets" in page.notebook.metadata:
        yield "metadata.widgets is stored"


def images_have_a_description(page: Page) -> Iterator[str]:
    """Not every reader sees the image."""
    for match in re.finditer(r"!\[([^\]]*)\]\(([^)\s]*)", page.prose):
        if len(match[1].strip()) < 3:
            yield f"the image {match[2]} has no alternative text"
    for match in re.finditer(r"<img\b[^>]*>", page.prose):
        if not re.search(r"\balt\s*=\s*[\"'][^\"']{3,}", match[0]):
            yield f"an image has no alternative text: {match[0][:60]}"


def links_lead_somewhere(page: Page) -> Iterator[str]:
    """A link to a file that moved; or a picture from elsewhere, which is missing without a network."""
    for match in re.finditer(r"(!?)\[[^\]]*\]\(<?([^)>\s]+)", page.prose):
        target = unquote(match[2])
        if re.match(r"[a-z]+:", target):
            if match[1]:
                yield f"the image {target} is not a file of the repository"
            continue
        file = target.split("#")[0]
        if file and not (page.path.parent / file).exists():
            yield f"the link {target} leads nowhere"
    for match in re.finditer(r"<img\b[^>]*src\s*=\s*[\"']([^\"']*)", page.prose):
        if not (page.path.parent / match[1]).is_file():
            yield f"the image {match[1]} is not a file of the repository"


def small(page: Page) -> Iterator[str]:
    """A page that loads at once, and a repository that stays small."""
    size = page.path.stat().st_size
    if size >= MAXIMUM_BYTES:
        yield f"{size / 1e6:.2f} MB with its outputs, expected less than {MAXIMUM_BYTES / 1e6:.0f} MB"


def not_too_long(page: Page) -> Iterator[str]:
    """15 to 29 code cells, median at most 10 lines, none over 25. Blank lines do not count.

    Cells that only ask for a prediction, or show the drawn idea, are not among the 29. Notebook 00 and solutions may
    have fewer cells; a solution is little else than its answers, so its median is free.
    """
    count = sum(not only_asks(cell) for cell in page.code)
    lengths = [sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in page.code]
    fewest = 1 if page.is_solution or page.number == 0 else 15
    if not fewest <= count <= 29:
        yield f"{count} code cells, expected {fewest} to 29"
    if lengths and not page.is_solution and statistics.median(lengths) > 10:
        yield f"the median code cell has {statistics.median(lengths):g} lines, expected at most 10"
    for cell, length in zip(page.code, lengths, strict=True):
        if length > 25:
            yield f"cell [{cell.execution_count}] has {length} lines, expected at most 25: move to momi_lib"


def lines_fit(page: Page) -> Iterator[str]:
    """At 1366 pixels, JupyterLab shows 99 characters of a line of code; the rest is behind a scroll bar."""
    for cell in page.code:
        if (longest := max(map(len, cell.source.splitlines()), default=0)) > 99:
            yield f"cell [{cell.execution_count}] has a line of {longest} characters, expected at most 99"


def one_title(page: Page) -> Iterator[str]:
    """One H1, and it comes first."""
    titles = re.findall(r"^# +\S.*$", page.prose, flags=re.MULTILINE)
    if len(titles) != 1:
        yield f"{len(titles)} first-level headings, expected one: {titles}"
    first = page.notebook.cells[0]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "the first cell does not start with the title"


def nothing_left_for_later(page: Page) -> Iterator[str]:
    """A reader cannot know what the author still meant to write."""
    for cell in page.notebook.cells:
        for word in re.findall(r"\b(?:TODO|FIXME|XXX)\b", cell.source):
            yield f"a cell says {word}"


def progress_bars_fit(page: Page) -> Iterator[str]:
    """The plain bar of tqdm writes a line a second into the page; tqdm.auto does not."""
    for cell in page.code:
        if re.search(r"^\s*(?:from tqdm import|import tqdm\b)", cell.source, flags=re.MULTILINE):
            yield f"cell [{cell.execution_count}] imports tqdm; use `from tqdm.auto import tqdm`"


def marks_are_tags(page: Page) -> Iterator[str]:
    """A comment marker with anything after it is silently ignored; a misspelt tag as well."""
    for cell in page.code:
        if re.search(r"#\s*(?:NBVAL|PYTEST)_", cell.source):
            yield f"cell [{cell.execution_count}] is marked by a comment; use a cell tag"
    for cell in page.notebook.cells:
        for tag in sorted(tags(cell) - TAGS):
            yield f"the tag {tag!r} is unknown; known are {', '.join(sorted(TAGS))}"


def outputs_name_no_machine(page: Page) -> Iterator[str]:
    """Paths, names and addresses differ on every machine, and say more than they should."""
    own = [re.escape(name) for name in {platform.node(), getpass.getuser()} if len(name) > 4]
    paths = r"/(?:home|root|Users|tmp|work|private|var|opt|usr)/[\w.]+|\b[A-Z]:\\\w+"
    for cell in page.code:
        for text in texts(cell):
            found = re.search("|".join([rf"(?:{paths})", *own]), text)
            if found:
                yield f"cell [{cell.execution_count}] stores {found[0]!r}"
            if re.search(r"\bat 0x[0-9a-f]{6,}", text):
                yield f"cell [{cell.execution_count}] stores an address in memory"


def starts_its_own_lesson(page: Page) -> Iterator[str]:
    """A copied set-up cell that starts another lesson prints a wrong title and finds wrong exercises."""
    started = re.findall(r"lessons\.start\(\"?(\d+[a-z]?)", "\n".join(cell.source for cell in page.code))
    if started != [str(page.number)]:
        yield f"starts the lessons {started}, expected {page.number} once"


def solutions_are_solved(page: Page) -> Iterator[str]:
    """In a solution every exercise is right."""
    if page.is_solution and any("not attempted yet" in text for cell in page.code for text in texts(cell)):
        yield "an exercise is not attempted"


RULES: tuple[Callable[[Page], Iterator[str]], ...] = (
    counts_run_from_one,
    no_errors,
    nothing_on_stderr,
    no_trailing_semicolon,
    no_widget_state,
    images_have_a_description,
    links_lead_somewhere,
    small,
    not_too_long,
    lines_fit,
    one_title,
    nothing_left_for_later,
    progress_bars_fit,
    marks_are_tags,
    outputs_name_no_machine,
    starts_its_own_lesson,
    solutions_are_solved,
)


def main(names: list[str]) -> int:
    """Print what is wrong with each notebook; the number of findings."""
    found = 0
    for path in map(Path, names):
        page = Page.read(path)
        for rule in RULES:
            for sentence in rule(page):
                found += 1
                print(f"{path}: {sentence}")
    return found


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
