"""Options of training beside the paper's: other colours, the person's pixels, weights to begin with."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from momi_lib import losses
from momi_lib.patches import limb_patches, limb_points, skeleton_patches
from momi_lib.train.batches import Batch
from momi_lib.train.colour import jitter_colours
from momi_lib.train.initialise import initialise_from
from momi_lib.train.objective import Drawn, Objective
from momi_lib.train.presets import changed, preset
from momi_lib.translate import (
    MomiNet,
    NetworkConfig,
    PairDiscriminator,
    Pose,
    load_network,
    network_of,
    save_network,
    weights_file,
)


def test_a_triplet_changes_its_colours_in_common():
    pictures = torch.rand(3, 2, 3, 4, 4) * 0.8 - 0.4
    pictures[1] = pictures[0]
    changed = jitter_colours(pictures, torch.rand(2, 4), 0.8)
    assert torch.equal(changed[0], changed[1]) and not torch.allclose(changed[0], pictures[0], atol=1e-3)
    assert float(changed.abs().max()) <= 1


def test_jitter_turns_the_hue_and_keeps_grey():
    grey = torch.linspace(-0.9, 0.9, 5).view(1, 1, 1, 1, 5).expand(1, 1, 3, 1, 5)
    turned = torch.tensor([[1.0, 0.5, 0.5, 0.5]])
    assert torch.allclose(jitter_colours(grey, turned, 1.0), grey, atol=1e-6)
    red = torch.tensor([0.5, -0.1, -0.1]).view(1, 1, 3, 1, 1)
    colour = jitter_colours(red, turned, 1.0).flatten()
    assert float(colour.sum()) == pytest.approx(0.3, abs=1e-5)
    assert float(colour.std()) == pytest.approx(float(red.flatten().std()), abs=1e-5)
    other, before = colour - colour.mean(), red.flatten() - red.mean()
    cosine = float(torch.dot(other, before) / other.norm() / before.norm())
    assert cosine == pytest.approx(math.cos(math.pi / 5), abs=1e-4)


def test_weighted_reconstruction_is_the_plain_one_for_equal_weights():
    x, x_hat, y, y_hat = torch.rand(4, 2, 3, 8, 8)
    ones = torch.full((2, 1, 8, 8), 3.0)
    plain = losses.reconstruction(x, x_hat, y, y_hat)
    assert torch.allclose(losses.reconstruction(x, x_hat, y, y_hat, (ones, ones)), plain, rtol=1e-5)
    weight = torch.zeros(2, 1, 8, 8)
    weight[0, 0, 2, 3] = 1
    alone = losses.reconstruction(x, x_hat, y, y_hat, (weight, weight))
    expected = (x - x_hat)[0, :, 2, 3].abs().mean() + (y - y_hat)[0, :, 2, 3].abs().mean()
    assert torch.allclose(alone, expected, rtol=1e-5)


def test_options_train_and_resume_exactly(trainer):
    options = dict(distil_steps=0, loss=dict(pose_mask=3.0), augment=dict(jitter=0.5, same_camera=1.0))
    run = trainer(**options)
    run.train_step()
    state = run.state_dict()
    again = trainer(**options)
    again.load_state_dict(state)
    assert run.train_step() == again.train_step()


def test_pose_mask_changes_the_loss(trainer):
    network = replace(preset("tiny").network, threshold=0.0)  # an untrained student is never sure
    options = dict(distil_steps=0, network=network)
    plain, weighted = (trainer(loss=dict(pose_mask=weight), **options).train_step() for weight in (0.0, 5.0))
    assert plain["recon"] != weighted["recon"] and plain["distil"] == weighted["distil"]


def test_consistency_teaches_the_generator_and_not_the_student(trainer):
    alone = losses.LossWeights(translate=0, patch=0, adversarial=0)
    run = trainer(distil_steps=0, loss=dict(pose_consistency=10.0, weights=alone))
    run.network.train()
    batch = run.batches.draw()
    terms, drawn = run.objective.generator(batch)
    term = run.objective._consistency(drawn, run.network.pose(torch.cat([batch.positive, batch.negative])).heatmaps)
    term.backward()
    assert all(p.grad is None for p in run.network.student.parameters())
    assert run.network.generator.picture.weight.grad.abs().sum() > 0
    assert run.network.student.training and all(p.requires_grad for p in run.network.student.parameters())
    torch.testing.assert_close(terms["total"], terms["distil"] + terms["consistency"])


def test_consistency_is_zero_for_the_pictures_themselves(trainer):
    run = trainer(distil_steps=0)
    run.network.eval()
    batch = run.batches.draw()
    wanted = run.network.pose(torch.cat([batch.positive, batch.negative])).heatmaps
    drawn = Drawn(batch.source, batch.positive, batch.negative)
    assert float(run.objective._consistency(drawn, wanted)) == pytest.approx(0, abs=1e-9)
    swapped = Drawn(batch.source, batch.negative, batch.positive)
    assert float(run.objective._consistency(swapped, wanted)) > 0


def test_guidance_teaches_the_lookup_where_to_look(trainer):
    network = replace(preset("tiny").network, threshold=0.0, transfer="lookup")
    alone = losses.LossWeights(translate=0, patch=0, adversarial=0)
    loss, optim = dict(lookup_guidance=1.0, weights=alone), dict(learning_rate=1e-2)
    run = trainer(distil_steps=0, network=network, loss=loss, optim=optim)
    first, *_, last = [run.train_step()["guidance"] for _ in range(15)]
    assert last < 0.8 * first
    with pytest.raises(ValueError, match="no lookup to guide; set it to 0"):
        preset("tiny", loss=dict(lookup_guidance=1.0))
    with pytest.raises(ValueError, match="lookup_guidance: expected a number from 0 up"):
        preset("tiny", loss=dict(lookup_guidance=-1.0))


def test_strips_change_the_patch_loss(trainer):
    network = replace(preset("tiny").network, threshold=0.0)
    options = dict(distil_steps=0, network=network)
    squares, strips = (trainer(loss=dict(patch_shape=shape), **options).train_step() for shape in ("square", "strip"))
    assert squares["patch"] != strips["patch"] and squares["recon"] == strips["recon"]


def test_begins_with_the_student_of_other_weights(tmp_path, trainer):
    """The rest may have another shape and starts at random."""
    torch.manual_seed(3)
    start = MomiNet(replace(preset("tiny").network, width=32))
    path = save_network(start, tmp_path / "start.safetensors")
    run, fresh = trainer(distil_steps=0, init=dict(start=path, parts="student")), trainer(distil_steps=0)
    for name, value in start.student.state_dict().items():
        assert torch.equal(run.network.student.state_dict()[name].cpu(), value.half().to(value.dtype)), name
    assert torch.equal(run.network.generator.picture.weight, fresh.network.generator.picture.weight)
    assert run._base_rate("student") == pytest.approx(run.config.optim.student_learning_rate * 0.1)


def test_takes_the_student_from_one_file_and_the_rest_from_another(tmp_path, trainer):
    paths = []
    for seed in (3, 4):
        torch.manual_seed(seed)
        paths.append(save_network(MomiNet(preset("tiny").network), tmp_path / f"{seed}.safetensors"))
    run = trainer(distil_steps=0, init=dict(start=paths[0], student=paths[1]))
    for path, part in zip(paths, ("generator", "student"), strict=True):
        for name, value in getattr(load_network(path), part).state_dict().items():
            assert torch.equal(getattr(run.network, part).state_dict()[name].cpu(), value), name


def test_the_warm_up_ends_at_the_rate_that_the_student_keeps(trainer):
    run = trainer(distil_steps=10)
    rates = []
    for run.step in range(12):
        rates.append(run._base_rate("student") / run.config.optim.student_learning_rate)
    assert rates[:6] == [1.0] * 6 and rates[10:] == [run.config.optim.student_rate_after] * 2
    assert rates[5:11] == sorted(rates[5:11], reverse=True) and rates[9] > rates[10]


def test_a_moved_warm_up_learns_from_maps_that_moved_along(trainer):
    run = trainer(distil_steps=5, augment=dict(distil_moved=True, jitter=0.0, mirror=0.0))
    state = run.batches.state_dict()
    still = run.batches.draw(4)
    run.batches.load_state_dict(state)
    moved = run.batches.draw(4, moved=True)
    assert moved.source.shape == still.source.shape and moved.teacher_maps.shape == still.teacher_maps.shape
    assert not torch.allclose(moved.source, still.source, atol=0.05)
    assert not torch.allclose(moved.teacher_maps, still.teacher_maps, atol=0.05)
    assert torch.equal(moved.positive, still.positive)
    assert run.train_step()["distil"] > 0


def test_pose_detail_begins_as_if_it_were_not_there_and_learns(tmp_path):
    torch.manual_seed(0)
    config = preset("tiny").network
    path = save_network(MomiNet(config), tmp_path / "start.safetensors")
    fine = MomiNet(replace(config, pose_detail=3))
    initialise_from(fine, path)
    pictures = torch.rand(2, 3, 128, 64) * 2 - 1
    joints, seen = torch.rand(4, 17, 2) * 60, torch.ones(4, 17, dtype=torch.bool)
    with torch.no_grad():
        drawn = []
        for network in (load_network(path), fine.eval()):
            codes = network.encode_pose(network.reproject(joints, seen))
            drawn.append(network.decode(network.encode_appearance(pictures, codes[:2]), codes[2:]))
    assert torch.allclose(*drawn, atol=1e-4)
    code = fine.encode_pose(fine.reproject(torch.rand(2, 17, 2) * 60, torch.ones(2, 17, dtype=torch.bool)))
    assert code.shape == (2, config.width + 12, 16, 8) and fine.coarse(code).shape[1] == config.width
    fine.decode(fine.encode_appearance(pictures, code), code).square().mean().backward()
    assert fine.detail[1].weight.grad.abs().sum() > 0
    again = load_network(save_network(fine, tmp_path / "fine.safetensors"))
    assert again.config.pose_detail == 3


def test_begins_with_weights(tmp_path, trainer):
    torch.manual_seed(3)
    start = MomiNet(preset("tiny").network)
    path = save_network(start, tmp_path / "start.safetensors")
    run = trainer(distil_steps=0, init=dict(start=path))
    for name, value in start.state_dict().items():
        assert torch.equal(run.network.state_dict()[name].cpu(), value.half().to(value.dtype)), name
    assert run._base_rate("student") == pytest.approx(run.config.optim.student_learning_rate * 0.1)


def test_a_lookup_may_be_new_and_other_shapes_are_refused(tmp_path):
    config = preset("tiny").network
    path = save_network(MomiNet(config), tmp_path / "start.safetensors")
    initialise_from(MomiNet(replace(config, transfer="lookup")), path)
    with pytest.raises(ValueError, match=r"start: .* width is 16 there and 32 here"):
        initialise_from(MomiNet(replace(config, width=32)), path)


@pytest.mark.parametrize("name", ["small", "lookup"])
def test_a_preset_goes_on_from_its_committed_weights(name):
    network = network_of(preset(name).network)
    initialise_from(network, weights_file(name))
    known = load_network(name)
    assert known.config == network.config
    assert all(torch.equal(value, known.state_dict()[key]) for key, value in network.state_dict().items())


def test_a_network_without_body_maps_begins_with_another_whatever_maps_both_would_have(tmp_path):
    config = preset("tiny").network
    path = save_network(MomiNet(config), tmp_path / "start.safetensors")
    initialise_from(MomiNet(replace(config, body_source=(8, 8, 8, 16), painter=8)), path)


def test_the_perceptual_loss_may_be_of_x_alone(trainer):
    options = dict(perceptual_blocks=(0.5, 2.0), weights=losses.LossWeights(perceptual=3.0))
    alone, both = (trainer(distil_steps=0, loss=dict(perceptual_on=on, **options)) for on in ("source", "both"))
    ours, theirs = alone.train_step(), both.train_step()
    batch, drawn = both.last
    with torch.no_grad():
        terms = []
        for real, fake in ((batch.source, drawn.source), (batch.positive, drawn.positive)):
            features = (both.perceptual.features(pictures) for pictures in (real, fake))
            second, fifth = ((a - b).abs().mean() for a, b in zip(*features, strict=True))
            terms.append(3 * float(0.5 * second + 2 * fifth))
    assert ours["perceptual"] == pytest.approx(terms[0], rel=1e-5)
    assert theirs["perceptual"] == pytest.approx(sum(terms), rel=1e-5)
    assert ours["recon"] == theirs["recon"]


def test_the_adversarial_terms_may_be_summed(trainer):
    both = (trainer(distil_steps=0, loss=dict(adversarial_terms=how)) for how in ("sum", "mean"))
    added, averaged = (run.train_step() for run in both)
    assert added["adversarial"] == pytest.approx(2 * averaged["adversarial"], rel=1e-5)
    assert added["discriminator"] == pytest.approx(1.5 * averaged["discriminator"], abs=0.05)  # D knows nothing yet


def test_blocks_with_dropout_train_and_resume_exactly(trainer):
    """What a step drops follows from the seed and the step, and no generator of torch's is disturbed."""
    network = replace(preset("tiny").network, attention_block="pat", lean_attention=False, decode_at="full")
    options = dict(distil_steps=0, network=network)
    run = trainer(**options)
    run.train_step()
    state = run.state_dict()
    again = trainer(**options)
    again.load_state_dict(state)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    values = run.train_step()
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(6)
    assert values == again.train_step()


def test_options_out_of_range_are_refused():
    with pytest.raises(ValueError, match="perceptual_blocks"):
        preset("tiny", loss=dict(perceptual_blocks=(1.0, -1.0)))
    with pytest.raises(ValueError, match="pose_consistency"):
        preset("tiny", loss=dict(pose_consistency=-1.0))
    for field in ("same_camera", "jitter"):
        with pytest.raises(ValueError, match=field):
            preset("tiny", augment={field: 1.5})
    with pytest.raises(ValueError, match="pose_mask"):
        preset("tiny", loss=dict(pose_mask=-1.0))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"loss.kep": 1.0}, "loss.kep: no option of the group loss; expected one of adversarial"),
        ({"lr": 1.0}, "lr: no option of a training run"),
        ({"steps.x": 1}, "steps: expected a value, got options of it: x"),
        ({"loss": 3}, "loss: expected a LossConfig or options of it, got 3"),
        ({"network": NetworkConfig(), "network.width": 8}, "network"),
        ({"loss.patch_shape": "strips"}, "loss.patch_shape: expected one of square, strip, got 'strips'"),
        ({"init.parts": "map"}, "init.parts: expected one of all, student, maps, got 'map'"),
        ({"body_labels": "drawn"}, "body_labels: expected one of rendered, committed"),
        ({"batch": 2.5}, "batch: expected a whole number from 1 up, got 2.5"),
        ({"distil_steps": 0.5}, "distil_steps: expected a whole number from 0 up"),
        ({"loss.discriminator": [8, "16"]}, "loss.discriminator: expected a whole number from 1 up"),
        ({"optim.betas": (0.5, 1.0)}, r"optim.betas: expected a number in \[0, 1\)"),
        ({"optim.learning_rate": float("nan")}, "optim.learning_rate: expected a number above 0, got nan"),
        ({"loss.weights.patch": -1.0}, "loss.weights.patch: expected a number from 0 up"),
        ({"loss.perceptual_weights": "a.pth"}, "perceptual_weights: a.pth would not be read with .* 'random'; leave"),
        ({"loss.perceptual": "none", "loss.perceptual_weights": "a.pth"}, "would not be read with .* 'none'"),
        ({"loss.feature_matching": 1.0, "loss.weights.adversarial": 0.0}, "loss.feature_matching: expected 0, got 1.0"),
        ({"loss.penalty": 1.0, "loss.weights.adversarial": 0.0}, "loss.penalty: expected 0, got 1.0: with loss"),
        ({"init.parts": "student"}, "init.parts: expected 'all' without init.start, got 'student'"),
    ],
)
def test_a_change_that_cannot_be_is_refused_by_name(change, said):
    with pytest.raises(ValueError, match=said):
        changed(preset("tiny"), change)


def objective(network=None, **loss):
    """What a step of the preset ``tiny`` with these changes minimises, without a data set."""
    config = preset("tiny", network=replace(preset("tiny").network, **(network or {})), loss=loss)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Objective(MomiNet(config.network), PairDiscriminator(config.loss.discriminator), None, config)


def step(size=(128, 64)):
    """Two triplets, and three pictures drawn for each."""
    pictures = torch.rand(6, 2, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Batch(*pictures[:3], torch.zeros(2, 17, 32, 16)), Drawn(*pictures[3:])


def poses(size=(128, 64)):
    """Landmarks of the sources, and those of the positives and negatives; some were not found."""
    rng = torch.Generator().manual_seed(1)
    landmarks = torch.rand(6, 17, 2, generator=rng) * torch.tensor([size[1] - 1.0, size[0] - 1.0])
    found = torch.rand(6, 17, generator=rng) < 0.7
    none = torch.zeros(0)
    return [Pose(none, none, landmarks[some], found[some]) for some in (slice(0, 2), slice(2, 6))]


def test_guidance_is_asked_for_in_places_of_the_code_and_computed_in_full_precision():
    run, (pose, others) = objective(dict(transfer="lookup", width=32), lookup_guidance=1.0), poses()
    codes = torch.randn(6, 32, 16, 8, generator=torch.Generator().manual_seed(2))
    (source, known), (target, found) = (limb_points(each.landmarks, each.valid) for each in (pose, others))
    places = [(points + 0.5) / 8 - 0.5 for points in (torch.cat([source, source]), target)]  # of 8 x 8 pixels
    both = torch.cat([codes[:2], codes[:2]]), codes[2:]
    expected = run.network.lookup.negative_log_likelihood(both, places, torch.cat([known, known]) & found)
    with torch.autocast("cpu", torch.bfloat16):
        term = run._guidance(codes, pose, others)
    torch.testing.assert_close(term, expected)


def test_terms_that_eq_7_does_not_have_are_added_with_their_weights(monkeypatch):
    alone = losses.LossWeights(translate=0, patch=0, adversarial=0)
    run = objective(dict(transfer="lookup"), lookup_guidance=3.0, pose_consistency=5.0, weights=alone)
    monkeypatch.setattr(Objective, "_guidance", lambda *given: torch.tensor(0.5))
    monkeypatch.setattr(Objective, "_consistency", lambda *given: torch.tensor(0.25))
    terms, _ = run.generator(step()[0])
    assert (float(terms["guidance"]), float(terms["consistency"])) == (1.5, 1.25)
    torch.testing.assert_close(terms["total"], terms["distil"] + 1.5 + 1.25)


def test_pixels_within_six_of_a_limb_count_most_and_those_from_ten_no_more_than_the_street():
    landmarks, valid = torch.zeros(3, 17, 2), torch.zeros(3, 17, dtype=torch.bool)
    ends = ((32.0, 20.0, 100.0), (12.0, 40.0, 90.0), (50.0, 5.0, 120.0))  # x, and y of knee and ankle
    for picture, (x, top, bottom) in enumerate(ends):
        landmarks[picture, [13, 15]] = torch.tensor([[x, top], [x, bottom]])
        valid[picture, [13, 15]] = True
    pose, others = (Pose(valid, valid, landmarks[some], valid[some]) for some in (slice(0, 1), slice(1, 3)))
    weights = objective(pose_mask=4.0)._weights(pose, others, 1)
    rows, columns = (torch.arange(n).div(2, rounding_mode="floor") * 2 + 0.5 for n in (128, 64))  # squares of four
    for found, (x, top, bottom) in zip(weights, ends[:2], strict=True):
        beyond = torch.maximum(top - rows, rows - bottom).clamp_min(0)[:, None]
        share = ((10 - torch.hypot(beyond, (columns - x).expand(128, 64))) / 4).clamp(0, 1)
        torch.testing.assert_close(found[0, 0], 1 + 4 * share)
    assert objective()._weights(pose, others, 1) is None


@pytest.mark.parametrize(("shape", "patches"), [("square", skeleton_patches), ("strip", limb_patches)])
def test_the_radius_of_a_patch_is_in_pixels_of_a_picture_128_high(shape, patches):
    size = (256, 128)
    run = objective(dict(size=size), patch_shape=shape, patch_radius=7.0, patch_size=5)
    (batch, drawn), (pose, others) = step(size), poses(size)
    real = patches(batch.source, pose.landmarks, pose.valid, radius=14.0, size=5)
    fake = patches(drawn.negative, others.landmarks[2:], others.valid[2:], radius=14.0, size=5)
    torch.testing.assert_close(run._patch(batch, drawn, pose, others), losses.patch_verification(*real, *fake))


def pairs_of(batch, drawn):
    """The real pair, and the two with a drawn picture."""
    return (batch.source, batch.positive), (drawn.source, batch.positive), (batch.source, drawn.positive)


@pytest.mark.parametrize("form", ["bce", "relativistic"])
@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_drawn_pictures_may_also_be_compared_by_what_the_discriminator_sees(form, weight):
    run, (batch, drawn) = objective(adversarial=form, feature_matching=weight), step()
    drawn = Drawn(*(picture.requires_grad_() for picture in drawn))
    term = run._adversarial(batch, drawn)
    real, *fakes = (run.discriminator.activations(*pair) for pair in pairs_of(batch, drawn))
    judged = losses.generator_loss([logits for logits, _ in fakes], form, real[0])
    layers = zip(real[1], *(kept for _, kept in fakes), strict=True)
    away = torch.stack([torch.stack([(each - of_real).abs().mean() for each in kept]) for of_real, *kept in layers])
    torch.testing.assert_close(term, judged + weight * away.mean())
    term.backward()
    assert all(p.grad is None and p.requires_grad for p in run.discriminator.parameters())
    assert drawn.source.grad.abs().sum() > 0 and drawn.positive.grad.abs().sum() > 0


@pytest.mark.parametrize("form", ["bce", "relativistic"])
def test_the_penalty_is_of_the_real_pair_and_of_all_pairs_where_they_are_judged_together(form):
    run, (batch, drawn) = objective(adversarial=form, penalty=0.5), step()
    logits, penalties = [], []
    for pair in pairs_of(batch, drawn):
        pair = [picture.clone().requires_grad_() for picture in pair]
        logits.append(run.discriminator(*pair))
        gradients = torch.autograd.grad(logits[-1].sum(), pair, retain_graph=True)
        penalties.append(sum(gradient.square().sum((1, 2, 3)) for gradient in gradients).mean() / 2)
    terms = run.discriminate(batch, drawn)
    torch.testing.assert_close(terms["discriminator"], losses.discriminator_loss(logits[0], logits[1:], form))
    torch.testing.assert_close(terms["penalty"], 0.5 * (sum(penalties) if form == "relativistic" else penalties[0]))
