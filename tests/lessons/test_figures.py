"""Figures take what the library gives, show themselves once and close themselves."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure

from momi_lib.lessons.figures import grids
from momi_lib.lessons.figures import pictures as figures
from momi_lib.lessons.figures.drawing import as_image

SEED = torch.Generator().manual_seed(0)
PICTURES = torch.randint(0, 256, (5, 3, 128, 64), dtype=torch.uint8, generator=SEED)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Figure, str]]:
    seen: list[tuple[Figure, str]] = []
    for module in (figures, grids):
        monkeypatch.setattr(module, "show", lambda figure, description: seen.append((figure, description)))
    yield seen
    plt.close("all")


def drawn(figure: Figure) -> int:
    return sum(bool(ax.images) for ax in figure.axes)


@pytest.mark.parametrize(
    ("pictures", "shape", "count"),
    [
        (PICTURES, (1, 5), 5),
        (PICTURES.float() / 127.5 - 1, (1, 5), 5),
        (PICTURES[:4].reshape(2, 2, 3, 128, 64), (2, 2), 4),
        (list(PICTURES), (1, 5), 5),
        ([[PICTURES[0], None], [PICTURES[1], PICTURES[2]]], (2, 2), 3),
        ([torch.rand(128, 64)], (1, 1), 1),
    ],
)
def test_pictures_come_in_many_forms(shown: list, pictures: object, shape: tuple, count: int) -> None:
    figures.show_pictures(pictures)
    figure, description = shown[0]
    assert figure.axes[0].get_gridspec().get_geometry() == shape
    assert drawn(figure) == count
    assert description == f"{count} pictures"


def test_titles_and_rows(shown: list) -> None:
    figures.show_pictures(PICTURES, list("abcde"), ["first", "second"], columns=3)
    figure, description = shown[0]
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "c", "d", "e", ""]
    assert [text.get_text() for ax in figure.axes for text in ax.texts] == ["first", "second"]
    assert description == "5 pictures: a, b, c, d, e, rows: first, second"


def test_a_description_has_neither_line_breaks_nor_empty_names(shown: list) -> None:
    figures.show_pictures(PICTURES[:4], ["best", "", "", "before\na colour"], ["row\none"])
    figures.show_pictures(PICTURES[:2], ["", ""])
    figures.show_maps(PICTURES[0], torch.rand(2, 32, 16), ["left\neye", "nose"])
    assert [description for _, description in shown] == [
        "4 pictures: best, before a colour, rows: row one",
        "2 pictures",
        "2 maps over the picture: left eye, nose",
    ]


def test_rows_without_titles_stand_close_together(shown: list) -> None:
    for titles in (None, list("ab"), list("abcdef")):
        figures.show_pictures(PICTURES[[0, 1, 2, 3, 4, 0]], titles, columns=2)
    bare, first, all_rows = (figure.get_size_inches()[1] for figure, _ in shown)
    assert first - bare == pytest.approx(0.2)  # one line of titles
    assert all_rows - bare == pytest.approx(3 * 0.2)


def test_one_picture_or_many_make_triplets(shown: list) -> None:
    figures.show_triplet(*PICTURES[:3])
    figures.show_triplet(PICTURES[:2], PICTURES[1:3], PICTURES[3:5])
    assert [drawn(figure) for figure, _ in shown] == [3, 6]


def test_invalid_joints_are_not_drawn(shown: list) -> None:
    valid = torch.zeros(2, 17, dtype=torch.bool)
    valid[0, 5:7] = True  # two shoulders: one limb, drawn twice (white underneath)
    landmarks = torch.rand(2, 17, 2) * 60
    landmarks[1, 0] = torch.nan
    figures.show_skeletons(PICTURES[:2], landmarks, valid)
    figure, _ = shown[0]
    assert [len(ax.lines) for ax in figure.axes] == [2, 0]
    figures.show_skeletons(PICTURES[:2], landmarks)
    assert [len(ax.collections[0].get_offsets()) for ax in shown[1][0].axes] == [17, 16]


def test_maps_cover_the_picture(shown: list) -> None:
    figures.show_maps(PICTURES[0], torch.rand(17, 32, 16))
    figure, description = shown[0]
    base, over = figure.axes[0].images
    assert base.get_extent() == over.get_extent() == [-0.5, 63.5, 127.5, -0.5]
    assert figure.axes[5].get_title() == "left shoulder"
    assert description.startswith("17 maps over the picture: nose")
    figures.show_maps(None, torch.rand(3, 8, 8), ["a", "b", "c"], limits=(-1, 1))
    assert shown[1][1] == "3 maps: a, b, c"


def test_curves_differ_without_colour(shown: list) -> None:
    figures.use_style()
    figures.curves({name: [3.0, 2.0, 1.0] for name in "abcdef"}, ylabel="loss", log=True)
    lines = shown[0][0].axes[0].lines
    assert len({(line.get_linestyle(), str(line._dash_pattern)) for line in lines}) == 6
    assert shown[0][1] == "loss over step: a, b, c, d, e, f"


@pytest.mark.parametrize("part", figures.PARTS)
def test_each_part_can_be_highlighted(shown: list, part: str) -> None:
    figures.diagram(part)
    figure, description = shown[0]
    widths = [patch.get_linewidth() for patch in figure.axes[0].patches]
    assert sum(width > 2.1 for width in widths) == 1
    assert description.endswith(f"Highlighted: {figures.PARTS[part].words}.")


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(ValueError, match=r"expected names among data, teacher.*got encoder"):
        figures.diagram(["student", "encoder"])


def test_colours_are_right() -> None:
    red = torch.full((3, 2, 2), -1.0)
    red[0] = 1.0
    assert as_image(red)[0, 0].tolist() == [1, 0, 0]
    assert as_image(torch.full((3, 2, 2), 7.0)).max() == 1  # outside the range: clipped, not wrapped
    with pytest.raises(ValueError, match=r"expected \(3, H, W\) or \(H, W\), got \(1, 2, 2\)"):
        as_image(torch.zeros(1, 2, 2))


def test_a_figure_is_closed_after_it_was_shown() -> None:
    before = plt.get_fignums()
    figures.show_pictures(PICTURES)
    figures.diagram("student")
    assert plt.get_fignums() == before


def test_maps_and_skeletons_stand_over_pictures_in_rows(shown: list) -> None:
    landmarks, valid = torch.rand(17, 2) * 60, torch.ones(17, dtype=torch.bool)
    rows = [[PICTURES[0], (PICTURES[0], torch.rand(16, 8))], [(PICTURES[1], landmarks, valid), PICTURES[1]]]
    figures.show_over(rows, ["picture", "map"], ["first", "second"], limits=(-1, 1), label="look")
    figure, description = shown[0]
    first, over, second, bare, scale = figure.axes
    assert [len(ax.images) for ax in (first, over, second, bare)] == [1, 2, 1, 1]
    assert over.images[1].get_clim() == (-1, 1) and scale.get_ylabel() == "look"
    assert len(second.lines) > 0 and len(bare.lines) == 0
    assert description == "2 rows of pictures and maps over them: picture, map, rows: first, second"
    figures.show_over([[PICTURES[0]]])
    assert len(shown[1][0].axes) == 1  # no map, no scale


def test_tables_show_each_number_in_a_readable_ink(shown: list) -> None:
    figures.show_tables({"a": torch.tensor([[0.0, 1.0], [0.25, 0.5]]), "b": torch.zeros(3, 1)}, digits=1)
    figure, description = shown[0]
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.0", "1.0", "0.2", "0.5"]
    assert [text.get_color() for text in figure.axes[0].texts] == ["white", "black", "white", "white"]
    assert len(figure.axes[1].texts) == 3 and description == "2 tables of numbers: a, b"


def test_bars_are_means_with_standard_errors(shown: list) -> None:
    figures.show_bars({"L1": {"one": torch.tensor([1.0, 3.0]), "two": torch.tensor([5.0, 5.0])}})
    figure, description = shown[0]
    ax = figure.axes[0]
    assert [bar.get_width() for bar in ax.patches] == [2.0, 5.0]
    lines = ax.collections[0].get_segments()
    assert [float(line[1, 0] - line[0, 0]) for line in lines] == pytest.approx([2.0, 0.0])  # one error to each side
    assert ax.get_xlabel() == "L1" and description.startswith("Bars of means with standard errors")
