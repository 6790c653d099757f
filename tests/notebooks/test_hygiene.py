"""What a strict comparison of outputs does not see, for every notebook; and that the comparison bites."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from momi_lib.lessons import SERIES
from momi_lib.lessons.series import key
from tools.notebooks.check import RULES, Page

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(path for path in FOLDER.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
LESSONS = [path for path in NOTEBOOKS if path.parent == FOLDER]


def name(value: object) -> str:
    return value.relative_to(FOLDER).as_posix() if isinstance(value, Path) else value.__name__


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_notebook_is_clean(path: Path) -> None:
    page = Page.read(path)
    nbformat.validate(page.notebook)
    assert [f"{rule.__name__}: {sentence}" for rule in RULES for sentence in rule(page)] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_title_is_the_one_of_the_series(path: Path) -> None:
    entries = {entry.file: entry for entry in SERIES}
    assert path.name in entries, f"momi_lib/lessons/series.py does not list {path.name}"
    title = Page.read(path).notebook.cells[0].source.splitlines()[0]
    heading = f"# {entries[path.name].heading}"
    assert title.startswith(heading), f"expected {heading}"


@pytest.mark.parametrize("entry", SERIES, ids=lambda entry: entry.file)
def test_every_entry_of_the_series_is_there(entry: object) -> None:
    assert (FOLDER / entry.file).is_file()
    assert entry.file.startswith(f"{key(entry.number)}_")


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_exercises_have_solutions(path: Path) -> None:
    page = Page.read(path)
    if any("check.exercise(" in cell.source for cell in page.code):
        assert (FOLDER / "solutions" / path.name).is_file()


def good_page(folder: Path) -> Page:
    """A small notebook that breaks no rule."""
    path = folder / "00_small.ipynb"
    cells = [
        new_markdown_cell(
            "# 0 · A title\n\n![A red square](square.png) and [a link](square.png#top), `[x](y)`"
        ),
        new_code_cell("lesson = momi.lessons.start(0)", execution_count=1),
        new_code_cell("print(6 * 7)", execution_count=2, outputs=[new_output("stream", text="42\n")]),
    ]
    (folder / "square.png").write_bytes(b"")
    notebook = new_notebook(cells=cells)
    nbformat.write(notebook, path)
    return Page(path, notebook)


def stream(text: str, kind: str = "stdout") -> list:
    return [new_output("stream", name=kind, text=text)]


def error() -> list:
    return [new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])]


def break_it(rule: str, page: Page) -> None:
    """Do what a rule forbids."""
    title, _, code = page.notebook.cells
    changes: dict[str, Callable[[], object]] = {
        "counts_run_from_one": lambda: code.update(execution_count=None),
        "no_errors": lambda: code.update(outputs=error()),
        "nothing_on_stderr": lambda: code.update(outputs=stream("Warning", "stderr")),
        "no_trailing_semicolon": lambda: code.update(source="plt.plot(x);\n"),
        "no_widget_state": lambda: page.notebook.metadata.update(widgets={}),
        "images_have_a_description": lambda: title.update(source="# 0 · A title\n\n![](square.png)"),
        "links_lead_somewhere": lambda: title.update(source="# 0 · A title\n\n[gone](gone.ipynb)"),
        "small": lambda: page.path.write_bytes(b" " * 1_000_000),
        "not_too_long": lambda: code.update(source="x = 1\n" * 26),
        "lines_fit": lambda: code.update(source="x" * 100),
        "one_title": lambda: title.update(source="# 0 · A title\n\n# And another"),
        "nothing_left_for_later": lambda: code.update(source="# " + "TODO" + ": explain"),
        "progress_bars_fit": lambda: code.update(source="from tqdm import tqdm"),
        "marks_are_tags": lambda: code.update(source="# NBVAL_IGNORE_OUTPUT because it varies"),
        "outputs_name_no_machine": lambda: code.update(outputs=stream("saved to /home/me/runs")),
        "starts_its_own_lesson": lambda: code.update(source="momi.lessons.start(3, seed=0)"),
        "solutions_are_solved": lambda: code.update(outputs=stream("· Double: not attempted yet")),
    }
    changes[rule]()


def test_a_clean_notebook_breaks_no_rule(tmp_path: Path) -> None:
    page = good_page(tmp_path)
    assert [sentence for rule in RULES for sentence in rule(page)] == []


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_each_rule_finds_what_it_is_for(rule: Callable, tmp_path: Path) -> None:
    folder = tmp_path / "solutions"
    folder.mkdir()
    page = good_page(folder)
    break_it(rule.__name__, page)
    assert list(rule(page))


@pytest.mark.parametrize(
    ("rule", "cell", "finding"),
    [
        ("images_have_a_description", '<img src="square.png">', "no alternative text"),
        ("links_lead_somewhere", "![A photo](https://example.org/a.jpg)", "not a file of the repository"),
        ("links_lead_somewhere", '<img src="gone.png" alt="gone">', "not a file of the repository"),
        ("one_title", "A first line\n\n# 0 · A title", "does not start with the title"),
    ],
)
def test_other_forms_are_found_as_well(rule: str, cell: str, finding: str, tmp_path: Path) -> None:
    page = good_page(tmp_path)
    page.notebook.cells[0].source = cell if rule == "one_title" else f"# 0 · A title\n\n{cell}"
    function = next(candidate for candidate in RULES if candidate.__name__ == rule)
    assert [finding in sentence for sentence in function(page)] == [True]


def test_tags_are_known(tmp_path: Path) -> None:
    page = good_page(tmp_path)
    page.notebook.cells[2].metadata["tags"] = ["nbval-ignore-output", "nbval-ingore-output"]
    rule = next(candidate for candidate in RULES if candidate.__name__ == "marks_are_tags")
    assert [sentence for sentence in rule(page) if "'nbval-ingore-output' is unknown" in sentence]


@pytest.mark.slow
def test_strict_comparison_fails_when_a_stored_output_was_changed(tmp_path: Path) -> None:
    """The comparison on which the whole series rests: right outputs pass, and each wrong one is found."""
    result = new_output("execute_result", {"text/plain": "'left'"}, execution_count=2)
    cells = [
        new_code_cell("print(6 * 7)", execution_count=1, outputs=stream("42\n")),
        new_code_cell("'le' + 'ft'", execution_count=2, outputs=[result]),
        new_code_cell("print('said')", execution_count=3, outputs=stream("said\n")),
    ]
    good = new_notebook(cells=cells)
    bad = copy.deepcopy(good)
    bad.cells[0].outputs[0].text = "43\n"
    bad.cells[1].outputs[0].data["text/plain"] = "'right'"
    bad.cells[2].outputs = []
    nbformat.write(good, tmp_path / "good.ipynb")
    nbformat.write(bad, tmp_path / "bad.ipynb")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # not the settings of the project
    options = ["--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-rA", "--color=no"]
    command = [sys.executable, "-m", "pytest", *options]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert len(re.findall(r"^PASSED good\.ipynb::", ran.stdout, flags=re.MULTILINE)) == 3, ran.stdout
    assert len(re.findall(r"^FAILED bad\.ipynb::", ran.stdout, flags=re.MULTILINE)) == 3, ran.stdout
    assert ran.returncode == 1
