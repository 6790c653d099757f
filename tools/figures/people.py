"""People, skeletons and streets for drawn figures, all in the 64 × 128 px of a picture of a pedestrian.

A pose is where the joints are; a look is what somebody wears. A body is a list of shapes made of both, which can be
drawn, and asked for its colour at a point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from tools.figures.shapes import Shape, at, bands, between, limb
from tools.figures.svg import INK, Point, element, mix
from tools.figures.svg import number as n

View = Literal["front", "side"]
WIDTH, HEIGHT = 64, 128
SHADE = "#20262c"


@dataclass(frozen=True)
class Pose:
    """Where the joints are. ``left`` and ``right`` are the person's own; a view from the side looks to the right."""

    name: str
    head: Point
    arms: dict[str, tuple[Point, Point, Point]]
    legs: dict[str, tuple[Point, Point, Point]]
    view: View = "front"
    behind: tuple[str, ...] = ()  # sides whose arm is behind the trunk

    def shifted(self, dx: float, dy: float = 0) -> Pose:
        """The same pose at another place."""

        def moved(joints: tuple[Point, Point, Point]) -> tuple[Point, Point, Point]:
            a, b, c = ((x + dx, y + dy) for x, y in joints)
            return a, b, c

        head = (self.head[0] + dx, self.head[1] + dy)
        arms, legs = ({side: moved(each) for side, each in both.items()} for both in (self.arms, self.legs))
        return replace(self, name=f"{self.name} {n(dx)} {n(dy)}", head=head, arms=arms, legs=legs)

    def joints(self) -> dict[str, Point]:
        """The joints by COCO's names, without eyes and ears."""
        found = {"nose": (self.head[0] + (6.5 if self.view == "side" else 0), self.head[1] + 1)}
        for side in ("left", "right"):
            for names, both in ((("shoulder", "elbow", "wrist"), self.arms), (("hip", "knee", "ankle"), self.legs)):
                found |= {f"{side}_{name}": joint for name, joint in zip(names, both[side], strict=True)}
        return found


def _front(name: str, *, left: tuple[Point, Point], right: tuple[Point, Point],
           knees: tuple[Point, Point] = ((38.3, 89), (25.7, 89)),
           ankles: tuple[Point, Point] = ((38.8, 111), (25.2, 111)), behind: tuple[str, ...] = ()) -> Pose:  # fmt: skip
    """A pose seen from the front, by where elbows and wrists, knees and ankles are."""
    arms = {"left": ((41.2, 41.0), *left), "right": ((22.8, 41.0), *right)}
    legs = {"left": ((37.0, 68.5), knees[0], ankles[0]), "right": ((27.0, 68.5), knees[1], ankles[1])}
    return Pose(name, (32, 23.5), arms, legs, behind=behind)


STAND = _front("stand", left=((45.2, 55), (46.5, 69)), right=((18.8, 55), (17.5, 69)))
WAVE = _front("wave", left=((52.5, 36), (53, 20.5)), right=((18.8, 55), (17.5, 69)))
HIPS = _front("hips", left=((52.5, 55), (42.5, 66)), right=((11.5, 55), (21.5, 66)),
              knees=((40, 89), (24, 89)), ankles=((41.5, 111), (22.5, 111)))  # fmt: skip
CHEER = _front("cheer", left=((51.5, 30), (50, 14.5)), right=((12.5, 30), (14, 14.5)),
               knees=((40.5, 88.5), (23.5, 88.5)), ankles=((43, 110.5), (21, 110.5)))  # fmt: skip
STEP = _front("step", left=((51, 51), (58.5, 61)), right=((13, 51), (5.5, 61)),
              knees=((41, 88.5), (23, 88.5)), ankles=((45, 110), (19, 110)))  # fmt: skip
REACH = _front("reach", left=((49.5, 52.5), (54.5, 64.5)), right=((13.5, 51.5), (7.5, 63)),
               knees=((41, 88.5), (23, 88.5)), ankles=((45, 110), (19, 110)))  # fmt: skip
HIDING = _front("hiding", left=((45.2, 55), (46.5, 69)), right=((19, 54.5), (28, 65)), behind=("right",))
WALK = Pose(
    "walk", (33.5, 23.5),
    {"left": ((33.5, 41), (41, 54), (48.5, 64)), "right": ((31.5, 41), (23.5, 54), (20, 67.5))},
    {"left": ((31, 68.5), (29.5, 89), (18.5, 106.5)), "right": ((32, 68.5), (39, 88), (43.5, 109))},
    "side", ("left",),
)  # fmt: skip
RUN = Pose(
    "run", (38, 24.5),
    {"left": ((35.5, 41.5), (43, 54), (53, 46.5)), "right": ((33, 42), (22, 50.5), (25, 63.5))},
    {"left": ((31, 69), (26, 89), (9.5, 96.5)), "right": ((32, 69), (44, 84), (42.5, 105))},
    "side", ("left",),
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What somebody wears, and their hair and skin."""

    name: str
    skin: str
    hair: str
    top: str
    legs: str
    shoes: str
    cut: Literal["short", "long", "bun"] = "short"
    sleeves: Literal["long", "short"] = "long"
    stripes: str | None = None
    badge: str | None = None
    skirt: bool = False


ANA = Look("ana", "#d9a27a", "#4a2f22", "#e8743b", "#2f4b6e", "#33373c", "bun", stripes="#fbe3d1")
BEN = Look("ben", "#8d5a3c", "#1f1a19", "#15936f", "#5b6673", "#e9ecef", "short", "short", badge="#f5e663")
CLEO = Look("cleo", "#f0c6a6", "#b5632c", "#cc79a7", "#6b3f63", "#4d3a4a", "long", skirt=True)


@dataclass
class Body:
    """The shapes of somebody in a pose, from the back to the front."""

    look: Look
    pose: Pose
    shapes: list[Shape] = field(default_factory=list)
    head: slice = field(default_factory=lambda: slice(0))  # which of the shapes are the head

    def __post_init__(self) -> None:
        side = self.pose.view == "side"
        for name in ("left", "right"):
            if name in self.pose.behind:
                self._arm(name, far=True)
        if self.look.cut == "long" and not side:
            x, y = self.pose.head
            self.shapes.append(Shape(((x - 4.5, y, 4.4), (x + 4.5, y, 4.4), (x + 5, y + 13, 4.2), (x - 5, y + 13, 4.2)),
                                     self.look.hair, "head"))  # fmt: skip
        if side:
            self._leg("left", far=True)
            self._leg("right")
        else:
            self._leg("left")
            self._leg("right")
        self._trunk()
        before = len(self.shapes)
        if side:
            self._face_from_the_side()
        else:
            self._face()
        self.head = slice(before, len(self.shapes))
        for name in ("left", "right"):
            if name not in self.pose.behind:
                self._arm(name)

    def colour(self, x: float, y: float) -> str | None:
        """The colour of the person at a point of the picture, or None beside them."""
        for shape in reversed(self.shapes):
            if shape.contains(x, y):
                return shape.fill
        return None

    def _arm(self, side: str, far: bool = False) -> None:
        shoulder, elbow, wrist = self.pose.arms[side]
        look, part = self.look, f"{side} arm"
        shade = 0.16 if far else 0.0
        top, skin = (mix(each, SHADE, shade) for each in (look.top, look.skin))
        long = math.dist(elbow, wrist)
        hand = (wrist[0] + (wrist[0] - elbow[0]) / long * 3.2, wrist[1] + (wrist[1] - elbow[1]) / long * 3.2)
        self.shapes.append(limb(wrist, hand, 2.5, 3.2, skin, part))
        lower, upper = (top, top) if look.sleeves == "long" else (skin, skin)
        ink = upper_ink = ""
        if look.stripes and look.sleeves == "long":
            stripe = mix(look.stripes, SHADE, shade)
            ink = bands(elbow, wrist, 3.5, 2.9, (0.22, 0.68), stripe, 2.2)
            upper_ink = bands(shoulder, elbow, 4.3, 3.6, (0.42, 0.85), stripe, 2.2)
        self.shapes.append(limb(elbow, between(elbow, wrist, 0.97), 3.5, 2.9, lower, part, ink))
        self.shapes.append(limb(shoulder, elbow, 4.3, 3.6, upper, part, upper_ink))
        if look.sleeves == "short":
            end = between(shoulder, elbow, 0.62)
            self.shapes.append(limb(shoulder, end, 4.6, 4.7, top, part))

    def _leg(self, side: str, far: bool = False) -> None:
        hip, knee, ankle = self.pose.legs[side]
        look, part = self.look, f"{side} leg"
        shade = 0.22 if far else 0.0
        cloth, skin, shoe = (mix(each, SHADE, shade) for each in (look.legs, look.skin, look.shoes))
        x, y = ankle
        if self.pose.view == "side":
            long = math.dist(knee, ankle)
            down = ((ankle[0] - knee[0]) / long, (ankle[1] - knee[1]) / long)
            ahead = (down[1], -down[0])
            heel, toe = ((x + down[0] * 2.2 + ahead[0] * t, y + down[1] * 2.2 + ahead[1] * t) for t in (-0.6, 6.2))
            self.shapes.append(limb(heel, toe, 3.1, 2.2, shoe, part))
        else:
            out = 1.7 if x >= 32 else -1.7
            self.shapes.append(limb((x + 0.2 * out, y + 1.4), (x + out, y + 3), 2.9, 3.2, shoe, part))
        bare = look.skirt
        self.shapes.append(limb(knee, ankle, 4.2 - 0.5 * bare, 3.0 - 0.4 * bare, skin if bare else cloth, part))
        self.shapes.append(limb(hip, knee, 5.6, 4.3, skin if bare else cloth, part))

    def _trunk(self) -> None:
        look, pose = self.look, self.pose
        left, right = pose.arms["left"][0], pose.arms["right"][0]
        hip_left, hip_right = pose.legs["left"][0], pose.legs["right"][0]
        middle, hips = between(left, right, 0.5), between(hip_left, hip_right, 0.5)
        if pose.view == "side":
            ring = ((middle[0] - 0.6, middle[1] + 1.5, 6.4), (hips[0], hips[1] - 3.5, 5.9))
        else:
            (a, b), (c, d) = sorted((left, right)), sorted((hip_left, hip_right))
            ring = ((a[0] + 1.2, a[1] + 0.6, 5), (b[0] - 1.2, b[1] + 0.6, 5), (d[0] - 0.4, d[1] - 2.5, 5),
                    (c[0] + 0.4, c[1] - 2.5, 5))  # fmt: skip
        if look.skirt:
            knees = [pose.legs[side][1] for side in ("left", "right")]
            low = [(x + (3.4 if x == max(k[0] for k in knees) else -3.4), y - 5) for x, y in knees]
            (ax, ay), (bx, by) = sorted(low)
            reach = 4.0 if pose.view == "side" else 7.2
            self.shapes.append(Shape(((hips[0] - reach, hips[1] - 5, 2.4), (hips[0] + reach, hips[1] - 5, 2.4),
                                      (bx, by, 1.6), (ax, ay, 1.6)), look.legs, "skirt"))  # fmt: skip
        neck = (pose.head[0] - (1.5 if pose.view == "side" else 0), pose.head[1] + 5)
        base = (middle[0], middle[1] - 3.2)
        self.shapes.append(limb(neck, base, 3.3, 3.5, mix(look.skin, SHADE, 0.1), "neck"))
        ink = self._print(ring, middle)
        self.shapes.append(Shape(ring, look.top, "trunk", ink=ink))

    def _print(self, ring: tuple[tuple[float, float, float], ...], middle: Point) -> str:
        """What is on the shirt: stripes, a badge on the chest, the neckline."""
        look, pose, drawn = self.look, self.pose, ""
        if look.stripes:
            shares = (0.18, 0.36, 0.54, 0.72, 0.9)
            if pose.view == "side":
                (ax, ay, ra), (bx, by, rb) = ring
                drawn += bands((ax, ay), (bx, by), ra, rb, (0.05, 0.3, 0.55, 0.8), look.stripes, 2.4)
            else:
                (ax, ay, r), (bx, by, _), (cx, cy, _), (dx, dy, _) = ring
                d = ""
                for t in shares:
                    (x0, y0), (x1, y1) = between((ax, ay), (dx, dy), t), between((bx, by), (cx, cy), t)
                    d += f"M{at([(x0 - r + 0.1, y0), (x1 + r - 0.1, y1)])}"
                drawn += element("path", d=d, stroke=look.stripes, stroke_width=2.4, stroke_opacity=1)
        if look.badge and pose.view == "front":
            x, y = middle[0], middle[1] + 10
            spikes = [(x + r * math.sin(math.pi * i / 5), y - r * math.cos(math.pi * i / 5))
                      for i, r in enumerate((5.2, 2.3) * 5)]  # fmt: skip
            drawn += element("path", d=f"M{at(spikes)}z", fill=look.badge, stroke="none")
        x, y = middle
        if pose.view == "front":
            drawn += element("path", d=f"M{at([(x - 4.2, y - 4.4)])}Q{at([(x, y + 2.4), (x + 4.2, y - 4.4)])}z",
                             fill=mix(look.skin, SHADE, 0.1), stroke="none")  # fmt: skip
        return drawn

    def _face(self) -> None:
        look, (x, y) = self.look, self.pose.head
        if look.cut == "bun":
            self.shapes.append(Shape(((x, y - 10, 3.8),), look.hair, "head"))
        if look.cut != "long":
            self.shapes += [Shape(((x + d, y + 0.6, 1.7),), look.skin, "head") for d in (-7.1, 7.1)]
        part, high = {"short": (-3.4, 2.6), "bun": (0.0, 2.2), "long": (1.2, 3.2)}[look.cut]
        cap = (
            f"M{at([(x - 7.3, y + 0.6)])}C{at([(x - 9.2, y - 12.6), (x + 9.2, y - 12.6), (x + 7.3, y + 0.6)])}"
            f"C{at([(x + 6.6, y - 3.2), (x + 3.5 + part, y - 5.2), (x + part, y - 6.4 + high * 0.5)])}"
            f"C{at([(x - 3 + part, y - 5), (x - 6.6, y - 3), (x - 7.3, y + 0.6)])}z"
        )
        eyes = f"M{at([(x - 2.7, y)])}h0M{at([(x + 2.7, y)])}h0"
        line = {"stroke_opacity": 1, "stroke_linecap": "round"}
        ink = (
            element("path", d=cap, fill=look.hair, stroke="none")
            + element("path", d=eyes, stroke=INK, stroke_width=1.9, **line)
            + element("path", d=f"M{at([(x - 2.5, y + 3.9)])}q2.5 2.1 5 0", stroke=self._dark(), fill="none", **line)
        )
        self.shapes.append(self._skull()._replace(ink=ink))

    def _face_from_the_side(self) -> None:
        look, (x, y) = self.look, self.pose.head
        if look.cut == "bun":
            self.shapes.append(Shape(((x - 6.6, y - 7, 3.6),), look.hair, "head"))
        if look.cut == "long":
            self.shapes.append(limb((x - 4.6, y - 1), (x - 5.6, y + 12), 3.6, 3.4, look.hair, "head"))
        self.shapes.append(limb((x + 6.2, y + 1.4), (x + 5, y - 0.6), 1.6, 1.6, look.skin, "head"))
        cap = (
            f"M{at([(x + 6.6, y - 4.4)])}C{at([(x + 5, y - 12), (x - 9.6, y - 11.5), (x - 8, y + 1.5)])}"
            f"C{at([(x - 7.6, y + 5), (x - 5, y + 7), (x - 3.4, y + 6.4)])}"
            f"C{at([(x - 2, y + 3), (x - 1.6, y - 3), (x + 6.6, y - 4.4)])}z"
        )
        ear = mix(look.skin, SHADE, 0.12)
        mouth = f"M{at([(x + 3, y + 4.6)])}q1.6 .9 3 -.4"
        ink = (
            element("path", d=cap, fill=look.hair, stroke="none")
            + element("circle", cx=x + 3.9, cy=y - 0.6, r=0.95, fill=INK, stroke="none")
            + element("path", d=mouth, stroke=self._dark(), stroke_opacity=1, fill="none")
            + element("ellipse", cx=x - 1.2, cy=y + 0.8, rx=1.3, ry=1.8, fill=ear, stroke="none")
        )
        self.shapes.append(self._skull()._replace(ink=ink))

    def _skull(self) -> Shape:
        x, y = self.pose.head
        return Shape(((x, y - 1.4, 7.2), (x, y + 2.0, 6.4)), self.look.skin, "head")

    def _dark(self) -> str:
        return mix(self.look.skin, SHADE, 0.55)
