"""The explorer with a menu of methods: what each can do, what a switch keeps, and what cannot be used."""

from __future__ import annotations

import html
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from momi_lib.data import load_truth, to_float, to_uint8
from momi_lib.rivals.base import Landmarks
from momi_lib.rivals.methods import method
from momi_lib.rivals.posed import Posed, PoseSource
from momi_lib.rivals.weights import load_answer, load_rival, save_rival
from momi_lib.translate import CarryNet
from momi_lib.widgets import interpolation_controls as ways
from momi_lib.widgets import swap_state as module
from momi_lib.widgets.evidence_panels import Picture
from momi_lib.widgets.explorer import SwapExplorer
from momi_lib.widgets.other_studios import PicturesStudio, PosedStudio, title_of

WRIST = 9
TINY = {
    "pg2": {"width": 4, "refiner_width": 4, "code": 8},
    "dg-net": {"vgg": (4, 4, 8, 8), "width": 2, "mlp": 8, "head": 8},
}


class Shifted:
    """The source moved sideways, before a background that is chosen by name."""

    name, needs, backgrounds = "shifted", frozenset(), ("source", "target")
    config = SimpleNamespace(size=(128, 64))

    def swap(self, source: Tensor, target: Tensor, background: str = "source") -> Tensor:
        return source.roll(3, -1) if background == "source" else target.roll(3, -1)


class Short(Shifted):
    """An answer of another size than it says."""

    name, backgrounds = "short", ("drawn",)

    def swap(self, source: Tensor, target: Tensor) -> Tensor:
        return source[..., :-1]


class Corners(PoseSource):
    """Poses of one's own, of which there are no heatmaps."""

    name, sha256 = "joints", "0" * 64

    def find(self, pictures: Tensor) -> Landmarks:
        return Landmarks(torch.full((len(pictures), 17, 2), 20.0), torch.ones(len(pictures), 17, dtype=torch.bool))

    def of_people(self, people: Any) -> Landmarks:
        return self.find(people.pictures)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Weights of a pose-guided rival and of DG-Net, tiny and untrained."""
    found = {}
    for name, changes in TINY.items():
        kind = method(name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = kind.network(replace(kind.presets["small"], **changes))
        folder = tmp_path_factory.mktemp("weights")
        found[name] = save_rival(network, folder / f"{name}.safetensors")
    return found


@pytest.fixture(scope="module")
def listed() -> list[int]:
    truth = load_truth()
    return torch.cat([truth.source[:4], truth.target[:4]]).tolist()


@pytest.fixture
def explorer(carrier: CarryNet, files: dict[str, Path], listed: list[int], tmp_path: Path) -> SwapExplorer:
    return SwapExplorer(network=carrier, answers=list(files.values()), pictures=listed, save_to=tmp_path / "saved")


def take(explorer: SwapExplorer, name: str | Path) -> SwapExplorer:
    """Choose in the menu."""
    assert explorer.answer is not None
    explorer.answer.value = str(name)
    return explorer


def told(explorer: SwapExplorer) -> str:
    return html.unescape(explorer.message.value)


def all_of(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from all_of(child)


def encoded(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_without_answers_there_is_no_menu(carrier: CarryNet, listed: list[int], tmp_path: Path) -> None:
    explorer = SwapExplorer(network=carrier, answers=None, pictures=listed, save_to=tmp_path)
    assert explorer.answer is None
    assert all(getattr(each, "description", "") != "Drawn by" for each in all_of(explorer.widget))
    assert "drawn by" not in explorer.editor.swap_says and told(explorer).count("Swap drawn in front of") == 1
    assert (explorer.editor.hint, explorer.editor.pose_title) == ("take hold of a joint", "pose map p")
    explorer.save.click()
    state = explorer.state
    assert [file.name for file in tmp_path.glob("*.png")] == [f"swap_{state.source}_to_{state.target}.png"]


def test_weights_are_loaded_when_they_are_first_chosen(
    explorer: SwapExplorer, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    menu, asked = explorer.answer, []
    monkeypatch.setattr(module, "load_answer", lambda name: asked.append(name) or load_answer(name))
    assert menu in all_of(explorer.widget) and menu.description == "Drawn by" and menu.tooltip
    assert menu.options == (("MOMI-Net", "MOMI-Net"), ("PG²", str(files["pg2"])), ("DG-Net", str(files["dg-net"])))
    for name in (files["pg2"], "MOMI-Net", files["pg2"]):
        take(explorer, name)
    assert asked == [files["pg2"]]


def test_a_name_that_stands_twice_is_offered_once(files: dict[str, Path], listed: list[int]) -> None:
    answers = [files["pg2"], "small", str(files["pg2"]), "pg2@student", Shifted(), Shifted()]
    menu = SwapExplorer(answers=answers, pictures=listed).answer
    expected = ["MOMI-Net (small)", "PG²", "PG² (poses of the student)", "shifted", "shifted 2"]
    assert menu is not None and [title for title, _ in menu.options] == expected


@pytest.mark.parametrize("name", ["pg2", "dg-net"])
def test_the_swap_is_that_of_the_method(explorer: SwapExplorer, files: dict[str, Path], name: str) -> None:
    state = take(explorer, files[name]).state
    known = load_answer(files[name])
    pictures = to_float(explorer.people.pictures[[state.source, state.target]])
    expected = to_uint8(known.swap(pictures[:1], pictures[1:]))[0]
    assert (state.swap.int() - expected.int()).abs().max() <= 1
    assert state.truth == 0 and f"{state.l1:.3f}" in told(explorer)
    assert explorer.swapper.method.config == known.config and explorer.network is None
    if isinstance(known, Posed):
        found = known.find(pictures)  # both in one batch, which rounds otherwise
        assert torch.allclose(found.places, state.landmarks, atol=1e-2) and torch.equal(found.valid, state.valid)
        assert explorer.swapper.studio.finder == "the teacher"
        assert "joints that the teacher found" in explorer.panels["source"].alternative


def test_pg2_follows_a_dragged_wrist_and_dg_net_cannot(explorer: SwapExplorer, files: dict[str, Path]) -> None:
    explorer.choose(explorer.state.source, explorer.state.target, mirrored=True)
    explorer.keep.value = False
    kept = explorer.move("left_wrist", 31, 20)
    swaps = [kept.swap]
    state = take(explorer, files["pg2"]).state
    assert (state.source, state.target, state.mirrored, state.edited) == (kept.source, kept.target, True, True)
    assert torch.equal(state.landmarks[1], kept.landmarks[1]) and explorer.editor.enabled and explorer.editor.skeleton
    swaps.append(state.swap)
    before = explorer.editor.swap
    explorer.move("left_wrist", 31, 90)
    assert explorer.editor.swap != before and explorer.editor.joints[WRIST] == [31, 90, True]
    explorer.move("left_wrist", 31, 20)
    state = take(explorer, files["dg-net"]).state
    assert (state.source, state.target, state.mirrored) == (kept.source, kept.target, True)
    assert not explorer.editor.enabled and not explorer.editor.skeleton and not state.valid.any()
    why = "DG-Net takes no pose: it keeps the structure of the target's picture, so there is no skeleton to move"
    assert why == explorer.editor.hint and f"{why}. The joints that were moved are kept" in told(explorer)
    before = explorer.editor.swap
    assert explorer.move("left_wrist", 31, 90) is state and explorer.editor.swap == before and why in told(explorer)
    swaps.append(state.swap)
    assert len({each.numpy().tobytes() for each in swaps}) == 3
    again = take(explorer, "MOMI-Net").state
    assert again.edited and torch.equal(again.swap, kept.swap) and torch.equal(again.landmarks, kept.landmarks)


def test_dg_net_is_scored_on_the_two_pictures(explorer: SwapExplorer, files: dict[str, Path]) -> None:
    explorer.move("left_wrist", 31, 20)
    explorer.ways.pose.value = 0.5
    assert explorer.state.truth is None
    state = take(explorer, files["dg-net"]).state
    assert state.truth == 0 and state.l1 is not None and not state.edited and state.pose_share == 1
    assert take(explorer, "MOMI-Net").state.pose_share == 0.5


def test_what_a_method_cannot_do_is_off_and_says_why(explorer: SwapExplorer, files: dict[str, Path]) -> None:
    of_poses = [explorer.keep, explorer.reset_pose, explorer.save_gif, explorer.ways.pose, explorer.ways.way,
                explorer.ways.play]  # fmt: skip
    always = [explorer.ways.look, explorer.ways.what, explorer.background, explorer.stations.block]
    usual = {control: control.tooltip for control in (*of_poses, *always)}
    all_ten = [*of_poses, *always]
    for name, off, reasons in ((files["pg2"], always, 1), (files["dg-net"], all_ten, 2), ("MOMI-Net", [], 0)):
        take(explorer, name)
        title = explorer.answer.label
        for control in (*of_poses, *always):
            assert control.disabled == (control in off), control
            assert title in control.tooltip if control in off else control.tooltip == usual[control]
        assert not any(control.disabled for control in (explorer.mirror, explorer.shuffle, explorer.save))
        assert explorer.ways.told.value.count(title) == reasons
    take(explorer, files["dg-net"]).save_gif.click()
    assert "no animation to save: DG-Net takes no pose" in told(explorer)


def test_background_and_way_come_back_with_a_method_that_has_them(
    explorer: SwapExplorer, files: dict[str, Path]
) -> None:
    explorer.background.value = "grey"
    explorer.ways.look.value = 0.5
    kept = explorer.state
    state = take(explorer, files["pg2"]).state
    assert (state.background, state.look_share) == ("drawn", 0)
    take(explorer, files["dg-net"])
    state = take(explorer, "MOMI-Net").state
    assert (state.background, state.look_share) == ("grey", 0.5) and torch.equal(state.swap, kept.swap)


def test_the_animation_of_a_pose_guided_method_moves_the_pose_alone(
    explorer: SwapExplorer, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "STEPS", 4)
    explorer.ways.what.value = "both"
    take(explorer, files["pg2"]).ways.play.value = 2
    assert (explorer.state.pose_share, explorer.state.look_share, explorer.ways.look.value) == (0.5, 0, 0)
    explorer.save_gif.click()
    state = explorer.state
    path = explorer.save_to / f"swap_{state.source}_to_{state.target}_by_pg2.gif"
    assert f"Saved as {path}" in told(explorer) and path.is_file()
    take(explorer, files["dg-net"]).ways.play.value = 3
    assert explorer.ways.pose.value == 0.5


def test_every_control_has_a_name_and_every_picture_a_description(
    explorer: SwapExplorer, files: dict[str, Path]
) -> None:
    for name in files.values():
        title = take(explorer, name).answer.label
        for control in all_of(explorer.widget):
            if isinstance(control, widgets.Dropdown | widgets.FloatSlider | widgets.ToggleButton | widgets.Button):
                assert control.description
            elif isinstance(control, Picture) and control.png:
                assert len(control.alternative) > 10
        assert explorer.editor.swap_says.endswith(f"drawn by {title}")
        assert explorer.editor.pose_says.startswith("pose: ")
        assert "student" not in explorer.stations.panels["student source"].alternative
        assert title in explorer.stations.panels["student target"].alternative
        assert f"Swap drawn by {title}" in told(explorer)  # a screen reader hears of the switch


@pytest.mark.parametrize("at", ["vunet", "damaged", "pg2@joints", "other size", "short"])
def test_what_cannot_be_used_is_said_in_a_sentence_and_the_one_before_stays(
    explorer: SwapExplorer, files: dict[str, Path], carrier: CarryNet, listed: list[int], tmp_path: Path, at: str
) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nothing of the kind")
    kind = method("pg2")
    config = replace(kind.presets["small"], **TINY["pg2"], size=(64, 32))
    answer, words = {
        "vunet": ("vunet", "weights 'vunet': neither a file nor one of"),
        "damaged": (tmp_path / "broken.safetensors", "broken.safetensors"),
        "pg2@joints": (f"{files['pg2']}@joints", "its poses are the labels of a data set"),
        "other size": (save_rival(kind.network(config), tmp_path / "flat.safetensors"), "draws pictures of 64 × 32"),
        "short": (Short(), "Short.swap: expected float pictures (1, 3, 128, 64)"),
    }[at]
    explorer = SwapExplorer(network=carrier, answers=[files["pg2"], answer], pictures=listed)
    take(explorer, files["pg2"]).move("left_wrist", 31, 20)
    before = explorer.editor.swap, explorer.state.landmarks.tolist(), explorer.background.disabled
    take(explorer, answer if isinstance(answer, str | Path) else "short")
    assert explorer.answer.value == str(files["pg2"]) and explorer.swapper.method is not None
    assert words in told(explorer) and "The swap is still that of PG²." in told(explorer)
    assert (explorer.editor.swap, explorer.state.landmarks.tolist(), explorer.background.disabled) == before
    assert explorer.move("left_wrist", 31, 90).edited


@pytest.mark.parametrize("first", [True, False])
def test_what_satisfies_no_door_is_refused_at_once(files: dict[str, Path], listed: list[int], first: bool) -> None:
    rival = load_rival(files["pg2"])
    with pytest.raises(TypeError, match="Pg2: .*it lacks swap; a network that draws from poses gets them from a pose"):
        SwapExplorer(network=rival if first else "small", answers=[rival], pictures=listed)


def test_nothing_is_no_method(listed: list[int]) -> None:
    with pytest.raises(TypeError, match="NoneType: expected what satisfies momi_lib.translate.swaps.Swaps"):
        SwapExplorer(network=None, pictures=listed)


def test_a_generator_of_ones_own_and_its_backgrounds(listed: list[int], carrier: CarryNet) -> None:
    explorer = SwapExplorer(network=Shifted(), answers=[carrier], pictures=listed)
    pixels = explorer.swapper.pixels
    assert torch.equal(explorer.state.swap, pixels(explorer.state.source).roll(3, -1))
    assert [name for _, name in explorer.background.options] == ["source", "target"]
    assert "shifted takes no joints" in told(explorer) and "in front of the source's street" in told(explorer)
    explorer.background.value = "target"
    assert torch.equal(explorer.state.swap, pixels(explorer.state.target).roll(3, -1))
    explorer.mirror.value = True
    assert torch.equal(explorer.state.swap, pixels(explorer.state.target).flip(-1).roll(3, -1))
    assert take(explorer, "MOMI-Net").state.background == "target" and explorer.editor.enabled


def test_a_rival_alone_needs_no_menu(files: dict[str, Path], listed: list[int], tmp_path: Path) -> None:
    explorer = SwapExplorer(network=files["pg2"], answers=None, pictures=listed, save_to=tmp_path)
    assert explorer.answer is None and explorer.background.disabled and explorer.ways.look.disabled
    before = explorer.editor.swap
    explorer.move("left_wrist", 31, 20)
    assert explorer.editor.swap != before
    explorer.own.take("me.png", encoded((90, 180)))
    assert "judged by MOMI-Net's student; PG² has none" in html.unescape(explorer.own.message.value)
    explorer.own.as_source.click()
    assert explorer.state.source == len(explorer.people) and "me.png" in explorer.editor.swap_says


def test_an_own_picture_stays_and_is_judged_by_the_student_once_there_is_one(
    files: dict[str, Path], listed: list[int], carrier: CarryNet
) -> None:
    explorer = SwapExplorer(network=files["dg-net"], answers=[carrier, files["pg2"]], pictures=listed)
    explorer.own.take("me.png", encoded((90, 180)))
    explorer.own.as_source.click()
    for name in (files["pg2"], "MOMI-Net"):
        state = take(explorer, name).state
        assert state.source == len(explorer.people) and state.swap is not None
    explorer.own.take("again.png", encoded((90, 180)))
    assert explorer.own.sure in (True, False) and "joints found" in explorer.own.message.value
    take(explorer, files["pg2"]).own.as_target.click()
    assert explorer.state.target == len(explorer.people) + 1 and "again.png" in explorer.editor.swap_says


def test_where_the_first_weights_are_missing_another_method_can_be_chosen(
    files: dict[str, Path], listed: list[int]
) -> None:
    explorer = SwapExplorer(network="no such weights", answers=[files["pg2"], "vunet"], pictures=listed)
    assert explorer.state.swap is None and "no such weights" in told(explorer) and not explorer.editor.enabled
    take(explorer, "vunet")
    assert "vunet cannot be used: weights 'vunet'" in told(explorer) and "There is still no swap." in told(explorer)
    assert take(explorer, files["pg2"]).state.swap is not None and explorer.editor.enabled
    assert take(explorer, "no such weights").answer.value == str(files["pg2"])
    assert "no such weights cannot be used: weights 'no such weights': neither" in told(explorer)


def test_the_swapper_refuses_what_its_method_cannot_do(explorer: SwapExplorer, files: dict[str, Path]) -> None:
    first, second = explorer.state.source, explorer.state.target
    posed, pictures = (explorer.swapper.beside(file) for file in files.values())
    edited = torch.zeros(17, 2), torch.ones(17, dtype=torch.bool)
    assert posed(first, second, edited=edited, pose_share=0.5).swap.shape == (3, 128, 64)
    for swapper in (posed, pictures):
        with pytest.raises(ValueError, match="^look_share: .* nobody between two people; leave it out"):
            swapper(first, second, look_share=0.5)
    for options in ({"edited": edited}, {"pose_share": 0.5}):
        with pytest.raises(ValueError, match="^edited: DG-Net takes no pose"):
            pictures(first, second, **options)


def test_the_studios_refuse_what_they_cannot_draw(files: dict[str, Path]) -> None:
    posed, alone = PosedStudio(load_answer(files["pg2"])), PicturesStudio(load_answer(files["dg-net"]))
    picture = torch.zeros(3, 128, 64)
    for studio, options, words in (
        (posed, {"share": 0.5}, "nobody between"), (posed, {"background": torch.zeros(3)}, "cannot be chosen"),
        (alone, {}, "takes no pose"), (alone, {"share": 1.0}, "nobody between"),
    ):  # fmt: skip
        person = studio.meet(picture)
        with pytest.raises(ValueError, match=words):
            studio.draw(person, person.landmarks, person.valid, **options)
        assert studio.looks(person, person.landmarks, person.valid, WRIST) is None
    person = posed.meet(picture)
    exact = posed.draw(person, person.landmarks, person.valid)
    posed.half = True  # bfloat16 on any processor
    quick = posed.draw(person, person.landmarks, person.valid, quick=True)
    assert (exact.picture.int() - quick.picture.int()).abs().float().median() <= 4
    assert torch.equal(exact.pose, quick.pose)


def test_a_pose_source_without_heatmaps_will_do(files: dict[str, Path]) -> None:
    studio = PosedStudio(Posed(load_rival(files["pg2"]), Corners()).eval())
    person = studio.meet(torch.zeros(3, 128, 64))
    assert person.landmarks.eq(20).all() and person.valid.all()
    assert person.heatmaps.shape == (17, 128, 64) and person.heatmaps[WRIST, 20, 20] == 1
    assert studio.find(torch.zeros(2, 3, 128, 64, dtype=torch.uint8)).landmarks.shape == (2, 17, 2)


@pytest.mark.parametrize(
    ("name", "title"),
    [("patn@joints", "PATN (labelled poses)"), ("patn@student", "PATN (poses of the student)"), ("vunet", "vunet"),
     ("pn-gan@canonical", "PN-GAN (canonical poses)"), ("vunet@detector", "vunet@detector"),
     ("small", "MOMI-Net (small)")],
)  # fmt: skip
def test_titles_need_no_weights(name: str, title: str) -> None:
    assert title_of(name) == title


def test_a_file_with_the_mark_in_its_name_keeps_it(files: dict[str, Path], tmp_path: Path) -> None:
    path = save_rival(load_rival(files["pg2"]), tmp_path / "a@b.safetensors")
    assert (title_of(path), title_of(f"{path}@student")) == ("a@b", "a@b (poses of the student)")
