"""What several processes of one run tell each other in a step, and whether there are several."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor, nn

from momi_lib.devices import pick

log = logging.getLogger(__name__)


def meet_on_cpu(device: str) -> bool:
    """Whether this process has to be told to meet the others on the CPU, given a config's ``device``.

    Only processes that were launched together (``torchrun``, ``accelerate launch``) meet. Without a GPU Accelerate
    would otherwise start each of them alone. A single process is never told: Accelerate keeps one state for the whole
    Python process and refuses to move it from a GPU to the CPU, as a notebook may want.

    >>> meet_on_cpu("cpu") and int(os.environ.get("WORLD_SIZE", 1)) < 2
    False
    """
    several = int(os.environ.get("WORLD_SIZE", 1)) > 1
    return several and (device == "cpu" or not torch.cuda.is_available())


def own_gpu(device: torch.device) -> torch.device:
    """The same device, and of GPUs of CUDA the one of this process, as Accelerate will choose it later.

    >>> own_gpu(torch.device("cpu"))
    device(type='cpu')
    """
    if device.type != "cuda":
        return device
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)) % max(1, torch.cuda.device_count()))


def device_of_process(accelerator: Accelerator, wanted: str) -> torch.device:
    """Where this process computes, given a config's ``device``. Accelerate by itself takes an Apple GPU unasked.

    Raises:
        ValueError: for several processes that are to share an Apple GPU, and as :func:`momi_lib.devices.pick`.

    >>> from types import SimpleNamespace
    >>> device_of_process(SimpleNamespace(device=torch.device("mps"), num_processes=1), "cpu")
    device(type='cpu')
    """
    if wanted == "auto" and accelerator.device.type != "mps":
        return accelerator.device
    if wanted == "mps" and accelerator.num_processes > 1:
        raise ValueError("device: several processes cannot share an Apple GPU (mps); start one process, or take cpu")
    return pick(wanted)


def all_reduce_gradients(accelerator: Accelerator, parameters: list[nn.Parameter]) -> None:
    """Average the gradients of ``parameters`` over all processes, in place and in one message.

    Instead of a wrapper around each network: a GAN's two sides use the same networks differently, and every
    gradient is needed only once, at the optimiser's step.
    """
    if accelerator.num_processes == 1:
        return
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    flat = mean_over(accelerator, torch.cat([g.flatten() for g in gradients]))
    for p, g in zip(parameters, flat.split([g.numel() for g in gradients]), strict=True):
        p.grad = g.view_as(p).clone(memory_format=torch.preserve_format)


def mean_over(accelerator: Accelerator, values: Tensor) -> Tensor:
    """The mean of ``values`` over all processes."""
    return cast(Tensor, accelerator.reduce(values, "mean"))  # it also takes, and returns, nested lists of tensors


def time_is_up(accelerator: Accelerator, deadline: float, device: torch.device) -> bool:
    """Whether ``deadline``, in seconds of :func:`time.monotonic`, has passed: the first process says so for all.

    Every process has a clock and a start of its own. If each asked its own, one would stop a step before another,
    which would wait for its gradients for ever. All processes must call this, and give a deadline or none alike.
    """
    if math.isinf(deadline):
        return False
    over = time.monotonic() >= deadline
    if accelerator.num_processes == 1:
        return over
    said = cast(Tensor, broadcast(torch.tensor([float(over)], device=device), from_process=0))
    return bool(said.item())


def processes_asked_for(command: Sequence[str]) -> int:
    """How many processes a command line of ``accelerate launch`` asks for; 1 where it does not say.

    >>> processes_asked_for(["accelerate", "launch", "--num_processes", "2", "-m", "momi_lib"])
    2
    >>> processes_asked_for(["accelerate", "launch", "--num-processes=4", "-m", "momi_lib"])
    4
    """
    words = [part for word in command for part in word.split("=", 1)]
    for name, value in pairwise(words):
        if name.replace("_", "-") == "--num-processes" and value.isdigit():
            return int(value)
    return 1


def warn_where_alone() -> None:
    """Log one line where ``accelerate launch`` was asked for several processes and started one, as it does on CPUs."""
    if "ACCELERATE_MIXED_PRECISION" not in os.environ or "WORLD_SIZE" in os.environ:
        return  # nobody launched this, or with several processes
    try:
        command = Path(f"/proc/{os.getppid()}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:
        return  # another system than Linux does not say
    count = processes_asked_for(command)
    if count > 1:
        log.warning(
            "accelerate launch was asked for %d processes and started one; `torchrun --nproc-per-node %d -m momi_lib "
            "…` starts them, on CPUs too",
            count, count,
        )  # fmt: skip
