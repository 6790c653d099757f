"""Pose-guided person image synthesis with many identities, part by part.

The parts are loaded when they are first used, so that `import momi_lib` costs nothing:

>>> import momi_lib as momi
>>> momi.skeleton.JOINTS[0]
'nose'

In the order in which a picture flows through them, which is also the order in which to read them:
skeleton, data, pose, translate, patches, features, losses, train, evaluate, lessons.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__version__ = "0.1.0"

PARTS = (
    "skeleton",
    "data",
    "pose",
    "translate",
    "patches",
    "features",
    "losses",
    "train",
    "evaluate",
    "lessons",
)

__all__ = ["__version__", *PARTS]


def __getattr__(name: str) -> ModuleType:
    if name in PARTS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its parts are {', '.join(PARTS)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *PARTS])
