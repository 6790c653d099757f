"""The exercises of notebook 12: the nearest visible point, who shows a point, and a colour without the street."""

from __future__ import annotations

import torch
from torch import Tensor

from momi_lib.lessons.exercise import Exercise


def nearest_seen(wanted: Tensor, places: Tensor, seen: Tensor) -> Tensor:
    """Index of the nearest of K places that are seen, for each of Q wanted ones."""
    return torch.cdist(wanted, places).masked_fill(~seen, torch.inf).argmin(1)


def hidden_ones_too(wanted: Tensor, places: Tensor, seen: Tensor) -> Tensor:
    return torch.cdist(wanted, places).argmin(1)


def without_depth(wanted: Tensor, places: Tensor, seen: Tensor) -> Tensor:
    return nearest_seen(wanted[:, [0, 2]], places[:, [0, 2]], seen)


def index_among_the_seen(wanted: Tensor, places: Tensor, seen: Tensor) -> Tensor:
    return torch.cdist(wanted, places[seen]).argmin(1)


def place_cases(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(seed)
    cases = []
    for queries, keys in ((4, 9), (16, 40), (50, 120)):
        size = torch.tensor([0.5, 0.4, 1.7])
        wanted, places = (size * (torch.rand(n, 3, generator=generator) - 0.5) for n in (queries, keys))
        seen = torch.rand(keys, generator=generator) < 0.5
        seen[-1] = True
        cases.append((wanted, places, seen))
    return cases


def who_shows_it(own: Tensor, mirrored: Tensor, reach: float) -> Tensor:
    """0 where the source shows the point itself, 1 where it shows only the mirrored one, 2 where it shows neither."""
    return torch.where(own < reach, 0, torch.where(mirrored < reach, 1, 2))


def the_nearer_wins(own: Tensor, mirrored: Tensor, reach: float) -> Tensor:
    return torch.where(torch.minimum(own, mirrored) >= reach, 2, (mirrored < own).long())


def only_where_both(own: Tensor, mirrored: Tensor, reach: float) -> Tensor:
    return torch.where((own < reach) & (mirrored < reach), 0, torch.where(mirrored < reach, 1, 2))


def without_a_reach(own: Tensor, mirrored: Tensor, reach: float) -> Tensor:
    return (mirrored < own).long()


def distance_cases(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(seed)
    cases = []
    for count, reach in ((12, 0.03), (30, 0.06), (200, 0.03)):
        own, mirrored = 2.5 * reach * torch.rand(2, count, generator=generator)
        own[::7] = torch.inf  # nothing was looked up there
        cases.append((own, mirrored, reach))
    return cases


def carried_colour(colours: Tensor, alpha: Tensor, weights: Tensor) -> Tensor:
    """The person's share of four pixels' colours; 0 where there is nothing of the person."""
    shares = weights * alpha
    return (shares[..., None] * colours).sum(1) / shares.sum(1, keepdim=True).clamp_min(1e-3)


def street_too(colours: Tensor, alpha: Tensor, weights: Tensor) -> Tensor:
    return (weights[..., None] * colours).sum(1)


def never_divided(colours: Tensor, alpha: Tensor, weights: Tensor) -> Tensor:
    return ((weights * alpha)[..., None] * colours).sum(1)


def divided_by_nothing(colours: Tensor, alpha: Tensor, weights: Tensor) -> Tensor:
    shares = weights * alpha
    return (shares[..., None] * colours).sum(1) / shares.sum(1, keepdim=True)


def colour_cases(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(seed)
    cases = []
    for count in (3, 8, 20):
        colours = 2 * torch.rand(count, 4, 3, generator=generator) - 1
        alpha = torch.rand(count, 4, generator=generator).round(decimals=1)
        alpha[0] = 0.0  # nothing but street
        alpha[1] = 1.0  # nothing but the person
        x, y = torch.rand(2, count, generator=generator)
        weights = torch.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], dim=1)
        cases.append((colours, alpha, weights))
    return cases


EXERCISES = {
    "nearest_seen": Exercise(
        title="The nearest visible point",
        reference=nearest_seen,
        cases=place_cases,
        wrong={
            "You also look at places that are not seen: give them an infinite distance before you take the "
            "minimum.": hidden_ones_too,
            "Y is missing. Without it, chest and back have the same coordinates.": without_depth,
            "Your index counts only the places that are seen. Return the index among all K: mask the others instead "
            "of cutting them out.": index_among_the_seen,
        },
        atol=0,
    ),
    "who_shows_it": Exercise(
        title="Who shows this point?",
        reference=who_shows_it,
        cases=distance_cases,
        wrong={
            "You take the nearer of the two. The mirrored side is a guess: take it only where the point itself is not "
            "shown.": the_nearer_wins,
            "You ask for both sides at once. The own side alone is enough for a 0.": only_where_both,
            "There is always a nearest place. Only one that is nearer than `reach` shows the point.": without_a_reach,
        },
        atol=0,
    ),
    "carried_colour": Exercise(
        title="A colour without the street",
        reference=carried_colour,
        cases=colour_cases,
        atol=1e-4,
        wrong={
            "`alpha` is missing, so the street's colours come along at the silhouette.": street_too,
            "Divide by the sum of weights times alpha. Without it, the person's edge becomes grey, as 0 is the "
            "middle of the scale.": never_divided,
            "Where there is nothing of the person you divide 0 by 0. Keep the divisor above a small number such as "
            "1e-3.": divided_by_nothing,
        },
    ),
}
