"""Windows and macOS, as far as Linux can play them; docs/other-systems.md says what nobody has run.

What Windows lacks is taken away (modules, functions, signals), what it forbids is forbidden (a file that is open or
mapped is neither replaced nor removed), and what the library writes is looked at: names, separators, encodings.
"""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

import pytest
import torch

from momi_lib import files
from momi_lib.data import load
from momi_lib.data.cache import cache_folder
from momi_lib.files import load_tensors, refuse_unwritable, remove, save_tensors, write_atomically, write_json
from momi_lib.metrics.features import Features, NetworkCard
from momi_lib.pose import TeacherMaps, load_teacher
from momi_lib.provenance import plain
from momi_lib.study import locks
from momi_lib.train import train
from momi_lib.train.checkpoint import latest_checkpoint

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = sorted((ROOT / "momi_lib").rglob("*.py"))
PAGE = ROOT / "docs" / "other-systems.md"

# What Windows lacks.

#: Run after the packages that the library needs, which know on which system they are, are loaded.
WITHOUT = """
import os, signal, sys
import torch, torchvision, accelerate, tyro, matplotlib.pyplot, ipywidgets, anywidget, PIL.Image, safetensors.torch
import torchmetrics, scipy.stats, seaborn, tqdm.auto, multiprocessing, tempfile, socket, asyncio, subprocess, uuid
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "crypt", "readline"):
    sys.modules[name] = None
for name in ("sched_getaffinity", "fork", "forkpty", "getuid", "geteuid", "getgid", "getegid", "getloadavg", "sysconf",
             "sysconf_names", "uname", "killpg", "setsid", "mkfifo", "chown", "lchown", "statvfs", "nice", "getpgid",
             "posix_fadvise", "sendfile", "register_at_fork", "pread", "pwrite", "WNOHANG", "O_NOFOLLOW", "O_CLOEXEC"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGALRM", "SIGPIPE", "SIGCHLD", "alarm",
             "setitimer", "pthread_sigmask", "siginterrupt"):
    if hasattr(signal, name):
        delattr(signal, name)
"""

IMPORTS = WITHOUT + """
import importlib, pkgutil, momi_lib
names = [each.name for each in pkgutil.walk_packages(momi_lib.__path__, "momi_lib.")]
for name in names:
    if name != "momi_lib.__main__":
        importlib.import_module(name)
import momi_lib.__main__
from momi_lib.data.pictures import *
from momi_lib import devices, provenance
assert provenance.peak_memory() is None and devices.memory_of("cpu") is None
devices.refuse_batch("batch", 10**12, 1000, "cpu")  # nobody says how much there is, so nothing is refused
provenance.environment()
print(len(names))
"""


def in_python(code, *arguments, **environment):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, capture_output=True,
                          encoding="utf-8", timeout=600, env=environment)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.thorough
def test_every_module_loads_without_what_windows_lacks():
    assert int(in_python(IMPORTS)) == len([path for path in LIBRARY if path.name != "__init__.py"]) + len(
        [path for path in LIBRARY if path.name == "__init__.py" and path.parent != ROOT / "momi_lib"]
    )


#: Commands on a small data set; the names that they make, and text that is opened without an encoding, are noted.
WORK = WITHOUT + """
import json, time, warnings
from pathlib import Path
warnings.filterwarnings("error", category=EncodingWarning, module=r"momi_lib")
made = []
def note(event, arguments):
    texts = all(isinstance(each, str) for each in arguments[:2])
    if event == "open" and texts and set(arguments[1]) & set("wxa"):
        made.append(arguments[0])
    elif event in ("os.mkdir", "tempfile.mkstemp", "tempfile.mkdtemp"):
        made.append(os.fspath(arguments[0]))
    elif event == "os.rename":
        made.append(os.fspath(arguments[1]))
sys.addaudithook(note)
from momi_lib.__main__ import main
folder, data, teacher, source, target = map(Path, sys.argv[1:6])
done = {}
small = ["--log.every", "1", "--log.checkpoint-every", "1", "--log.grid-every", "1"]
run = ["train", "tiny", "--data", str(data), "--teacher", str(teacher), "--out", str(folder / "run"), "--device", "cpu",
       "--distil-steps", "1", "--steps", "2", *small]
commands = [
    [*run, "--minutes", "0"],
    [*run, "--resume"],
    ["swap", str(source), str(target), "--weights", str(folder / "run" / "weights.safetensors"), "--out",
     str(folder / "swap.png")],
    ["evaluate", "--weights", str(folder / "run" / "weights.safetensors"), "lookup", "--pairs", "6",
     "--pose-pairs", "4", "--data", str(data), "--out", str(folder / "results")],
    ["figure", "--rows", "1", "--out", str(folder / "figure.png")],
    ["study", "ablations", "--preset", "tiny", "--steps", "1", "--seeds", "1", "--pairs", "6", "--only", "full",
     "--data", str(data), "--out", str(folder / "study"), "--results", str(folder / "study.json")],
    ["info"],
]
for words in commands:
    begun = time.monotonic()
    done[" ".join(words[:2])] = main(words)
    print(words[:2], round(time.monotonic() - begun), "s", file=sys.stderr)
from momi_lib.widgets.explorer import SwapExplorer
explorer = SwapExplorer(data, network=folder / "run" / "weights.safetensors", split="query", save_to=folder / "saved")
explorer.save.click()
Path(sys.argv[6]).write_text(json.dumps([done, made]), encoding="utf-8")
"""


@pytest.fixture(scope="module")
def work(few, unsure_teacher, tmp_path_factory):
    """Exit statuses of commands in a Python without what Windows lacks, and the names that they made."""
    folder = tmp_path_factory.mktemp("work")
    said = tmp_path_factory.mktemp("said") / "said.json"
    pictures = sorted((few / "query").iterdir())[:2]
    command = [sys.executable, "-X", "warn_default_encoding", "-c", WORK, folder, few, unsure_teacher, *pictures, said]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, encoding="utf-8", timeout=900,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1",
                               "MOMI_CACHE": str(folder / "cache")})  # fmt: skip
    assert said.is_file(), done.stderr[-3000:]
    statuses, made = json.loads(said.read_text(encoding="utf-8"))
    return folder, statuses, [name for name in made if Path(name).is_relative_to(folder)], done


@pytest.mark.slow
@pytest.mark.thorough
def test_commands_run_without_what_windows_lacks(work):
    folder, statuses, _, done = work
    statuses.pop("train tiny")
    assert set(statuses.values()) == {0}, (statuses, done.stderr[-3000:])
    assert (folder / "run" / "weights.safetensors").is_file() and (folder / "study.json").is_file()
    warned = [line for line in done.stderr.splitlines() if "EncodingWarning" in line and "/momi_lib/" in line]
    assert warned == [] and "Traceback" not in done.stderr


RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@pytest.mark.slow
@pytest.mark.thorough
def test_names_that_commands_make_are_names_on_windows(work):
    folder, _, made, _ = work
    parts = {part for name in made for part in Path(name).relative_to(folder).parts}
    assert len(parts) > 30
    assert [part for part in parts if set(part) & set('<>:"|?*\\') or part.endswith((" ", ".")) or
            RESERVED.fullmatch(part) or not part.isascii()] == []  # fmt: skip
    assert max(len(str(Path(name).relative_to(folder))) for name in made) < 130  # of 260
    by_case = {}
    for name in {Path(name).relative_to(folder).as_posix() for name in made}:
        by_case.setdefault(name.casefold(), set()).add(name)
    assert [names for names in by_case.values() if len(names) > 1] == []


@pytest.mark.slow
@pytest.mark.thorough
def test_no_separator_of_a_system_is_stored(work):
    folder, _, _, _ = work
    stored = [path for path in folder.rglob("*") if path.suffix in (".json", ".jsonl", ".csv", ".md")]
    assert len(stored) > 8
    for path in stored:
        assert "\\\\" not in path.read_text(encoding="utf-8"), path


def test_paths_in_cards_have_slashes_everywhere():
    assert plain({"out": PureWindowsPath("runs\\mine")}["out"]) == "runs/mine"
    assert plain(PureWindowsPath("C:\\data\\Market 1501")) == "C:/data/Market 1501"
    assert plain(ROOT / "data" / "weights" / "momi-small.safetensors") == "data/weights/momi-small.safetensors"


def test_a_training_ends_in_order_where_a_signal_is_missing(monkeypatch, short_run):
    monkeypatch.delattr(signal, "SIGHUP")
    train(short_run(steps=1, distil_steps=1))
    assert (short_run().out / "weights.safetensors").is_file()


# What Windows forbids.


def in_use(path):
    """Whether this process has a file open, or mapped into memory."""
    real = os.path.realpath(path)
    held = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            held.add(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return real in held or any(line.rstrip("\n").endswith(f" {real}") for line in maps)


@contextmanager
def as_windows(monkeypatch, patience=0.2):
    """Files that are open or mapped cannot be replaced, renamed or removed, and a rename does not replace."""
    if not Path("/proc/self/maps").is_file():
        pytest.skip("/proc says here which files are in use")
    before = os.replace, os.unlink, os.rename

    def forbid(*paths):
        for path in paths:
            if os.path.exists(path) and in_use(path):
                raise PermissionError(errno.EACCES, "The process cannot access the file: it is in use", str(path))

    def replace(source, target, **options):
        forbid(source, target)
        return before[0](source, target, **options)

    def unlink(path, **options):
        forbid(path)
        return before[1](path, **options)

    def rename(source, target, **options):
        if os.path.exists(target):
            raise FileExistsError(errno.EEXIST, "Cannot create a file when that file already exists", str(target))
        forbid(source)
        return before[2](source, target, **options)

    with monkeypatch.context() as patch:
        for name, call in (("replace", replace), ("unlink", unlink), ("remove", unlink), ("rename", rename)):
            patch.setattr(os, name, call)
        patch.setattr(files, "WINDOWS", True)
        patch.setattr(files, "PATIENCE", patience)
        yield


def test_that_play_bites(monkeypatch, tmp_path):
    path = save_tensors(tmp_path / "a.safetensors", {"a": torch.zeros(1000)})
    mapped = safetensors_as_they_are(path)
    with as_windows(monkeypatch), open(tmp_path / "b.txt", "w", encoding="utf-8") as file:
        for used in (path, tmp_path / "b.txt"):
            with pytest.raises(PermissionError):
                os.unlink(used)
            with pytest.raises(PermissionError):
                os.replace(path, used)
        with pytest.raises(FileExistsError):
            os.rename(path, path)
        assert file.name and mapped


def safetensors_as_they_are(path):
    from safetensors.torch import load_file

    return load_file(path)


def test_weights_can_be_replaced_while_they_are_in_use(monkeypatch, tmp_path):
    path = tmp_path / "weights.safetensors"
    with as_windows(monkeypatch):
        save_tensors(path, {"a": torch.zeros(1000), "b": torch.zeros(3).half()})
        held = load_tensors(path)
        save_tensors(path, {"a": torch.ones(1000)})
        assert held["a"].sum() == 0 and load_tensors(path)["a"].sum() == 1000


def test_a_part_of_the_teachers_maps_is_gone_on_with(monkeypatch, tmp_path, crowd, unsure_teacher):
    """The part on disk is read, held, written again and removed at the end."""
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path))
    people, teacher = load(crowd, "train", cache=False), load_teacher(unsure_teacher)
    first = TeacherMaps(teacher, people, batch=4)
    first.make(torch.arange(4))
    first.save()
    with as_windows(monkeypatch):
        second = TeacherMaps(teacher, people, batch=4)
        assert int(second.known.sum()) == 4
        second.make(torch.arange(4, 8))
        second.save()
        third = TeacherMaps(teacher, people, batch=4)
        third[torch.arange(12)]
        third.save()
    (kept,) = (tmp_path / "teacher-maps").glob("*.safetensors")
    assert not kept.stem.endswith("-part") and third.complete


def test_damaged_features_are_made_again(monkeypatch, tmp_path, caplog):
    from momi_lib.evaluate.cache import stored_features

    card = NetworkCard("net", "00", "none", "none")
    make = lambda: Features(card, "two", (8, 4), torch.ones(2, 3), None, "none")  # noqa: E731
    pictures = torch.zeros(2, 3, 8, 4, dtype=torch.uint8)
    with as_windows(monkeypatch):
        stored_features(tmp_path, card, "all", pictures, make)
        (path,) = (tmp_path / "features").iterdir()
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        assert torch.equal(stored_features(tmp_path, card, "all", pictures, make).values, torch.ones(2, 3))
    assert "it is computed again" in caplog.text


def test_a_training_that_is_resumed(monkeypatch, short_run):
    with as_windows(monkeypatch):
        train(short_run(), minutes=0)
        assert latest_checkpoint(short_run().out)[0].name < "checkpoint-00000006.pt"
        train(short_run(), resume=True)
    assert (short_run().out / "weights.safetensors").is_file()


def test_a_mapped_cache_of_pictures_that_is_out_of_date(monkeypatch, tmp_path, crowd):
    """It stays until nobody uses it; the new one is written beside it."""
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / "cache"))
    data = shutil.copytree(crowd, tmp_path / "data")
    with as_windows(monkeypatch):
        old = load(data, "query", memory_map=True)
        os.utime(next((data / "query").iterdir()), (1, 1))
        new = load(data, "query", memory_map=True)
        assert torch.equal(old.pictures, new.pictures)
        assert len(list(cache_folder("pictures").glob("*.npy"))) == 2


class Busy:
    """A scanner that has a file open the first few times that it is asked for."""

    def __init__(self, call, times):
        self.call, self.left = call, times

    def __call__(self, *arguments, **options):
        self.left -= 1
        if self.left >= 0:
            raise PermissionError(errno.EACCES, "Access is denied", str(arguments[0]))
        return self.call(*arguments, **options)


def test_a_file_that_a_scanner_looks_at_is_waited_for(monkeypatch, tmp_path):
    path = write_json(tmp_path / "a.json", 1)
    monkeypatch.setattr(os, "replace", Busy(os.replace, 3))
    with pytest.raises(PermissionError):  # elsewhere nobody else can be in the way
        write_json(path, 2)
    monkeypatch.setattr(files, "WINDOWS", True)
    assert write_json(path, 3).read_text(encoding="utf-8") == "3\n"
    monkeypatch.setattr(os, "unlink", Busy(os.unlink, 3))
    remove(path)
    assert not path.exists()


def test_one_that_stays_open_is_named_and_nothing_is_left(monkeypatch, tmp_path):
    path = write_json(tmp_path / "table.csv", 1)
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    monkeypatch.setattr(files, "WINDOWS", True)
    monkeypatch.setattr(os, "replace", Busy(os.replace, 99))
    with pytest.raises(PermissionError, match="cannot be replaced, because a program has it open; close it there.*csv"):
        write_json(path, 2)
    assert [each.name for each in tmp_path.iterdir()] == ["table.csv"]


def test_a_lock_that_is_just_being_removed_is_held(monkeypatch, tmp_path):
    """Of such a file Windows says that access is denied, not that it exists."""
    path = tmp_path / "run.lock"
    with locks.held(path) as ours:
        assert ours
        monkeypatch.setattr(os, "open", Busy(os.open, 99))
        assert not os.access(tmp_path / "none", os.R_OK)
        with pytest.raises(PermissionError):
            locks._create(path)
        monkeypatch.setattr(files, "WINDOWS", True)
        assert locks._create(path) is False
        with pytest.raises(PermissionError):
            locks._create(tmp_path / "other.lock")
        monkeypatch.undo()
    assert not path.exists()


def test_a_lock_that_somebody_reads_is_let_go(monkeypatch, tmp_path):
    path = tmp_path / "run.lock"
    monkeypatch.setattr(files, "WINDOWS", True)
    with locks.held(path):
        monkeypatch.setattr(os, "unlink", Busy(os.unlink, 3))
    assert not path.exists()


def test_a_process_of_windows_is_never_asked_by_a_signal(monkeypatch):
    """There `os.kill` with 0 would end it; a lock stays until somebody removes it."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("a signal was sent"))
    assert locks._runs(os.getpid() + 1, None)


def test_a_drive_that_is_not_there_is_refused(monkeypatch, tmp_path):
    """The folder above Z:\\ is Z:\\ itself."""
    monkeypatch.setattr(Path, "exists", lambda self, **_: False)
    with pytest.raises(OSError, match="cannot be written, because there is no /; choose another --out"):
        refuse_unwritable("/z/run", folder=True)
    monkeypatch.undo()
    monkeypatch.delenv("MOMI_CACHE", raising=False)
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    assert cache_folder("pictures").name == "pictures"


def test_a_user_without_a_number_has_a_cache(monkeypatch):
    monkeypatch.delenv("MOMI_CACHE", raising=False)
    monkeypatch.delattr(os, "getuid")
    monkeypatch.setattr("momi_lib.data.cache._usable", lambda folder: False)
    assert cache_folder("pictures").parent.name == "momi-cache"


def test_the_renderers_caches_are_where_the_others_are(monkeypatch, tmp_path):
    from tools.mannequins.body.template import template_path
    from tools.mannequins.street.backdrop import is_drawn

    monkeypatch.delenv("MOMI_CACHE", raising=False)
    monkeypatch.setattr(Path, "expanduser", no_home)
    assert template_path().parent == cache_folder("mannequins") and "momi-" in template_path().parents[1].name
    assert is_drawn(0, 0) in (True, False)


def no_home(path):
    raise RuntimeError("Could not determine home directory.")


# What the sources say.


def calls(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


SCRIPTS = sorted(
    {*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "tools").rglob("*.py"), *(ROOT / "examples").glob("*.py")}
)


def test_files_are_replaced_and_never_renamed():
    """`os.rename` and `Path.rename` fail on Windows where the new name is taken."""
    found = [f"{path.name}:{node.lineno}" for path in (*LIBRARY, *SCRIPTS) for node, name in calls(path)
             if name in ("os.rename", "shutil.move") or (name.endswith(".rename") and len(node.args) == 1)]  # fmt: skip
    assert found == []


def test_no_link_is_needed():
    """Who is no administrator can make none on Windows."""
    found = [f"{path.name}:{node.lineno}" for path in LIBRARY for node, name in calls(path)
             if name in ("os.link", "os.symlink") or name.endswith((".symlink_to", ".hardlink_to"))]  # fmt: skip
    assert [each.split(":")[0] for each in found] == ["locks.py"]  # where an error is suppressed


def test_the_library_starts_no_processes():
    """Windows and macOS start them anew (spawn), which asks for a guard in every script of a user."""
    for path in LIBRARY:
        modules = {alias.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                   if isinstance(node, ast.Import) for alias in node.names}  # fmt: skip
        assert not modules & {"multiprocessing", "subprocess"}, path
        assert not [name for _, name in calls(path) if name.endswith(("ProcessPoolExecutor", "DataLoader"))], path


def test_tools_that_start_processes_spawn_them_behind_a_guard():
    starting = [path for path in SCRIPTS if "ProcessPoolExecutor" in path.read_text(encoding="utf-8")]
    assert {path.name for path in starting} == {"body_maps.py", "write.py"}
    for path in starting:
        text = path.read_text(encoding="utf-8")
        pools = text.count("with ProcessPoolExecutor") + text.count("= ProcessPool")
        assert text.count('get_context("spawn")') == pools
    guarded = (ROOT / "tools/mannequins/__main__.py").read_text(encoding="utf-8")
    assert 'if __name__ == "__main__":' in guarded


def test_benchmarks_and_notebooks_name_the_encoding_of_text():
    from tests.outside.test_command_line import without_encoding

    wrong = [f"{path.name}:{node.lineno}" for path in (ROOT / "benchmarks").glob("*.py") for node, _ in calls(path)
             if without_encoding(node)]  # fmt: skip
    assert wrong == []


def test_no_command_goes_through_a_shell():
    wrong = [f"{path.name}:{node.lineno}" for path in (*LIBRARY, *SCRIPTS) for node, name in calls(path)
             if name in ("os.system", "os.popen") or any(word.arg == "shell" for word in node.keywords)]  # fmt: skip
    assert wrong == []


# The page.


def test_the_page_names_tests_that_there_are():
    page = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    there = {name for path in (ROOT / "tests").rglob("test_*.py")
             for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)}  # fmt: skip
    assert len(named) > 15 and named <= there, named - there
    linked = set(re.findall(r"\]\(\.\./(tests/[\w/.]+)\)", page))
    assert {f"tests/outside/test_{name}.py" for name in ("mps", "other_systems", "copies")} <= linked


def without_make(target):
    """The commands that the page gives instead of a target of make."""
    page = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall(rf"<!-- instead of make {target} -->\n```\w*\n(.*?)```", page, re.DOTALL)
    return [line.strip() for line in block.splitlines() if line.strip() and not line.startswith("#")]


#: What make does, and what in the page's commands does the same; {word: word} where they are called in another way.
SAME = {
    "lab": ["--LabApp.news_url=None", "--LabApp.default_url=/lab/tree/notebooks/00_check_your_setup.ipynb"],
    "app": ["voila app/explorer.ipynb"],
    "test": ["ruff check .", "basedpyright",
             "tools.mannequins setup", 'pytest -n 2 -m "not thorough" momi_lib tests tools/mannequins',
             "--dist loadscope --nbval --nbval-current-env",
             "tools/notebooks/budgets.py compare runs/notebooks-used.json",
             "--measure-notebooks runs/notebooks-used.json notebooks"],
    "quick": ['-m "not slow and not browser"', "tests/study tests/test_architecture.py tests/test_losses.py",
              "notebooks/00_check_your_setup.ipynb"],
    "docs": ["--docformat google -o runs/site momi_lib"],
}  # fmt: skip


@pytest.mark.parametrize("target", SAME)
def test_without_make_the_same_is_done(tmp_path, target):
    if shutil.which("make") is None:
        pytest.skip("needs make")
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    command = ["make", "--dry-run", "PYTHON=python", "CI=", "JOBS=2", target]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    texts = (made.stdout, "\n".join(without_make(target)))
    recipe, ours = (" ".join(text.replace("\\\n", " ").split()) for text in texts)
    installed = re.findall(r"pip install (-c constraints\.txt -e [^;]+);", recipe)
    assert installed
    for words in [*installed[-1:], *SAME[target]] if target != "quick" else SAME[target]:
        assert words in recipe, words
        assert words in ours, words


def test_readme_leads_to_the_page():
    assert "docs/other-systems.md" in (ROOT / "README.md").read_text(encoding="utf-8").partition("## The path")[0]


def test_written_in_one_step_even_where_the_name_is_taken(monkeypatch, tmp_path):
    with as_windows(monkeypatch):
        for content in (b"1", b"2"):
            write_atomically(tmp_path / "a", lambda file, c=content: file.write(c))
    assert (tmp_path / "a").read_bytes() == b"2"
