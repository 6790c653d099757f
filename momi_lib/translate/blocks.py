"""The small parts that encoders, attention blocks, generator and discriminator share.

Nothing here knows about people or poses; a reader may skip it at first.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

Norm = Literal["batch", "group", "none"]
Upsampling = Literal["transposed", "resize"]


def norm_layer(kind: Norm, channels: int) -> nn.Module:
    """Normalisation over ``channels`` channels.

    ``"batch"`` is batch norm, the paper's neighbours' choice on Market-1501. ``"group"`` is
    ``GroupNorm(C, C)``: the statistics of instance norm, which do not depend on who else is in the
    batch, in a form that keeps the channels-last layout. ``"none"`` is the identity.

    Raises:
        ValueError: for another kind.

    >>> norm_layer("group", 8)
    GroupNorm(8, 8, eps=1e-05, affine=True, bias=True)
    """
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "group":
        return nn.GroupNorm(channels, channels)
    if kind == "none":
        return nn.Identity()
    raise ValueError(f"norm: expected 'batch', 'group' or 'none', got {kind!r}")


def conv(
    inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, norm: Norm = "batch"
) -> nn.Sequential:
    """Convolution, normalisation, ReLU; the size is divided by ``stride``.

    >>> import torch
    >>> conv(3, 8, stride=2)(torch.zeros(2, 3, 16, 8)).shape
    torch.Size([2, 8, 8, 4])
    """
    # A bias in front of a normalisation is subtracted again with the mean.
    layer = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - stride + 1) // 2, bias=norm == "none")
    return nn.Sequential(layer, norm_layer(norm, outputs), nn.ReLU(inplace=True))


class ResidualBlock(nn.Module):
    """x + f(x), f two 3×3 convolutions; (N, C, h, w) → (N, C, h, w).

    >>> import torch
    >>> ResidualBlock(8)(torch.zeros(2, 8, 4, 2)).shape
    torch.Size([2, 8, 4, 2])
    """

    def __init__(self, channels: int, norm: Norm = "batch") -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, channels, norm=norm),
            nn.Conv2d(channels, channels, 3, padding=1, bias=norm == "none"),
            norm_layer(norm, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The input plus its correction."""
        return x + self.body(x)


def upsample(
    inputs: int, outputs: int, *, how: Upsampling = "transposed", norm: Norm = "batch"
) -> nn.Sequential:
    """Twice the height and width: (N, inputs, h, w) → (N, outputs, 2h, 2w).

    ``"transposed"`` is a 4×4 transposed convolution of stride 2 (kernel divisible by the stride, so that
    every output pixel gets the same number of taps and no checkerboard is built in); ``"resize"`` is
    nearest-neighbour doubling and a 3×3 convolution, which costs 2.25 times as much.

    Raises:
        ValueError: for another ``how``.

    >>> import torch
    >>> upsample(8, 4, how="resize")(torch.zeros(2, 8, 4, 2)).shape
    torch.Size([2, 4, 8, 4])
    """
    bias = norm == "none"
    if how == "transposed":
        layers = [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias)]
    elif how == "resize":
        layers = [
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias),
        ]
    else:
        raise ValueError(f"upsampling: expected 'transposed' or 'resize', got {how!r}")
    return nn.Sequential(*layers, norm_layer(norm, outputs), nn.ReLU(inplace=True))


def initialise(module: nn.Module, deviation: float = 0.02) -> None:
    """Draw convolution weights from N(0, ``deviation``²) and norm scales around one, as DCGAN does.

    Works in place on ``module`` and everything in it; draws from torch's global generator, which
    the caller seeds (``torch.manual_seed``) or forks (``torch.random.fork_rng``).

    >>> layer = nn.Conv2d(3, 8, 3)
    >>> initialise(layer)
    >>> float(layer.bias.detach().abs().max())
    0.0
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(part.weight, 0.0, deviation)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d | nn.GroupNorm):
            nn.init.normal_(part.weight, 1.0, deviation)
            nn.init.zeros_(part.bias)
