"""How long one swap takes: ``python benchmarks/swap_speed.py``.

A swap is the student on both pictures, both encoders, attention and generator, and where a network carries, its body
maps, correspondence and painter; at batch 1, as the explorer does it. The ways of computing it are timed in turns, so
that other work on the machine meets all of them; medians and 95th percentiles go to benchmarks/results/swap-cpu.json
(-cuda.json) and into the table benchmarks/swap-speed.md.
"""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro

from momi_lib.data import load, to_float
from momi_lib.evaluate.markdown import table
from momi_lib.files import sha256, write_atomically, write_json
from momi_lib.provenance import environment
from momi_lib.translate import MomiNet, folded, load_network, weights_file

log = logging.getLogger("swap_speed")
HERE = Path(__file__).resolve().parent
GOAL = 40.0  # milliseconds


@dataclass(frozen=True)
class Config:
    """What to time.

    Attributes:
        weights: names of committed weights, or files.
        threads: CPU threads.
        swaps: timed swaps of each way.
        warm_up: swaps before those.
        compile: also time the compiled network, which takes a minute to compile.
        device: ``"cpu"`` or ``"cuda"``.
        out: JSON to write; ``None`` chooses it by the device.
    """

    weights: tuple[str, ...] = ("small", "lookup")
    threads: int = 2
    swaps: int = 100
    warm_up: int = 10
    compile: bool = True
    device: str = "cpu"
    out: Path | None = None


def ways(network: MomiNet, config: Config) -> dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]:
    """Name → a function from two pictures to the swap."""
    plain = folded(network).to(memory_format=torch.contiguous_format)
    last = folded(network).to(memory_format=torch.channels_last)

    def bf16(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        with torch.autocast(config.device, torch.bfloat16):
            return last.swap(source, target)

    found = {
        "as loaded (channels-last)": network.swap,
        "contiguous": load_contiguous(network).swap,
        "folded, contiguous": plain.swap,
        "folded, channels-last": last.swap,
        "folded, channels-last, bf16": bf16,
    }
    if config.compile:
        compiled = folded(network).to(memory_format=torch.channels_last)
        maps = compiled.body_maps.children() if compiled.config.carry else ()
        for part in (compiled.student, *compiled.translation(), *maps):
            part.compile(dynamic=False)
        if compiled.config.carry:  # it stops on the way, between the halves of E_a and before G's last layer
            encoder, generator = compiled.appearance_encoder, compiled.generator
            for part, method in ((encoder, "halved"), (encoder, "encode_halved"), (generator, "features")):
                setattr(part, method, torch.compile(getattr(part, method), dynamic=False))
        found["folded, channels-last, compiled"] = compiled.swap
    return found


def load_contiguous(network: MomiNet) -> MomiNet:
    """A copy in PyTorch's usual layout."""
    import copy

    return copy.deepcopy(network).to(memory_format=torch.contiguous_format)


@torch.inference_mode()
def time_ways(name: str, config: Config) -> list[dict[str, Any]]:
    """Median and 95th percentile of each way, in milliseconds, and how far its picture is from the first way's."""
    network = load_network(name, device=config.device)
    people = load(None, "test", size=network.config.size)
    source, target = to_float(people.pictures[[0, len(people) // 2]]).to(config.device).split(1)
    found = ways(network, config)
    expected = network.swap(source, target)
    times: dict[str, list[float]] = {way: [] for way in found}
    for turn in range(config.warm_up + config.swaps):
        for way, swap in found.items():
            start = time.perf_counter()
            swap(source, target)
            if config.device == "cuda":
                torch.cuda.synchronize()
            if turn >= config.warm_up:
                times[way].append(1e3 * (time.perf_counter() - start))
    path = weights_file(name)
    return [
        {
            "weights": Path(name).stem,
            "sha256": sha256(path),
            "way": way,
            "median_ms": round(statistics.median(values), 2),
            "p95_ms": round(statistics.quantiles(values, n=20)[-1], 2),
            "difference": float(f"{float((found[way](source, target).float() - expected).abs().max()):.2g}"),
        }
        for way, values in times.items()
    ]


def markdown(result: dict[str, Any]) -> str:
    """The table.

    >>> row = dict(weights="small", way="folded", median_ms=9.5, p95_ms=11.0, difference=1e-6)
    >>> text = markdown(dict(rows=[row], goal_ms=25.0, threads=2, device="CPU", date="d", command="c", swaps=5))
    >>> text.splitlines()[6]
    '| small | folded | 9.5 | 11.0 | 1e-06 |'
    """
    lines = [
        "# One swap",
        "",
        "Each swap runs the student on both pictures, both encoders, attention and the generator and, in a network "
        f"that carries, also its body maps, correspondence and painter. Batch 1, {result['threads']} thread(s).",
        "",
        *table(
            ["weights", "way", "median ms", "95th percentile", "largest difference of the picture in [-1, 1]"],
            [[row[key] for key in ("weights", "way", "median_ms", "p95_ms", "difference")] for row in result["rows"]],
        ),
    ]
    for weights in dict.fromkeys(row["weights"] for row in result["rows"]):
        loaded, *others = (row for row in result["rows"] if row["weights"] == weights)
        best = min((loaded, *others), key=lambda row: row["median_ms"])
        met = "met" if loaded["median_ms"] <= result["goal_ms"] else "not met"
        goal = f"Goal {result['goal_ms']:g} ms as loaded, {weights}: {met}"
        lines += ["", f"{goal}; fastest: {best['way']}, {best['median_ms']} ms."]
    lines += [
        "",
        f"{result['swaps']} swaps a way, in turns · `{result['command']}` · {result['device']} · {result['date']}",
    ]
    return "\n".join(lines) + "\n"


def main(config: Config) -> None:
    """Time, write JSON and table."""
    torch.set_num_threads(config.threads)
    rows = [row for name in config.weights for row in time_ways(name, config)]
    result = {**environment(config.device), "goal_ms": GOAL, "swaps": config.swaps, "rows": rows}
    write_json(config.out or HERE / "results" / f"swap-{config.device}.json", result)
    if config.out is None:
        name = "swap-speed.md" if config.device == "cpu" else f"swap-speed-{config.device}.md"
        write_atomically(HERE / name, lambda file: file.write(markdown(result).encode()))
    log.info("%s", markdown(result))
    log.info("%s", json.dumps(result["versions"]))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(tyro.cli(Config, description=__doc__))
