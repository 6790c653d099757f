"""Does a limb follow when its end is dragged?

For random true swaps (drawn by a seed, not chosen), the network finds the target's landmarks. Then one wrist is turned
about its elbow, or one ankle about its knee, by 30°, 45°, 90° or 180°; the limb keeps its length, and all other
landmarks stay. The source's person is drawn in that pose, and the teacher ψ finds the joint in the picture. Behind the
person is the target's street with the target's person removed, if the network takes a street as input.

- obeys: the joint is found within 6 pixels of where it was dragged.
- stays: it is found nearer to its old place than to its new one.

A small turn of a short limb moves its end by fewer than 6 pixels, so a joint can obey without having moved: read both
shares together. ``moved`` is the mean distance between both places.

The seed decides the direction of each turn. If the new place would be outside the picture, the other direction is
taken; if both are outside, the turn is left out and counted. Limbs whose two ends the network did not both find are
also left out and counted, and so are those shorter than 6 pixels, because turning them hardly moves the joint. For
comparison, the results contain what ψ finds in pictures in the target's own pose (0°): how often it finds the joint
where the network was told to draw it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from momi_lib.data import load_truth, to_float, to_uint8
from momi_lib.files import sha256, weights_folder
from momi_lib.metrics.pose import find_joints
from momi_lib.metrics.uncertainty import standard_error
from momi_lib.pose.weights import load_teacher
from momi_lib.provenance import environment
from momi_lib.skeleton import JOINTS
from momi_lib.translate import CarryNet, MomiNet, Pose, load_network, weights_file

ANGLES = (30, 45, 90, 180)  # degrees
WITHIN = 6.0  # pixels of pictures 128 high
#: Kind → (joint, the joint that it turns about), left and right.
LIMBS = {
    kind: tuple((JOINTS.index(f"{side}_{kind}"), JOINTS.index(f"{side}_{parent}")) for side in ("left", "right"))
    for kind, parent in (("wrist", "elbow"), ("ankle", "knee"))
}


def turned(landmarks: Tensor, joint: int, parent: int, degrees: float) -> Tensor:
    """Landmarks (17, 2) with one joint turned about a different one; clockwise, because y points downwards.

    >>> landmarks = torch.zeros(17, 2)
    >>> landmarks[9] = torch.tensor([10.0, 0.0])
    >>> [round(value) for value in turned(landmarks, 9, 7, 90)[9].tolist()]
    [0, 10]
    """
    angle = math.radians(degrees)
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    moved = landmarks.clone()
    moved[joint] = landmarks[parent] + turn @ (landmarks[joint] - landmarks[parent])
    return moved


def inside(place: Tensor, size: tuple[int, int]) -> bool:
    """Whether (x, y) is inside a picture of (H, W) pixels, whose centres are integers.

    >>> inside(torch.tensor([63.5, 0.0]), (128, 64)), inside(torch.tensor([63.6, 0.0]), (128, 64))
    (True, False)
    """
    x, y = place.tolist()
    return -0.5 <= x <= size[1] - 0.5 and -0.5 <= y <= size[0] - 0.5


@dataclass(frozen=True, eq=False)
class Drag:
    """One joint of one pair, dragged: ``landmarks`` (17, 2) after it, ``old`` (2,) where the joint was before."""

    kind: str
    angle: int
    joint: int
    landmarks: Tensor
    old: Tensor


@dataclass
class Counts:
    """What was left out: limbs whose ends were not found or that are too short, and turns that end outside."""

    not_found: int = 0
    too_short: int = 0
    outside: int = 0


def drags(
    landmarks: Tensor, valid: Tensor, size: tuple[int, int], rng: torch.Generator, left_out: dict[str, Counts]
) -> Iterator[Drag]:
    """Every drag of one pair, starting with 0°, at which nothing moves.

    Args:
        landmarks: (17, 2) of the target. valid: (17,) bool.
        size: (H, W).
        rng: for directions; it is used equally often whatever is left out.
        left_out: kind → counts, which are increased.
    """
    for kind, limbs in LIMBS.items():
        for joint, parent in limbs:
            directions = [1 if bool(torch.rand((), generator=rng) < 0.5) else -1 for _ in ANGLES]
            if not (valid[joint] and valid[parent]):
                left_out[kind].not_found += 1
                continue
            old = landmarks[joint]
            if float((old - landmarks[parent]).norm()) < WITHIN:
                left_out[kind].too_short += 1
                continue
            yield Drag(kind, 0, joint, landmarks, old)
            for angle, direction in zip(ANGLES, directions, strict=True):
                both = (turned(landmarks, joint, parent, sign * direction * angle) for sign in (1, -1))
                moved = next((some for some in both if inside(some[joint], size)), None)
                if moved is None:
                    left_out[kind].outside += 1
                    continue
                yield Drag(kind, angle, joint, moved, old)


def street(network: MomiNet, picture: Tensor, pose: Pose) -> Tensor | None:
    """The background for :func:`draw`: the street of a picture (1, 3, H, W), with its person removed.

    ``None`` for a network that draws the street itself.
    """
    return network.backdrop(picture, pose) if isinstance(network, CarryNet) else None


def draw(
    network: MomiNet, source: Tensor, landmarks: Tensor, valid: Tensor, background: Tensor | None = None
) -> Tensor:
    """The person of a picture in the poses of given landmarks.

    Args:
        network: in evaluation mode.
        source: (3, H, W) in [-1, 1].
        landmarks: (N, 17, 2) in pixels. valid: (N, 17) bool.
        background: (1, 3, H, W) in [-1, 1], behind all of them; ``None``: what the network draws.

    Returns:
        (N, 3, H, W) in [-1, 1].
    """
    return network.draw(network.meet(source[None]), network.reproject(landmarks, valid), background)


def rows(found: list[tuple[Drag, Tensor]], people: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """Shares per kind and angle, with their standard errors, resampled by person.

    Args:
        found: drags, and where ψ found their joints (2,).
        people: for each drag, who was drawn, and whose pose was changed.

    >>> drag = Drag("wrist", 90, 9, torch.zeros(17, 2), torch.tensor([20.0, 0.0]))
    >>> rows([(drag, torch.tensor([5.0, 0.0])), (drag, torch.tensor([19.0, 0.0]))], [(1, 2), (3, 4)])
    [{'joint': 'wrist', 'angle': 90, 'drags': 2, 'moved': 20.0, 'obeys': 0.5, 'obeys_error': 0.5,
      'stays': 0.5, 'stays_error': 0.5}]
    """
    result = []
    for kind in LIMBS:
        for angle in (0, *ANGLES):
            which = [k for k, (drag, _) in enumerate(found) if (drag.kind, drag.angle) == (kind, angle)]
            if not which:
                continue
            some = [found[k] for k in which]
            sources, targets = (torch.tensor([people[k][end] for k in which]) for end in (0, 1))
            new = torch.tensor([float((place - drag.landmarks[drag.joint]).norm()) for drag, place in some])
            old = torch.tensor([float((place - drag.old).norm()) for drag, place in some])
            row = {"joint": kind, "angle": angle, "drags": len(some)}
            if angle:
                distances = [float((drag.landmarks[drag.joint] - drag.old).norm()) for drag, _ in some]
                row["moved"] = round(sum(distances) / len(some), 1)
            for name, holds in (("obeys", new <= WITHIN), ("stays", old < new)):
                if angle or name == "obeys":  # at 0° both places are the same
                    row[name] = round(float(holds.double().mean()), 4)
                    error = standard_error(holds.double(), sources, targets)
                    row[f"{name}_error"] = None if math.isnan(error) else round(error, 4)
            result.append(row)
    return result


@torch.inference_mode()
def measure(weights: str | Path, pairs: int = 60, seed: int = 0) -> dict[str, Any]:
    """All drags of all pairs, JSON-ready.

    Args:
        weights: the name of committed weights, or a file.
        pairs: how many true swaps are drawn at random.
        seed: of the swaps and of the directions.

    Raises:
        ValueError: if there are fewer true swaps than ``pairs``.
    """
    truth = load_truth()
    if not 1 <= pairs <= len(truth):
        raise ValueError(f"pairs: expected 1 to {len(truth)}, got {pairs}")
    network, teacher = load_network(weights), load_teacher(None)
    rng = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(truth), generator=rng)[:pairs]
    left_out = {kind: Counts() for kind in LIMBS}
    found: list[tuple[Drag, Tensor]] = []
    people: list[tuple[int, int]] = []
    pictures, persons = truth.people.pictures, truth.people.persons
    for source, target in zip(truth.source[chosen].tolist(), truth.target[chosen].tolist(), strict=True):
        other = to_float(pictures[target][None])
        pose = network.pose(other)
        some = list(drags(pose.landmarks[0], pose.valid[0], network.config.size, rng, left_out))
        if not some:
            continue
        landmarks = torch.stack([drag.landmarks for drag in some])
        person = to_float(pictures[source][None])[0]
        behind = street(network, other, pose)
        drawn = [draw(network, person, part, pose.valid.expand(len(part), -1), behind) for part in landmarks.split(16)]
        places = find_joints(teacher, "teacher", to_uint8(torch.cat(drawn))).landmarks
        found += [(drag, places[k, drag.joint]) for k, drag in enumerate(some)]
        people += [(int(persons[source]), int(persons[target]))] * len(some)
    path = weights_file(weights)
    return {
        "what": "share of dragged wrists and ankles that the teacher finds within 6 pixels of their new place (obeys), "
        "and nearer to the old place than to the new one (stays), ± the standard error, resampled by person; turned "
        "about elbow and knee "
        "by the angle; at 0 degrees: found where the undragged pose has it",
        **environment(),
        "weights": path.stem,
        "sha256": sha256(path),
        "teacher": f"mannequin-teacher[{sha256(weights_folder() / 'mannequin-teacher.safetensors')[:8]}]",
        "fingerprint": truth.people.fingerprint,
        "pairs": pairs,
        "seed": seed,
        "within": WITHIN,
        "left_out": {kind: vars(counts) for kind, counts in left_out.items()},
        "rows": rows(found, people),
    }
