"""Hidden cases of notebook 04b: attention by hand, attention to the person alone, and the parameters of a lookup."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from momi_lib.lessons.exercise import Exercise


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q kᵀ / √c) v, head by head."""
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v


def _without_the_root(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.mT / q.shape[-1]).softmax(-1) @ v


def _not_scaled(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.mT).softmax(-1) @ v


def _over_the_queries(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-2) @ v


def _sigmoids(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.mT / q.shape[-1] ** 0.5).sigmoid() @ v


def _scaled_by_the_values(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.mT / v.shape[-1] ** 0.5).softmax(-1) @ v


def _queries_keys_values(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(4 + seed)
    sizes = ((1, 1, 4, 4, 3, 2), (2, 4, 6, 5, 9, 12))  # N, heads, queries, keys, c, channels of a value
    return [
        tuple(2 * torch.randn(n, heads, *shape, generator=generator) for shape in ((t, c), (s, c), (s, d)))
        for n, heads, t, s, c, d in sizes
    ]


def attend_to_person(q: Tensor, k: Tensor, v: Tensor, inside: Tensor) -> Tensor:
    """The same with weights above 0 for positions inside alone; 0 where none is inside."""
    scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~inside[:, None], -torch.inf)
    return scores.softmax(-1).nan_to_num(0) @ v


def _no_mask(q: Tensor, k: Tensor, v: Tensor, inside: Tensor) -> Tensor:
    return attend(q, k, v)


def _scores_of_zero(q: Tensor, k: Tensor, v: Tensor, inside: Tensor) -> Tensor:
    return ((q @ k.mT / q.shape[-1] ** 0.5) * inside[:, None]).softmax(-1) @ v


def _masked_too_late(q: Tensor, k: Tensor, v: Tensor, inside: Tensor) -> Tensor:
    return ((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) * inside[:, None]) @ v


def _not_a_number(q: Tensor, k: Tensor, v: Tensor, inside: Tensor) -> Tensor:
    return (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~inside[:, None], -torch.inf).softmax(-1) @ v


def _very_low_scores(q: Tensor, k: Tensor, v: Tensor, inside: Tensor) -> Tensor:
    return (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~inside[:, None], -1e9).softmax(-1) @ v


def _with_a_person(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(5 + seed)
    found = []
    for n, t, s in ((2, 3, 6), (3, 5, 8)):
        q, k, v = (torch.randn(n, size, 4, generator=generator) for size in (t, s, s))
        inside = torch.rand(n, s, generator=generator) < 0.5
        inside[0, 0], inside[0, 1], inside[-1] = True, False, n == 2  # in the second case nobody is in the last picture
        found.append((q, k, v, inside))
    return found


def lookup_parameters(width: int, heads: int, positions: int) -> int:
    """Parameters of an `AppearanceLookup`: codes of positions, and four 1 × 1 convolutions with a bias."""
    queries_and_keys = 2 * (width * width + width)
    values = 2 * width * heads * width + heads * width
    result = heads * width * width + width
    return positions * width + queries_and_keys + values + result


def _no_positions(width: int, heads: int, positions: int) -> int:
    return lookup_parameters(width, heads, 0)


def _no_biases(width: int, heads: int, positions: int) -> int:
    return lookup_parameters(width, heads, positions) - (3 + heads) * width


def _values_of_appearance_alone(width: int, heads: int, positions: int) -> int:
    return lookup_parameters(width, heads, positions) - width * heads * width


def _values_are_split(width: int, heads: int, positions: int) -> int:
    return lookup_parameters(width, 1, positions)


def _heads_multiply_queries(width: int, heads: int, positions: int) -> int:
    return lookup_parameters(width, heads, positions) + 2 * (heads - 1) * (width * width + width)


def _shapes(seed: int = 0) -> list[tuple]:
    if not seed:
        return [(8, 2, 8), (16, 1, 32), (96, 4, 128)]
    draw = random.Random(seed)
    return [(8 * draw.randrange(1, 20), heads, draw.randrange(8, 300)) for heads in (1, 2, 4, 8)]


EXERCISES = {
    "attend": Exercise(
        title="Scaled dot-product attention",
        reference=attend,
        cases=_queries_keys_values,
        wrong={
            "the scores are divided by c, not by its root: products of c random terms spread as √c.": _without_the_root,
            "the scores are not scaled: divide q kᵀ by √c before the softmax.": _not_scaled,
            "the softmax runs over the queries; the weights of one query, over all keys, sum to 1.": _over_the_queries,
            "a sigmoid judges each key alone: the weights of one query have to sum to 1, so take a softmax.": _sigmoids,
            "c is the number of channels of a query and a key, not of a value.": _scaled_by_the_values,
        },
    ),
    "attend_to_person": Exercise(
        title="Attention to the person alone",
        reference=attend_to_person,
        cases=_with_a_person,
        wrong={
            "positions outside get weight, too: nothing was masked.": _no_mask,
            "a score of 0 is a score like any other; a position without weight has a score of −∞.": _scores_of_zero,
            "masked after the softmax, the weights no longer sum to 1: set scores to −∞ before it.": _masked_too_late,
            "where no position is inside, a softmax of −∞ alone is NaN; the answer is 0 there.": _not_a_number,
            "where no position is inside, equal scores are equal weights, however low; the answer is 0 there.": (
                _very_low_scores
            ),
        },
    ),
    "lookup_parameters": Exercise(
        title="Count the lookup",
        reference=lookup_parameters,
        cases=_shapes,
        wrong={
            "the code of the positions is learned as well: width numbers for each of them.": _no_positions,
            "each of the four convolutions has a bias: no norm follows it.": _no_biases,
            "values are made of z_a and z_p joined, so 2 · width channels enter.": _values_of_appearance_alone,
            "each head hands over width channels of its own; only queries and keys are split between heads.": (
                _values_are_split
            ),
            "the heads share the width channels of queries and keys: there are no more of them with more heads.": (
                _heads_multiply_queries
            ),
        },
        atol=0,
    ),
}
