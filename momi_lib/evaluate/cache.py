"""Swaps and features on disk: drawn and computed once, kept through interruptions, checked when they are read.

    FOLDER/swaps/NAME-WEIGHTS-PAIRS/00000.png …     one picture a pair, as the pairs are numbered; the name ends in
                                                    the background where it is not drawn by the network, and in the
                                                    hash of the poses where the network is given some
    FOLDER/features/KEY.safetensors                 what one network said of one set of pictures

Names carry hashes of what the content depends on, so nothing is ever served for other weights, pairs or networks. All
of it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from momi_lib.data import to_uint8
from momi_lib.devices import at_a_time
from momi_lib.evaluate.pairs import Pairs
from momi_lib.files import NAME, load_tensors, save_tensors, shortened, tensor_metadata
from momi_lib.metrics.features import Features, NetworkCard
from momi_lib.progress import hidden_if
from momi_lib.translate.swaps import Swaps, device_of, swap_people

log = logging.getLogger(__name__)

KEY, FORMAT = "features", 1
TOGETHER = 1024  # pictures hashed at a time


class SwapStore:
    """The swaps of one method for one list of pairs, as PNG files.

    A picture that is there and whole is not drawn again; one that is damaged is.

    Args:
        folder: of all stores.
        name: of the method, for people.
        weights: SHA-256 of its file.
        pairs: what to draw.
        background: what stands behind the person, one of the method's ``backgrounds``.
        poses: SHA-256 of the poses that the method is given, see :func:`poses_of`; empty: none.
    """

    def __init__(
        self, folder: Path, name: str, weights: str, pairs: Pairs, background: str = "drawn", poses: str = ""
    ) -> None:
        self.pairs, self.background = pairs, background
        behind = ("" if background == "drawn" else f"-{background}") + (f"-{poses[:8]}" if poses else "")
        name = shortened(name, NAME - 60)
        self.folder = Path(folder) / "swaps" / f"{name}-{weights[:8]}-{pairs.sha256[:8]}{behind}"

    def path(self, number: int) -> Path:
        """Of the swap of pair ``number``."""
        return self.folder / f"{number:05d}.png"

    def pictures(self, network: Swaps, *, batch: int | None = None) -> Tensor:
        """All swaps, (M, 3, H, W) uint8: those on disk read, the others drawn and written.

        Args:
            network: in evaluation mode, the method whose name, weights and poses this store carries.
            batch: pairs at a time, None is what fits the device; after an interruption at most so many are drawn
                again.

        Raises:
            OSError: where the folder cannot be written.
        """
        pictures = torch.empty(len(self.pairs), 3, *network.config.size, dtype=torch.uint8)
        self._fill(network, pictures, range(len(self.pairs)), batch)
        return pictures

    def draw_share(self, network: Swaps, rank: int, world: int, *, batch: int | None = None) -> None:
        """Draw and write every ``world``-th swap, from the ``rank``-th on, that is not there: one process's share.

        Raises:
            OSError: where the folder cannot be written.
        """
        own = range(rank, len(self.pairs), world)
        self._fill(network, torch.empty(len(self.pairs), 3, *network.config.size, dtype=torch.uint8), own, batch)

    def _fill(self, network: Swaps, pictures: Tensor, numbers: range, batch: int | None) -> None:
        """Read or draw the swaps with these numbers into their places among ``pictures``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor() as pool:
            whole = list(pool.map(lambda number: self._read(number, pictures[number]), numbers))
            missing = torch.tensor([number for number, there in zip(numbers, whole, strict=True) if not there])
            if 0 < len(missing) < len(numbers):
                there = len(numbers) - len(missing)
                log.info("%s: %d of %d swaps are there already", self.folder.name, there, len(numbers))
            pairs = self.pairs
            # Nothing missing would be one part with nothing in it.
            chunks = missing.split(batch or at_a_time(device_of(network))) if len(missing) else ()
            for some in tqdm(chunks, desc=f"swaps of {self.folder.name}", **hidden_if(len(chunks) < 4)):
                numbers_of = pairs.source[some], pairs.target[some]
                with torch.inference_mode():
                    drawn = to_uint8(swap_people(network, pairs.people, *numbers_of, self.background)).cpu()
                pictures[some] = drawn.clone()  # as an ordinary tensor
                list(pool.map(lambda number: self._write(number, pictures[number]), some.tolist()))

    def _read(self, number: int, place: Tensor) -> bool:
        try:
            with Image.open(self.path(number)) as image:
                image.load()  # opening alone does not notice a file that ends early
                if image.mode != "RGB" or image.size != (place.shape[-1], place.shape[-2]):
                    return False
                place.copy_(_pixels(image))
            return True
        except (OSError, SyntaxError, ValueError):  # missing, damaged in a way that PIL has many names for
            return False

    def _write(self, number: int, picture: Tensor) -> None:
        path = self.path(number)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        # Not through write_atomically: it waits for the disk each time, and what a crash spoils is drawn again.
        Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy()).save(temporary, format="PNG", compress_level=1)
        os.replace(temporary, path)


def _pixels(image: Image.Image) -> Tensor:
    raw = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return raw.view(image.height, image.width, 3).permute(2, 0, 1)


def stored_features(
    folder: Path,
    card: NetworkCard,
    of: str,
    pictures: Tensor,
    make: Callable[[], Features],
    masks: Tensor | None = None,
) -> Features:
    """``make()``, or what it returned the last time for the same network and the same pixels.

    Args:
        folder: of all stores.
        card: of the network that ``make`` asks.
        of: in words, which pictures and what was hidden; part of the key.
        pictures: (N, 3, H, W) uint8, hashed.
        make: computes the features.
        masks: (N, H, W) bool, what the network sees of them; None is all.

    A stored file that is damaged is made again.
    """
    digest = hashlib.sha256(json.dumps([FORMAT, asdict(card), of, list(pictures.shape)]).encode())
    for start in range(0, len(pictures), TOGETHER):  # all masked pictures at once would be as large as all pictures
        some = pictures[start : start + TOGETHER]
        if masks is not None:
            some = some * masks[start : start + TOGETHER, None]
        digest.update(some.contiguous().numpy().data)
    path = Path(folder) / "features" / f"{card.backend}-{digest.hexdigest()[:16]}.safetensors"
    if path.is_file():
        try:
            about, tensors = json.loads(tensor_metadata(path)[KEY]), load_tensors(path)
            if _digest(tensors) != about["sha256"]:  # safetensors do not notice a changed number
                raise ValueError("its numbers do not fit their SHA-256")
            return Features(NetworkCard(**about["network"]), about["pictures"], tuple(about["size"]),
                            tensors["values"], tensors.get("logits"), about["masks"])  # fmt: skip
        except (ValueError, KeyError, OSError) as error:
            log.warning("%s: damaged (%s); it is computed again", path, error)
    features = make()
    tensors = {"values": features.values} | ({} if features.logits is None else {"logits": features.logits})
    about = {"network": asdict(features.network), "pictures": features.pictures, "size": list(features.size),
             "masks": features.masks, "sha256": _digest(tensors)}  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(path, tensors, {KEY: json.dumps(about, sort_keys=True)})
    return features


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()
