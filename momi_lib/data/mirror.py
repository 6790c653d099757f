"""Mirror images. Who is mirrored raises the other hand: left and right joints change places.

A picture of W columns is mirrored by x' = W - 1 - x (pixel centres at integers), which is also what reversing
the last axis of a map does.
"""

from __future__ import annotations

import torch
from torch import Tensor

from momi_lib.arguments import check_tensor, whole
from momi_lib.skeleton import JOINTS, MIRROR

__all__ = ["mirror_joints", "mirror_maps", "mirror_pictures"]


def mirror_pictures(pictures: Tensor) -> Tensor:
    """Pictures or masks (..., H, W) mirrored left to right; any dtype.

    >>> mirror_pictures(torch.tensor([[1, 2, 3]]))
    tensor([[3, 2, 1]])
    """
    check_tensor("pictures", pictures, "... H W", "pictures or masks", "any", empty=True)
    return pictures.flip(-1)


def mirror_joints(joints: Tensor, visibility: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Joints of the mirrored picture.

    Args:
        joints: (..., 17, 2), (x, y) in pixels.
        visibility: (..., 17), any dtype; where it is 0 (or False) the coordinates mean nothing and stay.
        width: columns of the picture, W.

    Returns joints and visibility with left and right exchanged and x' = W - 1 - x.
    Raises ValueError when the shapes are not those above.

    >>> joints, visibility = torch.zeros(17, 2), torch.zeros(17)
    >>> joints[9], visibility[9] = torch.tensor([10.0, 50.0]), 2  # the left wrist
    >>> joints, visibility = mirror_joints(joints, visibility, 64)
    >>> joints[10], visibility[10]  # is now the right one
    (tensor([53., 50.]), tensor(2.))
    """
    check_tensor("joints", joints, f"... {len(JOINTS)} 2", "joints", "real", empty=True)
    check_tensor("visibility", visibility, f"... {len(JOINTS)}", "visibility", "any", empty=True)
    if visibility.shape != joints.shape[:-1]:
        raise ValueError(
            f"expected joints (..., 17, 2) and visibility (..., 17), "
            f"got {tuple(joints.shape)} and {tuple(visibility.shape)}."
        )
    width = whole("width", width)
    mirror = torch.tensor(MIRROR, device=joints.device)
    joints, visibility = joints.index_select(-2, mirror), visibility.index_select(-1, mirror)
    x, y = joints.unbind(-1)
    return torch.stack([torch.where(visibility > 0, width - 1 - x, x), y], dim=-1), visibility


def mirror_maps(maps: Tensor) -> Tensor:
    """Heatmaps or pose maps (..., 17, h, w) of the mirrored picture: reversed, left and right exchanged.

    Raises ValueError when there are not 17 channels.

    >>> maps = torch.zeros(17, 1, 3)
    >>> maps[15, 0, 0] = 1  # the left ankle, at the left edge
    >>> mirror_maps(maps)[16]  # is now the right one, at the right edge
    tensor([[0., 0., 1.]])
    """
    check_tensor("maps", maps, f"... {len(JOINTS)} h w", "maps", "any", empty=True)
    return maps.flip(-1).index_select(-3, torch.tensor(MIRROR, device=maps.device))
