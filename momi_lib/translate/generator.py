"""G: appearance code and pose code → picture."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from momi_lib.arguments import Sizes, check_input, whole, wholes
from momi_lib.translate.blocks import Norm, ResidualBlock, Upsampling, conv, upsample

Output = Literal["full", "half", "features"]


class Generator(nn.Module):
    """G(z_a, z_p) = x̂.

    The codes are joined, fused by a convolution, refined by residual blocks and doubled three times.

    Shape: two (N, d, H/8, W/8) → (N, 3, H, W) in [-1, 1] (tanh).

    Args:
        width: d.
        channels: channels at H/8, H/4, H/2 and H.
        blocks: residual blocks at H/8, H/4, H/2 and H.
        kernel: size of the last convolution (odd), 7 in related systems.
        output: ``"full"`` draws the picture with a convolution at H; ``"half"`` leaves the last stage out, and a
            convolution at H/2 draws each square of 2 × 2 pixels at once (sub-pixel convolution, Shi et al. 2016),
            which halves the generator's time on a CPU; ``"features"`` draws nothing, for a painter that goes on from
            the features at H/2.

    Source: MOMI-Net, Fig. 2; assembled in notebook 05.

    >>> G = Generator(16, channels=(16, 16, 8, 8), blocks=(1, 0, 0, 0))
    >>> G(torch.zeros(2, 16, 16, 8), torch.zeros(2, 16, 16, 8)).shape
    torch.Size([2, 3, 128, 64])
    """

    def __init__(
        self,
        width: int,
        *,
        channels: tuple[int, int, int, int],
        blocks: tuple[int, int, int, int],
        upsampling: Upsampling = "transposed",
        kernel: int = 7,
        output: Output = "full",
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        if output not in get_args(Output):
            raise ValueError(f"output: expected one of {', '.join(get_args(Output))}, got {output!r}")
        self.width, kernel = whole("width", width), whole("kernel", kernel)
        wholes("channels", channels, 4)
        wholes("blocks", blocks, 4, 0)
        if kernel % 2 == 0:
            raise ValueError(f"kernel: expected an odd number, so that it has a middle, got {kernel}")
        self.within = channels[1]
        stages = 4 if output == "full" else 3
        layers: list[nn.Module] = [conv(2 * width, channels[0], norm=norm)]
        for stage, (outputs, count) in enumerate(zip(channels[:stages], blocks[:stages], strict=True)):
            if stage:
                layers.append(upsample(channels[stage - 1], outputs, how=upsampling, norm=norm))
            if stage == 1:
                self.quarter = len(layers)  # so many layers lead to the first features at H/4
            layers += [ResidualBlock(outputs, norm) for _ in range(count)]
        self.body = nn.Sequential(*layers)
        factor = 2 if output == "half" else 1
        self.picture = None
        if output != "features":
            self.picture = nn.Conv2d(channels[stages - 1], 3 * factor**2, kernel, padding=kernel // 2)
        self.unfold = nn.PixelShuffle(factor)

    def forward(self, appearance_code: Tensor, pose_code: Tensor, within: Tensor | None = None) -> Tensor:
        """Draw the person of ``appearance_code`` in the pose of ``pose_code``; ``within`` as for :meth:`features`."""
        if self.picture is None:
            raise ValueError("generator: this one ends in features at H/2, from which a painter draws")
        return torch.tanh(self.unfold(self.picture(self.features(appearance_code, pose_code, within))))

    def features(self, appearance_code: Tensor, pose_code: Tensor, within: Tensor | None = None) -> Tensor:
        """What the picture is drawn from: (N, c, H/2, W/2), or (N, c, H, W) with ``output="full"``.

        ``within`` (N, channels[1], H/4, W/4) is added on the way: details of the pose (both
        not in the paper).
        """
        self._check(appearance_code, pose_code, within)
        features = torch.cat([appearance_code, pose_code], dim=1)
        if within is None:
            return self.body(features)
        return self.body[self.quarter :](self.body[: self.quarter](features) + within)

    def _check(self, appearance_code: Tensor, pose_code: Tensor, within: Tensor | None) -> None:
        sizes: Sizes = {}
        for name, code in (("appearance_code", appearance_code), ("pose_code", pose_code)):
            check_input(name, code, self, f"N {self.width} h w", "a code {} of floats", sizes=sizes)
        if within is not None:
            height, width = (2 * sizes[side][0] for side in "hw") if sizes else ("h", "w")
            shape = f"N {self.within} {height} {width}"
            check_input("within", within, self, shape, "features {} of floats", sizes=sizes)
