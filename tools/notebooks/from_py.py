"""Write a notebook as a plain .py file in percent format, and turn it into an .ipynb (or back).

    python tools/notebooks/from_py.py lesson.py notebooks/03_lesson.ipynb     # .py → .ipynb
    python tools/notebooks/from_py.py notebooks/03_lesson.ipynb lesson.py     # .ipynb → .py

The format, cell by cell:

    # %% [markdown]
    # # One H1, the title
    #
    # Text, $equations$ and tables; each line starts with "# ".

    # %%
    %load_ext autoreload
    import torch                    # magics stand as they are, without a comment sign

    # %% tags=["nbval-ignore-output"]
    elapsed()                       # tags as a JSON list; markdown cells take them too

Whatever stands before the first marker is ignored (room for a note to the author). Empty lines at the ends
of a cell are dropped, and empty cells vanish. Cell ids come from the index (`cell-00`, `cell-01`, ...), so
that converting again changes only what was edited. The notebook has no outputs: tools/notebooks/run.py
adds them.

The committed source of a lesson is its .ipynb: the .py is a way to write it quickly.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

MARKER = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?: tags=(?P<tags>\[.*\]))?\s*$")
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def uncomment(lines: list[str], first: int) -> list[str]:
    """Markdown lines without their comment sign; a line without one is an error (a forgotten marker)."""
    text = []
    for number, line in enumerate(lines, first):
        if line.strip() == "":
            text.append("")
        elif line.rstrip() == "#":
            text.append("")
        elif line.startswith("# "):
            text.append(line[2:])
        else:
            raise ValueError(f"line {number}: a markdown cell's lines start with '# ', got {line!r}")
    return text


def parse(text: str) -> nbformat.NotebookNode:
    """The notebook that a percent-format text describes."""
    cells: list[tuple[bool, list[str], int, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        marker = MARKER.match(line)
        if marker:
            tags = json.loads(marker["tags"]) if marker["tags"] else []
            cells.append((bool(marker["markdown"]), tags, number + 1, []))
        elif line.startswith("# %%"):
            raise ValueError(f'line {number}: expected "# %%", "# %% [markdown]" or tags=[...], got {line!r}')
        elif cells:
            cells[-1][3].append(line)
    notebook = new_notebook(metadata=METADATA)
    for markdown, tags, first, lines in cells:
        source = "\n".join(uncomment(lines, first) if markdown else lines).strip("\n")
        if not source.strip():
            continue
        make = new_markdown_cell if markdown else new_code_cell
        cell = make(source, id=f"cell-{len(notebook.cells):02d}", metadata={"tags": tags} if tags else {})
        notebook.cells.append(cell)
    return notebook


def unparse(notebook: nbformat.NotebookNode) -> str:
    """The percent-format text of a notebook, without its outputs."""
    parts = []
    for cell in notebook.cells:
        markdown = cell.cell_type == "markdown"
        tags = cell.metadata.get("tags", [])
        marker = "# %%" + (" [markdown]" if markdown else "") + (f" tags={json.dumps(tags)}" if tags else "")
        lines = cell.source.splitlines()
        if markdown:
            lines = [f"# {line}" if line.strip() else "#" for line in lines]
        parts.append("\n".join([marker, *lines]) + "\n")
    return "\n".join(parts)


def main(arguments: list[str]) -> None:
    """Convert the first file into the second; their suffixes say which way."""
    if len(arguments) != 2 or {Path(name).suffix for name in arguments} != {".py", ".ipynb"}:
        raise SystemExit("usage: from_py.py lesson.py lesson.ipynb  (or the other way round)")
    source, target = map(Path, arguments)
    if source.suffix == ".py":
        notebook = parse(source.read_text(encoding="utf-8"))
        nbformat.validate(notebook)
        target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        print(f"{target}: {len(notebook.cells)} cells, without outputs (run tools/notebooks/run.py {target})")
    else:
        target.write_text(unparse(nbformat.read(source, as_version=4)), encoding="utf-8")
        print(f"{target}: written")


if __name__ == "__main__":
    main(sys.argv[1:])
