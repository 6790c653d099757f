"""The pose swap explorer: choose a person and a pose, see the swap and all that leads to it (notebook 08).

Everything that the widget shows can be asked from Python: set `explorer.source.value`, read `explorer.state`.
"""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import torch

from momi_lib.data import to_float
from momi_lib.lessons.raster import blank_png, map_png, picture_png, skeleton_png
from momi_lib.lessons.swapping import State, Swapper
from momi_lib.train.log import picture_grid, save_picture
from momi_lib.translate import MomiNet

__all__ = ["SwapExplorer"]

MOST = 400  # entries of a list; a browser draws more of them only slowly
BRIGHT = 0.5  # a difference from here on is yellow
PANELS = {
    "source": "source x",
    "target": "target",
    "pose": "pose map p",
    "swap": "swap",
    "truth": "true answer",
    "difference": "difference",
}
WRAP = {"flex_flow": "row wrap", "align_items": "center", "grid_gap": "8px"}


class Picture(widgets.HTML):
    """A PNG with an alternative text, which ipywidgets' own Image has no place for.

    Attributes:
        png: what is shown; alternative: for readers who do not see it.

    >>> picture = Picture(width=40)
    >>> picture.draw(picture_png(torch.zeros(3, 128, 64)), "a black picture", "black")
    >>> picture.alternative, picture.png[1:4]
    ('a black picture', b'PNG')
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.png, self.alternative, self._width = b"", "", width

    def draw(self, png: bytes, alternative: str, *lines: str) -> None:
        """Show `png`, and the `lines` under it."""
        self.png, self.alternative = png, alternative
        source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        caption = "<br>".join(map(html.escape, lines))
        image = f'<img width="{self._width}" alt="{html.escape(alternative)}" src="{source}">'
        self.value = f'<div style="line-height: 1.3">{image}<br>{caption}</div>'


class SwapExplorer:
    """A widget that draws the person of one picture in the pose of another.

    Args:
        folder: data folder; None is `$MOMI_DATA` or the embedded mannequins.
        network: a network, or what :func:`momi_lib.translate.load_network` takes. Where the weights are
            missing, the widget says so and what to do, and shows the pictures alone.
        pictures: indices of the people to choose from; None takes all, or at most 400 where there are more:
            those of evenly spaced pairs that have a true answer, or else evenly spaced ones.
        split: which people.
        seed: of the button "Random pair".
        save_to: folder of the button "Save PNG".

    Attributes:
        widget: the ipywidgets box; an explorer on the last line of a cell shows it.
        source, target: Dropdown, `.value` is an index into `people`.
        mirror: ToggleButton. shuffle, save: Button.
        panels: name → :class:`Picture`. message: HTML, what a screen reader announces.
        people, truth, network: see :class:`momi_lib.lessons.swapping.Swapper`.
        state: the :class:`momi_lib.lessons.swapping.State` that is shown.

    Raises ValueError for `pictures` that are not at least two indices of the people.

    >>> from momi_lib.train.config import preset
    >>> explorer = SwapExplorer(network=MomiNet(preset("tiny").network).eval())
    >>> explorer.target.value = explorer.target.options[7][1]
    >>> explorer.state.target == explorer.target.value, tuple(explorer.state.swap.shape)
    (True, (3, 128, 64))
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        network: MomiNet | str | Path = "small",
        pictures: Sequence[int] | None = None,
        split: str = "test",
        seed: int = 0,
        save_to: str | os.PathLike[str] = "runs/swaps",
    ) -> None:
        self.swapper = Swapper(folder, network, split)
        self.people, self.truth, self.network = self.swapper.people, self.swapper.truth, self.swapper.network
        self.save_to = Path(save_to)
        self._dice = torch.Generator().manual_seed(seed)
        self._chosen = self._choice(pictures)
        self._pairs = [pair for pair in self.swapper.answers if set(self._chosen).issuperset(pair)]
        self._waiting = False
        self._build()
        self._update()

    def _choice(self, pictures: Sequence[int] | None) -> list[int]:
        count = len(self.people)
        if pictures is None:
            pairs = list(self.swapper.answers)
            if count > MOST and pairs:
                some = ({index for pair in pairs[::step] for index in pair} for step in range(1, len(pairs) + 1))
                return sorted(next(chosen for chosen in some if len(chosen) <= MOST))
            step = max(1.0, count / MOST)
            return [int(place * step) for place in range(min(count, MOST))]
        chosen = sorted({int(index) for index in pictures})
        if len(chosen) < 2 or chosen[0] < 0 or chosen[-1] >= count:
            expected = f"at least two indices from 0 to {count - 1}"
            raise ValueError(f"pictures: expected {expected}, got {list(pictures)!r}")
        return chosen

    def _build(self) -> None:
        persons, cameras = self.people.persons.tolist(), self.people.cameras.tolist()
        options = [(f"person {persons[i]}, camera {cameras[i]}, picture {i}", i) for i in self._chosen]
        first, second = self._pairs[0] if self._pairs else self._strangers(self._chosen[0])
        wide = {"layout": {"width": "330px"}, "style": {"description_width": "60px"}}
        self.source = widgets.Dropdown(options=options, value=first, description="Source", **wide)
        self.target = widgets.Dropdown(options=options, value=second, description="Target", **wide)
        self.mirror = widgets.ToggleButton(description="Mirror target", tooltip="Mirror the target's picture")
        what = "Draw a pair that has a true answer" if self._pairs else "Draw two different people"
        self.shuffle = widgets.Button(description="Random pair", tooltip=what)
        self.save = widgets.Button(description="Save PNG", tooltip="Save source, target, swap and true answer")
        self.message = widgets.HTML()
        self.thumbnails = {name: Picture(width=36) for name in ("source", "target")}
        self.panels = {name: Picture(width=120) for name in PANELS}
        choices = [self.thumbnails["source"], self.source, self.thumbnails["target"], self.target]
        rows = [choices, [self.mirror, self.shuffle, self.save], list(self.panels.values())]
        boxes = [widgets.HBox(row, layout=widgets.Layout(**WRAP)) for row in rows]
        self.widget = widgets.VBox([*boxes, self.message])
        for control in (self.source, self.target, self.mirror):
            control.observe(self._update, names="value")
        self.shuffle.on_click(self._shuffle)
        self.save.on_click(self._save)

    def _strangers(self, first: int) -> tuple[int, int]:
        """`first` and a random picture of somebody else, or at least another picture."""
        persons = self.people.persons
        others = [i for i in self._chosen if persons[i] != persons[first]]
        others = others or [i for i in self._chosen if i != first]
        return first, others[self._draw_number(len(others))]

    def _draw_number(self, count: int) -> int:
        return int(torch.randint(count, (1,), generator=self._dice))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = dict(self.widget._repr_mimebundle_(**kwargs))
        bundle["text/plain"] = "The pose swap explorer: run this cell in JupyterLab to use it."
        return bundle

    def choose(self, source: int, target: int, *, mirrored: bool = False) -> State:
        """Show a pair, and return what is shown.

        Raises ValueError for an index that the lists do not hold.
        """
        for name, index in (("source", source), ("target", target)):
            if int(index) not in self._chosen:
                raise ValueError(f"{name}: expected the index of a picture in the list, got {index}")
        with self._together():
            self.source.value, self.target.value, self.mirror.value = int(source), int(target), mirrored
        return self.state

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Several changes, one drawing."""
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False
        self._update()

    def _shuffle(self, _: Any = None) -> None:
        if self._pairs:
            self.choose(*self._pairs[self._draw_number(len(self._pairs))])
        else:
            self.choose(*self._strangers(self._chosen[self._draw_number(len(self._chosen))]))

    def _save(self, _: Any = None) -> None:
        state = self.state
        if state.swap is None:
            self._say(f"There is no swap to save. {self.swapper.missing}")
            return
        row = [*self.swapper.pictures(state), to_float(state.swap)]
        if state.truth is not None:
            row.append(to_float(self.truth.pictures[state.truth]))
        mirrored = "_mirrored" if state.mirrored else ""
        path = self.save_to / f"swap_{state.source}_to_{state.target}{mirrored}.png"
        try:
            save_picture(picture_grid([torch.stack(row)]), path)
        except OSError as error:
            self._say(f"Not saved: {error}. Choose another folder: explorer.save_to = Path(…).")
        else:
            self._say(f"Saved as {path}.")

    def _update(self, _: Any = None) -> None:
        if not self._waiting:
            self.state = self.swapper(self.source.value, self.target.value, self.mirror.value)
            self._draw(self.state)

    def _draw(self, state: State) -> None:
        who = {name: self._name(index) for name, index in (("source", state.source), ("target", state.target))}
        who["target"] += ", mirrored" if state.mirrored else ""
        for row, (name, picture) in enumerate(zip(who, self.swapper.pictures(state), strict=True)):
            self.thumbnails[name].draw(picture_png(picture, scale=1), f"{name}, small: {who[name]}")
            if state.swap is None:
                self._show(name, picture_png(picture), who[name])
            else:
                drawn = skeleton_png(picture, state.landmarks[row], state.valid[row])
                joints = f"{int(state.valid[row].sum())} of 17 joints"
                self._show(name, drawn, f"{who[name]} with the joints that the student found", joints)
        if state.swap is None:
            for name in ("pose", "swap"):
                self._show(name, None, "not without weights", "none")
        else:
            self._show("pose", map_png(state.pose), "the target's Gaussian pose maps, the largest value", "17 in one")
            self._show("swap", picture_png(state.swap), f"{who['source']} in the pose of {who['target']}", "G(zₐ, zₚ)")
        self._draw_truth(state)

    def _draw_truth(self, state: State) -> None:
        if state.truth is None:
            why = "a mirrored target has no true answer" if state.mirrored else "this pair has no true answer"
            why = self.swapper.missing or why
            for name in ("truth", "difference"):
                self._show(name, None, why, "none")
            self._say(why if self.swapper.missing else f"Swap drawn; {why}.")
            return
        truth, mask = self.truth.pictures[state.truth], self.truth.masks[state.truth]
        difference = (state.swap.float() - truth.float()).abs().mean(0) / 255
        drawn = map_png(difference, high=BRIGHT, picture=truth, mask=mask)
        scores = f"masked L1 {state.l1:.3f}, masked SSIM {state.ssim:.3f}"
        self._show("truth", picture_png(truth), "what the renderer draws for this swap", "rendered")
        what = f"between swap and true answer on the person, yellow from {BRIGHT}: {scores}"
        self._show("difference", drawn, what, f"L1 {state.l1:.3f}")
        self._say(f"Swap drawn; against the true answer: {scores}.")

    def _show(self, name: str, png: bytes | None, alternative: str, more: str = "") -> None:
        """Fill a panel; without a picture it stays grey."""
        png = png or blank_png(tuple(self.people.pictures.shape[-2:]))
        self.panels[name].draw(png, f"{PANELS[name]}: {alternative}", PANELS[name], more)

    def _say(self, text: str) -> None:
        self.message.value = f'<div role="status">{html.escape(text)}</div>'

    def _name(self, index: int) -> str:
        return f"picture {index} of person {int(self.people.persons[index])}"
