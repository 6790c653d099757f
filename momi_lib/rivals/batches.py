"""The same triplets as MOMI-Net's, with the poses and identities that rivals are given."""

from __future__ import annotations

import torch
from torch import Tensor

from momi_lib.data import People, mirror_joints, size_of
from momi_lib.pose import TeacherMaps
from momi_lib.rivals.base import Landmarks, RivalBatch
from momi_lib.rivals.posed import FoundPoses, PoseSource
from momi_lib.train.batches import Batches


class PeoplePoses:
    """The poses of people, each found when it is first asked for: a training need not wait for all of them.

    Args:
        source: where poses come from; what a pose network says is kept in the cache, as the teacher's maps are.
        people: whose.

    Attributes:
        maps: the pose network's maps, ``None`` for labels.

    Raises:
        ValueError: where ``people`` lack labels, and the poses are labels.

    >>> from momi_lib.data import load
    >>> from momi_lib.rivals.posed import pose_source
    >>> poses = PeoplePoses(pose_source("joints"), load(None, "query"))
    >>> poses[torch.tensor([3, 5])].places.shape
    torch.Size([2, 17, 2])
    """

    def __init__(self, source: PoseSource, people: People) -> None:
        self.source, self.size, self.count = source, size_of(people.pictures), len(people)
        self.maps: TeacherMaps | None = None
        self.known: Landmarks | None = None
        if isinstance(source, FoundPoses):
            self.maps = TeacherMaps(source.network, people)
        else:
            self.known = source.of_people(people)

    def __len__(self) -> int:
        return self.count

    def to(self, device: torch.device) -> PeoplePoses:
        """The same, on a device."""
        if self.maps is not None:
            self.maps = self.maps.to(device)
        if self.known is not None:
            self.known = Landmarks(*(part.to(device) for part in self.known))
        return self

    def __getitem__(self, rows: Tensor) -> Landmarks:
        """The poses of the pictures ``rows`` (N,)."""
        if self.known is not None:
            return Landmarks(self.known.places[rows], self.known.valid[rows])
        assert self.maps is not None and isinstance(self.source, FoundPoses)  # one of the two is there
        return self.source.decoded(self.maps[rows], self.size)


class RivalBatches:
    """Draws triplets as :class:`~momi_lib.train.batches.Batches` does, and adds poses and identities.

    Args:
        people: training pictures on the device.
        poses: of all of them: landmarks (N, 17, 2) and (N, 17), or :class:`PeoplePoses`; ``None`` for a method that
            needs none.
        size: triplets in a step over all processes.
        seed: of the draws: with the same seed, size, ``mirror`` and ``same_camera``, MOMI-Net and every rival see the
            same triplets in the same order.
        mirror: probability that a triplet is mirrored; its landmarks are then mirrored too, left and right exchanged.
        same_camera: probability that x⁺ comes from the camera of x where it can.
        rank, world: number of this process and of all.

    Raises:
        ValueError: where there are not as many poses as pictures, or where nobody has two pictures, so that there are
            no pairs.
    """

    def __init__(
        self,
        people: People,
        poses: Landmarks | PeoplePoses | None,
        size: int,
        *,
        seed: int,
        mirror: float = 0.0,
        same_camera: float = 0.0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        count = len(poses.places) if isinstance(poses, Landmarks) else len(people) if poses is None else len(poses)
        if count != len(people):
            raise ValueError(f"poses: expected one for each of {len(people)} pictures, got {count}")
        device = people.pictures.device
        self.poses: Landmarks | PeoplePoses | None = poses
        if isinstance(poses, Landmarks):
            self.poses = Landmarks(*(part.to(device) for part in poses))
        elif poses is not None:
            self.poses = poses.to(device)
        self.triplets = Batches(
            people, None, size, seed=seed, mirror=mirror, same_camera=same_camera, rank=rank, world=world
        )
        known, self.classes = people.persons.unique(return_inverse=True)
        self.people = len(known)

    def draw(self) -> RivalBatch:
        """The next batch (this process's share of it)."""
        batch = self.triplets.draw(taught=False)
        index, flips = batch.origin
        poses = None
        if self.poses is not None:
            width = batch.source.shape[-1]
            own, positive, negative = (_landmarks(self.poses, rows, flips, width) for rows in index)
            poses = own, positive, negative
        persons = self.classes[torch.stack([index.source, index.negative])]
        return RivalBatch(batch.source, batch.positive, batch.negative, poses, persons)

    @property
    def maps(self) -> TeacherMaps | None:
        """The pose network's maps, which a checkpoint keeps on disk."""
        return self.poses.maps if isinstance(self.poses, PeoplePoses) else None

    def state_dict(self) -> dict:
        """Where the draws are."""
        return self.triplets.state_dict()

    def load_state_dict(self, state: dict) -> None:
        """Go on drawing where ``state`` was taken."""
        self.triplets.load_state_dict(state)


def _landmarks(poses: Landmarks | PeoplePoses, rows: Tensor, flips: Tensor, width: int) -> Landmarks:
    places, valid = (part[rows] for part in poses) if isinstance(poses, Landmarks) else poses[rows]
    other, seen = mirror_joints(places, valid, width)
    return Landmarks(torch.where(flips[:, None, None], other, places), torch.where(flips[:, None], seen, valid))
