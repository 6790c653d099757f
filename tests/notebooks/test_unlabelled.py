"""Every notebook and solution runs on a folder in Market-1501's layout without joints, masks and true swaps."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from jupyter_core.utils import run_sync
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from momi_lib.data.names import parse_name
from momi_lib.data.records import EMBEDDED, FOLDERS
from momi_lib.lessons.people import LEAST, PeopleOfALesson
from tools.notebooks.run import SETTINGS, Client

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
PAGES = sorted(path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
#: Of these, `make test` runs the lessons. It leaves out the solutions, the lessons that show nobody of the folder, and
#: of lesson 7 what comes from its live training on.
MANNEQUINS_ALONE = ("02_", "04_", "04b", "06_", "09_", "10_", "11_", "12_")
LIVE = NOTEBOOKS / "07_training_the_whole.ipynb"
LATER = {path for path in PAGES if path.parent != NOTEBOOKS or path.name.startswith(MANNEQUINS_ALONE)} | {LIVE}
CASES = [
    pytest.param(path, marks=pytest.mark.thorough if path in LATER else (), id=path.relative_to(NOTEBOOKS).as_posix())
    for path in PAGES
]

TRAIN, GALLERY, QUERY = FOLDERS
#: Persons of a folder, and pictures of each.
USUAL = {TRAIN: (24, 6), GALLERY: (8, 4), QUERY: (8, 2)}
#: The fewest that the lessons take, see momi_lib/lessons/people.py.
FEWEST = {TRAIN: (8, 2), GALLERY: (4, 1), QUERY: (2, 2)}


def make_folder(
    root: Path, size: tuple[int, int] | None = None, counts: dict[str, tuple[int, int]] = USUAL
) -> Path:
    """Copy some of the mannequins' pictures, and nothing that is known of them.

    Args:
        root: the new folder; the lessons name it.
        size: (rows, columns) to which the pictures are resized; None leaves them as they are.
        counts: persons, and pictures of each, of each of the three folders.
    """
    for folder, (persons, shots) in counts.items():
        (root / folder).mkdir(parents=True)
        theirs: dict[int, list[Path]] = {}
        for file in sorted((EMBEDDED / folder).glob("*.jpg")):
            theirs.setdefault(parse_name(file.name)[0], []).append(file)
        able = [files for files in theirs.values() if len(files) >= shots][:persons]
        for files in able:
            for file in files[:: len(files) // shots][:shots]:
                _copy(file, root / folder / file.name, size)
    for name in ("-1_c1s1_000451_00.jpg", "0000_c2s1_000776_00.jpg"):  # junk and a distractor: the last picture again
        _copy(file, root / GALLERY / name, size)
    return root


def _copy(file: Path, to: Path, size: tuple[int, int] | None) -> None:
    if size is None:
        shutil.copyfile(file, to)
        return
    with Image.open(file) as picture:
        picture.resize((size[1], size[0])).save(to, quality=90)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelManager]:
    """One kernel for all notebooks, of which each would else spend seconds on the same imports; MOMI_DATA is set."""
    place = tmp_path_factory.mktemp("unlabelled")
    data = {"MOMI_DATA": str(make_folder(place / "market")), "MOMI_CACHE": str(place / "cache")}
    starter = Client(new_notebook(), kernel_name="python3")
    starter.create_kernel_manager()
    starter.start_new_kernel(env=os.environ | SETTINGS | data)
    yield starter.km
    run_sync(starter.km.shutdown_kernel)(now=True)


def lines_of(path: Path, kernel: KernelManager, before: str | None = None) -> list[str]:
    """Run a notebook, in which no cell may fail, with nothing left of an earlier one; what it prints.

    Args:
        path: the notebook.
        kernel: where it runs.
        before: run what comes before the first cell with this text; None runs all.
    """
    notebook = nbformat.read(path, as_version=4)
    if before is not None:
        notebook.cells = notebook.cells[: next(i for i, cell in enumerate(notebook.cells) if before in cell.source)]
    for cell in notebook.cells:  # to look at 3,000 modules before each cell takes time, and none of them changes
        cell.source = cell.source.replace("%autoreload 2", "%autoreload 0")
    fresh = f"%reset -f\nimport os\nos.chdir({str(path.parent)!r})\ndel os"
    notebook.cells.insert(0, new_code_cell(fresh))
    client = Client(notebook, km=kernel, timeout=600, store_widget_state=True)
    try:
        client.execute()
    finally:
        if client.kc is not None:  # as where the kernel has died
            client.kc.stop_channels()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs).splitlines()


#: What a lesson says of people who have no labels: that it shows others, or that landmarks stand for joints.
OTHERS = "· Shown here are the mannequins, whose {} are known, and not the people of market."
FOUND = "· Nobody knows the joints of market: the landmarks are those that the student finds."
SAID = {
    "01_people_and_triplets.ipynb": [OTHERS.format("joints, clothes and streets")],
    "02_teacher_and_student.ipynb": [OTHERS.format("joints")],
    "03_gaussian_reprojection.ipynb": [OTHERS.format("joints and masks")],
    "04_pose_attention.ipynb": [OTHERS.format("true swaps"), OTHERS.format("joints and masks")],
    "04b_lookup.ipynb": [OTHERS.format("true swaps"), OTHERS.format("joints and masks")],
    "05_encoders_and_generator.ipynb": [FOUND],
    "06_skeleton_patches.ipynb": [OTHERS.format("true swaps")],
    "07_training_the_whole.ipynb": [OTHERS.format("true swaps")],
    "08_anyone_in_any_pose.ipynb": [OTHERS.format("true swaps")],
    "09_scores.ipynb": [OTHERS.format("true swaps")],
    "10_ablations.ipynb": [OTHERS.format("true swaps")],
    "11_rivals.ipynb": [OTHERS.format("true swaps"), OTHERS.format("joints and masks")],
    "12_carry_dont_repaint.ipynb": [OTHERS.format("body maps")],
    "solutions/04_pose_attention.ipynb": [OTHERS.format("joints and masks"), OTHERS.format("true swaps")],
    "solutions/04b_lookup.ipynb": [OTHERS.format("joints and masks")],
    "solutions/06_skeleton_patches.ipynb": [OTHERS.format("true swaps")],
    "solutions/08_anyone_in_any_pose.ipynb": [OTHERS.format("true swaps")],
    "solutions/09_scores.ipynb": [OTHERS.format("true swaps")],
    "solutions/11_rivals.ipynb": [OTHERS.format("joints and masks"), OTHERS.format("true swaps")],
    "solutions/12_carry_dont_repaint.ipynb": [OTHERS.format("body maps")],
}


def test_lessons_that_make_test_leaves_out_take_nobody_from_a_folder_without_labels() -> None:
    left = {path.name[:3]: path for path in PAGES if path in LATER - {LIVE} and path.parent == NOTEBOOKS}
    assert tuple(left) == MANNEQUINS_ALONE
    for path in left.values():
        cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        asked = re.findall(r"lesson\.data\([^)]*\)", "".join(cells))
        assert [each for each in asked if "labels=True" not in each] == [], path.name


@pytest.mark.slow
@pytest.mark.parametrize("path", CASES)
def test_a_notebook_runs_on_people_without_labels_and_says_whom_it_shows(path: Path, kernel: KernelManager) -> None:
    said = [line for line in lines_of(path, kernel) if line.startswith(("· Shown here", "· Nobody knows"))]
    assert said == SAID.get(path.relative_to(NOTEBOOKS).as_posix(), [])


@pytest.mark.slow
def test_the_lesson_that_trains_takes_people_without_labels(kernel: KernelManager) -> None:
    lines = lines_of(LIVE, kernel, before="LiveFigure")
    assert "✓ every weight after it: mine and the library's agree exactly · goal 3" in lines  # of a step with them
    assert not [line for line in lines if line.startswith("· Shown here")]


def test_the_fewest_people_of_any_size_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOMI_DATA", str(make_folder(tmp_path / "market", (256, 128), FEWEST)))
    lesson = PeopleOfALesson()
    counts = {split: len(lesson.data(split, cache=False).identities) for split in LEAST}
    assert counts["train"] == LEAST["train"] and counts["test"] == LEAST["test"] and counts["query"] == LEAST["query"]
    people = lesson.data("query", cache=False)
    assert people.pictures.shape == (4, 3, 128, 64) and people.joints is None
    assert people.persons[lesson.twice(people, 340, 304)].unique().tolist() == people.identities.tolist()
