"""What a card says beside the paper, and what is left of a preset in the paper's way."""

from __future__ import annotations

import pytest

from momi_lib.provenance import plain
from momi_lib.train import PRESETS, preset
from momi_lib.train.config import TrainConfig
from momi_lib.train.presets import BESIDE_THE_PAPER, as_in_the_paper, beside_the_paper, changed, flat
from momi_lib.translate import network_of

READ_FREELY = {
    "distil_steps", "augment.mirror", "loss.perceptual", "loss.perceptual_on", "loss.adversarial_terms",
    "network.attention_block", "network.decoder", "network.decode_at",
}  # fmt: skip


def card(config: TrainConfig) -> dict:
    return {"config": plain(config)}


def differing(one: TrainConfig, other: TrainConfig) -> set[str]:
    ours, theirs = flat(plain(one)), flat(plain(other))
    return {name for name in ours if ours[name] != theirs[name]}


@pytest.mark.parametrize("name", PRESETS)
def test_in_the_papers_way_every_preset_is_a_plain_network_that_can_be_made(name):
    config = as_in_the_paper(preset(name, loss=dict(feature_matching=1.0)))
    network, known = config.network, preset(name).network
    assert (network.carry, network.transfer, network.pose_detail) == (False, "join", 0)
    assert network.output == ("half" if known.output == "features" else known.output)
    loss = config.loss
    assert not any((config.body_steps, loss.draw_all, loss.sharpness, loss.light, loss.keep, loss.feature_matching))
    assert (loss.weights.patch, loss.weights.adversarial, loss.pose_consistency) == (0.5, 0.5, 0)
    assert (network.width, network.encoder, network.generator) == (known.width, known.encoder, known.generator)
    if not name.startswith(("base", "paper")):
        assert type(network_of(network)).__name__ == "MomiNet"


def test_what_is_left_out_in_the_papers_way_is_named_in_a_card():
    """But for what goes with carrying: where the generator ends, and how long the body maps learn."""
    for name in ("small", "lookup", "base"):
        config, usual = preset(name), as_in_the_paper(preset(name))
        named = set(beside_the_paper(card(config)))
        assert differing(config, usual) - {"network.output", "body_steps"} == named - READ_FREELY
        assert named >= READ_FREELY


def test_the_values_are_the_runs_and_the_papers():
    found = beside_the_paper(card(preset("small")))
    assert found["network.carry"] == (True, False) and found["loss.draw_all"] == (0.3, 0.0)
    assert found["distil_steps"] == (preset("small").distil_steps, 0) and found["augment.mirror"] == (0.5, 0.0)
    assert found["loss.perceptual_on"] == ("both", "source") and found["loss.adversarial_terms"] == ("mean", "sum")
    assert found["network.decode_at"] == ("quarter", "full") and found["network.attention_block"] == ("normed", "pat")
    assert found["loss.weights.patch"] == (0.1, 0.5) and "loss.lookup_guidance" not in found
    assert beside_the_paper(card(preset("lookup")))["loss.lookup_guidance"] == (0.2, 0.0)
    assert beside_the_paper(card(preset("small", loss=dict(light=0.2))))["loss.light"] == (0.2, 0.0)
    assert beside_the_paper(card(preset("paper"))) == {}
    for option, value in (
        ("weights.perceptual", 0.0), ("weights.translate", 0.5), ("adversarial", "hinge"), ("penalty", 1.0),
        ("patch_shape", "strip"), ("pose_mask", 2.0), ("keep", 0.0),
    ):  # fmt: skip
        run = changed(preset("small"), {f"loss.{option}": value})
        told = beside_the_paper(card(run)).get(f"loss.{option}")
        assert told is None if option == "keep" else told is not None and told[0] == value, option
        assert flat(plain(as_in_the_paper(run))) == flat(plain(as_in_the_paper(preset("small"))))


def test_a_card_from_before_an_option_had_its_default():
    config = plain(preset("lookup", augment=dict(mirror=0.0)))
    for name in ("adversarial_terms", "perceptual_on", "draw_all"):
        del config["loss"][name]
    for name in ("carry", "decode_at"):
        del config["network"][name]
    found = beside_the_paper({"config": config})
    assert found["loss.adversarial_terms"] == ("mean", "sum") and found["network.decode_at"] == ("quarter", "full")
    assert "network.carry" not in found and "augment.mirror" not in found
    assert set(found) <= BESIDE_THE_PAPER
