"""The page of the experiments, made only from their JSON files: those that can be run, and the results of earlier ones.

A file with a field ``ended`` is a record: its run can no longer be started, and the field says why. ``was`` is the name
that it had when it was made, which is still in its ``command`` and in the folders of its ``config``, and ``answer``
says in a sentence what was learned from it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import hypot
from pathlib import Path
from typing import Any

from momi_lib.evaluate.markdown import table
from momi_lib.files import refuse_unwritable, write_atomically
from momi_lib.provenance import plain
from momi_lib.study.experiments import EXPERIMENTS, RESULTS
from momi_lib.train import preset
from momi_lib.train.presets import flat

Result = Mapping[str, Any]

PAGE = Path("benchmarks/experiments.md")
PICTURES = "results/experiments"  # as seen from the page
#: Title → score, its digits, its standard error if it has one, and the judge that it depends on.
SCORES = {
    "masked L1 ↓": ("l1", 4, "l1_error", None),
    "masked SSIM ↑": ("ssim", 3, "ssim_error", None),
    "perceptual ↓": ("perceptual", 3, None, "features"),
    "PCK ↑": ("pck", 3, None, "teacher"),
    "rank-1 ↑": ("rank1", 3, None, "features"),
    "Fréchet ↓": ("frechet", 2, None, "features"),
}
COLUMNS: dict[str, Callable[[Result], str]] = {
    **{title: lambda result, title=title: _score(result, title) for title in SCORES},
    "KID ↓": lambda result: f"{result['scores']['kid']:.3f}",
    "student PCK ↑": lambda result: f"{result['student']['pck_height']:.3f}",
    "sharpness, the truth's is 1": lambda result: f"{result['scores']['sharpness']:.2f}",
    "drags obeyed, 90° ↑": lambda result: f"{result['drags']['obeys']:.2f} ± {result['drags']['error']:.2f}",
}
WORDS = (
    "`PCK`, the percentage of correct key points: the share of visible joints, shoulders to ankles, that the teacher "
    "finds in the swap within a tenth of the person's height. `rank-1`: the share of swaps whose nearest real picture, "
    "by the feature network, shows the source's person. `KID`, the kernel inception distance: the squared maximum mean "
    "discrepancy with a cubic kernel between that network's features of the swaps and of real pictures. `student PCK`: "
    "the PCK of all 17 joints that F_p finds in real pictures of held-out people."
)
NOW = (
    "These networks carry clothes over, as the preset `small` does. `python -m momi_lib study experiments --only NAME` "
    "trains and scores one of them; without `--only`, it does so for all. A run takes the student and the body maps of "
    "`data/weights/momi-small.safetensors` as they are when it begins; everything else starts from random weights. "
    "`drags obeyed`: wrists and ankles are turned by 90° about elbow and knee, and this is the share that the teacher "
    "finds within 6 pixels of their new place, as in `drag_obedience.py`. ± is resampled by person, except for that of "
    "drags, which takes them as independent. SSIM is computed with the person pasted onto the truth's background."
)
EARLIER = (
    "These networks draw everything. They led to the preset `lookup` and its weights, which were called `small` then. "
    "The runs can no longer be started, and their files are kept as a record. A number with a sign is the difference "
    "from the run that was changed; a number without a sign is the score itself, because there is no run to compare it "
    "with; – stands for a difference between scores of two different judges. ± combines the standard errors of both "
    "means. These take the swaps as independent, which makes them too small; but both runs share the swaps, which "
    "makes ± too large for a difference. SSIM is that of the whole answer, averaged over the mask, and cannot be "
    "compared with the SSIM above."
)


def write_page(page: Path = PAGE, folder: Path = RESULTS) -> Path:
    """Write ``page`` from the results in ``folder``.

    Raises:
        FileNotFoundError: if there are none.
        OSError: if ``page`` cannot be written.
        ValueError: if a file is neither the result of an experiment nor a record.
    """
    refuse_unwritable(page, "--page")
    paths = sorted(Path(folder).glob("*.json"))
    if not paths:
        raise FileNotFoundError(
            f"results: expected JSON files of experiments in {folder}, found none; run `python -m momi_lib study "
            "experiments`, or name their folder with --results"
        )
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    for path in paths:
        if "ended" not in results[path.stem] and path.stem not in EXPERIMENTS:
            raise ValueError(f"{path}: expected the name of an experiment, or a record that says why it 'ended'")
    text = markdown(results)
    return write_atomically(page, lambda file: file.write(text.encode()))


def markdown(results: Mapping[str, Result]) -> str:
    """The page's text, from results by their names."""
    counts = sorted({result["scores"]["count"] for result in results.values()})
    lines = [
        "# Experiments",
        "",
        "Made by `python -m momi_lib study experiments-page` from `results/experiments/`. Each run changes an earlier "
        "one, in most cases by a single option. All are scored on the same "
        f"{' or '.join(map(str, counts))} true swaps of people held out from training. Because two runs share the "
        "swaps, a difference between them can be real although it is smaller than ±; but runs with different seeds "
        "also differ by chance. Short runs show which of two ways is better, not how good it becomes in a long run.",
        "",
        WORDS,
    ]
    now = {name: results[name] for name in EXPERIMENTS if name in results}
    if now:
        lines += ["", "## Experiments that can be run", "", NOW, "", *_scores_table(now), "", *_apart(_conditions(now))]
        lines += ["", "### What each experiment asks", "", *(_sentence(result, now) for result in now.values())]
    earlier = {name: results[name] for name in _in_order({n: r for n, r in results.items() if "ended" in r})}
    if earlier:
        made = _by_chance(earlier) + _judges(earlier.values()) + _other_starts(earlier)
        lines += ["", "## Earlier experiments", "", EARLIER, "", *_learned(earlier), "", *_apart(made)]
        lines += ["", "### Why they can no longer be run", ""]
        lines += _grouped((result["ended"], name) for name, result in earlier.items())
    return "\n".join(lines) + "\n"


def _apart(lines: Iterable[str]) -> list[str]:
    """Each line as a paragraph of its own."""
    return "\n\n".join(lines).splitlines()


def _score(result: Result, title: str) -> str:
    score, digits, error, _ = SCORES[title]
    scores = result["scores"]
    return f"{scores[score]:.{digits}f}" + (f" ± {scores[error]:.{digits}f}" if error else "")


def _difference(result: Result, other: Result, title: str) -> str:
    """The difference of a score from that of another run, with the error of both; a dash if different networks judged.

    >>> one, two = ({"scores": {"l1": x, "l1_error": 0.003}, "scored_by": {}} for x in (0.1, 0.08))
    >>> _difference(two, one, "masked L1 ↓")
    '−0.0200 ± 0.0042'
    """
    score, digits, error, judge = SCORES[title]
    if judge and result["scored_by"].get(judge) != other["scored_by"].get(judge):
        return "–"
    ours, theirs = result["scores"], other["scores"]
    both = f" ± {hypot(ours[error], theirs[error]):.{digits}f}" if error else ""
    return _signed(ours[score] - theirs[score], digits) + both


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def _link(name: str) -> str:
    return f"[{name}]({PICTURES}/{name}.jpg)"


def _scores_table(results: Mapping[str, Result]) -> list[str]:
    rows = []
    for name, result in results.items():
        cells = (show(result) for show in COLUMNS.values())
        rows.append([_link(name), *cells, result["steps"], result["minutes"], result["seed"]])
    return table(["run", *COLUMNS, "steps", "minutes", "seed"], rows)


def _learned(results: Mapping[str, Result]) -> list[str]:
    """One line per record: what was changed, by how much the scores changed, and the answer."""
    options, rows = flat(plain(preset("lookup"))), []
    for name, result in results.items():
        other = results.get(result["against"])
        against = result["against"] if other or not result["against"] else f"{result['against']} (no result)"
        cells = (_difference(result, other, title) if other else _score(result, title) for title in SCORES)
        changed = ", ".join(_changes(result, results)) + _in_preset(result["change"], "lookup", options)
        made = f"{result['device']}, {result['date']}"
        rows.append(
            [_link(name), changed, against or "–", *cells, result["steps"], result["seed"], made, result["answer"]]
        )
    return table(["run", "changed", "against", *SCORES, "steps", "seed", "made on", "answer"], rows)


def _changes(result: Result, results: Mapping[str, Result]) -> Iterator[str]:
    """Options and values; a folder that was named after a run gets the current name of the run."""
    names = {other["was"]: name for name, other in results.items() if "was" in other}
    for option, value in result["change"].items():
        if not option.startswith("log."):
            found = re.fullmatch(r"runs/experiments/(.+)/weights\.safetensors", str(value))
            yield f"`{option}` {f'of {names[found[1]]}' if found and found[1] in names else value}"


def _in_preset(change: Mapping[str, Any], name: str, options: Mapping[str, Any]) -> str:
    """The value in a preset of the option that a run changed, if it changed only one and this is not the seed.

    >>> _in_preset({"loss.keep": 0.3}, "small", {"loss.keep": 0.5}), _in_preset({"seed": 1}, "small", {"seed": 0})
    (' (`small` has 0.5)', '')
    """
    option, tried = next(iter(change.items()), ("", None))
    if len(change) != 1 or option == "seed" or option not in options:
        return ""
    return f" (as in `{name}`)" if options[option] == tried else f" (`{name}` has {options[option]})"


def _in_order(results: Mapping[str, Result], against: str | None = None) -> Iterator[str]:
    """Names in the order of what they changed: each run is followed by the runs that changed it.

    >>> list(_in_order({"c": {"against": "b"}, "b": {"against": None}, "a": {"against": "lost"}}))
    ['a', 'b', 'c']
    """
    for name in sorted(results):
        other = results[name]["against"]
        if (other if other in results else None) == against:
            yield name
            yield from _in_order(results, name)


def _sentence(result: Result, results: Mapping[str, Result]) -> str:
    """The question of an experiment, and by how much the scores changed."""
    against = results.get(result["against"])
    about = ", ".join(_changes(result, results)) + _in_preset(result["change"], "small", flat(plain(preset("small"))))
    text = f"- **{result['name']}** ({about}; against {result['against'] or 'the preset `small`'}): {result['asks']}"
    if against:
        moved = [f"{title.split()[-2]} {_difference(result, against, title).split(' ±')[0]}" for title in SCORES]
        sharpness = result["scores"]["sharpness"] - against["scores"]["sharpness"]
        drags = result["drags"]["obeys"] - against["drags"]["obeys"]
        text += f" {', '.join(moved)}, sharpness {_signed(sharpness, 2)}, drags {_signed(drags, 2)}."
    return text + (f" {result['since']}" if "since" in result else "")


def _by_chance(results: Mapping[str, Result]) -> list[str]:
    """The difference between runs of one config that differ only in the seed."""
    lines = []
    for name, result in results.items():
        if set(result["change"]) == {"seed"} and result["against"] in results:
            other = results[result["against"]]
            moved = (f"{title.split()[-2]} {_difference(result, other, title).split(' ±')[0]}" for title in SCORES)
            lines.append(
                f"{name} and {result['against']} are two runs of one config with different seeds. They differ by "
                f"{', '.join(moved)}. Smaller differences may be chance."
            )
    return lines


def _conditions(results: Mapping[str, Result]) -> list[str]:
    """Devices, dates, judges and the weights that runs started from, once for each combination."""
    kinds = sorted({f"{r['device']}, {r['threads']} thread(s), {r['date']}" for r in results.values()})
    lines = ["Device: " + "; ".join(kinds) + ". Minutes are wall time, with other work running on the machine."]
    starts = _grouped(
        ((f"Started from weights {r['begun_with'][:8]}…", name) for name, r in results.items() if r["begun_with"]), ""
    )
    return [*lines, *_judges(results.values()), *starts]


def _judges(results: Iterable[Result]) -> list[str]:
    """The judges, and which results have different judges from most."""
    told = {r["name"]: "; ".join(f"{key} {value}" for key, value in r["scored_by"].items()) for r in results}
    (usual, _), *others = Counter(told.values()).most_common()
    lines = [f"Scored by {usual}."]
    for other, _ in others:
        names = ", ".join(name for name, judges in told.items() if judges == other)
        lines.append(f"Scored by {other}: {names}.")
    return lines


def _other_starts(results: Mapping[str, Result]) -> list[str]:
    """Which runs started from the weights of a run that was repeated afterwards."""
    was, found = {other["was"]: name for name, other in results.items()}, []
    for name, result in results.items():
        began = was.get(Path(result["config"]["init"]["start"] or "").parent.name)
        if began and result.get("begun_with") != results[began]["weights_sha256"]:
            found.append((f"Started from an earlier run of {began}, not from the one above", name))
    return _grouped(found, "")


def _grouped(pairs: Iterable[tuple[str, str]], bullet: str = "- ") -> list[str]:
    """One line per text, with the names that have it.

    >>> _grouped([("Lost", "a"), ("Gone.", "b"), ("Lost", "c")])
    ['- Lost: a, c.', '- Gone: b.']
    """
    groups: dict[str, list[str]] = {}
    for text, name in pairs:
        groups.setdefault(text.rstrip("."), []).append(name)
    return [f"{bullet}{text}: {', '.join(names)}." for text, names in groups.items()]
