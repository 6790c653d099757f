"""Pictures of the kinds that people hand to a swap, made from the mannequins: for tests and benchmarks/verdict.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from momi_lib.data import People, load, to_float, to_uint8
from momi_lib.data.records import EMBEDDED
from momi_lib.translate.background import filled

__all__ = ["KINDS", "framed", "seated", "whole_people"]


def whole_people(count: int) -> People:
    """Held-out people of whom every joint is in the picture and most are visible."""
    everybody = load(EMBEDDED, "gallery")
    assert everybody.visibility is not None
    whole = (everybody.visibility.min(1).values > 0) & (everybody.visibility.eq(2).sum(1) > 11)
    chosen = whole.nonzero()[:, 0]
    return everybody.select(chosen[:: max(1, len(chosen) // count)][:count])


def image_of(picture: Tensor) -> Image.Image:
    """A picture (3, H, W) uint8 as an image."""
    return Image.fromarray(picture.permute(1, 2, 0).numpy())


def _hips(people: People, row: int) -> float:
    assert people.joints is not None
    return float(people.joints[row, 11:13, 1].mean())


def whole(people: People, row: int) -> Image.Image:
    """As the picture is: one whole person, standing or walking."""
    return image_of(people.pictures[row])


def upper_half(people: People, row: int) -> Image.Image:
    """The picture down to the hips."""
    return image_of(people.pictures[row]).crop((0, 0, 64, round(_hips(people, row))))


def lower_half(people: People, row: int) -> Image.Image:
    """The picture from the hips downwards."""
    return image_of(people.pictures[row]).crop((0, round(_hips(people, row)), 64, 128))


def lying(people: People, row: int) -> Image.Image:
    """Turned by a quarter, to the left and to the right in turn."""
    return image_of(people.pictures[row]).rotate(90 if row % 2 else -90, expand=True)


def upside_down(people: People, row: int) -> Image.Image:
    """Turned by half a turn."""
    return image_of(people.pictures[row]).rotate(180)


def empty_street(people: People, row: int) -> Image.Image:
    """The picture without its person, by the mask of the renderer."""
    assert people.masks is not None
    hole = torch.nn.functional.max_pool2d(people.masks[row][None, None].float(), 9, 1, 4) > 0
    return image_of(to_uint8(filled(to_float(people.pictures[row])[None], hole))[0])


def landscape(people: People, row: int) -> Image.Image:
    """Sky, hills and grain, 8:5."""
    rng, rows = np.random.default_rng(row), np.linspace(0, 1, 200)[:, None]
    pixels = np.broadcast_to(np.array([150, 190, 230]) - 60 * rows[..., None], (200, 320, 3)).copy()
    for hill in range(3):
        line = 0.45 + 0.15 * hill + 0.05 * np.sin(np.linspace(0, 6, 320) * rng.uniform(0.5, 3) + rng.uniform(0, 6))
        pixels[rows > line[None]] = rng.uniform(20, 150, 3) * [0.6, 1, 0.5]
    return Image.fromarray((pixels + rng.normal(0, 12, pixels.shape)).clip(0, 255).astype(np.uint8))


#: Kind of picture → how it is made of one of a whole person, and what the verdict should say ("": nothing is wrong).
KINDS: dict[str, tuple[Callable[[People, int], Image.Image], str]] = {
    "a whole person": (whole, ""),
    "the upper half of a body": (upper_half, "upper half"),
    "the lower half of a body": (lower_half, "lower half"),
    "somebody who lies": (lying, "lying"),
    "somebody upside down": (upside_down, "upside down"),
    "an empty street": (empty_street, "nobody"),
    "a landscape": (landscape, "nobody"),
}


def framed(image: Image.Image) -> Tensor:
    """(3, 128, 64) uint8, squeezed into the frame as `swap` does it."""
    return torch.from_numpy(np.asarray(image.resize((64, 128), Image.Resampling.BICUBIC)).copy()).permute(2, 0, 1)


def seated(count: int, seed: int = 0) -> Iterator[Image.Image]:
    """Rendered people on a chair that is not drawn; needs OpenGL and ``python -m tools.mannequins setup``."""
    from tools.mannequins.body.any_pose import _seated
    from tools.mannequins.body.poses import POSES, draw_pose
    from tools.mannequins.dataset.labels import read_attributes, read_scenes
    from tools.mannequins.photograph.person import Person
    from tools.mannequins.photograph.picture import Studio
    from tools.mannequins.photograph.scene import Scene

    attributes, rng, studio = read_attributes(EMBEDDED), np.random.default_rng(seed), Studio(seed=seed)
    scenes = [one for one in read_scenes(EMBEDDED) if one.file.startswith("query") and not POSES[one.scene.kind].holds]

    class Seated(Scene):
        def pose(self) -> dict[str, np.ndarray]:
            return dict(draw_pose("stand", rng, "R")) | _seated(rng)

    for one in scenes[:: max(1, len(scenes) // count)][:count]:
        scene = Seated(**vars(one.scene))
        yield Image.fromarray(studio.picture(scene, Person.of(attributes[one.person]), obstacle=False).image)
