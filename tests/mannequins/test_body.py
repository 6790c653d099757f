"""The numpy body is anny's body."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the extra mannequins")

from tools.mannequins.body.body import Body, joint_regressor, skinned, skinning_weights, turn
from tools.mannequins.body.template import PHENOTYPES, template, template_path

SHAPES = [
    {"gender": 0.93, "age": 0.7, "muscle": 0.4, "weight": 0.3, "height": 0.4, "proportions": 0.6},
    {"gender": 0.05, "age": 0.95, "muscle": 0.6, "weight": 0.8, "height": 0.7, "proportions": 0.4},
]
POSE = {
    "root": turn("z", 0.3),
    "upperleg01.L": turn("y", 0.1) @ turn("x", -0.6),
    "lowerleg01.L": turn("x", 0.7),
    "upperarm01.R": turn("x", 0.3) @ turn("y", -0.6),
    "lowerarm01.R": turn("x", -1.0),
    "spine03": turn("x", 0.2) @ turn("z", 0.1),
    "head": turn("z", 0.4),
}


@pytest.fixture(scope="module")
def anny_model():
    if not template_path().is_file():
        pytest.skip("the body template is not baked here (minutes)")
    anny = pytest.importorskip("anny", reason="needs the extra mannequins")
    torch = pytest.importorskip("torch")
    return anny.Anny(topology="anny-full").to(dtype=torch.float32)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_anny(anny_model, shape: dict[str, float]) -> None:
    import torch

    pose = torch.eye(4).repeat(1, 104, 1, 1)
    for name, rotation in POSE.items():
        pose[0, template().bone(name), :3, :3] = torch.from_numpy(rotation)
    with torch.no_grad():
        expected = anny_model(pose_parameters=pose, phenotype_kwargs=shape)
    body = Body.of(shape)
    assert np.abs(body.vertices + body.root - expected["rest_vertices"][0].numpy()).max() < 1e-5
    posed, _ = skinned(skinning_weights(), body.transforms(POSE), body.vertices)
    assert np.abs(posed - expected["vertices"][0].numpy()).max() < 1e-5


def test_joints_are_left_and_right() -> None:
    if not template_path().is_file():
        pytest.skip("the body template is not baked here (minutes)")
    joints = joint_regressor() @ Body.of({}).vertices
    left, right = joints[1::2], joints[2::2]
    assert (left[:, 0] > 0).all() and (right[:, 0] < 0).all()
    assert joints[0, 1] < joints[5:7, 1].min()  # the nose is in front of the shoulders


def test_unknown_phenotypes_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown phenotypes"):
        Body.of({"size": 1.0})
    assert "age" in PHENOTYPES
