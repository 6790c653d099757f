"""The networks that judge pictures: uint8 in, features (and logits) out, each with its card.

Inception-v3 and ResNet-50 with ImageNet's weights cannot be shipped with this package, and nothing here downloads
them: they are read from a path, or from where torchvision keeps its downloads. The network that comes with the
mannequins is always there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from momi_lib.arguments import check_bytes, check_network, flag, path_of, text_of, told, whole
from momi_lib.data import size_of, to_float
from momi_lib.devices import at_a_time
from momi_lib.features import IMAGENET_DEVIATION, IMAGENET_MEAN, FeatureNetwork, feature_network
from momi_lib.files import absent, fill, load_tensors, sha256, weights_folder
from momi_lib.metrics.features import Features, NetworkCard
from momi_lib.metrics.masks import PersonMasks, mask_pictures
from momi_lib.progress import hidden_if

CLASSES = 1000


class JudgeNetwork(nn.Module):
    """Frozen features of pictures. Subclasses set ``card``, and ``forward`` says what the features are.

    ``forward`` takes (N, 3, H, W) uint8 and returns features (N, D) and logits (N, C) or None. A judge never learns
    and is always in ``eval`` mode, so that what it says of a picture does not depend on the batch.
    """

    card: NetworkCard

    @property
    def name(self) -> str:
        """Backend and the first 8 digits of the weights' SHA-256."""
        return self.card.name

    def train(self, mode: bool = True) -> JudgeNetwork:
        """Stay in ``eval`` mode."""
        flag("mode", mode)
        return super().train(False)

    @torch.inference_mode()
    def describe(
        self, pictures: Tensor, of: str, masks: PersonMasks | None = None, *, batch: int | None = None
    ) -> Features:
        """Features of many pictures, with their conditions.

        Args:
            pictures: (N, 3, H, W) uint8, N from 1.
            of: in words, which pictures: it stands beside every score made of them.
            masks: what stays of them; the rest becomes black, and the scores' names say so.
            batch: pictures at a time; None is what fits the device.

        Returns:
            on the CPU, float32.

        Raises:
            ValueError: for other pictures or masks.
        """
        check_bytes("pictures", pictures)
        text_of("of", of)
        if masks is not None and not isinstance(masks, PersonMasks):
            raise TypeError(f"masks: expected PersonMasks, as person_masks returns them, got {told(masks)}")
        if masks is not None and len(masks) != len(pictures):
            raise ValueError(f"{self.name}: expected a mask a picture, got {len(masks)} for {len(pictures)} pictures")
        device = next(self.parameters()).device
        batch = at_a_time(device) if batch is None else whole("batch", batch)
        found: list[tuple[Tensor, Tensor | None]] = []
        few = hidden_if(len(pictures) < 4 * batch)
        for start in tqdm(range(0, len(pictures), batch), desc=self.card.backend, **few):
            some = pictures[start : start + batch]
            if masks is not None:
                some = mask_pictures(some, masks.values[start : start + batch])
            described, verdict = self(some.to(device))
            found.append((described.float().cpu(), None if verdict is None else verdict.float().cpu()))
        values, logits = zip(*found, strict=True)
        return Features(
            network=self.card,
            pictures=of,
            size=size_of(pictures),
            values=torch.cat(values),
            logits=None if logits[0] is None else torch.cat(logits),
            masks=None if masks is None else f"{masks.origin}, black behind",
        )


class OfflineJudge(JudgeNetwork):
    """A feature network of `momi_lib.features` as a judge; pictures keep their size, and there are no logits.

    The features are the network's descriptor (``embed``), or else the mean of block 5 over all places.

    Args:
        network: such as ``feature_network("mannequin")``.
        weights: SHA-256 of its file; None takes what the brackets of its name say.

    >>> from momi_lib.features import RandomFeatures
    >>> judge = OfflineJudge(RandomFeatures(seed=3))
    >>> judge.describe(torch.zeros(2, 3, 128, 64, dtype=torch.uint8), "zeros")
    Features(2 x 64 by random-pyramid[seed 3] of zeros)
    """

    def __init__(self, network: FeatureNetwork, weights: str | None = None) -> None:
        super().__init__()
        check_network("network", network, "a FeatureNetwork", resting=False)  # it is frozen here
        if weights is not None:
            text_of("weights", weights)
        backend, _, said = network.name.removesuffix("]").partition("[")
        self.network = network.freeze()
        self.card = NetworkCard(backend, weights or said, "none", "bytes to [0, 1], then ImageNet's mean and deviation")
        self.eval()

    def forward(self, pictures: Tensor) -> tuple[Tensor, None]:
        """(N, 3, H, W) uint8 → descriptors (N, D), and None."""
        floats = to_float(pictures)
        embed = getattr(self.network, "embed", None)
        return (self.network(floats)[1].mean((-2, -1)) if embed is None else embed(floats)), None


class InceptionJudge(JudgeNetwork):
    """torchvision's Inception-v3 with ImageNet's weights: pooled features (N, 2048) and logits (N, 1000).

    Pictures are stretched to 299 × 299, bilinear with half-pixel centres, without antialiasing, as floats, and
    bytes become numbers from -1 to 1: the weights came from TensorFlow and expect these. This is neither the network
    of the original Inception Score (1,008 outputs, scored without their bias) nor that of the original FID, whose
    weights and pooling differ: compare the numbers with others of this network alone.

    Args:
        path: a state dict of torchvision's ``inception_v3`` as .safetensors or .pth, with or without the auxiliary
            classifier, which is not used; None looks where torchvision keeps its downloads.

    Raises:
        FileNotFoundError: where there is no such file, with what to do.
        ValueError: for a file that is damaged or holds other weights.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        from torchvision.models import Inception_V3_Weights, inception_v3

        path = _weights(path, Inception_V3_Weights.IMAGENET1K_V1.url, "Inception-v3")
        with torch.device("meta"):  # the file fills it: no time for random numbers
            network = inception_v3(weights=None, aux_logits=False, transform_input=False, init_weights=False)
        tensors = {name: tensor for name, tensor in load_tensors(path).items() if not name.startswith("AuxLogits.")}
        _fill(network, tensors, path, "inception_v3")
        self.classify = network.fc
        network.set_submodule("fc", nn.Identity())
        self.network = network
        resize = "299 x 299, bilinear, half-pixel centres, no antialiasing"
        self.card = NetworkCard("inception-v3-torchvision", sha256(path), resize, "bytes to [-1, 1]")
        self.requires_grad_(False).eval()

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) uint8 → pooled features (N, 2048), logits (N, 1000)."""
        features = self.network(_stretched(to_float(pictures), 299))
        return features, self.classify(features)


class ResNet50Judge(JudgeNetwork):
    """torchvision's ResNet-50 with ImageNet's weights: pooled features (N, 2048), no logits.

    Pictures are stretched to 224 × 224 (torchvision's own crop would cut head and feet off), bilinear with half-pixel
    centres, without antialiasing, and normalised by ImageNet's mean and deviation.

    Args:
        path: a state dict of torchvision's ``resnet50`` as .safetensors or .pth; None looks for the weights of the
            first version (IMAGENET1K_V1) where torchvision keeps its downloads.

    Raises:
        FileNotFoundError, ValueError: as `InceptionJudge` does.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        from torchvision.models import ResNet50_Weights, resnet50

        path = _weights(path, ResNet50_Weights.IMAGENET1K_V1.url, "ResNet-50")
        with torch.device("meta"):
            network = resnet50(weights=None)
        _fill(network, load_tensors(path), path, "resnet50")
        network.set_submodule("fc", nn.Identity())
        self.network = network
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)
        resize = "224 x 224, bilinear, half-pixel centres, no antialiasing"
        normalise = "bytes to [0, 1], then ImageNet's mean and deviation"
        self.card = NetworkCard("resnet-50-torchvision", sha256(path), resize, normalise)
        self.requires_grad_(False).eval()

    def forward(self, pictures: Tensor) -> tuple[Tensor, None]:
        """(N, 3, H, W) uint8 → pooled features (N, 2048), and None."""
        floats = _stretched(pictures.float() / 255, 224)
        return self.network((floats - self.mean) / self.deviation), None


def evaluation_network(name: str, path: str | os.PathLike[str] | None = None) -> JudgeNetwork:
    """A judge by name: ``"mannequin"``, ``"inception"`` or ``"resnet50"``.

    Args:
        name: which.
        path: its weights; None takes those that come with the data, or torchvision's downloads.

    Raises:
        ValueError: for another name, or weights that do not fit.
        FileNotFoundError: where the weights are missing, with what to do.

    >>> evaluation_network("vgg")
    Traceback (most recent call last):
    ...
    ValueError: judge: expected 'mannequin', 'inception' or 'resnet50', got 'vgg'
    """
    path = path if path is None else path_of("path", path)
    if name == "mannequin":
        path = Path(path or weights_folder() / "mannequin-features.safetensors")
        return OfflineJudge(feature_network("mannequin", path), sha256(path))
    if name == "inception":
        return InceptionJudge(path)
    if name == "resnet50":
        return ResNet50Judge(path)
    raise ValueError(f"judge: expected 'mannequin', 'inception' or 'resnet50', got {name!r}")


def _stretched(pictures: Tensor, side: int) -> Tensor:
    return functional.interpolate(pictures, (side, side), mode="bilinear", align_corners=False, antialias=False)


def _weights(path: str | os.PathLike[str] | None, url: str, title: str) -> Path:
    """The weights' file, given or downloaded before; its name, if it states a hash, must tell the truth."""
    name = Path(url).name
    place = Path(torch.hub.get_dir()) / "checkpoints" / name
    given, path = path is not None, Path(place if path is None else path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: {f'{absent(path)}; expected ' if given else ''}{title}'s ImageNet weights"
            f"{'' if given else ' are not there, where torchvision keeps them'}, and nothing is downloaded here. "
            f"Download {url} on a computer with a network and put it at {place}, or give its path; or take the network "
            "that needs no download, whose scores compare with its own alone: --judge mannequin, or "
            "evaluation_network('mannequin')."
        )
    stated = re.search(r"-([0-9a-f]{8,64})$", path.stem)
    if stated and not sha256(path).startswith(stated[1]):
        raise ValueError(
            f"{path}: expected a file whose SHA-256 begins with {stated[1]}, as its name says, got {sha256(path)[:8]}. "
            f"It is damaged or another one: remove it and download {url} again."
        )
    return path


def _fill(network: nn.Module, tensors: dict[str, Tensor], path: Path, expected: str) -> None:
    """Give a network without memory the tensors of a file."""
    fill(network, tensors, path, f"torchvision's {expected} with {CLASSES} classes", assign=True)
    network.float()
