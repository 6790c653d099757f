from __future__ import annotations

import pytest
import torch
from torchvision.models import resnet

from momi_lib.pose import SimpleBaseline
from momi_lib.pose.simple_baseline import DEPTHS, depth_of

# The parts that a ResNet does not have, as the official checkpoints name them, with their shapes for 17 joints.
HEAD = {
    "deconv_layers.0.weight": ("C", 256, 4, 4),
    "deconv_layers.1.weight": (256,),
    "deconv_layers.1.bias": (256,),
    "deconv_layers.1.running_mean": (256,),
    "deconv_layers.1.running_var": (256,),
    "deconv_layers.1.num_batches_tracked": (),
    "deconv_layers.3.weight": (256, 256, 4, 4),
    "deconv_layers.4.weight": (256,),
    "deconv_layers.4.bias": (256,),
    "deconv_layers.4.running_mean": (256,),
    "deconv_layers.4.running_var": (256,),
    "deconv_layers.4.num_batches_tracked": (),
    "deconv_layers.6.weight": (256, 256, 4, 4),
    "deconv_layers.7.weight": (256,),
    "deconv_layers.7.bias": (256,),
    "deconv_layers.7.running_mean": (256,),
    "deconv_layers.7.running_var": (256,),
    "deconv_layers.7.num_batches_tracked": (),
    "final_layer.weight": (17, 256, 1, 1),
    "final_layer.bias": (17,),
}


@pytest.mark.parametrize(
    ("layers", "channels"), [(18, 512), (34, 512), (50, 2048), (101, 2048), (152, 2048)]
)
def test_parameters_have_the_official_names_and_shapes(layers, channels):
    backbone = getattr(resnet, f"resnet{layers}")
    with torch.device("meta"):
        expected = {k: tuple(v.shape) for k, v in backbone().state_dict().items() if not k.startswith("fc.")}
        found = {k: tuple(v.shape) for k, v in SimpleBaseline(layers).state_dict().items()}
    expected |= {k: tuple(channels if n == "C" else n for n in shape) for k, shape in HEAD.items()}
    assert found == expected


@pytest.mark.parametrize(("width", "size"), [(64, (64, 32)), (16, (128, 64)), (16, (256, 192))])
def test_it_answers_at_a_quarter_of_the_size(width, size):
    network = SimpleBaseline(18, width=width).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 3, *size)).shape == (1, 17, size[0] // 4, size[1] // 4)


def test_a_narrow_network_has_the_same_names():
    with torch.device("meta"):
        wide, narrow = SimpleBaseline(18), SimpleBaseline(18, width=32)
    assert list(wide.state_dict()) == list(narrow.state_dict())
    count = [sum(value.numel() for value in network.parameters()) for network in (wide, narrow)]
    assert count[1] < 0.4 * count[0]


@pytest.mark.parametrize("arguments", [{"layers": 20}, {"layers": 50, "width": 32}, {"layers": 18, "width": 4}])
def test_a_shape_it_cannot_have_is_refused(arguments):
    with pytest.raises(ValueError, match="(layers|width): expected"):
        SimpleBaseline(**arguments)


def test_the_depth_is_read_from_the_names():
    with torch.device("meta"):
        for layers in DEPTHS.values():
            assert depth_of(SimpleBaseline(layers).state_dict()) == layers
    assert depth_of(["layer1.0.conv1.weight"]) is None and depth_of([]) is None
