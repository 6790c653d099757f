"""What a training run is made of, as frozen dataclasses, and the presets by name.

The command line is made from these classes, so a field here is an option there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from momi_lib.losses import AdversarialForm, LossWeights
from momi_lib.translate.blocks import Norm
from momi_lib.translate.network import NetworkConfig


@dataclass(frozen=True)
class TrainConfig:
    """One run of ``python -m momi_lib train``.

    Attributes:
        data: folder in Market-1501's layout; ``None`` is ``$MOMI_DATA`` or the embedded set.
        out: folder of the run: log, picture grids, checkpoints, weights.
        teacher: safetensors of the teacher ψ (or an official Simple Baselines checkpoint); ``None`` is the one
            that comes with the embedded data.
        steps: triplet batches after the warm-up.
        distil_steps: warm-up: batches in which the student alone learns (Eq. 1), because a pose map of an
            untrained student says nothing.
        distil_batch: pictures a step of the warm-up.
        distil_moved: in the warm-up, turn, scale and shift pictures and the teacher's maps of them in common.
        batch: triplets a step over **all** processes.
        seed: decides initial weights, triplets and mirroring.
        network: shape of the network.
        discriminator: channels of D.
        discriminator_norm: normalisation in D.
        perceptual: feature network of Eq. 4: ``"mannequin"``, ``"vgg19"``, ``"random"`` or ``"none"``.
        perceptual_weights: path of its weights where it is not the usual one.
        weights: (α, β, γ) of Eq. 7.
        adversarial: form of Eq. 5.
        penalty: weight of R1 (and R2 for ``"relativistic"``); 0 switches it off.
        swap_in_discriminator: also show D the pair (x, x̂⁻), which Eq. 5 leaves out.
        negative_pose: whose landmarks z_p⁻ and the patches of x̂⁻ are made of: those that the ``"student"`` finds (the
            paper), or the labelled ``"joints"``, where the data set has them.
        distil_norm: norm of Eq. 1.
        patch_shape: ``"square"`` around each joint (the paper's) or ``"strip"`` along each limb.
        patch_radius, patch_size: half the side (a strip's width) in pixels and the resampled side of a patch.
        learning_rate, discriminator_learning_rate, student_learning_rate: Adam's.
        student_rate_after: factor of the student's learning rate after the warm-up, where batches are smaller.
        betas: Adam's.
        decay_from: share of ``steps`` after which the learning rates fall linearly to zero.
        ema: decay of the exponential moving average of the weights.
        mirror: probability that a triplet is mirrored.
        same_camera: probability that x⁺ is drawn from the camera of x, where the person has another picture there.
            Across cameras nothing in the input tells G the colours of x⁺'s.
        jitter: strength of the change of colours that x, x⁺ and x⁻ share, 0 (the paper) to 1.
        pose_mask: how much more than the background a pixel on the person counts in Eq. 3; 0 (the paper): alike.
            The person is where the student's landmarks and the limbs between them are.
        pose_consistency: weight of ‖F_p(x⁺) − F_p(x̂⁺)‖² + ‖F_p(x⁻) − F_p(x̂⁻)‖², means over heatmaps, in which F_p
            judges and does not learn; 0 (the paper): not asked.
        lookup_guidance: weight of −log of how much the lookup, asked from a landmark (or a point between two) of x⁺ and
            x⁻, looks at the same one in x; 0: it learns from the other losses where to look.
        start: weights (.safetensors) to begin with instead of random ones; the network's shape must be theirs, except
            that a ``lookup`` may be new. With them, ``distil_steps`` may be 0.
        start_with: ``"all"`` of them, or the ``"student"`` alone, which then needs no warm-up.
        start_student: weights (.safetensors) whose F_p to begin with, in place of the one in ``start``.
        precision: ``"fp32"``, ``"bf16"`` (autocast), or ``"auto"``: bf16 where the device has instructions for it.
        channels_last: memory layout of pictures and convolutions.
        compile: hand the networks to ``torch.compile``.
        device: ``"auto"`` or ``"cpu"``.
        log_every, grid_every, checkpoint_every: steps between lines, picture grids and checkpoints.

    >>> preset("tiny").batch
    4
    """

    data: Path | None = None
    out: Path = Path("runs/momi")
    teacher: Path | None = None
    steps: int = 100_000
    distil_steps: int = 2_000
    distil_batch: int = 32
    distil_moved: bool = False
    batch: int = 32
    seed: int = 0
    network: NetworkConfig = field(default_factory=NetworkConfig)
    discriminator: tuple[int, ...] = (64, 128, 256, 512)
    discriminator_norm: Norm = "group"
    perceptual: Literal["mannequin", "vgg19", "random", "none"] = "vgg19"
    perceptual_weights: Path | None = None
    weights: LossWeights = field(default_factory=LossWeights)
    adversarial: AdversarialForm = "bce"
    penalty: float = 0.0
    swap_in_discriminator: bool = False
    negative_pose: Literal["student", "joints"] = "student"
    distil_norm: Literal["mse", "l2"] = "mse"
    patch_shape: Literal["square", "strip"] = "square"
    patch_radius: float = 10.0
    patch_size: int = 8
    learning_rate: float = 2e-4
    discriminator_learning_rate: float = 2e-4
    student_learning_rate: float = 1e-3
    student_rate_after: float = 0.1
    betas: tuple[float, float] = (0.5, 0.999)
    decay_from: float = 0.5
    ema: float = 0.999
    mirror: float = 0.5
    same_camera: float = 0.0
    jitter: float = 0.0
    pose_mask: float = 0.0
    pose_consistency: float = 0.0
    lookup_guidance: float = 0.0
    start: Path | None = None
    start_with: Literal["all", "student"] = "all"
    start_student: Path | None = None
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    channels_last: bool = True
    compile: bool = False
    device: Literal["auto", "cpu"] = "auto"
    log_every: int = 20
    grid_every: int = 500
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "distil_batch", "log_every", "grid_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a whole number from 1 up, got {getattr(self, name)}")
        for name in ("distil_steps", "penalty", "pose_mask", "pose_consistency", "lookup_guidance"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected a number from 0 up, got {getattr(self, name)}")
        if self.lookup_guidance and self.network.transfer == "join":
            raise ValueError("lookup_guidance: no lookup to guide; set it to 0, or network.transfer to 'lookup'")
        for name in ("mirror", "same_camera", "jitter", "decay_from", "ema"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected a number in [0, 1], got {getattr(self, name)}")


_SMALL = NetworkConfig(
    width=96,
    encoder=(32, 64),
    stem="lean",
    attention_blocks=3,
    lean_attention=True,
    generator=(96, 64, 64, 32),
    generator_blocks=(2, 1, 0, 0),
    output="half",  # a stage at full size took a quarter of the step
    kernel=3,
    transfer="lookup",  # for this and the options below see benchmarks/experiments.md
    pose_detail=16,
    student=32,
    decoder="dark",
)
#: How the committed weights were finished, beside the paper; benchmarks/experiments.md says what of it was compared.
_FOUND: dict[str, Any] = dict(
    distil_moved=True,
    student_rate_after=0.02,
    weights=LossWeights(patch=0.1, adversarial=0.1),
    same_camera=1.0,
    jitter=0.4,
    pose_mask=6.0,
    patch_radius=6.0,
    pose_consistency=5.0,
    lookup_guidance=0.2,
)

PRESETS: dict[str, TrainConfig] = {
    # Tests: every part is there, seconds on one core; group norm, so that processes agree with one.
    "tiny": TrainConfig(
        steps=20,
        distil_steps=5,
        distil_batch=4,
        batch=4,
        network=NetworkConfig(
            width=16, encoder=(8, 16), stem="lean", attention_blocks=2, lean_attention=True,
            generator=(16, 16, 8, 8), generator_blocks=(1, 0, 0, 0), kernel=3, norm="group", student=16,
        ),
        discriminator=(8, 16),
        perceptual="random",
        log_every=1,
        grid_every=20,
        checkpoint_every=5,
    ),
    # Two CPU cores: a step with everything on is meant to stay under 0.7 s (benchmarks/results/steps-cpu.json).
    "small": TrainConfig(
        steps=10_000,
        distil_steps=2_000,
        batch=8,
        network=_SMALL,
        discriminator=(32, 64, 128),
        discriminator_norm="none",  # group norm in D alone took a fifth of the step on a CPU
        perceptual="mannequin",
        precision="auto",
        **_FOUND,
    ),
    # One GPU: the paper's width with lean stems, at most 16 M parameters.
    "base": TrainConfig(
        network=NetworkConfig(
            width=256, encoder=(64, 128), stem="lean", attention_blocks=4, lean_attention=True,
            generator=(192, 160, 96, 64), generator_blocks=(1, 1, 1, 0), transfer="lookup", pose_detail=16,
            student=32, decoder="dark",
        ),
        batch=64,
        discriminator=(64, 128, 256),
        perceptual="mannequin",
        precision="bf16",
        compile=True,
        **_FOUND,
    ),
    # The literal reading: d = 256, nine blocks of two 3×3 convolutions a stream, 7×7 stems, VGG-19.
    "paper": TrainConfig(
        network=NetworkConfig(width=256, encoder=(128, 256), generator_blocks=(4, 0, 0, 0)),
        perceptual="vgg19",
    ),
}  # fmt: skip


def preset(name: str, **changes: object) -> TrainConfig:
    """A preset, with fields changed.

    Raises:
        ValueError: for a name that is not one of the presets.

    >>> preset("small", batch=4).batch
    4
    """
    if name not in PRESETS:
        raise ValueError(f"preset: expected one of {', '.join(PRESETS)}, got {name!r}")
    return replace(PRESETS[name], **changes)


def changed(config: TrainConfig, change: Mapping[str, Any]) -> TrainConfig:
    """A config with fields changed; those of its ``network`` and ``weights`` as mappings of their own.

    >>> config = changed(preset("small"), {"seed": 1, "weights": {"patch": 0.0}})
    >>> config.seed, config.weights.patch, config.weights.adversarial
    (1, 0.0, 0.1)
    """
    fields = {
        key: replace(getattr(config, key), **value) if isinstance(value, Mapping) else value
        for key, value in change.items()
    }
    return replace(config, **fields)


def as_in_the_paper(config: TrainConfig) -> TrainConfig:
    """The same sizes with the paper's own parts, losses and weights: without what the experiments added.

    >>> plain = as_in_the_paper(preset("small"))
    >>> plain.network.transfer, plain.network.width, plain.weights.adversarial
    ('join', 96, 0.5)
    """
    usual = TrainConfig()
    options = {name: getattr(usual, name) for name in _FOUND}
    return replace(config, network=replace(config.network, transfer="join", pose_detail=0), **options)
