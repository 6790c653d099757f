"""JupyterLab, Notebook 7 and Voilà as a reader starts them, and a browser that remembers what it complained about.

Everything waits for what it needs and never for a time, with limits that a machine keeps whose cores have other work.
``MOMI_BUSY=2 python -m pytest tests/browser`` proves it with two processes that count beside the tests.
"""

from __future__ import annotations

import os
import re
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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "08_anyone_in_any_pose.ipynb"
APP = ROOT / "app" / "explorer.ipynb"
QUIET = '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}'  # they ask a server
PATIENCE = 600  # seconds until a thing that does not happen is an error; on a quiet machine hardly one takes ten


@pytest.fixture(scope="session", autouse=True)
def busy() -> Iterator[None]:
    """Keep as many cores at work as $MOMI_BUSY says, for the tests of a busy machine; usually none."""
    count = f"import os\nwhile os.getppid() == {os.getpid()}: sum(range(100_000))"  # ends with these tests in any case
    counting = [subprocess.Popen([sys.executable, "-c", count]) for _ in range(int(os.environ.get("MOMI_BUSY") or 0))]
    yield
    for process in counting:
        process.terminate()
        process.wait()


def wait_for(what: str, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What `condition` returns once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:g} s for {what}")


def is_up(address: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=20) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def until() -> Callable[[str, Callable[[], Any]], Any]:
    """Waits for something to be true, and returns it."""
    return wait_for


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def nobodys_settings(home: Path, page_config: str = QUIET) -> dict[str, str]:
    """An environment in which no settings of the machine's user count, with the tests' own."""
    (home / "config" / "labconfig").mkdir(parents=True)
    (home / "config" / "labconfig" / "page_config.json").write_text(page_config)
    names = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    names |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython"}
    settings = {name: str(home / folder) for name, folder in names.items()}
    return settings | {"MOMI_MODE": "quick", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "CUDA_VISIBLE_DEVICES": ""}


@contextmanager
def served(
    command: list[str], folder: Path, home: Path, ready: str, page_config: str = QUIET, **more: str
) -> Iterator[None]:
    """A server that runs, with `more` in its environment, until the block ends."""
    log_file = home.parent / "server.log"
    environment = os.environ | nobodys_settings(home, page_config) | more
    with open(log_file, "w") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for("the server", lambda: server.poll() is not None or is_up(ready))
        assert server.poll() is None, log_file.read_text()[-2000:]
        yield
    finally:
        server.terminate()  # it stops its kernels
        try:
            server.wait(120)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)  # the session that was started above, and nothing else


@contextmanager
def notebook_server(
    application: str,
    tmp_path: Path,
    path_of: Path = NOTEBOOK,
    *,
    page_config: str = QUIET,
    **more: str,
) -> Iterator[str]:
    """The address of a notebook, without outputs, in a server of its own; its folder is `tmp_path / "work"`.

    `page_config` is JupyterLab's file of that name, `more` stands in the server's environment.
    """
    module, name, path = {"lab": ("jupyterlab", "LabApp", "lab/tree")}.get(
        application, ("notebook", "JupyterNotebookApp", "notebooks")
    )
    work = tmp_path / "work"
    work.mkdir()
    notebook = nbformat.read(path_of, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, work / path_of.name)
    port, token = free_port(), secrets.token_hex(16)
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": work,
        "IdentityProvider.token": token,
        f"{name}.expose_app_in_browser": True,
        "LabApp.extension_manager": "readonly",
        "MappingKernelManager.kernel_info_timeout": PATIENCE,
    }
    command = [sys.executable, "-m", module, "--no-browser", "--allow-root"]
    command += [f"--{option}={value}" for option, value in options.items()]
    address = f"http://127.0.0.1:{port}"
    with served(command, work, tmp_path / "home", f"{address}/api?token={token}", page_config, **more):
        yield f"{address}/{path}/{path_of.name}?token={token}"


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
    api = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python, and it is not installed")
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the PATH, and there is none")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"],
            timeout=1000 * PATIENCE,
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        page.set_default_timeout(1000 * PATIENCE)
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
        browser.close()


@pytest.fixture
def screenshot(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any, str], None]:
    """Keeps what a page shows in the folder $MOMI_SCREENSHOTS, or else in a temporary one."""
    folder = Path(os.environ.get("MOMI_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Any, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return take
