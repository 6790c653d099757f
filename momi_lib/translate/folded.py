"""The same network with fewer steps: batch norms folded into the convolutions before them."""

from __future__ import annotations

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from momi_lib.arguments import check_network
from momi_lib.translate.network import MomiNet


def folded(network: MomiNet) -> MomiNet:
    """A copy for translating fast: every batch norm that follows a convolution becomes part of its weights.

    In evaluation mode a batch norm is one factor and one shift a channel, which the convolution can apply itself. The
    answers are the same up to rounding; the copy cannot be trained, and its weights no longer have the names that
    :func:`~momi_lib.translate.load_network` expects.

    Args:
        network: in evaluation mode; it stays as it is.

    Raises:
        ValueError: for a network in training mode, whose batch norms depend on the batch.

    >>> from momi_lib.train.presets import preset
    >>> from momi_lib.translate.weights import network_of
    >>> fast = folded(network_of(preset("small").network).eval())
    >>> any(isinstance(part, nn.BatchNorm2d) for part in fast.modules())
    False
    """
    check_network("network", network, "a network")
    network = copy.deepcopy(network)
    for sequence in [part for part in network.modules() if isinstance(part, nn.Sequential)]:
        for first, second in pairwise(list(sequence._modules)):
            convolution, norm = sequence._modules[first], sequence._modules[second]
            if isinstance(convolution, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
                transposed = isinstance(convolution, nn.ConvTranspose2d)
                sequence._modules[first] = fuse_conv_bn_eval(convolution, norm, transposed)
                sequence._modules[second] = nn.Identity()
    return network.requires_grad_(False)
