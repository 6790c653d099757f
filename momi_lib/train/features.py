"""Train the offline feature network of Eq. 4: a narrow VGG that learns who is who among the mannequins."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from momi_lib.data import People, load, mirror_pictures, to_float
from momi_lib.features import MannequinFeatures
from momi_lib.files import refuse_unwritable, save_tensors, sha256, weights_folder, write_json
from momi_lib.provenance import environment, plain
from momi_lib.train.run_config import RunConfig, expect

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FeaturesConfig(RunConfig):
    """One run of ``python -m momi_lib train-features``.

    Attributes:
        out: safetensors to write; its card stands beside it. ``None`` is the committed file for the embedded data, and
            a file under ``runs`` for any other.
        steps, batch, learning_rate, weight_decay: of AdamW with one cycle.
        smoothing: label smoothing of the cross entropy over identities.

    >>> FeaturesConfig().steps
    1200
    """

    steps: int = 1200
    batch: int = 48
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    smoothing: float = 0.1


def train_features(config: FeaturesConfig) -> dict[str, Any]:
    """Train on the identities of the training split, judge on those of the test split, write weights and card.

    Returns the card. Its scores are over people never seen in training: how often the nearest gallery picture
    (cosine) of a query shows the same person, ``rank1``, and the same after forgetting pictures of the query's
    own camera, ``rank1_across_cameras``.

    Raises:
        OSError: where the weights cannot be written, before any work.
        RuntimeError: for a loss that is no longer finite.
        ValueError: for a config out of range.
    """
    started = time.monotonic()
    _check(config)
    out = refuse_unwritable(default_out(config))
    device = config.where
    people = load(config.data, "train", device=device)
    labels = torch.searchsorted(people.identities, people.persons)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = MannequinFeatures()
        neck = nn.Sequential(nn.BatchNorm1d(384), nn.Linear(384, len(people.identities), bias=False))
    network, neck = network.to(device).to(memory_format=torch.channels_last).train(), neck.to(device)
    parameters = [*network.parameters(), *neck.parameters()]
    optimiser = torch.optim.AdamW(parameters, config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=config.steps)
    rng = torch.Generator().manual_seed(config.seed)

    progress = tqdm(range(config.steps), desc="features")
    for _ in progress:
        index = torch.randint(len(people), (config.batch,), generator=rng).to(device)
        pictures = augment(to_float(people.pictures[index]), rng)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.in_bf16(device)):
            logits = neck(network.embed(pictures)).float()
        loss = functional.cross_entropy(logits, labels[index], label_smoothing=config.smoothing)
        if not math.isfinite(loss.item()):
            raise RuntimeError("the cross entropy is no number any more; lower --learning-rate")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        progress.set_postfix(loss=f"{loss.item():.2f}")

    state = {name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()}
    save_tensors(out, state, {"format": "momi-features-1"})
    card = {
        "what": "narrow VGG, identity classification on the training identities",
        "config": {**plain(config), "out": out.name},
        **environment(device),
        "minutes": round((time.monotonic() - started) / 60, 1),
        "sha256": sha256(out),
        "scores": score_features(MannequinFeatures.load(out).to(device), config.data),
    }
    write_json(out.with_suffix(".json"), card)
    return card


def _check(config: FeaturesConfig) -> None:
    config.check()
    expect("", config, "count", "steps", "batch")
    if config.batch < 2:
        raise ValueError("batch: expected a whole number from 2 up, got 1: batch norm compares the pictures of a batch")
    expect("", config, "rate", "learning_rate")
    expect("", config, "weight", "weight_decay")
    expect("", config, "share", "smoothing")


def default_out(config: FeaturesConfig) -> Path:
    """Where the weights of a run go, see :meth:`RunConfig.weights_out`.

    >>> default_out(FeaturesConfig()).name
    'mannequin-features.safetensors'
    """
    return config.weights_out(weights_folder() / "mannequin-features.safetensors")


def augment(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Mirror, shift by up to 8 and 4 pixels, and change the light of each picture at random.

    Args:
        pictures: (N, 3, H, W) in [-1, 1].
        rng: CPU generator.

    >>> augment(torch.zeros(4, 3, 128, 64), torch.Generator().manual_seed(0)).shape
    torch.Size([4, 3, 128, 64])
    """
    count, device = len(pictures), pictures.device

    def draw(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=rng).to(device)

    pictures = torch.where(draw(1, 1, 1) < 0.5, mirror_pictures(pictures), pictures)
    height, width = pictures.shape[-2:]
    padded = functional.pad(pictures, (4, 4, 8, 8), mode="replicate")
    rows = (draw() * 17).long()[:, None] + torch.arange(height, device=device)
    columns = (draw() * 9).long()[:, None] + torch.arange(width, device=device)
    every = torch.arange(count, device=device)[:, None, None]
    pictures = padded.permute(0, 2, 3, 1)[every, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    contrast, light, cast = 0.7 + 0.6 * draw(1, 1, 1), 0.3 * draw(1, 1, 1) - 0.15, 0.2 * draw(3, 1, 1) - 0.1
    return (pictures * contrast + light + cast).clamp(-1, 1)


@torch.no_grad()
def score_features(network: MannequinFeatures, folder: Path | None) -> dict[str, float]:
    """Rank-1 of queries against the gallery, see :func:`train_features`."""
    gallery, query = load(folder, "gallery"), load(folder, "query")

    def embed(people: People) -> Tensor:
        device = next(network.parameters()).device
        chunks = people.pictures.split(128)
        return functional.normalize(torch.cat([network.embed(to_float(c.to(device))).cpu() for c in chunks]))

    likeness = embed(query) @ embed(gallery).T
    same = query.persons[:, None] == gallery.persons
    own_camera = same & (query.cameras[:, None] == gallery.cameras)

    def rank1(scores: Tensor) -> float:
        return round(float(same.gather(1, scores.argmax(1, keepdim=True)).float().mean()), 4)

    return {
        "queries": len(query),
        "rank1": rank1(likeness),
        "rank1_across_cameras": rank1(likeness.masked_fill(own_camera, -2)),
        "rank1_by_chance": round(float(same.float().mean()), 4),
    }
