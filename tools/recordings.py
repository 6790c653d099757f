"""Record what moves in JupyterLab: ``python -m tools.recordings``, for the README and for slides.

A real JupyterLab runs the committed notebooks in a real browser, and what the page shows is photographed:

    learning    notebook 7 trains eight people live, in full mode; a time lapse, which says how often it was sped up
    explorer    a wrist is dragged with the mouse, the pose and the appearance go over, a street is changed

Each is a GIF in ``docs/images``. Needs Chromium and Playwright (the extra ``test``).
"""

from __future__ import annotations

import io
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tyro
from PIL import Image, ImageChops

from momi_lib.data import load_truth
from momi_lib.files import write_atomically
from momi_lib.skeleton import JOINTS
from tools.notebooks.server import CHROMIUM, IDLE, NOTEBOOK, ROOT, browser_page, notebook_server, wait_for

LESSON = ROOT / "notebooks" / "07_training_the_whole.ipynb"
LIVE = "LiveFigure()"  # the cell that trains before the reader's eyes
LAPTOP = (1366, 768)
LAST_MS = 2500  # the last frame stays
ELBOW, WRIST = 7, 9
MARGIN = 12


class RecordingError(RuntimeError):
    """What could not be recorded, and why."""


@dataclass
class Film:
    """Frames and how long each is shown, in milliseconds; a frame that equals the one before only prolongs it."""

    frames: list[Image.Image] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def add(self, png: bytes, milliseconds: int) -> None:
        """Add a photograph."""
        frame = Image.open(io.BytesIO(png)).convert("RGB")
        if self.frames and frame.size == self.frames[-1].size and frame.tobytes() == self.frames[-1].tobytes():
            self.times[-1] += milliseconds
        else:
            self.frames.append(frame)
            self.times.append(milliseconds)

    def gif(self, width: int, colours: int = 128) -> bytes:
        """As a GIF that repeats, with one palette for all frames; a margin that is empty in all of them is left out."""
        right = max(box[2] for frame in self.frames if (box := _drawn(frame)))
        frames = [frame.crop((0, 0, min(frame.width, right + MARGIN), frame.height)) for frame in self.frames]
        size = (width, max(1, round(frames[0].height * width / frames[0].width)))
        small = [frame.resize(size, Image.Resampling.LANCZOS) for frame in frames]
        some = small[:: max(1, len(small) // 8)]
        board = Image.new("RGB", (width, size[1] * len(some)))
        for row, frame in enumerate(some):
            board.paste(frame, (0, row * size[1]))
        palette = board.quantize(colours, method=Image.Quantize.MEDIANCUT)
        drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in small]
        times = [*self.times[:-1], max(self.times[-1], LAST_MS)]
        file = io.BytesIO()
        drawn[0].save(file, "GIF", save_all=True, append_images=drawn[1:], duration=times, loop=0, optimize=False)
        return file.getvalue()


def _drawn(frame: Image.Image) -> tuple[int, int, int, int] | None:
    """The box around all that differs from the background, whose colour is that of a pixel inside the right edge."""
    across, down = frame.width - 3, frame.height // 2
    ground = Image.new("RGB", frame.size, frame.getpixel((across, down)))
    inside = ImageChops.difference(frame, ground).crop((0, MARGIN, across, frame.height - MARGIN))
    return inside.getbbox()


def open_notebook(page: Any, address: str) -> None:
    """Open a notebook in JupyterLab and wait for its kernel; the side bar is closed."""
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_function(IDLE)
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")


def run_cell(page: Any, number: int, wait: bool = True) -> None:
    """Run the cell of that place in the notebook; with `wait`, until it is done.

    Raises:
        RecordingError: where the cell raised an error.
    """
    page.evaluate(
        """number => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = number;
            notebook.deselectAll();
            window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        number,
    )
    if wait:
        wait_for(f"cell {number}", lambda: state(page, number) != "running")
        if state(page, number).startswith("error"):
            raise RecordingError(f"cell {number} of the notebook raised {state(page, number)}")


def state(page: Any, number: int) -> str:
    """``running``, ``done``, or ``error:`` and what was raised."""
    return page.evaluate(
        """number => {
            const cell = window.jupyterapp.shell.currentWidget.content.model.cells.get(number);
            const wrong = cell.outputs.toJSON().find(output => output.output_type === 'error');
            if (wrong) return `error: ${wrong.evalue}`;
            return cell.executionCount && cell.executionState !== 'running' ? 'done' : 'running';
        }""",
        number,
    )


def cells(page: Any) -> list[tuple[str, str]]:
    """Kind and source of each cell."""
    found = page.evaluate(
        "() => Array.from(window.jupyterapp.shell.currentWidget.content.model.cells)"
        ".map(cell => [cell.type, cell.sharedModel.getSource()])"
    )
    return [(kind, source) for kind, source in found]


def clip_of(locator: Any, margin: int = 6) -> dict[str, float]:
    """Where on the page something is, with a margin, as far as the window shows it."""
    box = locator.bounding_box()
    left, top = max(0, box["x"] - margin), max(0, box["y"] - margin)
    right, bottom = min(LAPTOP[0], box["x"] + box["width"] + margin), min(LAPTOP[1], box["y"] + box["height"] + margin)
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def learning(folder: Path, seconds: float = 2.0, frame_ms: int = 160) -> Film:
    """Notebook 7 up to its live training, which is photographed every `seconds`, as it comes."""
    film = Film()
    with notebook_server("lab", folder, LESSON, MOMI_MODE="full", OMP_NUM_THREADS="2") as address:
        with browser_page(*LAPTOP) as page:
            open_notebook(page, address)
            everything = cells(page)
            live = next(number for number, (_, source) in enumerate(everything) if LIVE in source)
            for number in range(live):
                if everything[number][0] == "code":
                    run_cell(page, number)
            begun = time.monotonic()
            run_cell(page, live, wait=False)
            cell = page.locator(f".jp-Cell[data-windowed-list-index='{live}']")
            output = cell.locator(".jp-OutputArea-output img, .jp-OutputArea-output svg").first
            output.wait_for()
            cell.locator(".jp-OutputArea").first.evaluate("element => element.scrollIntoView({block: 'start'})")
            while True:
                over = state(page, live) != "running"
                film.add(page.screenshot(clip=clip_of(cell.locator(".jp-OutputArea").first)), frame_ms)
                if over:
                    break
                time.sleep(seconds)
            if state(page, live).startswith("error"):
                raise RecordingError(f"the live training of notebook 7 raised {state(page, live)}")
    took = time.monotonic() - begun
    shown = sum(film.times) / 1000
    print(f"learning: {took:.0f} s are shown in {shown:.1f} s, {took / shown:.0f} times as fast")
    return film


def explorer(folder: Path, frame_ms: int = 90) -> Film:
    """The explorer of notebook 8: a wrist is dragged, then the pose and the appearance go over, then the street."""
    film = Film()
    with notebook_server("lab", folder, NOTEBOOK) as address, browser_page(*LAPTOP) as page:
        open_notebook(page, address)
        everything = cells(page)
        last = next(number for number, (_, source) in enumerate(everything) if "SwapExplorer(" in source)
        for number in range(last + 1):
            if everything[number][0] == "code":
                run_cell(page, number)
        shown = page.locator(".momi-explorer").first
        page.locator("canvas[aria-label^='swap:']").first.wait_for()
        for group, index in zip(("Source", "Target"), pair(), strict=True):
            choice = page.get_by_role("radiogroup", name=group).first.get_by_label(f"picture {index}").first
            choice.evaluate("element => element.click()")
        shown.evaluate("element => element.scrollIntoView({block: 'start'})")
        wait_for("the true answer", page.get_by_role("status").filter(has_text="masked SSIM").count)
        time.sleep(1.0)  # the strips are still arriving
        clip = clip_of(shown)
        clip["height"] = min(clip["height"], page.locator("#jp-main-statusbar").bounding_box()["y"] - clip["y"])

        def photograph(milliseconds: int = frame_ms) -> None:
            film.add(page.screenshot(clip=clip), milliseconds)

        photograph(1200)
        _drag(page, photograph)
        _slide(page, "Pose", photograph)
        page.get_by_role("button", name="Reset pose").first.click()
        _settle(page)
        _slide(page, "Appearance", photograph)
        photograph(1500)
    return film


def pair() -> tuple[int, int]:
    """Source and target of the recording: the first true swap of the explorer's lists that suits it.

    Both face the camera, the source shows most joints, and the target's left arm hangs down in full view, with room
    beside it.
    """
    truth = load_truth()
    joints, seen = truth.people.joints, truth.people.visibility
    if joints is None or seen is None:
        raise RecordingError("the explorer is recorded with people whose joints are known")
    shoulder, other, elbow, wrist = (
        JOINTS.index(name) for name in ("left_shoulder", "right_shoulder", "left_elbow", "left_wrist")
    )
    listed = {*truth.source[::10].tolist(), *truth.target[::10].tolist()}
    for source, target in zip(truth.source.tolist(), truth.target.tolist(), strict=True):
        faces = all(joints[one, shoulder, 0] - joints[one, other, 0] > 8 for one in (source, target))
        hangs = bool((seen[target, [shoulder, elbow, wrist]] == 2).all())
        hangs = hangs and bool(joints[target, wrist, 1] > joints[target, elbow, 1] + 6)
        length = (joints[target, wrist] - joints[target, elbow]).norm()
        hangs = hangs and bool(joints[target, elbow, 0] + length < truth.people.pictures.shape[-1] - 3)
        if {source, target} <= listed and faces and hangs and int((seen[source] == 2).sum()) >= 14:
            return source, target
    raise RecordingError("no such pair")


def _settle(page: Any) -> None:
    """Wait until the swap has not changed for three looks."""
    before, same = "", 0
    while same < 3:
        now = page.locator("canvas[aria-label^='swap:']").first.evaluate("canvas => canvas.toDataURL()")
        before, same = now, same + 1 if now == before else 0
        time.sleep(0.1)


def _apart(dot: Any, hand: tuple[float, float]) -> float:
    """Pixels from the middle of what is found to a place of the page."""
    box = dot.bounding_box()
    return math.dist((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), hand)


def _drag(page: Any, photograph: Callable[[int], None]) -> None:
    """Take the left wrist around its elbow and back, with a hand that is drawn, since a screenshot has no pointer."""
    page.evaluate("""() => {
        const hand = document.createElement('div');
        hand.id = 'hand';
        hand.style.cssText = `position: fixed; width: 22px; height: 22px; margin: -11px 0 0 -11px; border-radius: 50%;
            border: 3px solid #d55e00; background: #d55e0033; pointer-events: none; z-index: 99999`;
        document.body.append(hand);
        addEventListener('pointermove', event => {
            [hand.style.left, hand.style.top] = [`${event.clientX}px`, `${event.clientY}px`];
        }, true);
    }""")
    wrist, elbow = (
        page.locator(f"[data-joint='{joint}'] .momi-dot").first.bounding_box() for joint in (WRIST, ELBOW)
    )
    x, y = elbow["x"] + elbow["width"] / 2, elbow["y"] + elbow["height"] / 2
    across = wrist["x"] + wrist["width"] / 2 - x
    down = wrist["y"] + wrist["height"] / 2 - y
    length, start = math.hypot(across, down), math.atan2(across, down)
    page.mouse.move(x + across, y + down)
    page.mouse.down()
    turns = [start + (math.pi * 0.8 - start) * (1 - math.cos(math.pi * step / 16)) / 2 for step in range(17)]
    dot = page.locator(f"[data-joint='{WRIST}'] .momi-dot").first
    for angle in (*turns, *reversed(turns)):
        hand = x + length * math.sin(angle), y + length * math.cos(angle)
        page.mouse.move(*hand)
        wait_for("a wrist under the hand", lambda hand=hand: _apart(dot, hand) < 5, 10)
        _settle(page)
        photograph(90)
    page.mouse.up()
    page.evaluate("() => document.getElementById('hand').remove()")
    page.get_by_role("button", name="Reset pose").first.click()
    _settle(page)
    photograph(700)


def _slide(page: Any, name: str, photograph: Callable[[int], None]) -> None:
    """Take a slider to its other end and back by its keys."""
    slider = page.get_by_role("slider").nth(["Pose", "Appearance"].index(name))
    slider.focus()
    there, back = {"Pose": ("ArrowLeft", "ArrowRight"), "Appearance": ("ArrowRight", "ArrowLeft")}[name]
    for key in (there, back):
        for _ in range(10):
            for _ in range(10):
                page.keyboard.press(key)
            _settle(page)
            photograph(110)
        photograph(700)


def main(
    which: tyro.conf.Positional[tuple[Literal["learning", "explorer"], ...]] = ("learning", "explorer"),
    out: Path = ROOT / "docs/images",
    width: int = 900,
    limit: int = 4_000_000,
) -> None:
    """Record.

    Args:
        which: the recordings to make.
        out: folder of the GIFs.
        width: of the GIFs, in pixels.
        limit: bytes of a page that still loads at once; nothing larger is written.
    """
    if CHROMIUM is None:
        raise SystemExit("needs Chromium on the PATH, and there is none: install Debian's package chromium")
    for name in which or ("learning", "explorer"):
        with tempfile.TemporaryDirectory() as folder:
            film = {"learning": learning, "explorer": explorer}[name](Path(folder))
        gif = film.gif(width)
        if len(gif) > limit:
            raise SystemExit(f"{name}: {len(gif)} bytes, more than {limit}; choose a smaller --width")
        write_atomically(out / f"{name}.gif", lambda file, gif=gif: file.write(gif))
        print(f"{out / name}.gif: {len(gif)} bytes, {len(film.frames)} frames, {sum(film.times) / 1000:.1f} s")


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
