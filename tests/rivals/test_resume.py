"""A stopped run of each rival ends as a whole one, in all its networks, optimisers and statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from momi_lib.data import People, load
from momi_lib.rivals import dg_net, methods, patn, pg2, pn_gan
from momi_lib.rivals.base import Landmarks
from momi_lib.rivals.loop import RivalTrainer
from momi_lib.rivals.run_config import RivalRunConfig

#: Small networks at an eighth of the area, eight steps; PG² changes its stage after the fourth.
TINY: dict[str, tuple[Any, Any]] = {
    "pg2": (pg2, pg2.Pg2Config(
        size=(32, 16), width=4, levels=3, code=8, refiner_width=4, refiner_levels=2, discriminator=(4, 8), radius=1.5,
        steps=8, coarse_share=0.5, ema=0.9)),
    "pn-gan": (pn_gan, pn_gan.PnGanConfig(
        size=(32, 16), width=4, blocks=1, norm="batch", discriminator=(4, 8), discriminator_unpadded=(), radius=0.75,
        steps=8)),
    "patn": (patn, patn.PatnConfig(
        size=(32, 16), width=4, blocks=2, discriminator_width=4, discriminator_blocks=1, pool=4, perceptual="none",
        steps=8)),
    "dg-net": (dg_net, dg_net.DgNetConfig(
        size=(32, 16), backbone="vgg", vgg=(4, 4, 8, 8), doubled=False, width=2, mlp=8, normalisation="batch",
        padding="zeros", kernel=3, output="sub-pixel", head=8, discriminator=4, discriminator_blocks=1,
        discriminator_stem="lean", teacher_share=0.25, steps=8)),
}  # fmt: skip


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, four_persons: Callable[..., Path]) -> People:
    """Four persons, three pictures of noise each."""
    root = four_persons(
        tmp_path_factory.mktemp("people"), lambda rng, shot: rng.integers(0, 256, (32, 16, 3), dtype=np.uint8)
    )
    return load(root, "train", size=(32, 16), cache=False)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The presets `small` are tiny."""
    for module, config in TINY.values():
        monkeypatch.setattr(module, "PRESETS", {**module.PRESETS, "small": config})
    methods._loaded.cache_clear()
    yield
    methods._loaded.cache_clear()


def trainer(name: str, people: People) -> RivalTrainer:
    generator = torch.Generator().manual_seed(0)
    places = torch.rand(len(people), 17, 2, generator=generator) * torch.tensor([15.0, 31.0])
    poses = Landmarks(places, torch.rand(len(people), 17, generator=generator) < 0.8)
    return RivalTrainer(RivalRunConfig(method=name, device="cpu", precision="fp32", batch=2), people, poses)


@pytest.mark.parametrize("stopped", [2, 5])
@pytest.mark.parametrize("name", TINY)
def test_a_stopped_run_ends_as_the_whole_one(name: str, stopped: int, people: People, tmp_path: Path) -> None:
    whole = trainer(name, people)
    whole.run(stopped)
    torch.save(whole.state_dict(), tmp_path / "state.pt")
    whole.run()
    torch.manual_seed(999)  # whatever has happened in between
    resumed = trainer(name, people)
    assert any(not torch.equal(a, b) for a, b in zip(resumed.objective.parameters(), whole.objective.parameters(),
                                                     strict=True))  # fmt: skip
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert resumed.step == stopped
    resumed.run()
    assert resumed.step == whole.step == 8
    same_states(resumed.state_dict(), whole.state_dict())
    same_states(*({**each.with_updated_statistics(2).state_dict()} for each in (resumed, whole)))


def same_states(one: Any, other: Any, name: str = "") -> None:
    """Every tensor and number of two nested states is equal to the last bit."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), name
        for key in one:
            same_states(one[key], other[key], f"{name}/{key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), name
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            same_states(mine, theirs, f"{name}/{place}")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), name
    else:
        assert one == other, name
