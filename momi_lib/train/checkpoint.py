"""Checkpoints that are whole, vouched for, and enough to go on as if nothing had happened."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from momi_lib.files import sha256, write_atomically

log = logging.getLogger(__name__)


def save_checkpoint(folder: Path, step: int, state: dict[str, Any], *, keep: int = 2) -> Path:
    """Write ``state`` as ``checkpoint-<step>.pt`` with its SHA-256 beside it, then drop older ones.

    The hash is written after the file, so a file without one is a write that did not finish.

    Args:
        folder: the run's folder.
        step: number of finished steps.
        state: tensors, numbers and texts in dicts and lists (it is read back with ``weights_only=True``).
        keep: how many checkpoints to leave.
    """
    path = folder / f"checkpoint-{step:08d}.pt"
    write_atomically(path, lambda file: torch.save(state, file))
    write_atomically(path.with_suffix(".sha256"), lambda file: file.write(sha256(path).encode()))
    for old in sorted(folder.glob("checkpoint-*.pt"))[:-keep]:
        old.with_suffix(".sha256").unlink(missing_ok=True)
        old.unlink()
    return path


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read one checkpoint and check it against its hash.

    Raises:
        FileNotFoundError: where it is not there.
        ValueError: where the hash is missing or does not fit: half written or damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    vouched = path.with_suffix(".sha256")
    if not vouched.is_file() or vouched.read_text() != sha256(path):
        raise ValueError(f"{path}: does not fit its SHA-256; it was half written or has been damaged since")
    return torch.load(path, map_location="cpu", weights_only=True)


def latest_checkpoint(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint in ``folder`` that is whole, or ``None`` where there is none at all.

    A damaged one is passed over with a warning.

    Raises:
        ValueError: where there are checkpoints and none is whole: going on would silently start anew.
    """
    paths = sorted(folder.glob("checkpoint-*.pt"), reverse=True)
    for path in paths:
        try:
            return path, load_checkpoint(path)
        except ValueError as error:
            log.warning("passed over: %s", error)
    if paths:
        raise ValueError(f"{folder}: none of its {len(paths)} checkpoints is whole; train again into another folder")
    return None
