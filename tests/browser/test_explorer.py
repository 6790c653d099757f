"""The explorer as a reader meets it, in JupyterLab, Notebook 7 and Voilà, in a real browser: by keyboard and by mouse.

What a value that is set leads to is tested without a browser in tests/lessons; here it must draw, and follow a hand.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tools.notebooks.server import IDLE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHOULDER, WRIST, ELBOW = 5, 9, 7
NOT_OURS = "(reading 'schema')"  # Notebook 7.6 on an empty page: it asks for settings that it has not loaded yet
TOO_MUCH = 11 * 2**20  # bytes; Jupyter's servers drop the connection at a message of 10 MiB


def run_all(page: Any) -> None:
    """Run every cell and wait for the last one."""
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_function(IDLE)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    done = """() => {
        const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
        const code = Array.from(cells).filter(cell => cell.type === 'code');
        const failed = code.some(cell => cell.outputs.toJSON().some(output => output.output_type === 'error'));
        return failed || code.every(cell => cell.executionCount && cell.executionState !== 'running');
    }"""
    page.wait_for_function(done)
    outputs = (
        "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.flatMap(cell => cell.outputs ?? [])"
    )
    errors = [output["evalue"] for output in page.evaluate(outputs) if output["output_type"] == "error"]
    assert errors == []


def shown(page: Any, panel: str) -> str:
    """What the browser shows in a canvas, as an address that holds the whole picture; empty until it is drawn."""
    script = """canvas => {
        const drawn = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean);
        return drawn ? canvas.toDataURL() : '';
    }"""
    return page.locator(f"canvas[aria-label^='{panel}:']").evaluate(script)


def place_of(page: Any, joint: int) -> list[float]:
    """Where a joint is drawn, in pixels of the picture."""
    numbers = re.findall(r"-?[\d.]+", page.locator(f"[data-joint='{joint}']").get_attribute("transform"))
    return [float(number) for number in numbers]


def at_rest(locator: Any) -> tuple[float, float]:
    """The middle of what is found, once it has stayed in its place: pictures that arrive above move it."""
    locator.scroll_into_view_if_needed()
    locator.evaluate("""element => new Promise(resolve => {
        let [place, since, frames] = ["", 0, 0];
        const look = () => { // frames, too, because a busy browser draws few
            const now = JSON.stringify(element.getBoundingClientRect());
            if (now !== place) [place, since, frames] = [now, performance.now(), 0];
            frames += 1;
            if (frames > 10 && performance.now() - since > 500) resolve();
            else requestAnimationFrame(look);
        };
        look();
    })""")
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def take_hold(page: Any, until: Callable, handle: Any, held: Any) -> tuple[float, float]:
    """Press the mouse on a handle, until `held` is found; the page may still have moved under the hand."""

    def pressed() -> tuple[float, float] | None:
        x, y = at_rest(handle)
        page.mouse.move(x, y)
        page.mouse.down()
        if held.count():
            return x, y
        page.mouse.up()
        return None

    return until("a hand on it", pressed)


def photo(folder: Path) -> Path:
    """A picture in which nobody is, and no two places are alike."""
    path = folder / "nobody.png"
    down = Image.linear_gradient("L")
    across = down.transpose(Image.Transpose.ROTATE_90)
    Image.merge("RGB", (down, across, Image.radial_gradient("L"))).resize((300, 200)).save(path)
    return path


def large_photo(folder: Path) -> Path:
    """A JPEG that no message could hold, stored on its side as by a phone's camera."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.effect_noise((4200, 3000), 100).convert("RGB")
    image.save(folder / "large.jpg", quality=97, exif=exif)
    assert (folder / "large.jpg").stat().st_size > TOO_MUCH
    return folder / "large.jpg"


def use_own_picture(page: Any, folder: Path, until: Callable, screenshot: Callable, where: str) -> None:
    """Upload a picture in which nobody is, and move the box over it."""
    page.get_by_role("tab", name="Your own picture").click()
    button = page.get_by_label("Upload a picture")
    focused = "element => { element.focus(); return element === document.activeElement; }"
    until("a button in sight", lambda: button.evaluate(focused))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(photo(folder))
    picture = page.locator("img[alt^='what the model saw']")
    until("what the model saw", picture.count)
    until("the warning", lambda: page.get_by_role("status").filter(has_text="Expect wrong joints").count())

    crop = page.get_by_role("slider", name="Crop box")

    def says() -> str:
        return crop.get_attribute("aria-valuetext")

    def saw() -> str:
        return picture.get_attribute("src")

    readouts = page.locator(".momi-explorer .widget-slider:visible .widget-readout")

    def sliders() -> list[str]:
        """What the sliders say of the box: they are set by the kernel, so it has heard all that happened until then."""
        return readouts.all_inner_texts()[-3:]  # below those of pose and appearance

    assert says() == "50 % across, 50 % down, size 100 %"
    before, held = saw(), page.locator(".momi-box.momi-held")
    x, y = take_hold(page, until, page.locator(".momi-crop svg"), held)  # inside of the box
    for step in range(1, 11):  # to the picture's left edge and beyond
        page.mouse.move(x - 20 * step, y - 5 * step)
    page.mouse.up()
    until("the box at the edge", lambda: says().startswith("0 % across"))
    until("another picture", lambda: saw() != before)
    until("sliders that follow", lambda: sliders() == ["0.00", "0.50", "1.00"])

    before = saw()
    x, y = take_hold(page, until, crop.locator("[data-corner='11'] .momi-grip"), held)
    for step in range(1, 11):
        page.mouse.move(x - 4 * step, y - 8 * step)
    page.mouse.up()
    until("a smaller box", lambda: says() == "0 % across, 0 % down, size 60 %")
    until("another picture", lambda: saw() != before)
    until("sliders that follow", lambda: sliders() == ["0.00", "0.00", "0.60"])

    before = saw()
    button.focus()
    for _ in range(10):  # past three sliders, their numbers and two buttons
        page.keyboard.press("Tab")
        if crop.evaluate("element => element === document.activeElement"):
            break
    for key in ("Shift+ArrowRight", "ArrowRight", "ArrowDown", "+", "-", "-"):  # none is lost, however quick they are
        page.keyboard.press(key)
    until("a box moved by keys", lambda: says() == "8 % across, 7 % down, size 57 %")
    until("sliders that follow", lambda: sliders() == ["0.08", "0.07", "0.57"])
    until("another picture", lambda: saw() != before)
    page.get_by_role("slider", name="Box: size").focus()
    page.keyboard.press("End")
    until("a box that follows", lambda: says().endswith("size 100 %"))
    screenshot(page, f"{where}-4-own")

    button.set_input_files(large_photo(folder))
    until("the large picture", lambda: page.get_by_role("status").filter(has_text="large.jpg: ").count())
    side = page.locator(".momi-crop image")
    until("a picture that stands upright", lambda: side.bounding_box()["height"] > side.bounding_box()["width"])
    (folder / "torn.jpg").write_bytes((folder / "large.jpg").read_bytes()[:3000])
    button.set_input_files(folder / "torn.jpg")
    until("a refusal", lambda: page.get_by_role("status").filter(has_text="torn.jpg: cannot be decoded").count())
    button.set_input_files(folder / "nobody.png")
    until("the first again", lambda: page.get_by_role("status").filter(has_text="nobody.png: ").count())
    page.get_by_role("button", name="Use as source").click()
    until("its name", lambda: page.get_by_text("Source: your picture nobody.png").count())


def use(page: Any, folder: Path, until: Callable, screenshot: Callable, where: str) -> None:
    """Everything that a reader does with the explorer, and what must be seen then."""
    page.locator("canvas[aria-label^='swap:']").first.wait_for()
    # The notebook has a second explorer further down, of the other network: here one is used.
    page.evaluate("() => [...document.querySelectorAll('.momi-explorer')].slice(1).forEach(other => other.remove())")
    first = until("the swap", lambda: shown(page, "swap"))
    page.locator(".momi-explorer").evaluate("element => element.scrollIntoView()")
    screenshot(page, f"{where}-1-begin")

    # Choose by keyboard: the radio buttons of the strip are one stop of the Tab key.
    target = page.get_by_role("radiogroup", name="Target")
    chosen = target.get_by_role("radio", checked=True)
    before = chosen.get_attribute("aria-label")
    at_rest(chosen)  # a notebook that has just run takes the focus and scrolls to its last cell
    focused = "element => { element.focus(); return element === document.activeElement; }"
    until("the focus", lambda: chosen.evaluate(focused))
    page.keyboard.press("ArrowRight")
    until("another target", lambda: chosen.get_attribute("aria-label") != before)
    second = until("its swap", lambda: shown(page, "swap") not in ("", first) and shown(page, "swap"))

    # With the mouse: the skeleton, the pose map and the person follow while the button is down.
    pose = until("the pose map", lambda: shown(page, "pose"))
    was = place_of(page, WRIST)
    wrist = page.locator(f"[data-joint='{WRIST}']")
    x, y = take_hold(page, until, wrist.locator(".momi-dot"), page.locator(f"[data-joint='{WRIST}'].momi-held"))
    for step in range(1, 13):
        page.mouse.move(x + 4 * step, y - 10 * step)
    until("a pose that follows", lambda: shown(page, "pose") not in ("", pose))
    until("a person that follows", lambda: shown(page, "swap") not in ("", second))
    screenshot(page, f"{where}-2-held")
    page.mouse.up()
    until("the joint elsewhere", lambda: place_of(page, WRIST) != was)
    until("a word on it", lambda: page.get_by_role("status").filter(has_text="has no true answer").count())

    # With the keys: a shoulder takes the figure along, and no press is lost, however quickly they come: while answers
    # are awaited they are gathered, and the first goes out by itself where none is.
    was = place_of(page, SHOULDER)
    page.locator(f"[data-joint='{SHOULDER}']").evaluate("""shoulder => {
        const press = kind => shoulder.dispatchEvent(new KeyboardEvent(kind, { key: "ArrowDown", bubbles: true }));
        shoulder.focus();
        for (const kind of ["keydown", "keydown", "keydown", "keyup"]) press(kind);
    }""")
    below = [was[0], was[1] + 3]
    until("three pixels", lambda: place_of(page, SHOULDER) == pytest.approx(below, abs=0.02))

    # With free limbs one press is one pixel, and with Shift four.
    third = shown(page, "swap")
    page.get_by_role("button", name="Keep limb lengths").click()
    elbow = page.locator(f"[data-joint='{ELBOW}']")
    was = place_of(page, ELBOW)
    elbow.focus()
    for key in ("ArrowUp", "ArrowUp", "Shift+ArrowUp"):
        page.keyboard.press(key)
    expected = [was[0], was[1] - 6]
    until("six pixels", lambda: place_of(page, ELBOW) == pytest.approx(expected, abs=0.02))
    until("a swap of it", lambda: shown(page, "swap") not in ("", third))
    assert f"x {round(expected[0])}" in elbow.get_attribute("aria-label")
    announced = page.locator(".momi-stage .momi-unseen")
    until("what is announced", lambda: announced.inner_text().startswith("left elbow"))
    page.keyboard.press("Delete")
    until("a joint less", lambda: "not found" in elbow.get_attribute("aria-label"))
    page.keyboard.press("Enter")
    until("and back", lambda: "arrow keys" in elbow.get_attribute("aria-label"))

    # Between two.
    now = until("the swap", lambda: shown(page, "swap"))
    slider = page.get_by_role("slider").first
    slider.focus()
    assert slider.get_attribute("aria-label") == "Pose"
    page.keyboard.press("Home")
    until("the source's pose", lambda: shown(page, "swap") not in ("", now))
    screenshot(page, f"{where}-3-between")

    use_own_picture(page, folder, until, screenshot, where)

    # Save.
    page.get_by_role("button", name="Random pair").click()
    until("a true answer", lambda: page.get_by_role("status").filter(has_text="masked SSIM").count())
    page.get_by_role("button", name="Save PNG").click()
    until("the file", lambda: list(folder.glob("runs/swaps/swap_*.png")))
    link = page.get_by_role("link", name="Download")
    with page.expect_download() as download:
        link.click()
    with Image.open(io.BytesIO(Path(download.value.path()).read_bytes())) as image:
        assert image.size == (4 * 66 + 2, 132)
    screenshot(page, f"{where}-5-saved")
    assert page.get_by_text("Error displaying widget").count() == 0


def test_in_jupyterlab(lab: str, page: Any, tmp_path: Path, until: Callable, screenshot: Callable) -> None:
    page.goto(lab)
    run_all(page)
    use(page, tmp_path / "work", until, screenshot, "jupyterlab")
    assert page.complaints == []
    assert page.asked_elsewhere == []


@pytest.mark.thorough
def test_in_notebook_7(notebook7: str, page: Any, tmp_path: Path, until: Callable, screenshot: Callable) -> None:
    page.goto(notebook7)
    run_all(page)
    use(page, tmp_path / "work", until, screenshot, "notebook7")
    assert [complaint for complaint in page.complaints if NOT_OURS not in complaint] == []
    assert page.asked_elsewhere == []


@pytest.mark.thorough
def test_in_voila(app: str, page: Any, tmp_path: Path, until: Callable, screenshot: Callable) -> None:
    page.goto(app)
    use(page, tmp_path / "work", until, screenshot, "voila")
    assert page.complaints == []
    assert page.asked_elsewhere == []
