"""Eight pairs of drawn people, and a loop that trains on them as the real one does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from momi_lib.rivals.base import Landmarks, RivalBatch
from momi_lib.rivals.pose_pictures import pose_masks

#: A person who stands, in shares of height and width: nose, eyes, ears, then left and right from the shoulders down.
STANDING = torch.tensor([
    [0.50, 0.12], [0.54, 0.10], [0.46, 0.10], [0.58, 0.12], [0.42, 0.12],
    [0.64, 0.25], [0.36, 0.25], [0.68, 0.38], [0.32, 0.38], [0.70, 0.50], [0.30, 0.50],
    [0.60, 0.52], [0.40, 0.52], [0.60, 0.72], [0.40, 0.72], [0.62, 0.92], [0.38, 0.92],
])  # fmt: skip


def people(count, size, generator):
    """Poses near one who stands, and pictures of them: each person of one colour in front of a smooth background."""
    height, width = size
    places = (STANDING + 0.05 * torch.randn(count, 17, 2, generator=generator)) * torch.tensor([width, height])
    pose = Landmarks(places, torch.ones(count, 17, dtype=torch.bool))
    grid = 1.6 * torch.rand(count, 3, 4, 2, generator=generator) - 0.8
    background = functional.interpolate(grid, size, mode="bilinear")
    colour = 1.6 * torch.rand(count, 3, 1, 1, generator=generator) - 0.8
    return pose, torch.lerp(background, colour.expand_as(background), pose_masks(*pose, size, height / 32))


@pytest.fixture
def eight_pairs():
    """A function: (H, W) → a batch of eight triplets with poses; all colours within [-0.8, 0.8]."""

    def make(size):
        generator = torch.Generator().manual_seed(0)
        poses, pictures = zip(*(people(8, size, generator) for _ in range(3)), strict=True)
        persons = torch.stack([torch.arange(8), torch.arange(8).roll(1)])
        return RivalBatch(*pictures, poses, persons)

    return make


@pytest.fixture
def run():
    """A function: an objective, a batch and a number of steps → what each step lost, as dicts of numbers.

    Names are those of the phases' terms; the total of a phase is named after its optimisers.
    """

    def train(objective, batch, steps):
        optimisers = objective.optimisers()
        full = {name: [group["lr"] for group in each.param_groups] for name, each in optimisers.items()}
        history = []
        objective.train()
        for step in range(steps):
            found = {}
            for phase in objective.phases(batch, step / steps):
                for name in phase.optimisers:
                    optimisers[name].zero_grad(set_to_none=True)
                phase.terms["total"].backward()
                for name in phase.optimisers:
                    factor = objective.rate(name, step / steps)
                    for group, rate in zip(optimisers[name].param_groups, full[name], strict=True):
                        group["lr"] = rate * factor
                    optimisers[name].step()
                for name, value in phase.terms.items():
                    key = name if name != "total" else f"{'+'.join(phase.optimisers)} total"
                    found[key] = float(value.detach())
            history.append(found)
        return history

    return train


@pytest.fixture(scope="session")
def four_persons():
    """A function: (folder, draw) → the folder with four persons, three pictures each, in every split.

    ``draw`` makes a picture (H, W, 3) from a generator of random numbers and the number of the person's picture.
    """

    def make(root, draw):
        rng = np.random.default_rng(0)
        for split in ("bounding_box_train", "bounding_box_test", "query"):
            (root / split).mkdir()
            for person in range(1, 5):
                for shot in range(3):
                    Image.fromarray(draw(rng, shot)).save(root / split / f"{person:04}_c1s1_{shot:06}_00.jpg")
        return root

    return make
