"""D of single pictures: its two published forms, its padding, and whom gradients reach."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from momi_lib.rivals.picture_discriminator import (
    PictureDiscriminator,
    discriminator_grid,
    frozen_verdict,
    judged,
    plain_norm,
)


def millions(module):
    return sum(weight.numel() for weight in module.parameters()) / 1e6


def pg2(channels=(64, 128, 256, 512), size=(128, 64)):
    return PictureDiscriminator(channels, kernel=5, norm="batch", verdict="one", size=size)


def pn_gan(channels=(64, 128, 256), unpadded=(512,), size=(128, 64)):
    return PictureDiscriminator(channels, unpadded=unpadded, kernel=4, norm="instance", verdict="map", size=size)


def test_the_published_forms_have_their_weights():
    """4.3 and 2.8 million, to two digits."""
    with torch.device("meta"):
        assert round(millions(pg2()), 1) == 4.3
        assert round(millions(pn_gan()), 1) == 2.8


def test_shapes():
    with torch.device("meta"):
        assert pg2((4, 8, 8, 8))(torch.zeros(2, 3, 128, 64)).shape == (2, 1)
        assert pn_gan((4, 8, 8), (8,))(torch.zeros(2, 3, 128, 64)).shape == (2, 1, 10, 2)
        assert pn_gan((4, 8, 8), (8,), (256, 128))(torch.zeros(2, 3, 256, 128)).shape == (2, 1, 26, 10)
        assert pn_gan((4, 8), (), (36, 20))(torch.zeros(2, 3, 36, 20)).shape[2:] == (6, 2)


@pytest.mark.parametrize("kernel, size", [(5, (9, 12)), (4, (16, 8)), (3, (17, 8)), (6, (16, 10))])
def test_the_grid_is_what_the_layers_leave(kernel, size):
    D = PictureDiscriminator((2, 2), kernel=kernel, norm="none", verdict="one", size=size)
    features = D.body[:-2](torch.zeros(1, 3, *size))
    assert tuple(features.shape[2:]) == discriminator_grid(size, 2, 0, kernel)


def test_an_odd_kernel_is_padded_below_and_on_the_right():
    """One row of zeros above and two below: 4 of the kernel's 5 rows are in the picture at the top, 3 at the bottom."""
    D = PictureDiscriminator((1,), kernel=5, norm="none", verdict="one", size=(8, 8))
    convolution = next(layer for layer in D.body if isinstance(layer, nn.Conv2d))
    with torch.no_grad():
        convolution.weight.fill_(1)
        convolution.bias.zero_()
        first = D.body[:2](torch.ones(1, 3, 8, 8))[0, 0]
    assert first.tolist() == [[3 * rows * columns for columns in (4, 5, 5, 3)] for rows in (4, 5, 5, 3)]
    seen = torch.zeros(1, 3, 8, 8)
    seen[:, :, 3, 3] = 1
    with torch.no_grad():
        assert D.body[:2](seen)[0, 0, 0, 0] == 3, "the first place reaches to row and column 3"


def test_norms_begin_at_the_second_layer():
    kinds = [type(layer).__name__ for layer in pn_gan((4, 8), (8,)).body]
    assert kinds == [
        "Conv2d", "LeakyReLU", "Conv2d", "InstanceNorm2d", "LeakyReLU", "Conv2d", "InstanceNorm2d", "LeakyReLU",
        "Conv2d",
    ]  # fmt: skip
    assert [type(layer).__name__ for layer in pg2((4, 8), (16, 8)).body] == [
        "ZeroPad2d", "Conv2d", "LeakyReLU", "ZeroPad2d", "Conv2d", "BatchNorm2d", "LeakyReLU", "Flatten", "Linear",
    ]  # fmt: skip


def test_batch_norm_sees_what_is_judged_together():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        D, first, second = pg2((4, 8), (16, 8)), torch.rand(2, 3, 16, 8), torch.rand(2, 3, 16, 8)
    together = judged(D, [first, second])
    assert [logits.shape for logits in together] == [(2, 1), (2, 1)]
    assert not torch.allclose(together[0], judged(D, [first])[0], atol=1e-4)
    torch.testing.assert_close(torch.cat(together), D(torch.cat([first, second])))


def test_a_frozen_verdict_teaches_the_pictures_alone():
    D, picture = pg2((4, 8), (16, 8)), torch.rand(2, 3, 16, 8, requires_grad=True)
    frozen_verdict(D, [picture])[0].sum().backward()
    assert picture.grad is not None
    assert all(weight.grad is None and weight.requires_grad for weight in D.parameters())
    judged(D, [picture.detach()])[0].sum().backward()
    assert all(weight.grad is not None for weight in D.parameters())


def test_refusals():
    with pytest.raises(ValueError, match="too small for 3 halvings and 2 convolutions 4 x 4 without padding"):
        pn_gan((4, 8, 8), (8,), (32, 16))
    with pytest.raises(ValueError, match="one convolution of stride 2 or more"):
        pg2(())
    with pytest.raises(ValueError, match="verdict: expected 'one' or 'map', got 'two'"):
        PictureDiscriminator((4,), verdict="two")
    with pytest.raises(ValueError, match="norm: expected one of batch, instance, none, got 'layer'"):
        plain_norm("layer", 4)
