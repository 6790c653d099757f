from __future__ import annotations

import json
import stat

import pytest
import torch
from torch import nn
from torch.nn import functional

from momi_lib.data import mirror_maps, mirror_pictures
from momi_lib.pose import SimpleBaseline, Teacher, decode, load_teacher
from momi_lib.pose.teacher import DEVIATION, MEAN


class Spotter(nn.Module):
    """Stands in for a network: its map is how bright the input is, under the convention that it is told."""

    layers, joints = 0, 1

    def __init__(self, official: bool) -> None:
        super().__init__()
        self.official = official

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        brightness = pictures.sum(dim=1, keepdim=True)
        brightness = brightness - brightness.amin(dim=(2, 3), keepdim=True)
        kernel = torch.exp(-(torch.arange(-12.0, 13.0) ** 2) / (2 * 4**2))
        kernel = kernel / kernel.sum()
        for shape in ((1, 1, -1, 1), (1, 1, 1, -1)):
            brightness = functional.conv2d(brightness, kernel.view(shape), padding="same")
        # official: cell v stands for input pixel 4v; ours: for the middle of four, 4v + 1.5
        return brightness[..., ::4, ::4] if self.official else functional.avg_pool2d(brightness, 4)


def spot(x: float, y: float, height: int = 128, width: int = 64) -> torch.Tensor:
    rows, columns = torch.arange(height).view(-1, 1), torch.arange(width).view(1, -1)
    blob = torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.0**2))
    return (2 * blob - 1).expand(1, 3, height, width)


PLACES = [(31.5, 63.5), (5, 6), (58, 6), (5, 121), (58, 121), (20, 90), (45.3, 30.7)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("official", "input_size"), [(True, (256, 192)), (False, (128, 64)), (False, (256, 128))])
def test_a_landmark_comes_back_where_it_was(place, official, input_size):
    teacher = Teacher(Spotter(official), input_size=input_size, official=official, name="spotter")
    heatmaps = teacher(spot(*place))
    assert heatmaps.shape == (1, 1, *teacher.map_size)
    landmarks, _ = decode(heatmaps, method="newton", size=(128, 64))
    assert torch.allclose(landmarks[0, 0], torch.tensor(place, dtype=torch.float32), atol=0.5)


@pytest.mark.parametrize("size", [(128, 64), (96, 96), (64, 128), (256, 128)])
def test_official_geometry_holds_for_other_shapes_of_picture(size):
    teacher = Teacher(Spotter(True), input_size=(256, 192), official=True, name="spotter")
    place = (0.3 * size[1], 0.7 * size[0])
    landmarks, _ = decode(teacher(spot(*place, *size)), method="newton", size=size)
    assert torch.allclose(landmarks[0, 0], torch.tensor(place), atol=1.0)


def test_our_convention_would_be_wrong_for_official_maps():
    teacher = Teacher(Spotter(False), input_size=(256, 192), official=True, name="wrong")
    landmarks, _ = decode(teacher(spot(31.5, 63.5)), method="newton", size=(128, 64))
    assert (landmarks[0, 0] - torch.tensor([31.5, 63.5])).abs().min() > 0.7  # 1.5 input pixels of 0.625


def test_official_weights_see_bgr_with_the_means_of_rgb(network18):
    teacher = Teacher(network18, input_size=(256, 192), official=True)
    colour = torch.tensor([0.9, 0.5, 0.1])
    prepared = teacher.prepare((2 * colour - 1).view(1, 3, 1, 1).expand(1, 3, 128, 64))
    expected = (colour.flip(0) - torch.tensor(MEAN)) / torch.tensor(DEVIATION)
    assert torch.allclose(prepared[0, :, 128, 96], expected, atol=1e-5)
    plain = Teacher(network18).prepare((2 * colour - 1).view(1, 3, 1, 1).expand(1, 3, 128, 64))
    expected = (colour - torch.tensor(MEAN)) / torch.tensor(DEVIATION)
    assert plain.shape == (1, 3, 128, 64) and torch.allclose(plain[0, :, 5, 5], expected, atol=1e-5)


def test_official_weights_see_the_person_padded_and_not_stretched(network18):
    teacher = Teacher(network18, input_size=(256, 192), official=True)
    prepared = teacher.prepare(torch.ones(1, 3, 128, 64))
    shown = prepared * torch.tensor(DEVIATION).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)
    assert prepared.shape == (1, 3, 256, 192)
    assert shown[0, :, 128, 96] == pytest.approx(1, abs=1e-5)
    assert shown[0, :, 0, 0] == pytest.approx(0, abs=1e-5)  # black surrounds the person
    # The box of 64 x 128 grows to 3:4, 96 x 128, and by 1.25 to 120 x 160: the person fills 64 / 120 of 192
    # columns and 128 / 160 of 256 rows.
    assert shown[0, 0, 128].sum() == pytest.approx(192 * 64 / 120, abs=0.5)
    assert shown[0, 0, :, 96].sum() == pytest.approx(256 * 128 / 160, abs=0.5)
    assert torch.allclose(shown, shown.flip(-1), atol=1e-5) and torch.allclose(shown, shown.flip(-2), atol=1e-5)


@pytest.mark.parametrize("layers", [18, 34, 50, 101])
@pytest.mark.parametrize("form", ["plain", "nested"])
def test_an_official_checkpoint_loads_strictly(tmp_path, layers, form):
    state = SimpleBaseline(layers).state_dict()
    generator = torch.Generator().manual_seed(layers)
    for value in state.values():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=generator))
    if form == "nested":  # written by torch before 0.4.1, on several GPUs, within a training
        state = {f"module.{k}": v for k, v in state.items() if not k.endswith("num_batches_tracked")}
        state = {"epoch": 140, "state_dict": state}
    torch.save(state, tmp_path / "pose_resnet_256x192.pth.tar")
    teacher = Teacher.from_official(tmp_path / "pose_resnet_256x192.pth.tar")
    with pytest.raises(ValueError, match=r"says \(256, 192\), height first, and input_size is \(192, 256\)"):
        Teacher.from_official(tmp_path / "pose_resnet_256x192.pth.tar", input_size=(192, 256))
    assert teacher.network.layers == layers
    found = teacher.network.state_dict()
    inner = state["state_dict"] if form == "nested" else state
    assert all(torch.equal(found[key.removeprefix("module.")], value) for key, value in inner.items())
    assert teacher.official and teacher.input_size == (256, 192) and teacher.map_size == (64, 32)
    assert not teacher.training


def test_a_missing_checkpoint_says_where_to_obtain_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.*pose_resnet_.*github.com/microsoft"):
        Teacher.from_official(tmp_path / "nowhere.pth.tar")


def test_a_checkpoint_of_something_else_is_refused(tmp_path, network18):
    path = tmp_path / "other.pth.tar"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match=r"other\.pth\.tar: cannot be read as weights: it is a web page.*pose_resnet_"):
        Teacher.from_official(path)
    torch.save([1, 2, 3], path)
    with pytest.raises(ValueError, match="it holds a list, not names and tensors"):
        Teacher.from_official(path)
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="holds no ResNet of 18, 34, 50, 101 or 152 layers"):
        Teacher.from_official(path, input_size=(256, 192))
    state = network18.state_dict()
    del state["final_layer.bias"]
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"does not fit SimpleBaseline\(18\).*final_layer\.bias"):
        Teacher.from_official(path, input_size=(256, 192))


def test_the_size_of_the_input_is_read_from_the_name_or_asked_for(tmp_path, network18):
    for name, size in (("pose_resnet_18_256x192.pth.tar", (256, 192)), ("pose_resnet_18_384x288.pth.tar", (384, 288))):
        torch.save(network18.state_dict(), tmp_path / name)
        teacher = Teacher.from_official(tmp_path / name)
        assert (teacher.input_size, teacher.map_size) == (size, (size[0] // 4, size[0] // 8))
    torch.save(network18.state_dict(), tmp_path / "checkpoint.pth.tar")
    with pytest.raises(ValueError, match="does not say the size of its input.*--teacher-input 256 192"):
        load_teacher(tmp_path / "checkpoint.pth.tar")
    assert load_teacher(tmp_path / "checkpoint.pth.tar", input_size=(384, 288)).input_size == (384, 288)
    Teacher(network18).save(tmp_path / "ours.safetensors")
    with pytest.raises(ValueError, match=r"teacher_input: ours\.safetensors says that it was trained on \(128, 64\)"):
        load_teacher(tmp_path / "ours.safetensors", input_size=(256, 192))


def test_a_checkpoint_cannot_run_code(tmp_path):
    class Harmful:
        def __reduce__(self):
            return exec, (f"open({str(tmp_path / 'harm')!r}, 'w')",)

    torch.save({"state_dict": Harmful()}, tmp_path / "bad.pth")
    with pytest.raises(ValueError, match="cannot be read as weights: it holds exec.*nothing of it was read"):
        Teacher.from_official(tmp_path / "bad.pth")
    assert not (tmp_path / "harm").exists()


def test_save_and_load(tmp_path, network18):
    teacher = Teacher(network18, input_size=(128, 64), name="mine")
    path = tmp_path / "new" / "teacher.safetensors"
    teacher.save(path)
    again = Teacher.load(path)
    pictures = torch.rand(1, 3, 128, 64) * 2 - 1
    with torch.no_grad():
        assert torch.equal(teacher(pictures), again(pictures))
    assert (again.name, again.input_size, again.map_size, again.official) == ("mine", (128, 64), (32, 16), False)
    assert [entry.name for entry in path.parent.iterdir()] == ["teacher.safetensors"]
    assert path.stat().st_mode & stat.S_IRUSR


def test_the_flip_test_knows_no_side(tmp_path, network18):
    teacher = Teacher(network18, flip=True)
    pictures = torch.rand(1, 3, 128, 64) * 2 - 1
    with torch.no_grad():
        plain = Teacher(network18)(pictures)
        maps, mirrored = teacher(pictures), teacher(mirror_pictures(pictures))
    torch.testing.assert_close(mirror_maps(mirrored), maps)
    assert not torch.allclose(maps, plain, rtol=1e-3)
    teacher.save(tmp_path / "teacher.safetensors")
    assert Teacher.load(tmp_path / "teacher.safetensors").flip
    assert not Teacher.load(tmp_path / "teacher.safetensors").official


def test_a_teacher_that_learns_is_not_flipped(network18):
    teacher = Teacher(network18, flip=True).train()
    calls = []
    handle = network18.register_forward_hook(lambda *_: calls.append(1))
    teacher(torch.zeros(2, 3, 128, 64))
    assert len(calls) == 1
    with torch.no_grad():
        teacher.eval()(torch.zeros(2, 3, 128, 64))
    assert len(calls) == 3
    handle.remove()


def test_half_the_size_is_nearly_the_same(tmp_path):
    torch.manual_seed(0)
    teacher = Teacher(SimpleBaseline(18, width=16), input_size=(64, 32), name="narrow")
    teacher.save(tmp_path / "single.safetensors")
    teacher.save(tmp_path / "half.safetensors", half=True)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("single", "half")]
    assert sizes[1] < 0.51 * sizes[0]
    again = Teacher.load(tmp_path / "half.safetensors")
    assert again.network.width == 16 and again.network.conv1.weight.dtype == torch.float32
    assert torch.allclose(again.network.conv1.weight, teacher.network.conv1.weight, atol=1e-3)


def test_loading_what_is_no_teacher_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Teacher\.save"):
        Teacher.load(tmp_path / "none.safetensors")
    path = tmp_path / "bad.safetensors"
    path.write_bytes(b"\x00" * 64)
    with pytest.raises(ValueError, match=r"bad\.safetensors"):
        Teacher.load(path)
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(2)}, path, {"about": json.dumps("another")})
    with pytest.raises(ValueError, match="does not say of which network it is.*--teacher-input"):
        Teacher.load(path)
    save_file({"weight": torch.zeros(2)}, path, {"format": "momi-features-1"})
    with pytest.raises(ValueError, match=r"bad\.safetensors holds the weights of a feature network; expected a file"):
        Teacher.load(path)
    save_file({"weight": torch.zeros(2)}, path, {"format": "pt"})
    with pytest.raises(ValueError, match="does not say of which network it is.*--teacher-input"):  # as others write it
        Teacher.load(path)


def test_the_door_checks_pictures_and_sizes(network18):
    teacher = Teacher(network18)
    with pytest.raises(ValueError, match=r"\[-1, 1\].*to_float"):
        teacher(torch.zeros(1, 3, 128, 64, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"\(3, 128, 64\)"):
        teacher(torch.zeros(3, 128, 64))
    with pytest.raises(ValueError, match="divisible by 32"):
        Teacher(network18, input_size=(100, 64))


def test_another_size_of_picture_is_resized(network18):
    teacher = Teacher(network18, input_size=(128, 64))
    with torch.no_grad():
        assert teacher(torch.zeros(1, 3, 256, 128)).shape == (1, 17, 32, 16)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("official", [False, True])
def test_the_gpu_answers_the_same(network18, official):
    teacher = Teacher(network18, official=official)
    pictures = torch.rand(2, 3, 128, 64) * 2 - 1
    with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        here = teacher(pictures)
        there = teacher.cuda()(pictures.cuda()).cpu()
    network18.cpu()
    assert torch.allclose(here, there, atol=1e-4 * max(1, here.abs().max().item()))
