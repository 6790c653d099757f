"""Lessons 4 to 7: attention, the lookup, encoders and generator, patches, a step of training."""

from __future__ import annotations

import math
from dataclasses import replace

from tools.figures.common import (
    LOOK,
    POSE,
    card,
    cells,
    code,
    heading,
    network,
    operator,
    pose_map,
    rule,
    tick,
)
from tools.figures.people import ANA, BEN, HIPS, REACH, RUN, STAND, WAVE, Body, Look, Pose
from tools.figures.scenes import background, picture, skeleton, symbol
from tools.figures.shapes import inside
from tools.figures.svg import (
    BLUE,
    GREEN,
    GREY,
    INK,
    LINE,
    PANEL,
    PINK,
    RED,
    WHITE,
    Drawing,
    Point,
    element,
    mix,
    points,
)


def attention(d: Drawing) -> None:
    """Lesson 4: a gate multiplies what is proposed."""
    top, low, cell = 62.0, 222.0, 8.2
    high, wide = 16 * cell, 8 * cell
    wall, ground = mix("#ead7c6", "#b08d6e", 0.35), mix("#d3d4d2", "#8f9498", 0.35)
    shown = cells(Body(ANA, WAVE), 16, wall, ground)
    own = cells(Body(ANA, WAVE), 16, None, None)
    gate = [["#fbe27a" if each else "#59636d" for each in row] for row in own]

    picture(d, 28, top, wide, "bricks", ANA, WAVE)
    pose_map(d, WAVE, 28, low, wide)
    d.text(28 + wide / 2, low + high + 19, "its pose", size=13, colour=GREY, anchor="middle")
    d.text(28 + wide / 2, top - 10, "a picture", size=13, colour=GREY, anchor="middle")
    for y, words in ((top, "*f*_{a}"), (low, "*f*_{p}, *σ*")):
        d.arrow((102, y + high / 2), (162, y + high / 2))
        d.text(131, y + high / 2 - 10, words, size=16, anchor="middle")
    d.grid(172, top, cell, shown)
    d.grid(172, low, cell, gate)
    d.text(248, top + 44, "*h*_{1}", size=17)
    d.note(248, top + 66, "proposed:\nfeatures of every\nplace, of the wall\nas well", 112)
    d.text(248, low + 36, "*σ*(*h*_{2})", size=17)
    d.note(248, low + 58, "the gate:\n1 is open,\n0 is closed", 112)
    d.text(172 + 3.5 * cell, low + 6 * cell + 12, "1", size=13, bold=True, anchor="middle")
    d.text(172 + 1.2 * cell, low + 2 * cell + 4, "0", size=13, bold=True, colour=WHITE, anchor="middle")

    operator(d, 410, 206, "×", 17)
    d.arrow((364, top + 92), (398, 191))
    d.arrow((338, low + 62), (393, 219))
    d.arrow((430, 206), (470, 206))
    middle = 206 - high / 2
    d.grid(480, middle, cell, [[each if each else "#edf1f4" for each in row] for row in own])
    d.note(480 + wide / 2, middle + high + 20, "**added**\nonly at the person", 140, anchor="middle")

    d.arrow((554, 206), (610, 206))
    operator(d, 630, 206, "+", 17)
    d.add(element("path", d="M96,82H134Q146,82 146,70V36Q146,24 158,24H618Q630,24 630,36V160", fill="none", stroke=LOOK,
                  stroke_width=2.4))  # fmt: skip
    d.arrow((630, 158), (630, 186), colour=LOOK, width=2.4)
    d.text(400, 46, "*x*_{1} itself passes unchanged, wall included", size=14, colour=LOOK, anchor="middle")
    d.arrow((650, 206), (694, 206))
    after = [
        [each if mine else mix(str(each), WHITE, 0.25) for each, mine in zip(row, its, strict=True)]
        for row, its in zip(shown, own, strict=True)
    ]
    d.grid(704, middle, cell, after)
    edges = ""
    for i, row in enumerate(own):
        for j, each in enumerate(row):
            at = (704 + j * cell, middle + i * cell)
            if each and not (i and own[i - 1][j]):
                edges += f"M{points([at])}h{cell}"
            if each and not (i < 15 and own[i + 1][j]):
                edges += f"M{points([(at[0], at[1] + cell)])}h{cell}"
            if each and not (j and row[j - 1]):
                edges += f"M{points([at])}v{cell}"
            if each and not (j < 7 and row[j + 1]):
                edges += f"M{points([(at[0] + cell, at[1])])}v{cell}"
    d.add(element("path", d=edges, stroke=INK, stroke_width=2, stroke_linecap="square", fill="none"))
    d.text(704 + wide / 2, middle - 12, "new *x*_{1}", size=15, anchor="middle")
    d.note(786, 172, "Outlined: where\nsomething was\nadded. The pose\ndecided it.", 112)
    d.text(660, 344, "*x*_{1}  ←  *x*_{1} + *h*_{1} · *σ*(*h*_{2})", size=20, anchor="middle")


def lookup(d: Drawing) -> None:
    """Lesson 4b: the place of a sleeve looks up where the sleeve is."""
    size, top = 122.0, 58.0
    scale = size / 64
    # Source: keys and values.
    picture(d, 40, top, size, "bricks", ANA, STAND)
    for i in range(1, 16):
        d.line((40, top + i * size / 8), (40 + size, top + i * size / 8), colour=WHITE, width=0.7)
    for j in range(1, 8):
        d.line((40 + j * size / 8, top), (40 + j * size / 8, top + 2 * size), colour=WHITE, width=0.7)
    skeleton(d, STAND, 40, top, scale, width=2, halo=True)
    d.text(40 + size / 2, 40, "the source", size=15, bold=True, anchor="middle")
    d.note(40 + size / 2, 322, "**keys**: which part is where\n**values**: how it looks", 200, anchor="middle")

    # Target: a query.
    right = 718.0
    d.box(right, top, size, 2 * size, fill=PANEL, stroke="#7d8994", radius=5)
    for i in range(1, 16):
        d.line((right, top + i * size / 8), (right + size, top + i * size / 8), colour=WHITE, width=0.9)
    for j in range(1, 8):
        d.line((right + j * size / 8, top), (right + j * size / 8, top + 2 * size), colour=WHITE, width=0.9)
    skeleton(d, WAVE, right, top, scale, width=2.4)
    clip = d.define("sleeve", f'<clipPath id="ID">{element("circle", cx=52.8, cy=28, r=9.5)}</clipPath>')
    d.add(element("g", element("use", href=f"#{symbol(d, ANA, WAVE)}"), clip_path=f"url(#{clip})",
                  transform=f"translate({points([(right, top)])}) scale({round(scale, 2)})"))  # fmt: skip
    d.text(right + size / 2, 40, "the target's pose", size=15, bold=True, anchor="middle")
    d.note(right + size / 2, 322, "**query**: what a place\nof the target needs", 200, anchor="middle")
    here = (right + 52.8 * scale, top + 28 * scale)
    there = (40 + 45.8 * scale, top + 62 * scale)
    for at in (here, there):
        d.dot(*at, 9.5 * scale, "none", INK, 2.4)

    # The question, the weights, the answer.
    x0, x1 = 318.0, 566.0
    d.arrow((there[0] + 13, there[1] - 18), (here[0] - 10, here[1] - 21), bend=84, colour=LOOK, width=4)
    d.text(442, 88, "the value travels: a sleeve", size=15, bold=True, colour=LOOK, anchor="middle")
    d.text(x0, 122, "places of the source", size=13, colour=GREY)
    d.text(x1, 122, "weight", size=13, colour=GREY, anchor="end")
    rows = (("left forearm", 0.84), ("left upper arm", 0.09), ("left hip", 0.05), ("wall", 0.02))
    for i, (name, weight) in enumerate(rows):
        y = 146 + 23 * i
        d.text(x0, y, name, size=14, bold=not i)
        d.box(424, y - 11, 104 * weight, 14, fill=POSE if not i else mix(POSE, WHITE, 0.5), stroke=None, radius=2)
        d.text(x1, y, f"{weight:.2f}", size=14, anchor="end", bold=not i)
    d.line((x0, 227), (x1, 227), colour=LINE)
    d.text(442, 252, "softmax(*q* · *k* / √*c*) · *v*", size=17, anchor="middle")
    card(d, x0, 282, x1 - x0, 56, POSE)
    d.text(442, 305, "“A left forearm is wanted here.", size=14, colour=POSE, anchor="middle")
    d.text(442, 325, "Which places show one?”", size=14, colour=POSE, anchor="middle")
    d.arrow((442, 281), (442, 262), colour=POSE, width=2.2)
    across = here[0] + 4
    d.line(
        (across, here[1] + 18), (across, 276), (across - 10, 288), (right - 12, 288), colour=POSE, width=2.2, dash="6 4"
    )
    d.arrow((right - 12, 288), (x1 + 6, 288), colour=POSE, width=2.2, dash="6 4")


def _star(size: int) -> list[list[float]]:
    """A star on a shirt, 0 the shirt and 1 the star, smooth at its edge."""
    radii = (0.3 * size, 0.125 * size) * 5
    corners = [(r * math.sin(math.pi * i / 5), -r * math.cos(math.pi * i / 5)) for i, r in enumerate(radii)]
    parts = [(a / 6 - size / 2, b / 6 - size / 2) for a in (1, 3, 5) for b in (1, 3, 5)]
    return [
        [sum(inside(j + a, i + b, corners) for a, b in parts) / len(parts) for j in range(size)] for i in range(size)
    ]


def generator(d: Drawing) -> None:
    """Lesson 5: two codes become a picture; L1 blurs; the second picture makes G read the pose."""
    rule(d, 300, 24, 346)
    rule(d, 606, 24, 346)
    # Two codes in.
    heading(d, 28, 40, "Two codes in, a picture out")
    code(d, 34, 92, LOOK, cell=8)
    code(d, 34, 222, POSE, cell=8, phase=1.7)
    d.text(34, 180, "*z*_{a}  who", size=15, colour=LOOK)
    d.text(34, 310, "*z*_{p}  how", size=15, colour=POSE)
    d.arrow((88, 126), (114, 168), colour=LOOK)
    d.arrow((88, 246), (114, 204), colour=POSE)
    network(d, 122, 186, [40, 62, 90, 124], GREY, bar=9, gap=5)
    d.text(147, 276, "*G*", size=18, anchor="middle")
    d.arrow((182, 186), (200, 186))
    picture(d, 206, 110, 76, "bricks", ANA, WAVE)
    d.text(244, 284, "*G*(*z*_{a}, *z*_{p})", size=16, anchor="middle")

    d.note(164, 332, "places of 8 × 8 px grow to a picture", 270, anchor="middle")

    # L1.
    heading(d, 322, 40, "L1 alone answers with a blur")
    size, side = 26, 3.0
    shades = [mix(BEN.top, "#f5e663", i / 6) for i in range(7)]

    def shirt(x: float, y: float, values: list[list[float]]) -> None:
        d.grid(x, y, side, [[shades[round(each * 6)] for each in row] for row in values], gap=0)

    star = _star(size)

    def moved(dx: int, dy: int) -> list[list[float]]:
        return [[star[(i - dy) % size][(j - dx) % size] for j in range(size)] for i in range(size)]

    answers = {(a, b): moved(a, b) for a in (-4, -2, 0, 2, 4) for b in (-4, -2, 0, 2, 4)}
    for i, which in enumerate(((-4, -2), (0, 4), (4, -4))):
        shirt(322 + 92 * i, 64, answers[which])
    d.text(453, 166, "3 of 25 answers that could be right", size=13, colour=GREY, anchor="middle")
    d.arrow((453, 176), (453, 208), colour=GREY)
    best = [[sorted(answer[i][j] for answer in answers.values())[12] for j in range(size)] for i in range(size)]
    shirt(414, 218, best)
    d.note(
        453,
        324,
        "L1 is smallest for none of them, but for\nthe median of all answers, pixel by pixel.",
        270,
        anchor="middle",
    )

    # The pair.
    heading(d, 628, 40, "*x*^{+} makes *G* read the pose")
    for y, words, drawn, right in (
        (62, "trained with *x* alone", STAND, False),
        (204, "trained with *x* and *x*^{+}", WAVE, True),
    ):
        d.text(628, y + 12, words, size=14)
        d.box(628, y + 24, 50, 100, fill=PANEL)
        skeleton(d, WAVE, 628, y + 24, 50 / 64, width=1.9)
        d.arrow((686, y + 74), (714, y + 74))
        picture(d, 722, y + 24, 50, "bricks", ANA, drawn)
        tick(d, 772, y + 26, right)
        if right:
            d.note(786, y + 64, "one *z*_{a}, two\nposes: *G* has\nto read them", 110)
        else:
            d.note(786, y + 64, "*z*_{a} is enough:\n*G* ignores\nthe pose", 110)
    d.text(653, 346, "wanted", size=13, colour=GREY, anchor="middle")
    d.text(747, 346, "drawn", size=13, colour=GREY, anchor="middle")


def _patch(
    d: Drawing, x: float, y: float, size: float, look: Look, pose: Pose, joint: str, reach: float, colour: str
) -> None:
    """The square around a joint, cut out of a picture and enlarged."""
    a, b = pose.joints()[joint]
    scale = size / (2 * reach)
    clip = d.define(f"patch {size}", f'<clipPath id="ID">{element("rect", width=size, height=size, rx=4)}</clipPath>')
    move = f"translate({points([(-(a - reach) * scale, -(b - reach) * scale)])}) scale({round(scale, 3)})"
    shown = "".join(element("use", href=f"#{each}") for each in (background(d, "bricks"), symbol(d, look, pose)))
    inside = element("g", shown, transform=move)
    d.add(element("g", inside, clip_path=f"url(#{clip})", transform=f"translate({points([(x, y)])})"))
    d.box(x, y, size, size, fill="none", stroke=colour, radius=4, line=2.4)


def patches(d: Drawing) -> None:
    """Lesson 6: the same joints of two poses are compared."""
    size, top, left, right = 130.0, 58.0, 34.0, 236.0
    scale, reach = size / 64, 7.5
    wrong = replace(ANA, name="ana in other trousers", legs="#7a7f45")
    picture(d, left, top, size, "bricks", ANA, STAND)
    picture(d, right, top, size, "bricks", wrong, REACH)
    d.text(left + size / 2, 42, "the person, *x*", size=15, anchor="middle")
    d.text(right + size / 2, 42, "drawn in another pose, *x\u0302*^{−}", size=15, anchor="middle")
    d.text(left + size / 2, 342, "pose *p*", size=13, colour=GREY, anchor="middle")
    d.text(right + size / 2, 342, "pose *p*^{−}", size=13, colour=GREY, anchor="middle")
    d.text(484, 42, "the same joints, side by side", size=15, bold=True)
    names = (("left_shoulder", "shoulder", BLUE), ("left_wrist", "wrist", PINK), ("left_knee", "knee", RED))
    side = 2 * reach * scale
    for i, (joint, word, colour) in enumerate(names):
        y = 62 + 84 * i
        corners: list[Point] = []
        for x, pose in ((left, STAND), (right, REACH)):
            a, b = pose.joints()[joint]
            corners.append((x + (a - reach) * scale, top + (b - reach) * scale))
            d.box(*corners[-1], side, side, fill="none", stroke=WHITE, radius=4, line=5)
            d.box(*corners[-1], side, side, fill="none", stroke=colour, radius=4, line=2.6)
        (x0, y0), (x1, y1) = corners
        d.line((x0 + side, y0 + side / 2), (x1, y1 + side / 2), colour=colour, width=2, dash="5 4")
        _patch(d, 484, y, 70, ANA, STAND, joint, reach, colour)
        _patch(d, 600, y, 70, wrong, REACH, joint, reach, colour)
        d.text(577, y + 40, "−", size=22, anchor="middle")
        d.text(690, y + 40, "=", size=20)
        same = word != "knee"
        fill, long = (mix(GREEN, WHITE, 0.3), 34) if same else (RED, 150)
        words = "same cloth, small difference" if same else "other cloth, large difference"
        d.box(716, y + 25, long, 20, fill=fill, stroke=None, radius=3)
        d.text(716, y + 14, word, size=14, bold=True)
        d.text(716, y + 63, words, size=13, colour=GREY)
    d.text(484, 340, "*L*_{patch} = | RoI(*x*, *p*) − RoI(*x\u0302*^{−}, *p*^{−}) |_{1}", size=17)


def training(d: Drawing) -> None:
    """Lesson 7: three drawings, and who judges them."""
    rule(d, 640, 24, 352)
    heading(d, 28, 38, "One step draws one person three times")
    columns = (292, 409, 526)
    names = ("*x\u0302*", "*x\u0302*^{+}", "*x\u0302*^{−}")
    poses = (STAND, HIPS, RUN)
    picture(d, 34, 76, 62, "bricks", ANA, STAND)
    d.text(65, 68, "*x*", size=17, anchor="middle")
    d.arrow((102, 138), (136, 138), colour=LOOK)
    code(d, 142, 118, LOOK, cell=6.5, rows=7, layers=2)
    d.text(162, 184, "*z*_{a}", size=16, colour=LOOK, anchor="middle")
    d.arrow((184, 138), (204, 138), colour=LOOK)
    d.box(208, 112, 44, 52, fill=INK, stroke=None)
    d.text(230, 145, "*G*", size=20, colour=WHITE, anchor="middle")
    d.box(268, 48, 344, 176, fill="#f7f9fa", radius=12)
    d.arrow((254, 138), (270, 138))
    for x, name, pose in zip(columns, names, poses, strict=True):
        picture(d, x, 76, 62, "bricks", ANA, pose)
        d.text(x + 31, 68, name, size=17, anchor="middle")
    for x, words in zip(columns, ("own pose", "pose of *x*^{+}", "pose of *x*^{−}"), strict=True):
        d.text(x + 31, 218, words, size=13, colour=POSE, anchor="middle")
    rows = (
        ("Eq. 3", "the true picture's pixels?", (True, True, None)),
        ("Eq. 4", "and its features?", (True, None, None)),
        ("Eq. 5", "does *D* call it real?", (True, True, None)),
        ("Eq. 6", "like *x* at the joints?", (None, None, True)),
    )
    for i, (equation, words, marks) in enumerate(rows):
        y = 249 + 28 * i
        d.line((28, y - 19), (612, y - 19), colour=LINE, width=1)
        d.text(28, y, equation, size=14, bold=True)
        d.text(92, y, words, size=13, colour=GREY)
        for x, mark in zip(columns, marks, strict=True):
            if mark:
                tick(d, x + 31, y - 5)
            else:
                d.text(x + 31, y, "–", size=14, colour=GREY, anchor="middle")
    d.line((28, 342), (612, 342), colour=LINE, width=1)
    d.text(28, 361, "For *x\u0302*^{−} no true picture exists; only Eq. 6 judges it.", size=13, colour=GREY)

    heading(d, 664, 38, "Two players take turns")
    d.dot(722, 128, 34, INK)
    d.text(722, 136, "*G*", size=24, colour=WHITE, anchor="middle")
    d.dot(836, 128, 34, WHITE, INK, 3)
    d.text(836, 136, "*D*", size=24, anchor="middle")
    d.arrow((746, 98), (812, 98), bend=18, colour=INK)
    d.arrow((812, 158), (746, 158), bend=18, colour=INK)
    d.text(779, 72, "pictures", size=13, colour=GREY, anchor="middle")
    d.text(779, 194, "“real” or “drawn”", size=13, colour=GREY, anchor="middle")
    d.note(664, 232, "**1 ·** *G* draws, and lowers all losses. In Eq. 5 it wants *D* to say “real”.", 210)
    d.note(
        664,
        292,
        "**2 ·** *D* learns to tell the real pair\n(*x*, *x*^{+}) from (*x\u0302*, *x*^{+})\nand (*x*, *x\u0302*^{+}).",
        214,
    )
