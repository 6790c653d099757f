"""A rival's whole run: data, poses, resume, log, grids, checkpoints, and the weights at the end."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from momi_lib.data import People, load
from momi_lib.files import folder_to_fill, write_json
from momi_lib.pose import load_teacher
from momi_lib.pose.other_pictures import OFFICIAL, warn_of_other_pictures
from momi_lib.progress import hidden_if
from momi_lib.provenance import environment, plain
from momi_lib.rivals.base import PoseGuided
from momi_lib.rivals.batches import PeoplePoses
from momi_lib.rivals.loop import RivalTrainer
from momi_lib.rivals.posed import Posed, PoseSource, pose_source
from momi_lib.rivals.run_config import RivalRunConfig
from momi_lib.rivals.weights import save_rival
from momi_lib.train.interruptions import check_minutes, run_in_order, saying_how_to_go_on
from momi_lib.train.log import JsonLog
from momi_lib.train.processes import own_gpu, warn_where_alone
from momi_lib.train.run import (
    CONFIG,
    LOG,
    SAME,
    WEIGHTS,
    Clock,
    Reporter,
    checkpoint_to_resume,
    other_data,
    showcase,
)
from momi_lib.translate.swaps import device_of

log = logging.getLogger(__name__)
#: What a run that has begun cannot change.
BEGINNING = ("method", "preset", "poses", "seed", "same_camera", "rival")
#: The committed student was taught by the same teacher.
ANOTHER_TEACHER = f"{OFFICIAL}, take --poses joints if the folder has labels, or train dg-net, which needs no poses"


def train_rival(
    config: RivalRunConfig, *, resume: bool = False, minutes: float | None = None, until: int | None = None
) -> RivalTrainer:
    """Run ``config`` to its end, for ``minutes`` or up to a step, and leave everything in ``config.out``.

    Args:
        config: the run.
        resume: go on from the newest whole checkpoint in ``config.out``; without one, start.
        minutes: stop (with a checkpoint and weights) after so much time.
        until: stop likewise after this step.

    Raises:
        FileExistsError: where ``config.out`` holds a run already and ``resume`` is off.
        Interrupted: where a signal asked the run to end; a checkpoint of its last step is written.
        OSError: where ``config.out`` cannot be written, now or later; the last checkpoint stays.
        RuntimeError: where a batch does not fit into the memory.
        TrainingDiverged: where a loss is not finite; the last checkpoint stays.
        ValueError: where a checkpoint is of another method, preset, seed or shape or of other data, for a pose-guided
            method on data without the labels that ``poses="joints"`` asks for, or data without pairs.
    """
    out = config.out
    assert out is not None  # RivalRunConfig says where, if nobody else does
    if config.method == "dg-net" and config.preset == "paper" and config.backbone_weights is None:
        log.warning("dg-net: the published networks begin with ResNet-50's ImageNet weights; without "
                    "--backbone-weights FILE they begin with random ones")  # fmt: skip
    check_minutes(minutes)
    found = checkpoint_to_resume(out, resume)
    with folder_to_fill(out):
        warn_where_alone()
        people = load(config.data, "train", size=config.rival.size)
        check_identities(config.method, people)
        poses, source = find_poses(config, people)
        trainer = RivalTrainer(config, people, poses)
        with saying_how_to_go_on(trainer):
            _train(trainer, source, found, minutes=minutes, until=until)
    trainer.accelerator.wait_for_everyone()
    return trainer


def _train(
    trainer: RivalTrainer, source: PoseSource | None, found: tuple[Path, dict] | None, **limits: Any
) -> None:
    """Go on from a checkpoint, or start, and train."""
    config, out, main = trainer.config, trainer.config.out, trainer.accelerator.is_main_process
    assert out is not None
    shown = showcase(config.data, config.rival.size, trainer.device)  # data that do not fit are found out first
    journal, seconds = JsonLog(out / LOG), 0.0
    if found:
        path, state = found
        _check_resumed(path, state.get("begun", {}), {**begun(config), **_data(trainer.people)}, source)
        trainer.load_state_dict(state["trainer"])
        seconds = state["seconds"]
        log.info("resumed from %s", path.name)
    if main:
        journal.rewind(trainer.step if found else -1)
        facts = {"config": plain(config), "rival": plain(config.rival), **_poses(source),
                 **environment(trainer.device), "resumed": bool(found)}  # fmt: skip
        facts["processes"] = trainer.accelerator.num_processes
        write_json(out / CONFIG, facts)
        journal.write({"step": trainer.step, "event": "resume" if found else "start", **facts})
    clock = Clock(seconds)
    with tqdm(total=trainer.steps, initial=trainer.step, desc=out.name, **hidden_if(not main)) as bar:
        reporter = RivalReporter(trainer, journal, clock, bar, shown)
        reporter.source = source
        if main and trainer.step == 0 and not reporter.kept(0).is_file():
            reporter.progress()
        clock.start = time.monotonic()  # the pictures of an untrained network are not training
        run_in_order(trainer, reporter, **limits)
    trained = clock.seconds
    network = trainer.with_updated_statistics(64)
    if main:
        save_rival(network, out / WEIGHTS, _card(trainer, network, source, trained))


def check_identities(name: str, people: People) -> None:
    """Raise ValueError where training pictures lack the identities, or the pairs, that a rival learns from."""
    counts = people.persons.unique(return_counts=True)[1]
    with_pairs = int((counts > 1).sum())
    if with_pairs >= 2:
        return
    learns = "tells people apart, and learns from pairs" if name == "dg-net" else "learns from pairs"
    raise ValueError(
        f"{people.folder}: {name} {learns} of pictures of one person, expected labels of identity with two people or "
        f"more who have two pictures each, got {with_pairs} such {'person' if with_pairs == 1 else 'people'} among "
        f"{len(people)} pictures; file names such as 0002_c1s1_000451_03.jpg begin with the number of the person"
    )


def find_poses(config: RivalRunConfig, people: People) -> tuple[PeoplePoses | None, PoseSource | None]:
    """The poses of the training pictures, found as they are needed, and what finds them; ``None`` where none are."""
    from momi_lib.rivals.methods import method

    if not method(config.method).needs:
        return None, None
    if config.poses != "joints":
        warn_of_other_pictures(people.folder, config.teacher, ANOTHER_TEACHER)
    device = own_gpu(config.where)
    own = config.teacher is not None or config.teacher_input is not None
    network = load_teacher(config.teacher, device, input_size=config.teacher_input) if own else None
    source = pose_source(config.poses, network=network, device=device)
    return PeoplePoses(source, people), source


def begun(config: RivalRunConfig) -> dict[str, Any]:
    """The options that decide what a run has learned so far."""
    options = {"method": config.method, "preset": config.preset, "poses": config.poses, "seed": config.seed,
               "same_camera": config.same_camera}  # fmt: skip
    return {**options, "rival": {n: v for n, v in plain(config.rival).items() if n != "learning_rate"}}


def _check_resumed(path: Path, then: Mapping[str, Any], now: Mapping[str, Any], source: PoseSource | None) -> None:
    if not then.keys() >= {*BEGINNING}:
        raise ValueError(f"{path}: is a checkpoint of a run of another kind; choose another --out.")
    unlike = [f"{name} was {then[name]} and is {now[name]} here" for name in BEGINNING[:-1] if then[name] != now[name]]
    for name in now["rival"]:
        was, is_now = then["rival"].get(name), now["rival"][name]
        if was != is_now:
            unlike.append(f"{name} was {was} and is {is_now} here")
    if source is not None and not unlike and then.get("poses_sha256", source.sha256) != source.sha256:
        unlike.append(f"the {source.name} that finds the poses is another one now, or is used differently")
    unlike += other_data(then, now) if not unlike else []  # pictures of another size are other pictures
    if unlike:
        raise ValueError(f"{path}: cannot be gone on with: {'; '.join(unlike)}. {SAME}")


def _data(people: People) -> dict[str, Any]:
    return {"data": people.folder.name, "fingerprint": people.fingerprint}


class RivalReporter(Reporter):
    """The same bar, log, grids and checkpoints, for a network that is given poses."""

    source: PoseSource | None = None

    def begun(self) -> dict[str, Any]:
        """The options that a run which goes on from this checkpoint must share."""
        poses = {} if self.source is None else {"poses_sha256": self.source.sha256}
        return {**begun(self.trainer.config), **poses, **_data(self.trainer.people)}

    @torch.no_grad()
    def swaps(self) -> Tensor:
        """The shown swaps. Labelled joints are not known for all shown pictures; the teacher then finds them."""
        source, target, *_ = self.shown
        alone = self.trainer.accelerator.num_processes == 1
        average = self.trainer.average
        network = self.trainer.with_updated_statistics() if alone else (average or self.trainer.objective).network
        return shown_with(network, self.source).swap(source, target)


def shown_with(network: nn.Module, source: PoseSource | None) -> Any:
    """Something that swaps pictures alone: a pose-guided network with its pose source, or the network itself."""
    if not isinstance(network, PoseGuided):
        return network.eval()
    if source is None or source.name == "joints":
        source = pose_source("teacher", device=device_of(network))
    return Posed(network.eval(), source)


def _poses(source: PoseSource | None) -> dict[str, Any]:
    return {} if source is None else {"poses_of": f"{source.name}[{source.sha256[:8]}]"}


def _card(trainer: RivalTrainer, network: nn.Module, source: PoseSource | None, seconds: float) -> dict[str, Any]:
    config, options = trainer.config, trainer.options
    return {
        "what": f"{trainer.method.title}, preset {config.preset}: the network that draws swaps"
        + ("; averaged weights" if options.ema else ""),
        "config": plain(config),
        "rival": plain(options),
        "seed": config.seed,
        "steps": trainer.step,
        "data": trainer.people.fingerprint,
        "people": trainer.batches.people,
        "triplets": trainer.step * options.batch,
        "hours": round(seconds / 3600, 3),
        **_poses(source),
        "parameters": {
            "network": sum(p.numel() for p in network.parameters()),
            "trained": sum(p.numel() for each in trainer.optimisers.values() for g in each.param_groups
                           for p in g["params"]),
        },
        "precision": trainer.precision,
        **trainer.kernels,
        **environment(trainer.device),
    }  # fmt: skip
