"""The loop: what learns from what, schedule, average, guard, exact resume in memory."""

from __future__ import annotations

import copy
import io
from dataclasses import replace

import pytest
import torch
from tqdm import tqdm

from momi_lib import losses
from momi_lib.losses import LossWeights
from momi_lib.patches import skeleton_patches
from momi_lib.pose import TeacherMaps, teacher_maps
from momi_lib.pose.weights import load_teacher
from momi_lib.train import Trainer, TrainingDiverged, objective, preset
from momi_lib.train.ema import ModelEMA
from momi_lib.train.log import JsonLog, read_log
from momi_lib.train.loss_record import Guard
from momi_lib.train.presets import changed
from momi_lib.train.run import Clock, Reporter


def parameters(module):
    return torch.cat([p.detach().flatten().clone() for p in module.parameters()])


def test_warm_up_trains_the_student_alone(trainer):
    run = trainer(distil_steps=2)
    before = [parameters(part) for part in (run.network.student, run.network.generator, run.discriminator)]
    assert set(run.train_step()) == {"distil", "total"}
    after = [parameters(part) for part in (run.network.student, run.network.generator, run.discriminator)]
    assert [torch.equal(a, b) for a, b in zip(before, after, strict=True)] == [False, True, True]


def test_a_step_trains_every_part(trainer):
    run = trainer(distil_steps=0)
    parts = {**dict(run.network.named_children()), "discriminator": run.discriminator}
    before = {name: parameters(part) for name, part in parts.items()}
    values = run.train_step()
    assert {"distil", "recon", "perceptual", "patch", "adversarial", "total", "discriminator"} == set(values)
    assert [name for name, part in parts.items() if torch.equal(before[name], parameters(part))] == []


def test_patches_of_the_other_swap_lie_at_the_other_persons_landmarks(trainer, monkeypatch):
    """Eq. 6 compares x at its landmarks with x̂⁻ at those of x⁻, and with nobody else's."""
    run = trainer(distil_steps=0, network=replace(preset("tiny").network, threshold=0.0))
    with torch.no_grad():
        run.network.student.heatmaps.weight.mul_(100)  # peaks, in other places on every picture
    seen = []

    def spy(pictures, landmarks, valid, **size):
        seen.append((pictures, landmarks, valid))
        return skeleton_patches(pictures, landmarks, valid, **size)

    monkeypatch.setattr(objective, "skeleton_patches", spy)
    batch = run.batches.draw(4)
    with torch.no_grad():
        own, positive, negative = (run.network.pose(picture) for picture in batch[:3])
        _, drawn = run.objective.generator(batch)
    (real, there, found), (fake, here, known) = seen
    assert torch.equal(real, batch.source) and torch.equal(there, own.landmarks) and found.all()
    assert torch.equal(fake, drawn.negative) and torch.equal(here, negative.landmarks) and known.all()
    apart = [(negative.landmarks - other.landmarks).abs().max() for other in (own, positive)]
    assert min(apart) > 4  # pixels: the three are told apart


def test_without_a_warm_up_the_student_learns_beside_the_others(trainer):
    """The paper's way: F_p at its full rate and with live batch statistics, so that Eq. 1 falls."""
    network = replace(preset("tiny").network, norm="batch")
    run = trainer(distil_steps=0, steps=30, optim=dict(decay_from=1.0), network=network)
    full = run.config.optim.student_learning_rate
    norm = next(m for m in run.network.student.modules() if isinstance(m, torch.nn.BatchNorm2d))
    eq_1, rates, before = [], [], norm.running_mean.clone()
    for _ in range(30):
        eq_1.append(run.train_step()["distil"])
        rates.append(run.optimisers["student"].param_groups[0]["lr"])
        assert norm.training
    assert rates == [full] * 30 and not torch.equal(before, norm.running_mean)
    assert max(eq_1) < 2 * eq_1[0] and sum(eq_1[-5:]) < 0.8 * sum(eq_1[:5])


def test_total_is_eq_7_of_the_logged_terms(trainer):
    values = trainer(distil_steps=0, loss=dict(weights=LossWeights(0.7, 0.3, 0.2, 1.5))).train_step()
    expected = (
        values["distil"]
        + 0.7 * (values["recon"] + values["perceptual"])
        + 0.3 * values["patch"]
        + 0.2 * values["adversarial"]
    )
    assert values["total"] == pytest.approx(expected, rel=1e-5)


def test_switched_off_terms_are_zero_and_d_rests(trainer):
    run = trainer(distil_steps=0, loss=dict(weights=LossWeights(patch=0, adversarial=0), perceptual="none"))
    before = parameters(run.discriminator)
    values = run.train_step()
    assert values["patch"] == values["adversarial"] == 0
    assert "perceptual" not in values and "discriminator" not in values
    assert torch.equal(before, parameters(run.discriminator))


@pytest.mark.parametrize("form", ["bce", "hinge", "least-squares", "relativistic"])
def test_every_adversarial_form_trains(trainer, form):
    values = trainer(distil_steps=0, loss=dict(adversarial=form, penalty=0.1)).train_step()
    assert values["penalty"] > 0


def test_it_learns(trainer):
    loss, optim = dict(weights=LossWeights(adversarial=0)), dict(learning_rate=2e-3)
    run = trainer(distil_steps=0, steps=60, loss=loss, optim=optim)
    recon = [run.train_step()["recon"] for _ in range(60)]
    assert sum(recon[-5:]) < 0.8 * sum(recon[:5])


def test_rate_is_constant_then_falls_to_zero(trainer):
    run = trainer(distil_steps=10, steps=100, optim=dict(decay_from=0.5))
    rates = {}
    for step in (0, 9, 30, 60, 85, 110):
        run.step = step
        rates[step] = run.rate()
    assert rates == {0: 1.0, 9: 1.0, 30: 1.0, 60: 1.0, 85: 0.5, 110: 0.0}


def test_nan_is_named_and_does_not_reach_the_weights(trainer, monkeypatch):
    run = trainer(distil_steps=0)
    run.train_step()
    before = parameters(run.network)

    def broken(*args, **kwargs):
        return torch.tensor(float("nan"), requires_grad=True)

    monkeypatch.setattr("momi_lib.losses.reconstruction", broken)
    with pytest.raises(TrainingDiverged, match="step 2.*'recon'.*checkpoint") as caught:
        run.train_step()
    assert (caught.value.loss, caught.value.step) == ("recon", 2)
    assert torch.equal(before, parameters(run.network))


@pytest.mark.parametrize("asked_by", ["the loop", "a checkpoint"])
def test_on_a_device_that_must_be_waited_for_a_loss_that_is_no_number_is_noticed_later(trainer, monkeypatch, asked_by):
    """Step 2 of 4 is bad: nothing but the momentum of step 1 reaches the weights until the guard is asked."""
    log = dict(every=4, grid_every=100, checkpoint_every=100)
    run, usual = trainer(distil_steps=0, log=log), trainer(distil_steps=0)
    run.guard = Guard(run.device, wait=4)
    assert parameters(run.network).equal(parameters(usual.network))
    run.train_step(), usual.train_step()
    torch.testing.assert_close(parameters(run.network), parameters(usual.network), rtol=0, atol=0)
    good = copy.deepcopy(run.state_dict())
    real = losses.reconstruction
    with monkeypatch.context() as patched:
        patched.setattr("momi_lib.losses.reconstruction", lambda *a, **k: real(*a, **k) * float("nan"))
        run.train_step()
    for part in (run.network.generator, run.discriminator):
        gradients = [p.grad for p in part.parameters() if p.grad is not None]
        assert gradients and not any(g.any() for g in gradients)
    expected = "step 2: the loss 'recon' is nan"
    if asked_by == "a checkpoint":
        with pytest.raises(TrainingDiverged, match=expected):
            run.state_dict()
        return
    run.train_step()
    with pytest.raises(TrainingDiverged, match=expected) as caught:
        run.train_step()
    assert (caught.value.loss, caught.value.step) == ("recon", 2)
    assert all(p.isfinite().all() for p in (*run.network.parameters(), *run.discriminator.parameters()))
    run.load_state_dict(good)  # and from a good state it goes on
    run.train_step(), run.train_step()
    assert any(p.grad.any() for p in run.network.generator.parameters()) and run.state_dict()["step"] == 3


@pytest.mark.parametrize("due", ["a grid", "a checkpoint", "kept progress", "the end of the call"])
def test_nothing_is_kept_of_a_loss_that_is_no_number(trainer, monkeypatch, due):
    """Whatever comes first asks the guard, in all processes alike: a line of the log is far off."""
    log = dict(every=1000, grid_every=2 if due == "a grid" else 1000,
               checkpoint_every=2 if due == "a checkpoint" else 1000)  # fmt: skip
    run = trainer(distil_steps=0, steps=50, log=log)
    run.guard = Guard(run.device, wait=1000)
    monkeypatch.setattr("momi_lib.train.loop.PROGRESS", (2,) if due == "kept progress" else ())
    real, seen = losses.reconstruction, []
    monkeypatch.setattr("momi_lib.losses.reconstruction", lambda *a, **k: real(*a, **k) * float("inf"))
    with pytest.raises(TrainingDiverged, match="step 1"):
        run.run(2, callbacks=(lambda trainer, _: seen.append(trainer.step),))
    assert seen == ([1, 2] if due == "the end of the call" else [1])


def test_losses_are_read_from_the_device_when_somebody_looks(trainer):
    run = trainer(distil_steps=1)
    run.guard = Guard(run.device, wait=100)
    seen = []
    run.run(3, callbacks=(lambda _, losses: seen.append(losses),))
    assert [losses.are_read for losses in seen] == [False, False, False]
    assert set(seen[0]) == {"distil", "total"} and seen[0]["distil"] == float(seen[0].values_on_device[0])
    assert {"recon", "patch", "discriminator"} < set(seen[2]) and len(seen[2]) == len(seen[2].values_on_device)


def test_the_log_reads_losses_once_for_each_of_its_lines(trainer, tmp_path, monkeypatch):
    run = trainer(distil_steps=0, out=tmp_path, log=dict(every=3, grid_every=100, checkpoint_every=100))
    run.guard = Guard(run.device, wait=100)
    seen, journal = [], JsonLog(tmp_path / "log.jsonl")
    reporter = Reporter(run, journal, Clock(0.0), tqdm(disable=True), ())
    monkeypatch.setattr(Reporter, "progress", lambda self: None)
    reads, stack = [], torch.stack

    def counted(rows, *args, **options):
        reads.append(len(rows))
        return stack(rows, *args, **options)

    monkeypatch.setattr("momi_lib.train.run.torch.stack", counted)
    run.run(6, callbacks=(reporter, lambda _, losses: seen.append(losses)))
    assert not any(losses.are_read for losses in seen)
    assert [count for count in reads if count == 3] == [3, 3]  # the losses of three steps, once a line
    lines = read_log(journal.path)
    assert [line["step"] for line in lines] == [3, 6]
    for line, group in zip(lines, (seen[:3], seen[3:]), strict=True):
        for name in ("recon", "total", "discriminator"):
            assert line[name] == pytest.approx(sum(losses[name] for losses in group) / 3, rel=1e-6)


def test_state_goes_through_a_file_and_back(trainer):
    run = trainer(distil_steps=2)
    for _ in range(4):
        run.train_step()
    file = io.BytesIO()
    torch.save(run.state_dict(), file)
    expected = [run.train_step() for _ in range(3)]
    again = trainer(distil_steps=2)
    again.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    assert [again.train_step() for _ in range(3)] == expected
    assert torch.equal(parameters(run.average.network), parameters(again.average.network))


def test_the_same_seed_is_the_same_run_and_another_is_not(trainer):
    runs = [trainer(distil_steps=0, seed=seed).train_step() for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_average_follows(trainer):
    network = trainer().network
    average = ModelEMA(network, decay=0.5)
    start = parameters(network)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(1.0)
    average.update(network)
    torch.testing.assert_close(parameters(average.network), start + 0.9, atol=1e-5, rtol=1e-5)  # momentum 1/10
    assert not any(p.requires_grad for p in average.network.parameters())


def test_updated_statistics_fit_the_averaged_weights(trainer):
    from momi_lib.train import preset

    network = replace(preset("tiny").network, norm="batch")
    run = trainer(distil_steps=0, network=network, optim=dict(learning_rate=5e-3))
    for _ in range(8):
        run.train_step()
    before = run.state_dict()["batches"]["sampler"]["generator"]
    updated = run.with_updated_statistics(16)
    assert torch.equal(before, run.state_dict()["batches"]["sampler"]["generator"])  # it draws from its own generator
    assert torch.equal(parameters(updated), parameters(run.average.network))

    def drift(network):
        """How far the output of G's first norm is from being centred, in deviations."""
        seen = []
        hook = network.generator.body[0][1].register_forward_hook(  # a copy: the ReLU works in place
            lambda norm, inputs, output: seen.append(output.clone())
        )
        batch = run.batches.draw(64)
        codes = network.encode_pose(network.pose(torch.cat(batch[:3])).maps)
        network.decode(network.encode_appearance(batch.source, codes[:64]).repeat(3, 1, 1, 1), codes)
        hook.remove()
        norm = network.generator.body[0][1]
        return ((seen[0].mean((0, 2, 3)) - norm.bias) / norm.weight).abs().mean().item()

    assert drift(updated) < 0.1 < drift(run.average.network)


def test_run_stops_in_time_and_calls_back(trainer):
    run = trainer(distil_steps=0, steps=1000)
    seen = []
    run.run(until=3, callbacks=(lambda trainer, values: seen.append(trainer.step),))
    assert seen == [1, 2, 3]
    run.run(minutes=0)
    assert run.step == 3


def test_a_batch_must_divide_and_maps_must_fit(ingredients):
    from momi_lib.train.batches import Batches

    with pytest.raises(ValueError, match="multiple of the 3"):
        Batches(ingredients.people, ingredients.maps, 4, seed=0, world=3)
    with pytest.raises(ValueError, match="one teacher map"):
        Batches(ingredients.people, ingredients.maps[:2], 4, seed=0)


def test_maps_made_on_the_way_train_to_the_same_bits(ingredients, teacher):
    """And the first step asks for the maps of its own pictures, not for those of all."""
    chosen = ingredients.people.select(torch.arange(12).repeat(4))  # as if there were more than a chunk of them
    ready, late = load_teacher(teacher), TeacherMaps(load_teacher(teacher), chosen, cache=False)
    config = preset("tiny", device="cpu", distil_steps=2)
    runs = [Trainer(config, chosen, maps) for maps in (teacher_maps(ready, chosen, cache=False), late)]
    values = [[run.train_step() for run in runs]]
    assert 4 <= int(late.known.sum()) < len(chosen)
    made = late.known.clone()
    runs[1].with_updated_statistics(8)
    assert torch.equal(late.known, made), "updating statistics draws pictures and needs no maps"
    values += [[run.train_step() for run in runs] for _ in range(3)]
    for early, later in values:
        assert early == later
    assert torch.equal(*(parameters(run.network) for run in runs))


def test_processes_share_one_global_batch(ingredients):
    from momi_lib.train.batches import Batches

    whole = Batches(ingredients.people, ingredients.maps, 4, seed=0, mirror=0.5).draw()
    parts = [
        Batches(ingredients.people, ingredients.maps, 4, seed=0, mirror=0.5, rank=rank, world=2).draw()
        for rank in range(2)
    ]
    for field in whole._fields[:4]:
        joined = torch.cat([getattr(part, field) for part in parts])
        assert torch.equal(joined, getattr(whole, field))


def test_mirroring_turns_pictures_and_maps_together(ingredients):
    from momi_lib.data import mirror_maps, mirror_pictures
    from momi_lib.train.batches import Batches

    plain, turned = (
        Batches(ingredients.people, ingredients.maps, 4, seed=0, mirror=mirror).draw() for mirror in (0.0, 1.0)
    )
    assert torch.equal(turned.negative, mirror_pictures(plain.negative))
    assert torch.equal(turned.teacher_maps, mirror_maps(plain.teacher_maps))


@pytest.mark.parametrize("change", [{"steps": 0}, {"augment.mirror": 2.0}, {"loss.penalty": -1.0}, {"batch": 0}])
def test_impossible_configs_are_refused(trainer, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        changed(trainer().config, change)


@pytest.mark.gpu
def test_cpu_and_gpu_take_the_same_first_step(ingredients):
    from momi_lib.train import Trainer, preset
    from momi_lib.train.batches import Batch

    values = []
    for device in ("cpu", "auto"):
        run = Trainer(preset("tiny", device=device, distil_steps=0), ingredients.people, ingredients.maps)
        batch = Batch(*(torch.full((4, 3, 128, 64), v, device=run.device) for v in (0.1, 0.2, 0.3)),
                      torch.zeros(4, 17, 32, 16, device=run.device))  # fmt: skip
        run.batches.draw = lambda batch=batch: batch
        values.append(run.train_step())
    assert copy.copy(values[1]) == pytest.approx(values[0], abs=2e-3)


@pytest.mark.parametrize(("known", "expected"), [({"amx_bf16": True}, "bf16"), ({"avx2": True}, "fp32")])
def test_auto_precision_asks_the_processor(known, expected, trainer, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    run = trainer(precision="auto")
    assert run.precision == expected
    with run._autocast():
        assert torch.is_autocast_enabled("cpu") == (expected == "bf16")
