"""How much of a training step several processes spend on averaging gradients, and how much overlapping this could save.

    torchrun --nproc-per-node 2 benchmarks/processes.py --out benchmarks/results/processes.json

The library averages all gradients of an optimiser in one message after the backward pass. If they were sent layer by
layer during the backward pass, as DistributedDataParallel does, the message would cost nothing at best, so its share of
a step is an upper bound of the gain. Waiting for the slower process is measured separately, because nothing hides it.
On a CPU, the processes share the cores and communicate through memory (gloo); on GPUs, run the same command there.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from steps import in_last_stage, stand_in

from momi_lib.data import load
from momi_lib.files import write_json
from momi_lib.provenance import environment
from momi_lib.train import PRESETS, Trainer, loop
from momi_lib.train.processes import all_reduce_gradients, mean_over


@dataclass(frozen=True)
class Config:
    """What to time.

    Attributes:
        preset: its last stage is timed.
        out: JSON file to write.
        steps, warm_up: number of timed steps, and of untimed steps before them.
    """

    preset: str = "small"
    out: Path = Path("benchmarks/results/processes.json")
    steps: int = 12
    warm_up: int = 4


class Timed:
    """The two exchanges of a step, gradients and losses, with two clocks: for waiting, and for sending gradients."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.waits, self.messages = 0.0, 0.0
        self.numbers = 0

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def _meet(self, accelerator: Any) -> float:
        """Wait for the other processes; returns the time afterwards."""
        start = self._now()
        accelerator.wait_for_everyone()
        together = self._now()
        self.waits += together - start
        return together

    def gradients(self, accelerator: Any, parameters: list[torch.nn.Parameter]) -> None:
        """Average them, and add to the clocks."""
        together = self._meet(accelerator)
        all_reduce_gradients(accelerator, parameters)
        self.messages += self._now() - together
        self.numbers += sum(p.numel() for p in parameters)

    def losses(self, accelerator: Any, values: torch.Tensor) -> torch.Tensor:
        """Average them: only a few numbers, but a process that has finished its forward pass waits for the rest."""
        self._meet(accelerator)
        return mean_over(accelerator, values)


def main(config: Config) -> None:
    """Time, and write the JSON from the first process."""
    people = load(None, "train").select(slice(512)) if PRESETS[config.preset].network.carry else stand_in()
    torch.manual_seed(0)  # if the committed weights do not fit, all processes start from the same random ones
    with tempfile.TemporaryDirectory() as folder:
        begun = in_last_stage(PRESETS[config.preset], Path(folder))
        trainer = Trainer(begun, people, torch.rand(len(people), 17, 32, 16).half())
    if trainer.accelerator.num_processes == 1:
        raise SystemExit("processes.py: a single process exchanges nothing; start it with torchrun --nproc-per-node 2")
    clock = Timed(trainer.device)
    loop.all_reduce_gradients, loop.mean_over = clock.gradients, clock.losses
    rows = []
    for index in range(config.warm_up + config.steps):
        clock.waits = clock.messages = 0.0
        clock.numbers = 0
        start = time.perf_counter()
        trainer.train_step()
        if trainer.device.type == "cuda":
            torch.cuda.synchronize()
        if index >= config.warm_up:
            rows.append((time.perf_counter() - start, clock.waits, clock.messages))
    step, wait, message = (statistics.median(column) for column in zip(*rows, strict=True))
    if trainer.accelerator.is_main_process:
        write_json(config.out, {
            "what": "share of a training step that several processes spend on averaging gradients in one message",
            **environment(trainer.device),
            "preset": config.preset,
            "processes": trainer.accelerator.num_processes,
            "batch": trainer.config.batch,
            "precision": trainer.precision,
            "numbers_averaged_in_a_step": clock.numbers,
            "seconds_per_step": round(step, 4),
            "seconds_waiting_for_the_slower_process": round(wait, 4),
            "seconds_averaging": round(message, 4),
            "most_that_overlapping_could_save": round(message / step, 4),
        })  # fmt: skip
    trainer.accelerator.wait_for_everyone()


if __name__ == "__main__":
    main(tyro.cli(Config))
