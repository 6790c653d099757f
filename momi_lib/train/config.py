"""What a training run is made of, as a frozen dataclass.

The command line is made from these classes, so a field here is an option there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from momi_lib.losses import AdversarialForm, AdversarialTerms, LossWeights
from momi_lib.train.run_config import RunConfig
from momi_lib.translate.blocks import Norm
from momi_lib.translate.network import NetworkConfig

LABELLED = (128, 64)  # size of the pictures that there are labels of body maps for


@dataclass(frozen=True, kw_only=True)
class TrainConfig(RunConfig):
    """One run of ``python -m momi_lib train``.

    Attributes:
        out: folder of the run: log, picture grids, checkpoints, weights.
        teacher: safetensors of the teacher ψ (or an official Simple Baselines checkpoint); ``None`` is the one
            that comes with the embedded data.
        teacher_input: (h, w) that an official checkpoint was trained on, where its name does not say so.
        steps: triplet batches after the warm-up and the body maps' stage.
        distil_steps: warm-up: batches in which the student alone learns (Eq. 1), because a pose map of an
            untrained student says nothing. 0 is the paper's: without weights to start with, F_p learns beside the
            others from the first step on, at its full rate and with live batch statistics. A network that carries
            needs a student before its body maps, by these steps or from weights.
        distil_batch: pictures a step of the warm-up.
        distil_moved: in the warm-up, turn, scale and shift pictures and the teacher's maps of them in common.
        body_steps: a stage of its own after the warm-up, of a network that carries: batches in which the body maps
            alone learn, from labels. 0 with such a network needs weights to start with.
        body_batch: triplets a step of that stage.
        body_learning_rate: AdamW's highest in that stage, one cycle long.
        body_labels: what the maps learn from: ``"rendered"``, the data set's own labels, or ``"committed"``: nothing,
            they are taken from the committed weights and stay as they are, for photographs and other data without
            labels.
        batch: triplets a step over **all** processes.
        seed: decides initial weights, triplets and mirroring.
        network: shape of the network.
        discriminator: channels of D.
        discriminator_norm: normalisation in D.
        perceptual: feature network of Eq. 4: ``"mannequin"``, ``"vgg19"``, ``"random"`` or ``"none"``.
        perceptual_weights: path of its weights where it is not the usual one.
        perceptual_on: the feature term of x alone, ``"source"`` (the paper's), or of x and x⁺, ``"both"``.
        perceptual_blocks: λ₂ and λ₅ of Eq. 4.
        weights: (α, β, γ) of Eq. 7.
        adversarial: form of Eq. 5.
        adversarial_terms: the terms of Eq. 5's generated pairs as their ``"sum"`` (the paper's), or their ``"mean"``:
            then D weighs real and generated pairs alike, and γ weighs half.
        feature_matching: weight, inside γ's term, of how far D's activations on generated pairs are from those on the
            real one; 0 (the paper): not asked.
        penalty: weight of R1 (and R2 for ``"relativistic"``); 0 switches it off.
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
            The person is the area of the student's landmarks and the limbs between them; in a network that carries, it
            is the silhouette of B_t.
        pose_consistency: weight of ‖F_p(x⁺) − F_p(x̂⁺)‖² + ‖F_p(x⁻) − F_p(x̂⁻)‖², means over heatmaps, in which F_p
            judges and does not learn; 0 (the paper): not asked. An x̂⁻ drawn with ``any_pose`` counts as no difference.
        lookup_guidance: weight of −log of how much the lookup, asked from a landmark (or a point between two) of x⁺
            and x⁻, looks at the same one in x; 0: it learns from the other losses where to look.
        draw_all: weight of |x − d| + |x⁺ − d⁺| over whole pictures, d what G draws before anything is carried over or
            put before a street: only with it can such a network draw a street, and what nobody sees of a person.
        sharpness: weight of the difference in edge strength from x and x⁺, averaged over 8 × 8 pixels: it penalises
            blur, which Eq. 3 forgives. Needs a network that carries, as do ``draw_all``, ``light``, ``keep`` and
            ``any_pose``.
        light: weight of the mean size of the light that is added to carried colours.
        keep: weight of the mean share that G draws itself of what the source shows, confidence times gate: what is
            carried is sharp, and a painted mean would cost Eq. 3 as little.
        any_pose: share of x̂⁻ drawn in the pose of a labelled body of x's person, such as dragging a joint can produce,
            instead of in the pose of x⁻. With ``body_labels="committed"`` it has no effect.
        start: weights (.safetensors) to begin with instead of random ones; the network's shape must be theirs, except
            that a ``lookup`` may be new. With them, ``distil_steps`` may be 0.
        start_with: ``"all"`` of them, the ``"student"`` alone, which then needs no warm-up, or the student and the body
            ``"maps"``, which then need no stage of their own.
        start_student: weights (.safetensors) whose F_p to begin with, in place of the one in ``start``.
        channels_last: memory layout of pictures and convolutions.
        compile: hand the networks to ``torch.compile``.
        log_every, grid_every, checkpoint_every: steps between lines, picture grids and checkpoints.

    >>> from momi_lib.train.presets import preset
    >>> preset("tiny").batch
    4
    """

    out: Path = Path("runs/momi")
    teacher: Path | None = None
    teacher_input: tuple[int, int] | None = None
    steps: int = 100_000
    distil_steps: int = 2_000
    distil_batch: int = 32
    distil_moved: bool = False
    body_steps: int = 0
    body_batch: int = 16
    body_learning_rate: float = 3e-3
    body_labels: Literal["rendered", "committed"] = "rendered"
    batch: int = 32
    network: NetworkConfig = field(default_factory=NetworkConfig)
    discriminator: tuple[int, ...] = (64, 128, 256, 512)
    discriminator_norm: Norm = "group"
    perceptual: Literal["mannequin", "vgg19", "random", "none"] = "vgg19"
    perceptual_weights: Path | None = None
    perceptual_on: Literal["source", "both"] = "both"
    perceptual_blocks: tuple[float, float] = (1.0, 1.0)
    weights: LossWeights = field(default_factory=LossWeights)
    adversarial: AdversarialForm = "bce"
    adversarial_terms: AdversarialTerms = "mean"
    feature_matching: float = 0.0
    penalty: float = 0.0
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
    draw_all: float = 0.0
    sharpness: float = 0.0
    light: float = 0.0
    keep: float = 0.0
    any_pose: float = 0.0
    start: Path | None = None
    start_with: Literal["all", "student", "maps"] = "all"
    start_student: Path | None = None
    channels_last: bool = True
    compile: bool = False
    log_every: int = 20
    grid_every: int = 500
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        self.check()
        for name in ("steps", "batch", "distil_batch", "body_batch", "log_every", "grid_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a whole number from 1 up, got {getattr(self, name)}")
        for name in (
            "distil_steps", "body_steps", "penalty", "pose_mask", "pose_consistency", "lookup_guidance", "draw_all",
            "sharpness", "light", "keep", "feature_matching",
        ):  # fmt: skip
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected a number from 0 up, got {getattr(self, name)}")
        self._check_carrying()
        if self.lookup_guidance and self.network.transfer == "join":
            raise ValueError("lookup_guidance: no lookup to guide; set it to 0, or network.transfer to 'lookup'")
        if min(self.perceptual_blocks) < 0:
            raise ValueError(f"perceptual_blocks: expected two numbers from 0 up, got {self.perceptual_blocks}")
        for name in ("mirror", "same_camera", "jitter", "decay_from", "ema", "any_pose"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected a number in [0, 1], got {getattr(self, name)}")

    def _check_carrying(self) -> None:
        """Refuse options of body maps that do not fit the network, and a network whose maps nothing trains."""
        if not self.network.carry:
            names = ("body_steps", "draw_all", "sharpness", "light", "keep", "any_pose")
            if any(getattr(self, name) for name in names):
                raise ValueError(f"{', '.join(names)}: expected 0 without --network.carry")
            if self.start_with == "maps":
                raise ValueError("start_with: expected 'all' or 'student' without --network.carry, which has no maps")
            return
        if self.lookup_guidance:
            raise ValueError("lookup_guidance: expected 0 with --network.carry; the body maps say where to look")
        if not self.distil_steps and self.start is None and self.start_student is None:
            raise ValueError(
                "distil_steps: body maps need a student that finds landmarks: expected a number from 1 up, or weights "
                "with one as --start or --start-student"
            )
        if self.body_labels == "rendered" and (self.body_steps or self.any_pose) and self.network.size != LABELLED:
            raise ValueError(
                f"network.size: body maps are labelled for pictures of {LABELLED[0]} x {LABELLED[1]} pixels, got "
                f"{self.network.size}"
            )
        if self.body_labels == "committed" and self.body_steps:
            raise ValueError("body_steps: expected 0 with body_labels 'committed', which takes the maps as they are")
        trained = self.start is not None and self.start_with != "student"
        if self.body_labels == "rendered" and not self.body_steps and not trained:
            raise ValueError(
                "body_steps: a network that carries needs trained body maps: give it steps, or weights that have some "
                "with --start, or --body-labels committed to take those of the committed weights"
            )
