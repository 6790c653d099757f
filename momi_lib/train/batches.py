"""From triplets of indices to the tensors of one step, on the device, without a data loader."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from momi_lib.data import People, Triplets, TripletSampler, mirror_maps, mirror_pictures, to_float
from momi_lib.pose import TeacherMaps
from momi_lib.pose.augment import ROTATION, SCALE, SHIFT, move_with_maps
from momi_lib.train.colour import COLOUR_NUMBERS, jitter_colours


class Batch(NamedTuple):
    """x, x⁺, x⁻ as (N, 3, H, W) in [-1, 1], and the teacher's maps of x (N, 17, h', w').

    ``teacher_maps`` is ``None`` where the :class:`Batches` have none. ``index`` and ``flips`` (N,) bool say which
    pictures these are and which triplets are mirrored.
    """

    source: Tensor
    positive: Tensor
    negative: Tensor
    teacher_maps: Tensor | None
    index: Triplets | None = None  # pyright: ignore[reportIncompatibleMethodOverride]  # hides tuple.index
    flips: Tensor | None = None

    @property
    def wanted(self) -> Tensor:
        """The teacher's maps, where F_p is to learn from the batch."""
        assert self.teacher_maps is not None  # drawn with taught=True from Batches that have maps
        return self.teacher_maps

    @property
    def origin(self) -> tuple[Triplets, Tensor]:
        """``index`` and ``flips`` of a batch that :class:`Batches` drew."""
        assert self.index is not None and self.flips is not None  # only a batch made by hand lacks them
        return self.index, self.flips


class Batches:
    """Draws the global batch of a step and cuts out this process's share.

    Every process draws the same triplets from the same seed and takes its own slice of them, so a run sees the
    same pictures in the same order on one device as on eight.

    Args:
        people: pictures on the device.
        maps: the teacher's maps of all pictures (N, 17, h', w'), as a tensor or made when they are asked for, on the
            device; ``None`` where nothing learns from them.
        size: triplets a step over all processes.
        seed: of the draws.
        mirror: probability that a triplet is mirrored, left and right joints of its maps swapped.
        same_camera: probability that x⁺ comes from the camera of x where it can.
        jitter: how strongly the colours of a triplet change, see :func:`~momi_lib.train.colour.jitter_colours`.
        rank, world: number of this process and of all; ``size`` must divide.

    Raises:
        ValueError: where ``size`` does not divide by ``world``, or the maps do not belong to the pictures.
    """

    def __init__(
        self,
        people: People,
        maps: Tensor | TeacherMaps | None,
        size: int,
        *,
        seed: int,
        mirror: float = 0.0,
        same_camera: float = 0.0,
        jitter: float = 0.0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if maps is not None and len(maps) != len(people):
            raise ValueError(f"expected one teacher map a picture, got {len(maps)} for {len(people)} pictures")
        self.people, self.maps, self.size, self.mirror, self.jitter = people, maps, size, mirror, jitter
        self.rank, self.world = rank, world
        device = people.pictures.device
        self.sampler = TripletSampler(
            people.persons, seed=seed, device=device, cameras=people.cameras, same_camera=same_camera
        )
        self.rng = torch.Generator(device=device).manual_seed(seed + 1)
        self.check(size)

    def _share(self, size: int) -> slice:
        if size % self.world:
            raise ValueError(f"batch: expected a multiple of the {self.world} processes, got {size}")
        return slice(self.rank * size // self.world, (self.rank + 1) * size // self.world)

    def check(self, *sizes: int) -> None:
        """Refuse sizes that do not divide among the processes, now and not in the middle of a run (ValueError)."""
        for size in sizes:
            self._share(size)

    def draw(self, size: int | None = None, *, moved: bool = False, taught: bool = True) -> Batch:
        """The next batch of ``size`` triplets over all processes (this process's share of it).

        Without ``taught`` the teacher's maps, which then nobody looks at, are left out. With ``moved``, x and its maps
        are turned, scaled and shifted a little, as the teacher's own pictures were.
        """
        size = size or self.size
        share = self._share(size)
        triplets = self.sampler.draw(size)
        flips = torch.rand(size, generator=self.rng, device=self.rng.device) < self.mirror
        batch = self.gather(Triplets(*(index[share] for index in triplets)), flips[share], taught=taught)
        if moved:
            numbers = 2 * torch.rand(size, 4, generator=self.rng, device=self.rng.device)[share] - 1
            low, high = torch.tensor(SCALE).log().tolist()
            scale = ((low + high) / 2 + numbers[:, 1] * (high - low) / 2).exp()
            angle = (numbers[:, 0] * ROTATION).deg2rad()
            source, maps = move_with_maps(batch.source, batch.wanted, angle, scale, numbers[:, 2:] * SHIFT)
            batch = batch._replace(source=source, teacher_maps=maps)
        if not self.jitter:
            return batch
        changes = torch.rand(size, COLOUR_NUMBERS, generator=self.rng, device=self.rng.device)[share]
        source, positive, negative = jitter_colours(torch.stack(batch[:3]), changes, self.jitter)
        return batch._replace(source=source, positive=positive, negative=negative)

    def gather(self, triplets: Triplets, flips: Tensor, *, taught: bool = True) -> Batch:
        """Pictures and maps of ``triplets``; those in ``flips`` (N,) bool mirrored."""
        mirrored, flips = flips, flips[:, None, None, None]

        def pictures(index: Tensor) -> Tensor:
            chosen = to_float(self.people.pictures[index])
            return torch.where(flips, mirror_pictures(chosen), chosen)

        maps = None
        if self.maps is not None and taught:
            maps = self.maps[triplets.source].float()
            maps = torch.where(flips, mirror_maps(maps), maps)
        source, positive, negative = map(pictures, triplets)
        return Batch(source, positive, negative, maps, triplets, mirrored)

    def state_dict(self) -> dict:
        """State of both generators."""
        return {"sampler": self.sampler.state_dict(), "generator": self.rng.get_state()}

    def load_state_dict(self, state: dict) -> None:
        """Go on drawing where ``state`` was taken."""
        self.sampler.load_state_dict(state["sampler"])
        self.rng.set_state(state["generator"].cpu())
