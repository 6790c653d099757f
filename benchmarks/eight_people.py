"""Notebook 7's training on eight people, in full: `python benchmarks/eight_people.py`.

It trains for 300 steps, as the notebook does in full mode, and draws the same four swaps after 0, 30, 100 and 300
steps. It writes the pictures to benchmarks/results/eight-people.jpg (rows: sources, targets, then one row per number of
steps), and the losses of all steps, the options and the duration to eight-people.json beside it. It also measures how
well the eight people are drawn in poses of their own, and eight people of the test half, whom the network never met.

`--people 64` trains on more people, and `--seed 1` from other random numbers: the open exercise of the lesson asks for
such a comparison. Both files are scored on the same eight people and the same eight strangers. For example:
`python benchmarks/eight_people.py --people 64 --seed 1 --out benchmarks/results/people-64-seed1.json`.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import momi_lib as momi
from momi_lib.data.pictures import picture_grid
from momi_lib.files import sha256, write_atomically, write_json
from momi_lib.metrics.true_swaps import masked_l1
from momi_lib.provenance import environment, plain
from momi_lib.translate.swaps import Swaps

RESULTS = Path(__file__).parent / "results"
MOMENTS = (0, 30, 100, 300)
#: (person, picture) of the sources, and of the targets.
SOURCES, TARGETS = ((1, 1), (3, 3), (4, 6), (7, 0)), ((5, 2), (0, 8), (7, 5), (6, 3))


def chosen(people: momi.data.People, places: tuple[tuple[int, int], ...]) -> Tensor:
    """Pictures by person and number, (N, 3, H, W) uint8."""
    own = [(people.persons == person).nonzero()[:, 0] for person in people.identities]
    return people.pictures[torch.stack([own[person][number % len(own[person])] for person, number in places])]


def recipe(seed: int = 0) -> momi.train.TrainConfig:
    """The options of the training."""
    return momi.train.preset(
        "lookup",
        seed=seed,
        steps=300,
        batch=8,
        distil_steps=0,
        network={"transfer": "join"},
        loss={"lookup_guidance": 0.0},
        optim={"learning_rate": 4e-4},
        init={"start": Path("small"), "parts": "student"},
    )


def own_poses(network: Swaps, people: momi.data.People) -> dict[str, Any]:
    """Each picture's person in the pose of their next one, which is the true answer: masked L1, and two baselines."""
    own = [(people.persons == person).nonzero()[:, 0] for person in people.identities]
    source, target = torch.cat(own), torch.cat([index.roll(-1) for index in own])
    assert people.masks is not None  # the mannequins have them
    truth, masks = people.pictures[target], people.masks[target]
    answers = {
        "network": momi.evaluate.swap_all(network, people.pictures[source], truth),
        "copy source": people.pictures[source],
        "mean picture": people.pictures.float().mean(0).byte().expand_as(truth),
    }
    scores = {name: masked_l1(some, truth, masks) for name, some in answers.items()}
    return {"pictures": len(source)} | {name: round(some.nanmean().item(), 4) for name, some in scores.items()}


def first(split: str, count: int = 8) -> momi.data.People:
    """The pictures of the first people of a split."""
    people = momi.data.load(split=split)
    return people.select(torch.isin(people.persons, people.identities[:count]).nonzero()[:, 0])


def main() -> None:
    """Train, draw and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=RESULTS / "eight-people.json", help="JSON; the JPEG lies beside it")
    parser.add_argument("--people", type=int, default=8, help="how many people of the training half are learned")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    if asked.people < 8:
        parser.error(f"--people: expected 8 or more, because eight of them are drawn, got {asked.people}")
    out, people = asked.out, first("train", asked.people)
    maps = momi.pose.teacher_maps(momi.pose.load_teacher(None), people)
    source, target = chosen(people, SOURCES), chosen(people, TARGETS)
    trainer = momi.train.Trainer(recipe(asked.seed), people, maps)
    rows, history, seconds, processor = [source, target], [], 0.0, 0.0
    for moment in MOMENTS:
        start, begun = time.perf_counter(), time.process_time()
        while trainer.step < moment:
            values = trainer.train_step()
            history.append({"step": trainer.step} | {name: round(value, 5) for name, value in values.items()})
        seconds, processor = seconds + time.perf_counter() - start, processor + time.process_time() - begun
        rows.append(momi.evaluate.swap_all(trainer.with_updated_statistics(4), source, target))
        print(f"{moment} steps: {seconds:.0f} s, {processor:.0f} s of the processor", flush=True)
    grid = picture_grid([momi.data.to_float(row) for row in rows], padding=0)
    image = Image.fromarray(grid.permute(1, 2, 0).contiguous().numpy())
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=92, subsampling=0)
    file = write_atomically(out.with_suffix(".jpg"), lambda to: to.write(buffer.getvalue()))
    network = trainer.with_updated_statistics(16)
    facts = {
        "what": "notebook 7's training on eight people; rows of the picture: sources, targets, then one per moment",
        "moments": MOMENTS,
        "people": people.identities.tolist(),
        "sources": SOURCES,
        "targets": TARGETS,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "masked_l1": {split: own_poses(network, first(split)) for split in ("train", "test")},
        "precision": trainer.precision,
        "picture": {"file": file.name, "sha256": sha256(file)},
        "config": plain(trainer.config),
        **environment(trainer.device),
    }
    write_json(out, facts | {"log": history})


if __name__ == "__main__":
    main()
