"""Training: one config, one loop, exact resume, one or many devices."""

from momi_lib.train.config import PRESETS, TrainConfig, preset
from momi_lib.train.loop import Trainer, TrainingDiverged
from momi_lib.train.run import load_teacher, train

__all__ = ["PRESETS", "TrainConfig", "Trainer", "TrainingDiverged", "load_teacher", "preset", "train"]
