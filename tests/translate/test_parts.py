"""Encoders, attention, generator and discriminator: shapes, and the update of Eq. 2 written out."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from momi_lib.translate import (
    AppearanceEncoder,
    Generator,
    PairDiscriminator,
    PoseAttention,
    PoseAttentionBlock,
    PoseEncoder,
)
from momi_lib.translate.blocks import ResidualBlock, conv, initialise, norm_layer, upsample


@pytest.mark.parametrize("stem", ["paper", "lean"])
@pytest.mark.parametrize("size", [(128, 64), (64, 32), (256, 128)])
def test_encoders_divide_by_eight(stem, size):
    height, width = size
    pose = PoseEncoder(17, (8, 8, 16), stem=stem)(torch.zeros(2, 17, height, width))
    appearance = AppearanceEncoder((8, 8, 16), stem=stem)(torch.zeros(2, 3, height, width))
    assert pose.shape == appearance.shape == (2, 16, height // 8, width // 8)


@pytest.mark.parametrize("stem", ["paper", "lean"])
def test_the_first_features_of_the_appearance_encoder_have_half_the_size(stem):
    encoder, pictures = AppearanceEncoder((8, 12, 16), stem=stem).eval(), torch.rand(2, 3, 64, 32)
    halved = encoder.halved(pictures)
    assert halved.shape == (2, 8, 32, 16)
    torch.testing.assert_close(encoder.encode_halved(halved), encoder(pictures))


def test_unknown_choices_are_named():
    with pytest.raises(ValueError, match="stem.*'lean'.*'fat'"):
        PoseEncoder(17, (8, 8, 16), stem="fat")
    with pytest.raises(ValueError, match="norm.*'layer'"):
        norm_layer("layer", 8)
    with pytest.raises(ValueError, match="upsampling.*'shuffle'"):
        upsample(8, 8, how="shuffle")


@pytest.mark.parametrize("lean", [False, True])
def test_attention_block_is_eq_2(lean):
    torch.manual_seed(0)
    block = PoseAttentionBlock(8, first=False, lean=lean).eval()
    appearance, pose = torch.randn(2, 8, 6, 3), torch.randn(2, 16, 6, 3)
    h1, h2 = block.appearance(appearance), block.pose(pose)
    expected = appearance + h1 / (1 + torch.exp(-h2))
    new_appearance, new_pose, gate = block(appearance, pose)
    torch.testing.assert_close(new_appearance, expected)
    torch.testing.assert_close(new_pose, torch.cat([h2, expected], dim=1))
    assert ((gate > 0) & (gate < 1)).all()


def test_the_published_block_is_eq_2_without_normalisation_before_the_gate():
    torch.manual_seed(0)
    block = PoseAttentionBlock(8, first=False, block="pat").eval()
    appearance, pose = torch.randn(2, 8, 6, 3), torch.randn(2, 16, 6, 3)

    def stream(x, layers):
        first, norm, second, *last = [layer for layer in layers if list(layer.parameters())]
        x = functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="reflect"), first.weight)
        x = functional.conv2d(functional.pad(norm(x).relu(), (1, 1, 1, 1), mode="reflect"), second.weight)
        return last[0](x) if last else x

    h1, h2 = stream(appearance, block.appearance), stream(pose, block.pose)
    expected = appearance + h1 / (1 + torch.exp(-h2))
    new_appearance, new_pose, _ = block(appearance, pose)
    torch.testing.assert_close(new_appearance, expected)
    torch.testing.assert_close(new_pose, torch.cat([h2, expected], dim=1))
    assert block.pose[1].weight.shape == (16, 16, 3, 3) and block.pose[-1].weight.shape == (8, 16, 3, 3)
    assert not torch.equal(block.train()(appearance, pose)[0], block(appearance, pose)[0]), "half is dropped by chance"


def test_nine_published_blocks_have_their_published_number_of_parameters():
    with torch.device("meta"):
        pat, normed = (PoseAttention(256, blocks=9, block=block) for block in ("pat", "normed"))
    millions = [sum(p.numel() for p in phi.parameters()) / 1e6 for phi in (pat, normed)]
    assert [round(value, 2) for value in millions] == [40.13, 25.97]
    with pytest.raises(ValueError, match="block: expected"):
        PoseAttention(8, blocks=1, block="fat")


def test_closed_gates_keep_the_appearance():
    phi = PoseAttention(8, blocks=3).eval()
    for block in phi.blocks:
        block.pose[-1].bias.data.fill_(-100)  # σ(h₂) = 0 everywhere
    appearance = torch.randn(2, 8, 6, 3)
    torch.testing.assert_close(phi(appearance, torch.randn(2, 8, 6, 3)), appearance)


def test_gates_belong_to_the_forward_pass():
    phi = PoseAttention(8, blocks=3).eval()
    appearance, pose = torch.randn(2, 8, 6, 3), torch.randn(2, 8, 6, 3)
    assert [g.shape for g in phi.gates(appearance, pose)] == [(2, 8, 6, 3)] * 3


def test_no_blocks_is_the_identity():
    appearance = torch.randn(2, 8, 6, 3)
    assert torch.equal(PoseAttention(8, blocks=0)(appearance, torch.zeros_like(appearance)), appearance)


@pytest.mark.parametrize("how", ["transposed", "resize"])
def test_generator_ends_in_range(how):
    network = Generator(8, channels=(8, 8, 8, 8), blocks=(1, 1, 0, 0), upsampling=how)
    picture = network(100 * torch.randn(2, 8, 4, 2), torch.randn(2, 8, 4, 2))
    assert picture.shape == (2, 3, 32, 16)
    assert picture.abs().max() <= 1


def test_every_output_pixel_of_a_transposed_convolution_has_the_same_taps():
    layer = torch.nn.ConvTranspose2d(1, 1, 4, 2, 1, bias=False)
    torch.nn.init.ones_(layer.weight)
    inner = layer(torch.ones(1, 1, 8, 8))[..., 2:-2, 2:-2]
    assert torch.equal(inner, torch.full_like(inner, 4))


def test_discriminator_sees_both_pictures():
    network = PairDiscriminator((8, 16))
    first, second = torch.rand(2, 2, 3, 32, 16).unbind(0)
    logits = network(first, second)
    assert logits.shape == (2, 1, 8, 4)
    assert not torch.equal(logits, network(second, first))


def test_initialise_draws_dcgan_weights():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(conv(64, 64), ResidualBlock(64))
    initialise(layers)
    weights = torch.cat([p.flatten() for n, p in layers.named_parameters() if p.ndim == 4])
    assert weights.mean().abs() < 1e-3
    assert abs(float(weights.std()) - 0.02) < 1e-3


def test_a_generator_that_ends_at_half_size_draws_each_square_of_four_pixels():
    network = Generator(8, channels=(8, 8, 8, 8), blocks=(1, 0, 0, 5), output="half", kernel=1).eval()
    codes = torch.randn(2, 2, 8, 4, 2)
    drawn = network(*codes)
    assert drawn.shape == (2, 3, 32, 16)
    with torch.no_grad():
        features = network.body(torch.cat([codes[0], codes[1]], dim=1))
        by_hand = torch.einsum("oc,nchw->nohw", network.picture.weight[:, :, 0, 0], features)
        by_hand += network.picture.bias[:, None, None]
    # Channel 4c + 2i + j is colour c of the pixel in row i, column j of the square.
    assert torch.allclose(drawn[:, 1, 1::2, 0::2], torch.tanh(by_hand[:, 4 + 2]), atol=1e-5)
    with pytest.raises(ValueError, match="output: expected one of full, half, .*got 'quarter'"):
        Generator(8, channels=(8, 8, 8, 8), blocks=(1, 0, 0, 0), output="quarter")


@pytest.mark.parametrize("norm", ["batch", "group", "none"])
def test_convolutions_have_a_bias_where_nothing_normalises(norm):
    parts = [conv(4, 4, norm=norm), ResidualBlock(4, norm), upsample(4, 4, norm=norm)]
    parts += [upsample(4, 4, how="resize", norm=norm), PoseAttentionBlock(4, first=False, norm=norm)]
    parts += [PoseAttentionBlock(4, first=False, norm=norm, **how) for how in ({"lean": True}, {"block": "pat"})]
    parts += [AppearanceEncoder((4, 4, 8), stem=stem, norm=norm) for stem in ("paper", "lean")]
    for part in parts:
        kinds = torch.nn.Conv2d | torch.nn.ConvTranspose2d
        biases = [layer.bias is not None for layer in part.modules() if isinstance(layer, kinds)]
        assert biases and biases == [norm == "none"] * len(biases), part


def test_the_papers_stem_looks_at_seven_by_seven_pixels():
    pad, first, norm, relu = PoseEncoder(17, (8, 12, 16), stem="paper").body[:4]
    assert pad.padding == (3, 3, 3, 3) and first.weight.shape == (4, 17, 7, 7)
    assert isinstance(norm, torch.nn.BatchNorm2d) and isinstance(relu, torch.nn.ReLU)


def test_the_discriminator_normalises_all_but_the_pictures_themselves():
    network = PairDiscriminator((8, 16, 4))
    names = [type(layer).__name__ for layer in network.body]
    stage = ["Conv2d", "GroupNorm", "LeakyReLU"]
    assert names == ["Conv2d", "LeakyReLU", *stage, *stage, "Conv2d"]
    assert {layer.negative_slope for layer in network.body if isinstance(layer, torch.nn.LeakyReLU)} == {0.2}
    first, second = torch.rand(2, 2, 3, 32, 16).unbind(0)
    logits, kept = network.activations(first, second)
    assert torch.equal(logits, network(first, second))
    assert [tuple(each.shape) for each in kept] == [(2, 8, 16, 8), (2, 16, 8, 4), (2, 4, 4, 2)]
    torch.testing.assert_close(network.body[-1](kept[-1]), logits)


def test_initialise_draws_norms_around_one_and_leaves_no_bias():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(upsample(8, 4096), conv(8, 4096, norm="group"), conv(8, 8, norm="none"))
    for weight in layers.parameters():
        torch.nn.init.constant_(weight, 5.0)
    initialise(layers)
    for norm in (layers[0][1], layers[1][1]):
        assert float(norm.weight.detach().mean()) == pytest.approx(1, abs=0.002)
        assert float(norm.weight.detach().std()) == pytest.approx(0.02, abs=0.002)
        assert norm.bias.abs().max() == 0
    assert layers[2][0].bias.abs().max() == 0
    assert float(layers[0][0].weight.detach().std()) == pytest.approx(0.02, abs=0.002)


def test_lean_blocks_of_the_published_kind_are_refused():
    with pytest.raises(ValueError, match="'pat' without lean, got 'pat' with lean=True"):
        PoseAttentionBlock(8, first=True, block="pat", lean=True)


def test_a_residual_block_adds_its_correction():
    block, x = ResidualBlock(8).eval(), torch.randn(2, 8, 6, 3)
    torch.testing.assert_close(block(x), x + block.body(x))


def test_the_usual_discriminator_has_these_channels():
    with torch.device("meta"):
        layers = PairDiscriminator().body
    assert [layer.out_channels for layer in layers if isinstance(layer, torch.nn.Conv2d)] == [64, 128, 256, 512, 1]


@pytest.mark.parametrize(("output", "last"), [("full", 20), ("half", 16), ("features", 16)])
def test_every_stage_of_a_generator_may_have_a_width_of_its_own(output, last):
    network = Generator(8, channels=(8, 12, 16, 20), blocks=(1, 1, 1, 1), output=output).eval()
    codes = torch.randn(2, 2, 8, 4, 2)
    assert network.features(*codes).shape[1] == last
    assert output == "features" or network(*codes).shape == (2, 3, 32, 16)


@pytest.mark.parametrize("channels", [(4,), (4, 4, 4)])
def test_the_discriminator_says_how_small_pictures_may_be(channels):
    """Each convolution halves the sides, so that 2 to the number of convolutions leaves one logit."""
    judge, least = PairDiscriminator(channels), 2 ** len(channels)
    smallest = torch.zeros(2, 3, least, least)
    assert judge(smallest, smallest).shape == (2, 1, 1, 1)
    for size in ((least - 1, least), (least, least - 1)):
        smaller = torch.zeros(2, 3, *size)
        with pytest.raises(ValueError, match=f"^first and second: expected sides from {least} pixels"):
            judge(smaller, smaller)
    for pair, name in (((None, smallest), "first"), ((smallest, None), "second")):
        with pytest.raises((TypeError, ValueError), match=f"^{name}: "):
            judge(*pair)


def test_attention_may_have_no_block_and_not_fewer():
    code = torch.rand(1, 8, 4, 2)
    assert PoseAttention(8, blocks=0)(code, code).shape == code.shape
    with pytest.raises(ValueError, match="^blocks: expected a whole number from 0"):
        PoseAttention(8, blocks=-1)


def test_the_detail_of_a_pose_can_begin_anew():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = PoseEncoder(17, (16, 16, 32), stem="lean", detail=4)
        before = encoder.detail[0].weight.detach().clone()
        encoder.detail[0].weight.data.zero_()
        encoder.restart_detail()
    after = encoder.detail[0].weight.detach()
    assert 0 < float(after.abs().max()) <= 1 / 4 and not torch.equal(after, before)  # PyTorch's: 1 / sqrt(16 inputs)
    PoseEncoder(17, (16, 16, 32), stem="lean").restart_detail()  # nothing to do
    with pytest.raises(ValueError, match="^detail: expected a whole number from 0"):
        PoseEncoder(17, (16, 16, 32), stem="lean", detail=-1)


def test_details_of_the_pose_are_added_at_a_quarter_of_the_size():
    generator = Generator(8, channels=(8, 4, 4, 4), blocks=(0, 0, 0, 0), output="features", norm="none").eval()
    code = torch.randn(1, 8, 4, 2)
    within = torch.randn(1, 4, 8, 4)
    first = generator.body[: generator.quarter](torch.cat([code, code], dim=1))
    expected = generator.body[generator.quarter :](first + within)
    assert torch.equal(generator.features(code, code, within), expected)


def test_each_input_of_the_generator_is_looked_at():
    generator = Generator(8, channels=(8, 4, 4, 4), blocks=(0, 0, 0, 0), norm="none").eval()
    code, within = torch.randn(1, 8, 4, 2), torch.randn(1, 4, 8, 4)
    assert generator(code, code, within).shape == (1, 3, 32, 16)
    wrong = [((code[:, :7], code), "appearance_code"), ((code, code[:, :7]), "pose_code")]
    wrong += [((code, code, part), "within") for part in (within[..., :3], within[:, :, :6])]
    for given, name in wrong:
        with pytest.raises(ValueError, match=f"^{name}: "):
            generator(*given)


def test_a_generator_has_odd_kernels_and_no_negative_number_of_blocks():
    with pytest.raises(ValueError, match="^kernel: expected an odd number.*got 4"):
        Generator(8, channels=(8, 4, 4, 4), blocks=(0, 0, 0, 0), kernel=4)
    with pytest.raises(ValueError, match="blocks.*from 0"):
        Generator(8, channels=(8, 4, 4, 4), blocks=(0, -1, 0, 0))


@pytest.mark.parametrize(("first", "channels"), [(True, 8), (False, 16)])
def test_an_attention_block_says_how_many_channels_it_expects(first, channels):
    block = PoseAttentionBlock(8, first=first).eval()
    appearance = torch.randn(1, 8, 6, 3)
    block(appearance, torch.randn(1, channels, 6, 3))
    with pytest.raises(ValueError, match=rf"^pose: .*{channels}"):
        block(appearance, torch.randn(1, 12, 6, 3))
