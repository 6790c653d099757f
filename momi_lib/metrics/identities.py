"""Class scores without a classifier: who among the training people a descriptor looks like.

The Inception Score wants a network that classifies. The offline network gives descriptors and no classes, so the
people that it learned from become the classes: linear discriminant analysis (Fisher 1936) in closed form, the same
on every machine, with no step of training. Its Inception Score says how surely and how evenly pictures look like
those people. It is a number of its own and compares with others of the same network and the same people alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from momi_lib.arguments import Sizes, check_tensor, check_values, number

#: Share of the pooled variance that is added to each direction: few pictures say little about 384 directions.
SHRINKAGE = 0.1


class IdentityClassifier:
    """log p(person | descriptor) up to a constant, for Gaussian people that share one covariance.

    Args:
        descriptors: (N, D) of people with known identities, by the network that will describe what is judged.
        persons: (N,) their identities; each a class.
        shrinkage: in (0, 1], how far the covariance is drawn to a multiple of the identity matrix.

    Attributes:
        classes: (C,) the identities, ascending.

    Raises:
        ValueError: for fewer than two people, nobody with two pictures, or other shapes.

    >>> descriptors = torch.tensor([[0.0, 1.0], [0.0, 0.8], [3.0, 1.0], [3.2, 1.1]])
    >>> classifier = IdentityClassifier(descriptors, torch.tensor([7, 7, 9, 9]))
    >>> classifier(torch.tensor([[0.1, 1.0], [2.9, 1.0]])).argmax(1).tolist()
    [0, 1]
    """

    def __init__(self, descriptors: Tensor, persons: Tensor, *, shrinkage: float = SHRINKAGE) -> None:
        sizes: Sizes = {}
        check_tensor("descriptors", descriptors, "N D", "descriptors", sizes=sizes)
        check_tensor("persons", persons, "N", "persons", "whole", sizes=sizes)
        check_values("descriptors", descriptors)
        shrinkage = number("shrinkage", shrinkage, above=0, most=1)
        self.classes, place = persons.unique(return_inverse=True)
        if len(self.classes) < 2 or len(self.classes) == len(persons):
            raise ValueError(
                f"persons: expected at least two people and one of them twice, got {len(persons)} pictures of "
                f"{len(self.classes)} people"
            )
        values = descriptors.double()
        counts = torch.bincount(place).double()
        means = torch.zeros(len(self.classes), values.shape[1], dtype=torch.float64).index_add_(0, place, values)
        means /= counts[:, None]
        within = values - means[place]
        covariance = within.mT @ within / (len(values) - len(self.classes))
        spread = covariance.diagonal().mean()
        if not spread > 0:
            raise ValueError("descriptors: those of every person are all alike; nothing says how much they vary")
        covariance = (1 - shrinkage) * covariance + shrinkage * spread * torch.eye(len(covariance)).double()
        self.weight = torch.linalg.solve(covariance, means.mT).mT
        self.bias = -0.5 * (self.weight * means).sum(1) + (counts / counts.sum()).log()

    def __call__(self, descriptors: Tensor) -> Tensor:
        """(N, D) → logits (N, C) float32, a column a class in the order of ``classes``."""
        check_tensor("descriptors", descriptors, f"N {self.weight.shape[1]}", "descriptors", empty=True)
        check_values("descriptors", descriptors)
        return (descriptors.double() @ self.weight.mT + self.bias).float()
