"""Plug in a generator of your own and score it beside ours: ``python examples/another_generator.py``.

A generator is whatever has ``swap(source, target)``, pictures (N, 3, H, W) in [-1, 1] in and out. This one takes the
target's picture and gives it the mean colour of the source: half of a swap, and no score should be satisfied.
"""

from __future__ import annotations

import sys

from torch import Tensor

from momi_lib.data import load_truth
from momi_lib.evaluate import swap_all, trivial_answers
from momi_lib.metrics import score_truth


class Recolour:
    """The target's picture in the mean colour of the source."""

    def swap(self, source: Tensor, target: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1], twice → the same."""
        shift = source.mean((2, 3), keepdim=True) - target.mean((2, 3), keepdim=True)
        return (target + shift).clamp(-1, 1)


if __name__ == "__main__":
    truth = load_truth().select(slice(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
    people = truth.people.pictures
    answers = {"recolour": swap_all(Recolour(), people[truth.source], people[truth.target]), **trivial_answers(truth)}
    for name, pictures in answers.items():
        print(f"{name:<12} {score_truth(pictures, truth)}")
