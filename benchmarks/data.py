"""How fast pictures load and triplets are drawn: `python benchmarks/data.py`.

Makes as many pictures as Market-1501 has for training in a temporary folder, loads them with an empty cache
of its own, draws triplets, and writes benchmarks/results/data-cpu.json.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shlex
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from momi_lib.data import TripletSampler, load
from momi_lib.files import write_json

PICTURES, PERSONS = 12_936, 751  # of Market-1501's bounding_box_train
BATCHES = (32, 1024)


def make_folder(root: Path, pictures: int, persons: int) -> int:
    """JPEGs of smooth noise, about the size of real ones; returns their bytes."""
    folder = root / "bounding_box_train"
    folder.mkdir()
    generator = np.random.default_rng(0)
    total = 0
    for index in range(pictures):
        small = generator.integers(0, 256, (32, 16, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((64, 128), Image.Resampling.BICUBIC)
        path = folder / f"{index % persons + 1:04d}_c{index % 6 + 1}s1_{index:06d}_00.jpg"
        picture.save(path, quality=90)
        total += path.stat().st_size
    return total


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def triplets_per_second(sampler: TripletSampler, batch: int) -> float:
    """Of half a second of drawing, in batches of the given size."""
    sampler.draw(batch)
    drawn, start = 0, time.perf_counter()
    while time.perf_counter() - start < 0.5:
        sampler.draw(batch)
        drawn += batch
    return drawn / (time.perf_counter() - start)


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--persons", type=int, default=PERSONS)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "data-cpu.json")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        os.environ["MOMI_CACHE"] = str(root / "cache")
        written = make_folder(root, options.pictures, options.persons)
        result = {
            "command": shlex.join(["python", *sys.argv]),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "cpu": cpu_model(),
            "cores": cores,
            "load_average_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
            "pictures": options.pictures,
            "mean_bytes_of_a_picture": round(written / options.pictures),
            "cold_load_s": round(seconds(lambda: load(root)), 3),
            "cold_load_without_cache_s": round(seconds(lambda: load(root, cache=False)), 3),
            "warm_load_s": round(min(seconds(lambda: load(root)) for _ in range(3)), 3),
            "warm_memory_map_s": round(
                min(seconds(lambda: load(root, memory_map=True)) for _ in range(3)), 3
            ),
        }
        sampler = TripletSampler(load(root).persons)
        result["triplets_per_s"] = {str(n): round(triplets_per_second(sampler, n)) for n in BATCHES}
    write_json(options.out, result)
    print(options.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
