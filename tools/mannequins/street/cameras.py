"""Six surveillance cameras and what their pictures look like: light, colour, contrast, blur, noise.

World: metres, the camera stands at (0, 0, height) and looks along +Y, tilted down by its pitch; the ground is z = 0.
Full frame: 1920 × 1080 pixels, (u, v) to the right and down, **edges** at 0 and 1920: pixel i covers [i, i + 1). A crop
(u0, v0, width, height) cuts a picture out of it; with centres at integers a point lies at
x = (u - u0) / width · W - 0.5 in a picture of W columns.

A `Look` is what a picture carries whoever is in it. It belongs to a camera and to one of its `TIMES`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

__all__ = ["CAMERAS", "FRAME_HEIGHT", "FRAME_WIDTH", "TIMES", "Camera", "Look"]

FRAME_WIDTH, FRAME_HEIGHT = 1920, 1080
NEAR, FAR = 0.5, 80.0  # metres, of the clip matrix


@dataclass(frozen=True)
class Look:
    """Light and camera look. Light is linear, the rest works on sRGB pictures.

    A surface of linear albedo a, unit normal n and share of shadow s is lit as
    a · (ambient_rgb · (0.62 + 0.38 n_z) + key_rgb · max(n · sun, 0) · (1 - s)), then turned to sRGB.

    Attributes:
        azimuth, elevation: of the sun, radians; azimuth 0 is behind the camera, positive to the right.
        key, ambient: strength of the sun and of the sky, 1 is white paper in full light.
        warmth: 0 neutral sunlight, 1 evening.
        cast: factors on red, green, blue of the finished picture.
        contrast: factor about grey 118 of the finished picture.
        blur: standard deviation in pixels of a 64 × 128 picture.
        noise: standard deviation in grey levels of 255.
    """

    azimuth: float
    elevation: float
    key: float
    ambient: float
    warmth: float
    cast: tuple[float, float, float]
    contrast: float
    blur: float
    noise: float

    @cached_property
    def sun(self) -> np.ndarray:
        """(3,) unit vector towards the sun, in the world."""
        flat = np.cos(self.elevation)
        return np.array([np.sin(self.azimuth) * flat, -np.cos(self.azimuth) * flat, np.sin(self.elevation)])

    @cached_property
    def key_rgb(self) -> np.ndarray:
        """(3,) linear light of the sun."""
        return self.key * (1 + self.warmth * np.array([0.06, -0.04, -0.22]))

    @cached_property
    def ambient_rgb(self) -> np.ndarray:
        """(3,) linear light of the sky: bluer than the sun's."""
        return self.ambient * np.array([0.95, 1.0, 1.08])

    @cached_property
    def shadow_alpha(self) -> float:
        """How much a full shadow darkens the sRGB ground, 0 to 1, as the light's two parts demand."""
        lit = self.ambient_rgb.mean() + self.key_rgb.mean() * np.sin(self.elevation)
        return float(1 - (self.ambient_rgb.mean() / lit) ** (1 / 2.2))


# What the hours do to a camera's own look: sun turned (radians), factors on height, key, ambient; warmth; cast.
TIMES: dict[str, tuple[float, float, float, float, float, tuple[float, float, float]]] = {
    "day": (0.0, 1.0, 1.0, 1.0, 0.2, (1.0, 1.0, 1.0)),
    "morning": (1.5, 0.75, 0.85, 0.95, 0.5, (1.0, 1.0, 1.01)),
    "cloudy": (0.3, 1.1, 0.28, 1.45, 0.0, (0.985, 1.0, 1.02)),
    "late": (-1.2, 0.55, 0.8, 0.82, 1.0, (1.03, 1.0, 0.95)),
}


@dataclass(frozen=True)
class Camera:
    """One camera and its place.

    Attributes:
        number: 0 to 5.
        height: metres above the ground; pitch: radians downwards; focal: pixels of the full frame.
        ground, wall: what lies before and behind the people (see grounds.glsl, streets.py); wall_distance: metres.
        near, far: distances at which people walk, metres.
        look: at "day".
    """

    number: int
    height: float
    pitch: float
    focal: float
    ground: str
    wall: str
    wall_distance: float
    near: float
    far: float
    look: Look

    @cached_property
    def eye(self) -> np.ndarray:
        """(3,) the camera's place in the world."""
        return np.array([0.0, 0.0, self.height])

    @cached_property
    def rotation(self) -> np.ndarray:
        """(3, 3) world → camera: rows are right, down, forward."""
        cos, sin = np.cos(self.pitch), np.sin(self.pitch)
        return np.array([[1, 0, 0], [0, -sin, -cos], [0, cos, -sin]])

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (N, 3) → (N, 3): u, v in full-frame pixels, depth in metres along the view.

        >>> CAMERAS[0].project(CAMERAS[0].eye + CAMERAS[0].rotation[2:] * 7).round(6).tolist()
        [[960.0, 540.0, 7.0]]
        """
        right, down, depth = ((np.asarray(points) - self.eye) @ self.rotation.T).T
        return np.stack(
            [FRAME_WIDTH / 2 + self.focal * right / depth, FRAME_HEIGHT / 2 + self.focal * down / depth, depth], 1
        )

    def matrix(self, crop: tuple[float, float, float, float]) -> np.ndarray:
        """(4, 4) clip matrix (applied to columns) of a crop (u0, v0, width, height) in full-frame pixels.

        Clip y points down the picture, so that the first row OpenGL reads back is the picture's top row.
        """
        u0, v0, width, height = crop
        view = np.eye(4)
        view[:3, :3] = self.rotation
        view[:3, 3] = -self.rotation @ self.eye
        frustum = np.array(
            [
                [2 * self.focal / width, 0, 2 * (FRAME_WIDTH / 2 - u0) / width - 1, 0],
                [0, 2 * self.focal / height, 2 * (FRAME_HEIGHT / 2 - v0) / height - 1, 0],
                [0, 0, (FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR)],
                [0, 0, 1, 0],
            ]
        )
        return frustum @ view

    def look_at(self, time: str) -> Look:
        """This camera's look at one of TIMES."""
        turn, lift, key, ambient, warmth, cast = TIMES[time]
        look = self.look
        return replace(
            look,
            azimuth=look.azimuth + turn,
            elevation=look.elevation * lift,
            key=look.key * key,
            ambient=look.ambient * ambient,
            warmth=warmth,
            cast=tuple(round(a * b, 4) for a, b in zip(look.cast, cast, strict=True)),
        )


CAMERAS: tuple[Camera, ...] = (
    Camera(
        *(0, 2.6, 0.14, 1500, "tiles", "glass", 16, 5, 10),
        Look(0.7, 0.9, 1.3, 0.52, 0.2, (1.0, 1.0, 0.98), 1.0, 0.50, 2.0),
    ),
    Camera(
        *(1, 3.2, 0.20, 1600, "path", "park", 24, 6, 12),
        Look(-0.9, 0.8, 1.4, 0.50, 0.2, (1.04, 1.02, 0.94), 1.06, 0.55, 3.0),
    ),
    Camera(
        *(2, 2.3, 0.10, 1300, "asphalt", "brick", 14, 4.5, 9),
        Look(2.4, 1.0, 0.85, 0.64, 0.2, (0.97, 0.99, 1.035), 0.99, 0.62, 3.5),
    ),
    Camera(
        *(3, 3.8, 0.27, 1700, "paving", "parking", 30, 6, 12),
        Look(-0.3, 1.1, 1.05, 0.58, 0.2, (1.03, 1.0, 0.96), 1.0, 0.60, 2.5),
    ),
    Camera(
        *(4, 2.9, 0.17, 1500, "slabs", "shop", 12, 5, 9.5),
        Look(1.6, 0.7, 0.9, 0.55, 0.2, (1.05, 0.99, 0.92), 1.08, 0.45, 5.0),
    ),
    Camera(
        *(5, 3.4, 0.22, 1100, "road", "trees", 20, 4, 8),
        Look(-2.2, 0.75, 0.8, 0.60, 0.2, (0.97, 1.03, 0.99), 0.94, 0.68, 3.0),
    ),
)
