"""The teacher's maps of a data set, computed once and kept on disk: all at first, or each when it is needed.

The teacher always looks at ``CHUNK`` pictures at a time. A convolution may be computed in another order for another
number of pictures: measured on one core, of the mannequin teacher's maps at 4 or 8 pictures a time 1.4 % differ, in
the last digit of float16, from those at 16, 32 or 64, which are equal to the last bit of float32; whose neighbours a
picture had never mattered. So with one number the maps are the same, whether they were made in order or not."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from momi_lib import files
from momi_lib.arguments import check_bytes, check_has, check_network, device_from, flag, index_of, whole
from momi_lib.data.cache import cache_folder
from momi_lib.progress import hidden_if

if TYPE_CHECKING:
    from momi_lib.data import People

log = logging.getLogger(__name__)

CHUNK = 16  # pictures that the teacher looks at together; as fast as 64 on a CPU, and a small batch waits less

SETTINGS = (
    "input_size",
    "map_size",
    "official",
    "flip",
    "sigma",
    "short_side",
    "least",
)  # of any teacher, for the key


def teacher_maps(teacher: nn.Module, people: People, *, cache: bool = True, batch: int = CHUNK) -> Tensor:
    """The heatmaps ψ(x) of every picture, computed once: the targets of Eq. 1 (used in notebook 02).

    The teacher does not change while F_p learns, so its maps are kept under $MOMI_CACHE (or ~/.cache/momi).
    The key is the SHA-256 of the teacher's weights and settings together with the fingerprint of the
    pictures: another teacher or a changed picture is another key. A damaged file is noticed and computed
    again. What :class:`TeacherMaps` has left unfinished is used and finished.

    Args:
        teacher: (N, 3, H, W) in [-1, 1] → (N, 17, h', w'); it is used in eval mode and without gradients, on
            the device where its weights are, and left in the mode it was in.
        people: with `pictures` uint8 (N, 3, H, W) and `fingerprint`.
        cache: whether to read and write the file.
        batch: pictures at a time; another number may change the last digit of a map.

    Returns:
        (N, 17, h', w') float16 on the CPU, at the teacher's own resolution.

    Raises:
        ValueError: no pictures, or a teacher that answers NaN or infinity.

    >>> from types import SimpleNamespace
    >>> people = SimpleNamespace(pictures=torch.zeros(2, 3, 8, 8, dtype=torch.uint8), fingerprint="")
    >>> teacher_maps(nn.AvgPool2d(4), people, cache=False).shape
    torch.Size([2, 3, 2, 2])
    """
    batch = whole("batch", batch)
    maps = TeacherMaps(teacher, people, cache=cache, batch=batch)
    if maps.complete:
        return maps.made
    chunks = (~maps.known).nonzero()[:, 0].split(batch)
    # No bar for seconds of work: a lesson shall look the same whether its maps were kept or not.
    for chunk in tqdm(chunks, desc="the teacher's maps", leave=False, **hidden_if(len(chunks) < 120)):
        maps.make(chunk)
    return maps.made


class TeacherMaps:
    """The same maps, each made when it is first asked for: a training starts without waiting for all of them.

    ``maps[index]`` is what ``teacher_maps(teacher, people)[index]`` is, bit by bit. Where some of ``index`` are
    missing the teacher is asked for them, and for others of those still missing up to a full chunk, so that nothing
    is computed twice. The file of `teacher_maps` is used if it is there, and written when the last map is made.

    Args:
        teacher, people, cache, batch: as for :func:`teacher_maps`.

    Attributes:
        known: (N,) bool on the CPU, which maps are made.

    Raises:
        ValueError: no pictures; later, from indexing, a teacher that answers NaN or infinity.

    Source: MOMI-Net Eq. 1; training uses it from its first step on.

    >>> from types import SimpleNamespace
    >>> people = SimpleNamespace(pictures=torch.zeros(40, 3, 8, 8, dtype=torch.uint8), fingerprint="")
    >>> maps = TeacherMaps(nn.AvgPool2d(4), people, cache=False)
    >>> maps[torch.tensor([7, 30])].shape, int(maps.known.sum())
    (torch.Size([2, 3, 2, 2]), 16)
    """

    def __init__(self, teacher: nn.Module, people: People, *, cache: bool = True, batch: int = CHUNK) -> None:
        check_network("teacher", teacher, "a pose network", resting=False)  # it is put into evaluation mode
        check_has("people", people, "People, as momi_lib.data.load gives them", "pictures", "fingerprint")
        check_bytes("people.pictures", people.pictures, empty=True)
        cache, batch = flag("cache", cache), whole("batch", batch)
        count = len(people.pictures)
        if count == 0:
            raise ValueError("teacher_maps: expected at least one picture, got none; look at the folder and the split")
        self.teacher: nn.Module | None = teacher
        self.pictures, self.batch = people.pictures, min(batch, count)
        self.maps: Tensor | None = None  # (N, 17, h', w') float16, from the first answer on
        self.known = torch.zeros(count, dtype=torch.bool)
        self.device = torch.device("cpu")
        self.path: Path | None = None
        self.part: Path | None = None
        self._saved = 0
        if not cache:
            return
        self.path = cache_folder("teacher-maps") / f"{teacher_key(teacher, people.fingerprint)}.safetensors"
        self.part = self.path.with_name(f"{self.path.stem}-part.safetensors")
        if (kept := _read(self.path)) is not None:
            self.maps = kept["maps"]
            self.known[:] = True
        elif (kept := _read(self.part)) is not None:
            self.maps, self.known = kept["maps"], kept["known"]
        self._saved = int(self.known.sum())

    def __len__(self) -> int:
        return len(self.known)

    @property
    def complete(self) -> bool:
        """Whether all maps are made, so that the teacher is needed no more."""
        return bool(self.known.all())

    @property
    def made(self) -> Tensor:
        """All maps, (N, 17, h', w') float16; those that are not known yet are zero."""
        assert self.maps is not None  # a file held them, or the first answer made room
        return self.maps

    def to(self, device: torch.device | str) -> TeacherMaps:
        """Keep the maps on ``device``, where training asks for them; in place. The teacher stays where it is."""
        self.device = device_from("device", device)
        self.maps = None if self.maps is None else self.maps.to(self.device)
        return self

    def __getitem__(self, index: Tensor) -> Tensor:
        """The maps of the pictures ``index`` (M,), (M, 17, h', w') float16, on the device of :meth:`to`."""
        ready = self.complete and self.device.type != "cpu" and isinstance(index, Tensor) and index.ndim == 1
        if ready and index.dtype == torch.int64:  # a look at the indices waits for a GPU, so only where it must
            return self.made[index.to(self.device)]
        wanted = index_of("index", index, len(self))
        while len(missing := wanted[~self.known[wanted]].unique()):
            self.make(missing[: self.batch])
        return self.made[wanted.to(self.device)]

    def make(self, chunk: Tensor) -> None:
        """Ask the teacher for the pictures ``chunk`` (at most ``batch``) and for as many others as fill it up."""
        chunk = index_of("chunk", chunk, len(self))
        free = self.known.clone()
        free[chunk] = True
        others = torch.cat([(~free).nonzero()[:, 0], self.known.nonzero()[:, 0]])
        chunk = torch.cat([chunk, others[: max(0, self.batch - len(chunk))]])
        assert self.teacher is not None  # it is let go with the last map
        maps = _answer(self.teacher, self.pictures[chunk.to(self.pictures.device)]).to(self.device)
        if self.maps is None:
            self.maps = self._room(maps)
        self.maps[chunk.to(self.device)] = maps
        self.known[chunk] = True
        if self.complete:
            self.save()
            self.teacher = None  # nobody asks it again, and it takes memory

    def _room(self, maps: Tensor) -> Tensor:
        """Zeros for the maps of all pictures; on a CPU they take memory only as they are filled, of 17 GB a million."""
        shape = (len(self), *maps.shape[1:])
        if self.device.type != "cpu":
            return maps.new_zeros(shape)
        return torch.from_numpy(np.zeros(shape, np.float16))  # PyTorch's own zeros are written at once

    def save(self) -> None:
        """Write what is new: the file that `teacher_maps` reads where all maps are made, else a part beside it."""
        done = int(self.known.sum())
        if self.path is None or self.part is None or done == self._saved:
            return
        try:
            if done == len(self):
                _write(self.path, {"maps": self.made})
                for old in (_seal(self.part), self.part):
                    old.unlink(missing_ok=True)
            else:
                _write(self.part, {"maps": self.made, "known": self.known})
        except OSError as error:
            folder = self.path.parent
            log.warning("the maps are not cached in %s (%s); set MOMI_CACHE to a writable folder", folder, error)
        self._saved = done


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
def _answer(teacher: nn.Module, pictures: Tensor) -> Tensor:
    """What the teacher says of bytes (N, 3, H, W): maps in float16, on its device."""
    device = next((value.device for value in teacher.state_dict().values()), pictures.device)
    training = teacher.training
    teacher.eval()
    try:
        with torch.autocast(device.type, enabled=False):
            # momi_lib.data.to_float on the teacher's device, so that bytes travel and not floats
            answer = teacher(pictures.to(device).float() / 127.5 - 1)
    finally:
        teacher.train(training)
    if not torch.isfinite(answer).all():
        raise ValueError(
            f"teacher_maps: {getattr(teacher, 'name', 'the teacher')} answers NaN or infinity; "
            "its weights are damaged, or it was trained with too high a learning rate"
        )
    return answer.half()


def _seal(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    files.save_tensors(path, tensors)
    # The hash comes last: a file without it does not count.
    files.write_atomically(_seal(path), lambda file: file.write(files.sha256(path).encode()))


def _read(path: Path) -> dict[str, Tensor] | None:
    if not os.path.isfile(path) or not os.path.isfile(_seal(path)):  # nor where they may not be looked at
        return None
    if files.sha256(path) != _seal(path).read_text(encoding="utf-8", errors="replace").strip():
        log.warning("the cached maps %s are damaged; they are computed again", path)
        return None
    return files.released(safetensors.torch.load_file(path))
