"""The command line on other consoles, into pipes, without a home; options out of range; what `info` finds."""

from __future__ import annotations

import ast
import errno
import inspect
import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from momi_lib import commands
from momi_lib.__main__ import Stream, main
from momi_lib.commands import COMMANDS
from momi_lib.data import data_folder
from momi_lib.devices import memory_of
from momi_lib.features import feature_network
from momi_lib.files import save_tensors, sha256, weights_folder, write_json
from momi_lib.pose import load_teacher
from momi_lib.provenance import command_line, plain
from momi_lib.rivals.run import train_rival
from momi_lib.rivals.run_config import RivalRunConfig
from momi_lib.rivals.weights import load_answer
from momi_lib.train import preset, train
from momi_lib.train.affinity import AffinityConfig, train_affinity
from momi_lib.train.features import FeaturesConfig, train_features
from momi_lib.train.loop import Trainer
from momi_lib.train.teacher import TeacherConfig, train_teacher
from momi_lib.translate import PairDiscriminator, load_network

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def console(monkeypatch, encoding, errors="strict"):
    """Standard output and error of a console with another code page; yields what is written to them."""
    written = io.BytesIO(), io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(written[0], encoding=encoding, errors=errors))
        patch.setattr(sys, "stderr", io.TextIOWrapper(written[1], encoding=encoding, errors="backslashreplace"))
        yield written


#: Commands with letters that no code page of Europe has, among them all with more than one screen of help.
HELP = [[], ["train-teacher", "--help"], ["evaluate", "--help"], ["figure", "--help"], ["study", "ablations", "--help"]]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "cp932", "utf-8"])
@pytest.mark.parametrize("command", HELP, ids=lambda words: " ".join(words) or "none")
def test_help_on_a_console_of_another_code_page(monkeypatch, encoding, command):
    with console(monkeypatch, encoding) as (out, err):
        try:
            status = main(command)
        except SystemExit as stop:
            status = stop.code
        shown, wrong = out.getvalue().decode(encoding), err.getvalue()
    assert status == 0 and "momi_lib" in shown and wrong == b""
    if encoding == "utf-8":
        assert any(letter in shown for letter in "ψ→…γ")


def test_an_error_that_names_a_file_with_other_letters(monkeypatch):
    with console(monkeypatch, "ascii") as (_, err):
        assert main(["info", "--weights", "gewähr→.safetensors"]) == 1
        assert b"error: gew\\xe4hr\\u2192.safetensors: no card of such weights" in err.getvalue()


def test_a_command_that_does_not_exist_on_such_a_console(monkeypatch):
    with console(monkeypatch, "ascii") as (out, err):
        assert main(["flÿ"]) == 2
        assert b"train-teacher" in out.getvalue() and b"got 'fl\\xff'" in err.getvalue()


def test_letters_are_replaced_one_by_one():
    written = io.BytesIO()
    stream = Stream(io.TextIOWrapper(written, encoding="cp1252", errors="strict"))
    assert stream.write("ψ ± µ\n") == 6 and stream.encoding == "cp1252"
    stream.flush()
    assert written.getvalue().decode("cp1252") == "? ± µ\n" and stream.failed is None


@contextmanager
def closed_pipe(monkeypatch, name):
    """A pipe into a program that has ended, such as `head`."""
    read, write = os.pipe()
    os.close(read)
    with monkeypatch.context() as patch, open(write, "w", encoding="utf-8") as stream:
        patch.setattr(sys, name, stream)
        yield
        stream.close()  # an interpreter that ends flushes it


@pytest.mark.parametrize("command", [[], ["evaluate", "--help"], ["fly"]])
def test_a_closed_pipe_is_quiet(monkeypatch, capsys, command):
    with closed_pipe(monkeypatch, "stdout"):
        try:
            assert main(command) == (2 if command == ["fly"] else 0)
        except SystemExit as stop:
            assert stop.code == 0
    said = capsys.readouterr().err
    assert said.strip() == ("error: expected one of these commands, got 'fly'" if command == ["fly"] else "")


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_training_goes_on_when_nobody_listens_any_more(short_run, monkeypatch, name):
    def trains() -> None:
        """Train; the progress bar writes to standard error."""
        print("begun", flush=True)
        train(short_run(steps=1, distil_steps=1))

    monkeypatch.setitem(COMMANDS, "trains", trains)
    with closed_pipe(monkeypatch, name):
        assert main(["trains"]) == 0
    assert (short_run().out / "weights.safetensors").is_file()


class Refusing(io.StringIO):
    """A stream whose disk is full."""

    def write(self, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_under_a_redirected_output_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Refusing())
    assert main([]) == 1
    assert capsys.readouterr().err == "error: the standard output cannot be written (No space left on device)\n"
    assert main(["evaluate", "--help"]) == 1
    assert "standard output cannot be written" in capsys.readouterr().err


def test_no_output_at_all(monkeypatch):
    """`>&-`, and pythonw on Windows."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main([]) == 0 and main(["fly"]) == 2


def test_streams_are_as_before_afterwards(capsys):
    before = sys.stdout, sys.stderr
    assert main([]) == 0
    assert (sys.stdout, sys.stderr) == before and "train-teacher" in capsys.readouterr().out


@pytest.mark.slow
def test_an_interpreter_of_its_own_under_an_old_console():
    """As a batch job in the C locale: no UTF-8 anywhere, and nobody reads to the end."""
    old = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "OMP_NUM_THREADS": "1"}
    command = subprocess.Popen([sys.executable, "-m", "momi_lib"], env={**os.environ, **old}, cwd=ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    assert command.stdout.readline().startswith(b"usage: python -m momi_lib")
    command.stdout.close()
    assert command.stderr.read() == b"" and command.wait(timeout=120) == 0


@pytest.mark.parametrize("options", [["--out=~/a/b.txt"], ["--out", "~/a/b.txt"]])
def test_a_tilde_is_the_home_also_where_no_shell_says_so(options, tmp_path, monkeypatch, capsys):
    home = tmp_path / "home"
    (home / "a").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(tmp_path)
    assert main(["figure", *options]) == 1  # and not a folder named ~
    assert f"--out {home / 'a' / 'b.txt'}: expected a file that ends in .png" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["home"]


def test_a_path_with_a_tilde_of_a_user_without_a_home_is_one_sentence(monkeypatch, capsys):
    pwd = pytest.importorskip("pwd", reason="users of Unix")

    def unknown(number):
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("MOMI_DATA", "~/people")
    assert main(["info"]) == 1
    said = capsys.readouterr().err
    assert said == "error: a path begins with ~, and this user has no home; give it without ~\n"


def test_a_missing_package_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tyro", None)
    assert main(["truth"]) == 1
    assert capsys.readouterr().err.startswith("error: the package tyro is missing; install momi_lib")


@pytest.mark.parametrize("error", [ImportError("libcudart.so.12"), OSError("libcublas"), RuntimeError("nms")])
def test_a_package_that_cannot_be_loaded_is_one_sentence(monkeypatch, capsys, error):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "momi_lib.commands":
                raise error

    monkeypatch.delitem(sys.modules, "momi_lib.commands", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    assert main(["truth"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: an installed package cannot be loaded ({error}); install PyTorch and torchvision")


PROCESSES = ("run", "Popen", "check_output", "check_call", "call")


def without_encoding(call):
    """Whether a call reads or writes text and does not say in which encoding."""
    words = {word.arg for word in call.keywords}
    if words & {"encoding", None}:  # None: **options
        return False
    method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if method else getattr(call.func, "id", "")
    if name in ("read_text", "write_text") or (words & {"text", "universal_newlines"} and name in PROCESSES):
        return True
    if name not in ("open", "fdopen"):
        return False
    if method and name == "open" and call.args and not isinstance(call.args[0], ast.Constant):
        return False  # Image.open(file), archive.open(entry); of a path the first argument is the mode
    given = [*call.args, *(word.value for word in call.keywords)]
    modes = [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return not any("b" in mode and set(mode) <= set("rwxab+") for mode in modes)


def test_text_is_read_and_written_in_utf8():
    """Where nothing is said, Windows reads and writes text in the code page of its country."""
    wrong = []
    for path in sorted({*ROOT.glob("momi_lib/**/*.py"), *ROOT.glob("examples/*.py"), *ROOT.glob("tools/**/*.py")}):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        wrong += [f"{path.relative_to(ROOT)}:{call.lineno} {ast.unparse(call)}" for call in calls
                  if without_encoding(call)]  # fmt: skip
    assert wrong == []


def test_names_that_are_no_text_reach_a_card_as_escapes(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["momi_lib/__main__.py", "train", "--out", "runs/b\udcff"])
    assert command_line() == "python -m momi_lib train --out 'runs/b\\udcff'"
    assert plain({"out": Path("runs/b\udcff")}["out"]) == "runs/b\\udcff"


# What is out of range is refused before any picture is read.

TRAINING = [
    ({"network.size": (100, 50)}, "network.size: expected height and width divisible by 8"),
    ({"network.size": (-128, -64)}, r"network.size: expected \(rows, columns\), whole numbers from 1 to"),
    ({"network.kernel": 4}, "network.kernel: expected an odd number"),
    ({"network.decoder": "best"}, "network.decoder: expected one of argmax"),
    ({"network.width": 0}, "network.width: expected a whole number from 1 up, got 0"),
    ({"network.sigma": float("nan")}, "network.sigma: expected a number above 0, got nan"),
    ({"loss.discriminator": (8,) * 7}, "loss.discriminator: expected at most 6 entries for .* 128 x 64 .* got 7"),
    ({"loss.patch_radius": -3.0}, "loss.patch_radius: expected a number above 0, got -3.0"),
    ({"seed": 2**70}, "seed: expected a whole number of 64 bits"),
    ({"seed": 0.5}, "seed: expected a whole number of 64 bits, got 0.5"),
    ({"teacher_input": (0, 64)}, r"teacher_input: expected \(rows, columns\), whole numbers .* got \(0, 64\)"),
]
TEACHER = [
    ({"steps": 1.5}, "steps: expected a whole number from 1 up, got 1.5"),
    ({"batch": -4}, "batch: expected a whole number from 1 up"),
    ({"layers": 0}, "layers: expected a whole number from 1 up"),
    ({"input_size": (128, 0)}, "input_size: expected a whole number from 1 up"),
    ({"learning_rate": float("inf")}, "learning_rate: expected a number above 0, got inf"),
    ({"weight_decay": -1.0}, "weight_decay: expected a number from 0 up, got -1.0"),
    ({"weight_decay": float("nan")}, "weight_decay: expected a number from 0 up, got nan"),
    ({"sigma": float("nan")}, "sigma: expected a number above 0, got nan"),
    ({"evaluate_every": 0}, "evaluate_every: expected a whole number from 1 up, got 0"),
    ({"seed": -(2**70)}, "seed: expected a whole number of 64 bits"),
]
FEATURES = [
    ({"steps": 0}, "steps: expected a whole number from 1 up, got 0"),
    ({"batch": 0}, "batch: expected a whole number from 1 up, got 0"),
    ({"batch": 1}, "batch: expected a whole number from 2 up, got 1"),
    ({"learning_rate": float("nan")}, "learning_rate: expected a number above 0, got nan"),
    ({"weight_decay": -1.0}, "weight_decay: expected a number from 0 up"),
    ({"smoothing": 2.0}, r"smoothing: expected a number in \[0, 1\], got 2.0"),
]
AFFINITY = [
    ({"learning_rate": float("inf")}, "learning_rate: expected a number above 0, got inf"),
    ({"weight_decay": float("nan")}, "weight_decay: expected a number from 0 up, got nan"),
]


@pytest.fixture
def unread(monkeypatch, tmp_path):
    """Any look at a picture fails the test."""
    monkeypatch.setenv("MOMI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("momi_lib.data.pictures.decode_pictures", pytest.fail)


@pytest.mark.parametrize(("change", "told"), TRAINING)
def test_training_options_out_of_range(change, told):
    with pytest.raises(ValueError, match=told):
        preset("tiny", **change)


def test_d_may_be_as_deep_as_the_pictures_are_high():
    for size, most in (((128, 64), 6), ((72, 40), 5)):
        config = preset("tiny", **{"network.size": size, "loss.discriminator": (2,) * most})
        pictures = torch.zeros(1, 3, *size)
        with torch.no_grad():
            logits = PairDiscriminator(config.loss.discriminator)(pictures, pictures)
        assert min(logits.shape[-2:]) == 1
        with pytest.raises(ValueError, match=f"at most {most} entries"):
            preset("tiny", **{"network.size": size, "loss.discriminator": (2,) * (most + 1)})
    preset("tiny", **{"loss.discriminator": (2,) * 9, "loss.weights.adversarial": 0.0})  # nobody asks D


def test_a_missing_file_of_the_perceptual_network_is_named_with_its_option(tmp_path):
    (tmp_path / "a.safetensors").touch()
    for file, said in ((tmp_path / "x.pth", "no such file"), (tmp_path, "is a folder, with the file a.safetensors")):
        for network in ("mannequin", "vgg19"):
            run = SimpleNamespace(config=preset("tiny", loss=dict(perceptual=network, perceptual_weights=file)))
            with pytest.raises(FileNotFoundError, match=f"^loss.perceptual_weights: {file}: {said}"):
                Trainer._perceptual(run)


@pytest.mark.parametrize(
    ("kind", "start", "change", "told"),
    [(kind, start, *case) for kind, start, cases in (
        (TeacherConfig, train_teacher, TEACHER), (FeaturesConfig, train_features, FEATURES),
        (AffinityConfig, train_affinity, AFFINITY)) for case in cases],
)  # fmt: skip
def test_options_of_the_other_trainings(unread, tmp_path, kind, start, change, told):
    with pytest.raises(ValueError, match=told):
        start(kind(out=tmp_path / "out", **change))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("minutes", [-1.0, float("nan"), float("inf")])
def test_a_time_that_is_none(unread, short_run, minutes):
    with pytest.raises(ValueError, match=f"minutes: expected a number from 0 up, got {minutes}"):
        train(short_run(), minutes=minutes)
    assert not short_run().out.exists()


@pytest.mark.parametrize("option", ["batch", "distil_batch"])
def test_a_batch_that_no_memory_holds(unread, short_run, option):
    if memory_of("cpu") is None:
        pytest.skip("this system does not say how much memory it has")
    said = rf"^{option}: 1,000,000,000 at a time take at least [\d,]+ GiB of memory, and cpu has [\d.,]+ GiB; take a"
    with pytest.raises(ValueError, match=said):
        train(short_run(**{option: 10**9}))
    assert not short_run().out.exists()


def test_memory_is_what_a_container_is_given(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr("momi_lib.devices.LIMITS", (str(limit), str(tmp_path / "none")))
    whole = memory_of("cpu")
    limit.write_text("max\n", encoding="utf-8")
    assert memory_of("cpu") == whole
    limit.write_text("1048576\n", encoding="utf-8")
    assert memory_of(torch.device("cpu")) == 2**20 and memory_of("meta") is None


def test_a_training_of_one_step(crowd, tmp_path):
    card = train_features(FeaturesConfig(data=crowd, out=tmp_path / "f.safetensors", steps=1, batch=4, device="cpu"))
    assert card["sha256"] == sha256(tmp_path / "f.safetensors")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["train", "tiny", "--out", ""], "--out: expected a value, got empty text; write what is meant"),
        (["evaluate", "--out=", "--pairs", "8"], "--out: expected a value, got empty text"),
        (["truth", "--weights", "small", ""], "--weights: expected a value, got empty text"),
        (["swap", "", "b.png", "--out", "c.png"], "expected a value for each argument, got empty text"),
        (["train", "pg2", "--device", "cuda"], "--device: expected one of auto, cpu, mps, got 'cuda'; auto takes"),
        (["train-teacher", "--device=cuda:1"], "--device: expected one of auto, cpu, mps, got 'cuda:1'; auto"),
    ],
)
def test_what_no_option_can_be_is_one_sentence(unread, tmp_path, monkeypatch, capsys, options, told):
    monkeypatch.chdir(tmp_path)
    assert main(options) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {told}") and said.count("\n") == 1 and not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="got 'cuda'; auto takes .* CUDA_VISIBLE_DEVICES=0 chooses the first$"):
        preset("tiny", device="cuda")


def refused_run(place, kind, begin, /, **changes):
    """Start a training that is refused."""
    with pytest.raises((ValueError, FileNotFoundError)):
        begin(kind(out=place / "runs" / "a", device="cpu", **changes))


def test_a_refused_training_leaves_nothing_behind(crowd, short_run, tmp_path, monkeypatch):
    damaged, none = tmp_path / "damaged", tmp_path / "none.pth"
    shutil.copytree(crowd, damaged)
    (damaged / "truth").mkdir()
    (damaged / "truth" / "pairs.csv").write_text("nothing")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setenv("MOMI_CACHE", str(crowd.with_name("cache")))
    for data, teacher in ((tmp_path / "none", None), (crowd, none), (damaged, short_run().teacher)):
        with pytest.raises((ValueError, FileNotFoundError)):
            train(short_run("runs/a", data=data, teacher=teacher))
    refused_run(tmp_path, partial(RivalRunConfig, method="pg2"), train_rival, data=tmp_path / "none")
    refused_run(tmp_path, partial(RivalRunConfig, method="dg-net"), train_rival, data=damaged)
    refused_run(tmp_path, TeacherConfig, train_teacher, data=crowd)
    refused_run(tmp_path, FeaturesConfig, train_features, data=tmp_path / "none")
    refused_run(tmp_path, AffinityConfig, train_affinity, start=none)
    assert sorted(tmp_path.rglob("*")) == before


# Nothing that is there is written over.


def test_without_out_nothing_of_a_clone_is_written_over():
    for name in ("truth", "figure"):
        assert inspect.signature(COMMANDS[name]).parameters["out"].default.parts[0] == "runs"
    assert "runs/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_a_figure_is_a_png_and_called_so(tmp_path, capsys):
    assert main(["figure", "--out", str(tmp_path / "swaps.pdf")]) == 1
    assert "swaps.pdf: expected a file that ends in .png, the format that is written" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_refused_table_leaves_the_pairs_of_the_last_one(tmp_path, capsys):
    (tmp_path / "pairs.csv").write_text("as before")
    assert main(["evaluate", "--pairs", "5", "--teacher", str(tmp_path / "none.pth"), "--out", str(tmp_path)]) == 1
    assert "none.pth" in capsys.readouterr().err
    assert (tmp_path / "pairs.csv").read_text() == "as before"


@pytest.mark.parametrize("name", ["train-features", "train-affinity", "train-teacher"])
def test_weights_that_are_there_are_not_trained_over(unread, tmp_path, monkeypatch, capsys, name):
    """Neither those that a command names, nor the committed ones where it names none."""
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path))
    monkeypatch.delenv("MOMI_DATA", raising=False)
    there = {"train-features": "mannequin-features.safetensors", "train-teacher": "run/teacher.safetensors",
             "train-affinity": "mannequin-affinity-heldout.safetensors"}  # fmt: skip
    file = tmp_path / there[name]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"weights")
    out = file.parent if name == "train-teacher" else file
    for options in [["--out", str(out)]] + ([] if name == "train-teacher" else [[]]):
        assert main([name, *options]) == 1
        assert capsys.readouterr().err == f"error: {file}: is there already; choose another --out, or delete it first\n"
    assert file.read_bytes() == b"weights"


# `info` says versions first, whatever is wrong afterwards.


def informed(capsys, caplog, *options):
    """Status, what is logged, and what is said to be wrong."""
    caplog.clear()
    with caplog.at_level("INFO"):
        status = main(["info", *options])
    return status, caplog.text, capsys.readouterr().err


@pytest.fixture
def small_data(crowd, monkeypatch):
    monkeypatch.setenv("MOMI_DATA", str(crowd))


def test_versions_come_first(small_data, capsys, caplog):
    status, told, wrong = informed(capsys, caplog)
    assert status == 0 and wrong == ""
    first, _, second = caplog.messages[:3]
    assert f"torch {torch.__version__.partition('+')[0]}" in first and "Python 3." in first and "momi_lib 0." in first
    assert {"python", "torch", "torchvision", "momi_lib"} <= json.loads(second)["versions"].keys()
    assert isinstance(json.loads(second)["GPUs"], list) and '"train": 12' in told


@pytest.mark.parametrize("data", ["nowhere", "damaged", "without queries"])
def test_data_that_cannot_be_read_are_said_last(crowd, tmp_path, monkeypatch, capsys, caplog, data):
    folder = tmp_path / data
    monkeypatch.setenv("MOMI_DATA", str(folder))
    if data != "nowhere":
        for path in crowd.rglob("*.jpg"):
            copy = folder / path.relative_to(crowd)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if data == "damaged" or copy.parent.name != "query":
                copy.write_bytes(path.read_bytes() if "query" not in str(copy) else b"nothing")
        if data == "without queries":
            (folder / "query").rmdir()
    status, told, wrong = informed(capsys, caplog)
    assert status == 1 and wrong.startswith("error: ") and wrong.count("\n") == 1 and str(folder) in wrong
    assert "torch" in caplog.messages[0] and "weights momi-lookup: MomiNet" in told


@pytest.mark.parametrize(
    ("content", "said"),
    [(b'{"what": ', "cannot be read as a card"), (b"\xff\xfe{", "cannot be read as a card"),
     (b"[1, 2]", "cannot be read as a card"), (b"{}", "does not say what they are"), (None, "no card")],
)  # fmt: skip
def test_a_damaged_card_hides_no_other(small_data, tmp_path, monkeypatch, capsys, caplog, content, said):
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path))
    for name, card in (("momi-a", content), ("momi-b", b'{"what": "Gr\xc3\xb6\xc3\x9fe"}')):
        (tmp_path / f"{name}.safetensors").write_bytes(b"")
        if card is not None:
            (tmp_path / f"{name}.json").write_bytes(card)
    (tmp_path / "momi-c.json").write_text('{"name": "left behind"}', encoding="utf-8")
    status, told, _ = informed(capsys, caplog)
    assert status == 0 and said in told and "weights momi-b: Größe" in told
    assert "weights momi-c: left behind (the weights themselves are missing)" in told


def test_no_weights_at_all(small_data, tmp_path, monkeypatch, capsys, caplog):
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path / "nowhere"))
    status, told, _ = informed(capsys, caplog)
    said = f"; MOMI_WEIGHTS (an environment variable) names the folder {tmp_path / 'nowhere'}, which does not exist"
    assert status == 0 and f"weights: none in {tmp_path / 'nowhere'}{said}" in told
    assert said in informed(capsys, caplog, "--weights", "small")[2]
    for load in (load_network, load_answer, lambda _: feature_network("mannequin"), lambda _: load_teacher(None)):
        with pytest.raises(FileNotFoundError, match=re.escape(said)):
            load("small")


BROKEN = {
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "empty": b"",
    "ends too early": b"@\0\0\0\0\0\0\0{", "compressed with gzip": b"\x1f\x8b\x08", "a file of text": b"weights",
    "it is damaged": b"\x02\0\0\0\0\0\0\0{]",
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_broken_weights_are_told_by_info(small_data, tmp_path, monkeypatch, capsys, caplog, what):
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path))
    file = tmp_path / "momi-small.safetensors"
    file.write_bytes(BROKEN[what])
    wrong = f"error: {file}: cannot be read as weights: "
    _, _, said = informed(capsys, caplog, "--weights", str(file))
    assert said.startswith(wrong) and what in said and said.count("\n") == 1  # and not that it has no card
    file.with_suffix(".json").write_text('{"what": "MomiNet"}')
    status, told, _ = informed(capsys, caplog)
    assert status == 0 and "weights momi-small: MomiNet (cannot be read as weights: it" in told and what in told
    for name in ("small", "momi-small", str(file)):
        status, told, said = informed(capsys, caplog, "--weights", name)
        assert status == 1 and '{"what": "MomiNet"}' in told and said.startswith(wrong)


def test_info_knows_weights_that_are_not_those_of_their_card(small_data, tmp_path, capsys, caplog):
    file = save_tensors(tmp_path / "w.safetensors", {"a": torch.ones(1)})
    for told, wrong in ((sha256(file), ""), (64 * "0", f"error: {file}: does not fit the SHA-256 in w.json; copy")):
        file.with_suffix(".json").write_text(json.dumps({"sha256": told}))
        assert informed(capsys, caplog, "--weights", str(file))[2].startswith(wrong) or not wrong
        assert informed(capsys, caplog, "--weights", str(file))[0] == bool(wrong)


def test_cards_are_found_by_every_name_of_theirs(small_data, tmp_path, capsys, caplog):
    run = tmp_path / "runs" / "mine.v2"
    run.mkdir(parents=True)
    for ending in ("safetensors", "json"):
        (run / f"weights.{ending}").write_bytes((weights_folder() / f"momi-lookup.{ending}").read_bytes())
    own = json.loads((weights_folder() / "momi-lookup.json").read_text(encoding="utf-8"))["sha256"]
    names = ["lookup", "momi-lookup", weights_folder() / "momi-lookup.safetensors", run, run / "weights.safetensors",
             run / "weights.json", run / "weights"]  # fmt: skip
    for name in names:
        assert own in informed(capsys, caplog, "--weights", str(name))[1], name
    assert "PCK" in informed(capsys, caplog, "--weights", "mannequin-teacher")[1] or "pck" in caplog.text
    status, told, wrong = informed(capsys, caplog, "--weights", "lokup")
    assert status == 1 and "torch" in told and wrong.startswith("error: lokup: no card of such weights; expected")
    assert "momi-lookup" in wrong and wrong.count("\n") == 1


def test_no_pairs_are_refused_by_the_name_of_the_option(unread, tmp_path, capsys):
    assert main(["evaluate", "--pairs", "0", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "error: pairs: expected a whole number from 1 up, got 0\n"


@pytest.mark.parametrize("name", ["truth.json", "truth.parts", f"{'o' * 250}.json"])
def test_few_swaps_are_warned_about_and_nothing_is_left_beside_the_table(name, tmp_path, monkeypatch, caplog):
    for count, warned in ((99, True), (100, False)):
        def scored(*_, keep, count=count, **__):
            write_json(keep / f"{'0' * 16}.json", {})  # the scores of an answer
            return {"swaps": count, "rows": []}

        monkeypatch.setattr("momi_lib.evaluate.truth_table.truth_table", scored)
        caplog.clear()
        with caplog.at_level("INFO"):
            commands.truth(out=tmp_path / name)
        assert ("99 swaps are very few" in caplog.text) == warned
        assert caplog.messages[-1] == str(tmp_path / name)  # where the result is
        assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_embedded_data_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOMI_DATA", raising=False)
    assert data_folder().is_absolute()
