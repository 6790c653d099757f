"""Check that a lesson has the form that the series promises: goals and their checks, predictions, exercises, figures.

    python -m tools.notebooks.lesson_form notebooks/03_*.ipynb [--table]

tests/notebooks/test_form.py runs the same rules on every lesson. A rule is a function that takes a Page and yields
one sentence for each thing that is missing; its docstring says why it matters. `--table` prints what was counted.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

import nbformat

from momi_lib.lessons.exercises import exercises_of
from tools.notebooks.check import Page, only_asks

#: The sections at the end, by what they are → their headings.
CLOSING = {"summary": r"## Summary", "limits": r"## What this \w+ does not show", "way on": r"## Next"}
GOALS = re.compile(r"you will be able to\s*\n+((?:\d+\. .*\n?(?:   .*\n?)*)+)")
#: Sections that answer no question of their own.
FREE = ("the whole in one picture", "the problem", "the idea", "the library's version", "try it", "exercises",
        "open exercise", "summary", "what this", "read on", "next")  # fmt: skip


def goals_of(page: Page) -> list[int]:
    """The numbers of the goals at the top."""
    found = GOALS.search(page.notebook.cells[0].source + "\n")
    return [int(number) for number in re.findall(r"^(\d+)\. ", found[1], flags=re.MULTILINE)] if found else []


def goal_checks(page: Page) -> list[int]:
    """The goals that checks are marked with, in order."""
    return [int(n) for cell in page.code for n in re.findall(r"check\.goal\((\d+)\)\.", cell.source)]


def exercises_in(page: Page) -> list[str]:
    """The exercises that the learner meets, by name."""
    names = [n for cell in page.code for n in re.findall(r'check\.exercise\("(\w+)", (\w+)\)', cell.source)]
    return list(dict.fromkeys(name for name, _ in names))


def section(page: Page, heading: str) -> str:
    """The text under a second-level heading; empty where there is none."""
    found = re.search(rf"^{heading}\s*$(.*?)(?=^## |\Z)", page.prose, flags=re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def is_image(output: nbformat.NotebookNode) -> bool:
    """Whether an output is a figure."""
    return any(kind.startswith("image/") for kind in output.get("data", {}))


def is_widget(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell shows a widget."""
    return bool(re.search(r"\binteractive_output\(|\bwidgets\.HBox\(|\bwidgets\.VBox\(|\w*Explorer\(", cell.source))


def says_what_it_costs(page: Page) -> Iterator[str]:
    """A reader decides at the top whether there is time: minutes, memory, downloads, and what it builds on."""
    for word in ("Time", "Memory", "Downloads", "Builds on"):
        if f"**{word}**" not in re.sub(r"\s+", " ", page.notebook.cells[0].source):
            yield f"the line under the title does not say **{word}**"


def every_goal_has_a_check(page: Page) -> Iterator[str]:
    """What a lesson promises, it shows: three or four goals, each answered by one marked check."""
    goals, marked = goals_of(page), goal_checks(page)
    if goals != list(range(1, len(goals) + 1)) or not 3 <= len(goals) <= 4:
        yield f"the goals are numbered {goals}, expected 1 to 3 or 1 to 4 under 'you will be able to'"
    if sorted(marked) != goals:
        yield f"checks are marked for the goals {sorted(marked)}, expected one for each of {goals}"
    told = [int(n) for cell in page.code for o in cell.outputs for n in re.findall(r"✓ goal (\d+):", o.get("text", ""))]
    if told != goals:
        yield f"the last check tells of the goals {told}, expected {goals}: call check.summary() once, and run it"


def the_end_answers_the_goals(page: Page) -> Iterator[str]:
    """Summary, limits and the way on; the summary has an answer for each goal, with the same number."""
    for what, heading in CLOSING.items():
        if not section(page, heading):
            yield f"no section with the {what} ({heading!r}), or no text in it"
    answers = [int(n) for n in re.findall(r"^(\d+)\. ", section(page, CLOSING["summary"]), flags=re.MULTILINE)]
    if answers != goals_of(page):
        yield f"the summary answers {answers}, the goals are {goals_of(page)}"


def predictions_come_before_what_they_ask(page: Page) -> Iterator[str]:
    """A guess is worth making while the answer is still hidden: the cell after the question reveals it."""
    cells = page.notebook.cells
    for number, cell in enumerate(cells):
        if cell.cell_type == "markdown" and "*Predict" in cell.source:
            code = list(takewhile(lambda after: after.cell_type == "code", cells[number + 1 :]))
            if told_as_a_story(page):  # the prediction, a word before the answer, the answer
                code += [after for after in cells[number + 1 : number + 5] if after.cell_type == "code"]
                code = [after for after in code if not only_asks(after)]
            if not any(after.outputs for after in code):
                yield f"nothing is revealed after {cell.source[cell.source.index('*Predict') :][:60]!r}"


def told_as_a_story(page: Page) -> bool:
    """Whether a lesson has the form that begins with a problem; the others are yet to be rewritten."""
    return "## The problem" in page.prose


def the_problem_comes_first_and_is_solved(page: Page) -> Iterator[str]:
    """A picture of what goes wrong is a reason to read on; the same picture, repaired, shows that it was worth it."""
    if not told_as_a_story(page):
        return
    titles = [title.strip() for title in re.findall(r"^## (.*)$", page.prose, flags=re.MULTILINE)]
    if titles[:2] != ["The problem", "The idea"]:
        yield f"the first sections are {titles[:2]}, expected 'The problem' and 'The idea'"
    if "The problem, solved" not in titles:
        yield "no section 'The problem, solved'"
    for wanted in ("The problem", "The problem, solved"):
        if not any(is_image(output) for cell in cells_of(page, wanted) for output in cell.get("outputs", [])):
            yield f"the section {wanted!r} shows no picture"
    drawn = [cell for cell in cells_of(page, "The idea") if cell.source.strip() == "lesson.idea()"]
    if len(drawn) != 1:
        yield "the section 'The idea' does not show lesson.idea()"


def cells_of(page: Page, heading: str) -> list[nbformat.NotebookNode]:
    """The cells of a second-level section, from the cell with its heading to the one with the next heading."""
    found, inside = [], False
    for cell in page.notebook.cells:
        titles = re.findall(r"^## (.*)$", cell.source, flags=re.MULTILINE) if cell.cell_type == "markdown" else []
        if inside:
            found.append(cell)
        if titles:
            inside = titles[-1].strip() == heading
    return found


def predictions_are_kept_and_revealed(page: Page) -> Iterator[str]:
    """A prediction is written before the answer is shown, stays in the notebook, and is compared with the answer."""
    if not told_as_a_story(page):
        return
    asked, told = [], []
    cells = page.notebook.cells
    for number, cell in enumerate(cells):
        if cell.cell_type == "code":
            asked += re.findall(r"lesson\.predict\(\s*\"([^\"]+)\"", cell.source)
            told += re.findall(r"lesson\.reveal\(\s*\"([^\"]+)\"", cell.source)
        elif "*Predict:*" in cell.source:
            last = cell.source.rstrip().rpartition("\n\n")[2]
            if not last.startswith("*Predict:*") or cell.source.count("*Predict:*") > 1:
                yield f"*Predict:* is not the one last paragraph of its cell: {cell.source[-60:]!r}"
            if "lesson.predict(" not in cells[number + 1].source:
                yield f"no lesson.predict after {cell.source[cell.source.index('*Predict:*') :][:60]!r}"
    if sorted(asked) != sorted(set(asked)):
        yield f"a prediction has a name twice: {sorted(asked)}"
    if sorted(asked) != sorted(told):
        yield f"asked and never revealed: {sorted(set(asked) - set(told))}"
        yield f"revealed and never asked: {sorted(set(told) - set(asked))}"


def one_exercise_is_open(page: Page) -> Iterator[str]:
    """What a checker cannot judge: train, change or explain something, with a rubric that says what counts."""
    if not told_as_a_story(page):
        return
    text = section(page, r"## Open exercise [^\n]*")
    if not text:
        yield "no section '## Open exercise · …'"
    elif "| points |" not in text:
        yield "the open exercise has no rubric (a table whose head starts with '| points |')"


def it_says_where_to_read_on(page: Page) -> Iterator[str]:
    """Two papers at least, by title, with a number that can be followed."""
    if not told_as_a_story(page) or page.number == 0:
        return
    found = re.findall(r"arxiv\.org/abs/|doi\.org/", section(page, "## Read on"))
    if len(found) < 2:
        yield f"'## Read on' has {len(found)} links to arXiv or a DOI, expected at least 2"


def every_section_asks(page: Page) -> Iterator[str]:
    """A section without a question to commit to is a lecture."""
    title, asked = "", True
    for heading, text in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page.prose, flags=re.MULTILINE | re.DOTALL):
        title = re.sub(r"^\d+ · ", "", heading).strip()
        asked = "*Predict" in text or title.lower().startswith(FREE) or "\n" not in text.strip()
        if not asked:
            yield f"the section {title!r} has no *Predict:*"


def from_an_equation_to_the_library(page: Page) -> Iterator[str]:
    """Equation, symbols with their shapes, and at last the library's version, which must agree."""
    if "$$" not in page.prose:
        yield "no equation"
    if not re.search(r"^\| symbol \| name \|", page.prose, flags=re.MULTILINE):
        yield "no table of symbols, names and shapes (its head starts with '| symbol | name |')"
    if not any(".same(" in cell.source for cell in page.code):
        yield "nothing is compared with the library (check.same)"


def three_exercises(page: Page) -> Iterator[str]:
    """Three exercises at least, each with a checker that knows two typical mistakes and tells them apart."""
    names, known = exercises_in(page), exercises_of(page.number)
    if len(names) < 3:
        yield f"{len(names)} exercises, expected at least 3"
    for name in names:
        wrong = known[name].wrong if name in known else {}
        if len({hint.strip().lower() for hint in wrong}) < 2:
            yield f"the exercise {name!r} knows {len(wrong)} mistakes, expected at least 2 with hints of their own"
    if set(names) != set(known):
        yield f"exercises in the notebook {sorted(names)}, in momi_lib/lessons/exercises {sorted(known)}"


def figures_say_what_they_show(page: Page) -> Iterator[str]:
    """No test compares pictures: under each figure stands a computed sentence, and in it a text for who cannot see."""
    cells = page.notebook.cells
    for number, cell in enumerate(cells):
        if cell.cell_type != "code":
            continue
        for place, output in enumerate(cell.outputs):
            if not is_image(output):
                continue
            alts = [entry.get("alt", "") for entry in output.metadata.values() if isinstance(entry, dict)]
            if not any(len(alt) >= 20 for alt in alts):
                yield f"cell [{cell.execution_count}] shows a figure without a text in place of it: figures.show"
            if ".diagram(" in cell.source or "lesson.idea(" in cell.source:  # the words stand below
                told = number + 1 < len(cells) and cells[number + 1].source.startswith("*In words:*")
            else:
                told = any(later.get("output_type") == "stream" for later in cell.outputs[place + 1 : place + 2])
            if not told and not is_widget(cell):
                yield f"cell [{cell.execution_count}] prints nothing under a figure"


def widgets_have_a_static_form(page: Page) -> Iterator[str]:
    """A page without a kernel shows no widget; the same answer stands under it as a figure that is compared."""
    cells = page.notebook.cells
    found = [number for number, cell in enumerate(cells) if cell.cell_type == "code" and is_widget(cell)]
    if not found and page.number is not None:
        yield "no widget"
    for number in found:
        words, fallback = [*cells[number + 1 : number + 3], None, None][:2]
        told = words is not None and "without a kernel" in words.source
        drawn = fallback is not None and any(map(is_image, fallback.get("outputs", [])))
        if not (told and drawn):
            yield f"no 'without a kernel' with a figure after the widget in cell [{cells[number].execution_count}]"


FORM: tuple[Callable[[Page], Iterator[str]], ...] = (
    says_what_it_costs,
    the_problem_comes_first_and_is_solved,
    predictions_are_kept_and_revealed,
    one_exercise_is_open,
    it_says_where_to_read_on,
    every_goal_has_a_check,
    the_end_answers_the_goals,
    predictions_come_before_what_they_ask,
    every_section_asks,
    from_an_equation_to_the_library,
    three_exercises,
    figures_say_what_they_show,
    widgets_have_a_static_form,
)


def row(page: Page) -> str:
    """One line of the table: what was counted in a lesson."""
    images = sum(is_image(output) for cell in page.code for output in cell.outputs)
    asked = sum(cell.source.count("*Predict") for cell in page.notebook.cells)
    wrong = [len(exercise.wrong) for exercise in exercises_of(page.number).values()]
    found = sum(1 for rule in FORM for _ in rule(page))
    counts = (len(goals_of(page)), len(goal_checks(page)), asked, len(exercises_in(page)), wrong, images, found)
    return f"{page.path.name:32} " + " ".join(f"{count!s:>11}" for count in counts)


def main(arguments: list[str]) -> int:
    """Print what each lesson misses, and with --table what it has; the number of findings."""
    pages = [Page.read(Path(name)) for name in arguments if name != "--table"]
    if "--table" in arguments:
        names = ("goals", "checks", "predictions", "exercises", "mistakes", "figures", "findings")
        print(" " * 32, *(f"{name:>11}" for name in names))
        print(*map(row, pages), sep="\n")
    sentences = [f"{page.path}: {sentence}" for page in pages for rule in FORM for sentence in rule(page)]
    print(*sentences, sep="\n")
    return len(sentences)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
