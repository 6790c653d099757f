"""One swap with everything that leads to it, for the explorer: pictures in, a State out, no widgets."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from momi_lib.data import Truth, load, load_truth, mirror_pictures, to_float, to_uint8
from momi_lib.evaluate import masked_l1, masked_ssim
from momi_lib.translate import MomiNet, load_network

__all__ = ["State", "Swapper"]


@dataclass(frozen=True)
class State:
    """A swap and what leads to it.

    Attributes:
        source, target: indices into the people.
        mirrored: the target is mirrored.
        landmarks: (2, 17, 2) of the source and the target, pixels; None without weights, as are the next three.
        valid: (2, 17) bool.
        pose: (H, W), the largest of the target's 17 pose maps.
        swap: (3, H, W) uint8.
        truth: row of the true swaps; None where this pair has no true answer, as are the next two.
        l1, ssim: scores of the swap on the person's pixels.

    >>> State(3, 8).mirrored
    False
    """

    source: int
    target: int
    mirrored: bool = False
    landmarks: Tensor | None = None
    valid: Tensor | None = None
    pose: Tensor | None = None
    swap: Tensor | None = None
    truth: int | None = None
    l1: float | None = None
    ssim: float | None = None


class Swapper:
    """People, true answers where there are any, and the network that swaps.

    Args:
        folder: data folder; None is `$MOMI_DATA` or the embedded mannequins.
        network: a network, or what :func:`momi_lib.translate.load_network` takes.
        split: which people.

    Attributes:
        people; truth (None where the folder or split has none); network (None without weights);
        missing: why there is no network, or an empty string;
        answers: (source, target) → row of `truth`.

    >>> from momi_lib.train.config import preset
    >>> swapper = Swapper(network=MomiNet(preset("tiny").network).eval())
    >>> state = swapper(3, 8)
    >>> tuple(state.swap.shape), tuple(state.landmarks.shape)
    ((3, 128, 64), (2, 17, 2))
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        network: MomiNet | str | Path = "small",
        split: str = "test",
    ) -> None:
        self.network: MomiNet | None = None
        self.missing = ""
        try:
            self.network = network if isinstance(network, MomiNet) else load_network(network)
        except FileNotFoundError as error:
            self.missing = str(error)
        size = self.network.config.size if self.network else (128, 64)
        self.truth: Truth | None = None
        if split == "test":
            try:
                self.truth = load_truth(folder, size=size)
            except FileNotFoundError:  # photographs have no true answers
                pass
        self.people = self.truth.people if self.truth else load(folder, split, size=size)
        self.answers: dict[tuple[int, int], int] = {}
        if self.truth:
            pairs = zip(self.truth.source.tolist(), self.truth.target.tolist(), strict=True)
            self.answers = {pair: row for row, pair in enumerate(pairs)}

    def pictures(self, state: State) -> tuple[Tensor, Tensor]:
        """Source and target of a state as float (3, H, W) in [-1, 1], the target mirrored if it is to be."""
        source, target = (to_float(self.people.pictures[i]) for i in (state.source, state.target))
        return source, mirror_pictures(target) if state.mirrored else target

    @torch.inference_mode()
    def __call__(self, source: int, target: int, mirrored: bool = False) -> State:
        """Swap: the person of picture `source` in the pose of picture `target`."""
        state = State(source, target, mirrored)
        if self.network is None:
            return state
        pair = torch.stack(self.pictures(state)).to(next(self.network.parameters()).device)
        pose = self.network.pose(pair)  # of both pictures in one pass
        source_code, target_code = self.network.encode_pose(pose.maps).chunk(2)
        drawn = self.network.decode(self.network.encode_appearance(pair[:1], source_code), target_code)
        state = replace(
            state,
            landmarks=pose.landmarks.cpu(),
            valid=pose.valid.cpu(),
            pose=pose.maps[1].amax(0).cpu(),
            swap=to_uint8(drawn)[0].cpu(),
        )
        row = self.answers.get((source, target))
        if row is None or mirrored:  # a mirrored answer would be lit from the wrong side
            return state
        judged = state.swap[None], self.truth.pictures[row][None], self.truth.masks[row][None]
        return replace(state, truth=row, l1=float(masked_l1(*judged)), ssim=float(masked_ssim(*judged)))
