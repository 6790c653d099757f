"""What DG-Net's parts minimise, and in which order they learn."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from momi_lib import losses
from momi_lib.rivals.base import Phase, RivalBatch, RivalObjective
from momi_lib.rivals.dg_net.config import DgNetConfig
from momi_lib.rivals.dg_net.discriminator import MultiScaleDiscriminator
from momi_lib.rivals.dg_net.identity import IdentityHead, IdentityTeacher, erased, load_resnet50, shifted
from momi_lib.rivals.dg_net.networks import DgNet, Drawn

M = TypeVar("M", bound=nn.Module)
#: Names of the losses of a generator's step; those whose weight has not grown yet are 0.
TERMS = ("self", "same", "adversarial", "identity", "positive", "cross", "structure_code", "appearance_code", "cycle",
         "teacher", "structure_identity")  # fmt: skip


class DgNetObjective(RivalObjective):
    """Everything of DG-Net that learns.

    In the first share of the run, ``teacher_share``, only the teacher learns to tell the people of the real pictures
    apart (optimiser ``"teacher"``). It is then frozen, and a step has two phases on the same five drawings: x and x⁻
    from their own codes, each with the other's appearance, and x with the appearance of x⁺. First D learns
    (``"discriminator"``), then E_s, MLPs and G (``"generator"``) together with E_a and its heads (``"appearance"``).

    E_a learns nothing from how well something is drawn: codes are detached, and what classifies drawings for G's sake
    is a copy of E_a. It learns from the people of real pictures and, from ``ramp_from`` on, from the teacher's opinion
    of detached drawings.

    All L1 distances are of pictures with ImageNet's mean and deviation, where they are about 2.2 times as large as in
    [-1, 1]. As in the original, the losses of x and of x⁻ are added, not averaged.

    Args:
        network: what draws swaps.
        config: its options.
        people: number of identities among the training pictures.

    Raises:
        ValueError: for fewer than two people; from :meth:`phases` for labels that do not fit.

    Source: Zheng et al. 2019 and its official repository, see :mod:`momi_lib.rivals.dg_net`.

    >>> from momi_lib.rivals.dg_net import PRESETS
    >>> objective = DgNetObjective(DgNet(PRESETS["small"]), PRESETS["small"], people=3)
    >>> sorted(objective.optimisers())
    ['appearance', 'discriminator', 'generator', 'teacher']
    >>> objective.config.teacher_share, objective.config.ramp_from, objective.config.ramp_share
    (0.25, 0.3, 0.02)
    >>> [round(objective.ramp(done, top=2.0), 3) for done in (0.2, 0.475, 0.4825, 0.505, 0.9)]
    [0.0, 0.0, 0.5, 2.0, 2.0]
    """

    network: DgNet
    config: DgNetConfig
    taught: Tensor

    def __init__(self, network: DgNet, config: DgNetConfig, people: int) -> None:
        if people < 2:
            raise ValueError(
                f"people: DG-Net learns to tell people apart and needs at least 2 among the training pictures, got "
                f"{people}; take data with labels of identity"
            )
        super().__init__(network, config, people)
        self.heads = nn.ModuleList(IdentityHead(config.code, config.head, people, d) for d in config.dropouts)
        self.discriminator = MultiScaleDiscriminator(config)
        self.teacher = IdentityTeacher(config, people)
        if config.backbone_weights:
            for encoder in (network.appearance_encoder, self.teacher.encoder):
                load_resnet50(encoder.backbone, config.backbone_weights)
        # Copies judge drawings and hand gradients to G; they are made anew in each step.
        self.encoder_copy = copy.deepcopy(network.appearance_encoder).requires_grad_(False)
        self.head_copy = copy.deepcopy(self.heads[0]).requires_grad_(False)
        self.structure_copy = copy.deepcopy(network.structure_encoder).requires_grad_(False)
        self.register_buffer("taught", torch.zeros((), dtype=torch.bool))
        self._begun = False  # what `taught` says, so that a GPU need not be asked in every step

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """``"generator"`` and ``"discriminator"`` (Adam), ``"appearance"`` and ``"teacher"`` (gradient descent)."""
        c, network = self.config, self.network
        parts = network.structure_encoder, network.affines, network.decoder
        drawing = [parameter for part in parts for parameter in part.parameters()]

        def adam(parameters: list[nn.Parameter], rate: float) -> torch.optim.Optimizer:
            return torch.optim.Adam(parameters, rate, betas=(0.0, 0.999), weight_decay=c.weight_decay, foreach=True)

        def descent(encoder: nn.Module, *heads: nn.Module) -> torch.optim.Optimizer:
            groups = [
                {"params": list(encoder.parameters())},
                {"params": [p for h in heads for p in h.parameters()], "lr": c.head_rate * c.identity_learning_rate},
            ]
            rate, decay = c.identity_learning_rate, c.weight_decay
            return torch.optim.SGD(groups, rate, momentum=0.9, nesterov=True, weight_decay=decay, foreach=True)

        return {
            "generator": adam(drawing, c.learning_rate),
            "discriminator": adam(list(self.discriminator.parameters()), c.discriminator_learning_rate),
            "appearance": descent(network.appearance_encoder, *self.heads),
            "teacher": descent(self.teacher.encoder, self.teacher.head),
        }

    def progress(self, done: float) -> float:
        """Share of the run without the teacher's share: 0 while the teacher learns, and 1 at the end."""
        return max(0.0, (done - self.config.teacher_share) / (1 - self.config.teacher_share))

    def ramp(self, done: float, top: float) -> float:
        """A weight that grows from 0 to ``top`` after ``ramp_from``, by 1 in each ``ramp_share``."""
        return min(top, max(0.0, (self.progress(done) - self.config.ramp_from) / self.config.ramp_share))

    def rate(self, name: str, done: float) -> float:
        """A tenth after each of ``decay_at``; the teacher's is a tenth in the last third of its share."""
        if name == "teacher":
            return 1.0 if done < 2 / 3 * self.config.teacher_share else 0.1
        progress = self.progress(done)
        return 0.1 ** sum(progress >= at for at in self.config.decay_at)

    def phases(self, batch: RivalBatch, done: float) -> Iterator[Phase]:
        """The teacher's step, or D's and then the generator's together with E_a's."""
        c = self.config
        self._check(batch)
        source, positive, negative = (
            shifted(self.network.normalised(pictures), c.crop)
            for pictures in (batch.source, batch.positive, batch.negative)
        )
        if done < c.teacher_share:
            yield Phase(("teacher",), self._teach(torch.cat([source, negative, positive]), batch.persons))
            return
        self._begin()
        drawn = self.network.drawn(source, positive, negative, frozen=bool(c.erasing))
        real = torch.cat([source, negative])
        if c.adversarial_weight:
            yield Phase(("discriminator",), self._discriminate(real, drawn.crossed))
        terms = {name: real.new_zeros(()) for name in TERMS}
        terms |= self._drawings(real, drawn)
        terms |= self._people(torch.cat([real, positive]), drawn, batch.persons, done)
        terms |= self._found_again(real, drawn, batch.persons, done)
        terms["total"] = losses.added(terms.values())
        yield Phase(("generator", "appearance"), terms)

    def _teach(self, pictures: Tensor, persons: Tensor) -> dict[str, Tensor]:
        """Cross entropy of the teacher on real pictures of x, x⁻ and x⁺."""
        self._begun = False
        self.teacher.train().requires_grad_(True)
        logits = self.teacher(erased(pictures, self.config.erasing)).float()
        loss = functional.cross_entropy(logits, torch.cat([persons.flatten(), persons[0]]))
        return {"teacher_identity": loss, "total": loss}

    def _begin(self) -> None:
        """Freeze the teacher, and let E_a begin with its backbone, if that is asked for."""
        if self._begun:
            return
        if not self.taught:
            if self.config.appearance_from_teacher:
                self.network.appearance_encoder.load_state_dict(self.teacher.encoder.state_dict())
            self.taught.fill_(True)
        self.teacher.requires_grad_(False).zero_grad(set_to_none=True)
        self._begun = True

    def _discriminate(self, real: Tensor, crossed: Tensor) -> dict[str, Tensor]:
        """Least squares of all scales, and the squared norm of the gradient at real pictures."""
        weight = self.config.penalty
        real = real.detach().requires_grad_(bool(weight))
        reals, fakes = self.discriminator(real), self.discriminator(crossed.detach())
        loss = losses.added(
            2 * losses.discriminator_loss(ours.float(), [theirs.float()], "least-squares")
            for ours, theirs in zip(reals, fakes, strict=True)
        )
        terms = {"discriminator": loss}
        if weight:  # gradient_penalty has a factor of one half, and is a mean over x and x⁻ together
            terms["penalty"] = 4 * weight * losses.added(losses.gradient_penalty(v.float(), [real]) for v in reals)
        return {**terms, "total": losses.added(terms.values())}

    def _drawings(self, real: Tensor, drawn: Drawn) -> dict[str, Tensor]:
        """L1 of what is known, and D's verdict on what is not."""
        c, count = self.config, len(drawn.same)
        terms = {
            "self": 2 * c.self_weight * functional.l1_loss(drawn.own, real),
            "same": c.same_weight * functional.l1_loss(drawn.same, real[:count]),
        }
        if c.adversarial_weight:
            self.discriminator.requires_grad_(False)  # it judges, and must not learn from the generator's side
            verdicts = self.discriminator(drawn.crossed)
            self.discriminator.requires_grad_(True)
            terms["adversarial"] = losses.added(
                4 * c.adversarial_weight * losses.generator_loss([v.float()], "least-squares") for v in verdicts
            )
        return terms

    def _people(self, pictures: Tensor, drawn: Drawn, persons: Tensor, done: float) -> dict[str, Tensor]:
        """What E_a and its heads learn: from real x, x⁻ and x⁺, and from the teacher's opinion of detached drawings."""
        c, encoder, own = self.config, self.network.appearance_encoder, persons.flatten()
        features = encoder(erased(pictures, c.erasing)) if c.erasing else drawn.features
        whole = encoder.whole(features)
        logits = self.heads[0](whole).float()
        terms = {
            "identity": 2 * c.identity_weight * functional.cross_entropy(logits[: len(own)], own),
            "positive": c.positive_weight * functional.cross_entropy(logits[len(own) :], persons[0]),
        }
        weight = self.ramp(done, c.teacher_weight)
        if weight:
            crossed = drawn.crossed.detach()
            wanted = _judging(self.teacher).soft_labels(crossed)
            whole_crossed = encoder.whole(encoder(crossed))
            said = self.heads[0](whole_crossed).float().log_softmax(1)
            terms["teacher"] = 2 * weight * functional.kl_div(said, wanted, reduction="batchmean")
            # The picture's structure is of x, then of x⁻, as in `own`; the second head is also taught on x and x⁻.
            guesses = self.heads[1](whole_crossed), self.heads[1](whole[: len(own)])
            wrong = losses.added(functional.cross_entropy(guess.float(), own) for guess in guesses)
            terms["structure_identity"] = 2 * weight * c.structure_weight * wrong
        return terms

    def _found_again(self, real: Tensor, drawn: Drawn, persons: Tensor, done: float) -> dict[str, Tensor]:
        """Whether drawings show the person of their appearance, their codes found again, and x and x⁻ drawn back."""
        c, network, count = self.config, self.network, len(drawn.same)
        encoder = _judging(_renewed(self.encoder_copy, network.appearance_encoder))
        head = _judging(_renewed(self.head_copy, self.heads[0]))
        features = encoder(drawn.crossed)
        logits = head(encoder.whole(features)).float()
        # The appearance of the first half is that of x⁻.
        wrong = functional.cross_entropy(logits, persons.flip(0).flatten())
        terms = {"cross": 2 * c.cross_weight * wrong}
        codes_weight, cycle_weight = (self.ramp(done, top) for top in (c.codes_weight, c.cycle_weight))
        if not codes_weight and not cycle_weight:
            return terms
        codes = encoder.stripes(features).detach().roll(count, 0)  # of x, then of x⁻
        if torch.rand(()) < c.live_share:
            structure = network.structure_encoder(drawn.crossed.detach())
        else:
            structure = _judging(_renewed(self.structure_copy, network.structure_encoder))(drawn.crossed)
        wanted, known = drawn.structure.detach().float(), drawn.codes[: len(codes)].float()
        terms["structure_code"] = 2 * codes_weight * functional.l1_loss(structure.float(), wanted)
        terms["appearance_code"] = 2 * codes_weight * functional.l1_loss(codes.float(), known)
        back = network.decoder(structure, *network.affines(codes))
        terms["cycle"] = 2 * cycle_weight * functional.l1_loss(back, real)
        return terms

    def _check(self, batch: RivalBatch) -> None:
        persons, count = batch.persons, len(batch.source)
        fits = tuple(persons.shape) == (2, count) and not persons.is_floating_point()
        if fits and persons.device.type == "cpu":  # a GPU would have to be waited for
            fits = bool(((persons >= 0) & (persons < self.people)).all())
        if not fits:
            raise ValueError(
                f"persons: expected classes (2, {count}) from 0 to {self.people - 1} of the people of x and x⁻, got "
                f"{tuple(persons.shape)} {persons.dtype} from {persons.min()} to {persons.max()}"
            )


def _renewed(copied: M, network: M) -> M:
    """The copy, with the weights and statistics that the network has now."""
    copied.load_state_dict(network.state_dict())
    return copied


def _judging(network: M) -> M:
    """The network without dropout; its batch norms use the statistics of the batch, as in the original's judges."""
    network.eval()
    for part in network.modules():
        if isinstance(part, _BatchNorm):
            part.train()
    return network
