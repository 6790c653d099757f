"""What draws a swap: structure encoder, AdaIN and its decoder, and both encoders with it as one network."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from momi_lib.arguments import check_sized
from momi_lib.features import IMAGENET_DEVIATION, IMAGENET_MEAN
from momi_lib.rivals.dg_net.config import DgNetConfig, Normalisation, Padding
from momi_lib.rivals.dg_net.identity import AppearanceEncoder

if TYPE_CHECKING:
    from momi_lib.rivals.base import RivalBatch


def adain(features: Tensor, scale: Tensor, shift: Tensor, eps: float = 1e-5) -> Tensor:
    """Adaptive instance normalisation: scale · (features − μ) / √(σ² + eps) + shift, for each picture and channel.

    μ and σ² are mean and (biased) variance over the places of one channel of one picture. What the features said with
    them, such as colours, is gone, and scale and shift say it anew. DG-Net uses the scale as it is, not 1 + scale.

    Args:
        features: (N, C, h, w).
        scale, shift: (N, C).
        eps: added to the variance.

    Returns:
        (N, C, h, w), of the type of ``features``; computed in fp32.

    Raises:
        ValueError: where the shapes do not belong together.

    Source: Huang and Belongie 2017.

    >>> features = torch.tensor([[[[1.0, 3.0]]]])  # μ = 2, σ² = 1
    >>> adain(features, torch.tensor([[10.0]]), torch.tensor([[5.0]]), eps=0.0)
    tensor([[[[-5., 15.]]]])
    """
    if features.ndim != 4 or not scale.shape == shift.shape == features.shape[:2]:
        raise ValueError(
            "adain: expected features (N, C, h, w), and scale and shift (N, C), got "
            f"{tuple(features.shape)}, {tuple(scale.shape)} and {tuple(shift.shape)}"
        )
    variance, mean = torch.var_mean(features.float(), (2, 3), correction=0)
    factor = scale.float() * (variance + eps).rsqrt()
    offset = shift.float() - mean * factor
    return (features * factor[:, :, None, None] + offset[:, :, None, None]).to(features.dtype)


class StructureEncoder(nn.Module):
    """E_s: where somebody's outlines are, from a picture without colours.

    Convolutions to a quarter of the size, four residual blocks, and dilated convolutions side by side (ASPP).

    Args:
        config: its ``width``, ``normalisation`` and ``padding``.

    Shape: normalised pictures (N, 3, H, W), of whose colours it is given the mean → (N, 8 · width, H/4, W/4).

    Source: Zheng et al. 2019.

    >>> from momi_lib.rivals.dg_net import PRESETS
    >>> StructureEncoder(PRESETS["small"])(torch.zeros(2, 3, 128, 64)).shape
    torch.Size([2, 96, 32, 16])
    """

    def __init__(self, config: DgNetConfig) -> None:
        super().__init__()
        n, norm, padding = config.width, config.normalisation, config.padding
        self.body = nn.Sequential(
            _conv(1, n, norm, padding, stride=2),
            _conv(n, 2 * n, norm, padding),
            _conv(2 * n, 2 * n, norm, padding),
            _conv(2 * n, 4 * n, norm, padding, stride=2),
            *(_Residual(4 * n, norm, padding) for _ in range(4)),
        )
        self.near = _conv(4 * n, 2 * n, norm, padding, kernel=1, active=False)
        self.wider = nn.ModuleList(
            nn.Sequential(
                _conv(4 * n, 2 * n, norm, padding, kernel=1),
                _conv(2 * n, 2 * n, norm, padding, dilation=dilation, active=False),
            )
            for dilation in (3, 6, 9)
        )
        self.joined = _conv(8 * n, 8 * n, norm, padding, kernel=1, active=False)
        _initialise(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """The structure code."""
        features = self.body(pictures.mean(1, keepdim=True))
        return self.joined(torch.cat([self.near(features), *(part(features) for part in self.wider)], dim=1))


class Affines(nn.Module):
    """Scales and shifts of all AdaINs from an appearance code; stripe k says those of block k, and of no other.

    Args:
        config: its ``stripes``, ``code``, ``mlp`` and ``structure``.

    Shape: codes (N, stripes, D) → scales and shifts, each (N, stripes, 2, C): two AdaINs in a block of C channels.

    Source: Zheng et al. 2019: eight networks of three linear layers.

    >>> from momi_lib.rivals.dg_net import PRESETS
    >>> [tuple(each.shape) for each in Affines(PRESETS["small"])(torch.zeros(2, 4, 192))]
    [(2, 4, 2, 96), (2, 4, 2, 96)]
    """

    def __init__(self, config: DgNetConfig) -> None:
        super().__init__()

        def three() -> nn.Sequential:
            return nn.Sequential(
                nn.Linear(config.code, config.mlp), nn.LeakyReLU(0.2, inplace=True),
                nn.Linear(config.mlp, config.mlp), nn.LeakyReLU(0.2, inplace=True),
                nn.Linear(config.mlp, 2 * config.structure),
            )  # fmt: skip

        self.scales = nn.ModuleList(three() for _ in range(config.stripes))
        self.shifts = nn.ModuleList(three() for _ in range(config.stripes))
        _initialise(self)

    def forward(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Scales and shifts."""
        scales, shifts = (
            torch.stack([part(code) for part, code in zip(parts, codes.unbind(1), strict=True)], dim=1)
            for parts in (self.scales, self.shifts)
        )
        return scales.unflatten(2, (2, -1)), shifts.unflatten(2, (2, -1))


class AdaInDecoder(nn.Module):
    """G: residual blocks with AdaIN on the structure, doublings, and a picture without a last nonlinearity.

    Args:
        config: its ``stripes``, ``structure``, ``kernel``, ``output``, ``normalisation`` and ``padding``.

    Shape: structure (N, C, H/4, W/4), scales and shifts of :class:`Affines` → normalised pictures (N, 3, H, W), fp32.

    Source: Zheng et al. 2019; the sub-pixel output (Shi et al. 2016) is not theirs.

    >>> from momi_lib.rivals.dg_net import PRESETS
    >>> config = PRESETS["small"]
    >>> affines = Affines(config)(torch.zeros(2, 4, 192))
    >>> AdaInDecoder(config)(torch.zeros(2, 96, 32, 16), *affines).shape
    torch.Size([2, 3, 128, 64])
    """

    def __init__(self, config: DgNetConfig) -> None:
        super().__init__()
        c, padding, halved = config.structure, config.padding, config.output == "sub-pixel"
        self.blocks = nn.ModuleList(_AdaInBlock(c, padding) for _ in range(config.stripes))
        norm = "batch" if config.normalisation == "batch" else "layer"
        layers: list[nn.Module] = []
        for _ in range(1 if halved else 2):
            layers += [nn.Upsample(scale_factor=2), _conv(c, c // 2, norm, padding, kernel=config.kernel)]
            c //= 2
        last = c // 2 if halved else c
        layers += [_conv(c, last, "none", padding), _conv(last, last, "none", padding)]
        layers += [nn.Conv2d(last, 12 if halved else 3, 1), *([nn.PixelShuffle(2)] if halved else [])]
        self.tail = nn.Sequential(*layers)
        _initialise(self)

    def forward(self, structure: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
        """Normalised pictures, of any value."""
        for index, block in enumerate(self.blocks):
            structure = block(structure, scales[:, index], shifts[:, index])
        return self.tail(structure).float()


class DgNet(nn.Module):
    """E_a, E_s and G: the appearance of one picture in the structure of another. It satisfies ``Swaps`` with RGB alone.

    Pictures come and go in [-1, 1]; inside, they have ImageNet's mean and deviation, the original's range.

    Attributes:
        method: name of the method.
        needs: nothing but the two pictures.
        config: its options.

    Raises:
        ValueError: from :meth:`swap`, :meth:`appearance` and :meth:`structure` for anything but float pictures of
            ``config.size`` in [-1, 1]; from :meth:`draw_codes` for other codes.

    Source: Zheng et al. 2019, see :mod:`momi_lib.rivals.dg_net`.

    >>> from momi_lib.rivals.dg_net import PRESETS
    >>> network = DgNet(PRESETS["small"]).eval()
    >>> pictures = torch.zeros(2, 3, 128, 64)
    >>> network.appearance(pictures).shape, network.structure(pictures).shape, network.swap(pictures, pictures).shape
    (torch.Size([2, 4, 192]), torch.Size([2, 96, 32, 16]), torch.Size([2, 3, 128, 64]))
    """

    method: ClassVar[str] = "dg-net"
    needs: ClassVar[frozenset[str]] = frozenset()
    config: DgNetConfig
    mean: Tensor
    deviation: Tensor

    def __init__(self, config: DgNetConfig) -> None:
        super().__init__()
        self.config = config
        self.appearance_encoder = AppearanceEncoder(config)
        self.structure_encoder = StructureEncoder(config)
        self.affines = Affines(config)
        self.decoder = AdaInDecoder(config)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)

    def normalised(self, pictures: Tensor) -> Tensor:
        """Pictures in [-1, 1] with ImageNet's mean and deviation of each colour."""
        return ((pictures + 1) / 2 - self.mean) / self.deviation

    def pictures(self, normalised: Tensor) -> Tensor:
        """Back to [-1, 1], clamped: only for what is looked at, never inside a loss."""
        return (2 * (normalised * self.deviation + self.mean) - 1).clamp(-1, 1)

    def appearance(self, pictures: Tensor) -> Tensor:
        """The appearance code of pictures (N, 3, H, W) in [-1, 1]: (N, stripes, D), the top stripe first."""
        encoder = self.appearance_encoder
        return encoder.stripes(encoder(self.normalised(self._checked("pictures", pictures))))

    def structure(self, pictures: Tensor) -> Tensor:
        """The structure code of pictures (N, 3, H, W) in [-1, 1]: (N, C, H/4, W/4)."""
        return self.structure_encoder(self.normalised(self._checked("pictures", pictures)))

    def draw_codes(self, appearance: Tensor, structure: Tensor) -> Tensor:
        """The picture of each appearance code in each structure code; one code may stand for all.

        Args:
            appearance: (N, stripes, D) of :meth:`appearance`, or (1, stripes, D).
            structure: (N, C, H/4, W/4) of :meth:`structure`, or one.

        Returns:
            (N, 3, H, W) in [-1, 1].
        """
        c = self.config
        shapes = (c.stripes, c.code), (c.structure, c.size[0] // 4, c.size[1] // 4)
        for name, code, shape in zip(("appearance", "structure"), (appearance, structure), shapes, strict=True):
            if tuple(code.shape[1:]) != shape or not len(code):
                raise ValueError(f"{name}: expected codes (N, {', '.join(map(str, shape))}), got {tuple(code.shape)}")
        count = max(len(appearance), len(structure))
        if {len(appearance), len(structure)} - {1, count}:
            raise ValueError(
                "appearance and structure: expected as many of each, or one, got "
                f"{len(appearance)} and {len(structure)}"
            )
        scales, shifts = (part.expand(count, -1, -1, -1) for part in self.affines(appearance))
        return self.pictures(self.decoder(structure.expand(count, -1, -1, -1), scales, shifts))

    def swap(self, source: Tensor, target: Tensor) -> Tensor:
        """The appearance of ``source`` in the structure of ``target``: twice (N, 3, H, W) in [-1, 1] → once."""
        source, target = self._checked("source", source), self._checked("target", target)
        if len(source) != len(target):
            raise ValueError(f"source and target: expected as many of each, got {len(source)} and {len(target)}")
        return self.draw_codes(self.appearance(source), self.structure(target))

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """The same as :meth:`swap`."""
        return self.swap(source, target)

    def drawn(self, source: Tensor, positive: Tensor, negative: Tensor, *, frozen: bool = False) -> Drawn:
        """The five drawings of a training step, of normalised x, x⁺ and x⁻, in one pass through each network.

        The appearance codes are detached: no loss of a drawing reaches E_a. ``frozen`` makes its features without
        gradients, too, where nothing else learns from them.
        """
        count = len(source)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            features = self.appearance_encoder(torch.cat([source, negative, positive]))
        codes = self.appearance_encoder.stripes(features).detach()
        structure = self.structure_encoder(torch.cat([source, negative]))
        x, other = structure.split(count)
        # Whose structure, and whose appearance: x and x⁻ themselves, each with the other's, and x with that of x⁺.
        structures = torch.cat([x, other, x, other, x])
        scales, shifts = (
            torch.cat([parts[0], parts[1], parts[1], parts[0], parts[2]])
            for parts in (part.split(count) for part in self.affines(codes))
        )
        pictures = self.decoder(structures, scales, shifts)
        return Drawn(pictures, features, codes, structure)

    def rehearse(self, batch: RivalBatch) -> None:
        """Draw as a training step does, so that batch norms see what they see there."""
        self.drawn(*(self.normalised(pictures) for pictures in (batch.source, batch.positive, batch.negative)))

    def _checked(self, name: str, pictures: Tensor) -> Tensor:
        check_sized(name, pictures, self.config.size)
        return pictures.to(next(self.parameters()).dtype)


class Drawn:
    """What :meth:`DgNet.drawn` found out about a triplet and drew from it; all pictures are normalised.

    Args:
        pictures: (5N, 3, H, W): the drawings.
        features: (3N, D, h, w): E_a's last features of x, x⁻ and x⁺.
        codes: (3N, stripes, D): their appearance codes, detached.
        structure: (2N, C, H/4, W/4): the structure of x and x⁻.

    Attributes:
        own: (2N, 3, H, W): x and x⁻ from their own two codes.
        crossed: (2N, 3, H, W): x with the appearance of x⁻, and x⁻ with the appearance of x.
        same: (N, 3, H, W): x with the appearance of x⁺.
    """

    def __init__(self, pictures: Tensor, features: Tensor, codes: Tensor, structure: Tensor) -> None:
        count = len(structure) // 2
        self.features, self.codes, self.structure = features, codes, structure
        self.own, self.crossed, self.same = pictures.split([2 * count, 2 * count, count])


class _AdaInBlock(nn.Module):
    def __init__(self, channels: int, padding: Padding) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, padding_mode=padding)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, padding_mode=padding)
        self.active = nn.LeakyReLU(0.2, inplace=True)

    def forward(self, x: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
        """``scales`` and ``shifts`` are (N, 2, C)."""
        y = self.active(adain(self.first(x), scales[:, 0], shifts[:, 0]))
        return x + adain(self.second(y), scales[:, 1], shifts[:, 1])


class _Residual(nn.Module):
    def __init__(self, channels: int, norm: Normalisation, padding: Padding) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(channels, channels, norm, padding), _conv(channels, channels, norm, padding, active=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _conv(
    inputs: int,
    outputs: int,
    norm: str,
    padding: Padding,
    *,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
    active: bool = True,
) -> nn.Sequential:
    around = dilation * (kernel // 2)
    # The original has biases throughout; in front of a batch norm they would only be subtracted again.
    bias = norm != "batch"
    layers: list[nn.Module] = []
    layers.append(nn.Conv2d(inputs, outputs, kernel, stride, around, dilation, bias=bias, padding_mode=padding))
    if norm == "batch":
        layers.append(nn.BatchNorm2d(outputs))
    elif norm == "instance":
        layers.append(nn.InstanceNorm2d(outputs))
    elif norm == "layer":
        layers.append(nn.GroupNorm(1, outputs))
    if active:
        layers.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*layers)


def _initialise(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
