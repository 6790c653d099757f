"""Train the teacher ψ from joints: ``python -m momi_lib train-teacher --out runs/teacher``.

The paper takes a pose network trained elsewhere. Where the data set knows its joints, as the mannequins do,
one of our own is trained here, so that nothing needs to be downloaded.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from momi_lib import data, files
from momi_lib.data import People
from momi_lib.metrics import left_right_confusion, pck, person_heights
from momi_lib.pose import SimpleBaseline, Teacher, decode, gaussian_maps
from momi_lib.pose.augment import augment
from momi_lib.provenance import begun_with, environment, plain
from momi_lib.skeleton import JOINTS
from momi_lib.train.run_config import RunConfig, expect

log = logging.getLogger(__name__)

WEIGHTS, CARD, JOURNAL = "teacher.safetensors", "teacher.json", "teacher.jsonl"
RADIUS = 6.0  # pixels of the second PCK, at a height of 128
GLANCE = 512  # test pictures of a score taken during training


@dataclass(frozen=True, kw_only=True)
class TeacherConfig(RunConfig):
    """What `train_teacher` needs to know; every field is a flag of the command.

    Attributes:
        data: data folder with joints.
        out: folder that receives teacher.safetensors, teacher.json and teacher.jsonl.
        layers: depth of the ResNet: 18, 34, 50, 101 or 152.
        width: channels of its first stage; 64 is the published network, 32 (18 layers only) a light one.
        input_size: (height, width) of the network's input.
        start: teacher.safetensors to begin with instead of random weights; layers and width are then its own.
        steps: batches to learn from.
        sigma: deviation of the target's Gaussians in cells of the heatmap (a cell is 4 input pixels).
        half: store the weights in 16 bits; the scores are those of the stored weights.
        teach_absent: visibility 0 means that the joint is not in the picture, as in the mannequins, and not that
            nobody labelled it, as in COCO: its target is an empty map instead of no target.
        evaluate_every: steps between two scores on a part of the test split.
        flip: the teacher answers with the mean of its maps of a picture and of its mirror image, as Simple Baselines
            does in its evaluation; twice the time, in use and not in training.
    """

    out: Path = Path("runs/teacher")
    layers: int = 18
    width: int = 32
    input_size: tuple[int, int] = (128, 64)
    start: Path | None = None
    steps: int = 2000
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    sigma: float = 1.5
    augment: bool = True
    channels_last: bool = True
    half: bool = True
    teach_absent: bool = False
    flip: bool = False
    log_every: int = 20
    evaluate_every: int = 500
    name: str = "mannequin-teacher"


def train_teacher(config: TeacherConfig) -> dict[str, Any]:
    """Train a Simple Baselines network on the joints of a data set; return its card.

    Targets are Gaussians at the resolution of the heatmaps, the loss their mean squared error. A joint whose
    place is not known (visibility 0) weighs nothing; one that augmentation moved out of the picture has an
    empty map as its target, from which the network learns to be unsure. Adam with decoupled weight decay,
    one-cycle learning rate.

    Raises:
        OSError: where ``out`` cannot be written, before any work.
        ValueError: a config out of range, a folder without joints, or a loss that is no longer finite.

    >>> TeacherConfig(steps=10).layers
    18
    """
    _check(config)
    with files.folder_to_fill(config.out) as out:
        return _train(config, out)


def _train(config: TeacherConfig, out: Path) -> dict[str, Any]:
    started = time.perf_counter()
    device = config.where
    train = _labelled(config.data, "train").to(device)
    test = _labelled(config.data, "test")

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)  # PyTorch's initial weights know only the global generator
        network = SimpleBaseline(config.layers, width=config.width)
    if config.start is not None:
        network = Teacher.load(config.start).network
    teacher = Teacher(network, input_size=config.input_size, name=config.name, flip=config.flip).to(device)
    if config.channels_last:
        teacher.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(
        teacher.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, foreach=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=config.steps, pct_start=0.2
    )
    generator = torch.Generator().manual_seed(config.seed)
    draws = _indices(len(train), config.batch, generator)

    with (out / JOURNAL).open("w", encoding="utf-8") as journal:
        for step in tqdm(range(1, config.steps + 1), desc="teacher"):
            teacher.train()
            index = next(draws).to(device)
            loss = learn(teacher, train.select(index), config, generator)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(teacher.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            record: dict[str, Any] = {}
            if step % config.log_every == 0 or step in (1, config.steps):
                record = {"loss": loss.item(), "learning_rate": optimiser.param_groups[0]["lr"]}
                if not torch.isfinite(loss):
                    raise ValueError(f"the loss is {loss.item()} at step {step}; lower learning_rate")
            if step % config.evaluate_every == 0 and step < config.steps:
                glance = test.select(torch.linspace(0, len(test) - 1, min(GLANCE, len(test))).long())
                scores = score_teacher(teacher, glance)
                record |= {key: scores[key] for key in ("pck_height", "pck_6px", "confusion_6px")}
                teacher.save(out / WEIGHTS, half=config.half)
            if record:
                seconds = round(time.perf_counter() - started, 1)
                journal.write(json.dumps({"step": step, **record, "seconds": seconds}) + "\n")
                journal.flush()

    path = out / WEIGHTS
    teacher.save(path, half=config.half)
    card = {
        "name": config.name,
        **environment(device),
        "command": command(config),
        "config": plain(config),
        "seed": config.seed,
        "steps": config.steps,
        "seconds": round(time.perf_counter() - started, 1),
        "data": {"train": train.fingerprint, "test": test.fingerprint, "pictures": [len(train), len(test)]},
        "sha256": files.sha256(path),
        "scores": score_teacher(Teacher.load(path).to(device), test),
    }
    if config.start is not None:
        card["begun_with"] = begun_with(Path(config.start))
    files.write_json(out / CARD, card)
    return card


def learn(teacher: Teacher, people: People, config: TeacherConfig, generator: torch.Generator) -> Tensor:
    """The loss of one batch."""
    pictures, joints, visibility = data.to_float(people.pictures), people.joints, people.visibility
    assert joints is not None and visibility is not None  # see _labelled
    if config.augment:
        pictures, joints, visibility = augment(pictures, joints, visibility, generator)
    if config.channels_last:
        pictures = pictures.contiguous(memory_format=torch.channels_last)
    size = pictures.new_tensor([pictures.shape[-1], pictures.shape[-2]])
    known = visibility > 0
    judged = torch.ones_like(known) if config.teach_absent else known
    inside = ((joints > -0.5) & (joints < size - 0.5)).all(dim=-1)
    cells = (joints + 0.5) * (size.new_tensor(teacher.map_size[::-1]) / size) - 0.5
    target = gaussian_maps(cells, known & inside, size=teacher.map_size, sigma=config.sigma)
    with torch.autocast(pictures.device.type, torch.bfloat16, enabled=config.in_bf16(pictures.device)):
        heatmaps = teacher(pictures)
    error = (heatmaps.float() - target).square().mean(dim=(2, 3))
    return (error * judged).sum() / judged.sum().clamp_min(1)


def score_teacher(teacher: Teacher, people: People, *, batch: int = 64) -> dict[str, Any]:
    """PCK of the visible joints, within a tenth of the person's height and within 6 pixels, and the errors.

    Landmarks are decoded with the quarter shift. ``confusion_…`` is the share of joints found at the place of
    their mirror joint; ``found`` and ``imagined`` are the shares of visible and of absent joints with a
    confidence of at least 0.2.
    """
    device = next(teacher.parameters()).device
    training = teacher.training
    teacher.eval()
    parts = []
    with torch.no_grad():
        for chunk in people.pictures.split(batch):
            heatmaps = teacher(data.to_float(chunk.to(device)))
            parts.append(decode(heatmaps, method="quarter", size=data.size_of(chunk)))
    teacher.train(training)
    landmarks, confidence = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
    assert people.joints is not None and people.visibility is not None  # see _labelled
    joints, visibility = people.joints.cpu(), people.visibility.cpu()
    visible, absent, sure = visibility == 2, visibility == 0, confidence >= 0.2
    masks = None if people.masks is None else people.masks.cpu()
    by_height = {"height": person_heights(joints, visibility, masks), "threshold": 0.1}
    by_pixels = {"height": people.pictures.shape[-2] / 128, "threshold": RADIUS}
    arguments = (landmarks, joints, visible)
    near = pck(*arguments, **by_pixels)
    return {
        "pictures": len(people),
        "visible_joints": int(visible.sum()),
        "pck_height": _rounded(pck(*arguments, **by_height).mean),
        "pck_6px": _rounded(near.mean),
        "confusion_height": _rounded(left_right_confusion(*arguments, **by_height).mean),
        "confusion_6px": _rounded(left_right_confusion(*arguments, **by_pixels).mean),
        "found": _rounded(sure[visible].float().mean().item()),
        "imagined": _rounded(sure[absent].float().mean().item()),
        "pck_6px_of_joints": {name: _rounded(share) for name, share in zip(JOINTS, near.joints.tolist(), strict=True)},
    }


def _rounded(share: float) -> float | None:
    """Four digits for a card; None, which JSON knows, where there was nothing to judge."""
    return None if math.isnan(share) else round(share, 4)


def command(config: TeacherConfig) -> str:
    """The command that repeats a training: the flags that differ from the defaults.

    >>> command(TeacherConfig(steps=10, input_size=(64, 32), augment=False))
    'python -m momi_lib train-teacher --input-size 64 32 --steps 10 --no-augment'
    """
    words = ["python", "-m", "momi_lib", "train-teacher"]
    for field in dataclasses.fields(config):
        value, flag = getattr(config, field.name), field.name.replace("_", "-")
        if value == field.default:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", *map(str, value if isinstance(value, tuple) else (value,))]
    return shlex.join(words)


def _indices(count: int, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches without end: every picture once before any comes again."""
    waiting = torch.empty(0, dtype=torch.long)
    while True:
        while len(waiting) < batch:
            waiting = torch.cat([waiting, torch.randperm(count, generator=generator)])
        yield waiting[:batch]
        waiting = waiting[batch:]


def _labelled(folder: Path | None, split: str) -> People:
    people = data.load(folder, split)
    if people.joints is None or people.visibility is None:
        raise ValueError(
            f"train_teacher: {people.folder} has no joints for its {split} split (annotations/); a teacher "
            "is trained on the mannequins, and other pictures use official weights (Teacher.from_official)"
        )
    return people


def _check(config: TeacherConfig) -> None:
    config.check()
    expect("", config, "count", "steps", "batch", "layers", "width", "input_size", "log_every", "evaluate_every")
    expect("", config, "rate", "learning_rate", "sigma")
    expect("", config, "weight", "weight_decay")
