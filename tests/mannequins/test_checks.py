"""The checks pass on what was written and fail on what was tampered with; the committed set passes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tools.mannequins.dataset.checks import CHECKS, DataSet, check

COMMITTED = Path(__file__).resolve().parents[2] / "data" / "mannequins"


def test_all_checks_pass_on_a_fresh_data_set(small: Path) -> None:
    results = list(check(small))
    assert [str(result) for result in results if not result.passed] == []
    assert len(results) == len(CHECKS) + 3


def test_the_committed_data_set_passes() -> None:
    assert [str(result) for result in check(COMMITTED) if not result.passed] == []


def edited(name: str, change: Callable[[dict], None]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "annotations" / f"{name}.json"
        content = json.loads(path.read_bytes())
        change(content)
        path.write_text(json.dumps(content))

    return edit


def swap_sides(content: dict) -> None:
    for entry in content["annotations"]:
        points = [entry["keypoints"][start : start + 3] for start in range(0, 51, 3)]
        for left in range(1, 17, 2):
            points[left], points[left + 1] = points[left + 1], points[left]
        entry["keypoints"] = [value for point in points for value in point]


def move_a_joint(content: dict) -> None:
    entry = next(each for each in content["annotations"] if each["keypoints"][5 * 3 + 2] == 2)
    entry["keypoints"][5 * 3 : 5 * 3 + 2] = [0.0, 127.0]


def into_training(folder: Path) -> None:
    path = folder / "attributes.csv"
    path.write_text(path.read_text().replace(",test,", ",train,", 1))


TAMPERING = {
    "manifest names every file": lambda folder: (folder / "query" / "extra.jpg").write_bytes(b""),
    "left and right are right": edited("train", swap_sides),
    "visible joints lie on the mask": edited("test", move_a_joint),
    "no identity is in two splits": into_training,
    "pictures are named and labelled once": lambda folder: next((folder / "query").iterdir()).unlink(),
    "truth joints are the targets": edited("truth", swap_sides),
    "enough of everybody is seen": edited(
        "train", lambda content: content["annotations"][0].update(keypoints=[0] * 51)
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found(small: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(small, folder)
    TAMPERING[name](folder)
    data = DataSet(folder)
    (one,) = [each for each in CHECKS if each.__name__.replace("_", " ") == name]
    with pytest.raises(AssertionError):
        one(data)


def test_no_data_set_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"manifest\.json"):
        list(check(tmp_path))


def test_a_swap_with_another_height_is_found(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding is forgiven, a body that stands 0.2 % higher is not."""
    from tools.mannequins.dataset import rendered_checks

    whole, data = rendered_checks.true_swap, DataSet(small)
    check_truth = rendered_checks.truth_with_itself_is_the_picture_without_its_occluder
    assert check_truth(data).endswith("to the pixel")
    for share, fails in ((1 + 1e-12, False), (1.002, True)):
        monkeypatch.setattr(
            rendered_checks,
            "true_swap",
            lambda studio, source, person, target, share=share: whole(
                studio, source, person, replace(target, height=target.height * share)
            ),
        )
        if fails:
            with pytest.raises(AssertionError, match="differs by"):
                check_truth(data)
        else:
            check_truth(data)
