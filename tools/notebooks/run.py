"""Run notebooks in place, in quick mode, and store outputs that a strict comparison can use.

    python tools/notebooks/run.py notebooks/03_*.ipynb [notebooks/solutions/03_*.ipynb ...]

Each notebook runs from top to bottom in a fresh kernel, in its own folder, with the settings that the tests
use (MOMI_MODE=quick, one thread per kernel, no GPU), so that the stored outputs are what `pytest --nbval`
will see. Then it is normalised: execution counts 1..n, no widget state, no timing, the plain kernel name. A
notebook in which a cell raises (without the tag `raises-exception`) is left as it was; the exit code is 1.

    python tools/notebooks/run.py --full --threads 2 --measure benchmarks/results/notebooks.json notebooks/*.ipynb

`--measure` adds time and memory of each notebook to a JSON file, from which the times of the series come;
`--full` runs in full mode and stores no outputs. What is compared is the processor's time, not the clock's: on a
machine that does other work as well, the clock measures the neighbours. With one thread the two are the same on a
quiet one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
import zmq
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

# The same as in the Makefile's recipe for the tests.
SETTINGS = {"MOMI_MODE": "quick", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "TQDM_DISABLE": "1"}
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
KEPT = ("tags",)  # of a cell's metadata; all else is the editor's or the clock's
ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")


class Client(NotebookClient):
    """`nbclient.NotebookClient`, which after each message from the kernel looks whether the reply to a cell is there.

    nbclient answers the messages of widgets (an `Output`, `interactive_output`) on the socket on which it waits for the
    reply. It sends through a blocking view of that socket, and sending takes note of what has arrived without telling
    the event loop. A reply that arrives just then is noticed only with a later message, and if there is none, after
    the cell's timeout (https://github.com/jupyter/nbclient/issues/312). To ask the socket for its events wakes whoever
    waits for them.
    """

    def process_message(self, msg: dict[str, Any], cell: nbformat.NotebookNode, cell_index: int) -> Any:
        """Process a message of the kernel as nbclient does, then look at the socket of replies."""
        output = super().process_message(msg, cell, cell_index)
        if self.kc is not None:
            self.kc.shell_channel.socket.get(zmq.EVENTS)
        return output


class Usage(threading.Thread):
    """Watches this process's children (the kernel) ten times a second, from `start()` to `stop()`.

    Attributes:
        peak: their largest resident memory, in bytes.
        cpu: the processor's seconds that they have used, those of their own children included.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.cpu = 0, 0.0
        self._done = threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        while not self._done.wait(0.1):
            self.look()

    def look(self) -> None:
        """Look once."""
        memory, seconds = 0, 0.0
        for child in psutil.Process().children(recursive=True):
            try:
                memory += child.memory_info().rss
                times = child.cpu_times()
                seconds += times.user + times.system
            except psutil.Error:
                continue  # it ended between the two calls
        self.peak, self.cpu = max(self.peak, memory), max(self.cpu, seconds)

    def stop(self) -> None:
        """Stop looking."""
        self._done.set()


_REFERENCE = """
import time
import matplotlib.pyplot, torch, torchvision
from torch.nn import functional
torch.set_num_threads(1)
pictures, kernel = torch.ones(8, 32, 128, 64), torch.ones(32, 32, 3, 3, requires_grad=True)
for _ in range(40):
    functional.conv2d(pictures, kernel, padding=1).relu().mean().backward()
sum(number * number for number in range(3_000_000))
print(time.process_time())
"""


def reference_seconds(rounds: int = 2) -> float:
    """Seconds of the processor for a fixed piece of work, much like a short notebook: a new process imports what they
    import, takes 40 steps through a convolution, and runs a loop of Python.

    Two machines' times compare after each is divided by its own. Convolutions alone would not do: of two
    machines one can be a little faster in them and several times as fast in starting a process. The best of some
    rounds, in one thread.

    >>> reference_seconds(rounds=1) > 0
    True
    """
    alone = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _REFERENCE]
    return min(
        float(subprocess.run(command, env=alone, capture_output=True, encoding="utf-8", check=True).stdout)
        for _ in range(rounds)
    )


def merge_streams(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Join texts that follow one another on the same stream; what stands between two of them keeps its place.

    >>> say = lambda text: nbformat.v4.new_output("stream", text=text)
    >>> [output.text for output in merge_streams([say("a"), say("b")])]
    ['ab']
    """
    merged: list[nbformat.NotebookNode] = []
    for output in outputs:
        last = merged[-1] if merged else None
        both = last is not None and {output.output_type, last.output_type} == {"stream"}
        if both and last.name == output.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def normalise(notebook: nbformat.NotebookNode) -> list[str]:
    """Drop what changes from run to run; return remarks on outputs that will not compare."""
    remarks = []
    notebook.metadata = nbformat.from_dict(METADATA)
    count = 0
    for index, cell in enumerate(notebook.cells):
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in KEPT if key in cell.metadata})
        cell.pop("attachments", None)
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = merge_streams(cell.outputs)
        ignored = "nbval-ignore-output" in cell.metadata.get("tags", [])
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
            output.get("metadata", {}).pop("execution", None)
            text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            if output.output_type == "stream" and output.name == "stderr":
                remarks.append(f"cell {index} writes to stderr: {text.strip()[:120]!r}")
            if ADDRESS.search(text) and not ignored:
                remarks.append(f"cell {index} prints an address: {text.strip()[:120]!r}")
    return remarks


def run(path: Path, timeout: int, store: bool = True) -> dict[str, Any] | None:
    """Run one notebook and, unless told otherwise, write it back; its time and memory, or None if a cell failed."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = Client(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=True,  # interactive_output needs it while running; it is stripped below
        coalesce_streams=False,  # it would move a sentence under a figure to the text above it; see merge_streams
    )
    usage, start = Usage(), time.perf_counter()
    usage.start()
    try:
        client.execute()
    except CellExecutionError as error:
        print(f"{path}: FAILED, left as it was\n{error}")
        return None
    finally:
        usage.stop()
    seconds = time.perf_counter() - start
    remarks = normalise(notebook)
    nbformat.validate(notebook)
    if store:
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    size = path.stat().st_size / 1e3
    print(f"{path}: {seconds:.1f} s, {usage.cpu:.1f} s of CPU · peak {usage.peak / 2**20:.0f} MiB · {size:.0f} kB")
    for remark in remarks:
        print(f"  note: {remark}")
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(usage.cpu, 1),
        "peak_mib": round(usage.peak / 2**20),
        "kb": round(size),
    }


def record(file: Path, mode: str, results: dict[str, dict[str, Any]]) -> None:
    """Add the measurements of one mode to those of earlier runs, each with its command, date and device."""
    from momi_lib.files import write_json
    from momi_lib.provenance import environment

    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    threads = int(os.environ.get("OMP_NUM_THREADS", 1))
    settings = {"mode": mode, "threads": threads, "reference_seconds": round(reference_seconds(), 3)}
    note = environment() | settings
    for name, measured in results.items():
        how = {key: note[key] for key in ("date", "device", "threads", "reference_seconds")}
        known.setdefault(name, {})[mode] = measured | how
    known["how"] = known.get("how", {}) | {mode: note}
    write_json(file, known)


def main() -> None:
    """Run every notebook named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--timeout", type=int, default=600, help="seconds a cell may take")
    parser.add_argument("--full", action="store_true", help="run in full mode, and store no outputs")
    parser.add_argument("--threads", default="1", help="CPU threads of a kernel; stored outputs are made with one")
    parser.add_argument("--measure", type=Path, help="JSON file that receives times and memory")
    arguments = parser.parse_args()
    mode = "full" if arguments.full else "quick"
    os.environ.update(SETTINGS | {"MOMI_MODE": mode, "OMP_NUM_THREADS": arguments.threads})
    results = {path.as_posix(): run(path, arguments.timeout, store=not arguments.full) for path in arguments.notebooks}
    if arguments.measure:
        record(arguments.measure, mode, {name: result for name, result in results.items() if result})
    sys.exit(0 if all(results.values()) else 1)


if __name__ == "__main__":
    main()
