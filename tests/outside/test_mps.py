"""The GPU of a Mac: simulated, see apple_gpu.py. Nobody has run this library on one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

import momi_lib as momi
from momi_lib import devices
from momi_lib.__main__ import main
from momi_lib.data import load_truth, to_float
from momi_lib.evaluate.truth_judges import Judges
from momi_lib.metrics.inception_score import split_scores
from momi_lib.metrics.uncertainty import paired_difference, standard_error
from momi_lib.provenance import device_name
from momi_lib.rivals import methods
from momi_lib.rivals.run import train_rival
from momi_lib.rivals.run_config import RivalRunConfig
from momi_lib.study.rival_scores import same_person_pairs, score_method
from momi_lib.train import preset, train
from momi_lib.train.config import LogConfig
from momi_lib.train.features import FeaturesConfig
from momi_lib.train.log import read_log
from momi_lib.train.processes import device_of_process
from momi_lib.widgets.swap_state import Swapper
from tests.outside.apple_gpu import MPS, apple_gpu


@pytest.fixture
def gpu(monkeypatch):
    with apple_gpu(monkeypatch) as states:
        yield states


@pytest.fixture(scope="module")
def truth():
    """Five true swaps, and only the pictures of their people."""
    every = load_truth().select(slice(0, 1500, 300))
    kept = torch.isin(every.people.persons, every.people.persons[torch.cat([every.source, every.target])])
    place = kept.cumsum(0) - 1
    return replace(every, people=every.people.select(kept), source=place[every.source], target=place[every.target])


def test_the_simulation_bites(gpu):
    there = torch.ones(3).to("mps")
    assert there.device == MPS == torch.zeros(1, device="mps").device and (there + 1).device == MPS
    assert there.cpu().device.type == "cpu" and (2 * there).tolist() == [2, 2, 2]
    for wrong in (there.double, lambda: there.to(torch.float64), lambda: torch.zeros(1, device=MPS).double()):
        with pytest.raises(TypeError, match="float64"):
            wrong()
    with pytest.raises(RuntimeError, match="same device"):
        there + torch.ones(3)
    with pytest.raises(TypeError, match="to numpy"):
        there.numpy()
    weight = torch.nn.Linear(2, 1).to("mps")
    weight(torch.ones(1, 2).to("mps")).sum().backward()
    assert weight.weight.device == weight.weight.grad.device == MPS


def test_auto_never_takes_it(gpu):
    """Accelerate would, unasked."""
    assert devices.pick() == torch.device("cpu") and FeaturesConfig().where == torch.device("cpu")
    accelerator = SimpleNamespace(device=MPS, num_processes=1)
    assert [device_of_process(accelerator, word).type for word in devices.DEVICES] == ["cpu", "cpu", "mps"]
    assert "Apple GPU (MPS)" in devices.gpus() and device_name(MPS).startswith("Apple GPU (MPS), ")
    assert not devices.multiplies_bf16(MPS) and not devices.kernels_of(MPS) and devices.memory_of(MPS) is None


def test_several_processes_cannot_share_it(gpu):
    with pytest.raises(ValueError, match=r"^device: several processes cannot share an Apple GPU \(mps\)"):
        device_of_process(SimpleNamespace(device=torch.device("cpu"), num_processes=2), "mps")


COMMANDS = [["train", "tiny"], ["train", "pg2"], ["train-teacher"], ["train-features"], ["train-affinity"],
            ["study", "rivals"]]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_where_there_is_none_a_sentence_says_so(monkeypatch, capsys, tmp_path, crowd, command):
    monkeypatch.setenv("MOMI_DATA", str(crowd if command != ["study", "rivals"] else ""))
    out = [] if command == ["study", "rivals"] else ["--out", str(tmp_path / "out")]
    assert main([*command, "--device", "mps", *out]) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said == "error: device: mps is the GPU of a Mac, and PyTorch finds none here; take auto or cpu"


def test_chance_on_the_gpu_is_as_before_afterwards(gpu):
    from momi_lib.train.randomness import seeded

    with seeded(MPS, 0, 1):
        pass
    assert [state.tolist() for state in gpu] == [[7] * 16]


@pytest.mark.parametrize("name", ["small", "lookup"])
def test_a_swap_is_the_same_number_by_number(monkeypatch, truth, name):
    rows = slice(2)
    source, target = (to_float(truth.people.pictures[index[rows]]) for index in (truth.source, truth.target))
    expected = momi.load(name).swap(source, target)
    with apple_gpu(monkeypatch):
        network = momi.load(name, device="mps")
        drawn = network.swap(source.to("mps"), target.to("mps"))
        assert {parameter.device for parameter in network.parameters()} == {MPS} == {drawn.device}
        assert torch.equal(drawn.cpu(), expected)


@pytest.mark.parametrize(
    "background", ["target", "drawn", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("source", "grey"))]
)
def test_the_explorer_draws_the_same(monkeypatch, background):
    state = Swapper(split="query")(0, 3, background=background)
    with apple_gpu(monkeypatch):
        there = Swapper(split="query", network=momi.load("small", device="mps"))(0, 3, background=background)
        assert there.swap.device.type == "cpu" and torch.equal(there.swap, state.swap)


@pytest.mark.slow
@pytest.mark.thorough
def test_judges_say_the_same(monkeypatch, truth):
    expected = Judges(truth).score(truth.people.pictures[truth.source])
    with apple_gpu(monkeypatch):
        assert Judges(truth, "mps").score(truth.people.pictures[truth.source]) == expected


def test_scores_of_what_is_there_are_computed_in_float64_on_the_cpu(gpu):
    here = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
    there, other = here.to("mps"), (here + 1).to("mps")
    metrics = momi.metrics
    assert split_scores(there, splits=2).tolist() == split_scores(here, splits=2).tolist()
    assert metrics.frechet_distance(there, other) == metrics.frechet_distance(here, here + 1)
    assert metrics.polynomial_mmd(there, other) == metrics.polynomial_mmd(here, here + 1)
    assert standard_error(there[:, 0]) == standard_error(here[:, 0])
    assert paired_difference(there[:, 0], other[:, 0]) == paired_difference(here[:, 0], here[:, 0] + 1)


def lines(out):
    keep = ("second", "rate", "memory", "command", "date", "device")
    return [{k: v for k, v in line.items() if not k.startswith(keep)} for line in read_log(out / "log.jsonl")]


@pytest.mark.slow
def test_a_training_learns_the_same(monkeypatch, short_run):
    train(short_run("cpu"))
    with apple_gpu(monkeypatch):
        trainer = train(short_run("mps", device="mps"))
        assert trainer.device == torch.device("mps") and next(trainer.network.parameters()).device == MPS
    assert [line.get("recon") for line in lines(short_run("mps").out)] == [
        line.get("recon") for line in lines(short_run("cpu").out)
    ]


@pytest.mark.slow
@pytest.mark.thorough
def test_it_goes_on_from_a_checkpoint(monkeypatch, short_run):
    with apple_gpu(monkeypatch):
        train(short_run("whole", device="mps"))
        train(short_run("halves", device="mps"), minutes=0)
        train(short_run("halves", device="mps"), resume=True)
    whole, halves = (momi.load(short_run(out).out / "weights.safetensors").state_dict() for out in ("whole", "halves"))
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


@pytest.mark.slow
@pytest.mark.thorough
def test_a_network_that_carries_learns_the_same(monkeypatch, tmp_path):
    options = dict(distil_steps=1, body_steps=1, steps=1, log=dict(every=1, checkpoint_every=9, grid_every=9))
    train(preset("tiny-carry", device="cpu", out=tmp_path / "cpu", **options))
    with apple_gpu(monkeypatch):
        train(preset("tiny-carry", device="mps", out=tmp_path / "mps", **options))
    assert lines(tmp_path / "mps")[1:] == lines(tmp_path / "cpu")[1:]


#: Options that make a rival small.
SMALL = {
    "pg2": dict(width=8, refiner_width=8, discriminator=(8, 8)),
    "pn-gan": dict(width=4, blocks=1, discriminator=(8,), discriminator_unpadded=(8,)),
    "patn": dict(width=4, blocks=1, discriminator_width=4, discriminator_blocks=1),
    "dg-net": dict(width=2, mlp=8, vgg=(4, 4, 8, 8), head=8, discriminator=2, discriminator_blocks=1),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", [pytest.param(name, marks=() if name == "pg2" else pytest.mark.thorough) for name in SMALL]
)
def test_rivals_learn_the_same(monkeypatch, tmp_path, crowd, method):
    presets = methods.method(method).presets
    monkeypatch.setitem(presets, "small", replace(presets["small"], **SMALL[method]))
    options = dict(method=method, data=crowd, steps=1, batch=2, precision="fp32",
                   log=LogConfig(every=1, checkpoint_every=9, grid_every=9))  # fmt: skip
    train_rival(RivalRunConfig(device="cpu", out=tmp_path / "cpu", **options))
    with apple_gpu(monkeypatch):
        train_rival(RivalRunConfig(device="mps", out=tmp_path / "mps", **options))
    assert lines(tmp_path / "mps")[1:] == lines(tmp_path / "cpu")[1:]


@pytest.mark.slow
@pytest.mark.thorough
def test_the_race_scores_the_same(monkeypatch, truth):
    others = same_person_pairs(truth)
    expected = score_method(momi.load("small"), truth, Judges(truth), others)
    with apple_gpu(monkeypatch):
        found = score_method(momi.load("small", device="mps"), truth, Judges(truth, "mps"), others)
    assert found == expected
