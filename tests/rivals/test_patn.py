"""PATN: its block written out, its discriminators and pool, the weights of its losses, and who learns from which."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from momi_lib.features import VGG19Features, feature_network
from momi_lib.rivals.base import Landmarks, RivalBatch
from momi_lib.rivals.patn import (
    PRESETS,
    FirstFeatures,
    PatchDiscriminator,
    Patn,
    PatnConfig,
    PatnObjective,
    Pool,
    ResidualDiscriminator,
)
from momi_lib.translate.attention import PoseAttentionBlock

TINY = PatnConfig(
    size=(32, 16), width=4, blocks=2, discriminator_width=4, discriminator_blocks=1, pool=4, perceptual="none", batch=2
)


@pytest.fixture(autouse=True)
def own_chance():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def landmarks(number: int, size: tuple[int, int] = TINY.size) -> Landmarks:
    places = torch.rand(number, 17, 2) * torch.tensor([size[1] - 1.0, size[0] - 1.0])
    return Landmarks(places, torch.rand(number, 17) < 0.9)


def pairs(number: int, size: tuple[int, int] = TINY.size) -> RivalBatch:
    """Smooth pictures, each pair of one's own colours, and random poses."""

    def smooth() -> torch.Tensor:
        return functional.interpolate(torch.rand(number, 3, 4, 2) * 2 - 1, size, mode="bilinear")

    poses = landmarks(number, size), landmarks(number, size), landmarks(number, size)
    return RivalBatch(smooth(), smooth(), smooth(), poses, torch.arange(2 * number).view(2, number))


def made(config: PatnConfig = TINY) -> PatnObjective:
    return PatnObjective(Patn(config), config, people=4)


def run(objective: PatnObjective, batch: RivalBatch, steps: range, optimisers=None, length: int = 1000) -> list[float]:
    """So many training steps, chance seeded by their numbers; the L1 of each."""
    optimisers, found = optimisers or objective.optimisers(), []
    objective.train()
    for step in steps:
        torch.manual_seed(step)
        for phase in objective.phases(batch, step / length):
            for name in phase.optimisers:
                optimisers[name].zero_grad()
            phase.terms["total"].backward()
            for name in phase.optimisers:
                optimisers[name].step()
            if "l1" in phase.terms:
                found.append(phase.terms["l1"].item() / objective.options.l1_weight)
    return found


class OfficialBlock(nn.Module):
    """The official block, written out from its description and independently of the library's."""

    def __init__(self, d: int, first: bool) -> None:
        super().__init__()
        wide = d if first else 2 * d
        self.a1, self.n1 = nn.Conv2d(d, d, 3, padding=1, padding_mode="reflect", bias=False), nn.BatchNorm2d(d)
        self.a2, self.n2 = nn.Conv2d(d, d, 3, padding=1, padding_mode="reflect", bias=False), nn.BatchNorm2d(d)
        self.p1, self.m1 = nn.Conv2d(wide, wide, 3, padding=1, padding_mode="reflect", bias=False), nn.BatchNorm2d(wide)
        self.p2 = nn.Conv2d(wide, d, 3, padding=1, padding_mode="reflect", bias=False)

    def forward(self, x1, x2):
        h1 = self.n2(self.a2(functional.dropout(self.n1(self.a1(x1)).relu(), 0.5, self.training)))
        h2 = self.p2(functional.dropout(self.m1(self.p1(x2)).relu(), 0.5, self.training))
        x1 = x1 + h1 * torch.sigmoid(h2)
        return x1, torch.cat([h2, x1], dim=1), torch.sigmoid(h2)


@pytest.mark.parametrize("first", [True, False])
def test_the_published_block_of_momi_net_is_the_official_one(first):
    d = 6
    ours, official = PoseAttentionBlock(d, first=first, block="pat"), OfficialBlock(d, first)
    for mine, theirs in zip(ours.parameters(), official.parameters(), strict=True):
        assert mine.shape == theirs.shape
        with torch.no_grad():
            theirs.copy_(mine)
    x1, x2 = torch.randn(3, d, 8, 4), torch.randn(3, d if first else 2 * d, 8, 4)
    for training in (True, False):  # dropout and batch statistics, then neither
        results = []
        for block in (ours, official):
            torch.manual_seed(1)
            results.append(block.train(training)(x1.clone(), x2.clone()))
        for mine, theirs in zip(*results, strict=True):
            torch.testing.assert_close(mine, theirs)


def test_the_network_is_a_series_of_official_blocks_between_stems_and_decoder():
    network, batch = Patn(TINY).eval(), pairs(2)
    assert batch.poses is not None
    x1, x2 = network.codes(batch.source, *batch.poses[:2])
    assert x1.shape == x2.shape == (2, 16, 8, 4)
    gates = []
    for index, ours in enumerate(network.attention.blocks):
        official = OfficialBlock(16, first=index == 0).eval()
        for mine, theirs in zip(ours.parameters(), official.parameters(), strict=True):
            theirs.data.copy_(mine)
        x1, x2, gate = official(x1, x2)
        gates.append(gate)
    torch.testing.assert_close(network.draw(batch.source, *batch.poses[:2]), network.decoder(x1))
    found = network.gates(batch.source, *batch.poses[:2])
    assert len(found) == TINY.blocks
    for mine, theirs in zip(found, gates, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_nothing_normalises_before_the_gate():
    network, batch = Patn(TINY).train(), pairs(2)
    assert batch.poses is not None
    assert all(isinstance(block.pose[-1], nn.Conv2d) for block in network.attention.blocks)
    for block in network.attention.blocks:
        block.pose[-1].weight.data.mul_(1e4)
    for gate in network.gates(batch.source, *batch.poses[:2]):
        assert ((gate < 0.01) | (gate > 0.99)).float().mean() > 0.9  # a norm would have undone the factor


def test_both_poses_and_the_picture_decide():
    network, batch = Patn(TINY).eval(), pairs(2)
    assert batch.poses is not None
    one, two, other = batch.poses
    drawn = network.draw(batch.source, one, two)
    assert drawn.shape == batch.source.shape and drawn.abs().max() <= 1
    for changed in ((batch.negative, one, two), (batch.source, other, two), (batch.source, one, other)):
        assert not torch.equal(network.draw(*changed), drawn)


def test_missing_joints_are_empty_maps_and_sigma_follows_the_height():
    network = Patn(replace(TINY, size=(64, 32)))
    assert network.sigma == 3.0
    maps = network.maps(Landmarks(torch.full((1, 17, 2), 10.0), torch.arange(17)[None] > 0))
    assert maps.shape == (1, 17, 64, 32) and maps[0, 0].max() == 0
    assert maps[0, 1, 10, 10] == 1 and maps[0, 1, 10, 13] == pytest.approx(torch.exp(torch.tensor(-0.5)).item())


def test_the_paper_preset_has_the_published_numbers_of_parameters():
    config = PRESETS["paper"]
    with torch.device("meta"):
        network, pair, posed = Patn(config), ResidualDiscriminator(6), ResidualDiscriminator(20)
        verdicts = pair(torch.empty(2, 3, 128, 64), torch.empty(2, 3, 128, 64))
    assert verdicts.shape == (2, 256, 32, 16)
    number, first, second = (sum(p.numel() for p in part.parameters()) for part in (network, pair, posed))
    joint = 7 * 7 * 64  # weights of one map in a stem: the official skeleton has 18 joints
    assert number + 2 * joint == pytest.approx(41.4e6, abs=0.05e6)
    assert sum(p.numel() for p in network.attention.parameters()) == pytest.approx(40.1e6, abs=0.05e6)
    assert (first, second + joint) == (pytest.approx(3.93e6, abs=5e3), pytest.approx(3.98e6, abs=5e3))
    assert (config.size, config.batch, config.steps, config.pool) == ((128, 64), 32, 87_500, 50)
    assert (config.l1_weight, config.perceptual_weight, config.adversarial_weight) == (10, 10, 5)
    assert (config.learning_rate, config.discriminator_learning_rate, config.ema) == (2e-4, 2e-4, 0)


def test_the_small_preset_fits_into_six_megabytes_of_half_precision():
    network = Patn(PRESETS["small"])
    assert sum(p.numel() for p in network.parameters()) < 3.0e6
    assert sum(2 * tensor.numel() for tensor in network.state_dict().values()) < 6e6


def test_a_network_comes_back_from_its_options_as_json():
    config = replace(TINY, blocks=3, constant=0.25)
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(json.dumps(asdict(config))).items()}
    again = Patn(PatnConfig(**fields))
    assert again.config == config
    again.load_state_dict(Patn(config).state_dict())


def test_only_the_generator_begins_with_small_weights():
    network, judge = Patn(PRESETS["small"]), ResidualDiscriminator(6, width=16)
    first = network.picture_stem[1].weight
    assert float(first.detach().std()) == pytest.approx(0.02, rel=0.1)
    assert float(judge.body[0][1].weight.detach().std()) > 0.025  # uniform up to 1 / √(6 · 49): 0.034


def test_discriminators_see_both_inputs_and_drop_by_chance():
    one, two = torch.rand(2, 2, 3, 32, 16).unbind(0)
    judge = ResidualDiscriminator(6, width=4, blocks=3).eval()
    logits = judge(one, two)
    assert logits.shape == (2, 16, 8, 4) and not torch.equal(logits, judge(two, one))
    torch.testing.assert_close(judge.probabilities(one, two), 1 / (1 + torch.exp(-logits)))
    judge.train()
    assert not torch.equal(judge(one, two), judge(one, two))
    assert [type(part).__name__ for part in judge.body[1].body].count("Dropout") == 1
    block, x = judge.eval().body[1], torch.randn(2, 16, 8, 4)
    torch.testing.assert_close(block(x) - x, block.body(x))
    patch = PatchDiscriminator(20, width=4)
    assert patch(one, torch.rand(2, 17, 32, 16)).shape == (2, 1, 4, 2)


def test_the_pool_keeps_the_first_fakes_and_later_hands_on_old_ones():
    pool = Pool(3, torch.zeros(1), torch.zeros((), dtype=torch.int64))

    def fakes(*numbers: int):
        return torch.tensor(numbers, dtype=torch.float32)[:, None], torch.tensor(numbers)

    for numbers in ((0, 1), (2,)):
        values, names = pool.exchange(*fakes(*numbers))
        assert names.tolist() == list(numbers) and values.flatten().tolist() == list(numbers)
    everybody, handed, replaced = [0, 1, 2], [], 0
    for number in range(3, 203, 2):
        values, names = pool.exchange(*fakes(number, number + 1))
        assert torch.equal(values.flatten().long(), names)  # the parts of a fake stay together
        handed += names.tolist()
        everybody += [number, number + 1]
        replaced += sum(name != new for name, new in zip(names.tolist(), (number, number + 1), strict=True))
        assert sorted(handed + pool.kept1.tolist()) == everybody  # none is lost, none comes twice
        assert torch.equal(pool.kept0.flatten().long(), pool.kept1)
    assert 70 < replaced < 130  # of 200, a half


def test_the_pool_survives_its_state_dict_and_has_no_gradient():
    pool, again = Pool(2, torch.zeros(3)), Pool(2, torch.zeros(3))
    pool.exchange(torch.randn(3, 3))
    again.load_state_dict(pool.state_dict())
    assert int(again.count) == 2
    fresh, answers = torch.randn(6, 3, requires_grad=True), []
    for each in (pool, again):
        torch.manual_seed(5)
        answers.append(each.exchange(fresh)[0])
    assert torch.equal(*answers) and not torch.equal(answers[0], fresh) and not answers[0].requires_grad
    assert torch.equal(pool.kept0, again.kept0)


def test_an_empty_pool_hands_everything_on_and_parts_must_be_complete():
    pool, fresh = Pool(0, torch.zeros(2)), torch.randn(4, 2)
    assert torch.equal(pool.exchange(fresh)[0], fresh)
    with pytest.raises(ValueError, match="exchange: expected 1 tensors, the parts of each fake, got 2"):
        pool.exchange(fresh, fresh)


def test_first_features_are_relu1_2_of_vgg_and_block_2_of_the_mannequins():
    pictures = torch.rand(2, 3, 32, 16) * 2 - 1
    mean, deviation = (torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    with torch.device("meta"):  # only four of its layers are needed
        vgg = VGG19Features(weights=None)
    vgg.mean, vgg.deviation = mean[None], deviation[None]
    first, _, second, *_ = vgg.blocks[0].to_empty(device="cpu")
    for weight in vgg.blocks[0].parameters():
        nn.init.normal_(weight, 0.0, 0.1)
    x = ((pictures + 1) / 2 - mean) / deviation
    for layer in (first, second):
        x = functional.conv2d(x, layer.weight, layer.bias, padding=1).relu()
    features = FirstFeatures(vgg)
    torch.testing.assert_close(features(pictures), x)
    assert x.shape == (2, 64, 32, 16) and features.name == "vgg19[random]"
    mannequin = feature_network("mannequin")
    features = FirstFeatures(mannequin).train()
    torch.testing.assert_close(features(pictures), mannequin(pictures)[0])
    assert features.name == mannequin.name and not features.training
    assert not any(weight.requires_grad for weight in features.parameters())


def test_the_losses_have_the_published_weights():
    config = replace(TINY, perceptual="mannequin")
    objective, batch = made(config).eval(), pairs(2)  # without dropout, so that two passes agree
    assert batch.poses is not None
    phi = feature_network("mannequin")
    with torch.no_grad():
        fake = objective.generator.draw(batch.source, *batch.poses[:2])
        maps = objective.generator.maps(batch.poses[1])
        probabilities = {
            name: (judge.probabilities(batch.positive, beside), judge.probabilities(fake, beside))
            for name, judge, beside in (("d_pp", objective.d_pp, batch.source), ("d_pb", objective.d_pb, maps))
        }
    first, second = objective.phases(batch, 0.0)
    assert (first.optimisers, second.optimisers) == (("generator",), ("d_pp", "d_pb"))
    by_hand = {
        "l1": 10 * (fake - batch.positive).abs().mean(),
        "perceptual": 10 * (phi(fake)[0] - phi(batch.positive)[0]).abs().mean(),
        "adversarial": 5 * sum(-wrong.log().mean() for _, wrong in probabilities.values()) / 2,
    }
    by_hand["total"] = sum(by_hand.values())
    assert list(first.terms) == list(by_hand)
    for name, value in by_hand.items():
        torch.testing.assert_close(first.terms[name], value)
    for name, (right, wrong) in probabilities.items():
        torch.testing.assert_close(second.terms[name], 5 * (-right.log().mean() - (1 - wrong).log().mean()) / 2)
    torch.testing.assert_close(second.terms["total"], second.terms["d_pp"] + second.terms["d_pb"])
    assert objective.old_pairs.count == objective.old_posed.count == 2
    assert torch.equal(objective.old_posed.kept1[:2], batch.poses[1].places)


def test_old_fakes_are_judged_with_what_they_were_drawn_for():
    objective, seen = made(replace(TINY, pool=2)).eval(), {"d_pp": [], "d_pb": []}
    old, batch = pairs(2), pairs(2)
    assert old.poses is not None and batch.poses is not None
    list(objective.phases(old, 0.0))
    for name, judge in (("d_pp", objective.d_pp), ("d_pb", objective.d_pb)):
        judge.register_forward_pre_hook(lambda _, args, name=name: seen[name].append(args))
    torch.manual_seed(2)
    list(objective.phases(batch, 0.0))
    known = []
    with torch.no_grad():
        for each in (old, batch):
            maps = objective.generator.maps(each.poses[1])
            known += list(zip(objective.generator.draw(each.source, *each.poses[:2]), each.source, maps, strict=True))
    origins = {}
    for name, part in (("d_pp", 1), ("d_pb", 2)):
        _, _, (pictures, beside) = seen[name]  # the generator's side, the real pair, the fakes
        origins[name] = [next(i for i, each in enumerate(known) if torch.allclose(each[0], p)) for p in pictures]
        for place, origin in enumerate(origins[name]):
            torch.testing.assert_close(beside[place], known[origin][part])
    assert min(origins["d_pp"] + origins["d_pb"]) < 2  # at least one was old


def test_each_part_learns_from_its_own_loss_alone():
    objective, batch = made(replace(TINY, perceptual="mannequin")), pairs(2)
    phases = objective.phases(batch, 0.0)
    next(phases).terms["total"].backward()
    assert all(weight.grad is not None for weight in objective.network.parameters())
    assert objective.features is not None
    others = [*objective.d_pp.parameters(), *objective.d_pb.parameters()]
    assert all(weight.grad is None for weight in (*others, *objective.features.parameters()))
    assert all(weight.requires_grad for weight in others)
    objective.zero_grad(set_to_none=True)
    next(phases).terms["total"].backward()
    assert all(weight.grad is None for weight in objective.network.parameters())
    assert all(weight.grad is not None for weight in others)
    named = {name: {id(p) for g in o.param_groups for p in g["params"]} for name, o in objective.optimisers().items()}
    for name in ("d_pp", "d_pb"):
        assert named[name] == {id(p) for p in getattr(objective, name).parameters()}
    assert named["generator"] == {id(p) for p in objective.network.parameters()}


def test_rates_fall_in_the_last_two_sevenths():
    objective = made()
    for name, optimiser in objective.optimisers().items():
        assert optimiser.param_groups[0]["lr"] == 2e-4 and optimiser.param_groups[0]["betas"] == (0.5, 0.999)
        found = [objective.rate(name, done) for done in (0, 0.7, 5 / 7, 6 / 7, 13 / 14)]
        assert found == pytest.approx([1, 1, 1, 0.5, 0.25])
    assert made(replace(TINY, constant=1.0)).rate("generator", 0.999) == 1


def test_eight_pairs_are_learned_by_heart():
    config = replace(
        TINY, width=8, discriminator_width=8, perceptual="mannequin", learning_rate=2e-3, pool=50, batch=8
    )
    objective, eight = made(config), pairs(8)
    l1 = run(objective, eight, range(80), length=80)
    assert sum(l1[-10:]) / 10 < l1[0] / 3
    network = objective.network.eval()
    with torch.no_grad():  # in use, batch norms know other statistics and nothing is dropped
        drawn = network.draw(eight.source, *eight.poses[:2])
    assert (drawn - eight.positive).abs().mean() < l1[0] / 3


def test_a_run_goes_on_bit_by_bit_from_its_state():
    batch = pairs(2)
    whole = made()
    optimisers = whole.optimisers()
    run(whole, batch, range(4), optimisers)
    file = io.BytesIO()
    torch.save([whole.state_dict(), {name: each.state_dict() for name, each in optimisers.items()}], file)
    run(whole, batch, range(4, 8), optimisers)
    torch.manual_seed(77)
    resumed = made()
    optimisers = resumed.optimisers()
    file.seek(0)
    state, states = torch.load(file, weights_only=True)
    resumed.load_state_dict(state)
    for name, each in optimisers.items():
        each.load_state_dict(states[name])
    assert int(resumed.old_pairs.count) == 4  # full: from now on old fakes are handed on
    run(resumed, batch, range(4, 8), optimisers)
    for (name, mine), theirs in zip(resumed.state_dict().items(), whole.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width: expected a whole number from 1 up, got 0"),
        ({"blocks": 2.5}, "blocks: expected a whole number from 1 up, got 2.5"),
        ({"steps": True}, "steps: expected a whole number from 1 up, got True"),
        ({"pool": -1}, "pool: expected a whole number from 0 up, got -1"),
        ({"sigma": 0.0}, "sigma: expected a number above 0, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate: expected a number above 0, got nan"),
        ({"l1_weight": -1.0}, "l1_weight: expected a number from 0 up, got -1.0"),
        ({"constant": 1.5}, r"constant: expected a number in \[0, 1\], got 1.5"),
        ({"ema": 1.0}, r"ema: expected a number in \[0, 1\), got 1.0"),
        ({"discriminator": "deep"}, "discriminator: expected one of residual, patch, got 'deep'"),
        ({"perceptual": "random"}, "perceptual: expected one of mannequin, vgg19, none, got 'random'"),
        ({"size": (130, 64)}, r"size: expected \(height, width\), both divisible by 4 .* got \(130, 64\)"),
        ({"size": (4, 4)}, r"size: expected .* at least 8, .* got \(4, 4\)"),
        ({"size": 128}, "size: expected .* got 128"),
    ],
)
def test_bad_options_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)


def test_bad_input_is_refused():
    network, batch = Patn(TINY), pairs(2)
    assert batch.poses is not None
    one, two, _ = batch.poses
    with pytest.raises(ValueError, match="source_pose: expected landmarks, as PATN needs both poses, got None; find"):
        network.draw(batch.source, None, two)
    with pytest.raises(ValueError, match=r"source: expected float pictures \(N, 3, 32, 16\) in .*, got \(2, 3, 16, 32"):
        network.draw(batch.source.mT, one, two)
    with pytest.raises(ValueError, match=r"source: .* torch.uint8; momi_lib.data.to_float converts"):
        network.gates(batch.source.byte(), one, two)
    with pytest.raises(ValueError, match=r"target_pose: expected places \(2, 17, 2\) .* got \(1, 17, 2\) and \(1, 17"):
        network.draw(batch.source, one, Landmarks(*(part[:1] for part in two)))
    with pytest.raises(ValueError, match="batch.poses: expected the landmarks of x and x⁺, got None; give the run a"):
        next(made().phases(batch._replace(poses=None), 0.0))
    with pytest.raises(ValueError, match=r"network: expected a Patn, got Linear; make it with Patn\(config\)"):
        PatnObjective(nn.Linear(1, 1), TINY, people=2)
