"""torchvision's Keypoint R-CNN behind the interface of a teacher, for pictures without labelled joints."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from momi_lib import files
from momi_lib.arguments import (
    Sizes,
    check_input,
    check_range,
    check_tensor,
    flag,
    number,
    path_of,
    size_from,
    told,
    whole,
)
from momi_lib.data import size_of
from momi_lib.pose.heatmaps import gaussian_maps

JOINTS = 17
LONGEST = 8192  # pixels of the detector's shorter side
#: What the detector says of each person, with shapes.
FOUND = {"scores": "M", "keypoints": f"M {JOINTS} 3", "keypoints_scores": f"M {JOINTS}"}
CENTRE = 2.0  # the keypoint score that becomes a confidence of a half


class KeypointRCNNTeacher(nn.Module):
    """Keypoint R-CNN (He et al., 2017; trained on COCO's 17 joints) as the teacher ψ.

    A detector answers with people, not with maps: the person with the highest score is taken, and each of its
    joints drawn as a Gaussian whose peak is the joint's confidence (see `detections_to_heatmaps`). A picture
    in which nobody is found has all-zero maps.

    Args:
        weights: "DEFAULT" (or another name that torchvision has for this network): torchvision downloads the
            file when the teacher is made, once a machine; a path: that file, which torchvision's download
            gives, or a checkpoint of torchvision's training script; None: random weights, for tests.
        map_size: (h', w') of the maps.
        sigma: deviation of the Gaussians in cells of the map.
        short_side: the picture's shorter side is enlarged to this many pixels, because the detector knows
            people of that size.
        least: the smallest score, in [0, 1], of a person that counts.

    Raises:
        ConnectionError: the weights could not be downloaded; the message says what to do.
        FileNotFoundError, ValueError: a path that is missing, or no weights of this network, or not finite ones.

    >>> teacher = KeypointRCNNTeacher(weights=None, short_side=64)
    >>> with torch.no_grad():
    ...     teacher(torch.zeros(1, 3, 128, 64)).shape
    torch.Size([1, 17, 64, 32])
    """

    def __init__(
        self,
        weights: str | os.PathLike | None = "DEFAULT",
        *,
        map_size: tuple[int, int] = (64, 32),
        sigma: float = 2.0,
        short_side: int = 320,
        least: float = 0.5,
    ) -> None:
        super().__init__()
        self.name = "keypoint-rcnn"
        self.map_size = size_from("map_size", map_size)
        self.sigma = number("sigma", sigma, above=0)
        self.short_side = short_side = whole("short_side", short_side, 1, LONGEST)
        self.least = number("least", least, 0, 1)
        # More than a few people in a picture of one person are not worth their time.
        self.network = _load(weights, min_size=short_side, max_size=8 * short_side, box_detections_per_img=5)
        self.eval()

    def train(self, mode: bool = True) -> KeypointRCNNTeacher:
        """Stay in eval mode: in training mode the detector answers with losses instead of people."""
        flag("mode", mode)
        return super().train(False)

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [-1, 1] → (N, 17, *map_size) in [0, 1], which cover the whole picture."""
        check_input("pictures", pictures, self)
        check_range("pictures", pictures)
        detections = self.network(list(((pictures + 1) / 2).clamp(0, 1)))
        return detections_to_heatmaps(
            detections,
            size=size_of(pictures),
            map_size=self.map_size,
            sigma=self.sigma,
            least=self.least,
        ).to(pictures.device)


def detections_to_heatmaps(
    detections: Sequence[Mapping[str, Tensor]],
    *,
    size: tuple[int, int],
    map_size: tuple[int, int],
    sigma: float,
    least: float = 0.5,
) -> Tensor:
    """What torchvision's detector answers, drawn as heatmaps.

    torchvision's ``keypoints_scores`` are no probabilities: they are the largest value of a joint's map
    before its softmax, unbounded, and larger for a clearer joint. Here ``confidence = sigmoid(score - 2)``,
    so that a score of 2 gives 0.5 and the threshold 0.2 of `pose_maps` lies at a score of about 0.6. The
    mapping keeps the order of the joints; it is a choice and was not calibrated. torchvision's coordinates
    call the middle of the first pixel 0.5, ours 0.

    Args:
        detections: for each picture a mapping with ``scores`` (M,), ``keypoints`` (M, 17, 3) and
            ``keypoints_scores`` (M, 17).
        size: (H, W) of the pictures.
        map_size: (h, w) of the maps, which cover the pictures.
        sigma: deviation in cells of the map.
        least: the smallest score of a person that counts.

    Returns:
        (N, 17, h, w) float32; the maximum of a map is the joint's confidence.

    >>> person = {"scores": torch.ones(1), "keypoints": torch.full((1, 17, 3), 20.5)}
    >>> person["keypoints_scores"] = torch.full((1, 17), 2.0)
    >>> detections_to_heatmaps([person], size=(64, 64), map_size=(64, 64), sigma=2.0)[0, 0, 20, 20].item()
    0.5
    """
    size, map_size = size_from("size", size), size_from("map_size", map_size)
    sigma, least = number("sigma", sigma, above=0), number("least", least, 0, 1)
    _check_detections(detections)
    device = detections[0]["scores"].device
    landmarks = torch.zeros(len(detections), JOINTS, 2, device=device)
    confidence = torch.zeros(len(detections), JOINTS, device=device)
    for row, people in enumerate(detections):
        if len(people["scores"]) == 0:
            continue
        best = people["scores"].argmax()
        if people["scores"][best] >= least:
            landmarks[row] = people["keypoints"][best, :, :2] - 0.5
            confidence[row] = torch.sigmoid(people["keypoints_scores"][best] - CENTRE)
    extent = landmarks.new_tensor([size[1], size[0]])
    cells = (landmarks + 0.5) * landmarks.new_tensor(map_size[::-1]) / extent - 0.5
    inside = ((landmarks >= -0.5) & (landmarks <= extent - 0.5)).all(dim=-1)
    maps = gaussian_maps(cells, inside & (confidence > 0), size=map_size, sigma=sigma)
    # A Gaussian between two cells is below 1 at both; its largest cell shall state the confidence.
    peaks = maps.amax(dim=(2, 3), keepdim=True).clamp_min(1e-12)
    return maps / peaks * confidence[..., None, None]


def _check_detections(detections: Sequence[Mapping[str, Tensor]]) -> None:
    """Refuse what torchvision's detector does not answer."""
    if not isinstance(detections, list | tuple) or not detections:
        got = "none" if isinstance(detections, list | tuple) else told(detections)
        raise TypeError(f"detections: expected a list of what the detector found, one a picture, got {got}")
    for number_, people in enumerate(detections):
        if not isinstance(people, Mapping) or not set(FOUND) <= people.keys():
            got = told(people) if not isinstance(people, Mapping) else f"only {', '.join(map(str, people))}"
            raise TypeError(f"detections[{number_}]: expected {', '.join(FOUND)}, got {got}")
        sizes: Sizes = {}
        for name, shape in FOUND.items():
            check_tensor(f"detections[{number_}][{name!r}]", people[name], shape, name, sizes=sizes, empty=True)
            if not torch.isfinite(people[name]).all():
                raise ValueError(f"detections[{number_}][{name!r}]: expected finite numbers, got NaN or infinity")


def _load(weights: str | os.PathLike | None, **settings: int) -> nn.Module:
    from torchvision.models import detection  # takes more than a second, so not before it is needed

    if weights is None:
        return detection.keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None, **settings)
    names = detection.KeypointRCNN_ResNet50_FPN_Weights.__members__
    if str(weights) in names:
        chosen = names[str(weights)]
        try:
            return detection.keypointrcnn_resnet50_fpn(weights=chosen, **settings)
        except (OSError, RuntimeError) as error:  # no network, a proxy's refusal, half a file
            raise ConnectionError(
                f"KeypointRCNNTeacher: torchvision could not download {chosen.url} ({error}). Connect this "
                "machine to the network once, or download the file elsewhere and give its path: "
                "KeypointRCNNTeacher(weights='path/to/file.pth')"
            ) from error
    path = path_of("weights", weights)
    expected = (
        f"expected {' or '.join(map(repr, names))}, None, or the path of a downloaded "
        f"{Path(names['DEFAULT'].url).name} ({names['DEFAULT'].url})"
    )
    if not path.is_file():
        raise FileNotFoundError(f"KeypointRCNNTeacher: {path}: {files.absent(path)}; {expected}")
    try:
        tensors = files.load_tensors(path)
        spoiled = files.not_finite(tensors)
        if spoiled is not None:
            raise ValueError(f"values in {spoiled} that are not finite, as of a training that diverged")
        network = detection.keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None, **settings)
        network.load_state_dict(tensors)
    except (RuntimeError, ValueError) as error:
        reason = "; ".join(line.strip()[:600] for line in str(error).splitlines()[:2])
        raise ValueError(f"KeypointRCNNTeacher: {path} holds other weights ({reason}); {expected}") from error
    return network
