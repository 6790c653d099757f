"""The table of true swaps: methods beside the answers that need no network, and beside the truth itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from momi_lib.data import Truth, load, load_truth
from momi_lib.devices import pick
from momi_lib.evaluate.answers import given_entries, named_methods, poses_of, swap_pairs, trivial_answers
from momi_lib.evaluate.markdown import given_column
from momi_lib.evaluate.markdown import table as write_table
from momi_lib.evaluate.pairs import SET
from momi_lib.evaluate.truth_judges import Judges
from momi_lib.metrics.outside_judges import TITLES, NamedJudges
from momi_lib.metrics.true_swaps import masked_l1, masked_ssim
from momi_lib.metrics.uncertainty import BY_PERSON, paired_difference
from momi_lib.provenance import environment
from momi_lib.translate.swaps import Swaps

log = logging.getLogger(__name__)
TRUE = "true swap"
#: What is said of each answer when it is scored.
SAID = {"l1": ("masked L1", ".4f"), "ssim": ("SSIM", ".4f"), "perceptual": ("perceptual", ".3f"), "pck": ("PCK", ".3f"),
        "rank1": ("rank-1", ".3f"), "frechet": ("Fréchet", ".2f")}  # fmt: skip
#: Columns that older results and computers without the extra packages lack, with their titles and decimals.
FURTHER = {"sharpness": ("sharpness, the truth's is 1", 2)} | {name: (title, 3) for name, title in TITLES.items()}


def truth_table(
    weights: Sequence[str | Path | Swaps],
    folder: Path | None = None,
    *,
    limit: int | None = None,
    named: bool = True,
    download: bool = False,
    keep: Path | None = None,
) -> dict[str, Any]:
    """All scores of :class:`~momi_lib.evaluate.truth_judges.Judges`, for trivial answers, ``weights`` and the truth.

    Args:
        weights: names of committed weights, files, or objects that satisfy :class:`~momi_lib.translate.swaps.Swaps`, as
            :func:`~momi_lib.evaluate.answers.named_methods` takes them.
        folder: data with true swaps; ``None`` is ``$MOMI_DATA`` or the embedded set. Without a training split there is
            no row of the mean picture.
        limit: only the first so many swaps, from 2 up: some scores compare sets.
        named: also ask :class:`~momi_lib.metrics.outside_judges.NamedJudges`, those that are here.
        download: get what LPIPS needs where it is missing.
        keep: folder for the scores of each answer as soon as they are known, so that a call that was stopped goes on
            where it was, see :class:`~momi_lib.evaluate.truth_judges.Judges`.

    Returns:
        JSON-ready: conditions, and a row an answer with its scores; ``missing`` says which columns are left out, and
        how to get them. The last row is the true swap's own: what
        scores that ask a network say where nothing is wrong.

    Raises:
        FileNotFoundError: where the data have no true swaps, or the weights are not there.
        TypeError, ValueError: for what is no method, or is given labels that the data lack.
    """
    device = pick()
    methods = named_methods(weights, device=device)  # missing ones are found out now
    truth, train = load_truth(folder), None
    try:
        train = load(folder, "train")
    except FileNotFoundError as error:
        log.warning("the answer with the mean picture of the training people is left out: %s", error)
    for entry in methods:
        poses_of(entry.method, truth.people, entry.name)  # so are missing labels and another size
    if limit is not None:
        if not SET <= limit <= len(truth):
            raise ValueError(f"limit: expected {SET} to {len(truth)} swaps, got {limit}")
        truth = truth.select(slice(limit))
    if len(truth) < SET:
        raise ValueError(f"{truth.people.folder}: expected at least {SET} true swaps, because some scores compare sets "
                         f"of pictures, got {len(truth)}; render more, or take other data")  # fmt: skip
    asked = NamedJudges(truth, device, download=download) if named else None
    judges = Judges(truth, device, named=asked, keep=keep)
    trivial = trivial_answers(truth, train)
    rows = [_scored(judges, name, answer) for name, answer in trivial.items()]
    people = truth.people
    each = {name: _each(answer, truth) for name, answer in trivial.items()}
    for entry in methods:
        drawn = swap_pairs(entry.method, truth)
        about = {"weights_sha256": entry.weights, **given_entries(entry.method)}
        rows.append(_scored(judges, entry.name, drawn) | about)
        each[entry.name] = _each(drawn, truth)
    rows.append(_scored(judges, TRUE, truth.pictures))
    return {
        "what": "swaps of test identities against their rendered truth, on the person's pixels; L1 of colours in "
        "[0, 1]; SSIM (torchmetrics, sigma 1.5) of the person before the truth's background, averaged over the mask; "
        "± is the standard error of the mean, resampled by person; "
        "perceptual: difference of the features on the person; pck: PCK@0.1, share of the visible body joints that the "
        "teacher finds within a tenth of the height; rank1: rank-1, how often the feature network finds the source "
        "person; frechet, kid: Fréchet distance and KID of the set from real pictures, with the same network; "
        "sharpness: squared differences of neighbours on the person, all swaps' sum divided by the truth's; st_lpips, "
        "lpips: mean perceptual distance of the person on grey; frechet_lite0: distance of the sets of answers and "
        "true answers",
        **judges.conditions,
        **environment(device),
        "errors": BY_PERSON,
        "data": people.folder.name,
        "fingerprint": people.fingerprint,
        "swaps": len(truth),
        "rows": rows,
        "differences": _differences(each, [row["answer"] for row in rows if "weights_sha256" in row], truth),
    }


def _each(pictures: Tensor, truth: Truth) -> dict[str, Tensor]:
    """The scores of an answer, swap by swap."""
    scores = {"l1": masked_l1, "ssim": masked_ssim}
    return {name: score(pictures, truth.pictures, truth.masks) for name, score in scores.items()}


def _differences(each: dict[str, dict[str, Tensor]], networks: list[str], truth: Truth) -> list[dict[str, Any]]:
    """Every network beside every answer that stands above it, swap by swap."""
    persons = [truth.people.persons[index] for index in (truth.source, truth.target)]
    names, found = list(each), []
    for answer in networks:
        for beside in names[: names.index(answer)]:
            row: dict[str, Any] = {"answer": answer, "beside": beside}
            for score, values in each[answer].items():
                change = paired_difference(values, each[beside][score], *persons)
                row |= {score: float(f"{change.mean:.4g}"), f"{score}_error": float(f"{change.error:.3g}")}
            found.append(row)
    return found


def _scored(judges: Judges, answer: str, pictures: Tensor) -> dict[str, Any]:
    row = {"answer": answer, **judges.score(pictures)}
    log.info("%-14s %s", answer, "   ".join(f"{title} {row[name]:{digits}}" for name, (title, digits) in SAID.items()))
    further = [f"{name} {row[name]:.3f}" for name in FURTHER if name in row]
    if further:
        log.info("%-14s %s", "", "   ".join(further))
    return row


def markdown(table: dict[str, Any]) -> str:
    """The table as Markdown, with the command and conditions under it; columns that no row has are left out.

    >>> row = {"answer": "copy target", "l1": 0.25, "l1_error": 0.01, "ssim": 0.5, "ssim_error": 0.02, "count": 9,
    ...        "perceptual": 1, "pck": 0.5, "rank1": 0, "frechet": 2}
    >>> conditions = {"command": "c", "device": "d", "date": "2026-01-01", "swaps": 9, "features": "f", "teacher": "t"}
    >>> print(markdown({"rows": [row], **conditions}).splitlines()[2])
    | copy target | 0.2500 ± 0.0100 | 0.500 ± 0.020 | 1.000 | 0.50 | 0.00 | 2.00 |
    """
    further = [name for name in FURTHER if any(name in row for row in table["rows"])]
    titles = ["answer", "masked L1 ↓", "masked SSIM ↑", "perceptual ↓", "PCK@0.1 ↑", "rank-1 ↑", "Fréchet ↓"]
    given = [[cell] for cell in given_column(table["rows"])]
    cells = [
        [
            row["answer"],
            *told,
            f"{row['l1']:.4f} ± {row['l1_error']:.4f}",
            f"{row['ssim']:.3f} ± {row['ssim_error']:.3f}",
            f"{row['perceptual']:.3f}",
            f"{row['pck']:.2f}",
            f"{row['rank1']:.2f}",
            f"{row['frechet']:.2f}",
            *(f"{row[name]:.{FURTHER[name][1]}f}" if name in row else "–" for name in further),
        ]
        for row, told in zip(table["rows"], given or [[]] * len(table["rows"]), strict=True)
    ]
    if given:
        titles.insert(1, "given")
    lines = write_table([*titles, *(FURTHER[name][0] for name in further)], cells)
    trivial = [row for row in table["rows"] if "weights_sha256" not in row and row["answer"] != TRUE]
    for row in table["rows"]:
        if "weights_sha256" in row:
            close = min(trivial, key=lambda other: other["l1"])
            alike = max(trivial, key=lambda other: other["ssim"])
            share, gain = row["l1"] / close["l1"], row["ssim"] - alike["ssim"]
            lines += [
                "", f"{row['answer']}: {share:.2f} times the lowest L1 of a trivial answer ({close['answer']}), SSIM "
                f"{gain:+.3f} beside the highest ({alike['answer']}).",
            ]  # fmt: skip
    for row in table.get("differences", []):
        if row["beside"] in {other["answer"] for other in table["rows"] if "weights_sha256" in other}:
            lines += ["", f"{row['answer']} beside {row['beside']}, swap by swap: L1 {row['l1']:+.4f} ± "
                          f"{row['l1_error']:.4f}, SSIM {row['ssim']:+.3f} ± {row['ssim_error']:.3f}."]  # fmt: skip
    lines += ["", f"Judges: perceptual, rank-1 and Fréchet {table['features']}; PCK@0.1 {table['teacher']}."]
    if table.get("named"):
        who = "ST-LPIPS and LPIPS see" if "lpips_alex" in table["named"] else "ST-LPIPS sees"
        lines += ["", f"{who} the person on grey, Fréchet (Lite0) compares with the true answers: "
                  f"{', '.join(table['named'].values())}."]  # fmt: skip
    errors = f", ± {table['errors']}" if "errors" in table else ""
    lines += ["", f"{table['swaps']} swaps of held-out identities{errors} · `{table['command']}` · {table['device']} · "
              f"{table['date']}"]  # fmt: skip
    return "\n".join(lines)
