"""DG-Net's networks: AdaIN by hand, stripes that drive blocks, the published sizes, swaps from RGB alone, refusals."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import torch

from momi_lib.rivals.dg_net import PRESETS, DgNet, DgNetConfig, DgNetObjective, adain, identity, objective
from momi_lib.rivals.dg_net.discriminator import MultiScaleDiscriminator
from momi_lib.rivals.dg_net.identity import AppearanceEncoder, erased, load_resnet50, resnet50_backbone, shifted
from momi_lib.translate.swaps import Swaps

TINY = DgNetConfig(
    size=(32, 16), backbone="vgg", vgg=(4, 4, 8, 8), doubled=False, width=2, mlp=8, normalisation="batch",
    padding="zeros", kernel=3, output="sub-pixel", head=8, discriminator=4, discriminator_blocks=1,
    discriminator_stem="lean", erasing=0.0,
)  # fmt: skip


def tiny(**changes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DgNet(replace(TINY, **changes)).eval()


def pictures(count=2, size=(32, 16), seed=0):
    return 2 * torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed)) - 1


def millions(*modules):
    return sum(weight.numel() for module in modules for weight in module.parameters()) / 1e6


def test_adain_by_hand():
    """Channel 1 of picture 1 is 0, 2, 4, 6: mean 3, variance 5."""
    features = torch.tensor([[[[0.0, 2.0], [4.0, 6.0]], [[1.0, 1.0], [1.0, 1.0]]]])
    found = adain(features, torch.tensor([[2.0, 7.0]]), torch.tensor([[-1.0, 0.5]]), eps=0.0001)
    root = 5.0001**0.5
    expected = torch.tensor([[-6.0, -2.0], [2.0, 6.0]]) / root - 1
    torch.testing.assert_close(found[0, 0], expected)
    torch.testing.assert_close(found[0, 1], torch.full((2, 2), 0.5))  # nothing varies: only the shift is left


def test_adain_is_of_each_picture_and_channel_and_uses_the_scale_as_it_is():
    features, scale, shift = torch.randn(3, 4, 6, 5), torch.randn(3, 4), torch.randn(3, 4)
    found = adain(features, scale, shift)
    torch.testing.assert_close(found.mean((2, 3)), shift)
    torch.testing.assert_close(found.std((2, 3), correction=0), scale.abs(), rtol=1e-3, atol=1e-3)
    assert (adain(features, 0 * scale, shift) == shift[:, :, None, None]).all()


def test_adain_computes_in_fp32_and_answers_in_the_type_of_the_features():
    features = (1000 + torch.randn(1, 1, 8, 8)).bfloat16()
    one, zero = torch.ones(1, 1), torch.zeros(1, 1)
    found = adain(features, one, zero)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, adain(features.float(), one, zero).bfloat16())


def test_adain_refuses_shapes_that_do_not_belong_together():
    with pytest.raises(ValueError, match=r"adain: expected features \(N, C, h, w\).*\(2, 4\) and \(2, 3\)"):
        adain(torch.zeros(2, 3, 4, 4), torch.zeros(2, 4), torch.zeros(2, 3))


def test_the_paper_has_its_weights():
    """E_s 0.38, decoder 1.46, MLPs 11.54, E_a 26.4 with heads of 751 people, D 1.03 million."""
    with torch.device("meta"):
        network = DgNet(PRESETS["paper"])
        whole = DgNetObjective(network, PRESETS["paper"], people=751)
    assert millions(network.structure_encoder) == pytest.approx(0.380544)
    assert millions(network.decoder) == pytest.approx(1.455555)
    assert millions(network.affines) == pytest.approx(11.544576)
    assert round(millions(network.appearance_encoder, whole.heads), 1) == 26.4
    assert round(millions(whole.discriminator), 2) == 1.03
    assert [head[2].p for head in whole.heads] == [0.5, 0.75]


def test_the_paper_has_its_shapes():
    with torch.device("meta"):
        network, D = DgNet(PRESETS["paper"]), MultiScaleDiscriminator(PRESETS["paper"])
        shown = torch.zeros(1, 3, 128, 64)
    assert network.structure_encoder(shown).shape == (1, 128, 32, 16)
    features = network.appearance_encoder(shown)
    assert features.shape == (1, 2048, 16, 8)  # doubled to 256 × 128, then a sixteenth
    assert network.appearance_encoder.stripes(features).shape == (1, 4, 2048)
    assert [tuple(each.shape) for each in D(shown)] == [(1, 1, 32, 16), (1, 1, 16, 8), (1, 1, 8, 4)]
    scales, shifts = network.affines(torch.zeros(1, 4, 2048, device="meta"))
    assert scales.shape == shifts.shape == (1, 4, 2, 128)
    assert network.decoder(torch.zeros(1, 128, 32, 16, device="meta"), scales, shifts).shape == (1, 3, 128, 64)


def test_small_fits_into_six_megabytes():
    with torch.device("meta"):
        network = DgNet(PRESETS["small"])
    assert millions(network) < 3.0
    assert sum(2 * tensor.numel() for tensor in network.state_dict().values()) < 6e6
    assert network.config.structure == 96 and network.config.code == 192


def test_only_pictures_up_to_128_pixels_are_doubled():
    seen = []
    encoder = AppearanceEncoder(replace(TINY, doubled=True))
    encoder.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    small, large = pictures(1), torch.zeros(1, 3, 136, 16)
    encoder(small)
    encoder(large)
    assert torch.equal(seen[0], small.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert seen[1].shape == large.shape


def test_stripes_are_maxima_from_the_top_down():
    features = torch.full((1, 2, 8, 3), -5.0)
    for stripe in range(4):
        features[0, 0, 2 * stripe + 1, stripe % 3] = stripe
    encoder = tiny().appearance_encoder
    assert encoder.stripes(features).tolist() == [[[0.0, -5.0], [1.0, -5.0], [2.0, -5.0], [3.0, -5.0]]]
    assert encoder.whole(features).tolist() == [[3.0, -5.0]]


@pytest.mark.parametrize("changed", range(4))
def test_stripe_k_drives_block_k_alone(changed):
    network, given = tiny(), []
    for block in network.decoder.blocks:
        block.register_forward_hook(lambda _, inputs, output: given.append(inputs[1:]))
    structure, codes = torch.randn(1, 16, 8, 4), torch.rand(1, 4, 8)
    other = codes.clone()
    other[:, changed] += 1
    for each in (codes, other):
        network.decoder(structure, *network.affines(each))
    unlike = [not torch.equal(given[k][part], given[4 + k][part]) for k in range(4) for part in range(2)]
    assert unlike == [k == changed for k in range(4) for _ in range(2)]


def test_a_block_has_two_adains():
    block = tiny().decoder.blocks[0]
    x, scales, shifts = torch.randn(2, 16, 4, 3), torch.randn(2, 2, 16), torch.randn(2, 2, 16)
    y = torch.nn.functional.leaky_relu(adain(block.first(x), scales[:, 0], shifts[:, 0]), 0.2)
    torch.testing.assert_close(block(x, scales, shifts), x + adain(block.second(y), scales[:, 1], shifts[:, 1]))


def test_the_structure_has_no_colours():
    encoder, shown = tiny().structure_encoder, torch.randn(2, 3, 32, 16)
    torch.testing.assert_close(encoder(shown), encoder(shown[:, [2, 0, 1]]))


def test_discriminators_see_full_half_and_quarter():
    seen, D = [], MultiScaleDiscriminator(TINY)
    for net in D.nets:
        net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    D(torch.full((1, 3, 32, 16), 0.7))
    assert [tuple(each.shape[2:]) for each in seen] == [(32, 16), (16, 8), (8, 4)]
    assert all(torch.allclose(each, torch.tensor(0.7)) for each in seen)  # the border is no darker


def test_a_swap_takes_rgb_alone_and_stays_within_its_range():
    network = tiny()
    assert isinstance(network, Swaps) and network.needs == frozenset() and network.method == "dg-net"
    with torch.no_grad():
        for weight in network.decoder.tail[-2].parameters():
            weight.mul_(100)
        swap = network.swap(pictures(), pictures(seed=1))
        appearance, structure = network.appearance(pictures()), network.structure(pictures(seed=1))
        assert torch.equal(swap, network.draw_codes(appearance, structure))
        assert torch.equal(swap, network(pictures(), pictures(seed=1)))
    assert swap.shape == (2, 3, 32, 16) and swap.min() == -1 and swap.max() == 1


def test_one_code_may_stand_for_all():
    network = tiny()
    appearance, structure = network.appearance(pictures(3)), network.structure(pictures(3, seed=1))
    each = network.draw_codes(appearance[:1], structure)
    torch.testing.assert_close(each[2:], network.draw_codes(appearance[:1], structure[2:]))
    assert network.draw_codes(appearance, structure[:1]).shape == (3, 3, 32, 16)
    with pytest.raises(ValueError, match="as many of each, or one, got 2 and 3"):
        network.draw_codes(appearance[:2], structure)
    with pytest.raises(ValueError, match=r"structure: expected codes \(N, 16, 8, 4\), got \(3, 4, 8\)"):
        network.draw_codes(appearance, appearance)


def test_normalised_and_back():
    network = tiny()
    white = network.normalised(torch.ones(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(white, torch.tensor([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225]))
    torch.testing.assert_close(network.pictures(network.normalised(pictures())), pictures())


def test_the_drawings_of_a_step_are_swaps():
    network = tiny()
    x, positive, negative = (pictures(3, seed=seed) for seed in range(3))
    drawn = network.drawn(*(network.normalised(each) for each in (x, positive, negative)))
    found = network.pictures(torch.cat([drawn.own, drawn.crossed, drawn.same]))
    pairs = ((x, x), (negative, negative), (negative, x), (x, negative), (positive, x))
    expected = torch.cat([network.swap(appearance, structure) for appearance, structure in pairs])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("wrong, message", [
    (torch.zeros(2, 3, 16, 16), r"source: expected float pictures \(N, 3, 32, 16\) in \[-1, 1\].*\(2, 3, 16, 16\)"),
    (torch.zeros(2, 3, 32, 16, dtype=torch.uint8), "momi_lib.data.to_float"),
    (torch.full((2, 3, 32, 16), 255.0), "got values from 255 to 255"),
    (torch.zeros(0, 3, 32, 16), "N from 1"),
    (torch.zeros(1, 3, 32, 16), "expected as many of each, got 1 and 2"),
    ("picture", "got 'picture'"),
])  # fmt: skip
def test_a_swap_refuses_what_are_no_pictures(wrong, message):
    with pytest.raises(ValueError, match=message):
        tiny().swap(wrong, pictures())


@pytest.mark.parametrize("name", ["small", "paper"])
def test_a_network_is_made_from_its_saved_config_alone(name):
    config = DgNetConfig(**json.loads(json.dumps(asdict(PRESETS[name]))))
    assert config == PRESETS[name]
    with torch.device("meta"):
        DgNet(replace(config, backbone_weights="/nowhere.pth" if name == "paper" else ""))


@pytest.mark.parametrize("changes, message", [
    ({"backbone": "vgg19"}, "backbone: expected one of resnet50, vgg, got 'vgg19'"),
    ({"normalisation": "group"}, "normalisation: expected one of instance, batch"),
    ({"size": (36, 16)}, "size: expected height and width divisible by 8"),
    ({"size": (24, 16)}, "at least 32 rows for 4 stripes"),
    ({"padding": "reflect"}, "needs 40 pixels, got .32, 16.; take larger pictures, or padding 'zeros'"),
    ({"scales": 4}, "scales: 4 discriminators leave nothing"),
    ({"kernel": 4}, "kernel: expected an odd number, got 4"),
    ({"vgg": (8, 8)}, "vgg: expected 4 numbers"),
    ({"dropouts": (0.5, 1.0)}, r"dropouts: expected a number in \[0, 1\)"),
    ({"decay_at": (0.6, 1.9)}, r"decay_at: expected a number in \[0, 1\]"),
    ({"self_weight": -1.0}, "self_weight: expected a number from 0 up, got -1.0"),
    ({"ramp_share": 0.0}, "ramp_share: expected a number above 0, got 0.0"),
    ({"width": 2.5}, "width: expected a whole number from 1 up, got 2.5"),
    ({"teacher_share": 0.0}, "teacher_share: expected a number above 0, got 0, while teacher_weight"),
    ({"teacher_share": 0.0, "teacher_weight": 0.0, "appearance_from_teacher": True}, "appearance_from_teacher"),
    ({"backbone_weights": "resnet.pth"}, "does not fit backbone 'vgg'"),
])  # fmt: skip
def test_options_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **changes)


def test_weights_of_resnet50_are_taken_from_a_file(tmp_path):
    from torchvision.models import resnet50

    with torch.random.fork_rng():
        torch.manual_seed(1)
        wanted = resnet50(weights=None).state_dict()
    older = {name: value for name, value in wanted.items() if not name.endswith("num_batches_tracked")}
    torch.save(older, tmp_path / "resnet50.pth")
    backbone = resnet50_backbone()
    load_resnet50(backbone, tmp_path / "resnet50.pth")
    assert all(torch.equal(value, wanted[name]) for name, value in backbone.state_dict().items())
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="backbone_weights: .*other.pth is no state dict of torchvision's resnet50"):
        load_resnet50(backbone, tmp_path / "other.pth")
    with pytest.raises(FileNotFoundError, match="none.pth: no such file"):
        load_resnet50(backbone, tmp_path / "none.pth")


def test_both_networks_that_tell_people_apart_begin_with_the_file(monkeypatch):
    asked = []
    monkeypatch.setattr(objective, "load_resnet50", lambda backbone, path: asked.append((backbone, path)))
    config = replace(PRESETS["paper"], backbone_weights="imagenet.pth")
    with torch.device("meta"):
        whole = DgNetObjective(DgNet(config), config, people=3)
    backbones = (whole.network.appearance_encoder.backbone, whole.teacher.encoder.backbone)
    assert asked == [(backbone, "imagenet.pth") for backbone in backbones]


def test_without_a_file_nothing_is_read(monkeypatch):
    """Least of all the committed features, which judge the pictures of all methods."""
    monkeypatch.setattr(identity, "load_tensors", lambda path: pytest.fail(f"read {path}"))
    whole = DgNetObjective(tiny(), TINY, people=3)
    own, teachers = (next(each.parameters()) for each in (whole.network.appearance_encoder, whole.teacher.encoder))
    assert not torch.equal(own, teachers)


def test_erased_pictures_lose_one_rectangle():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = erased(torch.ones(200, 3, 64, 32), 1.0)
        assert torch.equal(erased(torch.ones(4, 3, 64, 32), 0.0), torch.ones(4, 3, 64, 32))
        half = (erased(torch.ones(400, 3, 64, 32), 0.5) == 0).any(3).any(2).any(1).float().mean()
    gone = found == 0
    assert (gone[:, 0] == gone[:, 1]).all() and (gone[:, 0] == gone[:, 2]).all()
    gone, shares = gone[:, 0], gone[:, 0].float().mean((1, 2))
    assert shares.min() > 0.01 and 0.35 < shares.max() < 0.42 and (shares > 0).all()
    boxes = gone.any(2).sum(1) * gone.any(1).sum(1)
    assert torch.equal(boxes, gone.sum((1, 2)))
    assert 0.4 < half < 0.6
    assert gone.any(2).any(0).all() and gone.any(1).any(0).all()  # up to the edges


def test_shifted_pictures_are_crops_of_padded_ones():
    shown = pictures(6)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        moved = shifted(shown, 2)
    padded = torch.nn.functional.pad(shown, (2,) * 4, mode="replicate")
    places = set()
    for picture, whole in zip(moved, padded, strict=True):
        at = [(y, x) for y in range(5) for x in range(5) if torch.equal(picture, whole[:, y : y + 32, x : x + 16])]
        assert at
        places.add(at[0])
    assert len(places) > 2
    assert shifted(shown, 0) is shown
