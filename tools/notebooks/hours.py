"""How long a learner needs for a lesson: counted by words, lines of code, predictions and exercises.

    python -m tools.notebooks.hours notebooks/*.ipynb [--json benchmarks/results/hours.json]

The time to *run* a notebook says nothing about the time to learn from it. What is counted, and for how long:

| what | time |
| --- | --- |
| a word of text | half a second: half the speed of silent reading (Brysbaert 2019: 238 words a minute) |
| a line of code | 12 seconds |
| a displayed formula | 1 minute |
| a prediction | 2 minutes |
| an exercise with a checker | 12 minutes |
| an open exercise | 60 minutes, counted apart |

These are assumptions, not measurements of learners; change :data:`MINUTES` to your class.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from momi_lib.evaluate.markdown import table
from momi_lib.files import write_json
from tools.notebooks.check import Page

#: Minutes for one of each.
MINUTES = {"words": 1 / 120, "lines": 0.2, "formulas": 1.0, "predictions": 2.0, "exercises": 12.0, "open": 60.0}


@dataclass(frozen=True)
class Effort:
    """What was counted in a lesson.

    >>> Effort(words=1200, lines=100, formulas=5, predictions=10, exercises=3, open=1).minutes
    111.0
    """

    words: int
    lines: int
    formulas: int
    predictions: int
    exercises: int
    open: int

    @property
    def minutes(self) -> float:
        """Minutes for the lesson without its open exercises."""
        return sum(count * MINUTES[name] for name, count in asdict(self).items() if name != "open")

    @property
    def open_minutes(self) -> float:
        """Minutes for the open exercises."""
        return self.open * MINUTES["open"]


def effort(page: Page) -> Effort:
    """Count what a learner reads and does in a notebook."""
    text = re.sub(r"<[^>]+>", " ", page.prose)
    formulas = re.findall(r"\$\$.*?\$\$", text, flags=re.DOTALL)
    words = len(re.findall(r"[^\W\d_]{2,}", re.sub(r"\$\$?.*?\$\$?", " ", text, flags=re.DOTALL)))
    code = [line for cell in page.code for line in cell.source.splitlines() if line.strip()]
    asked = sum("*Predict" in cell.source for cell in page.notebook.cells)
    exercises = {name for cell in page.code for name in re.findall(r'check\.exercise\("(\w+)"', cell.source)}
    opened = len(re.findall(r"^## (?:An o|O)pen exercise", page.prose, flags=re.MULTILINE))
    return Effort(words, len(code), len(formulas), asked, len(exercises), opened)


def main(arguments: Sequence[str]) -> int:
    """Print the table; with ``--json FILE`` also write it."""
    arguments = list(arguments)
    out = None
    if "--json" in arguments:
        place = arguments.index("--json")
        if place + 1 >= len(arguments):
            print("--json: expected the name of a file after it")
            return 2
        out = Path(arguments.pop(place + 1))
        arguments.pop(place)
    if not arguments:
        print("expected notebooks, such as notebooks/*.ipynb")
        return 2
    found = {name: effort(Page.read(Path(name))) for name in arguments}
    rows = [[Path(name).stem, *asdict(each).values(), f"{each.minutes / 60:.1f}", f"{each.open_minutes / 60:.0f}"]
            for name, each in found.items()]  # fmt: skip
    print("\n".join(table(["notebook", *MINUTES, "hours", "hours, open"], rows)))
    print(f"\ntogether: {sum(each.minutes for each in found.values()) / 60:.0f} hours, and "
          f"{sum(each.open_minutes for each in found.values()) / 60:.0f} for the open exercises")  # fmt: skip
    if out is not None:
        content = {name: {**asdict(each), "minutes": round(each.minutes)} for name, each in found.items()}
        write_json(out, {"command": f"python -m tools.notebooks.hours --json {out.as_posix()} notebooks/*.ipynb",
                         "minutes for one": MINUTES, "lessons": content})  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
