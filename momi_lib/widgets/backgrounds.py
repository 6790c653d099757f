"""The explorer's menu of what stands behind the drawn person."""

from __future__ import annotations

import ipywidgets as widgets

from momi_lib.widgets.swap_state import BACKGROUNDS, Swapper

__all__ = ["BackgroundMenu"]


class BackgroundMenu(widgets.Dropdown):
    """A street, plain grey, or what the network draws; off where the network draws the street in any case.

    Args:
        swapper: whose network draws.

    Attributes:
        value: one of the swapper's ``backgrounds``.

    >>> from momi_lib.train.presets import preset
    >>> from momi_lib.translate import MomiNet
    >>> menu = BackgroundMenu(Swapper(network=MomiNet(preset("tiny").network).eval()))
    >>> menu.value, menu.disabled, menu.tooltip
    ('drawn', True, 'These weights draw person and street together, so the background cannot be chosen')
    """

    def __init__(self, swapper: Swapper) -> None:
        names = swapper.backgrounds
        off, told = len(names) == 1, "What stands behind the person"
        if off:
            told = "These weights draw person and street together, so the background cannot be chosen"
            told = swapper.missing or told
        super().__init__(
            options=[(BACKGROUNDS[name][0], name) for name in names],
            value=names[0],
            description="Background",
            tooltip=told,
            disabled=off,
            layout={"width": "270px"},
            style={"description_width": "80px"},
        )
