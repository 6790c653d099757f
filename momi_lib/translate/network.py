"""MomiNet: the parts in one place, in the order of the paper's Fig. 2."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from momi_lib.arguments import (
    Sizes,
    check_input,
    check_range,
    check_resting,
    check_sized,
    check_tensor,
    check_values,
    number,
    told,
)
from momi_lib.pose import Student, default_sigma, gaussian_maps, pose_maps
from momi_lib.skeleton import JOINTS
from momi_lib.translate.attention import PoseAttention, ResidualBlocks
from momi_lib.translate.blocks import initialise
from momi_lib.translate.encoders import AppearanceEncoder, PoseEncoder
from momi_lib.translate.generator import Generator
from momi_lib.translate.lookup import AppearanceLookup
from momi_lib.translate.shape import NetworkConfig

__all__ = ["MomiNet", "NetworkConfig", "Pose", "ends"]


#: What a network has found out about people and draws them from: the code of Eq. 2, or what its kind has instead.
Met = Any


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
        ValueError: for a config of a network that carries; from :meth:`swap` for pictures that are not (N, 3, H, W)
            float in [-1, 1].

    Source: MOMI-Net, Fig. 2; assembled in notebook 05, trained in notebook 07.

    >>> from momi_lib.train.presets import preset
    >>> network = MomiNet(preset("tiny").network).eval()
    >>> pictures = torch.zeros(2, 3, 128, 64)
    >>> network.swap(pictures, pictures).shape
    torch.Size([2, 3, 128, 64])
    """

    #: What may stand behind the person, the usual first: see :meth:`swap`.
    backgrounds: tuple[str, ...] = ("drawn",)
    #: What it is given beside RGB: nothing, see :class:`~momi_lib.translate.swaps.Swaps`.
    needs: frozenset[str] = frozenset()

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        if config is not None and not isinstance(config, NetworkConfig):
            raise TypeError(f"config: expected a NetworkConfig, got {told(config)}")
        self.config = c = config or NetworkConfig()
        if c.carry and type(self) is MomiNet:
            raise ValueError("MomiNet: expected carry=False; network_of(config) makes a CarryNet of other configs")
        channels = (*c.encoder, c.width)
        self.student = Student(c.student, norm="batch" if c.norm == "batch" else "group")
        self.pose_encoder = PoseEncoder(len(JOINTS), channels, stem=c.stem, norm=c.norm, detail=c.pose_detail)
        self.appearance_encoder = AppearanceEncoder(channels, stem=c.stem, norm=c.norm)
        if c.attention == "pose":
            self.attention: PoseAttention | ResidualBlocks = PoseAttention(
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
        self.lookup = self.detail = None
        grid = c.size[0] // 8, c.size[1] // 8
        if c.transfer != "join":
            self.lookup = AppearanceLookup(c.width, grid)
        for part in (self.pose_encoder, self.appearance_encoder, self.attention, self.generator):
            initialise(part)  # not the lookups: with such small weights they would look everywhere alike for long
        if c.pose_detail:
            last = nn.Conv2d(c.pose_detail, c.generator[1], 3, padding=1)
            nn.init.zeros_(last.weight)  # weights without it can be gone on with
            nn.init.zeros_(last.get_parameter("bias"))
            self.detail = nn.Sequential(nn.PixelShuffle(2), last)
            self.pose_encoder.restart_detail()

    def translation(self) -> tuple[nn.Module, ...]:
        """The parts that the translation losses train: all but the student."""
        parts = self.pose_encoder, self.appearance_encoder, self.attention, self.generator
        return (*parts, *(part for part in (self.lookup, self.detail) if part is not None))

    @property
    def sigma(self) -> float:
        """σ of the pose maps in pixels of this network's pictures."""
        return self.config.sigma * default_sigma(self.config.size[0]) / default_sigma(128)

    def pose(self, pictures: Tensor) -> Pose:
        """F_p, decoding, reprojection: (N, 3, H, W) in [-1, 1] → :class:`Pose`.

        The maximum of a heatmap has no gradient, so nothing that is computed from ``maps`` trains the student.

        Raises:
            ValueError: for other pictures; in evaluation mode also for values outside [-1, 1].
        """
        self._look_at(pictures=pictures)
        return self._pose(pictures)

    def _pose(self, pictures: Tensor) -> Pose:
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
        self._check_code("pose_code", pose_code, {}, self._pose_channels)
        return pose_code[:, : self.config.width]

    def encode_appearance(self, pictures: Tensor, pose_code: Tensor) -> Tensor:
        """Eq. 2: z_a = φ(E_a(x), z_p), with the code of the picture's **own** pose.

        With a lookup that pose code comes along, for the keys: (N, 2d, H/8, W/8).
        """
        sizes: Sizes = {}
        check_input("pictures", pictures, self, sizes=sizes)
        self._check_code("pose_code", pose_code, sizes, self._pose_channels)
        pose_code = self.coarse(pose_code)
        appearance_code = self.attention(self.appearance_encoder(pictures), pose_code)
        return appearance_code if self.lookup is None else torch.cat([appearance_code, pose_code], dim=1)

    def decode(self, appearance_code: Tensor, pose_code: Tensor) -> Tensor:
        """G: any z_a and any z_p of the same batch size → pictures in [-1, 1]."""
        appearance, within = self.attend(appearance_code, pose_code)
        return self.generator(appearance, self.coarse(pose_code), within)

    def attend(self, appearance_code: Tensor, pose_code: Tensor) -> tuple[Tensor, Tensor | None]:
        """What G is given beside the pose: z_a, attended to from the target's places where there is a lookup.

        Returns:
            (N, d, H/8, W/8), and what is added to G's features at H/4, ``None`` without detail.
        """
        sizes: Sizes = {}
        channels = self.config.width if self.lookup is None else 2 * self.config.width
        self._check_code("appearance_code", appearance_code, sizes, channels)
        self._check_code("pose_code", pose_code, sizes, self._pose_channels)
        within = None if self.detail is None else self.detail(pose_code[:, self.config.width :])
        if self.lookup is not None:
            appearance_code = self.lookup(*appearance_code.chunk(2, dim=1), self.coarse(pose_code))
        return appearance_code, within

    def checked(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Both as this network computes: (N, 3, H, W) in [-1, 1], as many of each, and of the type of its weights.

        Raises:
            ValueError: for another shape, no pictures, whole numbers, values outside [-1, 1], or different numbers; and
                in training mode, in which the pictures beside it change what a picture becomes.
        """
        check_resting(type(self).__name__, self, "a network")
        weight = next(self.parameters())
        for name, pictures in (("source", source), ("target", target)):
            check_sized(name, pictures, self.config.size)
        if len(source) != len(target):
            raise ValueError(
                f"source and target: expected as many of each, got {len(source)} and {len(target)}"
            )
        return source.to(weight.dtype), target.to(weight.dtype)

    def meet(self, pictures: Tensor, pose: Pose | None = None) -> Met:
        """What :meth:`draw` needs to know of the people in pictures (N, 3, H, W) in [-1, 1]: here the code of Eq. 2.

        ``pose``, of the same pictures, spares F_p its work.
        """
        self._look_at(pictures=pictures)
        pose = self._pose_of(pictures, pose)
        return self.encode_appearance(pictures, self.encode_pose(pose.maps))

    def code(self, appearance: Met) -> Tensor:
        """z_a in what :meth:`meet` found: (N, d or 2d, H/8, W/8)."""
        self._check_appearance("appearance", appearance)
        return appearance

    def draw(
        self,
        appearance: Met,
        maps: Tensor,
        background: Tensor | None = None,
        *,
        other: Met | None = None,
        share: float = 0.0,
    ) -> Tensor:
        """The people of N appearances in N poses; one appearance may stand for all poses, and one pose for all people.

        Args:
            appearance: of :meth:`meet`.
            maps: pose maps (N, 17, H, W) of :meth:`pose` or :meth:`reproject`.
            background: None: this network draws the street itself.
            other, share: another appearance, and how far on the way to it the person is, from 0 to 1. The two are mixed
                where G meets them, at the target's places: a lookup has attended to each in its own source.

        Returns:
            (N, 3, H, W) in [-1, 1].

        Raises:
            ValueError: for another number of people than of poses, a background, a share outside [0, 1], or above 0
                without another appearance.
        """
        if background is not None:
            raise ValueError("background: expected None, because this network draws the street itself")
        count = self._count(appearance, maps, other)
        appearance, other = ends(appearance, other, share)
        pose_code = self.encode_pose(maps)
        pose_code = pose_code.expand(count, -1, -1, -1)
        code, within = self.attend(appearance.expand(count, -1, -1, -1), pose_code)
        if other is not None:
            there, _ = self.attend(other.expand(count, -1, -1, -1), pose_code)  # the detail is of the pose alone
            code = torch.lerp(code, there, share)
        return self.generator(code, self.coarse(pose_code), within)

    def swap(self, source: Tensor, target: Tensor, *, background: str | Tensor = "drawn") -> Tensor:
        """The person of ``source`` in the pose of ``target``: only RGB goes in.

        Args:
            source, target: (N, 3, H, W) float in [-1, 1].
            background: only ``"drawn"``; a :class:`~momi_lib.translate.carrying.CarryNet` offers more.

        Returns:
            (N, 3, H, W) in [-1, 1].

        Raises:
            ValueError: for pictures of another size, another background, or in training mode.
        """
        source, target = self.checked(source, target)
        if not isinstance(background, str) or background != "drawn":
            got = repr(background) if isinstance(background, str) else "another"
            raise ValueError(f"background: this network draws the street itself, expected 'drawn', got {got}")
        maps = self._pose(torch.cat([source, target])).maps  # in one pass: small batches cost more a picture
        source_code, target_code = self.encode_pose(maps).chunk(2)
        return self.decode(self.encode_appearance(source, source_code), target_code)

    def rehearse(self, source: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Draw the people of ``source`` (N, 3, H, W) in all three poses, as a training step does: (3N, 3, H, W)."""
        self._look_at(source=source, positive=positive, negative=negative)
        codes = self.encode_pose(self._pose(torch.cat([source, positive, negative])).maps)
        appearance = self.encode_appearance(source, codes[: len(source)])
        return self.decode(appearance.repeat(3, 1, 1, 1), codes)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """The same as :meth:`swap`."""
        return self.swap(source, target)

    @property
    def _pose_channels(self) -> tuple[int, ...]:
        """Channels that a pose code may have: with its detail, and without."""
        width, detail = self.config.width, self.config.pose_detail
        return (width, width + 4 * detail) if detail else (width,)

    def _look_at(self, **pictures: Tensor) -> None:
        """Refuse what are no pictures for this network, or not as many of each.

        Values are looked at in evaluation mode alone: a training step does not wait for a GPU.
        """
        sizes: Sizes = {}
        shape = f"N 3 {self.config.size[0]} {self.config.size[1]}"
        for name, some in pictures.items():
            check_input(name, some, self, shape, sizes=sizes)
            if not self.training:
                check_range(name, some)

    def _pose_of(self, pictures: Tensor, pose: Pose | None) -> Pose:
        """The pose of pictures that were looked at, or the given one if it can be theirs."""
        if pose is None:
            return self._pose(pictures)
        if not isinstance(pose, Pose):
            raise TypeError(f"pose: expected what pose(pictures) returns, or None, got {told(pose)}")
        if len(pose.maps) != len(pictures):
            raise ValueError(f"pose: expected that of the {len(pictures)} pictures, got {len(pose.maps)}")
        return pose

    def _check_code(self, name: str, code: Any, sizes: Sizes, channels: int | tuple[int, ...]) -> None:
        """Refuse what is no code of this network, with one of some numbers of channels."""
        known = (channels,) if isinstance(channels, int) else channels
        found = code.shape[1] if isinstance(code, Tensor) and code.ndim == 4 else None
        wanted = found if found in known else known[-1]
        check_input(name, code, self, f"N {wanted} h w", "a code {} of floats", sizes=sizes)

    def _check_appearance(self, name: str, appearance: Any) -> int:
        """Refuse what :meth:`meet` does not return; the number of people in it."""
        channels = self.config.width if self.lookup is None else 2 * self.config.width
        height, width = (side // 8 for side in self.config.size)
        check_tensor(name, appearance, f"N {channels} {height} {width}", "what meet(pictures) returns,")
        return len(appearance)

    def _count(self, appearance: Any, maps: Tensor, other: Any) -> int:
        """How many pictures are drawn of people in poses: as many as either, where the other is as many or one."""
        given = {"appearance": appearance} | ({} if other is None else {"other": other})
        people = [self._check_appearance(name, each) for name, each in given.items()]
        shape = f"N {len(JOINTS)} {self.config.size[0]} {self.config.size[1]}"
        check_input("maps", maps, self, shape, "pose maps {} of floats in [0, 1]")
        if not self.training:
            check_values("maps", maps, -0.01, 1.01)
        count = max(*people, len(maps))
        if any(given not in (1, count) for given in (*people, len(maps))):
            raise ValueError(
                f"draw: expected as many people (appearance, other) as poses (maps), or one of either, got "
                f"{' and '.join(map(str, people))} people and {len(maps)} poses"
            )
        return count


def ends(appearance: Met, other: Met | None, share: float) -> tuple[Met, Met | None]:
    """The appearances that are needed at a share of the way: both between the ends, and one at an end.

    >>> ends("a", "b", 0), ends("a", "b", 0.5), ends("a", "b", 1)
    (('a', None), ('a', 'b'), ('b', None))

    Raises:
        ValueError: for a share outside [0, 1], or above 0 without another appearance.
    """
    if not 0 <= number("share", share) <= 1 or (share and other is None):
        raise ValueError(f"share: expected a number from 0 to 1, and `other` for more than 0; got {share}")
    if share in (0, 1):
        return (other if share else appearance), None
    return appearance, other
