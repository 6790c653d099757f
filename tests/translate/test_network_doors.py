"""What a network is handed and cannot use: each argument is named, with what was expected and what came."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from momi_lib.train import preset
from momi_lib.translate import MomiNet

PICTURES = torch.zeros(2, 3, 128, 64)
MAPS = torch.zeros(2, 17, 128, 64)


@pytest.fixture(scope="module")
def plain() -> MomiNet:
    return _made(transfer="join", pose_detail=0)


@pytest.fixture(scope="module")
def detailed() -> MomiNet:
    """With a lookup and details of the pose."""
    return _made(transfer="lookup", pose_detail=4)


def _made(**options) -> MomiNet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MomiNet(replace(preset("tiny").network, **options)).eval()


def code(network: MomiNet, channels: int) -> torch.Tensor:
    return torch.zeros(2, channels, 16, 8)


def test_without_a_config_it_is_the_usual_one_and_with_another_thing_none():
    with pytest.raises(TypeError, match="^config: expected a NetworkConfig, got 'small'$"):
        MomiNet("small")


def test_every_part_begins_with_dcgan_weights(plain):
    """But for the lookups: normal with a standard deviation of 0.02."""
    for part in (plain.pose_encoder, plain.appearance_encoder, plain.attention, plain.generator):
        weights = [m.weight for m in part.modules() if isinstance(m, torch.nn.Conv2d)]
        spread = float(torch.cat([each.detach().flatten() for each in weights]).std())
        assert 0.019 < spread < 0.021


def test_a_pose_code_has_its_channels_with_or_without_detail(plain, detailed):
    width = plain.config.width
    for network, known in ((plain, (width,)), (detailed, (width, width + 16))):
        for channels in known:
            assert network.coarse(code(network, channels)).shape[1] == width
        for wrong in (width - 1, width + 1, width + 15, 2, 4):
            if wrong in known:
                continue
            with pytest.raises(ValueError, match=rf"^pose_code: expected a code \(N, {known[-1]}, h, w\) of floats"):
                network.coarse(code(network, wrong))
    for bad, got in ((code(plain, width)[0], rf"\({width}, 16, 8\)"), (None, "None"), ([1.0], r"\[1\.0\]|a list")):
        with pytest.raises((TypeError, ValueError), match=rf"^pose_code: expected a code .*got ({got})"):
            plain.coarse(bad)


def test_a_batch_of_as_many_pictures_as_channels_is_no_code(plain):
    """The number of channels is the second of the sizes."""
    width = plain.config.width
    with pytest.raises(ValueError, match="^pose_code: expected a code"):
        plain.coarse(torch.zeros(width, width + 3, 16, 8))


def test_codes_that_belong_together_are_as_many(detailed):
    width = detailed.config.width
    with pytest.raises(ValueError, match=r"^pose_code: expected .* with N = 2 as in pictures"):
        detailed.encode_appearance(PICTURES, torch.zeros(3, width, 16, 8))
    with pytest.raises(ValueError, match=r"^pose_code: expected .* with N = 2 as in appearance_code"):
        detailed.decode(code(detailed, 2 * width), torch.zeros(3, width + 16, 16, 8))
    with pytest.raises(ValueError, match=rf"^appearance_code: expected a code \(N, {2 * width}, h, w\)"):
        detailed.decode(code(detailed, width), code(detailed, width + 16))


def test_pictures_are_looked_at_and_their_values_outside_training(plain):
    bright = PICTURES + 1.5
    calls = {
        "pictures": (plain.pose, plain.meet),
        "negative": (lambda bad: plain.rehearse(PICTURES, PICTURES, bad),),
        "positive": (lambda bad: plain.rehearse(PICTURES, bad, PICTURES),),
    }
    for name, functions in calls.items():
        for function in functions:
            with pytest.raises(ValueError, match=rf"^{name}: expected colours in \[-1, 1\]"):
                function(bright)
            with pytest.raises(ValueError, match=rf"^{name}: expected float pictures \(N, 3, 128, 64\)"):
                function(torch.zeros(2, 3, 64, 64))
    try:
        plain.train().pose(bright)  # a training step does not wait for a GPU
    finally:
        plain.eval()


@pytest.mark.parametrize(
    ("source", "got"),
    [
        (PICTURES.byte(), r"\(2, 3, 128, 64\) torch.uint8; momi_lib"),
        (PICTURES[0], r"\(3, 128, 64\) torch.float32$"),
        (PICTURES[:0], r"\(0, 3, 128, 64\) torch.float32$"),
        (PICTURES[:, :, 1:], r"\(2, 3, 127, 64\) torch.float32; resize them, or load the data with size=\(128, 64\)$"),
        (PICTURES.repeat(1, 1, 2, 2), r"\(2, 3, 256, 128\) torch.float32; resize them"),
        ("a.jpg", "'a.jpg'; momi_lib"),
        (None, "None; momi_lib"),
    ],
)
def test_a_swap_says_what_it_was_given(plain, source, got):
    with pytest.raises(ValueError, match=rf"^source: expected float pictures .*N from 1, got {got}"):
        plain.swap(source, PICTURES)


@pytest.mark.parametrize(
    ("background", "got"), [("target", "'target'"), (None, "another"), (torch.zeros(3), "another")]
)
def test_a_background_that_this_network_has_not(plain, background, got):
    with pytest.raises(ValueError, match=f"^background: .*expected 'drawn', got {got}$"):
        plain.swap(PICTURES, PICTURES, background=background)


def test_three_swaps_at_once_are_one_after_the_other(plain):
    pictures = torch.rand(3, 3, 128, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        together = plain.swap(pictures, pictures.flip(0))
        alone = torch.cat([plain.swap(a[None], b[None]) for a, b in zip(pictures, pictures.flip(0), strict=True)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_details_of_the_pose_are_mixed_on_the_way_to_another_person(detailed):
    """Both people stand in one pose, so its details stay what they are."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(2, 3, 128, 64, generator=generator) * 2 - 1
    with torch.no_grad():
        detailed.detail[-1].weight.normal_(0, 0.05, generator=generator)
        one, other = (detailed.meet(each[None]) for each in pictures)
        maps = torch.rand(1, 17, 128, 64, generator=generator)
        half = detailed.draw(one, maps, other=other, share=0.5)
        pose = detailed.encode_pose(maps)
        (first, within), (second, _) = detailed.attend(one, pose), detailed.attend(other, pose)
        expected = detailed.generator(torch.lerp(first, second, 0.5), detailed.coarse(pose), within)
        detailed.detail[-1].weight.zero_()
    torch.testing.assert_close(half, expected)


def test_a_pose_belongs_to_its_pictures(plain):
    with torch.no_grad():
        pose = plain.pose(PICTURES)
        with pytest.raises(TypeError, match=r"^pose: expected what pose\(pictures\) returns, or None"):
            plain.meet(PICTURES, pose.maps)
        with pytest.raises(ValueError, match="^pose: expected that of the 1 pictures, got 2"):
            plain.meet(PICTURES[:1], pose)


@pytest.mark.parametrize(("people", "poses"), [(2, 2), (1, 2), (2, 1), (2, 3), (3, 2)])
def test_as_many_people_as_poses_or_one_of_either(plain, people, poses):
    appearance, maps = torch.zeros(people, plain.config.width, 16, 8), torch.zeros(poses, 17, 128, 64)
    if people == poses or 1 in (people, poses):
        assert len(plain.draw(appearance, maps)) == 2
    else:
        with pytest.raises(ValueError, match=f"^draw: expected as many .* got {people} people and {poses} poses$"):
            plain.draw(appearance, maps)


def test_what_is_drawn_was_met_and_its_maps_are_maps(plain):
    width = plain.config.width
    good = torch.zeros(1, width, 16, 8)
    for bad in (torch.zeros(1, width + 1, 16, 8), torch.zeros(1, width, 8, 16), None):
        for name, given in (("appearance", (bad, MAPS)), ("other", (good, MAPS, None, bad))):
            if name == "other" and bad is None:
                continue  # nobody
            with pytest.raises((TypeError, ValueError), match=rf"^{name}: expected what meet\(pictures\) returns,"):
                plain.draw(*given[:2], **({} if name == "appearance" else {"other": bad, "share": 0.5}))
    for value in (-0.1, 1.1):
        with pytest.raises(ValueError, match="^maps: "):
            plain.draw(good, MAPS + value)
    plain.draw(good, MAPS + 1.005)  # rounding
    with pytest.raises(ValueError, match=r"^maps: expected pose maps \(N, 17, 128, 64\)"):
        plain.draw(good, MAPS[:, 1:])
    with pytest.raises(ValueError, match="^background: expected None"):
        plain.draw(good, MAPS, torch.zeros(3))


def test_with_a_lookup_a_person_is_their_code_and_that_of_their_pose(detailed):
    width = detailed.config.width
    assert len(detailed.draw(torch.zeros(1, 2 * width, 16, 8), MAPS)) == 2
    for channels in (width, 3 * width, 2):
        with pytest.raises(ValueError, match=rf"^appearance: expected what .* \(N, {2 * width}, 16, 8\)"):
            detailed.draw(torch.zeros(1, channels, 16, 8), MAPS)


def test_a_config_holds_plain_numbers():
    import numpy as np

    config = replace(preset("tiny").network, encoder=[16, 16], width=np.int64(32), size=[128, 64])
    assert type(config.encoder) is tuple and type(config.width) is int and type(config.size) is tuple
