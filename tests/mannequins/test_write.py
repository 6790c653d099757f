"""The same request writes the same bytes: again, with other workers, and after having been killed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("moderngl", reason="needs the extra mannequins")
pytest.importorskip("cv2", reason="needs the extra mannequins")
pytest.importorskip("scipy", reason="needs the extra mannequins")

from tools.mannequins.body.template import template_path
from tools.mannequins.dataset import write
from tools.mannequins.dataset.plan import sizes_of
from tools.mannequins.dataset.work import LEAST_MASK, LEAST_VISIBLE, UNFINISHED
from tools.mannequins.dataset.write import FolderError, Request, make
from tools.mannequins.street.backdrop import is_drawn
from tools.mannequins.street.cameras import CAMERAS

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = "--identities 4 --pictures-per-identity 4 5 --truth 4 --dense --seed 0".split()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def command(folder: Path, workers: int) -> list[str]:
    return [sys.executable, "-m", "tools.mannequins", *ARGUMENTS, "--out", str(folder), "--workers", str(workers)]


@pytest.mark.slow
@pytest.mark.thorough
def test_two_workers_set_up_what_is_missing(
    can_render: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baked = template_path()
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path))
    template_path().parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(baked, template_path())
    monkeypatch.setattr(write, "CAMERAS", CAMERAS[:1])
    monkeypatch.setattr(write, "VARIANTS", 2)
    write.set_up(workers=2)
    assert [is_drawn(0, variant) for variant in range(3)] == [True, True, False]


@pytest.mark.slow
@pytest.mark.thorough
def test_killed_and_continued_with_other_workers_is_the_same_to_the_bit(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    run = subprocess.Popen(command(folder, 1), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (folder / UNFINISHED / "person-0002.json").is_file():
        assert run.poll() is None and time.monotonic() < deadline, "it ended before it could be killed"
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not (folder / "manifest.json").exists()
    finished = next((folder / "bounding_box_train").glob("0001_*.jpg"))
    before = finished.stat().st_mtime_ns
    subprocess.run(command(folder, 2), cwd=ROOT, check=True, capture_output=True, timeout=600)
    assert finished.stat().st_mtime_ns == before  # what was done was not done again
    assert not (folder / UNFINISHED).exists()
    assert contents(folder) == contents(small)


@pytest.mark.slow
def test_shards_together_are_the_unsharded_set_byte_for_byte(small: Path, tmp_path: Path) -> None:
    """Two at the same time on one folder, then whoever comes last."""
    folder = tmp_path / "shared"
    both = [subprocess.Popen([*command(folder, 1), "--shard", f"{number}/2"], cwd=ROOT, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True) for number in (1, 2)]  # fmt: skip
    for run in both:
        out, error = run.communicate(timeout=600)
        assert run.returncode == 0, error
        assert "is done; when all are, the same command without --shard completes" in out
    assert len(list((folder / UNFINISHED).glob("person-*.json"))) == 4 and not (folder / "manifest.json").exists()
    subprocess.run(command(folder, 1), cwd=ROOT, check=True, capture_output=True, timeout=600)
    assert contents(folder) == contents(small)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b"])
def test_a_shard_that_cannot_be_is_refused(tmp_path: Path, shard: str) -> None:
    done = subprocess.run([*command(tmp_path / "new", 1), "--shard", shard], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "--shard: expected k/n with k from 1 to n" in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_complete_folder_is_left_alone(small: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.rglob("*")}
    make(Request(sizes_of(4, (4, 5), truth=4), seed=0, dense=True), small)
    assert before == {path: path.stat().st_mtime_ns for path in small.rglob("*")}


def test_other_settings_are_refused(small: Path) -> None:
    with pytest.raises(FolderError, match=r"is complete with other settings .*\(seed differ"):
        make(Request(sizes_of(4, (4, 5), truth=4), seed=1, dense=True), small)


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FolderError, match="something else"):
        make(Request(sizes_of(2), seed=0), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_pictures_show_enough(small: Path) -> None:
    for name in ("train", "test"):
        content = json.loads((small / "annotations" / f"{name}.json").read_bytes())
        for entry in content["annotations"]:
            assert (np.array(entry["keypoints"][2::3]) == 2).sum() >= LEAST_VISIBLE
            assert entry["area"] >= LEAST_MASK * 128 * 64
    assert not list(small.rglob("*.part"))
