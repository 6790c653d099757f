"""The judges: torchvision's networks with random weights from a file, no download ever, and the offline one."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import inception_v3, resnet50
from torchvision.transforms.functional import normalize

from momi_lib.features import IMAGENET_DEVIATION, IMAGENET_MEAN, RandomFeatures, feature_network
from momi_lib.files import save_tensors, sha256, weights_folder
from momi_lib.metrics import judges as networks
from momi_lib.metrics.inception_score import inception_score
from momi_lib.metrics.judges import InceptionJudge, OfflineJudge, ResNet50Judge, evaluation_network
from momi_lib.metrics.masks import PersonMasks, mask_pictures
from momi_lib.metrics.perceptual import describe


def lively(network):
    """Random weights that keep the scale of what passes, or the networks would hardly see their pictures."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def pictures():
    return torch.randint(256, (2, 3, 128, 64), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.fixture(scope="module")
def inception(tmp_path_factory):
    network = lively(inception_v3(weights=None, init_weights=False, transform_input=True))
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(network.state_dict(), path)
    return network, path


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No cached weights, and whatever tries the network fails."""

    def fail(*_, **__):
        raise AssertionError("the network was tried")

    for place, name in (
        (torch.hub, "load_state_dict_from_url"), (torch.hub, "download_url_to_file"), (urllib.request, "urlopen"),
        (socket, "create_connection"),
    ):  # fmt: skip
        monkeypatch.setattr(place, name, fail)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def test_inception_is_torchvisions(inception, pictures):
    network, path = inception
    judge = evaluation_network("inception", path)
    features = judge.describe(pictures, "noise", batch=1)
    assert features.values.shape == (2, 2048) and features.logits.shape == (2, 1000)
    # The other way: to [0, 1], ImageNet's statistics, which the network itself turns into [-1, 1].
    big = nn.functional.interpolate(pictures / 255, (299, 299), mode="bilinear", align_corners=False)
    pooled = []
    network.dropout.register_forward_hook(lambda _, __, result: pooled.append(result.flatten(1)))
    logits = network(normalize(big, IMAGENET_MEAN, IMAGENET_DEVIATION))
    torch.testing.assert_close(features.logits, logits, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(features.values, pooled[0], rtol=1e-3, atol=1e-4)
    assert float((features.logits[0] - features.logits[1]).abs().max()) > 0.01  # it does see the pictures
    assert features.network.name == judge.name == f"inception-v3-torchvision[{sha256(path)[:8]}]"
    assert features.network.weights == sha256(path) and features.network.resize.startswith("299 x 299, bilinear")
    assert (features.pictures, features.size, features.masks) == ("noise", (128, 64), None)
    assert inception_score(features, splits=1).name == "IS[inception-v3-torchvision]"


def test_resnet_is_torchvisions(tmp_path, pictures):
    network = lively(resnet50(weights=None))
    old = {name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}
    path = save_tensors(tmp_path / "resnet.safetensors", old)  # ImageNet's own file lacks these counters, too
    judge = evaluation_network("resnet50", path)
    features = judge.describe(pictures, "noise")
    network.fc = nn.Identity()
    big = nn.functional.interpolate(pictures / 255, (224, 224), mode="bilinear", align_corners=False)
    expected = network(normalize(big, IMAGENET_MEAN, IMAGENET_DEVIATION))
    torch.testing.assert_close(features.values, expected, rtol=1e-3, atol=1e-4)
    assert features.logits is None and features.values.shape == (2, 2048)
    assert float((expected[0] - expected[1]).abs().max()) > 0.01
    assert judge.name == f"resnet-50-torchvision[{sha256(path)[:8]}]" and "224 x 224" in judge.card.resize
    assert not judge.train().training and not any(p.requires_grad for p in judge.parameters())
    assert {"mean", "deviation"}.isdisjoint(judge.state_dict())  # constants are no weights
    with pytest.raises(ValueError, match="resnet.safetensors: expected a state dict of torchvision's inception_v3"):
        InceptionJudge(path)


@pytest.mark.parametrize(
    ("judge", "file"),
    [(InceptionJudge, "inception_v3_google-0cc3c7bd.pth"), (ResNet50Judge, "resnet50-0676ba61.pth")],
)
def test_without_weights_nothing_is_downloaded_and_it_is_said_what_to_do(offline, judge, file):
    with pytest.raises(FileNotFoundError) as caught:
        judge()
    message = str(caught.value)
    for part in (str(offline / file), f"https://download.pytorch.org/models/{file}", "evaluation_network('mannequin')",
                 "--judge mannequin"):  # fmt: skip
        assert part in message
    with pytest.raises(FileNotFoundError, match="elsewhere.pth: no such file; expected .*, and nothing is downloaded"):
        judge(offline / "elsewhere.pth")


def test_a_download_is_found_and_a_damaged_one_is_refused(offline):
    damaged = offline / "inception_v3_google-0cc3c7bd.pth"
    torch.save({"a": torch.ones(1)}, damaged)
    said = rf"SHA-256 begins with 0cc3c7bd, .* got {sha256(damaged)[:8]}\. .* download https://download.pytorch.org"
    with pytest.raises(ValueError, match=said):
        evaluation_network("inception")
    whole = offline / f"net-{sha256(damaged)[:8]}.pth"
    damaged.rename(whole)
    assert networks._weights(None, f"https://somewhere/{whole.name}", "Net") == whole
    with pytest.raises(ValueError, match="expected a state dict of torchvision's inception_v3 with 1000 classes"):
        InceptionJudge(whole)


def test_code_in_weights_does_not_run(offline):
    path = offline / "code.pth"
    torch.save({"a": Path("x")}, path)  # any object that is no tensor
    with pytest.raises(ValueError, match="code.pth: cannot be read as weights"):
        ResNet50Judge(path)


def test_the_offline_judge_is_the_mannequins_network(offline):
    judge = evaluation_network("mannequin")
    path = weights_folder() / "mannequin-features.safetensors"
    assert judge.name == f"mannequin-vgg[{sha256(path)[:8]}]" == feature_network("mannequin").name
    assert judge.card.weights == sha256(path) and judge.card.resize == "none"
    some = torch.randint(256, (3, 3, 128, 64), dtype=torch.uint8)
    features = judge.describe(some, "noise", batch=2)
    torch.testing.assert_close(features.values, describe(feature_network("mannequin"), some), rtol=1e-4, atol=1e-5)
    assert features.logits is None
    with pytest.raises(ValueError, match="mannequin-vgg.* gives no logits"):
        inception_score(features)


def test_masked_pictures_are_described_as_such():
    pictures = torch.randint(256, (5, 3, 128, 64), dtype=torch.uint8)
    masks = PersonMasks(torch.rand(5, 128, 64) > 0.5, "true silhouettes")
    judge = OfflineJudge(RandomFeatures())
    features = judge.describe(pictures, "noise", masks, batch=2)
    expected = judge.describe(mask_pictures(pictures, masks.values), "noise")
    torch.testing.assert_close(features.values, expected.values, rtol=1e-4, atol=1e-5)
    assert features.masks == "true silhouettes, black behind" and expected.masks is None
    assert not torch.allclose(features.values, judge.describe(pictures, "noise").values, rtol=1e-2)


def test_refusals():
    judge = OfflineJudge(RandomFeatures())
    good = torch.zeros(2, 3, 128, 64, dtype=torch.uint8)
    for wrong in (good.float(), good[0], good[:, :2], good[:0]):
        with pytest.raises(ValueError, match=r"pictures: expected pictures \(N, 3, H, W\) uint8"):
            judge.describe(wrong, "zeros")
    with pytest.raises(ValueError, match="expected a mask a picture, got 1 for 2"):
        judge.describe(good, "zeros", PersonMasks(torch.ones(1, 128, 64, dtype=torch.bool), "all"))
    with pytest.raises(ValueError, match="expected masks"):
        judge.describe(good, "zeros", PersonMasks(torch.ones(2, 8, 8, dtype=torch.bool), "all"))
    with pytest.raises(ValueError, match="judge: expected 'mannequin', 'inception' or 'resnet50', got 'vgg19'"):
        evaluation_network("vgg19")


def test_large_pictures_are_made_smaller_without_antialiasing():
    pictures = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(networks._stretched(pictures, 32), nn.functional.avg_pool2d(pictures, 2))
    quarter = nn.functional.avg_pool2d(pictures[..., 1:-1, 1:-1], 2, stride=4)  # the middle 2 x 2 of 4 x 4
    torch.testing.assert_close(networks._stretched(pictures, 16), quarter)


def test_a_network_that_still_learns_is_frozen_as_a_judge():
    network = RandomFeatures()
    network.blocks.append(nn.BatchNorm2d(3))
    network.requires_grad_(True).train()
    assert network.training
    judge = OfflineJudge(network)
    assert not judge.network.training and not any(each.requires_grad for each in judge.parameters())


def test_inceptions_weights_never_learn(inception):
    judge = InceptionJudge(inception[1])
    assert not any(each.requires_grad for each in judge.parameters()) and not judge.training


def test_a_bar_is_shown_from_four_batches_on(monkeypatch):
    hidden = []

    def bar(values, disable=False, **_):
        hidden.append(disable)
        return values

    monkeypatch.setattr(networks, "tqdm", bar)
    judge = OfflineJudge(RandomFeatures())
    for count in (7, 8):
        judge.describe(torch.zeros(count, 3, 32, 32, dtype=torch.uint8), "zeros", batch=2)
    assert hidden == [True, False]
