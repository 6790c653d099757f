"""The loop of all rivals: triplets, phases, chance, checkpoints and refusals, on a toy."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from momi_lib.data import load
from momi_lib.pose import gaussian_maps
from momi_lib.rivals import methods
from momi_lib.rivals import run as running
from momi_lib.rivals.base import Landmarks, Phase, PoseGuided, RivalBatch, RivalConfig, RivalObjective
from momi_lib.rivals.batches import RivalBatches
from momi_lib.rivals.loop import RivalTrainer
from momi_lib.rivals.run_config import RivalRunConfig
from momi_lib.skeleton import MIRROR
from momi_lib.train.batches import Batches
from momi_lib.train.checkpoint import latest_checkpoint
from momi_lib.train.log import read_log
from momi_lib.train.loss_record import TrainingDiverged


@dataclass(frozen=True, kw_only=True)
class ToyConfig(RivalConfig):
    """``norm``: whether there is batch norm and dropout; ``bad_step``: the step whose loss is no number."""

    norm: bool = True
    bad_step: int = -1


PRESETS = {"small": ToyConfig(steps=4, batch=4, mirror=0.5, ema=0.5), "paper": ToyConfig(steps=4, batch=4)}


class Toy(PoseGuided):
    """Source and pose maps in, picture out."""

    method: ClassVar[str] = "toy"

    def __init__(self, config: ToyConfig) -> None:
        super().__init__()
        self.config = config
        middle = [nn.BatchNorm2d(8), nn.Dropout(0.5)] if config.norm else []
        self.body = nn.Sequential(nn.Conv2d(20, 8, 3, padding=1), *middle, nn.Conv2d(8, 3, 3, padding=1))

    def draw(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> Tensor:
        maps = gaussian_maps(*target_pose, size=self.config.size, sigma=6.0).to(source.dtype)
        return self.body(torch.cat([source, maps], 1)).clamp(-1, 1)


class ToyObjective(RivalObjective):
    """L1 to x⁺, and a judge that learns after it and keeps one old picture."""

    def __init__(self, network: nn.Module, config: ToyConfig, people: int) -> None:
        super().__init__(network, config, people)
        self.judge = nn.Conv2d(3, 1, 3)
        self.register_buffer("old", torch.zeros(3, *config.size))
        self.seen: list[RivalBatch] = []

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        rate = self.config.learning_rate
        return {"generator": torch.optim.Adam(self.network.parameters(), rate),
                "judge": torch.optim.Adam(self.judge.parameters(), 2 * rate)}  # fmt: skip

    def rate(self, name: str, done: float) -> float:
        return 1 - done if name == "generator" else 1.0

    def phases(self, batch: RivalBatch, done: float) -> Iterator[Phase]:
        self.seen.append(batch)
        drawn = self.network.draw(batch.source, batch.poses[0], batch.poses[1])
        loss = (drawn.float() - batch.positive).abs().mean()
        if round(done * self.config.steps) == self.config.bad_step:
            loss = loss * torch.nan
        yield Phase(("generator",), {"recon": loss, "total": loss})
        fake = drawn.detach().clone()
        fake[0] = torch.where(torch.rand(()) < 0.5, fake[0], self.old)
        self.old.copy_(drawn.detach()[0])
        judged = self.judge(fake).float().square().mean() + (self.judge(batch.positive).float() - 1).square().mean()
        yield Phase(("judge",), {"judge": judged, "total": judged})


@pytest.fixture(scope="module")
def folder(tmp_path_factory, four_persons):
    """Four persons, three pictures each: a coloured box that moves, in front of grey."""

    def draw(rng, shot):
        picture = rng.integers(90, 130, (128, 64, 3), dtype=np.uint8)
        picture[20:120, 16 + 4 * shot : 40 + 4 * shot] = rng.integers(0, 256, 3)
        return picture

    return four_persons(tmp_path_factory.mktemp("people"), draw)


@pytest.fixture(scope="module")
def people(folder):
    return load(folder, "train", cache=False)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """The toy is one of the methods."""
    module = ModuleType("momi_lib.rivals.toy")
    vars(module).update(ToyConfig=ToyConfig, Toy=Toy, ToyObjective=ToyObjective, PRESETS=dict(PRESETS))
    monkeypatch.setitem(sys.modules, "momi_lib.rivals.toy", module)
    monkeypatch.setitem(methods.WHERE, "toy", ("toy", "Toy"))
    monkeypatch.setitem(methods.TITLES, "toy", "Toy")
    methods._loaded.cache_clear()
    yield module
    methods._loaded.cache_clear()


@pytest.fixture
def poses(people):
    generator = torch.Generator().manual_seed(0)
    places = torch.rand(len(people), 17, 2, generator=generator) * torch.tensor([63.0, 127.0])
    return Landmarks(places, torch.rand(len(people), 17, generator=generator) < 0.8)


@pytest.fixture
def found(monkeypatch, poses):
    """The run's poses without a pose network, and grids that draw with the poses' mean."""
    monkeypatch.setattr(running, "find_poses", lambda config, people: (poses, None))

    class Still(torch.nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def swap(self, source, target):
            some = Landmarks(*(part[: len(source)] for part in poses))
            return self.network.draw(source[: len(some.places)], some, Landmarks(*(p[: len(source)] for p in poses)))

    monkeypatch.setattr(running, "shown_with", lambda network, source: Still(network))


def config(**changes):
    return RivalRunConfig(method="toy", device="cpu", **changes)


def numbers(trainer):
    return {name: value.clone() for name, value in trainer.objective.state_dict().items()}


def test_the_triplets_are_those_of_momi_net(people, poses):
    ours = RivalBatches(people, poses, 6, seed=3, mirror=0.5, same_camera=1.0)
    theirs = Batches(people, None, 6, seed=3, mirror=0.5, same_camera=1.0)
    mirrored: list[bool] = []
    for _ in range(3):
        batch, expected = ours.draw(), theirs.draw()
        assert torch.equal(batch.source, expected.source) and torch.equal(batch.negative, expected.negative)
        assert torch.equal(batch.positive, expected.positive)
        index, flips = expected.origin
        persons = people.persons.unique()
        assert torch.equal(persons[batch.persons[0]], people.persons[index.source])
        assert torch.equal(persons[batch.persons[1]], people.persons[index.negative])
        mirrored += flips.tolist()
        for pose, rows in zip(batch.poses, index, strict=True):
            for i, row in enumerate(rows.tolist()):
                if flips[i]:
                    seen = poses.valid[row][list(MIRROR)]
                    x = 63 - poses.places[row][list(MIRROR), 0]
                    assert torch.equal(pose.valid[i], seen) and torch.allclose(pose.places[i, seen, 0], x[seen])
                else:
                    assert torch.equal(pose.places[i], poses.places[row])
    assert {True, False} == set(mirrored)


def test_both_optimisers_step_at_their_own_rates(people, poses):
    trainer = RivalTrainer(config(learning_rate=1e-3), people, poses)
    before = numbers(trainer)
    losses = trainer.train_step()
    after = numbers(trainer)
    assert list(losses) == ["recon", "generator total", "judge", "judge total"]
    assert any(not torch.equal(before[n], after[n]) for n in before if n.startswith("network.body"))
    assert any(not torch.equal(before[n], after[n]) for n in before if n.startswith("judge"))
    trainer.train_step()
    rates = {name: each.param_groups[0]["lr"] for name, each in trainer.optimisers.items()}
    assert rates == pytest.approx({"generator": 0.75e-3, "judge": 2e-3})


def test_a_run_that_was_stopped_ends_as_the_whole_one(people, poses):
    whole = RivalTrainer(config(), people, poses)
    whole.run()
    first = RivalTrainer(config(), people, poses)
    first.run(2)
    state = first.state_dict()
    torch.manual_seed(999)
    second = RivalTrainer(config(), people, poses)
    second.load_state_dict(state)
    second.run()
    expected, found = numbers(whole), numbers(second)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    for one, other in zip(whole.average.network.parameters(), second.average.network.parameters(), strict=True):
        assert torch.equal(one, other)
    one, other = (t.with_updated_statistics(2).state_dict() for t in (whole, second))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_statistics_are_those_of_the_network_that_is_used(people, poses):
    trainer = RivalTrainer(config(), people, poses)
    trainer.run(3)
    network = trainer.with_updated_statistics(4)
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    assert not torch.equal(network.body[1].running_mean, trainer.average.network.body[1].running_mean)
    assert torch.equal(network.body[0].weight, trainer.average.network.body[0].weight)
    assert trainer.network.body[1].momentum == 0.1  # the trained one is left as it was


def test_a_loss_that_is_no_number_never_reaches_the_weights(people, poses, registered):
    registered.PRESETS["small"] = replace(registered.PRESETS["small"], bad_step=2)
    methods._loaded.cache_clear()
    trainer = RivalTrainer(config(), people, poses)
    trainer.run(2)
    before = {n: v.clone() for n, v in trainer.network.named_parameters()}
    with pytest.raises(TrainingDiverged, match="step 3: the loss 'recon' is nan"):
        trainer.run()
    assert all(torch.equal(before[name], value) for name, value in trainer.network.named_parameters())


def test_a_whole_run_leaves_log_grids_checkpoint_weights_and_card(folder, tmp_path, found):
    out = tmp_path / "run"
    some = RivalRunConfig(method="toy", device="cpu", data=folder, out=out,
                          log=replace(config().log, every=2, grid_every=2, checkpoint_every=2))  # fmt: skip
    running.train_rival(some, until=2)
    assert latest_checkpoint(out)[1]["trainer"]["step"] == 2
    with pytest.raises(FileExistsError, match="holds a run already"):
        running.train_rival(some)
    trainer = running.train_rival(some, resume=True)
    assert trainer.step == 4
    lines = read_log(out / "log.jsonl")
    assert [(line.get("event"), line["step"]) for line in lines] == [("start", 0), (None, 2), ("resume", 2), (None, 4)]
    assert {"recon", "judge", "rate", "seconds"} <= lines[-1].keys()
    card = json.loads((out / "weights.json").read_text())
    assert card["steps"] == 4 and card["triplets"] == 16 and card["people"] == 4 and card["rival"]["ema"] == 0.5
    assert {"sha256", "device", "date", "versions", "hours", "precision"} <= card.keys()
    assert (out / "grids" / "00000004.png").is_file() and (out / "progress.jpg").is_file()
    for changes, said in (({"seed": 1}, "seed was 0 and is 1"), ({"batch": 2}, "batch was 4 and is 2"),
                          ({"preset": "paper"}, "preset was small and is paper"),
                          ({"same_camera": 0.5}, "same_camera was 1.0 and is 0.5")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            running.train_rival(replace(some, **changes), resume=True)


def test_a_run_does_not_go_on_with_another_pose_network():
    then = {name: 0 for name in running.BEGINNING} | {"rival": {}, "poses_sha256": "ab", "fingerprint": "f"}
    same, other = (SimpleNamespace(name="teacher", sha256=sha) for sha in ("ab", "cd"))
    now = {name: value for name, value in then.items() if name != "poses_sha256"}
    running._check_resumed(Path("c.pt"), then, now, same)
    with pytest.raises(ValueError, match="c.pt: cannot be gone on with: the teacher that finds the poses is another"):
        running._check_resumed(Path("c.pt"), then, now, other)


def test_pairs_come_from_any_camera_as_published_and_from_the_same_one_in_small_presets():
    assert (RivalRunConfig(method="pg2").same_camera, config(preset="paper").same_camera) == (1.0, 0.0)
    assert RivalRunConfig(method="pg2", preset="paper", same_camera=0.5).same_camera == 0.5


def test_data_without_pairs_are_refused_in_a_sentence(people):
    alone, one_pair = people.select([0, 3, 6, 9]), people.select([0, 1, 3])
    with pytest.raises(ValueError, match=r"dg-net tells people apart, .* got 0 such people among 4 pictures; file"):
        running.check_identities("dg-net", alone)
    with pytest.raises(ValueError, match=r"pg2 learns from pairs of pictures .* got 1 such person among 3 pictures"):
        running.check_identities("pg2", one_pair)
    running.check_identities("pg2", people)


def test_refusals(people, poses):
    with pytest.raises(ValueError, match="toy: needs the poses of the pictures, got none"):
        RivalTrainer(config(), people, None)
    with pytest.raises(ValueError, match="one for each of 12 pictures, got 3"):
        RivalTrainer(config(), people, Landmarks(poses.places[:3], poses.valid[:3]))
    with pytest.raises(ValueError, match="method: expected one of"):
        RivalRunConfig(method="vunet")
    with pytest.raises(ValueError, match="preset: expected one of small, paper"):
        config(preset="large")
    with pytest.raises(ValueError, match="poses: expected one of"):
        config(poses="eyes")
    with pytest.raises(ValueError, match="poses: dg-net is given pictures alone; leave out --poses student"):
        RivalRunConfig(method="dg-net", poses="student")
    with pytest.raises(ValueError, match="same_camera"):
        config(same_camera=2)
    with pytest.raises(ValueError, match="teacher: pg2 has poses from 'joints'; leave out --teacher"):
        RivalRunConfig(method="pg2", poses="joints", teacher=Path("eyes.pth"))
    with pytest.raises(ValueError, match="teacher_input: dg-net is given pictures alone; leave out --teacher-input"):
        RivalRunConfig(method="dg-net", teacher_input=(256, 192))
    with pytest.raises(ValueError, match="teacher_input: expected"):
        RivalRunConfig(method="pg2", teacher_input=(0, 192))
    with pytest.raises(ValueError, match="backbone_weights: pg2 has no ResNet-50; leave out --backbone-weights"):
        RivalRunConfig(method="pg2", backbone_weights=Path("resnet50.pth"))
    alone = people.select([0, 3, 6, 9])
    with pytest.raises(ValueError, match="person"):
        RivalTrainer(config(), alone, Landmarks(poses.places[:4], poses.valid[:4]))
