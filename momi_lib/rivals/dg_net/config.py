"""The options of DG-Net, and its two presets."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, get_args, get_origin, get_type_hints

from momi_lib.rivals.base import RivalConfig

Backbone = Literal["resnet50", "vgg"]
Normalisation = Literal["instance", "batch"]
Padding = Literal["reflect", "zeros"]
Output = Literal["full", "sub-pixel"]
Stem = Literal["full", "lean"]
FirstWeights = Literal["gaussian", "kaiming"]


@dataclass(frozen=True, kw_only=True)
class DgNetConfig(RivalConfig):
    """Shape, losses and optimisers of DG-Net; the defaults are the published ones.

    Attributes:
        backbone: of the appearance encoder and of the re-identification teacher: ``"resnet50"``, whose last stage has
            stride 1, or ``"vgg"``, a narrow network with batch norm that answers at an eighth of the picture's size.
        backbone_weights: path of a state dict of torchvision's ResNet-50, such as ImageNet's, from which both begin; ""
            (the default): random weights. The original cannot do without ImageNet's weights. Only training reads this
            file; a trained network has its own weights.
        vgg: channels of the four stages of the ``"vgg"``; the last is the length of a stripe's code.
        doubled: double the height and width of pictures up to 128 pixels high before these networks see them (nearest).
        stripes: horizontal stripes of the appearance code, and blocks with AdaIN in the decoder: one drives one.
        width: channels of the first convolution of the structure encoder; the structure has 8 times as many.
        mlp: hidden channels of the networks that turn a stripe's code into scales and shifts.
        normalisation: outside AdaIN: ``"instance"`` (in the decoder's upsampling, layer norm instead) or ``"batch"``.
        padding: of the convolutions of structure encoder, decoder and discriminators.
        kernel: side of the convolution after each doubling in the decoder; odd.
        output: draw the picture at its ``"full"`` size, or at half of it, four pixels of three colours at each place
            (``"sub-pixel"``).
        head: hidden channels of the two heads that classify people.
        dropouts: share of hidden channels that the first and the second head drop.
        discriminator, discriminator_blocks, scales: first channels and residual blocks of each discriminator, and how
            many there are: the second sees pictures of half the size, the third of a quarter.
        discriminator_stem: two convolutions at the ``"full"`` size before the first of stride 2, or that one at once
            (``"lean"``).
        discriminator_start: their first weights: ``"gaussian"``, with a deviation of 0.02, from which networks without
            normalisation learn little in their first thousands of steps, or ``"kaiming"`` (but for the last layer), for
            a short run.
        self_weight: of the L1 distance of x and x⁻, drawn from their own two codes, from themselves.
        same_weight: of the L1 distance of x, drawn with the appearance of x⁺, from itself.
        adversarial_weight: of the least-squares loss of pictures with the structure of one person and the appearance of
            another; the generator's side counts twice. 0: no discriminator.
        penalty: weight of the squared norm of the discriminators' gradient at real pictures.
        identity_weight, positive_weight: of the first head's cross entropy of x and x⁻, and of x⁺.
        cross_weight: of a copied head's cross entropy of drawn pictures, which should show the appearance's person.
        codes_weight, cycle_weight, teacher_weight: what the weights of three more losses grow to: of the codes that are
            found again in drawn pictures, of x and x⁻ drawn back from these, and of the teacher's opinion of drawn
            pictures, from which E_a learns.
        structure_weight: of the cross entropy of the second head, which is to find the structure's person in a drawn
            picture, within the teacher's loss; also of its cross entropy of x and x⁻.
        ramp_from, ramp_share: share of the run (without the teacher's share) after which these weights grow from 0, and
            share in which a weight grows by 1.
        live_share: how often E_s is trained on drawn pictures; otherwise a copy of it judges them.
        discriminator_learning_rate: Adam's, like ``learning_rate`` of structure encoder, MLPs and decoder.
        identity_learning_rate: of E_a and the teacher, in stochastic gradient descent with Nesterov's momentum.
        head_rate: how many times as fast their heads learn.
        weight_decay: of all optimisers.
        decay_at: shares of the run (without the teacher's share) after which all rates are divided by ten.
        teacher_share: share of the run in which only the teacher learns, from real pictures; it is then frozen.
        appearance_from_teacher: E_a begins with the backbone of the trained teacher, not with weights of its own. The
            original begins with ImageNet's; without them, and in a short run, the codes would at first say little.
        erasing: share of the pictures of which a rectangle is erased before the heads classify them.
        crop: pixels by which pictures are padded before they are cropped at a random place; 0: they are not.

    Raises:
        ValueError: for an option outside its range, or a shape in which a part would have nothing left to look at.

    Source: Zheng et al. 2019 and its official repository (see :mod:`momi_lib.rivals.dg_net`).

    >>> PRESETS["paper"].identity_learning_rate, PRESETS["small"].structure
    (0.002, 96)
    """

    learning_rate: float = 1e-4
    backbone: Backbone = "resnet50"
    backbone_weights: str = ""
    vgg: tuple[int, ...] = (24, 48, 96, 192)
    doubled: bool = True
    stripes: int = 4
    width: int = 16
    mlp: int = 512
    normalisation: Normalisation = "instance"
    padding: Padding = "reflect"
    kernel: int = 5
    output: Output = "full"
    head: int = 512
    dropouts: tuple[float, float] = (0.5, 0.75)
    discriminator: int = 32
    discriminator_blocks: int = 4
    discriminator_stem: Stem = "full"
    discriminator_start: FirstWeights = "gaussian"
    scales: int = 3
    self_weight: float = 5.0
    same_weight: float = 5.0
    adversarial_weight: float = 1.0
    penalty: float = 0.01
    identity_weight: float = 1.0
    positive_weight: float = 1.0
    cross_weight: float = 0.5
    codes_weight: float = 1.0
    cycle_weight: float = 2.0
    teacher_weight: float = 2.0
    structure_weight: float = 0.2
    ramp_from: float = 0.3
    ramp_share: float = 0.02
    live_share: float = 0.5
    discriminator_learning_rate: float = 1e-4
    identity_learning_rate: float = 2e-3
    head_rate: float = 10.0
    weight_decay: float = 5e-4
    decay_at: tuple[float, ...] = (0.6, 0.9)
    teacher_share: float = 1 / 11
    appearance_from_teacher: bool = False
    erasing: float = 0.5
    crop: int = 0

    def __post_init__(self) -> None:
        for name in ("size", "vgg", "dropouts", "decay_at"):  # JSON knows no tuples
            object.__setattr__(self, name, tuple(getattr(self, name)))
        hints = get_type_hints(DgNetConfig)
        for each in fields(self):
            known, value = get_args(hints[each.name]), getattr(self, each.name)
            if get_origin(hints[each.name]) is Literal and value not in known:
                raise ValueError(f"{each.name}: expected one of {', '.join(known)}, got {value!r}")
        for names, (kind, fits, expected) in _RANGES.items():
            for name in names.split():
                value = getattr(self, name)
                for number in value if isinstance(value, tuple) else (value,):
                    if isinstance(number, bool) or not isinstance(number, kind) or not fits(number):
                        raise ValueError(f"{name}: expected {expected}, got {value!r}")
        for name, count in (("size", 2), ("vgg", 4), ("dropouts", 2)):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{name}: expected {count} numbers, got {getattr(self, name)!r}")
        self._check_shape()
        if self.backbone_weights and self.backbone != "resnet50":
            raise ValueError(
                f"backbone_weights: a file of ResNet-50 does not fit backbone {self.backbone!r}; leave it empty, or "
                "take the preset 'paper', whose backbone is 'resnet50'"
            )
        if self.teacher_weight and not self.teacher_share:
            raise ValueError(
                "teacher_share: expected a number above 0, got 0, while teacher_weight asks for a trained teacher; set "
                "teacher_weight to 0 for a run without one"
            )
        if self.appearance_from_teacher and not self.teacher_share:
            raise ValueError("appearance_from_teacher: expected False with teacher_share 0, which trains no teacher")

    def _check_shape(self) -> None:
        (height, width), rows = self.size, self.size[0] // 8
        if height % 8 or width % 8 or rows < self.stripes:
            raise ValueError(
                f"size: expected height and width divisible by 8, and at least {8 * self.stripes} rows for "
                f"{self.stripes} stripes, got {self.size}"
            )
        if self.padding == "reflect" and min(self.size) < 40:
            raise ValueError(
                f"size: reflection at the widest dilation, 9 at a quarter of the size, needs 40 pixels, got "
                f"{self.size}; take larger pictures, or padding 'zeros'"
            )
        if not self.kernel % 2:
            raise ValueError(f"kernel: expected an odd number, got {self.kernel}")
        if min(self.size) // 2 ** (self.scales + 1) < 1:
            raise ValueError(f"scales: {self.scales} discriminators leave nothing of a picture of {self.size} pixels")

    @property
    def structure(self) -> int:
        """Channels of the structure code."""
        return 8 * self.width

    @property
    def code(self) -> int:
        """Length of the appearance code of one stripe."""
        return 2048 if self.backbone == "resnet50" else self.vgg[-1]


#: Names of options, and the numbers that they may be: kind, test, words of the message.
_RANGES: dict[str, tuple[type | tuple[type, ...], Callable[[float], bool], str]] = {
    "size vgg steps batch stripes width mlp kernel head discriminator scales": (
        int, lambda x: x >= 1, "a whole number from 1 up"),
    "discriminator_blocks crop": (int, lambda x: x >= 0, "a whole number from 0 up"),
    "self_weight same_weight adversarial_weight penalty identity_weight positive_weight cross_weight codes_weight "
    "cycle_weight teacher_weight structure_weight weight_decay": (
        (int, float), lambda x: 0 <= x < math.inf, "a number from 0 up"),
    "ramp_share learning_rate discriminator_learning_rate identity_learning_rate head_rate": (
        (int, float), lambda x: 0 < x < math.inf, "a number above 0"),
    "mirror live_share erasing decay_at ramp_from": ((int, float), lambda x: 0 <= x <= 1, "a number in [0, 1]"),
    "ema dropouts teacher_share": ((int, float), lambda x: 0 <= x < 1, "a number in [0, 1)"),
}  # fmt: skip

#: ``paper``: the published options at 128 × 64, for a GPU. Of its 110,000 steps the teacher takes 10,000 (the original
#: loads a trained one; its training is not checked). Pictures are padded by 5 pixels instead of 10 at twice the size.
#:
#: ``small``: for two CPU cores, with an eighth of the multiplications: narrow networks, batch norms instead of instance
#: and layer norms, zeros around the pictures, drawings at half the size with a sub-pixel output. For a run of a few
#: thousand steps all rates but the heads' are five to ten times as high, heads learn no faster than what they stand on,
#: E_a begins with the teacher's backbone, and D with weights with which it learns at once.
PRESETS: dict[str, DgNetConfig] = {
    "small": DgNetConfig(
        steps=4_000,
        mirror=0.5,
        learning_rate=1e-3,
        backbone="vgg",
        doubled=False,
        width=12,
        mlp=64,
        normalisation="batch",
        padding="zeros",
        kernel=3,
        output="sub-pixel",
        head=128,
        discriminator=16,
        discriminator_blocks=2,
        discriminator_stem="lean",
        discriminator_start="kaiming",
        discriminator_learning_rate=5e-4,
        identity_learning_rate=2e-2,
        head_rate=1.0,
        teacher_share=0.25,
        appearance_from_teacher=True,
        erasing=0.0,
    ),
    "paper": DgNetConfig(steps=110_000, mirror=0.5, crop=5),
}
