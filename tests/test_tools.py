"""Writing notebooks as text, and making their outputs comparable."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.notebooks.from_py import main, parse, unparse
from tools.notebooks.run import normalise, run

TEXT = '''\
# %% [markdown]
# # A title
#
# $x$ and a list:
#
# - one

# %%
%load_ext autoreload
x = 1  # %% inside a line is no marker

# %% tags=["nbval-ignore-output"]
x

# %% [markdown] tags=["raises-exception"]
# the end
'''


def test_text_becomes_cells() -> None:
    notebook = parse("a note before the first cell\n\n" + TEXT)
    nbformat.validate(notebook)
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code", "markdown"]
    assert notebook.cells[0].source == "# A title\n\n$x$ and a list:\n\n- one"
    assert notebook.cells[1].source.splitlines()[0] == "%load_ext autoreload"
    assert notebook.cells[2].metadata.tags == ["nbval-ignore-output"]
    assert [cell.id for cell in notebook.cells] == ["cell-00", "cell-01", "cell-02", "cell-03"]


def test_there_and_back_again() -> None:
    assert unparse(parse(TEXT)) == TEXT


def test_files_are_converted_by_suffix(tmp_path: Path) -> None:
    source, page, copy = tmp_path / "a.py", tmp_path / "a.ipynb", tmp_path / "b.py"
    source.write_text(TEXT, encoding="utf-8")
    main([str(source), str(page)])
    main([str(page), str(copy)])
    assert copy.read_text(encoding="utf-8") == TEXT
    with pytest.raises(SystemExit, match="usage"):
        main([str(source), str(copy)])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# %% [markdown]\nno comment sign", "line 2: a markdown cell's lines start with '# '"),
        ("# %% a title", "line 1: expected"),
    ],
)
def test_a_slip_is_named_by_its_line(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(text)


def test_normalising_drops_what_changes_from_run_to_run() -> None:
    metadata = {"execution": {"iopub.execute_input": "2026-01-01"}, "tags": ["raises-exception"]}
    cell = new_code_cell("x", execution_count=7, metadata=metadata)
    cell.outputs = [
        new_output("execute_result", {"text/plain": "<A at 0x7f00deadbeef>"}, execution_count=7),
        new_output("stream", name="stderr", text="a warning"),
    ]
    info = {"name": "python", "version": "3.11.1"}
    notebook = new_notebook(cells=[cell], metadata={"widgets": {}, "language_info": info})
    remarks = normalise(notebook)
    assert "widgets" not in notebook.metadata and notebook.metadata.language_info == {"name": "python"}
    assert cell.metadata == {"tags": ["raises-exception"]}
    assert cell.execution_count == cell.outputs[0].execution_count == 1
    assert len(remarks) == 2 and "address" in remarks[0] and "stderr" in remarks[1]


@pytest.mark.slow
def test_running_stores_outputs_and_leaves_a_failing_notebook_alone(tmp_path: Path) -> None:
    page = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("print('one')\nprint('two')")]), page)
    assert run(page, timeout=60)
    stored = nbformat.read(page, as_version=4)
    assert stored.cells[0].outputs[0].text == "one\ntwo\n" and stored.cells[0].execution_count == 1
    stored.cells[0].source = "1 / 0"
    nbformat.write(stored, page)
    before = page.read_bytes()
    assert not run(page, timeout=60)
    assert page.read_bytes() == before
