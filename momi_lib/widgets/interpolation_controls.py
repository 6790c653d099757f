"""Controls for what lies between two poses and between two appearances: sliders, and an animation of them."""

from __future__ import annotations

import html
from typing import cast

import ipywidgets as widgets

from momi_lib.widgets.evidence_panels import row
from momi_lib.widgets.session import Limits

__all__ = ["Ways"]

STEPS = 16  # of the animation, one way
INTERVAL = 120  # milliseconds
TOLD = "0 is the source, 1 the target: of the pose, and of who is drawn."


class Ways(widgets.VBox):
    """How far on the way from the source's pose and appearance to the target's.

    Attributes:
        pose, look: FloatSlider, 0 is the source's and 1 the target's.
        way: Dropdown, "turning" or "straight", see :func:`momi_lib.widgets.skeleton_edit.between`.
        what: Dropdown, which slider the animation moves.
        play: Play, there and back.
        limits: what the method that draws cannot do, see :meth:`take`.

    >>> ways = Ways()
    >>> ways.play.value = STEPS  # at the far end
    >>> ways.pose.value, ways.look.value
    (1.0, 0.0)
    >>> [share for share, _ in ways.frames()][:3]
    [0.0, 0.0625, 0.125]
    """

    def __init__(self) -> None:
        long = {"layout": {"width": "440px"}, "style": {"description_width": "96px"}}
        short = {"layout": {"width": "250px"}, "style": {"description_width": "96px"}}
        one = {"min": 0.0, "max": 1.0, "step": 0.01, "readout_format": ".2f"}
        self.pose = widgets.FloatSlider(1.0, description="Pose", **one, **long)
        self.look = widgets.FloatSlider(0.0, description="Appearance", **one, **long)
        ways = [("turning at the joints", "turning"), ("in straight lines", "straight")]
        self.way = widgets.Dropdown(options=ways, description="Limbs go", **short)
        options = [("the pose", "pose"), ("the appearance", "look"), ("both", "both")]
        self.what = widgets.Dropdown(options=options, description="Play", **short)
        self.play = widgets.Play(min=0, max=2 * STEPS - 1, interval=INTERVAL, value=0, repeat=True)
        self.play.observe(self._step, names="value")
        self.limits = Limits()
        self.told = widgets.HTML(TOLD)
        super().__init__([self.told, self.pose, self.look, row([self.way, self.what, self.play])])

    def take(self, limits: Limits) -> None:
        """Switch off what the method that draws cannot do, and say why; the sliders stay where they are."""
        self.limits = limits
        both = limits.pose or limits.look
        if limits.pose:
            self.play.playing = False
        for control, why in ((self.pose, limits.pose), (self.look, limits.look), (self.way, limits.pose),
                             (self.what, both), (self.play, limits.pose)):  # fmt: skip
            control.disabled, control.tooltip = bool(why), why or None
        reasons = dict.fromkeys(filter(None, (limits.pose, limits.look)))
        self.told.value = " ".join([TOLD, *(f"{html.escape(why)}." for why in reasons)])

    @property
    def values(self) -> tuple[float, float]:
        """The shares of pose and appearance; those of the plain swap where the method can do no other."""
        return 1.0 if self.limits.pose else self.pose.value, 0.0 if self.limits.look else self.look.value

    def reset(self) -> None:
        """The target's pose and the source's appearance."""
        self.pose.value, self.look.value = 1.0, 0.0

    def _at(self, share: float) -> tuple[float, float]:
        what = "pose" if self.limits.look else cast(str, self.what.value)
        moves = {"pose": (True, False), "look": (False, True), "both": (True, True)}[what]
        pose, look = (share if moved else value for moved, value in zip(moves, self.values, strict=True))
        return pose, look

    def _step(self, change: dict) -> None:
        if self.limits.pose:
            return
        share = 1 - abs(change["new"] - STEPS) / STEPS
        with self.hold_sync():
            pose, look = self._at(share)
            self.pose.value, self.look.value = pose, self.look.value if self.limits.look else look

    def frames(self) -> list[tuple[float, float]]:
        """Shares of pose and appearance for an animation, there and back."""
        there = [step / STEPS for step in range(STEPS + 1)]
        return [self._at(share) for share in [*there, *there[-2:0:-1]]]
