"""From pose maps and a source picture to the person in another pose: E_p, E_a, φ, G, and D which judges."""

from momi_lib.translate.attention import PoseAttention, PoseAttentionBlock
from momi_lib.translate.carrying import Appearance, CarryNet, Explained
from momi_lib.translate.discriminator import PairDiscriminator
from momi_lib.translate.encoders import AppearanceEncoder, PoseEncoder
from momi_lib.translate.folded import folded
from momi_lib.translate.generator import Generator
from momi_lib.translate.lookup import AppearanceLookup
from momi_lib.translate.network import MomiNet, NetworkConfig, Pose
from momi_lib.translate.weights import load_network, network_of, save_network, weights_file

__all__ = [
    "Appearance",
    "AppearanceEncoder",
    "AppearanceLookup",
    "CarryNet",
    "Explained",
    "Generator",
    "MomiNet",
    "NetworkConfig",
    "PairDiscriminator",
    "Pose",
    "PoseAttention",
    "PoseAttentionBlock",
    "PoseEncoder",
    "folded",
    "load_network",
    "network_of",
    "save_network",
    "weights_file",
]
