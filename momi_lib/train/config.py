"""What a training run is made of, as frozen dataclasses: one for the run, and one for each group of its options.

The command line is made from these classes: ``--steps`` is a field of :class:`TrainConfig`, ``--loss.pose-mask`` one
of its :class:`LossConfig`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from momi_lib.losses import AdversarialForm, AdversarialTerms, LossWeights
from momi_lib.train.run_config import RunConfig
from momi_lib.translate.blocks import Norm
from momi_lib.translate.network import NetworkConfig

LABELLED = (128, 64)  # size of the pictures that there are labels of body maps for


def _expect(group: str, options: object, kind: str, *names: str) -> None:
    """Refuse numbers that are not of a ``kind``: ``"count"``, ``"weight"``, ``"rate"`` or ``"share"`` (ValueError)."""
    fits, expected = {
        "count": (lambda x: x >= 1, "a whole number from 1 up"),
        "weight": (lambda x: 0 <= x < math.inf, "a number from 0 up"),
        "rate": (lambda x: 0 < x < math.inf, "a number above 0"),
        "share": (lambda x: 0 <= x <= 1, "a number in [0, 1]"),
    }[kind]
    for name in names:
        value = getattr(options, name)
        for number in value if isinstance(value, tuple) else (value,):
            if not fits(number):
                raise ValueError(f"{group}{name}: expected {expected}, got {value}")


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Learning rates and the moving average of the weights.

    Attributes:
        learning_rate: Adam's, of encoders, attention and generator.
        discriminator_learning_rate: Adam's, of D.
        student_learning_rate: Adam's, of F_p in the warm-up.
        student_rate_after: factor of the student's learning rate after the warm-up, where batches are smaller.
        body_learning_rate: AdamW's highest in the body maps' stage, one cycle long.
        betas: Adam's.
        decay_from: share of ``steps`` after which the learning rates fall linearly to zero.
        ema: decay of the exponential moving average of the weights.
    """

    learning_rate: float = 2e-4
    discriminator_learning_rate: float = 2e-4
    student_learning_rate: float = 1e-3
    student_rate_after: float = 0.1
    body_learning_rate: float = 3e-3
    betas: tuple[float, float] = (0.5, 0.999)
    decay_from: float = 0.5
    ema: float = 0.999

    def __post_init__(self) -> None:
        rates = ("learning_rate", "discriminator_learning_rate", "student_learning_rate", "body_learning_rate")
        _expect("optim.", self, "rate", *rates)
        _expect("optim.", self, "weight", "student_rate_after")
        _expect("optim.", self, "share", "betas", "decay_from", "ema")


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Eq. 1 to 7: forms, weights and judges, and what may be asked beside them.

    Attributes:
        weights: (α, β, γ) of Eq. 7, and the factor of Eq. 4's feature term.
        distil_norm: norm of Eq. 1.
        perceptual: feature network of Eq. 4: ``"mannequin"``, ``"vgg19"``, ``"random"`` or ``"none"``.
        perceptual_weights: path of its weights where it is not the usual one.
        perceptual_on: the feature term of x alone, ``"source"`` (the paper's), or of x and x⁺, ``"both"``.
        perceptual_blocks: λ₂ and λ₅ of Eq. 4.
        adversarial: form of Eq. 5.
        adversarial_terms: the terms of Eq. 5's generated pairs as their ``"sum"`` (the paper's), or their ``"mean"``:
            then D weighs real and generated pairs alike, and γ weighs half.
        discriminator: channels of D.
        discriminator_norm: normalisation in D.
        feature_matching: weight, inside γ's term, of how far D's activations on generated pairs are from those on the
            real one; 0 (the paper): not asked.
        penalty: weight of R1 (and R2 for ``"relativistic"``); 0 switches it off.
        patch_shape: ``"square"`` around each joint (the paper's) or ``"strip"`` along each limb.
        patch_radius: half the side of a patch of Eq. 6 (half the width of a strip), in pixels.
        patch_size: side to which a patch is resampled, in samples.
        pose_mask: how much more than the background a pixel on the person counts in Eq. 3; 0 (the paper): alike.
            The person is the area of the student's landmarks and the limbs between them; in a network that carries, it
            is the silhouette of B_t.
        pose_consistency: weight of ‖F_p(x⁺) − F_p(x̂⁺)‖² + ‖F_p(x⁻) − F_p(x̂⁻)‖², means over heatmaps, in which F_p
            judges and does not learn; 0 (the paper): not asked. An x̂⁻ drawn with ``augment.any_pose`` counts as no
            difference.
        lookup_guidance: weight of −log of how much the lookup, asked from a landmark (or a point between two) of x⁺
            and x⁻, looks at the same one in x; 0: it learns from the other losses where to look.
        draw_all: weight of |x − d| + |x⁺ − d⁺| over whole pictures, d what G draws before anything is carried over or
            put before a street: only with it can such a network draw a street, and what nobody sees of a person.
        sharpness: weight of the difference in edge strength from x and x⁺, averaged over 8 × 8 pixels: it penalises
            blur, which Eq. 3 forgives. Needs a network that carries, as do ``draw_all``, ``light`` and ``keep``.
        light: weight of the mean size of the light that is added to carried colours.
        keep: weight of the mean share that G draws itself of what the source shows, confidence times gate: what is
            carried is sharp, and a painted mean would cost Eq. 3 as little.
    """

    weights: LossWeights = field(default_factory=LossWeights)
    distil_norm: Literal["mse", "l2"] = "mse"
    perceptual: Literal["mannequin", "vgg19", "random", "none"] = "vgg19"
    perceptual_weights: Path | None = None
    perceptual_on: Literal["source", "both"] = "both"
    perceptual_blocks: tuple[float, float] = (1.0, 1.0)
    adversarial: AdversarialForm = "bce"
    adversarial_terms: AdversarialTerms = "mean"
    discriminator: tuple[int, ...] = (64, 128, 256, 512)
    discriminator_norm: Norm = "group"
    feature_matching: float = 0.0
    penalty: float = 0.0
    patch_shape: Literal["square", "strip"] = "square"
    patch_radius: float = 10.0
    patch_size: int = 8
    pose_mask: float = 0.0
    pose_consistency: float = 0.0
    lookup_guidance: float = 0.0
    draw_all: float = 0.0
    sharpness: float = 0.0
    light: float = 0.0
    keep: float = 0.0

    def __post_init__(self) -> None:
        _expect(
            "loss.", self, "weight", "perceptual_blocks", "feature_matching", "penalty", "pose_mask",
            "pose_consistency", "lookup_guidance", "draw_all", "sharpness", "light", "keep",
        )  # fmt: skip
        _expect("loss.", self, "rate", "patch_radius")
        _expect("loss.", self, "count", "patch_size", "discriminator")


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Which triplets are drawn, and how their pictures are changed.

    Attributes:
        mirror: probability that a triplet is mirrored.
        same_camera: probability that x⁺ is drawn from the camera of x, where the person has another picture there.
            Across cameras nothing in the input tells G the colours of x⁺'s.
        jitter: strength of the change of colours that x, x⁺ and x⁻ share, 0 (the paper) to 1.
        distil_moved: in the warm-up, turn, scale and shift pictures and the teacher's maps of them in common.
        any_pose: share of x̂⁻ drawn in the pose of a labelled body of x's person, such as dragging a joint can produce,
            instead of in the pose of x⁻. Needs a network that carries; with ``body_labels="committed"`` it has no
            effect.
    """

    mirror: float = 0.5
    same_camera: float = 0.0
    jitter: float = 0.0
    distil_moved: bool = False
    any_pose: float = 0.0

    def __post_init__(self) -> None:
        _expect("augment.", self, "share", "mirror", "same_camera", "jitter", "any_pose")


@dataclass(frozen=True, kw_only=True)
class InitConfig:
    """Weights to begin with instead of random ones.

    Attributes:
        start: weights (.safetensors); the network's shape must be theirs, except that a ``lookup`` may be new. With
            them, ``distil_steps`` may be 0.
        parts: ``"all"`` of them, the ``"student"`` alone, which then needs no warm-up, or the student and the body
            ``"maps"``, which then need no stage of their own.
        student: weights (.safetensors) whose F_p to begin with, in place of the one in ``start``.
    """

    start: Path | None = None
    parts: Literal["all", "student", "maps"] = "all"
    student: Path | None = None


@dataclass(frozen=True, kw_only=True)
class LogConfig:
    """How often a run says and keeps something.

    Attributes:
        every: steps between two lines of the log; losses are read back from the device once in so many.
        grid_every: steps between two picture grids.
        checkpoint_every: steps between two checkpoints.
    """

    every: int = 20
    grid_every: int = 500
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        _expect("log.", self, "count", "every", "grid_every", "checkpoint_every")


@dataclass(frozen=True, kw_only=True)
class TrainConfig(RunConfig):
    """One run of ``python -m momi_lib train``.

    Attributes:
        out: folder of the run: log, picture grids, checkpoints, weights.
        teacher: safetensors of the teacher ψ (or an official Simple Baselines checkpoint); ``None`` is the one
            that comes with the embedded data.
        teacher_input: (h, w) that an official checkpoint was trained on, where its name does not say so.
        steps: triplet batches after the warm-up and the body maps' stage.
        batch: triplets a step over **all** processes.
        distil_steps: warm-up: batches in which the student alone learns (Eq. 1), because a pose map of an
            untrained student says nothing. 0 is the paper's: without weights to start with, F_p learns beside the
            others from the first step on, at its full rate and with live batch statistics. A network that carries
            needs a student before its body maps, by these steps or from weights.
        distil_batch: pictures a step of the warm-up.
        body_steps: a stage of its own after the warm-up, of a network that carries: batches in which the body maps
            alone learn, from labels. 0 with such a network needs weights to start with.
        body_batch: triplets a step of that stage.
        body_labels: what the maps learn from: ``"rendered"``, the data set's own labels, or ``"committed"``: nothing,
            they are taken from the committed weights and stay as they are, for photographs and other data without
            labels.
        channels_last: memory layout of pictures and convolutions.
        compile: hand the networks to ``torch.compile``.
        seed: decides initial weights, triplets and mirroring.
        network: shape of the network.
        loss: what is minimised.
        optim: learning rates.
        augment: triplets and changes of pictures.
        init: weights to begin with.
        log: how often the run says something.

    >>> from momi_lib.train.presets import preset
    >>> preset("tiny").batch, preset("tiny").loss.weights.patch
    (4, 0.5)
    """

    out: Path = Path("runs/momi")
    teacher: Path | None = None
    teacher_input: tuple[int, int] | None = None
    steps: int = 100_000
    batch: int = 32
    distil_steps: int = 2_000
    distil_batch: int = 32
    body_steps: int = 0
    body_batch: int = 16
    body_labels: Literal["rendered", "committed"] = "rendered"
    channels_last: bool = True
    compile: bool = False
    network: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    init: InitConfig = field(default_factory=InitConfig)
    log: LogConfig = field(default_factory=LogConfig)

    def __post_init__(self) -> None:
        self.check()
        _expect("", self, "count", "steps", "batch", "distil_batch", "body_batch")
        _expect("", self, "weight", "distil_steps", "body_steps")
        self._check_carrying()
        if self.loss.lookup_guidance and self.network.transfer == "join":
            raise ValueError("loss.lookup_guidance: no lookup to guide; set it to 0, or network.transfer to 'lookup'")

    def _check_carrying(self) -> None:
        """Refuse options of body maps that do not fit the network, and a network whose maps nothing trains."""
        loss, init = self.loss, self.init
        if not self.network.carry:
            asked = {"body_steps": self.body_steps, "augment.any_pose": self.augment.any_pose}
            asked |= {f"loss.{name}": getattr(loss, name) for name in ("draw_all", "sharpness", "light", "keep")}
            if any(asked.values()):
                names = ", ".join(name for name, value in asked.items() if value)
                raise ValueError(f"{names}: expected 0 without --network.carry")
            if init.parts == "maps":
                raise ValueError("init.parts: expected 'all' or 'student' without --network.carry, which has no maps")
            return
        if loss.lookup_guidance:
            raise ValueError("loss.lookup_guidance: expected 0 with --network.carry; the body maps say where to look")
        if not self.distil_steps and init.start is None and init.student is None:
            raise ValueError(
                "distil_steps: body maps need a student that finds landmarks: expected a number from 1 up, or weights "
                "with one as --init.start or --init.student"
            )
        rendered, wanted = self.body_labels == "rendered", self.body_steps or self.augment.any_pose
        if rendered and wanted and self.network.size != LABELLED:
            raise ValueError(
                f"network.size: body maps are labelled for pictures of {LABELLED[0]} x {LABELLED[1]} pixels, got "
                f"{self.network.size}"
            )
        if not rendered and self.body_steps:
            raise ValueError("body_steps: expected 0 with body_labels 'committed', which takes the maps as they are")
        trained = init.start is not None and init.parts != "student"
        if rendered and not self.body_steps and not trained:
            raise ValueError(
                "body_steps: a network that carries needs trained body maps: give it steps, or weights that have some "
                "with --init.start, or --body-labels committed to take those of the committed weights"
            )
