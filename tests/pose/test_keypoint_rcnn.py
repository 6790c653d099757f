from __future__ import annotations

from urllib.error import URLError

import pytest
import torch
from torchvision.models import detection

from momi_lib.pose import KeypointRCNNTeacher, decode, detections_to_heatmaps, keypoint_rcnn


def person(x: float, y: float, *, score: float = 0.9, joint: float = 4.0) -> dict[str, torch.Tensor]:
    keypoints = torch.tensor([x, y, 1.0]).expand(1, 17, 3)
    scores = torch.full((1, 17), joint)
    return {"scores": torch.tensor([score]), "keypoints": keypoints, "keypoints_scores": scores}


NOBODY = {
    "scores": torch.empty(0),
    "keypoints": torch.empty(0, 17, 3),
    "keypoints_scores": torch.empty(0, 17),
}


def draw(*detections: dict[str, torch.Tensor]) -> torch.Tensor:
    return detections_to_heatmaps(detections, size=(128, 64), map_size=(64, 32), sigma=2.0)


def test_a_joint_is_drawn_where_it_is_with_its_confidence():
    maps = draw(person(20.9, 70.2), person(40.0, 10.0, joint=2.0))
    assert maps.shape == (2, 17, 64, 32)
    landmarks, confidence = decode(maps, method="newton", size=(128, 64))
    expected = torch.tensor([[20.4, 69.7], [39.5, 9.5]])  # torchvision's first pixel has its middle at 0.5
    assert torch.allclose(landmarks, expected[:, None].expand(2, 17, 2), atol=0.1)
    assert confidence[0] == pytest.approx(torch.sigmoid(torch.tensor(2.0)).item())
    assert confidence[1] == pytest.approx(0.5)


def test_a_clearer_joint_has_a_larger_confidence():
    scores = [-50.0, -2.0, 0.6, 2.0, 8.0, 500.0]
    confidence = [draw(person(30, 30, joint=score)).max().item() for score in scores]
    assert confidence == sorted(confidence) and 0 <= confidence[0] and confidence[-1] <= 1
    assert confidence[2] == pytest.approx(0.2, abs=0.01)


def test_the_surest_person_is_taken():
    both = {key: torch.cat([person(10, 10, score=0.6)[key], person(50, 100)[key]]) for key in NOBODY}
    landmarks, _ = decode(draw(both), size=(128, 64))
    assert (landmarks - torch.tensor([49.5, 99.5])).abs().max() <= 1


def test_nobody_and_nobody_sure_leave_empty_maps():
    assert draw(NOBODY, person(30, 30, score=0.4)).abs().sum() == 0


def test_a_joint_outside_the_picture_is_not_there():
    assert draw(person(70, 30)).abs().sum() == 0


def test_it_is_asked_like_any_teacher(monkeypatch):
    seen = []

    class Network(torch.nn.Module):
        def forward(self, pictures):
            seen.extend(pictures)
            return [person(32.5, 64.5) for _ in pictures]

    monkeypatch.setattr(keypoint_rcnn, "_load", lambda weights, **settings: Network())
    teacher = KeypointRCNNTeacher(weights=None)
    heatmaps = teacher.train()(torch.full((2, 3, 128, 64), -1.0))
    assert heatmaps.shape == (2, 17, *teacher.map_size) and not teacher.training
    assert len(seen) == 2 and seen[0].shape == (3, 128, 64) and seen[0].max() == 0
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        teacher(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_without_a_network_the_error_says_what_to_do(monkeypatch):
    def offline(**_):
        raise URLError("no route to host")

    monkeypatch.setattr(detection, "keypointrcnn_resnet50_fpn", offline)
    with pytest.raises(ConnectionError, match=r"no route to host.*Connect this machine.*weights='path"):
        KeypointRCNNTeacher()


def test_a_file_that_is_missing_or_holds_something_else(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"'COCO_V1'.*None.*https://"):
        KeypointRCNNTeacher(tmp_path / "none.pth")
    monkeypatch.setattr(detection, "keypointrcnn_resnet50_fpn", lambda **_: torch.nn.Linear(2, 2))
    path = tmp_path / "weights.pth"
    for content in ({"other": torch.zeros(1)}, [1]):
        torch.save(content, path)
        with pytest.raises(ValueError, match=r"weights\.pth holds other weights"):
            KeypointRCNNTeacher(path)
    torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    assert KeypointRCNNTeacher(path).name == "keypoint-rcnn"
