"""Things in hands, and things in the way.

What a pose's hands hold (a phone, a box, an umbrella, a trolley, a bicycle) belongs to the pose and so to the scene:
whoever takes the pose holds it. A hand bag belongs to the person and hangs from a hand that is free.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tools.mannequins.body.attributes import Attributes
from tools.mannequins.body.poses import POSES
from tools.mannequins.render.mesh import Layer, Mesh, join, rounded_box, sheet_faces, thing, tube
from tools.mannequins.street.pieces import Piece, moved, painted
from tools.mannequins.street.street_furniture import bench, bin_, board, bollard, boxes, bush, hydrant, planter, post
from tools.mannequins.street.vehicles import bicycle, car, scooter

__all__ = ["OCCLUDERS", "held_things", "occluder"]

HAND = 0.085  # metres from the wrist to the middle of the palm, along the forearm
_NOSE, _EARS, _SHOULDERS, _ELBOWS, _WRISTS, _HIPS = 0, (3, 4), (5, 6), (7, 8), (9, 10), (11, 12)  # left, right


def held_things(
    joints: np.ndarray, attributes: Attributes, kind: str, side: str, rng: np.random.Generator
) -> Mesh | None:
    """What a posed person holds, in the posed person's frame; None for empty hands.

    Args:
        joints: (17, 3) metres, feet on z = 0, facing -Y.
        kind: of the pose, a key of `POSES`.
        side: "L" or "R", the hand the pose keeps busy.
        rng: sizes of what is held.
    """
    scale = (joints[_NOSE, 2] - joints[list(_HIPS), 2].mean()) / 0.65  # sitting nowhere: a person's size
    holds, busy = POSES[kind].holds, POSES[kind].busy
    meshes = [] if holds is None else _HELD[holds](joints, side, rng, scale)
    if attributes.bag in _BAGS and busy != "both":
        other = "R" if side == "L" else "L"
        hand = other if busy and attributes.side == side else attributes.side
        meshes += _hung(joints, hand, attributes.bag)
    return join(meshes) if meshes else None


def _palm(joints: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray]:
    """The middle of a palm (3,) and the forearm's direction (3,)."""
    index = "LR".index(side)
    along = joints[_WRISTS[index]] - joints[_ELBOWS[index]]
    along = along / max(np.linalg.norm(along), 1e-6)
    return joints[_WRISTS[index]] + HAND * along, along


def _turned(mesh_parts: tuple[np.ndarray, np.ndarray], axes: np.ndarray, place: np.ndarray, layer: Layer) -> Mesh:
    """A solid whose own x, y, z are put along the columns of `axes`, at `place`."""
    positions, faces = mesh_parts
    return thing(positions @ np.asarray(axes).T + place, faces, layer, canonical=positions)


def _axes(along: np.ndarray, hint: np.ndarray) -> np.ndarray:
    """(3, 3) orthonormal columns: z along `along`, y as near to `hint` as that allows."""
    z = along / np.linalg.norm(along)
    x = np.cross(hint, z)
    x /= max(np.linalg.norm(x), 1e-6)
    return np.stack([x, np.cross(z, x), z], 1)


def _bar(path: list, radius: float, layer: Layer = Layer.SHAFT) -> Mesh:
    return thing(*tube(np.array(path), radius, segments=6), layer)


def _phone(joints: np.ndarray, side: str, rng: np.random.Generator, scale: float) -> list[Mesh]:
    """Read: upright in the fingers, its screen towards the face."""
    palm, along = _palm(joints, side)
    to_face = joints[_NOSE] - palm
    up = along + np.array([0, 0, 0.6])
    solid = rounded_box((0.038, 0.006, 0.078), power=0.2, segments=4)
    return [_turned(solid, _axes(up, to_face), palm + 0.03 * along + [0, 0, 0.03], Layer.PHONE)]


def _call(joints: np.ndarray, side: str, rng: np.random.Generator, scale: float) -> list[Mesh]:
    """At the ear: flat against the cheek, from the palm up."""
    palm, _ = _palm(joints, side)
    ear = joints[_EARS["LR".index(side)]]
    outwards = ear - joints[list(_EARS)].mean(0)
    outwards /= np.linalg.norm(outwards)
    middle = 0.5 * palm + 0.5 * (ear + 0.02 * outwards)
    solid = rounded_box((0.036, 0.006, 0.076), power=0.2, segments=4)
    return [_turned(solid, _axes(ear - palm + [0, 0, 0.12], outwards), middle, Layer.PHONE)]


def _box(joints: np.ndarray, side: str, rng: np.random.Generator, scale: float) -> list[Mesh]:
    """A carton between both hands, resting on the forearms."""
    (left, _), (right, _) = _palm(joints, "L"), _palm(joints, "R")
    across = left - right
    half = np.array([max(np.linalg.norm(across) / 2 - 0.03, 0.1), rng.uniform(0.12, 0.17), rng.uniform(0.09, 0.16)])
    x = across / np.linalg.norm(across)
    z = np.array([0.0, 0.0, 1.0]) - x[2] * x
    z /= np.linalg.norm(z)
    axes = np.stack([x, np.cross(z, x), z], 1)
    middle = (left + right) / 2 + z * (half[2] - 0.05)
    # the carton ends where the belly begins
    middle[1] = min(middle[1] + 0.05, joints[list(_HIPS), 1].mean() - 0.16 * scale - half[1])
    return [_turned(rounded_box(half, power=0.12, segments=8), axes, middle, Layer.BOX)]


def _umbrella(joints: np.ndarray, side: str, rng: np.random.Generator, scale: float) -> list[Mesh]:
    """Open, above the head; the shaft leans from the hand towards the head."""
    palm, _ = _palm(joints, side)
    head = joints[list(_EARS)].mean(0)
    top = np.array([*(0.45 * palm[:2] + 0.55 * head[:2]), head[2] + rng.uniform(0.36, 0.48)])
    axes = _axes(top - palm, np.array([0.0, -1.0, 0.0]))
    radius = rng.uniform(0.46, 0.55)
    reach = np.linspace(0, 1, 7)[::-1]
    turn = np.linspace(0, 2 * np.pi, 25)[:-1]
    sag = 1 - 0.07 * np.abs(np.sin(turn * 4))[None, :] * reach[:, None]  # cloth hangs in between eight ribs
    rows = radius * reach[:, None] * sag
    z = np.repeat(0.26 * (1 - reach[:, None] ** 2), 24, 1) - 0.2
    canopy = np.stack([rows * np.cos(turn), rows * np.sin(turn), z], -1).reshape(-1, 3)
    faces = sheet_faces(len(reach), 24, closed=True)
    handle = palm - 0.07 * axes[:, 2]
    shaft = _bar([handle, palm, top + 0.1 * axes[:, 2]], 0.008)
    return [_turned((canopy, faces), axes, top, Layer.UMBRELLA), shaft]


def _trolley(joints: np.ndarray, side: str, rng: np.random.Generator, scale: float) -> list[Mesh]:
    """A suitcase on wheels, pulled behind, its bars up to the hand."""
    palm, _ = _palm(joints, side)
    foot = np.array([palm[0] + 0.02, palm[1] + rng.uniform(0.30, 0.42), 0.06])
    along = palm - foot
    axes = _axes(along, np.array([0.0, 1.0, 0.0]))
    half = np.array([rng.uniform(0.17, 0.22), 0.11, rng.uniform(0.25, 0.31)])
    middle = foot + axes[:, 2] * (half[2] + 0.02)
    case = _turned(rounded_box(half, power=0.25, segments=8), axes, middle, Layer.BAG)
    bars = [_bar([middle + s * 0.09 * axes[:, 0], palm + s * 0.09 * axes[:, 0]], 0.009) for s in (-1, 1)]
    grip = _bar([palm - 0.09 * axes[:, 0], palm + 0.09 * axes[:, 0]], 0.014)
    wheels = []
    for s in (-1, 1):
        turn = np.linspace(0, 2 * np.pi, 12)
        place = foot + s * 0.8 * half[0] * axes[:, 0]
        wheels.append(_bar([place + 0.03 * np.array([0, np.cos(t), np.sin(t)]) - [0, 0, 0.03] for t in turn], 0.02))
    return [case, *bars, grip, *wheels]


def _bicycle(joints: np.ndarray, side: str, rng: np.random.Generator, scale: float) -> list[Mesh]:
    """A bicycle pushed along beside the person, its handlebar under both hands."""
    (near, _), (far, _) = _palm(joints, side), _palm(joints, "R" if side == "L" else "L")
    pieces = bicycle(rng)
    # the bicycle looks along +X and its handlebar is at x = 0.3: turn it to look along -Y
    sign = 1 if side == "L" else -1
    x = max(sign * (near[0] + far[0]) / 2, 0.36) * sign
    size = float(np.clip((near[2] + far[2]) / 2 / 1.03, 0.9, 1.1))  # the handlebar is 1.03 m above the ground
    pieces = moved(pieces, x, float((near[1] + far[1]) / 2) + 0.3 * size, -np.pi / 2, scale=size)
    return [
        thing(each.positions, each.faces, Layer.BAG if max(each.colour) - min(each.colour) > 0.12 else Layer.SHAFT)
        for each in pieces
    ]


# Bags that hang from a hand: half width, depth and height, power of the rounding, length of the handles (metres).
_BAGS: dict[str, tuple[tuple[float, float, float], float, float]] = {
    "handbag": ((0.055, 0.15, 0.11), 0.3, 0.16),
    "tote": ((0.045, 0.18, 0.19), 0.3, 0.22),
    "plastic": ((0.075, 0.11, 0.14), 0.75, 0.10),
}


def _hung(joints: np.ndarray, side: str, bag: str) -> list[Mesh]:
    """A bag that hangs straight down from a hand by two handles."""
    half, power, drop = _BAGS[bag]
    palm, _ = _palm(joints, side)
    drop = min(drop, max(palm[2] - 2 * half[2] - 0.04, 0.03))  # short people's bags clear the ground
    meshes = [thing(*rounded_box(half, palm - [0, 0, drop + half[2]], power=power, segments=6), Layer.BAG)]
    turn = np.linspace(0, np.pi, 9)
    for x in (-0.6, 0.6):
        rise = drop * (np.sin(turn) - 1.1)
        strap = palm + np.stack([x * half[0] * np.cos(turn) ** 2, 0.6 * half[1] * np.cos(turn), rise], 1)
        meshes.append(thing(*tube(strap, 0.007, segments=5), Layer.BAG))
    return meshes


_HELD: dict[str, Callable] = {
    "phone": _phone,
    "call": _call,
    "box": _box,
    "umbrella": _umbrella,
    "trolley": _trolley,
    "bicycle": _bicycle,
}


# What stands in the way: how often (relative), how far to the side it may stand (metres), and how it is built.
OCCLUDERS: dict[str, tuple[float, float, Callable[[np.random.Generator], list[Piece]]]] = {
    "pole": (0.16, 0.30, post),
    "bollard": (0.14, 0.35, bollard),
    "bin": (0.12, 0.45, bin_),
    "bicycle": (0.20, 0.60, bicycle),
    "scooter": (0.06, 0.60, scooter),
    "boxes": (0.06, 0.40, boxes),
    "bench": (0.08, 0.70, bench),
    "car": (0.07, 1.20, car),
    "planter": (0.05, 0.60, planter),
    "bush": (0.03, 0.60, bush),
    "board": (0.03, 0.40, board),
    "cabinet": (0.03, 0.50, hydrant),
}


def occluder(kind: str, rng: np.random.Generator) -> tuple[Mesh, np.ndarray]:
    """A thing in the way: its mesh at the origin and its colours (8, 3) (see `pieces.painted`).

    Raises KeyError for an unknown kind.
    """
    return painted(OCCLUDERS[kind][2](rng))
