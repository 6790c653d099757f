"""Plug in a generator of your own and score it beside ours: ``python examples/another_generator.py``.

A generator is whatever has ``swap(source, target)``, pictures (N, 3, H, W) in [-1, 1] in and out, ``config.size`` and
``needs``. This one takes the target's picture and gives it the mean colour of the source: half of a swap. PCK is high
because the pose is right, and rank-1 and masked L1 show that the person is wrong. The tables work at 128 × 64, so a
generator of another size resizes inside ``swap``; a ``torch.nn.Module`` has to be in evaluation mode.
``momi_lib.evaluate.table_one.table_one`` takes it in the same way, for the paper's Table I.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace

from torch import Tensor

from momi_lib.evaluate.truth_table import markdown, truth_table


class Recolour:
    """The target's picture in the mean colour of the source."""

    name = "recolour"  # of its row
    config = SimpleNamespace(size=(128, 64))  # height and width of its pictures
    needs: frozenset[str] = frozenset()  # pictures alone; a generator that is given poses says whose

    def swap(self, source: Tensor, target: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1], twice → the same."""
        shift = source.mean((2, 3), keepdim=True) - target.mean((2, 3), keepdim=True)
        return (target + shift).clamp(-1, 1)


if __name__ == "__main__":
    swaps = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print(markdown(truth_table([Recolour(), "small"], limit=swaps, named=False)))
