"""From heatmaps to landmarks, and from landmarks to Gaussian pose maps (Section II-A, pose branch).

One convention holds in this file: coordinates are (x, y), pixel centres lie at integers, the origin is top
left. A map of h x w cells that covers a picture of H x W pixels has its cell ``x_map`` at

    x_picture = (x_map + 0.5) * W / w - 0.5

so that both cover the same area. A landmark that was not found has an all-zero pose map and is marked
invalid; it never becomes a landmark at (0, 0).
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.arguments import check_tensor, check_values, flag, number, size_from, word

Decoder = Literal["argmax", "quarter", "newton", "dark"]
Reprojection = Literal["closed", "convolution"]

SMOOTHING = 1.0  # deviation, in map cells, of the blur before the logarithm of the Newton decoder
DARK_BLUR = 11  # cells: width of the blur before the logarithm of the DARK decoder; σ = 0.3 · ((11 - 1) / 2 - 1) + 0.8
SMALLEST = 1e-10  # heatmaps are linear, so they hold values <= 0, which have no logarithm


def default_sigma(height: int) -> float:
    """Deviation of a pose map's Gaussians in pixels: 6 at a height of 128, scaled with the height.

    The paper does not say it; see notebook 03 for what the value changes.

    >>> default_sigma(128), default_sigma(64)
    (6.0, 3.0)
    """
    return 6 * number("height", height, above=0) / 128


def decode(
    heatmaps: Tensor,
    *,
    method: Decoder = "argmax",
    size: tuple[int, int] | None = None,
    upsample: bool = False,
    check: bool = True,
) -> tuple[Tensor, Tensor]:
    """Find the landmark of each heatmap (Section II-A; derived in notebook 03).

    ``argmax`` is the paper's: the cell of the largest value. ``quarter`` moves it a quarter of a cell towards the
    larger neighbour, as Simple Baselines do; in the first two rows and columns and in the last ones it stays, so
    a map of fewer than four rows or columns is never refined.
    ``newton`` takes one Newton step on the logarithm of the smoothed map, which is exact for a Gaussian and needs the
    nearest cells alone. ``dark`` takes the same step as published (Zhang et al., "Distribution-aware coordinate
    representation", 2020): the map is blurred with 11 × 11 cells, and derivatives reach two cells far. None of them
    lets a gradient through.

    Args:
        heatmaps: (N, K, h, w), any range.
        method: "argmax", "quarter", "newton" or "dark".
        size: (H, W) of the picture that the maps cover; None takes the maps' own size.
        upsample: bring the maps to H x W, bilinearly, before the maximum is taken: the paper's are H x W. Of maps
            of a quarter that size the argmax can only say multiples of four pixels.
        check: refuse NaN and infinities. On a GPU this waits for the device; a training loop, which sees a
            NaN in its loss anyway, may leave it out.

    Returns:
        landmarks: (N, K, 2) float32, (x, y) in pixels of the picture.
        confidence: (N, K) float32, the maximum of each map, upsampled ones a little lower than their peak.

    Raises:
        ValueError: for another shape, an unknown method or values that are not finite.

    >>> heatmaps = torch.zeros(1, 1, 4, 4)
    >>> heatmaps[0, 0, 2, 1] = 0.9
    >>> landmarks, confidence = decode(heatmaps)
    >>> landmarks.tolist()
    [[[1.0, 2.0]]]
    >>> decode(heatmaps, size=(16, 16))[0].tolist()
    [[[5.5, 9.5]]]
    """
    _check_heatmaps(heatmaps, check)
    word("method", method, get_args(Decoder))
    heatmaps = heatmaps.detach().float()
    height, width = size_from("size", size) if size is not None else heatmaps.shape[-2:]
    if flag("upsample", upsample):
        heatmaps = functional.interpolate(heatmaps, (height, width), mode="bilinear")
    h, w = heatmaps.shape[-2:]

    confidence, index = heatmaps.flatten(2).max(dim=2)
    x, y = index % w, torch.div(index, w, rounding_mode="floor")
    cells = torch.stack([x, y], dim=-1).float()
    if method == "quarter":
        free = (x > 1) & (x < w - 1) & (y > 1) & (y < h - 1)
        cells = cells + 0.25 * _slope(heatmaps, x, y).sign() * free[..., None]
    elif method == "newton":
        cells = cells + _smoothed_newton_step(heatmaps, x, y)
    elif method == "dark":
        # Of noise a step may lead anywhere; a landmark stays on the map.
        cells = (cells + _dark_step(heatmaps, x, y)).clamp(cells.new_zeros(2), cells.new_tensor([w - 1.0, h - 1.0]))
    scale = cells.new_tensor([width / w, height / h])
    return (cells + 0.5) * scale - 0.5, confidence


def gaussian_maps(
    landmarks: Tensor,
    valid: Tensor,
    *,
    size: tuple[int, int],
    sigma: float,
    method: Reprojection = "closed",
) -> Tensor:
    """Draw each landmark as a Gaussian of peak 1: the pose p (Section II-A; derived in notebook 03).

    ``convolution`` does as the paper says: the landmark, rounded to its pixel, becomes a map with a single 1,
    which is convolved with a fixed Gaussian kernel; a landmark whose pixel lies outside the picture leaves an
    empty map. ``closed`` writes the result down directly as the outer product of two one-dimensional
    Gaussians, and keeps the fraction of a pixel. On whole-pixel landmarks inside the picture the two agree to
    1e-6. ``closed`` is the default because it is the faster one: see benchmarks/reprojection.py.

    Args:
        landmarks: (N, K, 2), (x, y) in pixels of the map that is drawn.
        valid: (N, K) bool; an invalid landmark leaves an all-zero map, whatever its coordinates (NaN
            included).
        size: (H, W) of the maps.
        sigma: deviation of the Gaussian in pixels.
        method: "closed" or "convolution".

    Returns:
        (N, K, H, W) float32 in [0, 1].

    Raises:
        ValueError: for another shape, a sigma that is not positive or an unknown method.

    >>> maps = gaussian_maps(torch.tensor([[[1.0, 2.0]]]), torch.tensor([[True]]), size=(4, 4), sigma=1.0)
    >>> maps.shape, maps[0, 0, 2, 1].item()
    (torch.Size([1, 1, 4, 4]), 1.0)
    """
    check_tensor("landmarks", landmarks, "N K 2", "landmarks", "real", empty=True)
    check_tensor("valid", valid, "N K", "valid", "any", empty=True)
    if valid.shape != landmarks.shape[:2]:
        raise ValueError(
            f"expected landmarks (N, K, 2) and valid (N, K), got {tuple(landmarks.shape)} and {tuple(valid.shape)}"
        )
    if valid.is_floating_point():
        check_values("valid", valid, 0, 1)
    height, width = size_from("size", size)
    sigma = number("sigma", sigma, above=0)
    word("method", method, get_args(Reprojection))
    valid = valid.bool()
    landmarks = landmarks.detach().float().masked_fill(~valid[..., None], 0)
    if method == "closed":
        return _outer_product(landmarks, valid, height, width, sigma)
    return _one_hot_convolved(landmarks, valid, height, width, sigma)


def pose_maps(
    heatmaps: Tensor,
    *,
    size: tuple[int, int],
    sigma: float,
    threshold: float = 0.2,
    decoder: Decoder = "argmax",
    upsample: bool = False,
    check: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    """From the heatmaps h of F_p to the pose p: decode, threshold, reproject (Section II-A; notebook 03).

    The paper does not say what happens to a joint that is not seen. Here a joint whose confidence is below
    the threshold is invalid and its map is zero everywhere. No gradient passes: F_p learns from Eq. 1 alone.

    Args:
        heatmaps: (N, K, h, w), which cover the whole picture.
        size: (H, W) of the picture.
        sigma: deviation of the Gaussians in pixels of the picture, see `default_sigma`.
        threshold: the smallest confidence of a joint that counts.
        decoder: "argmax" (the paper's), "quarter", "newton" or "dark".
        upsample: bring the heatmaps to H x W before, see `decode`.
        check: refuse NaN and infinities, see `decode`.

    Returns:
        maps: (N, K, H, W) float32 in [0, 1], peak 1, zero where invalid.
        landmarks: (N, K, 2) float32, pixels of the picture; meaningless where invalid.
        valid: (N, K) bool.

    Raises:
        ValueError: as `decode` and `gaussian_maps`.

    >>> heatmaps = torch.zeros(1, 2, 32, 16)
    >>> heatmaps[0, 0, 8, 8] = 0.9
    >>> maps, landmarks, valid = pose_maps(heatmaps, size=(128, 64), sigma=default_sigma(128))
    >>> maps.shape, valid.tolist(), maps[0, 1].max().item()
    (torch.Size([1, 2, 128, 64]), [[True, False]], 0.0)
    """
    threshold = number("threshold", threshold)
    size = size_from("size", size)
    landmarks, confidence = decode(heatmaps, method=decoder, size=size, upsample=upsample, check=check)
    valid = confidence >= threshold
    return gaussian_maps(landmarks, valid, size=size, sigma=sigma), landmarks, valid


def _check_heatmaps(heatmaps: Tensor, finite: bool) -> None:
    check_tensor("heatmaps", heatmaps, "N K h w", "heatmaps", "any", empty=True)
    if flag("check", finite) and not torch.isfinite(heatmaps).all():
        bad = int((~torch.isfinite(heatmaps)).flatten(1).any(dim=1).sum())
        raise ValueError(
            f"heatmaps: expected finite ones, and those of {bad} of {len(heatmaps)} pictures hold NaN or infinity; "
            "look for a learning rate that is too high or for damaged weights"
        )


def _around(maps: Tensor, x: Tensor, y: Tensor, step: int = 1) -> Tensor:
    """The 3 x 3 cells around each (x, y), `step` cells apart, clamped at the border: (N, K, 3 rows, 3 columns)."""
    h, w = maps.shape[-2:]
    steps = step * torch.arange(-1, 2, device=maps.device)
    rows = (y[..., None] + steps).clamp(0, h - 1)
    columns = (x[..., None] + steps).clamp(0, w - 1)
    index = rows[..., :, None] * w + columns[..., None, :]
    return maps.flatten(2).gather(2, index.flatten(2)).unflatten(2, (3, 3))


def _inside(maps: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Where a landmark has both neighbours, per axis: (N, K, 2) bool. On the border nothing is refined."""
    h, w = maps.shape[-2:]
    return torch.stack([(x > 0) & (x < w - 1), (y > 0) & (y < h - 1)], dim=-1)


def _slope(maps: Tensor, x: Tensor, y: Tensor) -> Tensor:
    near = _around(maps, x, y)
    slope = torch.stack([near[..., 1, 2] - near[..., 1, 0], near[..., 2, 1] - near[..., 0, 1]], dim=-1)
    return slope * 0.5 * _inside(maps, x, y)


def _dark_step(maps: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The step of the published DARK in cells; within two cells of the border, where its derivatives end, none."""
    h, w = maps.shape[-2:]
    sigma = 0.3 * ((DARK_BLUR - 1) / 2 - 1) + 0.8
    kernel = _kernel(sigma, DARK_BLUR // 2, maps)
    kernel = kernel / kernel.sum()
    blurred = _separable(maps, kernel, kernel, pad="constant")
    # The blur lowers the peak; the published code raises the map to its old maximum, which the logarithm turns into an
    # addend that no derivative sees. Only the clamp at SMALLEST depends on it.
    peak = maps.amax((-2, -1), keepdim=True) / blurred.amax((-2, -1), keepdim=True).clamp_min(SMALLEST)
    logarithm = (blurred * peak).clamp_min(SMALLEST).log()
    near, far = _around(logarithm, x, y), _around(logarithm, x, y, step=2)
    dx, dy = 0.5 * (near[..., 1, 2] - near[..., 1, 0]), 0.5 * (near[..., 2, 1] - near[..., 0, 1])
    xx = 0.25 * (far[..., 1, 2] - 2 * far[..., 1, 1] + far[..., 1, 0])
    yy = 0.25 * (far[..., 2, 1] - 2 * far[..., 1, 1] + far[..., 0, 1])
    xy = 0.25 * (near[..., 2, 2] - near[..., 0, 2] - near[..., 2, 0] + near[..., 0, 0])
    determinant = xx * yy - xy * xy
    free = (x > 1) & (x < w - 2) & (y > 1) & (y < h - 2) & (determinant != 0)
    step = torch.stack([xy * dy - yy * dx, xy * dx - xx * dy], dim=-1)
    return torch.where(free[..., None], step / torch.where(free, determinant, 1)[..., None], 0)


def _smoothed_newton_step(maps: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The Newton step in cells. Beside the border, where nothing is known to smooth with, the map is taken as it is."""
    h, w = maps.shape[-2:]
    smoothed = _newton_step(_smooth(maps).clamp_min(SMALLEST).log(), x, y)
    plain = _newton_step(maps.clamp_min(SMALLEST).log(), x, y)
    reach = round(3 * SMOOTHING) + 1
    free = (x >= reach) & (x < w - reach) & (y >= reach) & (y < h - reach)
    return torch.where(free[..., None], smoothed, plain)


def _newton_step(logarithm: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """-H⁻¹g of the log map at its maximum, at most one cell in each axis; on the border an axis stays."""
    near = _around(logarithm, x, y)
    inside = _inside(logarithm, x, y)
    gradient = _slope(logarithm, x, y)
    xx = near[..., 1, 2] - 2 * near[..., 1, 1] + near[..., 1, 0]
    yy = near[..., 2, 1] - 2 * near[..., 1, 1] + near[..., 0, 1]
    xy = 0.25 * (near[..., 2, 2] - near[..., 2, 0] - near[..., 0, 2] + near[..., 0, 0])
    xx, yy = torch.where(inside[..., 0], xx, -1), torch.where(inside[..., 1], yy, -1)
    xy = xy * inside.all(dim=-1)
    determinant = xx * yy - xy * xy
    peak = (xx < 0) & (yy < 0) & (determinant > 1e-12)
    determinant = torch.where(peak, determinant, 1)
    step = torch.stack(
        [xy * gradient[..., 1] - yy * gradient[..., 0], xy * gradient[..., 0] - xx * gradient[..., 1]], dim=-1
    )
    return (step / determinant[..., None]).clamp(-1, 1) * peak[..., None]


def _kernel(sigma: float, radius: int, like: Tensor) -> Tensor:
    offsets = torch.arange(-radius, radius + 1, device=like.device, dtype=torch.float32)
    return torch.exp(-(offsets**2) / (2 * sigma**2))


def _separable(maps: Tensor, vertical: Tensor, horizontal: Tensor, pad: str) -> Tensor:
    """Convolve (N, K, h, w) with an odd vertical and an odd horizontal kernel."""
    flat = maps.flatten(0, 1)[:, None]
    rows, columns = len(vertical) // 2, len(horizontal) // 2
    flat = functional.pad(flat, (columns, columns, rows, rows), mode=pad)
    flat = functional.conv2d(functional.conv2d(flat, vertical.view(1, 1, -1, 1)), horizontal.view(1, 1, 1, -1))
    return flat[:, 0].unflatten(0, maps.shape[:2])


def _smooth(heatmaps: Tensor) -> Tensor:
    kernel = _kernel(SMOOTHING, round(3 * SMOOTHING), heatmaps)
    kernel = kernel / kernel.sum()
    return _separable(heatmaps, kernel, kernel, pad="replicate")


def _outer_product(landmarks: Tensor, valid: Tensor, height: int, width: int, sigma: float) -> Tensor:
    def gaussian(centre: Tensor, length: int) -> Tensor:
        pixels = torch.arange(length, device=centre.device, dtype=torch.float32)
        return torch.exp(-((pixels - centre[..., None]) ** 2) / (2 * sigma**2))

    x, y = landmarks.unbind(dim=-1)
    vertical = gaussian(y, height) * valid[..., None]
    return torch.einsum("nkh,nkw->nkhw", vertical, gaussian(x, width))


def _one_hot_convolved(landmarks: Tensor, valid: Tensor, height: int, width: int, sigma: float) -> Tensor:
    x, y = (landmarks + 0.5).floor().long().unbind(dim=-1)  # torch.round would round halves to even
    inside = valid & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    index = (y * width + x).masked_fill(~inside, 0)
    one_hot = landmarks.new_zeros(*valid.shape, height * width)
    one_hot.scatter_(2, index[..., None], inside[..., None].float())
    # The kernel reaches from any pixel to any other, so nothing of the Gaussian is cut off.
    vertical, horizontal = _kernel(sigma, height - 1, landmarks), _kernel(sigma, width - 1, landmarks)
    return _separable(one_hot.unflatten(2, (height, width)), vertical, horizontal, pad="constant")
