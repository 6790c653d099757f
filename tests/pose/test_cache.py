from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from momi_lib.data import People, to_float
from momi_lib.pose import SimpleBaseline, Teacher, TeacherMaps, teacher_maps
from momi_lib.pose.cache import CHUNK, teacher_key


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


def crowd(count: int) -> People:
    """More pictures than the teacher looks at together."""
    rng = torch.Generator().manual_seed(1)
    pictures = torch.randint(0, 256, (count, 3, 64, 32), dtype=torch.uint8, generator=rng)
    numbers = torch.arange(count)
    names = tuple(map(str, range(count)))
    return People(Path("."), "train", names, pictures, numbers, numbers, None, None, None, "crowd")


def test_a_map_is_made_when_it_is_first_asked_for_and_kept(own_cache):
    people, teacher = crowd(3 * CHUNK + 5), Counting()
    maps = TeacherMaps(teacher, people)
    assert teacher.asked == 0 and len(maps) == len(people)
    index = torch.tensor([40, 2, 40])
    first = maps[index]
    assert teacher.asked == CHUNK and int(maps.known.sum()) == CHUNK  # the chunk is filled with others still missing
    assert torch.equal(first[0], first[2]) and torch.equal(first, maps[index]) and first.dtype == torch.float16
    maps[torch.arange(len(people))]
    assert maps.complete and teacher.asked == 4 * CHUNK


def test_maps_made_in_any_order_are_the_same_to_the_last_bit(own_cache):
    """With a real network, whose convolutions take other ways for other numbers of pictures."""
    people = crowd(2 * CHUNK + 3)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        teacher = Teacher(SimpleBaseline(18, width=8), input_size=(64, 32), flip=True)
    inorder = teacher_maps(teacher, people, cache=False)
    late = TeacherMaps(teacher, people, cache=False)
    for index in torch.randperm(len(people), generator=torch.Generator().manual_seed(2)).split(5):
        assert torch.equal(late[index], inorder[index])


def test_maps_made_late_are_kept_in_the_file_that_is_read_early(own_cache):
    people, teacher = crowd(2 * CHUNK), Counting()
    early = teacher_maps(teacher, people, cache=False)
    TeacherMaps(teacher, people)[torch.arange(len(people))]
    assert [path.suffix for path in sorted((own_cache / "teacher-maps").iterdir())] == [".safetensors", ".sha256"]
    teacher.asked = 0
    assert torch.equal(teacher_maps(teacher, people), early)
    again = TeacherMaps(teacher, people)
    assert again.complete and torch.equal(again[torch.tensor([3, 1])], early[[3, 1]])
    assert teacher.asked == 0


def test_a_part_of_the_maps_is_gone_on_with(own_cache):
    people, teacher = crowd(2 * CHUNK), Counting()
    maps = TeacherMaps(teacher, people)
    maps.save()
    assert not (own_cache / "teacher-maps").exists(), "nothing to keep yet"
    some = maps[torch.tensor([5])]
    maps.save()
    again = TeacherMaps(teacher, people)
    assert torch.equal(again[torch.tensor([5])], some) and teacher.asked == CHUNK
    whole = teacher_maps(teacher, people)
    assert teacher.asked == 2 * CHUNK and torch.equal(whole, teacher_maps(teacher, people, cache=False))
    names = [path.name for path in (own_cache / "teacher-maps").iterdir()]
    assert len(names) == 2 and not any("part" in name for name in names)


def test_late_maps_of_a_broken_teacher_are_refused(own_cache, people):
    teacher = Counting()
    teacher.layer.weight.data[0] = float("nan")
    with pytest.raises(ValueError, match="NaN or infinity"):
        TeacherMaps(teacher, people)[torch.tensor([0])]
    with pytest.raises(ValueError, match="at least one picture"):
        TeacherMaps(teacher, people.select([]))


def test_maps_of_many_pictures_take_memory_only_as_they_are_made():
    """A million pictures have 17 GB of maps, of which a training's first step needs a few."""
    statm = Path("/proc/self/statm")
    if not statm.is_file():
        pytest.skip("this system does not say how much memory a process holds")

    class Wide(nn.Module):
        def forward(self, pictures):
            return pictures.mean((1, 2, 3)).view(-1, 1, 1, 1).expand(-1, 17, 32, 16)

    def resident() -> int:
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    people = SimpleNamespace(pictures=torch.zeros(60_000, 3, 8, 8, dtype=torch.uint8), fingerprint="")
    maps, before = TeacherMaps(Wide(), people, cache=False), resident()
    assert maps[torch.tensor([3, 59_000])].shape == (2, 17, 32, 16) and maps.maps.dtype == torch.float16
    assert maps.maps.nbytes > 1e9 and resident() - before < 2e8
