"""The explorer as a reader meets it: notebook 08 in JupyterLab, in a real browser, used by keyboard.

What happens after a click is tested without a browser in tests/lessons/test_explorer.py; here it must draw.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

api = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python, and it is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "08_anyone_in_any_pose.ipynb"
PATIENCE = 300  # seconds for all cells on a busy machine; with two cores of its own the test takes far less

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH, and there is none"),
]


def wait_for(what: str, condition: Callable[[], Any], seconds: float) -> Any:
    """What `condition` returns once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds:g} s for {what}")


def is_up(address: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of notebook 08, without outputs, in a JupyterLab of its own with nobody's settings."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, work / NOTEBOOK.name)
    (home / "config" / "labconfig").mkdir(parents=True)
    quiet = '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}'  # they ask a server
    (home / "config" / "labconfig" / "page_config.json").write_text(quiet)
    names = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    names |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython"}
    settings = {name: str(home / folder) for name, folder in names.items()}
    settings |= {"MOMI_MODE": "quick", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "CUDA_VISIBLE_DEVICES": ""}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": work,
        "IdentityProvider.token": token,
        "LabApp.expose_app_in_browser": True,
        "LabApp.extension_manager": "readonly",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with open(tmp_path / "lab.log", "w") as log:
        server = subprocess.Popen(
            command, cwd=work, env=os.environ | settings, stdout=log, stderr=log, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for("JupyterLab", lambda: server.poll() is not None or is_up(f"{address}/api?token={token}"), 60)
        assert server.poll() is None, (tmp_path / "lab.log").read_text()[-2000:]
        yield f"{address}/lab/tree/{NOTEBOOK.name}?token={token}"
    finally:
        server.terminate()  # it stops its kernels
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)  # the session that was started above, and nothing else


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Any]:
    """An empty page; what the browser complains about is collected in `page.complaints`."""
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(180_000)  # a busy machine takes its time
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(f"exception: {error}"))
        page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
        yield page
        browser.close()


def run_all(page: Any) -> None:
    """Run every cell and wait for the last one."""
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    idle = "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    page.wait_for_function(idle, timeout=60_000)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    done = """() => {
        const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
        const code = Array.from(cells).filter(cell => cell.type === 'code');
        const failed = code.some(cell => cell.outputs.toJSON().some(output => output.output_type === 'error'));
        return failed || code.every(cell => cell.executionCount && cell.executionState !== 'running');
    }"""
    page.wait_for_function(done, timeout=1000 * PATIENCE)
    outputs = (
        "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.flatMap(cell => cell.outputs ?? [])"
    )
    errors = [output["evalue"] for output in page.evaluate(outputs) if output["output_type"] == "error"]
    assert errors == []


def shown(page: Any, panel: str) -> str:
    """What the browser shows in a panel, as an address that holds the whole picture; empty until it is drawn."""
    return page.locator(f"img[alt^='{panel}:']").evaluate("image => image.naturalWidth ? image.src : ''")


def test_a_reader_explores_by_keyboard(lab: str, page: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    artefacts = tmp_path_factory.mktemp("artefacts")
    page.goto(lab)
    run_all(page)
    target = page.get_by_label("Target", exact=True)  # found by its label, as a screen reader finds it
    before, chosen = wait_for("the swap", lambda: shown(page, "swap"), 10), target.input_value()
    assert before.startswith("data:image/png;base64,")
    target.scroll_into_view_if_needed()
    page.screenshot(path=artefacts / "before.png")

    target.focus()
    for key in ("Space", "ArrowDown", "Enter"):  # while the list is closed, JupyterLab keeps the arrows for itself
        page.keyboard.press(key)
    assert target.input_value() != chosen
    wait_for("another swap", lambda: shown(page, "swap") not in ("", before), 10)
    assert page.get_by_label("Source", exact=True).is_visible()

    page.get_by_role("button", name="Random pair").focus()
    page.keyboard.press("Enter")
    status = page.get_by_role("status").filter(has_text="masked SSIM")
    wait_for("a pair with a true answer", lambda: status.count() > 0, 10)
    assert shown(page, "true answer") and shown(page, "difference")
    page.screenshot(path=artefacts / "after.png")
    assert page.get_by_text("Error displaying widget").count() == 0
    assert page.complaints == []
