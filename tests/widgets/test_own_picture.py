"""Your own picture without a browser: the box, its sliders, and what the button hands over."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

from momi_lib.train.presets import preset
from momi_lib.translate import MomiNet
from momi_lib.widgets.crop_box import LEAST, LONGEST, CropBox
from momi_lib.widgets.own_picture import OwnPicture
from momi_lib.widgets.picture_button import PictureButton
from momi_lib.widgets.swap_state import Swapper
from momi_lib.widgets.upload import Box, cut


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def own() -> OwnPicture:
    return OwnPicture(Swapper(network=MomiNet(preset("tiny").network).eval()), lambda *used: None)


@pytest.mark.parametrize("name", ["across", "down", "size"])
@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan, math.inf, "left", None])
def test_a_box_that_leaves_the_picture_is_refused(name: str, value: object) -> None:
    crop = CropBox()
    before = crop.box
    with pytest.raises(traitlets.TraitError, match=name):
        setattr(crop, name, value)
    assert crop.box == before


def test_a_box_too_small_to_take_hold_of_is_refused() -> None:
    with pytest.raises(traitlets.TraitError, match=rf"size: expected a number from {LEAST} to 1, got 0\.05"):
        CropBox().size = 0.05


def test_a_large_picture_goes_to_the_browser_smaller_and_its_size_is_told() -> None:
    crop = CropBox()
    crop.show(noise(1500, 900), "street.jpg")
    assert (crop.width, crop.height, crop.name) == (1500, 900, "street.jpg")
    with Image.open(io.BytesIO(crop.picture)) as shown:
        assert shown.size == (LONGEST, LONGEST * 900 // 1500)


def test_box_and_sliders_say_the_same(own: OwnPicture) -> None:
    own.take("me.png", png(noise(200, 300)))
    own.across.value = 0.25
    own.crop.set_trait("down", 0.75)
    own.size.value = LEAST
    assert own.crop.box == Box(0.25, 0.75, LEAST)
    assert (own.across.value, own.down.value, own.size.value) == (0.25, 0.75, LEAST)


def test_a_moved_box_is_looked_at_once(own: OwnPicture, monkeypatch: pytest.MonkeyPatch) -> None:
    image = noise(200, 300)
    own.take("me.png", png(image))
    looks, find = [], own.swapper.studio.find
    monkeypatch.setattr(own.swapper.studio, "find", lambda pictures: looks.append(1) or find(pictures))
    seen = own.seen.png
    own.crop.set_state({"across": 0.1, "down": 0.2, "size": 0.3})  # as the browser does
    assert len(looks) == 1 and own.seen.png != seen
    assert torch.equal(own.picture, cut(image, Box(0.1, 0.2, 0.3)))
    assert (own.across.value, own.down.value, own.size.value) == (0.1, 0.2, 0.3)


def test_the_box_stays_for_the_next_picture_and_a_refused_file_changes_nothing(own: OwnPicture) -> None:
    own.take("first.png", png(noise(200, 300)))
    own.crop.size = 0.5
    second = noise(300, 200)
    own.take("second.png", png(second))
    assert torch.equal(own.picture, cut(second, Box(size=0.5)))
    shown = own.crop.picture
    own.take("notes.txt", b"milk")
    assert own.crop.picture == shown and own.crop.name == "second.png" and "notes.txt" in own.message.value


def test_without_a_network_the_box_still_crops(tmp_path: Path) -> None:
    used = []
    own = OwnPicture(Swapper(network=tmp_path / "not there"), lambda *what: used.append(what))
    image = noise(200, 300)
    own.take("me.png", png(image))
    own.crop.across = 1.0
    assert torch.equal(own.picture, cut(image, Box(across=1.0))) and "would see" in own.seen.alternative
    own.as_target.click()
    assert used == [("target", len(own.swapper.people), "me.png")]


@pytest.mark.parametrize(
    ("message", "buffers"), [({}, [b"x"]), ({"type": "file", "name": "a"}, []), ({"type": "edit"}, [b"x"])]
)
def test_a_message_without_a_file_is_left_out(message: dict, buffers: list[bytes]) -> None:
    taken = []
    button = PictureButton(lambda *file: taken.append(file))
    button.receive(message, buffers)
    assert taken == []
    button.receive({"type": "file"}, [memoryview(b"x")])
    assert taken == [("your file", b"x")]
