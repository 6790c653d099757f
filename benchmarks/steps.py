"""Time full training steps of the presets: ``python benchmarks/steps.py --presets small lookup --out results.json``.

Every loss is on, the discriminator's step included; a network that carries is timed in its last stage, on the embedded
people and with the committed body maps, where they fit, because what it costs to carry somebody over depends on how
large they are. The others see random pictures. On a GPU each preset is timed in fp32 and bf16, compiled or not; on a
CPU in fp32 and bf16. Data are on the device, so nothing but the step is measured. The median of the timed steps is
reported after a warm-up, with what bounds it: the floating-point operations of a step, the share of what a large matrix
product reaches on the same device in the same format, and the operators that take the most time. The JSON is written
anew after each measurement, so that a run that is cut off keeps what it has.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import tyro
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from momi_lib.data import People, load
from momi_lib.files import write_json
from momi_lib.provenance import environment, plain
from momi_lib.train import PRESETS, TrainConfig, Trainer
from momi_lib.train.presets import changed
from momi_lib.translate import load_network, network_of, save_network, weights_file

log = logging.getLogger("steps")


@dataclass(frozen=True)
class Config:
    """What to time.

    Attributes:
        presets: which.
        out: JSON to write.
        steps, warm_up: timed steps and those before them.
        batch: triplets a step; 0 keeps each preset's own.
        perceptual: feature network; VGG-19's weights do not change its time, so ``paper`` may be timed with
            ``random-vgg19``, which needs no download.
        threads: CPU threads; 0 keeps torch's choice.
        minutes: begin no measurement after so many; 0: all of them.
    """

    presets: tuple[str, ...] = ("small", "lookup")
    out: Path = Path("benchmarks/results/steps-cpu.json")
    steps: int = 20
    warm_up: int = 5
    batch: int = 0
    perceptual: str = ""
    threads: int = 0
    minutes: float = 0.0


def stand_in(count: int = 512) -> People:
    """Random pictures of 64 people: what a step costs does not depend on what it sees."""
    rng = torch.Generator().manual_seed(0)
    pictures = torch.randint(256, (count, 3, 128, 64), generator=rng, dtype=torch.uint8)
    persons = torch.arange(count) % 64
    files = tuple(f"{index}.jpg" for index in range(count))
    return People(Path(), "train", files, pictures, persons, torch.ones_like(persons), None, None, None, "random")


def variants(device: str) -> list[dict[str, Any]]:
    """The ways to run a step that are worth comparing on ``device``, those that take long to compile last."""
    plainly = [dict(precision=p, channels_last=True, compile=False) for p in ("fp32", "bf16")]
    return plainly if device == "cpu" else plainly + [dict(known, compile=True) for known in reversed(plainly)]


def in_last_stage(preset: TrainConfig, folder: Path) -> TrainConfig:
    """The same run without its earlier stages; body maps, which somebody must have trained, come from a file.

    Where the committed weights have that shape, it is theirs: silhouettes of random maps would be as large as pictures.
    """
    if not preset.network.carry:
        return replace(preset, distil_steps=0)
    start = weights_file("small")
    if preset.network != load_network(start).config:
        start = save_network(network_of(preset.network), folder / "random.safetensors")
    return changed(preset, {"distil_steps": 0, "body_steps": 0, "init.start": start})


def measure(name: str, config: Config, options: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Seconds a step, and what follows from it; ``folder`` is for files on the way."""
    # Labelled people where bodies are carried over: the size of a silhouette decides what a correspondence costs.
    people = load(None, "train").select(slice(512)) if PRESETS[name].network.carry else stand_in()
    maps = torch.rand(len(people), 17, 32, 16).half()
    preset = replace(in_last_stage(PRESETS[name], folder), **options)
    if config.batch:
        preset = replace(preset, batch=config.batch)
    random_vgg = preset.loss.perceptual == "vgg19" and config.perceptual == "random-vgg19"
    if random_vgg:
        preset = changed(preset, {"loss.perceptual_weights": _random_vgg()})
    elif config.perceptual:
        preset = changed(preset, {"loss.perceptual": config.perceptual})
    trainer = Trainer(preset, people, maps)
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
    median = statistics.median(times)
    peak_gpu = round(torch.cuda.max_memory_allocated() / 2**30, 2) if on_gpu else None
    rate, operations = matrix_rate(trainer), flops(replace(preset, compile=False), people, maps)
    return {
        "preset": name,
        **options,
        "batch": preset.batch,
        "perceptual": trainer.perceptual.features.name if trainer.perceptual else "none",
        "parameters": sum(p.numel() for p in trainer.network.parameters()),
        "seconds_per_step": round(median, 5),
        "fastest": round(min(times), 5),
        "slowest": round(max(times), 5),
        **trainer.kernels,
        "triplets_per_second": round(preset.batch / median, 1),
        "peak_gpu_gib": peak_gpu,
        "gflop_per_step": round(operations / 1e9, 1),
        "gflop_per_second": round(operations / median / 1e9, 1),
        "matrix_product_gflop_per_second": round(rate / 1e9, 1),
        "share_of_matrix_product": round(operations / median / rate, 3),
        "operators": operators(trainer),
    }


def flops(preset: TrainConfig, people: People, maps: torch.Tensor) -> int:
    """Floating-point operations of one step's convolutions and matrix products, forward and backward."""
    trainer = Trainer(preset, people, maps)
    with FlopCounterMode(display=False) as counter:
        trainer.train_step()
    return counter.get_total_flops()


def matrix_rate(trainer: Trainer, side: int = 0) -> float:
    """Operations a second of a large square matrix product in the trainer's format: a bound that can be reached."""
    on_gpu = trainer.device.type == "cuda"
    side = side or (8192 if on_gpu else 1024)
    kind = torch.bfloat16 if trainer.precision == "bf16" else torch.float32
    left, right = torch.randn(2, side, side, device=trainer.device).to(kind)
    times = []
    for _ in range(8):
        start = time.perf_counter()
        left @ right
        if on_gpu:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return 2 * side**3 / statistics.median(times[2:])


def operators(trainer: Trainer, count: int = 6) -> dict[str, float]:
    """The operators that take the largest shares of two steps, without what they call."""
    on_gpu = trainer.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]) as record:
        for _ in range(2):
            trainer.train_step()
    name = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    times = {event.key: float(getattr(event, name)) for event in record.key_averages()}
    whole = sum(times.values()) or 1.0
    largest = sorted(times, key=times.__getitem__, reverse=True)[:count]
    return {key: round(times[key] / whole, 3) for key in largest}


def _random_vgg() -> Path:
    import torchvision

    path = Path(torch.hub.get_dir()) / "vgg19-random.pth"
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(torchvision.models.vgg19(weights=None).state_dict(), path)
    return path


def main(config: Config) -> None:
    """Time all variants and write the results."""
    if config.threads:
        torch.set_num_threads(config.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    start, rows, left_out = time.monotonic(), [], []
    with tempfile.TemporaryDirectory() as folder:
        for options in variants(device):
            for name in config.presets:
                if config.minutes and time.monotonic() - start > 60 * config.minutes:
                    left_out.append({"preset": name, **options})
                else:
                    rows.append(measure(name, config, options, Path(folder)))
                    log.info("%s", rows[-1])
                found = {"rows": rows} | ({"left_out": left_out} if left_out else {})
                write_json(config.out, {**environment(device), "config": plain(config), **found})


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(tyro.cli(Config, description=__doc__))
