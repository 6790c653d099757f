"""CarryNet: a MomiNet that carries clothes over instead of drawing them anew, which the paper does not do.

F_p, E_p, E_a, φ and G's body are those of :class:`~momi_lib.translate.network.MomiNet`. Beside them stand the body maps
B_s and B_t (:mod:`momi_lib.pose.body_maps`): what the source shows is fetched by them at full resolution
(:mod:`momi_lib.translate.carry`), and the painter decides what of it stays and draws the rest
(:mod:`momi_lib.translate.painter`). The street is no longer drawn: it is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn import functional

from momi_lib.arguments import Sizes, check_input, check_range, check_tensor, told, whole
from momi_lib.data import size_of
from momi_lib.pose.body_maps import BodyMap, BodyMaps
from momi_lib.pose.limbs import limb_masks
from momi_lib.translate.background import filled, widened
from momi_lib.translate.carry import correspond, enlarged, premultiplied, sample
from momi_lib.translate.network import MomiNet, NetworkConfig, Pose, ends
from momi_lib.translate.painter import Carried, Painted, Painter

__all__ = ["Appearance", "Background", "CarryNet", "Explained"]

Background = Literal["target", "source", "drawn"]

UNSURE = -1.5  # logit above which a place of the target may show its person, and is taken out of the street
MARGIN = 3  # pixels around it that are taken out, too
#: Pixels: half the width of the limbs between landmarks that are taken out in any case. Their soft edge, as much again,
#: is taken out, too, and so is the margin.
LIMB = 4.0


class Appearance(NamedTuple):
    """What is known of the person in each of N pictures; found once and drawn in any pose.

    ``code`` (N, d or 2d, H/8, W/8), Eq. 2; ``body`` and ``build`` of B_s; ``colours`` (N, 4, H, W), the picture times
    its silhouette, and the silhouette; ``features`` (N, c + 1, H/2, W/2), those of E_a likewise.
    """

    code: Tensor
    body: BodyMap
    build: Tensor
    colours: Tensor
    features: Tensor

    def repeated(self, times: int) -> Appearance:
        """The whole batch, repeated ``times`` times."""
        times = whole("times", times)
        return self._each(lambda part: part.repeat(times, *[1] * (part.ndim - 1)))

    def expanded(self, count: int) -> Appearance:
        """One person as a batch of ``count``, without copying; a batch of ``count`` people stays as it is."""
        count = whole("count", count)
        if len(self.code) not in (1, count):
            raise ValueError(f"count: expected {len(self.code)}, as many as there are people, got {count}")
        return self._each(lambda part: part.expand(count, *part.shape[1:]))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Appearance:
        body = BodyMap(*map(change, self.body))
        return Appearance(change(self.code), body, change(self.build), change(self.colours), change(self.features))


class Explained(NamedTuple):
    """A swap and what G was given and drew; pictures (N, 3, H, W) in [-1, 1].

    ``carried``, ``mirrored``: fetched from the person's own and from the mirrored side. ``confidence``
    (N, 2, H/2, W/2): how likely the source shows the place at all, for both. ``drawn``: what G draws itself. ``gates``
    (N, 3, H, W): shares of drawn, carried and mirrored. ``light``: what is added to carried colours. ``silhouette``
    (N, 1, H, W) in [0, 1]. ``background``: what stands behind. ``source_body``, ``target_body``: both body maps.
    ``swap``: the answer.
    """

    carried: Tensor
    mirrored: Tensor
    confidence: Tensor
    drawn: Tensor
    gates: Tensor
    light: Tensor
    silhouette: Tensor
    background: Tensor
    source_body: BodyMap
    target_body: BodyMap
    swap: Tensor


class CarryNet(MomiNet):
    """RGB in, RGB out: ``network.swap(source, target)``, with the target's street behind the source's person.

    Args:
        config: with ``carry=True`` and ``output="features"``.

    Raises:
        ValueError: for a config of a network without body maps.

    >>> from momi_lib.train.presets import preset
    >>> network = CarryNet(preset("tiny-carry").network).eval()
    >>> pictures = torch.zeros(2, 3, 128, 64)
    >>> network.swap(pictures, pictures, background="source").shape
    torch.Size([2, 3, 128, 64])
    """

    backgrounds = get_args(Background)

    def __init__(self, config: NetworkConfig) -> None:
        if not isinstance(config, NetworkConfig):
            raise TypeError(f"config: expected a NetworkConfig, got {told(config)}")
        if not config.carry:
            raise ValueError("CarryNet: expected a config with carry=True; MomiNet is the network without")
        super().__init__(config)
        self.body_maps = BodyMaps(config.body_source, config.body_target)
        self.painter = Painter(config.generator[2], config.encoder[0], hidden=config.painter, norm=config.norm)

    def translation(self) -> tuple[torch.nn.Module, ...]:
        """The parts that the translation losses train: all but the student and the body maps."""
        return (*super().translation(), self.painter)

    def decode(self, appearance_code: Tensor, pose_code: Tensor) -> Tensor:
        """Not here: z_a and z_p alone do not say what is carried over."""
        raise ValueError("decode: this network carries clothes over; use draw(appearance, maps), or swap")

    def meet(self, pictures: Tensor, pose: Pose | None = None) -> Appearance:
        """All that is known of the people in pictures (N, 3, H, W) in [-1, 1]; ``pose`` spares F_p its work."""
        self._look_at(pictures=pictures)
        maps = self._pose_of(pictures, pose).maps
        return self.appearance(pictures, maps, *self.body_maps.source(pictures, maps))

    def code(self, appearance: Appearance) -> Tensor:
        """z_a in what :meth:`meet` found: (N, d or 2d, H/8, W/8)."""
        self._check_appearance("appearance", appearance)
        return appearance.code

    def appearance(self, pictures: Tensor, maps: Tensor, body: BodyMap, build: Tensor) -> Appearance:
        """As :meth:`meet`, with pose maps (N, 17, H, W) and what B_s said of the pictures already at hand."""
        sizes: Sizes = {}
        height, width = self.config.size
        check_input("pictures", pictures, self, f"N 3 {height} {width}", sizes=sizes)
        check_input("maps", maps, self, f"N 17 {height} {width}", "pose maps {} of floats in [0, 1]", sizes=sizes)
        self._check_body("body", body, sizes)
        check_tensor("build", build, f"N {self.body_maps.build}", "builds", sizes=sizes)
        halved = self.appearance_encoder.halved(pictures)
        pose_code = self.coarse(self.encode_pose(maps))
        code = self.attention(self.appearance_encoder.encode_halved(halved), pose_code)
        if self.lookup is not None:
            code = torch.cat([code, pose_code], dim=1)
        alpha = torch.sigmoid(2 * body.silhouette)
        full = functional.interpolate(alpha, self.config.size, mode="bilinear", align_corners=False)
        return Appearance(
            code, body, build, premultiplied(pictures.float(), full), premultiplied(halved.float(), alpha)
        )

    def backdrop(self, pictures: Tensor, pose: Pose | None = None, body: BodyMap | None = None) -> Tensor:
        """The street of pictures (N, 3, H, W): their people taken out, the holes filled from their surroundings.

        What is taken out is the silhouette, generously, and the limbs between the landmarks: a leg that the body map
        missed would shine through beside the new person as a ghost.
        """
        self._look_at(pictures=pictures)
        pose = self._pose_of(pictures, pose)
        if body is None:
            body, _ = self.body_maps.source(pictures, pose.maps)
        else:
            self._check_body("body", body, {"N": (len(pictures), "pictures")})
        return self._backdrop(pictures, pose, body)

    def _backdrop(self, pictures: Tensor, pose: Pose, body: BodyMap) -> Tensor:
        half = size_of(body.silhouette)  # a quarter of the work, and a margin need not be finer
        radius = LIMB * half[0] / 128
        limbs = limb_masks((pose.landmarks + 0.5) / 2 - 0.5, pose.valid, size=half, radius=radius) > 0
        hole = functional.interpolate(((body.silhouette > UNSURE) | limbs).float(), scale_factor=2, mode="nearest") > 0
        return filled(pictures.float(), widened(hole, MARGIN))

    def paint(self, appearance: Appearance, maps: Tensor) -> tuple[Painted, Carried]:
        """The people of N appearances in N poses (N, 17, H, W), before any background."""
        count, (height, width) = self._check_appearance("appearance", appearance), self.config.size
        shape, sizes = f"N 17 {height} {width}", {"N": (count, "appearance")}
        check_input("maps", maps, self, shape, "pose maps {} of floats in [0, 1]", sizes=sizes)
        pose_code = self.encode_pose(maps)
        code, within = self.attend(appearance.code, pose_code)
        features = self.generator.features(code, self.coarse(pose_code), within)
        target = self.body_maps.target(maps, appearance.build)
        carried = self._carried(appearance, target)
        return self.painter(features, carried), carried

    def _carried(self, appearance: Appearance, target: BodyMap) -> Carried:
        flows = correspond(appearance.body, target)
        # What is not looked up has a place in the source, too, but its colour means nothing.
        found = functional.interpolate(torch.isfinite(flows.own.distance).float(), self.config.size, mode="nearest")
        own, mirrored = (found * sample(appearance.colours, enlarged(flow, self.config.size)) for flow in flows)
        confidence = torch.cat([flow.confidence for flow in flows], dim=1)
        shares = confidence / confidence.sum(1, keepdim=True).clamp_min(1e-3)
        features = [sample(appearance.features, flow.grid) for flow in flows]
        mixed = shares[:, :1] * features[0] + shares[:, 1:] * features[1]
        return Carried(own, mirrored, confidence, mixed, target)

    def rehearse(self, source: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """As for :class:`MomiNet`, before what G draws."""
        self._look_at(source=source, positive=positive, negative=negative)
        pose = self._pose(torch.cat([source, positive, negative]))
        own = Pose(*(part[: len(source)] for part in pose))
        appearance = self.appearance(source, own.maps, *self.body_maps.source(source, own.maps))
        return self.draw(appearance.repeated(3), pose.maps)

    def draw(
        self,
        appearance: Appearance,
        maps: Tensor,
        background: Tensor | None = None,
        *,
        other: Appearance | None = None,
        share: float = 0.0,
    ) -> Tensor:
        """The people of N appearances in N poses; one appearance may stand for all poses, and one pose for all people.

        Args:
            appearance: of :meth:`meet`.
            maps: pose maps (N, 17, H, W) of :meth:`pose` or :meth:`reproject`.
            background: (N, 3, H, W), (3, H, W) or a colour (3,) in [-1, 1]; None is what G draws.
            other, share: another appearance, and how far on the way to it the person is, from 0 to 1.

        Returns:
            (N, 3, H, W) in [-1, 1].

        Raises:
            ValueError: for another number of people than of poses, a background that is no tensor or of another size, a
                share outside [0, 1], or above 0 without another appearance.
        """
        count = self._count(appearance, maps, other)
        appearance, other = ends(appearance, other, share)
        maps = maps.expand(count, -1, -1, -1)
        behind = None if background is None else self._given(background, count)
        painted, _ = self.paint(appearance.expanded(count), maps)
        if other is not None:
            there, _ = self.paint(other.expanded(count), maps)
            painted = Painted(*(torch.lerp(a, b, share) for a, b in zip(painted, there, strict=True)))
        return composed(painted, behind)

    def swap(self, source: Tensor, target: Tensor, *, background: str | Tensor = "target") -> Tensor:
        """The person of ``source`` in the pose of ``target``: only RGB goes in.

        Args:
            source, target: (N, 3, H, W) float in [-1, 1].
            background: ``"target"``: the target's picture with its own person taken out; ``"source"``: the source's
                likewise; ``"drawn"``: what G draws, as in the paper; or pictures (N, 3, H, W) or (3, H, W) or a colour
                (3,), in [-1, 1].

        Returns:
            (N, 3, H, W) in [-1, 1].

        Raises:
            ValueError: for pictures or a background of another size.
        """
        return self.explain(source, target, background=background).swap

    def explain(self, source: Tensor, target: Tensor, *, background: str | Tensor = "target") -> Explained:
        """The swap with what G was given and what it drew; arguments as for :meth:`swap`."""
        source, target = self.checked(source, target)
        count = len(source)
        both = torch.cat([source, target])
        pose = self._pose(both)  # in one pass: small batches cost more a picture
        looked_at = both if isinstance(background, str) and background == "target" else source
        body, build = self.body_maps.source(looked_at, pose.maps[: len(looked_at)])
        first = BodyMap(*(part[:count] for part in body))
        appearance = self.appearance(source, pose.maps[:count], first, build[:count])
        painted, carried = self.paint(appearance, pose.maps[count:])
        behind = self._background(background, both, pose, body)
        answer = composed(painted, behind)
        if behind is None:
            behind = painted.drawn
        return Explained(
            carried.own, carried.mirrored, carried.confidence, painted.drawn, painted.gates, painted.light,
            painted.silhouette, behind, first, carried.body, answer,
        )  # fmt: skip

    def _background(self, asked: str | Tensor, both: Tensor, pose: Pose, body: BodyMap) -> Tensor | None:
        count = len(both) // 2
        if isinstance(asked, Tensor):
            return self._given(asked, count)
        if not isinstance(asked, str) or asked not in get_args(Background):
            got = repr(asked) if isinstance(asked, str) else type(asked).__name__
            raise ValueError(
                f"background: expected one of {', '.join(get_args(Background))}, or a picture or colour as a tensor, "
                f"got {got}"
            )
        if asked == "drawn":
            return None
        part = slice(count, None) if asked == "target" else slice(count)
        chosen = Pose(*(each[part] for each in pose))
        return self._backdrop(both[part], chosen, BodyMap(*(each[part] for each in body)))

    def _check_appearance(self, name: str, appearance: Any) -> int:
        """Refuse what :meth:`meet` does not return; the number of people in it."""
        if not isinstance(appearance, Appearance):
            raise TypeError(f"{name}: expected what meet(pictures) returns, an Appearance, got {told(appearance)}")
        return len(appearance.code)

    def _check_body(self, name: str, body: Any, sizes: Sizes) -> None:
        if not isinstance(body, BodyMap):
            raise TypeError(f"{name}: expected a BodyMap, as body_maps.source returns it, got {told(body)}")
        height, width = (side // 2 for side in self.config.size)
        check_tensor(f"{name}.places", body.places, f"N 3 {height} {width}", "places", sizes=sizes)
        check_tensor(f"{name}.silhouette", body.silhouette, f"N 1 {height} {width}", "silhouettes", sizes=sizes)

    def _given(self, background: Tensor, count: int) -> Tensor:
        """A picture or colour as (count, 3, H, W)."""
        if not isinstance(background, Tensor):
            raise ValueError(f"background: expected a tensor, got {background!r:.60}; `swap` takes names, too")
        size = self.config.size
        shapes = {1: [(3, 1, 1)], 3: [(3, *size)], 4: [(count, 3, *size), (1, 3, *size)]}.get(background.ndim, [])
        given = background[:, None, None] if background.ndim == 1 else background
        given = given.float() if given.is_floating_point() else given
        if tuple(given.shape) not in shapes or not background.is_floating_point():
            raise ValueError(
                f"background: expected a colour (3,), a picture (3, {size[0]}, {size[1]}) or one for each source, "
                f"float in [-1, 1], got {tuple(background.shape)} {background.dtype}"
            )
        check_range("background", given, bright=True)
        return given.to(next(self.parameters()).device).expand(count, 3, *size)


def composed(painted: Painted, background: Tensor | None = None) -> Tensor:
    """The person in front of a background (N, 3, H, W); None is what G draws: (N, 3, H, W) in [-1, 1]."""
    behind = painted.drawn if background is None else background
    return torch.lerp(behind, painted.person, painted.silhouette).clamp(-1, 1)
