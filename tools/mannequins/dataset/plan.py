"""The plan: how many pictures of whom, by which camera, in which folder, under which name; before anything is drawn.

Everything follows from the sizes and the seed, so a run that was stopped finds its plan again. Training identities
come first (1, 2, …), test identities after them; running picture numbers never repeat.

>>> shots = plan(sizes_of(8), seed=0)
>>> shots[0].file
'bounding_box_train/0001_c5s1_000001_00.jpg'
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tools.mannequins.body.attributes import Attributes, distance, identity_attributes

__all__ = ["EMBEDDED", "MARKET", "PlanError", "Shot", "Sizes", "identities", "plan", "sizes_of"]

CAMERAS = 6
TOO_CLOSE = 0.08  # attributes.distance below which two people could be taken for one another
SPREAD = 5.0  # concentration of the beta distribution of pictures per identity: wide, with a long tail
# What attributes.distance adds at least for an attribute that differs; asking it about every pair would take an hour.
AT_LEAST = dict.fromkeys(("top", "outer", "bottom", "top_pattern"), 0.035)
AT_LEAST |= dict.fromkeys(("hair", "headwear", "beard", "glasses"), 0.02) | dict.fromkeys(("bag", "scarf"), 0.03)
_COUNTS, _TRAIN, _TEST = 21, 22, 23  # tags of random streams


class PlanError(ValueError):
    """Sizes that do not fit together; the message says which and what was expected."""


@dataclass(frozen=True)
class Sizes:
    """How much of everything.

    Attributes:
        train, test: identities.
        train_pictures, gallery, query: pictures.
        least, most: pictures of one identity (of test identities: gallery and query together).
        cameras: fewest and most cameras that see one identity.
        truth: true swaps.
        query_all: a query from every camera that sees a test identity, as Market-1501 has; else from some.
    """

    train: int
    test: int
    train_pictures: int
    gallery: int
    query: int
    least: int
    most: int
    cameras: tuple[int, int]
    truth: int = 0
    query_all: bool = True


#: Market-1501's sizes; its gallery without the junk, but with as many pictures as its distractors are.
MARKET = Sizes(751, 750, 12_936, 15_913, 3_368, 2, 72, (2, 6), truth=12_000)
#: What the repository carries.
EMBEDDED = Sizes(300, 100, 3_840, 1_080, 200, 12, 16, (6, 6), truth=1_500, query_all=False)


@dataclass(frozen=True)
class Shot:
    """One picture to take: of which person, the how-many-eth of them, by which camera (0 to 5), into which file."""

    person: int
    index: int
    camera: int
    file: str


def sizes_of(
    identities: int, each: tuple[int, int] | None = None, truth: int | None = None, test: int | None = None
) -> Sizes:
    """Sizes for a number of identities, half of them (rounded up) for training.

    Args:
        each: fewest and most pictures of one identity; None takes Market-1501's numbers, scaled.
        test: how many of the identities are for testing; None takes half.

    Raises PlanError.

    >>> sizes_of(1501) == replace(MARKET, truth=0)
    True
    """
    if identities < 2:
        raise PlanError(f"identities: expected at least 2, one to train and one to test, got {identities}.")
    test = identities // 2 if test is None else test
    train = identities - test
    if test < 1 or train < 1:
        raise PlanError(f"test identities: expected 1 to {identities - 1} of {identities}, got {test}.")
    if each is None:
        sizes = replace(
            MARKET,
            train=train,
            test=test,
            train_pictures=round(MARKET.train_pictures * train / MARKET.train),
            gallery=round(MARKET.gallery * test / MARKET.test),
            query=round(MARKET.query * test / MARKET.test),
            truth=0,
        )
    else:
        low, high = each
        if not 4 <= low <= high <= 999:
            raise PlanError(f"pictures per identity: expected 4 ≤ fewest ≤ most ≤ 999, got {low} and {high}.")
        mean = (low + high) / 2
        sizes = Sizes(
            train, test, round(mean * train), round(mean * test) - 2 * test, 2 * test, low, high,
            (2, min(CAMERAS, low // 2)), query_all=False,
        )  # fmt: skip
    return with_truth(sizes, truth)


def with_truth(sizes: Sizes, truth: int | None) -> Sizes:
    """The sizes with another number of true swaps; None leaves it. Raises PlanError."""
    sizes = sizes if truth is None else replace(sizes, truth=truth)
    if sizes.truth < 0 or (sizes.truth and sizes.test < 2):
        raise PlanError(f"truth: expected 0, or two test identities or more to swap; got {sizes.truth}, {sizes.test}.")
    return sizes


def plan(sizes: Sizes, seed: int) -> list[Shot]:
    """All shots, in the order of their numbers. Raises PlanError where the totals cannot be met."""
    shots: list[Shot] = []
    for shot in _train(sizes, np.random.default_rng([_COUNTS, _TRAIN, seed])):
        shots.append(_named(shot, "bounding_box_train", len(shots) + 1))
    for shot, is_query in _test(sizes, np.random.default_rng([_COUNTS, _TEST, seed])):
        shots.append(_named(shot, "query" if is_query else "bounding_box_test", len(shots) + 1))
    return shots


def identities(count: int, seed: int) -> list[tuple[int, Attributes]]:
    """The numbers and attributes of `count` people none of whom could be taken for another.

    Person 1 is identity number 0; a number is passed over when somebody before it is too close.
    """
    chosen: list[tuple[int, Attributes]] = []
    kinds = np.empty((count, len(AT_LEAST)), object)
    number = 0
    while len(chosen) < count:
        candidate = identity_attributes(seed, number)
        own = np.array([getattr(candidate, name) for name in AT_LEAST], object)
        apart = (kinds[: len(chosen)] != own) @ np.array(list(AT_LEAST.values()))
        near = np.flatnonzero(apart < TOO_CLOSE)
        if all(distance(candidate, chosen[index][1]) >= TOO_CLOSE for index in near):
            kinds[len(chosen)] = own
            chosen.append((number, candidate))
        number += 1
    return chosen


def _named(shot: tuple[int, int, int], folder: str, number: int) -> Shot:
    person, index, camera = shot
    return Shot(person, index, camera, f"{folder}/{person:04d}_c{camera + 1}s1_{number:06d}_00.jpg")


def _train(sizes: Sizes, rng: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    counts = spread(rng, sizes.train_pictures, np.full(sizes.train, sizes.least), sizes.most)
    for person, count in enumerate(counts, start=1):
        low, high = sizes.cameras
        number = int(rng.integers(min(low, count), min(high, count) + 1))
        cameras = rng.permutation(CAMERAS)[:number]
        seen = np.concatenate([cameras, rng.choice(cameras, count - number)])
        for index, camera in enumerate(rng.permutation(seen)):
            yield person, index, int(camera)


def _test(sizes: Sizes, rng: np.random.Generator) -> Iterator[tuple[tuple[int, int, int], bool]]:
    """Shots of test identities and whether they are queries: at most one query for an identity and a camera.

    Every camera that sees an identity has two pictures of it or more, so that a query never empties the gallery's.
    """
    low, high = sizes.cameras
    if sizes.query_all:
        seeing = queries = spread(rng, sizes.query, np.full(sizes.test, low), high)
    else:
        seeing = rng.integers(low, high + 1, sizes.test)
        queries = spread(rng, sizes.query, np.ones(sizes.test, int), low)
    counts = spread(rng, sizes.gallery + sizes.query, np.maximum(2 * seeing, sizes.least), sizes.most)
    for offset, (count, number, asked) in enumerate(zip(counts, seeing, queries, strict=True)):
        cameras = rng.permutation(CAMERAS)[:number]
        seen = rng.permutation(np.concatenate([cameras, cameras, rng.choice(cameras, count - 2 * number)]))
        first = {int(camera): int(np.flatnonzero(seen == camera)[0]) for camera in cameras[:asked]}
        for index, camera in enumerate(seen):
            yield (sizes.train + 1 + offset, index, int(camera)), first.get(int(camera)) == index


def spread(rng: np.random.Generator, total: int, least: np.ndarray, most: int) -> np.ndarray:
    """Counts (N,) between `least` (N,) and `most` that add up to `total` exactly, uneven as a street's are.

    Raises PlanError where no such counts exist.

    >>> counts = spread(np.random.default_rng(0), 40, np.full(5, 2), 20)
    >>> int(counts.sum()), bool(counts.min() >= 2), bool(counts.max() <= 20)
    (40, True, True)
    """
    least = np.asarray(least)
    low, high = int(least.sum()), most * len(least)
    if not low <= total <= high or (least > most).any():
        raise PlanError(f"{len(least)} identities cannot share {total}: expected {low} to {high}.")
    if low == high:
        return least.copy()
    mean = min(max((total - low) / (high - low), 1e-3), 1 - 1e-3)
    counts = least + np.rint((most - least) * rng.beta(SPREAD * mean, SPREAD * (1 - mean), len(least))).astype(int)
    while (off := total - counts.sum()) != 0:  # one at a time, so that the bounds hold
        free = np.flatnonzero(counts < most) if off > 0 else np.flatnonzero(counts > least)
        chosen = rng.permutation(free)[: abs(off)]
        counts[chosen] += np.sign(off)
    return counts
