"""Training runs by name, and what changes one into another: the presets, and the paper's own reading of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from momi_lib.losses import LossWeights
from momi_lib.provenance import plain
from momi_lib.train.config import TrainConfig
from momi_lib.translate.network import NetworkConfig

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
    decoder="newton",
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
#: How a network that carries is trained beside that; benchmarks/experiments.md says what of it was compared.
_CARRIED: dict[str, Any] = dict(
    lookup_guidance=0.0, pose_consistency=10.0, draw_all=0.3, light=0.1, keep=0.5, any_pose=0.35,
)  # fmt: skip
#: What else the paper does not have; the defaults stand for going without.
_BEYOND = (
    "body_steps", "body_labels", "draw_all", "sharpness", "light", "keep", "any_pose", "feature_matching",
)  # fmt: skip
#: Options in which a run may differ from the paper, sizes and rates left out: what the experiments and carrying added,
#: and where the other presets read the paper more freely than ``paper``.
BESIDE_THE_PAPER = {*_FOUND, *_BEYOND, "transfer", "pose_detail", "carry"} - {"body_steps"} | {
    "distil_steps", "mirror", "perceptual", "perceptual_on", "adversarial_terms", "attention_block", "decoder",
    "decode_at",
}  # fmt: skip

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
    # The same with body maps and a painter.
    "tiny-carry": TrainConfig(
        steps=6,
        distil_steps=2,
        body_steps=2,
        distil_batch=4,
        body_batch=4,
        batch=4,
        network=NetworkConfig(
            width=16, encoder=(8, 16), stem="lean", attention_blocks=2, lean_attention=True,
            generator=(16, 16, 8, 8), generator_blocks=(1, 0, 0, 0), kernel=3, norm="group", student=16,
            output="features", carry=True, body_source=(8, 8, 8, 16), body_target=(8, 8, 8, 8), painter=8,
        ),
        discriminator=(8, 16),
        perceptual="random",
        log_every=1,
        grid_every=20,
        checkpoint_every=5,
    ),
    # Two CPU cores: a step with everything on is meant to stay under 0.7 s (benchmarks/results/steps-cpu.json).
    "lookup": TrainConfig(
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
    # Two CPU cores, 150 minutes from nothing: what is visible in the source is carried over.
    "small": TrainConfig(
        steps=3_500,
        distil_steps=5_000,
        body_steps=6_000,
        batch=8,
        network=replace(_SMALL, generator=(96, 64, 48, 32), output="features", carry=True),
        discriminator=(32, 64, 128),
        discriminator_norm="none",
        perceptual="mannequin",
        precision="auto",
        **_FOUND | _CARRIED | dict(learning_rate=4e-4),
    ),
    # One GPU: it carries clothes over, as `small` does; at most 16 M parameters, half of them in the body maps.
    "base": TrainConfig(
        body_steps=4_000,
        body_batch=64,
        network=NetworkConfig(
            width=160, encoder=(64, 128), stem="lean", attention_blocks=3, lean_attention=True,
            generator=(160, 112, 80, 64), generator_blocks=(1, 1, 1, 0), output="features", transfer="lookup",
            pose_detail=16, student=32, decoder="newton", carry=True, body_source=(48, 96, 144, 192),
            body_target=(48, 96, 144, 192), painter=32,
        ),
        batch=64,
        discriminator=(64, 128, 256),
        perceptual="mannequin",
        precision="bf16",
        compile=True,
        **_FOUND | _CARRIED,
    ),
    # The literal reading: d = 256, nine blocks as in pose-attention transfer, 7×7 stems, the maximum taken at H × W,
    # VGG-19 on x alone, Eq. 5 as a sum, everything trained together from the first step on, nothing mirrored.
    "paper": TrainConfig(
        network=NetworkConfig(
            width=256, encoder=(128, 256), attention_block="pat", generator_blocks=(4, 0, 0, 0), decode_at="full"
        ),
        distil_steps=0,
        perceptual="vgg19",
        perceptual_on="source",
        adversarial_terms="sum",
        mirror=0.0,
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
    """The same sizes with the paper's own parts, losses and weights: without what the experiments and carrying added.

    A generator that ended in features for a painter draws the picture itself, two by two pixels at once.

    >>> plain = as_in_the_paper(preset("small"))
    >>> plain.network.transfer, plain.network.carry, plain.network.output, plain.network.width
    ('join', False, 'half', 96)
    >>> plain.weights.adversarial, plain.body_steps, as_in_the_paper(preset("paper")) == preset("paper")
    (0.5, 0, True)
    """
    usual = TrainConfig()
    options = {name: getattr(usual, name) for name in (*_FOUND, *_BEYOND)}
    output = "half" if config.network.output == "features" else config.network.output
    network = replace(config.network, transfer="join", pose_detail=0, carry=False, output=output)
    return replace(config, network=network, **options)


def beside_the_paper(card: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What the run of a card took otherwise than the paper: option → what it took, and what the paper says.

    Asked are the options in :data:`BESIDE_THE_PAPER`, and the preset ``paper`` says what the paper says. Sizes of the
    network, rates and numbers of steps are not among them, but for the warm-up, which the paper does not have. An
    option that is younger than the card had its default.

    >>> beside_the_paper({"config": plain(preset("paper", jitter=0.4))})
    {'jitter': (0.4, 0.0)}
    """
    paper = _flat(plain(preset("paper")))
    used = _flat(plain(TrainConfig())) | _flat(card["config"])
    asked = [name for name in paper if name.partition(".")[0] in BESIDE_THE_PAPER]
    return {name: (used[name], paper[name]) for name in asked if used[name] != paper[name]}


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a config, those of its network and its weights among them."""
    parts = {"network": "", "weights": "weights."}
    inner = {parts[part] + name: value for part in parts for name, value in config.get(part, {}).items()}
    return {name: value for name, value in config.items() if name not in parts} | inner
