"""Triplets (x, x⁺, x⁻): what one step of training looks at (section 3 of the paper).

x⁺ is another picture of the person of x, x⁻ a picture of somebody else. Notebook 01 derives the arithmetic
below: with the pictures sorted by person, "another one of mine" and "not one of mine" are additions, so a
thousand triplets cost as few operations as one, on any device.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from momi_lib.arguments import device_from, number, seed_of, told, whole, whole_numbers

__all__ = ["TripletSampler", "Triplets"]

log = logging.getLogger(__name__)

NAMED = 20  # how many identities a warning names


class Triplets(NamedTuple):
    """Indices of pictures, (n,) int64 each: x, x⁺ and x⁻."""

    source: Tensor
    positive: Tensor
    negative: Tensor


class TripletSampler:
    """Draws triplets as index tensors on the device.

    x is uniform over the pictures whose person has another picture, x⁺ uniform over that person's other
    pictures (or, with ``same_camera``, more often one of the same camera), x⁻ uniform over all pictures of other
    persons. A person with a single picture can only be x⁻; a logged warning names it. Pictures of a negative
    person (-1, Market-1501's junk) are never drawn: they may show anybody. Every other number is a person like any
    other: leave out 0000 (distractors) before.

    Args:
        persons: (N,) integers, the person of each picture.
        seed: of the sampler's own generator.
        device: where the triplets are drawn and live.
        cameras: (N,) integers, the camera of each picture; needed for ``same_camera``.
        same_camera: probability that x⁺ is asked to come from the camera of x; where the person has no other
            picture there, it comes from any.

    Raises ValueError when fewer than two persons have two pictures.

    >>> sampler = TripletSampler(torch.tensor([5, 5, 9, 9, 9]), seed=0)
    >>> source, positive, negative = sampler.draw(1000)
    >>> bool((sampler.persons[source] == sampler.persons[positive]).all()), bool((source == positive).any())
    (True, False)
    >>> bool((sampler.persons[source] == sampler.persons[negative]).any())
    False
    """

    def __init__(
        self,
        persons: Tensor | Sequence[int],
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
        cameras: Tensor | Sequence[int] | None = None,
        same_camera: float = 0.0,
    ) -> None:
        persons = whole_numbers("persons", persons)
        self._digest = hashlib.sha256(persons.numpy().tobytes()).hexdigest()
        same_camera = number("same_camera", same_camera, 0, 1, what="a probability")
        seed, device = seed_of("seed", seed), device_from("device", device)
        order = torch.arange(len(persons))
        seen_by = _cameras(cameras, len(persons)) if same_camera else None
        if seen_by is not None:
            order = torch.argsort(seen_by, stable=True)
        order = order[torch.argsort(persons[order], stable=True)]
        order = order[persons[order] >= 0]
        names, group, counts = torch.unique(persons[order], return_inverse=True, return_counts=True)
        alone = names[counts == 1].tolist()
        if alone:
            more = f" and {len(alone) - NAMED} more" if len(alone) > NAMED else ""
            log.warning(
                "%d of %d identities have a single picture, so are never x or x+ (but may be x-): %s%s",
                *(len(alone), len(names), ", ".join(map(str, alone[:NAMED])), more),
            )
        usable = int((counts > 1).sum())
        if usable < 2:
            raise ValueError(
                f"persons: expected at least two identities with two pictures each, got {usable} "
                f"({len(names)} identities, {len(order)} pictures). Load more pictures or another split."
            )
        self.device = device
        self.persons = persons.to(self.device)
        # All below live in "places": positions in the list of pictures sorted by person.
        self._order = order.to(self.device)
        self._start = (counts.cumsum(0) - counts)[group].to(self.device)  # first place of the place's person
        self._count = counts[group].to(self.device)  # number of pictures of the place's person
        self._sources = torch.nonzero(counts[group] > 1).squeeze(1).to(self.device)
        self._same_camera = same_camera
        if seen_by is not None:
            views = torch.stack([persons[order], seen_by[order]], dim=1)
            _, view, sizes = torch.unique(views, dim=0, return_inverse=True, return_counts=True)
            self._view_start = (sizes.cumsum(0) - sizes)[view].to(self.device)  # as above, of person and camera
            self._view_count = sizes[view].to(self.device)
        self._generator = torch.Generator(device=self.device).manual_seed(seed)

    def draw(self, n: int) -> Triplets:
        """n triplets, drawn independently. Raises ValueError when n is not a whole number from 1.

        >>> TripletSampler([1, 1, 2, 2]).draw(3).source.shape
        torch.Size([3])
        """
        n = whole("n", n)
        # Three integers a triplet, each then folded into a range of its own; 2**62 makes the bias of the
        # remainder about 1e-15.
        rng = torch.randint(2**62, (3, n), generator=self._generator, device=self.device)
        place = self._sources[rng[0] % len(self._sources)]
        start, count = self._start[place], self._count[place]
        # Step 1..count-1 places on within the person's own pictures, round the corner: never back on x.
        positive = start + (place - start + 1 + rng[1] % (count - 1)) % count
        if self._same_camera:
            wanted = torch.rand(n, generator=self._generator, device=self.device) < self._same_camera
            start_here, here = self._view_start[place], self._view_count[place]
            near = start_here + (place - start_here + 1 + rng[1] % (here - 1).clamp_min(1)) % here
            positive = torch.where(wanted & (here > 1), near, positive)
        # Count through all places as if the person's own were cut out.
        negative = rng[2] % (len(self._order) - count)
        negative = torch.where(negative < start, negative, negative + count)
        return Triplets(self._order[place], self._order[positive], self._order[negative])

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on exactly here: strings and one uint8 tensor.

        >>> sampler = TripletSampler([1, 1, 2, 2])
        >>> state = sampler.state_dict()
        >>> first = sampler.draw(8).source
        >>> sampler.load_state_dict(state)
        >>> torch.equal(first, sampler.draw(8).source)
        True
        """
        return {
            "generator": self._generator.get_state(),
            "device": self.device.type,
            "persons": self._digest,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken.

        Raises ValueError when it was taken with other pictures or on another kind of device, whose generator
        draws other numbers.
        """
        needed = {"generator", "device", "persons"}
        if not isinstance(state, dict) or not needed <= state.keys():
            raise ValueError(
                f"state: expected what state_dict returned, with {', '.join(sorted(needed))}, got {told(state)}."
            )
        if state["persons"] != self._digest:
            raise ValueError("state: taken with other pictures. Load the data set that the run began with.")
        if state["device"] != self.device.type:
            raise ValueError(
                f"state: taken on {state['device']!r}, this sampler draws on {self.device.type!r}. "
                f"Make it with device={state['device']!r} to go on exactly."
            )
        now, then = self._generator.get_state(), state["generator"]
        if not isinstance(then, Tensor) or (then.shape, then.dtype) != (now.shape, now.dtype):
            raise ValueError(f"state: expected as its generator {told(now)}, got {told(then)}.")
        self._generator.set_state(then.cpu())


def _cameras(cameras: Tensor | Sequence[int] | None, count: int) -> Tensor:
    if cameras is None:
        raise ValueError("cameras: expected the camera of each picture, because same_camera asks for it; got None.")
    return whole_numbers("cameras", cameras, count)
