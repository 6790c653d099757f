"""The series: number, title, file and time of every notebook, in one place.

`start` prints the title from here, notebook 00 draws its map from here, and a test compares it with the
files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from momi_lib.evaluate.markdown import table as write_table

__all__ = ["SERIES", "Entry", "Number", "key", "table"]

#: Of a lesson: 4, or "4b" for an optional lesson after it.
Number = int | str


def key(number: Number) -> str:
    """The number as files begin with it, two digits and perhaps a letter.

    >>> key(4), key("4b"), key(12)
    ('04', '04b', '12')
    """
    digits, letter = re.fullmatch(r"0*(\d+)([a-z]?)", str(number)).groups()  # type: ignore[union-attr]
    return f"{int(digits):02d}{letter}"


@dataclass(frozen=True)
class Entry:
    """One notebook. `minutes` is the time to run it, rounded: (quick, full), measured by ``tools/notebooks/run.py``.

    >>> Entry(3, "Two words", "03_two_words.ipynb", "what it shows", (1, 2)).heading
    '3 · Two words'
    """

    number: Number
    title: str
    file: str
    promise: str
    minutes: tuple[float, float]

    @property
    def heading(self) -> str:
        """The text of the notebook's H1."""
        return f"{self.number} · {self.title}"


SERIES: tuple[Entry, ...] = (
    Entry(0, "Check your setup", "00_check_your_setup.ipynb", "all is in place, and you know where to go", (0.1, 0.1)),
    Entry(1, "People and triplets", "01_people_and_triplets.ipynb", "a folder becomes x, x⁺ and x⁻", (0.3, 0.3)),
    Entry(2, "A teacher and a student", "02_teacher_and_student.ipynb", "heatmaps, and Eq. 1", (0.2, 2)),
    Entry(3, "Gaussian reprojection", "03_gaussian_reprojection.ipynb", "heatmaps become the pose p", (0.2, 0.2)),
    Entry(4, "Pose attention", "04_pose_attention.ipynb", "φ refines the appearance by the pose: Eq. 2", (0.3, 0.8)),
    Entry("4b", "The lookup", "04b_lookup.ipynb", "the target looks up a sleeve: not in the paper", (0.3, 0.8)),
    Entry(5, "Encoders and generator", "05_encoders_and_generator.ipynb", "codes become pictures: Eq. 3, 4", (0.3, 1)),
    Entry(6, "Skeleton patches", "06_skeleton_patches.ipynb", "RoI Align around each joint: Eq. 6", (0.2, 0.2)),
    Entry(7, "Training the whole", "07_training_the_whole.ipynb", "Eq. 5, Eq. 7 and the loop", (0.8, 2)),
    Entry(8, "Anyone in any pose", "08_anyone_in_any_pose.ipynb", "swap, explore and judge", (0.4, 0.4)),
    Entry(9, "Scores and how they are fooled", "09_scores.ipynb", "what Table I can and cannot see", (0.5, 1)),
    Entry(10, "Ablations and γ", "10_ablations.ipynb", "what each part adds, and how to know", (0.2, 0.2)),
    Entry(11, "Rivals", "11_rivals.ipynb", "four other methods, the same people and judges", (0.7, 4)),
    Entry(12, "Carry, don't repaint", "12_carry_dont_repaint.ipynb", "fetch what the source shows", (0.4, 0.4)),
)


def table() -> str:
    """The series as a Markdown table with links, as seen from the folder of the notebooks.

    >>> print(table().splitlines()[2])
    | [0 · Check your setup](00_check_your_setup.ipynb) | all is in place, and you know where to go | 0.1 | 0.1 |
    """
    titles = ["notebook", "what it is about", "minutes, quick", "minutes, full"]
    rows = [[f"[{entry.heading}]({entry.file})", entry.promise, *(f"{each:g}" for each in entry.minutes)]
            for entry in SERIES]  # fmt: skip
    return "\n".join(write_table(titles, rows))
