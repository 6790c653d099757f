"""What is scored: the swaps of a method, pictures that another program drew, or a rule that needs no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from tqdm.auto import tqdm

from momi_lib.arguments import check_bytes, check_has, device_from, told, whole
from momi_lib.data import People, Truth, size_of, to_uint8
from momi_lib.data.pictures import STANDARD, decode_pictures
from momi_lib.evaluate.cache import SwapStore
from momi_lib.evaluate.pairs import Pairs
from momi_lib.files import sha256
from momi_lib.progress import hidden_if
from momi_lib.rivals.posed import Posed
from momi_lib.rivals.weights import answer_file, answer_names, load_answer
from momi_lib.translate.swaps import (
    Swaps,
    SwapsPeople,
    check_size,
    checked_method,
    given_to,
    swap_people,
    swap_pictures,
    usual_background,
)


@torch.inference_mode()
def swap_all(network: Swaps, source: Tensor, target: Tensor, *, batch: int = 32) -> Tensor:
    """Translate uint8 pictures in batches.

    Args:
        network: what satisfies :class:`~momi_lib.translate.swaps.Swaps`, in evaluation mode.
        source, target: (M, 3, H, W) uint8.

    Returns:
        (M, 3, H, W) uint8, on the CPU.

    Raises:
        TypeError: for a network that lacks ``swap``, ``config.size`` or ``needs``, with which.
        ValueError: for pictures of another size than the network's, different numbers of sources and targets, or a
            network in training mode whose answer depends on it.

    >>> from momi_lib.train.presets import preset
    >>> from momi_lib.translate import MomiNet
    >>> network = MomiNet(preset("tiny").network).eval()
    >>> swap_all(network, *[torch.zeros(3, 3, 128, 64, dtype=torch.uint8)] * 2).shape
    torch.Size([3, 3, 128, 64])
    """
    checked_method(network)
    batch = whole("batch", batch)
    check_bytes("source", source)
    check_bytes("target", target)
    if len(source) != len(target):
        raise ValueError(f"source and target: expected as many of each, got {len(source)} and {len(target)}")
    pairs = list(zip(source.split(batch), target.split(batch), strict=True))
    drawn = [
        to_uint8(swap_pictures(network, x, y)).cpu()
        for x, y in tqdm(pairs, desc="swaps", leave=False, **hidden_if(len(pairs) < 4))
    ]
    return torch.cat(drawn)


@torch.inference_mode()
def swap_pairs(network: Swaps, swaps: Pairs | Truth, *, batch: int = 32) -> Tensor:
    """Draw swaps of numbered pictures in batches: as :func:`swap_all`, but labels can be given to a method that asks.

    Args:
        network: as for :func:`swap_all`; a rival with labelled joints as its poses is given those of ``swaps.people``.
        swaps: M swaps.

    Returns:
        (M, 3, H, W) uint8, on the CPU.

    Raises:
        TypeError, ValueError: as :func:`swap_all`, and where the people have no labels for a method that is given them.
    """
    checked_method(network)
    batch = whole("batch", batch)
    check_has("swaps", swaps, "a Truth or Pairs", "people", "source", "target")
    numbers = list(zip(swaps.source.split(batch), swaps.target.split(batch), strict=True))
    drawn = [
        to_uint8(swap_people(network, swaps.people, *some)).cpu()
        for some in tqdm(numbers, desc="swaps", leave=False, **hidden_if(len(numbers) < 4))
    ]
    return torch.cat(drawn)


@dataclass(frozen=True)
class Answer:
    """What stands for the swaps: a method, or a rule that needs none.

    Attributes:
        name: of the row.
        pictures: of pairs and a store's folder, all swaps (M, 3, H, W) uint8.
        weights: SHA-256 of the method's file, or ``None``.
        given: what the row says of what the method was given, see :func:`given_entries`; nothing for a rule.
        only: the pairs that it has pictures of; ``None``: any.
    """

    name: str
    pictures: Callable[[Pairs, Path], Tensor]
    weights: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    only: Pairs | None = None


@dataclass(frozen=True)
class Named:
    """A method with its name in tables and the SHA-256 of its file; without a file its swaps are not kept on disk."""

    name: str
    method: Swaps
    weights: str | None = None


def named_methods(asked: Sequence[str | Path | Swaps], *, device: torch.device | str = "cpu") -> list[Named]:
    """The methods that a table shall compare, each with its name.

    Args:
        asked: names and files of weights, as :func:`~momi_lib.rivals.weights.load_answer` takes them, and objects that
            satisfy :class:`~momi_lib.translate.swaps.Swaps`. An object is called by its attribute ``name``, or by its
            class.
        device: where methods that are loaded compute.

    Raises:
        FileNotFoundError: for weights that are not there.
        ValueError: for weights that hold something else, and for two methods of one name.
        TypeError: for an object that lacks ``swap``, ``config.size`` or ``needs``, with which.

    >>> [each.name for each in named_methods(["small", load_answer("lookup")])]
    ['momi-small', 'MomiNet']
    """
    if not isinstance(asked, tuple | list):
        raise TypeError(f"asked: expected a list of names, files and objects, got {told(asked)}")
    device = device_from("device", device)
    files = [each for each in asked if isinstance(each, str | Path)]
    names = dict(zip(map(str, files), answer_names(files), strict=True))
    found = []
    for each in asked:
        if isinstance(each, str | Path):
            method = load_answer(each, device=device)
            found.append(Named(names[str(each)], method, sha256(answer_file(each))))
        else:
            own = getattr(each, "name", None)
            found.append(Named(own if isinstance(own, str) else type(each).__name__, checked_method(each)))
    every = [each.name for each in found]
    twice = next((name for name in every if every.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"weights: expected different methods, got {twice!r} twice; an object's `name` tells it apart")
    return found


def poses_of(method: Swaps, people: People, name: str | None = None) -> str:
    """SHA-256 of the poses that a method is given of ``people``, and nothing for a method that is given none.

    Tables ask for it before any work, because it says what will not do.

    Args:
        method: which.
        people: who is swapped.
        name: of the method in the table, for messages; ``None`` is its class.

    Raises:
        ValueError: where they are labels, and ``people`` have none, or where the method draws pictures of another size.
    """
    check_size(method, people.pictures, name)
    return method.key(people) if isinstance(method, SwapsPeople) else ""


def given_entries(method: Swaps) -> dict[str, str]:
    """What a row says of what its method was given: in words, and the SHA-256 of its pose source where it has one.

    >>> given_entries(load_answer("small"))
    {'given': 'RGB'}
    """
    said = {"given": given_to(method)}
    return said | {"poses_sha256": method.poses.sha256} if isinstance(method, Posed) else said


def network_answer(name: str, network: Swaps, weights: str | None) -> Answer:
    """The swaps of a method before its usual background, kept on disk if its weights are known.

    Args:
        name: of the row.
        network: what satisfies :class:`~momi_lib.translate.swaps.Swaps`; a rival with labelled joints as its poses is
            given those of the pairs' people.
        weights: SHA-256 of its file; ``None``: its swaps are drawn whenever they are asked for.

    Raises:
        TypeError: for an object that lacks ``swap``, ``config.size`` or ``needs``, with which.
    """
    given = given_entries(checked_method(network))
    if weights is None:
        return Answer(name, lambda pairs, _: swap_pairs(network, pairs), None, given)

    def pictures(pairs: Pairs, folder: Path) -> Tensor:
        return _store(network, name, weights, pairs, folder).pictures(network)

    return Answer(name, pictures, weights, given)


def _store(network: Swaps, name: str, weights: str, pairs: Pairs, folder: Path) -> SwapStore:
    return SwapStore(folder, name, weights, pairs, usual_background(network), poses_of(network, pairs.people))


def draw_together(
    network: Swaps, name: str, weights: str, swaps: Sequence[Pairs], folder: Path, rank: int, world: int
) -> None:
    """This process's share of the swaps that the network's answer will need, into the store that it reads."""
    for pairs in swaps:
        _store(network, name, weights, pairs, folder).draw_share(network, rank, world)


def pictures_there(folder: Path, names: Sequence[str], size: tuple[int, int] = STANDARD) -> tuple[Tensor, Tensor]:
    """Those of the pictures ``names`` that ``folder`` has, resized to ``size`` where they have another one.

    Returns:
        their numbers (K,) among ``names``, and the pictures (K, 3, H, W) uint8.

    Raises:
        FileNotFoundError: where there is none of them.
        ValueError: for pictures that cannot be read.
    """
    there = [number for number, name in enumerate(names) if (Path(folder) / name).is_file()]
    if not there:
        raise FileNotFoundError(f"{folder}: expected pictures named {names[0]} to {names[-1]}, found none")
    pictures, _ = decode_pictures(Path(folder), [names[number] for number in there], size=size)
    return torch.tensor(there), torch.from_numpy(pictures)


def folder_answer(name: str, folder: Path, pairs: Pairs) -> Answer:
    """Pictures that another program drew: ``00000.png``, ``00001.png``, … in ``folder``, as the pairs are numbered.

    Args:
        name: of the row.
        folder: holds one picture for each pair; those of another size than the people's are resized.
        pairs: M pairs, of which alone there are answers.

    Raises:
        FileNotFoundError: where pictures are missing, with how many.
        ValueError: for pictures that cannot be read; later, where other pairs are asked for.
    """
    names = [f"{number:05}.png" for number in range(len(pairs))]
    there, pictures = pictures_there(folder, names, size_of(pairs.people.pictures))
    if len(there) < len(names):
        raise FileNotFoundError(
            f"{folder}: expected pictures named {names[0]} to {names[-1]}, one for each pair, found {len(there)} of "
            f"{len(names)}; draw the others, or shorten the table of pairs"
        )

    def known(asked: Pairs, _: Path) -> Tensor:
        if asked.sha256 != pairs.sha256:
            raise ValueError(f"{folder}: holds answers to other pairs; score the {len(pairs)} that it was drawn for")
        return pictures

    return Answer(name, known, only=pairs)


def trivial_answers(swaps: Pairs | Truth, train: People | None = None) -> dict[str, Tensor]:
    """Answers that need no network: copy the source, copy the target and, given people to train on, their mean picture.

    A score should not like any of them, and some scores do.

    Args:
        swaps: M swaps: whose pictures are sources and targets.
        train: the people whose mean picture is the third answer; without them there are two.

    Returns:
        name → (M, 3, H, W) uint8.
    """
    check_has("swaps", swaps, "a Truth or Pairs", "people", "source", "target")
    if train is not None:
        check_has("train", train, "People, as momi_lib.data.load gives them, or None", "pictures")
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
