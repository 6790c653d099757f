"""φ: pose attention blocks, Eq. 2: z_a = φ(E_a(x), z_p).

A block updates two streams. The appearance stream x₁ receives a correction h₁ that passes a gate: the pose
stream's features h₂ through a sigmoid decide where, and in which channels, a correction is added. What x₁
holds already passes ungated, background included. The pose stream goes on with h₂ joined to the new
appearance and is therefore 2d wide from the second block on.

The paper does not give the layers. ``block="pat"`` is as published for pose-attention transfer: two convolutions a
stream with reflected borders, the pose stream 2d → 2d → d from the second block on, half of the features dropped by
chance between them in training, and nothing that normalises h₂ before the sigmoid. ``block="normed"`` is smaller:
2d → d → d with zeros around, no dropout, and a normalisation before the gate, which keeps it from saturating.

In pose-attention transfer, where the block comes from, the pose stream starts from source *and* target
pose and the blocks carry out the change of pose. Here it starts from the **source's** z_p alone: the
change of pose happens in G.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from momi_lib.arguments import Sizes, check_input, flag, whole
from momi_lib.translate.blocks import Norm, ResidualBlock, conv, norm_layer

Block = Literal["pat", "normed"]


def _reflected(inputs: int, width: int, norm: Norm, *, gate: bool) -> nn.Sequential:
    """A stream of ``"pat"``; that of the gate ends without normalisation."""
    bias = norm == "none"
    return nn.Sequential(
        nn.ReflectionPad2d(1),
        nn.Conv2d(inputs, inputs, 3, bias=bias),
        norm_layer(norm, inputs),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.ReflectionPad2d(1),
        nn.Conv2d(inputs, width, 3, bias=bias),
        *([] if gate else [norm_layer(norm, width)]),
    )


def _two_convolutions(inputs: int, width: int, norm: Norm) -> nn.Sequential:
    return nn.Sequential(
        conv(inputs, width, norm=norm),
        nn.Conv2d(width, width, 3, padding=1, bias=norm == "none"),
        norm_layer(norm, width),
    )


def _join_then_convolve(inputs: int, width: int, norm: Norm) -> nn.Sequential:
    first = [conv(inputs, width, 1, norm=norm)] if inputs != width else []
    return nn.Sequential(
        *first, nn.Conv2d(width, width, 3, padding=1, bias=norm == "none"), norm_layer(norm, width)
    )


class PoseAttentionBlock(nn.Module):
    """One block: x₁ ← x₁ + h₁ · σ(h₂), x₂ ← (h₂, x₁).

    Shapes: appearance (N, d, h, w), pose (N, d, h, w) for the first block and (N, 2d, h, w) after it
    → appearance (N, d, h, w), pose (N, 2d, h, w), gate σ(h₂) (N, d, h, w) in [0, 1].

    Args:
        width: d.
        first: whether the pose stream still is d wide.
        block: ``"pat"`` or ``"normed"``, see above.
        lean: of ``"normed"``: one 3×3 convolution in the pose stream (after a 1×1 that joins its halves), not two.

    Source: MOMI-Net Eq. 2 after Zhu et al. 2019; derived in notebook 04.

    >>> block = PoseAttentionBlock(8, first=True)
    >>> appearance, pose, gate = block(torch.zeros(2, 8, 16, 8), torch.zeros(2, 8, 16, 8))
    >>> appearance.shape, pose.shape
    (torch.Size([2, 8, 16, 8]), torch.Size([2, 16, 16, 8]))
    """

    def __init__(
        self, width: int, *, first: bool, block: Block = "normed", lean: bool = False, norm: Norm = "batch"
    ) -> None:
        super().__init__()
        self.width, first, lean = whole("width", width), flag("first", first), flag("lean", lean)
        self.entering = width if first else 2 * width  # channels of the pose stream
        if block not in get_args(Block) or (lean and block == "pat"):
            raise ValueError(f"block: expected 'normed', or 'pat' without lean, got {block!r} with lean={lean}")
        if block == "pat":
            self.appearance = _reflected(width, width, norm, gate=False)
            self.pose = _reflected(width if first else 2 * width, width, norm, gate=True)
            return
        pose_stream = _join_then_convolve if lean else _two_convolutions
        self.appearance = _two_convolutions(width, width, norm)
        self.pose = pose_stream(width if first else 2 * width, width, norm)

    def forward(self, appearance: Tensor, pose: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """New appearance, new pose stream, and the gate that was used."""
        sizes: Sizes = {}
        check_input("appearance", appearance, self, f"N {self.width} h w", "features {} of floats", sizes=sizes)
        check_input("pose", pose, self, f"N {self.entering} h w", "features {} of floats", sizes=sizes)
        h1, h2 = self.appearance(appearance), self.pose(pose)
        gate = torch.sigmoid(h2)
        appearance = appearance + h1 * gate
        return appearance, torch.cat([h2, appearance], dim=1), gate


class ResidualBlocks(nn.Module):
    """φ without attention, for the ablation: as many residual blocks of equal width, which never see a pose.

    Shape: two (N, d, h, w) → (N, d, h, w); the second is ignored.

    Source: the row "without attention" of MOMI-Net's Table I.

    >>> ResidualBlocks(8, blocks=3)(torch.zeros(2, 8, 16, 8), torch.zeros(2, 8, 16, 8)).shape
    torch.Size([2, 8, 16, 8])
    """

    def __init__(self, width: int, blocks: int, *, norm: Norm = "batch") -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(ResidualBlock(width, norm) for _ in range(blocks)))

    def forward(self, appearance: Tensor, pose_code: Tensor) -> Tensor:
        """The appearance code."""
        return self.blocks(appearance)


class PoseAttention(nn.Module):
    """φ, a series of pose attention blocks: (E_a(x), z_p) → z_a, Eq. 2.

    Shape: two (N, d, H/8, W/8) → (N, d, H/8, W/8). Derived in notebook 04.

    >>> phi = PoseAttention(8, blocks=3)
    >>> phi(torch.zeros(2, 8, 16, 8), torch.zeros(2, 8, 16, 8)).shape
    torch.Size([2, 8, 16, 8])
    """

    def __init__(
        self, width: int, blocks: int, *, block: Block = "normed", lean: bool = False, norm: Norm = "batch"
    ) -> None:
        super().__init__()
        width, blocks = whole("width", width), whole("blocks", blocks, 0, 1000)
        self.blocks = nn.ModuleList(
            PoseAttentionBlock(width, first=index == 0, block=block, lean=lean, norm=norm) for index in range(blocks)
        )

    def forward(self, appearance: Tensor, pose_code: Tensor) -> Tensor:
        """The appearance code z_a."""
        pose = pose_code
        for block in self.blocks:
            appearance, pose, _ = block(appearance, pose)
        return appearance

    def gates(self, appearance: Tensor, pose_code: Tensor) -> list[Tensor]:
        """The gate of every block, each (N, d, H/8, W/8) in [0, 1]: where appearance may change.

        >>> phi = PoseAttention(8, blocks=3)
        >>> len(phi.gates(torch.zeros(2, 8, 16, 8), torch.zeros(2, 8, 16, 8)))
        3
        """
        gates, pose = [], pose_code
        for block in self.blocks:
            appearance, pose, gate = block(appearance, pose)
            gates.append(gate)
        return gates
