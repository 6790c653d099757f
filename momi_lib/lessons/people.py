"""Whose pictures a lesson shows: those of $MOMI_DATA; or, in their place, the mannequins, which a printed line says.

Nobody knows the joints, the masks or the true swaps of photographs. A section that needs them asks for them here, and
gets the mannequins' where the learner's folder has none. On the embedded set nothing is printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from momi_lib.data import People, Truth, data_folder, load, load_truth, to_float
from momi_lib.data.records import EMBEDDED

__all__ = ["LEAST", "PeopleOfALesson", "are_mannequins"]

#: How many persons the lessons need in each split of a folder that is not the embedded one.
LEAST = {"train": 8, "gallery": 2, "query": 2, "test": 4}
CHUNK = 32  # pictures that the student looks at together


def are_mannequins(people: People | Truth) -> bool:
    """Whether people, or the people of true swaps, are those of the embedded data set.

    >>> from momi_lib.data import load
    >>> are_mannequins(load(EMBEDDED, "query"))
    True
    """
    return _is_embedded((people.people if isinstance(people, Truth) else people).folder)


def _is_embedded(folder: Path) -> bool:
    return folder.resolve() == EMBEDDED.resolve()


class PeopleOfALesson:
    """What a :class:`momi_lib.lessons.Lesson` knows of people, whoever's pictures $MOMI_DATA names."""

    def data(self, split: str = "train", *, labels: bool = False, **options: Any) -> People:
        """The people of $MOMI_DATA or of the embedded set.

        Args:
            split: as for :func:`momi_lib.data.load`.
            labels: the joints and masks are needed: where the folder has none, take the mannequins and say so.
            options: as for :func:`momi_lib.data.load`.

        Raises:
            ValueError: a folder with fewer people than the lessons need, see :data:`LEAST`.
            and as :func:`momi_lib.data.load` does.

        >>> from momi_lib.lessons import start
        >>> start(0).data("query")  # doctest: +ELLIPSIS
        Lesson 0 ...
        People('query' of ...
        """
        folder = data_folder()
        if labels and not _is_embedded(folder):
            # Looked for first: a folder without labels may hold 20,000 pictures, which need not be decoded for this.
            name = "train" if split == "train" else "test"
            there = (folder / "annotations" / f"{name}.json").is_file()
            people = load(folder, split, **options) if there else None
            if people is None or people.joints is None or people.masks is None:
                return load(self.mannequins("joints and masks"), split, **options)
        else:
            people = load(folder, split, **options)
        count, least = len(people.identities), LEAST.get(split, 1)
        if count < least and not _is_embedded(folder):
            raise ValueError(
                f"MOMI_DATA: {folder} has {count} person{'s' * (count != 1)} in its split {split!r}, and the lessons "
                f"need {least}; add pictures of others, or unset MOMI_DATA to use the mannequins"
            )
        return people

    def truth(self) -> Truth:
        """The true swaps of $MOMI_DATA; where it has none, the mannequins', which a line says.

        Raises as :func:`momi_lib.data.load_truth` does for a table that does not fit.

        >>> from momi_lib.lessons import start
        >>> start(0).truth()  # doctest: +ELLIPSIS
        Lesson 0 ...
        Truth(...
        """
        folder = data_folder()
        if _is_embedded(folder) or (folder / "truth" / "pairs.csv").is_file():
            return load_truth(folder)
        return load_truth(self.mannequins("true swaps"))

    def mannequins(self, known: str) -> Path:
        """The embedded data set's folder; where $MOMI_DATA names another one, a line says that it is not shown.

        Args:
            known: what is known of the mannequins and not of other people, such as "joints and masks".

        >>> from momi_lib.lessons import start
        >>> start(0).mannequins("joints").name  # doctest: +ELLIPSIS
        Lesson 0 ...
        'mannequins'
        """
        folder = data_folder()
        if not _is_embedded(folder):
            print(f"· Shown here are the mannequins, whose {known} are known, and not the people of {folder.name}.")
        return EMBEDDED

    def landmarks(self, people: People) -> tuple[Tensor, Tensor]:
        """Where the joints are: labelled, or else found by the student of the weights `lookup`, which a line says.

        Args:
            people: N of them.

        Returns:
            (x, y) in pixels (N, 17, 2), and (N, 17) bool, which of them lie in the picture or were found.

        >>> from momi_lib.data import load
        >>> joints, there = PeopleOfALesson().landmarks(load(EMBEDDED, "query").select([0, 1]))
        >>> joints.shape, there.dtype
        (torch.Size([2, 17, 2]), torch.bool)
        """
        if people.joints is not None and people.visibility is not None:
            return people.joints, people.visibility > 0
        from momi_lib.translate import load_network

        print(f"· Nobody knows the joints of {people.folder.name}: the landmarks are those that the student finds.")
        network = load_network("lookup")
        with torch.no_grad():
            found = [network.pose(to_float(part)) for part in people.pictures.split(CHUNK)]
        return torch.cat([pose.landmarks for pose in found]), torch.cat([pose.valid for pose in found])

    def some(self, people: People, indices: Iterable[int]) -> list[int]:
        """These pictures of the mannequins; of other people as many others: of evenly spaced persons, if there are.

        Args:
            people: whose pictures.
            indices: which of the mannequins' pictures a lesson shows.

        >>> from momi_lib.data import load
        >>> PeopleOfALesson().some(load(EMBEDDED, "query"), [77, 9])
        [77, 9]
        """
        asked = list(indices)
        if are_mannequins(people):
            return asked
        firsts = [int((people.persons == person).nonzero()[0, 0]) for person in people.identities]
        there = firsts if len(firsts) >= len(asked) else list(range(len(people)))
        count = min(len(asked), len(there))
        return [there[place * len(there) // count] for place in range(count)]

    def twice(self, people: People, *persons: int) -> list[int]:
        """Two pictures each of these mannequins, one after the other; of other people, of as many others.

        Args:
            people: whose pictures.
            persons: which of the mannequins a lesson shows.

        Raises:
            ValueError: too few of the people have two pictures.

        >>> from momi_lib.data import load
        >>> PeopleOfALesson().twice(load(EMBEDDED, "query"), 340, 304)
        [75, 76, 8, 9]
        """
        everyone = persons if are_mannequins(people) else people.identities.tolist()
        theirs = [(people.persons == person).nonzero()[:, 0].tolist() for person in everyone]
        able = [pictures for pictures in theirs if len(pictures) > 1][: len(persons)]
        if len(able) < len(persons):
            raise ValueError(
                f"{people.folder}: {len(able)} of the persons in its split {people.split!r} have two pictures, and "
                f"this lesson needs {len(persons)}; add pictures, or unset MOMI_DATA to use the mannequins"
            )
        return [index for pictures in able for index in (pictures[0], pictures[-1])]
