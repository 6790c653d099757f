"""The pages hold what was measured: tools/readme.py, and the sizes of tools/measure_install.py."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from momi_lib.files import sha256
from momi_lib.lessons import SERIES
from tools import measure_install, readme

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


def test_targets_are_the_tested_ones_and_a_miss_is_said(tmp_path: Path) -> None:
    tests = (ROOT / "tests/evaluate/test_targets.py").read_text(encoding="utf-8")
    table = readme.targets(ROOT)
    for test, line in {
        '["l1 share"] <= 0.60': "| masked L1, of the best trivial answer's | ≤ 0.60 |",
        '["ssim gain"] >= 0.10': "| masked SSIM, above the best trivial answer's | ≥ 0.10 |",
        '["pose"] >= 0.90': "| pose found in the swap (PCK@0.1) | ≥ 0.90 |",
        '["person share"] >= 0.60': "| person found, of the true swap's share | ≥ 0.60 |",
        '["frechet"] <= 0.50 *': "| Fréchet distance, of the first weights' | ≤ 0.50 |",
        "teacher >= 0.97": "| teacher's PCK on held-out people | ≥ 0.97 |",
        "student >= 0.97 * teacher": "| student's PCK, of the teacher's | ≥ 0.97 |",
    }.items():
        assert test in tests and line in table
    for name in ("benchmarks/results/truth.json", "benchmarks/results/truth-first-light.json",
                 "benchmarks/results/swap-cpu.json", "benchmarks/results/drag-cpu.json", "data/weights/momi-small.json",
                 "data/weights/mannequin-teacher.json"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    results = json.loads((tmp_path / "benchmarks/results/truth.json").read_text())
    for row in results["rows"]:
        if row["answer"] == "momi-small":
            row["pck"] = 0.5
    (tmp_path / "benchmarks/results/truth.json").write_text(json.dumps(results))
    assert "| pose found in the swap (PCK@0.1) | ≥ 0.90 | 0.50 | **missed** |" in readme.targets(tmp_path)


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
