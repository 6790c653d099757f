"""What several tests of widgets need."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import cache

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from PIL import Image

from momi_lib.data import load_truth
from momi_lib.pose import load_teacher
from momi_lib.train import preset
from momi_lib.translate import CarryNet, MomiNet
from momi_lib.widgets import swap_state
from momi_lib.widgets.crop_box import CropBox
from momi_lib.widgets.picture_button import PictureButton
from momi_lib.widgets.pose_editor import PoseEditor
from momi_lib.widgets.thumbnails import Thumbnails

once = cache(load_truth), cache(load_teacher)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close what a test made: ipywidgets and anywidget keep every widget, and an explorer holds 130 MB."""
    yield
    widgets.Widget.close_all()
    for kind in (CropBox, PictureButton, PoseEditor, Thumbnails):
        for file in (kind._esm, kind._css):
            file.changed.disconnect()


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Explorers of several tests share the true swaps and the teacher, which none of them changes."""
    for name, known in zip(("load_truth", "load_teacher"), once, strict=True):
        monkeypatch.setattr(swap_state, name, known)


@pytest.fixture(scope="module")
def carrier(visible: Callable[[MomiNet], MomiNet]) -> CarryNet:
    """An untrained network that carries clothes over, finds all joints, and can put any street behind a person."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return visible(CarryNet(preset("tiny-carry").network))


@pytest.fixture(scope="session")
def picture_file() -> bytes:
    """A PNG of noise, 90 × 180 pixels."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (180, 90, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
