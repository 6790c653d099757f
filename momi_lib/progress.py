"""Progress bars: none where there is little to wait for, and none at all where ``TQDM_DISABLE`` is set."""

from __future__ import annotations

from typing import Any


def hidden_if(hidden: bool) -> dict[str, Any]:
    """The option of a tqdm bar that hides it.

    ``disable=False`` would show a bar although ``TQDM_DISABLE=1`` asks for none, so nothing is said then.

    >>> hidden_if(True), hidden_if(False)
    ({'disable': True}, {})
    """
    return {"disable": True} if hidden else {}
