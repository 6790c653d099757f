"""Hidden cases of notebook 06: where RoI Align looks, Eq. 6 for a batch, and boxes between the joints."""

from __future__ import annotations

import torch
from torch import Tensor

from momi_lib.lessons.exercise import Exercise


def sample_positions(start: float, end: float, size: int, samples: int) -> Tensor:
    """The x of RoI Align's points with pixel centres at integers."""
    count = size * samples
    return start + (torch.arange(count) + 0.5) / count * (end - start) - 0.5


def _positions_of_edges(start: float, end: float, size: int, samples: int) -> Tensor:
    return sample_positions(start, end, size, samples) + 0.5


def _positions_half_added(start: float, end: float, size: int, samples: int) -> Tensor:
    return sample_positions(start, end, size, samples) + 1.0


def _positions_from_end_to_end(start: float, end: float, size: int, samples: int) -> Tensor:
    return torch.linspace(start, end, size * samples) - 0.5


def _positions_at_the_left(start: float, end: float, size: int, samples: int) -> Tensor:
    count = size * samples
    return start + torch.arange(count) / count * (end - start) - 0.5


def _positions_one_a_bin(start: float, end: float, size: int, samples: int) -> Tensor:
    return sample_positions(start, end, size, 1)


def _boxes(seed: int = 0) -> list[tuple]:
    start = 0.25 + seed % 40
    return [(10.5, 30.5, 8, 2), (-3.0, 5.0, 4, 3), (start, start + 8.75, 5, 2)]


def patch_loss(real: Tensor, real_valid: Tensor, fake: Tensor, fake_valid: Tensor) -> Tensor:
    """Eq. 6; patches of joints that do not count may hold NaN."""
    both = real_valid & fake_valid
    each = torch.where(both, (real - fake).abs().flatten(2).mean(2), 0.0)
    return (each.sum(1) / both.sum(1).clamp(min=1)).mean()


def _loss_with_nan(real: Tensor, real_valid: Tensor, fake: Tensor, fake_valid: Tensor) -> Tensor:
    both = (real_valid & fake_valid).float()
    return (((real - fake).abs().flatten(2).mean(2) * both).sum(1) / both.sum(1).clamp(min=1)).mean()


def _loss_over_all_joints(real: Tensor, real_valid: Tensor, fake: Tensor, fake_valid: Tensor) -> Tensor:
    each = torch.where(real_valid & fake_valid, (real - fake).abs().flatten(2).mean(2), 0.0)
    return each.mean()


def _loss_over_the_batch(real: Tensor, real_valid: Tensor, fake: Tensor, fake_valid: Tensor) -> Tensor:
    both = real_valid & fake_valid
    each = torch.where(both, (real - fake).abs().flatten(2).mean(2), 0.0)
    return each.sum() / both.sum().clamp(min=1)


def _loss_without_empty(real: Tensor, real_valid: Tensor, fake: Tensor, fake_valid: Tensor) -> Tensor:
    some = (real_valid & fake_valid).any(1)
    return patch_loss(real[some], real_valid[some], fake[some], fake_valid[some])


def _loss_either(real: Tensor, real_valid: Tensor, fake: Tensor, fake_valid: Tensor) -> Tensor:
    either = real_valid | fake_valid
    return patch_loss(real, either, fake, either)


def _loss_of_real_joints(real: Tensor, real_valid: Tensor, fake: Tensor, fake_valid: Tensor) -> Tensor:
    return patch_loss(real, real_valid, fake, real_valid)


def _loss_squared(real: Tensor, real_valid: Tensor, fake: Tensor, fake_valid: Tensor) -> Tensor:
    both = real_valid & fake_valid
    each = torch.where(both, (real - fake).square().flatten(2).mean(2), 0.0)
    return (each.sum(1) / both.sum(1).clamp(min=1)).mean()


def _patches(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(6 + seed)

    def draw(n: int, k: int) -> Tensor:
        return torch.rand(n, k, 3, 4, 4, generator=generator) * 2 - 1

    def flags(*rows: str) -> Tensor:
        return torch.tensor([[letter == "1" for letter in row] for row in rows])

    plain = (draw(2, 3), flags("110", "111"), draw(2, 3), flags("111", "011"))
    lonely = (draw(3, 4), flags("1100", "1111", "1010"), draw(3, 4), flags("0011", "1110", "1000"))
    hidden = (draw(2, 4), flags("1101", "0111"), draw(2, 4), flags("1110", "0110"))
    hidden[0][0, 2], hidden[2][1, 0] = torch.nan, torch.nan
    return [plain, lonely, hidden]


Limbs = list[tuple[int, int]]


def limb_middles(landmarks: Tensor, valid: Tensor, limbs: Limbs) -> tuple[Tensor, Tensor]:
    """Points half-way along each limb, valid where both ends are."""
    first, second = torch.tensor(limbs).T
    return (landmarks[:, first] + landmarks[:, second]) / 2, valid[:, first] & valid[:, second]


def _middles_either(landmarks: Tensor, valid: Tensor, limbs: Limbs) -> tuple[Tensor, Tensor]:
    first, second = torch.tensor(limbs).T
    return limb_middles(landmarks, valid, limbs)[0], valid[:, first] | valid[:, second]


def _middles_summed(landmarks: Tensor, valid: Tensor, limbs: Limbs) -> tuple[Tensor, Tensor]:
    points, both = limb_middles(landmarks, valid, limbs)
    return points * 2, both


def _middles_as_steps(landmarks: Tensor, valid: Tensor, limbs: Limbs) -> tuple[Tensor, Tensor]:
    first, second = torch.tensor(limbs).T
    return (landmarks[:, second] - landmarks[:, first]) / 2, limb_middles(landmarks, valid, limbs)[1]


def _middles_all_valid(landmarks: Tensor, valid: Tensor, limbs: Limbs) -> tuple[Tensor, Tensor]:
    points, both = limb_middles(landmarks, valid, limbs)
    return points, torch.ones_like(both)


def _people(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(7 + seed)
    small = torch.tensor([[[0.0, 0.0], [10.0, 4.0], [6.0, 20.0]]])
    points = torch.rand(8, 17, 2, generator=generator) * torch.tensor([63.0, 127.0])
    there = torch.rand(8, 17, generator=generator) < 0.5
    limbs = [(5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (5, 6)]
    return [(small, torch.tensor([[True, True, False]]), [(0, 1), (1, 2)]), (points, there, limbs)]


EXERCISES = {
    "sample_positions": Exercise(
        title="Where RoI Align looks",
        reference=sample_positions,
        cases=_boxes,
        wrong={
            "These are RoI Align's coordinates; ours are half a pixel smaller.": _positions_of_edges,
            "The half pixel has the wrong sign: RoI Align's i + 0.5 is our i.": _positions_half_added,
            "Your points reach both ends of the box; each is in the middle of its part.": _positions_from_end_to_end,
            "Your points stand at the left of their part of a bin, not in its middle.": _positions_at_the_left,
            "You return one point for each bin; there are `samples` in each.": _positions_one_a_bin,
        },
    ),
    "patch_loss": Exercise(
        title="Eq. 6 for a batch",
        reference=patch_loss,
        cases=_patches,
        wrong={
            "NaN · 0 is NaN: choose with torch.where instead of multiplying by the validity.": _loss_with_nan,
            "You divide by all joints; divide by those that are valid in both pictures.": _loss_over_all_joints,
            "You pool the joints of the whole batch; take the mean of each picture first.": _loss_over_the_batch,
            "A picture that shares no joint counts as 0; you left it out of the mean.": _loss_without_empty,
            "A joint must be valid in both pictures; you also count those valid in one.": _loss_either,
            "You only asked whether the joint is valid in the real picture.": _loss_of_real_joints,
            "The bars in Eq. 6 are absolute values; you squared.": _loss_squared,
        },
    ),
    "limb_middles": Exercise(
        title="Between the joints",
        reference=limb_middles,
        cases=_people,
        wrong={
            "One valid end is not enough: without the other, nobody knows where the middle is.": _middles_either,
            "The middle is the mean of both ends; you return their sum.": _middles_summed,
            "This is half the way from one end to the other; add it to the first end.": _middles_as_steps,
            "You mark every limb as valid, even where an end is missing.": _middles_all_valid,
        },
    ),
}
