"""Time training steps of the rivals: ``python benchmarks/rival_steps.py --preset paper --steps 100 --out x.json``.

Pictures and poses are random and on the device, so nothing but the step is measured. Each method is timed once in each
phase of its run (PG²'s two stages, DG-Net before and after its ramps), because a step does not cost the same in all of
them: at the shares ``--at`` of the run. The JSON is written anew after each measurement; it names the methods that
failed and those for which no time was left, and then the exit status is 1. The preset ``paper`` needs a GPU.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import torch
import tyro

from momi_lib.data import People
from momi_lib.features import VGG19Features, feature_network
from momi_lib.files import write_json
from momi_lib.provenance import environment, peak_memory, plain
from momi_lib.rivals import patn
from momi_lib.rivals.base import Landmarks
from momi_lib.rivals.loop import RivalTrainer
from momi_lib.rivals.methods import WHERE
from momi_lib.rivals.run_config import RivalRunConfig


@dataclass(frozen=True)
class Config:
    """What to time.

    Attributes:
        methods: which.
        preset: ``small`` or ``paper``.
        out: JSON to write.
        steps, warm_up: timed steps and those before them, for each share.
        at: shares of the run.
        precision: number formats.
        batch: triplets a step; 0 keeps the preset's.
        device: ``auto`` or ``cpu``.
        perceptual: network of PATN's feature loss: the preset's, or ``random-vgg19``, which needs no download.
        minutes: begin no measurement after so many; 0: all of them.
    """

    methods: tuple[str, ...] = tuple(WHERE)
    preset: Literal["small", "paper"] = "small"
    out: Path = Path("benchmarks/results/rival-steps-cpu.json")
    steps: int = 20
    warm_up: int = 3
    at: tuple[float, ...] = (0.1, 0.9)
    precision: tuple[str, ...] = ("auto",)
    batch: int = 0
    device: Literal["auto", "cpu"] = "auto"
    perceptual: Literal["preset", "random-vgg19"] = "preset"
    minutes: float = 0.0


def people_and_poses(size: tuple[int, int], count: int = 512) -> tuple[People, Landmarks]:
    """Random pictures of 64 people, with random joints."""
    rng = torch.Generator().manual_seed(0)
    pictures = torch.randint(256, (count, 3, *size), generator=rng, dtype=torch.uint8)
    persons = torch.arange(count) % 64
    files = tuple(f"{index}.jpg" for index in range(count))
    people = People(Path(), "train", files, pictures, persons, torch.ones_like(persons), None, None, None, "random")
    places = torch.rand(count, 17, 2, generator=rng) * torch.tensor([size[1] - 1.0, size[0] - 1.0])
    return people, Landmarks(places, torch.ones(count, 17, dtype=torch.bool))


def measure(name: str, config: Config, precision: Any, at: float) -> dict[str, Any]:
    """Seconds a step, pictures a second and memory of one method at one share of its run."""
    run = RivalRunConfig(method=name, preset=config.preset, precision=precision, device=config.device,
                         batch=config.batch or None)  # fmt: skip
    named = feature_network if config.perceptual == "preset" else lambda _: VGG19Features(None)
    with patch.object(patn, "feature_network", named):
        trainer = RivalTrainer(run, *people_and_poses(run.rival.size))
    trainer.step = int(at * trainer.steps)
    on_gpu = trainer.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    times = []
    for index in range(config.warm_up + config.steps):
        start = time.perf_counter()
        trainer.train_step()
        if on_gpu:
            torch.cuda.synchronize()
        if index >= config.warm_up:
            times.append(time.perf_counter() - start)
    trainer.guard.ask()
    median = statistics.median(times)
    batch = trainer.options.batch
    return {
        "method": name,
        "preset": config.preset,
        "at": at,
        "precision": trainer.precision,
        **trainer.kernels,
        "batch": batch,
        "options": plain(trainer.options),
        "parameters": sum(p.numel() for p in trainer.network.parameters()),
        "parameters_trained": sum(p.numel() for o in trainer.optimisers.values() for g in o.param_groups
                                  for p in g["params"]),
        "seconds_per_step": round(median, 5),
        "fastest": round(min(times), 5),
        "slowest": round(max(times), 5),
        "pictures_per_second": round(batch / median, 1),  # source pictures, one per triplet
        "peak_gpu_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2) if on_gpu else None,
        "peak_mib": None if on_gpu else peak_memory(),
    }  # fmt: skip


def main(config: Config) -> int:
    """Time all methods, and write the JSON after each; 1 if one is missing."""
    begun, rows, missing = time.monotonic(), [], []
    device = "cuda" if torch.cuda.is_available() and config.device == "auto" else "cpu"
    for name in config.methods:
        for precision in config.precision:
            for at in config.at:
                try:
                    if config.minutes and time.monotonic() - begun > 60 * config.minutes:
                        raise TimeoutError(f"no time was left after {config.minutes:g} minutes")
                    rows.append(measure(name, config, precision, at))
                    print(f"{name} at {at:g}: {rows[-1]['seconds_per_step']} s a step")
                except (OSError, RuntimeError, ValueError) as error:
                    missing.append({"method": name, "precision": precision, "at": at, "why": str(error)})
                    print(f"{name} at {at:g}: {error}")
                write_json(config.out, {"steps": config.steps, "warm_up": config.warm_up, **environment(device),
                                        "rows": rows, "missing": missing})  # fmt: skip
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Config)))
