"""What is asked of every method in the race: true swaps, what was copied, strangers and same-person pairs, the pose.

All measures count the person's pixels. Errors are standard errors, resampled by person.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from momi_lib.data import People, Truth, to_float, to_uint8
from momi_lib.evaluate.answers import swap_all
from momi_lib.evaluate.truth_judges import Judges
from momi_lib.metrics.copying import copied_share, edge_correlation, joint_colour_distance
from momi_lib.metrics.true_swaps import masked_l1
from momi_lib.metrics.uncertainty import standard_error
from momi_lib.rivals.base import Landmarks
from momi_lib.rivals.posed import Posed, pose_source
from momi_lib.translate import MomiNet
from momi_lib.translate.network import Pose
from momi_lib.translate.swaps import Swaps, device_of

#: Joints as they are given to a method, with the deviation of the noise that is added to labelled ones, in pixels.
NOISE = {"joints": 0.0, "joints + 2 px": 2.0, "joints + 4 px": 4.0, "joints + 8 px": 8.0}
FOUND = ("teacher", "student")


class SamePersonPairs(NamedTuple):
    """Pairs of one person and camera, each chosen to change the pose as much as one of the true swaps does.

    ``source`` and ``target`` (K,) index the test people; ``change`` (K,) is the mean distance of their joints, and
    ``wanted`` (K,) that of the true swaps, in pixels.
    """

    source: Tensor
    target: Tensor
    change: Tensor
    wanted: Tensor


def same_person_pairs(truth: Truth) -> SamePersonPairs:
    """Pairs (x, x⁺) of the test people for which x⁺ is the right answer, matched to the true swaps by pose.

    Raises:
        ValueError: for people without labelled joints and masks, or of whom nobody has two pictures from one camera.
    """
    people = truth.people
    if people.joints is None or people.masks is None:
        raise ValueError(f"{people.folder}: expected labelled joints and masks of the test people, got none")
    same = (people.persons[:, None] == people.persons) & (people.cameras[:, None] == people.cameras)
    first, second = same.fill_diagonal_(False).nonzero(as_tuple=True)
    if not len(first):
        raise ValueError(f"{people.folder}: expected people with two pictures from one camera, got none")
    change = _pose_change(people, first, second)
    wanted = _pose_change(people, truth.source, truth.target)
    chosen, free = [], torch.ones(len(first), dtype=torch.bool)
    for value in wanted.tolist():
        nearest = int((change - value).abs().masked_fill(~free, torch.inf).argmin())
        if free.sum() > 1:
            free[nearest] = False
        chosen.append(nearest)
    index = torch.tensor(chosen)
    return SamePersonPairs(first[index], second[index], change[index], wanted)


def _pose_change(people: People, source: Tensor, target: Tensor) -> Tensor:
    assert people.joints is not None and people.visibility is not None
    places = [people.joints[index] for index in (source, target)]
    both = (people.visibility[source] > 0) & (people.visibility[target] > 0)
    away = (places[0] - places[1]).norm(dim=-1) * both
    return away.sum(1) / both.sum(1).clamp_min(1)


def score_method(method: Swaps, truth: Truth, judges: Judges, others: SamePersonPairs, *, poses: int = 200) -> dict:
    """All scores of one method, JSON-ready.

    Args:
        method: takes RGB; a :class:`~momi_lib.rivals.posed.Posed` or a MomiNet is also given other poses.
        truth: M true swaps.
        judges: of these swaps.
        others: pairs of one person.
        poses: on how many of the swaps the dependence on the pose is measured.
    """
    people = truth.people
    drawn = swap_all(method, people.pictures[truth.source], people.pictures[truth.target])
    scores = judges.score(drawn) | copied(drawn, truth)
    known = swap_all(method, people.pictures[others.source], people.pictures[others.target])
    scores |= gap(drawn, known, truth, others)
    rows = pose_dependence(method, truth.select(slice(poses)))
    return {**scores, **_pose_rise(rows), "poses": rows}


def copied(drawn: Tensor, truth: Truth) -> dict[str, float]:
    """Whose edges, background and colours M swaps (M, 3, H, W) uint8 show.

    Returns:
        ``edges_target`` and ``edges_truth``: correlation of the person's edges with those of the target's picture and
        of the true swap; ``edges_lean``: the first less the second; ``background_copied``: share of the background's
        pixels that are the target's, within a tenth; ``colour_lean``: how much further the colours at the joints are
        from the target's than from the source's. Each with its ``_error``.
    """
    people = truth.people
    target = people.pictures[truth.target]
    edges = {"edges_target": edge_correlation(drawn, target, truth.masks),
             "edges_truth": edge_correlation(drawn, truth.pictures, truth.masks)}  # fmt: skip
    values = {
        **edges,
        "edges_lean": edges["edges_target"] - edges["edges_truth"],
        "background_copied": copied_share(drawn, target, ~truth.masks),
    }
    if people.joints is not None and people.visibility is not None:
        ours = (truth.joints, truth.visibility == 2)
        away = [
            joint_colour_distance(drawn, *ours, people.pictures[i], people.joints[i], people.visibility[i] == 2)
            for i in (truth.target, truth.source)
        ]
        values["colour_lean"] = away[0] - away[1]
    persons = [people.persons[index] for index in (truth.source, truth.target)]
    return _means(values, *persons)


def gap(drawn: Tensor, known: Tensor, truth: Truth, others: SamePersonPairs) -> dict[str, float]:
    """How much larger the masked L1 is between strangers than between two pictures of one person.

    Returns:
        ``l1_known``, ``gap`` = L1 of the true swaps less L1 of the same-person pairs, with their ``_error``, and
        ``change`` and ``change_known``: mean change of pose of both sets, in pixels.
    """
    people = truth.people
    assert people.masks is not None  # same_person_pairs refuses people without
    strangers = masked_l1(drawn, truth.pictures, truth.masks)
    same = masked_l1(known, people.pictures[others.target], people.masks[others.target])
    persons = [people.persons[index] for index in (truth.source, truth.target)]
    error = standard_error(strangers, *persons), standard_error(same, people.persons[others.source])
    values = {
        "l1_known": float(same.nanmean()),
        "l1_known_error": error[1],
        "gap": float(strangers.nanmean() - same.nanmean()),
        "gap_error": (error[0] ** 2 + error[1] ** 2) ** 0.5,
        "change": float(others.wanted.mean()),
        "change_known": float(others.change.mean()),
    }
    return {name: _rounded(value) for name, value in values.items()}


def pose_dependence(method: Swaps, truth: Truth) -> dict[str, dict[str, float]]:
    """Masked L1 with labelled joints, with noise on them, and with joints that a network found.

    Empty for a method that takes no pose. Hidden joints of the labels are given, too: they are where the body is.

    Returns:
        name of the pose → ``l1``, and ``rise``: by how much it is above that with labelled joints, swap by swap; each
        with its ``_error``.
    """
    people, found = truth.people, {}
    if not isinstance(method, Posed | MomiNet) or people.joints is None:
        return {}
    persons = [people.persons[index] for index in (truth.source, truth.target)]
    first: Tensor | None = None
    for name, landmarks in _given(truth, device_of(method)).items():
        drawn = drawn_with(method, people.pictures[truth.source], *landmarks)
        each = masked_l1(drawn, truth.pictures, truth.masks)
        first = each if first is None else first
        found[name] = _means({"l1": each, "rise": each - first}, *persons)
    return found


def _given(truth: Truth, device: torch.device) -> dict[str, tuple[Landmarks, Landmarks]]:
    people = truth.people
    assert people.joints is not None and people.visibility is not None
    generator = torch.Generator().manual_seed(0)
    noise = [torch.randn(len(truth), 17, 2, generator=generator) for _ in range(2)]
    ends = (truth.source, truth.target)
    given = {}
    for name, deviation in NOISE.items():
        given[name] = tuple(
            Landmarks(people.joints[index] + deviation * shift, people.visibility[index] > 0)
            for index, shift in zip(ends, noise, strict=True)
        )
    for name in FOUND:
        source = pose_source(name, device=device)
        given[name] = tuple(_find(source, people.pictures[index]) for index in ends)
    return given


def _find(source: Any, pictures: Tensor, batch: int = 64) -> Landmarks:
    found = [source.find(to_float(some)) for some in pictures.split(batch)]
    return Landmarks(*(torch.cat(parts).cpu() for parts in zip(*found, strict=True)))


@torch.inference_mode()
def drawn_with(
    method: Posed | MomiNet, pictures: Tensor, source: Landmarks, target: Landmarks, batch: int = 32
) -> Tensor:
    """Swaps of a method with given poses, in place of those that it or its pose network would find.

    Args:
        method: a rival with its pose source, or a MomiNet.
        pictures: (N, 3, H, W) uint8, the sources.
        source: their poses: landmarks (N, 17, 2) in pixels, and which are valid (N, 17).
        target: the wanted poses, as many.
        batch: how many are drawn at once.

    Returns:
        (N, 3, H, W) uint8, on the CPU.

    Raises:
        TypeError: for a method that is given no poses, such as DG-Net.
    """
    if not isinstance(method, Posed | MomiNet):
        raise TypeError(f"method: expected a Posed or a MomiNet, which draw with poses, got {type(method).__name__}")
    device, drawn = device_of(method), []
    for rows in torch.arange(len(pictures)).split(batch):
        x = to_float(pictures[rows].to(device))
        poses = [Landmarks(*(part[rows].to(device) for part in each)) for each in (source, target)]
        if isinstance(method, Posed):
            picture = method.draw(x, *poses)
        else:
            maps = [method.reproject(*pose) for pose in poses]
            own = Pose(maps[0], maps[0], *poses[0])  # heatmaps are only asked for in training
            picture = method.draw(method.meet(x, own), maps[1])
        drawn.append(to_uint8(picture).cpu())
    return torch.cat(drawn)


def _pose_rise(rows: dict[str, dict[str, float]]) -> dict[str, float]:
    """How much the L1 rises with 8 pixels of noise on the joints, and with the teacher's joints; 0 without a pose."""
    values = {}
    for name, worse in (("noise_rise", "joints + 8 px"), ("teacher_rise", "teacher")):
        found = rows.get(worse, {"rise": 0.0, "rise_error": 0.0})
        values |= {name: found["rise"], f"{name}_error": found["rise_error"]}
    return values


def _means(values: dict[str, Tensor], sources: Tensor, targets: Tensor) -> dict[str, float]:
    found = {}
    for name, each in values.items():
        found[name] = _rounded(float(each.nanmean()))
        found[f"{name}_error"] = _rounded(standard_error(each, sources, targets))
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
