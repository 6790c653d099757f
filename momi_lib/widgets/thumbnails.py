"""A strip of pictures to choose one of, by pointer or keyboard: an anywidget of radio buttons."""

from __future__ import annotations

from collections.abc import Sequence

import anywidget
import torch
import traitlets
from torch import Tensor

from momi_lib.widgets.png import thumbnail_sheet
from momi_lib.widgets.pose_editor import STATIC

__all__ = ["Thumbnails"]

COLUMNS = 20  # of the sheet that holds them all


class Thumbnails(anywidget.AnyWidget):
    """One of several pictures; ``value`` is its index, as a Dropdown's would be.

    Args:
        title: what is chosen.

    Attributes:
        options: tuple of (label, index). value: an index of the options.
        place: where in the options the value stands; what the browser knows.

    Raises:
        ValueError: for a value that is not among the options.

    >>> strip = Thumbnails("Source")
    >>> strip.fill([("person 4", 17), ("person 9", 3)], torch.zeros(2, 3, 128, 64, dtype=torch.uint8))
    >>> strip.value, strip.place
    (17, 0)
    >>> strip.value = 3
    >>> strip.place
    1
    """

    _esm = STATIC / "thumbnails.js"
    _css = STATIC / "explorer.css"

    title = traitlets.Unicode().tag(sync=True)
    sheet = traitlets.Bytes().tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    columns = traitlets.Int(COLUMNS).tag(sync=True)
    width = traitlets.Int(32).tag(sync=True)
    height = traitlets.Int(64).tag(sync=True)
    place = traitlets.Int(0).tag(sync=True)
    value = traitlets.Int(0)

    def __init__(self, title: str) -> None:
        self.options: tuple[tuple[str, int], ...] = ()
        super().__init__(title=title)

    def fill(self, options: Sequence[tuple[str, int]], pictures: Tensor) -> None:
        """Offer these (label, index), with pictures (N, 3, H, W) uint8; the value stays if it is among them."""
        value = self.value
        with self.hold_sync():
            self.options = tuple(options)
            self.height, self.width = (side // 2 for side in pictures.shape[-2:])
            self.labels = [label for label, _ in options]
            self.sheet = thumbnail_sheet(pictures.to(torch.uint8), columns=COLUMNS)
            indices = self.indices
            self.value = value if value in indices else indices[0]
            self.place = indices.index(self.value)

    @property
    def indices(self) -> list[int]:
        """The indices of the options, in order."""
        return [index for _, index in self.options]

    @traitlets.validate("value")
    def _known(self, proposal: dict) -> int:
        if self.options and proposal["value"] not in self.indices:
            raise ValueError(f"{self.title}: expected one of its {len(self.options)} pictures, got {proposal['value']}")
        return proposal["value"]

    @traitlets.observe("value")
    def _to_place(self, change: dict) -> None:
        if self.options:
            self.place = self.indices.index(change["new"])

    @traitlets.observe("place")
    def _to_value(self, change: dict) -> None:
        if change["new"] < len(self.options):
            self.value = self.indices[change["new"]]
