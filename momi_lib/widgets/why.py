"""Why the swap looks as it does: which of its pixels were carried over, which mirrored and which drawn."""

from __future__ import annotations

import html

import ipywidgets as widgets
from torch import Tensor

from momi_lib.widgets.evidence_panels import Picture, row
from momi_lib.widgets.png import origins_png, shares_png
from momi_lib.widgets.session import Origins
from momi_lib.widgets.swap_state import BACKGROUNDS, State, Swapper

__all__ = ["ORIGINS", "Why"]

#: Where a pixel of the person may come from → its colour on the map, and what the legend says of it.
ORIGINS = {
    "carried": ("#005a9c", "from the same place of the body in the source"),
    "mirrored": ("#f0e442", "from the other side of the body in the source, because the source hides this side"),
    "drawn": ("#d55e00", "made up by the generator G, because the source shows neither side"),
}
ONLY = (
    "Where each pixel came from is only known for networks that carry clothes over, such as MOMI-Net (small); "
    "choose one of them in the menu “Drawn by”."
)
TWO = "Between two people there are two sources. Set Appearance to 0 to see where each pixel came from."


class Why(widgets.VBox):
    """A map of the swap that says where each pixel came from, and beside it what came from there.

    Args:
        swapper: whose method drew.

    Attributes:
        panels: "map", "carried", "mirrored", "drawn", "behind" → :class:`Picture`; what there is none of is not drawn.
        said: HTML, the shares in a sentence, or why they are not known.
        origins: the :class:`~momi_lib.widgets.session.Origins` that are shown; None where they are not known.

    >>> from momi_lib.train.presets import preset
    >>> from momi_lib.translate import MomiNet
    >>> swapper = Swapper(network=MomiNet(preset("tiny").network).eval())
    >>> why = Why(swapper)
    >>> why.show(swapper(3, 8))
    >>> why.origins is None, "only known for networks that carry" in why.said.value
    (True, True)
    """

    def __init__(self, swapper: Swapper) -> None:
        self.swapper = swapper
        self.origins: Origins | None = None
        self.panels = {name: Picture(width=136) for name in ("map", *ORIGINS, "behind")}
        self.said = widgets.HTML()
        patch = '<span class="momi-patch" style="background: {}"></span> <b>{}</b>: {}'
        lines = [patch.format(colour, name, told) for name, (colour, told) in ORIGINS.items()]
        self.legend = widgets.HTML(f'<div class="momi-legend">{"<br>".join(lines)}</div>')
        super().__init__([self.said, row(list(self.panels.values())), self.legend])

    def take(self, swapper: Swapper) -> None:
        """Explain this swapper's method from the next :meth:`show` on."""
        self.swapper = swapper

    def show(self, state: State) -> None:
        """Explain a state."""
        studio = self.swapper.studio
        self.origins, why = None, self.swapper.missing if studio is None else ONLY
        if state.swap is not None and studio is not None:
            landmarks, valid = state.poses
            found = studio.origins(self.swapper.person(state.source), landmarks[1], valid[1])
            if found is not None and state.look_share > 0:
                why = TWO
            else:
                self.origins = found
        if self.origins is None or state.swap is None:
            for panel in self.panels.values():
                panel.clear(why)
            self.legend.layout.display = "none"
            self._say(why)
            return
        self.legend.layout.display = ""
        self._draw(self.origins, state.swap, BACKGROUNDS[state.background][0])

    def _draw(self, origins: Origins, swap: Tensor, behind: str) -> None:
        shares = dict(zip(ORIGINS, origins.of_person, strict=True))
        spread = ", ".join(f"{_percent(share)} {name}" for name, share in shares.items())
        colours = [colour for colour, _ in ORIGINS.values()]
        drawn = origins_png(origins.shares, origins.silhouette, swap, colours, scale=2)
        self.panels["map"].draw(drawn, f"where from: of the person's pixels {spread}", "where each pixel", "came from")
        for place, (name, share) in enumerate(shares.items()):
            panel, opacity = self.panels[name], origins.shares[place] * origins.silhouette
            told = f"{_percent(share)} of the person"
            if round(100 * share) < 1:
                panel.clear(f"{name}: {told}")
                continue
            drawn = shares_png(origins.pictures[place], opacity, scale=2)
            panel.draw(drawn, f"{name}: the pixels that were {name}, {told}; {ORIGINS[name][1]}", name, told)
        rest = 1 - origins.silhouette
        drawn, told = shares_png(swap, rest, scale=2), f"{float(rest.mean()):.0%} of the picture"
        self.panels["behind"].draw(drawn, f"behind: {behind}, {told}", behind, told)
        self._say(f"Of the person's pixels, {spread}; behind the person: {behind}.")

    def wait(self) -> None:
        """Say that what is shown does not follow an animation that plays."""
        if self.origins is not None:
            self._say("The animation plays; pause it to see where the pixels of its picture came from.")

    def _say(self, text: str) -> None:
        self.said.value = f"<div>{html.escape(text)}</div>"


def _percent(share: float) -> str:
    """A share in words.

    >>> _percent(0.224), _percent(0.004)
    ('22%', 'less than 1%')
    """
    return f"{share:.0%}" if round(100 * share) >= 1 else "less than 1%"
