"""The teacher's maps of a data set, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors.torch
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from momi_lib import files
from momi_lib.data.cache import cache_folder

if TYPE_CHECKING:
    from momi_lib.data import People

log = logging.getLogger(__name__)

SETTINGS = (
    "input_size",
    "map_size",
    "official",
    "flip",
    "sigma",
    "short_side",
    "least",
)  # of any teacher, for the key


def teacher_maps(teacher: nn.Module, people: People, *, cache: bool = True, batch: int = 64) -> Tensor:
    """The heatmaps ψ(x) of every picture, computed once: the targets of Eq. 1 (used in notebook 02).

    The teacher does not change while F_p learns, so its maps are kept under $MOMI_CACHE (or ~/.cache/momi).
    The key is the SHA-256 of the teacher's weights and settings together with the fingerprint of the
    pictures: another teacher or a changed picture is another key. A damaged file is noticed and computed
    again.

    Args:
        teacher: (N, 3, H, W) in [-1, 1] → (N, 17, h', w'); it is used in eval mode and without gradients, on
            the device where its weights are, and left in the mode it was in.
        people: with `pictures` uint8 (N, 3, H, W) and `fingerprint`.
        cache: whether to read and write the file.
        batch: pictures at a time.

    Returns:
        (N, 17, h', w') float16 on the CPU, at the teacher's own resolution.

    Raises:
        ValueError: no pictures, or a teacher that answers NaN or infinity.

    >>> from types import SimpleNamespace
    >>> people = SimpleNamespace(pictures=torch.zeros(2, 3, 8, 8, dtype=torch.uint8), fingerprint="")
    >>> teacher_maps(nn.AvgPool2d(4), people, cache=False).shape
    torch.Size([2, 3, 2, 2])
    """
    if len(people.pictures) == 0:
        raise ValueError("teacher_maps: expected at least one picture, got none; look at the folder and the split")
    path = cache_folder("teacher-maps") / f"{teacher_key(teacher, people.fingerprint)}.safetensors"
    maps = _read(path) if cache else None
    if maps is not None:
        return maps
    maps = _compute(teacher, people.pictures, batch)
    if cache:
        try:
            files.save_tensors(path, {"maps": maps})
            # The hash comes last: a file without it does not count.
            files.write_atomically(_seal(path), lambda file: file.write(files.sha256(path).encode()))
        except OSError as error:
            log.warning("the maps are not cached in %s (%s); set MOMI_CACHE to a writable folder", path.parent, error)
    return maps


def teacher_key(teacher: nn.Module, fingerprint: str) -> str:
    """SHA-256 of a teacher's weights, what else decides its maps, and the fingerprint of the pictures.

    >>> layer = nn.Linear(2, 2)
    >>> before = teacher_key(layer, "pictures")
    >>> _ = layer.weight.data.add_(1)
    >>> before == teacher_key(layer, "pictures")
    False
    """
    digest = hashlib.sha256()
    settings = [type(teacher).__name__, fingerprint]
    settings += [str(getattr(teacher, name, None)) for name in SETTINGS]
    digest.update("\n".join(settings).encode())
    for name, value in sorted(teacher.state_dict().items()):
        value = value.detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


@torch.no_grad()
def _compute(teacher: nn.Module, pictures: Tensor, batch: int) -> Tensor:
    device = next((value.device for value in teacher.state_dict().values()), pictures.device)
    training = teacher.training
    teacher.eval()
    maps = []
    try:
        chunks = pictures.split(batch)
        # No bar for seconds of work: a lesson shall look the same whether its maps were kept or not.
        for chunk in tqdm(chunks, desc="the teacher's maps", leave=False, disable=len(chunks) < 30):
            # momi_lib.data.to_float on the teacher's device, so that bytes travel and not floats
            answer = teacher(chunk.to(device).float() / 127.5 - 1)
            if not torch.isfinite(answer).all():
                raise ValueError(
                    f"teacher_maps: {getattr(teacher, 'name', 'the teacher')} answers NaN or infinity; "
                    "its weights are damaged, or it was trained with too high a learning rate"
                )
            maps.append(answer.half().cpu())
    finally:
        teacher.train(training)
    return torch.cat(maps)


def _seal(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _read(path: Path) -> Tensor | None:
    if not path.is_file() or not _seal(path).is_file():
        return None
    if files.sha256(path) != _seal(path).read_text().strip():
        log.warning("the cached maps %s are damaged; they are computed again", path)
        return None
    return safetensors.torch.load_file(path)["maps"]
