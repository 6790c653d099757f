"""A button that uploads a picture: an anywidget around the browser's own file input.

The browser makes a large picture smaller before it sends it, because Jupyter's servers drop the connection, without a
word, at a message of more than 10 MiB; ipywidgets' own FileUpload sends files as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets

from momi_lib.widgets.pose_editor import STATIC

__all__ = ["PictureButton"]

LONGEST = 1024  # pixels of the longer side; what is larger comes smaller
MOST = 2**20  # bytes; a larger file comes as a smaller picture


class PictureButton(anywidget.AnyWidget):
    """Hands over the file that was chosen.

    Args:
        on_file: called with the file's name and its bytes. A picture larger than `LONGEST` or `MOST` comes smaller,
            upright and as JPEG. Of a file that the browser cannot read the beginning comes, which is enough to say
            what is wrong with it.
        description: what stands on the button.

    >>> button = PictureButton(lambda name, content: print(name, content))
    >>> button.receive({"type": "file", "name": "me.png"}, [b"PNG"])
    me.png b'PNG'
    """

    _esm = STATIC / "picture_button.js"
    _css = STATIC / "explorer.css"

    description = traitlets.Unicode().tag(sync=True)
    accept = traitlets.List(traitlets.Unicode()).tag(sync=True)
    longest = traitlets.Int(LONGEST).tag(sync=True)
    most = traitlets.Int(MOST).tag(sync=True)

    def __init__(self, on_file: Callable[[str, bytes], Any], description: str = "Upload a picture") -> None:
        self._on_file = on_file
        super().__init__(description=description, accept=["image/jpeg", "image/png", "image/webp", "image/bmp"])
        self.on_msg(lambda _, message, buffers: self.receive(message, buffers))

    def receive(self, message: dict[str, Any], buffers: Sequence[bytes | memoryview]) -> None:
        """Take in a message of the browser; one that holds no file is left out."""
        if message.get("type") == "file" and len(buffers) == 1:
            self._on_file(str(message.get("name") or "your file"), bytes(buffers[0]))
