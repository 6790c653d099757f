"""D: three discriminators of single pictures, each of another size."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from momi_lib.rivals.dg_net.config import DgNetConfig, Padding


class MultiScaleDiscriminator(nn.Module):
    """Separate discriminators of the picture, of its half and of its quarter; convolutions without normalisation.

    Each is a 1×1 convolution, four 3×3 convolutions of which two halve the size, residual blocks, and a 1×1 convolution
    to one value at each place, which is trained towards 1 for real and 0 for drawn pictures. The lean stem leaves out
    the two convolutions at the full size.

    Args:
        config: its ``scales``, ``padding`` and options that begin with ``discriminator``.

    Shape: (N, 3, H, W) → a list of (N, 1, H/4, W/4), (N, 1, H/8, W/8), …

    Source: Zheng et al. 2019.

    >>> import torch
    >>> from momi_lib.rivals.dg_net import PRESETS
    >>> [tuple(each.shape[2:]) for each in MultiScaleDiscriminator(PRESETS["small"])(torch.zeros(1, 3, 128, 64))]
    [(32, 16), (16, 8), (8, 4)]
    """

    def __init__(self, config: DgNetConfig) -> None:
        super().__init__()
        self.nets = nn.ModuleList(_one(config) for _ in range(config.scales))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                if config.discriminator_start == "gaussian" or layer.out_channels == 1:
                    nn.init.normal_(layer.weight, 0.0, 0.02)
                else:
                    nn.init.kaiming_normal_(layer.weight, 0.2)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """The values of each discriminator, the largest map first."""
        values = []
        for index, net in enumerate(self.nets):
            if index:
                pictures = functional.avg_pool2d(pictures, 3, 2, 1, count_include_pad=False)
            values.append(net(pictures))
        return values


def _one(config: DgNetConfig) -> nn.Sequential:
    width, wide, padding = config.discriminator, 2 * config.discriminator, config.padding
    full = config.discriminator_stem == "full"
    layers = [*_conv(3, width, padding, kernel=1), *_conv(width, width, padding)] if full else []
    layers += [
        *_conv(width if full else 3, width, padding, stride=2), *_conv(width, width, padding),
        *_conv(width, wide, padding, stride=2), *(_Residual(wide, padding) for _ in range(config.discriminator_blocks)),
    ]  # fmt: skip
    return nn.Sequential(*layers, nn.Conv2d(wide, 1, 1))


def _conv(inputs: int, outputs: int, padding: Padding, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    around = kernel // 2
    layer = nn.Conv2d(inputs, outputs, kernel, stride, around, padding_mode=padding)
    return [layer, nn.LeakyReLU(0.2, inplace=True)]


class _Residual(nn.Module):
    def __init__(self, channels: int, padding: Padding) -> None:
        super().__init__()
        second = nn.Conv2d(channels, channels, 3, padding=1, padding_mode=padding)
        self.body = nn.Sequential(*_conv(channels, channels, padding), second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)
