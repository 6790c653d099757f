"""MomiNet as a whole: RGB in, RGB out, what trains what, and files."""

from __future__ import annotations

import json

import pytest
import torch

from momi_lib.files import sha256
from momi_lib.train import preset
from momi_lib.translate import MomiNet, NetworkConfig, load_network, save_network


@pytest.fixture
def network():
    torch.manual_seed(0)
    return MomiNet(preset("tiny").network).eval()


def test_swap_is_the_parts_in_a_row(network):
    source, target = torch.rand(2, 2, 3, 128, 64).mul(2).sub(1).unbind(0)
    source_code, target_code = (network.encode_pose(network.pose(x).maps) for x in (source, target))
    expected = network.decode(network.encode_appearance(source, source_code), target_code)
    torch.testing.assert_close(network.swap(source, target), expected)


def test_appearance_comes_from_the_source_and_pose_from_the_target(network):
    source = torch.rand(1, 3, 128, 64) * 2 - 1
    landmarks = torch.rand(1, 17, 2) * torch.tensor([63.0, 127.0])
    everywhere, nowhere = torch.ones(1, 17, dtype=torch.bool), torch.zeros(1, 17, dtype=torch.bool)
    with torch.no_grad():
        own = network.encode_pose(network.reproject(landmarks, everywhere))
        appearance = network.encode_appearance(source, own)
        codes = [network.encode_pose(network.reproject(landmarks, seen)) for seen in (everywhere, nowhere)]
        drawn = [network.decode(appearance, code) for code in codes]
    assert not torch.allclose(*drawn)


def test_the_student_learns_nothing_from_pictures(network):
    pictures = torch.rand(2, 3, 128, 64) * 2 - 1
    network.swap(pictures, pictures).sum().backward()
    assert all(p.grad is None for p in network.student.parameters())
    assert all(p.grad is not None for part in network.translation() for p in part.parameters())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (torch.zeros(1, 3, 64, 64), "source.*3, 128, 64"),
        (torch.zeros(1, 3, 128, 64, dtype=torch.uint8), "to_float"),
        (torch.zeros(3, 128, 64), "source"),
        (torch.zeros(2, 3, 128, 64), "as many"),
    ],
)
def test_wrong_pictures_are_refused(network, source, message):
    with pytest.raises(ValueError, match=message):
        network.swap(source, torch.zeros(1, 3, 128, 64))


@pytest.mark.parametrize("change", [{"size": (100, 64)}, {"width": 0}, {"threshold": 1.5}, {"sigma": 0}])
def test_impossible_configs_are_refused(change):
    with pytest.raises(ValueError, match="expected"):
        NetworkConfig(**change)


def test_other_sizes_work():
    config = preset("tiny").network
    network = MomiNet(NetworkConfig(**{**vars(config), "size": (256, 128)})).eval()
    assert network.sigma == 12.0
    pictures = torch.zeros(1, 3, 256, 128)
    assert network.swap(pictures, pictures).shape == pictures.shape


@pytest.mark.parametrize(("name", "limit"), [("tiny", 0.5), ("small", 5.0), ("base", 16.0)])
def test_presets_keep_their_size(name, limit):
    assert sum(p.numel() for p in MomiNet(preset(name).network).parameters()) < limit * 1e6


def test_the_paper_preset_is_literal():
    config = preset("paper").network
    assert (config.width, config.attention_blocks, config.stem, config.kernel) == (256, 9, "paper", 7)
    assert preset("paper").perceptual == "vgg19"
    weights = preset("paper").weights
    assert (weights.translate, weights.patch, weights.adversarial) == (1.0, 0.5, 0.5)


def test_files_round_trip(network, tmp_path):
    path = save_network(network, tmp_path / "net.safetensors", {"seed": 3})
    card = json.loads(path.with_suffix(".json").read_text())
    assert card == {"seed": 3, "sha256": sha256(path)}
    again = load_network(path)
    assert again.config == network.config
    pictures = torch.rand(1, 3, 128, 64) * 2 - 1
    assert (again.swap(pictures, pictures) - network.swap(pictures, pictures)).abs().max() < 0.02  # half precision
    assert not any(p.requires_grad for p in again.parameters())


def test_a_flipped_byte_is_noticed(network, tmp_path):
    path = save_network(network, tmp_path / "net.safetensors")
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="SHA-256"):
        load_network(path)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m momi_lib train"):
        load_network(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(ValueError, match="safetensors"):
        load_network(tmp_path / "text.safetensors")


@pytest.mark.gpu
def test_cpu_and_gpu_agree(network):
    pictures = torch.rand(2, 3, 128, 64) * 2 - 1
    landmarks, valid = torch.rand(2, 17, 2) * 60, torch.ones(2, 17, dtype=torch.bool)

    def draw(device):
        net, x = network.to(device), pictures.to(device)
        code = net.encode_pose(net.reproject(landmarks.to(device), valid.to(device)))
        return net.decode(net.encode_appearance(x, code), code).cpu()

    # TF32 is off by default for matrix products but on for cuDNN convolutions: 1e-3 is its rounding.
    torch.testing.assert_close(draw("cuda"), draw("cpu"), atol=1e-3, rtol=0)
