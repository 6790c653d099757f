"""What an answer copies: whose edges, whose background and whose colours it shows.

A method that recolours the target's picture, instead of moving the source's person, gets a good pose and often a good
distance between sets of pictures. These measures tell the two apart:

- edges: Pearson's correlation of the grey gradients of two pictures, on the masked pixels;
- background: the share of masked pixels whose colours are (nearly) those of another picture;
- colours: the distance of the mean colours in squares around the same joint of two pictures.
"""

from __future__ import annotations

import torch
from torch import Tensor

from momi_lib.arguments import Sizes, check_bytes, check_tensor, number
from momi_lib.patches import skeleton_patches
from momi_lib.skeleton import JOINTS

GREY = (0.299, 0.587, 0.114)


def edge_correlation(pictures: Tensor, others: Tensor, masks: Tensor) -> Tensor:
    """Pearson's correlation of the grey gradients of two pictures, horizontal and vertical ones together.

    A gradient counts where both its pixels are masked. The correlation does not change with the colours' contrast, so a
    picture that was recoloured keeps the edges of the one it was made from.

    Args:
        pictures, others: (N, 3, H, W) uint8.
        masks: (N, H, W) bool.

    Returns:
        (N,) float32 in [-1, 1]; NaN where a picture has no gradient on its mask.

    Raises:
        ValueError: for other types or shapes.

    >>> noise = torch.randint(256, (1, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    >>> everywhere = torch.ones(1, 16, 16, dtype=torch.bool)
    >>> [round(float(edge_correlation(noise, other, everywhere)), 3) for other in (noise, noise // 2 + 90, 255 - noise)]
    [1.0, 1.0, -1.0]
    """
    _check(pictures, others, masks)
    sums = torch.zeros(6, len(pictures), dtype=torch.double, device=pictures.device)
    for axis in (-1, -2):
        ours, theirs = (_grey(each).diff(dim=axis) for each in (pictures, others))
        inside = masks.narrow(axis, 1, masks.shape[axis] - 1) & masks.narrow(axis, 0, masks.shape[axis] - 1)
        terms = (torch.ones_like(ours), ours, theirs, ours * ours, theirs * theirs, ours * theirs)
        sums += torch.stack([(term * inside).sum((1, 2), dtype=torch.double) for term in terms])
    count, first, second, square, other_square, product = sums
    between = product - first * second / count
    spread = (square - first**2 / count) * (other_square - second**2 / count)
    return torch.where(spread > 0, between / spread.clamp_min(0).sqrt(), torch.nan).float().clamp(-1, 1)


def copied_share(pictures: Tensor, others: Tensor, masks: Tensor, *, within: float = 0.1) -> Tensor:
    """The share of the masked pixels of which every channel is within ``within`` of the other picture's.

    Args:
        pictures, others: (N, 3, H, W) uint8.
        masks: (N, H, W) bool.
        within: of colours from 0 to 1.

    Returns:
        (N,) float32 in [0, 1]; NaN where the mask is empty.

    Raises:
        ValueError: for other types or shapes, or a tolerance outside [0, 1].

    >>> black, grey = torch.zeros(1, 3, 8, 8).byte(), torch.full((1, 3, 8, 8), 20).byte()
    >>> everywhere = torch.ones(1, 8, 8, dtype=torch.bool)
    >>> copied_share(black, grey, everywhere), copied_share(black, grey, everywhere, within=0.05)
    (tensor([1.]), tensor([0.]))
    """
    _check(pictures, others, masks)
    within = number("within", within, 0, 1, what="a difference of colours")
    near = (pictures.short() - others.short()).abs().amax(1) <= within * 255
    return (near & masks).sum((1, 2)) / masks.sum((1, 2))


def joint_colour_distance(
    pictures: Tensor, places: Tensor, valid: Tensor, others: Tensor, other_places: Tensor, other_valid: Tensor,
    *, radius: float = 4.0,
) -> Tensor:
    """How far the mean colour around a joint is from that around the same joint of another picture.

    Args:
        pictures, others: (N, 3, H, W) uint8.
        places, other_places: (N, 17, 2) landmarks in pixels of each picture.
        valid, other_valid: (N, 17) bool.
        radius: half the side of the square around a joint, in pixels.

    Returns:
        (N,) float32: mean over channels and over the joints that are valid in both, of colours from 0 to 1; NaN where
        no joint is.

    >>> white, black = torch.full((1, 3, 32, 32), 255).byte(), torch.zeros(1, 3, 32, 32).byte()
    >>> joints = (torch.full((1, 17, 2), 16.0), torch.ones(1, 17, dtype=torch.bool))
    >>> joint_colour_distance(white, *joints, black, *joints)
    tensor([1.])
    """
    sizes: Sizes = {}
    for prefix, some, where, seen in (("", pictures, places, valid), ("other_", others, other_places, other_valid)):
        check_bytes("others" if prefix else "pictures", some, sizes=sizes)
        check_tensor(f"{prefix}places", where, f"N {len(JOINTS)} 2", "landmarks", "real", sizes=sizes)
        check_tensor(f"{prefix}valid", seen, f"N {len(JOINTS)}", "valid landmarks", "bool", sizes=sizes)
    colours = []
    for some, where, seen in ((pictures, places, valid), (others, other_places, other_valid)):
        patches, inside = skeleton_patches(some.float() / 255, where.float(), seen, radius=radius, size=4)
        colours.append((patches.mean((-1, -2)), inside))
    (ours, one), (theirs, two) = colours
    both = one & two
    distance = (ours - theirs).abs().mean(-1)
    return (distance * both).sum(1) / both.sum(1)


def _grey(pictures: Tensor) -> Tensor:
    return (pictures.float() * pictures.new_tensor(GREY, dtype=torch.float)[:, None, None]).sum(1)


def _check(pictures: Tensor, others: Tensor, masks: Tensor) -> None:
    sizes: Sizes = {}
    check_bytes("pictures", pictures, sizes=sizes, empty=True)
    check_bytes("others", others, sizes=sizes, empty=True)
    check_tensor("masks", masks, "N H W", "masks", "bool", sizes=sizes, empty=True)
