"""The skeleton that can be taken hold of, with the pose map and the picture that follow it: an anywidget.

The browser sends where joints are to go, at most two messages at a time; :meth:`PoseEditor.show` answers with joints
and both pictures in one update. The drawing itself is static/pose_editor.js; nothing is fetched from a network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from torch import Tensor

from momi_lib.skeleton import COLOURS, JOINTS, LIMBS

__all__ = ["HINT", "POSE", "STATIC", "Edit", "PoseEditor", "joint_index", "joint_name"]

STATIC = Path(__file__).parent / "static"
HINT, POSE = "take hold of a joint", "pose map p"  # what stands under the skeleton and under the pose


def joint_name(joint: int) -> str:
    """A joint's name as one says it.

    >>> joint_name(9)
    'left wrist'
    """
    return JOINTS[joint].replace("_", " ")


def joint_index(joint: str | int) -> int:
    """The index of a joint that is given by its name or its index.

    >>> joint_index("left_wrist"), joint_index(9)
    (9, 9)
    """
    return JOINTS.index(joint) if isinstance(joint, str) else joint


def _side(limb: tuple[int, int]) -> str:
    sides = {JOINTS[joint].split("_")[0] for joint in limb}
    return sides.pop() if len(sides) == 1 else "middle"


@dataclass(frozen=True)
class Edit:
    """What happened to a joint: it is to go to ``to``, (x, y) in pixels, or, where ``to`` is None, to be gone.

    >>> Edit(9, (31.0, 70.0)).joint
    9
    """

    joint: int
    to: tuple[float, float] | None

    @classmethod
    def read(cls, message: dict[str, Any]) -> Edit:
        """From a message of the browser.

        >>> Edit.read({"joint": 9, "found": False})
        Edit(joint=9, to=None)
        """
        return cls(int(message["joint"]), (float(message["x"]), float(message["y"])) if "x" in message else None)


class PoseEditor(anywidget.AnyWidget):
    """A skeleton over a picture, beside it the pose map and the swap.

    Args:
        on_edit: called with a list of :class:`Edit` and whether the hand has let go; it ends in :meth:`show`.
        size: (H, W) of the picture.

    Attributes:
        joints: 17 lists x, y, found. pose, swap: pixels, H·W·3 bytes, or none, and the picture is not drawn. pose_says,
            swap_says: their alternative texts.
        behind: PNG behind the skeleton. keep: whether Python decides where a moved joint goes.
        enabled: whether joints can be moved. skeleton: whether they are shown, and reached by keys.
        hint, pose_title, swap_title: what stands under the skeleton, the pose and the swap.
        answered: number of the last message that was answered.

    >>> editor = PoseEditor(lambda edits, settled: print(edits, settled))
    >>> editor.receive({"type": "edit", "number": 1, "edits": [{"joint": 9, "x": 31, "y": 70}], "settled": False})
    [Edit(joint=9, to=(31.0, 70.0))] False
    >>> editor.answered
    1
    """

    _esm = STATIC / "pose_editor.js"
    _css = STATIC / "explorer.css"

    joints = traitlets.List().tag(sync=True)
    pose = traitlets.Bytes().tag(sync=True)
    swap = traitlets.Bytes().tag(sync=True)
    behind = traitlets.Bytes().tag(sync=True)
    pose_says = traitlets.Unicode().tag(sync=True)
    swap_says = traitlets.Unicode().tag(sync=True)
    keep = traitlets.Bool(False).tag(sync=True)
    enabled = traitlets.Bool(True).tag(sync=True)
    skeleton = traitlets.Bool(True).tag(sync=True)
    hint = traitlets.Unicode(HINT).tag(sync=True)
    pose_title = traitlets.Unicode(POSE).tag(sync=True)
    swap_title = traitlets.Unicode("swap").tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)
    width = traitlets.Int(64).tag(sync=True)
    height = traitlets.Int(128).tag(sync=True)
    names = traitlets.List().tag(sync=True)
    limbs = traitlets.List().tag(sync=True)
    colours = traitlets.List().tag(sync=True)

    def __init__(self, on_edit: Callable[[list[Edit], bool], Any], *, size: tuple[int, int] = (128, 64)) -> None:
        self._on_edit = on_edit
        super().__init__(
            joints=[[(size[1] - 1) / 2, (size[0] - 1) / 2, False] for _ in JOINTS],
            height=size[0],
            width=size[1],
            names=[joint_name(joint) for joint in range(len(JOINTS))],
            limbs=[[*limb, _side(limb)] for limb in LIMBS],
            colours=list(COLOURS),
        )
        self.on_msg(lambda _, message, buffers: self.receive(message))

    def receive(self, message: dict[str, Any]) -> None:
        """Answer a message of the browser, with all that changes in one update.

        A message older than one that was answered already is left out: the last position wins.
        """
        number = int(message.get("number", 0))
        if message.get("type") != "edit" or number <= self.answered:
            return
        with self.hold_sync():
            try:
                self._on_edit([Edit.read(edit) for edit in message["edits"]], bool(message["settled"]))
            finally:  # whatever happened, the browser must not wait for an answer
                self.answered = number

    def show(
        self,
        landmarks: Tensor | None,
        valid: Tensor | None,
        *,
        pose: np.ndarray | None,
        swap: np.ndarray | None,
        pose_says: str,
        swap_says: str,
    ) -> None:
        """Landmarks (17, 2) in pixels and valid (17,) bool (None: they stay), and two pictures (H, W, 3) uint8.

        A picture that is None is not drawn.
        """
        with self.hold_sync():
            if landmarks is not None and valid is not None:
                places = landmarks.double().round(decimals=2).tolist()
                self.joints = [[*place, found] for place, found in zip(places, valid.tolist(), strict=True)]
            self.pose, self.swap = (
                b"" if pixels is None else np.ascontiguousarray(pixels).tobytes() for pixels in (pose, swap)
            )
            self.pose_says, self.swap_says = pose_says, swap_says
