"""The methods by name, each loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from torch import nn

from momi_lib.arguments import word

if TYPE_CHECKING:
    from momi_lib.rivals.base import RivalConfig, RivalObjective

#: Name on the command line → module, and the beginning of its classes' names.
WHERE = {"pg2": ("pg2", "Pg2"), "pn-gan": ("pn_gan", "PnGan"), "patn": ("patn", "Patn"), "dg-net": ("dg_net", "DgNet")}
#: Row in a table → name as the papers write it.
TITLES = {"pg2": "PG²", "pn-gan": "PN-GAN", "patn": "PATN", "dg-net": "DG-Net"}


@dataclass(frozen=True)
class Method:
    """One rival.

    Attributes:
        name: on the command line and in files.
        title: as its paper writes it.
        config: class of its options.
        network: class of what draws swaps, made from a config.
        objective: class of what learns, made from a network, its config and the number of people.
        presets: options by the names ``small`` and ``paper``.
    """

    name: str
    title: str
    config: type[RivalConfig]
    network: type[nn.Module]
    objective: type[RivalObjective]
    presets: Mapping[str, RivalConfig]

    @property
    def needs(self) -> frozenset[str]:
        """Whose poses its network is given; empty: nobody's."""
        return getattr(self.network, "needs")  # noqa: B009  # a network's class is known as a Module only


def method(name: str) -> Method:
    """The method of a name.

    Raises:
        ValueError: for a name that is not one of :data:`WHERE`.

    >>> method("patn").title, sorted(method("patn").presets)
    ('PATN', ['paper', 'small'])
    >>> method("vunet")
    Traceback (most recent call last):
    ...
    ValueError: method: expected one of pg2, pn-gan, patn, dg-net, got 'vunet'
    """
    return _loaded(word("method", name, WHERE))


@cache
def _loaded(name: str) -> Method:
    file, start = WHERE[name]
    module = import_module(f"momi_lib.rivals.{file}")
    config, network, objective = (getattr(module, start + end) for end in ("Config", "", "Objective"))
    return Method(name, TITLES[name], config, network, objective, module.PRESETS)
