"""Files that are whole or not there: atomic writing, hashes, tensors on disk."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor


def write_atomically(path: str | Path, write: Callable[[BinaryIO], Any]) -> Path:
    """Let ``write`` fill a temporary file in the same folder, then put it in place in one step.

    Whoever reads ``path`` finds the old file or the new one and never half of one, also when the process is
    killed or the disk is full. Returns the path.

    >>> path = write_atomically(Path(tempfile.mkdtemp()) / "a.txt", lambda file: file.write(b"hello"))
    >>> path.read_text()
    'hello'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's files are for their owner alone
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def write_json(path: str | Path, content: Any) -> Path:
    """Write ``content`` as indented JSON, atomically."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    return write_atomically(path, lambda file: file.write(text.encode()))


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_tensors(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> Path:
    """Write safetensors atomically; tensors are moved to the CPU and made contiguous."""
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = save(plain, dict(metadata or {}))
    return write_atomically(path, lambda file: file.write(content))


def load_tensors(path: str | Path) -> dict[str, Tensor]:
    """Tensors of a ``.safetensors`` file, or of a ``torch.save`` file read without running code from it.

    Half-precision tensors of a ``.safetensors`` file come back as float32, ready to compute with on a CPU.

    Raises:
        FileNotFoundError, ValueError: which name the file and what was expected.

    >>> path = save_tensors(Path(tempfile.mkdtemp()) / "w.safetensors", {"a": torch.ones(2).half()})
    >>> load_tensors(path)
    {'a': tensor([1., 1.])}
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected weights as .safetensors or .pth")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            loaded = load_file(path)
            return {k: v.float() if v.dtype == torch.float16 else v for k, v in loaded.items()}
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path}: cannot be read as weights ({error}); expected a whole .safetensors file or a "
            "state dict written by torch.save. Copy or download the file again."
        ) from error
    if not isinstance(loaded, Mapping) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise ValueError(f"{path}: expected a state dict (names and tensors), got {type(loaded).__name__}")
    return dict(loaded)


def tensor_metadata(path: str | Path) -> dict[str, str]:
    """The metadata of a ``.safetensors`` file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: cannot be read as a safetensors file ({error})") from error


def weights_folder() -> Path:
    """``$MOMI_WEIGHTS``, or ``data/weights`` beside the package."""
    return Path(os.environ.get("MOMI_WEIGHTS") or Path(__file__).resolve().parents[1] / "data" / "weights")
