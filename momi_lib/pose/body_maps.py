"""Body maps: where on a standing reference body every place of a picture lies. Not in the paper.

B_s predicts the map from a picture and its landmarks; B_t predicts it for another pose, from that pose's landmarks and
the person's build alone. Two places that show the same point of the body show the same piece of cloth, so the two maps
together say where in the source to fetch each place of the answer from (:mod:`momi_lib.translate.carry`).

Both learn from exact labels (:mod:`momi_lib.data.body_maps`). B_t sees no picture, so it can learn from bodies in any
pose, which is what lets a dragged arm follow.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib.arguments import Sizes, check_input, check_tensor, number, told, wholes
from momi_lib.skeleton import JOINTS

__all__ = ["ENDS", "PARTS", "BodyMap", "BodyMaps", "body_map_loss", "body_map_scores", "body_parts"]

FARTHEST = 0.5  # metres, summed over the axes: a place that is farther off than this counts as simply wrong

#: Regions of the reference body, told from the place alone.
PARTS: tuple[str, ...] = ("head", "trunk", "upper arm", "forearm and hand", "thigh", "shin", "foot")


POSE_MAPS = "pose maps {} of floats in [0, 1]"  # what is expected as such

#: The parts at the end of a limb: what is dragged.
ENDS: tuple[str, ...] = ("forearm and hand", "shin", "foot")


class BodyMap(NamedTuple):
    """What is known of a body in a picture, at half the picture's size.

    ``places`` (N, 3, H/2, W/2) in metres on the standing reference body (X the person's left, Y backwards, Z up, the
    root at 0); ``silhouette`` (N, 1, H/2, W/2), the logit that a place shows the person at all.
    """

    places: Tensor
    silhouette: Tensor


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    padding = (kernel - stride + 1) // 2
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.body = nn.Sequential(*_conv(width, width), *second)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


class _Net(nn.Module):
    """A U-net from H/2 to H/2; its deepest features (H/16) can be given a vector, and their mean is one."""

    def __init__(self, inputs: int, widths: tuple[int, int, int, int], vector: int = 0) -> None:
        super().__init__()
        first, second, third, last = widths
        self.stem = _conv(inputs, first)
        self.down = nn.ModuleList(
            nn.Sequential(_conv(a, b, 4, 2), _Residual(b)) for a, b in ((first, second), (second, third), (third, last))
        )
        self.vector = nn.Linear(vector, last) if vector else None
        self.deep = _Residual(last)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in ((last, third), (third, second), (second, first))
        )
        self.join = nn.ModuleList(
            (
                nn.Sequential(_conv(2 * third, third), _Residual(third)),
                _conv(2 * second, second),
                _conv(2 * first, first),
            )
        )
        self.result = nn.Conv2d(first, 4, 3, padding=1)

    def forward(self, x: Tensor, vector: Tensor | None = None) -> tuple[Tensor, Tensor]:
        levels = [self.stem(x)]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = levels.pop()
        pooled = x.mean((2, 3))
        if self.vector is not None:
            x = x + self.vector(vector)[:, :, None, None]
        x = self.deep(x)
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([up(x), levels.pop()], dim=1))
        return self.result(x), pooled


class BodyMaps(nn.Module):
    """B_s and B_t.

    Args:
        source, target: channels of the two at H/2, H/4, H/8 and H/16.

    Shapes: pictures (N, 3, H, W) in [-1, 1], pose maps (N, 17, H, W) with peak 1, H and W divisible by 16.

    >>> maps = BodyMaps((8, 8, 8, 16), (8, 8, 8, 8)).eval()
    >>> body, build = maps.source(torch.zeros(2, 3, 128, 64), torch.zeros(2, 17, 128, 64))
    >>> body.places.shape, body.silhouette.shape, build.shape
    (torch.Size([2, 3, 64, 32]), torch.Size([2, 1, 64, 32]), torch.Size([2, 16]))
    >>> maps.target(torch.zeros(2, 17, 128, 64), build).places.shape
    torch.Size([2, 3, 64, 32])
    """

    def __init__(self, source: tuple[int, int, int, int], target: tuple[int, int, int, int]) -> None:
        super().__init__()
        source, target = _four("source", source), _four("target", target)
        self.build = source[-1]
        self.of_source = _Net(12 + len(JOINTS), source)
        self.of_target = _Net(len(JOINTS), target, vector=source[-1])

    def source(self, pictures: Tensor, pose_maps: Tensor) -> tuple[BodyMap, Tensor]:
        """B_s: the map of the person in a picture, and their build (N, c): what B_t is told about shape and clothes.

        The landmarks come along because left and right are hard to tell from colours alone.
        """
        sizes: Sizes = {}
        check_input("pictures", pictures, self, divisor=16, sizes=sizes)
        check_input("pose_maps", pose_maps, self, f"N {len(JOINTS)} H W", POSE_MAPS, sizes=sizes)
        inputs = torch.cat([functional.pixel_unshuffle(pictures, 2), _halved(pose_maps)], dim=1)
        result, build = self.of_source(inputs)
        return _split(result), build.float()

    def target(self, pose_maps: Tensor, build: Tensor) -> BodyMap:
        """B_t: the map of somebody of that build in a pose."""
        sizes: Sizes = {}
        check_input("pose_maps", pose_maps, self, f"N {len(JOINTS)} H W", POSE_MAPS, divisor=16, sizes=sizes)
        check_input("build", build, self, f"N {self.build}", "builds {} of floats", sizes=sizes)
        return _split(self.of_target(_halved(pose_maps), build)[0])


def _four(name: str, value: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    half, quarter, eighth, sixteenth = wholes(name, value, 4)
    return half, quarter, eighth, sixteenth


def _halved(pose_maps: Tensor) -> Tensor:
    """Pose maps at H/2, about 0."""
    return functional.avg_pool2d(pose_maps, 2) * 2 - 0.5


def _split(result: Tensor) -> BodyMap:
    result = result.float()  # millimetres do not survive bfloat16
    return BodyMap(result[:, :3], result[:, 3:])


def body_map_loss(body: BodyMap, labels: Tensor, *, ends: float = 1.0) -> tuple[Tensor, Tensor]:
    """How far a body map is from its label.

    Args:
        body: of N pictures.
        labels: (N, 3, H/2, W/2) metres, NaN outside the person.
        ends: weight, in both losses, of a place on the :data:`ENDS` of limbs, where others have 1; these parts are
            small, and a millimetre gained on the trunk would outweigh a hand.

    Returns:
        Two scalars: the cross-entropy of the silhouette, and the mean distance in metres inside the true one, summed
        over the three axes and cut at half a metre, so that a place on the wrong limb does not outweigh a hundred
        that are nearly right.

    Raises:
        ValueError: for labels of another size.

    >>> labels = torch.full((1, 3, 2, 2), torch.nan)
    >>> labels[..., 0] = 0.1
    >>> body = BodyMap(torch.zeros(1, 3, 2, 2), torch.zeros(1, 1, 2, 2))
    >>> [round(float(loss), 3) for loss in body_map_loss(body, labels)]
    [0.693, 0.3]
    """
    inside, ends = _inside(body, labels), number("ends", ends, 0)
    places = torch.nan_to_num(labels)
    away = (body.places - places).abs().sum(1, keepdim=True).clamp(max=FARTHEST)
    if ends == 1:
        silhouette = functional.binary_cross_entropy_with_logits(body.silhouette, inside.float())
        return silhouette, (away * inside).sum() / inside.sum().clamp_min(1)
    end = torch.isin(body_parts(places), torch.tensor([PARTS.index(part) for part in ENDS], device=places.device))
    weights = torch.where(end[:, None] & inside, ends, 1.0)
    silhouette = functional.binary_cross_entropy_with_logits(body.silhouette, inside.float(), weights, reduction="sum")
    within = weights * inside
    return silhouette / weights.sum(), (away * within).sum() / within.sum().clamp_min(1)


def _inside(body: BodyMap, labels: Tensor) -> Tensor:
    if not isinstance(body, BodyMap):
        raise TypeError(f"body: expected a BodyMap, got {told(body)}")
    sizes: Sizes = {}
    check_tensor("body.places", body.places, "N 3 h w", "places", sizes=sizes)
    check_tensor("body.silhouette", body.silhouette, "N 1 h w", "silhouettes", sizes=sizes)
    check_tensor("labels", labels, "... h w", "body maps")
    if labels.shape != body.places.shape:
        raise ValueError(
            f"labels: expected body maps {tuple(body.places.shape)} at half the picture's size, got "
            f"{tuple(labels.shape)}; make them again with `python -m tools.mannequins body-maps`"
        )
    return torch.isfinite(labels).all(1, keepdim=True)


def body_parts(places: Tensor) -> Tensor:
    """Places (N, 3, h, w) on the reference body in metres → index into :data:`PARTS` (N, h, w).

    >>> PARTS[int(body_parts(torch.tensor([0.15, 0.0, -0.3]).view(1, 3, 1, 1)))]
    'thigh'
    """
    check_tensor("places", places, "N 3 h w", "places", empty=True)
    side, height = places[:, 0].abs(), places[:, 2]
    part = torch.full_like(side, PARTS.index("trunk"), dtype=torch.long)
    part[height > 0.54] = PARTS.index("head")
    arm = (side > 0.19) & (height > 0.02) & (height <= 0.54)
    part[arm & (side <= 0.376)] = PARTS.index("upper arm")
    part[arm & (side > 0.376)] = PARTS.index("forearm and hand")
    for name, low, high in (("thigh", -0.45, 0.02), ("shin", -0.88, -0.45), ("foot", -9.0, -0.88)):
        part[(height > low) & (height <= high) & ((side <= 0.376) | (height <= 0))] = PARTS.index(name)
    return part


@torch.no_grad()
def body_map_scores(body: BodyMap, labels: Tensor) -> dict[str, float]:
    """Scores of body maps on pictures with labels.

    Returns:
        ``"error_cm"`` and ``"median_cm"``: mean and median Euclidean distance inside the true silhouette, in
        centimetres; ``"iou"``: intersection over union of the silhouettes over all places of all pictures; and
        ``"median_cm/<part>"`` for each of :data:`PARTS` that is seen.

    >>> labels = torch.zeros(1, 3, 2, 2)
    >>> body_map_scores(BodyMap(labels + 0.03, torch.ones(1, 1, 2, 2)), labels)["iou"]
    1.0
    """
    inside = _inside(body, labels)[:, 0]
    drawn = body.silhouette[:, 0] > 0
    away = 100 * (body.places - torch.nan_to_num(labels)).norm(dim=1)
    part = body_parts(torch.nan_to_num(labels))
    scores = {"error_cm": away[inside].mean(), "median_cm": away[inside].median()}
    scores["iou"] = (inside & drawn).sum() / (inside | drawn).sum()
    for index, name in enumerate(PARTS):
        seen = inside & (part == index)
        if seen.any():
            scores[f"median_cm/{name}"] = away[seen].median()
    return {name: round(float(value), 4) for name, value in scores.items()}
