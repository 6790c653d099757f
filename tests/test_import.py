"""`import momi_lib` costs nothing: the parts come when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import momi_lib

HEAVY = ("torch", "torchvision", "numpy", "matplotlib", "ipywidgets", "accelerate")


def loaded_by(code: str, names: tuple[str, ...]) -> str:
    """Which of the modules are loaded after the code ran in a fresh Python."""
    code = f"import sys; {code}; print([name for name in {names!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def test_import_loads_nothing_heavy() -> None:
    assert loaded_by("import momi_lib", HEAVY) == "[]"


def test_using_the_networks_loads_no_torchvision_no_drawing_and_no_widgets() -> None:
    parts = "import momi_lib as momi; momi.data; momi.pose; momi.translate; momi.patches; momi.losses; momi.metrics"
    assert loaded_by(parts, ("torchvision", "matplotlib", "ipywidgets", "accelerate")) == "[]"


def test_parts_are_listed_and_loaded_on_use() -> None:
    assert set(momi_lib.PARTS) <= set(dir(momi_lib))
    assert momi_lib.skeleton.__name__ == "momi_lib.skeleton"


def test_unknown_part_says_which_there_are() -> None:
    with pytest.raises(AttributeError, match="its parts are skeleton, data"):
        momi_lib.nothing  # noqa: B018
