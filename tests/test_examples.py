"""The examples run, and stay short enough to be read at a glance."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from momi_lib.data import load, load_truth
from momi_lib.data.pictures import save_picture
from momi_lib.evaluate.pairs import save_pairs, test_pairs

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two pictures of people, and the first two true answers under their names."""
    folder, truth = tmp_path_factory.mktemp("pictures"), load_truth().select(slice(2))
    for name, picture in zip(("person.png", "pose.png"), truth.people.pictures[[0, 40]], strict=True):
        save_picture(picture, folder / name)
    for index, picture in enumerate(truth.pictures):
        save_picture(picture, folder / f"{index:06}.png")
    return folder


def run(name: str, *arguments: object, **options: object) -> str:
    done = subprocess.run([sys.executable, str(EXAMPLES / name), *map(str, arguments)], capture_output=True, text=True,
                          timeout=300, **options)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_is_under_forty_lines() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in EXAMPLES.glob("*.py")}
    assert len(lengths) == 5 and max(lengths.values()) < 40, lengths


def test_two_pictures_are_swapped(pictures: Path, tmp_path: Path) -> None:
    run("swap_two_pictures.py", pictures / "person.png", pictures / "pose.png", tmp_path / "swap.png")
    assert (tmp_path / "swap.png").stat().st_size > 1000


@pytest.mark.thorough
def test_a_folder_is_trained_on(tmp_path: Path) -> None:
    data = EXAMPLES.parent / "data" / "mannequins"
    printed = run("train_on_your_folder.py", data, "1", EXAMPLES.parent / "data/weights/mannequin-teacher.safetensors",
                  "tiny", cwd=tmp_path)  # fmt: skip
    assert (tmp_path / printed.strip().splitlines()[-1]).is_file()


@pytest.mark.thorough
def test_true_answers_score_as_such(pictures: Path) -> None:
    assert run("score_a_folder.py", pictures).startswith("2 swaps: masked L1 0.0000 ±")
    with pytest.raises(AssertionError, match=r"expected pictures named 000000\.png"):
        run("score_a_folder.py", EXAMPLES)


@pytest.mark.thorough
def test_pictures_of_pairs_score_as_in_table_one(tmp_path: Path) -> None:
    """Copies of the targets have the targets' poses. A few people are enough: all of them take minutes."""
    data, folder = tmp_path / "data", tmp_path / "theirs"
    for split, persons in (("bounding_box_train", 3), ("bounding_box_test", 4), ("query", 4)):
        files = sorted((EXAMPLES.parent / "data/mannequins" / split).glob("*.jpg"))
        chosen = sorted({file.name[:4] for file in files})[:persons]
        (data / split).mkdir(parents=True)
        for file in files:
            if file.name[:4] in chosen:
                shutil.copy(file, data / split)
    pairs = test_pairs(load(data, "test"), count=12)
    folder.mkdir()
    for number, index in enumerate(pairs.target.tolist()):
        save_picture(pairs.people.pictures[index], folder / f"{number:05}.png")
    printed = run("score_a_folder.py", folder, save_pairs(tmp_path / "pairs.csv", pairs),
                  env=os.environ | {"MOMI_DATA": str(data)})  # fmt: skip
    scores = {line.split()[0].partition("[")[0]: float(line.split()[-1]) for line in printed.splitlines()}
    assert {"IS", "FID", "PCK@0.1"} <= scores.keys() and scores["PCK@0.1"] > 0.95


@pytest.mark.thorough
def test_another_generator_is_a_row_beside_ours() -> None:
    lines = run("another_generator.py", 4).splitlines()
    answers = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    expected = ["copy source", "copy target", "mean picture", "recolour", "momi-small", "true swap"]
    assert answers == ["answer", "---", *expected]


def test_the_form_answers_with_a_picture(pictures: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, str(EXAMPLES / "web_form.py"), str(port)], stderr=subprocess.DEVNULL)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            try:
                assert b"<input type=file" in opener.open(address, timeout=5).read()
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.1)
        files = [base64.b64encode((pictures / name).read_bytes()).decode() for name in ("person.png", "pose.png")]
        body = json.dumps([f"data:image/png;base64,{file}" for file in files]).encode()
        answer = opener.open(urllib.request.Request(address, body), timeout=60).read().decode()
        assert base64.b64decode(answer.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    finally:
        server.kill()
        server.wait(30)
