"""Rivals as files, and any answer by its name."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from momi_lib.commands import _all
from momi_lib.files import load_tensors, save_tensors, sha256, tensor_metadata, weights_folder
from momi_lib.pose import load_teacher
from momi_lib.pose.simple_baseline import SimpleBaseline
from momi_lib.rivals import weights as module
from momi_lib.rivals.base import Landmarks, PoseGuided, RivalConfig
from momi_lib.rivals.posed import Posed, pose_source
from momi_lib.rivals.weights import answer_file, answer_names, load_answer, load_rival, save_rival, split_name
from momi_lib.train import preset
from momi_lib.translate import CarryNet, MomiNet, load_network, save_network, weights_file
from momi_lib.translate.weights import names_of
from momi_lib.widgets.other_studios import title_of


@dataclass(frozen=True, kw_only=True)
class DotsConfig(RivalConfig):
    """With an option of every kind."""

    channels: tuple[int, ...] = (4, 8)
    form: str = "bce"
    both: bool = True
    share: float = 0.5


class Dots(PoseGuided):
    """Pose-guided; a convolution whose weights are kept."""

    method = "dots"

    def __init__(self, config: DotsConfig) -> None:
        super().__init__()
        self.config, self.last = config, nn.Conv2d(3, 3, config.channels[0] - 1, padding=1)

    def draw(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> Tensor:
        return self.last(source).tanh()


class Mirror(nn.Module):
    """Needs no pose."""

    method, needs = "mirror", frozenset()

    def __init__(self, config: RivalConfig) -> None:
        super().__init__()
        self.config, self.factor = config, nn.Parameter(torch.tensor(0.5))

    def swap(self, source: Tensor, target: Tensor) -> Tensor:
        return self.factor * source.flip(-1)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two methods that the library does not have."""
    found = {
        "dots": SimpleNamespace(config=DotsConfig, network=Dots),
        "mirror": SimpleNamespace(config=RivalConfig, network=Mirror),
    }

    def method(name: str) -> SimpleNamespace:
        if name not in found:
            raise ValueError(f"method: expected one of dots, mirror, got {name!r}")
        return found[name]

    monkeypatch.setattr(module, "method", method)


@pytest.fixture
def dots() -> Dots:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Dots(DotsConfig(channels=(4, 16), form="lsgan", both=False, share=0.25, steps=7))


@pytest.fixture
def folder(dots: Dots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of committed weights with both methods in it, and the networks that poses come from."""
    for name in ("momi-small", "mannequin-teacher"):
        for ending in (".safetensors", ".json"):
            shutil.copy(weights_folder() / f"{name}{ending}", tmp_path)
    save_rival(dots, tmp_path / "rival-dots.safetensors")
    save_rival(Mirror(RivalConfig()), tmp_path / "rival-mirror.safetensors")
    monkeypatch.setenv("MOMI_WEIGHTS", str(tmp_path))
    return tmp_path


def test_a_rival_comes_back_as_it_was(dots: Dots, tmp_path: Path) -> None:
    path = save_rival(dots, tmp_path / "dots.safetensors", {"seed": 3})
    again = load_rival(path)
    assert type(again) is Dots and again.config == dots.config and not again.training
    assert not any(p.requires_grad for p in again.parameters())
    for name, value in again.state_dict().items():
        assert value.dtype == torch.float32 and torch.equal(value, dots.state_dict()[name].half().float())
    card = json.loads(path.with_suffix(".json").read_text())
    assert card == {"seed": 3, "sha256": sha256(path)}
    assert json.loads(tensor_metadata(path)["momi"])["format"] == "momi-rival-1"
    assert sha256(save_rival(dots, tmp_path / "same.safetensors")) == card["sha256"]


def test_any_answer_is_loaded_by_its_name(folder: Path) -> None:
    for name in ("small", folder / "momi-small.safetensors"):
        assert isinstance(load_answer(name), CarryNet)
    assert isinstance(load_answer("mirror"), Mirror)
    posed = {name: load_answer(name) for name in ("dots", "dots@teacher", "dots@student", "dots@joints")}
    assert all(isinstance(each, Posed) and not each.training for each in posed.values())
    assert [each.poses.name for each in posed.values()] == ["teacher", "teacher", "student", "joints"]
    given = [each.given for each in posed.values()]
    assert given == [f"RGB + both poses ({name})" for name in ("teacher", "teacher", "student", "joints")]
    assert load_answer("dots", poses="student").poses.name == "student"
    assert load_answer("dots@joints", poses="student").poses.name == "joints"  # the name says more
    own = pose_source("student", network=load_network("small").student)
    assert load_answer("dots", poses=own).poses is own
    pictures = torch.zeros(2, 3, 128, 64)
    assert posed["dots"].swap(pictures, pictures).shape == pictures.shape


def test_tables_call_answers_by_name_and_pose_source(folder: Path, dots: Dots, tmp_path: Path) -> None:
    run = save_rival(dots, tmp_path / "runs" / "long" / "weights.safetensors")
    names = answer_names(["small", "dots", "dots@student", run, f"{run}@joints"])
    assert names == ["momi-small", "dots", "dots@student", "long", "long@joints"]
    other = save_rival(Mirror(RivalConfig()), tmp_path / "other" / "long" / "weights.safetensors")
    assert answer_names([run, other]) == ["runs-long", "other-long"]
    assert answer_file("dots@joints") == folder / "rival-dots.safetensors"


def test_poses_may_come_from_the_file_of_another_teacher(folder: Path, tmp_path: Path) -> None:
    files = [tmp_path / name / "eyes.pth.tar" for name in ("same", "other")]
    teachers = [load_teacher(None) for _ in files]
    with torch.no_grad():
        next(teachers[1].parameters()).mul_(2)
    for file, teacher in zip(files, teachers, strict=True):
        file.parent.mkdir()
        teacher.save(file.with_name("eyes.safetensors"))
        file.with_name("eyes.safetensors").rename(file)
    posed = [load_answer(f"dots@{file}").poses for file in files]
    assert [each.name for each in posed] == ["teacher", "teacher"]
    committed = load_answer("dots").poses
    assert [each.sha256 == committed.sha256 for each in posed] == [True, False]
    names = answer_names([f"dots@{file}" for file in files])
    assert [name.split("[")[0] for name in names] == ["dots@eyes", "dots@eyes"] and len({*names}) == 2
    assert title_of(f"dots@{files[0]}") == f"dots (poses of {names[0].removeprefix('dots@')})"
    with pytest.raises(ValueError, match="pictures alone; leave '@.*eyes.pth.tar' out"):
        load_answer(f"small@{files[0]}")
    for gone in (tmp_path / "gone.pth.tar", tmp_path, tmp_path / ("e" * 300)):
        with pytest.raises(ValueError, match=r"or a teacher's file after the @, got .*, and there is no such file$"):
            load_answer(f"dots@{gone}")
    marked = tmp_path / "a@b [1]" / "eyes.pth.tar"
    shutil.copytree(files[0].parent, marked.parent)
    assert split_name(f"dots@{marked}") == ("dots", marked)
    assert _all([f"dots@{marked}", "small"]) == [f"dots@{marked}", "small"]  # brackets are no pattern


def test_a_teacher_behind_the_mark_says_its_size_by_its_name(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "official.pth.tar"
    torch.save(SimpleBaseline(18).state_dict(), file)
    with pytest.raises(ValueError, match="behind an @, the name of an official teacher's file has to state the size"):
        load_answer(f"dots@{file}")
    other = save_rival(Dots(DotsConfig()), tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="holds the weights of dots; expected a file that Teacher.save") as caught:
        load_answer(f"dots@{other}")
    assert "input" not in str(caught.value)
    with pytest.raises(ValueError, match="weights '@teacher': expected weights in front of the @, as in pg2@teacher"):
        load_answer("@teacher")
    named = file.rename(tmp_path / "pose_resnet_18_256x192.pth.tar")
    assert load_answer(f"dots@{named}").poses.name == "teacher"


def test_a_rival_says_that_it_learned_from_another_teacher(dots: Dots, tmp_path: Path, caplog) -> None:
    committed = pose_source("teacher").sha256[:8]
    for learned, said in ((committed, 0), ("deadbeef", 1)):
        path = save_rival(dots, tmp_path / f"{learned}.safetensors", {"poses_of": f"teacher[{learned}]"})
        load_answer(path)
        load_answer(f"{path}@student")
        assert len(caplog.records) == said
    assert f"teacher[deadbeef] and is given those of teacher[{committed}]; write @" in caplog.text


def test_a_file_may_have_the_mark_in_its_name(dots: Dots, tmp_path: Path) -> None:
    path = save_rival(dots, tmp_path / "a@b.safetensors")
    assert isinstance(load_rival(path), Dots) and answer_names([path]) == ["a@b"]
    assert load_answer(f"{path}@joints").poses.name == "joints"


def test_weights_of_another_method_are_refused_with_what_to_call(folder: Path, tmp_path: Path) -> None:
    for name in ("small", folder / "momi-small.safetensors"):
        with pytest.raises(ValueError, match=r"weights of another method, a MomiNet; momi_lib.translate.load_network"):
            load_rival(name)
    for name in ("dots", folder / "rival-dots.safetensors"):
        with pytest.raises(ValueError, match=r"weights of another method; momi_lib.rivals.weights.load_answer"):
            load_network(name)
    with pytest.raises(TypeError, match=r"got MomiNet; momi_lib.translate.save_network writes it"):
        save_rival(MomiNet(preset("tiny").network), tmp_path / "x.safetensors")


def test_poses_are_asked_for_where_they_are_needed_and_nowhere_else(folder: Path) -> None:
    with pytest.raises(ValueError, match="dots draws from poses, expected poses 'teacher', 'student' or 'joints', got"):
        load_answer("dots", poses=None)
    for name in ("small", "mirror"):
        assert load_answer(name, poses=None).needs == frozenset()
        with pytest.raises(ValueError, match="this method is given pictures alone; leave '@student' out"):
            load_answer(f"{name}@student")
    told = "expected teacher, student, joints, canonical or a teacher's file after the @, got 'detector'"
    with pytest.raises(ValueError, match=told):
        load_answer("dots@detector")
    with pytest.raises(ValueError, match="poses: expected one of"):
        load_answer("dots", poses="detector")


def test_missing_weights_say_what_there_is(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"'vunet': neither a file nor one of \['small', 'dots', 'mirror'\]"):
        load_answer("vunet@student")


def test_committed_weights_go_by_the_names_of_tables_and_files_too(folder: Path) -> None:
    for name, file in (("momi-small", "momi-small"), ("rival-dots", "rival-dots"), ("rival-dots@joints", "rival-dots")):
        assert answer_file(name) == folder / f"{file}.safetensors"
    assert answer_names(["momi-small", "rival-dots@joints"]) == ["momi-small", "dots@joints"]
    assert names_of(["momi-small"]) == ["momi-small"]
    assert weights_file("momi-small") == folder / "momi-small.safetensors"
    with pytest.raises(ValueError, match="weights 'rival-dots': weights of another method"):
        weights_file("rival-dots")


@pytest.mark.parametrize("load", [load_answer, load_network])
def test_a_pipe_and_a_folder_are_named_as_such(tmp_path: Path, load: Callable[[Path], object]) -> None:
    (tmp_path / "a.safetensors").touch()
    with pytest.raises(FileNotFoundError, match="is a folder, with the file a.safetensors in it; expected a file of"):
        load(tmp_path)
    if hasattr(os, "mkfifo"):  # Windows has no such files
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(FileNotFoundError, match="is a pipe or a device, .*; expected a file of weights, or"):
            load(tmp_path / "pipe")


@pytest.mark.parametrize("load", [load_answer, load_network])
def test_what_a_training_leaves_beside_its_weights_names_these(tmp_path: Path, load: Callable[[Path], object]) -> None:
    run, checkpoint, weights = tmp_path, tmp_path / "checkpoint-00000003.pt", tmp_path / "weights.safetensors"
    with pytest.raises(FileNotFoundError, match=f"{run}': is a folder; expected a file of weights, or one of"):
        load(run)
    (run / "log.jsonl").write_text("{}")  # it has only begun
    with pytest.raises(FileNotFoundError, match=f"{run}': is a folder, and the training in .* has not written"):
        load(run)
    (run / "log.jsonl").unlink()
    torch.save({"trainer": {"step": 3}}, checkpoint)
    for path, found in ((run, "is a folder"), (checkpoint, "is a checkpoint"), (weights, "no such file")):
        with pytest.raises((ValueError, FileNotFoundError), match=f"{path}': {found}.* has not written .* --resume"):
            load(path)
    weights.write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"other\.safetensors'?: (?!.*of that training)"):
        load(run / "other.safetensors")
    for path in (run, checkpoint):
        with pytest.raises((ValueError, FileNotFoundError), match=f"the weights of that training are {weights}"):
            load(path)


def _rewritten(path: Path, **changes: object) -> Path:
    """The same tensors under changed metadata, without a card."""
    about = {**json.loads(tensor_metadata(path)["momi"]), **changes}
    path.with_suffix(".json").unlink()
    return save_tensors(path, load_tensors(path), {"momi": json.dumps(about)})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "momi-teacher-1"}, "expected weights of a rival, got the weights of a pose teacher"),
        ({"method": "vunet"}, "of a method that this version of momi_lib does not know .*'vunet'"),
        ({"method": None}, "lack the method or its config"),
        ({"config": {"channels": [4, 16], "depth": 3}}, "is of a network with depth, which this version"),
        ({"config": {"channels": [6, 16]}}, r"1 tensors, such as last\.weight, do not fit the network"),
    ],
)
def test_files_that_do_not_fit_are_named(dots: Dots, tmp_path: Path, changes: dict, words: str) -> None:
    path = _rewritten(save_rival(dots, tmp_path / "dots.safetensors"), **changes)
    with pytest.raises(ValueError, match=f"dots.safetensors.*{words}"):
        load_rival(path)


def test_a_damaged_file_is_noticed(dots: Dots, tmp_path: Path) -> None:
    path = save_rival(dots, tmp_path / "dots.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    for load in (load_rival, load_answer):
        with pytest.raises(ValueError, match=r"does not fit the SHA-256 in dots\.json"):
            load(path)


def test_a_momi_net_is_an_answer_too(tmp_path: Path) -> None:
    path = save_network(MomiNet(preset("tiny").network), tmp_path / "tiny.safetensors")
    assert type(load_answer(path)) is MomiNet and load_answer(path, poses=None).needs == frozenset()
