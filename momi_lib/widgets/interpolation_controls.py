"""Controls for what lies between two poses and between two appearances: sliders, and an animation of them."""

from __future__ import annotations

from typing import cast

import ipywidgets as widgets

from momi_lib.widgets.evidence_panels import row

__all__ = ["Ways"]

STEPS = 16  # of the animation, one way
INTERVAL = 120  # milliseconds


class Ways(widgets.VBox):
    """How far on the way from the source's pose and appearance to the target's.

    Attributes:
        pose, look: FloatSlider, 0 is the source's and 1 the target's.
        way: Dropdown, "turning" or "straight", see :func:`momi_lib.widgets.skeleton_edit.between`.
        what: Dropdown, which slider the animation moves.
        play: Play, there and back.

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
        told = widgets.HTML("0 is the source, 1 the target: of the pose, and of who is drawn.")
        super().__init__([told, self.pose, self.look, row([self.way, self.what, self.play])])

    @property
    def values(self) -> tuple[float, float]:
        """The shares of pose and appearance."""
        return self.pose.value, self.look.value

    def reset(self) -> None:
        """The target's pose and the source's appearance."""
        self.pose.value, self.look.value = 1.0, 0.0

    def _at(self, share: float) -> tuple[float, float]:
        what = cast(str, self.what.value)
        moves = {"pose": (True, False), "look": (False, True), "both": (True, True)}[what]
        pose, look = (share if moved else value for moved, value in zip(moves, self.values, strict=True))
        return pose, look

    def _step(self, change: dict) -> None:
        share = 1 - abs(change["new"] - STEPS) / STEPS
        with self.hold_sync():
            self.pose.value, self.look.value = self._at(share)

    def frames(self) -> list[tuple[float, float]]:
        """Shares of pose and appearance for an animation, there and back."""
        there = [step / STEPS for step in range(STEPS + 1)]
        return [self._at(share) for share in [*there, *there[-2:0:-1]]]
