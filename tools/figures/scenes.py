"""People, skeletons, streets and framed pictures in a figure."""

from __future__ import annotations

from typing import Literal

from tools.figures.people import HEIGHT, SHADE, WIDTH, Body, Look, Pose
from tools.figures.shapes import at, between, paths
from tools.figures.svg import BLUE, SKY, WHITE, Drawing, element
from tools.figures.svg import number as n

Scene = Literal["bricks", "park", "shop"]


def symbol(drawing: Drawing, look: Look, pose: Pose) -> str:
    """The id of somebody in a pose, defined once in a drawing; so are head and trunk, which many poses share."""
    body = Body(look, pose)
    x, y = pose.head
    still = Body(look, pose.shifted(-x, -y))
    head = paths(still.shapes[still.head])
    rest = body.shapes[: body.head.start]
    trunk = next(i for i, shape in enumerate(rest) if shape.part == "neck")
    # What is the same in several poses is defined once.
    shared = [drawing.define(each, f'<g id="ID">{each}</g>') for each in (paths(rest[trunk:]), head)]
    inside = paths(rest[:trunk]) + element("use", href=f"#{shared[0]}") + element("use", href=f"#{shared[1]}", x=x, y=y)
    inside += paths(body.shapes[body.head.stop :])
    outline = f'paint-order="stroke" stroke="{SHADE}" stroke-opacity=".5"'
    return drawing.define(f"{look} {pose}", f'<g id="ID" {outline}>{inside}</g>')


def person(drawing: Drawing, look: Look, pose: Pose, x: float, y: float, scale: float = 1) -> None:
    """Draw somebody; (x, y) is the top left corner of their 64 × 128 px."""
    name = symbol(drawing, look, pose)
    drawing.add(element("use", href=f"#{name}", transform=f"translate({at([(x, y)])}) scale({n(scale)})"))


def skeleton(drawing: Drawing, pose: Pose, x: float, y: float, scale: float = 1, *, width: float = 2.4,
             halo: bool = False) -> None:  # fmt: skip
    """Draw a pose: the person's left and the trunk in blue, their right in light blue, all joints as discs."""
    found = {name: (x + a * scale, y + b * scale) for name, (a, b) in pose.joints().items()}
    middle = between(found["left_shoulder"], found["right_shoulder"], 0.5)
    order = ("wrist", "elbow", "shoulder", "hip", "knee", "ankle")
    chains = {
        colour: [[found[f"{side}_{joint}"] for joint in order]] for side, colour in (("right", SKY), ("left", BLUE))
    }
    chains[BLUE] += [[found[f"left_{each}"], found[f"right_{each}"]] for each in ("shoulder", "hip")]
    chains[BLUE] += [[found["nose"], middle]]

    def draw(d: str, colour: str, wide: float, opacity: float | None = None) -> None:
        drawing.add(element("path", d=d, stroke=colour, stroke_width=wide, fill="none", stroke_linecap="round",
                            stroke_linejoin="round", opacity=opacity))  # fmt: skip

    lines = {colour: "".join(f"M{at(chain)}" for chain in own) for colour, own in chains.items()}
    if halo:
        draw("".join(lines.values()), WHITE, width + 2.6, 0.8)
    for colour, d in lines.items():
        draw(d, colour, width)
    # A line without length and with round ends is a disc.
    discs = {SKY: "", BLUE: ""}
    for name, joint in found.items():
        discs[SKY if name.startswith("right") else BLUE] += f"M{at([joint])}h0"
    draw("".join(discs.values()), WHITE, 2.4 * width + 1.8)
    for colour, d in discs.items():
        draw(d, colour, 2.4 * width)
    drawing.dot(*found["nose"], 1.8 * width, BLUE)


def street(kind: Scene) -> str:
    """What is behind somebody, in 64 × 128 px."""

    def rect(x: float, y: float, width: float, height: float, fill: str, rx: float | None = None) -> str:
        return element("rect", x=x, y=y, width=width, height=height, fill=fill, rx=rx)

    if kind == "bricks":
        joints = "".join(f"M0,{y}H64" for y in range(8, 92, 12))
        joints += "".join(
            f"M{x},{y}v12" for i, y in enumerate(range(-4, 82, 12)) for x in range(8 + 8 * (i % 2), 64, 16)
        )
        return (rect(0, 0, 64, 94, "#ead7c6") + element("path", d=joints, stroke="#d9bfa9", fill="none")
                + rect(0, 92, 64, 3, "#b9b3ab") + rect(0, 95, 64, 33, "#d3d4d2"))  # fmt: skip
    if kind == "park":
        return (rect(0, 0, 64, 128, "#dcecf5") + element("circle", cx=9, cy=34, r=17, fill="#b6d3a6")
                + element("circle", cx=24, cy=46, r=12, fill="#c3dcb4") + rect(9, 48, 4, 42, "#a88f76")
                + element("circle", cx=60, cy=58, r=15, fill="#c3dcb4") + rect(0, 84, 64, 18, "#bcd6a7")
                + element("path", d="M0,102 Q32,94 64,100V128H0z", fill="#e4dccb"))  # fmt: skip
    stripes = "".join(rect(x, 12, 8, 12, "#f4f4f2" if x % 16 else "#9cc0d6") for x in range(0, 64, 8))
    return (rect(0, 0, 64, 98, "#d9dee6") + rect(4, 24, 34, 58, "#c0d6e2") + rect(44, 24, 16, 72, "#b9a99a")
            + element("path", d="M8,60 26,28M20,70 34,44", stroke="#d6e6ee", stroke_width=3) + stripes
            + rect(0, 95, 64, 33, "#cbcdd2"))  # fmt: skip


def frame(drawing: Drawing) -> str:
    """The id of what cuts a picture off at its frame."""
    inside = element("rect", width=WIDTH, height=HEIGHT, rx=3)
    return drawing.define("frame", f'<clipPath id="ID">{inside}</clipPath>')


def background(drawing: Drawing, scene: Scene) -> str:
    """The id of a street, defined once in a drawing."""
    return drawing.define(f"street {scene}", f'<g id="ID">{street(scene)}</g>')


def picture(drawing: Drawing, x: float, y: float, width: float, scene: Scene, look: Look | None = None,
            pose: Pose | None = None, *, border: str = "#7d8994", line: float = 1.5,
            dash: str | None = None) -> None:  # fmt: skip
    """Draw a framed picture of somebody, or of nobody, in a street."""
    scale, height = width / WIDTH, 2 * width
    clip = frame(drawing)
    inside = element("use", href=f"#{background(drawing, scene)}")
    if look and pose:
        inside += element("use", href=f"#{symbol(drawing, look, pose)}")
    drawing.add(
        element("g", inside, transform=f"translate({at([(x, y)])}) scale({n(scale)})", clip_path=f"url(#{clip})")
    )
    drawing.add(element("rect", x=x, y=y, width=width, height=height, rx=3 * scale, fill="none", stroke=border,
                        stroke_width=line, stroke_dasharray=dash))  # fmt: skip
