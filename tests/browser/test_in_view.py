"""All that belongs together is seen at once on a small laptop, also while the animation plays; buttons answer then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tools.notebooks.server import IDLE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHOULDER, ELBOW, WRIST = 5, 7, 9
LAPTOP = {"width": 1366, "height": 768}
#: What must be in view → the selector of it, all that fit.
PARTS = {
    "strips": ".momi-strip",
    "source": "img[alt^='source x:']",
    "skeleton": ".momi-editor svg",
    "pose map": "canvas[aria-label^='pose:']",
    "swap": "canvas[aria-label^='swap:']",
    "menus": ".momi-explorer > .widget-box select",
    "buttons": ".momi-explorer > .widget-box :is(.widget-button, .widget-toggle-button)",
    "animation": ".momi-explorer .widget-play button:visible",
    "sliders": ".momi-explorer > .widget-box .widget-slider",
    "message": ".momi-told .momi-message",
    "pages": ".momi-explorer [role=tab]",
}
#: What the window shows of an element: the part of it inside of all that scroll or clip, left, top, right, bottom.
SEEN = """element => {
    const all = element.getBoundingClientRect();
    let [left, top, right, bottom] = [0, 0, innerWidth, innerHeight];
    for (let outer = element.parentElement; outer !== document.body; outer = outer.parentElement) {
        const style = getComputedStyle(outer);
        if (style.overflowX === "visible" && style.overflowY === "visible") continue;
        const box = outer.getBoundingClientRect();
        [left, top] = [Math.max(left, box.left), Math.max(top, box.top)];
        [right, bottom] = [Math.min(right, box.right), Math.min(bottom, box.bottom)];
    }
    const hidden = [left - all.left, top - all.top, all.right - right, all.bottom - bottom];
    return { hidden: Math.max(0, ...hidden), place: [all.left, all.top, all.right, all.bottom].map(Math.round) };
}"""


#: Measures from the next click or chosen file to the answer that holds a text, in milliseconds.
WATCH = """text => {
    window.momiAnswer = null;
    let since = null;
    const begin = () => { since ??= performance.now(); };
    for (const kind of ["click", "change"]) addEventListener(kind, begin, { capture: true, once: true });
    const watch = new MutationObserver(() => {
        const said = [...document.querySelectorAll(".momi-explorer [role=status]")].map(each => each.textContent);
        if (since === null || !said.some(each => each.includes(text))) return;
        window.momiAnswer = performance.now() - since;
        watch.disconnect();
    });
    watch.observe(document.querySelector(".momi-explorer"), { subtree: true, childList: true, characterData: true });
}"""


def places(page: Any) -> dict[str, list[list[int]]]:
    """Where each part is, once all of it is in view; nothing is scrolled for it."""
    found = {}
    for name, selector in PARTS.items():
        seen = [element.evaluate(SEEN) for element in page.locator(selector).all()]
        assert seen, f"no {name}"
        out = [part for part in seen if part["hidden"] > 1]
        assert out == [], f"{name}: partly out of view"
        found[name] = [part["place"] for part in seen]
    return found


def said(page: Any, text: str) -> int:
    return page.get_by_role("status").filter(has_text=text).count()


def seconds(page: Any, act: Callable[[], Any], text: str, until: Callable) -> float:
    """How long the page takes from a click, or a file that was chosen, until it says `text`; by the browser's clock."""
    page.evaluate(WATCH, text)
    act()
    return until(f"the answer {text!r}", lambda: page.evaluate("() => window.momiAnswer")) / 1000


def inside(page: Any, selector: str) -> bool:
    """Whether the middle of everything found lies in the picture behind the skeleton."""
    return page.evaluate(
        """selector => {
            const edge = document.querySelector(".momi-editor svg").getBoundingClientRect();
            return [...document.querySelectorAll(selector)].every(each => {
                const box = each.getBoundingClientRect();
                const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
                return x >= edge.left && x <= edge.right && y >= edge.top && y <= edge.bottom;
            });
        }""",
        selector,
    )


def drag_outside(page: Any, until: Callable, screenshot: Callable, where: str) -> None:
    """Turn an upper arm to the left, so that the forearm leaves the picture; the picture beside it must not show it."""
    box = page.locator("img[alt^='source x:']").bounding_box()
    strip = {"x": box["x"] + box["width"] - 50, "y": box["y"] + 2, "width": 49, "height": box["height"] - 4}
    before = page.screenshot(clip=strip)
    dot = page.locator(f"[data-joint='{ELBOW}'] .momi-dot").bounding_box()
    shoulder = page.locator(f"[data-joint='{SHOULDER}'] .momi-dot").bounding_box()
    page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(shoulder["x"] - 10 * step, shoulder["y"] + dot["height"] / 2)
    wrist = page.locator(f"[data-joint='{WRIST}']")
    until("a wrist outside", lambda: "outside of the picture" in wrist.get_attribute("aria-label"))
    page.mouse.up()
    until("a word on it", lambda: said(page, "changed pose has no true answer"))
    ends = page.evaluate("() => [...document.querySelectorAll('.momi-limb')].map(line => +line.getAttribute('x2'))")
    assert min(ends) < -4  # pixels of the picture, far enough to reach the picture beside it
    page.mouse.move(5, 5)
    screenshot(page, f"{where}-in-view-outside")
    assert page.screenshot(clip=strip) == before and inside(page, ".momi-dot")
    page.get_by_role("button", name="Reset pose").click()
    until("the target's own pose", page.locator("img[alt^='true answer:']").count)


def to_the_top(page: Any, where: str) -> None:
    """Scroll a notebook to the explorer, and the page of its own to its heading, where it opens."""
    top, block = {"jupyterlab": (".momi-explorer", "start"), "voila": ("h1", "end")}[where]
    page.locator(top).first.evaluate("(element, block) => element.scrollIntoView({ block })", block)


def look(page: Any, folder: Path, until: Callable, screenshot: Callable, where: str, most: float) -> None:
    """Measure before and during the animation, then save and upload while it plays."""
    page.locator("canvas[aria-label^='swap:']").first.wait_for()
    until("the true answer", page.locator("img[alt^='true answer:']").count)
    to_the_top(page, where)
    until("a page at rest", lambda: page.locator(".momi-told .momi-message").is_visible())
    before = places(page)
    screenshot(page, f"{where}-in-view")
    swap = page.locator("canvas[aria-label^='swap:']")
    assert "in the pose of picture" in swap.get_attribute("aria-label")  # untouched: no joint was moved
    assert page.locator("[role=dialog], .Toastify__toast").count() == 0  # no question of a first launch over it

    drag_outside(page, until, screenshot, where)
    play = page.locator(".momi-explorer .widget-play button").first
    play.click()
    for _ in range(3):  # the pictures go on
        now = swap.get_attribute("aria-label")
        until("the next frame", lambda now=now: swap.get_attribute("aria-label") not in (now, ""))
    until("a word on it", lambda: said(page, "The animation plays"))
    during = places(page)
    screenshot(page, f"{where}-in-view-playing")
    still = ("strips", "source", "skeleton", "pose map", "swap", "menus", "animation")
    assert [during[part] for part in still] == [before[part] for part in still]
    assert page.locator("img[alt^='true answer:']").count() == 0  # empty panels are not drawn

    took = {"save": seconds(page, page.get_by_role("button", name="Save PNG").click, "Saved as", until)}
    page.get_by_role("tab", name="Your own picture").click()
    Image.effect_noise((200, 400), 100).convert("RGB").save(folder / "own.png")
    button = page.get_by_label("Upload a picture")
    took["upload"] = seconds(page, lambda: button.set_input_files(folder / "own.png"), "own.png: ", until)
    until("the verdict", lambda: said(page, "joints found") or said(page, "Expect wrong joints"))
    to_the_top(page, where)
    took["GIF"] = seconds(page, page.get_by_role("button", name="Save GIF").click, "frames of the GIF", until)
    bar = page.locator(".momi-told .widget-hprogress .widget-label")
    until("its progress", lambda: bar.is_visible() and not bar.inner_text().startswith("frame 0 "))
    places(page)
    screenshot(page, f"{where}-in-view-gif")
    until("the GIF", lambda: said(page, ".gif"))
    play.click()
    until("an end", lambda: page.locator(".widget-play .fa-play").count())
    print(where, {name: round(value, 2) for name, value in took.items()}, before)
    assert max(took.values()) < most, took


@pytest.fixture
def laptop(page: Any) -> Any:
    page.set_viewport_size(LAPTOP)
    return page


@pytest.mark.thorough
def test_in_jupyterlab_all_is_in_view_at_once(
    lab_alone: str, laptop: Any, tmp_path: Path, until: Callable, screenshot: Callable, answer_time: float
) -> None:
    laptop.goto(lab_alone)
    laptop.wait_for_selector(".jp-Notebook .jp-CodeCell")
    laptop.wait_for_function(IDLE)
    laptop.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    look(laptop, tmp_path / "work", until, screenshot, "jupyterlab", answer_time)
    assert laptop.complaints == [] and laptop.asked_elsewhere == []


@pytest.mark.thorough
def test_in_voila_all_is_in_view_at_once(
    app: str, laptop: Any, tmp_path: Path, until: Callable, screenshot: Callable, answer_time: float
) -> None:
    laptop.goto(app)
    look(laptop, tmp_path / "work", until, screenshot, "voila", answer_time)
    assert laptop.complaints == [] and laptop.asked_elsewhere == []
