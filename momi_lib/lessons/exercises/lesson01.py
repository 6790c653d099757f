"""Hidden cases of notebook 01: names, masks as runs, and positives from another camera."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor

from momi_lib.lessons.exercise import Exercise

NAME = r"(-1|\d{4})_c\d+s\d+_\d+_\d+\.jpg"


def _people(names: list[str], dropped: tuple[int, ...]) -> list[int]:
    numbers = {int(match[1]) for name in names if (match := re.fullmatch(NAME, name))}
    return sorted(numbers - set(dropped))


def people_in(names: list[str]) -> list[int]:
    """The sorted people that the names state, without junk and distractors."""
    return _people(names, (-1, 0))


def _names(seed: int = 0) -> list[tuple]:
    a, b, c = (1 + (seed * step + start) % 1501 for step, start in ((1, 1), (7, 1500), (11, 10)))
    first = [f"{a:04d}_c1s1_000451_03.jpg", "-1_c6s1_002301_04.jpg", "Thumbs.db"]
    second = [f"{b:04d}_c6s3_000001_01.jpg", "0000_c3s2_017853_02.jpg", f"{c:04d}_c2s1_000776_01.jpg"]
    twice = [f"{c:04d}_c1s1_000001_00.jpg", f"{c:04d}_c2s1_000001_00.jpg"]
    return [(first,), (second + first,), (twice,), (["Thumbs.db"],)]


def _pictures(names: list[str]) -> list[int]:
    return sorted(int(m[1]) for n in names if (m := re.fullmatch(NAME, n)) and int(m[1]) > 0)


def _run_lengths(flat: Tensor) -> list[int]:
    edges = torch.nonzero(flat[1:] != flat[:-1])[:, 0] + 1
    return torch.diff(torch.cat([torch.tensor([0]), edges, torch.tensor([len(flat)])])).tolist()


def runs_of(mask: Tensor) -> list[int]:
    """Lengths of the runs of a mask, column by column, background first."""
    flat = mask.T.flatten().long()
    return ([0] if flat[0] else []) + _run_lengths(flat)


def _runs_of_rows(mask: Tensor) -> list[int]:
    return runs_of(mask.T)


def _runs_without_zero(mask: Tensor) -> list[int]:
    return _run_lengths(mask.T.flatten().long())


def _runs_without_last(mask: Tensor) -> list[int]:
    return runs_of(mask)[:-1]


def _masks(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(seed + 1)
    block = torch.zeros(6, 4, dtype=torch.long)
    block[2:5, 1:3] = 1
    corner = torch.zeros(5, 3, dtype=torch.long)
    corner[0, 0] = 1
    return [(block,), (corner,), ((torch.rand(7, 4, generator=generator) > 0.5).long(),)]


def other_cameras(persons: Tensor, cameras: Tensor, source: int) -> Tensor:
    """Pictures of the source's person from cameras that are not the source's."""
    return torch.nonzero((persons == persons[source]) & (cameras != cameras[source]))[:, 0]


def _any_camera(persons: Tensor, cameras: Tensor, source: int) -> Tensor:
    same = persons == persons[source]
    same[source] = False
    return torch.nonzero(same)[:, 0]


def _anybody(persons: Tensor, cameras: Tensor, source: int) -> Tensor:
    return torch.nonzero(cameras != cameras[source])[:, 0]


def _number_as_person(persons: Tensor, cameras: Tensor, source: int) -> Tensor:
    return torch.nonzero((persons == source) & (cameras != cameras[source]))[:, 0]


def _strangers(persons: Tensor, cameras: Tensor, source: int) -> Tensor:
    return torch.nonzero((persons != persons[source]) & (cameras != cameras[source]))[:, 0]


def _scenes(seed: int = 0) -> list[tuple]:
    generator = torch.Generator().manual_seed(seed + 2)

    def draw(high: int, size: int) -> Tensor:
        return torch.randint(1, high, (size,), generator=generator)

    small = (torch.tensor([5, 5, 5, 9, 5]), torch.tensor([1, 1, 2, 2, 3]), 0)
    return [small, (draw(4, 30), draw(7, 30), 4), (draw(6, 40), draw(4, 40), 2)]


def _mistake(function: Callable, **settings: object) -> Callable:
    return lambda *arguments: function(*arguments, **settings)


EXERCISES = {
    "people_in": Exercise(
        title="Whom to keep",
        reference=people_in,
        cases=_names,
        wrong={
            "-1 is junk and not a person: leave it out.": _mistake(_people, dropped=(0,)),
            "0000 marks distractors and not a person: leave it out.": _mistake(_people, dropped=(-1,)),
            "Neither -1 (junk) nor 0000 (distractors) is a person.": _mistake(_people, dropped=()),
            "Asked are people, not pictures: name each person once.": _pictures,
        },
    ),
    "runs_of": Exercise(
        title="A mask's runs",
        reference=runs_of,
        cases=_masks,
        wrong={
            "You read row by row, but the runs go down the columns: transpose first.": _runs_of_rows,
            "Background comes first: if the mask starts with the person, the first run is 0.": _runs_without_zero,
            "The last run is missing: the runs add up to H × W.": _runs_without_last,
        },
    ),
    "other_cameras": Exercise(
        title="Harder positives",
        reference=other_cameras,
        cases=_scenes,
        wrong={
            "Some of these come from the source's own camera.": _any_camera,
            "A positive shows the same person; you compared only the cameras.": _anybody,
            "These are people other than the source's: you collected negatives.": _strangers,
            "`source` is the number of a picture; its person is persons[source].": _number_as_person,
        },
    ),
}
