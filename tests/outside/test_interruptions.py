"""Ctrl-C, SIGTERM and SIGHUP: a training leaves a checkpoint and says how to go on; other commands end in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
import torch

from momi_lib.__main__ import main
from momi_lib.commands import COMMANDS
from momi_lib.train import interruptions, train
from momi_lib.train.checkpoint import latest_checkpoint, save_checkpoint
from momi_lib.train.interruptions import Interrupted, run_in_order, saying_how_to_go_on
from momi_lib.train.run import WEIGHTS, Reporter

SIGNALS = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.fixture
def sent(monkeypatch):
    """A function that lets a signal come during a step."""

    def send(number, step):
        before = Reporter.__call__

        def call(self, trainer, values):
            before(self, trainer, values)
            if trainer.step == step:
                os.kill(os.getpid(), number)

        monkeypatch.setattr(Reporter, "__call__", call)

    return send


@pytest.fixture
def heard():
    """No signal is ignored, as SIGHUP is under nohup and SIGINT in a job that a shell runs beside."""
    before = {name: signal.getsignal(getattr(signal, name)) for name in SIGNALS}
    for name in SIGNALS:
        signal.signal(getattr(signal, name), signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.mark.parametrize("name", SIGNALS)
def test_a_training_that_is_stopped_ends_as_one_that_never_was(heard, short_run, sent, monkeypatch, name):
    number, out = getattr(signal, name), short_run("stopped").out
    handler = signal.getsignal(number)
    sent(number, 3)
    with pytest.raises(Interrupted) as stopped:
        train(short_run("stopped"))
    monkeypatch.undo()
    assert stopped.value.signal == number and signal.getsignal(number) == handler
    said = str(stopped.value)
    assert f"stopped by {name} after step 3 of 6" in said and "The same command with --resume" in said
    path, state = latest_checkpoint(out)
    assert str(path) in said and state["trainer"]["step"] == 3 and not (out / WEIGHTS).exists()
    if name != "SIGTERM":
        return  # how it goes on does not depend on the signal
    train(short_run("stopped"), resume=True)
    train(short_run("whole"))
    assert (out / WEIGHTS).read_bytes() == (short_run("whole").out / WEIGHTS).read_bytes()


def arguments(config):
    return ["train", "tiny", "--data", str(config.data), "--teacher", str(config.teacher), "--out", str(config.out),
            "--device", "cpu", "--steps", "4", "--distil-steps", "2", "--log.checkpoint-every", "2"]  # fmt: skip


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_the_command_line_says_so_in_one_sentence(heard, short_run, sent, capsys, name, status):
    sent(getattr(signal, name), 3)
    assert main(arguments(short_run())) == status
    told = capsys.readouterr().err
    (line,) = [line for line in told.splitlines() if "interrupted" in line]
    assert line.startswith(f"interrupted: {short_run().out}: stopped by {name} after step 3 of 6; ")
    assert "checkpoint-00000003.pt is written" in line and "Traceback" not in told


@pytest.mark.slow
@pytest.mark.thorough
def test_sigterm_to_a_process_of_its_own(short_run):
    config = short_run()
    longer = ["--steps", "5000", "--log.checkpoint-every", "5000"]
    command = [sys.executable, "-m", "momi_lib", *arguments(config), *longer]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    deadline, log = time.monotonic() + 120, config.out / "log.jsonl"
    while process.poll() is None and time.monotonic() < deadline:
        if log.is_file() and log.read_text(encoding="utf-8").count("\n") > 2:
            process.terminate()
            break
        time.sleep(0.01)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 143 and "Traceback" not in told, told
    assert "The same command with --resume goes on from there." in told
    assert latest_checkpoint(config.out) is not None


def test_before_the_first_step_and_after_the_last_one(short_run, monkeypatch):
    """Pictures are drawn before, statistics taken and weights written after: then nothing new has to be kept."""

    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Reporter, "begun", stopped)  # in the first checkpoint
        with pytest.raises(Interrupted, match="There is no checkpoint yet: the same command with --resume begins anew"):
            train(short_run())
    with monkeypatch.context() as patch:
        patch.setattr("momi_lib.train.run.finish", stopped)
        with pytest.raises(Interrupted, match="checkpoint-00000006.pt is whole: the same command with --resume goes"):
            train(short_run(), resume=True)
    train(short_run(), resume=True)
    assert (short_run().out / WEIGHTS).is_file()


def test_a_second_ctrl_c_stops_at_once_and_a_repeated_one_does_not(monkeypatch):
    asked, clock = interruptions._Asked(), [0.0]
    monkeypatch.setattr(interruptions.time, "monotonic", lambda: clock[0])
    asked.hear(signal.SIGINT, None)
    asked.hear(signal.SIGINT, None)  # as launchers pass it on
    clock[0] = 5.0
    asked.hear(signal.SIGTERM, None)
    asked.hear(signal.SIGINT, None, alone=False)  # of several processes none may leave the others
    with pytest.raises(KeyboardInterrupt, match="stopped at once"):
        asked.hear(signal.SIGINT, None)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="a signal of Unix")
def test_what_is_ignored_stays_ignored():
    """As SIGHUP is under nohup, and SIGINT in the background of a script."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptions._listening(interruptions._Asked(), True):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_thread_trains_without_handlers():
    """A program may train in a thread of its own, which cannot handle signals."""
    seen = []

    def work():
        with interruptions._listening(interruptions._Asked(), True):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


class Rival:
    """The attributes of any trainer that the shared code uses."""

    def __init__(self, out, fails=None):
        self.step, self.steps, self.device, self.fails = 0, 9, torch.device("cpu"), fails
        self.accelerator = SimpleNamespace(num_processes=1, is_main_process=True, wait_for_everyone=lambda: None)
        self.config, self.options = SimpleNamespace(out=out, log=SimpleNamespace(every=1)), SimpleNamespace(batch=64)

    def run(self, until, *, minutes, callbacks):
        while self.step < (until or self.steps):
            self.step += 1
            if self.step == 4 and self.fails is not None:
                raise self.fails
            for callback in callbacks:
                callback(self, {})


class Saving:
    def __init__(self, trainer):
        self.trainer = trainer

    def __call__(self, trainer, values):
        if trainer.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    def checkpoint(self):
        return save_checkpoint(self.trainer.config.out, self.trainer.step, {"step": self.trainer.step})


def test_any_trainer_is_stopped_alike(tmp_path):
    trainer = Rival(tmp_path)
    with pytest.raises(Interrupted, match="after step 2 of 9"):
        run_in_order(trainer, Saving(trainer))
    assert latest_checkpoint(tmp_path)[1] == {"step": 2}
    run_in_order(trainer, Saving(trainer), until=7)
    assert trainer.step == 7 and latest_checkpoint(tmp_path)[1] == {"step": 7}


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory: 9 bytes."),
        MemoryError(),
    ],
)
def test_a_batch_that_does_not_fit_says_which_option_to_lower(tmp_path, error):
    trainer = Rival(tmp_path, error)
    save_checkpoint(tmp_path, 3, {})
    told = r"^batch: a step with 64 at a time does not fit into the memory of cpu \(.*\)\. Take a smaller --batch"
    with pytest.raises(RuntimeError, match=told) as said, saying_how_to_go_on(trainer):
        run_in_order(trainer, lambda *_: None)
    assert "\n" not in str(said.value) and "checkpoint-00000003.pt is whole" in str(said.value)
    with pytest.raises(RuntimeError, match="^shapes differ$"), saying_how_to_go_on(trainer):
        raise RuntimeError("shapes differ")


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_other_commands_end_without_a_traceback(heard, monkeypatch, capsys, name, status):
    left = []

    def works() -> None:
        """Work until a signal comes."""
        try:
            os.kill(os.getpid(), getattr(signal, name))
            time.sleep(5)
        finally:
            left.append("in order")

    monkeypatch.setitem(COMMANDS, "works", works)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["works"]) == status
    assert capsys.readouterr().err == "interrupted\n" and left == ["in order"]
    assert signal.getsignal(signal.SIGTERM) == before


# The second process alone gets a signal, during its second step; the log has a line every four steps.
SCRIPT = """
import os, signal, sys
from pathlib import Path
import torch
from momi_lib.data import load
from momi_lib.train import Trainer, preset
from momi_lib.train.checkpoint import save_checkpoint
from momi_lib.train.interruptions import Interrupted, run_in_order

torch.set_num_threads(1)
people, out = load(sys.argv[1], cache=False), Path(sys.argv[2])
config = preset("tiny", device="cpu", out=out, distil_steps=9, log=dict(every=4))
trainer = Trainer(config, people, torch.rand(len(people), 17, 32, 16).half())
step = trainer.train_step
def steps():
    if trainer.step == 1 and os.environ["RANK"] == "1":
        os.kill(os.getpid(), signal.SIGTERM)
    return step()
trainer.train_step = steps
class Saving:
    def __call__(self, *_): pass
    def checkpoint(self): return save_checkpoint(out, trainer.step, trainer.state_dict())
try:
    run_in_order(trainer, Saving())
except Interrupted as stopped:
    print(stopped.signal, "after", trainer.step)
"""


@pytest.mark.slow
@pytest.mark.thorough
def test_two_processes_stop_together(crowd, tmp_path):
    script = tmp_path / "run.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    common = {**os.environ, "OMP_NUM_THREADS": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost",
              "MASTER_PORT": str(port), "CUDA_VISIBLE_DEVICES": ""}  # fmt: skip
    both = [
        subprocess.Popen(
            [sys.executable, str(script), str(crowd), str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**common, "RANK": rank, "LOCAL_RANK": rank}, text=True,
        )
        for rank in ("0", "1")
    ]  # fmt: skip
    try:
        said = [process.communicate(timeout=120) for process in both]
    finally:
        for process in both:
            process.kill()
    assert [out.strip() for out, _ in said] == [f"{int(signal.SIGTERM)} after 4"] * 2, said
    assert latest_checkpoint(tmp_path)[1]["step"] == 4
