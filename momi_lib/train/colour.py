"""Other colours for a triplet: more clothes than the data set has people, and nobody changes them on the way."""

from __future__ import annotations

import torch
from torch import Tensor

COLOUR_NUMBERS = 4  # random numbers a triplet: hue, saturation, contrast, brightness


def jitter_colours(pictures: Tensor, numbers: Tensor, strength: float) -> Tensor:
    """Turn the hue and change saturation, contrast and brightness, alike for all pictures of a triplet.

    x and x⁺ must change together, or G would be asked for colours that its source does not have.

    Args:
        pictures: (K, N, 3, H, W) in [-1, 1], the K pictures of N triplets.
        numbers: (N, 4) in [0, 1), one row a triplet; 0.5 everywhere changes nothing.
        strength: 1 turns the hue by up to ±36°, scales saturation and contrast by 0.6 to 1.4 and 0.75 to 1.25 and adds
            up to ±0.2 of brightness; 0 changes nothing.

    Returns:
        Pictures of the same shape, clamped to [-1, 1].

    >>> pictures = torch.linspace(-0.5, 0.5, 6).view(2, 1, 3, 1, 1)
    >>> same = jitter_colours(pictures, torch.full((1, 4), 0.5), 1.0)
    >>> bool(torch.allclose(same, pictures, atol=1e-6))
    True
    """
    hue, saturation, contrast, brightness = ((2 * numbers - 1) * strength).T
    # In the plane of equal sums of R, G and B a hue is an angle: turning about the grey axis by Rodrigues' formula,
    # with the saturation as the length in that plane.
    angle = hue * torch.pi / 5
    axis = pictures.new_full((3, 3), 1 / 3)
    third = 3**-0.5
    turn = pictures.new_tensor([[0, -third, third], [third, 0, -third], [-third, third, 0]])
    plane = torch.eye(3, dtype=pictures.dtype, device=pictures.device) - axis
    rotation = angle.cos()[:, None, None] * plane + angle.sin()[:, None, None] * turn
    matrix = axis + (1 + 0.4 * saturation)[:, None, None] * rotation
    matrix = matrix * (1 + 0.25 * contrast)[:, None, None]
    changed = torch.einsum("nij,knjhw->knihw", matrix, pictures) + 0.2 * brightness[:, None, None, None]
    return changed.clamp(-1, 1)
