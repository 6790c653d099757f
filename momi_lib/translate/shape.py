"""What decides the shape of a network: one frozen dataclass, which its weights carry along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from momi_lib.pose.heatmaps import Decoder
from momi_lib.translate.attention import Block
from momi_lib.translate.blocks import Norm, Upsampling
from momi_lib.translate.encoders import Stem
from momi_lib.translate.generator import Output

__all__ = ["NetworkConfig", "Transfer"]

Transfer = Literal["join", "lookup"]


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that decides the shape of a network; the paper leaves most of it open.

    Attributes:
        size: height and width of a picture, both divisible by 8 (by 16 for the student).
        width: d, channels of both codes.
        encoder: channels at H/2 and H/4 in both encoders.
        stem: ``"paper"`` (7×7 at full resolution) or ``"lean"``.
        attention: ``"pose"``, the paper's blocks, or ``"residual"``: blocks that see no pose, to learn what they bring.
        attention_blocks: length of φ.
        attention_block: ``"pat"``, as published for pose-attention transfer, or ``"normed"``, a smaller one with a
            normalisation before the gate (:mod:`momi_lib.translate.attention`).
        lean_attention: one 3×3 convolution instead of two in the pose stream.
        generator: channels of G at H/8, H/4, H/2, H.
        generator_blocks: residual blocks of G at H/8, H/4, H/2, H.
        upsampling: ``"transposed"`` or ``"resize"``.
        kernel: size of G's last convolution.
        output: where that convolution stands: ``"full"`` at H, or ``"half"`` at H/2 with sub-pixels; ``"features"``: G
            ends in features at H/2 for the painter, without that convolution (see ``Generator``).
        transfer: how G gets appearance to the target's pose: ``"join"`` (the paper's: both codes side by side) or
            ``"lookup"`` before G (:mod:`momi_lib.translate.lookup`).
        pose_detail: channels of the pose code at H/4, beside those at H/8, that G is given there: a landmark's place
            to the pixel is hard to read from a grid of 8 × 8 pixels. 0 is the paper's code.
        norm: ``"batch"``, ``"group"`` or ``"none"``.
        student: channels of F_p at H/4.
        sigma: σ of the Gaussian maps in pixels at H = 128, scaled with H.
        threshold: landmarks with less confidence count as missing.
        decoder: ``"argmax"`` (the paper's), ``"quarter"``, ``"newton"`` or ``"dark"``.
        carry: the network is a :class:`~momi_lib.translate.carrying.CarryNet`: what is visible in the source is carried
            over by body maps, which the paper does not do. The next three belong to it.
        body_source: channels of B_s at H/2, H/4, H/8 and H/16.
        body_target: channels of B_t at the same sizes.
        painter: channels of the painter at full size.
        decode_at: where the maximum of a heatmap is taken: ``"quarter"``, in F_p's own maps at H/4, or ``"full"``, in
            the same brought to H × W (the paper's h).

    >>> NetworkConfig(width=64).width
    64
    """

    size: tuple[int, int] = (128, 64)
    width: int = 256
    encoder: tuple[int, int] = (128, 256)
    stem: Stem = "paper"
    attention: Literal["pose", "residual"] = "pose"
    attention_blocks: int = 9
    attention_block: Block = "normed"
    lean_attention: bool = False
    generator: tuple[int, int, int, int] = (256, 256, 128, 64)
    generator_blocks: tuple[int, int, int, int] = (2, 0, 0, 0)
    upsampling: Upsampling = "transposed"
    kernel: int = 7
    output: Output = "full"
    transfer: Transfer = "join"
    pose_detail: int = 0
    norm: Norm = "batch"
    student: int = 48
    sigma: float = 6.0
    threshold: float = 0.2
    decoder: Decoder = "argmax"
    decode_at: Literal["quarter", "full"] = "quarter"
    carry: bool = False
    body_source: tuple[int, int, int, int] = (32, 64, 96, 128)
    body_target: tuple[int, int, int, int] = (32, 64, 96, 128)
    painter: int = 16

    def __post_init__(self) -> None:
        height, width = self.size
        if height % 8 or width % 8 or min(height, width) < 16:
            raise ValueError(
                f"network.size: expected height and width divisible by 8 and at least 16, got {self.size}"
            )
        if self.transfer not in get_args(Transfer):
            known = ", ".join(get_args(Transfer))
            raise ValueError(f"network.transfer: expected one of {known}, got {self.transfer!r}")
        if self.attention not in ("pose", "residual"):
            raise ValueError(f"network.attention: expected 'pose' or 'residual', got {self.attention!r}")
        if self.attention_block not in get_args(Block):
            raise ValueError(f"network.attention_block: expected 'pat' or 'normed', got {self.attention_block!r}")
        if self.attention_block == "pat" and self.lean_attention:
            raise ValueError(
                "network.lean_attention: expected False with network.attention_block 'pat', whose pose stream is given"
            )
        if self.decode_at not in ("quarter", "full"):
            raise ValueError(f"network.decode_at: expected 'quarter' or 'full', got {self.decode_at!r}")
        if self.carry and (height % 16 or width % 16):
            raise ValueError(f"network.carry: expected a size divisible by 16 for the body maps, got {self.size}")
        if self.carry != (self.output == "features"):
            raise ValueError(
                "network.carry: expected network.output 'features' with it, from which the painter draws, and only "
                f"then; got carry {self.carry} and output {self.output!r}"
            )
        if self.pose_detail < 0:
            raise ValueError(f"network.pose_detail: expected a number of channels from 0 up, got {self.pose_detail}")
        if min(self.width, self.attention_blocks + 1, self.student, self.painter, *self.generator, *self.encoder) < 1:
            raise ValueError("width, student, encoder, generator, painter: expected positive numbers of channels")
        if not 0 <= self.threshold < 1 or self.sigma <= 0:
            raise ValueError(
                f"threshold in [0, 1) and sigma > 0 expected, got {self.threshold} and {self.sigma}"
            )
