"""A picture: one person in one scene, photographed, with everything that can be known about each pixel.

The person stands before a crop of the camera's backdrop, casts a shadow on its ground, and is seen through the camera's
look: exposure, blur, colour cast, contrast, noise. `Studio.picture` is the whole data set's camera: pictures and true
swaps come from it alone.

Picture coordinates: (x, y) to the right and down in pixels, pixel centres at integers, (0, 0) in the top left pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from tools.mannequins.body.attributes import Attributes, identity_attributes
from tools.mannequins.photograph.person import Person, Posed
from tools.mannequins.photograph.scene import Scene
from tools.mannequins.photograph.seen import HELD, OBSTACLE, OTHER, PERSON, Seen, see
from tools.mannequins.render.mesh import Layer, Mesh, Part, placed, thing
from tools.mannequins.render.renderer import Buffers, Drawable, Light, Renderer
from tools.mannequins.street.backdrop import backdrop
from tools.mannequins.street.cameras import FRAME_WIDTH, Camera
from tools.mannequins.street.things import held_things

__all__ = ["Crop", "Picture", "Studio", "placed_points", "posed_in", "to_picture", "world_joints"]

Crop = tuple[float, float, float, float]  # u0, v0, width, height in pixels of the camera's full frame
GROUND_REACH = 4.0  # metres of ground around the person that shadows fall on
PASSERS_KEPT = 16  # people who walk by, kept by one process
GREY = 118.0  # what contrast leaves as it is
GRAIN = 0.6  # pixels: the sensor's noise is not independent from pixel to pixel
HELD_TAG = 12  # a random stream of its own for what passers-by hold


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of H × W pixels and its labels.

    Attributes:
        image: (H, W, 3) uint8 RGB, before JPEG.
        joints: (17, 2) float64 (x, y); also of joints outside the picture.
        visibility: (17,) uint8 0 outside, 1 hidden, 2 visible.
        mask: (H, W) bool, the person with all they wear, without what their hands hold.
        parts: (H, W) uint8, `Part` + 1, 0 elsewhere; what the hands hold is THING outside the mask.
        canonical: (H, W, 3) float32 metres on the reference body, NaN where no body or cloth is seen.
        crop: where it was cut out of the full frame.
        height: of the posed person, metres.
    """

    image: np.ndarray
    joints: np.ndarray
    visibility: np.ndarray
    mask: np.ndarray
    parts: np.ndarray
    canonical: np.ndarray
    crop: Crop
    height: float


class Studio:
    """Renders pictures; one a process. `seed` is the data set's: it says who the passers-by are.

    Raises RendererError where there is no OpenGL.
    """

    def __init__(self, seed: int, height: int = 128, width: int = 64) -> None:
        self.renderer = Renderer(height, width)
        self._passer: Callable[[int], Person] = lru_cache(PASSERS_KEPT)(
            lambda number: Person.of(identity_attributes(seed, number))
        )

    def picture(
        self,
        scene: Scene,
        person: Person,
        *,
        look: Scene | None = None,
        obstacle: bool = True,
        crop: Crop | None = None,
        height: float | None = None,
    ) -> Picture:
        """The person in the scene.

        Args:
            look: the scene whose light and camera look are used; None takes `scene`.
            obstacle: whether what stands in the way, or beside, is drawn.
            crop: to cut out; None takes the scene's own around this person.
            height: metres to which the posed person is scaled; None leaves them as they are.
        """
        posed = posed_in(scene, person, height)
        body = placed(posed.mesh, scene.yaw, scene.x, scene.y)
        joints = placed_points(posed.joints, scene.yaw, scene.x, scene.y)
        view = scene.view
        if crop is None:
            crop = scene.crop(view.project(body.positions[body.aux[:, 1] != Part.THING]))
        drawables = [Drawable(body, person.uniforms, PERSON)]
        held = scene.held(posed.joints, person.attributes)
        if held is not None:
            drawables.append(Drawable(placed(held, scene.yaw, scene.x, scene.y), person.uniforms, HELD))
        feet = [np.concatenate([joints[15, :2], joints[16, :2]])]
        if obstacle and scene.obstacle is not None:
            more, more_feet = self._obstacle(scene)
            drawables, feet = drawables + more, feet + more_feet
        drawables.append(Drawable(_ground(scene.x, scene.y)))
        looks = scene if look is None else look
        light = Light(looks.look.sun, looks.look.key_rgb, looks.look.ambient_rgb, looks.look.shadow_alpha)
        buffers = self.renderer.draw(drawables, view.matrix(crop), view.eye, light, feet)
        seen = self._seen(buffers, view, joints, crop)
        image = self._photograph(buffers, scene, looks, crop)
        return Picture(image=image, crop=crop, height=posed.height, **vars(seen))

    def _obstacle(self, scene: Scene) -> tuple[list[Drawable], list[np.ndarray]]:
        """What stands in the way as drawables, and the feet that stand on the ground."""
        other = scene.obstacle
        if other.kind != "person":
            mesh, paint = other.mesh()
            return [Drawable(mesh, {"paint": paint}, OBSTACLE)], []
        passer = self._passer(other.identity)
        posed = passer.posed(other.pose())
        drawables = [Drawable(placed(posed.mesh, other.yaw, other.x, other.y), passer.uniforms, OTHER)]
        held = _held_by_passer(posed, passer.attributes, other.pose_kind, other.seed)
        if held is not None:
            drawables.append(Drawable(placed(held, other.yaw, other.x, other.y), passer.uniforms, OTHER))
        ankles = placed_points(posed.joints[15:], other.yaw, other.x, other.y)
        return drawables, [ankles[:, :2].ravel()]

    def _seen(self, buffers: Buffers, view: Camera, joints: np.ndarray, crop: Crop) -> Seen:
        shape = (self.renderer.height, self.renderer.width)
        projected = view.project(joints)
        return see(buffers, to_picture(projected[:, :2], crop, shape), projected[:, 2], shape)

    def _photograph(self, buffers: Buffers, scene: Scene, looks: Scene, crop: Crop) -> np.ndarray:
        """(H, W, 3) uint8: the drawn before the backdrop, through the camera's look; noise as the scene has it."""
        size = (self.renderer.width, self.renderer.height)
        drawn = cv2.resize(buffers.colour.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        behind = _backdrop_crop(backdrop(scene.camera, scene.variant), crop, size)
        image = behind * (1 - drawn[..., 3:] / 255) + drawn[..., :3]
        look = looks.look
        image = cv2.GaussianBlur(image, (0, 0), look.blur * looks.blur)
        exposure = looks.gain ** (1 / 2.2)  # gain is of light, the picture is sRGB
        image = (image * exposure * np.array(look.cast, np.float32) - GREY) * look.contrast + GREY
        noise = np.random.default_rng(scene.noise_seed).standard_normal(image.shape, np.float32)
        image += cv2.GaussianBlur(noise, (0, 0), GRAIN) * 1.4 * look.noise
        return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def to_picture(points: np.ndarray, crop: Crop, shape: tuple[int, int] = (128, 64)) -> np.ndarray:
    """Full-frame points (N, 2), edges at 0, as picture points (N, 2), centres at integers.

    >>> to_picture(np.array([[100.0, 200.0], [132.0, 264.0]]), (100, 200, 32, 64)).tolist()
    [[-0.5, -0.5], [63.5, 127.5]]
    """
    scale = np.array([shape[1] / crop[2], shape[0] / crop[3]])
    return (points[:, :2] - np.array(crop[:2])) * scale - 0.5


def world_joints(scene: Scene, person: Person, height: float | None = None) -> np.ndarray:
    """(17, 3) joints of a person in a scene, metres in the world; `height` as for `Studio.picture`."""
    return placed_points(posed_in(scene, person, height).joints, scene.yaw, scene.x, scene.y)


def posed_in(scene: Scene, person: Person, height: float | None = None) -> Posed:
    """The person in the scene's pose, in their own frame; scaled to a posed height in metres if one is given."""
    pose = scene.pose()
    posed = person.posed(pose)
    return posed if height is None else person.posed(pose, height / posed.height)


def placed_points(points: np.ndarray, yaw: float, x: float, y: float) -> np.ndarray:
    """Points (N, 3) of a person's own frame in the world, metres: turned by `yaw`, then moved to (x, y)."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])  # transposed: for rows
    return points @ turn + np.array([x, y, 0])


def _ground(x: float, y: float) -> Mesh:
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32) * GROUND_REACH
    return thing(corners + np.array([x, y, 0], np.float32), np.array([[0, 1, 2], [0, 2, 3]]), Layer.GROUND)


def _held_by_passer(posed: Posed, attributes: Attributes, kind: str, seed: int) -> Mesh | None:
    return held_things(posed.joints, attributes, kind, "R", np.random.default_rng([HELD_TAG, seed]))


def _backdrop_crop(frame: np.ndarray, crop: Crop, size: tuple[int, int]) -> np.ndarray:
    """A crop of the half-size full frame at `size` (width, height): two samples a pixel each way, then averaged."""
    width, height = 2 * size[0], 2 * size[1]
    half = frame.shape[1] / FRAME_WIDTH
    step = crop[2] * half / width  # pixels of the frame for one sample; edges at 0 there, centres at 0 in OpenCV
    start = [crop[i] * half + 0.5 * step - 0.5 for i in (0, 1)]
    matrix = np.array([[step, 0, start[0]], [0, step, start[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    samples = cv2.warpAffine(frame, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return cv2.resize(samples, size, interpolation=cv2.INTER_AREA)
