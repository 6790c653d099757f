"""What the tests of the renderer share: a small data set, made once, and reasons where it cannot be made."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

EXTRA = ("anny", "moderngl", "scipy", "cv2")
ROOT = Path(__file__).resolve().parents[2]
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

if find_spec("moderngl") and find_spec("triton"):
    import triton  # noqa: F401 - anny loads it, and its LLVM must come before Mesa's, or the process dies


def reason_to_skip() -> str | None:
    """Why nothing can be rendered here; None where it can."""
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        return f"needs the extra mannequins: {', '.join(missing)} not installed"
    from tools.mannequins.body.template import template_path
    from tools.mannequins.render.renderer import Renderer, RendererError

    if not template_path().is_file():
        return "the body template is not baked here, which takes minutes: run python -m tools.mannequins once"
    try:
        Renderer(8, 4, 1)
    except RendererError as error:
        return str(error)
    return None


@pytest.fixture(scope="session")
def can_render() -> None:
    """Skip, with the reason, where nothing can be rendered."""
    reason = reason_to_skip()
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def small(can_render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people, 18 pictures, 4 true swaps, with canonical maps and a card."""
    from tools.mannequins.dataset.card import write_card
    from tools.mannequins.dataset.plan import sizes_of
    from tools.mannequins.dataset.write import Request, make

    folder = tmp_path_factory.mktemp("mannequins") / "small"
    return make(Request(sizes_of(4, (4, 5), truth=4), seed=0, dense=True), folder, finish=write_card)
