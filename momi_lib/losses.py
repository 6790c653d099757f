"""Eq. 1, 3, 4, 5, 6 and 7, in this order.

Over pixels, pictures and joints all reductions are means, or (1, 0.5, 0.5) has no meaning; terms that an equation
adds are added, and where the mean of some of them is wanted instead, an argument says so.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib.arguments import Sizes, check_network, check_pictures, check_tensor, check_tensors, number, told
from momi_lib.features import FeatureNetwork

AdversarialForm = Literal["bce", "hinge", "least-squares", "relativistic"]
AdversarialTerms = Literal["sum", "mean"]


def added(terms: Iterable[Tensor]) -> Tensor:
    """The sum of one tensor or more; Python's own ``sum`` begins with a number, so it may also return one.

    >>> added([torch.tensor(1.0), torch.tensor(2.0)])
    tensor(3.)
    """
    terms = list(terms) if isinstance(terms, Iterable) and not isinstance(terms, str | dict) else terms
    if not isinstance(terms, list) or not terms or not all(isinstance(term, Tensor) for term in terms):
        got = ", ".join(map(told, terms[:4])) or "none" if isinstance(terms, list) else told(terms)
        raise TypeError(f"terms: expected one tensor or more, got {got}")
    return reduce(operator.add, terms)


def distillation(student_maps: Tensor, teacher_maps: Tensor, *, norm: Literal["mse", "l2"] = "mse") -> Tensor:
    """Eq. 1: ‖ψ(x) − F_p(x)‖₂.

    Args:
        student_maps: (N, 17, h, w), resized bilinearly to the teacher's resolution where it differs.
        teacher_maps: (N, 17, h', w').
        norm: ``"mse"``, the mean squared error (default), or ``"l2"``, the literal Euclidean norm of each
            picture's difference, averaged over pictures.

    Returns:
        A scalar; gradients flow into the student alone.

    Source: MOMI-Net Eq. 1; derived in notebook 02.

    >>> distillation(torch.ones(2, 17, 32, 16), torch.zeros(2, 17, 32, 16))
    tensor(1.)
    """
    sizes: Sizes = {}
    check_tensor("student_maps", student_maps, "N K h w", "heatmaps", sizes=sizes)
    check_tensor("teacher_maps", teacher_maps, "N K h' w'", "heatmaps", sizes=sizes)
    teacher_maps = teacher_maps.detach().to(student_maps.dtype)
    if student_maps.shape[-2:] != teacher_maps.shape[-2:]:
        student_maps = functional.interpolate(student_maps, teacher_maps.shape[-2:], mode="bilinear")
    if norm == "mse":
        return functional.mse_loss(student_maps, teacher_maps)
    if norm == "l2":
        return (student_maps - teacher_maps).flatten(1).norm(dim=1).mean()
    raise ValueError(f"norm: expected 'mse' or 'l2', got {norm!r}")


def reconstruction(
    source: Tensor,
    source_hat: Tensor,
    positive: Tensor,
    positive_hat: Tensor,
    weights: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Eq. 3: |x − G(z_a, z_p)|₁ + |x⁺ − G(z_a, z_p⁺)|₁, as means over pixels and channels.

    Args:
        source, source_hat, positive, positive_hat: (N, 3, H, W) in [-1, 1].
        weights: how much each pixel of x and of x⁺ counts, two of (N, 1, H, W) from 0 up; the means become weighted
            means, so that only the ratio of weights matters. The paper weighs all alike (``None``).

    Source: MOMI-Net Eq. 3; derived in notebook 05.

    >>> zero, one = torch.zeros(2, 3, 8, 8), torch.ones(2, 3, 8, 8)
    >>> reconstruction(zero, one, zero, zero)
    tensor(1.)
    """
    sizes: Sizes = {}
    given = {"source": source, "source_hat": source_hat, "positive": positive, "positive_hat": positive_hat}
    for name, pictures in given.items():
        check_pictures(name, pictures, sizes=sizes)
    if weights is not None:
        check_tensors("weights", weights, "N 1 H W", "weights", count=2, sizes=sizes)
    if weights is None:
        return functional.l1_loss(source_hat, source) + functional.l1_loss(positive_hat, positive)
    errors = (source_hat - source).abs(), (positive_hat - positive).abs()
    return added(
        (error.mean(dim=1, keepdim=True) * weight).sum() / weight.sum()
        for error, weight in zip(errors, weights, strict=True)
    )


class Perceptual(nn.Module):
    """The feature term of Eq. 4: Σₗ λₗ |Φₗ(x) − Φₗ(x̂)|₁ with l in {2, 5}.

    Args:
        features: a frozen network that returns the activations of its blocks 2 and 5
            (:mod:`momi_lib.features`); its ``name`` must stand beside every result.
        weight: a factor of the whole term.
        blocks: λ₂ and λ₅.

    Source: MOMI-Net Eq. 4; derived in notebook 05.

    >>> from momi_lib.features import RandomFeatures
    >>> loss = Perceptual(RandomFeatures(seed=0))
    >>> picture = torch.zeros(1, 3, 128, 64)
    >>> float(loss(picture, picture))
    0.0
    """

    def __init__(self, features: FeatureNetwork, weight: float = 1.0, blocks: Sequence[float] = (1.0, 1.0)) -> None:
        super().__init__()
        check_network("features", features, "a feature network", resting=False)
        if not isinstance(blocks, tuple | list) or len(blocks) != 2:
            raise ValueError(f"blocks: expected two numbers, λ₂ and λ₅, got {told(blocks)}")
        self.features = features
        self.weight = number("weight", weight, 0)
        self.blocks = tuple(number(f"blocks[{index}]", each, 0) for index, each in enumerate(blocks))

    def forward(self, real: Tensor, fake: Tensor) -> Tensor:
        """Mean distance of the features of ``fake`` from those of ``real``, both (N, 3, H, W) in [-1, 1]."""
        sizes: Sizes = {}
        check_pictures("real", real, sizes=sizes)
        check_pictures("fake", fake, sizes=sizes)
        with torch.no_grad():
            expected = self.features(real)
        triples = zip(self.blocks, self.features(fake), expected, strict=True)
        return self.weight * added(
            factor * functional.l1_loss(ours.float(), theirs.float()) for factor, ours, theirs in triples
        )


def discriminator_loss(
    real: Tensor, fakes: Sequence[Tensor], form: AdversarialForm = "bce", terms: AdversarialTerms = "mean"
) -> Tensor:
    """What D minimises in Eq. 5: −log D(x, x⁺) − log(1 − D(x̂, x⁺)) − log(1 − D(x, x̂⁺)).

    Args:
        real: logits of the real pair (x, x⁺).
        fakes: logits of each pair with a generated picture.
        form: ``"bce"`` (the paper's) on logits, ``"hinge"``, ``"least-squares"`` or ``"relativistic"``
            (each fake judged against the real pair; wants :func:`gradient_penalty` on both, R1 + R2).
        terms: the terms of the fakes as their ``"sum"``, the paper's, or their ``"mean"``, so that D weighs real and
            fake alike however many fakes there are.

    Source: MOMI-Net Eq. 5; derived in notebook 07.

    >>> zero = torch.zeros(2, 1, 4, 2)
    >>> round(float(discriminator_loss(zero, [zero, zero])), 4)  # D knows nothing: 2 log 2
    1.3863
    >>> round(float(discriminator_loss(zero, [zero, zero], terms="sum")), 4)  # as Eq. 5 has it: 3 log 2
    2.0794
    """
    count = _divisor(fakes, terms)
    check_tensor("real", real, "...", "logits")
    _check_logits(real, fakes)
    if form == "bce":
        return functional.softplus(-real).mean() + added(functional.softplus(f).mean() for f in fakes) / count
    if form == "hinge":
        return functional.relu(1 - real).mean() + added(functional.relu(1 + f).mean() for f in fakes) / count
    if form == "least-squares":
        return (real - 1).square().mean() + added(f.square().mean() for f in fakes) / count
    if form == "relativistic":
        return added(functional.softplus(f - real).mean() for f in fakes) / count
    raise ValueError(f"adversarial form: expected 'bce', 'hinge', 'least-squares' or 'relativistic', got {form!r}")


def generator_loss(
    fakes: Sequence[Tensor],
    form: AdversarialForm = "bce",
    real: Tensor | None = None,
    terms: AdversarialTerms = "mean",
) -> Tensor:
    """What G minimises in Eq. 5, in the non-saturating form: −log D(x̂, x⁺) − log D(x, x̂⁺).

    log(1 − D) of the equation has the same fixed point, and no gradient while D is sure of itself.

    Args:
        fakes: logits of each pair with a generated picture.
        form: as in :func:`discriminator_loss`; ``"relativistic"`` needs ``real``.
        terms: as there; γ of Eq. 7 weighs with the ``"mean"`` half of what it does with the ``"sum"`` of two.

    Source: MOMI-Net Eq. 5, Goodfellow et al. 2014 for the form; derived in notebook 07.

    >>> round(float(generator_loss([torch.zeros(2, 1, 4, 2)])), 4)
    0.6931
    """
    count = _divisor(fakes, terms)
    _check_logits(real, fakes)
    if form == "bce":
        return added(functional.softplus(-f).mean() for f in fakes) / count
    if form == "hinge":
        return -added(f.mean() for f in fakes) / count
    if form == "least-squares":
        return added((f - 1).square().mean() for f in fakes) / count
    if form == "relativistic" and real is not None:
        return added(functional.softplus(real - f).mean() for f in fakes) / count
    raise ValueError(
        f"adversarial form: expected one of the four forms (relativistic with real), got {form!r}"
        + (" and None for real" if form == "relativistic" else "")
    )


def feature_matching(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """How far D's activations on generated pairs are from those on the real pair, mean over layers. Not in the paper.

    Where D's verdict says only that a picture is wrong, its activations say in what.

    Args:
        real: activations (N, C, h, w) of the real pair (x, x⁺), one tensor a layer.
        fake: activations (K · N, C, h, w) of K generated pairs, one after the other.

    Source: Salimans et al. 2016; for conditional pairs Wang et al. 2018 (pix2pixHD).

    >>> float(feature_matching([torch.zeros(2, 4, 8, 4)], [torch.ones(4, 4, 8, 4)]))
    1.0
    """
    check_tensors("real", real, "...", "activations")
    check_tensors("fake", fake, "...", "activations")
    if len(real) != len(fake):
        raise ValueError(f"real and fake: expected activations of as many layers, got {len(real)} and {len(fake)}")
    for index, (theirs, ours) in enumerate(zip(real, fake, strict=True)):
        if theirs.ndim != 4 or ours.shape[1:] != theirs.shape[1:] or len(ours) % len(theirs):
            raise ValueError(
                f"real and fake: expected activations (N, C, h, w) and (K · N, C, h, w) of each layer, got "
                f"{tuple(theirs.shape)} and {tuple(ours.shape)} of layer {index}"
            )
    distances = [
        functional.l1_loss(ours.float(), theirs.detach().float().repeat(len(ours) // len(theirs), 1, 1, 1))
        for theirs, ours in zip(real, fake, strict=True)
    ]
    return torch.stack(distances).mean()


def _divisor(fakes: Sequence[Tensor], terms: AdversarialTerms) -> int:
    if terms not in get_args(AdversarialTerms):
        raise ValueError(f"terms: expected 'sum' or 'mean', got {terms!r}")
    check_tensors("fakes", fakes, "...", "logits")
    return len(fakes) if terms == "mean" else 1


def _check_logits(real: Tensor | None, fakes: Sequence[Tensor]) -> None:
    """Refuse logits of different shapes, which would be spread over each other."""
    if real is not None:
        check_tensor("real", real, "...", "logits")
    for index, each in enumerate(fakes):
        first = fakes[0] if real is None else real
        if each.shape != first.shape:
            raise ValueError(
                f"real and fakes: expected logits of one shape, got {tuple(first.shape)} and {tuple(each.shape)} "
                f"(fakes[{index}])"
            )


def gradient_penalty(logits: Tensor, pictures: Sequence[Tensor]) -> Tensor:
    """½ E‖∇ D‖²: R1 on real pairs, R2 on generated ones (Mescheder et al. 2018).

    Args:
        logits: D's output.
        pictures: what D was given, with ``requires_grad``. Needs double backward, so an eager D.

    >>> x = torch.ones(2, 3, 4, 4, requires_grad=True)
    >>> float(gradient_penalty((2 * x).flatten(1).sum(1), [x]))  # ½ · 48 entries · 2²
    96.0
    """
    check_tensor("logits", logits, "...", "logits")
    check_tensors("pictures", pictures, "...", "pictures")
    if not logits.requires_grad or not all(each.requires_grad for each in pictures):
        raise ValueError("logits and pictures: expected both with gradients, got one without; requires_grad_() asks")
    gradients = torch.autograd.grad(logits.sum(), list(pictures), create_graph=True, allow_unused=True)
    if any(each is None for each in gradients):
        raise ValueError("logits: expected what D said of these pictures, got logits that do not depend on all of them")
    return 0.5 * added(g.flatten(1).square().sum(1) for g in gradients).mean()


def patch_verification(real: Tensor, real_valid: Tensor, fake: Tensor, fake_valid: Tensor) -> Tensor:
    """Eq. 6: |RoI(x, p) − RoI(x̂⁻, p⁻)|₁ over the joints that are valid in **both** pictures.

    What x wears at a joint must appear at the same joint of x̂⁻, wherever the other person's pose has put it;
    no picture of x in that pose is needed.

    Args:
        real, fake: patches (N, K, C, P, P) of :func:`momi_lib.patches.skeleton_patches`.
        real_valid, fake_valid: (N, K) bool.

    Returns:
        The mean over each picture's shared joints, then over pictures; a picture without any counts 0.

    Source: MOMI-Net Eq. 6; derived in notebook 06.

    >>> real, fake = torch.zeros(1, 2, 3, 4, 4), torch.ones(1, 2, 3, 4, 4)
    >>> seen = torch.tensor([[True, False]])
    >>> patch_verification(real, seen, fake, torch.ones_like(seen))
    tensor(1.)
    """
    sizes: Sizes = {}
    for name, some, seen in (("real", real, real_valid), ("fake", fake, fake_valid)):
        check_tensor(name, some, "N K C P Q", "patches", sizes=sizes)
        check_tensor(f"{name}_valid", seen, "N K", "validities", "bool", sizes=sizes)
    if real.shape != fake.shape or real_valid.shape != real.shape[:2] or fake_valid.shape != real.shape[:2]:
        raise ValueError(
            "expected patches (N, K, C, P, P) twice and validities (N, K) twice, got "
            f"{tuple(real.shape)}, {tuple(fake.shape)}, {tuple(real_valid.shape)}, {tuple(fake_valid.shape)}"
        )
    both = (real_valid & fake_valid).to(fake.dtype)
    distance = (fake - real.detach()).abs().flatten(2).mean(-1)
    return ((distance * both).sum(1) / both.sum(1).clamp(min=1)).mean()


@dataclass(frozen=True)
class LossWeights:
    """(α, β, γ) of Eq. 7 and the two weights inside its terms.

    Attributes:
        translate: α, of reconstruction and perceptual term together.
        patch: β, of skeleton patch verification.
        adversarial: γ, of the generator's side of Eq. 5.
        perceptual: a factor of Eq. 4's feature term inside the translation term, beside its λ₂ and λ₅.

    >>> LossWeights()
    LossWeights(translate=1.0, patch=0.5, adversarial=0.5, perceptual=1.0)
    """

    translate: float = 1.0
    patch: float = 0.5
    adversarial: float = 0.5
    perceptual: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            number(f"loss.weights.{name}", value, 0)


def total(distil: Tensor, translate: Tensor, patch: Tensor, adversarial: Tensor, weights: LossWeights) -> Tensor:
    """Eq. 7: L = L_distil + α L_translate + β L_patch + γ L_adv.

    Source: MOMI-Net Eq. 7; assembled in notebook 07.

    >>> one = torch.ones(())
    >>> total(one, one, one, one, LossWeights())
    tensor(3.)
    """
    given = {"distil": distil, "translate": translate, "patch": patch, "adversarial": adversarial}
    for name, term in given.items():
        if not isinstance(term, Tensor) or term.numel() != 1:
            raise ValueError(f"{name}: expected a scalar, got {told(term)}")
    if not isinstance(weights, LossWeights):
        raise TypeError(f"weights: expected LossWeights, got {told(weights)}")
    return distil + weights.translate * translate + weights.patch * patch + weights.adversarial * adversarial
