"""Put what was measured into the pages: ``python tools/readme.py``; with ``--check`` only say what is out of date.

A page of `PAGES` contains pairs of marks, ``<!-- NAME: start -->`` and ``<!-- NAME: end -->``. The text between them is
written here, by the function of `BLOCKS` with that name, from files that other commands wrote: ``benchmarks/results``
(``python -m momi_lib truth``, ``evaluate`` and ``study rivals``, ``tools/notebooks/run.py --measure`` and ``hours.py``,
``benchmarks/swap_speed.py``, ``body_maps.py``, ``drag_obedience.py``, ``drag_truth.py``, ``steps.py`` and
``verdict.py``, ``tools/measure_install.py``), the cards of the weights, the embedded data and
`momi_lib.lessons.SERIES`.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from momi_lib.evaluate.markdown import PAPER, table
from momi_lib.evaluate.markdown import markdown as table_one_markdown
from momi_lib.evaluate.truth_table import TRUE, markdown
from momi_lib.files import write_atomically
from momi_lib.lessons import SERIES
from momi_lib.pose.body_maps import PARTS
from momi_lib.rivals.methods import TITLES
from momi_lib.study.rivals import HALF, HALVED, NAMES

ROOT = Path(__file__).resolve().parents[1]
RACERS, RACE_COMMAND = {**NAMES, HALF: f"{NAMES[HALVED]}, half its time"}, "python -m momi_lib study rivals"
PAGES = ("README.md", "docs/results.md", "docs/beyond-the-paper.md", "docs/for-lecturers.md", "docs/research.md",
         "data/body_maps/README.md")  # fmt: skip
START, END = "<!-- {}: start -->", "<!-- {}: end -->"


def results(root: Path, name: str) -> dict[str, Any]:
    """A file of ``benchmarks/results``."""
    return json.loads((root / "benchmarks/results" / name).read_text(encoding="utf-8"))


def truth_table(root: Path) -> str:
    """Swaps against their true answers, beside the answers that need no network."""
    return markdown(results(root, "truth.json"))


def rivals_beside_the_truth(root: Path) -> str:
    """The committed weights of the rivals against the true answers, beside ours."""
    return markdown(results(root, "truth-rivals.json"))


def table_one(root: Path) -> str:
    """The paper's Table I, made with this library's judge, beside the paper's numbers."""
    return table_one_markdown(results(root, "table-one.json"))


#: Columns of the short Table I: title → the score, which of its values, and how this is written.
SHORT = {
    "IS ↑": ("IS", "value", ".1f"),
    "mask-IS ↑": ("mask-IS", "value", ".1f"),
    "FID ↓": ("FID", "value", ".2f"),
    "APS ↑": ("APS as in the paper", "value", ".3f"),
    "masked L1 to the truth ↓": ("truth", "l1", ".3f"),
}


#: Weights of Table I → the paper's name of the method.
METHODS = {**TITLES, "momi-small": "MOMI-Net"}


def table_one_short(root: Path) -> str:
    """Table I with six columns: the scores of the paper, and how far swaps are from their true answers."""
    result = results(root, "table-one.json")
    rows = []
    for row in result["rows"]:
        values = [row["scores"].get(score, {}).get(key) for score, key, _ in SHORT.values()]
        cells = ["–" if value is None else f"{value:{form[2]}}"
                 for value, form in zip(values, SHORT.values(), strict=True)]  # fmt: skip
        given = " †" if "pose" in row.get("given", "") else ""
        rows.append([METHODS.get(row["answer"], row["answer"]) + given, *cells])
    lines = table(["answer", *SHORT], rows)
    swaps = max(row["scores"]["truth"]["count"] for row in result["rows"] if "truth" in row["scores"])
    lines += ["", f"{result['pairs']:,} cross-identity pairs (masked L1: {swaps:,} true swaps) of people never seen in "
              f"training · † is given poses by the teacher · `{result['command']}`"]  # fmt: skip
    return "\n".join(lines)


def orders(root: Path) -> str:
    """Which method comes before which, score by score: in the paper's Table I and in ours."""
    scored = {METHODS[row["answer"]]: row["scores"] for row in results(root, "table-one.json")["rows"]
              if row["answer"] in METHODS}  # fmt: skip
    rows = []
    for column, (title, (score, key, _)) in enumerate(list(SHORT.items())[:4]):
        up = "↑" in title
        theirs = sorted((name for name in METHODS.values() if name in PAPER), reverse=up,
                        key=lambda name: PAPER[name][column] or 0)  # fmt: skip
        ours = sorted(scored, key=lambda name: scored[name][score][key], reverse=up)
        rows.append([title, ", ".join(theirs), ", ".join(ours)])
    return "\n".join(table(["score", "the paper, best first", "here, best first"], rows))


#: Columns of the race: title → the score, and how it is written.
RACE = {
    "masked L1 ↓": ("l1", ".3f"),
    "masked SSIM ↑": ("ssim", ".3f"),
    "PCK@0.1 ↑": ("pck", ".2f"),
    "rank-1 ↑": ("rank1", ".2f"),
    "Fréchet ↓": ("frechet", ".1f"),
    "sharpness, the truth's is 1": ("sharpness", ".2f"),
    "edges' lean to the target": ("edges_lean", "+.2f"),
    "colours' lean to the source": ("colour_lean", "+.3f"),
    "target's background": ("background_copied", ".0%"),
    "gap of strangers": ("gap", "+.3f"),
    "rise with 8 px of noise": ("noise_rise", "+.3f"),
}


def race(root: Path) -> str:
    """The methods that were trained for equal times; ± over their runs, where there are several."""
    result = results(root, "rivals.json")
    rows = []
    speed = {**result["speed"]["ms_a_swap"]}
    speed[HALF] = speed["dg-net"]
    for name, row in {**result["rows"], **result["trivial"]}.items():
        cells = ["–"] * 7
        if name in result["rows"]:
            minutes = result["minutes"].get(name) or (result["minutes"]["dg-net"] / 2 if name == HALF else None)
            given = " and ".join(pose.removesuffix(" pose") for pose in row["needs"])
            finder = "the " + row["poses_of"][0].partition("[")[0] if given else "its student" if row["poses"] else "–"
            cells = [
                f"{minutes:g}" if minutes else "–", f"{row['runs']} × {row['steps']:,.0f}",
                " and ".join(row["precision"]), given or "–", finder,
                f"{row['parameters_with_pose_network'] / 1e6:.1f}", f"{speed[name]:.0f}" if name in speed else "–",
            ]  # fmt: skip
        for score, form in RACE.values():
            if name in result["rows"] and score == "noise_rise" and not row["poses"]:
                cells.append("–")  # nothing was measured: it is given no joints
                continue
            spread = f" ± {row[f'{score}_seeds']:{form.removeprefix('+')}}" if f"{score}_seeds" in row else ""
            cells.append(f"{row[score]:{form}}{spread}" if score in row else "–")
        rows.append([RACERS.get(name, name), *cells])
    lines = table(["answer", "minutes", "runs × steps", "trained in", "given the pose of", "joints found by",
                   "weights, millions", "ms a swap", *RACE], rows)  # fmt: skip
    devices = sorted({each for row in result["rows"].values() for each in row["device"]})
    lines += ["", f"{result['swaps']} true swaps of people never seen in training, ± standard deviation of the runs · "
              f"`{RACE_COMMAND}`, as far as the column of the runs says · trained on {' and '.join(devices)} · "
              f"{result['date'][:10]}"]  # fmt: skip
    return "\n".join(lines)


def claims(root: Path) -> str:
    """What was claimed before the race, and what came of it."""
    rows = []
    for claim in results(root, "rivals.json")["claims"]:
        found = ["–"] * 3
        if "value" in claim:
            alone = claim["low"] == claim["high"]  # a single run, of a score that has no error of the people
            interval = "–" if alone else f"{claim['low']:+.3f} to {claim['high']:+.3f}"
            found = [f"{claim['value']:+.3f}", interval, str(claim["runs"])]
        rows.append([claim["says"], claim["holds if"], *found, claim["verdict"]])
    return "\n".join(table(["claim", "holds if", "value", "95 % interval", "runs", "verdict"], rows))


def size(root: Path) -> str:
    """How large everything is, in a sentence."""
    disk = results(root, "install.json")
    rest, cuda = (disk["packages_mb"] - disk["cuda_mb"]) / 1000, disk["cuda_mb"] / 1000
    return (
        f"The repository takes {disk['repository_mb']} MB, the packages {rest:.1f} GB, and on Linux {cuda:.1f} GB "
        "more for CUDA."
    )


def series(root: Path, folder: str) -> str:
    """The notebooks with what each is about, its minutes and memory; ``folder`` is theirs, relative to the page."""
    measured = results(root, "notebooks.json")
    rows = []
    for entry in SERIES:
        modes = measured.get(f"notebooks/{entry.file}", {})
        peaks = [f"{modes[mode]['peak_mib'] / 953.7:.1f}" for mode in ("quick", "full") if mode in modes]
        quick, full = entry.minutes
        link = f"[{entry.heading}]({folder}/{entry.file})"
        rows.append([link, entry.promise, f"{quick:g} · {full:g}", " · ".join(peaks) or "–"])
    totals = [sum(entry.minutes[place] for entry in SERIES) for place in (0, 1)]
    how = measured["how"]["full"]
    lines = table(["notebook", "what it is about", "minutes to run, quick · full", "memory, GB"], rows)
    lines += ["", f"All of them: {totals[0]:.0f} minutes in quick mode, {totals[1]:.0f} in full mode, "
              f"{how['threads']} thread, {how['device']} (`tools/notebooks/run.py --measure`)."]  # fmt: skip
    return "\n".join(lines)


def lecturers(root: Path) -> str:
    """The notebooks with the hours that a learner needs, counted from their text, and the minutes and memory to run."""
    counted = results(root, "hours.json")
    lessons = [counted["lessons"][f"notebooks/{entry.file}"] for entry in SERIES]
    an_open_one = counted["minutes for one"]["open"] / 60
    added = ["| hours to learn + open exercise |", "| --- |"]
    added += [f"| {round(each['minutes'] / 30) / 2:g} + {each['open'] * an_open_one:g} |" for each in lessons]
    rows = series(root, "../notebooks").splitlines()
    lines = [old + new[1:] for old, new in zip(rows, added, strict=False)] + rows[len(added) :]
    hours, more = (sum(each[name] for each in lessons) for name in ("minutes", "open"))
    lines += ["", f"To learn all of them: {hours / 60:.0f} hours, and {more * an_open_one:.0f} for the open exercises "
              f"(`{counted['command']}`)."]  # fmt: skip
    return "\n".join(lines)


def targets(root: Path) -> str:
    """Targets and results, missed targets included; `tests/evaluate/test_targets.py` tests them."""
    rows = results(root, "truth.json")["rows"]
    ours, copy, real = (
        next(row for row in rows if row["answer"] == name) for name in ("momi-small", "copy source", TRUE)
    )
    cards = {
        name: json.loads((root / "data/weights" / f"{name}.json").read_text(encoding="utf-8"))["scores"]
        for name in ("momi-small", "mannequin-teacher")
    }
    teacher, student = cards["mannequin-teacher"]["pck_height"], cards["momi-small"]["student"]["pck_height"]
    speed = results(root, "swap-cpu.json")
    # The first is the network as it is loaded.
    times = [row["median_ms"] for row in speed["rows"] if row["weights"] == "small"]
    drag = results(root, "drag-cpu.json")
    follows = {row["way"]: row["p95_ms"] for row in drag["rows"]}
    obedience = results(root, "drag-obedience.json")["rows"]
    steps = [row for row in results(root, "steps-cpu.json")["rows"] if row["preset"] == "small"]
    slow = [row for row in results(root, "steps-avx2.json")["rows"] if row["preset"] == "small"]
    minutes = 60 * json.loads((root / "data/weights/momi-small.json").read_text(encoding="utf-8"))["hours"]
    goals = [  # what, target, reached, whether smaller is better, decimals
        ("masked L1, relative to the copied source's", 0.56, ours["l1"] / copy["l1"], True, 3),
        ("masked SSIM", 0.55, ours["ssim"], False, 3),
        *(  # not if the extra `judges` was missing
            ("ST-LPIPS with VGG-16, relative to the copied source's", 0.68,
             ours["st_lpips_vgg"] / copy["st_lpips_vgg"], True, 3) for _ in range("st_lpips_vgg" in ours)
        ),
        ("sharpness, the truth's is 1: not blurred", 0.75, ours["sharpness"], False, 3),
        ("the same: not noisy", 1.15, ours["sharpness"], True, 3),
        ("Fréchet distance, relative to the true swaps'", 1.5, ours["frechet"] / real["frechet"], True, 2),
        ("PCK@0.1 of the swap", 0.95, ours["pck"], False, 3),
        ("rank-1, relative to the true swaps'", 0.97, ours["rank1"] / real["rank1"], False, 3),
        ("teacher's PCK on held-out people", 0.97, teacher, False, 3),
        ("student's PCK, relative to the teacher's", 0.97, student / teacher, False, 3),
        ("one swap as loaded, ms on a CPU", speed["goal_ms"], times[0], True, 1),
        ("one swap, the fastest way measured, ms on a CPU", speed["goal_ms"], min(times), True, 1),
        ("a joint is dragged slowly: ms until the picture shows it, 95 of 100 moves", drag["goal_ms"],
         follows["in a browser, one by one"], True, 0),
        ("a joint is dragged fast: the same", drag["goal_ms"], follows["in a browser, freely"], True, 0),
        *(
            (f"{joint}s dragged by {angles[0]}° or {angles[1]}°: the teacher finds them there", target,
             obeyed(obedience, joint, angles), False, 2)
            for angles, target in (((30, 45), 0.90), ((90, 180), 0.80)) for joint in ("wrist", "ankle")
        ),
        ("a training step in bf16, s", 0.8, min(row["seconds_per_step"] for row in steps), True, 2),
        ("the same in fp32 on a CPU without bf16, s", 0.8, min(row["seconds_per_step"] for row in slow), True, 2),
        ("from random weights to these, minutes on two cores with bf16", 150, minutes, True, 0),
    ]  # fmt: skip
    rows = []
    for what, target, reached, smaller, digits in goals:
        met = reached <= target if smaller else reached >= target
        shown = f"{target:g}" if target > 1 else f"{target:.2f}"
        sign = "≤" if smaller else "≥"
        rows.append([what, f"{sign} {shown}", f"{reached:.{digits}f}", "met" if met else "**missed**"])
    true = results(root, "drag-truth.json")["rows"]
    found = "; ".join(
        f"{joint}s at {angles[0]}° or {angles[1]}° {obeyed(true, joint, angles):.2f}"
        for angles in ((30, 45), (90, 180)) for joint in ("wrist", "ankle")
    )  # fmt: skip
    lines = table(["goal", "target", "reached", ""], rows)
    lines += ["", f"The teacher is a poor judge of dragged limbs. It finds these shares in *true* pictures: {found}."]
    return "\n".join(lines)


def obeyed(rows: list[dict[str, Any]], joint: str, angles: tuple[int, ...]) -> float:
    """Share of all drags of a joint by these angles that were obeyed."""
    some = [row for row in rows if row["joint"] == joint and row["angle"] in angles]
    return sum(row["obeys"] * row["drags"] for row in some) / sum(row["drags"] for row in some)


def people(root: Path) -> str:
    """How much the embedded data contain."""
    folder = root / "data/mannequins"
    names = [path.name for split in ("bounding_box_train", "bounding_box_test", "query")
             for path in (folder / split).glob("*.jpg")]  # fmt: skip
    truths = len(list((folder / "truth").glob("*.jpg")))
    persons = len({name.split("_")[0] for name in names})
    return f"{len(names):,} pictures of {persons} rendered people, and {truths:,} swaps with a true answer."


SETS = {
    "train": "of the pictures in `bounding_box_train`",
    "test": "of the pictures in `bounding_box_test` and `query`",
    "truth": "of the source and of the true answer of every tenth true swap",
    "any_pose": "of bodies in any pose, without pictures",
}


def body_map_sets(root: Path) -> str:
    """The files in ``data/body_maps``."""
    rows: list[list[str]] = []
    folder, total = root / "data/body_maps", 0.0
    with open(root / "data/mannequins/truth/pairs.csv", newline="", encoding="utf-8") as file:
        sources = [row["from"].split("/")[-1].split("_")[0] for row in csv.DictReader(file)]
    for name, what in SETS.items():
        with np.load(folder / f"{name}.npz", allow_pickle=False) as facts:
            known = dict(facts)
        if "files" in known:
            owners = {str(file).split("/")[-1].split("_")[0] for file in known["files"]}
        else:
            owners = set(known["persons"].tolist()) if "persons" in known else {sources[row] for row in known["rows"]}
        size = sum((folder / f"{name}{kind}").stat().st_size for kind in (".png", ".npz")) / 1e6
        total += size
        count = f"{len(next(iter(known.values()))):,}"
        rows.append([f"`{name}`", count, what, str(len(owners)), f"{size:.1f} MB"])
    return "\n".join([*table(["set", "maps", "", "people", "size"], rows), "", f"Together: {total:.1f} MB."])


def body_maps(root: Path) -> str:
    """How far the body maps of the committed weights are off, by part of the body."""
    measured = results(root, "body-maps.json")
    scores = {which: measured[which] for which in ("source", "answer")}
    parts = [name for name in PARTS if any(f"median_cm/{name}" in each for each in scores.values())]
    titles = ["off by", "median, cm", "mean, cm", "silhouette, IoU", *(f"{part}, cm" for part in parts)]
    rows = []
    for which, name in (("source", "B_s, in the picture"), ("answer", "B_t, in another pose")):
        found = scores[which]
        medians = [f"{found[key]:.1f}" if (key := f"median_cm/{part}") in found else "–" for part in parts]
        cells = [f"{found['median_cm']:.1f}", f"{found['error_cm']:.1f}", f"{found['iou']:.3f}", *medians]
        rows.append([name, *cells])
    lines = table(titles, rows)
    lines += ["", f"{measured['weights']}, people never seen in training: {scores['source']['pictures']:,} pictures, "
              f"{scores['answer']['pictures']:,} of them whole · `{measured['command']}` · {measured['device']} · "
              f"{measured['date']}"]  # fmt: skip
    return "\n".join(lines)


def needs(root: Path) -> str:
    """Disk and memory of one installation."""
    disk, notebooks = results(root, "install.json"), results(root, "notebooks.json")
    modes = [mode for name, modes in notebooks.items() if name.startswith("notebooks/") for mode in modes.items()]
    peak = {wanted: max(m["peak_mib"] for mode, m in modes if mode == wanted) / 953.7 for wanted in ("quick", "full")}
    rest, cuda = (disk["packages_mb"] - disk["cuda_mb"]) / 1000, disk["cuda_mb"] / 1000
    rows = [
        ["the repository: code, notebooks, people, weights", f"{disk['repository_mb']} MB"],
        ["installed packages", f"{rest:.1f} GB, plus {cuda:.1f} GB of CUDA libraries on Linux"],
        ["memory of the largest notebook, quick mode", f"{peak['quick']:.1f} GB"],
        ["memory of the largest notebook, full mode", f"{peak['full']:.1f} GB"],
    ]
    return "\n".join([
        *table(["what", "size"], rows),
        "",
        f"`{disk['command']}` and `tools/notebooks/run.py --measure` · Python {disk['versions']['python']}, torch "
        f"{disk['versions']['torch']} · {disk['date']}",
    ])  # fmt: skip


def sixty(root: Path, students: int = 60) -> str:
    """What sixty students need on one server at the same time."""
    notebooks = results(root, "notebooks.json")
    name, peak = max(
        ((name, modes["quick"]["peak_mib"]) for name, modes in notebooks.items() if "quick" in modes and "/" in name),
        key=lambda pair: pair[1],
    )
    splits = ("bounding_box_train", "bounding_box_test", "query", "truth")
    pictures = sum(len(list((root / "data/mannequins" / split).glob("*.jpg"))) for split in splits)
    longest = max(entry.minutes[0] for entry in SERIES)
    return (
        f"{students} students who run [{Path(name).name}](../{name}), the largest, at the same time in quick mode need "
        f"{students * peak / 953.7:.0f} GB on one server, and one core each for at most {longest:g} minutes. Decoded "
        f"pictures are cached in each home directory ({pictures * 3 * 128 * 64 / 1e6:.0f} MB; `MOMI_CACHE` moves "
        "them). Stagger the starts, or divide the class: one half reads and predicts while the other half runs."
    )


def verdict(root: Path) -> str:
    """How many pictures of each kind pass the verdict, and how many are called what they are."""
    head = ["a picture of", "pictures", "pass", "named correctly"]
    rows = [[row["pictures"], *(str(row[name]) for name in ("count", "pass", "called as expected"))]
            for row in results(root, "verdict.json")["rows"]]  # fmt: skip
    return "\n".join(table(head, rows))


BLOCKS: dict[str, Callable[[Path], str]] = {
    "verdict": verdict,
    "truth table": truth_table,
    "rivals beside the truth": rivals_beside_the_truth,
    "series": lambda root: series(root, "notebooks"),
    "series for lecturers": lecturers,
    "targets": targets,
    "table one": table_one,
    "table one short": table_one_short,
    "orders": orders,
    "race": race,
    "claims": claims,
    "size": size,
    "people": people,
    "body map sets": body_map_sets,
    "body maps": body_maps,
    "needs": needs,
    "sixty": sixty,
}


def filled(text: str, root: Path = ROOT, blocks: dict[str, Callable[[Path], str]] = BLOCKS) -> str:
    """The page ``text`` with every block rewritten.

    Raises:
        ValueError: if a mark has no partner, occurs twice or has a name that no block has.

    >>> filled("<!-- a: start -->old<!-- a: end --> and on", blocks={"a": lambda root: "new"})
    '<!-- a: start -->\\nnew\\n<!-- a: end --> and on'
    """
    for name, kind in re.findall(r"<!-- ([^:>]+): (start|end) -->", text):
        start, end = START.format(name), END.format(name)
        if name not in blocks:
            raise ValueError(f"{(START if kind == 'start' else END).format(name)}: expected one of {', '.join(blocks)}")
        if text.count(start) != 1 or text.count(end) != 1 or text.index(end) < text.index(start):
            raise ValueError(f"expected the marks {start} and {end} once each, in this order")
    for name, block in blocks.items():
        start, end = START.format(name), END.format(name)
        if start in text:
            before, rest = text.split(start)
            text = f"{before}{start}\n{block(root)}\n{end}{rest.split(end)[1]}"
    return text


def main(root: Path = ROOT, check: bool = False) -> int:
    """Write the blocks of every page, or with ``check`` say which pages are out of date; the number of those."""
    stale = 0
    for page in (root / name for name in PAGES):
        old = page.read_text(encoding="utf-8")
        try:
            new = filled(old, root)
        except ValueError as error:
            raise ValueError(f"{page}: {error}") from error
        if new == old:
            continue
        stale += 1
        if check:
            print(f"{page}: out of date, run python tools/readme.py")
        else:
            write_atomically(page, lambda file, new=new: file.write(new.encode()))
            print(f"{page}: written")
    return stale if check else 0


if __name__ == "__main__":
    sys.exit(min(1, tyro.cli(main, description=__doc__)))
