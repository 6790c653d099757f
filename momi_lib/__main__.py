"""``python -m momi_lib COMMAND``: the command line, made by tyro from the config dataclasses."""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path

import tyro

PROGRAM = "python -m momi_lib"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. A user's mistake is answered by one sentence, not a traceback."""
    from momi_lib.commands import COMMANDS

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    name, *options = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name not in COMMANDS:
        # tyro parses what follows the first word: its unions of commands cannot hold one with presets of its own.
        print(f"usage: {PROGRAM} COMMAND [--help]\n\nMove a person into another person's pose (MOMI-Net).\n")
        for known, command in COMMANDS.items():
            print(f"  {known:<16}{command.__doc__.splitlines()[0]}")
        if name in ("-h", "--help"):
            return 0
        print(f"\nerror: expected one of these commands, got {name!r}", file=sys.stderr)
        return 2
    try:
        tyro.cli(COMMANDS[name], args=options, prog=f"{PROGRAM} {name}")
    except (ValueError, OSError, RuntimeError) as error:
        if type(error) is RuntimeError and not _raised_here(error):
            raise  # no user's mistake: what PyTorch says of itself needs its traceback
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _raised_here(error: BaseException) -> bool:
    """Whether a function of this package raised it, and not one that it called."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return Path(frame.f_code.co_filename).is_relative_to(Path(__file__).parent)


if __name__ == "__main__":
    sys.exit(main())
