"""D: are these two pictures a real pair of one person? Eq. 5."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from momi_lib.arguments import Sizes, check_input, wholes
from momi_lib.translate.blocks import Norm, norm_layer


class PairDiscriminator(nn.Module):
    """A patch discriminator on two pictures laid over each other (6 channels).

    Each logit judges a patch of both pictures; Eq. 5 averages over them. One 4×4 stride-2 convolution an
    entry of ``channels``, then a 3×3 convolution to one logit.

    Shape: two (N, 3, H, W) in [-1, 1] → logits (N, 1, H/2ᵏ, W/2ᵏ) for k = ``len(channels)``.

    Source: MOMI-Net Eq. 5; the patch form follows Isola et al. 2017 (the paper leaves it open). Notebook 07.

    >>> D = PairDiscriminator((8, 16, 32))
    >>> D(torch.zeros(2, 3, 128, 64), torch.zeros(2, 3, 128, 64)).shape
    torch.Size([2, 1, 16, 8])
    """

    def __init__(self, channels: tuple[int, ...] = (64, 128, 256, 512), norm: Norm = "group") -> None:
        super().__init__()
        channels = wholes("channels", channels)
        self.least = 2 ** len(channels)  # pixels of a side, so that a logit is left
        layers: list[nn.Module] = []
        inputs = 6
        for index, outputs in enumerate(channels):
            layers.append(nn.Conv2d(inputs, outputs, 4, 2, 1))
            if index:  # no normalisation on the pictures themselves: it would hide their mean colour
                layers.append(norm_layer(norm, outputs))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            inputs = outputs
        layers.append(nn.Conv2d(inputs, 1, 3, padding=1))
        self.body = nn.Sequential(*layers)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Patch logits: positive means "a real pair"."""
        self._check(first, second)
        return self.body(torch.cat([first, second], dim=1))

    def activations(self, first: Tensor, second: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Patch logits, and what each convolution but the last hands on (after its LeakyReLU), for feature matching."""
        self._check(first, second)
        x, kept = torch.cat([first, second], dim=1), []
        for layer in self.body:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                kept.append(x)
        return x, kept

    def _check(self, first: Tensor, second: Tensor) -> None:
        sizes: Sizes = {}
        for name, pictures in (("first", first), ("second", second)):
            check_input(name, pictures, self, sizes=sizes)
        if min(first.shape[-2:]) < self.least:
            raise ValueError(f"first and second: expected sides from {self.least} pixels, got {tuple(first.shape)}")
