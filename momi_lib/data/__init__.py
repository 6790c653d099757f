"""Data: a folder of pictures becomes tensors, labels and triplets (x, x⁺, x⁻).

>>> sampler = TripletSampler([1, 1, 2, 2], seed=0)
>>> len(sampler.draw(32).source)
32
"""

from momi_lib.data.labels import LabelError
from momi_lib.data.mirror import mirror_joints, mirror_maps, mirror_pictures
from momi_lib.data.names import PictureError
from momi_lib.data.people import People, load
from momi_lib.data.pictures import size_of, to_float, to_uint8
from momi_lib.data.records import data_folder
from momi_lib.data.triplets import Triplets, TripletSampler
from momi_lib.data.truth import Truth, load_truth

__all__ = [
    "LabelError",
    "People",
    "PictureError",
    "TripletSampler",
    "Triplets",
    "Truth",
    "data_folder",
    "load",
    "load_truth",
    "mirror_joints",
    "mirror_maps",
    "mirror_pictures",
    "size_of",
    "to_float",
    "to_uint8",
]
