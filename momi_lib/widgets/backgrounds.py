"""The explorer's menu of what stands behind the drawn person."""

from __future__ import annotations

from typing import cast

import ipywidgets as widgets

from momi_lib.widgets.swap_state import BACKGROUNDS, Swapper

__all__ = ["BackgroundMenu"]


class BackgroundMenu(widgets.Dropdown):
    """A street, plain grey, or what the network draws; off where the network draws the street in any case.

    Args:
        swapper: whose network draws.

    Attributes:
        value: one of the swapper's ``backgrounds``.
        disabled, tooltip: off, and why.

    >>> from momi_lib.train.presets import preset
    >>> from momi_lib.translate import MomiNet
    >>> menu = BackgroundMenu(Swapper(network=MomiNet(preset("tiny").network).eval()))
    >>> menu.value, menu.disabled, menu.tooltip
    ('drawn', True, 'These weights draw person and street together, so the background cannot be chosen')
    """

    def __init__(self, swapper: Swapper) -> None:
        self._wanted: str | None = None
        super().__init__(
            description="Background", layout={"width": "270px"}, style={"description_width": "78px"}
        )
        self.take(swapper)

    def take(self, swapper: Swapper) -> None:
        """Offer what a swapper's method can do; what was chosen last is chosen again where it can be."""
        if not self.disabled and self.options:
            self._wanted = cast(str, self.value)
        names = swapper.backgrounds
        off, told = len(names) == 1, "What stands behind the person"
        if off:
            told = swapper.limits.background if swapper.studio else swapper.missing
        self.options = [(BACKGROUNDS[name][0], name) for name in names]
        self.value = self._wanted if self._wanted in names else names[0]
        self.tooltip, self.disabled = told, off
