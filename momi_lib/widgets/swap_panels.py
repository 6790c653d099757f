"""The stage of the explorer: source, skeleton, pose map, swap, true answer and difference, drawn from a State."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from momi_lib.widgets.evidence_panels import Picture, row
from momi_lib.widgets.png import map_png, picture_png, skeleton_png, viridis
from momi_lib.widgets.pose_editor import HINT, POSE, Edit, PoseEditor
from momi_lib.widgets.swap_state import BACKGROUNDS, State, Swapper

__all__ = ["PANELS", "Stage"]

BRIGHT = 0.5  # a difference from here on is yellow
WIDE = "var(--momi-wide, 136px)"  # of a picture on the stage, see static/explorer.css
PANELS = {"source": "source x", "truth": "true answer", "difference": "difference"}


class Stage:
    """Pictures of a swap around a skeleton that can be taken hold of.

    Args:
        swapper: where pictures and true answers come from.
        name: an index → how a picture is called.
        on_edit: see :class:`PoseEditor`.

    Attributes:
        widget: the row. editor: skeleton, pose map, swap. panels: name → :class:`Picture`.
        by: who draws, as sentences say it where there is a choice; otherwise empty.

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
        self.name, self.by = name, ""
        self.editor = PoseEditor(on_edit, size=swapper.size)
        self.take(swapper)
        self.panels = {name: Picture(width=WIDE) for name in PANELS}
        places = [self.panels["source"], self.editor, self.panels["truth"], self.panels["difference"]]
        self.widget: widgets.HBox = row(places)

    def take(self, swapper: Swapper, by: str = "") -> None:
        """Show the drawings of this swapper from the next :meth:`show` on; `by` says whose they are."""
        self.swapper, self.by = swapper, by
        why = swapper.limits.pose
        with self.editor.hold_sync():
            self.editor.enabled = swapper.studio is not None and not why
            self.editor.skeleton, self.editor.hint = not why, why or HINT
            joints = POSE if swapper.network is not None or swapper.studio is None else "the joints"
            self.editor.pose_title = joints
            self.editor.swap_title = f"swap by {by}" if by else "swap"

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
        elif self.swapper.limits.pose:
            self._show("source", picture_png(source), who, "no joints")
        else:
            assert self.swapper.studio is not None  # there is a swap
            landmarks, valid = state.poses
            joints = f"{int(valid[0].sum())} of 17 joints"
            drawn = skeleton_png(source, landmarks[0], valid[0])
            self._show("source", drawn, f"{who} with the joints that {self.swapper.studio.finder} found", joints)
        return self._show_truth(state)

    def _show_live(self, state: State) -> None:
        who, where = self.name(state.source), self.name(state.target)
        if state.swap is None:
            says = {"pose_says": "pose: not without weights", "swap_says": "swap: none"}
            self.editor.show(None, None, pose=None, swap=None, **says)
            return
        where += ", mirrored" if state.mirrored else ""
        where = f"a pose made by hand from {where}" if state.edited else f"the pose of {where}"
        if state.pose_share < 1:
            where = f"a pose {state.pose_share:.0%} of the way to {where}"
        if state.look_share > 0:
            who = f"somebody {state.look_share:.0%} of the way from {who} to {self.name(state.target)}"
        landmarks, valid = state.poses
        assert state.pose is not None  # it comes with the swap
        what = "the Gaussian pose maps" if self.swapper.network else "Gaussians at the joints"
        pose, says = viridis(state.pose), f"pose: {what} of {where}, the largest value"
        if self.swapper.limits.pose:
            pose, says = None, f"pose: none; {self.swapper.limits.pose}"
        self.editor.show(
            landmarks[1],
            valid[1],
            pose=pose,
            swap=state.swap.permute(1, 2, 0).numpy(),
            pose_says=says,
            swap_says=f"swap: {who} in {where}{self._behind(state)}{self._by}",
        )

    @property
    def _by(self) -> str:
        return f", drawn by {self.by}" if self.by else ""

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
            self.without_truth(why)
            return why if state.swap is None else self._told(state, why)
        known = self.swapper.truth
        assert known is not None and state.swap is not None  # or there were no row of a true swap
        truth = known.pictures[state.truth]
        difference = (state.swap.float() - truth.float()).abs().mean(0) / 255
        drawn = map_png(difference, high=BRIGHT, picture=truth, mask=known.masks[state.truth])
        scores = f"masked L1 {state.l1:.3f}, masked SSIM {state.ssim:.3f}"
        self._show("truth", picture_png(truth), "what the renderer draws for this swap", "rendered")
        what = f"between swap and true answer on the person, yellow from {BRIGHT}: {scores}"
        self._show("difference", drawn, what, f"L1 {state.l1:.3f}, SSIM {state.ssim:.3f}")
        return self._told(state, f"against the true answer: {scores}")

    def without_truth(self, why: str) -> None:
        """Show no true answer: what is drawn has none, or moves."""
        for name in ("truth", "difference"):
            self.panels[name].clear(f"{PANELS[name]}: {why}")

    def _told(self, state: State, what: str) -> str:
        limit = f" {self.swapper.limits.pose}." if self.swapper.limits.pose else ""
        return f"Swap drawn{f' by {self.by}' if self.by else ''}{self._behind(state)}; {what}.{limit}"

    def _show(self, name: str, png: bytes, alternative: str, more: str = "") -> None:
        self.panels[name].draw(png, f"{PANELS[name]}: {alternative}", PANELS[name], more)
