"""Where each pixel of a swap came from, and the menu of answers that comes by itself."""

from __future__ import annotations

import html
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from momi_lib.data import load_truth, to_float
from momi_lib.rivals.methods import method
from momi_lib.rivals.weights import save_rival
from momi_lib.translate import CarryNet
from momi_lib.widgets.explorer import PAGES, SwapExplorer
from momi_lib.widgets.known_answers import Copy, known_answers
from momi_lib.widgets.png import origins_png, shares_png
from momi_lib.widgets.session import Origins
from momi_lib.widgets.why import ORIGINS, Why

WHY = PAGES.index("Why")


def array(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def listed() -> list[int]:
    truth = load_truth()
    return torch.cat([truth.source[:3], truth.target[:3]]).tolist()


@pytest.fixture
def explorer(carrier: CarryNet, listed: list[int], tmp_path: Path) -> SwapExplorer:
    return SwapExplorer(network=carrier, pictures=listed, save_to=tmp_path)


def put_together(origins: Origins, behind: torch.Tensor) -> torch.Tensor:
    person = (origins.shares[:, None] * origins.pictures).sum(0)
    return torch.lerp(behind, person, origins.silhouette).clamp(-1, 1)


def test_the_origins_are_those_of_explain_and_together_they_are_the_swap(
    explorer: SwapExplorer, carrier: CarryNet
) -> None:
    state = explorer.state
    source, target = (picture[None] for picture in explorer.swapper.pictures(state))
    with torch.inference_mode():
        known = carrier.explain(source, target)
    explorer.pages.selected_index = WHY
    origins = explorer.why.origins
    assert origins is not None and torch.allclose(origins.shares, known.gates[0][[1, 2, 0]], atol=1e-3)
    assert torch.allclose(origins.silhouette, known.silhouette[0, 0], atol=1e-3)
    own, mirrored, drawn = (known.carried + known.light, known.mirrored + known.light, known.drawn)
    for found, expected in zip(origins.pictures, (own, mirrored, drawn), strict=True):
        assert ((found - expected[0]).abs() > 0.02).float().mean() < 0.01  # of two near places, rounding chooses
    again = put_together(origins, known.background[0])
    assert ((again - to_float(state.swap)).abs() > 0.02).float().mean() < 0.01


def test_the_tab_follows_the_hand_and_is_drawn_only_where_it_is_seen(explorer: SwapExplorer) -> None:
    assert explorer.why.origins is None and explorer.why.panels["map"].png == b""  # another page is open
    explorer.pages.selected_index = WHY
    before, said = explorer.why.panels["map"].png, explorer.why.said.value
    shares = explorer.why.origins.of_person
    assert sum(shares) == pytest.approx(1, abs=1e-4) and all("%" in word for word in said.split(", ")[1:3])
    explorer.keep.value = False
    state = explorer.move("left_wrist", 31, 20)
    assert explorer.why.panels["map"].png != before
    behind = explorer.swapper.person(state.target).street
    again = put_together(explorer.why.origins, behind)
    assert ((again - to_float(state.swap)).abs() > 0.02).float().mean() < 0.01
    explorer.background.value = "grey"
    assert "behind the person: plain grey" in explorer.why.said.value


def test_every_origin_has_its_colour_its_panel_and_its_words(explorer: SwapExplorer) -> None:
    thirds = torch.zeros(3, 128, 64)
    for place in range(3):
        thirds[place, :, 20 * place : 20 * place + 20] = 1
    thirds[2, :, 60:] = 1
    silhouette = torch.ones(128, 64)
    silhouette[100:] = 0
    swap = torch.full((3, 128, 64), 120, dtype=torch.uint8)
    colours = [colour for colour, _ in ORIGINS.values()]
    drawn = array(origins_png(thirds, silhouette, swap, colours, scale=1))
    assert len({tuple(drawn[50, column]) for column in (10, 30, 50)}) == 3 and np.ptp(drawn[110, 30]) == 0
    brightness = sorted(drawn[50, column] @ (0.2126, 0.7152, 0.0722) for column in (10, 30, 50))
    assert min(np.diff(brightness)) > 10  # told apart without colours, too
    assert array(shares_png(swap, silhouette, scale=1))[[50, 110], 5].tolist() == [[120] * 3, [240] * 3]
    why = Why(explorer.swapper)
    why._draw(Origins(thirds, torch.zeros(3, 3, 128, 64), silhouette), swap, "plain grey")
    for name in ORIGINS:
        assert f"% of the person; {ORIGINS[name][1]}" in why.panels[name].alternative
        assert name in why.legend.value and ORIGINS[name][0] in why.legend.value
    assert "31% carried, 31% mirrored, 38% drawn" in why.said.value
    none = thirds.clone()
    none[0] += none[1]
    none[1] = 0
    why._draw(Origins(none, torch.zeros(3, 3, 128, 64), silhouette), swap, "plain grey")
    assert why.panels["mirrored"].layout.display == "none" and why.panels["mirrored"].png == b""
    assert "less than 1% mirrored" in why.said.value


@pytest.mark.parametrize("at", ["copy source", "between two", "no weights"])
def test_where_it_is_not_known_the_tab_says_so_in_one_sentence(
    explorer: SwapExplorer, listed: list[int], at: str
) -> None:
    if at == "no weights":
        explorer = SwapExplorer(network="no such weights", pictures=listed)
    explorer.pages.selected_index = WHY
    if at == "copy source":
        explorer.answer.value = "copy source"
    elif at == "between two":
        explorer.ways.look.value = 0.5
    words = {"copy source": "only known for networks that carry", "between two": "there are two sources",
             "no weights": "no such weights"}[at]  # fmt: skip
    assert words in explorer.why.said.value and explorer.why.origins is None
    assert all(panel.layout.display == "none" for panel in explorer.why.panels.values())
    if at == "between two":
        explorer.ways.look.value = 0.0
        assert explorer.why.origins is not None and explorer.why.panels["map"].png


def test_the_menu_lists_ours_the_copies_and_rivals_only_where_there_are_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path))
    copies = ["copy source", "copy target"]
    assert [answer.name for answer in known_answers()] == copies
    for name in ("momi-lookup", "momi-small", "rival-dg-net", "rival-pg2", "mannequin-teacher"):
        (tmp_path / f"{name}.safetensors").touch()
    names = [getattr(answer, "name", answer) for answer in known_answers((64, 32))]
    assert names == ["small", "lookup", "pg2", "dg-net", *copies]
    assert known_answers((64, 32))[-1].config.size == (64, 32)
    with pytest.raises(ValueError, match="which: expected one of source, target, got 'mean'"):
        Copy("mean")


def test_the_menu_comes_by_itself_and_a_rival_with_weights_is_in_it(
    carrier: CarryNet, listed: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path))
    kind = method("dg-net")
    config = replace(kind.presets["small"], vgg=(4, 4, 8, 8), width=2, mlp=8, head=8)
    save_rival(kind.network(config), tmp_path / "rival-dg-net.safetensors")
    explorer = SwapExplorer(network=carrier, pictures=listed, save_to=tmp_path / "saved")
    menu = explorer.answer
    assert menu is not None and menu.value == "MOMI-Net" and "drawn by" not in explorer.editor.swap_says
    assert [title for title, _ in menu.options] == ["MOMI-Net", "DG-Net", "copy source", "copy target"]
    swaps = {"MOMI-Net": explorer.state.swap}
    for name in ("dg-net", "copy source", "copy target"):
        menu.value = name
        state, title = explorer.state, menu.label
        swaps[name] = state.swap
        assert state.truth == 0 and state.l1 is not None and explorer.editor.swap_title == f"swap by {title}"
        assert f"Swap drawn by {title}" in html.unescape(explorer.message.value)
    pixels = explorer.swapper.pixels
    assert torch.equal(swaps["copy source"], pixels(state.source))
    assert torch.equal(swaps["copy target"], pixels(state.target))
    assert "it is the target's picture as it is, so there is no skeleton to move" in explorer.editor.hint
    explorer.save.click()
    assert [file.stem.rpartition("_by_")[2] for file in explorer.save_to.glob("*.png")] == ["copy_target"]
    menu.value = "MOMI-Net"
    assert torch.equal(explorer.state.swap, swaps["MOMI-Net"]) and explorer.editor.swap_title == "swap"
