"""Evaluation: how good a swap is, measured against its truth."""

from momi_lib.evaluate.truth import TruthScores, masked_l1, masked_ssim, score_truth, swap_all

__all__ = ["TruthScores", "masked_l1", "masked_ssim", "score_truth", "swap_all"]
