from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from momi_lib import files
from momi_lib.data import People
from momi_lib.pose import SimpleBaseline, Teacher
from momi_lib.train import teacher as training
from momi_lib.train.teacher import TeacherConfig, command, learn, score_teacher, train_teacher


def crowd(count: int = 8, labelled: bool = True) -> People:
    generator = torch.Generator().manual_seed(count)
    pictures = torch.randint(0, 256, (count, 3, 64, 32), dtype=torch.uint8, generator=generator)
    joints = torch.rand(count, 17, 2, generator=generator) * torch.tensor([31.0, 63.0])
    visibility = torch.randint(0, 3, (count, 17), dtype=torch.uint8, generator=generator)
    numbers = torch.arange(count)
    labels = (joints, visibility, torch.ones(count, 64, 32, dtype=torch.bool)) if labelled else (None,) * 3
    return People(Path("."), "train", tuple(map(str, range(count))), pictures, numbers, numbers, *labels, "f")


@pytest.fixture
def config(tmp_path, monkeypatch) -> TeacherConfig:
    monkeypatch.setattr(training.data, "load", lambda folder, split: crowd())
    return TeacherConfig(out=tmp_path / "out", width=8, input_size=(64, 32), steps=4, batch=4,
                         log_every=1, evaluate_every=2, device="cpu")  # fmt: skip


def test_a_short_training_leaves_weights_a_card_and_a_journal(config, tmp_path):
    card = train_teacher(config)
    out = tmp_path / "out"
    assert sorted(entry.name for entry in out.iterdir()) == [
        "teacher.json",
        "teacher.jsonl",
        "teacher.safetensors",
    ]
    written = json.loads((out / "teacher.json").read_text(), parse_constant=pytest.fail)  # no NaN in JSON
    assert card == written | {"config": card["config"]}
    assert card["sha256"] == files.sha256(out / "teacher.safetensors")
    assert card["steps"] == 4 and card["seed"] == 0 and set(card["versions"]) >= {"python", "torch"}
    assert set(card["scores"]) >= {"pck_height", "pck_6px", "confusion_height", "confusion_6px"}
    lines = [json.loads(line) for line in (out / "teacher.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert "pck_6px" in lines[1] and "pck_6px" not in lines[0]
    teacher = Teacher.load(out / "teacher.safetensors")
    assert teacher.name == "mannequin-teacher" and teacher.network.width == 8


def test_the_same_seed_gives_the_same_weights(config, tmp_path):
    train_teacher(config)
    path = tmp_path / "out" / "teacher.safetensors"
    first = files.load_tensors(path)
    torch.manual_seed(77)  # the global generator has no say, and is left alone
    before = torch.get_rng_state()
    train_teacher(config)
    assert all(torch.equal(first[name], value) for name, value in files.load_tensors(path).items())
    assert torch.equal(before, torch.get_rng_state())


def test_a_joint_of_unknown_place_teaches_nothing():
    teacher = Teacher(SimpleBaseline(18, width=8), input_size=(64, 32)).train()
    people = crowd(4)
    config = TeacherConfig(width=8, input_size=(64, 32), augment=False)
    loss = learn(teacher, people, config, torch.Generator())
    people.joints[people.visibility == 0] = 1e6
    assert torch.equal(loss, learn(teacher, people, config, torch.Generator()))
    known_absent = TeacherConfig(width=8, input_size=(64, 32), augment=False, teach_absent=True)
    assert not torch.equal(loss, learn(teacher, people, known_absent, torch.Generator()))
    people.visibility.zero_()
    assert learn(teacher, people, config, torch.Generator()) == 0


def test_a_perfect_teacher_scores_one():
    people = crowd()

    class Perfect(Teacher):
        def forward(self, pictures):
            index = [int((people.pictures.float() / 127.5 - 1 - one).abs().sum((1, 2, 3)).argmin()) for one in pictures]
            return training.gaussian_maps(people.joints[index], people.visibility[index] > 0, size=(64, 32), sigma=2.0)

    scores = score_teacher(Perfect(SimpleBaseline(18, width=8), input_size=(64, 32)), people, batch=3)
    assert scores["pck_height"] == scores["pck_6px"] == 1 and scores["confusion_6px"] == 0
    assert scores["found"] == 1 and scores["imagined"] == 0
    assert scores["visible_joints"] == int((people.visibility == 2).sum())


@pytest.mark.parametrize("field", ["steps", "batch", "learning_rate", "sigma", "log_every", "evaluate_every"])
def test_a_config_out_of_range_is_refused(field):
    with pytest.raises(ValueError, match=f"{field}: expected .*, got 0"):
        train_teacher(TeacherConfig(**{field: 0}))


def test_pictures_without_joints_cannot_teach(config, monkeypatch):
    monkeypatch.setattr(training.data, "load", lambda folder, split: crowd(labelled=False))
    with pytest.raises(ValueError, match=r"no joints.*from_official"):
        train_teacher(config)


def test_the_command_repeats_the_config():
    import shlex

    import tyro

    config = TeacherConfig(data=Path("a folder"), steps=7, precision="bf16", augment=False, input_size=(64, 32))
    assert tyro.cli(TeacherConfig, args=shlex.split(command(config))[4:]) == config
