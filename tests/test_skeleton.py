"""The skeleton's tables agree with one another."""

from __future__ import annotations

import re

from momi_lib.skeleton import COLOURS, JOINTS, LIMBS, MIRROR, PAIRS


def test_joints_are_cocos_in_cocos_order():
    assert JOINTS[0] == "nose"
    assert [name.split("_")[1] for name in JOINTS[1::2]] == [
        *("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    ]
    assert len(set(JOINTS)) == len(JOINTS) == 17


def test_mirror_and_pairs_exchange_left_and_right():
    for left, right in PAIRS:
        assert JOINTS[left].startswith("left_")
        assert JOINTS[right] == JOINTS[left].replace("left_", "right_")
        assert MIRROR[left] == right and MIRROR[right] == left
    assert [k for k in range(17) if MIRROR[k] == k] == [JOINTS.index("nose")]


def test_limbs_are_symmetric_distinct_and_connected():
    limbs = {frozenset(limb) for limb in LIMBS}
    assert len(limbs) == len(LIMBS) == 19
    assert {frozenset(MIRROR[k] for k in limb) for limb in limbs} == limbs
    reached = {0}
    for _ in JOINTS:
        reached |= {k for limb in limbs if limb & reached for k in limb}
    assert reached == set(range(17))


def test_colours_are_distinct_hexadecimal():
    assert len(set(COLOURS)) == 17
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in COLOURS)
