"""The teacher ψ from a file: which one is taken where none is named, and what to do where it is missing."""

from __future__ import annotations

from pathlib import Path

import torch

from momi_lib.arguments import device_from, path_of, size_from
from momi_lib.files import form_of, missing_weights, tensor_metadata, weights_folder
from momi_lib.pose.teacher import FORMAT, Teacher


def load_teacher(
    path: Path | None = None, device: torch.device | str = "cpu", *, input_size: tuple[int, int] | None = None
) -> Teacher:
    """The teacher ψ from a file: ours (safetensors), or an official checkpoint (``.pth``, ``.pth.tar``).

    Which of the two it is, its content says, not its name.

    Args:
        path: ``None`` is the one that comes with the embedded data.
        device: where to put it.
        input_size: (h, w) that an official checkpoint was trained on, where its name does not say so; ours say it.

    Raises:
        FileNotFoundError: with the command that makes one.
        ValueError: for a file that holds something else, or a size that nobody said or that a file of ours denies.
    """
    device = device_from("device", device)
    input_size = None if input_size is None else size_from("input_size (teacher_input)", input_size)
    if path is None:
        path = weights_folder() / "mannequin-teacher.safetensors"
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: the teacher is missing"
                f"{missing_weights(path, 'make it with `python -m momi_lib train-teacher`')}, or pass an official "
                "Simple Baselines checkpoint with --teacher FILE"
            )
    path = path_of("path", path)
    if not _ours(path, input_size):
        return Teacher.from_official(path, input_size=input_size).to(device)
    teacher = Teacher.load(path)
    if input_size is not None and tuple(input_size) != teacher.input_size:
        raise ValueError(
            f"teacher_input: {path.name} says that it was trained on {teacher.input_size}, got {input_size}; "
            "leave the option out"
        )
    return teacher.to(device)


def _ours(path: Path, input_size: tuple[int, int] | None) -> bool:
    """Whether `Teacher.load` is to read a file; an input size stated for foreign safetensors means official ones."""
    try:
        if form_of(path) != "safetensors":
            return False
        return input_size is None or tensor_metadata(path).get("format") == FORMAT
    except (FileNotFoundError, ValueError):  # said by who reads it
        return path.suffix == ".safetensors"
