"""A small folder of people and a teacher that knows nothing: enough to train on in a second."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from momi_lib.data import load
from momi_lib.pose import SimpleBaseline, Teacher
from momi_lib.train import Trainer, preset


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Four persons, three pictures each: a coloured figure in front of noise."""
    root = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    for split in ("bounding_box_train", "bounding_box_test", "query"):
        (root / split).mkdir()
        for person in range(1, 5):
            colour = rng.integers(0, 256, 3)
            for shot in range(3):
                picture = rng.integers(90, 130, (128, 64, 3), dtype=np.uint8)
                left = 16 + 4 * shot
                picture[20:120, left : left + 24] = colour
                Image.fromarray(picture).save(root / split / f"{person:04}_c{shot + 1}s1_{shot:06}_00.jpg")
    return root


@pytest.fixture(scope="session")
def teacher(tmp_path_factory):
    """An untrained teacher in a file."""
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        Teacher(SimpleBaseline(18, width=8), name="test").save(path)
    return path


@pytest.fixture
def ingredients(folder):
    """People and teacher maps that say something, for a Trainer."""
    people = load(folder, cache=False)
    maps = torch.rand(len(people), 17, 32, 16, generator=torch.Generator().manual_seed(0)).half()
    return SimpleNamespace(people=people, maps=maps)


@pytest.fixture
def trainer(ingredients):
    """A function that makes a Trainer from the preset ``tiny`` with changes."""

    def make(**changes):
        return Trainer(preset("tiny", device="cpu", **changes), ingredients.people, ingredients.maps)

    return make
