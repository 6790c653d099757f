"""How far the body maps of a network are off, on people it was not trained on, with the landmarks it finds itself."""

from __future__ import annotations

import torch
from torch import Tensor

from momi_lib.arguments import check_has, check_tensor
from momi_lib.data import People, to_float
from momi_lib.data.body_maps import BodyLabels
from momi_lib.devices import at_a_time
from momi_lib.pose.body_maps import BodyMap, body_map_scores
from momi_lib.translate import CarryNet

__all__ = ["another_of", "score_body_maps"]


@torch.inference_mode()
def score_body_maps(network: CarryNet, people: People, labels: BodyLabels) -> dict[str, dict[str, float]]:
    """Scores of B_s and B_t against the labels of pictures.

    Args:
        network: with body maps.
        people: N pictures.
        labels: one for each of them.

    Returns:
        ``"source"``: B_s on every picture. ``"answer"``: B_t given a picture's own landmarks and the build that B_s
        found in another picture of the same person, as in a swap whose answer is known; only where nothing stands
        before the person, because B_t cannot know what does. Each with the number of ``pictures`` and the scores of
        :func:`~momi_lib.pose.body_maps.body_map_scores`, in centimetres.

    Raises:
        ValueError: for a network without body maps, another number of labels, or people with one picture each.
    """
    if not isinstance(network, CarryNet):
        raise ValueError("network: expected one with body maps, a CarryNet; a MomiNet carries nothing over")
    check_has("people", people, "People, as momi_lib.data.load gives them", "pictures", "persons")
    check_has("labels", labels, "BodyLabels, as load_body_labels gives them", "whole", "maps")
    if len(labels) != len(people):
        raise ValueError(f"labels: expected one for each of the {len(people)} pictures, got {len(labels)}")
    other = another_of(people.persons)
    asked = torch.nonzero(labels.whole & (other >= 0)).flatten()
    if not len(asked):
        raise ValueError("people: expected somebody with a whole picture and another one")
    device = next(network.parameters()).device
    every = torch.arange(len(people))
    found, poses, builds = [], [], []
    for some in every.split(at_a_time(device)):
        pictures = to_float(people.pictures[some].to(device))
        pose = network.pose(pictures)
        body, build = network.body_maps.source(pictures, pose.maps)
        found.append([part.cpu() for part in body])
        poses.append([pose.landmarks.cpu(), pose.valid.cpu()])
        builds.append(build.cpu())
    landmarks, valid = (torch.cat(parts) for parts in zip(*poses, strict=True))
    build, answers = torch.cat(builds)[other], []
    for some in asked.split(at_a_time(device)):
        maps = network.reproject(landmarks[some].to(device), valid[some].to(device))
        answers.append([part.cpu() for part in network.body_maps.target(maps, build[some].to(device))])
    return {"source": _scores(found, labels, every), "answer": _scores(answers, labels, asked)}


def _scores(parts: list[list[Tensor]], labels: BodyLabels, index: Tensor) -> dict[str, float]:
    body = BodyMap(*(torch.cat(column) for column in zip(*parts, strict=True)))
    return {"pictures": len(index), **body_map_scores(body, labels.maps(index))}


def another_of(persons: Tensor) -> Tensor:
    """For each picture the next one of the same person, the first after the last: (N,) int64, -1 where there is none.

    Args:
        persons: (N,) numbers; 0 and below are nobody, and so never the same person.

    >>> another_of(torch.tensor([5, 7, 5, 0, 5, 0])).tolist()
    [2, -1, 4, -1, 0, -1]
    """
    check_tensor("persons", persons, "N", "persons", "whole", empty=True)
    other = torch.full_like(persons, -1, dtype=torch.int64)
    for person in persons[persons > 0].unique():
        own = torch.nonzero(persons == person).flatten()
        if len(own) > 1:
            other[own] = own.roll(-1)
    return other
