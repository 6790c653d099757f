"""One step's losses: from a batch through the network to the terms of Eq. 7. It knows no optimiser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib import losses
from momi_lib.patches import limb_patches, limb_points, skeleton_patches
from momi_lib.pose.limbs import limb_masks
from momi_lib.train.batches import Batch
from momi_lib.train.config import TrainConfig
from momi_lib.translate import MomiNet, PairDiscriminator, Pose


class Drawn(NamedTuple):
    """x̂ = G(z_a, z_p), x̂⁺ = G(z_a, z_p⁺) and x̂⁻ = G(z_a, z_p⁻), each (N, 3, H, W) in [-1, 1]."""

    source: Tensor
    positive: Tensor
    negative: Tensor


#: The kind of network: a subclass of Objective may need one of its own.
N = TypeVar("N", bound=MomiNet)


@dataclass
class Objective(Generic[N]):
    """What G's side and D's side of a step minimise.

    Attributes:
        network: F_p, E_p, E_a, φ, G.
        discriminator: D.
        perceptual: Eq. 4's feature term, or ``None``.
        config: weights and options.
    """

    network: N
    discriminator: PairDiscriminator
    perceptual: losses.Perceptual | None
    config: TrainConfig

    def distil(self, batch: Batch) -> dict[str, Tensor]:
        """The warm-up's only loss, Eq. 1."""
        maps = self.network.student(batch.source)
        loss = losses.distillation(maps.float(), batch.wanted, norm=self.config.loss.distil_norm)
        return {"distil": loss, "total": loss}

    def generator(self, batch: Batch) -> tuple[dict[str, Tensor], Drawn]:
        """Eq. 1, 3, 4, 6, the generator's side of 5, and 7; and the three pictures that were drawn."""
        network, config = self.network, self.config
        count = len(batch.source)
        pose = network.pose(batch.source)
        with torch.no_grad():  # F_p learns from x alone; the other two only need their landmarks
            others = network.pose(torch.cat([batch.positive, batch.negative]))
        codes = network.encode_pose(torch.cat([pose.maps, others.maps]))
        appearance = network.encode_appearance(batch.source, codes[:count])
        # One pass through G for all three poses: the appearance is the same, and larger batches are cheaper.
        drawn = Drawn(*network.decode(appearance.repeat(3, 1, 1, 1), codes).float().split(count))

        terms = {"distil": losses.distillation(pose.heatmaps.float(), batch.wanted, norm=config.loss.distil_norm)}
        terms["recon"] = losses.reconstruction(
            batch.source, drawn.source, batch.positive, drawn.positive, self._weights(pose, others, count)
        )
        translate = terms["recon"]
        if self.perceptual is not None and config.loss.weights.perceptual:
            terms["perceptual"] = config.loss.weights.perceptual * self._features(batch, drawn)
            translate = translate + terms["perceptual"]
        terms["patch"] = self._patch(batch, drawn, pose, others)
        terms["adversarial"] = self._adversarial(batch, drawn)
        terms["total"] = losses.total(
            terms["distil"], translate, terms["patch"], terms["adversarial"], config.loss.weights
        )
        if config.loss.pose_consistency:
            terms["consistency"] = config.loss.pose_consistency * self._consistency(drawn, others.heatmaps)
            terms["total"] = terms["total"] + terms["consistency"]
        if config.loss.lookup_guidance:
            terms["guidance"] = config.loss.lookup_guidance * self._guidance(codes, pose, others)
            terms["total"] = terms["total"] + terms["guidance"]
        return terms, drawn

    def _guidance(self, codes: Tensor, pose: Pose, others: Pose) -> Tensor:
        """How little the lookup looks from the landmarks of x⁺ and x⁻, and the limbs between, at those of x."""
        count, size = len(pose.landmarks), self.config.network.size
        codes = self.network.coarse(codes)
        source, seen = limb_points(pose.landmarks, pose.valid)
        target, found = limb_points(others.landmarks, others.valid)
        place = source.new_tensor([size[1] / codes.shape[-1], size[0] / codes.shape[-2]])  # pixels
        source, target = ((points + 0.5) / place - 0.5 for points in (source.repeat(2, 1, 1), target))
        both = (codes[:count].repeat(2, 1, 1, 1).float(), codes[count:].float())
        lookup = self.network.lookup
        assert lookup is not None  # TrainConfig refuses guidance without one
        with torch.autocast(codes.device.type, enabled=False):
            return lookup.negative_log_likelihood(both, (source, target), seen.repeat(2, 1) & found)

    def _consistency(self, drawn: Drawn, wanted: Tensor, counts: Tensor | None = None) -> Tensor:
        """How far F_p's heatmaps of x̂⁺ and x̂⁻ are from those of x⁺ and x⁻; F_p judges and must not learn from it.

        ``counts`` (2N,) says how much each of the pictures counts; without it, each counts 1.
        """
        student = self.network.student
        training = student.training
        student.eval().requires_grad_(False)  # batch norm, too, must not see drawn pictures
        maps = student(torch.cat([drawn.positive, drawn.negative])).float()
        student.train(training).requires_grad_(True)
        away = (maps - wanted.detach().float()).square().mean((1, 2, 3))
        return 2 * (away if counts is None else away * counts).mean()  # a mean over 2N is half the sum of two means

    def _features(self, batch: Batch, drawn: Drawn) -> Tensor:
        """Eq. 4's feature term: of x alone, as the paper has it, or the sum of that and its like for x⁺."""
        assert self.perceptual is not None  # only then this term is asked for
        if self.config.loss.perceptual_on == "source":
            return self.perceptual(batch.source, drawn.source)
        real, fake = torch.cat([batch.source, batch.positive]), torch.cat([drawn.source, drawn.positive])
        return 2 * self.perceptual(real, fake)  # a mean over 2N pictures is half the sum of two

    def _weights(self, pose: Pose, others: Pose, count: int) -> tuple[Tensor, Tensor] | None:
        """How much the pixels of x and x⁺ count in Eq. 3: more on the person, if asked for."""
        if not self.config.loss.pose_mask:
            return None
        size = self.config.network.size
        landmarks = torch.cat([pose.landmarks, others.landmarks[:count]])
        valid = torch.cat([pose.valid, others.valid[:count]])
        half = (size[0] // 2, size[1] // 2)  # a quarter of the time, and a weight need not be sharper
        masks = limb_masks((landmarks + 0.5) / 2 - 0.5, valid, size=half, radius=3.0 * size[0] / 128)
        masks = functional.interpolate(masks, size, mode="nearest")
        first, second = (1 + self.config.loss.pose_mask * masks).split(count)
        return first, second

    def _patch(self, batch: Batch, drawn: Drawn, pose: Pose, others: Pose) -> Tensor:
        config, count = self.config, len(batch.source)
        if not config.loss.weights.patch:
            return batch.source.new_zeros(())
        radius, side = config.loss.patch_radius * config.network.size[0] / 128, config.loss.patch_size
        patches = limb_patches if config.loss.patch_shape == "strip" else skeleton_patches
        real = patches(batch.source, pose.landmarks, pose.valid, radius=radius, size=side)
        landmarks, valid = others.landmarks[count:], others.valid[count:]
        fake = patches(drawn.negative, landmarks, valid, radius=radius, size=side)
        return losses.patch_verification(*real, *fake)

    def _pairs(self, batch: Batch, drawn: Drawn) -> tuple[list[Tensor], list[Tensor]]:
        """First and second pictures of Eq. 5's generated pairs: (x̂, x⁺) and (x, x̂⁺)."""
        return [drawn.source, batch.source], [batch.positive, drawn.positive]

    def _adversarial(self, batch: Batch, drawn: Drawn) -> Tensor:
        config = self.config
        if not config.loss.weights.adversarial:
            return batch.source.new_zeros(())
        first, second = self._pairs(batch, drawn)
        # D is a measure here and must not learn from G's side.
        self.discriminator.requires_grad_(False)
        if config.loss.feature_matching:
            logits, kept = self.discriminator.activations(torch.cat(first), torch.cat(second))
        else:
            logits, kept = self.discriminator(torch.cat(first), torch.cat(second)), []
        fakes = logits.float().chunk(len(first))
        real, matching = None, 0.0
        if config.loss.adversarial == "relativistic" or config.loss.feature_matching:
            with torch.no_grad():
                real, wanted = self.discriminator.activations(batch.source, batch.positive)
                real = real.float()
            if config.loss.feature_matching:
                matching = config.loss.feature_matching * losses.feature_matching(wanted, kept)
        self.discriminator.requires_grad_(True)
        return losses.generator_loss(fakes, config.loss.adversarial, real, config.loss.adversarial_terms) + matching

    def discriminate(self, batch: Batch, drawn: Drawn) -> dict[str, Tensor]:
        """The discriminator's side of Eq. 5 on detached pictures, with its gradient penalty if there is one."""
        config = self.config
        drawn = Drawn(*(picture.detach() for picture in drawn))
        first, second = self._pairs(batch, drawn)
        first, second = [batch.source, *first], [batch.positive, *second]
        inputs = [torch.cat(first), torch.cat(second)]
        if config.loss.penalty:
            inputs = [picture.requires_grad_() for picture in inputs]
        logits = self.discriminator(*inputs).float()
        real, *fakes = logits.chunk(len(first))
        loss = losses.discriminator_loss(real, fakes, config.loss.adversarial, config.loss.adversarial_terms)
        terms = {"discriminator": loss}
        if config.loss.penalty:
            # R1 alone for the separate forms, R1 + R2 where fakes are judged against the real pair. The penalty
            # is a mean over all pairs given to D; times their number it is a sum over real and fake means.
            judged = logits if config.loss.adversarial == "relativistic" else real
            terms["penalty"] = config.loss.penalty * losses.gradient_penalty(judged, inputs) * len(first)
        return terms
