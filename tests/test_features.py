"""Feature networks: frozen, named, and honest about missing weights."""

from __future__ import annotations

import urllib.error
from types import SimpleNamespace

import pytest
import torch
import torchvision

from momi_lib import features
from momi_lib.files import save_tensors, sha256
from momi_lib.metrics.judges import evaluation_network
from momi_lib.rivals.patn import Patn, PatnConfig, PatnObjective
from momi_lib.train import preset
from momi_lib.train.loop import Trainer


@pytest.fixture(scope="module")
def vgg():
    return features.VGG19Features(weights=None)


def test_vgg_blocks_are_relu2_1_and_relu5_1(vgg):
    torch.manual_seed(0)
    layers = torchvision.models.vgg19(weights=None).features
    layers.load_state_dict(
        {k.removeprefix("blocks.1.").removeprefix("blocks.0."): v for k, v in _renumbered(vgg).items()}, strict=False
    )
    pictures = torch.rand(1, 3, 64, 32) * 2 - 1
    mean, deviation = torch.tensor(features.IMAGENET_MEAN), torch.tensor(features.IMAGENET_DEVIATION)
    x = ((pictures + 1) / 2 - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)
    expected = []
    # conv1_1 relu conv1_2 relu pool | conv2_1 RELU …: index 6 is relu2_1 and index 29 relu5_1.
    for index, layer in enumerate(layers):
        x = layer(x)
        if index in (6, 29):
            expected.append(x.clone())
    for ours, theirs in zip(vgg(pictures), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def _renumbered(vgg):
    state = {}
    for name, value in vgg.state_dict().items():
        _, block, layer, kind = name.split(".")
        state[f"{int(layer) + 7 * int(block)}.{kind}"] = value
    return state


@pytest.mark.thorough
def test_vgg_from_a_file_names_its_hash(tmp_path):
    path = tmp_path / "vgg.pth"
    torch.save(torchvision.models.vgg19(weights=None).state_dict(), path)
    assert features.VGG19Features(path).name == f"vgg19[{sha256(path)[:8]}]"


def fail(*args, **kwargs):
    """Instead of a download."""
    raise urllib.error.URLError("no network")


def test_without_a_network_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fail)
    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", fail)
    with pytest.raises(RuntimeError, match=r"no network.*copy vgg19-dcbb9e9d.pth into .* or pass its path$"):
        features.feature_network("vgg19")


def test_what_else_can_be_chosen_is_an_option_of_the_caller(monkeypatch, tmp_path):
    monkeypatch.setattr(torchvision.models, "vgg19", fail)  # whose random weights take time
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path))
    for name, error, other in (("vgg19", RuntimeError, "mannequin"), ("mannequin", FileNotFoundError, "random")):
        run = SimpleNamespace(config=preset("tiny", loss=dict(perceptual=name)))
        with pytest.raises(error, match=f"; or choose --loss.perceptual {other}$"):
            Trainer._perceptual(run)
    patn = PatnConfig(width=4, blocks=1, discriminator_width=4, discriminator_blocks=1, pool=2, perceptual="vgg19")
    with pytest.raises(RuntimeError, match="; or choose --preset small, whose network needs no download$"):
        PatnObjective(Patn(patn), patn, 2)
    with pytest.raises(FileNotFoundError, match="make it with `python -m momi_lib train-features`$"):
        evaluation_network("mannequin")


def test_frozen_for_good():
    network = features.RandomFeatures()
    network.train()
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_random_is_the_same_for_a_seed_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    first, second, other = (features.RandomFeatures(seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    pictures = torch.rand(1, 3, 32, 16)
    assert torch.equal(first(pictures)[1], second(pictures)[1])
    assert not torch.equal(first(pictures)[1], other(pictures)[1])


def test_mannequin_features_round_trip(tmp_path):
    network = features.MannequinFeatures()
    path = tmp_path / "f.safetensors"
    save_tensors(path, network.state_dict())
    again = features.feature_network("mannequin", path)
    assert again.name == f"mannequin-vgg[{sha256(path)[:8]}]"
    assert again.embed(torch.zeros(2, 3, 128, 64)).shape == (2, 384)
    assert not again.training


def test_folding_keeps_the_mannequin_features(tmp_path):
    network = features.MannequinFeatures()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):  # as after training: neither mean 0 nor variance 1
            torch.nn.init.normal_(layer.running_mean)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2)
            torch.nn.init.normal_(layer.bias)
    save_tensors(tmp_path / "f.safetensors", network.state_dict())
    folded = features.MannequinFeatures.load(tmp_path / "f.safetensors")
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.modules())
    pictures = torch.rand(2, 3, 128, 64) * 2 - 1
    for ours, plain in zip(folded(pictures), network.eval()(pictures), strict=True):
        assert torch.allclose(ours, plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))


def test_missing_mannequin_features_name_their_command(tmp_path):
    with pytest.raises(FileNotFoundError, match="train-features"):
        features.feature_network("mannequin", tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="'random'"):
        features.feature_network("alexnet")
