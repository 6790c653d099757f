from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from momi_lib.data import People, to_float
from momi_lib.pose import SimpleBaseline, Teacher, teacher_maps
from momi_lib.pose.cache import teacher_key


class Counting(nn.Module):
    """A teacher that counts how often it is asked."""

    map_size = (4, 2)

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 17, kernel_size=4, stride=4)
        self.normalise = nn.BatchNorm2d(17)
        self.asked = 0

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        assert not self.training and not torch.is_grad_enabled()
        self.asked += len(pictures)
        return self.normalise(self.layer(pictures))


@pytest.fixture
def people() -> People:
    pictures = torch.randint(0, 256, (5, 3, 16, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    numbers = torch.arange(5)
    return People(Path("."), "train", tuple("abcde"), pictures, numbers, numbers, None, None, None, "one")


def test_maps_are_those_of_the_teacher_in_half_precision(own_cache, people):
    teacher = Counting().train()
    maps = teacher_maps(teacher, people, batch=2)
    assert teacher.training, "it is left in the mode it was in"
    with torch.no_grad():
        assert torch.equal(maps, teacher.eval()(to_float(people.pictures)).half())


def test_the_second_time_nothing_is_computed(own_cache, people):
    teacher = Counting()
    first, second = teacher_maps(teacher, people), teacher_maps(teacher, people)
    assert teacher.asked == 5 and torch.equal(first, second) and second.dtype == torch.float16
    assert len(list((own_cache / "teacher-maps").glob("*.safetensors"))) == 1
    teacher_maps(teacher, people, cache=False)
    assert teacher.asked == 10


def test_other_weights_or_other_pictures_are_computed_anew(own_cache, people):
    teacher = Counting()
    first = teacher_maps(teacher, people)
    with torch.no_grad():
        teacher.layer.bias[3] += 1
    assert not torch.equal(first, teacher_maps(teacher, people))
    assert teacher.asked == 10
    teacher.normalise.running_mean += 1  # a buffer counts as well
    teacher_maps(teacher, people)
    teacher_maps(teacher, replace(people, fingerprint="two"))
    assert teacher.asked == 20
    teacher_maps(teacher, people.select([0, 1]))
    assert teacher.asked == 22


def test_the_key_knows_the_settings_beside_the_weights(network18):
    keys = {
        teacher_key(Teacher(network18, input_size=size, official=official, map_size=maps), "one")
        for size, official, maps in [
            ((128, 64), False, None),
            ((128, 64), True, None),
            ((256, 128), False, None),
            ((256, 128), False, (32, 16)),
        ]
    }
    assert len(keys) == 4
    assert teacher_key(Teacher(network18, name="a"), "one") == teacher_key(Teacher(network18, name="b"), "one")


@pytest.mark.parametrize("part", ["*.safetensors", "*.sha256"])
def test_a_damaged_file_is_noticed(own_cache, people, caplog, part):
    teacher = Counting()
    first = teacher_maps(teacher, people)
    (path,) = (own_cache / "teacher-maps").glob(part)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert torch.equal(first, teacher_maps(teacher, people))
    assert teacher.asked == 10 and "damaged" in caplog.text
    teacher_maps(teacher, people)
    assert teacher.asked == 10


def test_a_file_without_its_seal_does_not_count(own_cache, people):
    teacher = Counting()
    teacher_maps(teacher, people)
    next((own_cache / "teacher-maps").glob("*.sha256")).unlink()
    teacher_maps(teacher, people)
    assert teacher.asked == 10


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path, monkeypatch, people, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert len(teacher_maps(Counting(), people)) == 5
    assert "MOMI_CACHE" in caplog.text


def test_a_broken_teacher_is_refused_and_not_cached(own_cache, people):
    teacher = Counting()
    teacher.layer.weight.data[0] = float("nan")
    with pytest.raises(ValueError, match="NaN or infinity"):
        teacher_maps(teacher, people)
    assert not (own_cache / "teacher-maps").exists()


def test_no_pictures_are_refused(own_cache, people):
    with pytest.raises(ValueError, match="at least one picture"):
        teacher_maps(Counting(), people.select([]))


def test_a_real_teacher(own_cache):
    pictures = torch.zeros(2, 3, 64, 32, dtype=torch.uint8)
    numbers = torch.arange(2)
    people = People(Path("."), "train", ("a", "b"), pictures, numbers, numbers, None, None, None, "x")
    teacher = Teacher(SimpleBaseline(18, width=8), input_size=(64, 32))
    assert teacher_maps(teacher, people).shape == (2, 17, 16, 8)
