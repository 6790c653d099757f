"""Draw the idea of every lesson: ``python -m tools.figures.ideas``; with ``--check`` say which files are out of date.

The figures lie in ``momi_lib/lessons/figures/ideas`` and are shown by :func:`momi_lib.lessons.figures.ideas.show_idea`.
The kit that draws them is in :mod:`tools.figures.svg` and :mod:`tools.figures.people`, the figures themselves in
:mod:`tools.figures.poses` (lessons 0 to 3), :mod:`tools.figures.drawing` (4 to 7) and :mod:`tools.figures.judging`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tyro

from momi_lib.files import write_atomically
from momi_lib.lessons.figures.ideas import WORDS
from tools.figures import drawing, judging, poses
from tools.figures.svg import Drawing

FOLDER = Path(__file__).resolve().parents[2] / "momi_lib/lessons/figures/ideas"
WIDTH = 900


@dataclass(frozen=True)
class Idea:
    """One figure: what draws it, how high it is, and its title."""

    draw: Callable[[Drawing], None]
    height: int
    title: str


IDEAS: dict[str, Idea] = {
    "00": Idea(poses.whole, 380, "Two pictures in, one out"),
    "01": Idea(poses.triplets, 376, "File names and triplets"),
    "02": Idea(poses.teacher, 372, "A student copies a teacher's heatmaps"),
    "03": Idea(poses.reprojection, 344, "From a heatmap to a point to a clean Gaussian"),
    "04": Idea(drawing.attention, 380, "The pose decides where features are added"),
    "04b": Idea(drawing.lookup, 360, "A place of the target looks up its appearance in the source"),
    "05": Idea(drawing.generator, 370, "Two codes become a picture"),
    "06": Idea(drawing.patches, 360, "The same joints of two poses are compared"),
    "07": Idea(drawing.training, 376, "One step of training"),
    "08": Idea(judging.anyone, 386, "Any person in any pose"),
    "09": Idea(judging.scores, 360, "Clouds of features, and how they deceive"),
    "10": Idea(judging.ablations, 376, "The same difference, different evidence"),
    "11": Idea(judging.rivals, 350, "Who is given what"),
    "12": Idea(judging.carrying, 360, "The same point of the body shows the same cloth"),
}


@cache
def figure(key: str) -> str:
    """One figure as SVG."""
    drawn = Drawing(key, WIDTH, IDEAS[key].height, IDEAS[key].title, WORDS[key])
    IDEAS[key].draw(drawn)
    return drawn.svg()


def main(folder: Path = FOLDER, check: bool = False) -> int:
    """Write every figure, or with ``check`` say which files are out of date; the number of those."""
    stale = 0
    for key in IDEAS:
        path, new = folder / f"{key}.svg", figure(key).encode()
        if path.is_file() and path.read_bytes() == new:
            continue
        stale += 1
        if check:
            print(f"{path}: out of date, run python -m tools.figures.ideas")
        else:
            write_atomically(path, lambda file, new=new: file.write(new))
            print(f"{path}: written, {len(new):,} bytes")
    return stale if check else 0


if __name__ == "__main__":
    sys.exit(min(1, tyro.cli(main, description=__doc__)))
