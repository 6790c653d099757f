"""Where the person is in a photograph: Keypoint R-CNN, where its weights are on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from momi_lib.pose.keypoint_rcnn import KeypointRCNNTeacher

__all__ = ["PersonFinder", "detector_weights", "frame_around"]

SHORT_SIDE = 640  # pixels; a person in a photograph may be a small part of it
LEAST = 0.7  # score of a person that counts
ROOM = 1.12  # a frame is so much taller than its person, as the frames of the mannequins are on average
WIDEST = 0.58  # of the frame's height: a person's outstretched arms


def detector_weights() -> Path:
    """The file in which torchvision keeps the detector's weights on this machine; it need not be there.

    >>> detector_weights().name
    'keypointrcnn_resnet50_fpn_coco-fc266e95.pth'
    """
    from torchvision.models.detection import KeypointRCNN_ResNet50_FPN_Weights

    address = KeypointRCNN_ResNet50_FPN_Weights["DEFAULT"].url
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(address).name


class PersonFinder:
    """Finds the person of a photograph.

    Args:
        weights: a file, as torchvision downloads it; None: random weights, for tests.

    Raises:
        FileNotFoundError, ValueError: for a file that is missing or holds other weights.

    >>> found = PersonFinder(None)(Image.new("RGB", (64, 64)))  # random weights find anything or nothing
    >>> found is None or found[3] - found[1] == 2 * (found[2] - found[0])
    True
    """

    def __init__(self, weights: Path | None) -> None:
        self.network = KeypointRCNNTeacher(weights, short_side=SHORT_SIDE if weights else 64).network

    @torch.inference_mode()
    def __call__(self, image: Image.Image) -> tuple[int, int, int, int] | None:
        """The frame of 1:2 (left, top, right, bottom) around the largest person of an RGB picture; None: nobody.

        It may reach over the picture's edge.
        """
        pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255
        return largest_person(self.network([pixels])[0], image.size)


def largest_person(found: Mapping[str, Tensor], size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The frame around the largest of what torchvision's detector found in a picture of that width and height.

    >>> found = {"boxes": torch.tensor([[40.0, 10.0, 60.0, 60.0], [0, 0, 9, 9]]), "scores": torch.tensor([0.9, 0.99])}
    >>> largest_person(found, (100, 100))
    (36, 7, 64, 63)
    """
    boxes = found["boxes"][found["scores"] >= LEAST].cpu()
    if not len(boxes):
        return None
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left, top, right, bottom = (float(value) for value in boxes[int(areas.argmax())])
    return frame_around((left, top, right, bottom), size)


def frame_around(person: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A frame of 1:2 around a person's box, inside the picture of that width and height as far as it can be.

    >>> frame_around((0, 0, 50, 100), (60, 100))  # as tall as the picture, moved inside
    (0, 0, 50, 100)
    """
    left, top, right, bottom = person
    height = max(ROOM * (bottom - top), (right - left) / WIDEST)
    height = max(2, round(min(height, max(size[1], bottom - top))))
    columns = max(1, height // 2)
    rows = 2 * columns
    x = _inside(round((left + right) / 2 - columns / 2), columns, size[0])
    y = _inside(round((top + bottom) / 2 - rows / 2), rows, size[1])
    return x, y, x + columns, y + rows


def _inside(start: int, length: int, whole: int) -> int:
    """Where a stretch begins that lies inside the whole, or in its middle if it is longer."""
    return (whole - length) // 2 if length > whole else min(max(start, 0), whole - length)
