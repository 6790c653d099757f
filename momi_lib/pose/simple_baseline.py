"""The network of Simple Baselines (Xiao, Wu, Wei: "Simple baselines for human pose estimation", 2018).

A ResNet without its classifier, three transposed convolutions and a 1 x 1 convolution. The parameters have
the names of the official implementation, so that published checkpoints load strictly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from momi_lib.arguments import check_input, whole, word

if TYPE_CHECKING:  # loading torchvision takes more than a second, so it waits until a network is made
    from torchvision.models import resnet

#: Depth by the blocks of each stage, and whether they are bottlenecks of three convolutions.
DEPTHS: dict[tuple[tuple[int, ...], bool], int] = {
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}


def depth_of(names: Iterable[str]) -> int | None:
    """The depth of the ResNet whose parameters have these names; ``None`` where they are of something else.

    >>> depth_of(SimpleBaseline(18).state_dict())
    18
    >>> depth_of(["weight"])
    """
    places = [match for name in names if (match := re.match(r"layer([1-4])\.(\d+)\.conv(\d)\.weight", name))]
    blocks = tuple(len({match[2] for match in places if match[1] == stage}) for stage in "1234")
    return DEPTHS.get((blocks, any(match[3] == "3" for match in places)))


def another_network(names: Iterable[str]) -> str | None:
    """What network these parameters are likely of that is no Simple Baselines; ``None`` where nothing tells.

    >>> another_network(["backbone.conv1.weight", "keypoint_head.final_layer.weight"])
    "Simple Baselines of MMPose, which has other names and other conventions than the authors' own"
    """
    names = set(names)

    def any_starts(*starts: str) -> bool:
        return any(name.startswith(starts) for name in names)

    if any_starts("roi_heads."):
        return "a detector of torchvision; momi_lib.pose.KeypointRCNNTeacher reads Keypoint R-CNN"
    if any_starts("stage2.", "stage3.", "transition1."):
        return "HRNet, which is not implemented here"
    if any_starts("backbone."):
        return "Simple Baselines of MMPose, which has other names and other conventions than the authors' own"
    if any_starts("fc.") and not any_starts("deconv_layers."):
        return "a ResNet classifier, as for ImageNet: only the beginning of a pose network"
    return None


class SimpleBaseline(nn.Module):
    """Pose network of Simple Baselines: the teacher ψ of Eq. 1 is one of these (see notebook 02).

    Parameter names: ``conv1``, ``bn1``, ``layer1`` to ``layer4`` as in torchvision's ResNet;
    ``deconv_layers.{0,3,6}`` transposed convolutions 4 x 4, stride 2, 256 channels, no bias;
    ``deconv_layers.{1,4,7}`` batch norm; ``final_layer`` a 1 x 1 convolution. Nothing is downloaded: the
    weights start at random.

    Args:
        layers: 18, 34, 50, 101 or 152, the depth of the ResNet.
        joints: number of heatmaps.
        width: channels of the first stage. Published weights have 64; 32, for 18 layers only, has a third of
            the parameters and learns in a few minutes on a CPU. The names stay the same.

    Raises:
        ValueError: for another depth, or a width that this depth cannot have.

    >>> import torch
    >>> network = SimpleBaseline(18).eval()
    >>> with torch.no_grad():
    ...     network(torch.zeros(1, 3, 128, 64)).shape
    torch.Size([1, 17, 32, 16])
    """

    def __init__(self, layers: int = 50, joints: int = 17, *, width: int = 64) -> None:
        from torchvision.models import get_model

        super().__init__()
        word("layers", layers, sorted(DEPTHS.values()))
        joints, width = whole("joints", joints), whole("width", width)
        if width != 64 and (layers != 18 or width < 8):
            raise ValueError(f"width: expected 64, or from 8 up with 18 layers, got {width}")
        self.layers = layers
        self.joints = joints
        self.width = width
        backbone = cast("resnet.ResNet", get_model(f"resnet{layers}", weights=None))
        if width != 64:
            _narrow(backbone, width)
        channels = backbone.fc.in_features * width // 64
        self.conv1, self.bn1, self.relu, self.maxpool = (
            backbone.conv1,
            backbone.bn1,
            backbone.relu,
            backbone.maxpool,
        )
        self.layer1, self.layer2 = backbone.layer1, backbone.layer2
        self.layer3, self.layer4 = backbone.layer3, backbone.layer4
        parts: list[nn.Module] = []
        for inputs in (channels, 256, 256):
            upsample = nn.ConvTranspose2d(inputs, 256, kernel_size=4, stride=2, padding=1, bias=False)
            nn.init.normal_(upsample.weight, std=0.001)
            parts += [upsample, nn.BatchNorm2d(256), nn.ReLU(inplace=True)]
        self.deconv_layers = nn.Sequential(*parts)
        self.final_layer = nn.Conv2d(256, joints, kernel_size=1)
        nn.init.normal_(self.final_layer.weight, std=0.001)
        nn.init.zeros_(self.final_layer.get_parameter("bias"))

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, h, w) normalised, h and w divisible by 32 → (N, joints, h / 4, w / 4) linear heatmaps."""
        check_input("pictures", pictures, self, "N 3 h w", "normalised pictures {} of floats", divisor=32)
        x = self.maxpool(self.relu(self.bn1(self.conv1(pictures))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.final_layer(self.deconv_layers(x))


def _narrow(backbone: resnet.ResNet, width: int) -> None:
    """Rebuild the stages of a ResNet-18 with ``width`` channels in the first, in place."""
    from torchvision.models import resnet

    backbone.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
    backbone.bn1 = nn.BatchNorm2d(width)
    inputs = width
    for stage in range(4):
        outputs, stride = width * 2**stage, 1 if stage == 0 else 2
        shortcut = None
        if stage:
            shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )
        blocks = [resnet.BasicBlock(inputs, outputs, stride, shortcut), resnet.BasicBlock(outputs, outputs)]
        setattr(backbone, f"layer{stage + 1}", nn.Sequential(*blocks))
        inputs = outputs
    for module in (backbone.conv1, *backbone.layer1.modules(), *backbone.layer2.modules(),
                   *backbone.layer3.modules(), *backbone.layer4.modules()):  # fmt: skip
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")  # as torchvision does
