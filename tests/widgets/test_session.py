"""Taking hold of a pose from Python: the studio, edits, ways between two, own pictures and what is saved."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from momi_lib.data import load, load_truth, to_float
from momi_lib.train.presets import preset
from momi_lib.translate import MomiNet, load_network, network_of
from momi_lib.widgets import interpolation_controls as ways
from momi_lib.widgets.explorer import SwapExplorer
from momi_lib.widgets.session import Studio
from momi_lib.widgets.upload import Box, UploadError, cut, open_picture

WRIST, SHOULDER = 9, 5


def encoded(size: tuple[int, int], kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module", params=["join", "lookup", "carry"])
def network(request: pytest.FixtureRequest, visible: Callable[[MomiNet], MomiNet]) -> MomiNet:
    """Untrained networks that find every joint and draw something: with and without a lookup, and one that carries."""
    from dataclasses import replace

    config = preset("tiny").network
    if request.param == "carry":
        config = replace(preset("tiny-carry").network, transfer="lookup", pose_detail=4)
    elif request.param != "join":
        config = replace(config, transfer=request.param, pose_detail=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return visible(network_of(config))


@pytest.fixture(scope="module")
def listed() -> list[int]:
    truth = load_truth()
    return torch.cat([truth.source[:8], truth.target[:8]]).tolist()


@pytest.fixture
def explorer(network: MomiNet, listed: list[int], tmp_path: Path) -> SwapExplorer:
    return SwapExplorer(network=network, pictures=listed, save_to=tmp_path / "saved")


def message(explorer: SwapExplorer, number: int, *edits: dict, settled: bool = False) -> None:
    explorer.editor.receive({"type": "edit", "number": number, "edits": list(edits), "settled": settled})


def nearly(one: torch.Tensor, other: torch.Tensor, most: float) -> bool:
    """Whether few values differ: of two places that are equally near, rounding chooses which is carried over."""
    return bool(((one.float() - other.float()).abs() > most).float().mean() < 0.01)


def test_the_studio_draws_what_the_network_draws(network: MomiNet) -> None:
    pictures = torch.rand(2, 3, 128, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    studio = Studio(network)
    first, second = map(studio.meet, pictures)
    expected = network.swap(pictures, pictures[1:].expand_as(pictures))
    pose = second.landmarks, second.valid, second.street
    for share, wanted in ((0, expected[0]), (1, expected[1])):
        drawn = studio.draw(first, *pose, other=second, share=share)
        assert nearly((wanted + 1) * 127.5, drawn.picture, 1)
    for share, end in ((1e-6, 0), (1 - 1e-6, 1)):  # the mixed path leads to the same ends
        drawn = studio.draw(first, *pose, other=second, share=share)
        assert nearly((expected[end] + 1) * 127.5, drawn.picture, 1.5)
    with pytest.raises(ValueError, match="share: expected a number from 0 to 1"):
        studio.draw(first, second.landmarks, second.valid, share=0.5)


def test_the_street_is_found_once_and_dragging_only_draws(network: MomiNet, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = torch.rand(3, 128, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    studio = Studio(network)
    person = studio.meet(picture)
    assert (person.street is None) == (network.backgrounds == ("drawn",))

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a drag asks for what does not change")

    for name in ("pose", "meet", "backdrop", "encode_appearance"):
        monkeypatch.setattr(studio.network, name, never, raising=False)
    drawn = studio.draw(person, person.landmarks, person.valid, person.street).picture
    assert drawn.shape == (3, 128, 64)
    if person.street is None:
        with pytest.raises(ValueError, match="background: expected None"):
            studio.draw(person, person.landmarks, person.valid, torch.zeros(3))
    else:
        assert not torch.equal(drawn, studio.draw(person, person.landmarks, person.valid, torch.zeros(3)).picture)


def test_quick_drawings_of_both_kinds_are_nearly_the_same(network: MomiNet) -> None:
    studio = Studio(network)
    studio.half = True  # bfloat16 on any processor
    person = studio.meet(to_float(load(split="query").pictures[0]))
    exact, quick = (
        studio.draw(person, person.landmarks, person.valid, person.street, quick=value).picture.float()
        for value in (False, True)
    )
    assert (exact - quick).abs().median() <= 4 and not torch.equal(exact, quick)


def test_a_quick_drawing_is_nearly_the_same() -> None:
    studio = Studio(load_network("small"))
    person = studio.meet(to_float(load(split="query").pictures[0]))
    exact, quick = (studio.draw(person, person.landmarks, person.valid, quick=value) for value in (False, True))
    assert nearly(exact.picture, quick.picture, 2)
    assert torch.equal(exact.pose, quick.pose)


def test_a_moved_joint_changes_pose_and_swap_and_has_no_true_answer(explorer: SwapExplorer) -> None:
    before, pose, swap = explorer.state, explorer.editor.pose, explorer.editor.swap
    x, y = before.landmarks[1, WRIST].tolist()
    explorer.keep.value = False
    state = explorer.move("left_wrist", 63 - x, (y + 50) % 128)
    assert state.edited and state.truth is None and "changed pose has no true answer" in explorer.message.value
    assert explorer.editor.pose != pose and explorer.editor.swap != swap
    assert explorer.editor.joints[WRIST] == pytest.approx([63 - x, (y + 50) % 128, True], abs=0.01)
    explorer.remove("left_wrist")
    assert not explorer.state.valid[1, WRIST] and explorer.editor.joints[WRIST][2] is False
    state = explorer.reset()
    assert torch.equal(state.landmarks, before.landmarks) and state.truth == before.truth
    assert explorer.editor.pose == pose and explorer.editor.swap == swap


def test_the_last_position_wins(explorer: SwapExplorer) -> None:
    explorer.keep.value = False
    message(explorer, 1, {"joint": WRIST, "x": 10, "y": 20})
    message(explorer, 3, {"joint": WRIST, "x": 30, "y": 40}, {"joint": SHOULDER, "x": 5, "y": 6})
    message(explorer, 2, {"joint": WRIST, "x": 50, "y": 60})  # overtaken on its way
    assert explorer.editor.joints[WRIST] == [30, 40, True] and explorer.editor.joints[SHOULDER] == [5, 6, True]
    assert explorer.editor.answered == 3
    assert torch.equal(explorer.state.landmarks[1, WRIST], torch.tensor([30.0, 40.0]))


def test_an_answer_comes_even_where_drawing_failed(explorer: SwapExplorer) -> None:
    with pytest.raises(ValueError, match="joint"):
        message(explorer, 1, {"joint": 99, "x": 10, "y": 20})
    assert explorer.editor.answered == 1
    message(explorer, 2, {"joint": WRIST, "found": False})
    assert explorer.editor.answered == 2 and not explorer.state.valid[1, WRIST]


def test_what_need_not_follow_a_hand_waits_until_it_lets_go(explorer: SwapExplorer) -> None:
    said, shown = explorer.message.value, explorer.panels["source"].png
    message(explorer, 1, {"joint": WRIST, "x": 10, "y": 20})
    assert (explorer.message.value, explorer.panels["source"].png) == (said, shown)
    message(explorer, 2, settled=True)
    assert explorer.message.value != said


def test_no_true_answer_stands_beside_a_pose_that_a_hand_changes(explorer: SwapExplorer) -> None:
    panels = [explorer.panels[name] for name in ("truth", "difference")]
    message(explorer, 1)  # taken hold of, and not moved
    assert all(panel.png for panel in panels)
    message(explorer, 2, {"joint": WRIST, "x": 10, "y": 20})
    assert not any(panel.png for panel in panels) and "a changed pose" in panels[1].alternative


def test_limb_lengths_are_kept_or_free_as_the_button_says(explorer: SwapExplorer) -> None:
    assert explorer.keep.value and explorer.editor.keep
    before = explorer.state.landmarks[1]
    length = (before[WRIST] - before[7]).norm()
    state = explorer.move(WRIST, 1, 1)
    assert torch.isclose((state.landmarks[1, WRIST] - state.landmarks[1, 7]).norm(), length, atol=1e-3)
    explorer.keep.value = False
    assert explorer.move(WRIST, 1, 1).landmarks[1, WRIST].tolist() == [1, 1]


def test_an_edited_pose_is_mirrored_with_left_and_right(explorer: SwapExplorer) -> None:
    explorer.keep.value = False
    explorer.move("left_wrist", 10, 20)
    explorer.mirror.value = True
    assert explorer.state.edited and explorer.state.landmarks[1, 10].tolist() == [53, 20]


def test_sliders_go_from_the_source_to_the_target(explorer: SwapExplorer) -> None:
    source, target = explorer.state.source, explorer.state.target
    explorer.background.value = "drawn"  # the target's street would stay on the way to the source's pose
    plain = explorer.state
    explorer.ways.pose.value = 0.0
    assert torch.equal(explorer.state.landmarks[1], plain.landmarks[0]) and explorer.state.truth is None
    assert torch.equal(explorer.state.swap, explorer.swapper(source, source, background="drawn").swap)
    explorer.ways.look.value = 1.0
    explorer.ways.pose.value = 1.0
    assert torch.equal(explorer.state.swap, explorer.swapper(target, target, background="drawn").swap)
    explorer.ways.look.value = 0.5
    assert "50% of the way" in explorer.editor.swap_says
    explorer.ways.reset()
    assert explorer.state.truth == plain.truth


def test_an_edit_on_the_way_becomes_the_new_end(explorer: SwapExplorer) -> None:
    explorer.ways.pose.value = 0.5
    shown = explorer.state.landmarks[1]
    explorer.keep.value = False
    state = explorer.move("nose", 3, 4)
    assert explorer.ways.pose.value == 1.0 and state.pose_share == 1.0
    assert torch.equal(state.landmarks[1, 1:], shown[1:]) and state.landmarks[1, 0].tolist() == [3, 4]


def test_an_animation_is_played_and_saved(explorer: SwapExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "STEPS", 4)  # keeps the test short
    explorer.ways.what.value = "both"
    explorer.ways.play.value = 2
    assert explorer.state.pose_share == explorer.state.look_share == 0.5
    explorer.save_gif.click()
    path = explorer.save_to / f"swap_{explorer.state.source}_to_{explorer.state.target}.gif"
    assert f"Saved as {path}" in explorer.message.value and f'download="{path.name}"' in explorer.message.value
    with Image.open(path) as image:
        assert image.size == (2 * 192, 384) and image.n_frames == len(explorer.ways.frames())
    assert explorer.state.pose_share == 0.5  # saving moved nothing


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("notes.txt", b"milk", "not a JPEG, PNG, WebP or BMP picture but text"),
        ("half.jpg", encoded((400, 400), "JPEG")[:3000], "cannot be decoded"),
        ("small.png", encoded((31, 200)), "at least 32 × 64"),
        ("large.png", b"\0" * (8 * 2**20 + 1), "larger than 8 MiB"),
        ("wide.png", encoded((8, 8)).replace(b"IHDR\0\0\0\x08\0\0\0\x08", b"IHDR\0\0\xff\0\0\0\xff\0"), ""),
    ],
)
def test_a_file_that_cannot_be_used_is_named(explorer: SwapExplorer, name: str, content: bytes, told: str) -> None:
    with pytest.raises(UploadError, match=f"^{name}: .*{told}"):
        open_picture(name, content)
    explorer.own.take(name, content)
    assert name in explorer.own.message.value and explorer.own.as_source.disabled


def test_a_picture_that_a_camera_stored_on_its_side_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_picture("phone.jpg", encoded((300, 200), "JPEG", exif=exif)).size == (200, 300)


@pytest.mark.parametrize("size", [(400, 300), (64, 129), (33, 64), (500, 90)])
@pytest.mark.parametrize("place", [0.0, 0.37, 1.0])
def test_the_box_is_one_to_two_and_inside(size: tuple[int, int], place: float) -> None:
    for share in (0.1, 0.5, 1.0):
        left, top, right, bottom = Box(place, place, share).of(*size)
        assert 2 * (right - left) == bottom - top > 0
        assert left >= 0 and top >= 0 and right <= size[0] and bottom <= size[1]
    assert cut(Image.new("RGB", size), Box()).shape == (3, 128, 64)


def test_an_own_picture_is_seen_judged_and_used(explorer: SwapExplorer) -> None:
    own = explorer.own
    own.upload.receive({"type": "file", "name": "me.png"}, [memoryview(encoded((90, 160)))])
    assert own.sure in (True, False) and "me.png" in own.message.value and not own.as_source.disabled
    before = own.picture
    own.size.value = 0.5
    assert not torch.equal(own.picture, before)
    own.as_source.click()
    assert explorer.state.source == len(explorer.people) and "me.png" in explorer.editor.swap_says
    assert explorer.source.labels[0] == "your picture me.png" and explorer.state.truth is None
    own.as_target.click()
    assert explorer.state.target == len(explorer.people) + 1
    explorer.save.click()
    assert len(list(explorer.save_to.glob("*.png"))) == 1


def test_the_stations_show_teacher_student_and_attention(explorer: SwapExplorer) -> None:
    stations = explorer.stations
    before = {name: panel.png for name, panel in stations.panels.items()}
    assert len(set(before.values())) == len(before)
    stations.heat.value = WRIST
    assert all(stations.panels[name].png != before[name] for name in before if name != "attention")
    assert "left wrist" in stations.panels["teacher source"].alternative
    for option in stations.block.options[1:]:
        stations.block.value = option
        assert stations.panels["attention"].png != before["attention"], option
    if explorer.network.lookup is not None:
        explorer.remove("left_wrist")
        assert "was not found" in stations.panels["attention"].alternative
