"""What a run leaves behind for people: a JSONL log and grids of pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from momi_lib.files import write_atomically


class JsonLog:
    """One JSON object a line, appended and flushed, so that a killed run keeps what it said.

    >>> import tempfile
    >>> log = JsonLog(Path(tempfile.mkdtemp()) / "log.jsonl")
    >>> log.write({"step": 1, "recon": 0.5})
    >>> read_log(log.path)
    [{'step': 1, 'recon': 0.5}]
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, line: dict[str, Any]) -> None:
        """Append ``line``."""
        with open(self.path, "ab") as file:
            file.write(_text(line))

    def rewind(self, step: int) -> None:
        """Drop the lines after ``step``: a resumed run says them again."""
        if self.path.is_file():
            kept = [line for line in read_log(self.path) if line.get("step", 0) <= step]
            content = b"".join(map(_text, kept))
            write_atomically(self.path, lambda file: file.write(content))


def _text(line: dict[str, Any]) -> bytes:
    """A line in UTF-8. Bytes of a file name that are no text, which Python keeps as surrogates, are escaped in it."""
    return (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; a last line that was cut off while being written is left out."""
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return lines
