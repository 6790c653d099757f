"""Every lesson keeps what the form of the series promises; and each rule finds what it is for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.notebooks.check import Page
from tools.notebooks.lesson_form import FORM, row

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = [pytest.param(path, id=path.name) for path in sorted(FOLDER.glob("*.ipynb"))]

TITLE = """# 0 · A title

**Time** a minute · **Memory** little · **Downloads** nothing · **Builds on** nothing

Afterwards you will be able to

1. add,
2. subtract
   in two lines,
3. stop."""

QUESTION = """## 1 · How?

*Predict:* what is 1 + 1?

$$a + b = c$$

| symbol | name | shape |
| --- | --- | --- |
| $a$ | `a` | () |"""

EXERCISES = """lesson.check.exercise("mirrored_x", mirrored_x)
lesson.check.exercise("to_bytes", to_bytes)
lesson.check.exercise("bytes_needed", bytes_needed)"""

END = """## Summary

1. Add.
2. Subtract.
3. Stop.

## What this toy does not show

Products.

## Next

The rest."""


STORY = """## Open exercise · Why?

| points | what counts |
| --- | --- |
| 1 | a reason |

## Read on

[a](https://arxiv.org/abs/1) and [b](https://doi.org/2)

## Summary"""


def said(text: str) -> dict:
    return new_output("stream", text=text)


def figure(alt: str = "a line that rises from left to right") -> dict:
    return new_output("display_data", {"image/png": "…"}, metadata={"image/png": {"alt": alt}})


def good_page() -> Page:
    """A small lesson that misses nothing."""
    checks = "\n".join(f'lesson.check.goal({n}).same("s", 1, 1)' for n in (1, 2, 3))
    told = "✓ goal 1: s\n✓ goal 2: s\n✓ goal 3: s\n✓ 3 checks passed\n"
    cells = [
        new_markdown_cell(TITLE),
        new_code_cell('lesson.figures.diagram("data")', outputs=[figure()]),
        new_markdown_cell("*In words:* pictures."),
        new_markdown_cell(QUESTION),
        new_code_cell("def add(a, b): ..."),
        new_code_cell("figures.curves(c)", outputs=[figure(), said("It rises.\n")]),
        new_markdown_cell("## Try it\n\n**Does it fall?**"),
        new_code_cell("widgets.HBox([slider, image])", metadata={"tags": ["nbval-ignore-output"]}),
        new_markdown_cell("The same without a kernel:"),
        new_code_cell("figures.curves(d)", outputs=[figure(), said("It falls.\n")]),
        new_code_cell(EXERCISES),
        new_code_cell(checks + "\nlesson.check.summary()", outputs=[said(told)]),
        new_markdown_cell(END),
    ]
    return Page(Path("00_small.ipynb"), new_notebook(cells=cells))


def story_page() -> Page:
    """The same lesson as a story: the problem first, predictions that are kept, an open exercise, what to read."""
    page = good_page()
    cells = page.notebook.cells
    cells[1:3] = [
        new_markdown_cell("## The problem\n\nIt fails."),
        new_code_cell("figures.curves(a)", outputs=[figure(), said("It fails.\n")]),
        new_markdown_cell("## The idea"),
        new_code_cell("lesson.idea()", outputs=[figure()]),
        new_markdown_cell("*In words:* pictures."),
    ]
    asked = "*Predict:* what is 1 + 1?"
    cells[6] = new_markdown_cell(QUESTION.replace(f"\n{asked}\n", "") + f"\n\n{asked}")
    cells.insert(7, new_code_cell('lesson.predict("sum")'))
    cells[8] = new_code_cell('add(1, 1)\nlesson.reveal("sum", 2)', outputs=[said("2\n")])
    solved = new_code_cell("figures.curves(b)", outputs=[figure(), said("It works.\n")])
    cells[14:14] = [new_markdown_cell("## The problem, solved"), solved]
    cells[-1].source = cells[-1].source.replace("## Summary", STORY)
    return page


def change(page: Page, number: int, old: str, new: str) -> None:
    cell = page.notebook.cells[number]
    assert old in cell.source
    cell.source = cell.source.replace(old, new)


def outputs(page: Page, number: int, *values: dict) -> None:
    page.notebook.cells[number].outputs = list(values)


STORY_BREAKS: dict[str, list[tuple[Callable[[Page], object], str]]] = {
    "the_problem_comes_first_and_is_solved": [
        (lambda p: change(p, 3, "## The idea", "## An idea"), "the first sections are"),
        (lambda p: change(p, 14, ", solved", ", again"), "no section 'The problem, solved'"),
        (lambda p: outputs(p, 2, said("x")), "the section 'The problem' shows no picture"),
        (lambda p: change(p, 4, "idea", "picture"), "does not show lesson.idea()"),
    ],
    "predictions_are_kept_and_revealed": [
        (lambda p: change(p, 6, "1 + 1?", "1 + 1?\n\nThink."), "not the one last paragraph"),
        (lambda p: change(p, 7, "predict", "expect"), "no lesson.predict after"),
        (lambda p: change(p, 8, '"sum"', '"difference"'), "never revealed: ['sum']"),
    ],
    "one_exercise_is_open": [
        (lambda p: change(p, -1, "## Open exercise", "## Another exercise"), "no section '## Open exercise"),
        (lambda p: change(p, -1, "| points |", "| marks |"), "no rubric"),
    ],
    "it_says_where_to_read_on": [(lambda p: change(p, -1, "doi.org", "example.org"), "has 1 links")],
}

BREAKS: dict[str, list[tuple[Callable[[Page], object], str]]] = {
    "says_what_it_costs": [(lambda p: change(p, 0, "**Memory**", "memory"), "does not say **Memory**")],
    "every_goal_has_a_check": [
        (lambda p: change(p, 0, "1. add", "- add"), "the goals are numbered"),
        (lambda p: change(p, 0, "\n3. stop.", ""), "expected 1 to 3 or 1 to 4"),
        (lambda p: change(p, 11, "goal(2)", "goal(1)"), "marked for the goals [1, 1, 3]"),
        (lambda p: outputs(p, 11, said("✓ goal 1: s\n")), "tells of the goals [1]"),
    ],
    "the_end_answers_the_goals": [
        (lambda p: change(p, 12, "## Next", "### Next"), "no section with the way on"),
        (lambda p: change(p, 12, "\nProducts.", ""), "no section with the limits"),
        (lambda p: change(p, 12, "3. Stop.", ""), "the summary answers [1, 2]"),
    ],
    "predictions_come_before_what_they_ask": [
        (lambda p: outputs(p, 5), "nothing is revealed after '*Predict:* what is 1 + 1?"),
    ],
    "every_section_asks": [(lambda p: change(p, 3, "*Predict:*", "Now:"), "'How?' has no *Predict:*")],
    "from_an_equation_to_the_library": [
        (lambda p: change(p, 3, "$$a + b = c$$", ""), "no equation"),
        (lambda p: change(p, 3, "| symbol |", "| thing |"), "no table of symbols"),
        (lambda p: change(p, 11, ".same(", ".equal("), "compared with the library"),
    ],
    "three_exercises": [
        (lambda p: change(p, 10, 'lesson.check.exercise("to_bytes", to_bytes)\n', ""), "2 exercises"),
        (lambda p: change(p, 10, '"to_bytes"', '"no_such"'), "'no_such' knows 0 mistakes"),
    ],
    "figures_say_what_they_show": [
        (lambda p: outputs(p, 5, figure("short"), said("It rises.\n")), "without a text in place of it"),
        (lambda p: outputs(p, 5, said("It rises.\n"), figure()), "prints nothing under a figure"),
        (lambda p: outputs(p, 5, figure(), figure(), said("They rise.\n")), "prints nothing under a figure"),
        (lambda p: change(p, 2, "*In words:*", "Look:"), "prints nothing under a figure"),
    ],
    "widgets_have_a_static_form": [
        (lambda p: change(p, 7, "widgets.HBox", "print"), "no widget"),
        (lambda p: outputs(p, 9, said("It falls.\n")), "no 'without a kernel' with a figure"),
        (lambda p: change(p, 8, "without a kernel", "again"), "no 'without a kernel' with a figure"),
    ],
}


@pytest.mark.parametrize("path", LESSONS)
def test_lesson_keeps_the_form(path: Path) -> None:
    page = Page.read(path)
    assert [f"{rule.__name__}: {sentence}" for rule in FORM for sentence in rule(page)] == []


def test_a_good_lesson_misses_nothing() -> None:
    assert [sentence for rule in FORM for sentence in rule(good_page())] == []


def test_there_is_a_break_for_each_rule() -> None:
    assert sorted([*BREAKS, *STORY_BREAKS]) == sorted(rule.__name__ for rule in FORM)


def test_a_good_story_misses_nothing() -> None:
    page = Page(Path("01_small.ipynb"), story_page().notebook)
    known = {"three_exercises"}  # these are lesson 0's
    assert [s for rule in FORM if rule.__name__ not in known for s in rule(page)] == []


@pytest.mark.parametrize(
    ("rule", "number"),
    [(rule, n) for rule in FORM for n in range(len(STORY_BREAKS.get(rule.__name__, ())))],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_rule_of_the_story_finds_what_it_is_for(rule: Callable, number: int) -> None:
    page = Page(Path("01_small.ipynb"), story_page().notebook)
    damage, words = STORY_BREAKS[rule.__name__][number]
    damage(page)
    assert any(words in sentence for sentence in rule(page)), list(rule(page))


@pytest.mark.parametrize(
    ("rule", "number"),
    [(rule, n) for rule in FORM for n in range(len(BREAKS.get(rule.__name__, ())))],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_rule_finds_what_it_is_for(rule: Callable, number: int) -> None:
    page = good_page()
    damage, words = BREAKS[rule.__name__][number]
    damage(page)
    assert any(words in sentence for sentence in rule(page)), list(rule(page))


def test_the_table_counts() -> None:
    line = row(good_page()).split()
    assert line[:5] == ["00_small.ipynb", "3", "3", "1", "3"] and line[-2:] == ["3", "0"]
