"""ST-LPIPS: a perceptual distance that forgives a shift of a pixel or two, which a drawn person should be forgiven.

LPIPS compares the features of two pictures place by place, so a person moved by one pixel looks different to it. Here
each halving of the resolution blurs first and pads more, and features move along with the picture. The trunks' and the
linear layers' weights were fitted to people's judgements by the authors; they come with the package
``stlpips-pytorch`` and are read from where it is installed. The trunks are written here anew, from their description
and the weights' shapes: the package's own code asks for more packages than it names, and a part of it has another
licence than the package.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib.files import load_tensors

#: First layer of each of the five parts whose ends are compared, and the number of layers.
PARTS = {"vgg": (0, 4, 10, 18, 26, 34), "alex": (0, 3, 7, 11, 13, 15)}
_VGG16 = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512, "pool", 512, 512, 512)


class Blur(nn.Module):
    """Halve the resolution: the binomial filter (1, 2, 1), every second place, two mirrored places around the border.

    >>> Blur(3)(torch.ones(1, 3, 9, 9)).shape
    torch.Size([1, 3, 6, 6])
    """

    filt: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("filt", torch.outer(row, row).expand(channels, 1, 3, 3).clone())

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, h, w) → (N, C, h // 2 + 1 or so, w // 2 + 1 or so)."""
        padded = functional.pad(features, (2, 2, 2, 2), mode="reflect")
        return functional.conv2d(padded, self.filt, stride=2, groups=len(self.filt))


def _vgg16() -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for entry in _VGG16:
        if isinstance(entry, str):
            layers += [nn.MaxPool2d(2, stride=1), Blur(channels)]
        else:
            layers += [nn.Conv2d(channels, entry, 3, padding=1), nn.ReLU()]
            channels = entry
    return layers


def _alexnet() -> list[nn.Module]:
    return [
        nn.Conv2d(3, 64, 11, padding=2), Blur(64), nn.ReLU(),
        nn.MaxPool2d(3, stride=1), Blur(64), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(3, stride=1), Blur(192), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    ]  # fmt: skip


class ShiftTolerant(nn.Module):
    """ST-LPIPS with the trunk ``"vgg"`` (VGG-16) or ``"alex"`` (AlexNet); frozen, always in ``eval`` mode.

    Args:
        trunk: which.
        path: the package's file of weights; ``None`` leaves random trunks and equal weights (tests).

    Raises:
        ValueError: for another trunk, or a file with other tensors.

    Source: Ghildyal and Liu 2022 (ST-LPIPS), after Zhang et al. 2018 (LPIPS) and Zhang 2019 (blur before striding).

    >>> judge = ShiftTolerant("alex")
    >>> picture = torch.zeros(2, 3, 128, 64)
    >>> judge(picture, picture)
    tensor([0., 0.])
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, trunk: str = "vgg", path: Path | None = None) -> None:
        super().__init__()
        if trunk not in PARTS:
            raise ValueError(f"trunk: expected one of {', '.join(PARTS)}, got {trunk!r}")
        layers, parts = (_vgg16() if trunk == "vgg" else _alexnet()), PARTS[trunk]
        # Parts and layers are numbered as in the file.
        numbered = [(str(number), layer) for number, layer in enumerate(layers)]
        self.net = nn.ModuleDict(
            {f"slice{k + 1}": nn.Sequential(OrderedDict(numbered[parts[k] : parts[k + 1]])) for k in range(5)}
        )
        for k, part in enumerate(self.parts):
            last = [layer for layer in part.children() if isinstance(layer, nn.Conv2d)][-1]
            self.register_buffer(f"lin{k}", torch.ones(1, last.out_channels, 1, 1))
        # Mean and deviation of ImageNet, for pictures in [-1, 1].
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1))
        if path is not None:
            names = {f"lin{k}.model.1.weight": f"lin{k}" for k in range(5)}
            names |= {f"scaling_layer.{name}": name for name in ("shift", "scale")}
            try:
                self.load_state_dict({names.get(name, name): tensor for name, tensor in load_tensors(path).items()})
            except RuntimeError as error:
                said = " ".join(str(error).split())[:300]
                raise ValueError(f"{path}: expected ST-LPIPS with the trunk {trunk!r}, got other ({said})") from error
        self.requires_grad_(False).eval()

    @property
    def parts(self) -> list[nn.Module]:
        """The five parts of the trunk, in order."""
        return list(self.net.values())

    def train(self, mode: bool = True) -> ShiftTolerant:
        """Stay in ``eval`` mode."""
        return super().train(False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """How different two pictures look: (N, 3, H, W) in [-1, 1] each, H and W from 32 up → (N,), 0 is alike."""
        x, y = ((picture - self.shift) / self.scale for picture in (first, second))
        total = x.new_zeros(len(x))
        for k, part in enumerate(self.parts):
            x, y = part(x), part(y)
            square = (_unit(x) - _unit(y)).square() * getattr(self, f"lin{k}")
            total = total + square.sum(1).mean((1, 2))
        return total


def _unit(features: Tensor) -> Tensor:
    """Length 1 at each place."""
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)
