"""Metrics, one file each, with the formula on top: numbers about pictures, joints and features.

A metric imports nothing from ``translate``, ``train``, ``evaluate`` or ``study``; a network that it needs is an
argument.
"""

from momi_lib.metrics.distances import frechet_distance, polynomial_mmd
from momi_lib.metrics.perceptual import describe, perceptual_distance
from momi_lib.metrics.pose import Score, left_right_confusion, pck, person_heights, pose_score
from momi_lib.metrics.reid import rank1
from momi_lib.metrics.true_swaps import TruthScores, masked_l1, masked_ssim, score_truth, sharpness
from momi_lib.metrics.uncertainty import Difference, paired_difference, standard_error

__all__ = [
    "Difference",
    "Score",
    "TruthScores",
    "describe",
    "frechet_distance",
    "left_right_confusion",
    "masked_l1",
    "masked_ssim",
    "paired_difference",
    "pck",
    "perceptual_distance",
    "person_heights",
    "polynomial_mmd",
    "pose_score",
    "rank1",
    "score_truth",
    "sharpness",
    "standard_error",
]
