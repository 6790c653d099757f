"""Train the network of APS: two pictures of one person, or of two?"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from tqdm.auto import tqdm

from momi_lib.data import People, TripletSampler, load, to_float
from momi_lib.files import refuse_unwritable, write_json
from momi_lib.metrics.affinity import AffinityNetwork, Backbone, Variant, affinity_weights, starting_weights
from momi_lib.metrics.aps import real_affinities
from momi_lib.provenance import begun_with, environment, plain
from momi_lib.train.features import augment
from momi_lib.train.run_config import RunConfig, expect

#: The split whose identities a variant learns.
SPLITS = {"heldout": "train", "paper": "test"}


@dataclass(frozen=True, kw_only=True)
class AffinityConfig(RunConfig):
    """One run of ``python -m momi_lib train-affinity``.

    Attributes:
        variant: ``"heldout"`` learns the identities of the training split, ``"paper"`` those of the test split,
            which it then judges, as the paper did.
        backbone: ``"mannequin"`` or ``"resnet50"``.
        out: safetensors to write; its card stands beside it. ``None`` is the folder of weights for the embedded
            data, and ``runs`` for any other, by a name that says data, backbone and variant.
        start: weights the backbone begins with; ``None`` takes those that come with the data for ``"mannequin"`` and
            torchvision's downloaded ones for ``"resnet50"``.
        steps, batch, learning_rate, weight_decay: of AdamW with one cycle; a batch is so many pairs, half of them of
            one person.
        fine_tuning: the backbone's learning rate as a share of the head's; 0 leaves its weights as they are.
        pairs: real pairs of each kind that the card's scores are taken on.

    >>> AffinityConfig().variant
    'heldout'
    """

    variant: Variant = "heldout"
    backbone: Backbone = "mannequin"
    start: Path | None = None
    steps: int = 600
    batch: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    fine_tuning: float = 0.1
    pairs: int = 6000


def train_affinity(config: AffinityConfig) -> dict[str, Any]:
    """Train on balanced pairs of real pictures, judge on pairs of the test people, write weights and card.

    Returns the card. Its scores are of the weights as they were stored, over real pairs of the test split: for
    ``heldout`` people never seen in training, for ``paper`` the very people it was trained on, as the card says.

    Raises:
        FileNotFoundError: where the backbone's first weights are missing, with what to do.
        OSError: where the weights cannot be written, before any work.
        ValueError: for a config out of range, too few people, or a loss that is no longer finite.
    """
    _check(config)
    started = time.monotonic()
    device = config.where
    out = refuse_unwritable(default_out(config))
    start = config.start or starting_weights(config.backbone)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)  # PyTorch's initial weights know only the global generator
        network = AffinityNetwork(config.variant, config.backbone)
    network.start(start).to(device).to(memory_format=torch.channels_last)
    people = load(config.data, SPLITS[config.variant], device=device)
    losses = _learn(network, people, config)

    network.save(out)
    stored, test = AffinityNetwork.load(out, device=device), load(config.data, "test")
    scores = real_affinities(stored, test, pairs=config.pairs, seed=config.seed)
    known = config.variant == "paper"
    tenth = max(1, config.steps // 10)
    card = {
        "what": f"two-stream {stored.card.backend}, same or different identity, trained on the identities of the "
        f"{'test' if known else 'training'} split",
        "variant": config.variant,
        "config": {**plain(config), "out": out.name},
        **environment(device),
        "minutes": round((time.monotonic() - started) / 60, 1),
        "sha256": stored.weights,
        "begun_with": begun_with(start),
        "pictures": len(people),
        "identities": len(people.identities),
        "fingerprint": people.fingerprint,
        "data": people.folder.name,
        "loss": {"first_tenth": _rounded(losses[:tenth].mean()), "last_tenth": _rounded(losses[-tenth:].mean())},
        "scores": {
            "pairs_of_each_kind": scores.count,
            "people": "the test people, the very ones it was trained on: it says nothing of others"
            if known
            else "the test people, never seen in training",
            **{name: _rounded(getattr(scores, name)) for name in ("accuracy", "auc", "same", "different")},
            "copy": _rounded(stored.copy_affinity),
        },
    }
    write_json(out.with_suffix(".json"), card)
    return card


def default_out(config: AffinityConfig) -> Path:
    """Where the weights of a run go, see :meth:`RunConfig.weights_out`.

    >>> default_out(AffinityConfig(variant="paper")).name
    'mannequin-affinity-paper.safetensors'
    """
    return config.weights_out(affinity_weights(config.variant, config.backbone))


def _learn(network: AffinityNetwork, people: People, config: AffinityConfig) -> Tensor:
    """The loss of every step, (steps,); leaves the network in evaluation mode."""
    network.backbone.requires_grad_(config.fine_tuning > 0)
    rates = [config.learning_rate * share for share in (config.fine_tuning, 1) if share]
    parts = [part for part in (network.backbone, network.head) if next(part.parameters()).requires_grad]
    groups = [{"params": [*part.parameters()], "lr": rate} for part, rate in zip(parts, rates, strict=True)]
    optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=config.steps)
    device, somebody = people.pictures.device, (people.persons.cpu() > 0).nonzero()[:, 0]
    sampler = TripletSampler(people.persons.cpu()[somebody], seed=config.seed)
    generator = torch.Generator().manual_seed(config.seed)
    truth = torch.arange(config.batch, device=device).lt(config.batch // 2).float()  # a half of one person, then of two

    network.train()
    if not config.fine_tuning:
        network.backbone.eval()  # the statistics of its normalisation stay, too
    losses = []
    progress = tqdm(range(config.steps), desc="affinity")
    for step in progress:
        # Each picture x stands in one pair of either kind, (x, x⁺) and (x, x⁻), and is described once.
        index = somebody[torch.cat(sampler.draw(config.batch // 2))].to(device)
        pictures = augment(to_float(people.pictures[index]), generator)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.in_bf16(device)):
            features = network.embed(pictures)
        source, positive, negative = features.float().chunk(3)
        logits = network.compare(torch.cat([source, source]), torch.cat([positive, negative]))
        loss = functional.binary_cross_entropy_with_logits(logits, truth)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise ValueError(
                f"step {step + 1}: the binary cross entropy is {losses[-1]}; lower --learning-rate, or take fp32"
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        progress.set_postfix(loss=f"{losses[-1]:.3f}")
    network.eval()
    return torch.tensor(losses)


def _check(config: AffinityConfig) -> None:
    config.check()
    for name, least in (("steps", 2), ("batch", 4), ("pairs", 1)):
        value = getattr(config, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name}: expected a whole number from {least}, got {value!r}")
    if config.batch % 2:
        raise ValueError(f"batch: expected an even number of pairs, half of them of one person, got {config.batch}")
    expect("", config, "rate", "learning_rate")
    expect("", config, "weight", "weight_decay")
    if not 0 <= config.fine_tuning <= 1:
        raise ValueError(f"fine_tuning: expected a share from 0 to 1, got {config.fine_tuning!r}")


def _rounded(value: float | Tensor) -> float:
    return round(float(value), 4)
