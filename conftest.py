"""Strict comparison of notebooks leaves out what `momi_lib.lessons.aside` shows, also in a plain `pytest --nbval`."""

from __future__ import annotations

import pytest

from momi_lib.lessons.aside import KIND


def pytest_itemcollected(item: pytest.Item) -> None:
    """Add the kind of these outputs to those that nbval does not compare."""
    notebook = item.parent
    skipped = getattr(notebook, "skip_compare", None)
    if skipped is not None and KIND not in skipped:
        notebook.skip_compare = (*skipped, KIND)  # type: ignore[union-attr]
