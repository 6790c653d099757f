"""PN-GAN: a residual image translator that is given a drawing of the target's pose, and whose D sees pictures alone.

The published system normalises poses for re-identification: it draws every person in eight **canonical** poses. A swap
needs the target's own pose instead, and that is what :meth:`PnGan.draw` is given. For the eight poses there are
:func:`canonical_poses`, :func:`draw_canonical` and :func:`nearest_canonical`.

Source: Qian et al., "Pose-Normalized Image Generation for Person Re-identification" (ECCV 2018), whose layers, losses
and rates were read in the official code at commit 276dda6, which has no licence: nothing is copied from it. What is
different here, or was not found there:

- The published pictures have 256 × 128 pixels; ``paper`` has 128 × 64, like everything here.
- The drawing has COCO's joints and this library's colours, see :func:`~momi_lib.rivals.pose_pictures.stick_pictures`.
- The norm in D (as in the generator, from the second convolution on) and zero padding inside the residual blocks are
  the usual ones, not checked. Initial weights come from N(0, 0.02²); the code leaves PyTorch's own.
- The canonical poses: the paper clusters VGG-19 features of pose drawings by K-means and takes mean poses (from memory,
  not checked; no code for it was published). Here, normalised landmarks are clustered.
- A run is 20 epochs of all ordered pairs; ``paper`` names the steps that about 263,000 pairs of Market-1501 make.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib import losses
from momi_lib.devices import in_float64
from momi_lib.rivals.base import Landmarks, Phase, PoseGuided, RivalBatch, RivalConfig, RivalObjective
from momi_lib.rivals.picture_discriminator import (
    PictureDiscriminator,
    PlainNorm,
    discriminator_grid,
    frozen_verdict,
    judged,
    plain_norm,
)
from momi_lib.rivals.pose_pictures import check_guided, positive_pose, stick_pictures
from momi_lib.skeleton import JOINTS
from momi_lib.train.config import _expect
from momi_lib.translate.blocks import initialise
from momi_lib.translate.swaps import TARGET_POSE

#: The joints by which poses are compared: the twelve from the shoulders down. The face shows whether it is seen at all.
BODY = slice(JOINTS.index("left_shoulder"), len(JOINTS))


@dataclass(frozen=True, kw_only=True)
class PnGanConfig(RivalConfig):
    """Options of PN-GAN; the defaults are the published ones at 128 × 64, see :data:`PRESETS`.

    Attributes:
        discriminator_learning_rate: Adam's, of D.
        betas: Adam's.
        width: channels of the generator at full size; twice and four times as many at half and a quarter of it.
        blocks: residual blocks at a quarter of the size.
        norm: of the generator: ``"instance"`` (the paper's), ``"batch"``, which is faster on a CPU, or ``"none"``.
        discriminator: channels of D's convolutions of stride 2.
        discriminator_unpadded: channels of its convolutions of stride 1, which have no padding.
        discriminator_norm: of D, as ``norm``.
        l1_weight: weight of |x̂⁺ − x⁺| beside the adversarial loss.
        decay_from: share of the run after which both learning rates fall linearly to zero.
        radius: half the width of the lines in the drawing of a pose, in pixels.

    Raises:
        ValueError: for a value out of range, a size not divisible by 4, or one that is too small for D.
    """

    steps: int = 165_000
    batch: int = 32
    learning_rate: float = 2e-4
    discriminator_learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    width: int = 64
    blocks: int = 9
    norm: PlainNorm = "instance"
    discriminator: tuple[int, ...] = (64, 128, 256)
    discriminator_unpadded: tuple[int, ...] = (512,)
    discriminator_norm: PlainNorm = "instance"
    l1_weight: float = 10.0
    decay_from: float = 0.5
    radius: float = 1.5

    def __post_init__(self) -> None:
        _expect("", self, "count", "size", "steps", "batch", "width", "blocks", "discriminator",
                "discriminator_unpadded")  # fmt: skip
        _expect("", self, "share", "mirror", "decay_from")
        _expect("", self, "decay", "ema", "betas")
        _expect("", self, "rate", "learning_rate", "discriminator_learning_rate", "radius")
        _expect("", self, "weight", "l1_weight")
        for name in ("norm", "discriminator_norm"):
            if getattr(self, name) not in get_args(PlainNorm):
                raise ValueError(
                    f"{name}: expected one of {', '.join(get_args(PlainNorm))}, got {getattr(self, name)!r}"
                )
        if len(self.size) != 2 or any(side % 4 for side in self.size):
            raise ValueError(f"size: expected (H, W), both divisible by 4, got {self.size!r}")
        discriminator_grid(self.size, len(self.discriminator), len(self.discriminator_unpadded) + 1, kernel=4)


PRESETS: dict[str, PnGanConfig] = {
    "small": PnGanConfig(
        steps=3_000, batch=8, mirror=0.5, width=32, blocks=6, norm="batch", discriminator=(32, 64, 128),
        discriminator_unpadded=(),
    ),
    "paper": PnGanConfig(),
}  # fmt: skip


class PnResidualBlock(nn.Module):
    """ReLU(x + f(x)), f two 3×3 convolutions; (N, C, h, w) → (N, C, h, w).

    Unlike :class:`~momi_lib.translate.blocks.ResidualBlock` it has a ReLU **after** the sum.

    >>> block = PnResidualBlock(4, "instance")
    >>> bool((block(-torch.ones(1, 4, 8, 8)) < 0).any())
    False
    """

    def __init__(self, channels: int, norm: PlainNorm) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(nn.Conv2d(channels, channels, 3, padding=1, bias=norm == "none"), norm),
            nn.Conv2d(channels, channels, 3, padding=1, bias=norm == "none"),
            plain_norm(norm, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The input plus its correction, negative values cut off."""
        return functional.relu(x + self.body(x))


def _convolution(layer: nn.Conv2d | nn.ConvTranspose2d, norm: PlainNorm) -> tuple[nn.Module, ...]:
    return layer, plain_norm(norm, layer.out_channels), nn.ReLU(inplace=True)


class PnGenerator(nn.Module):
    """A 7×7 convolution, two halvings, residual blocks, two doublings, a 7×7 convolution and tanh.

    Shape: pictures (N, 3, H, W) and drawings of poses (N, 3, H, W), both in [-1, 1] → pictures (N, 3, H, W) in [-1, 1].

    Source: PN-GAN (Qian et al. 2018), read in the official code; the form is that of Johnson et al. 2016.

    >>> generator = PnGenerator(PnGanConfig(width=4, blocks=1))
    >>> generator(torch.zeros(2, 3, 128, 64), torch.zeros(2, 3, 128, 64)).shape
    torch.Size([2, 3, 128, 64])
    """

    def __init__(self, config: PnGanConfig) -> None:
        super().__init__()
        n, norm = config.width, config.norm
        bias = norm == "none"  # a bias before a normalisation would be subtracted again
        self.body = nn.Sequential(
            nn.ReflectionPad2d(3),
            *_convolution(nn.Conv2d(6, n, 7, bias=bias), norm),
            *_convolution(nn.Conv2d(n, 2 * n, 3, 2, 1, bias=bias), norm),
            *_convolution(nn.Conv2d(2 * n, 4 * n, 3, 2, 1, bias=bias), norm),
            *(PnResidualBlock(4 * n, norm) for _ in range(config.blocks)),
            *_convolution(nn.ConvTranspose2d(4 * n, 2 * n, 3, 2, 1, output_padding=1, bias=bias), norm),
            *_convolution(nn.ConvTranspose2d(2 * n, n, 3, 2, 1, output_padding=1, bias=bias), norm),
            nn.ReflectionPad2d(3),
            nn.Conv2d(n, 3, 7),
            nn.Tanh(),
        )
        initialise(self)

    def forward(self, pictures: Tensor, sticks: Tensor) -> Tensor:
        """The people of the pictures in the poses of the drawings."""
        return self.body(torch.cat([pictures, sticks], dim=1))


class PnGan(PoseGuided):
    """The generator: a picture and a drawing of the target's pose in, a picture out.

    Raises:
        ValueError: from :meth:`draw`, for pictures of another size or another number of poses.

    >>> network = PnGan(PnGanConfig(width=4, blocks=1)).eval()
    >>> pose = Landmarks(torch.full((1, 17, 2), 8.0), torch.ones(1, 17, dtype=torch.bool))
    >>> network.draw(torch.zeros(1, 3, 128, 64), None, pose).shape
    torch.Size([1, 3, 128, 64])
    """

    method: ClassVar[str] = "pn-gan"
    needs: ClassVar[frozenset[str]] = frozenset({TARGET_POSE})

    def __init__(self, config: PnGanConfig) -> None:
        super().__init__()
        self.config, self.radius = config, config.radius
        self.generator = PnGenerator(config)

    def draw(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> Tensor:
        """The people of ``source`` (N, 3, H, W) in [-1, 1] in N poses: (N, 3, H, W) in [-1, 1], the range of tanh.

        ``source_pose`` is not needed.
        """
        size = self.config.size[0], self.config.size[1]
        check_guided(source, target_pose, size)
        return self.generator(source, stick_pictures(*target_pose, size, self.radius).to(source.dtype))


class PnGanObjective(RivalObjective):
    """What the generator and D minimise, in least-squares form, neither of them halved.

    The generator: mean (D(x̂⁺) − 1)² + ``l1_weight`` · mean |x̂⁺ − x⁺|. D: mean (D(x) − 1)² + mean D(x̂⁺)². D is
    unconditional, and its real pictures are the **sources** x, not the targets x⁺, as published.

    Raises:
        ValueError: from :meth:`phases`, for a batch without poses.

    >>> config = PnGanConfig(width=4, blocks=1, discriminator=(4, 8, 8), discriminator_unpadded=(8,))
    >>> objective = PnGanObjective(PnGan(config), config, people=2)
    >>> [objective.rate("generator", done) for done in (0.0, 0.5, 0.75)]
    [1.0, 1.0, 0.5]
    """

    network: PnGan
    config: PnGanConfig

    def __init__(self, network: PnGan, config: PnGanConfig, people: int) -> None:
        super().__init__(network, config, people)
        self.discriminator = PictureDiscriminator(
            config.discriminator, unpadded=config.discriminator_unpadded, kernel=4, norm=config.discriminator_norm,
            verdict="map", size=config.size,
        )  # fmt: skip
        initialise(self.discriminator)

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for the ``generator`` and for the ``discriminator``."""
        c = self.config
        parts = {
            "generator": (self.network, c.learning_rate),
            "discriminator": (self.discriminator, c.discriminator_learning_rate),
        }
        return {
            name: torch.optim.Adam(part.parameters(), lr=rate, betas=(c.betas[0], c.betas[1]))
            for name, (part, rate) in parts.items()
        }

    def rate(self, name: str, done: float) -> float:
        """1 up to ``decay_from``, then linearly to 0 at the end."""
        start = self.config.decay_from
        return 1.0 if done <= start else (1 - done) / (1 - start)

    def phases(self, batch: RivalBatch, done: float) -> Iterator[Phase]:
        """The generator's step, then D's on the same pictures."""
        drawn = self.network.draw(batch.source, None, positive_pose(batch)).float()
        (fake,) = frozen_verdict(self.discriminator, [drawn])
        terms = {
            "l1": functional.l1_loss(drawn, batch.positive),
            "adversarial": losses.generator_loss([fake], "least-squares"),
        }
        terms["total"] = terms["adversarial"] + self.config.l1_weight * terms["l1"]
        yield Phase(("generator",), terms)
        real, fake = judged(self.discriminator, [batch.source, drawn.detach()])
        loss = losses.discriminator_loss(real, [fake], "least-squares")
        yield Phase(("discriminator",), {"discriminator": loss, "total": loss})


def canonical_poses(landmarks: Tensor, valid: Tensor, k: int = 8, seed: int = 0) -> Landmarks:
    """The k mean poses of a set of people, for :func:`draw_canonical`.

    Poses with all twelve joints from the shoulders down are moved to a common centre, scaled to a common size, and
    clustered by K-means (k-means++). A canonical pose is the mean of a cluster, at the mean place and of the mean size
    of all of them. A joint of the face is valid where at least half of the cluster shows it, so that front and back
    differ.

    Args:
        landmarks: (N, 17, 2), (x, y) in pixels.
        valid: (N, 17) bool.
        k: number of poses.
        seed: of the clustering.

    Returns:
        places (k, 17, 2) and valid (k, 17), the largest cluster first; on the device of ``landmarks``.

    Raises:
        ValueError: for other shapes, k below 1, or fewer than k different complete poses.

    Source: PN-GAN (Qian et al. 2018) has eight canonical poses, from clusters of VGG-19 features of pose drawings (from
    memory, not checked). Landmarks are clustered here: they need no further network, and the mean of a cluster is a
    pose, but two poses are near one another if their joints are, whatever a network may see in them.

    >>> generator = torch.Generator().manual_seed(0)
    >>> poses = canonical_poses(64 * torch.rand(50, 17, 2, generator=generator), torch.ones(50, 17).bool(), k=3)
    >>> poses.places.shape, poses.valid.all().item()
    (torch.Size([3, 17, 2]), True)
    """
    from scipy.cluster.vq import ClusterError, kmeans2  # takes a while to load, and nothing else here needs it

    if landmarks.ndim != 3 or landmarks.shape[1:] != (len(JOINTS), 2) or valid.shape != landmarks.shape[:2]:
        raise ValueError(
            f"canonical_poses: expected landmarks (N, {len(JOINTS)}, 2) and valid (N, {len(JOINTS)}), got "
            f"{tuple(landmarks.shape)} and {tuple(valid.shape)}"
        )
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ValueError(f"k: expected a whole number of poses from 1 up, got {k!r}")
    whole = valid[:, BODY].bool().all(dim=1)
    places, seen = in_float64(landmarks[whole].detach()).cpu(), valid[whole].bool().cpu()
    different = len(places.unique(dim=0))
    if different < k:
        raise ValueError(
            f"canonical_poses: expected {k} different poses or more with all joints from the shoulders down, got "
            f"{different} among {len(landmarks)} people; ask for fewer, or give more people"
        )
    everywhere = torch.ones_like(seen[:, BODY], dtype=places.dtype)
    centre, scale = _frame(places[:, BODY], everywhere)
    shapes = (places - centre) / scale
    rng, labels = np.random.default_rng(seed), None
    for _ in range(20):  # a start can leave a cluster without members
        try:
            _, labels = kmeans2(shapes[:, BODY].flatten(1).numpy(), k, iter=50, minit="++", missing="raise", rng=rng)
            break
        except ClusterError:
            continue
    if labels is None:
        raise ValueError(f"canonical_poses: the poses do not fall into {k} clusters; ask for fewer")
    order = np.argsort(-np.bincount(labels, minlength=k), kind="stable")
    means, shown = [], []
    for members in (torch.from_numpy(labels == label) for label in order):
        counts = seen[members].sum(0)
        mean = shapes[members].masked_fill(~seen[members][..., None], 0).sum(0) / counts.clamp(min=1)[:, None]
        means.append(mean * scale.mean() + centre.mean(dim=0))
        shown.append(counts * 2 >= members.sum())
    result = torch.stack(means).to(landmarks.device, torch.float32)
    return Landmarks(result, torch.stack(shown).to(landmarks.device))


def draw_canonical(network: PoseGuided, source: Tensor, canonical: Landmarks) -> Tensor:
    """Each person of ``source`` in each canonical pose: what PN-GAN is published for.

    With canonical poses a *swap* can only draw the pose of the eight that is nearest to the target's, see
    :func:`nearest_canonical`; :meth:`PnGan.draw` draws the target's own.

    Args:
        network: in evaluation mode.
        source: (N, 3, H, W) in [-1, 1].
        canonical: k poses, of :func:`canonical_poses`.

    Returns:
        (N, k, 3, H, W) in [-1, 1].

    >>> network = PnGan(PnGanConfig(width=4, blocks=1)).eval()
    >>> poses = Landmarks(64 * torch.rand(8, 17, 2), torch.ones(8, 17, dtype=torch.bool))
    >>> drawn = draw_canonical(network, torch.zeros(2, 3, 128, 64), poses)
    >>> drawn.shape
    torch.Size([2, 8, 3, 128, 64])
    >>> wanted = Landmarks(poses.places[[5, 0]], poses.valid[[5, 0]])
    >>> drawn[torch.arange(2), nearest_canonical(wanted, poses)].shape  # the swaps of two people
    torch.Size([2, 3, 128, 64])
    """
    count, k = len(source), len(canonical.places)
    poses = Landmarks(canonical.places.repeat(count, 1, 1), canonical.valid.repeat(count, 1))
    return network.draw(source.repeat_interleave(k, dim=0), None, poses).unflatten(0, (count, k))


def nearest_canonical(poses: Landmarks, canonical: Landmarks) -> Tensor:
    """Which canonical pose is nearest to each of N poses: (N,) indices.

    Two poses are compared by the joints from the shoulders down that both have, moved to a common centre and scaled to
    a common size. A pose with fewer than two such joints is given the first, which is the most frequent.

    Raises:
        ValueError: for landmarks of other shapes, or no canonical pose.

    >>> poses = Landmarks(64 * torch.rand(8, 17, 2), torch.ones(8, 17, dtype=torch.bool))
    >>> moved = Landmarks(0.5 * poses.places[[3, 6]] + 7, poses.valid[[3, 6]])
    >>> nearest_canonical(moved, poses)
    tensor([3, 6])
    """
    for name, (places, valid) in (("poses", poses), ("canonical", canonical)):
        if places.ndim != 3 or places.shape[1:] != (len(JOINTS), 2) or valid.shape != places.shape[:2]:
            raise ValueError(
                f"{name}: expected landmarks (N, {len(JOINTS)}, 2) and valid (N, {len(JOINTS)}), got "
                f"{tuple(places.shape)} and {tuple(valid.shape)}"
            )
    if not len(canonical.places):
        raise ValueError("canonical: expected one pose or more, got none")
    both = (poses.valid[:, None, BODY] & canonical.valid[None, :, BODY]).float()
    shapes = []
    for places in (poses.places[:, None, BODY], canonical.places[None, :, BODY]):
        places = places.float().expand(*both.shape, 2).masked_fill(both[..., None] == 0, 0)
        centre, scale = _frame(places, both)
        shapes.append((places - centre) / scale)
    away = ((shapes[0] - shapes[1]).square().sum(-1) * both).sum(-1) / both.sum(-1).clamp(min=1)
    return away.masked_fill(both.sum(-1) < 2, torch.inf).argmin(dim=1)


def _frame(places: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and size (root mean square distance from it) of the joints (..., K, 2) that count, as (..., 1, 2 or 1)."""
    weights = counts[..., None]
    total = weights.sum(-2, keepdim=True).clamp(min=1)
    centre = (places * weights).sum(-2, keepdim=True) / total
    square = ((places - centre).square() * weights).sum((-2, -1), keepdim=True) / total
    return centre, square.sqrt().clamp(min=1e-6)
