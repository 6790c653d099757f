"""Training runs by name, and what changes one into another: the presets, and the paper's own reading of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from momi_lib.arguments import word
from momi_lib.provenance import plain
from momi_lib.train.config import AugmentConfig, LogConfig, LossConfig, OptimConfig, TrainConfig
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
_FOUND: dict[str, Any] = {
    "loss.weights.patch": 0.1,
    "loss.weights.adversarial": 0.1,
    "loss.pose_mask": 6.0,
    "loss.patch_radius": 6.0,
    "loss.pose_consistency": 5.0,
    "loss.lookup_guidance": 0.2,
    "optim.student_rate_after": 0.02,
    "augment.distil_moved": True,
    "augment.same_camera": 1.0,
    "augment.jitter": 0.4,
}
#: How a network that carries is trained beside that; benchmarks/experiments.md says what of it was compared.
_CARRIED: dict[str, Any] = {
    "loss.lookup_guidance": 0.0,
    "loss.pose_consistency": 10.0,
    "loss.draw_all": 0.3,
    "loss.light": 0.1,
    "loss.keep": 0.5,
    "augment.any_pose": 0.35,
}
#: What else the paper does not have; the defaults stand for going without.
_BEYOND = (
    "body_steps", "body_labels", "loss.weights.translate", "loss.weights.perceptual", "loss.adversarial",
    "loss.penalty", "loss.patch_shape", "loss.sharpness", "loss.feature_matching", *_CARRIED,
)  # fmt: skip
#: Options in which a run may differ from the paper, sizes and rates left out: what the experiments and carrying added,
#: and where the other presets read the paper more freely than ``paper``.
BESIDE_THE_PAPER = {*_FOUND, *_BEYOND, "network.transfer", "network.pose_detail", "network.carry"} - {"body_steps"} | {
    "distil_steps", "augment.mirror", "loss.perceptual", "loss.perceptual_on", "loss.adversarial_terms",
    "network.attention_block", "network.decoder", "network.decode_at",
}  # fmt: skip


def changed(config: TrainConfig, change: Mapping[str, Any]) -> TrainConfig:
    """A config with options changed, those of its groups by dotted names or as mappings of their own.

    Raises:
        ValueError: for a name that is not an option, or a value that the config refuses.

    >>> config = changed(preset("small"), {"seed": 1, "loss.weights.patch": 0.0, "network": {"width": 64}})
    >>> config.seed, config.loss.weights.patch, config.loss.weights.adversarial, config.network.width
    (1, 0.0, 0.1, 64)
    """
    return _replaced(config, _nested(flat(change)), "")


def _replaced(config: Any, change: Mapping[str, Any], group: str) -> Any:
    if not is_dataclass(config) or isinstance(config, type):
        raise ValueError(f"{group[:-1]}: expected a value, got options of it: {', '.join(map(str, change))}")
    known = {f.name for f in fields(config)}
    for name, value in change.items():
        inner = getattr(config, name, None)
        if is_dataclass(inner) and not isinstance(value, Mapping) and type(value) is not type(inner):
            raise ValueError(f"{group}{name}: expected a {type(inner).__name__} or options of it, got {value!r}")
        if name not in known:
            where = f"the group {group[:-1]}" if group else "a training run"
            raise ValueError(f"{group}{name}: no option of {where}; expected one of {', '.join(sorted(known))}")
    return replace(config, **{
        name: _replaced(getattr(config, name), value, f"{group}{name}.") if isinstance(value, Mapping) else value
        for name, value in change.items()
    })  # fmt: skip


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Options without nesting: ``{"network": {"sigma": 4}}`` → ``{"network.sigma": 4}``.

    >>> flat({"network": {"sigma": 4.0}, "loss": {"weights": {"patch": 0.0}}, "seed": 1})
    {'network.sigma': 4.0, 'loss.weights.patch': 0.0, 'seed': 1}
    """
    found: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": entry for inner, entry in flat(value).items()}
        else:
            found[name] = value
    return found


def _nested(options: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`flat`."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        *groups, last = name.split(".")
        inner = found
        for group in groups:
            inner = inner.setdefault(group, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{name}: expected either the whole of {group} or options of it, got both")
        if isinstance(inner.get(last), dict):
            raise ValueError(f"{name}: expected either the whole of it or options of it, got both")
        inner[last] = value
    return found


#: Every step of a run of seconds.
_OFTEN = LogConfig(every=1, grid_every=20, checkpoint_every=5)
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
        loss=LossConfig(discriminator=(8, 16), perceptual="random"),
        log=_OFTEN,
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
        loss=LossConfig(discriminator=(8, 16), perceptual="random"),
        log=_OFTEN,
    ),
    # Two CPU cores: a step with everything on is meant to stay under 0.7 s (benchmarks/results/steps-cpu.json).
    "lookup": changed(
        TrainConfig(
            steps=10_000,
            distil_steps=2_000,
            batch=8,
            network=_SMALL,
            # Group norm in D alone took a fifth of the step on a CPU.
            loss=LossConfig(discriminator=(32, 64, 128), discriminator_norm="none", perceptual="mannequin"),
            precision="auto",
        ),
        _FOUND,
    ),
    # Two CPU cores, 150 minutes from nothing: what is visible in the source is carried over.
    "small": changed(
        TrainConfig(
            steps=3_500,
            distil_steps=5_000,
            body_steps=6_000,
            batch=8,
            network=replace(_SMALL, generator=(96, 64, 48, 32), output="features", carry=True),
            loss=LossConfig(discriminator=(32, 64, 128), discriminator_norm="none", perceptual="mannequin"),
            optim=OptimConfig(learning_rate=4e-4),
            precision="auto",
        ),
        _FOUND | _CARRIED,
    ),
    # One GPU: it carries clothes over, as `small` does; at most 16 M parameters, half of them in the body maps.
    "base": changed(
        TrainConfig(
            body_steps=4_000,
            body_batch=64,
            network=NetworkConfig(
                width=160, encoder=(64, 128), stem="lean", attention_blocks=3, lean_attention=True,
                generator=(160, 112, 80, 64), generator_blocks=(1, 1, 1, 0), output="features", transfer="lookup",
                pose_detail=16, student=32, decoder="newton", carry=True, body_source=(48, 96, 144, 192),
                body_target=(48, 96, 144, 192), painter=32,
            ),
            batch=64,
            loss=LossConfig(discriminator=(64, 128, 256), perceptual="mannequin"),
            precision="bf16",
            compile=True,
        ),
        _FOUND | _CARRIED,
    ),
    # The closest to the paper: d = 256, nine blocks as in pose-attention transfer, 7×7 stems, the maximum taken at
    # H × W, VGG-19 on x alone, Eq. 5 as a sum, everything trained together from the first step on, nothing mirrored.
    "paper": TrainConfig(
        network=NetworkConfig(
            width=256, encoder=(128, 256), attention_block="pat", generator_blocks=(4, 0, 0, 0), decode_at="full"
        ),
        distil_steps=0,
        loss=LossConfig(perceptual="vgg19", perceptual_on="source", adversarial_terms="sum"),
        augment=AugmentConfig(mirror=0.0),
    ),
}  # fmt: skip


def preset(name: str, **changes: Any) -> TrainConfig:
    """A preset, with options changed as :func:`changed` does.

    Raises:
        ValueError: for a name that is not one of the presets or of its options.

    >>> preset("small", batch=4, loss={"keep": 0.0}).loss.keep
    0.0
    """
    return changed(PRESETS[word("preset", name, PRESETS)], changes)


def as_in_the_paper(config: TrainConfig) -> TrainConfig:
    """The same sizes with the paper's own parts, losses and weights: without what the experiments and carrying added.

    A generator that ended in features for a painter draws the picture itself, two by two pixels at once.

    >>> plain = as_in_the_paper(preset("small"))
    >>> plain.network.transfer, plain.network.carry, plain.network.output, plain.network.width
    ('join', False, 'half', 96)
    >>> plain.loss.weights.adversarial, plain.body_steps, as_in_the_paper(preset("paper")) == preset("paper")
    (0.5, 0, True)
    """
    usual = flat(plain(TrainConfig()))
    output = "half" if config.network.output == "features" else config.network.output
    parts = {"network.transfer": "join", "network.pose_detail": 0, "network.carry": False, "network.output": output}
    return changed(config, {name: usual[name] for name in (*_FOUND, *_BEYOND)} | parts)


def beside_the_paper(card: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What the run of a card took otherwise than the paper: option → what it took, and what the paper says.

    Asked are the options in :data:`BESIDE_THE_PAPER`, and the preset ``paper`` says what the paper says. Sizes of the
    network, rates and numbers of steps are not among them, but for the warm-up, which the paper does not have. An
    option that is younger than the card had its default.

    >>> beside_the_paper({"config": plain(preset("paper", augment={"jitter": 0.4}))})
    {'augment.jitter': (0.4, 0.0)}
    """
    paper = flat(plain(preset("paper")))
    used = flat(plain(TrainConfig())) | flat(card["config"])
    asked = [name for name in paper if name in BESIDE_THE_PAPER]
    return {name: (used[name], paper[name]) for name in asked if used[name] != paper[name]}
