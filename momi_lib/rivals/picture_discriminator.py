"""D of PG² and of PN-GAN: is this one picture real?"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

PlainNorm = Literal["batch", "instance", "none"]
Verdict = Literal["one", "map"]


def plain_norm(kind: PlainNorm, channels: int) -> nn.Module:
    """Normalisation over ``channels`` channels: batch norm, instance norm without weights, or none.

    Instance norm knows no scale and no shift, unlike ``norm_layer("group", ...)`` of
    :mod:`momi_lib.translate.blocks`; PN-GAN has it so.

    Raises:
        ValueError: for another kind.

    >>> len(list(plain_norm("instance", 8).parameters())), len(list(plain_norm("batch", 8).parameters()))
    (0, 2)
    """
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "instance":
        return nn.InstanceNorm2d(channels)
    if kind == "none":
        return nn.Identity()
    raise ValueError(f"norm: expected one of {', '.join(get_args(PlainNorm))}, got {kind!r}")


class PictureDiscriminator(nn.Module):
    """A discriminator that sees one picture at a time, and knows neither the source nor the pose.

    Convolutions of stride 2, one an entry of ``channels``; convolutions of stride 1 without padding, one an entry of
    ``unpadded``; then one logit for the picture, or a map of logits. Each has a LeakyReLU of slope 0.2, and from the
    second on a normalisation.

    PG²'s D is ``((64, 128, 256, 512), kernel=5, norm="batch", verdict="one")``; PN-GAN's is
    ``((64, 128, 256), unpadded=(512,), kernel=4, norm="instance", verdict="map")``.

    Args:
        channels: outputs of the convolutions of stride 2, each of which halves height and width. What an even kernel
            lacks is padded alike on all sides; an odd kernel gets one more row below and one more column on the right,
            as TensorFlow's "same" padding has it, with which PG² is published.
        unpadded: outputs of the convolutions of stride 1, each of which takes ``kernel - 1`` rows and columns away.
        kernel: side of every convolution.
        norm: ``"batch"``, ``"instance"`` (without weights) or ``"none"``.
        verdict: ``"one"`` logit, by a linear layer on everything, or a ``"map"`` of logits, by a convolution without
            padding, each of which judges a patch.
        size: (H, W) of the pictures; a linear layer and the check of ``unpadded`` need it.

    Shape: (N, 3, H, W) in [-1, 1] → logits (N, 1) of ``"one"``, or (N, 1, h, w) of a ``"map"``.

    Raises:
        ValueError: for no channels, a kernel below 2, another norm or verdict, or pictures too small for the layers.

    Source: PG² (Ma et al. 2017) and PN-GAN (Qian et al. 2018), both read in their official code.

    >>> pictures = torch.zeros(2, 3, 128, 64)
    >>> PictureDiscriminator((8, 16, 32, 32), kernel=5, norm="batch", verdict="one")(pictures).shape
    torch.Size([2, 1])
    >>> PictureDiscriminator((8, 16, 32), unpadded=(32,), kernel=4, norm="instance", verdict="map")(pictures).shape
    torch.Size([2, 1, 10, 2])
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        *,
        unpadded: tuple[int, ...] = (),
        kernel: int = 4,
        norm: PlainNorm = "batch",
        verdict: Verdict = "map",
        size: tuple[int, int] = (128, 64),
    ) -> None:
        super().__init__()
        grid = discriminator_grid(size, len(channels), len(unpadded) + (verdict == "map"), kernel)
        if verdict not in get_args(Verdict):
            raise ValueError(f"verdict: expected 'one' or 'map', got {verdict!r}")
        before = (kernel - 2) // 2
        after = kernel - 2 - before
        layers: list[nn.Module] = []
        inputs = 3
        for index, outputs in enumerate((*channels, *unpadded)):
            halves = index < len(channels)
            if halves and before != after:
                layers.append(nn.ZeroPad2d((before, after, before, after)))
            padding = before if halves and before == after else 0
            bias = not index or norm == "none"  # a bias before a normalisation would be subtracted again
            layers.append(nn.Conv2d(inputs, outputs, kernel, 2 if halves else 1, padding, bias=bias))
            if index:  # no normalisation on the pictures themselves: it would hide their mean colour
                layers.append(plain_norm(norm, outputs))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            inputs = outputs
        if verdict == "one":
            layers += [nn.Flatten(), nn.Linear(inputs * grid[0] * grid[1], 1)]
        else:
            layers.append(nn.Conv2d(inputs, 1, kernel))
        self.body = nn.Sequential(*layers)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits of pictures (N, 3, H, W): positive means "real"."""
        return self.body(pictures)


def discriminator_grid(size: tuple[int, int], halvings: int, unpadded: int, kernel: int) -> tuple[int, int]:
    """(h, w) of what is left of pictures (H, W) after so many convolutions of stride 2, and so many without padding.

    Raises:
        ValueError: where nothing is left, for a kernel below 2, or no halving.

    >>> discriminator_grid((256, 128), 3, 2, kernel=4), discriminator_grid((128, 64), 3, 2, kernel=4)
    ((26, 10), (10, 2))
    """
    if halvings < 1 or kernel < 2:
        raise ValueError(
            "discriminator: expected one convolution of stride 2 or more, and a kernel from 2 up, got "
            f"{halvings} and {kernel}"
        )
    height, width = size
    for _ in range(halvings):
        height, width = height // 2, width // 2
    height, width = (side - unpadded * (kernel - 1) for side in (height, width))
    if min(height, width) < 1:
        raise ValueError(
            f"discriminator: pictures of {size[0]} x {size[1]} pixels are too small for {halvings} halvings and "
            f"{unpadded} convolutions {kernel} x {kernel} without padding; take larger pictures or fewer layers"
        )
    return height, width


def judged(discriminator: nn.Module, pictures: list[Tensor]) -> list[Tensor]:
    """D's logits of several batches of as many pictures each, in float32. Batch norm sees all of them **together**.

    >>> D = PictureDiscriminator((4, 8), norm="batch")
    >>> [logits.shape[0] for logits in judged(D, [torch.zeros(2, 3, 128, 64), torch.ones(2, 3, 128, 64)])]
    [2, 2]
    """
    return list(discriminator(torch.cat(pictures)).float().chunk(len(pictures)))


def frozen_verdict(discriminator: nn.Module, pictures: list[Tensor]) -> list[Tensor]:
    """As :func:`judged`, for the generator's loss: gradients reach the pictures, and not D's weights.

    >>> D, picture = PictureDiscriminator((4, 8), norm="none"), torch.zeros(1, 3, 128, 64, requires_grad=True)
    >>> frozen_verdict(D, [picture])[0].sum().backward()
    >>> picture.grad is None, all(weight.grad is None for weight in D.parameters())
    (False, True)
    """
    discriminator.requires_grad_(False)
    logits = judged(discriminator, pictures)
    discriminator.requires_grad_(True)
    return logits
