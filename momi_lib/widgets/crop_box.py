"""A box of 1:2 over a picture, to be moved and resized by pointer or keyboard: an anywidget.

The drawing itself is static/crop_box.js. ipywidgets gathers what changes while the kernel is busy and sends the last of
it, so the last position wins.
"""

from __future__ import annotations

import io
import math

import anywidget
import traitlets
from PIL import Image

from momi_lib.widgets.pose_editor import STATIC
from momi_lib.widgets.upload import Box

__all__ = ["LEAST", "CropBox"]

LEAST = 0.1  # share of the largest box; a smaller one has no corners to take hold of
LONGEST = 600  # pixels of the longer side as the browser gets them, twice as many as it shows


class CropBox(anywidget.AnyWidget):
    """A picture with a box of 1:2, of which nothing can leave the picture.

    Attributes:
        across, down, size: of the box, each a share as in :class:`momi_lib.widgets.upload.Box`; size is from
            `LEAST` to 1.
        picture: JPEG of what lies under the box. width, height: of the picture, in its own pixels.
        name: what the picture is called.

    Raises:
        traitlets.TraitError: for a share that is no number or out of range.

    >>> crop = CropBox()
    >>> crop.show(Image.new("RGB", (200, 300)), "me.png")
    >>> crop.across = 1.0
    >>> crop.box.of(crop.width, crop.height)
    (50, 0, 200, 300)
    """

    _esm = STATIC / "crop_box.js"
    _css = STATIC / "explorer.css"

    # The kernel's echo of an older position would undo what the hand has done since, until the next frame sends it.
    across = traitlets.Float(0.5).tag(sync=True, echo_update=False)
    down = traitlets.Float(0.5).tag(sync=True, echo_update=False)
    size = traitlets.Float(1.0).tag(sync=True, echo_update=False)
    least = traitlets.Float(LEAST, read_only=True).tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)
    width = traitlets.Int(1, min=1).tag(sync=True)
    height = traitlets.Int(2, min=1).tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)

    @property
    def box(self) -> Box:
        """The box."""
        return Box(self.across, self.down, self.size)

    def show(self, image: Image.Image, name: str) -> None:
        """Put a picture (RGB) under the box, which stays where it is."""
        small = image.copy()
        small.thumbnail((LONGEST, LONGEST))
        buffer = io.BytesIO()
        small.save(buffer, format="JPEG", quality=90)
        with self.hold_sync():
            self.width, self.height = image.size
            self.name, self.picture = name, buffer.getvalue()

    @traitlets.validate("across", "down", "size")
    def _share(self, proposal: dict) -> float:
        name, value = proposal["trait"].name, proposal["value"]
        least = LEAST if name == "size" else 0.0
        if not (math.isfinite(value) and least <= value <= 1.0):
            raise traitlets.TraitError(f"{name}: expected a number from {least:g} to 1, got {value}")
        return value
