"""PG²: its two stages, its loss as a sum of two means, what D is given, and who learns when."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from momi_lib.rivals.base import Landmarks, RivalBatch
from momi_lib.rivals.pg2 import PRESETS, Coarse, Pg2, Pg2Config, Pg2Objective, Refiner, pose_mask_l1
from momi_lib.rivals.pose_pictures import disc_maps, pose_masks
from momi_lib.translate.swaps import TARGET_POSE

TINY = Pg2Config(
    size=(32, 16), width=12, levels=3, code=32, refiner_width=12, refiner_levels=2, discriminator=(8, 16, 16),
    radius=1.5, learning_rate=2e-3, discriminator_learning_rate=2e-5, coarse_share=0.6,
)  # fmt: skip


def objective(**changes):
    config = replace(TINY, **changes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Pg2Objective(Pg2(config), config, people=8)


def millions(module):
    return sum(weight.numel() for weight in module.parameters()) / 1e6


def taught(module):
    """Whether all of a module's weights have a gradient, none of them has (None: some have)."""
    states = {weight.grad is not None and bool(weight.grad.any()) for weight in module.parameters()}
    return states.pop() if len(states) == 1 else None


def test_the_paper_has_its_weights():
    """70.8 and 6.1 million in G1 and G2, to the digit; ours lacks one of 18 joints, which is 0.001 million."""
    with torch.device("meta"):
        network = Pg2(PRESETS["paper"])
        D = Pg2Objective(network, PRESETS["paper"], people=1).discriminator
    assert round(millions(network.g1), 1) == 70.8
    assert round(millions(network.g2), 1) == 6.1
    assert round(millions(D), 1) == 4.3
    assert [block.body[0][0].in_channels for block in network.g1.decoder] == [256, 512, 768, 1024, 768]
    linear = millions(network.g1.to_code) + millions(network.g1.from_code)
    assert round(linear, 1) == 1.6


def test_small_fits_into_six_megabytes():
    with torch.device("meta"):
        network = Pg2(PRESETS["small"])
    assert millions(network) < 3.0
    assert round(millions(network.g1), 1) == 2.7 and round(millions(network.g2), 1) == 0.2


def test_presets():
    paper, small = PRESETS["paper"], PRESETS["small"]
    assert (paper.learning_rate, paper.discriminator_learning_rate, paper.betas) == (2e-5, 2e-5, (0.5, 0.999))
    assert (paper.steps, paper.steps * paper.coarse_share, paper.batch) == (60_000, 22_000, 16)
    assert small.coarse_share == 0.6 and small.learning_rate > paper.learning_rate
    assert (paper.l1_weight, paper.ema, small.l1_weight, small.ema) == (10.0, 0.0, 50.0, 0.999)


def test_the_loss_is_a_sum_of_two_means():
    real, drawn = torch.zeros(1, 3, 2, 2), torch.tensor([[1.0, 2.0], [3.0, 6.0]]).expand(1, 3, 2, 2)
    mask = torch.tensor([[[[0.0, 0.0], [0.0, 1.0]]]])
    assert float(pose_mask_l1(drawn, real, mask)) == pytest.approx((1 + 2 + 3 + 6) / 4 + 6 / 4)
    weighted = (1 + 2 + 3 + 2 * 6) / (1 + 1 + 1 + 2)
    assert float(pose_mask_l1(drawn, real, mask)) != pytest.approx(weighted)
    assert float(pose_mask_l1(drawn, real, torch.ones_like(mask))) == pytest.approx(2 * 3)
    assert float(pose_mask_l1(drawn, real, torch.zeros_like(mask))) == pytest.approx(3)
    with pytest.raises(ValueError, match="pose_mask_l1: expected pictures"):
        pose_mask_l1(drawn, real, mask[:, :, :1])


def test_the_answer_is_the_coarse_picture_plus_the_difference_map(eight_pairs):
    batch, network = eight_pairs(TINY.size), objective().network
    coarse = network.coarse(batch.source, batch.poses[1])
    assert torch.equal(network.draw(batch.source, None, batch.poses[1]), coarse.clamp(-1, 1)), "G2 starts at zero"
    with torch.no_grad():
        network.g2.to_rgb.bias += 0.25
    difference = network.difference(batch.source, coarse)
    torch.testing.assert_close(difference, torch.full_like(difference, 0.25))
    torch.testing.assert_close(network.draw(batch.source, None, batch.poses[1]), (coarse + 0.25).clamp(-1, 1))
    with torch.no_grad():
        network.g2.to_rgb.bias += 5
    assert float(network.draw(batch.source, None, batch.poses[1]).detach().max()) == 1.0


def test_g1_is_given_the_discs_of_the_target(eight_pairs):
    batch, network = eight_pairs(TINY.size), objective().network
    expected = network.g1(batch.source, disc_maps(*batch.poses[1], TINY.size, TINY.radius))
    assert torch.equal(network.coarse(batch.source, batch.poses[1]), expected)
    assert Pg2.needs == {TARGET_POSE}


def test_it_draws_the_same_in_training_and_in_use(eight_pairs):
    batch, network = eight_pairs(TINY.size), objective().network
    trained = network.train().draw(batch.source, None, batch.poses[1])
    assert torch.equal(trained, network.eval().draw(batch.source, None, batch.poses[1]))
    assert not any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in network.modules())


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_any_number_of_levels(levels):
    config = replace(TINY, levels=levels, refiner_levels=levels, width=4, refiner_width=4)
    pictures = torch.zeros(2, 3, *TINY.size)
    assert Coarse(config)(pictures, torch.zeros(2, 17, *TINY.size)).shape == pictures.shape
    assert Refiner(4, levels)(pictures, pictures).shape == pictures.shape


def test_what_a_level_receives_from_below_is_not_negative():
    network = Coarse(TINY)
    seen = []
    for narrow in network.narrow:
        narrow.register_forward_hook(lambda module, inputs, output: seen.append(output))
    network(torch.randn(2, 3, *TINY.size), torch.randn(2, 17, *TINY.size))
    assert len(seen) == TINY.levels - 1 and all(bool((each >= 0).all()) for each in seen)
    assert all(bool(each.any()) for each in seen)


def test_stage_one_teaches_g1_alone(eight_pairs):
    batch, learner = eight_pairs(TINY.size), objective()
    (phase,) = learner.phases(batch, done=0.59)
    assert phase.optimisers == ("coarse",)
    drawn = learner.network.coarse(batch.source, batch.poses[1])
    mask = pose_masks(*batch.poses[1], TINY.size, TINY.radius)
    expected = pose_mask_l1(drawn, batch.positive, mask)
    torch.testing.assert_close(phase.terms["total"], expected)
    phase.terms["total"].backward()
    assert taught(learner.network.g1) is True
    assert taught(learner.network.g2) is False and taught(learner.discriminator) is False


def test_stage_two_teaches_g2_and_then_d(eight_pairs):
    batch, learner = eight_pairs(TINY.size), objective()
    nn.init.normal_(learner.network.g2.to_rgb.weight, 0, 0.1)  # at zero, only this layer would have a gradient
    phases = learner.phases(batch, done=0.6)
    phase = next(phases)
    assert phase.optimisers == ("refiner",)
    total = phase.terms["adversarial"] + 10 * phase.terms["l1"]
    torch.testing.assert_close(phase.terms["total"], total)
    phase.terms["total"].backward()
    assert taught(learner.network.g2) is True
    assert taught(learner.network.g1) is False and taught(learner.discriminator) is False
    learner.zero_grad()
    phase = next(phases)
    assert phase.optimisers == ("discriminator",)
    phase.terms["total"].backward()
    assert taught(learner.discriminator) is True
    assert taught(learner.network) is False
    assert next(phases, None) is None


class Witness(nn.Module):
    """A D whose logit is the mean colour times a weight; it keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.weight, self.given = nn.Parameter(torch.ones(())), []

    def forward(self, pictures):
        self.given.append(pictures.detach())
        return self.weight * pictures.mean((1, 2, 3))[:, None]


def test_d_sees_single_pictures_with_weights_of_a_half_and_two_quarters(eight_pairs):
    batch, learner = eight_pairs(TINY.size), objective()
    witness = learner.discriminator = Witness()
    with torch.no_grad():
        learner.network.g2.to_rgb.bias += 0.5
        coarse = learner.network.coarse(batch.source, batch.poses[1])
    given = [batch.positive, coarse + 0.5, coarse, batch.source]
    g2, d = learner.phases(batch, done=0.9)
    for seen in witness.given:
        torch.testing.assert_close(seen, torch.cat(given))
    assert len(witness.given) == 2
    real, answer, _, source = (pictures.mean((1, 2, 3)) for pictures in given)
    expected = 0.5 * functional.softplus(-real).mean() + 0.25 * functional.softplus(source).mean()
    expected = expected + 0.25 * functional.softplus(answer).mean()
    torch.testing.assert_close(d.terms["total"], expected)
    torch.testing.assert_close(g2.terms["adversarial"], functional.softplus(-answer).mean())


def test_nothing_is_clamped_inside_the_loss(eight_pairs):
    batch, learner = eight_pairs(TINY.size), objective()
    with torch.no_grad():
        learner.network.g1.to_rgb.bias.fill_(4)
    (phase,) = learner.phases(batch, done=0)
    assert float(phase.terms["total"].detach()) > 2.5, "farther away than any two colours are"


@pytest.mark.slow
def test_it_overfits_eight_pairs(eight_pairs, run):
    batch, learner = eight_pairs(TINY.size), objective(coarse_share=0.3)
    mask = torch.zeros(8, 1, *TINY.size)

    def away(picture):
        return float(pose_mask_l1(picture, batch.positive, mask).detach())

    start = away(learner.network.draw(batch.source, None, batch.poses[1]))
    history = run(learner, batch, 200)
    assert set(history[59]) == {"l1", "coarse total"}
    assert set(history[60]) == {"l1", "adversarial", "refiner total", "discriminator", "discriminator total"}
    network = learner.network.eval()
    coarse, answer = network.coarse(batch.source, batch.poses[1]), network.draw(batch.source, None, batch.poses[1])
    assert away(answer) < start / 3
    assert away(answer) < away(coarse), "the difference map brings it nearer"


def test_it_is_made_from_its_saved_options():
    again = Pg2(Pg2Config(**json.loads(json.dumps(vars(TINY)))))  # with lists for tuples
    again.load_state_dict(objective().network.state_dict())
    assert again.method == "pg2"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"size": (30, 16)}, r"size: expected \(H, W\), both divisible by 4 for 3 levels, got \(30, 16\)"),
        ({"size": (32,)}, "size: expected"),
        ({"size": (8, 4)}, "too small for 3 halvings"),
        ({"width": 0}, "width: expected a whole number from 1 up, got 0"),
        ({"coarse_share": 1.2}, r"coarse_share: expected a number in \[0, 1\], got 1.2"),
        ({"discriminator": ()}, "one convolution of stride 2"),
        ({"learning_rate": 0}, "learning_rate: expected a number above 0"),
        ({"l1_weight": -1}, "l1_weight: expected a number from 0 up"),
        ({"betas": (0.5, 1.0)}, "betas: expected"),
        ({"radius": 0.0}, "radius: expected a number above 0"),
    ],
)
def test_refused_options(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **changes)


def test_refused_pictures_and_batches(eight_pairs):
    batch, learner = eight_pairs(TINY.size), objective()
    with pytest.raises(ValueError, match="source: expected float pictures"):
        learner.network.draw(batch.source[:, :, :16], None, batch.poses[1])
    with pytest.raises(ValueError, match="as many poses as pictures"):
        learner.network.draw(batch.source, None, Landmarks(*(part[:1] for part in batch.poses[1])))
    with pytest.raises(ValueError, match="batch.poses"):
        next(learner.phases(RivalBatch(*batch[:3], None, batch.persons), 0.0))
