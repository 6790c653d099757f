"""An animation becomes a GIF frame by frame, beside the kernel's own thread, with a bar that says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets
from PIL import Image

from momi_lib.widgets.beside import Beside
from momi_lib.widgets.interpolation_controls import INTERVAL
from momi_lib.widgets.png import map_png, picture_png
from momi_lib.widgets.saving import gif, gif_frame
from momi_lib.widgets.swap_state import State

__all__ = ["GifExport"]


class GifExport:
    """Draws frames one after the other and puts them together.

    Args:
        finished: called with the bytes of the GIF.
        failed: called with what was raised on the way.

    Attributes:
        bar: IntProgress, shown while it runs: ``value`` of ``max`` frames are drawn.
        running: whether it runs.

    >>> import torch
    >>> export = GifExport(lambda content: print(content[:6]), print)
    >>> export.start([lambda: State(3, 8, pose=torch.zeros(2, 1), swap=torch.zeros(3, 2, 1).byte())] * 2)
    b'GIF89a'
    >>> export.bar.value, export.bar.layout.display
    (2, 'none')
    """

    def __init__(self, finished: Callable[[bytes], object], failed: Callable[[BaseException], object]) -> None:
        self._finished, self._failed = finished, failed
        self._frames: list[Callable[[], State]] = []
        self._drawn: list[Image.Image] = []
        self._beside: Beside[int, Image.Image | bytes] = Beside(self._work, self._done, self._stop_with)
        self.running = False
        layout = {"width": "300px", "display": "none", "flex": "none"}
        self.bar = widgets.IntProgress(description="GIF", layout=layout, style={"description_width": "110px"})

    def start(self, frames: Sequence[Callable[[], State]]) -> None:
        """Draw `frames`, each of which gives a state with a swap, and put them together."""
        self.stop()
        self._frames, self._drawn, self.running = list(frames), [], True
        self.bar.max = len(self._frames)
        self._tell(0)
        self.bar.layout.display = ""
        self._beside.ask(0)

    def stop(self) -> None:
        """Give up what is being drawn."""
        self._beside.drop()
        self.running, self.bar.layout.display = False, "none"

    def _tell(self, count: int) -> None:
        self.bar.value = count
        self.bar.description = f"frame {count} of {self.bar.max}"

    def _work(self, number: int) -> Image.Image | bytes:
        if number == len(self._frames):
            return gif(self._drawn, milliseconds=INTERVAL)
        state = self._frames[number]()
        assert state.pose is not None and state.swap is not None  # of a method that takes poses
        return gif_frame([map_png(state.pose, scale=1), picture_png(state.swap, scale=1)])

    def _done(self, number: int, result: Image.Image | bytes) -> None:
        if isinstance(result, bytes):
            self.stop()
            self._finished(result)
            return
        self._drawn.append(result)
        self._tell(number + 1)
        self._beside.ask(number + 1)

    def _stop_with(self, error: BaseException) -> None:
        self.stop()
        self._failed(error)
