"""PN-GAN: least squares with sources as real pictures, batch norm in use, and the canonical poses."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from momi_lib.rivals.base import Landmarks, RivalBatch
from momi_lib.rivals.pn_gan import (
    PRESETS,
    PnGan,
    PnGanConfig,
    PnGanObjective,
    canonical_poses,
    draw_canonical,
    nearest_canonical,
)
from momi_lib.rivals.pose_pictures import stick_pictures
from momi_lib.skeleton import JOINTS
from momi_lib.translate.swaps import TARGET_POSE

TINY = PnGanConfig(
    size=(32, 16), width=12, blocks=2, norm="batch", discriminator=(8, 16), discriminator_unpadded=(), radius=0.75,
    learning_rate=2e-3,
)  # fmt: skip


def objective(**changes):
    config = replace(TINY, **changes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return PnGanObjective(PnGan(config), config, people=8)


def millions(module):
    return sum(weight.numel() for weight in module.parameters()) / 1e6


def taught(module):
    """Whether all of a module's weights have a gradient, none of them has (None: some have)."""
    states = {weight.grad is not None and bool(weight.grad.any()) for weight in module.parameters()}
    return states.pop() if len(states) == 1 else None


def test_the_paper_has_its_weights():
    """11.4 and 2.8 million, to the digit."""
    with torch.device("meta"):
        learner = PnGanObjective(PnGan(PRESETS["paper"]), PRESETS["paper"], people=1)
        assert learner.discriminator(torch.zeros(1, 3, 128, 64)).shape == (1, 1, 10, 2)
    assert round(millions(learner.network), 1) == 11.4
    assert round(millions(learner.discriminator), 1) == 2.8
    assert all(not norm.affine for norm in learner.modules() if isinstance(norm, nn.InstanceNorm2d))
    assert not any(isinstance(norm, nn.BatchNorm2d) for norm in learner.modules())


def test_small_fits_into_six_megabytes():
    with torch.device("meta"):
        assert millions(PnGan(PRESETS["small"])) < 2.2


def test_presets():
    paper = PRESETS["paper"]
    assert (paper.learning_rate, paper.discriminator_learning_rate, paper.betas) == (2e-4, 2e-4, (0.5, 0.999))
    assert (paper.batch, paper.l1_weight, paper.mirror) == (32, 10, 0)


def test_rates_are_constant_for_half_the_run_and_then_fall_to_zero():
    learner = objective()
    assert [learner.rate("generator", done) for done in (0, 0.25, 0.5)] == [1, 1, 1]
    assert [learner.rate("discriminator", done) for done in (0.75, 0.9)] == pytest.approx([0.5, 0.2])
    assert objective(decay_from=1.0).rate("generator", 0.999) == 1


def test_the_generator_is_given_the_drawing_of_the_target(eight_pairs):
    batch, network = eight_pairs(TINY.size), objective().network.eval()
    expected = network.generator(batch.source, stick_pictures(*batch.poses[1], TINY.size, TINY.radius))
    assert torch.equal(network.draw(batch.source, None, batch.poses[1]), expected)
    assert float(expected.detach().abs().max()) <= 1
    assert PnGan.needs == {TARGET_POSE}


class Witness(nn.Module):
    """A D whose logit is the mean colour times a weight; it keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.weight, self.given = nn.Parameter(torch.ones(())), []

    def forward(self, pictures):
        self.given.append(pictures.detach())
        return self.weight * pictures.mean((1, 2, 3))[:, None]


def test_losses_and_what_d_is_given(eight_pairs):
    """D's real pictures are the sources; least squares are not halved."""
    batch, learner = eight_pairs(TINY.size), objective(norm="instance")
    witness = learner.discriminator = Witness()
    g, d = learner.phases(batch, done=0)
    with torch.no_grad():
        drawn = learner.network.draw(batch.source, None, batch.poses[1])
    assert len(witness.given) == 2
    torch.testing.assert_close(witness.given[0], drawn)
    torch.testing.assert_close(witness.given[1], torch.cat([batch.source, drawn]))
    real, fake = batch.source.mean((1, 2, 3)), drawn.mean((1, 2, 3))
    torch.testing.assert_close(d.terms["total"].detach(), ((real - 1) ** 2).mean() + (fake**2).mean())
    expected = ((fake - 1) ** 2).mean() + 10 * functional.l1_loss(drawn, batch.positive)
    torch.testing.assert_close(g.terms["total"].detach(), expected)


def test_who_learns_when(eight_pairs):
    batch, learner = eight_pairs(TINY.size), objective()
    phases = learner.phases(batch, done=0)
    phase = next(phases)
    assert phase.optimisers == ("generator",)
    phase.terms["total"].backward()
    assert taught(learner.network) is True and taught(learner.discriminator) is False
    learner.zero_grad()
    phase = next(phases)
    assert phase.optimisers == ("discriminator",)
    phase.terms["total"].backward()
    assert taught(learner.network) is False and taught(learner.discriminator) is True
    assert next(phases, None) is None


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_it_overfits_eight_pairs(eight_pairs, run, norm):
    """And with batch norm, moving averages serve as well in use as the statistics of the batch do in training."""
    batch, learner = eight_pairs(TINY.size), objective(norm=norm)
    history = run(learner, batch, 120)
    assert set(history[0]) == {"l1", "adversarial", "generator total", "discriminator", "discriminator total"}
    assert history[-1]["l1"] < history[0]["l1"] / 3
    network = learner.network.eval()
    used = functional.l1_loss(network.draw(batch.source, None, batch.poses[1]), batch.positive)
    assert float(used.detach()) < history[0]["l1"] / 3


def test_it_is_made_from_its_saved_options():
    again = PnGan(PnGanConfig(**json.loads(json.dumps(vars(TINY)))))  # with lists for tuples
    again.load_state_dict(objective().network.state_dict())
    assert again.method == "pn-gan"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"size": (30, 16)}, r"size: expected \(H, W\), both divisible by 4, got \(30, 16\)"),
        ({"discriminator_unpadded": (16, 16)}, "too small for 2 halvings and 3 convolutions 4 x 4"),
        ({"norm": "layer"}, "norm: expected one of batch, instance, none, got 'layer'"),
        ({"discriminator_norm": "group"}, "discriminator_norm: expected one of"),
        ({"blocks": 0}, "blocks: expected a whole number from 1 up, got 0"),
        ({"decay_from": -0.1}, r"decay_from: expected a number in \[0, 1\]"),
        ({"discriminator_learning_rate": 0}, "discriminator_learning_rate: expected a number above 0"),
        ({"mirror": 2}, "mirror: expected a number in"),
    ],
)
def test_refused_options(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **changes)


def test_refused_pictures_and_batches(eight_pairs):
    batch, learner = eight_pairs(TINY.size), objective()
    with pytest.raises(ValueError, match="source: expected float pictures"):
        learner.network.draw(batch.source[:, :, :16], None, batch.poses[1])
    with pytest.raises(ValueError, match="batch.poses"):
        next(learner.phases(RivalBatch(*batch[:3], None, batch.persons), 0.0))


def three_kinds():
    """Thirty people in three poses, each at a place and of a size of its own: 15, 10 and 5 of them."""
    generator = torch.Generator().manual_seed(3)
    kinds = 10 * torch.randn(3, 17, 2, generator=generator)
    kind = torch.tensor([0] * 15 + [1] * 10 + [2] * 5)[torch.randperm(30, generator=generator)]
    scale = 0.5 + torch.rand(30, 1, 1, generator=generator)
    place = 20 + 40 * torch.rand(30, 1, 2, generator=generator)
    return kinds, kind, kinds[kind] * scale + place


def normalised(places):
    body = places[:, 5:] - places[:, 5:].mean(1, keepdim=True)
    return body / body.square().sum(-1).mean(1).sqrt()[:, None, None]


def test_canonical_poses_are_the_kinds_whatever_place_and_size():
    kinds, kind, places = three_kinds()
    valid = torch.ones(30, 17, dtype=torch.bool)
    found = canonical_poses(places, valid, k=3, seed=1)
    torch.testing.assert_close(normalised(found.places), normalised(kinds), atol=1e-4, rtol=1e-4)  # most frequent first
    torch.testing.assert_close(found.places[:, 5:].mean(1), places[:, 5:].mean((0, 1)).expand(3, 2))
    assert torch.equal(nearest_canonical(Landmarks(places, valid), found), kind)
    again = canonical_poses(places, valid, k=3, seed=1)
    assert torch.equal(found.places, again.places)


def test_only_complete_people_count_and_a_face_is_seen_where_most_show_it():
    _, kind, places = three_kinds()
    valid = torch.ones(30, 17, dtype=torch.bool)
    nose = JOINTS.index("nose")
    valid[kind == 1, nose] = False
    places[kind == 1, nose] = torch.nan
    cut = torch.where(kind == 2)[0][:2]
    valid[cut, JOINTS.index("left_ankle")] = False
    places[cut] = torch.nan  # would spoil every mean that it was counted in
    found = canonical_poses(places, valid, k=3)
    assert bool(found.places[found.valid].isfinite().all())
    assert found.valid[:, nose].tolist() == [True, False, True]
    assert bool(found.valid[:, 5:].all())


def test_canonical_poses_refuse_too_few():
    _, _, places = three_kinds()
    valid = torch.ones(30, 17, dtype=torch.bool)
    with pytest.raises(ValueError, match="expected 8 different poses or more .* got 2 among 30 people"):
        valid[2:, 16] = False
        canonical_poses(places, valid)
    with pytest.raises(ValueError, match="k: expected a whole number of poses from 1 up, got 0"):
        canonical_poses(places, valid, k=0)
    with pytest.raises(ValueError, match="canonical_poses: expected landmarks"):
        canonical_poses(places[:, :5], valid)


def test_the_nearest_canonical_pose_is_compared_by_common_joints():
    kinds, _, _ = three_kinds()
    canonical = Landmarks(kinds, torch.ones(3, 17, dtype=torch.bool))
    valid = torch.ones(3, 17, dtype=torch.bool)
    valid[0, 5:9] = False  # cut off at the elbows
    valid[1] = False
    places = (2 * kinds[[2, 2, 1]] - 5).masked_fill(~valid[..., None], torch.nan)
    assert nearest_canonical(Landmarks(places, valid), canonical).tolist() == [2, 0, 1]
    with pytest.raises(ValueError, match="canonical: expected one pose or more, got none"):
        nearest_canonical(canonical, Landmarks(kinds[:0], canonical.valid[:0]))
    with pytest.raises(ValueError, match="poses: expected landmarks"):
        nearest_canonical(Landmarks(kinds[0], canonical.valid[0]), canonical)


def test_everybody_is_drawn_in_every_canonical_pose(eight_pairs):
    batch, network = eight_pairs(TINY.size), objective().network.eval()
    canonical = Landmarks(*(part[:3] for part in batch.poses[2]))
    drawn = draw_canonical(network, batch.source[:2], canonical)
    assert drawn.shape == (2, 3, 3, *TINY.size)
    for person, pose in ((0, 2), (1, 0)):
        alone = Landmarks(*(part[pose : pose + 1] for part in canonical))
        expected = network.draw(batch.source[person : person + 1], None, alone)[0]
        torch.testing.assert_close(drawn[person, pose], expected, atol=1e-5, rtol=1e-5)
