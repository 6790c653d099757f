"""Lessons 0 to 3: the whole system, triplets, a teacher and a student, reprojection."""

from __future__ import annotations

import math

from tools.figures.common import LOOK, POSE, card, heading, network, pose_map, ribbon, tick, tile, viridis
from tools.figures.people import ANA, BEN, HIPS, STAND, WALK, WAVE, Look, Pose
from tools.figures.scenes import Scene, picture, skeleton
from tools.figures.svg import BLUE, GREEN, GREY, INK, LINE, PANEL, PINK, WHITE, Drawing, element, mix


def whole(d: Drawing) -> None:
    """Lesson 0: two pictures in, one out."""
    picture(d, 34, 40, 66, "bricks", ANA, STAND)
    picture(d, 34, 214, 66, "park", BEN, WAVE)
    d.text(67, 28, "a person", bold=True, anchor="middle")
    d.text(67, 364, "a pose", bold=True, anchor="middle")

    # Who: what the first picture is asked for.
    d.arrow((110, 106), (168, 106), colour=LOOK, width=2.4)
    card(d, 176, 50, 190, 112, LOOK)
    d.text(192, 76, "who", size=16, bold=True, colour=LOOK)
    for x, fill in ((208, ANA.hair), (244, ANA.skin)):
        d.dot(x, 108, 14, fill, WHITE, 2)
    d.box(268, 94, 32, 28, fill=ANA.top, stroke=WHITE, radius=5, line=2)
    for y in (99, 108, 117):
        d.line((270, y), (298, y), colour="#fbe3d1", width=3.4)
    d.box(310, 94, 32, 28, fill=ANA.legs, stroke=WHITE, radius=5, line=2)
    d.text(192, 147, "hair, skin, clothes", size=13, colour=GREY)

    # How: what the second one is asked for.
    d.arrow((110, 280), (168, 280), colour=POSE, width=2.4)
    card(d, 176, 224, 190, 112, POSE)
    d.text(192, 250, "how", size=16, bold=True, colour=POSE)
    d.text(192, 277, "17 joints", size=13, colour=GREY)
    d.text(192, 295, "no colour at all", size=13, colour=GREY)
    skeleton(d, WAVE, 296, 228, 0.82)

    ribbon(d, (367, 106), (478, 170), LOOK)
    ribbon(d, (367, 280), (478, 216), POSE)
    d.box(480, 138, 152, 110, fill=INK, stroke=None, radius=14)
    d.text(556, 186, "MOMI-Net", size=19, bold=True, colour=WHITE, anchor="middle")
    d.text(556, 212, "draws a new picture", size=13, colour="#cfd8e0", anchor="middle")
    ribbon(d, (633, 193), (700, 193), "#8a96a1")
    picture(d, 714, 40, 146, "bricks", ANA, WAVE, border=INK, line=2)
    d.text(787, 28, "this person in that pose", bold=True, anchor="middle")
    d.text(787, 356, "Nobody ever took this picture.", size=13, colour=GREY, anchor="middle")


def triplets(d: Drawing) -> None:
    """Lesson 1: what a file name says, and three pictures to learn from."""
    heading(d, 32, 40, "The file name is the label")
    size, wide = 21.0, 12.6
    d.box(24, 62, 322, 46, fill=PANEL)
    d.text(40, 92, "0002_c1s1_000451_03.jpg", size=size, mono=True)
    parts = (
        (0, 4, "person 2", ""),
        (5, 9, "camera 1,", "sequence 1"),
        (10, 16, "frame 451", ""),
        (17, 19, "box 3", ""),
    )
    for first, last, one, two in parts:
        x, y = d.brace(40 + first * wide + 1, 40 + last * wide - 1, 116, depth=12)
        d.text(x, y + 16, one, size=13, anchor="middle")
        if two:
            d.text(x, y + 32, two, size=13, anchor="middle")
    d.text(32, 204, "0000 and −1 are not people and are left out:", size=13, colour=GREY)
    picture(d, 32, 218, 54, "shop", ANA, HIPS)
    picture(d, 140, 218, 54, "park")
    for dx, dy, r, colour in ((-10, 3, 12, "#7fa86b"), (9, 4, 13, "#8db57a"), (0, -5, 13, "#94bd80")):
        d.dot(167 + dx, 282 + dy, r, colour)
    picture(d, 248, 218, 54, "bricks", BEN, STAND.shifted(24, 44))
    for x, name, words, kept in (
        (32, "0002", "a person", True),
        (140, "0000", "only a bush", False),
        (248, "−1", "a cut-off box", False),
    ):
        tick(d, x + 54, 218, kept)
        d.text(x + 27, 344, name, size=13, mono=True, anchor="middle")
        d.text(x + 27, 361, words, size=13, colour=GREY, anchor="middle")

    d.line((386, 26), (386, 360), colour=LINE, width=1.2)
    heading(d, 420, 40, "Three pictures make one triplet")
    triplet: tuple[tuple[float, Scene, Look, Pose, str, str], ...] = (
        (420, "bricks", ANA, WALK, "*x*", "person 2, camera 1"),
        (570, "shop", ANA, WAVE, "*x*^{+}", "person 2, camera 4"),
        (750, "park", BEN, HIPS, "*x*^{−}", "person 417, camera 2"),
    )
    for x, scene, look, pose, name, who in triplet:
        picture(d, x, 80, 98, scene, look, pose, border=LOOK if look is ANA else POSE, line=2.2,
                dash=None if look is ANA else "6 4")  # fmt: skip
        d.text(x + 49, 72, name, size=21, anchor="middle")
        d.text(x + 49, 293, who, size=12, colour=GREY, anchor="middle")
    x, y = d.brace(424, 664, 302, depth=12)
    d.text(x, y + 17, "the same person twice", bold=True, anchor="middle")
    d.text(x, y + 36, "*x*^{+} is a true answer: *x* in another pose", size=13, colour=GREY, anchor="middle")
    x, y = d.brace(752, 846, 302, depth=12)
    d.text(x, y + 17, "somebody else", bold=True, anchor="middle")
    d.text(x, y + 36, "lends a pose; no true", size=13, colour=GREY, anchor="middle")
    d.text(x, y + 53, "answer exists", size=13, colour=GREY, anchor="middle")


def teacher(d: Drawing) -> None:
    """Lesson 2: heatmaps are copied; the largest number is the landmark."""
    picture(d, 28, 106, 84, "park", BEN, WAVE)
    d.text(70, 296, "a picture", size=13, colour=GREY, anchor="middle")
    x, y = 28 + 53.4 * 84 / 64, 106 + 17 * 84 / 64
    d.dot(x, y, 11, "none", INK, 2)

    # Two networks.
    d.arrow((120, 158), (166, 112), colour=GREY)
    d.arrow((120, 236), (190, 282), colour=GREY)
    end = network(d, 174, 104, [116, 104, 90, 76, 62, 50, 42, 42, 50, 62, 76, 76], GREY, bar=9, gap=4.5)
    d.text(174, 30, "the teacher *ψ*", size=15, bold=True)
    d.box(298, 20, 13, 10, fill=GREY, stroke=None, radius=2)
    d.add(element("path", d="M301 20v-3a3.5 3.5 0 0 1 7 0v3", fill="none", stroke=GREY, stroke_width=2))
    d.text(174, 179, "large, and never changed", size=13, colour=GREY)
    d.arrow((end + 8, 104), (end + 46, 104))
    other = network(d, 200, 284, [58, 46, 34, 24, 34, 44, 44], GREEN, bar=9, gap=4.5)
    d.text(174, 244, "the student *F*_{p}", size=15, bold=True)
    d.text(174, 338, "small: it learns to give", size=13, colour=GREY)
    d.text(174, 355, "the same answers", size=13, colour=GREY)
    d.arrow((other + 8, 284), (end + 46, 284))

    # Their heatmaps.
    left = end + 54
    for top, strength in ((44, 1.0), (226, 0.75)):
        for back in (2, 1, 0):
            tile(d, left + 8 * back, top + 8 * (2 - back) - 4, 52)
        d.blob(left + 53 * 52 / 64, top + 12 + 20.5 * 52 / 64, 15, strength=strength)
    d.text(left + 34, 30, "17 heatmaps", size=13, colour=GREY, anchor="middle")
    d.arrow((left + 26, 172), (left + 26, 228), colour=PINK, width=3, dash="7 4")
    d.text(left + 12, 206, "make these alike", size=13, bold=True, anchor="end")
    d.text(left + 12, 223, "Eq. 1", size=13, colour=GREY, anchor="end")

    # The largest number of a map is a landmark.
    grid_x, grid_y, cell = 622.0, 92.0, 40.0
    values = [[math.exp(-((j - 2.25) ** 2 + (i - 1.8) ** 2) / 2.4) for j in range(6)] for i in range(5)]
    spot = (left + 53 * 52 / 64, 238 + 20.5 * 52 / 64)
    d.line((spot[0] + 9, spot[1] - 8), (grid_x, grid_y), colour=LINE, width=1.4)
    d.line((spot[0] + 9, spot[1] + 8), (grid_x, grid_y + 5 * cell), colour=LINE, width=1.4)
    d.box(spot[0] - 9, spot[1] - 8, 18, 16, fill="none", stroke=WHITE, radius=1, line=1.6)
    d.grid(grid_x, grid_y, cell, [[viridis(each) for each in row] for row in values], gap=1.5)
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            best = value == max(map(max, values))
            words, colour = f"{value:.1f}".removeprefix("0"), INK if value > 0.6 else WHITE
            at = (grid_x + (j + 0.5) * cell, grid_y + (i + 0.5) * cell + 5)
            d.text(*at, words, anchor="middle", colour=colour, bold=best)
    d.box(grid_x + 2 * cell, grid_y + 2 * cell, cell, cell, fill="none", stroke=INK, radius=3, line=3)
    d.text(grid_x, 46, "Inside one heatmap", size=15, bold=True)
    d.text(grid_x, 68, "how sure the network is, place by place", size=13, colour=GREY)
    d.box(grid_x + 1, 307, 19, 19, fill=viridis(1), stroke=INK, radius=3, line=3)
    d.text(grid_x + 28, 322, "the largest number: the landmark", size=13, bold=True)
    d.text(grid_x + 28, 341, "its column is *x*, its row is *y*", size=13, colour=GREY)


def reprojection(d: Drawing) -> None:
    """Lesson 3: only where the joint is gets through."""
    top, width = 66.0, 106.0
    scale = width / 64
    # A heatmap in which more is hidden than a place.
    tile(d, 34, top, width)
    x, y = 34 + 53 * scale, top + 20.5 * scale
    for dx, dy, r, s in (
        (0, 0, 24, 1),
        (-13, 9, 15, 0.5),
        (6, -14, 13, 0.4),
        (-62, 88, 26, 0.28),
        (-22, 108, 22, 0.22),
    ):
        d.blob(x + dx, y + dy, r, strength=s)
    orange, cream, blue = ANA.top, str(ANA.stripes), ANA.legs
    for dx, dy, colour in (
        *((-14, 14, orange), (-6, -10, cream), (4, 14, orange), (-70, 80, orange)),
        *((-54, 98, cream), (-66, 108, orange), (-26, 120, blue), (-40, 66, cream)),
    ):
        d.dot(x + dx, y + dy, 3.2, colour)
    d.text(34 + width / 2, 42, "1 · a heatmap", size=15, bold=True, anchor="middle")
    d.note(
        34 + width / 2,
        300,
        "Many numbers: even the\ncolours of the shirt could\nbe hidden among them.",
        170,
        anchor="middle",
    )

    # The wall with a slot.
    wall = 274.0
    for y0, y1, back, colour in ((92, 104, 84, "#e8743b"), (122, 126, 146, "#fbe3d1"), (216, 212, 192, "#e8743b"),
                                 (256, 246, 266, "#2f4b6e")):  # fmt: skip
        d.line((146, y0), (wall - 5, y1), (wall - 44, back), colour=mix(colour, GREY, 0.35), width=1.6, dash="2 4")
        d.dot(wall - 44, back, 5, colour, GREY, 0.8)
    d.arrow((148, 170), (222, 170), width=2.4)
    d.text(182, 160, "argmax", size=13, colour=GREY, anchor="middle", halo=True)
    for a, b in ((60, 148), (192, 282)):
        d.box(wall, a, 24, b - a, fill="#aab4bd", stroke="#7d8994", radius=3)
        for line in range(a + 18, b - 4, 18):
            d.line((wall + 1, line), (wall + 23, line), colour="#7d8994", width=1)
    d.box(wall - 42, 154, 96, 32, fill=BLUE, stroke=None, radius=16)
    d.text(wall + 6, 175, "(53, 20)", size=15, colour=WHITE, anchor="middle", bold=True)
    d.arrow((wall + 56, 170), (388, 170), colour=BLUE, width=3)
    d.text(wall + 12, 42, "2 · a point", size=15, bold=True, anchor="middle")
    d.note(wall + 6, 306, "Only two numbers pass:\nwhere the joint is.", 190, anchor="middle")

    # A clean map.
    second = 400.0
    tile(d, second, top, width)
    d.blob(second + 53 * scale, top + 20.5 * scale, 30)
    for a, b in (((second + 53 * scale, top), (0, 1)), ((second, top + 20.5 * scale), (1, 0))):
        d.line(a, (a[0] + b[0] * width, a[1] + b[1] * 2 * width), colour="#b9a7c9", width=1, dash="3 3")
    d.text(second + width / 2, 42, "3 · a clean Gaussian", size=15, bold=True, anchor="middle")
    d.note(second + width / 2, 300, "Drawn around the point,\nalways with the same\nwidth *σ*.", 180, anchor="middle")

    # All seventeen.
    d.arrow((516, 170), (566, 170), width=2.4)
    d.text(541, 158, "17 ×", size=13, colour=GREY, anchor="middle")
    pose_map(d, WAVE, 578, top, width, radius=10)
    d.text(578 + width / 2, 42, "the pose *p*", size=15, bold=True, anchor="middle")
    d.note(578 + width / 2, 300, "Where the joints are,\nand nothing else.", 170, anchor="middle")
    d.text(716, 130, "*p*_{k}(*x*, *y*) =", size=16)
    d.text(716, 160, "exp(−*r*^{2} / 2*σ*^{2})", size=16)
    d.note(716, 190, "*r*: distance from joint *k*,\n*σ*: 6 px at a height of 128", 176)
