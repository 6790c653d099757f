"""The offline feature network: augmented pictures, a short training, and its card."""

from __future__ import annotations

import json

import torch

from momi_lib.features import feature_network
from momi_lib.files import sha256
from momi_lib.train.features import FeaturesConfig, augment, train_features


def test_augmented_pictures_stay_pictures():
    rng = torch.Generator().manual_seed(0)
    pictures = torch.rand(16, 3, 128, 64, generator=rng) * 2 - 1
    augmented = augment(pictures, rng)
    assert augmented.shape == pictures.shape
    assert augmented.abs().max() <= 1
    assert not torch.equal(augmented, pictures)


def test_shifts_reach_every_row_and_column_offset_and_no_further():
    ramp = torch.linspace(-0.3, 0.3, 64).expand(512, 3, 128, 64)
    rng = torch.Generator().manual_seed(0)
    middle = augment(ramp.clone(), rng)[:, 0, 64]
    slope = middle[:, 40] - middle[:, 24]
    assert ((slope > 0).float().mean() - 0.5).abs() < 0.1  # about half are mirrored
    assert (slope.abs() > 0.05).all()


def test_training_writes_weights_that_load_and_a_card(folder, tmp_path):
    out = tmp_path / "features.safetensors"
    card = train_features(FeaturesConfig(data=folder, out=out, steps=3, batch=4, device="cpu"))
    assert card == json.loads(out.with_suffix(".json").read_text())
    assert card["sha256"] == sha256(out)
    assert 0 <= card["scores"]["rank1"] <= 1 and card["scores"]["queries"] == 12
    assert feature_network("mannequin", out).name == f"mannequin-vgg[{sha256(out)[:8]}]"


def test_the_same_seed_gives_the_same_weights(folder, tmp_path):
    hashes = {
        train_features(FeaturesConfig(data=folder, out=tmp_path / f"{i}.safetensors", steps=2, batch=4, device="cpu"))[
            "sha256"
        ]
        for i in range(2)
    }
    assert len(hashes) == 1
