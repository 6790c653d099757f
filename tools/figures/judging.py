"""Lessons 8 to 12: any person in any pose, scores, ablations, rivals, carrying."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tools.figures.common import (
    LOOK,
    POSE,
    card,
    code,
    heading,
    pose_map,
    rule,
    spread,
    tick,
    tile,
    with_moments,
)
from tools.figures.people import ANA, BEN, CHEER, CLEO, HIDING, HIPS, RUN, STAND, STEP, WAVE, Body, Pose
from tools.figures.scenes import frame, person, picture, skeleton
from tools.figures.svg import (
    BLUE,
    GREEN,
    GREY,
    INK,
    LINE,
    ORANGE,
    PANEL,
    RED,
    WHITE,
    Drawing,
    Point,
    element,
    mix,
    points,
)


def anyone(d: Drawing) -> None:
    """Lesson 8: one code a row, one code a column."""
    looks, poses = (ANA, BEN, CLEO), (WAVE, HIPS, RUN, CHEER)
    left, top, wide, high = 236.0, 104.0, 104.0, 92.0
    for j, pose in enumerate(poses):
        x = left + j * wide
        card(d, x + 5, 12, wide - 10, 84, POSE)
        skeleton(d, pose, x + 8, 12, 0.66, width=1.9)
        code(d, x + 64, 44, POSE, cell=5, rows=6, columns=4, layers=2, phase=1.3 * j)
    for i, look in enumerate(looks):
        y = top + i * high
        card(d, 92, y + 4, 136, high - 8, LOOK)
        person(d, look, (HIPS, RUN, WAVE)[i], 104, y + 2, 0.68)
        code(d, 178, y + 34, LOOK, cell=5, rows=6, columns=4, layers=2, phase=2.1 * i)
        for j, pose in enumerate(poses):
            x = left + j * wide
            chosen = (i, j) == (1, 3)
            d.box(x + 5, y + 4, wide - 10, high - 8, fill=WHITE if chosen else PANEL, stroke=INK if chosen else LINE,
                  line=2.6 if chosen else 1)  # fmt: skip
            person(d, look, pose, x + wide / 2 - 32 * 0.68, y + 2, 0.68)
    d.text(160, 44, "a row: one person,", size=14, bold=True, colour=LOOK, anchor="middle")
    d.text(160, 62, "one code *z*_{a}", size=14, colour=LOOK, anchor="middle")
    d.arrow((160, 72), (160, 102), colour=LOOK)
    d.arrow((664, 54), (652, 54), colour=POSE)
    d.text(672, 50, "a column: one pose,", size=14, bold=True, colour=POSE)
    d.text(672, 68, "one code *z*_{p}", size=14, colour=POSE)
    d.arrow((664, 242), (650, 242), colour=INK)
    d.text(674, 222, "*G*(*z*_{a}, *z*_{p})", size=20)
    d.note(674, 248, "the second person\nin the fourth pose", 200, colour=INK, size=14)
    d.line((674, 292), (872, 292), colour=LINE)
    d.note(674, 318, "7 codes give 12 pictures:\nany row, any column.", 220, size=14)


def _cloud(d: Drawing, cloud: Sequence[Point], shape: str) -> None:
    """Marks of a cloud: discs for real pictures, triangles for answers."""
    if shape == "disc":
        for x, y in cloud:
            d.dot(x, y, 3.6, mix(BLUE, WHITE, 0.25), WHITE, 0.6)
        return
    corners = "".join(f"M{points([(x, y - 4.6), (x + 4.2, y + 3), (x - 4.2, y + 3)])}z" for x, y in cloud)
    d.add(element("path", d=corners, fill=RED, stroke=WHITE, stroke_width=0.7))


def scores(d: Drawing) -> None:
    """Lesson 9: two clouds, what mean and covariance miss, and a copy."""
    rule(d, 306, 24, 350)
    rule(d, 600, 24, 350)

    def ellipse(x: float, y: float, a: float, b: float, turn: float, colour: str, dash: str | None = None) -> None:
        d.add(element("ellipse", cx=x, cy=y, rx=a, ry=b, fill=mix(colour, WHITE, 0.9), fill_opacity=0.55, stroke=colour,
                      stroke_width=2, stroke_dasharray=dash, transform=f"rotate({turn} {x} {y})"))  # fmt: skip

    heading(d, 28, 40, "Two clouds of features")
    ellipse(112, 176, 72, 52, 0, BLUE)
    ellipse(212, 140, 66, 34, -35, RED, "6 4")
    _cloud(d, with_moments(spread(44), (112, 176), 35, 25), "disc")
    _cloud(d, with_moments(spread(36, 200), (212, 140), 32, 16.5, math.radians(-35)), "triangle")
    d.arrow((112, 176), (212, 140), colour=INK, width=2.6, both=True)
    d.text(60, 254, "real pictures", size=13, colour=BLUE)
    d.text(206, 76, "answers", size=13, colour=RED)
    d.note(
        28,
        292,
        "**Fréchet distance:** how far apart\nare the means, and how different\nare the shapes (covariances)?",
        264,
    )

    heading(d, 328, 40, "Distance 0, and yet different")
    _cloud(d, with_moments(spread(52, 31), (452, 160), 42, 42), "disc")
    ring = [(math.cos(2 * math.pi * i / 40), math.sin(2 * math.pi * i / 40)) for i in range(40)]
    _cloud(d, with_moments(ring, (452, 160), 42, 42), "triangle")
    d.line((445, 160), (459, 160), width=2.4)
    d.line((452, 153), (452, 167), width=2.4)
    d.text(452, 262, "same mean (+), same covariance", size=13, anchor="middle", bold=True)
    d.note(
        328, 292, "The ring of answers has no point\nwhere most real pictures are.\nFréchet sees no difference.", 264
    )

    heading(d, 622, 40, "A copy sits inside the cloud")
    cloud = with_moments(spread(44), (692, 164), 34, 44)
    _cloud(d, cloud, "disc")
    for i in (5, 11, 16, 22, 27, 33, 38, 41):
        _cloud(d, [cloud[i]], "triangle")
        d.dot(*cloud[i], 8, "none", INK, 1.4)
    d.text(692, 262, "answer = real picture", size=13, bold=True, anchor="middle")
    d.box(788, 62, 42, 84, fill=PANEL)
    skeleton(d, WAVE, 788, 62, 42 / 64, width=1.8)
    picture(d, 788, 176, 42, "park", BEN, STAND)
    d.text(840, 108, "wanted", size=13, colour=GREY)
    d.text(840, 222, "copied", size=13, colour=GREY)
    tick(d, 830, 178, False)
    d.note(
        622,
        292,
        "Nothing was done, and no distance\nbetween clouds can tell. Another\nscore has to look at the pose.",
        264,
    )


def ablations(d: Drawing) -> None:
    """Lesson 10: the same mean change, different evidence."""
    rule(d, 450, 24, 362)
    full = (0.9, 2.1, 1.5)
    changes = ((0.7, 1.17, 0.93), (0.2, 1.0, 1.6))
    scatter = (full, (2.0, 0.5, 0.95))
    words = ("The three seeds agree", "The three seeds disagree")
    ends = (
        "0 lies outside the interval:\nthe part makes a difference.",
        "0 lies inside the interval:\nthis study cannot tell.",
    )

    def mark(x: float, y: float, seed: int, colour: str, filled: bool = True) -> None:
        fill = colour if filled else WHITE
        if seed == 0:
            d.dot(x, y, 6, fill, colour, 2)
        elif seed == 1:
            d.box(x - 5.5, y - 5.5, 11, 11, fill=fill, stroke=colour, radius=1, line=2)
        else:
            d.add(element("path", d=f"M{points([(x, y - 7), (x + 6.5, y + 5), (x - 6.5, y + 5)])}z", fill=fill,
                          stroke=colour, stroke_width=2))  # fmt: skip

    for side, (offset, own, change) in enumerate(zip((24, 474), scatter, changes, strict=True)):
        heading(d, offset + 4, 40, words[side])
        zero, unit = offset + 142, 62.0
        for y, name in ((84, "full network"), (140, "without the part")):
            d.text(offset + 4, y + 5, name, size=13, colour=INK)
            d.line((zero - 22, y), (offset + 400, y), colour=LINE, width=1.2)
        for seed in range(3):
            a, b = zero + own[seed] * unit, zero + (own[seed] + change[seed]) * unit
            d.line((a, 84), (b, 140), colour=GREY, width=1.4, dash="3 3")
            mark(a, 84, seed, BLUE)
            mark(b, 140, seed, RED, False)
        d.text(offset + 400, 168, "score →", size=13, colour=GREY, anchor="end")
        # The change, seed by seed, and its interval.
        mean = sum(change) / 3
        deviation = math.sqrt(sum((each - mean) ** 2 for each in change) / 2)
        reach = 4.303 * deviation / math.sqrt(3)
        base = offset + 196
        d.text(offset + 4, 230, "change", size=13)
        d.text(offset + 4, 272, "mean and", size=13)
        d.text(offset + 4, 288, "95 % interval", size=13)
        d.line((base, 204), (base, 306), colour=INK, width=1.6)
        d.text(base, 198, "0", size=14, bold=True, anchor="middle")
        d.line((zero - 22, 225), (offset + 400, 225), colour=LINE, width=1.2)
        for seed in range(3):
            mark(base + change[seed] * unit, 225, seed, INK)
        low, high = base + (mean - reach) * unit, base + (mean + reach) * unit
        outside = mean - reach > 0
        colour = mix(GREEN, INK, 0.25) if outside else "#a35a00"
        d.line((low, 276), (high, 276), colour=colour, width=5)
        for x in (low, high):
            d.line((x, 268), (x, 284), colour=colour, width=3)
        middle = base + mean * unit
        d.add(
            element(
                "path", d=f"M{points([(middle, 266), (middle + 9, 276), (middle, 286), (middle - 9, 276)])}z", fill=INK
            )
        )
        d.line((middle, 234), (middle, 264), colour=GREY, width=1, dash="2 3")
        d.note(offset + 4, 332, ends[side], 300, size=14, colour=colour)
        d.text(middle, 306, f"+{mean:.2f}", size=13, bold=True, anchor="middle")
        d.text(offset + 400, 198, "without − full", size=13, colour=GREY, anchor="end")
    for seed in range(3):
        mark(316 + 18 * seed, 338, seed, GREY)
    d.text(374, 343, "3 seeds", size=13, colour=GREY)


def rivals(d: Drawing) -> None:
    """Lesson 11: who is given what."""
    left, column = 118.0, 154.0
    grey = d.define("grey", '<filter id="ID"><feColorMatrix type="saturate" values="0"/></filter>')
    names = ("PG²", "PN-GAN", "PATN", "DG-Net", "MOMI-Net")
    extra = ("the target pose", "the target pose", "both poses", "a second picture", "a second picture")
    detail = ("as 17 discs", "as coloured sticks", "as Gaussians", "in grey", "in colour")
    found = ("given", "given", "given for both", "not used: the grey\noutline is kept", "found by its\nown student")
    trained = (
        "pairs *x*, *x*^{+}",
        "pairs *x*, *x*^{+}",
        "pairs *x*, *x*^{+}",
        "triplets and the\nidentity labels",
        "triplets\n*x*, *x*^{+}, *x*^{−}",
    )
    d.box(
        left + 4 * column + 3, 14, column - 6, 320, fill=mix(GREEN, WHITE, 0.9), stroke=mix(GREEN, WHITE, 0.4), line=1.6
    )
    for y, words, end in ((126, "At a swap it\nis given", 204), (240, "The pose is", 268), (304, "It learns from", 0)):
        d.note(24, y - 8 * words.count("\n"), words, 100, size=13)
        if end:
            d.line((24, end), (left + 5 * column - 8, end), colour=LINE, width=1)
    for i, name in enumerate(names):
        x = left + column * i
        middle = x + column / 2
        small = name == "PATN"
        width = 40 if small else 46
        places = (
            [middle - 1.5 * width - 6, middle - width / 2, middle + width / 2 + 6]
            if small
            else [middle - width - 8, middle + 8]
        )
        top = 74 if not small else 80
        picture(d, places[0], top, width, "bricks", ANA, STAND, border=LOOK, line=2)
        for place in places[1:]:
            pose = STAND if small and place == places[1] else WAVE
            scale = width / 64
            if name == "PG²":
                tile(d, place, top, width, INK, POSE)
                for a, b in pose.joints().values():
                    d.dot(place + a * scale, top + b * scale, 2.9, WHITE)
            elif name == "PN-GAN":
                tile(d, place, top, width, INK, POSE)
                skeleton(d, pose, place, top, scale, width=2)
            elif name == "PATN":
                pose_map(d, pose, place, top, width, radius=8)
                d.box(place, top, width, 2 * width, fill="none", stroke=POSE, radius=2, line=2)
            else:
                before = len(d.parts)
                picture(d, place, top, width, "park", BEN, WAVE, border=POSE, line=2)
                if name == "DG-Net":
                    d.parts[before] = element("g", d.parts[before], filter=f"url(#{grey})")
        d.text(middle, 40, name, size=17, bold=True, anchor="middle")
        d.text(middle, 60, extra[i], size=13, colour=GREY, anchor="middle")
        d.text(middle, 188, detail[i], size=13, colour=GREY, anchor="middle")
        d.note(middle, 240 - 8 * found[i].count("\n"), found[i], column, anchor="middle", colour=INK)
        d.note(middle, 304 - 8 * trained[i].count("\n"), trained[i], column, anchor="middle", colour=INK)


def _mapped(d: Drawing, pose: Pose) -> str:
    """A body map: every part of the body in its own shades, orange on the person's right, blue on their left."""
    shades = {"left": ("#cfe6f5", "#0b5c94"), "right": ("#fde3b5", "#c75c00")}
    (x0, y0), (x1, y1) = pose.arms["right"][0], pose.arms["left"][0]
    plane = {"gradientUnits": "userSpaceOnUse"}
    sides = [(0, "#f0a63c", 1), (0.5, "#f4f1ea", 1), (1, "#5aa9d6", 1)]
    across = d.gradient(f"across {pose.name}", sides, x1=x0 - 4, y1=y0, x2=x1 + 4, y2=y1, **plane)
    parts = []
    for shape in Body(ANA, pose).shapes:
        side, _, limb = shape.part.partition(" ")
        name = across
        if limb:
            (x0, y0), _, (x1, y1) = (pose.arms if limb == "arm" else pose.legs)[side]
            ends = [(0, shades[side][0], 1), (1, shades[side][1], 1)]
            name = d.gradient(f"{shape.part} {pose.name}", ends, x1=x0, y1=y0, x2=x1, y2=y1, **plane)
        parts.append(element("path", d=shape.path(), fill=f"url(#{name})", stroke="#5d666e", stroke_width=0.6))
    return "".join(parts)


def carrying(d: Drawing) -> None:
    """Lesson 12: the same point of the body shows the same cloth."""
    top, size = 88.0, 84.0
    scale = size / 64
    source, wanted, standing = HIDING.shifted(0, 17), WAVE, STEP
    places = {"source": 24.0, "its body map": 126.0, "standing body": 222.0, "map of the pose": 344.0, "answer": 446.0}
    heading(d, 24, 38, "The same point of the body shows the same cloth")
    for words, x in places.items():
        d.text(x + (49 if words == "standing body" else size / 2), 72, words, size=13, colour=GREY, anchor="middle")
    picture(d, places["source"], top, size, "bricks", ANA, source)
    clip = frame(d)
    for name, pose in (("its body map", source), ("map of the pose", wanted)):
        d.box(places[name], top, size, 2 * size, fill=PANEL, stroke="#7d8994", radius=4)
        d.add(element("g", _mapped(d, pose), clip_path=f"url(#{clip})",
                      transform=f"translate({points([(places[name], top)])}) scale({scale:.3f})"))  # fmt: skip
    d.add(
        element(
            "g", _mapped(d, standing), transform=f"translate({points([(places['standing body'], 78)])}) scale(1.55)"
        )
    )
    picture(d, places["answer"], top, size, "bricks", ANA, wanted, border=INK, line=2)

    # The same point, found five times.
    bus = 294.0
    marks = [
        (places["source"] + 45.9 * scale, top + 79 * scale),
        (places["its body map"] + 45.9 * scale, top + 79 * scale),
        (places["standing body"] + 54.8 * 1.55, 78 + 56 * 1.55),
        (places["map of the pose"] + 52.8 * scale, top + 28.2 * scale),
        (places["answer"] + 52.8 * scale, top + 28.2 * scale),
    ]
    for x, y in marks[1:4]:
        d.line((x, y + 8), (x, bus), colour=INK, width=1.4, dash="3 3")
        d.dot(x, bus, 3.5, INK)
    (x0, y0), (x1, y1) = marks[0], marks[-1]
    d.line((x0, y0 + 8), (x0, bus), (x1, bus), colour=LOOK, width=3)
    d.arrow((x1, bus), (x1, y1 + 10), colour=LOOK, width=3)
    for spot in marks:
        d.dot(*spot, 7.5, "none", WHITE, 5)
        d.dot(*spot, 7.5, "none", INK, 2.6)
    d.text((x0 + x1) / 2, bus + 22, "its colour is carried", size=14, bold=True, colour=LOOK, anchor="middle")
    d.text(
        (x0 + x1) / 2,
        bus + 41,
        "left forearm, 8 cm above the wrist: one coordinate in every map",
        size=13,
        colour=GREY,
        anchor="middle",
    )

    # Where each pixel of the answer comes from.
    rule(d, 562, 24, 340)
    heading(d, 588, 38, "Three kinds of pixels")
    space = 'patternUnits="userSpaceOnUse"'
    bars = element("rect", width=5, height=5, fill="#fff1cc") + element("rect", width=2.2, height=5, fill=ORANGE)
    turned = f'{space} patternTransform="rotate(45)"'
    hatch = d.define("hatch", f'<pattern id="ID" width="5" height="5" {turned}>{bars}</pattern>')
    spots = element("rect", width=4, height=4, fill="#fbeaf3") + element("circle", cx=2, cy=2, r=1.2, fill="#b04a86")
    dots = d.define("dots", f'<pattern id="ID" width="4" height="4" {space}>{spots}</pattern>')
    plain = "#8ec9b6"
    body = []
    for shape in Body(ANA, wanted).shapes:
        kind = plain
        if shape.part == "right arm":
            kind = f"url(#{hatch})"
        elif shape.fill == ANA.shoes:
            kind = f"url(#{dots})"
        body.append(element("path", d=shape.path(), fill=kind, stroke=INK, stroke_width=0.8))
    d.add(element("g", "".join(body), transform=f"translate({points([(582, 76)])}) scale(1.62)"))
    legend = (
        (plain, "carried", "from the same point\nof the source"),
        (f"url(#{hatch})", "mirrored", "from the other side:\nthis arm was hidden"),
        (f"url(#{dots})", "drawn", "by *G*: the feet were\noutside the source"),
    )
    for i, (fill, name, words) in enumerate(legend):
        y = 96 + 78 * i
        d.box(704, y - 13, 24, 18, fill=fill, stroke=INK, radius=4, line=1.2)
        d.text(738, y + 1, name, size=14, bold=True)
        d.note(738, y + 20, words, 150)
