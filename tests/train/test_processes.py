"""Processes of one run: where each computes, and that they stop together."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
import torch

from momi_lib.train.processes import own_gpu

# Its clock reaches the deadline after step 4 in the first process and after step 2 in the second.
SCRIPT = """
import os, sys
from types import SimpleNamespace
import torch
from momi_lib.data import load
from momi_lib.train import Trainer, loop, preset, processes

torch.set_num_threads(1)
people = load(sys.argv[1], cache=False)
run = Trainer(preset("tiny", device=sys.argv[2], distil_steps=9), people, torch.rand(len(people), 17, 32, 16).half())
last = 4 if os.environ["RANK"] == "0" else 2
clock = SimpleNamespace(monotonic=lambda: 1e6 if run.step >= last else 0.0)
loop.time = processes.time = clock
run.run(minutes=1)
print("stopped after", run.step)
"""


@pytest.mark.slow
@pytest.mark.parametrize("device", [pytest.param("cpu", marks=pytest.mark.thorough), "auto"])
def test_unlike_clocks_stop_together(folder, tmp_path, device):
    """With "auto" and no GPU, too: the processes have to be told to meet on the CPU, or each trains alone."""
    script = tmp_path / "run.py"
    script.write_text(SCRIPT)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    common = {**os.environ, "OMP_NUM_THREADS": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost",
              "MASTER_PORT": str(port), "CUDA_VISIBLE_DEVICES": ""}  # fmt: skip
    both = [
        subprocess.Popen(
            [sys.executable, str(script), str(folder), device], env={**common, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in ("0", "1")
    ]  # fmt: skip
    try:
        said = [process.communicate(timeout=90) for process in both]
    finally:
        for process in both:
            process.kill()
    assert [out.strip() for out, _ in said] == ["stopped after 4"] * 2, said


ALONE = """
import logging
from momi_lib.train.processes import warn_where_alone
logging.basicConfig(format="%(message)s")
warn_where_alone()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not say who started a process")
@pytest.mark.parametrize(("asked", "said"), [("2", True), pytest.param("1", False, marks=pytest.mark.thorough)])
def test_one_process_where_several_were_asked_for_is_said(tmp_path, asked, said):
    script = tmp_path / "alone.py"
    script.write_text(ALONE)
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", asked, str(script)]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(launch, capture_output=True, text=True, timeout=300, env=alone)
    assert done.returncode == 0, done.stderr
    assert ("was asked for 2 processes and started one; `torchrun" in done.stderr) == said


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert own_gpu(torch.device("cuda")) == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "3")
    for seen, place in ((8, 3), (2, 1), (1, 0)):  # a process may see only some of them
        monkeypatch.setattr(torch.cuda, "device_count", lambda seen=seen: seen)
        assert own_gpu(torch.device("cuda")) == torch.device("cuda", place)
    assert own_gpu(torch.device("cpu")) == torch.device("cpu")
