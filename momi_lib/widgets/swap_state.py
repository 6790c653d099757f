"""One swap with everything that leads to it, for the explorer: pictures in, a State out, no widgets."""

from __future__ import annotations

import copy
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from momi_lib.data import Truth, load, load_truth, mirror_joints, mirror_pictures, to_float
from momi_lib.metrics import masked_l1, masked_ssim
from momi_lib.pose import Teacher, decode, load_teacher
from momi_lib.rivals.weights import load_answer
from momi_lib.translate import MomiNet
from momi_lib.translate.swaps import Swaps, checked_method, usual_background
from momi_lib.widgets.other_studios import studio_of, title_of
from momi_lib.widgets.session import Draws, Limits, Person
from momi_lib.widgets.skeleton_edit import Way, between

__all__ = ["BACKGROUNDS", "State", "Swapper", "choice"]

MOST = 400  # pictures to choose from; a browser draws more of them only slowly
REMEMBERED = 64  # people whose appearance is kept
#: What may stand behind the drawn person: name → what a menu and a sentence say of it.
BACKGROUNDS = {
    "target": ("the target's street", "in front of the target's street"),
    "source": ("the source's street", "in front of the source's street"),
    "grey": ("plain grey", "in front of plain grey"),
    "drawn": ("as drawn by the network", "in front of a street that the network draws"),
}

Pose = tuple[Tensor, Tensor]  # landmarks (17, 2) in pixels and valid (17,)


@dataclass(frozen=True)
class State:
    """A swap and what leads to it.

    Attributes:
        source, target: indices into the people; from ``len(people)`` on, pictures that were uploaded.
        mirrored: the target is mirrored.
        landmarks: (2, 17, 2) of the source, and of the pose that is drawn, pixels; None without weights, as are the
            next three.
        valid: (2, 17) bool.
        pose: (H, W), the largest of the 17 pose maps that are drawn.
        swap: (3, H, W) uint8.
        truth: row of the true swaps; None where this pair has no true answer, as are the next two.
        l1, ssim: scores of the swap on the person's pixels.
        edited: the target's pose was changed by hand.
        pose_share: how far from the source's pose (0) to the target's (1).
        look_share: how far from the source's appearance (0) to the target's (1).
        background: one of `BACKGROUNDS`.

    >>> State(3, 8).mirrored
    False
    """

    source: int
    target: int
    mirrored: bool = False
    landmarks: Tensor | None = None
    valid: Tensor | None = None
    pose: Tensor | None = None
    swap: Tensor | None = None
    truth: int | None = None
    l1: float | None = None
    ssim: float | None = None
    edited: bool = False
    pose_share: float = 1.0
    look_share: float = 0.0
    background: str = "drawn"

    @property
    def poses(self) -> tuple[Tensor, Tensor]:
        """``landmarks`` and ``valid`` of a state that has a swap."""
        assert self.landmarks is not None and self.valid is not None  # they come with the swap
        return self.landmarks, self.valid

    @property
    def plain(self) -> bool:
        """Whether this is the swap of two pictures as they are: only that has a true answer."""
        return not (self.mirrored or self.edited) and self.pose_share == 1 and self.look_share == 0


class Swapper:
    """People, true answers where there are any, the network that swaps and the teacher that taught its student.

    Args:
        folder: data folder; None is `$MOMI_DATA` or the embedded mannequins.
        network: what satisfies :class:`momi_lib.translate.swaps.Swaps`, or what
            :func:`momi_lib.rivals.weights.load_answer` takes.
        split: which people.
        teacher: a teacher, or the file of one; None is the mannequins'.

    Raises:
        TypeError: for a network that does not satisfy Swaps, with what it lacks.
        ValueError: for weights that are damaged, and for a rival whose poses are labels.

    Attributes:
        people; truth (None where the folder or split has none); network: a MomiNet (None without weights, and where
        another method swaps); method: whatever swaps (None without weights);
        missing: why there is no network, or an empty string;
        studio: the method at work (None without weights); limits: what the method cannot do;
        backgrounds: those of `BACKGROUNDS` that the network can put behind a person, the usual first;
        answers: (source, target) → row of `truth`.

    >>> from momi_lib.train.presets import preset
    >>> swapper = Swapper(network=MomiNet(preset("tiny").network).eval())
    >>> state = swapper(3, 8)
    >>> tuple(state.swap.shape), tuple(state.landmarks.shape)
    ((3, 128, 64), (2, 17, 2))
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        network: Swaps | str | Path = "small",
        split: str = "test",
        teacher: Teacher | Path | None = None,
    ) -> None:
        self.size: tuple[int, int] = (128, 64)
        self._take(None)
        try:
            self._take(_loaded(network))
        except FileNotFoundError as error:
            self.missing = str(error)
        self.truth: Truth | None = None
        if split == "test":
            try:
                self.truth = load_truth(folder, size=self.size)
            except FileNotFoundError:  # photographs have no true answers
                pass
        self.people = self.truth.people if self.truth else load(folder, split, size=self.size)
        self.answers: dict[tuple[int, int], int] = {}
        if self.truth:
            pairs = zip(self.truth.source.tolist(), self.truth.target.tolist(), strict=True)
            self.answers = {pair: row for row, pair in enumerate(pairs)}
        self._teacher: Teacher | Path | None = teacher
        self._uploaded: list[Tensor] = []

    def _take(self, method: Swaps | None) -> None:
        """Let a method draw; None: there are no weights. Raises ValueError for a rival whose poses are labels."""
        self.method: Swaps | None = method
        self.network: MomiNet | None = method if isinstance(method, MomiNet) else None
        self.studio: Draws | None = None if method is None else studio_of(method)
        self.limits = self.studio.limits if self.studio else Limits()
        self.missing, self.backgrounds = "", ("drawn",)
        self._met: OrderedDict[tuple[int, bool], Person] = OrderedDict()
        self._meeting = threading.Lock()  # an animation is drawn in a thread of its own
        if method is None:
            return
        if self.network is None:
            judge = "Whether a picture can be read is judged by MOMI-Net's student"
            self.missing = f"{judge}; {title_of(method)} has none."
        rows, columns = method.config.size
        self.size = (rows, columns)
        offered, usual = getattr(method, "backgrounds", ("drawn",)), usual_background(method)
        grey = self.network is not None and "target" in offered
        known = [name for name in BACKGROUNDS if name in offered or (name == "grey" and grey)]
        self.backgrounds = tuple(sorted(known, key=lambda name: name != usual)) or ("drawn",)

    def beside(self, network: Swaps | str | Path) -> Swapper:
        """The same people, pictures and true answers with another method; what is added to one is in the other.

        Args:
            network: what satisfies :class:`momi_lib.translate.swaps.Swaps`, or what
                :func:`momi_lib.rivals.weights.load_answer` takes.

        Raises:
            FileNotFoundError: where there are no such weights, with what there is.
            TypeError: for what does not satisfy Swaps, with what it lacks.
            ValueError: for damaged weights, a rival whose poses are labels, or a method of pictures of another size.
        """
        other = copy.copy(self)
        other._take(_loaded(network))
        if other.size != self.size:
            size, own = (" × ".join(map(str, each)) for each in (other.size, self.size))
            raise ValueError(
                f"{title_of(network)}: draws pictures of {size} (its config.size), and these are of {own}; open an "
                "explorer of its own for it"
            )
        return other

    def add(self, picture: Tensor) -> int:
        """Take in a picture (3, H, W) uint8 from outside; its index. It stays in memory and nowhere else."""
        self._uploaded.append(picture)
        return len(self.people) + len(self._uploaded) - 1

    def pixels(self, index: int) -> Tensor:
        """A picture as uint8 (3, H, W)."""
        count = len(self.people)
        return self.people.pictures[index] if index < count else self._uploaded[index - count]

    def picture(self, index: int, mirrored: bool = False) -> Tensor:
        """A picture as float (3, H, W) in [-1, 1]."""
        picture = to_float(self.pixels(index))
        return mirror_pictures(picture) if mirrored else picture

    def pictures(self, state: State) -> tuple[Tensor, Tensor]:
        """Source and target of a state as float (3, H, W) in [-1, 1], the target mirrored if it is to be."""
        return self.picture(state.source), self.picture(state.target, state.mirrored)

    def person(self, index: int, mirrored: bool = False) -> Person:
        """What the network makes of a picture; found once and remembered."""
        if self.studio is None:
            raise FileNotFoundError(self.missing)
        with self._meeting:
            if (index, mirrored) not in self._met:
                self._met[index, mirrored] = self.studio.meet(self.picture(index, mirrored))
                if len(self._met) > REMEMBERED:
                    self._met.popitem(last=False)
            self._met.move_to_end((index, mirrored))
            return self._met[index, mirrored]

    def mirrored(self, pose: Pose) -> Pose:
        """A pose as its mirror image shows it."""
        return mirror_joints(*pose, self.size[1])

    @torch.inference_mode()
    def taught(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The teacher's heatmaps (17, h, w) of a picture (3, H, W), its landmarks (17, 2) and which are valid (17,).

        Raises FileNotFoundError where there is no teacher.
        """
        if not isinstance(self._teacher, Teacher):
            self._teacher = load_teacher(self._teacher)
        heatmaps = self._teacher(picture[None]).float()
        landmarks, confidence = decode(heatmaps, size=self.size)
        threshold = self.network.config.threshold if self.network else 0.2
        return heatmaps[0], landmarks[0], confidence[0] >= threshold

    def __call__(
        self,
        source: int,
        target: int,
        mirrored: bool = False,
        *,
        edited: Pose | None = None,
        pose_share: float = 1.0,
        look_share: float = 0.0,
        background: str | None = None,
        way: Way = "turning",
        quick: bool = False,
    ) -> State:
        """Swap: the person of picture `source` in the pose of picture `target`, or in the pose `edited`.

        `pose_share` below 1 stops on the way there from the source's own pose (`way`: how it goes, see
        :func:`momi_lib.widgets.skeleton_edit.between`), `look_share` above 0 goes towards the target's appearance.
        `background`: one of `backgrounds`, None is the usual one; the mirrored target has a mirrored street.
        `quick`: see :meth:`momi_lib.widgets.session.Studio.draw`.

        Raises ValueError for a background that the network cannot put behind a person, and for a pose or a share of
        which `limits` say that its method cannot draw it.
        """
        background = background or self.backgrounds[0]
        if background not in self.backgrounds:
            raise ValueError(f"background: expected one of {', '.join(self.backgrounds)}, got {background!r}")
        asked = {"edited": edited is not None or pose_share != 1, "look_share": look_share != 0}
        for name, why in (("edited", self.limits.pose), ("look_share", self.limits.look)):
            if why and asked[name]:
                raise ValueError(f"{name}: {why}; leave it out")
        state = State(source, target, mirrored, None, None, edited=edited is not None)
        state = replace(state, pose_share=float(pose_share), look_share=float(look_share), background=background)
        if self.studio is None:
            return state
        person, other = self.person(source), self.person(target, mirrored)
        end = edited or (other.landmarks, other.valid)
        landmarks, valid = between((person.landmarks, person.valid), end, state.pose_share, way=way)
        behind = self.studio.behind(background, person, other)
        options = {"other": other, "share": state.look_share, "quick": quick}
        drawn = self.studio.draw(person, landmarks, valid, behind, **options)
        state = replace(
            state,
            landmarks=torch.stack([person.landmarks, landmarks]),
            valid=torch.stack([person.valid, valid]),
            pose=drawn.pose,
            swap=drawn.picture,
        )
        row = self.answers.get((source, target))
        if row is None or self.truth is None or not state.plain:  # a mirrored answer would be lit from the wrong side
            return state
        judged = drawn.picture[None], self.truth.pictures[row][None], self.truth.masks[row][None]
        return replace(state, truth=row, l1=float(masked_l1(*judged)), ssim=float(masked_ssim(*judged)))


def _loaded(network: Swaps | str | Path) -> Swaps:
    """A method, or that of a name or file; raises as :meth:`Swapper.beside`."""
    return load_answer(network) if isinstance(network, str | Path) else checked_method(network)


def choice(swapper: Swapper, pictures: Sequence[int] | None = None) -> list[int]:
    """Indices to choose from: those asked for, or all, or at most `MOST`.

    Where there are more, those of evenly spaced pairs that have a true answer, or else evenly spaced ones.

    Raises ValueError for `pictures` that are not at least two indices of the people.
    """
    count = len(swapper.people)
    if pictures is None:
        pairs = list(swapper.answers)
        if count > MOST and pairs:
            some = ({index for pair in pairs[::step] for index in pair} for step in range(1, len(pairs) + 1))
            return sorted(next(chosen for chosen in some if len(chosen) <= MOST))
        step = max(1.0, count / MOST)
        return [int(place * step) for place in range(min(count, MOST))]
    chosen = sorted({int(index) for index in pictures})
    if len(chosen) < 2 or chosen[0] < 0 or chosen[-1] >= count:
        expected = f"at least two indices from 0 to {count - 1}"
        raise ValueError(f"pictures: expected {expected}, got {list(pictures)!r}")
    return chosen
