"""Folders as people have them: the names of other data sets, a folder a person, and what is left out."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest
from PIL import Image

from momi_lib.data import PictureError, TripletSampler, data_folder, load
from momi_lib.data.names import parse_name
from momi_lib.data.records import scan

TRAIN, GALLERY = "bounding_box_train", "bounding_box_test"


@pytest.fixture(autouse=True)
def embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOMI_DATA", raising=False)


def folder(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".jpg", ".png", ".webp", ".bmp", ".JPEG"):
            Image.new("RGB", (64, 128)).save(path)
        else:
            path.write_bytes(b"")
    return root


def read(root: Path, split: str = "train") -> tuple[list[int], list[int]]:
    people = load(root, split, cache=False)
    return people.persons.tolist(), people.cameras.tolist()


LAYOUTS = {
    "Market-1501": (("0002_c1s1_000451_03.jpg", "0007_c6s4_000001_00.png"), [2, 7], [1, 6]),
    "DukeMTMC-reID": (("0001_c2_f0046182.jpg", "0007_c8_f0000001.jpg"), [1, 7], [2, 8]),
    # Its 0000 is a person, so all are counted from 1.
    "MSMT17": (("0000_000_01_0303morning_0015_0.jpg", "0013_003_14_0114afternoon_0164_1_ex.jpg"), [1, 14], [1, 14]),
    "a folder a person": (("0002/a.jpg", "0002/b_c3.jpg", "0011/a.jpg"), [2, 2, 11], [1, 3, 1]),
    "a folder a person, by name": (("anna/a.jpg", "bert/cam2_a.jpg"), [1, 2], [1, 2]),
    "a folder a person, from 0": (("0/a.jpg", "1/a.jpg"), [1, 2], [1, 1]),
    "Market's names in folders": (("0002/0002_c5s1_000451_03.jpg", "0003/0003_c1s1_000451_03.jpg"), [2, 3], [5, 1]),
    "MSMT17's names in folders": (("0000/0000_000_07_0303noon_0015_0.jpg", "0001/0001_000_01_0303noon_0015_0.jpg"),
                                  [1, 2], [7, 1]),
    "folders that contradict the names": (("anna/0002_c5s1_000451_03.jpg", "bert/0002_c1s1_000451_03.jpg"),
                                          [1, 2], [5, 1]),
    "a number with fewer digits": (("2/0002_c5s1_000451_03.jpg", "2/a_c1.jpg", "3/a_c1.jpg"), [2, 2, 3], [5, 1, 1]),
    "junk of several people": (("-1/0002_c5s1_000451_03.jpg", "-1/0003_c5s1_000451_03.jpg", "3/a_c1.jpg"), [3], [1]),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_persons_and_cameras_of_each_layout(tmp_path: Path, layout: str) -> None:
    files, persons, cameras = LAYOUTS[layout]
    assert read(folder(tmp_path, *(f"{TRAIN}/{file}" for file in files))) == (persons, cameras)


def test_msmt17_as_it_is_unpacked(tmp_path: Path) -> None:
    first, second, third = (f"{n:04}/{n:04}_000_0{n + 1}_0303morning_0015_0.jpg" for n in range(3))
    folder(tmp_path, f"train/{first}", f"train/{second}", f"test/{first}", f"test/{second}", f"test/{third}")
    (tmp_path / "list_gallery.txt").write_text(f"{first} 0\n{third} 2\n")
    (tmp_path / "list_query.txt").write_text(f"{second} 1\n")
    assert data_folder(tmp_path) == tmp_path
    assert read(tmp_path) == ([1, 2], [1, 2])
    assert read(tmp_path, "gallery") == ([1, 3], [1, 3]) and read(tmp_path, "query") == ([2], [2])
    assert load(tmp_path, "test", cache=False).files[-1] == f"test/{second}"


@pytest.mark.parametrize(("content", "says"), [
    (b"", "list_query.txt is empty"),
    (b"9999_000_01_0303morning_0015_0.txt 1\n", "list_query.txt: expected lines that begin with the name of a picture"),
    ("ä".encode("utf-16"), "list_query.txt: expected text in UTF-8"),
])
def test_a_list_that_names_no_picture_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    first = "0000/0000_000_01_0303morning_0015_0.jpg"
    folder(tmp_path, f"train/{first}", f"test/{first}")
    (tmp_path / "list_gallery.txt").write_text(f"{first} 0\n{first} 0\n")
    (tmp_path / "list_query.txt").write_bytes(content)
    assert read(tmp_path, "gallery") == ([1], [1])  # once, although it is listed twice
    with pytest.raises(PictureError, match=says):
        scan(tmp_path, "query")


def test_a_list_may_have_the_separators_of_windows(tmp_path: Path) -> None:
    first = "0000/0000_000_01_0303morning_0015_0.jpg"
    folder(tmp_path, f"train/{first}", f"test/{first}", "test/0001/0001_000_02_0303morning_0015_0.jpg")
    for name in ("list_gallery.txt", "list_query.txt"):
        (tmp_path / name).write_text(first.replace("/", "\\") + " 0\n")
    assert read(tmp_path, "query") == ([1], [1])


def test_somebody_has_one_number_in_all_parts(tmp_path: Path) -> None:
    folder(tmp_path, f"{TRAIN}/anna/a.jpg", f"{GALLERY}/bert/a.jpg", f"{GALLERY}/carl/a.jpg", "query/carl/b.jpg")
    assert read(tmp_path, "gallery")[0] == [2, 3] and read(tmp_path, "query")[0] == [3]


def test_a_person_a_folder_makes_triplets(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder(tmp_path, *(f"{TRAIN}/{name}/{number}.jpg" for name in ("anna", "bert") for number in range(2)))
    assert len(TripletSampler(load(tmp_path, cache=False).persons).draw(8).source) == 8
    assert "4 of 4 pictures name no camera and are counted as of camera 1" in caplog.text


def test_junk_and_distractors_in_folders_and_in_dukes_names(tmp_path: Path) -> None:
    folder(tmp_path, f"{GALLERY}/-1/a.jpg", f"{GALLERY}/0005/a.jpg")
    folder(tmp_path, "query/0000_c1_f0000001.jpg", "query/0003_c1_f0000001.jpg")
    assert read(tmp_path, "gallery")[0] == [5] and read(tmp_path, "query")[0] == [3]
    assert [record.person for record in scan(tmp_path, "test", junk=True)] == [-1, 5, 0, 3]


def test_a_folder_says_what_it_left_out_and_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    unread = ("IMG_1.webp", "IMG_2.webp", "IMG_3.webp", "a.gif", "b.HEIC", "._c.jpg", "Thumbs.db")
    folder(tmp_path, *(f"{TRAIN}/{name}" for name in ("0002_c1s1_000451_03.jpg", *unread)))
    assert read(tmp_path)[0] == [2]
    (record,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert record.getMessage() == (
        f"{tmp_path / TRAIN}: left out 3 .webp files of another naming (IMG_1.webp), 1 .gif file, which is not read, "
        "1 .heic file, which is not read."
    )


def test_a_folder_with_nothing_but_other_names_says_which_are_read(tmp_path: Path) -> None:
    folder(tmp_path, f"{TRAIN}/IMG_1.jpg", f"{TRAIN}/IMG_2.jpg")
    told = r"IMG_1\.jpg is not named PPPP_cCsS.*DukeMTMC.*MSMT17.*1 more.*PERSON/IMG_1"
    with pytest.raises(PictureError, match=told) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(PictureError, match="DukeMTMC-reID or MSMT17"):
        parse_name("IMG_1.jpg")


def test_a_folder_with_nothing_but_unread_pictures_says_so(tmp_path: Path) -> None:
    folder(tmp_path, f"{TRAIN}/a.heic")
    with pytest.raises(PictureError, match=r"holds no pictures but 1 \.heic file, which is not read"):
        load(tmp_path)


def test_loose_photographs_are_told_where_they_would_belong(tmp_path: Path) -> None:
    folder(tmp_path, "a.jpg", "b.jpg")
    told = r"Its 2 pictures, such as a\.jpg, would have to lie in bounding_box_train/PERSON/"
    with pytest.raises(FileNotFoundError, match=told):
        load(tmp_path)


MIXED = {  # pictures of one split, and what the message names
    "a picture beside the folders of persons": (
        (f"{TRAIN}/0001_c1s1_000001_00.jpg", f"{TRAIN}/anna/a.jpg", f"{TRAIN}/bert/a.jpg"),
        r"bounding_box_train holds 1 picture, such as 0001_c1s1_000001_00\.jpg, .* such as anna/a\.jpg; .*Move",
    ),
    "a picture beside the folders of persons with folders": (
        (f"{TRAIN}/0002_c1s1_000451_03.jpg", f"{TRAIN}/0003/x/a.jpg"),
        r"1 picture, such as 0002_c1s1_000451_03\.jpg, .* such as 0003/x/a\.jpg; .*Move",
    ),
    "pictures beside folders of folders": (
        (f"{TRAIN}/0002_c1s1_000451_03.jpg", f"{TRAIN}/extra/deep/0005_c1s1_000451_03.jpg"),
        r"such as extra/deep/0005_c1s1_000451_03\.jpg; .*Move",
    ),
    "two folders of one number": (
        (f"{TRAIN}/0001/a.jpg", f"{TRAIN}/1/a.jpg", f"{TRAIN}/2/a.jpg"),
        rf"{TRAIN}: the folders 0001 and 1 are both of person 1\. Move",
    ),
    "two folders of one number, with names": (
        (f"{TRAIN}/0/0000_c1s1_000451_03.jpg", f"{TRAIN}/1/0001_c1s1_000451_03.jpg", f"{TRAIN}/01/b.jpg"),
        r"the folders 01 and 1 are both of person 1\.",
    ),
    "names of two data sets": (
        (f"{TRAIN}/0001_c1s1_000001_00.jpg", f"{TRAIN}/0001_c2_f0046182.jpg"),
        r"0001_c1s1_000001_00\.jpg .*Market-1501, and .*0001_c2_f0046182\.jpg .*DukeMTMC-reID.*Separate",
    ),
    "another data set's names in the other part": (
        (f"{GALLERY}/0001_c2_f0046182.jpg", "query/0001_000_01_0303morning_0015_0.jpg"),
        r"bounding_box_test/0001_c2_.*DukeMTMC-reID, and query/0001_000_.*MSMT17.*Separate",
    ),
    "names of MSMT17 beside a number": (  # MSMT17's 0001 is person 2
        (f"{TRAIN}/0001/0001_000_01_0303morning_0015_0.jpg", f"{TRAIN}/0002/a.jpg"),
        r"0001_000_01.*MSMT17, and .*0002/a\.jpg from the number of its folder.*Separate",
    ),
    "a folder's number beside the order of folders": (  # both would be person 2
        (f"{TRAIN}/0002/0002_c1s1_000001_00.jpg", f"{TRAIN}/anna/a.jpg"),
        r"0002_c1s1_000001_00\.jpg .* from the number of its folder, and .*anna/a\.jpg from the order of the folders",
    ),
    "folders by order in one part": (
        (f"{GALLERY}/anna/a.jpg", "query/0001_c1s1_000001_00.jpg"),
        r"anna/a\.jpg .* the order of the folders, and query/0001_c1s1_000001_00\.jpg from its name, as in Market-1501",
    ),
}  # fmt: skip


OTHER_PEOPLE = {  # pictures whose names contradict the folder that they lie in, and what the message names
    "unpacked twice": (
        (f"{TRAIN}/0002_c1s1_000451_03.jpg", f"{TRAIN}/0003_c1s1_000451_03.jpg", f"{TRAIN}/0003_c2s1_000451_03.jpg"),
        rf"{TRAIN}/{TRAIN} would be .* as 0002_c1s1_000451_03\.jpg and 0003_c1s1_.*up into {TRAIN}",
    ),
    "a folder a camera": (
        ("cam1/0002_c1s1_000451_01.jpg", "cam1/0003_c1s1_000451_01.jpg", "cam2/0002_c2s1_000451_01.jpg"),
        r"cam1 would be .* as 0002_c1s1_000451_01\.jpg and 0003_c1s1_",
    ),
    "a camera's number": (("1/0001_c1_f0046182.jpg", "1/0002_c1_f0046182.jpg"), "/1 would .* as 0001_c1.* and 0002_c1"),
    "beside other names": (("part/a.jpg", "part/-1_c1s1_000451_01.jpg", "part/0003_c1s1_000451_01.jpg"), "part would"),
    "another person's number": (
        ("0003/0002_c1s1_000451_03.jpg", "0003/a.jpg"),
        r"0003 is the folder of person 3, but 0002_c1s1_000451_03\.jpg is named as one of person 2\. Move",
    ),
    "MSMT17's numbers": (("0001/0000_000_07_0303noon_0015_0.jpg",), r"of person 1, but 0000_.* of person 0\. Move"),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHER_PEOPLE)
def test_a_persons_folder_with_other_people_is_refused(tmp_path: Path, case: str) -> None:
    files, told = OTHER_PEOPLE[case]
    folder(tmp_path, *(f"{TRAIN}/{file}" for file in files))
    with pytest.raises(PictureError, match=told) as caught:
        scan(tmp_path, "train")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", MIXED)
def test_two_numberings_of_people_are_refused(tmp_path: Path, case: str) -> None:
    files, told = MIXED[case]
    folder(tmp_path, *files)
    with pytest.raises(PictureError, match=told) as caught:
        scan(tmp_path, "train" if files[0].startswith(TRAIN) else "test")
    assert "\n" not in str(caught.value)


def test_folders_without_pictures_make_no_difference(tmp_path: Path) -> None:
    folder(tmp_path, f"{TRAIN}/1/a.jpg", f"{TRAIN}/01/note.txt", f"{TRAIN}/.git/x/a.jpg")
    folder(tmp_path, f"{GALLERY}/0002_c1s1_000451_03.jpg", f"{GALLERY}/5/y/note.txt", f"{GALLERY}/.git/x/a.jpg")
    assert read(tmp_path)[0] == [1] and read(tmp_path, "gallery")[0] == [2]


def test_numbers_of_folders_are_those_of_markets_names(tmp_path: Path) -> None:
    folder(tmp_path, f"{GALLERY}/0001/a_c1.jpg", f"{GALLERY}/0002/b_c1.jpg", "query/0002_c2s1_000001_00.jpg")
    assert [record.person for record in scan(tmp_path, "test")] == [1, 2, 2]


def test_folders_inside_of_a_persons_folder_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder(tmp_path, f"{TRAIN}/anna/c1_a.jpg", f"{TRAIN}/bert/cam1/a.jpg", f"{TRAIN}/carl/c1_a.jpg")
    assert read(tmp_path)[0] == [1, 3]
    assert "left out the pictures in folders inside of a person's folder, such as bert/cam1/a.jpg" in caplog.text


@pytest.mark.parametrize(("files", "told"), [
    (("train/a/b/c.jpg",), r"train holds no pictures\..*sub-folders of train, such as a/b/c\.jpg; .*train/PERSON/"),
    (("photos/anna/a.jpg",), r"sub-folders of .*, such as photos/anna/a\.jpg; .*bounding_box_train/PERSON/"),
])
def test_pictures_that_lie_too_deep_are_named(tmp_path: Path, files: tuple[str, ...], told: str) -> None:
    with pytest.raises((PictureError, FileNotFoundError), match=told):
        load(folder(tmp_path, *files))


@pytest.mark.parametrize("name", ["Bounding_Box_Train", "bounding-box-train", "Train"])
def test_a_folder_in_other_letters_is_pointed_at(tmp_path: Path, name: str) -> None:
    if (folder(tmp_path, f"{name}/0002_c1s1_000451_03.jpg") / name.lower()).exists() and name != name.lower():
        pytest.skip("capitals make no difference on this disk")
    for other in ((), ("query/0002_c1s1_000451_03.jpg",)):
        with pytest.raises(FileNotFoundError, match=f"{name} is not read: rename it to bounding_box_train"):
            load(folder(tmp_path, *other))


def test_a_folder_of_the_data_folder_is_not_taken_for_it(tmp_path: Path) -> None:
    folder(tmp_path, f"{TRAIN}/0002_c1s1_000451_03.jpg")
    with pytest.raises(FileNotFoundError, match=f"Did you mean {re.escape(str(tmp_path))}\\?"):
        load(tmp_path / TRAIN)


def test_a_data_folder_further_down_is_pointed_at(tmp_path: Path) -> None:
    meant = tmp_path / "y" / "x" / "Market-1501"
    folder(meant, f"{TRAIN}/0002_c1s1_000451_03.jpg")
    (tmp_path / "y" / "a" / ".git" / TRAIN).mkdir(parents=True)
    for given in (tmp_path, tmp_path / "y", tmp_path / "y" / "x"):
        with pytest.raises(FileNotFoundError, match=f"Did you mean {re.escape(str(meant))}\\?"):
            load(given)


@pytest.mark.parametrize("file", [f"{TRAIN}/pics.zip", "Market-1501.tar.gz"])
def test_an_archive_is_to_be_unpacked(tmp_path: Path, file: str) -> None:
    name = re.escape(file.rpartition("/")[2])
    with pytest.raises((PictureError, FileNotFoundError), match=f"{name} is not looked into: unpack it"):
        load(folder(tmp_path, file))


def test_a_part_that_is_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"{TRAIN} is a file, not a folder; split='train' needs it"):
        load(folder(tmp_path, TRAIN, "query/0002_c1s1_000451_03.jpg"))
    with pytest.raises(FileNotFoundError, match=r"holds none of .*query is a file, not a folder\."):
        load(folder(tmp_path / "other", "query"))


def test_a_missing_list_of_msmt17_is_named(tmp_path: Path) -> None:
    first = "0000/0000_000_01_0303morning_0015_0.jpg"
    folder(tmp_path, f"train/{first}", f"test/{first}")
    told = r"neither does .*list_gallery\.txt, the list in MSMT17.* which pictures in test/"
    with pytest.raises(FileNotFoundError, match=told):
        load(tmp_path, "gallery")


@pytest.mark.parametrize("locked", ["", TRAIN, f"{TRAIN}/0002"])
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locked: str) -> None:
    folder(tmp_path, f"{TRAIN}/0002/a.jpg" if locked else "a/b.jpg")

    def guarded(function):
        def call(path):
            if Path(path) == tmp_path / locked:
                raise PermissionError(13, "Permission denied", str(path))
            return function(path)

        return call

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, guarded(getattr(os, name)))
    with pytest.raises(PictureError, match=f"^{re.escape(str(tmp_path / locked))} may not be read .Permission denied"):
        scan(data_folder(tmp_path), "train")


def test_a_path_of_blanks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"^'  ' \(the argument folder\) holds only blanks\. Expected"):
        data_folder("  ")
    monkeypatch.setenv("MOMI_DATA", "  ")
    with pytest.raises(FileNotFoundError, match="the environment variable MOMI_DATA. holds only blanks"):
        data_folder()
