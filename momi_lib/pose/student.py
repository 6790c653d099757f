"""F_p, the light pose network that learns from the teacher (Section II-A, Eq. 1)."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib.arguments import check_input, whole, word

Norm = Literal["batch", "group"]


class Student(nn.Module):
    """F_p: a small U-net from the picture to heatmaps at a quarter of its size (Eq. 1; built in notebook 02).

    Two strided convolutions reach H/4, three more H/32, where every cell sees the whole person;
    nearest-neighbour upsampling and additive skips lead back to H/4. The last layer is linear.

    F_p learns from Eq. 1 alone: the pose that the rest of the system sees is drawn from the argmax of these
    maps, and argmax has no gradient, so no other loss reaches F_p's parameters.

    Args:
        width: channels at H/4; divisible by 16.
        joints: number of heatmaps.
        norm: "batch", or "group" where the result must not depend on how a batch is divided.

    Raises:
        ValueError: for another norm or width.

    >>> student = Student().eval()
    >>> with torch.no_grad():
    ...     student(torch.zeros(2, 3, 128, 64)).shape
    torch.Size([2, 17, 32, 16])
    """

    def __init__(self, width: int = 48, joints: int = 17, *, norm: Norm = "batch") -> None:
        super().__init__()
        word("norm", norm, get_args(Norm))
        width, joints = whole("width", width), whole("joints", joints)
        if width % 16:
            raise ValueError(f"width: expected a multiple of 16, got {width}")
        self.stem = nn.Sequential(*_convolution(3, width // 2, norm, stride=2))
        widths = [width, 2 * width, 3 * width, 4 * width]  # at H/4, H/8, H/16, H/32
        self.down = nn.ModuleList(
            nn.Sequential(*_convolution(inputs, outputs, norm, stride=2), Residual(outputs, norm))
            for inputs, outputs in zip([width // 2, *widths[:-1]], widths, strict=True)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(deep, shallow, kernel_size=1) for shallow, deep in pairwise(widths))
        self.up = nn.ModuleList(Residual(outputs, norm) for outputs in widths[:-1])
        self.heatmaps = nn.Conv2d(width, joints, kernel_size=1)
        # The maps start near 0, where most of the target lies.
        nn.init.normal_(self.heatmaps.weight, std=0.001)
        nn.init.zeros_(self.heatmaps.get_parameter("bias"))

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1], H and W divisible by 4 → (N, joints, H / 4, W / 4) linear heatmaps."""
        check_input("pictures", pictures, self, divisor=4)
        x = self.stem(pictures)
        levels = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        for skip, lateral, up in zip(levels[-2::-1], self.lateral[::-1], self.up[::-1], strict=True):
            x = functional.interpolate(lateral(x), size=skip.shape[-2:], mode="nearest")
            x = up(skip + x)
        return self.heatmaps(x)


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside the identity."""

    def __init__(self, width: int, norm: Norm) -> None:
        super().__init__()
        first = _convolution(width, width, norm)
        second = _convolution(width, width, norm)[:-1]  # the activation follows the sum
        self.body = nn.Sequential(*first, *second)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


def _convolution(inputs: int, outputs: int, norm: Norm, stride: int = 1) -> list[nn.Module]:
    normalise = nn.BatchNorm2d(outputs) if norm == "batch" else nn.GroupNorm(8, outputs)
    return [
        nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False),
        normalise,
        nn.ReLU(inplace=True),
    ]
