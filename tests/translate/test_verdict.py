"""The verdict on a picture, by numbers: what is usual, the frame, the limits of being sure, and the other looks.

The student is stood in for, so that each confidence is known. tests/outside/test_photographs.py has the committed one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, astuple, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from momi_lib.data import to_uint8
from momi_lib.skeleton import JOINTS
from momi_lib.train import preset
from momi_lib.translate import verdict as rules
from momi_lib.translate.verdict import ALL, LOOKS, LOWER, TO_KNEES, UPPER, Look, Usual, Verdict, judged, usual_of

CONFIG = replace(preset("tiny").network, threshold=0.25)
USUAL = Usual(confidence=0.5, joints=17.0, upper=0.5, to_knees=0.5, lower=0.5, hips=0.5, typical=0.75)
GREY = torch.full((3, 128, 64), 128, dtype=torch.uint8)
LAST = (
    "; of 100 pictures that it knows how to read, 95 have 17 joints and a mean of at least 0.50.) Expect wrong joints "
    "and a wrong swap; cut the picture around one whole, upright person."
)


class StoodIn(nn.Module):
    """A network whose student says what `student` says of pictures (N, 3, H, W): confidences (N, 17)."""

    def __init__(self, student: Callable[[Tensor], Tensor], config=CONFIG) -> None:
        super().__init__()
        self.weight, self.config = nn.Parameter(torch.zeros(1)), config
        self.says = student

    def student(self, pictures: Tensor) -> Tensor:
        said = self.says(pictures)[..., None, None]
        return torch.cat([said, said - 1], dim=-1)  # two places, of which the first is surer


def each(value: float, **others: float) -> Tensor:
    """The confidences (17,) of the joints: `value`, and those of "nose", "left_eye" and so on as given."""
    return torch.tensor([others.get(joint, value) for joint in JOINTS])


def scripted(own: Tensor, looks: dict[int, Tensor] | None = None) -> StoodIn:
    """Says `own` of a picture as it is, and `looks` of it in the looks of these numbers; nothing in the others."""
    others = torch.stack([(looks or {}).get(number, torch.zeros(17)) for number in range(len(LOOKS))])
    return StoodIn(lambda pictures: own[None] if len(pictures) == 1 else others)


# --- what is usual


def test_what_is_usual_is_the_twentieth_part_from_below_and_the_middle() -> None:
    """Of 21 pictures the second from below counts; p² + j is known of picture p and joint j."""
    pictures, joints = torch.arange(21.0)[:, None], torch.arange(17.0)
    usual = Usual.of((pictures**2 + joints) / 512, threshold=10 / 512)
    # Joints 9 to 16 of picture 1 are found; the means of joints are those of their numbers.
    expected = (1 + 8, 8 * 512, 1 + 5, 1 + 7, 1 + 13.5, 1 + 11.5, 100 + 8)
    assert astuple(usual) == pytest.approx([number / 512 for number in expected], rel=1e-5)


@pytest.mark.parametrize(("joints", "expected"), [(ALL, 0.1), (UPPER, 0.2), (TO_KNEES, 0.3), (LOWER, 0.4)])
def test_each_part_of_a_body_has_its_own_usual_confidence(joints: slice, expected: float) -> None:
    assert Usual(0.1, 17.0, 0.2, 0.3, 0.4, 0.5, 0.6).part(joints) == expected
    assert Usual(0.1, 17.0, 0.0, 0.0, 0.0, 0.5, 0.6).part(joints) == (0.1 if joints == ALL else 0)


def test_what_is_usual_and_a_verdict_stay_as_they_are() -> None:
    with pytest.raises(FrozenInstanceError):
        USUAL.joints = 3.0
    with pytest.raises(FrozenInstanceError):
        Verdict(True, (), "").sure = False


def test_few_people_all_count_and_the_mannequins_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "query").mkdir()
    for person, grey in enumerate((51, 153, 255), 1):
        Image.new("RGB", (64, 128), (grey,) * 3).save(tmp_path / f"query/{person:04}_c1s1_000001_00.png")
    monkeypatch.setattr(rules, "EMBEDDED", tmp_path / "none")
    brightness = StoodIn(lambda pictures: pictures.mean((1, 2, 3)).add(1).div(2)[:, None].expand(-1, 17))
    # Confidences of 0.2, 0.6 and 1; a twentieth from below is a tenth of the way from the first to the second.
    expected = (0.24, 1.7, 0.24, 0.24, 0.24, 0.24, 0.6)
    assert astuple(usual_of(brightness, tmp_path)) == pytest.approx(expected, abs=1e-5)


def test_of_many_people_a_hundred_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def decoding(_: Path, files: list[str], *, size: tuple[int, int]) -> tuple[np.ndarray, None]:
        asked.append(files)
        return np.zeros((len(files), 3, *size), np.uint8), None

    people = [SimpleNamespace(file=str(number)) for number in range(250)]
    monkeypatch.setattr(rules, "EMBEDDED", tmp_path)
    monkeypatch.setattr(rules, "scan", lambda *_: people)
    monkeypatch.setattr(rules, "decode_pictures", decoding)
    usual_of(StoodIn(lambda pictures: torch.zeros(len(pictures), 17)), tmp_path)
    assert asked == [[str(number) for number in range(0, 200, 2)]]


# --- the frame


@pytest.mark.parametrize(
    ("pixels", "kinds", "told"),
    [
        ((32, 64), (), ""),
        ((31, 64), ("small",), "Only 31 × 64 pixels (width × height), at least 32 × 64 needed."),
        ((32, 63), ("small",), "Only 32 × 63 pixels (width × height), at least 32 × 64 needed."),
        ((10, 10), ("small",), "Only 10 × 10 pixels (width × height), at least 32 × 64 needed."),
        ((135, 200), (), ""),
        ((136, 200), ("shape",), "136 × 200, 1.4 times narrower"),
        ((100, 270), (), ""),
        ((99, 270), ("shape",), "99 × 270, 1.4 times wider"),
    ],
)
def test_a_frame_may_be_this_small_and_this_far_from_one_to_two(
    pixels: tuple[int, int], kinds: tuple[str, ...], told: str
) -> None:
    if kinds == ("shape",):
        size, way = told.split(", ")
        told = (
            f"With {size} pixels the picture is far from 1:2, and everybody in it becomes {way}; `swap --crop auto` or "
            "`--crop centre` cuts instead."
        )
    counted = "17 of 17 joints found, mean confidence 1.00"
    expected = f"{told} ({counted}{LAST}" if kinds else f"{counted}."
    assert judged(scripted(each(1.0)), GREY, USUAL, pixels=pixels) == Verdict(not kinds, kinds, expected)


# --- how sure is sure


def test_as_sure_as_usual_is_sure() -> None:
    """The mean, the hips and each joint are at their limits."""
    network = scripted(each(0.5))
    network.config = replace(CONFIG, threshold=0.5)
    assert judged(network, GREY, USUAL) == Verdict(True, (), "17 of 17 joints found, mean confidence 0.50.")


@pytest.mark.parametrize(
    ("own", "least", "counted"),
    [
        (each(0.5, nose=0.375, left_eye=0.4375), "nose and left eye", "17 of 17 joints found, mean confidence 0.49"),
        (each(0.75, left_ear=0.125, nose=0.5), "left ear and nose", "16 of 17 joints found, mean confidence 0.70"),
        (each(0.75, right_hip=0.25, left_hip=0.375), "right hip and left hip", "17 of 17 joints found, mean confidence "
         "0.70"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("given", [False, True])
def test_the_mean_the_joints_and_the_hips_must_all_be_sure(own: Tensor, least: str, counted: str, given: bool) -> None:
    network, known = (scripted(each(0.0)), own) if given else (scripted(own), None)
    verdict = judged(network, GREY, USUAL, confidence=known)
    assert verdict.kinds == ("unusual",) and not verdict.sure
    assert verdict.told == (
        f"Somebody is there, but not as the network knows people (least sure: {least}); who sits, crouches, bends or "
        f"is partly hidden looks like this. ({counted}{LAST}"
    )


@pytest.mark.parametrize(("own", "kind"), [(0.375, "unusual"), (0.37, "nobody")])
def test_below_three_quarters_of_what_is_sure_nobody_is_there(own: float, kind: str) -> None:
    assert judged(scripted(each(own)), GREY, USUAL).kinds == (kind,)


@pytest.mark.parametrize(("own", "kinds"), [(0.75, ()), (0.74, ("lying",))])
def test_who_is_as_sure_as_half_of_the_people_is_not_looked_at_again(own: float, kinds: tuple[str, ...]) -> None:
    assert judged(scripted(each(own), {0: each(1.0)}), GREY, USUAL).kinds == kinds


# --- other looks

LYING, UPSIDE_DOWN, HALF = (next(i for i, look in enumerate(LOOKS) if look.kind == kind)
                            for kind in ("lying", "upside down", "upper half"))  # fmt: skip


@pytest.mark.parametrize(
    ("own", "looks", "usual", "kind"),
    [
        # Nine tenths of what is usual are needed,
        (0.0, {LYING: 0.46875}, USUAL, "lying"),
        (0.0, {LYING: 0.4375}, USUAL, "nobody"),
        (0.0, {LYING: 0.5}, replace(USUAL, confidence=0.5 / 0.9), "lying"),
        # and 0.05 more than without the look.
        (0.4375, {LYING: 0.46875}, USUAL, "unusual"),
        (0.4375, {LYING: 0.5}, USUAL, "lying"),
        # The best look wins by its share of what is usual for its joints, and of two alike the first.
        (0.0, {LYING: 0.5, HALF: 0.234375}, replace(USUAL, upper=0.25), "lying"),
        (0.0, {LYING: 0.5, HALF: 0.5}, replace(USUAL, upper=0.25), "upper half"),
        (0.0, {LYING: 0.5, UPSIDE_DOWN: 0.5}, USUAL, "lying"),
        # A network that is never sure of anything.
        (0.0, {LYING: 1.0, HALF: 1.0}, Usual(0.0, 17.0, 0.0, 0.0, 0.0, 0.0, 0.0), "unusual"),
    ],
)
def test_another_look_must_be_surer_and_the_best_wins(
    own: float, looks: dict[int, float], usual: Usual, kind: str
) -> None:
    network = scripted(each(own), {number: each(value) for number, value in looks.items()})
    assert judged(network, GREY, usual).kinds == (kind,)


def person() -> Tensor:
    """(1, 3, 128, 64), whose colours say where on a body a place is."""
    rows, columns = torch.linspace(-0.9, 0.9, 128)[:, None], torch.linspace(-0.9, 0.9, 64)[None]
    return torch.stack([rows.expand(128, 64), columns.expand(128, 64), torch.full((128, 64), 0.5)])[None]


#: Row and column of each joint of that person.
PLACES = torch.tensor([(10, 32), (8, 34), (8, 30), (10, 36), (10, 28), (24, 40), (24, 24), (40, 42), (40, 22), (56, 42),
                       (56, 22), (70, 36), (70, 28), (84, 36), (84, 28), (116, 36), (116, 28)])  # fmt: skip


def knowing(pictures: Tensor) -> Tensor:
    """The confidence of each joint, which falls with how far the colours at its place are from that person's."""
    rows, columns = PLACES.unbind(1)
    unlike = (pictures - person())[:, :, rows, columns].abs().amax(1)
    return (1 - 5 * unlike).clamp(min=0)


def resized(picture: Tensor, height: int = 128, width: int = 64) -> Tensor:
    return functional.interpolate(picture, (height, width), mode="bilinear", antialias=True)


def turned(quarters: int) -> Tensor:
    return torch.rot90(person(), -quarters, (2, 3))


def amid(quarters: int) -> Tensor:
    """Somebody who lies across the middle of an upright picture."""
    picture = torch.zeros(1, 3, 128, 64)
    picture[:, :, 48:80] = torch.rot90(resized(person(), 64, 32), -quarters, (2, 3))
    return picture


@pytest.mark.parametrize(
    ("picture", "kinds"),
    [
        (person(), ()),
        (resized(turned(1)), ("lying",)),
        (resized(turned(3)), ("lying",)),
        (amid(1), ("lying",)),
        (amid(3), ("lying",)),
        (turned(2), ("upside down",)),
        (resized(person()[:, :, :64]), ("upper half",)),
        (resized(person()[:, :, :64, 16:48]), ("upper half",)),
        (resized(person()[:, :, :92]), ("upper half",)),
        (resized(person()[:, :, :92, 9:55]), ("upper half",)),
        (resized(person()[:, :, 64:]), ("lower half",)),
        (resized(person()[:, :, 64:, 16:48]), ("lower half",)),
    ],
)
def test_each_look_finds_what_it_is_for(picture: Tensor, kinds: tuple[str, ...]) -> None:
    usual = Usual(0.9, 17.0, 0.9, 0.9, 0.9, 0.9, 0.9)
    assert judged(StoodIn(knowing), to_uint8(picture)[0], usual).kinds == kinds


@pytest.mark.parametrize(
    ("look", "rows", "columns"),
    [
        (Look("", ALL), (0, 127), (0, 63)),
        (Look("", ALL, rows=0.5), (0, 63), (0, 63)),
        (Look("", ALL, rows=0.5, columns=0.5), (0, 63), (16, 47)),
        (Look("", ALL, rows=0.5, columns=0.5, top=False), (64, 127), (16, 47)),
        (Look("", ALL, rows=0.72, columns=0.72), (0, 91), (9, 54)),
    ],
)
def test_a_larger_frame_is_grey_around_the_picture(
    look: Look, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    frame = rules._looked(torch.ones(1, 3, 128, 64), look)
    expected = torch.zeros(1, 3, 128, 64)
    expected[:, :, rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = 1
    torch.testing.assert_close(frame, expected)


@pytest.mark.parametrize("quarters", [1, 3])
def test_the_middle_is_a_quarter_of_the_picture_turned(quarters: int) -> None:
    view = torch.rand(1, 3, 128, 64)
    middle = torch.rot90(view[:, :, 48:80], quarters, (2, 3))
    expected = functional.interpolate(middle, (128, 64), mode="bicubic", antialias=True).clamp(-1, 1)
    torch.testing.assert_close(rules._looked(view, Look("", ALL, quarters=quarters, middle=True)), expected)


def test_fine_stripes_fade_where_a_picture_becomes_smaller_and_colours_end_at_black_and_white() -> None:
    """Bicubic weights at a half: 0.4336, 0.1133, -0.0352 and -0.0117, on both sides of a place."""
    stripes = torch.tensor([1.0, 1, -1, -1]).repeat(32)[:, None].expand(1, 3, 128, 64)
    fine = rules._looked(stripes, Look("", ALL, rows=0.5))[..., 2:62, :]
    value = 2 * (0.4336 - 0.1133 + 0.0352 - 0.0117)
    expected = torch.tensor([value, -value]).repeat(30)[:, None].expand(1, 3, 60, 64)
    torch.testing.assert_close(fine, expected, atol=1e-3, rtol=0)
    broad = torch.tensor([1.0, -1]).repeat_interleave(8).repeat(8)[:, None].expand(1, 3, 128, 64)
    frame = rules._looked(broad, Look("", ALL, rows=0.5))
    assert (float(frame.min()), float(frame.max())) == (-1, 1)
