"""Loading a folder: names, splits, sizes, the cache, devices."""

from __future__ import annotations

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from momi_lib.data import PictureError, data_folder, load


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MOMI_DATA", raising=False)


def write(root, name, *, value=0, size=(64, 128), mode="RGB"):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path, format="JPEG")
    return path


@pytest.fixture
def market(tmp_path):
    """A folder as Market-1501 is found in the wild."""
    root = tmp_path / "market"
    for index, name in enumerate(
        (
            *("bounding_box_train/0002_c1s1_000451_03.jpg", "bounding_box_train/0002_c2s1_000301_01.jpg"),
            *("bounding_box_train/0007_c3s3_077419_03.jpg.jpg", "bounding_box_train/0007_c6s1_000001_00.JPG"),
            *("bounding_box_test/-1_c1s1_000401_03.jpg", "bounding_box_test/0000_c1s1_000151_01.jpg"),
            *("bounding_box_test/0001_c1s1_001051_03.jpg", "query/0001_c2s1_000301_00.jpg"),
        )
    ):
        write(root, name, value=(10 * index, 0, 0))
    for folder in ("bounding_box_train", "bounding_box_test", "query"):
        (root / folder / "Thumbs.db").write_bytes(b"not a picture")
    (root / "bounding_box_train" / "._0002_c1s1_000451_03.jpg").write_bytes(b"left by a file manager")
    (root / "readme.txt").write_text("Market-1501")
    return root


def test_names_splits_and_ignored_files(market):
    people = load(market)
    assert people.persons.tolist() == [2, 2, 7, 7] and people.cameras.tolist() == [1, 2, 3, 6]
    assert people.persons.dtype == people.cameras.dtype == torch.int64
    assert people.pictures.shape == (4, 3, 128, 64) and people.pictures.dtype == torch.uint8
    assert people.pictures.is_contiguous()
    assert people.files[2] == "bounding_box_train/0007_c3s3_077419_03.jpg.jpg"
    assert (people.joints, people.visibility, people.masks) == (None, None, None)
    assert people.identities.tolist() == [2, 7] and len(people) == 4
    assert people.folder == market and people.split == "train"
    assert abs(int(people.pictures[3, 0].float().mean()) - 30) <= 2  # the order of names and pictures agree


def test_junk_and_distractors_only_on_request(market):
    assert load(market, "gallery").persons.tolist() == [1]
    assert load(market, "gallery", junk=True).persons.tolist() == [-1, 0, 1]
    assert load(market, "query").persons.tolist() == [1]
    everything = load(market, "test")
    assert [file.split("/")[0] for file in everything.files] == ["bounding_box_test", "query"]


def test_momi_data_names_the_folder(market, monkeypatch):
    monkeypatch.setenv("MOMI_DATA", str(market))
    assert data_folder() == market
    assert load().files == load(market).files


def test_wrong_sizes_are_resized_with_one_warning_also_from_the_cache(market, caplog):
    write(market, "bounding_box_train/0002_c3s1_000001_00.jpg", size=(40, 100))
    write(market, "bounding_box_train/0007_c1s1_000001_00.jpg", size=(50, 90))
    for _ in range(2):
        caplog.clear()
        people = load(market)
        assert people.pictures.shape == (6, 3, 128, 64)
        (record,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
        assert "2 of 6" in record.getMessage() and "0002_c3s1_000001_00.jpg" in record.getMessage()
        assert "100x40" in record.getMessage()


def test_another_size_that_was_asked_for_is_no_warning(market, caplog):
    assert load(market, size=(64, 32)).pictures.shape == (4, 3, 64, 32)
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colour_modes_become_rgb(market, mode):
    write(market, "query/0009_c1s1_000001_00.jpg", mode=mode)
    assert load(market, "query").pictures.shape == (2, 3, 128, 64)


def test_links_to_files_are_fine(market, tmp_path):
    outside = write(tmp_path, "elsewhere.jpg")
    (market / "query" / "0009_c1s1_000001_00.jpg").symlink_to(outside)
    assert load(market, "query").persons.tolist() == [1, 9]


def test_the_cache_is_used_and_a_changed_folder_noticed(market, monkeypatch):
    import momi_lib.data.people as module

    calls = []
    decode = module.decode_pictures
    monkeypatch.setattr(module, "decode_pictures", lambda *a, **k: calls.append(1) or decode(*a, **k))
    first = load(market)
    assert len(calls) == 1
    again = load(market)
    assert len(calls) == 1 and torch.equal(first.pictures, again.pictures)
    assert first.fingerprint == again.fingerprint == load(market, cache=False).fingerprint
    calls.clear()

    changed = write(market, first.files[0], value=(0, 200, 0))
    other = load(market)
    assert len(calls) == 1 and other.fingerprint != first.fingerprint
    assert int(other.pictures[0, 1].min()) > 150
    stamp = changed.stat()
    os.utime(changed, ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 1))  # same bytes, touched
    assert load(market).fingerprint == other.fingerprint and len(calls) == 2
    write(market, "bounding_box_train/0003_c1s1_000001_00.jpg")
    assert len(load(market)) == 5 and len(calls) == 3
    (market / "bounding_box_train/0003_c1s1_000001_00.jpg").unlink()
    assert len(load(market)) == 4 and len(calls) == 4
    load(market, size=(64, 32))
    assert len(calls) == 5


def test_an_older_cache_of_the_same_folder_is_removed(market, tmp_path):
    load(market)
    load(market, "query")
    write(market, "bounding_box_train/0003_c1s1_000001_00.jpg")
    load(market)
    names = sorted(path.suffix for path in (tmp_path / "cache" / "pictures").iterdir())
    assert names == [".json", ".json", ".npy", ".npy"]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "json", "shape"])
def test_a_damaged_cache_is_noticed_and_made_again(market, tmp_path, caplog, damage):
    first = load(market)
    (path,) = (tmp_path / "cache" / "pictures").glob("*.npy")
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-1000] ^= 1
        path.write_bytes(content)
    elif damage == "cut":
        path.write_bytes(content[:-1000])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "json":
        path.with_suffix(".json").write_text("{")
    else:
        np.save(path, np.zeros((1, 3, 128, 64), np.uint8))
    assert torch.equal(load(market).pictures, first.pictures)
    assert "damaged" in caplog.text
    caplog.clear()
    load(market)
    assert not caplog.records


def test_memory_map(market, tmp_path):
    for _ in range(2):  # the first makes the cache, the second finds it
        people = load(market, memory_map=True)
        assert torch.equal(people.pictures, load(market, cache=False).pictures)
    people.pictures[0] = 7  # copy on write: the file stays as it was
    assert torch.equal(load(market).pictures, load(market, cache=False).pictures)


def test_an_unwritable_cache_costs_a_warning_only(market, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / "file"))
    assert len(load(market)) == 4
    assert len(load(market, memory_map=True)) == 4
    assert "MOMI_CACHE" in caplog.text


def test_nothing_half_written_is_left_when_decoding_or_writing_fails(market, tmp_path, monkeypatch):
    broken = market / "bounding_box_train" / "0003_c1s1_000001_00.jpg"
    broken.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(PictureError):
        load(market)
    folder = tmp_path / "cache" / "pictures"
    assert not folder.exists() or not list(folder.iterdir())

    broken.unlink()
    monkeypatch.setattr(np, "save", lambda file, *_, **__: file.write(b"half") and _full())
    assert len(load(market)) == 4
    assert not list(folder.iterdir())


def _full():
    raise OSError(28, "No space left on device")


def test_arguments_are_checked(market):
    for wrong in (
        {"split": "trian"},
        {"size": (0, 64)},
        {"size": 128},
        {"size": (128.5, 64)},
        {"workers": 0},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            load(market, **wrong)
    with pytest.raises(ValueError, match="memory_map"):
        load(market, memory_map=True, cache=False)
    with pytest.raises(ValueError, match="memory_map"):
        load(market, memory_map=True, device="cuda")


def test_to_and_select(market):
    people = load(market, device="meta")
    assert people.pictures.device.type == people.persons.device.type == "meta"
    people = load(market)
    one = people.select([3, 0])
    assert one.files == (people.files[3], people.files[0]) and one.persons.tolist() == [7, 2]
    assert torch.equal(one.pictures[1], people.pictures[0])
    assert len({one.fingerprint, people.select([0, 3]).fingerprint, people.fingerprint}) == 3
    assert people.select(people.persons == 7).files == people.files[2:]
    assert people.select(slice(1, 3)).files == people.files[1:3]
    assert people.select(torch.tensor([-1])).files == people.files[-1:]
    assert len(people.select([])) == 0
    with pytest.raises(IndexError):
        people.select([4])


def test_the_number_of_workers_changes_nothing(market):
    assert torch.equal(
        load(market, cache=False, workers=1).pictures, load(market, cache=False, workers=5).pictures
    )


def test_the_representation_holds_no_path(market):
    assert str(market.parent) not in repr(load(market))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_the_gpu(market):
    people = load(market, device="cuda")
    assert people.pictures.is_cuda and people.select([1]).pictures.is_cuda


def test_the_sidecar_is_plain_json(market, tmp_path):
    people = load(market)
    (path,) = (tmp_path / "cache" / "pictures").glob("*.json")
    assert json.loads(path.read_text())["fingerprint"] == people.fingerprint


def test_what_a_killed_process_left_is_cleared_away_later(market, tmp_path):
    load(market)
    folder = tmp_path / "cache" / "pictures"
    (path,) = folder.glob("*.npy")
    old, young = folder / f".{path.name}.old", folder / f".{path.name}.young"
    for leftover in (old, young):
        leftover.write_bytes(b"half")
    os.utime(old, (0, 0))
    write(market, "bounding_box_train/0003_c1s1_000001_00.jpg")
    load(market)
    assert young.exists() and not old.exists()  # the young one may be another process at work


def test_processes_that_load_at_once_all_get_the_pictures(market):
    expected = load(market, cache=False)
    with ThreadPoolExecutor(8) as pool:
        for people in pool.map(lambda _: load(market), range(16)):
            assert torch.equal(people.pictures, expected.pictures)
