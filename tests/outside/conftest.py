"""A folder of four coloured figures and a teacher that knows nothing: a run of `tiny` on them takes seconds."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from momi_lib.data.records import EMBEDDED, FOLDERS
from momi_lib.pose import SimpleBaseline, Teacher
from momi_lib.train import preset


@pytest.fixture(scope="session")
def crowd(tmp_path_factory):
    """Four persons, three pictures each, in all three folders."""
    root, rng = tmp_path_factory.mktemp("crowd"), np.random.default_rng(0)
    for split in ("bounding_box_train", "bounding_box_test", "query"):
        (root / split).mkdir()
        for person in range(1, 5):
            for shot in range(3):
                picture = rng.integers(90, 130, (128, 64, 3), dtype=np.uint8)
                picture[20:120, 16 + 4 * shot : 40 + 4 * shot] = rng.integers(0, 256, 3)
                Image.fromarray(picture).save(root / split / f"{person:04}_c{shot + 1}s1_{shot:06}_00.jpg")
    return root


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """Twenty-four pictures of mannequins in each of the three folders, in which the teacher finds people; no labels."""
    root = tmp_path_factory.mktemp("few")
    for split in FOLDERS:
        (root / split).mkdir()
        for file in sorted((EMBEDDED / split).iterdir())[:24]:
            shutil.copy(file, root / split)
    return root


@pytest.fixture(scope="session")
def unsure_teacher(tmp_path_factory):
    """An untrained teacher in a file."""
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        Teacher(SimpleBaseline(18, width=8), name="test").save(path)
    return path


@pytest.fixture
def short_run(crowd, unsure_teacher, tmp_path):
    """A function that makes the config of a run of six steps."""

    def make(out="run", **changes):
        usual = dict(data=crowd, teacher=unsure_teacher, out=tmp_path / out, device="cpu", distil_steps=2, steps=4,
                     log=dict(every=1, checkpoint_every=2, grid_every=100))  # fmt: skip
        return preset("tiny", **usual | changes)

    return make
