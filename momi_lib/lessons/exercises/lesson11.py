"""The exercises of notebook 11: PG²'s mask loss, AdaIN by stripes, the gates of PATN and MOMI-Net, and the gap."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.lessons.exercise import Exercise


def mask_l1(drawn: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    """The mean of |d| (1 + M) over all pixels and channels: a sum of two means."""
    away = (drawn - real).abs()
    return away.mean() + (away * mask).mean()


def _weighted_mean(drawn: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    weights = (1 + mask).expand_as(drawn)
    return ((drawn - real).abs() * weights).sum() / weights.sum()


def _weighted_by_picture(drawn: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    one = [_weighted_mean(*(part[n : n + 1] for part in (drawn, real, mask))) for n in range(len(drawn))]
    return torch.stack(one).mean()


def _over_the_mask(drawn: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    away = (drawn - real).abs()
    return away.mean() + (away * mask).sum() / (mask.sum() * drawn.shape[1])


def _person_alone(drawn: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    return ((drawn - real).abs() * mask).mean()


def _without_mask(drawn: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    return (drawn - real).abs().mean()


def _mask_squared(drawn: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    return ((drawn - real).square() * (1 + mask)).mean()


def _mask_inside(drawn: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    return ((1 + mask) * drawn - real).abs().mean()


def _summed(drawn: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    return ((drawn - real).abs() * (1 + mask)).sum() / len(drawn)


def _pictures(seed: int = 0) -> list[tuple]:
    """People of different sizes, as the mistakes agree where all masks are equally large."""
    generator = torch.Generator().manual_seed(11 + seed)
    y, x = torch.arange(16).view(-1, 1), torch.arange(8)
    masks = torch.stack([(abs(x - 4) < 1 + n) & (abs(y - 8) < 3 + 2 * n) for n in range(3)]).float()[:, None]
    pictures = 2 * torch.rand(2, 3, 3, 16, 8, generator=generator) - 1
    # Pictures differ in how wrong they are, too.
    pictures[0] = torch.lerp(pictures[1], pictures[0], torch.tensor([0.2, 0.6, 1.0])[:, None, None, None])
    return [(pictures[0], pictures[1], masks), (pictures[0, :1], pictures[1, :1], masks[:1])]


def adain_by_stripes(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    """DG-Net's blocks without their convolutions: a block a stripe, x ← x + AdaIN(leaky ReLU(AdaIN(x))).

    Features are (N, C, h, w), scales and shifts (N, stripes, 2, C).
    """
    return _blocks(features, scales, shifts)


def _adain(
    x: Tensor, scale: Tensor, shift: Tensor, axes: tuple[int, ...] = (2, 3), correction: int = 0, root: bool = True
) -> Tensor:
    variance, mean = torch.var_mean(x, axes, correction=correction, keepdim=True)
    spread = (variance + 1e-5).sqrt() if root else variance + 1e-5
    return scale[:, :, None, None] * (x - mean) / spread + shift[:, :, None, None]


def _block(x: Tensor, scales: Tensor, shifts: Tensor, adain: Callable[..., Tensor] = _adain) -> Tensor:
    """What a block adds to its input; scales and shifts are (N, 2, C)."""
    inner = functional.leaky_relu(adain(x, scales[:, 0], shifts[:, 0]), 0.2)
    return adain(inner, scales[:, 1], shifts[:, 1])


def _blocks(features: Tensor, scales: Tensor, shifts: Tensor, **options: Any) -> Tensor:
    adain = partial(_adain, **options)
    for scale, shift in zip(scales.unbind(1), shifts.unbind(1), strict=True):
        features = features + _block(features, scale, shift, adain)
    return features


def _one_plus_scale(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    return _blocks(features, 1 + scales, shifts)


def _over_the_batch(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    return _blocks(features, scales, shifts, axes=(0, 2, 3))


def _over_the_channels(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    return _blocks(features, scales, shifts, axes=(1, 2, 3))


def _one_place_less(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    return _blocks(features, scales, shifts, correction=1)


def _by_the_variance(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    return _blocks(features, scales, shifts, root=False)


def _bands(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    """The stripe at the top for the upper rows, and so on, in one block."""
    bands = features.chunk(scales.shape[1], dim=2)
    parts = zip(bands, scales.unbind(1), shifts.unbind(1), strict=True)
    return features + torch.cat([_block(band, scale, shift) for band, scale, shift in parts], dim=2)


def _first_stripe(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    return _blocks(features, scales[:, :1].expand_as(scales), shifts[:, :1].expand_as(shifts))


def _mean_stripe(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    scales, shifts = (part.mean(1, keepdim=True).expand_as(part) for part in (scales, shifts))
    return _blocks(features, scales, shifts)


def _from_below(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    return _blocks(features, scales.flip(1), shifts.flip(1))


def _side_by_side(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    """All blocks are given what entered the first."""
    added = [_block(features, *pair) for pair in zip(scales.unbind(1), shifts.unbind(1), strict=True)]
    return features + torch.stack(added).sum(0)


def _without_the_sum(features: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    for scale, shift in zip(scales.unbind(1), shifts.unbind(1), strict=True):
        features = _block(features, scale, shift)
    return features


def _codes(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(12 + seed)
    cases = []
    for n, channels, stripes in ((1, 2, 2), (3, 8, 4)):
        level, contrast = torch.randn(n, channels, 1, 1, generator=generator), 1 + torch.arange(channels).view(-1, 1, 1)
        features = level + contrast * torch.randn(n, channels, 8, 4, generator=generator)
        cases.append((features, *torch.randn(2, n, stripes, 2, channels, generator=generator)))
    return cases


def gate_step(x1: Tensor, h1: Tensor, h2: Tensor, norm: bool) -> tuple[Tensor, Tensor]:
    """PATN's step; with ``norm``, h₂ is first normalised per channel over pictures and positions, as MOMI-Net's is."""
    return _step(x1, h1, _normed(h2) if norm else h2)


def _step(x1: Tensor, h1: Tensor, h2: Tensor) -> tuple[Tensor, Tensor]:
    new = x1 + h1 * torch.sigmoid(h2)
    return new, torch.cat([h2, new], dim=1)


def _normed(x: Tensor) -> Tensor:
    return functional.batch_norm(x, None, None, training=True)


def _sum_gated(x1: Tensor, h1: Tensor, h2: Tensor, norm: bool) -> tuple[Tensor, Tensor]:
    h2 = _normed(h2) if norm else h2
    new = (x1 + h1) * torch.sigmoid(h2)
    return new, torch.cat([h2, new], dim=1)


def _gate_of_h1(x1: Tensor, h1: Tensor, h2: Tensor, norm: bool) -> tuple[Tensor, Tensor]:
    h2 = _normed(h2) if norm else h2
    new = x1 + h2 * torch.sigmoid(h1)
    return new, torch.cat([h2, new], dim=1)


def _other_order(x1: Tensor, h1: Tensor, h2: Tensor, norm: bool) -> tuple[Tensor, Tensor]:
    new, pose = gate_step(x1, h1, h2, norm)
    return new, pose.roll(x1.shape[1], dims=1)


def _old_x1(x1: Tensor, h1: Tensor, h2: Tensor, norm: bool) -> tuple[Tensor, Tensor]:
    return gate_step(x1, h1, h2, norm)[0], torch.cat([_normed(h2) if norm else h2, x1], dim=1)


def _gate_goes_on(x1: Tensor, h1: Tensor, h2: Tensor, norm: bool) -> tuple[Tensor, Tensor]:
    new, pose = gate_step(x1, h1, h2, norm)
    return new, torch.cat([pose[:, : x1.shape[1]].sigmoid(), new], dim=1)


def _never_normed(x1: Tensor, h1: Tensor, h2: Tensor, norm: bool) -> tuple[Tensor, Tensor]:
    return _step(x1, h1, h2)


def _always_normed(x1: Tensor, h1: Tensor, h2: Tensor, norm: bool) -> tuple[Tensor, Tensor]:
    return _step(x1, h1, _normed(h2))


def _normed_too_late(x1: Tensor, h1: Tensor, h2: Tensor, norm: bool) -> tuple[Tensor, Tensor]:
    gate = torch.sigmoid(h2)
    new = x1 + h1 * (_normed(gate) if norm else gate)
    return new, torch.cat([h2, new], dim=1)


def _normed_for_the_gate_alone(x1: Tensor, h1: Tensor, h2: Tensor, norm: bool) -> tuple[Tensor, Tensor]:
    new = gate_step(x1, h1, h2, norm)[0]
    return new, torch.cat([h2, new], dim=1)


def _normed_by_picture(x1: Tensor, h1: Tensor, h2: Tensor, norm: bool) -> tuple[Tensor, Tensor]:
    return _step(x1, h1, functional.instance_norm(h2) if norm else h2)


def _streams(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(13 + seed)
    cases = []
    for n, d in ((1, 2), (3, 8)):
        x1, h1, h2 = torch.randn(3, n, d, 4, 3, generator=generator)
        # Far from 0 and spread widely, another level in each picture: what a norm before the gate takes away.
        h2 = 4 * h2 + 3 * torch.arange(1.0, n + 1).view(-1, 1, 1, 1)
        cases += [(x1, h1, h2, False), (x1, h1, h2, True)]
    return cases


def gap(drawn: Tensor, real: Tensor, masks: Tensor, strangers: Tensor) -> Tensor:
    """Mean masked L1 of the pictures marked as ``strangers`` minus that of the others; empty masks do not count."""
    each = _each(drawn.float() / 255, real.float() / 255, masks)
    return each[strangers].nanmean() - each[~strangers].nanmean()


def _each(drawn: Tensor, real: Tensor, masks: Tensor) -> Tensor:
    """(N,) masked L1; NaN where the mask is empty."""
    return ((drawn - real).abs().mean(1) * masks).sum((1, 2)) / masks.sum((1, 2))


def _whole_picture(drawn: Tensor, real: Tensor, masks: Tensor, strangers: Tensor) -> Tensor:
    each = (drawn.float() - real.float()).abs().mean((1, 2, 3)) / 255
    return each[strangers].mean() - each[~strangers].mean()


def _masked_over_all_pixels(drawn: Tensor, real: Tensor, masks: Tensor, strangers: Tensor) -> Tensor:
    each = ((drawn.float() - real.float()).abs().mean(1) * masks).mean((1, 2)) / 255
    return each[strangers].mean() - each[~strangers].mean()


def _pooled(drawn: Tensor, real: Tensor, masks: Tensor, strangers: Tensor) -> Tensor:
    away = (drawn.float() - real.float()).abs().mean(1) / 255
    return away[strangers][masks[strangers]].mean() - away[~strangers][masks[~strangers]].mean()


def _same_person_first(drawn: Tensor, real: Tensor, masks: Tensor, strangers: Tensor) -> Tensor:
    return gap(drawn, real, masks, ~strangers)


def _against_everybody(drawn: Tensor, real: Tensor, masks: Tensor, strangers: Tensor) -> Tensor:
    each = _each(drawn.float() / 255, real.float() / 255, masks)
    return each[strangers].nanmean() - each.nanmean()


def _wrapped(drawn: Tensor, real: Tensor, masks: Tensor, strangers: Tensor) -> Tensor:
    each = ((drawn - real).abs().float().mean(1) / 255 * masks).sum((1, 2)) / masks.sum((1, 2))
    return each[strangers].nanmean() - each[~strangers].nanmean()


def _in_levels(drawn: Tensor, real: Tensor, masks: Tensor, strangers: Tensor) -> Tensor:
    return 255 * gap(drawn, real, masks, strangers)


def _channels_added(drawn: Tensor, real: Tensor, masks: Tensor, strangers: Tensor) -> Tensor:
    return 3 * gap(drawn, real, masks, strangers)


def _nan_with_the_empty(drawn: Tensor, real: Tensor, masks: Tensor, strangers: Tensor) -> Tensor:
    each = _each(drawn.float() / 255, real.float() / 255, masks)
    return each[strangers].mean() - each[~strangers].mean()


def _empty_as_perfect(drawn: Tensor, real: Tensor, masks: Tensor, strangers: Tensor) -> Tensor:
    each = _each(drawn.float() / 255, real.float() / 255, masks).nan_to_num(0)
    return each[strangers].mean() - each[~strangers].mean()


def _swaps(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(14 + seed)
    y, x = torch.arange(16).view(-1, 1), torch.arange(8)
    cases = []
    for who, empty in (("1100", None), ("101011", None), ("1100110", 4)):
        strangers = torch.tensor([letter == "1" for letter in who])
        real, noise = torch.randint(256, (2, len(who), 3, 16, 8), generator=generator)
        share = (0.2 + 0.1 * torch.arange(len(who)) % 0.5 + 0.3 * strangers)[:, None, None, None]
        drawn = torch.lerp(real.float(), noise.float(), share).byte()
        masks = torch.stack([(abs(x - 4) < 1 + n % 3) & (abs(y - 8) < 2 + n) for n in range(len(who))])
        if empty is not None:
            masks[empty] = False
        cases.append((drawn, real.byte(), masks, strangers))
    return cases


EXERCISES = {
    "mask_l1": Exercise(
        title="The mask loss",
        reference=mask_l1,
        cases=_pictures,
        wrong={
            "You divide by the sum of the weights 1 + M. That is a weighted mean; PG² divides by the number of pixels "
            "and channels, so a larger person makes a larger loss.": _weighted_mean,
            "You take a weighted mean of each picture. PG² has no weights to divide by: the mean of |d| and the mean "
            "of |d| · M are added.": _weighted_by_picture,
            "The second mean is over all pixels, too; you divide it by the pixels of the mask.": _over_the_mask,
            "Your loss counts only the person. With 1 + M the background counts once, the person twice.": _person_alone,
            "The mask is missing: on the person |d| counts twice.": _without_mask,
            "The bars are absolute values; you squared.": _mask_squared,
            "1 + M multiplies the difference. You multiply the drawn picture before you subtract.": _mask_inside,
            "You add up pixels and channels: take their mean.": _summed,
        },
    ),
    "adain_by_stripes": Exercise(
        title="AdaIN by stripes",
        reference=adain_by_stripes,
        cases=_codes,
        wrong={
            "DG-Net multiplies by the scale as it is, not by 1 + scale.": _one_plus_scale,
            "Mean and variance belong to one picture: take them over the last two axes, not over the batch as well.": (
                _over_the_batch
            ),
            "Mean and variance belong to one channel: take them over the last two axes only.": _over_the_channels,
            "The variance divides by the number of positions, not by one less: correction=0.": _one_place_less,
            "Divide by the standard deviation, √(σ² + eps), not by the variance.": _by_the_variance,
            "You apply each stripe to a band of the map. A stripe drives a whole block, at all positions; only the "
            "code was cut out of a band, that of the other picture.": _bands,
            "Your first stripe drives all blocks; block k takes stripe k.": _first_stripe,
            "You take the mean of the stripes for all blocks; block k takes stripe k.": _mean_stripe,
            "Your last stripe drives the first block: the order is the other way round.": _from_below,
            "You give all blocks what entered the first: each goes on with what the block before it gave.": (
                _side_by_side
            ),
            "A block adds to its input, x + …; yours replaces it.": _without_the_sum,
        },
        atol=1e-4,
    ),
    "gate_step": Exercise(
        title="Two gates",
        reference=gate_step,
        cases=_streams,
        wrong={
            "You gate the sum. Only the correction h₁ passes the gate; x₁ itself stays as it is.": _sum_gated,
            "The sigmoid is on h₁: the pose's h₂ makes the gate, and the appearance's h₁ passes it.": _gate_of_h1,
            "The pose stream is joined the other way round: h₂ comes first, then the new x₁.": _other_order,
            "The pose stream was joined with the old x₁; take the new one.": _old_x1,
            "The pose stream goes on with h₂, not with the gate σ(h₂).": _gate_goes_on,
            "Your step has no norm: with norm=True, h₂ is normalised before the sigmoid.": _never_normed,
            "You always normalise h₂. PATN does not: with norm=False it goes into the sigmoid as it is.": (
                _always_normed
            ),
            "You normalise after the sigmoid: the gate then leaves [0, 1], and had been saturated before.": (
                _normed_too_late
            ),
            "You normalise for the gate alone. The norm ends the pose stream's layers, so the normalised h₂ goes on.": (
                _normed_for_the_gate_alone
            ),
            "You normalise picture by picture. A batch norm takes mean and variance of each channel over all pictures "
            "and positions.": _normed_by_picture,
        },
        atol=1e-4,
    ),
    "gap": Exercise(
        title="Strangers and same-person pairs",
        reference=gap,
        cases=_swaps,
        wrong={
            "You compare whole pictures. No method can know the background of a true swap: count the mask's pixels.": (
                _whole_picture
            ),
            "You set the background to 0 and divide by all pixels: divide by the pixels of the mask.": (
                _masked_over_all_pixels
            ),
            "You pool the pixels of all pictures, so that large people count more: take the mean of each picture "
            "first, and then the mean of these.": _pooled,
            "The sign is the other way round: strangers minus same-person pairs.": _same_person_first,
            "You subtract the mean of everybody; subtract that of the same-person pairs alone.": _against_everybody,
            "Bytes have no negative numbers: 3 − 5 is 254. Make floats of the pictures before you subtract.": _wrapped,
            "Colours are counted from 0 to 1: divide by 255.": _in_levels,
            "You add up the three channels: take their mean.": _channels_added,
            "A picture with an empty mask gives 0 / 0, which is NaN, and so is every mean with it: leave it out.": (
                _nan_with_the_empty
            ),
            "You count a picture with an empty mask as perfect. It says nothing, so leave it out.": (
                _empty_as_perfect
            ),
        },
    ),
}
