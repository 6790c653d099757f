"""Recordings: what stands still is one frame, an empty margin goes, and the pair is chosen by a rule."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from momi_lib.data import load_truth

recordings = pytest.importorskip("tools.recordings", reason="needs nbformat, of the extra test")


def photograph(place: int, width: int = 200) -> bytes:
    """White, with a black square of 20 pixels."""
    image, file = Image.new("RGB", (width, 100), "white"), io.BytesIO()
    image.paste((0, 0, 0), (place, 40, place + 20, 60))
    image.save(file, "PNG")
    return file.getvalue()


def test_a_page_that_stands_still_is_one_frame_and_the_last_stays() -> None:
    film = recordings.Film()
    for place in (10, 10, 30, 50):
        film.add(photograph(place), 100)
    assert film.times == [200, 100, 100]
    with Image.open(io.BytesIO(film.gif(width=82))) as gif:
        assert (gif.n_frames, gif.info["loop"]) == (3, 0)
        times = []
        for frame in range(gif.n_frames):
            gif.seek(frame)
            times.append(gif.info["duration"])
    assert times == [200, 100, recordings.LAST_MS]


def test_an_empty_margin_at_the_right_is_left_out() -> None:
    film = recordings.Film()
    film.add(photograph(10), 100)
    film.add(photograph(50), 100)
    with Image.open(io.BytesIO(film.gif(width=82))) as gif:
        assert gif.size == (82, 100)  # 50 + 20 pixels and the margin of 12, nothing scaled
        gif.seek(1)
        drawn = gif.convert("L")
    assert drawn.getpixel((60, 50)) < 10 and drawn.getpixel((20, 50)) > 245


def test_source_and_target_of_the_recording_belong_to_a_true_swap() -> None:
    truth, (source, target) = load_truth(), recordings.pair()
    assert ((truth.source == source) & (truth.target == target)).any()
