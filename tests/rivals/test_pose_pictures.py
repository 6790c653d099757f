"""Pose pictures: values worked out by hand, joints that are missing, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from momi_lib.rivals.base import Landmarks, RivalBatch
from momi_lib.rivals.pose_pictures import check_guided, disc_maps, pose_masks, positive_pose, stick_pictures
from momi_lib.skeleton import COLOURS, JOINTS

ELBOW, WRIST = JOINTS.index("left_elbow"), JOINTS.index("left_wrist")


def forearm(start, end):
    """One person of whom only the left elbow and wrist are known."""
    landmarks, valid = torch.full((1, 17, 2), torch.nan), torch.zeros(1, 17, dtype=torch.bool)
    landmarks[0, ELBOW], landmarks[0, WRIST] = torch.tensor(start), torch.tensor(end)
    valid[0, [ELBOW, WRIST]] = True
    return landmarks, valid


def colour(joint):
    return torch.tensor([int(COLOURS[joint][at : at + 2], 16) / 127.5 - 1 for at in (1, 3, 5)])


def test_a_disc_has_the_pixels_of_a_circle():
    landmarks, valid = forearm([10.0, 8.0], [0.0, 0.0])
    maps = disc_maps(landmarks, valid, (24, 20), radius=2)
    inside = [(x, y) for x in range(20) for y in range(24) if (x - 10) ** 2 + (y - 8) ** 2 <= 4]
    assert len(inside) == 13
    expected = -torch.ones(24, 20)
    for x, y in inside:
        expected[y, x] = 1
    assert torch.equal(maps[0, ELBOW], expected)
    assert int((maps[0, WRIST] == 1).sum()) == 6  # the quarter of a disc that lies in the picture
    others = [joint for joint in range(17) if joint not in (ELBOW, WRIST)]
    assert torch.equal(maps[0, others], -torch.ones(15, 24, 20)), "an invalid joint, NaN included, has no disc"


def test_discs_keep_the_fraction_of_a_pixel():
    maps = disc_maps(*forearm([10.5, 8.0], [3.0, 3.0]), (24, 20), radius=1)
    assert maps[0, ELBOW].eq(1).nonzero().tolist() == [[8, 10], [8, 11]]


def test_a_line_has_its_width_and_the_colour_of_its_second_joint():
    picture = stick_pictures(*forearm([4.0, 10.0], [15.0, 10.0]), (20, 20), radius=1.5)[0]
    for y, share in ((10, 1), (11, 1), (9, 1), (12, 0), (8, 0)):
        expected = torch.lerp(-torch.ones(3), colour(WRIST), float(share))
        torch.testing.assert_close(picture[:, y, 10], expected, msg=f"row {y}")
    half = stick_pictures(*forearm([4.0, 10.0], [15.0, 10.0]), (20, 20), radius=1)[0, :, 11, 10]
    torch.testing.assert_close(half, torch.lerp(-torch.ones(3), colour(WRIST), 0.5))


def test_dots_lie_on_top_of_lines():
    picture = stick_pictures(*forearm([4.0, 10.0], [15.0, 10.0]), (20, 20))[0]
    torch.testing.assert_close(picture[:, 10, 4], colour(ELBOW))
    torch.testing.assert_close(picture[:, 10, 15], colour(WRIST))
    assert not torch.equal(colour(ELBOW), colour(WRIST))


def test_a_line_needs_both_ends_and_a_dot_only_its_own():
    landmarks, valid = forearm([4.0, 10.0], [15.0, 10.0])
    valid[0, WRIST] = False
    picture = stick_pictures(landmarks, valid, (20, 20))[0]
    torch.testing.assert_close(picture[:, 10, 4], colour(ELBOW))
    assert torch.equal(picture[:, :, 8:], -torch.ones(3, 20, 12))
    valid[:] = False
    assert torch.equal(stick_pictures(landmarks, valid, (20, 20)), -torch.ones(1, 3, 20, 20))


def test_people_do_not_mix():
    generator = torch.Generator().manual_seed(0)
    landmarks = 20 * torch.rand(3, 17, 2, generator=generator)
    valid = torch.rand(3, 17, generator=generator) > 0.3
    for draw in (disc_maps, stick_pictures, pose_masks):
        together = draw(landmarks, valid, (24, 20))
        alone = [draw(landmarks[i : i + 1], valid[i : i + 1], (24, 20)) for i in range(3)]
        assert torch.equal(together, torch.cat(alone)), draw.__name__


def test_a_mask_is_the_limb_where_there_is_nothing_to_close():
    mask = pose_masks(*forearm([8.0, 16.0], [23.0, 16.0]), (32, 32), radius=4)[0, 0]
    rows, columns = torch.arange(32.0)[:, None], torch.arange(32.0)
    away = ((columns - columns.clamp(8, 23)) ** 2 + (rows - 16) ** 2).sqrt()
    assert torch.equal(mask[:, 8:24], (away <= 4).float()[:, 8:24])
    assert set(mask.unique().tolist()) == {0, 1}
    assert bool((mask >= (away <= 4)).all()), "closing never takes a pixel away"
    assert bool((mask[away > 5] == 0).all())


def test_a_slit_of_four_pixels_is_closed_and_one_of_five_is_not():
    def between(gap):
        landmarks, valid = torch.zeros(1, 17, 2), torch.zeros(1, 17, dtype=torch.bool)
        for (a, b), y in (((7, 9), 10.0), ((8, 10), 10.0 + 5 + gap)):  # two forearms of radius 2, `gap` rows apart
            landmarks[0, a], landmarks[0, b] = torch.tensor([2.0, y]), torch.tensor([29.0, y])
            valid[0, [a, b]] = True
        return pose_masks(landmarks, valid, (40, 32), radius=2)[0, 0, 13 : 13 + gap, 16]

    assert between(4).tolist() == [1] * 4
    assert between(5).tolist() == [0] * 5


def test_closing_is_dilation_and_then_erosion():
    generator = torch.Generator().manual_seed(1)
    landmarks, valid = 30 * torch.rand(2, 17, 2, generator=generator), torch.ones(2, 17, dtype=torch.bool)
    closed = pose_masks(landmarks, valid, (32, 32), radius=1)
    again = -functional.max_pool2d(-functional.max_pool2d(closed, 5, 1, 2), 5, 1, 2)
    assert torch.equal(closed, again), "what is closed stays as it is"
    assert pose_masks(landmarks, ~valid, (32, 32)).count_nonzero() == 0


@pytest.mark.parametrize("draw", [disc_maps, stick_pictures, pose_masks])
def test_refuses_other_shapes(draw):
    landmarks, valid = torch.zeros(2, 17, 2), torch.ones(2, 17, dtype=torch.bool)
    with pytest.raises(ValueError, match=rf"{draw.__name__}: expected landmarks \(N, 17, 2\)"):
        draw(landmarks[:, :16], valid[:, :16], (32, 16))
    with pytest.raises(ValueError, match=r"got \(2, 17, 2\) and \(1, 17\)"):
        draw(landmarks, valid[:1], (32, 16))
    with pytest.raises(ValueError, match="size must be"):
        draw(landmarks, valid, (32, 16.0))
    with pytest.raises(ValueError, match="radius must be a positive number of pixels, got 0"):
        draw(landmarks, valid, (32, 16), radius=0)


def test_what_a_guided_network_refuses():
    pose = Landmarks(torch.zeros(2, 17, 2), torch.ones(2, 17, dtype=torch.bool))
    check_guided(torch.zeros(2, 3, 32, 16), pose, (32, 16))
    with pytest.raises(ValueError, match=r"source: expected float pictures \(N, 3, 32, 16\)"):
        check_guided(torch.zeros(2, 3, 16, 32), pose, (32, 16))
    with pytest.raises(ValueError, match="to_float converts uint8 pictures"):
        check_guided(torch.zeros(2, 3, 32, 16, dtype=torch.uint8), pose, (32, 16))
    with pytest.raises(ValueError, match="as many poses as pictures, got 2 for 3"):
        check_guided(torch.zeros(3, 3, 32, 16), pose, (32, 16))


def test_the_pose_of_a_batch_is_that_of_the_positive(eight_pairs):
    batch = eight_pairs((32, 16))
    assert positive_pose(batch) is batch.poses[1]
    with pytest.raises(ValueError, match="got None"):
        positive_pose(RivalBatch(*batch[:3], None, batch.persons))
