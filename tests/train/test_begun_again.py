"""A run that is begun again: what may differ, what may not, and what its folder holds already."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from momi_lib.files import sha256
from momi_lib.train import preset, train
from momi_lib.train.checkpoint import latest_checkpoint, save_checkpoint
from momi_lib.train.initialise import initialise_from
from momi_lib.train.presets import changed
from momi_lib.train.run import CONFIG, LOG, WEIGHTS, _check_resumed
from momi_lib.translate import load_network, network_of, save_network


@pytest.fixture
def config(folder, teacher, tmp_path):
    """A function that makes a config of a short run, killed early where ``minutes`` is small."""

    def make(**changes):
        usual = dict(data=folder, teacher=teacher, out=tmp_path / "run", device="cpu", distil_steps=2, steps=3,
                     log=dict(checkpoint_every=1, grid_every=100))  # fmt: skip
        return preset("tiny", **usual | changes)

    return make


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (dict(seed=1), "seed was 0 and is 1 here"),
        ({"init.start": "other"}, "init.start was None and is"),
        ({"init.student": "other"}, "init.student was None and is"),
        (
            {"loss.discriminator": (8, 24)},
            r"is of a discriminator of another shape: loss.discriminator was \[8, 16\] and is \[8, 24\] here",
        ),
        (
            {"loss.discriminator_norm": "batch"},
            "is of a discriminator of another shape: loss.discriminator_norm was group and is batch here",
        ),
        ({"network.width": 24}, "is of a network of another shape: network.width was 16 and is 24 here. Give this run"),
        ({"network.size": (64, 32)}, r"network.size was \[128, 64\] and is \[64, 32\] here"),
        (dict(steps=1), "has gone 3 steps with the whole network, and --steps is 1"),
    ],
)
def test_what_a_run_began_with_cannot_be_changed(config, tmp_path, changes, said):
    train(config())
    save_network(network_of(config().network), tmp_path / "other.safetensors")
    changes = {name: tmp_path / "other.safetensors" if value == "other" else value for name, value in changes.items()}
    before = (tmp_path / "run" / WEIGHTS).read_bytes()
    with pytest.raises(ValueError, match=said):
        train(changed(config(), changes), resume=True)
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == before


def copied(folder, copy, changed=None):
    """A copy of a data folder; of the file ``changed`` one pixel is another."""
    shutil.copytree(folder, copy)
    if changed:
        picture = np.asarray(Image.open(copy / changed)).copy()
        picture[0, 0] = 255 - picture[0, 0]
        Image.fromarray(picture).save(copy / changed, quality=100)
    return copy


def test_a_run_goes_on_with_the_same_pictures_alone(config, folder, tmp_path):
    train(config(steps=1))
    other = copied(folder, tmp_path / "others", "bounding_box_train/0001_c1s1_000000_00.jpg")
    said = rf"data was {folder.name} \(fingerprint \w{{8}}\) and is others \(fingerprint \w{{8}}\) here"
    with pytest.raises(ValueError, match=said):
        train(config(data=other), resume=True)
    path, state = latest_checkpoint(tmp_path / "run")
    assert train(config(data=copied(folder, tmp_path / "moved")), resume=True).step == 5
    for name in ("data", "fingerprint"):
        del state["begun"][name]  # as earlier versions wrote it
    _check_resumed(path, state, train(config(out=tmp_path / "new", steps=1)))


def test_checkpoints_of_other_kinds_are_told_apart(config, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    save_checkpoint(out, 3, {"trainer": {"step": 3, "objective": {}}, "begun": {"method": "pg2"}, "seconds": 1.0})
    with pytest.raises(ValueError, match=r"checkpoint-00000003.pt: is a checkpoint of a run of the rival pg2; choose"):
        train(config(), resume=True)
    save_checkpoint(out, 4, {"model": {}})
    with pytest.raises(ValueError, match="is a checkpoint of a run of another kind; choose another --out"):
        train(config(), resume=True)


def test_a_checkpoint_that_another_program_wrote_is_passed_over(config, tmp_path, caplog):
    path = save_checkpoint(tmp_path, 3, {})
    torch.save({"model": object()}, path)
    path.with_suffix(".sha256").write_text(sha256(path), encoding="utf-8")
    with pytest.raises(ValueError, match="none of its 1 checkpoints is whole"):
        latest_checkpoint(tmp_path)
    assert "cannot be read as a checkpoint" in caplog.text


def test_betas_of_the_resumed_run_are_those_that_are_used(config, tmp_path):
    train(config())
    other = train(config(steps=4, optim=dict(betas=(0.9, 0.99))), resume=True)
    assert other.optimisers["translation"].param_groups[0]["betas"] == (0.9, 0.99)
    assert json.loads((tmp_path / "run" / CONFIG).read_text())["config"]["optim"]["betas"] == [0.9, 0.99]


def test_a_finished_run_is_never_overwritten(config, tmp_path):
    train(config())
    out = tmp_path / "run"
    before = {name: (out / name).read_bytes() for name in (WEIGHTS, LOG)}
    for path in out.glob("checkpoint-*"):
        path.unlink()
    assert latest_checkpoint(out) is None
    with pytest.raises(FileExistsError, match=r"holds a run already \(weights.safetensors\); add --resume"):
        train(config())
    with pytest.raises(FileExistsError, match="holds a finished run, and no checkpoint to go on from"):
        train(config(), resume=True)
    assert {name: (out / name).read_bytes() for name in (WEIGHTS, LOG)} == before
    (out / WEIGHTS).unlink()  # as if it had been killed before its first checkpoint
    with pytest.raises(FileExistsError, match=r"holds a run already \(log.jsonl\)"):
        train(config())
    train(config(), resume=True)
    assert (out / WEIGHTS).is_file()


def test_the_card_says_how_far_each_stage_came(config, tmp_path):
    train(config(), minutes=0.0)
    card = json.loads((tmp_path / "run" / WEIGHTS).with_suffix(".json").read_text())
    assert card["steps"] == 0 and card["stages"] == {"student": 0, "body maps": 0, "whole": 0}
    train(config(), resume=True)
    card = json.loads((tmp_path / "run" / WEIGHTS).with_suffix(".json").read_text())
    assert card["stages"] == {"student": 2, "body maps": 0, "whole": 3}


def test_committed_names_can_be_begun_with_and_stand_in_the_card(config, tmp_path):
    shape = load_network("lookup").config
    small = dict(student=shape.student, norm="batch")
    network = {**{name: getattr(preset("tiny").network, name) for name in vars(preset("tiny").network)}, **small}
    run = config(network=type(shape)(**network), init=dict(student="lookup"), distil_steps=0, steps=1)
    train(run)
    card = json.loads((tmp_path / "run" / WEIGHTS).with_suffix(".json").read_text())
    assert card["student_begun_with"]["file"] == "momi-lookup.safetensors"


def test_pictures_have_the_size_of_the_network(config):
    shape = preset("tiny").network
    run = config(network=type(shape)(**{**vars(shape), "size": (64, 32)}), steps=1)
    assert train(run).last[0].source.shape[-2:] == (64, 32)


def test_weights_that_do_not_fit_are_refused_by_the_field_that_differs(tmp_path):
    def network(**changes):
        shape = {**vars(preset("tiny").network), "transfer": "lookup", **changes}
        return network_of(type(preset("tiny").network)(**shape))

    with torch.random.fork_rng(devices=[]):
        save_network(network(pose_detail=4), tmp_path / "four.safetensors")
        with pytest.raises(ValueError, match="pose_detail is 4 there and 8 here"):
            initialise_from(network(pose_detail=8), tmp_path / "four.safetensors")
        initialise_from(network(pose_detail=0), tmp_path / "four.safetensors")
        with pytest.raises(ValueError, match="norm is group there and batch here"):
            initialise_from(network(norm="batch"), tmp_path / "four.safetensors", "student")
