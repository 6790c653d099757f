"""What a card says beside the paper, and what is left of a preset in the paper's way."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from momi_lib.provenance import plain
from momi_lib.train import PRESETS, preset
from momi_lib.train.config import TrainConfig
from momi_lib.train.presets import BESIDE_THE_PAPER, as_in_the_paper, beside_the_paper
from momi_lib.translate import NetworkConfig, network_of

READ_FREELY = {
    "distil_steps", "mirror", "perceptual", "perceptual_on", "adversarial_terms", "attention_block", "decoder",
    "decode_at",
}  # fmt: skip


def card(config: TrainConfig) -> dict:
    return {"config": plain(config)}


def differing(one: TrainConfig | NetworkConfig, other: TrainConfig | NetworkConfig) -> set[str]:
    return {f.name for f in fields(one) if getattr(one, f.name) != getattr(other, f.name)}


@pytest.mark.parametrize("name", PRESETS)
def test_in_the_papers_way_every_preset_is_a_plain_network_that_can_be_made(name):
    config = as_in_the_paper(preset(name, feature_matching=1.0))
    network, known = config.network, preset(name).network
    assert (network.carry, network.transfer, network.pose_detail) == (False, "join", 0)
    assert network.output == ("half" if known.output == "features" else known.output)
    assert not any((config.body_steps, config.draw_all, config.sharpness, config.light, config.feature_matching))
    assert (config.weights.patch, config.weights.adversarial, config.pose_consistency) == (0.5, 0.5, 0)
    assert (network.width, network.encoder, network.generator) == (known.width, known.encoder, known.generator)
    if not name.startswith(("base", "paper")):
        assert type(network_of(network)).__name__ == "MomiNet"


def test_what_is_left_out_in_the_papers_way_is_named_in_a_card():
    """But for what goes with carrying: where the generator ends, and how long the body maps learn."""
    for name in ("small", "lookup", "base"):
        config, usual = preset(name), as_in_the_paper(preset(name))
        changed = differing(config, usual) | differing(config.network, usual.network)
        named = {option.partition(".")[0] for option in beside_the_paper(card(config))}
        assert changed - {"network", "output", "body_steps"} == named - READ_FREELY
        assert named >= READ_FREELY


def test_the_values_are_the_runs_and_the_papers():
    found = beside_the_paper(card(preset("small")))
    assert found["carry"] == (True, False) and found["draw_all"] == (0.3, 0.0)
    assert found["distil_steps"] == (preset("small").distil_steps, 0) and found["mirror"] == (0.5, 0.0)
    assert found["perceptual_on"] == ("both", "source") and found["adversarial_terms"] == ("mean", "sum")
    assert found["decode_at"] == ("quarter", "full") and found["attention_block"] == ("normed", "pat")
    assert found["weights.patch"] == (0.1, 0.5) and "lookup_guidance" not in found
    assert beside_the_paper(card(preset("lookup")))["lookup_guidance"] == (0.2, 0.0)
    assert beside_the_paper(card(preset("small", light=0.1)))["light"] == (0.1, 0.0)
    assert beside_the_paper(card(preset("paper"))) == {}


def test_a_card_from_before_an_option_had_its_default():
    config = plain(replace(preset("lookup"), mirror=0.0))
    for name in ("adversarial_terms", "perceptual_on", "draw_all"):
        del config[name]
    for name in ("carry", "decode_at"):
        del config["network"][name]
    found = beside_the_paper({"config": config})
    assert found["adversarial_terms"] == ("mean", "sum") and found["decode_at"] == ("quarter", "full")
    assert "carry" not in found and "mirror" not in found
    assert set(found) <= {*BESIDE_THE_PAPER, "weights.patch", "weights.adversarial"}
