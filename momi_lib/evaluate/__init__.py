"""Evaluation: how good a swap is, measured against its truth."""

from momi_lib.evaluate.descriptors import describe, perceptual_distance
from momi_lib.evaluate.distances import frechet_distance, kernel_distance
from momi_lib.evaluate.recognition import pose_score, rank1
from momi_lib.evaluate.truth import TruthScores, masked_l1, masked_ssim, score_truth, sharpness, swap_all

__all__ = [
    "TruthScores",
    "describe",
    "frechet_distance",
    "kernel_distance",
    "masked_l1",
    "masked_ssim",
    "perceptual_distance",
    "pose_score",
    "rank1",
    "score_truth",
    "sharpness",
    "swap_all",
]
