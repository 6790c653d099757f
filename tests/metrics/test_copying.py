"""What an answer copies: values by hand, and that the measures tell a recoloured target from a moved person."""

from __future__ import annotations

import math

import pytest
import torch

from momi_lib.metrics.copying import copied_share, edge_correlation, joint_colour_distance

EVERYWHERE = torch.ones(1, 16, 8, dtype=torch.bool)


def noise(seed: int) -> torch.Tensor:
    return torch.randint(256, (1, 3, 16, 8), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def test_edges_by_hand() -> None:
    """Greys 0, 1, 3 beside 0, 2, 3: gradients (1, 2) and (2, 1) across, none down; their correlation is -1."""
    first, second = (
        torch.tensor(row, dtype=torch.uint8).expand(3, 1, 3)[None].contiguous() for row in ([0, 1, 3], [0, 2, 3])
    )
    one_row = torch.ones(1, 1, 3, dtype=torch.bool)
    assert float(edge_correlation(first, second, one_row)) == pytest.approx(-1, abs=1e-5)


def test_edges_agree_with_numpy_on_a_part_of_the_picture() -> None:
    import numpy as np

    masks = EVERYWHERE.clone()
    masks[:, :5] = False
    masks[:, 9, 3] = False
    first, second = noise(0), noise(1) // 2 + noise(0) // 2
    weights = np.array([0.299, 0.587, 0.114])[:, None, None]
    greys = [(each[0].numpy() * weights).sum(0) for each in (first, second)]
    mask = masks[0].numpy()
    across, down = mask[:, 1:] & mask[:, :-1], mask[1:] & mask[:-1]
    vectors = [np.concatenate([np.diff(g, axis=1)[across], np.diff(g, axis=0)[down]]) for g in greys]
    assert float(edge_correlation(first, second, masks)) == pytest.approx(np.corrcoef(*vectors)[0, 1], abs=1e-4)


def test_a_flat_picture_has_no_edges_to_correlate() -> None:
    assert math.isnan(float(edge_correlation(torch.zeros_like(noise(0)), noise(0), EVERYWHERE)))


def test_copied_share_asks_every_channel_and_only_the_mask() -> None:
    first, second = torch.zeros(1, 3, 16, 8).byte(), torch.zeros(1, 3, 16, 8).byte()
    second[:, 2, :8] = 26  # 26 / 255 is more than a tenth, 25 / 255 is not
    assert float(copied_share(first, second, EVERYWHERE)) == 0.5
    assert float(copied_share(first, second.clamp(max=25), EVERYWHERE)) == 1
    lower = EVERYWHERE.clone()
    lower[:, :8] = False
    assert float(copied_share(first, second, lower)) == 1
    assert math.isnan(float(copied_share(first, second, ~EVERYWHERE)))


def test_joint_colours_follow_the_joint_and_not_the_place() -> None:
    """A red square at another place is the same joint; a joint without a partner does not count."""
    first, second = torch.zeros(1, 3, 64, 32).byte(), torch.zeros(1, 3, 64, 32).byte()
    first[:, 0, 10:21, 10:21] = 255
    second[:, 0, 40:51, 12:23] = 255
    places, others = torch.zeros(1, 17, 2), torch.zeros(1, 17, 2)
    places[:, 0], others[:, 0] = torch.tensor([15.0, 15.0]), torch.tensor([17.0, 45.0])
    places[:, 1], others[:, 1] = torch.tensor([15.0, 15.0]), torch.tensor([17.0, 15.0])
    valid = torch.zeros(1, 17, dtype=torch.bool)
    valid[:, :2] = True
    only_first = valid.clone()
    only_first[:, 1] = False
    distance = joint_colour_distance(first, places, valid, second, others, only_first)
    assert float(distance) == pytest.approx(0, abs=1e-5)
    # The second joint is red in the first picture and black in the other: a third of the range, on half of them.
    both = joint_colour_distance(first, places, valid, second, others, valid)
    assert float(both) == pytest.approx(1 / 6, abs=1e-5)
    assert math.isnan(float(joint_colour_distance(first, places, ~valid & False, second, others, valid)))


@pytest.mark.parametrize("measure", [edge_correlation, copied_share])
def test_other_types_and_shapes_are_refused(measure) -> None:
    with pytest.raises(ValueError, match="uint8"):
        measure(noise(0).float(), noise(1), EVERYWHERE)
    with pytest.raises(ValueError, match="masks"):
        measure(noise(0), noise(1), EVERYWHERE[:, :4])
    with pytest.raises(ValueError, match="within"):
        copied_share(noise(0), noise(1), EVERYWHERE, within=25)


def test_the_tolerance_is_a_share_of_255_and_counts_itself() -> None:
    first, second = torch.zeros(1, 3, 16, 8).byte(), torch.full((1, 3, 16, 8), 51).byte()
    assert float(copied_share(first, second, EVERYWHERE, within=0.2)) == 1  # 0.2 · 255 = 51
    assert float(copied_share(first, second + 1, EVERYWHERE, within=0.2)) == 0
    assert float(copied_share(first, second * 5, EVERYWHERE, within=0.998)) == 0  # black and white
    assert float(copied_share(first, second * 5, EVERYWHERE, within=1)) == 1
    assert float(copied_share(first, first, EVERYWHERE, within=0)) == 1
    for within in (-0.5, 1.5):
        with pytest.raises(ValueError, match=r"^within: expected a difference of colours in \[0, 1\]"):
            copied_share(first, second, EVERYWHERE, within=within)


def test_the_square_around_a_joint_is_eight_pixels_wide() -> None:
    generator = torch.Generator().manual_seed(0)
    picture = torch.randint(256, (1, 3, 64, 32), generator=generator, dtype=torch.uint8)
    places, valid = torch.full((1, 17, 2), 15.5), torch.ones(1, 17, dtype=torch.bool)
    black = torch.zeros_like(picture)
    by_hand = float(picture[..., 12:20, 12:20].float().mean()) / 255
    found = [float(joint_colour_distance(picture, places, valid, black, places, valid, **options))
             for options in ({}, {"radius": 3.0}, {"radius": 5.0})]  # fmt: skip
    assert found[0] == pytest.approx(by_hand, abs=1e-5)
    assert min(abs(each - by_hand) for each in found[1:]) > 1e-4


def test_joints_and_pictures_are_named_by_whose_they_are() -> None:
    picture, places, valid = torch.zeros(1, 3, 64, 32).byte(), torch.zeros(1, 17, 2), torch.ones(1, 17).bool()
    good = {"pictures": picture, "places": places, "valid": valid, "others": picture, "other_places": places,
            "other_valid": valid}  # fmt: skip
    bad = {"pictures": picture.float(), "places": places[:, 1:], "valid": valid.float()}
    bad |= {"others": picture.float(), "other_places": places[:, 1:], "other_valid": valid.float()}
    for name in good:
        with pytest.raises(ValueError, match=f"^{name}: expected"):
            joint_colour_distance(*(good | {name: bad[name]}).values())


def test_colours_are_compared_channel_by_channel() -> None:
    """Red and blue have the same mean of channels; two of three channels differ by all."""
    red, blue = torch.zeros(1, 3, 32, 32).byte(), torch.zeros(1, 3, 32, 32).byte()
    red[:, 0], blue[:, 2] = 255, 255
    joints = torch.full((1, 17, 2), 16.0), torch.ones(1, 17, dtype=torch.bool)
    assert float(joint_colour_distance(red, *joints, blue, *joints)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("measure", [copied_share, edge_correlation])
def test_of_no_pictures_there_are_no_values(measure) -> None:
    none = torch.zeros(0, 3, 16, 8).byte()
    assert measure(none, none, torch.zeros(0, 16, 8, dtype=torch.bool)).shape == (0,)
