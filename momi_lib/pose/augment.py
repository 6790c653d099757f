"""Changes to a picture that its joints follow, for training the teacher from joints."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.arguments import Sizes, check_pictures, check_tensor, told
from momi_lib.data import mirror_joints, mirror_pictures
from momi_lib.skeleton import JOINTS

# Mild on purpose: with 30 degrees, half of the pictures covered and strong colour changes a light network had not
# learned to tell left from right after 1,800 steps; the pictures have occluders and six cameras' colours of their own.
ROTATION = 10.0  # degrees to either side
SCALE = (0.85, 1.15)
SHIFT = 0.06  # share of the picture's size, to either side
OCCLUDED = 0.2  # share of the pictures that get an occluder


def augment(
    pictures: Tensor, joints: Tensor, visibility: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Mirror, rotate, scale, shift, recolour and cover a batch, picture and joints in common.

    Mirroring exchanges left and right joints. Joints may leave the picture: their coordinates say so.

    Args:
        pictures: (N, 3, H, W) in [-1, 1].
        joints: (N, 17, 2), pixels.
        visibility: (N, 17); where it is 0 the coordinates mean nothing.
        generator: of the CPU, whatever the device of the pictures, so that a seed draws the same everywhere.

    Returns:
        pictures, joints and visibility of the same shapes.

    >>> pictures, joints = torch.zeros(2, 3, 128, 64), torch.full((2, 17, 2), 30.0)
    >>> generator = torch.Generator().manual_seed(0)
    >>> pictures, joints, visibility = augment(pictures, joints, torch.ones(2, 17), generator)
    >>> pictures.shape, joints.shape, visibility.shape
    (torch.Size([2, 3, 128, 64]), torch.Size([2, 17, 2]), torch.Size([2, 17]))
    """
    sizes: Sizes = {}
    check_pictures("pictures", pictures, sizes=sizes)
    check_tensor("joints", joints, f"N {len(JOINTS)} 2", "joints", sizes=sizes)
    check_tensor("visibility", visibility, f"N {len(JOINTS)}", "visibility", "any", sizes=sizes)
    _check_types(pictures=pictures, joints=joints)
    if pictures.dtype != torch.float32:
        raise ValueError(f"pictures: expected torch.float32, got {pictures.dtype}")
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator: expected a torch.Generator, got {told(generator)}")
    count, device, width = len(pictures), pictures.device, pictures.shape[-1]

    def draw(*shape: int, low: float = 0, high: float = 1) -> Tensor:
        return (low + (high - low) * torch.rand(count, *shape, generator=generator)).to(device)

    flip = draw() < 0.5
    other_joints, other_visibility = mirror_joints(joints, visibility, width)
    pictures = torch.where(flip.view(-1, 1, 1, 1), mirror_pictures(pictures), pictures)
    joints = torch.where(flip.view(-1, 1, 1), other_joints, joints)
    visibility = torch.where(flip.view(-1, 1), other_visibility, visibility)

    low, high = torch.tensor(SCALE).log().tolist()
    angle = draw(low=-ROTATION, high=ROTATION).deg2rad()
    pictures, joints = move(pictures, joints, angle, draw(low=low, high=high).exp(), draw(2, low=-SHIFT, high=SHIFT))

    pictures = _recolour(pictures, draw)
    return _cover(pictures, draw), joints, visibility


def move(pictures: Tensor, joints: Tensor, angle: Tensor, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Rotate by `angle` (N,) radians, enlarge by `scale` (N,) and shift by `shift` (N, 2) of (width, height).

    About the picture's centre; what enters the picture repeats its border.

    >>> picture = torch.zeros(1, 1, 9, 9)
    >>> picture[..., 2, 4] = 1
    >>> moved, joint = move(picture, torch.tensor([[[4.0, 2.0]]]), torch.tensor([torch.pi / 2]),
    ...                     torch.ones(1), torch.zeros(1, 2))
    >>> joint.round().abs().tolist(), moved[0, 0, 4].argmax().item()
    ([[[6.0, 4.0]]], 6)
    """
    sizes: Sizes = {}
    check_tensor("pictures", pictures, "N C H W", "float pictures {}", sizes=sizes)
    check_tensor("joints", joints, "N K 2", "joints", sizes=sizes)
    _check_motion(sizes, angle, scale, shift, pictures=pictures, joints=joints)
    size = joints.new_tensor(pictures.shape[:-3:-1])  # width, height
    centre = (size - 1) / 2
    joints = (joints - centre) @ _rotation(angle, scale).mT + (shift * size)[:, None] + centre
    return _resample(pictures, angle, scale, shift, "border"), joints


def move_with_maps(
    pictures: Tensor, maps: Tensor, angle: Tensor, scale: Tensor, shift: Tensor
) -> tuple[Tensor, Tensor]:
    """The same as :func:`move` for pictures whose joints are known as heatmaps (N, K, h, w), w : h as the pictures.

    What enters the maps is 0.

    >>> pictures, maps = torch.zeros(1, 3, 16, 8), torch.zeros(1, 17, 4, 2)
    >>> maps[:, :, 1, 0] = 1
    >>> still = torch.zeros(1), torch.ones(1), torch.zeros(1, 2)
    >>> bool(torch.allclose(move_with_maps(pictures, maps, *still)[1], maps, atol=1e-6))
    True
    """
    sizes: Sizes = {}
    check_tensor("pictures", pictures, "N C H W", "float pictures {}", sizes=sizes)
    check_tensor("maps", maps, "N K h w", "heatmaps", sizes=sizes)
    _check_motion(sizes, angle, scale, shift, pictures=pictures, maps=maps)
    moved = _resample(pictures, angle, scale, shift, "border")
    return moved, _resample(maps, angle, scale, shift, "zeros")


def _check_types(**given: Tensor) -> None:
    """Refuse floats of several types, which do not multiply with each other."""
    if len({each.dtype for each in given.values()}) > 1:
        told_of = ", ".join(f"{name} {each.dtype}" for name, each in given.items())
        raise ValueError(f"{', '.join(given)}: expected floats of one type, got {told_of}")


def _check_motion(sizes: Sizes, angle: Tensor, scale: Tensor, shift: Tensor, **moved: Tensor) -> None:
    check_tensor("angle", angle, "N", "angles", sizes=sizes)
    check_tensor("scale", scale, "N", "factors", sizes=sizes)
    check_tensor("shift", shift, "N 2", "shifts", sizes=sizes)
    _check_types(angle=angle, scale=scale, shift=shift, **moved)


def _rotation(angle: Tensor, scale: Tensor) -> Tensor:
    """(N, 2, 2), old → new pixels from the centre."""
    cosine, sine = (angle.cos() * scale), (angle.sin() * scale)
    return torch.stack([cosine, -sine, sine, cosine], dim=-1).view(-1, 2, 2)


def _resample(grids: Tensor, angle: Tensor, scale: Tensor, shift: Tensor, padding: str) -> Tensor:
    backward = _rotation(angle, scale).mT / scale.view(-1, 1, 1) ** 2  # new → old
    size = grids.new_tensor(grids.shape[:-3:-1])
    # affine_grid's coordinates run from -1 to 1 between the edges: pixels from the centre = half a size times
    # it.
    half = size / 2
    theta = torch.cat(
        [backward * half / half[:, None], -(backward @ (shift * size)[..., None]) / half[:, None]], dim=2
    )
    grid = functional.affine_grid(theta, list(grids.shape), align_corners=False)
    return functional.grid_sample(grids, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def _recolour(pictures: Tensor, draw: Callable[..., Tensor]) -> Tensor:
    grey = pictures.mean(dim=1, keepdim=True)
    pictures = grey + (pictures - grey) * draw(1, 1, 1, low=0.7, high=1.3)  # saturation
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    pictures = mean + (pictures - mean) * draw(1, 1, 1, low=0.8, high=1.25)  # contrast
    pictures = pictures + draw(1, 1, 1, low=-0.12, high=0.12) + draw(3, 1, 1, low=-0.05, high=0.05)
    return pictures.clamp(-1, 1)


def _cover(pictures: Tensor, draw: Callable[..., Tensor]) -> Tensor:
    """A rectangle of one colour over some of the pictures, as a passer-by or a post would."""
    height, width = pictures.shape[-2:]
    rows = torch.arange(height, device=pictures.device).view(1, 1, -1, 1) / height
    columns = torch.arange(width, device=pictures.device).view(1, 1, 1, -1) / width
    y, x = draw(1, 1, 1), draw(1, 1, 1)
    inside = ((rows - y).abs() < draw(1, 1, 1, low=0.03, high=0.2)) & (
        (columns - x).abs() < draw(1, 1, 1, low=0.05, high=0.3)
    )
    return torch.where(inside & (draw(1, 1, 1) < OCCLUDED), draw(3, 1, 1, low=-1, high=1), pictures)
