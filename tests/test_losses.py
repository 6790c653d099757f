"""Eq. 1, 3, 4, 5, 6, 7 against numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import pytest
import torch
from torch import nn

from momi_lib import losses
from momi_lib.features import FeatureNetwork, RandomFeatures


def test_distillation_norms():
    student, teacher = torch.zeros(2, 17, 4, 2, requires_grad=True), torch.full((2, 17, 4, 2), 0.5)
    assert losses.distillation(student, teacher).item() == pytest.approx(0.25)
    assert losses.distillation(student, teacher, norm="l2").item() == pytest.approx(0.5 * math.sqrt(17 * 8))
    with pytest.raises(ValueError, match="'mse' or 'l2'"):
        losses.distillation(student, teacher, norm="l1")


def test_distillation_meets_the_teacher_at_its_own_resolution():
    student = torch.rand(1, 17, 8, 4, requires_grad=True)
    loss = losses.distillation(student, torch.rand(1, 17, 32, 16).half())
    loss.backward()
    assert student.grad.abs().sum() > 0
    with pytest.raises(ValueError, match=r"teacher_maps: expected heatmaps .* with K = 17 as in student_maps"):
        losses.distillation(student, torch.rand(1, 5, 32, 16))


def test_reconstruction_is_the_sum_of_two_means():
    zero = torch.zeros(2, 3, 4, 4)
    assert losses.reconstruction(zero, zero + 0.5, zero, zero - 0.25).item() == pytest.approx(0.75)


def test_perceptual_is_the_mean_feature_distance_by_hand():
    features = RandomFeatures(seed=1)
    real, fake = torch.rand(2, 2, 3, 32, 16).mul(2).sub(1).unbind(0)
    expected = sum((a - b).abs().mean() for a, b in zip(features(real), features(fake), strict=True))
    torch.testing.assert_close(losses.Perceptual(features, weight=3.0)(real, fake), 3 * expected)


def test_each_block_of_the_perceptual_loss_has_its_weight():
    features = RandomFeatures(seed=1)
    real, fake = torch.rand(2, 2, 3, 32, 16).mul(2).sub(1).unbind(0)
    second, fifth = ((a - b).abs().mean() for a, b in zip(features(real), features(fake), strict=True))
    torch.testing.assert_close(losses.Perceptual(features, blocks=(0.5, 3.0))(real, fake), 0.5 * second + 3 * fifth)


def test_perceptual_trains_the_picture_and_not_the_network():
    loss = losses.Perceptual(RandomFeatures())
    fake = torch.rand(1, 3, 32, 16, requires_grad=True)
    loss(torch.rand(1, 3, 32, 16), fake).backward()
    assert fake.grad.abs().sum() > 0
    assert all(p.grad is None for p in loss.parameters())


def test_adversarial_bce_is_eq_5():
    real, fakes = torch.tensor([0.3, -1.0]), [torch.tensor([0.7, 0.2]), torch.tensor([-0.4, 0.0])]
    d = torch.sigmoid
    eq5 = -d(real).log().mean() - sum((1 - d(f)).log().mean() for f in fakes) / 2
    torch.testing.assert_close(losses.discriminator_loss(real, fakes), eq5)
    torch.testing.assert_close(losses.generator_loss(fakes), -sum(d(f).log().mean() for f in fakes) / 2)


def test_adversarial_terms_may_be_the_sum_of_eq_5():
    real, fakes = torch.tensor([0.3, -1.0]), [torch.tensor([0.7, 0.2]), torch.tensor([-0.4, 0.0])]
    d = torch.sigmoid
    eq5 = -d(real).log().mean() - sum((1 - d(f)).log().mean() for f in fakes)
    torch.testing.assert_close(losses.discriminator_loss(real, fakes, terms="sum"), eq5)
    torch.testing.assert_close(losses.generator_loss(fakes, terms="sum"), 2 * losses.generator_loss(fakes))
    with pytest.raises(ValueError, match="'sum' or 'mean'"):
        losses.generator_loss(fakes, terms="product")


@pytest.mark.parametrize("form", ["bce", "hinge", "least-squares", "relativistic"])
def test_every_form_rewards_telling_real_from_fake(form):
    high, low = torch.full((2, 1, 4, 2), 3.0), torch.full((2, 1, 4, 2), -3.0)
    assert losses.discriminator_loss(high, [low], form) < losses.discriminator_loss(low, [high], form)
    assert losses.generator_loss([high], form, low) < losses.generator_loss([low], form, high)


def test_unknown_form_is_refused():
    with pytest.raises(ValueError, match="hinge"):
        losses.discriminator_loss(torch.zeros(1), [torch.zeros(1)], "wgan")
    with pytest.raises(ValueError, match="with real"):
        losses.generator_loss([torch.zeros(1)], "relativistic")


def test_gradient_penalty_of_a_linear_judge():
    a, b = torch.rand(3, 3, 4, 4, requires_grad=True), torch.rand(3, 3, 4, 4, requires_grad=True)
    logits = (3 * a - b).flatten(1).sum(1)
    assert losses.gradient_penalty(logits, [a, b]).item() == pytest.approx(0.5 * 48 * (9 + 1))


def test_patch_verification_counts_joints_valid_in_both():
    real, fake = torch.zeros(2, 3, 3, 4, 4), torch.ones(2, 3, 3, 4, 4)
    fake[0, 1] = 0.5
    real_valid = torch.tensor([[True, True, False], [False, True, False]])
    fake_valid = torch.tensor([[True, True, True], [True, False, False]])
    # First picture: joints 0 and 1, distances 1 and 0.5. Second picture: none in both, so 0.
    assert losses.patch_verification(real, real_valid, fake, fake_valid).item() == pytest.approx(0.75 / 2)


def test_patch_verification_of_nothing_is_zero_and_has_a_gradient():
    fake = torch.ones(1, 2, 3, 4, 4, requires_grad=True)
    none = torch.zeros(1, 2, dtype=torch.bool)
    loss = losses.patch_verification(torch.zeros(1, 2, 3, 4, 4), none, fake, none)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(fake.grad, torch.zeros_like(fake))


def test_total_is_eq_7():
    terms = [torch.tensor(float(value)) for value in (1, 10, 100, 1000)]
    assert losses.total(*terms, losses.LossWeights()).item() == 1 + 10 + 50 + 500


@pytest.mark.parametrize("name", ["translate", "patch", "adversarial", "perceptual"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_weights_are_checked(name, value):
    with pytest.raises(ValueError, match=name):
        losses.LossWeights(**{name: value})


def test_feature_matching_is_zero_for_equal_pairs_and_leaves_the_real_one_alone():
    real = torch.rand(2, 3, 8, 4, requires_grad=True)
    assert float(losses.feature_matching([real], [torch.cat([real, real]).detach()])) == 0
    fake = torch.rand(4, 3, 8, 4, requires_grad=True)
    losses.feature_matching([real], [fake]).backward()
    assert real.grad is None and fake.grad.abs().sum() > 0


def test_the_euclidean_norm_is_that_of_the_difference():
    student, teacher = torch.rand(2, 3, 17, 4, 2).unbind(0)
    expected = mean(float((a - b).square().sum().sqrt()) for a, b in zip(student, teacher, strict=True))
    assert losses.distillation(student, teacher, norm="l2").item() == pytest.approx(expected)


def test_distillation_resizes_maps_of_another_height_alone():
    student, teacher = torch.rand(2, 1, 17, 8, 16).unbind(0)
    teacher = torch.cat([teacher, teacher], dim=2)
    wide = torch.nn.functional.interpolate(student, (16, 16), mode="bilinear")
    torch.testing.assert_close(losses.distillation(student, teacher), (wide - teacher).square().mean())


def test_what_belongs_together_comes_in_equal_numbers():
    x, weight = torch.rand(2, 3, 4, 4), torch.ones(2, 1, 4, 4)
    with pytest.raises(ValueError, match="weights: expected 2 tensors, got 3"):
        losses.reconstruction(x, x, x, x, (weight, weight, weight))
    with pytest.raises(ValueError, match="blocks: expected two numbers"):
        losses.Perceptual(RandomFeatures(), blocks=(1.0,))
    with pytest.raises(ValueError, match="real and fake: expected activations of as many layers, got 2 and 1"):
        losses.feature_matching([x, x], [x])


REAL, FAKES = [0.3, -1.0, 2.5], [[0.7, 0.2, -2.0], [-0.4, 0.0, 1.0]]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def pairs(fake):
    return zip(REAL, fake, strict=True)


@pytest.mark.parametrize(
    ("form", "of_real", "of_fake", "of_generator"),
    [
        (
            "hinge",
            lambda: mean(max(0, 1 - r) for r in REAL),
            lambda fake: mean(max(0, 1 + f) for f in fake),
            lambda fake: -mean(fake),
        ),
        (
            "least-squares",
            lambda: mean((r - 1) ** 2 for r in REAL),
            lambda fake: mean(f**2 for f in fake),
            lambda fake: mean((f - 1) ** 2 for f in fake),
        ),
        (
            "relativistic",
            lambda: 0,
            lambda fake: mean(math.log1p(math.exp(f - r)) for r, f in pairs(fake)),
            lambda fake: mean(math.log1p(math.exp(r - f)) for r, f in pairs(fake)),
        ),
    ],
)
def test_the_other_adversarial_forms_by_hand(form, of_real, of_fake, of_generator):
    real, fakes = torch.tensor(REAL), [torch.tensor(fake) for fake in FAKES]
    first, second = (of_fake(fake) for fake in FAKES)
    added = of_generator(FAKES[0]) + of_generator(FAKES[1])
    assert float(losses.discriminator_loss(real, fakes, form)) == pytest.approx(of_real() + (first + second) / 2)
    assert float(losses.discriminator_loss(real, fakes, form, "sum")) == pytest.approx(of_real() + first + second)
    assert float(losses.generator_loss(fakes, form, real)) == pytest.approx(added / 2)
    assert float(losses.generator_loss(fakes, form, real, "sum")) == pytest.approx(added)


def test_an_unknown_form_is_refused_with_the_real_pair_as_well():
    with pytest.raises(ValueError, match="wgan"):
        losses.generator_loss([torch.zeros(1)], "wgan", torch.zeros(1))


def test_the_gradient_penalty_teaches_the_judge():
    x, weight = torch.ones(2, 3, 4, 4, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    losses.gradient_penalty((weight * x).flatten(1).sum(1), [x]).backward()
    assert weight.grad.item() == pytest.approx(48 * 3)  # of ½ · 48 · w²


def test_patch_verification_of_one_shared_joint_is_its_distance():
    real, fake = torch.full((1, 3, 3, 4, 4), 0.25), torch.ones(1, 3, 3, 4, 4)
    one, all_of_them = torch.tensor([[False, True, False]]), torch.ones(1, 3, dtype=torch.bool)
    assert losses.patch_verification(real, one, fake, all_of_them).item() == pytest.approx(0.75)


def test_patches_that_do_not_fit_are_refused():
    patches, valid = torch.zeros(2, 3, 3, 4, 4), torch.ones(2, 3, dtype=torch.bool)
    for arguments in (
        (patches, valid, patches[:1], valid),
        (patches, valid[:1], patches, valid),
        (patches, valid, patches, valid[:, :2]),
    ):
        with pytest.raises(ValueError, match=r"(fake|real_valid|fake_valid): expected"):
            losses.patch_verification(*arguments)


def test_weights_stay_what_they_are():
    with pytest.raises(FrozenInstanceError):
        losses.LossWeights().patch = 1.0


@pytest.mark.parametrize(
    ("terms", "got"),
    [
        ([], "none"),
        ((), "none"),
        ([torch.ones(()), 2.0], "() torch.float32, 2.0"),
        ([1, 2, 3, 4, 5, 6], "1, 2, 3, 4"),
        ({"a": 1.0}, "a dict"),
        ("ab", "'ab'"),
        (7, "7"),
    ],
)
def test_what_cannot_be_added_is_named(terms, got):
    with pytest.raises(TypeError, match=r"^terms: expected one tensor or more, got ") as refused:
        losses.added(terms)
    assert str(refused.value).partition("got ")[2] == got


def test_each_of_the_four_pictures_is_looked_at():
    good, bad = torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    for index, name in enumerate(("source", "source_hat", "positive", "positive_hat")):
        with pytest.raises(ValueError, match=f"^{name}: "):
            losses.reconstruction(*[bad if index == each else good for each in range(4)])


def test_factors_of_the_perceptual_loss_may_be_nothing_and_not_less():
    picture, other = torch.zeros(1, 3, 128, 64), torch.ones(1, 3, 128, 64)
    assert float(losses.Perceptual(RandomFeatures(seed=0), weight=0)(picture, other)) == 0
    assert losses.Perceptual(RandomFeatures(seed=0), weight=0.5, blocks=[0, 0.25]).blocks == (0.0, 0.25)
    for options, name in ((dict(weight=-0.5), "weight"), (dict(blocks=(1, -0.5)), r"blocks\[1\]")):
        with pytest.raises(ValueError, match=f"^{name}: expected a number from 0 up"):
            losses.Perceptual(RandomFeatures(seed=0), **options)
    losses.Perceptual(RandomFeatures(seed=0).train())  # it decides itself how it looks at pictures


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        ((2, 4, 8), (2, 4, 8)),
        ((2, 4, 8, 8), (2, 4, 8)),
        ((2, 4, 8, 8), (2, 4, 8, 4)),
        ((2, 4, 8, 8), (3, 4, 8, 8)),
        ((2, 1, 1, 1), (3, 1, 1, 1)),
    ],
)
def test_activations_that_do_not_fit_are_refused(real, fake):
    good = torch.zeros(1, 1, 1, 1)
    with pytest.raises(ValueError, match="of each layer, got .* of layer 1$"):
        losses.feature_matching([good, torch.zeros(real)], [good, torch.zeros(fake)])
    with pytest.raises(ValueError, match="as many layers, got 1 and 2"):
        losses.feature_matching([good], [good, good])
    assert float(losses.feature_matching([good], [good + 1])) == 1  # one channel of one place is enough


def test_logits_that_do_not_fit_are_refused():
    two, three = torch.zeros(2, 1, 4, 2), torch.zeros(3, 1, 4, 2)
    for real, fakes, named in ((None, [two, three], 1), (two, [two, three], 1), (two, [three], 0)):
        with pytest.raises(ValueError, match=rf"^real and fakes: expected logits of one .* \(fakes\[{named}\]\)$"):
            losses.generator_loss(fakes, real=real)
    with pytest.raises(ValueError, match=r"got \(2, 1, 4, 2\) and \(3, 1, 4, 2\) \(fakes\[1\]\)"):
        losses.generator_loss([two, three])
    with pytest.raises(ValueError, match=r"got 'relativistic' and None for real$"):
        losses.generator_loss([two], form="relativistic")
    with pytest.raises(ValueError, match=r"got 'other'$"):
        losses.generator_loss([two], form="other")


def test_the_gradient_penalty_needs_gradients_of_both():
    with_gradient, without = torch.ones(2, 3, requires_grad=True), torch.ones(2, 3)
    for logits, picture in ((with_gradient.sum(1), without), (without.sum(1), with_gradient)):
        with pytest.raises(ValueError, match="^logits and pictures: expected both with gradients"):
            losses.gradient_penalty(logits, [picture])
    other = torch.ones(2, 3, requires_grad=True)
    with pytest.raises(ValueError, match="do not depend on all of them"):
        losses.gradient_penalty(with_gradient.sum(1), [with_gradient, other])


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("term", [2.0, torch.ones(2)])
def test_each_term_of_the_total_is_a_scalar(place, term):
    terms = [torch.ones(()) for _ in range(4)]
    terms[place] = term
    name = ("distil", "translate", "patch", "adversarial")[place]
    with pytest.raises(ValueError, match=f"^{name}: expected a scalar"):
        losses.total(*terms, losses.LossWeights())


def test_a_network_that_still_learns_may_judge_how_alike_pictures_are():
    class Learning(FeatureNetwork):
        name = "learning"

        def __init__(self):
            super().__init__()
            blocks = (nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4)), nn.Conv2d(4, 4, 8, 8))
            self.blocks = nn.ModuleList(blocks)

    picture = torch.rand(2, 3, 32, 16)
    loss = losses.Perceptual(Learning().train())
    assert loss.features.training and float(loss(picture, picture)) == 0
