"""What is scored: the swaps of a network, or a rule that needs none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm.auto import tqdm

from momi_lib.data import People, Truth, to_float, to_uint8
from momi_lib.evaluate.cache import SwapStore
from momi_lib.evaluate.pairs import Pairs
from momi_lib.translate import MomiNet


@torch.inference_mode()
def swap_all(network: MomiNet, source: Tensor, target: Tensor, *, batch: int = 32) -> Tensor:
    """Translate uint8 pictures in batches.

    Args:
        network: anything with ``swap(source, target)``, in evaluation mode.
        source, target: (M, 3, H, W) uint8.

    Returns:
        (M, 3, H, W) uint8, on the CPU.

    >>> from momi_lib.train.presets import preset
    >>> network = MomiNet(preset("tiny").network).eval()
    >>> swap_all(network, *[torch.zeros(3, 3, 128, 64, dtype=torch.uint8)] * 2).shape
    torch.Size([3, 3, 128, 64])
    """
    if len(source) != len(target):
        raise ValueError(f"source and target: expected as many of each, got {len(source)} and {len(target)}")
    weight = next(iter(getattr(network, "parameters", list)()), None)
    device = torch.device("cpu") if weight is None else weight.device
    pairs = list(zip(source.split(batch), target.split(batch), strict=True))
    drawn = [
        to_uint8(network.swap(to_float(x.to(device)), to_float(y.to(device)))).cpu()
        for x, y in tqdm(pairs, desc="swaps", disable=len(pairs) < 4, leave=False)
    ]
    return torch.cat(drawn)


@dataclass(frozen=True)
class Answer:
    """What stands for the swaps: a network, or a rule that needs none.

    Attributes:
        name: of the row.
        pictures: of pairs and a store's folder, all swaps (M, 3, H, W) uint8.
        weights: SHA-256 of the network's file, or ``None``.
    """

    name: str
    pictures: Callable[[Pairs, Path], Tensor]
    weights: str | None = None


def network_answer(name: str, network: MomiNet, weights: str) -> Answer:
    """The swaps of a network before its usual background, kept on disk."""
    usual = network.backgrounds[0]
    return Answer(name, lambda pairs, folder: SwapStore(folder, name, weights, pairs, usual).pictures(network), weights)


def draw_together(
    network: MomiNet, name: str, weights: str, swaps: Sequence[Pairs], folder: Path, rank: int, world: int
) -> None:
    """This process's share of the swaps that the network's answer will need, into the store that it reads."""
    for pairs in swaps:
        SwapStore(folder, name, weights, pairs, network.backgrounds[0]).draw_share(network, rank, world)


def trivial_answers(swaps: Pairs | Truth, train: People | None = None) -> dict[str, Tensor]:
    """Answers that need no network: copy the source, copy the target and, given people to train on, their mean picture.

    A score should not like any of them, and some scores do.

    Args:
        swaps: M swaps: whose pictures are sources and targets.
        train: the people whose mean picture is the third answer; without them there are two.

    Returns:
        name → (M, 3, H, W) uint8.
    """
    pictures = swaps.people.pictures
    answers = {"copy source": pictures[swaps.source], "copy target": pictures[swaps.target]}
    if train is not None:
        mean = train.pictures.float().mean(0).round().byte()
        answers["mean picture"] = mean.expand(len(swaps), *mean.shape)
    return answers


def answers_without_network() -> list[Answer]:
    """Copying the source and copying the target, as rows of a table."""
    names = ("copy source", "copy target")
    return [Answer(name, lambda swaps, _, name=name: trivial_answers(swaps)[name]) for name in names]
