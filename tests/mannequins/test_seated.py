"""Somebody who sits is unlike what the networks know; rendered, because nobody sits in the embedded pictures."""

from __future__ import annotations

import pytest

from momi_lib.translate import load_network
from momi_lib.translate.verdict import judged, usual_of
from tools.kinds_of_pictures import framed, seated


@pytest.mark.slow
def test_most_of_the_seated_do_not_pass_the_verdict(can_render: None) -> None:
    """About a third do: a student that knows pedestrians alone finds the joints of one, and may be sure of them."""
    network = load_network("small")
    usual = usual_of(network)
    verdicts = [judged(network, framed(image), usual, pixels=image.size) for image in seated(10)]
    doubted = [verdict for verdict in verdicts if not verdict.sure]
    assert len(doubted) >= 4
    assert any("who sits, crouches, bends" in verdict.told for verdict in doubted)
