"""The network of APS: how probably two pictures show the same person.

The paper fine-tunes a ResNet-50 on the identities that it then judges, and says no more. Here both pictures pass
through one backbone; the squared difference of their features is normalised, weighed and squashed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib.arguments import (
    Sizes,
    check_bytes,
    check_has,
    check_input,
    device_from,
    file_to_write,
    path_of,
    told,
    whole,
    word,
)
from momi_lib.data import People, to_float
from momi_lib.devices import at_a_time
from momi_lib.features import IMAGENET_DEVIATION, IMAGENET_MEAN, MannequinFeatures
from momi_lib.files import (
    absent,
    form_of,
    load_tensors,
    missing_weights,
    not_finite,
    save_tensors,
    sha256,
    tensor_metadata,
    weights_folder,
    write_json,
)
from momi_lib.metrics.features import NetworkCard
from momi_lib.metrics.judges import ResNet50Judge

FORMAT, KEY = "momi-affinity-1", "momi"
Variant = Literal["heldout", "paper"]
Backbone = Literal["mannequin", "resnet50"]
#: Whose identities a network learned that judges the data it was trained for, as a score's name says it.
WORDS: dict[Variant, str] = {"heldout": "held out", "paper": "as in the paper"}
#: Backend, resize and length of the features.
BACKBONES = {
    "mannequin": ("mannequin-vgg", "none", 384),
    "resnet50": ("resnet-50", "224 x 224, bilinear, half-pixel centres, no antialiasing", 2048),
}


class AffinityNetwork(nn.Module):
    """Two streams of one backbone → (a - b)² → batch norm → linear → sigmoid.

    A new one has random weights; `start` gives the backbone trained ones, `load` reads a whole trained network. Two
    equal pictures have the difference 0, so every picture has the same affinity with its own copy: `copy_affinity`.

    Args:
        variant: ``"heldout"`` for a network that learns from people it will not judge, ``"paper"`` for one that
            learns from the very people it judges. The file and the names of the scores keep it.
        backbone: ``"mannequin"`` (the offline feature network) or ``"resnet50"`` (torchvision's, as in the paper).

    Attributes:
        trained_on: fingerprint of the people whose identities it learned, ``None`` where nobody said.
        data: name of the data that they belong to.

    Raises:
        ValueError: for another variant or backbone.

    Source: the paper's section on metrics, as far as it goes; the difference as in Zheng et al. 2017 (a
    discriminatively learned CNN embedding for person re-identification).

    >>> network = AffinityNetwork("heldout").eval()
    >>> network(torch.zeros(2, 3, 128, 64), torch.ones(2, 3, 128, 64)).shape
    torch.Size([2])
    >>> network.card.name
    'mannequin-vgg[no file]'
    """

    variant: Variant
    kind: Backbone
    mean: Tensor
    deviation: Tensor

    def __init__(self, variant: Variant, backbone: Backbone = "mannequin") -> None:
        super().__init__()
        for name, value, known in (("variant", variant, Variant), ("backbone", backbone, Backbone)):
            word(name, value, get_args(known))
        self.variant, self.kind = variant, backbone
        self.weights = "no file"
        self.trained_on: str | None = None
        self.data = "unknown data"
        if backbone == "mannequin":
            self.backbone = MannequinFeatures()
        else:
            from torchvision.models import resnet50

            self.backbone = resnet50(weights=None)
            self.backbone.set_submodule("fc", nn.Identity())
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)
        width = BACKBONES[backbone][2]
        self.head = nn.Sequential(nn.BatchNorm1d(width), nn.Linear(width, 1))

    @property
    def card(self) -> NetworkCard:
        """What stands beside every score made with it."""
        backend, resize, _ = BACKBONES[self.kind]
        return NetworkCard(backend, self.weights, resize, "bytes to [0, 1], then ImageNet's mean and deviation")

    @property
    def copy_affinity(self) -> float:
        """The affinity of any picture with its own copy: what the head says of the difference 0."""
        zero = torch.zeros_like(self.head.get_parameter("1.weight"))  # one row
        return float(self.affinity(zero, zero))

    def embed(self, pictures: Tensor) -> Tensor:
        """Features of pictures (N, 3, H, W) in [-1, 1]: (N, D)."""
        check_input("pictures", pictures, self)
        if self.kind == "mannequin":
            return cast(MannequinFeatures, self.backbone).embed(pictures)
        pictures = functional.interpolate((pictures + 1) / 2, (224, 224), mode="bilinear", align_corners=False)
        return self.backbone((pictures - self.mean) / self.deviation)

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Logits (N,) of features (N, D) and (N, D)."""
        sizes: Sizes = {}
        for name, features in (("first", first), ("second", second)):
            shape = f"N {self.head.get_parameter('1.weight').shape[1]}"
            check_input(name, features, self, shape, "features {} of floats, as describe returns them", sizes=sizes)
        return self.head((first - second).square())[:, 0]

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """How probably each two pictures, (N, 3, H, W) in [-1, 1] both, show one person: (N,) in [0, 1]."""
        sizes: Sizes = {}
        check_input("first", first, self, sizes=sizes)
        check_input("second", second, self, sizes=sizes)
        # One batch of both, so that in training the backbone's normalisation treats the streams alike.
        return torch.sigmoid(self.compare(*self.embed(torch.cat([first, second])).chunk(2)))

    @torch.inference_mode()
    def describe(self, pictures: Tensor, *, batch: int | None = None) -> Tensor:
        """Features of many pictures, to be compared in any pairs.

        Args:
            pictures: (N, 3, H, W) uint8, N from 1.
            batch: pictures at a time; None is what fits the device.

        Returns:
            (N, D) float32 on the network's device.

        Raises:
            ValueError: for other pictures, or in training mode.
        """
        self._must_rest()
        check_bytes("pictures", pictures)
        device = self.mean.device
        some = pictures.split(at_a_time(device) if batch is None else whole("batch", batch))
        return torch.cat([self.embed(to_float(part.to(device))).float() for part in some])

    @torch.inference_mode()
    def affinity(self, first: Tensor, second: Tensor) -> Tensor:
        """Affinities (N,) in [0, 1], float32 on the CPU, of features (N, D) and (N, D) by `describe`."""
        self._must_rest()
        return torch.sigmoid(self.compare(first, second)).float().cpu()

    def _must_rest(self) -> None:
        if self.training:
            raise ValueError(
                f"{self.card.name}: expected a network in evaluation mode; in training mode its batch norm makes the "
                "affinity of a pair depend on the pairs beside it. Call network.eval() first."
            )

    def start(self, path: str | os.PathLike[str] | None = None) -> AffinityNetwork:
        """Give the backbone trained weights; returns itself.

        Args:
            path: of ``"mannequin"`` what ``train-features`` wrote, None the one that comes with the data; of
                ``"resnet50"`` a state dict of torchvision's with its 1,000 classes, None its downloads.

        Raises:
            FileNotFoundError: where there is no such file, with what to do.
            ValueError: for a file that is damaged or holds other weights.
        """
        path = path if path is None else path_of("path", path)
        if self.kind == "resnet50":
            self.backbone.load_state_dict(ResNet50Judge(path).network.state_dict())
            return self
        path = Path(path or starting_weights("mannequin"))
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: the backbone's first weights are missing ({absent(path)})"
                f"{missing_weights(path, 'make them with `python -m momi_lib train-features`')}"
            )
        tensors = load_tensors(path)
        try:
            self.backbone.load_state_dict(tensors)
        except RuntimeError as error:
            raise ValueError(f"{path}: expected weights that `train-features` wrote, got others ({error})") from error
        return self

    def save(self, path: str | os.PathLike[str], card: dict[str, Any] | None = None) -> Path:
        """Write safetensors, the backbone in fp16, and ``card`` as JSON beside them, with their SHA-256.

        >>> import tempfile
        >>> path = AffinityNetwork("paper").save(Path(tempfile.mkdtemp()) / "a.safetensors")
        >>> AffinityNetwork.load(path).variant
        'paper'
        """
        path = file_to_write("path", path)
        if card is not None and not isinstance(card, dict):
            raise TypeError(f"card: expected a dict, or None, got {told(card)}")
        # The head stays in fp32: the variance of a squared difference may pass 65,504, the end of fp16.
        half = {n: v.half() if v.is_floating_point() else v for n, v in self.backbone.state_dict().items()}
        state = {f"backbone.{n}": v for n, v in half.items()} | {
            f"head.{n}": v for n, v in self.head.state_dict().items()
        }
        about = {"format": FORMAT, "variant": self.variant, "backbone": self.kind}
        save_tensors(path, state, {KEY: json.dumps(about, sort_keys=True)})
        write_json(path.with_suffix(".json"), {**(card or {}), "sha256": sha256(path)})
        return path

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, device: torch.device | str = "cpu") -> AffinityNetwork:
        """A trained network, ready to judge: in evaluation mode, frozen, float32.

        Raises:
            FileNotFoundError: where there is no such file, with the command that makes it.
            ValueError: where the file is damaged, does not fit its card's hash, or holds something else or values that
                are not finite.
        """
        path, device = path_of("path", path), device_from("device", device)
        if not path.is_file():
            make = "make an affinity network with `python -m momi_lib train-affinity --variant heldout` (or paper)"
            raise FileNotFoundError(f"{path}: {absent(path)}{missing_weights(path, make)}")
        expected = f"expected weights of an affinity network ({FORMAT})"
        try:
            form_of(path)  # says what another file is; a hash would only say that it is another
        except ValueError as error:
            raise ValueError(f"{path}: {expected}; {error}") from error
        card = path.with_suffix(".json")
        try:
            told = json.loads(card.read_bytes()) if card.is_file() else {}
        except ValueError as error:
            raise ValueError(f"{card}: expected the card of weights, JSON, got {error}; copy it again") from error
        if not isinstance(told, dict):
            raise ValueError(f"{card}: expected the card of weights, a JSON object, got {told!r}; copy it again")
        if told and told.get("sha256") != sha256(path):
            raise ValueError(f"{path}: does not fit the SHA-256 in {card.name}; copy or download both again")
        tensors = load_tensors(path)
        try:
            about = json.loads(tensor_metadata(path).get(KEY, "{}"))
            if about.get("format") != FORMAT:
                raise ValueError(f"its format is {about.get('format')!r}")
            with torch.random.fork_rng(devices=[]):  # for weights that the file replaces at once
                network = cls(about.get("variant"), about.get("backbone"))
            network.load_state_dict(tensors)
        except (AttributeError, ValueError, RuntimeError) as error:  # metadata may be any JSON
            raise ValueError(
                f"{path}: {expected}, got others or a damaged file ({' '.join(str(error).split())[:500]})"
            ) from error
        spoiled = not_finite(tensors)
        if spoiled is not None:
            raise ValueError(f"{path}: holds values in {spoiled} that are not finite; train or download it again")
        network.weights = sha256(path)
        network.trained_on = told.get("fingerprint")
        network.data = told.get("data", network.data)
        return network.to(device).eval().requires_grad_(False)


def learned(network: AffinityNetwork, people: People, train: People | None = None) -> str:
    """Whose identities a network learned, in words, seen from the people it is to judge.

    Args:
        network: which.
        people: those it judges.
        train: the training split of the same data.

    Returns:
        ``"as in the paper"`` where it learned ``people`` themselves, ``"held out"`` where it learned ``train``, and
        else the name of the data that it was trained on. A network that nobody has told is believed its variant.

    >>> learned(AffinityNetwork("heldout"), None)
    'held out'
    """
    if not isinstance(network, AffinityNetwork):
        raise TypeError(f"network: expected an AffinityNetwork, got {told(network)}")
    if network.trained_on is None:
        return WORDS[network.variant]
    for name, each in (("people", people), ("train", train)):
        if each is not None or name == "people":
            check_has(name, each, "People, as momi_lib.data.load gives them", "fingerprint")
    if network.trained_on == people.fingerprint:
        return WORDS["paper"]
    if train is not None and network.trained_on == train.fingerprint:
        return WORDS["heldout"]
    return f"trained on {network.data}"


def starting_weights(backbone: Backbone) -> Path:
    """The file that the backbone begins with where none is given: of the data, or torchvision's download."""
    word("backbone", backbone, get_args(Backbone))
    if backbone == "mannequin":
        return weights_folder() / "mannequin-features.safetensors"
    from torchvision.models import ResNet50_Weights

    return Path(torch.hub.get_dir()) / "checkpoints" / Path(ResNet50_Weights.IMAGENET1K_V1.url).name


def affinity_weights(variant: Variant, backbone: Backbone = "mannequin") -> Path:
    """Where the trained network of a variant is kept.

    >>> affinity_weights("paper", "resnet50").name
    'resnet50-affinity-paper.safetensors'
    """
    word("variant", variant, get_args(Variant))
    word("backbone", backbone, get_args(Backbone))
    return weights_folder() / f"{backbone}-affinity-{variant}.safetensors"
