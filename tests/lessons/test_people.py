"""Whose pictures a lesson shows, where $MOMI_DATA names people of whom nobody knows the joints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from momi_lib.data import People, load, load_truth
from momi_lib.data.records import EMBEDDED
from momi_lib.lessons.checks import CheckFailed, Checks
from momi_lib.lessons.people import LEAST, PeopleOfALesson, are_mannequins

SHOWN = "· Shown here are the mannequins, whose {} are known, and not the people of market.\n"


@pytest.fixture(autouse=True)
def embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOMI_DATA", raising=False)


@pytest.fixture
def lesson() -> PeopleOfALesson:
    return PeopleOfALesson()


def folder_of(root: Path, **persons: dict[int, int]) -> Path:
    """A folder "market" of grey pictures: split → person → how many of them."""
    for split, theirs in {"bounding_box_train": {}, "bounding_box_test": {}, "query": {}, **persons}.items():
        (root / "market" / split).mkdir(parents=True)
        for person, count in theirs.items():
            for shot in range(count):
                name = f"{person:04}_c{shot % 6 + 1}s1_{shot:06}_00.jpg"
                Image.new("RGB", (64, 128), (person, shot, 90)).save(root / "market" / split / name)
    return root / "market"


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As few people as the lessons take."""
    train = {person: 2 for person in range(1, LEAST["train"] + 1)}
    test = {person: 1 for person in range(51, 51 + LEAST["test"])}
    folder = folder_of(tmp_path, bounding_box_train=train, bounding_box_test=test, query={51: 2, 52: 3})
    monkeypatch.setenv("MOMI_DATA", str(folder))
    return folder


def test_the_embedded_people_come_without_a_word(lesson: PeopleOfALesson, capsys: pytest.CaptureFixture[str]) -> None:
    people = lesson.data("query", labels=True)
    assert people.fingerprint == lesson.data("query").fingerprint and are_mannequins(people)
    assert are_mannequins(lesson.truth()) and lesson.mannequins("joints") == EMBEDDED
    joints, there = lesson.landmarks(people)
    assert joints is people.joints and torch.equal(there, people.visibility > 0)
    assert lesson.some(people, [9, 3]) == [9, 3] and lesson.some(people, range(2, 4)) == [2, 3]
    assert capsys.readouterr().out == ""


def test_ones_own_people_come_without_a_word_until_labels_are_asked_for(
    market: Path, lesson: PeopleOfALesson, capsys: pytest.CaptureFixture[str]
) -> None:
    for split, least in LEAST.items():
        people = lesson.data(split, cache=False)
        assert people.folder == market and len(people.identities) >= least and not are_mannequins(people)
    assert capsys.readouterr().out == ""
    for split in ("train", "gallery", "query", "test"):
        assert are_mannequins(lesson.data(split, labels=True))
        assert capsys.readouterr().out == SHOWN.format("joints and masks")
    assert are_mannequins(lesson.truth()) and capsys.readouterr().out == SHOWN.format("true swaps")
    assert lesson.mannequins("clothes") == EMBEDDED and capsys.readouterr().out == SHOWN.format("clothes")


def test_labels_and_true_swaps_of_ones_own_are_taken(
    tmp_path: Path, lesson: PeopleOfALesson, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("query", "bounding_box_test", "annotations", "truth"):
        shutil.copytree(EMBEDDED / name, tmp_path / "more" / name, copy_function=_linked)
    monkeypatch.setenv("MOMI_DATA", str(tmp_path / "more"))
    people, truth = lesson.data("query", labels=True, cache=False), lesson.truth()
    assert people.masks is not None and people.folder == truth.people.folder == tmp_path / "more"
    assert not are_mannequins(people) and not are_mannequins(truth)
    assert capsys.readouterr().out == ""


def _linked(source: str, target: str) -> None:
    Path(target).symlink_to(source)


def test_joints_without_masks_are_not_all_labels(
    market: Path, lesson: PeopleOfALesson, capsys: pytest.CaptureFixture[str]
) -> None:
    (market / "annotations").mkdir()
    files = load(market, "test", cache=False).files
    images = [{"id": i, "file_name": file, "width": 64, "height": 128} for i, file in enumerate(files)]
    joints = [{"id": i, "image_id": i, "category_id": 1, "num_keypoints": 17, "keypoints": [30, 60, 2] * 17}
              for i in range(len(files))]  # fmt: skip
    content = {"images": images, "annotations": joints, "categories": [{"id": 1, "name": "person"}]}
    (market / "annotations" / "test.json").write_text(json.dumps(content))
    people = lesson.data("query", cache=False)
    assert people.joints is not None and people.masks is None
    assert are_mannequins(lesson.data("query", labels=True, cache=False))
    assert capsys.readouterr().out == SHOWN.format("joints and masks")
    assert lesson.landmarks(people)[0] is people.joints and capsys.readouterr().out == ""


@pytest.mark.parametrize("split", LEAST)
def test_too_few_people_are_refused_in_one_sentence(
    tmp_path: Path, lesson: PeopleOfALesson, monkeypatch: pytest.MonkeyPatch, split: str
) -> None:
    one = {1: 3}
    folder = folder_of(tmp_path, bounding_box_train=one, bounding_box_test=one, query=one)
    monkeypatch.setenv("MOMI_DATA", str(folder))
    told = rf"market has 1 person in its split '{split}', and the lessons need {LEAST[split]}; add .* unset MOMI_DATA"
    with pytest.raises(ValueError, match=told) as caught:
        lesson.data(split, cache=False)
    assert "\n" not in str(caught.value)


def test_landmarks_of_photographs_are_the_students(
    market: Path, lesson: PeopleOfALesson, capsys: pytest.CaptureFixture[str]
) -> None:
    people = lesson.data("query", cache=False)
    landmarks, found = lesson.landmarks(people)
    assert landmarks.shape == (5, 17, 2) and found.shape == (5, 17) and found.dtype == torch.bool
    assert not landmarks.requires_grad
    said = "· Nobody knows the joints of market: the landmarks are those that the student finds.\n"
    assert capsys.readouterr().out == said


def test_the_student_finds_mannequins_whose_labels_are_taken_away(lesson: PeopleOfALesson) -> None:
    from dataclasses import replace

    people = load(EMBEDDED, "query").select(slice(0, 40))
    landmarks, found = lesson.landmarks(replace(people, joints=None, visibility=None))
    seen = (people.visibility == 2) & found
    assert seen.sum() > 200 and (landmarks - people.joints).norm(dim=-1)[seen].median() < 4


def named(people: People, chosen: list[int]) -> list[int]:
    return people.persons[chosen].tolist()


def test_some_of_others_are_of_different_persons_while_there_are_enough(market: Path, lesson: PeopleOfALesson) -> None:
    people = lesson.data(cache=False)  # eight persons with two pictures each
    assert named(people, lesson.some(people, [571, 798, 34, 923])) == [1, 3, 5, 7]
    assert named(people, lesson.some(people, range(8))) == list(range(1, 9))
    assert lesson.some(people, range(9)) == [0, 1, 3, 5, 7, 8, 10, 12, 14]
    assert lesson.some(people, range(1000)) == list(range(16))


def test_two_pictures_each(market: Path, lesson: PeopleOfALesson) -> None:
    assert lesson.twice(load(EMBEDDED, "query"), 304) == [8, 9]
    people = lesson.data("query", cache=False)  # two of 51, three of 52
    assert lesson.twice(people, 340, 304) == [0, 1, 2, 4]
    told = r"1 of the persons in its split 'query' have two pictures, and this lesson needs 2; add pictures"
    with pytest.raises(ValueError, match=told):
        lesson.twice(people.select([0, 1, 2]), 340, 304)


#: A check, what it says of other people, and what it says of the mannequins where it fails.
MEASURED = {
    "true": (("it holds", False), "· it holds: does not hold; not compared", "expected this to hold"),
    "between": (("share", 0.41237, 0.5, 1), "· share: 0.412; not compared", "between 0.5 and 1, got 0.41237"),
    "close": (("x", 0.5, 1.0), "· x: 0.5; not compared", "expected 1, got 0.5"),
    "equal": (("count", 3, 4), "· count: 3; not compared", "expected 4, got 3"),
    "same": (("library", 1.0, 2.0), "· library: differ; not compared", "differ"),
    "shape": (("map", torch.zeros(2, 3), (2, 4)), "· map: shape (2, 3); not compared", "expected shape (2, 4)"),
}


@pytest.mark.parametrize("kind", MEASURED)
def test_what_is_expected_of_the_mannequins_is_not_compared_on_others(
    market: Path, lesson: PeopleOfALesson, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    arguments, told, wrong = MEASURED[kind]
    check = Checks()
    getattr(check.of(lesson.data(cache=False)), kind)(*arguments)
    assert capsys.readouterr().out == f"{told}, because these are other pictures\n"
    assert check.passed == 0
    for mannequins in (load(EMBEDDED, "query"), load_truth(EMBEDDED)):  # their mistakes are found
        with pytest.raises(CheckFailed) as caught:
            getattr(check.of(mannequins), kind)(*arguments)
        assert wrong in str(caught.value)


def test_the_summary_counts_what_was_not_compared(
    market: Path, lesson: PeopleOfALesson, capsys: pytest.CaptureFixture[str]
) -> None:
    check, people = Checks(), lesson.data(cache=False)
    check.goal(2).of(people).true("it holds", True)
    check.goal(1).true("it is so", True)
    check.of(people).true("this, too", False)
    assert capsys.readouterr().out.splitlines()[0] == (
        "· it holds: holds; not compared, because these are other pictures · goal 2"
    )
    check.summary()
    assert capsys.readouterr().out.splitlines() == [
        "✓ goal 1: it is so", "· goal 2: it holds", "✓ 1 check passed · 2 not compared",
    ]  # fmt: skip


def test_the_mark_lasts_for_one_check(market: Path, lesson: PeopleOfALesson) -> None:
    check = Checks()
    check.of(lesson.data(cache=False)).true("on others", False)
    with pytest.raises(CheckFailed):
        check.true("for everybody", False)
