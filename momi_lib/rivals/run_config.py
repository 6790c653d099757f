"""The options of a rival's training run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from momi_lib.arguments import size_from
from momi_lib.rivals.base import RivalConfig
from momi_lib.rivals.methods import method
from momi_lib.train.config import LogConfig
from momi_lib.train.run_config import Precision, RunConfig

PoseSourceName = Literal["teacher", "student", "joints"]


@dataclass(frozen=True, kw_only=True)
class RivalRunConfig(RunConfig):
    """One run of ``python -m momi_lib train pg2`` (or ``pn-gan``, ``patn``, ``dg-net``).

    Attributes:
        out: folder of the run: log, picture grids, checkpoints, weights; ``None`` is ``runs/METHOD``.
        method: which rival.
        preset: ``"small"``, for two CPU cores, or ``"paper"``, as published, for a GPU.
        poses: where a pose-guided rival's landmarks come from: the ``"teacher"``, the ``"student"`` of the committed
            network, or the labelled ``"joints"``. A method that needs no poses takes none of the latter two.
        teacher: pose network of ``poses="teacher"``: an official Simple Baselines checkpoint, or a teacher of ours;
            ``None`` is the committed one, which learned mannequins.
        teacher_input: (h, w) that an official checkpoint was trained on, if its name does not say so.
        precision: as in all trainings; by default bf16 where the device has instructions for it.
        steps: length of the run; ``None`` is the preset's, as in the next four options.
        batch: triplets in a step.
        learning_rate: of the generator.
        mirror: probability that a triplet is mirrored.
        ema: decay of the moving average of the generator's weights; 0: the weights themselves.
        same_camera: probability that x⁺ is drawn from the camera of x, if it has a second picture of the person;
            ``None`` is 1 for ``small`` and 0 for ``paper``, whose pairs are any two pictures of a person.
        backbone_weights: path of a state dict of torchvision's ResNet-50, such as ImageNet's, from which the appearance
            encoder and the teacher of DG-Net's preset ``paper`` begin, as published; ``None``: random weights.
        channels_last: memory layout of pictures and convolutions.
        log: how often the run reports and saves something.

    >>> RivalRunConfig(method="patn", steps=7).rival.steps
    7
    """

    method: str
    preset: Literal["small", "paper"] = "small"
    poses: PoseSourceName = "teacher"
    teacher: Path | None = None
    teacher_input: tuple[int, int] | None = None
    precision: Precision = "auto"
    steps: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    mirror: float | None = None
    ema: float | None = None
    same_camera: float | None = None
    backbone_weights: Path | None = None
    channels_last: bool = True
    log: LogConfig = field(default_factory=LogConfig)

    def __post_init__(self) -> None:
        self.check()
        if self.out is None:
            object.__setattr__(self, "out", Path("runs") / self.method)
        for name, known in (("preset", ("small", "paper")), ("poses", ("teacher", "student", "joints"))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: expected one of {', '.join(known)}, got {getattr(self, name)!r}")
        if self.same_camera is None:
            object.__setattr__(self, "same_camera", 1.0 if self.preset == "small" else 0.0)
        elif not 0 <= self.same_camera <= 1:
            raise ValueError(f"same_camera: expected a number in [0, 1], got {self.same_camera!r}")
        if self.backbone_weights is not None and not hasattr(method(self.method).presets["paper"], "backbone_weights"):
            raise ValueError(f"backbone_weights: {self.method} has no ResNet-50; leave out --backbone-weights")
        if self.poses != "teacher" and not method(self.method).needs:
            raise ValueError(f"poses: {self.method} is given pictures alone; leave out --poses {self.poses}")
        if self.teacher_input is not None:
            size_from("teacher_input", self.teacher_input)
        for name in ("teacher", "teacher_input"):
            if getattr(self, name) is not None and (self.poses != "teacher" or not method(self.method).needs):
                given = f"has poses from {self.poses!r}" if method(self.method).needs else "is given pictures alone"
                raise ValueError(f"{name}: {self.method} {given}; leave out --{name.replace('_', '-')}")
        _ = self.rival  # refuses what the method's own options do not allow

    @property
    def rival(self) -> RivalConfig:
        """The preset's options with this run's changes."""
        names = ("steps", "batch", "learning_rate", "mirror", "ema")
        changes = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.backbone_weights is not None:
            changes["backbone_weights"] = str(self.backbone_weights)
        return replace(method(self.method).presets[self.preset], **changes)
