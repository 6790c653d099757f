"""Swaps from picture files, for the command line: which files, where to, what is cut out of them, and what is said."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from momi_lib.data import PictureError, to_float, to_uint8
from momi_lib.data.names import ENDINGS, is_picture, left_out
from momi_lib.data.pictures import WRITTEN, check_out, check_writable, decode_pictures, save_picture
from momi_lib.data.reading import Box, cut, read_picture
from momi_lib.data.records import deeper
from momi_lib.files import expanded, matching
from momi_lib.pose.person_box import PersonFinder, detector_weights
from momi_lib.progress import hidden_if
from momi_lib.translate.network import MomiNet
from momi_lib.translate.verdict import Usual, Verdict, judged, usual_of
from momi_lib.translate.weights import load_network

__all__ = ["Crop", "Order", "background_of", "ordered", "swap_to_files"]

log = logging.getLogger(__name__)

Crop = Literal["none", "centre", "auto"]
NAMES = ("target", "source", "drawn")
TOGETHER = 8  # swaps in one pass
NAMED = 3  # how many files a sentence names


@dataclass(frozen=True)
class Order:
    """What to swap, and where to: `sources` become `outs`, one each, in the pose of `target`.

    `many`: a folder of swaps was asked for, and not one file.
    """

    sources: tuple[Path, ...]
    target: Path
    outs: tuple[Path, ...]
    many: bool


class _Read(NamedTuple):
    picture: Tensor  # (3, H, W) uint8
    verdict: Verdict


def ordered(
    pictures: Sequence[Path], pose: Path | None, out: Path, background: str | None = None
) -> Order:
    """What the arguments of `swap` ask for, checked before any work.

    Args:
        pictures: source and target; or, with `pose` or where a source is a folder, sources. A folder stands for the
            pictures in it, and a pattern such as ``people/*.jpg`` for the files that match.
        pose: the target.
        out: a file for one swap; a folder for several, which is made if it is missing.
        background: as for :func:`background_of`; a file of that name is not overwritten either.

    Raises:
        ValueError: for another number of pictures, an output that would overwrite an input or cannot be written.
        PictureError: for an input that does not exist, and a folder without pictures.
        FileNotFoundError: for a pattern that matches no file.

    >>> ordered([Path("a.jpg")], None, Path("swap.png"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: swap: expected SOURCE TARGET, or SOURCES… with --pose TARGET; got 1 picture and no --pose
    """
    given = [file for path in pictures for file in _local(path)]
    patterns = given != [expanded(path) for path in pictures]
    if pose is None:
        if len(given) != 2:
            got = f"{len(given)} picture{'s' * (len(given) != 1)} and no --pose"
            raise ValueError(f"swap: expected SOURCE TARGET, or SOURCES… with --pose TARGET; got {got}")
        given, target = given[:1], given[1]
    elif given:
        target, *more = _local(pose)
        if more:
            raise ValueError(f"--pose {pose} matches {1 + len(more)} files, expected one picture")
    else:
        raise ValueError("swap: expected at least one source beside --pose TARGET, got none")
    if not os.path.isfile(target):
        is_folder = os.path.isdir(target)
        raise PictureError(f"{target} {'is a folder, expected one picture' if is_folder else 'does not exist'}.")
    out = expanded(out)
    sources = [file for path in given for file in _pictures_in(path)]
    folders = [path for path in given if os.path.isdir(path)]
    a_folder = os.path.isdir(out) or (patterns and out.suffix.lower() not in WRITTEN)
    many = len(sources) > 1 or bool(folders) or (pose is not None and a_folder)
    inputs = [("target", target), *_background_file(background)]
    if not many:
        check_out(out, [("source", sources[0]), *inputs])
        return Order(tuple(sources), target, (out,), many)
    return Order(tuple(sources), target, _outs(sources, out, folders, inputs), many)


def _local(path: Path) -> list[Path]:
    if re.match(r"(https?|ftp|file):/", path.as_posix(), re.IGNORECASE):
        raise PictureError(f"{path} is an address; download the picture and give the name of its file.")
    return [Path(file) for file in matching(str(expanded(path)))]


def _background_file(background: str | None) -> list[tuple[str, Path]]:
    return [] if background is None or background in NAMES else [("background", expanded(background))]


def _pictures_in(path: Path) -> list[Path]:
    if not os.path.isdir(path):
        if not os.path.exists(path):
            raise PictureError(f"{path} does not exist.")
        return [path]
    names = sorted(os.listdir(path))
    said = left_out(names)
    found = [path / name for name in names if is_picture(name) and (path / name).is_file()]
    if not found:
        but, inside = f" but {said}" if said else "", deeper(path)
        if inside is not None:
            folder = path / os.path.dirname(inside)
            raise PictureError(
                f"{path} holds no pictures{but}; there are some in its sub-folders, such as {inside}. Name the folders "
                f"that hold them, such as {folder}, as sources."
            )
        raise PictureError(f"{path} holds no pictures{but}; expected some that end in {', '.join(ENDINGS)}.")
    if said:
        log.warning("%s: left out %s.", path, said)
    return found


def _outs(
    sources: list[Path], out: Path, folders: list[Path], inputs: list[tuple[str, Path]]
) -> tuple[Path, ...]:
    """One name a source in the folder `out`: its own, as PNG; with its ending or a number where two would be equal."""
    if os.path.isfile(out) or (not os.path.exists(out) and out.suffix.lower() in WRITTEN):
        what = "a file" if os.path.isfile(out) else "named like one"
        raise ValueError(f"--out {out}: expected a folder for {len(sources)} swaps, and it is {what}")
    for folder in folders:
        if os.path.realpath(out) == os.path.realpath(folder):
            raise ValueError(f"--out {out} is the folder of the sources; choose another, so that the two stay apart")
    stems = [source.stem.casefold() for source in sources]
    outs: list[Path] = []
    taken: set[str] = set()
    for source, stem in zip(sources, stems, strict=True):
        name = source.stem if stems.count(stem) == 1 else source.name.replace(".", "_")
        unique, number = name, 1
        while unique.casefold() in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.add(unique.casefold())
        outs.append(out / f"{unique}.png")
    known = {os.path.realpath(file): file for file in [*sources, *(file for _, file in inputs)]}
    files = {(mark.st_dev, mark.st_ino): file for name, file in known.items() if os.path.isfile(name)
             for mark in [os.stat(name)]}  # fmt: skip
    for path in outs:
        mark = os.stat(path) if os.path.exists(path) else None
        file = known.get(os.path.realpath(path)) or (mark and files.get((mark.st_dev, mark.st_ino)))
        if file is not None:
            raise ValueError(f"--out {out}: {path.name} in it is {file}, which would be overwritten; choose another")
    check_writable(max(outs, key=lambda path: len(path.name)))
    return tuple(outs)


class _Reader:
    """Reads pictures as a network wants them, cut as asked, with a verdict on each."""

    def __init__(self, network: MomiNet, crop: Crop) -> None:
        self.network, self.crop, self.size = network, crop, network.config.size
        self._usual: Usual | None = None
        self._find: PersonFinder | None = None
        if crop == "auto":
            weights = detector_weights()
            if weights.is_file():
                self._find = PersonFinder(weights)
            else:
                log.warning(
                    "--crop auto: no detector of persons here (torchvision's Keypoint R-CNN would have its weights in "
                    "%s); the central box of 1:2 is cut instead.", weights
                )  # fmt: skip

    def __call__(self, file: Path) -> _Read:
        image = read_picture(file)
        if self.crop == "none":
            pixels, (rows, columns) = image.size, self.size
            if image.size != (columns, rows):
                image = image.resize((columns, rows), Image.Resampling.BICUBIC)
            picture = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).contiguous()
        else:
            box = self._box(image, file)
            pixels, picture = (box[2] - box[0], box[3] - box[1]), cut(image, box, self.size)
        if self._usual is None:
            self._usual = usual_of(self.network)
        return _Read(picture, judged(self.network, picture, self._usual, pixels=pixels))

    def _box(self, image: Image.Image, file: Path) -> tuple[int, int, int, int]:
        if self._find is not None:
            found = self._find(image)
            if found is not None:
                return found
            log.warning("%s: the detector finds nobody; the central box of 1:2 is cut.", file)
        return Box().of(*image.size)


def swap_to_files(
    order: Order, *, weights: str | Path = "small", background: str | None = None, crop: Crop = "none"
) -> None:
    """Draw and write all swaps of an order; what the network is unsure of is logged as a warning.

    A source that cannot be read does not stop the others.

    Args:
        order: of :func:`ordered`.
        weights: as for :func:`~momi_lib.translate.load_network`.
        background: as for :func:`background_of`; ``None`` is what the network usually puts behind a person.
        crop: ``none`` squeezes a picture into the network's 1:2; ``centre`` cuts the largest central box of 1:2;
            ``auto`` cuts around the person, where torchvision's Keypoint R-CNN has its weights on this machine, and
            else as ``centre``, which one warning says.

    Raises:
        FileNotFoundError, ValueError: for weights, pictures or a background that cannot be used; for sources that
            could not be read, after the others are written.
    """
    network = load_network(weights)
    behind = {} if background is None else {"background": background_of(background, network.config.size)}
    read = _Reader(network, crop)
    target = read(order.target)
    _say(order.target, target.verdict)
    pose = to_float(target.picture)[None]
    with torch.inference_mode():
        found = int(network.pose(pose).valid.sum())
    bad: list[str] = []
    unsure: list[tuple[Path, Verdict]] = []
    with tqdm(total=len(order.sources), desc="swap", unit="picture", **hidden_if(not order.many)) as bar:
        for chunk in _chunks(order):
            given = []
            for source, out in chunk:
                try:
                    given.append((source, out, read(source)))
                except PictureError as error:
                    if not order.many:
                        raise
                    bad.append(str(error).removesuffix("."))
            if given:
                pictures = to_float(torch.stack([each.picture for _, _, each in given]))
                with torch.inference_mode():
                    drawn = to_uint8(network.swap(pictures, pose.expand(len(pictures), -1, -1, -1), **behind))
                    counts = network.pose(pictures).valid.sum(1).tolist()
                for (source, out, each), picture, count in zip(given, drawn, counts, strict=True):
                    save_picture(picture, out)
                    if not each.verdict.sure:
                        unsure.append((source, each.verdict))
                    if not order.many:
                        _say(source, each.verdict)
                        log.info("%s: %d landmarks found on the source, %d of 17 on the target", out, count, found)
            bar.update(len(chunk))
    if order.many:
        _say_all(order, unsure, len(bad))
    if bad:
        more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        rest = len(order.sources) - len(bad)
        written = "The other swap is" if rest == 1 else f"The other {rest} swaps are"
        others = f"{written} in {order.outs[0].parent}." if rest else "No swap was written."
        raise PictureError(
            f"{len(bad)} of {len(order.sources)} pictures cannot be used: {'; '.join(bad[:NAMED])}{more}. {others}"
        )


def _chunks(order: Order) -> Iterator[list[tuple[Path, Path]]]:
    pairs = list(zip(order.sources, order.outs, strict=True))
    yield from (pairs[start : start + TOGETHER] for start in range(0, len(pairs), TOGETHER))


def _say(file: Path, verdict: Verdict) -> None:
    if not verdict.sure:
        log.warning("%s: %s", file, verdict.told)


def _say_all(order: Order, unsure: list[tuple[Path, Verdict]], bad: int) -> None:
    """One line a kind of doubt, and one for the whole."""
    for kind in sorted({kind for _, verdict in unsure for kind in verdict.kinds}):
        files = [(file, verdict) for file, verdict in unsure if kind in verdict.kinds]
        names = ", ".join(str(file) for file, _ in files[:NAMED])
        more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
        log.warning("%d of %d sources (%s): %s%s. Of the first: %s",
                    len(files), len(order.sources), kind, names, more, files[0][1].told)  # fmt: skip
    log.info("%d swaps in %s", len(order.sources) - bad, order.outs[0].parent)


def background_of(asked: str, size: tuple[int, int]) -> str | Tensor:
    """What a user calls a background, as networks take it.

    Args:
        asked: ``target``, ``source``, ``drawn``, a colour ``#rrggbb``, or a picture file, which is resized.
        size: height and width.

    Returns:
        the name as it is, a colour (3,) or a picture (3, H, W) in [-1, 1].

    Raises:
        ValueError: for anything else, and for a file that cannot be read.

    >>> background_of("target", (128, 64)), background_of("#ff0000", (128, 64)).tolist()
    ('target', [1.0, -1.0, -1.0])
    """
    if asked in NAMES:
        return asked
    if asked.startswith("#") and not Path(asked).exists():
        if not re.fullmatch("#[0-9a-fA-F]{6}", asked):
            raise ValueError(f"background: expected a colour as #rrggbb, six hexadecimal digits, got {asked!r}")
        return to_float(torch.tensor(list(bytes.fromhex(asked[1:])), dtype=torch.uint8))
    if not expanded(asked).is_file():
        names = ", ".join(NAMES)
        raise ValueError(f"background: expected {names}, a colour #rrggbb or a picture file, got {asked!r}")
    pictures, _ = decode_pictures(Path("."), [str(expanded(asked))], size=size)
    return to_float(torch.from_numpy(pictures))[0]
