"""Six places as a surveillance camera sees them, each furnished anew for every variant.

People walk in front, between a camera's near and far distance; nothing is put there. What stands behind them and at
the sides differs from variant to variant, so that no single pixel tells the camera.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tools.mannequins.street.cameras import FRAME_WIDTH, Camera, Look
from tools.mannequins.street.passersby import passerby
from tools.mannequins.street.pieces import Piece, moved
from tools.mannequins.street.street_furniture import (
    bench,
    bin_,
    board,
    bollard,
    boxes,
    bush,
    hydrant,
    lamp,
    planter,
    shrubs,
    tree,
)  # fmt: skip
from tools.mannequins.street.vehicles import bicycle, car, scooter, van
from tools.mannequins.street.walls import Surface, curtain_wall, facade, fence, shop_row

__all__ = ["GROUNDS", "street"]

GROUNDS = ("tiles", "path", "asphalt", "paving", "slabs", "road")
BRICKS = ((0.50, 0.30, 0.24), (0.55, 0.38, 0.30), (0.42, 0.27, 0.23))
RENDERS = ((0.70, 0.66, 0.58), (0.62, 0.60, 0.58), (0.72, 0.70, 0.66), (0.60, 0.52, 0.44))

Parts = list[Piece | Surface]


def shifted(parts: Iterable[Piece | Surface], x: float = 0, y: float = 0, yaw: float = 0, z: float = 0) -> Parts:
    """Pieces and surfaces turned and moved together."""
    return [
        Surface(moved([part.piece], x, y, yaw, z)[0], part.kind)
        if isinstance(part, Surface)
        else moved([part], x, y, yaw, z)[0]
        for part in parts
    ]


def street(camera: Camera, look: Look, variant: int) -> Parts:
    """Everything that stands in a camera's view, but the ground; and what throws its shade into it from outside."""
    rng = np.random.default_rng([23, camera.number, variant])
    parts = _PLACES[camera.wall](camera, rng)
    return parts + _sides(camera, rng) + _shade(camera, look, rng)


def half_width(camera: Camera, y: float) -> float:
    """Metres from the middle to the edge of the view at distance y."""
    return y * FRAME_WIDTH / 2 / camera.focal


def _scatter(
    camera: Camera, rng: np.random.Generator, low: float, high: float, count: int, makers: list[Callable]
) -> Parts:
    """Objects here and there between two distances."""
    parts: Parts = []
    for _ in range(count):
        y = rng.uniform(low, high)
        x = rng.uniform(-1, 1) * half_width(camera, y) * 1.05
        maker = makers[rng.integers(len(makers))]
        parts += shifted(maker(rng), x, y, rng.normal(0, 0.15))
    return parts


def _crowd(camera: Camera, rng: np.random.Generator, low: float, high: float, count: int) -> Parts:
    """People far behind, alone and in pairs."""
    parts: Parts = []
    for _ in range(count):
        y = rng.uniform(low, high)
        x, yaw = rng.uniform(-1, 1) * half_width(camera, y), rng.uniform(0, 2 * np.pi)
        parts += shifted(passerby(rng), x, y, yaw)
        if rng.random() < 0.4:
            parts += shifted(passerby(rng), x + rng.uniform(0.5, 0.8), y + rng.normal(0, 0.2), yaw + rng.normal(0, 0.2))
    return parts


def _row(
    rng: np.random.Generator, low: float, high: float, y: float, pitch: float, maker: Callable, yaw: float, gaps: float
) -> Parts:
    """Things parked side by side along X; `gaps` is the share of empty places."""
    parts: Parts = []
    for x in np.arange(low, high, pitch):
        if rng.random() > gaps:
            turn = yaw + rng.normal(0, 0.06)
            parts += shifted(maker(rng), x + rng.normal(0, 0.04), y + rng.normal(0, 0.06), turn)
    return parts


def _sides(camera: Camera, rng: np.random.Generator) -> Parts:
    """A few things at the edges of the view, beside where people walk; trees whose shade falls into it."""
    parts: Parts = []
    makers = [bin_, bollard, planter, hydrant, board, boxes, bench, lamp]
    for side in (-1, 1):
        for _ in range(rng.integers(0, 3)):
            y = rng.uniform(camera.near + 1, camera.far)
            parts += shifted(
                makers[rng.integers(len(makers))](rng), side * rng.uniform(0.80, 1.0) * half_width(camera, y), y
            )
    return parts


def _shade(camera: Camera, look: Look, rng: np.random.Generator) -> Parts:
    """Trees out of view whose dappled shade lies where people walk."""
    parts: Parts = []
    for _ in range(rng.integers(0, 5)):
        y = rng.uniform(camera.near, camera.far)
        shade = np.array([rng.uniform(-0.9, 0.9) * half_width(camera, y), y])
        crown = rng.uniform(3.5, 5.0)  # metres above the ground
        place = shade + look.sun[:2] / look.sun[2] * crown
        seen = place[1] > 0.5 and abs(place[0]) < 1.15 * half_width(camera, place[1]) + 1.0
        if not seen and np.abs(place - [0, 13]).max() < 17:
            parts += shifted(tree(rng), *place, rng.uniform(0, 6))
    return parts


def _glass(camera: Camera, rng: np.random.Generator) -> Parts:
    y, width = camera.wall_distance, 2.4 * half_width(camera, camera.wall_distance)
    parts = shifted(curtain_wall(width, 7, rng), 0, y)
    start = rng.uniform(-0.9, 0.1) * width / 2
    parts += _row(
        rng, start, start + rng.uniform(3, 9), y - 1.5, 0.55, bicycle, np.pi / 2 + rng.choice([-0.25, 0.25]), 0.2
    )
    parts += _scatter(camera, rng, camera.far + 1.2, y - 2.2, 5, [planter, bin_, bollard, board, bench])
    parts += _row(
        rng, -width / 2, width / 2, y - 3.2, rng.uniform(1.6, 2.4), bollard, 0, 0.25 if rng.random() < 0.6 else 1
    )
    return parts + _crowd(camera, rng, camera.far + 1.5, y - 1.8, int(rng.integers(1, 5)))


def _park(camera: Camera, rng: np.random.Generator) -> Parts:
    y = camera.wall_distance
    parts: Parts = []
    for x in np.arange(-14, 14, 1.8):
        parts += shifted(shrubs(2.0, 0.8, rng.uniform(0.9, 1.3), rng, 1.4), x, y + rng.normal(0, 0.2))
    for _ in range(7):
        at = rng.uniform(camera.far + 2, y + 8)
        x = rng.uniform(-1.2, 1.2) * half_width(camera, at)
        if abs(x + 0.22 * at - 1.8) > 3:
            parts += shifted(tree(rng), x, at, rng.uniform(0, 6))
    parts += shifted(facade(60, 12, int(rng.integers(3)), RENDERS[rng.integers(4)], rng), 0, y + 14)
    lawn = [tree, bush, bush, bench, lamp, bin_]
    for _ in range(9):
        at = rng.uniform(camera.far + 1, y - 1)
        x = rng.uniform(-1, 1) * half_width(camera, at)
        if abs(x + 0.22 * at - 1.8) > 2.8:
            parts += shifted(lawn[rng.integers(len(lawn))](rng), x, at, rng.normal(0, 0.3))
    for at in np.arange(camera.far + 1.5, y, 3.5):  # along the path
        side = rng.choice([-2.9, 2.9])
        maker = [bench, lamp, bin_, tree][rng.integers(4)]
        parts += shifted(maker(rng), 1.8 - 0.22 * at + side, at, np.pi / 2 * (1 if side < 0 else -1) + 0.2)
    for _ in range(rng.integers(1, 4)):
        at = rng.uniform(camera.far + 2, y - 1)
        parts += shifted(passerby(rng), 1.8 - 0.22 * at + rng.uniform(-1.8, 1.8), at, rng.uniform(0, 6.28))
    return parts


def _brick(camera: Camera, rng: np.random.Generator) -> Parts:
    y, width = camera.wall_distance, 2.4 * half_width(camera, camera.wall_distance)
    parts = shifted(facade(width, 8, 1, BRICKS[rng.integers(3)], rng), 0, y)
    edge = -width / 2
    while edge < width / 2:
        run = rng.uniform(2, 6)
        luck = rng.random()
        if luck < 0.45:
            parts += _row(rng, edge, edge + run, y - 1.2, 0.6, bicycle, np.pi / 2 + 0.15, 0.15)
        elif luck < 0.65:
            parts += _row(rng, edge, edge + run, y - 1.2, 0.95, scooter, np.pi / 2, 0.2)
        elif luck < 0.8:
            parts += shifted((car if rng.random() < 0.8 else van)(rng), edge + 2.3, y - 2.0, rng.choice([0, np.pi]))
            run = 5
        else:
            parts += shifted([bin_, boxes, hydrant, planter, bush][rng.integers(5)](rng), edge + 0.6, y - 0.6)
            run = 1.5
        edge += run + 0.6
    parts += _scatter(camera, rng, camera.far + 0.9, y - 2.6, 3, [bollard, bin_, bollard, boxes])
    return parts + _crowd(camera, rng, camera.far + 1.2, y - 2.2, int(rng.integers(0, 3)))


def _parking(camera: Camera, rng: np.random.Generator) -> Parts:
    y = camera.wall_distance
    parts = shifted(facade(70, 12, int(rng.integers(3)), RENDERS[rng.integers(4)], rng), 0, y)
    parts += _row(rng, -18, 18, 21.2, 2.6, car, np.pi / 2 * rng.choice([-1, 1]), 0.3)
    parts += _row(rng, -18, 18, 27.0, 2.7, car, np.pi / 2 * rng.choice([-1, 1]), 0.35)
    parts += shifted((van if rng.random() < 0.4 else car)(rng), rng.uniform(-6, 6), 16.8, rng.choice([0, np.pi]))
    for x in np.arange(-12, 13, rng.uniform(4, 6)):
        maker = tree if rng.random() < 0.5 else (lamp if rng.random() < 0.4 else bush)
        parts += shifted(maker(rng), x + rng.normal(0, 0.6), 14.4 + rng.normal(0, 0.15), rng.uniform(0, 6))
    parts += _row(rng, -9, 9, 15.0, rng.uniform(1.4, 2.2), bollard, 0, 0.3 if rng.random() < 0.6 else 1)
    parts += _scatter(camera, rng, camera.far + 0.8, 14.2, 4, [bin_, bench, planter, bicycle, board])
    return parts + _crowd(camera, rng, camera.far + 1, 19, int(rng.integers(1, 5)))


def _shop(camera: Camera, rng: np.random.Generator) -> Parts:
    y, width = camera.wall_distance, 2.4 * half_width(camera, camera.wall_distance)
    parts = shifted(shop_row(width, 7, rng), 0, y)
    parts += _scatter(camera, rng, y - 0.9, y - 0.5, 7, [boxes, planter, board, bin_, bench, bush])
    start = rng.uniform(-0.8, 0.2) * width / 2
    parts += _row(
        rng, start, start + rng.uniform(1, 5), y - 1.0, 0.6, bicycle if rng.random() < 0.6 else scooter, np.pi / 2, 0.2
    )
    return parts + _crowd(camera, rng, y - 1.5, y - 0.7, int(rng.integers(1, 4)))


def _trees(camera: Camera, rng: np.random.Generator) -> Parts:
    y = camera.wall_distance
    parts = shifted(facade(60, 10, int(rng.integers(3)), RENDERS[rng.integers(4)], rng), 0, y + 5)
    parts += shifted(fence(44, rng), 0, y) if rng.random() < 0.6 else []
    for x in np.arange(-18, 18, 2.0):
        parts += shifted(shrubs(2.2, 0.9, rng.uniform(0.8, 1.4), rng, 1.0), x, y + 0.8)
    for x in np.arange(-16, 17, rng.uniform(4, 6)):
        parts += shifted(tree(rng), x + rng.normal(0, 0.7), 13.2 + rng.normal(0, 0.2), rng.uniform(0, 6))
    edge = -14.0
    while edge < 14:
        luck = rng.random()
        if luck < 0.4:
            run = rng.uniform(2, 5)
            parts += _row(rng, edge, edge + run, 12.2, 0.6, bicycle, np.pi / 2 + 0.2, 0.2)
        elif luck < 0.6:
            run = 3.0
            maker = [bench, hydrant, board, planter][rng.integers(4)]
            parts += shifted(maker(rng), edge + 1.5, 12.6 + rng.normal(0, 0.3))
        else:
            run = rng.uniform(1.5, 4)
        edge += run + 0.5
    edge = -14.0
    while edge < 14:
        if rng.random() < 0.35:  # parked at the far kerb
            parts += shifted((car if rng.random() < 0.8 else van)(rng), edge + 2.5, 10.6, rng.choice([0, np.pi]))
        edge += 5.4
    return parts + _crowd(camera, rng, 11.8, y - 1.5, int(rng.integers(1, 5)))


_PLACES = {"glass": _glass, "park": _park, "brick": _brick, "parking": _parking, "shop": _shop, "trees": _trees}
