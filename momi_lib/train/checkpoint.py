"""Checkpoints that are whole, vouched for, and enough to go on as if nothing had happened."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from momi_lib.files import sha256, write_atomically
from momi_lib.translate.weights import CHECKPOINTS

log = logging.getLogger(__name__)


def save_checkpoint(folder: Path, step: int, state: dict[str, Any], *, keep: int = 2) -> Path:
    """Write ``state`` as ``checkpoint-<step>.pt`` with its SHA-256 beside it, then drop older ones.

    The hash is written after the file, so a file without one is a write that did not finish.

    Args:
        folder: the run's folder.
        step: number of finished steps.
        state: tensors, numbers and texts in dicts and lists (it is read back with ``weights_only=True``).
        keep: how many checkpoints to leave.

    Raises:
        OSError: where it cannot be written; those before it stay.
    """
    path = folder / f"checkpoint-{step:08d}.pt"
    was_whole = path.is_file() and path.with_suffix(".sha256").is_file()
    try:
        write_atomically(path, lambda file: torch.save(state, file))
        write_atomically(path.with_suffix(".sha256"), lambda file: file.write(sha256(path).encode()))
    except (OSError, RuntimeError) as error:
        # torch.save hides what the disk said: "[enforce fail at inline_container.cc] unexpected pos".
        reason = error.__context__ if isinstance(error, RuntimeError) else error
        if not isinstance(reason, OSError):
            raise
        if not was_whole:  # without its hash it is of no use, and takes room
            path.unlink(missing_ok=True)
        raise OSError(reason.errno, reason.strerror or str(reason), str(path)) from error
    for old in sorted(folder.glob(CHECKPOINTS))[:-keep]:
        old.with_suffix(".sha256").unlink(missing_ok=True)
        old.unlink()
    return path


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read one checkpoint and check it against its hash.

    Raises:
        FileNotFoundError: where it is not there.
        ValueError: where the hash is missing or does not fit, half written or damaged, or the content is no checkpoint.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    vouched = path.with_suffix(".sha256")
    if not vouched.is_file() or vouched.read_text(encoding="utf-8", errors="replace").strip() != sha256(path):
        raise ValueError(f"{path}: does not fit its SHA-256; it was half written or has been damaged since")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises depends on where and how the content is another
        raise ValueError(
            f"{path}: cannot be read as a checkpoint ({_first_line(error)}); it was written by another program or by "
            "another version of PyTorch"
        ) from error
    if not isinstance(state, dict):
        raise ValueError(f"{path}: expected a checkpoint of a training run, got a {type(state).__name__}")
    return state


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(". ")


def whole_checkpoints(folder: Path) -> list[Path]:
    """Checkpoints whose hash has been written, the newest first.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> [save_checkpoint(folder, step, {"trainer": {"step": step}}).name for step in (1, 2)]
    ['checkpoint-00000001.pt', 'checkpoint-00000002.pt']
    >>> [path.name for path in whole_checkpoints(folder)]
    ['checkpoint-00000002.pt', 'checkpoint-00000001.pt']
    """
    return [path for path in sorted(folder.glob(CHECKPOINTS), reverse=True)
            if path.with_suffix(".sha256").is_file()]  # fmt: skip


def latest_checkpoint(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint in ``folder`` that is whole, or ``None`` where there is none at all.

    A damaged one is passed over with a warning.

    Raises:
        ValueError: where there are checkpoints and none is whole: going on would silently start anew.
    """
    paths = sorted(folder.glob(CHECKPOINTS), reverse=True)
    for path in paths:
        try:
            return path, load_checkpoint(path)
        except ValueError as error:
            log.warning("passed over: %s", error)
    if paths:
        raise ValueError(f"{folder}: none of its {len(paths)} checkpoints is whole; train again into another folder")
    return None
