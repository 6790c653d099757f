"""The contact sheet: people by cameras, joints, part maps, true swaps."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from momi_lib.skeleton import COLOURS, LIMBS
from tools.mannequins.dataset.checks import DataSet
from tools.mannequins.dataset.labels import PALETTE, read_parts

__all__ = ["draw_sheet"]

COLUMNS, PEOPLE, SWAPS = 12, 8, 12
CELL, GAP, QUALITY = (64, 128), 8, 85  # width and height in pixels; white between the blocks; of the JPEG


def draw_sheet(folder: Path) -> bytes:
    """A JPEG file 768 pixels wide: eight people, twelve pictures each; joints; part maps; true swaps."""
    data = DataSet(folder, complete=False)
    people = _shown(data)
    rows = [np.concatenate(_padded([_read(folder, row["file"]) for row in person]), 1) for person in people]
    labelled = [row for person in people for row in person[:3]][: COLUMNS // 2]
    joints = [_joints(data, row["file"]) for row in labelled]
    parts = [_parts(folder, row) for row in labelled]
    blocks = [np.concatenate(rows), _wide(joints + parts)]
    if data.pairs:
        blocks.append(_swaps(data))
    gap = np.full((GAP, COLUMNS * CELL[0], 3), 255, np.uint8)
    sheet = np.concatenate([piece for block in blocks for piece in (block, gap)][:-1])
    done, jpeg = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    if not done:
        raise RuntimeError("OpenCV cannot write JPEG here: reinstall opencv-python-headless.")
    return jpeg.tobytes()


def shown_people(folder: Path) -> list[int]:
    """Who is on the sheet, by row."""
    return [person[0]["person"] for person in _shown(DataSet(folder, complete=False))]


def _shown(data: DataSet) -> list[list[dict]]:
    """Evenly spread people with their first pictures, sorted by camera."""
    by_person: dict[int, list[dict]] = {}
    for row in data.scenes.values():
        by_person.setdefault(row["person"], []).append(row)
    numbers = sorted(by_person)
    chosen = [numbers[i] for i in np.unique(np.linspace(0, len(numbers) - 1, min(PEOPLE, len(numbers))).astype(int))]
    return [sorted(by_person[number][:COLUMNS], key=lambda row: row["scene"]["camera"]) for number in chosen]


def _read(folder: Path, file: str) -> np.ndarray:
    return cv2.imread(str(folder / file))


def _padded(cells: list[np.ndarray]) -> list[np.ndarray]:
    return cells + [np.full_like(cells[0], 255)] * (COLUMNS - len(cells))


def _wide(cells: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(_padded(cells), 1)


def _joints(data: DataSet, file: str, zoom: int = 4) -> np.ndarray:
    """The picture with limbs, dots where a joint is visible and rings where it is hidden."""
    name = "train" if file in data.files["train"] else "test"
    joints = data.joints[name][data.files[name].index(file)]
    picture = cv2.resize(_read(data.folder, file), None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    places = [tuple(map(int, place)) for place in np.rint((joints[:, :2] + 0.5) * zoom)]
    for first, second in LIMBS:
        if joints[first, 2] and joints[second, 2]:
            cv2.line(picture, places[first], places[second], (60, 220, 60), 2, cv2.LINE_AA)
    for place, (_, _, seen), colour in zip(places, joints, COLOURS, strict=True):
        if seen:
            bgr = tuple(int(colour[start : start + 2], 16) for start in (5, 3, 1))
            cv2.circle(picture, place, 7, bgr, -1 if seen == 2 else 2, cv2.LINE_AA)
    return cv2.resize(picture, CELL, interpolation=cv2.INTER_AREA)


def _parts(folder: Path, row: dict) -> np.ndarray:
    colours = np.array(PALETTE, np.uint8)[:, ::-1]
    return colours[read_parts(folder, row["person"], row["scene"]["index"])]


def _swaps(data: DataSet) -> np.ndarray:
    """Source, target, truth; four triples a row."""
    step = max(len(data.pairs) // SWAPS, 1)
    cells = [_read(data.folder, pair[key]) for pair in data.pairs[::step][:SWAPS] for key in ("from", "to", "picture")]
    return np.concatenate([_wide(cells[start : start + COLUMNS]) for start in range(0, len(cells), COLUMNS)])
