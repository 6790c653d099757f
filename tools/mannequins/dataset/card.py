"""The card: README.md of a data set, and the contact sheet beside it. Its text is card.md, its figures are the files'.

    python -m tools.mannequins card FOLDER
"""

from __future__ import annotations

import re
from collections import Counter
from importlib import resources
from pathlib import Path

from tools.mannequins.dataset.sheet import draw_sheet, shown_people
from tools.mannequins.dataset.statistics import MARKET_1501, Statistics, statistics_of
from tools.mannequins.dataset.work import LEAST_MASK, LEAST_VISIBLE, QUALITY, put
from tools.mannequins.photograph.seen import SMALLEST_PIECE

__all__ = ["write_card"]

ALT = (
    "A contact sheet. Rows of rendered people, up to twelve pictures each, from six cameras with different places, "
    "light and colour; a row of people with their joints and limbs drawn, beside their part maps; then true swaps as "
    "triples: the source picture, the target picture, and the true swap, which shows the source's person and light in "
    "the target's pose, place and crop."
)


def write_card(folder: Path) -> None:
    """Write README.md and sheet.jpg. The manifest is to be written after them."""
    put(folder / "sheet.jpg", draw_sheet(folder))
    put(folder / "README.md", card(statistics_of(folder), shown_people(folder)).encode())


def card(figures: Statistics, shown: list[int]) -> str:
    """The text, filled in; the part on true swaps only where there are any."""
    text = (resources.files("tools.mannequins") / "card.md").read_text(encoding="utf-8")
    swaps = r"<!-- swaps -->\n(.*?)<!-- end -->\n"
    text = re.sub(swaps, r"\1" if figures.swaps else "", text, flags=re.DOTALL)
    joints = {name: f"{share:.0%}" for name, share in figures.joints.items()}
    outside, hidden, visible = (f"{share:.0%}" for share in figures.seen)
    people = [figures.folders[name].pictures for name in ("bounding_box_train", "bounding_box_test", "query")]
    return text.format(
        **joints,
        head_swaps=f" {figures.swaps:,} swaps have a **true answer**." if figures.swaps else "",
        sheet_swaps=" Then true swaps as source, target, truth." if figures.swaps else "",
        alt=ALT,
        shown=", ".join(map(str, shown)),
        rows="\n".join(folder.row(name) for name, folder in figures.folders.items()),
        sizes=", ".join(f"{kind} {size / 1e6:.2f} MB" for kind, size in figures.sizes.items()),
        outside=outside,
        hidden=hidden,
        visible=visible,
        cut=f"{figures.cut:.0%}",
        front=f"{figures.front:.0%}",
        back=f"{figures.back:.0%}",
        side=f"{1 - figures.front - figures.back:.0%}",
        blocked=f"{sum(figures.obstacles.values()):,}",
        obstacles=_counts(figures.obstacles),
        kinds=_counts(figures.kinds),
        wardrobe="\n".join(f"- {name}: {_counts(counter)}." for name, counter in figures.wardrobe.items()),
        market=_market(figures),
        seed=figures.seed,
        anny=figures.tools["anny"],
        moderngl=figures.tools["moderngl"],
        tools=", ".join(f"{name} {is_}" for name, is_ in figures.tools.items() if name not in ("anny", "moderngl")),
        quality=QUALITY,
        speck=SMALLEST_PIECE,
        least_visible=LEAST_VISIBLE,
        least_mask=f"{LEAST_MASK:.0%}",
        redrawn=f"{figures.redrawn:,}",
        pictures=f"{sum(people):,}",
        same_camera=f"{figures.same_camera:,}",
        swaps=f"{figures.swaps:,}",
    )


def _market(figures: Statistics) -> str:
    train, gallery, query = (figures.folders[name] for name in ("bounding_box_train", "bounding_box_test", "query"))
    mean, least, most = figures.cameras_each
    own = (
        f"{train.identities + gallery.identities:,} ({train.identities:,} and {gallery.identities:,})",
        str(sum(bool(a + b + c) for a, b, c in zip(train.cameras, gallery.cameras, query.cameras, strict=True))),
        f"{least:.0f} to {most:.0f}, mean {mean:.1f}",
        f"{train.pictures:,}",
        f"{gallery.pictures:,}, all of test identities",
        f"{query.pictures:,}, at most one of an identity and a camera",
        "128 × 64",
    )
    return "\n".join(f"| {what} | {ours} | {MARKET_1501[what]} |" for what, ours in zip(MARKET_1501, own, strict=True))


def _counts(counter: Counter) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counter.most_common()) or "nothing"
