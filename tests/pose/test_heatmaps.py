from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from momi_lib.data import mirror_joints, mirror_maps
from momi_lib.pose import decode, default_sigma, gaussian_maps, pose_maps

METHODS = ("argmax", "quarter", "newton", "dark")


def gaussians(centres: torch.Tensor, h: int, w: int, sigma: float = 2.0) -> torch.Tensor:
    """Heatmaps (N, K, h, w) with known centres, written without the library."""
    x, y = centres[..., 0, None, None], centres[..., 1, None, None]
    rows, columns = torch.arange(h).view(-1, 1), torch.arange(w).view(1, -1)
    return torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))


@pytest.fixture(scope="module")
def subpixel() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    centres = 4 + torch.rand(16, 17, 2, generator=generator) * torch.tensor([40.0, 56.0])
    return centres, gaussians(centres, 64, 48)


def mean_error(method: str, subpixel: tuple[torch.Tensor, torch.Tensor]) -> float:
    centres, maps = subpixel
    return (decode(maps, method=method)[0] - centres).norm(dim=-1).mean().item()


def test_each_decoder_is_finer_than_the_one_before(subpixel):
    argmax, quarter, newton, dark = (mean_error(method, subpixel) for method in METHODS)
    assert newton < 0.01 < quarter < 0.27 < argmax < 0.45 and dark < 0.01


@pytest.mark.parametrize("method", ["newton", "dark"])
def test_a_newton_step_is_exact_for_any_width_of_the_gaussian(method):
    centres = torch.tensor([[[10.3, 12.8], [6.49, 20.51]]])
    for sigma in (1.0, 1.5, 3.0):
        landmarks, _ = decode(0.7 * gaussians(centres, 32, 24, sigma), method=method)
        assert torch.allclose(landmarks, centres, atol=0.03), sigma


@pytest.mark.parametrize("method", METHODS)
def test_confidence_is_the_maximum(method, subpixel):
    maps = 0.6 * subpixel[1]
    assert torch.equal(decode(maps, method=method)[1], maps.amax(dim=(2, 3)))


def test_cells_become_pixels_by_the_convention():
    maps = torch.zeros(1, 1, 32, 16)
    maps[0, 0, 0, 0] = 1
    assert decode(maps, size=(128, 64))[0].tolist() == [[[1.5, 1.5]]]
    maps[0, 0, 31, 15] = 2
    assert decode(maps, size=(128, 64))[0].tolist() == [[[61.5, 125.5]]]
    assert decode(maps, size=(32, 16))[0].tolist() == [[[15.0, 31.0]]]
    assert decode(maps)[0].tolist() == [[[15.0, 31.0]]]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("corner", [(0, 0), (23, 0), (0, 31), (23, 31)])
def test_a_landmark_in_a_corner_stays_there(method, corner):
    centre = torch.tensor([[corner]], dtype=torch.float32)
    assert torch.allclose(decode(gaussians(centre, 32, 24), method=method)[0], centre, atol=1e-4)


def test_on_a_border_the_free_axis_is_still_refined_by_the_newton_step_and_not_by_published_rules():
    centre = torch.tensor([[[0.0, 10.4]]])
    maps = gaussians(centre, 32, 24)
    assert torch.allclose(decode(maps, method="newton")[0], centre, atol=0.02)
    assert decode(maps, method="quarter")[0].tolist() == decode(maps, method="dark")[0].tolist() == [[[0.0, 10.0]]]


def realistic(count: int = 40) -> torch.Tensor:
    """Heatmaps (N, 17, 64, 48) as a network answers: uneven peaks, several of them, noise, and some at borders."""
    rng = torch.Generator().manual_seed(2)
    centres = torch.rand(count, 17, 2, generator=rng) * torch.tensor([50.0, 66.0]) - 1
    maps = gaussians(centres, 64, 48) * (0.3 + 0.7 * torch.rand(count, 17, 1, 1, generator=rng))
    others = torch.rand(count, 17, 2, generator=rng) * torch.tensor([48.0, 64.0])
    return maps + 0.3 * gaussians(others, 64, 48, 3.0) + 0.01 * torch.randn(maps.shape, generator=rng)


def test_quarter_is_what_the_official_evaluation_does():
    """Written from what it does: a quarter towards the larger neighbour, nothing within two cells of the border."""
    maps = realistic()
    found = decode(maps, method="quarter")[0]
    for person, joints in enumerate(maps.numpy()):
        for joint, one in enumerate(joints):
            y, x = divmod(int(one.argmax()), 48)
            wanted = [float(x), float(y)]
            if 1 < x < 47 and 1 < y < 63:
                wanted[0] += 0.25 * np.sign(one[y, x + 1] - one[y, x - 1])
                wanted[1] += 0.25 * np.sign(one[y + 1, x] - one[y - 1, x])
            assert found[person, joint].tolist() == wanted


def test_dark_is_the_published_modulation_to_a_fiftieth_of_a_cell():
    """Against OpenCV's blur of 11 and the step written out for one joint after the other."""
    cv2 = pytest.importorskip("cv2")
    maps = realistic()
    found = decode(maps, method="dark")[0]
    apart = []
    for person, joints in enumerate(maps.numpy()):
        for joint, one in enumerate(joints):
            y, x = divmod(int(one.argmax()), 48)
            blurred = cv2.GaussianBlur(np.pad(one, 5), (11, 11), 0)[5:-5, 5:-5]
            g = np.log(np.maximum(blurred * one.max() / blurred.max(), 1e-10)).astype(np.float64)
            place = np.array([x, y], np.float64)
            if 1 < x < 46 and 1 < y < 62:
                first = np.array([g[y, x + 1] - g[y, x - 1], g[y + 1, x] - g[y - 1, x]]) / 2
                xx = (g[y, x + 2] - 2 * g[y, x] + g[y, x - 2]) / 4
                yy = (g[y + 2, x] - 2 * g[y, x] + g[y - 2, x]) / 4
                xy = (g[y + 1, x + 1] - g[y - 1, x + 1] - g[y + 1, x - 1] + g[y - 1, x - 1]) / 4
                if xx * yy - xy**2 != 0:
                    place -= np.linalg.solve([[xx, xy], [xy, yy]], first)
            apart.append(np.abs(found[person, joint].numpy() - place.clip(0, [47, 63])).max())
    assert max(apart) < 0.02


@pytest.mark.parametrize("method", METHODS)
def test_noise_zeros_and_negative_maps_never_leave_the_picture(method):
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(4, 17, 9, 7, generator=generator)
    for maps in (noise, -noise.abs(), torch.zeros(1, 1, 9, 7), torch.ones(1, 2, 1, 1), noise[..., :2, :2]):
        landmarks, _ = decode(maps, method=method)
        limit = torch.tensor([maps.shape[-1] - 1, maps.shape[-2] - 1])
        assert torch.isfinite(landmarks).all()
        assert (landmarks >= 0).all() and (landmarks <= limit).all()


def test_no_gradient_passes_the_decoder():
    maps = torch.rand(1, 17, 8, 8, requires_grad=True)
    assert not any(answer.requires_grad for answer in pose_maps(maps, size=(32, 32), sigma=2.0))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_refused(bad):
    maps = torch.zeros(3, 17, 8, 8)
    maps[1, 4, 2, 2] = bad
    with pytest.raises(ValueError, match="1 of 3 pictures hold NaN or infinity"):
        decode(maps)
    with pytest.raises(ValueError, match="NaN or infinity"):
        pose_maps(maps, size=(32, 32), sigma=2.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: decode(torch.zeros(17, 8, 8)), r"expected heatmaps \(N, K, h, w\), got \(17, 8, 8\) torch.float32"),
        (lambda: decode(torch.zeros(1, 17, 0, 8)), "expected heatmaps"),
        (lambda: decode(torch.zeros(1, 17, 8, 8), method="soft"), "one of argmax, quarter, newton, dark, got 'soft'"),
        (lambda: decode(torch.zeros(1, 17, 8, 8), size=(0, 4)), r"size: expected \(rows, columns\)"),
        (lambda: gaussian_maps(torch.zeros(1, 3, 2), torch.ones(1, 4), size=(8, 8), sigma=1), "valid"),
        (lambda: gaussian_maps(torch.zeros(1, 3, 3), torch.ones(1, 3), size=(8, 8), sigma=1), "landmarks"),
        (lambda: gaussian_maps(torch.zeros(1, 3, 2), torch.ones(1, 3), size=(8, 8), sigma=0), "sigma"),
        (lambda: gaussian_maps(torch.zeros(1, 3, 2), torch.ones(1, 3), size=(8, 0), sigma=1), "size"),
        (
            lambda: gaussian_maps(torch.zeros(1, 1, 2), torch.ones(1, 1), size=(8, 8), sigma=1, method="fft"),
            "one of closed, convolution, got 'fft'",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@settings(deadline=None, max_examples=25)
@given(st.data(), st.integers(1, 24), st.integers(1, 24), st.floats(0.5, 8))
def test_convolution_and_closed_form_agree_on_whole_pixels(data, height, width, sigma):
    points = st.tuples(st.integers(0, width - 1), st.integers(0, height - 1))
    landmarks = torch.tensor([data.draw(st.lists(points, min_size=1, max_size=5))], dtype=torch.float32)
    valid = torch.tensor([data.draw(st.lists(st.booleans(), min_size=landmarks.shape[1],
                                             max_size=landmarks.shape[1]))])  # fmt: skip
    closed, convolution = (
        gaussian_maps(landmarks, valid, size=(height, width), sigma=sigma, method=method)
        for method in ("closed", "convolution")
    )
    assert torch.allclose(closed, convolution, rtol=0, atol=1e-6)
    peaks = torch.where(valid, 1.0, 0.0)
    assert torch.allclose(closed.amax(dim=(2, 3)), peaks) and torch.allclose(
        convolution.amax(dim=(2, 3)), peaks, rtol=0, atol=1e-6
    )


def test_the_two_agree_at_full_size_up_to_the_corners():
    landmarks = torch.tensor([[[0, 0], [63, 0], [0, 127], [63, 127], [31, 64]]], dtype=torch.float32)
    valid = torch.ones(1, 5, dtype=torch.bool)
    maps = [
        gaussian_maps(landmarks, valid, size=(128, 64), sigma=6, method=method) for method in ("closed", "convolution")
    ]
    assert torch.allclose(*maps, rtol=0, atol=1e-6)
    assert torch.allclose(maps[0], gaussians(landmarks, 128, 64, 6.0), rtol=0, atol=1e-6)


def test_convolution_rounds_and_closed_form_keeps_the_fraction():
    landmarks, valid = torch.tensor([[[4.5, 3.4]]]), torch.tensor([[True]])
    rounded = gaussian_maps(landmarks, valid, size=(9, 9), sigma=2.0, method="convolution")
    exact = gaussian_maps(landmarks, valid, size=(9, 9), sigma=2.0)
    assert decode(rounded)[0].tolist() == [[[5.0, 3.0]]]
    assert torch.allclose(exact, gaussians(landmarks, 9, 9), atol=1e-6)


@pytest.mark.parametrize("method", ["closed", "convolution"])
def test_an_invalid_landmark_leaves_nothing_even_if_it_is_nan(method):
    landmarks = torch.tensor([[[float("nan"), 1.0], [float("inf"), 2.0], [3.0, 3.0]]])
    valid = torch.tensor([[False, False, True]])
    maps = gaussian_maps(landmarks, valid, size=(8, 8), sigma=1.0, method=method)
    assert maps[0, :2].abs().sum() == 0 and maps[0, 2].max() == 1


def test_an_outside_landmark_has_no_pixel_to_convolve():
    landmarks, valid = torch.tensor([[[-1.0, 3.0], [8.0, 3.0]]]), torch.ones(1, 2, dtype=torch.bool)
    assert gaussian_maps(landmarks, valid, size=(8, 8), sigma=1.0, method="convolution").abs().sum() == 0
    assert gaussian_maps(landmarks, valid, size=(8, 8), sigma=1.0).amax() < 1


def test_pose_maps_obey_the_threshold():
    heatmaps = torch.zeros(1, 3, 32, 16)
    heatmaps[0, 0, 8, 8], heatmaps[0, 1, 8, 8] = 0.2, 0.19
    maps, landmarks, valid = pose_maps(heatmaps, size=(128, 64), sigma=6.0)
    assert valid.tolist() == [[True, False, False]]
    assert maps.shape == (1, 3, 128, 64) and landmarks.shape == (1, 3, 2)
    assert maps[0, 1:].abs().sum() == 0
    assert maps[0, 0].max() > 0.98  # the landmark, (33.5, 33.5), lies between pixels
    assert pose_maps(heatmaps, size=(128, 64), sigma=6.0, threshold=0.1)[2].tolist() == [[True, True, False]]


def test_pose_maps_use_the_decoder_they_are_told():
    heatmaps = gaussians(torch.tensor([[[8.3, 9.6]]]), 32, 16)
    landmarks = [
        pose_maps(heatmaps, size=(128, 64), sigma=6.0, decoder=method)[1].flatten().tolist() for method in METHODS
    ]
    assert landmarks[0] == [33.5, 41.5] and landmarks[1] == [34.5, 40.5]
    assert landmarks[2] == pytest.approx([34.7, 39.9], abs=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_a_mirrored_map_gives_the_mirrored_landmarks(method):
    generator = torch.Generator().manual_seed(2)
    centres = 3 + torch.rand(2, 17, 2, generator=generator) * torch.tensor([10.0, 26.0])
    maps = gaussians(centres, 32, 16)
    landmarks, _ = decode(maps, method=method, size=(128, 64))
    mirrored, _ = decode(mirror_maps(maps), method=method, size=(128, 64))
    expected, _ = mirror_joints(landmarks, torch.ones(2, 17), 64)
    assert torch.allclose(mirrored, expected, atol=1e-3)
    drawn = gaussian_maps(mirrored, torch.ones(2, 17, dtype=torch.bool), size=(128, 64), sigma=6.0)
    again = gaussian_maps(landmarks, torch.ones(2, 17, dtype=torch.bool), size=(128, 64), sigma=6.0)
    assert torch.allclose(drawn, mirror_maps(again), atol=1e-3)


def test_the_default_sigma_grows_with_the_picture():
    assert [default_sigma(height) for height in (64, 128, 256)] == [3.0, 6.0, 12.0]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("method", METHODS)
def test_the_gpu_decodes_and_draws_the_same(method, subpixel):
    maps = subpixel[1]
    here = pose_maps(maps, size=(128, 96), sigma=6.0, decoder=method)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        there = pose_maps(maps.cuda(), size=(128, 96), sigma=6.0, decoder=method)
        drawn = gaussian_maps(here[1].cuda(), here[2].cuda(), size=(128, 96), sigma=6.0, method="convolution")
    for one, other in zip(here, there, strict=True):
        assert other.is_cuda and torch.allclose(one.float(), other.cpu().float(), atol=1e-3)
    expected = gaussian_maps(here[1], here[2], size=(128, 96), sigma=6.0, method="convolution")
    assert torch.allclose(drawn.cpu(), expected, atol=1e-4)
