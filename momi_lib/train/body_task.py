"""What B_s and B_t are trained on: labelled pictures, and bodies in any pose. A stage of its own, before G.

The stage after it takes poses from here that no pedestrian takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from momi_lib.data import People, mirror_joints
from momi_lib.data.body_maps import AnyPoses, BodyLabels
from momi_lib.pose import gaussian_maps
from momi_lib.pose.body_maps import BodyMaps, body_map_loss
from momi_lib.translate.network import Pose

__all__ = ["BodyTask"]

NOISE = 1.0  # pixels: deviation of labelled joints, of which the student's are no better
WILD, FAR = 0.04, 5.0  # share of joints that get so many times as much noise
DROPPED = 0.04  # share of joints that are left out
BODIES = 2  # bodies in any pose for each x: what people drag is rare among pedestrians, and B_t has to believe it
ENDS, ENDS_FROM = 4.0, 0.5  # how much more the ends of limbs count to B_t, and from which share of the stage on
COORDINATE = 8.0  # weight of a metre beside the silhouette's cross-entropy


class Bodies(NamedTuple):
    """Bodies in any pose of some of a batch's people.

    ``rows`` (n,) in the batch; ``landmarks`` (n, 17, 2) in pixels; ``inside`` (n, 17) bool; ``labels``
    (n, 3, H/2, W/2) in metres, NaN outside.
    """

    rows: Tensor
    landmarks: Tensor
    inside: Tensor
    labels: Tensor


@dataclass
class BodyTask:
    """Losses of both body maps.

    Args:
        people: training pictures with joints.
        labels: of these pictures.
        bodies: in any pose, of the same people; None without them.
        size: rows and columns of a picture.
        sigma: of the pose maps, pixels.
        generator: of the noise.
        ends: how much more than others places on the ends of limbs count to B_t; see :meth:`begin`.

    Raises:
        ValueError: for people without joints, or another number of labels.
    """

    people: People
    labels: BodyLabels
    bodies: AnyPoses | None
    size: tuple[int, int]
    sigma: float
    generator: torch.Generator
    ends: float = 1.0

    def __post_init__(self) -> None:
        if self.people.joints is None or len(self.labels) != len(self.people):
            raise ValueError(
                f"body maps: expected labelled joints and one map for each of the {len(self.people)} pictures, got "
                f"{len(self.labels)} maps"
            )
        self._of_person: dict[int, list[int]] = {}
        if self.bodies is not None:
            owners = self.bodies.persons.tolist()
            for index, person in enumerate(owners):
                self._of_person.setdefault(person, []).append(index)

    def begin(self, seed: int, done: float) -> None:
        """Seed a step's random choices, independently of earlier steps; ``done``: share of the stage that is over."""
        self.generator.manual_seed(seed)
        self.ends = ENDS if done >= ENDS_FROM else 1.0  # first where a body is, then where its hands and feet are

    def losses(
        self,
        maps: BodyMaps,
        pictures: Tensor,
        source: Tensor,
        positive: Tensor,
        flips: Tensor,
        found: tuple[Pose, Pose],
    ) -> dict[str, Tensor]:
        """Terms of a step, their sum under ``"total"``.

        Args:
            maps: B_s and B_t.
            pictures: x (N, 3, H, W) in [-1, 1], as the student saw it.
            source, positive: (N,) indices of x and x⁺ among the people.
            flips: (N,) bool, which triplets are mirrored.
            found: the student's poses of x and x⁺, the landmarks that the maps will be given in use.
        """
        of_source = self._maps(source, flips, found[0])
        body, build = maps.source(pictures, of_source)
        silhouette, away = body_map_loss(body, self.labels.maps(source, flips))
        # The hidden half of somebody behind a car is not to be learned as missing: B_t sees whole bodies alone.
        whole = self.labels.whole[positive]
        asked = [(self._maps(positive, flips, found[1])[whole], build[whole], self.labels.maps(positive, flips)[whole])]
        itself = self.labels.whole[source] & (torch.arange(len(source), device=source.device) % 2 == 0)
        asked.append((of_source[itself], build[itself], self.labels.maps(source, flips)[itself]))
        if self.bodies is not None:
            asked += [self._any_pose(source, flips, build) for _ in range(BODIES)]
        pose, builds, wanted = (torch.cat(column) for column in zip(*asked, strict=True))
        outline, off = body_map_loss(maps.target(pose, builds), wanted, ends=self.ends)
        terms = {"silhouette_s": silhouette, "metres_s": away, "silhouette_t": outline, "metres_t": off}
        return {**terms, "total": silhouette + outline + COORDINATE * (away + off)}

    def _maps(self, index: Tensor, flips: Tensor, found: Pose) -> Tensor:
        """Pose maps of the student's landmarks or, for a random half of the pictures, of jittered labels."""
        joints, seen = self.people.joints, self.people.visibility
        assert joints is not None and seen is not None  # refused above without
        joints, seen = joints[index], seen[index]
        turned, turned_seen = mirror_joints(joints, seen, self.size[1])
        joints = torch.where(flips[:, None, None], turned, joints)
        seen = torch.where(flips[:, None], turned_seen, seen) > 0
        joints, seen = self._with_noise(joints, seen)
        student = self._random(len(index)) < 0.5
        joints = torch.where(student[:, None, None], found.landmarks, joints)
        seen = torch.where(student[:, None], found.valid, seen)
        return gaussian_maps(joints, seen, size=self.size, sigma=self.sigma)

    def in_any_pose(self, source: Tensor, flips: Tensor, share: float = 1.0) -> Bodies:
        """A body in any pose of each of the people of x, or of a ``share`` of them, drawn by lot."""
        persons = self.people.persons[source].tolist()
        chosen = (self._random(len(persons)) < share).tolist() if share < 1 else [True] * len(persons)
        rows = [row for row, person in enumerate(persons) if person in self._of_person and chosen[row]]
        rng = self._random(len(rows)).tolist()
        pools = [self._of_person[persons[row]] for row in rows]
        drawn = [pool[int(die * len(pool))] for pool, die in zip(pools, rng, strict=True)]
        index, rows = (torch.tensor(numbers, dtype=torch.long).to(source.device) for numbers in (drawn, rows))
        flips = flips[rows]
        assert self.bodies is not None  # nobody asks without
        joints, inside = self.bodies.joints[index], self.bodies.inside[index]
        turned, turned_inside = mirror_joints(joints, inside, self.size[1])
        joints = torch.where(flips[:, None, None], turned, joints)
        inside = torch.where(flips[:, None], turned_inside, inside)
        return Bodies(rows, joints, inside, self.bodies.maps(index, flips))

    def _any_pose(self, source: Tensor, flips: Tensor, build: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A body in any pose of each of the sources' people: pose maps, builds, labels."""
        bodies = self.in_any_pose(source, flips)
        # Nothing wild here: who drags a joint to an odd place means that place.
        joints, inside = self._with_noise(bodies.landmarks, bodies.inside, wild=0.0)
        pose = gaussian_maps(joints, inside, size=self.size, sigma=self.sigma)
        return pose, build[bodies.rows], bodies.labels

    def _with_noise(self, joints: Tensor, seen: Tensor, wild: float = WILD) -> tuple[Tensor, Tensor]:
        shape = seen.shape
        scale = NOISE * torch.where(self._random(*shape) < wild, FAR, 1.0)
        noise = torch.randn(*joints.shape, generator=self.generator, device=joints.device)
        return joints + scale[..., None] * noise, seen & (self._random(*shape) >= DROPPED)

    def _random(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.generator, device=self.generator.device)
