"""Training a network that carries: its stages, what learns in each, and exact resume across them."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from momi_lib.data import load, to_float
from momi_lib.data.body_maps import load_any_poses, load_body_labels
from momi_lib.pose import decode as decode_heatmaps
from momi_lib.pose.body_maps import BodyMap
from momi_lib.skeleton import JOINTS
from momi_lib.train import Trainer, initialise, preset
from momi_lib.train.body_task import BodyTask
from momi_lib.train.carry_objective import HEATMAP_SIGMA, drawn_of_visible, gradient_strength
from momi_lib.train.initialise import initialise_from
from momi_lib.train.loop import one_cycle
from momi_lib.train.objective import Drawn
from momi_lib.train.run import _check_resumed
from momi_lib.train.teacher import TeacherConfig
from momi_lib.translate import MomiNet, load_network, network_of, save_network
from momi_lib.translate.painter import Carried, Painted

SOME = 48  # training pictures


@pytest.fixture(scope="module")
def people():
    return load(None, "train").select(slice(SOME))


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """Weights whose student stands for one that was distilled before."""
    return save_network(MomiNet(preset("tiny").network), tmp_path_factory.mktemp("student") / "student.safetensors")


@pytest.fixture
def trainer(people, student):
    maps = torch.rand(len(people), 17, 32, 16, generator=torch.Generator().manual_seed(0)).half()

    def make(**changes):
        if changes.get("distil_steps") == 0 and "init" not in changes:
            changes["init"] = {"student": student}
        return Trainer(preset("tiny-carry", **{"device": "cpu"} | changes), people, maps)

    return make


#: What the presets that carry ask for, and ``tiny-carry`` does not.
ALL_ON = dict(augment=dict(any_pose=0.5), loss=dict(keep=0.1, light=0.1, draw_all=0.3, pose_consistency=1.0))


def parameters(module):
    return torch.cat([p.detach().flatten().clone() for p in module.parameters()])


def test_each_stage_trains_its_own_parts(trainer):
    run = trainer(distil_steps=1, body_steps=1, steps=1)
    parts = {**dict(run.network.named_children()), "discriminator": run.discriminator}
    learned = []
    for _ in range(3):
        before = {name: parameters(part) for name, part in parts.items()}
        stage = run.stage
        run.train_step()
        changed = {name for name, part in parts.items() if not torch.equal(before[name], parameters(part))}
        learned.append((stage, changed))
    everything = set(parts) - {"student", "body_maps"}
    assert learned == [("student", {"student"}), ("body", {"body_maps"}), ("whole", everything)]


def test_the_whole_stage_leaves_the_maps_statistics_alone(trainer):
    run = trainer(distil_steps=0, body_steps=1, steps=2)
    run.train_step()
    before = {name: value.clone() for name, value in run.network.body_maps.state_dict().items()}
    run.train_step()
    after = run.network.body_maps.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("stop", [*(pytest.param(step, marks=pytest.mark.thorough) for step in (1, 3)), 5])
def test_resume_in_any_stage_is_exact(trainer, stop):
    trainer = partial(trainer, **ALL_ON)
    whole = trainer()
    expected = [whole.train_step() for _ in range(whole.steps)]
    first = trainer()
    for _ in range(stop):
        first.train_step()
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = trainer()
    second.load_state_dict(torch.load(file, weights_only=True))
    assert [second.train_step() for _ in range(second.steps - stop)] == expected[stop:]
    assert torch.equal(parameters(second.average.network), parameters(whole.average.network))


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_every_stage_trains_on_a_gpu(trainer, precision):
    run = trainer(distil_steps=1, body_steps=2, steps=2, device="auto", precision=precision, **ALL_ON)
    assert run.device.type == "cuda"
    for _ in range(run.steps):
        run.train_step()
    pictures = to_float(run.batches.people.pictures[:2])
    with torch.no_grad():
        drawn = run.with_updated_statistics(1).swap(pictures, pictures.flip(0))
    assert drawn.device.type == "cuda" and drawn.shape == pictures.shape and drawn.isfinite().all()


def test_a_checkpoint_that_does_not_fit_is_refused_in_one_sentence(trainer):
    run = trainer()
    for _ in range(3):
        run.train_step()
    asked = {name: getattr(run.config, name) for name in ("seed", "distil_steps", "body_steps")}
    state = {"trainer": run.state_dict(), "begun": asked}
    _check_resumed(Path("c.pt"), state, trainer(steps=9))
    for change, said in (({"seed": 1}, "seed was 0 and is 1"), ({"body_steps": 3}, "body_steps was 2 and is 3")):
        with pytest.raises(ValueError, match=f"c.pt: cannot be gone on with: {said} here"):
            _check_resumed(Path("c.pt"), state, trainer(**change))
    state["trainer"]["network"].pop("painter.decide.bias")
    with pytest.raises(ValueError, match="another shape: painter.decide.bias differs. Give this run"):
        _check_resumed(Path("c.pt"), state, run)


def test_a_stage_that_has_not_begun_may_still_change_its_length(trainer):
    run = trainer()
    run.train_step()
    asked = {name: getattr(run.config, name) for name in ("seed", "distil_steps", "body_steps")}
    _check_resumed(Path("c.pt"), {"trainer": run.state_dict(), "begun": asked}, trainer(body_steps=7))


def test_seeds_differ_in_what_the_body_maps_are_given(trainer):
    noise = []
    for seed in (0, 0, 1):
        run = trainer(seed=seed)
        run.body_task.begin(run._numbered(4), 0.0)
        noise.append(run.body_task._random(3))
    assert torch.equal(noise[0], noise[1]) and not torch.equal(noise[0], noise[2])
    assert run._numbered(4) != run._numbered(5)


def test_the_ends_of_limbs_count_more_in_the_second_half_of_the_stage(trainer):
    run = trainer(distil_steps=0, body_steps=4)
    seen = [(run.train_step(), run.body_task.ends)[1] for _ in range(4)]
    assert seen == [1.0, 1.0, 4.0, 4.0]


def test_after_their_stage_the_maps_have_no_gradients(trainer):
    run = trainer(distil_steps=0, body_steps=1, steps=1)
    run.train_step()
    assert all(p.grad is not None for p in run.network.body_maps.parameters())
    run.optimisers["body"].zero_grad(set_to_none=True)
    run.train_step()
    assert all(p.grad is None for p in run.network.body_maps.parameters())


def test_the_average_starts_anew_with_a_stage(trainer):
    run = trainer(distil_steps=2, body_steps=2, steps=2)
    for _ in range(2):
        run.train_step()
    assert run.average.updates == 0
    assert torch.equal(parameters(run.average.network.student), parameters(run.network.student))


def test_both_maps_get_better(trainer):
    run = trainer(distil_steps=0, body_steps=25, optim=dict(body_learning_rate=1e-2), steps=1)
    totals = [run.train_step()["total"] for _ in range(25)]
    assert sum(totals[-5:]) < 0.9 * sum(totals[:5])


def test_the_terms_of_the_whole_stage(trainer):
    loss = dict(draw_all=0.3, sharpness=0.5, light=0.1, pose_consistency=1.0)
    run = trainer(distil_steps=0, body_steps=1, steps=1, loss=loss)
    run.train_step()
    terms = run.train_step()
    assert set(terms) == {
        "recon", "perceptual", "draw_all", "sharpness", "light", "patch", "adversarial", "consistency", "total",
        "discriminator",
    }  # fmt: skip
    w = run.config.loss.weights
    names = ("recon", "perceptual", "draw_all", "sharpness", "light")
    expected = w.translate * sum(terms[name] for name in names) + w.patch * terms["patch"]
    expected += w.adversarial * terms["adversarial"] + terms["consistency"]
    assert terms["total"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"body_steps": 0}, "needs trained body maps"),
        ({"body_steps": 0, "init": {"start": Path("x.safetensors"), "parts": "student"}}, "needs trained body maps"),
        ({"body_labels": "committed"}, "expected 0 with body_labels"),
        ({"distil_steps": 0}, "distil_steps: body maps need a student that finds landmarks"),
        ({"body_batch": 0}, "body_batch: expected a whole number from 1 up"),
        ({"augment.any_pose": 1.5}, r"augment.any_pose: expected a number in \[0, 1\]"),
        (
            {"network": replace(preset("tiny").network), "body_steps": 0, "augment.any_pose": 0.5},
            "any_pose: expected 0 without",
        ),
        ({"network": replace(preset("tiny").network)}, r"expected 0 without --network\.carry"),
        ({"loss.sharpness": -1.0}, "loss.sharpness: expected a number from 0"),
        ({"loss.lookup_guidance": 0.2}, "loss.lookup_guidance: expected 0 with --network.carry"),
        (
            {"network": replace(preset("tiny-carry").network, size=(64, 32))},
            "network.size: body maps are labelled for pictures of 128 x 64",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        preset("tiny-carry", **changes)


def carrying(seed=3, **changes):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network_of(replace(preset("tiny-carry").network, **changes)).eval()


def test_begins_with_all_weights_of_another_and_trains_on_without_the_earlier_stages(trainer, tmp_path):
    path = save_network(carrying(), tmp_path / "start.safetensors")
    run = trainer(distil_steps=0, body_steps=0, steps=1, init=dict(start=path))
    known = load_network(path).state_dict()
    assert all(torch.equal(value.cpu(), known[name]) for name, value in run.network.state_dict().items())
    assert run.stage == "whole" and run.body_task is None
    assert "recon" in run.train_step()
    assert all(torch.equal(value, known[f"body_maps.{n}"]) for n, value in run.network.body_maps.state_dict().items())


def test_begins_with_the_student_of_a_network_that_carries_nothing(trainer, tmp_path):
    start = MomiNet(replace(preset("tiny").network, width=32))
    path = save_network(start, tmp_path / "start.safetensors")
    options = dict(distil_steps=0, body_steps=1, steps=1)
    run, fresh = trainer(init=dict(start=path, parts="student"), **options), trainer(**options)
    known = load_network(path).student.state_dict()
    assert all(torch.equal(value, known[name]) for name, value in run.network.student.state_dict().items())
    for part in ("body_maps", "painter", "generator"):
        assert torch.equal(parameters(getattr(run.network, part)), parameters(getattr(fresh.network, part)))
    assert [run.stage, *(run.train_step() and run.stage for _ in range(2))] == ["body", "whole", "whole"]
    with pytest.raises(ValueError, match="carry is False there and True here"):
        initialise_from(carrying(), path)


@pytest.fixture
def photographs(ingredients, monkeypatch):
    """A function that makes a Trainer on a folder without labels, where committed weights have body maps or not."""

    def make(known=None, **changes):
        asked = []
        monkeypatch.setattr(initialise, "load_network", lambda name: asked.append(name) or known or carrying())
        options = dict(distil_steps=1, steps=1) | changes
        run = Trainer(preset("tiny-carry", device="cpu", **options), ingredients.people, ingredients.maps)
        assert asked == ["small"]
        return run

    return make


def test_photographs_are_trained_on_with_the_committed_maps_which_stay_as_they_are(photographs):
    run = photographs(body_steps=0, body_labels="committed")
    assert run.batches.people.joints is None and run.body_task is None
    terms = [run.train_step() for _ in range(run.steps)]
    assert "distil" in terms[0] and "recon" in terms[1]
    known = carrying().body_maps.state_dict()
    for network in (run.network, run.average.network, run.with_updated_statistics(1)):
        assert all(torch.equal(value, known[name]) for name, value in network.body_maps.state_dict().items())


def test_committed_weights_without_maps_or_with_others_are_refused(photographs):
    options = dict(body_steps=0, body_labels="committed")
    with pytest.raises(ValueError, match="the weights 'small' have no body maps to take"):
        photographs(MomiNet(preset("tiny").network), **options)
    with pytest.raises(ValueError, match=r"maps have channels \(\(8, 8, 8, 8\).*, this network's \(\(8, 8, 8, 16\)"):
        photographs(carrying(body_source=(8, 8, 8, 8)), **options)


def test_photographs_without_that_option_say_in_one_sentence_what_to_do(ingredients):
    with pytest.raises(FileNotFoundError, match="no body maps") as found:
        Trainer(preset("tiny-carry", device="cpu"), ingredients.people, ingredients.maps)
    said = str(found.value)
    assert "--body-labels committed --body-steps 0" in said and "\n" not in said


def test_trained_maps_without_bodies_in_any_pose_say_what_to_leave_out(ingredients, tmp_path):
    save_network(carrying(), tmp_path / "known.safetensors")

    def config(**augment):
        init = dict(start=tmp_path / "known.safetensors", parts="maps")
        return preset("tiny-carry", device="cpu", init=init, distil_steps=0, body_steps=0, augment=augment)

    said = r"augment.any_pose: the maps are trained.*--augment.any-pose 0"
    with pytest.raises(FileNotFoundError, match=said) as found:
        Trainer(config(any_pose=0.35), ingredients.people, ingredients.maps)
    assert "\n" not in str(found.value)
    Trainer(config(any_pose=0.0), ingredients.people, ingredients.maps)


def test_labels_that_do_not_fit_are_refused(people):
    run_labels = load_body_labels(None, "train", people.files)
    fewer = replace(run_labels, codes=run_labels.codes[1:])
    with pytest.raises(ValueError, match="47 maps"):
        BodyTask(people, fewer, load_any_poses(), (128, 64), 6.0, torch.Generator())
    with pytest.raises(ValueError, match="labelled joints"):
        BodyTask(replace(people, joints=None), run_labels, None, (128, 64), 6.0, torch.Generator())


def test_bodies_in_any_pose_are_of_the_batchs_people_and_mirror_with_them(trainer):
    task, source = trainer().body_task, torch.arange(0, SOME, 6)
    task.generator.manual_seed(1)
    plain = task.in_any_pose(source, torch.zeros(len(source), dtype=torch.bool))
    task.generator.manual_seed(1)
    mirrored = task.in_any_pose(source, torch.ones(len(source), dtype=torch.bool))
    assert torch.equal(plain.rows, torch.arange(len(source)))
    assert torch.equal(plain.labels[:, 1:].flip(-1).nan_to_num(), mirrored.labels[:, 1:].nan_to_num())
    left, right = JOINTS.index("left_wrist"), JOINTS.index("right_wrist")
    torch.testing.assert_close(63 - plain.landmarks[:, left, 0], mirrored.landmarks[:, right, 0])
    assert torch.equal(plain.inside[:, left], mirrored.inside[:, right])
    owners = task.people.persons[source]
    places = [(task.bodies.joints == landmarks).all((1, 2)).nonzero()[0, 0] for landmarks in plain.landmarks]
    assert torch.equal(task.bodies.persons[torch.stack(places)], owners)


def test_a_share_of_bodies_is_drawn_by_lot_and_none_of_people_without_any(trainer):
    task = trainer().body_task
    source, flips = torch.arange(400) % SOME, torch.zeros(400, dtype=torch.bool)
    rows = task.in_any_pose(source, flips, 0.25).rows
    assert 60 < len(rows) < 140 and torch.equal(rows, rows.unique())
    task._of_person = {}
    assert len(task.in_any_pose(source, flips).rows) == 0


def test_some_of_the_negatives_take_the_pose_of_a_body_in_any_pose(trainer):
    run = trainer(distil_steps=0, body_steps=1, steps=1, augment=dict(any_pose=0.5))
    batch = run.batches.draw(12)
    count = len(batch.source)
    run.network.eval()
    with torch.no_grad():
        before = run.network.pose(torch.cat(batch[:3]))
        run.body_task.begin(7, 0.0)
        scene = run.objective._scene(batch)
    run.body_task.begin(7, 0.0)
    bodies = run.body_task.in_any_pose(batch.index.source, batch.flips, 0.5)
    rows = 2 * count + bodies.rows
    others = [row for row in range(3 * count) if row not in rows.tolist()]
    assert 0 < len(rows) < count
    for part, old in zip(scene.pose, before, strict=True):
        torch.testing.assert_close(part[others], old[others])
    assert torch.equal(scene.pose.landmarks[rows], bodies.landmarks)
    assert scene.of_pictures.bool().nonzero().flatten().tolist() == others  # what F_p may judge
    # The heatmaps ask F_p for the landmarks that the pose map was drawn from.
    found, _ = decode_heatmaps(scene.pose.heatmaps[rows], method="newton", size=(128, 64))
    inside = bodies.inside & ((bodies.landmarks - 31.5).abs()[..., 0] < 28) & (bodies.landmarks[..., 1] < 120)
    assert (found - bodies.landmarks)[inside].norm(dim=-1).max() < 1.0 and HEATMAP_SIGMA == TeacherConfig().sigma


def test_pose_consistency_leaves_out_what_the_student_cannot_see(trainer):
    run = trainer(distil_steps=0, body_steps=1, steps=1)
    wanted = torch.rand(4, 17, 32, 16)
    drawn = Drawn(torch.zeros(2, 3, 128, 64), *torch.rand(2, 2, 3, 128, 64))
    run.network.student.eval()
    with torch.no_grad():
        maps = run.network.student(torch.cat([drawn.positive, drawn.negative])).float()
    away = (maps - wanted).square().mean((1, 2, 3))
    both = run.objective._consistency(drawn, wanted)
    torch.testing.assert_close(both, away[:2].mean() + away[2:].mean())
    one = run.objective._consistency(drawn, wanted, torch.tensor([1.0, 1, 0, 1]))
    torch.testing.assert_close(one, away[:2].mean() + away[3] / 2)


def test_without_labels_there_are_no_bodies_in_any_pose(photographs):
    run = photographs(body_steps=0, body_labels="committed", augment=dict(any_pose=1.0), loss=dict(keep=1.0))
    assert run.body_task is None
    assert "keep" in [run.train_step() for _ in range(run.steps)][-1]


def test_what_is_drawn_counts_where_the_source_shows_it_and_the_person_is():
    gates, silhouette = torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)
    gates[:, 0] = 0.5
    silhouette[..., :2, :] = 1
    confidence = torch.zeros(1, 2, 2, 2)
    confidence[:, 1, 0] = 0.8
    body = BodyMap(torch.zeros(1, 3, 2, 2), torch.zeros(1, 1, 2, 2))
    carried = Carried(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4), confidence, torch.zeros(1, 1, 2, 2), body)
    painted = Painted(torch.zeros(1, 3, 4, 4), silhouette, torch.zeros(1, 3, 4, 4), gates, torch.zeros(1, 3, 4, 4))
    rows = torch.tensor([1.0, 0.75])  # bilinear enlargement of a column (1, 0)
    assert float(drawn_of_visible(painted, carried)) == pytest.approx(0.5 * 0.8 * float(rows.mean()))


def test_a_blur_weakens_edges_and_a_shift_does_not():
    noise = torch.rand(1, 3, 128, 64, generator=torch.Generator().manual_seed(0))
    strength = gradient_strength(noise)
    assert gradient_strength(torch.nn.functional.avg_pool2d(noise, 3, 1, 1)).mean() < 0.5 * strength.mean()
    assert (gradient_strength(noise.roll(1, 3)) - strength)[..., 1:-1].abs().mean() < 0.1 * strength.mean()


def test_a_cycle_begins_low_and_ends_at_zero():
    factors = [one_cycle(step / 100) for step in range(101)]
    assert factors[0] < 0.05 and max(factors) == 1.0 and factors[-1] == 0.0
    assert factors[10:] == sorted(factors[10:], reverse=True)
