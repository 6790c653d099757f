"""Your own picture: upload, crop with a box, see what the model saw and how sure it is of it."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, NamedTuple

import ipywidgets as widgets
from PIL import Image
from torch import Tensor

from momi_lib.translate import MomiNet
from momi_lib.translate.verdict import Usual, Verdict, judged, usual_of
from momi_lib.widgets.beside import Beside
from momi_lib.widgets.crop_box import LEAST, CropBox
from momi_lib.widgets.evidence_panels import Picture, row
from momi_lib.widgets.picture_button import PictureButton
from momi_lib.widgets.png import picture_png, skeleton_png
from momi_lib.widgets.session import Draws
from momi_lib.widgets.swap_state import Swapper
from momi_lib.widgets.upload import Box, UploadError, cut, open_picture

__all__ = ["OwnPicture"]

PROMISE = (
    "A JPEG, PNG, WebP or BMP of one person, upright and whole. Your browser makes it smaller where it is large. It is "
    "kept in the memory of this kernel alone: it is neither stored nor sent on."
)


class _Look(NamedTuple):
    """A picture (3, H, W) uint8 to look at, who looks, and its width and height before it was made smaller."""

    studio: Draws
    network: MomiNet
    picture: Tensor
    pixels: tuple[int, int]


class OwnPicture(widgets.VBox):
    """Takes in a picture and hands it on as source or target.

    In Jupyter the student looks at it beside the kernel's own thread, so that an animation goes on, and of a box that
    is moved quickly only the last place is looked at.

    Args:
        swapper: whose student looks at it.
        on_use: called with the role ("source" or "target"), the index that the swapper gave, and the file's name.

    Attributes:
        upload: :class:`PictureButton`. as_source, as_target: Button.
        crop: :class:`CropBox`, the picture with its box. across, down, size: FloatSlider, which say the same.
        seen: :class:`Picture`, what the model saw.
        message: HTML, refusals and the verdict. verdict: of :func:`momi_lib.translate.verdict.judged`, the one that
            `swap` gives, too; None without a picture or a network, or as long as it is looked at. sure: whether it is.

    >>> from momi_lib.train.presets import preset
    >>> from momi_lib.translate import MomiNet
    >>> own = OwnPicture(Swapper(network=MomiNet(preset("tiny").network).eval()), print)
    >>> own.take("notes.txt", b"milk")
    >>> "notes.txt: is not a JPEG, PNG, WebP or BMP picture but text" in own.message.value
    True
    """

    def __init__(self, swapper: Swapper, on_use: Callable[[str, int, str], Any]) -> None:
        self.swapper, self._on_use = swapper, on_use
        self._image: Image.Image | None = None
        self._usual: Usual | None = None
        self.name = ""
        self.verdict: Verdict | None = None
        self._looked: Box | None = None
        self.upload, self.crop, self.seen = PictureButton(self.take), CropBox(), Picture(width=118)
        self._beside: Beside[_Look, tuple[Verdict, bytes]] = Beside(self._found, self._tell, self._fail)
        # Not continuous: such a slider, told a number between two steps, goes to the nearer one and sends it back; with
        # the link the box would return there while a hand is already moving it on.
        usual = {"continuous_update": False, "layout": {"width": "330px"}, "disabled": True}
        one = {"min": 0.0, "max": 1.0, "step": 0.01, **usual}
        named = {"style": {"description_width": "110px"}}
        self.across = widgets.FloatSlider(0.5, description="Box: across", **one, **named)
        self.down = widgets.FloatSlider(0.5, description="Box: down", **one, **named)
        self.size = widgets.FloatSlider(1.0, description="Box: size", **{**one, "min": LEAST}, **named)
        self.as_source = widgets.Button(description="Use as source", disabled=True)
        self.as_target = widgets.Button(description="Use as target", disabled=True)
        self.message = widgets.HTML()
        for name in ("across", "down", "size"):
            widgets.link((self.crop, name), (getattr(self, name), "value"))
        self.crop.observe(self._look, names=["across", "down", "size"])
        self.as_source.on_click(lambda _: self._use("source"))
        self.as_target.on_click(lambda _: self._use("target"))
        controls = widgets.VBox([self.upload, self.across, self.down, self.size, row([self.as_source, self.as_target])])
        self._pictures = row([])
        super().__init__([widgets.HTML(PROMISE), row([controls, self._pictures]), self.message])

    def take(self, name: str, content: bytes) -> None:
        """Take in a file; a refusal is a message, and what was there before stays."""
        try:
            self._image = open_picture(name, content)
        except UploadError as error:
            self._say(str(error), warning=True)
            return
        self.name = name
        for control in (self.across, self.down, self.size, self.as_source, self.as_target):
            control.disabled = False
        self.crop.show(self._image, name)
        self._looked, self.verdict = None, None
        self._say(f"{name}: the model is looking at it …", warning=False)
        self._pictures.children = [self.crop, self.seen]
        self._look()

    def _look(self, _: Any = None) -> None:
        """Cut, let the student look, and say what it makes of it."""
        if self._image is None or self.crop.box == self._looked:
            return  # of three numbers that change at once, the first tells all
        self._looked = self.crop.box
        self.picture = cut(self._image, self._looked, self.swapper.size)
        studio, network = self.swapper.studio, self.swapper.network
        if studio is None or network is None:
            self.seen.draw(picture_png(self.picture, scale=2), "what the model would see", "cropped")
            self._say(self.swapper.missing, warning=True)
            return
        left, top, right, bottom = self._looked.of(*self._image.size)
        self._beside.ask(_Look(studio, network, self.picture, (right - left, bottom - top)))

    def _found(self, look: _Look) -> tuple[Verdict, bytes]:
        """What the student makes of a picture, and the picture with its joints; touches no widget."""
        pose = look.studio.find(look.picture[None])
        usual = self._usual = self._usual or usual_of(look.network, self.swapper.people.folder)
        confidence = pose.heatmaps[0].amax((1, 2))
        verdict = judged(look.network, look.picture, usual, pixels=look.pixels, confidence=confidence)
        return verdict, skeleton_png(look.picture, pose.landmarks[0], pose.valid[0], scale=2)

    def _fail(self, error: BaseException) -> None:
        self._say(f"{self.name}: cannot be looked at ({error})", warning=True)

    def _tell(self, look: _Look, found: tuple[Verdict, bytes]) -> None:
        self.verdict, drawn = found
        self.seen.draw(drawn, "what the model saw, with the joints that it found", "what the model saw")
        animated = self._image is not None and self._image.info.get("animated")
        first = "Of its frames the first is used. " if animated else ""
        self._say(f"{self.name}: {first}{self.verdict.told}", warning=not self.verdict.sure)

    @property
    def sure(self) -> bool | None:
        """Whether the network knows how to read the picture; None without a picture or a network."""
        return None if self.verdict is None else self.verdict.sure

    def _use(self, role: str) -> None:
        if self._image is not None:
            self._on_use(role, self.swapper.add(self.picture), self.name)

    def _say(self, text: str, *, warning: bool) -> None:
        kind, mark = (" momi-warning", "⚠ ") if warning else ("", "")
        self.message.value = f'<div class="momi-message{kind}" role="status">{mark}{html.escape(text)}</div>'
