"""The explorer without a browser: set a value, look at the state and at the pictures."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from PIL import Image

from momi_lib.data import load_truth, to_float, to_uint8
from momi_lib.train.presets import preset
from momi_lib.translate import CarryNet, MomiNet
from momi_lib.widgets import swap_state as module
from momi_lib.widgets.evidence_panels import Picture
from momi_lib.widgets.explorer import SwapExplorer
from momi_lib.widgets.png import map_png, picture_png, skeleton_png
from momi_lib.widgets.swap_panels import PANELS, Stage


def array(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def png_file(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def all_of(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from all_of(child)


@pytest.fixture(scope="module")
def network(visible: Callable[[MomiNet], MomiNet]) -> MomiNet:
    """A network that draws something and finds joints, though it has learnt nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return visible(MomiNet(preset("tiny").network))


@pytest.fixture(scope="module")
def people_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures of two people, without any label."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "query").mkdir()
    generator = np.random.default_rng(0)
    for person, camera in ((2, 1), (2, 3), (7, 1)):
        pixels = generator.integers(0, 256, (128, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "query" / f"{person:04d}_c{camera}s1_{camera:06d}_00.jpg")
    return folder


@pytest.fixture
def explorer(network: MomiNet, tmp_path: Path) -> SwapExplorer:
    return SwapExplorer(network=network, save_to=tmp_path / "saved")


@pytest.fixture
def small(network: MomiNet, people_folder: Path, tmp_path: Path) -> SwapExplorer:
    return SwapExplorer(people_folder, network=network, split="query", save_to=tmp_path)


def test_it_starts_with_a_true_answer_and_draws_every_panel(explorer: SwapExplorer) -> None:
    assert explorer.state.truth == 0
    assert (explorer.state.l1, explorer.state.ssim) != (None, None)
    for name, panel in explorer.panels.items():
        assert array(panel.png).shape == (384, 192, 3), name
        assert panel.alternative.startswith(PANELS[name])
    assert f"{explorer.state.l1:.3f}" in explorer.message.value


def test_the_state_is_the_library_s_swap(explorer: SwapExplorer, network: MomiNet) -> None:
    source, target = (explorer.source.options[place][1] for place in (3, 40))
    state = explorer.choose(source, target)
    pictures = to_float(explorer.people.pictures[[source, target]])
    expected = to_uint8(network.swap(pictures[:1], pictures[1:]))[0]
    assert (state.swap.int() - expected.int()).abs().max() <= 1
    assert torch.equal(state.landmarks, network.pose(pictures).landmarks)
    assert torch.equal(state.pose, network.pose(pictures[1:]).maps[0].amax(0))
    assert explorer.editor.swap == state.swap.permute(1, 2, 0).numpy().tobytes()


@pytest.mark.parametrize("name", ["source", "target"])
def test_a_strip_changes_the_state_and_the_swap(explorer: SwapExplorer, name: str) -> None:
    before = explorer.editor.swap
    strip = getattr(explorer, name)
    strip.place = 77  # as the browser does
    index = strip.options[77][1]
    assert getattr(explorer.state, name) == strip.value == index
    assert explorer.editor.swap != before
    assert f"picture {index} " in explorer.editor.swap_says


def test_a_mirrored_target_is_mirrored_and_has_no_true_answer(explorer: SwapExplorer) -> None:
    plain = array(explorer.editor.behind)
    explorer.mirror.value = True
    assert explorer.state.mirrored and explorer.state.truth is None and explorer.state.l1 is None
    assert np.array_equal(array(explorer.editor.behind), plain[:, ::-1])
    assert "mirrored" in explorer.message.value and explorer.mirror.icon == "check"


def test_the_background_is_chosen_from_a_menu_and_announced(carrier: CarryNet, tmp_path: Path) -> None:
    explorer = SwapExplorer(network=carrier, save_to=tmp_path)
    menu = explorer.background
    assert menu in all_of(explorer.widget) and menu.description == "Background" and not menu.disabled
    assert [name for name, _ in menu.options] == [
        "the target's street", "the source's street", "plain grey", "as drawn by the network"
    ]  # fmt: skip
    assert menu.value == explorer.state.background == "target"
    source, target = explorer.swapper.pictures(explorer.state)
    drawn, said, scores = {}, set(), []
    for name, asked in (("target", "target"), ("source", "source"), ("grey", torch.zeros(3)), ("drawn", "drawn")):
        menu.value = name
        drawn[name] = explorer.state.swap
        said.add(explorer.message.value)
        scores.append(explorer.state.l1)
        expected = to_uint8(carrier.swap(source[None], target[None], background=asked))[0]
        assert ((drawn[name].int() - expected.int()).abs() > 1).float().mean() < 0.01
        assert explorer.state.background == name and explorer.state.truth == 0
        assert explorer.editor.swap == drawn[name].permute(1, 2, 0).numpy().tobytes()
    assert len(said) == 4 and None not in scores  # a screen reader hears of every change
    assert "in front of a street that the network draws" in explorer.message.value
    assert explorer.editor.swap_says.endswith("in front of a street that the network draws")
    assert not torch.equal(drawn["target"], drawn["source"])
    explorer.save.click()
    assert [file.stem.split("_")[-2:] for file in tmp_path.glob("*.png")] == [["background", "drawn"]]


def test_the_background_stays_through_other_changes(carrier: CarryNet) -> None:
    explorer = SwapExplorer(network=carrier)
    explorer.background.value = "source"
    explorer.shuffle.click()
    explorer.mirror.value = True
    assert explorer.move("left_wrist", 31, 70).background == "source"
    explorer.ways.look.value = 0.5
    assert explorer.state.background == "source" and "in front of the source's street" in explorer.editor.swap_says
    explorer.reset()
    assert explorer.state.background == explorer.background.value == "source"


def test_the_street_of_a_mirrored_target_is_mirrored(carrier: CarryNet) -> None:
    explorer = SwapExplorer(network=carrier)
    explorer.mirror.value = True
    source, target = explorer.swapper.pictures(explorer.state)
    expected = to_uint8(carrier.swap(source[None], target[None]))[0]
    assert ((explorer.state.swap.int() - expected.int()).abs() > 1).float().mean() < 0.01


def test_a_network_that_draws_the_street_says_why_the_menu_is_off(explorer: SwapExplorer) -> None:
    menu = explorer.background
    assert menu.disabled and menu.value == explorer.state.background == "drawn"
    assert "background cannot be chosen" in menu.tooltip
    assert "before" not in explorer.message.value and "before" not in explorer.editor.swap_says
    with pytest.raises(ValueError, match="background: expected one of drawn, got 'target'"):
        explorer.swapper(3, 8, background="target")


def test_a_random_pair_has_a_true_answer_and_is_drawn_once(
    explorer: SwapExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawings: list[object] = []
    monkeypatch.setattr(Stage, "show", lambda self, state, live=False: str(drawings.append(state)))
    explorer.mirror.value = True
    explorer.shuffle.click()
    assert len(drawings) == 2  # the mirror, and the pair: source, target and mirror change together
    assert explorer.state.truth is not None and not explorer.state.mirrored
    truth = load_truth()
    row = explorer.state.truth
    assert (explorer.state.source, explorer.state.target) == (int(truth.source[row]), int(truth.target[row]))


def test_random_pairs_follow_the_seed(network: MomiNet) -> None:
    pairs = []
    for seed in (0, 0, 1):
        explorer = SwapExplorer(network=network, seed=seed)
        explorer.shuffle.click()
        pairs.append((explorer.state.source, explorer.state.target))
    assert pairs[0] == pairs[1] != pairs[2]


def test_a_swap_is_saved_with_its_true_answer(explorer: SwapExplorer) -> None:
    explorer.save.click()
    path = explorer.save_to / f"swap_{explorer.state.source}_to_{explorer.state.target}.png"
    assert path.name in explorer.message.value
    with Image.open(path) as image:
        assert image.size == (4 * 66 + 2, 132)
    explorer.mirror.value = True
    explorer.save.click()
    with Image.open(path.with_name(path.stem + "_mirrored.png")) as image:
        assert image.size == (3 * 66 + 2, 132)


def test_a_folder_that_cannot_be_written_is_a_message(explorer: SwapExplorer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    explorer.save_to = tmp_path / "file"
    explorer.save.click()
    assert "Not saved" in explorer.message.value and "save_to" in explorer.message.value


def test_any_folder_will_do_and_says_that_it_has_no_true_answers(small: SwapExplorer) -> None:
    assert len(small.people) == 3 and small.truth is None
    assert small.people.persons[small.state.source] != small.people.persons[small.state.target]
    assert small.state.swap.shape == (3, 128, 64) and small.state.truth is None
    assert "no true answer" in small.message.value
    for _ in range(5):
        small.shuffle.click()
        assert small.people.persons[small.state.source] != small.people.persons[small.state.target]


def test_missing_weights_are_a_message_and_the_pictures_stay(people_folder: Path) -> None:
    explorer = SwapExplorer(people_folder, network="no such weights", split="query")
    assert explorer.network is None and explorer.state.swap is None
    assert "no such weights" in explorer.message.value and "momi_lib train" in explorer.message.value
    explorer.target.value = 1
    assert np.array_equal(array(explorer.editor.behind), array(picture_png(explorer.people.pictures[1], scale=2)))
    assert not explorer.editor.enabled and explorer.move("nose", 3, 4).swap is None
    explorer.save.click()
    assert "no swap to save" in explorer.message.value


def test_damaged_weights_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"broken\.safetensors"):
        SwapExplorer(network=tmp_path / "broken.safetensors")


@pytest.mark.parametrize("pictures", [[], [3], [0, 10_000], [-1, 2]])
def test_a_wrong_choice_of_pictures_is_refused(network: MomiNet, pictures: list[int]) -> None:
    with pytest.raises(ValueError, match="pictures: expected at least two indices from 0 to 1279"):
        SwapExplorer(network=network, pictures=pictures)


def test_a_chosen_few_and_what_is_not_among_them(network: MomiNet) -> None:
    explorer = SwapExplorer(network=network, pictures=[5, 60, 9])
    assert [index for _, index in explorer.source.options] == [5, 9, 60]
    with pytest.raises(ValueError, match="target: expected the index of a picture in the list, got 7"):
        explorer.choose(5, 7)


def test_a_long_list_holds_pairs_that_have_a_true_answer(network: MomiNet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 12)
    explorer = SwapExplorer(network=network)
    chosen = {index for _, index in explorer.source.options}
    assert 2 <= len(chosen) <= 12
    assert {index for pair in explorer.swapper.answers if chosen.issuperset(pair) for index in pair} == chosen
    assert explorer.state.truth == 0


def test_a_long_list_without_true_answers_is_shortened_evenly(
    network: MomiNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    chosen = [index for _, index in SwapExplorer(network=network, split="query").source.options]
    assert chosen == list(range(0, 200, 20))


def test_every_control_has_a_name_and_every_picture_a_description(explorer: SwapExplorer) -> None:
    explorer.own.take("red.png", png_file((200, 300)))
    unnamed = []
    for control in all_of(explorer.widget):
        if isinstance(control, widgets.Dropdown | widgets.FloatSlider | widgets.ToggleButton | widgets.Button):
            unnamed += [] if control.description else [control]
        elif isinstance(control, Picture) and control.layout.display != "none":
            assert len(control.alternative) > 10 and f'alt="{html.escape(control.alternative)}"' in control.value
            assert base64.b64encode(control.png).decode() in control.value
    assert unnamed == []
    assert min(len(explorer.editor.pose_says), len(explorer.editor.swap_says)) > 10
    labels = explorer.source.labels
    assert len(set(labels)) == len(labels) and explorer.source.title == "Source"
    assert 'role="status"' in explorer.message.value


def test_it_shows_itself_and_says_what_it_is_without_a_kernel(explorer: SwapExplorer) -> None:
    bundle = explorer._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.widget.model_id
    assert re.search("explorer.*JupyterLab", bundle["text/plain"])


def test_a_joint_lies_where_its_pixel_is() -> None:
    landmarks, valid = torch.full((17, 2), torch.nan), torch.zeros(17, dtype=torch.bool)
    landmarks[0], valid[0] = torch.tensor([10.0, 20.0]), True
    drawn = array(skeleton_png(torch.zeros(3, 128, 64, dtype=torch.uint8), landmarks, valid))
    rows, columns = np.nonzero(drawn.sum(-1))
    assert np.allclose([columns.mean(), rows.mean()], [3 * 10 + 1, 3 * 20 + 1], atol=0.6)


def test_left_is_solid_and_right_is_dashed() -> None:
    landmarks, valid = torch.zeros(17, 2), torch.zeros(17, dtype=torch.bool)
    for joint, x in ((5, 20.0), (7, 20.0), (6, 40.0), (8, 40.0)):  # both upper arms, straight down
        landmarks[joint], valid[joint] = torch.tensor([x, 20.0 if joint < 7 else 80.0]), True
    drawn = array(skeleton_png(torch.zeros(3, 128, 64, dtype=torch.uint8), landmarks, valid))
    coloured = [(drawn[80:230, 3 * x + 1].min(-1) < 200).mean() for x in (20, 40)]
    assert coloured[0] == 1 and 0.3 < coloured[1] < 0.8


def test_a_map_is_dark_at_zero_and_grey_outside_of_the_mask() -> None:
    values, mask = torch.zeros(128, 64), torch.zeros(128, 64, dtype=torch.bool)
    values[:64], mask[:, :32] = 1.0, True
    drawn = array(map_png(values, picture=torch.zeros(3, 128, 64, dtype=torch.uint8), mask=mask))
    assert drawn[0, 0].tolist() == [253, 231, 36] and drawn[-1, 0].tolist() == [68, 1, 84]
    assert np.ptp(drawn[0, -1]) == 0


def test_a_picture_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"picture: expected \(3, H, W\)"):
        picture_png(torch.zeros(1, 128, 64))


def test_it_begins_with_an_untouched_pair(explorer: SwapExplorer, small: SwapExplorer) -> None:
    for each in (explorer, small):
        state = each.state
        assert state.plain and not state.edited and not state.mirrored
        assert (each.ways.pose.value, each.ways.look.value, each.ways.play.playing) == (1, 0, False)
        pose = each.swapper.person(state.target)
        assert torch.equal(state.landmarks[1], pose.landmarks) and torch.equal(state.valid[1], pose.valid)
    assert explorer.swapper.answers[explorer.state.source, explorer.state.target] == explorer.state.truth


def test_empty_panels_are_not_drawn(explorer: SwapExplorer, people_folder: Path) -> None:
    truth, difference = explorer.panels["truth"], explorer.panels["difference"]
    assert truth.layout.display == difference.layout.display == "" and explorer.stations.note.value == ""
    explorer.mirror.value = True
    for panel in (truth, difference):
        assert (panel.png, panel.value, panel.layout.display) == (b"", "", "none")
        assert "a mirrored target has no true answer" in panel.alternative
    explorer.mirror.value = False
    assert truth.png and truth.layout.display == ""
    lost = SwapExplorer(people_folder, network="no such weights", split="query")
    assert lost.editor.pose == lost.editor.swap == b"" and lost.panels["source"].png
    shown = {name for name, panel in lost.stations.panels.items() if panel.png}
    assert shown == {"teacher source", "teacher target"} and "not without weights" in lost.stations.note.value
    assert lost.own.seen.layout.display == "none"
