"""Checks of a written data set: what its card promises, looked up in its files.

These need neither anny nor OpenGL. Where both are installed `rendered_checks` adds what only a renderer can say.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from momi_lib.data.labels import decode_masks
from momi_lib.data.names import parse_name
from momi_lib.data.records import FOLDERS
from momi_lib.skeleton import JOINTS

__all__ = ["DataSet", "Result", "check"]

ROUNDING = 0.011  # pixels: label files hold two decimals
FACING = np.deg2rad(40)  # "from the front" and "from the back": the trunk twists less than what is left to the side
LEAST_VISIBLE, LEAST_MASK = 8, 0.10
# A truth's joints and its target's, in shares of the picture's height: two bodies of one height, in one pose.
TRUTH_MEDIAN, TRUTH_MOST = 0.025, 0.11
SHOULDERS, HIPS = (5, 6), (11, 12)


@dataclass(frozen=True)
class Result:
    """The verdict of one check."""

    name: str
    passed: bool
    detail: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.passed else 'FAIL'}  {self.name}: {self.detail}"


class DataSet:
    """A written data set, read as it is needed. Joints (N, 17, 3) are x, y, visibility; masks (N, H, W) bool."""

    def __init__(self, folder: Path, *, complete: bool = True) -> None:
        self.folder = Path(folder)
        if complete and not (self.folder / "manifest.json").is_file():
            raise FileNotFoundError(f"{folder} holds no manifest.json: no data set, or one that is not complete.")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Annotation files there are."""
        return tuple(name for name in ("train", "test", "truth") if self._path(name).is_file())

    @cached_property
    def coco(self) -> dict[str, dict]:
        return {name: json.loads(self._path(name).read_bytes()) for name in self.names}

    @cached_property
    def files(self) -> dict[str, list[str]]:
        return {name: [image["file_name"] for image in content["images"]] for name, content in self.coco.items()}

    @cached_property
    def joints(self) -> dict[str, np.ndarray]:
        return {
            name: np.array([entry["keypoints"] for entry in content["annotations"]], float).reshape(-1, 17, 3)
            for name, content in self.coco.items()
        }

    @cached_property
    def masks(self) -> dict[str, np.ndarray]:
        return {
            name: decode_masks(
                [entry["segmentation"]["counts"] for entry in content["annotations"]],
                tuple(content["annotations"][0]["segmentation"]["size"]),
            )
            for name, content in self.coco.items()
        }

    @cached_property
    def scenes(self) -> dict[str, dict]:
        """Rows of `scenes.jsonl.gz` by file."""
        with gzip.open(self.folder / "scenes.jsonl.gz", "rt", encoding="utf-8") as file:
            return {row["file"]: row for row in map(json.loads, file)}

    @cached_property
    def attributes(self) -> list[dict[str, str]]:
        with open(self.folder / "attributes.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    @cached_property
    def pairs(self) -> list[dict[str, str]]:
        path = self.folder / "truth" / "pairs.csv"
        if not path.is_file():
            return []
        with open(path, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def _path(self, name: str) -> Path:
        return self.folder / "annotations" / f"{name}.json"


def check(folder: Path) -> Iterator[Result]:
    """All checks of a folder, one result each. Raises FileNotFoundError for what is no complete data set."""
    data = DataSet(folder)
    for each in CHECKS:
        yield _verdict(each, data)
    if all(map(find_spec, ("anny", "moderngl", "scipy", "cv2"))):
        from tools.mannequins.dataset.rendered_checks import RENDERED_CHECKS

        for each in RENDERED_CHECKS:
            yield _verdict(each, data)
    else:
        yield Result("rendered again", True, "skipped: needs the extra mannequins")


def _verdict(each: Callable[[DataSet], str], data: DataSet) -> Result:
    name = each.__name__.replace("_", " ")
    try:
        return Result(name, True, each(data))
    except AssertionError as error:
        return Result(name, False, str(error))


def manifest_names_every_file(data: DataSet) -> str:
    """Each file's SHA-256, and no file more or less."""
    stated = json.loads((data.folder / "manifest.json").read_bytes())["files"]
    present = {path.relative_to(data.folder).as_posix() for path in data.folder.rglob("*") if path.is_file()}
    odd = sorted(set(stated) ^ (present - {"manifest.json"}))
    assert not odd, f"{len(odd)} files are in one of manifest and folder only, the first is {odd[0]}"
    wrong = [
        name for name in stated if hashlib.sha256((data.folder / name).read_bytes()).hexdigest() != stated[name]
    ]
    assert not wrong, f"{len(wrong)} files have changed, the first is {wrong[0]}"
    return f"{len(stated)} files"


def pictures_are_named_and_labelled_once(data: DataSet) -> str:
    """The label files list the folders' pictures; running numbers do not repeat; scenes list the same pictures."""
    listed = [file for name in ("train", "test") for file in data.files[name]]
    present = [f"{part}/{path.name}" for part in FOLDERS for path in (data.folder / part).iterdir()]
    assert sorted(listed) == sorted(present), "labels and pictures differ"
    assert len(listed) == len(set(listed)), "a picture is labelled twice"
    numbers = [file.split("_")[-2] for file in listed]
    assert len(set(numbers)) == len(numbers), "a running number occurs twice"
    assert list(data.scenes) == listed, "scenes.jsonl.gz lists other pictures, or in another order"
    for name in data.names:
        ids = [image["id"] for image in data.coco[name]["images"]]
        assert ids == [entry["image_id"] for entry in data.coco[name]["annotations"]], f"{name}.json: ids differ"
    return f"{len(listed)} pictures"


def no_identity_is_in_two_splits(data: DataSet) -> str:
    """By the names, by the attributes, and by the numbers that identities are drawn from."""
    people = {name: {parse_name(Path(file).name)[0] for file in data.files[name]} for name in ("train", "test")}
    both = people["train"] & people["test"]
    assert not both, f"{sorted(both)[:3]} are in both"
    stated = {name: {int(row["person"]) for row in data.attributes if row["split"] == name} for name in people}
    assert stated == people, "attributes.csv tells another split"
    numbers = [row["identity"] for row in data.attributes]
    assert len(set(numbers)) == len(numbers), "two people are one identity"
    return f"{len(people['train'])} training and {len(people['test'])} test identities"


def cameras_and_queries_suit_retrieval(data: DataSet) -> str:
    """Two cameras or more see everybody; one query at most for a person and a camera, and never the only picture."""
    seen, queries, gallery = defaultdict(set), Counter(), defaultdict(set)
    for file in data.files["train"] + data.files["test"]:
        person, camera = parse_name(Path(file).name)
        seen[person].add(camera)
        if file.startswith("query/"):
            queries[person, camera] += 1
        elif file.startswith("bounding_box_test/"):
            gallery[person].add(camera)
    lonely = [person for person, cameras in seen.items() if len(cameras) < 2]
    assert not lonely, f"one camera only sees {lonely[:3]}"
    assert max(queries.values()) == 1, "a person has two queries from one camera"
    bare = [person for person, camera in queries if not gallery[person] - {camera}]
    assert not bare, f"queries of {bare[:3]} have no gallery picture from another camera"
    return f"{len(queries)} queries"


def visible_joints_lie_on_the_mask(data: DataSet) -> str:
    """In the very pixel they fall into; the tolerance is the rounding of the label files."""
    total = 0
    for name in data.names:
        joints, masks = data.joints[name], data.masks[name]
        picture, joint = np.nonzero(joints[..., 2] == 2)
        x, y = joints[picture, joint, :2].T
        on = np.zeros(len(x), bool)
        for dx in (-ROUNDING, 0, ROUNDING):
            for dy in (-ROUNDING, 0, ROUNDING):
                column = np.clip(np.rint(x + dx).astype(int), 0, masks.shape[2] - 1)
                row = np.clip(np.rint(y + dy).astype(int), 0, masks.shape[1] - 1)
                on |= masks[picture, row, column]
        off = np.flatnonzero(~on)
        assert on.all(), f"{len(off)} joints; {JOINTS[joint[off[0]]]} of {data.files[name][picture[off[0]]]}"
        total += len(x)
    return f"{total} joints"


def enough_of_everybody_is_seen(data: DataSet) -> str:
    """Eight joints and a tenth of the picture; a true swap may hide more."""
    for name in ("train", "test"):
        visible = (data.joints[name][..., 2] == 2).sum(1)
        area = data.masks[name].mean((1, 2))
        assert visible.min() >= LEAST_VISIBLE, f"{name}: a picture has {visible.min()} visible joints"
        assert area.min() >= LEAST_MASK, f"{name}: a mask covers {area.min():.3f} of its picture"
    return f"{LEAST_VISIBLE} joints, {LEAST_MASK:.0%} of the picture"


def left_and_right_are_right(data: DataSet) -> str:
    """From the front a left shoulder and hip are right of the right ones in the picture, from the back left of them."""
    counts = {1: 0, -1: 0}
    for name in ("train", "test"):
        for file, joints in zip(data.files[name], data.joints[name], strict=True):
            scene = data.scenes[file]["scene"]
            heading = np.array([np.sin(scene["yaw"]), -np.cos(scene["yaw"])])  # at yaw 0 people face -Y
            to_camera = -np.array([scene["x"], scene["y"]]) / np.hypot(scene["x"], scene["y"])
            facing = heading @ to_camera
            if abs(facing) < np.cos(FACING):
                continue
            for left, right in (SHOULDERS, HIPS):
                if joints[left, 2] and joints[right, 2]:
                    apart = (joints[left, 0] - joints[right, 0]) * np.sign(facing)
                    assert apart > 0, f"{file}: {JOINTS[left]} and {JOINTS[right]} are swapped ({apart:.2f} px)"
                    counts[int(np.sign(facing))] += 1
    return f"{counts[1]} pairs of joints from the front, {counts[-1]} from the back"


def truth_joints_are_the_targets(data: DataSet) -> str:
    """Up to body shape, and of two people of the test split, with nothing in the target's way."""
    if not data.pairs:
        return "no true swaps in this set"
    assert [row["picture"] for row in data.pairs] == data.files["truth"], "pairs.csv and truth.json differ"
    places = {file: index for index, file in enumerate(data.files["test"])}
    targets = [places[row["to"]] for row in data.pairs]
    people = [[parse_name(Path(row[end]).name)[0] for row in data.pairs] for end in ("from", "to")]
    assert all(a != b for a, b in zip(*people, strict=True)), "a person is swapped with themselves"
    assert len({(row["from"], row["to"]) for row in data.pairs}) == len(data.pairs), "a pair occurs twice"
    assert all(data.scenes[row["to"]]["scene"]["obstacle"] is None for row in data.pairs), "a target is occluded"
    truth, target = data.joints["truth"], data.joints["test"][targets]
    both = (truth[..., 2] > 0) & (target[..., 2] > 0)
    height = data.masks["truth"].shape[1]
    apart = np.linalg.norm(truth[..., :2] - target[..., :2], axis=2)[both] / height
    assert np.median(apart) < TRUTH_MEDIAN, f"half of the joints are {np.median(apart) * height:.1f} px off or more"
    assert apart.max() < TRUTH_MOST, f"a joint is {apart.max() * height:.1f} px off"
    middle, most = np.median(apart) * height, apart.max() * height
    return f"{len(data.pairs)} swaps, joints {middle:.1f} px apart (median), {most:.1f} at most"


def momi_lib_loads_it(data: DataSet) -> str:
    """As any folder in Market-1501's layout, with labels."""
    from momi_lib.data import load, load_truth

    sizes = []
    for split in ("train", "gallery", "query", "test"):
        people = load(data.folder, split, cache=False)
        assert people.joints is not None and people.masks is not None, f"{split}: no labels were read"
        sizes.append(f"{split} {len(people.files)}")
    if data.pairs:
        sizes.append(f"truth {len(load_truth(data.folder))}")
    return ", ".join(sizes)


CHECKS: tuple[Callable[[DataSet], str], ...] = (
    manifest_names_every_file,
    pictures_are_named_and_labelled_once,
    no_identity_is_in_two_splits,
    cameras_and_queries_suit_retrieval,
    visible_joints_lie_on_the_mask,
    enough_of_everybody_is_seen,
    left_and_right_are_right,
    truth_joints_are_the_targets,
    momi_lib_loads_it,
)
