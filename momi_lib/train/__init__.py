"""Training: one config, one loop, exact resume, one or many devices."""

from momi_lib.train.config import TrainConfig
from momi_lib.train.loop import Trainer
from momi_lib.train.loss_record import TrainingDiverged
from momi_lib.train.presets import PRESETS, preset
from momi_lib.train.run import train

__all__ = ["PRESETS", "TrainConfig", "Trainer", "TrainingDiverged", "preset", "train"]
