"""The figure of body maps: a place has one colour wherever it is, and errors are those inside the label."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from momi_lib.lessons.figures.body_maps import FAR, body_map_figure, place_colours
from momi_lib.train.presets import preset
from momi_lib.translate import CarryNet, network_of


@pytest.fixture(scope="module")
def network() -> CarryNet:
    torch.manual_seed(0)
    return network_of(preset("tiny-carry").network).eval()


def cells(figure, count: int) -> list[list[np.ndarray]]:
    """What each pair of axes shows, row by row, without the colour bar."""
    shown = [ax.images[0].get_array() for ax in figure.axes[:-1]]
    return [shown[start : start + count] for start in range(0, len(shown), count)]


def test_sides_and_heights_differ_for_every_colour_vision_and_nothing_is_white() -> None:
    places = torch.tensor([[0.4, 0.0, 0.7], [-0.4, 0.0, 0.7], [0.4, 0.0, -0.9], [0.1, 0.0, 0.7]]).T[:, None].clone()
    places[:, :, 3] = torch.nan
    left, right, foot, nothing = place_colours(places)[:, 0].T
    assert left[2] > left[0] and right[0] > right[2]  # blue and orange
    assert foot.mean() < 0.6 * left.mean()
    assert (nothing == 1).all()
    front, back = place_colours(torch.tensor([[0.3, -0.2, 0.0], [0.3, 0.2, 0.0]]).T[:, None])[:, 0].T
    assert back.std() < front.std()


def test_a_row_shows_picture_label_map_and_error_of_both(network: CarryNet) -> None:
    pictures = torch.randint(0, 256, (2, 3, 128, 64), dtype=torch.uint8)
    labels = torch.full((2, 3, 64, 32), torch.nan)
    labels[:, :, 10:50, 8:24] = 0.1
    figure, told = body_map_figure(network, pictures, pictures.flip(0), labels, labels.roll(1, 3))
    rows = cells(figure, 8)
    assert len(rows) == 2 and told.startswith("Body maps of 2 people") and " cm in other poses." in told
    for row in rows:
        assert row[0].shape == row[4].shape == (128, 64, 3)
        error = np.ma.filled(row[3].astype(float), np.nan)
        assert (np.isfinite(error) == np.isfinite(labels[0, 0].numpy())).all()
        assert np.isfinite(np.ma.filled(row[7].astype(float), np.nan))[10:50, 9:25].all()
        assert (row[1][0, 0] == 1).all() and (row[1][20, 12] < 1).any()
    bar = figure.axes[-1]
    assert "cm" in bar.get_ylabel() and bar.get_ylim() == (0, FAR)
    plt.close(figure)


def test_without_labels_of_the_answers_their_maps_stand_alone(network: CarryNet) -> None:
    pictures, labels = torch.zeros(1, 3, 128, 64), torch.zeros(1, 3, 64, 32)
    figure, told = body_map_figure(network, pictures, pictures, labels)
    assert len(cells(figure, 6)) == 1 and "in other poses" not in told
    plt.close(figure)
    with pytest.raises(ValueError, match="as many targets and labels as sources, got 1, 1 and 2"):
        body_map_figure(network, pictures, pictures, labels.expand(2, -1, -1, -1))
