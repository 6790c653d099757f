"""A studio: who stands in a picture is found out once, then drawn in pose after pose, fast enough to follow a hand.

A swap is mostly the work of finding landmarks and appearance. When a joint is dragged neither changes, so what is left
per picture is what the network does after :meth:`~momi_lib.translate.network.MomiNet.meet`: Gaussians, E_p and G, and
the lookup or what is carried over. The street behind the person does not change either.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from momi_lib.data import to_float, to_uint8
from momi_lib.devices import multiplies_bf16
from momi_lib.translate import Appearance, CarryNet, MomiNet, PoseAttention, folded
from momi_lib.translate.network import Pose

__all__ = ["Drawn", "Draws", "Limits", "Origins", "Person", "Studio"]


@dataclass(frozen=True)
class Limits:
    """What a method cannot do in the explorer, each as a sentence that says why; empty where it can.

    Attributes:
        pose: draw a person in a pose of joints.
        look: draw somebody between two people.
        background: put another background behind a person.
        attention: show where its attention lies.

    >>> Limits(look="PG² draws one person at a time.").pose
    ''
    """

    pose: str = ""
    look: str = ""
    background: str = ""
    attention: str = ""


@dataclass(frozen=True)
class Person:
    """What the network makes of one picture.

    Attributes:
        picture: (3, H, W) float in [-1, 1].
        heatmaps: (17, H/4, W/4) of the student, or (17, h, w) of another method's pose network.
        landmarks: (17, 2) in pixels; where not valid, the student's best guess.
        valid: (17,) bool. confidence: (17,), the maxima of the heatmaps.
        appearance: what the network's ``meet`` found: the code (1, d or 2d, H/8, W/8) of Eq. 2, or an
            :class:`~momi_lib.translate.carrying.Appearance`, which holds it; None for another method, which draws from
            the picture.
        street: (3, H, W) in [-1, 1], the picture with the person taken out; None where the network draws the street.
        gates: mean over channels of each attention block's gate, (blocks, H/8, W/8); None without such blocks.
    """

    picture: Tensor
    heatmaps: Tensor
    landmarks: Tensor
    valid: Tensor
    confidence: Tensor
    appearance: Tensor | Appearance | None = None
    street: Tensor | None = None
    gates: Tensor | None = None


@dataclass(frozen=True)
class Drawn:
    """An answer of the studio: ``pose`` (H, W), the largest of the 17 pose maps; ``picture`` (3, H, W) uint8."""

    pose: Tensor
    picture: Tensor


@dataclass(frozen=True)
class Origins:
    """Where each pixel of a drawn person came from; the rest of a swap is what stands behind the person.

    Attributes:
        shares: (3, H, W) of carried, mirrored and drawn, which sum to 1 at each pixel.
        pictures: (3, 3, H, W) in about [-1, 1], what each of the three puts there, light included.
        silhouette: (H, W) in [0, 1], how much of each pixel is the person.
    """

    shares: Tensor
    pictures: Tensor
    silhouette: Tensor

    @property
    def of_person(self) -> tuple[float, float, float]:
        """The shares of carried, mirrored and drawn of the whole person; all 0 where there is no person.

        >>> Origins(torch.full((3, 2, 1), 1 / 3), torch.zeros(3, 3, 2, 1), torch.ones(2, 1)).of_person[0] > 0.3
        True
        """
        whole = self.silhouette.sum().clamp_min(1e-6)
        carried, mirrored, drawn = ((self.shares * self.silhouette).sum((1, 2)) / whole).tolist()
        return carried, mirrored, drawn


class Draws(Protocol):
    """What the explorer asks of a method: :class:`Studio` for a MomiNet, and those of ``other_studios.py``.

    Attributes:
        limits: what it cannot do. finder: who finds the joints, such as ``"the student"``.
    """

    limits: Limits
    finder: str

    def find(self, pictures: Tensor) -> Pose:
        """The joints of pictures (N, 3, H, W) uint8; none is valid where the method takes none."""
        ...

    def meet(self, picture: Tensor) -> Person:
        """What need be found only once in a picture (3, H, W) in [-1, 1]."""
        ...

    def behind(self, background: str, person: Person, other: Person) -> Any:
        """What `draw` takes for the background of a name, of a person in the picture of another."""
        ...

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
        """See :meth:`Studio.draw`."""
        ...

    def looks(self, person: Person, landmarks: Tensor, valid: Tensor, joint: int) -> Tensor | None:
        """See :meth:`Studio.looks`."""
        ...

    def origins(self, person: Person, landmarks: Tensor, valid: Tensor) -> Origins | None:
        """See :meth:`Studio.origins`."""
        ...


class Studio:
    """A MomiNet at work for the explorer.

    Batch norms are folded. On processors that multiply bfloat16, quick drawings use it: they follow a hand, and the
    picture that stays is drawn in float32 again.

    Args:
        network: in evaluation mode; it stays as it is.

    Attributes:
        limits, finder: see :class:`Draws`.

    >>> from momi_lib.train.presets import preset
    >>> studio = Studio(MomiNet(preset("tiny").network).eval())
    >>> person = studio.meet(torch.zeros(3, 128, 64))
    >>> studio.draw(person, person.landmarks, person.valid).picture.shape
    torch.Size([3, 128, 64])
    """

    def __init__(self, network: MomiNet) -> None:
        only = network.backgrounds == ("drawn",)
        why = "These weights draw person and street together, so the background cannot be chosen" if only else ""
        self.limits = Limits(background=why)
        self.finder = "the student"
        self.network = folded(network).to(memory_format=torch.channels_last)
        self.device = next(network.parameters()).device
        self.half = multiplies_bf16(self.device)

    @torch.inference_mode()
    def find(self, pictures: Tensor) -> Pose:
        """The joints of pictures (N, 3, H, W) uint8: the student alone."""
        pose = self.network.pose(to_float(pictures).to(self.device))
        return Pose(*(part.float().cpu() if part.is_floating_point() else part.cpu() for part in pose))

    @torch.inference_mode()
    def meet(self, picture: Tensor) -> Person:
        """Find the joints, the appearance and the street of a picture (3, H, W) in [-1, 1]."""
        pictures = picture[None].to(self.device)
        pose = self.network.pose(pictures)
        appearance = self.network.meet(pictures, pose)
        gates = street = None
        if isinstance(self.network, CarryNet):
            street = self.network.backdrop(pictures, pose, appearance.body)[0]
        if isinstance(self.network.attention, PoseAttention):
            features = self.network.appearance_encoder(pictures)
            found = self.network.attention.gates(features, self.network.coarse(self.network.encode_pose(pose.maps)))
            gates = torch.stack([gate[0].mean(0) for gate in found]).cpu()
        return Person(
            picture,
            pose.heatmaps[0].float().cpu(),
            pose.landmarks[0].cpu(),
            pose.valid[0].cpu(),
            pose.heatmaps[0].float().amax((1, 2)).cpu(),
            appearance,
            street,
            gates,
        )

    def behind(self, background: str, person: Person, other: Person) -> Tensor | None:
        """The street of `other`, the target, or of `person`, or grey; None is what the network draws."""
        return {"target": other.street, "source": person.street, "grey": torch.zeros(3)}.get(background)

    @torch.inference_mode()
    def draw(
        self,
        person: Person,
        landmarks: Tensor,
        valid: Tensor,
        background: Tensor | None = None,
        *,
        other: Person | None = None,
        share: float = 0.0,
        quick: bool = False,
    ) -> Drawn:
        """Draw a person in a pose, or somebody on the way from that person to another.

        Args:
            person: whose appearance.
            landmarks: (17, 2) in pixels. valid: (17,) bool.
            background: (3, H, W) or a colour (3,) in [-1, 1]; None is what the network draws, and all that a network
                can do that draws the street itself.
            other: the person at the other end of the way; needed for a share above 0.
            share: 0 is ``person`` exactly, 1 is ``other`` exactly.
            quick: bfloat16 where that is faster.

        Raises:
            ValueError: for a share outside [0, 1], or above 0 without another person, or a background that cannot be.
        """
        maps = self.network.reproject(landmarks[None].to(self.device), valid[None].to(self.device))
        with torch.autocast(self.device.type, torch.bfloat16) if quick and self.half else nullcontext():
            there = None if other is None else other.appearance
            drawn = self.network.draw(person.appearance, maps, background, other=there, share=share)
        return Drawn(maps[0].amax(0).cpu(), to_uint8(drawn.float())[0].cpu())

    @torch.inference_mode()
    def origins(self, person: Person, landmarks: Tensor, valid: Tensor) -> Origins | None:
        """Where each pixel of a person in a pose comes from; None for a network that carries nothing over.

        Args:
            person: whose appearance. landmarks: (17, 2) in pixels. valid: (17,) bool.
        """
        if not isinstance(self.network, CarryNet) or not isinstance(person.appearance, Appearance):
            return None
        maps = self.network.reproject(landmarks[None].to(self.device), valid[None].to(self.device))
        painted, carried = self.network.paint(person.appearance, maps)
        pictures = torch.stack([carried.own + painted.light, carried.mirrored + painted.light, painted.drawn], dim=1)
        shares = painted.gates[0].roll(-1, 0)  # the gates begin with what is drawn
        return Origins(shares.float().cpu(), pictures[0].float().cpu(), painted.silhouette[0, 0].float().cpu())

    @torch.inference_mode()
    def looks(self, person: Person, landmarks: Tensor, valid: Tensor, joint: int) -> Tensor | None:
        """Where in the source the place of a target's joint looks: (H/8, W/8), sums to 1; None without a lookup."""
        if self.network.lookup is None or not valid[joint]:
            return None
        maps = self.network.reproject(landmarks[None].to(self.device), valid[None].to(self.device))
        coarse = self.network.coarse(self.network.encode_pose(maps))
        assert person.appearance is not None  # this studio has met the person
        keys = self.network.code(person.appearance).chunk(2, dim=1)[1]
        weights = self.network.lookup.weights(keys, coarse)[0].mean(0)
        rows, columns = coarse.shape[-2:]
        x, y = (round((float(value) + 0.5) / 8 - 0.5) for value in landmarks[joint])
        place = min(max(y, 0), rows - 1) * columns + min(max(x, 0), columns - 1)
        return weights[place].unflatten(0, (rows, columns)).float().cpu()
