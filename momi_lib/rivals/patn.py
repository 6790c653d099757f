"""PATN, pose-attention transfer (Zhu et al. 2019), from which MOMI-Net takes the block of its φ.

Two codes at H/4 × W/4 are made: one of the source picture, one of the pose maps of source *and* target. A series of
blocks changes the first code, and in each of them the second one says where (one such block is Eq. 2 of MOMI-Net):

    x₁ ← x₁ + h₁ · σ(h₂),    pose stream ← (h₂, x₁)

h₁ are features of x₁; h₂ are features of the pose stream, which nothing normalises before σ. A decoder draws the answer
from x₁ alone. The change of pose thus happens between the codes, block by block, and :meth:`Patn.gates` shows where. In
MOMI-Net, the pose stream starts from the source's pose alone, and G changes the pose.

Two discriminators learn beside the generator: D_PP judges a picture with the source picture, D_PB a picture with the
target's pose maps. Neither ends in one channel: each answers with 256 channels of 32 × 16 probabilities, all of which
are judged. About half of the fakes that they learn from are of earlier steps (:class:`Pool`).

The layers, numbers of parameters, weights of the losses, rates and the size of the pool are those of the official code
(MIT licence); this file was written from a description of it. ``PRESETS["paper"]`` keeps them, with these differences:

- The skeleton has the 17 joints of COCO instead of 18, so the generator's pose maps have 34 channels instead of 36, and
  those of D_PB 17 instead of 18.
- The discriminators return logits, from which the binary cross entropy is computed: the same numbers as from the
  official probabilities, and safe in half precision.
- Pairs come from the same triplets as MOMI-Net's; an official "epoch" is 4,000 random pairs. Where a triplet is
  mirrored, left and right joints are exchanged, which the official code does not do.

Not checked against the official code: that strided convolutions are padded with zeros, that each discriminator has a
pool of its own, that its loss is the mean of the real and the fake term (no factor of it changes Adam's steps), and
that one step of both discriminators follows each step of the generator.

**Which network is in the loss.** The official loss also compares pictures through relu1_2 of VGG-19. The preset
``small`` works offline and takes block 2 of the ``mannequin`` features instead. That same network judges the Fréchet
distance, rank-1 and the column *perceptual* in this library's tables, and MOMI-Net's ``small`` minimises it, too
(Eq. 4). So these columns, *perceptual* above all, favour methods that were trained with it over those that were not,
such as PG² and PN-GAN. No method is trained with the judges of :mod:`momi_lib.metrics.outside_judges`.
``perceptual="none"`` leaves the term out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib import losses
from momi_lib.features import FeatureNetwork, VGG19Features, feature_network
from momi_lib.pose.heatmaps import gaussian_maps
from momi_lib.rivals.base import Landmarks, Phase, PoseGuided, RivalBatch, RivalConfig, RivalObjective
from momi_lib.skeleton import JOINTS
from momi_lib.translate.attention import PoseAttention
from momi_lib.translate.blocks import conv, initialise

__all__ = [
    "PRESETS",
    "FirstFeatures",
    "PatchDiscriminator",
    "Patn",
    "PatnConfig",
    "PatnObjective",
    "Pool",
    "ResidualDiscriminator",
]

Discriminator = Literal["residual", "patch"]
PerceptualNetwork = Literal["mannequin", "vgg19", "none"]
BETAS = (0.5, 0.999)
RELU1_2 = 4  # layers of VGG-19 up to its relu1_2


@dataclass(frozen=True, kw_only=True)
class PatnConfig(RivalConfig):
    """Options of PATN; the defaults are the official ones for Market-1501.

    Attributes:
        width: channels at full size; the codes have d = 4 · ``width``.
        blocks: length of the series of attention blocks.
        sigma: σ of the Gaussian maps in pixels at H = 128, scaled with H.
        discriminator: ``"residual"``, as published (:class:`ResidualDiscriminator`), or ``"patch"``, a cheap one
            (:class:`PatchDiscriminator`).
        discriminator_width: channels of its first layer, of which the next two have twice and four times as many.
        discriminator_blocks: residual blocks of ``"residual"``.
        discriminator_learning_rate: Adam's, of both discriminators.
        pool: old fakes kept for each discriminator; 0: it learns from new ones alone.
        perceptual: network of the feature term, see above: ``"mannequin"``, ``"vgg19"`` or ``"none"``.
        l1_weight: of the mean L1 between answer and x⁺.
        perceptual_weight: of the mean L1 between their features.
        adversarial_weight: of the mean of both adversarial terms of the generator, and of those of the discriminators.
        constant: share of the run after which the learning rates fall linearly to 0.

    Raises:
        ValueError: for a value that is out of its range, with what was expected.

    >>> PatnConfig().width, PRESETS["small"].width
    (64, 24)
    >>> PatnConfig(pool=-1)
    Traceback (most recent call last):
    ...
    ValueError: pool: expected a whole number from 0 up, got -1
    """

    width: int = 64
    blocks: int = 9
    sigma: float = 6.0
    discriminator: Discriminator = "residual"
    discriminator_width: int = 64
    discriminator_blocks: int = 3
    discriminator_learning_rate: float = 2e-4
    pool: int = 50
    perceptual: PerceptualNetwork = "vgg19"
    l1_weight: float = 10.0
    perceptual_weight: float = 10.0
    adversarial_weight: float = 5.0
    constant: float = 5 / 7

    def __post_init__(self) -> None:
        self._whole(1, "steps", "batch", "width", "blocks", "discriminator_width")
        self._whole(0, "discriminator_blocks", "pool")
        for name in ("learning_rate", "discriminator_learning_rate", "sigma"):
            self._number(name, lambda x: 0 < x < math.inf, "a number above 0")
        for name in ("l1_weight", "perceptual_weight", "adversarial_weight"):
            self._number(name, lambda x: 0 <= x < math.inf, "a number from 0 up")
        for name in ("mirror", "constant"):
            self._number(name, lambda x: 0 <= x <= 1, "a number in [0, 1]")
        self._number("ema", lambda x: 0 <= x < 1, "a number in [0, 1)")
        for name, known in (("discriminator", get_args(Discriminator)), ("perceptual", get_args(PerceptualNetwork))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: expected one of {', '.join(known)}, got {getattr(self, name)!r}")
        fits = isinstance(self.size, tuple) and len(self.size) == 2
        if not fits or any(not isinstance(side, int) or side < 8 or side % 4 for side in self.size):
            raise ValueError(
                f"size: expected (height, width), both divisible by 4 and at least 8, because the blocks work at a "
                f"quarter of them, got {self.size!r}"
            )

    def _whole(self, least: int, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name}: expected a whole number from {least} up, got {value!r}")

    def _number(self, name: str, fits: Callable[[float], bool], expected: str) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not fits(value):
            raise ValueError(f"{name}: expected {expected}, got {value!r}")


PRESETS: dict[str, PatnConfig] = {
    # Two CPU cores, some 15 minutes; the generator has 2.5 M parameters.
    "small": PatnConfig(
        width=24, blocks=4, discriminator="patch", discriminator_width=32, perceptual="mannequin", mirror=0.5,
        steps=1_700, batch=8,
    ),
    # As published: 500 "epochs" at the full rate and 200 in which it falls, each of 4,000 pairs in batches of 32.
    "paper": PatnConfig(steps=700 * 125, batch=32),
}  # fmt: skip


def _stem(inputs: int, width: int) -> nn.Sequential:
    """(N, inputs, H, W) → (N, 4 · width, H/4, W/4)."""
    return nn.Sequential(
        nn.ReflectionPad2d(3),
        nn.Conv2d(inputs, width, 7, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        conv(width, 2 * width, stride=2),
        conv(2 * width, 4 * width, stride=2),
    )


def _doubled(inputs: int, outputs: int) -> nn.Sequential:
    """Twice the height and width by a transposed 3×3 convolution, as published; not all pixels get as many taps."""
    layer = nn.ConvTranspose2d(inputs, outputs, 3, 2, padding=1, output_padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Patn(PoseGuided):
    """The generator: a source picture, its pose and the target's pose → the person of the source in that pose.

    Two stems (7×7, then two 3×3 of stride 2), the attention blocks at H/4, two transposed 3×3, 7×7 and tanh, with batch
    norm and reflected borders.

    The blocks are :class:`~momi_lib.translate.attention.PoseAttentionBlock` with ``block="pat"``, whose layers are the
    official ones: in each stream two 3×3 convolutions with reflected borders, d → d → d for the appearance and for the
    pose of the first block, 2d → 2d → d for the pose of all others; batch norm, ReLU and dropout of one half after the
    first convolution; batch norm after the second one of the appearance, and nothing after that of the pose. The block
    that MOMI-Net's ``small`` uses, ``"normed"``, has a norm there.

    Raises:
        ValueError: from :meth:`draw` and :meth:`gates` for pictures that are not (N, 3, H, W) floats, for poses of
            another number of pictures or joints, and for a missing pose of the source.

    Source: Zhu et al. 2019, "Progressive Pose Attention Transfer for Person Image Generation".

    >>> network = Patn(PatnConfig(width=4, blocks=2)).eval()
    >>> pose = Landmarks(torch.full((2, 17, 2), 30.0), torch.ones(2, 17, dtype=torch.bool))
    >>> network.draw(torch.zeros(2, 3, 128, 64), pose, pose).shape
    torch.Size([2, 3, 128, 64])
    >>> [tuple(gate.shape) for gate in network.gates(torch.zeros(2, 3, 128, 64), pose, pose)]
    [(2, 16, 32, 16), (2, 16, 32, 16)]
    """

    method: ClassVar[str] = "patn"

    def __init__(self, config: PatnConfig | None = None) -> None:
        super().__init__()
        self.config = self.options = c = config or PatnConfig()
        self.picture_stem = _stem(3, c.width)
        self.pose_stem = _stem(2 * len(JOINTS), c.width)
        self.attention = PoseAttention(4 * c.width, c.blocks, block="pat")
        self.decoder = nn.Sequential(
            _doubled(4 * c.width, 2 * c.width),
            _doubled(2 * c.width, c.width),
            nn.ReflectionPad2d(3),
            nn.Conv2d(c.width, 3, 7),
            nn.Tanh(),
        )
        initialise(self)

    @property
    def sigma(self) -> float:
        """σ of the pose maps in pixels of this network's pictures."""
        return self.options.sigma * self.options.size[0] / 128

    def maps(self, pose: Landmarks) -> Tensor:
        """Gaussian maps of peak 1 of landmarks (N, 17, 2): (N, 17, H, W), all 0 for a joint that was not found."""
        return gaussian_maps(pose.places, pose.valid, size=self.options.size, sigma=self.sigma)

    def codes(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> tuple[Tensor, Tensor]:
        """What the first block is given: the codes of the source and of both poses, each (N, d, H/4, W/4)."""
        expected = (3, *self.options.size)
        if source.ndim != 4 or tuple(source.shape[1:]) != expected or not source.is_floating_point():
            raise ValueError(
                f"source: expected float pictures (N, {', '.join(map(str, expected))}) in [-1, 1], got "
                f"{tuple(source.shape)} {source.dtype}; momi_lib.data.to_float converts uint8 pictures"
            )
        if source_pose is None:
            raise ValueError("source_pose: expected landmarks, as PATN needs both poses, got None; find them first")
        for name, pose in (("source_pose", source_pose), ("target_pose", target_pose)):
            if pose.places.shape != (len(source), len(JOINTS), 2) or pose.valid.shape != (len(source), len(JOINTS)):
                raise ValueError(
                    f"{name}: expected places ({len(source)}, {len(JOINTS)}, 2) and valid ({len(source)}, "
                    f"{len(JOINTS)}), as many as pictures, got {tuple(pose.places.shape)} and {tuple(pose.valid.shape)}"
                )
        both = torch.cat([self.maps(source_pose), self.maps(target_pose)], dim=1).to(source.dtype)
        return self.picture_stem(source), self.pose_stem(both)

    def draw(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> Tensor:
        """The people of ``source`` (N, 3, H, W) in [-1, 1] in the target's pose: (N, 3, H, W) in [-1, 1]."""
        return self.decoder(self.attention(*self.codes(source, source_pose, target_pose)))

    def gates(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> list[Tensor]:
        """σ(h₂) of every block, each (N, d, H/4, W/4) in [0, 1]: where, and in which channels, x₁ may change."""
        return self.attention.gates(*self.codes(source, source_pose, target_pose))


class _DroppingBlock(nn.Module):
    """x + f(x), f two 3×3 convolutions with reflected borders and dropout of one half between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class ResidualDiscriminator(nn.Module):
    """The official discriminator: a stem to H/4 and residual blocks, whose channels are all judged.

    Every channel at every place is a verdict of its own: 256 × 32 × 16 of them for a picture of 128 × 64. Their cross
    entropies are averaged, and nothing reduces them to one channel.

    Shape: (N, 3, H, W) and (N, inputs - 3, H, W) → logits (N, 4 · width, H/4, W/4).

    Args:
        inputs: channels of the judged picture and of what lies beside it.
        width: channels at full size.
        blocks: residual blocks.

    Source: the official code of Zhu et al. 2019; its weights begin as PyTorch draws them, not from N(0, 0.02²).

    >>> D = ResidualDiscriminator(6, width=4, blocks=1)
    >>> D(torch.zeros(2, 3, 128, 64), torch.zeros(2, 3, 128, 64)).shape
    torch.Size([2, 16, 32, 16])
    """

    def __init__(self, inputs: int, width: int = 64, blocks: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(_stem(inputs, width), *(_DroppingBlock(4 * width) for _ in range(blocks)))

    def forward(self, pictures: Tensor, beside: Tensor) -> Tensor:
        """Logits: positive means "a real picture that fits what lies beside it"."""
        return self.body(torch.cat([pictures, beside], dim=1))

    def probabilities(self, pictures: Tensor, beside: Tensor) -> Tensor:
        """What the official discriminator returns: (N, 4 · width, H/4, W/4) in [0, 1]."""
        return torch.sigmoid(self(pictures, beside))


class PatchDiscriminator(nn.Module):
    """A cheap discriminator for CPUs, not PATN's own: a :class:`~momi_lib.translate.PairDiscriminator` without norms.

    Shape: (N, 3, H, W) and (N, inputs - 3, H, W) → logits (N, 1, H/8, W/8).

    Args:
        inputs: channels of the judged picture and of what lies beside it.
        width: channels at H/2.

    >>> D = PatchDiscriminator(20, width=8)
    >>> D(torch.zeros(2, 3, 128, 64), torch.zeros(2, 17, 128, 64)).shape
    torch.Size([2, 1, 16, 8])
    """

    def __init__(self, inputs: int, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for outputs in (width, 2 * width, 4 * width):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
            inputs = outputs
        self.body = nn.Sequential(*layers, nn.Conv2d(inputs, 1, 3, padding=1))

    def forward(self, pictures: Tensor, beside: Tensor) -> Tensor:
        """Logits: positive means "a real picture that fits what lies beside it"."""
        return self.body(torch.cat([pictures, beside], dim=1))


class Pool(nn.Module):
    """Old fakes, so that a discriminator does not forget what the generator did some steps ago.

    While the pool is not full, it keeps every fake and hands it on. Later, each fake replaces a kept one with a
    probability of one half, and the replaced one is handed on; otherwise it is handed on itself and not kept.

    The state dict holds all of it. Chance comes from torch's global generator on the CPU, which the training loop seeds
    by the number of the step, so a resumed run hands on the same fakes. Each process of several has a pool of its own.

    Args:
        size: how many are kept; 0: every fake is handed on.
        like: tensors without the dimension of the batch, one for each part of a fake, that give its shape and type.

    Source: Shrivastava et al. 2017; the official code of Zhu et al. 2019 keeps 50.

    >>> pool = Pool(2, torch.zeros(1))
    >>> pool.exchange(torch.tensor([[1.0], [2.0]]))[0].tolist()
    [[1.0], [2.0]]
    >>> set(pool.exchange(torch.tensor([[3.0]]))[0].flatten().tolist()) <= {1.0, 2.0, 3.0}
    True
    """

    count: Tensor

    def __init__(self, size: int, *like: Tensor) -> None:
        super().__init__()
        self.size, self.parts = size, len(like)
        for part, each in enumerate(like):
            self.register_buffer(f"kept{part}", each.new_zeros(size, *each.shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def exchange(self, *fresh: Tensor) -> tuple[Tensor, ...]:
        """Old and new fakes instead of ``fresh``, whose tensors (N, …) are the parts of N fakes; as many, detached."""
        if len(fresh) != self.parts:
            raise ValueError(f"exchange: expected {self.parts} tensors, the parts of each fake, got {len(fresh)}")
        handed_on = tuple(each.detach().clone() for each in fresh)
        if not self.size:
            return handed_on
        kept = [self.get_buffer(f"kept{part}") for part in range(self.parts)]
        number, count = len(fresh[0]), int(self.count)
        old, places = (torch.rand(number) < 0.5).tolist(), torch.randint(self.size, (number,)).tolist()
        for row in range(number):
            if count < self.size:
                place, count = count, count + 1
            elif old[row]:
                place = places[row]
                for out, pool in zip(handed_on, kept, strict=True):
                    out[row] = pool[place]
            else:
                continue
            for each, pool in zip(fresh, kept, strict=True):
                pool[place] = each[row]
        self.count.fill_(count)
        return handed_on


class FirstFeatures(nn.Module):
    """The early features of a frozen network: relu1_2 of VGG-19, or block 2 of another one.

    Shape: (N, 3, H, W) in [-1, 1] → (N, 64, H, W) of VGG-19, (N, 48, H/2, W/2) of the mannequins' network.

    Attributes:
        name: the network and its weights, which must stand beside every result.

    >>> FirstFeatures(feature_network("mannequin"))(torch.zeros(1, 3, 32, 16)).shape
    torch.Size([1, 48, 16, 8])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: FeatureNetwork) -> None:
        super().__init__()
        layers = list(network.blocks[0].children())
        self.layers = nn.Sequential(*(layers[:RELU1_2] if isinstance(network, VGG19Features) else layers))
        self.register_buffer("mean", network.mean, persistent=False)
        self.register_buffer("deviation", network.deviation, persistent=False)
        self.name = network.name
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> FirstFeatures:
        """Stay in evaluation mode."""
        return super().train(False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Activations of the last of its layers."""
        return self.layers(((pictures + 1) / 2 - self.mean) / self.deviation)


def _discriminator(config: PatnConfig, inputs: int) -> ResidualDiscriminator | PatchDiscriminator:
    if config.discriminator == "residual":
        return ResidualDiscriminator(inputs, config.discriminator_width, config.discriminator_blocks)
    return PatchDiscriminator(inputs, config.discriminator_width)


class PatnObjective(RivalObjective):
    """What PATN's three parts minimise, on pairs x and x⁺ of the same person.

    The generator draws x̂⁺ from x and both poses, and minimises

        10 · |x̂⁺ - x⁺| + 10 · |Φ(x̂⁺) - Φ(x⁺)| + 5 · ½ (BCE(D_PP(x̂⁺, x), 1) + BCE(D_PB(x̂⁺, p⁺), 1)),

    all of them means; p⁺ are the target's pose maps. Then each discriminator takes a step on
    5 · ½ (BCE(real, 1) + BCE(fake, 0)): x⁺ is real, and fakes come from a :class:`Pool`, together with the source or
    the pose that they were drawn for. x⁻ and identities are not used.

    Optimisers: ``generator``, ``d_pp`` and ``d_pb``, each Adam with β = (0.5, 0.999).

    Args:
        network: the generator.
        config: its options.
        people: number of identities, which PATN does not use.

    Raises:
        ValueError: from :meth:`phases` for a batch without poses.
        FileNotFoundError, RuntimeError: where the weights of the feature network are missing, with what to do.

    >>> config = PatnConfig(size=(32, 16), width=4, blocks=1, perceptual="none", discriminator_width=4)
    >>> objective = PatnObjective(Patn(config), config, people=2)
    >>> sorted(objective.optimisers()), round(objective.rate("generator", 6 / 7), 6)
    (['d_pb', 'd_pp', 'generator'], 0.5)
    """

    def __init__(self, network: nn.Module, config: PatnConfig, people: int) -> None:
        if not isinstance(network, Patn):
            raise ValueError(f"network: expected a Patn, got {type(network).__name__}; make it with Patn(config)")
        super().__init__(network, config, people)
        self.options = config
        self.d_pp = _discriminator(config, 3 + 3)
        self.d_pb = _discriminator(config, 3 + len(JOINTS))
        # Kept as landmarks: their maps would be six times as large as the pictures.
        picture, places = torch.zeros(3, *config.size), torch.zeros(len(JOINTS), 2)
        self.old_pairs = Pool(config.pool, picture, picture)
        self.old_posed = Pool(config.pool, picture, places, torch.zeros(len(JOINTS), dtype=torch.bool))
        try:
            named = config.perceptual != "none"
            self.features = FirstFeatures(feature_network(config.perceptual)) if named else None
        except RuntimeError as error:
            raise RuntimeError(f"{error}; or choose --preset small, whose network needs no download") from error

    @property
    def generator(self) -> Patn:
        """The network that draws."""
        return cast(Patn, self.network)

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for the generator and for each discriminator."""

        def adam(part: nn.Module, rate: float) -> torch.optim.Optimizer:
            return torch.optim.Adam(part.parameters(), rate, betas=BETAS)

        rate = self.options.discriminator_learning_rate
        generator = adam(self.network, self.options.learning_rate)
        return {"generator": generator, "d_pp": adam(self.d_pp, rate), "d_pb": adam(self.d_pb, rate)}

    def rate(self, name: str, done: float) -> float:
        """1 for the first 5/7 of the run (``constant``), then linearly to 0 at its end, for all optimisers."""
        constant = self.options.constant
        return 1.0 if done < constant or constant == 1 else (1 - done) / (1 - constant)

    def phases(self, batch: RivalBatch, done: float) -> Iterator[Phase]:
        """The generator's step, then one of both discriminators."""
        if batch.poses is None:
            raise ValueError("batch.poses: expected the landmarks of x and x⁺, got None; give the run a pose source")
        source_pose, target_pose, _ = batch.poses
        maps = self.generator.maps(target_pose)
        fake = self.generator.draw(batch.source, source_pose, target_pose).float()
        yield Phase(("generator",), self._generator_terms(batch, fake, maps))
        yield Phase(("d_pp", "d_pb"), self._discriminator_terms(batch, fake.detach(), maps))

    def _generator_terms(self, batch: RivalBatch, fake: Tensor, maps: Tensor) -> dict[str, Tensor]:
        options, real = self.options, batch.positive
        terms = {"l1": options.l1_weight * functional.l1_loss(fake, real.float())}
        if self.features is not None:
            with torch.no_grad():
                wanted = self.features(real).float()
            terms["perceptual"] = options.perceptual_weight * functional.l1_loss(self.features(fake).float(), wanted)
        # The discriminators are measures here and must not learn from the generator's side.
        for judge in (self.d_pp, self.d_pb):
            judge.requires_grad_(False)
        logits = [self.d_pp(fake, batch.source).float(), self.d_pb(fake, maps).float()]
        for judge in (self.d_pp, self.d_pb):
            judge.requires_grad_(True)
        terms["adversarial"] = options.adversarial_weight * losses.generator_loss(logits, "bce", terms="mean")
        return {**terms, "total": losses.added(terms.values())}

    def _discriminator_terms(self, batch: RivalBatch, fake: Tensor, maps: Tensor) -> dict[str, Tensor]:
        assert batch.poses is not None  # refused before
        real, target_pose = batch.positive, batch.poses[1]
        pictures, beside = self.old_pairs.exchange(fake, batch.source.float())
        terms = {"d_pp": self._judged(self.d_pp(real, batch.source), self.d_pp(pictures, beside))}
        pictures, *pose = self.old_posed.exchange(fake, target_pose.places.float(), target_pose.valid)
        old_maps = self.generator.maps(Landmarks(*pose))
        terms["d_pb"] = self._judged(self.d_pb(real, maps), self.d_pb(pictures, old_maps))
        return {**terms, "total": losses.added(terms.values())}

    def _judged(self, real: Tensor, fake: Tensor) -> Tensor:
        both = losses.discriminator_loss(real.float(), [fake.float()], "bce")  # the sum of the real and the fake term
        return self.options.adversarial_weight * both / 2
