"""A widget for a study's pictures: choose a swap and a variant, see what it drew and how far it is from the truth."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, cast

import ipywidgets as widgets

from momi_lib.study.pictures import StudyPictures
from momi_lib.widgets.evidence_panels import Picture
from momi_lib.widgets.png import map_png, picture_png
from momi_lib.widgets.swap_panels import BRIGHT

__all__ = ["StudyExplorer"]


class StudyExplorer:
    """The drawings of a study, one at a time.

    Args:
        pictures: of the study.
        result: its JSON; the variant's means over seeds are said beside the picture.

    Attributes:
        widget: the ipywidgets box; an explorer on the last line of a cell shows it.
        pair, variant: Dropdown, `.value` is a place among the pairs, and a variant's name.
        panels: name → :class:`~momi_lib.widgets.evidence_panels.Picture`.
        message: HTML, what a screen reader announces.
    """

    def __init__(self, pictures: StudyPictures, result: Mapping[str, Any]) -> None:
        self.pictures, self.result = pictures, result
        wide = {"layout": {"width": "260px"}, "style": {"description_width": "60px"}}
        numbers = [(f"swap {place + 1}", place) for place in range(len(pictures))]
        self.pair = widgets.Dropdown(options=numbers, description="Swap", **wide)
        self.variant = widgets.Dropdown(options=list(pictures.variants), description="Variant", **wide)
        names = ["source", "target", "drawn", *(["truth", "difference"] if "truth" in pictures.columns else [])]
        self.panels = {name: Picture(width=110) for name in names}
        self.message = widgets.HTML()
        for choice in (self.pair, self.variant):
            choice.observe(lambda _: self._update(), names="value")
        self.widget = widgets.VBox(
            [widgets.HBox([self.pair, self.variant]), widgets.HBox(list(self.panels.values())), self.message]
        )
        self._update()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = "The pictures of the study: run this cell in JupyterLab to choose among them."
        return bundle

    @property
    def _chosen(self) -> tuple[int, str]:
        return cast(int, self.pair.value), cast(str, self.variant.value)

    def _update(self) -> None:
        place, variant = self._chosen
        shown = {name: self.pictures.of(name)[place] for name in ("source", "target")}
        shown["drawn"] = self.pictures.of(variant)[place]
        if "truth" in self.panels:
            shown["truth"] = self.pictures.of("truth")[place]
            gap = (shown["drawn"].float() - shown["truth"].float()).abs().mean(0) / 255
            what = f"where it differs from the truth, yellow from {BRIGHT}"
            drawn = map_png(gap, high=BRIGHT, picture=shown["truth"])
            self.panels["difference"].draw(drawn, f"difference: {what}", "difference")
        for name, picture in shown.items():
            what = f"swap {place + 1} by {variant}" if name == "drawn" else f"{name} of swap {place + 1}"
            self.panels[name].draw(picture_png(picture), what, name if name != "drawn" else variant)
        self.message.value = f'<div role="status">{html.escape(self.said)}</div>'

    @property
    def said(self) -> str:
        """The scores of what is shown, in a sentence."""
        place, variant = self._chosen
        words: list[str] = []
        if self.pictures.l1:
            here = {name: self.pictures.l1[name][place] for name in self.pictures.variants}
            rank = sorted(here, key=here.__getitem__).index(variant) + 1
            words.append(
                f"This picture, on the person: L1 {here[variant]:.3f} (place {rank} of {len(here)}), "
                f"SSIM {self.pictures.ssim[variant][place]:.3f}."
            )
        means = self.result["means"][variant]
        shown = [f"{score} {means[score]['mean']:.3f}" for score in ("L1", "FID", "APS", "PCK") if score in means]
        return " ".join([*words, f"{variant} over all swaps and seeds: {', '.join(shown)}."])
