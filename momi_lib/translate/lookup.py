"""Before G: the target's pose looks up where in the source its appearance stands. A named option.

The paper joins z_a, which stands where the source stood, with the z_p of another pose, and leaves it to G's
convolutions to carry a sleeve from one place to the other. Here every place of the target attends to all places of
the source at once (scaled dot-product attention, Vaswani et al. 2017): queries are made of the target's pose code, keys
of the source's pose code, and values of the appearance code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib.arguments import Sizes, check_input, check_tensor, check_tensors, size_from, whole
from momi_lib.data import size_of

SHARPNESS = 8.0  # how far, at first, a place's score for itself stands above that for others, before the softmax


def _split(code: Tensor, heads: int) -> Tensor:
    """(N, heads · c, h, w) → (N, heads, h·w, c)."""
    return code.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3)


def _join(attended: Tensor, grid: torch.Size) -> Tensor:
    """(N, heads, h·w, c) → (N, heads · c, h, w)."""
    return attended.transpose(2, 3).flatten(1, 2).unflatten(2, grid)


class AppearanceLookup(nn.Module):
    """z_a at the source's places → z_a at the target's places.

    Shapes: appearance, source pose and target pose code, each (N, d, h, w) → (N, d, h, w). Every head attends to a
    whole code, joined with the pose code of the place it comes from, so that G can tell how far it travelled. The
    first weights change nothing, so that training begins where the paper's joined codes stand, and weights of a network
    without a lookup can be gone on with. As long as pose codes say little, each place looks mostly at itself; with the
    codes of a trained encoder, it already looks for its own pose.

    Args:
        width: d, divisible by ``heads``.
        grid: (h, w), for the learned code of the places.
        heads: of the attention.

    Raises:
        ValueError: where ``heads`` does not divide ``width``.

    >>> lookup = AppearanceLookup(8, (16, 8), heads=2)
    >>> code = torch.randn(2, 8, 16, 8)
    >>> lookup(code, code, code).shape
    torch.Size([2, 8, 16, 8])
    """

    def __init__(self, width: int, grid: tuple[int, int], heads: int = 4) -> None:
        super().__init__()
        self.width, self.grid, heads = whole("width", width), size_from("grid", grid), whole("heads", heads)
        if width % heads:
            raise ValueError(f"lookup: width {width} is not divisible by heads {heads}")
        self.heads = heads
        self.places = nn.Parameter(torch.randn(1, width, *self.grid))
        self.query, self.key = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.value = nn.Conv2d(2 * width, heads * width, 1)
        self.result = nn.Conv2d(heads * width, width, 1)
        self._look_at_itself(width)

    @torch.no_grad()
    def _look_at_itself(self, width: int) -> None:
        """Initial weights: equal queries and keys of equal places, and values that come out as they went in."""
        nn.init.orthogonal_(self.query.weight, gain=(SHARPNESS / (width / self.heads) ** 0.5) ** 0.5)
        self.key.weight.copy_(self.query.weight)
        same = torch.eye(width)
        self.value.weight.copy_(torch.cat([same, torch.zeros_like(same)], 1).repeat(self.heads, 1)[:, :, None, None])
        self.result.weight.copy_(same.repeat(1, self.heads)[:, :, None, None] / self.heads)
        for layer in (self.query, self.key, self.value, self.result):
            nn.init.zeros_(layer.get_parameter("bias"))

    @property
    def _shape(self) -> str:
        return f"N {self.width} {self.grid[0]} {self.grid[1]}"

    def _check(self, **codes: Tensor) -> None:
        sizes: Sizes = {}
        for name, code in codes.items():
            check_input(name, code, self, self._shape, "a code {} of floats", sizes=sizes)

    def _queries_and_keys(self, source_pose: Tensor, target_pose: Tensor) -> tuple[Tensor, Tensor]:
        return (
            _split(self.query(target_pose + self.places), self.heads),
            _split(self.key(source_pose + self.places), self.heads),
        )

    def forward(self, appearance: Tensor, source_pose: Tensor, target_pose: Tensor) -> Tensor:
        """The appearance code where the target's pose needs it."""
        self._check(appearance=appearance, source_pose=source_pose, target_pose=target_pose)
        values = _split(self.value(torch.cat([appearance, source_pose], dim=1)), self.heads)
        attended = functional.scaled_dot_product_attention(*self._queries_and_keys(source_pose, target_pose), values)
        return self.result(_join(attended, appearance.shape[-2:]))

    def weights(self, source_pose: Tensor, target_pose: Tensor) -> Tensor:
        """Where each place of the target looks: (N, heads, h·w, h·w), rows over the source's places sum to 1.

        >>> lookup = AppearanceLookup(8, (4, 2), heads=2)
        >>> code = torch.randn(1, 8, 4, 2)
        >>> lookup.weights(code, code).sum(-1).allclose(torch.ones(1, 2, 8))
        True
        """
        self._check(source_pose=source_pose, target_pose=target_pose)
        query, key = self._queries_and_keys(source_pose, target_pose)
        return (query @ key.mT / query.shape[-1] ** 0.5).softmax(dim=-1)

    def negative_log_likelihood(
        self, codes: tuple[Tensor, Tensor], points: tuple[Tensor, Tensor], valid: Tensor
    ) -> Tensor:
        """Negative log-likelihood of the places that belong together, by the attention's weights: at least 0.

        Args:
            codes: pose codes of source and target, each (N, d, h, w).
            points: where the same part of a body is in source and target, each (N, P, 2), (x, y) in places: the centre
                of the first place is (0, 0).
            valid: (N, P) bool, which points count.

        Returns:
            A scalar: the mean over valid points of −log Σ weight · share, in which the shares are those of the four
            places around the source's point (bilinear) and the weights the mean over heads; 0 without valid points.

        >>> lookup = AppearanceLookup(8, (4, 2), heads=2)
        >>> code, middle = torch.randn(1, 8, 4, 2), torch.tensor([[[1.0, 2.0]]])
        >>> bool(lookup.negative_log_likelihood((code, code), (middle, middle), torch.tensor([[True]])) >= 0)
        True
        """
        sizes: Sizes = {}
        check_tensors("codes", codes, self._shape, "codes", count=2, sizes=sizes)
        check_tensors("points", points, "N P 2", "points", count=2, sizes=sizes)
        check_tensor("valid", valid, "N P", "valid points", "bool", sizes=sizes)
        (source_pose, target_pose), (source, target) = codes, points
        query, key = self._queries_and_keys(source_pose, target_pose)  # (N, heads, h·w, c)
        shares = [bilinear_shares(place, size_of(source_pose)) for place in (source, target)]
        queries = shares[1][:, None] @ query.float()
        weights = (queries @ key.float().mT / query.shape[-1] ** 0.5).softmax(dim=-1).mean(1)  # (N, P, h·w)
        found = (weights * shares[0]).sum(-1).clamp_min(1e-6)
        return -(found.log() * valid).sum() / valid.sum().clamp_min(1)


def bilinear_shares(points: Tensor, grid: tuple[int, int]) -> Tensor:
    """Points (N, P, 2), (x, y) in places → shares of all places (N, P, h·w), at most four above 0, sum 1.

    Points outside count as on the border.

    >>> bilinear_shares(torch.tensor([[[0.25, 1.0]]]), (2, 2))
    tensor([[[0.0000, 0.0000, 0.7500, 0.2500]]])
    """
    shares = []
    for along, length in ((1, grid[0]), (0, grid[1])):
        place = points[..., along].clamp(0, length - 1)
        shares.append((1 - (place[..., None] - torch.arange(length, device=points.device)).abs()).clamp_min(0))
    return (shares[0][..., :, None] * shares[1][..., None, :]).flatten(-2)
