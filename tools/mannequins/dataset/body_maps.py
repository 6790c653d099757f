"""Labels of the body maps: where on the standing reference body every place of a picture lies, at half its size.

    python -m tools.mannequins body-maps data/mannequins --out data/body_maps

renders the pictures of a data set once more, without light or street, and bodies in any pose beside them. The maps are
small enough to lie in the repository, so that training needs neither the renderer nor a dense label from elsewhere.
`momi_lib.data.body_maps` reads what is written here and names the format.
"""

from __future__ import annotations

import csv
import io
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from momi_lib.data.body_maps import encode_body_maps
from momi_lib.skeleton import JOINTS
from tools.mannequins.body.any_pose import LIMBS, any_pose, dragged
from tools.mannequins.body.attributes import Attributes
from tools.mannequins.dataset.labels import read_attributes, read_scenes
from tools.mannequins.dataset.truth import Taken
from tools.mannequins.dataset.work import put, start_process
from tools.mannequins.photograph.person import Person
from tools.mannequins.photograph.picture import OBSTACLE, Crop, placed_points, posed_in, to_picture
from tools.mannequins.photograph.scene import Scene, draw_scene
from tools.mannequins.photograph.seen import PERSON, body_map
from tools.mannequins.render.mesh import Part, placed
from tools.mannequins.render.renderer import Drawable, Light, Renderer

__all__ = ["LIFTS", "any_body", "body_map_of", "to_camera", "write_body_maps"]

SHAPE = (64, 32)
PICTURE = (128, 64)
EVERY = 10  # true swaps: the maps of one in so many are written
ANY_TAG = 31  # a random stream of its own
DRAGGED = 0.5  # share of bodies with a limb or two as a drag on the picture leaves them
LIFTS = (0.1, 0.4, 0.7, 1.0)  # radians towards the camera, tried in turn until the dragged end is seen
OWN_CROP = 0.6  # share of bodies in any pose that a detector's box was drawn around; the others may reach out of it
LIGHT = Light(np.array([0.0, -0.6, 0.8]), np.ones(3), np.ones(3), 0.0)


def body_map_of(
    scene: Scene, person: Person, crop: Crop, *, obstacle: bool = True, height: float | None = None
) -> np.ndarray:
    """(64, 32, 3) float32 metres, NaN where nothing of the person is seen: the label of one picture.

    Args:
        obstacle: whether what stands in the way hides the person.
        height: metres to which the posed person is scaled, as a true swap needs it.
    """
    posed = posed_in(scene, person, height)
    drawables = [Drawable(placed(posed.mesh, scene.yaw, scene.x, scene.y), person.uniforms, PERSON)]
    if obstacle and scene.obstacle is not None:
        drawables += _obstacles(scene)
    return _drawn(drawables, scene, crop)


def any_body(seed: int, number: int, person: int, attributes: Attributes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A body in a pose that is drawn by its number: its map (64, 32, 3), joints (17, 2) and whether they are inside.

    Every other one has a pedestrian's pose but for a forearm or a shin that was dragged, or two. Whoever drags a hand
    onto a trunk means it to be seen, so it is lifted towards the camera until it is.
    """
    rng = np.random.default_rng([ANY_TAG, seed, number])
    scene = draw_scene(seed + ANY_TAG, person, number, int(rng.integers(6)))
    who = _person(attributes)
    if rng.random() >= DRAGGED:
        return _any_picture(any_pose(rng), scene, who, rng.random() < OWN_CROP)
    own_crop, pose = rng.random() < OWN_CROP, scene.pose()
    for limb in rng.choice(list(LIMBS), size=rng.choice([1, 2], p=[0.7, 0.3]), replace=False):
        angle, before = rng.uniform(-np.pi, np.pi), pose
        for lift in LIFTS:
            pose = dragged(before, limb, angle, to_camera(scene), lift)
            picture = _any_picture(pose, scene, who, own_crop)
            if _shows(*picture, limb):
                break
    return picture


def _any_picture(
    pose: dict[str, np.ndarray], scene: Scene, who: Person, own_crop: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    posed = who.posed(pose)
    body = placed(posed.mesh, scene.yaw, scene.x, scene.y)
    framed = body if own_crop else placed(posed_in(scene, who).mesh, scene.yaw, scene.x, scene.y)
    crop = scene.crop(scene.view.project(framed.positions[framed.aux[:, 1] != Part.THING]))
    joints = scene.view.project(placed_points(posed.joints, scene.yaw, scene.x, scene.y))
    places = to_picture(joints[:, :2], crop, PICTURE)
    inside = ((places > -0.5) & (places < np.array(PICTURE[::-1]) - 0.5)).all(1)
    return _drawn([Drawable(body, who.uniforms, PERSON)], scene, crop), places.astype(np.float32), inside


def to_camera(scene: Scene) -> np.ndarray:
    """(3,) of unit length from the person's waist to the camera, in the person's own frame."""
    away = scene.view.eye - np.array([scene.x, scene.y, 1.0])
    cos, sin = np.cos(scene.yaw), np.sin(scene.yaw)
    own = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]]) @ away
    return own / np.linalg.norm(own)


def _shows(body: np.ndarray, places: np.ndarray, inside: np.ndarray, limb: str) -> bool:
    """Whether a map shows the end of a limb at its joint; a joint outside the picture need not be seen."""
    kind, side = limb.split()
    joint = JOINTS.index(f"{'left' if side == 'L' else 'right'}_{'wrist' if kind == 'arm' else 'ankle'}")
    if not inside[joint]:
        return True
    column, row = ((places[joint] + 0.5) / 2).astype(int)
    near = body[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].reshape(-1, 3)
    outwards, height = (near * [1 if side == "L" else -1, 1, 1])[:, ::2].T  # what is not the person is NaN
    if kind == "arm":
        return bool(((outwards > 0.376) & (height > 0)).any())
    return bool(((outwards > 0) & (height < -0.45)).any())


def write_body_maps(folder: Path, out: Path, *, any_poses: int = 9_000, seed: int = 0, workers: int = 1) -> None:
    """Write `train`, `test`, `truth` and `any_pose`, a PNG of maps and an NPZ of what belongs to them, into `out`.

    `truth` holds the maps of source and true answer of every tenth true swap: what a network would need to know to
    carry over everything that can be.
    """
    people = read_attributes(folder)
    taken = read_scenes(folder)
    train = [one for one in taken if one.file.startswith("bounding_box_train")]
    test = [one for one in taken if not one.file.startswith("bounding_box_train")]
    persons = sorted({one.person for one in train})
    asked = [(seed, number, persons[number % len(persons)]) for number in range(any_poses)]
    asked.sort(key=lambda each: each[2])  # a person is built once
    out.mkdir(parents=True, exist_ok=True)
    for name, some in (("train", train), ("test", test)):
        maps = np.stack(list(_map(_taken, [(one, people[one.person]) for one in some], workers, name)))
        whole = np.array([one.scene.obstacle is None for one in some])
        _write(out / name, maps, files=np.array([one.file for one in some]), whole=whole)
    rows = _every(folder, EVERY)
    by_file = {one.file: one for one in taken}
    swaps = [(by_file[row["from"]], by_file[row["to"]]) for row in rows.values()]
    asked_swaps = [(source, target, people[source.person]) for source, target in swaps]
    if rows:
        pairs = np.stack(list(_map(_swap, asked_swaps, workers, "true swaps")))
        _write(out / "truth", pairs.reshape(-1, *SHAPE, 3), rows=np.repeat(np.array(list(rows), np.int16), 2))
    bodies = list(_map(_any, [(*each, people[each[2]]) for each in asked], workers, "any pose"))
    maps, joints, inside = (np.stack(column) for column in zip(*bodies, strict=True))
    owners = np.array([person for _, _, person in asked], np.int16)
    _write(out / "any_pose", maps, joints=joints.astype(np.float16), inside=inside, persons=owners)


def _every(folder: Path, step: int) -> dict[int, dict[str, str]]:
    """One true swap in `step`, by its row; none where the data set has no true swaps."""
    table = folder / "truth" / "pairs.csv"
    if not table.is_file():
        return {}
    with open(table, newline="", encoding="utf-8") as file:
        return {row: pair for row, pair in enumerate(csv.DictReader(file)) if row % step == 0}


def _swap(item: tuple[Taken, Taken, Attributes]) -> np.ndarray:
    """The maps of a swap's source and of its true answer: (2, 64, 32, 3)."""
    source, target, attributes = item
    person = _person(attributes)
    answer = body_map_of(target.scene, person, target.crop, obstacle=False, height=target.height)
    return np.stack([body_map_of(source.scene, person, source.crop), answer])


def _write(path: Path, maps: np.ndarray, **facts: np.ndarray) -> None:
    put(path.with_suffix(".png"), encode_body_maps(maps))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **facts)
    put(path.with_suffix(".npz"), buffer.getvalue())


def _map(function, items: Sequence, workers: int, what: str) -> Iterator:
    with tqdm(total=len(items), desc=what, unit="body") as bar:
        if workers == 1:
            for item in items:
                yield function(item)
                bar.update()
            return
        context = multiprocessing.get_context("spawn")  # a fork would share one OpenGL context
        with ProcessPoolExecutor(workers, context, initializer=start_process) as pool:
            for result in pool.map(function, items, chunksize=48):
                yield result
                bar.update()


def _taken(item: tuple[Taken, Attributes]) -> np.ndarray:
    one, attributes = item
    return body_map_of(one.scene, _person(attributes), one.crop)


def _any(item: tuple[int, int, int, Attributes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return any_body(*item)


def _drawn(drawables: list[Drawable], scene: Scene, crop: Crop) -> np.ndarray:
    feet = [[scene.x, scene.y, scene.x, scene.y]]
    buffers = _renderer().draw(drawables, scene.view.matrix(crop), scene.view.eye, LIGHT, feet)
    return body_map(buffers, SHAPE)


def _obstacles(scene: Scene) -> list[Drawable]:
    other = scene.obstacle
    if other.kind != "person":
        mesh, paint = other.mesh()
        return [Drawable(mesh, {"paint": paint}, OBSTACLE)]
    passer = _passer(scene.seed, other.identity)
    return [Drawable(placed(passer.posed(other.pose()).mesh, other.yaw, other.x, other.y), passer.uniforms, 3)]


@lru_cache(1)
def _renderer() -> Renderer:
    return Renderer(*SHAPE)


@lru_cache(8)
def _person(attributes: Attributes) -> Person:
    return Person.of(attributes)


@lru_cache(8)
def _passer(seed: int, identity: int) -> Person:
    from tools.mannequins.body.attributes import identity_attributes

    return Person.of(identity_attributes(seed, identity))
