"""Figures of a written data set, read from its files alone: what the card states and nothing else.

`python -m tools.mannequins card FOLDER` writes them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from momi_lib.data.names import parse_name
from momi_lib.data.records import FOLDERS
from momi_lib.skeleton import JOINTS
from tools.mannequins.dataset.checks import DataSet

__all__ = ["MARKET_1501", "FolderFigures", "Statistics", "statistics_of"]

#: What Zheng et al. (2015), "Scalable person re-identification: a benchmark", state of Market-1501.
MARKET_1501 = {
    "identities": "1,501 (751 and 750)",
    "cameras": "6",
    "cameras that see one identity": "2 to 6",
    "`bounding_box_train`": "12,936",
    "`bounding_box_test`": "19,732, with junk and distractors",
    "`query`": "3,368, at most one of an identity and a camera",
    "size of a picture": "128 × 64",
}
QUARTER = np.pi / 4


@dataclass(frozen=True)
class FolderFigures:
    """Of one folder of pictures; ranges are (mean, least, most)."""

    identities: int
    pictures: int
    each: tuple[float, float, float]
    cameras: tuple[int, ...]
    bytes: tuple[float, float, float]
    visible: tuple[float, float, float]
    mask: tuple[float, float, float]

    def row(self, name: str) -> str:
        """A row of the card's table."""
        each = _range(self.each, 1) if self.identities else "–"
        cameras = " · ".join(map(str, self.cameras)) if self.cameras else "–"
        people = self.identities or "–"
        return (
            f"| `{name}` | {people} | {self.pictures:,} | {each} | {cameras} | {_range(self.bytes)} "
            f"| {_range(self.visible, 1)} | {_range(tuple(100 * share for share in self.mask))} |"
        )


@dataclass(frozen=True)
class Statistics:
    """All figures of the card. Shares are 0 to 1; counters go from what to how many pictures (or people).

    Attributes:
        folders: by name; cameras_each: cameras that see an identity, (mean, least, most).
        sizes: bytes of pictures, annotations, part maps, other files.
        seen: shares of joints outside, hidden, visible; joints: share of pictures in which each joint is visible.
        front, back: shares of people turned to and from the camera by less than 45°.
        cut: share of pictures with a joint outside; redrawn: scenes refused.
        kinds, obstacles: of pictures; wardrobe: attribute → counter of people.
        same_camera: pairs of true swaps with one camera.
    """

    folders: dict[str, FolderFigures]
    cameras_each: tuple[float, float, float]
    sizes: dict[str, int]
    seen: tuple[float, float, float]
    joints: dict[str, float]
    front: float
    back: float
    cut: float
    redrawn: int
    kinds: Counter
    obstacles: Counter
    wardrobe: dict[str, Counter]
    same_camera: int
    swaps: int
    seed: int
    tools: dict[str, str]


def statistics_of(folder: Path) -> Statistics:
    """Read them. The manifest need not be there yet."""
    data = DataSet(folder, complete=False)
    rows = list(data.scenes.values())
    joints = np.concatenate([data.joints["train"], data.joints["test"]])[..., 2]
    facing = np.array([_facing(row["scene"]) for row in rows])
    cameras = defaultdict(set)
    for row in rows:
        cameras[row["person"]].add(row["scene"]["camera"])
    folders = {name: _folder(data, name) for name in FOLDERS}
    if data.pairs:
        folders["truth"] = _folder(data, "truth")
    wardrobe = {
        name: Counter(row[name] for row in data.attributes)
        for name in ("top", "outer", "bottom", "hair", "headwear", "bag", "shoes", "glasses")
    }
    info = data.coco["train"]["info"]
    return Statistics(
        folders=folders,
        cameras_each=_figures([len(each) for each in cameras.values()]),
        sizes=_sizes(folder),
        seen=tuple(float((joints == state).mean()) for state in (0, 1, 2)),
        joints={name: float((joints[:, index] == 2).mean()) for index, name in enumerate(JOINTS)},
        front=float((facing > np.cos(QUARTER)).mean()),
        back=float((facing < -np.cos(QUARTER)).mean()),
        cut=float((joints == 0).any(1).mean()),
        redrawn=sum(row["attempt"] for row in rows),
        kinds=Counter(row["scene"]["kind"] for row in rows),
        obstacles=Counter(row["scene"]["obstacle"]["kind"] for row in rows if row["scene"]["obstacle"]),
        wardrobe=wardrobe,
        same_camera=sum(parse_name(Path(p["from"]).name)[1] == parse_name(Path(p["to"]).name)[1] for p in data.pairs),
        swaps=len(data.pairs),
        seed=info["seed"],
        tools=info["tools"],
    )


def _folder(data: DataSet, name: str) -> FolderFigures:
    labels = "train" if name == "bounding_box_train" else "truth" if name == "truth" else "test"
    index = [i for i, file in enumerate(data.files[labels]) if file.startswith(f"{name}/")]
    files = [data.files[labels][i] for i in index]
    named = [] if name == "truth" else [parse_name(Path(file).name) for file in files]
    people = Counter(person for person, _ in named)
    cameras = Counter(camera for _, camera in named)
    return FolderFigures(
        identities=len(people),
        pictures=len(files),
        each=_figures(list(people.values()) or [0]),
        cameras=tuple(cameras[number] for number in range(1, 7)) if named else (),
        bytes=_figures([(data.folder / file).stat().st_size for file in files]),
        visible=_figures((data.joints[labels][index, :, 2] == 2).sum(1)),
        mask=_figures(data.masks[labels][index].mean((1, 2))),
    )


def _facing(scene: dict) -> float:
    """Cosine of the angle between where a person faces and where the camera stands."""
    x, y = scene["x"], scene["y"]
    return float(-(np.sin(scene["yaw"]) * x - np.cos(scene["yaw"]) * y) / np.hypot(x, y))


def _sizes(folder: Path) -> dict[str, int]:
    sizes: dict[str, int] = defaultdict(int)
    written_after = ("README.md", "manifest.json", "sheet.jpg")  # the card cannot know its own size
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and path.name not in written_after and not any(part.startswith(".") for part in inside):
            kind = "pictures" if path.suffix == ".jpg" else inside[0]
            kind = kind if kind in ("pictures", "annotations", "parts", "dense") else "other files"
            sizes[kind] += path.stat().st_size
    return dict(sizes)


def _figures(values: object) -> tuple[float, float, float]:
    values = np.asarray(values, float)
    return float(values.mean()), float(values.min()), float(values.max())


def _range(figures: tuple[float, ...], digits: int = 0) -> str:
    mean, least, most = figures
    return f"{mean:,.{digits}f} ({least:,.0f} to {most:,.0f})"
