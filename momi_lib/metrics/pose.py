"""Where joints are: PCK, and how often left and right are confused.

Joints that a network finds are compared with labelled ones: on pictures of people (how good is the student?), and on
swaps (is the target's pose on the swap?). Where a target has no labels, what the same network finds on it counts. The
network that looks stands in the score's name: one from which F_p was distilled is a relative of the system it judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from momi_lib.arguments import (
    Sizes,
    check_bytes,
    check_has,
    check_network,
    check_tensor,
    check_values,
    flag,
    number,
    size_from,
    text_of,
    told,
)
from momi_lib.data import People, Truth, to_float
from momi_lib.devices import at_a_time
from momi_lib.metrics.uncertainty import standard_error
from momi_lib.pose import decode
from momi_lib.skeleton import JOINTS, MIRROR

THRESHOLD = 0.1
PEOPLE = "People, as momi_lib.data.load gives them"
TRUTH = "a Truth, as momi_lib.data.load_truth gives it"
#: Shoulders to ankles: what a pose is made of.
BODY = tuple(range(JOINTS.index("left_shoulder"), len(JOINTS)))


class Score(NamedTuple):
    """A share for each joint (K,), NaN where none was judged; over all that were; and their `count` (K,)."""

    joints: Tensor
    mean: float
    count: Tensor  # pyright: ignore[reportIncompatibleMethodOverride]  # hides tuple.count


def pck(
    landmarks: Tensor,
    joints: Tensor,
    visibility: Tensor,
    *,
    height: Tensor | float,
    threshold: float = 0.1,
) -> Score:
    """Percentage of correct key points: the share that lies within `threshold` x `height` of the truth.

    After Yang and Ramanan, "Articulated human detection with flexible mixtures of parts", 2013. For a fixed
    radius in pixels give ``height=1, threshold=6``. See notebook 02.

    Args:
        landmarks: (N, K, 2) found, pixels.
        joints: (N, K, 2) true, pixels.
        visibility: (N, K); only joints with a value other than 0 are judged. To judge visible joints alone,
            give ``visibility == 2``.
        height: (N,) or one number: the height of each person in pixels.
        threshold: radius as a share of the height.

    Returns:
        Score(joints (K,) in [0, 1], mean in [0, 1], count (K,)).

    Raises:
        ValueError: for shapes that do not fit.

    >>> truth = torch.tensor([[[10.0, 10.0], [20.0, 20.0]]])
    >>> pck(truth + torch.tensor([[[3.0, 4.0], [30.0, 0.0]]]), truth, torch.ones(1, 2), height=100).mean
    0.5
    """
    radius = _radius(landmarks, joints, visibility, height, threshold)
    landmarks, joints = landmarks.float(), joints.float()
    judged = visibility != 0
    correct = (landmarks - joints).norm(dim=-1) <= radius
    return _share(correct, judged)


def left_right_confusion(
    landmarks: Tensor,
    joints: Tensor,
    visibility: Tensor,
    *,
    height: Tensor | float,
    threshold: float = 0.1,
) -> Score:
    """The share of paired joints found not at their own place but at that of their mirror joint.

    A joint is judged when it and its mirror joint both have a visibility other than 0 and lie further apart
    than the radius, so that the two can be told from each other. Arguments as `pck`, with the 17 joints of
    COCO.

    >>> truth = torch.zeros(1, 17, 2)
    >>> truth[0, 5], truth[0, 6] = torch.tensor([40.0, 30.0]), torch.tensor([10.0, 30.0])
    >>> seen = torch.zeros(1, 17)
    >>> seen[0, 5:7] = 1
    >>> found = truth.clone()
    >>> found[0, 5] = found[0, 6]
    >>> left_right_confusion(found, truth, seen, height=100).mean
    0.5
    """
    radius = _radius(landmarks, joints, visibility, height, threshold)
    if landmarks.shape[1] != len(JOINTS):
        raise ValueError(f"landmarks: expected the {len(JOINTS)} joints of COCO, got {tuple(landmarks.shape)}")
    landmarks, joints = landmarks.float(), joints.float()
    mirror = torch.tensor(MIRROR, device=joints.device)
    other = joints[:, mirror]
    apart = (joints - other).norm(dim=-1) > radius
    judged = (visibility != 0) & (visibility[:, mirror] != 0) & apart
    confused = ((landmarks - joints).norm(dim=-1) > radius) & ((landmarks - other).norm(dim=-1) <= radius)
    return _share(confused, judged)


def person_heights(joints: Tensor, visibility: Tensor, masks: Tensor | None = None) -> Tensor:
    """Heights of people in pixels, (N,): of the mask if given, else of the box around the known joints.

    >>> person_heights(torch.tensor([[[5.0, 10.0], [5.0, 90.0]]]), torch.ones(1, 2)).tolist()
    [81.0]
    """
    sizes: Sizes = {}
    check_tensor("joints", joints, "N K 2", "joints", "real", sizes=sizes, empty=True)
    check_tensor("visibility", visibility, "N K", "visibility", "any", sizes=sizes, empty=True)
    if masks is not None:
        check_tensor("masks", masks, "N H W", "masks", "bool", sizes=sizes, empty=True)
        rows = masks.any(dim=2)
        height = masks.shape[1]
        first = rows.int().argmax(dim=1)
        last = height - 1 - rows.flip(1).int().argmax(dim=1)
        return torch.where(rows.any(dim=1), last - first + 1, 0).float()
    known, y = visibility != 0, joints[..., 1].float()
    check_values("joints", joints[known])
    top = y.masked_fill(~known, float("inf")).amin(dim=1)
    bottom = y.masked_fill(~known, float("-inf")).amax(dim=1)
    return (bottom - top + 1).clamp_min(0)


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
        decoder: ``"argmax"``, ``"quarter"``, ``"newton"`` or ``"dark"``.
        upsample: bring the heatmaps to the pictures' size first.

    Raises:
        TypeError, ValueError: for other pictures, no network, or one whose answer depends on its mode and that trains.

    >>> class Middle(nn.Module):
    ...     def forward(self, pictures):
    ...         maps = torch.zeros(len(pictures), 17, 32, 16)
    ...         maps[:, :, 16, 8] = 1
    ...         return maps
    >>> joints = find_joints(Middle(), "middle", torch.zeros(2, 3, 128, 64, dtype=torch.uint8), decoder="argmax")
    >>> joints.landmarks[0, 0].tolist(), bool(joints.seen.all()), joints.origin
    ([33.5, 65.5], True, 'joints found by middle')
    """
    check_network("network", network, "a pose network")
    text_of("name", name)
    check_bytes("pictures", pictures)
    threshold, upsample = number("threshold", threshold), flag("upsample", upsample)
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
    check_has("people", people, PEOPLE, "joints", "visibility")
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
    for name, joints in (("found", found), ("wanted", wanted)):
        if not isinstance(joints, Joints):
            raise TypeError(f"{name}: expected Joints, as find_joints returns them, got {told(joints)}")
        check_tensor(f"{name}.landmarks", joints.landmarks, f"N {len(JOINTS)} 2", "landmarks", "real")
        check_tensor(f"{name}.seen", joints.seen, f"N {len(JOINTS)}", "seen landmarks", "bool")
    text_of("network", network)
    text_of("pictures", pictures)
    size = size_from("size", size)
    if persons is not None and (not isinstance(persons, tuple | list) or len(persons) > 2):
        raise TypeError(f"persons: expected two tensors, of sources and targets, got {told(persons)}")
    if len(found.landmarks) != len(wanted.landmarks):
        raise ValueError(
            f"found and wanted: expected joints of as many swaps as targets, got {len(found.landmarks)} and "
            f"{len(wanted.landmarks)}"
        )
    judged = wanted.seen & _body()
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


def pose_score(network: nn.Module, pictures: Tensor, truth: Truth, *, decoder: str = "quarter") -> dict[str, float]:
    """How well the joints that a pose network finds on the swaps are those of the true swaps.

    Args:
        network: pictures (N, 3, H, W) in [-1, 1] → heatmaps (N, 17, h, w): the teacher, or any detector.
        pictures: (M, 3, H, W) uint8, one for each of ``truth``'s swaps.
        decoder: ``"argmax"``, ``"quarter"``, ``"newton"`` or ``"dark"``.

    Returns:
        ``pck``: share of the visible body joints, shoulders to ankles, within a tenth of the person's height;
        ``confusion``: share found at the place of their mirror joint.
    """
    check_has("truth", truth, TRUTH, "pictures", "joints", "visibility", "masks")
    check_bytes("pictures", pictures)
    if pictures.shape != truth.pictures.shape:
        raise ValueError(
            f"pictures: expected one picture for each of {len(truth.pictures)} swaps, {tuple(truth.pictures.shape)}, "
            f"got {tuple(pictures.shape)}"
        )
    landmarks = find_joints(network, "a pose network", pictures, decoder=decoder).landmarks
    visible = truth.visibility == 2
    visible = visible & _body()
    options = {"height": person_heights(truth.joints, truth.visibility, truth.masks), "threshold": 0.1}
    scores: dict[str, Score] = {
        "pck": pck(landmarks, truth.joints, visible, **options),
        "confusion": left_right_confusion(landmarks, truth.joints, visible, **options),
    }
    return {name: score.mean for name, score in scores.items()}


def score_landmarks(
    network: nn.Module, people: People, *, decoder: str = "argmax", upsample: bool = False
) -> dict[str, Any]:
    """PCK@0.1 of the person's height over visible joints, and how often left and right are mixed up.

    Args:
        network: pictures (N, 3, H, W) in [-1, 1] → heatmaps (N, 17, h, w): a student or a teacher.
        people: with joints.
        decoder: ``"argmax"``, ``"quarter"``, ``"newton"`` or ``"dark"``.
        upsample: bring the heatmaps to the pictures' size first, as a network with ``decode_at="full"`` does.

    Returns:
        ``pck_height``, ``confusion_height`` and the number of visible joints.

    Raises:
        ValueError: for people without joints.
    """
    check_has("people", people, PEOPLE, "joints", "visibility", "masks", "pictures")
    if people.joints is None or people.visibility is None:
        raise ValueError(f"{people.folder}: expected labelled people, got pictures without joints")
    landmarks = find_joints(network, "a pose network", people.pictures, decoder=decoder, upsample=upsample).landmarks
    visible = people.visibility == 2
    options = {"height": person_heights(people.joints, people.visibility, people.masks), "threshold": 0.1}
    return {
        "decoder": decoder,
        "visible_joints": int(visible.sum()),
        "pck_height": round(pck(landmarks, people.joints, visible, **options).mean, 4),
        "confusion_height": round(left_right_confusion(landmarks, people.joints, visible, **options).mean, 4),
    }


def _body() -> Tensor:
    """(17,) bool: shoulders to ankles."""
    body = torch.zeros(len(JOINTS), dtype=torch.bool)
    body[list(BODY)] = True
    return body


def _radius(landmarks: Tensor, joints: Tensor, visibility: Tensor, height: Tensor | float, threshold: float) -> Tensor:
    sizes: Sizes = {}
    check_tensor("landmarks", landmarks, "N K 2", "landmarks", "real", sizes=sizes)
    check_tensor("joints", joints, "N K 2", "joints", "real", sizes=sizes)
    check_tensor("visibility", visibility, "N K", "visibility", "any", sizes=sizes)
    judged = (visibility != 0).to(joints.device)
    check_values("joints", joints[judged])
    check_values("landmarks", landmarks[judged.to(landmarks.device)])
    heights = _heights(height, len(joints)).to(joints.device)
    return (heights * number("threshold", threshold, above=0)).reshape(-1, 1)


def _heights(height: Tensor | float, count: int) -> Tensor:
    """Heights (N,) or () as float32; those of people whom nobody sees may be 0."""
    if isinstance(height, bool):
        raise TypeError(f"height: expected (N,) heights or a number above 0, got {told(height)}")
    try:
        heights = torch.as_tensor(height, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"height: expected (N,) heights or a number above 0, got {told(height)}") from error
    if heights.ndim > 1 or (heights.ndim == 1 and len(heights) != count):
        raise ValueError(f"height: expected (N,) with N = {count} or a number, got {tuple(heights.shape)}")
    if heights.ndim == 0:
        number("height", float(heights), above=0)
    check_values("height", heights, 0)
    return heights


def _share(hit: Tensor, judged: Tensor) -> Score:
    count = judged.sum(dim=0)
    hits = (hit & judged).sum(dim=0)
    total = int(count.sum())
    return Score(hits / count, float(hits.sum()) / total if total else float("nan"), count)
