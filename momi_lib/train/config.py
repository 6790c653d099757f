"""The options of a training run, as frozen dataclasses: one for the run, and one for each group of its options.

The command line is made from these classes: ``--steps`` is a field of :class:`TrainConfig`, ``--loss.pose-mask`` is one
of its :class:`LossConfig`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from momi_lib.arguments import size_from
from momi_lib.losses import AdversarialForm, AdversarialTerms, LossWeights
from momi_lib.train.run_config import RunConfig, expect_types, hints_of
from momi_lib.train.run_config import expect as _expect
from momi_lib.translate.blocks import Norm
from momi_lib.translate.network import NetworkConfig

LABELLED = (128, 64)  # size of the pictures for which there are labels of body maps
#: Feature networks of Eq. 4 whose weights are read from a file.
FROM_FILES = ("mannequin", "vgg19")
#: Steps of the whole network after which the same eight swaps are saved for the lessons; also after the last step.
PROGRESS = (0, 30, 100, 300, 1_000, 3_000)


def _expect_known(group: str, options: Any) -> None:
    """Refuse words that are not among those that an option's annotation lists (ValueError), and other types."""
    expect_types(group, options)
    hints = hints_of(type(options))
    for each in fields(options):
        known, value = get_args(hints[each.name]), getattr(options, each.name)
        if get_origin(hints[each.name]) is Literal and value not in known:
            raise ValueError(f"{group}{each.name}: expected one of {', '.join(map(str, known))}, got {value!r}")


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Learning rates and the moving average of the weights.

    Attributes:
        learning_rate: Adam's, of encoders, attention and generator.
        discriminator_learning_rate: Adam's, of D.
        student_learning_rate: Adam's, of F_p in the warm-up.
        student_rate_after: factor of the student's learning rate after the warm-up, when batches are smaller.
        body_learning_rate: AdamW's highest in the body maps' stage, which is one cycle.
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
        _expect("optim.", self, "decay", "betas")
        _expect("optim.", self, "share", "decay_from", "ema")


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Eq. 1 to 7: their forms, weights and judges, and additional losses.

    Attributes:
        weights: (α, β, γ) of Eq. 7, and the factor of Eq. 4's feature term.
        distil_norm: norm of Eq. 1.
        perceptual: feature network of Eq. 4: ``"mannequin"``, ``"vgg19"``, ``"random"`` or ``"none"``.
        perceptual_weights: path of its weights, if it is not the default one; only for ``"mannequin"`` and ``"vgg19"``.
        perceptual_on: the feature term is of x only, ``"source"`` (the paper's), or of x and x⁺, ``"both"``.
        perceptual_blocks: λ₂ and λ₅ of Eq. 4.
        adversarial: form of Eq. 5.
        adversarial_terms: how Eq. 5 combines its terms of generated pairs: ``"sum"`` (the paper's) or ``"mean"``, with
            which D weighs real and generated pairs equally, and γ has half the effect.
        discriminator: channels of D.
        discriminator_norm: normalisation in D.
        feature_matching: weight, inside γ's term, of how far D's activations on generated pairs are from those on the
            real one; 0 (the paper): off.
        penalty: weight of R1 (and R2 for ``"relativistic"``); 0: off.
        patch_shape: ``"square"`` around each joint (the paper's) or ``"strip"`` along each limb.
        patch_radius: half the side of a patch of Eq. 6 (half the width of a strip), in pixels.
        patch_size: side to which a patch is resampled, in samples.
        pose_mask: how much more than the background a pixel on the person counts in Eq. 3; 0 (the paper): equally.
            The person is the area of the student's landmarks and the limbs between them; in a network that carries, it
            is the silhouette of B_t.
        pose_consistency: weight of ‖F_p(x⁺) − F_p(x̂⁺)‖² + ‖F_p(x⁻) − F_p(x̂⁻)‖², means over heatmaps, in which F_p
            judges and does not learn; 0 (the paper): off. An x̂⁻ drawn with ``augment.any_pose`` counts as zero.
        lookup_guidance: weight of −log of the attention that the lookup pays, from each landmark (or point between two
            landmarks) of x⁺ and x⁻, to the same one in x; 0: only the other losses teach it where to look.
        draw_all: weight of |x − d| + |x⁺ − d⁺| over whole pictures; d is what G draws before anything is carried over
            or put in front of a street. Only with it can such a network draw a street and the hidden parts of a person.
        sharpness: weight of the difference in edge strength from x and x⁺, averaged over 8 × 8 pixels: it penalises
            blur, which Eq. 3 forgives. Needs a network that carries, as do ``draw_all``, ``light`` and ``keep``.
        light: weight of the mean size of the light that is added to the colours that are carried over.
        keep: weight of the mean share of what the source shows that G draws itself (confidence times gate): what is
            carried over is sharp, but for Eq. 3 a blurred mean is as good.
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
        _expect_known("loss.", self)
        _expect(
            "loss.", self, "weight", "perceptual_blocks", "feature_matching", "penalty", "pose_mask",
            "pose_consistency", "lookup_guidance", "draw_all", "sharpness", "light", "keep",
        )  # fmt: skip
        _expect("loss.", self, "rate", "patch_radius")
        _expect("loss.", self, "count", "patch_size", "discriminator")
        self._check_used()

    def _check_used(self) -> None:
        """Refuse options that the others leave without any effect (ValueError)."""
        if self.perceptual_weights is not None and self.perceptual not in FROM_FILES:
            raise ValueError(
                f"loss.perceptual_weights: {self.perceptual_weights} would not be read with loss.perceptual "
                f"{self.perceptual!r}; leave it out, or set loss.perceptual to {' or '.join(map(repr, FROM_FILES))}"
            )
        for name in ("feature_matching", "penalty"):
            if getattr(self, name) and not self.weights.adversarial:
                raise ValueError(
                    f"loss.{name}: expected 0, got {getattr(self, name)}: with loss.weights.adversarial "
                    f"0 the discriminator is not used; set loss.{name} to 0, or loss.weights.adversarial above 0"
                )


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Which triplets are drawn, and how their pictures are changed.

    Attributes:
        mirror: probability that a triplet is mirrored.
        same_camera: probability that x⁺ is drawn from the camera of x, if it has a second picture of the person.
            Across cameras, nothing in the input tells G the colours of x⁺.
        jitter: strength of the colour change that x, x⁺ and x⁻ share, from 0 (the paper) to 1.
        distil_moved: in the warm-up, rotate, scale and shift the pictures together with the teacher's maps of them.
        any_pose: share of x̂⁻ drawn in the pose of a labelled body of x's person, such as a dragged joint can produce,
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
    """Weights to start from, instead of random ones.

    Attributes:
        start: weights (.safetensors). The network must have their shape, but a lookup or a detailed pose code that they
            lack starts at random; with other ``parts`` than ``"all"``, only the parts that are taken must have the same
            shape. With such weights, ``distil_steps`` may be 0.
        parts: of ``start``, ``"all"`` parts, only the ``"student"``, which then needs no warm-up, or the student and
            the body ``"maps"``, which then need no stage of their own.
        student: weights (.safetensors) from which F_p is taken, instead of from ``start``.
    """

    start: Path | None = None
    parts: Literal["all", "student", "maps"] = "all"
    student: Path | None = None

    def __post_init__(self) -> None:
        _expect_known("init.", self)
        if self.parts != "all" and self.start is None:
            raise ValueError(
                f"init.parts: expected 'all' without init.start, got {self.parts!r}: there are no weights to take "
                "parts from; name a file with --init.start, or leave out --init.parts"
            )


@dataclass(frozen=True, kw_only=True)
class LogConfig:
    """How often a run reports and saves something.

    Attributes:
        every: steps between two lines of the log. Only on a GPU, losses are read back this rarely: a loss that is not
            finite is reported up to this many steps later, but never reaches the weights.
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
        teacher_input: (h, w) that an official checkpoint was trained on, if its name does not say so.
        steps: triplet batches after the warm-up and the body maps' stage.
        batch: triplets per step, over **all** processes together.
        distil_steps: warm-up: batches in which only the student learns (Eq. 1), because the pose maps of an untrained
            student are meaningless. 0 is the paper's: without weights to start from, F_p then learns with the other
            parts from the first step, at its full rate and with live batch statistics. A network that carries needs a
            student before its body maps, from these steps or from weights.
        distil_batch: pictures per step of the warm-up.
        body_steps: a stage after the warm-up, of a network that carries: batches in which only the body maps learn,
            from labels. With such a network, 0 needs weights with body maps in ``init.start``, or
            ``body_labels="committed"``.
        body_batch: triplets per step of that stage.
        body_labels: what the body maps learn from: ``"rendered"``, the labels of the data set, or ``"committed"``: they
            learn nothing, but are taken from the committed weights and stay as they are, for photographs and other data
            without labels.
        channels_last: memory layout of pictures and convolutions.
        compile: use ``torch.compile`` for the networks.
        seed: decides initial weights, triplets and mirroring.
        network: shape of the network.
        loss: what is minimised.
        optim: learning rates.
        augment: triplets and changes of pictures.
        init: weights to start from.
        log: how often the run reports something.

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
        _expect_known("", self)
        _expect("", self, "count", "steps", "batch", "distil_batch", "body_batch")
        if self.teacher_input is not None:
            size_from("teacher_input", self.teacher_input)
        _expect("", self, "count or none", "distil_steps", "body_steps")
        self._check_discriminator()
        self._check_carrying()
        if self.loss.lookup_guidance and self.network.transfer == "join":
            raise ValueError(
                f"loss.lookup_guidance: expected 0, got {self.loss.lookup_guidance}: there is no lookup to guide; set "
                "it to 0, or network.transfer to 'lookup'"
            )

    def _check_discriminator(self) -> None:
        """Refuse a D that halves the pictures until nothing is left of a side."""
        size, depth = self.network.size, len(self.loss.discriminator)
        most = min(size).bit_length() - 1  # each entry halves a side, and drops what does not divide
        if depth > most and self.loss.weights.adversarial:
            raise ValueError(
                f"loss.discriminator: expected at most {most} entries for pictures of {size[0]} x {size[1]} "
                f"(network.size), each of which halves their sides, got {depth}; leave some out"
            )

    def _check_carrying(self) -> None:
        """Refuse options of body maps that do not fit the network, and a network whose body maps are never trained."""
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
            raise ValueError(
                f"loss.lookup_guidance: expected 0 with --network.carry, whose body maps say where to look, got "
                f"{loss.lookup_guidance}"
            )
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
                "body_steps: a network that carries needs trained body maps: expected a number from 1 up, weights that "
                "have body maps as --init.start, or --body-labels committed, which takes those of the committed weights"
            )
