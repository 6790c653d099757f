"""Files of weights as people have them: training checkpoints, other names and formats, half downloads, harmful ones."""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torchvision.models import detection

from momi_lib.features import MannequinFeatures
from momi_lib.files import load_tensors, tensor_metadata
from momi_lib.metrics.affinity import AffinityNetwork
from momi_lib.pose import KeypointRCNNTeacher, SimpleBaseline, Teacher, load_teacher
from momi_lib.translate import load_network

STATE = {"weight": torch.arange(6.0).view(2, 3), "bias": torch.ones(2)}


def saved(content: object, **options: bool) -> bytes:
    """What torch.save writes."""
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def old(content: object) -> bytes:
    """What torch.save wrote before version 1.6, with NumPy's names of before version 2."""
    return saved(content, _use_new_zipfile_serialization=False).replace(b"numpy._core.", b"numpy.core.")


def same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)


# What holds weights in another form than a plain state dict is read.

with_module = OrderedDict((f"module.{name}", value) for name, value in STATE.items())
optimizer = {"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-3}]}
GOOD: dict[str, tuple[str, bytes]] = {
    "plain": ("w.pth", saved(STATE)),
    "before torch 1.6": ("w.pth", old(STATE)),
    "on several GPUs": ("w.pth", saved(with_module)),
    "compiled": ("w.pth", saved({f"_orig_mod.{name}": value for name, value in STATE.items()})),
    "in a checkpoint": ("w.pth", saved({"epoch": 3, "state_dict": with_module, "optimizer": optimizer})),
    "as torchvision trains": ("w.pth", saved({"model": STATE, "optimizer": optimizer, "epoch": 3})),
    "the best only": ("w.pth", saved({"best_state_dict": STATE, "perf": 0.7})),
    "numbers of NumPy": ("w.pth", saved({"state_dict": STATE, "perf": np.float64(0.7), "epoch": np.int64(3)})),
    "numbers of an older NumPy": ("w.pth", old({"state_dict": STATE, "perf": np.float32(0.7), "best": np.bool_(1)})),
    "arrays of NumPy": ("w.pth", saved({"state_dict": STATE, "history": np.arange(9.0)})),
    "the state of NumPy's generator": ("w.pth", saved({"state_dict": STATE, "random": np.random.get_state()})),  # noqa: NPY002
    "safetensors": ("w.safetensors", save(STATE)),
    "safetensors under another name": ("w.pth", save(STATE)),
    "a checkpoint named safetensors": ("w.safetensors", saved(STATE)),
    "safetensors in capitals": ("W.SAFETENSORS", save(STATE)),
    "no suffix": ("weights", saved(STATE)),
}


@pytest.mark.parametrize("case", GOOD)
def test_weights_are_found_in_what_people_save(tmp_path, case):
    name, content = GOOD[case]
    (tmp_path / name).write_bytes(content)
    assert same(load_tensors(tmp_path / name), STATE)


def test_metadata_are_read_whatever_the_name(tmp_path):
    for name in ("w.safetensors", "w.pth"):
        (tmp_path / name).write_bytes(save(STATE, {"a": "b"}))
        assert tensor_metadata(tmp_path / name) == {"a": "b"}


# What is something else is named as what it is.

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a" * 16 + b"\nsize 97872736\n"
PAGE = b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body></body></html>"


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("pose_resnet.pth")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def archive_of_numpy(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def array_of_numpy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def scripted() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:  # as torch.jit.save lays it out
        for name in ("m/data.pkl", "m/code/__torch__.py", "m/constants.pkl", "m/version"):
            archive.writestr(name, b"3\n")
    return buffer.getvalue()


class Network(nn.Module):
    """A whole network, as some save it."""


OTHER: dict[str, tuple[bytes, str]] = {
    "a pointer of Git LFS": (LFS, "Git LFS.*git lfs pull"),
    "gzip": (gzip.compress(saved(STATE)), "gzip.*unpack"),
    "bzip2": (bz2.compress(saved(STATE)), "bzip2.*unpack"),
    "xz": (lzma.compress(saved(STATE)), "xz.*unpack"),
    "zstandard": (b"\x28\xb5\x2f\xfd" + bytes(40), "Zstandard.*unpack"),
    "7-zip": (b"7z\xbc\xaf\x27\x1c" + bytes(40), "7-Zip.*unpack"),
    "rar": (b"Rar!\x1a\x07\x00" + bytes(40), "RAR.*unpack"),
    "tar": (tarred(saved(STATE)), "tar archive.*unpack"),
    "a zip around the weights": (zipped(**{"pose_resnet.pth": saved(STATE)}), "ZIP archive.*pose_resnet.pth.*unpack"),
    "arrays of NumPy": (archive_of_numpy(weight=np.zeros(3)), "NumPy"),
    "an array of NumPy": (array_of_numpy(), "NumPy"),
    "TorchScript": (scripted(), "TorchScript"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(60), "HDF5.*Keras"),
    "Keras": (zipped(**{"config.json": b"{}", "model.weights.h5": b"\x89HDF"}), "Keras"),
    "ONNX": (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x80\x01" + bytes(40), "ONNX"),
    "TensorFlow Lite": (b"\x1c\x00\x00\x00TFL3" + bytes(40), "TensorFlow Lite"),
    "GGUF": (b"GGUF\x03\x00\x00\x00" + bytes(40), "GGUF"),
    "a web page": (PAGE, "web page"),
    "a web page after empty lines": (b"\n \n" + PAGE.lower(), "web page"),
    "a refusal": (b'{"error": "Access denied"}', "JSON"),
    "text": (b"Not Found\n", "text"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(40), "picture"),
    "a photograph": (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(40), "picture"),
    "a PDF": (b"%PDF-1.5\n" + bytes(40), "PDF"),
    "nothing": (b"", "empty"),
    "zeros": (bytes(4096), "zeros"),
    "half a checkpoint": (saved(STATE)[:-300], "ends too early"),
    "half an old checkpoint": (old(STATE)[:-30], "ends too early|damaged"),
    "the beginning of an old checkpoint": (old(STATE)[:20], "ends too early|damaged"),
    "half of safetensors": (save(STATE)[:-5], "ends too early.*at byte"),
    "the beginning of safetensors": (save(STATE)[:20], "ends too early"),
    "a list": (saved([1, 2, 3]), "list"),
    "numbers": (saved({"epoch": 3, "lr": 0.1}), "epoch"),
    "arrays instead of tensors": (saved({"weight": np.zeros(3), "bias": np.zeros(1)}), "NumPy|weight"),
    "a whole network": (saved(Network()), "Network.*state_dict"),
    "with its options": (saved({"model": STATE, "args": argparse.Namespace(lr=1)}), "argparse.Namespace"),
    "bytes": (bytes(range(1, 200)), "no format known"),
}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("case", OTHER)
def test_another_file_is_named_as_what_it_is(tmp_path, case, suffix):
    content, message = OTHER[case]
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"(?s)w{suffix}: cannot be read as weights.*({message})") as caught:
        load_tensors(path)
    assert len(str(caught.value)) < 700 and "\n" not in str(caught.value)


def test_a_number_that_was_altered_is_noticed(tmp_path):
    path, plain = tmp_path / "w.pth", bytearray(saved(STATE))
    plain[plain.index(STATE["weight"].numpy().tobytes()) + 3] ^= 1
    path.write_bytes(plain)
    with pytest.raises(ValueError, match="w.pth: cannot be read as weights: it is damaged.*checksum"):
        load_tensors(path)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("case", ["in a checkpoint", "before torch 1.6", "safetensors"])
def test_a_damaged_file_is_a_value_error_wherever_it_is_damaged(tmp_path, case, seed):
    generator = np.random.default_rng(seed)
    content = bytearray(GOOD[case][1])
    for place in generator.integers(0, len(content), 3):
        content[place] = generator.integers(256)
    path = tmp_path / "w.pth"
    path.write_bytes(content[: generator.integers(len(content))] if seed % 4 == 0 else content)
    try:
        found = load_tensors(path)
    except ValueError as error:
        assert "w.pth: cannot be read as weights" in str(error) and "\n" not in str(error)
    else:  # only the archives of today's torch have checksums
        assert case != "in a checkpoint" or same(found, STATE)


def test_a_file_without_checksums_is_read(tmp_path):
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        (tmp_path / "w.pth").write_bytes(saved(STATE))
    finally:
        torch.serialization.set_crc32_options(before)
    assert same(load_tensors(tmp_path / "w.pth"), STATE)


def test_a_folder_is_named_as_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="is a folder"):
        load_tensors(tmp_path)
    (tmp_path / "teacher.safetensors").touch()
    with pytest.raises(FileNotFoundError, match="is a folder, with the file teacher.safetensors in it"):
        Teacher.from_official(tmp_path)


#: Every door through which a file of weights comes in.
DOORS: dict[str, Callable[[Path], object]] = {
    "tensor_metadata": tensor_metadata,
    "load_teacher": load_teacher,
    "Teacher.from_official": Teacher.from_official,
    "Teacher.load": Teacher.load,
    "KeypointRCNNTeacher": KeypointRCNNTeacher,
    "AffinityNetwork.load": AffinityNetwork.load,
    "AffinityNetwork.start": lambda path: AffinityNetwork("paper").start(path),
    "MannequinFeatures.load": MannequinFeatures.load,
    "load_network": load_network,
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
@pytest.mark.parametrize("door", DOORS)
def test_a_pipe_is_named_as_one_and_not_waited_for(tmp_path, door):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError, match="pipe.*(is a pipe or a device|neither a file nor one of)"):
        DOORS[door](tmp_path / "pipe")


@pytest.mark.parametrize("case", ["a pointer of Git LFS", "gzip", "a web page", "nothing", "half of safetensors"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("door", DOORS)
def test_every_door_names_it(tmp_path, monkeypatch, door, case, suffix):
    monkeypatch.setattr(detection, "keypointrcnn_resnet50_fpn", lambda **_: nn.Linear(3, 2))
    content, message = OTHER[case]
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    # A card beside the file would only say that the file does not fit its hash.
    path.with_suffix(".json").write_text(json.dumps({"sha256": 64 * "0"}))
    with pytest.raises(ValueError, match=f"(?s)w{suffix}.*({message})") as caught:
        DOORS[door](path)
    assert "\n" not in str(caught.value)


# Nothing is executed.


class Harmful:
    """Pickled, it is a call."""

    def __init__(self, function: Callable, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call


def attacks(mark: Path) -> dict[str, object]:
    """Objects that would leave `mark` behind if reading them ran anything."""
    code = f"open({str(mark)!r}, 'w').close()"
    return {
        "exec": Harmful(exec, code),
        "eval": Harmful(eval, f"[{code}]"),
        "os.system": Harmful(os.system, f"touch {mark}"),
        "getattr": Harmful(getattr, "", "join"),
        "an optimizer's state": {"state_dict": STATE, "optimizer": {"state": Harmful(exec, code)}},
        "beside a number of NumPy": {"state_dict": STATE, "perf": np.float64(1), "epoch": Harmful(exec, code)},
        "within an array of objects": {"state_dict": STATE, "perf": np.array([Harmful(exec, code)], dtype=object)},
        "NumPy's own reader": {"state_dict": STATE, "perf": Harmful(np.load, str(mark.with_suffix(".npy")))},
    }


@pytest.mark.parametrize("form", ["today's", "old"])
@pytest.mark.parametrize("case", attacks(Path("mark")))
def test_a_harmful_file_is_refused_and_nothing_of_it_runs(tmp_path, case, form):
    mark, path = tmp_path / "mark", tmp_path / "pose_resnet_50_256x192.pth.tar"
    np.save(mark.with_suffix(".npy"), np.array([Harmful(exec, f"open({str(mark)!r}, 'w').close()")], dtype=object))
    content = attacks(mark)[case]
    path.write_bytes(saved(content) if form == "today's" else old(content))
    for door in (load_tensors, Teacher.from_official, load_teacher, KeypointRCNNTeacher):
        with pytest.raises(ValueError, match="(?s)pose_resnet_50_256x192.*(not read|nothing of it was read)"):
            door(path)
        assert not mark.exists()


def test_a_plain_pickle_is_refused_and_nothing_of_it_runs(tmp_path):
    path = tmp_path / "w.pth"
    for protocol in (2, 4):
        path.write_bytes(pickle.dumps(attacks(tmp_path / "mark")["exec"], protocol=protocol))
        with pytest.raises(ValueError, match="w.pth: cannot be read as weights"):
            load_tensors(path)
        assert not (tmp_path / "mark").exists()


def test_what_is_allowed_for_one_file_is_not_allowed_after_it(tmp_path):
    (tmp_path / "w.pth").write_bytes(saved({"state_dict": STATE, "perf": np.float64(1)}))
    before = set(map(str, torch.serialization.get_safe_globals()))  # other packages allow some, in no fixed order
    load_tensors(tmp_path / "w.pth")
    assert set(map(str, torch.serialization.get_safe_globals())) == before
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "w.pth", weights_only=True)


# Teachers.


@pytest.fixture(scope="module")
def narrow() -> dict[str, Tensor]:
    """A state of SimpleBaseline(18), a third as large as the published one would be."""
    torch.manual_seed(0)
    return SimpleBaseline(18).state_dict()


def full_name(size: str = "256x192", network: str = "pose_resnet_18") -> tuple[str, str]:
    """What the official get_model_name says: a short name and one with the size of the input."""
    return network, f"{size}_{network}_d256d256d256"


def official(state: dict[str, Tensor], **more: object) -> dict[str, object]:
    """What the official training script saves after each epoch."""
    weight = nn.Parameter(torch.zeros(2))
    adam = torch.optim.Adam([weight], lr=1e-3)
    weight.sum().backward()
    adam.step()
    return {
        "epoch": 140,
        "model": full_name(),
        "state_dict": OrderedDict((f"module.{name}", value) for name, value in state.items()),
        "best_state_dict": state,
        "perf": np.float64(0.704),
        "optimizer": adam.state_dict(),
    } | more


@pytest.mark.parametrize("form", ["today's", "old"])
def test_what_the_official_training_script_saves(tmp_path, narrow, form):
    path = tmp_path / "checkpoint.pth.tar"
    path.write_bytes(saved(official(narrow)) if form == "today's" else old(official(narrow)))
    teacher = load_teacher(path)
    assert same(teacher.network.state_dict(), narrow)
    assert (teacher.network.layers, teacher.input_size, teacher.official) == (18, (256, 192), True)
    assert not teacher.training


@pytest.mark.parametrize(
    ("name", "model", "given", "size"),
    [
        ("checkpoint.pth.tar", full_name("384x288"), None, (384, 288)),
        ("pose_resnet_18_384x288.pth.tar", "pose_resnet", None, (384, 288)),
        ("pose_resnet_18_384x288.pth.tar", full_name("384x288"), None, (384, 288)),
        ("checkpoint.pth.tar", full_name("384x288"), (256, 192), (256, 192)),
        ("256x192 trained on 384x288.pth.tar", "", (384, 288), (384, 288)),
    ],
)
def test_the_size_of_the_input(tmp_path, narrow, name, model, given, size):
    torch.save(official(narrow, model=model), tmp_path / name)
    assert load_teacher(tmp_path / name, input_size=given).input_size == size


@pytest.mark.parametrize(
    ("name", "model", "message"),
    [
        ("checkpoint.pth.tar", "pose_resnet", "does not say the size.*--teacher-input 256 192"),
        ("pose_resnet_18_256x192.pth.tar", full_name("384x288"), "256 x 192.*384 x 288.*--teacher-input"),
        ("256x192 or 384x288.pth.tar", "", "256 x 192.*384 x 288.*--teacher-input"),
        ("pose_resnet_18_192x256.pth.tar", "", "192 x 256.*height first.*--teacher-input"),
        ("pose_resnet_18_250x190.pth.tar", "", "pose_resnet_18_250x190.*250 x 190.*divisible by 32"),
    ],
)
def test_a_size_that_is_unknown_or_doubtful(tmp_path, narrow, name, model, message):
    torch.save(official(narrow, model=model), tmp_path / name)
    with pytest.raises(ValueError, match=message):
        load_teacher(tmp_path / name)


def without(state: dict[str, Tensor], *names: str) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith(names)}


def spoiled(state: dict[str, Tensor], value: float) -> dict[str, Tensor]:
    bias = state["final_layer.bias"].clone()
    bias[3] = value
    return state | {"final_layer.bias": bias}


UNFIT: dict[str, tuple[str, Callable[[dict[str, Tensor]], object], str]] = {
    "16 joints": (
        "w",
        lambda s: s | {"final_layer.weight": torch.zeros(16, 256, 1, 1), "final_layer.bias": torch.zeros(16)},
        "16 joints.*MPII.*17",
    ),
    "a classifier of ImageNet": (
        "w",
        lambda s: without(s, "deconv_layers", "final_layer") | {"fc.weight": torch.zeros(1000, 512)},
        "classifier",
    ),
    "HRNet": ("w", lambda s: {"conv1.weight": s["conv1.weight"], "stage2.0.weight": torch.zeros(1)}, "HRNet"),
    "MMPose": (
        "w",
        lambda s: {"state_dict": {f"backbone.{name}": value for name, value in s.items()}},
        "MMPose",
    ),
    "a detector": ("w", lambda s: {"roi_heads.box_head.fc6.weight": torch.zeros(1)}, "Keypoint R-CNN"),
    "strides of Caffe, by the file's name": ("pose_resnet_50_caffe", lambda s: s, "Caffe"),
    "strides of Caffe, by the model's name": (
        "w",
        lambda s: official(s, model=full_name(network="pose_resnet_50_caffe")),
        "Caffe",
    ),
    "NaN": ("w", lambda s: spoiled(s, float("nan")), "final_layer.bias.*finite"),
    "infinity": ("w", lambda s: spoiled(s, float("inf")), "final_layer.bias.*finite"),
    "whole numbers": (
        "w",
        lambda s: s | {"conv1.weight": s["conv1.weight"].to(torch.int8)},
        "conv1.weight.*int8",
    ),
    "deconvolutions of 3 x 3": (
        "w",
        lambda s: s | {"deconv_layers.0.weight": torch.zeros(512, 256, 3, 3)},
        "does not fit SimpleBaseline.*deconv_layers.0.weight",
    ),
    "a training of ours": ("w", lambda s: {"network": s, "step": 3}, "network, step"),
    "an empty checkpoint": ("w", lambda s: {}, "no (tensors|ResNet)"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_another_network_is_named_as_what_it_is(tmp_path, narrow, case):
    name, change, message = UNFIT[case]
    path = tmp_path / f"{name}_256x192.pth.tar"
    torch.save(change(narrow), path)
    with pytest.raises(ValueError, match=f"Teacher.from_official: .*_256x192.pth.tar.*{message}"):
        Teacher.from_official(path)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_come_back_as_single(tmp_path, narrow, kind):
    path = tmp_path / "pose_resnet_18_256x192.pth"
    torch.save({name: value.to(kind) if value.is_floating_point() else value for name, value in narrow.items()}, path)
    network = Teacher.from_official(path).network
    assert all(value.dtype == torch.float32 for value in network.parameters())
    assert torch.allclose(network.conv1.weight, narrow["conv1.weight"], atol=1e-3)


def test_ours_under_another_name_and_the_official_as_safetensors(tmp_path, narrow):
    network = SimpleBaseline(18)
    network.load_state_dict(narrow)
    Teacher(network, name="mine").save(tmp_path / "teacher.safetensors")
    os.replace(tmp_path / "teacher.safetensors", tmp_path / "teacher.pth")
    assert load_teacher(tmp_path / "teacher.pth").name == "mine"
    path = tmp_path / "official.safetensors"
    path.write_bytes(save({f"module.{name}": value for name, value in narrow.items()}))
    teacher = load_teacher(path, input_size=(256, 192))
    assert teacher.official and same(teacher.network.state_dict(), narrow)
    with pytest.raises(ValueError, match=r"official.safetensors does not say of which.*--teacher-input"):
        load_teacher(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joints": None}, "joints"),
        ({"layers": "nineteen"}, "layers.*nineteen"),
        ({"layers": "19"}, "19"),
        ({"input_size": "128"}, "input_size.*128"),
        ({"input_size": "100x50"}, "divisible by 32"),
        ({"map_size": "0x16"}, "map_size"),
        ({"width": "200"}, "damaged|fit"),
    ],
)
def test_a_teacher_whose_metadata_were_changed(tmp_path, narrow, change, message):
    network = SimpleBaseline(18)
    network.load_state_dict(narrow)
    path = tmp_path / "teacher.safetensors"
    Teacher(network, name="mine").save(path)
    about = {name: value for name, value in (tensor_metadata(path) | change).items() if value is not None}
    path.write_bytes(save(narrow, about))
    with pytest.raises(ValueError, match=f"Teacher.load: .*teacher.safetensors.*({message})"):
        Teacher.load(path)


def test_a_teacher_of_ours_that_diverged(tmp_path, narrow):
    network = SimpleBaseline(18)
    network.load_state_dict(spoiled(narrow, float("nan")))
    Teacher(network).save(tmp_path / "teacher.safetensors")
    with pytest.raises(ValueError, match="Teacher.load: .*teacher.safetensors.*final_layer.bias.*finite"):
        load_teacher(tmp_path / "teacher.safetensors")


# Keypoint R-CNN, and the network of APS.


def test_keypoint_rcnn_reads_what_torchvision_trains(tmp_path, monkeypatch):
    monkeypatch.setattr(detection, "keypointrcnn_resnet50_fpn", lambda **_: nn.Linear(3, 2))
    path = tmp_path / "model_25.pth"
    for content in ({"model": STATE, "optimizer": optimizer}, with_module, {"state_dict": STATE, "perf": np.int64(1)}):
        torch.save(content, path)
        assert same(KeypointRCNNTeacher(path).network.state_dict(), STATE)
    torch.save(STATE | {"bias": torch.full((2,), torch.nan)}, path)
    with pytest.raises(ValueError, match="KeypointRCNNTeacher: .*model_25.pth.*bias.*finite"):
        KeypointRCNNTeacher(path)


@pytest.mark.parametrize("card", [b"{", b"[1]", b"\xff\xfe", b"null", b'{"sha256": 3}'])
def test_a_card_that_is_none(tmp_path, card):
    path = AffinityNetwork("paper").save(tmp_path / "a.safetensors")
    path.with_suffix(".json").write_bytes(card)
    with pytest.raises(ValueError, match=r"a\.(json|safetensors).*(card|SHA-256)"):
        AffinityNetwork.load(path)


def test_a_card_with_a_byte_order_mark_is_read(tmp_path):
    path = AffinityNetwork("paper").save(tmp_path / "a.safetensors")
    card = path.with_suffix(".json")
    card.write_text(card.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert AffinityNetwork.load(path).variant == "paper"


def test_an_affinity_network_that_diverged(tmp_path):
    network = AffinityNetwork("paper")
    network.head.get_parameter("1.bias").data.fill_(torch.nan)
    path = network.save(tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="a.safetensors.*head.1.bias.*finite"):
        AffinityNetwork.load(path)
