"""Grade a folder of notebooks with private cases: a row for each notebook, a column for each exercise.

    python -m tools.notebooks.grade submissions/*/*.ipynb --salt "spring 2027" --out marks.csv

Each notebook runs in a fresh kernel, in quick mode, with a last cell that calls ``lesson.grade(SALT)``. A cell
that fails does not stop the others, and nothing is written into the notebooks. Learners' code runs with your rights:
use a container without a network.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import tyro
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from momi_lib.data.pictures import check_writable
from momi_lib.files import write_atomically
from tools.notebooks.run import SETTINGS, Client

MARK = "momi-grade "


@dataclass(frozen=True)
class Config:
    """What to grade.

    Attributes:
        notebooks: the submissions.
        salt: a text that the learners do not know.
        out: CSV to write.
        timeout: seconds that one cell may take.
    """

    notebooks: tyro.conf.Positional[tuple[Path, ...]]
    salt: str
    out: Path = Path("marks.csv")
    timeout: int = 120


def grade_notebook(path: Path, salt: str, timeout: int = 120) -> dict[str, str]:
    """The marks of one submission: exercise → 1, 0 or empty, with "points", "of" and "note".

    Args:
        path: the notebook.
        salt: of the private cases.
        timeout: seconds that one cell may take.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises errors of many kinds
        return {"note": f"cannot be read: {error}"}
    if not any("lessons.start(" in cell.source for cell in notebook.cells if cell.cell_type == "code"):
        return {"note": "no cell calls momi.lessons.start: this is no notebook of the series"}
    for cell in notebook.cells:
        cell.get("metadata", {}).pop("tags", None)
    last = (
        "import json as _json\n_grade = lesson.grade(" + repr(salt) + ", show=False)\n"
        f'print("{MARK}" + _json.dumps({{m.name: m.right for m in _grade.marks}}))'
    )
    notebook.cells.append(nbformat.v4.new_code_cell(last))
    client = Client(notebook, timeout=timeout, allow_errors=True, kernel_name="python3",
                    resources={"metadata": {"path": str(path.resolve().parent)}})  # fmt: skip
    before = dict(os.environ)
    os.environ.update(SETTINGS)
    try:
        client.execute()
    except (CellTimeoutError, DeadKernelError) as error:
        return {"note": str(error).splitlines()[0]}
    finally:
        os.environ.clear()
        os.environ.update(before)
    texts = [output.get("text", "") for output in notebook.cells[-1].outputs]
    found = re.search(re.escape(MARK) + r"(\{.*\})", "".join(texts))
    if found is None:
        return {"note": "the last cell failed: the notebook does not define `lesson`, or changes it"}
    marks: dict[str, bool | None] = json.loads(found[1])
    written = {name: "" if right is None else str(int(right)) for name, right in marks.items()}
    failed = sum(o.output_type == "error" for c in notebook.cells if c.cell_type == "code" for o in c.outputs)
    note = f"{failed} cells failed" if failed else ""
    points = sum(right is True for right in marks.values())
    return {"points": str(points), "of": str(len(marks)), "note": note, **written}


def main(config: Config) -> int:
    """Grade all, and write the table; 1 if a notebook could not be graded."""
    if not config.salt:
        raise SystemExit("--salt: expected a text that the learners do not know, got an empty one")
    if missing := [str(path) for path in config.notebooks if not path.is_file()]:
        raise SystemExit(f"{missing[0]}: no such file; expected notebooks (.ipynb)")
    check_writable(config.out)
    rows = []
    for path in config.notebooks:
        rows.append({"notebook": str(path), **grade_notebook(path, config.salt, config.timeout)})
        said = f"{rows[-1]['points']} of {rows[-1]['of']}" if "points" in rows[-1] else rows[-1]["note"]
        print(f"{path}: {said}", flush=True)
    names = list(dict.fromkeys(["notebook", "points", "of", "note", *(name for row in rows for name in row)]))
    lines: list[str] = []

    class Lines:
        write = staticmethod(lines.append)

    table = csv.DictWriter(Lines, names, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    text = "".join(lines).encode("utf-8-sig")  # spreadsheets know the encoding by its first bytes
    write_atomically(config.out, lambda file: file.write(text))
    return int(any("points" not in row for row in rows))


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Config, description=__doc__)))
