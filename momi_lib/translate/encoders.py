"""E_p and E_a: from a pose map and from a picture to a code on the H/8 × W/8 grid.

The paper gives the size of the codes and no more; related systems use a 7×7 stem and stride-2 3×3
convolutions. ``stem="paper"`` is that, with three halvings. ``stem="lean"`` halves (pictures) or
quarters (pose maps, which are smooth: σ is 6 pixels) in the first layer and spends its multiplications
at low resolution instead.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from momi_lib.arguments import check_input, whole, wholes
from momi_lib.translate.blocks import Norm, ResidualBlock, conv

Stem = Literal["paper", "lean"]


def _three(channels: tuple[int, int, int]) -> tuple[int, int, int]:
    half, quarter, eighth = wholes("channels", channels, 3)
    return half, quarter, eighth


def _layers(
    inputs: int, channels: tuple[int, int, int], stem: Stem, norm: Norm, first_stride: int
) -> list[nn.Module]:
    """Stem and halvings that divide height and width by 8 and end in ``channels[-1]`` channels."""
    half, quarter, eighth = channels
    if stem == "paper":
        return [
            nn.ReflectionPad2d(3),
            nn.Conv2d(inputs, half // 2, 7, bias=norm == "none"),
            *list(conv(half // 2, half // 2, norm=norm))[1:],
            conv(half // 2, half, stride=2, norm=norm),
            conv(half, quarter, stride=2, norm=norm),
            conv(quarter, eighth, stride=2, norm=norm),
        ]
    if stem != "lean":
        raise ValueError(f"stem: expected 'paper' or 'lean', got {stem!r}")
    if first_stride == 4:
        return [conv(inputs, quarter, 4, stride=4, norm=norm), conv(quarter, eighth, stride=2, norm=norm)]
    return [
        conv(inputs, half, 4, stride=2, norm=norm),
        conv(half, quarter, stride=2, norm=norm),
        conv(quarter, quarter, norm=norm),
        conv(quarter, eighth, stride=2, norm=norm),
    ]


class PoseEncoder(nn.Module):
    """E_p: Gaussian pose maps p → pose code z_p.

    Shape: (N, joints, H, W) in [0, 1] → (N, d, H/8, W/8), d = ``channels[-1]``. With ``detail`` (not in the paper)
    that many channels at H/4 come along, every 2 × 2 of their places packed into one: (N, d + 4 · detail, H/8, W/8).
    Source: MOMI-Net, section on the pose branch; derived in notebook 05.

    >>> PoseEncoder(17, (16, 16, 32), stem="lean")(torch.zeros(2, 17, 128, 64)).shape
    torch.Size([2, 32, 16, 8])
    """

    def __init__(
        self,
        joints: int,
        channels: tuple[int, int, int],
        *,
        stem: Stem = "paper",
        norm: Norm = "batch",
        detail: int = 0,
    ):
        super().__init__()
        self.joints = whole("joints", joints)
        channels, detail = _three(channels), whole("detail", detail, 0)
        self.body = nn.Sequential(
            *_layers(joints, channels, stem, norm, first_stride=4), ResidualBlock(channels[-1], norm)
        )
        self.detail = None
        if detail:
            self.detail = nn.Sequential(nn.Conv2d(channels[1], detail, 1), nn.PixelUnshuffle(2))

    def restart_detail(self) -> None:
        """Give the detail's convolution the initial weights that PyTorch gives one; nothing without detail."""
        for layer in self.detail or ():
            if isinstance(layer, nn.Conv2d):
                layer.reset_parameters()

    def forward(self, pose_maps: Tensor) -> Tensor:
        """Encode ``pose_maps``."""
        what = "pose maps {} of floats in [0, 1]"
        check_input("pose_maps", pose_maps, self, f"N {self.joints} H W", what, divisor=8)
        if self.detail is None:
            return self.body(pose_maps)
        quarter = self.body[:-2](pose_maps)  # the last halving and the residual block are left
        return torch.cat([self.body[-2:](quarter), self.detail(quarter)], dim=1)


class AppearanceEncoder(nn.Module):
    """E_a: a picture → features of what the person wears, before attention.

    Shape: (N, 3, H, W) in [-1, 1] → (N, d, H/8, W/8), d = ``channels[-1]``.
    Source: MOMI-Net Eq. 2 (the inner term); derived in notebook 05.

    >>> AppearanceEncoder((16, 16, 32), stem="lean")(torch.zeros(2, 3, 128, 64)).shape
    torch.Size([2, 32, 16, 8])
    """

    def __init__(self, channels: tuple[int, int, int], *, stem: Stem = "paper", norm: Norm = "batch"):
        super().__init__()
        channels = _three(channels)
        self.first = channels[0]  # channels of the first features at H/2
        self.body = nn.Sequential(
            *_layers(3, channels, stem, norm, first_stride=2), ResidualBlock(channels[-1], norm)
        )

        self.until_half = 1 if stem == "lean" else 5  # so many layers lead to the first features at H/2

    def forward(self, pictures: Tensor) -> Tensor:
        """Encode ``pictures``."""
        check_input("pictures", pictures, self, divisor=8)
        return self.body(pictures)

    def halved(self, pictures: Tensor) -> Tensor:
        """The first features at H/2 (N, channels[0], H/2, W/2); :meth:`encode_halved` goes on from them."""
        check_input("pictures", pictures, self, divisor=8)
        return self.body[: self.until_half](pictures)

    def encode_halved(self, features: Tensor) -> Tensor:
        """From :meth:`halved` features to the code."""
        check_input("features", features, self, f"N {self.first} h w", "features {} of floats")
        return self.body[self.until_half :](features)
