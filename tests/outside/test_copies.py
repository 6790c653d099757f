"""Copies of the repository: a clone for Windows, an archive, notebooks in another folder, and an installed wheel."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
import torch

from momi_lib.__main__ import main
from momi_lib.data import data_folder
from momi_lib.data.records import EMBEDDED
from momi_lib.files import NotInstalledError, project_file, project_folder, sha256, weights_folder
from momi_lib.lessons import SERIES
from momi_lib.translate import load_network
from tools.notebooks.run import SETTINGS, Client

ROOT = Path(__file__).resolve().parents[2]
ODD = 'a copy [1] of ü, 日本 & 100 % "q" \'r\' $HOME {x}'
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def git(*words, folder=ROOT, **options):
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, timeout=120, **options).stdout


@pytest.fixture(scope="module")
def tracked():
    """The names of all files under version control; without them these tests skip."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git, and a clone of the repository")
    return sorted(git("ls-files", "-z").decode().split("\0")[:-1])


# What git does to line ends.

HASHED = json.loads((EMBEDDED / "manifest.json").read_text(encoding="utf-8"))["files"]
#: The text among it, and two that are none; Makefile and scripts, which a shell of Unix reads.
LOOKED_AT = [f"data/mannequins/{name}" for name in HASHED if not name.endswith((".jpg", ".png"))] + [
    "data/mannequins/sheet.jpg", "data/weights/momi-small.json", "data/weights/momi-small.log.jsonl", "Makefile",
    ".ci/run", "tools/mannequins", "constraints.txt", "notebooks/00_check_your_setup.ipynb", "benchmarks/on_gpu.sh",
]  # fmt: skip


@pytest.fixture(scope="module")
def for_windows(tracked, tmp_path_factory):
    """A clone as Git for Windows makes it, with the attributes of the working tree, whether committed or not."""
    folder = tmp_path_factory.mktemp("clones") / ODD.replace('"', "")
    git("-c", "core.autocrlf=true", "clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(folder))
    info = folder / ".git" / "info"
    info.mkdir(exist_ok=True)
    shutil.copy(ROOT / ".gitattributes", info / "attributes")
    git("-c", "core.autocrlf=true", "checkout", "--quiet", "HEAD", "--", *LOOKED_AT, folder=folder)
    return folder


def test_hashed_files_are_byte_equal_in_a_clone_for_windows(for_windows):
    found = {name: for_windows / "data" / "mannequins" / name for name in HASHED}
    found = {name: sha256(path) for name, path in found.items() if path.is_file()}
    assert len(found) > 6 and found == {name: HASHED[name] for name in found}


def test_no_text_in_it_ends_its_lines_as_on_windows(for_windows):
    files = [path for path in for_windows.rglob("*") if path.is_file() and ".git" not in path.parts]
    assert len(files) > 70
    assert [path.name for path in files if path.suffix not in (".jpg", ".gz") and b"\r\n" in path.read_bytes()] == []


def test_without_the_attributes_they_would_differ(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("needs git")
    git("init", "--quiet", folder=tmp_path)
    (tmp_path / "a.json").write_bytes(b"{\n}\n")
    git("add", ".", folder=tmp_path)
    (tmp_path / "a.json").unlink()
    git("-c", "core.autocrlf=true", "checkout", "--quiet", "--", "a.json", folder=tmp_path)
    assert (tmp_path / "a.json").read_bytes() == b"{\r\n}\r\n"


def test_every_file_has_an_attribute_that_keeps_its_bytes(tracked):
    told = git("check-attr", "-z", "--stdin", "text", "eol", input="\0".join(tracked).encode())
    told = told.decode().split("\0")[:-1]
    about: dict[str, dict[str, str]] = {}
    for name, attribute, value in zip(told[::3], told[1::3], told[2::3], strict=True):
        about.setdefault(name, {})[attribute] = value
    assert len(about) == len(tracked)
    unsure = [name for name, each in about.items() if each["text"] != "unset" and each["eol"] != "lf"]
    assert unsure == []
    touched = [name for name, each in about.items() if name.startswith("data/") and each["text"] != "unset"]
    assert touched == []


def test_binary_files_are_called_binary(tracked):
    told = [line.split(maxsplit=3) for line in git("ls-files", "--eol").decode().splitlines()]
    endings = {Path(line[-1]).suffix for line in told if line[0] == "i/-text"}
    named = re.findall(r"^\*(\S+) binary$", (ROOT / ".gitattributes").read_text(encoding="utf-8"), re.MULTILINE)
    assert endings <= set(named)


def test_an_archive_has_every_file_and_its_bytes(tracked):
    some = ["data/mannequins/annotations", "data/mannequins/attributes.csv", "momi_lib", "tests", "Makefile"]
    packed = git("-c", "core.autocrlf=true", "archive", "--worktree-attributes", "HEAD", "--", *some)
    committed = git("ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *some).decode().split("\0")[:-1]
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        names = [member.name for member in archive if member.isfile()]
        content = archive.extractfile("data/mannequins/annotations/test.json").read()
    assert sorted(names) == sorted(committed)
    assert hashlib.sha256(content).hexdigest() == HASHED["annotations/test.json"]


RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(1, 10))}


def test_every_name_can_be_a_name_on_windows_and_on_a_mac(tracked):
    folders = {parent.as_posix() for name in tracked for parent in Path(name).parents} - {"."}
    names = sorted({*tracked, *folders})
    assert [name for name in names if set(name) & set('<>:"|?*\\') or any(ord(letter) < 32 for letter in name)] == []
    parts = {part for name in names for part in name.split("/")}
    assert [part for part in parts if part.endswith((" ", ".")) or part.split(".")[0].lower() in RESERVED] == []
    assert [name for name in names if not name.isascii()] == []  # a Mac would spell ü in another way
    assert max(map(len, names)) < 120  # Windows: 260 with the folder of the clone


def test_no_two_names_differ_by_capitals_only(tracked):
    parents = {parent.as_posix() for name in tracked for parent in Path(name).parents}
    names = sorted({*tracked, *parents})
    assert len({name.casefold() for name in names}) == len(names)


def test_there_are_no_links(tracked):
    assert not [line for line in git("ls-files", "-s").decode().splitlines() if line.startswith("120000")]


# Notebooks in another folder.


def texts(source):
    """The texts in a cell's code that are not a docstring, with their lines; magic commands are left out."""
    code = "\n".join("pass" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def into_the_repository(source):
    """Texts that lead into the repository from the folder of the notebooks, and roots of it made from a module."""
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    found = [text for text in texts(source) if text == ".." or re.match(r"\.\.?[/\\]", text)]
    found += [text for text in texts(source) if "/" in text and "\n" not in text and text.split("/")[0] in folders
              and f'project_file("{text}")' not in source.replace("'", '"')]  # fmt: skip
    return found + re.findall(r"momi\w*\.__file__|momi\w*\.__path__", source)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT / "notebooks").as_posix())
def test_no_code_has_a_relative_path_into_the_repository(path):
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [found for source in cells for found in into_the_repository(source)] == []


def test_that_look_finds_what_it_is_for():
    bad = ['FILE = Path("../benchmarks/results/a.json")', 'open("./a.json")', 'open("data/mannequins/sheet.jpg")',
           'Path(momi.__file__).parents[1] / "data"', 'Path("..") / "data"']  # fmt: skip
    assert [len(into_the_repository(source)) > 0 for source in bad] == [True] * 5
    good = ['project_file("benchmarks/results/a.json")', 'print("n/a")', '"""data/x is\na folder"""',
            "%matplotlib inline"]  # fmt: skip
    assert [into_the_repository(source) for source in good] == [[]] * 4


def test_notebooks_that_are_copied_find_every_file_that_they_name():
    named = {name for path in NOTEBOOKS for cell in nbformat.read(path, as_version=4).cells
             for name in re.findall(r"project_file\(['\"]([^'\"]+)['\"]\)", cell.source)}  # fmt: skip
    assert "benchmarks/results/ablations.json" in named
    assert [name for name in named if not project_file(name).exists()] == []


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("number", [0, 10])
def test_a_copied_notebook_runs(tmp_path, monkeypatch, number):
    (folder := tmp_path / ODD).mkdir()
    (entry,) = (entry for entry in SERIES if entry.number == number)
    copy = shutil.copy(ROOT / "notebooks" / entry.file, folder)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(copy, as_version=4)
    for cell in notebook.cells:
        cell.pop("outputs", None) if cell.cell_type != "code" else cell.update(outputs=[])
    Client(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()  # raises at an error
    assert sum(len(cell.get("outputs", ())) for cell in notebook.cells) > 10


# A wheel, which holds the code alone.


@pytest.fixture
def nothing(tmp_path, monkeypatch):
    """As if the package lay in a folder of installed packages: nothing beside it."""
    for name in ("MOMI_HOME", "MOMI_DATA", "MOMI_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("momi_lib.files.__file__", str(tmp_path / "site-packages" / "momi_lib" / "files.py"))
    monkeypatch.setattr("momi_lib.data.records.EMBEDDED", tmp_path / "site-packages" / "data" / "mannequins")
    return tmp_path / "site-packages"


HOW = (
    "; the installed package holds the code alone: get the repository and set MOMI_HOME (an environment variable) to "
    "its folder"
)


def test_without_the_repository_a_sentence_says_what_to_do(nothing):
    with pytest.raises(NotInstalledError) as told:
        data_folder()
    assert HOW + ", or set MOMI_DATA to a folder laid out as Market-1501" in str(told.value)
    with pytest.raises(NotInstalledError) as told:
        load_network("small")
    expected = "weights 'small': neither a file nor one of the committed weights (there are none)"
    assert str(told.value).startswith(expected)
    assert str(told.value).endswith(HOW + ", or set MOMI_WEIGHTS to a folder with them")
    with pytest.raises(NotInstalledError) as told:
        project_file("benchmarks/results/truth.json")
    assert str(told.value) == f"benchmarks/results/truth.json: not in {nothing}{HOW}"
    assert told.value._render_traceback_() == [f"NotInstalledError: {told.value}"]


def query(*numbers):
    files = sorted((EMBEDDED / "query").iterdir())
    return [str(files[number]) for number in numbers]


COMMANDS = [["info"], ["swap", *query(0, 9), "--out", "swap.png"], ["truth", "--out", "truth.json"],
            ["evaluate", "--out", "results"], ["figure", "--out", "swaps.png"], ["train", "small", "--out", "run"],
            ["train", "pg2", "--out", "run"], ["train-teacher", "--out", "run"], ["train-features", "--out", "w"],
            ["train-affinity", "--out", "w"], ["study", "ablations", "--out", "study"],
            ["study", "rivals", "--out", "study"]]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(words[:2]) if words[0] in ("train", "study")
                         else words[0])  # fmt: skip
def test_each_command_says_it_in_one_sentence_and_leaves_nothing(nothing, tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    assert main(command) == 1
    (said,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert HOW in said
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_data_of_ones_own_without_weights_say_the_same(nothing, crowd, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MOMI_DATA", str(crowd))
    assert main(["train", "tiny", "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "the teacher is missing" + HOW in said and said.endswith("Simple Baselines checkpoint with --teacher FILE")


def test_momi_home_leads_to_the_repository(nothing, monkeypatch):
    monkeypatch.setenv("MOMI_HOME", str(ROOT))
    assert project_folder() == ROOT and weights_folder() == ROOT / "data" / "weights"
    assert load_network("small").config.carry and project_file("benchmarks/results/truth.json").is_file()
    monkeypatch.setenv("MOMI_HOME", str(ROOT / "nowhere"))
    with pytest.raises(NotInstalledError, match="MOMI_HOME should be the folder of the repository"):
        load_network("small")


def test_a_tilde_in_a_variable_is_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MOMI_HOME", "~/clone")
    monkeypatch.setenv("MOMI_WEIGHTS", "~/my weights")
    assert project_folder() == tmp_path / "clone" and weights_folder() == tmp_path / "my weights"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A Python with a wheel of this package, and with the other packages of this one; and the names in the wheel."""
    pytest.importorskip("setuptools", minversion="77", reason="builds a wheel")
    pytest.importorskip("pip")
    folder = tmp_path_factory.mktemp("wheel")
    source, wheels, target = (folder / name for name in ("source [1] ü", "wheels", "environment"))
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "momi_lib", source / "momi_lib", ignore=leave)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", ".", "--no-deps", "--no-build-isolation", "-w", str(wheels)], check=True, cwd=source,
                   timeout=300)  # fmt: skip
    (wheel,) = wheels.iterdir()
    venv.create(target, with_pip=False, symlinks=True)
    (packages,) = target.glob("lib/python*/site-packages")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(packages), str(wheel)], check=True, timeout=300)
    # Only the folder of the other packages: a file of it that installs this repository is not read.
    (packages / "others.pth").write_text(f"{Path(torch.__file__).parents[1]}\n", encoding="utf-8")
    with zipfile.ZipFile(wheel) as archive:
        return target / "bin" / "python", archive.namelist()


def run(python, *words, folder, **environment):
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("MOMI_", "PYTHON"))}
    return subprocess.run([str(python), *words], cwd=folder, env={**usual, "OMP_NUM_THREADS": "1", **environment},
                          capture_output=True, encoding="utf-8", timeout=300)  # fmt: skip


@pytest.mark.slow
def test_a_wheel_has_all_of_the_package_and_no_tests(installed):
    _, names = installed
    own = {path.relative_to(ROOT).as_posix() for path in (ROOT / "momi_lib").rglob("*")
           if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
    assert {name for name in names if ".dist-info/" not in name} == own
    assert {"momi_lib/py.typed", "momi_lib/widgets/static/explorer.css"} <= own
    assert not [name for name in names if "test" in name]


@pytest.mark.slow
@pytest.mark.thorough
def test_an_installed_wheel_says_what_to_do_and_runs_with_the_repository(installed, tmp_path):
    python, _ = installed
    where = run(python, "-c", "import momi_lib; print(momi_lib.__file__)", folder=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(python.parents[1]), where
    told = run(python, "-m", "momi_lib", "--help", folder=tmp_path)
    assert told.returncode == 0 and "train-teacher" in told.stdout, told.stderr
    told = run(python, "-m", "momi_lib", "info", folder=tmp_path)
    assert told.returncode == 1 and HOW in told.stderr and "Traceback" not in told.stderr + told.stdout
    swap = ["-m", "momi_lib", "swap", *query(0, 9), "--out", "swap.png"]
    told = run(python, *swap, folder=tmp_path)
    assert told.returncode == 1 and told.stderr.startswith("error: weights 'small'") and HOW in told.stderr
    told = run(python, *swap, folder=tmp_path, MOMI_HOME=str(ROOT))
    assert told.returncode == 0 and (tmp_path / "swap.png").is_file(), told.stderr
    ask = "from momi_lib.widgets.explorer import SwapExplorer; print(len(SwapExplorer().swapper.people))"
    told = run(python, "-c", ask, folder=tmp_path)
    assert told.stderr.strip().splitlines()[-1].startswith("momi_lib.files.NotInstalledError: ")
    told = run(python, "-c", ask, folder=tmp_path, MOMI_HOME=str(ROOT))
    assert told.stdout.strip() == "1280", told.stderr


@pytest.mark.slow
@pytest.mark.thorough
def test_a_notebook_shows_the_sentence_without_a_traceback(tmp_path, monkeypatch):
    """In a kernel whose package lies alone, as a wheel's does."""
    shutil.copytree(ROOT / "momi_lib", tmp_path / "momi_lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("MOMI_HOME", "MOMI_DATA", "MOMI_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(
        "import momi_lib as momi\nlesson = momi.lessons.start(0)\nlesson.data('query')")])  # fmt: skip
    client = Client(notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    (error,) = [out for out in notebook.cells[0].outputs if out.output_type == "error"]
    (line,) = error.traceback
    assert line.startswith("NotInstalledError: ") and HOW in line
