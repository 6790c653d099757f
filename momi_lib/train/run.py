"""A whole run: data, teacher, resume, log, grids, checkpoints, and the weights at the end."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from momi_lib.arguments import flag, told
from momi_lib.data import People, load, load_truth, to_float
from momi_lib.data.pictures import picture_grid, save_picture
from momi_lib.devices import refuse_batch
from momi_lib.files import folder_to_fill, write_json
from momi_lib.pose import TeacherMaps, load_teacher
from momi_lib.pose.other_pictures import warn_of_other_pictures
from momi_lib.progress import hidden_if
from momi_lib.provenance import begun_with, environment, plain
from momi_lib.train.checkpoint import latest_checkpoint, save_checkpoint
from momi_lib.train.config import PROGRESS, TrainConfig
from momi_lib.train.interruptions import check_minutes, run_in_order, saying_how_to_go_on
from momi_lib.train.log import JsonLog
from momi_lib.train.loop import Trainer
from momi_lib.train.loss_record import Losses
from momi_lib.train.presets import flat
from momi_lib.train.processes import own_gpu, warn_where_alone
from momi_lib.translate import MomiNet, save_network, weights_file
from momi_lib.translate.weights import LOG, WEIGHTS

log = logging.getLogger(__name__)
CONFIG, GRIDS = "config.json", "grids"
#: What a run that has begun cannot change: each decides what the network knew before its first step.
BEGINNING = ("seed", "init.start", "init.parts", "init.student", "body_labels")
#: What to do about a run that has begun otherwise.
SAME = "Give this run the same, or choose another --out."
PROGRESS_FOLDER, PROGRESS_PICTURE = "progress", "progress.jpg"


def train(config: TrainConfig, *, resume: bool = False, minutes: float | None = None) -> Trainer:
    """Run ``config`` to its end, or for ``minutes``, and leave everything in ``config.out``.

    Args:
        config: the run.
        resume: go on from the newest whole checkpoint in ``config.out``; without one, start. Fields other than
            the pictures and their size, the shapes of network and discriminator, :data:`BEGINNING` and the lengths of
            stages that have begun may differ from those of the interrupted run; the log records it.
        minutes: stop (with a checkpoint) after so much time.

    Raises:
        FileExistsError: where ``config.out`` holds a run already, its weights or its log, and ``resume`` is off:
            nothing is overwritten.
        Interrupted: where a signal asked the run to end; a checkpoint of its last step is written.
        OSError: where ``config.out`` cannot be written, now or later; the last checkpoint stays.
        RuntimeError: where a batch does not fit into the memory.
        TrainingDiverged: where a loss is no number; the last checkpoint stays.
        ValueError: where a checkpoint is of other data, another network, seed or stage, or a batch cannot fit.
    """
    if not isinstance(config, TrainConfig):
        raise TypeError(f"config: expected a TrainConfig, as preset(name) gives it, got {told(config)}")
    check_minutes(minutes)
    resume = flag("resume", resume)
    _check_memory(config)
    out, found = config.out, checkpoint_to_resume(config.out, resume)
    with folder_to_fill(out):
        warn_where_alone()
        people = load(config.data, "train", size=config.network.size)
        warn_of_other_pictures(people.folder, config.teacher)
        trainer = Trainer(config, people, _maps(config, people))
        if config.network.carry and config.body_labels == "committed":
            log.info("body maps: those of %s, trained on mannequins; they stay as they are", weights_file("small").name)
        with saying_how_to_go_on(trainer):
            _train(trainer, found, minutes)
    trainer.accelerator.wait_for_everyone()
    return trainer


def _train(trainer: Trainer, found: tuple[Path, dict] | None, minutes: float | None) -> None:
    """Go on from a checkpoint, or start, and train."""
    config, out, main = trainer.config, trainer.config.out, trainer.accelerator.is_main_process
    shown = showcase(config.data, config.network.size, trainer.device)  # data that do not fit are found out first
    journal, seconds = JsonLog(out / LOG), 0.0
    if found:
        path, state = found
        _check_resumed(path, state, trainer)
        trainer.load_state_dict(state["trainer"])
        seconds = state["seconds"]
        log.info("resumed from %s", path.name)
    if main:
        journal.rewind(trainer.step if found else -1)  # what a killed run said after its checkpoint is said again
        names = {"teacher": str(config.teacher or "mannequin"), "perceptual": perceptual_name(trainer)}
        facts = {"config": plain(config), **names, **environment(trainer.device), "resumed": bool(found)}
        facts["processes"] = trainer.accelerator.num_processes
        write_json(out / CONFIG, facts)
        journal.write({"step": trainer.step, "event": "resume" if found else "start", **facts})
    clock = Clock(seconds)
    with tqdm(total=trainer.steps, initial=trainer.step, desc=out.name, **hidden_if(not main)) as bar:
        reporter = Reporter(trainer, journal, clock, bar, shown)
        if main and trainer.step == trainer.before and not reporter.kept(0).is_file():
            reporter.progress()  # nothing of the whole network has been trained yet
        run_in_order(trainer, reporter, minutes=minutes)
    network = trainer.with_updated_statistics(64)
    if main:
        finish(trainer, network, clock.seconds)


def _check_memory(config: TrainConfig) -> None:
    """Refuse batches that cannot fit: of each stage, what its pictures and G's wider features take at least."""
    shape, processes = config.network, int(os.environ.get("WORLD_SIZE", 1))
    pixels = shape.size[0] * shape.size[1]
    features = sum(channels / 4**power for channels, power in zip(shape.generator, (3, 2, 1), strict=False))
    least = {"batch": pixels * (18 + 3 * features)}  # x, x⁺, x⁻ and three drawn pictures
    if config.distil_steps:
        least["distil_batch"] = pixels * (3 + shape.student / 16)
    if config.body_steps:
        least["body_batch"] = pixels * 9
    share = 0.5 if config.in_bf16(config.where) else 1.0
    for option, floats in least.items():
        refuse_batch(option, -(-getattr(config, option) // processes), share * floats, config.where)


def checkpoint_to_resume(out: Path, resume: bool) -> tuple[Path, dict] | None:
    """The newest whole checkpoint in a run's folder, and ``None`` for a run that starts there.

    Raises:
        FileExistsError: for a folder that holds a run already, if ``resume`` is off or no checkpoint is left.
    """
    found = latest_checkpoint(out) if out.is_dir() else None
    there = [found[0].name] if found else [name for name in (WEIGHTS, LOG) if (out / name).exists()]
    if there and not resume:
        raise FileExistsError(f"{out}: holds a run already ({there[0]}); add --resume, or choose another --out")
    if not found and (out / WEIGHTS).exists():
        raise FileExistsError(f"{out}: holds a finished run, and no checkpoint to go on from; choose another --out")
    return found


def _check_resumed(path: Path, state: dict, trainer: Trainer) -> None:
    """Refuse a checkpoint that this run's config does not continue, with what differs."""
    config = trainer.config
    if not {"step", "network", "discriminator"} <= state.get("trainer", {}).keys():
        other = state.get("begun", {}).get("method")
        what = "a run of another kind" if other is None else f"a run of the rival {other}"
        raise ValueError(f"{path}: is a checkpoint of {what}; choose another --out.")
    step, begun, now = state["trainer"]["step"], state.get("begun", {}), _begun(trainer)
    names = [name for name in BEGINNING if name in begun]
    names += [name for name, first in (("distil_steps", 0), ("body_steps", begun.get("distil_steps", 0)))
              if begun and step > first]  # fmt: skip
    names += [name for name in ("network.size",) if name in begun]
    unlike = [f"{name} was {begun[name]} and is {now[name]} here" for name in names if begun[name] != now[name]]
    unlike += other_data(begun, now) if not unlike else []  # pictures of another size are other pictures
    if unlike:
        raise ValueError(f"{path}: cannot be gone on with: {'; '.join(unlike)}. {SAME}")
    if step - trainer.before > config.steps:
        raise ValueError(
            f"{path}: has gone {step - trainer.before} steps with the whole network, and --steps is {config.steps}. "
            "Give it as many or more, or choose another --out."
        )
    parts = {
        "network": (trainer.network, ("network.",)),
        "discriminator": (trainer.discriminator, ("loss.discriminator",)),
    }
    for part, (module, options) in parts.items():
        there, here = (
            {name: value.shape for name, value in tensors.items()}
            for tensors in (state["trainer"][part], module.state_dict())
        )
        different = [name for name in there.keys() | here.keys() if there.get(name) != here.get(name)]
        if different:
            unlike = [f"{name} was {begun[name]} and is {now[name]} here" for name in now
                      if name.startswith(options) and name in begun and begun[name] != now[name]]  # fmt: skip
            # Checkpoints of earlier versions do not say with which options they were made.
            said = "; ".join(unlike) or f"{min(different)} differs"
            raise ValueError(f"{path}: is of a {part} of another shape: {said}. {SAME}")


def other_data(begun: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What a refusal says where a run began with other pictures; earlier checkpoints do not name theirs.

    >>> other_data({"data": "people", "fingerprint": "0123456789"}, {"data": "crowd", "fingerprint": "abcdef0123"})
    ['data was people (fingerprint 01234567) and is crowd (fingerprint abcdef01) here']
    """
    if begun.get("fingerprint", now["fingerprint"]) == now["fingerprint"]:
        return []
    was, here = (f"{each['data']} (fingerprint {each['fingerprint'][:8]})" for each in (begun, now))
    return [f"data was {was} and is {here} here"]


def _begun(trainer: Trainer) -> dict[str, Any]:
    """The options that a run which goes on from a checkpoint must share, or whose shapes must be the same."""
    options, people = flat(plain(trainer.config)), trainer.batches.people
    shapes = [name for name in options if name.startswith(("network.", "loss.discriminator"))]
    kept = {name: options[name] for name in (*BEGINNING, "distil_steps", "body_steps", *shapes)}
    return {**kept, "data": people.folder.name, "fingerprint": people.fingerprint}


class Clock:
    """Seconds of training, those before a resume included."""

    def __init__(self, before: float) -> None:
        self.before, self.start = before, time.monotonic()

    @property
    def seconds(self) -> float:
        """Up to now."""
        return self.before + time.monotonic() - self.start


class Reporter:
    """The callback of :func:`train`: progress bar, JSONL, grids and checkpoints, each at its own pace.

    It serves any trainer that has the attributes of :class:`~momi_lib.train.loop.Trainer` which it uses; a subclass
    says how another kind of network draws its swaps.
    """

    def __init__(self, trainer: Any, journal: JsonLog, clock: Clock, bar: tqdm, shown: tuple[Tensor, ...]) -> None:
        self.trainer, self.journal, self.clock, self.bar, self.shown = trainer, journal, clock, bar, shown
        self.names: tuple[str, ...] = ()
        self.unread: list[Tensor] = []  # losses since the last line of the log, on the device

    def __call__(self, trainer: Any, values: Losses) -> None:
        """After each step."""
        config, step = trainer.config, trainer.step
        self.bar.update()
        if self.names != values.names:
            self.names, self.unread = values.names, []
        self.unread.append(values.values_on_device)
        if step % config.log.every == 0 or step == trainer.steps:
            columns = zip(*torch.stack(self.unread).tolist(), strict=True)
            named = zip(self.names, columns, strict=True)
            means = {name: float(f"{sum(read) / len(read):.7g}") for name, read in named}
            self.bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()})
            self.journal.write(
                {
                    "step": step,
                    **means,
                    "rate": round(trainer.rate(), 4),
                    "seconds": round(self.clock.seconds, 1),
                }
            )
            self.unread = []
        if step - trainer.before in PROGRESS or step == trainer.steps:
            self.progress()
        if step % config.log.grid_every == 0:
            save_picture(self.grid(), config.out / GRIDS / f"{step:08d}.png")
        if step % config.log.checkpoint_every == 0:
            self.checkpoint()

    def checkpoint(self) -> Path:
        """Write a checkpoint of this step, and what the teacher has said so far; returns the checkpoint's file."""
        state = {
            "trainer": self.trainer.state_dict(),
            "seconds": self.clock.seconds,
            "steps": self.trainer.steps,
            "begun": self.begun(),
        }
        path = save_checkpoint(self.trainer.config.out, self.trainer.step, state)
        if isinstance(maps := getattr(self.trainer.batches, "maps", None), TeacherMaps):
            maps.save()
        return path

    def begun(self) -> dict[str, Any]:
        """The options that a run which goes on from this checkpoint must share, or whose shapes must be the same."""
        return _begun(self.trainer)

    def kept(self, step: int) -> Path:
        """Where the swaps after so many steps of the whole network are kept."""
        return self.trainer.config.out / PROGRESS_FOLDER / f"{step:08d}.png"

    def progress(self) -> None:
        """Keep the swaps of this step, and put all that are kept below each other."""
        out, step = self.trainer.config.out, self.trainer.step - self.trainer.before
        source, target, *truth = self.shown
        save_picture(picture_grid([self.swaps()], padding=0), self.kept(step))
        kept = [_read_row(path, len(source)) for path in sorted((out / PROGRESS_FOLDER).glob("*.png"))]
        save_picture(picture_grid([source, target, *kept, *truth], padding=0), out / PROGRESS_PICTURE)

    @torch.no_grad()
    def grid(self) -> Tensor:
        """Sources, targets, swaps of the averaged weights, and the truth where there is one."""
        source, target, *truth = self.shown
        return picture_grid([source, target, self.swaps(), *truth])

    @torch.no_grad()
    def swaps(self) -> Tensor:
        """The shown swaps of the averaged weights."""
        source, target, *_ = self.shown
        alone = self.trainer.accelerator.num_processes == 1
        network = self.trainer.with_updated_statistics() if alone else self.trainer.average.network
        return network.swap(source, target)


def _read_row(path: Path, count: int) -> Tensor:
    """A row of pictures that was kept, (count, 3, H, W) in [-1, 1]."""
    from PIL import Image

    with Image.open(path) as image:
        row = torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1)
    return torch.stack(to_float(row).chunk(count, dim=2))


def showcase(data: Path | None, size: tuple[int, int], device: torch.device, count: int = 8) -> tuple[Tensor, ...]:
    """Pictures for the grids: sources, targets and, where there are true swaps, the truth (of test identities)."""
    try:
        truth = load_truth(data, size=size)
    except FileNotFoundError:
        people = load(data, "train", size=size)
        chosen = to_float(people.pictures[torch.linspace(0, len(people) - 1, 2 * count).long()]).to(device)
        return chosen[:count], chosen[count:]
    some = torch.linspace(0, len(truth) - 1, count).long()
    pictures = truth.people.pictures
    rows = pictures[truth.source[some]], pictures[truth.target[some]], truth.pictures[some]
    return tuple(to_float(row).to(device) for row in rows)


def _maps(config: TrainConfig, people: People) -> TeacherMaps:
    """The teacher's maps, made as training comes to need them: the first step need not wait for all of them."""
    teacher = load_teacher(config.teacher, own_gpu(config.where), input_size=config.teacher_input)
    return TeacherMaps(teacher, people)


def perceptual_name(trainer: Trainer) -> str:
    """What stands beside every loss and score of this run."""
    return trainer.perceptual.features.name if trainer.perceptual else "none"


def finish(trainer: Trainer, network: MomiNet, seconds: float) -> Path:
    """Write ``network``, the averaged one with updated statistics, as half-precision safetensors with its card."""
    config = trainer.config
    card = {
        "what": f"{type(network).__name__}: student, encoders, attention, generator"
        f"{', body maps, painter' if config.network.carry else ''}; averaged weights",
        "config": plain(config),
        "seed": config.seed,
        "steps": trainer.step,
        "data": trainer.batches.people.fingerprint,
        "stages": {
            "student": min(trainer.step, config.distil_steps),
            "body maps": min(max(0, trainer.step - config.distil_steps), config.body_steps),
            "whole": max(0, trainer.step - trainer.before),
        },
        "triplets": max(0, trainer.step - trainer.before) * config.batch,
        "hours": round(seconds / 3600, 3),
        "perceptual": perceptual_name(trainer),
        "precision": trainer.precision,
        **trainer.kernels,
        **environment(trainer.device),
    }
    if config.init.start is not None:
        card["begun_with"] = begun_with(weights_file(config.init.start))
    if config.network.carry and config.body_labels == "committed":
        card["body_maps_of"] = begun_with(weights_file("small"))
    if config.init.student is not None:
        card["student_begun_with"] = begun_with(weights_file(config.init.student))
    return save_network(network, config.out / WEIGHTS, card)
