"""Controls for what lies between two poses and between two appearances: sliders, and an animation of them."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import cast

import ipywidgets as widgets

from momi_lib.widgets.evidence_panels import row
from momi_lib.widgets.session import Limits

__all__ = ["Ways"]

STEPS = 16  # of the animation, one way
INTERVAL = 120  # milliseconds
POSE = "0 is the source's pose, 1 the target's"
LOOK = "0 is the source's person, 1 the target's"


class Ways(widgets.VBox):
    """How far on the way from the source's pose and appearance to the target's.

    Args:
        changed: called after a slider or the way was changed, by hand or from Python.
        stepped: called after the animation went on by a step; None: `changed`.

    Attributes:
        pose, look: FloatSlider, 0 is the source's and 1 the target's.
        way: Dropdown, "turning" or "straight", see :func:`momi_lib.widgets.skeleton_edit.between`.
        what: Dropdown, which slider the animation moves.
        play: Play, there and back.
        more: HBox, the row of both menus, in which there is place for buttons.
        told: HTML, why sliders are off, for a place where it moves nothing.
        limits: what the method that draws cannot do, see :meth:`take`.

    >>> ways = Ways()
    >>> ways.play.value = STEPS  # at the far end
    >>> ways.pose.value, ways.look.value
    (1.0, 0.0)
    >>> [share for share, _ in ways.frames()][:3]
    [0.0, 0.06, 0.12]
    """

    def __init__(
        self, changed: Callable[[], object] = lambda: None, stepped: Callable[[], object] | None = None
    ) -> None:
        self._changed, self._stepped, self._stepping = changed, stepped or changed, False
        long = {"layout": {"width": "auto", "flex": "1 1 300px"}, "style": {"description_width": "86px"}}
        one = {"min": 0.0, "max": 1.0, "step": 0.01, "readout_format": ".2f"}
        self.pose = widgets.FloatSlider(1.0, description="Pose", **one, **long)
        self.look = widgets.FloatSlider(0.0, description="Appearance", **one, **long)
        ways = [("turning at the joints", "turning"), ("in straight lines", "straight")]
        style = {"description_width": "68px"}
        self.way = widgets.Dropdown(options=ways, description="Limbs go", layout={"width": "235px"}, style=style)
        options = [("the pose", "pose"), ("the appearance", "look"), ("both", "both")]
        self.what = widgets.Dropdown(options=options, description="Play", layout={"width": "200px"}, style=style)
        around = {"min": 0, "max": 2 * STEPS - 1, "interval": INTERVAL, "repeat": True, "show_repeat": False}
        self.play = widgets.Play(value=0, layout={"flex": "none"}, **around)
        self.play.observe(self._step, names="value")
        for control in (self.pose, self.look, self.way):
            control.observe(self._change, names="value")
        self._usual: dict[widgets.Widget, str] = {self.pose: POSE, self.look: LOOK}
        self.told = widgets.HTML()
        self.more = row([self.what, self.way])
        super().__init__([row([self.play, self.pose, self.look]), self.more])
        self.take(Limits())

    def take(self, limits: Limits) -> None:
        """Switch off what the method that draws cannot do, and say why; the sliders stay where they are."""
        self.limits = limits
        both = limits.pose or limits.look
        if limits.pose:
            self.play.playing = False
        for control, why in ((self.pose, limits.pose), (self.look, limits.look), (self.way, limits.pose),
                             (self.what, both), (self.play, limits.pose)):  # fmt: skip
            control.disabled, control.tooltip = bool(why), why or self._usual.get(control)
        reasons = dict.fromkeys(filter(None, (limits.pose, limits.look)))
        self.told.value = " ".join(f"{html.escape(why)}." for why in reasons)
        self.told.layout.display = "" if limits.look and not limits.pose else "none"  # the pose's reason is said anyway

    @property
    def values(self) -> tuple[float, float]:
        """The shares of pose and appearance; those of the plain swap where the method can do no other."""
        return 1.0 if self.limits.pose else self.pose.value, 0.0 if self.limits.look else self.look.value

    @property
    def playing(self) -> bool:
        """Whether the animation runs."""
        return bool(self.play.playing) and not self.limits.pose

    def reset(self) -> None:
        """The target's pose and the source's appearance."""
        self.pose.value, self.look.value = 1.0, 0.0

    def _at(self, share: float) -> tuple[float, float]:
        what = "pose" if self.limits.look else cast(str, self.what.value)
        moves = {"pose": (True, False), "look": (False, True), "both": (True, True)}[what]
        pose, look = (share if moved else value for moved, value in zip(moves, self.values, strict=True))
        return pose, look

    def _change(self, _: dict) -> None:
        if not self._stepping:
            self._changed()

    def _step(self, change: dict) -> None:
        if self.limits.pose:
            return
        self._stepping = True  # both sliders move, and one picture is drawn
        try:
            pose, look = self._at(_share(STEPS - abs(change["new"] - STEPS)))
            self.pose.value, self.look.value = pose, self.look.value if self.limits.look else look
        finally:
            self._stepping = False
        self._stepped()

    def frames(self) -> list[tuple[float, float]]:
        """Shares of pose and appearance for an animation, there and back."""
        there = [_share(step) for step in range(STEPS + 1)]
        return [self._at(share) for share in [*there, *there[-2:0:-1]]]


def _share(step: int) -> float:
    """A number that a slider with steps of 0.01 takes as it is; any other it would send back rounded, as a change."""
    return round(step / STEPS, 2)
