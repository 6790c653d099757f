"""What grows with the data: ``python benchmarks/scale.py``, for 10,000, 100,000 and 1,000,000 pictures.

The pictures are made up and memory-mapped, as `load(..., memory_map=True)` maps those of a folder. Each size is
measured in a process of its own, so that its peak of memory is its own. A step is one of the preset ``tiny``, whose
network costs next to nothing, so that what the data cost shows. Writes JSON and a figure, in which a dashed line says
what each measure would be if it grew with the number of pictures.
"""

from __future__ import annotations

import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

from momi_lib.data import People, TripletSampler
from momi_lib.files import write_atomically, write_json
from momi_lib.pose import SimpleBaseline, Teacher, TeacherMaps
from momi_lib.provenance import environment, peak_memory
from momi_lib.train import Trainer, preset

log = logging.getLogger("scale")
RESULTS = Path(__file__).resolve().parent / "results"
A_PERSON = 12  # pictures
MEASURES = {
    "open_s": "opening, s",
    "sampler_s": "preparing triplets, s",
    "same_camera_s": "… of one camera, s",
    "triplets_per_s": "triplets a second",
    "trainer_s": "preparing a training, s",
    "first_step_s": "its first step, s",
    "step_s": "a later step, s",
    "peak_mib": "peak memory, MiB",
}


@dataclass(frozen=True)
class Config:
    """What to measure.

    Attributes:
        sizes: numbers of pictures.
        out: JSON to write; a PNG of the same name is written beside it.
        alone: measure the only size in this process and print it, as the command does for each.
    """

    sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    out: Path = RESULTS / "scale-cpu.json"
    alone: bool = False


def made_up(file: Path, count: int) -> People:
    """``count`` pictures in a file that takes no room on disks which know sparse files."""
    with open(file, "wb") as empty:
        empty.truncate(count * 3 * 128 * 64)
    pictures = torch.from_numpy(np.memmap(file, np.uint8, "r+", shape=(count, 3, 128, 64)))
    index = torch.arange(count)
    persons, cameras = index // A_PERSON + 1, index % 6 + 1
    names = tuple(f"{number:07}.jpg" for number in range(count))
    return People(file.parent, "train", names, pictures, persons, cameras, None, None, None, f"made up {count}")


def measure(count: int) -> dict[str, Any]:
    """All measures of one size; JSON-ready."""
    found: dict[str, Any] = {"pictures": count}

    def timed(name: str, work: Any) -> Any:
        start = time.perf_counter()
        result = work()
        found[name] = round(time.perf_counter() - start, 4)
        return result

    with tempfile.TemporaryDirectory() as folder:
        people = timed("open_s", lambda: made_up(Path(folder) / "pictures", count))
        sampler = timed("sampler_s", lambda: TripletSampler(people.persons, seed=0))
        timed("same_camera_s", lambda: TripletSampler(people.persons, seed=0, cameras=people.cameras, same_camera=1.0))
        drawn, start = 0, time.perf_counter()
        while time.perf_counter() - start < 0.5:
            sampler.draw(1024)
            drawn += 1024
        found["triplets_per_s"] = round(drawn / (time.perf_counter() - start))
        teacher = Teacher(SimpleBaseline(18, width=8), name="made up")
        config = preset("tiny", device="cpu", distil_steps=0, steps=20)
        trainer = timed("trainer_s", lambda: Trainer(config, people, TeacherMaps(teacher, people, cache=False)))
        timed("first_step_s", trainer.train_step)
        times = []
        for _ in range(9):
            start = time.perf_counter()
            trainer.train_step()
            times.append(time.perf_counter() - start)
        found["step_s"] = round(statistics.median(times), 4)
        found["peak_mib"] = peak_memory()
    return found


def draw(rows: list[dict[str, Any]], out: Path) -> None:
    """A panel a measure over the number of pictures, both on logarithmic axes; dashed: in proportion to it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), dpi=110, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    counts = [row["pictures"] for row in rows]
    for ax, (name, title) in zip(figure.subplots(2, 4).flat, MEASURES.items(), strict=True):
        values = [row[name] for row in rows]
        ax.loglog(counts, values, marker="o", color="#0072B2")
        ax.loglog(counts, [values[0] * count / counts[0] for count in counts], "--", color="grey", linewidth=0.8)
        ax.set(title=title, xlabel="pictures")
        ax.grid(alpha=0.3)
    write_atomically(out, lambda file: figure.savefig(file, format="png"))


def main(config: Config) -> None:
    """Measure, and write JSON and figure."""
    if config.alone:
        print(json.dumps(measure(config.sizes[0])))
        return
    rows = []
    for count in sorted(config.sizes):
        command = [sys.executable, __file__, "--sizes", str(count), "--alone"]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        log.info("%s", json.dumps(rows[-1]))
    what = "made-up pictures, memory-mapped, 12 a person; a step is one of the preset tiny"
    write_json(config.out, {"what": what, **environment(), "rows": rows})
    draw(rows, config.out.with_suffix(".png"))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(tyro.cli(Config, description=__doc__))
