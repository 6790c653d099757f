"""Somebody who sits is unlike what the networks know; rendered, because nobody sits in the embedded pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from momi_lib.data.records import EMBEDDED
from momi_lib.translate import load_network
from momi_lib.translate.verdict import judged, usual_of


@pytest.mark.slow
def test_most_of_the_seated_do_not_pass_the_verdict(can_render: None) -> None:
    """About a third do: a student that knows pedestrians alone finds the joints of one, and may be sure of them."""
    from tools.mannequins.body.any_pose import _seated
    from tools.mannequins.body.poses import POSES, draw_pose
    from tools.mannequins.dataset.labels import read_attributes, read_scenes
    from tools.mannequins.photograph.person import Person
    from tools.mannequins.photograph.picture import Studio
    from tools.mannequins.photograph.scene import Scene

    attributes, rng, studio = read_attributes(EMBEDDED), np.random.default_rng(0), Studio(seed=0)
    scenes = [one for one in read_scenes(EMBEDDED) if one.file.startswith("query") and not POSES[one.scene.kind].holds]

    class Seated(Scene):
        def pose(self) -> dict[str, np.ndarray]:
            return dict(draw_pose("stand", rng, "R")) | _seated(rng)

    network = load_network("small")
    usual, verdicts = usual_of(network), []
    for one in scenes[:: len(scenes) // 10][:10]:
        scene = Seated(**vars(one.scene))
        picture = studio.picture(scene, Person.of(attributes[one.person]), obstacle=False).image
        verdicts.append(judged(network, torch.from_numpy(picture.copy()).permute(2, 0, 1), usual, pixels=(64, 128)))
    doubted = [verdict for verdict in verdicts if not verdict.sure]
    assert len(doubted) >= 4
    assert any("who sits, crouches, bends" in verdict.told for verdict in doubted)
