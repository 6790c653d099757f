"""Skeleton patches, the operands of Eq. 6: RoI Align on a square around each landmark, or strips along limbs.

RoI Align counts coordinates from the picture's edge, so that the centre of pixel i lies at i + 0.5; the
landmarks of this package have pixel centres at integers. The half pixel is added here and nowhere else.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.arguments import LONGEST, Sizes, check_tensor, number, whole
from momi_lib.skeleton import JOINTS

#: What :func:`limb_patches` lays strips along: arms, legs, the sides of the trunk, shoulders, hips, and the head with
#: the neck, from the nose to either shoulder.
STRIPS: tuple[tuple[int, int], ...] = (
    (5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (5, 11), (6, 12), (5, 6), (11, 12), (0, 5),
    (0, 6),
)  # fmt: skip


def landmark_boxes(landmarks: Tensor, *, radius: float) -> Tensor:
    """Squares around landmarks in RoI Align's coordinates.

    Args:
        landmarks: (N, K, 2), (x, y) in pixels, pixel centres at integers.
        radius: half the side in pixels.

    Returns:
        (N·K, 5): picture index, x₁, y₁, x₂, y₂. Detached: a box is where to look, and never learns.

    >>> landmark_boxes(torch.tensor([[[20.0, 30.0]]]), radius=10)
    tensor([[ 0.0000, 10.5000, 20.5000, 30.5000, 40.5000]])
    """
    check_tensor("landmarks", landmarks, "N K 2", "landmarks", "real")
    radius = number("radius", radius, above=0)
    pictures, joints, _ = landmarks.shape
    centre = landmarks.detach().reshape(-1, 2).float() + 0.5
    index = torch.arange(pictures, device=landmarks.device).repeat_interleave(joints)
    return torch.cat([index[:, None].float(), centre - radius, centre + radius], dim=1)


def _in_picture(pictures: Tensor, landmarks: Tensor, valid: Tensor, joints: int | None = None) -> Tensor:
    """(N, K): which landmarks are valid and lie in the picture.

    Raises ValueError where the shapes do not fit together, or there are not as many ``joints``.
    """
    sizes: Sizes = {}
    check_tensor("pictures", pictures, "N C H W", "float pictures {}", sizes=sizes)
    check_tensor("landmarks", landmarks, f"N {joints or 'K'} 2", "landmarks", sizes=sizes)
    check_tensor("valid", valid, f"N {joints or 'K'}", "valid landmarks", "bool", sizes=sizes)
    extent = landmarks.new_tensor([pictures.shape[-1], pictures.shape[-2]])
    return valid & ((landmarks >= -0.5) & (landmarks <= extent - 0.5)).detach().all(-1)


def skeleton_patches(
    pictures: Tensor,
    landmarks: Tensor,
    valid: Tensor,
    *,
    radius: float = 10.0,
    size: int = 8,
) -> tuple[Tensor, Tensor]:
    """RoI(x, p): the picture around each landmark, resampled to ``size`` × ``size``.

    A square that reaches over the border sees the border pixels repeated: compared with a square elsewhere,
    the grey of zero padding would be a difference that no generator can mend.

    Args:
        pictures: (N, 3, H, W).
        landmarks: (N, K, 2), (x, y) in pixels, pixel centres at integers.
        valid: (N, K) bool.
        radius: half the side of the square in pixels of the picture.
        size: side of a patch.

    Returns:
        patches (N, K, 3, size, size) and their validity (N, K): the landmark is valid and lies in the picture.
        Gradients flow into the pictures and not into the landmarks.

    Raises:
        ValueError: where the shapes do not fit together.

    Source: MOMI-Net Eq. 6 with RoI Align (He et al. 2017); derived in notebook 06.

    >>> picture = torch.arange(64.0).expand(1, 3, 128, 64)  # the value of a pixel is its x
    >>> patches, valid = skeleton_patches(picture, torch.tensor([[[20.0, 30.0]]]), torch.tensor([[True]]))
    >>> patches.shape, bool(valid), round(float(patches.mean()), 3)
    (torch.Size([1, 1, 3, 8, 8]), True, 20.0)
    """
    from torchvision.ops import roi_align  # loading torchvision takes more than a second

    radius, size = number("radius", radius, above=0, most=LONGEST), whole("size", size, 1, LONGEST)
    valid = _in_picture(pictures, landmarks, valid)
    height, width = pictures.shape[-2:]
    # An invalid landmark may hold anything, NaN too: look at the middle instead and let `valid` drop it.
    middle = landmarks.new_tensor([(width - 1) / 2, (height - 1) / 2])
    inside = torch.where(valid[..., None], landmarks.detach(), middle)
    margin = int(radius) + 1
    padded = functional.pad(pictures.float(), (margin,) * 4, mode="replicate")  # no bfloat16 kernel on CUDA
    boxes = landmark_boxes(inside + margin, radius=radius)
    patches = roi_align(padded, boxes, output_size=size, sampling_ratio=2, aligned=True)
    return patches.unflatten(0, valid.shape), valid


def limb_points(landmarks: Tensor, valid: Tensor, between: int = 2) -> tuple[Tensor, Tensor]:
    """The landmarks and, along each of :data:`STRIPS`, ``between`` points more.

    Args:
        landmarks: (N, 17, 2) in any unit.
        valid: (N, 17) bool.

    Returns:
        points (N, 17 + L · between, 2) and whether they are known (N, ·): a point between needs both its joints.

    >>> points, known = limb_points(torch.zeros(2, 17, 2), torch.ones(2, 17, dtype=torch.bool))
    >>> points.shape, bool(known.all())
    (torch.Size([2, 45, 2]), True)
    """
    sizes: Sizes = {}
    check_tensor("landmarks", landmarks, f"N {len(JOINTS)} 2", "landmarks", sizes=sizes)
    check_tensor("valid", valid, f"N {len(JOINTS)}", "valid landmarks", "bool", sizes=sizes)
    between = whole("between", between, 0, LONGEST)
    first, second = (torch.tensor(end, device=landmarks.device) for end in zip(*STRIPS, strict=True))
    share = torch.arange(1, between + 1, device=landmarks.device, dtype=landmarks.dtype)[:, None] / (between + 1)
    inner = torch.lerp(landmarks[:, first, None], landmarks[:, second, None], share)
    known = (valid[:, first] & valid[:, second])[..., None].expand(-1, -1, between)
    return torch.cat([landmarks, inner.flatten(1, 2)], dim=1), torch.cat([valid, known.flatten(1)], dim=1)


def limb_patches(
    pictures: Tensor,
    landmarks: Tensor,
    valid: Tensor,
    *,
    radius: float = 4.0,
    size: int = 8,
) -> tuple[Tensor, Tensor]:
    """Strips along limbs, turned and stretched with them: a named option beside :func:`skeleton_patches` for Eq. 6.

    A square keeps its place and not its direction, so that a forearm that has turned is compared with what lies
    beside it. A strip reaches from joint to joint and ``radius`` to either side, however the limb lies; whoever is
    right in both pictures shows the same sleeve in it.

    Args:
        pictures: (N, 3, H, W).
        landmarks: (N, 17, 2), (x, y) in pixels, pixel centres at integers.
        valid: (N, 17) bool.
        radius: half the width of a strip in pixels of the picture.
        size: samples along a limb, and across it.

    Returns:
        patches (N, L, 3, size, size), L = ``len(STRIPS)``, rows from the first joint to the second, and their validity
        (N, L): both joints are valid, lie in the picture and are at least a pixel apart. Gradients flow into the
        pictures and not into the landmarks.

    Raises:
        ValueError: where the shapes do not fit together.

    >>> picture = torch.arange(128.0)[:, None].expand(1, 3, 128, 64)  # the value of a pixel is its y
    >>> landmarks = torch.full((1, 17, 2), 20.0)
    >>> landmarks[0, 7, 1] = 60.0  # from the left shoulder at y = 20 down to the elbow
    >>> patches, valid = limb_patches(picture, landmarks, torch.ones(1, 17, dtype=torch.bool), size=4)
    >>> patches[0, 0, 0, :, 0].tolist(), bool(valid[0, 0]), bool(valid[0, 10])  # the shoulders coincide: no strip
    ([25.0, 35.0, 45.0, 55.0], True, False)
    """
    radius, size = number("radius", radius, above=0, most=LONGEST), whole("size", size, 1, LONGEST)
    valid = _in_picture(pictures, landmarks, valid, joints=len(JOINTS))
    height, width = pictures.shape[-2:]
    landmarks = landmarks.detach()
    landmarks = torch.where(valid[..., None], landmarks, landmarks.new_zeros(()))
    first, second = (torch.tensor(end, device=landmarks.device) for end in zip(*STRIPS, strict=True))
    start, along = landmarks[:, first], landmarks[:, second] - landmarks[:, first]
    length = along.norm(dim=-1, keepdim=True)
    valid = valid[:, first] & valid[:, second] & (length[..., 0] >= 1)
    across = torch.stack([-along[..., 1], along[..., 0]], dim=-1) / length.clamp_min(1) * radius
    middles = (torch.arange(size, device=landmarks.device, dtype=landmarks.dtype) + 0.5) / size
    points = (  # (N, L, size along, size across, 2)
        start[:, :, None, None]
        + middles[:, None, None] * along[:, :, None, None]
        + (2 * middles[:, None] - 1) * across[:, :, None, None]
    )
    grid = ((points + 0.5) * 2 / landmarks.new_tensor([width, height]) - 1).flatten(1, 2)
    patches = functional.grid_sample(
        pictures.float(), grid.float(), mode="bilinear", padding_mode="border", align_corners=False
    )
    return patches.unflatten(2, (len(STRIPS), size)).transpose(1, 2), valid
