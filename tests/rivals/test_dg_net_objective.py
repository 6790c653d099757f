"""What DG-Net's parts learn, from which losses and in which order; ramps, resume, and eight pairs learned by heart."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from momi_lib.rivals.base import RivalBatch
from momi_lib.rivals.dg_net import DgNet, DgNetConfig, DgNetObjective

TINY = DgNetConfig(
    size=(32, 16), backbone="vgg", vgg=(4, 4, 8, 8), doubled=False, width=2, mlp=8, normalisation="batch",
    padding="zeros", kernel=3, output="sub-pixel", head=8, discriminator=4, discriminator_blocks=1,
    discriminator_stem="lean", erasing=0.0, teacher_share=0.2,
)  # fmt: skip
#: No losses of real people, and no teacher: what then reaches E_a can only come from drawings.
DRAWINGS_ONLY = {"identity_weight": 0.0, "positive_weight": 0.0, "teacher_weight": 0.0}
EARLY, LATE = 0.3, 0.9  # before and after all ramps


def made(people=4, **changes):
    config = replace(TINY, **changes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DgNetObjective(DgNet(config), config, people).train()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    shown = [2 * torch.rand(3, 3, 32, 16, generator=generator) - 1 for _ in range(3)]
    return RivalBatch(*shown, None, torch.tensor([[0, 1, 2], [3, 3, 0]]))


def step(objective, optimisers, batch, done, seed=0):
    """One step of the loop; the terms of its phases."""
    found = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for phase in objective.phases(batch, done):
            for name in phase.optimisers:
                optimisers[name].zero_grad(set_to_none=True)
            phase.terms["total"].backward()
            for name in phase.optimisers:
                optimisers[name].step()
            found.append(dict(phase.terms))
    return found


def last_terms(objective, batch, done, seed=0):
    """The terms of the generator's phase, before any backward pass of it; D has not learned."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return list(objective.phases(batch, done))[-1].terms


def taught(module):
    """Whether any of a module's weights has a gradient other than 0."""
    return any(weight.grad is not None and bool(weight.grad.any()) for weight in module.parameters())


def weights(module):
    return torch.cat([weight.detach().flatten().clone() for weight in module.parameters()])


def test_fewer_than_two_people_are_refused():
    with pytest.raises(ValueError, match="people: DG-Net learns to tell people apart and needs at least 2.*got 1"):
        made(people=1)


@pytest.mark.parametrize("persons", [torch.tensor([[0, 1, 4], [1, 2, 3]]), torch.tensor([[0, 1, -1], [1, 2, 3]]),
                                     torch.tensor([0, 1, 2]), torch.zeros(2, 3)])  # fmt: skip
def test_labels_that_do_not_fit_are_refused(batch, persons):
    with pytest.raises(ValueError, match=r"persons: expected classes \(2, 3\) from 0 to 3"):
        next(made().phases(batch._replace(persons=persons), 0.0))


def test_the_teacher_learns_first_and_alone(batch):
    objective = made()
    optimisers, before = objective.optimisers(), weights(objective.network)
    (terms,) = step(objective, optimisers, batch, 0.19)
    assert set(terms) == {"teacher_identity", "total"}
    assert taught(objective.teacher.encoder) and taught(objective.teacher.head)
    assert not any(taught(each) for each in (objective.network, objective.heads, objective.discriminator))
    assert torch.equal(weights(objective.network), before) and not objective.taught


def test_the_teacher_learns_from_x_and_both_others(batch):
    objective, given = made(), []
    objective.teacher.register_forward_hook(lambda _, inputs, logits: given.append((inputs[0], logits)))
    (terms,) = step(objective, objective.optimisers(), batch, 0.0)
    pictures, logits = given[0]
    expected = objective.network.normalised(torch.cat([batch.source, batch.negative, batch.positive]))
    assert torch.equal(pictures, expected)
    labels = torch.tensor([0, 1, 2, 3, 3, 0, 0, 1, 2])
    torch.testing.assert_close(terms["total"], functional.cross_entropy(logits, labels))


def test_the_teacher_is_frozen_then(batch):
    objective = made()
    optimisers = objective.optimisers()
    step(objective, optimisers, batch, 0.0)
    before = weights(objective.teacher)
    step(objective, optimisers, batch, LATE)
    assert torch.equal(weights(objective.teacher), before) and objective.taught
    assert all(weight.grad is None and not weight.requires_grad for weight in objective.teacher.parameters())


@pytest.mark.parametrize("asked", [True, False])
def test_the_appearance_encoder_may_begin_as_the_teacher_once(batch, asked):
    objective = made(appearance_from_teacher=asked)
    encoder, teacher = objective.network.appearance_encoder, objective.teacher.encoder
    next(objective.phases(batch, EARLY))
    assert torch.equal(weights(encoder), weights(teacher)) == asked
    with torch.no_grad():
        for weight in encoder.parameters():
            weight.add_(1)
    moved = weights(encoder)
    next(objective.phases(batch, EARLY))
    assert torch.equal(weights(encoder), moved)
    resumed = made(appearance_from_teacher=asked)
    resumed.load_state_dict(objective.state_dict())
    next(resumed.phases(batch, EARLY))
    assert torch.equal(weights(resumed.network.appearance_encoder), moved)


def test_phases_and_their_optimisers(batch):
    objective = made()
    assert [phase.optimisers for phase in objective.phases(batch, EARLY)] == [
        ("discriminator",), ("generator", "appearance"),
    ]  # fmt: skip
    without = made(adversarial_weight=0.0)
    assert [phase.optimisers for phase in without.phases(batch, EARLY)] == [("generator", "appearance")]
    groups = [(name, g) for name, each in objective.optimisers().items() for g in each.param_groups]
    known = {id(weight): name for name, group in groups for weight in group["params"]}
    network = objective.network
    parts = {"generator": (network.structure_encoder, network.affines, network.decoder),
             "appearance": (network.appearance_encoder, objective.heads),
             "discriminator": (objective.discriminator,), "teacher": (objective.teacher,)}  # fmt: skip
    assert {id(p): name for name, modules in parts.items() for m in modules for p in m.parameters()} == known
    heads = objective.optimisers()["appearance"].param_groups
    assert [group["lr"] for group in heads] == pytest.approx([2e-3, 2e-2])


@pytest.mark.parametrize("done", [EARLY, LATE])
def test_each_phase_teaches_its_own_parts(batch, done):
    objective = made()
    network, D = objective.network, objective.discriminator
    phases = objective.phases(batch, done)
    next(phases).terms["total"].backward()
    assert taught(D) and not taught(network) and not taught(objective.heads)
    D.zero_grad(set_to_none=True)
    next(phases).terms["total"].backward()
    assert not taught(D)
    for part in (network.structure_encoder, network.affines, network.decoder, network.appearance_encoder):
        assert taught(part)
    assert taught(objective.heads[0]) and taught(objective.heads[1]) == (done == LATE)
    for part in (objective.encoder_copy, objective.head_copy, objective.structure_copy, objective.teacher):
        assert not taught(part)
    assert all(weight.requires_grad for weight in D.parameters())


@pytest.mark.parametrize("live_share", [0.0, 1.0])
def test_no_loss_of_a_drawing_reaches_the_appearance_encoder(batch, live_share):
    objective = made(**DRAWINGS_ONLY, live_share=live_share)
    terms = last_terms(objective, batch, LATE)
    assert all(terms[name] > 0 for name in ("self", "same", "adversarial", "cross", "structure_code", "cycle"))
    terms["total"].backward()
    assert not taught(objective.network.appearance_encoder) and not taught(objective.heads)
    assert taught(objective.network.affines)


def test_the_distance_of_appearance_codes_has_no_gradient(batch):
    term = last_terms(made(), batch, LATE)["appearance_code"]
    assert term > 0 and not term.requires_grad


def test_the_cross_entropy_of_drawings_teaches_the_decoder_through_a_copy(batch):
    objective = made()
    terms = last_terms(objective, batch, EARLY)
    terms["cross"].backward()
    network = objective.network
    assert taught(network.decoder) and taught(network.structure_encoder) and taught(network.affines)
    assert not taught(network.appearance_encoder) and not taught(objective.heads)
    assert not any(weight.requires_grad for weight in objective.encoder_copy.parameters())


def test_the_copy_is_renewed_in_each_step(batch):
    objective = made()
    optimisers = objective.optimisers()
    encoder = objective.network.appearance_encoder
    before = weights(encoder)
    step(objective, optimisers, batch, LATE)
    assert torch.equal(weights(objective.encoder_copy), before) and not torch.equal(weights(encoder), before)
    now, head = weights(encoder), weights(objective.heads[0])
    step(objective, optimisers, batch, LATE)
    assert torch.equal(weights(objective.encoder_copy), now)
    assert torch.equal(weights(objective.head_copy), head)


def test_copies_judge_without_dropout(batch):
    objective = made(dropouts=(0.9, 0.9))
    first, second = (last_terms(objective, batch, EARLY, seed)["cross"] for seed in (0, 1))
    assert first == second and not objective.head_copy[2].training and objective.head_copy[1].training


@pytest.mark.parametrize("live_share, reached", [(1.0, "structure_encoder"), (0.0, "decoder")])
def test_either_the_structure_encoder_or_the_drawing_learns_from_the_structure_found_again(batch, live_share, reached):
    objective = made(live_share=live_share)
    last_terms(objective, batch, LATE)["structure_code"].backward()
    assert taught(getattr(objective.network, reached))
    assert taught(objective.network.decoder) == (reached == "decoder")


def test_ramps_grow_at_their_shares():
    objective = made(teacher_share=0.2, ramp_from=0.25, ramp_share=0.05)
    shares = {0.0: 0.0, 0.2: 0.0, 0.4: 0.0, 0.42: 0.5, 0.44: 1.0, 0.46: 1.5, 0.48: 2.0, 0.99: 2.0}
    assert {done: objective.ramp(done, 2.0) for done in shares} == pytest.approx(shares)
    assert objective.ramp(0.9, 1.0) == 1.0
    assert [objective.progress(done) for done in (0.1, 0.2, 0.6, 1.0)] == pytest.approx([0.0, 0.0, 0.5, 1.0])


def test_losses_with_a_ramp_are_weighed_by_it(batch):
    """Of the same weights and chance: half the ramp, half the loss; before it, 0."""
    objective = made(teacher_share=0.2, ramp_from=0.25, ramp_share=0.05)
    early, half, full = (copy.deepcopy(objective) for _ in range(3))
    early, half, full = (last_terms(o, batch, d) for o, d in ((early, 0.4), (half, 0.42), (full, 0.44)))
    for name in ("structure_code", "appearance_code", "cycle", "teacher", "structure_identity"):
        assert early[name] == 0 and full[name] > 0
        torch.testing.assert_close(2 * half[name], full[name])
    for name in ("self", "same", "cross", "identity"):
        assert early[name] == half[name] == full[name] > 0


def test_rates_fall_twice_and_the_teachers_once():
    objective = made(teacher_share=0.2, decay_at=(0.5, 0.75))
    for name in ("generator", "discriminator", "appearance"):
        rates = [objective.rate(name, done) for done in (0.2, 0.59, 0.61, 0.79, 0.81)]
        assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    assert [objective.rate("teacher", done) for done in (0.0, 0.13, 0.14)] == [1.0, 1.0, 0.1]


def test_the_weights_of_the_first_losses(batch):
    objective, kept = made(), {}
    network, D = objective.network, objective.discriminator
    network.decoder.register_forward_hook(lambda _, inputs, pictures: kept.setdefault("drawn", pictures))
    objective.heads[0].register_forward_hook(lambda _, inputs, logits: kept.setdefault("logits", logits))
    objective.head_copy.register_forward_hook(lambda _, inputs, logits: kept.setdefault("copied", logits))
    terms = last_terms(objective, batch, EARLY)
    x, negative = (network.normalised(each) for each in (batch.source, batch.negative))
    own, own_negative, crossed, crossed_negative, same = kept["drawn"].detach().chunk(5)

    def l1(a, b):
        return (a - b).abs().mean()

    torch.testing.assert_close(terms["self"], 5 * (l1(own, x) + l1(own_negative, negative)))
    torch.testing.assert_close(terms["same"], 5 * l1(same, x))
    verdicts = [2 * (value - 1).square().mean() for each in (crossed, crossed_negative) for value in D(each)]
    torch.testing.assert_close(terms["adversarial"], sum(verdicts))
    entropy, people = functional.cross_entropy, batch.persons
    of_x, of_negative, of_positive = kept["logits"].chunk(3)
    torch.testing.assert_close(terms["identity"], entropy(of_x, people[0]) + entropy(of_negative, people[1]))
    torch.testing.assert_close(terms["positive"], entropy(of_positive, people[0]))
    # The first half has the structure of x and the appearance of x⁻.
    first, second = kept["copied"].chunk(2)
    torch.testing.assert_close(terms["cross"], 0.5 * (entropy(first, people[1]) + entropy(second, people[0])))
    total = sum(value for name, value in terms.items() if name != "total")
    torch.testing.assert_close(terms["total"], total)


def test_the_codes_of_x_are_found_where_they_were_used(batch):
    objective, kept = made(live_share=1.0), []
    network = objective.network
    objective.encoder_copy.register_forward_hook(lambda _, inputs, features: kept.append(features))
    network.structure_encoder.register_forward_hook(lambda _, inputs, structure: kept.append(structure))
    network.affines.register_forward_hook(lambda _, inputs, affines: kept.append(inputs[0]))
    network.decoder.register_forward_hook(lambda _, inputs, pictures: kept.append(pictures))
    terms = last_terms(objective, batch, LATE)
    structure, codes, _, features, again, found, back = kept
    # Drawings 7 to 9 have the structure of x, 10 to 12 its appearance.
    expected = objective.encoder_copy.stripes(features)
    assert torch.equal(found, torch.cat([expected[3:], expected[:3]]))
    real = network.normalised(torch.cat([batch.source, batch.negative]))
    torch.testing.assert_close(terms["cycle"], 2 * 2 * (back - real).abs().mean())
    torch.testing.assert_close(terms["structure_code"], 2 * (again - structure).abs().mean())
    torch.testing.assert_close(terms["appearance_code"], 2 * (found - codes[:6]).abs().mean())


def test_the_teachers_opinion(batch):
    objective, kept = made(), {"heads": [[], []]}
    for index, head in enumerate(objective.heads):
        head.register_forward_hook(lambda _, inputs, logits, index=index: kept["heads"][index].append(logits))
    objective.teacher.register_forward_hook(lambda _, inputs, logits: kept.setdefault("teacher", []).append(
        (inputs[0], logits)))  # fmt: skip
    terms = last_terms(objective, batch, LATE)
    (pictures, logits), (mirrored, other) = kept["teacher"]
    assert torch.equal(mirrored, pictures.flip(3))
    wanted = (logits.softmax(1) + other.softmax(1)) / 2
    student = kept["heads"][0][1]
    each = (wanted * (wanted.log() - student.log_softmax(1))).sum(1)
    torch.testing.assert_close(terms["teacher"], 2 * 2 * each.mean())
    drawn, real = kept["heads"][1]
    own = torch.tensor([0, 1, 2, 3, 3, 0])  # the structure's people, and those of x and x⁻
    expected = functional.cross_entropy(drawn, own) + functional.cross_entropy(real, own)
    torch.testing.assert_close(terms["structure_identity"], 2 * 0.2 * 2 * expected)


def test_the_discriminator_by_hand(batch):
    """Squares of all scales, and 0.01 · ‖∇D‖² at x and at x⁻; ½ is in no formula."""
    objective, kept = made(), []
    objective.network.decoder.register_forward_hook(lambda _, inputs, pictures: kept.append(pictures.detach()))
    terms = next(objective.phases(batch, EARLY)).terms
    D, expected, penalty = objective.discriminator, 0.0, 0.0
    for shown, drawn in zip((batch.source, batch.negative), kept[0].chunk(5)[2:4], strict=True):
        shown = objective.network.normalised(shown).requires_grad_()
        for real, fake in zip(D(shown), D(drawn), strict=True):
            expected = expected + (real - 1).square().mean() + fake.square().mean()
            (gradient,) = torch.autograd.grad(real.sum(), shown, retain_graph=True)
            penalty = penalty + 0.01 * gradient.square().sum((1, 2, 3)).mean()
    torch.testing.assert_close(terms["discriminator"], expected)
    torch.testing.assert_close(terms["penalty"], penalty)
    torch.testing.assert_close(terms["total"], expected + penalty)
    assert set(next(made(penalty=0.0).phases(batch, EARLY)).terms) == {"discriminator", "total"}


def test_heads_classify_erased_pictures_and_the_codes_are_of_whole_ones(batch):
    objective, given = made(erasing=1.0), []
    objective.network.appearance_encoder.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    terms = last_terms(objective, batch, EARLY)
    whole, lost = given
    assert torch.equal(whole, objective.network.normalised(torch.cat([batch.source, batch.negative, batch.positive])))
    assert torch.equal(torch.where(lost == 0, whole, lost), whole) and ((lost == 0).flatten(1).any(1)).all()
    terms["total"].backward()
    assert taught(objective.network.appearance_encoder)


def test_rehearsal_shows_batch_norms_what_training_shows_them(batch):
    objective = made()
    network = copy.deepcopy(objective.network)
    next(objective.phases(batch, EARLY))
    network.rehearse(batch)
    found, expected = network.state_dict(), objective.network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    assert all(each.num_batches_tracked == 1 for each in network.modules() if isinstance(each, nn.BatchNorm2d))


def test_steps_in_bf16_lose_finite_numbers(batch):
    objective = made()
    with torch.autocast("cpu", torch.bfloat16):
        for done in (0.0, LATE):
            for phase in objective.phases(batch, done):
                assert all(value.isfinite() and value.dtype == torch.float32 for value in phase.terms.values())


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_a_resumed_run_is_the_same(batch, stop):
    plan = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9]
    whole = made(appearance_from_teacher=True)
    optimisers = whole.optimisers()
    for seed, done in enumerate(plan):
        if seed == stop:
            state = copy.deepcopy([whole.state_dict(), {name: each.state_dict() for name, each in optimisers.items()}])
        step(whole, optimisers, batch, done, seed)
    resumed = made(appearance_from_teacher=True)
    again = resumed.optimisers()
    resumed.load_state_dict(state[0])
    for name, each in again.items():
        each.load_state_dict(state[1][name])
    for seed, done in list(enumerate(plan))[stop:]:
        step(resumed, again, batch, done, seed)
    found, expected = resumed.state_dict(), whole.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in found.items())


@pytest.mark.slow
def test_eight_pairs_are_learned_by_heart(eight_pairs, run):
    """x from its own structure and the appearance of x⁺, with all losses; in use, batch norms know the whole batch."""
    eight = eight_pairs((32, 16))
    objective = made(
        people=8, width=8, vgg=(8, 16, 16, 32), mlp=32, head=32, learning_rate=5e-3, identity_learning_rate=1e-2,
        head_rate=1.0, teacher_share=0.05, appearance_from_teacher=True,
    )  # fmt: skip

    @torch.no_grad()
    def away():
        return float((objective.network.eval().swap(eight.positive, eight.source) - eight.source).abs().mean())

    before = away()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        history = run(objective, eight, 150)
    learned = [terms for terms in history if "same" in terms]
    assert sum(each["same"] for each in learned[-10:]) / 10 < learned[0]["same"] / 3
    assert sum(each["self"] for each in learned[-10:]) / 10 < learned[0]["self"] / 2
    assert away() < before / 3
