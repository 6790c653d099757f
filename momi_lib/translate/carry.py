"""Carrying over: what is visible in the source is fetched from there, located by two body maps.

A place of the answer and a place of the source that show the same point of the body show the same piece of cloth. For
each place of the answer :func:`correspond` finds that point in the source: once as it is, and once on the other side
of the body, because clothes are mostly alike on both. :func:`sample` fetches colours or features from there.

The paper has no such part: its G must paint everything through a grid of 8 × 8 pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.arguments import Sizes, check_tensor, told
from momi_lib.pose.body_maps import BodyMap

__all__ = ["Correspondence", "Flow", "correspond", "enlarged", "premultiplied", "sample"]

REACH = 0.06  # metres: how far from the nearest place of the source a place may lie and still be carried over
WINDOW = 5  # places around the nearest one that are averaged, so that a flow is finer than a place
BORDER = 1  # places around the answer's silhouette that are looked up, too: its edge is finer than a place
JUMP = 3.0  # pixels: a blend of neighbouring flows farther than this from the nearest one's place is not used


class Flow(NamedTuple):
    """Where each place of the answer comes from.

    ``grid`` (N, 2, h, w): (x, y) in the source from −1 to 1 over its width and height, as ``grid_sample`` reads it with
    ``align_corners=False``; ``distance`` (N, 1, h, w): metres on the body to the nearest place of the source, infinite
    where nothing is looked up.
    """

    grid: Tensor
    distance: Tensor

    @property
    def confidence(self) -> Tensor:
        """(N, 1, h, w) from 0 to 1: how likely the source shows this place of the body at all."""
        return torch.exp(-((self.distance / REACH) ** 2))


class Correspondence(NamedTuple):
    """Two hypotheses for each place of the answer: its ``own`` point of the body, and the ``mirrored`` one."""

    own: Flow
    mirrored: Flow


def correspond(source: BodyMap, target: BodyMap) -> Correspondence:
    """For each place of the answer, the place of the source that shows the same point of the body.

    The nearest place is found among those inside the source's silhouette; around it the places are averaged by how near
    they are on the body, with a Gaussian about as wide as a place, which makes the flow smooth and lets gradients reach
    both maps.

    Args:
        source, target: body maps of N sources and N answers, at half the picture's size.

    Raises:
        ValueError: where the two are not as many or not of one size.

    >>> y, x = torch.meshgrid(torch.arange(8.0), torch.arange(4.0), indexing="ij")
    >>> body = BodyMap(torch.stack([0.03 * (x - 1.5), 0 * x, -0.03 * y])[None], torch.ones(1, 1, 8, 4))
    >>> flow = correspond(body, body).own
    >>> [round(x, 2) for x in flow.grid[0, 0, 4].tolist()], float(flow.distance.max())
    ([-0.65, -0.25, 0.25, 0.65], 0.0)
    """
    for name, body in (("source", source), ("target", target)):
        if not isinstance(body, BodyMap):
            raise TypeError(f"{name}: expected a BodyMap, got {told(body)}")
        sizes: Sizes = {}
        check_tensor(f"{name}.places", body.places, "N 3 h w", "places", sizes=sizes)
        check_tensor(f"{name}.silhouette", body.silhouette, "N 1 h w", "silhouettes", sizes=sizes)
    if source.places.shape != target.places.shape:
        raise ValueError(
            f"source and target: expected body maps of one shape, got {tuple(source.places.shape)} and "
            f"{tuple(target.places.shape)}"
        )
    with torch.autocast(target.places.device.type, enabled=False):  # millimetres do not survive bfloat16
        return _correspond(source, target)


def _correspond(source: BodyMap, target: BodyMap) -> Correspondence:
    count, _, height, width = target.places.shape
    asked = functional.max_pool2d(target.silhouette, 2 * BORDER + 1, 1, BORDER) > 0
    seen = source.silhouette > 0
    sides = target.places.new_tensor([[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]])
    grids = target.places.new_zeros(count, 2, height * width, 2)
    distances = target.places.new_full((count, 2, height * width), torch.inf)
    windows = _windows(source, seen)
    for index in range(count):  # one by one, because every silhouette has another number of places
        queries = asked[index].flatten().nonzero()[:, 0]
        keys = seen[index].flatten().nonzero()[:, 0]
        if not len(queries) or not len(keys):
            continue
        places = target.places[index].flatten(1).T[queries]
        wanted = (places[None] * sides[:, None]).flatten(0, 1)  # both hypotheses at once
        nearest = keys[_nearest(wanted.detach(), source.places[index].detach().flatten(1).T[keys])]
        grid, distance = _averaged(wanted, nearest, windows[index])
        grids = grids.index_put((torch.tensor(index), *_rows(queries)), grid.unflatten(0, (2, -1)))
        distances = distances.index_put((torch.tensor(index), *_rows(queries)), distance.unflatten(0, (2, -1)))
    own, mirrored = (
        Flow(grids[:, side].mT.unflatten(2, (height, width)), distances[:, side].view(count, 1, height, width))
        for side in (0, 1)
    )
    return Correspondence(own, mirrored)


def _rows(queries: Tensor) -> tuple[Tensor, Tensor]:
    return torch.arange(2, device=queries.device)[:, None], queries[None]


def _nearest(wanted: Tensor, places: Tensor) -> Tensor:
    """Index of the nearest of K places for each of Q: |s|²/2 − t·s is least where |t − s| is."""
    halves = places.square().sum(1, keepdim=True) / 2
    # min, because argmin takes ten times as long on a CPU
    return torch.addmm(halves.T, wanted, places.T, alpha=-1).min(1).indices


class _Window(NamedTuple):
    """What stands around each place of one source: (h·w, 25, 3) places, (h·w, 25, 2) grid, (h·w, 25) seen; width."""

    places: Tensor
    grid: Tensor
    seen: Tensor
    spread: Tensor


def _windows(source: BodyMap, seen: Tensor) -> list[_Window]:
    count, _, height, width = source.places.shape
    around = {"kernel_size": WINDOW, "padding": WINDOW // 2}
    places = functional.unfold(source.places, **around).unflatten(1, (3, -1)).permute(0, 3, 2, 1)
    known = functional.unfold(seen.to(source.places.dtype), **around).mT > 0
    rows = (torch.arange(height, device=seen.device) + 0.5) * 2 / height - 1
    columns = (torch.arange(width, device=seen.device) + 0.5) * 2 / width - 1
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    grid = functional.unfold(torch.stack([x, y])[None].to(places.dtype), **around).unflatten(1, (2, -1))
    grid = grid.permute(0, 3, 2, 1)[0]
    return [_Window(places[i], grid, known[i], _spacing(source.places[i].detach(), seen[i, 0])) for i in range(count)]


def _spacing(places: Tensor, seen: Tensor) -> Tensor:
    """Metres on the body from a place to the one below, the median over a silhouette; a far-off person's are larger."""
    steps = (places[:, 1:] - places[:, :-1]).norm(dim=0)[seen[1:] & seen[:-1]]
    return steps.median().clamp(0.015, 0.08) if len(steps) else places.new_tensor(0.03)


def _averaged(wanted: Tensor, nearest: Tensor, window: _Window) -> tuple[Tensor, Tensor]:
    """Grid (Q, 2) and distance (Q,) of the places around the nearest, by how near they are on the body."""
    squares = (window.places[nearest] - wanted[:, None]).square().sum(-1)
    squares = squares.masked_fill(~window.seen[nearest], torch.inf)
    shares = torch.softmax(-squares / (2 * (0.6 * window.spread) ** 2), dim=1)
    grid = (shares[..., None] * window.grid[nearest]).sum(1)
    return grid, squares.min(1).values.clamp_min(1e-12).sqrt() - 1e-6


def enlarged(flow: Flow, size: tuple[int, int]) -> Tensor:
    """A flow's grid at full size (N, 2, H, W): bilinear, but the nearest place's where a blend would be far from it.

    Between an arm and the trunk behind it a blend would fetch what lies between the two in the source.
    """
    smooth = functional.interpolate(flow.grid, size, mode="bilinear", align_corners=False)
    nearest = functional.interpolate(flow.grid, size, mode="nearest")
    pixels = smooth.new_tensor([size[1] / 2, size[0] / 2])[:, None, None]
    jumps = ((smooth - nearest) * pixels).norm(dim=1, keepdim=True) > JUMP
    return torch.where(jumps, nearest, smooth)


def premultiplied(pictures: Tensor, alpha: Tensor) -> Tensor:
    """Pictures (N, C, H, W) times their silhouette (N, 1, H, W) in [0, 1], and the silhouette: (N, C + 1, H, W)."""
    sizes: Sizes = {}
    check_tensor("pictures", pictures, "N C H W", "float pictures {}", sizes=sizes)
    check_tensor("alpha", alpha, "N 1 H W", "silhouettes", sizes=sizes)
    return torch.cat([pictures * alpha, alpha], dim=1)


def sample(layers: Tensor, grid: Tensor) -> Tensor:
    """What :func:`premultiplied` layers show at a grid (N, 2, H, W): (N, C, H, W).

    Only the person's share of a pixel counts, so no street comes along at the silhouette's edge; where there is nothing
    of the person the result is 0.

    >>> layers = premultiplied(torch.full((1, 3, 4, 2), 0.5), torch.full((1, 1, 4, 2), 0.25))
    >>> float(sample(layers, torch.zeros(1, 2, 1, 1))[0, 0, 0, 0].round(decimals=3))
    0.5
    """
    sizes: Sizes = {}
    check_tensor("layers", layers, "N C H W", "layers", sizes=sizes)
    check_tensor("grid", grid, "N 2 h w", "a grid", sizes=sizes)
    fetched = functional.grid_sample(
        layers, grid.permute(0, 2, 3, 1).to(layers.dtype), mode="bilinear", padding_mode="border", align_corners=False
    )
    return fetched[:, :-1] / fetched[:, -1:].clamp_min(1e-3)
