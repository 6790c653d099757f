"""What decides the shape of a network: one frozen dataclass, which its weights carry along."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from momi_lib.arguments import flag, number, size_from, whole, wholes
from momi_lib.pose.heatmaps import Decoder
from momi_lib.translate.attention import Block
from momi_lib.translate.blocks import Norm, Upsampling
from momi_lib.translate.encoders import Stem
from momi_lib.translate.generator import Output

__all__ = ["NetworkConfig", "Transfer"]

Transfer = Literal["join", "lookup"]
#: The most channels or blocks.
LARGEST = 1_000_000
#: How many numbers some options are.
LENGTHS = {"encoder": 2, "generator": 4, "generator_blocks": 4, "body_source": 4, "body_target": 4}


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
        self._check_words_and_numbers()
        height, width = self.size
        if height % 8 or width % 8 or min(height, width) < 16:
            raise ValueError(
                f"network.size: expected height and width divisible by 8 and at least 16, got {self.size}"
            )
        if self.attention_block == "pat" and self.lean_attention:
            raise ValueError(
                "network.lean_attention: expected False with network.attention_block 'pat', whose pose stream is given"
            )
        if self.carry and (height % 16 or width % 16):
            raise ValueError(f"network.carry: expected a size divisible by 16 for the body maps, got {self.size}")
        if self.carry != (self.output == "features"):
            raise ValueError(
                "network.carry: expected network.output 'features' with it, from which the painter draws, and only "
                f"then; got carry {self.carry} and output {self.output!r}"
            )

    def _check_words_and_numbers(self) -> None:
        """Refuse words that are not among those of an annotation, and numbers that are no sizes."""
        for name, known in _words().items():
            if getattr(self, name) not in known:
                raise ValueError(f"network.{name}: expected one of {', '.join(known)}, got {getattr(self, name)!r}")
        channels = "width", "encoder", "generator", "student", "painter", "body_source", "body_target", "size", "kernel"
        leasts = dict.fromkeys(channels, 1) | dict.fromkeys(("attention_blocks", "generator_blocks", "pose_detail"), 0)
        found: dict[str, Any] = {"size": size_from("network.size", self.size)}
        found |= {name: flag(f"network.{name}", getattr(self, name)) for name in ("lean_attention", "carry")}
        for name, least in leasts.items():
            value = getattr(self, name)
            if name in LENGTHS:
                found[name] = wholes(f"network.{name}", value, LENGTHS[name], least)
            elif name != "size":
                found[name] = whole(f"network.{name}", value, least, LARGEST)
        for name, value in found.items():  # numbers of NumPy and lists are plain ones and tuples from here on
            object.__setattr__(self, name, value)
        if self.kernel % 2 == 0:
            raise ValueError(f"network.kernel: expected an odd number, so that it has a middle, got {self.kernel}")
        if self.student % 16:
            raise ValueError(f"network.student: expected a multiple of 16, got {self.student}")
        if number("network.threshold", self.threshold, 0, 1) == 1:
            raise ValueError("network.threshold: expected a number in [0, 1), got 1")
        number("network.sigma", self.sigma, above=0)


@cache
def _words() -> dict[str, tuple[str, ...]]:
    """The options that are words, and which."""
    hints = get_type_hints(NetworkConfig)
    return {each.name: get_args(hints[each.name]) for each in fields(NetworkConfig)
            if get_origin(hints[each.name]) is Literal}  # fmt: skip
