"""Evaluation: whole tables of scores, for swaps with a known answer and for the pairs of the paper."""

from momi_lib.evaluate.answers import swap_all, trivial_answers

__all__ = ["swap_all", "trivial_answers"]
