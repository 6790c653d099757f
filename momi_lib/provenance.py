"""What must stand beside every result: command, device, versions, date."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

import torch

from momi_lib.files import project_folder, sha256


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def peak_memory() -> int | None:
    """The largest resident memory of this process so far, in MiB, libraries included; ``None`` on Windows."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 2**10)


def environment(device: torch.device | str = "cpu") -> dict[str, Any]:
    """Device, threads, versions and date of a result, ready for JSON.

    >>> sorted(environment())
    ['command', 'date', 'device', 'threads', 'versions']
    """
    import torchvision  # takes more than a second

    import momi_lib

    device = torch.device(device)
    return {
        "command": command_line(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "momi_lib": momi_lib.__version__,
        },
    }


def device_name(device: torch.device) -> str:
    """What a result says of the device that computed it.

    >>> device_name(torch.device("cpu"))[:5]
    'CPU, '
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{'Apple GPU (MPS)' if device.type == 'mps' else 'CPU'}, {cpu_name()}"


def command_line() -> str:
    """The command that is running, as a reader would type it.

    >>> isinstance(command_line(), str)
    True
    """
    program = Path(sys.argv[0] or "python")
    if program.name == "__main__.py":
        words = ["python", "-m", program.parent.name]
    elif program.suffix == ".py":
        words = ["python", f"{program.parent.name}/{program.name}"]
    else:
        words = [program.name]
    return _text(shlex.join([*words, *sys.argv[1:]]))


def _text(words: str) -> str:
    """Text that can be written in UTF-8: bytes of a file name that are none, kept as surrogates, become escapes.

    >>> _text("runs/b" + chr(0xDCFF)) == "runs/b" + chr(92) + "udcff"
    True
    """
    return words.encode("utf-8", "backslashreplace").decode("utf-8")


def begun_with(path: Path) -> dict[str, Any]:
    """What a card says of the weights that a run began with: their hash and, from the card beside them, their making.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "start.safetensors"
    >>> _ = path.write_bytes(b"")
    >>> sorted(begun_with(path))
    ['file', 'sha256']
    """
    facts = {"file": Path(path).name, "sha256": sha256(path)}
    card = Path(path).with_suffix(".json")
    if card.is_file():
        known = json.loads(card.read_text(encoding="utf-8"))
        told = ("command", "date", "device", "steps", "hours", "minutes", "seconds", "data")
        facts |= {k: known[k] for k in told if k in known}
        facts |= {k: known[k] for k in ("begun_with", "student_begun_with") if k in known}
    return facts


def runs_behind(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The run of a card and those whose weights it began with, the last one first; each has its steps and hours.

    >>> [run["steps"] for run in runs_behind({"steps": 20, "begun_with": {"steps": 300}})]
    [20, 300]
    """
    runs: list[Mapping[str, Any]] = []
    while card:
        runs.append(card)
        card = card.get("begun_with", {})
    return runs


def plain(value: Any) -> Any:
    """A config as dicts, lists, numbers and texts; paths become texts with ``/``, those inside the project relative.

    >>> from momi_lib.losses import LossWeights
    >>> plain(LossWeights(patch=0))["patch"]
    0
    """
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if not isinstance(value, PurePath):
        return value
    project = project_folder()  # where it lies on a machine is nobody's business
    return _text((value.relative_to(project) if value.is_relative_to(project) else value).as_posix())
