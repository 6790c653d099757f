"""Full and read-only disks: one sentence, nothing half-written, the last checkpoint whole; caches do without."""

from __future__ import annotations

import errno
import json
import os
import sys

import pytest

from momi_lib.__main__ import main
from momi_lib.data import load
from momi_lib.data.cache import cache_folder
from momi_lib.files import refuse_unwritable
from momi_lib.train import run, train
from momi_lib.train.checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint
from momi_lib.train.log import JsonLog, read_log
from momi_lib.train.run import LOG, WEIGHTS


class Full:
    """A file on a disk that takes so many bytes more."""

    left = sys.maxsize

    def __init__(self, file):
        self.file = file

    def write(self, content):
        Full.left -= memoryview(content).nbytes
        if Full.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(content)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()


@pytest.fixture
def disk(monkeypatch):
    """A function that lets the disk be full, after some bytes more, for all that is written in one step."""
    opened = os.fdopen
    monkeypatch.setattr(os, "fdopen", lambda *arguments, **options: Full(opened(*arguments, **options)))

    def fill(left=1000):
        Full.left = left

    yield fill
    Full.left = sys.maxsize


def hidden(folder):
    """Temporary files that were left behind."""
    return [path.name for path in folder.rglob("*") if path.name.startswith(".") or path.suffix == ".tmp"]


def test_a_checkpoint_that_does_not_fit_leaves_those_before_it(tmp_path, disk):
    state = {"numbers": list(range(5000))}
    first = save_checkpoint(tmp_path, 1, state)
    before = sorted(tmp_path.iterdir())
    disk()
    with pytest.raises(OSError, match="No space left on device.*checkpoint-00000002.pt") as said:
        save_checkpoint(tmp_path, 2, state)
    assert said.value.errno == errno.ENOSPC and sorted(tmp_path.iterdir()) == before
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path, 1, state)
    assert load_checkpoint(first) == state


def test_tensors_too_though_torch_hides_the_reason(tmp_path, disk):
    """torch.save answers a full disk with "[enforce fail at inline_container.cc:671] . unexpected pos"."""
    import torch

    disk()
    with pytest.raises(OSError, match="No space left on device"):
        save_checkpoint(tmp_path, 1, {"weights": torch.zeros(10_000)})
    assert list(tmp_path.iterdir()) == []


def test_a_hash_that_does_not_fit_takes_its_checkpoint_along(tmp_path, disk, monkeypatch):
    save_checkpoint(tmp_path, 1, {})
    before = sorted(tmp_path.iterdir())
    replaced = os.replace
    monkeypatch.setattr(os, "replace", lambda *files: (replaced(*files), disk(0)))
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path, 2, {})
    assert sorted(tmp_path.iterdir()) == before


#: What is written when the disk gets full: where it is called, which call of it fails, after which step, what is left.
MOMENTS = {
    "a checkpoint": ("save_checkpoint", 2, 4, "checkpoint-00000002.pt"),
    "a picture": ("save_picture", 1, 2, None),  # at the end of the warm-up, before the first checkpoint
    "the weights": ("finish", 1, 6, "checkpoint-00000006.pt"),
    "the log": ("JsonLog.write", 4, 3, "checkpoint-00000002.pt"),  # after "start" and two steps
}


@pytest.mark.parametrize("what", MOMENTS)
def test_a_run_whose_disk_is_full_says_how_to_go_on(short_run, disk, monkeypatch, what):
    name, number, step, kept = MOMENTS[what]
    out, calls = short_run().out, []
    call = {"JsonLog.write": JsonLog.write}.get(name) or getattr(run, name)

    def fails(*arguments, **options):
        calls.append(name)
        if len(calls) == number:
            disk()
        if name == "JsonLog.write" and len(calls) == number:
            with open(arguments[0].path, "ab") as file:
                file.write(b'{"step": 3, "rec')
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return call(*arguments, **options)

    monkeypatch.setattr(run, name, fails) if hasattr(run, name) else monkeypatch.setattr(JsonLog, "write", fails)
    with pytest.raises(OSError, match=rf"^{out}\S*: cannot be written after step {step} of 6 \(No space left") as said:
        train(short_run())
    found = latest_checkpoint(out)
    assert (found and found[0].name) == kept and hidden(out) == []
    going_on = f"{kept} is whole: make room" if kept else "There is no checkpoint yet: make room"
    assert going_on in str(said.value) and "the same command with --resume" in str(said.value)
    assert "\n" not in str(said.value)
    monkeypatch.undo()
    train(short_run(), resume=True)
    assert [line["step"] for line in read_log(out / LOG) if "event" not in line] == [1, 2, 3, 4, 5, 6]
    if what == "a checkpoint":
        train(short_run("whole"))
        assert (out / WEIGHTS).read_bytes() == (short_run("whole").out / WEIGHTS).read_bytes()


def test_a_log_is_rewound_whole_or_not_at_all(tmp_path, disk):
    journal = JsonLog(tmp_path / LOG)
    for step in range(300):
        journal.write({"step": step, "grüße": "→"})
    before = journal.path.read_bytes()
    disk()
    with pytest.raises(OSError, match="No space left"):
        journal.rewind(200)
    assert journal.path.read_bytes() == before and hidden(tmp_path) == []
    disk(sys.maxsize)
    journal.rewind(200)
    assert [line["step"] for line in read_log(journal.path)] == list(range(201))


def test_a_log_cut_within_a_letter_is_read_up_to_there(tmp_path):
    path = tmp_path / LOG
    path.write_bytes('{"step": 1}\n{"step": 2, "name": "ü'.encode()[:-1])
    assert read_log(path) == [{"step": 1}]


@pytest.fixture
def nowhere(tmp_path):
    """Paths where nothing can be written: below a file, and in a file system that takes no files."""
    (tmp_path / "file").write_text("hello")
    found = [tmp_path / "file" / "results"]
    return [*found, "/proc/here/results"] if os.path.isdir("/proc/self") else found


def test_a_place_that_cannot_be_written_is_refused_and_nothing_is_left(tmp_path, nowhere):
    before = sorted(tmp_path.rglob("*"))
    for place in nowhere:
        for folder in (False, True):
            with pytest.raises(OSError, match=f"^{place}: cannot be written.*choose another --out$"):
                refuse_unwritable(place, folder=folder)
    with pytest.raises(OSError, match="file: is a file; --out takes a folder"):
        refuse_unwritable(tmp_path / "file", folder=True)
    assert refuse_unwritable(tmp_path / "a" / "b", folder=True) == tmp_path / "a" / "b"
    assert refuse_unwritable(tmp_path / "file", "--results") == tmp_path / "file"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_is_found_out_before_the_work(tmp_path, monkeypatch):
    class File:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("momi_lib.files.tempfile.TemporaryFile", lambda **_: File())
    with pytest.raises(OSError, match=r"table.json: cannot be written \(No space left on device\); choose another"):
        refuse_unwritable(tmp_path / "table.json")


COMMANDS = {
    "train": (["train", "tiny"], ""),
    "rival": (["train", "pg2"], ""),
    "train-teacher": (["train-teacher"], ""),
    "train-features": (["train-features"], ".safetensors"),
    "train-affinity": (["train-affinity"], ".safetensors"),
    "evaluate": (["evaluate"], ""),
    "truth": (["truth"], ".json"),
    "figure": (["figure"], ".png"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_before_any_work(name, nowhere, capsys, monkeypatch):
    command, ending = COMMANDS[name]
    monkeypatch.setattr("momi_lib.data.pictures.decode_pictures", pytest.fail)
    monkeypatch.setenv("MOMI_CACHE", str(nowhere[0]))  # so that no cache spares the decoding
    for place in nowhere:
        assert main([*command, "--out", f"{place}{ending}"]) == 1
        told = capsys.readouterr().err
        assert told.startswith(f"error: {place}{ending}: cannot be written") and told.count("\n") == 1


#: Of each study, the options that name places, with the ending of a file.
STUDIES = {
    "ablations": {"--out": "", "--results": ".json"},
    "experiments": {"--out": "", "--results": ""},
    "rivals": {"--out": "", "--results": ".json"},
    "experiments-page": {"--page": ".md"},
}


@pytest.mark.parametrize(("name", "option"), [(name, option) for name in STUDIES for option in STUDIES[name]])
def test_every_study_refuses_before_any_work(name, option, nowhere, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("momi_lib.data.pictures.decode_pictures", pytest.fail)
    monkeypatch.setenv("MOMI_CACHE", str(nowhere[0]))
    for place in nowhere:
        places = {each: f"{tmp_path / each}{ending}" for each, ending in STUDIES[name].items()}
        places[option] = f"{place}{STUDIES[name][option]}"
        assert main(["study", name, *(word for pair in places.items() for word in pair)]) == 1
        told = capsys.readouterr().err
        assert told == f"error: {places[option]}: cannot be written{told.partition('cannot be written')[2]}"
        assert told.endswith(f"; choose another {option}\n") and told.count("\n") == 1


def test_caches_do_without_a_folder_that_can_be_written(crowd, nowhere, monkeypatch, caplog):
    for place in nowhere:
        monkeypatch.setenv("MOMI_CACHE", str(place))
        caplog.clear()
        assert len(load(crowd, "query")) == 12
        (warning,) = caplog.messages
        assert "set MOMI_CACHE to a writable folder" in warning and "damaged" not in warning


def test_a_cache_that_may_not_be_read_is_none(crowd, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path))
    marks = [load(crowd, "query").fingerprint]

    def refused(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("momi_lib.data.cache.np.load", refused)
    marks.append(load(crowd, "query").fingerprint)
    assert marks[0] == marks[1] and "damaged" not in caplog.text


def test_the_cache_of_a_user_without_a_home_is_temporary(monkeypatch, tmp_path):
    """No $HOME, and a user id that the system does not know: `docker run --user 54321`."""
    pwd = pytest.importorskip("pwd", reason="users of Unix")

    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "MOMI_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cache_folder("pictures") == tmp_path / f"momi-{os.getuid()}" / "pictures"
    monkeypatch.setenv("MOMI_CACHE", "~nobody-here/cache")
    with pytest.raises(ValueError, match="MOMI_CACHE: expected a folder, got '~nobody-here/cache', and there is no"):
        cache_folder("pictures")


def test_the_cache_of_a_user_with_the_home_of_another_is_temporary(monkeypatch, tmp_path):
    """As after `su` without a dash, and where $HOME is `/`: it is there, and not theirs."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.delenv("MOMI_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cache_folder("pictures") == home / ".cache/momi/pictures"
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(home) and access(path, mode))
    assert cache_folder("pictures").parent.parent == tmp_path
    (home / ".cache/momi").mkdir(parents=True)  # one that was filled for all can be read
    assert cache_folder("pictures") == home / ".cache/momi/pictures"


def test_results_are_json_whatever_the_file_names_are(tmp_path):
    from momi_lib.files import write_json

    path = write_json(tmp_path / "a.json", {"command": "train --out b\udcff"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"command": "train --out b\udcff"}
