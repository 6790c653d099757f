"""Pose score: is the target's pose on the swap? A pose network looks at both.

On the target the labelled joints count, where there are any; else what the same network finds there. The network that
looks stands in the score's name: one from which F_p was distilled is a relative of the system that it judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from momi_lib.data import People, to_float
from momi_lib.evaluate.distinct import at_a_time
from momi_lib.evaluate.uncertainty import standard_error
from momi_lib.pose import decode, left_right_confusion, pck, person_heights
from momi_lib.skeleton import JOINTS

THRESHOLD = 0.1
#: Shoulders to ankles: what a pose is made of.
BODY = tuple(range(JOINTS.index("left_shoulder"), len(JOINTS)))


class Joints(NamedTuple):
    """Where N people's joints are: ``landmarks`` (N, 17, 2) in pixels, ``seen`` (N, 17) bool, ``origin`` in words."""

    landmarks: Tensor
    seen: Tensor
    origin: str


@dataclass(frozen=True)
class PoseScore:
    """The share of joints found where they belong, and the conditions under which it holds.

    Attributes:
        value: PCK, from 0 to 1: joints within ``threshold`` times the target's height.
        error: standard error of the mean over pictures, resampled by person where the persons are said.
        confusion: share of paired joints found at the place of their mirror joint.
        threshold: a share of the height from the topmost joint to the lowest.
        count: number of pictures.
        network: which looked at the swaps.
        pictures: in words, which.
        reference: in words, whose joints of the targets count.
        size: (H, W) of the pictures.

    >>> score = PoseScore(0.9, 0.01, 0.02, 0.1, 400, "teacher[01234567]", "swaps", "labelled joints", (128, 64))
    >>> score.name
    'PCK@0.1[teacher]'
    """

    value: float
    error: float
    confusion: float
    threshold: float
    count: int
    network: str
    pictures: str
    reference: str
    size: tuple[int, int]

    @property
    def name(self) -> str:
        """``PCK@0.1[network]``."""
        return f"PCK@{self.threshold:g}[{self.network.partition('[')[0]}]"

    def __str__(self) -> str:
        return (
            f"{self.name} {self.value:.3f} ± {self.error:.3f}, left for right {self.confusion:.3f} ({self.count:,} "
            f"pictures {self.size[0]} x {self.size[1]}: {self.pictures}; body joints; against {self.reference}; "
            f"found by {self.network})"
        )


@torch.inference_mode()
def find_joints(
    network: nn.Module,
    name: str,
    pictures: Tensor,
    *,
    threshold: float = 0.2,
    decoder: str = "quarter",
    upsample: bool = False,
) -> Joints:
    """Where a pose network sees the joints of pictures (N, 3, H, W) uint8.

    Args:
        network: pictures in [-1, 1] → heatmaps (N, 17, h, w): a teacher, a student, any detector.
        name: what to call it.
        pictures: (N, 3, H, W) uint8.
        threshold: confidence from which a joint counts as seen.
        decoder: ``"argmax"``, ``"quarter"`` or ``"dark"``.
        upsample: bring the heatmaps to the pictures' size first.

    >>> class Middle(nn.Module):
    ...     def forward(self, pictures):
    ...         maps = torch.zeros(len(pictures), 17, 32, 16)
    ...         maps[:, :, 16, 8] = 1
    ...         return maps
    >>> joints = find_joints(Middle(), "middle", torch.zeros(2, 3, 128, 64, dtype=torch.uint8), decoder="argmax")
    >>> joints.landmarks[0, 0].tolist(), bool(joints.seen.all()), joints.origin
    ([33.5, 65.5], True, 'joints found by middle')
    """
    if pictures.ndim != 4 or pictures.shape[1] != 3 or pictures.dtype != torch.uint8 or not len(pictures):
        got = f"{tuple(pictures.shape)} {pictures.dtype}"
        raise ValueError(f"expected pictures (N, 3, H, W) uint8, N from 1, got {got}")
    parameter = next(network.parameters(), None)
    device = "cpu" if parameter is None else parameter.device
    size = tuple(pictures.shape[-2:])
    options = {"method": decoder, "size": size, "upsample": upsample}
    found = [
        [part.cpu() for part in decode(network(to_float(some.to(device))).float(), **options)]
        for some in pictures.split(at_a_time(device))
    ]
    landmarks, confidence = (torch.cat(parts) for parts in zip(*found, strict=True))
    return Joints(landmarks, confidence >= threshold, f"joints found by {name}")


def labelled_joints(people: People) -> Joints | None:
    """The visible joints of ``people`` where the data set has labels, else ``None``."""
    if people.joints is None or people.visibility is None:
        return None
    return Joints(people.joints, people.visibility == 2, "labelled, visible joints")


def pose_agreement(
    found: Joints,
    wanted: Joints,
    *,
    network: str,
    pictures: str,
    size: tuple[int, int],
    persons: tuple[Tensor, Tensor] | None = None,
) -> PoseScore:
    """PCK of the joints found on swaps against those of their targets, shoulders to ankles.

    Args:
        found: on the swaps; where the network is unsure, its guess counts.
        wanted: on the targets, row by row; joints that are not seen there are not judged.
        network, pictures, size: as in :class:`PoseScore`.
        persons: (N,) each, who the person and who the pose of a swap was taken from: for the standard error.

    Raises:
        ValueError: for another number of rows, or where no joint can be judged.

    Source: PCK after Yang and Ramanan 2013, with the height of the person as the unit.

    >>> landmarks = torch.rand(3, 17, 2) * 60
    >>> joints = Joints(landmarks, torch.ones(3, 17, dtype=torch.bool), "made up")
    >>> pose_agreement(joints, joints, network="n[1]", pictures="swaps", size=(128, 64)).value
    1.0
    """
    if len(found.landmarks) != len(wanted.landmarks):
        raise ValueError(
            f"expected joints of as many swaps as targets, got {len(found.landmarks)} and {len(wanted.landmarks)}"
        )
    body = torch.zeros(len(JOINTS), dtype=torch.bool)
    body[list(BODY)] = True
    judged = wanted.seen & body
    if not judged.any():
        raise ValueError(f"{pictures}: no body joint is seen on any target ({wanted.origin}); nothing can be judged")
    heights = person_heights(wanted.landmarks, wanted.seen)
    options = {"height": heights, "threshold": THRESHOLD}
    each = (found.landmarks - wanted.landmarks).norm(dim=-1) <= heights[:, None] * THRESHOLD
    counts = judged.sum(1)
    shares = (each & judged).sum(1) / counts  # NaN where nothing is judged
    return PoseScore(
        value=pck(found.landmarks, wanted.landmarks, judged, **options).mean,
        error=standard_error(shares, *persons or ()),
        confusion=left_right_confusion(found.landmarks, wanted.landmarks, judged, **options).mean,
        threshold=THRESHOLD,
        count=len(wanted.landmarks),
        network=network,
        pictures=pictures,
        reference=wanted.origin,
        size=size,
    )
