"""Features of many pictures, and the score that compares them place by place."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.arguments import Sizes, check_bytes, check_network, check_tensor, whole
from momi_lib.data import size_of, to_float
from momi_lib.devices import at_a_time
from momi_lib.features import FeatureNetwork


@torch.inference_mode()
def describe(network: FeatureNetwork, pictures: Tensor, *, batch: int | None = None) -> Tensor:
    """One descriptor a picture: the network's own (``embed``), or else the mean of its block 5 over all places.

    Args:
        network: whose ``name`` must stand beside every number made of these.
        pictures: (N, 3, H, W) uint8.

    Returns:
        (N, D) float32 on the CPU.

    Raises:
        TypeError, ValueError: for other pictures, no network, or one whose answer depends on its mode and that trains.

    >>> from momi_lib.features import RandomFeatures
    >>> describe(RandomFeatures(), torch.zeros(3, 3, 128, 64, dtype=torch.uint8)).shape
    torch.Size([3, 64])
    """
    check_network("network", network, "a feature network")
    check_bytes("pictures", pictures)
    device = next(network.parameters()).device
    batch = at_a_time(device) if batch is None else whole("batch", batch)
    embed = getattr(network, "embed", lambda some: network(some)[1].mean((-2, -1)))
    some = pictures.split(batch)
    return torch.cat([embed(to_float(part.to(device))).float().cpu() for part in some])


@torch.inference_mode()
def perceptual_distance(
    network: FeatureNetwork, pictures: Tensor, truth: Tensor, masks: Tensor | None = None, *, batch: int | None = None
) -> Tensor:
    """How different two pictures look to a network, place by place, on the person's places.

    Features of blocks 2 and 5 are brought to length 1 at each place; the squared differences are averaged over the
    places that the mask covers (by its share), and added up over blocks. This is LPIPS without the weights that were
    fitted to people's judgements, so its numbers are not comparable with LPIPS's.

    Args:
        network: whose ``name`` must stand beside the number.
        pictures, truth: (N, 3, H, W) uint8.
        masks: (N, H, W) bool, or ``None`` for all places.

    Returns:
        (N,) float32 from 0 (alike) to 8; NaN for an empty mask.

    Raises:
        TypeError, ValueError: as :func:`describe`, and for another number or size of pictures or masks.

    Source: Zhang et al. 2018 (LPIPS), without its linear weights.

    >>> from momi_lib.features import RandomFeatures
    >>> zero = torch.zeros(2, 3, 128, 64, dtype=torch.uint8)
    >>> perceptual_distance(RandomFeatures(), zero, zero)
    tensor([0., 0.])
    """
    check_network("network", network, "a feature network")
    sizes: Sizes = {}
    check_bytes("pictures", pictures, sizes=sizes)
    check_bytes("truth", truth, sizes=sizes)
    if masks is not None:
        check_tensor("masks", masks, "N H W", "masks", "bool", sizes=sizes)
    device = next(network.parameters()).device
    distances = []
    batch = at_a_time(device) if batch is None else whole("batch", batch)
    for start in range(0, len(pictures), batch):
        rows = slice(start, start + batch)
        ours, theirs = (network(to_float(some[rows].to(device))) for some in (pictures, truth))
        weight = torch.ones(len(ours[0]), 1, *pictures.shape[-2:], device=device)
        if masks is not None:
            weight = masks[rows, None].to(device).float()
        total = torch.zeros(len(weight), device=device)
        for a, b in zip(ours, theirs, strict=True):
            square = (functional.normalize(a, dim=1) - functional.normalize(b, dim=1)).square().sum(1)
            share = functional.adaptive_avg_pool2d(weight, size_of(square))[:, 0]
            total += (square * share).sum((1, 2)) / share.sum((1, 2))
        distances.append(total.cpu())
    return torch.cat(distances)
