"""Other methods than MOMI-Net at work for the explorer: pose-guided ones, and those that are given pictures alone."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from momi_lib.data import to_float, to_uint8
from momi_lib.devices import multiplies_bf16
from momi_lib.pose import default_sigma, gaussian_maps
from momi_lib.rivals.base import Landmarks
from momi_lib.rivals.methods import TITLES
from momi_lib.rivals.posed import FoundPoses, LabelledPoses, Posed
from momi_lib.rivals.weights import answer_names, name_of_teacher, split_name
from momi_lib.skeleton import JOINTS
from momi_lib.translate import MomiNet
from momi_lib.translate.network import Pose
from momi_lib.translate.swaps import Swaps, device_of, swap_pictures, usual_background
from momi_lib.widgets.known_answers import Copy
from momi_lib.widgets.session import Drawn, Draws, Limits, Person, Studio

__all__ = ["PicturesStudio", "PosedStudio", "studio_of", "title_of"]


def title_of(answer: Swaps | str | Path) -> str:
    """What a menu and a sentence call a method, or the weights of a name or file, which are not loaded for it.

    >>> title_of("small"), title_of("pg2@student"), title_of("runs/long.safetensors")
    ('MOMI-Net (small)', 'PG² (poses of the student)', 'runs/long.safetensors')
    """
    if isinstance(answer, str | Path):
        try:
            text, poses = split_name(answer)
        except ValueError:  # what is wrong with the name is said when it is asked for
            return str(answer)
        try:
            name = answer_names([text])[0]
        except FileNotFoundError:
            name = text
        if name.startswith("momi-"):
            return f"MOMI-Net ({name.removeprefix('momi-')})"
        whose = {None: "", "joints": " (labelled poses)", "canonical": " (canonical poses)"}
        finder = name_of_teacher(poses) if isinstance(poses, Path) else f"the {poses}"
        return TITLES.get(name, name) + whose.get(poses, f" (poses of {finder})")
    if isinstance(answer, MomiNet):
        return "MOMI-Net"
    known: Any = answer.rival if isinstance(answer, Posed) else answer
    name = getattr(known, "method", None) or getattr(known, "name", None)
    name = name if isinstance(name, str) else type(known).__name__
    return TITLES.get(name, name)


def studio_of(method: Swaps) -> Draws:
    """The studio in which a method works.

    Raises:
        ValueError: for a pose-guided method whose poses are the labels of a data set.

    >>> from momi_lib.rivals.methods import method
    >>> type(studio_of(method("dg-net").network(method("dg-net").presets["small"]).eval())).__name__
    'PicturesStudio'
    """
    if isinstance(method, MomiNet):
        return Studio(method)
    return PosedStudio(method) if isinstance(method, Posed) else PicturesStudio(method)


class PosedStudio:
    """A pose-guided method at work: its pose network finds the joints, and it draws a picture in a pose of joints.

    Args:
        method: in evaluation mode.

    Attributes:
        limits, finder: see :class:`~momi_lib.widgets.session.Draws`.

    Raises:
        ValueError: for poses that are the labels of a data set, which pictures alone do not have.

    >>> from momi_lib.rivals.methods import method
    >>> from momi_lib.rivals.posed import pose_source
    >>> rival = method("pg2").network(method("pg2").presets["small"]).eval()
    >>> studio = PosedStudio(Posed(rival, pose_source("student")))
    >>> person = studio.meet(torch.zeros(3, 128, 64))
    >>> studio.draw(person, person.landmarks, person.valid).picture.shape, studio.finder
    (torch.Size([3, 128, 64]), 'the student')
    """

    def __init__(self, method: Posed) -> None:
        title = title_of(method)
        if isinstance(method.poses, LabelledPoses):
            raise ValueError(
                f"{title}: its poses are the labels of a data set, and the explorer's poses are found in pictures; "
                "write @teacher or @student behind its name"
            )
        self.method, self.device = method, device_of(method)
        self.size = method.config.size
        self.half = multiplies_bf16(self.device)
        self.finder = f"the {method.poses.name}"
        self.limits = Limits(
            look=f"{title} draws from one picture, so there is nobody between two people",
            background=f"{title} draws person and background together, so the background cannot be chosen",
            attention=f"what {title} looks at is not shown here",
        )

    @torch.inference_mode()
    def find(self, pictures: Tensor) -> Pose:
        """The joints of pictures (N, 3, H, W) uint8, found by the method's pose network."""
        return self._found(to_float(pictures))

    def _found(self, pictures: Tensor) -> Pose:
        poses, pictures = self.method.poses, pictures.to(self.device)
        if isinstance(poses, FoundPoses):
            with torch.autocast(self.device.type, enabled=False):
                heatmaps = poses.network(pictures).float().cpu()
            places, valid = poses.decoded(heatmaps, self.size)
            maps = self._maps(places, valid)
        else:  # a pose source of one's own says places alone
            places, valid = (part.cpu() for part in self.method.find(pictures))
            heatmaps = maps = self._maps(places, valid)
        return Pose(heatmaps, maps, places.float(), valid)

    def _maps(self, places: Tensor, valid: Tensor) -> Tensor:
        return gaussian_maps(places, valid, size=self.size, sigma=default_sigma(self.size[0]))

    @torch.inference_mode()
    def meet(self, picture: Tensor) -> Person:
        """Find the joints of a picture (3, H, W) in [-1, 1]; of the rest nothing can be found beforehand."""
        found = self._found(picture[None])
        heatmaps = found.heatmaps[0]
        return Person(picture, heatmaps, found.landmarks[0], found.valid[0], heatmaps.amax((1, 2)))

    def behind(self, background: str, person: Person, other: Person) -> None:
        """None: the method draws the background."""

    @torch.inference_mode()
    def draw(
        self,
        person: Person,
        landmarks: Tensor,
        valid: Tensor,
        background: Any = None,
        *,
        other: Person | None = None,
        share: float = 0.0,
        quick: bool = False,
    ) -> Drawn:
        """Draw a person in a pose, see :meth:`momi_lib.widgets.session.Studio.draw`.

        Raises:
            ValueError: for a background, or a share above 0.
        """
        if background is not None or share:
            raise ValueError(f"{self.limits.look if share else self.limits.background}; leave it out")
        picture = person.picture[None].to(self.device)
        pose, own = (
            Landmarks(places[None].to(self.device), found[None].to(self.device))
            for places, found in ((landmarks, valid), (person.landmarks, person.valid))
        )
        with torch.autocast(self.device.type, torch.bfloat16) if quick and self.half else nullcontext():
            drawn = self.method.draw(picture, own, pose)
        return Drawn(self._maps(landmarks[None], valid[None])[0].amax(0), to_uint8(drawn.float())[0].cpu())

    def looks(self, person: Person, landmarks: Tensor, valid: Tensor, joint: int) -> None:
        """None: there is no lookup."""

    def origins(self, person: Person, landmarks: Tensor, valid: Tensor) -> None:
        """None: nothing is carried over."""


class PicturesStudio:
    """A method at work that is given two pictures and no joints, such as DG-Net.

    Args:
        method: what satisfies :class:`~momi_lib.translate.swaps.Swaps`, in evaluation mode.

    Attributes:
        limits, finder: see :class:`~momi_lib.widgets.session.Draws`.

    >>> from types import SimpleNamespace
    >>> copy = SimpleNamespace(config=SimpleNamespace(size=(128, 64)), needs=frozenset(), name="copy")
    >>> copy.swap = lambda source, target: source
    >>> studio = PicturesStudio(copy)
    >>> studio.limits.pose
    "copy takes no joints: its pose is that of the target's picture, so there is no skeleton to move"
    >>> person = studio.meet(torch.ones(3, 128, 64))
    >>> int(studio.draw(person, person.landmarks, person.valid, other=person).picture.min())
    255
    """

    def __init__(self, method: Swaps) -> None:
        title = title_of(method)
        self.method = method
        self.size = tuple(method.config.size)
        self.finder = "nobody"
        takes = "no joints: its pose is that of the target's picture"
        if title == TITLES["dg-net"]:
            takes = "no pose: it keeps the structure of the target's picture"
        if isinstance(method, Copy):
            takes = f"no pose: it is the {method.copied}'s picture as it is"
        alone = len(getattr(method, "backgrounds", ("drawn",))) == 1
        self.limits = Limits(
            pose=f"{title} takes {takes}, so there is no skeleton to move",
            look=f"{title} draws from one source, so there is nobody between two people",
            background=f"{title} draws the background itself, so it cannot be chosen" if alone else "",
            attention=f"what {title} looks at is not shown here",
        )

    def find(self, pictures: Tensor) -> Pose:
        """No joints: none of pictures (N, 3, H, W) uint8 is valid, and all maps are zero."""
        count, joints = len(pictures), len(JOINTS)
        maps = torch.zeros(count, joints, *self.size)
        return Pose(maps, maps, torch.zeros(count, joints, 2), torch.zeros(count, joints, dtype=torch.bool))

    def meet(self, picture: Tensor) -> Person:
        """The picture (3, H, W) in [-1, 1] alone."""
        found = self.find(picture[None])
        return Person(picture, found.heatmaps[0], found.landmarks[0], found.valid[0], torch.zeros(len(JOINTS)))

    def behind(self, background: str, person: Person, other: Person) -> str | None:
        """The name, as the method takes it; None is the usual background."""
        return None if background == usual_background(self.method) else background

    @torch.inference_mode()
    def draw(
        self,
        person: Person,
        landmarks: Tensor,
        valid: Tensor,
        background: Any = None,
        *,
        other: Person | None = None,
        share: float = 0.0,
        quick: bool = False,
    ) -> Drawn:
        """Draw a person in the pose of the picture of `other`; the joints that are given count for nothing.

        Raises:
            ValueError: without `other`, for a share above 0, or an answer of another shape.
        """
        if other is None or share:
            raise ValueError(f"{self.limits.look}; leave the share out" if share else f"{self.limits.pose}; give other")
        source, target = (to_uint8(each.picture)[None] for each in (person, other))
        drawn = swap_pictures(self.method, source, target, background)
        return Drawn(torch.zeros(self.size), to_uint8(drawn.float())[0].cpu())

    def looks(self, person: Person, landmarks: Tensor, valid: Tensor, joint: int) -> None:
        """None: there is no lookup."""

    def origins(self, person: Person, landmarks: Tensor, valid: Tensor) -> None:
        """None: nothing is carried over."""


def file_part(title: str) -> str:
    """A title as a part of a file's name.

    >>> file_part("PG² (poses of the student)"), file_part("MOMI-Net (small)")
    ('pg2_poses_of_the_student', 'momi-net_small')
    """
    return re.sub(r"[^a-z0-9-]+", "_", title.lower().replace("²", "2")).strip("_")
