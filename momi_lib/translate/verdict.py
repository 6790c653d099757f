"""How far a picture is from what a network knows: one verdict, for the command line and for the explorer.

The student F_p was trained on whole people who stand or walk in a frame of 1:2, and answers with 17 joints whatever it
sees. What it says of its own sureness is compared with what it says of people that it knows. Where it is less sure, the
picture is looked at again, turned, or placed in a larger frame as the half of a body would be: a student that is then
sure says what was wrong.

Landmarks cannot tell all of the seated from those who stand: the student knows no other pose, and finds the joints of a
pedestrian in them, often surely.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.data import data_folder, to_float
from momi_lib.data.pictures import decode_pictures
from momi_lib.data.records import EMBEDDED, scan
from momi_lib.skeleton import JOINTS
from momi_lib.translate.network import MomiNet

__all__ = ["SMALLEST", "Usual", "Verdict", "judged", "usual_of"]

SMALLEST = (64, 32)  # rows and columns; half of what the network sees
SQUEEZED = 1.35  # how far width / height may be from 1:2, either way
DOUBTFUL = 0.05  # this share of the known people is less sure than what counts as sure
KNOWN = 100  # pictures whose confidences say what is usual
BETTER = 0.05  # by so much another look has to be surer
NEARLY = 0.9  # and that sure, as a share of what is usual
NOBODY = 0.75  # below this share of the usual confidence nobody is there
UPPER, TO_KNEES, LOWER, HIPS, ALL = slice(0, 11), slice(0, 15), slice(11, 17), slice(11, 13), slice(0, 17)


class Look(NamedTuple):
    """Another way to look at a picture: turned by quarters, cut to the middle, or placed at an end of a larger frame.

    `of` are the joints that are then in the picture, and `kind` what was wrong if they are surer.
    """

    kind: str
    of: slice
    quarters: int = 0
    middle: bool = False
    rows: float = 1.0
    columns: float = 1.0
    top: bool = True


LOOKS = (
    Look("lying", ALL, quarters=1),
    Look("lying", ALL, quarters=3),
    Look("lying", ALL, quarters=1, middle=True),
    Look("lying", ALL, quarters=3, middle=True),
    Look("upside down", ALL, quarters=2),
    # Half a body that was squeezed into the frame, and one that was cut at 1:2.
    Look("upper half", UPPER, rows=0.5),
    Look("upper half", UPPER, rows=0.5, columns=0.5),
    Look("upper half", TO_KNEES, rows=0.72),
    Look("upper half", TO_KNEES, rows=0.72, columns=0.72),
    Look("lower half", LOWER, rows=0.5, top=False),
    Look("lower half", LOWER, rows=0.5, columns=0.5, top=False),
)
TOLD = {
    "nobody": "Nobody is found who fills the picture.",
    "lying": "Somebody lies: turned by 90° the picture is read better.",
    "upside down": "Somebody is upside down: turned by 180° the picture is read better.",
    "upper half": "Half a body: the picture ends above the feet.",
    "lower half": "Half a body: the picture begins below the head.",
    "unusual": "Somebody is there, but not as the network knows people (least sure: {}); who sits, crouches, bends or "
    "is partly hidden looks like this.",
}


@dataclass(frozen=True)
class Usual:
    """How sure the student usually is, measured on people that it is meant for.

    Attributes:
        confidence: of one in twenty of them the mean over joints is below this.
        joints: of one in twenty fewer are found.
        upper, to_knees, lower, hips: as `confidence`, of these joints.
        typical: the median of the mean over joints.

    >>> usual = Usual.of(torch.full((40, 17), 0.8), threshold=0.2)
    >>> round(usual.confidence, 2), usual.joints
    (0.8, 17.0)
    """

    confidence: float
    joints: float
    upper: float
    to_knees: float
    lower: float
    hips: float
    typical: float

    @classmethod
    def of(cls, confidences: Tensor, *, threshold: float) -> Usual:
        """From the confidences (N, 17) of known people."""

        def doubtful(joints: slice) -> float:
            return float(confidences[:, joints].mean(1).quantile(DOUBTFUL))

        found = (confidences >= threshold).float().sum(1)
        return cls(
            doubtful(ALL), float(found.quantile(DOUBTFUL)), doubtful(UPPER), doubtful(TO_KNEES), doubtful(LOWER),
            doubtful(HIPS), float(confidences.mean(1).median()),
        )  # fmt: skip

    def part(self, joints: slice) -> float:
        """The usual confidence of these joints."""
        known = [(UPPER, self.upper), (TO_KNEES, self.to_knees), (LOWER, self.lower)]
        return next((value for part, value in known if part == joints), self.confidence)


#: Where no picture of known people is at hand: the weights `small` on the embedded mannequins.
ASSUMED = Usual(0.66, 17.0, 0.67, 0.7, 0.59, 0.7, 0.79)


@dataclass(frozen=True)
class Verdict:
    """Whether a picture is one that the network knows how to read.

    Attributes:
        sure: it is.
        kinds: what is wrong with it, of "small", "shape", "nobody", "lying", "upside down", "upper half", "lower half"
            and "unusual"; at most one of the last six.
        told: sentences for a reader.
    """

    sure: bool
    kinds: tuple[str, ...]
    told: str


@torch.inference_mode()
def usual_of(network: MomiNet, folder: str | os.PathLike[str] | None = None) -> Usual:
    """What is usual for a network: of the people of a data folder, or of the mannequins, whichever it is surer of.

    A network is surest of the people that it was trained on. A folder that is missing or cannot be read says nothing.

    >>> from momi_lib.train.presets import preset
    >>> 0 <= usual_of(MomiNet(preset("tiny").network).eval()).joints <= 17
    True
    """
    found = []
    folders = {str(EMBEDDED): EMBEDDED}
    try:
        chosen = data_folder(folder)
        folders[str(chosen.resolve())] = chosen
    except FileNotFoundError:
        pass  # then the mannequins say what is usual
    for root in folders.values():
        try:
            records = scan(root, "query")
            step = max(1, len(records) // KNOWN)
            files = [record.file for record in records[::step][:KNOWN]]
            pictures, _ = decode_pictures(root, files, size=network.config.size)
        except (OSError, ValueError):
            continue
        sure = _confidences(network, to_float(torch.from_numpy(pictures)))
        found.append(Usual.of(sure, threshold=network.config.threshold))
    return max(found, key=lambda one: one.confidence, default=ASSUMED)


@torch.inference_mode()
def judged(
    network: MomiNet,
    picture: Tensor,
    usual: Usual,
    *,
    pixels: tuple[int, int] | None = None,
    confidence: Tensor | None = None,
) -> Verdict:
    """The verdict on one picture.

    Args:
        network: in evaluation mode; its student looks.
        picture: (3, H, W) uint8, as the network sees it.
        usual: of :func:`usual_of`.
        pixels: width and height of what became `picture`, in its own pixels; None where it always was of that size.
        confidence: (17,) that the student has already given; None asks it.

    >>> from momi_lib.train.presets import preset
    >>> network = MomiNet(preset("tiny").network).eval()
    >>> judged(network, torch.zeros(3, 128, 64).byte(), ASSUMED, pixels=(1, 1)).kinds
    ('small', 'nobody')
    """
    told, kinds = [], []
    if pixels is not None:
        kinds, told = _of_the_frame(*pixels)
    view = to_float(picture)[None]
    confidence = _confidences(network, view)[0] if confidence is None else confidence.float().cpu()
    mean, found = float(confidence.mean()), int((confidence >= network.config.threshold).sum())
    sure = mean >= usual.confidence and found >= usual.joints and float(confidence[HIPS].mean()) >= usual.hips
    kind = None if mean >= usual.typical and sure else _seen_otherwise(network, view, confidence, usual)
    if kind is None and not sure:
        kind = "nobody" if mean < NOBODY * usual.confidence else "unusual"
    if kind is not None:
        least = confidence.argsort()[:2].tolist()
        told.append(TOLD[kind].format(" and ".join(JOINTS[joint].replace("_", " ") for joint in least)))
        kinds.append(kind)
    counted = f"{found} of {len(confidence)} joints found, mean confidence {mean:.2f}"
    if not kinds:
        return Verdict(True, (), f"{counted}.")
    told.append(
        f"({counted}; of 100 pictures that it knows how to read, 95 have {usual.joints:.0f} joints and a mean of at "
        f"least {usual.confidence:.2f}.) Expect wrong joints and a wrong swap; cut the picture around one whole, "
        "upright person."
    )
    return Verdict(False, tuple(kinds), " ".join(told))


def _of_the_frame(width: int, height: int) -> tuple[list[str], list[str]]:
    kinds, told = [], []
    if height < SMALLEST[0] or width < SMALLEST[1]:
        kinds.append("small")
        told.append(f"Only {width} × {height} pixels (width × height), at least {SMALLEST[1]} × {SMALLEST[0]} needed.")
    factor = 2 * width / height
    if not 1 / SQUEEZED <= factor <= SQUEEZED:
        kinds.append("shape")
        way = f"{factor:.2g} times narrower" if factor > 1 else f"{1 / factor:.2g} times wider"
        told.append(
            f"With {width} × {height} pixels the picture is far from 1:2, and everybody in it becomes {way}; "
            "`swap --crop auto` or `--crop centre` cuts instead."
        )
    return (kinds, told) if "small" not in kinds else (kinds[:1], told[:1])


def _seen_otherwise(network: MomiNet, view: Tensor, confidence: Tensor, usual: Usual) -> str | None:
    """What is wrong with a picture (1, 3, H, W), if another look at it is surer; None if none is."""
    looks = _confidences(network, torch.cat([_looked(view, look) for look in LOOKS]))
    best, kind = 0.0, None
    for look, sure in zip(LOOKS, looks, strict=True):
        now, before, level = float(sure[look.of].mean()), float(confidence[look.of].mean()), usual.part(look.of)
        if now >= max(before + BETTER, NEARLY * level) and level > 0 and now / level > best:
            best, kind = now / level, look.kind
    return kind


def _looked(view: Tensor, look: Look) -> Tensor:
    """(1, 3, H, W), grey where the larger frame is empty."""
    height, width = view.shape[-2:]
    if look.quarters % 2:
        turned = torch.rot90(view, look.quarters, (2, 3))  # lies now: its height is `width`
        if look.middle:
            across = width // 2
            start = (turned.shape[-1] - across) // 2
            turned = turned[..., start : start + across]
        return _resized(turned, height, width)
    if look.quarters:
        return torch.rot90(view, look.quarters, (2, 3))
    rows, columns = round(look.rows * height), round(look.columns * width)
    frame = torch.zeros_like(view)
    top, left = 0 if look.top else height - rows, (width - columns) // 2
    frame[..., top : top + rows, left : left + columns] = _resized(view, rows, columns)
    return frame


def _resized(view: Tensor, height: int, width: int) -> Tensor:
    return functional.interpolate(view, (height, width), mode="bicubic", antialias=True).clamp(-1, 1)


def _confidences(network: MomiNet, pictures: Tensor) -> Tensor:
    """(N, 17) on the CPU, of pictures (N, 3, H, W) in [-1, 1]."""
    weight = next(network.parameters())
    parts = [network.student(part.to(weight.device, weight.dtype)).amax((2, 3)) for part in pictures.split(32)]
    return torch.cat(parts).float().cpu()
