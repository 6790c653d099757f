"""Jupyter servers without anybody's settings, and a browser: for the tests in `tests/browser` and for `recordings.py`.

Everything waits for what it needs and never for a time, with limits that a machine keeps whose cores have other work.
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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "08_anyone_in_any_pose.ipynb"
QUIET = '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}'  # they ask a server
#: For a page's `wait_for_function`: the kernel of the open notebook waits for work.
IDLE = "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
PATIENCE = 600  # seconds until a thing that does not happen is an error; on a quiet machine hardly one takes ten


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


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def nobodys_settings(home: Path, page_config: str = QUIET) -> dict[str, str]:
    """An environment in which no settings of the machine's user count, with the tests' own."""
    (home / "config" / "labconfig").mkdir(parents=True)
    (home / "config" / "labconfig" / "page_config.json").write_text(page_config, encoding="utf-8")
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
    with open(log_file, "w", encoding="utf-8") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for("the server", lambda: server.poll() is not None or is_up(ready))
        assert server.poll() is None, log_file.read_text(encoding="utf-8")[-2000:]
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
    outputs: bool = False,
    **more: str,
) -> Iterator[str]:
    """The address of a notebook in a server of its own; its folder is `tmp_path / "work"`.

    `page_config` is JupyterLab's file of that name; `outputs` keeps the stored ones, which are left out otherwise;
    `more` stands in the server's environment.
    """
    module, name, path = {"lab": ("jupyterlab", "LabApp", "lab/tree")}.get(
        application, ("notebook", "JupyterNotebookApp", "notebooks")
    )
    work = tmp_path / "work"
    work.mkdir()
    notebook = nbformat.read(path_of, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and not outputs:
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


@contextmanager
def browser_page(width: int, height: int) -> Iterator[Any]:
    """An empty page of a browser without a window; nothing in it waits longer than `PATIENCE`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"],
            timeout=1000 * PATIENCE,
        )
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(1000 * PATIENCE)
        yield page
        browser.close()
