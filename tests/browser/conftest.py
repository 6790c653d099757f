"""JupyterLab, Notebook 7 and Voilà as a reader starts them, and a browser that remembers what it complained about.

Everything waits for what it needs and never for a time, with limits that a machine keeps whose cores have other work.
``MOMI_BUSY=2 python -m pytest tests/browser`` proves it with two processes that count beside the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.notebooks.server import CHROMIUM, ROOT, browser_page, free_port, notebook_server, served, wait_for

APP = ROOT / "app" / "explorer.ipynb"


@pytest.fixture(scope="session", autouse=True)
def busy() -> Iterator[None]:
    """Keep as many cores at work as $MOMI_BUSY says, for the tests of a busy machine; usually none."""
    count = f"import os\nwhile os.getppid() == {os.getpid()}: sum(range(100_000))"  # ends with these tests in any case
    counting = [subprocess.Popen([sys.executable, "-c", count]) for _ in range(int(os.environ.get("MOMI_BUSY") or 0))]
    yield
    for process in counting:
        process.terminate()
        process.wait()


@pytest.fixture
def until() -> Callable[[str, Callable[[], Any]], Any]:
    """Waits for something to be true, and returns it."""
    return wait_for


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """Notebook 08 in JupyterLab."""
    with notebook_server("lab", tmp_path) as address:
        yield address


@pytest.fixture
def lab_alone(tmp_path: Path) -> Iterator[str]:
    """The explorer and nothing else in JupyterLab as `make lab` starts it, at a first launch."""
    settings = {"JUPYTER_CONFIG_PATH": str(ROOT / "app" / "lab")}
    with notebook_server("lab", tmp_path, APP, page_config="{}", **settings) as address:
        yield address


@pytest.fixture
def answer_time() -> float:
    """Seconds within which a button answers: one, and as much more as others' work takes of the machine's cores."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.fixture
def notebook7(tmp_path: Path) -> Iterator[str]:
    """Notebook 08 in Jupyter Notebook 7."""
    notebook = pytest.importorskip("notebook", reason="needs Notebook 7: pip install 'notebook>=7'")
    if int(notebook.__version__.split(".")[0]) < 7:
        pytest.skip(f"needs Notebook 7, and {notebook.__version__} is installed")
    with notebook_server("notebook", tmp_path) as address:
        yield address


@pytest.fixture
def app(tmp_path: Path) -> Iterator[str]:
    """The address of the explorer as `make app` serves it; its folder is `tmp_path / "work"`."""
    pytest.importorskip("voila", reason="needs Voilà: pip install -e .[app]")
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(APP, work / APP.name)
    port = free_port()
    command = [sys.executable, "-m", "voila", APP.name, "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    address = f"http://127.0.0.1:{port}"
    ready = f"{address}/voila/static/voila.js"
    settings = dict.fromkeys(("JUPYTER_PATH", "JUPYTER_CONFIG_PATH"), str(APP.parent))
    with served(command, work, tmp_path / "home", ready, **settings):
        yield address


@pytest.fixture
def page() -> Iterator[Any]:
    """An empty page; what the browser complains about is collected in `page.complaints`.

    Whatever it asks of another machine is answered with nothing and collected in `page.asked_elsewhere`.
    """
    pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python, and it is not installed")
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the PATH, and there is none")
    with browser_page(1400, 1100) as page:
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(f"exception: {error}"))
        page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
        page.on("filechooser", lambda chooser: None)  # or a dialog that opens at once would not be seen
        page.asked_elsewhere = []

        def answer_with_nothing(route: Any) -> None:
            page.asked_elsewhere.append(route.request.url)
            route.fulfill(status=200, body="")

        page.route(re.compile(r"^https?://(?!127\.0\.0\.1[:/])"), answer_with_nothing)
        yield page


@pytest.fixture
def screenshot(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any, str], None]:
    """Keeps what a page shows in the folder $MOMI_SCREENSHOTS, or else in a temporary one."""
    folder = Path(os.environ.get("MOMI_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Any, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return take
