"""What tells people apart: the appearance encoder, its heads and the teacher. They are given normalised pictures."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib.files import load_tensors
from momi_lib.rivals.dg_net.config import DgNetConfig

DOUBLED_UP_TO = 128  # pixels of height


class AppearanceEncoder(nn.Module):
    """A backbone whose last features say who somebody is: globally for a head, in stripes as the appearance code.

    Args:
        config: its ``backbone``, ``vgg``, ``stripes`` and ``doubled``.

    Shape: normalised pictures (N, 3, H, W) → features (N, D, h, w), with D = ``config.code`` and (h, w) = (H/8, W/8)
    for the VGG, and for a ResNet-50 a sixteenth of what it is given. Weights are random.

    Source: Zheng et al. 2019: a ResNet-50 with stride 1 in its last stage.

    >>> from momi_lib.rivals.dg_net import PRESETS
    >>> encoder = AppearanceEncoder(PRESETS["small"])
    >>> features = encoder(torch.zeros(2, 3, 128, 64))
    >>> features.shape, encoder.stripes(features).shape, encoder.whole(features).shape
    (torch.Size([2, 192, 16, 8]), torch.Size([2, 4, 192]), torch.Size([2, 192]))
    """

    def __init__(self, config: DgNetConfig) -> None:
        super().__init__()
        self.rows, self.doubled = config.stripes, config.doubled
        self.backbone = resnet50_backbone() if config.backbone == "resnet50" else narrow_vgg(config.vgg)

    def forward(self, pictures: Tensor) -> Tensor:
        """The last features of normalised pictures, of which those up to 128 pixels high may be doubled."""
        if self.doubled and pictures.shape[2] <= DOUBLED_UP_TO:
            pictures = functional.interpolate(pictures, scale_factor=2.0, mode="nearest")
        return self.backbone(pictures)

    def stripes(self, features: Tensor) -> Tensor:
        """The appearance code (N, stripes, D): the maximum of each channel in each horizontal stripe, top first."""
        return functional.adaptive_max_pool2d(features, (self.rows, 1)).flatten(2).transpose(1, 2)

    def whole(self, features: Tensor) -> Tensor:
        """The maximum of each channel (N, D), which the heads are given."""
        return features.amax((2, 3))


class IdentityHead(nn.Sequential):
    """Who of the training people is it: linear, batch norm, dropout, linear; (N, inputs) → logits (N, people).

    Args:
        inputs, hidden, people: channels.
        dropout: share of the hidden channels that is dropped in training.

    >>> IdentityHead(192, 128, 300, 0.5).eval()(torch.zeros(2, 192)).shape
    torch.Size([2, 300])
    """

    def __init__(self, inputs: int, hidden: int, people: int, dropout: float) -> None:
        first, last = nn.Linear(inputs, hidden), nn.Linear(hidden, people)
        nn.init.kaiming_normal_(first.weight, mode="fan_out")
        nn.init.normal_(last.weight, std=0.001)
        nn.init.zeros_(first.bias)
        nn.init.zeros_(last.bias)
        super().__init__(first, nn.BatchNorm1d(hidden), nn.Dropout(dropout), last)


class IdentityTeacher(nn.Module):
    """The network for re-identification whose soft labels of drawn pictures E_a learns from.

    It has a backbone like the appearance encoder's, with weights of its own, mean pooling and one head.

    Args:
        config: as of :class:`AppearanceEncoder`, and ``head`` and ``dropouts``.
        people: number of identities.

    Source: the official repository loads a ResNet-50 that has been trained to tell people apart; here
    :class:`~momi_lib.rivals.dg_net.objective.DgNetObjective` trains one first, on the same pictures.

    >>> from momi_lib.rivals.dg_net import PRESETS
    >>> teacher = IdentityTeacher(PRESETS["small"], people=5)
    >>> teacher(torch.zeros(2, 3, 128, 64)).shape, teacher.soft_labels(torch.zeros(2, 3, 128, 64)).sum(1)
    (torch.Size([2, 5]), tensor([1., 1.]))
    """

    def __init__(self, config: DgNetConfig, people: int) -> None:
        super().__init__()
        self.encoder = AppearanceEncoder(config)
        self.head = IdentityHead(config.code, config.head, people, config.dropouts[0])

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (N, people) of normalised pictures."""
        return self.head(self.encoder(pictures).mean((2, 3)))

    @torch.no_grad()
    def soft_labels(self, pictures: Tensor) -> Tensor:
        """Probabilities (N, people) without gradients: the mean of those of the pictures and of their mirror images."""
        both = self(pictures).float().softmax(1) + self(pictures.flip(3)).float().softmax(1)
        return both / 2


def resnet50_backbone() -> nn.Sequential:
    """Torchvision's ResNet-50 up to its last features, with stride 1 in the last stage and random weights.

    Its parts have torchvision's names; see :func:`load_resnet50`.

    >>> sum(weight.numel() for weight in resnet50_backbone().parameters())
    23508032
    """
    from torchvision.models import resnet50

    network = resnet50(weights=None)
    block: nn.Module = network.layer4[0]
    for name in ("conv2", "downsample.0"):
        convolution = block.get_submodule(name)
        assert isinstance(convolution, nn.Conv2d)  # so torchvision builds it
        convolution.stride = (1, 1)
    parts = list(network.named_children())[:-2]  # all but pooling and ImageNet's classes
    return nn.Sequential(OrderedDict(parts))


def load_resnet50(backbone: nn.Module, path: str | Path) -> None:
    """Copy the weights of torchvision's ResNet-50 from a file, all but the last layer's, into ``backbone``.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: where it holds other weights.
    """
    found = load_tensors(path)
    expected = backbone.state_dict()
    kept = {name: value for name, value in found.items() if not name.startswith("fc.")}
    counts = {name for name in expected if name.endswith("num_batches_tracked")}  # older files have none
    missing = [name for name in expected if name not in kept and name not in counts]
    unlike = [name for name, value in kept.items() if name not in expected or value.shape != expected[name].shape]
    if missing or unlike:
        name = (missing or unlike)[0]
        raise ValueError(
            f"backbone_weights: {path} is no state dict of torchvision's resnet50: {name} is "
            f"{'missing' if missing else 'unknown or of another shape'}; save one with "
            "torch.save(torchvision.models.resnet50(weights=...).state_dict(), path)"
        )
    backbone.load_state_dict({**{name: expected[name] for name in counts}, **kept})


def narrow_vgg(channels: Sequence[int]) -> nn.Sequential:
    """Six 3×3 convolutions with batch norm, of which the first halves the size, and two max-poolings that halve it.

    Args:
        channels: of the first, of the second, of the next two and of the last two convolutions.

    Shape: (N, 3, H, W) → (N, channels[3], H/8, W/8). Weights are random.

    >>> narrow_vgg((8, 8, 16, 24))(torch.zeros(2, 3, 32, 16)).shape
    torch.Size([2, 24, 4, 2])
    """
    first, second, third, fourth = channels

    def step(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
        layer = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        return [layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

    return nn.Sequential(
        *step(3, first, 2), *step(first, second), nn.MaxPool2d(2),
        *step(second, third), *step(third, third), nn.MaxPool2d(2),
        *step(third, fourth), *step(fourth, fourth),
    )  # fmt: skip


def erased(pictures: Tensor, probability: float, tries: int = 10) -> Tensor:
    """Set a random rectangle to 0 in a share of the pictures.

    A rectangle covers 2 to 40 % of the picture, and is 0.3 to 3.3 times as high as wide; one that does not fit is drawn
    again, up to ``tries`` times. Draws come from torch's global generator on the CPU.

    Args:
        pictures: (N, 3, H, W), normalised: 0 is the mean colour.
        probability: of each picture to lose a rectangle.

    Source: Zhong et al. 2017; the ranges are those of DG-Net's repository.

    >>> torch.equal(erased(torch.ones(2, 3, 32, 16), 0.0), torch.ones(2, 3, 32, 16))
    True
    """
    (count, _, height, width), device = pictures.shape, pictures.device
    area, ratio, down, right = torch.rand(4, count, tries)
    area, ratio = height * width * (0.02 + 0.38 * area), 0.3 + (1 / 0.3 - 0.3) * ratio
    tall, wide = (area * ratio).sqrt().round(), (area / ratio).sqrt().round()
    top, left = (down * (height - tall + 1)).floor(), (right * (width - wide + 1)).floor()
    fits = (tall < height) & (wide < width)
    chosen = fits.int().argmax(1, keepdim=True)
    hit = fits.any(1) & (torch.rand(count) < probability)
    tall, wide, top, left = (value.gather(1, chosen).to(device) for value in (tall, wide, top, left))
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    inside_rows = (rows >= top) & (rows < top + tall) & hit[:, None].to(device)
    inside_columns = (columns >= left) & (columns < left + wide)
    return pictures.masked_fill((inside_rows[:, :, None] & inside_columns[:, None])[:, None], 0.0)


def shifted(pictures: Tensor, margin: int) -> Tensor:
    """Pad by ``margin`` pixels of the edge's colour and crop each picture at a random place; 0: unchanged.

    Draws come from torch's global generator on the CPU.

    >>> shifted(torch.zeros(2, 3, 32, 16), 5).shape
    torch.Size([2, 3, 32, 16])
    """
    if not margin:
        return pictures
    (count, _, height, width), device = pictures.shape, pictures.device
    down, right = torch.randint(2 * margin + 1, (2, count, 1)).to(device)
    padded = functional.pad(pictures, (margin,) * 4, mode="replicate")
    rows, columns = down + torch.arange(height, device=device), right + torch.arange(width, device=device)
    every = torch.arange(count, device=device)[:, None, None]
    return padded[every, :, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)
