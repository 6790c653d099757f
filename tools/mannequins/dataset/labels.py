"""Labels as files: COCO keypoints with masks, part maps, identity attributes, canonical maps, scenes.

`momi_lib.data.load` reads the COCO files as those of any other data set. The rest:

- `parts/0001.png`: the part maps of person 1's pictures, one below the other in the order of their numbers; the value
  of a pixel is `Part` + 1, 0 for everything else;
- `attributes.csv`: a row a person;
- `scenes.jsonl.gz`: a line a picture, enough to render it again with anybody in it;
- `dense/0001.npz` (on demand): for each picture of person 1 an array (128, 64, 3) float16 named as its file, the place
  on the standing reference body in metres, NaN where no body or cloth is seen.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from momi_lib.skeleton import JOINTS
from tools.mannequins.body.attributes import Attributes
from tools.mannequins.dataset.truth import Taken
from tools.mannequins.photograph.picture import Picture
from tools.mannequins.photograph.scene import Scene

__all__ = [
    "annotation",
    "attributes_csv",
    "coco",
    "dense_npz",
    "parts_png",
    "read_attributes",
    "read_dense",
    "read_parts",
    "read_scenes",
    "scenes_gz",
]

# COCO's own order and numbering (from 1) of limbs.
SKELETON = [
    [16, 14], [14, 12], [17, 15], [15, 13], [12, 13], [6, 12], [7, 13], [6, 7], [6, 8], [7, 9], [8, 10], [9, 11],
    [2, 3], [1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7],
]  # fmt: skip
LICENCE = {"id": 1, "name": "CC0 1.0 Universal", "url": "https://creativecommons.org/publicdomain/zero/1.0/"}
TOOLS = ("anny", "moderngl", "opencv-python-headless", "numpy", "scipy")
# Colours of the part maps when shown as pictures: left warm, right cool, as the joints are.
PALETTE = (
    (0, 0, 0), (190, 190, 190), (255, 224, 189), (221, 61, 8), (28, 107, 176), (239, 90, 17), (66, 146, 198),
    (254, 153, 44), (116, 188, 216), (122, 4, 3), (8, 48, 107), (161, 18, 1), (8, 81, 156), (251, 185, 56),
    (147, 209, 221), (225, 190, 160), (90, 160, 90),
)  # fmt: skip


def annotation(picture: Picture) -> dict:
    """COCO's entry of a picture, without its numbers: keypoints, bbox, area and run-length mask of the person."""
    height, width = picture.mask.shape
    keypoints: list[float] = []
    for (x, y), seen in zip(picture.joints, picture.visibility, strict=True):
        if seen:  # clipped after rounding, so that a joint in the last pixel stays in it
            x, y = (float(np.clip(round(float(v), 2), -0.5, s - 0.51)) for v, s in ((x, width), (y, height)))
            keypoints += [x, y, int(seen)]
        else:
            keypoints += [0, 0, 0]
    rows, columns = np.flatnonzero(picture.mask.any(1)), np.flatnonzero(picture.mask.any(0))
    left, top = int(columns[0]), int(rows[0])
    return {
        "keypoints": keypoints,
        "num_keypoints": int((picture.visibility > 0).sum()),
        "bbox": [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1],
        "area": int(picture.mask.sum()),
        "segmentation": _run_lengths(picture.mask),
    }


def _run_lengths(mask: np.ndarray) -> dict:
    """COCO's uncompressed run-length code, as momi_lib.data.labels.encode_mask, which needs torch, makes it."""
    flat = mask.T.ravel()
    changes = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return {"size": list(mask.shape), "counts": [0, *runs] if flat[0] else runs}


def coco(what: str, files: Sequence[str], annotations: Sequence[dict], seed: int, size: tuple[int, int]) -> bytes:
    """A COCO keypoints file; `what` says whose pictures these are. No date: the same run gives the same bytes."""
    info = {
        "description": f"Mannequins: rendered people, {what}",
        "version": "2",
        "coordinates": "x to the right and y down in pixels, pixel centres at integers, (0, 0) in the top left pixel",
        "visibility": "0: outside the picture (x = y = 0); 1: inside the picture but hidden; 2: visible",
        "seed": seed,
        "tools": {name: version(name) for name in TOOLS},
    }
    category = {
        "id": 1, "name": "person", "supercategory": "person", "keypoints": list(JOINTS), "skeleton": SKELETON,
    }  # fmt: skip
    images = [
        {"id": number, "file_name": file, "width": size[1], "height": size[0], "license": 1}
        for number, file in enumerate(files, start=1)
    ]
    entries = [
        {"id": number, "image_id": number, "category_id": 1, "iscrowd": 0, **entry}
        for number, entry in enumerate(annotations, start=1)
    ]
    content = {"info": info, "licenses": [LICENCE], "categories": [category], "images": images, "annotations": entries}
    return (json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def parts_png(parts: Sequence[np.ndarray]) -> bytes:
    """Part maps (H, W) of one person's pictures as one PNG with a palette."""
    sheet = Image.fromarray(np.concatenate(list(parts)), mode="P")
    sheet.putpalette([value for colour in PALETTE for value in colour])
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def read_parts(folder: Path, person: int, index: int, height: int = 128) -> np.ndarray:
    """The part map (H, W) of a person's picture number `index` (`scenes.jsonl.gz` has it), `Part` + 1, 0 elsewhere."""
    with Image.open(folder / "parts" / f"{person:04d}.png") as sheet:
        return np.asarray(sheet)[index * height : (index + 1) * height]


def dense_npz(maps: Mapping[str, np.ndarray]) -> bytes:
    """Canonical maps (H, W, 3) by file stem."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: places.astype(np.float16) for name, places in maps.items()})
    return buffer.getvalue()


def read_dense(folder: Path, file: str) -> np.ndarray:
    """The canonical map (H, W, 3) float16 of a picture; only where it was made with `--dense`."""
    stem = Path(file).stem
    with np.load(folder / "dense" / f"{stem[:4]}.npz") as maps:
        return maps[stem]


def attributes_csv(people: Sequence[tuple[int, int, str, Attributes]]) -> bytes:
    """Rows of (person, identity, split, attributes)."""
    text = io.StringIO()
    rows = [
        {"person": person, "identity": identity, "split": split, **attributes.to_row()}
        for person, identity, split, attributes in people
    ]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def read_attributes(folder: Path) -> dict[int, Attributes]:
    """Attributes by person."""
    with open(folder / "attributes.csv", newline="", encoding="utf-8") as file:
        return {int(row["person"]): Attributes.from_row(row) for row in csv.DictReader(file)}


def scene_line(taken: Taken) -> dict:
    """All that is needed to take a picture again."""
    row = asdict(taken)
    names = ("file", "person", "identity", "attempt", "crop", "height", "scene")
    return {name: row[name] for name in names}


def scenes_gz(taken: Sequence[Taken]) -> bytes:
    """One JSON line a picture, compressed, without a date."""
    text = "".join(json.dumps(scene_line(each), separators=(",", ":")) + "\n" for each in taken)
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def taken_from(row: Mapping) -> Taken:
    """The inverse of `scene_line`."""
    scene = Scene.from_json(json.dumps(row["scene"]))
    return Taken(row["file"], row["person"], row["identity"], scene, tuple(row["crop"]), row["height"], row["attempt"])


def read_scenes(folder: Path) -> list[Taken]:
    """What `scenes.jsonl.gz` says, in its order."""
    with gzip.open(folder / "scenes.jsonl.gz", "rt", encoding="utf-8") as file:
        return [taken_from(json.loads(line)) for line in file]
