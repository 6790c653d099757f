"""The pages hold what was measured: tools/readme.py, and the sizes of tools/measure_install.py."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from momi_lib.files import sha256
from momi_lib.lessons import SERIES
from tools import measure_install, readme
from tools.notebooks.check import Page
from tools.notebooks.hours import effort

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("page", readme.PAGES)
def test_what_stands_on_the_pages_is_what_was_measured(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert readme.filled(text) == text, f"{page} is out of date: run python tools/readme.py"


def test_every_block_is_shown_somewhere() -> None:
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in readme.PAGES)
    assert [name for name in readme.BLOCKS if readme.START.format(name) not in text] == []


def test_the_scores_are_those_of_the_committed_weights() -> None:
    rows = readme.results(ROOT, "truth.json")["rows"]
    (ours,) = [row for row in rows if row["answer"] == "momi-small"]
    assert ours["weights_sha256"] == sha256(ROOT / "data/weights/momi-small.safetensors")


def test_methods_are_ordered_by_each_score_of_table_one(tmp_path: Path) -> None:
    scores = {"IS": 1.0, "mask-IS": 2.0, "FID": 3.0, "APS as in the paper": 4.0}
    rows = [{"answer": name, "scores": {score: {"value": value * factor} for score, value in scores.items()}}
            for name, factor in (("copy source", 9), ("patn", 1), ("momi-small", 2))]  # fmt: skip
    file = tmp_path / "benchmarks/results/table-one.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    lines = readme.orders(tmp_path).splitlines()[2:]
    assert [line.split(" | ")[2].removesuffix(" |") for line in lines] == [
        "MOMI-Net, PATN", "MOMI-Net, PATN", "PATN, MOMI-Net", "MOMI-Net, PATN"]  # fmt: skip
    assert "FID ↓ | DG-Net, PN-GAN, MOMI-Net, PG²" in lines[2]
    assert "APS ↑ | MOMI-Net, DG-Net, PG², PN-GAN" in lines[3]


@pytest.mark.parametrize("folder", ["notebooks", "../notebooks"])
def test_the_series_is_listed_in_order_with_its_times(folder: str) -> None:
    lines = readme.series(ROOT, folder).splitlines()[2:]
    for entry, line in zip(SERIES, lines, strict=False):
        link = f"[{entry.heading}]({folder}/{entry.file})"
        assert line.startswith(f"| {link} | {entry.promise} | {entry.minutes[0]:g} · ")


def test_a_notebook_that_nobody_measured_has_no_memory(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks" / "results"
    folder.mkdir(parents=True)
    (folder / "notebooks.json").write_text(json.dumps({"how": {"full": {"threads": 1, "device": "d"}}}))
    assert readme.series(tmp_path, "n").splitlines()[2].endswith("| – |")


def test_lecturers_read_the_hours_that_the_lessons_take_today() -> None:
    counted = readme.results(ROOT, "hours.json")["lessons"]
    for entry, line in zip(SERIES, readme.lecturers(ROOT).splitlines()[2:], strict=False):
        file = f"notebooks/{entry.file}"
        lesson = effort(Page.read(ROOT / file))
        assert counted[file] == {**asdict(lesson), "minutes": round(lesson.minutes)}, (
            "count again: python -m tools.notebooks.hours --json benchmarks/results/hours.json notebooks/*.ipynb"
        )
        assert line.endswith(f" | {round(lesson.minutes / 30) / 2:g} + {lesson.open_minutes / 60:g} |")


def test_body_maps_are_listed_by_part_and_a_part_that_nobody_shows_is_a_dash(tmp_path: Path) -> None:
    scores = {"pictures": 1280, "median_cm": 2.04, "error_cm": 3.96, "iou": 0.9304, "median_cm/head": 1.0}
    result = {"source": scores, "answer": {**scores, "pictures": 900, "median_cm/foot": 7.0}, "weights": "momi-small",
              "command": "c", "device": "d", "date": "2026-01-01"}  # fmt: skip
    folder = tmp_path / "benchmarks" / "results"
    folder.mkdir(parents=True)
    (folder / "body-maps.json").write_text(json.dumps(result))
    lines = readme.body_maps(tmp_path).splitlines()
    assert lines[0] == "| off by | median, cm | mean, cm | silhouette, IoU | head, cm | foot, cm |"
    assert lines[2] == "| B_s, in the picture | 2.0 | 4.0 | 0.930 | 1.0 | – |"
    assert lines[3] == "| B_t, in another pose | 2.0 | 4.0 | 0.930 | 1.0 | 7.0 |"
    assert "1,280 pictures, 900 of them whole" in lines[-1]


def test_sets_of_body_maps_are_those_that_lie_there() -> None:
    lines = readme.body_map_sets(ROOT).splitlines()
    assert len(lines) == 2 + len(readme.SETS) + 2
    assert {path.stem for path in (ROOT / "data/body_maps").glob("*.png")} == set(readme.SETS)


def test_targets_are_the_tested_ones_and_a_miss_is_said(tmp_path: Path) -> None:
    tests = (ROOT / "tests/evaluate/test_targets.py").read_text(encoding="utf-8")
    table = readme.targets(ROOT)
    for test, line in {
        'ours["l1"] / copy["l1"], 0, 0.56)': "| masked L1, relative to the copied source's | ≤ 0.56 |",
        'ours["ssim"], 0.55, 1)': "| masked SSIM | ≥ 0.55 |",
        'copy["st_lpips_vgg"], 0, 0.68)': "| ST-LPIPS with VGG-16, relative to the copied source's | ≤ 0.68 |",
        'ours["sharpness"], 0.75, ': "| sharpness, the truth's is 1: not blurred | ≥ 0.75 |",
        ", 0.75, 1.15)": "| the same: not noisy | ≤ 1.15 |",
        'ours["frechet"] / true["frechet"], 0, 1.5)': "| Fréchet distance, relative to the true swaps' | ≤ 1.5 |",
        'ours["pck"], 0.95, 1)': "| PCK@0.1 of the swap | ≥ 0.95 |",
        'ours["rank1"] / true["rank1"], 0.97, 2)': "| rank-1, relative to the true swaps' | ≥ 0.97 |",
        "teacher >= 0.97": "| teacher's PCK on held-out people | ≥ 0.97 |",
        "student >= 0.97 * teacher": "| student's PCK, relative to the teacher's | ≥ 0.97 |",
    }.items():
        assert test in tests and line in table
    measured = ("truth", "swap-cpu", "drag-cpu", "drag-obedience", "drag-truth", "steps-cpu", "steps-avx2")
    for name in (*(f"benchmarks/results/{each}.json" for each in measured),
                 "data/weights/momi-small.json", "data/weights/mannequin-teacher.json"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    results = json.loads((tmp_path / "benchmarks/results/truth.json").read_text())
    for row in results["rows"]:
        if row["answer"] == "momi-small":
            row["pck"] = 0.5
    (tmp_path / "benchmarks/results/truth.json").write_text(json.dumps(results))
    assert "| PCK@0.1 of the swap | ≥ 0.95 | 0.500 | **missed** |" in readme.targets(tmp_path)


def test_drags_are_counted_over_both_angles() -> None:
    rows = [{"joint": "wrist", "angle": angle, "drags": drags, "obeys": obeys}
            for angle, drags, obeys in ((30, 10, 0.5), (45, 30, 0.1), (90, 5, 1.0))]  # fmt: skip
    assert readme.obeyed(rows, "wrist", (30, 45)) == pytest.approx((5 + 3) / 40)


def test_blocks_are_written_between_their_marks_and_twice_the_same() -> None:
    blocks = {"a b": lambda root: "new", "c": lambda root: "other"}
    text = "before\n<!-- a b: start -->\nold\n<!-- a b: end -->\nafter\n"
    once = readme.filled(text, blocks=blocks)
    assert once == "before\n<!-- a b: start -->\nnew\n<!-- a b: end -->\nafter\n"
    assert readme.filled(once, blocks=blocks) == once


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!-- a: start -->", "once each"),
        ("<!-- a: end --><!-- a: start -->", "in this order"),
        ("<!-- a: start --><!-- a: end --><!-- a: start --><!-- a: end -->", "once each"),
        ("<!-- other: start --><!-- other: end -->", "<!-- other: start -->: expected one of a"),
    ],
)
def test_marks_that_are_wrong_are_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        readme.filled(text, blocks={"a": lambda root: "new"})


def test_check_finds_a_stale_page_and_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readme, "BLOCKS", {"a": lambda root: "new"})
    monkeypatch.setattr(readme.filled, "__defaults__", (ROOT, readme.BLOCKS))
    monkeypatch.setattr(readme, "PAGES", ("page.md",))
    page = tmp_path / "page.md"
    page.write_text("<!-- a: start -->\nold\n<!-- a: end -->\n")
    assert readme.main(tmp_path, check=True) == 1 and "old" in page.read_text()
    assert readme.main(tmp_path) == 0 and "new" in page.read_text()
    assert readme.main(tmp_path, check=True) == 0


def test_an_installation_is_the_sum_of_what_is_needed() -> None:
    alone, all_of_it = measure_install.needed(["packaging"]), measure_install.needed(["matplotlib"])
    assert set(alone) == {"packaging"} and {"packaging", "numpy", "pillow"} <= set(all_of_it)
    assert 0 < measure_install.megabytes(alone["packaging"]) < measure_install.megabytes(all_of_it["numpy"])
    assert measure_install.needed(["no-such-package-anywhere"]) == {}
