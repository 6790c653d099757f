"""``python -m momi_lib COMMAND``: the command line, made by tyro from the config dataclasses."""

from __future__ import annotations

import logging
import sys

import tyro


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. A user's mistake is answered by one sentence, not a traceback."""
    from momi_lib.commands import COMMANDS

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            args=arguments,
            prog="python -m momi_lib",
            description="Move a person into another person's pose (MOMI-Net).",
            config=(
                tyro.conf.CascadeSubcommandArgs,
                tyro.conf.OmitArgPrefixes,
                tyro.conf.OmitSubcommandPrefixes,
            ),
        )
    except (ValueError, FileNotFoundError, FileExistsError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
