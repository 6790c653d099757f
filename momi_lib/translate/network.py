"""MomiNet: the parts in one place, in the order of the paper's Fig. 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from momi_lib.pose import Student, default_sigma, gaussian_maps, pose_maps
from momi_lib.skeleton import JOINTS
from momi_lib.translate.attention import Block, PoseAttention, ResidualBlocks
from momi_lib.translate.blocks import Norm, Upsampling, initialise
from momi_lib.translate.encoders import AppearanceEncoder, PoseEncoder, Stem
from momi_lib.translate.generator import Generator, Output
from momi_lib.translate.lookup import AppearanceLookup, FineLookup

Transfer = Literal["join", "lookup", "fine-lookup"]


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that decides the shape of :class:`MomiNet`; the paper leaves most of it open.

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
        output: where it stands: ``"full"`` at H, or ``"half"`` at H/2 with sub-pixels (see :class:`Generator`).
        transfer: how G gets appearance to the target's pose: ``"join"`` (the paper's: both codes side by side) or
            ``"lookup"`` before G, or ``"fine-lookup"`` before and inside it (:mod:`momi_lib.translate.lookup`).
        pose_detail: channels of the pose code at H/4, beside those at H/8, that G is given there: a landmark's place
            to the pixel is hard to read from a grid of 8 × 8 pixels. 0 is the paper's code.
        norm: ``"batch"``, ``"group"`` or ``"none"``.
        student: channels of F_p at H/4.
        sigma: σ of the Gaussian maps in pixels at H = 128, scaled with H.
        threshold: landmarks with less confidence count as missing.
        decoder: ``"argmax"`` (the paper's), ``"quarter"`` or ``"dark"``.
        carry: the network is a :class:`~momi_lib.translate.carrying.CarryNet`: what is visible in the source is carried
            over by body maps, which the paper does not do. The next three belong to it.
        body_source, body_target: channels of B_s and B_t at H/2, H/4, H/8 and H/16.
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
    decoder: str = "argmax"
    decode_at: Literal["quarter", "full"] = "quarter"
    carry: bool = False
    body_source: tuple[int, int, int, int] = (32, 64, 96, 128)
    body_target: tuple[int, int, int, int] = (32, 64, 96, 128)
    painter: int = 16

    def __post_init__(self) -> None:
        height, width = self.size
        if height % 8 or width % 8 or min(height, width) < 16:
            raise ValueError(
                f"size: expected height and width divisible by 8 and at least 16, got {self.size}"
            )
        if self.transfer not in get_args(Transfer):
            raise ValueError(f"transfer: expected one of {', '.join(get_args(Transfer))}, got {self.transfer!r}")
        if self.attention not in ("pose", "residual"):
            raise ValueError(f"attention: expected 'pose' or 'residual', got {self.attention!r}")
        if self.attention_block not in get_args(Block):
            raise ValueError(f"attention_block: expected 'pat' or 'normed', got {self.attention_block!r}")
        if self.attention_block == "pat" and self.lean_attention:
            raise ValueError("lean_attention: expected False with attention_block 'pat', whose pose stream is given")
        if self.decode_at not in ("quarter", "full"):
            raise ValueError(f"decode_at: expected 'quarter' or 'full', got {self.decode_at!r}")
        if self.carry and (height % 16 or width % 16):
            raise ValueError(f"carry: expected a size divisible by 16 for the body maps, got {self.size}")
        if self.carry != (self.output == "features"):
            raise ValueError("carry: expected output='features' with it, from which the painter draws, and only then")
        if self.pose_detail < 0:
            raise ValueError(f"pose_detail: expected a number of channels from 0 up, got {self.pose_detail}")
        if min(self.width, self.attention_blocks + 1, self.student, *self.generator, *self.encoder) < 1:
            raise ValueError("width, student, encoder, generator: expected positive numbers of channels")
        if not 0 <= self.threshold < 1 or self.sigma <= 0:
            raise ValueError(
                f"threshold in [0, 1) and sigma > 0 expected, got {self.threshold} and {self.sigma}"
            )


class Pose(NamedTuple):
    """What the pose branch says about pictures.

    ``heatmaps`` (N, 17, H/4, W/4) of the student; ``maps`` p (N, 17, H, W), peak 1; ``landmarks``
    (N, 17, 2) in pixels; ``valid`` (N, 17) bool, false where the confidence is below the threshold.
    """

    heatmaps: Tensor
    maps: Tensor
    landmarks: Tensor
    valid: Tensor


class MomiNet(nn.Module):
    """F_p, E_p, E_a, φ and G. RGB in, RGB out: ``network.swap(source, target)``.

    Raises:
        ValueError: from :meth:`swap` for pictures that are not (N, 3, H, W) float in [-1, 1].

    Source: MOMI-Net, Fig. 2; assembled in notebook 05, trained in notebook 07.

    >>> from momi_lib.train.config import preset
    >>> network = MomiNet(preset("tiny").network).eval()
    >>> pictures = torch.zeros(2, 3, 128, 64)
    >>> network.swap(pictures, pictures).shape
    torch.Size([2, 3, 128, 64])
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or NetworkConfig()
        channels = (*c.encoder, c.width)
        self.student = Student(c.student, norm="batch" if c.norm == "batch" else "group")
        self.pose_encoder = PoseEncoder(len(JOINTS), channels, stem=c.stem, norm=c.norm, detail=c.pose_detail)
        self.appearance_encoder = AppearanceEncoder(channels, stem=c.stem, norm=c.norm)
        if c.attention == "pose":
            self.attention: nn.Module = PoseAttention(
                c.width, c.attention_blocks, block=c.attention_block, lean=c.lean_attention, norm=c.norm
            )
        else:
            self.attention = ResidualBlocks(c.width, c.attention_blocks, norm=c.norm)
        self.generator = Generator(
            c.width,
            channels=c.generator,
            blocks=c.generator_blocks,
            upsampling=c.upsampling,
            kernel=c.kernel,
            output=c.output,
            norm=c.norm,
        )
        self.lookup = self.fine_lookup = self.detail = None
        grid = c.size[0] // 8, c.size[1] // 8
        if c.transfer != "join":
            self.lookup = AppearanceLookup(c.width, grid)
        if c.transfer == "fine-lookup":
            self.fine_lookup = FineLookup(c.width, c.generator[1], grid)
        for part in (self.pose_encoder, self.appearance_encoder, self.attention, self.generator):
            initialise(part)  # not the lookups: with such small weights they would look everywhere alike for long
        if c.pose_detail:
            self.detail = nn.Sequential(nn.PixelShuffle(2), nn.Conv2d(c.pose_detail, c.generator[1], 3, padding=1))
            nn.init.zeros_(self.detail[1].weight)  # weights without it can be gone on with
            nn.init.zeros_(self.detail[1].bias)
            self.pose_encoder.detail[0].reset_parameters()

    def translation(self) -> tuple[nn.Module, ...]:
        """The parts that the translation losses train: all but the student."""
        parts = self.pose_encoder, self.appearance_encoder, self.attention, self.generator
        return (*parts, *(part for part in (self.lookup, self.fine_lookup, self.detail) if part is not None))

    @property
    def sigma(self) -> float:
        """σ of the pose maps in pixels of this network's pictures."""
        return self.config.sigma * default_sigma(self.config.size[0]) / default_sigma(128)

    def pose(self, pictures: Tensor) -> Pose:
        """F_p, decoding, reprojection: (N, 3, H, W) in [-1, 1] → :class:`Pose`.

        The maximum of a heatmap has no gradient, so nothing that is computed from ``maps`` trains the student.
        """
        heatmaps = self.student(pictures)
        maps, landmarks, valid = pose_maps(
            heatmaps.detach().float(),
            size=self.config.size,
            sigma=self.sigma,
            threshold=self.config.threshold,
            decoder=self.config.decoder,
            upsample=self.config.decode_at == "full",
            check=not self.training,  # the training loop guards its losses itself, without waiting for a GPU
        )
        return Pose(heatmaps, maps, landmarks, valid)

    def reproject(self, landmarks: Tensor, valid: Tensor) -> Tensor:
        """Landmarks (N, 17, 2) in pixels and their validity (N, 17) → pose maps p (N, 17, H, W)."""
        return gaussian_maps(landmarks, valid, size=self.config.size, sigma=self.sigma)

    def encode_pose(self, maps: Tensor) -> Tensor:
        """E_p: p → z_p (N, d, H/8, W/8), or (N, d + 4 · pose_detail, H/8, W/8)."""
        return self.pose_encoder(maps)

    def coarse(self, pose_code: Tensor) -> Tensor:
        """z_p without its detail, the d channels that all parts but G are given."""
        return pose_code[:, : self.config.width]

    def encode_appearance(self, pictures: Tensor, pose_code: Tensor) -> Tensor:
        """Eq. 2: z_a = φ(E_a(x), z_p), with the code of the picture's **own** pose.

        With a lookup that pose code comes along, as the addresses: (N, 2d, H/8, W/8).
        """
        pose_code = self.coarse(pose_code)
        appearance_code = self.attention(self.appearance_encoder(pictures), pose_code)
        return appearance_code if self.lookup is None else torch.cat([appearance_code, pose_code], dim=1)

    def decode(self, appearance_code: Tensor, pose_code: Tensor) -> Tensor:
        """G: any z_a and any z_p of the same batch size → pictures in [-1, 1]."""
        appearance, within = self.fetch(appearance_code, pose_code)
        return self.generator(appearance, self.coarse(pose_code), within)

    def fetch(self, appearance_code: Tensor, pose_code: Tensor) -> tuple[Tensor, Tensor | None]:
        """What G is given beside the pose: z_a, fetched to the target's places where there is a lookup.

        Returns:
            (N, d, H/8, W/8), and what is added to G's features at H/4, ``None`` without detail and fine lookup.
        """
        within = [] if self.detail is None else [self.detail(pose_code[:, self.config.width :])]
        if self.lookup is not None:
            codes = *appearance_code.chunk(2, dim=1), self.coarse(pose_code)
            appearance_code = self.lookup(*codes)
            within += [] if self.fine_lookup is None else [self.fine_lookup(*codes)]
        return appearance_code, sum(within) if within else None

    def check_pictures(self, source: Tensor, target: Tensor) -> None:
        """Raise a ValueError unless both are (N, 3, H, W) float and as many."""
        for name, pictures in (("source", source), ("target", target)):
            expected = (3, *self.config.size)
            if (
                pictures.ndim != 4
                or tuple(pictures.shape[1:]) != expected
                or not pictures.is_floating_point()
            ):
                raise ValueError(
                    f"{name}: expected float pictures (N, {', '.join(map(str, expected))}) in [-1, 1], got "
                    f"{tuple(pictures.shape)} {pictures.dtype}; momi_lib.data.to_float converts uint8 pictures"
                )
        if len(source) != len(target):
            raise ValueError(
                f"source and target: expected as many of each, got {len(source)} and {len(target)}"
            )

    def swap(self, source: Tensor, target: Tensor) -> Tensor:
        """The person of ``source`` in the pose of ``target``: only RGB goes in.

        Args:
            source, target: (N, 3, H, W) float in [-1, 1].

        Returns:
            (N, 3, H, W) in [-1, 1].
        """
        self.check_pictures(source, target)
        maps = self.pose(torch.cat([source, target])).maps  # in one pass: small batches cost more a picture
        source_code, target_code = self.encode_pose(maps).chunk(2)
        return self.decode(self.encode_appearance(source, source_code), target_code)

    def rehearse(self, source: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Draw the people of ``source`` (N, 3, H, W) in all three poses, as a training step does: (3N, 3, H, W)."""
        codes = self.encode_pose(self.pose(torch.cat([source, positive, negative])).maps)
        appearance = self.encode_appearance(source, codes[: len(source)])
        return self.decode(appearance.repeat(3, 1, 1, 1), codes)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """The same as :meth:`swap`."""
        return self.swap(source, target)
