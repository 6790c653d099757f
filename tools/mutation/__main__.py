"""`python -m tools.mutation`: mutation tests of the parts whose defects are hardest to see.

    python -m tools.mutation list                                            # how many mutants there are
    python -m tools.mutation run momi_lib/losses.py --minutes 30             # continues where it was stopped
    python -m tools.mutation run --sample-size 40 --seed 0 --workers 2       # forty per file
    python -m tools.mutation report                                          # writes tools/mutation/report.md
"""

from __future__ import annotations

import os
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # a process that has threads cannot be forked
os.environ |= {"MOMI_MODE": "quick", "TQDM_DISABLE": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONDONTWRITEBYTECODE": "1"}

import tyro  # noqa: E402

from tools.mutation import report as reports  # noqa: E402
from tools.mutation.mutants import mutants_of, sample  # noqa: E402
from tools.mutation.runner import KILLED, Record  # noqa: E402
from tools.mutation.runner import run as run_all  # noqa: E402
from tools.mutation.targets import TARGETS  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent
RECORDS = FOLDER / "outcomes"


def list_mutants(files: tyro.conf.Positional[tuple[str, ...]] = (), /, show: bool = False) -> None:
    """Count mutants.

    Args:
        files: which targets; without any, all of them.
        show: also print each mutant.
    """
    total = 0
    for path in _chosen(files):
        mutants = mutants_of(path, (ROOT / path).read_text(encoding="utf-8"))
        total += len(mutants)
        print(f"{path}: {len(mutants)}")
        for mutant in mutants if show else ():
            print(f"  {mutant.name} {mutant.line}: {' '.join(mutant.before)} -> {' '.join(mutant.after)}")
    print(f"all: {total}")


def run(
    files: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    minutes: float = float("inf"),
    sample_size: int | None = None,
    seed: int = 0,
    workers: int = 1,
    again: bool = False,
    records: Path = RECORDS,
) -> None:
    """Try the mutants that have no outcome yet, and keep each outcome.

    Args:
        files: which targets; without any, all of them, in their order.
        minutes: start no further mutant after this time.
        sample_size: how many mutants per file, chosen by the seed; `None`: all.
        seed: decides which mutants are chosen.
        workers: how many processes at the same time.
        again: try the mutants that were not killed once more, because tests may be better now.
        records: where outcomes are kept.
    """
    until, begun = time.monotonic() + 60 * minutes, time.monotonic()
    for path in _chosen(files):
        source = (ROOT / path).read_text(encoding="utf-8")
        mutants = mutants_of(path, source)
        record = Record.read(records, path)
        record.about(source, mutants)
        if again:
            record.outcomes = {name: told for name, told in record.outcomes.items() if told["status"] == KILLED}
        record.write()
        chosen = sample(mutants, sample_size, seed)
        done = run_all(ROOT, path, chosen, TARGETS[path], record, workers=workers, until=until)
        tried = [record.outcomes[mutant.name]["status"] for mutant in chosen if mutant.name in record.outcomes]
        print(f"{path}: {len(tried)} of {len(chosen)} tried, {tried.count(KILLED)} killed")
        if not done:
            print(f"stopped after {(time.monotonic() - begun) / 60:.0f} minutes; the same command continues")
            break


def report(out: Path = FOLDER / "report.md", records: Path = RECORDS, check: bool = False) -> None:
    """Write the report.

    Args:
        out: the file to write.
        records: where outcomes are kept.
        check: exit with status 1 if a survivor is not explained.
    """
    explanations = reports.read_explanations(FOLDER / "explanations.toml")
    known = {path: Record.read(records, path) for path in TARGETS}
    out.write_text(reports.markdown(known, explanations), encoding="utf-8")
    left = reports.unexplained(known, explanations)
    print(f"{out}: {len(left)} survivors are not explained")
    if check and left:
        raise SystemExit(1)


def _chosen(files: tuple[str, ...]) -> list[str]:
    """The targets that are named, by their path or by a folder that contains them; all of them if none is named."""
    unknown = [name for name in files if not any(_belongs(path, name) for path in TARGETS)]
    if unknown:
        raise SystemExit(f"expected files or folders of tools/mutation/targets.py, got {', '.join(unknown)}")
    return [path for path in TARGETS if not files or any(_belongs(path, name) for name in files)]


def _belongs(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name.rstrip('/')}/")


if __name__ == "__main__":
    tyro.extras.subcommand_cli_from_dict({"list": list_mutants, "run": run, "report": report}, description=__doc__)
