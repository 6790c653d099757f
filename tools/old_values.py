"""What the metrics of an earlier commit said of forty true swaps: ``python tools/old_values.py CHECKOUT COMMIT``.

The same scores are computed by the code in CHECKOUT, a folder with that commit (``git archive COMMIT | tar x -C
CHECKOUT``), and written into tests/evaluate/old_values.json under COMMIT. tests/evaluate/test_old_values.py computes
them with today's code and compares. Two answers to the swaps are scored, and none needs a network that draws: the
copied source, and the mean of the source and the truth.
"""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from dataclasses import replace
from datetime import date
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import tyro

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "tests/evaluate/old_values.json"
COUNT, EVERY, TOGETHER = 40, 187, 5  # of every 187 true swaps the first 5, so that people come several times
TRAIN = 60  # training pictures whose people are the classes of the Inception Score
POSES = 20  # pairs of Table I on which PCK is measured

#: Name → module: before the metrics had a folder of their own, and today.
OLD = {
    "load": "data", "load_truth": "data", "score_truth": "evaluate.truth", "Judges": "evaluate.judges",
    "Table": "evaluate.table_one", "Answer": "evaluate.table_one", "Pairs": "evaluate.protocol",
    "evaluation_network": "evaluate.networks", "AffinityNetwork": "evaluate.affinity",
    "affinity_weights": "evaluate.affinity", "load_teacher": "train",
}  # fmt: skip
TODAY = OLD | {
    "score_truth": "metrics.true_swaps", "Judges": "evaluate.truth_judges", "Answer": "evaluate.answers",
    "Pairs": "evaluate.pairs", "evaluation_network": "metrics.judges", "AffinityNetwork": "metrics.affinity",
    "affinity_weights": "metrics.affinity", "load_teacher": "pose",
}  # fmt: skip
PARTS = ("true swaps", "truth", "table one")


def code(places: dict[str, str] = TODAY) -> SimpleNamespace:
    """The functions and classes that `values` calls, from the ``momi_lib`` that Python finds first.

    >>> code({"load": "data"}).load.__module__
    'momi_lib.data.people'
    """
    return SimpleNamespace(**{name: getattr(import_module(f"momi_lib.{at}"), name) for name, at in places.items()})


def values(code: SimpleNamespace, parts: tuple[str, ...] = PARTS) -> dict[str, Any]:
    """Part → answer → score → number.

    ``true swaps`` is :class:`TruthScores`, ``truth`` a row of ``python -m momi_lib truth`` without the judges of other
    packages, and ``table one`` a row of ``python -m momi_lib evaluate``. What is real in them, the gallery of rank-1
    and the reference of the distances, are the pictures that the forty swaps were made of.
    """
    truth = swaps(code)
    source, true = truth.people.pictures[truth.source], truth.pictures
    answers = {"copy source": source, "half truth": ((source.int() + true.int()) // 2).byte()}
    scores: dict[str, Any] = {}
    if "true swaps" in parts:
        scores["true swaps"] = {name: vars(code.score_truth(answer, truth)) for name, answer in answers.items()}
    if "truth" in parts:
        judges = code.Judges(truth)
        scores["judges"] = {name: judges.conditions[name] for name in ("features", "teacher")}
        scores["truth"] = {name: judges.score(answer) for name, answer in answers.items()}
    if "table one" in parts:
        with tempfile.TemporaryDirectory() as folder:
            table = table_one(code, truth, Path(folder))
            rows = {"real pictures": table.real_row()}
            rows |= {n: table.row(code.Answer(n, lambda *_, a=answer: a)) for n, answer in answers.items()}
        scores["table one"] = {name: numbers(row["scores"]) for name, row in rows.items()}
    return scores


def swaps(code: SimpleNamespace) -> Any:
    """Forty true swaps among the pictures that they were made of."""
    truth = code.load_truth()
    truth = truth.select([row for row in range(len(truth)) if row % EVERY < TOGETHER][:COUNT])
    needed = sorted({*truth.source.tolist(), *truth.target.tolist()})
    place = {picture: k for k, picture in enumerate(needed)}
    source, target = (truth.source.clone().apply_(place.get), truth.target.clone().apply_(place.get))
    return replace(truth, people=truth.people.select(needed), source=source, target=target)


def table_one(code: SimpleNamespace, truth: Any, folder: Path) -> Any:
    """Table I of the forty swaps, of a data set that has no true swaps of its own."""
    people = replace(truth.people, folder=folder)
    return code.Table(
        pairs=code.Pairs(people, truth.source, truth.target),
        judge=code.evaluation_network("mannequin"),
        train=code.load(split="train").select(slice(TRAIN)),
        teacher=code.load_teacher(None),
        teacher_name="teacher",
        folder=folder / "cache",
        affinities=[code.AffinityNetwork.load(code.affinity_weights("heldout"))],
        pose_pairs=POSES,
    )


def numbers(scores: dict[str, Any]) -> dict[str, float]:
    """The numbers of a row of Table I, by column and field.

    >>> numbers({"FID": {"name": "FID[x]", "value": 3.0, "count": 9}})
    {'FID value': 3.0}
    """
    fields = ("value", "deviation", "error", "confusion", "copy")
    found = {f"{column} {field}": score[field] for column, score in scores.items() for field in fields
             if field in score}  # fmt: skip
    real = {f"{column} real {field}": score["real"][field] for column, score in scores.items() if "real" in score
            for field in ("same", "different", "same_error", "different_error", "auc")}  # fmt: skip
    return found | real


def main(
    checkout: tyro.conf.Positional[Path], commit: tyro.conf.Positional[str], /, parts: tuple[str, ...] = PARTS
) -> None:
    """Compute the values with the code in CHECKOUT and store them.

    Args:
        checkout: folder with the files of the commit.
        commit: its hash.
        parts: which of ``true swaps``, ``truth`` and ``table one``; all.
    """
    sys.path.insert(0, str(checkout.resolve()))
    import momi_lib

    if Path(momi_lib.__file__).resolve().parents[1] != checkout.resolve():
        raise ValueError(f"{checkout}: expected a folder with momi_lib in it, got {momi_lib.__file__} instead")
    known = json.loads(STORED.read_text(encoding="utf-8")) if STORED.is_file() else {}
    known[commit] = {
        "command": f"python tools/old_values.py CHECKOUT {commit} --parts {shlex.join(parts)}",
        "date": date.today().isoformat(),
        **values(code(OLD), parts),
    }
    STORED.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
