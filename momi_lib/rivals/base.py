"""What the four rivals share: landmarks, the batch of a step, and the two classes that each of them fills in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from momi_lib.translate.swaps import NEEDS


class Landmarks(NamedTuple):
    """Joints of N people: ``places`` (N, 17, 2) as (x, y) in pixels, centres at integers; ``valid`` (N, 17) bool."""

    places: Tensor
    valid: Tensor


class RivalBatch(NamedTuple):
    """What one training step is given: triplets x, x⁺ (same person), x⁻ (another), each (N, 3, H, W) in [-1, 1].

    ``poses`` are those of x, x⁺ and x⁻ as the run's pose source sees them, ``None`` for a method that needs none.
    ``persons`` (2, N) are the classes, from 0, of the people of x and of x⁻.
    """

    source: Tensor
    positive: Tensor
    negative: Tensor
    poses: tuple[Landmarks, Landmarks, Landmarks] | None
    persons: Tensor


class Phase(NamedTuple):
    """One optimiser step inside a training step: its optimisers, and named losses; ``"total"`` is minimised."""

    optimisers: tuple[str, ...]
    terms: Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class RivalConfig:
    """Shape, losses and optimisers of a rival; each method adds its own options.

    Attributes:
        size: (H, W) of the pictures.
        steps: length of the run, in batches.
        batch: triplets in a step.
        mirror: probability that a triplet is mirrored, left and right joints exchanged.
        ema: decay of the moving average of the generator's weights; 0: the weights themselves, as in all four papers.
        learning_rate: of the generator.
    """

    size: tuple[int, int] = (128, 64)
    steps: int = 1_000
    batch: int = 8
    mirror: float = 0.0
    ema: float = 0.0
    learning_rate: float = 2e-4


class PoseGuided(nn.Module, ABC):
    """The network of a pose-guided rival: it draws from a picture and landmarks.

    :class:`~momi_lib.rivals.posed.Posed` adds the pose network that finds the landmarks in RGB.

    Attributes:
        method: name of the method, as ``python -m momi_lib train`` takes it.
        needs: whose poses it is given.
        config: its options.
    """

    method: ClassVar[str]
    needs: ClassVar[frozenset[str]] = NEEDS
    config: RivalConfig

    @abstractmethod
    def draw(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> Tensor:
        """The people of ``source`` (N, 3, H, W) in [-1, 1] in the target's pose: (N, 3, H, W) in [-1, 1].

        ``source_pose`` may be ``None`` where the method does not need it.
        """


class RivalObjective(nn.Module, ABC):
    """Everything of a rival that learns, and what each part minimises.

    A subclass registers its generator, discriminators and whatever else must survive a checkpoint (a pool of old
    fakes, a frozen copy) as modules and buffers: the loop saves ``state_dict()``.

    Args:
        network: what is saved at the end and draws swaps: a :class:`PoseGuided`, or a network with ``swap``.
        config: the method's options.
        people: number of identities among the training pictures.
    """

    def __init__(self, network: nn.Module, config: RivalConfig, people: int) -> None:
        super().__init__()
        self.network: Any = network
        self.config, self.people = config, people

    @abstractmethod
    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """By name; the learning rates in their groups are the full ones, see :meth:`rate`."""

    def rate(self, name: str, done: float) -> float:
        """Factor of the learning rates of optimiser ``name`` when the share ``done``, in [0, 1), of the run is over."""
        return 1.0

    @abstractmethod
    def phases(self, batch: RivalBatch, done: float) -> Iterator[Phase]:
        """The optimiser steps of one training step, in order.

        A generator: the code after a ``yield`` runs when the optimisers of that phase have taken their step. The loop
        has seeded chance (dropout, pools) by the number of the step, and is in autocast where the run computes in bf16.
        """
