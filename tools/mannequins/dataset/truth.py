"""Truth: the right answer of a swap, which only a renderer knows.

Of a pair (source, target) it shows the source's person in the target's pose, place, viewpoint and crop, with nothing in
the way, scaled to the target's posed height so that the crop fits. Light and camera look are the **source's**: a swap
is given the source's picture and the target's pose, so it can know the one and cannot know the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools.mannequins.photograph.person import Person
from tools.mannequins.photograph.picture import Crop, Picture, Studio
from tools.mannequins.photograph.scene import Scene

__all__ = ["Taken", "draw_pairs", "true_swap", "without_obstacle"]

_TAG = 24  # of the random stream


@dataclass(frozen=True)
class Taken:
    """A picture that was taken: all that a true swap needs to know of it.

    Attributes:
        file: path in the data folder; person: number there; identity: number the attributes are drawn from.
        height: of the posed person, metres; attempt: how many scenes were refused before this one.
    """

    file: str
    person: int
    identity: int
    scene: Scene
    crop: Crop
    height: float
    attempt: int = 0


def true_swap(studio: Studio, source: Taken, person: Person, target: Taken) -> Picture:
    """The source's `person` as the target's picture would show them, in the source's light and look."""
    return studio.picture(
        target.scene, person, look=source.scene, obstacle=False, crop=target.crop, height=target.height
    )


def without_obstacle(studio: Studio, taken: Taken, person: Person) -> Picture:
    """A picture again, of the same person, with nothing in the way: what a true swap with itself must equal."""
    return studio.picture(taken.scene, person, obstacle=False)


def draw_pairs(taken: Sequence[Taken], count: int, seed: int) -> list[tuple[int, int]]:
    """`count` pairs (source, target) of indices into `taken`, sorted: two people each, and no pair twice.

    Only pictures with nothing in the way are used, each as often as every other where that can be.

    Raises ValueError where there are not enough pictures.
    """
    free = np.array([index for index, each in enumerate(taken) if each.scene.obstacle is None], int)
    persons = np.array([taken[index].person for index in free], int)
    rng = np.random.default_rng([_TAG, seed])
    used = np.zeros(len(free))
    partners: list[set[int]] = [set() for _ in free]
    pairs: list[tuple[int, int]] = []
    while len(pairs) < count:
        before = len(pairs)
        for source in rng.permutation(len(free)):
            wish = used + rng.random(len(free))  # the least used targets first, at random among these
            wish[persons == persons[source]] = np.inf
            wish[list(partners[source])] = np.inf
            target = int(wish.argmin()) if len(wish) else 0
            if len(pairs) < count and np.isfinite(wish[target]):
                used[target] += 1
                partners[source].add(target)
                pairs.append((int(free[source]), int(free[target])))
        if len(pairs) == before:
            raise ValueError(
                f"truth: {count} pairs of different people cannot be drawn from the {len(free)} test pictures with "
                f"nothing in the way, only {before}."
            )
    return sorted(pairs)
