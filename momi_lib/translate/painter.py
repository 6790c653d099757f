"""The painter: what is carried over becomes a picture, and what nobody sees is drawn. Not in the paper.

G's features at H/2 are joined with the two carried pictures and decide, place by place, how much is drawn, how much is
carried over from the same side of the body and how much from the other. They also correct the light on what is carried,
because the source's body stood at another angle to it. The silhouette is B_t's, uncorrected: B_t was trained on poses
for which G never had a picture, and corrections by G removed dragged arms.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib.pose.body_maps import BodyMap
from momi_lib.translate.blocks import Norm, ResidualBlock, conv, initialise

__all__ = ["Carried", "Painted", "Painter"]


CRISP = 4.0  # times the logit of B_t, which is soft where the outline might be here or there: an edge is somewhere
UNSEEN = 0.03  # a carried colour's share before any learning where the source does not show the place at all


class Carried(NamedTuple):
    """What reaches the painter beside G's features.

    ``own``, ``mirrored`` (N, 3, H, W) in [-1, 1], 0 where nothing is looked up; ``confidence`` (N, 2, H/2, W/2) of
    both; ``features`` (N, c, H/2, W/2) of E_a; ``body`` the answer's body map.
    """

    own: Tensor
    mirrored: Tensor
    confidence: Tensor
    features: Tensor
    body: BodyMap


class Painted(NamedTuple):
    """``person`` (N, 3, H, W), about in [-1, 1], everywhere; ``silhouette`` (N, 1, H, W) in [0, 1], how much of each
    pixel is the person; ``drawn`` (N, 3, H, W) in [-1, 1], what G draws, background included; ``gates`` (N, 3, H, W),
    shares of drawn, own and mirrored that sum to 1; ``light`` (N, 3, H, W), what is added to the carried colours.
    """

    person: Tensor
    silhouette: Tensor
    drawn: Tensor
    gates: Tensor
    light: Tensor


class Painter(nn.Module):
    """Draws the answer's person from G's features at H/2 and from what was carried over.

    Args:
        width: channels of G's features at H/2.
        features: channels of E_a's features at H/2.
        hidden: channels at full size.
        norm: as elsewhere.

    >>> painter = Painter(16, 8)
    >>> half, full = torch.zeros(2, 1, 64, 32), torch.zeros(2, 3, 128, 64)
    >>> body = BodyMap(half.expand(-1, 3, -1, -1), half)
    >>> carried = Carried(full, full, half.expand(-1, 2, -1, -1), half.expand(-1, 8, -1, -1), body)
    >>> painted = painter(half.expand(-1, 16, -1, -1), carried)
    >>> painted.person.shape, painted.silhouette.shape, painted.gates.sum(1).allclose(torch.ones(2, 128, 64))
    (torch.Size([2, 3, 128, 64]), torch.Size([2, 1, 128, 64]), True)
    """

    def __init__(self, width: int, features: int, *, hidden: int = 16, norm: Norm = "batch") -> None:
        super().__init__()
        given = 12 + 12 + 2 + features + 4  # both pictures, confidences, features, body map
        self.join = nn.Sequential(conv(width + given, width, norm=norm), ResidualBlock(width, norm))
        self.shrink = conv(width, hidden, 1, norm=norm)
        self.colour = nn.Conv2d(hidden + 6, 3, 3, padding=1)
        self.decide = nn.Conv2d(width, 3 + 3, 3, padding=1)  # gates, light
        initialise(self)
        nn.init.normal_(self.decide.weight, 0.0, 0.002)
        with torch.no_grad():  # at first what is visible is carried over, preferably from the same side of the body
            self.decide.get_parameter("bias")[:3] = torch.tensor([-1.5, 0.0, -0.3])

    def forward(self, features: Tensor, carried: Carried) -> Painted:
        """``features`` (N, width, H/2, W/2) of G."""
        features = _smooth(features)
        body = torch.cat([carried.body.places, carried.body.silhouette.clamp(-5, 5) / 5], dim=1)
        pictures = [functional.pixel_unshuffle(picture, 2) for picture in (carried.own, carried.mirrored)]
        given = torch.cat([features, *pictures, carried.confidence, carried.features, body], dim=1)
        features = features + self.join(given.to(features.dtype))
        decided = self.decide(features).float()
        known = (carried.confidence + UNSEEN).log()
        scores = decided[:, :3] + torch.cat([torch.zeros_like(known[:, :1]), known], dim=1)
        gates = torch.softmax(_doubled(scores), dim=1)
        # Light is smooth; finer corrections would paint over what was carried.
        light = _doubled(_doubled(functional.avg_pool2d(decided[:, 3:], 2)))
        silhouette = torch.sigmoid(CRISP * _doubled(carried.body.silhouette))
        wide = torch.cat([_doubled(self.shrink(features)).float(), carried.own, carried.mirrored], dim=1)
        drawn = torch.tanh(self.colour(wide.to(features.dtype)).float())
        own, mirrored = carried.own + light, carried.mirrored + light
        person = gates[:, :1] * drawn + gates[:, 1:2] * own + gates[:, 2:] * mirrored
        return Painted(person, silhouette, drawn, gates, light)


def _smooth(x: Tensor) -> Tensor:
    """Twice the mean of 2 × 2 places: it takes away just the chequerboard that a transposed convolution leaves."""
    wide = functional.avg_pool2d(x, 2, 1, padding=1, count_include_pad=False)
    return functional.avg_pool2d(wide, 2, 1)


def _doubled(x: Tensor) -> Tensor:
    """Twice the height and width, bilinear: nothing that is decided at H/2 shows as a chequerboard."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
