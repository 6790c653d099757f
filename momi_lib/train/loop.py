"""The training loop: networks, optimisers, average, and the steps between two checkpoints.

It prints nothing and draws nothing: whoever wants to see, passes a callback. The same loop runs on a CPU, on one
GPU and, started by ``accelerate launch`` or ``torchrun``, on many.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal, TypeVar, cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from momi_lib import losses
from momi_lib.arguments import check_has, check_tensor, told
from momi_lib.data import People
from momi_lib.data.body_maps import load_any_poses, load_body_labels
from momi_lib.devices import fast_kernels, kernels_of
from momi_lib.features import feature_network
from momi_lib.pose import TeacherMaps
from momi_lib.train.batches import Batch, Batches
from momi_lib.train.body_task import BodyTask
from momi_lib.train.carry_objective import CarryObjective
from momi_lib.train.config import PROGRESS, TrainConfig
from momi_lib.train.ema import ModelEMA
from momi_lib.train.initialise import committed_body_maps, initialise_from
from momi_lib.train.loss_record import Guard, Losses
from momi_lib.train.objective import Drawn, Objective
from momi_lib.train.processes import all_reduce_gradients, device_of_process, mean_over, meet_on_cpu, time_is_up
from momi_lib.train.randomness import seeded
from momi_lib.translate import CarryNet, MomiNet, PairDiscriminator, network_of
from momi_lib.translate.blocks import initialise

Stage = Literal["student", "body", "whole"]
Callback = Callable[["Trainer", Losses], None]
M = TypeVar("M", bound=nn.Module)


def one_cycle(done: float) -> float:
    """Factor of a learning rate over a stage, ``done`` from 0 to 1: up to 1 in a tenth of it, then to 0, by cosines.

    >>> [round(one_cycle(done), 2) for done in (0.0, 0.1, 0.55, 1.0)]
    [0.04, 1.0, 0.5, 0.0]
    """
    if done < 0.1:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * done / 0.1)) / 2
    return (1 + math.cos(math.pi * (done - 0.1) / 0.9)) / 2


class Trainer:
    """Everything that changes during training.

    Args:
        config: the run.
        people: training pictures.
        maps: the teacher's maps of them (N, 17, h', w'): all of :func:`momi_lib.pose.teacher_maps`, or
            :class:`momi_lib.pose.TeacherMaps`, which makes those of a batch when they are first needed.

    Attributes:
        step: finished steps, the warm-up's included.
        network, average: the trained network and its moving average.
        last: batch and drawn pictures of the last step, for grids.
        guard: keeps a loss that is no number from the weights.
        kernels: what was chosen for the device, see :func:`momi_lib.devices.fast_kernels`.

    Source: MOMI-Net section on training; notebook 07 runs it live.
    """

    def __init__(self, config: TrainConfig, people: People, maps: Tensor | TeacherMaps) -> None:
        if not isinstance(config, TrainConfig):
            raise TypeError(f"config: expected a TrainConfig, as preset(name) gives it, got {told(config)}")
        check_has("people", people, "People, as momi_lib.data.load gives them", "pictures", "persons", "to")
        if not isinstance(maps, TeacherMaps):
            sizes = {"N": (len(people.pictures), "people")}
            check_tensor("maps", maps, "N 17 h w", "the teacher's maps", sizes=sizes)
        self.config = config
        self.accelerator = Accelerator(cpu=meet_on_cpu(config.device))
        self.device = device_of_process(self.accelerator, config.device)
        self.precision = "bf16" if config.in_bf16(self.device) else "fp32"
        self.kernels = kernels_of(self.device)
        # Looking at a number costs nothing on a processor; a GPU has to be waited for.
        self.guard = Guard(self.device, 1 if self.device.type == "cpu" else config.log.every)
        self.step = 0
        self.last: tuple[Batch, Drawn] | None = None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = network_of(config.network)
            discriminator = PairDiscriminator(config.loss.discriminator, config.loss.discriminator_norm)
            initialise(discriminator)
        if config.init.start is not None:
            initialise_from(network, config.init.start, config.init.parts)
        if config.init.student is not None:
            initialise_from(network, config.init.student, "student", "init.student")
        if isinstance(network, CarryNet) and config.body_labels == "committed":
            committed_body_maps(network)
        self.perceptual = self._perceptual()
        self.network, self.discriminator = self._place(network), self._place(discriminator)
        self.average = ModelEMA(self.network, config.optim.ema)
        self.objective: Objective[MomiNet] | CarryObjective
        if isinstance(self.network, CarryNet):
            self.objective = CarryObjective(self.network, self.discriminator, self.perceptual, config)
        else:
            self.objective = Objective(self.network, self.discriminator, self.perceptual, config)
        self.batches = Batches(
            people.to(self.device),
            maps.to(self.device),
            config.batch,
            seed=config.seed,
            mirror=config.augment.mirror,
            same_camera=config.augment.same_camera,
            jitter=config.augment.jitter,
            rank=self.accelerator.process_index,
            world=self.accelerator.num_processes,
        )
        earlier = ((config.distil_steps, config.distil_batch), (config.body_steps, config.body_batch))
        self.batches.check(*(size for steps, size in earlier if steps))
        self.body_task: BodyTask | None = None
        if isinstance(self.objective, CarryObjective):
            self.body_task = self.objective.task = self._body_task()
        translation = [p for part in self.network.translation() for p in part.parameters()]
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "student": self._adam(self.network.student.parameters(), config.optim.student_learning_rate),
            "translation": self._adam(translation, config.optim.learning_rate),
            "discriminator": self._adam(self.discriminator.parameters(), config.optim.discriminator_learning_rate),
        }
        if isinstance(self.network, CarryNet):
            learning, rate = self.network.body_maps.parameters(), config.optim.body_learning_rate
            self.optimisers["body"] = torch.optim.AdamW(learning, rate, (0.9, 0.99), weight_decay=1e-4, foreach=True)
        if config.compile:
            self._compile()

    def _perceptual(self) -> losses.Perceptual | None:
        name, weights = self.config.loss.perceptual, self.config.loss.perceptual_weights
        if name == "none":
            return None
        try:
            features = feature_network(name, weights)
        except (FileNotFoundError, RuntimeError) as error:
            if weights is not None:
                raise type(error)(f"loss.perceptual_weights: {error}") from error
            other = "mannequin" if name == "vgg19" else "random"  # of which nothing needs to be downloaded
            raise type(error)(f"{error}; or choose --loss.perceptual {other}") from error
        return self._place(losses.Perceptual(features, blocks=self.config.loss.perceptual_blocks))

    def _place(self, part: M) -> M:
        if self.accelerator.num_processes > 1 and self.device.type == "cuda":
            part = cast(M, nn.SyncBatchNorm.convert_sync_batchnorm(part))
        memory_format = torch.channels_last if self.config.channels_last else torch.contiguous_format
        return part.to(self.device).to(memory_format=memory_format)

    def _adam(self, parameters: Any, rate: float) -> torch.optim.Adam:
        betas = self.config.optim.betas
        # Not fused: fused, Adam walks weight and gradient in the order of memory, and gets it wrong where one is
        # channels-last and the other is not, which happens when several processes share gradients.
        return torch.optim.Adam(list(parameters), rate, betas=betas, foreach=True)

    def _compile(self) -> None:
        """Compile part by part, in place: names in checkpoints stay the same."""
        maps = self.network.body_maps.children() if isinstance(self.network, CarryNet) else ()
        for part in (self.network.student, *self.network.translation(), *maps, self.perceptual):
            if part is not None:
                part.compile()
        if self.config.network.carry:  # it stops on the way, between the halves of E_a and before G's last layer
            encoder, generator = self.network.appearance_encoder, self.network.generator
            for part, name in ((encoder, "halved"), (encoder, "encode_halved"), (generator, "features")):
                setattr(part, name, torch.compile(getattr(part, name)))
        if not self.config.loss.penalty:  # a gradient penalty needs double backward, which compiled code lacks
            self.discriminator.compile()

    def _body_task(self) -> BodyTask | None:
        """What the body maps learn from, and bodies in any pose; None where nothing asks for them."""
        config, people = self.config, self.batches.people
        if config.body_labels == "committed" or not (config.body_steps or config.augment.any_pose):
            return None
        try:
            labels = load_body_labels(people.folder, people.split, people.files)
            bodies = load_any_poses(people.folder)
        except FileNotFoundError as error:
            if config.body_steps:
                raise
            raise FileNotFoundError(
                "augment.any_pose: the maps are trained already, but a share of x⁻ in any pose needs bodies. "
                f"{error} Or take --augment.any-pose 0."
            ) from error
        rng = torch.Generator(device=self.device)
        sigma = self.network.sigma
        return BodyTask(people, labels.to(self.device), bodies.to(self.device), config.network.size, sigma, rng)

    def _numbered(self, step: int) -> int:
        """A seed of its own for each step and process, so that nothing of it need be kept in a checkpoint.

        Below 2³², because more is not looked at on a CPU.
        """
        own = step * self.accelerator.num_processes + self.accelerator.process_index
        return (self.config.seed * 1_000_003 + own) % 2**32

    @property
    def before(self) -> int:
        """Steps before the whole network learns: the warm-up and the body maps' stage."""
        return self.config.distil_steps + self.config.body_steps

    @property
    def steps(self) -> int:
        """Length of the whole run, all stages included."""
        return self.before + self.config.steps

    @property
    def stage(self) -> Stage:
        """What the next step trains: the ``"student"``, the ``"body"`` maps, or the ``"whole"`` network."""
        if self.step < self.config.distil_steps:
            return "student"
        return "body" if self.step < self.before else "whole"

    @property
    def _student_knows(self) -> bool:
        """Whether F_p is distilled already: by a warm-up that is over, or before this run."""
        begun = self.config.distil_steps or self.config.init.start or self.config.init.student
        return bool(begun) and self.step >= self.config.distil_steps

    def rate(self) -> float:
        """Factor of all learning rates at this step: 1, then linearly to 0 from ``decay_from`` on."""
        done = max(0, self.step - self.before) / self.config.steps
        start = self.config.optim.decay_from
        return 1.0 if done <= start else max(0.0, (1 - done) / (1 - start))

    @contextmanager
    def _autocast(self) -> Iterator[None]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            yield

    def _seeded(self) -> AbstractContextManager:
        """What a step leaves to chance inside the network: nothing, but for the blocks with dropout."""
        if self.config.network.attention_block != "pat":
            return nullcontext()
        return seeded(self.device, self.config.seed, self.step, self.accelerator.process_index)

    def train_step(self) -> Losses:
        """One step: draw, improve F_p, E, φ and G, improve D, move the average.

        Returns:
            the losses, which are read back from the device when somebody looks.

        Raises:
            TrainingDiverged: for a loss that is no number, before it reaches the weights; on a GPU up to ``log.every``
                steps later, in which the weights got no new gradients.
        """
        with fast_kernels(self.device):
            return self._train_step(self.stage)

    def _train_step(self, stage: Stage) -> Losses:
        self.network.train()
        if self._student_knows:
            # After the warm-up the student keeps its batch statistics: those of small batches would show G other
            # landmarks in training than in use, and spoil a well-distilled student within a few hundred steps.
            self.network.student.eval()
        if isinstance(self.network, CarryNet):  # after their stage the maps stay as they are, and need no gradients
            self.network.body_maps.train(stage == "body").requires_grad_(stage == "body")
        if self.body_task is not None:
            self.body_task.begin(self._numbered(self.step), self._body_done)
        batch = self.batches.draw(
            self._batch_size(stage),
            moved=stage == "student" and self.config.augment.distil_moved,
            taught=stage == "student" or not self.config.network.carry,
        )
        drawn = None
        with self._autocast(), self._seeded():
            if stage == "student":
                terms = self.objective.distil(batch)
            elif stage == "body":
                assert isinstance(self.objective, CarryObjective)  # TrainConfig refuses the stage without body maps
                terms = self.objective.body(batch)
            else:
                terms, drawn = self.objective.generator(batch)
        values = self._watched(terms)
        self._optimiser_step(terms["total"], self._learning(stage))
        if drawn is not None:
            self.last = (batch, Drawn(*(picture.detach() for picture in drawn)))
            if self.config.loss.weights.adversarial:
                with self._autocast():
                    terms = self.objective.discriminate(batch, drawn)
                values = values.joined(self._watched(terms))
                self._optimiser_step(losses.added(terms.values()), ["discriminator"])
        self.average.update(self.network)
        self.step += 1
        if self.config.network.carry and self.stage != stage:
            self.average.restart(self.network)  # what the stage taught is there at once, and not in a thousand steps
        if self._is_due(self.stage != stage):
            self.guard.ask()
        return values

    def _is_due(self, stage_is_over: bool) -> bool:
        """Whether something of this step is kept or shown, and so has to be good; alike in all processes."""
        pace = self.config.log
        kept = (pace.every, pace.grid_every, pace.checkpoint_every)
        progress = self.step - self.before in PROGRESS
        return stage_is_over or progress or self.step == self.steps or any(self.step % each == 0 for each in kept)

    @property
    def _body_done(self) -> float:
        """Which share of the body maps' stage is over."""
        return (self.step - self.config.distil_steps) / max(1, self.config.body_steps)

    def _batch_size(self, stage: Stage) -> int | None:
        return {"student": self.config.distil_batch, "body": self.config.body_batch}.get(stage)

    def _learning(self, stage: Stage) -> list[str]:
        """Names of the optimisers of a stage."""
        if stage != "whole":
            return [stage]
        return ["translation"] if self.config.network.carry else ["student", "translation"]

    def _watched(self, terms: dict[str, Tensor]) -> Losses:
        stacked = torch.stack([term.detach().float() for term in terms.values()])
        # The mean over processes: with equal shares it is the loss of the global batch, and all of them stop together.
        values = Losses(tuple(terms), mean_over(self.accelerator, stacked))
        self.guard.watch(values, self.step + 1)
        return values

    def _base_rate(self, name: str) -> float:
        if name == "discriminator":
            return self.config.optim.discriminator_learning_rate
        if name == "translation":
            return self.config.optim.learning_rate
        if name == "body":
            return self.config.optim.body_learning_rate * one_cycle(self._body_done)
        after = self.config.optim.student_rate_after
        if self._student_knows:
            return self.config.optim.student_learning_rate * after
        if not self.config.distil_steps:  # the paper's way: F_p learns beside the others, from the first step on
            return self.config.optim.student_learning_rate
        # The second half of the warm-up leads there: the averaged weights of a student at its full rate are noisier.
        left = 2 * (1 - self.step / self.config.distil_steps)
        return self.config.optim.student_learning_rate * (after + (1 - after) * min(1.0, left))

    def _optimiser_step(self, loss: Tensor, names: list[str]) -> None:
        for name in names:
            self.optimisers[name].zero_grad(set_to_none=True)
        loss.backward()
        for name in names:
            optimiser = self.optimisers[name]
            parameters = [p for group in optimiser.param_groups for p in group["params"]]
            all_reduce_gradients(self.accelerator, parameters)
            self.guard.hold_back(parameters)
            for group in optimiser.param_groups:
                group["lr"] = self._base_rate(name) * self.rate()
            optimiser.step()

    def run(
        self, until: int | None = None, *, minutes: float | None = None, callbacks: tuple[Callback, ...] = ()
    ) -> Mapping[str, float]:
        """Train up to step ``until`` (the end of the run by default) or for ``minutes``, whichever is first.

        With several processes the first one's clock counts, and all of them stop after the same step. Each callback is
        called after each step with the trainer and the losses. Returns the last losses.
        """
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
    def with_updated_statistics(self, batches: int = 16) -> MomiNet:
        """A copy of the averaged network whose batch norms have the statistics of its own activations.

        Those of the trained network do not fit averaged weights: pictures come out grey. With several processes all
        of them must call this.
        """
        network = copy.deepcopy(self.average.network)
        norms = [m for part in network.translation() for m in part.modules() if isinstance(m, _BatchNorm)]
        if norms:
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # the plain mean over all batches
                norm.train()
            draws = Batches(
                self.batches.people, None, self.config.batch, seed=self.config.seed + 2,
                rank=self.accelerator.process_index, world=self.accelerator.num_processes,
            )  # fmt: skip
            for _ in range(batches):
                network.rehearse(*draws.draw()[:3])
        return network.eval()

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on.

        Raises:
            TrainingDiverged: where a loss has been no number since the device was last asked.
        """
        self.guard.ask()
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "batches": self.batches.state_dict(),
            "random": torch.get_rng_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken, bit by bit on the CPU."""
        self.guard.reset()
        self.network.load_state_dict(state["network"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average.load_state_dict(state["average"])
        for name, optimiser in self.optimisers.items():
            betas = [group["betas"] for group in optimiser.param_groups]
            optimiser.load_state_dict(state["optimisers"][name])
            for group, asked in zip(optimiser.param_groups, betas, strict=True):
                group["betas"] = asked  # what this run's config says, as with the learning rate
        self.batches.load_state_dict(state["batches"])
        torch.set_rng_state(state["random"])
        self.step = state["step"]
