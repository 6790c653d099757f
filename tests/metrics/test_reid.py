"""Scores that ask a network: descriptors, perceptual distance, who it is, which pose it has."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from momi_lib.data import load_truth
from momi_lib.features import MannequinFeatures, RandomFeatures, feature_network
from momi_lib.metrics.perceptual import describe, perceptual_distance
from momi_lib.metrics.pose import BODY, pose_score
from momi_lib.metrics.reid import rank1
from momi_lib.pose import gaussian_maps
from momi_lib.pose.weights import load_teacher
from momi_lib.skeleton import JOINTS, MIRROR


@pytest.fixture(scope="module")
def truth():
    truth = load_truth()
    return truth.select(slice(0, None, len(truth) // 40))


def test_descriptors_do_not_depend_on_the_batch():
    pictures = torch.randint(256, (5, 3, 128, 64), dtype=torch.uint8)
    for network in (RandomFeatures(), MannequinFeatures().freeze()):
        assert torch.allclose(describe(network, pictures), describe(network, pictures, batch=2), atol=1e-5)


def test_perceptual_distance_sees_the_mask_alone():
    rng = torch.Generator().manual_seed(0)
    truth = torch.randint(256, (2, 3, 128, 64), generator=rng, dtype=torch.uint8)
    damaged = truth.clone()
    damaged[:, :, :40] = 128
    masks = torch.zeros(2, 128, 64, dtype=torch.bool)
    masks[:, 112:] = True  # 72 rows below the damage, further than block 5 sees upwards from there
    network = RandomFeatures()
    assert float(perceptual_distance(network, damaged, truth, masks).max()) == 0
    assert float(perceptual_distance(network, damaged, truth).min()) > 0.01
    assert float(perceptual_distance(network, damaged, truth, ~masks).min()) > 0.01


def test_perceptual_distance_by_hand():
    class Two(RandomFeatures):
        def forward(self, pictures):
            return pictures[:, :2, ::64, ::64], pictures[:, :2, ::64, ::64]

    a = torch.full((1, 3, 128, 64), 255, dtype=torch.uint8)
    b = a.clone()
    a[:, 1], b[:, 0] = 127, 127  # directions (1, ~0) and (~0, 1): squared distance 2, in two blocks
    assert float(perceptual_distance(Two(), a, b)) == pytest.approx(4, abs=0.05)


class Halves(torch.nn.Module):
    """Two places: ones above, and below what red and green of a pixel there are, 1 if they are bright, else 0."""

    def __init__(self):
        super().__init__()
        self.one = torch.nn.Parameter(torch.ones(1))

    def forward(self, pictures):
        features = torch.ones(len(pictures), 2, 2, 1)
        features[:, :, 1, 0] = (pictures[:, :2, 64, 0] > 0).float()
        return features * self.one, features * self.one


def test_distances_are_weighted_by_the_masks_share_of_a_place():
    a, b = torch.zeros(2, 5, 3, 128, 64, dtype=torch.uint8)
    a[:, 0, 64:], b[:, 1, 64:] = 255, 255  # below, at right angles: 2, in two blocks; above, alike: 0
    masks = torch.zeros(5, 128, 64, dtype=torch.bool)
    masks[0] = True
    masks[1, :64], masks[1, 64:80] = True, True  # all of the upper place, a quarter of the lower one
    masks[2, :64] = True
    masks[3, 100, 20] = True
    found = perceptual_distance(Halves(), a, b, masks)
    assert found[:4].tolist() == pytest.approx([2, 2 * 2 * 0.25 / 1.25, 0, 4], abs=1e-6) and found[4].isnan()
    assert torch.equal(perceptual_distance(Halves(), a, b, masks, batch=2)[:4], found[:4])
    assert perceptual_distance(Halves(), a, b).tolist() == pytest.approx([2] * 5, abs=1e-6)


def test_no_gradients_are_kept():
    pictures = torch.full((2, 3, 128, 64), 9, dtype=torch.uint8)
    assert not describe(Halves(), pictures).requires_grad
    assert not perceptual_distance(Halves(), pictures, pictures).requires_grad


def test_a_true_swap_is_recognised_better_than_its_target(truth):
    network = feature_network("mannequin")
    gallery = describe(network, truth.people.pictures)
    found = rank1(describe(network, truth.pictures), gallery, truth).float().mean()
    target = rank1(gallery[truth.target], gallery, truth).float().mean()
    source = rank1(gallery[truth.source], gallery, truth).float().mean()
    assert float(target) < 0.2 < 0.5 < float(found) and float(source) > 0.5


def test_the_source_and_the_target_picture_are_not_looked_up(truth):
    count = len(truth.people)
    swaps = torch.eye(count)[truth.source] + 0.9 * torch.eye(count)[truth.target]
    found = rank1(swaps, torch.eye(count), truth)  # all else is equally unlike: the first picture wins
    assert torch.equal(found, truth.people.persons[0] == truth.people.persons[truth.source])


class Oracle(torch.nn.Module):
    """Draws the maps of given joints, batch by batch."""

    def __init__(self, joints):
        super().__init__()
        self.anything = torch.nn.Parameter(torch.zeros(1))
        self.joints, self.at = joints, 0

    def forward(self, pictures):
        joints = self.joints[self.at : self.at + len(pictures)]
        self.at += len(pictures)
        return gaussian_maps(joints, torch.ones(joints.shape[:2], dtype=torch.bool), size=(128, 64), sigma=3)


def test_pose_score_of_true_mirrored_and_distant_joints(truth):
    assert pose_score(Oracle(truth.joints), truth.pictures, truth) == {"pck": 1.0, "confusion": 0.0}
    mirrored = pose_score(Oracle(truth.joints[:, list(MIRROR)]), truth.pictures, truth)
    assert mirrored["confusion"] == 1.0 and mirrored["pck"] < 1
    head = truth.joints.clone()
    head[:, : BODY[0]] = 0  # the head is not judged
    assert pose_score(Oracle(head), truth.pictures, truth)["pck"] == 1.0
    assert [JOINTS[k] for k in (BODY[0], BODY[-1])] == ["left_shoulder", "right_ankle"]


def test_the_teacher_finds_the_pose_of_true_swaps(truth):
    teacher = load_teacher(None)
    assert pose_score(teacher, truth.pictures, truth)["pck"] > 0.85
    assert pose_score(teacher, truth.people.pictures[truth.source], truth)["pck"] < 0.7


def test_refusals(truth):
    pictures = truth.pictures
    swaps, gallery = torch.zeros(len(truth), 8), torch.zeros(len(truth.people), 8)
    with pytest.raises(ValueError, match=f"descriptors: .* for each of {len(truth)} swaps, got 3"):
        rank1(swaps[:3], gallery, truth)
    with pytest.raises(TypeError, match="truth: expected a Truth, as momi_lib.data.load_truth gives it, got None"):
        rank1(swaps, gallery, None)
    for wrong, said in ((swaps.int(), "expected descriptors"), (swaps[0], "expected descriptors"),
                        (swaps / 0, "expected finite numbers, got NaN")):  # fmt: skip
        with pytest.raises(ValueError, match=f"descriptors: {said}"):
            rank1(wrong, gallery, truth)
    for wrong, said in ((gallery[:, :7], "with D = 8 as in descriptors"), (gallery / 0, "got NaN")):
        with pytest.raises(ValueError, match=f"gallery: expected .*{said}"):
            rank1(swaps, wrong, truth)
    with pytest.raises(ValueError, match="gallery: expected one"):
        rank1(torch.zeros(len(truth), 8), torch.zeros(3, 8), truth)
    with pytest.raises(ValueError, match="for each of"):
        pose_score(RandomFeatures(), pictures[:3], truth)
    with pytest.raises(ValueError, match="uint8"):
        describe(RandomFeatures(), pictures.float())
    for wrong in (pictures[:, :2], pictures[:, :, None]):
        with pytest.raises(ValueError, match=r"expected pictures \(N, 3, H, W\) uint8"):
            describe(RandomFeatures(), wrong)
    with pytest.raises(ValueError, match="truth: expected pictures .* as in pictures, got"):
        perceptual_distance(RandomFeatures(), pictures, pictures[:1])
    with pytest.raises(ValueError, match="masks"):
        perceptual_distance(RandomFeatures(), pictures, pictures, truth.masks[:, :8])
    for batch in (0, 1.5, True):
        for score in (describe, partial(perceptual_distance, truth=pictures)):
            with pytest.raises(ValueError, match="batch: expected a whole number from 1 up"):
                score(RandomFeatures(), pictures, batch=batch)


def test_another_picture_of_the_person_is_found_by_its_direction_alone(truth):
    persons, count = truth.people.persons, len(truth.people)
    gallery = torch.randn(count, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.3, 0.1])
    pairs = list(zip(truth.source.tolist(), truth.target.tolist(), strict=True))
    others = [next(i for i in range(count) if persons[i] == persons[pair[0]] and i not in pair) for pair in pairs]
    lengths = torch.linspace(0.1, 10, len(pairs))[:, None]
    assert rank1(gallery[others] * lengths, gallery, truth).all()
