"""Average the weights of a run and of an earlier one: ``python tools/average_weights.py FIRST SECOND --out FOLDER``.

A run that goes on from another with a discriminator draws sharper people, whose errors are larger; half of the way
between the two sets of weights keeps most of the sharpness and loses most of the errors (interpolation of networks,
Wang et al. 2018, ESRGAN). It works for a run and what it began with, not for two strangers.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
import tyro

from momi_lib.files import write_json
from momi_lib.provenance import begun_with, command_line
from momi_lib.train.run import LOG, WEIGHTS
from momi_lib.translate import load_network, save_network


def average(
    first: tyro.conf.Positional[Path], second: tyro.conf.Positional[Path], /, out: Path, share: float = 0.5
) -> Path:
    """Write the average as if it were a run: weights, card and the second run's log.

    Args:
        first: folder of the earlier run.
        second: folder of the run that began with it; the student is taken from here as it is.
        out: folder to make.
        share: of the second, from 0 to 1; batch norms' statistics are averaged as well.

    Raises:
        ValueError: for a share outside, or networks of different shapes.
        FileExistsError: where ``out`` holds weights already.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share: expected a number in [0, 1], got {share}")
    if (out / WEIGHTS).exists():
        raise FileExistsError(f"{out / WEIGHTS}: is there already; remove it, or choose another --out")
    earlier, later = (load_network(run / WEIGHTS) for run in (first, second))
    if earlier.config != later.config:
        raise ValueError(f"{first} and {second}: expected networks of one shape, got two different ones")
    mine = earlier.state_dict()
    state = {
        name: torch.lerp(mine[name], value, share)
        if value.is_floating_point() and not name.startswith("student.")
        else value
        for name, value in later.state_dict().items()
    }
    later.load_state_dict(state)
    card = json.loads((second / WEIGHTS).with_suffix(".json").read_text(encoding="utf-8"))
    card.pop("sha256")
    card["averaged"] = {
        "by": command_line(),
        "share": share,
        "first": begun_with(first / WEIGHTS),
        "second": begun_with(second / WEIGHTS),
    }
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(second / LOG, out / LOG)
    path = save_network(later, out / WEIGHTS, card)
    write_json(out / "config.json", {"averaged": card["averaged"]})
    return path


if __name__ == "__main__":
    tyro.cli(average, description=__doc__)
