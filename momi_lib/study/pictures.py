"""Pictures of a study: a few swaps as every variant drew them, in one small JPEG next to the JSON of the study.

The weights of a study are not published; these pictures show what they draw. A seed decides which swaps are shown.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from momi_lib.data import load_truth
from momi_lib.devices import pick
from momi_lib.evaluate.answers import swap_all
from momi_lib.evaluate.figure import choose
from momi_lib.evaluate.pairs import Pairs
from momi_lib.files import sha256, write_atomically
from momi_lib.metrics.true_swaps import masked_l1, masked_ssim
from momi_lib.translate import load_network

COUNT, CHOICE = 8, 0
MOST = 400_000  # bytes: the file is committed to the repository
GIVEN = ("source", "target", "truth")


@dataclass(frozen=True, eq=False)
class StudyPictures:
    """P swaps, each as C columns.

    Attributes:
        columns: what was given (``source``, ``target`` and, if there is one, ``truth``), then the variants.
        pairs: (from, to) of every swap, relative to the data folder.
        pictures: (P, C, 3, H, W) uint8, as a JPEG keeps them.
        seed: of the runs that drew.
        l1, ssim: variant → one score per swap, of the picture before it became a JPEG; empty without true answers.
    """

    columns: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    pictures: Tensor
    seed: int
    l1: Mapping[str, Sequence[float]]
    ssim: Mapping[str, Sequence[float]]

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def variants(self) -> tuple[str, ...]:
        """The columns that a network drew."""
        return tuple(name for name in self.columns if name not in GIVEN)

    def of(self, column: str) -> Tensor:
        """All pictures of a column, (P, 3, H, W) uint8.

        Raises:
            ValueError: there is no such column.
        """
        if column not in self.columns:
            raise ValueError(f"column: expected one of {', '.join(self.columns)}, got {column!r}")
        return self.pictures[:, self.columns.index(column)]


def draw_pictures(
    weights: Mapping[str, Path], pairs: Pairs, results: Path, seed: int, *, count: int = COUNT
) -> dict[str, Any]:
    """Draw ``count`` swaps with every variant's network and write them to the name of ``results``, ending in ``.jpg``.

    Args:
        weights: variant → file.
        pairs: of the study; true swaps of its people are taken if there are any, otherwise its first pairs.
        results: JSON of the study.
        seed: of these runs.
        count: how many swaps.

    Returns:
        what the JSON must contain so that :func:`load_pictures` recognises the file: its hash, the swaps, the order of
        the columns, and for true swaps the scores of each picture.
    """
    people, truth = pairs.people, None
    if (people.folder / "truth" / "pairs.csv").is_file():
        truth = load_truth(people.folder)
        truth = truth.select(choose(truth, min(count, len(truth)), CHOICE))
        people, source, target = truth.people, truth.source, truth.target
    else:
        source, target = pairs.source[:count], pairs.target[:count]
    given = {"source": people.pictures[source], "target": people.pictures[target]}
    if truth is not None:
        given["truth"] = truth.pictures
    device = pick()
    drawn = {
        name: swap_all(load_network(file, device=device), given["source"], given["target"])
        for name, file in weights.items()
    }
    columns = given | drawn
    file = Path(results).with_suffix(".jpg")
    _write(file, torch.stack(list(columns.values()), 1))
    scores = {} if truth is None else {
        "l1": {name: masked_l1(some, truth.pictures, truth.masks).tolist() for name, some in drawn.items()},
        "ssim": {name: masked_ssim(some, truth.pictures, truth.masks).tolist() for name, some in drawn.items()},
    }  # fmt: skip
    files = [[people.files[a], people.files[b]] for a, b in zip(source.tolist(), target.tolist(), strict=True)]
    return {
        "file": file.name,
        "sha256": sha256(file),
        "seed": seed,
        "choice": CHOICE,
        "size": list(people.pictures.shape[-2:]),
        "columns": list(columns),
        "pairs": files,
        **scores,
    }


def _write(file: Path, pictures: Tensor) -> None:
    """Tiles without gaps: their sides are multiples of JPEG's 8 pixels, and colours are not subsampled."""
    count, columns, _, height, width = pictures.shape
    tiles = pictures.permute(0, 3, 1, 4, 2).reshape(count * height, columns * width, 3)
    image = Image.fromarray(tiles.contiguous().numpy())
    buffer = io.BytesIO()
    for quality in range(92, 50, -4):  # the first that is small enough
        buffer = io.BytesIO()
        image.save(buffer, format="JPEG", quality=quality, subsampling=0)
        if buffer.tell() <= MOST:
            break
    write_atomically(file, lambda out: out.write(buffer.getvalue()))


def load_pictures(results: str | os.PathLike[str], study: Mapping[str, Any]) -> StudyPictures:
    """The pictures next to the JSON of a study.

    Args:
        results: path of the JSON.
        study: its content, see :func:`~momi_lib.study.summary.load_study`.

    Raises:
        FileNotFoundError: if there is no such picture.
        ValueError: if the study names none, or the file is not the one that it names.
    """
    again = "`python -m momi_lib study ablations` started again writes it from finished runs"
    said = study.get("pictures")
    if said is None:
        raise ValueError(f"{results}: expected an entry 'pictures', found none; {again}.")
    file = Path(results).parent / said["file"]
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file, though {Path(results).name} names it; {again}.")
    if sha256(file) != said["sha256"]:
        raise ValueError(f"{file}: not the picture that {Path(results).name} was written with; {again}.")
    with Image.open(file) as image:
        tiles = torch.frombuffer(bytearray(image.convert("RGB").tobytes()), dtype=torch.uint8)
        got = image.height, image.width
    (height, width), count, columns = said["size"], len(said["pairs"]), len(said["columns"])
    if got != (count * height, columns * width):
        expected = f"{count} × {columns} pictures of {height} × {width}"
        raise ValueError(f"{file}: expected {expected} pixels, got {got[0]} × {got[1]}; {again}.")
    pictures = tiles.view(count, height, columns, width, 3).permute(0, 2, 4, 1, 3).contiguous()
    pairs = tuple((a, b) for a, b in said["pairs"])
    return StudyPictures(
        tuple(said["columns"]), pairs, pictures, said["seed"], said.get("l1", {}), said.get("ssim", {})
    )
