"""The training of APS's network: whom it learns, what its card says, and that it learns at all."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from momi_lib.__main__ import main
from momi_lib.data import load
from momi_lib.evaluate.table_one import affinity_networks
from momi_lib.files import sha256, weights_folder
from momi_lib.metrics.affinity import AffinityNetwork, affinity_weights, learned
from momi_lib.train import affinity as module
from momi_lib.train.affinity import AffinityConfig, default_out, train_affinity


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four persons a split, each a figure of its own colour in front of noise: three pictures, one of them a query."""
    root = tmp_path_factory.mktemp("people")
    generator = np.random.default_rng(0)
    hues = [(220, 40, 40), (40, 200, 40), (40, 60, 220), (220, 220, 60)]
    for split in ("bounding_box_train", "bounding_box_test", "query"):
        (root / split).mkdir()
    for first, splits in ((1, ["bounding_box_train"] * 3), (11, ["bounding_box_test", "bounding_box_test", "query"])):
        for person, hue in enumerate(hues, first):
            for shot, split in enumerate(splits):
                picture = generator.integers(90, 130, (128, 64, 3), dtype=np.uint8)
                picture[20:120, 16 + 4 * shot : 40 + 4 * shot] = hue
                Image.fromarray(picture).save(root / split / f"{person:04}_c{shot + 1}s1_{shot:06}_00.jpg")
    return root


def short(folder, out, **changes):
    settings = {"steps": 2, "batch": 4, "pairs": 20, "device": "cpu"} | changes
    return AffinityConfig(data=folder, out=out, **settings)


@pytest.mark.parametrize(
    ("variant", "split", "known"), [("heldout", "train", "never seen in training"), ("paper", "test", "the very ones")]
)
def test_a_variant_learns_its_split_and_says_so(folder, tmp_path, variant, split, known):
    out = tmp_path / "a.safetensors"
    before = torch.get_rng_state()
    card = train_affinity(short(folder, out, variant=variant))
    assert torch.equal(before, torch.get_rng_state())
    assert card == json.loads(out.with_suffix(".json").read_text())
    assert card["variant"] == variant and card["fingerprint"] == load(folder, split).fingerprint
    assert known in card["scores"]["people"] and card["identities"] == 4
    assert card["sha256"] == sha256(out) and card["config"]["out"] == "a.safetensors"
    assert card["begun_with"]["sha256"] == sha256(weights_folder() / "mannequin-features.safetensors")
    assert card["begun_with"]["minutes"] > 0 and {"command", "versions", "minutes"} <= set(card)
    assert AffinityNetwork.load(out).variant == variant  # and the card beside it fits


def test_training_tells_the_same_person_from_another(folder, tmp_path):
    card = train_affinity(short(folder, tmp_path / "a.safetensors", steps=16, batch=16, pairs=200, learning_rate=5e-3))
    assert card["loss"]["last_tenth"] < 0.6 * card["loss"]["first_tenth"]
    assert card["scores"]["auc"] > 0.9 and card["scores"]["same"] > card["scores"]["different"] + 0.2


def test_without_fine_tuning_the_backbone_stays_as_it_was(folder, tmp_path):
    train_affinity(short(folder, tmp_path / "a.safetensors", fine_tuning=0.0))
    learned = AffinityNetwork.load(tmp_path / "a.safetensors")
    began = AffinityNetwork("heldout").start()
    for name, tensor in began.backbone.state_dict().items():
        assert torch.equal(tensor, learned.backbone.state_dict()[name]), name
    assert float(learned.head[0].running_mean.abs().max()) > 0


def test_the_same_seed_gives_the_same_weights_and_another_others(folder, tmp_path):
    hashes = [train_affinity(short(folder, tmp_path / "a.safetensors", seed=seed))["sha256"] for seed in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_loss_that_is_no_number_stops_the_run(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "augment", lambda pictures, generator: pictures * float("nan"))
    with pytest.raises(ValueError, match="step 1: the binary cross entropy is nan; lower --learning-rate"):
        train_affinity(short(folder, tmp_path / "a.safetensors"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 1}, "steps: expected a whole number from 2, got 1"),
        ({"batch": 2}, "batch: expected a whole number from 4, got 2"),
        ({"batch": 5}, "batch: expected an even number of pairs"),
        ({"pairs": 0}, "pairs: expected a whole number from 1"),
        ({"learning_rate": 0.0}, "learning_rate: expected a number above 0"),
        ({"fine_tuning": 2.0}, "fine_tuning: expected a share from 0 to 1"),
        ({"precision": "fp16"}, "precision: expected one of fp32, bf16, auto, got 'fp16'"),
        ({"variant": "train"}, "variant: expected one of heldout, paper, got 'train'"),
    ],
)
def test_configs_out_of_range(folder, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        train_affinity(short(folder, tmp_path / "a.safetensors", **change))


def test_the_command_writes_where_info_looks(folder, tmp_path, monkeypatch, caplog):
    start = weights_folder() / "mannequin-features.safetensors"
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path))
    out = tmp_path / "mannequin-affinity-paper.safetensors"
    arguments = ["--variant", "paper", "--data", str(folder), "--start", str(start), "--steps", "2", "--batch", "4"]
    with caplog.at_level("INFO"):
        assert main(["train-affinity", *arguments, "--pairs", "20", "--device", "cpu", "--out", str(out)]) == 0
    assert out.name in caplog.text and "the very ones it was trained on" in caplog.text
    assert out.is_file()
    with caplog.at_level("INFO"):
        assert main(["info"]) == 0
    assert "weights mannequin-affinity-paper: two-stream mannequin-vgg" in caplog.text


def test_other_data_never_write_over_the_committed_networks(folder, tmp_path, monkeypatch):
    start, before = weights_folder() / "mannequin-features.safetensors", sorted(weights_folder().iterdir())
    monkeypatch.chdir(tmp_path)
    train_affinity(short(folder, None, variant="paper", start=start, steps=2, batch=4, pairs=20))
    (path,) = (tmp_path / "runs").glob("*.safetensors")
    assert path.name == f"{folder.name}-mannequin-affinity-paper.safetensors"
    assert sorted(weights_folder().iterdir()) == before
    network, people = AffinityNetwork.load(path), load(folder, "test")
    assert (network.trained_on, network.data) == (people.fingerprint, folder.name)
    assert learned(network, people) == "as in the paper"
    others = load(folder, "train")
    assert learned(network, others) == f"trained on {folder.name}"
    assert default_out(AffinityConfig()) == affinity_weights("heldout")


def test_a_name_says_whom_a_network_learned(folder, tmp_path, monkeypatch, caplog):
    """The committed networks learned mannequins: of them one is as in the paper, of anybody else none is."""
    device = torch.device("cpu")
    people, train = load(None, "test"), load(None, "train")
    names = [learned(network, people, train) for network in affinity_networks((), people, train, device)]
    assert names == ["held out", "as in the paper"]
    with caplog.at_level("WARNING"):
        (only,) = affinity_networks((), load(folder, "test"), load(folder, "train"), device)
    assert only.variant == "heldout" and learned(only, load(folder, "test")) == "trained on mannequins"
    assert "APS: no network was trained on" in caplog.text and "train-affinity --data" in caplog.text
    (asked,) = affinity_networks(("paper",), load(folder, "test"), load(folder, "train"), device)
    assert learned(asked, load(folder, "test")) == "trained on mannequins"
    with pytest.raises(FileNotFoundError, match="no such file; make an affinity network"):
        affinity_networks(("nowhere.safetensors",), people, train, device)
