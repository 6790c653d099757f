"""The training loop of all rivals: the phases of a step, each with its optimisers, and what a checkpoint holds.

It prints nothing and draws nothing; whoever wants to see, passes a callback. It runs on a CPU, on one GPU and, started
by ``accelerate launch`` or ``torchrun``, on many.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from momi_lib.data import People
from momi_lib.devices import fast_kernels, kernels_of
from momi_lib.rivals.base import Landmarks, PoseGuided, RivalBatch, RivalObjective
from momi_lib.rivals.batches import PeoplePoses, RivalBatches
from momi_lib.rivals.methods import method
from momi_lib.rivals.run_config import RivalRunConfig
from momi_lib.train.ema import ModelEMA
from momi_lib.train.loss_record import Guard, Losses
from momi_lib.train.processes import all_reduce_gradients, device_of_process, mean_over, meet_on_cpu, time_is_up
from momi_lib.train.randomness import seeded

Callback = Callable[["RivalTrainer", Losses], None]


class RivalTrainer:
    """Everything that changes while a rival learns.

    Args:
        config: the run.
        people: training pictures.
        poses: of all of them: landmarks (N, 17, 2) and (N, 17), or :class:`~momi_lib.rivals.batches.PeoplePoses`;
            ``None`` only for a method that needs none.

    Attributes:
        step: finished steps.
        objective: networks and losses.
        average: moving average of the network that draws swaps; ``None`` where ``ema`` is 0.

    Raises:
        ValueError: for a pose-guided method without poses, people without pairs, or a batch that the processes cannot
            share.
    """

    def __init__(self, config: RivalRunConfig, people: People, poses: Landmarks | PeoplePoses | None) -> None:
        self.config, self.options, self.method = config, config.rival, method(config.method)
        if poses is None and self.method.needs:
            raise ValueError(
                f"{self.method.name}: needs the poses of the pictures, got none; take --poses teacher, student or "
                "joints"
            )
        self.accelerator = Accelerator(cpu=meet_on_cpu(config.device))
        self.device = device_of_process(self.accelerator, config.device)
        self.precision = "bf16" if config.in_bf16(self.device) else "fp32"
        self.kernels = kernels_of(self.device)
        self.guard = Guard(self.device, 1 if self.device.type == "cpu" else config.log.every)
        self.step = 0
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        self._draws = {"mirror": self.options.mirror, "same_camera": config.same_camera, "rank": rank, "world": world}
        people, guided = people.to(self.device), bool(self.method.needs)
        self.people, self.poses = people, poses if guided else None
        self.batches = RivalBatches(people, self.poses, self.options.batch, seed=config.seed, **self._draws)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = self.method.network(self.options)
            objective = self.method.objective(network, self.options, self.batches.people)
        if world > 1 and self.device.type == "cuda":
            objective = cast(RivalObjective, nn.SyncBatchNorm.convert_sync_batchnorm(objective))
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.objective: RivalObjective = objective.to(self.device).to(memory_format=layout)
        self.average = ModelEMA(self.objective.network, self.options.ema) if self.options.ema else None
        self.optimisers = self.objective.optimisers()
        self._full = {name: [g["lr"] for g in each.param_groups] for name, each in self.optimisers.items()}

    @property
    def network(self) -> nn.Module:
        """The network that draws swaps, as it learns."""
        return self.objective.network

    @property
    def steps(self) -> int:
        """Length of the run."""
        return self.options.steps

    @property
    def before(self) -> int:
        """Steps before the whole network learns: a rival has no such stage."""
        return 0

    def rate(self) -> float:
        """Factor of the first optimiser's learning rates at this step, for the log."""
        return self.objective.rate(next(iter(self.optimisers)), min(self.step, self.steps - 1) / self.steps)

    def train_step(self) -> Losses:
        """One step: all its phases on one batch.

        Returns:
            the losses, which are read back from the device when somebody looks.

        Raises:
            TrainingDiverged: for a loss that is not finite, before it reaches the weights; on a GPU up to
                ``log.every`` steps later, in which the weights got no new gradients.
        """
        self.objective.train()
        batch = self.batches.draw()
        values: Losses | None = None
        with fast_kernels(self.device), seeded(self.device, self.config.seed, self.step, self._draws["rank"]):
            phases = self.objective.phases(batch, self.step / self.steps)
            while (phase := self._next(phases)) is not None:
                found = self._watched({self._name(name, phase.optimisers): t for name, t in phase.terms.items()})
                values = found if values is None else values.joined(found)
                self._improve(phase.terms["total"], phase.optimisers)
        assert values is not None  # a step without a phase would learn nothing
        if self.average is not None:
            self.average.update(self.network)
        self.step += 1
        if self.step == self.steps or any(self.step % n == 0 for n in self._pace):
            self.guard.ask()
        return values

    @property
    def _pace(self) -> tuple[int, ...]:
        return self.config.log.every, self.config.log.grid_every, self.config.log.checkpoint_every

    def _next(self, phases: Any) -> Any:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            return next(phases, None)

    @staticmethod
    def _name(term: str, optimisers: tuple[str, ...]) -> str:
        return f"{'+'.join(optimisers)} total" if term == "total" else term

    def _watched(self, terms: Mapping[str, torch.Tensor]) -> Losses:
        stacked = torch.stack([term.detach().float() for term in terms.values()])
        losses = Losses(tuple(terms), mean_over(self.accelerator, stacked))
        self.guard.watch(losses, self.step + 1)
        return losses

    def _improve(self, loss: torch.Tensor, names: tuple[str, ...]) -> None:
        for name in names:
            self.optimisers[name].zero_grad(set_to_none=True)
        loss.backward()
        for name in names:
            optimiser = self.optimisers[name]
            parameters = [p for group in optimiser.param_groups for p in group["params"]]
            all_reduce_gradients(self.accelerator, parameters)
            self.guard.hold_back(parameters)
            factor = self.objective.rate(name, self.step / self.steps)
            for group, full in zip(optimiser.param_groups, self._full[name], strict=True):
                group["lr"] = full * factor
            optimiser.step()

    def run(
        self, until: int | None = None, *, minutes: float | None = None, callbacks: tuple[Callback, ...] = ()
    ) -> Mapping[str, float]:
        """Train up to step ``until`` (the end by default) or for ``minutes``, whichever is first; the last losses."""
        until = self.steps if until is None else min(until, self.steps)
        deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
        values: Mapping[str, float] = {}
        while self.step < until and not time_is_up(self.accelerator, deadline, self.device):
            values = self.train_step()
            for callback in callbacks:
                callback(self, values)
        self.guard.ask()
        return values

    @torch.no_grad()
    def with_updated_statistics(self, batches: int = 16) -> nn.Module:
        """A copy of the network (of its moving average, if there is one) for use: batch norms have the mean statistics
        of its own activations over so many batches, and nothing is dropped. All processes must call this."""
        network = copy.deepcopy(self.network if self.average is None else self.average.network).eval()
        norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean over all batches
            norm.train()
        if norms:
            draws = RivalBatches(self.people, self.poses, self.options.batch, seed=self.config.seed + 2, **self._draws)
            for _ in range(batches):
                _rehearse(network, draws.draw())
        return network.eval().requires_grad_(False)

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on.

        Raises:
            TrainingDiverged: where a loss was not finite since the device was last asked.
        """
        self.guard.ask()
        return {
            "step": self.step,
            "objective": self.objective.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "batches": self.batches.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken, bit by bit on the CPU."""
        self.guard.reset()
        self.objective.load_state_dict(state["objective"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.batches.load_state_dict(state["batches"])
        self.step = state["step"]


def _rehearse(network: Any, batch: RivalBatch) -> None:
    """Draw as in training: in its own pose and in that of x⁺, or as the network itself says in ``rehearse``."""
    if hasattr(network, "rehearse"):
        network.rehearse(batch)
    elif isinstance(network, PoseGuided):
        assert batch.poses is not None  # refused before the first step
        network.draw(batch.source, batch.poses[0], batch.poses[1])
    else:
        network.swap(batch.source, batch.positive)
