"""Files and folders that cannot be used are refused by name, before they do harm."""

from __future__ import annotations

import os
import struct
import warnings
import zlib

import pytest
from PIL import Image

from momi_lib.data import PictureError, data_folder, load

GOOD = "query/0001_c1s1_000001_00.jpg"
BAD = "query/0002_c1s1_000001_00.jpg"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MOMI_DATA", raising=False)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "people"
    (root / "query").mkdir(parents=True)
    Image.effect_noise((64, 128), 80).convert("RGB").save(root / GOOD)
    return root


def png_bomb(columns, rows):
    """A small PNG whose header states huge dimensions."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


def jpeg_bomb(content, rows=65500, columns=65500):
    """A real JPEG whose frame header was made to state another size."""
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", rows, columns) + content[at + 4 :]


CASES = {
    "truncated": (lambda good: good[: len(good) // 2], "cannot be decoded"),
    "text": (lambda good: b"<html>not found</html>", "not a JPEG, PNG, WebP or BMP picture but an HTML page"),
    "empty": (lambda good: b"", "it is empty"),
    "header only": (lambda good: good[:3], "query/0002"),
    "png bomb, refused by PIL": (
        lambda good: png_bomb(60000, 60000), "more than 178,956,970 pixels by its header, .* to 16,777,216 pixels"
    ),
    "png bomb of which PIL warns": (lambda good: png_bomb(10000, 10000), "is 10000x10000 .* to 16,777,216 pixels"),
    "png bomb below PIL's limit": (lambda good: png_bomb(8000, 8000), "8000x8000"),
    "jpeg bomb": (jpeg_bomb, "more than 178,956,970 pixels by its header, refused undecoded; make it smaller"),
    "jpeg bomb of which PIL warns": (
        lambda good: jpeg_bomb(good, 10000, 12000), "is 12000x10000 .*undecoded; make it smaller, to 89,478,485 pixels"
    ),
    "gif": (lambda good: b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "BMP picture but a GIF"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_is_named(root, case):
    make, reason = CASES[case]
    (root / BAD).write_bytes(make((root / GOOD).read_bytes()))
    with warnings.catch_warnings(record=True) as warned, pytest.raises(PictureError, match=reason) as caught:
        load(root, "query")
    assert isinstance(caught.value, ValueError) and not warned
    assert BAD in str(caught.value) and "1 of 2 pictures" in str(caught.value)
    assert GOOD not in str(caught.value)


def test_pil_verify_would_have_passed_the_truncated_one(root):
    content = (root / GOOD).read_bytes()
    (root / BAD).write_bytes(content[: len(content) // 2])
    with Image.open(root / BAD) as image:
        image.verify()  # the reason why every picture is decoded in full


def test_a_huge_file_is_refused_unread(root):
    with open(root / BAD, "wb") as file:
        file.truncate(65 * 2**20)  # sparse: takes no room
    with pytest.raises(PictureError, match="larger than 64 MiB"):
        load(root, "query")


def test_many_bad_files_give_one_error_that_counts_them(root):
    for person in range(2, 9):
        (root / f"query/{person:04d}_c1s1_000001_00.jpg").write_bytes(b"nothing")
    with pytest.raises(PictureError, match=r"7 of 8 pictures.*0002.*0003.*0004.*and 4 more") as caught:
        load(root, "query")
    assert "0005" not in str(caught.value)


def test_a_name_that_does_not_parse_is_named(root):
    (root / GOOD).rename(root / "query/holiday.jpg")
    with pytest.raises(PictureError, match=r"holiday\.jpg is not named PPPP_cCsS_FFFFFF_BB\.jpg"):
        load(root, "query")


def test_folders_pipes_and_dead_links_named_jpg(root):
    (root / BAD).mkdir()
    with pytest.raises(PictureError, match=r"0002.*folder"):
        load(root, "query")
    (root / BAD).rmdir()
    (root / BAD).symlink_to(root / "nowhere.jpg")
    with pytest.raises(PictureError, match=r"0002.*cannot be read"):
        load(root, "query")
    (root / BAD).unlink()
    if hasattr(os, "mkfifo"):
        os.mkfifo(root / BAD)
        with pytest.raises(PictureError, match=r"0002.*special"):
            load(root, "query")


def test_empty_folders_are_named(root):
    (root / "bounding_box_test").mkdir()
    with pytest.raises(PictureError, match="bounding_box_test holds no pictures"):
        load(root, "gallery")
    with pytest.raises(PictureError, match="bounding_box_test holds no pictures"):
        load(root, "test")
    Image.new("RGB", (64, 128)).save(root / "bounding_box_test/-1_c1s1_000001_00.jpg")
    with pytest.raises(PictureError, match=r"only junk and distractors \(1 pictures\)"):
        load(root, "gallery")


def test_missing_folders_say_what_layout_was_expected(root, tmp_path, monkeypatch):
    for folder, what in (
        (tmp_path / "none", "does not exist"),
        (root / GOOD, "is a file"),
        (tmp_path, "none of"),
    ):
        with pytest.raises(FileNotFoundError, match=what) as caught:
            load(folder)
        assert "bounding_box_train/" in str(caught.value) and "PPPP_cCsS_FFFFFF_BB.jpg" in str(caught.value)
    with pytest.raises(FileNotFoundError, match=r"bounding_box_train does not exist.*'train'"):
        load(root)
    monkeypatch.setenv("MOMI_DATA", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError, match="MOMI_DATA"):
        load()


def test_the_folder_above_gets_a_hint(tmp_path):
    (tmp_path / "above" / "Market-1501-v15.09.15" / "bounding_box_train").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"Did you mean .*Market-1501-v15\.09\.15"):
        data_folder(tmp_path / "above")
