"""APS: the two-stream network, its files, its scores of real pairs and of swaps, and their names."""

from __future__ import annotations

import json
import math
import socket
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torchvision.models import resnet50
from torchvision.transforms.functional import normalize

from momi_lib.data import People, to_float
from momi_lib.features import IMAGENET_DEVIATION, IMAGENET_MEAN, feature_network
from momi_lib.files import save_tensors, sha256, weights_folder
from momi_lib.metrics import affinity as affinity_module
from momi_lib.metrics.affinity import AffinityNetwork, affinity_weights, learned
from momi_lib.metrics.aps import RealAffinities, aps, real_affinities, real_pairs
from momi_lib.metrics.uncertainty import standard_error


class Mean(nn.Module):
    """A backbone whose features can be worked out by hand: the mean of each colour in [-1, 1]."""

    def embed(self, pictures):
        return pictures.mean((-2, -1))


def by_hand(weight=(-2.0, -1.0, 0.0), bias=1.0, variant="heldout"):
    """sigmoid(bias + weight · (a - b)²): a batch norm that has seen mean 0 and variance 1."""
    network = AffinityNetwork(variant)
    network.backbone = Mean()
    network.head = nn.Sequential(nn.BatchNorm1d(3, eps=0), nn.Linear(3, 1))
    with torch.no_grad():
        network.head[1].weight.copy_(torch.tensor([weight]))
        network.head[1].bias.fill_(bias)
    return network.eval().requires_grad_(False)


def seeded(variant):
    """A head that knows nothing on features that know people."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AffinityNetwork(variant).start().eval()


def flat(*colours, size=(8, 4)):
    """One-coloured pictures, (N, 3, H, W) uint8."""
    return torch.tensor(colours, dtype=torch.uint8)[:, :, None, None].expand(-1, -1, *size).contiguous()


def noise(count, seed=0):
    return torch.randint(256, (count, 3, 128, 64), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def crowd(persons, pictures):
    persons = torch.tensor(persons)
    files = tuple(f"{i}.jpg" for i in range(len(persons)))
    return People(Path("folder"), "test", files, pictures, persons, persons * 0 + 1, None, None, None, "0")


@pytest.fixture(scope="module")
def network():
    return seeded("heldout").requires_grad_(False)


def test_the_affinity_is_the_sigmoid_of_the_weighed_squared_difference():
    network = by_hand()
    black, red, blue = to_float(flat((0, 0, 0), (255, 0, 0), (0, 0, 255))).split(1)
    for pair, logit in (((black, red), 1 - 2 * 4), ((black, black), 1), ((black, blue), 1), ((red, blue), 1 - 2 * 4)):
        assert float(network(*pair)) == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-5)
    network.head[0].running_mean.fill_(4.0)
    network.head[0].running_var.fill_(4.0)  # (4 - 4) / 2 red, (0 - 4) / 2 of the others: 1 + 2
    assert float(network(black, red)) == pytest.approx(1 / (1 + math.exp(-3)), rel=1e-5)
    assert network.copy_affinity == pytest.approx(1 / (1 + math.exp(-7)), rel=1e-5)


def test_pairs_are_symmetric_and_copies_all_alike(network):
    first, second = to_float(noise(6)).chunk(2)
    forth, back = network(first, second), network(second, first)
    assert forth.shape == (3,) and bool(((forth > 0) & (forth < 1)).all())
    torch.testing.assert_close(forth, back)
    copies = network(first, first)
    torch.testing.assert_close(copies, torch.full((3,), network.copy_affinity))
    assert float((forth - copies).abs().min()) > 1e-3  # what is no copy is seen as such


def test_both_streams_learn_through_one_backbone():
    learner = seeded("heldout").train()
    first, second = to_float(noise(4)).chunk(2)
    learner(first, second.requires_grad_()).sum().backward()
    assert float(second.grad.abs().max()) > 0
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in learner.parameters())


def test_resnet_is_torchvisions_from_a_file(tmp_path, monkeypatch):
    trained = resnet50(weights=None).eval()
    for layer in trained.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    path = save_tensors(tmp_path / "resnet.safetensors", trained.state_dict())
    network = AffinityNetwork("paper", "resnet50").start(path).eval()
    trained.fc = nn.Identity()
    big = nn.functional.interpolate(noise(1) / 255, (224, 224), mode="bilinear", align_corners=False)
    with torch.inference_mode():
        expected = trained(normalize(big, IMAGENET_MEAN, IMAGENET_DEVIATION))
    torch.testing.assert_close(network.describe(noise(1)), expected, rtol=1e-3, atol=1e-4)
    assert network.card.backend == "resnet-50" and network.card.resize.startswith("224 x 224")

    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("the network was tried"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(FileNotFoundError, match="resnet50-0676ba61.pth: .* nothing is downloaded here"):
        network.start()


def test_the_offline_backbone_begins_as_the_feature_network():
    network = AffinityNetwork("heldout").start().eval()
    expected = feature_network("mannequin").embed(to_float(noise(2)))
    torch.testing.assert_close(network.describe(noise(2), batch=1), expected, rtol=1e-3, atol=1e-4)


def test_starting_weights_that_are_others_or_missing(tmp_path, network):
    path = save_tensors(tmp_path / "other.safetensors", {"a": torch.ones(1)})
    with pytest.raises(ValueError, match="other.safetensors: expected weights that `train-features` wrote"):
        AffinityNetwork("heldout").start(path)
    with pytest.raises(FileNotFoundError, match="nowhere.safetensors: .* make them with .*train-features"):
        AffinityNetwork("heldout").start(tmp_path / "nowhere.safetensors")


def test_a_saved_network_says_the_same_and_knows_its_variant(tmp_path):
    network = seeded("paper").requires_grad_(False)
    network.head[0].running_var.fill_(1e6)  # more than fp16 holds
    path = network.save(tmp_path / "a.safetensors", {"steps": 3})
    loaded = AffinityNetwork.load(path)
    assert loaded.variant == "paper" and loaded.card.weights == sha256(path)
    assert json.loads(path.with_suffix(".json").read_text()) == {"steps": 3, "sha256": sha256(path)}
    first, second = to_float(noise(4)).chunk(2)
    torch.testing.assert_close(loaded(first, second), network(first, second), rtol=0, atol=1e-3)
    torch.testing.assert_close(loaded.embed(first), network.embed(first), rtol=0.02, atol=0.02)  # fp16
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    assert path.stat().st_size < 1_400_000


def test_files_that_are_damaged_or_others_are_refused_by_name(tmp_path, network):
    path = network.save(tmp_path / "a.safetensors")
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    path.write_bytes(bytes(flipped))
    with pytest.raises(ValueError, match="a.safetensors: does not fit the SHA-256 in a.json"):
        AffinityNetwork.load(path)
    path.with_suffix(".json").unlink()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="a.safetensors: expected weights of an affinity network"):
        AffinityNetwork.load(path)
    both = json.dumps({"format": "momi-affinity-1", "variant": "both", "backbone": "mannequin"})
    for about in ("no JSON", "[]", both):
        save_tensors(path, network.state_dict(), {"momi": about})
        with pytest.raises(ValueError, match="a.safetensors: expected weights of an affinity network"):
            AffinityNetwork.load(path)
    about = json.dumps({"format": "momi-affinity-1", "variant": "paper", "backbone": "mannequin"})
    save_tensors(path, network.backbone.state_dict(), {"momi": about})
    with pytest.raises(ValueError, match="a.safetensors: .*others or a damaged file"):
        AffinityNetwork.load(path)
    with pytest.raises(ValueError, match=r"mannequin-features.safetensors: .*its format is None"):
        AffinityNetwork.load(weights_folder() / "mannequin-features.safetensors")
    with pytest.raises(FileNotFoundError, match="nowhere.safetensors: no such file; .*train-affinity --variant"):
        AffinityNetwork.load(tmp_path / "nowhere.safetensors")


def test_variants_have_files_and_names_of_their_own():
    names = {affinity_weights(v, b).name for v in ("heldout", "paper") for b in ("mannequin", "resnet50")}
    assert len(names) == 4 and "mannequin-affinity-heldout.safetensors" in names
    with pytest.raises(ValueError, match="variant: expected one of heldout, paper, got 'test'"):
        AffinityNetwork("test")
    with pytest.raises(ValueError, match="backbone: expected one of mannequin, resnet50, got 'vgg19'"):
        AffinityNetwork("paper", "vgg19")


def test_real_pairs_are_what_they_say_and_nobody_is_in_none():
    persons = [-1, 5, 5, 9, 0, 9, 9, 7, 0, 5]
    people = crowd(persons, flat(*[(i, i, i) for i in range(10)]))
    before = torch.get_rng_state()
    first, same, different = real_pairs(people, 400, seed=3)
    who = people.persons
    assert first.shape == same.shape == different.shape == (400,)
    assert bool((first != same).all()) and torch.equal(who[first], who[same])
    assert bool((who[first] != who[different]).all())
    assert set(torch.cat([first, same]).tolist()) == {1, 2, 3, 5, 6, 9}
    assert set(different.tolist()) == {1, 2, 3, 5, 6, 7, 9}  # 7 has one picture: it can be somebody else
    again = real_pairs(people, 400, seed=3)
    assert all(torch.equal(a, b) for a, b in zip((first, same, different), again, strict=True))
    assert not torch.equal(first, real_pairs(people, 400, seed=4)[0])
    assert torch.equal(before, torch.get_rng_state())
    with pytest.raises(ValueError, match="at least two identities with two pictures each, got 1"):
        real_pairs(people.select([1, 2, 3]), 5)


def test_affinities_of_real_pairs_by_hand():
    # Persons 1 and 2 are red and black; one red is a little darker, which the network weighs.
    people = crowd([1, 1, 2, 2], flat((255, 0, 0), (204, 0, 0), (0, 0, 0), (0, 0, 0)))
    network = by_hand()
    real = real_affinities(network, people, pairs=300, seed=1, batch=3)
    first, same, different = real_pairs(people, 300, seed=1)
    red = torch.tensor([1.0, 0.6, -1.0, -1.0])
    expected = [torch.sigmoid(1 - 2 * (red[first] - red[other]) ** 2) for other in (same, different)]
    assert (real.same, real.different) == pytest.approx([float(e.mean()) for e in expected], rel=1e-4)
    of_two = [float(expected[0][people.persons[first] == person].mean()) for person in (1, 2)]
    assert real.same_error == pytest.approx(abs(of_two[0] - of_two[1]) / 2, rel=1e-3)  # two people, resampled
    assert (real.accuracy, real.auc, real.count, real.size) == (1.0, 1.0, 300, (8, 4))
    inverted = real_affinities(by_hand((2.0, 1.0, 0.0), -1.0), people, pairs=300, seed=1)
    assert (inverted.accuracy, inverted.auc) == (0.0, 0.0)


def judged(network):
    pictures = flat((255, 0, 0), (0, 0, 0), (255, 255, 0))
    return pictures, real_affinities(network, crowd([1, 1, 2, 2], pictures[[0, 0, 1, 1]]), pairs=50)


@pytest.mark.parametrize(
    ("variant", "name"), [("heldout", "APS[mannequin-vgg, held out]"), ("paper", "APS[mannequin-vgg, as in the paper]")]
)
def test_the_score_is_a_mean_with_its_error_and_conditions(variant, name):
    network = by_hand(variant=variant)
    sources, real = judged(network)
    swaps = flat((255, 0, 0), (255, 0, 0), (255, 0, 0))  # a copy, another red, another green
    score = aps(network, swaps, sources, real, of="swaps of a test", batch=2)
    values = torch.sigmoid(torch.tensor([1.0, 1 - 2 * 4, 1 - 4]))
    assert score.value == pytest.approx(float(values.mean()), rel=1e-5)
    assert score.error == pytest.approx(float(values.std()) / math.sqrt(3), rel=1e-5)
    assert score.name == name and score.variant == variant and score.count == 3
    assert (score.same, score.different) == (real.same, real.different)
    assert score.copy == pytest.approx(float(values[0]), rel=1e-5)
    text = str(replace(score, network=replace(score.network, weights="0123abcd" + 56 * "0")))
    for part in (
        f"{name} {score.value:.4f} ± {score.error:.4f}", "3 pictures 8 x 4: swaps of a test", "their source pictures",
        f"50 real pairs each of one person {real.same:.4f}, of two {real.different:.4f}: 2 people of the split test",
        f"a copy of the source {score.copy:.4f}", "weights 0123abcd;", "resize none",
    ):  # fmt: skip
        assert part in text


def test_copying_the_source_has_the_highest_value_of_a_network_that_dislikes_differences():
    network = by_hand()
    sources, real = judged(network)
    copied = aps(network, sources, sources, real, of="copies")
    assert copied.value == pytest.approx(copied.copy) and copied.error == pytest.approx(0)
    other = aps(network, sources.roll(1, 0), sources, real, of="others")
    assert other.value < copied.value
    assert math.isnan(aps(network, sources[:1], sources[:1], real, of="one").error)


def test_sources_can_be_given_as_places_among_all_pictures():
    network = by_hand()
    pictures, real = judged(network)
    index = torch.tensor([2, 0, 2, 2, 0])
    swaps = pictures[torch.tensor([0, 1, 2, 1, 0])]
    listed = aps(network, swaps, pictures[index], real, of="swaps")
    placed = aps(network, swaps, pictures, real, index=index, of="swaps")
    assert placed == listed and listed.count == 5
    assert placed.value != aps(network, swaps, pictures, real, index=index * 0, of="swaps").value


@pytest.mark.parametrize(
    "index", [torch.tensor([0, 3]), torch.tensor([-1, 0]), torch.tensor([0.0]), torch.zeros(1, 1).long()]
)
def test_refuses_places_that_are_none(index):
    network = by_hand()
    pictures, real = judged(network)
    with pytest.raises(ValueError, match="index: expected which of the 3 sources each swap took"):
        aps(network, pictures[: len(index)], pictures, real, index=index, of="swaps")


def test_refusals():
    network = by_hand()
    pictures, real = judged(network)
    with pytest.raises(ValueError, match=r"the source picture of each swap, \(3, 3, 8, 4\), got \(2, 3, 8, 4\)"):
        aps(network, pictures, pictures[:2], real, of="swaps")
    with pytest.raises(ValueError, match=r"expected pictures \(N, 3, H, W\) uint8"):
        aps(network, pictures.float(), pictures.float(), real, of="swaps")
    with pytest.raises(ValueError, match=r"expected pictures \(N, 3, H, W\) uint8"):
        network.describe(pictures[:0])
    for change in ({"variant": "paper"}, {"size": (4, 4)}, {"network": replace(real.network, weights="others")}):
        wrong: RealAffinities = replace(real, **change)
        with pytest.raises(ValueError, match="real: expected affinities of real pictures by the network and in the"):
            aps(network, pictures, pictures, wrong, of="swaps")
    with pytest.raises(ValueError, match="pairs: expected a whole number from 1 up, got 0"):
        real_affinities(network, crowd([1, 1, 2, 2], pictures[[0, 0, 1, 1]]), pairs=0)
    network.train()
    with pytest.raises(ValueError, match="expected a network in evaluation mode; .* Call network.eval"):
        aps(network, pictures, pictures, real, of="swaps")


def test_whose_identities_a_network_learned_is_said_as_far_as_it_is_known():
    network = AffinityNetwork("paper")
    judged, training = SimpleNamespace(fingerprint="a"), SimpleNamespace(fingerprint="b")
    assert learned(network, judged, training) == "as in the paper"  # believed its variant
    network.trained_on, network.data = "b", "a street"
    assert learned(network, judged, training) == "held out"
    assert learned(network, training, judged) == "as in the paper"
    assert learned(network, judged) == learned(network, judged, judged) == "trained on a street"


def test_a_network_that_knows_nothing_is_right_half_of_the_time():
    people = crowd([0, 0, 1, 1, 2, 2, -1], flat(*[(i, i, i) for i in range(7)]))
    real = real_affinities(by_hand((0.0, 0.0, 0.0), 0.0), people, pairs=20)
    assert (real.same, real.different, real.accuracy, real.auc) == (0.5, 0.5, 0.5, 0.5)
    assert real.pictures == "2 people of the split test"  # 0 and -1 are nobody


def test_real_pairs_are_those_of_seed_0_where_nothing_is_said():
    people = crowd([1, 1, 1, 2, 2, 2], flat(*[(40 * i, 0, 0) for i in range(6)]))
    pairs = zip(real_pairs(people, 50), real_pairs(people, 50, 0), strict=True)
    assert all(torch.equal(usual, first) for usual, first in pairs)
    network = by_hand()
    assert real_affinities(network, people, pairs=50) == real_affinities(network, people, pairs=50, seed=0)


def test_scores_stay_what_they_are():
    pictures, real = judged(by_hand())
    score = aps(by_hand(), pictures, pictures, real, of="copies")
    for each, name in ((real, "same"), (score, "value")):
        with pytest.raises(FrozenInstanceError):
            setattr(each, name, 1.0)


def test_features_that_are_compared_come_from_describe():
    network = by_hand()
    good = torch.zeros(2, 3)
    for name, pair in (("first", (torch.zeros(2, 4), good)), ("second", (good, torch.zeros(2, 4)))):
        with pytest.raises(ValueError, match=rf"^{name}: expected features \(N, 3\) of floats, as describe"):
            network.compare(*pair)
    with pytest.raises(ValueError, match="^second: expected features .* with N = 2 as in first"):
        network.compare(good, good[:1])


def test_scores_keep_no_gradients():
    network = by_hand().requires_grad_(True)
    features = network.describe(flat((0, 0, 0), (255, 255, 255)))
    assert not features.requires_grad and features.is_inference()
    assert network.compare(torch.zeros(1, 3), torch.zeros(1, 3)).requires_grad  # while it learns, it does
    assert not network.affinity(torch.zeros(1, 3), torch.zeros(1, 3)).requires_grad


def test_resnet_has_as_many_features_as_torchvisions():
    with torch.device("meta"):
        assert affinity_module.BACKBONES["resnet50"][-1] == resnet50().fc.in_features


def test_who_learned_what_is_asked_of_people():
    network = by_hand()
    network.trained_on = "abc"
    people = crowd([1, 1, 2, 2], noise(4))
    for name, given in (("people", (None, None)), ("people", ("x", None)), ("train", (people, "x"))):
        with pytest.raises(TypeError, match=f"^{name}: expected People"):
            learned(network, *given)


def test_the_error_is_by_person_where_it_is_said_who_is_who():
    network = by_hand()
    sources, real = judged(network)
    swaps = flat((255, 0, 0), (255, 0, 0), (255, 0, 0))
    who, whose = torch.tensor([1, 1, 2]), torch.tensor([3, 4, 3])
    affinities = network.affinity(network.describe(swaps), network.describe(sources))
    for persons in ((who,), (who, whose), [who, whose]):
        score = aps(network, swaps, sources, real, persons=persons, of="swaps")
        assert score.error == pytest.approx(standard_error(affinities, *persons)) != 0
    for persons in ((who, whose, who), "ab", {1: who, 2: whose}):
        with pytest.raises(TypeError, match="^persons: expected two tensors, of sources and targets"):
            aps(network, swaps, sources, real, persons=persons, of="swaps")


def test_what_describes_an_affinity_is_text():
    network = by_hand()
    pictures, real = judged(network)
    people = crowd([1, 1, 2, 2], pictures[[0, 0, 1, 1]])
    for name in ("of", "learned"):
        with pytest.raises(TypeError, match=f"^{name}: "):
            real_affinities(network, people, pairs=4, **{name: 3})
    for name, words in (("of", {"of": 3}), ("reference", {"of": "swaps", "reference": 3})):
        with pytest.raises(TypeError, match=f"^{name}: "):
            aps(network, pictures, pictures, real, **words)


def test_six_thousand_real_pairs_are_usual():
    network = by_hand()
    pictures, _ = judged(network)
    assert real_affinities(network, crowd([1, 1, 2, 2], pictures[[0, 0, 1, 1]])).count == 6000


def test_a_refusal_says_the_first_places_and_both_networks():
    network = by_hand()
    pictures, real = judged(network)
    with pytest.raises(ValueError, match=r"got \(7,\) torch.int64, \[0, 1, 2, 3, 4\] \.\.\.$"):
        aps(network, pictures, pictures, real, index=torch.arange(7), of="swaps")
    with pytest.raises(ValueError, match=r"heldout, \(8, 4\), got .*, paper, \(8, 4\)\. Call") as refused:
        aps(network, pictures, pictures, replace(real, variant="paper"), of="swaps")
    assert str(refused.value).count(network.card.name) == 2


def test_where_the_backbone_begins_without_a_file():
    expected = Path(torch.hub.get_dir()) / "checkpoints" / "resnet50-0676ba61.pth"
    assert affinity_module.starting_weights("resnet50") == expected
