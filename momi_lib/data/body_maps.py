"""Body maps as labels: where on the standing reference body each place of a picture lies.

A label is (3, H/2, W/2) metres, X the person's left, Y backwards, Z up, the root of the standing body at 0; NaN where
nothing of the person is seen. Only a renderer knows it; `python -m tools.mannequins body-maps` writes the four sets
that lie in `data/body_maps`: of the training pictures, of the test pictures, of some true swaps, and of bodies in any
pose. A set is a PNG
of all maps one below the other (8 bits an axis, :data:`STEP` metres each, 0 where there is nothing) and an NPZ with
what belongs to each map.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from momi_lib.data.labels import LabelError, check_places
from momi_lib.data.records import EMBEDDED, data_folder
from momi_lib.files import likest, what_is

__all__ = ["AnyPoses", "BodyLabels", "encode_body_maps", "load_any_poses", "load_body_labels", "load_true_maps"]

LOWEST = np.array([-0.64, -0.40, -1.04], np.float32)  # metres of the code 1
STEP = 0.008  # metres
HALF = (64, 32)
#: What belongs to each map of a set: the kinds of NumPy's types, and the shape of an entry.
FACTS: dict[str, dict[str, tuple[str, tuple[int, ...]]]] = {
    "pictures": {"files": ("U", ()), "whole": ("b", ())},
    "any_pose": {"joints": ("f", (17, 2)), "inside": ("b", (17,)), "persons": ("iu", ())},
    "truth": {"rows": ("iu", ())},
}


@dataclass(frozen=True, eq=False, repr=False)
class BodyLabels:
    """Labels of N pictures.

    Attributes:
        codes: (N, H/2, W/2, 3) uint8 as stored.
        whole: (N,) bool, false where something stands in front of the person.
    """

    codes: Tensor
    whole: Tensor

    def __len__(self) -> int:
        return len(self.codes)

    def maps(self, index: Tensor, flips: Tensor | None = None) -> Tensor:
        """Labels (n, 3, H/2, W/2) float32 metres of the pictures at `index`, NaN outside; mirrored where `flips`.

        >>> labels = BodyLabels(torch.tensor([[[[81, 51, 131], [0, 0, 0]]]]).byte(), torch.tensor([True]))
        >>> labels.maps(torch.tensor([0])).round(decimals=3).flatten().tolist()
        [0.0, nan, 0.0, nan, 0.0, nan]
        """
        return _metres(self.codes[index], flips)

    def to(self, device: torch.device | str) -> BodyLabels:
        """The same labels on `device`."""
        return BodyLabels(self.codes.to(device), self.whole.to(device))


@dataclass(frozen=True, eq=False, repr=False)
class AnyPoses:
    """N bodies of the training people in any pose, without pictures.

    Attributes:
        codes: (N, H/2, W/2, 3) uint8 as stored.
        joints: (N, 17, 2) float32 (x, y) in pixels of a picture.
        inside: (N, 17) bool, whether the joint lies in the picture.
        persons: (N,) int64.
    """

    codes: Tensor
    joints: Tensor
    inside: Tensor
    persons: Tensor

    def __len__(self) -> int:
        return len(self.codes)

    def maps(self, index: Tensor, flips: Tensor | None = None) -> Tensor:
        """As :meth:`BodyLabels.maps`."""
        return _metres(self.codes[index], flips)

    def to(self, device: torch.device | str) -> AnyPoses:
        """The same bodies on `device`."""
        return AnyPoses(*(part.to(device) for part in (self.codes, self.joints, self.inside, self.persons)))


def _metres(codes: Tensor, flips: Tensor | None) -> Tensor:
    lowest = torch.from_numpy(LOWEST).to(codes.device)
    metres = (codes.float() - 1) * STEP + lowest
    metres = torch.where((codes == 0).all(-1, keepdim=True), torch.nan, metres).permute(0, 3, 1, 2)
    if flips is None:
        return metres
    mirrored = metres.flip(-1) * metres.new_tensor([-1.0, 1.0, 1.0])[:, None, None]
    return torch.where(flips[:, None, None, None], mirrored, metres)


def encode_body_maps(maps: np.ndarray) -> bytes:
    """Maps (N, H, W, 3) in metres, NaN outside, as one PNG.

    >>> len(encode_body_maps(np.zeros((1, 64, 32, 3), np.float32))) < 300
    True
    """
    codes = np.rint((np.nan_to_num(maps) - LOWEST) / STEP + 1).clip(1, 255)
    codes = np.where(np.isfinite(maps).all(-1, keepdims=True), codes, 0).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(codes.reshape(-1, maps.shape[2], 3)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def load_body_labels(folder: str | os.PathLike[str] | None, split: str, files: tuple[str, ...]) -> BodyLabels:
    """Labels of the pictures `files` of a data folder's split, "train" or "test".

    Args:
        folder: data folder; None is $MOMI_DATA or the embedded mannequins, whose labels lie beside them in
            `data/body_maps`. Another folder's are looked for in its own `body_maps`.

    Raises:
        FileNotFoundError: where the folder has none, with the command that makes them.
        LabelError: where they belong to other pictures or are damaged.
    """
    path = _folder(folder) / f"{split}.png"
    codes, facts = _read(path)
    place: dict[str, int] = {}
    for index, file in enumerate(map(str, facts["files"])):
        if place.setdefault(file, index) != index:
            raise LabelError(f"{path.with_suffix('.npz')}: {file} occurs twice, expected one body map a picture.")
    missing = [file for file in files if file not in place]
    if missing:
        raise LabelError(
            f"{path}: has no body map of {len(missing)} of {len(files)} pictures, the first is {missing[0]}; there "
            f"is, for example, {likest(missing[0], place)!r}. Make the labels of this data set with "
            "`python -m tools.mannequins body-maps FOLDER`."
        )
    index = torch.tensor([place[file] for file in files])
    return BodyLabels(codes[index], torch.from_numpy(facts["whole"])[index])


def load_any_poses(folder: str | os.PathLike[str] | None = None) -> AnyPoses:
    """The bodies in any pose. Raises as :func:`load_body_labels`."""
    path = _folder(folder) / "any_pose.png"
    codes, facts = _read(path)
    joints, inside, persons = (torch.from_numpy(facts[name]) for name in ("joints", "inside", "persons"))
    where = f"{path.with_suffix('.npz')}: joints"
    if not joints[inside].isfinite().all():
        raise LabelError(f"{where} that lie inside of the picture are not all finite. Make the labels again.")
    extents = np.array([[2 * HALF[1], 2 * HALF[0]]]).repeat(len(joints), 0)
    names = [f"{where} of body {number}" for number in range(len(joints))]
    check_places(facts["joints"].astype(np.float64), facts["inside"], extents, names)
    return AnyPoses(codes, joints.float(), inside, persons.long())


def load_true_maps(folder: str | os.PathLike[str] | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The true maps of every tenth true swap: what exact correspondences would be made of.

    Returns rows (M,) of the true swaps, and maps (M, 3, H/2, W/2) in metres of their sources and of their answers.

    Raises as :func:`load_body_labels`.
    """
    path = _folder(folder) / "truth.png"
    codes, facts = _read(path)
    rows = facts["rows"]
    pairs = rows[: len(rows) // 2 * 2].reshape(-1, 2)
    if len(rows) % 2 or (pairs[:, 0] != pairs[:, 1]).any() or len(np.unique(rows)) != len(pairs) or (rows < 0).any():
        raise LabelError(
            f"{path.with_suffix('.npz')}: expected as rows each true swap twice in turn, for its source and its "
            "answer. Make the labels again."
        )
    maps = _metres(codes, None)
    return torch.from_numpy(rows[::2]).long(), maps[::2], maps[1::2]


def _folder(folder: str | os.PathLike[str] | None) -> Path:
    root = data_folder(folder)
    own = root / "body_maps"
    return own if own.is_dir() or root.resolve() != EMBEDDED.resolve() else EMBEDDED.parent / "body_maps"


def _read(path: Path) -> tuple[Tensor, dict[str, np.ndarray]]:
    """Codes (N, H/2, W/2, 3) and what belongs to them; kept, because a PNG of 9,000 maps takes a second to read."""
    if not path.is_file() or not path.with_suffix(".npz").is_file():
        raise FileNotFoundError(
            f"{path}: these data have no body maps. `python -m tools.mannequins body-maps FOLDER` makes them for "
            "rendered people; for photographs train with --body-labels committed --body-steps 0, which takes the "
            "committed maps as they are."
        )
    states = [(each.stat().st_mtime_ns, each.stat().st_size) for each in (path, path.with_suffix(".npz"))]
    return _decoded(path.resolve(), tuple(states))


@lru_cache(4)
def _decoded(path: Path, states: tuple[tuple[int, int], ...]) -> tuple[Tensor, dict[str, np.ndarray]]:
    """As `_read`; `states` of the two files, so that changed ones are read again."""
    try:
        with Image.open(path, formats=("PNG",)) as sheet:
            if sheet.mode != "RGB" or sheet.width != HALF[1] or sheet.height % HALF[0]:
                raise ValueError(f"got a picture of {sheet.width} x {sheet.height} in {sheet.mode}")
            codes = np.asarray(sheet).reshape(-1, *HALF, 3)
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as facts:
            known = dict(facts)
    # What NumPy says of a damaged archive depends on where it is damaged.
    except (OSError, ValueError, SyntaxError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError,
            KeyError) as error:  # fmt: skip
        known_kinds = ((path, "picture"), (path.with_suffix(".npz"), "NumPy"))
        others = [f"{each.name} is {what}" for each, kind in known_kinds if (what := what_is(each, kind))]
        why = "; ".join(others) or error
        raise LabelError(f"{path} and .npz: expected body maps of {HALF[0]} x {HALF[1]} places ({why}).") from error
    facts_of = path.with_suffix(".npz")
    for name, (kinds, shape) in FACTS[path.stem if path.stem in FACTS else "pictures"].items():
        value = known.get(name)
        if value is None or value.dtype.kind not in kinds or value.shape[1:] != shape or not value.ndim:
            got = "nothing" if value is None else f"{value.dtype} {value.shape}"
            raise LabelError(f"{facts_of}: expected {name!r}, one entry a map, got {got}. Make the labels again.")
    if any(len(value) != len(codes) for value in known.values()):
        raise LabelError(f"{path}: holds {len(codes)} maps, {facts_of.name} another number.")
    return torch.from_numpy(codes.copy()), known
