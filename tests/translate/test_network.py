"""MomiNet as a whole: RGB in, RGB out, what trains what, and files."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from momi_lib.files import load_tensors, save_tensors, sha256, tensor_metadata
from momi_lib.train import PRESETS, preset
from momi_lib.translate import MomiNet, NetworkConfig, load_network, network_of, save_network, weights
from momi_lib.translate.network import ends
from momi_lib.translate.weights import KEY, OTHER, names_of, told_apart, weights_file


@pytest.fixture
def network():
    torch.manual_seed(0)
    return MomiNet(preset("tiny").network).eval()


@pytest.fixture
def finding(network, visible):
    """The same, but its student finds every joint, in other places on every picture: else all poses would be alike."""
    return visible(network)


def test_swap_is_the_parts_in_a_row(finding):
    network = finding
    source, target = torch.rand(2, 2, 3, 128, 64).mul(2).sub(1).unbind(0)
    source_code, target_code = (network.encode_pose(network.pose(x).maps) for x in (source, target))
    expected = network.decode(network.encode_appearance(source, source_code), target_code)
    torch.testing.assert_close(network.swap(source, target), expected)
    exchanged = network.decode(network.encode_appearance(source, target_code), source_code)
    assert not torch.allclose(expected, exchanged, atol=1e-3)  # the two poses matter, and which is whose


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


def test_met_people_are_drawn_as_they_are_swapped_and_mixed_on_the_way(network):
    pictures = torch.rand(2, 3, 128, 64) * 2 - 1
    with torch.no_grad():
        pose = network.pose(pictures)
        people = network.meet(pictures, pose)
        assert torch.equal(network.code(people), network.meet(pictures))
        swaps = network.swap(pictures, pictures.flip(0))
        torch.testing.assert_close(network.draw(people, pose.maps.flip(0)), swaps)
        torch.testing.assert_close(network.draw(people[:1], pose.maps)[1], swaps[0])  # one person in all poses
        torch.testing.assert_close(network.draw(people, pose.maps[1:])[0], swaps[0])  # all people in one pose
        ends = [network.draw(people, pose.maps, other=people.flip(0), share=share) for share in (0, 1e-6, 1 - 1e-6, 1)]
    torch.testing.assert_close(ends[0], ends[1], atol=1e-4, rtol=0)
    torch.testing.assert_close(ends[2], ends[3], atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match="share: expected a number from 0 to 1"):
        network.draw(people, pose.maps, share=0.5)


def test_a_network_that_draws_the_street_itself_takes_no_background(network):
    pictures = torch.zeros(1, 3, 128, 64)
    assert network.backgrounds == ("drawn",)
    torch.testing.assert_close(network.swap(pictures, pictures, background="drawn"), network.swap(pictures, pictures))
    for background in ("target", torch.zeros(3)):
        with pytest.raises(ValueError, match="background: this network draws the street itself, expected 'drawn'"):
            network.swap(pictures, pictures, background=background)
    with pytest.raises(ValueError, match="background: expected None"):
        network.draw(network.meet(pictures), torch.zeros(1, 17, 128, 64), torch.zeros(3))


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


@pytest.mark.parametrize(("name", "limit"), [("tiny", 0.5), ("lookup", 5.0), ("small", 7.4), ("base", 16.0)])
def test_presets_keep_their_size(name, limit):
    assert sum(p.numel() for p in network_of(preset(name).network).parameters()) < limit * 1e6


def test_the_presets_that_carry_are_these():
    assert {name for name, config in PRESETS.items() if config.network.carry} == {"tiny-carry", "small", "base"}
    kinds = {name: type(network_of(preset(name).network)).__name__ for name in ("lookup", "small")}
    assert kinds == {"lookup": "MomiNet", "small": "CarryNet"}


def test_the_paper_preset_is_literal():
    config = preset("paper").network
    assert (config.width, config.attention_blocks, config.stem, config.kernel) == (256, 9, "paper", 7)
    assert (config.attention_block, config.decode_at, config.decoder) == ("pat", "full", "argmax")
    run = preset("paper")
    assert (run.loss.perceptual, run.loss.perceptual_on, run.loss.perceptual_blocks) == ("vgg19", "source", (1.0, 1.0))
    assert (run.loss.adversarial, run.loss.adversarial_terms) == ("bce", "sum")
    assert (run.augment.mirror, run.distil_steps) == (0.0, 0)
    weights = run.loss.weights
    assert (weights.translate, weights.patch, weights.adversarial) == (1.0, 0.5, 0.5)
    for name in ("tiny", "lookup", "small", "base"):
        other = preset(name)
        choices = other.network.attention_block, other.network.decode_at
        choices += other.loss.perceptual_on, other.loss.adversarial_terms
        assert choices == ("normed", "quarter", "both", "mean")


def test_weights_from_before_an_option_keep_their_behaviour(network, tmp_path):
    """Files written earlier do not name the block of φ, nor where the maximum is taken, nor what is carried over."""
    path = save_network(network, tmp_path / "net.safetensors")
    about = json.loads(tensor_metadata(path)["momi"])
    for name in ("attention_block", "decode_at", "carry", "body_source", "body_target", "painter"):
        del about["network"][name]
    old = tmp_path / "old.safetensors"
    save_tensors(old, load_tensors(path), {"momi": json.dumps(about)})
    again = load_network(old)
    config = again.config
    assert type(again) is MomiNet and not config.carry
    assert (config.attention_block, config.decode_at) == ("normed", "quarter")


def test_landmarks_of_heatmaps_at_the_pictures_size_are_finer():
    """Bilinear upsampling moves a maximum an eighth of a cell to its larger neighbour; the paper's h is H × W."""
    rng = torch.Generator().manual_seed(0)
    centres = 8 + torch.rand(16, 17, 2, generator=rng) * torch.tensor([48.0, 112.0])
    rows, columns = (4 * torch.arange(n) + 1.5 for n in (32, 16))  # a cell's centre in pixels
    x, y = centres[..., 0, None, None], centres[..., 1, None, None]
    heatmaps = torch.exp(-((columns - x) ** 2 + (rows[:, None] - y) ** 2) / (2 * 8.0**2))
    errors = {}
    for place in ("quarter", "full"):
        network = MomiNet(replace(preset("tiny").network, decode_at=place)).eval()
        network.student.forward = lambda pictures: heatmaps
        pose = network.pose(torch.zeros(16, 3, 128, 64))
        assert pose.valid.all() and pose.heatmaps is heatmaps  # Eq. 1 meets the teacher at its own resolution
        errors[place] = float((pose.landmarks - centres).norm(dim=-1).mean())
    assert errors["full"] < 1.1 < 1.4 < errors["quarter"]


@pytest.mark.parametrize(
    "change", [{"attention_block": "fat"}, {"decode_at": "half"}, {"lean_attention": True, "attention_block": "pat"}]
)
def test_unknown_options_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        NetworkConfig(**change)


def test_files_round_trip(network, tmp_path):
    path = save_network(network, tmp_path / "net.safetensors", {"seed": 3})
    card = json.loads(path.with_suffix(".json").read_text())
    assert card == {"seed": 3, "sha256": sha256(path)}
    kept, about = load_file(path), tensor_metadata(path)[KEY]
    assert all(kept[name].dtype == torch.float16 for name, v in network.state_dict().items() if v.is_floating_point())
    assert about == json.dumps(json.loads(about), sort_keys=True)  # equal weights have equal hashes
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


def test_a_config_that_carries_needs_the_network_that_carries():
    with pytest.raises(ValueError, match=r"carry=False; network_of\(config\) makes a CarryNet"):
        MomiNet(preset("tiny-carry").network)


def test_weights_of_another_version_are_refused_in_one_sentence(tmp_path):
    path = save_network(MomiNet(preset("tiny").network), tmp_path / "old.safetensors")
    path.with_suffix(".json").unlink()
    tensors, about = load_tensors(path), json.loads(tensor_metadata(path)[KEY])
    unknown = about | {"network": about["network"] | {"wings": 2}}
    save_tensors(path, tensors, {KEY: json.dumps(unknown)})
    with pytest.raises(ValueError, match="is of a network with wings, which this version of momi_lib does not know"):
        load_network(path)
    tensors = {name.replace("generator", "decoder"): value for name, value in tensors.items()}
    save_tensors(path, tensors, {KEY: json.dumps(about)})
    with pytest.raises(ValueError, match="tensors, such as decoder.*do not fit the network that the file names"):
        load_network(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": (128, 60)}, "size: expected"),
        ({"size": (8, 64)}, "size: expected"),
        ({"size": (64, 8)}, "size: expected"),
        ({"attention": "none"}, "attention: expected"),
        ({"attention_blocks": -1}, "attention_blocks: expected"),
        ({"student": 0}, "student: expected"),
        ({"painter": 0}, "painter: expected"),
        ({"generator": (8, 8, 0, 8)}, "generator: expected"),
        ({"encoder": (0, 8)}, "encoder: expected"),
        ({"student": 24}, "student: expected a multiple of 16, got 24"),
        ({"width": 16.0}, "width: expected a whole number from 1 up, got 16.0"),
        ({"generator_blocks": (-1, 0, 0, 0)}, "generator_blocks: expected whole numbers from 0 up"),
        ({"kernel": 4}, "kernel: expected an odd number, so that it has a middle, got 4"),
        ({"kernel": 0}, "kernel: expected a whole number from 1 up"),
        ({"decoder": "dork"}, "decoder: expected one of argmax, quarter, newton, dark, got 'dork'"),
        ({"norm": "layer"}, "norm: expected one of batch, group, none"),
        ({"stem": "rich"}, "stem: expected one of paper, lean"),
        ({"pose_detail": -1}, "pose_detail: expected"),
        ({"threshold": 1.0}, "threshold"),
        ({"threshold": -0.1}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"sigma": -1.0}, "sigma"),
        ({"sigma": float("nan")}, "sigma: expected a number above 0, got nan"),
        ({"carry": True}, "network.output 'features'"),
        ({"output": "features"}, "network.output 'features'"),
        ({"carry": True, "output": "features", "size": (136, 64)}, "divisible by 16"),
        ({"carry": True, "output": "features", "size": (128, 72)}, "divisible by 16"),
    ],
)
def test_each_field_of_a_config_is_checked(change, message):
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**change)


def test_the_limits_of_a_config_belong_to_it():
    config = NetworkConfig(size=(16, 16), attention_blocks=0, threshold=0.0, sigma=0.5, width=1, painter=1, student=16)
    assert config.pose_detail == 0
    with pytest.raises(FrozenInstanceError):
        config.width = 2


def test_a_config_says_nothing_else_by_itself():
    """Files of weights name every field; who makes a config by hand relies on these."""
    assert asdict(NetworkConfig()) == {
        "size": (128, 64), "width": 256, "encoder": (128, 256), "stem": "paper", "attention": "pose",
        "attention_blocks": 9, "attention_block": "normed", "lean_attention": False,
        "generator": (256, 256, 128, 64), "generator_blocks": (2, 0, 0, 0), "upsampling": "transposed", "kernel": 7,
        "output": "full", "transfer": "join", "pose_detail": 0, "norm": "batch", "student": 48, "sigma": 6.0,
        "threshold": 0.2, "decoder": "argmax", "decode_at": "quarter", "carry": False,
        "body_source": (32, 64, 96, 128), "body_target": (32, 64, 96, 128), "painter": 16,
    }  # fmt: skip


@pytest.mark.parametrize("value", [1.5, -1.5])
def test_colours_may_pass_one_by_rounding_and_no_more(network, value):
    good, bad = torch.zeros(1, 3, 128, 64), torch.zeros(1, 3, 128, 64)
    bad[0, 0, 0, 0] = value
    with pytest.raises(ValueError, match=r"target: expected colours in \[-1, 1\]"):
        network.swap(good, bad)
    bad[0, 0, 0, 0] = value / 1.5 * 1.005
    network.swap(good, bad)


def test_heatmaps_that_are_no_numbers_are_refused_but_in_training(network):
    network.student.forward = lambda pictures: torch.full((len(pictures), 17, 32, 16), torch.nan)
    with pytest.raises(ValueError, match="finite|NaN"):
        network.pose(torch.zeros(1, 3, 128, 64))
    assert not network.train().pose(torch.zeros(1, 3, 128, 64)).valid.any()


def test_weights_of_one_name_are_told_apart_by_their_folders(network, tmp_path):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        network.student.heatmaps.bias.data.fill_(len(paths))
        paths.append(save_network(network, tmp_path / folder / "net.safetensors"))
    assert names_of(paths[:1]) == ["net"]
    assert names_of(paths) == ["a-net", "b-net"]
    (tmp_path / "run").mkdir()
    path = save_network(network, tmp_path / "run" / "weights.safetensors")
    assert names_of([path, "small"]) == ["run", "momi-small"]


def test_a_rehearsal_draws_each_source_in_the_three_poses_of_its_triplet(finding):
    triplet = torch.rand(3, 2, 3, 128, 64).mul(2).sub(1).unbind(0)
    with torch.no_grad():
        code = finding.meet(triplet[0])
        expected = torch.cat([finding.draw(code, finding.pose(pictures).maps) for pictures in triplet])
        torch.testing.assert_close(finding.rehearse(*triplet), expected)


@pytest.mark.parametrize("share", [-0.5, 1.5])
def test_nobody_is_farther_away_than_the_other_end(share):
    with pytest.raises(ValueError, match="share: expected a number from 0 to 1"):
        ends("one", "other", share)


def test_who_asks_for_unknown_weights_is_told_which_there_are(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"'smal': neither a file nor one of \[.*'small'.*\] in"):
        weights_file("smal")
    monkeypatch.setattr("momi_lib.translate.weights.weights_folder", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match=r"nor one of the committed weights \(there are none\) in"):
        weights_file("small")


def test_a_rivals_weights_are_named_as_such(network, tmp_path, monkeypatch):
    monkeypatch.setattr("momi_lib.translate.weights.weights_folder", lambda: tmp_path)
    (tmp_path / "rival-copy.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=f"^weights 'copy': {OTHER}$"):
        weights_file("copy")
    path = save_network(network, tmp_path / "net.safetensors")
    path.with_suffix(".json").unlink()
    tensors = load_tensors(path)
    save_tensors(path, tensors, {KEY: json.dumps({"format": "momi-rival-1", "method": "copy"})})
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: {OTHER}$"):
        load_network(path)
    save_tensors(path, tensors, {KEY: json.dumps({"format": "momi-network-3"})})
    with pytest.raises(ValueError, match="has the format 'momi-network-3', which this version .* update the library$"):
        load_network(path)
    save_tensors(path, tensors, {"format": "momi-teacher-1"})
    with pytest.raises(ValueError, match="expected weights of a MomiNet, got the weights of a pose teacher$"):
        load_network(path)


def test_the_same_weights_twice_are_refused():
    with pytest.raises(ValueError, match="^weights: expected different ones, got small twice$"):
        names_of(["lookup", "small", "small"])


def test_weights_alike_to_the_first_folder_are_told_apart_by_their_hash(tmp_path):
    files = [tmp_path / name for name in ("one", "two")]
    for file in files:
        file.write_text(file.name)
    # The first eight digits of what `sha256sum` says of "one" and "two".
    assert told_apart([("runs", "net")] * 2, files) == ["runs-net[7692c3ad]", "runs-net[3fc4ccfe]"]


@pytest.mark.parametrize(
    ("file", "way"),
    [
        ("/runs/a/best.safetensors", ("runs", "a", "best")),
        ("/runs/a/weights.safetensors", ("runs", "a")),
        ("/a/weights.safetensors", ("a",)),
        ("/weights.safetensors", ("weights",)),
        ("/best.safetensors", ("best",)),
    ],
)
def test_a_run_is_called_as_its_folder(file, way, monkeypatch):
    monkeypatch.setattr(weights, "weights_file", Path)
    assert weights._way(file, Path(file)) == way


def test_a_config_holds_plain_numbers_and_tuples_whatever_it_was_given():
    config = NetworkConfig(width=np.int64(32), size=[128, 64], encoder=[8, np.int64(12)])
    assert type(config.width) is int and config.size == (128, 64) and config.encoder == (8, 12)
    assert all(type(each) is int for each in config.encoder) and json.dumps(asdict(config))
