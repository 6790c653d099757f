"""A scene: everything in a picture but who is in it. A scene and an identity make the picture again, to the bit.

Every number of a scene is drawn from the data set's seed, the identity, the picture's index and the camera alone.

>>> scene = draw_scene(seed=0, identity=7, index=3, camera=2)
>>> Scene.from_json(scene.to_json()) == scene == draw_scene(0, 7, 3, 2)
True
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from tools.mannequins.body.arms import Pose
from tools.mannequins.body.attributes import Attributes
from tools.mannequins.body.poses import KINDS, POSES, draw_pose
from tools.mannequins.render.mesh import Mesh, placed
from tools.mannequins.street.backdrop import VARIANTS, time_of
from tools.mannequins.street.cameras import CAMERAS, FRAME_WIDTH, Camera, Look
from tools.mannequins.street.things import OCCLUDERS, held_things, occluder

__all__ = ["Obstacle", "Scene", "draw_scene"]

SCENE_TAG = 11  # keeps these random streams apart from others of the same seed
PERSON_SHARE, THING_SHARE = 0.09, 0.10  # of pictures with another person, with a thing in the way
FREE_AROUND = 0.35  # metres around the person that nothing else enters
PASSING_IDENTITIES = (1_000_000, 1_000_400)  # who walks by: nobody of the data set


@dataclass(frozen=True)
class Obstacle:
    """What stands or walks in the way, or beside.

    Attributes:
        kind: a key of things.OCCLUDERS, or "person".
        seed: of its shape and colours.
        x, y: metres in the world; yaw: radians.
        identity, pose_kind: of a person (0 and "" for a thing).
    """

    kind: str
    seed: int
    x: float
    y: float
    yaw: float
    identity: int = 0
    pose_kind: str = ""

    def mesh(self) -> tuple[Mesh, np.ndarray]:
        """A thing's mesh in the world and its colours (8, 3)."""
        mesh, paint = occluder(self.kind, np.random.default_rng([SCENE_TAG, 2, self.seed]))
        return placed(mesh, self.yaw, self.x, self.y), paint

    def pose(self) -> Pose:
        """A person's pose."""
        return draw_pose(self.pose_kind, np.random.default_rng([SCENE_TAG, 3, self.seed]))


@dataclass(frozen=True)
class Scene:
    """One picture's parameters. Metres and radians; x, y, yaw in the world.

    Attributes:
        camera: 0 to 5; variant: which of its backdrops, and so its hour.
        kind, pose_seed, side: the pose (see poses.py); side is the hand that holds.
        yaw: 0 faces the camera.
        shift_x, shift_y: of the crop, in shares of its width and height; zoom: of its size.
        gain: factor on the picture's light; blur: factor on the look's blur.
        noise_seed: of the sensor's noise.
    """

    seed: int
    identity: int
    index: int
    camera: int
    variant: int
    kind: str
    pose_seed: int
    side: str
    yaw: float
    x: float
    y: float
    shift_x: float
    shift_y: float
    zoom: float
    gain: float
    blur: float
    noise_seed: int
    obstacle: Obstacle | None = None

    @property
    def view(self) -> Camera:
        return CAMERAS[self.camera]

    @property
    def look(self) -> Look:
        """Light and camera look: what a true swap takes from the source's scene (with `gain` and `blur`)."""
        return self.view.look_at(time_of(self.camera, self.variant))

    def pose(self) -> Pose:
        return draw_pose(self.kind, np.random.default_rng([SCENE_TAG, 1, self.pose_seed]), self.side)

    def held(self, joints: np.ndarray, attributes: Attributes) -> Mesh | None:
        """What the posed person holds, in their frame; joints (17, 3)."""
        rng = np.random.default_rng([SCENE_TAG, 4, self.pose_seed])
        return held_things(joints, attributes, self.kind, self.side, rng)

    def crop(self, points: np.ndarray) -> tuple[float, float, float, float]:
        """The crop (u0, v0, width, height) around projected points (N, ≥2) of the body, in full-frame pixels.

        Twice as tall as wide, as a pedestrian detector's box: a little room around the body, off its centre, now and
        then too tight or too wide. Arms that reach out may be cut.
        """
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        if POSES[self.kind].holds == "umbrella":
            low[1] -= 0.13 * (high[1] - low[1])  # a detector takes the umbrella for a part of the person
        width, height = high - low
        height = max(1.04 * height, 2 * 0.80 * width) * self.zoom
        width = height / 2
        u, v = (low + high) / 2 + np.array([self.shift_x * width, self.shift_y * height])
        return (float(u - width / 2), float(v - height / 2), float(width), float(height))

    def to_json(self) -> str:
        """One line; floats keep every bit."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Scene:
        values = json.loads(text)
        if values["obstacle"] is not None:
            values["obstacle"] = Obstacle(**values["obstacle"])
        return cls(**values)


def draw_scene(seed: int, identity: int, index: int, camera: int, attempt: int = 0) -> Scene:
    """The scene of one picture; `attempt` counts up where a picture was refused.

    Raises IndexError for a camera that is not there.
    """
    rng = np.random.default_rng([SCENE_TAG, seed, identity, index, camera, attempt])
    view = CAMERAS[camera]
    frequencies = np.array([kind.frequency for kind in POSES.values()])
    kind = str(rng.choice(KINDS, p=frequencies / frequencies.sum()))
    y = float(rng.uniform(view.near, view.far))
    x = float(rng.uniform(-0.55, 0.55) * y * FRAME_WIDTH / 2 / view.focal)
    yaw = _heading(rng)
    shift, zoom = rng.normal(0, (0.045, 0.022)), float(np.exp(rng.normal(0.075, 0.06)))
    luck = rng.random()
    if luck < 0.10:  # off to a side
        shift[0] += rng.choice([-1, 1]) * rng.uniform(0.08, 0.22)
    elif luck < 0.15:  # feet cut
        shift[1] -= rng.uniform(0.06, 0.16)
    elif luck < 0.17:  # head touched
        shift[1] += rng.uniform(0.04, 0.08)
    elif luck < 0.23:  # too tight
        zoom *= rng.uniform(0.78, 0.9)
        shift[1] -= rng.uniform(0.0, 0.06)
    elif luck < 0.32:  # too wide
        zoom *= rng.uniform(1.12, 1.35)
    return Scene(
        seed=seed,
        identity=identity,
        index=index,
        camera=camera,
        variant=int(rng.integers(VARIANTS)),
        kind=kind,
        pose_seed=int(rng.integers(1 << 31)),
        side=str(rng.choice(["L", "R"], p=[0.35, 0.65])),
        yaw=yaw,
        x=x,
        y=y,
        shift_x=float(shift[0]),
        shift_y=float(shift[1]),
        zoom=zoom,
        gain=float(np.exp(rng.normal(0, 0.12))),
        blur=float(rng.uniform(0.7, 1.4)),
        noise_seed=int(rng.integers(1 << 31)),
        obstacle=_draw_obstacle(rng, x, y),
    )


def _heading(rng: np.random.Generator) -> float:
    """People come, go and cross: headings gather about the four ways of a street, with wide spread."""
    way = rng.choice([0.0, np.pi / 2, np.pi, 3 * np.pi / 2], p=[0.29, 0.20, 0.31, 0.20])
    return float((way + rng.normal(0, 0.45)) % (2 * np.pi))


def _draw_obstacle(rng: np.random.Generator, x: float, y: float) -> Obstacle | None:
    luck = rng.random()
    seed, yaw = int(rng.integers(1 << 31)), float(rng.uniform(0, 2 * np.pi))
    if luck < PERSON_SHARE:
        before = rng.random() < 0.35  # mostly behind or beside
        side = float(rng.choice([-1, 1]) * rng.uniform(0.35, 0.75))
        depth = float(-rng.uniform(0.5, 1.3) if before else rng.uniform(0.3, 1.8))
        pose_kind = str(rng.choice(["walk", "stand", "walk_phone"], p=[0.8, 0.15, 0.05]))
        return Obstacle("person", seed, x + side, y + depth, yaw, int(rng.integers(*PASSING_IDENTITIES)), pose_kind)
    if luck < PERSON_SHARE + THING_SHARE:
        shares = np.array([share for share, _, _ in OCCLUDERS.values()])
        kind = str(rng.choice(list(OCCLUDERS), p=shares / shares.sum()))
        aside = float(rng.uniform(-1, 1) * OCCLUDERS[kind][1])
        ahead = {"car": 1.5, "bicycle": 0.75, "scooter": 0.75, "bench": 0.7, "planter": 0.8, "bush": 0.8}.get(kind, 0.6)
        if kind == "car":  # its bonnet or its boot, not its roof
            aside = float(rng.choice([-1, 1]) * rng.uniform(1.3, 2.0))
        if kind in ("car", "bicycle", "scooter", "bench", "board", "planter"):
            yaw = float(rng.choice([0, np.pi]) + rng.normal(0, 0.25))  # along the picture, so that it stays short
        return Obstacle(kind, seed, x + aside, y - ahead - float(rng.uniform(0, 0.5)), yaw)
    return None
