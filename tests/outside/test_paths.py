"""Folders and files with spaces, brackets, percent signs, quotes, other letters and long names, in every place."""

from __future__ import annotations

import csv
import json
import logging
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from shlex import quote

import pytest
import torch
from PIL import Image

from momi_lib import commands
from momi_lib.__main__ import main
from momi_lib.data import data_folder, load
from momi_lib.data.cache import cache_folder, load_pictures
from momi_lib.data.records import EMBEDDED
from momi_lib.evaluate.cache import SwapStore
from momi_lib.evaluate.pairs import test_pairs as pairs_of
from momi_lib.files import (
    read_checkpoint,
    save_tensors,
    temporary_prefix,
    weights_folder,
    write_atomically,
    write_json,
)
from momi_lib.metrics.affinity import AffinityNetwork
from momi_lib.rivals.weights import answer_names
from momi_lib.train import preset, train
from momi_lib.train.checkpoint import latest_checkpoint, save_checkpoint
from momi_lib.translate import MomiNet, load_network, save_network
from momi_lib.translate.from_files import background_of
from momi_lib.widgets.explorer import SwapExplorer

ROOT = Path(__file__).resolve().parents[2]
ODD = {
    "spaces": "a folder of mine ",
    "brackets": "runs [1] (old) {x}",
    "a pattern": "*?[a-z]!",
    "percent": "100 % %s %(x)d",
    "quotes": "it's \"here\" `now`",
    "a dollar": "$HOME ${x} ; & | > <",
    "other letters": "München 日本 Ελλάδα",
    "letters in two parts": unicodedata.normalize("NFD", "é ü å"),
    "a dash": "-o --out=x",
    "a tilde": "~somebody",
    "like an option's words": "a=b,c:d@teacher#1",
    "dots": ".hidden..name.",
    "a backslash": "back\\slash",
    "signs of a console": "rich [bold]x[red] [] :smile:",
    "long": "n" * 200,
}
ALL = 'a [1] *? %s "q" \'r\' $X {y} ü 日本 \\ #@='
every = pytest.mark.parametrize("name", ODD.values(), ids=ODD)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("MOMI_DATA", raising=False)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """An untrained network in a file, and its bytes."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    return save_network(MomiNet(preset("tiny").network).eval(), path)


def copied(source, folder):
    """A file with the card beside it in another folder, by the folder's name."""
    folder.mkdir(parents=True, exist_ok=True)
    for ending in (".safetensors", ".json"):
        shutil.copy(source.with_suffix(ending), folder / f"{folder.name[:40]}{ending}")
    return folder / f"{folder.name[:40]}.safetensors"


def people(crowd, folder):
    return shutil.copytree(crowd, folder)


@every
def test_data_in_a_folder(crowd, tmp_path, monkeypatch, name):
    """By an argument and by the variable, decoded and from a cache in such a folder."""
    there = people(crowd, tmp_path / name / "data")
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / name / "cache"))
    expected = load(crowd, "query", cache=False)
    for _ in range(2):
        found = load(there, "query")
        assert found.fingerprint == expected.fingerprint and torch.equal(found.pictures, expected.pictures)
    assert len(list((cache_folder("pictures")).iterdir())) == 2
    monkeypatch.setenv("MOMI_DATA", str(there))
    assert data_folder() == there and load(split="query").files == expected.files


@every
def test_a_folder_that_is_not_there_is_named_as_it_was_typed(monkeypatch, capsys, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    given = f"./{name}"
    assert main(["truth", "--data", given, "--out", "t.json"]) == 1
    assert str(Path(given)) in capsys.readouterr().err


@every
def test_a_person_by_folder(crowd, tmp_path, name):
    for split in ("bounding_box_train", "bounding_box_test", "query"):
        for number, file in enumerate(sorted((crowd / split).iterdir())[:4]):
            (folder := tmp_path / "data" / split / f"{number % 2}{name}").mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / f"{name[:40]} {number}.jpg".lstrip("."))
    found = load(tmp_path / "data", "query")
    assert len(found) == 4 and len(found.identities) == 2
    assert all((tmp_path / "data" / file).is_file() for file in found.files)


@every
def test_one_swap(crowd, tiny, tmp_path, monkeypatch, name):
    """Pictures, weights, background and result, all of them in such folders, from there and from elsewhere."""
    monkeypatch.chdir(tmp_path)
    weights = copied(tiny, tmp_path / name)
    source, target = sorted((crowd / "query").iterdir())[:2]
    first, second = (Path(name) / f"{which}{name[:40]}.jpg" for which in ("s", "t"))
    shutil.copy(source, first)
    shutil.copy(target, second)
    common = ["--weights", str(weights), "--background", "drawn"]
    assert main(["swap", str(source), str(target), "--out", "plain.png", *common]) == 0
    there = f"./{name}/out/x{name[:40]}.png"
    assert main(["swap", f"./{first}", f"./{second}", "--out", there, *common]) == 0
    assert Path(there).read_bytes() == Path("plain.png").read_bytes()


@every
def test_a_folder_of_swaps(crowd, tiny, tmp_path, name):
    sources, out = tmp_path / f"s{name}", tmp_path / f"o{name}"
    sources.mkdir()
    for number, file in enumerate(sorted((crowd / "query").iterdir())[:3]):
        shutil.copy(file, sources / f"{number}{name[:40]}.jpg")
    target = next((crowd / "query").iterdir())
    assert main(["swap", str(sources), "--pose", str(target), "--out", str(out), "--weights", str(tiny)]) == 0
    assert sorted(path.name for path in out.iterdir()) == [f"{number}{name[:40]}.png" for number in range(3)]


def test_a_name_with_nothing_but_odd_signs_is_no_option(crowd, tiny, tmp_path, monkeypatch, capsys):
    """A picture named -o.jpg is a picture where ./ stands before it, as for every command of a shell."""
    monkeypatch.chdir(tmp_path)
    for name, file in zip(("-o.jpg", "#ff0000"), sorted((crowd / "query").iterdir()), strict=False):
        shutil.copy(file, name)
    words = ["swap", "./-o.jpg", "./#ff0000", "--out", "x.png", "--weights", str(tiny)]
    assert main(words) == 0 and Path("x.png").is_file()
    assert background_of("#ff0000", (8, 4)).shape == (3, 8, 4)  # where there is such a file, it is no colour


@every
def test_weights_and_what_a_table_calls_them(tiny, tmp_path, monkeypatch, name):
    (there := tmp_path / f"w{name}").mkdir()
    for ending in (".safetensors", ".json"):
        shutil.copy(tiny.with_suffix(ending), there / f"weights{ending}")
    assert load_network(there / "weights.safetensors").config.size == (128, 64)
    assert answer_names([there / "weights.safetensors"]) == [f"w{name}"]
    assert commands._card(str(there)) == there / "weights.json"
    monkeypatch.setenv("MOMI_WEIGHTS", str(there))
    assert weights_folder() == there and commands._card("weights") == there / "weights.json"


@every
def test_files_are_written_and_read(tmp_path, name):
    place = tmp_path / name / f"f{name[:150]}.json"
    assert json.loads(write_json(place, {"a": 1}).read_text(encoding="utf-8")) == {"a": 1}
    save_tensors(place.with_suffix(".safetensors"), {"a": torch.ones(1)})
    assert read_checkpoint(place.with_suffix(".safetensors"))[0]["a"].tolist() == [1]
    torch.save({"state_dict": {"a": torch.ones(1)}}, place.with_suffix(".pth"))
    assert read_checkpoint(place.with_suffix(".pth"))[0]["a"].tolist() == [1]
    save_checkpoint(tmp_path / name, 3, {"a": 1})
    assert latest_checkpoint(tmp_path / name)[1] == {"a": 1}
    network = AffinityNetwork("heldout")
    network.save(place.with_suffix(".affinity.safetensors"), {})
    assert AffinityNetwork.load(place.with_suffix(".affinity.safetensors")).variant == "heldout"


@pytest.mark.slow
def test_a_training_in_such_a_folder_goes_on(short_run, tmp_path, crowd):
    out, data = tmp_path / ALL / "run", people(crowd, tmp_path / f"{ALL} data")
    train(short_run(out=out, data=data), minutes=0)
    assert latest_checkpoint(out)[0].name < "checkpoint-00000006.pt"
    train(short_run(out=out, data=data), resume=True)
    names = {path.name for path in out.iterdir()}
    assert {"log.jsonl", "weights.safetensors", "weights.json"} <= names and load_network(out / "weights.safetensors")


@pytest.mark.slow
@pytest.mark.thorough
def test_a_study_and_its_runs_that_are_finished(few, tmp_path):
    """Runs of a study are found by patterns of names; started again, it finds them all."""
    folder = tmp_path / ALL
    words = ["study", "ablations", "--preset", "tiny", "--steps", "1", "--seeds", "1", "--pairs", "8", "--only", "full",
             "--data", str(people(few, tmp_path / f"{ALL} data")), "--out", str(folder / "study"), "--results",
             str(folder / f"{ALL}.json")]  # fmt: skip
    assert main(words) == 0
    result = json.loads((folder / f"{ALL}.json").read_text(encoding="utf-8"))
    (run,) = result["runs"]["full"]
    weights = folder / "study" / "full-seed0" / "weights.safetensors"
    before = weights.stat().st_mtime_ns
    assert main(words) == 0 and weights.stat().st_mtime_ns == before
    assert json.loads((folder / f"{ALL}.json").read_text(encoding="utf-8"))["runs"]["full"] == [run]


@pytest.mark.slow
@pytest.mark.thorough
def test_table_one_in_such_a_folder(few, tiny, tmp_path, caplog):
    weights, out = copied(tiny, tmp_path / "a|b [1] \\ ü"), tmp_path / ALL / "results"
    assert main(["evaluate", "--weights", str(weights), "--data", str(people(few, tmp_path / f"{ALL} data")), "--pairs",
                 "12", "--pose-pairs", "4", "--out", str(out)]) == 0  # fmt: skip
    (line,) = [line for line in (out / "table.md").read_text(encoding="utf-8").splitlines() if "b [1]" in line]
    title = (out / "table.md").read_text(encoding="utf-8").splitlines()[0]
    assert line.replace("\\|", "").count("|") == title.count("|")
    with open(out / "table.csv", encoding="utf-8", newline="") as file:
        assert "a|b [1] \\ ü" in {row["answer"] for row in csv.DictReader(file)}
    assert f"train-affinity --data {quote(str(tmp_path / f'{ALL} data'))}`" in caplog.text  # as a shell takes it


@pytest.mark.slow
def test_a_figure_in_such_a_folder(tiny, tmp_path):
    weights = copied(tiny, tmp_path / ALL)
    assert main(["figure", "--weights", str(weights), "--rows", "2", "--out", str(tmp_path / ALL / f"{ALL}.png")]) == 0
    assert f"{ALL}.png" in {path.name for path in (tmp_path / ALL).iterdir()}


@pytest.mark.parametrize("name", [ALL, "<img src=x onerror=alert(1)>"], ids=["odd", "HTML"])
def test_the_explorer_saves_and_shows_names_as_text(crowd, tiny, tmp_path, name):
    folder = people(crowd, tmp_path / name.replace("/", ""))
    explorer = SwapExplorer(folder, network=tiny, split="query", save_to=tmp_path / f"saved {name.replace('/', '')}")
    explorer.save.click()
    assert len(list(explorer.save_to.glob("*.png"))) == 1 and explorer.save_to.name.startswith("saved ")


# Long names.


def test_a_name_as_long_as_a_disk_takes_is_written(tmp_path):
    for name in ("n" * 255, "日" * 85, "n" * 251 + ".png"):
        write_atomically(tmp_path / name, lambda file: file.write(b"x"))
        assert len(os.fsencode(temporary_prefix(name))) <= 243
    assert {path.name for path in tmp_path.iterdir()} >= {"n" * 255, "日" * 85}


@pytest.mark.parametrize("length", [245, 251])
def test_a_swap_with_such_a_name(crowd, tiny, tmp_path, length):
    source, target = sorted((crowd / "query").iterdir())[:2]
    long = shutil.copy(source, tmp_path / f"{'s' * length}.jpg")
    out = tmp_path / f"{'o' * length}.png"
    assert main(["swap", str(long), str(target), "--out", str(out), "--weights", str(tiny)]) == 0 and out.is_file()
    command = ["swap", str(long), "--pose", str(target), "--out", str(tmp_path / "many"), "--weights", str(tiny)]
    assert main(command) == 1
    (tmp_path / "many").mkdir()
    assert main(command) == 0
    assert [path.stem for path in (tmp_path / "many").iterdir()] == ["s" * length]


@pytest.mark.parametrize(
    "words",
    [["swap", "SOURCE", "TARGET", "--out", "LONG.png"], ["truth", "--out", "LONG.json"],
     ["figure", "--out", "LONG.png"],
     ["evaluate", "--out", "LONG"], ["train", "tiny", "--out", "LONG"], ["train", "pg2", "--out", "LONG"],
     ["train-teacher", "--out", "LONG"], ["train-features", "--out", "LONG"], ["train-affinity", "--out", "LONG"],
     ["study", "ablations", "--out", "LONG"], ["swap", "LONG.jpg", "TARGET", "--out", "x.png"],
     ["swap", "SOURCE", "TARGET", "--out", "x.png", "--weights", "LONG"],
     ["truth", "--data", "LONG", "--out", "x.json"],
     ["info", "--weights", "LONG"], ["swap", "SOURCE", "TARGET", "--out", "x.png", "--background", "LONG"]],
    ids=lambda words: " ".join(word for word in words if len(word) < 30),
)  # fmt: skip
def test_a_name_that_is_too_long_is_one_sentence(crowd, tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("momi_lib.data.pictures.decode_pictures", pytest.fail)
    files = dict(zip(("SOURCE", "TARGET"), map(str, sorted((crowd / "query").iterdir())), strict=False))
    words = [files.get(word, word.replace("LONG", "x" * 300)) for word in words]
    assert main(words) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert said and said[-1].startswith("error: ") and "x" * 300 in said[-1]
    assert list(tmp_path.iterdir()) == []


def test_swaps_of_weights_with_a_long_name_are_kept(tmp_path):
    pairs = pairs_of(load(EMBEDDED, "query").select(slice(8)), count=2)
    stores = [SwapStore(tmp_path, "n" * 250, each * 64, pairs) for each in "ab"]
    for store in stores:
        store.folder.mkdir(parents=True)
        assert len(os.fsencode(store.folder.name)) <= 255
        store._write(0, torch.zeros(3, 8, 4, dtype=torch.uint8))


def test_a_cache_of_a_place_with_a_pattern_in_its_name(tmp_path, monkeypatch, caplog):
    """What the same place held before is removed, and nothing else."""
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / "*[a]?"))
    pictures = torch.zeros(1, 3, 8, 8, dtype=torch.uint8).numpy(), torch.tensor([[8, 8]]).numpy()
    for place in ("*", "[a]", "?"):
        for stamp in (1, 2):
            load_pictures(lambda: pictures, ["a.jpg"], [(9, stamp)], place=place, size=(8, 8))
    assert len(list(cache_folder("pictures").iterdir())) == 6 and caplog.records == []


def test_a_percent_sign_in_a_message_is_no_format(crowd, tmp_path, caplog, capsys):
    """Names reach the log as arguments, never as its format."""
    there = people(crowd, tmp_path / "100% %s %d %(x)s")
    (there / "query" / "holiday %s.jpg").write_bytes(next((crowd / "query").iterdir()).read_bytes())
    with caplog.at_level(logging.WARNING):
        load(there, "query")
    assert "holiday %s.jpg" in caplog.text and "100% %s %d %(x)s" in caplog.text
    assert "Logging error" not in capsys.readouterr().err


def test_pictures_whose_letters_are_in_two_parts_are_read(crowd, tmp_path):
    """As a Mac may store é: an e and an accent."""
    for split in ("bounding_box_train", "bounding_box_test", "query"):
        for person in ("1", "2"):
            (folder := tmp_path / split / person).mkdir(parents=True)
            for shot in "ab":
                name = unicodedata.normalize("NFD", f"é{shot}.jpg")
                shutil.copy(sorted((crowd / split).iterdir())[0], folder / name)
    assert len(load(tmp_path, "query")) == 4


# The Makefile, Jupyter, tools.


@pytest.fixture
def checkout(tmp_path):
    """A folder like a clone of the repository, with programs in its .venv that write down how they were called."""
    (folder := tmp_path / ALL.replace("\\", "")).mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv" / "bin").mkdir(parents=True)
    script = '#!/bin/sh\nprintf "%s\\n" "$(basename "$0")" "$@" "JUPYTER_PATH=$JUPYTER_PATH" "PWD=$PWD" >>"$0.called"\n'
    for name in ("python", "jupyter", "voila"):
        program = folder / ".venv" / "bin" / name
        program.write_text(script, encoding="utf-8")
        program.chmod(0o755)
    for stamp in (".for-lab", ".for-app", ".for-test"):
        (folder / ".venv" / stamp).touch()
    return folder


@pytest.mark.parametrize(("target", "program"), [("lab", "jupyter"), ("app", "voila")])
def test_make_in_such_a_folder(checkout, target, program):
    if shutil.which("make") is None:
        pytest.skip("needs make")
    done = subprocess.run(["make", target], cwd=checkout, capture_output=True, text=True, timeout=60,
                          env={key: value for key, value in os.environ.items() if key != "JUPYTER_PATH"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    called = (checkout / ".venv" / "bin" / f"{program}.called").read_text(encoding="utf-8").splitlines()
    assert called[0] == program and f"PWD={checkout}" in called
    assert f"JUPYTER_PATH={checkout / 'app' if target == 'app' else ''}" in called
    assert called[1] == ("lab" if target == "lab" else "app/explorer.ipynb")


def test_a_python_in_such_a_folder_can_be_named(checkout, tmp_path):
    if shutil.which("make") is None:
        pytest.skip("needs make")
    (checkout / ".venv" / ".for-lab").unlink()
    for name, status in (("a python", 0), ("an old one", 1)):
        (python := tmp_path / name).write_text(f"#!/bin/sh\nexit {status}\n", encoding="utf-8")
        python.chmod(0o755)
        done = subprocess.run(["make", "lab", f"PYTHON={python}"], cwd=checkout, capture_output=True, text=True,
                              timeout=60)  # fmt: skip
        assert (done.returncode == 0) == (status == 0), done.stderr
        (checkout / ".venv" / ".for-lab").unlink(missing_ok=True)
    assert f"found as {python}" in done.stderr


@pytest.mark.slow
@pytest.mark.thorough
def test_a_script_of_an_environment_in_such_a_folder_starts(tmp_path):
    """What pip writes as the first line of jupyter, voila and the like is too long or has spaces: it takes a detour."""
    pytest.importorskip("pip")
    folder = tmp_path / "a [1] ü % 'q' (x) & ;" / ("n" * 120)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
    told = subprocess.run([str(folder / "bin" / "pip"), "--version"], capture_output=True, text=True, timeout=120)
    assert told.returncode == 0 and str(folder) in told.stdout, told.stderr


@pytest.mark.thorough
def test_the_tool_that_runs_notebooks_takes_such_a_path(tmp_path):
    import nbformat

    path = tmp_path / ALL.replace("/", "") / "00_a [1].ipynb"
    path.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(6 * 7)")]), path)
    done = subprocess.run([sys.executable, "-m", "tools.notebooks.run", str(path)], cwd=ROOT, capture_output=True,
                          text=True, timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert nbformat.read(path, as_version=4).cells[0].outputs[0].text == "42\n"


def test_pictures_of_such_a_name_open(tmp_path):
    """What all of the above rests on: PIL takes the bytes of any name."""
    for number, name in enumerate(ODD.values()):
        path = tmp_path / f"{number}{name}.png"
        Image.new("RGB", (2, 2)).save(path)
        with Image.open(path) as image:
            assert image.size == (2, 2)
