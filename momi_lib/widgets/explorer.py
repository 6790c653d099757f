"""The pose swap explorer: choose a person and a pose, take hold of a joint, and see the swap and all that leads to it.

Everything that the widget shows can be asked from Python: set `explorer.source.value`, call `explorer.move(…)`, read
`explorer.state`. Used in notebook 08 and, as an app, by `make app`.
"""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import ipywidgets as widgets
import torch

from momi_lib.data import to_float
from momi_lib.pose import Teacher
from momi_lib.translate.swaps import Swaps
from momi_lib.widgets.answer_menu import AnswerMenu
from momi_lib.widgets.backgrounds import BackgroundMenu
from momi_lib.widgets.beside import Beside
from momi_lib.widgets.evidence_panels import Stations, row
from momi_lib.widgets.gif_export import GifExport
from momi_lib.widgets.interpolation_controls import Ways
from momi_lib.widgets.known_answers import known_answers
from momi_lib.widgets.other_studios import file_part
from momi_lib.widgets.own_picture import OwnPicture
from momi_lib.widgets.pose_editor import Edit, joint_index
from momi_lib.widgets.saving import download_link, row_png, write
from momi_lib.widgets.skeleton_edit import move
from momi_lib.widgets.swap_panels import Stage
from momi_lib.widgets.swap_state import Pose, State, Swapper, choice
from momi_lib.widgets.thumbnails import Thumbnails
from momi_lib.widgets.why import Why

__all__ = ["SwapExplorer"]

PAGES = ("What leads to it", "Why", "Your own picture")
PLAYING = "The animation plays; what is shown has no true answer. Who takes hold of a joint stops it."
SAVE_GIF = "Save GIF"


class SwapExplorer:
    """A widget that draws the person of one picture in the pose of another, or in any pose that a hand makes of it.

    Args:
        folder: data folder; None is `$MOMI_DATA` or the embedded mannequins.
        network: whatever satisfies :class:`momi_lib.translate.swaps.Swaps`, or what
            :func:`momi_lib.rivals.weights.load_answer` takes. Where the weights are missing, the widget says so and
            what to do, and shows the pictures alone.
        answers: more of the same, such as ``["pg2", "patn", "dg-net"]``, which a menu offers beside `network`; "known"
            are those of :func:`momi_lib.widgets.known_answers.known_answers`: our networks, the rivals whose weights
            are there, a copy of the source and one of the target. None: no menu. Each is loaded when it is first
            chosen. Person, target and moved joints stay; controls of what a method cannot do are off, and their
            tooltips say why. A method that cannot be used is said in a sentence, and the one before it stays.
        pictures: indices of the people to choose from, see :func:`momi_lib.widgets.swap_state.choice`.
        split: which people.
        seed: of the button "Random pair".
        save_to: folder of the buttons "Save PNG" and "Save GIF".
        teacher: a teacher, or the file of one; None is the mannequins'.

    Attributes:
        widget: the ipywidgets box; an explorer on the last line of a cell shows it.
        source, target: :class:`Thumbnails`, `.value` is an index into `people`.
        stage: pictures around the skeleton. editor, panels: its parts, see :class:`momi_lib.widgets.swap_panels.Stage`.
        mirror, keep: ToggleButton. background: :class:`BackgroundMenu`. reset_pose, shuffle, save, save_gif: Button.
        ways: :class:`Ways`, sliders and the animation. export: :class:`~momi_lib.widgets.gif_export.GifExport`.
        pages: Tab of the three below: stations, why, own.
        answer: :class:`AnswerMenu`, `.value` is a name of `answers`; None where `answers` is None.
        message: HTML, what a screen reader announces.
        people, truth, network: see :class:`momi_lib.widgets.swap_state.Swapper`.
        state: the :class:`momi_lib.widgets.swap_state.State` that is shown.

    In Jupyter, frames of an animation that plays and of a GIF are drawn beside the kernel's own thread: buttons are
    answered meanwhile, and frames that are overtaken are dropped. What is set from Python is drawn at once.

    Raises ValueError for `pictures` that are not at least two indices of the people, and TypeError for a network or
    answers that do not satisfy Swaps.

    >>> from momi_lib.train.presets import preset
    >>> from momi_lib.translate import MomiNet
    >>> explorer = SwapExplorer(network=MomiNet(preset("tiny").network).eval(), pictures=[5, 60, 9])
    >>> explorer.target.value = 60
    >>> explorer.move("left_wrist", 31, 70).edited, tuple(explorer.state.swap.shape)
    (True, (3, 128, 64))
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        network: Swaps | str | Path = "small",
        answers: Sequence[Swaps | str | Path] | Literal["known"] | None = "known",
        pictures: Sequence[int] | None = None,
        split: str = "test",
        seed: int = 0,
        save_to: str | os.PathLike[str] = "runs/swaps",
        teacher: Teacher | Path | None = None,
    ) -> None:
        self.swapper = Swapper(folder, network, split, teacher)
        self.people, self.truth, self.network = self.swapper.people, self.swapper.truth, self.swapper.network
        self.save_to = Path(save_to)
        self._generator = torch.Generator().manual_seed(seed)
        self._chosen = choice(self.swapper, pictures)
        self._pairs = [pair for pair in self.swapper.answers if set(self._chosen).issuperset(pair)]
        self._names: dict[int, str] = {}
        self._edited: Pose | None = None
        self._waiting = False
        self._moving = False  # what is shown is a frame of an animation
        answers = known_answers(self.swapper.size) if isinstance(answers, str) else answers
        self.answer = None if answers is None else AnswerMenu(self.swapper, network, answers)
        self._build()
        self._take(self.swapper)
        self._update(pair=True)

    def _build(self) -> None:
        self.source, self.target = Thumbnails("Source"), Thumbnails("Target")
        self._fill()
        self.source.value, self.target.value = self._pairs[0] if self._pairs else self._strangers(self._chosen[0])
        self.stage = Stage(self.swapper, self._name, self._edit)
        self.editor, self.panels = self.stage.editor, self.stage.panels
        self.stations, self.why = Stations(self.swapper), Why(self.swapper)
        self.ways, self.own = Ways(self._update, self._step), OwnPicture(self.swapper, self._use)
        self._frames: Beside[Callable[[], State], State] = Beside(lambda draw: draw(), self._show_frame, self._fail)
        self.export = GifExport(self._keep_gif, self._fail)
        self.background = BackgroundMenu(self.swapper)
        auto = {"layout": {"width": "auto"}}
        self.mirror = widgets.ToggleButton(description="Mirror target", tooltip="Mirror the target's pose", **auto)
        lengths = "Pressed: a moved limb turns and keeps its length. Not pressed: the joint moves alone"
        self.keep = widgets.ToggleButton(value=True, description="Keep limb lengths", tooltip=lengths, **auto)
        what = "Draw a pair that has a true answer" if self._pairs else "Draw two different people"
        buttons = (
            ("Reset pose", "Back to the target's own pose", self.reset),
            ("Random pair", what, self._shuffle),
            ("Save PNG", "Save source, target, swap and true answer", self._save),
            (SAVE_GIF, "Save the animation, there and back", self._save_gif),
        )
        self.buttons = [widgets.Button(description=name, tooltip=told, **auto) for name, told, _ in buttons]
        for button, (_, _, action) in zip(self.buttons, buttons, strict=True):
            button.on_click(lambda _, action=action: action())
        self.reset_pose, self.shuffle, self.save, self.save_gif = self.buttons
        self._of_poses: dict[widgets.ToggleButton | widgets.Button, str | None] = {  # → their usual tooltips
            control: control.tooltip for control in (self.keep, self.reset_pose, self.save_gif)
        }  # off where a method takes no pose
        self.message = widgets.HTML()
        self.pages = widgets.Tab([self.stations, self.why, self.own], titles=PAGES)
        menu = [] if self.answer is None else [self.answer]
        strips = widgets.HBox([self.source, self.target])
        strips.add_class("momi-strips")
        controls = row([*menu, self.background, self.shuffle, self.mirror, self.keep])
        self.ways.more.children += (self.reset_pose, self.save, self.save_gif)
        told = widgets.HBox([self.export.bar, self.message])  # under the pictures, so that none of them moves
        told.add_class("momi-told")
        below = [told, self.ways.told, self.pages]
        self.widget = widgets.VBox([strips, controls, self.ways, self.stage.widget, *below])
        self.widget.add_class("momi-explorer")
        widgets.dlink((self.keep, "value"), (self.editor, "keep"))
        for strip in (self.source, self.target):
            strip.observe(self._choose_pair, names="value")
        self.mirror.observe(self._mirror, names="value")
        for toggle in (self.mirror, self.keep):  # a mark, because a shade alone is no sign
            widgets.dlink((toggle, "value"), (toggle, "icon"), lambda pressed: "check" if pressed else "")
        self.background.observe(self._update, names="value")
        self.ways.play.observe(self._pause, names="playing")
        self.pages.observe(self._explain, names="selected_index")
        if self.answer is not None:
            self.answer.observe(self._choose_answer, names="value")

    def _choose_answer(self, change: dict[str, Any]) -> None:
        """Draw with another method, or say why not and go back to the one before."""
        menu = self.answer
        if menu is None or self._waiting:
            return
        before = self.swapper
        try:
            self._take(menu.swapper(change["new"]))
            self._update(pair=True)
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            with self._quietly():
                menu.value = change["old"]
            self._take(before)
            self._update(pair=True)
            why, stays = str(error).rstrip("."), f"The swap is still that of {menu.title(change['old'])}."
            stays = stays if self.state.swap is not None else "There is still no swap."
            self._say(f"{menu.title(change['new'])} cannot be used: {why}. {stays}")

    def _take(self, swapper: Swapper) -> None:
        """Draw with the method of a swapper from the next drawing on, and switch off what it cannot do."""
        self.swapper, self.network, limits = swapper, swapper.network, swapper.limits
        menu = self.answer
        self.stage.take(swapper, "" if menu is None or menu.index == 0 else menu.label or "")
        self.stations.take(swapper)
        self.why.take(swapper)
        self._frames.drop()
        with self._quietly():
            self.ways.take(limits)
            self.background.take(swapper)
        for control, usual in self._of_poses.items():
            control.disabled, control.tooltip = bool(limits.pose), limits.pose or usual
        if self.own.swapper.network is None and swapper.network is not None:
            self.own.swapper = swapper  # whose student judges pictures

    def _fill(self) -> None:
        """Give both strips their pictures."""
        indices = [*self._names, *self._chosen]  # uploaded ones first, where they are seen
        known = torch.stack([self.swapper.pixels(index) for index in indices])
        for strip in (self.source, self.target):
            strip.fill([(self._label(index), index) for index in indices], known)

    def _label(self, index: int) -> str:
        if index in self._names:
            return f"your picture {self._names[index]}"
        return f"person {int(self.people.persons[index])}, camera {int(self.people.cameras[index])}, picture {index}"

    def _name(self, index: int) -> str:
        known = f"picture {index} of person {int(self.people.persons[index])}" if index not in self._names else ""
        return known or self._label(index)

    def _strangers(self, first: int) -> tuple[int, int]:
        """`first` and a random picture of somebody else, or at least another picture."""
        persons = self.people.persons
        others = [i for i in self._chosen if persons[i] != persons[first]] or [i for i in self._chosen if i != first]
        return first, others[self._draw_number(len(others))]

    def _draw_number(self, count: int) -> int:
        return int(torch.randint(count, (1,), generator=self._generator))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = "The pose swap explorer: run this cell in JupyterLab to use it."
        return bundle

    def choose(self, source: int, target: int, *, mirrored: bool = False) -> State:
        """Show a pair, and return what is shown.

        Raises ValueError for an index that the lists do not hold.
        """
        for name, index in (("source", source), ("target", target)):
            if int(index) not in self.source.indices:
                raise ValueError(f"{name}: expected the index of a picture in the list, got {index}")
        with self._together():
            self._edited = None
            self.source.value, self.target.value, self.mirror.value = int(source), int(target), mirrored
            self.ways.reset()
        return self.state

    def move(self, joint: str | int, x: float, y: float) -> State:
        """Move a joint of the pose to (x, y) in pixels, limb lengths kept or free as the button says."""
        return self._edit([Edit(joint_index(joint), (x, y))], True)

    def remove(self, joint: str | int) -> State:
        """Take a joint out of the pose: its map becomes zero."""
        return self._edit([Edit(joint_index(joint), None)], True)

    def reset(self) -> State:
        """Back to the target's own pose, and the source's own appearance."""
        with self._together():
            self._edited = None
            self.ways.reset()
        return self.state

    def _edit(self, edits: list[Edit], settled: bool) -> State:
        """Answer the hand: pose and swap at once, the rest when the hand has let go."""
        if self.state.swap is None:
            return self.state
        if self.swapper.limits.pose:
            self._say(f"{self.swapper.limits.pose}.")
            return self.state
        landmarks, valid = (both[1].clone() for both in self.state.poses)
        for edit in edits:
            if edit.to is None:
                valid[edit.joint] = False
            else:
                size, keep = self.swapper.size, self.keep.value
                landmarks, valid = move(landmarks, valid, edit.joint, edit.to, keep_lengths=keep, size=size)
            self.stations.joint = edit.joint
        if edits:
            self._edited = (landmarks, valid)
            with self._quietly():  # what was on the way is now where the way leads to
                self.ways.play.playing = False
                self.ways.pose.value = 1.0
        self._update(live=not settled)
        return self.state

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Changes without a drawing."""
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Several changes, one drawing."""
        with self._quietly():
            yield
        self._update(pair=True)

    def _choose_pair(self, _: Any = None) -> None:
        if not self._waiting:
            self._edited = None
            self._update(pair=True)

    def _mirror(self, _: Any = None) -> None:
        if self._edited is not None:
            self._edited = self.swapper.mirrored(self._edited)
        if not self._waiting:
            self._update(pair=True)

    def _shuffle(self) -> None:
        if self._pairs:
            pair = self._pairs[self._draw_number(len(self._pairs))]
        else:
            pair = self._strangers(self._chosen[self._draw_number(len(self._chosen))])
        self.choose(*pair)

    def _use(self, role: str, index: int, name: str) -> None:
        self._names = {index: name, **self._names}
        with self._together():
            self._edited = None
            self._fill()
            (self.source if role == "source" else self.target).value = index
            self.ways.reset()

    def _update(self, _: Any = None, *, live: bool = False, pair: bool = False) -> None:
        """Draw what is set: `live` leaves out what need not follow a hand, `pair` adds what a new pair changes."""
        if self._waiting:
            return
        self._frames.drop()
        self._moving = False
        self.state = state = self._drawing(*self.ways.values, quick=live)()
        told = self.stage.show(state, live=live)
        if live and state.edited:  # the hand still holds the joint
            self.stage.without_truth("a changed pose has no true answer")
        if pair:
            self.stations.show(state)
        elif not live:
            self.stations.show_attention(state)
        if not live:
            self._explain()
            kept = self._edited is not None and self.swapper.limits.pose
            self._say(f"{told} The joints that were moved are kept for the other methods." if kept else told)

    def _drawing(self, pose_share: float, look_share: float, *, quick: bool = False) -> Callable[[], State]:
        """What draws the chosen pair and pose, as they are now, at these shares of the way; it touches no widget."""
        shares = {"pose_share": pose_share, "look_share": look_share, "way": self.ways.way.value, "quick": quick}
        edited = None if self.swapper.limits.pose else self._edited
        options = {"edited": edited, "background": self.background.value, **shares}
        return partial(self.swapper, self.source.value, self.target.value, self.mirror.value, **options)

    def _step(self) -> None:
        """The animation went on: draw its frame when the one before is drawn, unless the next comes first."""
        if self._waiting:
            return
        if self.ways.playing:
            self._frames.ask(self._drawing(*self.ways.values, quick=True))
        else:
            self._update()

    def _show_frame(self, _: Callable[[], State], state: State) -> None:
        if not self._moving:
            self._moving = True
            self.stage.without_truth("an animation has none")
            self.why.wait()
            if state.swap is not None:
                self._say(PLAYING)
        self.state = state
        self.stage.show(state, live=True)

    def _pause(self, change: dict[str, Any]) -> None:
        """Where an animation stops, draw what stays, and all that belongs to it."""
        if not change["new"] and not self._waiting:
            self._frames.drop()
            if self._moving:
                self._update()

    def _explain(self, _: Any = None) -> None:
        if self.pages.selected_index == PAGES.index("Why"):
            self.why.show(self.state)

    def _fail(self, error: BaseException) -> None:
        """What is drawn beside could not be drawn: say so, where an error would be seen by nobody."""
        self._show_export()
        with self._quietly():
            self.ways.play.playing = False
        self._say(f"Not drawn: {str(error).rstrip('.') or type(error).__name__}.")

    def _file_name(self, ending: str) -> str:
        marks = [mark for mark in ("mirrored", "edited") if getattr(self.state, mark)]
        if self.state.background != self.swapper.backgrounds[0]:
            marks.append(f"background_{self.state.background}")
        if self.stage.by:
            marks.append(f"by_{file_part(self.stage.by)}")
        return "_".join(["swap", str(self.state.source), "to", str(self.state.target), *marks]) + ending

    def _save(self) -> None:
        state = self.state
        if state.swap is None:
            self._say(f"There is no swap to save. {self.swapper.missing}")
            return
        truth = [] if self.truth is None or state.truth is None else [to_float(self.truth.pictures[state.truth])]
        pictures = [*self.swapper.pictures(state), to_float(state.swap), *truth]
        self._keep_file(row_png(pictures), self._file_name(".png"))

    def _save_gif(self) -> None:
        if self.export.running:
            self.export.stop()
            self._say("The GIF was given up.")
        elif self.state.swap is None:
            self._say(f"There is no swap to save. {self.swapper.missing}")
        elif self.swapper.limits.pose:
            self._say(f"There is no animation to save: {self.swapper.limits.pose}.")
        else:
            frames = [self._drawing(*shares) for shares in self.ways.frames()]
            self._gif_name = self._file_name(".gif")
            self._say(f"Drawing the {len(frames)} frames of the GIF; the bar says how far it is.")
            self.export.start(frames)
        self._show_export()

    def _show_export(self) -> None:
        """While a GIF is drawn, its button gives it up."""
        self.save_gif.description = "Stop GIF" if self.export.running else SAVE_GIF

    def _keep_gif(self, content: bytes) -> None:
        self._show_export()
        self._keep_file(content, self._gif_name)

    def _keep_file(self, content: bytes, name: str) -> None:
        try:
            path = write(content, self.save_to / name)
        except OSError as error:
            told = f"Not saved: {error}. Choose another folder: explorer.save_to = Path(…)."
        else:
            told = f"Saved as {path}."
        self._say(told, download_link(content, name))

    def _say(self, text: str, link: str = "") -> None:
        self.message.value = f'<div class="momi-message" role="status">{html.escape(text)} {link}</div>'
