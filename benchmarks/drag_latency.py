"""How long the picture takes to follow a hand: ``python benchmarks/drag_latency.py``.

Two ways of measuring, each over as many moves of a wrist, elbow, knee or shoulder:

- in Python: from the browser's message to the traits that answer it, pixels included;
- in a browser (needs Voilà, Playwright and Chromium; ``--no-browser`` leaves it out): from the pointer's event to the
  frame that shows the picture, once with each move waiting for the picture of the last, and once with moves that do
  not wait, as a hand makes them.

Medians and 95th percentiles go to benchmarks/results/drag-cpu.json. The machine's load at the beginning stands beside
them: whatever else runs makes the times longer.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro

from momi_lib.files import sha256, weights_folder, write_json
from momi_lib.provenance import environment
from momi_lib.widgets.explorer import SwapExplorer

log = logging.getLogger("drag_latency")
ROOT = Path(__file__).resolve().parents[1]
GOAL = 100.0  # milliseconds
JOINTS = (9, 7, 13, 5)


@dataclass(frozen=True)
class Config:
    """What to time.

    Attributes:
        moves: timed moves of each way.
        warm_up: moves before those.
        threads: CPU threads of the kernel.
        pause: milliseconds between two moves that do not wait.
        browser: also measure in Chromium.
        out: JSON to write.
    """

    moves: int = 200
    warm_up: int = 10
    threads: int = 2
    pause: float = 16.0
    browser: bool = True
    out: Path = ROOT / "benchmarks" / "results" / "drag-cpu.json"


def summary(way: str, times: list[float]) -> dict[str, Any]:
    """Median and 95th percentile of times in milliseconds.

    >>> summary("in Python", [float(value) for value in range(1, 101)])
    {'way': 'in Python', 'pictures': 100, 'median_ms': 50.5, 'p95_ms': 95.95}
    """
    return {
        "way": way,
        "pictures": len(times),
        "median_ms": round(statistics.median(times), 2),
        "p95_ms": round(statistics.quantiles(times, n=20)[-1], 2),
    }


def circle(move: int) -> tuple[float, float]:
    """Where the hand is at a move: on a small circle, (x, y) in pixels around its middle.

    >>> circle(0)
    (8.0, 0.0)
    """
    return 8 * math.cos(move / 6), 8 * math.sin(move / 6)


def in_python(config: Config) -> list[float]:
    """Milliseconds from message to answer."""
    explorer = SwapExplorer()
    times = []
    for move in range(config.warm_up + config.moves):
        joint = JOINTS[move * len(JOINTS) // (config.warm_up + config.moves)]
        x, y = explorer.state.landmarks[1, joint].tolist()
        dx, dy = circle(move)
        edit = {"joint": joint, "x": min(max(x + dx, 0), 63), "y": min(max(y + dy, 0), 127)}
        start = time.perf_counter()
        explorer.editor.receive({"type": "edit", "number": move + 1, "edits": [edit], "settled": False})
        times.append(1e3 * (time.perf_counter() - start))
    return times[config.warm_up :]


@contextmanager
def app(config: Config) -> Iterator[str]:
    """The explorer as `make app` serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "voila", "app/explorer.ipynb", "--no-browser", f"--port={port}"]
    settings = os.environ | {"OMP_NUM_THREADS": str(config.threads), "CUDA_VISIBLE_DEVICES": ""}
    server = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        for _ in range(300):
            try:
                direct.open(f"{address}/voila/static/voila.js", timeout=2).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def in_browser(config: Config) -> tuple[list[float], list[float]]:
    """Milliseconds from the pointer's event to the picture: of moves that wait, and of moves that do not."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    options = ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"]
    found: list[list[float]] = []
    with app(config) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page(viewport={"width": 1300, "height": 1100})
        page.set_default_timeout(180_000)
        page.goto(address)
        page.wait_for_selector("canvas[aria-label^='swap:']")
        page.evaluate("""() => {
            window.drawn = [];
            document.addEventListener('momi-drawn', event => window.drawn.push(event.detail.milliseconds));
        }""")
        for waits in (True, False):
            page.evaluate("() => { window.drawn = []; }")
            for joint in JOINTS:
                box = page.locator(f"[data-joint='{joint}'] .momi-dot").bounding_box()
                x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
                page.mouse.move(x, y)
                page.mouse.down()
                for move in range((config.warm_up + config.moves) // len(JOINTS)):
                    count = page.evaluate("() => window.drawn.length") if waits else 0  # a question costs the page time
                    dx, dy = circle(move)
                    page.mouse.move(x + 2 * dx, y + 2 * dy)
                    if waits:
                        page.wait_for_function("count => window.drawn.length > count", arg=count)
                    else:
                        time.sleep(config.pause / 1e3)
                page.mouse.up()
                time.sleep(1)  # what follows when the hand lets go
            found.append(page.evaluate("() => window.drawn")[config.warm_up :])
        browser.close()
    return found[0], found[1]


def main(config: Config) -> None:
    """Time, and write the JSON."""
    torch.set_num_threads(config.threads)
    load = os.getloadavg()[0]
    rows = [summary("in Python", in_python(config))]
    log.info("%s", json.dumps(rows))
    if config.browser:
        one_by_one, freely = in_browser(config)
        rows += [summary("in a browser, one by one", one_by_one), summary("in a browser, freely", freely)]
    about = {"goal_ms": GOAL, "moves": config.moves, "load": round(load, 2), "cores": os.cpu_count()}
    weights = {"weights": "small", "sha256": sha256(weights_folder() / "momi-small.safetensors")}
    write_json(config.out, {**environment(), **about, **weights, "rows": rows})
    log.info("%s", json.dumps(rows, indent=1))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(tyro.cli(Config, description=__doc__))
