"""A small kit for drawn figures: SVG as text, made of plain strings, the same bytes on every machine.

Lengths are in px of the figure's own size. Words may carry marks: ``*z*`` is a symbol of mathematics, ``_{p}`` a
subscript, ``^{+}`` a superscript, ``**so**`` is bold.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple
from xml.sax.saxutils import escape, quoteattr

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]

# Okabe and Ito's colours, as in momi_lib.lessons.figures.drawing: they differ for readers with any colour vision.
BLUE, RED, GREEN, PINK, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
INK, GREY, LINE, PANEL, WHITE = "#1f2933", "#56636f", "#c5ced6", "#f3f6f8", "#ffffff"

# Arial and its free twins have the same widths, so that a line is as long on every machine.
SANS = "Arial, 'Helvetica Neue', Helvetica, 'Liberation Sans', 'Nimbus Sans', sans-serif"
SERIF = "'Times New Roman', Times, 'Liberation Serif', 'Nimbus Roman', serif"
MONO = "Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace"
#: The smallest text, which is 9 pt where a figure of 900 px is as wide as a page.
SMALLEST = 12

#: Widths in thousandths of an em, from the space to the tilde; what is not among them counts as a digit.
WIDTHS = dict(
    zip(
        map(chr, range(32, 127)),
        map(
            int,
            (
                "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 "
                "556 556 556 556 556 556 556 556 556 556 278 278 584 584 584 556 "
                "1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 "
                "667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 "
                "333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 "
                "556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"
            ).split(),
        ),
        strict=True,
    )
)
MARK = re.compile(r"\*\*(?P<bold>[^*]+)\*\*|\*(?P<math>[^*]+)\*|_\{(?P<sub>[^}]+)\}|\^\{(?P<sup>[^}]+)\}")


class Run(NamedTuple):
    """A piece of a line with one look: `kind` is ``plain``, ``bold``, ``math``, ``sub`` or ``sup``."""

    kind: str
    words: str


def runs(words: str) -> list[Run]:
    """The pieces of a line with marks.

    >>> runs("code *z*_{p}")
    [Run(kind='plain', words='code '), Run(kind='math', words='z'), Run(kind='sub', words='p')]
    """
    found, last = [], 0
    for match in MARK.finditer(words):
        if match.start() > last:
            found.append(Run("plain", words[last : match.start()]))
        found.append(Run(str(match.lastgroup), match[str(match.lastgroup)]))
        last = match.end()
    return found + ([Run("plain", words[last:])] if last < len(words) else [])


def small(size: float) -> float:
    """The size of sub- and superscripts beside text of a size."""
    return max(SMALLEST, 0.72 * size)


def text_width(words: str, size: float, mono: bool = False) -> float:
    """About how wide a line with marks is.

    >>> text_width("aaaa", 10), text_width("aaaa", 10, mono=True)
    (22.24, 24.0)
    """
    total = 0.0
    for kind, piece in runs(words):
        em = small(size) if kind in ("sub", "sup") else size
        wide = 1.07 if kind == "bold" else 1.0
        letters = [each for each in piece if each not in "\u0302\u20d7"]
        total += em * wide * sum(600 if mono else WIDTHS.get(each, 600) for each in letters) / 1000
    return round(total, 2)


def number(value: float) -> str:
    """A coordinate: two decimals at most, and none that say nothing.

    >>> number(2.0), number(0.333), number(-0.001)
    ('2', '0.33', '0')
    """
    short = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short


def points(pairs: Iterable[Point]) -> str:
    """Coordinates of a path."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in pairs)


def attributes(**values: str | float | None) -> str:
    """Attributes of an element; ``_`` in a name is written ``-``, and None leaves one out."""
    return "".join(
        f" {name.rstrip('_').replace('_', '-')}={quoteattr(value if isinstance(value, str) else number(value))}"
        for name, value in values.items() if value is not None
    )  # fmt: skip


def element(tag: str, content: str = "", **values: str | float | None) -> str:
    """One element.

    >>> element("rect", width=2, stroke_width=1.5, fill="none")
    '<rect width="2" stroke-width="1.5" fill="none"/>'
    """
    head = f"<{tag}{attributes(**values)}"
    return f"{head}>{content}</{tag}>" if content else f"{head}/>"


def mix(colour: str, other: str, share: float) -> str:
    """A colour between two.

    >>> mix("#000000", "#ffffff", 0.5)
    '#808080'
    """
    pairs = zip(*([int(each[i : i + 2], 16) for i in (1, 3, 5)] for each in (colour, other)), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _direction(start: Point, end: Point) -> Point:
    long = math.dist(start, end)
    return (end[0] - start[0]) / long, (end[1] - start[1]) / long


class Drawing:
    """One figure: what is drawn, in order, and what is defined once and used often."""

    def __init__(self, key: str, width: int, height: int, title: str, words: str) -> None:
        self.key, self.width, self.height, self.title, self.words = key, width, height, title, words
        self.parts: list[str] = []
        self.defined: dict[str, tuple[str, str]] = {}

    # What is defined once

    def define(self, name: str, content: str) -> str:
        """Define an element once, `content` with ``ID`` where its id belongs; returns the id.

        Ids begin with the figure's own key, because a page may hold several figures.
        """
        if name not in self.defined:
            identifier = f"f{self.key}-{len(self.defined)}"
            self.defined[name] = (identifier, content.replace("ID", identifier, 1))
        return self.defined[name][0]

    def gradient(self, name: str, stops: Sequence[tuple[float, str, float]], **values: str | float) -> str:
        """A radial gradient, or a linear one where `values` has ``x1``; stops are (offset, colour, opacity)."""
        tag = "linearGradient" if "x1" in values else "radialGradient"
        inside = "".join(
            element("stop", offset=offset, stop_color=colour, stop_opacity=None if opacity == 1 else opacity)
            for offset, colour, opacity in stops
        )
        return self.define(name, f'<{tag} id="ID"{attributes(**values)}>{inside}</{tag}>')

    # Shapes

    def add(self, *parts: str) -> None:
        """Draw elements."""
        self.parts += parts

    def box(self, x: float, y: float, width: float, height: float, *, fill: str = PANEL, stroke: str | None = LINE,
            radius: float = 10, line: float = 1.2, dash: str | None = None) -> None:  # fmt: skip
        """A rounded box."""
        self.add(element("rect", x=x, y=y, width=width, height=height, rx=radius or None, fill=fill, stroke=stroke,
                         stroke_width=line if stroke else None, stroke_dasharray=dash))  # fmt: skip

    def line(self, *at: Point, colour: str = INK, width: float = 1.5, dash: str | None = None) -> None:
        """A line through points."""
        self.add(element("path", d=f"M{points(at)}", fill="none", stroke=colour, stroke_width=width,
                         stroke_dasharray=dash, stroke_linecap="round", stroke_linejoin="round"))  # fmt: skip

    def dot(self, x: float, y: float, radius: float, fill: str, stroke: str | None = None, line: float = 1) -> None:
        """A disc."""
        self.add(element("circle", cx=x, cy=y, r=radius, fill=fill, stroke=stroke,
                         stroke_width=line if stroke else None))  # fmt: skip

    def arrow(self, *at: Point, bend: float = 0, colour: str = GREY, width: float = 2, dash: str | None = None,
              both: bool = False) -> None:  # fmt: skip
        """An arrow through points; between two points, `bend` px to the left of its way.

        The line ends inside the head, so that the tip is exactly at the last point.
        """
        head = 5 + 2.2 * width
        start, end = at[0], at[-1]
        after, before = at[1], at[-2]
        if bend:
            long = math.dist(start, end)
            across = ((end[1] - start[1]) / long, (start[0] - end[0]) / long)
            middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
            after = before = (middle[0] + 2 * bend * across[0], middle[1] + 2 * bend * across[1])
        way = _direction(before, end)
        stop = (end[0] - way[0] * head * 0.7, end[1] - way[1] * head * 0.7)
        d = f"M{points([start])} Q{points([before, stop])}" if bend else f"M{points([*at[:-1], stop])}"
        self.add(element("path", d=d, fill="none", stroke=colour, stroke_width=width, stroke_dasharray=dash,
                         stroke_linejoin="round"))  # fmt: skip
        self._head(end, way, head, colour)
        if both:
            self._head(start, _direction(after, start), head, colour)

    def _head(self, tip: Point, way: Point, size: float, colour: str) -> None:
        (x, y), (a, b), half = tip, way, 0.42 * size
        corners = [tip, (x - a * size - b * half, y - b * size + a * half), (x - a * size * 0.75, y - b * size * 0.75),
                   (x - a * size + b * half, y - b * size - a * half)]  # fmt: skip
        self.add(element("path", d=f"M{points(corners)}z", fill=colour))

    def brace(self, x0: float, x1: float, y: float, *, depth: float = 10, colour: str = GREY) -> Point:
        """A curly brace below a stretch (above it where `depth` is negative); returns its point."""
        middle, half = (x0 + x1) / 2, depth / 2
        corner = min(abs(half), (x1 - x0) / 4)
        d = (f"M{points([(x0, y)])} Q{points([(x0, y + half), (x0 + corner, y + half)])} "
             f"L{points([(middle - corner, y + half)])} Q{points([(middle, y + half), (middle, y + depth)])} "
             f"Q{points([(middle, y + half), (middle + corner, y + half)])} L{points([(x1 - corner, y + half)])} "
             f"Q{points([(x1, y + half), (x1, y)])}")  # fmt: skip
        self.add(element("path", d=d, fill="none", stroke=colour, stroke_width=1.5, stroke_linecap="round"))
        return middle, y + depth

    def grid(self, x: float, y: float, cell: float, colours: Sequence[Sequence[str | None]], *,
             gap: float = 0.6, edge: str | None = LINE) -> None:  # fmt: skip
        """A grid of coloured cells; None is an empty cell."""
        rows, columns = len(colours), len(colours[0])
        if edge:
            self.box(x - 1, y - 1, columns * cell + 2, rows * cell + 2, fill=WHITE, stroke=edge, radius=2)
        inside: dict[str, list[str]] = {}
        for i, row in enumerate(colours):
            j = 0
            while j < columns:
                colour, run = row[j], 1
                while j + run < columns and row[j + run] == colour:
                    run += 1
                if colour:  # a stroke as broad as a cell is high
                    at = points([(x + j * cell, y + (i + 0.5) * cell)])
                    inside.setdefault(colour, []).append(f"M{at}h{number(run * cell)}")
                j += run
        self.add(
            *(element("path", d="".join(cells), stroke=colour, stroke_width=cell) for colour, cells in inside.items())
        )
        if gap:
            d = "".join(f"M{points([(x, y + i * cell)])}h{number(columns * cell)}" for i in range(1, rows))
            d += "".join(f"M{points([(x + j * cell, y)])}v{number(rows * cell)}" for j in range(1, columns))
            self.add(element("path", d=d, stroke=WHITE, stroke_width=gap))

    def blob(self, x: float, y: float, radius: float, colour: str = "#fde725", strength: float = 1) -> None:
        """A Gaussian spot, which has faded at `radius`, three of its deviations."""
        steps = [(share, round(strength * math.exp(-4.5 * share * share), 3)) for share in (0, 0.2, 0.4, 0.6, 0.8)]
        stops = [(share, colour, opacity) for share, opacity in steps] + [(1.0, colour, 0.0)]
        name = self.gradient(f"blob {colour} {strength}", stops)
        self.dot(x, y, radius, f"url(#{name})")

    # Words

    def text(self, x: float, y: float, words: str, *, size: float = 14, colour: str = INK, anchor: Anchor = "start",
             bold: bool = False, mono: bool = False, halo: bool = False) -> None:  # fmt: skip
        """A line with marks; `y` is its base line. A `halo` keeps it readable on a picture."""
        pieces, shift = [], 0.0
        for kind, piece in runs(words):
            wanted = {"sub": 0.24 * size, "sup": -0.36 * size}.get(kind, 0.0)
            look = {
                "bold": {"font_weight": "bold"},
                "math": {"font_family": SERIF, "font_style": "italic", "font_size": 1.08 * size},
                "sub": {"font_size": small(size)},
                "sup": {"font_size": small(size)},
            }.get(kind, {})
            if kind in ("sub", "sup") and piece.isalpha():
                look = {"font_family": SERIF, "font_style": "italic", "font_size": 1.08 * small(size)}
            move = wanted - shift
            shift = wanted
            plain = not look and not move
            pieces.append(escape(piece) if plain else element("tspan", escape(piece), dy=move or None, **look))
        self.add(element(
            "text", "".join(pieces), x=x, y=y, font_size=size, fill=colour,
            text_anchor=None if anchor == "start" else anchor, font_weight="bold" if bold else None,
            font_family=MONO if mono else None, stroke=WHITE if halo else None, stroke_width=4 if halo else None,
            stroke_linejoin="round" if halo else None, paint_order="stroke" if halo else None,
        ))  # fmt: skip

    def note(self, x: float, y: float, words: str, width: float, *, size: float = 13, colour: str = GREY,
             anchor: Anchor = "start", leading: float = 1.32) -> float:  # fmt: skip
        """Words wrapped to a width, a line break where they have one; returns the base line of the line after them."""
        for paragraph in words.split("\n"):
            line = ""
            for word in paragraph.split(" "):
                longer = f"{line} {word}" if line else word
                if line and text_width(longer, size) > width:
                    self.text(x, y, line, size=size, colour=colour, anchor=anchor)
                    y, line = y + leading * size, word
                else:
                    line = longer
            self.text(x, y, line, size=size, colour=colour, anchor=anchor)
            y += leading * size
        return y

    # The file

    def svg(self) -> str:
        """The whole file."""
        defs = element("defs", "".join(content for _, content in self.defined.values())) if self.defined else ""
        background = element("rect", width=self.width, height=self.height, rx=8, fill=WHITE)
        names = f"f{self.key}-title f{self.key}-desc"
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}"'
            f' viewBox="0 0 {self.width} {self.height}" role="img" aria-labelledby="{names}" font-family="{SANS}"'
            ' style="max-width:100%;height:auto">',
            element("title", escape(self.title), id=f"f{self.key}-title"),
            element("desc", escape(self.words), id=f"f{self.key}-desc"),
            defs,
            background,
            *self.parts,
            "</svg>",
        ]
        return "\n".join(line for line in lines if line) + "\n"
