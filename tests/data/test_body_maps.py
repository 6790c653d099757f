"""Labels of the body maps: what is stored is what is read, and what does not fit is refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from momi_lib.data import LabelError, load
from momi_lib.data.body_maps import (
    STEP,
    encode_body_maps,
    load_any_poses,
    load_body_labels,
    load_true_maps,
)
from momi_lib.data.records import EMBEDDED
from momi_lib.pose.body_maps import body_parts


@pytest.fixture(scope="module")
def people():
    return load(None, "test")


def written(folder, maps: np.ndarray, files: list[str]):
    """A data folder with body maps of its own."""
    (folder / "query").mkdir(parents=True)
    (folder / "body_maps").mkdir()
    (folder / "body_maps" / "test.png").write_bytes(encode_body_maps(maps))
    np.savez(folder / "body_maps" / "test.npz", files=np.array(files), whole=np.ones(len(files), bool))
    return folder


def test_what_was_written_is_read_to_half_a_step(tmp_path):
    rng = np.random.default_rng(0)
    maps = rng.uniform(-0.3, 0.3, (2, 64, 32, 3)).astype(np.float32)
    maps[:, :10] = np.nan
    folder = written(tmp_path / "data", maps, ["query/a.jpg", "query/b.jpg"])
    read = load_body_labels(folder, "test", ("query/b.jpg", "query/a.jpg")).maps(torch.tensor([1, 0]))
    expected = torch.from_numpy(maps).permute(0, 3, 1, 2)
    assert torch.equal(torch.isnan(read), torch.isnan(expected))
    assert (read - expected).nan_to_num().abs().max() <= STEP / 2 + 1e-6


def test_a_mirrored_label_is_the_mirrored_person(people):
    labels = load_body_labels(None, "test", people.files)
    index = torch.tensor([3, 3])
    plain, turned = labels.maps(index, torch.tensor([False, True]))
    assert torch.equal(turned[1:].flip(-1).nan_to_num(), plain[1:].nan_to_num())
    assert torch.equal(turned[0].flip(-1).nan_to_num(), -plain[0].nan_to_num())


@pytest.mark.parametrize("split", ["train", "test"])
def test_labels_lie_on_the_people(split):
    people = load(None, split)
    labels = load_body_labels(None, split, people.files)
    some = torch.arange(0, len(people), 40)
    inside = torch.isfinite(labels.maps(some)).all(1).repeat_interleave(2, 1).repeat_interleave(2, 2)
    masks = people.masks[some]
    assert (inside & masks).sum() / (inside | masks).sum() > 0.9  # the grid is half as fine


def test_left_is_left_and_feet_are_below(people):
    labels = load_body_labels(None, "test", people.files)
    some = torch.where((people.visibility[:, 15] == 2) & (people.visibility[:, 5] == 2))[0][:60]
    maps = labels.maps(some)

    def at(joint):
        x, y = (people.joints[some, joint] / 2).long().clamp_min(0).T
        return maps[torch.arange(len(some)), :, y.clamp(max=63), x.clamp(max=31)]

    ankle, shoulder = at(15), at(5)
    for found in (ankle, shoulder):
        left = found[:, 0]
        assert (left[torch.isfinite(left)] > 0).float().mean() > 0.9
    below = (shoulder - ankle)[:, 2]
    below = below[torch.isfinite(below)]
    assert len(below) > 30 and (below > 0.8).float().mean() > 0.9  # metres: ankles are far below shoulders
    parts = body_parts(maps.nan_to_num())
    assert (parts[torch.isfinite(maps).all(1)] == 6).any()


def test_bodies_in_any_pose_belong_to_the_training_people():
    bodies = load_any_poses()
    assert len(bodies) >= 5000 and set(bodies.persons.tolist()) == set(load(None, "train").identities.tolist())
    assert bodies.inside.float().mean() > 0.8
    assert torch.isfinite(bodies.maps(torch.arange(50))).all(1).flatten(1).any(1).all()


def test_raised_arms_are_familiar():
    """Poses that no pedestrian takes: a wrist above the nose in a good part of them."""
    bodies = load_any_poses()
    both = bodies.inside[:, 0] & (bodies.inside[:, 9] | bodies.inside[:, 10])
    highest = bodies.joints[:, 9:11, 1].masked_fill(~bodies.inside[:, 9:11], 1e3).amin(1)
    assert (highest < bodies.joints[:, 0, 1])[both].float().mean() > 0.15


def test_true_maps_are_those_of_true_swaps():
    rows, sources, answers = load_true_maps()
    assert len(rows) == len(sources) == len(answers) == 150 and rows.tolist() == list(range(0, 1500, 10))


def test_data_without_labels_say_how_to_get_them(tmp_path):
    (tmp_path / "query").mkdir()
    with pytest.raises(FileNotFoundError, match="no body maps"):
        load_body_labels(tmp_path, "test", ())


def test_labels_of_other_pictures_are_refused(tmp_path):
    folder = written(tmp_path / "data", np.zeros((1, 64, 32, 3), np.float32), ["query/a.jpg"])
    with pytest.raises(LabelError, match=r"no body map of 1 of 1 pictures, the first is query/z\.jpg"):
        load_body_labels(folder, "test", ("query/z.jpg",))


def test_damaged_labels_are_refused(tmp_path):
    folder = written(tmp_path / "data", np.zeros((2, 64, 32, 3), np.float32), ["query/a.jpg", "query/b.jpg"])
    path = folder / "body_maps" / "test.png"
    path.write_bytes(encode_body_maps(np.zeros((1, 64, 32, 3), np.float32)))
    with pytest.raises(LabelError, match="holds 1 maps"):
        load_body_labels(folder, "test", ("query/a.jpg",))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(LabelError, match="expected body maps"):
        load_body_labels(folder, "test", ("query/a.jpg",))


@pytest.mark.parametrize("left", [0, 100])
def test_facts_that_are_damaged_are_named(tmp_path, left):
    folder = written(tmp_path / "data", np.zeros((1, 64, 32, 3), np.float32), ["query/a.jpg"])
    path = folder / "body_maps" / "test.npz"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(LabelError, match=r"test\.png and \.npz: expected body maps"):
        load_body_labels(folder, "test", ("query/a.jpg",))


def test_the_embedded_labels_are_small():
    folder = EMBEDDED.parent / "body_maps"
    size = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert size["train.png"] + size["train.npz"] <= 8e6 and sum(size.values()) <= 18e6


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_a_label_error_wherever_it_is_damaged(tmp_path, seed):
    folder = tmp_path / "body_maps"
    folder.mkdir()
    (tmp_path / "query").mkdir()
    maps = np.full((3, 64, 32, 3), np.nan, np.float32)
    maps[:, 20:40, 10:20] = 0.1
    (folder / "test.png").write_bytes(encode_body_maps(maps))
    np.savez_compressed(folder / "test.npz", files=np.array(["a", "b", "c"]), whole=np.ones(3, bool))
    generator = np.random.default_rng(seed)
    path = folder / generator.choice(["test.png", "test.npz"])
    content = bytearray(path.read_bytes())
    for place in generator.integers(0, len(content), 6):
        content[place] = generator.integers(256)
    path.write_bytes(content)
    try:
        labels = load_body_labels(tmp_path, "test", ("a", "b", "c"))
    except LabelError as error:
        assert "test" in str(error)
    else:
        assert len(labels) == 3  # what was changed was not looked at, or is a value like another


@pytest.mark.parametrize(
    "facts",
    [
        dict(files=np.array(["a"])),
        dict(whole=np.ones(1, bool)),
        dict(files=np.array("a"), whole=np.ones(1, bool)),
        dict(files=np.array(["a"]), whole=np.ones(1)),
    ],
)
def test_facts_of_another_kind_are_a_label_error(tmp_path, facts):
    folder = tmp_path / "body_maps"
    folder.mkdir()
    (tmp_path / "query").mkdir()
    (folder / "test.png").write_bytes(encode_body_maps(np.zeros((1, 64, 32, 3), np.float32)))
    np.savez_compressed(folder / "test.npz", **facts)
    with pytest.raises(LabelError, match=r"test\.npz: expected '(files|whole)', one entry a map, got"):
        load_body_labels(tmp_path, "test", ("a",))
