"""The stored outputs of every lesson on a small laptop: nothing is cut off, and nothing scrolls sideways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.notebooks.server import IDLE, ROOT, notebook_server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb")) + sorted((ROOT / "notebooks/solutions").glob("*.ipynb"))
LAPTOP = {"width": 1366, "height": 768}
#: JupyterLab draws only the cells in view, unless it is told otherwise.
WHOLE = {"windowingMode": "none"}
#: What is wider than its place, or has a bar to scroll it: the beginning of its text and by how many pixels.
CUT_OFF = """() => {
    const found = [];
    const parts = ".jp-OutputArea-output, .jp-RenderedMarkdown, .jp-OutputArea";
    for (const part of document.querySelectorAll(parts)) {
        const [wide, high] = [part.scrollWidth - part.clientWidth, part.scrollHeight - part.clientHeight];
        const scrolls = ["auto", "scroll", "hidden"].includes(getComputedStyle(part).overflowY);
        if (wide > 1 || (scrolls && high > 1)) found.push(`${part.innerText.slice(0, 80)}: ${wide} × ${high} pixels`);
    }
    return found;
}"""


@pytest.mark.thorough
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.relative_to(ROOT / "notebooks").as_posix())
def test_no_stored_output_is_cut_off(path: Path, page: Any, tmp_path: Path, until: Any, screenshot: Any) -> None:
    settings = tmp_path / "home" / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps(WHOLE))
    page.set_viewport_size(LAPTOP)
    with notebook_server("lab", tmp_path, path, outputs=True) as address:
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_function(IDLE)  # a server that is stopped while a kernel starts waits for it
        cells = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.cells.length")
        drawn = "() => document.querySelectorAll('.jp-Notebook .jp-Cell').length"
        until("all cells", lambda: page.evaluate(drawn) == cells)
        pictures = "() => [...document.querySelectorAll('.jp-OutputArea img')].every(each => each.complete)"
        until("all pictures", lambda: page.evaluate(pictures))
        formulas = "() => [...document.querySelectorAll('.jp-RenderedMarkdown')].every(each => each.innerText.trim())"
        until("all texts", lambda: page.evaluate(formulas))
        assert page.evaluate(CUT_OFF) == []


def test_the_check_finds_what_is_cut_off(page: Any) -> None:
    box = "<div class=jp-OutputArea-output style='width: 300px; height: 40px; overflow: auto'>"
    page.set_content(f"{box}short</div>{box}<pre>{'wide ' * 50}</pre></div>{box}{'high<br>' * 9}</div>")
    assert [found.split()[0] for found in page.evaluate(CUT_OFF)] == ["wide", "high"]
