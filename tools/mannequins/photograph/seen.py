"""What a picture shows: from samples to the visibility of joints, the mask, the part map and the canonical map.

A joint lies inside the body. It counts as visible where the surface in front of it belongs to one of its own parts
(a left knee: the left thigh or shin) and is not much nearer than the joint itself, and where its pixel is the
person's. So an arm before the hip hides the hip, and the other leg hides a knee, however close they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tools.mannequins.render.mesh import Layer, Part
from tools.mannequins.render.renderer import Buffers

__all__ = ["HELD", "OBSTACLE", "OTHER", "PERSON", "Seen", "body_map", "see"]

# Ids of what is drawn: the person with all they wear, what their hands hold, who passes by, what stands in the way.
PERSON, HELD, OTHER, OBSTACLE = 1, 2, 3, 4
OUTSIDE, HIDDEN, VISIBLE = 0, 1, 2
SMALLEST_PIECE = 12  # pixels: specks of the mask below it are dropped
NEIGHBOURHOOD = 2  # samples each way around a joint
# Metres that a surface may lie before a joint and still be the joint's: half the limb and the cloth on it.
TOLERANCE = np.array(
    [0.05, 0.05, 0.05, 0.06, 0.06, 0.16, 0.16, 0.12, 0.12, 0.09, 0.09, 0.20, 0.20, 0.14, 0.14, 0.11, 0.11]
)
COVER = 0.10  # metres: at most this much hair or strap over a joint does not hide it
LOOSE = 0.26  # metres: the same for a skirt or a coat over hips and knees
_LOOSE = [layer + 1 for layer in (Layer.SKIRT, Layer.TOP, Layer.OUTER)]
_P = Part
_OWN: tuple[set[Part], ...] = (
    *[{_P.HEAD}] * 5,
    {_P.TORSO, _P.UPPER_ARM_L, _P.NECK},
    {_P.TORSO, _P.UPPER_ARM_R, _P.NECK},
    {_P.UPPER_ARM_L, _P.FOREARM_L},
    {_P.UPPER_ARM_R, _P.FOREARM_R},
    {_P.FOREARM_L, _P.HAND_L},
    {_P.FOREARM_R, _P.HAND_R},
    {_P.TORSO, _P.THIGH_L},
    {_P.TORSO, _P.THIGH_R},
    {_P.THIGH_L, _P.SHIN_L},
    {_P.THIGH_R, _P.SHIN_R},
    {_P.SHIN_L, _P.FOOT_L},
    {_P.SHIN_R, _P.FOOT_R},
)
_HIPS_AND_KNEES = (11, 12, 13, 14)
_SHOULDERS = (5, 6)
_LEGS = [part + 1 for part in (_P.THIGH_L, _P.THIGH_R, _P.SHIN_L, _P.SHIN_R)]


def _table(sets: list[set[Part]]) -> np.ndarray:
    """(17, 17) bool: joint × part + 1."""
    table = np.zeros((len(sets), len(Part) + 1), bool)
    for joint, parts in enumerate(sets):
        table[joint, [part + 1 for part in parts]] = True
    return table


_IS_OWN = _table(list(_OWN))
_MAY_COVER = _table([{_P.THING, _P.HEAD} if joint in _SHOULDERS else {_P.THING} for joint in range(17)])


@dataclass(frozen=True, eq=False)
class Seen:
    """Labels of one picture; the fields are `Picture`'s."""

    joints: np.ndarray
    visibility: np.ndarray
    mask: np.ndarray
    parts: np.ndarray
    canonical: np.ndarray


def see(buffers: Buffers, joints: np.ndarray, depths: np.ndarray, shape: tuple[int, int]) -> Seen:
    """Labels from what was drawn.

    Args:
        joints: (17, 2) in pixels, centres at integers; depths: (17,) metres along the camera's axis.
        shape: rows and columns of the picture.
    """
    samples = buffers.object_id.shape[0] // shape[0]
    person = buffers.object_id == PERSON
    mask = _without_specks(_share(person, samples) >= 0.5)
    in_hand = buffers.object_id == HELD
    held = np.zeros_like(mask)
    if in_hand.any():
        held = ~mask & (_share(person | in_hand, samples) >= 0.5) & (_share(in_hand, samples) > 0)
    votes = _votes(np.where(person, buffers.part, 0), samples)
    parts = np.where(mask, votes, np.where(held, Part.THING + 1, 0)).astype(np.uint8)
    visibility = np.array([_visible(buffers, joint, *joints[joint], depths[joint], samples) for joint in range(17)])
    columns, rows = np.rint(np.nan_to_num(joints)).astype(int).T
    inside = visibility > OUTSIDE
    on_mask = np.zeros(17, bool)
    on_mask[inside] = mask[rows[inside], columns[inside]]
    visibility[(visibility == VISIBLE) & ~on_mask] = HIDDEN
    canonical = _canonical(buffers.canonical, person & (buffers.part == _spread(parts, samples)), samples)
    canonical[~mask | (parts == Part.THING + 1)] = np.nan
    return Seen(joints, visibility.astype(np.uint8), mask, parts, canonical)


def body_map(buffers: Buffers, shape: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) float32 metres on the standing reference body, NaN where less than half of a pixel is the person.

    Worn bags are part of the body here: they move with it, so their place at rest is their canonical place. Where two
    parts of the body share a pixel the place is that of the larger one; a mean of both would lie on neither.
    """
    samples = buffers.object_id.shape[0] // shape[0]
    person = buffers.object_id == PERSON
    mask = _without_specks(_share(person, samples) >= 0.5)
    parts = _votes(np.where(person, buffers.part, 0), samples)
    places = _canonical(buffers.canonical, person & (buffers.part == _spread(parts, samples)), samples)
    places[~mask] = np.nan
    return places


def _share(samples_of: np.ndarray, samples: int) -> np.ndarray:
    """(H, W) share of a pixel's samples that are set."""
    size = (samples_of.shape[1] // samples, samples_of.shape[0] // samples)
    return cv2.resize(samples_of.astype(np.float32), size, interpolation=cv2.INTER_AREA)


def _spread(pixels: np.ndarray, samples: int) -> np.ndarray:
    """Every pixel's value on all its samples."""
    return pixels.repeat(samples, 0).repeat(samples, 1)


def _without_specks(mask: np.ndarray) -> np.ndarray:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= SMALLEST_PIECE
    large[0] = False
    return large[labels] if count > 1 else mask


def _votes(parts: np.ndarray, samples: int) -> np.ndarray:
    """(H, W) the part, 1 and up, that most samples of a pixel show; the lower number where two have as many."""
    rows, columns = (length // samples for length in parts.shape)
    kinds = len(Part) + 1
    row, column = np.nonzero(parts)
    cell = ((row // samples) * columns + column // samples) * kinds + parts[row, column]
    counts = np.bincount(cell, minlength=rows * columns * kinds)
    counts = counts.reshape(rows, columns, kinds)
    return counts[..., 1:].argmax(2) + 1


def _canonical(places: np.ndarray, chosen: np.ndarray, samples: int) -> np.ndarray:
    """(H, W, 3) float32: the mean place of the chosen samples of each pixel."""
    rows, columns = (length // samples for length in chosen.shape)
    row, column = np.nonzero(chosen)
    pixel = (row // samples) * columns + column // samples
    counts = np.bincount(pixel, minlength=rows * columns)
    values = places[row, column]
    sums = np.stack([np.bincount(pixel, values[:, axis], rows * columns) for axis in range(3)], 1)
    return (sums / np.maximum(counts, 1)[:, None]).reshape(rows, columns, 3).astype(np.float32)


def _visible(buffers: Buffers, joint: int, x: float, y: float, depth: float, samples: int) -> int:
    height, width = buffers.depth.shape
    column, row = int(np.floor((x + 0.5) * samples)), int(np.floor((y + 0.5) * samples))
    if not (0 <= column < width and 0 <= row < height):
        return OUTSIDE
    near = (
        slice(max(row - NEIGHBOURHOOD, 0), row + NEIGHBOURHOOD + 1),
        slice(max(column - NEIGHBOURHOOD, 0), column + NEIGHBOURHOOD + 1),
    )
    before = depth - buffers.depth[near]  # metres that the surface lies before the joint; -inf for the backdrop
    part, layer, person = buffers.part[near], buffers.layer[near], buffers.object_id[near] == PERSON
    good = (_IS_OWN[joint][part] & (before <= TOLERANCE[joint])) | (_MAY_COVER[joint][part] & (before <= COVER))
    if joint in _HIPS_AND_KNEES:  # a skirt or a coat hangs before both legs, and some way off
        good |= np.isin(layer, _LOOSE) & np.isin(part, _LEGS) & (before <= LOOSE)
    good &= person
    blocked = ~good & (before > 0)
    return VISIBLE if good.mean() > 0.2 and blocked.mean() < 0.5 else HIDDEN
