"""Pictures with a caption and an alternative text, and the rows of them that show what leads to a swap."""

from __future__ import annotations

import base64
import html
from typing import cast

import ipywidgets as widgets
import torch
from torch import Tensor

from momi_lib.skeleton import JOINTS
from momi_lib.widgets.other_studios import title_of
from momi_lib.widgets.png import heat_png
from momi_lib.widgets.pose_editor import joint_name
from momi_lib.widgets.swap_state import State, Swapper

__all__ = ["Picture", "Stations", "row"]

STATIONS = {
    "teacher source": "teacher ψ, source",
    "student source": "student Fₚ, source",
    "teacher target": "teacher ψ, target",
    "student target": "student Fₚ, target",
    "attention": "attention",
}


def row(children: list[widgets.Widget]) -> widgets.HBox:
    """Widgets side by side, on as many lines as it takes."""
    layout = widgets.Layout(flex_flow="row wrap", align_items="flex-start", grid_gap="4px 10px", overflow="visible")
    return widgets.HBox(children, layout=layout)


class Picture(widgets.HTML):
    """A PNG with an alternative text, which ipywidgets' own Image has no place for; nothing until one is drawn.

    Args:
        width: in pixels, or as CSS writes it.

    Attributes:
        png: what is shown, empty where nothing is. alternative: for readers who do not see it, or why nothing is shown.

    >>> from momi_lib.widgets.png import picture_png
    >>> picture = Picture(width=40)
    >>> picture.draw(picture_png(torch.zeros(3, 128, 64)), "a black picture", "black")
    >>> picture.alternative, picture.png[1:4]
    ('a black picture', b'PNG')
    """

    def __init__(self, width: int | str) -> None:
        wide = width if isinstance(width, str) else f"{width}px"
        super().__init__(layout=widgets.Layout(width=wide, margin="0", flex="none", display="none"))
        self.png, self.alternative = b"", ""

    def draw(self, png: bytes, alternative: str, *lines: str) -> None:
        """Show `png`, and the `lines` under it."""
        self.png, self.alternative = png, alternative
        source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        caption = "<br>".join(map(html.escape, lines))
        image = f'<img width="100%" alt="{html.escape(alternative)}" src="{source}">'
        self.value = f'<div class="momi-panel">{image}{caption}</div>'
        self.layout.display = ""

    def clear(self, why: str) -> None:
        """Show nothing; what is not there takes no place."""
        self.png, self.alternative, self.value, self.layout.display = b"", why, "", "none"


class Stations(widgets.VBox):
    """What leads to the swap: heatmaps and landmarks of teacher and student, and an attention map.

    Args:
        swapper: whose network and teacher are looked at.

    Attributes:
        panels: name → :class:`Picture`. titles: name → what stands under it.
        note: HTML, which of them are not there, and why.
        heat: Dropdown, the joint whose heatmap is shown; -1 is the largest value of all.
        block: Dropdown, "block 1" … or "lookup": where in the source the place of ``joint`` looks.
        joint: the joint that was moved last, for the lookup.

    >>> from momi_lib.train.presets import preset
    >>> from momi_lib.translate import MomiNet
    >>> swapper = Swapper(network=MomiNet(preset("tiny").network).eval())
    >>> stations = Stations(swapper)
    >>> stations.show(swapper(3, 8))
    >>> stations.panels["student source"].alternative[:18]
    'student Fₚ, source'
    """

    def __init__(self, swapper: Swapper) -> None:
        self.swapper, self.joint, self.titles = swapper, JOINTS.index("left_wrist"), dict(STATIONS)
        self.state: State | None = None
        self._taught: dict[tuple[int, bool], tuple[Tensor, Tensor, Tensor]] = {}
        joints = [("all 17, the largest", -1), *((joint_name(joint), joint) for joint in range(len(JOINTS)))]
        short = {"layout": {"width": "270px"}, "style": {"description_width": "80px"}}
        self.heat = widgets.Dropdown(options=joints, value=-1, description="Heatmap of", **short)
        self.block = widgets.Dropdown(options=self._blocks(), description="Attention", **short)
        self.panels = {name: Picture(width=136) for name in STATIONS}
        self.heat.observe(self._redraw, names="value")
        self.block.observe(self._redraw, names="value")
        self.note = widgets.HTML()
        super().__init__([row([self.heat, self.block]), row(list(self.panels.values())), self.note])
        self.take(swapper)

    def take(self, swapper: Swapper) -> None:
        """Look at this swapper's method from the next :meth:`show` on."""
        same = swapper is self.swapper
        self.swapper = swapper
        for role in ("source", "target"):
            other = swapper.studio is not None and swapper.network is None
            found = f"poses of {title_of(swapper.method)}, {role}" if other and swapper.method else None
            self.titles[f"student {role}"] = found or STATIONS[f"student {role}"]
        if not same:
            self.state = None  # what is drawn next belongs to another method
            self._taught.clear()  # which landmarks are valid is a matter of the network's threshold
            before, blocks = self.block.value, self._blocks()
            self.block.options = blocks
            self.block.value = before if before in blocks else blocks[0]
        why = swapper.limits.attention
        self.block.disabled, self.block.tooltip = bool(why), why or None

    def _blocks(self) -> list[str]:
        network = self.swapper.network
        if network is None or not hasattr(network.attention, "gates"):
            return ["none"]
        lookup = ["lookup"] if network.lookup is not None else []
        return [f"block {place + 1}" for place in range(len(network.attention.blocks))] + lookup

    def show(self, state: State) -> None:
        """Draw the stations of a state."""
        self.state = state
        for role, index, mirrored in (("source", state.source, False), ("target", state.target, state.mirrored)):
            picture = self.swapper.picture(index, mirrored)
            self._show_teacher(role, index, mirrored, picture)
            if state.swap is None:
                self._blank(f"student {role}", "not without weights")
                continue
            if self.swapper.limits.pose:
                self._blank(f"student {role}", f"none; {self.swapper.limits.pose}")
                continue
            person = self.swapper.person(index, mirrored)
            self._show_heat(f"student {role}", picture, person.heatmaps, person.landmarks, person.valid)
        self.show_attention(state)

    def _say_what_is_missing(self) -> None:
        missing = [panel.alternative for panel in self.panels.values() if not panel.png and panel.alternative]
        told = "<br>".join(f"{html.escape(why)}." for why in dict.fromkeys(missing))
        self.note.value, self.note.layout.display = told, "" if told else "none"

    def _redraw(self, _: object) -> None:
        if self.state is not None:
            self.show(self.state)

    def _show_teacher(self, role: str, index: int, mirrored: bool, picture: Tensor) -> None:
        try:
            if (index, mirrored) not in self._taught:
                if len(self._taught) > 16:
                    self._taught.clear()
                self._taught[index, mirrored] = self.swapper.taught(picture)
        except FileNotFoundError as error:
            self._blank(f"teacher {role}", str(error))
        else:
            self._show_heat(f"teacher {role}", picture, *self._taught[index, mirrored])

    def _show_heat(self, name: str, picture: Tensor, maps: Tensor, landmarks: Tensor, valid: Tensor) -> None:
        joint = cast(int, self.heat.value)  # one of the options
        chosen = torch.ones(17, dtype=torch.bool) if joint < 0 else torch.arange(17) == joint
        drawn = heat_png(picture, maps[chosen].amax(0), landmarks, valid & chosen, scale=2)
        found, of = int((valid & chosen).sum()), int(chosen.sum())
        what = "heatmaps of all joints, the largest" if joint < 0 else f"heatmap of the {joint_name(joint)}"
        says = f"{self.titles[name]}: {what}, with rings at {found} of {of} landmarks"
        self.panels[name].draw(drawn, says, self.titles[name], f"{found} of {of} landmarks")

    def show_attention(self, state: State) -> None:
        """Draw the chosen attention map."""
        self._show_attention(state)
        self._say_what_is_missing()

    def _show_attention(self, state: State) -> None:
        gates = None if state.swap is None else self.swapper.person(state.source).gates
        if gates is None:
            why = self.swapper.limits.attention or "this network has no attention blocks"
            self._blank("attention", why if state.swap is not None else "no weights")
            return
        picture = self.swapper.picture(state.source)
        block = cast(str, self.block.value)  # one of the options
        if block == "lookup":
            person, studio = self.swapper.person(state.source), self.swapper.studio
            assert studio is not None  # there is a swap
            landmarks, valid = state.poses
            weights = studio.looks(person, landmarks[1], valid[1], self.joint)
            if weights is None:
                self._blank("attention", f"the {joint_name(self.joint)} has no place: it was not found")
                return
            low, values, most = 0.0, weights, float(weights.max())
            says = f"where in the source the target's {joint_name(self.joint)} looks, brightest {most:.2f}"
            lines = f"{joint_name(self.joint)} looks here", f"yellow: {most:.2f}"
        else:
            values = gates[int(block.split()[1]) - 1]
            low = float(values.min())
            spread = f"dark {low:.2f}, yellow {float(values.max()):.2f}"
            says, lines = f"gates of {block}, mean over channels: {spread}", (block, spread)
        drawn = heat_png(picture, values, low=low, high=float(values.max()), scale=2)
        self.panels["attention"].draw(drawn, f"attention: {says}", *lines)

    def _blank(self, name: str, why: str) -> None:
        self.panels[name].clear(f"{self.titles[name]}: {why}")
