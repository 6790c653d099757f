"""Feature networks for Eq. 4: what "looks alike" means beyond the single pixel.

The paper takes VGG-19. Its ImageNet weights cannot be shipped with this package, so there are three networks
behind one interface, and each names itself in every log and result: a number made with one must never be
compared with a number made with another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from momi_lib.arguments import check_input, flag, path_of, seed_of
from momi_lib.files import fill, load_tensors, sha256

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class FeatureNetwork(nn.Module):
    """Frozen features of pictures: (N, 3, H, W) in [-1, 1] → activations of blocks 2 and 5.

    ``name`` says which network and which weights. Subclasses build ``blocks``: two modules, applied one after
    the other; the outputs of both are returned. Parameters never learn and the mode is always ``eval``, so a
    loss computed with it does not depend on the batch; gradients flow through to the pictures.
    """

    name: str
    blocks: nn.ModuleList
    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)

    def freeze(self) -> Self:
        """Switch off learning for good; returns itself."""
        self.requires_grad_(False)
        return self.eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in ``eval`` mode once frozen."""
        flag("mode", mode)
        learns = any(parameter.requires_grad for parameter in self.parameters())
        return super().train(mode and learns)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Activations of block 2, (N, C₂, H/2, W/2), and of block 5, (N, C₅, H/16, W/16)."""
        check_input("pictures", pictures, self)
        if min(pictures.shape[-2:]) < 16:
            raise ValueError(f"pictures: expected sides from 16 pixels, got {tuple(pictures.shape)}")
        # ImageNet's statistics are of pictures in [0, 1].
        second = self.blocks[0](((pictures + 1) / 2 - self.mean) / self.deviation)
        return second, self.blocks[1](second)


class VGG19Features(FeatureNetwork):
    """Blocks 2 and 5 of torchvision's VGG-19: relu2_1 and relu5_1.

    Network and blocks are the paper's. It does not say which activation of a block is compared; the first one of each
    is our choice.

    Args:
        weights: ``"imagenet"`` (torchvision downloads 548 MB once), the path of a state dict of torchvision's
            ``vgg19``, or ``None`` for random weights (tests).

    Raises:
        RuntimeError: where the weights can neither be found nor downloaded, with what to do.

    >>> VGG19Features(weights=None).name
    'vgg19[random]'
    """

    def __init__(self, weights: str | Path | None = "imagenet") -> None:
        super().__init__()
        weights = weights if weights is None else path_of("weights", weights)
        from torchvision.models import VGG19_Weights, vgg19

        if str(weights) == "imagenet":
            try:
                network = vgg19(weights=VGG19_Weights.IMAGENET1K_V1)
            except OSError as error:  # URLError is one
                raise RuntimeError(
                    "VGG-19's ImageNet weights are not on this computer and could not be downloaded "
                    f"({error}); connect once to the network, or copy vgg19-dcbb9e9d.pth into "
                    f"{Path(torch.hub.get_dir()) / 'checkpoints'}, or pass its path"
                ) from error
            self.name = "vgg19[imagenet1k-v1]"
        else:
            tensors = None if weights is None else load_tensors(weights)  # a missing file is found out first
            network = vgg19(weights=None)
            self.name = "vgg19[random]"
            if weights is not None and tensors is not None:
                fill(network, tensors, weights, "torchvision's vgg19")
                self.name = f"vgg19[{sha256(weights)[:8]}]"
        layers = list(network.features.children())
        for layer in layers:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False  # or the activations that were handed out would be overwritten
        self.blocks = nn.ModuleList([nn.Sequential(*layers[:7]), nn.Sequential(*layers[7:30])])
        self.freeze()


def _stage(inputs: int, outputs: int, convolutions: int = 1) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for _ in range(convolutions):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        inputs = outputs
    return layers


def _folded(block: nn.Module) -> nn.Sequential:
    layers: list[nn.Module] = []
    for layer in block.children():
        if isinstance(layer, nn.BatchNorm2d):
            convolution = layers[-1]
            assert isinstance(convolution, nn.Conv2d)  # see _stage
            layers[-1] = fuse_conv_bn_eval(convolution, layer)
        else:
            layers.append(layer)
    return nn.Sequential(*layers).requires_grad_(False)


class MannequinFeatures(FeatureNetwork):
    """A narrow VGG of five blocks that learned to tell the mannequins apart: the offline default.

    Made by ``python -m momi_lib train-features``; 0.8 M parameters, about 70 M multiplications a picture.
    :meth:`embed` gives the descriptor of a person that the network was trained with.

    >>> network = MannequinFeatures()
    >>> [tuple(f.shape) for f in network(torch.zeros(1, 3, 128, 64))]
    [(1, 48, 64, 32), (1, 192, 8, 4)]
    """

    def __init__(self) -> None:
        super().__init__()
        self.name = "mannequin-vgg[untrained]"
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(*_stage(3, 24), nn.MaxPool2d(2), *_stage(24, 48)),
                nn.Sequential(
                    nn.MaxPool2d(2), *_stage(48, 96, 2), nn.MaxPool2d(2), *_stage(96, 128, 2), nn.MaxPool2d(2),
                    *_stage(128, 192),
                ),
            ]
        )  # fmt: skip

    def embed(self, pictures: Tensor) -> Tensor:
        """One descriptor a picture, (N, 3, H, W) in [-1, 1] → (N, 384): mean and maximum of block 5."""
        last = self(pictures)[1]
        return torch.cat([last.mean((-2, -1)), last.amax((-2, -1))], dim=1)

    @classmethod
    def load(cls, path: str | Path) -> MannequinFeatures:
        """Read safetensors written by ``train-features``; the name carries the file's hash."""
        path, network = path_of("path", path), cls()
        fill(network, load_tensors(path), path, "MannequinFeatures, as train-features writes them")
        network.name = f"mannequin-vgg[{sha256(path)[:8]}]"
        return network.freeze().fold()

    def fold(self) -> MannequinFeatures:
        """Multiply each normalisation into the convolution before it: the same features for less work.

        A folded network cannot be trained further, and its tensors have other names than a file's.
        """
        self.blocks = nn.ModuleList([_folded(block) for block in self.blocks.eval()])
        return self


class RandomFeatures(FeatureNetwork):
    """An untrained pyramid of convolutions: surprisingly useful, always available, the same for the same seed.

    >>> RandomFeatures(seed=3).name
    'random-pyramid[seed 3]'
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        seed = seed_of("seed", seed)
        self.name = f"random-pyramid[seed {seed}]"
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            first = nn.Sequential(nn.Conv2d(3, 16, 5, 2, 2), nn.ReLU())
            second = nn.Sequential(
                nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 48, 3, 2, 1), nn.ReLU(),
                nn.Conv2d(48, 64, 3, 2, 1), nn.ReLU(),
            )  # fmt: skip
            for layer in [*first, *second]:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight)  # keeps the scale of activations through the layers
                    nn.init.zeros_(layer.get_parameter("bias"))
        self.blocks = nn.ModuleList([first, second])
        self.freeze()


def feature_network(name: str, path: str | Path | None = None) -> FeatureNetwork:
    """A feature network by name: ``"vgg19"``, ``"mannequin"`` or ``"random"``.

    Args:
        name: which.
        path: weights; ``None`` means ImageNet's for VGG-19 and the ones that come with the data for
            ``"mannequin"``.

    Raises:
        ValueError: for another name.
        FileNotFoundError: where the weights are missing, with the command that makes them.
        RuntimeError: where VGG-19's cannot be downloaded. Whoever has an option for another network adds its name.

    >>> feature_network("random").name
    'random-pyramid[seed 0]'
    """
    path = path if path is None else path_of("path", path)
    if name == "vgg19":
        return VGG19Features(path or "imagenet")
    if name == "mannequin":
        from momi_lib.files import absent, missing_weights, weights_folder

        usual = weights_folder() / "mannequin-features.safetensors"
        path, make = Path(path or usual), "make it with `python -m momi_lib train-features`"
        if path == usual and not path.exists():
            raise FileNotFoundError(f"{path}: the offline feature network is missing{missing_weights(path, make)}")
        if not path.is_file():
            raise FileNotFoundError(f"{path}: {absent(path)}; expected the offline feature network; {make}")
        return MannequinFeatures.load(path)
    if name == "random":
        return RandomFeatures()
    raise ValueError(f"perceptual network: expected 'vgg19', 'mannequin' or 'random', got {name!r}")
