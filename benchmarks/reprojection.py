"""Which Gaussian reprojection is faster: `python benchmarks/reprojection.py`.

Times both methods of `momi_lib.pose.gaussian_maps` at 128 x 64 with 17 joints, in turns so that other work on the
machine meets both, and writes the medians to benchmarks/results/reprojection-cpu.json (and -cuda.json).
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shlex
import statistics
import sys
import time
from pathlib import Path

import torch

from momi_lib.files import write_json
from momi_lib.pose import default_sigma, gaussian_maps

SIZE = (128, 64)
BATCHES = (1, 8, 32)
METHODS = ("closed", "convolution")


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def compare(batch: int, repeats: int, device: torch.device) -> dict[str, float]:
    """Median milliseconds of each method, their ratio, and how far the two maps are apart."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, SIZE[1], (batch, 17), generator=generator)
    y = torch.randint(0, SIZE[0], (batch, 17), generator=generator)
    landmarks = torch.stack([x, y], dim=-1).float().to(device)
    valid = torch.ones(batch, 17, dtype=torch.bool, device=device)

    def draw(method: str) -> torch.Tensor:
        return gaussian_maps(landmarks, valid, size=SIZE, sigma=default_sigma(SIZE[0]), method=method)

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    difference = (draw("closed") - draw("convolution")).abs().max().item()
    times: dict[str, list[float]] = {method: [] for method in METHODS}
    for _ in range(repeats):
        for method in METHODS:
            wait()
            start = time.perf_counter()
            draw(method)
            wait()
            times[method].append(time.perf_counter() - start)
    medians = {method: 1000 * statistics.median(values) for method, values in times.items()}
    return {
        **{f"{method}_ms": round(value, 3) for method, value in medians.items()},
        "convolution_over_closed": round(medians["convolution"] / medians["closed"], 1),
        "largest_difference": difference,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("--threads", type=int, default=cores)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)  # PyTorch's own choice depends on how busy the machine is
    for kind in ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]:
        device = torch.device(kind)
        result = {
            "command": shlex.join(["python", *sys.argv]),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "device": torch.cuda.get_device_name(device) if kind == "cuda" else cpu_model(),
            "threads": torch.get_num_threads(),
            "load_average_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
            "size": SIZE,
            "joints": 17,
            "repeats": options.repeats,
            "batches": {str(batch): compare(batch, options.repeats, device) for batch in BATCHES},
        }
        path = write_json(options.out / f"reprojection-{kind}.json", result)
        print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
