"""The skeleton: the 17 joints of COCO, their limbs, their mirror images and their colours.

Everything that has a joint axis in this library (landmarks, heatmaps, pose maps, patches) uses the order of
`JOINTS`. "Left" is the person's left, which is on the right of a
picture that shows the person from the front.

>>> len(JOINTS), len(LIMBS), len(COLOURS)
(17, 19, 17)
>>> JOINTS[MIRROR[JOINTS.index("left_wrist")]]
'right_wrist'
"""

from __future__ import annotations

__all__ = ["COLOURS", "JOINTS", "LIMBS", "MIRROR", "PAIRS"]

#: Names in COCO's order: the index of a name is the index on every joint axis.
JOINTS: tuple[str, ...] = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)

#: Pairs of joint indices that a line connects when a skeleton is drawn; COCO's 19, from the head downwards.
LIMBS: tuple[tuple[int, int], ...] = (
    (0, 1),
    (0, 2),
    (1, 2),
    (1, 3),
    (2, 4),
    (3, 5),
    (4, 6),
    (5, 6),
    (5, 7),
    (6, 8),
    (7, 9),
    (8, 10),
    (5, 11),
    (6, 12),
    (11, 12),
    (11, 13),
    (12, 14),
    (13, 15),
    (14, 16),
)

#: (left, right) indices of the joints that come in two; the nose is the only one that does not.
PAIRS: tuple[tuple[int, int], ...] = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16))

#: MIRROR[k] is the joint that joint k becomes when the picture is mirrored.
MIRROR: tuple[int, ...] = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)

#: One colour a joint: grey for the nose, warm for the left side, cool for the right, lighter downwards.
COLOURS: tuple[str, ...] = (
    "#7f7f7f",
    "#7a0403",
    "#08306b",
    "#a11201",
    "#08519c",
    "#c32503",
    "#1c6bb0",
    "#dd3d08",
    "#2f7fbc",
    "#ef5a11",
    "#4292c6",
    "#f9791e",
    "#5aa7d0",
    "#fe992c",
    "#74bcd8",
    "#fbb938",
    "#93d1dd",
)
