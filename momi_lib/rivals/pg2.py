"""PG²: a first picture of the person in the target's pose, then a map of what is still missing from it.

Stage I trains G1 on the pose mask loss alone. Stage II trains G2 against D: G2 is given G1's picture and the source,
and draws a **difference map** that is added to G1's picture. G1 does not learn any more.

Source: Ma et al., "Pose Guided Person Image Generation" (NeurIPS 2017), whose shapes, losses and rates were read in the
official code at commit c32f859. What is different here, or was not found there:

- The pose is 17 discs in COCO's order, not 18 in OpenPose's. In a mirrored triplet the joints are mirrored, too; there,
  the poses of mirrored pictures are found anew.
- How weights start there was not looked up. Here G1's and G2's start by Xavier's rule and D's from N(0, 0.02²), but the
  last convolution of G2 at zero, so that the answer is G1's picture until stage II begins.
- The paper shows D pairs of a source and an answer (from memory, not checked). The code shows it single pictures, and
  so does this file.
- ``paper`` has the length of the published script, 22,000 + 38,000 steps; the paper names 22,000 + 14,000 (from memory,
  not checked).
- ``small`` has higher learning rates: ten times as high for the generators, five times for D. In stage II it weights
  the mask loss by 50, as the official code does for pictures of 256 × 256, and it draws with a moving average of the
  weights. With 10 and without an average, a stage II of a few thousand steps left streaks in all pictures, different
  ones every hundred steps. Both were changed after the first run of the race was scored; that run does not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib import losses
from momi_lib.rivals.base import Landmarks, Phase, PoseGuided, RivalBatch, RivalConfig, RivalObjective
from momi_lib.rivals.picture_discriminator import PictureDiscriminator, discriminator_grid, frozen_verdict, judged
from momi_lib.rivals.pose_pictures import check_guided, disc_maps, pose_masks, positive_pose
from momi_lib.skeleton import JOINTS
from momi_lib.train.config import _expect
from momi_lib.translate.blocks import initialise
from momi_lib.translate.swaps import TARGET_POSE


@dataclass(frozen=True, kw_only=True)
class Pg2Config(RivalConfig):
    """Options of PG²; the defaults are the published ones at 128 × 64, see :data:`PRESETS`.

    Attributes:
        learning_rate: Adam's, of G1 and of G2.
        discriminator_learning_rate: Adam's, of D.
        betas: Adam's.
        width: n, channels of G1 at full size; level i has i · n.
        levels: N, resolutions of G1; each but the first halves height and width.
        code: z, numbers in the bottleneck between G1's encoder and decoder.
        refiner_width: n of G2.
        refiner_levels: resolutions of G2.
        discriminator: channels of D.
        coarse_share: share of the run that is stage I; the rest is stage II.
        l1_weight: weight of the pose mask loss beside the adversarial one in stage II.
        radius: of the discs and of the mask's limbs, in pixels.

    Raises:
        ValueError: for a value out of range, or a size that the levels do not divide.
    """

    steps: int = 60_000
    batch: int = 16
    mirror: float = 0.5
    learning_rate: float = 2e-5
    discriminator_learning_rate: float = 2e-5
    betas: tuple[float, float] = (0.5, 0.999)
    width: int = 128
    levels: int = 5
    code: int = 64
    refiner_width: int = 128
    refiner_levels: int = 3
    discriminator: tuple[int, ...] = (64, 128, 256, 512)
    coarse_share: float = 22 / 60
    l1_weight: float = 10.0
    radius: float = 4.0

    def __post_init__(self) -> None:
        _expect("", self, "count", "size", "steps", "batch", "width", "levels", "code", "refiner_width",
                "refiner_levels", "discriminator")  # fmt: skip
        _expect("", self, "share", "mirror", "coarse_share")
        _expect("", self, "decay", "ema", "betas")
        _expect("", self, "rate", "learning_rate", "discriminator_learning_rate", "radius")
        _expect("", self, "weight", "l1_weight")
        grid = 2 ** (max(self.levels, self.refiner_levels) - 1)
        if len(self.size) != 2 or any(side % grid for side in self.size):
            raise ValueError(
                f"size: expected (H, W), both divisible by {grid} for {max(self.levels, self.refiner_levels)} levels, "
                f"got {self.size!r}"
            )
        discriminator_grid(self.size, len(self.discriminator), 0, kernel=5)


PRESETS: dict[str, Pg2Config] = {
    "small": Pg2Config(
        steps=2_400, batch=8, learning_rate=2e-4, discriminator_learning_rate=1e-4, width=24, refiner_width=24,
        discriminator=(32, 64, 128, 256), coarse_share=0.6, l1_weight=50.0, ema=0.999,
    ),
    "paper": Pg2Config(),
}  # fmt: skip


def pose_mask_l1(drawn: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    """PG²'s reconstruction loss, ‖(1 + M) ⊙ (x̂⁺ − x⁺)‖₁: mean |d| + mean (|d| · M), both over all pixels and channels.

    It is a sum of two means. A *weighted* mean, Σ |d| (1 + M) / Σ (1 + M), would be another loss: here, the larger a
    person is in a picture, the more that picture counts.

    Args:
        drawn, real: (N, 3, H, W).
        mask: M (N, 1, H, W), 1 on the person and 0 elsewhere.

    Raises:
        ValueError: for other shapes.

    Source: PG² (Ma et al. 2017), Eq. 2 in the form of the official code.

    >>> real, mask = torch.zeros(1, 3, 2, 2), torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    >>> pose_mask_l1(torch.ones(1, 3, 2, 2), real, mask)
    tensor(1.2500)
    """
    if drawn.shape != real.shape or drawn.ndim != 4 or mask.shape != (len(drawn), 1, *drawn.shape[2:]):
        raise ValueError(
            "pose_mask_l1: expected pictures (N, C, H, W) twice and masks (N, 1, H, W), got "
            f"{tuple(drawn.shape)}, {tuple(real.shape)} and {tuple(mask.shape)}"
        )
    away = (drawn - real).abs()
    return away.mean() + (away * mask).mean()


def _conv(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.ReLU(inplace=True))


def _halving(inputs: int, outputs: int) -> nn.Sequential:
    """A 3×3 convolution of stride 2; TensorFlow's "same" padding adds a row below and a column on the right alone."""
    return nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(inputs, outputs, 3, 2), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    """x + f(x), f two 3×3 convolutions, each followed by a ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_conv(channels, channels), _conv(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


class Coarse(nn.Module):
    """G1: an encoder of N levels, a bottleneck of z numbers, and a decoder that is joined with each level's features.

    3×3 convolutions with ReLU, no normalisation, no tanh. Level i has i · n channels in the encoder; the decoder joins
    its features with them, passes them through a residual block of that joined width, narrows them to the level's width
    (1×1, with ReLU), and doubles height and width.

    Shape: pictures (N, 3, H, W) in [-1, 1] and disc maps (N, 17, H, W) → pictures (N, 3, H, W), not clamped.

    Source: PG² (Ma et al. 2017), read in the official code.

    >>> config = Pg2Config(size=(32, 16), width=4, levels=3, code=8)
    >>> Coarse(config)(torch.zeros(2, 3, 32, 16), torch.zeros(2, 17, 32, 16)).shape
    torch.Size([2, 3, 32, 16])
    """

    def __init__(self, config: Pg2Config) -> None:
        super().__init__()
        n, levels = config.width, config.levels
        height, width = (side // 2 ** (levels - 1) for side in config.size)
        self.bottom = n, height, width
        self.stem = _conv(3 + len(JOINTS), n)
        self.encoder = nn.ModuleList(_Residual(n * i) for i in range(1, levels + 1))
        self.down = nn.ModuleList(_halving(n * i, n * (i + 1)) for i in range(1, levels))
        self.to_code = nn.Linear(n * levels * height * width, config.code)
        self.from_code = nn.Linear(config.code, n * height * width)
        joined = [n * (2 * i if i < levels else i + 1) for i in range(1, levels + 1)]
        self.decoder = nn.ModuleList(_Residual(channels) for channels in joined)
        self.narrow = nn.ModuleList(_conv(joined[i], n * i, kernel=1) for i in range(1, levels))
        self.to_rgb = nn.Conv2d(joined[0], 3, 3, padding=1)
        _xavier(self)

    def forward(self, pictures: Tensor, maps: Tensor) -> Tensor:
        """The person in the pose of the maps, not clamped."""
        x, kept = self.stem(torch.cat([pictures, maps], dim=1)), []
        for level, block in enumerate(self.encoder):
            kept.append(block(self.down[level - 1](x) if level else x))
            x = kept[-1]
        x = self.from_code(self.to_code(x.flatten(1))).unflatten(1, self.bottom)
        for level in reversed(range(len(kept))):
            x = self.decoder[level](torch.cat([x, kept[level]], dim=1))
            if level:  # published with the doubling first, which costs four times as much and gives the same numbers
                x = _doubled(self.narrow[level - 1](x))
        return self.to_rgb(x)


class Refiner(nn.Module):
    """G2: from G1's picture and the source to the difference map that is added to G1's picture.

    Each level has two 3×3 convolutions, and between levels there is one of stride 2; no residuals, no linear layer, no
    normalisation. The decoder has n channels, and is joined with the encoder's features at all levels but that of full
    size; at the lowest one these are its own input, which is joined with itself.

    Shape: twice pictures (N, 3, H, W) → difference maps (N, 3, H, W), from -2 to 2 if they are good.

    Source: PG² (Ma et al. 2017), read in the official code; that the width changes after the convolution of stride 2,
    and the join at the lowest level, were inferred from its 6.1 million weights and 10.2 billion multiplications.

    >>> refiner = Refiner(4, 3)
    >>> bool(refiner(torch.rand(2, 3, 32, 16), torch.rand(2, 3, 32, 16)).any())  # its last layer starts at zero
    False
    """

    def __init__(self, width: int, levels: int) -> None:
        super().__init__()
        self.stem = _conv(6, width)
        widths = [width * i for i in range(1, levels + 1)]
        self.encoder = nn.ModuleList(
            nn.Sequential(_conv(before, after), _conv(after, after))
            for before, after in zip([width, *widths], widths, strict=False)
        )
        self.down = nn.ModuleList(_halving(channels, channels) for channels in widths[:-1])
        above = [width] * (levels - 1) + [widths[-1]]  # what comes to a level from below, or from the encoder's end
        self.decoder = nn.ModuleList(
            nn.Sequential(_conv(above[level] + (widths[level] if level else 0), width), _conv(width, width))
            for level in range(levels)
        )
        self.to_rgb = nn.Conv2d(width, 3, 3, padding=1)
        _xavier(self)
        nn.init.zeros_(self.to_rgb.weight)

    def forward(self, coarse: Tensor, source: Tensor) -> Tensor:
        """What is to be added to G1's pictures ``coarse`` of the people in ``source``."""
        x, kept = self.stem(torch.cat([coarse, source], dim=1)), []
        for level, block in enumerate(self.encoder):
            kept.append(block(self.down[level - 1](x) if level else x))
            x = kept[-1]
        for level in reversed(range(len(kept))):
            joined = torch.cat([x, kept[level]], dim=1) if level else x
            x = self.decoder[level](joined)
            if level:
                x = _doubled(x)
        return self.to_rgb(x)


def _xavier(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


class Pg2(PoseGuided):
    """G1 and G2: a picture and the target's pose in, G1's picture plus G2's difference map out.

    Neither has a normalisation, so the network computes the same in training and in use.

    Raises:
        ValueError: from :meth:`coarse` and :meth:`draw`, for pictures of another size or another number of poses.

    >>> network = Pg2(Pg2Config(size=(32, 16), width=4, levels=3, refiner_width=4))
    >>> picture = torch.zeros(1, 3, 32, 16)
    >>> pose = Landmarks(torch.full((1, 17, 2), 8.0), torch.ones(1, 17, dtype=torch.bool))
    >>> coarse = network.coarse(picture, pose)
    >>> answer = coarse + network.difference(picture, coarse)
    >>> torch.equal(answer.clamp(-1, 1), network.draw(picture, None, pose))
    True
    """

    method: ClassVar[str] = "pg2"
    needs: ClassVar[frozenset[str]] = frozenset({TARGET_POSE})

    def __init__(self, config: Pg2Config) -> None:
        super().__init__()
        self.config, self.radius = config, config.radius
        self.g1 = Coarse(config)
        self.g2 = Refiner(config.refiner_width, config.refiner_levels)

    def coarse(self, source: Tensor, target_pose: Landmarks) -> Tensor:
        """G1's pictures of the people of ``source`` (N, 3, H, W) in N poses: (N, 3, H, W), not clamped."""
        size = self.config.size[0], self.config.size[1]
        check_guided(source, target_pose, size)
        return self.g1(source, disc_maps(*target_pose, size, self.radius).to(source.dtype))

    def difference(self, source: Tensor, coarse: Tensor) -> Tensor:
        """G2's difference maps (N, 3, H, W): the answers are G1's pictures ``coarse`` plus these."""
        return self.g2(coarse, source)

    def draw(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> Tensor:
        """The people of ``source`` (N, 3, H, W) in [-1, 1] in N poses: (N, 3, H, W), clamped to [-1, 1].

        ``source_pose`` is not needed.
        """
        coarse = self.coarse(source, target_pose)
        return (coarse + self.difference(source, coarse)).clamp(-1, 1)


class Pg2Objective(RivalObjective):
    """What G1, then G2 and D minimise.

    - Stage I, the first ``coarse_share`` of a run: G1 minimises :func:`pose_mask_l1` of its picture and x⁺.
    - Stage II: G2 minimises −log D(answer) + ``l1_weight`` · :func:`pose_mask_l1`. Then D minimises
      −½ log D(x⁺) − ¼ log(1 − D(x)) − ¼ log(1 − D(answer)): to it, x⁺ is real, the answer is not, and neither is the
      source x, which is a photograph. G1 is frozen.

    D sees single pictures. It has batch norm, so what is judged together matters: as published, x⁺, the answer, G1's
    picture and x pass through it in one batch in both phases. G1's picture counts in the statistics, without a loss.

    Raises:
        ValueError: from :meth:`phases`, for a batch without poses.

    >>> config = Pg2Config(size=(32, 16), width=4, levels=3, refiner_width=4, discriminator=(4, 8))
    >>> objective = Pg2Objective(Pg2(config), config, people=2)
    >>> pictures, persons = torch.rand(2, 3, 32, 16), torch.zeros(2, 2, dtype=torch.long)
    >>> pose = Landmarks(torch.full((2, 17, 2), 8.0), torch.ones(2, 17, dtype=torch.bool))
    >>> batch = RivalBatch(pictures, pictures, pictures, (pose, pose, pose), persons)
    >>> [phase.optimisers for phase in objective.phases(batch, done=0.1)]
    [('coarse',)]
    >>> [phase.optimisers for phase in objective.phases(batch, done=0.9)]
    [('refiner',), ('discriminator',)]
    """

    network: Pg2
    config: Pg2Config

    def __init__(self, network: Pg2, config: Pg2Config, people: int) -> None:
        super().__init__(network, config, people)
        self.discriminator = PictureDiscriminator(
            config.discriminator, kernel=5, norm="batch", verdict="one", size=config.size
        )
        initialise(self.discriminator)

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for G1 (``coarse``), G2 (``refiner``) and D (``discriminator``)."""
        c = self.config
        parts = {
            "coarse": (self.network.g1, c.learning_rate),
            "refiner": (self.network.g2, c.learning_rate),
            "discriminator": (self.discriminator, c.discriminator_learning_rate),
        }
        return {
            name: torch.optim.Adam(part.parameters(), lr=rate, betas=(c.betas[0], c.betas[1]))
            for name, (part, rate) in parts.items()
        }

    def phases(self, batch: RivalBatch, done: float) -> Iterator[Phase]:
        """Stage I: G1's step. Stage II: G2's step, then D's on the same answers."""
        network, c, pose = self.network, self.config, positive_pose(batch)
        mask = pose_masks(*pose, (c.size[0], c.size[1]), c.radius)
        if done < c.coarse_share:
            loss = pose_mask_l1(network.coarse(batch.source, pose).float(), batch.positive, mask)
            yield Phase(("coarse",), {"l1": loss, "total": loss})
            return
        with torch.no_grad():
            coarse = network.coarse(batch.source, pose).float()
        answer = coarse + network.difference(batch.source, coarse).float()
        fake = frozen_verdict(self.discriminator, [batch.positive, answer, coarse, batch.source])[1]
        terms = {"l1": pose_mask_l1(answer, batch.positive, mask), "adversarial": losses.generator_loss([fake])}
        terms["total"] = terms["adversarial"] + c.l1_weight * terms["l1"]
        yield Phase(("refiner",), terms)
        real, fake, _, source = judged(
            self.discriminator, [batch.positive, answer.detach(), coarse, batch.source]
        )
        loss = 0.5 * losses.discriminator_loss(real, [source, fake])  # a mean over two fakes: ½, ¼, ¼
        yield Phase(("discriminator",), {"discriminator": loss, "total": loss})
