"""Dragged limbs: which drags are made, and that they are drawn as the explorer draws them."""

from __future__ import annotations

import pytest
import torch

from momi_lib.data import to_uint8
from momi_lib.study import drags as obedience
from momi_lib.train.presets import preset
from momi_lib.translate import MomiNet, network_of
from momi_lib.widgets.session import Studio


def test_a_dragged_limb_keeps_its_length_and_stays_in_the_picture():
    landmarks = torch.full((17, 2), 30.0)
    landmarks[[9, 10]] = torch.tensor([[50.0, 30.0], [30.0, 31.0]])  # a wrist, and one too short
    landmarks[[13, 15]] = torch.tensor([[30.0, 110.0], [30.0, 125.0]])  # a foot near the lower border
    valid = torch.ones(17, dtype=torch.bool)
    valid[16] = False
    left_out = {kind: obedience.Counts() for kind in obedience.LIMBS}
    generator = torch.Generator().manual_seed(0)
    found = list(obedience.drags(landmarks, valid, (128, 64), generator, left_out))
    assert [(drag.kind, drag.angle) for drag in found] == [
        (kind, angle) for kind in ("wrist", "ankle") for angle in (0, *obedience.ANGLES)
    ]
    assert vars(left_out["wrist"]) == {"not_found": 0, "too_short": 1, "outside": 0}
    assert vars(left_out["ankle"]) == {"not_found": 1, "too_short": 0, "outside": 0}
    for drag in found:
        length = 20 if drag.kind == "wrist" else 15
        parent = {9: 7, 15: 13}[drag.joint]
        assert (drag.landmarks[drag.joint] - drag.landmarks[parent]).norm().item() == pytest.approx(length, rel=1e-4)
        assert obedience.inside(drag.landmarks[drag.joint], (128, 64))
        others = torch.arange(17) != drag.joint
        assert torch.equal(drag.landmarks[others], landmarks[others])
    # At the border one direction is left, at a corner none.
    landmarks[[13, 15]] = torch.tensor([[2.0, 110.0], [2.0, 125.0]])
    found = obedience.drags(landmarks, valid, (128, 64), generator, left_out)
    assert all(drag.landmarks[15, 0] >= -0.5 for drag in found)
    landmarks[[13, 15]] = torch.tensor([[1.0, 20.0], [1.0, 1.0]])
    list(obedience.drags(landmarks, valid, (30, 3), generator, left_out))
    assert left_out["ankle"].outside == 4


def test_a_pose_is_drawn_as_the_studio_draws_it():
    torch.manual_seed(0)
    network = MomiNet(preset("tiny").network).eval()
    picture = torch.rand(3, 128, 64) * 2 - 1
    landmarks, valid = torch.rand(2, 17, 2) * 60, torch.ones(2, 17, dtype=torch.bool)
    with torch.inference_mode():
        drawn = to_uint8(obedience.draw(network, picture, landmarks, valid)).int()
    studio = Studio(network)
    person = studio.meet(picture)
    for k in range(2):
        assert (studio.draw(person, landmarks[k], valid[k]).picture.int() - drawn[k]).abs().max() <= 1


def test_a_dragged_person_stands_before_the_targets_street():
    torch.manual_seed(0)
    network, plain = (network_of(preset(name).network).eval() for name in ("tiny-carry", "tiny"))
    picture, landmarks = torch.rand(3, 128, 64) * 2 - 1, torch.rand(2, 17, 2) * 60
    valid = torch.ones(2, 17, dtype=torch.bool)
    with torch.inference_mode():
        network.body_maps.of_target.result.bias[3] = -50.0  # nobody is drawn, so the street is all there is
        street = obedience.street(network, picture[None], network.pose(picture[None]))
        drawn = obedience.draw(network, picture, landmarks, valid, street)
        assert (drawn - street).abs().max() < 1e-5
        assert obedience.street(plain, picture[None], plain.pose(picture[None])) is None
