"""Where the person is, and pictures with nothing else: what mask-IS and its like look at.

A swap cannot know the target's street, so scores that see it punish what nobody could draw. The true silhouette says
where the person is; pictures without one get it roughly, from their 17 joints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.arguments import Sizes, check_bytes, check_has, check_tensor, size_from
from momi_lib.data import People, size_of
from momi_lib.devices import at_a_time
from momi_lib.pose.limbs import limb_masks
from momi_lib.skeleton import JOINTS

#: Pixels around a limb, and the side of the square that closes gaps, of pictures 128 rows high.
RADIUS, CLOSING, HEIGHT = 4.0, 5, 128
#: What the background becomes: black, which is what multiplying a picture by its mask gives.
BACKGROUND = (0, 0, 0)
TRUE = "true silhouettes"

_LEFT, _RIGHT = (tuple(JOINTS.index(f"{side}_{name}") for name in ("shoulder", "hip")) for side in ("left", "right"))
#: Any three of the trunk's four corners: together they fill it, also where the sides cross in a view from the side.
_TRUNK = tuple(tuple(corner for corner in (*_LEFT, *_RIGHT) if corner != without) for without in (*_LEFT, *_RIGHT))


@dataclass(frozen=True, eq=False)
class PersonMasks:
    """N masks and where they come from.

    Attributes:
        values: (N, H, W) bool, the person.
        origin: in words, for the conditions of a score.
    """

    values: Tensor
    origin: str

    def __len__(self) -> int:
        return len(self.values)


def person_masks(people: People) -> PersonMasks:
    """The true silhouettes where the data set has them, else `polygon_masks` of its labelled joints.

    For pictures without labels, such as swaps or Market-1501's own, find landmarks with a teacher and call
    `polygon_masks`.

    Raises:
        ValueError: for people without labels.
    """
    check_has("people", people, "People, as momi_lib.data.load gives them", "pictures", "masks", "joints", "visibility")
    if people.masks is not None:
        return PersonMasks(people.masks, TRUE)
    if people.joints is None or people.visibility is None:
        raise ValueError(
            f"{people.folder}: expected people with masks or joints, got neither. Find their joints with a pose "
            "network (momi_lib.pose.decode) and call polygon_masks(landmarks, valid)."
        )
    return polygon_masks(people.joints, people.visibility > 0, size=size_of(people.pictures))


def polygon_masks(landmarks: Tensor, valid: Tensor, *, size: tuple[int, int] = (128, 64)) -> PersonMasks:
    """Masks from landmarks: limbs of 4 pixels' radius, the trunk filled, closed by a square of 5 × 5.

    Radius and square are those of pictures 128 rows high and grow with the height. A limb needs both its ends, a part
    of the trunk three of shoulders and hips. What lies beyond the border counts as person while the closing shrinks
    the mask again, so that a person whom the border cuts keeps their edge.

    Args:
        landmarks: (N, 17, 2) (x, y) in pixels, centres at integers.
        valid: (N, 17) bool, found.
        size: (H, W) of the pictures.

    Returns:
        (N, H, W) masks on the landmarks' device; empty for nobody found.

    Raises:
        ValueError: for other shapes.

    Source: the pose mask of PG² (Ma et al. 2017), here from COCO's 17 joints; the paper takes its mask-IS from there.

    >>> landmarks = torch.full((1, 17, 2), 20.0)
    >>> masks = polygon_masks(landmarks, torch.ones(1, 17, dtype=torch.bool))
    >>> masks.values.sum().item(), masks.origin  # a disc of radius 4
    (49, 'limb polygons, radius 4, closed 5 x 5')
    """
    sizes: Sizes = {}
    check_tensor("landmarks", landmarks, f"N {len(JOINTS)} 2", "landmarks", "real", sizes=sizes, empty=True)
    check_tensor("valid", valid, f"N {len(JOINTS)}", "valid landmarks", "bool", sizes=sizes, empty=True)
    size = size_from("size", size)
    height = size[0]
    radius, closing = RADIUS * height / HEIGHT, 2 * round((CLOSING // 2) * height / HEIGHT) + 1
    # A few at a time: of each person there is a map a limb in between.
    values = torch.empty(len(landmarks), *size, dtype=torch.bool, device=landmarks.device)
    few = at_a_time(landmarks.device)
    for some, known, into in zip(*(part.split(few) for part in (landmarks, valid, values)), strict=True):
        into.copy_(_polygons(some, known, size, radius, closing))
    return PersonMasks(values, f"limb polygons, radius {radius:g}, closed {closing} x {closing}")


def _polygons(landmarks: Tensor, valid: Tensor, size: tuple[int, int], radius: float, closing: int) -> Tensor:
    # limb_masks falls from 1 at its radius to 0 two pixels further: a half lies one pixel further.
    limbs = limb_masks(landmarks.float(), valid, size=size, radius=radius - 1)[:, 0] >= 0.5
    mask = (limbs | _trunks(landmarks.float(), valid, size)).float()[:, None]
    wide = functional.max_pool2d(mask, closing, stride=1, padding=closing // 2)
    closed = -functional.max_pool2d(-wide, closing, stride=1, padding=closing // 2)
    return closed[:, 0] > 0.5


def _trunks(landmarks: Tensor, valid: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, H, W) bool: the triangles of the trunk, edges included."""
    rows = torch.arange(size[0], device=landmarks.device, dtype=landmarks.dtype)[:, None]
    columns = torch.arange(size[1], device=landmarks.device, dtype=landmarks.dtype)[None]
    inside = torch.zeros(len(landmarks), *size, dtype=torch.bool, device=landmarks.device)
    for triangle in _TRUNK:
        corners = landmarks[:, list(triangle)]
        sides = []
        for k in range(3):
            (x0, y0), (x1, y1) = (corners[:, end % 3, :, None, None].unbind(1) for end in (k, k + 1))
            sides.append((columns - x0) * (y1 - y0) - (rows - y0) * (x1 - x0))
        side = torch.stack(sides)
        within = (side >= 0).all(0) | (side <= 0).all(0)
        # Three corners on a line have no inside, but the test holds on all of the line, beyond its ends too.
        (ax, ay), (bx, by), (cx, cy) = (corner.unbind(1) for corner in corners.unbind(1))
        flat = ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)).abs() < 1e-3
        usable = valid[:, list(triangle)].all(1) & ~flat
        inside |= within & usable[:, None, None]
    return inside


def mask_pictures(pictures: Tensor, masks: Tensor, *, colour: Sequence[int] = BACKGROUND) -> Tensor:
    """Pictures whose background is one colour.

    Args:
        pictures: (N, 3, H, W) uint8.
        masks: (N, H, W) bool, what stays.
        colour: red, green, blue from 0 to 255; black by default.

    Returns:
        (N, 3, H, W) uint8, new.

    Raises:
        ValueError: for other shapes or types, or for no colour.

    >>> pictures, masks = torch.full((1, 3, 1, 2), 200, dtype=torch.uint8), torch.tensor([[[True, False]]])
    >>> mask_pictures(pictures, masks, colour=(1, 2, 3))[0, :, 0].tolist()
    [[200, 1], [200, 2], [200, 3]]
    """
    sizes: Sizes = {}
    check_bytes("pictures", pictures, sizes=sizes, empty=True)
    check_tensor("masks", masks, "N H W", "masks", "bool", sizes=sizes, empty=True)
    fits = isinstance(colour, tuple | list) and len(colour) == 3
    if not fits or not all(type(part) is int and 0 <= part <= 255 for part in colour):
        raise ValueError(f"colour: expected three whole numbers from 0 to 255, got {colour!r}")
    background = torch.tensor(colour, dtype=torch.uint8, device=pictures.device).view(1, 3, 1, 1)
    return torch.where(masks[:, None].to(pictures.device), pictures, background)
