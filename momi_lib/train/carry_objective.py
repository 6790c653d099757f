"""The losses of a network that carries clothes over: Eq. 3 to 7 on pictures composited over a given background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib import losses
from momi_lib.data import size_of
from momi_lib.pose import gaussian_maps
from momi_lib.pose.body_maps import BodyMap
from momi_lib.train.batches import Batch
from momi_lib.train.body_task import Bodies, BodyTask
from momi_lib.train.objective import Drawn, Objective
from momi_lib.translate.carrying import CarryNet, composed
from momi_lib.translate.network import Pose
from momi_lib.translate.painter import Carried, Painted

__all__ = ["CarryObjective", "drawn_of_visible", "gradient_strength"]

HEATMAP_SIGMA = 1.5  # cells: deviation of the Gaussians that the teacher, and so the student, was taught to answer


class _Scene(NamedTuple):
    """What a step knows before G: the poses of x, x⁺ and x⁻ in one, and their streets.

    ``of_pictures`` (3N,) is 1 where the pose was found in a picture, and 0 where a body in any pose stands in for it.
    """

    pose: Pose
    streets: Tensor
    body: BodyMap
    build: Tensor
    of_pictures: Tensor


@dataclass
class CarryObjective(Objective[CarryNet]):
    """As :class:`~momi_lib.train.objective.Objective`, for a :class:`~momi_lib.translate.carrying.CarryNet`.

    x̂, x̂⁺ and x̂⁻ are composited over the backgrounds of x, x⁺ and x⁻ with the person taken out, so these losses ask G
    for no background that it cannot know; only ``draw_all`` compares what G itself draws there. Neither F_p nor the
    body maps learn from G's losses.
    """

    task: BodyTask | None = None

    def generator(self, batch: Batch) -> tuple[dict[str, Tensor], Drawn]:
        """Eq. 3, 4, 6, the generator's side of 5, and 7; and the three pictures that were drawn."""
        config, count = self.config, len(batch.source)
        scene = self._scene(batch)
        appearance = self.network.appearance(
            batch.source, scene.pose.maps[:count], _first(scene.body, count), scene.build[:count]
        )
        painted, carried = self.network.paint(appearance.repeated(3), scene.pose.maps)
        drawn = Drawn(*composed(painted, scene.streets).float().split(count))
        terms = self._translate(batch, drawn, painted)
        if config.loss.keep:
            terms["keep"] = config.loss.keep * drawn_of_visible(painted, carried)
        translate = losses.added(terms.values())
        pose = Pose(*(part[:count] for part in scene.pose))
        others = Pose(*(part[count:] for part in scene.pose))
        terms["patch"] = self._patch(batch, drawn, pose, others)
        terms["adversarial"] = self._adversarial(batch, drawn)
        zero = translate.new_zeros(())
        terms["total"] = losses.total(zero, translate, terms["patch"], terms["adversarial"], config.loss.weights)
        if config.loss.pose_consistency:
            terms["consistency"] = config.loss.pose_consistency * self._consistency(
                drawn, others.heatmaps, scene.of_pictures[count:]
            )
            terms["total"] = terms["total"] + terms["consistency"]
        return terms, drawn

    def _translate(self, batch: Batch, drawn: Drawn, painted: Painted) -> dict[str, Tensor]:
        """Eq. 4 with what stands beside it: terms that compare x̂ and x̂⁺ with x and x⁺, or judge what is painted."""
        config, count = self.config, len(batch.source)
        # Only x and x⁺ are compared with something real, and there the person counts most.
        real = torch.cat([batch.source, batch.positive])
        known = Painted(*(part[: 2 * count] for part in painted))
        weights = 1 + config.loss.pose_mask * known.silhouette.detach()
        of_source, of_positive = weights.split(count)
        terms = {"recon": losses.reconstruction(
            batch.source, drawn.source, batch.positive, drawn.positive, (of_source, of_positive)
        )}  # fmt: skip
        if self.perceptual is not None and config.loss.weights.perceptual:
            terms["perceptual"] = config.loss.weights.perceptual * self._features(batch, drawn)
        if config.loss.draw_all:
            terms["draw_all"] = config.loss.draw_all * 2 * (known.drawn - real).abs().mean()
        if config.loss.sharpness:
            fake = torch.cat([drawn.source, drawn.positive])
            away = (gradient_strength(fake) - gradient_strength(real)).abs()
            mask = functional.avg_pool2d(known.silhouette.detach(), 8, 4)
            terms["sharpness"] = config.loss.sharpness * 2 * (away * mask).sum() / mask.sum().clamp_min(1)
        if config.loss.light:
            terms["light"] = config.loss.light * painted.light.abs().mean()
        return terms

    def body(self, batch: Batch) -> dict[str, Tensor]:
        """The losses of the body maps alone, on x and x⁺."""
        count = len(batch.source)
        with torch.no_grad():
            found = self.network.pose(torch.cat([batch.source, batch.positive]))
        poses = Pose(*(part[:count] for part in found)), Pose(*(part[count:] for part in found))
        index, flips = batch.origin
        assert self.task is not None  # a run with this stage has one
        return self.task.losses(self.network.body_maps, batch.source, index.source, index.positive, flips, poses)

    @torch.no_grad()
    def _scene(self, batch: Batch) -> _Scene:
        """The scene; the poses of some bodies may stand in it in place of some of x⁻'s."""
        pictures = torch.cat(batch[:3])
        pose = self.network.pose(pictures)
        body, build = self.network.body_maps.source(pictures, pose.maps)
        scene = _Scene(
            pose, self.network.backdrop(pictures, pose, body), body, build, torch.ones_like(pose.landmarks[:, 0, 0])
        )
        if self.task is None or not self.config.augment.any_pose:
            return scene
        index, flips = batch.origin
        bodies = self.task.in_any_pose(index.source, flips, self.config.augment.any_pose)
        rows = 2 * len(batch.source) + bodies.rows
        # F_p finds few limbs in such poses, even in true pictures: asked to, G would paint whatever deceives it.
        return scene._replace(
            pose=self._posed(pose, bodies, rows), of_pictures=scene.of_pictures.index_fill(0, rows, 0.0)
        )

    def _posed(self, pose: Pose, bodies: Bodies, rows: Tensor) -> Pose:
        """Poses whose ``rows`` are those of bodies; the heatmaps are what F_p was taught to answer to them."""
        places, size = bodies.landmarks, size_of(pose.heatmaps)
        cells = (places + 0.5) * size[0] / self.network.config.size[0] - 0.5
        new = (
            gaussian_maps(cells, bodies.inside, size=size, sigma=HEATMAP_SIGMA),
            self.network.reproject(places, bodies.inside),
            places,
            bodies.inside,
        )
        changed = zip(pose, new, strict=True)
        return Pose(*(part.index_copy(0, rows, each.to(part.dtype)) for part, each in changed))


def drawn_of_visible(painted: Painted, carried: Carried) -> Tensor:
    """Mean share, inside the silhouette, of places that the source shows and that G draws nevertheless: a scalar."""
    shown = carried.confidence.amax(1, keepdim=True)
    shown = functional.interpolate(shown, painted.gates.shape[-2:], mode="bilinear", align_corners=False)
    inside = painted.silhouette.detach()
    return (painted.gates[:, :1] * shown * inside).sum() / inside.sum().clamp_min(1)


def _first(body: BodyMap, count: int) -> BodyMap:
    return BodyMap(*(part[:count] for part in body))


def gradient_strength(pictures: Tensor, window: int = 8) -> Tensor:
    """How strong edges are around each place, whatever their exact place: (N, C, H, W) → (N, C, h, w).

    The mean over a window of the absolute differences of neighbours, every half window: an edge that stands two pixels
    off counts as there, one that is blurred away does not.

    >>> gradient_strength(torch.zeros(1, 3, 128, 64)).shape
    torch.Size([1, 3, 31, 15])
    """
    across = (pictures[..., 1:] - pictures[..., :-1]).abs()
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).abs()
    steps = functional.pad(across, (0, 1)) + functional.pad(down, (0, 0, 0, 1))
    return functional.avg_pool2d(steps, window, window // 2)
