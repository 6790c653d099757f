"""All scores of a set of swaps in one call, with the networks that some of them need."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from momi_lib.data import Truth
from momi_lib.features import MannequinFeatures, feature_network
from momi_lib.files import remove, sha256, weights_folder, write_json
from momi_lib.metrics.distances import frechet_distance, polynomial_mmd
from momi_lib.metrics.outside_judges import NamedJudges
from momi_lib.metrics.perceptual import describe, perceptual_distance
from momi_lib.metrics.pose import pose_score
from momi_lib.metrics.reid import rank1
from momi_lib.metrics.true_swaps import score_truth, sharpness
from momi_lib.pose import load_teacher
from momi_lib.provenance import environment

log = logging.getLogger(__name__)

DIGITS = 16
FILE = f"{'[0-9a-f]' * DIGITS}.json"  # the name of a file of scores


class Judges:
    """The offline feature network and the teacher, with the real pictures that swaps are compared with.

    Args:
        truth: the swaps; the test pictures they are drawn from are the reference of the distances between sets.
        device: where the networks compute.
        named: judges to ask as well; they take most of the time.
        keep: folder for the scores of each answer, written when they are known. They are read instead of asking again
            about the same pictures, where judges, swaps, device and versions are the same too; code that changes
            between the two is not noticed. ``None``: nothing is kept.

    Raises:
        FileNotFoundError: where a network's weights are missing, with the command that makes them.

    Attributes:
        conditions: what must stand beside the scores.
    """

    def __init__(
        self,
        truth: Truth,
        device: torch.device | str = "cpu",
        *,
        named: NamedJudges | None = None,
        keep: Path | None = None,
    ) -> None:
        self.truth, self.named, self.device = truth, named, device
        self.keep = None if keep is None else Path(keep)
        self.features = feature_network("mannequin").to(device)
        assert isinstance(self.features, MannequinFeatures)
        self.teacher = load_teacher(None, device)
        self.reference = describe(self.features, truth.people.pictures)
        teacher = weights_folder() / "mannequin-teacher.safetensors"
        self.conditions = {
            "features": self.features.name,
            "teacher": f"mannequin-teacher[{sha256(teacher)[:8]}]",
            "reference": f"{len(self.reference)} real pictures of the test people",
        }
        if named is not None:
            self.conditions |= {"named": named.conditions, "missing": named.missing}

    def score(self, pictures: Tensor) -> dict[str, Any]:
        """Every score of ``pictures`` (M, 3, H, W) uint8, one for each swap; JSON-ready, rounded.

        Returns:
            of :class:`~momi_lib.metrics.TruthScores` all fields; ``perceptual`` (mean of
            :func:`~momi_lib.metrics.perceptual.perceptual_distance`), ``pck`` and ``confusion``
            (:func:`~momi_lib.metrics.pose.pose_score`), ``rank1``, ``frechet``, ``kid`` and
            ``kid_deviation``; :func:`~momi_lib.metrics.true_swaps.sharpness`; and the columns of
            :class:`~momi_lib.metrics.outside_judges.NamedJudges` where it is asked.
        """
        file = None if self.keep is None else self.keep / f"{self._key(pictures)}.json"
        if file is not None:
            try:
                return json.loads(file.read_text(encoding="utf-8"))
            except FileNotFoundError:
                pass
            except (OSError, ValueError) as error:
                log.warning("%s: damaged; the judges are asked again (%s)", file, error)
        scores = self._score(pictures)
        if file is not None:
            try:
                write_json(file, scores)
            except OSError as error:
                log.warning("%s: not kept (%s); if this run is stopped, the next one asks again", file, error)
        return scores

    def _key(self, pictures: Tensor) -> str:
        """What the scores of ``pictures`` depend on, in hexadecimal digits."""
        here, truth = environment(self.device), self.truth
        judges = {name: value for name, value in self.conditions.items() if name != "missing"}  # why, in words
        on = {**judges, "versions": here["versions"], "device": here["device"], "shape": list(pictures.shape),
              "fingerprint": truth.people.fingerprint}  # fmt: skip
        digest = hashlib.sha256(json.dumps(on, sort_keys=True).encode())
        answers = truth.pictures, truth.masks, truth.joints, truth.visibility
        for tensor in (truth.source, truth.target, *answers, pictures):
            digest.update(tensor.cpu().contiguous().numpy().data)
        return digest.hexdigest()[:DIGITS]

    def _score(self, pictures: Tensor) -> dict[str, Any]:
        truth = self.truth
        scores = score_truth(pictures, truth)
        pose = pose_score(self.teacher, pictures, truth)
        descriptors = describe(self.features, pictures)
        kid = polynomial_mmd(descriptors, self.reference, subsets=20)
        values = {
            **vars(scores),
            "perceptual": float(perceptual_distance(self.features, pictures, truth.pictures, truth.masks).mean()),
            **pose,
            "rank1": float(rank1(descriptors, self.reference, truth).float().mean()),
            "frechet": frechet_distance(descriptors, self.reference),
            "kid": kid.mean,
            "kid_deviation": kid.deviation,
            "sharpness": sharpness(pictures, truth.pictures, truth.masks),
            **({} if self.named is None else self.named.score(pictures)),
        }
        return {name: value if isinstance(value, int) else float(f"{value:.5g}") for name, value in values.items()}


def forget(keep: Path) -> None:
    """Delete the scores that :class:`Judges` kept in this folder, and the folder if nothing else is in it."""
    with suppress(OSError):  # it is not there, not empty, or another run is at work in it
        for name in (FILE, f".{FILE}.*"):  # the second are those of a run that was killed while it wrote
            for file in keep.glob(name):
                remove(file)
        keep.rmdir()
