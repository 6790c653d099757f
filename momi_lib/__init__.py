"""Pose-guided person image synthesis with many identities, part by part.

The parts are loaded when they are first used, so that `import momi_lib` costs nothing:

>>> import momi_lib as momi
>>> momi.skeleton.JOINTS[0]
'nose'

In the order in which a picture flows through them, which is also the order in which to read them:
skeleton, data, pose, translate, patches, features, losses, metrics, train, evaluate, study, lessons, widgets.

`momi.load("small")` is the trained network that comes with the package; it carries over what is visible in the source.
`momi.load("lookup")` is the one before it, which draws everything itself and lies closer to the paper.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

PARTS = (
    "skeleton",
    "data",
    "pose",
    "translate",
    "patches",
    "features",
    "losses",
    "metrics",
    "train",
    "rivals",
    "evaluate",
    "study",
    "lessons",
    "widgets",
)

__all__ = ["__version__", "load", *PARTS]


def load(name: Any = "small", *, device: Any = "cpu") -> Any:
    """A trained network, ready to translate: :func:`momi_lib.translate.load_network`, without a network connection.

    Args:
        name: ``"small"``, ``"lookup"``, or the path of weights that ``python -m momi_lib train`` wrote.
        device: where to put it.

    Returns:
        A frozen :class:`momi_lib.translate.MomiNet` in evaluation mode (``"small"`` is a
        :class:`momi_lib.translate.CarryNet`); its hash was compared with its card's.

    >>> import torch
    >>> pictures = torch.zeros(2, 3, 128, 64)
    >>> load("small").swap(pictures, pictures).shape
    torch.Size([2, 3, 128, 64])
    """
    return __getattr__("translate").load_network(name, device=device)


def __getattr__(name: str) -> Any:
    if name in PARTS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its parts are {', '.join(PARTS)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *PARTS])
