"""The stage of the explorer: source, skeleton, pose map, swap, true answer and difference, drawn from a State."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import numpy as np

from momi_lib.widgets.evidence_panels import Picture, row
from momi_lib.widgets.png import blank_png, map_png, picture_png, skeleton_png, viridis
from momi_lib.widgets.pose_editor import Edit, PoseEditor
from momi_lib.widgets.swap_state import BACKGROUNDS, State, Swapper

__all__ = ["PANELS", "Stage"]

BRIGHT = 0.5  # a difference from here on is yellow
PANELS = {"source": "source x", "truth": "true answer", "difference": "difference"}


class Stage:
    """Pictures of a swap around a skeleton that can be taken hold of.

    Args:
        swapper: where pictures and true answers come from.
        name: an index → how a picture is called.
        on_edit: see :class:`PoseEditor`.

    Attributes:
        widget: the row. editor: skeleton, pose map, swap. panels: name → :class:`Picture`.

    >>> from momi_lib.train.presets import preset
    >>> from momi_lib.translate import MomiNet
    >>> swapper = Swapper(network=MomiNet(preset("tiny").network).eval())
    >>> stage = Stage(swapper, "picture {}".format, print)
    >>> stage.show(swapper(3, 8))
    'Swap drawn; this pair has no true answer.'
    >>> stage.editor.swap_says
    'swap: picture 3 in the pose of picture 8'
    """

    def __init__(
        self, swapper: Swapper, name: Callable[[int], str], on_edit: Callable[[list[Edit], bool], Any]
    ) -> None:
        self.swapper, self.name = swapper, name
        self.editor = PoseEditor(on_edit, size=swapper.size)
        self.editor.enabled = swapper.network is not None
        self.panels = {name: Picture(width=136) for name in PANELS}
        places = [self.panels["source"], self.editor, self.panels["truth"], self.panels["difference"]]
        self.widget: widgets.HBox = row(places)

    def show(self, state: State, *, live: bool = False) -> str:
        """Draw a state: only what follows a moving hand if `live`, else all; a sentence about it."""
        self._show_live(state)
        if live:
            return ""
        source, target = self.swapper.pictures(state)
        who = self.name(state.source)
        self.editor.behind = picture_png(target, scale=2)
        if state.swap is None:
            self._show("source", picture_png(source), who)
        else:
            landmarks, valid = state.poses
            joints = f"{int(valid[0].sum())} of 17 joints"
            drawn = skeleton_png(source, landmarks[0], valid[0])
            self._show("source", drawn, f"{who} with the joints that the student found", joints)
        return self._show_truth(state)

    def _show_live(self, state: State) -> None:
        who, where = self.name(state.source), self.name(state.target)
        if state.swap is None:
            blank = np.full((*self.swapper.size, 3), 240, np.uint8)
            self.editor.show(
                None, None, pose=blank, swap=blank, pose_says="pose: not without weights", swap_says="swap: none"
            )
            return
        where += ", mirrored" if state.mirrored else ""
        where = f"a pose made by hand from {where}" if state.edited else f"the pose of {where}"
        if state.pose_share < 1:
            where = f"a pose {state.pose_share:.0%} of the way to {where}"
        if state.look_share > 0:
            who = f"somebody {state.look_share:.0%} of the way from {who} to {self.name(state.target)}"
        landmarks, valid = state.poses
        assert state.pose is not None  # it comes with the swap
        self.editor.show(
            landmarks[1],
            valid[1],
            pose=viridis(state.pose),
            swap=state.swap.permute(1, 2, 0).numpy(),
            pose_says=f"pose: the Gaussian pose maps of {where}, the largest value",
            swap_says=f"swap: {who} in {where}{self._behind(state)}",
        )

    def _behind(self, state: State) -> str:
        """What stands behind the person, in words, where that can be chosen."""
        return f" {BACKGROUNDS[state.background][1]}" if len(self.swapper.backgrounds) > 1 else ""

    def _show_truth(self, state: State) -> str:
        if state.truth is None:
            why = "this pair has no true answer"
            if state.swap is None:
                why = self.swapper.missing
            elif (state.source, state.target) in self.swapper.answers:
                changed = "mirrored target" if state.mirrored and not state.edited else "changed pose"
                changed = "way between two people" if state.pose_share < 1 or state.look_share > 0 else changed
                why = f"a {changed} has no true answer"
            for name in ("truth", "difference"):
                self._show(name, None, why, "none")
            return why if state.swap is None else f"Swap drawn{self._behind(state)}; {why}."
        known = self.swapper.truth
        assert known is not None and state.swap is not None  # or there were no row of a true swap
        truth = known.pictures[state.truth]
        difference = (state.swap.float() - truth.float()).abs().mean(0) / 255
        drawn = map_png(difference, high=BRIGHT, picture=truth, mask=known.masks[state.truth])
        scores = f"masked L1 {state.l1:.3f}, masked SSIM {state.ssim:.3f}"
        self._show("truth", picture_png(truth), "what the renderer draws for this swap", "rendered")
        what = f"between swap and true answer on the person, yellow from {BRIGHT}: {scores}"
        self._show("difference", drawn, what, f"L1 {state.l1:.3f}, SSIM {state.ssim:.3f}")
        return f"Swap drawn{self._behind(state)}; against the true answer: {scores}."

    def _show(self, name: str, png: bytes | None, alternative: str, more: str = "") -> None:
        """Fill a panel; without a picture it stays grey."""
        png = png or blank_png(self.swapper.size)
        self.panels[name].draw(png, f"{PANELS[name]}: {alternative}", PANELS[name], more)
