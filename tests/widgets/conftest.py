"""What several tests of widgets need."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def picture_file() -> bytes:
    """A PNG of noise, 90 × 180 pixels."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (180, 90, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
